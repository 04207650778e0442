"""Other defensible choices: which are run, which cannot be, and what they say of the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from bench import PAIN, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equipoise.answer.answer import Answer, Sensitivity
from equipoise.answer.assess import assess
from equipoise.answer.conclude import burden_of
from equipoise.answer.judging import Setting, judge
from equipoise.answer.next_trial import LARGEST, _smallest, next_trials
from equipoise.answer.synthesis import evidence, fit_pairs
from equipoise.certainty.grade import information_size_binary
from equipoise.core.errors import InputError
from equipoise.core.provenance import plain as unmarked
from equipoise.review.collect import collect
from equipoise.review.records import Disclosure, Outcome, Person, Plan, Threshold

ON = date(2026, 11, 1)
RESPONSE = Outcome(
    id="response",
    label="Response",
    plain="feeling better",
    type="binary",
    measure="RR",
    better="higher",
    importance="critical",
    weeks=(13, 52, 26),
    decides=True,
    thresholds=(
        Threshold(
            name="main",
            kind="between-group",
            small=50,
            moderate=100,
            large=200,
            source="s",
            main=True,
        ),
    ),
)


def counted(measure: str, *rows: tuple[int, int, int, int], **kw: Any) -> Bench:
    """Trials of counts: events and people with and without the treatment."""
    made = Bench()
    made.outcomes = [replace(RESPONSE, measure=measure, **kw)]  # type: ignore[arg-type]
    for i, (e1, n1, e2, n2) in enumerate(rows):
        made.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=n1 + n2)
        made.events(f"t{i}", "x", e1, n1).events(f"t{i}", "c", e2, n2)
    return made


def answered(bench: Bench) -> Answer:
    return assess(bench.review(), on=ON)


def line(answer: Answer, word: str) -> Sensitivity:
    """The scenario whose name holds a word, of the deciding outcome."""
    outcome = answer.outcome(answer.verdict.rests_on)
    return next(s for s in outcome.sensitivity if word in s.what)


@pytest.mark.parametrize("measure", ["RR", "OR"])
@pytest.mark.parametrize(
    ("rows", "group"),
    [
        (((30, 100, 0, 100),), "the treated group"),
        (((0, 100, 30, 100),), "the control group"),
        (((30, 100, 0, 100), (0, 60, 0, 60)), "the treated group"),
        (((0, 100, 5, 100), (0, 120, 4, 120)), "the control group"),
    ],
)
def test_a_choice_that_cannot_be_computed_is_listed_as_such(measure, rows, group):
    answer = answered(counted(measure, *rows))
    found = line(answer, "Mantel–Haenszel")
    assert (found.effect, found.verdict, found.flips) == (None, None, False)
    assert found.why.startswith("cannot be estimated: the ")
    assert found.why.endswith(f"is infinite: every event is in {group}")


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_trials_without_an_event_are_counted_and_tell_no_difference(measure):
    for rows, words in (
        (((0, 100, 0, 100), (0, 50, 0, 50)), "none of"),
        (((100, 100, 100, 100),), "all "),
        (((100, 100, 100, 100), (0, 50, 0, 50)), "in each trial nobody or everybody had it"),
    ):
        answer = answered(counted(measure, *rows))
        outcome = answer.outcome("response")
        assert outcome.pooled is None
        assert outcome.people.value == sum(n1 + n2 for _, n1, _, n2 in rows)
        assert words in outcome.statement_plain
        assert len(outcome.left_out) == len(rows)


def test_a_trial_without_an_event_counts_for_a_difference_where_others_have_some():
    one = answered(counted("RD", (20, 100, 10, 100), (0, 100, 0, 100)))
    pooled = one.outcome("response").pooled
    assert pooled is not None
    assert pooled.k == 2
    without = one.outcome("response").without_each
    assert [s.verdict is None for s in without] == [True, False]
    assert (
        without[0].why
        == "cannot be estimated: the trials that are left cannot tell the groups apart"
    )


def test_a_secondary_outcome_with_empty_cells_does_not_stop_the_answer(isolating):
    made = isolating((-14, 20, 400), (-15, 20, 400))
    made.outcomes = [
        made.outcomes[0],
        replace(RESPONSE, decides=False, importance="important", better="lower"),
    ]
    made.events("t1", "x", 0, 400).events("t1", "c", 6, 400)
    assert answered(made).verdict.benefit == "moderate"


@pytest.mark.parametrize("measure", ["RR", "OR"])
def test_a_ratio_of_nothing_still_has_an_absolute_size(measure):
    answer = answered(counted(measure, (300, 1000, 0, 1000), (310, 1000, 0, 1000)))
    outcome = answer.outcome("response")
    assert outcome.effect_class == "large"
    told = outcome.absolute
    assert told is not None
    assert told.without is not None
    assert told.without.value == pytest.approx(1000 * 1 / 2002)
    assert "half a person added" in told.without.formula
    assert told.difference.value == pytest.approx(305, abs=1)


@pytest.mark.parametrize("measure", ["RR", "OR"])
def test_odds_of_a_certain_event_still_fall(measure):
    answer = answered(counted(measure, (300, 1000, 1000, 1000), (310, 1000, 1000, 1000)))
    assert answer.outcome("response").effect_class == "worse"


@pytest.mark.parametrize("interval", ["auto", "Wald", "HK", "HK-guarded"])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_every_planned_interval_can_be_answered_and_has_another_beside_it(isolating, interval, k):
    made = isolating(*((-8 - 6 * (i % 2), 20, 85) for i in range(k)))
    made.plan = Plan(interval=interval)
    found = [s.what for s in answered(made).outcome("pain").sensitivity]
    assert ("a common-effect model" in found) == (k > 1)
    assert any("interval" in what for what in found) == (k > 2)


def test_the_common_effect_beside_hartung_and_knapp_has_walds_interval(isolating):
    made = isolating((-14, 20, 85), (-4, 20, 85), (-9, 20, 85))
    same = answered(made)
    made.plan = Plan(interval="HK")
    other = answered(made)
    one, two = (line(a, "common-effect").effect for a in (same, other))
    assert one is not None
    assert two is not None
    assert (one.low, one.high) == (two.low, two.high)


def test_the_other_interval_can_make_the_answer_fragile(isolating):
    made = isolating((-12, 20, 900), (-2, 20, 900), (-13, 20, 900))
    made.plan = Plan(interval="Wald")
    answer = answered(made)
    found = line(answer, "interval")
    assert found.what == "a Hartung–Knapp interval (guarded)"
    assert found.flips
    assert answer.verdict.fragile
    assert any(f"with {found.what}" in f for f in answer.verdict.flips)
    made.plan = Plan(interval="HK")
    assert line(answered(made), "interval").what == "a Wald interval"


def test_an_answer_that_rests_on_flawed_trials_alone_is_fragile(isolating):
    made = isolating((-14, 20, 400), (-15, 20, 400), rob="high")
    answer = answered(made)
    found = line(answer, "bias")
    assert (found.verdict, found.flips, found.why) == ("NOTRIALS", True, "no trial is left")
    assert "with no trial at high risk of bias, no trial is left" in answer.verdict.flips


def test_who_does_not_know_loses_nothing_when_no_trial_is_left(isolating):
    made = isolating((-14, 20, 10), (15, 20, 10), rob="high")
    answer = answered(made)
    assert answer.verdict.code == "UNKNOWN"
    assert not line(answer, "bias").flips


TIED = Person(
    id="seller",
    name="A Seller",
    roles=("author",),
    disclosures=(Disclosure(type="financial", direction="favours", asked_on="2026-01-01"),),
)


def test_the_last_of_two_burdens_on_one_day_decides(bench):
    bench.judge("burden", "notable").judge("burden", "low", why="the last word")
    assert burden_of(bench.review()) == ("low", "the last word")
    bench.judge("burden", "notable", on="2026-09-01")
    assert burden_of(bench.review()) == ("low", "the last word")


def test_who_has_an_interest_decides_the_burden_only_where_nobody_else_does(bench):
    bench.people = (*bench.people, TIED)
    bench.judge("burden", "low", by="seller", on="2026-10-05")
    assert burden_of(bench.review())[0] == "low"
    bench.judge("burden", "notable", on="2026-10-01")
    assert burden_of(bench.review())[0] == "notable"


def test_cut_points_of_one_person_are_never_laid_on_groups(isolating):
    made = isolating((-14, 20, 900), (-15, 20, 900))
    one = Threshold(name="noticed by one person", kind="within-person", small=20, source="s")
    made.outcomes = [replace(PAIN, thresholds=(*PAIN.thresholds, one))]
    answer = answered(made)
    found = next(t for t in answer.outcome("pain").thresholds if t.name == one.name)
    assert (found.effect_class, found.verdict, found.flips) == (None, None, False)
    assert found.noticed == "an appreciable number"
    assert not answer.verdict.fragile


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.99])
@pytest.mark.parametrize("n", [40, 85, 300])
def test_certainty_is_judged_by_95_percent_whatever_level_is_shown(isolating, level, n):
    made = isolating((-8.05, 20, n), (-8.0, 20, n), (-7.95, 20, n))
    usual = answered(made)
    made.plan = Plan(level=level)
    other = answered(made)
    assert other.verdict == usual.verdict
    one, two = (a.outcome("pain") for a in (usual, other))
    assert two.grade == one.grade
    assert [s.verdict for s in two.sensitivity] == [s.verdict for s in one.sensitivity]
    assert one.effect is not None
    assert two.effect is not None
    assert two.effect.low != one.effect.low
    assert two.pooled is not None
    assert two.pooled.level == level


def test_one_small_trial_is_never_more_than_low(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=30)
    bench.contrast("t1", "x", "c", -12, se=0.9)
    answer = answered(bench)
    assert answer.certainty == "low"
    assert "only one small trial tested it" in answer.reasons
    people = answer.outcome("pain").people
    assert people.value == 30
    assert bench.trials[0].cell("n_randomized") in people.cells
    assert "30 people" in unmarked(answer.key_messages[0])


def test_trials_of_unknown_size_are_never_more_than_low(bench):
    for name in ("t1", "t2"):
        bench.trial(name, {"x": ["active"], "c": ["sham"]})
        bench.contrast(name, "x", "c", -12, se=0.9)
    answer = answered(bench)
    assert answer.certainty == "low"
    assert "nobody knows whether enough people took part" in answer.reasons
    assert "an unknown number of people" in answer.key_messages[0]


def test_one_large_trial_may_be_enough(isolating):
    assert answered(isolating((-14, 20, 900))).certainty == "high"


@given(
    risk=st.floats(0.0, 1.0),
    step=st.floats(0.001, 1.0).flatmap(lambda d: st.sampled_from([d, -d])),
)
def test_the_information_size_is_never_nothing(risk, step):
    assert information_size_binary(risk, step) > 0


def test_the_information_size_where_the_risk_cannot_fall_so_far():
    assert information_size_binary(0.01, -0.025) == information_size_binary(0.01, 0.025)
    rare = answered(
        counted(
            "RR",
            (1, 100, 1, 100),
            better="lower",
            thresholds=(replace(RESPONSE.thresholds[0], small=25, moderate=None, large=None),),
        )
    )
    assert rare.certainty in ("low", "very low")


def test_every_larger_trial_changes_the_answer_too(isolating):
    made = isolating((-4.9, 20, 100), (-5.0, 20, 100), (-5.1, 20, 100))
    review = made.review()
    outcome = review.outcomes[0]
    data = evidence(review, collect(review, outcome.id))
    main = outcome.thresholds[0]
    setting = Setting("none", "low", ())
    fit = fit_pairs(outcome, data.pairs, review.plan)
    assert fit is not None
    code = judge(review, outcome, data.pairs, fit, main, setting).code
    found = next_trials(review, outcome, data.pairs, main, setting, code)
    assert found
    for trial in found:
        benefit = {"none": 0.0, "benefit": 10.0, "worse": -10.0}[trial.id]
        for people in (trial.people, 2 * trial.people, 5 * trial.people, LARGEST):
            grown = Bench()
            grown.trials, grown.arms = list(made.trials), list(made.arms)
            grown.results, grown.rob = list(made.results), list(made.rob)
            grown.trial("n", {"x": ["active"], "c": ["sham"]})
            grown.mean("n", "x", 50 - benefit, 20, people // 2).mean("n", "c", 50, 20, people // 2)
            bigger = grown.review()
            pairs = evidence(bigger, collect(bigger, outcome.id)).pairs
            refitted = fit_pairs(outcome, pairs, bigger.plan)
            assert refitted is not None
            assert judge(bigger, outcome, pairs, refitted, main, setting).code != code


@settings(max_examples=200)
@given(
    edge=st.lists(st.integers(5, 10_000), min_size=1, max_size=4, unique=True),
    first=st.booleans(),
)
def test_the_size_found_is_where_the_last_change_is(edge, first):
    def changes(people: int) -> bool:
        return first != (sum(people >= e for e in edge) % 2 == 1)

    size = _smallest(changes)
    if not changes(LARGEST):
        assert size is None
    else:
        assert size is not None
        assert changes(size)


def test_a_window_of_small_trials_is_not_told():
    assert _smallest(lambda n: n >= 3000 or 20 <= n < 500) == pytest.approx(3000, rel=0.05)
    assert _smallest(lambda n: n < 500) is None
    assert _smallest(lambda n: True) == 10


COUNTS = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(
        st.sampled_from([0, n[0], n[0] // 2, n[0] // 3]),
        st.just(n[0]),
        st.sampled_from([0, n[1], n[1] // 2, n[1] // 3]),
        st.just(n[1]),
    )
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    measure=st.sampled_from(["RR", "OR", "RD"]),
    better=st.sampled_from(["higher", "lower"]),
    rows=st.lists(COUNTS, min_size=1, max_size=5),
    interval=st.sampled_from(["auto", "Wald", "HK", "HK-guarded"]),
)
def test_small_reviews_of_counts_always_have_an_answer(measure, better, rows, interval):
    made = counted(measure, *rows, better=better)
    made.plan = Plan(interval=interval)
    assert isinstance(answered(made), Answer)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    measure=st.sampled_from(["MD", "SMD"]),
    rows=st.lists(
        st.tuples(
            st.floats(-60, 60),
            st.sampled_from([1e-6, 0.5, 20.0, 1e5]),
            st.integers(2, 80),
            st.integers(2, 80),
        ),
        min_size=1,
        max_size=5,
    ),
    model=st.sampled_from(["random", "common"]),
)
def test_small_reviews_of_means_have_an_answer_or_a_clear_refusal(measure, rows, model):
    made = Bench()
    made.outcomes = [replace(PAIN, measure=measure)]
    made.plan = Plan(model=model)
    for i, (difference, sd, n1, n2) in enumerate(rows):
        made.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=n1 + n2)
        made.mean(f"t{i}", "x", 50 + difference, sd, n1).mean(f"t{i}", "c", 50, sd, n2)
    try:
        answer = answered(made)
    except InputError:
        return
    assert isinstance(answer, Answer)
