"""Kendall's rank correlation with its exact and its normal p value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import NotEstimableError
from equipoise.num.dist import normal_two_sided

Floats = NDArray[np.float64]

#: Above this many trials the exact distribution costs more than it tells: the normal one agrees.
MOST_EXACT = 300


@dataclass(frozen=True, slots=True)
class Kendall:
    """A rank correlation.

    Attributes
    ----------
    tau
        Kendall's tau-b.
    s, se
        Concordant less discordant pairs, and the standard error of that, corrected for ties.
    z, p_value
        Standardised `s`, with a continuity correction if asked for; the two-sided p value, exact
        if `exact`.
    exact
        Whether the p value is that of the exact distribution.
    ties
        Whether any values are tied.
    """

    tau: float
    s: int
    se: float
    z: float
    p_value: float
    exact: bool
    ties: bool


def kendall(x: Floats, y: Floats, *, exact: bool = True, continuity: bool = False) -> Kendall:
    """Correlate the ranks of `x` and `y`.

    Parameters
    ----------
    x, y
        Values, shape (k,).
    exact
        Use the exact distribution where it holds: no ties, at most 300 trials.
    continuity
        Move `s` by one towards zero for the normal p value.

    Raises
    ------
    NotEstimableError
        When all values of one are tied.

    Notes
    -----
    Source: Kendall 1938, Biometrika 30:81 (exact); Kendall, Gibbons 1990, Rank Correlation
    Methods, chapters 3 and 4 (ties). The same numbers as R's ``cor.test``.
    """
    k = len(x)
    s = sum(
        int((np.sign(x[i] - x[i + 1 :]) * np.sign(y[i] - y[i + 1 :])).sum()) for i in range(k - 1)
    )
    tied_x, tied_y = _ties(x), _ties(y)
    pairs = k * (k - 1) / 2
    left_x, left_y = (pairs - float((t * (t - 1)).sum()) / 2 for t in (tied_x, tied_y))
    if min(left_x, left_y) <= 0.0:
        raise NotEstimableError(
            "all trials tie in rank, so no rank correlation exists",
            hint="small_study(..., 'Egger')",
        )
    ties = bool(tied_x.size or tied_y.size)
    se = math.sqrt(_variance(k, tied_x, tied_y))
    moved = math.copysign(max(0, abs(s) - 1), s) if continuity else float(s)
    z = moved / se if se > 0.0 else math.nan
    use_exact = exact and not ties and k <= MOST_EXACT
    p = _exact_p(k, s) if use_exact else normal_two_sided(z)
    return Kendall(s / math.sqrt(left_x * left_y), s, se, z, p, use_exact, ties)


def _ties(values: Floats) -> Floats:
    """How many share each tied value."""
    sizes = np.unique(values, return_counts=True)[1]
    return sizes[sizes > 1].astype(np.float64)


def _variance(k: int, t: Floats, u: Floats) -> float:
    """The null variance of `s` with these ties."""
    whole = k * (k - 1) * (2 * k + 5)
    lost = sum(float((n * (n - 1) * (2 * n + 5)).sum()) for n in (t, u))
    twos = float((t * (t - 1)).sum()) * float((u * (u - 1)).sum())
    threes = float((t * (t - 1) * (t - 2)).sum()) * float((u * (u - 1) * (u - 2)).sum())
    found = (whole - lost) / 18.0 + twos / (2.0 * k * (k - 1))
    return found + (threes / (9.0 * k * (k - 1) * (k - 2)) if k > 2 else 0.0)


def _exact_p(k: int, s: int) -> float:
    """Two-sided p value from the number of orders with as many concordant pairs."""
    shares = np.ones(1)
    for n in range(2, k + 1):  # the n-th value can stand in n places, each as likely
        longer = np.zeros(len(shares) + n - 1)
        sums = np.concatenate([[0.0], np.cumsum(shares)])
        places = np.arange(len(longer))
        upper = np.minimum(places + 1, len(shares))
        lower = np.maximum(places + 1 - n, 0)
        longer[:] = (sums[upper] - sums[lower]) / n
        shares = longer
    concordant = (k * (k - 1) // 2 + s) // 2
    few = min(concordant, k * (k - 1) // 2 - concordant)
    return min(1.0, 2.0 * float(shares[: few + 1].sum()))
