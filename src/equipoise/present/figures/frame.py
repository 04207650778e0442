"""What plots with two axes share: the frame, its upright axis, and labels that keep clear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.core.table import count, counted
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, draw_axis, fit_axis
from equipoise.present.figures.figure import PHONE
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width, wrap

#: How wide a label beside a mark may be before it is cut.
_LABEL = 200.0
#: Distance between lines of an axis title, in sizes of the font.
_LEADING = 1.25
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

    def has(self, point: tuple[float, float]) -> bool:
        """Whether a point lies within."""
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom

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


def begin(prefix: str, width: float, title: str, upright: str = "") -> tuple[Drawing, float]:
    """Open a drawing with its heading; return it and the head of the frame below.

    `upright` is the title of the upright axis, for which room is left.
    """
    d = Drawing(prefix, width, size=14 if width < PHONE else 13)
    inside = width - 2 * EDGE
    below = d.paragraph(EDGE, 22, title, inside, size=d.size + 2, bold=True)
    lines = max(1, len(wrap(upright, inside, d.size)))
    return d, below + 26 + (lines - 1) * d.size * _LEADING


def high_of(d: Drawing, wide: float) -> float:
    """How high a frame is: `wide` on a page, less on a phone."""
    return min(wide, 0.92 * d.width) if d.width < PHONE else wide


def stretched(axis: Axis, left: float, right: float) -> Axis:
    """The same scale from one place on the paper to another."""
    per = (axis.high - axis.low) / (axis.right - axis.left)
    low, high = axis.low + per * (left - axis.left), axis.high + per * (right - axis.right)
    return replace(axis, low=low, high=high, left=left, right=right)


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
    lines = wrap(titles[1], d.width - 2 * EDGE, d.size)
    for i, line in enumerate(reversed(lines)):
        d.text(EDGE, y.right - d.size * (0.95 + i * _LEADING), line, role="neutral")
    return draw_axis(d, x, y.left, title=titles[0], ends=("", ""), null=math.nan)


def margin_of(ticks: Sequence[tuple[float, str]], size: float) -> float:
    """How much room an upright axis needs at its left."""
    return EDGE + max([text_width(text, size) for _, text in ticks] or [0.0]) + 12


def draw_diamond_mark(d: Drawing, mark: Mark) -> None:
    """Draw a mark that stands out from circles by its shape and its colour."""
    x, y, r = mark.x, mark.y, 5.5
    d.begin(mark.label)
    corners = [(x - r, y), (x, y - r), (x + r, y), (x, y + r)]
    d.polygon(corners, fill="harm", stroke="ink")
    d.end()


def draw_circle(
    d: Drawing,
    mark: Mark,
    r: float,
    *,
    fill: str = "soft",
    stroke: str = "benefit",
    stroke_width: float = 1.4,
    opacity: float = 1,
) -> None:
    """Draw a trial as a circle that says its name when a pointer rests on it."""
    d.begin(mark.label)
    d.circle(
        mark.x, mark.y, r, fill=fill, stroke=stroke, stroke_width=stroke_width, opacity=opacity
    )
    d.end()


def naming_said(wrote: int, k: int) -> str:
    """The sentence below a plot that names only some of its trials."""
    are = "is" if wrote == 1 else "are"
    named = f"{count(wrote)} of {counted(k, 'trial')} {are}" if wrote else "No trial is"
    return f"{named} named here; the table has all."


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
    texts: list[Box] = []
    most = min(_LABEL, 0.42 * d.width)
    for mark in wanted:
        text = shortened(mark.label, most, d.size, 1)[0] if mark.label else ""
        wide = text_width(text, d.size)
        found = _room(frame, used, texts, mark, wide, d.size) if text else None
        if found is None:
            continue
        box, leader = found
        texts.append(box)
        # Nothing else may stand on a leader.
        used += [box, *(Box.around(x, y, 2.0) for x, y in leader)]
        if leader:
            d.line(*leader[0], *leader[-1], role="icon")
        d.text(box.left, box.bottom - 0.25 * d.size, text, halo=True)
    return len(texts)


def _room(
    frame: Box, used: Sequence[Box], texts: Sequence[Box], mark: Mark, wide: float, size: float
) -> tuple[Box, list[tuple[float, float]]] | None:
    """The nearest free place for a label, with the points of the line that must lead to it."""
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
            if not frame.holds(box) or any(box.meets(other) for other in used):
                continue
            leader = _leader(mark, box) if gap > _GAPS[0] else []
            if not any(text.has(point) for point in leader for text in texts):
                return box, leader
    return None


def _leader(mark: Mark, box: Box) -> list[tuple[float, float]]:
    """Points from the edge of a mark to its label, close to each other."""
    near = (min(max(mark.x, box.left), box.right), min(max(mark.y, box.top), box.bottom))
    far = (near[0] - mark.x, near[1] - mark.y)
    away = math.hypot(*far) or 1.0
    start = min(mark.r / away, 1.0)
    steps = max(2, math.ceil(away * (1.0 - start) / 3.0))
    shares = [start + (1.0 - start) * i / (steps - 1) for i in range(steps)]
    return [(mark.x + far[0] * share, mark.y + far[1] * share) for share in shares]
