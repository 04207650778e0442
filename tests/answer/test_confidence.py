"""How sure together and interactions are: GRADE where compared directly, CINeMA where modelled."""

import json
from dataclasses import replace
from datetime import date

import pytest
from bench import PAIN, Bench

from equipoise.answer.absolute import Scale
from equipoise.answer.assess import assess
from equipoise.answer.confidence import important
from equipoise.answer.parts import all_direct
from equipoise.certainty.thresholds import main_threshold
from equipoise.core.provenance import plain
from equipoise.present import tables
from equipoise.review.records import Outcome, Threshold

ON = date(2026, 11, 22)
FOUR = {
    "x": ["active"],
    "c": ["sham"],
    "e": ["sham", "exercise"],
    "xe": ["active", "exercise"],
}


def factorial(means, n=900, trials=2, **kw):
    bench = Bench()
    for i in range(trials):
        bench.trial(f"t{i}", FOUR, n_randomized=4 * n, **kw)
        for arm, mean in zip(("x", "c", "e", "xe"), means, strict=True):
            bench.mean(f"t{i}", arm, mean + 0.1 * i, 20, n)
    return bench


def answered(bench, **kw):
    return assess(bench.review(**kw), on=ON)


def apart(n=2000, **kw):
    """The two parts in trials of their own, and the combination in none that can be used."""
    bench = Bench()
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, **kw)
    bench.mean("t1", "x", 45, 20, n).mean("t1", "c", 60, 20, n)
    bench.trial("t2", {"x": ["exercise"], "c": ["usual"]}, use="co-intervention", **kw)
    bench.mean("t2", "x", 50, 20, n).mean("t2", "c", 60, 20, n)
    bench.trial("t3", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    return bench


def test_groups_that_had_both_and_neither_are_judged_by_grade():
    (told,) = answered(factorial((45, 60, 55, 35))).together.estimates
    assert told.level == "high"
    assert told.grade is not None
    assert told.grade.level == "high"
    assert told.size == "large"
    assert told.concerns == ()
    assert not told.adds_up
    assert told.effect.value == pytest.approx(-25)
    assert plain(told.statement).startswith(
        "The solution together with exercise improves pain a lot, compared with neither."
    )


@pytest.mark.parametrize(("kw", "level"), [({"rob": "high"}, "low"), ({"n": 12}, "low")])
def test_doubts_lower_it_as_they_do_elsewhere(kw, level):
    (told,) = answered(factorial((45, 60, 55, 35), **kw)).together.estimates
    assert told.level == level


def test_direct_evidence_does_not_rest_on_adding_up():
    # The model that adds up would give 32.5 here; the groups that had both and neither give 40.
    bench = factorial((55, 60, 55, 20))
    bench.trial("t5", {"x": ["active"], "c": ["sham"]})
    bench.mean("t5", "x", 58, 20, 4000).mean("t5", "c", 60, 20, 4000)
    together = answered(bench).together
    assert together.estimates[0].effect.value == pytest.approx(-40)
    assert together.assumption == ""


def test_a_sum_is_judged_by_contributions_and_says_that_it_is_one():
    together = answered(apart()).together
    (told,) = together.estimates
    assert told.adds_up
    assert told.grade is None
    found = {c.domain: c for c in told.concerns}
    assert found["within-study bias"].concern == "no concerns"
    assert found["imprecision"].concern == "no concerns"
    assert found["incoherence"].concern == "some concerns"
    assert "cannot test" in found["incoherence"].rule
    assert told.level == "moderate"
    assert plain(told.statement).startswith("The solution together with exercise probably improves")
    assert "If effects simply add up: 25.0 points lower" in plain(told.statement)


def test_contributions_carry_bias_ceilings_and_what_people_signed():
    assert answered(apart(rob="high")).together.estimates[0].level == "very low"
    assert answered(apart(n=60)).together.estimates[0].level in ("low", "very low")
    old = apart()
    old.last_search = "2009-07"
    (told,) = answered(old).together.estimates
    assert told.level == "low"
    assert any(c.domain == "ceiling" for c in told.concerns)
    signed = apart().judge("indirectness", "-1", outcome="pain")
    (told,) = answered(signed).together.estimates
    assert told.level == "low"
    lost = apart().judge("publication-bias", "-1", outcome="pain")
    assert answered(lost).together.estimates[0].level == "low"


def test_without_cut_points_nobody_says_how_sure():
    bench = apart()
    bench.outcomes = [replace(PAIN, thresholds=())]
    (told,) = answered(bench).together.estimates
    assert told.level is None
    assert "cannot be told" in told.statement
    assert "25.0 points lower" in plain(told.statement)


@pytest.mark.parametrize(
    ("both", "level", "size", "words"),
    [
        (20, "high", "small", "With other care the solution does more for pain than without."),
        (55, "high", "worse", "With other care the solution does less for pain than without."),
        (40, "high", "none", "Other care makes little to no difference to what the solution does"),
    ],
)
def test_an_interaction_tested_within_trials(both, level, size, words):
    answer = answered(factorial((45, 60, 55, both), n=4000))
    (found,) = answer.together.interactions
    assert (found.level, found.size) == (level, size)
    assert found.effect.value == pytest.approx(both - 40)
    assert found.within == ("T0 2020", "T1 2020")
    assert found.statement.startswith(words)
    assert found.statement in answer.together.interaction
    assert not any("four groups" in line for line in answer.would_change)
    assert answer.key_messages[1] == found.statement


def test_a_small_factorial_trial_asks_for_more_people_in_such_trials():
    answer = answered(factorial((45, 60, 55, 20), n=15, trials=1))
    (found,) = answer.together.interactions
    assert found.level in ("very low", "low")
    (line,) = [x for x in answer.would_change if "four groups" in x]
    assert line.startswith("More people in trials with four groups")
    assert "T0 2020" in line


def test_an_interaction_between_trials_is_at_most_of_low_certainty():
    bench = Bench()
    for name, arms, means in (
        ("t1", {"x": ["active"], "c": ["sham"]}, (45, 60)),
        ("t2", {"x": ["active", "exercise"], "c": ["sham", "exercise"]}, (30, 60)),
    ):
        bench.trial(name, arms)
        bench.mean(name, "x", means[0], 20, 9000).mean(name, "c", means[1], 20, 9000)
    answer = answered(bench)
    (found,) = answer.together.interactions
    assert found.within == ()
    assert found.level == "low"
    assert any("different trials" in c.rule for c in found.concerns)
    assert any("A trial with four groups" in x for x in answer.would_change)


def response(measure):
    cuts = Threshold(name="m", kind="between-group", small=50, source="a source", main=True)
    return Outcome(
        id="response",
        label="Response",
        plain="feeling better",
        type="binary",
        measure=measure,
        better="higher",
        importance="critical",
        weeks=(13, 52, 26),
        decides=True,
        thresholds=(cuts,),
    )


@pytest.mark.parametrize(
    ("measure", "value", "words"),
    [
        ("RR", 1.5, "as a ratio, was 1.50 times that without"),
        ("RD", 250.0, "250 more of every 1000 people than without"),
    ],
)
def test_interactions_of_counts_are_told_in_their_own_unit(measure, value, words):
    bench = Bench()
    bench.outcomes = [response(measure)]
    bench.trial("t1", FOUR, n_randomized=8000)
    for arm, events in (("x", 400), ("c", 200), ("e", 500), ("xe", 1500)):
        bench.events("t1", arm, events, 2000)
    if measure == "RD":
        bench.results[-1] = replace(bench.results[-1], events=1200)
    (found,) = answered(bench).together.interactions
    assert found.effect.value == pytest.approx(value)
    assert found.effect.unit == {"RR": "RR", "RD": "per 1000"}[measure]
    assert words in plain(found.words)
    assert found.size == "small"


def test_interactions_of_standardised_differences_are_in_standard_deviations():
    bench = factorial((45, 60, 55, 20))
    cuts = replace(PAIN.thresholds[0], small=0.2, moderate=0.5, large=0.8)
    bench.outcomes = [replace(PAIN, measure="SMD", thresholds=(cuts,))]
    (found,) = answered(bench).together.interactions
    assert "standard deviations lower" in found.words
    assert "points" not in found.words


@pytest.mark.parametrize(
    ("measure", "better", "risk", "expected"),
    [
        ("RR", "higher", 0.2, 0.25 / 0.2),
        ("RR", "lower", 0.2, 0.15 / 0.2),
        ("OR", "higher", 0.2, (0.25 / 0.75) / (0.2 / 0.8)),
        ("RD", "higher", 0.2, 0.05),
        ("RR", "lower", 0.03, 0.08 / 0.03),  # it cannot fall by 50 of 1000
        ("RR", "higher", None, None),
    ],
)
def test_the_smallest_important_effect_on_the_scale_of_the_measure(measure, better, risk, expected):
    outcome = replace(response(measure), better=better)
    found = important(Scale(outcome, risk), main_threshold(outcome))
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_share_of_one_is_one_up_to_rounding():
    assert all_direct(0.1 + 0.2 + 0.7)
    assert all_direct(1 - 1e-12)
    assert not all_direct(0.999)


def test_parts_carry_their_certainty_onto_the_page():
    answer = answered(factorial((45, 60, 55, 35)))
    solution = next(c for c in answer.components if c.id == "solution")
    assert solution.level is not None
    assert solution.size is not None
    assert [c.domain for c in solution.concerns][:6] == [
        "within-study bias",
        "reporting bias",
        "indirectness",
        "imprecision",
        "heterogeneity",
        "incoherence",
    ]
    shown = tables.concerns(answer)
    assert {row[0] for row in shown.rows} >= {"Solution", "Exercise", "Strengthens the other"}
    assert any(c.key == "sure" for c in tables.components(answer).columns)
    assert json.dumps([c.rule for c in solution.concerns])


@pytest.mark.parametrize(("people", "capped"), [(60, True), (20000, False)])
def test_trials_without_sizes_count_by_whom_they_randomised(people, capped):
    bench = Bench()
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=people)
    bench.contrast("t1", "x", "c", -15, se=40 / people**0.5)
    bench.trial(
        "t2", {"x": ["exercise"], "c": ["usual"]}, n_randomized=people, use="co-intervention"
    )
    bench.contrast("t2", "x", "c", -10, se=40 / people**0.5)
    bench.trial("t3", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    (told,) = answered(bench).together.estimates
    assert any("one adequate trial needs" in c.rule for c in told.concerns) is capped
