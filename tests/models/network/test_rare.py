"""Networks of rare events: laws, brute force, two treatments as one comparison, refusals."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import arms, contrasts, effect_sizes
from equipoise.models.counts.fit import counts
from equipoise.models.network.armcounts import read_arms
from equipoise.models.network.binomial import Likelihood, State
from equipoise.models.network.fit import network
from equipoise.models.network.hypergeometric import breslow_part, exact_part
from equipoise.models.network.mantel_haenszel import mantel_haenszel
from equipoise.models.network.rare import RareNetworkFit

METHODS = ("MH", "NCH", "NCH-Breslow", "penalised", "binomial")
Trials = list[tuple[str, list[tuple[str, int, int]]]]


def build(data: Trials) -> Arms:
    rows = [(study, *arm) for study, groups in data for arm in groups]
    study, treat, events, n = zip(*rows, strict=True)
    return arms(study=study, treat=treat, events=events, n=n)


def fit_of(data: Trials | Arms | Contrasts, method: str, **options: Any) -> RareNetworkFit:
    made = build(data) if isinstance(data, list) else data
    found: RareNetworkFit = network(made, method=method, **options)  # type: ignore[call-overload]
    return found


def every(fit: RareNetworkFit, names: tuple[str, ...] | None = None) -> np.ndarray:
    pairs = itertools.combinations(names or fit.treatments, 2)
    return np.array([(e.estimate, e.se) for e in (fit.effect(a, b) for a, b in pairs)])


@st.composite
def trials(draw: Any, most: int = 60, least: int = 0) -> Trials:
    """A connected network: a chain with two trials a link, then some of two or three arms."""
    n = draw(st.integers(3, 4))
    names = "ABCD"[:n]
    designs = [pair for pair in itertools.pairwise(names) for _ in range(2)]
    extra = draw(st.lists(st.sets(st.sampled_from(names), min_size=2, max_size=3), max_size=3))
    designs += [tuple(sorted(d)) for d in extra]
    out = []
    for i, design in enumerate(designs):
        groups = []
        for arm in design:
            people = draw(st.integers(10, most))
            groups.append((arm, draw(st.integers(least, people // 2)), people))
        out.append((f"t{i}", groups))
    return out


CHAIN: Trials = [
    ("t1", [("A", 2, 60), ("B", 5, 55)]),
    ("t2", [("A", 0, 40), ("B", 3, 45), ("C", 4, 42)]),
    ("t3", [("B", 6, 80), ("C", 2, 75)]),
    ("t4", [("A", 3, 90), ("C", 7, 85)]),
    ("t5", [("A", 0, 30), ("C", 0, 35)]),
    ("t6", [("A", 1, 50), ("B", 0, 48), ("C", 2, 47)]),
    ("t7", [("A", 4, 70), ("B", 9, 66)]),
]


# --- laws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=8, deadline=None)
@given(trials(least=1), st.randoms(use_true_random=False))
def test_order_of_rows_and_names_do_not_matter(method: str, data: Trials, random: Any) -> None:
    first = fit_of(data, method)
    mixed = [(study, random.sample(groups, len(groups))) for study, groups in data]
    random.shuffle(mixed)
    tol = {"rtol": 1e-7, "atol": 1e-8}
    np.testing.assert_allclose(every(fit_of(mixed, method)), every(first), **tol)
    names = {"A": "zeta", "B": "beta", "C": "Omega", "D": "alpha"}
    renamed = [(s, [(names[t], e, n) for t, e, n in groups]) for s, groups in data]
    other = fit_of(renamed, method)
    order = tuple(names[t] for t in first.treatments)
    np.testing.assert_allclose(every(other, order), every(first), **tol)


@pytest.mark.parametrize("method", ["MH", "NCH", "penalised", "binomial"])
@settings(max_examples=6, deadline=None)
@given(trials(least=1))
def test_events_and_others_swapped_change_the_sign(method: str, data: Trials) -> None:
    first = fit_of(data, method)
    other = fit_of([(s, [(t, n - e, n) for t, e, n in g]) for s, g in data], method)
    np.testing.assert_allclose(
        every(other), every(first) * np.array([-1.0, 1.0]), rtol=1e-6, atol=1e-7
    )


@settings(max_examples=20, deadline=None)
@given(trials(least=1), st.integers(2, 5))
def test_counts_times_c_leave_mantel_haenszel_and_divide_its_variance(data: Trials, c: int) -> None:
    first = fit_of(data, "MH")
    more = fit_of([(s, [(t, c * e, c * n) for t, e, n in g]) for s, g in data], "MH")
    np.testing.assert_allclose(
        every(more), every(first) * np.array([1.0, c**-0.5]), rtol=1e-9, atol=1e-11
    )


@pytest.mark.parametrize("method", METHODS)
def test_trials_without_events_change_nothing_but_the_penalised(method: str) -> None:
    with_them, without = fit_of(CHAIN, method), fit_of([t for t in CHAIN if t[0] != "t5"], method)
    assert with_them.double_zero == ("t5",)
    assert without.double_zero == ()
    if method == "penalised":
        assert with_them.k == without.k + 1
        assert not np.allclose(every(with_them), every(without))
    else:
        assert with_them.k == without.k
        np.testing.assert_allclose(every(with_them), every(without), rtol=1e-9)
    note = next(n for n in with_them.notes if n.code == "double-zero")
    assert "1 of 7 trials has no event" in note.text
    assert "t5" in note.text


@pytest.mark.parametrize("method", METHODS)
def test_the_effect_of_a_against_b_is_minus_that_of_b_against_a(method: str) -> None:
    fit = fit_of(CHAIN, method)
    one, two = fit.effect("A", "C"), fit.effect("C", "A")
    assert one.estimate == -two.estimate
    assert one.se == two.se
    assert fit.effect("A", "A").estimate == 0.0


# --- one comparison -----------------------------------------------------------------------------

PAIR: Trials = [
    ("t1", [("A", 2, 60), ("B", 5, 55)]),
    ("t2", [("A", 0, 40), ("B", 3, 45)]),
    ("t3", [("A", 6, 80), ("B", 2, 75)]),
    ("t4", [("A", 0, 30), ("B", 0, 35)]),
    ("t5", [("A", 11, 90), ("B", 30, 110)]),
    ("t6", [("A", 7, 50), ("B", 1, 48)]),
]
ONE = [
    ("MH", "common", "MH", {}),
    ("NCH", "common", "CM.EL", {"effects": "common"}),
    ("NCH-Breslow", "common", "CM.AL", {"effects": "common"}),
    ("penalised", "common", "Firth", {"interval": "Wald"}),
    ("binomial", "common", "UM.FS", {"effects": "common"}),
    ("binomial", "random", "UM.FS", {"effects": "random"}),
]


def pair_counts(data: Trials, **options: Any) -> Any:
    a, b = ([g[i] for _, g in data] for i in (0, 1))
    return counts(
        events1=[x[1] for x in a],
        n1=[x[2] for x in a],
        events2=[x[1] for x in b],
        n2=[x[2] for x in b],
        **options,
    )


@pytest.mark.parametrize(("method", "model", "code", "options"), ONE)
def test_two_treatments_are_one_comparison(
    method: str, model: str, code: str, options: dict[str, Any]
) -> None:
    fit = fit_of(PAIR, method, model=model)
    one = pair_counts(PAIR, model=code, **options)
    found = fit.effect("A", "B")
    if code == "CM.AL":  # Breslow's approximation is of rates, not the binomial one of odds
        assert found.estimate == pytest.approx(one.estimate, rel=1e-8)
        assert found.se == pytest.approx(one.se, rel=1e-8)
        return
    assert found.estimate == pytest.approx(one.estimate, rel=1e-8)
    assert found.se == pytest.approx(one.se, rel=1e-7)
    if model == "random":
        assert fit.tau2 == pytest.approx(one.tau2, rel=1e-7)
        assert fit.tau2 > 0.1
    if math.isfinite(one.log_lik) and math.isfinite(fit.log_lik):
        assert fit.log_lik == pytest.approx(one.log_lik, abs=1e-8)


@pytest.mark.parametrize("method", ["MH", "NCH", "NCH-Breslow", "binomial"])
def test_a_star_is_its_comparisons(method: str) -> None:
    data = [(s, [(t if t == "A" else "B", e, n) for t, e, n in g]) for s, g in PAIR]
    other = [(f"{s}x", [("A", e + 1, n), ("C", f + 2, m)]) for s, [(_, e, n), (_, f, m)] in PAIR]
    options = {"model": "common"}
    star = fit_of(data + other, method, **options)
    for part, name in ((data, "B"), (other, "C")):
        alone = fit_of(part, method, **options)
        one, two = star.effect("A", name), alone.effect("A", name)
        assert one.estimate == pytest.approx(two.estimate, rel=1e-9)
        assert one.se == pytest.approx(two.se, rel=1e-9)
    split = star.split()
    assert np.asarray(split.share).round(9).tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(np.asarray(split.indirect)[:2]).all()


# --- brute force --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(4, 9)), min_size=2, max_size=4),
    st.lists(st.floats(-3, 3), min_size=4, max_size=4),
)
def test_the_hypergeometric_part_is_the_sum_over_all_ways_to_share(
    groups: list[tuple[int, int]], effects: list[float]
) -> None:
    events, n = (np.array(x, dtype=float) for x in zip(*groups, strict=True))
    assume(0 < events.sum() < n.sum())
    effect = np.array(effects[: len(groups)])
    part = exact_part(events, n, effect)
    ways = [
        np.array(x)
        for x in itertools.product(*(range(int(m) + 1) for m in n))
        if sum(x) == events.sum()
    ]
    weight = np.array([np.prod(special.comb(n, x)) * math.exp(float(x @ effect)) for x in ways])
    weight /= weight.sum()
    mine = next(w for x, w in zip(ways, weight, strict=True) if (x == events).all())
    mean = weight @ np.array(ways)
    cov = np.cov(np.array(ways).T, aweights=weight, ddof=0)
    assert part.value == pytest.approx(math.log(mine), abs=1e-10)
    np.testing.assert_allclose(part.mean, mean, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(part.cov, cov, rtol=1e-8, atol=1e-9)


def test_the_hypergeometric_part_holds_for_large_trials() -> None:
    events, n = np.array([900.0, 1100.0]), np.array([40000.0, 38000.0])
    part = exact_part(events, n, np.array([0.0, 0.3]))
    law = stats.nchypergeom_fisher(78000, 38000, 2000, math.exp(0.3))
    assert part.value == pytest.approx(float(law.logpmf(1100)), rel=1e-7)
    assert part.mean[1] == pytest.approx(float(law.mean()), rel=1e-7)
    assert part.cov[1, 1] == pytest.approx(float(law.var()), rel=1e-5)


def test_breslow_is_the_limit_of_rare_events() -> None:
    events, effect = np.array([2.0, 3.0, 1.0]), np.array([0.0, 0.7, -0.4])
    n = np.array([2e7, 3e7, 2.5e7])
    exact, near = exact_part(events, n, effect), breslow_part(events, n, effect)
    assert near.value == pytest.approx(exact.value, rel=1e-6)
    np.testing.assert_allclose(near.mean, exact.mean, rtol=1e-6)
    np.testing.assert_allclose(near.cov, exact.cov, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("tau", [0.3, 1.1])
def test_the_integral_over_two_random_effects_is_that_of_a_dense_rule(tau: float) -> None:
    held = read_arms(build([CHAIN[1], CHAIN[5]]))[0]
    like = Likelihood(held)
    state = State(np.array([-3.0, -3.5]), np.array([0.0, 0.4, 0.9]))
    place = like.at(state, tau, 48)
    total = 0.0
    sigma = tau**2 * (0.5 * np.eye(2) + 0.5)
    for i, rows in enumerate(held.rows()):
        e, n, t = held.events[rows], held.n[rows], held.treat[rows]

        axis = np.linspace(-8.0 * tau, 8.0 * tau, 401)
        x, y = (g.ravel() for g in np.meshgrid(axis, axis))
        d = np.column_stack([np.zeros_like(x), x, y])
        at = state.a[i] + state.theta[t] + d - d.mean(axis=1)[:, None]
        chance = np.prod(stats.binom.pmf(e, n, special.expit(at)), axis=1)
        prior = stats.multivariate_normal.pdf(d[:, 1:], np.zeros(2), sigma)
        total += math.log(float(chance @ prior) * (axis[1] - axis[0]) ** 2)
    assert place.value == pytest.approx(total, abs=1e-7)


@pytest.mark.parametrize("tau", [0.0, 0.4])
def test_derivatives_are_those_of_the_likelihood(tau: float) -> None:
    held = read_arms(build([t for t in CHAIN if t[0] != "t5"]))[0]
    like = Likelihood(held)
    state = State(like.begin.copy(), np.array([0.0, 0.4, 0.9]))
    place = like.at(state, tau, 40)
    h = 1e-4

    def value(da: np.ndarray, dt: np.ndarray, ds: float) -> float:
        moved = State(state.a + da, state.theta + dt)
        return like.at(moved, abs(tau + ds), 40).value

    none_a, none_t = np.zeros(like.k), np.zeros(3)
    for j in (1, 2):
        step = np.eye(3)[j] * h
        slope = (value(none_a, step, 0.0) - value(none_a, -step, 0.0)) / (2 * h)
        assert place.score[j - 1] == pytest.approx(slope, abs=1e-5)
    step = np.eye(like.k)[2] * h
    slope = (value(step, none_t, 0.0) - value(-step, none_t, 0.0)) / (2 * h)
    assert place.score_a[2] == pytest.approx(slope, abs=1e-5)
    up, down, here = (value(none_a, none_t, x) for x in (h, -h, 0.0))
    if tau:
        assert place.score[-1] == pytest.approx((up - down) / (2 * h), abs=1e-5)
    assert -place.information[-1, -1] == pytest.approx((up - 2 * here + down) / h**2, abs=2e-3)


def test_a_design_of_three_arms_has_the_generalised_mantel_haenszel() -> None:
    """Greenland's estimate averages over the third arm."""
    more = ("t9", [("A", 2, 50), ("B", 3, 45), ("C", 6, 42)])
    pool = mantel_haenszel(read_arms(build([CHAIN[1], CHAIN[5], more]))[0])
    a = np.array([[0, 3, 4], [1, 0, 2], [2, 3, 6]], dtype=float)
    n = np.array([[40, 45, 42], [50, 48, 47], [50, 45, 42]], dtype=float)
    C = np.einsum("ix,iy,i->xy", a, n - a, 1.0 / n.sum(axis=1))
    L = np.log(C / C.T)
    np.testing.assert_allclose(pool.theta, (L.sum(axis=1) - L[0].sum()) / 3.0, rtol=1e-12)
    assert pool.designs == 1
    assert pool.q_df == 0


