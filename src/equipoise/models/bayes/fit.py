"""`bayes`: the posterior of effects and tau, by integration and not by sampling."""

from __future__ import annotations

from typing import Literal, overload

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.models.bayes.component_counts import component_counts_posterior
from equipoise.models.bayes.components import BayesComponents, components_posterior
from equipoise.models.bayes.counts import BayesCounts, counts_posterior
from equipoise.models.bayes.network import BayesNetwork, network_posterior
from equipoise.models.bayes.network_counts import network_counts_posterior
from equipoise.models.bayes.pairwise import BayesPairwise, pairwise_posterior
from equipoise.models.bayes.posterior import check_choices
from equipoise.models.bayes.priors import EffectPrior, Prior
from equipoise.models.components.fit import ComponentFit
from equipoise.models.network.fit import NetworkFit
from equipoise.models.pairwise import PairwiseFit

LIKELIHOODS = ("normal", "exact", "binomial")


@overload
def bayes(
    es: Contrasts | PairwiseFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    likelihood: Literal["normal"] = "normal",
    level: float = 0.95,
    interval: str = "central",
    rtol: float | None = None,
) -> BayesPairwise: ...
@overload
def bayes(
    es: Contrasts | PairwiseFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    likelihood: Literal["exact"],
    level: float = 0.95,
    interval: str = "central",
    rtol: float | None = None,
) -> BayesCounts: ...
@overload
def bayes(
    es: NetworkFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    likelihood: str = "normal",
    level: float = 0.95,
    interval: str = "central",
    rtol: float | None = None,
) -> BayesNetwork: ...
@overload
def bayes(
    es: ComponentFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    likelihood: str = "normal",
    level: float = 0.95,
    interval: str = "central",
    rtol: float | None = None,
) -> BayesComponents: ...
@typed
def bayes(
    es: Contrasts | PairwiseFit | NetworkFit | ComponentFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    likelihood: str = "normal",
    level: float = 0.95,
    interval: str = "central",
    rtol: float | None = None,
) -> BayesPairwise | BayesNetwork | BayesComponents | BayesCounts:
    """Synthesise trials under priors, without sampling.

    Parameters
    ----------
    es
        Contrasts of one comparison, or a fitted pairwise synthesis, network or component model,
        whose contrasts are used.
    tau
        Prior of tau, the standard deviation of true effects between trials, on the scale of
        analysis (:mod:`equipoise.models.bayes.priors`); a number takes tau as known. It is asked
        for, never assumed.
    effect
        Prior of the mean effect, of every treatment against the reference, or of every component:
        ``priors.normal(mean, sd)``; flat when not given.
    likelihood
        ``normal``: estimates are normal with known variances. ``exact``: the counts of one
        comparison, odds ratios or rate ratios, given the margins of every trial, so that nothing is
        added to empty cells; it takes seconds. ``binomial``: events and people of every group of
        a network or component model of odds ratios, with flat baselines; nothing is added to empty
        cells.
    level
        Level of all credible intervals.
    interval
        ``central``, or ``shortest`` (of highest density).
    rtol
        Grids are made finer until no checked integral would move by more: 1e-8 when not given,
        1e-6 for the exact likelihood. For binomial likelihoods, the standard error of medians and
        ends of intervals in posterior standard deviations: 5e-3.

    Returns
    -------
    BayesPairwise, BayesNetwork, BayesComponents or BayesCounts

    Raises
    ------
    InputError
        On priors that are none or are for another scale, on variances that are not positive, and
        on contrasts that share a group and are pooled as if they were independent.
    NotEstimableError
        When no trial has an estimate, or an improper prior of tau meets too few trials.
    UnknownNameError
        On an unknown likelihood or kind of interval.

    Notes
    -----
    Given tau, estimates are normal and effects are integrated out in closed form; tau is
    integrated over a grid on a transformed line, where the trapezoidal rule converges
    exponentially. Quantiles are roots of the exact mixture. Nothing is sampled but ranks.

    Source: Röver 2020, J Stat Softw 93(6), doi:10.18637/jss.v093.i06 (model and mixture).
    Checked against bayesmeta's published results, brute-force quadrature in two dimensions and
    importance sampling: ``tests/models/bayes``.
    """
    if likelihood not in LIKELIHOODS:
        raise UnknownNameError("likelihood", likelihood, LIKELIHOODS)
    usual = {"exact": 1e-6, "binomial": 5e-3}.get(likelihood, 1e-8)
    how = check_choices(tau, effect, level, interval, usual if rtol is None else rtol)
    if likelihood == "exact":
        return counts_posterior(_counted(es), how)
    if likelihood == "binomial":
        if isinstance(es, ComponentFit):
            return component_counts_posterior(es, how)
        return network_counts_posterior(_network(es), how)
    if isinstance(es, (Contrasts, PairwiseFit)):
        return pairwise_posterior(es, how)
    if isinstance(es, NetworkFit):
        return network_posterior(es, how)
    if isinstance(es, ComponentFit):
        return components_posterior(es, how)
    raise InputError(
        f"a {type(es).__name__} as evidence",
        where="argument es",
        hint="contrasts of one comparison, or what pairwise(), network() or components() gave",
    )


def _counted(es: object) -> Contrasts:
    """The contrasts of one comparison, with their counts."""
    if isinstance(es, PairwiseFit):
        return Contrasts(es.measure, es.study, es.yi, es.vi, raw=es.raw)
    if isinstance(es, Contrasts):
        return es
    raise InputError(
        f"the exact likelihood of a {type(es).__name__}",
        hint="contrasts of one comparison that keep their counts, or likelihood='normal'",
    )


def _network(es: object) -> NetworkFit:
    if isinstance(es, NetworkFit):
        return es
    raise InputError(
        f"binomial likelihoods of a {type(es).__name__}",
        where="argument es",
        hint="what network() or components() gave; for one comparison likelihood='exact'",
    )
