"""Many regressions at once: the same trials and design, in other orders or with other signs.

A permutation of the rows of the design is one of the trials' estimates and variances together, so
the basis K of what the design leaves stays, and each fit needs the eigenvalues l of K'VK and the
squared contrasts c² along them. From these come Q, the trace of P, every estimator of tau² and the
restricted likelihood, for thousands of fits in one sweep of NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.effects.columns import Floats
from equipoise.models.residual import conditioned
from equipoise.num.dist import chi2_quantile

#: Points at which the derivative of a likelihood is looked at, for each fit.
_GRID = 40
#: Numbers that a batch of fits may hold.
_ROOM = 3_000_000


@dataclass(frozen=True, slots=True)
class Spectra:
    """Eigenvalues and squared contrasts of many fits, each (fits, k - p), and the variances."""

    values: Floats
    squares: Floats
    v: Floats

    def q(self, t: Floats) -> Floats:
        """Q of each fit with its own `t` added to the variances."""
        return np.asarray((self.squares / (self.values + t[:, None])).sum(1))


class Permuted:
    """Refits of one regression.

    Parameters
    ----------
    yi, vi, X
        Estimates, variances, design.
    tau2
        Code of the estimator, or "" for a common effect.
    interval
        ``Wald``, ``t``, ``HK`` or ``HK-guarded``: whose standard errors are used.
    tested
        Places of the coefficients that the omnibus test is of.
    """

    def __init__(
        self, yi: Floats, vi: Floats, X: Floats, tau2: str, interval: str, tested: list[int]
    ) -> None:
        self.k: int = X.shape[0]
        self.p: int = X.shape[1]
        self.df: int = self.k - self.p
        self.tau2, self.interval, self.tested = tau2, interval, tested
        self.Z, self.back, constant = conditioned(X)
        # Where the design has a constant, and rows keep their sign, an origin changes no slope.
        self.scale = 4.0 ** math.floor(math.log2(float(vi.min())) / 2.0)
        self.constant = constant
        self.y = yi / math.sqrt(self.scale)
        self.v = vi / self.scale
        self.basis = np.linalg.qr(self.Z, mode="complete")[0][:, self.p :]
        self._level = 0.0 if constant is None else float(self.y[int(np.argmin(self.v))])

    @property
    def batch(self) -> int:
        """How many fits to do at once."""
        return max(1, min(4096, _ROOM // (self.df * self.df + self.k * self.p)))

    def by_order(self, order: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Statistics of each coefficient, and of the omnibus test, for each row of `order`.

        ``order[b, i]`` is the trial that stands in row i of the design in fit b.
        """
        y, v = self.y[order] - self._level, self.v[order]
        K = self.basis
        inner = (K[None, :, :] * v[:, :, None]).transpose(0, 2, 1) @ K
        values, turn = np.linalg.eigh(inner)
        contrasts = ((y @ K)[:, None, :] @ turn)[:, 0, :]
        spectra = Spectra(np.maximum(values, float(self.v.min())), contrasts**2, self.v)
        return self._statistics(y, v, spectra, self._level)

    def by_sign(self, signs: Floats) -> tuple[Floats, Floats]:
        """The same for each row of signs that the estimates are given; one constant column."""
        y = signs * self.y
        v = np.broadcast_to(self.v, y.shape)
        root = np.sqrt(self.v)
        _, sizes, turn = np.linalg.svd(root[:, None] * self.basis, full_matrices=False)
        contrasts = (y @ self.basis) @ turn.T
        values = np.broadcast_to(sizes**2, contrasts.shape)
        return self._statistics(y, v, Spectra(values, contrasts**2, self.v), 0.0)

    def _statistics(
        self, y: Floats, v: Floats, spectra: Spectra, level: float
    ) -> tuple[Floats, Floats]:
        t = self._tau2(y + level, spectra)
        w = 1.0 / (v + t[:, None])
        weighted = w[:, :, None] * self.Z[None, :, :]
        inner = weighted.transpose(0, 2, 1) @ self.Z
        gamma = np.linalg.solve(inner, (y[:, None, :] @ weighted).transpose(0, 2, 1))[:, :, 0]
        cov = self.back @ np.linalg.inv(inner) @ self.back.T
        if self.interval in ("HK", "HK-guarded"):
            factor = spectra.q(t) / self.df
            if self.interval == "HK-guarded":
                factor = np.maximum(factor, 1.0)
            cov = cov * factor[:, None, None]
        beta = gamma @ self.back.T
        if self.constant is not None:
            beta = beta + level * self.constant
        statistic = beta / np.sqrt(np.einsum("bii->bi", cov))
        part = cov[:, self.tested][:, :, self.tested]
        some = beta[:, self.tested]
        qm = (some[:, None, :] @ np.linalg.solve(part, some[:, :, None]))[:, 0, 0]
        return statistic, qm / len(self.tested) if self.interval != "Wald" else qm

    def _tau2(self, y: Floats, s: Spectra) -> Floats:
        count = len(y)
        if not self.tau2:
            return np.zeros(count)
        zero = np.zeros(count)
        sums = float((1.0 / self.v).sum())
        closed: dict[str, Callable[[], Floats]] = {
            "DL": lambda: (s.q(zero) - self.df) / (1.0 / s.values).sum(1),
            "HE": lambda: (s.squares.sum(1) - s.values.sum(1)) / self.df,
            "HS": lambda: (s.q(zero) - self.k) / sums,
            "HSk": lambda: (s.q(zero) * self.k / self.df - self.k) / sums,
            "SJ": lambda: self._sidik_jonkman(y, s),
        }
        if self.tau2 in closed:
            return np.maximum(closed[self.tau2](), 0.0)
        if self.tau2 in ("PM", "EB", "DLIT", "SJIT"):
            return _solve_q(s, float(self.df))
        if self.tau2 == "PMM":
            return _solve_q(s, chi2_quantile(0.5, self.df))
        if self.tau2 in ("REML", "ML"):
            return _likeliest(s, self.tau2 == "ML")
        raise InputError(
            f"a permutation test with tau² by {self.tau2}", hint="tau2='REML', 'DL' or 'PM'"
        )

    def _sidik_jonkman(self, y: Floats, s: Spectra) -> Floats:
        guess: Floats = y.var(axis=1)
        found: Floats = guess * s.q(guess) / self.df
        return found


