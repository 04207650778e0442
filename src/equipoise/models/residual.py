"""Weighted regression of effects on any design, in a form in which no sum cancels.

:class:`Residual` is to a design with moderators what :class:`equipoise.models.heterogeneity.Spread`
is to a plain mean: rows sorted by variance, variances in units of a power of four near the
smallest, estimates measured from that of the most precise trial where the design has a constant,
and columns centred and scaled. Leverages near 1 are found by leaving the row out, never by
subtraction from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.table import counted
from equipoise.effects.columns import Floats, Ints
from equipoise.num.solve import Slopes, global_maximum, root

_EPS = 2.0**-52

#: A column whose part outside the columns before it is smaller than this share says nothing new.
_SAME = 1e-10


#: Eigenvalues are used for up to so many rows, and variances up to so far apart.
_MOST_ROWS, _MOST_SPREAD = 400, 1e5


class Residual:
    """Estimates, variances and a design, prepared for weights ``1 / (v + t)``.

    Parameters
    ----------
    yi, vi
        Estimates and their variances, shape (k,), finite; variances above zero.
    X
        Design of full column rank, shape (k, p), with ``p < k``.

    Attributes
    ----------
    k, p, df
        Rows, columns, and ``k - p``.
    order, scale, origin
        Rows by ascending variance (ties by estimate and design, so that the order of the trials
        never matters); the unit of variances; what is taken from every estimate.

    Notes
    -----
    All methods take and return values in units of `scale`, but for those of
    :class:`Coefficients`, which are the caller's.
    """

    def __init__(self, yi: Floats, vi: Floats, X: Floats) -> None:
        self.k: int = X.shape[0]
        self.p: int = X.shape[1]
        self.df: int = self.k - self.p
        if self.df < 1:
            raise NotEstimableError(
                f"{counted(self.k, 'estimate')} for {counted(self.p, 'coefficient')}",
                hint="fewer moderators",
            )
        self.order: Ints = np.lexsort((*X.T[::-1], yi, vi))
        self.scale: float = 4.0 ** math.floor(math.log2(float(vi[self.order[0]])) / 2.0)
        self.v: Floats = vi[self.order] / self.scale
        rows = X[self.order]
        self.Z, self._back, self._constant = conditioned(rows)
        self.origin: float = float(yi[self.order[0]]) if self._constant is not None else 0.0
        self.y: Floats = (yi[self.order] - self.origin) / math.sqrt(self.scale)
        basis = np.linalg.qr(self.Z)[0]
        # Rows that alone determine a coefficient are fitted without error at any weights.
        share = np.einsum("ij,ij->i", basis, basis)
        self._exact: NDArray[np.bool_] = share > 1.0 - 1e-9
        self._last: Weighted | None = None
        rest = self.y - basis @ (basis.T @ self.y)
        rest[self._exact] = 0.0
        #: The unweighted residual sum of squares.
        self.total: float = float(rest @ rest)
        #: Log-determinant of Z'Z, which the restricted likelihood adds.
        self.log_det_basis: float = 2.0 * float(
            np.log(np.abs(np.diag(np.linalg.qr(self.Z, mode="r")))).sum()
        )

    def at(self, t: float) -> Weighted:
        """The regression with weights ``1 / (v + t)``; the last one is remembered."""
        if self._last is None or self._last.t != t:
            self._last = Weighted(self, 1.0 / (self.v + t), t)
        return self._last

    def weighted(self, weights: Floats) -> Weighted:
        """The regression with weights of the caller, in the caller's order; the unit is free."""
        return Weighted(self, weights[self.order], math.nan)

    def q(self, t: float) -> float:
        """The weighted residual sum of squares; it falls with `t`."""
        return self.at(t).q

    def reml_value(self, t: float) -> float:
        """The restricted log-likelihood at `t`, up to a constant."""
        here = self.at(t)
        return -0.5 * (float(np.log(self.v + t).sum()) + here.log_det + here.q)

    def ml_value(self, t: float) -> float:
        """The profile log-likelihood at `t`, up to a constant."""
        return -0.5 * (float(np.log(self.v + t).sum()) + self.q(t))

    def reml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the restricted log-likelihood: ``y'PPy - tr(P)``.

        With K an orthonormal basis of what the design leaves and l the eigenvalues of K'VK, both
        parts are sums of c²/(l + t)² and of 1/(l + t): they fall with t, and so do their speeds.
        """
        here = self.at(t)
        return Slopes(here.gain, here.trace, here.gain_fall, here.trace2)

    def ml_slopes(self, t: float) -> Slopes:
        """Twice the derivative of the profile log-likelihood: ``y'PPy - tr(W)``."""
        here = self.at(t)
        w = here.w
        return Slopes(here.gain, float(w.sum()), here.gain_fall, float(w @ w))

    def solve_q(self, target: float) -> float:
        """The `t` at which ``q(t) == target``; 0 where q is below it already at 0."""
        if self.q(0.0) <= target or self.total == 0.0:
            return 0.0
        high = self.total / target * (1.0 + 1e-9)
        spectrum = self.spectrum
        if spectrum is None or spectrum.q(0.0) <= target:
            return root(lambda t: self.q(t) - target, 0.0, high, atol=_EPS)
        start = root(lambda t: spectrum.q(t) - target, 0.0, high, rtol=1e-12, atol=1e-12)
        return self._polished(
            lambda t: (self.q(t) - target, self.at(t).gain), start, 0.0, 2.0 * high
        )

    def optima(self, ml: bool) -> tuple[float, tuple[float, ...]]:
        """The global maximum of the likelihood, restricted or (`ml`) full, and all local ones.

        Notes
        -----
        No c² exceeds the unweighted residual sum of squares: beyond it, every term of the
        derivative is negative. The search runs on the eigenvalues where these carry enough
        digits, and every maximum found is then placed by the sums that lose none.
        """
        value = self.ml_value if ml else self.reml_value
        slopes = self.ml_slopes if ml else self.reml_slopes
        spectrum = self.spectrum
        if spectrum is None:
            found = global_maximum(value, slopes, self.total)
            return found.x, found.optima
        by_eigenvalues = spectrum.ml_slopes if ml else spectrum.reml_slopes
        rough = global_maximum(lambda _: 0.0, by_eigenvalues, self.total).optima

        def step(t: float) -> tuple[float, float]:
            here = slopes(t)
            return here.derivative, here.gain_fall - here.loss_fall

        places = {self._polished(step, t, 0.0, self.total) if t > 0.0 else 0.0 for t in rough}
        optima = tuple(sorted(places))
        return max(optima, key=lambda t: (value(t), -t)), optima

    def _polished(
        self,
        step: Callable[[float], tuple[float, float]],
        t: float,
        low: float,
        high: float,
    ) -> float:
        """Newton's steps to where the first of `step` is 0; the second is minus its slope."""
        best, size = t, math.inf
        for _ in range(6):
            value, fall = step(t)
            if not abs(value) < size:
                break
            best, size = t, abs(value)
            if fall == 0.0:
                break
            t = min(high, max(low, t + value / fall))
            if abs(t - best) <= _EPS * best:
                break
        return best

    @cached_property
    def spectrum(self) -> Spectrum | None:
        """The eigenvalues; None where rounding or size would make them useless."""
        if self.k > _MOST_ROWS or float(self.v[-1]) > _MOST_SPREAD * float(self.v[0]):
            return None
        basis = np.linalg.qr(self.Z, mode="complete")[0][:, self.p :]
        _, sizes, turn = np.linalg.svd(np.sqrt(self.v)[:, None] * basis, full_matrices=False)
        contrasts: Floats = turn @ (basis.T @ self.y)
        return Spectrum(self.v, sizes * sizes, contrasts * contrasts)

    def unsorted(self, values: Floats) -> Floats:
        """Values of the sorted rows in the caller's order."""
        out = np.empty_like(values)
        out[self.order] = values
        return out


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The eigenvalues l of K'VK and squared contrasts c² along them; `v` are the variances."""

    v: Floats
    values: Floats
    squares: Floats

    def q(self, t: float) -> float:
        """The sum of c² / (l + t)."""
        return float((self.squares / (self.values + t)).sum())

    def reml_slopes(self, t: float) -> Slopes:
        """As :meth:`Residual.reml_slopes`."""
        u = 1.0 / (self.values + t)
        u2 = u * u
        return Slopes(
            float(self.squares @ u2),
            float(u.sum()),
            2.0 * float(self.squares @ (u2 * u)),
            float(u2.sum()),
        )

    def ml_slopes(self, t: float) -> Slopes:
        """As :meth:`Residual.ml_slopes`."""
        u = 1.0 / (self.values + t)
        w = 1.0 / (self.v + t)
        u2 = u * u
        return Slopes(
            float(self.squares @ u2),
            float(w.sum()),
            2.0 * float(self.squares @ (u2 * u)),
            float(w @ w),
        )


