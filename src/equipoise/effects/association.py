"""One group and two or more variables: correlations, explained variance, and reliability."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.effects.measure import Formula, How, Measure, Values


def _hypergeometric(a: float, c: Floats, z: Floats) -> Floats:
    """Gauss's ``F(a, a; c; z)`` for ``0 ≤ z ≤ 1``.

    By its series where `c` is large, since SciPy gives no number there for some arguments.
    """
    small = np.asarray(special.hyp2f1(a, a, np.minimum(c, 20.0), z))
    total, term = np.ones_like(z), np.ones_like(z)
    for i in range(60):
        term = term * (a + i) ** 2 / ((c + i) * (i + 1.0)) * z
        total = total + term
    return np.where(c < 20.0, small, total)


def correlation(c: Values, how: How) -> tuple[Floats, Floats]:
    """The correlation with ``(1 − r²)²/(n − 1)`` (LS), at the mean r (AV), or for r = 0 (H0)."""
    r, n = c["r"], c["n"]
    if how.variance == "H0":
        return r, (1.0 - r**2) / (n - 2.0)
    at = (n * r).sum() / n.sum() if how.variance == "AV" else r
    return r, (1.0 - at**2) ** 2 / (n - 1.0)


def unbiased_correlation(c: Values, how: How) -> tuple[Floats, Floats]:
    """Olkin and Pratt's unbiased correlation; UB is its unbiased variance."""
    r, n = c["r"], c["n"]
    rest = 1.0 - r**2
    y = r * _hypergeometric(0.5, 0.5 * n - 1.0, rest)
    if how.variance == "UB":
        inner = (n - 3.0) / (n - 2.0) * rest * _hypergeometric(1.0, 0.5 * n, rest)
        return y, y**2 - (1.0 - inner)
    at = (n * y).sum() / n.sum() if how.variance == "AV" else y
    return y, (1.0 - at**2) ** 2 / (n - 1.0)


def fisher_z(c: Values, how: How) -> tuple[Floats, Floats]:
    """Fisher's z with ``1/(n − 3)``."""
    return np.arctanh(c["r"]), 1.0 / (c["n"] - 3.0)


def _partial(c: Values) -> tuple[Floats, Floats]:
    """The partial correlation of a t value, and its degrees of freedom."""
    df = c["n"] - c["predictors"] - 1.0
    return c["t"] / np.sqrt(c["t"] ** 2 + df), df


def partial_correlation(c: Values, how: How) -> tuple[Floats, Floats]:
    """``t/√(t² + df)`` with ``(1 − r²)²/(n − predictors)``."""
    r, df = _partial(c)
    return r, (1.0 - r**2) ** 2 / (df + 1.0)


def fisher_z_partial(c: Values, how: How) -> tuple[Floats, Floats]:
    """Fisher's z of a partial correlation with ``1/(n − predictors − 2)``."""
    r, df = _partial(c)
    return np.arctanh(r), 1.0 / (df - 1.0)


def semipartial_correlation(c: Values, how: How) -> tuple[Floats, Floats]:
    """``t √((1 − R²)/df)``, its variance by the delta method."""
    whole = c["r2"]
    r = c["t"] * np.sqrt((1.0 - whole) / (c["n"] - c["predictors"] - 1.0))
    other = whole - r**2
    return r, (whole**2 - 2.0 * whole + other + 1.0 - other**2) / c["n"]


def _fisher(formula: Formula) -> Formula:
    def transformed(c: Values, how: How) -> tuple[Floats, Floats]:
        r, v = formula(c, how)
        return np.arctanh(r), v / (1.0 - r**2) ** 2

    return transformed


def explained(c: Values, how: How) -> tuple[Floats, Floats]:
    """R² with ``4 R² (1 − R²)²/n``, predictors taken as random."""
    return c["r2"], 4.0 * c["r2"] * (1.0 - c["r2"]) ** 2 / c["n"]


def fisher_z_explained(c: Values, how: How) -> tuple[Floats, Floats]:
    """Fisher's z of the multiple correlation with ``1/n``."""
    return np.arctanh(np.sqrt(c["r2"])), 1.0 / c["n"]


# --- Cronbach's alpha --------------------------------------------------------------------------


def alpha(c: Values, how: How) -> tuple[Floats, Floats]:
    """``α`` with ``2 m (1 − α)²/((m − 1)(n − 2))`` for m items."""
    a, m = c["alpha"], c["items"]
    return a, 2.0 * m * (1.0 - a) ** 2 / ((m - 1.0) * (c["n"] - 2.0))


