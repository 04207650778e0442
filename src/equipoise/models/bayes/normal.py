"""Normal trials given tau: effects integrated out in closed form, for many values of tau at once.

Estimates have covariance ``V + tau² R``. Block by block (trial by trial), a rotation makes `V` the
identity and `R` diagonal, so that for every tau the information matrix is a weighted sum of the
same rank-one matrices, one matrix product for a whole grid.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.models.bayes.priors import EffectPrior
from equipoise.models.correlated import shared_effects

_LOG_2PI = math.log(2.0 * math.pi)
#: Numbers that one step of a grid may hold at a time.
_ROOM = 4_000_000


@dataclass(frozen=True, slots=True)
class Rotated:
    """Independent rows with variances ``1 + tau² s``.

    Attributes
    ----------
    y, X, s
        Data, design and shares of tau², shapes (n,), (n, p) and (n,).
    log_det
        Log-determinant of `V`.
    """

    y: Floats
    X: Floats
    s: Floats
    log_det: float


def rotated_alone(y: Floats, X: Floats, v: Floats) -> Rotated:
    """Rotate independent rows with variances ``v + tau²``."""
    root = np.sqrt(v)
    return Rotated(y / root, X / root[:, None], 1.0 / v, float(np.log(v).sum()))


def rotated(es: Contrasts, y: Floats, X: Floats) -> Rotated:
    """Rotate contrasts that may share groups.

    Raises
    ------
    InputError
        On covariances that no data can have, naming the study.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for i, study in enumerate(es.study):
        rows[study].append(i)
    sizes: dict[int, list[list[int]]] = defaultdict(list)
    for places in rows.values():
        sizes[len(places)].append(places)
    V, R = es.V(), shared_effects(es)
    ys, Xs, ss, log_det = [], [], [], 0.0
    for size in sorted(sizes):
        at = np.array(sizes[size], dtype=np.intp)
        if size == 1:
            part = rotated_alone(y[at[:, 0]], X[at[:, 0]], es.vi[at[:, 0]])
            ys.append(part.y)
            Xs.append(part.X)
            ss.append(part.s)
            log_det += part.log_det
            continue
        block = at[:, :, None], at[:, None, :]
        try:
            low = np.linalg.cholesky(V[block])
        except np.linalg.LinAlgError:
            raise InputError(
                "variances and covariances that no data can have",
                where=f"study {_impossible(es, V, sizes[size])}",
                hint="covariances smaller than the variances allow",
            ) from None
        half = np.linalg.solve(low, R[block])
        inner = np.linalg.solve(low, np.swapaxes(half, 1, 2))
        s, turn = np.linalg.eigh(0.5 * (inner + np.swapaxes(inner, 1, 2)))
        back = np.swapaxes(turn, 1, 2)
        ys.append((back @ np.linalg.solve(low, y[at][:, :, None])).ravel())
        Xs.append((back @ np.linalg.solve(low, X[at])).reshape(-1, X.shape[1]))
        ss.append(np.maximum(s, 0.0).ravel())
        log_det += 2.0 * float(np.log(np.diagonal(low, axis1=1, axis2=2)).sum())
    return Rotated(np.concatenate(ys), np.concatenate(Xs), np.concatenate(ss), log_det)


def _impossible(es: Contrasts, V: Floats, blocks: list[list[int]]) -> str:
    for places in blocks:
        if np.linalg.eigvalsh(V[np.ix_(places, places)])[0] <= 0.0:
            return es.study[places[0]]
    return es.study[blocks[0][0]]


