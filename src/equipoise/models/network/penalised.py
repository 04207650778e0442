"""Penalised likelihood network: logistic regression with a baseline a trial, always finite."""

from __future__ import annotations

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.result import Method, Note
from equipoise.core.table import significant
from equipoise.effects.columns import Floats
from equipoise.models.counts.firth import penalised_logistic
from equipoise.models.counts.result import Convergence
from equipoise.models.network.armcounts import ArmCounts, Pool, names_of, told_nothing
from equipoise.models.network.connect import check_connected

EVRENOGLOU = Method(
    "network meta-analysis by penalised likelihood",
    "Evrenoglou, White, Afach, Mavridis, Chaimani 2022, Stat Med 41:5203",
    "10.1002/sim.9562",
)
FLETCHER = Method(
    "overdispersion where data are sparse",
    "Fletcher 2012, Biometrika 99:230",
    "10.1093/biomet/asr083",
)


def penalised(counts: ArmCounts, *, overdispersed: bool = False) -> Pool:
    """Fit the logistic network by likelihood penalised with Jeffreys' prior.

    Parameters
    ----------
    counts
        All arms; trials and treatments without any event take part.
    overdispersed
        Multiply variances by the overdispersion, where it is above 1.

    Notes
    -----
    Log odds are a baseline of the trial plus the effect of the treatment. The overdispersion is
    Pearson's statistic over its degrees of freedom, divided by one plus the mean of
    ``(1 − 2p)(events − np)/(np(1 − p))``.

    Source: Evrenoglou et al. 2022, Stat Med 41:5203, doi:10.1002/sim.9562; Fletcher 2012,
    Biometrika 99:230, doi:10.1093/biomet/asr083. Checked against netmeta in
    ``tests/reference/test_network_rare_reference.py``.
    """
    check_connected(counts.star())
    k, n = len(counts.trials), len(counts.treatments)
    X = np.zeros((len(counts), k + n))
    row = np.arange(len(counts))
    X[row, counts.trial] = 1.0
    X[row, k + counts.treat] = 1.0
    X = np.delete(X, k, axis=1)
    best = penalised_logistic(X, np.asarray(counts.events), np.asarray(counts.n))
    theta, cov = np.zeros(n), np.zeros((n, n))
    theta[1:] = best.beta[k:]
    cov[1:, 1:] = best.covariance[k:, k:]
    dispersion, notes = _dispersion(X, best.beta, counts) if overdispersed else (1.0, ())
    methods = (EVRENOGLOU, papers.FIRTH, *((FLETCHER,) if overdispersed else ()))
    return Pool(
        counts,
        theta,
        cov,
        methods,
        (),
        names_of(counts, told_nothing(counts)),
        "take part",
        notes=notes,
        designs=len(counts.designs()),
        dispersion=dispersion,
        convergence=Convergence(best.gradient, 0, 0.0, 1),
    )


def _dispersion(X: Floats, beta: Floats, c: ArmCounts) -> tuple[float, tuple[Note, ...]]:
    df = X.shape[0] - X.shape[1]
    if df < 1:
        text = "There are as many parameters as arms, so overdispersion counts as 1."
        return 1.0, (Note("no-degrees-of-freedom", text),)
    p = special.expit(X @ beta)
    v = c.n * p * special.expit(-(X @ beta))
    left = c.events - c.n * p
    found = float(np.sum(left**2 / v)) / df / (1.0 + float(np.mean((1.0 - 2.0 * p) * left / v)))
    if found > 1.0:
        return found, ()
    text = f"The overdispersion is estimated as {significant(found, 3)}; it counts as 1."
    return 1.0, (Note("no-overdispersion", text),)
