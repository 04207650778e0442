"""Several variances between trials at once: covariance ``V + Σ theta R``, by REML or ML."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Note
from equipoise.core.table import significant
from equipoise.effects.columns import Floats
from equipoise.num.climb import Slope, Top, climb
from equipoise.num.linalg import cholesky, left_null, rank

#: Starts of the search, as parts of the variance that the residuals show.
_LEVELS = (0.0, 0.03, 0.3, 1.0)
#: At most so many starts.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Variances:
    """The best of the local maxima of a likelihood that were seen.

    Attributes
    ----------
    theta
        The variances, in the order of the matrices.
    loglik
        The (restricted) log-likelihood there, up to a constant that other variances share.
    optima
        How many local maxima were seen.
    settled
        Whether the search ended where the derivatives are 0 to rounding.
    """

    theta: Floats
    loglik: float
    optima: int
    settled: bool


class Likelihood:
    """The (restricted) likelihood of variances `theta` in ``y = X b + e``, ``e`` with covariance
    ``V + Σ theta R``.

    For REML, combinations of the data that the design cannot reach are taken, so that a design
    without full rank does no harm; the constant is that of an orthonormal basis of them.
    """

    def __init__(self, code: str, X: Floats, y: Floats, V: Floats, parts: Sequence[Floats]) -> None:
        A = left_null(X)
        low = cholesky(A.T @ V @ A)
        self.unit = 1.0
        self._ml = code == "ML"
        self._y = np.linalg.solve(low, A.T @ y)
        self._parts = [_rotated(low, A.T @ R @ A) for R in parts]
        self._all = self._parts
        self._const = float(np.log(np.diag(low)).sum())
        if self._ml:
            whole = cholesky(V)
            self._all = [_rotated(whole, R) for R in parts]
            self._const = float(np.log(np.diag(whole)).sum())
        biggest = max((float(np.trace(R)) for R in self._parts), default=0.0)
        self.unit = len(self._y) / biggest if biggest > 0.0 else 1.0

    @property
    def df(self) -> int:
        """Number of combinations that tell about the variances."""
        return int(self._y.size)

    @property
    def spread(self) -> float:
        """How far the data spread, chance being 1."""
        return float(self._y @ self._y) / max(1, self._y.size)

    def told_apart(self) -> bool:
        """Whether the data can tell all the variances apart."""
        if not self._parts[0].size:
            return False
        flat = np.array([R.ravel() / max(float(np.abs(R).max()), 1e-300) for R in self._parts])
        return all(R.any() for R in self._parts) and rank(flat) == len(self._parts)

    def value(self, x: NDArray[np.float64]) -> float:
        """The log-likelihood, `x` in units of `unit`."""
        total = self._sum(self._parts, x)
        try:
            low = np.linalg.cholesky(total)
            whole = np.linalg.cholesky(self._sum(self._all, x)) if self._ml else low
        except np.linalg.LinAlgError:
            return -np.inf
        rest = np.linalg.solve(low, self._y)
        logdet = float(np.log(np.diag(whole)).sum())
        return -logdet - 0.5 * float(rest @ rest) - self._const

    def slope(self, x: NDArray[np.float64]) -> Slope:
        """The log-likelihood with its derivatives."""
        try:
            P = np.linalg.inv(self._sum(self._parts, x))
        except np.linalg.LinAlgError:
            raise NotEstimableError(
                "variances that no computer can tell from the estimates",
                hint="a look at the largest estimate: it may be in another unit than the others",
            ) from None
        scaled = [self.unit * R for R in self._parts]
        Py = P @ self._y
        turned = [R @ Py for R in scaled]
        moved = [P @ R for R in scaled]
        whole = moved
        if self._ml:
            W = np.linalg.inv(self._sum(self._all, x))
            whole = [W @ (self.unit * R) for R in self._all]
        gradient = np.array(
            [
                -0.5 * float(np.trace(M)) + 0.5 * float(Py @ t)
                for M, t in zip(whole, turned, strict=True)
            ]
        )
        expected = 0.5 * np.array([[float((a * b.T).sum()) for b in whole] for a in whole])
        gain = np.array([[float(a @ P @ b) for b in turned] for a in turned])
        return Slope(self.value(x), gradient, expected - gain, expected)

    def _sum(self, parts: Sequence[Floats], x: NDArray[np.float64]) -> Floats:
        total = np.eye(parts[0].shape[0])
        for R, size in zip(parts, x, strict=True):
            total += self.unit * float(size) * R
        return total


def _rotated(low: Floats, M: Floats) -> Floats:
    half = np.linalg.solve(low, np.linalg.solve(low, M).T)
    return np.asarray(0.5 * (half + half.T), dtype=np.float64)


def highest(
    likelihood: Likelihood, count: int, also: Sequence[Sequence[float]] = ()
) -> tuple[Variances, list[Note]]:
    """Climb from many starts to the highest likelihood of `count` variances of at least 0.

    Parameters
    ----------
    likelihood
        Of the variances.
    count
        How many variances.
    also
        Further starts, in the units of the data.

    Raises
    ------
    NotEstimableError
        When no start has a likelihood.
    """
    unit = likelihood.unit
    seen = max(1.0, likelihood.spread)
    levels = _LEVELS if len(_LEVELS) ** count <= _MOST else (0.03, 0.5)
    starts = [np.array(s) * seen for s in itertools.product(levels, repeat=count)][:_MOST]
    starts += [np.array(s, dtype=np.float64) / unit for s in also]
    low, high = np.zeros(count), np.full(count, np.inf)
    tops: list[Top] = []
    for start in starts:
        if not np.isfinite(likelihood.value(start)):
            continue
        top = climb(likelihood.slope, likelihood.value, start, low, high)
        if not any(_same(top, other) for other in tops):
            tops.append(top)
    if not tops:
        raise NotEstimableError(
            "the likelihood of the variances cannot be computed",
            hint="a look at the largest estimate and the smallest variance: one may be in another "
            "unit than the others",
        )
    tops.sort(key=lambda t: -t.slope.value)
    best = tops[0]
    notes = [
        Note(
            "variances-not-certified",
            f"The likelihood of {count} variances was climbed from {len(starts)} starts, without "
            "proof that no higher place exists.",
        )
    ]
    if len(tops) > 1:
        gap = significant(best.slope.value - tops[1].slope.value, 2)
        text = f"It has {len(tops)} local maxima; the highest, by {gap}, is used."
        notes.append(Note("several-optima", text))
    if not best.settled:
        notes.append(Note("flat-likelihood", "The likelihood is too flat to place its top."))
    theta = np.asarray(best.x * unit, dtype=np.float64)
    return Variances(theta, best.slope.value, len(tops), best.settled), notes


def _same(one: Top, two: Top) -> bool:
    near = abs(one.slope.value - two.slope.value) <= 1e-7 * (1.0 + abs(two.slope.value))
    return near and bool(np.all(np.abs(one.x - two.x) <= 1e-3 * (1.0 + np.abs(two.x))))
