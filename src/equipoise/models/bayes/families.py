"""Distributions of tau, the standard deviation of true effects between trials.

Each is written for the logarithm of tau, so that nothing under- or overflows near 0 or far out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import special

from equipoise.effects.columns import Floats
from equipoise.num.dist import normal_quantile, t_quantile

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Tail:
    """How a density of tau falls: as ``tau ** -power`` times a slowly varying factor.

    Attributes
    ----------
    power
        Infinite for exponential tails, bounded support and tails of log-normal kind.
    summable
        Whether the factor falls fast enough for ``tau ** -1`` to have a finite integral.
    """

    power: float
    summable: bool = False

    def times(self, power: float) -> Tail:
        """The tail of the product with ``tau ** -power``."""
        return Tail(self.power + power, self.summable)

    def moment(self, order: int) -> bool:
        """Whether the integral of ``tau ** order`` is finite."""
        return self.power - order > 1.0 or (self.summable and self.power - order == 1.0)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of distributions.

    Attributes
    ----------
    log_density
        Log density of log tau, given log tau and the parameters.
    cdf, quantile
        Of tau, given a value and the parameters.
    tail
        How the density of tau falls.
    at_zero
        The density of tau at 0.
    """

    log_density: Callable[..., Floats]
    cdf: Callable[..., float]
    quantile: Callable[..., float]
    tail: Callable[..., Tail]
    at_zero: Callable[..., float]


def _half_normal(x: Floats, scale: float) -> Floats:
    z = x - math.log(scale)
    with np.errstate(over="ignore"):
        out: Floats = 0.5 * math.log(2.0 / math.pi) - 0.5 * np.exp(2.0 * z) + z
    return out


def _log_t_constant(df: float) -> float:
    return float(
        special.gammaln(0.5 * (df + 1.0)) - special.gammaln(0.5 * df) - 0.5 * math.log(df * math.pi)
    )


def _half_t(x: Floats, scale: float, df: float) -> Floats:
    z = x - math.log(scale)
    fall = np.logaddexp(0.0, 2.0 * z - math.log(df))
    out: Floats = math.log(2.0) + _log_t_constant(df) - 0.5 * (df + 1.0) * fall + z
    return out


def _log_normal(x: Floats, mean: float, sd: float) -> Floats:
    out: Floats = -0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - _HALF_LOG_2PI
    return out


def _log_t(x: Floats, location: float, scale: float, df: float) -> Floats:
    z = (x - location) / scale
    out: Floats = _log_t_constant(df) - math.log(scale) - 0.5 * (df + 1.0) * np.log1p(z * z / df)
    return out


def _uniform(x: Floats, upper: float) -> Floats:
    if math.isinf(upper):
        return x + 0.0
    out: Floats = np.where(x <= math.log(upper), x - math.log(upper), -np.inf)
    return out


def _exponential(x: Floats, scale: float) -> Floats:
    z = x - math.log(scale)
    with np.errstate(over="ignore"):
        out: Floats = z - np.exp(z)
    return out


def _inverse_gamma(x: Floats, shape: float, scale: float) -> Floats:
    constant = math.log(2.0) + shape * math.log(scale) - math.lgamma(shape)
    with np.errstate(over="ignore"):
        out: Floats = constant - 2.0 * shape * x - scale * np.exp(-2.0 * x)
    return out


def _t_cdf(z: float, df: float) -> float:
    half = 0.5 * float(special.betainc(0.5 * df, 0.5, df / (df + z * z)))
    return 1.0 - half if z > 0.0 else half


def _log(t: float) -> float:
    return math.log(t) if t > 0.0 else -math.inf


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.0 else math.inf


def _log_t_cdf(t: float, location: float, scale: float, df: float) -> float:
    return _t_cdf((_log(t) - location) / scale, df) if t > 0.0 else 0.0


def _inverse_gamma_quantile(p: float, shape: float, scale: float) -> float:
    below = float(special.gammainccinv(shape, p))
    return math.sqrt(scale / below) if below > 0.0 else math.inf


#: Families by name.
FAMILIES: MappingProxyType[str, Family] = MappingProxyType(
    {
        "half-normal": Family(
            _half_normal,
            lambda t, s: float(special.erf(t / s / math.sqrt(2.0))),
            lambda p, s: s * normal_quantile(0.5 + 0.5 * p),
            lambda s: Tail(math.inf),
            lambda s: math.sqrt(2.0 / math.pi) / s,
        ),
        "half-t": Family(
            _half_t,
            lambda t, s, df: 2.0 * _t_cdf(t / s, df) - 1.0 if t > 0.0 else 0.0,
            lambda p, s, df: s * t_quantile(0.5 + 0.5 * p, df),
            lambda s, df: Tail(df + 1.0),
            lambda s, df: 2.0 * math.exp(_log_t_constant(df)) / s,
        ),
        "log-normal": Family(
            _log_normal,
            lambda t, m, s: float(special.ndtr((_log(t) - m) / s)),
            lambda p, m, s: _exp(m + s * normal_quantile(p)),
            lambda m, s: Tail(math.inf),
            lambda m, s: 0.0,
        ),
        "log-t": Family(
            _log_t,
            _log_t_cdf,
            lambda p, m, s, df: _exp(m + s * t_quantile(p, df)),
            lambda m, s, df: Tail(1.0, True),
            lambda m, s, df: math.inf,
        ),
        "uniform": Family(
            _uniform,
            lambda t, u: min(1.0, max(0.0, t / u)) if math.isfinite(u) else math.nan,
            lambda p, u: p * u if math.isfinite(u) else math.nan,
            lambda u: Tail(math.inf if math.isfinite(u) else 0.0),
            lambda u: 1.0 / u if math.isfinite(u) else 1.0,
        ),
        "exponential": Family(
            _exponential,
            lambda t, s: -math.expm1(-t / s),
            lambda p, s: -s * math.log1p(-p),
            lambda s: Tail(math.inf),
            lambda s: 1.0 / s,
        ),
        "inverse-gamma": Family(
            _inverse_gamma,
            lambda t, a, b: float(special.gammaincc(a, b / (t * t))) if t > 0.0 else 0.0,
            _inverse_gamma_quantile,
            lambda a, b: Tail(2.0 * a + 1.0),
            lambda a, b: 0.0,
        ),
    }
)
