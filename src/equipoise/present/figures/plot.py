"""What a forest plot needs to know, from an answer's outcome or from a fit; its words and table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from equipoise.answer.answer import ForestRow, OutcomeAnswer, Pooled, ThresholdLine
from equipoise.core.errors import InputError
from equipoise.core.provenance import plain
from equipoise.core.table import (
    Column,
    Kind,
    Table,
    Value,
    count,
    kept,
    p_value,
    percent,
    points,
    ratio,
    significant,
    standardised,
)
from equipoise.effects.measures import Measure, measure_of
from equipoise.num.dist import critical

Better = Literal["lower", "higher"]


class Fit(Protocol):
    """What a pairwise fit offers a forest plot; effects on the analysis scale, I² in percent."""

    study: Any
    yi: Any
    vi: Any
    weights: Any
    measure: str
    model: str
    estimate: float
    ci: Any
    pi: Any
    level: float
    k: int
    tau2: float
    i2: float
    q: float
    q_df: float
    q_p: float


@dataclass(frozen=True, slots=True)
class Total:
    """The pooled result, on the analysis scale."""

    model: str
    estimate: float
    low: float
    high: float
    prediction: tuple[float, float] | None
    people: int | None
    heterogeneity: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything that a forest plot shows, on the analysis scale."""

    title: str
    desc: str
    measure: Measure
    unit: str
    level: float
    rows: tuple[ForestRow, ...]
    total: Total | None
    better: Better | None
    sides: tuple[str, str]
    ends: tuple[str, str]
    """What lies to the left and to the right of no effect, in words."""
    band: tuple[float, float] | None
    band_words: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    """Results that could not be used, each with its reason; the table lists them."""

    @property
    def axis_title(self) -> str:
        """The measure in words, with its unit or "log scale"."""
        name = self.measure.name[:1].upper() + self.measure.name[1:]
        if self.measure.ratio:
            return f"{name} (log scale)"
        return f"{name}, {self.unit}" if self.unit else name

    def write(self, value: float) -> str:
        """Write a value of the analysis scale as a reader sees it."""
        return _writer(self.measure)(self.measure.back(value))

    def interval(self, low: float, high: float) -> str:
        """Write an interval of the analysis scale."""
        return f"{self.write(low)} to {self.write(high)}"

    def effect(self, estimate: float, low: float, high: float) -> str:
        """Write an estimate with its interval."""
        return f"{self.write(estimate)} ({self.interval(low, high)})"

    @property
    def flags(self) -> tuple[str, ...]:
        """The remarks of all trials, each once, in the order of the trials."""
        return tuple(dict.fromkeys(flag for row in self.rows for flag in row.flags))

    def table(self) -> Table:
        """The twin of the drawing: one row a trial, then the pooled result and prediction."""
        kind = _kind(self.measure)
        percents = f"{100 * self.level:g}%"
        columns = (
            Column("trial", "Trial"),
            Column("treated", self.sides[0][:1].upper() + self.sides[0][1:]),
            Column("control", self.sides[1][:1].upper() + self.sides[1][1:]),
            Column("effect", self.axis_title.removesuffix(" (log scale)"), kind, "right"),
            Column("low", f"{percents} interval from", kind, "right"),
            Column("high", "to", kind, "right"),
            Column("weight", "Weight", "percent", "right"),
            Column("rob", "Risk of bias"),
            Column("remarks", "Remarks"),
        )
        rows: list[tuple[Value, ...]] = [self._row(row) for row in self.rows]
        back = self.measure.back
        if self.total is not None and len(self.rows) > 1:
            t = self.total
            numbers = (back(t.estimate), back(t.low), back(t.high))
            rows.append((f"All {len(rows)} trials", None, None, *numbers, 100.0, None, None))
            if t.prediction is not None:
                low, high = (back(v) for v in t.prediction)
                nothing = (None, None, None)
                rows.append(("Prediction interval", *nothing, low, high, *nothing))
        notes = [self.total.heterogeneity] if self.total and self.total.heterogeneity else []
        notes += [self.band_words] if self.band_words else []
        # A fit knows effects only: columns that would be empty throughout are left out.
        told = {
            "treated": any(r.treated for r in self.rows),
            "control": any(r.control for r in self.rows),
            "rob": any(r.rob for r in self.rows),
            "remarks": any(r.flags for r in self.rows),
        }
        at = [i for i, c in enumerate(columns) if told.get(c.key, True)]
        return Table(
            self.title,
            tuple(columns[i] for i in at),
            tuple(tuple(row[i] for i in at) for row in rows),
            notes=(*notes, *self.notes, *self.left_out),
            missing="",
        )

    def _row(self, row: ForestRow) -> tuple[Value, ...]:
        back = self.measure.back
        return (
            row.label,
            row.treated or "not reported",
            row.control or "not reported",
            back(row.estimate),
            back(row.low),
            back(row.high),
            row.weight,
            row.rob or "not judged",
            "; ".join(row.flags),
        )


