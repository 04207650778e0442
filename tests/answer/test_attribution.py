"""Alone, added, together: what bears on each, and what is refused."""

from datetime import date

import pytest

from equipoise.answer.assess import assess
from equipoise.core.provenance import plain

ON = date(2026, 11, 22)


def answered(bench):
    return assess(bench.review(), on=ON)


def test_alone_counts_trials_without_other_care(isolating):
    answer = answered(isolating((-8, 20, 50), (-6, 20, 40)))
    alone = answer.alone
    assert alone.answerable
    assert (alone.trials.value, alone.people.value) == (2, 0) or alone.people.value == 180
    assert alone.estimates[0].direct_share == 1
    assert alone.assumption == ""
    assert not answer.added.answerable
    assert (
        plain(answer.added.sentence) == "No trial has tested what the solution adds to other care."
    )


def test_added_counts_trials_where_everybody_had_the_same_other_care(bench):
    bench.trial("t1", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    bench.mean("t1", "x", 30, 20, 50).mean("t1", "c", 40, 20, 50)
    answer = answered(bench)
    assert answer.added.answerable
    assert answer.added.trials.value == 1
    assert answer.added.estimates[0].effect.value == pytest.approx(-10)
    assert not answer.alone.answerable


def test_a_factorial_margin_bears_on_both_and_says_what_it_assumes(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, mixed=["exercise"])
    bench.mean("t1", "x", 30, 20, 50).mean("t1", "c", 40, 20, 50)
    answer = answered(bench)
    for part in (answer.alone, answer.added):
        assert part.trials.value == 0
        assert part.answerable
        assert part.estimates[0].direct_share == 0
        assert "about half of both groups" in part.assumption
        assert part.bearings[0].how == "mixed"


def test_groups_that_differ_in_more_than_the_treatment_are_not_attributed(bench):
    bench.trial("ongley", {"x": ["active", "massage"], "c": ["sham", "exercise"]})
    bench.mean("ongley", "x", 20, 20, 40).mean("ongley", "c", 50, 20, 41)
    answer = answered(bench)
    assert answer.verdict.code == "NOTRIALS"
    (bearing,) = answer.together.bearings
    assert bearing.how == "not attributable"
    assert "three components" in bearing.why
    assert "cannot be attributed to the solution" in answer.together.sentence
    assert not answer.together.answerable


def test_an_entangled_trial_changes_no_number_of_the_others(isolating):
    bench = isolating((-8, 20, 50), (-6, 20, 40))
    before = answered(bench)
    bench.trial("ongley", {"x": ["active", "massage"], "c": ["sham", "usual"]})
    bench.mean("ongley", "x", 1, 5, 400).mean("ongley", "c", 90, 5, 400)
    after = answered(bench)
    one, two = before.outcome("pain").effect, after.outcome("pain").effect
    assert one is not None
    assert two is not None
    assert one.value == two.value
    assert before.verdict.code == after.verdict.code


def test_together_by_additivity_is_labelled_as_such(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.mean("t1", "x", 34, 20, 100).mean("t1", "c", 40, 20, 100)
    bench.trial("t2", {"x": ["exercise"], "c": ["usual"]}, use="co-intervention")
    bench.mean("t2", "x", 36, 20, 100).mean("t2", "c", 40, 20, 100)
    # Given with exercise once, without a usable number: that is the combination people ask for.
    bench.trial("t3", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    together = answered(bench).together
    (estimate,) = together.estimates
    assert estimate.effect.value == pytest.approx(-10)
    assert estimate.direct_share == 0
    assert "assumption that effects simply add up" in together.assumption
    assert "If effects simply add up" in together.sentence
    assert together.trials.value == 0


def test_co_intervention_trials_never_enter_the_verdict(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.mean("t1", "x", 34, 20, 100).mean("t1", "c", 40, 20, 100)
    before = answered(bench).outcome("pain").effect
    bench.trial(
        "t2", {"x": ["active", "exercise"], "c": ["sham", "exercise"]}, use="co-intervention"
    )
    bench.mean("t2", "x", 4, 20, 100).mean("t2", "c", 40, 20, 100)
    after = answered(bench).outcome("pain").effect
    assert before is not None
    assert after is not None
    assert before.value == after.value


def test_together_is_refused_where_the_trials_cannot_separate_it(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.mean("t1", "x", 34, 20, 100).mean("t1", "c", 40, 20, 100)
    bench.trial("t3", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    together = answered(bench).together
    assert not together.answerable
    assert together.estimates == ()
    assert "cannot be told" in together.sentence


def test_a_trial_of_both_against_neither_is_direct(bench):
    bench.trial("t1", {"x": ["active", "exercise"], "c": ["sham"]})
    bench.mean("t1", "x", 28, 20, 100).mean("t1", "c", 40, 20, 100)
    bench.trial("t2", {"x": ["active"], "c": ["sham"]})
    bench.mean("t2", "x", 34, 20, 100).mean("t2", "c", 40, 20, 100)
    together = answered(bench).together
    assert together.trials.value == 1
    (estimate,) = together.estimates
    assert estimate.effect.value == pytest.approx(-12)
    assert estimate.direct_share == pytest.approx(1)


def test_components_say_which_of_them_the_trials_can_separate(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.mean("t1", "x", 34, 20, 100).mean("t1", "c", 40, 20, 100)
    bench.trial("t2", {"x": ["exercise", "massage"], "c": ["usual"]}, use="co-intervention")
    bench.mean("t2", "x", 36, 20, 100).mean("t2", "c", 40, 20, 100)
    lines = {c.id: c for c in answered(bench).components}
    assert lines["solution"].separable
    assert not lines["exercise"].separable
    assert not lines["massage"].separable
    assert lines["exercise"].effect is None
    assert lines["exercise"].why
