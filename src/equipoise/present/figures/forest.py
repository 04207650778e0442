"""Forest plots: every trial, all together, and where a new trial's effect may lie.

Two layouts are made: a wide one with columns beside the plot, and a narrow one in which each trial
is a block of words over its own strip of the plot, for a phone.

Source: Lewis and Clarke 2001 (BMJ 322:1479, doi 10.1136/bmj.322.7300.1479) for the form; the
Cochrane Handbook, chapter 10, for the prediction interval beneath the diamond.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from equipoise.answer.answer import OutcomeAnswer
from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, significant
from equipoise.effects.blocks import Contrasts
from equipoise.models.counts.ladder import CountsLadder
from equipoise.models.network.reading import NetworkReading
from equipoise.models.robustness import Refits
from equipoise.models.subgroups import Subgroups
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import NARROW, PHONE, WIDE, Figure, check_width
from equipoise.present.figures.gather import (
    Asked,
    plot_of_effects,
    plot_of_fit,
    plot_of_subgroups,
)
from equipoise.present.figures.layout import EDGE, MOST_REMARKS, lay_out
from equipoise.present.figures.marks import LIGHTS, ROB, draw_light, draw_rob
from equipoise.present.figures.net_rows import plot_of_network
from equipoise.present.figures.outcome import plot_of_outcome
from equipoise.present.figures.plot import Better, Line, Plot, capital, check_better, letter
from equipoise.present.figures.rows import plot_of_ladder, plot_of_lines, plot_of_refits
from equipoise.present.figures.stacked import Stacked
from equipoise.present.figures.wide import Wide
from equipoise.present.text import text_width, wrap

#: What may stand beside the plot.
COLUMNS = ("effect", "rob", "weight", "raw")


@typed
def forest(
    what: OutcomeAnswer | Contrasts | Subgroups | Refits | CountsLadder | Iterable[Line] | Any,
    *,
    title: str | None = None,
    better: Better | None = None,
    threshold: float | tuple[float, float] | None = None,
    sides: tuple[str, str] | None = None,
    columns: Sequence[str] = COLUMNS,
    left: Mapping[str, Any] | None = None,
    right: Mapping[str, Any] | None = None,
    rob: Any = None,
    domains: Sequence[str] | None = None,
    order: str | Sequence[Any] = "given",
    descending: bool = False,
    by: Sequence[Any] | Mapping[str, Any] | None = None,
    summaries: Sequence[Any] = (),
    limits: tuple[float, float] | None = None,
    ticks: Sequence[float] = (),
    reference: str | None = None,
    measure: str = "GEN",
    level: float = 0.95,
    width: float | None = None,
    prefix: str = "forest",
) -> Figure:
    """Draw a forest plot.

    Parameters
    ----------
    what
        What :func:`pairwise` or :func:`subgroups` gave; effects that nobody pooled; what
        :func:`leave_one_out`, :func:`cumulative` or :func:`counts_ladder` gave; a network, whose
        treatments are drawn against one; an outcome of an answer; or lines (:class:`Line`) of
        one's own.
    title
        Heading of the figure; by default from what is drawn.
    better
        ``"lower"`` or ``"higher"``; an outcome brings its own. Without it the ends of the axis say
        only what is lower and higher.
    threshold
        Effects too small to matter, on the reader's scale: one number (to both sides of no effect)
        or a pair. An outcome brings the registered one.
    sides
        What is compared, for the words at the ends of the axis and over the numbers of the groups.
    columns
        Which of ``effect``, ``rob``, ``weight`` and ``raw`` (the numbers of both groups) stand
        beside the plot. The table has all of them.
    left, right
        Further columns, by their heading: one value a trial in the order of the fit, or a mapping
        from trial to value. Words are wrapped, numbers stand right.
    rob
        Risk of bias: for each trial one level, a word of signs such as ``"++?-+"``, a sequence of
        levels, or a mapping from domain to level. More than one level is drawn as traffic lights
        A, B, C…
    domains
        Names of the domains of `rob`; five, six and seven have the usual names.
    order
        ``given``, ``year`` (the last one in a label), ``effect``, ``precision``, ``weight``,
        ``label``, or values to sort by, one a trial. For a network also ``rank``: by P-score, which
        needs `better`.
    descending
        From the largest to the smallest.
    by
        A subgroup for each trial: draws headings, subtotals by the settings of the fit, and the
        test of differences between them.
    summaries
        Further fits of the same measure, or (label, fit) pairs, each a diamond below the first.
    limits, ticks
        Ends of the axis and its ticks, on the reader's scale. Intervals beyond the ends become
        arrows.
    reference
        For a network: the treatment that others are compared with; by default its own reference.
    measure, level
        For lines of one's own: what they measure, and the level of their intervals.
    width
        Natural width in pixels. None draws as wide as the columns need (an outcome: 720) and, as
        `narrow`, 320; a width below 520 is laid out for a phone. Where a width leaves the plot
        itself too narrow, columns give way.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        With the table that holds every number of the drawing.

    Raises
    ------
    InputError
        For a threshold that does not enclose no effect, columns of another length than the
        trials, or something that a forest plot cannot be drawn of.
    UnknownNameError
        For an unknown column, order, trial, measure or risk of bias.
    """
    for name in columns:
        if name not in COLUMNS:
            raise UnknownNameError("column", name, COLUMNS)
    check_width(width)
    check_better(better)
    asked = Asked(
        title,
        better,
        threshold,
        sides,
        order,
        descending,
        by,
        summaries,
        left,
        right,
        rob,
        domains,
        limits,
        ticks,
    )
    plot = _plot_of(what, asked, measure, level, reference)
    own = WIDE if isinstance(what, OutcomeAnswer) else None
    return draw_plot(plot, columns, width, prefix, own=own)


def draw_plot(
    plot: Plot,
    columns: Sequence[str],
    width: float | None,
    prefix: str,
    *,
    own: float | None = None,
) -> Figure:
    """The figure of a plot, in both layouts where no `width` is given; `own` is the wide one's."""
    wide = _draw(plot, columns, own if width is None else width, prefix)
    narrow = _draw(plot, columns, NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, wide, plot.table(), plot.title, plot.desc, narrow)


