"""The five states of harm, exact bounds, and the class that goes into the verdict."""

import math

import pytest
from bench import Bench

from equipoise.answer.harms import (
    asked_sentence,
    harm_class,
    harm_lines,
    per_thousand_up,
    wilson,
    zero_event_bound,
)
from equipoise.answer.ledger import Ledger
from equipoise.answer.messages import harm_sentence
from equipoise.core.provenance import plain


@pytest.mark.parametrize(
    ("people", "bound"), [(20, 140), (100, 30), (206, 15), (366, 9), (3600, 1)]
)
def test_zero_event_bounds_as_published_per_1000(people, bound):
    assert per_thousand_up(zero_event_bound(people)) == bound


@pytest.mark.parametrize(
    ("people", "one_sided", "two_sided"),
    [
        (20, 0.13911, 0.16843),
        (100, 0.02951, 0.03622),
        (206, 0.01444, 0.01775),
        (366, 0.00815, 0.01003),
        (3600, 0.00083, 0.00102),
    ],
)
def test_zero_event_bounds_to_five_digits(people, one_sided, two_sided):
    assert round(zero_event_bound(people), 5) == one_sided
    assert round(zero_event_bound(people, 0.975), 5) == two_sided


@pytest.mark.parametrize("people", [1, 2, 7, 20, 299, 5000, 1_000_000])
def test_the_bound_is_the_risk_at_which_seeing_none_has_a_chance_of_one_in_twenty(people):
    assert math.isclose((1 - zero_event_bound(people)) ** people, 0.05, rel_tol=1e-9)


@pytest.mark.parametrize("people", range(1, 4000, 37))
def test_a_rounded_bound_is_never_below_the_bound(people):
    exact = zero_event_bound(people)
    assert per_thousand_up(exact) >= exact * 1000 - 1e-9


def test_299_people_put_a_serious_harm_below_one_in_a_hundred():
    assert zero_event_bound(299) < 0.01 < zero_event_bound(298)


def test_wilson_interval_as_in_newcombe_1998_table_1():
    # Newcombe RG 1998, Stat Med 17:857, method 3: 81/263 and 0/20.
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson(0, 20)
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)


def lines(bench):
    return {h.harm: h for h in harm_lines(bench.review(), Ledger())}


def trial(bench, n=100):
    return bench.trial("one", {"x": ["active"], "c": ["sham"]}, n_randomized=2 * n)


def test_state_1_compares_with_the_control_group(bench):
    trial(bench)
    bench.harm("sore", trial="one", arm="x", events=30, n=100, asked="yes")
    bench.harm("sore", trial="one", arm="c", events=10, n=100, asked="yes")
    line = lines(bench)["sore"]
    assert line.state == 1
    assert line.excess is not None
    assert line.excess.value == pytest.approx(200)
    assert line.with_.value == pytest.approx(300)
    assert line.without.value == pytest.approx(100)
    # Wald for one trial: 0.2 ± 1.96 sqrt(.3*.7/100 + .1*.9/100)
    half = 1.959964 * math.sqrt(0.0021 + 0.0009) * 1000
    assert line.excess.low == pytest.approx(200 - half, rel=1e-5)


def test_state_2_is_seen_without_a_control_group(bench):
    bench.trial("one", {"x": ["active"], "c": ["usual"]})
    bench.harm("sore", trial="one", arm="x", events=3, n=50, asked="yes")
    line = lines(bench)["sore"]
    assert line.state == 2
    assert line.excess is None
    assert line.with_.value == pytest.approx(60)


def test_state_3_gives_a_count_and_no_rate(bench):
    trial(bench)
    bench.harm("leak", kind="survey", severity="serious", events=164, source="a survey")
    line = lines(bench)["leak"]
    assert line.state == 3
    assert line.count.value == 164
    assert line.with_ is line.bound is line.excess is None
    assert "out of how many" in line.statement


def test_state_4_needs_somebody_to_have_asked(bench):
    trial(bench, 103)
    bench.harm("clot", trial="one", arm="x", events=0, n=103, asked="yes")
    bench.harm("rash", trial="one", arm="x", events=0, n=103, asked="unclear")
    found = lines(bench)
    assert found["clot"].state == 4
    assert "up to 29 in 1000" in plain(found["clot"].statement)
    assert found["rash"].state == 5
    assert found["rash"].bound is None


def test_state_5_for_a_harm_that_only_theory_names(bench):
    trial(bench)
    bench.harm("infection", kind="theory", severity="serious")
    line = lines(bench)["infection"]
    assert line.state == 5
    assert line.statement == "The trials did not say."


def test_severity_says_nothing_about_frequency(bench):
    trial(bench)
    bench.harm("death", kind="theory", severity="serious")
    line = lines(bench)["death"]
    assert (line.severity, line.state) == ("serious", 5)


