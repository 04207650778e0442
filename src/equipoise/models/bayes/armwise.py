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
from equipoise.models.bayes.concave import Concave, Tables, log_integral, places_of, tabulated

#: Deviations with a smaller share of an arm's own variance change no digit that counts.
_NONE = 1e-10


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes for deviations and for the baseline of a trial; places of tables.

    Attributes
    ----------
    arm, trial
        For the deviation of an arm (or of a difference of two), and for a baseline.
    places, fine
        Of tables that are made for every tau, and of those that are made once.
    """

    arm: int = 32
    trial: int = 32
    places: int = 96
    fine: int = 288

    def doubled(self) -> Nodes:
        """Twice as many of all."""
        return Nodes(2 * self.arm, 2 * self.trial, 2 * self.places, 2 * self.fine)


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


def _logit_terms(theta: Floats, y: Floats, n: Floats, top: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood below its maximum and two derivatives by the logit."""
    p = special.expit(theta)
    value = y * theta - n * np.logaddexp(0.0, theta) - top
    return value, y - n * p, -n * p * (1.0 - p)


def _most(y: Floats, n: Floats) -> Floats:
    out: Floats = special.xlogy(y, y / n) + special.xlogy(n - y, (n - y) / n)
    return out


def _smoothed(fun: Concave, centre: Floats, own: Floats, sigma: float, nodes: Nodes) -> Tables:
    """Tables of the log of ``exp(fun)`` averaged over normal deviations.

    Parameters
    ----------
    fun
        Functions of one number, for places of shape (m, ...).
    centre, own
        About where they peak, and the variances that their curvatures tell, shape (m,).
    sigma
        Standard deviation of the deviations.
    """
    width = np.sqrt(own + sigma**2)
    reach, s = places_of(centre, width, 40.0 * width + 60.0, nodes.places)
    if sigma**2 < _NONE * float(own.min()):
        return tabulated(centre, width, reach, *fun(s, True))

    def power(at: Floats, slopes: bool) -> tuple[Floats, Floats, Floats]:
        value, slope, curve = fun(at, slopes)
        z = (at - s[..., None]) / sigma
        value = value - 0.5 * z * z
        return (value, slope - z / sigma, curve - sigma**-2) if slopes else (value, value, value)

    part = (sigma**2 / (sigma**2 + own))[:, None]
    start = s + part * (centre[:, None] - s)
    scale = np.sqrt(np.minimum(sigma**2, own))[:, None] + 0.0 * s
    log_g, at, shares = log_integral(power, start, scale, nodes.arm)
    _, slope, curve = fun(at, True)
    e = (shares * slope).sum(axis=-1)
    ee = (shares * (curve + (slope - e[..., None]) ** 2)).sum(axis=-1)
    log_g = log_g - math.log(sigma) - 0.5 * math.log(2.0 * math.pi)
    return tabulated(centre, width, reach, log_g, e, ee)


@dataclass(frozen=True, slots=True)
class Alike:
    """Trials with the same number of arms, more than two.

    Attributes
    ----------
    arms
        Their arms, shape (trials, arms).
    X
        Rows of the design, shape (trials, arms, p).
    """

    arms: Ints
    X: Floats


