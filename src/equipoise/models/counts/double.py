"""Two random effects a trial: baselines and effects both normal, independent of each other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import NotEstimableError
from equipoise.effects.columns import Floats
from equipoise.models.counts.families import Family, Terms
from equipoise.models.counts.quadrature import nodes_of

#: Standard deviations of baselines and effects from which to climb.
_BASES, _SPREADS = (0.0, 0.4, 1.0, 2.0), (0.0, 0.25, 0.7, 1.5)
_COARSE, _FIRST, _MOST = 9, 17, 80
_SETTLED, _FLAT = 1e-10, 1e-7
#: A standard deviation below this is held against exactly 0.
_SMALL = 1e-3


@dataclass(frozen=True, slots=True)
class Place:
    """Log-likelihood and derivatives by baseline, effect, and the standard deviation of each."""

    at: Floats
    value: float
    score: Floats
    hessian: Floats
    modes: Floats


@dataclass(frozen=True, slots=True)
class DoubleOptimum:
    """The highest place, the covariance of the free parameters, and how well it is known."""

    place: Place
    covariance: Floats
    gradient: float
    nodes: int
    quadrature_error: float


def evaluate(family: Family, at: Floats, n: int, start: Floats) -> Place:
    """Evaluate at (baseline, effect, sd of baselines, sd of effects) with n × n adaptive nodes.

    Derivatives as in :func:`equipoise.models.counts.quadrature.evaluate`; n = 1 is Laplace's
    approximation of the value.
    """
    z, inverse, log_det = _modes(family, at, start)
    # A dimension without spread is a plain normal, whose moments three nodes give exactly.
    x1, w1 = nodes_of(n if at[2] > 0.0 or n == 1 else 3)
    x2, w2 = nodes_of(n if at[3] > 0.0 or n == 1 else 3)
    grid1, grid2 = (g.ravel() for g in np.meshgrid(x1, x2, indexing="ij"))
    log_w = (w1[:, None] + w2[None, :]).ravel() + 0.5 * (grid1**2 + grid2**2)
    l11 = np.sqrt(inverse[0])
    l21 = inverse[1] / l11
    l22 = np.sqrt(np.maximum(inverse[2] - l21**2, 1e-300))
    z1 = z[:, :1] + l11[:, None] * grid1
    z2 = z[:, 1:] + l21[:, None] * grid1 + l22[:, None] * grid2
    t = family.terms(at[1] + at[3] * z2, at[0] + at[2] * z1)
    power = t.value - 0.5 * (z1**2 + z2**2) + log_w
    top = power.max(axis=1)
    weight = np.exp(power - top[:, None])
    total = weight.sum(axis=1)
    each = top + np.log(total) - 0.5 * log_det
    score, hessian = _louis(t, z1, z2, weight / total[:, None])
    return Place(at, float(each.sum()), score, hessian, z)


def _modes(family: Family, at: Floats, start: Floats) -> tuple[Floats, tuple[Floats, ...], Floats]:
    """Peaks of the integrands, shape (k, 2), the inverse curvature there, and its log-det."""
    s, tau = float(at[2]), float(at[3])

    def look(z: Floats) -> tuple[Terms, Floats]:
        t = family.terms(at[1] + tau * z[:, 1:], at[0] + s * z[:, :1])
        return t, t.value[:, 0] - 0.5 * (z**2).sum(axis=1)

    z = start.copy()
    now, height = look(z)
    for _ in range(60):
        assert now.a is not None
        curve = _curvature(now, s, tau)
        det = curve[0] * curve[2] - curve[1] ** 2
        g1, g2 = s * now.a[:, 0] - z[:, 0], tau * now.e[:, 0] - z[:, 1]
        step = np.stack(
            [(curve[2] * g1 - curve[1] * g2) / det, (curve[0] * g2 - curve[1] * g1) / det], axis=1
        )
        if np.max(np.abs(step)) < 1e-8:
            break
        for _ in range(30):
            then, new = look(z + step)
            worse = new < height - 1e-12 * np.abs(height) - 1e-14
            if not worse.any():
                break
            step = np.where(worse[:, None], 0.5 * step, step)
        z, now, height = z + step, then, new
    curve = _curvature(now, s, tau)
    det = curve[0] * curve[2] - curve[1] ** 2
    return z, (curve[2] / det, -curve[1] / det, curve[0] / det), np.log(det)


def _curvature(t: Terms, s: float, tau: float) -> tuple[Floats, Floats, Floats]:
    """Minus the second derivatives of the log integrand by both standard normals."""
    assert t.aa is not None
    assert t.ae is not None
    return (
        1.0 - s**2 * t.aa[:, 0],
        -s * tau * t.ae[:, 0],
        1.0 - tau**2 * t.ee[:, 0],
    )


def _louis(t: Terms, z1: Floats, z2: Floats, w: Floats) -> tuple[Floats, Floats]:
    assert t.a is not None
    assert t.aa is not None
    assert t.ae is not None
    one = np.ones_like(z1)
    by = [(t.a, one), (t.e, one), (t.a, z1), (t.e, z2)]
    first = [g * z for g, z in by]
    means = [(w * d).sum(axis=1) for d in first]
    second = {(0, 0): t.aa, (0, 1): t.ae, (1, 0): t.ae, (1, 1): t.ee}
    hessian = np.empty((4, 4))
    for i, j in itertools.combinations_with_replacement(range(4), 2):
        inside = second[i % 2, j % 2] * by[i][1] * by[j][1]
        gap = (first[i] - means[i][:, None]) * (first[j] - means[j][:, None])
        hessian[i, j] = hessian[j, i] = float((w * (inside + gap)).sum())
    return np.array([m.sum() for m in means]), hessian


def _climb(family: Family, place: Place, free: list[int], n: int, tol: float = 1e-10) -> Place:
    """Climb in the free parameters: Newton's method, damped where the likelihood is not concave."""
    damp = 0.0
    for _ in range(100):
        if _asks_for(place, free) < tol:
            break
        h = -place.hessian[np.ix_(free, free)]
        score = place.score[free]
        scale = np.diag(np.abs(np.diag(h)) + 1e-10)
        then = place
        for _ in range(30):
            try:
                np.linalg.cholesky(h + damp * scale)
            except np.linalg.LinAlgError:
                damp = max(2.0 * damp, 1e-3)
                continue
            step = np.linalg.solve(h + damp * scale, score)
            at = place.at.copy()
            at[free] += step * min(1.0, 1.0 / max(1e-300, float(np.max(np.abs(step)))))
            at[2:] = np.abs(at[2:])  # the likelihood is even in both standard deviations
            then = evaluate(family, at, n, place.modes)
            if then.value > place.value - 1e-11 * (1.0 + abs(place.value)):
                break
            damp = max(4.0 * damp, 1e-3)
        if not then.value > place.value - 1e-9 * (1.0 + abs(place.value)):
            break
        place, damp = then, damp / 8.0 if damp > 1e-6 else 0.0
    return place