def test_covariances_within_a_design_are_those_of_repeated_trials() -> None:
    """The mean of the estimated covariance is the covariance of the estimates."""
    random = np.random.default_rng(20240201)
    n = np.array([[400, 300, 350]] * 12)
    p = special.expit(np.linspace(-2.5, -1.5, 12)[:, None] + np.array([0.0, 0.5, -0.4]))
    found, told = [], []
    for _ in range(400):
        e = random.binomial(n, p)
        data: Trials = [
            (f"t{i}", [(t, int(e[i, j]), int(n[i, j])) for j, t in enumerate("ABC")])
            for i in range(12)
        ]
        pool = mantel_haenszel(read_arms(build(data))[0])
        found.append(pool.theta[1:])
        told.append(pool.cov[1:, 1:])
    np.testing.assert_allclose(np.cov(np.array(found).T), np.mean(told, axis=0), rtol=0.2)
    np.testing.assert_allclose(np.mean(found, axis=0), [0.5, -0.4], atol=0.02)


# --- what cannot be told ------------------------------------------------------------------------

SILENT: Trials = [
    *CHAIN,
    ("t8", [("A", 2, 60), ("D", 0, 55)]),
    ("t9", [("B", 1, 40), ("D", 0, 50)]),
]


@pytest.mark.parametrize("method", ["MH", "NCH", "NCH-Breslow", "binomial"])
def test_a_treatment_without_events_is_named_and_left_out(method: str) -> None:
    fit = fit_of(SILENT, method)
    assert fit.treatments == ("A", "B", "C")
    assert [(e.treatment, e.why) for e in fit.excluded] == [
        ("D", "no event among 105 people in 2 trials")
    ]
    assert any(n.code == "excluded-treatments" and "D (no event" in n.text for n in fit.notes)
    assert "Not in the network: D" in fit.summary()
    with pytest.raises(NotEstimableError, match="D has no place"):
        fit.effect("A", "D")
    np.testing.assert_allclose(every(fit), every(fit_of(CHAIN, method)), rtol=1e-8)
    with pytest.raises(NotEstimableError, match="reference D: no event among"):
        fit_of(SILENT, method, reference="D")


