"""Mixed models of counts: exact and approximate conditional, and unconditional likelihoods."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

import equipoise.models.counts.double as double
import equipoise.models.counts.papers as papers
from equipoise.core.result import Interval, Method, Note
from equipoise.models.counts.closed import about_zeros, infinite
from equipoise.models.counts.families import Binomial, Family, Hypergeometric, Logistic, Poisson
from equipoise.models.counts.pooled import Pooled, chi2_test
from equipoise.models.counts.result import Convergence, CountTest
from equipoise.models.counts.search import Optimum, along, common, highest
from equipoise.models.counts.tables import Tables, no_events
from equipoise.num.dist import chi2_quantile, chi2_tail, critical
from equipoise.num.solve import root

#: The interval of the variance between trials is not looked for beyond this standard deviation.
_FAR_TAU = 60.0


def conditional(t: Tables) -> Family:
    """Events of group 1 given the margins: hypergeometric for people, binomial for person-time."""
    return approximate(t) if t.time else Hypergeometric(t)


def approximate(t: Tables) -> Family:
    """Events of group 1 given those of both groups, as binomial: good where events are rare."""
    return Binomial(t.events1, t.total, np.log(t.size1 / t.size2))


def unconditional(t: Tables) -> Family:
    """Both groups' events: binomial for people, Poisson for person-time."""
    return Poisson(t) if t.time else Logistic(t)


FAMILIES: dict[str, Callable[[Tables], Family]] = {
    "CM.EL": conditional,
    "CM.AL": approximate,
    "UM.FS": unconditional,
    "UM.RS": unconditional,
}


def mixed(
    t: Tables,
    model: str,
    measure: str,
    *,
    random: bool,
    keep_double_zero: bool,
    interval: str,
    level: float,
) -> Pooled:
    """Fit a mixed model by maximum likelihood.

    Parameters
    ----------
    t
        All trials.
    model, measure
        ``UM.FS``, ``UM.RS``, ``CM.EL`` or ``CM.AL``; ``OR`` or ``IRR``.
    random
        Whether effects differ between trials.
    keep_double_zero
        Whether trials without any event take part in ``UM.RS``, where they tell about baselines.
    interval
        ``Wald``, ``t`` (k − 1 degrees of freedom) or ``profile``.
    level
        Confidence level.

    Notes
    -----
    The search is global over the variance between trials; see
    :mod:`equipoise.models.counts.search`. Checked against metafor in
    ``validation/values/counts.json``, ``tests/reference/test_counts_reference.py``.
    """
    some = t.informative()
    if not len(some):
        raise no_events(t, level)
    _check_finite(some, measure, model)
    if model == "UM.RS":
        return _two_effects(t, some, random, keep_double_zero, interval, level)
    family = FAMILIES[model](some)
    best = highest(family) if random else common(family)
    estimate, se = best.effect, math.sqrt(float(best.covariance[0, 0]))
    one = common(family) if best.tau > 0.0 else best
    df = family.k - 1
    ratio = max(0.0, 2.0 * (family.saturated() - one.point.value))
    tests = () if df < 1 else (_likelihood_ratio(ratio, df),)
    tau2_ci = _tau2_interval(family, best, level) if random and family.k > 1 else None
    ci, p = None, None
    if interval == "profile":
        ci, p = _profile(family, best, random, level)
    parameters = 1 + random + (family.k if family.baseline else 0)
    i2, h2 = _typical(some, measure, best.tau**2, random)
    return Pooled(
        estimate,
        se,
        ~t.double_zero,
        _methods(model),
        effects="random" if random else "common",
        tests=tests,
        notes=(*about_zeros(t, True), *_about_tau2(best.tau, random, family.k)),
        i2=i2,
        h2=h2,
        tau2=best.tau**2,
        tau2_ci=tau2_ci,
        log_lik=best.point.value,
        parameters=parameters,
        rows=family.k * (2 if family.baseline else 1),
        convergence=Convergence(best.gradient, best.nodes, best.quadrature_error, best.n_optima),
        ci=ci,
        p_value=p,
        df=float(df) if interval == "t" else math.inf,
        pi=_prediction(estimate, se, best.tau**2, family.k, level) if random else None,
    )


