"""Two groups measured on a scale: differences, standardised differences, ratios, overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from equipoise.core.errors import InputError
from equipoise.core.result import Method
from equipoise.effects.binary import COX, LOGISTIC
from equipoise.effects.columns import Floats
from equipoise.effects.measure import Formula, How, Measure, Values
from equipoise.effects.single import (
    log_mean_corrected,
    log_spread,
    log_variation_corrected,
    mean,
    small_sample_factor,
)
from equipoise.effects.zeros import check_sizes

__all__ = ["MEASURES", "check_spread", "small_sample_factor", "smd_covariance", "standardised"]


def standardised(mean: Floats, sd: Floats, n: Floats) -> tuple[Floats, float]:
    """Return each arm's mean in corrected pooled standard deviations, and the people in all.

    The standard deviation is pooled over all arms of the trial, so that the differences of a trial
    with several arms add up.

    Parameters
    ----------
    mean, sd, n
        One value per arm of one trial.

    Returns
    -------
    values, people
        Means divided by the pooled SD and multiplied by the exact small-sample factor, measured
        from the first arm; and the total N.
    """
    people = float(n.sum())
    df = people - n.size
    pooled = math.sqrt(float(((n - 1.0) * sd**2).sum()) / df)
    return (mean - mean[0]) / pooled * float(small_sample_factor(df)), people


def smd_covariance(g: Floats, n: Floats, base: float, people: float) -> Floats:
    """Return the covariance matrix of a trial's standardised differences from one base arm.

    ``1/n_i + 1/n_0 + g_i²/(2N)`` on the diagonal, ``1/n_0 + g_i g_j/(2N)`` off it.

    Parameters
    ----------
    g, n
        Differences from the base arm and the sizes of the other arms.
    base, people
        The base arm's size, and N over all arms.

    Source: Gleser & Olkin 2009, chapter 19 of The Handbook of Research Synthesis and
    Meta-Analysis, 2nd edition (Cooper, Hedges, Valentine, eds).
    """
    return np.diag(1.0 / n) + 1.0 / base + np.outer(g, g) / (2.0 * people)


def check_spread(
    sd: Floats, n: Floats, study: Sequence[str], *, columns: tuple[str, str] = ("sd", "n")
) -> None:
    """Refuse group sizes below 2 and negative standard deviations.

    Raises
    ------
    InputError
        Names the study, the column, the value and the likely cause.
    """
    check_sizes(n, study, column=columns[1], least=2)
    wrong = ~(sd >= 0.0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"a standard deviation of {sd[row]:g}",
            where=f"study {study[row]}, column {columns[0]}",
            hint="0 or more; is it a change from baseline in the wrong column?",
        )


# --- differences -------------------------------------------------------------------------------


def _pooled(c: Values) -> Floats:
    """The standard deviation pooled over the two groups."""
    n1, n2 = c["n1"] - 1.0, c["n2"] - 1.0
    return np.sqrt((n1 * c["sd1"] ** 2 + n2 * c["sd2"] ** 2) / (n1 + n2))


def _pair(c: Values) -> Floats:
    """``1/n1 + 1/n2``."""
    return 1.0 / c["n1"] + 1.0 / c["n2"]


def mean_difference(c: Values, how: How) -> tuple[Floats, Floats]:
    """The difference with separate variances (LS) or one pooled variance (HO)."""
    y = c["mean1"] - c["mean2"]
    if how.variance == "HO":
        return y, _pooled(c) ** 2 * _pair(c)
    return y, c["sd1"] ** 2 / c["n1"] + c["sd2"] ** 2 / c["n2"]


def _standard(d: Floats, df: Floats, size: Floats, c: Values, how: How) -> tuple[Floats, Floats]:
    """A standardised difference and its variance; `size` is what its own error rests on.

    LS: large sample. LS2: that of d, times the squared factor. UB: unbiased. AV: at the mean effect
    of all studies. H0: exact where there is no difference.
    """
    j = small_sample_factor(df) if how.correct else np.ones_like(d)
    g, pair = j * d, _pair(c)
    if how.variance == "LS2":
        return g, j**2 * (pair + d**2 / (2.0 * size))
    if how.variance == "UB":
        return g, pair + (1.0 - (df - 2.0) / (df * j**2)) * g**2
    if how.variance == "AV":
        total = c["n1"] + c["n2"]
        return g, pair + ((total * g).sum() / total.sum()) ** 2 / (2.0 * size)
    if how.variance == "H0":
        return g, df / (df - 2.0) * j**2 * pair
    return g, pair + g**2 / (2.0 * size)


def _smd_of(d: Floats, c: Values, how: How) -> tuple[Floats, Floats]:
    total = c["n1"] + c["n2"]
    return _standard(d, total - 2.0, total, c, how)


def smd(c: Values, how: How) -> tuple[Floats, Floats]:
    """Hedges' g: the difference in pooled standard deviations, with the exact factor."""
    return _smd_of((c["mean1"] - c["mean2"]) / _pooled(c), c, how)


