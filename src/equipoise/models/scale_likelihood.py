"""The likelihood of a location-scale model, its derivatives, and the search for its top."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import NotEstimableError
from equipoise.effects.columns import Floats
from equipoise.models.residual import Residual, Weighted, conditioned
from equipoise.num.climb import Slope, Top, climb

LINKS = ("log", "identity")

#: Where the information about the logarithm of tau² is below this, tau² is on the way to 0.
_FLAT = 1e-7
#: How many of the best starting places are climbed from.
_CLIMBS = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """What the search for the scale coefficients found.

    Attributes
    ----------
    alpha, vcov
        Coefficients and the inverse of the observed information, in the caller's units.
    tau2
        Of each row, in the caller's order and units.
    at
        The weighted regression there.
    value
        The log-likelihood, up to the constant that the design adds.
    values
        Of all distinct local maxima, best first.
    starts, climbs
        How many places were looked at, and climbed from.
    runaway
        The likelihood that is approached where tau² runs to 0 or infinity, when it is higher than
        at the top; minus infinity otherwise.
    """

    alpha: Floats
    vcov: Floats
    tau2: Floats
    at: Weighted
    value: float
    values: tuple[float, ...]
    starts: int
    climbs: int
    runaway: float


class ScaleLikelihood:
    """The profile (or restricted) log-likelihood of the scale coefficients.

    Parameters
    ----------
    data
        Estimates, variances and the location design.
    Z
        Scale design of full column rank, shape (k, q), rows as in the data given.
    link, ml
        ``log`` or ``identity``; full or restricted likelihood.

    Notes
    -----
    With D_j the derivative of the variances by the j-th coefficient (a diagonal), the gradient is
    half of ``y'P D_j P y - tr(P D_j)`` and minus the Hessian ``y'P D_j P D_l P y`` minus half of
    ``tr(P D_j P D_l)``, plus what the curvature of the link adds. W stands for P in the traces of
    the full likelihood.
    """

    def __init__(self, data: Residual, Z: Floats, *, link: str, ml: bool) -> None:
        self.data, self.ml, self.link = data, ml, link
        self.Z, self.back, _ = conditioned(Z[data.order])
        self.q: int = Z.shape[1]
        self._unit = math.log(data.scale) if link == "log" else 1.0

    def tau2(self, gamma: Floats) -> Floats:
        """The variances between trials of the sorted rows, in units of the data's scale."""
        eta: Floats = self.Z @ gamma
        if self.link == "log":
            return np.exp(np.minimum(eta - self._unit, 300.0))
        return eta

    def at(self, gamma: Floats) -> Weighted | None:
        """The weighted regression there; None outside of what is possible."""
        t = self.tau2(gamma)
        if (t < 0.0).any() or not np.isfinite(t).all():
            return None
        return Weighted(self.data, 1.0 / (self.data.v + t), math.nan)

    def value(self, gamma: Floats) -> float:
        """The log-likelihood, up to a constant."""
        here = self.at(gamma)
        if here is None:
            return -math.inf
        return self._value(here)

    def _value(self, here: Weighted) -> float:
        log = here.q - float(np.log(here.w).sum())
        return -0.5 * (log if self.ml else log + here.log_det)

    def slope(self, gamma: Floats) -> Slope:
        """The log-likelihood with its first and second derivatives."""
        here = self.at(gamma)
        q = self.q
        if here is None:
            nothing = np.zeros((q, q))
            return Slope(-math.inf, np.zeros(q), nothing, np.eye(q))
        t = self.tau2(gamma)
        u = t if self.link == "log" else np.ones(self.data.k)
        D = u[:, None] * self.Z
        P = here.matrix()
        py = here.root * here.rest
        own = here.w if self.ml else here.w * here.free
        excess = py * py - own
        squares = np.diag(here.w * here.w) if self.ml else P * P
        traces = D.T @ squares @ D
        moved = py[:, None] * D
        hessian = 0.5 * traces - moved.T @ P @ moved
        if self.link == "log":
            hessian = hessian + 0.5 * self.Z.T @ ((u * excess)[:, None] * self.Z)
        return Slope(self._value(here), 0.5 * D.T @ excess, hessian, 0.5 * traces)


