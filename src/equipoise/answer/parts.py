"""What alone, added and together have in common: effects in the ledger, counts, words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from equipoise.answer.absolute import as_seen, people_of, size_cells, unit_of
from equipoise.answer.answer import Bearing, PartEstimate
from equipoise.answer.ledger import Ledger
from equipoise.answer.synthesis import Evidence
from equipoise.answer.wording import join, uncapital
from equipoise.core.provenance import Cell, Quantity
from equipoise.effects.contrasts import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.components import ComponentFit, components
from equipoise.models.correlated import TAU2
from equipoise.review.comparisons import NOTHING, Pair
from equipoise.review.records import Outcome, Review, Trial


def decides(review: Review, outcome: str) -> bool:
    """Whether the verdict rests on that outcome."""
    return review.outcome(outcome).decides


def all_direct(share: float) -> bool:
    """Whether an estimate rests on groups that differ by exactly this, up to rounding."""
    return share > 1 - 1e-9


def told_first(review: Review, estimates: Sequence[PartEstimate]) -> PartEstimate:
    """The estimate that a part is told by: with direct evidence, else on the deciding outcome."""
    return max(estimates, key=lambda e: (e.direct_share > 0, decides(review, e.outcome)))


def effect_of(
    ledger: Ledger,
    prefix: str,
    outcome: Outcome,
    numbers: tuple[float, float, float],
    formula: str,
    cells: Iterable[Cell],
) -> Quantity:
    """Enter an effect, given on the analysis scale, as the reader sees it."""
    measure = measure_of(outcome.measure)
    value, low, high = (as_seen(outcome, v) for v in numbers)
    return ledger.add(
        f"{prefix}.effect",
        value,
        unit_of(outcome)[0],
        f"{outcome.label}: {measure.name}",
        formula,
        low=low,
        high=high,
        cells=cells,
    )


def numbers_words(numbers: Sequence[Evidence], where: str, empty: Sequence[Evidence] = ()) -> str:
    """What a trial gives numbers for; `empty`: outcomes that nobody, or everybody, had."""
    if not numbers and empty:
        known = join([uncapital(d.outcome.label) for d in empty])
        return f"measured {known}, and nobody or everybody had it, which tells no difference"
    if not numbers:
        return "its report gives no numbers that can be pooled"
    known = join([uncapital(d.outcome.label) for d in numbers])
    half = "; about half of both groups had other care" if where == "mixed" else ""
    return f"gives numbers for {known}{half}"


def bearing_people(
    review: Review,
    kind: str,
    trial: Trial,
    sizes: tuple[int | None, int | None],
    ledger: Ledger,
    arm: str,
) -> Quantity | None:
    """People in the groups that a trial compares, else all that it randomised."""
    total = sum(sizes[i] or 0 for i in (0, 1)) if None not in sizes else trial.n_randomized
    if not total:
        return None
    cells = [x.cell("n") for x in review.arms if x.trial == trial.id and x.n is not None]
    return ledger.add(
        f"{kind}.bearing.{trial.id}.{arm}",
        total,
        "people",
        f"people in {trial.label}",
        "people in the groups compared" if None not in sizes else "people randomised",
        cells=cells if None not in sizes else [trial.cell("n_randomized")],
    )


def counted_directly(
    review: Review, kind: str, direct: Sequence[Bearing], ledger: Ledger
) -> tuple[Quantity, Quantity]:
    """Trials that compare something directly, and the people in them."""
    names = dict.fromkeys(b.trial for b in direct)
    trials = ledger.add(
        f"{kind}.trials",
        len(names),
        "trials",
        f"trials that compare this directly ({kind})",
        join([review.trial(t).label for t in names]) or "none",
        cells=[review.trial(t).cell("trial") for t in names],
    )
    known = [b.people for b in direct if b.people is not None]
    people = ledger.add(
        f"{kind}.people",
        sum(q.value for q in known),
        "people",
        f"people in those trials ({kind})",
        "sum over trials",
        inputs=known,
    )
    return trials, people


def one_model(
    review: Review, es: Contrasts, interactions: Sequence[str] | None = None
) -> ComponentFit:
    """The component model with the settings of the review's plan."""
    return components(
        es,
        inactive=NOTHING,
        interactions=interactions,
        model=review.plan.model,
        tau2=review.plan.tau2 if review.plan.tau2 in TAU2 else "REML",
        level=review.plan.level,
    )


def counted_exactly(
    ledger: Ledger, prefix: str, outcome: Outcome, exact: Sequence[Pair]
) -> tuple[Quantity, Quantity]:
    """Trials that compare exactly this and have numbers for the outcome, and the people in them."""
    names = dict.fromkeys(p.trial.label for p in exact)
    cells = [p.trial.cell("trial") for p in exact] + [c for p in exact for c in p.cells]
    trials = ledger.add(
        f"{prefix}.trials",
        len(names),
        "trials",
        f"trials of exactly this, {outcome.label}",
        join(list(names)) or "none",
        cells=cells,
    )
    people = ledger.add(
        f"{prefix}.people",
        people_of(exact),
        "people",
        f"people in trials of exactly this, {outcome.label}",
        "sum of the groups",
        cells=[*cells, *size_cells(exact)],
    )
    return trials, people


def group_sizes(fit: ComponentFit, essential: Sequence[str]) -> list[int]:
    """How many people the groups of the one essential trial have, the smallest first."""
    if len(essential) != 1:
        return []
    sizes = fit.groups(essential[0]).values()
    return sorted({int(n) for n in sizes if not math.isnan(n)})
