"""Confidence and prediction intervals of a mean effect, as data, and the rule that chooses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.core.provenance import Quantity
from equipoise.core.result import Interval, Method, Note, quick
from equipoise.core.table import fixed, kept, kind_of, p_statement, percent, show, significant
from equipoise.effects.measures import Measure
from equipoise.num.dist import critical


@quick
@dataclass(frozen=True, slots=True)
class Moments:
    """What every interval is made of.

    Attributes
    ----------
    k, estimate, se
        Number of trials, the mean and its plain standard error.
    spread
        Q with tau² added to the variances, over k - 1: the factor of the Hartung–Knapp variance.
    tau2
        Variance between trials.
    kr_se, kr_df
        Standard error and degrees of freedom of Kenward and Roger; not a number unless needed.
    dl_se
        The plain standard error with tau² by DerSimonian and Laird; not a number unless needed.
    """

    k: int
    estimate: float
    se: float
    spread: float
    tau2: float
    kr_se: float = math.nan
    kr_df: float = math.nan
    dl_se: float = math.nan

    @property
    def hk(self) -> float:
        """The Hartung–Knapp standard error."""
        return self.se * math.sqrt(self.spread)

    @property
    def guarded(self) -> float:
        """The Hartung–Knapp standard error, never below the plain one."""
        return self.se * max(1.0, math.sqrt(self.spread))


Shape = tuple[float, float]

#: Standard error, degrees of freedom, and the interval.
Made = tuple[float, float, Interval]


def _wald(m: Moments, level: float) -> Shape:
    return m.se, math.inf


def _t(m: Moments, level: float) -> Shape:
    return m.se, float(m.k - 1)


def _hk(m: Moments, level: float) -> Shape:
    return m.hk, float(m.k - 1)


def _guarded(m: Moments, level: float) -> Shape:
    return m.guarded, float(m.k - 1)


def _wider(m: Moments, level: float) -> Shape:
    df = float(m.k - 1)
    return (m.hk, df) if critical(level, df) * m.hk >= critical(level) * m.se else (m.se, math.inf)


def _iqwig(m: Moments, level: float) -> Shape:
    df = float(m.k - 1)
    narrow = critical(level, df) * m.hk < critical(level) * m.dl_se
    return (m.guarded if narrow else m.hk), df


def _kr(m: Moments, level: float) -> Shape:
    return m.kr_se, m.kr_df


@dataclass(frozen=True, slots=True)
class IntervalRule:
    """A confidence interval of the mean: its standard error and its degrees of freedom.

    `random_only` holds for those that mean nothing under a common effect, `least` is the smallest
    number of trials; `needs` names what they take beyond the mean, ``KR`` or ``DL``.
    """

    code: str
    text: str
    shape: Callable[[Moments, float], Shape]
    random_only: bool
    least: int
    methods: tuple[Method, ...]
    needs: str = ""

    def interval(self, m: Moments, level: float) -> Made:
        """Return standard error, degrees of freedom and interval."""
        se, df = self.shape(m, level)
        quantile, name = _known(self.text, level, df)
        half = quantile * se
        return se, df, Interval(m.estimate - half, m.estimate + half, level, name)


@lru_cache(maxsize=1024)
def _known(text: str, level: float, df: float) -> tuple[float, str]:
    """An interval's quantile, and its name with it: ``Hartung–Knapp, t with 12 df``."""
    return critical(level, df), f"{text}, {_t_with(df)}" if math.isfinite(df) else text


@lru_cache(maxsize=256)
def _t_with(df: float) -> str:
    """Name the quantile: ``t with 12 df``."""
    if math.isinf(df):
        return "normal"
    return f"t with {f'{df:.0f}' if df.is_integer() else significant(df, 3)} df"


