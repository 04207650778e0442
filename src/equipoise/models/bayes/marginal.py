"""Posterior distributions of one number: exact mixtures over the grid of tau."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import special

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Result
from equipoise.core.table import significant
from equipoise.effects.columns import Floats
from equipoise.models.bayes.grid import Grid
from equipoise.num.solve import root

INTERVALS = ("central", "shortest")
#: Brackets of quantiles that are wider, in standard deviations given the likeliest tau, are
#: searched on another scale.
_FAR = 1e8
#: Given tau, what is added is convolved in closed form where it is wider than this many steps
#: between nodes (what that leaves out is below exp(-44)), and left out where it is narrower than
#: the other.
_WIDE, _NONE = 1.5, 1e-5


def is_number(value: object) -> bool:
    """Whether this is a real number, of Python or NumPy."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_interval(kind: str, level: float) -> None:
    """Refuse an unknown kind of interval or an impossible level."""
    if kind not in INTERVALS:
        raise UnknownNameError("kind of credible interval", kind, INTERVALS)
    if not (is_number(level) and 0.0 < level < 1.0):
        raise InputError(f"level {level!r}", hint="a number between 0 and 1, such as 0.95")


def shortest(
    quantile: Callable[[float], float], density: Callable[[float], float], level: float
) -> tuple[float, float]:
    """The shortest interval with that probability.

    Both ends have the same density there; among the places where that holds, and both ends of the
    range, the narrowest interval is taken.
    """
    rest = 1.0 - level

    def gap(q: float) -> float:
        return density(quantile(q)) - density(quantile(q + level))

    at = rest * (np.arange(1, 16) / 16.0)
    gaps = [gap(float(q)) for q in at]
    found = [
        root(gap, float(a), float(b), atol=1e-12 * rest, rtol=1e-12)
        for a, b, x, y in zip(at, at[1:], gaps, gaps[1:], strict=False)
        if x < 0.0 <= y
    ]
    if not found:
        falling = gaps[0] >= 0.0
        a, b = (1e-9 * rest, float(at[0])) if falling else (float(at[-1]), rest * (1.0 - 1e-9))
        if gap(a) < 0.0 <= gap(b):
            found = [root(gap, a, b, atol=1e-12 * rest, rtol=1e-12)]
        else:
            found = [a if falling else b]
    pairs = [(quantile(q), quantile(q + level)) for q in found]
    return min(pairs, key=lambda p: p[1] - p[0])


