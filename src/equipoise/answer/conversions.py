"""From relative effects and points to people: every such number is an estimate and says so.

Responders from standardised differences: Hasselblad and Hedges 1995 (Psychol Bull 117:167, doi
10.1037/0033-2909.117.1.167), Furukawa and Leucht 2011 (PLoS One 6:e19070, doi
10.1371/journal.pone.0019070). Both agreed with responders as reported in 29 trials with 13,654
people; the method of Kraemer and Kupfer did not and is not offered (da Costa 2012, Int J Epidemiol
41:1445, doi 10.1093/ije/dys124). Uncertainty of two sources: Newcombe 2011 (Commun Stat Theory
Methods 40:3154, doi 10.1080/03610921003764225).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equipoise.num.dist import normal_quantile, normal_tail

#: ln OR of one standard deviation, under logistic distributions of equal spread.
LN_OR_PER_SD = math.pi / math.sqrt(3)


def odds_ratio_of_smd(smd: float) -> float:
    """The odds ratio that a standardised difference stands for: ``exp(pi / sqrt(3) * smd)``."""
    return math.exp(LN_OR_PER_SD * smd)


def with_odds_ratio(without: float, ratio: float) -> float:
    """The risk with the treatment, from the risk without it and an odds ratio."""
    return ratio * without / (1 - without + ratio * without)


def hasselblad_hedges(smd: float, without: float) -> float:
    """Share of responders with the treatment, through the odds ratio of the difference.

    Parameters
    ----------
    smd
        Standardised difference, signed so that positive is better.
    without
        Share of responders without the treatment, between 0 and 1.
    """
    return with_odds_ratio(without, odds_ratio_of_smd(smd))


def furukawa(smd: float, without: float) -> float:
    """Share of responders with the treatment, under normal distributions of equal spread."""
    return normal_tail(-smd - normal_quantile(without))


def threshold_shares(
    difference: float, change: float, sd: float, cut: float
) -> tuple[float, float]:
    """Shares of people whose own change reaches `cut`, without and with the treatment.

    Parameters
    ----------
    difference
        Mean difference, signed so that positive is better.
    change, sd
        Mean change without the treatment, and the standard deviation of changes.
    cut
        The change that one person notices (a within-person threshold).
    """
    return (
        normal_tail((cut - change) / sd),
        normal_tail((cut - change - difference) / sd),
    )


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A number with its 95 % interval, on a scale where the interval is about symmetrical."""

    value: float
    low: float
    high: float

    def at(self, share: float) -> float:
        """The number moved by a share (−1 to 1) of the way to its ends."""
        return self.value + share * (self.high - self.value if share > 0 else self.value - self.low)


def combined(
    function: Callable[[float, float], float], first: Uncertain, second: Uncertain
) -> tuple[float, float]:
    """An interval for a function of two independent numbers that both are uncertain.

    The ends are the extremes of the function along the ellipse on which the two numbers are off by
    shares of their own half-intervals whose squares add up to one (Newcombe's *PropImp*). A number
    without an interval of its own leaves the other's interval as it is.
    """
    angles = np.linspace(0.0, 2.0 * math.pi, 721)
    values = [function(first.at(math.cos(a)), second.at(math.sin(a))) for a in angles]
    low = _refined(function, first, second, angles, int(np.argmin(values)), -1.0)
    high = _refined(function, first, second, angles, int(np.argmax(values)), 1.0)
    return low, high


def _refined(
    function: Callable[[float, float], float],
    first: Uncertain,
    second: Uncertain,
    angles: np.ndarray,
    best: int,
    sign: float,
) -> float:
    """The extreme near a grid point, by golden section."""
    left = float(angles[best]) - float(angles[1])
    right = float(angles[best]) + float(angles[1])
    golden = (math.sqrt(5) - 1) / 2

    def at(a: float) -> float:
        return sign * function(first.at(math.cos(a)), second.at(math.sin(a)))

    a, b = right - golden * (right - left), left + golden * (right - left)
    fa, fb = at(a), at(b)
    for _ in range(60):
        if fa > fb:
            right, b, fb = b, a, fa
            a = right - golden * (right - left)
            fa = at(a)
        else:
            left, a, fa = a, b, fb
            b = left + golden * (right - left)
            fb = at(b)
    return sign * max(fa, fb, at(float(angles[best])))


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """How many people one more (or one fewer) good result takes, with an interval.

    `value`, `low` and `high` are people, 1 or more, infinite where the difference is zero;
    `helps`, `low_helps` and `high_helps` say on which side each lies. `low` belongs to the end of
    the interval that favours the treatment more.
    """

    value: float
    helps: bool
    low: float
    low_helps: bool
    high: float
    high_helps: bool

    @property
    def through_infinity(self) -> bool:
        """Whether the interval holds no difference, so that it runs through infinity."""
        return self.low_helps != self.high_helps and not math.isinf(max(self.low, self.high))


def number_needed(benefit: float, low: float, high: float) -> NumberNeeded:
    """Numbers needed to treat, from a benefit per 1000 people and its interval.

    Parameters
    ----------
    benefit, low, high
        People per 1000 with a better result, positive better; `low` below `high`.

    Notes
    -----
    Where the interval of the benefit holds zero, that of the number needed runs through infinity:
    from a number needed to benefit to a number needed to harm (Altman 1998, BMJ 317:1309, doi
    10.1136/bmj.317.7168.1309).
    """

    def people(value: float) -> float:
        return math.inf if value == 0 else 1000 / abs(value)

    return NumberNeeded(
        people(benefit), benefit >= 0, people(high), high >= 0, people(low), low >= 0
    )
