"""Two groups of people with and without an event: ratios, differences and associations."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.effects.measure import Formula, How, Measure, Values
from equipoise.effects.single import (
    arcsine_proportion,
    log_proportion,
    logit_proportion,
    probit_proportion,
    proportion,
)

#: Log odds ratios divided by this are standardised mean differences: of normal variables cut in
#: two (Cox), and of logistic ones (Hasselblad and Hedges).
COX = 1.65
LOGISTIC = math.pi / math.sqrt(3.0)


def _table(c: Values) -> tuple[Floats, Floats, Floats, Floats]:
    """The four cells: with and without the event in group 1, and in group 2."""
    a, n1, b, n2 = c["events1"], c["n1"], c["events2"], c["n2"]
    return a, n1 - a, b, n2 - b


def peto(c: Values, how: How) -> tuple[Floats, Floats]:
    """``(O − E)/V`` with ``1/V``, V of the hypergeometric distribution."""
    a, n1, n2 = c["events1"], c["n1"], c["n2"]
    total, with_event = n1 + n2, a + c["events2"]
    spread = with_event * (total - with_event) * n1 * n2 / (total**2 * (total - 1.0))
    return (a - with_event * n1 / total) / spread, 1.0 / spread


def phi(c: Values, how: How) -> tuple[Floats, Floats]:
    """The correlation of two dichotomies.

    CS (LS is the same) takes only the total as fixed (Yule), ST the group sizes (delta method on
    two risks).
    """
    a, b, d, e = _table(c)
    n1, n2, m1, m2 = a + b, d + e, a + d, b + e
    total = n1 + n2
    root = np.sqrt(n1 * n2) / np.sqrt(m1 * m2)
    p1, p2 = a / n1, d / n2
    y = (p1 - p2) * root
    if how.variance != "ST":
        row, column = (n1 - n2) / total, (m1 - m2) / total
        rows, columns = n1 * n2 / total**2, m1 * m2 / total**2
        v = 1.0 - y**2 + y * (1.0 + 0.5 * y**2) * row * column / np.sqrt(rows * columns)
        return y, (v - 0.75 * y**2 * (row**2 / rows + column**2 / columns)) / total
    tilt = 0.5 * y * (m2 - m1) / (m1 * m2)
    return y, (
        (root - n1 * tilt) ** 2 * p1 * (1.0 - p1) / n1
        + (root + n2 * tilt) ** 2 * p2 * (1.0 - p2) / n2
    )


def _fisher(formula: Formula) -> Formula:
    """The same on the scale of Fisher's z, by the delta method."""

    def transformed(c: Values, how: How) -> tuple[Floats, Floats]:
        r, v = formula(c, how)
        return np.arctanh(r), v / (1.0 - r**2) ** 2

    return transformed


def yule_q(c: Values, how: How) -> tuple[Floats, Floats]:
    """``(OR − 1)/(OR + 1)``."""
    a, b, d, e = _table(c)
    odds = a / b * (e / d)
    y = (odds - 1.0) / (odds + 1.0)
    v = 0.25 * (1.0 - y**2) ** 2 * (1.0 / a + 1.0 / b + 1.0 / d + 1.0 / e)
    return np.where(np.isfinite(v), y, np.nan), v


def yule_y(c: Values, how: How) -> tuple[Floats, Floats]:
    """``(√OR − 1)/(√OR + 1)``."""
    a, b, d, e = _table(c)
    root = np.sqrt(a / b * (e / d))
    y = (root - 1.0) / (root + 1.0)
    v = 0.0625 * (1.0 - y**2) ** 2 * (1.0 / a + 1.0 / b + 1.0 / d + 1.0 / e)
    return np.where(np.isfinite(v), y, np.nan), v


def _scaled(formula: Formula, factor: float) -> Formula:
    def scaled(c: Values, how: How) -> tuple[Floats, Floats]:
        y, v = formula(c, how)
        return y * factor, v * factor**2

    return scaled


# --- the tetrachoric correlation ---------------------------------------------------------------


