"""Paired bars: an outcome in points, with and without the treatment, and the difference.

The bars stand on the instrument's own scale. Below them the difference has its interval, and the
strip of differences that are too small to matter.

Source: Cochrane Handbook, chapter 15.5.3, for effects on a scale that readers know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from equipoise.certainty.grade import Level
from equipoise.core.errors import InputError
from equipoise.core.provenance import Quantity
from equipoise.core.table import Column, Table, Value, show, significant
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import (
    Axis,
    draw_axis,
    draw_band_label,
    draw_ground,
    draw_interval,
    fit_axis,
)
from equipoise.present.figures.figure import Figure, laid_out
from equipoise.present.figures.icons import not_known
from equipoise.present.figures.plot import favours

_EDGE = 6.0
_BAR = 20.0
_STRIP = 30.0


@dataclass(frozen=True, slots=True)
class _Bars:
    title: str
    desc: str
    reference: str
    sides: tuple[tuple[str, Quantity], ...]
    difference: Quantity
    scale: tuple[float, float] | None
    threshold: float | None
    scale_words: str
    ends: tuple[str, str]


def paired_bars(
    difference: Quantity,
    *,
    without: Quantity | None = None,
    with_: Quantity | None = None,
    better: Literal["lower", "higher"],
    scale: tuple[float, float] | None = None,
    threshold: float | None = None,
    reference: str = "",
    sides: tuple[str, str] = ("Without the treatment", "With the treatment"),
    title: str = "In points",
    certainty: Level | None = None,
    prefix: str = "bars",
) -> Figure:
    """Draw an outcome in points, without and with the treatment, and the difference.

    Parameters
    ----------
    difference
        With the treatment minus without it, in points, as an
        :class:`~equipoise.answer.answer.Absolute` of a continuous outcome holds it.
    without, with_
        The level of each side. Where either is not known only the difference is drawn.
    better
        Whether fewer (``"lower"``) or more (``"higher"``) points are better.
    scale
        The ends of the instrument's scale.
    threshold
        The smallest difference that matters, above 0, from the registry of thresholds.
    reference
        Who the people are.
    sides
        Names of the two bars.
    certainty
        With ``"very low"`` nothing is drawn but a panel that says that it is not known.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For a threshold that is not above 0, or a scale without length.
    """
    if better not in ("lower", "higher"):
        raise InputError(f"better={better!r}", hint="'lower' or 'higher'")
    if threshold is not None and not 0 < threshold < math.inf:
        raise InputError(f"threshold={threshold!r}", hint="a difference in points above 0")
    if scale is not None and not scale[0] < scale[1]:
        raise InputError(f"scale={scale!r}", hint="its lower and its upper end")
    if certainty == "very low":
        return not_known(title, "how large the difference is", prefix)
    pairs = ((sides[0], without), (sides[1], with_))
    known = tuple((name, q) for name, q in pairs if q is not None)
    ends = favours(better, ("the treatment", "going without"))
    drawn = known if len(known) == 2 else ()
    bars = _bars(difference, drawn, title, scale, threshold, reference, ends)
    return laid_out(
        lambda width, name: _draw(bars, width, name), _table(bars), bars.desc, prefix=prefix
    )


def _bars(
    difference: Quantity,
    sides: tuple[tuple[str, Quantity], ...],
    title: str,
    scale: tuple[float, float] | None,
    threshold: float | None,
    reference: str,
    ends: tuple[str, str],
) -> _Bars:
    unit = difference.unit
    words = unit
    if scale is not None:
        words += f" on a scale of {scale[0]:g} to {scale[1]:g}"
    desc = f"Of {reference}. " if reference else ""
    desc += " ".join(f"{name}: {_shown(q)}." for name, q in sides)
    desc += f" Difference: {_shown(difference)}."
    if threshold is not None:
        desc += f" Less than {significant(threshold, 4)} {unit} is too small to matter."
    return _Bars(title, desc.strip(), reference, sides, difference, scale, threshold, words, ends)


def _shown(q: Quantity) -> str:
    return f"{show(q)} {q.unit}".strip()


def _ends(q: Quantity) -> tuple[float, float]:
    return (q.value if q.low is None else q.low, q.value if q.high is None else q.high)


def _table(bars: _Bars) -> Table:
    rows: list[tuple[Value, ...]] = [(name, q) for name, q in bars.sides]
    rows.append(("Difference", bars.difference))
    if bars.threshold is not None:
        small = significant(bars.threshold, 4)
        rows.append(("Smallest difference that matters", f"{small} {bars.difference.unit}"))
    return Table(
        bars.title,
        (Column("what", "What"), Column("points", bars.scale_words.capitalize(), align="right")),
        tuple(rows),
    )


def _draw(bars: _Bars, width: float, prefix: str) -> str:
    d = Drawing(prefix, width, size=14)
    inside = width - 2 * _EDGE
    y = d.paragraph(_EDGE, 22, bars.title, inside, size=16, bold=True)
    if bars.reference:
        y = d.paragraph(_EDGE, y, bars.reference, inside, role="neutral")
    if bars.sides:
        y = _levels(d, bars, y + 4)
    return d.svg(_change(d, bars, y + 10), bars.title, bars.desc)


def _levels(d: Drawing, bars: _Bars, y: float) -> float:
    """Draw both sides as bars on the scale from `y` down; return the next baseline."""
    axis = _scale_axis(d, bars)
    foot = axis.at(min(max(0.0, axis.low), axis.high) if bars.scale is None else axis.low)
    for i, (name, q) in enumerate(bars.sides):
        y = d.paragraph(_EDGE, y, f"{name}: {_shown(q)}", d.width - 2 * _EDGE, bold=True) - 8
        x = axis.at(q.value)
        left, wide = min(foot, x), abs(x - foot)
        d.rect(left, y, wide, _BAR, fill="soft" if i else "band", stroke="benefit" if i else "ink")
        low, high = _ends(q)
        if low < high:
            draw_interval(d, axis, y + _BAR / 2, low, high, width=2)
        y += _BAR + 20
    return draw_axis(d, axis, y - 14, title=bars.scale_words, ends=("", ""), null=math.nan)


def _scale_axis(d: Drawing, bars: _Bars) -> Axis:
    left, right = _EDGE + 12, d.width - _EDGE - 12
    if bars.scale is not None:
        return Axis(*bars.scale, left, right, log=False)
    found = [q for _, q in bars.sides]
    return fit_axis(
        [q.value for q in found],
        [_ends(q) for q in found],
        null=math.nan,
        left=left,
        right=right,
        log=False,
        keep=(0.0, *(q.value for q in found)),
    )


def _change(d: Drawing, bars: _Bars, y: float) -> float:
    """Draw the difference with its interval over the strip of what is too small to matter."""
    q = bars.difference
    band = None if bars.threshold is None else (-bars.threshold, bars.threshold)
    low, high = _ends(q)
    axis = fit_axis(
        [q.value],
        [(low, high)],
        null=0.0,
        left=_EDGE + 12,
        right=d.width - _EDGE - 12,
        log=False,
        keep=(q.value, *(band or ())),
    )
    inside = d.width - 2 * _EDGE
    y = d.paragraph(_EDGE, y, f"Difference: {_shown(q)}", inside, bold=True)
    if band is not None:
        draw_band_label(d, axis, y + 2, band)
        y += 16
    draw_ground(d, axis, [(y, y + _STRIP)], null=0.0, band=band)
    draw_interval(d, axis, y + _STRIP / 2, low, high, width=2)
    d.circle(axis.at(q.value), y + _STRIP / 2, 6.5, fill="neutral", stroke="ink")
    title = f"Difference, {q.unit}"
    return draw_axis(d, axis, y + _STRIP, title=title, ends=bars.ends, null=0.0)
