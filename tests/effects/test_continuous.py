"""Hedges' exact factor, and standardised means of trials with several arms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.effects.continuous import small_sample_factor, smd_covariance, standardised


def test_two_degrees_of_freedom() -> None:
    """Gamma(1) / Gamma(1/2) is one over the square root of pi."""
    assert float(small_sample_factor(2.0)) == pytest.approx(1.0 / math.sqrt(math.pi), rel=1e-14)


@given(st.integers(3, 100_000))
def test_the_factor_lies_near_its_approximation(df: int) -> None:
    """Hedges 1981: 1 − 3/(4 df − 1) is right to 0.007 from 3 degrees of freedom on."""
    factor = float(small_sample_factor(float(df)))
    assert factor < 1.0
    assert factor == pytest.approx(1.0 - 3.0 / (4.0 * df - 1.0), abs=0.02 / df)


def test_arms_are_measured_from_the_first() -> None:
    mean, sd, n = np.array([1.0, 3.0, 0.0]), np.full(3, 2.0), np.array([10.0, 10.0, 10.0])
    values, people = standardised(mean, sd, n)
    factor = float(small_sample_factor(27.0))
    assert values == pytest.approx([0.0, factor, -0.5 * factor])
    assert people == 30.0


def test_covariance_of_gleser_and_olkin() -> None:
    V = smd_covariance(np.array([0.5, -0.2]), np.array([20.0, 25.0]), 30.0, 75.0)
    assert (
        pytest.approx(
            np.array(
                [
                    [1 / 20 + 1 / 30 + 0.25 / 150, 1 / 30 - 0.1 / 150],
                    [1 / 30 - 0.1 / 150, 1 / 25 + 1 / 30 + 0.04 / 150],
                ]
            )
        )
        == V
    )
