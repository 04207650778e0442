"""Effects in the reader's units, and the way back from them."""

import math
from dataclasses import replace
from datetime import date

import pytest
from bench import PAIN, Bench
from fixture_reviews import FIXTURES
from hypothesis import given
from hypothesis import strategies as st

from equipoise.answer.absolute import (
    Scale,
    absolute,
    difference_words,
    pooled_sd,
    risk_with,
    scale_of,
    time_words,
)
from equipoise.answer.answer import OutcomeAnswer
from equipoise.answer.assess import assess
from equipoise.answer.ledger import Ledger
from equipoise.answer.synthesis import evidence, fit_pairs
from equipoise.core.provenance import plain
from equipoise.review.collect import collect
from equipoise.review.records import Baseline, Outcome, Threshold

RESPONSE = Outcome(
    id="response",
    label="Response",
    plain="the chance of getting better",
    type="binary",
    measure="RR",
    better="higher",
    importance="critical",
    weeks=(13, 60, 26),
    thresholds=(
        Threshold(
            name="per 1000", kind="between-group", small=100, source="a convention", main=True
        ),
    ),
)


def pairs_of(bench, outcome):
    review = bench.review()
    return evidence(review, collect(review, outcome)).pairs


@pytest.fixture
def binary(bench):
    bench.outcomes = [bench.outcomes[0], RESPONSE]
    for name, x, c in (("t1", 30, 20), ("t2", 45, 30)):
        bench.trial(name, {"x": ["active"], "c": ["sham"]})
        bench.events(name, "x", x, 100).events(name, "c", c, 100)
    return bench


def test_risk_ratio_odds_ratio_and_difference_agree_where_they_must():
    assert risk_with("RR", 0.2, math.log(1.5)) == pytest.approx(0.3)
    odds = 0.2 / 0.8 * 2
    assert risk_with("OR", 0.2, math.log(2)) == pytest.approx(odds / (1 + odds))
    assert risk_with("RD", 0.2, 0.1) == pytest.approx(0.3)


@given(st.floats(0.0, 1.0), st.floats(-800, 800), st.sampled_from(["RR", "OR", "RD"]))
def test_a_risk_is_always_between_none_and_all(risk, effect, measure):
    assert 0.0 <= risk_with(measure, risk, effect) <= 1.0


@given(st.floats(0.01, 0.99), st.sampled_from(["RR", "OR", "RD"]))
def test_no_effect_leaves_the_risk_as_it_was(risk, measure):
    assert risk_with(measure, risk, 0.0) == pytest.approx(risk)


def test_the_control_risk_is_events_over_people_of_the_control_groups(binary):
    scale = scale_of(RESPONSE, pairs_of(binary, "response"))
    assert scale.risk == pytest.approx(50 / 200)
    assert scale.difference(math.log(1.5)) == pytest.approx(125)
    assert scale.benefit(math.log(1.5)) == pytest.approx(125)


def test_absolute_numbers_add_up_and_lead_back(binary):
    chosen = pairs_of(binary, "response")
    review = binary.review()
    fit = fit_pairs(RESPONSE, chosen, review.plan)
    ledger = Ledger()
    effect = ledger.add("e", math.exp(fit.estimate), "RR", "ratio", "pooled", cells=chosen[0].cells)
    told = absolute(
        scale_of(RESPONSE, chosen),
        chosen,
        ledger,
        "response",
        effect,
        (fit.estimate, fit.ci.low, fit.ci.high),
        population="adults",
    )
    assert told.without.value + told.difference.value == pytest.approx(told.with_.value)
    assert told.difference.low <= told.difference.value <= told.difference.high
    assert set(told.difference.inputs) == {"response.without", "e"}
    words = plain(difference_words(RESPONSE, told.difference))
    # By hand: variances 19/300 and 8/225, so log 1.5 ± 1.96 × 0.1509, at a control risk of 0.25.
    assert words == "125 more of every 1000 people (it could be anything from 29 more to 254 more)"


def test_points_are_told_with_their_direction(isolating):
    bench = isolating((-8, 20, 50), (-6, 20, 40))
    outcome = bench.outcomes[0]
    ledger = Ledger()
    q = ledger.add("d", -7.0, "points", "difference", "", low=-12.0, high=1.0)
    words = plain(difference_words(outcome, q))
    assert words == (
        "7.0 points lower on a scale of 0 to 100 (it could be anything from 12.0 lower to 1.0 "
        "higher)"
    )


