"""Joint posteriors of effects given tau: split-t draws around the peak, weighted exactly.

The points are quasi-random and the same for every tau, so that sums over them are smooth in tau.
Beside the exact weights stand those of the normal approximation at the peak; what is reported is
the normal approximation in closed form, corrected by the difference of the two sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method, Result
from equipoise.effects.columns import Floats
from equipoise.models.bayes.armwise import Groups, Likelihood, Nodes, Slope, Trials
from equipoise.models.bayes.priors import EffectPrior

GEWEKE = Method(
    "importance sampling from split t distributions",
    "Geweke 1989, Econometrica 57:1317",
    "10.2307/1913710",
)

#: Bandwidth and distance of places of the correction, in standard deviations given tau.
_BAND, _GAP = 0.06, 0.03
#: Steps after which a peak need not be found to the last digits.
_EXACT = 15
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Standard:
    """Draws of a multivariate t distribution, shape (N, p), and their log density."""

    t: Floats
    log_density: Floats


def standard(p: int, size: int, seed: int) -> Standard:
    """Quasi-random draws; heavier in the tails than any posterior of effects given tau."""
    from scipy.stats import qmc

    df = 8.0 + p
    sobol = qmc.Sobol(d=p + 1, scramble=True, seed=seed)
    u = np.clip(sobol.random_base2(round(math.log2(size))), 1e-12, 1.0 - 1e-12)
    wide = np.sqrt(df / (2.0 * special.gammaincinv(0.5 * df, u[:, p])))
    t = special.ndtri(u[:, :p]) * wide[:, None]
    constant = special.gammaln(0.5 * (df + p)) - special.gammaln(0.5 * df)
    log_q = constant - 0.5 * p * math.log(df * math.pi)
    log_q = log_q - 0.5 * (df + p) * np.log1p((t * t).sum(axis=1) / df)
    return Standard(t, log_q)


@dataclass(frozen=True, slots=True)
class Peak:
    """The posterior of effects given tau around its peak.

    Attributes
    ----------
    like
        The likelihood.
    mode, cov, half
        The peak, the normal approximation's covariance, and its lower triangle.
    stretch
        By how much each direction reaches further than that, below and above, shape (2, p).
    """

    like: Likelihood
    mode: Floats
    cov: Floats
    half: Floats
    stretch: Floats


class Field:
    """Effects given tau."""

    def __init__(self, groups: Groups, prior: EffectPrior, nodes: Nodes) -> None:
        self.trials, self.prior = Trials(groups, nodes), prior
        self.p = groups.X.shape[1]
        self.power = 0.0 if prior.flat else prior.sd**-2
        self.constant = 0.0 if prior.flat else -math.log(prior.sd) - _HALF_LOG_2PI

    def log_posterior(self, like: Likelihood, d: Floats) -> Floats:
        """Likelihood times prior at many effects, shape (N, p)."""
        off = d - self.prior.mean
        prior: Floats = self.p * self.constant - 0.5 * self.power * (off * off).sum(axis=1)
        return like.at(d) + prior

    def likelihood(self, tau: float) -> Likelihood:
        """The likelihood at a value of tau."""
        return Likelihood(self.trials, tau)

    def peak(self, tau: float, start: Floats) -> Peak:
        """Find the peak by Newton's method, halving steps that lead down.

        Raises
        ------
        NotEstimableError
            When the effects have no peak that numbers can hold.
        """
        like = self.likelihood(tau)
        d = start.copy()
        s, now = self._slope(like, d)
        for tries in range(100):
            H = -s.hessian + self.power * np.eye(self.p)
            gradient = s.gradient - self.power * (d - self.prior.mean)
            values, turn = np.linalg.eigh(H)
            values = np.maximum(values, 1e-10 * max(float(values[-1]), 1e-300))
            step = turn @ ((turn.T @ gradient) / values)
            # Where tau is so large that tables are rough, a peak that is near will do: draws
            # around it are weighted exactly.
            if float(gradient @ step) < (1e-13 if tries < _EXACT else 1e-3):
                break
            for _ in range(40):
                then, new = self._slope(like, d + step)
                if new >= now - 1e-9 * (1.0 + abs(now)):
                    break
                step = 0.5 * step
            d, s, now = d + step, then, new
        else:
            raise NotEstimableError(
                "effects without a peak that could be found",
                hint="effect=priors.normal(0, 2.82), a weakly informative prior",
            )
        cov = (turn / values) @ turn.T
        half = np.linalg.cholesky(cov)
        return Peak(like, d, cov, half, self._stretch(like, d, half, now))

    def _slope(self, like: Likelihood, d: Floats) -> tuple[Slope, float]:
        s, off = like.slope(d), d - self.prior.mean
        return s, s.value + self.p * self.constant - 0.5 * self.power * float(off @ off)

    def _stretch(self, like: Likelihood, mode: Floats, half: Floats, top: float) -> Floats:
        out: Floats = np.full((2, self.p), 0.8)
        ways = [(k, far) for k in (0, 1) for far in (1.0, 2.5)]
        at = [mode + (2 * k - 1) * far * half.T for k, far in ways]
        falls = top - self.log_posterior(like, np.concatenate(at)).reshape(4, self.p)
        for (k, far), fall in zip(ways, falls, strict=True):
            out[k] = np.maximum(out[k], far / np.sqrt(2.0 * np.maximum(fall, 1e-3)))
        capped: Floats = np.minimum(out, 4.0)
        return capped

    def weigh(self, peak: Peak, draws: Standard) -> tuple[Floats, Floats]:
        """Logs of the weights of draws under the posterior and under the normal approximation."""
        s, rough, log_q = self.rough(peak.half, peak.stretch, draws)
        size = float(np.log(np.diagonal(peak.half)).sum())
        exact = self.log_posterior(peak.like, peak.mode + s @ peak.half.T) + size - log_q
        return exact, rough

    def rough(
        self, half: Floats, stretch: Floats, draws: Standard
    ) -> tuple[Floats, Floats, Floats]:
        """Stretched draws, the logs of their weights under the normal approximation, and of their
        density."""
        s, log_q = spread(draws.t, stretch)
        log_q = draws.log_density + log_q
        return s, -0.5 * (s * s).sum(axis=1) - self.p * _HALF_LOG_2PI - log_q, log_q


def spread(t: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    """Stretch standard draws on both sides; also what that adds to their log density."""
    factor = np.where(t > 0.0, stretch[1], stretch[0])
    return t * factor, -np.log(factor).sum(axis=1)


def log_total(log_w: Floats) -> float:
    """Log of a mean of exponentials."""
    top = float(log_w.max())
    return top + math.log(float(np.exp(log_w - top).mean()))


@dataclass(frozen=True, slots=True, eq=False)
class Sample(Result):
    """Weighted draws of effects given tau, at neighbouring points of the grid.

    Attributes
    ----------
    first
        The point of the grid that the first row belongs to.
    t
        Standard draws, shape (N, p).
    mode, half, stretch
        What carries them to effects given tau, shapes (J, p), (J, p, p), (J, 2, p).
    weights, excess
        Posterior weights, and how far they exceed those of the normal approximation, (J, N).
    effective
        Effective sample size as a share of the draws, on average over the posterior of tau.
    error
        The largest standard error, over independent sets of draws, of a median or an interval's
        end, in posterior standard deviations.
    """

    first: int
    t: Floats
    mode: Floats
    half: Floats
    stretch: Floats
    weights: Floats
    excess: Floats
    effective: float
    error: float

    def __post_init__(self) -> None:
        for name in ("t", "mode", "half", "stretch", "weights", "excess"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def effects(self, j: int) -> Floats:
        """The draws of all coefficients at row `j`, shape (N, p)."""
        out: Floats = self.mode[j] + spread(self.t, self.stretch[j])[0] @ self.half[j].T
        return out

    def correction(self, j: int, a: Floats) -> tuple[Floats, Floats, float]:
        """What `a` times the coefficients has beyond its normal approximation at row `j`.

        Returns
        -------
        places, masses, bandwidth
            A mixture of normal distributions with signed masses that add up to 0.
        """
        x = self.mode[j] @ a + spread(self.t, self.stretch[j])[0] @ (self.half[j].T @ a)
        sd = float(np.linalg.norm(self.half[j].T @ a))
        gap = _GAP * sd
        start = float(x.min()) - 2.0 * gap
        place = (x - start) / gap
        cell = place.astype(np.intp)
        u = place - cell
        many = int(cell.max()) + 4
        shares = (
            -u * (u - 1.0) * (u - 2.0) / 6.0,
            (u + 1.0) * (u - 1.0) * (u - 2.0) / 2.0,
            -(u + 1.0) * u * (u - 2.0) / 2.0,
            (u + 1.0) * u * (u - 1.0) / 6.0,
        )
        mass = np.zeros(many)
        for k, share in enumerate(shares):
            mass += np.bincount(cell + k - 1, weights=share * self.excess[j], minlength=many)
        live = mass != 0.0
        return (start + gap * np.arange(many))[live], mass[live], _BAND * sd
