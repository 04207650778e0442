"""Every estimator of tau² by its code, and how precisely each estimates.

:mod:`equipoise.models.heterogeneity` has the four that the batch engine runs too (DL, PM, ML,
REML); here are the others of the field, those with weights of the reviewer's own, and the standard
errors of all.

Paule and Mandel (``PM``), empirical Bayes (``EB``), and the methods of DerSimonian and Laird and
of Sidik and Jonkman repeated until they settle (``DLIT``, ``SJIT``) all solve the same equation: Q
with tau² added to the variances equals its degrees of freedom. They are entries of their own, each
with its paper, and give the same number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method
from equipoise.models.heterogeneity import ESTIMATORS as FIRST
from equipoise.models.heterogeneity import Estimator, Spread, Tau2, estimate_tau2
from equipoise.num.dist import chi2_quantile
from equipoise.num.quadratic import below
from equipoise.num.solve import root

Array = NDArray[np.float64]


def _he(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return max(0.0, spread.total / (spread.k - 1) - float(spread.v.mean())), ()


def _hs(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return max(0.0, (spread.q(0.0) - spread.k) / float((1.0 / spread.v).sum())), ()


def _hsk(spread: Spread) -> tuple[float, tuple[float, ...]]:
    k = spread.k
    return max(0.0, (k / (k - 1) * spread.q(0.0) - k) / float((1.0 / spread.v).sum())), ()


def _sj(spread: Spread) -> tuple[float, tuple[float, ...]]:
    start = spread.total / spread.k
    return start * spread.q(start) / (spread.k - 1), ()


def _pm(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return FIRST["PM"].fit(spread)


def _pmm(spread: Spread) -> tuple[float, tuple[float, ...]]:
    return spread.solve_q(chi2_quantile(0.5, spread.k - 1)), ()


_MORE = (
    Estimator(
        "EB",
        _pm,
        Method(
            "tau² by empirical Bayes (the root that Paule and Mandel's estimator is)",
            "Morris 1983, J Am Stat Assoc 78:47",
            "10.1080/01621459.1983.10477920",
        ),
    ),
    Estimator(
        "PMM",
        _pmm,
        Method(
            "tau² by Paule and Mandel, median-unbiased",
            "Viechtbauer 2021, Median-unbiased estimators for the amount of heterogeneity in "
            "meta-analysis, European Congress of Methodology, Valencia",
        ),
    ),
    Estimator(
        "HE",
        _he,
        Method(
            "tau² by Hedges (Cochran's ANOVA)",
            "Hedges 1983, Psychol Bull 93:388",
            "10.1037/0033-2909.93.2.388",
        ),
    ),
    Estimator(
        "HS",
        _hs,
        Method(
            "tau² by Hunter and Schmidt",
            "Viechtbauer 2005, J Educ Behav Stat 30:261",
            "10.3102/10769986030003261",
        ),
    ),
    Estimator(
        "HSk",
        _hsk,
        Method(
            "tau² by Hunter and Schmidt, corrected for few trials",
            "Brannick, Potter, Benitez, Morris 2019, Organ Res Methods 22:490",
            "10.1177/1094428117741966",
        ),
    ),
    Estimator(
        "SJ",
        _sj,
        Method(
            "tau² by Sidik and Jonkman",
            "Sidik, Jonkman 2005, J R Stat Soc C 54:367",
            "10.1111/j.1467-9876.2005.00489.x",
        ),
    ),
    Estimator(
        "DLIT",
        _pm,
        Method(
            "tau² by DerSimonian and Laird, repeated until it settles (at Paule and Mandel's root)",
            "DerSimonian, Kacker 2007, Contemp Clin Trials 28:105",
            "10.1016/j.cct.2006.04.004",
        ),
    ),
    Estimator(
        "SJIT",
        _pm,
        Method(
            "tau² by Sidik and Jonkman, repeated until it settles (at Paule and Mandel's root)",
            "Sidik, Jonkman 2007, Stat Med 26:1964",
            "10.1002/sim.2688",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class WeightedEstimator:
    """An estimator of tau² from a sum of squares with given weights: its code, how, its paper."""

    code: str
    fit: Callable[[Spread, Array], float]
    method: Method


def weighted_q(spread: Spread, a: Array) -> float:
    """The sum of squares about the mean, both with the weights `a` (in the order of `spread`)."""
    away = spread.y - float(a @ spread.y) / float(a.sum())
    return float(a @ (away * away))


def others(w: Array) -> Array:
    """For each value, the sum of all the others, without cancellation."""
    before, after = np.zeros_like(w), np.zeros_like(w)
    before[1:] = np.cumsum(w[:-1])
    after[:-1] = np.cumsum(w[:0:-1])[::-1]
    return before + after


def _genq(spread: Spread, a: Array) -> float:
    """The value at which the sum of squares equals its expectation."""
    share = a * others(a) / float(a.sum())
    return max(0.0, (weighted_q(spread, a) - float(share @ spread.v)) / float(share.sum()))


def _genqm(spread: Spread, a: Array) -> float:
    """The value at which the sum of squares equals its median."""
    return solve_below(spread, a, 0.5)


def solve_below(spread: Spread, a: Array, probability: float) -> float:
    """The `t` at which a sum of squares at most that observed has this probability; 0 if none.

    Notes
    -----
    The probability falls with `t`: where it is already less at 0, no `t` above 0 has it.
    """
    q, v = weighted_q(spread, a), spread.v

    def excess(t: float) -> float:
        return below(q, a, v + t) - probability

    if excess(0.0) <= 0.0:
        return 0.0
    high = max(1.0, spread.total)
    while excess(high) > 0.0:
        high *= 4.0
    return root(excess, 0.0, high)


_GIVEN = (
    WeightedEstimator(
        "GENQ",
        _genq,
        Method(
            "tau² from a sum of squares with given weights (method of moments)",
            "DerSimonian, Kacker 2007, Contemp Clin Trials 28:105",
            "10.1016/j.cct.2006.04.004",
        ),
    ),
    WeightedEstimator(
        "GENQM",
        _genqm,
        Method(
            "tau² from a sum of squares with given weights, median-unbiased",
            "Viechtbauer 2021, Median-unbiased estimators for the amount of heterogeneity in "
            "meta-analysis, European Congress of Methodology, Valencia",
        ),
    ),
)

#: Estimators of tau² that need no weights, by code.
ESTIMATORS: MappingProxyType[str, Estimator] = MappingProxyType(
    {**FIRST, **{e.code: e for e in _MORE}}
)

#: Those that need weights of the reviewer's own.
WEIGHTED: MappingProxyType[str, WeightedEstimator] = MappingProxyType({e.code: e for e in _GIVEN})


def estimator_method(code: str) -> Method:
    """Return the method, with its paper, of the estimator of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code.
    """
    if code in WEIGHTED:
        return WEIGHTED[code].method
    if code not in ESTIMATORS:
        raise UnknownNameError("estimator of tau²", code, (*ESTIMATORS, *WEIGHTED))
    return ESTIMATORS[code].method


def in_order(spread: Spread, weights: Array) -> Array:
    """Weights that came in the order of the trials, in that of `spread` and at most 1."""
    return np.asarray(weights[np.asarray(spread.order)] / weights.max(), dtype=np.float64)


def estimate(spread: Spread, code: str, weights: Array | None = None) -> Tau2:
    """Estimate tau² by any estimator.

    Parameters
    ----------
    spread
        Estimates and variances.
    code
        A code of :data:`ESTIMATORS` or :data:`WEIGHTED`.
    weights
        For the latter: one a trial, in the order in which the trials were given, above zero.

    Returns
    -------
    Tau2
        In the caller's units; 0 for a single trial.

    Raises
    ------
    UnknownNameError
        An unknown estimator.
    InputError
        An estimator that needs weights, without them.

    Notes
    -----
    Checked against metafor in ``validation/values/estimators.json``.
    """
    if code in FIRST:
        return estimate_tau2(spread, code)
    estimator_method(code)
    if code in WEIGHTED and weights is None:
        raise InputError(f"tau² by {code} without weights", hint="weights=, one for each trial")
    if spread.k == 1:
        return Tau2(0.0, code)
    if weights is not None and code in WEIGHTED:
        value = WEIGHTED[code].fit(spread, in_order(spread, weights))
    else:
        value, _ = ESTIMATORS[code].fit(spread)
    return Tau2(value * spread.scale, code)


def standard_error(spread: Spread, tau2: Tau2, weights: Array | None = None) -> float:
    """Return the large-sample standard error of an estimate of tau², in the caller's units.

    Parameters
    ----------
    spread, weights
        As given to :func:`estimate`.
    tau2
        What it returned.

    Returns
    -------
    float
        Not a number for a single trial and for a tau² that was given.

    Notes
    -----
    From the variance of a sum of squares of normal variables, ``2 tr(PSPS)``, and how its
    expectation rises with tau²; for ML and REML, from the expected information. They rest on many
    trials: an interval is better had from :mod:`equipoise.models.tau2_intervals`.

    Source: Viechtbauer 2005, J Educ Behav Stat 30:261; Viechtbauer 2007, Stat Med 26:37;
    Biggerstaff, Tweedie 1997, Stat Med 16:753.
    """
    k, t = spread.k, tau2.value / spread.scale
    code = tau2.estimator
    if k == 1 or not (code in ESTIMATORS or code in WEIGHTED):
        return math.nan
    v = spread.v
    w = 1.0 / (v + t)
    if code == "ML":
        found = math.sqrt(2.0 / float(w @ w))
    elif code == "REML":
        found = math.sqrt(2.0 / spread.reml_slopes(t).loss_fall)
    elif code in ("PM", "EB", "PMM", "DLIT", "SJIT"):
        found = math.sqrt(2.0 * k * k / (k - 1)) / float(w.sum())
    else:
        found = _moment_error(spread, code, t, weights)
    return found * spread.scale


def _trace(a: Array) -> float:
    return float(a @ others(a)) / float(a.sum())


def _moment_error(spread: Spread, code: str, t: float, weights: Array | None) -> float:
    """The standard error of an estimator that is linear in one sum of squares."""
    k, v = spread.k, spread.v
    if code == "SJ":
        start = spread.total / k
        return start / (k - 1) * math.sqrt(_variance(1.0 / (v + start), v + t))
    if code in ("HS", "HSk"):
        factor = k / (k - 1) if code == "HSk" else 1.0
        return factor * math.sqrt(_variance(1.0 / v, v + t)) / float((1.0 / v).sum())
    if code in WEIGHTED and weights is not None:
        a = in_order(spread, weights)
    else:
        a = np.ones(k) if code == "HE" else 1.0 / v
    return math.sqrt(_variance(a, v + t)) / _trace(a)


def _variance(a: Array, s: Array) -> float:
    """The variance of the sum of squares with weights `a` when the variances are `s`."""
    total = float(a.sum())
    own = a * others(a) / total * s
    cross = a * a * s
    return 2.0 * (float(own @ own) + float(cross @ others(cross)) / (total * total))
