"""What a paper left out: standard errors, deviations, means and tables from what it does give.

Each function takes numbers or columns and gives a small frozen result: the numbers, the method with
its paper, and notes on its limits.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from equipoise.core.errors import InputError
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats
from equipoise.effects.quartiles import mean_sd, sd_from_range
from equipoise.effects.rebuilt import d_from_or, logrank, or_from_d, two_by_two
from equipoise.effects.recovered import (
    Correlation,
    Effective,
    Estimate,
    Group,
    Numbers,
    Spread,
    above_zero,
    columns,
    known_level,
    logs,
    refuse,
    whole_sizes,
)
from equipoise.num.dist import critical, t_quantile

__all__ = [
    "combine",
    "crossover",
    "d_from_or",
    "design_effect",
    "logrank",
    "mean_sd",
    "or_from_d",
    "r_of_change",
    "sd_from_ci",
    "sd_from_difference",
    "sd_from_range",
    "sd_from_se",
    "sd_of_change",
    "se_from_ci",
    "se_from_p",
    "se_from_t",
    "two_by_two",
]

_HANDBOOK = "Cochrane Handbook for Systematic Reviews of Interventions, version 6, section "


def _handbook(name: str, section: str) -> tuple[Method, ...]:
    return (Method(name, _HANDBOOK + section),)


def _critical(level: float, df: Floats | None, shape: tuple[int, ...]) -> Floats:
    """Two-sided critical values, of t where degrees of freedom are given."""
    if df is None:
        return np.full(shape, critical(level))
    return np.array([critical(level, f) for f in df.reshape(-1).tolist()]).reshape(shape)


def se_from_ci(
    low: Numbers,
    high: Numbers,
    *,
    level: float = 0.95,
    df: Numbers | None = None,
    ratio: bool = False,
) -> Estimate:
    """Standard error, and middle, of a confidence interval.

    Parameters
    ----------
    low, high
        Its limits.
    level
        Its level.
    df
        Degrees of freedom where it was made with t; None: the normal distribution.
    ratio
        Whether the limits are ratios: logarithms are taken, and given back.

    Returns
    -------
    Estimate
        ``(high − low)/(2 z)``, and the middle as the estimate.

    Raises
    ------
    InputError
        On limits in the wrong order, and on ratios that are not above 0.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.3.1.
    """
    known_level(level)
    c = columns({"low": low, "high": high, "df": df})
    above_zero(c, "df")
    refuse(c["low"] >= c["high"], c, "low", "a lower limit below the upper one")
    if ratio:
        logs(c, "low", "high")
    z = _critical(level, c.get("df"), c["low"].shape)
    return Estimate(
        estimate=0.5 * (c["low"] + c["high"]),
        se=(c["high"] - c["low"]) / (2.0 * z),
        notes=(
            Note(
                "middle",
                "The estimate is the middle of the interval: use the printed one where there is "
                "one, and ask why if they differ by more than rounding.",
            ),
        ),
        methods=_handbook("standard error from a confidence interval", "6.3.1"),
    )


def se_from_p(
    estimate: Numbers, p_value: Numbers, *, df: Numbers | None = None, ratio: bool = False
) -> Estimate:
    """Standard error of an estimate with a two-sided p value.

    Parameters
    ----------
    estimate, p_value
        As printed; the p value exact, not as a bound.
    df
        Degrees of freedom of a t test; None: z.
    ratio
        Whether the estimate is a ratio.

    Returns
    -------
    Estimate
        ``|estimate|/z``.

    Raises
    ------
    InputError
        On p values that are not between 0 and 1, and estimates of no difference.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.3.2.
    """
    c = columns({"estimate": estimate, "p_value": p_value, "df": df})
    above_zero(c, "df")
    wrong = (c["p_value"] <= 0.0) | (c["p_value"] >= 1.0)
    refuse(wrong, c, "p_value", "above 0 and below 1; 'p < 0.05' is a bound, not a value")
    null = c["estimate"] == (1.0 if ratio else 0.0)
    refuse(null, c, "estimate", "a p value says nothing about the spread where there is no effect")
    if ratio:
        logs(c, "estimate")
    tails = 0.5 * c["p_value"]
    if "df" in c:
        pairs = zip(tails.reshape(-1).tolist(), c["df"].reshape(-1).tolist(), strict=True)
        z = np.array([-t_quantile(p, f) for p, f in pairs]).reshape(tails.shape)
    else:
        z = -special.ndtri(tails)
    text = "A rounded p value gives a rough standard error, the rougher the nearer p is to 1."
    return Estimate(
        estimate=c["estimate"],
        se=np.abs(c["estimate"]) / z,
        notes=(Note("from-p", text),),
        methods=_handbook("standard error from a p value", "6.3.2"),
    )


def se_from_t(estimate: Numbers, t: Numbers, *, ratio: bool = False) -> Estimate:
    """Standard error of an estimate with its t or z statistic.

    Parameters
    ----------
    estimate, t
        As printed; the sign of `t` does not matter.
    ratio
        Whether the estimate is a ratio.

    Returns
    -------
    Estimate
        ``|estimate/t|``.

    Raises
    ------
    InputError
        On a statistic of 0, and on ratios that are not above 0.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.3.
    """
    c = columns({"estimate": estimate, "t": t})
    refuse(c["t"] == 0.0, c, "t", "a statistic other than 0")
    if ratio:
        logs(c, "estimate")
    return Estimate(
        estimate=c["estimate"],
        se=np.abs(c["estimate"] / c["t"]),
        methods=_handbook("standard error from a test statistic", "6.5.2.3"),
    )


def sd_from_se(se: Numbers, n: Numbers) -> Spread:
    """Standard deviation of people from the standard error of their mean: ``se √n``.

    Parameters
    ----------
    se, n
        Standard error of one group's mean, and people in it.

    Raises
    ------
    InputError
        On negative numbers.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.2.
    """
    c = columns({"se": se, "n": n})
    refuse(c["se"] < 0.0, c, "se", "0 or more")
    whole_sizes(c, "n")
    text = "Only for the standard error of one group's own mean, not of a difference or a model."
    return Spread(
        sd=c["se"] * np.sqrt(c["n"]),
        notes=(Note("own-mean", text),),
        methods=_handbook("standard deviation from a standard error", "6.5.2.2"),
    )


def sd_from_ci(low: Numbers, high: Numbers, n: Numbers, *, level: float = 0.95) -> Spread:
    """Standard deviation of people from the confidence interval of their mean.

    Parameters
    ----------
    low, high, n
        Limits of one group's mean, and people in it.
    level
        Level of the interval, taken as one of t with n − 1 degrees of freedom.

    Raises
    ------
    InputError
        On limits in the wrong order, and fewer than two people.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.2.
    """
    known_level(level)
    c = columns({"low": low, "high": high, "n": n})
    whole_sizes(c, "n")
    refuse(c["low"] > c["high"], c, "low", "a lower limit not above the upper one")
    z = _critical(level, c["n"] - 1.0, c["n"].shape)
    text = "Only for the interval of one group's own mean, not of a difference or a model."
    return Spread(
        sd=np.sqrt(c["n"]) * (c["high"] - c["low"]) / (2.0 * z),
        notes=(Note("own-mean", text),),
        methods=_handbook("standard deviation from a confidence interval", "6.5.2.2"),
    )


def sd_from_difference(se: Numbers, n1: Numbers, n2: Numbers) -> Spread:
    """Average standard deviation of two groups from the standard error of their difference.

    ``se/√(1/n1 + 1/n2)``; with :func:`se_from_ci`, :func:`se_from_p` or :func:`se_from_t` first
    where the paper gives an interval, a p or a t value of the difference.

    Parameters
    ----------
    se, n1, n2
        Standard error of the difference of means, and people in the groups.

    Raises
    ------
    InputError
        On negative numbers.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.3.
    """
    c = columns({"se": se, "n1": n1, "n2": n2})
    above_zero(c, "se", "n1", "n2")
    text = "One standard deviation for both groups; adjusted differences make it too small."
    return Spread(
        sd=c["se"] / np.sqrt(1.0 / c["n1"] + 1.0 / c["n2"]),
        notes=(Note("average", text),),
        methods=_handbook("standard deviation from a difference of means", "6.5.2.3"),
    )


# --- groups, changes, designs ------------------------------------------------------------------


def combine(n: Numbers, mean: Numbers, sd: Numbers) -> Group:
    """One group of several: exactly what the pooled people would give.

    Parameters
    ----------
    n, mean, sd
        One value a group that is to be joined.

    Returns
    -------
    Group
        People, mean and standard deviation of all together.

    Raises
    ------
    InputError
        On negative standard deviations, groups without people, and missing values.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, table 6.5.a, for
    any number of groups.
    """
    c = {name: np.atleast_1d(x) for name, x in columns({"n": n, "mean": mean, "sd": sd}).items()}
    for name, values in c.items():
        refuse(np.isnan(values), c, name, "no missing value: every group is needed")
    refuse(c["n"] < 1.0, c, "n", "at least 1 person")
    refuse(c["sd"] < 0.0, c, "sd", "0 or more")
    total = float(c["n"].sum())
    if total < 2.0:
        raise InputError(f"{total:g} people in all", where="argument n", hint="at least 2")
    middle = float((c["n"] * c["mean"]).sum()) / total
    squares = (c["n"] - 1.0) * c["sd"] ** 2 + c["n"] * (c["mean"] - middle) ** 2
    return Group(
        n=np.asarray(total),
        mean=np.asarray(middle),
        sd=np.asarray(math.sqrt(float(squares.sum()) / (total - 1.0))),
        methods=(Method("groups joined into one, exactly", _HANDBOOK + "6.5.2.10"),),
    )


def sd_of_change(sd1: Numbers, sd2: Numbers, r: Numbers) -> Spread:
    """Standard deviation of a change from those before and after and their correlation.

    Parameters
    ----------
    sd1, sd2, r
        Standard deviations before and after, and the correlation of the two measurements.

    Raises
    ------
    InputError
        On negative standard deviations and correlations beyond −1 and 1.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.8.
    """
    c = columns({"sd1": sd1, "sd2": sd2, "r": r})
    _changes(c)
    square = c["sd1"] ** 2 + c["sd2"] ** 2 - 2.0 * c["r"] * c["sd1"] * c["sd2"]
    text = "A correlation taken from another trial is an assumption: try others too."
    return Spread(
        sd=np.sqrt(np.maximum(square, 0.0)),
        notes=(Note("borrowed-r", text),),
        methods=_handbook("standard deviation of a change", "6.5.2.8"),
    )


def _changes(c: dict[str, Floats]) -> None:
    for name in ("sd1", "sd2"):
        refuse(c[name] < 0.0, c, name, "0 or more")
    if "r" in c:
        refuse(np.abs(c["r"]) > 1.0, c, "r", "between -1 and 1")


def r_of_change(sd1: Numbers, sd2: Numbers, sd_change: Numbers) -> Correlation:
    """Correlation of two measurements from the standard deviation of their difference.

    Parameters
    ----------
    sd1, sd2, sd_change
        Standard deviations before, after, and of the change.

    Raises
    ------
    InputError
        On standard deviations that no correlation between −1 and 1 gives.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.5.2.8.
    """
    c = columns({"sd1": sd1, "sd2": sd2, "sd_change": sd_change})
    above_zero(c, "sd1", "sd2")
    refuse(c["sd_change"] < 0.0, c, "sd_change", "0 or more")
    r = (c["sd1"] ** 2 + c["sd2"] ** 2 - c["sd_change"] ** 2) / (2.0 * c["sd1"] * c["sd2"])
    hint = "between |sd1 − sd2| and sd1 + sd2; is it a standard error?"
    refuse(np.abs(r) > 1.0 + 1e-12, c, "sd_change", hint)
    return Correlation(
        r=np.clip(r, -1.0, 1.0),
        methods=_handbook("correlation from the standard deviation of a change", "6.5.2.8"),
    )


def design_effect(
    n: Numbers,
    cluster_size: Numbers,
    icc: Numbers,
    *,
    events: Numbers | None = None,
    cv: Numbers | None = None,
) -> Effective:
    """What a group of a cluster-randomised trial is worth as one of single people.

    Parameters
    ----------
    n
        People in the group.
    cluster_size
        Mean number of people in a cluster.
    icc
        Correlation within clusters.
    events
        People with the event; reduced like `n`. Not a number in the result when not given.
    cv
        Coefficient of variation of the clusters' sizes, where they differ much.

    Returns
    -------
    Effective
        The design effect ``1 + (m − 1) icc``, with `cv` ``1 + ((1 + cv²) m − 1) icc``; `n` and
        `events` divided by it, unrounded.

    Raises
    ------
    InputError
        On clusters of less than one, and an icc beyond 0 and 1.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 23.1.4;
    Eldridge, Ashby, Kerry 2006, Int J Epidemiol 35:1292, doi:10.1093/ije/dyl129 (unequal sizes).
    """
    c = columns({"n": n, "cluster_size": cluster_size, "icc": icc, "events": events, "cv": cv})
    above_zero(c, "n")
    refuse(c["cluster_size"] < 1.0, c, "cluster_size", "at least 1 person")
    refuse((c["icc"] < 0.0) | (c["icc"] > 1.0), c, "icc", "between 0 and 1")
    if "events" in c:
        refuse((c["events"] < 0.0) | (c["events"] > c["n"]), c, "events", "from 0 to n")
    spread = np.asarray(1.0)
    if "cv" in c:
        refuse(c["cv"] < 0.0, c, "cv", "0 or more")
        spread = 1.0 + c["cv"] ** 2
    factor = 1.0 + (spread * c["cluster_size"] - 1.0) * c["icc"]
    papers: list[Method] = list(_handbook("effective sample size of clusters", "23.1.4"))
    if "cv" in c:
        paper = "Eldridge, Ashby, Kerry 2006, Int J Epidemiol 35:1292"
        papers.append(Method("clusters of unequal sizes", paper, "10.1093/ije/dyl129"))
    text = (
        "Means and standard deviations stay as they are; counts and sizes are divided and rounded "
        "to whole people before effect_sizes(). An icc from elsewhere is an assumption: try others."
    )
    gaps = np.full(factor.shape, np.nan)
    return Effective(
        factor=factor,
        n=c["n"] / factor,
        events=c["events"] / factor if "events" in c else gaps,
        notes=(Note("borrowed-icc", text),),
        methods=tuple(papers),
    )


def crossover(
    mean1: Numbers, mean2: Numbers, sd1: Numbers, sd2: Numbers, n: Numbers, r: Numbers
) -> Estimate:
    """Paired difference of a crossover trial that was reported as if it had two groups.

    Parameters
    ----------
    mean1, mean2, sd1, sd2
        Under each treatment.
    n
        People, each under both.
    r
        Correlation of the two measurements: reported, of :func:`r_of_change`, or assumed.

    Returns
    -------
    Estimate
        ``mean1 − mean2`` with ``√((sd1² + sd2² − 2 r sd1 sd2)/n)``.

    Raises
    ------
    InputError
        On negative standard deviations and correlations beyond −1 and 1.

    Notes
    -----
    Source: Elbourne and others 2002, Int J Epidemiol 31:140, doi:10.1093/ije/31.1.140.
    """
    given = {"mean1": mean1, "mean2": mean2, "sd1": sd1, "sd2": sd2, "n": n, "r": r}
    c = columns(given)
    _changes(c)
    whole_sizes(c, "n")
    square = c["sd1"] ** 2 + c["sd2"] ** 2 - 2.0 * c["r"] * c["sd1"] * c["sd2"]
    text = (
        "No carry-over from the first period is assumed, and a correlation taken from another "
        "trial is an assumption: try others too."
    )
    paper = "Elbourne and others 2002, Int J Epidemiol 31:140"
    return Estimate(
        estimate=c["mean1"] - c["mean2"],
        se=np.sqrt(np.maximum(square, 0.0) / c["n"]),
        notes=(Note("crossover", text),),
        methods=(Method("paired analysis of a crossover trial", paper, "10.1093/ije/31.1.140"),),
    )