def _kind(measure: Measure) -> Kind:
    if measure.ratio:
        return "ratio"
    kinds: dict[str, Kind] = {"SMD": "standardised", "MD": "points"}
    return kinds.get(measure.code, "plain")


def _writer(measure: Measure) -> Callable[[float], str]:
    kind = _kind(measure)
    if kind == "plain":
        return lambda v: kept(v, 3, (0.0,)) if abs(v) < 1 else significant(v, 4)
    if kind == "ratio":
        return ratio
    return standardised if kind == "standardised" else points


def plot_of(
    what: OutcomeAnswer | Fit,
    *,
    title: str | None,
    better: Better | None,
    threshold: float | tuple[float, float] | None,
    sides: tuple[str, str],
) -> Plot:
    """Gather what a forest plot shows, from an outcome of an answer or from a fit."""
    if better not in (None, "lower", "higher"):
        raise InputError(f"better={better!r}", hint="'lower' or 'higher'")
    if isinstance(what, OutcomeAnswer):
        return _from_outcome(what, title, better, threshold, sides)
    missing = [
        n for n in ("yi", "vi", "weights", "ci", "estimate", "measure") if not hasattr(what, n)
    ]
    if missing:
        raise InputError(
            f"a forest plot cannot be drawn of a {type(what).__name__}",
            hint="an outcome of an answer, or what pairwise() gives",
        )
    return _from_fit(what, title, better, threshold, sides)


def _what(pooled: Pooled | None) -> str:
    if pooled is None:
        return "no numbers to draw"
    return "one trial" if len(pooled.rows) == 1 else "every trial and all together"


def _from_outcome(
    outcome: OutcomeAnswer,
    title: str | None,
    better: Better | None,
    threshold: float | tuple[float, float] | None,
    sides: tuple[str, str],
) -> Plot:
    better = better or outcome.better
    title = title or f"{outcome.label}: {_what(outcome.pooled)}"
    pooled = outcome.pooled
    unit = outcome.unit
    if unit and outcome.scale:
        unit += f" on a scale of {outcome.scale[0]:g} to {outcome.scale[1]:g}"
    if pooled is None:
        return _without_numbers(outcome, title, unit, better, sides)
    measure = measure_of(pooled.measure)
    band, words = _band(outcome, measure, threshold)
    total = Total(
        model=pooled.model,
        estimate=pooled.estimate,
        low=pooled.low,
        high=pooled.high,
        prediction=_pair(pooled.pi_low, pooled.pi_high),
        people=pooled.n,
        heterogeneity=_heterogeneity(pooled, measure),
    )
    plot = Plot(
        title=title,
        desc="",
        measure=measure,
        unit=unit,
        level=pooled.level,
        rows=pooled.rows,
        total=total,
        better=better,
        sides=sides,
        ends=favours(better, sides),
        band=band,
        band_words=words,
        notes=pooled.notes,
        left_out=_left_out(outcome),
    )
    return _described(plot, outcome.unit)


def _from_fit(
    fit: Fit,
    title: str | None,
    better: Better | None,
    threshold: float | tuple[float, float] | None,
    sides: tuple[str, str],
) -> Plot:
    measure = measure_of(fit.measure)
    z = critical(fit.level)
    whole = math.fsum(float(w) for w in fit.weights)
    rows = []
    for name, y, v, w in zip(fit.study, fit.yi, fit.vi, fit.weights, strict=True):
        half = z * math.sqrt(float(v))
        y = float(y)
        share = 100 * float(w) / whole
        rows.append(
            ForestRow(str(name), str(name), y, y - half, y + half, share, "", "", "", (), ())
        )
    total = Total(
        model=fit.model,
        estimate=fit.estimate,
        low=fit.ci.low,
        high=fit.ci.high,
        prediction=None if fit.pi is None else _pair(fit.pi.low, fit.pi.high),
        people=None,
        heterogeneity=_heterogeneity(fit, measure),
    )
    band = None if threshold is None else _given_band(measure, threshold)
    plot = Plot(
        title=title
        or f"{measure.name[:1].upper()}{measure.name[1:]}: every trial and all together",
        desc="",
        measure=measure,
        unit="",
        level=fit.level,
        rows=tuple(rows),
        total=total,
        better=better,
        sides=sides,
        ends=favours(better, sides),
        band=band,
        band_words=_band_words(measure, band),
        notes=tuple(str(note) for note in getattr(fit, "notes", ())),
        left_out=tuple(f"Left out: {name}, {why}." for name, why in getattr(fit, "left_out", ())),
    )
    return _described(plot, "")


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
        rows=(),
        total=None,
        better=better,
        sides=sides,
        ends=favours(better, sides),
        band=None,
        band_words="",
        notes=(why,),
        left_out=_left_out(outcome),
    )


