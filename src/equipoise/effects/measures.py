"""The registry of effect measures: one place for scale, null value, back-transform and paper.

A measure is one entry of `MEASURES` in the module of its kind, with one formula beside it.
"""

from __future__ import annotations

from types import MappingProxyType

from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Method
from equipoise.effects import (
    association,
    binary,
    continuous,
    paired,
    rates,
    single,
    survival,
)
from equipoise.effects.measure import Measure

__all__ = ["MEASURES", "Measure", "measure_of"]

_GENERIC = Measure(
    "GEN",
    "effect",
    "natural",
    "any",
    "units of the estimates given",
    Method(
        "inverse-variance synthesis of given estimates",
        "Cochrane Handbook for Systematic Reviews of Interventions, chapter 10",
    ),
)

#: Measures by code, in the order in which they are listed for users.
MEASURES: MappingProxyType[str, Measure] = MappingProxyType(
    {
        m.code: m
        for m in (
            *binary.MEASURES,
            *survival.MEASURES,
            *rates.MEASURES,
            *continuous.MEASURES,
            *paired.MEASURES,
            *association.MEASURES,
            *single.MEASURES,
            _GENERIC,
        )
    }
)

#: Other names under which R's metafor knows some of them.
ALIASES: MappingProxyType[str, str] = MappingProxyType(
    {"OR2D": "OR2DL", "D2OR": "D2ORL", "AUC": "CLES", "AUCN": "CLESN", "AUCCN": "CLESCN"}
)


def measure_of(code: str) -> Measure:
    """Return the measure of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code. Codes are case-sensitive.
    """
    try:
        return MEASURES[code]
    except KeyError:
        if code in ALIASES:
            return MEASURES[ALIASES[code]]
        raise UnknownNameError("measure", code, MEASURES) from None
