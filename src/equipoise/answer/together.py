"""The treatment with other care, against neither: by trials of that, or by the component model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.answer.absolute import absolute, difference_words, scale_of
from equipoise.answer.answer import Absolute, Bearing, Footing, Part, PartEstimate
from equipoise.answer.attribution import Asked, pooled_estimate
from equipoise.answer.confidence import Sure, judged_by_contributions
from equipoise.answer.footing import Counted, footing, labelled, labels_of, renamed, span_of
from equipoise.answer.judging import Setting
from equipoise.answer.ledger import Ledger
from equipoise.answer.outcomes import named
from equipoise.answer.parts import (
    all_direct,
    bearing_people,
    counted_directly,
    counted_exactly,
    effect_of,
    group_sizes,
    numbers_words,
    one_model,
    told_first,
)
from equipoise.answer.synthesis import Evidence, tells
from equipoise.answer.wording import aim, both_ends, count, join, statement_plain, uncapital
from equipoise.core.errors import NotEstimableError
from equipoise.core.provenance import Quantity
from equipoise.effects.contrasts import Contrasts
from equipoise.models.components import ComponentFit, Effect
from equipoise.models.components.basis import adds_up
from equipoise.models.components.basis import basis as basis_of
from equipoise.models.components.reading import identifiable
from equipoise.review.collect import Collected, model_parts
from equipoise.review.comparisons import (
    NOTHING,
    Pair,
    arm_pairs,
    isolates,
    network,
    pairs,
    spell,
)
from equipoise.review.records import Outcome, Review, Trial

Parts = frozenset[str]


@dataclass(frozen=True, slots=True)
class Model:
    """The additive component model of one outcome, with the network that it was fitted to."""

    outcome: Outcome
    collected: Collected
    contrasts: Contrasts
    fit: ComponentFit
    pairs: tuple[Pair, ...] = ()
    """The comparisons that isolate the treatment, by whose control groups risks are told."""


def model_of(review: Review, data: Evidence) -> Model | None:
    """Fit the additive model to every trial of an outcome; None when no trial has numbers."""
    contrasts, _ = network(data.collected)
    if contrasts is None or len(contrasts) == 0:
        return None
    return Model(data.outcome, data.collected, contrasts, one_model(review, contrasts), data.pairs)


def together_part(
    review: Review,
    found: Sequence[Evidence],
    models: Sequence[Model],
    setting: Setting,
    ledger: Ledger,
) -> Part:
    """*Together*: the treatment with other care, against neither."""
    x = review.question.treatment
    estimates: list[PartEstimate] = []
    for data in found:
        model = next((m for m in models if m.outcome.id == data.outcome.id), None)
        estimate = _combined(review, data, model, setting, ledger)
        if estimate is not None:
            estimates.append(estimate)
    bearings = _together_bearings(review, found, ledger)
    direct = [b for b in bearings if b.how == "direct"]
    trials, people = counted_directly(review, "together", direct, ledger)
    refused = sorted({b.label for b in bearings if b.how == "not attributable"})
    sentence = _together_sentence(review, direct, refused, estimates)
    assumption = rests = ""
    if any(e.adds_up for e in estimates):
        assumption = "These numbers rest on the assumption that effects simply add up."
        if not all(e.adds_up for e in estimates):
            named = join([uncapital(e.outcome_label) for e in estimates if e.adds_up])
            assumption = f"For {named} the number rests on effects simply adding up."
    if estimates and (told := told_first(review, estimates).footing) is not None:
        rests = told.sentence
    return Part(
        kind="together",
        question=f"Does {x} together with other care help, compared with neither?",
        sentence=sentence,
        answerable=bool(estimates),
        estimates=tuple(estimates),
        bearings=bearings,
        trials=trials,
        people=people,
        assumption=assumption,
        rests=rests,
    )


def tells_alone(es: Contrasts, trial: str, wanted: str) -> bool:
    """Whether one trial's own groups tell an interaction."""
    rows = [i for i, s in enumerate(es.study) if s == trial]
    own = es.take(rows)
    names = {p for t in (*own.treat1, *own.treat2) for p in t.split("+")} - {NOTHING}
    return wanted in identifiable(own, sorted(names), NOTHING)


def _together_sentence(
    review: Review,
    direct: Sequence[Bearing],
    refused: Sequence[str],
    estimates: Sequence[PartEstimate],
) -> str:
    x = review.question.treatment
    sentences = []
    if not direct:
        sentences.append(f"No trial compared {x} together with other care against neither.")
    if refused:
        sentences.append(
            f"{join(refused)} cannot be attributed to {x}: the groups differed in more than that."
        )
    if estimates:
        sentences.append(told_first(review, estimates).statement)
    elif not direct:
        sentences.append("What the combination does, and which part does it, cannot be told.")
    return " ".join(sentences)


