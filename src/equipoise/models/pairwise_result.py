"""What a pairwise synthesis found, as numbers; :mod:`equipoise.models.report` puts it in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.result import Interval, Method, Note, Result
from equipoise.effects.columns import make_frame
from equipoise.effects.contrasts import LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.estimators import standard_error
from equipoise.models.fit_statistics import FitStatistics, fit_statistics
from equipoise.models.heterogeneity import Spread, Tau2
from equipoise.models.presets import given_tau2

#: The column of `raw` that holds weights of the reviewer's own.
WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class OnReaderScale:
    """Estimate, interval and prediction interval as a reader sees them: ratios, not their logs."""

    estimate: float
    ci: Interval
    pi: Interval | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PairwiseResult(Result):
    """The mean effect over trials and how much the trials differ.

    Everything is on the scale of analysis (logs of ratios); :meth:`back` gives the reader's.

    Attributes
    ----------
    measure, model, preset
        Code of the measure; ``random`` or ``common``; the named set of defaults.
    k
        Number of estimates that were pooled.
    estimate, se, statistic, df, p_value
        The mean; the standard error, z or t statistic against no difference (against 0 for measures
        that compare nothing), degrees of freedom (infinite for z) and two-sided p value that
        belong to `ci`.
    ci
        Confidence interval of the mean; its method in words.
    interval
        Code of the interval that was used (never ``auto``).
    se_wald
        The plain standard error, whatever interval is used.
    other_cis
        The other usual confidence intervals, for comparison.
    level
        Confidence level of all intervals.
    tau2, tau2_ci, tau2_method, n_optima
        Variance of true effects between trials (0 under a common effect and for one trial); its
        interval (None for one trial, under a common effect, and where none was asked for); its
        estimator; how many local maxima the likelihood has.
    i2, i2_ci, h2, h2_ci
        I² in percent and H² with their intervals: from tau² and the typical variance, or from Q
        (under a common effect, and where asked for).
    q, q_df, q_p
        Cochran's test.
    pi
        Prediction interval for the true effect in a new trial; its method in words.
    study, yi, vi, weights, raw
        The pooled rows in the order given; weights in percent; the columns that the rows were
        computed from, by name, and ``weights`` where weights were given.
    n1, n2, treat1, treat2
        People in the two groups and what was compared, where known: one a row.
    asked
        The settings that were asked for, by name, such as the interval ``auto``.
    left_out
        Studies without an estimate, and why.
    notes, methods
        What to know about the result; the methods used, with their papers.
    """

    measure: str
    model: str
    preset: str
    k: int
    estimate: float
    se: float
    ci: Interval
    interval: str
    statistic: float
    df: float
    p_value: float
    se_wald: float
    other_cis: tuple[Interval, ...]
    level: float
    tau2: float
    tau2_ci: Interval | None
    tau2_method: str
    n_optima: int
    i2: float
    i2_ci: Interval | None
    h2: float
    h2_ci: Interval | None
    q: float
    q_df: int
    q_p: float
    pi: Interval | None
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    weights: NDArray[np.float64]
    raw: dict[str, NDArray[np.float64]]
    n1: NDArray[np.float64]
    n2: NDArray[np.float64]
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    asked: dict[str, str]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def back(self) -> OnReaderScale:
        """The mean and its intervals on the reader's scale."""
        m = measure_of(self.measure)
        pi = None if self.pi is None else m.back_interval(self.pi)
        return OnReaderScale(m.back(self.estimate), m.back_interval(self.ci), pi)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row for each pooled estimate."""
        return make_frame(
            {
                "study": self.study,
                "yi": self.yi,
                "vi": self.vi,
                "sei": np.sqrt(self.vi),
                "weight": self.weights,
            },
            backend,
        )

    @property
    def tau2_se(self) -> float:
        """Large-sample standard error of tau²; not a number where tau² was not estimated.

        tau² is far from normal, so `tau2_ci` says more.
        """
        spread = Spread(self.yi, self.vi)
        return standard_error(spread, Tau2(self.tau2, self.tau2_method), self.raw.get(WEIGHTS))

    def fit_statistics(self, likelihood: str | None = None) -> FitStatistics:
        """Log-likelihood, AIC, BIC and AICc.

        Parameters
        ----------
        likelihood
            ``ML`` or ``REML``; by default REML where tau² is by REML, else ML.
        """
        kind = likelihood or ("REML" if self.tau2_method == "REML" else "ML")
        estimated = self.model == "random" and given_tau2(self.asked["tau2"]) is None
        parameters = 2 if estimated else 1
        return fit_statistics(self.yi, self.vi, self.estimate, self.tau2, parameters, kind)

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood: restricted where tau² is by REML."""
        return self.fit_statistics().log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion, from the same likelihood."""
        return self.fit_statistics().aic

    @property
    def bic(self) -> float:
        """Schwarz's criterion, from the same likelihood."""
        return self.fit_statistics().bic

    @property
    def aicc(self) -> float:
        """Akaike's criterion corrected for few trials, from the same likelihood."""
        return self.fit_statistics().aicc

    @property
    def tau(self) -> float:
        """Standard deviation of true effects between trials."""
        return math.sqrt(self.tau2)
