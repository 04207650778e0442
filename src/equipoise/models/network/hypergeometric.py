"""Events of each arm given those of the whole trial: the non-central hypergeometric network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.models.counts.result import Convergence
from equipoise.models.network.armcounts import (
    ArmCounts,
    Pool,
    check_usable,
    informative,
    names_of,
    told_nothing,
)

BRESLOW = Method(
    "conditional likelihood with Breslow's approximation: events share out as people times odds",
    "Breslow 1974, Biometrics 30:89; as in Stijnen, Hamza, Özdemir 2010, Stat Med 29:3046",
    "10.2307/2529620",
)
FISHER = Method(
    "Fisher's multivariate non-central hypergeometric distribution",
    "McCullagh, Nelder 1989, Generalized Linear Models, 2nd edition, section 7.3",
)

#: Of a long distribution this many standard deviations, and at least as many counts, are summed.
_WIDE, _LEAST = 12.0, 60.0

Look = Callable[[Floats], tuple[float, Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Part:
    """One trial's share: log-likelihood, expected events by arm, and their covariance."""

    value: float
    mean: Floats
    cov: Floats


def exact_part(events: Floats, n: Floats, effect: Floats) -> Part:
    """Log-probability of the events of a trial's arms given their sum, with its moments.

    Parameters
    ----------
    events, n
        By arm.
    effect
        Log odds by arm, up to a constant.

    Notes
    -----
    Given their sum, independent binomials whose log odds differ by the effects have Fisher's
    distribution, whatever is added to all log odds. With the constant that makes the expected sum
    the observed one, the probability of the sum is far from 0, and it is a convolution; so is
    every moment. Nothing under- or overflows, and no terms cancel.
    """
    total = float(events.sum())
    shift = _shift(n, effect, total)
    at = effect + shift
    arms = [_binomial(int(m), float(x)) for m, x in zip(n.tolist(), at.tolist(), strict=True)]
    size = len(arms)
    mean = n * special.expit(at)
    rests = [_together([arms[j] for j in range(size) if j != i]) for i in range(size)]
    whole = _at(arms[0], rests[0], total)
    first, second = np.empty(size), np.zeros((size, size))
    moved = [
        (low, (low + np.arange(p.size) - mu) * p) for (low, p), mu in zip(arms, mean, strict=True)
    ]
    for i, (low, p) in enumerate(moved):
        first[i] = _at((low, p), rests[i], total) / whole
        squares = (low, (low + np.arange(p.size) - mean[i]) * p)
        second[i, i] = _at(squares, rests[i], total) / whole - first[i] ** 2
    if size == 2:
        second[0, 1] = second[1, 0] = -second[0, 0]
    else:
        for i, j in combinations(range(size), 2):
            others = _together([arms[h] for h in range(size) if h not in (i, j)])
            both = _at(_together([moved[i], moved[j]]), others, total) / whole
            second[i, j] = second[j, i] = both - first[i] * first[j]
    logs = special.gammaln(n + 1.0) - special.gammaln(events + 1.0)
    logs -= special.gammaln(n - events + 1.0)
    value = float(np.sum(logs + events * at - n * np.logaddexp(0.0, at)))
    return Part(value - math.log(whole), mean + first, second)


def breslow_part(events: Floats, n: Floats, effect: Floats) -> Part:
    """The same where each event falls on an arm with chance people times odds: for rare events."""
    power = np.log(n) + effect
    top = float(power.max())
    share = np.exp(power - top)
    whole = float(share.sum())
    share /= whole
    total = float(events.sum())
    value = float(events @ power) - total * (top + math.log(whole))
    value += float(special.gammaln(total + 1.0) - special.gammaln(events + 1.0).sum())
    return Part(value, total * share, total * (np.diag(share) - np.outer(share, share)))


def _shift(n: Floats, effect: Floats, total: float) -> float:
    """What is added to all log odds so that `total` events are expected: a monotone root."""
    shift = float(special.logit(total / n.sum()))
    low, high = shift - float(np.ptp(effect)) - 1.0, shift + float(np.ptp(effect)) + 1.0
    low, high = low - float(effect.mean()), high - float(effect.mean())
    shift -= float(effect.mean())
    for _ in range(200):
        p = special.expit(effect + shift)
        over = float(n @ p) - total
        low, high = (low, shift) if over > 0.0 else (shift, high)
        step = over / float(n @ (p * special.expit(-effect - shift)))
        if abs(step) < 1e-13 * (1.0 + abs(shift)):
            break
        shift = shift - step if low < shift - step < high else 0.5 * (low + high)
    return shift


