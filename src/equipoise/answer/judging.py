"""From a pooled result to its certainty, the name of its size and the row of the verdict table."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.answer.absolute import Scale, people_of, pooled_sd, scale_of
from equipoise.answer.answer import HarmClass, VerdictCode
from equipoise.answer.verdict import Row, decide
from equipoise.answer.wording import join
from equipoise.certainty.grade import (
    ENOUGH_TRIALS,
    TOO_FEW,
    Cap,
    Domain,
    GradeProfile,
    Reason,
    ReportingSigns,
    imprecision,
    inconsistency,
    indirectness,
    information_size_binary,
    information_size_continuous,
    large_effect,
    profile,
    publication_bias,
    rises,
    risk_of_bias,
)
from equipoise.certainty.rob2 import result_risk
from equipoise.certainty.rob_me import gaps
from equipoise.certainty.thresholds import EffectClass, classify, signed
from equipoise.core.errors import EquipoiseError
from equipoise.core.result import Interval
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import INTERVALS
from equipoise.models.pairwise import PairwiseFit, refit
from equipoise.num.dist import critical
from equipoise.review.comparisons import Pair, pair_contrasts
from equipoise.review.records import Judgement, Outcome, Review, Threshold, Trial
from equipoise.review.vocabulary import FLAGS

#: Which kind of judgement in the folder speaks about which domain.
_ABOUT: dict[str, Domain] = {
    "indirectness": "indirectness",
    "publication-bias": "publication bias",
}

#: What the design of a study without random allocation says: the first whatever else it says, the
#: others unless it says that it was randomised (a randomised trial within a registry is one).
_NOT_RANDOM = ("non-random", "nonrandom", "not random", "quasi-random", "quasi-experiment")
_OBSERVED = (
    *("observational", "cohort", "case-control", "case series", "before-after", "single-arm"),
    *("before and after", "cross-sectional", "registry", "interrupted time series"),
)
_LOG_MAX = 700.0
#: The level of the intervals by which certainty is judged.
JUDGED_AT = 0.95
#: One trial with fewer people is small whatever its spread says: GRADE's rule of thumb for
#: continuous outcomes (guideline 6, Guyatt 2011, doi 10.1016/j.jclinepi.2011.01.012).
ONE_SMALL = 400


@dataclass(frozen=True, slots=True)
class Setting:
    """What goes into the verdict beside the benefit, the same for every outcome."""

    harm: HarmClass
    burden: str
    caps: tuple[Cap, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A pooled result, judged.

    `benefit`, `low` and `high` are signed so that positive is better, in points or per 1000;
    None where no control risk is known. `needed` is the optimal information size.
    """

    scale: Scale
    benefit: float | None
    low: float | None
    high: float | None
    low_class: EffectClass | None
    high_class: EffectClass | None
    people: int
    needed: float | None
    profile: GradeProfile
    effect_class: EffectClass | None
    row: Row | None
    bare: bool = False
    """Whether no control group got anything that counts: neither a sham nor other care."""

    @property
    def code(self) -> VerdictCode:
        """The answer that the table gives; without a named size we do not know."""
        return "UNKNOWN" if self.row is None else self.row.verdict


def judge(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    fit: PairwiseFit,
    threshold: Threshold | None,
    setting: Setting,
) -> Judged:
    """Judge a pooled result against one set of cut points.

    Certainty is judged by the 95 % interval, whatever the level at which the plan shows intervals.
    """
    fit = _at_95(outcome, chosen, fit)
    scale = scale_of(outcome, chosen)
    people = people_of(chosen)
    small = threshold.small if threshold is not None and scale.known else None
    needed = _information_size(outcome, scale, chosen, fit, small)
    benefit = low = high = None
    size = low_class = high_class = None
    trials: list[float] = []
    if scale.known:
        benefit = scale.benefit(fit.estimate)
        ends = scale.interval((fit.estimate, fit.ci.low, fit.ci.high))
        low, high = sorted(signed(v, outcome.better) for v in ends)
        trials = [scale.benefit(float(y)) for y in fit.yi]
        if threshold is not None:
            size, low_class, high_class = (classify(v, threshold) for v in (benefit, low, high))
    reasons = (
        _bias(review, outcome, chosen, fit),
        inconsistency(fit.i2, trials, fit.weights.tolist(), small),
        _indirectness(chosen, fit),
        imprecision(
            low,
            high,
            small,
            people,
            needed,
            large=None if threshold is None else threshold.large,
            measure=outcome.measure,
            ratio=_ratio(outcome, fit),
        )
        if low is not None and high is not None
        else Reason(
            "imprecision",
            -2,
            "no absolute effect can be computed: no risk without the treatment is known",
            "nobody says how often it happens without the treatment",
        ),
        publication_bias(_reporting(review, outcome, chosen, fit, people, needed)),
    )
    signed_reasons = [_with_person(review, outcome, r) for r in reasons]
    trials_in = len({p.trial.id for p in chosen})
    caps = (*_size_caps(people, needed, size, high, small, trials_in), *setting.caps)
    graded = _counted(outcome, chosen, fit, scale, signed_reasons, caps)
    row = None if size is None else decide(setting.harm, graded.level, size, setting.burden)
    return Judged(
        scale,
        benefit,
        low,
        high,
        low_class,
        high_class,
        people,
        needed,
        graded,
        size,
        row,
        bare=not any(p.parts2 for p in chosen),
    )


