"""The registry of effect measures: one place for scale, null value, back-transform and paper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Interval, Method

Number = TypeVar("Number", float, NDArray[np.float64])


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
        Scale of analysis: ``log`` (ratios) or ``natural`` (differences).
    data
        What two arms give: ``binary``, ``continuous`` or ``any`` (only published contrasts).
    unit
        What one unit of the back-transformed effect is, in words.
    method
        The paper that it is computed by.
    """

    code: str
    name: str
    scale: Literal["log", "natural"]
    data: Literal["binary", "continuous", "any"]
    unit: str
    method: Method

    @property
    def ratio(self) -> bool:
        """Whether the measure is a ratio, analysed on the log scale."""
        return self.scale == "log"

    @property
    def null(self) -> float:
        """The value of no difference on the reader's scale: 1 for ratios, else 0."""
        return 1.0 if self.ratio else 0.0

    def back(self, value: Number) -> Number:
        """Turn a value of the analysis scale into one of the reader's scale."""
        if not self.ratio:
            return value
        if isinstance(value, np.ndarray):
            return np.exp(value)
        return math.exp(value) if value < 709.0 else math.inf

    def back_interval(self, interval: Interval) -> Interval:
        """Turn an interval of the analysis scale into one of the reader's scale."""
        return Interval(
            self.back(interval.low), self.back(interval.high), interval.level, interval.method
        )


_ALL = (
    Measure(
        "OR",
        "odds ratio",
        "log",
        "binary",
        "times the odds",
        Method(
            "log odds ratio with its large-sample variance",
            "Woolf 1955, Ann Hum Genet 19:251",
            "10.1111/j.1469-1809.1955.tb01348.x",
        ),
    ),
    Measure(
        "RR",
        "risk ratio",
        "log",
        "binary",
        "times the risk",
        Method(
            "log risk ratio with its large-sample variance",
            "Katz, Baptista, Azen, Pike 1978, Biometrics 34:469",
            "10.2307/2530610",
        ),
    ),
    Measure(
        "RD",
        "risk difference",
        "natural",
        "binary",
        "difference of risks (1 = 1000 per 1000)",
        Method(
            "risk difference with its large-sample variance",
            "Berlin, Laird, Sacks, Chalmers 1989, Stat Med 8:141",
            "10.1002/sim.4780080202",
        ),
    ),
    Measure(
        "MD",
        "mean difference",
        "natural",
        "continuous",
        "points of the scale that was measured",
        Method(
            "mean difference with separate variances of the arms",
            "Cochrane Handbook for Systematic Reviews of Interventions, chapter 6",
        ),
    ),
    Measure(
        "SMD",
        "standardised mean difference (Hedges' g)",
        "natural",
        "continuous",
        "standard deviations",
        Method(
            "standardised mean difference, exact small-sample correction",
            "Hedges 1981, J Educ Stat 6:107",
            "10.3102/10769986006002107",
        ),
    ),
    Measure(
        "GEN",
        "effect",
        "natural",
        "any",
        "units of the estimates given",
        Method(
            "inverse-variance synthesis of given estimates",
            "Cochrane Handbook for Systematic Reviews of Interventions, chapter 10",
        ),
    ),
)

#: Measures by code, in the order in which they are listed for users.
MEASURES: MappingProxyType[str, Measure] = MappingProxyType({m.code: m for m in _ALL})


def measure_of(code: str) -> Measure:
    """Return the measure of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code. Codes are case-sensitive.
    """
    if code not in MEASURES:
        raise UnknownNameError("measure", code, MEASURES)
    return MEASURES[code]
