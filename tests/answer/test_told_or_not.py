"""What was measured and cannot be told, why a size has no name, units, and what is missing."""

from dataclasses import replace
from datetime import date

import pytest
from bench import PAIN, Bench
from fixture_reviews import asked

from equipoise.answer.absolute import as_seen, unit_of
from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.review.records import Outcome, Threshold

ON = date(2026, 11, 22)
CUTS = Threshold(name="main", kind="between-group", small=50, source="a source", main=True)
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
    thresholds=(CUTS,),
)


def counted(*rows, measure="RR"):
    bench = Bench()
    bench.outcomes = [replace(RESPONSE, measure=measure)]
    for i, (e1, n1, e0, n0) in enumerate(rows):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=n1 + n0)
        bench.events(f"t{i}", "x", e1, n1).events(f"t{i}", "c", e0, n0)
    return bench


@pytest.mark.parametrize("measure", ["RR", "OR"])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (((0, 100, 0, 100), (0, 50, 0, 50)), "none of 300 people had it in either group"),
        (((80, 80, 90, 90),), "all 170 people had it, in both groups"),
        (((0, 50, 0, 50), (50, 50, 50, 50)), "200 people were counted, and in each trial"),
    ],
)
def test_an_outcome_without_events_was_tested_and_is_not_known(measure, rows, words):
    answer = assess(counted(*rows, measure=measure).review(), on=ON)
    assert answer.verdict.code == "UNKNOWN"
    assert answer.verdict.certainty is None
    told = (
        answer.outcomes[0].statement_plain,
        answer.certainty_plain,
        answer.key_messages[0],
        answer.alone.sentence,
        answer.verdict.rule,
        answer.would_change[0],
    )
    for sentence in told:
        assert words in plain(sentence)
    everything = plain(" ".join([*told, *answer.questions, answer.verdict.sentence]))
    assert "No trial" not in everything
    assert "could not be used" not in everything
    assert answer.alone.trials.value == len(rows)
    assert all(b.how == "direct" for b in answer.alone.bearings)


def test_a_ratio_without_a_risk_says_that_this_is_the_reason():
    bench = counted(measure="OR")
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=2000)
    numbers = {"ci_low": 2.0, "ci_high": 3.1, "n1": 1000, "n2": 1000}
    bench.contrast("t1", "x", "c", 2.5, outcome="response", measure="OR", **numbers)
    answer = assess(bench.review(), on=ON)
    outcome = answer.outcomes[0]
    assert answer.verdict.code == "UNKNOWN"
    assert "nobody says how often it happens" in answer.verdict.rule
    assert "Nobody says how often it happens" in outcome.statement_plain
    assert "cut points" not in outcome.statement_plain
    assert "OR 2.50 (2.01 to 3.11)" in plain(outcome.statement_clinical)
    assert "how often it happens without the treatment" in answer.certainty_plain
    assert answer.would_change[0].startswith("How often feeling better happens without")


def test_a_size_without_cut_points_says_so(isolating):
    bench = isolating((-14, 20, 400))
    bench.outcomes = [replace(PAIN, thresholds=())]
    answer = assess(bench.review(), on=ON)
    assert "no cut points are registered" in answer.outcomes[0].statement_plain
    assert answer.verdict.rule.endswith("no cut points are registered")


@pytest.mark.parametrize(
    ("measure", "unit", "seen"),
    [("MD", "points", 0.5), ("SMD", "SMD", 0.5), ("RD", "per 1000", 500.0)],
)
def test_units(measure, unit, seen):
    outcome = replace(PAIN, measure=measure)
    assert unit_of(outcome)[0] == unit
    assert as_seen(outcome, 0.5) == seen


def smd(scale=(0, 100)):
    bench = Bench()
    cuts = replace(PAIN.thresholds[0], small=0.2, moderate=0.5, large=0.8)
    bench.outcomes = [replace(PAIN, measure="SMD", scale=scale, thresholds=(cuts,))]
    for i, m in enumerate((40, 38)):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=1800)
        bench.mean(f"t{i}", "x", m, 20, 900).mean(f"t{i}", "c", 50, 20, 900)
    return bench


def test_no_standardised_difference_or_share_is_told_in_points():
    told = assess(smd(scale=None).review(), on=ON)
    units = {id: q.unit for id, q in told.quantities.items() if "pain" in id}
    assert "points" not in set(units.values())
    assert "standard deviations" in told.alone.rests
    risk = assess(counted((60, 100, 40, 100), (50, 100, 40, 100), measure="RD").review(), on=ON)
    for id, q in risk.quantities.items():
        assert q.unit != "points", id
    assert risk.quantities["alone.response.effect"].value == pytest.approx(150, rel=0.01)
    assert risk.quantities["response.if.model"].value == pytest.approx(150, rel=0.01)
    line = next(c for c in risk.components if c.id == "solution")
    assert line.effect is not None
    assert line.effect.value == pytest.approx(150, rel=0.01)


def test_the_range_without_one_trial_is_in_the_unit_of_the_result():
    answer = assess(smd().review(), on=ON)
    footing = answer.alone.estimates[0].footing
    assert footing is not None
    assert footing.span is not None
    assert (footing.span.low, footing.span.high) == (
        pytest.approx(-12, abs=0.02),
        pytest.approx(-10, abs=0.02),
    )


def test_trials_that_ask_are_wanted_only_where_too_few_were_asked(isolating):
    bare = assess(isolating((-14, 20, 400)).review(), on=ON)
    assert any("ask everybody about harms" in line for line in bare.would_change)


def test_trials_that_asked_enough_are_not_asked_for_again(isolating):
    bench = asked(isolating((-14, 20, 900), (-15, 20, 900)))
    told = assess(bench.review(), on=ON)
    assert not any("ask everybody about harms" in line for line in told.would_change)
    bench.harm("collapse", kind="survey", events=3, severity="serious", source="a survey")
    told = assess(bench.review(), on=ON)
    assert any("count collapse out of" in line for line in told.would_change)


def test_people_without_events_are_counted_by_setting():
    bench = counted((0, 40, 0, 40))
    bench.trial("t9", {"x": ["active", "exercise"], "c": ["sham", "exercise"]}, n_randomized=20)
    bench.events("t9", "x", 0, 10).events("t9", "c", 0, 10)
    answer = assess(bench.review(), on=ON)
    assert "none of 80 people" in plain(answer.alone.sentence)
    assert "none of 20 people" in plain(answer.added.sentence)
    assert answer.quantities["alone.silent"].value == 80
    assert "⟦alone.silent|80⟧" in answer.alone.sentence


def test_the_best_case_of_a_standardised_difference_is_in_standard_deviations():
    bench = smd(scale=None)
    cuts = replace(bench.outcomes[0].thresholds[0], small=0.9, moderate=1.2, large=2.0)
    bench.outcomes = [replace(bench.outcomes[0], thresholds=(cuts,))]
    bench.judge("burden", "low")
    answer = assess(asked(bench).review(), on=ON)
    assert answer.verdict.code == "NOTWORTH"
    assert "standard deviations lower" in answer.verdict.caution
