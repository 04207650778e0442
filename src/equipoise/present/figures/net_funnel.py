"""The comparison-adjusted funnel plot: do small trials of a network tell another story?

Source: Chaimani, Salanti 2012, Res Synth Methods 3:161, doi:10.1002/jrsm.57.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from equipoise.core.arguments import typed
from equipoise.core.table import Column, Table, Value, count, counted, p_value, percent
from equipoise.effects.measures import measure_of
from equipoise.models.network.adjusted_funnel import ComparisonFunnel
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import PHONE, Figure, check_width, laid_out, refuse_other
from equipoise.present.figures.frame import draw_frame, margin_of, spanning
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width

_HIGH = 360.0
#: Marks and colours of comparisons, used in turn; the mark tells what the colour does.
_ROLES = ("benefit", "harm", "unknown", "neutral", "ink")
#: Beyond this number of comparisons marks are no longer told apart.
_MARKED = 15
#: Beyond this number of treatments, the first and the last stand for all of them.
_NAMED = 25


@typed
def plot_comparison_funnel(
    found: ComparisonFunnel,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "comparison-funnel",
) -> Figure:
    """Draw each trial's effect less that of its comparison, against its standard error.

    Parameters
    ----------
    found
        What ``net.comparison_funnel(order=...)`` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Notes
    -----
    The shape says something only when the order of the treatments was chosen beforehand, such as
    from the oldest to the newest, so that small trials would favour one side.

    Source: Chaimani & Salanti 2012, doi:10.1002/jrsm.57.
    """
    refuse_other(
        found, ComparisonFunnel, "a comparison-adjusted funnel", "net.comparison_funnel(order=...)"
    )
    check_width(width)
    heading = title or "Effects and precision of the trials, comparison by comparison"
    desc = _said(found)

    def draw(wide: float, name: str) -> str:
        return _draw(found, heading, desc, wide, name)

    return laid_out(draw, _table(found, heading), desc, prefix=prefix, width=width)


def _inside(found: ComparisonFunnel, i: int) -> bool:
    """Whether a point lies within the dashed limits, which are straight lines from 0."""
    slope = float(found.high[-1]) / float(found.se[-1])
    return abs(float(found.adjusted[i])) <= slope * float(found.sei[i])


def _said(found: ComparisonFunnel) -> str:
    k = len(found)
    text = f"{count(k)} {'effect' if k == 1 else 'effects'} of trials, "
    text += f"{counted(len(found.comparisons), 'comparison')}."
    out = sum(not _inside(found, i) for i in range(k))
    level = percent(100 * found.level)
    text += f" {count(out)} {'lies' if out == 1 else 'lie'} outside the {level} limits."
    for test in found.tests:
        text += f" {test.test}: p\u00a0{p_value(test.p_value)}."
    return text


def _table(found: ComparisonFunnel, heading: str) -> Table:
    columns = (
        Column("study", "Trial"),
        Column("treat1", "Treatment"),
        Column("treat2", "Against"),
        Column("adjusted", "Effect less that of its comparison", "plain", "right"),
        Column("sei", "Standard error", "plain", "right"),
        Column("inside", "Within the limits"),
    )
    rows: list[tuple[Value, ...]] = [
        (
            found.study[i],
            found.treat1[i],
            found.treat2[i],
            float(found.adjusted[i]),
            float(found.sei[i]),
            "yes" if _inside(found, i) else "no",
        )
        for i in range(len(found))
    ]
    notes = tuple(note.text for note in found.notes)
    return Table(heading, columns, tuple(rows), notes=notes)


def _draw(found: ComparisonFunnel, title: str, desc: str, width: float, prefix: str) -> str:
    phone = width < PHONE
    d = Drawing(prefix, width, size=14 if phone else 13)
    inside = width - 2 * EDGE
    top = d.paragraph(EDGE, 22, title, inside, size=d.size + 2, bold=True) + 26
    ends = [float(v) for v in found.sei]
    upright = spanning(ends, top + (300 if phone else _HIGH), top, floor=0.0)
    # The largest standard error stands at the foot.
    ticks = tuple((-value, text) for value, text in upright.ticks())
    upright = Axis(-upright.high, 0.0, upright.left, upright.right, log=False, given=ticks)
    left = margin_of([(0.0, text) for _, text in upright.ticks()], d.size)
    across = fit_axis(
        [float(v) for v in found.adjusted],
        [],
        null=0.0,
        left=left,
        right=width - EDGE - 8,
        log=False,
        keep=[float(v) for v in (*found.adjusted, found.low[-1], found.high[-1])],
    )
    measure = measure_of(found.measure)
    scale = " (log scale)" if measure.scale == "log" else ""
    words = f"{measure.name}{scale} of the trial less that of its comparison"
    y = draw_frame(d, across, upright, titles=(words[:1].upper() + words[1:], "Standard error"))
    for limit in (found.low, found.high):
        points = [
            (across.at(float(v)), upright.at(-float(s)))
            for v, s in zip(limit, found.se, strict=True)
            if s <= -upright.low
        ]
        d.polyline([points[0], points[-1]], role="neutral", dash="5 4", width=1.2)
    d.polyline(
        [(across.at(0.0), upright.left), (across.at(0.0), upright.right)],
        role="neutral",
        width=1.2,
    )
    trials = Counter(found.comparison.tolist())
    for i in range(len(found)):
        at = (across.at(float(found.adjusted[i])), upright.at(-float(found.sei[i])))
        n = int(found.comparison[i])
        _mark(d, *at, n if _marked(found) else 0, hollow=trials[n] == 1)
    y = _legend(d, found, y + 4) if _marked(found) else y
    if len(found) < 10:
        y = d.paragraph(EDGE, y, "With fewer than ten trials the shape says nothing.", inside)
    if 1 in trials.values():
        alone = "Hollow: the only trial of its comparison, on the line by construction."
        y = d.paragraph(EDGE, y, alone, inside)
    names = found.order if len(found.order) <= _NAMED else (*found.order[:3], "…", found.order[-1])
    order = f"Treatments in the order {', '.join(names)}: effects of the earlier against the "
    y = d.paragraph(EDGE, y + 2, f"{order}later.", inside, role="neutral")
    return d.svg(y, title, desc)


def _marked(found: ComparisonFunnel) -> bool:
    return len(found.comparisons) <= _MARKED


def _mark(d: Drawing, x: float, y: float, n: int, *, hollow: bool = False) -> None:
    """The mark of a comparison: five colours, and a disc, a diamond or a square."""
    role, kind = _ROLES[n % len(_ROLES)], (n // len(_ROLES)) % 3
    look: dict[str, Any] = {"fill": role, "stroke": "paper"}
    if hollow:
        look = {"fill": "paper", "stroke": role}
    if kind == 0:
        d.circle(x, y, 4.5, **look)
        return
    r = 5.5 if kind == 1 else 4.2
    turn = 0.0 if kind == 1 else math.pi / 4
    step = r if kind == 1 else r * math.sqrt(2)
    corners = [
        (x + step * math.cos(turn + i * math.pi / 2), y + step * math.sin(turn + i * math.pi / 2))
        for i in range(4)
    ]
    d.polygon(corners, **look)


def _legend(d: Drawing, found: ComparisonFunnel, y: float) -> float:
    x = EDGE
    for n, pair in enumerate(found.comparisons):
        words = shortened(" : ".join(pair), d.width - 2 * EDGE - 24, d.size, 1)[0]
        reach = 18 + text_width(words, d.size)
        if x > EDGE and x + reach > d.width - EDGE:
            x, y = EDGE, y + 1.6 * d.size
        _mark(d, x + 6, y - 0.35 * d.size, n)
        d.text(x + 17, y, words)
        x += reach + 16
    return y + 1.8 * d.size
