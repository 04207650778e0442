"""Profile-likelihood intervals of variances and correlations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.result import Interval, Method, Result
from equipoise.effects.columns import Floats
from equipoise.models.mixed import Mixed, Term
from equipoise.models.random_terms import RandomTerm
from equipoise.models.structures import Polar, Scaled, Structure
from equipoise.num.climb import climb
from equipoise.num.dist import chi2_quantile
from equipoise.num.solve import root

PROFILE = Method(
    "profile-likelihood intervals of variances and correlations",
    "Hardy, Thompson 1996, Stat Med 15:619",
    "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
)


@dataclass(frozen=True, slots=True)
class ComponentInterval(Result):
    """A variance or a correlation with its profile-likelihood interval.

    Attributes
    ----------
    term, kind, of
        The term; ``sigma2``, ``tau2`` or ``rho``; the inner levels that it is of, if not of all.
    estimate, ci
        The estimate and its interval; an infinite bound where the likelihood never falls enough.
    """

    term: str
    kind: str
    of: str
    estimate: float
    ci: Interval


@dataclass(frozen=True, slots=True)
class _Coordinate:
    """Where a component is one coordinate: the structure, the order of levels, the place."""

    kind: str
    of: str
    structure: Structure
    order: tuple[int, ...]
    place: int
    #: From the coordinate in working units and the unit to the component.
    read: Callable[[float, float], float]


def component_intervals(
    model: Mixed, G: Sequence[Floats], terms: Sequence[RandomTerm], level: float, top: float
) -> tuple[ComponentInterval, ...]:
    """Return the interval of every component that was estimated.

    Parameters
    ----------
    model, G
        The likelihood and the matrices that maximise it, in its units.
    terms
        The terms, in the order of the likelihood's.
    level, top
        Level of the intervals, and the maximum of the log-likelihood.

    Notes
    -----
    The bounds are where twice the log-likelihood, maximised over everything else, has fallen by
    the chi-squared quantile of one degree of freedom; a bound of the component where it does not.
    """
    out = []
    for t, term in enumerate(terms):
        if not term.parameters:
            continue
        for c in _coordinates(term):
            inside, start = _placed(model, G, t, c)
            ci = _interval(inside, start, c, level, top)
            estimate = c.read(float(start[inside.parts[t]][c.place]), inside.unit)
            out.append(ComponentInterval(term.name, c.kind, c.of, estimate, ci))
    return tuple(out)


def _variance(value: float, unit: float) -> float:
    return value * unit


def _squared(value: float, unit: float) -> float:
    return value * value * unit


def _plain(value: float, unit: float) -> float:
    return value


def _sine(value: float, unit: float) -> float:
    return math.sin(value)


def _coordinates(term: RandomTerm) -> Iterator[_Coordinate]:
    structure, q = term.structure(), len(term.G)
    same = tuple(range(q))
    if structure.low.size == 1:
        yield _Coordinate("tau2" if term.struct else "sigma2", "", structure, same, 0, _variance)
    elif term.struct == "DIAG":
        for i, name in enumerate(term.levels):
            yield _Coordinate("tau2", name, structure, same, i, _variance)
    elif term.struct == "UN":
        polar = Polar(q)
        for i, name in enumerate(term.levels):
            order = (i, *(j for j in same if j != i))
            yield _Coordinate("tau2", name, polar, order, 0, _squared)
        for i, j in itertools.combinations(same, 2):
            order = (i, j, *(n for n in same if n not in (i, j)))
            of = f"{term.levels[i]}, {term.levels[j]}"
            yield _Coordinate("rho", of, polar, order, 2, _sine)
    else:
        if term.struct == "CS":
            structure = Scaled(1.0 - np.eye(q), False, -1.0 / (q - 1))
        last = structure.low.size - 1
        names = term.levels if last > 1 else ("",)
        for i, name in enumerate(names):
            read = _squared if last > 1 else _variance
            yield _Coordinate("tau2", name, structure, same, i, read)
        if term.rho is None:
            yield _Coordinate("rho", "", structure, same, last, _plain)


def _placed(model: Mixed, G: Sequence[Floats], t: int, c: _Coordinate) -> tuple[Mixed, Floats]:
    """The likelihood in coordinates of which the component is one, and its maximum there."""
    place = np.argsort(c.order)
    old = model.terms[t]
    new = Term(old.outer, place[old.inner], c.structure)
    terms = [new if i == t else term for i, term in enumerate(model.terms)]
    inside = model.with_terms(terms)
    at = np.array(c.order)
    parts = [
        term.structure.read(g[np.ix_(at, at)] if i == t else g)
        for i, (term, g) in enumerate(zip(terms, G, strict=True))
    ]
    return inside, np.concatenate(parts)


def _interval(model: Mixed, start: Floats, c: _Coordinate, level: float, top: float) -> Interval:
    t = next(i for i, term in enumerate(model.terms) if term.structure is c.structure)
    at = model.parts[t].start + c.place
    drop = 0.5 * chi2_quantile(level, 1.0)
    low, high, here = float(model.low[at]), float(model.high[at]), float(start[at])
    warm = {here: start}

    def above(value: float) -> float:
        """How much of the allowed fall is left with the component at `value`."""
        near = min(warm, key=lambda other: abs(other - value))
        x = warm[near].copy()
        x[at] = value
        lows, highs = model.low.copy(), model.high.copy()
        lows[at] = highs[at] = value
        found = climb(model.slope, model.value, x, lows, highs)
        warm[value] = found.x
        return found.slope.value - top + drop

    bounds = [c.read(_crossing(above, here, end), model.unit) for end in (low, high)]
    return Interval(bounds[0], bounds[1], level, "profile likelihood")


def _crossing(above: Callable[[float], float], here: float, end: float) -> float:
    """Where `above` turns negative between the estimate and the bound, or the bound."""
    if here == end:
        return end
    if math.isfinite(end):
        if above(end) >= 0.0:
            return end
        return root(above, here, end, rtol=1e-11, atol=1e-12)
    step, inner = max(abs(here), 0.1), here
    for _ in range(60):
        outer = inner + step
        if above(outer) < 0.0:
            return root(above, inner, outer, rtol=1e-11)
        inner, step = outer, 2.0 * step
    return math.inf
