"""Selection functions: how the chance of being published depends on the p value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Method

Floats = NDArray[np.float64]

ALTERNATIVES = ("greater", "less", "two-sided")


@dataclass(frozen=True, slots=True)
class PValues:
    """One-sided or two-sided p values of z statistics, with logarithms that keep their tails.

    Attributes
    ----------
    p, log_p, log_rest
        The p value, its logarithm, and that of one minus it.
    """

    p: Floats
    log_p: Floats
    log_rest: Floats

    @classmethod
    def of(cls, z: Floats, two_sided: bool, p_min: float) -> PValues:
        """The p values of `z`, moved to lie between `p_min` and ``1 - p_min``."""
        with np.errstate(divide="ignore"):
            if two_sided:
                far = -np.abs(z)
                p, log_p = 2.0 * ndtr(far), math.log(2.0) + log_ndtr(far)
                # One minus p is the chance of a smaller |z|: nothing is lost near 0.
                inside = ndtr(-far) - ndtr(far)
                log_rest = np.where(p < 0.5, np.log1p(-np.minimum(p, 0.5)), np.log(inside))
            else:
                p, log_p, log_rest = ndtr(-z), log_ndtr(-z), log_ndtr(z)
        if p_min > 0.0:
            low, high = math.log(p_min), math.log1p(-p_min)
            p = np.clip(p, p_min, 1.0 - p_min)
            log_p, log_rest = np.clip(log_p, low, high), np.clip(log_rest, low, high)
        return cls(p, log_p, log_rest)


#: From p values and parameters to log weights, their derivatives by parameter, and the second
#: derivative where there is one parameter and it is not 0.
Weigh = Callable[[PValues, Floats], tuple[Floats, list[Floats], Floats | None]]


@dataclass(frozen=True, slots=True)
class Family:
    """A smooth selection function.

    Attributes
    ----------
    code, formula
        Its name; the relative chance of being published as a formula of the p value.
    names, low, high, none
        Of the parameters: names, bounds, and the values that mean no selection.
    p_min
        P values are moved to lie between this and one minus it.
    weigh
        Log weights with derivatives.
    method
        Its paper.
    """

    code: str
    formula: str
    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    none: tuple[float, ...]
    p_min: float
    weigh: Weigh
    method: Method


def _linear(columns: Callable[[PValues], tuple[Floats, ...]], none: tuple[float, ...]) -> Weigh:
    """Log weights that are linear in the parameters."""

    def weigh(at: PValues, delta: Floats) -> tuple[Floats, list[Floats], Floats | None]:
        terms = list(columns(at))
        log_w = np.zeros_like(at.p)
        for term, value, free in zip(terms, delta, none, strict=True):
            # A parameter that changes nothing changes nothing where its column is infinite either.
            if value != free:
                log_w = log_w + (value - free) * term
        return log_w, terms, None

    return weigh


def _logistic(at: PValues, delta: Floats) -> tuple[Floats, list[Floats], Floats | None]:
    d = float(delta[0])
    share = 1.0 / (1.0 + np.exp(-d * at.p))
    log_w = math.log(2.0) - d * at.p - np.log1p(np.exp(-d * at.p))
    return log_w, [-at.p * share], -at.p * at.p * share * (1.0 - share)


_PRESTON = Method(
    "selection function of one parameter",
    "Preston, Ashby, Smyth 2004, Stat Med 23:2771",
    "10.1002/sim.1876",
)

_ALL = (
    Family(
        "beta",
        "p^(a − 1) (1 − p)^(b − 1)",
        ("a", "b"),
        (1e-5, 1e-5),
        (100.0, 100.0),
        (1.0, 1.0),
        1e-5,
        _linear(lambda at: (at.log_p, at.log_rest), (1.0, 1.0)),
        Method(
            "beta selection function",
            "Citkowicz, Vevea 2017, Psychol Methods 22:28",
            "10.1037/met0000119",
        ),
    ),
    Family(
        "halfnormal",
        "exp(−d p²)",
        ("d",),
        (0.0,),
        (100.0,),
        (0.0,),
        0.0,
        _linear(lambda at: (-at.p * at.p,), (0.0,)),
        _PRESTON,
    ),
    Family(
        "negexp",
        "exp(−d p)",
        ("d",),
        (0.0,),
        (100.0,),
        (0.0,),
        0.0,
        _linear(lambda at: (-at.p,), (0.0,)),
        _PRESTON,
    ),
    Family(
        "logistic",
        "2 exp(−d p) / (1 + exp(−d p))",
        ("d",),
        (0.0,),
        (100.0,),
        (0.0,),
        0.0,
        _logistic,
        _PRESTON,
    ),
    Family(
        "power",
        "(1 − p)^d",
        ("d",),
        (0.0,),
        (100.0,),
        (0.0,),
        1e-5,
        _linear(lambda at: (at.log_rest,), (0.0,)),
        Method(
            "power selection function",
            "Viechtbauer, selection models in the manual of the R package metafor",
        ),
    ),
)

#: Smooth selection functions by code.
FAMILIES: MappingProxyType[str, Family] = MappingProxyType({f.code: f for f in _ALL})

STEP = Method(
    "step function of the p value",
    "Vevea, Hedges 1995, Psychometrika 60:419",
    "10.1007/BF02294384",
)
VEVEA_WOODS = Method(
    "selection of assumed severity",
    "Vevea, Woods 2005, Psychol Methods 10:428",
    "10.1037/1082-989X.10.4.428",
)

#: Cut points of Vevea and Woods.
WOODS_STEPS = (
    *(0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65),
    *(0.75, 0.90, 0.95, 0.99, 0.995, 1.0),
)
#: Chances of being published that Vevea and Woods assume, by severity, in these intervals.
WOODS: MappingProxyType[str, tuple[float, ...]] = MappingProxyType(
    {
        "moderate-one-sided": (
            *(1.0, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55),
            *(0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
        ),
        "severe-one-sided": (
            *(1.0, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35),
            *(0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
        ),
        "moderate-two-sided": (
            *(1.0, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60),
            *(0.75, 0.80, 0.90, 0.95, 0.99, 1.0),
        ),
        "severe-two-sided": (
            *(1.0, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25),
            *(0.50, 0.60, 0.75, 0.90, 0.99, 1.0),
        ),
    }
)

#: What ``type=`` may be.
TYPES = ("three-parameter", "step", "Vevea-Woods", *FAMILIES)
#: Names that others use for one of them: the paper's, and metafor's.
OTHER_NAMES: MappingProxyType[str, str] = MappingProxyType(
    {"Vevea-Hedges": "step", "stepfun": "step"}
)


def woods(severity: str) -> tuple[float, ...]:
    """Return the assumed chances of a severity.

    Raises
    ------
    UnknownNameError
        An unknown severity.
    """
    if severity not in WOODS:
        raise UnknownNameError("severity of selection", severity, WOODS)
    return WOODS[severity]
