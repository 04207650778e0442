"""The isolating comparisons of one outcome, pooled, as a forest plot and a page need them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.answer.answer import ForestRow, Pooled
from equipoise.certainty.rob2 import result_risk
from equipoise.core.result import Interval
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.num.dist import critical
from equipoise.review.collect import Collected, Missing
from equipoise.review.comparisons import Pair, isolates, pair_contrasts, pairs
from equipoise.review.records import Outcome, Plan, Review


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the trials offer for one outcome: all data, the isolating comparisons, the rest."""

    outcome: Outcome
    collected: Collected
    pairs: tuple[Pair, ...]
    left_out: tuple[Missing, ...]


def evidence(review: Review, collected: Collected) -> Evidence:
    """The comparisons of one outcome that isolate the treatment of interest."""
    target = review.question.component
    counted = replace(
        collected, trials=tuple(t for t in collected.trials if t.trial.use == "included")
    )
    chosen, missing = pairs(counted, lambda one, two: isolates(one, two, target))
    return Evidence(
        collected.outcome, collected, chosen, _about_treatment(review, collected) + missing
    )


def _about_treatment(review: Review, collected: Collected) -> tuple[Missing, ...]:
    """What was left out of the trials of the treatment; the other trials serve another purpose."""
    own = {t.id for t in review.trials if t.use == "included"}
    return tuple(m for m in collected.left_out if m.trial in own)


def fit_pairs(outcome: Outcome, chosen: Sequence[Pair], plan: Plan) -> PairwiseFit | None:
    """Pool comparisons as the plan says; None when there are none."""
    contrasts = pair_contrasts(outcome, chosen)
    if contrasts is None:
        return None
    return pairwise(
        contrasts, model=plan.model, tau2=plan.tau2, interval=plan.interval, level=plan.level
    )


def pooled_view(
    review: Review, outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit
) -> Pooled:
    """A fit with one row a trial, raw numbers, risk of bias and remarks beside each."""
    pi: Interval | None = fit.pi
    return Pooled(
        measure=outcome.measure,
        model=fit.model,
        tau2_method=fit.tau2_method,
        interval_method=fit.ci.method,
        estimate=fit.estimate,
        low=fit.ci.low,
        high=fit.ci.high,
        level=fit.level,
        p_value=fit.p_value,
        tau2=fit.tau2,
        i2=fit.i2,
        q=fit.q,
        q_df=int(fit.q_df),
        q_p=fit.q_p,
        pi_low=None if pi is None else pi.low,
        pi_high=None if pi is None else pi.high,
        k=fit.k,
        n=sum(int(n) for p in chosen for n in (p.n1, p.n2) if not math.isnan(n)),
        rows=_rows(review, outcome, chosen, fit),
        notes=tuple(note.text for note in fit.notes),
        methods=tuple(fit.methods),
    )


def _rows(
    review: Review, outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit
) -> tuple[ForestRow, ...]:
    z = critical(fit.level)
    rows = []
    for i, pair in enumerate(chosen):
        y, half = float(fit.yi[i]), z * math.sqrt(float(fit.vi[i]))
        rows.append(
            ForestRow(
                trial=pair.trial.id,
                label=pair.label,
                estimate=y,
                low=y - half,
                high=y + half,
                weight=float(fit.weights[i]),
                treated=_raw(pair, 1),
                control=_raw(pair, 2),
                rob=result_risk(review, pair.trial.id, outcome.id),
                flags=pair.flags,
                cells=pair.cells,
            )
        )
    return tuple(rows)


def _raw(pair: Pair, side: int) -> str:
    """One side's numbers as published; a published difference stands on the treated side."""
    arm = pair.treated if side == 1 else pair.control
    if arm is not None:
        return arm.raw
    assert pair.contrast is not None
    if side == 1:
        return f"difference {pair.contrast.raw}"
    return ""
