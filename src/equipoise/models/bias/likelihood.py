"""The likelihood of selection models, exactly, with first and second derivatives.

A published estimate has the density ``w(p) N(y; mu, v + tau2) / A``, where A is the integral of the
numerator. For step functions A is a sum of normal probabilities; for smooth ones it is a sum over
Gauss–Legendre nodes and closed tails. Everything is held in logarithms, so that a mean far from
every estimate neither underflows nor divides by zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, log_ndtr, ndtri

from equipoise.models.bias.weights import Family, PValues
from equipoise.num.climb import Slope

Floats = NDArray[np.float64]

_LOG_2PI = math.log(2.0 * math.pi)
#: Standard deviations beyond which the series of the hazard holds to the last digit.
_SERIES = -1e4
_ROOT_HALF = math.sqrt(0.5)

#: Beyond this many standard errors a p value is 0 or 1 to within 1e-19.
_EDGE = 9.0
#: Closer to 0 than this, a z statistic counts as 0 in the panels of two-sided p values.
_CORE = 1e-12
#: Nodes of a panel.
_NODES = 16
_GL_X, _GL_W = np.polynomial.legendre.leggauss(_NODES)


@dataclass(frozen=True, slots=True)
class Parts:
    """Log terms with their derivatives in ``(mu, tau2, delta...)``; one row a trial.

    Attributes
    ----------
    log
        Shape (k, m).
    first
        One array for each parameter; each broadcasts to (k, m).
    second
        Those of the second derivatives that are not 0, by the places ``i <= j``.
    """

    log: Floats
    first: list[Floats]
    second: dict[tuple[int, int], Floats]


class Model(Protocol):
    """A selection function laid over trials."""

    q: int

    def observed(self, delta: Floats) -> Parts:
        """Log weights of the trials as they are, m = 1."""
        ...

    def normaliser(self, mu: float, tau2: float, delta: Floats) -> Parts:
        """The terms whose sum is A."""
        ...


class Likelihood:
    """The log-likelihood of ``(mu, tau2, delta...)``.

    Parameters
    ----------
    y, v
        Estimates and variances in any unit, turned so that large estimates have small p values.
    model
        The selection function.
    """

    __slots__ = ("model", "v", "y")

    def __init__(self, y: Floats, v: Floats, model: Model) -> None:
        self.y, self.v, self.model = y, v, model

    def value(self, x: Floats) -> float:
        """The log-likelihood alone."""
        return self.slope(x).value

    def slope(self, x: Floats) -> Slope:
        """The log-likelihood with its derivatives; the curvature is that of the scores."""
        mu, tau2, delta = float(x[0]), float(x[1]), x[2:]
        size = len(x)
        plain = normal_parts(self.y[:, None], self.v, mu, tau2, size)
        seen = self.model.observed(delta)
        log, scores, hessian = _summed(self.model.normaliser(mu, tau2, delta), size)
        value = float((plain.log + seen.log).sum() - log.sum())
        nowhere = Slope(-math.inf, np.zeros(size), np.zeros((size, size)), np.eye(size))
        if not math.isfinite(value):
            return nowhere
        k = len(self.y)
        top = np.zeros((k, size))
        for i in range(size):
            top[:, i] += (plain.first[i] + seen.first[i])[:, 0]
        scores = top - scores
        hessian = -hessian
        for parts in (plain, seen):
            for (i, j), term in parts.second.items():
                total = float(np.broadcast_to(term, (k, 1)).sum())
                hessian[i, j] += total
                if i != j:
                    hessian[j, i] += total
        gradient, curvature = scores.sum(axis=0), scores.T @ scores
        if not math.isfinite(float(gradient.sum() + hessian.sum() + curvature.sum())):
            return nowhere
        return Slope(value, gradient, hessian, curvature)


def normal_parts(u: Floats, v: Floats, mu: float, tau2: float, size: int) -> Parts:
    """Log densities of `u`, shape (k, m), under ``N(mu, v + tau2)``, with derivatives."""
    s2 = (v + tau2)[:, None]
    r = u - mu
    ratio = r / s2
    squares = ratio * ratio
    none = np.zeros((1, 1))
    first = [ratio, 0.5 * (squares - 1.0 / s2), *[none] * (size - 2)]
    second = {(0, 0): -1.0 / s2, (0, 1): -ratio / s2, (1, 1): (0.5 / s2 - squares) / s2}
    return Parts(-0.5 * (_LOG_2PI + np.log(s2) + r * ratio), first, second)


def _summed(parts: Parts, size: int) -> tuple[Floats, Floats, Floats]:
    """Logs of the sums of the terms, their gradients by trial, and the sum of their Hessians."""
    top = parts.log.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    share = np.exp(parts.log - top)
    total = share.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = (np.log(total) + top)[:, 0]
        share /= total
    gradient = np.empty((len(log), size))
    weighted = []
    for i, term in enumerate(parts.first):
        part = share * term
        weighted.append(part)
        gradient[:, i] = part.sum(axis=1)
    hessian = np.zeros((size, size))
    for i in range(size):
        for j in range(i, size):
            found = (weighted[i] * parts.first[j]).sum() - gradient[:, i] @ gradient[:, j]
            if (i, j) in parts.second:
                found += (share * parts.second[i, j]).sum()
            hessian[i, j] = hessian[j, i] = found
    return log, gradient, hessian


def log_between(low: Floats, high: Floats) -> Floats:
    """Log of the standard normal probability between `low` and `high`, in the nearer tail."""
    flip = low + high > 0.0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    far, near = log_ndtr(a), log_ndtr(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_tail = near + np.log1p(-np.exp(np.minimum(far - near, 0.0)))
        # Near the middle erf is exact relative to itself, so that no narrow interval is lost.
        inside = np.log(0.5 * (erf(b * _ROOT_HALF) - erf(a * _ROOT_HALF)))
    found: Floats = np.where(b > -1.0, inside, in_tail)
    return found


class Steps:
    """A step function: one chance of being published for each interval of p values.

    Parameters
    ----------
    y, v
        Estimates and variances.
    steps
        Upper ends of the intervals, ascending, the last 1.
    two_sided
        Whether p values are two-sided.
    fixed
        The chances, where they are assumed; None to estimate all but the first, which is 1.
    """

    __slots__ = ("_cuts", "_of", "fixed", "group", "q", "v")

    def __init__(
        self,
        y: Floats,
        v: Floats,
        steps: tuple[float, ...],
        two_sided: bool,
        fixed: tuple[float, ...] | None = None,
    ) -> None:
        self.v = v
        self.fixed = None if fixed is None else np.array(fixed)
        n = len(steps)
        self.q = 0 if fixed is not None else n - 1
        p = PValues.of(y / np.sqrt(v), two_sided, 0.0).p
        self.group = np.searchsorted(np.array(steps), p, side="left")
        ends = np.array(steps[:-1]) / (2.0 if two_sided else 1.0)
        z = -ndtri(ends)  # descending
        if two_sided:
            cuts = np.concatenate([-z, z[::-1]])
            self._of = np.concatenate([np.arange(n), np.arange(n - 1)[::-1]])
        else:
            cuts = z[::-1]
            self._of = np.arange(n)[::-1]
        self._cuts = np.concatenate([[-np.inf], cuts, [np.inf]])

    def chances(self, delta: Floats) -> Floats:
        """The chances of all intervals."""
        return np.concatenate([[1.0], delta]) if self.fixed is None else self.fixed

    def observed(self, delta: Floats) -> Parts:
        """Log weights of the trials."""
        return self._with_chances(delta, self.group[:, None], np.zeros((len(self.v), 1)))

    def _with_chances(self, delta: Floats, of: NDArray[np.intp], log: Floats) -> Parts:
        chances = self.chances(delta)
        with np.errstate(divide="ignore"):
            log = log + np.log(chances)[of]
        none = np.zeros((1, 1))
        first, second = [none, none], {}
        for j in range(1, self.q + 1):
            rate = (of == j) / chances[j]
            first.append(rate)
            second[1 + j, 1 + j] = -rate * rate
        return Parts(log, first, second)

    def normaliser(self, mu: float, tau2: float, delta: Floats) -> Parts:
        """One term for each interval between neighbouring cut points."""
        s2 = (self.v + tau2)[:, None]
        s = np.sqrt(s2)
        u = (np.sqrt(self.v)[:, None] * self._cuts - mu) / s
        log_p = log_between(u[:, :-1], u[:, 1:])
        found = self._with_chances(delta, self._of[None, :], log_p)
        finite = np.where(np.isfinite(u), u, 0.0)
        d = _Differences(np.where(np.isfinite(u), -0.5 * (_LOG_2PI + u * u), -np.inf), log_p)
        a, b = d.ratio(-1.0 / s), d.ratio(-0.5 * finite / s2)
        squares = finite * finite
        second = {
            (0, 0): d.ratio(-finite / s2) - a * a,
            (0, 1): d.ratio(0.5 * (1.0 - squares) / (s2 * s)) - a * b,
            (1, 1): d.ratio(0.25 * finite * (3.0 - squares) / (s2 * s2)) - b * b,
        }
        return Parts(found.log, [a, b, *found.first[2:]], second | found.second)


class _Differences:
    """Differences of ``factor * phi`` between the ends of intervals, over their probabilities."""

    __slots__ = ("_high", "_low")

    def __init__(self, log_phi: Floats, log_p: Floats) -> None:
        # No likelihood near its top comes close to this cap, which only keeps numbers finite.
        with np.errstate(invalid="ignore"):
            self._low = np.exp(np.minimum(log_phi[:, :-1] - log_p, 300.0))
            self._high = np.exp(np.minimum(log_phi[:, 1:] - log_p, 300.0))
        lost = ~np.isfinite(log_p)
        self._low[lost] = 0.0
        self._high[lost] = 0.0

    def ratio(self, factor: Floats) -> Floats:
        full = np.broadcast_to(factor, (self._low.shape[0], self._low.shape[1] + 1))
        found: Floats = self._high * full[:, 1:] - self._low * full[:, :-1]
        return found


class Smooth:
    """A smooth selection function, integrated over z statistics.

    Parameters
    ----------
    y, v
        Estimates and variances.
    family
        The selection function.
    two_sided
        Whether p values are two-sided.
    panels
        Panels of the quadrature over the z statistics whose p values are neither 0 nor 1.
    """

    __slots__ = ("_at", "_edge", "_log_weight", "_nodes", "_seen", "_tails", "family", "q", "v")

    def __init__(
        self, y: Floats, v: Floats, family: Family, two_sided: bool, panels: int = 16
    ) -> None:
        self.v, self.family, self.q = v, family, len(family.names)
        p_min = family.p_min
        self._seen = PValues.of((y / np.sqrt(v))[:, None], two_sided, p_min)
        share = 0.5 * p_min if two_sided else p_min
        self._edge = -float(ndtri(share)) if p_min > 0.0 else _EDGE
        self._nodes, weights = gauss_legendre(_ends(self._edge, two_sided, p_min, panels))
        self._log_weight = np.log(weights)
        self._at = PValues.of(self._nodes[None, :], two_sided, p_min)
        # Beyond the edges the weight is what it is at p = 0 and 1, but for the power function.
        self._tails = PValues.of(np.array([[-np.inf, np.inf]]), two_sided, p_min)

    def observed(self, delta: Floats) -> Parts:
        """Log weights of the trials."""
        return self._weighed(self._seen, delta)

    def _weighed(self, at: PValues, delta: Floats) -> Parts:
        log, first, second = self.family.weigh(at, delta)
        none = np.zeros((1, 1))
        curved = {} if second is None else {(2, 2): second}
        return Parts(log, [none, none, *first], curved)

    def normaliser(self, mu: float, tau2: float, delta: Floats) -> Parts:
        """One term for each node, and one for each tail."""
        sigma = np.sqrt(self.v)[:, None]
        density = normal_parts(sigma * self._nodes, self.v, mu, tau2, 2 + self.q)
        inner = _times(density, self._weighed(self._at, delta), self._log_weight + np.log(sigma))
        with np.errstate(invalid="ignore"):
            weights = self._weighed(self._tails, delta)
        tails = self._beyond(mu, tau2)
        if all(np.isfinite(term).all() for term in weights.first):
            return _joined(inner, _times(tails, weights))
        upper = _times(_upper(tails), _upper(weights))
        return _joined(inner, upper, self._left(mu, tau2, delta))

    def _beyond(self, mu: float, tau2: float) -> Parts:
        """The normal probabilities below and above the edges."""
        s2 = (self.v + tau2)[:, None]
        s = np.sqrt(s2)
        far = self._edge * np.sqrt(self.v)[:, None]
        u = np.concatenate([(-far - mu) / s, (mu - far) / s], axis=1)  # each the chance below u
        log_p = log_ndtr(u)
        # Far out the ratio of density to chance is its series: the two logarithms lose every digit.
        far_out = u < _SERIES
        t = np.where(far_out, -u, 1.0)
        hazard = np.exp(np.where(far_out, 0.0, -0.5 * (_LOG_2PI + u * u) - log_p))
        hazard = np.where(far_out, t + 1.0 / t, hazard)
        bend = np.where(far_out, 1.0 / (t * t) - 1.0, -hazard * (u + hazard))
        d_mu = np.array([[-1.0, 1.0]]) / s
        d_tau = -0.5 * u / s2
        second = {
            (0, 0): bend * d_mu**2,
            (0, 1): bend * d_mu * d_tau - 0.5 * hazard * d_mu / s2,
            (1, 1): bend * d_tau**2 + 0.75 * hazard * u / (s2 * s2),
        }
        none = np.zeros((1, 1))
        return Parts(log_p, [hazard * d_mu, hazard * d_tau, *[none] * self.q], second)

    def _left(self, mu: float, tau2: float, delta: Floats) -> Parts:
        """The lower tail of a weight that keeps falling: nodes about where its part is largest."""
        sigma = np.sqrt(self.v)
        ratio2 = 1.0 + tau2 / self.v
        pull = 1.0 + float(delta.sum()) * ratio2
        center = np.minimum(mu / sigma / pull, -self._edge)
        low = center - 12.0 * np.sqrt(ratio2 / pull)
        places, weights = gauss_legendre(np.linspace(0.0, 1.0, 9))
        width = (-self._edge - low)[:, None]
        z = low[:, None] + width * places
        density = normal_parts(sigma[:, None] * z, self.v, mu, tau2, 2 + self.q)
        at = PValues.of(z, False, self.family.p_min)
        log_weight = np.log(weights) + np.log(width * sigma[:, None])
        return _times(density, self._weighed(at, delta), log_weight)


def _ends(edge: float, two_sided: bool, p_min: float, panels: int) -> Floats:
    """Ends of the panels; two-sided p values have a corner at 0, towards which panels narrow."""
    if not two_sided:
        return np.linspace(-edge, edge, panels + 1)
    core = max(_CORE, float(ndtri(0.5 + 0.5 * p_min)))
    near = np.geomspace(core, 1.0, panels + 1)
    half = np.concatenate([near, np.linspace(1.0, edge, panels // 2 + 1)[1:]])
    return np.concatenate([-half[::-1], half])


def gauss_legendre(ends: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights of the quadrature over panels between `ends`."""
    half = 0.5 * np.diff(ends)[:, None]
    middle = 0.5 * (ends[:-1] + ends[1:])[:, None]
    return (middle + half * _GL_X).ravel(), (half * _GL_W).ravel()


