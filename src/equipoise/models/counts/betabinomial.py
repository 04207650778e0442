"""Beta-binomial regression: group risks with one correlation of people within a group of a trial.

With s = correlation / (1 - correlation), a group's log-likelihood is a sum of ``log(mu + r s)``,
``log(1 - mu + r s)`` and ``-log(1 + r s)`` over r from 0: it holds at s = 0 too, where it is
the binomial's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Note
from equipoise.effects.columns import Floats
from equipoise.models.counts.closed import infinite
from equipoise.models.counts.pooled import Pooled
from equipoise.models.counts.result import Convergence
from equipoise.models.counts.tables import Tables, no_events
from equipoise.num.solve import root

#: Width of blocks of r, relative to r.
_BLOCK = 0.01
#: Values of s at which the slope is looked at.
_GRID = tuple(10.0 ** (0.5 * i) for i in range(-16, 5))


class _Arm:
    """One treatment's groups: over which r the sums of events, non-events and people run."""

    def __init__(self, events: Floats, n: Floats) -> None:
        self.hit, self.miss, self.all = (_beyond(x) for x in (events, n - events, n))
        self.constant = float(
            np.sum(
                special.gammaln(n + 1.0)
                - special.gammaln(events + 1.0)
                - special.gammaln(n - events + 1.0)
            )
        )

    def look(self, logit: float, s: float) -> tuple[float, Floats, Floats]:
        """Log-likelihood, score and Hessian by the logit of the risk and by s."""
        p, q = float(special.expit(logit)), float(special.expit(-logit))
        v = p * q
        value = self.constant
        d = np.zeros(2)
        h = np.zeros((2, 2))
        for (r, counts), base, slope in ((self.hit, p, 1.0), (self.miss, q, -1.0)):
            at = base + r * s
            inverse = counts / at
            value += float(counts @ np.log(at))
            by_p, by_s = slope * float(inverse.sum()), float(inverse @ r)
            square = inverse / at
            pp, ps, ss = float(square.sum()), slope * float(square @ r), float(square @ r**2)
            d += [by_p * v, by_s]
            h += [[by_p * v * (q - p) - pp * v * v, -ps * v], [-ps * v, -ss]]
        r, counts = self.all
        at = 1.0 + r * s
        value -= float(counts @ np.log(at))
        d[1] -= float((counts * r / at).sum())
        h[1, 1] += float((counts * (r / at) ** 2).sum())
        return value, d, h


def _beyond(x: Floats) -> tuple[Floats, Floats]:
    """Places r and weights whose sums are those over r < x of every group.

    One place for each r to begin with; further out, blocks of a hundredth of r, each with three
    places that sum polynomials of up to the fifth degree exactly, which is all digits there.
    """
    ends = np.unique(x[x > 0.0])
    places: list[float] = []
    weights: list[float] = []
    r = 0.0
    for end in ends.tolist():
        groups = float((x >= end).sum())
        while r < end:
            size = min(end - r, max(1.0, math.floor(_BLOCK * r)))
            middle = r + 0.5 * (size - 1.0)
            if size == 1.0:
                places.append(middle)
                weights.append(groups)
            else:
                off = math.sqrt((3.0 * size**2 - 7.0) / 20.0)
                outer = size * (size**2 - 1.0) / 12.0 / (2.0 * off**2)
                places += [middle - off, middle, middle + off]
                weights += [groups * outer, groups * (size - 2.0 * outer), groups * outer]
            r += size
    return np.array(places), np.array(weights)


@dataclass(frozen=True, slots=True)
class _Place:
    logits: Floats
    s: float
    value: float
    score: Floats
    hessian: Floats


def _look(arms: tuple[_Arm, _Arm], logits: Floats, s: float) -> _Place:
    value, score, hessian = 0.0, np.zeros(3), np.zeros((3, 3))
    for j, arm in enumerate(arms):
        v, d, h = arm.look(float(logits[j]), s)
        value += v
        score[[j, 2]] += d
        hessian[np.ix_([j, 2], [j, 2])] += h
    return _Place(logits, s, value, score, hessian)


