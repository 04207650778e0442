"""What the trials can tell of each component, pair and combination: the map behind the parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from equipoise.answer.absolute import as_seen, scale_of
from equipoise.answer.answer import ComponentLine
from equipoise.answer.confidence import Sure, judged_by_contributions
from equipoise.answer.footing import labelled, labels_of, renamed
from equipoise.answer.judging import Setting
from equipoise.answer.ledger import Ledger
from equipoise.answer.parts import effect_of, one_model
from equipoise.answer.together import Model, tells_alone
from equipoise.core.provenance import Quantity
from equipoise.models.components.basis import Basis, identifiability_map
from equipoise.models.components.reading import TIMES
from equipoise.review.records import Review

Kind = Literal["component", "interaction", "combination"]


def component_lines(
    review: Review, models: Sequence[Model], setting: Setting, ledger: Ledger
) -> tuple[ComponentLine, ...]:
    """Each component, pair and combination by outcome: what the trials can tell, and through what.

    Components come first, then pairs that some group had together, then combinations.
    """
    return tuple(line for model in models for line in _lines(review, model, setting, ledger))


def _lines(
    review: Review, model: Model, setting: Setting, ledger: Ledger
) -> Iterator[ComponentLine]:
    fit = model.fit
    labels = labels_of(review, fit.components)
    ids = {label: id for id, label in labels.items()}
    found = identifiability_map(labelled(fit, labels), refit=True)
    tested = {renamed(row.component, labels): row for row in fit.identifiability()}
    sure = _sure(review, model, [renamed(r.what, ids) for r in found.rows if r.effect], setting)
    for row in found.rows:
        known = sure.get(renamed(row.what, ids), Sure())
        trials, people = row.trials, row.people
        if row.effect is None and row.kind == "component":
            trials, people = tested[row.what].trials, tested[row.what].people
        yield ComponentLine(
            id=renamed(row.what, ids),
            label=row.what.replace(TIMES, " × ").replace("+", " + "),
            role=review.component(ids[row.what]).role if row.kind == "component" else "",
            outcome=model.outcome.id,
            separable=row.effect is not None,
            trials=trials,
            people=people,
            effect=_effect(model, row, renamed(row.what, ids), ledger),
            why=row.sentence.removeprefix("Cannot tell: "),
            kind=cast(Kind, row.kind),
            direct=row.direct,
            direct_people=row.direct_people,
            direct_share=row.direct_share,
            through=row.through,
            essential=row.essential,
            span=_span(model, row),
            level=known.level,
            size=known.size,
            concerns=known.concerns,
        )


def _sure(review: Review, model: Model, names: Sequence[str], setting: Setting) -> dict[str, Sure]:
    """How sure each of these is: interactions by the model that has them, all else by this one."""
    scale = scale_of(model.outcome, model.pairs)
    plain = [n for n in names if TIMES not in n or n in model.fit.components]
    known = judged_by_contributions(review, model.fit, scale, plain, setting)
    for name in names:
        if name not in plain:
            fit = one_model(review, model.contrasts, [name])
            within = any(tells_alone(model.contrasts, t, name) for t in dict.fromkeys(fit.study))
            known |= judged_by_contributions(review, fit, scale, [name], setting, within=within)
    return known


def _effect(model: Model, row: Basis, id: str, ledger: Ledger) -> Quantity | None:
    if row.effect is None:
        return None
    says = {
        "component": f"additive component model: what adding {row.what} does",
        "interaction": f"component model with this interaction: {row.what} beyond the sum",
        "combination": f"additive component model: {row.what} against nothing",
    }
    return effect_of(
        ledger,
        f"component.{model.outcome.id}.{id.replace(TIMES, '.x.').replace('+', '.')}",
        model.outcome,
        (row.effect.estimate, row.effect.ci.low, row.effect.ci.high),
        says[row.kind],
        [c for t in model.collected.trials for c in t.cells],
    )


def _span(model: Model, row: Basis) -> tuple[float, float] | None:
    if row.effect is None or math.isnan(row.low):
        return None
    return as_seen(model.outcome, row.low), as_seen(model.outcome, row.high)