def test_the_penalised_likelihood_places_a_treatment_without_events() -> None:
    fit = fit_of(SILENT, "penalised", reference="A")
    assert fit.excluded == ()
    found = fit.effect("D", "A")
    assert found.estimate < 0.0
    assert math.isfinite(found.se)


def test_a_design_without_events_in_an_arm_is_left_out_by_name() -> None:
    data: Trials = [
        *CHAIN,
        ("t8", [("A", 3, 40), ("D", 2, 40)]),
        ("t9", [("B", 0, 30), ("D", 4, 31)]),
    ]
    fit = fit_of(data, "MH")
    note = next(n for n in fit.notes if n.code == "design-without-events")
    assert "B : D" in note.text
    assert "t9" in note.text
    assert fit.k == 7
    assert fit_of(data, "NCH").k == 8


@pytest.mark.parametrize("method", ["MH", "NCH", "binomial"])
def test_a_network_that_falls_apart_says_after_what(method: str) -> None:
    data: Trials = [
        ("t1", [("A", 2, 60), ("B", 5, 55)]),
        ("t2", [("B", 1, 60), ("X", 0, 55)]),
        ("t3", [("X", 0, 60), ("C", 5, 55)]),
        ("t4", [("C", 2, 60), ("D", 5, 55)]),
    ]
    with pytest.raises(NotEstimableError) as caught:
        fit_of(data, method)
    text = str(caught.value)
    assert "2 networks that nothing joins" in text
    assert "after leaving out X (no event among 115 people in 2 trials)" in text
    assert "method='penalised'" in text
    assert fit_of(data, "penalised").n == 5