def smd_control(c: Values, how: How) -> tuple[Floats, Floats]:
    """Glass's delta: the difference in standard deviations of group 2."""
    d = (c["mean1"] - c["mean2"]) / c["sd2"]
    return _standard(d, c["n2"] - 1.0, c["n2"], c, how)


def smd_control_unequal(c: Values, how: How) -> tuple[Floats, Floats]:
    """Glass's delta, its variance allowing for unequal spreads."""
    d = (c["mean1"] - c["mean2"]) / c["sd2"]
    df1, df2 = c["n1"] - 1.0, c["n2"] - 1.0
    g = d * small_sample_factor(df2) if how.correct else d
    return g, (c["sd1"] / c["sd2"]) ** 2 / df1 + 1.0 / df2 + g**2 / (2.0 * df2)


def smd_unequal(c: Values, how: How) -> tuple[Floats, Floats]:
    """The difference in root mean squares of the two standard deviations."""
    v1, v2 = c["sd1"] ** 2, c["sd2"] ** 2
    df1, df2 = c["n1"] - 1.0, c["n2"] - 1.0
    at = 0.5 * (v1 + v2)
    d = (c["mean1"] - c["mean2"]) / np.sqrt(at)
    g = d * small_sample_factor(df1 + df2) if how.correct else d
    own = (v1**2 / df1 + v2**2 / df2) / (8.0 * at**2)
    return g, own * g**2 + (v1 / df1 + v2 / df2) / at


def log_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """The log ratio of means, corrected for the bias of logarithms.

    LS: separate spreads. HO: one pooled standard deviation. AV, AVHO: coefficients of variation
    averaged over the studies, one for each group or one for both.
    """
    n1, n2, m1, m2 = c["n1"], c["n2"], c["mean1"], c["mean2"]
    v1, v2 = c["sd1"] ** 2 / (n1 * m1**2), c["sd2"] ** 2 / (n2 * m2**2)
    y = np.log(m1) - np.log(m2) + (0.5 * (v1 - v2) if how.correct else 0.0)
    if how.variance == "HO":
        pooled = _pooled(c) ** 2
        return y, pooled / (n1 * m1**2) + pooled / (n2 * m2**2)
    if how.variance in ("AV", "AVHO"):
        one, two = (n1 * c["sd1"] / m1).sum(), (n2 * c["sd2"] / m2).sum()
        if how.variance == "AVHO":
            return y, ((one + two) / (n1.sum() + n2.sum())) ** 2 * _pair(c)
        return y, (one / n1.sum()) ** 2 / n1 + (two / n2.sum()) ** 2 / n2
    return y, v1 + v2


# --- from a difference in standard deviations to something else --------------------------------


def _d_variance(d: Floats, c: Values) -> Floats:
    return _pair(c) + d**2 / (2.0 * (c["n1"] + c["n2"]))


def _d(c: Values) -> Floats:
    return (c["mean1"] - c["mean2"]) / _pooled(c)


def _as_odds(factor: float) -> Formula:
    """A log odds ratio that a difference of two distributions stands for."""

    def formula(c: Values, how: How) -> tuple[Floats, Floats]:
        d = c["d"] if "d" in c else _d(c)
        return factor * d, factor**2 * _d_variance(d, c)

    return formula


def point_biserial(c: Values, how: How) -> tuple[Floats, Floats]:
    """The correlation of the outcome with the group.

    ST takes the group sizes as fixed, CS only the total (Tate).
    """
    d = c["d"] if "d" in c else _d(c)
    n1, n2 = c["n1"], c["n2"]
    total = n1 + n2
    h = (total - 2.0) * _pair(c)
    r = d / np.sqrt(d**2 + h)
    if how.variance == "CS":
        pq = n1 * n2 / total**2
        return r, (1.0 - r**2) ** 2 * (1.0 - 1.5 * r**2 + r**2 / (4.0 * pq)) / total
    return r, h**2 / (h + d**2) ** 3 * _d_variance(d, c)


