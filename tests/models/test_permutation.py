"""Permutation tests: against refits one by one, their invariants, and their refusals."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.pairwise import pairwise
from equipoise.models.permutation import PermutationTest, _groups, _unranked, permutation_test
from equipoise.models.permuted import Permuted
from equipoise.models.regression import regress
from equipoise.models.residual_tau2 import RESIDUAL_ESTIMATORS

Y = [0.10, 0.75, 0.62, -0.20, 1.20, 0.90, 0.3]
V = [0.010, 0.020, 0.015, 0.030, 0.050, 0.012, 0.2]
X = [1.0, 2.0, 4.0, 0.0, 3.0, 6.0, 3.0]


def fit_of(k: int = 5, **settings: Any) -> Any:
    es = contrasts(yi=Y[:k], vi=V[:k], measure="MD")
    return regress(es, "~ dose", data={"dose": X[:k]}, **settings)


BULK = [code for code, e in RESIDUAL_ESTIMATORS.items() if not e.weights]


@pytest.mark.parametrize("interval", ["Wald", "t", "HK", "HK-guarded"])
@pytest.mark.parametrize("tau2", [*BULK, "common"])
def test_refits_in_bulk_are_refits_one_by_one(tau2: str, interval: str) -> None:
    if tau2 == "common" and interval.startswith("HK"):
        return
    kind: dict[str, Any] = {"model": "common"} if tau2 == "common" else {"tau2": tau2}
    fit = fit_of(7, interval=interval, **kind)
    refits = Permuted(fit.yi, fit.vi, fit.X, "" if tau2 == "common" else tau2, interval, [1])
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(7), (12, 1)), axis=1)
    statistic, qm = refits.by_order(orders)
    for order, found, omnibus in zip(orders, statistic, qm, strict=True):
        es = contrasts(yi=fit.yi[order], vi=fit.vi[order], measure="MD")
        one = regress(es, "~ dose", data={"dose": X}, interval=interval, **kind)
        assert found == pytest.approx(one.statistic, rel=1e-8, abs=1e-9)
        assert omnibus == pytest.approx(one.qm, rel=1e-8, abs=1e-12)


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_likelihoods_with_several_maxima_are_refitted_to_the_highest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = np.exp(rng.normal(0.0, 2.5, 6))
    y, x = rng.standard_t(2, 6) * 2.0, rng.normal(size=6)
    es = contrasts(yi=y, vi=v, measure="MD")
    fit = regress(es, X=x, interval="Wald")
    found = Permuted(fit.yi, fit.vi, fit.X, "REML", "Wald", [1]).by_order(np.arange(6)[None, :])
    assert found[0][0] == pytest.approx(fit.statistic, rel=1e-6, abs=1e-7)


def test_exact_is_the_share_of_all_orders() -> None:
    fit = fit_of(5, interval="HK")
    found = permutation_test(fit, iterations="exact")
    values = []
    for order in itertools.permutations(range(5)):
        es = contrasts(yi=[Y[i] for i in order], vi=[V[i] for i in order], measure="MD")
        values.append(regress(es, "~ dose", data={"dose": X[:5]}, interval="HK").statistic)
    all_of = np.abs(np.array(values))
    expected = (all_of >= np.abs(fit.statistic) - 1e-8).mean(0)
    assert found.p_value == pytest.approx(expected)
    assert found.iterations == found.possible == 120
    assert found.exact
    assert found.seed is None
    greater = permutation_test(fit, iterations="exact", alternative="greater").p_value
    less = permutation_test(fit, iterations="exact", alternative="less").p_value
    assert (greater + less >= 1.0).all()
    assert greater[1] == pytest.approx((np.array(values)[:, 1] >= fit.statistic[1] - 1e-8).mean())


def test_equal_rows_of_moderators_are_counted_once() -> None:
    es = contrasts(yi=Y, vi=V, measure="MD")
    fit = regress(es, "~ arm", data={"arm": list("aababba")}, interval="Wald")
    found = permutation_test(fit)
    assert found.possible == math.comb(7, 3)
    values = []
    for chosen in itertools.combinations(range(7), 3):
        arm = ["b" if i in chosen else "a" for i in range(7)]
        values.append(regress(es, "~ arm", data={"arm": arm}, interval="Wald").statistic[1])
    expected = (np.abs(values) >= abs(fit.statistic[1]) - 1e-8).mean()
    assert found.p_value[1] == pytest.approx(expected)


@pytest.mark.parametrize("groups", [[0, 0, 1, 2], [0, 1, 2, 3, 4], [0, 0, 0], [1, 0, 1, 0, 1, 2]])
def test_every_arrangement_is_dealt_once(groups: list[int]) -> None:
    wanted = sorted(set(itertools.permutations(groups)))
    found = _unranked(np.array(groups), np.arange(len(wanted)))
    assert [tuple(row) for row in found.tolist()] == wanted


def test_without_moderators_signs_are_rearranged() -> None:
    es = contrasts(yi=Y, vi=V, measure="MD")
    fit = regress(es, interval="HK")
    found = permutation_test(fit)
    assert (found.rearranged, found.iterations) == ("signs", 128)
    values = []
    for signs in itertools.product((1.0, -1.0), repeat=7):
        turned = contrasts(yi=np.array(Y) * signs, vi=V, measure="MD")
        values.append(float(regress(turned, interval="HK").statistic[0]))
    expected = (np.abs(values) >= abs(fit.statistic[0]) - 1e-8).mean()
    assert found.p_value[0] == pytest.approx(expected)
    assert found.qm_p == pytest.approx(expected)


def test_a_pairwise_synthesis_is_tested_by_signs() -> None:
    es = contrasts(yi=Y, vi=V, measure="MD")
    found = permutation_test(pairwise(es, interval="HK"))
    assert found.p_value == pytest.approx(permutation_test(regress(es, interval="HK")).p_value)
    assert permutation_test(pairwise(es, model="common")).possible == 128
    with pytest.raises(InputError, match="own weights"):
        permutation_test(pairwise(es, weighted=False, interval="Wald"))
    with pytest.raises(InputError, match="interval KR"):
        permutation_test(pairwise(es, interval="KR"))


def test_random_rearrangements_come_near_and_can_be_repeated() -> None:
    fit = fit_of(7, interval="HK")
    exact = permutation_test(fit, iterations="exact")
    found = permutation_test(fit, iterations=2000, seed=4)
    assert not found.exact
    assert found.iterations == 2000
    assert (np.abs(found.p_value - exact.p_value) < 4.5 * found.mc_se + 1e-3).all()
    assert found.to_dict() == permutation_test(fit, iterations=2000, seed=4).to_dict()
    again = permutation_test(fit, iterations=500)
    assert again.seed is not None
    assert permutation_test(fit, iterations=500, seed=again.seed).to_dict() == again.to_dict()
    assert "monte-carlo" in {note.code for note in found.notes}
    assert found.p_value.min() >= 1.0 / 2000


@given(st.sampled_from([0.5, 4.0, 2.0**30]), st.sampled_from([0.0, 1e3]))
@settings(max_examples=10, deadline=None)
def test_units_and_origins_never_matter(factor: float, origin: float) -> None:
    one = permutation_test(fit_of(6, interval="HK"))
    es = contrasts(yi=np.array(Y[:6]) * factor, vi=np.array(V[:6]) * factor**2, measure="MD")
    dose = [3.0 * x + origin for x in X[:6]]
    two = permutation_test(regress(es, "~ dose", data={"dose": dose}, interval="HK"))
    assert two.p_value[1] == one.p_value[1]
    assert two.qm_p == one.qm_p


def test_progress_is_told_and_the_result_reads_well() -> None:
    told: list[tuple[int, int]] = []
    found = permutation_test(fit_of(7), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (int(found.possible), int(found.possible))
    assert "Exact permutation test, 2,520 rearrangements of the moderators" in str(found)
    assert repr(found).startswith("<PermutationTest exact, 2,520")
    assert "<table" in found._repr_html_()
    assert list(found.to_frame("pandas")["name"]) == ["intercept", "dose"]
    again = PermutationTest.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    few = permutation_test(fit_of(4, interval="Wald", model="common"), iterations="exact")
    assert few.possible == 24
    three = permutation_test(regress(contrasts(yi=Y[:3], vi=V[:3], measure="MD")))
    assert "few-rearrangements" in {note.code for note in three.notes}


@pytest.mark.parametrize(
    ("settings", "call", "error", "words"),
    [
        ({}, {"iterations": "all"}, UnknownNameError, "exact"),
        ({}, {"iterations": 1}, InputError, "1 iterations"),
        ({}, {"iterations": True}, UnknownNameError, "auto"),
        ({}, {"alternative": "two.sided"}, UnknownNameError, "'two-sided'"),
        ({"interval": "KR"}, {}, InputError, "Kenward"),
        ({"weights": "equal"}, {}, InputError, "own weights"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    settings: Any, call: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        permutation_test(fit_of(6, **settings), **call)


def test_too_many_rearrangements_are_refused_with_a_remedy() -> None:
    rng = np.random.default_rng(1)
    es = contrasts(yi=rng.normal(size=20), vi=rng.uniform(0.1, 1.0, 20), measure="MD")
    fit = regress(es, X=rng.normal(size=20), interval="Wald")
    with pytest.raises(NotEstimableError, match="at random"):
        permutation_test(fit, iterations="exact")
    assert permutation_test(fit, iterations=50, seed=1).iterations == 50
    assert len(set(_groups(fit.X).tolist())) == 20
