"""The isolating comparisons of one outcome, pooled, as a forest plot and a page need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from equipoise.answer.absolute import as_seen, people_of
from equipoise.answer.answer import ForestRow, Pooled
from equipoise.certainty.rob2 import assess_result
from equipoise.core.result import Interval
from equipoise.core.table import points, ratio, standardised
from equipoise.effects.columns import Column
from equipoise.effects.measures import measure_of
from equipoise.models.counts.closed import mantel_haenszel
from equipoise.models.counts.tables import read_tables
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.num.dist import critical
from equipoise.review.collect import Collected, Missing
from equipoise.review.comparisons import Pair, isolates, pair_contrasts, pairs
from equipoise.review.records import Outcome, Plan, Review


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the trials offer for one outcome: all data, the isolating comparisons, the rest.

    `empty` are comparisons in which nobody, or everybody, had the event: they say nothing about a
    ratio, nor about a difference where no other trial has an event, and the people in them are
    still counted.
    """

    outcome: Outcome
    collected: Collected
    pairs: tuple[Pair, ...]
    left_out: tuple[Missing, ...]
    empty: tuple[Pair, ...] = ()


def evidence(review: Review, collected: Collected) -> Evidence:
    """The comparisons of one outcome that isolate the treatment of interest."""
    target = review.question.component
    counted = replace(
        collected, trials=tuple(t for t in collected.trials if t.trial.use == "included")
    )
    chosen, missing = pairs(counted, lambda one, two: isolates(one, two, target))
    outcome = collected.outcome
    empty = tuple(p for p in chosen if _says_nothing(p))
    if len(empty) < len(chosen):
        empty = tuple(p for p in empty if not tells(outcome, p))
    silent = tuple(
        Missing(p.trial.id, f"{outcome.label}, {p.label}", _nothing_words(p), p.cells)
        for p in empty
    )
    return Evidence(
        outcome,
        collected,
        tuple(p for p in chosen if p not in empty),
        _about_treatment(review, collected) + missing + silent,
        empty,
    )


def tells(outcome: Outcome, pair: Pair) -> bool:
    """Whether a comparison can tell the groups apart: no ratio can without an event."""
    return outcome.measure not in ("RR", "OR") or not _says_nothing(pair)


def _says_nothing(pair: Pair) -> bool:
    """Whether nobody in both groups had the event, or everybody."""
    if pair.treated is None or pair.control is None:
        return False
    if pair.treated.events is None or pair.control.events is None:
        return False
    sides = [(a.events, a.n) for a in (pair.treated, pair.control)]
    return all(e == 0 for e, _ in sides) or all(e == n for e, n in sides)


def _nothing_words(pair: Pair) -> str:
    assert pair.treated is not None
    what = "no event" if pair.treated.events == 0 else "an event for everybody"
    return f"{what} in either group: it cannot tell how they differ"


def has_empty_cell(chosen: Sequence[Pair]) -> bool:
    """Whether all comparisons are counts and one of them has a group without events."""
    arms = [a for p in chosen for a in (p.treated, p.control)]
    counted = all(a is not None and a.events is not None for a in arms)
    return counted and any(a is not None and a.events in (0, a.n) for a in arms)


def _about_treatment(review: Review, collected: Collected) -> tuple[Missing, ...]:
    """What was left out of the trials of the treatment; the other trials serve another purpose."""
    own = {t.id for t in review.trials if t.use == "included"}
    return tuple(m for m in collected.left_out if m.trial in own)


def fit_pairs(outcome: Outcome, chosen: Sequence[Pair], plan: Plan) -> PairwiseFit | None:
    """Pool comparisons as the plan says; None when there are none, or none with an event."""
    if all(_says_nothing(p) for p in chosen):
        return None
    contrasts = pair_contrasts(outcome, chosen)
    if contrasts is None:
        return None
    return pairwise(
        contrasts, model=plan.model, tau2=plan.tau2, interval=plan.interval, level=plan.level
    )


def fit_counts(outcome: Outcome, chosen: Sequence[Pair], plan: Plan) -> PairwiseFit | None:
    """Pool counts by Mantel and Haenszel, with nothing added to empty cells.

    The result stands in the place of :func:`fit_pairs`; heterogeneity is still that of the trials'
    own estimates.

    Raises
    ------
    NotEstimableError
        Every event is in one group.
    """
    fit = fit_pairs(outcome, chosen, plan)
    if fit is None:
        return None
    treated = [p.treated for p in chosen if p.treated is not None]
    control = [p.control for p in chosen if p.control is not None]
    columns: dict[str, Column] = {
        "events1": [a.events for a in treated],
        "n1": [a.n for a in treated],
        "events2": [a.events for a in control],
        "n2": [a.n for a in control],
    }
    tables = read_tables(None, columns, [p.label for p in chosen], None, outcome.measure)
    pooled = mantel_haenszel(tables, outcome.measure, add=0.0, to="none", level=plan.level)
    half = critical(plan.level) * pooled.se
    ci = Interval(pooled.estimate - half, pooled.estimate + half, plan.level, "Wald")
    return replace(
        fit,
        model="common",
        estimate=pooled.estimate,
        se=pooled.se,
        ci=ci,
        interval="Mantel–Haenszel",
        df=math.inf,
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
        n=people_of(chosen),
        rows=_rows(review, outcome, chosen, fit),
        notes=tuple(note.text for note in fit.notes),
        methods=tuple(fit.methods),
        caution=_narrower(outcome, fit),
    )


def _narrower(outcome: Outcome, fit: PairwiseFit) -> str:
    """The trap of Hartung and Knapp's interval, where these trials are in it."""
    usual = next((c for c in fit.other_cis if c.method.startswith("Hartung–Knapp")), None)
    if usual is None or usual.high - usual.low >= fit.ci.high - fit.ci.low:
        return ""
    measure = measure_of(outcome.measure)
    write: Callable[[float], str] = ratio if measure.ratio else points
    if outcome.measure == "SMD":
        write = standardised
    low, high = (write(as_seen(outcome, v)) for v in (usual.low, usual.high))
    if (low, high) == tuple(write(as_seen(outcome, v)) for v in (fit.ci.low, fit.ci.high)):
        return ""
    return (
        "The usual small-sample correction would have made this look more certain than it is: "
        f"{low} to {high} (Hartung–Knapp). The trials agree closely, which that correction "
        "takes for certainty, so it was not used."
    )


def _rows(
    review: Review, outcome: Outcome, chosen: Sequence[Pair], fit: PairwiseFit
) -> tuple[ForestRow, ...]:
    z = critical(fit.level)
    rows = []
    for i, pair in enumerate(chosen):
        y, half = float(fit.yi[i]), z * math.sqrt(float(fit.vi[i]))
        risk = assess_result(review, pair.trial.id, outcome.id)
        levels = tuple(d.level for d in risk.domains)
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
                rob=risk.overall,
                flags=pair.flags,
                cells=pair.cells,
                rob_domains=levels if set(levels) != {"not judged"} else (),
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
