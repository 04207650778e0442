"""Mean and standard deviation from the median, quartiles, range and number of people."""

from __future__ import annotations

import numpy as np
from scipy import special

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats
from equipoise.effects.recovered import (
    MeanSpread,
    Numbers,
    Spread,
    columns,
    refuse,
    whole_sizes,
)

_WAN = Method(
    "standard deviation from range or quartiles",
    "Wan, Wang, Liu, Tong 2014, BMC Med Res Methodol 14:135",
    "10.1186/1471-2288-14-135",
)
_LUO = Method(
    "mean from median, quartiles and range",
    "Luo, Wan, Liu, Tong 2018, Stat Methods Med Res 27:1785",
    "10.1177/0962280216669183",
)
_SHI = Method(
    "standard deviation from all five numbers",
    "Shi, Luo, Weng, Zeng, Lin, Chu, Tong 2020, Res Synth Methods 11:641",
    "10.1002/jrsm.1429",
)
_SKEW = Method(
    "test of skewness from five numbers",
    "Shi, Luo, Wan, Liu, Tong 2023, Stat Methods Med Res 32:1338",
    "10.1177/09622802231172043",
)

_FIVE = ("minimum", "q1", "median", "q3", "maximum")


def _range_width(n: Floats) -> Floats:
    """The expected range of n normal values, in standard deviations (Blom's approximation)."""
    return np.asarray(2.0 * special.ndtri((n - 0.375) / (n + 0.25)))


def _quartile_width(n: Floats) -> Floats:
    """The expected distance of their quartiles."""
    return np.asarray(2.0 * special.ndtri((0.75 * n - 0.125) / (n + 0.25)))


def sd_from_range(minimum: Numbers, maximum: Numbers, n: Numbers) -> Spread:
    """Standard deviation of people from their smallest and largest value.

    Parameters
    ----------
    minimum, maximum, n
        Range and number of people.

    Returns
    -------
    Spread
        ``(maximum − minimum)/(2 Φ⁻¹((n − 0.375)/(n + 0.25)))``.

    Raises
    ------
    InputError
        On a range in the wrong order, and fewer than two people.

    Notes
    -----
    Source: Wan, Wang, Liu, Tong 2014, BMC Med Res Methodol 14:135, doi:10.1186/1471-2288-14-135.
    """
    c = columns({"minimum": minimum, "maximum": maximum, "n": n})
    whole_sizes(c, "n")
    refuse(c["minimum"] > c["maximum"], c, "minimum", "not above the maximum")
    text = "A range rests on two people: the last resort, and only for a nearly normal variable."
    return Spread(
        sd=(c["maximum"] - c["minimum"]) / _range_width(c["n"]),
        notes=(Note("range", text),),
        methods=(_WAN,),
    )


