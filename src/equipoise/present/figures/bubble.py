"""Bubble plots: every trial against a moderator, and the line that a regression draws.

Source: Thompson, Higgins 2002, Stat Med 21:1559, doi:10.1002/sim.1187.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from equipoise.core.errors import InputError
from equipoise.core.table import Column, Table, Value, count, significant
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.regression_parts import Bubbles
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, draw_axis, fit_axis
from equipoise.present.figures.figure import WIDE, Figure
from equipoise.present.figures.plot import capital, kind_of_measure, writer
from equipoise.present.text import text_width

_EDGE = 6.0
_HIGH = 380.0
#: How many trials may carry their name.
_NAMED = 8
Box = tuple[float, float, float, float]


def bubble(
    fit: RegressionFit,
    moderator: str,
    *,
    at: Mapping[str, object] | None = None,
    title: str | None = None,
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
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For something else than a regression, and for a moderator with levels.
    UnknownNameError
        For a moderator that is not there, with the nearest that is.
    """
    if not isinstance(fit, RegressionFit):
        raise InputError(
            f"a bubble plot cannot be drawn of a {type(fit).__name__}", hint="what regress() gives"
        )
    data = fit.bubble(moderator, at=at)
    measure = measure_of(data.measure)
    heading = title or f"{capital(measure.name)} against {moderator}"
    desc = _said(data, measure)
    svg = _draw(data, measure, heading, desc, prefix)
    return Figure(prefix, svg, _table(data, measure, heading), heading, desc)


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
        f"{count(k)} trials. From {data.moderator} {ends[0]} to {ends[1]} the predicted "
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


def _draw(data: Bubbles, measure: Measure, title: str, desc: str, prefix: str) -> str:
    d = Drawing(prefix, WIDE, size=14)
    y = d.paragraph(_EDGE, 22, title, WIDE - 2 * _EDGE, size=16, bold=True)
    log = measure.scale == "log"
    name = f"{capital(measure.name)}{' (log scale)' if log else ''}"
    top = d.paragraph(_EDGE, y + 4, name, WIDE - 2 * _EDGE, role="neutral") - 6
    bottom, right = top + _HIGH, WIDE - _EDGE - 4
    most = 17.0 if len(data.study) <= 40 else 12.0
    up = _upright(data, measure, bottom - most - 1, top + most + 1)
    ticks = up.ticks()
    left = _EDGE + max(text_width(text, d.size) for _, text in ticks) + 12
    x = fit_axis(
        data.x.tolist(),
        (),
        null=math.nan,
        left=left + most + 1,
        right=right - most - 1,
        log=False,
        keep=(float(data.x.min()), float(data.x.max())),
    )
    _line(d, data, x, up)
    d.rect(left, top, right - left, bottom - top, fill="", stroke="neutral")
    for value, text in ticks:
        d.line(left - 5, up.at(value), left, up.at(value), role="neutral")
        d.text(left - 8, up.at(value) + d.size * 0.35, text, anchor="end", role="neutral")
    null = measure.no_effect
    if math.isfinite(null) and up.holds(null):
        d.line(left, up.at(null), right, up.at(null), role="neutral", width=1.2, dash="2 3")
    _trials(d, data, (x, up), most, (left, top, right, bottom))
    y = draw_axis(d, x, bottom, title=data.moderator, ends=("", ""), null=math.nan)
    y = d.paragraph(_EDGE, y + 6, _legend(data), WIDE - 2 * _EDGE)
    return d.svg(y, title, desc)


def _upright(data: Bubbles, measure: Measure, foot: float, head: float) -> Axis:
    line, log = data.line, measure.scale == "log"
    back = None if log or measure.scale == "natural" else measure.back
    keep = [*data.y.tolist(), *line.ci_low[[0, -1]].tolist(), *line.ci_high[[0, -1]].tolist()]
    return fit_axis(
        keep, (), null=measure.no_effect, left=foot, right=head, log=log, keep=keep, back=back
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
        seen = [p for p, v in zip(data.grid.tolist(), values, strict=True) if up.holds(v)]
        inside = [(x.at(p), up.at(v)) for p, v in zip(data.grid, values, strict=True) if p in seen]
        d.polyline(inside, role="neutral", width=1.4, dash="6 4")
    d.polyline(places(line.estimate.tolist()), role="benefit", width=2.2)


def _trials(d: Drawing, data: Bubbles, axes: tuple[Axis, Axis], most: float, frame: Box) -> None:
    largest = float(data.weight.max())
    order = sorted(range(len(data.study)), key=lambda i: -float(data.weight[i]))
    circles = []
    for i in order:
        r = max(2.5, most * math.sqrt(float(data.weight[i]) / largest))
        circles.append((axes[0].at(float(data.x[i])), axes[1].at(float(data.y[i])), r))
    for i, (cx, cy, r) in zip(order, circles, strict=True):
        d.begin(data.study[i])
        d.circle(cx, cy, r, fill="neutral", stroke="ink", opacity=0.35)
        d.end()
    taken: list[Box] = [(cx - r, cy - r, cx + r, cy + r) for cx, cy, r in circles]
    for values in (data.line.estimate, data.line.pi_low, data.line.pi_high):
        for a, b in zip(data.grid.tolist(), values.tolist(), strict=True):
            if axes[1].holds(b):
                px, py = axes[0].at(a), axes[1].at(b)
                taken.append((px - 4, py - 2, px + 4, py + 2))
    for i, (cx, cy, r) in list(zip(order, circles, strict=True))[:_NAMED]:
        wide = text_width(data.study[i], 12)
        for start in (cx + r + 4, cx - r - 4 - wide):
            box = (start - 2, cy - 7, start + wide + 2, cy + 8)
            inside = box[0] > frame[0] and box[2] < frame[2]
            if inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                d.text(start, cy + 4.2, data.study[i], size=12)
                break


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _legend(data: Bubbles) -> str:
    percents = f"{100 * data.line.level:g}%"
    words = f"Line: predicted mean; band: its {percents} interval; "
    if math.isfinite(float(data.line.pi_low[0])):
        words += f"dashed: {percents} prediction interval; "
    return words + "area of a bubble: weight of the trial."