def _asks_for(place: Place, free: list[int]) -> float:
    h = -place.hessian[np.ix_(free, free)]
    try:
        np.linalg.cholesky(h)
    except np.linalg.LinAlgError:
        return float("inf")
    score = place.score[free]
    return float(np.sqrt(abs(score @ np.linalg.solve(h, score))))


def _free(at: Floats) -> list[int]:
    return [0, 1, *(i for i in (2, 3) if at[i] > 0.0)]


def highest(family: Family, *, random: bool) -> DoubleOptimum:
    """The global optimum; `random` False holds the effects' standard deviation at 0.

    Climbs from a grid of both standard deviations, and along both edges where one of them is 0.

    Raises
    ------
    NotEstimableError
        The optimum cannot be shown to be one.
    """
    middle = float(np.median(family.begin()))
    best: Place | None = None
    for s in _BASES:
        for tau in _SPREADS if random else (0.0,):
            at = np.array([middle, 0.0, s, tau])
            modes = np.zeros((family.k, 2))
            start = evaluate(family, at, _COARSE, modes)
            place = _climb(family, start, [0, 1], _COARSE, 1e-2)
            if best is None or place.value > best.value:
                best = place
            middle = float(place.at[0])
    assert best is not None
    tops = []
    for edge in itertools.product((False, True), (False, True) if random else (True,)):
        at = best.at.copy()
        for i, zero in zip((2, 3), edge, strict=True):
            at[i] = 0.0 if zero else max(at[i], 0.2)
        place = evaluate(family, at, _FIRST, best.modes)
        place = _climb(family, place, _free(at), _FIRST)
        if np.all((place.at[2:] == 0.0) | (place.at[2:] > _SMALL)):
            tops.append(place)
    top = max(tops, key=lambda p: (round(p.value, 9), -int(np.sum(p.at[2:] > 0.0))))
    return _finish(family, top, random)


def _finish(family: Family, place: Place, random: bool) -> DoubleOptimum:
    n = _FIRST
    free = _free(place.at)
    while True:
        finer = evaluate(family, place.at, 2 * n, place.modes)
        error = abs(finer.value - place.value)
        if error < _SETTLED or 4 * n > _MOST:
            break
        n *= 2
        place = _climb(family, finer, free, n)
    gradient = _asks_for(place, free)
    edges = [i for i in ((2, 3) if random else (2,)) if place.at[i] == 0.0]
    falls = all(place.hessian[i, i] <= 1e-9 for i in edges)
    if not (gradient < _FLAT and falls):
        raise NotEstimableError(
            f"the likelihood's optimum was not reached: its slope still asks for a step of "
            f"{gradient:.1e} standard errors",
            hint="model='MH' or 'Peto'",
        )
    covariance = np.array(np.linalg.inv(-place.hessian[np.ix_(free, free)]), dtype=np.float64)
    return DoubleOptimum(place, covariance, gradient, n, error)