def _both_below(h: Floats, k: Floats, r: Floats) -> Floats:
    """The part of a bivariate normal below `h` and `k`, by Owen's T function."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(1.0 - r**2)
        first = special.owens_t(h, (k / h - r) / root)
        second = special.owens_t(k, (h / k - r) / root)
    # At a threshold of 0, T is the angle to the other one.
    edge = 0.25 * np.sign(k) * np.where(h == 0.0, 1.0, np.nan)
    first = np.where(h == 0.0, edge, first)
    second = np.where(k == 0.0, 0.25 * np.sign(h), second)
    opposite = (h * k < 0.0) | ((h * k == 0.0) & (h + k < 0.0))
    value = 0.5 * (special.ndtr(h) + special.ndtr(k)) - first - second - 0.5 * opposite
    return np.where((h == 0.0) & (k == 0.0), 0.25 + np.arcsin(r) / (2.0 * math.pi), value)


def _normal_height(h: Floats, k: Floats, r: Floats) -> Floats:
    """The density of a bivariate normal."""
    rest = 1.0 - r**2
    return np.exp(-(h**2 - 2.0 * r * h * k + k**2) / (2.0 * rest)) / (2.0 * math.pi * np.sqrt(rest))


def _solve_tetrachoric(part: Floats, h: Floats, k: Floats) -> Floats:
    """The correlation that puts `part` of a bivariate normal below `h` and `k`."""
    low, high = np.full_like(part, -1.0), np.full_like(part, 1.0)
    r = np.zeros_like(part)
    for _ in range(80):
        miss = _both_below(h, k, r) - part
        low, high = np.where(miss < 0.0, r, low), np.where(miss < 0.0, high, r)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            step = r - miss / _normal_height(h, k, r)
        inside = (step > low) & (step < high)
        new = np.where(inside, step, 0.5 * (low + high))
        if np.nanmax(np.abs(new - r), initial=0.0) < 1e-15:
            break
        r = new
    return r


def tetrachoric(c: Values, how: How) -> tuple[Floats, Floats]:
    """The correlation of two normal variables that a 2×2 table cuts, and its variance.

    The variance is by the delta method on multinomial cells. An empty cell gives −1 or 1, without
    a variance.

    Source: Brown, Benedetti 1977, Psychometrika 42:347, doi:10.1007/BF02293655.
    """
    a, b, d, e = _table(c)
    n = a + b + d + e
    usable = (np.minimum(a + b, d + e) > 0) & (np.minimum(a + d, b + e) > 0)
    y, v = np.full_like(a, np.nan), np.full_like(a, np.nan)
    empty = usable & (np.minimum(np.minimum(a, b), np.minimum(d, e)) == 0.0)
    both = empty & ((a == 0) | (e == 0)) & ((b == 0) | (d == 0))
    y[empty & ~both & ((b == 0) | (d == 0))] = 1.0
    y[empty & ~both & ((a == 0) | (e == 0))] = -1.0
    rows = np.flatnonzero(usable & ~empty)
    if rows.size:
        a, b, d, e, n = (x[rows] for x in (a, b, d, e, n))
        h, k = special.ndtri((a + b) / n), special.ndtri((a + d) / n)
        r = _solve_tetrachoric(a / n, h, k)
        root = np.sqrt(1.0 - r**2)
        # What one person of each cell moves: dr = (dp11 − A dp1. − B dp.1) / density.
        row, column = special.ndtr((k - r * h) / root), special.ndtr((h - r * k) / root)
        own = 1.0 - row - column
        mean = (a * own - b * row - d * column) / n
        square = (a * own**2 + b * row**2 + d * column**2) / n
        y[rows], v[rows] = r, (square - mean**2) / (n * _normal_height(h, k, r) ** 2)
    return y, v


def excess_heterozygosity(c: Values, how: How) -> tuple[Floats, Floats]:
    """``log(h/(2√(a b)))`` of a marker with h heterozygous and a, b homozygous people."""
    a, h, b = c["homozygous1"], c["heterozygous"], c["homozygous2"]
    y = np.log(h) - math.log(2.0) - 0.5 * (np.log(a) + np.log(b))
    return y, 1.0 / h + 0.25 * (1.0 / a + 1.0 / b)


_YULE = Method(
    "association of two dichotomies", "Yule 1912, J R Stat Soc 75:579", "10.2307/2340126"
)
_BROWN = Method(
    "tetrachoric correlation", "Brown, Benedetti 1977, Psychometrika 42:347", "10.1007/BF02293655"
)
_SANCHEZ = Method(
    "standardised mean difference from a 2×2 table",
    "Sánchez-Meca, Marín-Martínez, Chacón-Moscoso 2003, Psychol Methods 8:448",
    "10.1037/1082-989X.8.4.448",
)
_HASSELBLAD = Method(
    "standardised mean difference from an odds ratio, logistic distributions",
    "Hasselblad, Hedges 1995, Psychol Bull 117:167",
    "10.1037/0033-2909.117.1.167",
)
_MORE = "the event is more frequent in group 1"

MEASURES = (
    Measure(
        "OR",
        "odds ratio",
        "log",
        "binary",
        "times the odds",
        Method(
            "log odds ratio with its large-sample variance",
            "Woolf 1955, Ann Hum Genet 19:251",
            "10.1111/j.1469-1809.1955.tb01348.x",
        ),
        arm=logit_proportion,
        above=_MORE,
        variances=("LS", "AV"),
    ),
    Measure(
        "RR",
        "risk ratio",
        "log",
        "binary",
        "times the risk",
        Method(
            "log risk ratio with its large-sample variance",
            "Katz, Baptista, Azen, Pike 1978, Biometrics 34:469",
            "10.2307/2530610",
        ),
        arm=log_proportion,
        above=_MORE,
        variances=("LS", "AV"),
    ),
    Measure(
        "RD",
        "risk difference",
        "natural",
        "binary",
        "difference of risks (1 = 1000 per 1000)",
        Method(
            "risk difference with its large-sample variance",
            "Berlin, Laird, Sacks, Chalmers 1989, Stat Med 8:141",
            "10.1002/sim.4780080202",
        ),
        arm=proportion,
        above=_MORE,
        variances=("LS", "UB", "AV"),
    ),
    Measure(
        "AS",
        "arcsine difference",
        "natural",
        "binary",
        "difference of arcsines of square roots of risks",
        Method(
            "arcsine difference",
            "Rücker, Schwarzer, Carpenter, Olkin 2009, Stat Med 28:721",
            "10.1002/sim.3511",
        ),
        arm=arcsine_proportion,
        above=_MORE,
    ),
    Measure(
        "PETO",
        "Peto odds ratio",
        "log",
        "binary",
        "times the odds",
        Method(
            "one-step log odds ratio, (O − E)/V",
            "Yusuf, Peto, Lewis, Collins, Sleight 1985, Prog Cardiovasc Dis 27:335",
            "10.1016/S0033-0620(85)80003-7",
        ),
        peto,
        above=_MORE,
        caution="The Peto odds ratio is good for rare events, groups of like size and effects that "
        "are not large; elsewhere it is biased.",
    ),
    Measure(
        "PHI",
        "phi coefficient",
        "natural",
        "binary",
        "correlation",
        _YULE,
        phi,
        above=_MORE,
        variances=("LS", "CS", "ST"),
    ),
    Measure(
        "ZPHI",
        "phi coefficient",
        "Fisher z",
        "binary",
        "correlation",
        _YULE,
        _fisher(phi),
        above=_MORE,
        variances=("LS", "CS", "ST"),
    ),
    Measure(
        "YUQ",
        "Yule's Q",
        "natural",
        "binary",
        "association from −1 to 1",
        _YULE,
        yule_q,
        above=_MORE,
    ),
    Measure(
        "YUY",
        "Yule's Y",
        "natural",
        "binary",
        "association from −1 to 1",
        _YULE,
        yule_y,
        above=_MORE,
    ),
    Measure(
        "RTET",
        "tetrachoric correlation",
        "natural",
        "binary",
        "correlation",
        _BROWN,
        tetrachoric,
        above=_MORE,
    ),
    Measure(
        "ZTET",
        "tetrachoric correlation",
        "Fisher z",
        "binary",
        "correlation",
        _BROWN,
        _fisher(tetrachoric),
        above=_MORE,
    ),
    Measure(
        "PBIT",
        "probit difference",
        "natural",
        "binary",
        "standard deviations",
        _SANCHEZ,
        arm=probit_proportion,
        above=_MORE,
    ),
    Measure(
        "OR2DL",
        "standardised mean difference (from odds)",
        "natural",
        "binary",
        "standard deviations",
        _HASSELBLAD,
        arm=_scaled(logit_proportion, 1.0 / LOGISTIC),
        above=_MORE,
    ),
    Measure(
        "OR2DN",
        "standardised mean difference (from odds)",
        "natural",
        "binary",
        "standard deviations",
        _SANCHEZ,
        arm=_scaled(logit_proportion, 1.0 / COX),
        above=_MORE,
    ),
    Measure(
        "REH",
        "relative excess heterozygosity",
        "log",
        "genotypes",
        "times the heterozygotes expected in equilibrium",
        Method(
            "relative excess heterozygosity",
            "Ziegler, Van Steen, Wellek 2011, Breast Cancer Res Treat 128:197",
            "10.1007/s10549-010-1295-z",
        ),
        excess_heterozygosity,
        above="more heterozygous people than in Hardy–Weinberg equilibrium",
    ),
)

#: Measures by which a trial without any event still says something: no difference.
ABSOLUTE = frozenset({"RD", "AS", "PHI", "ZPHI", "IRD", "IRSD"})
