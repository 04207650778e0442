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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method, quick
from equipoise.num.binding import PLAIN
from equipoise.num.dist import chi2_quantile, chi2_tail
from equipoise.num.kernels import END, ENDS, PLACES
from equipoise.num.solve import Slopes
from equipoise.num.wide import WIDE

#: Up to this many trials, interpreted loops are faster than NumPy.
FEW = 48


class Spread:
    """Estimates and variances of k trials, prepared for sums over weights ``1 / (v + t)``.

    Parameters
    ----------
    yi, vi
        Estimates and their variances, shape (k,), finite; variances above zero.

    Attributes
    ----------
    k
        Number of trials.
    order
        Places of the trials by ascending variance; ties by the estimate, so that the order in
        which they came never matters, not even in rounding.
    origin
        The estimate of the most precise trial, in the caller's units.
    scale
        The unit of variances: a power of four near the smallest.

    Raises
    ------
    InputError
        Naming the row of a value that is not finite or a variance that is not above zero.

    Notes
    -----
    All methods take and return values in the scaled units of `scale` (variances are divided by
    it); the functions of this module return the caller's units. A few dozen trials are held in
    lists, because loops over these are faster than NumPy's calls; more are held in arrays.
    """

    __slots__ = (
        "_kernels",
        "_room",
        "_seen",
        "_start",
        "_v",
        "_y",
        "k",
        "order",
        "origin",
        "scale",
    )

    def __init__(
        self, yi: Sequence[float] | NDArray[np.float64], vi: Sequence[float] | NDArray[np.float64]
    ) -> None:
        y = np.asarray(yi, dtype=np.float64)
        v = np.asarray(vi, dtype=np.float64)
        if y.ndim != 1 or y.shape != v.shape or not len(y):
            raise InputError(
                f"estimates of shape {y.shape} and variances of shape {v.shape}",
                hint="one estimate and one variance for each of at least one trial",
            )
        self.k: int = len(y)
        self._y: Any
        self._v: Any
        self._room: Any = None
        self._start: tuple[float, ...] = ()
        self._seen: tuple[float, ...] = ()
        self.order: list[int]
        if self.k <= FEW:
            self._kernels = PLAIN
            sizes, values = v.tolist(), y.tolist()
            rows = sorted(zip(sizes, values, range(self.k), strict=True))
            if not (rows[0][0] > 0.0 and math.isfinite(sum(sizes) + sum(values))):
                for size, at, _ in rows:
                    if not (0.0 < size < math.inf and -math.inf < at < math.inf):
                        _refuse(y, v)
            smallest, origin, _ = rows[0]
            scale = 4.0 ** math.floor(math.log2(smallest) / 2.0)
            unit = math.sqrt(scale)
            self.origin, self.scale = origin, scale
            self.order = [row for _, _, row in rows]
            self._v = [size / scale for size, _, _ in rows]
            self._y = [(value - origin) / unit for _, value, _ in rows]
            self._room = [0.0] * self.k
            return
        if not (np.isfinite(y) & np.isfinite(v) & (v > 0.0)).all():
            _refuse(y, v)
        self._kernels = WIDE
        order = np.lexsort((y, v))
        self.order = order.tolist()
        self.scale = 4.0 ** math.floor(math.log2(float(v[order[0]])) / 2.0)
        self.origin = float(y[order[0]])
        self._v = v[order] / self.scale
        self._y = (y[order] - self.origin) / math.sqrt(self.scale)

    @property
    def y(self) -> NDArray[np.float64]:
        """The estimates in `order`, measured from `origin`, scaled."""
        return np.asarray(self._y, dtype=np.float64)

    @property
    def v(self) -> NDArray[np.float64]:
        """The variances in `order`, ascending, scaled."""
        return np.asarray(self._v, dtype=np.float64)

    def profile(self, t: float) -> tuple[float, float, float, float]:
        """The sum of the weights, their mean from the origin, ``q(t)``, and minus q's slope."""
        found = self._kernels.profile(self._y, self._v, self.k, t, self._room)
        self._seen = (t, *found)
        return found

    def mean(self, t: float) -> float:
        """The weighted mean, from the origin."""
        return self.profile(t)[1]

    def q(self, t: float) -> float:
        """The weighted sum of squares about the weighted mean; it falls with `t`."""
        return self.profile(t)[2]

    def trace(self, t: float) -> float:
        """Sum of the weights minus the sum of their squares over their sum: ``tr(P)``."""
        return self.reml_slopes(t).loss

    def at_zero(self) -> tuple[float, float]:
        """Cochran's Q and ``tr(P)``, both at ``t = 0``."""
        sums = self._few_at_zero()
        return sums[2], sums[4]

    def _few_at_zero(self) -> tuple[float, ...]:
        """The first of the sums at 0: those that are enough without a likelihood."""
        if not self._start:
            self._start = self._kernels.moments(self._y, self._v, self.k, self._room)
        return self._start

    def _at_zero(self) -> tuple[float, ...]:
        """The sums at 0 for the restricted likelihood, which several ask for."""
        if len(self._start) < 7:
            self._start = self._kernels.slopes(self._y, self._v, self.k, 0.0, False, self._room)
        return self._start

    def weights(self, t: float, factor: float) -> NDArray[np.float64]:
        """Weights times a factor, in the order in which the trials came."""
        if self._kernels is PLAIN:
            given = [0.0] * self.k
            for row, size in zip(self.order, self._v, strict=True):
                given[row] = factor / (size + t)
            return np.array(given)
        values = np.empty(self.k)
        values[self.order] = factor / (self._v + t)
        return values

    @property
    def total(self) -> float:
        """The unweighted sum of squares about the unweighted mean."""
        return self._kernels.squares_about_mean(self._y, self.k)

    def reml_value(self, t: float) -> float:
        """The restricted log-likelihood at `t`, up to a constant."""
        return self._kernels.height(self._y, self._v, self.k, t, False, self._room)

    def ml_value(self, t: float) -> float:
        """The profile log-likelihood at `t`, up to a constant."""
        return self._kernels.height(self._y, self._v, self.k, t, True, self._room)

    def reml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the restricted log-likelihood: ``y'PPy - tr(P)``.

        With K any orthonormal basis of the contrasts and l the eigenvalues of K'VK, both parts
        are sums of c²/(l + t)² and of 1/(l + t): they fall with t, and so do their speeds
        ``2 y'PPPy`` and ``tr(PP)``.
        """
        return Slopes(*self._kernels.slopes(self._y, self._v, self.k, t, False, self._room)[3:])

    def ml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the profile log-likelihood: ``y'PPy - tr(W)``."""
        return Slopes(*self._kernels.slopes(self._y, self._v, self.k, t, True, self._room)[3:])

    def solve_q(self, target: float, start: float = 0.0) -> float:
        """The `t` at which ``q(t) == target``; 0 where q is below it already at 0.

        Newton's method from `start` or from its first step from 0 or from where q was seen last,
        which never pass the root: see :func:`equipoise.num.kernels.solve_q`.
        """
        q, gain = self._few_at_zero()[2:4]
        if q <= target or gain <= 0.0:
            return 0.0
        start = max(start, (q - target) / target * (q / gain))
        if self._seen and self._seen[4] > 0.0:
            t, _, _, q, gain = self._seen
            start = max(start, t + (q - target) / target * (q / gain))
        return self._kernels.solve_q(self._y, self._v, self.k, target, start, self._room)

    def optima(self, ml: bool) -> tuple[float, tuple[float, ...]]:
        """The global maximum of the likelihood, restricted or (`ml`) full, and all local ones."""
        own = self._kernels
        places = [0.0] * PLACES
        start = self._at_zero()
        if ml:
            start = own.slopes(self._y, self._v, self.k, 0.0, True, self._room)
        zero = (0.0, *start[3:])
        count, _ = own.optima(
            self._y, self._v, self.k, ml, zero, self._room, [0.0] * (END * ENDS), places
        )
        best = own.highest(self._y, self._v, self.k, ml, self._room, places, count)
        return best, tuple(places[:count])


def _refuse(y: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    """Name the first row that cannot be used."""
    row = int(np.flatnonzero(~(np.isfinite(y) & np.isfinite(v) & (v > 0.0)))[0])
    raise InputError(
        f"estimate {y[row]:g} with variance {v[row]:g}",
        where=f"row {row + 1}",
        hint="finite numbers, and a variance above zero",
    )


@quick
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
    q, trace = spread.at_zero()
    return max(0.0, (q - (spread.k - 1)) / trace), ()


def _pm(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return spread.solve_q(spread.k - 1.0), ()


def _reml(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return spread.optima(False)


def _ml(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return spread.optima(True)


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


@quick
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
    q, trace = spread.at_zero()
    return Heterogeneity(q, df, chi2_tail(q, df), df / trace * spread.scale)


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
    low = spread.solve_q(chi2_quantile(1.0 - tail, df))
    high = spread.solve_q(chi2_quantile(tail, df), low)
    return Interval(low * spread.scale, high * spread.scale, level, "Q-profile")