class Distribution(ABC):
    """What every posterior of one number can be asked."""

    __slots__ = ()

    name: str
    level: float
    kind: str

    @abstractmethod
    def cdf(self, value: float) -> float:
        """Probability of being at most `value`."""

    @abstractmethod
    def density(self, value: float) -> float:
        """Posterior density."""

    @abstractmethod
    def quantile(self, p: float) -> float:
        """The value that it is below with probability `p`."""

    def over(self, value: float) -> float:
        """Probability of being above `value`, exact in the far tail too."""
        return 1.0 - self.cdf(value)

    @property
    def median(self) -> float:
        """Posterior median."""
        return self.quantile(0.5)

    @property
    def ci(self) -> Interval:
        """The credible interval."""
        return self.interval()

    def interval(self, level: float | None = None, kind: str | None = None) -> Interval:
        """A credible interval of another level or kind."""
        level = self.level if level is None else level
        kind = self.kind if kind is None else kind
        check_interval(kind, level)
        if kind == "central":
            low, high = (self.quantile(0.5 + s * level) for s in (-0.5, 0.5))
        else:
            low, high = shortest(self.quantile, self.density, level)
        return Interval(low, high, level, f"{kind} credible interval")

    def probability(self, *, above: float | None = None, below: float | None = None) -> float:
        """Probability of being above, below, or (both given) between two thresholds.

        Raises
        ------
        InputError
            When neither is given, or `above` is not below `below`.
        """
        return between(self.cdf, self.over, above, below)

    def curve(self, points: int = 201) -> tuple[Floats, Floats]:
        """Values and densities over 99.8% of the posterior, for a plot."""
        x = np.linspace(self.quantile(0.001), self.quantile(0.999), points)
        return x, np.array([self.density(v) for v in x.tolist()])

    def __repr__(self) -> str:
        ci = self.ci
        return (
            f"<Posterior of {self.name}: median {significant(self.median, 4)} "
            f"({significant(ci.low, 4)} to {significant(ci.high, 4)})>"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Marginal(Distribution, Result):
    """The posterior of an effect: normal given tau, mixed over the posterior of tau.

    Attributes
    ----------
    name
        Of what it is the posterior.
    weights, means, sds
        Of the normal distributions of the mixture; weights below 0 correct one for skewness.
    moments
        How many moments are finite: 0, 1 or 2.
    level, kind
        Of :attr:`ci`: ``central`` or ``shortest``.
    """

    name: str
    weights: Floats
    means: Floats
    sds: Floats
    moments: int
    level: float
    kind: str

    def __post_init__(self) -> None:
        for name in ("weights", "means", "sds"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def mean(self) -> float:
        """Posterior mean; not a number where the integral does not exist."""
        if self.moments < 1:
            return math.nan
        # From the middle, so that no digit is lost far from 0.
        middle = float(self.means[int(np.argmax(self.weights))])
        return middle + float(self.weights @ (self.means - middle))

    @property
    def sd(self) -> float:
        """Posterior standard deviation; infinite where the integral is."""
        if self.moments < 2:
            return math.inf
        return math.sqrt(float(self.weights @ (self.sds**2 + (self.means - self.mean) ** 2)))

    def cdf(self, value: float) -> float:
        """Probability of being at most `value`."""
        found = float(self.weights @ special.ndtr((value - self.means) / self.sds))
        return min(1.0, max(0.0, found))

    def density(self, value: float) -> float:
        """Posterior density."""
        z = (value - self.means) / self.sds
        found = float(self.weights @ (np.exp(-0.5 * z * z) / self.sds))
        return max(0.0, found) / math.sqrt(2.0 * math.pi)

    def over(self, value: float) -> float:
        """Probability of being above `value`, exact in the far tail too."""
        found = float(self.weights @ special.ndtr((self.means - value) / self.sds))
        return min(1.0, max(0.0, found))

    def quantile(self, p: float) -> float:
        """The value that it is below with probability `p`: a root of the exact mixture."""
        if not 0.0 < p < 1.0:
            raise InputError(f"a probability of {p:g}", hint="a number between 0 and 1")
        z = float(special.ndtri(p))
        live = self.weights > 1e-300
        ends = self.means[live] + z * self.sds[live]
        low, high = float(ends.min()), float(ends.max())
        if low == high:
            return low
        narrow = float(self.sds[live].min())
        best = int(np.argmax(self.weights))
        middle, scale = float(self.means[best]), float(self.sds[best])

        def off(x: float) -> float:
            return self.cdf(x) - p if p < 0.5 else (1.0 - p) - self.over(x)

        if off(low) > 0.0 or off(high) < 0.0:
            low, high = low - narrow, high + narrow
        if not high - low > _FAR * scale:
            return root(off, low, high, atol=1e-13 * narrow)
        # So far apart that halving in x would never end: on a scale that is logarithmic far out.
        ends_v = (math.asinh((end - middle) / scale) for end in (low, high))
        v = root(lambda v: off(middle + scale * math.sinh(v)), *ends_v, atol=1e-15)
        return middle + scale * math.sinh(v)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NodeMarginal(Distribution, Result):
    """The posterior of an effect held by equidistant nodes for every tau.

    Attributes
    ----------
    name
        Of what it is the posterior.
    weights
        Posterior probability of every tau, shape (J,).
    nodes, shares
        Nodes of the effect given tau, and their probabilities given it, shape (J, m).
    spread
        Standard deviation of a normal variable that is added, shape (J,): tau for an effect in a
        new trial, 0 for the mean effect.
    moments, level, kind
        As for :class:`Marginal`.

    Notes
    -----
    Given tau, density and distribution function are those of sinc interpolation between the nodes,
    as exact as the sums over them. What is added is convolved in closed form where it is wider
    than one and a half steps between the nodes, else by Gauss–Hermite nodes.
    """

    name: str
    weights: Floats
    nodes: Floats
    shares: Floats
    spread: Floats
    moments: int
    level: float
    kind: str

    def __post_init__(self) -> None:
        for name in ("weights", "nodes", "shares", "spread"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def mean(self) -> float:
        """Posterior mean; not a number where the integral does not exist."""
        if self.moments < 1:
            return math.nan
        return float(self.weights @ (self.shares * self.nodes).sum(axis=1))

    @property
    def sd(self) -> float:
        """Posterior standard deviation; infinite where the integral is."""
        if self.moments < 2:
            return math.inf
        square = (self.shares * (self.nodes - self.mean) ** 2).sum(axis=1) + self.spread**2
        return math.sqrt(float(self.weights @ square))

    def _own(self) -> tuple[Floats, Floats]:
        centre = (self.shares * self.nodes).sum(axis=1)
        variance = (self.shares * (self.nodes - centre[:, None]) ** 2).sum(axis=1)
        return centre, np.sqrt(variance)

    def _sum(
        self,
        value: float,
        smooth: Callable[[Floats], Floats],
        between_nodes: Callable[[Floats, Floats], Floats],
    ) -> float:
        """Sum over tau: `smooth` of z scores where something wide is added, else between nodes."""
        live = self.weights > 1e-18
        weights, nodes, shares, spread = (
            part[live] for part in (self.weights, self.nodes, self.shares, self.spread)
        )
        step = nodes[:, 1] - nodes[:, 0]
        wide, none = spread > _WIDE * step, spread <= _NONE * step
        total = 0.0
        if wide.any():
            z = (value - nodes[wide]) / spread[wide][:, None]
            part = (shares[wide] * smooth(z)).sum(axis=1)
            scale = np.ones(1) if smooth is special.ndtr else 1.0 / spread[wide]
            total += float(weights[wide] @ (part * scale))
        if none.any():
            away = (value - nodes[none]) / step[none][:, None]
            part = (between_nodes(away, step[none][:, None]) * shares[none]).sum(axis=1)
            total += float(weights[none] @ part)
        some = ~(wide | none)
        if some.any():
            x, w = np.polynomial.hermite_e.hermegauss(16)
            at = value - spread[some][:, None] * x
            away = (at[:, :, None] - nodes[some][:, None, :]) / step[some][:, None, None]
            held = between_nodes(away, step[some][:, None, None])
            part = np.einsum("jxm,jm,x->j", held, shares[some], w / w.sum())
            total += float(weights[some] @ part)
        return total

    def cdf(self, value: float) -> float:
        """Probability of being at most `value`."""
        found = self._sum(
            value, special.ndtr, lambda u, _: 0.5 + special.sici(np.pi * u)[0] / np.pi
        )
        return min(1.0, max(0.0, found))

    def density(self, value: float) -> float:
        """Posterior density."""

        def normal(z: Floats) -> Floats:
            out: Floats = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            return out

        return max(0.0, self._sum(value, normal, lambda u, step: np.sinc(u) / step))

    def quantile(self, p: float) -> float:
        """The value that it is below with probability `p`."""
        if not 0.0 < p < 1.0:
            raise InputError(f"a probability of {p:g}", hint="a number between 0 and 1")
        z = 9.0 * self.spread
        live = self.weights > 1e-16
        low = float((self.nodes[:, 0] - z)[live].min())
        high = float((self.nodes[:, -1] + z)[live].max())

        def off(x: float) -> float:
            return self.cdf(x) - p

        near, reach = self._about(p), 0.01 * self.sd_or_one()
        one, two = max(low, near - reach), min(high, near + reach)
        while one > low and off(one) > 0.0:
            reach *= 4.0
            one = max(low, near - reach)
        while two < high and off(two) < 0.0:
            reach *= 4.0
            two = min(high, near + reach)
        return root(off, one, two, atol=1e-12 * self.sd_or_one())

    def _about(self, p: float) -> float:
        """A quantile as if the effect were normal given tau."""
        centre, own = self._own()
        sds = np.sqrt(own**2 + self.spread**2)
        rough = Marginal("", self.weights, centre, sds, 0, self.level, self.kind)
        return rough.quantile(p)

    def sd_or_one(self) -> float:
        """A scale for tolerances."""
        return float(self._own()[1].min())


def between(
    cdf: Callable[[float], float],
    over: Callable[[float], float],
    above: float | None,
    below: float | None,
) -> float:
    """The probability beyond thresholds, from both tails of a distribution."""
    for name, value in (("above", above), ("below", below)):
        if value is not None and not (is_number(value) and not math.isnan(value)):
            raise InputError(
                f"{value!r} as a threshold",
                where=f"argument {name}",
                hint="a number on the scale of analysis, such as log(1.25) for a ratio",
            )
    if above is not None and below is not None:
        if not above < below:
            raise InputError(f"above {above:g} and below {below:g}", hint="above less than below")
        return max(0.0, 1.0 - cdf(above) - over(below))
    if above is not None:
        return over(above)
    if below is not None:
        return cdf(below)
    raise InputError("no threshold", hint="above=…, below=…, or both")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TauMarginal(Distribution, Result):
    """The posterior of tau.

    Attributes
    ----------
    grid
        The grid that everything is computed from.
    level, kind
        Of :attr:`ci`.
    """

    grid: Grid
    level: float
    kind: str

    @property
    def name(self) -> str:  # type: ignore[override]
        """Of what it is the posterior."""
        return "tau"

    @property
    def mean(self) -> float:
        """Posterior mean; infinite where the integral is."""
        return self.grid.mean(1)

    @property
    def sd(self) -> float:
        """Posterior standard deviation; infinite where the integral is."""
        square = self.grid.mean(2)
        if math.isinf(square):
            return math.inf
        centre = self.grid.mean(1)
        return math.sqrt(float(self.grid.weights @ (self.grid.tau - centre) ** 2))

    def interval(self, level: float | None = None, kind: str | None = None) -> Interval:
        """A credible interval of another level or kind; the shortest may begin at 0."""
        level = self.level if level is None else level
        kind = self.kind if kind is None else kind
        check_interval(kind, level)
        text = f"{kind} credible interval"
        if self.grid.known:
            return Interval(float(self.grid.tau[0]), float(self.grid.tau[0]), level, "known")
        if kind == "central":
            low, high = (self.quantile(0.5 + s * level) for s in (-0.5, 0.5))
            return Interval(low, high, level, text)
        high = self.quantile(level)
        if self.grid.at_zero >= self.density(high):
            return Interval(0.0, high, level, text)
        return Interval(*shortest(self.quantile, self.density, level), level, text)

    def cdf(self, value: float) -> float:
        """Probability of being at most `value`."""
        return self.grid.cdf(value)

    def density(self, value: float) -> float:
        """Posterior density."""
        return self.grid.density(value)

    def quantile(self, p: float) -> float:
        """The value that tau is below with probability `p`."""
        if not 0.0 < p < 1.0:
            raise InputError(f"a probability of {p:g}", hint="a number between 0 and 1")
        return self.grid.quantile(p)

    def curve(self, points: int = 201) -> tuple[Floats, Floats]:
        """Values from 0 and densities over 99.5% of the posterior, for a plot."""
        x = np.linspace(0.0, self.quantile(0.995), points)
        return x, np.array([self.density(v) for v in x.tolist()])
