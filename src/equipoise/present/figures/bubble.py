"""Bubble plots: every trial against a moderator, and the line that a regression draws.

Source: Thompson, Higgins 2002, Stat Med 21:1559, doi:10.1002/sim.1187.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from equipoise.core.arguments import typed_late
from equipoise.core.table import Column, Table, Value, counted, significant
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.regression_parts import Bubbles
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import PHONE, Figure, laid_out, refuse_other
from equipoise.present.figures.frame import (
    Box,
    Mark,
    begin,
    draw_circle,
    draw_frame,
    draw_labels,
    high_of,
    margin_of,
    spanning,
    stretched,
)
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import axis_words, capital, kind_of_measure, way_back, writer

_HIGH = 380.0
#: How many trials may carry their name.
_NAMED = 8


@typed_late
def bubble(
    fit: RegressionFit,
    moderator: str,
    *,
    at: Mapping[str, object] | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "bubble",
) -> Figure:
    """Draw the trials of a meta-regression against one moderator, with the regression line.

    The area of a bubble is the trial's weight. The band is the confidence interval of the mean,
    the dashed lines are the prediction interval (none under a common effect). The largest trials
    carry their names where there is room.

    Parameters
    ----------
    fit
        What :func:`equipoise.regress` gave.
    moderator
        A variable with numbers.
    at
        Values at which other variables are held; see `RegressionFit.bubble`.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For something else than a regression, and for a moderator with levels.
    UnknownNameError
        For a moderator that is not there, with the nearest that is.
    """
    refuse_other(fit, RegressionFit, "a bubble plot", "what regress() gives")
    data = fit.bubble(moderator, at=at)
    measure = measure_of(data.measure)
    heading = title or f"{capital(measure.name)} against {moderator}"
    desc = _said(data, measure)
    return laid_out(
        lambda wide, ids: _draw(data, measure, heading, desc, wide, ids),
        _table(data, measure, heading),
        desc,
        prefix=prefix,
        width=width,
    )


def _said(data: Bubbles, measure: Measure) -> str:
    write, line = writer(measure), data.line

    def mean(i: int) -> str:
        told = [
            write(measure.back(float(v[i]))) for v in (line.estimate, line.ci_low, line.ci_high)
        ]
        return f"{told[0]} ({told[1]} to {told[2]})"

    ends = [significant(float(data.grid[i]), 3) for i in (0, -1)]
    k = len(data.study)
    return (
        f"{counted(k, 'trial')}. From {data.moderator} {ends[0]} to {ends[1]} the predicted "
        f"{measure.name} goes from {mean(0)} to {mean(-1)} "
        f"({100 * line.level:g}% interval in brackets)."
    )


def _table(data: Bubbles, measure: Measure, title: str) -> Table:
    kind, line = kind_of_measure(measure), data.line
    percents = f"{100 * line.level:g}%"
    predicted = bool(math.isfinite(float(line.pi_low[0])))
    heads = (
        ("ci_low", f"{percents} interval from"),
        ("ci_high", "to"),
        *((("pi_low", "Prediction interval from"), ("pi_high", "to ")) if predicted else ()),
    )
    columns = (
        Column("trial", "Trial"),
        Column("x", data.moderator, align="right"),
        Column("effect", capital(measure.name), kind, "right"),
        Column("weight", "Weight", "percent", "right"),
        *(Column(key, label, kind, "right") for key, label in heads),
    )
    rows: list[tuple[Value, ...]] = [
        (name, float(x), measure.back(float(y)), float(w), *(None for _ in heads))
        for name, x, y, w in zip(data.study, data.x, data.y, data.weight, strict=True)
    ]
    last = len(data.grid) - 1
    for i in (0, last // 4, last // 2, 3 * last // 4, last):
        told = (measure.back(float(getattr(line, key)[i])) for key, _ in heads)
        estimate = measure.back(float(line.estimate[i]))
        rows.append(("Regression line", float(data.grid[i]), estimate, None, *told))
    groups = ((0, "Trials"), (len(data.study), "Predicted mean effect"))
    return Table(title, columns, tuple(rows), groups=groups, missing="")


def _draw(data: Bubbles, measure: Measure, title: str, desc: str, width: float, prefix: str) -> str:
    words = axis_words(measure)
    d, top = begin(prefix, width, title, words)
    bottom, right = top + high_of(d, _HIGH), width - EDGE - 4
    most = (17.0 if len(data.study) <= 40 else 12.0) * (0.75 if width < PHONE else 1.0)
    inset = most + 1
    up = stretched(_upright(data, measure, bottom - inset, top + inset), bottom, top)
    left = margin_of(up.ticks(), d.size)
    ends = (float(data.x.min()), float(data.x.max()))
    inner = spanning(ends, left + inset, right - inset)
    x = stretched(inner, left, right)
    _line(d, data, x, up)
    null = measure.no_effect
    if math.isfinite(null) and up.holds(null):
        d.line(left, up.at(null), right, up.at(null), role="neutral", width=1.2)
    below = draw_frame(d, x, up, titles=(data.moderator, words))
    _trials(d, data, (x, up), most, Box(left + 2, top, right, bottom))
    below = d.paragraph(EDGE, below + 6, _legend(data), width - 2 * EDGE, role="neutral")
    return d.svg(below, title, desc)


def _upright(data: Bubbles, measure: Measure, foot: float, head: float) -> Axis:
    line, log = data.line, measure.scale == "log"
    keep = [*data.y.tolist(), *line.ci_low[[0, -1]].tolist(), *line.ci_high[[0, -1]].tolist()]
    return fit_axis(
        keep,
        (),
        null=measure.no_effect,
        left=foot,
        right=head,
        log=log,
        keep=keep,
        back=way_back(measure),
    )


def _line(d: Drawing, data: Bubbles, x: Axis, up: Axis) -> None:
    line = data.line

    def places(values: Sequence[float]) -> list[tuple[float, float]]:
        pairs = zip(data.grid.tolist(), values, strict=True)
        return [(x.at(a), up.at(b)) for a, b in pairs]

    low, high = places(line.ci_low.tolist()), places(line.ci_high.tolist())
    around = "L".join(f"{coord(a)} {coord(b)}" for a, b in (*low, *reversed(high)))
    d.path(f"M{around}Z", "soft")
    for values in (line.pi_low.tolist(), line.pi_high.tolist()):
        pairs = zip(data.grid.tolist(), values, strict=True)
        inside = [(x.at(p), up.at(v)) for p, v in pairs if up.holds(v)]
        d.polyline(inside, role="neutral", width=1.4, dash="6 4")
    d.polyline(places(line.estimate.tolist()), role="benefit", width=2.2)


def _trials(d: Drawing, data: Bubbles, axes: tuple[Axis, Axis], most: float, frame: Box) -> None:
    """Draw the bubbles, the largest at the back, and the names of the largest where they fit."""
    x, up = axes
    largest = float(data.weight.max())
    marks = []
    for i in sorted(range(len(data.study)), key=lambda i: -float(data.weight[i])):
        r = max(2.5, most * math.sqrt(float(data.weight[i]) / largest))
        marks.append(Mark(x.at(float(data.x[i])), up.at(float(data.y[i])), r, data.study[i]))
    for mark in marks:
        draw_circle(d, mark, mark.r, fill="neutral", stroke="ink", stroke_width=1, opacity=0.35)
    taken = []
    for values in (data.line.estimate, data.line.pi_low, data.line.pi_high):
        for a, b in zip(data.grid.tolist(), values.tolist(), strict=True):
            if up.holds(b):
                px, py = x.at(a), up.at(b)
                taken.append(Box(px - 4, py - 2, px + 4, py + 2))
    draw_labels(d, frame, marks[:_NAMED], marks, taken=taken)


def _legend(data: Bubbles) -> str:
    percents = f"{100 * data.line.level:g}%"
    words = f"Line: predicted mean; band: its {percents} interval; "
    if math.isfinite(float(data.line.pi_low[0])):
        words += f"dashed: {percents} prediction interval; "
    return words + "area of a bubble: weight of the trial."