@pytest.mark.parametrize("method", ["NCH", "NCH-Breslow", "binomial"])
def test_effects_that_rise_without_end_are_refused_with_their_groups(method: str) -> None:
    data: Trials = [
        ("t1", [("A", 2, 60), ("B", 5, 55)]),
        ("t2", [("B", 3, 60), ("C", 0, 55)]),
        ("t3", [("C", 2, 60), ("D", 5, 55)]),
    ]
    with pytest.raises(NotEstimableError, match="infinite") as caught:
        fit_of(data, method)
    assert "(1) A, B; (2) C, D" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_happened(method: str) -> None:
    data: Trials = [(s, [(t, 0, n) for t, _, n in g]) for s, g in CHAIN]
    if method == "penalised":
        assert fit_of(data, method).k == 7
        return
    with pytest.raises(NotEstimableError, match="no trial of 7"):
        fit_of(data, method)


def test_bad_input_is_named() -> None:
    held = build(CHAIN)
    for call, error, text in (
        (lambda: network(held, method="MHH"), UnknownNameError, "'MH'"),
        (lambda: network(held, method="MH", measure="RR"), InputError, "odds ratios only"),
        (lambda: network(held, method="MH", model="random"), InputError, "it has common"),
        (lambda: network(held, method="MH", model="rnd"), UnknownNameError, "random"),
        (lambda: network(held, method="MH", reference="Q"), UnknownNameError, "reference"),
        (lambda: network(held, method="MH", interval="t"), InputError, "method='IV'"),
        (lambda: network(held, method="MH", level=2.0), InputError, "level"),
        (lambda: fit_of(CHAIN, "binomial").split(), InputError, "no split"),
        (lambda: fit_of(CHAIN, "MH").effect("A", "Q"), UnknownNameError, "treatment"),
    ):
        with pytest.raises(error, match=text):
            call()