def _at_95(outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit) -> PairwiseFit:
    """The same fit with 95 % intervals."""
    if fit.level == JUDGED_AT:
        return fit
    contrasts = pair_contrasts(outcome, chosen)
    if fit.interval in INTERVALS and contrasts is not None:
        return refit(replace(fit, level=JUDGED_AT), contrasts)
    half = critical(JUDGED_AT, fit.df) * fit.se
    ci = Interval(fit.estimate - half, fit.estimate + half, JUDGED_AT, fit.ci.method)
    return replace(fit, level=JUDGED_AT, ci=ci)


def _counted(
    outcome: Outcome,
    chosen: Sequence[Pair],
    fit: PairwiseFit,
    scale: Scale,
    reasons: Sequence[Reason],
    caps: Sequence[Cap],
) -> GradeProfile:
    """Count from high, or from low where studies without random allocation are pooled."""
    if all(randomised(p.trial) for p in chosen):
        return profile(outcome.id, reasons, caps)
    ends = _ratio(outcome, fit)
    back = None if ends is None else (math.exp(min(fit.estimate, _LOG_MAX)), *ends)
    effect = large_effect(outcome.measure, back, scale.risk)
    return profile(outcome.id, reasons, caps, start="low", raises=rises(effect))


def _ratio(outcome: Outcome, fit: PairwiseFit) -> tuple[float, float] | None:
    """The interval of a ratio, on its own scale."""
    if not measure_of(outcome.measure).ratio:
        return None
    return math.exp(min(fit.ci.low, _LOG_MAX)), math.exp(min(fit.ci.high, _LOG_MAX))


def randomised(trial: Trial) -> bool:
    """Whether a trial allocated people at random, by what its design says; silence counts so."""
    design = trial.design.casefold()
    if any(word in design for word in _NOT_RANDOM):
        return False
    return "random" in design or not any(word in design for word in _OBSERVED)


def _indirectness(chosen: Sequence[Pair], fit: PairwiseFit) -> Reason:
    weights = [float(w) for w in fit.weights]
    told = FLAGS["not-isolating"]
    doubtful = [(p, w) for p, w in zip(chosen, weights, strict=True) if told in p.flags]
    names = join(list(dict.fromkeys(p.label for p, _ in doubtful)))
    share = sum(w for _, w in doubtful) / sum(weights)
    return indirectness(share, f"{names or 'no trial'}, whose groups differ in more than it")


def _reporting(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    fit: PairwiseFit,
    people: int,
    needed: float | None,
) -> ReportingSigns:
    """What speaks for results that are missing: the funnel, the ledger of gaps, and who paid."""
    lost = any(u.outcome == outcome.id for u in review.unreported)
    ledger = gaps(review, outcome) if lost else None
    few = fit.k < ENOUGH_TRIALS and needed is not None and people < needed
    paid = len(chosen) > 1 and all(p.trial.money == "industry" for p in chosen)
    test, p_value, towards = _small_study(outcome, fit)
    return ReportingSigns(
        fit.k,
        test,
        p_value,
        towards,
        for_result=0.0 if ledger is None else ledger.for_result,
        at_all=0.0 if ledger is None else ledger.at_all,
        paid=paid and few,
    )