def _two_effects(
    t: Tables, some: Tables, random: bool, keep: bool, interval: str, level: float
) -> Pooled:
    used = t if keep else some
    family = unconditional(used)
    best = double.highest(family, random=random)
    place = best.place
    estimate, se = float(place.at[1]), math.sqrt(float(best.covariance[1, 1]))
    tau2, sigma2 = float(place.at[3]) ** 2, float(place.at[2]) ** 2
    measure = "IRR" if t.time else "OR"
    i2, h2 = _typical(some, measure, tau2, random)
    k = len(used)
    notes = () if keep else about_zeros(t, True)
    return Pooled(
        estimate,
        se,
        np.ones(len(t), dtype=bool) if keep else ~t.double_zero,
        _methods("UM.RS"),
        effects="random" if random else "common",
        notes=(*notes, *_about_tau2(math.sqrt(tau2), random, k)),
        i2=i2,
        h2=h2,
        tau2=tau2,
        sigma2=sigma2,
        log_lik=place.value,
        parameters=3 + random,
        rows=2 * k,
        convergence=Convergence(best.gradient, best.nodes, best.quadrature_error, 1),
        df=float(k - 1) if interval == "t" else math.inf,
        pi=_prediction(estimate, se, tau2, k, level) if random else None,
    )


def _check_finite(t: Tables, measure: str, model: str) -> None:
    """Refuse when group 1 has as few, or as many, events as the margins allow in every trial."""
    people = np.full_like(t.size1, np.inf) if t.time else t.size1
    others = np.full_like(t.size2, np.inf) if t.time else t.size2
    if np.all(t.events1 == np.maximum(0.0, t.total - others)):
        raise infinite(measure, "group 2", model)
    if np.all(t.events1 == np.minimum(people, t.total)):
        raise infinite(measure, "group 1", model)


def _likelihood_ratio(statistic: float, df: int) -> CountTest:
    return chi2_test("Likelihood-ratio Q", "heterogeneity", statistic, df, df + 1)


def _typical(t: Tables, measure: str, tau2: float, random: bool) -> tuple[float, float]:
    """I² in percent and H² from tau² and the typical variance of the trials' own estimates."""
    _, vi = t.effects(measure)
    w = 1.0 / vi[np.isfinite(vi) & (vi > 0.0)]
    if not random or w.size < 2:
        return math.nan, math.nan
    total = math.fsum(w)
    typical = (w.size - 1.0) * total / (total**2 - math.fsum(w**2))
    return 100.0 * tau2 / (tau2 + typical), tau2 / typical + 1.0


def _tau2_interval(family: Family, best: Optimum, level: float) -> Interval:
    """Variances whose profile likelihood is not too far below the maximum."""
    room = 0.5 * chi2_quantile(level, 1.0)
    profile = along(family, best)

    def below(tau: float) -> float:
        return best.point.value - profile(tau) - room

    low = 0.0
    if best.tau > 0.0 and below(0.0) > 0.0:
        low = root(below, 0.0, best.tau, rtol=1e-9)
    near, far = best.tau, max(2.0 * best.tau, 0.1)
    profile = along(family, best)
    while far < _FAR_TAU and below(far) < 0.0:
        near, far = far, 1.6 * far
    high = root(below, near, far, rtol=1e-9) if far < _FAR_TAU else math.inf
    return Interval(low**2, high**2, level, "profile likelihood")


def _profile(family: Family, best: Optimum, random: bool, level: float) -> tuple[Interval, float]:
    """The interval of effects whose profile likelihood is near the maximum, and the p value."""
    room = 0.5 * chi2_quantile(level, 1.0)
    se = math.sqrt(float(best.covariance[0, 0]))

    def below(effect: float) -> float:
        held = highest(family, effect) if random else common(family, effect)
        return best.point.value - held.point.value - room

    bounds = []
    for side in (-1.0, 1.0):
        far = best.effect + side * 3.0 * se
        while below(far) < 0.0:
            far += side * 2.0 * se
        bounds.append(root(below, *sorted((best.effect, far)), rtol=1e-9, atol=1e-9 * se))
    p = chi2_tail(2.0 * (below(0.0) + room), 1.0)
    return Interval(bounds[0], bounds[1], level, "profile likelihood"), p


def _prediction(estimate: float, se: float, tau2: float, k: int, level: float) -> Interval | None:
    """For the true effect in a new trial: t with k − 1 degrees of freedom, from three trials on."""
    if k < 3:
        return None
    half = critical(level, k - 1.0) * math.sqrt(tau2 + se**2)
    return Interval(estimate - half, estimate + half, level, f"t with {k - 1} df")


def _about_tau2(tau: float, random: bool, k: int) -> tuple[Note, ...]:
    if not random or tau > 0.0 or k < 2:
        return ()
    text = "The variance between trials is estimated as 0: the result is that of a common effect."
    return (Note("tau2-zero", text),)


def _methods(model: str) -> tuple[Method, ...]:
    first = (papers.STIJNEN,) if model.startswith("CM") else ()
    return (*first, papers.JACKSON, papers.QUADRATURE)