def classed(bench):
    review = bench.review()
    return harm_class(review, harm_lines(review, Ledger()))


def test_harms_nobody_asked_about_are_not_measured(bench):
    trial(bench, 1000)
    bench.harm("sore", trial="one", arm="x", events=0, n=1000, asked="unclear")
    assert classed(bench) == "not measured"


def test_a_serious_harm_reported_anywhere_is_possible(bench):
    trial(bench)
    bench.harm("leak", kind="case-report", severity="serious", events=1)
    assert classed(bench) == "serious possible"


def test_a_serious_excess_in_trials_is_likely(bench):
    trial(bench, 200)
    bench.harm("leak", trial="one", arm="x", severity="serious", events=40, n=200, asked="yes")
    bench.harm("leak", trial="one", arm="c", severity="serious", events=5, n=200, asked="yes")
    assert classed(bench) == "serious likely"


def test_none_needs_enough_people_who_were_asked(bench):
    trial(bench, 300)
    for arm in ("x", "c"):
        bench.harm("sore", trial="one", arm=arm, events=0, n=300, asked="yes")
    assert classed(bench) == "none"


def test_too_few_people_asked_is_not_measured_however_clean(bench):
    trial(bench, 100)
    for arm in ("x", "c"):
        bench.harm("sore", trial="one", arm=arm, events=0, n=100, asked="yes")
    assert classed(bench) == "not measured"


def test_minor_when_enough_were_asked_and_only_mild_harm_was_seen(bench):
    trial(bench, 300)
    for arm, events in (("x", 60), ("c", 20)):
        bench.harm("sore", trial="one", arm=arm, events=events, n=300, asked="yes")
    assert classed(bench) == "minor"


def test_a_review_that_saw_none_is_no_report_of_harm(bench):
    trial(bench)
    bench.harm("major", kind="review", severity="serious", events=0, n=837)
    line = lines(bench)["major"]
    assert line.state == 5
    assert "none were seen" in line.statement
    assert classed(bench) == "not measured"


def test_seen_in_a_trial_without_its_group_is_seen(bench):
    trial(bench)
    bench.harm("bruise", trial="one", events=3)
    line = lines(bench)["bruise"]
    assert line.state == 2
    assert line.count.value == 3
    assert plain(line.statement).startswith("3 people in One 2020")


def told_of_asking(*asked: str) -> str:
    """What is said of trials that asked, did not ask, or are silent ("")."""
    bench = Bench()
    for i, state in enumerate(asked):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]})
        if state:
            bench.harm("soreness", trial=f"t{i}", arm="x", asked=state, events=0, n=20)
    return plain(asked_sentence(bench.review(), Ledger()))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((), ""),
        (("unclear",), "The one trial does not say that it asked everybody about harms."),
        (("no", "", "unclear"), "No trial says that it asked everybody about harms."),
        (("yes", "", "no"), "1 of 3 trials says that it asked everybody about harms (T0 2020). "),
        (("yes", "yes"), "2 of 2 trials say that they asked everybody about harms (T0 2020 and "),
        (("yes",), "The one trial (T0 2020) says that it asked about harms. "),
    ],
)
def test_who_was_asked_is_told_in_a_sentence(asked, words):
    told = told_of_asking(*asked)
    assert told.startswith(words)
    assert ("can still happen" in told) == ("yes" in asked)


def test_a_control_group_shared_by_several_groups_counts_once(bench):
    """A third group or a pooled one: the same people, so the same comparison."""
    bench.trial("three", {"x": ["active"], "y": ["active"], "c": ["sham"]})
    for arm, events in (("x", 20), ("y", 20), ("c", 8)):
        bench.harm("sore", trial="three", arm=arm, events=events, n=450, asked="yes")
    three = lines(bench)["sore"]
    other = Bench()
    other.trial("two", {"x": ["active"], "c": ["sham"]})
    other.harm("sore", trial="two", arm="x", events=40, n=900, asked="yes")
    other.harm("sore", trial="two", arm="c", events=8, n=450, asked="yes")
    two = lines(other)["sore"]
    assert three.excess is not None
    assert two.excess is not None
    assert (three.excess.value, three.excess.low, three.excess.high) == (
        two.excess.value,
        two.excess.low,
        two.excess.high,
    )
    assert three.statement == two.statement


def test_two_control_groups_of_one_trial_both_count(bench):
    bench.trial("three", {"x": ["active"], "c": ["sham"], "d": ["sham"]})
    for arm, events in (("x", 40), ("c", 4), ("d", 4)):
        bench.harm("sore", trial="three", arm=arm, events=events, n=225, asked="yes")
    line = lines(bench)["sore"]
    assert line.without is not None
    assert line.without.value == pytest.approx(1000 * 8 / 450)


