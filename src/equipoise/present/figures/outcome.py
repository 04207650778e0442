"""From an outcome of an answer to what its forest plot shows."""

from __future__ import annotations

import math

from equipoise.answer.answer import ForestRow, OutcomeAnswer, Pooled, ThresholdLine
from equipoise.core.provenance import plain
from equipoise.core.table import count, significant
from equipoise.effects.measures import Measure, measure_of
from equipoise.present.figures.cells import DOMAINS
from equipoise.present.figures.plot import (
    Beside,
    Better,
    Line,
    Plot,
    Total,
    band_said,
    capital,
    described,
    favours,
    given_band,
    heterogeneity_said,
)

ROB2 = DOMAINS[5]


def plot_of_outcome(
    outcome: OutcomeAnswer,
    *,
    title: str | None,
    better: Better | None,
    threshold: float | tuple[float, float] | None,
    sides: tuple[str, str],
) -> Plot:
    """Gather what a forest plot of an outcome shows."""
    better = better or outcome.better
    pooled = outcome.pooled
    title = title or f"{outcome.label}: {_what(pooled)}"
    unit = outcome.unit
    if unit and outcome.scale:
        unit += f" on a scale of {outcome.scale[0]:g} to {outcome.scale[1]:g}"
    if pooled is None:
        return _without_numbers(outcome, title, unit, better, sides)
    measure = measure_of(pooled.measure)
    band, words = _band(outcome, measure, threshold)
    total = Total(
        estimate=pooled.estimate,
        low=pooled.low,
        high=pooled.high,
        prediction=_pair(pooled.pi_low, pooled.pi_high),
        people=pooled.n,
    )
    found = heterogeneity_said(pooled, measure)
    plot = Plot(
        title=title,
        measure=measure,
        level=pooled.level,
        lines=_lines(pooled, total),
        unit=unit,
        total=total,
        beside=tuple(
            Beside(key, capital(side), align="left")
            for key, side in zip(("treated", "control"), sides, strict=True)
        ),
        raw_below=True,
        better=better,
        sides=sides,
        ends=favours(better, sides),
        band=band,
        band_words=words,
        found=(found,) if found else (),
        notes=pooled.notes,
        left_out=_left_out(outcome),
        domains=(*ROB2, "overall") if any(row.rob_domains for row in pooled.rows) else (),
        effect_head=("Effect", f"({100 * pooled.level:g}% interval)"),
    )
    return described(plot, outcome.unit)


def _lines(pooled: Pooled, total: Total) -> tuple[Line, ...]:
    lights = any(row.rob_domains for row in pooled.rows)
    lines = [_line(row, lights) for row in pooled.rows]
    k = len(lines)
    if k < 2:
        return tuple(lines)
    people = f", {count(total.people)} people" if total.people else ""
    label = f"All {count(k)} trials{people}"
    ends = (total.estimate, total.low, total.high)
    lines.append(Line(label, *ends, kind="total", weight=100.0, main=True))
    if total.prediction is not None:
        low, high = total.prediction
        lines.append(Line("Prediction interval", low=low, high=high, kind="prediction"))
    return tuple(lines)


def _lights(row: ForestRow) -> tuple[str, ...]:
    """The five domains of RoB 2 and the overall level."""
    domains = row.rob_domains or ("not judged",) * len(ROB2)
    return (*domains, row.rob or "not judged")


def _line(row: ForestRow, lights: bool) -> Line:
    return Line(
        row.label,
        row.estimate,
        row.low,
        row.high,
        weight=row.weight,
        cells={
            "treated": row.treated or "not reported",
            "control": row.control or "not reported",
        }
        if row.treated or row.control
        else {},
        rob=_lights(row) if lights else (row.rob or "not judged",),
        flags=row.flags,
    )


def _what(pooled: Pooled | None) -> str:
    if pooled is None:
        return "no numbers to draw"
    return "one trial" if len(pooled.rows) == 1 else "every trial and all together"


def _without_numbers(
    outcome: OutcomeAnswer, title: str, unit: str, better: Better, sides: tuple[str, str]
) -> Plot:
    why = plain(outcome.statement_plain)
    return Plot(
        title=title,
        desc=why,
        measure=measure_of("RR" if outcome.type == "binary" else "MD"),
        unit=unit,
        level=0.95,
        lines=(),
        better=better,
        sides=sides,
        ends=favours(better, sides),
        notes=(why,),
        left_out=_left_out(outcome),
    )


def _left_out(outcome: OutcomeAnswer) -> tuple[str, ...]:
    return tuple(f"Left out: {one.label}, {one.what}: {one.why}." for one in outcome.left_out)


def _pair(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return low, high


def _band(
    outcome: OutcomeAnswer, measure: Measure, threshold: float | tuple[float, float] | None
) -> tuple[tuple[float, float] | None, str]:
    if threshold is not None:
        band = given_band(measure, threshold)
        return band, band_said(measure, band)
    line = next((t for t in outcome.thresholds if t.main), None)
    if line is None:
        return None, ""
    ends = _registered_band(outcome, measure, line)
    if ends is None:
        return None, ""
    small = significant(line.small, 4)
    amount = f"{small} in 1000 people" if outcome.type == "binary" else f"{small} {outcome.unit}"
    return ends, f"Shaded: a difference of less than {amount.strip()} is too small to matter."


def _registered_band(
    outcome: OutcomeAnswer, measure: Measure, line: ThresholdLine
) -> tuple[float, float] | None:
    """The main threshold on the scale of analysis; a ratio needs the risk without treatment."""
    if outcome.type == "continuous":
        return -line.small, line.small
    step = line.small / 1000
    if measure.code == "RD":
        return -step, step
    told = outcome.absolute
    if told is None or told.without is None or not told.denominator:
        return None
    risk = told.without.value / told.denominator
    low, high = (_ratio(measure.code, risk, risk + s) for s in (-step, step))
    return low, high


def _ratio(code: str, risk: float, other: float) -> float:
    """The log ratio that takes `risk` to `other`; infinite where none does."""
    if other <= 0 or risk <= 0:
        return -math.inf
    if code == "OR":
        if other >= 1 or risk >= 1:
            return math.inf
        return math.log(other / (1 - other)) - math.log(risk / (1 - risk))
    return math.log(min(other, 1.0) / risk)
