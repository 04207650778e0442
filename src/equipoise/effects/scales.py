"""Scales of analysis: how a value on each is turned back into what a reader understands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import special

from equipoise.core.errors import InputError
from equipoise.effects.columns import Floats


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of analysis.

    Attributes
    ----------
    code
        As in :attr:`equipoise.effects.measures.Measure.scale`.
    text
        The scale in words, for a line of a report.
    back
        From the scale of analysis to the reader's; rises everywhere, so bounds stay bounds.
    """

    code: str
    text: str
    back: Callable[[Floats], Floats]


def _exp(y: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.exp(y)


def _squared(y: Floats) -> Floats:
    return np.maximum(y, 0.0) ** 2


def _arcsine(y: Floats) -> Floats:
    return np.sin(np.clip(y, 0.0, 0.5 * np.pi)) ** 2


def _hakstian_whalen(y: Floats) -> Floats:
    return np.where(y > 1.0, 1.0, 1.0 - (1.0 - y) ** 3)


def _bonett(y: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return -np.expm1(-y)


def _z_of_r2(y: Floats) -> Floats:
    return np.tanh(np.maximum(y, 0.0)) ** 2


#: Scales by code.
SCALES: MappingProxyType[str, Scale] = MappingProxyType(
    {
        scale.code: scale
        for scale in (
            Scale("natural", "as measured", lambda y: y),
            Scale("log", "log", _exp),
            Scale("logit", "logit", lambda y: np.asarray(special.expit(y))),
            Scale("probit", "probit", lambda y: np.asarray(special.ndtr(y))),
            Scale("arcsine", "arcsine of the square root", _arcsine),
            Scale("double arcsine", "Freeman–Tukey double arcsine", _arcsine),
            Scale("square root", "square root", _squared),
            Scale("double square root", "Freeman–Tukey double square root", _squared),
            Scale("Fisher z", "Fisher's z", np.tanh),
            Scale("Fisher z of R", "Fisher's z of the multiple correlation", _z_of_r2),
            Scale("Hakstian–Whalen", "1 − (1 − α)^(1/3)", _hakstian_whalen),
            Scale("Bonett", "−log(1 − α)", _bonett),
        )
    }
)


def back_double_arcsine(y: Floats, n: float) -> Floats:
    """Turn Freeman–Tukey double arcsines of a proportion among `n` people into proportions.

    The exact inverse; values beyond those of 0 and of `n` events give 0 and 1. There is no single
    `n` for a mean over studies: the harmonic mean of their sizes is customary and can mislead.

    Source: Miller 1978, Am Stat 32:138, doi:10.1080/00031305.1978.10479283. Its limits: Schwarzer,
    Chemaitelly, Abu-Raddad, Rücker 2019, Res Synth Methods 10:476, doi:10.1002/jrsm.1348; Röver,
    Friede 2022, Res Synth Methods 13:645, doi:10.1002/jrsm.1591.
    """
    least = 0.5 * np.arcsin(np.sqrt(1.0 / (n + 1.0)))
    most = 0.5 * (np.arcsin(np.sqrt(n / (n + 1.0))) + 0.5 * np.pi)
    inside = np.clip(y, least, most)
    s, c = np.sin(2.0 * inside), np.cos(2.0 * inside)
    root = np.sqrt(np.maximum(1.0 - (s + (s - 1.0 / s) / n) ** 2, 0.0))
    p = 0.5 * (1.0 - np.sign(c) * root)
    return np.where(y <= least, 0.0, np.where(y >= most, 1.0, p))


def back_double_root(y: Floats, time: float) -> Floats:
    """Turn Freeman–Tukey double square roots of a rate over `time` into rates.

    ``y = (sqrt(r) + sqrt(r + 1/time))/2`` solved for ``r``; 0 below the value of no event.

    Source: Freeman, Tukey 1950, Ann Math Stat 21:607, doi:10.1214/aoms/1177729756.
    """
    least = 0.5 / np.sqrt(time)
    inside = np.maximum(y, least)
    root = inside - 1.0 / (4.0 * time * inside)
    return np.where(y <= least, 0.0, root**2)


def back(code: str, y: Floats, n: float | None = None) -> Floats:
    """Turn values on the scale of that code into the reader's.

    Parameters
    ----------
    code
        Key of :data:`SCALES`.
    y
        Values on the scale of analysis.
    n
        People (person-time for the double square root) that the Freeman–Tukey transforms depend
        on; None takes their limit for large numbers, the square of the sine and the square.

    Raises
    ------
    InputError
        An `n` that is not above zero.
    """
    if n is not None and code in ("double arcsine", "double square root"):
        if not n > 0.0:
            raise InputError(f"a size of {n:g}", where="argument n", hint="a number above 0")
        return (back_double_arcsine if code == "double arcsine" else back_double_root)(y, n)
    return np.asarray(SCALES[code].back(y), dtype=np.float64)


def harmonic_mean(sizes: Floats) -> float:
    """Return the harmonic mean of positive sizes."""
    return float(sizes.size / np.sum(1.0 / sizes))
