"""CINeMA's domains: rules on their inputs, star networks, components, and bad input."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.certainty.cinema import CONCERNS, DOMAINS, cinema
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.components import components
from equipoise.models.network.fit import network

LEVELS = ("low", "some concerns", "high")


def net_of(rows, **kw):
    """A network of mean differences; rows: study, treat1, treat2, estimate, se."""
    study, one, two, y, se = zip(*rows, strict=True)
    es = contrasts(yi=list(y), sei=list(se), study=study, treat1=one, treat2=two, measure="MD")
    return network(es, reference="c", **kw)


LOOP = [
    ("s1", "a", "c", -5.0, 1.0),
    ("s2", "a", "c", -6.0, 1.0),
    ("s3", "b", "c", -4.0, 1.0),
    ("s4", "a", "b", -1.5, 1.0),
    ("s5", "a", "b", -1.0, 1.0),
]
STAR = [("s1", "a", "c", -5.0, 1.0), ("s2", "a", "c", -6.0, 1.0), ("s3", "b", "c", -4.0, 1.0)]


def low(rows):
    return {r[0]: "low" for r in rows}


def test_a_star_network_has_every_estimate_judged():
    found = cinema(net_of(STAR), important=2, risk_of_bias=low(STAR), indirectness=low(STAR))
    assert len(found) == 3
    assert found.of("a", "c").evidence == "direct"
    assert found.of("c", "a").domain("incoherence").concern == "no concerns"
    indirect = found.of("a", "b")
    assert indirect.evidence == "indirect"
    assert indirect.domain("incoherence").concern == "needs a person"
    for row in found.rows:
        assert tuple(d.name for d in row.domains) == DOMAINS
        assert all(d.rule for d in row.domains)


def test_bias_follows_the_contributions():
    net = net_of(STAR)
    levels = {"s1": "high", "s2": "low", "s3": "high"}
    shares = net.trial_contributions().of("a", "c")
    by_rule = {
        rule: cinema(net, important=2, risk_of_bias=levels, rule=rule).of("a", "c")
        for rule in ("average", "majority", "highest")
    }
    assert shares == pytest.approx({"s1": 0.5, "s2": 0.5})
    assert by_rule["average"].domain("within-study bias").concern == "some concerns"
    assert by_rule["majority"].domain("within-study bias").concern == "major concerns"
    assert by_rule["highest"].domain("within-study bias").concern == "major concerns"
    assert "50% from trials at low" in by_rule["average"].domain("within-study bias").rule
    only_low = cinema(net, important=2, risk_of_bias={**levels, "s1": "low"}, rule="highest")
    assert only_low.of("a", "c").domain("within-study bias").concern == "no concerns"


@pytest.mark.parametrize(
    ("estimate", "se", "concern"),
    [
        (-6.0, 1.0, "no concerns"),  # -8.0 to -4.0 lies beyond -2
        (0.0, 0.5, "no concerns"),  # within the range of unimportant effects
        (-2.5, 1.0, "some concerns"),  # crosses -2
        (0.0, 3.0, "major concerns"),  # crosses both
    ],
)
def test_imprecision_counts_the_limits_that_the_interval_crosses(estimate, se, concern):
    rows = [("s1", "a", "c", estimate, se)]
    found = cinema(net_of(rows, model="common"), important=2, risk_of_bias=low(rows))
    assert found.of("a", "c").domain("imprecision").concern == concern


def test_heterogeneity_compares_the_two_intervals():
    rows = [(f"s{i}", "a", "c", y, 0.5) for i, y in enumerate((-9.0, -3.0, -8.0, -4.0, -6.5, -5.5))]
    net = net_of(rows)
    row = cinema(net, important=2, risk_of_bias=low(rows)).of("a", "c")
    assert row.pi is not None
    assert row.ci.high < -2 < row.pi.high
    assert row.domain("heterogeneity").concern == "some concerns"
    common = cinema(net_of(rows, model="common"), important=2, risk_of_bias=low(rows))
    assert common.of("a", "c").domain("heterogeneity").concern == "needs a person"


def test_incoherence_of_mixed_evidence():
    agree = cinema(net_of(LOOP), important=2, risk_of_bias=low(LOOP))
    assert agree.of("a", "c").evidence == "mixed"
    assert agree.of("a", "c").domain("incoherence").concern == "no concerns"
    clash = [*LOOP[:3], ("s4", "a", "b", 9.0, 1.0), ("s5", "a", "b", 9.5, 1.0)]
    found = cinema(net_of(clash, model="common"), important=2, risk_of_bias=low(clash))
    assert found.of("a", "b").domain("incoherence").concern == "major concerns"


def test_levels_are_counted_down_and_the_overlap_once():
    rows = [("s1", "a", "c", 0.0, 3.0)]
    net = net_of(rows, model="common")
    imprecise = cinema(net, important=2, risk_of_bias={"s1": "low"}).of("a", "c")
    assert imprecise.level == "low"
    biased = cinema(net, important=2, risk_of_bias={"s1": "high"}, reporting_bias="suspected").of(
        "a", "c"
    )
    assert biased.level == "very low"
    assert "within-study bias 2" in biased.why
    assert "not judged: indirectness, heterogeneity" in biased.why


def test_ratios_are_symmetrical_on_the_log_scale():
    es = contrasts(
        yi=[math.log(0.5), math.log(0.6)],
        sei=[0.2, 0.2],
        study=["s1", "s2"],
        treat1=["a", "a"],
        treat2=["c", "c"],
        measure="OR",
    )
    net = network(es, reference="c")
    one, two = (
        cinema(net, important=v, risk_of_bias={"s1": "low", "s2": "low"}) for v in (1.25, 0.8)
    )
    assert one.important == pytest.approx(two.important) == pytest.approx(math.log(1.25))
    assert "OR" in repr(net) or one.table().to_text()


def test_components_and_combinations_are_judged_too():
    rows = [
        ("s1", "a", "c", -5.0, 1.0),
        ("s2", "b", "c", -4.0, 1.0),
        ("s3", "a+b", "c", -8.0, 1.0),
        ("s4", "a+b", "a", -3.0, 1.0),
    ]
    study, one, two, y, se = zip(*rows, strict=True)
    es = contrasts(yi=list(y), sei=list(se), study=study, treat1=one, treat2=two, measure="MD")
    fit = components(es, inactive="c")
    found = cinema(fit, important=2, risk_of_bias={**low(rows), "s1": "high"})
    assert [r.what for r in found.rows] == [("a",), ("b",), ("a+b",)]
    assert found.of("a").domain("incoherence").rule.startswith("what does not add up")
    assert found.of("b").domain("within-study bias").concern in CONCERNS


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(LEVELS), min_size=5, max_size=5),
    st.lists(st.floats(-3, 3), min_size=5, max_size=5),
)
def test_worse_trials_never_raise_confidence(levels, shifts):
    rows = [(s, a, b, y + d, e) for (s, a, b, y, e), d in zip(LOOP, shifts, strict=True)]
    net = net_of(rows, model="common")
    order = ("very low", "low", "moderate", "high")
    given_ = dict(zip([r[0] for r in rows], levels, strict=True))
    worse = {k: LEVELS[min(2, LEVELS.index(v) + 1)] for k, v in given_.items()}
    before, after = (cinema(net, important=2, risk_of_bias=x) for x in (given_, worse))
    for a, b in zip(before.rows, after.rows, strict=True):
        assert order.index(b.level) <= order.index(a.level)


@pytest.mark.parametrize(
    ("kw", "words"),
    [
        ({"risk_of_bias": {"s1": "low"}}, "no risk of bias for s2, s3"),
        ({"risk_of_bias": {"s1": "bad", "s2": "low", "s3": "low"}}, "study s1"),
        ({"important": 0.0}, "important effect"),
        ({"important": math.nan}, "important effect"),
    ],
)
def test_bad_input_is_named(kw, words):
    good = {"important": 2.0, "risk_of_bias": low(STAR)}
    with pytest.raises(InputError, match=words):
        cinema(net_of(STAR), **{**good, **kw})


def test_unknown_names_are_offered_the_nearest():
    net = net_of(STAR)
    with pytest.raises(UnknownNameError, match="average"):
        cinema(net, important=2, risk_of_bias=low(STAR), rule="avrage")
    with pytest.raises(UnknownNameError):
        cinema(net, important=2, risk_of_bias=low(STAR), reporting_bias="maybe")
    with pytest.raises(UnknownNameError):
        cinema(net, important=2, risk_of_bias=low(STAR)).of("a", "z")


def test_tables_hold_every_rule():
    found = cinema(net_of(LOOP), important=2, risk_of_bias=low(LOOP))
    assert len(found.reasons().rows) == 6 * len(found)
    assert "Confidence in each estimate" in found.summary()
    assert np.all([a.what != b.what for a, b in pairwise(found.rows)])


def test_a_huge_effect_of_one_small_trial_is_not_precise():
    def judged(se):
        es = contrasts(
            yi=[math.log(18)],
            sei=[se],
            study=["s1"],
            treat1=["a"],
            treat2=["c"],
            measure="OR",
        )
        net = network(es, reference="c", model="common")
        return cinema(net, important=1.25, risk_of_bias={"s1": "low"}).of("a", "c")

    assert judged(0.93).domain("imprecision").concern == "some concerns"
    assert "GRADE guidance 34" in judged(0.93).domain("imprecision").rule
    assert judged(0.2).domain("imprecision").concern == "no concerns"


def test_names_of_components_to_judge():
    rows = [("s1", "a", "c", -5.0, 1.0), ("s2", "b", "c", -4.0, 1.0), ("s3", "b", "c", -4.2, 1.0)]
    study, one, two, y, se = zip(*rows, strict=True)
    es = contrasts(yi=list(y), sei=list(se), study=study, treat1=one, treat2=two, measure="MD")
    fit = components(es, inactive="c")
    found = cinema(fit, important=1, risk_of_bias=low(rows), of=["a+b", "b"])
    assert [r.what for r in found.rows] == [("a+b",), ("b",)]
    # Nobody had a and b together: their sum is taken on trust.
    trust = found.of("a+b").domain("incoherence")
    assert trust.concern == "some concerns"
    assert "cannot test" in trust.rule
    assert found.of("b").domain("incoherence").concern == "no concerns"
    with pytest.raises(InputError, match="component models"):
        cinema(net_of(STAR), important=1, risk_of_bias=low(STAR), of=["a"])
