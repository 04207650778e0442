"""The numbers of a funnel plot: points, the pseudo confidence limits, contours of significance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.result import Method, Note
from equipoise.core.table import counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.rows import BiasResult, check_level, number, trials
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.num.dist import critical

CONTOURS = Method(
    "contours of significance in a funnel plot",
    "Peters, Sutton, Jones, Abrams, Rushton 2008, J Clin Epidemiol 61:991",
    "10.1016/j.jclinepi.2007.11.010",
)
FUNNEL = Method(
    "funnel plot with pseudo confidence limits",
    "Sterne, Egger 2001, J Clin Epidemiol 54:1046",
    "10.1016/S0895-4356(01)00377-8",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FunnelData(BiasResult):
    """What a funnel plot draws, on the scale of analysis.

    Attributes
    ----------
    measure, k, center, tau2, level
        Code of the measure; number of trials; the mean that the funnel stands on; the variance
        between trials in its width (0 unless asked for); the level of its limits.
    study, yi, sei
        The points.
    inside
        Whether each point lies within the limits.
    se, low, high
        The limits along standard errors from 0 to a little beyond the largest.
    contour_levels
        Levels of the contours about no difference, descending p values: 0.1, 0.05, 0.01.
    contour_half
        For each level, half the width of its contour per standard error: contours lie at
        ``±half * se`` around 0 of the analysis scale.
    p_value
        Two-sided p value of each point against no difference.
    notes, methods
        What to know; the methods with their papers.
    """

    measure: str
    k: int
    center: float
    tau2: float
    level: float
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    sei: NDArray[np.float64]
    inside: NDArray[np.intp]
    se: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    contour_levels: tuple[float, ...]
    contour_half: tuple[float, ...]
    p_value: NDArray[np.float64]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a point."""
        columns: dict[str, Any] = {
            "study": self.study,
            "yi": self.yi,
            "sei": self.sei,
            "p": self.p_value,
            "inside": self.inside.astype(bool),
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        return f"{self.measure} {int(self.inside.sum())} of {self.k} within the limits"

    def _lines(self) -> Iterator[str]:
        yield f"Funnel of {trials(self.k)}, {measure_of(self.measure).name}"
        yield ""
        yield (
            f"Center {number(self.center)} on the scale of analysis; {int(self.inside.sum())} of "
            f"{self.k} within the limits at {number(self.level)}"
        )
        for level in self.contour_levels:
            below = int((self.p_value < level).sum())
            yield f"p below {number(level)}: {trials(below) if below else 'no trial'}"


@typed_late
def funnel_data(
    fit: PairwiseFit | Contrasts,
    *,
    contours: Sequence[float] = (0.1, 0.05, 0.01),
    level: float | None = None,
    center: float | None = None,
    heterogeneity: bool = False,
    points: int = 61,
) -> FunnelData:
    """Compute what a funnel plot draws.

    Parameters
    ----------
    fit
        A fit, whose mean the funnel stands on; or effects, which are pooled by the defaults.
    contours
        Two-sided p values of the contours about no difference.
    level
        Of the limits; that of the fit when None.
    center
        Where the funnel stands, on the scale of analysis; the mean of the fit when None.
    heterogeneity
        Whether tau² widens the limits. Without it they say where trials would lie if they differed
        by chance alone.
    points
        Number of standard errors at which limits are given.

    Returns
    -------
    FunnelData

    Raises
    ------
    InputError
        Contours or a level outside 0 to 1, or fewer than two points.
    """
    given = fit if isinstance(fit, PairwiseFit) else pairwise(fit)
    levels = tuple(sorted((float(c) for c in contours), reverse=True))
    for one in levels:
        check_level(one, "contour")
    level = given.level if level is None else level
    check_level(level)
    if points < 2:
        raise InputError(f"{counted(points, 'point')} of the limits", hint="at least two")
    middle = given.estimate if center is None else float(center)
    if not math.isfinite(middle):
        raise InputError(f"center {middle:g}", hint="a finite effect on the scale of analysis")
    tau2 = given.tau2 if heterogeneity else 0.0
    z = critical(level)
    sei = np.sqrt(given.vi)
    se = np.linspace(0.0, 1.05 * float(sei.max()), points)
    half = z * np.sqrt(se * se + tau2)
    inside = np.abs(given.yi - middle) <= z * np.sqrt(given.vi + tau2)
    from_null = np.abs(given.yi) / sei
    text = (
        "The limits are not a test: with differences between trials, more than their share lies "
        "outside without any bias."
    )
    return FunnelData(
        measure=given.measure,
        k=given.k,
        center=middle,
        tau2=tau2,
        level=level,
        study=given.study,
        yi=given.yi,
        sei=read_only(sei),
        inside=read_only(inside, np.intp),
        se=read_only(se),
        low=read_only(middle - half),
        high=read_only(middle + half),
        contour_levels=levels,
        contour_half=tuple(critical(1.0 - one) for one in levels),
        p_value=read_only(_two_sided(from_null)),
        notes=(Note("limits-are-no-test", text),),
        methods=(FUNNEL, CONTOURS),
    )


def _two_sided(z: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 2.0 * ndtr(-z)
    return found