class Conditional:
    """Effects and likelihood given tau.

    Parameters
    ----------
    rows
        The data, rotated; the design has full column rank, or the prior is not flat.
    prior
        Of each coefficient, independently.

    Notes
    -----
    Coefficients are measured from their least squares solution at one tau, so that no sum
    cancels however far from 0 the data lie.
    """

    def __init__(self, rows: Rotated, prior: EffectPrior) -> None:
        self.rows = rows
        n, p = rows.X.shape
        self.p = p
        self.flat = prior.flat
        self.precision = 0.0 if prior.flat else prior.sd**-2
        self.outer = (rows.X[:, :, None] * rows.X[:, None, :]).reshape(n, p * p)
        positive = rows.s[rows.s > 0.0]
        typical = 1.0 / float(np.median(positive)) if positive.size else 1.0
        self.origin = np.zeros(p)
        self.rest = rows.y
        self.prior_mean = np.full(p, prior.mean)
        for _ in range(2):
            shift = self._solve(np.array([typical]))[1][0]
            self.origin = self.origin + shift
            self.rest = rows.y - rows.X @ self.origin
        self.gap = self.prior_mean - self.origin

    def _system(self, tau2: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Weights, information matrices, their lower triangles, and right sides."""
        rows = self.rows
        D = 1.0 / (1.0 + tau2[:, None] * rows.s)
        A = (D @ self.outer).reshape(-1, self.p, self.p)
        right = (D * self.rest) @ rows.X
        if not self.flat:
            A = A + self.precision * np.eye(self.p)
            right = right + self.precision * (self.prior_mean - self.origin)
        try:
            found = np.sqrt(A) if self.p == 1 else np.linalg.cholesky(A)
        except np.linalg.LinAlgError:
            raise NotEstimableError(
                "variances too far apart for the information matrix to be inverted",
                hint="check the variances of the trials",
            ) from None
        return D, A, np.asarray(found, dtype=np.float64), right

    def _solve(self, tau2: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Weights, coefficients from `origin`, lower triangles, covariances, right sides."""
        D, _, low, right = self._system(tau2)
        found = 1.0 / low if self.p == 1 else np.linalg.inv(low)
        half = np.asarray(found, dtype=np.float64)
        cov = np.swapaxes(half, 1, 2) @ half
        return D, (cov @ right[:, :, None])[:, :, 0], low, cov, right

    def evaluate(self, tau2: Floats) -> tuple[Floats, ...]:
        """Log-likelihood, means (J, p) and covariances (J, p, p) of the coefficients."""
        parts = [self._some(t) for t in self._pieces(tau2)]
        return parts[0] if len(parts) == 1 else tuple(map(np.concatenate, zip(*parts, strict=True)))

    def likelihood(self, tau2: Floats) -> Floats:
        """The log-likelihood alone."""
        return np.concatenate([self._look(t) for t in self._pieces(tau2)])

    def _pieces(self, tau2: Floats) -> list[Floats]:
        size = max(1, _ROOM // max(1, self.rows.y.size * max(1, self.p)))
        return [tau2[i : i + size] for i in range(0, tau2.size, size)]

    def _some(self, tau2: Floats) -> tuple[Floats, ...]:
        D, shift, low, cov, right = self._solve(tau2)
        log_l = self._log_l(tau2, D, low, (shift * right).sum(axis=1))
        return log_l, self.origin + shift, cov

    def _look(self, tau2: Floats) -> Floats:
        D, A, low, right = self._system(tau2)
        shift = right / A[:, 0] if self.p == 1 else np.linalg.solve(A, right[:, :, None])[:, :, 0]
        return self._log_l(tau2, D, low, (shift * right).sum(axis=1))

    def _log_l(self, tau2: Floats, D: Floats, low: Floats, explained: Floats) -> Floats:
        rows = self.rows
        quad = D @ self.rest**2 - explained
        log_l = rows.log_det + rows.y.size * _LOG_2PI + np.log1p(tau2[:, None] * rows.s).sum(axis=1)
        log_l += 2.0 * np.log(np.diagonal(low, axis1=1, axis2=2)).sum(axis=1)
        if self.flat:
            log_l -= self.p * _LOG_2PI
        else:
            quad = quad + self.precision * float(self.gap @ self.gap)
            log_l -= self.p * math.log(self.precision)
        out: Floats = -0.5 * (log_l + quad)
        return out
