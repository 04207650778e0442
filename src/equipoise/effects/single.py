"""Measures of one group: proportions, rates, means and spreads, each with its variance.

Measures that compare two groups by a difference of such numbers are made from them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.effects.measure import How, Measure, Values

_NONE = math.nan


def small_sample_factor(df: float | Floats) -> Floats:
    """Return Hedges' exact correction of a standardised mean difference.

    ``J = gamma(df/2) / (sqrt(df/2) gamma((df - 1)/2))``.

    Source: Hedges 1981, J Educ Stat 6:107, doi:10.3102/10769986006002107.
    """
    m = np.asarray(df, dtype=np.float64)
    ratio = special.gammaln(0.5 * m) - special.gammaln(0.5 * (m - 1.0))
    return np.asarray(np.exp(ratio - 0.5 * np.log(0.5 * m)), dtype=np.float64)


# --- proportions -------------------------------------------------------------------------------


def _risks(c: Values, how: How) -> tuple[Floats, Floats, Floats, Floats]:
    """Events, people, risk, and the risk that the variance is taken at."""
    events, n = c["events"], c["n"]
    risk = events / n
    if how.variance == "AV":
        known = np.isfinite(risk)
        return events, n, risk, np.full_like(risk, events[known].sum() / n[known].sum())
    return events, n, risk, risk


def proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """``p`` with ``p(1 − p)/n`` (LS), ``p(1 − p)/(n − 1)`` (UB)."""
    _, n, risk, at = _risks(c, how)
    return risk, at * (1.0 - at) / (n - 1.0 if how.variance == "UB" else n)


def log_proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log p`` with ``1/events − 1/n``."""
    events, n = c["events"], c["n"]
    if how.variance == "LS":
        return np.log(events) - np.log(n), 1.0 / events - 1.0 / n
    _, _, _, at = _risks(c, how)
    return np.log(events) - np.log(n), (1.0 - at) / (at * n)


def logit_proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log(p/(1 − p))`` with ``1/events + 1/(n − events)``."""
    events, n = c["events"], c["n"]
    rest = n - events
    if how.variance == "LS":
        return np.log(events) - np.log(rest), 1.0 / events + 1.0 / rest
    _, _, _, at = _risks(c, how)
    return np.log(events) - np.log(rest), 1.0 / (n * at * (1.0 - at))


def probit_proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """``Φ⁻¹(p)`` with ``2π p(1 − p) exp(z²)/n``."""
    _, n, risk, _ = _risks(c, how)
    z = np.asarray(special.ndtri(risk))
    return z, 2.0 * math.pi * risk * (1.0 - risk) * np.exp(z**2) / n


def arcsine_proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """``arcsin(√p)`` with ``1/(4n)``."""
    return np.arcsin(np.sqrt(c["events"] / c["n"])), 0.25 / c["n"]


def double_arcsine_proportion(c: Values, how: How) -> tuple[Floats, Floats]:
    """Half the sum of the arcsines of ``√(x/(n + 1))`` and ``√((x + 1)/(n + 1))``."""
    x, n = c["events"], c["n"]
    below, above = np.sqrt(x / (n + 1.0)), np.sqrt((x + 1.0) / (n + 1.0))
    return 0.5 * (np.arcsin(below) + np.arcsin(np.minimum(above, 1.0))), 1.0 / (4.0 * n + 2.0)


# --- rates in person-time ----------------------------------------------------------------------


def rate(c: Values, how: How) -> tuple[Floats, Floats]:
    """``x/t`` with ``x/t²``."""
    return c["events"] / c["time"], c["events"] / c["time"] ** 2


def log_rate(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log(x/t)`` with ``1/x``."""
    return np.log(c["events"]) - np.log(c["time"]), 1.0 / c["events"]


def root_rate(c: Values, how: How) -> tuple[Floats, Floats]:
    """``√(x/t)`` with ``1/(4t)``."""
    return np.sqrt(c["events"] / c["time"]), 0.25 / c["time"]


def double_root_rate(c: Values, how: How) -> tuple[Floats, Floats]:
    """Half the sum of ``√(x/t)`` and ``√((x + 1)/t)``, with ``1/(4t)``."""
    x, t = c["events"], c["time"]
    return 0.5 * (np.sqrt(x / t) + np.sqrt((x + 1.0) / t)), 0.25 / t


# --- means and spreads -------------------------------------------------------------------------