def _care_sets(review: Review, data: Evidence) -> list[Parts]:
    """The sets of other care that went with the treatment in trials, the most common first."""
    target = review.question.component
    sets: dict[Parts, int] = {}
    for trial in review.trials:
        if trial.use != "included":
            continue
        for arm in review.arms:
            if arm.trial != trial.id:
                continue
            parts = model_parts(review, arm.components)
            care = frozenset(p for p in parts if review.component(p).role == "care")
            if target in parts and care:
                sets[care] = sets.get(care, 0) + 1
    return sorted(sets, key=lambda s: (-sets[s], spell(s)))


def _combined(
    review: Review, data: Evidence, model: Model | None, setting: Setting, ledger: Ledger
) -> PartEstimate | None:
    """The estimate for the first set of other care that trials tell: directly, else by the model.

    Groups that had all of it and groups that had none answer without any assumption.
    """
    target = review.question.component
    sets = _care_sets(review, data)
    for care in sets:
        exact = [p for p in _exactly(data, care | {target}) if tells(data.outcome, p)]
        if exact:
            asked = Asked("together", _tested(review, care), spell(care | {target}), "neither")
            chosen = (exact, [True] * len(exact))
            return pooled_estimate(review, data, chosen, asked, setting, ledger)
    if model is None or target not in model.fit.components:
        return None
    for care in sets:
        if not care <= set(model.fit.components):
            continue
        try:
            return _combination(review, data, model, care | {target}, setting, ledger)
        except NotEstimableError:
            continue
    return None


def _tested(review: Review, care: Parts) -> str:
    named = join([review.component(p).label for p in sorted(care)])
    return f"{review.question.treatment} together with {named}"


def _combination(
    review: Review,
    data: Evidence,
    model: Model,
    parts: Parts,
    setting: Setting,
    ledger: Ledger,
) -> PartEstimate:
    """The effect of all `parts` against none of them, by the additive model.

    Raises
    ------
    NotEstimableError
        When the trials cannot separate the combination.
    """
    outcome, fit = data.outcome, model.fit
    name = spell(parts)
    effect = fit.combination(name)
    weights = fit.weights(name)
    informing = [i for i, w in enumerate(weights) if w != 0]
    labels = list(dict.fromkeys(model.contrasts.study[i] for i in informing))
    cells = [c for t in model.collected.trials if t.trial.label in labels for c in t.cells]
    prefix = f"together.{outcome.id}"
    numbers = (effect.estimate, effect.ci.low, effect.ci.high)
    quantity = effect_of(
        ledger,
        prefix,
        outcome,
        numbers,
        f"additive component model over {join(labels)}",
        cells,
    )
    direct = list(data.pairs)
    scale = scale_of(outcome, direct)
    told = absolute(
        scale,
        direct,
        ledger,
        prefix,
        quantity,
        numbers,
        population=review.question.population,
        level_of_control=False,
    )
    trials = ledger.add(
        f"{prefix}.trials",
        len(labels),
        "trials",
        f"trials behind the sum, {outcome.label}",
        join(labels),
        cells=[t.trial.cell("trial") for t in model.collected.trials if t.trial.label in labels],
    )
    people = ledger.add(
        f"{prefix}.people",
        _network_people(model.contrasts, informing),
        "people",
        f"people behind the sum, {outcome.label}",
        "sum of the groups that inform it",
        cells=cells,
    )
    share = fit.direct_share(name)
    sums = not all_direct(share) and adds_up(fit, name)
    sure = judged_by_contributions(review, fit, scale, [name], setting)[name]
    tested = _tested(review, parts - {review.question.component})
    shown = "The trials give only a ratio: nobody says how often it happens without."
    if told is not None:
        shown = f"{_BASIS[sums]}: {difference_words(outcome, told.difference)}."
    return PartEstimate(
        outcome=outcome.id,
        outcome_label=outcome.label,
        effect=quantity,
        absolute=told,
        trials=trials,
        people=people,
        direct_share=share,
        statement=f"{_said(outcome, tested, sure)} {shown}",
        level=sure.level,
        size=sure.size,
        low_size=sure.low,
        high_size=sure.high,
        concerns=sure.concerns,
        adds_up=sums,
        footing=_footing(
            review, data, model, parts, ledger, _Told(effect, quantity, told, trials, people, share)
        ),
    )


_BASIS = {True: "If effects simply add up", False: "On average"}


