"""Integrals of exponentials of concave functions, many at once, and tables of such functions.

The peak is found by Newton's method within a bracket, both ends by doubling and by Newton's
method from outside, and nodes spread out like a sinh from the peak. Tables are quintic between
places that spread out like a sinh too: values and two derivatives are kept at each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from equipoise.effects.columns import Floats

#: From places of shape (batch, n), and whether derivatives are asked for, to the value and two
#: derivatives; whatever stands in their place when they are not.
Concave: TypeAlias = Callable[[Floats, bool], tuple[Floats, Floats, Floats]]

#: Ranges end where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0
#: Numbers that are looked up at a time: what stays near the processor.
_ROOM = 16_384


def log_integral(fun: Concave, start: Floats, scale: Floats, n: int) -> tuple[Floats, ...]:
    """Integrate ``exp(fun)`` over the line, for a batch.

    Parameters
    ----------
    fun
        The functions; strictly concave at their peaks.
    start, scale
        Where to look for the peaks, and how far a step may lead; both of the batch's shape.
    n
        Nodes.

    Returns
    -------
    log_integral, nodes, shares
        Shapes (batch), (batch, n), and (batch, n): what part each node has of the integral.
    """
    peak, top, width = _peaks(fun, start, scale)
    reach = _ends(fun, peak, top, width)
    first, last = -np.arcsinh(reach[..., 0] / width), np.arcsinh(reach[..., 1] / width)
    step = (last - first) / n
    grow = np.exp(first[..., None] + step[..., None] * (np.arange(n) + 0.5))
    shrink = 1.0 / grow
    nodes = peak[..., None] + (0.5 * width)[..., None] * (grow - shrink)
    shares: Floats = fun(nodes, False)[0] - top[..., None]
    np.exp(np.minimum(shares, 300.0), out=shares)
    shares *= grow + shrink
    total = shares.sum(axis=-1)
    shares /= total[..., None]
    return top + np.log(0.5 * total * step * width), nodes, shares


def _peaks(fun: Concave, start: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Where each function peaks, its value there, and the width that its curvature tells."""
    x = start.copy()
    low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    reach = 8.0 * scale
    for _ in range(100):
        value, slope, curve = (part[..., 0] for part in fun(x[..., None], True))
        curve = np.minimum(curve, -1e-300)
        step = -slope / curve
        if np.max(np.abs(step) * np.sqrt(-curve)) < 1e-2:
            break
        low, high = np.where(slope > 0.0, x, low), np.where(slope < 0.0, x, high)
        new = x + np.clip(step, -reach, reach)
        out = (new <= low) | (new >= high)
        out &= np.isfinite(low) & np.isfinite(high)
        x = new
        x[out] = 0.5 * (low[out] + high[out])
        reach = 1.5 * reach
    return x, value, 1.0 / np.sqrt(-curve)


def _ends(fun: Concave, peak: Floats, top: Floats, width: Floats) -> Floats:
    """How far below and above its peak each function has fallen by the depth, shape (batch, 2)."""
    side = np.array([-1.0, 1.0])
    reach = 9.0 * width[..., None] * np.ones(2)
    for _ in range(200):
        value, slope, _ = fun(peak[..., None] + side * reach, True)
        fall = top[..., None] - value
        wrong = (fall < _DEPTH) | (fall > 1.3 * _DEPTH)
        if not wrong.any():
            break
        # A tangent of a convex function lies below it, so that this never ends too near.
        there = reach - (fall - 1.05 * _DEPTH) / np.maximum(-side * slope, 1e-300)
        there = np.minimum(np.maximum(there, 0.1 * reach), 4.0 * reach)
        reach = np.where(wrong, there, reach)
    return reach


