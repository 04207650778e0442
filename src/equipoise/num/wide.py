"""The loops over trials of :mod:`equipoise.num.kernels` by NumPy, for one analysis of many trials.

The search and the steps are those of the kernels; only what adds up over trials is exchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.num.binding import bind, kernels

Floats = NDArray[np.float64]


def _dot(a: Floats, b: Floats) -> float:
    """The sum of products, added up pairwise, in this thread."""
    return float(np.add.reduce(a * b))


def slopes(
    y: Floats, v: Floats, n: int, t: float, ml: bool, w: Any
) -> tuple[float, float, float, float, float, float, float]:
    """As :func:`equipoise.num.kernels.slopes`."""
    x = 1.0 / (v + t)
    first = float(x[0])
    rest = float(x[1:].sum())
    total = first + rest
    mean = _dot(x, y) / total
    away = y - mean
    r = x * away
    s = r - r[0]
    once = _dot(x, s)
    spread = _dot(x, s * s) - once * once / total
    squares = _dot(x[1:], x[1:])
    gain = _dot(r, r)
    own = first * first
    if ml:
        return total, mean, _dot(r, away), gain, total, 2.0 * spread, own + squares
    loss = (rest * (first + total) - squares) / total
    pairs = own * (rest * rest + squares) - 2.0 * total * _dot(x[1:] * x[1:], x[1:])
    loss_fall = (pairs + squares * (total * total + own + squares)) / (total * total)
    return total, mean, _dot(r, away), gain, loss, 2.0 * spread, loss_fall


def profile(y: Floats, v: Floats, n: int, t: float, w: Any) -> tuple[float, float, float, float]:
    """As :func:`equipoise.num.kernels.profile`."""
    x = 1.0 / (v + t)
    total = float(x.sum())
    mean = _dot(x, y) / total
    away = y - mean
    r = x * away
    return total, mean, _dot(r, away), _dot(r, r)


def moments(y: Floats, v: Floats, n: int, w: Any) -> tuple[float, float, float, float, float]:
    """As :func:`equipoise.num.kernels.moments`."""
    return slopes(y, v, n, 0.0, False, w)[:5]


def log_weights(v: Floats, n: int, t: float) -> float:
    """As :func:`equipoise.num.kernels.log_weights`."""
    return float(np.log(v + t).sum())


def squares_about_mean(y: Floats, n: int) -> float:
    """As :func:`equipoise.num.kernels.squares_about_mean`."""
    away = y - y.mean()
    return _dot(away, away)


def widest(v: Floats, n: int) -> float:
    """As :func:`equipoise.num.kernels.widest`."""
    return float(v.max())


#: For many trials, held in arrays.
WIDE = kernels(
    bind(
        {
            "slopes": slopes,
            "profile": profile,
            "moments": moments,
            "log_weights": log_weights,
            "squares_about_mean": squares_about_mean,
            "widest": widest,
        },
        lambda copy: copy,
    )
)
