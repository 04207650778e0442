"""Draws weighed at every tau of a grid, exactly at some and by interpolation between.

Draws are the same standard points at every tau, carried there by the peak and its spread. The
logarithm of their weight against the normal approximation, less its mean over few draws, changes
slowly along the grid, so that polynomials through every few values of tau give it to far more
digits than draws have. What they miss is measured between, and where it counts, more are weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from equipoise.core.progress import Progress
from equipoise.effects.columns import Floats
from equipoise.models.bayes.armwise import Likelihood
from equipoise.models.bayes.importance import Field, Peak, Standard, standard

#: Independent sets of draws.
SETS = 8
#: Every so many values of tau are weighed at first; the degree of polynomials between.
_EVERY, _DEGREE = 4, 5
#: Interpolated logs of weights may be off by this share of what draws may, on average.
_SHARE = 0.05
#: Draws that this is measured with.
_TRIED = 256


class Shape(Protocol):
    """The posterior of effects around its peak at one tau, without the likelihood's tables."""

    @property
    def mode(self) -> Floats:
        """The peak."""

    @property
    def cov(self) -> Floats:
        """The normal approximation's covariance."""

    @property
    def half(self) -> Floats:
        """Its lower triangle."""

    @property
    def stretch(self) -> Floats:
        """By how much each direction reaches further, below and above."""

    @property
    def look(self) -> float:
        """Log of the likelihood over its normal approximation, by few draws."""


@dataclass(frozen=True, slots=True)
class _Between:
    """Which values of tau are weighed, and what they count at all others, (taus, weighed)."""

    rows: tuple[int, ...]
    parts: Floats


class Weighed:
    """Draws of every set, and the logs of their weights at every tau, shape (taus, sets, size).

    Parameters
    ----------
    field
        Effects given tau.
    taus, shapes, own
        Values of tau, the posterior around its peak there, and the posterior of tau.
    rtol
        What draws may be off by, in posterior standard deviations.
    """

    def __init__(
        self, field: Field, taus: Sequence[float], shapes: Sequence[Shape], own: Floats, rtol: float
    ) -> None:
        self.field, self.taus, self.shapes, self.size = field, tuple(taus), tuple(shapes), 0
        self.look = np.array([s.look for s in shapes])
        self.t = np.empty((SETS, 0, field.p))
        self.exact = self.rough = np.empty((len(shapes), SETS, 0))
        self._kept: dict[int, Peak] = {}
        self._own, self._rtol = own, rtol
        self._between = self._spaced()

    def reach(self, size: int) -> None:
        """Add draws until every set has `size`: the first ones of a longer set stay the same."""
        p, old = self.field.p, self.size
        sets = [standard(p, size, 100 + r) for r in range(SETS)]
        new = Standard(
            np.concatenate([s.t[old:] for s in sets]),
            np.concatenate([s.log_density[old:] for s in sets]),
        )
        rough = np.array([self.field.rough(s.half, s.stretch, new)[1] for s in self.shapes])
        done = Progress("draws weighed", len(self._between.rows))
        beyond = self._beyond(self._between.rows, new, done.update)
        done.close()
        exact = rough + self.look[:, None] + self._between.parts @ beyond
        shape = (len(self.shapes), SETS, size - old)
        self.t = np.concatenate([self.t, new.t.reshape(SETS, size - old, p)], axis=1)
        self.exact = np.concatenate([self.exact, exact.reshape(shape)], axis=2)
        self.rough = np.concatenate([self.rough, rough.reshape(shape)], axis=2)
        self.size = size

    def _beyond(
        self, rows: Sequence[int], draws: Standard, told: Callable[[int], None] | None = None
    ) -> Floats:
        """Logs of weights against the normal approximation, less their means over few draws."""
        found = []
        for i in rows:
            exact, rough = self.field.weigh(self._peak(i), draws)
            found.append(exact - rough - self.look[i])
            if told is not None:
                told(len(found))
        return np.array(found)

    def _peak(self, i: int) -> Peak:
        s = self.shapes[i]
        # Values of tau that tell the same share one shape, and its likelihood.
        key = id(s)
        if key not in self._kept:
            like: Likelihood = self.field.likelihood(self.taus[i])
            self._kept[key] = Peak(like, s.mode, s.cov, s.half, s.stretch)
        return self._kept[key]

    def _spaced(self) -> _Between:
        """The values of tau to weigh: as few as tell the others well enough."""
        many = len(self.shapes)
        draws = standard(self.field.p, _TRIED, 1)
        every = _EVERY
        while every > 1:
            rows = tuple(sorted({*range(0, many, every), many - 1}))
            if len(rows) > _DEGREE:
                between = _Between(rows, _through(many, rows))
                if self._off(between, draws) < _SHARE * self._rtol:
                    return between
            every //= 2
        return _Between(tuple(range(many)), np.eye(many))

    def _off(self, between: _Between, draws: Standard) -> float:
        """What interpolation misses at the likeliest values of tau that are not weighed."""
        rest = [i for i in range(len(self.shapes)) if i not in between.rows]
        tried = sorted(rest, key=lambda i: -self._own[i])[:1] + rest[:1] + rest[-1:]
        found = between.parts @ self._beyond(between.rows, draws)
        worst = 0.0
        for i in tried:
            true = self._beyond([i], draws)[0]
            rough = self.field.rough(self.shapes[i].half, self.shapes[i].stretch, draws)[1]
            w = np.exp(true + rough - (true + rough).max())
            off = found[i] - true
            off = off - (w @ off) / w.sum()
            share = float(self._own[i] / self._own.max())
            worst = max(worst, share * float(np.sqrt((w @ (off * off)) / w.sum())))
        return worst


def _through(many: int, rows: Sequence[int]) -> Floats:
    """What values at `rows` count in polynomials through the nearest of them, (many, rows)."""
    out = np.zeros((many, len(rows)))
    at = np.array(rows, dtype=np.float64)
    for x in range(many):
        first = int(np.searchsorted(at, x)) - (_DEGREE + 1) // 2
        first = min(max(first, 0), len(rows) - _DEGREE - 1)
        near = range(first, first + _DEGREE + 1)
        for i in near:
            others = np.array([at[j] for j in near if j != i])
            out[x, i] = float(np.prod((x - others) / (at[i] - others)))
    return out
