"""Do the treatment and other care strengthen or weaken each other? What the trials can say of it.

All other care counts as one part here, since the question is about company and not about a brand
of it. A trial with groups that had both, each and neither answers within itself. Otherwise only
different trials can be compared, which differ in more than the care. How sure the answer is comes
from CINeMA's domains on the trials that contribute to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from equipoise.answer.absolute import as_seen, scale_of, unit_of
from equipoise.answer.answer import Interaction
from equipoise.answer.confidence import Sure, judged_by_contributions
from equipoise.answer.footing import labelled, labels_of
from equipoise.answer.judging import Setting
from equipoise.answer.ledger import Ledger
from equipoise.answer.parts import one_model
from equipoise.answer.together import Model, tells_alone
from equipoise.answer.wording import MODAL, join
from equipoise.core.order import natural
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import count, points, ratio, standardised
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

    `found`: for each outcome that can tell it, the deciding one first; empty where none can.
    """

    sentence: str
    found: tuple[Interaction, ...] = ()


def interplay(
    review: Review, models: Sequence[Model], setting: Setting, ledger: Ledger
) -> Interplay:
    """The interaction on every outcome that can tell it, the deciding one first."""
    told = [(m, es) for m in models if (es := _as_one_care(review, m)) is not None]
    told.sort(key=lambda pair: not pair[0].outcome.decides)
    found = tuple(_told(review, model, es, setting, ledger) for model, es in told)
    if found:
        return Interplay(found[0].sentence, found)
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
    return TIMES.join(sorted((CARE, review.question.component), key=natural))


def _told(
    review: Review, model: Model, es: Contrasts, setting: Setting, ledger: Ledger
) -> Interaction:
    outcome, x = model.outcome, review.question.treatment
    wanted = _name(review)
    fit = one_model(review, es, [wanted])
    labels = labels_of(review, fit.components) | {CARE: "other care"}
    basis = attribution(
        labelled(fit, labels), labels[review.question.component], labels[CARE], refit=True
    ).interaction
    assert basis is not None
    assert basis.effect is not None
    weights = fit.weights(wanted)
    trials = list(
        dict.fromkeys(s for s, w in zip(fit.study, weights.tolist(), strict=True) if w != 0.0)
    )
    within = tuple(t for t in trials if tells_alone(es, t, wanted))
    effect = _quantity(model, outcome, basis.effect, trials, ledger)
    scale = scale_of(outcome, model.pairs)
    sure = judged_by_contributions(review, fit, scale, [wanted], setting, within=bool(within))
    known = sure[wanted]
    statement = _statement(outcome, x, known)
    size = _size(outcome, effect)
    words = f"{outcome.label}: {size}. {statement}"
    if within:
        sentence = (
            f"{join(list(within))} tested whether {x} and other care strengthen or weaken each "
            f"other. {words} {basis.sentence}"
        )
    else:
        sentence = (
            f"No trial has tested by itself whether {x} and other care strengthen or weaken each "
            f"other. Only different trials can be compared ({join(trials)}). {words} "
            f"{_needs(basis)}Those trials differ in other ways too, so the care may not be the "
            "reason."
        )
    return Interaction(
        outcome=outcome.id,
        sentence=sentence,
        statement=statement,
        words=size,
        effect=effect,
        within=within,
        essential=basis.essential,
        span=_ends(outcome, basis),
        level=known.level,
        size=known.size,
        low_size=known.low,
        high_size=known.high,
        concerns=known.concerns,
    )


def _statement(outcome: Outcome, x: str, sure: Sure) -> str:
    """Whether the two strengthen each other, by size and certainty."""
    o = outcome.plain
    if sure.level is None or sure.size is None:
        return f"Whether that is a difference in {o} that matters cannot be told."
    if sure.level == "very low":
        return f"We do not know if other care changes what {x} does for {o}."
    maybe = sure.level == "low"
    modal = "may " if maybe else MODAL[sure.level]
    if sure.size == "none":
        make = "make" if maybe else "makes"
        return f"Other care {modal}{make} little to no difference to what {x} does for {o}."
    way = "less" if sure.size == "worse" else "more"
    return f"With other care {x} {modal}{'do' if maybe else 'does'} {way} for {o} than without."


def _needs(basis: Basis) -> str:
    if not basis.essential:
        return ""
    each = "" if len(basis.essential) == 1 else "each of "
    return f"This needs {each}{join(list(basis.essential))}. "


def _ends(outcome: Outcome, basis: Basis) -> tuple[float, float] | None:
    if math.isnan(basis.low):
        return None
    return as_seen(outcome, basis.low), as_seen(outcome, basis.high)


def _quantity(
    model: Model, outcome: Outcome, effect: Effect, trials: Sequence[str], ledger: Ledger
) -> Quantity:
    cells = [c for t in model.collected.trials if t.trial.label in trials for c in t.cells]
    return ledger.add(
        f"together.{outcome.id}.interaction",
        as_seen(outcome, effect.estimate),
        unit_of(outcome)[0],
        f"{outcome.label}: the treatment with other care, beyond the sum of the two",
        f"component model with an interaction, over {join(list(trials))}",
        low=as_seen(outcome, effect.ci.low),
        high=as_seen(outcome, effect.ci.high),
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
    ways, noun = ("lower", "higher"), "points "
    write: Callable[[float], str] = points
    if effect.unit == "SMD":
        noun, write = "standard deviations ", standardised
    elif effect.unit == "per 1000":
        ways, noun, write = ("fewer", "more"), "", count

    def told(value: float) -> str:
        return f"{mark(effect, write(abs(value)))} {noun}{ways[value >= 0]}"

    tail = " of every 1000 people" if effect.unit == "per 1000" else ""
    return (
        f"with other care its effect was {told(effect.value)}{tail} than without (from "
        f"{told(effect.low)} to {told(effect.high)})"
    )