def biserial(c: Values, how: How) -> tuple[Floats, Floats]:
    """The correlation of the outcome with a normal variable that the groups cut in two (Soper)."""
    r, _ = point_biserial(c, how)
    total = c["n1"] + c["n2"]
    p, q = c["n1"] / total, c["n2"] / total
    z = special.ndtri(p)
    f = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    b = np.sqrt(p * q) / f * r
    inner = 1.5 + (1.0 - q * z / f) * (1.0 + p * z / f)
    return b, (p * q / f**2 - inner * b**2 + b**4) / (total - 1.0)


def _fisher(formula: Formula) -> Formula:
    def transformed(c: Values, how: How) -> tuple[Floats, Floats]:
        r, v = formula(c, how)
        return np.arctanh(r), v / (1.0 - r**2) ** 2

    return transformed


def _normal_height(x: Floats) -> Floats:
    return np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)


def superiority(c: Values, how: How) -> tuple[Floats, Floats]:
    """The chance that a person of group 1 lies above one of group 2, normal distributions."""
    v1, v2 = c["sd1"] ** 2, c["sd2"] ** 2
    both = v1 + v2
    x = (c["mean1"] - c["mean2"]) / np.sqrt(both)
    df1, df2 = c["n1"] - 1.0, c["n2"] - 1.0
    of_x = (v1 / df1 + v2 / df2) / both + x**2 * (v1**2 / df1 + v2**2 / df2) / (2.0 * both**2)
    return np.asarray(special.ndtr(x)), _normal_height(x) ** 2 * of_x


def superiority_of_d(c: Values, how: How) -> tuple[Floats, Floats]:
    """The same from a standardised difference."""
    x = c["d"] / math.sqrt(2.0)
    return np.asarray(special.ndtr(x)), 0.5 * _normal_height(x) ** 2 * _d_variance(c["d"], c)


def superiority_given(c: Values, how: How) -> tuple[Floats, Floats]:
    """The chance as reported (an area under a curve), with Newcombe's variance."""
    a, n1, n2 = c["auc"], c["n1"], c["n2"]
    half = 0.5 * (n1 + n2) - 1.0
    spread = 1.0 + half * (1.0 - a) / (2.0 - a) + half * a / (1.0 + a)
    return a, a * (1.0 - a) * spread / ((n1 - 1.0) * (n2 - 1.0))


def smd_of_d(c: Values, how: How) -> tuple[Floats, Floats]:
    """Hedges' g from Cohen's d."""
    return _smd_of(c["d"], c, how)


_MORE = "the mean is higher in group 1"
_TATE = Method(
    "point-biserial correlation", "Tate 1954, Ann Math Stat 25:603", "10.1214/aoms/1177728730"
)
_SOPER = Method(
    "biserial correlation", "Soper 1914, Biometrika 10:384", "10.1093/biomet/10.2-3.384"
)
_BONETT = Method(
    "standardised mean difference for unequal spreads",
    "Bonett 2008, Psychol Methods 13:99",
    "10.1037/1082-989X.13.2.99",
)
_GLASS = Method(
    "difference in standard deviations of the control group",
    "Glass 1976, Educ Res 5:3",
    "10.3102/0013189X005010003",
)
_HEDGES = Method(
    "standardised mean difference, exact small-sample correction",
    "Hedges 1981, J Educ Stat 6:107",
    "10.3102/10769986006002107",
)
_LAJEUNESSE = Method(
    "log ratio of means, corrected for its bias",
    "Lajeunesse 2015, Ecology 96:2056",
    "10.1890/14-2402.1",
)
_SENIOR = Method(
    "log ratio of spreads, corrected for its bias",
    "Senior, Viechtbauer, Nakagawa 2020, Res Synth Methods 11:553",
    "10.1002/jrsm.1423",
)
_NORMAL = Method(
    "odds ratio from a standardised mean difference, normal distributions",
    "Cox, Snell 1989, Analysis of Binary Data, 2nd edition",
)
_LOGISTIC = Method(
    "odds ratio from a standardised mean difference, logistic distributions",
    "Chinn 2000, Stat Med 19:3127",
    "10.1002/1097-0258(20001130)19:22<3127::AID-SIM784>3.0.CO;2-M",
)
_MCGRAW = Method(
    "probability of superiority",
    "McGraw, Wong 1992, Psychol Bull 111:361",
    "10.1037/0033-2909.111.2.361",
)
_NEWCOMBE = Method("area under the curve", "Newcombe 2006, Stat Med 25:559", "10.1002/sim.2324")
_SDS = "standard deviations"
_ALL = ("LS", "LS2", "UB", "AV", "H0")
_SPREADS = "the spread is wider in group 1"
_CHANCE = "chance that a person of group 1 lies above one of group 2"