_IV = Method(
    "inverse-variance mean",
    "Whitehead, Whitehead 1991, Stat Med 10:1665",
    "10.1002/sim.4780101105",
)
_HK = Method("Hartung–Knapp interval", "Hartung, Knapp 2001, Stat Med 20:3875", "10.1002/sim.1009")
_GUARD = Method(
    "guard against a Hartung–Knapp variance below the plain one",
    "Knapp, Hartung 2003, Stat Med 22:2693",
    "10.1002/sim.1482",
)
_WIKSTEN = Method(
    "the wider of the Hartung–Knapp and the Wald interval",
    "Wiksten, Rücker, Schwarzer 2016, Stat Med 35:2503",
    "10.1002/sim.6879",
)
_IQWIG = Method(
    "guard against a Hartung–Knapp interval narrower than DerSimonian and Laird's",
    "IQWiG 2022, General Methods, version 6.1, Institute for Quality and Efficiency in Health Care",
)
_KENWARD = Method(
    "Kenward–Roger interval",
    "Partlett, Riley 2017, Stat Med 36:301",
    "10.1002/sim.7140",
)
#: The rule of ``interval="auto"``.
AUTO = Method(
    "choice of the interval: Hartung–Knapp for more than two trials and tau² above 0, else Wald",
    "Veroniki, McKenzie 2024, Introduction to new random-effects methods in RevMan, Cochrane "
    "Methods Group",
)

#: Confidence intervals of the mean by code; "auto" chooses among the first four.
INTERVALS: MappingProxyType[str, IntervalRule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            IntervalRule("Wald", "Wald", _wald, False, 1, (_IV,)),
            IntervalRule("t", "Wald", _t, False, 2, (_IV,)),
            IntervalRule("HK", "Hartung–Knapp", _hk, True, 2, (_IV, _HK)),
            IntervalRule(
                "HK-guarded", "guarded Hartung–Knapp", _guarded, True, 2, (_IV, _HK, _GUARD)
            ),
            IntervalRule(
                "HK-wider", "Hartung–Knapp or Wald", _wider, True, 2, (_IV, _HK, _WIKSTEN)
            ),
            IntervalRule(
                "HK-IQWiG6",
                "Hartung–Knapp, guarded as IQWiG does",
                _iqwig,
                True,
                2,
                (_IV, _HK, _GUARD, _IQWIG),
                "DL",
            ),
            IntervalRule("KR", "Kenward–Roger", _kr, True, 2, (_IV, _KENWARD), "KR"),
        )
    }
)

#: The intervals that a fit shows beside its own, for comparison.
_COMPARED = tuple(INTERVALS[code] for code in ("Wald", "t", "HK", "HK-guarded"))


@dataclass(frozen=True, slots=True)
class PredictionRule:
    """An interval for the true effect in a new trial.

    `variance` says which variance of the mean is used: that of the confidence ``interval``, the
    ``plain`` one, or that of ``HK`` or ``KR``. `lost` is what is taken from k (from Kenward and
    Roger's degrees of freedom for ``KR``) for the degrees of freedom; None for those of the
    confidence interval. `normal` holds for the normal quantile.
    """

    code: str
    text: str
    variance: Literal["interval", "plain", "HK", "KR"]
    lost: int | None
    least: int
    method: Method
    normal: bool = False

    @property
    def plain(self) -> bool:
        """Whether the mean's plain standard error is used and not the interval's."""
        return self.variance == "plain"

    @property
    def needs(self) -> str:
        """What it takes beyond the mean, as for a confidence interval."""
        return "KR" if self.variance == "KR" else ""

    def shape(self, m: Moments, se: float, df: float) -> Shape:
        """Standard error and degrees of freedom, given those of the confidence interval."""
        if self.variance == "interval":
            error = se
        else:
            error = m.se if self.plain else m.hk if self.variance == "HK" else m.kr_se
        if self.lost is None or self.normal:
            return error, math.inf if self.normal else df
        return error, (m.kr_df if self.variance == "KR" else float(m.k)) - self.lost


_VERONIKI = Method(
    "prediction interval, t with k − 1 degrees of freedom",
    "Veroniki and others 2019, Res Synth Methods 10:23",
    "10.1002/jrsm.1319",
)
_HIGGINS = "Higgins, Thompson, Spiegelhalter 2009, J R Stat Soc A 172:137"
_HIGGINS_DOI = "10.1111/j.1467-985X.2008.00552.x"
_HTS = Method("prediction interval, t with k − 2 degrees of freedom", _HIGGINS, _HIGGINS_DOI)
_NORMAL = Method("prediction interval with the normal quantile", _HIGGINS, _HIGGINS_DOI)
_RILEY = Method(
    "prediction interval with the variance of Hartung and Knapp or of Kenward and Roger",
    "Partlett, Riley 2017, Stat Med 36:301",
    "10.1002/sim.7140",
)
_AS_METAFOR = Method(
    "prediction interval as metafor makes it by default",
    "Viechtbauer 2010, J Stat Softw 36:3",
    "10.18637/jss.v036.i03",
)

