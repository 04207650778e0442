"""Quantiles and tails against SciPy's distributions."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from equipoise.num.dist import (
    chi2_quantile,
    chi2_tail,
    critical,
    normal_quantile,
    normal_two_sided,
    t_quantile,
    t_two_sided,
)

probabilities = st.floats(1e-12, 1.0 - 1e-12)
freedoms = st.one_of(st.integers(1, 500).map(float), st.floats(0.5, 1e4))


@given(probabilities)
def test_normal_quantile(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-12, abs=1e-15)


@given(st.floats(-37.0, 37.0))
def test_normal_two_sided(z: float) -> None:
    assert normal_two_sided(z) == pytest.approx(2.0 * stats.norm.sf(abs(z)), rel=1e-12)


@settings(max_examples=200)
@given(probabilities, freedoms)
def test_t_quantile_goes_back_to_its_probability(p: float, df: float) -> None:
    tail = min(p, 1.0 - p)
    assert stats.t.sf(abs(t_quantile(p, df)), df) == pytest.approx(tail, rel=1e-9)


@given(st.floats(1e-6, 0.499), freedoms)
def test_t_quantile_is_odd(p: float, df: float) -> None:
    assert t_quantile(p, df) == pytest.approx(-t_quantile(1.0 - p, df), rel=1e-8)
    assert t_quantile(p, df) < 0.0


# 97.5 per cent points as in every table of t, to more digits by the finite series for whole degrees
# of freedom (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4) in forty-digit arithmetic.
@pytest.mark.parametrize(
    ("df", "expected"),
    [
        (1, 12.70620473617471),
        (5, 2.570581835636314),
        (10, 2.228138851986275),
        (30, 2.042272456301238),
    ],
)
def test_t_quantile_of_the_table(df: int, expected: float) -> None:
    assert t_quantile(0.975, df) == pytest.approx(expected, rel=1e-12)
    assert critical(0.95, df) == pytest.approx(expected, rel=1e-12)


def test_t_of_a_middle_probability() -> None:
    assert t_quantile(0.5, 7.0) == 0.0
    assert t_quantile(0.6, 7.0) == pytest.approx(stats.t.ppf(0.6, 7.0), rel=1e-9)
    assert t_quantile(0.4, 7.0) == pytest.approx(-stats.t.ppf(0.6, 7.0), rel=1e-9)


def test_t_with_endless_freedom_is_normal() -> None:
    assert t_quantile(0.975, math.inf) == normal_quantile(0.975)
    assert t_two_sided(1.3, math.inf) == normal_two_sided(1.3)
    assert t_quantile(0.975, 1e9) == pytest.approx(normal_quantile(0.975), rel=1e-8)


@given(st.floats(-50.0, 50.0), freedoms)
def test_t_two_sided(t: float, df: float) -> None:
    # SciPy's own tail is right to about eight digits near t = 0.
    assert t_two_sided(t, df) == pytest.approx(2.0 * stats.t.sf(abs(t), df), rel=1e-9, abs=1e-8)


@given(st.floats(-1e6, 1e6))
def test_t_of_one_degree_of_freedom_is_an_arctangent(t: float) -> None:
    exact = math.atan(1.0 / abs(t)) if abs(t) > 1.0 else 0.5 * math.pi - math.atan(abs(t))
    assert t_two_sided(t, 1.0) == pytest.approx(2.0 / math.pi * exact, rel=1e-13)


@given(st.floats(0.0, 300.0), st.integers(1, 200))
def test_chi2_tail(x: float, df: int) -> None:
    assert chi2_tail(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-10, abs=1e-300)


@given(st.floats(1e-6, 1.0 - 1e-6), st.integers(1, 200))
def test_chi2_quantile(p: float, df: int) -> None:
    assert chi2_quantile(p, df) == pytest.approx(stats.chi2.ppf(p, df), rel=1e-9)


def test_chi2_at_its_edges() -> None:
    assert chi2_tail(3.0, 0) == 1.0
    assert chi2_tail(-1e-18, 4) == 1.0


def test_critical_value() -> None:
    assert critical(0.95) == pytest.approx(1.959963984540054, rel=1e-14)
    assert critical(0.90) == pytest.approx(1.6448536269514722, rel=1e-14)


def test_no_heavy_import() -> None:
    code = (
        "import sys, equipoise.num.dist;"
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
