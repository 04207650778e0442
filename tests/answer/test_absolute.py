"""Effects in the reader's units, and the way back from them."""

import math

import pytest
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
from equipoise.answer.ledger import Ledger
from equipoise.answer.synthesis import evidence, fit_pairs
from equipoise.core.provenance import plain
from equipoise.review.collect import collect
from equipoise.review.records import Outcome, Threshold

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


def test_time_in_months(isolating):
    bench = isolating((-8, 20, 50), (-6, 20, 40))
    assert time_words(pairs_of(bench, "pain"), bench.outcomes[0]) == "6 months"


def test_without_a_control_risk_there_is_no_absolute_effect():
    assert not Scale(RESPONSE).known
