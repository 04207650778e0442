"""Quantiles and tails of the normal, t and chi-squared distributions, by thin names over SciPy.

Only :mod:`scipy.special` is imported: :mod:`scipy.stats` costs a large part of a second. Quantiles
that every fit asks for are remembered.
"""

from __future__ import annotations

import math
from functools import lru_cache

from scipy import special


def normal_quantile(p: float) -> float:
    """Return the standard normal quantile of `p`."""
    return float(special.ndtri(p))


def normal_tail(z: float) -> float:
    """Return the upper tail of the standard normal beyond `z`."""
    return float(special.ndtr(-z))


def normal_density(z: float) -> float:
    """Return the standard normal density at `z`."""
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def normal_two_sided(z: float) -> float:
    """Return the two-sided p value of a standard normal statistic."""
    return float(2.0 * special.ndtr(-abs(z)))


def t_quantile(p: float, df: float) -> float:
    """Return the quantile of `p` of Student's t with `df` degrees of freedom.

    Through the incomplete beta function, because SciPy's own t quantile carries only about eight
    digits in some versions. ``df = inf`` gives the normal quantile.
    """
    if math.isinf(df):
        return normal_quantile(p)
    tail = min(p, 1.0 - p)
    if tail == 0.5:
        return 0.0
    if tail < 0.25:
        x = float(special.betaincinv(0.5 * df, 0.5, 2.0 * tail))
        size = math.sqrt(df * (1.0 - x) / x)
    else:
        x = float(special.betaincinv(0.5, 0.5 * df, 1.0 - 2.0 * tail))
        size = math.sqrt(df * x / (1.0 - x))
    return size if p > 0.5 else -size


def t_two_sided(t: float, df: float) -> float:
    """Return the two-sided p value of a t statistic with `df` degrees of freedom."""
    if math.isinf(df):
        return normal_two_sided(t)
    if t * t < df:  # the other tail of the same beta: near 1, df / (df + t²) would lose digits
        return 1.0 - float(special.betainc(0.5, 0.5 * df, t * t / (df + t * t)))
    return float(special.betainc(0.5 * df, 0.5, df / (df + t * t)))


@lru_cache(maxsize=1024)
def chi2_quantile(p: float, df: float) -> float:
    """Return the chi-squared quantile of `p` with `df` degrees of freedom."""
    return 2.0 * float(special.gammaincinv(0.5 * df, p))


def chi2_tail(x: float, df: float) -> float:
    """Return the upper tail of chi-squared beyond `x`; 1 when there are no degrees of freedom."""
    if df <= 0:
        return 1.0
    return float(special.gammaincc(0.5 * df, 0.5 * max(x, 0.0)))


@lru_cache(maxsize=1024)
def critical(level: float, df: float = math.inf) -> float:
    """Return the two-sided critical value of t (normal when `df` is infinite) for a `level`."""
    return -t_quantile(0.5 * (1.0 - level), df)


def f_tail(x: float, df1: float, df2: float) -> float:
    """Return the upper tail of F beyond `x`; that of chi-squared over `df1` for infinite `df2`."""
    if math.isinf(df2):
        return chi2_tail(x * df1, df1)
    if x <= 0.0:
        return 1.0
    return float(special.betainc(0.5 * df2, 0.5 * df1, df2 / (df2 + df1 * x)))
