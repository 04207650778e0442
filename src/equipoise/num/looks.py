"""Repeated looks at a sum that grows: crossing probabilities by recursive numerical integration.

At information time t the score S(t) is normal with mean drift × t and variance t, with independent
increments (Brownian motion). A `Path` is what is left of its density after the looks so far, where
no boundary was crossed.

Source: Armitage, McPherson, Rowe 1969, J R Stat Soc A 132:235, doi:10.2307/2343787; Jennison,
Turnbull 2000, Group Sequential Methods with Applications to Clinical Trials, chapter 19. Gauss and
Legendre's nodes in panels take the place of Simpson's rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from equipoise.num.dist import normal_quantile
from equipoise.num.solve import root

Floats = NDArray[np.float64]

#: Nodes in a panel, and its width in standard deviations of the next (or last) increment.
_NODES, _PANEL = 8, 1.5
#: How far from its mean a normal variable is followed, in standard deviations.
_FAR = 8.5
#: Targets that are computed at a time, so that memory stays small.
_BLOCK = 512


@cache
def _rule() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


@dataclass(frozen=True, slots=True)
class Path:
    """The density of the score where no boundary was crossed so far.

    Attributes
    ----------
    time
        Information time of the last look.
    nodes, mass
        Places in ascending order, and the probability at each.
    drift
        Mean of the score for one unit of information time.
    reach
        How many standard deviations are followed.
    """

    time: float
    nodes: Floats
    mass: Floats
    drift: float
    reach: float

    @classmethod
    def start(cls, drift: float = 0.0, *, reach: float = _FAR) -> Path:
        """Before the first look, with the mean of the score for one unit of information time."""
        return cls(0.0, np.zeros(1), np.ones(1), drift, reach)

    @property
    def left(self) -> float:
        """The probability that no boundary was crossed so far."""
        return float(self.mass.sum())

    def above(self, time: float, bound: float) -> float:
        """The probability of a score beyond `bound` at the next look."""
        width = math.sqrt(time - self.time)
        mean = self.nodes + self.drift * (time - self.time)
        return float(self.mass @ special.ndtr((mean - bound) / width))

    def below(self, time: float, bound: float) -> float:
        """The probability of a score under `bound` at the next look."""
        width = math.sqrt(time - self.time)
        mean = self.nodes + self.drift * (time - self.time)
        return float(self.mass @ special.ndtr((bound - mean) / width))

    def upper(self, time: float, chance: float) -> float:
        """The score that is exceeded with that probability at the next look."""
        return self._bound(time, chance, self.above, -1.0)

    def lower(self, time: float, chance: float) -> float:
        """The score that is fallen short of with that probability at the next look."""
        return self._bound(time, chance, self.below, 1.0)

    def _bound(self, time: float, chance: float, tail: object, way: float) -> float:
        assert callable(tail)
        if not chance > 0.0:
            return -way * math.inf
        if chance >= self.left:
            return way * math.inf
        # All of the mass lies within reach of its mean, so no tail can begin farther out.
        far = (self.reach + math.sqrt(2.0) * -min(0.0, normal_quantile(chance))) * math.sqrt(time)
        middle, goal = self.drift * time, math.log(chance)

        def miss(bound: float) -> float:
            found = tail(time, bound)
            return (math.log(found) if found > 0.0 else -1e4) - goal

        return root(miss, middle - far, middle + far, atol=1e-15 * math.sqrt(time))

    def after(
        self, time: float, low: float, high: float, next_time: float, reach: float = _FAR
    ) -> Path:
        """What is left after a look at which scores from `low` to `high` go on.

        `next_time` is the time of the look after it, which sets how fine the nodes must be; `reach`
        is how many standard deviations are followed from now on.
        """
        step = time - self.time
        width = math.sqrt(step)
        spread = reach * math.sqrt(time)
        a, b = max(low, self.drift * time - spread), min(high, self.drift * time + spread)
        if not a < b:
            return Path(time, np.zeros(0), np.zeros(0), self.drift, reach)
        panels = math.ceil((b - a) / (_PANEL * min(width, math.sqrt(next_time - time))))
        at, weights = _rule()
        half = 0.5 * (b - a) / panels
        centres = a + half * (2.0 * np.arange(panels) + 1.0)
        nodes = (centres[:, None] + half * at).ravel()
        # The density falls towards a target in the tail by the weight of the target itself.
        window = width * (_FAR + reach * math.sqrt(step / time)) + abs(self.drift) * step
        density = np.empty(len(nodes))
        for first in range(0, len(nodes), _BLOCK):
            block = nodes[first : first + _BLOCK]
            i, j = np.searchsorted(self.nodes, (block[0] - window, block[-1] + window))
            away = block[:, None] - (self.nodes[i:j] + self.drift * step)
            kernel = np.exp(-0.5 * (away / width) ** 2)
            density[first : first + _BLOCK] = kernel @ self.mass[i:j]
        mass = density * np.tile(weights * half, panels) / (width * math.sqrt(2.0 * math.pi))
        return Path(time, nodes, mass, self.drift, reach)


def reaches_for(chances: Sequence[float]) -> list[float]:
    """How far the score must be followed before each look, for the tails asked from it on.

    Given a score in the tail of a later look, that of an earlier one lies no farther out, give or
    take a normal deviate.
    """
    found, most = [], 0.0
    for chance in reversed(chances):
        if 0.0 < chance < 0.5:
            most = max(most, -normal_quantile(chance))
        found.append(math.hypot(_FAR, most))
    return found[::-1]


def two_sided_bounds(times: Sequence[float], spend: Sequence[float]) -> list[float]:
    """Symmetric boundaries of z under no drift, for what is spent at each look.

    Parameters
    ----------
    times
        Information times, ascending.
    spend
        The probability of crossing either boundary for the first time at each look.

    Returns
    -------
    list of float
        z at each look; infinite where nothing is spent.
    """
    reaches = reaches_for([s / 2 for s in spend])
    path = Path.start(reach=reaches[0])
    found = []
    for i, (time, chance) in enumerate(zip(times, spend, strict=True)):
        bound = max(path.upper(time, 0.5 * chance), 0.0)
        found.append(bound / math.sqrt(time))
        if i + 1 < len(times):
            path = path.after(time, -bound, bound, times[i + 1], reaches[i + 1])
    return found


def crossing(
    times: Sequence[float], lower: Sequence[float], upper: Sequence[float], drift: float
) -> tuple[list[float], list[float]]:
    """The probabilities of crossing each boundary for the first time, at each look.

    Parameters
    ----------
    times
        Information times, ascending.
    lower, upper
        Boundaries of z at each look; may be infinite.
    drift
        Mean of z at information time 1.

    Returns
    -------
    tuple of list
        Below `lower`, and above `upper`.
    """
    path = Path.start(drift)
    below, above = [], []
    for i, (time, low, high) in enumerate(zip(times, lower, upper, strict=True)):
        size = math.sqrt(time)
        below.append(path.below(time, low * size))
        above.append(path.above(time, high * size))
        if i + 1 < len(times):
            path = path.after(time, low * size, high * size, times[i + 1])
    return below, above
