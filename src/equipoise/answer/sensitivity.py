"""Would another defensible choice change the answer? Each is run through the same table.

The scenarios are data: a name, which comparisons, which model, which cut points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from equipoise.answer.absolute import as_seen, unit_of
from equipoise.answer.answer import Sensitivity, ThresholdLine, VerdictCode
from equipoise.answer.judging import Judged, Setting, judge
from equipoise.answer.ledger import Ledger
from equipoise.answer.synthesis import fit_counts, fit_pairs, has_empty_cell
from equipoise.answer.wording import uncapital
from equipoise.certainty.rob2 import result_risk
from equipoise.models.pairwise import PairwiseFit
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Plan, Review, Threshold


@dataclass(frozen=True, slots=True)
class _Scenario:
    id: str
    what: str
    pairs: tuple[Pair, ...]
    plan: Plan
    fit: Callable[[Outcome, Sequence[Pair], Plan], PairwiseFit | None] = fit_pairs


def threshold_lines(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    fit: PairwiseFit,
    main: Threshold | None,
    setting: Setting,
    code: VerdictCode,
) -> tuple[ThresholdLine, ...]:
    """The effect and the verdict under every registered set of cut points."""
    lines = []
    for threshold in outcome.thresholds:
        judged = judge(review, outcome, chosen, fit, threshold, setting)
        if judged.effect_class is None:
            continue
        lines.append(
            ThresholdLine(
                name=threshold.name,
                kind=threshold.kind,
                small=threshold.small,
                moderate=threshold.moderate,
                large=threshold.large,
                source=threshold.source,
                main=threshold == main,
                effect_class=judged.effect_class,
                verdict=judged.code,
                flips=judged.code != code,
            )
        )
    return tuple(lines)


def scenarios(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    main: Threshold | None,
    setting: Setting,
    code: VerdictCode,
    ledger: Ledger,
) -> tuple[Sensitivity, ...]:
    """The verdict under other models and without doubtful trials."""
    return tuple(
        _run(review, outcome, scenario, main, setting, code, ledger)
        for scenario in _scenarios(review, outcome, tuple(chosen))
    )


def without_each(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    main: Threshold | None,
    setting: Setting,
    code: VerdictCode,
    ledger: Ledger,
) -> tuple[Sensitivity, ...]:
    """The verdict without each trial in turn: what would happen if one were withdrawn."""
    trials = dict.fromkeys((p.trial.id, p.trial.label) for p in chosen)
    if len(trials) < 2:
        return ()
    return tuple(
        _run(
            review,
            outcome,
            _Scenario(
                f"without.{trial}",
                f"no {label}",
                tuple(p for p in chosen if p.trial.id != trial),
                review.plan,
            ),
            main,
            setting,
            code,
            ledger,
        )
        for trial, label in trials
    )


def _run(
    review: Review,
    outcome: Outcome,
    scenario: _Scenario,
    main: Threshold | None,
    setting: Setting,
    code: VerdictCode,
    ledger: Ledger,
) -> Sensitivity:
    """One scenario through the same model, judgement and table."""
    fit = scenario.fit(outcome, scenario.pairs, scenario.plan)
    if fit is None:
        # Nothing is left to judge: that is no other answer, and the page says so.
        return Sensitivity(scenario.what, None, "NOTRIALS", False)
    judged = judge(review, outcome, scenario.pairs, fit, main, setting)
    effect = ledger.add(
        f"{outcome.id}.if.{scenario.id}",
        as_seen(outcome, fit.estimate),
        unit_of(outcome)[0],
        f"{outcome.label}: effect with {scenario.what}",
        f"{fit.k} comparisons, {fit.model} effects",
        low=as_seen(outcome, fit.ci.low),
        high=as_seen(outcome, fit.ci.high),
        cells=[c for p in scenario.pairs for c in p.cells],
    )
    return Sensitivity(scenario.what, effect, judged.code, judged.code != code)


def _scenarios(review: Review, outcome: Outcome, chosen: tuple[Pair, ...]) -> Iterator[_Scenario]:
    plan = review.plan
    if len(chosen) > 1:
        other: Literal["random", "common"] = "random" if plan.model == "common" else "common"
        yield _Scenario("model", f"a {other}-effect model", chosen, replace(plan, model=other))
        if plan.model == "random":
            tau2 = "DL" if plan.tau2 != "DL" else "REML"
            name = {"DL": "DerSimonian–Laird", "REML": "REML"}[tau2]
            yield _Scenario("tau2", f"{name} for tau²", chosen, replace(plan, tau2=tau2))
    if has_empty_cell(chosen):
        words = "Mantel–Haenszel, nothing added to groups without events"
        yield _Scenario("counts", words, chosen, plan, fit_counts)
    for id_, what, kept in (
        (
            "bias",
            "no trial at high risk of bias",
            tuple(p for p in chosen if result_risk(review, p.trial.id, outcome.id) != "high"),
        ),
        (
            "industry",
            "no trial paid for by industry",
            tuple(p for p in chosen if p.trial.money not in ("industry", "mixed")),
        ),
        (
            "proponents",
            "no trial run by people who promote the treatment",
            tuple(p for p in chosen if p.trial.proponent != "yes"),
        ),
        (
            "concern",
            "no trial under an expression of concern",
            tuple(p for p in chosen if p.trial.status != "concern"),
        ),
        ("borrowed", "no borrowed standard deviation", tuple(p for p in chosen if not p.borrowed)),
        (
            "doubtful",
            "no number that is derived, assumed, borrowed or unverified",
            tuple(p for p in chosen if not p.doubtful),
        ),
    ):
        if kept != chosen:
            yield _Scenario(id_, what, kept, plan)


def other_outcomes(
    judged: Sequence[tuple[Outcome, Judged]], decides: str, code: VerdictCode
) -> tuple[Sensitivity, ...]:
    """The verdict if another critical outcome decided it."""
    return tuple(
        Sensitivity(f"the verdict resting on {uncapital(o.label)}", None, j.code, j.code != code)
        for o, j in judged
        if o.id != decides and o.importance == "critical" and j.effect_class is not None
    )
