"""Excess significance: are more trials significant than their power lets expect?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtr

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.core.table import percent
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.rows import (
    BiasResult,
    Floats,
    check_level,
    few_note,
    number,
    p_text,
    rows,
    trials,
)
from equipoise.models.bias.weights import ALTERNATIVES
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import normal_quantile

METHOD = Method(
    "test of excess significance",
    "Ioannidis, Trikalinos 2007, Clin Trials 4:245",
    "10.1177/1740774507079441",
)
TESTS = ("exact", "chi2", "binomial")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ExcessSignificance(BiasResult):
    """Observed and expected numbers of significant trials.

    Attributes
    ----------
    test, alternative
        ``exact``, ``chi2`` or ``binomial``; which results count as significant.
    measure, k, alpha
        Code of the measure; number of trials; the level at which a trial is significant.
    theta, tau2
        The true effect and variance between trials that the power is computed for.
    observed, expected
        How many are significant, and how many would be by their power.
    p_value
        One-sided: of at least as many.
    study, yi, vi, pi, power, significant
        The trials: p values, power, and which are significant.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    test: str
    alternative: str
    measure: str
    k: int
    alpha: float
    theta: float
    tau2: float
    observed: int
    expected: float
    p_value: float
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    pi: NDArray[np.float64]
    power: NDArray[np.float64]
    significant: NDArray[np.intp]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial: p value and power."""
        columns: dict[str, Any] = {
            "study": self.study,
            "yi": self.yi,
            "vi": self.vi,
            "p": self.pi,
            "power": self.power,
            "significant": self.significant.astype(bool),
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        return (
            f"{self.observed} significant of {self.k}, {number(self.expected, 3)} expected, "
            f"{p_text(self.p_value)}"
        )

    def _lines(self) -> Iterator[str]:
        yield f"Excess significance in {trials(self.k)}, {measure_of(self.measure).name}"
        yield ""
        yield (
            f"Significant at {number(self.alpha)}: {self.observed} observed, "
            f"{number(self.expected, 4)} expected ({self.test} test, {p_text(self.p_value)})"
        )
        powers = [float(np.quantile(self.power, q)) for q in (0.0, 0.5, 1.0)]
        low, middle, high = (percent(100.0 * power) for power in powers)
        yield (
            f"Power {low} to {high}, median {middle}, for a true effect of {number(self.theta)} "
            f"on the scale of analysis with tau² {number(self.tau2)}"
        )
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def excess_significance(
    es: Contrasts | PairwiseFit,
    *,
    alternative: str = "two-sided",
    test: str = "exact",
    alpha: float = 0.05,
    theta: float | None = None,
    tau2: float = 0.0,
) -> ExcessSignificance:
    """Test whether more trials are significant than their power lets expect.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    alternative
        Which results count as significant: ``two-sided``, ``greater`` or ``less``.
    test
        ``exact`` (the distribution of a sum of trials of unequal chance), ``chi2`` or ``binomial``
        (as if all had the mean power).
    alpha
        The level at which a trial is significant.
    theta, tau2
        The true effect and the variance between trials that the power is computed for; None takes
        the mean with that tau², the common-effect mean when it is 0.

    Returns
    -------
    ExcessSignificance

    Raises
    ------
    UnknownNameError
        An unknown alternative or test.
    InputError
        A level outside 0 to 1, or a negative tau².

    Notes
    -----
    Source: Ioannidis, Trikalinos 2007, Clin Trials 4:245, doi:10.1177/1740774507079441. Checked
    against metafor's ``tes`` in ``validation/values/bias_excess.json``.
    """
    for kind, name, known in (
        ("alternative", alternative, ALTERNATIVES),
        ("test", test, TESTS),
    ):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    check_level(alpha, "alpha")
    if not 0.0 <= tau2 < math.inf:
        raise InputError(f"tau² {tau2:g}", hint="a variance of 0 or more")
    found = rows(es, least=2, what="a test of excess significance")
    y, v, k = found.y, found.v, found.k
    if theta is None:
        w = float(v.min() + tau2) / (v + tau2)
        theta = float(w @ y / w.sum())
    elif not math.isfinite(theta):
        raise InputError(f"theta {theta:g}", hint="a finite effect on the scale of analysis")
    sigma = np.sqrt(v)
    power = _power(theta / sigma, np.sqrt(1.0 + tau2 / v), alternative, alpha)
    p = _p_values(y / sigma, alternative)
    hits = p <= alpha
    observed, expected = int(hits.sum()), float(power.sum())
    text = (
        "Significant trials exceed what one effect lets expect for other reasons too: true effects "
        "that differ, or a mean that is itself inflated, which lowers this test's power."
    )
    return ExcessSignificance(
        test=test,
        alternative=alternative,
        measure=found.es.measure,
        k=k,
        alpha=alpha,
        theta=theta,
        tau2=tau2,
        observed=observed,
        expected=expected,
        p_value=_tail(test, observed, power),
        study=found.es.study,
        yi=read_only(y),
        vi=read_only(v),
        pi=read_only(p),
        power=read_only(power),
        significant=read_only(hits, np.intp),
        left_out=found.left_out,
        notes=(*found.notes, *few_note(k), Note("not-only-selection", text)),
        methods=(METHOD,),
    )


def _power(center: Floats, spread: Floats, alternative: str, alpha: float) -> Floats:
    """The chance of each trial's z statistic to be significant."""
    if alternative == "two-sided":
        cut = normal_quantile(1.0 - 0.5 * alpha)
        found: Floats = ndtr((-cut - center) / spread) + ndtr((center - cut) / spread)
        return found
    cut = normal_quantile(1.0 - alpha)
    side = 1.0 if alternative == "greater" else -1.0
    one: Floats = ndtr((side * center - cut) / spread)
    return one


def _p_values(z: Floats, alternative: str) -> Floats:
    if alternative == "two-sided":
        both: Floats = 2.0 * ndtr(-np.abs(z))
        return both
    one: Floats = ndtr(-z if alternative == "greater" else z)
    return one


def _tail(test: str, observed: int, power: Floats) -> float:
    """The chance of at least as many significant trials."""
    k, expected = len(power), float(power.sum())
    if test == "exact":
        shares = np.ones(1)
        for chance in power:
            shares = np.convolve(shares, [1.0 - chance, chance])
        return min(1.0, float(shares[observed:].sum()))
    if test == "binomial":
        return 1.0 if observed == 0 else float(betainc(observed, k - observed + 1, expected / k))
    away = observed - expected
    spread = math.sqrt(expected * (k - expected) / k)
    return float(ndtr(-away / spread))
