"""The Henmi–Copas interval: random effects about the common-effect mean, robust to selection."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from equipoise.core.arguments import typed_late
from equipoise.core.result import Interval, Method, Note
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.likelihood import gauss_legendre
from equipoise.models.bias.rows import (
    BiasResult,
    Floats,
    check_level,
    effect_text,
    number,
    p_text,
    rows,
    trials,
)
from equipoise.models.heterogeneity import Spread, estimate_tau2
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.num.solve import root

METHOD = Method(
    "Henmi–Copas interval",
    "Henmi, Copas 2010, Stat Med 29:2969",
    "10.1002/sim.4029",
)

#: Below this, a distance from the mean is no distance.
_NOTHING = 1e-20


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HenmiCopas(BiasResult):
    """The common-effect mean with an interval that allows for heterogeneity.

    Attributes
    ----------
    measure, k
        Code of the measure; number of trials.
    estimate, se, p_value, ci
        The mean with the weights of a common effect, which small trials move least; its standard
        error with tau²; two-sided p value and interval from the distribution of the pivot.
    tau2
        Variance between trials, DerSimonian and Laird.
    quantile
        What stands in the place of 1.96.
    random, random_ci
        The usual random-effects mean, DerSimonian and Laird, Wald.
    study, yi, vi
        The trials.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    measure: str
    k: int
    estimate: float
    se: float
    p_value: float
    ci: Interval
    tau2: float
    quantile: float
    random: float
    random_ci: Interval
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with two rows: Henmi–Copas and DerSimonian–Laird."""
        columns: dict[str, Any] = {
            "method": ["Henmi–Copas", "DerSimonian–Laird"],
            "estimate": [self.estimate, self.random],
            "ci_low": [self.ci.low, self.random_ci.low],
            "ci_high": [self.ci.high, self.random_ci.high],
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        shown = effect_text(measure_of(self.measure), self.estimate, self.ci)
        return f"{self.measure} {shown}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield f"Henmi–Copas interval of {trials(self.k)}, {m.name}"
        yield ""
        yield f"Henmi–Copas: {effect_text(m, self.estimate, self.ci)}, {p_text(self.p_value)}"
        yield f"DerSimonian–Laird: {effect_text(m, self.random, self.random_ci)}"
        yield f"tau² {number(self.tau2)}, DL; quantile {number(self.quantile)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def henmi_copas(es: Contrasts | PairwiseFit, *, level: float = 0.95) -> HenmiCopas:
    """Give the common-effect mean an interval that holds under random effects.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    level
        Of the interval.

    Returns
    -------
    HenmiCopas

    Raises
    ------
    NotEstimableError
        Fewer than two trials.

    Notes
    -----
    The pivot is the distance of the common-effect mean from the truth over its standard error
    with DerSimonian and Laird's tau². Given the numerator, Q is approximated by a gamma
    distribution with its exact conditional mean and variance; the tail is an integral over the
    numerator, by Gauss–Legendre to about 1e-12.

    Source: Henmi, Copas 2010, Stat Med 29:2969, doi:10.1002/sim.4029. Checked against metafor's
    ``hc``, whose quantile is found to about 1e-4, in ``validation/values/bias.json``.
    """
    check_level(level)
    found = rows(es, least=2, what="the Henmi–Copas interval")
    spread = Spread(found.y, found.v)
    tau2 = estimate_tau2(spread, "DL").value
    pivot = Pivot(spread.v, tau2 / spread.scale)
    unit = math.sqrt(spread.scale)
    estimate = spread.origin + spread.mean(0.0) * unit
    se = unit * pivot.se
    quantile = pivot.quantile(0.5 * (1.0 - level))
    half = quantile * se
    random = pairwise(found.es, tau2="DL", interval="Wald", level=level)
    text = (
        "Small trials weigh little in this mean, so that selection among them moves it little; "
        "the interval is wider for it."
    )
    return HenmiCopas(
        measure=found.es.measure,
        k=found.k,
        estimate=estimate,
        se=se,
        p_value=min(1.0, 2.0 * pivot.tail(abs(estimate) / se)),
        ci=Interval(estimate - half, estimate + half, level, "Henmi–Copas"),
        tau2=tau2,
        quantile=quantile,
        random=random.estimate,
        random_ci=random.ci,
        study=found.es.study,
        yi=read_only(found.y),
        vi=read_only(found.v),
        left_out=found.left_out,
        notes=(*found.notes, Note("common-effect-weights", text)),
        methods=(METHOD,),
    )


class Pivot:
    """The distribution of the common-effect mean over its standard error with an estimated tau².

    With a the unit vector along the roots of the weights, D the weights and Σ = I + tau² D the
    covariance of standardised estimates z, the mean is ``R = a'z`` and Q is ``z'(I - aa')z``.
    Given R, z is normal with mean ``R Σa / VR`` and covariance ``Σ - Σaa'Σ / VR``.

    Parameters
    ----------
    v, tau2
        Variances and tau² in one unit.
    """

    __slots__ = ("_bend", "_df", "_ev", "_even", "_room", "_shift", "_vv", "se", "vr")

    def __init__(self, v: Floats, tau2: float) -> None:
        w = 1.0 / v
        w1 = float(w.sum())
        a = np.sqrt(w / w1)
        self._df = len(v) - 1
        self.vr = 1.0 + tau2 * float(a @ (w * a))
        self.se = math.sqrt(self.vr / w1)
        # tau² from Q: (Q - df) / room; it enters VR with the factor even.
        self._even = float(a @ (w * a))
        self._room = w1 - self._even
        M = np.eye(len(v)) - np.outer(a, a)
        sa = a + tau2 * w * a
        C = np.diag(1.0 + tau2 * w) - np.outer(sa, sa) / self.vr
        MC = M @ C
        m = M @ sa / self.vr  # the conditional mean per unit of R, its own part taken out
        self._shift = float(m @ m)
        self._bend = float(m @ C @ m)
        self._ev = float(np.trace(MC))
        self._vv = 2.0 * float((MC * MC.T).sum())

    def tail(self, x: float) -> float:
        """The chance that the pivot exceeds `x`, for x above 0."""
        if x <= _NOTHING:
            return 0.5
        sd = math.sqrt(self.vr)
        # R below x is never enough, because the estimated variance is at least 1.
        ends = x + np.linspace(0.0, 1.0, 41) ** 2 * (10.0 * sd + 2.0)
        r, weight = gauss_legendre(ends)
        q = self._df + ((r / x) ** 2 - 1.0) / self._even * self._room
        mean = self._ev + self._shift * r * r
        var = self._vv + 4.0 * self._bend * r * r
        rate = mean / var
        below = gammainc(mean * rate, q * rate)
        density = np.exp(-0.5 * (r / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))
        return float((weight * density * below).sum())

    def quantile(self, tail: float) -> float:
        """The value that the pivot exceeds with the chance `tail`."""
        high = 1.0
        while self.tail(high) > tail:
            high *= 2.0
        return root(lambda x: self.tail(x) - tail, 1e-9, high, rtol=1e-12)