def test_what_is_no_count_is_refused() -> None:
    means = arms(study=["a", "a"], treat=["A", "B"], mean=[1, 2], sd=[1, 1], n=[9, 9])
    with pytest.raises(InputError, match="continuous"):
        network(means, method="MH")
    es = contrasts(measure="OR", study=["a"], treat1=["A"], treat2=["B"], yi=[0.1], vi=[0.2])
    with pytest.raises(InputError, match="do not keep events1"):
        network(es, method="MH")
    twins = build([("t1", [("A", 1, 9), ("B", 2, 9)]), ("t2", [("a ", 1, 9), ("B", 2, 9)])])
    with pytest.raises(InputError, match="differ only"):
        network(twins, method="MH")


def test_arms_without_counts_and_single_arms_are_left_out_by_name() -> None:
    held = build(CHAIN).contrasts("OR", reference="A")
    raw = {name: np.array(values) for name, values in held.raw.items()}
    at = held.study.index("t1")
    raw["events1"][at] = math.nan
    fit = fit_of(dataclasses.replace(held, raw=raw), "MH")
    assert {(row.study, row.why) for row in fit.left_out} == {
        ("t1", "B without events"),
        ("t1", "only one group, A"),
    }
    np.testing.assert_allclose(every(fit), every(fit_of(CHAIN[1:], "MH")), rtol=1e-12)
    more = fit_of([*CHAIN, ("x2", [("C", 1, 20)])], "MH")
    assert [(row.study, row.why) for row in more.left_out] == [("x2", "only one group, C")]
    assert more.k_total == 7


