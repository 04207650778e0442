"""GRADE profiles: what lowers certainty, and that nothing raises it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.certainty.grade import (
    LEVELS,
    Cap,
    Raise,
    Reason,
    ReportingSigns,
    imprecision,
    inconsistency,
    indirectness,
    information_size_binary,
    information_size_continuous,
    large_effect,
    needs_person,
    profile,
    publication_bias,
    rises,
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
    assert inconsistency(90, [12, 8, 30], [1, 1, 1], 5).suggested == 0
    assert inconsistency(60, [12, 1], [1, 1], 5).suggested == -1
    assert inconsistency(40, [12, 1], [1, 1], 5).suggested == 0
    assert inconsistency(80, [12, -9], [1, 1], 5).suggested == -2
    assert inconsistency(80, [12], [1], 5).suggested == 0


def test_a_small_trial_among_many_makes_no_side_of_its_own():
    assert inconsistency(80, [12, 9, 1], [50, 45, 5], 5).suggested == 0
    assert inconsistency(80, [12, 9, 1], [50, 40, 10], 5).suggested == -1
    assert inconsistency(80, [12, 9, -9], [50, 45, 5], 5).suggested == 0
    assert inconsistency(80, [12, 1, -9], [50, 45, 5], 5).suggested == -1
    assert inconsistency(80, [12, 1, -9], [50, 40, 10], 5).suggested == -2
    # Only the proportions of the weights count.
    assert inconsistency(80, [12, 1, -9], [5e9, 4e9, 1e9], 5).suggested == -2


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


@pytest.mark.parametrize(
    ("measure", "ends", "taken"),
    [
        ("OR", (0.2, 0.49), -1),
        ("OR", (0.2, 0.51), -2),
        ("RR", (0.2, 0.59), -1),
        ("RR", (0.2, 0.61), -2),
        ("MD", (0.2, 0.61), -1),
    ],
)
def test_a_wide_ratio_is_too_little_information_as_in_guidance_34(measure, ends, taken):
    found = imprecision(60, 120, 50.0, 400, 500, measure=measure, ratio=ends)
    assert found.suggested == taken
    enough = imprecision(60, 120, 50.0, 500, 500, measure=measure, ratio=ends)
    assert enough.suggested == 0


def test_a_large_effect_either_way_takes_three_levels():
    assert imprecision(-20, 20, 5.0, 900, 500).suggested == -3
    assert imprecision(-19, 20, 5.0, 900, 500).suggested == -2
    assert imprecision(-11, 20, 5.0, 900, 500, large=10).suggested == -3
    assert profile("pain", [imprecision(-20, 20, 5.0, 900, 500)]).level == "very low"


ENDS = st.floats(-60, 60)


@given(ENDS, st.floats(0, 60), st.floats(0, 30), st.floats(0, 30), st.integers(1, 900))
def test_a_wider_interval_is_never_surer(low, width, left, right, people):
    narrow = imprecision(low, low + width, 5.0, people, 500).suggested
    wide = imprecision(low - left, low + width + right, 5.0, people, 500).suggested
    fewer = imprecision(low, low + width, 5.0, people // 2, 500).suggested
    assert wide <= narrow
    assert fewer <= narrow


@given(ENDS, st.floats(0, 60), st.integers(1, 900), st.integers(-9, 9))
def test_the_unit_does_not_matter(low, width, people, power):
    u = 2.0**power
    one = imprecision(low, low + width, 5.0, people, 500)
    other = imprecision(low * u, (low + width) * u, 5.0 * u, people, 500)
    assert one.suggested == other.suggested


RISKS = st.sampled_from(["low", "some concerns", "high", "not judged"])


@given(st.lists(st.tuples(RISKS, st.integers(1, 10)), min_size=1, max_size=8), st.data())
def test_a_trial_judged_worse_never_raises_and_the_order_does_not_matter(trials, data):
    risks, weights = [r for r, _ in trials], [w for _, w in trials]
    before = risk_of_bias(risks, weights).suggested
    i = data.draw(st.integers(0, len(trials) - 1))
    assert risk_of_bias([*risks[:i], "high", *risks[i + 1 :]], weights).suggested <= before
    more = risk_of_bias([*risks, "high"], [*weights, 1.0]).suggested
    assert more <= before
    assert risk_of_bias(risks, [4 * w for w in weights]).suggested == before
    if sum(weights) == sum(weights[::-1]):
        assert risk_of_bias(risks[::-1], weights[::-1]).suggested == before


def test_publication_bias_needs_a_person_without_signs_or_tests():
    reason = publication_bias(ReportingSigns(4))
    assert reason.suggested is None
    assert reason.rule == "fewer than ten trials: no test can tell"
    assert "no test of small-study" in publication_bias(ReportingSigns(12)).rule


@pytest.mark.parametrize(
    ("signs", "taken"),
    [
        (ReportingSigns(12, "Egger’s test", 0.03, True), -1),
        (ReportingSigns(12, "Egger’s test", 0.03, False), 0),
        (ReportingSigns(12, "Egger’s test", 0.3, True), 0),
        (ReportingSigns(4, for_result=0.1, at_all=0.1), -1),
        (ReportingSigns(4, for_result=0.05, at_all=0.2), None),
        (ReportingSigns(4, for_result=0.0, at_all=0.25), -1),
        (ReportingSigns(4, paid=True), -1),
        (ReportingSigns(12, "Egger’s test", 0.3, True, for_result=0.2, at_all=0.2), -1),
        (ReportingSigns(12, "Egger’s test", 0.01, True, 0.5, 0.5, True), -1),
    ],
)
def test_signs_of_missing_results(signs, taken):
    reason = publication_bias(signs)
    assert reason.suggested == taken
    assert bool(reason.plain) == (taken == -1)


@given(st.integers(10, 40), st.floats(0, 1), st.booleans(), st.floats(0, 1), st.floats(0, 1))
def test_more_missing_results_never_raise(k, p, towards, share, more):
    first, second = sorted((share, more))
    less = publication_bias(ReportingSigns(k, "a test", p, towards, 0.0, first)).suggested
    lost = publication_bias(ReportingSigns(k, "a test", p, towards, first, second)).suggested
    assert lost <= less


def test_results_that_do_not_isolate_the_treatment_are_indirect_from_half_the_weight_on():
    assert indirectness(0.5, "Adams 2010").suggested == -1
    assert indirectness(0.49, "Adams 2010").suggested is None
    assert indirectness(0.0, "no trial") == needs_person(
        "indirectness", "whether these trials answer this question is for a person"
    )


@pytest.mark.parametrize(
    ("ends", "up"),
    [
        ((2.1, 1.5, 3.0), 1),
        ((2.1, 0.9, 4.0), 0),
        ((5.1, 2.0, 9.0), 2),
        ((0.45, 0.3, 0.8), 1),
        ((0.15, 0.1, 0.3), 2),
        ((1.5, 1.2, 1.9), 0),
    ],
)
def test_a_large_effect_in_studies_without_random_allocation(ends, up):
    rise = large_effect("RR", ends)
    assert rise.suggested == up
    assert profile("x", [], start="low", raises=rises(rise)).level == LEVELS[1 + up]
    assert profile("x", [], start="high", raises=rises(rise)).level == "high"
    doubted = [Reason("imprecision", -1, "")]
    assert profile("x", doubted, start="low", raises=rises(rise)).level == "very low"
    assert profile("x", [], [Cap("low", "", "")], start="low", raises=rises(rise)).level == "low"


def test_odds_ratios_are_turned_into_risk_ratios_before_they_are_called_large():
    # An odds ratio of 3 at a risk of 0.5 is a risk ratio of 1.5.
    assert large_effect("OR", (3.0, 2.0, 4.0), 0.5).suggested == 0
    assert large_effect("OR", (3.0, 2.0, 4.0), 0.01).suggested == 1
    assert large_effect("OR", (3.0, 2.0, 4.0)).suggested is None
    assert large_effect("MD", None).suggested is None


def test_nobody_raises_by_hand():
    assert [r.suggested for r in rises(Raise("large effect", 0, ""))] == [0, None, None]
    assert not hasattr(Raise("large effect", 0, ""), "human")
    assert profile("x", [], start="low", raises=rises(large_effect("MD", None))).level == "low"


def test_a_domain_is_told_to_clinicians_and_in_plain_words():
    reason = Reason("imprecision", -1, "the rule", "few people", human=-2, by="R. K.", on="2026")
    assert reason.clinical == ("Imprecision, serious: the rule. R. K. (2026), very serious: ")
    assert reason.lay == "few people"
    assert Reason("imprecision", 0, "the rule", "few people").lay == ""
    assert needs_person("indirectness", "why").clinical == "Indirectness, needs a person: why."