def _said(outcome: Outcome, tested: str, sure: Sure) -> str:
    """The effect of a combination by size and certainty."""
    if sure.level is None or sure.size is None or sure.low is None or sure.high is None:
        return f"How sure one may be of {tested}, compared with neither, cannot be told."
    size, low, high = (named(outcome, c) for c in (sure.size, sure.low, sure.high))
    first = statement_plain(size, sure.level, x=tested, o=aim(outcome), y="neither")
    ends = both_ends(low, high, sure.level, o=aim(outcome))
    return " ".join(s for s in (first, ends) if s)


@dataclass(frozen=True, slots=True)
class _Told:
    """A sum of effects as it is told."""

    analysed: Effect
    effect: Quantity
    absolute: Absolute | None
    trials: Quantity
    people: Quantity
    share: float


def _footing(
    review: Review, data: Evidence, model: Model, parts: Parts, ledger: Ledger, told: _Told
) -> Footing:
    """What the combination rests on, by the component model."""
    outcome = data.outcome
    prefix = f"together.{outcome.id}"
    labels = labels_of(review, model.fit.components)
    basis = basis_of(labelled(model.fit, labels), renamed(spell(parts), labels), refit=True)
    exact = _exactly(data, parts)
    counted = Counted(
        told.trials,
        told.people,
        *counted_exactly(ledger, f"{prefix}.direct", outcome, exact),
        told.share,
    )
    scale = scale_of(outcome, list(data.pairs))
    ends = (told.analysed.estimate, basis.low, basis.high)
    span = span_of(scale, ledger, prefix, told.effect, told.absolute, ends)
    return footing(outcome, basis, counted, span, group_sizes(model.fit, basis.essential))


def _exactly(data: Evidence, parts: Parts) -> tuple[Pair, ...]:
    """The comparisons whose groups differ by just these components."""
    chosen, _ = pairs(data.collected, lambda one, two: one - two == parts and not two - one)
    return chosen


def _network_people(contrasts: Contrasts, rows: Sequence[int]) -> int:
    """People in these contrasts; a group that several contrasts of a trial share counts once."""
    total = 0.0
    seen: set[tuple[str, str]] = set()
    for i in rows:
        for treat, n in (
            (contrasts.treat1[i], contrasts.n1[i]),
            (contrasts.treat2[i], contrasts.n2[i]),
        ):
            key = (contrasts.study[i], treat)
            if key not in seen and not math.isnan(n):
                seen.add(key)
                total += n
    return int(total)


def _together_bearings(
    review: Review, found: Sequence[Evidence], ledger: Ledger
) -> tuple[Bearing, ...]:
    """Trials that compare packages: with the treatment and something else against without both."""
    target = review.question.component
    bearings = []
    for trial in review.trials:
        if trial.use != "included" or trial.status == "retracted":
            continue
        for a, b in arm_pairs(review, trial):
            one, two = (model_parts(review, x.components) for x in (a, b))
            if isolates(one, two, target) or not one - two - {target}:
                continue
            clean = not two - one and _only_care(review, one - two - {target})
            numbers = [d for d in found if _compares(d, trial, one, two)]
            if clean:
                telling = [d for d in numbers if _compares(d, trial, one, two, telling=True)]
                empty = [d for d in numbers if d not in telling]
                how = "direct" if numbers else "no usable numbers"
                why = numbers_words(telling, "alone", empty)
            else:
                how, why = "not attributable", _entangled(review, one, two)
            bearings.append(
                Bearing(
                    trial=trial.id,
                    label=trial.label,
                    people=bearing_people(
                        review, "together", trial, (a.n, b.n), ledger, f"{a.arm}.{b.arm}"
                    ),
                    comparison=f"{a.label} against {b.label}",
                    how=how,
                    why=why,
                )
            )
    return tuple(bearings)


def _compares(
    data: Evidence, trial: Trial, one: Parts, two: Parts, *, telling: bool = False
) -> bool:
    """Whether that trial has numbers of the outcome for exactly these two sets of components."""
    chosen, _ = pairs(data.collected, lambda p, q: p == one and q == two)
    return any(p.trial.id == trial.id and (not telling or tells(data.outcome, p)) for p in chosen)


def _only_care(review: Review, parts: Parts) -> bool:
    return all(review.component(p).role == "care" for p in parts)


def _entangled(review: Review, one: Parts, two: Parts) -> str:
    """Which differences stand in the way of giving a result to the treatment."""
    target = review.question.component
    more = [review.component(p).label for p in sorted(one - two - {target})]
    less = [review.component(p).label for p in sorted(two - one)]
    differ = len(more) + len(less) + 1
    sides = []
    if more:
        sides.append(f"only the treated group had {join(more)}")
    if less:
        sides.append(f"only the other group had {join(less)}")
    parts = count(differ, "component")
    return (
        f"the groups differ in {parts}: besides {review.component(target).label}, "
        f"{'; '.join(sides)}. No part of the difference can be given to any one of them."
    )