def _plot_of(what: Any, asked: Asked, measure: str, level: float, reference: str | None) -> Plot:
    if isinstance(what, OutcomeAnswer):
        return plot_of_outcome(
            what,
            title=asked.title,
            better=asked.better,
            threshold=asked.threshold,
            sides=asked.sides or ("treatment", "comparison"),
        )
    if isinstance(what, Contrasts):
        return plot_of_effects(what, asked, level)
    if isinstance(what, Subgroups):
        return plot_of_subgroups(what, asked)
    if isinstance(what, Refits):
        return plot_of_refits(what, asked)
    if isinstance(what, CountsLadder):
        return plot_of_ladder(what, asked)
    if isinstance(what, NetworkReading):
        return plot_of_network(what, asked, reference)
    if all(hasattr(what, n) for n in ("yi", "vi", "weights", "ci", "estimate", "measure")):
        return plot_of_fit(what, asked)
    lines = list(what) if isinstance(what, Iterable) and not isinstance(what, (str, dict)) else []
    if lines and all(isinstance(line, Line) for line in lines):
        return plot_of_lines(lines, measure, level, asked)
    raise InputError(
        f"a forest plot cannot be drawn of a {type(what).__name__}",
        hint="what pairwise() gives, effects, an outcome of an answer, or a list of Line",
    )


def _draw(plot: Plot, columns: Sequence[str], width: float | None, prefix: str) -> str:
    """Draw a plot with its legend and remarks."""
    phone = width is not None and width < PHONE
    size = 14.0 if phone else 13.0
    layout = None if phone else lay_out(plot, columns, size, width)
    d = Drawing(prefix, layout.width if layout else (width or NARROW), size=size)
    inside = d.width - 2 * EDGE
    y = d.paragraph(EDGE, 22, plot.title, inside, size=size + 2, bold=True)
    if not any(line.known for line in plot.lines):
        desc = plot.desc or "No trial has an estimate."
        high = len(wrap(desc, inside - 20, d.size)) * d.size * 1.35 + 16
        d.rect(EDGE, y - 8, inside, high, fill="", stroke="unknown", dash="5 4")
        d.paragraph(EDGE + 10, y + 12, desc, inside - 20)
        return d.svg(y + high + 4, plot.title, desc)
    if layout is not None:
        y = Wide(d, plot, layout, _axis(plot, layout.left, layout.right)).draw(y)
    else:
        axis = _axis(plot, EDGE + 12, d.width - EDGE - 12)
        y = Stacked(d, plot, columns, axis).draw(y)
    return d.svg(_foot(d, plot, columns, y), plot.title, plot.desc)


