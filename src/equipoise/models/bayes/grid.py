"""The posterior of tau on a grid: integrals to a stated error, without sampling.

Tau is carried to the whole line by ``log tau = centre + stretch * sinh(u)`` (the logit of its
share of the upper end where the prior has one). In `u` every posterior dies off faster than
exponentially at both ends, whatever its tails in tau, and the equidistant (trapezoidal) rule
converges exponentially: the step is halved until nothing moves. Between the nodes the same samples
give density and distribution function by sinc interpolation, as exact as the rule itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import special

from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method, Result
from equipoise.core.table import counted
from equipoise.effects.columns import Floats
from equipoise.models.bayes.families import Tail
from equipoise.models.bayes.priors import Prior
from equipoise.num.solve import root

RULE = Method(
    "integration over tau by the trapezoidal rule after a sinh transform",
    "Trefethen, Weideman 2014, SIAM Rev 56:385",
    "10.1137/130932132",
)
SINC = Method(
    "distribution function of tau by indefinite sinc integration",
    "Haber 1993, Math Comp 60:279",
)

#: The range ends where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0
#: First step in u where none is asked for, and how often it may be halved.
_STEP, _HALVINGS = 0.25, 7
#: Without another halving to show it, so much less than asked for must be expected.
_SURE = 0.01
#: Log of tau over the unit of the data beyond which squares would under- or overflow.
_LEAST, _MOST = -330.0, 300.0

#: From tau² to the log-likelihood, and arrays that go with it, one entry a value of tau².
Evaluate: TypeAlias = Callable[[Floats], tuple[Floats, ...]]
#: From tau² to the log-likelihood alone.
Likelihood: TypeAlias = Callable[[Floats], Floats]
#: From weights, tau and those arrays to numbers that must settle.
Checks: TypeAlias = Callable[[Floats, Floats, tuple[Floats, ...]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Grid(Result):
    """The posterior of tau.

    Attributes
    ----------
    tau, weights
        Nodes in ascending order, and the posterior probability that each stands for.
    centre, stretch, upper, first, step
        The transform: `first` is the place of the first node in `u`, `step` their distance;
        `upper` the end of the range of tau, infinite for most. A step of 0 means that tau is known.
    log_evidence
        Log of the likelihood's mean under the prior of tau.
    log_likelihood_zero
        The log-likelihood at tau = 0, effects integrated out.
    at_zero
        Posterior density of tau at 0.
    moments
        How many moments of tau are finite (and not so nearly infinite that numbers cannot hold
        them): 0, 1 or 2 (for 2 or more).
    error
        The largest change that another halving of the step would make, of probabilities and,
        relatively, of moments: the last change, times the factor by which it was smaller than the
        one before.
    remainder
        A bound for the posterior probability beyond both ends of the range.
    """

    tau: Floats
    weights: Floats
    centre: float
    stretch: float
    upper: float
    first: float
    step: float
    log_evidence: float
    log_likelihood_zero: float
    at_zero: float
    moments: int
    error: float
    remainder: float

    def __post_init__(self) -> None:
        for name in ("tau", "weights"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def points(self) -> int:
        """How many values of tau were used."""
        return int(self.tau.size)

    @property
    def known(self) -> bool:
        """Whether tau was taken as known."""
        return self.step == 0.0

    def place(self, tau: float) -> float:
        """The `u` of a value of tau above 0."""
        x = math.log(tau)
        if math.isfinite(self.upper):
            x -= math.log(self.upper)
            x -= math.log(-math.expm1(x))
        return math.asinh((x - self.centre) / self.stretch)

    def value(self, u: float) -> float:
        """The tau of a place `u`."""
        y = np.array([self.centre + self.stretch * math.sinh(u)])
        return float(np.exp(_log_tau(y, self.upper))[0])

    def _away(self, u: float) -> Floats:
        out: Floats = (u - self.first) / self.step - np.arange(self.points, dtype=np.float64)
        return out

    def cdf_at(self, u: float) -> float:
        """Probability that tau is below the value of `u`."""
        part = special.sici(np.pi * self._away(u))[0] / np.pi
        return min(1.0, max(0.0, float(self.weights @ (0.5 + part))))

    def cdf(self, tau: float) -> float:
        """Posterior probability that tau is at most this."""
        if self.known:
            return float(tau >= self.tau[0])
        if tau <= 0.0:
            return 0.0
        return 1.0 if tau >= self.upper else self.cdf_at(self.place(tau))

    def density(self, tau: float) -> float:
        """Posterior density of tau; not a number when tau is known."""
        if self.known:
            return math.nan
        if not 0.0 < tau < self.upper:
            return self.at_zero if tau == 0.0 else 0.0
        u = self.place(tau)
        # Near 0 the samples are too small to interpolate between; the density is flat there.
        if tau < self.tau[0] or self.cdf_at(u) < 1e-7:
            return self.at_zero
        speed = tau * self.stretch * math.cosh(u)
        if math.isfinite(self.upper):
            speed *= 1.0 - tau / self.upper
        here = float(self.weights @ np.sinc(self._away(u))) / self.step
        return max(0.0, here) / speed

    def quantile(self, p: float) -> float:
        """The value that tau is below with probability `p`."""
        if self.known:
            return float(self.tau[0])
        low = self.first - self.step
        high = self.first + self.step * self.points
        return self.value(root(lambda u: self.cdf_at(u) - p, low, high, rtol=0.0, atol=1e-13))

    def mean(self, power: int) -> float:
        """Posterior mean of tau to a power; infinite where the integral is."""
        if power > self.moments:
            return math.inf
        return float(self.weights @ self.tau**power)


def _log_tau(y: Floats, upper: float) -> Floats:
    if math.isinf(upper):
        return y
    out: Floats = math.log(upper) - np.logaddexp(0.0, -y)
    return out


class _Line:
    """The log posterior density on the line, up to a constant."""

    def __init__(
        self, prior: Prior, evaluate: Evaluate, likelihood: Likelihood, unit: float
    ) -> None:
        self.prior, self.evaluate, self.unit = prior, evaluate, math.log(unit)
        self.likelihood = likelihood
        self.upper = prior.upper
        self.bounded = math.isfinite(self.upper)

    def at(self, y: Floats) -> tuple[Floats, Floats, tuple[Floats, ...]]:
        """Log density at `y`, tau there, and what the likelihood gave."""
        x = _log_tau(y, self.upper)
        tau = np.exp(x)
        got = self.evaluate(tau * tau)
        return self._density(x, y, got[0]), tau, got

    def look(self, y: Floats) -> tuple[Floats, Floats]:
        """Log density at `y` and log tau there."""
        x = _log_tau(y, self.upper)
        return self._density(x, y, self.likelihood(np.exp(2.0 * x))), x

    def _density(self, x: Floats, y: Floats, log_l: Floats) -> Floats:
        out: Floats = self.prior.log_density(x) + log_l
        return out - np.logaddexp(0.0, y) if self.bounded else out

    def ends(self) -> tuple[float, float]:
        """The range of `y` that numbers can hold."""
        if self.bounded:
            return self.unit + _LEAST - math.log(self.upper), 36.0
        return self.unit + _LEAST, self.unit + _MOST


def _frame(line: _Line, low: float, high: float) -> tuple[float, float]:
    """Where the posterior lies on the line, and how wide: zooming in from [low, high]."""
    for _ in range(12):
        y: Floats = np.linspace(low, high, 97)
        log_f = line.look(y)[0]
        w = np.exp(log_f - log_f.max())
        w /= w.sum()
        centre = float(w @ y)
        width = math.sqrt(float(w @ (y - centre) ** 2))
        gap = float(y[1] - y[0])
        if width > 1.5 * gap:
            break
        best = float(y[int(np.argmax(log_f))])
        low, high = best - 3.0 * gap, best + 3.0 * gap
    return centre, min(3.0, max(width, gap))


def _window(log_g: Floats, log_tau: Floats, tilt: int) -> tuple[int, int]:
    """First and last place where the integrand, or that of the highest moment, still counts."""
    keep = log_g > log_g.max() - _DEPTH
    if tilt:
        tilted = log_g + tilt * log_tau
        keep |= tilted > tilted.max() - _DEPTH
    places = np.flatnonzero(keep)
    if not places.size:
        raise NotEstimableError(
            "no value of tau has a likelihood that a computer can hold",
            hint="a look at the largest estimate: it may be in another unit than the others",
        )
    return max(0, int(places[0]) - 1), min(log_g.size - 1, int(places[-1]) + 1)


def integrate(
    prior: Prior,
    evaluate: Evaluate,
    likelihood: Likelihood,
    checks: Checks,
    *,
    tail: Tail,
    unit: float,
    low: float,
    high: float,
    rtol: float,
    step: float = _STEP,
) -> tuple[Grid, tuple[Floats, ...]]:
    """Integrate over tau.

    Parameters
    ----------
    prior
        Of tau.
    evaluate
        From tau² to the log-likelihood (effects integrated out) and arrays that go with it.
    likelihood
        The log-likelihood alone, where that costs less; it only finds where the posterior lies,
        so that it may be rough.
    checks
        Numbers that must settle, each bounded or relative.
    tail
        How the posterior falls far out.
    unit
        A typical standard error.
    low, high
        A range of tau in which the posterior is looked for first.
    rtol
        The step is halved until no check moves by more.
    step
        The first step, in the transformed variable.

    Returns
    -------
    grid, arrays
        The posterior of tau, and what `evaluate` gave at its nodes.

    Raises
    ------
    NotEstimableError
        When halving the step seven times is not enough.
    """
    line = _Line(prior, evaluate, likelihood, unit)
    tilt = max(m for m in (0, 1, 2) if m == 0 or line.bounded or _reachable(tail, m))
    least, most = line.ends()
    if line.bounded:
        ends = (max(least, math.log(min(low, 0.5 * line.upper) / line.upper)), 12.0)
    else:
        ends = (math.log(low), math.log(high))
    centre, stretch = _frame(line, *ends)
    edge = [math.asinh((end - centre) / stretch) for end in (least, most)]
    first, last = math.ceil(edge[0] / step), math.floor(edge[1] / step)
    u: Floats = np.arange(first, last + 1, dtype=np.float64) * step
    log_f, log_tau = line.look(centre + stretch * np.sinh(u))
    a, b = _window(log_f + np.log(np.cosh(u)), log_tau, tilt)
    u = u[a : b + 1]
    log_g, tau, got = _sampled(line, centre, stretch, u)
    before = _settled(log_g, step, tau, got, checks, tilt)
    moved = math.inf
    for _ in range(_HALVINGS):
        step *= 0.5
        between: Floats = u[:-1] + step
        more_g, more_tau, more = _sampled(line, centre, stretch, between)
        u, log_g, tau = (_merged(p, q) for p, q in ((u, between), (log_g, more_g), (tau, more_tau)))
        got = tuple(_merged(p, q) for p, q in zip(got, more, strict=True))
        now = _settled(log_g, step, tau, got, checks, tilt)
        previous, moved = moved, float(np.max(np.abs(now - before)))
        # Each halving squares what the trapezoidal rule is off by, or nearly; that it moves less by
        # the same factor again is the least to expect of it.
        error = moved if previous == math.inf else moved * min(1.0, moved / previous)
        if moved < rtol or error < _SURE * rtol:
            break
        before = now
    else:
        raise NotEstimableError(
            f"the integral over tau still moves by {moved:.1e} with {counted(u.size, 'point')}",
            hint="a larger rtol, or a prior that fits the scale of the data",
        )
    top = float(log_g.max())
    total = math.log(float(np.exp(log_g - top).sum()) * step) + top
    zero = float(evaluate(np.zeros(1))[0][0])
    grid = Grid(
        tau=tau,
        weights=np.exp(log_g - total) * step,
        centre=centre,
        stretch=stretch,
        upper=line.upper,
        first=float(u[0]),
        step=step,
        log_evidence=total,
        log_likelihood_zero=zero,
        at_zero=prior.density_at_zero * math.exp(zero - total),
        moments=tilt,
        error=error,
        remainder=_remainder(prior, tau, got[0], total, tail),
    )
    return grid, got[1:]


def _reachable(tail: Tail, order: int) -> bool:
    """Whether a moment is finite, and its integrand dies off within the range of numbers."""
    spare = tail.power - order - 1.0
    return tail.moment(order) and (spare == 0.0 or spare > _DEPTH / _MOST)


def _sampled(
    line: _Line, centre: float, stretch: float, u: Floats
) -> tuple[Floats, Floats, tuple[Floats, ...]]:
    log_f, tau, got = line.at(centre + stretch * np.sinh(u))
    return log_f + np.log(stretch * np.cosh(u)), tau, got


def _merged(old: Floats, new: Floats) -> Floats:
    """Old and new samples in turn."""
    out = np.empty((old.shape[0] + new.shape[0], *old.shape[1:]))
    out[0::2], out[1::2] = old, new
    return out


def _settled(
    log_g: Floats, step: float, tau: Floats, got: tuple[Floats, ...], checks: Checks, tilt: int
) -> Floats:
    top = float(log_g.max())
    w = np.exp(log_g - top)
    total = float(w.sum())
    w = w / total
    moments = [math.log(float(w @ tau**m)) for m in range(1, tilt + 1)]
    return np.concatenate([[top + math.log(total * step)], moments, checks(w, tau, got[1:])])


def _remainder(prior: Prior, tau: Floats, log_l: Floats, total: float, tail: Tail) -> float:
    """The posterior probability beyond the ends: the prior's times the largest likelihood there.

    Far out the likelihood falls with tau; near 0 it is that of tau = 0 to rounding.
    """
    low, high = float(tau[0]), float(tau[-1])
    at_low, at_high = (math.exp(min(700.0, float(log_l[i]) - total)) for i in (0, -1))
    if prior.proper:
        return prior.cdf(low) * at_low + (1.0 - prior.cdf(high)) * at_high
    return low * at_low + high * at_high / (tail.power - 1.0)


def known_tau(tau: float, evaluate: Evaluate) -> tuple[Grid, tuple[Floats, ...]]:
    """The same for a tau that is taken as known."""
    got = evaluate(np.array([tau * tau]))
    grid = Grid(
        tau=np.array([tau]),
        weights=np.ones(1),
        centre=0.0,
        stretch=1.0,
        upper=math.inf,
        first=0.0,
        step=0.0,
        log_evidence=float(got[0][0]),
        log_likelihood_zero=float(evaluate(np.zeros(1))[0][0]),
        at_zero=math.nan,
        moments=2,
        error=0.0,
        remainder=0.0,
    )
    return grid, got[1:]