def test_contrasts_that_keep_their_counts_give_the_same() -> None:
    held = build(CHAIN)
    es = held.contrasts("OR")
    for method in METHODS:
        np.testing.assert_allclose(every(fit_of(es, method)), every(fit_of(held, method)))
    made = effect_sizes(
        "OR",
        study=["s", "s"],
        treat1=["A", "A"],
        treat2=["B", "C"],
        events1=[1, 2],
        n1=[20, 20],
        events2=[2, 3],
        n2=[20, 20],
    )
    with pytest.raises(InputError, match="A has 1/20 events and 2/20"):
        network(made, method="MH")


# --- what a reader sees -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_result_is_read_as_a_network(method: str) -> None:
    fit = fit_of(CHAIN, method, reference="A")
    assert repr(fit).startswith(f"<RareNetworkFit OR {method}")
    assert "row's treatment against the column's" in fit.league().caption
    assert len(fit.against().rows) == 2
    assert fit.ranking("lower").order()[0] in fit.treatments
    assert set(fit.to_frame("pandas").columns) >= {"treat1", "estimate", "se"}
    back = RareNetworkFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    np.testing.assert_allclose(every(back), every(fit))
    assert "<table" in fit._repr_html_()
    assert all(m.paper for m in fit.methods)
    assert str(fit) == fit.summary()


def test_random_effects_have_prediction_intervals_and_a_test() -> None:
    data: Trials = [
        (f"t{i}", [("A", 5 + 12 * (i % 2), 100), ("B", 17 - 12 * (i % 2), 100)]) for i in range(6)
    ] + [(f"u{i}", [("A", 5 + 9 * (i % 2), 100), ("C", 9, 100)]) for i in range(4)]
    fit = fit_of(data, "binomial")
    assert fit.tau2 is not None
    assert fit.tau2 > 0.0
    found = fit.effect("A", "B")
    assert found.pi is not None
    assert found.pi.low < found.ci.low
    assert fit.tests[0].p_value < 0.05
    assert fit.convergence is not None
    assert fit.convergence.quadrature_error < 1e-8
    common = fit_of(data, "binomial", model="common")
    assert common.effect("A", "B").pi is None
    assert fit.log_lik > common.log_lik
