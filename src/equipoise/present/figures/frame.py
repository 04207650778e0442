"""What plots with two axes share: the frame, its upright axis, and labels that keep clear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, draw_axis, fit_axis
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width

#: How wide a label beside a mark may be before it is cut.
_LABEL = 200.0
#: Distances between a mark and its label; from the second on a line leads to it.
_GAPS = (3.0, 12.0, 24.0, 38.0)
_WAYS = ((1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the paper."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        """Whether the other lies within."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    @classmethod
    def around(cls, x: float, y: float, r: float) -> Box:
        """The square around a mark."""
        return cls(x - r, y - r, x + r, y + r)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at (x, y) on the paper that may have a label; `r` is how far it reaches."""

    x: float
    y: float
    r: float
    label: str

    @property
    def box(self) -> Box:
        """The square around it."""
        return Box.around(self.x, self.y, self.r)


def spanning(
    values: Sequence[float], left: float, right: float, *, floor: float | None = None
) -> Axis:
    """A linear axis that holds all values, and begins at `floor` where one is given."""
    finite = [v for v in values if math.isfinite(v)] + ([] if floor is None else [floor])
    if floor is not None and max(finite) <= floor:
        finite.append(floor + 1.0)
    axis = fit_axis((), (), null=math.nan, left=left, right=right, log=False, keep=finite)
    return axis if floor is None else replace(axis, low=floor)


def draw_frame(d: Drawing, x: Axis, y: Axis, *, titles: tuple[str, str]) -> float:
    """Draw both axes with faint lines at their ticks; return the baseline below them.

    The title of the upright axis stands over it, so that nobody has to turn the head; `titles` are
    those of `x` and `y`.
    """
    for value, text in y.ticks():
        at = y.at(value)
        d.path(f"M{x.left:.1f} {at:.1f}H{x.right:.1f}", "", "band", under=True)
        d.line(x.left - 5, at, x.left, at, role="neutral")
        d.text(x.left - 8, at + d.size * 0.35, text, anchor="end", role="neutral")
    for value, _ in x.ticks():
        at = x.at(value)
        d.path(f"M{at:.1f} {y.left:.1f}V{y.right:.1f}", "", "band", under=True)
    d.line(x.left, y.left, x.left, y.right, role="neutral")
    d.text(EDGE, y.right - d.size * 0.95, titles[1], role="neutral")
    return draw_axis(d, x, y.left, title=titles[0], ends=("", ""), null=math.nan)


def margin_of(ticks: Sequence[tuple[float, str]], size: float) -> float:
    """How much room an upright axis needs at its left."""
    return EDGE + max([text_width(text, size) for _, text in ticks] or [0.0]) + 12


def draw_labels(
    d: Drawing,
    frame: Box,
    wanted: Sequence[Mark],
    marks: Sequence[Mark],
    *,
    taken: Sequence[Box] = (),
) -> int:
    """Write labels beside marks where there is room, the first ones first; return how many.

    No label lies on another, on a mark or beyond the frame. One that finds no room is not written.
    """
    used = [*taken, *(mark.box for mark in marks)]
    written = 0
    for mark in wanted:
        text = shortened(mark.label, _LABEL, d.size, 1)[0] if mark.label else ""
        found = _room(frame, used, mark, text_width(text, d.size), d.size) if text else None
        if found is None:
            continue
        box, far = found
        used.append(box)
        if far:
            near_x = min(max(mark.x, box.left), box.right)
            near_y = min(max(mark.y, box.top), box.bottom)
            away = math.hypot(near_x - mark.x, near_y - mark.y) or 1.0
            start = min(mark.r / away, 1.0)
            d.line(
                mark.x + (near_x - mark.x) * start,
                mark.y + (near_y - mark.y) * start,
                near_x,
                near_y,
                role="icon",
            )
        d.text(box.left, box.bottom - 0.25 * d.size, text)
        written += 1
    return written


def _room(
    frame: Box, used: Sequence[Box], mark: Mark, wide: float, size: float
) -> tuple[Box, bool] | None:
    """The nearest free place for a label, and whether a line must lead to it."""
    tall = 1.05 * size
    for gap in _GAPS:
        reach = mark.r + gap
        for across, down in _WAYS:
            shrink = 0.75 if across and down else 1.0
            left = mark.x - wide / 2
            if across:
                left = mark.x + reach * shrink if across > 0 else mark.x - reach * shrink - wide
            top = mark.y - tall / 2
            if down:
                top = mark.y + reach * shrink if down > 0 else mark.y - reach * shrink - tall
            box = Box(left, top, left + wide, top + tall)
            if frame.holds(box) and not any(box.meets(other) for other in used):
                return box, gap > _GAPS[0]
    return None
