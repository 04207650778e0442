"""How sure an estimate of components is: CINeMA's six domains, the review's ceilings, its size.

Estimates that two groups of a trial compare directly are judged by GRADE, as the outcomes are.
Those that come through a component model are judged by CINeMA on the contributions of its trials.
The ceilings are the same: an old search, and fewer people than one adequate trial needs. An
interaction needs four times as many people as a difference of the same size, and one that only
different trials tell is at most of low certainty, since such trials differ in other ways too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from equipoise.answer.absolute import Scale
from equipoise.answer.answer import Concern
from equipoise.answer.judging import Setting
from equipoise.certainty.cinema import Confidence, cinema
from equipoise.certainty.grade import (
    LEVELS,
    MISSING_AT_ALL,
    MISSING_FOR_RESULT,
    Cap,
    Level,
    information_size_binary,
    information_size_continuous,
)
from equipoise.certainty.rob2 import result_risk
from equipoise.certainty.rob_me import gaps
from equipoise.certainty.thresholds import EffectClass, classify, main_threshold, signed
from equipoise.effects.contrasts import Contrasts
from equipoise.models.components import ComponentFit
from equipoise.models.components.reading import TIMES
from equipoise.review.records import Outcome, Review, Threshold

#: An interaction is a difference of differences: its variance is four times as large.
_TIMES_PEOPLE = 4.0


@dataclass(frozen=True, slots=True)
class Sure:
    """How sure one estimate is, and what it and the ends of its interval would be called.

    `level` and the sizes are None where no cut points are registered, or where a ratio has no risk
    to apply it to.
    """

    level: Level | None = None
    size: EffectClass | None = None
    low: EffectClass | None = None
    high: EffectClass | None = None
    concerns: tuple[Concern, ...] = ()


def important(scale: Scale, threshold: Threshold | None) -> float | None:
    """The smallest important effect on the scale of the measure: a ratio, a share or a difference.

    None where no cut point is registered, or where the risk cannot move by so much.
    """
    if threshold is None or not scale.known:
        return None
    outcome = scale.outcome
    if outcome.type == "continuous":
        return threshold.small
    if outcome.measure == "RD":
        return threshold.small / 1000
    assert scale.risk is not None
    step = signed(threshold.small / 1000, outcome.better)
    for moved in (scale.risk + step, scale.risk - step):
        if 0 < moved < 1 and 0 < scale.risk < 1:
            odds = (1 - scale.risk) / (1 - moved) if outcome.measure == "OR" else 1.0
            return moved / scale.risk * odds
    return None


def judged_by_contributions(
    review: Review,
    fit: ComponentFit,
    scale: Scale,
    names: Sequence[str],
    setting: Setting,
    *,
    within: bool = True,
) -> dict[str, Sure]:
    """How sure the effects of these components, combinations or interactions are.

    Parameters
    ----------
    fit
        The model that tells them; its components by their ids.
    names
        As :meth:`~equipoise.models.components.fit.ComponentFit.effect` takes them.
    within
        For interactions: whether a trial tells it within itself.

    Returns
    -------
    By name; an empty one where the size of the effect has no name, none where it cannot be told.
    """
    threshold = main_threshold(scale.outcome)
    size = important(scale, threshold)
    told = [n for n in names if fit.estimable(n)]
    if size is None or threshold is None or not told:
        return {n: Sure() for n in told}
    outcome = scale.outcome
    found = cinema(
        fit,
        important=size,
        risk_of_bias=_bias(review, outcome, fit),
        indirectness=_indirect(review, outcome, fit),
        reporting_bias=_reporting(review, outcome),
        of=told,
    )
    made = {}
    for name, row in zip(told, found.rows, strict=True):
        caps = [*setting.caps, *_size_caps(review, fit, scale, threshold, name)]
        if TIMES in name and not within:
            why = "different trials are compared, and they differ in more than the other care"
            caps.append(Cap("low", why, why))
        made[name] = _sure(row, scale, threshold, found.important, caps)
    return made


def _sure(
    row: Confidence, scale: Scale, threshold: Threshold, size: float, caps: Sequence[Cap]
) -> Sure:
    level = min([row.level, *(c.level for c in caps)], key=LEVELS.index)
    concerns = [Concern(d.name, d.concern, d.rule) for d in row.domains]
    concerns += [Concern("ceiling", f"at most {c.level}", c.why) for c in caps]
    values = (row.estimate, row.ci.low, row.ci.high)
    if TIMES in row.what[0]:
        middle, *ends = (signed(v, scale.outcome.better) for v in values)
        named = [_beyond(v, size) for v in (middle, *sorted(ends))]
    else:
        ends = sorted(signed(v, scale.outcome.better) for v in scale.interval(values))
        named = [classify(v, threshold) for v in (scale.benefit(values[0]), *ends)]
    return Sure(level, named[0], named[1], named[2], tuple(concerns))


def _beyond(benefit: float, size: float) -> EffectClass:
    """An interaction by the smallest important effect alone: stronger, weaker, or neither."""
    if benefit >= size:
        return "small"
    return "worse" if benefit <= -size else "none"


def _trials(fit: ComponentFit) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fit.study))


def _bias(review: Review, outcome: Outcome, fit: ComponentFit) -> dict[str, str]:
    """The risk of bias of each trial; no appraisal counts as some concerns, and so do people who
    knew what they got and rated themselves."""
    by_label = {t.label: t for t in review.trials}
    levels = {}
    for label in _trials(fit):
        trial = by_label[label]
        level = str(result_risk(review, trial.id, outcome.id))
        aware = outcome.self_reported and trial.blinding in ("none", "assessors")
        if level == "not judged" or (level == "low" and aware):
            level = "some concerns"
        levels[label] = level
    return levels


def _signed_for(review: Review, outcome: Outcome, about: str, domain: str) -> int | None:
    """The lowest that people who signed for a domain of this outcome took off; None: nobody did."""
    taken = [
        int(j.level)
        for j in review.judgements
        if j.outcome in ("", outcome.id)
        and (j.about == about or (j.about == "certainty" and j.domain == domain))
        and j.level in ("0", "-1", "-2")
    ]
    return min(taken, default=None)


def _indirect(review: Review, outcome: Outcome, fit: ComponentFit) -> dict[str, str] | None:
    """What people signed for, for all trials; None where nobody did."""
    taken = _signed_for(review, outcome, "indirectness", "indirectness")
    if taken is None:
        return None
    return dict.fromkeys(_trials(fit), {0: "low", -1: "some concerns", -2: "high"}[taken])


def _reporting(review: Review, outcome: Outcome) -> str:
    """Whether results went unreported: by people who signed, and by the ledger of gaps."""
    taken = _signed_for(review, outcome, "publication-bias", "publication bias")
    ledger = gaps(review, outcome)
    lost = ledger.for_result >= MISSING_FOR_RESULT or ledger.at_all >= MISSING_AT_ALL
    known = any(u.outcome == outcome.id for u in review.unreported)
    if (known and lost) or (taken is not None and taken < 0):
        return "suspected"
    return "" if taken is None else "undetected"


def _size_caps(
    review: Review, fit: ComponentFit, scale: Scale, threshold: Threshold, name: str
) -> tuple[Cap, ...]:
    """Fewer people than one adequate trial needs: at most low."""
    randomised = {t.label: float(t.n_randomized or 0) for t in review.trials}
    needed = _needed(fit.data, scale, threshold.small, randomised)
    if needed is None:
        return ()
    needed *= _TIMES_PEOPLE if TIMES in name else 1.0
    weights = fit.weights(name)
    informing = {s for s, w in zip(fit.study, weights.tolist(), strict=True) if w}
    groups = fit.groups_of_trials()
    people = sum(_people(groups[s].values(), randomised[s]) for s in informing)
    if people >= needed:
        return ()
    why = f"{people:.0f} people, fewer than the {needed:.0f} that one adequate trial needs"
    return (Cap("low", why, "too few people took part to be exact"),)


def _people(groups: Iterable[float], randomised: float) -> float:
    """People of a trial; all that it randomised where the size of a group is not reported."""
    known = list(groups)
    return randomised if any(math.isnan(n) for n in known) else sum(known)


def _needed(
    es: Contrasts, scale: Scale, small: float, randomised: Mapping[str, float]
) -> float | None:
    """The optimal information size of a difference of the smallest size that matters.

    A trial without the size of a group counts with halves of those it randomised.
    """
    outcome = scale.outcome
    if outcome.type == "binary":
        if scale.risk is None:
            return None
        return information_size_binary(scale.risk, signed(small / 1000, outcome.better))
    if outcome.measure == "SMD":
        return information_size_continuous(1.0, small)
    total = freedom = 0.0
    for trial, v, n1, n2 in zip(
        es.study, es.vi.tolist(), es.n1.tolist(), es.n2.tolist(), strict=True
    ):
        if math.isnan(n1 + n2):
            n1 = n2 = randomised[trial] / 2
        if n1 + n2 > 2:
            total += (n1 + n2 - 2) * v / (1 / n1 + 1 / n2)
            freedom += n1 + n2 - 2
    return information_size_continuous(math.sqrt(total / freedom), small) if freedom else None
