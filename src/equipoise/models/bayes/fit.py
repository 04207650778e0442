"""`bayes`: the posterior of effects and tau, by integration and not by sampling."""

from __future__ import annotations

from typing import overload

from equipoise.core.errors import InputError
from equipoise.effects.blocks import Contrasts
from equipoise.models.bayes.components import BayesComponents, components_posterior
from equipoise.models.bayes.network import BayesNetwork, network_posterior
from equipoise.models.bayes.pairwise import BayesPairwise, pairwise_posterior
from equipoise.models.bayes.posterior import check_choices
from equipoise.models.bayes.priors import EffectPrior, Prior
from equipoise.models.components.fit import ComponentFit
from equipoise.models.network.fit import NetworkFit
from equipoise.models.pairwise import PairwiseFit


@overload
def bayes(
    es: Contrasts | PairwiseFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    level: float = 0.95,
    interval: str = "central",
    rtol: float = 1e-8,
) -> BayesPairwise: ...
@overload
def bayes(
    es: NetworkFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    level: float = 0.95,
    interval: str = "central",
    rtol: float = 1e-8,
) -> BayesNetwork: ...
@overload
def bayes(
    es: ComponentFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    level: float = 0.95,
    interval: str = "central",
    rtol: float = 1e-8,
) -> BayesComponents: ...
def bayes(
    es: Contrasts | PairwiseFit | NetworkFit | ComponentFit,
    *,
    tau: Prior | float,
    effect: EffectPrior | None = None,
    level: float = 0.95,
    interval: str = "central",
    rtol: float = 1e-8,
) -> BayesPairwise | BayesNetwork | BayesComponents:
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
    level
        Level of all credible intervals.
    interval
        ``central``, or ``shortest`` (of highest density).
    rtol
        The grid of tau is made finer until no checked integral moves by more.

    Returns
    -------
    BayesPairwise, BayesNetwork or BayesComponents

    Raises
    ------
    InputError
        On priors that are none or are for another scale, on variances that are not positive, and
        on contrasts that share a group and are pooled as if they were independent.
    NotEstimableError
        When no trial has an estimate, or an improper prior of tau meets too few trials.
    UnknownNameError
        On an unknown kind of interval.

    Notes
    -----
    Given tau, estimates are normal and effects are integrated out in closed form; tau is
    integrated over a grid on a transformed line, where the trapezoidal rule converges
    exponentially. Quantiles are roots of the exact mixture. Nothing is sampled but ranks.

    Source: Röver 2020, J Stat Softw 93(6), doi:10.18637/jss.v093.i06 (model and mixture).
    Checked against bayesmeta's published results, brute-force quadrature in two dimensions and
    importance sampling: ``tests/models/bayes``.
    """
    how = check_choices(tau, effect, level, interval, rtol)
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
