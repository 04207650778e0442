"""Log-likelihoods of one trial given its effect, with derivatives, for many trials at once.

Conditional families know the effect alone: the events of group 1 given those of both groups.
Unconditional ones have a baseline too. Arrays have shape (k, q): trials by quadrature nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from equipoise.effects.columns import Floats
from equipoise.models.counts.tables import Tables


@dataclass(frozen=True, slots=True)
class Terms:
    """Log-likelihoods and derivatives by effect `e` and (where there is one) baseline `a`."""

    value: Floats
    e: Floats
    ee: Floats
    a: Floats | None = None
    aa: Floats | None = None
    ae: Floats | None = None


class Family(Protocol):
    """What a model needs to know of its trials."""

    @property
    def baseline(self) -> bool:
        """Whether there is a baseline."""

    @property
    def k(self) -> int:
        """Number of trials."""

    def terms(self, effect: Floats, baseline: Floats) -> Terms:
        """Evaluate at effects, shape (k, q), and baselines of a shape that broadcasts."""

    def begin(self) -> Floats:
        """Baselines to begin with, shape (k,); zeros without baselines."""

    def saturated(self) -> float:
        """The largest possible log-likelihood, each trial with an effect of its own."""


class Hypergeometric:
    """Non-central hypergeometric: events of group 1 given all margins; effect = log odds ratio.

    The support is kept relative to what was observed: ``exp(-log Σ_s w_s exp((s - x) e))`` with
    ``w_s`` the ratio of binomial coefficients at s and at x, so that nothing overflows. Of a long
    support only a window about the expected count is summed, beyond which nothing is left.
    """

    baseline = False

    def __init__(self, t: Tables) -> None:
        self.x, self.n1, self.n2, self.m = t.events1, t.size1, t.size2, t.total
        self.low = np.maximum(0.0, self.m - self.n2)
        self.high = np.minimum(self.n1, self.m)
        self.k = len(t)
        width = self.high - self.low + 1.0
        people = self.n1 + self.n2
        smallest = np.minimum.reduce([self.m, self.n1, self.n2, people - self.m])
        # The variance is at most a quarter of the smallest margin.
        self.window = np.minimum(width, np.ceil(10.0 * np.sqrt(smallest)) + 60.0).astype(np.intp)
        self.short = np.flatnonzero(self.window == width)
        self.long = np.flatnonzero(self.window < width)
        supports = [
            (float(x), np.arange(low, high + 1.0), _log_ratios(x, low, high, n1, n2, m))
            for x, low, high, n1, n2, m in zip(
                *(c.tolist() for c in (self.x, self.low, self.high, self.n1, self.n2, self.m)),
                strict=True,
            )
        ]
        sizes = width[self.short].astype(np.intp)
        self.of = np.repeat(np.arange(self.short.size), sizes)
        self.start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        short = [supports[i] for i in self.short.tolist()]
        self.offset = np.concatenate([s - x for x, s, _ in short] or [np.empty(0)])
        self.log_w = np.concatenate([w for *_, w in short] or [np.empty(0)])
        self.tables = [supports[i][2] for i in self.long.tolist()]

    def terms(self, effect: Floats, baseline: Floats) -> Terms:
        """Evaluate by summing over the support of each trial."""
        value, first, second = (np.empty(effect.shape) for _ in range(3))
        if self.short.size:
            power = self.log_w[:, None] + self.offset[:, None] * effect[self.short][self.of]
            top = np.maximum.reduceat(power, self.start, axis=0)
            power -= top[self.of]
            np.exp(power, out=power)
            total = np.add.reduceat(power, self.start, axis=0)
            power *= self.offset[:, None]
            mean = np.add.reduceat(power, self.start, axis=0) / total
            power *= self.offset[:, None]
            square = np.add.reduceat(power, self.start, axis=0) / total
            value[self.short], first[self.short] = -top - np.log(total), -mean
            second[self.short] = mean**2 - square
        for i, log_w in zip(self.long, self.tables, strict=True):
            value[i], first[i], second[i] = self._windowed(int(i), log_w, effect[i])
        return Terms(value, first, second)

    def _windowed(self, i: int, log_w: Floats, effect: Floats) -> tuple[Floats, Floats, Floats]:
        """One trial with a long support: a window about the expected count, for each effect."""
        size = int(self.window[i])
        middle = expected_events(self.n1[i], self.n2[i], self.m[i], np.clip(effect, -60.0, 60.0))
        begin = np.rint(middle - self.low[i]).astype(np.intp) - size // 2
        begin = np.clip(begin, 0, log_w.size - size)
        at = begin[:, None] + np.arange(size)
        s = at + (self.low[i] - self.x[i])
        power = log_w[at] + s * effect[:, None]
        top = power.max(axis=1)
        power = np.exp(power - top[:, None])
        total = power.sum(axis=1)
        mean = (power * s).sum(axis=1) / total
        spread = (power * (s - mean[:, None]) ** 2).sum(axis=1) / total
        return -top - np.log(total), -mean, -spread

    def saturated(self) -> float:
        """The sum of each trial's own maximum: 0 where the count is at an end of its range."""
        inside = (self.x > self.low) & (self.x < self.high)
        others = self.m - self.x
        guess = np.log(
            (self.x + 0.5) * (self.n2 - others + 0.5) / ((self.n1 - self.x + 0.5) * (others + 0.5))
        )
        effect = np.where(inside, guess, 0.0)[:, None]
        for _ in range(100):
            now = self.terms(effect, effect)
            step = np.where(inside[:, None], -now.e / np.minimum(now.ee, -1e-300), 0.0)
            effect = effect + np.clip(step, -1.0, 1.0)
            if np.max(np.abs(step), initial=0.0) < 1e-12:
                break
        return float(np.sum(np.where(inside, self.terms(effect, effect).value[:, 0], 0.0)))

    def begin(self) -> Floats:
        """No baselines to begin with."""
        return np.zeros(self.k)


