"""The highest likelihood of variance components: a grid, and a climb from each of its tops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import NotEstimableError
from equipoise.effects.columns import Floats
from equipoise.models.mixed import Mixed, Moments
from equipoise.models.structures import Triangle
from equipoise.num.climb import Top, climb

#: Multiplications that a grid may cost, and places that it may have.
_BUDGET, _MOST = 2e9, 400
#: Places that a climb starts from when there are more than two parameters.
_CLIMBS = 6


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best of all local maxima that were seen.

    Attributes
    ----------
    x
        Parameters in working units.
    moments
        The fit there.
    hessian, free
        Second derivatives of the log-likelihood; False for parameters at a bound.
    values
        Log-likelihoods of all distinct local maxima, best first.
    places
        Their parameters.
    settled
        Whether the search ended where the derivatives are 0 to rounding.
    """

    x: Floats
    moments: Moments
    hessian: Floats
    free: np.ndarray[tuple[int], np.dtype[np.bool_]]
    values: tuple[float, ...]
    places: tuple[Floats, ...]
    settled: bool


def optimum(model: Mixed) -> Optimum:
    """Find the highest likelihood.

    For one or two variances the grid covers every combination from 0 to several times what the
    residuals could show, so that all its tops are climbed. For more parameters the best few of a
    coarser grid are. A term with a matrix of its own is left only when no direction into the
    positive semi-definite matrices rises.

    Raises
    ------
    NotEstimableError
        No place of the grid has a likelihood.
    """
    if not model.terms:
        found = model.moments([])
        if found is None:
            raise NotEstimableError("the sampling covariances cannot be inverted")
        none = np.empty(0)
        return Optimum(none, found, np.empty((0, 0)), none > 0, (found.ll,), (none,), True)
    tops: list[Top] = []
    for start in _starts(model):
        top = _inward(model, climb(model.slope, model.value, start, model.low, model.high))
        if not any(_same(top, other) for other in tops):
            tops.append(top)
    if not tops:
        raise NotEstimableError("the likelihood cannot be computed anywhere")
    tops.sort(key=lambda t: -t.slope.value)
    best = tops[0]
    found = model.moments(model.matrices(best.x))
    assert found is not None
    return Optimum(
        best.x,
        found,
        best.slope.hessian,
        best.free,
        tuple(t.slope.value for t in tops),
        tuple(t.x for t in tops),
        best.settled,
    )


def _same(one: Top, two: Top) -> bool:
    near = abs(one.slope.value - two.slope.value) <= 1e-7 * (1.0 + abs(two.slope.value))
    return near and bool(np.all(np.abs(one.x - two.x) <= 1e-3 * (1.0 + np.abs(two.x))))


def _widest(model: Mixed) -> float:
    """Beyond this variance, in working units, nothing is gained."""
    rss = sum(float((batch.y**2).sum()) for batch in model.batches)
    return float(max(1.0, 4.0 * rss / max(model.k - model.p, 1)))


def _starts(model: Mixed) -> list[Floats]:
    count = int(model.low.size)
    cost = sum(batch.V.shape[0] * batch.V.shape[1] ** 3 for batch in model.batches)
    room = int(min(_MOST, max(12.0, _BUDGET / max(cost, 1))))
    top = _widest(model)
    if count <= 2:
        side = min(room, 40) if count == 1 else max(4, min(10, math.isqrt(room)))
        if model.group is not None:  # looking costs next to nothing
            side = 60 if count == 1 else 16
        levels = [0.0, *np.geomspace(1e-3, top, side - 1)]
        places = _combined(model, levels)
        return _peaks(places, model.values(places), count, side)
    for side in (6, 5, 4, 3, 2):
        places = _combined(model, list(np.geomspace(0.05, top / 2.0, side)))
        if len(places) <= room or side == 2:
            break
    if len(places) > room:
        places = places[:: math.ceil(len(places) / room)]
    values = model.values(places)
    return [places[i] for i in np.argsort(-values)[:_CLIMBS] if math.isfinite(values[i])]


def _combined(model: Mixed, variances: Sequence[float]) -> list[Floats]:
    parts = [t.structure.starts(variances) for t in model.terms]
    return [np.concatenate(c) for c in itertools.product(*parts)]


def _peaks(places: list[Floats], values: Floats, count: int, side: int) -> list[Floats]:
    """The places of a full grid that no neighbour exceeds; of any other list, the best few."""
    if len(places) != side**count:
        order = np.argsort(-values)[:_CLIMBS]
        return [places[i] for i in order if math.isfinite(values[i])]
    grid = values.reshape((side,) * count)
    padded = np.pad(grid, 1, constant_values=-math.inf)
    high = np.ones(grid.shape, dtype=bool)
    for shift in itertools.product((-1, 0, 1), repeat=count):
        window = tuple(slice(1 + s, 1 + s + side) for s in shift)
        high &= grid >= padded[window]
    flat = np.flatnonzero(high.ravel() & np.isfinite(values))
    return [places[i] for i in flat[np.argsort(-values[flat])][:12]]


def _inward(model: Mixed, top: Top) -> Top:
    """Leave a singular matrix where the likelihood rises towards one of higher rank."""
    for _ in range(4):
        start = _rising(model, top)
        if start is None:
            return top
        again = climb(model.slope, model.value, start, model.low, model.high)
        if again.slope.value <= top.slope.value + 1e-12 * (1.0 + abs(top.slope.value)):
            return top
        top = again
    return top


def _rising(model: Mixed, top: Top) -> Floats | None:
    if not any(isinstance(t.structure, Triangle) for t in model.terms):
        return None
    found = model.moments(model.matrices(top.x))
    if found is None:
        return None
    parts = model.split(top.x)
    for i, (term, S) in enumerate(zip(model.terms, model.score(found), strict=True)):
        if not isinstance(term.structure, Triangle):
            continue
        values, turn = np.linalg.eigh(S)
        G = term.structure.matrix(parts[i])
        if values[-1] * max(1.0, float(np.trace(G))) <= 1e-6:
            continue
        v = turn[:, -1]
        for size in (1.0, 1e-1, 1e-2, 1e-3, 1e-4):
            new = term.structure.read(G + size * np.outer(v, v))
            x = np.concatenate([*parts[:i], new, *parts[i + 1 :]])
            if model.value(x) > top.slope.value:
                return x
    return None