def mean_sd(
    n: Numbers,
    *,
    minimum: Numbers | None = None,
    q1: Numbers | None = None,
    median: Numbers | None = None,
    q3: Numbers | None = None,
    maximum: Numbers | None = None,
    method: str = "Luo-Shi",
) -> MeanSpread:
    """Mean and standard deviation from a median with quartiles, with the range, or with both.

    Parameters
    ----------
    n
        People.
    minimum, q1, median, q3, maximum
        What the paper gives; in a column, gaps where a row gives less.
    method
        ``Luo-Shi``: the optimal mean of Luo and the standard deviation of Wan (three numbers) or
        Shi (all five), as metafor and meta do. ``Wan``: the plain means and Wan's deviations.

    Returns
    -------
    MeanSpread
        Not a number where a row has neither the range nor both quartiles beside the median.
        `skewed` is 1 where the numbers are further from symmetry than 5 % of normal samples, so
        that mean and deviation are doubtful; a note names the rows.

    Raises
    ------
    InputError
        On numbers in the wrong order, fewer than two people, and no median.
    UnknownNameError
        On an unknown method.

    Notes
    -----
    Source: Wan, Wang, Liu, Tong 2014; Luo, Wan, Liu, Tong 2018, doi:10.1177/0962280216669183; Shi
    and others 2020, doi:10.1002/jrsm.1429; the test of skewness, Shi and others 2023,
    doi:10.1177/09622802231172043.

    Checked against: metafor 5.1.12 (conv.fivenum), ``validation/values/escalc.json``.
    """
    if method not in ("Luo-Shi", "Wan"):
        raise UnknownNameError("method", method, ("Luo-Shi", "Wan"))
    if median is None:
        raise InputError("a mean without the median", hint="median=…, or sd_from_range()")
    given = {"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}
    c = columns({"n": n} | given)
    whole_sizes(c, "n")
    gap = np.full(c["n"].shape, np.nan)
    five = {name: c.get(name, gap) for name in _FIVE}
    _check_order(five)
    a, q1_, m, q3_, b = (five[name] for name in _FIVE)
    has_range, has_quartiles = ~np.isnan(a + b), ~np.isnan(q1_ + q3_)
    size = c["n"]
    mean, sd = gap.copy(), gap.copy()
    for flags, values in (
        (has_range & ~has_quartiles, _by_range(a, m, b, size, method)),
        (has_quartiles & ~has_range, _by_quartiles(q1_, m, q3_, size, method)),
        (has_range & has_quartiles, _by_all(a, q1_, m, q3_, b, size, method)),
    ):
        mean, sd = np.where(flags, values[0], mean), np.where(flags, values[1], sd)
    skewed = _skewed(a, q1_, m, q3_, b, size)
    notes = [
        Note(
            "from-quantiles",
            "Holds for nearly normal variables; papers often give medians because theirs is not.",
        )
    ]
    rows = np.flatnonzero(np.atleast_1d(skewed == 1.0)) + 1
    if rows.size:
        listed = ", ".join(str(row) for row in rows.tolist())
        text = f"Further from symmetry than 5 % of normal samples: row {listed}."
        notes.append(Note("skewed", text))
    papers = (_WAN, _SKEW) if method == "Wan" else (_LUO, _WAN, _SHI, _SKEW)
    return MeanSpread(mean=mean, sd=sd, skewed=skewed, notes=tuple(notes), methods=papers)


def _check_order(five: dict[str, Floats]) -> None:
    for i, low in enumerate(_FIVE):
        for high in _FIVE[i + 1 :]:
            refuse(five[low] > five[high], five, low, f"not above {high}")


def _by_range(a: Floats, m: Floats, b: Floats, n: Floats, method: str) -> tuple[Floats, Floats]:
    sd = (b - a) / _range_width(n)
    if method == "Wan":
        return (a + 2.0 * m + b) / 4.0, sd
    w = 4.0 / (4.0 + n**0.75)
    return w * 0.5 * (a + b) + (1.0 - w) * m, sd


def _by_quartiles(
    q1: Floats, m: Floats, q3: Floats, n: Floats, method: str
) -> tuple[Floats, Floats]:
    sd = (q3 - q1) / _quartile_width(n)
    if method == "Wan":
        return (q1 + m + q3) / 3.0, sd
    w = 0.7 + 0.39 / n
    return w * 0.5 * (q1 + q3) + (1.0 - w) * m, sd


def _by_all(
    a: Floats, q1: Floats, m: Floats, q3: Floats, b: Floats, n: Floats, method: str
) -> tuple[Floats, Floats]:
    of_range, of_quartiles = (b - a) / _range_width(n), (q3 - q1) / _quartile_width(n)
    if method == "Wan":
        return (a + 2.0 * q1 + 2.0 * m + 2.0 * q3 + b) / 8.0, 0.5 * (of_range + of_quartiles)
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    mean = w1 * 0.5 * (a + b) + w2 * 0.5 * (q1 + q3) + (1.0 - w1 - w2) * m
    w = 1.0 / (1.0 + 0.07 * n**0.6)
    return mean, w * of_range + (1.0 - w) * of_quartiles


def _skewed(a: Floats, q1: Floats, m: Floats, q3: Floats, b: Floats, n: Floats) -> Floats:
    """1 where the five numbers are too far from symmetry, 0 where not, else not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.abs(a + b - 2.0 * m) / (b - a)
        inner = np.abs(q1 + q3 - 2.0 * m) / (q3 - q1)
        all_five = np.maximum(2.65 * np.log(0.6 * n) / np.sqrt(n) * ends, inner)
        tests = (
            (ends, 1.01 / np.log(n + 9.0) + 2.43 / (n + 1.0)),
            (inner, 2.66 / np.sqrt(n) - 5.92 / n**2),
            (all_five, 2.97 / np.sqrt(n) - 39.1 / n**3),
        )
        out = np.full(n.shape, np.nan)
        for value, limit in tests:  # the test of all five numbers has the last word
            out = np.where(np.isfinite(value), (value > limit).astype(np.float64), out)
    return out