def _starts(model: ScaleLikelihood, first: float) -> list[Floats]:
    """Places from very small to very large tau², level and tilted by each column."""
    data = model.data
    typical = max(first / data.scale, 0.05 * float(np.median(data.v)))
    rest = model.q - 1
    tilts = (
        list(itertools.product((-2.0, 0.0, 2.0), repeat=rest))
        if rest <= 3
        else [tuple(s * (i == j) for i in range(rest)) for j in range(rest) for s in (-2.0, 2.0)]
    )
    ones = np.linalg.lstsq(model.Z, np.ones(data.k), rcond=None)[0]
    level = int(np.argmax(np.abs(ones)))
    places = []
    for step, tilt in itertools.product((-4.0, -2.0, -1.0, 0.0, 1.0, 2.0), tilts):
        turn = np.insert(np.array(tilt, dtype=np.float64), level, 0.0)
        if model.link == "log":
            places.append(ones * (math.log(typical) + model._unit + step) + turn)
        else:
            places.append(ones * typical * math.exp(step) * 1.5 + 0.2 * turn * typical)
    return places


def highest(model: ScaleLikelihood, first: float, names: Sequence[str] = ()) -> Scale:
    """Find the top of the likelihood from many starting places.

    Parameters
    ----------
    model
        The likelihood.
    first
        The tau² of the model with one variance for all, in the caller's units.
    names
        What to call the rows, as in the data given.

    Raises
    ------
    NotEstimableError
        When the likelihood rises for ever, as where tau² goes to 0 for some of the trials.
    """
    places = [p for p in _starts(model, first) if math.isfinite(model.value(p))]
    values = [model.value(p) for p in places]
    chosen = sorted(range(len(places)), key=lambda i: -values[i])[:_CLIMBS]
    # The best places often lie on one hill; every second of the others is climbed as well.
    chosen += sorted(set(range(len(places))) - set(chosen))[:: max(1, len(places) // _CLIMBS)]
    low, high = np.full(model.q, -np.inf), np.full(model.q, np.inf)
    tops: list[Top] = []
    away: Top | None = None
    for i in chosen:
        top = climb(model.slope, model.value, places[i], low, high, most=100)
        if _inside(model, top):
            if not any(_same(top, other) for other in tops):
                tops.append(top)
        elif away is None or top.slope.value > away.slope.value:
            away = top
    if not tops:
        raise _without_top(model, away, names)
    runaway = -math.inf if away is None else away.slope.value
    tops.sort(key=lambda top: -top.slope.value)
    best = tops[0]
    at = model.at(best.x)
    assert at is not None
    unit = 1.0 if model.link == "log" else model.data.scale
    vcov = model.back @ np.linalg.inv(-best.slope.hessian) @ model.back.T * unit**2
    return Scale(
        alpha=model.back @ best.x * unit,
        vcov=vcov,
        tau2=model.data.unsorted(model.tau2(best.x)) * model.data.scale,
        at=at,
        value=best.slope.value,
        values=tuple(top.slope.value for top in tops),
        starts=len(places),
        climbs=len(chosen),
        runaway=runaway if runaway > best.slope.value + 1e-8 else -math.inf,
    )


def _without_top(
    model: ScaleLikelihood, away: Top | None, names: Sequence[str]
) -> NotEstimableError:
    what = "no coefficients of the scale have a highest likelihood"
    hint = "regress(), or fewer columns of the scale"
    if model.link == "identity" or away is None:
        return NotEstimableError(f"{what} with every tau² above 0", hint=f"link='log', {hint}")
    small = model.data.unsorted(model.tau2(away.x) / model.data.v) < 1e-3
    gone = [name for name, is_small in zip(names, small, strict=False) if is_small]
    listed = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
    return NotEstimableError(f"{what}: tau² runs to 0", where=listed, hint=hint)


def _inside(model: ScaleLikelihood, top: Top) -> bool:
    """Whether a climb ended at a true maximum."""
    # With the log link, derivatives are by the logarithm of tau² and have no unit; next to a tau²
    # of 0 they vanish.
    least = _FLAT if model.link == "log" else 1e-9 * float(np.abs(top.slope.hessian).max())
    return top.settled and bool(np.linalg.eigvalsh(-top.slope.hessian)[0] > least)


def _same(one: Top, two: Top) -> bool:
    close = abs(one.slope.value - two.slope.value) < 1e-7
    return close and bool(np.allclose(one.x, two.x, rtol=1e-4, atol=1e-4))
