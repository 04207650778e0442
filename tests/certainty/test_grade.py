"""GRADE profiles: what lowers certainty, and that nothing raises it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.certainty.grade import (
    LEVELS,
    Cap,
    Reason,
    imprecision,
    inconsistency,
    information_size_binary,
    information_size_continuous,
    needs_person,
    profile,
    risk_of_bias,
)


def test_a_profile_counts_down_from_high_and_stops_at_very_low():
    reasons = [Reason("risk of bias", -1, ""), Reason("imprecision", -1, "")]
    assert profile("pain", reasons).level == "low"
    assert profile("pain", [*reasons, Reason("inconsistency", -2, "")]).level == "very low"
    assert profile("pain", []).level == "high"


def test_a_person_may_lower_a_suggestion_and_can_never_raise_it():
    assert Reason("imprecision", 0, "", human=-1).final == -1
    assert Reason("imprecision", -1, "", human=0).final == -1
    assert Reason("imprecision", None, "", human=None).final == 0
    assert Reason("imprecision", None, "", human=-2).final == -2


def test_caps_lower_and_never_raise():
    assert profile("pain", [], [Cap("low", "", "")]).level == "low"
    low = [Reason("imprecision", -2, ""), Reason("risk of bias", -1, "")]
    assert profile("pain", low, [Cap("low", "", "")]).level == "very low"


@given(
    st.lists(st.sampled_from([0, -1, -2]), max_size=5),
    st.lists(st.sampled_from(LEVELS), max_size=3),
)
def test_more_doubt_is_never_more_certainty(taken, caps):
    reasons = [Reason("imprecision", t, "") for t in taken]
    level = profile("pain", reasons, [Cap(c, "", "") for c in caps]).level
    more = profile("pain", [*reasons, Reason("inconsistency", -1, "")], []).level
    assert LEVELS.index(profile("pain", reasons).level) >= LEVELS.index(level)
    assert LEVELS.index(profile("pain", reasons).level) >= LEVELS.index(more)


@pytest.mark.parametrize(
    ("low", "high", "taken"),
    [(6, 12, 0), (-2, 12, -1), (-4, 4, 0), (-8, 4, -1), (-8, 12, -2), (-12, -6, 0), (5, 9, 0)],
)
def test_imprecision_counts_the_lines_that_the_interval_crosses(low, high, taken):
    assert imprecision(low, high, 5.0, 10_000, 500).suggested == taken


def test_too_few_people_take_one_level_even_where_no_line_is_crossed():
    assert imprecision(6, 12, 5.0, 100, 500).suggested == -1
    assert imprecision(-8, 12, 5.0, 100, 500).suggested == -2


def test_without_a_threshold_the_line_is_no_effect():
    assert imprecision(-1, 3, None, 1000, None).suggested == -1
    assert imprecision(1, 3, None, 1000, None).suggested == 0


def test_information_size_for_means_as_in_a_textbook_sample_size():
    # Two groups, half a standard deviation, 80 % power at 5 %: 63 a group by the normal formula.
    assert information_size_continuous(1.0, 0.5) == pytest.approx(4 * 7.8489 / 0.25, rel=1e-4)


def test_information_size_for_risks_is_the_same_for_a_rise_and_the_mirrored_fall():
    assert information_size_binary(0.3, 0.1) == pytest.approx(information_size_binary(0.4, -0.1))
    assert information_size_binary(0.3, 0.1) == pytest.approx(
        information_size_binary(0.7, -0.1), rel=1e-12
    )


def test_inconsistency_needs_spread_on_both_sides_of_what_matters():
    assert inconsistency(90, [12, 8, 30], 5).suggested == 0
    assert inconsistency(60, [12, 1], 5).suggested == -1
    assert inconsistency(40, [12, 1], 5).suggested == 0
    assert inconsistency(80, [12, -9], 5).suggested == -2
    assert inconsistency(80, [12], 5).suggested == 0


def test_risk_of_bias_goes_by_weight():
    assert risk_of_bias(["low", "high"], [90, 10]).suggested == 0
    assert risk_of_bias(["low", "high"], [40, 60]).suggested == -2
    assert risk_of_bias(["low", "some concerns"], [40, 60]).suggested == -1
    assert risk_of_bias(["not judged"], [1]).suggested == -1


def test_people_who_know_their_treatment_and_rate_themselves_take_a_level():
    reason = risk_of_bias(["low"], [1], subjective_unblinded=1.0)
    assert reason.suggested == -1
    assert "knew" in reason.plain


def test_domains_without_a_rule_ask_for_a_person():
    assert needs_person("indirectness", "for a person").suggested is None
