"""Log-likelihood and information criteria of a synthesis of one comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Result


@dataclass(frozen=True, slots=True)
class FitStatistics(Result):
    """Log-likelihood and information criteria.

    Attributes
    ----------
    likelihood
        ``ML`` or ``REML``: which likelihood.
    log_likelihood, aic, bic, aicc
        Its logarithm at the estimates, and the criteria of Akaike (1974, also corrected for few
        trials: Hurvich, Tsai 1989) and Schwarz (1978). Not a number for the restricted likelihood
        of a single trial.
    parameters
        How many were estimated: the mean, and tau² under random effects.
    """

    likelihood: str
    log_likelihood: float
    aic: float
    bic: float
    aicc: float
    parameters: int


def fit_statistics(
    yi: NDArray[np.float64],
    vi: NDArray[np.float64],
    estimate: float,
    tau2: float,
    parameters: int,
    likelihood: str,
) -> FitStatistics:
    """Compute log-likelihood, AIC, BIC and AICc.

    Parameters
    ----------
    yi, vi
        Estimates and variances, shape (k,).
    estimate, tau2
        Where the likelihood is taken.
    parameters
        How many were estimated.
    likelihood
        ``ML`` or ``REML``; the latter counts k − 1 observations, and is that of the contrasts
        between trials of unit length, so that it does not depend on how the design is coded.

    Raises
    ------
    UnknownNameError
        Another likelihood.

    Notes
    -----
    Checked against metafor's ``fitstats`` in ``validation/values/estimators.json``.
    """
    if likelihood not in ("ML", "REML"):
        raise UnknownNameError("likelihood", likelihood, ("ML", "REML"))
    k = len(yi)
    total = vi + tau2
    away = yi - estimate
    value = -0.5 * float(
        k * math.log(2.0 * math.pi) + np.log(total).sum() + (away * away / total).sum()
    )
    n = k
    if likelihood == "REML":
        n = k - 1
        value += 0.5 * (math.log(2.0 * math.pi * k) - math.log(float((1.0 / total).sum())))
        if n == 0:
            nan = math.nan
            return FitStatistics(likelihood, nan, nan, nan, nan, parameters)
    size = max(n, parameters + 2)
    return FitStatistics(
        likelihood=likelihood,
        log_likelihood=value,
        aic=2.0 * parameters - 2.0 * value,
        bic=parameters * math.log(n) - 2.0 * value,
        aicc=2.0 * parameters * size / (size - parameters - 1) - 2.0 * value,
        parameters=parameters,
    )