def _small_study(outcome: Outcome, fit: PairwiseFit) -> tuple[str, float | None, bool]:
    """Test whether smaller trials show larger benefits, where there are enough trials."""
    if fit.k < ENOUGH_TRIALS:
        return "", None, False
    # An answer with fewer trials never needs these tests, and starts without them.
    room = importlib.import_module("equipoise.models.bias.asymmetry")
    recommended = room.RECOMMENDED.get(outcome.measure, ())
    for name in dict.fromkeys([*(test for test, _ in recommended), "Egger"]):
        try:
            found = room.small_study(fit, name)
        except EquipoiseError:
            continue
        towards = found.direction * (1 if outcome.better == "higher" else -1) > 0
        return f"{name}’s test", float(found.p_value), towards
    return "", None, False


def _bias(review: Review, outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit) -> Reason:
    weights = [float(w) for w in fit.weights]
    risks = [result_risk(review, p.trial.id, outcome.id) for p in chosen]
    open_weight = sum(
        w for w, p in zip(weights, chosen, strict=True) if outcome.self_reported and knew(review, p)
    )
    return risk_of_bias(risks, weights, subjective_unblinded=open_weight / sum(weights))


def knew(review: Review, pair: Pair) -> bool:
    """Whether people knew what they got: so told, or not told and there was no sham."""
    if pair.trial.blinding != "unclear":
        return pair.trial.blinding in ("none", "assessors")
    return not any(review.component(c).role in ("treatment", "delivery") for c in pair.parts2)


def _information_size(
    outcome: Outcome,
    scale: Scale,
    chosen: Sequence[Pair],
    fit: PairwiseFit,
    small: float | None,
) -> float | None:
    if small is None:
        return None
    if outcome.type == "binary":
        if scale.risk is None:
            return None
        step = small / 1000 if outcome.better == "higher" else -small / 1000
        return information_size_binary(scale.risk, step)
    if outcome.measure == "SMD":
        return information_size_continuous(1.0, small)
    sd = pooled_sd(chosen, [float(v) for v in fit.vi])
    return None if sd is None else information_size_continuous(sd, small)


def _size_caps(
    people: int,
    needed: float | None,
    size: EffectClass | None,
    high: float | None,
    small: float | None,
    trials: int,
) -> tuple[Cap, ...]:
    caps: list[Cap] = []
    if needed is None:
        why = "how many people would be enough cannot be computed"
        caps.append(Cap("low", why, "nobody knows whether enough people took part"))
    elif people < needed:
        caps.append(
            Cap(
                "low",
                f"{people} people, fewer than the {needed:.0f} that one adequate trial needs",
                TOO_FEW,
            )
        )
    if trials == 1 and people < ONE_SMALL:
        told = f"one trial with {people} people, fewer than {ONE_SMALL}"
        if not people:
            told = "one trial, and nobody knows how many people were in it"
        caps.append(Cap("low", told, "only one small trial tested it"))
    if size == "none" and high is not None and small is not None and high >= small:
        caps.append(
            Cap(
                "low",
                "little or no difference on average, but the interval holds an important benefit",
                "an important benefit is still possible",
            )
        )
    return tuple(caps)


def _with_person(review: Review, outcome: Outcome, reason: Reason) -> Reason:
    """Put the signed judgement of that domain beside the suggestion; the lowest one counts."""
    found = [
        j
        for j in review.judgements
        if j.outcome in ("", outcome.id)
        and _ABOUT.get(j.about, j.domain if j.about == "certainty" else "") == reason.domain
        and _levels(j) is not None
    ]
    if not found:
        return reason
    lowest = min(found, key=lambda j: _levels(j) or 0)
    return Reason(
        reason.domain,
        reason.suggested,
        reason.rule,
        reason.plain or lowest.why,
        human=_levels(lowest),
        by=next((p.name for p in review.people if p.id == lowest.by), lowest.by),
        on=lowest.on,
        why=lowest.why,
    )


def _levels(judgement: Judgement) -> int | None:
    return int(judgement.level) if judgement.level in ("0", "-1", "-2") else None


def plain_reasons(graded: GradeProfile) -> tuple[str, ...]:
    """Why the certainty is not higher, in lay words, each said once."""
    said = [] if graded.start == "high" else ["not every study divided people by chance"]
    said += [r.plain or r.why for r in graded.reasons if r.final < 0]
    binding = [c.plain for c in graded.caps if c.level == graded.level]
    return tuple(dict.fromkeys([*(s for s in said if s), *(b for b in binding if b)]))
