"""Crossing probabilities by recursion beside multivariate normal integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from equipoise.num.looks import Path, crossing, two_sided_bounds


def test_one_look_is_the_normal_distribution() -> None:
    for chance in (0.05, 1e-4, 1e-100):
        (z,) = two_sided_bounds([0.3], [chance])
        assert 2.0 * ndtr(-z) == pytest.approx(chance, rel=1e-9)
    assert two_sided_bounds([0.3], [0.0]) == [math.inf]


def test_two_looks_beside_a_double_integral() -> None:
    times, z = [0.4, 1.0], [2.1, 1.9]
    cov = np.array([[0.4, 0.4], [0.4, 1.0]])
    bound = np.array(z) * np.sqrt(times)
    inside = multivariate_normal.cdf(bound, cov=cov, lower_limit=-bound)
    below, above = crossing(times, [-x for x in z], z, 0.0)
    assert sum(below) + sum(above) == pytest.approx(1.0 - inside, abs=1e-9)
    assert below == pytest.approx(above, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    gaps=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6),
    spend=st.lists(st.floats(1e-9, 0.02), min_size=6, max_size=6),
)
def test_boundaries_spend_what_they_were_given(gaps: list[float], spend: list[float]) -> None:
    times = np.cumsum(gaps).tolist()
    given_up = spend[: len(times)]
    z = two_sided_bounds(times, given_up)
    below, above = crossing(times, [-x for x in z], z, 0.0)
    assert np.add(below, above) == pytest.approx(given_up, rel=1e-9)
    # Information has no unit.
    assert two_sided_bounds([7e6 * t for t in times], given_up) == pytest.approx(z, rel=1e-9)


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-5])
def test_looks_that_lie_close_together(gap: float) -> None:
    times = [0.5, 0.5 * (1.0 + gap), 1.0]
    spend = [0.01, 0.001, 0.02]
    z = two_sided_bounds(times, spend)
    below, above = crossing(times, [-x for x in z], z, 0.0)
    assert np.add(below, above) == pytest.approx(spend, rel=1e-9)
    inner = two_sided_bounds([0.5, 1.0], [0.011, 0.02])[1]
    assert z[2] == pytest.approx(inner, abs=0.02)


def test_drift_moves_the_mean_and_nothing_is_lost() -> None:
    path = Path.start(2.0)
    after = path.after(0.5, -math.inf, math.inf, 1.0)
    assert after.left == pytest.approx(1.0, rel=1e-12)
    assert float(after.mass @ after.nodes) == pytest.approx(1.0, rel=1e-12)
    assert after.above(1.0, 2.0) == pytest.approx(0.5, rel=1e-12)
    assert after.lower(1.0, ndtr(-1.0)) == pytest.approx(1.0, rel=1e-9)
    assert after.upper(1.0, ndtr(-1.0)) == pytest.approx(3.0, rel=1e-9)


def test_an_empty_region_holds_nothing() -> None:
    path = Path.start().after(0.5, 1.0, 1.0, 1.0)
    assert path.left == 0.0
    assert path.above(1.0, 0.0) == 0.0
    assert path.upper(1.0, 0.1) == -math.inf
