"""L'Abbé's plot: the risk in one group against the risk in the other.

Source: L'Abbé, Detsky, O'Rourke 1987, Ann Intern Med 107:224, doi:10.7326/0003-4819-107-2-224.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from equipoise.core.errors import InputError
from equipoise.core.table import Column, Table, Value, count
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis
from equipoise.present.figures.figure import WIDE, Figure
from equipoise.present.figures.frame import Box, Mark, draw_frame, draw_labels, spanning
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import capital, writer

_SIDE = 440.0
_COLUMNS = ("events1", "n1", "events2", "n2")
_MEASURES = ("RR", "OR", "RD")
#: Up to this many trials are named in the drawing.
_NAMED = 15


def labbe(
    what: Contrasts | PairwiseFit,
    *,
    sides: tuple[str, str] = ("treatment", "comparison"),
    title: str | None = None,
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
    m = measure_of(what.measure)
    cells = [np.asarray(what.raw[name]) for name in _COLUMNS]
    known = np.isfinite(cells).all(axis=0) & (cells[1] > 0) & (cells[3] > 0)
    if not known.any():
        raise InputError("no trial has the counts of both groups", hint="events and people")
    at = np.flatnonzero(known).tolist()
    one, two = (cells[0][at] / cells[1][at], cells[2][at] / cells[3][at])
    names = [what.study[i] for i in at]
    y, v = np.asarray(what.yi)[at], np.asarray(what.vi)[at]
    fit = what if isinstance(what, PairwiseFit) else pairwise(what)
    slope = fit.estimate
    title = title or f"Risk with {sides[0]} against risk with {sides[1]}"
    d = Drawing(prefix, WIDE, size=13)
    top = d.paragraph(EDGE, 22, title, WIDE - 2 * EDGE, size=15, bold=True) + 26
    x, up = _axes(np.concatenate([one, two]), top)
    heads = (f"Risk with {sides[1]}", f"Risk with {sides[0]}")
    below = draw_frame(d, x, up, titles=heads)
    _draw_lines(d, x, up, m.code, slope)
    marks = _marks(x, up, one, two, v, names)
    for i in sorted(range(len(at)), key=lambda i: -marks[i].r):
        mark = marks[i]
        d.begin(mark.label)
        fill = "soft" if math.isfinite(v[i]) else ""
        d.circle(mark.x, mark.y, mark.r, fill=fill, stroke="benefit", stroke_width=1.4, opacity=0.7)
        d.end()
    order = np.argsort(-np.abs(np.nan_to_num(y - slope)), kind="stable").tolist()
    frame = Box(x.left + 2, up.right, WIDE - EDGE, up.left - 2)
    wrote = draw_labels(d, frame, [marks[i] for i in order][:_NAMED], marks)
    pooled = writer(m)(m.back(slope))
    below = _legend(d, below, f"pooled {m.name}, {pooled}")
    missing = [name for name, flag in zip(what.study, known, strict=True) if not flag]
    missing += [f"{row.study} ({row.why})" for row in what.left_out]
    if wrote < len(marks) or missing:
        words = f"{count(wrote)} of {count(len(marks))} trials are named; the table has all."
        if missing:
            words += f" {count(len(missing))} could not be drawn."
        below = d.paragraph(EDGE, below, words, WIDE - 2 * EDGE, role="neutral")
    lower = int((one < two).sum())
    desc = (
        f"In {count(lower)} of {count(len(at))} trials the risk with {sides[0]} is the lower one; "
        f"the pooled {m.name} is {pooled}."
    )
    columns = (
        Column("study", "Trial"),
        *(
            Column(name, f"{what_}, {side}", "count", "right")
            for name, what_, side in (
                ("events1", "Events", sides[0]),
                ("n1", "People", sides[0]),
                ("events2", "Events", sides[1]),
                ("n2", "People", sides[1]),
            )
        ),
        Column("risk1", f"Risk, {sides[0]}", align="right"),
        Column("risk2", f"Risk, {sides[1]}", align="right"),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (name, *(float(c[i]) for c in cells), float(a), float(b))
        for name, i, a, b in zip(names, at, one, two, strict=True)
    )
    notes: tuple[str, ...] = (f"{capital(m.name)} of all trials together: {pooled}.",)
    notes += tuple(f"Could not be drawn: {name}" for name in missing)
    table = Table(title, columns, rows, notes=notes, missing="")
    return Figure(prefix, d.svg(below, title, desc), table, title, desc)


def _check(what: object) -> None:
    if not isinstance(what, (Contrasts, PairwiseFit)):
        raise InputError(
            f"L'Abbé's plot cannot be drawn of a {type(what).__name__}",
            hint="what effect_sizes() or pairwise() gives",
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


def _axes(risks: Floats, top: float) -> tuple[Axis, Axis]:
    """The same scale across and up, from 0 or near the lowest risk."""
    left = 62.0
    x = spanning([float(risks.max())], left, left + _SIDE, floor=0.0)
    if x.high > 1.0 or risks.max() <= 0.0:
        x = replace(x, high=1.0)
    return x, replace(x, left=top + _SIDE, right=top)


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


def _marks(x: Axis, up: Axis, one: Floats, two: Floats, v: Floats, names: list[str]) -> list[Mark]:
    sure = np.where(np.isfinite(v) & (v > 0), 1.0 / np.where(v > 0, v, 1.0), 0.0)
    most = float(sure.max()) or 1.0
    return [
        Mark(x.at(float(b)), up.at(float(a)), max(3.5, 15 * math.sqrt(s / most)), name)
        for a, b, s, name in zip(one, two, sure.tolist(), names, strict=True)
    ]


def _legend(d: Drawing, y: float, pooled: str) -> float:
    y += 4
    d.path(f"M{coord(EDGE)} {coord(y - 4)}h26", "", "benefit", 2)
    d.text(EDGE + 34, y, capital(pooled))
    y += d.size * 1.4
    d.path(f"M{coord(EDGE)} {coord(y - 4)}h26", "", "neutral", dash="4 3")
    d.text(EDGE + 34, y, "No effect; the larger the circle, the more precise the trial")
    return y + d.size * 1.4