def pair(bench, harm, treated, control, n=300, trial="one", **kw):
    for arm, events in (("x", treated), ("c", control)):
        bench.harm(harm, trial=trial, arm=arm, events=events, n=n, asked="yes", **kw)


def test_harms_of_a_retracted_or_excluded_trial_do_not_count(bench):
    for kept, changed in (("use", "excluded"), ("status", "retracted")):
        bench = Bench()
        trial(bench, 300)
        bench.trial("two", {"x": ["active"], "c": ["sham"]}, n_randomized=600, **{kept: changed})
        pair(bench, "sore", 60, 20)
        pair(bench, "leak", 40, 0, trial="two", severity="serious")
        found = lines(bench)
        assert found["leak"].state == 5
        assert "40" not in plain(found["leak"].statement)
        # It is still a harm that somebody named and nobody who counts looked for.
        assert classed(bench) == "not measured"
        assert set(lines(bench)) == {"sore", "leak"}


def test_a_serious_harm_that_trials_exclude_is_not_possible(bench):
    trial(bench, 3000)
    pair(bench, "leak", 3, 3, n=3000, severity="serious")
    assert classed(bench) == "minor"
    bench = Bench()
    trial(bench, 100)
    pair(bench, "leak", 3, 3, n=100, severity="serious")
    assert classed(bench) == "serious possible"


@pytest.mark.parametrize(
    ("severity", "expected"),
    [("mild", "minor"), ("needs-care", "serious possible"), ("unclear", "serious possible")],
)
def test_a_sure_excess_of_what_is_not_known_to_be_mild_counts_as_possibly_serious(
    bench, severity, expected
):
    trial(bench, 300)
    pair(bench, "bleeding", 60, 20, severity=severity)
    assert classed(bench) == expected


def test_a_serious_harm_of_which_trials_do_not_speak_keeps_harms_unmeasured(bench):
    trial(bench, 300)
    pair(bench, "sore", 0, 0)
    assert classed(bench) == "none"
    bench.harm("leak", kind="theory", severity="serious")
    assert classed(bench) == "not measured"


def test_people_of_trials_that_do_not_say_how_many_they_randomised_count(bench):
    trial(bench, 300)
    pair(bench, "sore", 0, 0)
    bench.trial("two", {"x": ["active"], "c": ["sham"]})
    assert classed(bench) == "none"
    bench.mean("two", "x", 30, 10, 900).mean("two", "c", 40, 10, 900)
    assert classed(bench) == "not measured"


def test_a_signed_severity_of_a_harm_can_only_raise_it(bench):
    trial(bench, 300)
    pair(bench, "sore", 60, 20)
    bench.judge("harm", "serious", domain="sore")
    assert lines(bench)["sore"].severity == "serious"
    assert classed(bench) == "serious likely"
    bench = Bench()
    trial(bench, 300)
    pair(bench, "leak", 60, 20, severity="serious")
    bench.judge("harm", "mild", domain="leak")
    assert classed(bench) == "serious likely"


def test_a_signed_judgement_of_all_harms_makes_serious_ones_possible(bench):
    trial(bench, 300)
    pair(bench, "sore", 0, 0)
    bench.judge("harm", "mild")
    assert classed(bench) == "none"
    bench.judge("harm", "serious")
    assert classed(bench) == "serious possible"


def test_only_trials_that_asked_bound_a_harm_that_nobody_had(bench):
    trial(bench, 100)
    bench.trial("two", {"x": ["active"], "c": ["sham"]}, n_randomized=2000)
    bench.harm("clot", trial="one", arm="x", events=0, n=100, asked="yes")
    bench.harm("clot", trial="two", arm="x", events=0, n=1000, asked="no")
    line = lines(bench)["clot"]
    assert line.state == 4
    assert line.bound.value == pytest.approx(1000 * zero_event_bound(100))
    assert "100 people" in plain(line.statement)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("sore", 60, 20, "mild")], "In trials people had sore."),
        ([("sore", 0, 9, "mild")], "those who had it were harmed no more than the others"),
        ([("sore", 0, 0, "mild")], "Trials asked about sore, and nobody had it"),
    ],
)
def test_harms_in_one_sentence_tell_what_the_treated_had(bench, rows, said):
    trial(bench, 300)
    for harm, treated, control, severity in rows:
        if treated == control == 0:
            bench.harm(harm, trial="one", arm="x", events=0, n=300, asked="yes")
        else:
            pair(bench, harm, treated, control, severity=severity)
    review = bench.review()
    found = harm_lines(review, Ledger())
    assert said in harm_sentence(found, harm_class(review, found))
