"""What the trials can tell of each component, pair and combination: the map behind the parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from equipoise.answer.absolute import as_seen
from equipoise.answer.answer import ComponentLine
from equipoise.answer.footing import labelled, labels_of, renamed
from equipoise.answer.ledger import Ledger
from equipoise.answer.parts import effect_of
from equipoise.answer.together import Model
from equipoise.core.provenance import Quantity
from equipoise.models.components.basis import Basis, identifiability_map
from equipoise.models.components.reading import TIMES
from equipoise.review.records import Review

Kind = Literal["component", "interaction", "combination"]


def component_lines(
    review: Review, models: Sequence[Model], ledger: Ledger
) -> tuple[ComponentLine, ...]:
    """Each component, pair and combination by outcome: what the trials can tell, and through what.

    Components come first, then pairs that some group had together, then combinations.
    """
    return tuple(line for model in models for line in _lines(review, model, ledger))


def _lines(review: Review, model: Model, ledger: Ledger) -> Iterator[ComponentLine]:
    fit = model.fit
    labels = labels_of(review, fit.components)
    ids = {label: id for id, label in labels.items()}
    found = identifiability_map(labelled(fit, labels), refit=True)
    tested = {renamed(row.component, labels): row for row in fit.identifiability()}
    for row in found.rows:
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
        )


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