class Weighted:
    """A weighted regression: what every estimator and interval is made of.

    Attributes
    ----------
    w, t
        Weights of the sorted rows, and the `t` they came from (NaN for the caller's own).
    leverage, free
        Diagonal of the hat matrix and 1 minus it, each to full relative precision.
    """

    def __init__(self, data: Residual, w: Floats, t: float) -> None:
        self.data, self.w, self.t = data, w, t
        self.root = np.sqrt(w)
        self._design = self.root[:, None] * data.Z
        self._Q, self._R = np.linalg.qr(self._design)
        self.leverage: Floats = np.einsum("ij,ij->i", self._Q, self._Q)
        self.free: Floats = 1.0 - self.leverage
        self.free[data._exact] = 0.0
        self._big = np.flatnonzero((self.leverage > 0.5) & ~data._exact)
        self._without: list[tuple[Floats, Floats, Floats]] = []
        for i in self._big.tolist():
            Q, R = np.linalg.qr(np.delete(self._design, i, axis=0))
            row = np.linalg.solve(R.T, self._design[i])
            self._without.append((Q, R, row))
            self.free[i] = 1.0 / (1.0 + float(row @ row))

    def project(self, z: Floats) -> Floats:
        """The part of `z` (already times the root of the weights) that the design leaves."""
        rest = z - self._Q @ (self._Q.T @ z)
        for i, (Q, _, row) in zip(self._big.tolist(), self._without, strict=True):
            rest[i] = self.free[i] * (z[i] - float(row @ (Q.T @ np.delete(z, i))))
        rest[self.data._exact] = 0.0
        return rest

    @cached_property
    def rest(self) -> Floats:
        """Residuals times the root of the weights."""
        return self.project(self.root * self.data.y)

    @cached_property
    def q(self) -> float:
        """The weighted residual sum of squares, ``y'Py``."""
        return float(self.rest @ self.rest)

    @cached_property
    def log_det(self) -> float:
        """Log-determinant of Z'WZ, of the conditioned design."""
        return 2.0 * float(np.log(np.abs(np.diag(self._R))).sum())

    @cached_property
    def gain(self) -> float:
        """``y'PPy``."""
        return float(self.w @ (self.rest * self.rest))

    @cached_property
    def gain_fall(self) -> float:
        """``2 y'PPPy``."""
        again = self.project(self.w * self.rest)
        return 2.0 * float(again @ again)

    @cached_property
    def trace(self) -> float:
        """``tr(P)``."""
        return float(self.w @ self.free)

    def trace_with(self, v: Floats) -> float:
        """``tr(P diag(v))``."""
        return float(self.w @ (self.free * v))

    @cached_property
    def trace2(self) -> float:
        """``tr(PP)``."""
        return self.trace2_with(np.ones(self.data.k))

    def trace2_with(self, v: Floats) -> float:
        """``tr(P diag(v) P diag(v))``, as a sum of positive terms."""
        u = self.w * v
        own = u * self.free
        total = float(own @ own)
        big = np.flatnonzero(self.leverage > 0.5)
        small = np.flatnonzero(self.leverage <= 0.5)
        Q, s = self._Q[small], u[small]
        inner = Q.T @ (s[:, None] * Q)
        # Rows of leverage at most 1/2: (1 - h)² - h² = 1 - 2h is not negative.
        h = self.leverage[small]
        total += float(np.einsum("ij,ji->", inner, inner)) - float((s * h) @ (s * h))
        if len(big):
            cross = self._Q[big] @ Q.T
            total += 2.0 * float(u[big] @ (cross * cross) @ s)
            among = self._Q[big] @ self._Q[big].T
            np.fill_diagonal(among, 0.0)
            total += float(u[big] @ (among * among) @ u[big])
        return total

    def matrix(self) -> Floats:
        """P itself, shape (k, k), sorted rows."""
        P: Floats = -(self.root[:, None] * (self._Q @ self._Q.T) * self.root)
        np.fill_diagonal(P, self.w * self.free)
        P[self.data._exact, :] = 0.0
        P[:, self.data._exact] = 0.0
        return P

    @cached_property
    def half(self) -> Floats:
        """A root of the covariance of the coefficients at these weights: ``half @ half.T``."""
        inverse = np.linalg.solve(self._R, np.eye(self.data.p))
        half: Floats = self.data._back @ inverse
        return half

    def coefficients(self) -> Coefficients:
        """Coefficients and their plain covariance, in the caller's units."""
        data, unit = self.data, math.sqrt(self.data.scale)
        gamma = np.linalg.solve(self._R, self._Q.T @ (self.root * data.y))
        beta = data._back @ gamma * unit
        if data._constant is not None:
            beta = beta + data.origin * data._constant
        fitted = (self.root * data.y - self.rest) / self.root
        half = self.half
        return Coefficients(
            beta=beta,
            cov=half @ half.T * data.scale,
            fitted=data.unsorted(fitted) * unit + data.origin,
            residuals=data.unsorted(self.rest / self.root) * unit,
            leverage=data.unsorted(self.leverage),
        )

    def sandwich(self, variances: Floats) -> Floats:
        """Covariance of the coefficients when the variances are not 1 over the weights.

        `variances` in units of `scale`, sorted rows; the result is in the caller's units.
        """
        gain = self.half @ (self._Q.T * self.root)
        found: Floats = (gain * variances) @ gain.T * self.data.scale
        return found


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What a weighted regression gives, in the caller's units and order."""

    beta: Floats
    cov: Floats
    fitted: Floats
    residuals: Floats
    leverage: Floats