def _axis(plot: Plot, left: float, right: float) -> Axis:
    log = plot.measure.scale == "log"
    back = None if log or plot.measure.scale == "natural" else plot.measure.back
    known = [line for line in plot.lines if line.kind == "trial" and line.known]
    totals = [line for line in plot.lines if line.kind == "total"]
    others = [line for line in plot.lines if line.kind == "prediction"]
    keep: list[float] = list(plot.band or ())
    for line in totals:
        keep += [line.estimate, line.low, line.high] if line.main else [line.estimate]
    bounds = [(line.low, line.high) for line in (*known, *totals, *others)]
    bounds += [line.pi for line in known if line.pi is not None]
    axis = fit_axis(
        [line.estimate for line in known],
        bounds,
        null=plot.null,
        left=left,
        right=right,
        log=log,
        keep=keep,
        back=back,
    )
    if plot.limits is not None:
        axis = dataclasses.replace(axis, low=plot.limits[0], high=plot.limits[1])
    if plot.ticks:
        if log and min(plot.ticks) <= 0:
            raise InputError(f"a tick at {min(plot.ticks):g}", hint="ratios lie above zero")
        given = sorted((math.log(t) if log else t, significant(t, 3)) for t in plot.ticks)
        axis = dataclasses.replace(axis, given=tuple(given))
    return axis


def _foot(d: Drawing, plot: Plot, columns: Sequence[str], y: float) -> float:
    """Write the legend, the remarks and the heterogeneity; return the height of the figure."""
    inside = d.width - 2 * EDGE
    y += d.size * 0.6
    if plot.band_words:
        d.rect(EDGE, y - d.size + 2, 18, d.size, fill="band", stroke="rule")
        y = d.paragraph(EDGE + 26, y, plot.band_words, inside - 26)
    for sentence in plot.found:
        y = d.paragraph(EDGE, y + 3, sentence, inside)
    if "rob" in columns:
        y = _lights_legend(d, plot, y + 6) if plot.domains else _rob_legend(d, plot, y + 6)
    flags = plot.flags
    if len(flags) > MOST_REMARKS:
        y = d.paragraph(EDGE, y, "* Remarks on this trial stand in the table.", inside)
        flags = ()
    for i, flag in enumerate(flags):
        d.text(EDGE, y - 4, letter(i), size=12)
        y = d.paragraph(EDGE + 16, y, capital(flag), inside - 16)
    for note in plot.notes:
        y = d.paragraph(EDGE, y + 2, note, inside)
    listed = {line.label for line in plot.trials if not line.known}
    n = len(plot.left_out) - len(listed)
    if n > 0:
        words = f"{count(n)} {'result' if n == 1 else 'results'} could not be used; "
        y = d.paragraph(EDGE, y + 2, words + "the table says why.", inside)
    return y


def _rob_legend(d: Drawing, plot: Plot, y: float) -> float:
    used = [key for key in ROB if any(key in line.rob for line in plot.lines)]
    if not used:
        return y
    x, y = EDGE, y + 2
    d.text(x, y, "Risk of bias:")
    x += text_width("Risk of bias:", d.size) + 16
    for key in used:
        reach = 30 + text_width(ROB[key][1], d.size)
        if x + reach > d.width:
            x, y = EDGE + 10, y + d.size * 1.8
        draw_rob(d, x + 2, y - 4.5, key)
        d.text(x + 17, y, ROB[key][1])
        x += reach + 4
    return y + d.size * 1.9


def _lights_legend(d: Drawing, plot: Plot, y: float) -> float:
    """The signs of the traffic lights, then what each letter stands for."""
    x, y = EDGE + 8, y + 2
    for key in LIGHTS:
        if not any(key in line.rob for line in plot.lines):
            continue
        reach = 28 + text_width(ROB[key][1], d.size)
        if x + reach > d.width:
            x, y = EDGE + 8, y + d.size * 1.6
        draw_light(d, x, y - 4.5, key)
        d.text(x + 13, y, ROB[key][1])
        x += reach + 6
    words = "; ".join(f"{letter(i).upper()}\u00a0{name}" for i, name in enumerate(plot.domains))
    return d.paragraph(EDGE, y + d.size * 1.6, f"Risk of bias: {words}.", d.width - 2 * EDGE) + 2
