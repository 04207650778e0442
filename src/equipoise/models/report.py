"""A pairwise synthesis in words: the summary, line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator

from equipoise.core.result import Interval
from equipoise.core.table import fixed, p_statement, percent, range_text, significant
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import bounds_text, shown
from equipoise.models.pairwise_result import PairwiseResult
from equipoise.models.presets import style_of


def trials(k: int) -> str:
    """``one trial``, ``13 trials``."""
    return "one trial" if k == 1 else f"{k} trials"


def effect_text(fit: PairwiseResult) -> str:
    """The mean with its interval as a reader sees it: ``0.49 (95% CI 0.33 to 0.73)``."""
    m = measure_of(fit.measure)
    back = fit.back()
    value, bounds = shown(m, back.estimate, back.ci)
    return f"{value} ({percent(100 * fit.level)} CI {_styled(fit, bounds)})"


def summary_lines(fit: PairwiseResult) -> Iterator[str]:
    """What was found, in the order in which a reader asks; digits are cut for reading."""
    m = measure_of(fit.measure)
    head = f"{fit.model.capitalize()}-effect{'s' if fit.model == 'random' else ''} synthesis"
    yield f"{head} of {trials(fit.k)}, {m.name}"
    yield ""
    yield from _heterogeneity_lines(fit)
    yield f"{m.name} {effect_text(fit)}, {fit.ci.method}"
    sign = "z" if math.isinf(fit.df) else "t"
    scale = " (scale of analysis: log)" if m.ratio else ""
    yield (
        f"{sign} {fixed(fit.statistic, 2)}{_on(fit.df)}, {_p(fit, fit.p_value)}; estimate "
        f"{significant(fit.estimate, 5)}, standard error {significant(fit.se, 4)}{scale}"
    )
    if fit.pi is not None:
        bounds = _styled(fit, bounds_text(m, fit.pi))
        yield f"{percent(100 * fit.level)} prediction interval {bounds}, {fit.pi.method}"
    for row in fit.left_out:
        yield f"Left out: {row.study} ({row.why})"


def _heterogeneity_lines(fit: PairwiseResult) -> Iterator[str]:
    if fit.k == 1:
        return
    if fit.model == "random":
        ci = "" if fit.tau2_ci is None else f" ({_bounds(fit, fit.tau2_ci, ci=True)})"
        yield f"tau² {significant(fit.tau2, 4)}{ci}, {fit.tau2_method}"
    i2_ci = "" if fit.i2_ci is None else f" ({_percents(fit, fit.i2_ci)})"
    h2_ci = "" if fit.h2_ci is None else f" ({_bounds(fit, fit.h2_ci)})"
    origin = ", from Q" if fit.model == "random" and fit.asked["i2"] == "Q" else ""
    yield f"I² {percent(fit.i2)}{i2_ci}; H² {significant(fit.h2, 4)}{h2_ci}{origin}"
    yield f"Q {significant(fit.q, 5)} on {fit.q_df} df, {_p(fit, fit.q_p)}"


def _bounds(fit: PairwiseResult, interval: Interval, *, ci: bool = False) -> str:
    text = f"{significant(interval.low, 4)} to {significant(interval.high, 4)}"
    head = f"{percent(100 * interval.level)} CI " if ci else ""
    return head + _styled(fit, text)


def _percents(fit: PairwiseResult, interval: Interval) -> str:
    return _styled(fit, f"{percent(interval.low)} to {percent(interval.high)}")


def _styled(fit: PairwiseResult, bounds: str) -> str:
    return range_text(bounds, style_of(fit.preset))


def _p(fit: PairwiseResult, value: float) -> str:
    return p_statement(value, style_of(fit.preset))


def _on(df: float) -> str:
    if math.isinf(df):
        return ""
    return f" on {f'{df:.0f}' if df.is_integer() else significant(df, 3)} df"