def conditioned(X: Floats) -> tuple[Floats, Floats, Floats | None]:
    """Centred and scaled columns Z, the matrix B with ``beta = B gamma``, and the constant.

    The constant is the vector a with ``X a = 1``, or None where the design has none.
    """
    k, p = X.shape
    ones = np.flatnonzero((X[0] == X).all(0) & (X[0] != 0.0))
    back = np.eye(p)
    Z = X.copy()
    if len(ones):
        at = int(ones[0])
        level = float(X[0, at])
        for j in range(p):
            if j != at:
                middle = float(X[:, j].mean())
                Z[:, j] = X[:, j] - middle
                back[at, j] = -middle / level
    sizes = np.sqrt((Z * Z).sum(0) / k)
    sizes[sizes == 0.0] = 1.0
    Z = Z / sizes
    back = back / sizes
    if len(ones):
        return Z, back, np.eye(p)[ones[0]] / X[0, ones[0]]
    constant = np.linalg.lstsq(Z, np.ones(k), rcond=None)[0]
    if float(np.abs(Z @ constant - 1.0).max()) > 1e-9:
        return Z, back, None
    return Z, back, back @ constant


@dataclass(frozen=True, slots=True)
class Redundant:
    """A column that others already say: its name, and the combination, name to factor."""

    name: str
    of: dict[str, float]

    def __str__(self) -> str:
        text = ""
        for name, factor in self.of.items():
            size = "" if abs(factor) == 1.0 else f"{abs(factor):.6g} × "
            sign = "−" if factor < 0 else "+"
            text += f" {sign} {size}{name}" if text else f"{'−' if factor < 0 else ''}{size}{name}"
        return f"{self.name} = {text or '0'}"


