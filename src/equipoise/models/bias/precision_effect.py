"""PET-PEESE: the effect of a trial without sampling error, by regression on its precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import fixed
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.line import Line, check_spread_of, line, mixed_line
from equipoise.models.bias.rows import (
    BiasResult,
    check_level,
    effect_text,
    few_note,
    number,
    p_text,
    rows,
    statistic_text,
    trials,
)
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import critical, t_two_sided

METHOD = Method(
    "precision-effect test and precision-effect estimate with standard error",
    "Stanley, Doucouliagos 2014, Res Synth Methods 5:60",
    "10.1002/jrsm.1095",
)
MODELS = ("lm", "random")
EXPECTED = ("positive", "negative", "either")


@dataclass(frozen=True, slots=True)
class PrecisionLine:
    """A regression on the standard error (PET) or the variance (PEESE).

    Attributes
    ----------
    estimate, se, statistic, df, p_value, ci
        The intercept: the effect of a trial without sampling error.
    slope, slope_se, slope_p
        The slope on the predictor.
    dispersion, tau2
        Residual dispersion (1 with a variance between trials); variance between trials.
    """

    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci: Interval
    slope: float
    slope_se: float
    slope_p: float
    dispersion: float
    tau2: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PetPeese(BiasResult):
    """The conditional estimate, and both regressions that it chooses from.

    Attributes
    ----------
    measure, k, model
        Code of the measure; number of trials; ``lm`` or ``random``.
    pet, peese
        The regressions on the standard error and on the variance.
    chosen
        ``PEESE`` where PET finds an effect, else ``PET``.
    expected, alpha
        The direction in which PET looks for an effect, and its level.
    pet_p
        The p value by which it was chosen.
    estimate, ci
        Of the chosen regression, on the scale of analysis.
    study, yi, vi
        The trials.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    measure: str
    k: int
    model: str
    pet: PrecisionLine
    peese: PrecisionLine
    chosen: str
    expected: str
    alpha: float
    pet_p: float
    estimate: float
    ci: Interval
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a regression, on the scale of analysis."""
        both = (self.pet, self.peese)
        columns: dict[str, Any] = {
            "method": ["PET", "PEESE"],
            "estimate": [one.estimate for one in both],
            "se": [one.se for one in both],
            "ci_low": [one.ci.low for one in both],
            "ci_high": [one.ci.high for one in both],
            "p_value": [one.p_value for one in both],
            "slope": [one.slope for one in both],
            "slope_se": [one.slope_se for one in both],
            "slope_p": [one.slope_p for one in both],
            "chosen": [name == self.chosen for name in ("PET", "PEESE")],
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        shown = effect_text(measure_of(self.measure), self.estimate, self.ci)
        return f"{self.chosen} {self.measure} {shown}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield f"PET-PEESE of {trials(self.k)}, {m.name}"
        yield ""
        for name, one in (("PET", self.pet), ("PEESE", self.peese)):
            yield (
                f"{name}: {effect_text(m, one.estimate, one.ci)}, "
                f"{statistic_text(one.statistic, one.df)}, {p_text(one.p_value)}; "
                f"slope {number(one.slope)}, {p_text(one.slope_p)}"
            )
        sides = "two-sided" if self.expected == "either" else f"one-sided, {self.expected}"
        verdict = "an effect" if self.chosen == "PEESE" else "no effect"
        yield (
            f"PET finds {verdict} at {fixed(self.alpha, 3)} ({sides}, {p_text(self.pet_p)}), so "
            f"{self.chosen} is taken"
        )
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def pet_peese(
    es: Contrasts | PairwiseFit,
    *,
    model: str = "lm",
    expected: str = "either",
    alpha: float = 0.1,
    tau2: str = "REML",
    level: float = 0.95,
) -> PetPeese:
    """Estimate the effect of a trial without sampling error.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    model
        ``lm`` (multiplicative dispersion, as its authors) or ``random`` (a variance between
        trials by the estimator `tau2`).
    expected
        Direction of an effect that PET tests for: ``positive``, ``negative`` (one-sided) or
        ``either`` (two-sided).
    alpha
        Level of that test; where it finds an effect, PEESE is taken, else PET.
    level
        Of the intervals.

    Returns
    -------
    PetPeese

    Raises
    ------
    UnknownNameError
        An unknown model, direction or estimator.
    NotEstimableError
        Fewer than three trials, or trials of one size.

    Notes
    -----
    PET is the intercept of the regression on the standard error, PEESE that on the variance, both
    with weights ``1/v``. Source: Stanley, Doucouliagos 2014, Res Synth Methods 5:60,
    doi:10.1002/jrsm.1095. Checked against metafor's ``regtest`` with predictors sei and vi.
    """
    for kind, name, known in (("model", model, MODELS), ("direction", expected, EXPECTED)):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    check_level(level)
    check_level(alpha, "alpha")
    found = rows(es, least=3, what="PET-PEESE")
    se = np.sqrt(found.v)
    check_spread_of(se, "standard error")

    def fitted(x: NDArray[np.float64]) -> PrecisionLine:
        if model == "random":
            return _told(mixed_line(found.y, x, found.v, tau2), 1.0, math.inf, level)
        plain = line(found.y, x, found.v)
        return _told(plain, plain.dispersion, float(plain.df), level)

    pet, peese = fitted(se), fitted(found.v)
    p = pet.p_value
    if expected != "either":
        found_side = (pet.statistic > 0.0) == (expected == "positive")
        p = 0.5 * p if found_side else 1.0 - 0.5 * p
    chosen = peese if p < alpha else pet
    notes = [*found.notes, *few_note(found.k), *_about(found.es.measure)]
    return PetPeese(
        measure=found.es.measure,
        k=found.k,
        model=model,
        pet=pet,
        peese=peese,
        chosen="PEESE" if p < alpha else "PET",
        expected=expected,
        alpha=alpha,
        pet_p=p,
        estimate=chosen.estimate,
        ci=chosen.ci,
        study=found.es.study,
        yi=read_only(found.y),
        vi=read_only(found.v),
        left_out=found.left_out,
        notes=tuple(notes),
        methods=(METHOD,),
    )


def _told(found: Line, scale: float, df: float, level: float) -> PrecisionLine:
    se, slope_se = math.sqrt(found.var_intercept * scale), math.sqrt(found.var_slope * scale)
    statistic = _over(found.intercept, se)
    half = critical(level, df) * se
    return PrecisionLine(
        estimate=found.intercept,
        se=se,
        statistic=statistic,
        df=df,
        p_value=t_two_sided(statistic, df),
        ci=Interval(found.intercept - half, found.intercept + half, level, "limit estimate"),
        slope=found.slope,
        slope_se=slope_se,
        slope_p=t_two_sided(_over(found.slope, slope_se), df),
        dispersion=scale,
        tau2=found.tau2,
    )


def _over(value: float, se: float) -> float:
    if se > 0.0:
        return value / se
    return math.copysign(math.inf, value) if value else 0.0


def _about(code: str) -> Iterator[Note]:
    if code in ("SMD", "OR"):
        text = (
            "The standard error of this measure depends on the effect itself, which biases "
            "regressions on it."
        )
        yield Note("se-depends-on-effect", text)
    text = (
        "A sensitivity analysis: the effect of a trial without error lies outside the data, and "
        "heterogeneity or trials that are all small make it unreliable."
    )
    yield Note("extrapolation", text)