MEASURES = (
    Measure(
        "MD",
        "mean difference",
        "natural",
        "continuous",
        "points of the scale that was measured",
        Method(
            "mean difference with separate variances of the arms",
            "Cochrane Handbook for Systematic Reviews of Interventions, chapter 6",
        ),
        mean_difference,
        mean,
        above=_MORE,
        variances=("LS", "HO"),
    ),
    Measure(
        "SMD",
        "standardised mean difference (Hedges' g)",
        "natural",
        "continuous",
        _SDS,
        _HEDGES,
        smd,
        above=_MORE,
        variances=_ALL,
        corrects=True,
        instead=(("standardised", smd_of_d),),
    ),
    Measure(
        "SMDH",
        "standardised mean difference (unequal spreads)",
        "natural",
        "continuous",
        _SDS,
        _BONETT,
        smd_unequal,
        above=_MORE,
        corrects=True,
    ),
    Measure(
        "SMD1",
        "standardised mean difference (Glass's delta)",
        "natural",
        "continuous",
        _SDS,
        _GLASS,
        smd_control,
        above=_MORE,
        variances=_ALL,
        corrects=True,
    ),
    Measure(
        "SMD1H",
        "standardised mean difference (Glass's delta, unequal spreads)",
        "natural",
        "continuous",
        _SDS,
        _BONETT,
        smd_control_unequal,
        above=_MORE,
        corrects=True,
    ),
    Measure(
        "ROM",
        "ratio of means",
        "log",
        "continuous",
        "times the mean",
        _LAJEUNESSE,
        log_ratio,
        log_mean_corrected,
        above=_MORE,
        variances=("LS", "HO", "AV", "AVHO"),
        corrects=True,
    ),
    Measure(
        "CVR",
        "ratio of coefficients of variation",
        "log",
        "continuous",
        "times the coefficient of variation",
        _SENIOR,
        arm=log_variation_corrected,
        above=_SPREADS,
        corrects=True,
    ),
    Measure(
        "VR",
        "ratio of standard deviations",
        "log",
        "spreads",
        "times the standard deviation",
        _SENIOR,
        arm=log_spread,
        above=_SPREADS,
        corrects=True,
    ),
    *(
        Measure(
            code,
            name,
            scale,
            "continuous",
            "correlation",
            paper,
            formula,
            above=_MORE,
            variances=variances,
            instead=(("standardised", formula),),
        )
        for code, name, scale, paper, formula, variances in (
            (
                "RPB",
                "point-biserial correlation",
                "natural",
                _TATE,
                point_biserial,
                ("ST", "LS", "CS"),
            ),
            (
                "ZPB",
                "point-biserial correlation",
                "Fisher z",
                _TATE,
                _fisher(point_biserial),
                ("ST", "LS", "CS"),
            ),
            ("RBIS", "biserial correlation", "natural", _SOPER, biserial, ("LS",)),
            ("ZBIS", "biserial correlation", "Fisher z", _SOPER, _fisher(biserial), ("LS",)),
        )
    ),
    *(
        Measure(
            code,
            "odds ratio (from a standardised mean difference)",
            "log",
            "continuous",
            "times the odds",
            paper,
            _as_odds(factor),
            above=_MORE,
            instead=(("standardised", _as_odds(factor)),),
        )
        for code, paper, factor in (("D2ORL", _LOGISTIC, LOGISTIC), ("D2ORN", _NORMAL, COX))
    ),
    Measure(
        "CLESN",
        "probability of superiority",
        "natural",
        "continuous",
        _CHANCE,
        _MCGRAW,
        superiority,
        above=_MORE,
        no_effect=0.5,
        instead=(("standardised", superiority_of_d),),
    ),
    Measure(
        "CLES",
        "probability of superiority",
        "natural",
        "superiority",
        _CHANCE,
        _NEWCOMBE,
        superiority_given,
        above=_MORE,
        no_effect=0.5,
    ),
)
