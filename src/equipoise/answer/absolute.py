"""Effects in the reader's units: points on a scale, or people per 1000, with and without.

A relative effect becomes absolute through the risk of the control groups; how that risk was
obtained is part of every such number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.answer.answer import Absolute
from equipoise.answer.conversions import Uncertain, combined, with_odds_ratio
from equipoise.answer.ledger import Ledger
from equipoise.certainty.thresholds import signed
from equipoise.core.provenance import Cell, Quantity, mark
from equipoise.core.table import count, points, significant, standardised
from equipoise.effects.measures import measure_of
from equipoise.review.comparisons import Pair
from equipoise.review.records import Baseline, Outcome

WEEKS_PER_MONTH = 365.25 / 7 / 12


@dataclass(frozen=True, slots=True)
class Scale:
    """How an effect on the analysis scale is told to a reader.

    `risk` is the risk without the treatment (binary outcomes; None where nothing gives it): that
    of `baseline` where the folder has one, else of the control groups.
    """

    outcome: Outcome
    risk: float | None = None
    baseline: Baseline | None = None
    halved: bool = False
    """Whether half an event was added to each control group, because none told a risk."""

    @property
    def known(self) -> bool:
        """Whether effects can be told in absolute terms."""
        return self.outcome.type == "continuous" or self.risk is not None

    def difference(self, effect: float) -> float:
        """Treatment minus comparator: points, or people per 1000."""
        if self.outcome.type == "continuous":
            return effect
        assert self.risk is not None
        return 1000 * (risk_with(self.outcome.measure, self.risk, effect) - self.risk)

    def benefit(self, effect: float) -> float:
        """The same, signed so that positive is better."""
        return signed(self.difference(effect), self.outcome.better)

    def interval(self, analysis: tuple[float, float, float]) -> tuple[float, float]:
        """The interval of the difference, with the baseline's own uncertainty carried through.

        `analysis` is the estimate with its ends on the analysis scale.
        """
        known = self.baseline
        low, high = sorted(self.difference(v) for v in analysis[1:])
        if self.outcome.type == "continuous" or known is None or known.low is None:
            return low, high
        risks = _uncertain_risk(known)
        measure = self.outcome.measure

        def difference(logit: float, effect: float) -> float:
            risk = _expit(logit)
            return 1000 * (risk_with(measure, risk, effect) - risk)

        return combined(difference, risks, Uncertain(*analysis))

    def with_interval(self, analysis: tuple[float, float, float]) -> tuple[float, float]:
        """The interval of the risk with the treatment, per 1000, in the same way."""
        assert self.risk is not None
        known = self.baseline
        if known is None or known.low is None:
            low, high = self.interval(analysis)
            return 1000 * self.risk + low, 1000 * self.risk + high
        measure = self.outcome.measure
        return combined(
            lambda logit, effect: 1000 * risk_with(measure, _expit(logit), effect),
            _uncertain_risk(known),
            Uncertain(*analysis),
        )


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _logit(per_thousand: float) -> float:
    share = min(max(per_thousand / 1000, 1e-12), 1 - 1e-12)
    return math.log(share / (1 - share))


def _uncertain_risk(baseline: Baseline) -> Uncertain:
    """A baseline risk on the log odds scale, where its interval is about symmetrical."""
    low = baseline.value if baseline.low is None else baseline.low
    high = baseline.value if baseline.high is None else baseline.high
    return Uncertain(_logit(baseline.value), _logit(low), _logit(high))


def risk_with(measure: str, risk: float, effect: float) -> float:
    """The risk with treatment, from the control risk and an effect on the analysis scale.

    Raises nothing: a ratio that would take the risk beyond 1 gives 1.
    """
    if measure == "RR":
        return min(1.0, risk * math.exp(min(effect, 700.0)))
    if measure == "OR":
        return with_odds_ratio(risk, math.exp(min(effect, 700.0))) if risk < 1 else 1.0
    return min(1.0, max(0.0, risk + effect))


def scale_of(outcome: Outcome, pairs: Sequence[Pair]) -> Scale:
    """The scale of an outcome: with its main baseline, else the control risk of these trials."""
    main = next((b for b in outcome.baselines if b.main), None)
    if main is not None:
        return at_baseline(outcome, main)
    if outcome.type == "continuous":
        return Scale(outcome)
    arms = [p.control for p in pairs if p.control is not None]
    people = sum(a.n for a in arms)
    if not people:
        return Scale(outcome)
    events = sum(a.events or 0 for a in arms)
    # A ratio of a risk of 0 is 0, and so are odds of a risk of 1: then the risk is taken as the
    # trials' own ratios take it, with half a person added to those with and without the event.
    if (outcome.measure in ("RR", "OR") and not events) or (
        outcome.measure == "OR" and events == people
    ):
        return Scale(outcome, (events + len(arms) / 2) / (people + len(arms)), halved=True)
    return Scale(outcome, events / people)


def at_baseline(outcome: Outcome, baseline: Baseline) -> Scale:
    """The scale of an outcome for one kind of people."""
    risk = baseline.value / 1000 if outcome.type == "binary" else None
    return Scale(outcome, risk, baseline)


def unit_of(outcome: Outcome) -> tuple[str, float]:
    """The unit in which a reader sees an effect of that measure, and the factor to get there."""
    if outcome.measure == "RD":
        return "per 1000", 1000.0
    if measure_of(outcome.measure).ratio or outcome.measure == "SMD":
        return outcome.measure, 1.0
    return "points", 1.0


def as_seen(outcome: Outcome, value: float) -> float:
    """An effect on the analysis scale as the reader sees it."""
    return unit_of(outcome)[1] * measure_of(outcome.measure).back(value)


def people_of(pairs: Sequence[Pair]) -> int:
    """People in these comparisons; of a trial without the size of a group, those randomised.

    A trial that tells neither counts as nobody.
    """
    known: dict[str, int] = {}
    for p in pairs:
        known.setdefault(p.trial.id, 0)
        known[p.trial.id] += sum(int(n) for n in (p.n1, p.n2) if not math.isnan(n))
    for p in _unsized(pairs):
        known[p.trial.id] = max(known[p.trial.id], p.trial.n_randomized or 0)
    return sum(known.values())


def size_cells(pairs: Sequence[Pair]) -> list[Cell]:
    """The cells that people were counted from where groups have no size."""
    return [p.trial.cell("n_randomized") for p in _unsized(pairs) if p.trial.n_randomized]


def _unsized(pairs: Sequence[Pair]) -> list[Pair]:
    return [p for p in pairs if math.isnan(p.n1 + p.n2)]


def pooled_sd(pairs: Sequence[Pair], variances: Sequence[float]) -> float | None:
    """The standard deviation behind mean differences: from each variance and group sizes.

    A trial without the size of a group counts with halves of those it randomised.
    """
    total = df = 0.0
    for pair, variance in zip(pairs, variances, strict=True):
        n1, n2 = pair.n1, pair.n2
        if math.isnan(n1 + n2):
            n1 = n2 = (pair.trial.n_randomized or 0) / 2
        if not n1 + n2 > 2:
            continue
        freedom = n1 + n2 - 2
        total += freedom * variance / (1 / n1 + 1 / n2)
        df += freedom
    return math.sqrt(total / df) if df else None


def control_sd(outcome: Outcome, pairs: Sequence[Pair]) -> float | None:
    """The pooled standard deviation of the control groups on the outcome's own scale.

    None where a group's is not reported, or where there is no scale to tell it on.

    Source: Cochrane Handbook 15.5.3.2.
    """
    arms = [p.control for p in pairs]
    if outcome.scale is None or not arms:
        return None
    total = freedom = 0.0
    for arm in arms:
        if arm is None or arm.sd is None or arm.mean is None or arm.type != "final":
            return None
        total += (arm.n - 1) * arm.sd**2
        freedom += arm.n - 1
    return math.sqrt(total / freedom) if freedom > 0 and total > 0 else None


def time_words(pairs: Sequence[Pair], outcome: Outcome) -> str:
    """When the results were measured, such as ``6 to 12 months`` or ``10 years``."""
    weeks = sorted(p.week for p in pairs) or [outcome.weeks[2]]
    months = [w / WEEKS_PER_MONTH for w in (weeks[0], weeks[-1])]
    years = all(m > 23 and abs(m / 12 - round(m / 12)) < 0.05 for m in months)
    ends = [count(m / 12 if years else m) for m in months]
    unit = "year" if years else "month"
    if ends[0] == ends[1]:
        return f"{ends[0]} {unit if ends[0] == '1' else unit + 's'}"
    return f"{ends[0]} to {ends[1]} {unit}s"


def absolute(
    scale: Scale,
    pairs: Sequence[Pair],
    ledger: Ledger,
    prefix: str,
    effect: Quantity,
    analysis: tuple[float, float, float],
    *,
    population: str,
    level_of_control: bool = True,
) -> Absolute | None:
    """The effect in absolute terms, entered in the ledger; None where no control risk is known.

    Parameters
    ----------
    effect
        The relative or mean effect as entered, which the new numbers lead back to.
    analysis
        Estimate, lower and upper bound on the analysis scale.
    level_of_control
        Show what happens without the treatment as well (False for effects that were added up).
    """
    outcome = scale.outcome
    if not scale.known:
        return None
    binary = outcome.type == "binary"
    unit, factor = ("per 1000" if binary else "points"), 1.0
    formula = (
        "risk with − risk without, from the risk without and the pooled effect × 1000"
        if binary
        else "pooled mean difference"
    )
    if outcome.measure == "SMD":
        sd = control_sd(outcome, pairs)
        if sd is None:
            unit, level_of_control = "SMD", False
            formula = "pooled standardised mean difference, in standard deviations"
        else:
            factor = sd
            formula = (
                "pooled standardised mean difference × pooled standard deviation of the control "
                f"groups, {significant(sd, 4)} points"
            )
    low, high = (factor * v for v in scale.interval(analysis))
    without = _without(scale, pairs, ledger, prefix) if level_of_control else None
    difference = ledger.add(
        f"{prefix}.difference",
        factor * scale.difference(analysis[0]),
        unit,
        f"{outcome.label}: difference with the treatment",
        formula,
        low=low,
        high=high,
        inputs=[q for q in (without, effect) if q is not None],
    )
    with_ = None
    if without is not None:
        ends = (
            scale.with_interval(analysis)
            if binary
            else _moved(without, (difference.value, low, high))
        )
        with_ = ledger.add(
            f"{prefix}.with",
            without.value + difference.value,
            without.unit,
            f"{outcome.label} with the treatment",
            "without + difference",
            low=ends[0],
            high=ends[1],
            inputs=(without, difference),
        )
    return Absolute(
        denominator=1000 if binary else 0,
        without=without,
        with_=with_,
        difference=difference,
        reference_class=population if scale.baseline is None else scale.baseline.name,
        time=time_words(pairs, outcome),
    )


def _moved(without: Quantity, difference: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of the average with the treatment, with that of the one without carried on."""
    if without.low is None or without.high is None:
        return without.value + difference[1], without.value + difference[2]
    known = Uncertain(without.value, without.low, without.high)
    return combined(lambda start, change: start + change, known, Uncertain(*difference))