def alpha_cube_root(c: Values, how: How) -> tuple[Floats, Floats]:
    """``1 − (1 − α)^(1/3)`` of Hakstian and Whalen."""
    rest, m, n = 1.0 - c["alpha"], c["items"], c["n"]
    v = 18.0 * m * (n - 1.0) * np.cbrt(rest) ** 2 / ((m - 1.0) * (9.0 * n - 11.0) ** 2)
    return 1.0 - np.cbrt(rest), v


def alpha_log(c: Values, how: How) -> tuple[Floats, Floats]:
    """``−log(1 − α)`` of Bonett with ``2 m/((m − 1)(n − 2))``."""
    m = c["items"]
    return -np.log1p(-c["alpha"]), 2.0 * m / ((m - 1.0) * (c["n"] - 2.0))


_OLKIN = Method(
    "unbiased correlation", "Olkin, Pratt 1958, Ann Math Stat 29:201", "10.1214/aoms/1177706717"
)
_FISHER = Method("Fisher's z", "Fisher 1921, Metron 1:3")
_ALOE = Method(
    "partial correlation from a t value",
    "Aloe, Thompson 2013, J Soc Soc Work Res 4:390",
    "10.5243/jsswr.2013.24",
)
_SEMI = Method(
    "semipartial correlation from a t value",
    "Aloe, Becker 2012, J Educ Behav Stat 37:278",
    "10.3102/1076998610396901",
)
_FINN = Method(
    "squared multiple correlation",
    "Olkin, Finn 1995, Psychol Bull 118:155",
    "10.1037/0033-2909.118.1.155",
)
_BONETT = Method(
    "reliability coefficient alpha", "Bonett 2010, Psychol Methods 15:368", "10.1037/a0020142"
)
_LOG_ALPHA = Method(
    "logarithm of 1 minus alpha",
    "Bonett 2002, J Educ Behav Stat 27:335",
    "10.3102/10769986027004335",
)
_CUBE = Method(
    "cube root of 1 minus alpha",
    "Hakstian, Whalen 1976, Psychometrika 41:219",
    "10.1007/BF02291840",
)
_TOGETHER = "the variables rise together"
_R = "correlation"
_ALPHA = "Cronbach's alpha"
_NONE = math.nan

MEASURES = (
    Measure(
        "COR",
        "correlation",
        "natural",
        "correlation",
        _R,
        _FISHER,
        correlation,
        above=_TOGETHER,
        variances=("LS", "AV", "H0"),
    ),
    Measure(
        "UCOR",
        "correlation (unbiased)",
        "natural",
        "correlation",
        _R,
        _OLKIN,
        unbiased_correlation,
        above=_TOGETHER,
        variances=("LS", "UB", "AV"),
    ),
    Measure(
        "ZCOR", "correlation", "Fisher z", "correlation", _R, _FISHER, fisher_z, above=_TOGETHER
    ),
    Measure(
        "PCOR",
        "partial correlation",
        "natural",
        "partial",
        _R,
        _ALOE,
        partial_correlation,
        above=_TOGETHER,
    ),
    Measure(
        "ZPCOR",
        "partial correlation",
        "Fisher z",
        "partial",
        _R,
        _ALOE,
        fisher_z_partial,
        above=_TOGETHER,
    ),
    Measure(
        "SPCOR",
        "semipartial correlation",
        "natural",
        "semipartial",
        _R,
        _SEMI,
        semipartial_correlation,
        above=_TOGETHER,
    ),
    Measure(
        "ZSPCOR",
        "semipartial correlation",
        "Fisher z",
        "semipartial",
        _R,
        _SEMI,
        _fisher(semipartial_correlation),
        above=_TOGETHER,
    ),
    Measure(
        "R2",
        "explained variance (R²)",
        "natural",
        "explained",
        "part of the variance",
        _FINN,
        explained,
        no_effect=_NONE,
    ),
    Measure(
        "ZR2",
        "explained variance (R²)",
        "Fisher z of R",
        "explained",
        "part of the variance",
        _FINN,
        fisher_z_explained,
        no_effect=_NONE,
    ),
    Measure(
        "ARAW",
        "reliability (alpha)",
        "natural",
        "reliability",
        _ALPHA,
        _BONETT,
        alpha,
        no_effect=_NONE,
    ),
    Measure(
        "AHW",
        "reliability (alpha)",
        "Hakstian–Whalen",
        "reliability",
        _ALPHA,
        _CUBE,
        alpha_cube_root,
        no_effect=_NONE,
    ),
    Measure(
        "ABT",
        "reliability (alpha)",
        "Bonett",
        "reliability",
        _ALPHA,
        _LOG_ALPHA,
        alpha_log,
        no_effect=_NONE,
    ),
)
