"""The distribution of weighted sums of chi-squared variables."""

from __future__ import annotations

from fractions import Fraction
from math import exp, factorial

import numpy as np
import pytest
from scipy import special

from equipoise.num.mixture import _along_a_line, chi2_mixture_cdf


@pytest.mark.parametrize("n", [1, 2, 5, 12, 30, 40, 100, 300, 1000])
def test_equal_weights_give_chi_squared(n: int) -> None:
    for share in (0.01, 0.3, 0.7, 0.999, 1.001, 1.4, 2.0, 4.0):
        expected = float(special.gammainc(0.5 * n, 0.5 * n * share))
        found = chi2_mixture_cdf(3.0 * n * share, np.full(n, 3.0))
        assert found == pytest.approx(expected, rel=1e-9, abs=5e-13)


@pytest.mark.parametrize("ratio", [2, 10, 1000])
def test_pairs_of_weights_give_sums_of_exponentials(ratio: int) -> None:
    means = [Fraction(1), Fraction(ratio), Fraction(3, 2), Fraction(7, 5)]
    weights = np.array([float(m) for m in means for _ in (0, 1)])
    for x in (0.5, 4.0, 1.2 * float(sum(means)), 5.0 * ratio):
        upper = 0.0
        for m in means:
            share = Fraction(1)
            for other in means:
                if other != m:
                    share *= m / (m - other)
            upper += float(share) * exp(-x / (2.0 * float(m)))
        assert chi2_mixture_cdf(x, weights) == pytest.approx(1.0 - upper, abs=1e-12)


def test_two_ways_agree() -> None:
    rng = np.random.default_rng(4)
    w = rng.lognormal(0.0, 1.0, 60)
    mean, sd = float(w.sum()), float((2.0 * (w @ w)) ** 0.5)
    for at in (-2.0, -0.5, 0.0, 0.01, 3.0):
        x = mean + at * sd
        both = _along_a_line(x, w, mean, sd), chi2_mixture_cdf(x, w)
        assert both[0] == pytest.approx(both[1], abs=1e-12)


def test_bounds() -> None:
    assert chi2_mixture_cdf(0.0, np.ones(3)) == 0.0
    assert chi2_mixture_cdf(-1.0, np.ones(3)) == 0.0
    assert chi2_mixture_cdf(1e9, np.ones(3)) == pytest.approx(1.0)
    # Four variables: Poisson tail, to compare with a closed form once more.
    x = 3.0
    tail = exp(-x / 2) * sum((x / 2) ** i / factorial(i) for i in range(2))
    assert chi2_mixture_cdf(x, np.ones(4)) == pytest.approx(1.0 - tail, abs=1e-13)
