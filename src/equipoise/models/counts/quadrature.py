"""Likelihood of a model with one random effect a trial, by adaptive quadrature.

One dimension is integrated by equidistant nodes, each trial over its own range: for an analytic
integrand that dies off at both ends, doubling the nodes squares the error, however far from
normal it is. (Gauss–Hermite nodes, which two random effects use, converge slowly where trials
without events in one group meet a large spread.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from equipoise.effects.columns import Floats
from equipoise.models.counts.families import Family, Terms

#: The range ends where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0


@cache
def nodes_of(n: int) -> tuple[Floats, Floats]:
    """Gauss–Hermite nodes and log-weights for expectations of a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    with np.errstate(divide="ignore"):
        log_w = np.log(w) - 0.5 * np.log(2.0 * np.pi)
    x.setflags(write=False)
    log_w.setflags(write=False)
    return x, log_w


@dataclass(frozen=True, slots=True)
class Point:
    """The log-likelihood at effect, spread and baselines, with its first two derivatives.

    Attributes
    ----------
    value, each
        The log-likelihood, and that of each trial.
    score, hessian
        By effect and spread (standard deviation), shapes (2,) and (2, 2).
    score_a, hessian_a, cross
        By the trials' baselines: shapes (k,), (k,) and (k, 2); empty without baselines.
    modes
        Where each trial's integrand peaks, in standard deviations from the mean effect.
    """

    value: float
    each: Floats
    score: Floats
    hessian: Floats
    score_a: Floats
    hessian_a: Floats
    cross: Floats
    modes: Floats

    def reduced(self, free: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Score and Hessian of the `free` of effect (0) and spread (1), baselines profiled out."""
        at = list(free)
        s, h = self.score[at], self.hessian[np.ix_(at, at)]
        if self.score_a.size:
            c = self.cross[:, at]
            s = s - c.T @ (self.score_a / self.hessian_a)
            h = h - c.T @ (c / self.hessian_a[:, None])
        return s, h


def modes_of(family: Family, effect: float, tau: float, baseline: Floats, start: Floats) -> Floats:
    """Find where each integrand, family times standard normal, peaks: Newton with halving."""
    z = start.copy()
    if tau == 0.0:
        return np.zeros_like(z)
    now = family.terms(effect + tau * z[:, None], baseline)
    height = now.value[:, 0] - 0.5 * z**2
    for _ in range(60):
        slope = tau * now.e[:, 0] - z
        step = slope / (1.0 - tau**2 * now.ee[:, 0])
        if np.max(np.abs(step)) < 1e-8:
            break
        for _ in range(30):
            trial = z + step
            then = family.terms(effect + tau * trial[:, None], baseline)
            new = then.value[:, 0] - 0.5 * trial**2
            worse = new < height - 1e-12 * np.abs(height) - 1e-14
            if not worse.any():
                break
            step = np.where(worse, 0.5 * step, step)
        z, now, height = trial, then, new
    return z


def _ranges(
    family: Family, effect: float, tau: float, baseline: Floats, peak: Floats
) -> tuple[Floats, Floats]:
    """Where each integrand has died off on either side of its peak, shape (k, 2), and its width.

    The log integrand is at least as curved as a standard normal's, so that the ends lie within
    ``sqrt(2 * _DEPTH)`` of the peak.
    """
    top = family.terms(effect + tau * peak[:, None], baseline)
    height = top.value - 0.5 * peak[:, None] ** 2
    most = np.sqrt(2.0 * _DEPTH)
    reach = most / np.sqrt(1.0 - tau**2 * top.ee) * np.ones(2)
    side = np.array([-1.0, 1.0])
    for _ in range(60):
        z = peak[:, None] + side * reach
        fall = height - family.terms(effect + tau * z, baseline).value + 0.5 * z**2
        short = (fall < _DEPTH) & (reach < most)
        wide = fall > 2.0 * _DEPTH
        if not (short.any() or wide.any()):
            break
        reach = np.where(short, np.minimum(most, 1.5 * reach), np.where(wide, 0.8 * reach, reach))
    ends = peak[:, None] + side * reach
    return ends[:, :1], (ends[:, 1:] - ends[:, :1])


def evaluate(
    family: Family, effect: float, tau: float, baseline: Floats, n: int, start: Floats
) -> Point:
    """Evaluate the log-likelihood and its derivatives.

    Parameters
    ----------
    family
        The trials.
    effect, tau
        Mean effect and standard deviation of the effects.
    baseline
        A baseline a trial, shape (k,); ignored by conditional families.
    n
        Quadrature nodes.
    start
        Where to look for the peaks first, shape (k,).

    Notes
    -----
    Derivatives are those of the integral, by the same nodes: the mean derivative of the log
    integrand under the integrand's own weights, and for second derivatives also the covariance
    (Louis's identity).

    Source: Trefethen, Weideman 2014, SIAM Rev 56:385, doi:10.1137/130932132 (the rule); Louis
    1982, J R Stat Soc B 44:226, doi:10.1111/j.2517-6161.1982.tb01203.x (the derivatives).
    """
    a = baseline[:, None]
    if tau == 0.0:  # the integrand does not depend on z, whose moments are 0 and 1
        z, weight = np.array([[-1.0, 1.0]]), np.array([[0.5, 0.5]])
        t = family.terms(np.full((family.k, 1), effect), a)
        return _point(t.value[:, 0], t, z, np.broadcast_to(weight, (family.k, 2)), start * 0.0)
    peak = modes_of(family, effect, tau, a, start)
    low, width = _ranges(family, effect, tau, a, peak)
    z = low + width * ((np.arange(n) + 0.5) / n)
    t = family.terms(effect + tau * z, a)
    power = t.value - 0.5 * z**2
    top = power.max(axis=1)
    weight = np.exp(power - top[:, None])
    total = weight.sum(axis=1)
    each = top + np.log(total * width[:, 0] / n) - 0.5 * np.log(2.0 * np.pi)
    return _point(each, t, z, weight / total[:, None], peak)


def _point(each: Floats, t: Terms, z: Floats, w: Floats, peak: Floats) -> Point:
    e, ee = t.e, t.ee
    ze, zee = z * e, z * ee
    me, mze = _mean(w, e), _mean(w, ze)
    score = np.array([me.sum(), mze.sum()])
    tt = _mean(w, ee) + _cov(w, e, me, e, me)
    ts = _mean(w, zee) + _cov(w, e, me, ze, mze)
    ss = _mean(w, z * zee) + _cov(w, ze, mze, ze, mze)
    hessian = np.array([[tt.sum(), ts.sum()], [ts.sum(), ss.sum()]])
    a, aa, ae = t.a, t.aa, t.ae
    if a is None or aa is None or ae is None:
        none = np.empty(0)
        return Point(float(each.sum()), each, score, hessian, none, none, np.empty((0, 2)), peak)
    ma = _mean(w, a)
    hessian_a = _mean(w, aa) + _cov(w, a, ma, a, ma)
    cross = np.stack(
        [_mean(w, ae) + _cov(w, a, ma, e, me), _mean(w, z * ae) + _cov(w, a, ma, ze, mze)], axis=1
    )
    return Point(float(each.sum()), each, score, hessian, ma, hessian_a, cross, peak)


def _mean(w: Floats, x: Floats) -> Floats:
    out: Floats = (w * x).sum(axis=1)
    return out


def _cov(w: Floats, x: Floats, mx: Floats, y: Floats, my: Floats) -> Floats:
    out: Floats = (w * (x - mx[:, None]) * (y - my[:, None])).sum(axis=1)
    return out