def _climb(arms: tuple[_Arm, _Arm], logits: Floats, s: float) -> _Place:
    """The best risks for a fixed s: each is a problem of its own with one optimum."""
    place = _look(arms, logits, s)
    for _ in range(200):
        h = np.minimum(np.diag(place.hessian)[:2], -1e-12)
        step = np.clip(-place.score[:2] / h, -1.0, 1.0)
        if np.max(np.abs(step) * np.sqrt(-h)) < 1e-11:
            break
        place = _look(arms, place.logits + step, s)
    return place


def _highest(arms: tuple[_Arm, _Arm], logits: Floats) -> tuple[_Place, int]:
    """The global optimum over both risks and s, and how many local ones there are."""
    place = _climb(arms, logits, 0.0)
    found = [place] if place.score[2] <= 0.0 else []
    rises, low = place.score[2] > 0.0, 0.0
    for high in _GRID:
        place = _climb(arms, place.logits, high)
        if rises and place.score[2] <= 0.0:
            found.append(_between(arms, place.logits, low, high))
        rises, low = bool(place.score[2] > 0.0), high
    if not found:
        raise NotEstimableError("the correlation runs off to 1", hint="model='MH' or 'Peto'")
    return max(found, key=lambda p: p.value), len(found)


def _between(arms: tuple[_Arm, _Arm], logits: Floats, low: float, high: float) -> _Place:
    def slope(s: float) -> float:
        return float(_climb(arms, logits, s).score[2])

    return _climb(arms, logits, root(slope, low, high, rtol=1e-13))


def beta_binomial(t: Tables, measure: str, *, level: float) -> Pooled:
    """Pool by beta-binomial regression with one risk a treatment and one correlation.

    All groups take part, those without events too. The trials' own comparisons are not kept
    together: groups count as independent, which is the method's weakness where sizes of the two
    groups differ between trials.
    """
    if not (~t.double_zero).any():
        raise no_events(t, level)
    totals = [(math.fsum(e), math.fsum(n)) for e, n in ((t.events1, t.size1), (t.events2, t.size2))]
    for side, (events, n) in enumerate(totals):
        if events == 0.0 or events == n:
            raise infinite(measure, f"group {2 - side if events == 0.0 else 1 + side}", "BB")
    arms = (_Arm(t.events1, t.size1), _Arm(t.events2, t.size2))
    start = np.array([math.log(e / (n - e)) for e, n in totals])
    place, n_optima = _highest(arms, start)
    free = 3 if place.s > 0.0 else 2
    information = -place.hessian[:free, :free]
    covariance = np.linalg.inv(information)
    asks = math.sqrt(abs(float(place.score[:free] @ covariance @ place.score[:free])))
    if not (np.linalg.eigvalsh(information)[0] > 0.0 and asks < 1e-7):
        raise NotEstimableError(
            f"the likelihood's optimum was not reached: its slope still asks for a step of "
            f"{asks:.1e} standard errors",
            hint="model='MH' or 'Peto'",
        )
    estimate, slope = _effect(measure, place.logits)
    se = math.sqrt(float(slope @ covariance[:2, :2] @ slope))
    notes: tuple[Note, ...] = ()
    if place.s == 0.0:
        text = (
            "The correlation within groups is estimated as 0: the result is that of adding the "
            "trials up as if they were one."
        )
        notes = (Note("no-correlation", text),)
    return Pooled(
        estimate,
        se,
        np.ones(len(t), dtype=bool),
        (papers.KUSS,),
        effects="random",
        notes=notes,
        icc=place.s / (1.0 + place.s),
        log_lik=place.value,
        parameters=3,
        rows=2 * len(t),
        convergence=Convergence(asks, 0, 0.0, n_optima),
    )


def _effect(measure: str, logits: Floats) -> tuple[float, Floats]:
    """The effect and its derivatives by both logits."""
    p, q = special.expit(logits), special.expit(-logits)
    sign = np.array([1.0, -1.0])
    if measure == "OR":
        return float(logits[0] - logits[1]), sign
    if measure == "RR":
        return float(np.log(p[0]) - np.log(p[1])), sign * q
    return float(p[0] - p[1]), sign * p * q
