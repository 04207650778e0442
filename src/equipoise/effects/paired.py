"""The same people twice: before and after, or matched pairs, measured or counted."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.effects.measure import How, Measure, Values
from equipoise.effects.single import small_sample_factor


def _change(c: Values) -> Floats:
    """The variance of the change."""
    return c["sd1"] ** 2 + c["sd2"] ** 2 - 2.0 * c["r"] * c["sd1"] * c["sd2"]


def mean_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """``mean1 − mean2`` with the variance of the change over n."""
    return c["mean1"] - c["mean2"], _change(c) / c["n"]


def _corrected(d: Floats, df: Floats, how: How) -> tuple[Floats, Floats]:
    j = small_sample_factor(df) if how.correct else np.ones_like(d)
    return j * d, j


def smc_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean change in standard deviations of the change."""
    n = c["n"]
    d = (c["mean1"] - c["mean2"]) / np.sqrt(_change(c))
    g, j = _corrected(d, n - 1.0, how)
    if how.variance == "LS2":
        return g, j**2 * (1.0 / n + d**2 / (2.0 * n))
    return g, 1.0 / n + g**2 / (2.0 * n)


def smc_raw(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean change in standard deviations of the first measurement."""
    n = c["n"]
    g, _ = _corrected((c["mean1"] - c["mean2"]) / c["sd1"], n - 1.0, how)
    return g, 2.0 * (1.0 - c["r"]) / n + g**2 / (2.0 * n)


def smc_raw_unequal(c: Values, how: How) -> tuple[Floats, Floats]:
    """The same, its variance allowing for unequal spreads."""
    df = c["n"] - 1.0
    g, _ = _corrected((c["mean1"] - c["mean2"]) / c["sd1"], df, how)
    return g, _change(c) / (c["sd1"] ** 2 * df) + g**2 / (2.0 * df)


def _average(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean change in root mean squares of the two standard deviations, and their square."""
    at = 0.5 * (c["sd1"] ** 2 + c["sd2"] ** 2)
    df = 2.0 * (c["n"] - 1.0) / (1.0 + c["r"] ** 2)
    g, _ = _corrected((c["mean1"] - c["mean2"]) / np.sqrt(at), df, how)
    return g, at


def smc_average(c: Values, how: How) -> tuple[Floats, Floats]:
    """The mean change in average standard deviations."""
    n, r = c["n"], c["r"]
    g, _ = _average(c, how)
    return g, 2.0 * (1.0 - r) / n + g**2 * (1.0 + r**2) / (4.0 * n)


def _fourth(c: Values) -> Floats:
    """``sd1⁴ + sd2⁴ + 2 r² sd1² sd2²``: twice the error of the two variances together."""
    v1, v2 = c["sd1"] ** 2, c["sd2"] ** 2
    return v1**2 + v2**2 + 2.0 * c["r"] ** 2 * v1 * v2


def smc_average_unequal(c: Values, how: How) -> tuple[Floats, Floats]:
    """The same, its variance allowing for unequal spreads."""
    df = c["n"] - 1.0
    g, at = _average(c, how)
    return g, _change(c) / (at * df) + g**2 * _fourth(c) / (8.0 * at**2 * df)


def _ratio_variance(c: Values) -> tuple[Floats, Floats, Floats]:
    """The two squared variations of the means, and the variance of the log ratio."""
    n, m1, m2 = c["n"], c["mean1"], c["mean2"]
    v1, v2 = c["sd1"] ** 2 / (n * m1**2), c["sd2"] ** 2 / (n * m2**2)
    return v1, v2, v1 + v2 - 2.0 * c["r"] * c["sd1"] * c["sd2"] / (m1 * m2 * n)


def log_ratio_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log ratio of the means, corrected for the bias of logarithms."""
    v1, v2, v = _ratio_variance(c)
    bias = 0.5 * (v1 - v2) if how.correct else 0.0
    return np.log(c["mean1"]) - np.log(c["mean2"]) + bias, v


def log_spread_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log ratio of the standard deviations."""
    return np.log(c["sd1"]) - np.log(c["sd2"]), (1.0 - c["r"] ** 2) / (c["n"] - 1.0)


def log_variation_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log ratio of the coefficients of variation."""
    v1, v2, v = _ratio_variance(c)
    spread, own = log_spread_change(c, how)
    bias = 0.5 * (v1 - v2) if how.correct else 0.0
    return spread - np.log(c["mean1"]) + np.log(c["mean2"]) - bias, own + v


def superiority_change(c: Values, how: How) -> tuple[Floats, Floats]:
    """The chance that one person's first value lies above another's second, normal values."""
    df = c["n"] - 1.0
    both = c["sd1"] ** 2 + c["sd2"] ** 2
    x = (c["mean1"] - c["mean2"]) / np.sqrt(both)
    of_x = _change(c) / (both * df) + x**2 * _fourth(c) / (2.0 * both**2 * df)
    return np.asarray(special.ndtr(x)), np.exp(-(x**2)) / (2.0 * math.pi) * of_x


# --- counted twice -----------------------------------------------------------------------------


def _cells(c: Values) -> tuple[Floats, Floats, Floats, Floats]:
    return c["both"], c["only1"], c["only2"], c["neither"]


def matched_risk_difference(c: Values, how: How) -> tuple[Floats, Floats]:
    """``(only1 − only2)/n``."""
    a, b, d, e = _cells(c)
    n = a + b + d + e
    return (b - d) / n, (b + d) / n**2 - (b - d) ** 2 / n**3


def matched_risk_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log((both + only1)/(both + only2))``."""
    a, b, d, _ = _cells(c)
    return np.log(a + b) - np.log(a + d), (b + d) / ((a + b) * (a + d))


def matched_odds_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log odds ratio of the two margins."""
    a, b, d, e = _cells(c)
    n = a + b + d + e
    one, two = (a + b) * (d + e), (a + d) * (b + e)
    shared = n * (a * e - b * d) / (one * two)
    y = np.log((a + b) / (d + e)) - np.log((a + d) / (b + e))
    return y, n / one + n / two - 2.0 * shared


def conditional_odds_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log(only1/only2)``: the odds ratio within pairs."""
    _, b, d, _ = _cells(c)
    return np.log(b) - np.log(d), 1.0 / b + 1.0 / d


def conditional_peto(c: Values, how: How) -> tuple[Floats, Floats]:
    """The one-step odds ratio within pairs."""
    _, b, d, _ = _cells(c)
    return 2.0 * (b - d) / (b + d), 4.0 / (b + d)


def marginal_odds_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log odds ratio of two margins whose outcomes correlate by ``r`` (phi)."""
    a, b, n = c["events1"], c["events2"], c["n"]
    one, two = 1.0 / a + 1.0 / (n - a), 1.0 / b + 1.0 / (n - b)
    y = np.log(a / (n - a)) - np.log(b / (n - b))
    return y, one + two - 2.0 * c["r"] * np.sqrt(one * two)


_BECKER = Method(
    "standardised mean change",
    "Becker 1988, Br J Math Stat Psychol 41:257",
    "10.1111/j.2044-8317.1988.tb00901.x",
)
_GIBBONS = Method(
    "standardised mean change in spreads of the change",
    "Gibbons, Hedeker, Davis 1993, J Educ Stat 18:271",
    "10.3102/10769986018003271",
)
_BONETT = Method(
    "standardised mean change for unequal spreads",
    "Bonett 2008, Psychol Methods 13:99",
    "10.1037/1082-989X.13.2.99",
)
_COUSINEAU = Method(
    "standardised mean change in average spreads",
    "Cousineau 2020, Quant Methods Psychol 16:418",
    "10.20982/tqmp.16.4.p418",
)
_LAJEUNESSE = Method(
    "log ratio of means of dependent groups",
    "Lajeunesse 2011, Ecology 92:2049",
    "10.1890/11-0423.1",
)
_SENIOR = Method(
    "log ratio of spreads of dependent groups",
    "Senior, Viechtbauer, Nakagawa 2020, Res Synth Methods 11:553",
    "10.1002/jrsm.1423",
)
_CURTIN = Method(
    "matched pairs with a dichotomous outcome",
    "Curtin, Elbourne, Altman 2002, Stat Med 21:2145",
    "10.1002/sim.1206",
)
_BALAGTAS = Method(
    "marginal and conditional odds ratio of matched pairs",
    "Becker, Balagtas 1993, Biometrics 49:997",
    "10.2307/2532242",
)
_SDS = "standard deviations"
_HIGHER = "the first mean is higher"
_MORE = "the event is more frequent the first time"

MEASURES = (
    Measure(
        "MC",
        "mean change",
        "natural",
        "paired",
        "points of the scale that was measured",
        Method(
            "mean change", "Cochrane Handbook for Systematic Reviews of Interventions, chapter 6"
        ),
        mean_change,
        above=_HIGHER,
    ),
    Measure(
        "SMCC",
        "standardised mean change (spread of the change)",
        "natural",
        "paired",
        _SDS,
        _GIBBONS,
        smc_change,
        above=_HIGHER,
        variances=("LS", "LS2"),
        corrects=True,
    ),
    *(
        Measure(code, name, "natural", "paired", _SDS, paper, formula, above=_HIGHER, corrects=True)
        for code, name, paper, formula in (
            ("SMCR", "standardised mean change (first spread)", _BECKER, smc_raw),
            ("SMCRH", "standardised mean change (first spread, unequal)", _BONETT, smc_raw_unequal),
            ("SMCRP", "standardised mean change (average spread)", _COUSINEAU, smc_average),
            (
                "SMCRPH",
                "standardised mean change (average spread, unequal)",
                _BONETT,
                smc_average_unequal,
            ),
        )
    ),
    Measure(
        "ROMC",
        "ratio of means",
        "log",
        "paired",
        "times the mean",
        _LAJEUNESSE,
        log_ratio_change,
        above=_HIGHER,
        corrects=True,
    ),
    Measure(
        "CVRC",
        "ratio of coefficients of variation",
        "log",
        "paired",
        "times the coefficient of variation",
        _SENIOR,
        log_variation_change,
        above="the first spread is wider",
        corrects=True,
    ),
    Measure(
        "VRC",
        "ratio of standard deviations",
        "log",
        "paired spreads",
        "times the standard deviation",
        _SENIOR,
        log_spread_change,
        above="the first spread is wider",
    ),
    Measure(
        "CLESCN",
        "probability of superiority",
        "natural",
        "paired",
        "chance that a first value lies above a second one",
        Method(
            "probability of superiority",
            "McGraw, Wong 1992, Psychol Bull 111:361",
            "10.1037/0033-2909.111.2.361",
        ),
        superiority_change,
        above=_HIGHER,
        no_effect=0.5,
    ),
    *(
        Measure(code, name, scale, "matched", unit, paper, formula, above=_MORE)
        for code, name, scale, unit, paper, formula in (
            (
                "MPRD",
                "risk difference (matched)",
                "natural",
                "difference of risks (1 = 1000 per 1000)",
                _CURTIN,
                matched_risk_difference,
            ),
            ("MPRR", "risk ratio (matched)", "log", "times the risk", _CURTIN, matched_risk_ratio),
            (
                "MPOR",
                "odds ratio (matched, marginal)",
                "log",
                "times the odds",
                _BALAGTAS,
                matched_odds_ratio,
            ),
            (
                "MPORC",
                "odds ratio (matched, conditional)",
                "log",
                "times the odds",
                _BALAGTAS,
                conditional_odds_ratio,
            ),
            (
                "MPPETO",
                "Peto odds ratio (matched)",
                "log",
                "times the odds",
                _CURTIN,
                conditional_peto,
            ),
        )
    ),
    Measure(
        "MPORM",
        "odds ratio (matched, from margins)",
        "log",
        "margins",
        "times the odds",
        _BALAGTAS,
        marginal_odds_ratio,
        above=_MORE,
    ),
)
