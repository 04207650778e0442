"""The optimum of a likelihood with one spread: found over all of it, polished, and proved.

For a fixed spread the likelihood is log-concave in the effect and the baselines, because every
integrand is, and integrals of log-concave functions are too (Prékopa). So Newton's method finds
the one optimum, and what remains is a function of the spread alone, whose slope is looked at on a
grid from 0 to far beyond any spread of log ratios; each change from rising to falling is a
maximum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import NotEstimableError
from equipoise.effects.columns import Floats
from equipoise.models.counts.families import Family
from equipoise.models.counts.quadrature import Point, evaluate
from equipoise.num.solve import root

#: Effects beyond this (log units) are infinite.
_FAR = 60.0
#: Spreads (standard deviations of log ratios) at which the slope is looked at.
_GRID = (0.03, 0.1, 0.2, 0.35, 0.55, 0.8, 1.2, 1.8, 2.7, 4.0, 6.0, 9.0)
_ROUGH = 1e-3
_FIRST, _MOST = 48, 3000
#: The log-likelihood has settled when doubling the nodes changes it by less than this.
_SETTLED = 1e-10
#: The score may ask for a step of at most this many standard errors.
_FLAT = 1e-7


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the likelihood is highest.

    Attributes
    ----------
    effect, tau, baseline
        The estimates.
    point
        The likelihood there.
    covariance
        Inverse observed information of effect and (above 0) spread, baselines profiled out.
    gradient
        The Newton step that the score still asks for, in standard errors.
    nodes, quadrature_error
        Nodes used, and how much doubling them changes the log-likelihood.
    n_optima
        Local maxima over the spread.
    """

    effect: float
    tau: float
    baseline: Floats
    point: Point
    covariance: Floats
    gradient: float
    nodes: int
    quadrature_error: float
    n_optima: int


@dataclass(slots=True)
class _State:
    """The last place, to start from; `hold` keeps the effect where it is."""

    effect: float
    baseline: Floats
    modes: Floats
    hold: bool = False

    def copy(self) -> _State:
        return _State(self.effect, self.baseline, self.modes, self.hold)

    def free(self, tau: float) -> tuple[int, ...]:
        """Which of effect (0) and spread (1) can move."""
        return (() if self.hold else (0,)) + ((1,) if tau > 0.0 else ())

    def move(self, point: Point, free: tuple[int, ...], step: Floats) -> None:
        """Move effect and baselines, no baseline by more than 1.5."""
        if point.score_a.size:
            moved = -(point.score_a + point.cross[:, list(free)] @ step) / point.hessian_a
            self.baseline = self.baseline + np.clip(moved, -1.5, 1.5)
        if 0 in free:
            self.effect += float(step[0])
        if abs(self.effect) > _FAR:
            raise NotEstimableError("the effect runs off without end", hint="model='exact'")


def climb(family: Family, tau: float, state: _State, n: int, tol: float = 1e-10) -> Point:
    """Climb to the optimum of effect and baselines for a fixed spread, from and into `state`.

    Newton's method with steps of at most 1.5 (log units); stops when the step that the score
    asks for is below `tol` standard errors.
    """
    free = state.free(0.0)
    point = evaluate(family, state.effect, tau, state.baseline, n, state.modes)
    for _ in range(80):
        if _asks_for(point, free) < tol:
            break
        score, hessian = point.reduced(free)
        step = np.zeros(len(free))
        if free:
            curved = hessian[0, 0] < 0.0
            step[0] = -score[0] / hessian[0, 0] if curved else 0.5 * np.sign(score[0])
        state.move(point, free, np.clip(step, -1.5, 1.5))
        point = evaluate(family, state.effect, tau, state.baseline, n, point.modes)
        state.modes = point.modes
    return point


def begin(family: Family, hold: float | None = None) -> _State:
    """A place to start from: no effect, baselines of both groups together."""
    effect = 0.0 if hold is None else hold
    return _State(effect, family.begin(), np.zeros(family.k), hold is not None)


def common(family: Family, hold: float | None = None) -> Optimum:
    """The optimum with one effect for all trials: no spread, no integral."""
    state = begin(family, hold)
    return _finish(state, 0.0, climb(family, 0.0, state, 1), 0, 0.0, 1)


