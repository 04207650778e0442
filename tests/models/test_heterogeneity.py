"""tau², its interval, Q, I² and H²: against dense matrices, their own equations, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.heterogeneity import (
    ESTIMATORS,
    Spread,
    estimate_tau2,
    heterogeneity,
    tau2_interval,
)
from equipoise.num.dist import chi2_quantile

Rows = list[tuple[float, float]]

estimates = st.floats(-5.0, 5.0).map(lambda x: round(x, 3))
variances = st.floats(0.01, 4.0).map(lambda x: round(x, 4))


def trials(least: int = 2, most: int = 10) -> st.SearchStrategy[Rows]:
    return st.lists(st.tuples(estimates, variances), min_size=least, max_size=most)


def split(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([y for y, _ in rows]), np.array([v for _, v in rows])


def projector(v: np.ndarray, t: float) -> np.ndarray:
    w = 1.0 / (v + t)
    return np.diag(w) - np.outer(w, w) / w.sum()


def restricted(y: np.ndarray, v: np.ndarray, t: float) -> float:
    """The restricted log-likelihood written out plainly."""
    w = 1.0 / (v + t)
    away = y - (w @ y) / w.sum()
    return float(0.5 * np.log(w).sum() - 0.5 * np.log(w.sum()) - 0.5 * w @ away**2)


@given(trials(), st.floats(0.0, 10.0))
def test_the_sums_are_those_of_the_dense_matrices(rows: Rows, t: float) -> None:
    y, v = split(rows)
    spread = Spread(y, v)
    c = spread.scale
    P = projector(v, t)
    reml, ml = spread.reml_slopes(t / c), spread.ml_slopes(t / c)
    close = {"rel": 1e-9, "abs": 1e-9}
    assert spread.q(t / c) == pytest.approx(y @ P @ y, **close)
    assert spread.trace(t / c) / c == pytest.approx(np.trace(P), **close)
    assert reml.gain / c == pytest.approx(y @ P @ P @ y, **close)
    assert reml.loss / c == pytest.approx(np.trace(P), **close)
    assert reml.gain_fall / c**2 == pytest.approx(2.0 * y @ P @ P @ P @ y, **close)
    assert reml.loss_fall / c**2 == pytest.approx(np.trace(P @ P), **close)
    w = 1.0 / (v + t)
    assert ml.loss / c == pytest.approx(w.sum(), **close)
    assert ml.loss_fall / c**2 == pytest.approx((w**2).sum(), **close)


@given(trials())
@settings(max_examples=60)
def test_no_tau2_of_a_dense_grid_is_likelier_than_reml(rows: Rows) -> None:
    y, v = split(rows)
    found = estimate_tau2(Spread(y, v), "REML")
    best = restricted(y, v, found.value)
    top = float(((y - y.mean()) ** 2).sum()) + v.max()
    grid = np.concatenate([[0.0], np.geomspace(1e-6, top, 300), found.optima])
    assert best >= max(restricted(y, v, t) for t in grid) - 1e-10
    assert found.value in found.optima
    assert found.n_optima == len(found.optima)


def test_of_several_optima_of_the_likelihood_the_highest_is_found() -> None:
    # Two precise trials agree and three imprecise ones are far apart: one maximum at 0 and another.
    y = np.array([0.0, 0.05, 4.0, -4.5, 5.0])
    v = np.array([0.001, 0.001, 0.3, 0.3, 0.3])
    several = []
    for far in np.geomspace(0.05, 3.0, 60):
        found = estimate_tau2(Spread(y * far, v), "REML")
        if found.n_optima > 1:
            several.append(found.value > found.optima[0])
            values = [restricted(y * far, v, t) for t in found.optima]
            assert found.value == found.optima[int(np.argmax(values))]
            grid = np.geomspace(1e-7, 100.0, 4000)
            heights = [restricted(y * far, v, 0.0), *(restricted(y * far, v, t) for t in grid)]
            peaks = sum(
                heights[i] > max(heights[i - 1] if i else -np.inf, heights[i + 1])
                for i in range(len(heights) - 1)
            )
            assert found.n_optima == peaks
    assert several  # the case occurs, with the higher maximum on either side
    assert {True, False} == set(several)


@given(trials())
def test_paule_mandel_makes_q_equal_to_its_degrees_of_freedom(rows: Rows) -> None:
    y, v = split(rows)
    spread = Spread(y, v)
    found = estimate_tau2(spread, "PM")
    q = float(y @ projector(v, found.value) @ y)
    if found.value > 0.0:
        assert q == pytest.approx(len(rows) - 1, rel=1e-9)
    else:
        assert q <= (len(rows) - 1) * (1 + 1e-12)


@given(trials(), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_the_bounds_of_tau2_satisfy_their_equations(rows: Rows, level: float) -> None:
    y, v = split(rows)
    spread = Spread(y, v)
    ci = tau2_interval(spread, level)
    assert ci is not None
    tail = 0.5 * (1.0 - level)
    assert 0.0 <= ci.low <= ci.high
    for bound, p in ((ci.low, 1.0 - tail), (ci.high, tail)):
        target = chi2_quantile(p, len(rows) - 1)
        q = float(y @ projector(v, bound) @ y)
        if bound > 0.0:
            assert q == pytest.approx(target, rel=1e-8)
        else:
            assert q <= target * (1.0 + 1e-9)


@given(trials(2, 8))
def test_delta_method_free_identities_of_i2_and_h2(rows: Rows) -> None:
    y, v = split(rows)
    spread = Spread(y, v)
    het = heterogeneity(spread)
    dl = estimate_tau2(spread, "DL").value
    # With the estimator of DerSimonian and Laird, both definitions of I² and H² meet.
    if dl > 0.0:
        assert het.i2(dl) == pytest.approx(100.0 * (het.q - het.df) / het.q, rel=1e-9, abs=1e-9)
        assert het.h2(dl) == pytest.approx(het.q / het.df, rel=1e-9)
    assert het.i2(0.0) == 0.0
    assert het.h2(0.0) == 1.0


@pytest.mark.parametrize("code", ESTIMATORS)
@given(rows=trials(2, 7), shift=st.sampled_from([0.0, 1e6, -(2.0**20)]), unit=st.integers(-40, 40))
@settings(max_examples=25)
def test_tau2_ignores_order_sign_place_and_unit(
    code: str, rows: Rows, shift: float, unit: int
) -> None:
    # Dyadic numbers, so that the shift loses no digit.
    y, v = split(rows)
    y = np.round(y * 1024.0) / 1024.0
    value = estimate_tau2(Spread(y, v), code).value
    spread = Spread(y, v)
    assume(value == 0.0 or value > 1e-9 * v.min())
    factor = 2.0**unit
    # Units by a power of two change no digit at all.
    assert estimate_tau2(Spread(y * factor, v * factor**2), code).value == value * factor**2
    assert estimate_tau2(Spread(y[::-1], v[::-1]), code).value == value
    close = {"rel": 1e-8, "abs": 1e-8 * float(v.min())}
    # With ties of the variance, the sign swap changes the order of sums and so the last digit.
    assert estimate_tau2(Spread(-y, v), code).value == pytest.approx(value, **close)
    assert estimate_tau2(Spread(y + shift, v), code).value == pytest.approx(value, **close)
    assert spread.total >= 0.0


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("code", ESTIMATORS)
def test_extreme_variances_scale_through(code: str, scale: float) -> None:
    y = np.array([0.1, 0.9, -0.4, 0.6, 1.4])
    v = np.array([0.04, 0.09, 0.02, 0.2, 0.1])
    base = estimate_tau2(Spread(y, v), code).value
    found = estimate_tau2(Spread(y * math.sqrt(scale), v * scale), code).value
    assert base > 0.0
    assert found == pytest.approx(base * scale, rel=1e-12)


@pytest.mark.parametrize("code", ESTIMATORS)
def test_variances_24_orders_of_magnitude_apart(code: str) -> None:
    y = np.array([0.3, 0.7, -0.2, 2e5])
    v = np.array([1e-12, 1e-6, 1.0, 1e12])
    found = estimate_tau2(Spread(y, v), code)
    assert math.isfinite(found.value)
    assert found.value >= 0.0
    ci = tau2_interval(Spread(y, v))
    assert ci is not None
    assert math.isfinite(ci.high)


@pytest.mark.parametrize("code", ESTIMATORS)
def test_equal_estimates_give_zero_and_an_empty_interval(code: str) -> None:
    spread = Spread([2.0, 2.0, 2.0, 2.0], [0.1, 0.2, 0.3, 0.4])
    assert estimate_tau2(spread, code).value == 0.0
    assert tau2_interval(spread).high == 0.0  # type: ignore[union-attr]
    assert heterogeneity(spread).q == 0.0


def test_equal_variances_have_closed_forms() -> None:
    y, v = np.array([1.0, 2.0, 4.0, 7.0]), np.full(4, 0.5)
    total = float(((y - y.mean()) ** 2).sum())
    spread = Spread(y, v)
    for code in ("REML", "DL", "PM"):
        assert estimate_tau2(spread, code).value == pytest.approx(total / 3 - 0.5, rel=1e-13)
    assert estimate_tau2(spread, "ML").value == pytest.approx(total / 4 - 0.5, rel=1e-13)


@pytest.mark.parametrize("code", ESTIMATORS)
def test_one_trial_tells_nothing_about_tau2(code: str) -> None:
    spread = Spread([0.4], [0.1])
    found = estimate_tau2(spread, code)
    assert (found.value, found.n_optima, found.optima) == (0.0, 1, ())
    assert tau2_interval(spread) is None
    het = heterogeneity(spread)
    assert (het.q, het.df, het.p_value, het.i2(0.0), het.h2(0.0)) == (0.0, 0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("y", "v"),
    [
        ([1.0], [0.0]),
        ([1.0], [-1.0]),
        ([math.nan], [1.0]),
        ([1.0], [math.inf]),
        ([1.0, 2.0], [1.0]),
    ],
)
def test_numbers_that_cannot_be_pooled_are_refused(y: list[float], v: list[float]) -> None:
    with pytest.raises(InputError):
        Spread(y, v)
    with pytest.raises(InputError, match="at least one trial"):
        Spread([], [])


def test_an_unknown_estimator_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'REML'; known: REML, DL, PM, ML"):
        estimate_tau2(Spread([1.0, 2.0], [1.0, 1.0]), "reml")


@pytest.mark.parametrize("code", ESTIMATORS)
def test_every_estimator_has_a_paper(code: str) -> None:
    method = ESTIMATORS[code].method
    assert ESTIMATORS[code].code == code
    assert method.paper
    assert method.doi.startswith("10.")
