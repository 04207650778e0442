"""The highest likelihood of a selection model: a grid of means and variances, and climbs from it.

With the mean and the variance between trials held, the log-likelihood is concave in the logarithms
of a step function's chances and in the parameters of an exponential selection function. So the
parameters of selection need one climb at each place of the grid, and only the two others a search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import NotEstimableError
from equipoise.models.bias.likelihood import Likelihood
from equipoise.num.climb import Slope, Top, climb
from equipoise.num.solve import root

Floats = NDArray[np.float64]

#: Climbs in all directions that start from the best places of the grid.
_CLIMBS = 5
#: Log-likelihoods closer than this are one optimum.
_SAME = 1e-7
#: Most doublings in the search for a bound of the profile likelihood.
_DOUBLINGS = 40


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of ``(mu, tau2, delta...)``."""

    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Peak:
    """The best of all local maxima that were seen.

    Attributes
    ----------
    x, slope, free
        Where it is; the derivatives there; False for what is held at a bound.
    n_optima
        How many distinct local maxima were seen.
    """

    x: Floats
    slope: Slope
    free: NDArray[np.bool_]
    n_optima: int


def box_of(y: Floats, v: Floats, low: Floats, high: Floats) -> Box:
    """Bounds: far beyond the estimates for the mean, and for tau² what such a mean would need."""
    reach = 50.0 * (float(np.ptp(y)) + float(np.sqrt(v.max())))
    ends = (float(y.min()) - reach, float(y.max()) + reach)
    return Box(
        np.concatenate([[ends[0], 0.0], low]), np.concatenate([[ends[1], reach * reach], high])
    )


def search(f: Likelihood, start: Floats, tau2: float, box: Box) -> Peak:
    """Find the highest local maximum.

    Parameters
    ----------
    f
        The likelihood.
    start
        Mean without selection, its tau², and the parameters that mean no selection.
    tau2
        A size of tau² that is above 0.
    box
        Bounds.

    Raises
    ------
    NotEstimableError
        When the likelihood keeps rising towards an infinite mean or variance.
    """
    sd = _spread_of(f) or math.sqrt(float(f.v.max()))
    means = {float(start[0]) + sd * step for step in (-12.0, -4.0, -2.0, -1.0, -0.4, 0.0, 0.7)}
    means.add(0.0)
    found: list[tuple[float, Floats]] = []
    for t in (0.0, 0.6 * tau2, 4.0 * tau2):
        for mu in sorted(means):
            x = np.concatenate([[mu, t], start[2:]])
            top = _held(f, x, box)
            if top is not None:
                found.append((top.slope.value, top.x))
    found.sort(key=lambda place: -place[0])
    tops: list[Top] = []
    for _, x in _apart(found, sd, tau2):
        top = climb(f.slope, f.value, x, box.low, box.high)
        if math.isfinite(top.slope.value):
            tops.append(top)
    if not tops:
        raise NotEstimableError("the likelihood is not finite anywhere that was tried")
    best = max(tops, key=lambda top: top.slope.value)
    _check_inside(best, box)
    return Peak(best.x, best.slope, best.free, _count(tops))


def _spread_of(f: Likelihood) -> float:
    """The standard deviation of the estimates; 0 where it is rounding."""
    sd = float(f.y.std())
    return sd if sd > 1e-9 * math.sqrt(float(f.v.min())) else 0.0


def _held(f: Likelihood, x: Floats, box: Box) -> Top | None:
    """The maximum over the parameters of selection with mean and tau² held."""
    low, high = box.low.copy(), box.high.copy()
    low[:2] = high[:2] = x[:2]
    if not math.isfinite(f.value(x)):
        return None
    return climb(f.slope, f.value, x, low, high, most=25)


def _apart(found: list[tuple[float, Floats]], sd: float, tau2: float) -> list[tuple[float, Floats]]:
    """The best places that are not neighbours of a better one."""
    kept: list[tuple[float, Floats]] = []
    for value, x in found:
        near = [
            abs(x[0] - z[0]) < 0.75 * sd and abs(x[1] - z[1]) < 0.5 * (tau2 + z[1]) for _, z in kept
        ]
        if not any(near):
            kept.append((value, x))
        if len(kept) == _CLIMBS:
            break
    return kept


def _count(tops: list[Top]) -> int:
    """Distinct optima: settled, and apart in height or place."""
    kept: list[Top] = []
    for top in sorted((t for t in tops if t.settled), key=lambda t: -t.slope.value):
        scale = np.abs(top.x) + 1e-3
        if not any(
            abs(top.slope.value - k.slope.value) < _SAME
            or bool((np.abs(top.x - k.x) < 1e-4 * scale).all())
            for k in kept
        ):
            kept.append(top)
    return max(1, len(kept))


def _check_inside(best: Top, box: Box) -> None:
    at = [i for i in (0, 1) if best.x[i] >= box.high[i] or (i == 0 and best.x[i] <= box.low[i])]
    if at or not best.settled:
        what = ("mean", "variance between trials")[at[0]] if at else ""
        raise NotEstimableError(
            f"the likelihood keeps rising as the {what} grows without bound"
            if at
            else "the likelihood has a ridge without a top",
            hint="a selection function with fewer parameters, or type='Vevea-Woods'",
        )


def profile_bounds(f: Likelihood, peak: Peak, box: Box, drop: float) -> tuple[float, float]:
    """Where the profile likelihood of the mean falls `drop` below its top, on both sides.

    Infinite where it does not fall that far within the bounds.
    """
    top, at = peak.slope.value, float(peak.x[0])
    step = 0.5 * _spread_of(f) or math.sqrt(float(f.v.min()))

    def walk(sign: float) -> float:
        last = peak.x.copy()

        def lack(mu: float) -> float:
            nonlocal last
            low, high = box.low.copy(), box.high.copy()
            low[0] = high[0] = mu
            best = -math.inf
            for x in (last, peak.x):
                start = x.copy()
                start[0] = mu
                # Off the bounds: a tau² of 0 need not stay so for another mean.
                start[1] = max(start[1], 0.1 * step * step)
                if math.isfinite(f.value(start)):
                    found = climb(f.slope, f.value, start, low, high, most=100)
                    if found.slope.value > best:
                        best, last = found.slope.value, found.x
            return top - best - drop

        inner, outer = at, at + sign * step
        for _ in range(_DOUBLINGS):
            if not box.low[0] < outer < box.high[0]:
                return sign * math.inf
            if lack(outer) > 0.0:
                low, high = sorted((inner, outer))
                return root(lack, low, high, rtol=1e-9, atol=1e-9 * step)
            inner, outer = outer, outer + 2.0 * (outer - inner)
        return sign * math.inf

    return walk(-1.0), walk(1.0)
