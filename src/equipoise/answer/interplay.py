"""Do the treatment and other care strengthen or weaken each other? What the trials can say of it.

All other care counts as one part here, since the question is about company and not about a brand
of it. A trial with groups that had both, each and neither answers within itself. Otherwise only
different trials can be compared, which differ in more than the care.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.answer.footing import labelled, labels_of
from equipoise.answer.ledger import Ledger
from equipoise.answer.parts import one_model
from equipoise.answer.together import Model
from equipoise.answer.wording import join
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import points, ratio
from equipoise.effects.contrasts import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.components import Effect
from equipoise.models.components.basis import Basis, attribution
from equipoise.models.components.reading import TIMES, identifiable
from equipoise.review.comparisons import NOTHING, spell
from equipoise.review.records import Outcome, Review

#: What all other care is called in this model.
CARE = "other_care"


@dataclass(frozen=True, slots=True)
class Interplay:
    """What the trials say about the treatment and other care beyond their sum.

    `within`: trials that test it within themselves. `effect` is on the reader's scale: a ratio of
    ratios, or points; None where the trials cannot tell. `essential`: trials without which the
    others cannot tell; `span`: the smallest and largest effect when one of the others is left out.
    """

    sentence: str
    effect: Quantity | None = None
    within: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()
    span: tuple[float, float] | None = None


def interplay(review: Review, models: Sequence[Model], ledger: Ledger) -> Interplay:
    """The interaction on the deciding outcome where it can be told, else on the first that can."""
    found = [(m, es) for m in models if (es := _as_one_care(review, m)) is not None]
    found.sort(key=lambda pair: not pair[0].outcome.decides)
    for model, es in found:
        return _told(review, model, es, ledger)
    x = review.question.treatment
    return Interplay(
        f"No trial has tested whether {x} and other care strengthen or weaken each other. That "
        "takes groups with both, with each of them, and with neither."
    )


def _as_one_care(review: Review, model: Model) -> Contrasts | None:
    """The contrasts with all other care as one part, where the trials can tell the interaction."""
    care = {c.id for c in review.components if c.role == "care"}

    def recode(treat: str) -> str:
        parts = set(treat.split("+"))
        return spell((parts - care - {NOTHING}) | ({CARE} if parts & care else set()))

    es = model.contrasts
    recoded = replace(
        es,
        treat1=tuple(recode(t) for t in es.treat1),
        treat2=tuple(recode(t) for t in es.treat2),
    )
    names = {p for t in (*recoded.treat1, *recoded.treat2) for p in t.split("+")} - {NOTHING}
    wanted = _name(review)
    return recoded if wanted in identifiable(recoded, sorted(names), NOTHING) else None


def _name(review: Review) -> str:
    return TIMES.join(sorted((CARE, review.question.component)))


def _told(review: Review, model: Model, es: Contrasts, ledger: Ledger) -> Interplay:
    outcome, x = model.outcome, review.question.treatment
    wanted = _name(review)
    fit = one_model(review, es, [wanted])
    labels = labels_of(review, fit.components) | {CARE: "other care"}
    named = labelled(fit, labels)
    basis = attribution(
        named, labels[review.question.component], labels[CARE], refit=True
    ).interaction
    assert basis is not None
    assert basis.effect is not None
    weights = fit.weights(wanted)
    trials = list(
        dict.fromkeys(s for s, w in zip(fit.study, weights.tolist(), strict=True) if w != 0.0)
    )
    within = tuple(t for t in trials if _tells_alone(es, t, wanted))
    effect = _quantity(model, outcome, basis.effect, trials, ledger)
    words = _size(outcome, effect)
    if within:
        sentence = (
            f"{join(list(within))} tested whether {x} and other care strengthen or weaken each "
            f"other. {outcome.label}: {words}. {basis.sentence}"
        )
    else:
        sentence = (
            f"No trial has tested by itself whether {x} and other care strengthen or weaken each "
            f"other. Only different trials can be compared ({join(trials)}). {outcome.label}: "
            f"{words}. {_needs(basis)}Those trials differ in other ways too, so the care may not "
            "be the reason."
        )
    return Interplay(sentence, effect, within, basis.essential, _ends(model.outcome, basis))


def _needs(basis: Basis) -> str:
    if not basis.essential:
        return ""
    each = "" if len(basis.essential) == 1 else "each of "
    return f"This needs {each}{join(list(basis.essential))}. "


def _ends(outcome: Outcome, basis: Basis) -> tuple[float, float] | None:
    if math.isnan(basis.low):
        return None
    back = measure_of(outcome.measure).back
    return back(basis.low), back(basis.high)


def _tells_alone(es: Contrasts, trial: str, wanted: str) -> bool:
    """Whether one trial's own groups tell the interaction."""
    rows = [i for i, s in enumerate(es.study) if s == trial]
    own = es.take(rows)
    names = {p for t in (*own.treat1, *own.treat2) for p in t.split("+")} - {NOTHING}
    return wanted in identifiable(own, sorted(names), NOTHING)


def _quantity(
    model: Model, outcome: Outcome, effect: Effect, trials: Sequence[str], ledger: Ledger
) -> Quantity:
    measure = measure_of(outcome.measure)
    cells = [c for t in model.collected.trials if t.trial.label in trials for c in t.cells]
    ci = effect.ci
    return ledger.add(
        f"together.{outcome.id}.interaction",
        measure.back(effect.estimate),
        outcome.measure if measure.ratio or outcome.measure == "SMD" else "points",
        f"{outcome.label}: the treatment with other care, beyond the sum of the two",
        f"component model with an interaction, over {join(list(trials))}",
        low=measure.back(ci.low),
        high=measure.back(ci.high),
        cells=cells,
    )


def _size(outcome: Outcome, effect: Quantity) -> str:
    """The interaction in words: how the effect with other care differs from that without."""
    assert effect.low is not None
    assert effect.high is not None
    if measure_of(outcome.measure).ratio:
        low, high = (mark(effect, ratio(v)) for v in (effect.low, effect.high))
        middle = mark(effect, ratio(effect.value))
        return (
            f"with other care its effect, as a ratio, was {middle} times that without (from {low} "
            f"to {high}; 1 is no difference)"
        )

    def told(value: float) -> str:
        return f"{mark(effect, points(abs(value)))} {'lower' if value < 0 else 'higher'}"

    return (
        f"with other care its effect was {told(effect.value)} than without (from "
        f"{told(effect.low)} to {told(effect.high)})"
    )
