"""The answer for one outcome: pooled, judged, in absolute numbers, with its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.answer.absolute import (
    absolute,
    as_seen,
    difference_words,
    people_of,
    size_cells,
    time_words,
    unit_of,
)
from equipoise.answer.against import against_lines, against_sentence, compared_with, groups_of
from equipoise.answer.answer import Absolute, LeftOut, OutcomeAnswer
from equipoise.answer.judging import Judged, Setting, judge
from equipoise.answer.ledger import Ledger
from equipoise.answer.people import number_needed_words, responder_lines, strata
from equipoise.answer.sensitivity import scenarios, threshold_lines, without_each
from equipoise.answer.synthesis import Evidence, fit_pairs, pooled_view
from equipoise.answer.wording import (
    aim,
    both_ends,
    join,
    statement_clinical,
    statement_plain,
    uncapital,
)
from equipoise.certainty.thresholds import EffectClass, main_threshold
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import fixed, ratio
from equipoise.effects.measures import measure_of
from equipoise.models.pairwise import PairwiseFit
from equipoise.review.collect import Missing
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Review


@dataclass(frozen=True, slots=True)
class Outcomes:
    """An outcome's answer together with the judgement that it came from."""

    outcome: Outcome
    judged: Judged | None
    answer: OutcomeAnswer


def answer_outcome(review: Review, data: Evidence, setting: Setting, ledger: Ledger) -> Outcomes:
    """Pool, judge and tell one outcome."""
    outcome = data.outcome
    fit = fit_pairs(outcome, data.pairs, review.plan)
    bare = _without_numbers(review, data, ledger)
    if fit is None:
        return Outcomes(outcome, None, bare)
    main = main_threshold(outcome)
    judged = judge(review, outcome, data.pairs, fit, main, setting)
    pooled = pooled_view(review, outcome, data.pairs, fit)
    effect = _effect(data, fit, ledger)
    told = absolute(
        judged.scale,
        data.pairs,
        ledger,
        outcome.id,
        effect,
        (fit.estimate, fit.ci.low, fit.ci.high),
        population=review.question.population,
    )
    plain, clinical = statements(
        review, outcome, judged, told, review.question.treatment, effect=effect
    )
    groups = groups_of(review, data.pairs)
    differs = against_sentence(groups)
    analysis = (fit.estimate, fit.ci.low, fit.ci.high)
    return Outcomes(
        outcome,
        judged,
        replace(
            bare,
            pooled=pooled,
            effect=effect,
            absolute=told,
            effect_class=judged.effect_class,
            grade=judged.profile,
            statement_plain=plain + differs,
            statement_clinical=clinical + differs,
            compared_with=compared_with(groups),
            against=against_lines(review, outcome, groups, ledger),
            thresholds=threshold_lines(
                review, outcome, data.pairs, fit, main, setting, judged.code
            ),
            sensitivity=scenarios(review, outcome, data.pairs, main, setting, judged.code, ledger),
            notes=pooled.notes,
            strata=strata(outcome, data.pairs, effect, analysis, ledger),
            responders=responder_lines(outcome, effect, analysis, ledger),
            number_needed=number_needed_words(outcome, told),
            end_classes=(judged.low_class, judged.high_class),
            without_each=without_each(
                review, outcome, data.pairs, main, setting, judged.code, ledger
            ),
        ),
    )


def _without_numbers(review: Review, data: Evidence, ledger: Ledger) -> OutcomeAnswer:
    """The outcome as it stands before, or without, a pooled result."""
    outcome = data.outcome
    everybody = (*data.pairs, *data.empty)
    # A trial counts by its usable numbers: take one away, and it is counted no more.
    counted = [p.trial.cell("trial") for p in everybody] + [c for p in everybody for c in p.cells]
    trials = ledger.add(
        f"{outcome.id}.trials",
        len({p.trial.id for p in everybody}),
        "trials",
        f"{outcome.label}: trials that isolate the treatment",
        join([p.label for p in everybody]) or "none",
        cells=counted,
    )
    people = ledger.add(
        f"{outcome.id}.people",
        people_of(everybody),
        "people",
        f"{outcome.label}: people in those trials",
        "sum of the groups compared; where a group has no size, all who were randomised",
        cells=[*counted, *size_cells(everybody)],
    )
    x, y = review.question.treatment, review.question.comparator_plain
    sentence = (
        f"We do not know if {x} changes {aim(outcome)}, compared with {y}: no trial that isolates "
        "it gave numbers that can be used."
    )
    silent = silent_words(data.empty, people) if data.empty and not data.pairs else ""
    if silent:
        sentence = (
            f"We do not know if {x} changes {aim(outcome)}, compared with {y}: {silent}. "
            "A difference cannot be ruled out."
        )
    return OutcomeAnswer(
        id=outcome.id,
        label=outcome.label,
        plain=outcome.plain,
        type=outcome.type,
        better=outcome.better,
        importance=outcome.importance,
        decides=outcome.decides,
        unit=outcome.unit,
        scale=outcome.scale,
        time=time_words(everybody, outcome),
        comparison=f"{x} against {review.question.comparator}",
        trials=trials,
        people=people,
        pooled=None,
        effect=None,
        absolute=None,
        effect_class=None,
        grade=None,
        statement_plain=sentence,
        statement_clinical=sentence,
        thresholds=(),
        sensitivity=(),
        left_out=left_out(review, data.left_out),
        notes=(),
        silent=silent,
    )


