"""Counts given tau: the exact conditional likelihood, integrated over trials and mean effect.

Two nested integrals, for many values of tau at once. Both integrands are log-concave, so that
their peaks are found by Newton's method and their ends by doubling. That over the true effect of a
trial takes nodes that spread out like a sinh from the peak: where all events fell in one group and
tau is large, the integrand is a step one unit wide beside a plateau as wide as tau. That over the
mean effect takes equidistant nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.effects.columns import Floats
from equipoise.models.bayes.priors import EffectPrior
from equipoise.models.counts.families import Family, Hypergeometric

#: Ranges end where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0
_REACH = math.sqrt(2.0 * _DEPTH)
#: Numbers that one step may hold at a time.
_ROOM = 3_000_000


@dataclass(frozen=True, slots=True)
class Orders:
    """Nodes for the true effect of a trial, and for the mean effect."""

    trial: int
    mean: int

    def doubled(self) -> Orders:
        """Twice as many of both."""
        return Orders(2 * self.trial, 2 * self.mean)


@dataclass(frozen=True, slots=True)
class Slice:
    """Log-likelihood of all trials at pairs of mean effect and tau, and its derivatives by the
    mean effect, shape (q,).
    """

    value: Floats
    slope: Floats
    curve: Floats


class Integrals:
    """The likelihood of trials at many pairs of mean effect and tau.

    Parameters
    ----------
    family
        The trials, without baselines.
    estimate, variance
        Rough estimates of the trials' effects, from which peaks are looked for.
    n
        Nodes.
    """

    def __init__(self, family: Family, estimate: Floats, variance: Floats, n: int) -> None:
        self.family, self.n = family, n
        self.estimate, self.variance = estimate[:, None], variance[:, None]
        support = family.log_w.size if isinstance(family, Hypergeometric) else 0
        self.size = max(1, _ROOM // (max(family.k, support) * n))

    def at(self, mu: Floats, tau: Floats) -> Slice:
        """Evaluate at pairs, both of shape (q,)."""
        parts = [
            self._some(mu[i : i + self.size], tau[i : i + self.size])
            for i in range(0, mu.size, self.size)
        ]
        if len(parts) == 1:
            return parts[0]
        names = ("value", "slope", "curve")
        return Slice(*(np.concatenate([getattr(p, x) for p in parts]) for x in names))

    def _some(self, mu: Floats, tau: Floats) -> Slice:
        k, q = self.family.k, mu.size
        none = np.zeros((k, 1))
        value, e, ee = np.empty((k, q)), np.empty((k, q)), np.empty((k, q))
        small = tau == 0.0
        if small.any():
            t = self.family.terms(np.broadcast_to(mu[small], (k, int(small.sum()))), none)
            value[:, small], e[:, small], ee[:, small] = t.value, t.e, t.ee
        if not small.all():
            keep = ~small
            value[:, keep], e[:, keep], ee[:, keep] = self._wide(mu[keep], tau[keep])
        return Slice(value.sum(axis=0), e.sum(axis=0), ee.sum(axis=0))

    def _wide(self, mu: Floats, tau: Floats) -> tuple[Floats, Floats, Floats]:
        """Log-likelihoods and their derivatives where tau is above 0, shape (k, q)."""
        k, q, n = self.family.k, mu.size, self.n
        none = np.zeros((k, 1))
        away, top, scale = self._peaks(mu, tau)
        low, high = self._ends(mu, tau, away, top, scale)
        w_low, w_high = -np.arcsinh(low / scale), np.arcsinh(high / scale)
        step = (w_high - w_low) / n
        w = w_low[:, :, None] + step[:, :, None] * (np.arange(n) + 0.5)
        d = away[:, :, None] + scale[:, :, None] * np.sinh(w)
        t = self.family.terms((mu[:, None] + d).reshape(k, q * n), none)
        power = t.value.reshape(k, q, n) - 0.5 * (d / tau[:, None]) ** 2 + np.log(np.cosh(w))
        highest = power.max(axis=2)
        weight = np.exp(power - highest[:, :, None])
        total = weight.sum(axis=2)
        value = highest + np.log(total * (scale * step / tau)) - 0.5 * math.log(2.0 * math.pi)
        weight /= total[:, :, None]
        slope, curve = t.e.reshape(k, q, n), t.ee.reshape(k, q, n)
        mean = (weight * slope).sum(axis=2)
        second = (weight * (curve + (slope - mean[:, :, None]) ** 2)).sum(axis=2)
        return value, mean, second

    def _peaks(self, mu: Floats, tau: Floats) -> tuple[Floats, Floats, Floats]:
        """Where each integrand peaks (from the mean effect), its log there, and its width."""
        none = np.zeros((self.family.k, 1))
        t2 = tau * tau
        d = (self.estimate - mu) * (t2 / (t2 + self.variance))
        now = self.family.terms(mu + d, none)
        height = now.value - 0.5 * (d / tau) ** 2
        for _ in range(80):
            curve = 1.0 - t2 * now.ee
            step = (t2 * now.e - d) / curve
            if np.max(np.abs(step) * np.sqrt(curve) / tau) < 1e-4:
                break
            for _ in range(40):
                then = self.family.terms(mu + d + step, none)
                new = then.value - 0.5 * ((d + step) / tau) ** 2
                worse = new < height - 1e-12 * np.abs(height) - 1e-14
                if not worse.any():
                    break
                step = np.where(worse, 0.5 * step, step)
            d, now, height = d + step, then, new
        return d, height, tau / np.sqrt(1.0 - t2 * now.ee)

    def _ends(
        self, mu: Floats, tau: Floats, away: Floats, top: Floats, scale: Floats
    ) -> tuple[Floats, Floats]:
        """How far below and above its peak each integrand has died off, shape (k, q)."""
        k, q = away.shape
        none = np.zeros((k, 1))
        most = (_REACH * tau)[:, None]
        side = np.array([-1.0, 1.0])
        reach = np.minimum(most, _REACH * scale[:, :, None]) * np.ones(2)
        for _ in range(200):
            d = away[:, :, None] + side * reach
            value = self.family.terms((mu[:, None] + d).reshape(k, 2 * q), none).value
            fall = top[:, :, None] - value.reshape(k, q, 2) + 0.5 * (d / tau[:, None]) ** 2
            short = (fall < _DEPTH) & (reach < most)
            wide = fall > 2.0 * _DEPTH
            if not (short.any() or wide.any()):
                break
            longer = np.minimum(most, 1.4 * reach)
            reach = np.where(short, longer, np.where(wide, 0.8 * reach, reach))
        return reach[:, :, 0], reach[:, :, 1]


class ExactConditional:
    """The posterior of the mean effect given tau, on nodes of its own for every tau.

    Parameters
    ----------
    family, estimate, variance
        The informative trials, and rough estimates of their effects.
    prior
        Of the mean effect.
    orders
        How many nodes.
    """

    def __init__(
        self,
        family: Family,
        estimate: Floats,
        variance: Floats,
        prior: EffectPrior,
        orders: Orders,
    ) -> None:
        self.integrals = Integrals(family, estimate, variance, orders.trial)
        self.prior, self.orders = prior, orders
        self.power = 0.0 if prior.flat else prior.sd**-2
        self.constant = 0.0 if prior.flat else -math.log(prior.sd) - 0.5 * math.log(2.0 * math.pi)
        self.estimate, self.variance = estimate, variance

    def evaluate(self, tau2: Floats) -> tuple[Floats, ...]:
        """Log-likelihood, and nodes and probabilities of the mean effect, shapes (J, m)."""
        tau = np.sqrt(tau2)
        m = self.orders.mean
        peak, top, sd = self._peaks(tau)
        below, above = self._ends(tau, peak, top, sd)
        width = below + above
        nodes = (peak - below)[:, None] + width[:, None] * ((np.arange(m) + 0.5) / m)
        power = self._log_f(nodes.ravel(), np.repeat(tau, m)).reshape(tau.size, m)
        highest = power.max(axis=1)
        weights = np.exp(power - highest[:, None])
        total = weights.sum(axis=1)
        return highest + np.log(total * width / m), nodes, weights / total[:, None]

    def _with_prior(self, value: Floats, mu: Floats) -> Floats:
        out: Floats = value + self.constant - 0.5 * self.power * (mu - self.prior.mean) ** 2
        return out

    def _log_f(self, mu: Floats, tau: Floats) -> Floats:
        return self._with_prior(self.integrals.at(mu, tau).value, mu)

    def _peaks(self, tau: Floats) -> tuple[Floats, Floats, Floats]:
        """Where the posterior of the mean effect peaks given tau, its log there, its spread."""
        w = 1.0 / (self.variance + (tau * tau)[:, None])
        total = w.sum(axis=1) + self.power
        mu = (w @ self.estimate + self.power * self.prior.mean) / total
        at = self.integrals.at(mu, tau)
        now = self._with_prior(at.value, mu)
        for _ in range(40):
            slope = at.slope - self.power * (mu - self.prior.mean)
            curve = np.maximum(self.power - at.curve, 1e-3 * total)
            step = slope / curve
            if np.max(np.abs(step) * np.sqrt(curve)) < 1e-2:
                break
            for _ in range(20):
                then = self.integrals.at(mu + step, tau)
                new = self._with_prior(then.value, mu + step)
                worse = new < now - 1e-6 * (1.0 + np.abs(now))
                if not worse.any():
                    break
                step = np.where(worse, 0.5 * step, step)
            mu, at, now = mu + step, then, new
        return mu, now, 1.0 / np.sqrt(np.maximum(self.power - at.curve, 1e-3 * total))

    def _ends(self, tau: Floats, peak: Floats, top: Floats, sd: Floats) -> tuple[Floats, Floats]:
        """How far below and above its peak the posterior of the mean effect has died off."""
        side = np.array([-1.0, 1.0])
        reach = _REACH * sd[:, None] * np.ones(2)
        both = np.repeat(tau, 2)
        for _ in range(100):
            at = peak[:, None] + side * reach
            fall = top[:, None] - self._log_f(at.ravel(), both).reshape(at.shape)
            short, wide = fall < _DEPTH, fall > 2.0 * _DEPTH
            if not (short.any() or wide.any()):
                break
            reach = np.where(short, 1.4 * reach, np.where(wide, 0.8 * reach, reach))
        return reach[:, 0], reach[:, 1]