def _left_out(outcome: OutcomeAnswer) -> tuple[str, ...]:
    return tuple(f"Left out: {one.label}, {one.what}: {one.why}." for one in outcome.left_out)


def _pair(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return low, high


def favours(better: Better | None, sides: tuple[str, str]) -> tuple[str, str]:
    """The words left and right of no effect, from which direction is better."""
    if better is None:
        return f"lower with {sides[0]}", f"higher with {sides[0]}"
    words = (f"favours {sides[0]}", f"favours {sides[1]}")
    return words if better == "lower" else (words[1], words[0])


def _band(
    outcome: OutcomeAnswer, measure: Measure, threshold: float | tuple[float, float] | None
) -> tuple[tuple[float, float] | None, str]:
    if threshold is not None:
        band = _given_band(measure, threshold)
        return band, _band_words(measure, band)
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
    """The main threshold on the analysis scale; a ratio needs the risk without treatment."""
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


def _given_band(measure: Measure, threshold: float | tuple[float, float]) -> tuple[float, float]:
    """A threshold given on the reader's scale, on the analysis scale."""
    if isinstance(threshold, tuple):
        low, high = threshold
    elif measure.ratio and threshold > 0:
        low, high = sorted((threshold, 1 / threshold))
    else:
        low, high = -abs(threshold), abs(threshold)
    if not low < measure.null < high or (measure.ratio and low <= 0):
        raise InputError(
            f"threshold={threshold!r} does not enclose no effect ({measure.null:g})",
            hint="one number, or a pair such as (0.8, 1.25) for ratios",
        )
    return (math.log(low), math.log(high)) if measure.ratio else (low, high)


def _band_words(measure: Measure, band: tuple[float, float] | None) -> str:
    if band is None:
        return ""
    write = _writer(measure)
    low, high = (write(measure.back(v)) for v in band)
    return f"Shaded: effects between {low} and {high} are too small to matter."


def _heterogeneity(fit: Pooled | Fit, measure: Measure) -> str:
    if fit.k < 2:
        return ""
    ways = {"random": "random effects", "common": "common effect"}
    way = ways.get(fit.model, fit.model)
    method = getattr(fit, "tau2_method", "")
    if method and fit.model == "random":
        way += f",\u00a0{method}"
    tau2 = f", tau²\u00a0{significant(fit.tau2, 3)}" if fit.model != "common" else ""
    on_log = " on the log scale" if tau2 and fit.tau2 > 0 and measure.ratio else ""
    words = f"Differences between trials: I²\u00a0{percent(fit.i2)}{tau2}{on_log};"
    words += f" Q\u00a0{significant(fit.q, 3)}"
    return f"{words} on {count(fit.q_df)}\u00a0df, p\u00a0{p_value(fit.q_p)} ({way})."


def _described(plot: Plot, unit: str) -> Plot:
    """The same plot with its finding in words."""
    assert plot.total is not None
    k, t = len(plot.rows), plot.total
    who = f" with {count(t.people)} people" if t.people else ""
    effect = plot.effect(t.estimate, t.low, t.high)
    measured = f"{plot.measure.name} {effect}{' ' + unit if unit else ''}"
    percents = f"{100 * plot.level:g}%"
    if k == 1:
        text = f"One trial{who}: {measured} ({percents} interval in brackets)."
    else:
        text = f"{count(k)} trials{who}, pooled {measured} ({percents} interval in brackets)."
        text += f" The trials range from {_range(plot.rows, plot.write)}."
    if t.prediction is not None:
        text += f" In a new setting the effect may lie from {plot.interval(*t.prediction)}."
    if plot.band is not None:
        text += " " + _against_band(t, plot.band)
    if plot.better is not None:
        text += f" {plot.better.capitalize()} is better."
    return replace(plot, desc=text)


def _range(rows: Sequence[ForestRow], write: Callable[[float], str]) -> str:
    values = [row.estimate for row in rows]
    return f"{write(min(values))} to {write(max(values))}"


def _against_band(t: Total, band: tuple[float, float]) -> str:
    if band[0] <= t.low and t.high <= band[1]:
        return "The whole interval is too small to matter."
    if t.high < band[0] or t.low > band[1]:
        return "The whole interval is large enough to matter."
    return "The interval holds effects too small to matter and effects that matter."
