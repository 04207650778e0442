"""L'Abbé's plot: the risk in one group against the risk in the other.

Source: L'Abbé, Detsky, O'Rourke 1987, Ann Intern Med 107:224, doi:10.7326/0003-4819-107-2-224.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.table import Column, Table, Value, count, counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis
from equipoise.present.figures.figure import PHONE, Figure, laid_out, refuse_other
from equipoise.present.figures.frame import (
    Box,
    Mark,
    begin,
    draw_circle,
    draw_frame,
    draw_labels,
    naming_said,
    spanning,
)
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import capital, writer

_SIDE = 440.0
_COLUMNS = ("events1", "n1", "events2", "n2")
_MEASURES = ("RR", "OR", "RD")
#: Up to this many trials are named in the drawing.
_NAMED = 15


@typed_late
def labbe(
    what: Contrasts | PairwiseFit,
    *,
    sides: tuple[str, str] = ("treatment", "comparison"),
    title: str | None = None,
    width: float | None = None,
    prefix: str = "labbe",
) -> Figure:
    """Draw the risk of the event with treatment against the risk without.

    Parameters
    ----------
    what
        Risk ratios, odds ratios or risk differences that were computed from counts, or what
        :func:`equipoise.pairwise` gave for them; effects are pooled with its defaults.
    sides
        What group 1 and group 2 had.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        The area of a circle is the trial's precision (1 / variance); hollow circles have no
        estimate. The diagonal is no effect, the curve is the pooled effect at every risk.

    Raises
    ------
    InputError
        For another measure, effects without counts, or no trial with counts.

    Notes
    -----
    Source: L'Abbé, Detsky & O'Rourke 1987, Ann Intern Med 107:224,
    doi:10.7326/0003-4819-107-2-224.
    """
    _check(what)
    made = _gathered(what, sides)
    title = title or f"Risk with {sides[0]} against risk with {sides[1]}"
    desc = _said(made)
    return laid_out(
        lambda wide, ids: _draw(made, title, desc, wide, ids),
        _table(made, title),
        desc,
        prefix=prefix,
        width=width,
    )


@dataclass(frozen=True, slots=True)
class _Risks:
    """The trials with counts of both groups, and those that lack them."""

    measure: Measure
    names: tuple[str, ...]
    cells: tuple[Floats, ...]
    yi: Floats
    vi: Floats
    slope: float
    sides: tuple[str, str]
    missing: tuple[str, ...]

    @property
    def one(self) -> Floats:
        return self.cells[0] / self.cells[1]

    @property
    def two(self) -> Floats:
        return self.cells[2] / self.cells[3]

    @property
    def pooled(self) -> str:
        return writer(self.measure)(self.measure.back(self.slope))


def _gathered(what: Contrasts | PairwiseFit, sides: tuple[str, str]) -> _Risks:
    cells = [np.asarray(what.raw[name]) for name in _COLUMNS]
    known = np.isfinite(cells).all(axis=0) & (cells[1] > 0) & (cells[3] > 0)
    if not known.any():
        raise InputError("no trial has the counts of both groups", hint="events and people")
    missing = [name for name, flag in zip(what.study, known, strict=True) if not flag]
    missing += [f"{row.study} ({row.why})" for row in what.left_out]
    fit = what if isinstance(what, PairwiseFit) else pairwise(what)
    return _Risks(
        measure_of(what.measure),
        tuple(name for name, flag in zip(what.study, known, strict=True) if flag),
        tuple(column[known] for column in cells),
        np.asarray(what.yi)[known],
        np.asarray(what.vi)[known],
        fit.estimate,
        sides,
        tuple(missing),
    )


def _draw(made: _Risks, title: str, desc: str, width: float, prefix: str) -> str:
    sides, k = made.sides, len(made.names)
    heads = (f"Risk with {sides[1]}", f"Risk with {sides[0]}")
    d, top = begin(prefix, width, title, heads[1])
    x, up = _axes(np.concatenate([made.one, made.two]), top, d)
    below = draw_frame(d, x, up, titles=heads)
    _draw_lines(d, x, up, made.measure.code, made.slope)
    marks = _marks(x, up, made, 15 if width >= PHONE else 11)
    for i in sorted(range(k), key=lambda i: -marks[i].r):
        fill = "soft" if math.isfinite(made.vi[i]) else ""
        draw_circle(d, marks[i], marks[i].r, fill=fill, opacity=0.7)
    order = np.argsort(-np.abs(np.nan_to_num(made.yi - made.slope)), kind="stable").tolist()
    frame = Box(x.left + 2, up.right, width - EDGE, up.left - 2)
    wrote = draw_labels(d, frame, [marks[i] for i in order][:_NAMED], marks)
    below = _legend(d, below, f"pooled {made.measure.name}, {made.pooled}")
    words = naming_said(wrote, k) if wrote < k else ""
    if made.missing:
        words += f" {count(len(made.missing))} could not be drawn."
    below = d.paragraph(EDGE, below, words, width - 2 * EDGE, role="neutral")
    return d.svg(below, title, desc)


def _said(made: _Risks) -> str:
    lower = int((made.one < made.two).sum())
    return (
        f"In {count(lower)} of {counted(len(made.names), 'trial')} the risk with "
        f"{made.sides[0]} is "
        f"the lower one; the pooled {made.measure.name} is {made.pooled}."
    )


def _table(made: _Risks, title: str) -> Table:
    counts = [f"{what}, {side}" for side in made.sides for what in ("Events", "People")]
    columns = (
        Column("study", "Trial"),
        *(Column(k, head, "count", "right") for k, head in zip(_COLUMNS, counts, strict=True)),
        Column("risk1", f"Risk, {made.sides[0]}", align="right"),
        Column("risk2", f"Risk, {made.sides[1]}", align="right"),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (name, *(float(column[i]) for column in (*made.cells, made.one, made.two)))
        for i, name in enumerate(made.names)
    )
    notes: tuple[str, ...] = (
        f"{capital(made.measure.name)} of all trials together: {made.pooled}.",
    )
    notes += tuple(f"Could not be drawn: {name}" for name in made.missing)
    return Table(title, columns, rows, notes=notes, missing="")


def _check(what: Contrasts | PairwiseFit) -> None:
    refuse_other(
        what, (Contrasts, PairwiseFit), "L'Abbé's plot", "what effect_sizes() or pairwise() gives"
    )
    if what.measure not in _MEASURES:
        raise InputError(
            f"L'Abbé's plot of the measure {what.measure}", hint=f"{', '.join(_MEASURES)}"
        )
    lacks = [name for name in _COLUMNS if name not in what.raw]
    if lacks:
        raise InputError(
            f"L'Abbé's plot without {', '.join(lacks)}",
            hint="effects computed from events and people of both groups by effect_sizes()",
        )


def _axes(risks: Floats, top: float, d: Drawing) -> tuple[Axis, Axis]:
    """The same scale across and up, from 0."""
    left = 62.0 if d.width >= PHONE else 48.0
    side = min(_SIDE, d.width - left - 22)
    x = spanning([float(risks.max())], left, left + side, floor=0.0)
    if x.high > 1.0 or risks.max() <= 0.0:
        x = replace(x, high=1.0)
    return x, replace(x, left=top + side, right=top)


def _draw_lines(d: Drawing, x: Axis, up: Axis, code: str, slope: float) -> None:
    d.line(x.left, up.left, x.right, up.right, role="neutral", dash="4 3")
    points = []
    for risk in np.linspace(0.0, x.high, 201).tolist():
        other = _treated(code, slope, risk)
        if 0.0 <= other <= up.high:
            points.append((x.at(risk), up.at(other)))
    d.polyline(points, role="benefit", width=2)


def _treated(code: str, slope: float, risk: float) -> float:
    """The risk in group 1 where the one in group 2 is `risk`."""
    if code == "RD":
        return risk + slope
    if code == "RR":
        return risk * math.exp(min(slope, 50.0))
    odds = math.exp(min(slope, 50.0))
    return odds * risk / (1.0 - risk + odds * risk)


def _marks(x: Axis, up: Axis, made: _Risks, most: float) -> list[Mark]:
    v = made.vi
    sure = np.where(np.isfinite(v) & (v > 0), 1.0 / np.where(v > 0, v, 1.0), 0.0)
    largest = float(sure.max()) or 1.0
    return [
        Mark(x.at(float(b)), up.at(float(a)), max(3.5, most * math.sqrt(s / largest)), name)
        for a, b, s, name in zip(made.one, made.two, sure.tolist(), made.names, strict=True)
    ]


def _legend(d: Drawing, y: float, pooled: str) -> float:
    y += 4
    items = (
        (capital(pooled), "benefit", 2, ""),
        ("No effect; the larger the circle, the more precise the trial", "neutral", 1, "4 3"),
    )
    for words, role, wide, dash in items:
        d.path(f"M{coord(EDGE)} {coord(y - 4)}h26", "", role, wide, dash=dash)
        y = d.paragraph(EDGE + 34, y, words, d.width - 2 * EDGE - 34)
    return y
