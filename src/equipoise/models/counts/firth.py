"""Logistic regression with a baseline a trial, penalised by Jeffreys' prior: always finite."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Interval
from equipoise.effects.columns import Floats
from equipoise.models.counts.pooled import Pooled
from equipoise.models.counts.result import Convergence
from equipoise.models.counts.tables import Tables
from equipoise.num.dist import chi2_quantile, chi2_tail
from equipoise.num.solve import root


@dataclass(frozen=True, slots=True)
class Penalised:
    """Coefficients, their covariance, the penalised log-likelihood, and the step still asked."""

    beta: Floats
    covariance: Floats
    value: float
    gradient: float


def penalised_logistic(
    X: Floats, events: Floats, n: Floats, *, fixed: tuple[int, float] | None = None
) -> Penalised:
    """Maximise the binomial log-likelihood plus half the log-determinant of the information.

    Parameters
    ----------
    X
        Design, shape (rows, coefficients), of full rank.
    events, n
        Counts of each row.
    fixed
        A coefficient and the value it is held at, for profiles; the penalty stays that of all.

    Raises
    ------
    NotEstimableError
        No convergence.

    Notes
    -----
    The score of coefficient r is ``Σ x_r (events - n p + h (1/2 - p))`` with h the leverages.
    Fisher scoring, halved until the penalised likelihood rises. Source: Firth 1993, Biometrika
    80:27, doi:10.1093/biomet/80.1.27; Heinze, Schemper 2002, Stat Med 21:2409,
    doi:10.1002/sim.1047.
    """
    beta = np.zeros(X.shape[1])
    free = np.ones(X.shape[1], dtype=bool)
    if fixed is not None:
        beta[fixed[0]] = fixed[1]
        free[fixed[0]] = False
    now = _look(X, events, n, beta)
    for _ in range(2000):
        value, score, information = now
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        asks = math.sqrt(abs(float(score[free] @ step[free])))
        if asks < 1e-11:
            covariance = np.array(np.linalg.inv(information), dtype=np.float64)
            return Penalised(beta, covariance, value, asks)
        step *= min(1.0, 3.0 / float(np.max(np.abs(step))))
        for _ in range(40):
            then = _look(X, events, n, beta + step)
            if then[0] >= value - 1e-12 * (1.0 + abs(value)):
                break
            step *= 0.5
        beta, now = beta + step, then
    raise NotEstimableError("the penalised likelihood did not converge", hint="model='MH'")


def _look(X: Floats, events: Floats, n: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
    at = X @ beta
    p = special.expit(at)
    w = n * p * special.expit(-at)
    information = X.T @ (w[:, None] * X)
    sign, log_det = np.linalg.slogdet(information)
    inside = float(np.sum(events * at - n * np.logaddexp(0.0, at)))
    value = inside + 0.5 * float(log_det) if sign > 0 else -math.inf
    half = np.linalg.solve(information, X.T)
    leverage = w * np.einsum("ij,ji->i", X, half)
    score = X.T @ (events - n * p + leverage * (0.5 - p))
    return value, score, information


def firth(t: Tables, *, interval: str, level: float) -> Pooled:
    """The odds ratio of penalised logistic regression with a baseline for each trial.

    Trials without any event take part: the penalty gives them finite baselines. `interval` is
    ``Wald``, or ``profile`` for that of the penalised likelihood.
    """
    k = len(t)
    X = np.zeros((2 * k, k + 1))
    X[np.arange(2 * k), np.tile(np.arange(k), 2)] = 1.0
    X[:k, k], X[k:, k] = 0.5, -0.5
    events, n = np.concatenate([t.events1, t.events2]), np.concatenate([t.size1, t.size2])
    best = penalised_logistic(X, events, n)
    estimate, se = float(best.beta[k]), math.sqrt(float(best.covariance[k, k]))
    ci, p = None, None
    if interval == "profile":
        room = 0.5 * chi2_quantile(level, 1.0)

        def over(effect: float) -> float:
            held = penalised_logistic(X, events, n, fixed=(k, effect))
            return best.value - held.value - room

        bounds = []
        for side in (-1.0, 1.0):
            far = estimate + side * 3.0 * se
            while over(far) < 0.0:
                far += side * 2.0 * se
            bounds.append(root(over, *sorted((estimate, far)), rtol=1e-10, atol=1e-10))
        ci = Interval(bounds[0], bounds[1], level, "profile of the penalised likelihood")
        p = chi2_tail(2.0 * (over(0.0) + room), 1.0)
    return Pooled(
        estimate,
        se,
        np.ones(k, dtype=bool),
        (papers.FIRTH, papers.HEINZE),
        ci=ci,
        p_value=p,
        convergence=Convergence(best.gradient, 0, 0.0, 1),
    )