def _without(scale: Scale, pairs: Sequence[Pair], ledger: Ledger, prefix: str) -> Quantity | None:
    outcome, known = scale.outcome, scale.baseline
    if known is not None:
        return ledger.add(
            f"{prefix}.without",
            known.value,
            "per 1000" if outcome.type == "binary" else "points",
            f"{outcome.label} without the treatment, {known.name}",
            f"from {known.source}",
            low=known.low,
            high=known.high,
            cells=[known.cell("value")],
        )
    arms = [p.control for p in pairs if p.control is not None]
    # A control group counts where its comparison can be used, so the treated side matters too.
    cells: list[Cell] = [c for p in pairs if p.control is not None for c in p.cells]
    if outcome.type == "binary":
        assert scale.risk is not None
        return ledger.add(
            f"{prefix}.without",
            1000 * scale.risk,
            "per 1000",
            f"{outcome.label} without the treatment",
            "events over people in the control groups of these trials"
            + ("; half a person added to those with and without it" if scale.halved else ""),
            cells=cells,
        )
    finals = [a for a in arms if a.type == "final" and a.mean is not None]
    if not finals or len(finals) != len(pairs):
        return None
    people = sum(a.n for a in finals)
    return ledger.add(
        f"{prefix}.without",
        sum(a.n * (a.mean or 0.0) for a in finals) / people,
        "points",
        f"{outcome.label} without the treatment, average",
        "mean of the control groups, weighted by their size",
        cells=cells,
    )


