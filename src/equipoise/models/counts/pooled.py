"""What a model hands back before it is dressed as a result, and the dressing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.result import Interval, Method, Note
from equipoise.effects.columns import Floats, read_only
from equipoise.models.counts.result import Convergence, CountsFit, CountTest
from equipoise.models.counts.tables import Tables
from equipoise.num.dist import chi2_tail, critical, t_two_sided


@dataclass(frozen=True, slots=True)
class Pooled:
    """The numbers of one model; fields as in :class:`~equipoise.models.counts.result.CountsFit`.

    `ci` and `p_value` are given only by models whose interval is not estimate ± quantile × SE;
    `parameters` and `rows` are what AIC and BIC count.
    """

    estimate: float
    se: float
    used: NDArray[np.bool_]
    methods: tuple[Method, ...]
    effects: str = "common"
    weights: Floats | None = None
    tests: tuple[CountTest, ...] = ()
    notes: tuple[Note, ...] = ()
    i2: float = math.nan
    h2: float = math.nan
    tau2: float | None = None
    tau2_ci: Interval | None = None
    sigma2: float | None = None
    icc: float | None = None
    log_lik: float = math.nan
    parameters: int = 0
    rows: int = 0
    convergence: Convergence | None = None
    ci: Interval | None = None
    pi: Interval | None = None
    p_value: float | None = None
    df: float = math.inf


def chi2_test(name: str, asks: str, statistic: float, df: int, k: int) -> CountTest:
    """Make a test from a chi-squared statistic."""
    return CountTest(name, asks, statistic, df, chi2_tail(statistic, df), k)


def i2_from_q(q: float, df: int) -> tuple[float, float]:
    """I² in percent and H² from Cochran's Q; not numbers for one trial."""
    if df <= 0:
        return math.nan, math.nan
    return (max(0.0, 100.0 * (q - df) / q) if q > 0.0 else 0.0), q / df


def cochran_q(yi: Floats, vi: Floats, estimate: float) -> CountTest | None:
    """Cochran's Q of the trials' own estimates about `estimate`; None below two trials."""
    good = np.isfinite(yi) & np.isfinite(vi) & (vi > 0.0)
    k = int(good.sum())
    if k < 2:
        return None
    q = math.fsum((yi[good] - estimate) ** 2 / vi[good])
    return chi2_test("Cochran's Q", "heterogeneity", q, k - 1, k)


def dress(
    pooled: Pooled,
    tables: Tables,
    *,
    measure: str,
    model: str,
    interval: str,
    level: float,
    trial_effects: tuple[Floats, Floats] | None = None,
) -> CountsFit:
    """Make the result: interval and p value from estimate and SE, trials beside it, notes."""
    yi, vi = tables.effects(measure) if trial_effects is None else trial_effects
    ci = pooled.ci
    if ci is None:
        half = critical(level, pooled.df) * pooled.se
        text = "Wald" if math.isinf(pooled.df) else f"Wald, t with {pooled.df:g} df"
        ci = Interval(pooled.estimate - half, pooled.estimate + half, level, text)
    statistic = pooled.estimate / pooled.se if pooled.se > 0.0 else math.nan
    p = t_two_sided(statistic, pooled.df) if pooled.p_value is None else pooled.p_value
    deviance = -2.0 * pooled.log_lik
    nan = np.full(len(tables), math.nan)
    double_zero = tables.double_zero
    used = np.array(pooled.used, dtype=bool)
    used.setflags(write=False)
    return CountsFit(
        measure=measure,
        model=model,
        effects=pooled.effects,
        k=int(used.sum()),
        k_total=len(tables) + len(tables.left_out),
        estimate=pooled.estimate,
        se=pooled.se,
        ci=ci,
        interval=interval,
        statistic=statistic,
        df=pooled.df,
        p_value=p,
        level=level,
        tau2=pooled.tau2,
        tau2_ci=pooled.tau2_ci,
        sigma2=pooled.sigma2,
        icc=pooled.icc,
        i2=pooled.i2,
        h2=pooled.h2,
        tests=pooled.tests,
        pi=pooled.pi,
        log_lik=pooled.log_lik,
        aic=deviance + 2.0 * pooled.parameters,
        bic=deviance + pooled.parameters * math.log(max(pooled.rows, 1)),
        convergence=pooled.convergence,
        study=tables.study,
        events1=tables.events1,
        size1=tables.size1,
        events2=tables.events2,
        size2=tables.size2,
        used=used,
        yi=read_only(yi),
        vi=read_only(vi),
        weights=read_only(nan if pooled.weights is None else pooled.weights),
        double_zero=tuple(s for s, z in zip(tables.study, double_zero.tolist(), strict=True) if z),
        left_out=tables.left_out,
        notes=(*tables.notes, *pooled.notes),
        methods=pooled.methods,
    )