def test_the_sd_behind_mean_differences(isolating):
    bench = isolating((-8, 20, 50), (-6, 20, 40))
    chosen = pairs_of(bench, "pain")
    variances = [20**2 * (1 / 50 + 1 / 50), 20**2 * (1 / 40 + 1 / 40)]
    assert pooled_sd(chosen, variances) == pytest.approx(20)


@pytest.mark.parametrize(
    ("weeks", "words"),
    [
        ((4.3,), "1 month"),
        ((26,), "6 months"),
        ((26, 52), "6 to 12 months"),
        ((104,), "2 years"),
        ((520,), "10 years"),
        ((104, 520), "2 to 10 years"),
        ((26, 104), "6 to 24 months"),
        ((130,), "30 months"),
    ],
)
def test_times_of_whole_years_are_told_in_years(weeks, words):
    pain = Bench().outcomes[0]
    made = Bench()
    for i, week in enumerate(weeks):
        made.trial(f"t{i}", {"x": ["active"], "c": ["sham"]})
        made.mean(f"t{i}", "x", 30, 10, 50, weeks=week).mean(f"t{i}", "c", 40, 10, 50, weeks=week)
    made.outcomes = [replace(pain, weeks=(1, 600, weeks[0]))]
    assert time_words(pairs_of(made, "pain"), made.outcomes[0]) == words


def test_time_in_months(isolating):
    bench = isolating((-8, 20, 50), (-6, 20, 40))
    assert time_words(pairs_of(bench, "pain"), bench.outcomes[0]) == "6 months"


def test_without_a_control_risk_there_is_no_absolute_effect():
    assert not Scale(RESPONSE).known


def standardised(scale: tuple[float, float] | None) -> OutcomeAnswer:
    bench = Bench()
    cuts = replace(PAIN.thresholds[0], small=0.2, moderate=0.5, large=0.8)
    bench.outcomes = [replace(PAIN, measure="SMD", scale=scale, thresholds=(cuts,))]
    for name in ("t1", "t2"):
        bench.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=1800)
        bench.mean(name, "x", 40, 20, 900).mean(name, "c", 50, 20, 900)
    return assess(bench.review(), on=date(2026, 11, 22)).outcome("pain")


def test_standardised_differences_are_told_on_the_scale_or_in_standard_deviations():
    found = standardised((0, 100))
    assert found.absolute.difference.unit == "points"
    assert found.absolute.difference.value == pytest.approx(20 * found.effect.value, rel=1e-12)
    assert found.absolute.difference.low == pytest.approx(20 * found.effect.low, rel=1e-12)
    assert "standard deviation of the control groups" in found.absolute.difference.formula
    assert "10.0 points lower" in plain(found.statement_plain)
    bare = standardised(None)
    assert bare.absolute.difference.unit == "SMD"
    assert bare.absolute.without is None
    assert bare.absolute.with_ is None
    assert "0.50 standard deviations lower" in plain(bare.statement_plain)


def test_a_baseline_in_points_carries_its_own_interval():
    bench = Bench()
    known = Baseline(name="bad pain", value=70, low=60, high=80, source="s", main=True)
    bench.outcomes = [replace(PAIN, baselines=(known,))]
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=1800)
    bench.mean("t1", "x", 40, 20, 900).mean("t1", "c", 50, 20, 900)
    told = assess(bench.review(), on=date(2026, 11, 22)).outcome("pain").absolute
    half = math.hypot(10, told.difference.high - told.difference.value)
    assert told.with_.high - told.with_.value == pytest.approx(half, rel=1e-6)


def test_a_difference_of_shares_is_told_in_people_and_a_baseline_by_its_source():
    answer = assess(FIXTURES["shares"](), on=date(2026, 11, 22))
    effect = answer.outcome("response").effect
    assert (effect.unit, round(effect.value)) == ("per 1000", 300)
    course = assess(FIXTURES["odds"](), on=date(2026, 11, 22)).course[0]
    assert "adults at high risk" in course
    assert "a registry" in course