_CI, _PLAIN = "variance of the confidence interval", "plain variance"
_OF_HK, _OF_KR = "Hartung–Knapp variance", "Kenward–Roger variance"

#: Prediction intervals by code; "none" computes none.
PREDICTIONS: MappingProxyType[str, PredictionRule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            PredictionRule("t", _CI, "interval", 1, 3, _VERONIKI),
            PredictionRule("V", _PLAIN, "plain", 1, 3, _VERONIKI),
            PredictionRule("HTS", _PLAIN, "plain", 2, 3, _HTS),
            PredictionRule("S", _PLAIN, "plain", 0, 2, _NORMAL, normal=True),
            PredictionRule("HK", _OF_HK, "HK", 1, 3, _RILEY),
            PredictionRule("HK-PR", _OF_HK, "HK", 2, 3, _RILEY),
            PredictionRule("KR", _OF_KR, "KR", 0, 3, _RILEY),
            PredictionRule("KR-PR", _OF_KR, "KR", 1, 3, _RILEY),
            PredictionRule(
                "metafor",
                "variance and quantile of the confidence interval",
                "interval",
                None,
                2,
                _AS_METAFOR,
            ),
        )
    }
)


def kenward_roger(v: NDArray[np.float64], tau2: float) -> tuple[float, float]:
    """Return the standard error and the degrees of freedom of Kenward and Roger.

    Parameters
    ----------
    v, tau2
        Variances within trials, shape (k,) with k of at least 2, ascending; tau² by REML.

    Notes
    -----
    With weights ``w = 1/(v + tau²)``, their sums S, S₂ of squares and S₃ of cubes, and the expected
    information of REML ``I = ½ tr(PP)``, the variance is ``1/S + 2 (S₃ − S₂²/S) / (I S²)`` and the
    degrees of freedom are ``2 I / (variance · S₂)²``.

    Source: Kenward, Roger 1997, Biometrics 53:983, doi:10.2307/2533558, for this model as in
    Partlett, Riley 2017, Stat Med 36:301; checked against package meta in
    ``validation/values/meta_settings.json``.
    """
    w = 1.0 / (v + tau2)
    unit = float(w[0])
    w = w / unit
    total, squares = float(w.sum()), w * w
    away = w - float(squares.sum()) / total
    # S₃ − S₂²/S as a sum of squares about a weighted mean, and tr(PP) without cancelling terms.
    rise = float(w @ (away * away))
    rest = total - w
    rest[0] = float(w[1:].sum())
    other_squares = float(squares.sum()) - squares
    other_squares[0] = float(squares[1:].sum())
    trace = float(squares @ (rest * rest) + squares @ other_squares) / (total * total)
    variance = 1.0 / total + 4.0 * rise / (trace * total * total)
    df = trace / (variance * float(squares.sum())) ** 2
    return math.sqrt(variance / unit), df


def usual_intervals(m: Moments, level: float, random: bool) -> dict[str, Made]:
    """The usual confidence intervals that the model allows, by code, with error and df."""
    return {
        rule.code: rule.interval(m, level)
        for rule in _COMPARED
        if m.k >= rule.least and (random or not rule.random_only)
    }