def mean(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean with ``sd²/n``."""
    return c["mean"], c["sd"] ** 2 / c["n"]


def _relative(c: Values) -> Floats:
    """The squared coefficient of variation of the mean, ``sd²/(n mean²)``."""
    return c["sd"] ** 2 / (c["n"] * c["mean"] ** 2)


def log_mean(c: Values, how: How) -> tuple[Floats, Floats]:
    """The logarithm of the mean with ``sd²/(n mean²)``."""
    return np.log(c["mean"]), _relative(c)


def log_mean_corrected(c: Values, how: How) -> tuple[Floats, Floats]:
    """The logarithm of the mean, half its variance added back for the bias."""
    v = _relative(c)
    return np.log(c["mean"]) + (0.5 * v if how.correct else 0.0), v


def standardised_mean(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean in standard deviations, with the exact factor."""
    n = c["n"]
    y = c["mean"] / c["sd"] * (small_sample_factor(n - 1.0) if how.correct else 1.0)
    return y, 1.0 / n + y**2 / (2.0 * n)


def log_spread(c: Values, how: How) -> tuple[Floats, Floats]:
    """The logarithm of the standard deviation, ``1/(2(n − 1))`` added back for the bias."""
    half = 0.5 / (c["n"] - 1.0)
    return np.log(c["sd"]) + (half if how.correct else 0.0), half


def log_variation(c: Values, how: How) -> tuple[Floats, Floats]:
    """The logarithm of the coefficient of variation, without its bias from the SD."""
    half = 0.5 / (c["n"] - 1.0)
    return np.log(c["sd"] / c["mean"]) + (half if how.correct else 0.0), half + _relative(c)


def log_variation_corrected(c: Values, how: How) -> tuple[Floats, Floats]:
    """As :func:`log_variation`, without the bias from the mean too."""
    y, v = log_variation(c, how)
    return y - (0.5 * _relative(c) if how.correct else 0.0), v


_STIJNEN = Method(
    "proportion with its large-sample variance",
    "Stijnen, Hamza, Özdemir 2010, Stat Med 29:3046",
    "10.1002/sim.4040",
)
_ROTHMAN = Method(
    "rate in person-time with its large-sample variance",
    "Rothman, Greenland, Lash 2008, Modern Epidemiology, 3rd edition, chapter 14",
)
_FREEMAN = Method(
    "Freeman–Tukey transform",
    "Freeman, Tukey 1950, Ann Math Stat 21:607",
    "10.1214/aoms/1177729756",
)
_NAKAGAWA = Method(
    "logarithm of a spread",
    "Nakagawa and others 2015, Methods Ecol Evol 6:143",
    "10.1111/2041-210X.12309",
)
_ARCSINE = Method(
    "arcsine transform of a proportion",
    "Rücker, Schwarzer, Carpenter, Olkin 2009, Stat Med 28:721",
    "10.1002/sim.3511",
)
_LOG_MEAN = Method(
    "logarithm of a mean",
    "Hedges, Gurevitch, Curtis 1999, Ecology 80:1150",
    "10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2",
)
_HEDGES = Method(
    "standardised mean, exact small-sample correction",
    "Hedges 1981, J Educ Stat 6:107",
    "10.3102/10769986006002107",
)
_DOUBTFUL = (
    "The way back from a {} depends on the size of the study, which a mean over studies does not "
    "have: the value shown is that of a very large study, and any choice can mislead."
)
_PEOPLE = "people with the event, as a part of 1"
_PER_TIME = "events in one unit of person-time"

MEASURES = (
    Measure(
        "PR", "proportion", "natural", "proportion", _PEOPLE, _STIJNEN, proportion, no_effect=_NONE
    ),
    Measure(
        "PLN", "proportion", "log", "proportion", _PEOPLE, _STIJNEN, log_proportion, no_effect=_NONE
    ),
    Measure(
        "PLO",
        "proportion",
        "logit",
        "proportion",
        _PEOPLE,
        _STIJNEN,
        logit_proportion,
        no_effect=_NONE,
    ),
    Measure(
        "PRZ",
        "proportion",
        "probit",
        "proportion",
        _PEOPLE,
        _STIJNEN,
        probit_proportion,
        no_effect=_NONE,
    ),
    Measure(
        "PAS",
        "proportion",
        "arcsine",
        "proportion",
        _PEOPLE,
        _ARCSINE,
        arcsine_proportion,
        no_effect=_NONE,
    ),
    Measure(
        "PFT",
        "proportion",
        "double arcsine",
        "proportion",
        _PEOPLE,
        _FREEMAN,
        double_arcsine_proportion,
        no_effect=_NONE,
        caution=_DOUBTFUL.format("double arcsine"),
    ),
    Measure("IR", "rate", "natural", "rate", _PER_TIME, _ROTHMAN, rate, no_effect=_NONE),
    Measure("IRLN", "rate", "log", "rate", _PER_TIME, _ROTHMAN, log_rate, no_effect=_NONE),
    Measure("IRS", "rate", "square root", "rate", _PER_TIME, _ROTHMAN, root_rate, no_effect=_NONE),
    Measure(
        "IRFT",
        "rate",
        "double square root",
        "rate",
        _PER_TIME,
        _FREEMAN,
        double_root_rate,
        no_effect=_NONE,
        caution=_DOUBTFUL.format("double square root"),
    ),
    Measure(
        "MN",
        "mean",
        "natural",
        "mean",
        "points of the scale that was measured",
        Method(
            "mean with its variance",
            "Cochrane Handbook for Systematic Reviews of Interventions, chapter 6",
        ),
        mean,
        no_effect=_NONE,
    ),
    Measure(
        "MNLN",
        "mean",
        "log",
        "mean",
        "points of the scale that was measured",
        _LOG_MEAN,
        log_mean,
        no_effect=_NONE,
    ),
    Measure(
        "SMN",
        "standardised mean",
        "natural",
        "mean",
        "standard deviations",
        _HEDGES,
        standardised_mean,
        no_effect=0.0,
        above="the mean lies above 0",
        corrects=True,
    ),
    Measure(
        "SDLN",
        "standard deviation",
        "log",
        "spread",
        "points of the scale that was measured",
        _NAKAGAWA,
        log_spread,
        no_effect=_NONE,
        corrects=True,
    ),
    Measure(
        "CVLN",
        "coefficient of variation",
        "log",
        "mean",
        "standard deviation as a part of the mean",
        _NAKAGAWA,
        log_variation,
        no_effect=_NONE,
        corrects=True,
    ),
)
