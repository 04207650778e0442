"""How much trials differ beyond chance: tau², its estimators and interval, Q, I² and H².

Everything here takes plain arrays of estimates and variances. :class:`Spread` holds them in a form
in which no sum cancels: sorted by variance, scaled by a power of four near the smallest variance
(which changes no digit), and with estimates measured from that of the most precise trial. So
results do not depend on units, on the order of the trials, or on where the scale has its zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method
from equipoise.num.dist import chi2_quantile, chi2_tail
from equipoise.num.solve import Slopes, global_maximum, root

_EPS = 2.0**-52


class Spread:
    """Estimates and variances of k trials, prepared for sums over weights ``1 / (v + t)``.

    Parameters
    ----------
    yi, vi
        Estimates and their variances, shape (k,), finite; variances above zero.

    Raises
    ------
    InputError
        Naming the row of a value that is not finite or a variance that is not above zero.

    Notes
    -----
    All methods take and return values in the scaled units of `scale` (variances are divided by
    it); the functions of this module return the caller's units.
    """

    __slots__ = ("k", "order", "origin", "scale", "v", "y")

    def __init__(
        self, yi: Sequence[float] | NDArray[np.float64], vi: Sequence[float] | NDArray[np.float64]
    ) -> None:
        y = np.asarray(yi, dtype=np.float64)
        v = np.asarray(vi, dtype=np.float64)
        _check(y, v)
        # Ties by the estimate, so that the order of the trials never matters, not even in rounding.
        self.order: NDArray[np.intp] = np.lexsort((y, v))
        smallest = float(v[self.order[0]])
        self.scale: float = 4.0 ** math.floor(math.log2(smallest) / 2.0)
        self.origin: float = float(y[self.order[0]])
        self.v: NDArray[np.float64] = v[self.order] / self.scale
        self.y: NDArray[np.float64] = (y[self.order] - self.origin) / math.sqrt(self.scale)
        self.k: int = len(y)

    def mean(self, t: float) -> float:
        """The weighted mean, from the origin."""
        w = 1.0 / (self.v + t)
        return float(w @ self.y / w.sum())

    def q(self, t: float) -> float:
        """The weighted sum of squares about the weighted mean; it falls with `t`."""
        w = 1.0 / (self.v + t)
        away = self.y - w @ self.y / w.sum()
        return float(w @ (away * away))

    def trace(self, t: float) -> float:
        """Sum of the weights minus the sum of their squares over their sum: ``tr(P)``."""
        w = 1.0 / (self.v + t)
        return float(w @ _others(w)) / float(w.sum())

    @property
    def total(self) -> float:
        """The unweighted sum of squares about the unweighted mean."""
        away = self.y - self.y.mean()
        return float(away @ away)

    def reml_value(self, t: float) -> float:
        """The restricted log-likelihood at `t`, up to a constant."""
        total = self.v + t
        return -0.5 * float(np.log(total).sum() + np.log((1.0 / total).sum()) + self.q(t))

    def ml_value(self, t: float) -> float:
        """The profile log-likelihood at `t`, up to a constant."""
        return -0.5 * float(np.log(self.v + t).sum() + self.q(t))

    def reml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the restricted log-likelihood: ``y'PPy - tr(P)``.

        With K any orthonormal basis of the contrasts and l the eigenvalues of K'VK, both parts
        are sums of c²/(l + t)² and of 1/(l + t): they fall with t, and so do their speeds
        ``2 y'PPPy`` and ``tr(PP)``.
        """
        w, total, gain, gain_fall = self._gain(t)
        rest = _others(w)
        squares = w * w
        trace = float(w @ rest) / total
        # P_ii = w_i (S - w_i) / S and P_ij = -w_i w_j / S, so that no term is negative.
        trace2 = float(squares @ (rest * rest) + squares @ _others(squares)) / (total * total)
        return Slopes(gain, trace, gain_fall, trace2)

    def ml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the profile log-likelihood: ``y'PPy - tr(W)``."""
        w, total, gain, gain_fall = self._gain(t)
        return Slopes(gain, total, gain_fall, float(w @ w))

    def _gain(self, t: float) -> tuple[NDArray[np.float64], float, float, float]:
        w = 1.0 / (self.v + t)
        total = float(w.sum())
        r = w * (self.y - w @ self.y / total)
        # The weighted spread of r about its weighted mean, measured from its first value.
        s = r - r[0]
        s = s - w @ s / total
        return w, total, float(r @ r), 2.0 * float(w @ (s * s))

    def solve_q(self, target: float) -> float:
        """The `t` at which ``q(t) == target``; 0 where q is below it already at 0."""
        if self.q(0.0) <= target or self.total == 0.0:
            return 0.0
        # q(t) is at most total / t, which brackets the root.
        high = self.total / target * (1.0 + 1e-9)
        return root(lambda t: self.q(t) - target, 0.0, high, atol=_EPS)