@dataclass(frozen=True, slots=True)
class Tables:
    """Functions of one number each, shape (m,), with linear continuation beyond their places.

    Attributes
    ----------
    centre, width, reach
        A place `x` of the table stands for ``centre + width * sinh(x)``; it ends at ±`reach`.
    parts
        Coefficients of the quintic between neighbours, shape (6, m, places - 1).
    """

    centre: Floats
    width: Floats
    reach: Floats
    parts: Floats

    def at(self, values: Floats, *, slopes: bool = False) -> tuple[Floats, Floats, Floats]:
        """Evaluate at `values` of shape (m, ...); derivatives if asked for."""
        m = self.centre.size
        flat = values.reshape(m, -1)
        most = max(1, _ROOM // m)
        if flat.shape[1] <= most:
            found = self._some(flat, slopes)
        else:
            whole = tuple(np.empty(flat.shape) for _ in range(3 if slopes else 1))
            for i in range(0, flat.shape[1], most):
                part = self._some(flat[:, i : i + most], slopes)
                for to, one in zip(whole, part, strict=False):
                    to[:, i : i + most] = one
            found = whole if slopes else whole * 3
        one, two, three = (part.reshape(values.shape) for part in found)
        return one, two, three

    def _some(self, values: Floats, slopes: bool) -> tuple[Floats, ...]:
        width, reach = self.width[:, None], self.reach[:, None]
        places = self.parts.shape[2]
        away = (values - self.centre[:, None]) / width
        size = np.abs(away)
        x = np.log(size + np.sqrt(size * size + 1.0))
        beyond = x > reach
        np.minimum(x, reach, out=x)
        np.negative(x, out=x, where=away < 0.0)
        gap = 2.0 * reach / places
        t = (x + reach) / gap
        cell = t.astype(np.intp)
        np.minimum(cell, places - 1, out=cell)
        t -= cell
        cell += places * np.arange(self.centre.size)[:, None]
        far = bool(beyond.any())
        c = [part.take(cell) for part in self.parts.reshape(6, -1)]
        value = c[5] * t
        for part in c[4:0:-1]:
            value += part
            value *= t
        value += c[0]
        if not (slopes or far):
            return value, value, value
        first = c[1] + t * (2 * c[2] + t * (3 * c[3] + t * (4 * c[4] + t * 5 * c[5])))
        grow = np.exp(x)
        cosh, sinh = 0.5 * (grow + 1.0 / grow), 0.5 * (grow - 1.0 / grow)
        slope = first / (gap * width * cosh)
        if far:
            value += np.where(beyond, slope * width * (away - sinh), 0.0)
        if not slopes:
            return value, slope, slope
        second = 2 * c[2] + t * (6 * c[3] + t * (12 * c[4] + t * 20 * c[5]))
        curve = (second / gap**2 - slope * width * sinh) / (width * cosh) ** 2
        return value, slope, np.where(beyond, 0.0, curve)


def places_of(centre: Floats, width: Floats, most: Floats, n: int) -> tuple[Floats, Floats]:
    """The ends of tables that reach at least `most` from their centres, and their places (m, n)."""
    reach = np.arcsinh(most / width)
    x = reach[:, None] * np.linspace(-1.0, 1.0, n)
    return reach, centre[:, None] + width[:, None] * np.sinh(x)


def tabulated(
    centre: Floats, width: Floats, reach: Floats, f: Floats, slope: Floats, curve: Floats
) -> Tables:
    """Tables from values and two derivatives at the places that :func:`places_of` gave."""
    n = f.shape[1]
    x = reach[:, None] * np.linspace(-1.0, 1.0, n)
    gap = (2.0 * reach / (n - 1))[:, None]
    speed, bend = width[:, None] * np.cosh(x), width[:, None] * np.sinh(x)
    d1 = slope * speed * gap
    d2 = (curve * speed**2 + slope * bend) * gap**2
    f0, f1 = f[:, :-1], f[:, 1:]
    a0, a1, b0, b1 = d1[:, :-1], d1[:, 1:], d2[:, :-1], d2[:, 1:]
    rise = f1 - f0 - a0 - 0.5 * b0
    slant = a1 - a0 - b0
    turn = b1 - b0
    parts = np.stack(
        [
            f0,
            a0,
            0.5 * b0,
            10.0 * rise - 4.0 * slant + 0.5 * turn,
            -15.0 * rise + 7.0 * slant - turn,
            6.0 * rise - 3.0 * slant + 0.5 * turn,
        ]
    )
    return Tables(centre, width, reach, np.ascontiguousarray(parts))
