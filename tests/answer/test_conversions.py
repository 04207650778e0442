"""Points and ratios become people by published formulas, with their uncertainty."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.answer.conversions import (
    Uncertain,
    combined,
    furukawa,
    hasselblad_hedges,
    number_needed,
    odds_ratio_of_smd,
    threshold_shares,
)


@pytest.mark.parametrize(
    ("smd", "without", "ratio", "hh", "extra_hh", "fu", "extra_fu"),
    [
        (0.2, 0.20, 1.437, 0.2643, 64, 0.2606, 61),
        (0.2, 0.50, 1.437, 0.5897, 90, 0.5793, 79),
        (0.5, 0.30, 2.477, 0.5149, 215, 0.4903, 190),
        (0.8, 0.50, 4.268, 0.8102, 310, 0.7881, 288),
    ],
)
def test_the_golden_conversions(smd, without, ratio, hh, extra_hh, fu, extra_fu):
    assert odds_ratio_of_smd(smd) == pytest.approx(ratio, abs=6e-4)
    assert hasselblad_hedges(smd, without) == pytest.approx(hh, abs=5e-5)
    assert furukawa(smd, without) == pytest.approx(fu, abs=5e-5)
    assert round(1000 * (hasselblad_hedges(smd, without) - without)) == extra_hh
    assert round(1000 * (furukawa(smd, without) - without)) == extra_fu


def test_a_difference_below_the_threshold_still_makes_responders():
    without, with_ = threshold_shares(3.4, change=10, sd=22, cut=15)
    assert (round(without, 3), round(with_, 3)) == (0.410, 0.471)
    assert round(1000 * (with_ - without)) == 61


SHARES = st.floats(0.01, 0.99)
SIZES = st.floats(-3, 3)


@given(SIZES, SHARES)
def test_no_difference_changes_nobody_and_sides_can_be_exchanged(smd, without):
    for way in (hasselblad_hedges, furukawa):
        assert way(0.0, without) == pytest.approx(without, rel=1e-9)
        assert way(-smd, 1 - without) == pytest.approx(1 - way(smd, without), abs=1e-9)
        assert way(-smd, way(smd, without)) == pytest.approx(without, abs=1e-6)


@given(SHARES, st.floats(-2, 0), st.floats(0.1, 1), st.floats(0.1, 1))
def test_one_certain_number_leaves_the_other_interval_as_it_is(risk, log_ratio, down, up):
    ratio = Uncertain(log_ratio, log_ratio - down, log_ratio + up)
    sure = Uncertain(risk, risk, risk)
    low, high = combined(lambda p, y: p * math.exp(y) - p, sure, ratio)
    assert low == pytest.approx(risk * (math.exp(ratio.low) - 1), rel=1e-9)
    assert high == pytest.approx(risk * (math.exp(ratio.high) - 1), rel=1e-9, abs=1e-12)


@given(SIZES, SIZES, st.floats(0.01, 5), st.floats(0.01, 5))
def test_a_sum_has_the_root_of_the_sum_of_squares(a, b, half_a, half_b):
    low, high = combined(
        lambda x, y: x + y,
        Uncertain(a, a - half_a, a + half_a),
        Uncertain(b, b - half_b, b + half_b),
    )
    assert high == pytest.approx(a + b + math.hypot(half_a, half_b), rel=1e-9, abs=1e-9)
    assert low == pytest.approx(a + b - math.hypot(half_a, half_b), rel=1e-9, abs=1e-9)


def test_the_interval_of_a_number_needed_runs_through_infinity_where_it_must():
    sure = number_needed(50, 20, 80)
    assert (sure.value, sure.low, sure.high, sure.through_infinity) == (20, 12.5, 50, False)
    unsure = number_needed(50, -25, 125)
    assert (unsure.low, unsure.low_helps) == (8, True)
    assert (unsure.high, unsure.high_helps) == (40, False)
    assert unsure.through_infinity
    assert math.isinf(number_needed(0, -10, 10).value)