def silent_words(empty: Sequence[Pair], people: Quantity) -> str:
    """What trials found in which no event, or nothing else, could tell the groups apart."""
    none = [p.treated is None or not p.treated.events for p in empty]
    who = f"{mark(people, fixed(people.value, 0))} people"
    if all(none):
        return f"none of {who} had it in either group"
    if not any(none):
        return f"all {who} had it, in both groups"
    return f"{who} were counted, and in each trial nobody or everybody had it"


def left_out(review: Review, missing: Sequence[Missing]) -> tuple[LeftOut, ...]:
    """What could not be used, with the trials' names."""
    return tuple(
        LeftOut(m.trial, review.trial(m.trial).label, m.what, m.why, m.cells) for m in missing
    )


def _effect(data: Evidence, fit: PairwiseFit, ledger: Ledger) -> Quantity:
    outcome = data.outcome
    measure = measure_of(outcome.measure)
    names = join([p.label for p in data.pairs])
    how = f"{fit.model} effects, {fit.tau2_method}, {fit.ci.method}" if fit.k > 1 else "one trial"
    return ledger.add(
        f"{outcome.id}.effect",
        as_seen(outcome, fit.estimate),
        unit_of(outcome)[0],
        f"{outcome.label}: {measure.name}",
        f"{names}; {how}",
        low=as_seen(outcome, fit.ci.low),
        high=as_seen(outcome, fit.ci.high),
        cells=[c for p in data.pairs for c in p.cells],
    )


def statements(
    review: Review,
    outcome: Outcome,
    judged: Judged,
    told: Absolute | None,
    x: str,
    *,
    y: str = "",
    effect: Quantity | None = None,
) -> tuple[str, str]:
    """The sentences of both layers: size by certainty from the table, then the numbers.

    `x` is what was tested, such as "adding prolotherapy to other care"; `y` what it was compared
    with, where that is not the comparator of the question; `effect` stands in where no absolute
    effect can be told.
    """
    y = y or review.question.comparator_plain
    o, level = aim(outcome), judged.profile.level
    numbers = ""
    if told is not None:
        spared = outcome.type == "binary" and outcome.better == "lower"
        numbers = f" On average{' it happens to' if spared else ':'} "
        numbers += f"{difference_words(outcome, told.difference)}."
    if judged.effect_class is None or judged.benefit is None:
        bare = _unnamed(judged, x, o)
        if effect is None or effect.low is None or effect.high is None or told is not None:
            return bare + numbers, bare + numbers
        shown = [mark(effect, ratio(v)) for v in (effect.value, effect.low, effect.high)]
        return bare, f"{bare} {effect.unit} {shown[0]} ({shown[1]} to {shown[2]})."
    assert judged.low_class is not None
    assert judged.high_class is not None
    size, low, high = (
        named(outcome, c) for c in (judged.effect_class, judged.low_class, judged.high_class)
    )
    plain = statement_plain(size, level, x=x, o=o, y=y)
    ends = both_ends(low, high, level, o=o)
    falls = told is not None and told.difference.value < 0
    clinical = statement_clinical(size, level, x=x, o=uncapital(outcome.label), y=y, falls=falls)
    return " ".join(s for s in (plain, ends) if s) + numbers, clinical + numbers


def _unnamed(judged: Judged, x: str, o: str) -> str:
    """Why the size of an effect has no name: no risk without the treatment, or no cut points."""
    if judged.scale.known:
        return f"How much {x} changes {o} cannot be put into words: no cut points are registered."
    return (
        f"How much {x} changes {o} cannot be put into words: the trials give only a ratio. Nobody "
        "says how often it happens without the treatment."
    )


def named(outcome: Outcome, size: EffectClass) -> EffectClass:
    """The size as a sentence names it.

    One cut point tells an important effect from an unimportant one, and no sizes apart: then
    nothing is called slight.
    """
    main = main_threshold(outcome)
    if size == "small" and main is not None and main.moderate is None:
        return "moderate"
    return size
