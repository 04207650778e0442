"""Confidence intervals of tau² by name, and the interval of I² and H² that rests on Q alone.

Every bound is a root of its equation, or 0 where none lies above 0: a search that ends at a limit
is never given as a bound, because none of these searches has a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method
from equipoise.core.table import percent
from equipoise.models.estimators import in_order, solve_below
from equipoise.models.heterogeneity import Q_PROFILE, Spread, Tau2, tau2_interval
from equipoise.num.dist import chi2_quantile, critical
from equipoise.num.solve import root

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tau2Rule:
    """An interval of tau²: its code, its name in words, and its paper."""

    code: str
    text: str
    method: Method


#: Intervals of tau² by code; "none" computes none.
TAU2_INTERVALS: MappingProxyType[str, Tau2Rule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            Tau2Rule("QP", "Q-profile", Q_PROFILE),
            Tau2Rule(
                "PL",
                "profile likelihood",
                Method(
                    "interval of tau² by the profile likelihood",
                    "Hardy, Thompson 1996, Stat Med 15:619",
                    "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
                ),
            ),
            Tau2Rule(
                "BJ",
                "generalised Q, weights 1/v",
                Method(
                    "interval of tau² from the exact distribution of Cochran's Q",
                    "Biggerstaff, Jackson 2008, Stat Med 27:6093",
                    "10.1002/sim.3425",
                ),
            ),
            Tau2Rule(
                "J",
                "generalised Q, weights 1/√v",
                Method(
                    "interval of tau² from the exact distribution of a generalised Q, weights "
                    "the inverse of the standard errors",
                    "Jackson 2013, Res Synth Methods 4:220",
                    "10.1002/jrsm.1081",
                ),
            ),
            Tau2Rule(
                "GENQ",
                "generalised Q, given weights",
                Method(
                    "interval of tau² from the exact distribution of a generalised Q",
                    "Jackson, Turner, Rhodes, Viechtbauer 2014, BMC Med Res Methodol 14:103",
                    "10.1186/1471-2288-14-103",
                ),
            ),
        )
    }
)

I2_FROM_Q = Method(
    "I² and H² from Q, with test-based intervals",
    "Higgins, Thompson 2002, Stat Med 21:1539",
    "10.1002/sim.1186",
)


def interval_of_tau2(
    spread: Spread, code: str, tau2: Tau2, level: float = 0.95, weights: Array | None = None
) -> Interval | None:
    """Compute the interval of tau² of that code.

    Parameters
    ----------
    spread
        Estimates and variances.
    code
        A code of :data:`TAU2_INTERVALS`, or ``none``.
    tau2
        The estimate; the profile likelihood needs it to be that of REML or ML.
    level
        Confidence level.
    weights
        For ``GENQ``: one a trial, in the order in which the trials were given.

    Returns
    -------
    Interval or None
        None for a single trial and for ``none``. From 0 to 0 where no tau² is compatible with the
        trials at this level (Q-profile and generalised Q).

    Raises
    ------
    UnknownNameError
        An unknown code.
    InputError
        ``PL`` with an estimator that has no likelihood, ``GENQ`` without weights.

    Notes
    -----
    Generalised Q: the bounds are the tau² at which a sum of squares at least, or at most, as large
    as that observed has half of the remaining probability. Profile likelihood: all tau² whose
    log-likelihood is within half a chi-squared quantile of the highest; where these are several
    stretches, from the lowest to the highest.

    Checked against metafor in ``validation/values/estimators.json``.
    """
    if code != "none" and code not in TAU2_INTERVALS:
        raise UnknownNameError("interval of tau²", code, (*TAU2_INTERVALS, "none"))
    if code == "none" or spread.k == 1:
        return None
    if code == "QP":
        return tau2_interval(spread, level)
    if code == "PL":
        low, high = _profile(spread, tau2, level)
    else:
        a = _weights(spread, code, weights)
        tail = 0.5 * (1.0 - level)
        low, high = solve_below(spread, a, 1.0 - tail), solve_below(spread, a, tail)
    unit = spread.scale
    return Interval(low * unit, high * unit, level, TAU2_INTERVALS[code].text)


def _weights(spread: Spread, code: str, weights: Array | None) -> Array:
    if code == "BJ":
        return np.asarray(spread.v[0] / spread.v, dtype=np.float64)
    if code == "J":
        return np.asarray(np.sqrt(spread.v[0] / spread.v), dtype=np.float64)
    if weights is None:
        raise InputError(
            "the generalised Q interval of tau² without weights",
            hint="weights=, or tau2_interval='J' (1/√v) or 'BJ' (1/v)",
        )
    return in_order(spread, weights)


def _profile(spread: Spread, tau2: Tau2, level: float) -> tuple[float, float]:
    if tau2.estimator not in ("REML", "ML"):
        raise InputError(
            f"the profile likelihood interval with tau² by {tau2.estimator}",
            hint="tau2='REML' or 'ML', or tau2_interval='QP'",
        )
    value = spread.ml_value if tau2.estimator == "ML" else spread.reml_value
    places = [t / spread.scale for t in tau2.optima] or [0.0]
    heights = [value(t) for t in places]
    least = max(heights) - 0.5 * chi2_quantile(level, 1)
    # Between neighbouring maxima of which one is below the line there is a single crossing.
    high_enough = [i for i, height in enumerate(heights) if height >= least]
    first, last = high_enough[0], high_enough[-1]

    def above(t: float) -> float:
        return value(t) - least

    left = places[first - 1] if first else 0.0
    low = _crossing(above, left, places[first]) if above(left) < 0.0 else 0.0
    if last + 1 < len(places):
        return low, _crossing(above, places[last], places[last + 1])
    reach = max(1.0, 2.0 * places[last])
    while above(reach) > 0.0:
        reach *= 4.0
    return low, _crossing(above, places[last], reach)


def _crossing(above: Callable[[float], float], low: float, high: float) -> float:
    return root(above, low, high)


def q_based(
    q: float, df: int, level: float
) -> tuple[float, Interval | None, float, Interval | None]:
    """I² (percent) and H² from Q, with the test-based intervals of Higgins and Thompson.

    Returns
    -------
    i2, i2_ci, h2, h2_ci
        Intervals are None with fewer than three trials, for which the formula has none.

    Notes
    -----
    ``H² = max(1, Q / df)`` and ``I² = 1 − 1/H²``; the interval is that of log H, whose standard
    error is ``½ (log Q − log df) / (√(2Q) − √(2 df − 1))`` where Q exceeds its degrees of freedom
    plus one, and ``√(1/(2(df − 1)) (1 − 1/(3(df − 1)²)))`` otherwise.

    Source: Higgins, Thompson 2002, Stat Med 21:1539, section 3, doi:10.1002/sim.1186.
    """
    h2 = max(1.0, q / df) if df else 1.0
    i2 = 100.0 * (1.0 - 1.0 / h2)
    if df < 2:
        return i2, None, h2, None
    if q > df + 1:
        se = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2.0 * q) - math.sqrt(2.0 * df - 1.0))
    else:
        se = math.sqrt(0.5 / (df - 1) * (1.0 - 1.0 / (3.0 * (df - 1) ** 2)))
    half = critical(level) * se
    bounds = [max(1.0, math.exp(math.log(h2) + 2.0 * side * half)) for side in (-1.0, 1.0)]
    text = "test-based"
    return (
        i2,
        Interval(100.0 - 100.0 / bounds[0], 100.0 - 100.0 / bounds[1], level, text),
        h2,
        Interval(bounds[0], bounds[1], level, text),
    )


def i2_text(i2: float, ci: Interval | None) -> str:
    """I² with its interval, where it has one, in words."""
    bounds = "" if ci is None else f" ({percent(ci.low)} to {percent(ci.high)})"
    return f"I² {percent(i2)}{bounds}"
