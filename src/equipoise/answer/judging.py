"""From a pooled result to its certainty, the name of its size and the row of the verdict table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.answer.absolute import Scale, people_of, pooled_sd, scale_of
from equipoise.answer.answer import HarmClass, VerdictCode
from equipoise.answer.verdict import Row, decide
from equipoise.certainty.grade import (
    TOO_FEW,
    Cap,
    Domain,
    GradeProfile,
    Reason,
    imprecision,
    inconsistency,
    information_size_binary,
    information_size_continuous,
    needs_person,
    profile,
    risk_of_bias,
)
from equipoise.certainty.rob2 import result_risk
from equipoise.certainty.thresholds import EffectClass, classify, signed
from equipoise.models.pairwise import PairwiseFit
from equipoise.review.comparisons import Pair
from equipoise.review.records import Judgement, Outcome, Review, Threshold

#: Which kind of judgement in the folder speaks about which domain.
_ABOUT: dict[str, Domain] = {
    "indirectness": "indirectness",
    "publication-bias": "publication bias",
}


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
    """Judge a pooled result against one set of cut points."""
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
        inconsistency(fit.i2, trials, small),
        needs_person("indirectness", "whether these trials answer this question is for a person"),
        imprecision(low, high, small, people, needed)
        if low is not None and high is not None
        else Reason(
            "imprecision", -2, "no absolute effect can be computed", "the size is not known"
        ),
        needs_person("publication bias", "fewer than ten trials: no test can tell"),
    )
    signed_reasons = [_with_person(review, outcome, r) for r in reasons]
    caps = (*_size_caps(people, needed, size, high, small), *setting.caps)
    graded = profile(outcome.id, signed_reasons, caps)
    row = None if size is None else decide(setting.harm, graded.level, size, setting.burden)
    return Judged(
        scale, benefit, low, high, low_class, high_class, people, needed, graded, size, row
    )


def _bias(review: Review, outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit) -> Reason:
    weights = [float(w) for w in fit.weights]
    risks = [result_risk(review, p.trial.id, outcome.id) for p in chosen]
    open_weight = sum(
        w
        for w, p in zip(weights, chosen, strict=True)
        if outcome.self_reported and p.trial.blinding in ("none", "assessors")
    )
    return risk_of_bias(risks, weights, subjective_unblinded=open_weight / sum(weights))


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
) -> tuple[Cap, ...]:
    caps: list[Cap] = []
    if needed is not None and people < needed:
        caps.append(
            Cap(
                "low",
                f"{people} people, fewer than the {needed:.0f} that one adequate trial needs",
                TOO_FEW,
            )
        )
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
    said = [r.plain or r.why for r in graded.reasons if r.final < 0]
    binding = [c.plain for c in graded.caps if c.level == graded.level]
    return tuple(dict.fromkeys([*(s for s in said if s), *(b for b in binding if b)]))
