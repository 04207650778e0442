"""The kernels over many meta-analyses at once, by NumPy.

The twins here take one column a meta-analysis, the most precise trial first, and do what
:mod:`equipoise.num.kernels` does, step by step, for all that are still under way. Columns are as
long as the longest; what is missing at the end of a shorter one has a variance of infinity, an
estimate of 0, and counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.num.kernels import MOST_BOXES, NARROW, NONE, OPEN, RISES, SLACK

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Bools: TypeAlias = NDArray[np.bool_]

_EPS = 2.0**-52


@dataclass(frozen=True, slots=True)
class Slopes:
    """The sums of :func:`equipoise.num.kernels.slopes`, one value a column."""

    total: Floats
    mean: Floats
    q: Floats
    gain: Floats
    loss: Floats
    gain_fall: Floats
    loss_fall: Floats


class Room:
    """Three arrays that passes over columns write into, so that none asks for memory."""

    __slots__ = ("_flat",)

    def __init__(self, size: int) -> None:
        self._flat = np.empty((3, size))

    def arrays(self, shape: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
        """The three, in that shape; larger ones from now on where they are too small."""
        size = shape[0] * shape[1]
        if self._flat.shape[1] < size:
            self._flat = np.empty((3, size))
        one, two, three = self._flat[:, :size]
        return one.reshape(shape), two.reshape(shape), three.reshape(shape)


def slopes(Y: Floats, V: Floats, t: Floats, ml: bool, room: Room) -> Slopes:
    """As :func:`equipoise.num.kernels.slopes`."""
    x, away, r = room.arrays(Y.shape)
    np.add(V, t, out=x)
    np.reciprocal(x, out=x)
    first, tail = x[0], x[1:]
    squared = r[1:]
    np.multiply(tail, tail, out=squared)
    rest = np.add.reduce(tail, axis=0)
    squares = np.add.reduce(squared, axis=0)
    cubes = rest if ml else _dots(squared, tail)
    total = first + rest
    mean = _dots(tail, Y[1:]) / total
    np.subtract(Y, mean, out=away)
    np.multiply(x, away, out=r)
    q = _dots(r, away)
    gain = _dots(r, r)
    np.subtract(r, r[0], out=away)
    np.multiply(x, away, out=r)
    once = np.add.reduce(r, axis=0)
    gain_fall = 2.0 * (_dots(r, away) - once * once / total)
    own = first * first
    if ml:
        return Slopes(total, mean, q, gain, total, gain_fall, own + squares)
    loss = (rest * (first + total) - squares) / total
    pairs = own * (rest * rest + squares) - 2.0 * total * cubes
    loss_fall = (pairs + squares * (total * total + own + squares)) / (total * total)
    return Slopes(total, mean, q, gain, loss, gain_fall, loss_fall)


def _dots(a: Floats, b: Floats) -> Floats:
    """Column by column, the sum of products."""
    if len(a) == 0:
        return np.zeros(a.shape[1])
    out: Floats = np.einsum("ij,ij->j", a, b)
    return out


def profile(Y: Floats, V: Floats, t: Floats, room: Room) -> tuple[Floats, Floats, Floats, Floats]:
    """As :func:`equipoise.num.kernels.profile`."""
    x, away, r = room.arrays(Y.shape)
    np.add(V, t, out=x)
    np.reciprocal(x, out=x)
    total = np.add.reduce(x, axis=0)
    mean = _dots(x, Y) / total
    np.subtract(Y, mean, out=away)
    np.multiply(x, away, out=r)
    return total, mean, _dots(r, away), _dots(r, r)


def _height(Y: Floats, V: Floats, t: Floats, ml: bool, room: Room) -> Floats:
    total, _, q, _ = profile(Y, V, t, room)
    value: Floats = np.log(np.where(np.isfinite(V), V + t, 1.0)).sum(axis=0) + q
    return -0.5 * (value if ml else value + np.log(total))


def _squares_about_mean(Y: Floats, V: Floats, k: Ints) -> Floats:
    away = Y - Y.sum(axis=0) / k
    if (k < len(Y)).any():
        away = np.where(np.isfinite(V), away, 0.0)
    return _dots(away, away)


def _widest(V: Floats) -> Floats:
    top: Floats = np.where(np.isfinite(V), V, 0.0).max(axis=0)
    return top


def _points(t: Floats, s: Slopes) -> Floats:
    """Shape (5, columns): `t`, gain, loss and the speeds at which they fall."""
    return np.array([t, s.gain, s.loss, s.gain_fall, s.loss_fall])


def _ahead(a: Floats, top: Floats) -> Floats:
    rise = a[3] * a[2] - a[4] * a[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[0] + (a[1] - a[2]) * a[1] / rise
    return np.where(rise > 0.0, np.minimum(top, at), top)


def _between(a: Floats, b: Floats) -> Floats:
    ratio_a, ratio_b = a[2] / a[1], b[2] / b[1]
    at: Floats = a[0] + (b[0] - a[0]) * (1.0 - ratio_a) / (ratio_b - ratio_a)
    return at


def _middle(a: Floats, b: Floats, unit: Floats) -> Floats:
    t = np.sqrt((unit + a) * (unit + b)) - unit
    return np.where((a < t) & (t < b), t, 0.5 * (a + b))


def _judge(a: Floats, b: Floats, slack: Floats) -> NDArray[np.int8]:
    """As :func:`equipoise.num.kernels.judge`, for columns of two arrays of points."""
    width = b[0] - a[0]
    more = 1.0 + slack
    rises = 2.0 * b[1] * a[4] * more <= b[3] * (2.0 * a[2] + width * a[4])
    falls = 2.0 * b[2] * a[3] * more <= b[4] * (2.0 * a[1] + width * a[3])
    known = np.where(rises, RISES, np.where(falls, NONE, OPEN)).astype(np.int8)
    up = a[1] > a[2]
    rest = np.flatnonzero((known == OPEN) & (up == (b[1] > b[2])))
    if len(rest):
        a, b, width, more, up = a[:, rest], b[:, rest], width[rest], more[rest], up[rest]
        apart = _apart_by(
            np.where(up, a[1], a[2]), np.where(up, a[3], a[4]), np.where(up, a[2], a[1]),
            np.where(up, b[1], b[2]), np.where(up, b[3], b[4]), np.where(up, b[2], b[1]),
            width, more,
        )  # fmt: skip
        known[rest[apart]] = NONE
    return known


def _apart_by(
    more_a: Floats, fall_a: Floats, less_a: Floats,
    more_b: Floats, fall_b: Floats, less_b: Floats, width: Floats, slack: Floats,
) -> Bools:  # fmt: skip
    low_a, low_b = 1.0 / np.sqrt(more_a), 1.0 / np.sqrt(more_b)
    high_a, high_b = 1.0 / np.sqrt(less_a), 1.0 / np.sqrt(less_b)
    ends = (low_a * slack < high_a) & (low_b * slack < high_b)
    rise_a = 0.5 * low_a * fall_a / more_a
    rise_b = 0.5 * low_b * fall_b / more_b
    bend = rise_a - rise_b
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (low_b - low_a - rise_b * width) / bend
    straight = (bend <= 0.0) | ~((x > 0.0) & (x < width))
    x = np.where(straight, 0.0, x)
    under = (low_a + rise_a * x) * slack < high_a + (high_b - high_a) * (x / width)
    return ends & (straight | under)


def _climb(
    Y: Floats, V: Floats, ml: bool, low: Floats, high: Floats, start: Floats, room: Room
) -> Floats:
    """As :func:`equipoise.num.kernels.climb`, for all columns until each has ended."""
    out = start.copy()
    at = np.arange(len(start))
    low, high, t, before = low.copy(), high.copy(), start.copy(), np.zeros(len(start))
    over = np.zeros(len(start), dtype=np.bool_)
    for _ in range(200):
        s = slopes(Y, V, t, ml, room)
        up = s.gain > s.loss
        np.copyto(low, t, where=up)
        np.copyto(high, t, where=~up)
        unit = V[0]
        tiny = _EPS * (unit + t)
        turn = s.gain_fall * s.loss - s.loss_fall * s.gain
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = (s.gain - s.loss) * s.gain / turn
            size = np.abs(step)
            new = t + step
            inside = (turn > 0.0) & (low < new) & (new < high)
            near = size * (size / before) ** 2 <= 2.0 * tiny
        near |= (2.0 * size >= before) & (size <= (512.0 + len(Y)) * tiny)
        shut = high - low <= tiny
        still = (turn > 0.0) & (size <= 2.0 * tiny)
        outside = np.flatnonzero(~(inside | shut | still | over))
        new[still] = np.clip(new[still], low[still], high[still])
        new[shut] = t[shut]
        new[outside] = _middle(low[outside], high[outside], unit[outside])
        np.copyto(new, t, where=over)
        over |= shut | still | (inside & (before > 0.0) & near)
        t, before = new, np.where(inside, size, 0.0)
        go = np.flatnonzero(~over)
        if len(go) < 0.75 * len(t):
            out[at] = t
            if not len(go):
                break
            Y, V, at = Y.take(go, axis=1), V.take(go, axis=1), at[go]
            low, high, t, before, over = low[go], high[go], t[go], before[go], over[go]
    else:
        out[at] = t
    return out


def solve_q(Y: Floats, V: Floats, target: Floats, start: Floats, room: Room) -> Floats:
    """As :func:`equipoise.num.kernels.solve_q`, for all columns until each has ended."""
    out = start.copy()
    at = np.arange(len(start))
    t, before = start.copy(), np.zeros(len(start))
    for _ in range(200):
        _, _, q, gain = profile(Y, V, t, room)
        step = np.where(
            gain > 0.0, (q - target) / target * (q / np.where(gain > 0.0, gain, 1.0)), -t
        )
        below = t + step <= 0.0
        ended = (below & (t == 0.0)) | ~(gain > 0.0)
        t = np.where(below, 0.0, t + step)
        size = np.abs(step)
        tiny = _EPS * (V[0] + t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            near = size * (size / before) ** 2 <= 2.0 * tiny
        slow = (2.0 * size >= before) & (size <= (512.0 + len(Y)) * tiny)
        known = (before > 0.0) & (near | slow)
        ended |= ~below & ((size <= tiny) | known)
        out[at] = t
        if ended.all():
            break
        before = np.where(below, 0.0, size)
        if ended.any():
            go = np.flatnonzero(~ended)
            Y, V, at, target = Y[:, go], V[:, go], at[go], target[go]
            t, before = t[go], before[go]
    return out


def uphill(Y: Floats, V: Floats, k: Ints, zero: Slopes, ml: bool, room: Room) -> Floats:
    """As :func:`equipoise.num.kernels.uphill`."""
    t = np.zeros(len(k))
    top = _squares_about_mean(Y, V, k)
    go = np.flatnonzero((top > 0.0) & (zero.gain > zero.loss))
    a, top = _points(t, zero)[:, go], top[go]
    t[go] = _climb(*_columns(Y, V, go), ml, a[0], top, _ahead(a, top), room)
    return t


def _columns(Y: Floats, V: Floats, who: Ints) -> tuple[Floats, Floats]:
    if len(who) == Y.shape[1] and (who == np.arange(len(who))).all():
        return Y, V
    return Y.take(who, axis=1), V.take(who, axis=1)


@dataclass(slots=True)
class _Brackets:
    """Stretches with one maximum each, and maxima that are known already."""

    who: list[Ints] = field(default_factory=list)
    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    start: list[Floats] = field(default_factory=list)
    known_who: list[Ints] = field(default_factory=list)
    known_t: list[Floats] = field(default_factory=list)

    def add(self, who: Ints, low: Floats, high: Floats, start: Floats) -> None:
        self.who.append(who)
        self.low.append(low)
        self.high.append(high)
        self.start.append(start)

    def know(self, who: Ints, t: Floats) -> None:
        self.known_who.append(who)
        self.known_t.append(t)


def proved(
    Y: Floats, V: Floats, k: Ints, zero: Slopes, ml: bool, room: Room
) -> tuple[Floats, Ints]:
    """The global maximum of each column, and how many there are; negative where unfinished."""
    m = len(k)
    slack = np.asarray(SLACK + 4.0 * _EPS * k, dtype=np.float64)
    top = _squares_about_mean(Y, V, k)
    first = _points(np.zeros(m), zero)
    flat = (top <= 0.0) | (first[1] <= 0.0)
    found = _Brackets()
    at_zero = np.flatnonzero(flat | (first[1] <= first[2]))
    found.know(at_zero, np.zeros(len(at_zero)))
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = np.minimum(top, _widest(V) - 2.0 * first[2] / first[4])
    who = np.flatnonzero(~flat & (edge > 0.0))
    last = first.copy()
    unsure = np.zeros(m, dtype=np.bool_)
    if len(who):
        b = _points(edge[who], slopes(*_columns(Y, V, who), edge[who], ml, room))
        last[:, who] = b
        _split(Y, V, ml, who, first[:, who], b, slack, found, unsure, room)
    who = np.flatnonzero(~flat & (last[1] > last[2]) & (last[0] < top))
    a = last[:, who]
    found.add(who, a[0], top[who], _ahead(a, top[who]))
    t, count = _best(Y, V, ml, found, top, room)
    return t, np.where(unsure, -count, count)


def _split(
    Y: Floats, V: Floats, ml: bool, who: Ints, a: Floats, b: Floats, slack: Floats,
    found: _Brackets, unsure: Bools, room: Room,
) -> None:  # fmt: skip
    """Judge all stretches and halve those left open, until none is."""
    seen = 0
    while len(who):
        known = _judge(a, b, slack[who])
        unit = V[0, who]
        turns = (a[1] > a[2]) & (b[1] <= b[2])
        one = np.flatnonzero((known == RISES) & turns)
        found.add(who[one], a[0, one], b[0, one], _between(a[:, one], b[:, one]))
        open_ = known == OPEN
        seen += int(open_.sum())
        fine = open_ & ((b[0] - a[0] <= NARROW * (unit + a[0])) | (seen > MOST_BOXES * len(slack)))
        if fine.any():
            unsure[who[fine]] = True
            found.know(who[fine & turns], b[0, fine & turns])
        go = np.flatnonzero(open_ & ~fine)
        who, a, b, unit = who[go], a[:, go], b[:, go], unit[go]
        if len(who):
            t = _middle(a[0], b[0], unit)
            c = _points(t, slopes(*_columns(Y, V, who), t, ml, room))
            who = np.concatenate([who, who])
            a, b = np.concatenate([a, c], axis=1), np.concatenate([c, b], axis=1)


def _best(
    Y: Floats, V: Floats, ml: bool, found: _Brackets, top: Floats, room: Room
) -> tuple[Floats, Ints]:
    """Find the maxima of all brackets; the highest of each column, and how many it has."""
    m = Y.shape[1]
    who = np.concatenate(found.who)
    low, high, start = (np.concatenate(x) for x in (found.low, found.high, found.start))
    t = _climb(*_columns(Y, V, who), ml, low, high, start, room) if len(who) else start
    who = np.concatenate([who, *found.known_who])
    t = np.concatenate([t, *found.known_t])
    count = np.bincount(who, minlength=m)
    out = top.copy()  # where none was found, it still rises there, to within rounding
    out[who] = t
    several = count[who] > 1
    if several.any():
        who, t = who[several], t[several]
        value = _height(Y[:, who], V[:, who], t, ml, room)
        order = np.lexsort((-t, value))  # the highest last, and of equal ones the first
        out[who[order]] = t[order]
    return out, np.maximum(count, 1)