def difference_words(outcome: Outcome, difference: Quantity) -> str:
    """The difference in a sentence, each number tied to its quantity.

    ``2.8 points lower (from 11.3 lower to 5.7 higher)``; ``109 more of every 1000 people (…)``.
    """
    assert difference.low is not None
    assert difference.high is not None
    if outcome.type == "binary":
        down, up = "fewer", "more"
        way = _way(difference.value, down, up)
        size = mark(difference, _size(outcome, difference.value))
        middle = f"{size} {way} of every 1000 people"
    else:
        down, up = "lower", "higher"
        scale = (
            f" on a scale of {outcome.scale[0]:g} to {outcome.scale[1]:g}" if outcome.scale else ""
        )
        noun = "points"
        if difference.unit == "SMD":
            noun, scale = "standard deviations", ""
        middle = f"{mark(difference, _size(outcome, difference.value, difference.unit))} {noun} "
        middle += f"{_way(difference.value, down, up)}{scale}"
    ends = [
        f"{mark(difference, _size(outcome, v, difference.unit))} {_way(v, down, up)}"
        for v in (difference.low, difference.high)
    ]
    return f"{middle} (it could be anything from {ends[0]} to {ends[1]})"


def _way(value: float, down: str, up: str) -> str:
    return down if value < 0 else up


def _size(outcome: Outcome, value: float, unit: str = "") -> str:
    if unit == "SMD":
        return standardised(abs(value))
    return count(abs(value)) if outcome.type == "binary" else points(abs(value))
