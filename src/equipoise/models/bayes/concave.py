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

#: The value and two derivatives at places of shape (batch, n).
Concave: TypeAlias = Callable[[Floats], tuple[Floats, Floats, Floats]]

#: Ranges end where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0
#: Places of a table.
_PLACES = 72


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
    low, high = (_end(fun, peak, top, width, side) for side in (-1.0, 1.0))
    first, last = -np.arcsinh(low / width), np.arcsinh(high / width)
    step = (last - first) / n
    w = first[..., None] + step[..., None] * (np.arange(n) + 0.5)
    nodes = peak[..., None] + width[..., None] * np.sinh(w)
    power = fun(nodes)[0] - top[..., None] + np.log(np.cosh(w))
    shares = np.exp(power)
    total = shares.sum(axis=-1)
    shares /= total[..., None]
    return top + np.log(total * step * width), nodes, shares


def _peaks(fun: Concave, start: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Where each function peaks, its value there, and the width that its curvature tells."""
    x = start.copy()
    low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    reach = 8.0 * scale
    for _ in range(100):
        value, slope, curve = (part[..., 0] for part in fun(x[..., None]))
        curve = np.minimum(curve, -1e-300)
        step = -slope / curve
        if np.max(np.abs(step) * np.sqrt(-curve)) < 1e-3:
            break
        low, high = np.where(slope > 0.0, x, low), np.where(slope < 0.0, x, high)
        new = x + np.clip(step, -reach, reach)
        out = (new <= low) | (new >= high)
        x = np.where(out & np.isfinite(low + high), 0.5 * (low + high), new)
        reach = 1.5 * reach
    return x, value, 1.0 / np.sqrt(-curve)


def _end(fun: Concave, peak: Floats, top: Floats, width: Floats, side: float) -> Floats:
    """How far from its peak each function has fallen by the depth."""
    reach = 9.0 * width
    for _ in range(200):
        value, slope, _ = (part[..., 0] for part in fun((peak + side * reach)[..., None]))
        fall = top - value
        short, long = fall < _DEPTH, fall > 1.3 * _DEPTH
        if not (short.any() or long.any()):
            break
        nearer = reach - (fall - 1.1 * _DEPTH) / np.maximum(np.abs(slope), 1e-300)
        reach = np.where(short, 1.6 * reach, np.where(long, np.maximum(nearer, 0.1 * reach), reach))
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

    def at(
        self, which: slice | int, values: Floats, *, slopes: bool = False
    ) -> tuple[Floats, Floats, Floats]:
        """Evaluate the functions `which` at `values` of shape (m, ...); derivatives if asked."""
        shape = (-1,) + (1,) * (values.ndim - 1) if isinstance(which, slice) else ()
        centre, width, reach = (
            np.reshape(part[which], shape) for part in (self.centre, self.width, self.reach)
        )
        parts = self.parts[:, which]
        places = self.parts.shape[2]
        away = (values - centre) / width
        x = np.arcsinh(away)
        inner = np.clip(x, -reach, reach)
        gap = 2.0 * reach / places
        t = (inner + reach) / gap
        cell = np.minimum(t.astype(np.intp), places - 1)
        t = t - cell
        if isinstance(which, slice):
            cell = cell + places * np.arange(parts.shape[1]).reshape(shape)
        flat = parts.reshape(6, -1)
        c = [flat[i].take(cell) for i in range(6)]
        value = c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))))
        beyond = inner != x
        if not (slopes or beyond.any()):
            return value, value, value
        first = c[1] + t * (2 * c[2] + t * (3 * c[3] + t * (4 * c[4] + t * 5 * c[5])))
        cosh = np.cosh(inner)
        slope = first / (gap * width * cosh)
        value = value + np.where(beyond, slope * width * (away - np.sinh(inner)), 0.0)
        if not slopes:
            return value, slope, slope
        second = 2 * c[2] + t * (6 * c[3] + t * (12 * c[4] + t * 20 * c[5]))
        curve = (second / gap**2 - slope * width * np.sinh(inner)) / (width * cosh) ** 2
        return value, slope, np.where(beyond, 0.0, curve)


def places_of(
    centre: Floats, width: Floats, most: Floats, n: int = _PLACES
) -> tuple[Floats, Floats]:
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
