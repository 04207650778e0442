"""Networks: laws, independent routes, refusals, and what a reader sees."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_cases import trials as several

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import arms, contrasts, effect_sizes
from equipoise.models.components import components
from equipoise.models.correlated import shared_effects
from equipoise.models.network.contributions import flow
from equipoise.models.network.core import make_net, solve, subnetworks
from equipoise.models.network.fit import NetworkFit, network
from equipoise.models.network.regression import network_regress
from equipoise.models.network.spread import dense, searched
from equipoise.models.pairwise import pairwise

TREATS = "ABCDE"


@st.composite
def trials(draw: Any) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """A connected network of arms with means: a chain, then any trials of two or three arms."""
    n = draw(st.integers(3, 5))
    names = TREATS[:n]
    designs = list(itertools.pairwise(names))
    extra = draw(st.lists(st.sets(st.sampled_from(names), min_size=2, max_size=3), max_size=6))
    designs += [tuple(sorted(d)) for d in extra]
    mean = st.floats(-3, 3).map(lambda x: round(x, 3))
    variance = st.floats(0.02, 2).map(lambda x: round(x, 3))
    return [
        (f"t{i}", [(arm, draw(mean), draw(variance)) for arm in design])
        for i, design in enumerate(designs)
    ]


def build(data: list[tuple[str, list[tuple[str, float, float]]]]) -> Contrasts:
    rows: dict[str, list[Any]] = {key: [] for key in ("study", "treat1", "treat2", "yi", "vi")}
    for study, groups in data:
        for (a, y, v), (b, z, w) in itertools.combinations(groups, 2):
            for key, value in zip(rows, (study, a, b, y - z, v + w), strict=True):
                rows[key].append(value)
    return contrasts(measure="MD", **rows)


def every(fit: NetworkFit) -> np.ndarray:
    pairs = itertools.combinations(fit.treatments, 2)
    return np.array([(e.estimate, e.se) for e in (fit.effect(a, b) for a, b in pairs)])


@settings(max_examples=40, deadline=None)
@given(several(most=5, arms=4))
def test_the_laplacian_and_least_squares_on_the_contrasts_agree(data: Any) -> None:
    es = build(data)
    for tau2 in (0.0, 0.3):
        net = make_net(es)
        at = solve(net, tau2)
        X = np.zeros((len(es), net.n))
        for row, (a, b) in enumerate(zip(es.treat1, es.treat2, strict=True)):
            X[row, net.treatments.index(a)] = 1.0
            X[row, net.treatments.index(b)] = -1.0
        W = np.linalg.inv(es.V() + tau2 * shared_effects(es))
        X = X[:, 1:]
        cov = np.linalg.inv(X.T @ W @ X)
        beta = cov @ X.T @ W @ es.yi
        assert at.theta[1:] == pytest.approx(beta, rel=1e-10, abs=1e-11)
        assert at.G[1:, 1:] == pytest.approx(cov, rel=1e-10, abs=1e-12)
        e = es.yi - X @ beta
        assert at.q == pytest.approx(e @ W @ e, rel=1e-9, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(trials(), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(data: Any, random: Any) -> None:
    fit = network(build(data))
    mixed = [(study, random.sample(groups, len(groups))) for study, groups in data]
    random.shuffle(mixed)
    assert every(network(build(mixed))) == pytest.approx(every(fit), rel=1e-6, abs=1e-8)
    swap = dict(zip(TREATS, TREATS[::-1], strict=True))
    other = network(build([(s, [(swap[a], y, v) for a, y, v in g]) for s, g in data]))
    for a, b in itertools.combinations(fit.treatments, 2):
        one, two = fit.effect(a, b), other.effect(swap[a], swap[b])
        assert two.estimate == pytest.approx(one.estimate, rel=1e-6, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(trials(), st.sampled_from([1e-4, 1e3]))
def test_units_scale_effects(data: Any, factor: float) -> None:
    one = every(network(build(data)))
    scaled = [(s, [(a, factor * y, factor**2 * v) for a, y, v in g]) for s, g in data]
    assert every(network(build(scaled))) == pytest.approx(factor * one, rel=1e-5, abs=1e-7 * factor)


@settings(max_examples=25, deadline=None)
@given(trials())
def test_effects_are_consistent_and_antisymmetric(data: Any) -> None:
    fit = network(build(data), interval="t")
    a, b, c = fit.treatments[:3]
    assert fit.effect(a, b).estimate + fit.effect(b, c).estimate == pytest.approx(
        fit.effect(a, c).estimate, abs=1e-10
    )
    assert fit.effect(a, b).ci.low == pytest.approx(-fit.effect(b, a).ci.high, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(trials())
def test_direct_and_indirect_evidence_make_the_network_estimate(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    found = fit.split()
    for i in range(len(found)):
        w, share = found.network[i], found.share[i]
        if np.isfinite(found.indirect[i]) and found.k[i]:
            assert share * found.direct[i] + (1 - share) * found.indirect[i] == pytest.approx(
                w, rel=1e-8, abs=1e-9
            )


@settings(max_examples=15, deadline=None)
@given(trials())
def test_a_split_is_what_a_refit_without_the_direct_trials_gives(data: Any) -> None:
    data = [(s, g) for s, g in data if len(g) == 2]  # of several arms, refitting drops more
    es = build(data)
    fit = network(es, model="common")
    found = fit.split()
    for i, (a, b) in enumerate(zip(found.treat1, found.treat2, strict=True)):
        rest = [r for r in range(len(es)) if {es.treat1[r], es.treat2[r]} != {a, b}]
        if not found.k[i] or not rest:
            continue
        part = es.take(rest)
        joined = next((p for p in subnetworks(part) if a in p), ())
        if b not in joined:
            assert math.isnan(found.indirect[i])
            continue
        inside = [r for r in range(len(part)) if part.treat1[r] in joined]
        again = network(part.take(inside), model="common").effect(a, b)
        assert found.indirect[i] == pytest.approx(again.estimate, rel=1e-10, abs=1e-10)
        assert found.indirect_se[i] == pytest.approx(again.se, rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(trials())
def test_contributions_are_those_of_all_paths(data: Any) -> None:
    fit = network(build(data), model="common")
    net = make_net(fit.data, fit.treatments)
    at = solve(net, 0.0)
    found = fit.contributions("random-walk")
    assert found.shares.sum(axis=1) == pytest.approx(1.0)
    for row, (a, b) in enumerate(found.estimates):
        i, j = fit.treatments.index(a), fit.treatments.index(b)
        f = np.maximum(flow(net, at, i, j), 0.0)
        expected: dict[frozenset[int], float] = {}
        for way, chance in _every_path(f, i, j):
            for step in itertools.pairwise(way):
                key = frozenset(step)
                expected[key] = expected.get(key, 0.0) + chance / (len(way) - 1)
        for column, (c, d) in enumerate(found.comparisons):
            key = frozenset((fit.treatments.index(c), fit.treatments.index(d)))
            assert found.shares[row, column] == pytest.approx(expected.get(key, 0.0), abs=1e-10)


def _every_path(f: np.ndarray, i: int, j: int) -> list[tuple[list[int], float]]:
    if i == j:
        return [([i], 1.0)]
    total = f[i].sum()
    return [
        ([i, *way], f[i, k] / total * chance)
        for k in np.flatnonzero(f[i]).tolist()
        for way, chance in _every_path(f, k, j)
    ]


def test_two_treatments_are_the_pairwise_synthesis() -> None:
    yi, vi = [-0.9, -1.6, -0.2, 0.4, -1.1], [0.3, 0.2, 0.05, 0.1, 0.4]
    es = contrasts(yi=yi, vi=vi, treat1=["A"] * 5, treat2=["B"] * 5, measure="OR")
    for tau2 in ("DL", "REML", "ML"):
        one, two = network(es, tau2=tau2), pairwise(es, tau2=tau2, interval="Wald", pi="V")
        found = one.effect("A", "B")
        assert one.tau2 == pytest.approx(two.tau2, rel=1e-10)
        assert found.estimate == pytest.approx(two.estimate, rel=1e-10)
        assert (found.ci.low, found.ci.high) == pytest.approx((two.ci.low, two.ci.high), rel=1e-10)
        assert found.pi is not None
        assert two.pi is not None
        assert (found.pi.low, found.pi.high) == pytest.approx((two.pi.low, two.pi.high), rel=1e-10)
        assert one.q == pytest.approx(two.q, rel=1e-12)
    hk = network(es, interval="HK").effect("A", "B").ci
    expected = pairwise(es, interval="HK").ci
    assert (hk.low, hk.high) == pytest.approx((expected.low, expected.high), rel=1e-10)
    assert network(es).split().row("A", "B")["share"] == pytest.approx(1.0)
    assert network(es).contributions().of("A", "B") == {("A", "B"): 1.0}


rows_of_two = st.lists(
    st.tuples(st.integers(-3000, 3000), st.integers(20, 3000), st.booleans()),
    min_size=2,
    max_size=9,
)


@settings(max_examples=40, deadline=None)
@given(rows_of_two, st.sampled_from(["common", "DL", "REML", "ML"]))
def test_any_trials_of_two_treatments_are_the_pairwise_synthesis(
    told: list[tuple[int, int, bool]], code: str
) -> None:
    """Whichever treatment a trial has first, at the same tau²; and tau² is the same."""
    yi, vi = [y / 1000 for y, _, _ in told], [v / 1000 for _, v, _ in told]
    one = [("B", "A") if turned else ("A", "B") for _, _, turned in told]
    es = contrasts(
        yi=[-y if turned else y for y, (_, _, turned) in zip(yi, told, strict=True)],
        vi=vi,
        treat1=[a for a, _ in one],
        treat2=[b for _, b in one],
        measure="MD",
    )
    how: dict[str, Any] = {"model": "common"} if code == "common" else {"tau2": code}
    two = pairwise(contrasts(yi=yi, vi=vi, measure="MD"), interval="Wald", pi="V", **how)
    fit = network(es, **how)
    assert fit.tau2 == pytest.approx(two.tau2, rel=1e-8, abs=1e-9)
    if code != "common":
        fit = network(es, tau2=two.tau2)
    found = fit.effect("A", "B")
    assert found.estimate == pytest.approx(two.estimate, rel=1e-10, abs=1e-11)
    assert found.se == pytest.approx(two.se, rel=1e-10)
    assert (found.ci.low, found.ci.high) == pytest.approx(
        (two.ci.low, two.ci.high), rel=1e-10, abs=1e-11
    )
    assert fit.q == pytest.approx(two.q, rel=1e-10, abs=1e-11)
    assert found.p_value == pytest.approx(two.p_value, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(several(most=5, arms=4))
def test_a_split_with_trials_of_several_arms_is_what_its_trials_and_least_squares_say(
    data: Any,
) -> None:
    """Direct: each trial's own difference, pooled. Network: least squares on all contrasts."""
    es = build(data)
    for how in ({"model": "common"}, {"tau2": "DL"}):
        fit = network(es, **how)
        found = fit.split()
        X = np.zeros((len(fit.data), fit.n))
        for row, (a, b) in enumerate(zip(fit.data.treat1, fit.data.treat2, strict=True)):
            X[row, fit.treatments.index(a)] += 1.0
            X[row, fit.treatments.index(b)] -= 1.0
        W = np.linalg.inv(fit.data.V() + fit.tau2 * shared_effects(fit.data))
        cov = np.linalg.inv(X[:, 1:].T @ W @ X[:, 1:])
        beta = cov @ X[:, 1:].T @ W @ fit.data.yi
        for row, (a, b) in enumerate(zip(found.treat1, found.treat2, strict=True)):
            c = np.zeros(fit.n)
            c[fit.treatments.index(a)], c[fit.treatments.index(b)] = 1.0, -1.0
            whole, precision = c[1:] @ beta, 1.0 / (c[1:] @ cov @ c[1:])
            assert found.network[row] == pytest.approx(whole, rel=1e-10, abs=1e-10)
            own = [{t: (y, v) for t, y, v in groups} for _, groups in data]
            own = [groups for groups in own if {a, b} <= set(groups)]
            assert found.k[row] == len(own)
            if not own:
                assert np.isnan(found.direct[row])
                continue
            y = np.array([groups[a][0] - groups[b][0] for groups in own])
            w = 1.0 / np.array([groups[a][1] + groups[b][1] + fit.tau2 for groups in own])
            assert found.direct[row] == pytest.approx((w @ y) / w.sum(), rel=1e-10, abs=1e-10)
            assert found.direct_se[row] == pytest.approx(w.sum() ** -0.5, rel=1e-10)
            assert found.share[row] == pytest.approx(w.sum() / precision, rel=1e-9)
            left = precision - w.sum()
            if left < 1e-6 * precision:
                continue
            indirect = (precision * whole - w @ y) / left
            assert found.indirect[row] == pytest.approx(indirect, rel=1e-8, abs=1e-8)
            assert found.indirect_se[row] == pytest.approx(left**-0.5, rel=1e-8)
            gap = found.direct[row] - indirect
            assert found.difference[row] == pytest.approx(gap, rel=1e-7, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(several(most=5, arms=4), st.sampled_from(["common", "DL", "REML", "ML"]))
def test_a_component_of_its_own_for_each_treatment_is_the_network(data: Any, code: str) -> None:
    es = build(data)
    how: dict[str, Any] = {"model": "common"} if code == "common" else {"tau2": code}
    fit, parts = network(es, **how), components(es, inactive="A", **how)
    assert parts.tau2 == pytest.approx(fit.tau2, rel=1e-10, abs=1e-12)
    assert (parts.q, parts.q_df) == (pytest.approx(fit.q, rel=1e-10, abs=1e-10), fit.q_df)
    for name in fit.treatments[1:]:
        one, two = fit.effect(name, "A"), parts.component(name)
        assert one.estimate == pytest.approx(two.estimate, rel=1e-10, abs=1e-10)
        assert one.se == pytest.approx(two.se, rel=1e-10)


@settings(max_examples=15, deadline=None)
@given(trials())
def test_both_searches_of_the_likelihood_find_the_same(data: Any) -> None:
    es = build(data)
    net = make_net(es)
    if net.df < 1:
        return
    for code in ("REML", "ML"):
        one, about = dense(net, es, code)
        two, notes = searched(net, code)
        assert two == pytest.approx(one, rel=1e-8, abs=1e-9)
        assert [n.code for n in notes] == [n.code for n in about]


def test_arms_and_contrasts_give_the_same() -> None:
    counts = arms(
        study=["1", "1", "1", "2", "2", "3", "3"],
        treat=["A", "B", "C", "A", "B", "B", "C"],
        events=[9, 23, 10, 12, 20, 30, 14],
        n=[140, 140, 138, 100, 98, 200, 205],
    )
    one = network(counts, measure="OR", reference="A", tau2="DL")
    two = network(counts.contrasts("OR"), reference="A", tau2="DL")
    assert every(one) == pytest.approx(every(two), rel=1e-10)
    assert one.reference == "A"
    assert network(counts, measure="OR").reference == "B"  # the one with the most people


def test_a_star_has_only_direct_evidence() -> None:
    es = contrasts(
        yi=[1.0, 2.0, 1.5],
        vi=[0.1, 0.2, 0.1],
        treat1=["A", "B", "C"],
        treat2=["P"] * 3,
        measure="MD",
    )
    fit = network(es)
    assert fit.q_df == 0
    assert {note.code for note in fit.notes} >= {"no-degrees-of-freedom"}
    found = fit.split()
    assert np.isnan(found.indirect[found.k > 0]).all()
    for name in "ABC":
        assert fit.contributions().of(name, "P") == {(name, "P"): 1.0}
    assert fit.decomposition().between.df == 0
    assert fit.paths("A", "B")[0].treatments == ("A", "P", "B")


def rows(**changes: Any) -> Contrasts:
    base: dict[str, Any] = {
        "yi": [1.0, 0.5, 0.2],
        "vi": [0.1, 0.1, 0.1],
        "study": ["s1", "s2", "s3"],
        "treat1": ["A", "B", "A"],
        "treat2": ["B", "C", "C"],
        "measure": "MD",
    }
    return contrasts(**(base | changes))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"treat1": ["A", "A", "D"], "treat2": ["B", "B", "E"]}, NotEstimableError, "2 networks"),
        (
            {"treat1": ["A", "B", "A"], "treat2": ["B", "C", "A"]},
            InputError,
            "compared with itself",
        ),
        ({"treat1": ["A", "B", ""]}, InputError, "what was compared"),
        ({"treat1": ["A", "B", "a "]}, InputError, "only in case, spaces or"),
    ],
)
def test_what_is_no_network(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network(rows(**changes))


def test_disconnected_parts_and_what_would_join_them_are_named() -> None:
    with pytest.raises(NotEstimableError) as caught:
        network(rows(treat1=["A", "A", "D"], treat2=["B", "B", "E"]))
    assert "(1) A, B: 2 trials; (2) D, E: 1 trial" in str(caught.value)
    assert "A against D" in str(caught.value)


def test_unknown_names_offer_the_nearest() -> None:
    fit = network(rows())
    with pytest.raises(UnknownNameError, match="known: A, B, C"):
        network(rows(), reference="D")
    with pytest.raises(UnknownNameError):
        fit.effect("A", "Z")
    with pytest.raises(UnknownNameError, match="lower"):
        fit.ranking("lowr")
    with pytest.raises(UnknownNameError):
        fit.contributions("shortest")
    with pytest.raises(UnknownNameError):
        network(rows(), tau2="PM")
    with pytest.raises(InputError, match="level"):
        network(rows(), level=95)


def test_comparisons_that_do_not_add_up_are_refused_with_their_study() -> None:
    es = {
        "yi": [0.1, 0.1, 0.05],
        "vi": [0.01] * 3,
        "study": ["five"] * 3,
        "treat1": ["D", "D", "E"],
        "treat2": ["E", "F", "F"],
    }
    with pytest.raises(InputError, match="five"):
        network(contrasts(measure="MD", **es))


def test_rows_without_an_estimate_are_left_out_and_named() -> None:
    es = Contrasts(
        "MD",
        ("s1", "s2", "s3"),
        np.array([1.0, 0.5, math.nan]),
        np.full(3, 0.1),
        ("A", "B", "A"),
        ("B", "C", "C"),
    )
    fit = network(es)
    assert [row.study for row in fit.left_out] == ["s3"]
    assert "s3" in fit.summary()


def test_what_a_reader_sees() -> None:
    fit = network(rows(), reference="C")
    text = fit.summary()
    assert "Network of 3 treatments: 3 trials, 3 comparisons, 3 designs" in text
    assert "row's treatment against the column's" in fit.league().caption
    assert len(fit.league()) == 3
    assert "A : B" in fit.split().summary()
    assert "p" in repr(fit.decomposition())
    assert "Read it only beside" in fit.ranking("higher").summary()
    assert fit.ranking("higher").order()[0] == "A"
    assert fit.ranking("lower").order()[0] == "C"
    for result in (
        fit,
        fit.split(),
        fit.decomposition(),
        fit.ranking("lower"),
        fit.contributions(),
    ):
        again = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert "<table" in result._repr_html_()
        assert len(result.to_frame("pandas")) > 0


def test_rows_of_two_groups_of_a_trial_of_several_arms_do_not_count_twice() -> None:
    events, n = {"A": 10, "B": 12, "P": 5}, {"A": 50, "B": 60, "P": 55}
    pairs = [("A", "P"), ("B", "P"), ("B", "A")]
    es = effect_sizes(
        "OR",
        study=["s"] * 3,
        treat1=[a for a, _ in pairs],
        treat2=[b for _, b in pairs],
        events1=[events[a] for a, _ in pairs],
        n1=[n[a] for a, _ in pairs],
        events2=[events[b] for _, b in pairs],
        n2=[n[b] for _, b in pairs],
    )
    by_arm = arms(study=["s"] * 3, treat=[*events], events=[*events.values()], n=[*n.values()])
    one, two = network(es), network(by_arm, measure="OR")
    assert one.q_df == 0
    for a, b in pairs:
        assert one.effect(a, b).se == pytest.approx(two.effect(a, b).se, rel=1e-10)
    with pytest.raises(InputError, match=r"without (B against A|A against B)"):
        network(es.take([0, 1]))


def test_a_fixed_tau2_is_used_as_it_is() -> None:
    es = contrasts(
        yi=[0.1, 0.4, 0.3, 0.7],
        vi=[0.02, 0.03, 0.02, 0.04],
        treat1=["A", "A", "B", "A"],
        treat2=["P", "P", "P", "B"],
        measure="MD",
    )
    free = network(es)
    held = network(es, tau2=free.tau2)
    assert held.tau2_method == "given"
    assert every(held) == pytest.approx(every(free), rel=1e-12)
    assert every(network(es, tau2=0.0)) == pytest.approx(every(network(es, model="common")))
    with pytest.raises(InputError, match="tau² of -1"):
        network(es, tau2=-1.0)


def test_what_would_join_the_parts_is_said() -> None:
    es = contrasts(
        yi=[0.1, 0.4, math.nan, 0.2],
        vi=[0.02, 0.03, 0.02, 0.1],
        study=["one", "two", "three", "four"],
        treat1=["placebo", "amitriptyline", "placebo", "exercise"],
        treat2=["sertraline", "exercise", "exercise", "amitriptylin"],
        measure="MD",
    )
    with pytest.raises(NotEstimableError) as error:
        network(es)
    hint = error.value.hint
    assert "an estimate for three (placebo against exercise)" in hint
    assert "a trial comparing a treatment of one" in hint
    with pytest.raises(NotEstimableError, match="'amitriptylin' and 'amitriptyline'"):
        network(
            contrasts(
                yi=[1.0, 2.0],
                vi=[1.0, 1.0],
                treat1=["amitriptyline", "amitriptylin"],
                treat2=["placebo", "waiting list"],
                measure="MD",
            )
        )


@settings(max_examples=10, deadline=None)
@given(trials())
def test_matrices_hold_what_single_effects_say(data: Any) -> None:
    for asked in ({}, {"interval": "t"}, {"interval": "HK"}, {"model": "common"}):
        fit = network(build(data), **({"tau2": "DL"} | asked))
        m = fit.matrices()
        for (i, a), (j, b) in itertools.permutations(enumerate(fit.treatments), 2):
            e = fit.effect(a, b)
            mine = (m.estimate[i, j], m.se[i, j], m.ci_low[i, j], m.ci_high[i, j], m.p_value[i, j])
            theirs = (e.estimate, e.se, e.ci.low, e.ci.high, e.p_value)
            assert mine == pytest.approx(theirs, rel=1e-12, abs=1e-13)
            assert np.isnan(m.pi_low[i, j]) == (e.pi is None)
            if e.pi is not None:
                assert (m.pi_low[i, j], m.pi_high[i, j]) == pytest.approx((e.pi.low, e.pi.high))
        assert (np.diag(m.se) == 0.0).all()
        assert repr(m).startswith("<EffectMatrices")


def test_a_large_network_by_another_factorisation() -> None:
    """From a hundred treatments on, LAPACK's inverse is used; GLS on the contrasts is the same."""
    rng = np.random.default_rng(3)
    n, m = 120, 500
    pairs = [(int(rng.integers(0, i)), i) for i in range(1, n)]
    pairs += [tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(m - len(pairs))]
    names = [f"t{i:03d}" for i in range(n)]
    v = rng.uniform(0.01, 0.3, m)
    y = rng.normal(0.0, np.sqrt(v + 0.05))
    es = contrasts(
        yi=y,
        vi=v,
        treat1=[names[a] for a, _ in pairs],
        treat2=[names[b] for _, b in pairs],
        measure="MD",
    )
    net = make_net(es)
    at = solve(net, 0.05)
    X = np.zeros((m, n))
    X[np.arange(m), [a for a, _ in pairs]] = 1.0
    X[np.arange(m), [b for _, b in pairs]] = -1.0
    X = X[:, 1:]
    cov = np.linalg.inv(X.T @ (X / (v + 0.05)[:, None]))
    beta = cov @ X.T @ (y / (v + 0.05))
    assert at.theta[1:] == pytest.approx(beta, rel=1e-10, abs=1e-11)
    assert at.G[1:, 1:] == pytest.approx(cov, rel=1e-10, abs=1e-12)
    assert at.logdet == pytest.approx(-np.linalg.slogdet(cov)[1], rel=1e-12)
    for code in ("REML", "ML"):
        one, _ = dense(net, es, code)
        two, notes = searched(net, code)
        assert two == pytest.approx(one, rel=1e-9)
        assert not notes


def _all_results() -> list[Any]:
    """One of each kind that a network gives."""
    path = Path(__file__).parents[3] / "validation" / "values" / "network_smokingcessation.json"
    held = json.loads(path.read_text(encoding="utf-8"))["input"]
    net = network(contrasts(**held, measure="OR"), tau2="DL")
    year = {study: 1990 + i for i, study in enumerate(sorted(set(net.data.study)))}
    return [
        net,
        net.matrices(),
        net.split(),
        net.leave_one_out(),
        net.decomposition(),
        net.net_heat(),
        net.ranking("higher", draws=1000),
        net.hat_matrix(),
        net.flow_measures(),
        net.contributions(),
        net.contributions(method="random-walk"),
        net.trial_contributions(),
        net.comparison_funnel(net.treatments),
        network_regress(net, year),
    ]


def test_every_result_has_its_notes_its_papers_and_its_ways_out() -> None:
    for result in _all_results():
        name = type(result).__name__
        assert result.methods, name
        assert all(m.paper for m in result.methods), name
        assert isinstance(result.notes, tuple), name
        assert result.summary(), name
        for note in result.notes:
            assert note.text in result.summary(), name
        assert result._repr_html_().startswith("<"), name
        assert len(result.to_frame("pandas")), name
        assert "\n" not in repr(result), name
        assert len(repr(result)) < 160, name
        back = type(result).from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
        assert back.summary() == result.summary(), name
    net = _all_results()[0]
    assert repr(net.effect(*net.treatments[:2])).startswith("<NetworkEffect ")
    assert repr(net.league()).startswith('<Table "League table')


def test_q_of_estimates_that_add_up_is_0_and_no_rounding() -> None:
    es = contrasts(
        yi=[0.1, -0.12, -0.02],
        vi=[0.01, 0.02, 0.01],
        treat1=["A", "B", "A"],
        treat2=["B", "C", "C"],
        measure="MD",
    )
    fit = network(es)
    assert (fit.q, fit.q_df, fit.q_p, fit.i2) == (0.0, 1, 1.0, 0.0)
    assert "Q 0 on 1 df" in fit.summary()
