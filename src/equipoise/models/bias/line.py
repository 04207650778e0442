"""A weighted straight line through the trials, with a variance between trials if wanted.

The line is fitted about the weighted means, and estimates are measured from that of the most
precise trial, so that neither the place of zero nor units cost digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import NotEstimableError, UnknownNameError
from equipoise.num.solve import Slopes, global_maximum, root

Floats = NDArray[np.float64]

_EPS = 2.0**-52

#: Predictors closer together than this part of their size count as one value.
_SAME = 1e-10


@dataclass(frozen=True, slots=True)
class Line:
    """A weighted line: intercept and slope with what their variances are made of.

    Attributes
    ----------
    intercept, slope
        In the units of the estimates.
    var_intercept, var_slope, covariance
        With the weights taken as known, before any dispersion.
    rss
        Weighted sum of squares about the line.
    df
        Trials less two.
    tau2
        Variance between trials that was added to the variances.
    """

    intercept: float
    slope: float
    var_intercept: float
    var_slope: float
    covariance: float
    rss: float
    df: int
    tau2: float = 0.0

    @property
    def dispersion(self) -> float:
        """Weighted sum of squares over its degrees of freedom."""
        return self.rss / self.df if self.df else math.nan


def check_spread_of(x: Floats, what: str) -> None:
    """Refuse a predictor that has only one value.

    Raises
    ------
    NotEstimableError
        Naming the predictor.
    """
    if float(np.ptp(x)) <= _SAME * float(np.abs(x).max()):
        raise NotEstimableError(
            f"all trials have the same {what}, so nothing can depend on it",
            hint="a test with another predictor, where trials differ in size",
        )


def line(y: Floats, x: Floats, v: Floats, *, tau2: float = 0.0) -> Line:
    """Fit ``y = intercept + slope * x`` with weights ``1 / (v + tau2)``."""
    w = 1.0 / (v + tau2)
    unit = float(w.max())
    w = w / unit
    total = float(w.sum())
    at = float(y[int(np.argmin(v))])
    x_mean = float(w @ x) / total
    dx = x - x_mean
    dx = dx - float(w @ dx) / total
    dy = y - at
    y_mean = float(w @ dy) / total
    dy = dy - y_mean
    sxx = float(w @ (dx * dx))
    if sxx <= 0.0:
        raise NotEstimableError(
            "one trial outweighs all others, so that no line can be told from them",
            hint="check the smallest variance",
        )
    slope = float(w @ (dx * dy)) / sxx
    rest = dy - slope * dx
    rss = float(w @ (rest * rest))
    # What is left of a perfect line is rounding, and so is the slope of equal estimates.
    rounding = (16.0 * _EPS) ** 2 * (float(w @ (dy * dy)) + at * at * total)
    if rss <= rounding:
        rss = 0.0
        slope = 0.0 if slope * slope * sxx <= rounding else slope
    return Line(
        intercept=at + (y_mean - slope * x_mean),
        slope=slope,
        var_intercept=(1.0 / total + x_mean * x_mean / sxx) / unit,
        var_slope=1.0 / sxx / unit,
        covariance=-x_mean / sxx / unit,
        rss=rss * unit,
        df=len(y) - 2,
        tau2=tau2,
    )


class LineSpread:
    """What is left of the estimates when any line in `x` is taken out, in its natural axes.

    With K an orthonormal basis of what no line can fit, ``lam`` are the eigenvalues of K'VK and
    ``c2`` the squared parts of K'y along its eigenvectors. Then ``y'P(t)y`` is the sum of
    ``c2 / (lam + t)`` and ``tr P(t)`` that of ``1 / (lam + t)``: all that the estimators need, and
    both fall with t, which is what the proof of the global optimum rests on.
    """

    __slots__ = ("c2", "df", "k", "lam", "scale", "v")

    def __init__(self, y: Floats, x: Floats, v: Floats) -> None:
        self.k = len(y)
        self.df = self.k - 2
        self.scale = 4.0 ** math.floor(math.log2(float(v.min())) / 2.0)
        self.v = v / self.scale
        dy = (y - y[int(np.argmin(v))]) / math.sqrt(self.scale)
        dx = x - x.mean()
        X = np.column_stack([np.ones(self.k), dx / np.abs(dx).max()])
        K = np.linalg.qr(X, mode="complete")[0][:, 2:]
        lam, vectors = np.linalg.eigh((K.T * self.v) @ K)
        # Rounding may push an eigenvalue below the smallest variance, which bounds them all.
        self.lam: Floats = np.maximum(lam, float(self.v.min()))
        parts = vectors.T @ (K.T @ dy)
        self.c2: Floats = parts * parts

    def q(self, t: float) -> float:
        """The weighted sum of squares about the line, with `t` added to the variances."""
        return float((self.c2 / (self.lam + t)).sum())

    def value(self, t: float, ml: bool) -> float:
        """The log-likelihood at `t` up to a constant, restricted unless `ml`."""
        sizes = self.v if ml else self.lam
        return -0.5 * (float(np.log(sizes + t).sum()) + self.q(t))

    def slopes(self, t: float, ml: bool) -> Slopes:
        """Twice the derivative of the log-likelihood, as a difference of falling parts."""
        w = 1.0 / (self.lam + t)
        u = 1.0 / (self.v + t) if ml else w
        return Slopes(
            float((self.c2 * w * w).sum()),
            float(u.sum()),
            2.0 * float((self.c2 * w * w * w).sum()),
            float((u * u).sum()),
        )

    def best(self, ml: bool) -> float:
        """The global maximum of the likelihood."""
        upper = float(self.c2.sum())
        if upper == 0.0:
            return 0.0
        return global_maximum(lambda t: self.value(t, ml), lambda t: self.slopes(t, ml), upper).x


def _dl(s: LineSpread) -> float:
    return max(0.0, (s.q(0.0) - s.df) / float((1.0 / s.lam).sum()))


def _he(s: LineSpread) -> float:
    return max(0.0, float(s.c2.sum() - s.lam.sum()) / s.df)


def _pm(s: LineSpread) -> float:
    if s.q(0.0) <= s.df:
        return 0.0
    high = float(s.c2.sum()) / s.df * (1.0 + 1e-9)
    return root(lambda t: s.q(t) - s.df, 0.0, high, atol=_EPS)


#: Estimators of tau² about a line, by code.
LINE_TAU2: MappingProxyType[str, Callable[[LineSpread], float]] = MappingProxyType(
    {
        "REML": lambda s: s.best(False),
        "DL": _dl,
        "PM": _pm,
        "ML": lambda s: s.best(True),
        "HE": _he,
    }
)


def mixed_line(y: Floats, x: Floats, v: Floats, tau2: str) -> Line:
    """Fit the line with a variance between trials by the estimator `tau2`.

    Raises
    ------
    UnknownNameError
        An unknown estimator.
    """
    if tau2 not in LINE_TAU2:
        raise UnknownNameError("estimator of tau² about a line", tau2, LINE_TAU2)
    spread = LineSpread(y, x, v)
    found = LINE_TAU2[tau2](spread) * spread.scale if spread.df else 0.0
    return line(y, x, v, tau2=found)