def _log_ratios(x: float, low: float, high: float, n1: float, n2: float, m: float) -> Floats:
    """Log of the ways to have s events in group 1, relative to those of x, for s in the support.

    Summed from one to the next: differences of log-factorials would lose digits in large trials.
    """
    s = np.arange(low, high)
    steps = np.log((n1 - s) * (m - s) / ((s + 1.0) * (n2 - m + s + 1.0)))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    out: Floats = logs - logs[int(x - low)]
    return out


def expected_events(n1: Floats, n2: Floats, m: Floats, log_ratio: Floats) -> Floats:
    """Events of group 1 that fit the margins and the odds ratio: a quadratic's root in range."""
    ratio = np.exp(log_ratio)
    linear = n2 - m + ratio * (n1 + m)
    root = np.sqrt(np.maximum(linear**2 + 4.0 * (1.0 - ratio) * ratio * n1 * m, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        stable = 2.0 * ratio * n1 * m / (linear + root)
        other = (root - linear) / (2.0 * (1.0 - ratio))
    out: Floats = np.where(linear >= 0.0, stable, other)
    return out


class Binomial:
    """Binomial: events of group 1 given those of both; effect plus `offset` = log odds of it."""

    baseline = False

    def __init__(self, x: Floats, m: Floats, offset: Floats) -> None:
        self.x, self.m, self.offset = x[:, None], m[:, None], offset[:, None]
        self.k = len(x)
        self.constant = _log_choose(self.m, self.x)

    def terms(self, effect: Floats, baseline: Floats) -> Terms:
        """Evaluate the binomial log-likelihood."""
        at = effect + self.offset
        p = special.expit(at)
        value = self.constant + self.x * at - self.m * np.logaddexp(0.0, at)
        return Terms(value, self.x - self.m * p, -self.m * p * special.expit(-at))

    def saturated(self) -> float:
        """Each trial with its own share."""
        return float(np.sum(_saturated_binomial(self.x, self.m)))

    def begin(self) -> Floats:
        """No baselines to begin with."""
        return np.zeros(self.k)


class Logistic:
    """Two binomial groups: log odds = baseline ± effect / 2."""

    baseline = True

    def __init__(self, t: Tables) -> None:
        self.x1, self.n1 = t.events1[:, None], t.size1[:, None]
        self.x2, self.n2 = t.events2[:, None], t.size2[:, None]
        self.k = len(t)
        self.constant = _log_choose(self.n1, self.x1) + _log_choose(self.n2, self.x2)

    def terms(self, effect: Floats, baseline: Floats) -> Terms:
        """Evaluate both groups' binomial log-likelihoods."""
        at1, at2 = baseline + 0.5 * effect, baseline - 0.5 * effect
        p1, p2 = special.expit(at1), special.expit(at2)
        r1, r2 = self.x1 - self.n1 * p1, self.x2 - self.n2 * p2
        w1, w2 = self.n1 * p1 * special.expit(-at1), self.n2 * p2 * special.expit(-at2)
        value = (
            self.constant
            + (self.x1 * at1 - self.n1 * np.logaddexp(0.0, at1))
            + (self.x2 * at2 - self.n2 * np.logaddexp(0.0, at2))
        )
        return _two_groups(value, r1, r2, w1, w2)

    def saturated(self) -> float:
        """Each group with its own risk."""
        each = _saturated_binomial(self.x1, self.n1) + _saturated_binomial(self.x2, self.n2)
        return float(np.sum(each))

    def begin(self) -> Floats:
        """Baselines to begin with."""
        x, n = (self.x1 + self.x2)[:, 0], (self.n1 + self.n2)[:, 0]
        begin: Floats = np.log((x + 0.5) / (n - x + 0.5))
        return begin


class Poisson:
    """Two Poisson groups over person-time: log rate = baseline ± effect / 2."""

    baseline = True

    def __init__(self, t: Tables) -> None:
        self.x1, self.t1 = t.events1[:, None], t.size1[:, None]
        self.x2, self.t2 = t.events2[:, None], t.size2[:, None]
        self.k = len(t)
        self.constant = -special.gammaln(self.x1 + 1.0) - special.gammaln(self.x2 + 1.0)

    def terms(self, effect: Floats, baseline: Floats) -> Terms:
        """Evaluate both groups' Poisson log-likelihoods."""
        at1 = baseline + 0.5 * effect + np.log(self.t1)
        at2 = baseline - 0.5 * effect + np.log(self.t2)
        m1, m2 = np.exp(np.minimum(at1, 700.0)), np.exp(np.minimum(at2, 700.0))
        value = self.constant + (self.x1 * at1 - m1) + (self.x2 * at2 - m2)
        return _two_groups(value, self.x1 - m1, self.x2 - m2, m1, m2)

    def saturated(self) -> float:
        """Each group with its own rate."""
        each = [special.xlogy(x, x) - x for x in (self.x1, self.x2)]
        return float(np.sum(self.constant + each[0] + each[1]))

    def begin(self) -> Floats:
        """Baselines to begin with."""
        x, t = (self.x1 + self.x2)[:, 0], (self.t1 + self.t2)[:, 0]
        begin: Floats = np.log((x + 0.5) / t)
        return begin


def _two_groups(value: Floats, r1: Floats, r2: Floats, w1: Floats, w2: Floats) -> Terms:
    total = w1 + w2
    return Terms(value, 0.5 * (r1 - r2), -0.25 * total, a=r1 + r2, aa=-total, ae=-0.5 * (w1 - w2))


def _log_choose(n: Floats, x: Floats) -> Floats:
    out: Floats = special.gammaln(n + 1.0) - special.gammaln(x + 1.0) - special.gammaln(n - x + 1.0)
    return out


def _saturated_binomial(x: Floats, n: Floats) -> Floats:
    share = x / n
    out: Floats = _log_choose(n, x) + special.xlogy(x, share) + special.xlogy(n - x, 1.0 - share)
    return out