def _check(y: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    if y.ndim != 1 or y.shape != v.shape or not len(y):
        raise InputError(
            f"estimates of shape {y.shape} and variances of shape {v.shape}",
            hint="one estimate and one variance for each of at least one trial",
        )
    for row in np.flatnonzero(~(np.isfinite(y) & np.isfinite(v) & (v > 0.0))):
        raise InputError(
            f"estimate {y[row]:g} with variance {v[row]:g}",
            where=f"row {row + 1}",
            hint="finite numbers, and a variance above zero",
        )


def _others(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each value of a descending array, the sum of all the others, without cancellation."""
    tail = float(w[1:].sum())
    rest: NDArray[np.float64] = (w[0] + tail) - w
    rest[0] = tail
    return rest


@dataclass(frozen=True, slots=True)
class Tau2:
    """An estimate of tau².

    Attributes
    ----------
    value
        The estimate, in squared units of the estimates; never below 0.
    estimator
        Its code.
    n_optima
        How many local maxima the likelihood has (REML, ML); 1 for the others.
    optima
        Where they are, in ascending order; empty for estimators without a likelihood.
    """

    value: float
    estimator: str
    n_optima: int = 1
    optima: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator of tau²: its code, how it is computed from a `Spread`, and its paper."""

    code: str
    fit: Callable[[Spread], tuple[float, tuple[float, ...]]]
    method: Method


def _dl(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return max(0.0, (spread.q(0.0) - (spread.k - 1)) / spread.trace(0.0)), ()


def _pm(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return spread.solve_q(spread.k - 1.0), ()


def _reml(spread: Spread) -> tuple[float, tuple[float, ...]]:
    # No c² exceeds the unweighted total: beyond it, every term of the derivative is negative.
    found = global_maximum(spread.reml_value, spread.reml_slopes, spread.total)
    return found.x, found.optima


def _ml(spread: Spread) -> tuple[float, tuple[float, ...]]:
    # tr(W) is at least tr(P): where the restricted likelihood falls, this one falls too.
    found = global_maximum(spread.ml_value, spread.ml_slopes, spread.total)
    return found.x, found.optima


_ALL = (
    Estimator(
        "REML",
        _reml,
        Method(
            "tau² by restricted maximum likelihood, global optimum",
            "Viechtbauer 2005, J Educ Behav Stat 30:261",
            "10.3102/10769986030003261",
        ),
    ),
    Estimator(
        "DL",
        _dl,
        Method(
            "tau² by DerSimonian and Laird",
            "DerSimonian, Laird 1986, Control Clin Trials 7:177",
            "10.1016/0197-2456(86)90046-2",
        ),
    ),
    Estimator(
        "PM",
        _pm,
        Method(
            "tau² by Paule and Mandel",
            "Paule, Mandel 1982, J Res Natl Bur Stand 87:377",
            "10.6028/jres.087.022",
        ),
    ),
    Estimator(
        "ML",
        _ml,
        Method(
            "tau² by maximum likelihood, global optimum",
            "Hardy, Thompson 1996, Stat Med 15:619",
            "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
        ),
    ),
)

#: Estimators of tau² by code.
ESTIMATORS: MappingProxyType[str, Estimator] = MappingProxyType({e.code: e for e in _ALL})

Q_PROFILE = Method(
    "interval of tau² by the Q-profile method",
    "Viechtbauer 2007, Stat Med 26:37",
    "10.1002/sim.2514",
)

HIGGINS_THOMPSON = Method(
    "I² and H² from tau² and the typical variance",
    "Higgins, Thompson 2002, Stat Med 21:1539",
    "10.1002/sim.1186",
)


def estimator_of(code: str) -> Estimator:
    """Return the estimator of tau² of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code.
    """
    if code not in ESTIMATORS:
        raise UnknownNameError("estimator of tau²", code, ESTIMATORS)
    return ESTIMATORS[code]


def estimate_tau2(spread: Spread, estimator: str = "REML") -> Tau2:
    """Estimate tau², the variance of the true effects between trials.

    Parameters
    ----------
    spread
        Estimates and variances.
    estimator
        A code of :data:`ESTIMATORS`.

    Returns
    -------
    Tau2
        In the caller's units. 0 for a single trial, which cannot tell anything about tau².

    Raises
    ------
    UnknownNameError
        An unknown estimator.
    """
    how = estimator_of(estimator)
    if spread.k == 1:
        return Tau2(0.0, how.code)
    value, optima = how.fit(spread)
    places = tuple(t * spread.scale for t in optima)
    return Tau2(value * spread.scale, how.code, max(1, len(places)), places)


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Cochran's Q with its degrees of freedom and p value, and the typical variance.

    Attributes
    ----------
    q, df, p_value
        The statistic; a p value of 1 for a single trial.
    typical
        The typical within-trial variance of Higgins and Thompson; NaN for a single trial.
    """

    q: float
    df: int
    p_value: float
    typical: float

    def i2(self, tau2: float) -> float:
        """I² in percent: the share of tau² in the sum of tau² and the typical variance."""
        return 0.0 if self.df == 0 else 100.0 * tau2 / (tau2 + self.typical)

    def h2(self, tau2: float) -> float:
        """H²: the sum of tau² and the typical variance over the typical variance."""
        return 1.0 if self.df == 0 else (tau2 + self.typical) / self.typical

    def i2_interval(self, tau2: Interval) -> Interval:
        """The interval of I² that belongs to one of tau²."""
        return Interval(self.i2(tau2.low), self.i2(tau2.high), tau2.level, tau2.method)


def heterogeneity(spread: Spread) -> Heterogeneity:
    """Compute Cochran's Q and what I² and H² need.

    Source: Cochran 1954, Biometrics 10:101; Higgins, Thompson 2002, equation 9.
    """
    df = spread.k - 1
    if df == 0:
        return Heterogeneity(0.0, 0, 1.0, math.nan)
    q = spread.q(0.0)
    return Heterogeneity(q, df, chi2_tail(q, df), df / spread.trace(0.0) * spread.scale)


def tau2_interval(spread: Spread, level: float = 0.95) -> Interval | None:
    """Compute the Q-profile interval of tau²; None for a single trial.

    Returns
    -------
    Interval
        From 0 to 0 where the trials agree more than chance would have it at this level, so that
        no tau² fits.

    Notes
    -----
    The bounds are where Q, with tau² added to the variances, equals the quantiles of chi-squared
    with k - 1 degrees of freedom: exact when effects are normal and variances known.

    Source: Viechtbauer 2007, Stat Med 26:37, doi:10.1002/sim.2514.
    """
    df = spread.k - 1
    if df == 0:
        return None
    tail = 0.5 * (1.0 - level)
    low = spread.solve_q(chi2_quantile(1.0 - tail, df)) * spread.scale
    high = spread.solve_q(chi2_quantile(tail, df)) * spread.scale
    return Interval(low, high, level, "Q-profile")
