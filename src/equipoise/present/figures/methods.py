"""The methods for counts side by side: which suit the data, and whether they agree."""

from __future__ import annotations

from equipoise.core.errors import InputError
from equipoise.core.table import count
from equipoise.effects.measures import measure_of
from equipoise.models.counts.ladder import CountsLadder, Rung
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.figures.forest import draw_plot
from equipoise.present.figures.plot import Beside, Line, Plot, capital


def plot_ladder(
    ladder: CountsLadder, *, title: str | None = None, prefix: str = "methods"
) -> Figure:
    """Draw the estimate and interval of every method for counts.

    Methods that are not recommended for the data are hollow, with the reason as a remark; one
    without a result is words and no mark.

    Parameters
    ----------
    ladder
        What :func:`equipoise.counts_ladder` gave.
    title
        Heading of the figure.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For something else than a ladder.
    """
    if not isinstance(ladder, CountsLadder):
        raise InputError(
            f"a ladder of methods cannot be drawn of a {type(ladder).__name__}",
            hint="what counts_ladder() gives",
        )
    measure = measure_of(ladder.measure)
    plot = Plot(
        title=title or f"{capital(measure.name)} by every method",
        measure=measure,
        level=ladder.level,
        lines=tuple(map(_line, ladder.rungs)),
        desc=f"{count(ladder.k_total)} trials. {ladder.sentence}",
        beside=(Beside("k", "Trials", "right", "count"),),
        found=(ladder.sentence, "Hollow: not recommended for these data."),
        asides=tuple(note.text for note in ladder.notes),
        left_out=tuple(f"Left out: {one.study}, {one.why}." for one in ladder.left_out),
        label_head="Method",
        effect_head=(capital(measure.name), f"({100 * ladder.level:g}% interval)"),
        ends=("lower with group 1", "higher with group 1"),
    )
    wide = draw_plot(plot, ("effect",), WIDE, prefix)
    narrow = draw_plot(plot, ("effect",), NARROW, f"{prefix}-narrow")
    return Figure(prefix, wide, plot.table(), plot.title, plot.desc, narrow)


def _line(rung: Rung) -> Line:
    flags = (f"{capital(rung.standing)}: {rung.why}.",) if rung.why else ()
    if rung.ci is None:
        return Line(rung.name, flags=flags)
    return Line(
        rung.name,
        rung.estimate,
        rung.ci.low,
        rung.ci.high,
        cells={"k": rung.k},
        flags=flags,
        hollow=rung.standing == "not recommended",
    )
