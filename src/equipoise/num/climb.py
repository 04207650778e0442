"""The top of a smooth function between bounds, by Newton steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: Below this predicted gain the function's own rounding hides whether a step goes up.
_FINE = 1e-9
#: Share of the predicted gain that a step must bring.
_ARMIJO = 1e-4


@dataclass(frozen=True, slots=True)
class Slope:
    """A function and its derivatives at one place.

    Attributes
    ----------
    value, gradient, hessian
        The function and its first and second derivatives.
    curvature
        A positive semi-definite stand-in for minus the Hessian (the expected information), for
        places where the function is not concave.
    """

    value: float
    gradient: Vector
    hessian: Vector
    curvature: Vector


@dataclass(frozen=True, slots=True)
class Top:
    """A local maximum.

    Attributes
    ----------
    x, slope
        Where it is, and the derivatives there.
    free
        False for coordinates that are held at a bound because the function rises beyond it.
    settled
        Whether the last Newton step was down to rounding.
    steps
        Number of evaluations with derivatives.
    """

    x: Vector
    slope: Slope
    free: NDArray[np.bool_]
    settled: bool
    steps: int


def climb(
    f: Callable[[Vector], Slope],
    value: Callable[[Vector], float],
    start: Vector,
    low: Vector,
    high: Vector,
    *,
    most: int = 200,
) -> Top:
    """Climb from `start` to a local maximum with ``low <= x <= high``.

    Parameters
    ----------
    f, value
        The function with derivatives, and alone; minus infinity where it is not defined.
    start
        A place where the function is finite.
    low, high
        Bounds, infinite for none.
    most
        Largest number of steps.

    Notes
    -----
    Projected Newton steps: a coordinate at a bound that the function presses against is held, the
    others move by the Newton step where the function is concave, and by a step scaled with the
    expected information elsewhere. Steps are halved until the function rises. Near the top, where
    rounding hides the rise, full steps are taken as long as they shrink.

    Source: Bertsekas 1982, SIAM J Control Optim 20:221, doi:10.1137/0320018.
    """
    x = np.clip(start, low, high)
    here = f(x)
    last = math.inf
    best = (math.inf, x, here)
    for count in range(1, most + 1):
        free = _free(x, here.gradient, low, high)
        if not free.any():
            return Top(x, here, free, True, count)
        step, concave = _step(here, free)
        gain = float(here.gradient @ step)
        if gain <= _FINE and concave:
            if gain < best[0]:
                best = (gain, x, here)
            if gain <= 1e-28 or gain > 0.25 * last:
                _, x, here = best
                return Top(x, here, _free(x, here.gradient, low, high), True, count)
            last = gain
            x = np.clip(x + step, low, high)
            here = f(x)
            continue
        last = math.inf
        moved = _line(f, value, x, here, step, low, high)
        if moved is None:
            return Top(x, here, free, gain <= 1e-6, count)
        x, here = moved
    return Top(x, here, _free(x, here.gradient, low, high), False, most)


def _free(x: Vector, gradient: Vector, low: Vector, high: Vector) -> NDArray[np.bool_]:
    held = ((x <= low) & (gradient <= 0.0)) | ((x >= high) & (gradient >= 0.0))
    return ~held


def _step(here: Slope, free: NDArray[np.bool_]) -> tuple[Vector, bool]:
    """The step for the free coordinates, and whether it is Newton's at a concave place."""
    at = np.flatnonzero(free)
    g = here.gradient[at]
    down = -here.hessian[np.ix_(at, at)]
    size = np.abs(np.diag(down))
    expected = here.curvature[np.ix_(at, at)]
    size = np.sqrt(np.maximum(size, np.maximum(np.diag(expected), 1e-300)))
    values, turn = np.linalg.eigh(down / np.outer(size, size))
    concave = bool(values[0] > 1e-10 * max(float(values[-1]), 1e-300))
    if not concave:
        values, turn = np.linalg.eigh(expected / np.outer(size, size))
        values = np.maximum(values, 1e-3 * max(float(values[-1]), 1e-3))
    step = np.zeros(free.size)
    step[at] = (turn @ ((turn.T @ (g / size)) / values)) / size
    return step, concave


def _line(
    f: Callable[[Vector], Slope],
    value: Callable[[Vector], float],
    x: Vector,
    here: Slope,
    step: Vector,
    low: Vector,
    high: Vector,
) -> tuple[Vector, Slope] | None:
    """The first of ever shorter steps that rises enough; None when none does."""
    share = 1.0
    for _ in range(60):
        there = np.clip(x + share * step, low, high)
        wanted = here.value + _ARMIJO * max(0.0, float(here.gradient @ (there - x)))
        if share == 1.0:
            slope = f(there)
            if slope.value > wanted:
                return there, slope
        elif value(there) > wanted:
            return there, f(there)
        share *= 0.5
    return None