def highest(family: Family, hold: float | None = None) -> Optimum:
    """The global optimum over effect, baselines and spread.

    Parameters
    ----------
    family
        The trials.
    hold
        An effect to hold fixed, for profiles.

    Raises
    ------
    NotEstimableError
        The spread runs off, or the optimum cannot be shown to be one.
    """
    state = begin(family, hold)
    at_zero = climb(family, 0.0, state, 1)
    rises = at_zero.reduced((1,))[1][0, 0] > 0.0
    candidates = [] if rises else [(at_zero.value, 0.0, state.copy())]
    low = 0.0
    for high in _GRID:
        here = climb(family, high, state, _coarse(high), _ROUGH)
        if rises and here.score[1] <= 0.0:
            candidates.append(_between(family, low, high, state))
        rises, low = bool(here.score[1] > 0.0), high
    best = max(candidates, key=lambda c: c[0], default=None)
    if best is None or (rises and here.value > best[0]):
        raise NotEstimableError(
            "the variance between trials runs off without end",
            hint="model='MH' or 'Peto'; too few events to tell how much trials differ",
        )
    return _polish(family, best[1], best[2], len(candidates))


def _coarse(tau: float) -> int:
    """Nodes enough for five digits: the nearest singularity is at a distance of pi / tau."""
    return 24 + int(10.0 * tau)


def _between(family: Family, low: float, high: float, state: _State) -> tuple[float, float, _State]:
    """The maximum between two spreads, to about three digits; `state` stays at `high`."""
    place = state.copy()

    def slope(tau: float) -> float:
        return float(climb(family, tau, place, _coarse(tau), _ROUGH).score[1])

    if low == 0.0:  # at 0 the slope is 0 by symmetry; find a place where it still rises
        low = 0.5 * high
        while low > 1e-6 and slope(low) <= 0.0:
            low, high = 0.5 * low, low
    tau = root(slope, low, high, rtol=1e-3) if slope(low) > 0.0 >= slope(high) else high
    return climb(family, tau, place, _coarse(tau), _ROUGH).value, tau, place


def _polish(family: Family, tau: float, state: _State, n_optima: int) -> Optimum:
    if tau == 0.0:
        return _finish(state, 0.0, climb(family, 0.0, state, 1), 0, 0.0, n_optima)
    n = _FIRST
    while True:
        tau, point = _newton(family, tau, state, n)
        finer = evaluate(family, state.effect, tau, state.baseline, 2 * n, point.modes)
        error = abs(finer.value - point.value)
        if error < _SETTLED or 2 * n > _MOST:
            break
        n *= 2
    return _finish(state, tau, point, n, error, n_optima)


def _newton(family: Family, tau: float, state: _State, n: int) -> tuple[float, Point]:
    """Newton's method in effect, spread and baselines together."""
    free = state.free(1.0)
    point = evaluate(family, state.effect, tau, state.baseline, n, state.modes)
    for _ in range(60):
        if _asks_for(point, free) < 1e-11:
            break
        score, hessian = point.reduced(free)
        if math.isinf(_asks_for(point, free)):  # not yet near: go uphill in the spread alone
            step: Floats = np.zeros(len(free))
            step[-1] = 0.1 * tau * np.sign(score[-1])
        else:
            step = np.array(np.linalg.solve(hessian, -score), dtype=np.float64)
        step = step * min(1.0, 0.5 * tau / max(abs(float(step[-1])), 1e-300))
        state.move(point, free, step)
        tau += float(step[-1])
        point = evaluate(family, state.effect, tau, state.baseline, n, point.modes)
        state.modes = point.modes
    return tau, point


def _asks_for(point: Point, free: tuple[int, ...]) -> float:
    """The Newton step that the score asks for, in standard errors; infinite where not concave."""
    size = 0.0
    if point.score_a.size:
        if not np.all(point.hessian_a < 0.0):
            return math.inf
        size = float(np.max(np.abs(point.score_a) / np.sqrt(-point.hessian_a)))
    if not free:
        return size
    score, hessian = point.reduced(free)
    information = -hessian
    if information[0, 0] <= 0.0 or (len(free) == 2 and np.linalg.det(information) <= 0.0):
        return math.inf
    return max(size, math.sqrt(abs(float(score @ np.linalg.solve(information, score)))))


def _finish(
    state: _State, tau: float, point: Point, n: int, error: float, n_optima: int
) -> Optimum:
    free = state.free(tau)
    gradient = _asks_for(point, free)
    if not gradient < _FLAT:
        raise NotEstimableError(
            f"the likelihood's optimum was not reached: its slope still asks for a step of "
            f"{gradient:.1e} standard errors",
            hint="model='MH' or 'Peto'",
        )
    covariance = np.array(np.linalg.inv(-point.reduced(free)[1]), dtype=np.float64)
    return Optimum(
        state.effect, tau, state.baseline, point, covariance, gradient, n, error, n_optima
    )


def along(family: Family, best: Optimum) -> Callable[[float], float]:
    """The profile over the spread: each call climbs on from where the last one ended."""
    state = _State(best.effect, best.baseline, best.point.modes)

    def highest_at(tau: float) -> float:
        return climb(family, tau, state, _FIRST + int(16.0 * tau), 1e-8).value

    return highest_at
