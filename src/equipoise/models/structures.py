"""Covariance structures of random effects: parameters with bounds, the matrix, its derivatives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import counted
from equipoise.effects.columns import Floats, Ints

#: What each structure says, by code.
STRUCTURES: dict[str, str] = {
    "CS": "one variance, one correlation (compound symmetry)",
    "HCS": "a variance for each level, one correlation",
    "UN": "a variance for each level, a correlation for each pair",
    "ID": "one variance, no correlation",
    "DIAG": "a variance for each level, no correlation",
    "AR": "one variance, correlations that fall with the number of steps between levels",
    "HAR": "a variance for each level, correlations that fall with the number of steps",
    "CAR": "one variance, correlations that fall with the distance in time",
}

#: Correlations that the search starts from.
_RHO = (0.0, 0.6, -0.6, 0.9)


class Structure(Protocol):
    """A covariance matrix as a function of parameters between bounds."""

    @property
    def q(self) -> int:
        """Number of levels."""
        ...

    @property
    def low(self) -> Floats:
        """Lower bounds of the parameters."""
        ...

    @property
    def high(self) -> Floats:
        """Upper bounds of the parameters."""
        ...

    def matrix(self, x: Floats) -> Floats:
        """The covariance matrix, shape (q, q)."""
        ...

    def matrices(self, places: Floats) -> Floats:
        """The covariance matrices at many places, shape (places, q, q)."""
        ...

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """First and second derivatives, shapes (m, q, q) and (m, m, q, q)."""
        ...

    def read(self, G: Floats) -> Floats:
        """The parameters that give `G`."""
        ...

    def starts(self, variances: Sequence[float]) -> list[Floats]:
        """Places to look at, made of these variances."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """``G = sum of x[i] basis[i]`` with ``x >= 0``: ID, DIAG, CS, and a single variance.

    A compound symmetric matrix is the sum of a multiple of ``I - J/q`` and one of ``J/q``, so that
    it is positive semi-definite exactly when neither is negative.
    """

    basis: Floats

    @property
    def q(self) -> int:
        """Number of levels."""
        return int(self.basis.shape[1])

    @property
    def low(self) -> Floats:
        """Lower bounds."""
        return np.zeros(len(self.basis))

    @property
    def high(self) -> Floats:
        """Upper bounds."""
        return np.full(len(self.basis), np.inf)

    def matrix(self, x: Floats) -> Floats:
        """The covariance matrix."""
        return np.asarray((x[:, None, None] * self.basis).sum(0))

    def matrices(self, places: Floats) -> Floats:
        """The covariance matrices at many places."""
        return np.tensordot(places, self.basis, 1)

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """Derivatives."""
        m, q = self.basis.shape[:2]
        return self.basis, np.zeros((m, m, q, q))

    def read(self, G: Floats) -> Floats:
        """The parameters: the bases are orthogonal to each other."""
        sizes = (self.basis * self.basis).sum((1, 2))
        return np.asarray(np.maximum((self.basis * G).sum((1, 2)) / sizes, 0.0))

    def starts(self, variances: Sequence[float]) -> list[Floats]:
        """Every combination of the variances for up to two parameters, equal ones beyond."""
        m = len(self.basis)
        if m <= 2:
            return [np.array(c) for c in itertools.product(variances, repeat=m)]
        return [np.full(m, v) for v in variances if v > 0.0]


@dataclass(frozen=True, slots=True)
class Triangle:
    """``G = L L'`` with a lower triangle L whose diagonal is not negative: UN."""

    q: int

    @property
    def _at(self) -> tuple[Ints, Ints]:
        rows, columns = np.tril_indices(self.q)
        return rows, columns

    @property
    def low(self) -> Floats:
        """Lower bounds: 0 on the diagonal."""
        rows, columns = self._at
        return np.where(rows == columns, 0.0, -np.inf)

    @property
    def high(self) -> Floats:
        """Upper bounds: none."""
        return np.full(self.q * (self.q + 1) // 2, np.inf)

    def _lower(self, x: Floats) -> Floats:
        L = np.zeros((self.q, self.q))
        L[self._at] = x
        return L

    def matrix(self, x: Floats) -> Floats:
        """The covariance matrix."""
        L = self._lower(x)
        with np.errstate(over="ignore"):  # A step of the search too far: an infinite variance.
            return L @ L.T

    def matrices(self, places: Floats) -> Floats:
        """The covariance matrices at many places."""
        return np.array([self.matrix(x) for x in places])

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """Derivatives."""
        L, m = self._lower(x), x.size
        E = np.zeros((m, self.q, self.q))
        E[np.arange(m), *self._at] = 1.0
        half = E @ L.T
        first = half + half.swapaxes(1, 2)
        both = np.einsum("iab,jcb->ijac", E, E)
        return first, both + both.swapaxes(2, 3)

    def read(self, G: Floats) -> Floats:
        """The parameters; exact also where `G` is singular."""
        values, turn = np.linalg.eigh(G)
        root = turn * np.sqrt(np.maximum(values, 0.0))
        _, R = np.linalg.qr(root.T)
        L = R.T
        sign = np.where(np.diag(L) < 0.0, -1.0, 1.0)
        return np.asarray((L * sign)[self._at])

    def starts(self, variances: Sequence[float]) -> list[Floats]:
        """Pairs of variances with several correlations; equal variances beyond two levels."""
        return [self.read(G) for G in _unequal(self.q, [v for v in variances if v > 0.0])]


@dataclass(frozen=True, slots=True)
class Polar:
    """UN in coordinates that have the first variance and the first correlation among them.

    The parameters are two standard deviations, the angle whose sine is the correlation of the
    first two levels, and the further rows of the triangle.
    """

    q: int

    @property
    def low(self) -> Floats:
        """Lower bounds."""
        return np.array([0.0, 0.0, -0.5 * np.pi, *Triangle(self.q).low[3:]])

    @property
    def high(self) -> Floats:
        """Upper bounds."""
        return np.array([np.inf, np.inf, 0.5 * np.pi, *Triangle(self.q).high[3:]])

    def _lower(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """The triangle with its first and second derivatives."""
        q, m = self.q, x.size
        s, a = float(x[1]), float(x[2])
        sin, cos = (
            (1.0 if a > 0 else -1.0, 0.0) if abs(a) == 0.5 * np.pi else (np.sin(a), np.cos(a))
        )
        L, L1, L2 = np.zeros((q, q)), np.zeros((m, q, q)), np.zeros((m, m, q, q))
        rows, columns = np.tril_indices(q)
        L[rows, columns] = x
        L[0, 0], L[1, 0], L[1, 1] = x[0], s * sin, s * cos
        L1[np.arange(m), rows, columns] = 1.0
        L1[:3] = 0.0
        L1[0, 0, 0] = 1.0
        L1[1, 1, :2] = sin, cos
        L1[2, 1, :2] = s * cos, -s * sin
        L2[1, 2, 1, :2] = L2[2, 1, 1, :2] = cos, -sin
        L2[2, 2, 1, :2] = -s * sin, -s * cos
        return L, L1, L2

    def matrix(self, x: Floats) -> Floats:
        """The covariance matrix."""
        L, _, _ = self._lower(x)
        return L @ L.T

    def matrices(self, places: Floats) -> Floats:
        """The covariance matrices at many places."""
        return np.array([self.matrix(x) for x in places])

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """Derivatives."""
        L, L1, L2 = self._lower(x)
        first = L1 @ L.T
        second = L2 @ L.T + np.einsum("iab,jcb->ijac", L1, L1)
        return first + first.swapaxes(1, 2), second + second.swapaxes(2, 3)

    def read(self, G: Floats) -> Floats:
        """The parameters that give `G`."""
        x = Triangle(self.q).read(G)
        s, a = float(np.hypot(x[1], x[2])), float(np.arctan2(x[1], x[2]))
        return np.array([x[0], s, a, *x[3:]])

    def starts(self, variances: Sequence[float]) -> list[Floats]:
        """Places to look at."""
        return [self.read(G) for G in _unequal(self.q, [v for v in variances if v > 0.0])]


@dataclass(frozen=True, slots=True)
class Scaled:
    """``G = D R D`` with standard deviations and one parameter of correlation: HCS, AR, HAR, CAR.

    The correlation of levels a and b is ``r`` to the power of ``distance[a, b]``. Without
    `unequal`, one variance takes the place of the standard deviations. `least` and `most` bound r.
    """

    distance: Floats
    unequal: bool
    least: float
    most: float = 1.0

    @property
    def q(self) -> int:
        """Number of levels."""
        return len(self.distance)

    @property
    def _m(self) -> int:
        return (len(self.distance) if self.unequal else 1) + 1

    @property
    def low(self) -> Floats:
        """Lower bounds."""
        return np.array([0.0] * (self._m - 1) + [self.least])

    @property
    def high(self) -> Floats:
        """Upper bounds."""
        return np.array([np.inf] * (self._m - 1) + [self.most])

    def _power(self, r: float, times: int) -> Floats:
        """The correlations, or their first or second derivative by `r`."""
        d = self.distance
        factor, power = (1.0, d) if times == 0 else (d, d - 1.0)
        if times == 2:
            factor, power = d * (d - 1.0), d - 2.0
        with np.errstate(divide="ignore", invalid="ignore"):
            out = factor * np.power(r, power)
        return np.where(factor == 0.0, 0.0, out) if times else np.where(d == 0.0, 1.0, out)

    def matrix(self, x: Floats) -> Floats:
        """The covariance matrix."""
        R = self._power(float(x[-1]), 0)
        return np.asarray(np.outer(x[:-1], x[:-1]) * R if self.unequal else x[0] * R)

    def matrices(self, places: Floats) -> Floats:
        """The covariance matrices at many places."""
        return np.array([self.matrix(x) for x in places])

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """Derivatives."""
        R, R1, R2 = (self._power(float(x[-1]), t) for t in range(3))
        q, m = len(self.distance), self._m
        first, second = np.zeros((m, q, q)), np.zeros((m, m, q, q))
        if not self.unequal:
            first[0], first[1] = R, x[0] * R1
            second[0, 1] = second[1, 0] = R1
            second[1, 1] = x[0] * R2
            return first, second
        sd = x[:-1]
        outer = np.outer(sd, sd)
        first[-1], second[-1, -1] = outer * R1, outer * R2
        unit = np.eye(q)
        for a in range(q):
            turn = np.outer(unit[a], sd) + np.outer(sd, unit[a])
            first[a], second[a, -1] = turn * R, turn * R1
            second[-1, a] = second[a, -1]
            for b in range(q):
                pair = np.outer(unit[a], unit[b])
                second[a, b] = (pair + pair.T) * R
        return first, second

    def read(self, G: Floats) -> Floats:
        """The parameters; the correlation from the nearest pair of levels."""
        sd = np.sqrt(np.diag(G))
        off = self.distance + np.where(np.eye(len(G), dtype=bool), np.inf, 0.0)
        a, b = np.unravel_index(int(np.argmin(off)), off.shape)
        product = float(sd[a] * sd[b])
        r = float(G[a, b]) / product if product > 0.0 else 0.0
        r = np.sign(r) * abs(r) ** (1.0 / float(self.distance[a, b]))
        start = sd if self.unequal else [float(G[0, 0])]
        return np.asarray(np.clip(np.array([*start, r]), self.low, self.high))

    def starts(self, variances: Sequence[float]) -> list[Floats]:
        """Variances with several correlations."""
        values = [v for v in variances if v > 0.0]
        rhos = [r for r in _RHO if self.least <= r <= self.most] or [self.least]
        if not self.unequal:
            return [np.array([v, r]) for v in values for r in rhos]
        sds = _deviations(len(self.distance), values)
        return [np.array([*sd, r]) for sd in sds for r in rhos]


def _deviations(q: int, variances: Sequence[float]) -> list[Floats]:
    roots = np.sqrt(np.asarray(variances))
    if q <= 2:
        return [np.array(c) for c in itertools.product(roots, repeat=q)]
    return [np.full(q, s) for s in roots]


def _unequal(q: int, variances: Sequence[float]) -> list[Floats]:
    rhos = [r for r in _RHO if r > -1.0 / (q - 1)] if q > 1 else [0.0]
    return [
        np.outer(sd, sd) * ((1.0 - r) * np.eye(q) + r)
        for sd in _deviations(q, variances)
        for r in rhos
    ]


def structure_of(
    code: str, q: int, times: Floats | None = None, rho: float | None = None
) -> Structure:
    """Return the structure of that code for `q` levels.

    Parameters
    ----------
    code
        A code of :data:`STRUCTURES`.
    q
        Number of levels of the inner factor.
    times
        The levels as numbers; only ``CAR`` needs them.
    rho
        The correlation, where it is known and not estimated.

    Raises
    ------
    UnknownNameError
        For another code.
    InputError
        ``CAR`` with levels that are no numbers; a correlation that the structure cannot have.
    """
    if code not in STRUCTURES:
        raise UnknownNameError("structure", code, STRUCTURES)
    eye = np.eye(q)
    if rho is not None:
        return _held(code, q, times, rho)
    if q == 1 or code == "ID":
        return Linear(eye[None])
    if code == "DIAG":
        return Linear(np.array([np.outer(e, e) for e in eye]))
    if code == "CS":
        mean = np.full((q, q), 1.0 / q)
        return Linear(np.array([eye - mean, mean]))
    if code == "UN":
        return Triangle(q)
    if code == "HCS":
        return Scaled(1.0 - eye, True, -1.0 / (q - 1))
    place = np.arange(q, dtype=float)
    if code == "CAR":
        if times is None:
            raise InputError("CAR with levels that are no numbers", hint="times, or struct='AR'")
        place = times
    distance = np.abs(place[:, None] - place[None, :])
    return Scaled(distance, code == "HAR", 1e-12 if code == "CAR" else -1.0)


def _held(code: str, q: int, times: Floats | None, rho: float) -> Structure:
    """A structure whose correlation is known."""
    if code not in ("CS", "HCS", "AR", "HAR", "CAR"):
        raise InputError(f"rho={rho:g} with {code}", hint="struct='CS', or rho=None")
    free = structure_of(code, max(q, 2), np.arange(2.0) if q == 1 else times)
    least = -1.0 / max(q - 1, 1) if code in ("CS", "HCS") else 0.0 if code == "CAR" else -1.0
    if not least <= rho <= 1.0:
        raise InputError(
            f"rho={rho:g} with {code} and {counted(q, 'level')}", hint=f"between {least:.3g} and 1"
        )
    if q == 1:
        return Linear(np.eye(1)[None])
    distance = free.distance if isinstance(free, Scaled) else 1.0 - np.eye(q)
    if code in ("HCS", "HAR"):
        return Scaled(distance, True, rho, rho)
    return Linear(Scaled(distance, False, rho, rho).matrix(np.array([1.0, rho]))[None])


def variances_of(code: str, G: Floats) -> Floats:
    """The variances as the structure counts them: one, or one a level."""
    return np.diag(G).copy() if code in ("UN", "HCS", "HAR", "DIAG") else np.diag(G)[:1].copy()


def correlations_of(code: str, G: Floats, times: Floats | None = None) -> Floats:
    """The correlations as the structure counts them: none, one, or one a pair of levels.

    Pairs come row by row: (1, 2), (1, 3), (2, 3) for three levels. Where a variance is 0 the
    correlation is not a number.
    """
    q = len(G)
    if q == 1 or code in ("ID", "DIAG"):
        return np.empty(0)
    sd = np.sqrt(np.diag(G))
    with np.errstate(divide="ignore", invalid="ignore"):
        R = np.where(np.outer(sd, sd) > 0.0, G / np.outer(sd, sd), np.nan)
    R = np.clip(R, -1.0, 1.0)
    if code == "UN":
        return np.array([R[a, b] for a, b in itertools.combinations(range(q), 2)])
    if code == "CAR" and times is not None:
        x = structure_of(code, q, times).read(G)
        return np.array([x[-1] if G[0, 0] > 0.0 else np.nan])
    return np.array([R[0, 1]])
