"""`Measure`: what an effect measure is made of. The registry of them is in `measures`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from equipoise.core.result import Interval, Method
from equipoise.effects.columns import Floats
from equipoise.effects.scales import SCALES, back

Number = TypeVar("Number", float, NDArray[np.float64])

#: Columns by name, one value a study.
Values: TypeAlias = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class How:
    """Which variance is asked for, and whether a bias is corrected."""

    variance: str
    correct: bool


#: From columns to estimates and variances.
Formula: TypeAlias = Callable[[Values, How], tuple[Floats, Floats]]

#: What a formula is fed with; the columns of each are in :mod:`equipoise.effects.inputs`.
Data = Literal[
    "binary",
    "rates",
    "continuous",
    "spreads",
    "standardised",
    "proportion",
    "rate",
    "mean",
    "spread",
    "paired",
    "paired spreads",
    "matched",
    "margins",
    "correlation",
    "partial",
    "semipartial",
    "explained",
    "reliability",
    "survival",
    "genotypes",
    "superiority",
    "any",
]


@dataclass(frozen=True, slots=True)
class Measure:
    """An effect measure.

    Attributes
    ----------
    code
        As it is written in code, files and pages: ``RR``.
    name
        As it is printed in words: ``risk ratio``.
    scale
        Scale of analysis, a key of :data:`equipoise.effects.scales.SCALES`: ``log``, ``natural``…
    data
        What it is computed from: ``binary``, ``continuous``, ``rates``…; ``any`` for measures
        that are only read from reports.
    unit
        What one unit of the back-transformed effect is, in words.
    method
        The paper that it is computed by.
    formula
        From the columns of `data` to estimates and variances; None where it is `arm` of group 1
        minus `arm` of group 2.
    arm
        From the columns of one group to its value and variance, for measures that are the
        difference of one number per group.
    above
        What a value above no difference says, in words; blank where nothing is compared.
    no_effect
        The value of no difference on the scale of analysis; not a number where nothing is compared.
    variances
        The kinds of variance that can be asked for; the first is the default.
    corrects
        Whether ``correct=False`` leaves out a correction for a small sample.
    instead
        Other inputs that it can be computed from, with the formula for each.
    caution
        What has to be said whenever it is used.
    """

    code: str
    name: str
    scale: str
    data: Data
    unit: str
    method: Method
    formula: Formula | None = field(default=None, compare=False)
    arm: Formula | None = field(default=None, compare=False)
    above: str = ""
    no_effect: float = 0.0
    variances: tuple[str, ...] = ("LS",)
    corrects: bool = False
    instead: tuple[tuple[Data, Formula], ...] = field(default=(), compare=False)
    caution: str = ""

    @property
    def ratio(self) -> bool:
        """Whether the measure compares by a ratio, analysed on the log scale."""
        return self.scale == "log" and self.compares

    @property
    def compares(self) -> bool:
        """Whether there is a value of no difference (none for one group's proportion or mean)."""
        return not math.isnan(self.no_effect)

    @property
    def null(self) -> float:
        """The value of no difference on the reader's scale; not a number where there is none."""
        return self.back(self.no_effect) if self.compares else math.nan

    @property
    def scale_text(self) -> str:
        """The scale of analysis in words; blank where it is the reader's own."""
        return "" if self.scale == "natural" else SCALES[self.scale].text

    def back(self, value: Number, n: float | None = None) -> Number:
        """Turn a value of the analysis scale into one of the reader's scale.

        Parameters
        ----------
        value
            A number or an array.
        n
            Only for PFT (people) and IRFT (person-time), whose way back depends on a size; None
            takes the limit of a large one. See :func:`equipoise.effects.scales.harmonic_mean`.
        """
        if self.scale == "natural":
            return value
        if isinstance(value, np.ndarray):
            return back(self.scale, value, n)
        if self.scale == "log":
            return math.exp(value) if value < 709.0 else math.inf
        return float(back(self.scale, np.asarray(value, dtype=np.float64), n))

    def back_interval(self, interval: Interval, n: float | None = None) -> Interval:
        """Turn an interval of the analysis scale into one of the reader's scale."""
        if self.scale == "natural":
            return interval
        return Interval(
            self.back(interval.low, n), self.back(interval.high, n), interval.level, interval.method
        )
