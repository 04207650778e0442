"""Axes: from values on the analysis scale to places on the paper, with round ticks.

All figures with a scale use this module: the choice of limits, the ticks, the rule for clipping,
and the drawing of axis, band, no-effect line and intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from equipoise.core.errors import InputError
from equipoise.core.table import fixed, significant
from equipoise.present.drawing import Drawing, coord
from equipoise.present.text import text_width, wrap

_STEPS = (1.0, 2.0, 5.0)
_CLOSER = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
#: Ticks with more decimals are written by powers of ten.
_DECIMALS = 6
#: What is narrower than this has no width.
_NO_WIDTH = 1e-300
#: The largest logarithm of a ratio that an axis holds; beyond it ratios have no number.
_LOG_MOST = 690.0
_LOG_ENDS = (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0)
#: Ends of an axis on which all ratios are near 1.
_NEAR_ENDS = (0.9, 0.95, 1.05, 1.1)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high` on the scale of analysis, from `left` to `right` on paper.

    An upright axis is one whose `left` is its foot and whose `right` is its head.

    Attributes
    ----------
    log
        Whether ticks are round on the scale of the exponential.
    back
        The way to the reader's scale, where that is neither the same nor the exponential; ticks
        are then round there.
    given
        Ticks that were asked for, on the scale of analysis, with their texts.
    """

    low: float
    high: float
    left: float
    right: float
    log: bool
    back: Callable[[float], float] | None = None
    given: tuple[tuple[float, str], ...] = ()

    def at(self, value: float) -> float:
        """Where `value` lies on the paper, kept within the axis."""
        share = (value - self.low) / (self.high - self.low)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def holds(self, value: float) -> bool:
        """Whether `value` lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self) -> list[tuple[float, str]]:
        """Round ticks as (value on the analysis scale, text), as many as have room."""
        if self.given:
            return [tick for tick in self.given if self.holds(tick[0])]
        most = min(9, max(2, int(abs(self.right - self.left) / 40)))
        if self.log:
            return _log_ticks(self.low, self.high, most)
        if self.back is not None:
            return _curved_ticks(self.low, self.high, most, self.back)
        return _linear_ticks(self.low, self.high, most)


def _linear_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    step = _step((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = [i * step for i in range(first, last + 1)]
    if decimals > _DECIMALS:  # as many digits as the step is fine
        largest = max(step, *map(abs, values))
        digits = 1 + decimals + math.floor(math.log10(largest))
        return [(v, significant(v, digits)) for v in values]
    return [(v, fixed(v, decimals)) for v in values]


def _curved_ticks(
    low: float, high: float, most: int, back: Callable[[float], float]
) -> list[tuple[float, str]]:
    """Ticks that are round on the reader's scale, by bisection of the way back.

    The roundest come first; one that would stand closer to another than `most` allows gives way.
    """
    ends = sorted((back(low), back(high)))
    if not all(map(math.isfinite, ends)) or ends[1] - ends[0] < 1e-12:
        return _linear_ticks(low, high, most)
    rising = back(high) >= back(low)
    found: list[tuple[float, str]] = []
    for value in sorted(_round_values(ends[0], ends[1], most), key=_roundness):
        a, b = low, high
        for _ in range(60):
            middle = (a + b) / 2
            if (back(middle) < value) == rising:
                a = middle
            else:
                b = middle
        place = (a + b) / 2
        if all(abs(place - other) >= (high - low) / (most + 1) for other, _ in found):
            found.append((place, significant(value, 4) if value else "0"))
    return sorted(found)


def _round_values(low: float, high: float, most: int) -> set[float]:
    """Round values from `low` to `high`: evenly spaced ones, and those that crowd to 0 or to 1."""
    step = _step((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = {_plain(i * step) for i in range(first, last + 1)}
    small = [s * 10.0**-d for d in range(1, 7) for s in _STEPS]
    values |= {_plain(v) for v in small if low <= v <= high}
    if high <= 1.0:
        values |= {_plain(1.0 - v) for v in small if low <= 1.0 - v <= high}
    return values


def _plain(value: float) -> float:
    return float(f"{value:.8g}")


def _roundness(value: float) -> tuple[int, float]:
    """Sorts 0, 1, 0.1… before 0.5, 0.05…, these before 0.2…, and all before others."""
    near = value if value <= 0.5 or value >= 1.0 else _plain(1.0 - value)
    lead = f"{abs(near):.6e}".partition("e")[0].rstrip("0").rstrip(".")
    return ({"0": 0, "1": 0, "5": 1, "2": 2}.get(lead, 3), value)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((s * power for s in _STEPS if s * power >= rough * (1 - 1e-9)), 10 * power)


def _log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    if max(-low, high) > _LOG_MOST:
        raise InputError(
            f"a ratio of e to the power {max(low, high, key=abs):.0f} cannot be drawn",
            hint="an estimate this far from no difference is mostly a slip: is it a log ratio, or "
            "points given as a ratio? measure='MD' for points",
        )
    decades = range(math.floor(low / math.log(10)) - 1, math.ceil(high / math.log(10)) + 2)

    def inside(steps: Sequence[float]) -> list[float]:
        values = [s * 10.0**d for d in decades for s in steps]
        return [v for v in values if low - 1e-9 <= math.log(v) <= high + 1e-9]

    chosen = inside(_STEPS)
    if len(chosen) < 3:
        chosen = inside(_CLOSER)
    if len(chosen) < 3 and high < 300:
        step = _step((math.exp(high) - math.exp(low)) / min(most, 8))
        first, last = (math.exp(v) / step for v in (low, high))
        chosen = [i * step for i in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)]
    if len(chosen) > most and len(inside((1.0,))) >= 3:
        chosen = inside((1.0,))
    every = math.ceil(len(chosen) / most)
    # Counted from 1, so that no effect keeps its tick.
    one = next((i for i, v in enumerate(chosen) if math.isclose(v, 1.0)), 0)
    return [(math.log(v), significant(v, 4)) for i, v in enumerate(chosen) if not (i - one) % every]


def fit_axis(
    points: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    *,
    null: float,
    left: float,
    right: float,
    log: bool,
    keep: Sequence[float] = (),
    back: Callable[[float], float] | None = None,
) -> Axis:
    """Choose an axis with round ends that shows what matters and clips what would squeeze it.

    No effect, the values in `keep` and every point within four typical interval widths of them
    are always on the axis. An interval may reach beyond those by half their spread (or one typical
    width, whichever is more) before it is clipped and drawn with an arrow.

    Parameters
    ----------
    points, bounds
        Estimates and intervals on the analysis scale.
    null
        The value of no effect; not a number where there is none.
    keep
        Further values that must be on the axis: thresholds, the pooled interval.
    back
        The way to the reader's scale, as for :class:`Axis`.
    """
    core = [v for v in (*keep, null) if math.isfinite(v)]
    core = core or sorted(p for p in points if math.isfinite(p))[len(points) // 2 :][:1] or [0.0]
    widths = sorted(b - a for a, b in bounds if math.isfinite(b - a))
    typical = widths[len(widths) // 2] if widths else 0.0
    reach = 4 * typical
    near = [p for p in points if min(core) - reach <= p <= max(core) + reach]
    core += near or [p for p in points if math.isfinite(p) and not widths]
    low, high = min(core), max(core)
    room = max((high - low) / 2, typical)
    ends = [low - room, high + room]
    for a, b in bounds:
        low, high = min(low, max(a, ends[0])), max(high, min(b, ends[1]))
    size = max(abs(low), abs(high))
    if high - low <= max(1e-12 * size, _NO_WIDTH):
        spare = max(1.0, 1e-6 * size)
        low, high = low - spare, high + spare
    if log:
        if math.isfinite(null):
            # Round ticks on both sides of 1 need a factor of 1.25 to stand on, unless all is near.
            far = max(-low, high)
            if far <= math.log(_NEAR_ENDS[-1]):
                return Axis(_near_end(-far, -1), _near_end(far, 1), left, right, log)
            low, high = min(low, -math.log(1.25)), max(high, math.log(1.25))
        return Axis(_log_end(low, -1), _log_end(high, 1), left, right, log)
    pad = (high - low) * 0.02
    if back is not None:
        return Axis(low - pad, high + pad, left, right, log, back)
    half = _step((high - low) / 6) / 2
    low, high = math.floor((low - pad) / half) * half, math.ceil((high + pad) / half) * half
    return Axis(low, high, left, right, log)


def _log_end(value: float, way: int) -> float:
    """The next round value outwards, on the log scale."""
    decade = math.floor(value / math.log(10))
    values = [
        math.log(s) + d * math.log(10) for d in range(decade - 1, decade + 3) for s in _LOG_ENDS
    ]
    if way > 0:
        return min(v for v in values if v >= value - 1e-9)
    return max(v for v in values if v <= value + 1e-9)


def _near_end(value: float, way: int) -> float:
    """The next round ratio outwards, for ratios near 1, on the log scale."""
    ends = [math.log(ratio) for ratio in _NEAR_ENDS]
    if way > 0:
        return min(v for v in ends if v > 0.0 and v >= value - 1e-9)
    return max(v for v in ends if v < 0.0 and v <= value + 1e-9)


def draw_ground(
    d: Drawing,
    axis: Axis,
    strips: Sequence[tuple[float, float]],
    *,
    null: float,
    band: tuple[float, float] | None,
) -> None:
    """Draw what lies under the marks: the band of effects too small to matter, and no effect.

    `strips` are (top, bottom) of each part of the plot; all of them are drawn as two paths.
    """
    if band is not None:
        x1, x2 = coord(axis.at(band[0])), coord(axis.at(band[1]))
        areas = (f"M{x1} {coord(a)}H{x2}V{coord(b)}H{x1}z" for a, b in strips)
        d.path("".join(areas), "band", under=True)
    if not axis.holds(null):
        return
    x = coord(axis.at(null))
    lines = "".join(f"M{x} {coord(a)}V{coord(b)}" for a, b in strips)
    d.path(lines, "", "neutral", 1.2, under=True)


def draw_band_label(d: Drawing, axis: Axis, y: float, band: tuple[float, float]) -> None:
    """Write above a band what it is, with a bracket as wide as the band."""
    label = "too small to matter"
    x1, x2 = axis.at(band[0]), axis.at(band[1])
    half = text_width(label, d.size) / 2
    # Within the plot, so that it cannot run into the heading of a column.
    middle = max(min((x1 + x2) / 2, axis.right - half), axis.left + half)
    d.text(middle, y, label, anchor="middle", role="neutral")
    d.path(f"M{coord(x1)} {coord(y + 11)}v-5H{coord(x2)}v5", "", "neutral")


def draw_axis(
    d: Drawing, axis: Axis, y: float, *, title: str, ends: tuple[str, str], null: float
) -> float:
    """Draw the axis line, its ticks, its title and the words at its ends; return the next baseline.

    Parameters
    ----------
    ends
        What an effect to the left and to the right of no effect means.
    """
    d.line(axis.left, y, axis.right, y, role="neutral")
    taken: list[tuple[float, float]] = []
    middle = null if math.isfinite(null) else axis.low
    # From no effect outwards: where labels would touch, the outer one gives way.
    for value, text in sorted(axis.ticks(), key=lambda tick: abs(tick[0] - middle)):
        half = text_width(text, d.size) / 2 + 3
        x = min(max(axis.at(value), half), d.width - half)
        if all(x + half <= a or x - half >= b for a, b in taken):
            taken.append((x - half, x + half))
            d.line(axis.at(value), y, axis.at(value), y + 5, role="neutral")
            d.text(x, y + 7 + d.size, text, anchor="middle", role="neutral")
    y += 12 + 2.3 * d.size
    if any(ends) and math.isfinite(null):
        y = _draw_ends(d, axis.at(null), y, ends)
    for line in wrap(title, d.width - 12, d.size):
        half = text_width(line, d.size) / 2
        x = min(max((axis.left + axis.right) / 2, half + 6), d.width - half - 6)
        d.text(x, y, line, anchor="middle", role="neutral")
        y += d.size * 1.35
    return y


def _draw_ends(d: Drawing, null: float, y: float, ends: tuple[str, str]) -> float:
    words = (f"← {ends[0]}", f"{ends[1]} →")
    left, right = (text_width(w, d.size) for w in words)
    start = min(null + 10, d.width - right - 6)
    stop = min(null - 10, start - 16)
    if stop - left >= 4:
        d.text(stop, y, words[0], anchor="end")
        d.text(start, y, words[1])
        return y + d.size * 1.5
    if left + right + 24 <= d.width:
        d.text(6, y, words[0])
        d.text(d.width - 6, y, words[1], anchor="end")
        return y + d.size * 1.5
    y = d.paragraph(6, y, words[0], d.width - 12)
    for line in wrap(words[1], d.width - 12, d.size):
        d.text(d.width - 6, y, line, anchor="end")
        y += d.size * 1.35
    return y + d.size * 0.15


def draw_interval(
    d: Drawing, axis: Axis, y: float, low: float, high: float, *, width: float = 1.6
) -> None:
    """Draw an interval; an end that lies beyond the axis becomes an arrow."""
    x1, x2 = axis.at(low), axis.at(high)
    d.line(x1, y, x2, y, width=width)
    draw_arrows(d, axis, y, low, high)


def draw_arrows(
    d: Drawing, axis: Axis, y: float, low: float, high: float, *, role: str = "ink"
) -> None:
    """Draw an arrow at each end of an axis that an interval reaches beyond."""
    x1, x2 = axis.left, axis.right
    if low < axis.low:
        d.polygon([(x1 - 1, y), (x1 + 7, y - 4.5), (x1 + 7, y + 4.5)], fill=role)
    if high > axis.high:
        d.polygon([(x2 + 1, y), (x2 - 7, y - 4.5), (x2 - 7, y + 4.5)], fill=role)
