"""Limit meta-analysis: the effect of trials of infinite precision, if small ones are shifted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import fixed, percent
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.line import check_spread_of, line
from equipoise.models.bias.rows import (
    BiasResult,
    check_level,
    effect_text,
    few_note,
    number,
    p_text,
    rows,
    trials,
)
from equipoise.models.heterogeneity import Spread, estimate_tau2
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import chi2_tail, critical, normal_two_sided

METHOD = Method(
    "limit meta-analysis",
    "Rücker, Schwarzer, Carpenter, Binder, Schumacher 2011, Biostatistics 12:122",
    "10.1093/biostatistics/kxq046",
)
VARIANCES = ("slope", "joint")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LimitMeta(BiasResult):
    """The mean with and without a shift of small trials.

    Attributes
    ----------
    measure, k, variance
        Code of the measure; number of trials; which variance `se` is from.
    estimate, se, statistic, p_value, ci
        The limit estimate ``slope + tau * bias``: the effect expected of a trial of infinite
        precision; z and its two-sided p value.
    slope, slope_se, bias, bias_se
        Of the regression in the generalised radial plot: the mean without bias, and the shift of
        a trial in units of its total standard deviation.
    tau2, tau2_method
        Variance between trials.
    random, random_ci
        The usual random-effects mean.
    q, q_df, q_p, q_small, q_small_p, q_resid, q_resid_df, q_resid_p
        Cochran's Q, its part that small-study effects explain (1 df), and the rest.
    g2
        The share of variance that is left when small-study effects are allowed for, in percent.
    study, yi, vi, limit_yi
        The trials, and their estimates shrunk as if their precision were infinite.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    measure: str
    k: int
    variance: str
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Interval
    slope: float
    slope_se: float
    bias: float
    bias_se: float
    tau2: float
    tau2_method: str
    random: float
    random_ci: Interval
    q: float
    q_df: int
    q_p: float
    q_small: float
    q_small_p: float
    q_resid: float
    q_resid_df: int
    q_resid_p: float
    g2: float
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    limit_yi: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial: its estimate as given and in the limit."""
        columns: dict[str, Any] = {
            "study": self.study,
            "yi": self.yi,
            "vi": self.vi,
            "limit_yi": self.limit_yi,
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        shown = effect_text(measure_of(self.measure), self.estimate, self.ci)
        return f"{self.measure} {shown}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield f"Limit meta-analysis of {trials(self.k)}, {m.name}"
        yield ""
        yield f"Random effects: {effect_text(m, self.random, self.random_ci)}"
        yield (
            f"In the limit of infinite precision: {effect_text(m, self.estimate, self.ci)}, "
            f"z {fixed(self.statistic, 2)}, {p_text(self.p_value)}"
        )
        yield f"tau² {number(self.tau2)}, {self.tau2_method}; shift of small trials " + (
            f"{number(self.bias)} (standard error {number(self.bias_se)})"
        )
        yield (
            f"Q {number(self.q, 5)} on {self.q_df} df, {p_text(self.q_p)}; small-study effects "
            f"{number(self.q_small, 5)} on 1 df, {p_text(self.q_small_p)}; rest "
            f"{number(self.q_resid, 5)} on {self.q_resid_df} df, {p_text(self.q_resid_p)}"
        )
        yield f"G² {percent(self.g2)}: variance that small-study effects leave"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def limit_meta(
    es: Contrasts | PairwiseFit,
    *,
    tau2: str = "REML",
    variance: str = "slope",
    level: float = 0.95,
) -> LimitMeta:
    """Estimate the effect of a trial of infinite precision, allowing small trials a shift.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    tau2
        Estimator of the variance between trials.
    variance
        Of the limit estimate: ``slope``, that of the slope alone, as in the R package metasens;
        or ``joint``, of slope and shift together with tau² taken as known.
    level
        Of the intervals.

    Returns
    -------
    LimitMeta

    Raises
    ------
    UnknownNameError
        An unknown estimator or variance.
    NotEstimableError
        Fewer than three trials, or trials of one size.

    Notes
    -----
    The model is ``y = beta + sqrt(v + tau²) (alpha + e)`` with standard normal e. Alpha and beta
    are intercept and slope of the regression of ``y / sqrt(v + tau²)`` on ``1 / sqrt(v + tau²)``
    with residual variance 1; the limit estimate is ``beta + tau alpha``. The limit estimates of
    trials are ``beta + tau (y - beta) / sqrt(v + tau²)``; G² is what their radial regression, with
    the given standard errors, leaves unexplained.

    Source: Rücker and others 2011, Biostatistics 12:122, doi:10.1093/biostatistics/kxq046.
    """
    if variance not in VARIANCES:
        raise UnknownNameError("variance", variance, VARIANCES)
    check_level(level)
    found = rows(es, least=3, what="limit meta-analysis")
    y, v = found.y, found.v
    check_spread_of(np.sqrt(v), "standard error")
    spread = Spread(y, v)
    t = estimate_tau2(spread, tau2).value
    total, mean, _, _ = spread.profile(t / spread.scale)
    mean = spread.origin + mean * math.sqrt(spread.scale)
    z = critical(level)
    half = z * math.sqrt(spread.scale / total)
    s = np.sqrt(v + t)
    # The regression of y/s on 1/s without an intercept term in x is a line of y on s by weight.
    fit = line(y, s, v + t)
    beta, alpha, tau = fit.intercept, fit.slope, math.sqrt(t)
    estimate = beta + tau * alpha
    var = fit.var_intercept
    if variance == "joint":
        var += tau * tau * fit.var_slope + 2.0 * tau * fit.covariance
    se = math.sqrt(var)
    shrunk = beta + tau / s * (y - beta)
    plain = line(y, np.sqrt(v), v)
    q = spread.q(0.0)
    left, k = plain.rss, found.k
    small = max(0.0, q - left)
    return LimitMeta(
        measure=found.es.measure,
        k=k,
        variance=variance,
        estimate=estimate,
        se=se,
        statistic=estimate / se,
        p_value=normal_two_sided(estimate / se),
        ci=Interval(estimate - z * se, estimate + z * se, level, "limit meta-analysis"),
        slope=beta,
        slope_se=math.sqrt(fit.var_intercept),
        bias=alpha,
        bias_se=math.sqrt(fit.var_slope),
        tau2=t,
        tau2_method=tau2,
        random=mean,
        random_ci=Interval(mean - half, mean + half, level, "Wald"),
        q=q,
        q_df=k - 1,
        q_p=chi2_tail(q, k - 1),
        q_small=small,
        q_small_p=chi2_tail(small, 1),
        q_resid=left,
        q_resid_df=k - 2,
        q_resid_p=chi2_tail(left, k - 2),
        g2=_unexplained(shrunk, v),
        study=found.es.study,
        yi=read_only(y),
        vi=read_only(v),
        limit_yi=read_only(shrunk),
        left_out=found.left_out,
        notes=(*found.notes, *few_note(k), _EXTRAPOLATION),
        methods=(METHOD,),
    )


_EXTRAPOLATION = Note(
    "extrapolation",
    "A sensitivity analysis: trials of infinite precision lie outside the data, and the shift of "
    "small trials may have causes other than selective publication.",
)


def _unexplained(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """One minus the squared correlation of the radial plot, in percent."""
    x, z = 1.0 / np.sqrt(v), y / np.sqrt(v)
    dx, dz = x - x.mean(), z - z.mean()
    all_of = float(dx @ dx) * float(dz @ dz)
    if all_of <= 0.0:
        return 0.0
    return 100.0 * max(0.0, 1.0 - float(dx @ dz) ** 2 / all_of)
