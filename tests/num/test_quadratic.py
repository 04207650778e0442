"""The distribution of a weighted sum of squares: chi-squared, its laws, and a second route."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from equipoise.num.quadratic import below

sizes = st.floats(0.01, 100.0)


@pytest.mark.parametrize("k", [2, 3, 5, 40])
@pytest.mark.parametrize("q", [0.001, 0.4, 3.0, 9.0, 30.0, 90.0])
def test_equal_weights_give_chi_squared(k: int, q: float) -> None:
    found = below(3.0 * q, np.full(k, 6.0), np.full(k, 0.5))
    assert found == pytest.approx(stats.chi2.cdf(q, k - 1), rel=1e-11, abs=1e-13)


def by_imhof(q: float, a: np.ndarray, s: np.ndarray) -> float:
    """The same probability from the eigenvalues, by Imhof's integral (Biometrika 48:419)."""
    P = np.diag(a) - np.outer(a, a) / a.sum()
    half = np.sqrt(s)
    values = np.linalg.eigvalsh(half[:, None] * P * half)[1:]

    def integrand(u: float) -> float:
        angle = 0.5 * np.arctan(values * u).sum() - 0.5 * q * u
        return math.sin(angle) / (u * np.prod((1.0 + (values * u) ** 2) ** 0.25))

    tail, _ = integrate.quad(integrand, 0.0, np.inf, limit=2000, epsabs=1e-11)
    return 0.5 - tail / math.pi


@pytest.mark.parametrize("q", [1.0, 6.0, 25.0])
def test_agrees_with_imhof(q: float) -> None:
    a = np.array([1.0, 0.3, 2.5, 0.9, 1.7, 0.4])
    s = np.array([0.7, 2.0, 1.0, 3.5, 0.2, 1.1])
    assert below(q, a, s) == pytest.approx(by_imhof(q, a, s), abs=1e-8)


@given(st.lists(st.tuples(sizes, sizes), min_size=2, max_size=9), sizes, st.integers(-20, 20))
@settings(max_examples=60)
def test_it_rises_with_q_falls_with_the_variances_and_has_no_units(
    rows: list[tuple[float, float]], q: float, power: int
) -> None:
    a, s = (np.array(column) for column in zip(*rows, strict=True))
    found = below(q, a, s)
    assert 0.0 <= found <= 1.0
    assert below(2.0 * q, a, s) >= found - 1e-12
    assert below(q, a, 2.0 * s) <= found + 1e-12
    unit = 2.0**power
    assert below(q, a / unit, s * unit) == pytest.approx(found, abs=1e-12)
    assert below(q * unit, a * unit, s) == pytest.approx(found, abs=1e-12)


def test_weights_many_orders_of_magnitude_apart() -> None:
    rng = np.random.default_rng(4)
    a, s = np.exp(rng.normal(0.0, 8.0, 6)), np.exp(rng.normal(0.0, 8.0, 6))
    y = rng.normal(0.0, np.sqrt(s), (200_000, 6))
    away = y - ((y @ a) / a.sum())[:, None]
    q = (away**2) @ a
    for p in (0.05, 0.5, 0.95):
        assert below(float(np.quantile(q, p)), a, s) == pytest.approx(p, abs=0.005)


def test_nothing_lies_below_zero() -> None:
    assert below(0.0, np.ones(3), np.ones(3)) == 0.0
    assert below(1e9, np.ones(3), np.ones(3)) == pytest.approx(1.0, abs=1e-12)