def choose_interval(
    asked: str, m: Moments, random: bool, usual: Mapping[str, Made], measure: Measure
) -> tuple[str, list[Note]]:
    """The interval to show, and the note when it is not the one that the reader may expect."""
    if asked != "auto":
        if m.k >= INTERVALS[asked].least:
            return asked, []
        text = f"One trial has no {INTERVALS[asked].text} interval; its own Wald interval is shown."
        return "Wald", [Note("one-trial-interval", text)]
    if not random or m.k == 1:
        return "Wald", []
    others: tuple[str, ...]
    if m.k == 2:
        code, others, name = "Wald", ("HK",), "wald-two-trials"
        why = "With two trials the Hartung–Knapp interval says next to nothing"
    elif m.tau2 == 0.0:
        code, others, name = "Wald", ("HK", "HK-guarded"), "wald-no-heterogeneity"
        why = "The trials differ no more than by chance (tau² is estimated as 0)"
    elif _width(usual["HK"][2]) < _width(usual["Wald"][2]):
        code, others, name = "HK-guarded", ("HK", "Wald"), "hk-guarded"
        why = "The Hartung–Knapp interval would be narrower than the Wald interval"
    else:
        return "HK", []
    return code, [Note(name, f"{why}; {_compared(code, others, usual, measure)}")]


def _width(interval: Interval) -> float:
    return interval.high - interval.low


def _compared(
    code: str, others: tuple[str, ...], usual: Mapping[str, Made], measure: Measure
) -> str:
    """Say which interval is shown and what the others would be."""
    cis = {c: usual[c][2] for c in (code, *others)}
    listed = "; ".join(f"{INTERVALS[c].text} {bounds_text(measure, cis[c])}" for c in others)
    bounds = bounds_text(measure, cis[code])
    text = f"the {INTERVALS[code].text} interval {bounds} is shown ({listed})."
    if measure.compares and len({measure.no_effect in ci for ci in cis.values()}) > 1:
        text += " They disagree on whether no difference is within the interval."
    return text


def other_intervals(code: str, usual: Mapping[str, Made]) -> tuple[Interval, ...]:
    """The usual confidence intervals other than the one of that code."""
    return tuple(made[2] for name, made in usual.items() if name != code)


def prediction_interval(
    code: str, m: Moments, se: float, df: float, level: float, random: bool
) -> tuple[Interval | None, tuple[Method, ...]]:
    """The prediction interval with its method, or neither."""
    if code == "none" or not random or m.k < PREDICTIONS[code].least:
        return None, ()
    rule = PREDICTIONS[code]
    error, own = rule.shape(m, se, df)
    if not own > 0.0:
        return None, ()
    half = critical(level, own) * math.hypot(error, math.sqrt(m.tau2))
    text = f"{'' if code == 't' else f'{code}: '}{_t_with(own)}, {rule.text}"
    return Interval(m.estimate - half, m.estimate + half, level, text), (rule.method,)


def shown(measure: Measure, value: float, interval: Interval) -> tuple[str, str]:
    """Write a value and an interval of the reader's scale: ``("0.49", "0.34 to 0.70")``.

    Differences in the units of a scale that is not known here get as many decimals as leave two
    significant digits of the interval's width, and at least one.
    """
    if kind_of(measure.code) in ("ratio", "standardised"):
        q = Quantity("", value, measure.code, "", "", interval.low, interval.high)
        texts = show(q)
        return texts.value, texts.interval
    decimals = _decimals(value, interval)
    return fixed(value, decimals), _between(interval, decimals)


def effect_said(estimate: float, se: float, ci: Interval, p: float) -> str:
    """An effect on the scale of analysis in one line, digits cut for reading."""
    ends = f"{significant(ci.low)} to {significant(ci.high)}"
    return (
        f"{significant(estimate)}, standard error {significant(se)}, {percent(100 * ci.level)} CI "
        f"{ends}, {p_statement(p)}"
    )


def _decimals(value: float, interval: Interval) -> int:
    width = interval.high - interval.low
    if not 0.0 < width < math.inf:
        width = abs(value) if 0.0 < abs(value) < math.inf else 1.0
    return max(1, 1 - math.floor(math.log10(width)))


def _between(interval: Interval, decimals: int) -> str:
    low, high = kept(interval.low, decimals, (0.0,)), kept(interval.high, decimals, (0.0,))
    return f"{low} to {high}"


def bounds_text(measure: Measure, interval: Interval) -> str:
    """An interval of the analysis scale as a reader sees it: ``0.34 to 0.70``."""
    back = measure.back_interval(interval)
    if kind_of(measure.code) in ("ratio", "standardised"):
        return shown(measure, back.low, back)[1]
    return _between(back, _decimals(back.low, back))