def _solve_q(s: Spectra, target: float) -> Floats:
    """Newton's steps on Q, which is convex and falls: from 0 they never pass the root."""
    t = np.zeros(len(s.values))
    for _ in range(200):
        u = 1.0 / (s.values + t[:, None])
        q = (s.squares * u).sum(1)
        step = (q - target) / np.maximum((s.squares * u * u).sum(1), 1e-300)
        step = np.maximum(step, 0.0)
        t = t + step
        if (step <= 1e-13 * (t + 1e-300)).all():
            break
    return t


def _derivative(s: Spectra, t: Floats, ml: bool, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Twice the derivative of the likelihood and its slope, for some of the fits."""
    u = 1.0 / (s.values[rows] + t[:, None])
    w = 1.0 / (s.v + t[:, None]) if ml else u
    gain = s.squares[rows] * u * u
    first = gain.sum(1) - w.sum(1)
    return first, (w * w).sum(1) - 2.0 * (gain * u).sum(1)


def _value(s: Spectra, t: Floats, ml: bool, rows: NDArray[np.intp]) -> Floats:
    total = s.values[rows] + t[:, None]
    logs = np.log(s.v + t[:, None]) if ml else np.log(total)
    return np.asarray(-0.5 * (logs.sum(1) + (s.squares[rows] / total).sum(1)))


def _likeliest(s: Spectra, ml: bool) -> Floats:
    """The highest of all maxima between 0 and where no likelihood rises, seen on a grid."""
    count = len(s.values)
    every = np.arange(count)
    upper = s.squares.sum(1)
    steps = np.log1p(upper)[:, None] * np.linspace(0.0, 1.0, _GRID)
    grid = np.expm1(steps)
    signs = np.stack([_derivative(s, grid[:, j], ml, every)[0] > 0.0 for j in range(_GRID)], axis=1)
    best = np.zeros(count)
    height = np.where(signs[:, 0], -np.inf, _value(s, best, ml, every))
    rows, at = np.nonzero(signs[:, :-1] & ~signs[:, 1:])
    if not len(rows):
        return best
    places = _refined(s, ml, rows, grid[rows, at], grid[rows, at + 1])
    values = _value(s, places, ml, rows)
    # Ascending, so that the highest of a fit's maxima is written last.
    for i in np.argsort(values, kind="stable").tolist():
        if values[i] > height[rows[i]]:
            best[rows[i]], height[rows[i]] = places[i], values[i]
    return best


def _refined(s: Spectra, ml: bool, rows: NDArray[np.intp], low: Floats, high: Floats) -> Floats:
    """Newton's steps inside brackets where the derivative falls through 0, else halving."""
    low, high = low.copy(), high.copy()
    t = 0.5 * (low + high)
    for _ in range(100):
        first, slope = _derivative(s, t, ml, rows)
        up = first > 0.0
        low, high = np.where(up, t, low), np.where(up, high, t)
        step = t - first / np.where(slope < 0.0, slope, -np.inf)
        fine = (slope < 0.0) & (step > low) & (step < high)
        new = np.where(fine, step, 0.5 * (low + high))
        moved = np.abs(new - t)
        t = new
        if (moved <= 1e-13 * t).all():
            break
    return t
