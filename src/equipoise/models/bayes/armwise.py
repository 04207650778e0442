"""Binomial trials given tau: what their events say of effects, baselines integrated out.

The logit of the risk in an arm is the trial's baseline plus the effect of its treatment plus a
normal deviation with variance tau² / 2, one for each arm: contrasts of a trial then vary by tau²
with correlation ½. Baselines are flat on the logit scale. Given the baseline the arms of a trial
are independent, so that a trial of any number of arms is one integral over its baseline of a
product of functions of one number, and nothing is approximated but by nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from equipoise.effects.columns import Floats, Ints
from equipoise.models.bayes.concave import Tables, log_integral, places_of, tabulated

#: Deviations with a smaller share of an arm's own variance change no digit that counts.
_NONE = 1e-10


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes for the deviation of an arm, and for the baseline of a trial."""

    arm: int = 32
    trial: int = 32

    def doubled(self) -> Nodes:
        """Twice as many of both."""
        return Nodes(2 * self.arm, 2 * self.trial)


@dataclass(frozen=True, slots=True)
class Groups:
    """Arms and what they got; the arms of a trial stand together.

    Attributes
    ----------
    events, n
        Of each arm.
    X
        From coefficients to the effect of each arm's treatment, shape (arms, p).
    pairs
        First arms of the trials with two; the second follows.
    more
        The arms of each trial with more than two.
    """

    events: Floats
    n: Floats
    X: Floats
    pairs: Ints
    more: tuple[Ints, ...]


@dataclass(frozen=True, slots=True)
class Slope:
    """Log-likelihood at one place, its gradient (p,) and its matrix of second derivatives."""

    value: float
    gradient: Floats
    hessian: Floats


def _logit_terms(theta: Floats, y: Floats, n: Floats, top: Floats) -> tuple[Floats, ...]:
    """Log-likelihood below its maximum and two derivatives by the logit."""
    p = special.expit(theta)
    value = y * theta - n * np.logaddexp(0.0, theta) - top
    return value, y - n * p, -n * p * (1.0 - p)


def _most(y: Floats, n: Floats) -> Floats:
    out: Floats = special.xlogy(y, y / n) + special.xlogy(n - y, (n - y) / n)
    return out