def _times(one: Parts, two: Parts, log: Floats | float = 0.0) -> Parts:
    """The product of two kinds of terms, and of a factor without derivatives."""
    first = [a + b for a, b in zip(one.first, two.first, strict=True)]
    return Parts(one.log + two.log + log, first, one.second | two.second)


def _upper(parts: Parts) -> Parts:
    """The second column alone."""
    pick = [term if term.shape[1] == 1 else term[:, 1:] for term in parts.first]
    second = {at: term if term.shape[1] == 1 else term[:, 1:] for at, term in parts.second.items()}
    return Parts(parts.log[:, 1:], pick, second)


def _joined(*parts: Parts) -> Parts:
    """All terms side by side."""
    shapes = [part.log.shape for part in parts]

    def side_by_side(terms: list[Floats]) -> Floats:
        full = [np.broadcast_to(t, shape) for t, shape in zip(terms, shapes, strict=True)]
        return np.concatenate(full, axis=1)

    none = np.zeros((1, 1))
    places = sorted({at for part in parts for at in part.second})
    return Parts(
        np.concatenate([part.log for part in parts], axis=1),
        [side_by_side([part.first[i] for part in parts]) for i in range(len(parts[0].first))],
        {at: side_by_side([part.second.get(at, none) for part in parts]) for at in places},
    )
