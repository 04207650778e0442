"""Other defensible choices: which are run, which cannot be, and what they say of the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from bench import Bench

from equipoise.answer.answer import Answer, Sensitivity
from equipoise.answer.assess import assess
from equipoise.answer.conclude import burden_of
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
    assert any(f.startswith(found.what) for f in answer.verdict.flips)
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
