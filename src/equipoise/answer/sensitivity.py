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
from equipoise.certainty.thresholds import mid_units
from equipoise.core.errors import NotEstimableError
from equipoise.models.pairwise import PairwiseFit
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Plan, Review, Threshold

#: With so many trials or fewer, Hartung and Knapp's interval says next to nothing.
ENOUGH_FOR_HK = 2


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
    """The effect and the verdict under every registered set of cut points.

    The cut points of one person are never laid on a difference between groups.
    """
    lines = []
    for threshold in outcome.thresholds:
        judged = judge(review, outcome, chosen, fit, threshold, setting)
        if judged.effect_class is None or judged.benefit is None:
            continue
        between = threshold.kind == "between-group"
        lines.append(
            ThresholdLine(
                name=threshold.name,
                kind=threshold.kind,
                small=threshold.small,
                moderate=threshold.moderate,
                large=threshold.large,
                source=threshold.source,
                main=threshold == main,
                effect_class=judged.effect_class if between else None,
                verdict=judged.code if between else None,
                flips=between and judged.code != code,
                noticed="" if between else mid_units(judged.benefit, threshold.small)[1],
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
    """One scenario through the same model, judgement and table.

    An answer that rests on nothing but the trials that a scenario leaves out is no answer without
    them: that changes it, unless it said already that we do not know.
    """
    if not scenario.pairs:
        return Sensitivity(scenario.what, None, "NOTRIALS", code != "UNKNOWN", "no trial is left")
    try:
        fit = scenario.fit(outcome, scenario.pairs, scenario.plan)
    except NotEstimableError as error:
        return Sensitivity(scenario.what, None, None, False, _inestimable(error))
    if fit is None:
        why = "cannot be estimated: the trials that are left cannot tell the groups apart"
        return Sensitivity(scenario.what, None, None, False, why)
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
    return Sensitivity(
        scenario.what, effect, judged.code, judged.code != code, benefit=judged.effect_class
    )


def _inestimable(error: NotEstimableError) -> str:
    what = error.what
    for group, name in (("group 1", "the treated group"), ("group 2", "the control group")):
        what = what.replace(group, name)
    return f"cannot be estimated: {what}"


def _scenarios(review: Review, outcome: Outcome, chosen: tuple[Pair, ...]) -> Iterator[_Scenario]:
    plan = review.plan
    if len(chosen) > 1:
        other: Literal["random", "common"] = "random" if plan.model == "common" else "common"
        fixed = "Wald" if other == "common" else plan.interval
        yield _Scenario(
            "model",
            f"a {other}-effect model",
            chosen,
            replace(plan, model=other, interval=fixed),
        )
        if plan.model == "random":
            tau2 = "DL" if plan.tau2 != "DL" else "REML"
            name = {"DL": "DerSimonian–Laird", "REML": "REML"}[tau2]
            yield _Scenario("tau2", f"{name} for tau²", chosen, replace(plan, tau2=tau2))
        if plan.model == "random" and len(chosen) > ENOUGH_FOR_HK:
            yield _other_interval(outcome, chosen, plan)
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


def _other_interval(outcome: Outcome, chosen: tuple[Pair, ...], plan: Plan) -> _Scenario:
    """Wald's interval in the place of Hartung and Knapp's, and the other way round.

    Plain Hartung–Knapp is never the other one: where it is not the planned interval, it may be
    narrower than Wald's for no good reason, so its guarded form stands in.
    """
    fit = fit_pairs(outcome, chosen, plan)
    if fit is not None and fit.interval == "Wald":
        words = "a Hartung–Knapp interval (guarded)"
        return _Scenario("interval", words, chosen, replace(plan, interval="HK-guarded"))
    return _Scenario("interval", "a Wald interval", chosen, replace(plan, interval="Wald"))


def other_outcomes(
    judged: Sequence[tuple[Outcome, Judged]], decides: str, code: VerdictCode
) -> tuple[Sensitivity, ...]:
    """The verdict if another critical outcome decided it."""
    return tuple(
        Sensitivity(
            f"the verdict resting on {uncapital(o.label)}",
            None,
            j.code,
            j.code != code,
            benefit=j.effect_class,
        )
        for o, j in judged
        if o.id != decides and o.importance == "critical" and j.effect_class is not None
    )
