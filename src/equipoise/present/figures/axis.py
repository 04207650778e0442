"""Axes: from values on the analysis scale to places on the paper, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.core.table import RATIOS, fixed, significant

_STEPS = (1.0, 2.0, 5.0)


def is_ratio(measure: str) -> bool:
    """Whether a measure is analysed on the log scale."""
    return measure.upper() in RATIOS


@dataclass(frozen=True, slots=True)
class Axis:
    """A horizontal axis from `low` to `high` (analysis scale) on the paper from `left` to `right`."""

    low: float
    high: float
    left: float
    right: float
    log: bool

    def at(self, value: float) -> float:
        """Where `value` lies on the paper, kept within the axis."""
        share = (value - self.low) / (self.high - self.low)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def holds(self, value: float) -> bool:
        """Whether `value` lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 7) -> list[tuple[float, str]]:
        """Round ticks as (value on the analysis scale, text)."""
        if self.log:
            return _log_ticks(self.low, self.high, most)
        step = _step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(i * step, fixed(i * step, decimals)) for i in range(first, last + 1)]


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((s * power for s in _STEPS if s * power >= rough * (1 - 1e-9)), 10 * power)


def _log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    decades = range(math.floor(low / math.log(10)) - 1, math.ceil(high / math.log(10)) + 2)
    for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        values = [s * 10.0**d for d in decades for s in steps]
        inside = [v for v in values if low - 1e-9 <= math.log(v) <= high + 1e-9]
        if len(inside) <= most:
            break
    else:
        inside = inside[:: math.ceil(len(inside) / most)]
    if len(inside) < 3:
        inside = sorted({1.0, *inside, *_fine(low, high)})
    return [(math.log(v), significant(v, 3)) for v in inside]


def _fine(low: float, high: float) -> list[float]:
    fine = (0.25, 0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 4.0)
    return [v for v in fine if low <= math.log(v) <= high]


def fit_axis(
    points: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    *,
    null: float,
    left: float,
    right: float,
    log: bool,
    keep: Sequence[float] = (),
) -> Axis:
    """Choose an axis that shows every point estimate and most of every interval.

    An interval that is much wider than the rest is clipped (drawn with an arrow), so that one
    tiny trial cannot squeeze all others into a line.

    Parameters
    ----------
    points, bounds
        Estimates and intervals on the analysis scale.
    null
        The value of no effect, always on the axis.
    keep
        Further values that must be on the axis (thresholds, the pooled interval).
    """
    core = [v for v in (*points, *keep, null) if math.isfinite(v)]
    low, high = min(core), max(core)
    reach = max(high - low, 1e-9)
    widths = sorted(b - a for a, b in bounds if math.isfinite(b - a))
    typical = widths[len(widths) // 2] if widths else reach
    room = max(reach, typical) * 1.2
    for a, b in bounds:
        low = min(low, max(a, min(core) - room)) if math.isfinite(a) else min(core) - room
        high = max(high, min(b, max(core) + room)) if math.isfinite(b) else max(core) + room
    pad = max((high - low) * 0.04, 1e-9)
    low, high = low - pad, high + pad
    if high - low < 1e-6:
        low, high = low - 1.0, high + 1.0
    if log:
        # Round ticks on both sides of 1 need at least a factor of 1.5 to stand on.
        low, high = min(low, -math.log(1.5)), max(high, math.log(1.5))
    return Axis(low, high, left, right, log)
