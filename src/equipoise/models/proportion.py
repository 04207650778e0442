"""The share of true effects beyond a threshold: how often a mean effect is one that matters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result, html_lines
from equipoise.core.table import counted, percent, significant
from equipoise.effects.columns import make_frame
from equipoise.models.pairwise_result import PairwiseResult
from equipoise.num.dist import critical, normal_density, normal_tail

MATHUR = Method(
    "proportion of true effects beyond a threshold",
    "Mathur, VanderWeele 2019, Stat Med 38:1336",
    "10.1002/sim.8057",
)
WANG_LEE = Method(
    "estimates shrunk to the spread of the true effects",
    "Wang, Lee 2019, Res Synth Methods 10:255",
    "10.1002/jrsm.1345",
)

SIDES = ("above", "below")


@dataclass(frozen=True, slots=True, repr=False)
class ProportionBeyond(Result):
    """The estimated share of true effects above, or below, a threshold.

    Attributes
    ----------
    threshold, side
        On the scale of analysis; ``above`` or ``below``.
    estimate, se, ci
        The share if true effects are normal, from 0 to 1, with its large-sample standard error and
        Wald interval, cut at 0 and 1.
    calibrated
        The share of the trials' own estimates, shrunk so that they spread as the true effects do,
        that lie beyond: it does not rest on a normal distribution.
    notes, methods
        What to know; the methods with their papers.
    """

    threshold: float
    side: str
    estimate: float
    se: float
    ci: Interval
    calibrated: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def summary(self) -> str:
        """What was found, in words."""
        ci = f"{percent(100 * self.ci.low)} to {percent(100 * self.ci.high)}"
        head = (
            f"{percent(100 * self.estimate)} ({percent(100 * self.ci.level)} CI {ci}) of true "
            f"effects {self.side} {significant(self.threshold, 4)}; without a normal "
            f"distribution {percent(100 * self.calibrated)}"
        )
        return "\n".join([head, *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row."""
        names = ("threshold", "side", "estimate", "se", "calibrated")
        bounds = {"ci_low": [self.ci.low], "ci_high": [self.ci.high]}
        return make_frame({name: [getattr(self, name)] for name in names} | bounds, backend)

    def __repr__(self) -> str:
        return (
            f"<ProportionBeyond {percent(100 * self.estimate)} {self.side} "
            f"{significant(self.threshold, 4)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())


def proportion_beyond(
    fit: PairwiseResult, threshold: float, side: str = "above"
) -> ProportionBeyond:
    """Estimate the share of true effects beyond a threshold.

    Parameters
    ----------
    fit
        A random-effects synthesis of at least two trials with tau² above 0.
    threshold
        On the scale of analysis: ``math.log(0.8)`` for a risk ratio of 0.8.
    side
        ``above`` or ``below``.

    Raises
    ------
    InputError
        A threshold that is not finite, or a common effect, under which there is no such share.
    NotEstimableError
        tau² of 0: then all or none of the true effects lie beyond, and no interval is known.
    UnknownNameError
        Another side.

    Notes
    -----
    With z the distance of the threshold from the mean in units of tau, the share above is
    ``1 − Φ(z)`` and its standard error ``φ(z) √(se² / tau² + z² var(tau²) / (4 tau⁴))``, where mean
    and tau² are taken as independent.

    Source: Mathur, VanderWeele 2019, Stat Med 38:1336, equations 2.1 and 2.2.
    """
    if side not in SIDES:
        raise UnknownNameError("side", side, SIDES)
    if not math.isfinite(threshold):
        raise InputError(f"threshold {threshold:g}", hint="a number on the scale of analysis")
    if fit.model != "random":
        raise InputError("a share of true effects under a common effect", hint="model='random'")
    if fit.tau2 == 0.0:
        raise NotEstimableError(
            "tau² is estimated as 0: the trials tell of one true effect, not of a share",
            hint="the confidence interval of the mean against the threshold",
        )
    sign = 1.0 if side == "above" else -1.0
    z = sign * (threshold - fit.estimate) / fit.tau
    share = normal_tail(z)
    of_tau = 0.0 if math.isnan(fit.tau2_se) else 0.5 * z * fit.tau2_se / fit.tau2
    se = normal_density(z) * math.hypot(fit.se_wald / fit.tau, of_tau)
    half = critical(fit.level) * se
    ci = Interval(max(0.0, share - half), min(1.0, share + half), fit.level, "Wald, delta method")
    shrunk = fit.estimate + np.sqrt(fit.tau2 / (fit.tau2 + fit.vi)) * (fit.yi - fit.estimate)
    beyond = float((sign * (shrunk - threshold) > 0.0).mean())
    return ProportionBeyond(
        threshold, side, share, se, ci, beyond, _notes(fit.k, share), (MATHUR, WANG_LEE)
    )


def _notes(k: int, share: float) -> tuple[Note, ...]:
    notes = []
    if k < 10:
        text = (
            f"With {counted(k, 'trial')} the interval is too narrow: the method wants ten or more."
        )
        notes.append(Note("few-trials", text))
    if not 0.15 <= share <= 0.85:
        text = "Below 15% and above 85% the large-sample interval is unreliable."
        notes.append(Note("extreme-share", text))
    return tuple(notes)
