"""Confidence and prediction intervals of a mean effect, as data, and the rule that chooses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from equipoise.core.provenance import Quantity
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import fixed, kept, kind_of, show
from equipoise.effects.measures import Measure
from equipoise.num.dist import critical


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
    """

    k: int
    estimate: float
    se: float
    spread: float
    tau2: float


@dataclass(frozen=True, slots=True)
class IntervalRule:
    """A confidence interval of the mean: its standard error and its degrees of freedom.

    `random_only` holds for those that mean nothing under a common effect, `least` is the smallest
    number of trials.
    """

    code: str
    text: str
    factor: Callable[[float], float]
    uses_t: bool
    random_only: bool
    least: int
    methods: tuple[Method, ...]

    def interval(self, m: Moments, level: float) -> tuple[float, float, Interval]:
        """Return standard error, degrees of freedom and interval."""
        se = m.se * self.factor(m.spread)
        df = float(m.k - 1) if self.uses_t else math.inf
        half = critical(level, df) * se
        text = f"{self.text}, t with {m.k - 1} df" if self.uses_t else self.text
        return se, df, Interval(m.estimate - half, m.estimate + half, level, text)


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
#: The rule of ``interval="auto"``.
AUTO = Method(
    "choice of the interval: Hartung–Knapp for more than two trials and tau² above 0, else Wald",
    "Veroniki, McKenzie 2024, Introduction to new random-effects methods in RevMan, Cochrane "
    "Methods Group",
)

#: Confidence intervals of the mean by code; "auto" chooses among them.
INTERVALS: MappingProxyType[str, IntervalRule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            IntervalRule("Wald", "Wald", lambda _: 1.0, False, False, 1, (_IV,)),
            IntervalRule("t", "Wald", lambda _: 1.0, True, False, 2, (_IV,)),
            IntervalRule("HK", "Hartung–Knapp", math.sqrt, True, True, 2, (_IV, _HK)),
            IntervalRule(
                "HK-guarded",
                "guarded Hartung–Knapp",
                lambda q: max(1.0, math.sqrt(q)),
                True,
                True,
                2,
                (_IV, _HK, _GUARD),
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class PredictionRule:
    """An interval for the true effect in a new trial.

    `lost` is what is taken from k for the degrees of freedom, None for those of the confidence
    interval; `plain` says that the mean's plain standard error is used and not the interval's.
    """

    code: str
    text: str
    lost: int | None
    plain: bool
    least: int
    method: Method


_VERONIKI = Method(
    "prediction interval, t with k − 1 degrees of freedom",
    "Veroniki and others 2019, Res Synth Methods 10:23",
    "10.1002/jrsm.1319",
)

#: Prediction intervals by code.
PREDICTIONS: MappingProxyType[str, PredictionRule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            PredictionRule("t", "variance of the confidence interval", 1, False, 3, _VERONIKI),
            PredictionRule("V", "plain variance", 1, True, 3, _VERONIKI),
            PredictionRule(
                "HTS",
                "plain variance",
                2,
                True,
                3,
                Method(
                    "prediction interval, t with k − 2 degrees of freedom",
                    "Higgins, Thompson, Spiegelhalter 2009, J R Stat Soc A 172:137",
                    "10.1111/j.1467-985X.2008.00552.x",
                ),
            ),
            PredictionRule(
                "metafor",
                "variance and quantile of the confidence interval",
                None,
                False,
                2,
                Method(
                    "prediction interval as metafor makes it by default",
                    "Viechtbauer 2010, J Stat Softw 36:3",
                    "10.18637/jss.v036.i03",
                ),
            ),
        )
    }
)


def choose_interval(
    asked: str, m: Moments, random: bool, level: float, measure: Measure
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
    width = {code: _width(INTERVALS[code].interval(m, level)[2]) for code in ("Wald", "HK")}
    if m.k == 2:
        code, others, name = "Wald", ("HK",), "wald-two-trials"
        why = "With two trials the Hartung–Knapp interval says next to nothing"
    elif m.tau2 == 0.0:
        code, others, name = "Wald", ("HK", "HK-guarded"), "wald-no-heterogeneity"
        why = "The trials differ no more than by chance (tau² is estimated as 0)"
    elif width["HK"] < width["Wald"]:
        code, others, name = "HK-guarded", ("HK", "Wald"), "hk-guarded"
        why = "The Hartung–Knapp interval would be narrower than the Wald interval"
    else:
        return "HK", []
    return code, [Note(name, f"{why}; {_compared(code, others, m, level, measure)}")]


def _width(interval: Interval) -> float:
    return interval.high - interval.low


def _compared(
    code: str, others: tuple[str, ...], m: Moments, level: float, measure: Measure
) -> str:
    """Say which interval is shown and what the others would be."""
    cis = {c: INTERVALS[c].interval(m, level)[2] for c in (code, *others)}
    listed = "; ".join(f"{INTERVALS[c].text} {bounds_text(measure, cis[c])}" for c in others)
    bounds = bounds_text(measure, cis[code])
    text = f"the {INTERVALS[code].text} interval {bounds} is shown ({listed})."
    if len({0.0 in ci for ci in cis.values()}) > 1:
        text += " They disagree on whether no difference is within the interval."
    return text


def other_intervals(code: str, m: Moments, random: bool, level: float) -> tuple[Interval, ...]:
    """The confidence intervals that the model allows, other than the one of that code."""
    return tuple(
        rule.interval(m, level)[2]
        for rule in INTERVALS.values()
        if rule.code != code and m.k >= rule.least and (random or not rule.random_only)
    )


def prediction_interval(
    code: str, m: Moments, se: float, df: float, level: float, random: bool
) -> tuple[Interval | None, tuple[Method, ...]]:
    """The prediction interval with its method, or neither."""
    rule = PREDICTIONS[code]
    if not random or m.k < rule.least:
        return None, ()
    own = df if rule.lost is None else float(m.k - rule.lost)
    half = critical(level, own) * math.hypot(m.se if rule.plain else se, math.sqrt(m.tau2))
    quantile = "normal" if math.isinf(own) else f"t with {own:g} df"
    text = f"{'' if code == 't' else f'{code}: '}{quantile}, {rule.text}"
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
    width = interval.high - interval.low
    if not 0.0 < width < math.inf:
        width = abs(value) if 0.0 < abs(value) < math.inf else 1.0
    decimals = max(1, 1 - math.floor(math.log10(width)))
    low, high = (kept(bound, decimals, (0.0,)) for bound in (interval.low, interval.high))
    return fixed(value, decimals), f"{low} to {high}"


def bounds_text(measure: Measure, interval: Interval) -> str:
    """An interval of the analysis scale as a reader sees it: ``0.34 to 0.70``."""
    back = measure.back_interval(interval)
    return shown(measure, back.low, back)[1]
