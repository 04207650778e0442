"""A common odds or rate ratio with exact conditional inference: no large-sample approximation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Interval
from equipoise.models.counts.closed import about_zeros
from equipoise.models.counts.families import Family
from equipoise.models.counts.pooled import Pooled
from equipoise.models.counts.search import common
from equipoise.models.counts.tables import Tables, no_events
from equipoise.num.solve import root

#: Log ratios beyond this are not looked for.
_FAR = 700.0


#: Multiplications of the distribution of all events; some seconds.
_MOST_WORK = 5e9


def _affordable(t: Tables) -> None:
    """Refuse a distribution that would take minutes to hours.

    Raises
    ------
    NotEstimableError
        Naming the number of events.
    """
    done, work = 1.0, 0.0
    for a, m, c, n in zip(t.events1, t.size1, t.events2, t.size2, strict=True):
        both = a + c
        wide = both + 1.0 if t.time else min(m, both) - max(0.0, both - n) + 1.0
        work += done * wide
        done += wide - 1.0
    if work > _MOST_WORK:
        raise NotEstimableError(
            f"the exact distribution of {float(t.events1.sum() + t.events2.sum()):,.0f} events "
            "would take too long",
            hint="with so many events model='MH' or 'IV' tells the same",
        )


class Total:
    """The distribution of all events of group 1 given every margin, for any common ratio.

    Each trial's distribution is convolved with the others', as probabilities at the ratio `about`
    (so that nothing under- or overflows near it), and tilted from there.
    """

    def __init__(self, t: Tables, about: float) -> None:
        _affordable(t)
        total = np.ones(1)
        low = 0.0
        for a, m, c, n in zip(t.events1, t.size1, t.events2, t.size2, strict=True):
            both = a + c
            first = 0.0 if t.time else max(0.0, both - n)
            last = both if t.time else min(m, both)
            s = np.arange(first, last + 1.0)
            log_w = -special.gammaln(s + 1.0) - special.gammaln(both - s + 1.0)
            if t.time:
                log_w += s * math.log(m / n)
            else:
                log_w -= special.gammaln(m - s + 1.0) + special.gammaln(n - both + s + 1.0)
            log_w += s * about
            p = np.exp(log_w - log_w.max())
            total = np.convolve(total, p / p.sum())
            low += first
        self.about = about
        self.s = low + np.arange(total.size)
        with np.errstate(divide="ignore"):
            self.log_p = np.log(total)

    def tails(self, ratio: float, x: float) -> tuple[float, float, float]:
        """Return the probabilities below, at and above `x` where the log ratio is `ratio`."""
        power = self.log_p + (ratio - self.about) * (self.s - x)
        p = np.exp(power - power.max())
        p /= p.sum()
        return float(p[self.s < x].sum()), float(p[self.s == x].sum()), float(p[self.s > x].sum())


def exact(t: Tables, family_of: Callable[[Tables], Family], *, mid: bool, level: float) -> Pooled:
    """Conditional maximum likelihood with the interval that inverts the exact tails.

    Parameters
    ----------
    t
        All trials; those without any event say nothing.
    family_of
        Makes the conditional family of the informative trials.
    mid
        Count half the probability of what was observed: shorter, and right on average only.
    level
        Confidence level.

    Notes
    -----
    Where one group has all the events, the estimate and one bound are infinite and the other
    bound is not. The p value is twice the smaller tail, so that it agrees with the interval.
    """
    some = t.informative()
    if not len(some):
        raise no_events(t, level)
    x = math.fsum(some.events1)
    total = Total(some, 0.0)
    if x in (total.s[0], total.s[-1]):
        estimate, se = (-math.inf if x == total.s[0] else math.inf), math.nan
    else:
        best = common(family_of(some))
        estimate, se = best.effect, math.sqrt(float(best.covariance[0, 0]))
        total = Total(some, estimate)
    part = 0.5 if mid else 0.0
    alpha = 0.5 * (1.0 - level)
    spread = se if math.isfinite(se) else 1.0
    centre = estimate if math.isfinite(estimate) else 0.0

    def upper_tail(ratio: float) -> float:
        _, at, above = total.tails(ratio, x)
        return above + (1.0 - part) * at

    def lower_tail(ratio: float) -> float:
        below, at, _ = total.tails(ratio, x)
        return below + (1.0 - part) * at

    low = -math.inf if x == total.s[0] else _solve(upper_tail, alpha, centre, spread)
    high = math.inf if x == total.s[-1] else _solve(lower_tail, alpha, centre, spread)
    p = min(1.0, 2.0 * min(upper_tail(0.0), lower_tail(0.0)))
    text = "exact conditional, mid-p" if mid else "exact conditional"
    return Pooled(
        estimate,
        se,
        ~t.double_zero,
        (papers.GART, papers.MEHTA),
        notes=about_zeros(t, True),
        ci=Interval(low, high, level, text),
        p_value=p,
    )


def _solve(tail: Callable[[float], float], alpha: float, centre: float, spread: float) -> float:
    """Where a monotone tail is `alpha`."""
    low, high = centre - 4.0 * spread, centre + 4.0 * spread
    while (tail(low) - alpha) * (tail(high) - alpha) > 0.0 and high - low < _FAR:
        low, high = low - 2.0 * spread, high + 2.0 * spread
        spread *= 1.5
    return root(lambda r: tail(r) - alpha, low, high, rtol=1e-14, atol=1e-14)