def redundant(X: Floats, names: Sequence[str]) -> tuple[Redundant, ...]:
    """Columns that are combinations of those before them, from left to right."""
    sizes = np.sqrt((X * X).sum(0))
    sizes[sizes == 0.0] = 1.0
    found: list[Redundant] = []
    chosen: list[int] = []
    basis = np.empty((len(X), 0))
    # With a constant in the design, moderators count by how they vary.
    for j in range(X.shape[1]):
        column = X[:, j] / sizes[j]
        rest = column
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        spread = float(np.sqrt(((column - column.mean()) ** 2).sum()))
        constant = j > 0 and any(np.ptp(X[:, c]) == 0.0 for c in chosen)
        if size > _SAME * (spread if constant else 1.0) and size > 64 * _EPS:
            chosen.append(j)
            basis = np.column_stack([basis, rest / size])
            continue
        factors = (
            np.linalg.lstsq(X[:, chosen] / sizes[chosen], column, rcond=None)[0]
            if chosen
            else np.empty(0)
        )
        of = {
            names[c]: _tidy(float(f) * sizes[j] / sizes[c])
            for c, f in zip(chosen, factors, strict=True)
            if abs(f) > 1e-8
        }
        found.append(Redundant(names[j], of))
    return tuple(found)


def _tidy(value: float) -> float:
    return float(f"{value:.9g}")


def refuse_redundant(X: Floats, names: Sequence[str]) -> None:
    """Refuse a design whose columns do not have full rank.

    Raises
    ------
    InputError
        Naming each column that others already say, and of which it is a combination.
    """
    found = redundant(X, names)
    if found:
        listed = "; ".join(str(one) for one in found)
        raise InputError(
            f"moderators that other columns already say: {listed}",
            where=counted(len(X), "row"),
            hint=f"leave out {', '.join(one.name for one in found)}",
        )