class Trials:
    """What of trials does not depend on tau.

    Given its baseline, the arms of a trial are independent. In a trial with two arms a flat
    baseline takes up one of both deviations, so that only their difference remains, with variance
    tau²: the trial's likelihood by its own log odds ratio is tabulated once, and smoothed for
    every tau.

    Parameters
    ----------
    groups
        The trials.
    nodes
        How many nodes integrals have.
    """

    def __init__(self, groups: Groups, nodes: Nodes) -> None:
        self.groups, self.nodes = groups, nodes
        y, n = groups.events, groups.n
        p = (y + 0.5) / (n + 1.0)
        self.logit, self.own = special.logit(p), 1.0 / (n * p * (1.0 - p))
        self.top = _most(y, n)
        first = groups.pairs
        self.contrast = groups.X[first] - groups.X[first + 1]
        self.pairs = self._pairs(first, first + 1) if first.size else None
        sizes = sorted({rows.size for rows in groups.more})
        alike = [np.array([r for r in groups.more if r.size == size]) for size in sizes]
        self.more = tuple(Alike(rows, groups.X[rows]) for rows in alike)

    def arm(self, rows: Ints, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Log-likelihood of arms at logits of shape (arms, ...), and two derivatives."""
        shape = (-1,) + (1,) * (at.ndim - 1)
        g = self.groups
        return _logit_terms(at, *(np.reshape(v[rows], shape) for v in (g.events, g.n, self.top)))

    def _pairs(self, one: Ints, two: Ints) -> Tables:
        """The log of the likelihood of each trial with two arms by its own log odds ratio."""
        centre = self.logit[one] - self.logit[two]
        own = self.own[one], self.own[two]
        width = np.sqrt(own[0] + own[1])
        reach, delta = places_of(centre, width, 40.0 * width + 60.0, self.nodes.fine)

        def power(base: Floats, _: bool) -> tuple[Floats, Floats, Floats]:
            p, q = self.arm(one, base + delta[..., None]), self.arm(two, base)
            return p[0] + q[0], p[1] + q[1], p[2] + q[2]

        share = (own[1] / (own[0] + own[1]))[:, None]
        start = self.logit[two][:, None] - share * (delta - centre[:, None])
        scale = np.sqrt(np.minimum(*own))[:, None] + 0.0 * start
        value, at, shares = log_integral(power, start, scale, self.nodes.trial)
        _, slope, curve = self.arm(one, at + delta[..., None])
        e = (shares * slope).sum(axis=-1)
        ee = (shares * (curve + (slope - e[..., None]) ** 2)).sum(axis=-1)
        return tabulated(centre, width, reach, value, e, ee)


class Likelihood:
    """The likelihood of all trials given tau, as a function of the effects.

    Parameters
    ----------
    trials
        What does not depend on tau.
    tau
        Standard deviation of true effects between trials.
    """

    def __init__(self, trials: Trials, tau: float) -> None:
        self.trials, self.tau = trials, tau
        self.pairs = None
        if trials.pairs is not None:
            inner = trials.pairs
            self.pairs = _smoothed(
                lambda at, slopes: inner.at(at, slopes=slopes),
                inner.centre,
                inner.width**2,
                tau,
                trials.nodes,
            )
        self.more = tuple((alike, self._arms(alike.arms.ravel())) for alike in trials.more)

    def _arms(self, rows: Ints) -> Tables:
        """The log of each arm's likelihood given its mean logit: deviations have tau² / 2."""
        t = self.trials
        return _smoothed(
            lambda at, _: t.arm(rows, at),
            t.logit[rows],
            t.own[rows],
            self.tau / math.sqrt(2.0),
            t.nodes,
        )

    def at(self, effects: Floats) -> Floats:
        """Log-likelihood at many effects, shape (N, p)."""
        out: Floats = np.zeros(effects.shape[0])
        if self.pairs is not None:
            out += self.pairs.at(self.trials.contrast @ effects.T)[0].sum(axis=0)
        for alike, tables in self.more:
            out += based(tables, alike.X @ effects.T, self.trials.nodes.trial)[0].sum(axis=0)
        return out

    def slope(self, effect: Floats) -> Slope:
        """Log-likelihood and its derivatives at one place, shape (p,)."""
        p = effect.size
        value, gradient, hessian = 0.0, np.zeros(p), np.zeros((p, p))
        if self.pairs is not None:
            C = self.trials.contrast
            f, d1, d2 = (v[:, 0] for v in self.pairs.at((C @ effect)[:, None], slopes=True))
            value += float(f.sum())
            gradient += C.T @ d1
            hessian += (C.T * d2) @ C
        for alike, tables in self.more:
            eta = (alike.X @ effect)[..., None]
            f, at, shares = based(tables, eta, self.trials.nodes.trial)
            got = tables.at(
                (at[:, None] + eta[..., None]).reshape(alike.arms.size, -1), slopes=True
            )
            E, D = (v.reshape(*alike.arms.shape, -1) for v in got[1:])
            w = shares[:, 0]
            mean = np.einsum("ian,in->ia", E, w)
            off = E - mean[..., None]
            inner = np.einsum("ian,in,ibn->iab", off, w, off)
            place = np.arange(alike.arms.shape[1])
            inner[:, place, place] += np.einsum("ian,in->ia", D, w)
            value += float(f.sum())
            gradient += np.einsum("iap,ia->p", alike.X, mean)
            hessian += np.einsum("iap,iab,ibq->pq", alike.X, inner, alike.X)
        return Slope(value, gradient, hessian)


def based(tables: Tables, eta: Floats, n: int) -> tuple[Floats, ...]:
    """Integrate over baselines of trials with several arms, effects of shape (trials, arms, N).

    Returns
    -------
    log_likelihood, nodes, shares
        Shapes (trials, N), and (trials, N, n) twice.
    """
    m, a, size = eta.shape

    def power(base: Floats, slopes: bool) -> tuple[Floats, Floats, Floats]:
        at = (base[:, None] + eta[..., None]).reshape(m * a, size, -1)
        got = tables.at(at, slopes=slopes)[: 3 if slopes else 1]
        parts = [v.reshape(m, a, size, -1).sum(axis=1) for v in got]
        return (parts[0], parts[1], parts[2]) if slopes else (parts[0],) * 3

    weight = tables.width.reshape(m, a) ** -2
    share = weight / weight.sum(axis=1, keepdims=True)
    start = np.einsum("ia,ian->in", share, tables.centre.reshape(m, a, 1) - eta)
    scale = weight.max(axis=1)[:, None] ** -0.5 * np.ones(size)
    value, at, shares = log_integral(power, start, scale, n)
    return value, at, shares
