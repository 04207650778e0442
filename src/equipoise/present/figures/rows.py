"""From results that are rows already to what a forest plot shows.

Refits (each trial left out, one after another), every method for counts, and lines of one's own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from equipoise.core.errors import InputError
from equipoise.core.table import count, counted
from equipoise.effects.measures import measure_of
from equipoise.models.counts.ladder import CountsLadder
from equipoise.models.robustness import Refits
from equipoise.present.figures.cells import Filled, own_columns
from equipoise.present.figures.gather import WAYS, Asked, Trials, framed, main_line, rob_of
from equipoise.present.figures.plot import Beside, Line, Plot, Total, capital, described


def plot_of_refits(refits: Refits, asked: Asked) -> Plot:
    """Gather what a forest plot of the same analysis on several sets of trials shows."""
    full = refits.full
    measure = measure_of(full.measure)
    sides = asked.sides or ("treatment", "comparison")
    cumulative = refits.kind == "cumulative"
    study = tuple(refits.label)
    sizes = tuple(int(k) for k in refits.k)
    spread = tuple(float(v) if k > 1 else None for v, k in zip(refits.i2, sizes, strict=True))
    columns: tuple[Filled, ...] = (
        *own_columns(asked.left, "left", study),
        (Beside("k", "Trials", "right", "count"), sizes, None),
        (Beside("i2", "I²", "right", "percent"), spread, None),
        *own_columns(asked.right, "right", study),
    )
    lines = []
    for i, name in enumerate(study):
        cells = {beside.key: values[i] for beside, values, _ in columns}
        flags = ("Another conclusion than that of all trials.",) if refits.flips[i] else ()
        ends = (float(refits.estimate[i]), float(refits.ci_low[i]), float(refits.ci_high[i]))
        text = f"+ {name}" if cumulative and i else name
        lines.append(Line(text, *ends, cells=cells, flags=flags))
    whole = "The only trial" if full.k == 1 else f"All {count(full.k)} trials"
    lines.append(main_line(full, f"{whole}, {WAYS.get(full.model, full.model)}"))
    heads = {"cumulative": "Trials up to and with", "leave-one-out": "Left out"}
    titles = {"cumulative": "trials added one by one", "leave-one-out": "each trial left out"}
    trials = Trials(tuple(lines[:-1]), columns, (), tuple(float(v) ** 2 for v in refits.se))
    asked = dataclasses.replace(
        asked, title=asked.title or f"{capital(measure.name)}: {titles[refits.kind]}"
    )
    plot = framed(asked, measure, full.level, lines, sides, trials)
    total = Total(full.estimate, full.ci.low, full.ci.high)
    desc = f"{titles[refits.kind].capitalize()}: the pooled {measure.name} ranges from "
    desc += plot.interval(float(refits.estimate.min()), float(refits.estimate.max()))
    desc += f"; with {whole[0].lower()}{whole[1:]} it is {plot.effect(total)}."
    return dataclasses.replace(
        plot,
        desc=desc,
        label_head=heads[refits.kind],
        asides=tuple(str(note) for note in refits.notes),
    )


def plot_of_lines(lines: Iterable[Line], measure: str, level: float, asked: Asked) -> Plot:
    """Gather what a forest plot of plain lines shows, in the order given."""
    made = list(lines)
    if not made:
        raise InputError("a forest plot of no lines", hint="one Line for each trial")
    sides = asked.sides or ("treatment", "comparison")
    study = tuple(line.label for line in made)
    columns = (*own_columns(asked.left, "left", study), *own_columns(asked.right, "right", study))
    robs, domains = rob_of(asked, study)
    for i, line in enumerate(made):
        cells = {beside.key: values[i] for beside, values, _ in columns}
        made[i] = dataclasses.replace(
            line, cells={**cells, **line.cells}, rob=line.rob or (robs[i] if robs else ())
        )
    trials = Trials(tuple(made), columns, domains, ())
    main = next((line for line in made if line.main), None)
    plot = framed(asked, measure_of(measure), level, made, sides, trials)
    total = None if main is None else Total(main.estimate, main.low, main.high)
    return described(dataclasses.replace(plot, total=total))


def plot_of_ladder(ladder: CountsLadder, asked: Asked) -> Plot:
    """Gather what a plot of every method for counts shows; those not recommended are hollow."""
    measure = measure_of(ladder.measure)
    standing = tuple(rung.standing for rung in ladder.rungs)
    sizes = tuple(rung.k or None for rung in ladder.rungs)
    columns: tuple[Filled, ...] = (
        (Beside("k", "Trials", "right", "count"), sizes, None),
        (Beside("standing", "For these data", "right", align="left"), standing, None),
    )
    lines = tuple(
        Line(
            rung.name,
            rung.estimate,
            rung.ci.low if rung.ci is not None else math.nan,
            rung.ci.high if rung.ci is not None else math.nan,
            cells={"k": rung.k or None, "standing": rung.standing},
            flags=(f"{capital(rung.standing)}: {rung.why}.",) if rung.why else (),
            hollow=rung.standing == "not recommended",
        )
        for rung in ladder.rungs
    )
    trials = Trials(lines, columns, (), ())
    title = asked.title or f"{capital(measure.name)} by every method"
    plot = framed(
        dataclasses.replace(asked, title=title),
        measure,
        ladder.level,
        lines,
        asked.sides or ("treatment", "comparison"),
        trials,
    )
    hollow = any(line.hollow for line in lines)
    return dataclasses.replace(
        plot,
        desc=f"{counted(ladder.k_total, 'trial')}. {ladder.sentence}",
        label_head="Method",
        found=(ladder.sentence, *(["Hollow: not recommended for these data."] if hollow else [])),
        asides=tuple(str(note) for note in ladder.notes),
        left_out=tuple(f"Left out: {one.study}, {one.why}." for one in ladder.left_out),
    )