class Likelihood:
    """The likelihood of all trials given tau, as a function of the effects.

    Parameters
    ----------
    groups
        The trials.
    tau
        Standard deviation of true effects between trials.
    nodes
        How many nodes integrals have.
    """

    def __init__(self, groups: Groups, tau: float, nodes: Nodes) -> None:
        self.groups, self.tau, self.nodes = groups, tau, nodes
        self.arms = self._arm_tables()
        first = groups.pairs
        self.contrast = groups.X[first] - groups.X[first + 1]
        self.pairs = self._pair_tables() if first.size else None

    # --- tables ---------------------------------------------------------------------------------

    def _arm_tables(self) -> Tables:
        """The log of each arm's likelihood given its mean logit."""
        y, n = self.groups.events, self.groups.n
        sigma = self.tau / math.sqrt(2.0)
        p = (y + 0.5) / (n + 1.0)
        own = 1.0 / (n * p * (1.0 - p))
        centre, width = special.logit(p), np.sqrt(own + sigma**2)
        reach, s = places_of(centre, width, 40.0 * width + 60.0)
        yy, nn, top = y[:, None], n[:, None], _most(y, n)[:, None]
        if sigma**2 < _NONE * float(own.min()):
            return tabulated(centre, width, reach, *_logit_terms(s, yy, nn, top))
        y3, n3, top3 = yy[..., None], nn[..., None], top[..., None]

        def power(theta: Floats) -> tuple[Floats, Floats, Floats]:
            value, slope, curve = _logit_terms(theta, y3, n3, top3)
            z = (theta - s[..., None]) / sigma
            return value - 0.5 * z * z, slope - z / sigma, curve - sigma**-2

        part = (sigma**2 / (sigma**2 + own))[:, None]
        start = s + part * (centre[:, None] - s)
        scale = np.sqrt(np.minimum(sigma**2, own))[:, None] + 0.0 * s
        log_g, at, shares = log_integral(power, start, scale, self.nodes.arm)
        _, slope, curve = _logit_terms(at, y3, n3, top3)
        e = (shares * slope).sum(axis=-1)
        ee = (shares * (curve + (slope - e[..., None]) ** 2)).sum(axis=-1)
        log_g = log_g - math.log(sigma) - 0.5 * math.log(2.0 * math.pi)
        return tabulated(centre, width, reach, log_g, e, ee)

    def _pair_tables(self) -> Tables:
        """The log of the likelihood of each trial with two arms given its log odds ratio."""
        one = self.groups.pairs
        a, b = (self._only(rows) for rows in (one, one + 1))
        centre = a.centre - b.centre
        width = np.sqrt(a.width**2 + b.width**2)
        reach, delta = places_of(centre, width, 40.0 * width + 60.0)
        every = slice(None)

        def power(base: Floats) -> tuple[Floats, Floats, Floats]:
            p = a.at(every, base + delta[..., None], slopes=True)
            q = b.at(every, base, slopes=True)
            return p[0] + q[0], p[1] + q[1], p[2] + q[2]

        share = (b.width**2 / (a.width**2 + b.width**2))[:, None]
        start = b.centre[:, None] - share * (delta - centre[:, None])
        scale = np.minimum(a.width, b.width)[:, None] + 0.0 * start
        value, at, shares = log_integral(power, start, scale, self.nodes.trial)
        _, slope, curve = a.at(every, at + delta[..., None], slopes=True)
        e = (shares * slope).sum(axis=-1)
        ee = (shares * (curve + (slope - e[..., None]) ** 2)).sum(axis=-1)
        return tabulated(centre, width, reach, value, e, ee)

    def _only(self, rows: Ints) -> Tables:
        t = self.arms
        return Tables(t.centre[rows], t.width[rows], t.reach[rows], t.parts[:, rows])

    # --- asking ---------------------------------------------------------------------------------

    def at(self, effects: Floats) -> Floats:
        """Log-likelihood at many effects, shape (N, p)."""
        out: Floats = np.zeros(effects.shape[0])
        if self.pairs is not None:
            out += self.pairs.at(slice(None), self.contrast @ effects.T)[0].sum(axis=0)
        for rows in self.groups.more:
            out += self._many(rows, effects @ self.groups.X[rows].T)[0]
        return out

    def _many(self, rows: Ints, eta: Floats) -> tuple[Floats, Floats, Floats]:
        """A trial of several arms at effects of shape (N, arms): log-likelihood, nodes, shares."""
        arms = [self._only(rows[i : i + 1]) for i in range(rows.size)]

        def power(base: Floats) -> tuple[Floats, Floats, Floats]:
            parts = [t.at(0, base + eta[:, i, None], slopes=True) for i, t in enumerate(arms)]
            value, slope, curve = (sum(p[k] for p in parts) for k in range(3))
            return np.asarray(value), np.asarray(slope), np.asarray(curve)

        weight = np.array([float(t.width[0]) ** -2 for t in arms])
        centre = np.array([float(t.centre[0]) for t in arms])
        start = (centre - eta) @ (weight / weight.sum())
        scale = np.full(start.shape, float(weight.max()) ** -0.5)
        value, at, shares = log_integral(power, start, scale, self.nodes.trial)
        return value, at, shares

    def slope(self, effect: Floats) -> Slope:
        """Log-likelihood and its derivatives at one place, shape (p,)."""
        p = effect.size
        value, gradient, hessian = 0.0, np.zeros(p), np.zeros((p, p))
        if self.pairs is not None:
            C = self.contrast
            f, d1, d2 = self.pairs.at(slice(None), C @ effect, slopes=True)
            value += float(f.sum())
            gradient += C.T @ d1
            hessian += (C.T * d2) @ C
        for rows in self.groups.more:
            X = self.groups.X[rows]
            eta = X @ effect
            f, at, shares = self._many(rows, eta[None, :])
            got = [
                self._only(rows[i : i + 1]).at(0, at[0] + eta[i], slopes=True)
                for i in range(rows.size)
            ]
            E = np.array([g[1] for g in got])
            mean = E @ shares[0]
            off = E - mean[:, None]
            inner = (off * shares[0]) @ off.T + np.diag([float(g[2] @ shares[0]) for g in got])
            value += float(f[0])
            gradient += X.T @ mean
            hessian += X.T @ inner @ X
        return Slope(value, gradient, hessian)