def _binomial(n: int, log_odds: float) -> tuple[int, Floats]:
    """A binomial distribution as its first count and its probabilities, without far tails."""
    p = float(special.expit(log_odds))
    half = _WIDE * math.sqrt(n * p * float(special.expit(-log_odds))) + _LEAST
    low, high = max(0, math.floor(n * p - half)), min(n, math.ceil(n * p + half))
    s = np.arange(low, high, dtype=np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - s) / (s + 1.0)) + log_odds)])
    out = np.exp(logs - logs.max())
    return low, out / out.sum()


def _together(parts: list[tuple[int, Floats]]) -> tuple[int, Floats]:
    low, out = parts[0]
    for more, p in parts[1:]:
        low, out = low + more, np.convolve(out, p)
    return low, out


def _at(one: tuple[int, Floats], two: tuple[int, Floats], total: float) -> float:
    """The sum over all ways to share `total` between the two."""
    (low1, p), (low2, q) = one, two
    first = max(low1, int(total) - (low2 + q.size - 1))
    last = min(low1 + p.size - 1, int(total) - low2)
    if last < first:
        return 0.0
    s = np.arange(first, last + 1)
    return float(p[s - low1] @ q[int(total) - s - low2])


def conditional(counts: ArmCounts, reference: str | None = None, *, breslow: bool = False) -> Pool:
    """Maximise the conditional likelihood of a common effect over the network.

    Parameters
    ----------
    counts
        All arms.
    reference
        The treatment that others will be compared with, for errors.
    breslow
        Use Breslow's approximation in the place of the exact distribution.

    Notes
    -----
    The events of a trial's arms given their sum are Fisher's multivariate non-central
    hypergeometric; the log-likelihood is concave in the log odds ratios, so that Newton's method
    finds its only maximum. Standard errors are from the observed information. netmeta's ``NCH``
    is the approximation.

    Source: Stijnen, Hamza, Özdemir 2010, Stat Med 29:3046, doi:10.1002/sim.4040; Efthimiou et al.
    2019, doi:10.1002/sim.8158. Checked against netmeta and against enumeration in
    ``tests/reference/test_network_rare_reference.py``, ``tests/models/network/test_rare.py``.
    """
    used = informative(counts)
    out = check_usable(counts, used, reference, rest=not breslow)
    part = breslow_part if breslow else exact_part
    rows = used.rows()
    n = len(used.treatments)

    def look(theta: Floats) -> tuple[float, Floats, Floats]:
        value, score, information = 0.0, np.zeros(n), np.zeros((n, n))
        for r in rows:
            t = used.treat[r]
            found = part(used.events[r], used.n[r], theta[t])
            value += found.value
            score[t] += used.events[r] - found.mean
            information[np.ix_(t, t)] += found.cov
        return value, score, information

    theta, information, value, gradient = climb(look, n)
    cov = np.zeros((n, n))
    cov[1:, 1:] = np.linalg.inv(information[1:, 1:])
    return Pool(
        used,
        theta,
        cov,
        (papers.STIJNEN, BRESLOW if breslow else FISHER),
        out,
        names_of(counts, told_nothing(counts)),
        "say nothing",
        designs=len(used.designs()),
        log_lik=value,
        convergence=Convergence(gradient, 0, 0.0, 1),
    )


def climb(look: Look, n: int) -> tuple[Floats, Floats, float, float]:
    """Newton's method for a concave function of effects, the first of which is 0.

    Returns
    -------
    tuple
        The effects, the information, the height, and the step still asked for, in standard errors.
    """
    theta = np.zeros(n)
    now = look(theta)
    for _ in range(200):
        value, score, information = now
        step = np.zeros(n)
        step[1:] = np.linalg.solve(information[1:, 1:], score[1:])
        asks = math.sqrt(abs(float(score @ step)))
        if asks < 1e-10:
            return theta + step, information, value, asks
        step *= min(1.0, 3.0 / float(np.max(np.abs(step))))
        for _ in range(40):
            then = look(theta + step)
            if then[0] >= value - 1e-11 * (1.0 + abs(value)):
                break
            step *= 0.5
        theta, now = theta + step, then
    raise NotEstimableError("the conditional likelihood did not converge", hint="method='MH'")
