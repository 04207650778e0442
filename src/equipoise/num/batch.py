"""The kernels over many meta-analyses at once by NumPy, and the choice of backend.

The twins here take one column a meta-analysis and do what :mod:`equipoise.num.kernels` does, step
by step, for all that are still under way. Columns are as long as the longest analysis of a block;
what is missing at the end of a shorter one has a variance of infinity and counts for nothing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.num.compiled import compiled
from equipoise.num.kernels import (
    COMMON,
    DL,
    END,
    ENDS,
    ML,
    MOST_BOXES,
    NARROW,
    NONE,
    OPEN,
    PLACES,
    PLAIN,
    PM,
    REML,
    RISES,
    SLACK,
)

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Bools: TypeAlias = NDArray[np.bool_]

BACKENDS = ("auto", "numpy", "numba", "python")

METHODS = {"REML": REML, "ML": ML, "DL": DL, "PM": PM}

_EPS = 2.0**-52

#: Numbers in one block of the NumPy twin: its temporaries then fit into a processor's cache.
BLOCK = 1 << 14

__all__ = ["BACKENDS", "COMMON", "METHODS", "Sums", "analyse", "backend_of"]


@dataclass(frozen=True, slots=True)
class Sums:
    """What every output of a batch is made of, one value a meta-analysis.

    Attributes
    ----------
    k
        Trials that were used.
    count
        Maxima of the likelihood, negative where the search could not be finished; 1 for
        estimators without one, 0 where nothing was proved or there is no trial.
    estimate, se, spread, tau2, q, trace
        The mean, its plain standard error, Q at tau² over ``k - 1``, tau², Q at 0, ``tr P`` at 0.
    """

    k: Ints
    count: Ints
    estimate: Floats
    se: Floats
    spread: Floats
    tau2: Floats
    q: Floats
    trace: Floats

    @classmethod
    def empty(cls, m: int) -> Sums:
        """Room for `m` meta-analyses."""
        whole = (np.zeros(m, dtype=np.intp) for _ in range(2))
        return cls(*whole, *(np.full(m, np.nan) for _ in range(6)))

    def part(self, rows: Any) -> Sums:
        """The same for some of them; a view where `rows` is a slice."""
        return Sums(*(getattr(self, name)[rows] for name in self.__slots__))

    def put(self, rows: Any, other: Sums) -> None:
        """Write `other` at `rows`."""
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(other, name)


def backend_of(asked: str) -> str:
    """Return which backend runs: Numba where it is installed, else NumPy, unless one is asked for.

    Raises
    ------
    UnknownNameError
        An unknown name.
    InputError
        Numba is asked for and not installed.
    """
    if asked not in BACKENDS:
        raise UnknownNameError("backend", asked, BACKENDS)
    there = importlib.util.find_spec("numba") is not None
    if asked == "numba" and not there:
        raise InputError(
            "backend 'numba' and Numba is not installed", hint="pip install 'equipoise[fast]'"
        )
    if asked == "auto":
        return "numba" if there else "numpy"
    return asked


def analyse(
    y: Floats, v: Floats, offsets: Ints, method: int, *, proof: bool, backend: str
) -> Sums:
    """Fit the meta-analyses of flat arrays; analysis `i` has ``offsets[i]`` to ``offsets[i + 1]``.

    Parameters
    ----------
    y, v, offsets
        Estimates, variances (rows of which one is not finite are passed over), and where each
        analysis starts, with the end.
    method, proof
        `COMMON` or a value of `METHODS`; whether all optima of a likelihood are looked for.
    backend
        ``numpy``, ``numba`` or ``python``.

    Raises
    ------
    InputError
        A variance that is not above zero; names the first such row and its analysis.
    """
    out = Sums.empty(len(offsets) - 1)
    if backend == "numpy":
        for rows, block_y, block_v in _blocks(y, v, offsets):
            out.put(rows, _analyse_block(block_y, block_v, method, proof))
    else:
        _loop(y, v, offsets, method, proof, backend, out)
    if (out.k < 0).any():
        _refuse(v, offsets, int(np.flatnonzero(out.k < 0)[0]))
    return out


def _refuse(v: Floats, offsets: Ints, analysis: int) -> None:
    start = int(offsets[analysis])
    rows = v[start : int(offsets[analysis + 1])]
    at = int(np.flatnonzero(rows <= 0.0)[0])
    raise InputError(
        f"variance {rows[at]:g}",
        where=f"meta-analysis {analysis}, trial {at} (both counted from 0)",
        hint="a variance above zero; NaN for a trial without one",
    )


def _loop(
    y: Floats, v: Floats, offsets: Ints, method: int, proof: bool, backend: str, out: Sums
) -> None:
    longest = int(np.diff(offsets).max(initial=1))
    into = (out.k, out.count, out.estimate, out.se, out.spread, out.tau2, out.q, out.trace)
    if backend == "numba":
        rooms = [np.empty(size) for size in (longest,) * 3 + (END * ENDS, PLACES)]
        compiled().analyse(y, v, offsets, method, proof, *rooms, *into)
        return
    lists = [values.tolist() for values in (y, v, offsets)]
    plain = [[0.0] * size for size in (longest,) * 3 + (END * ENDS, PLACES)]
    PLAIN.analyse(*lists, method, proof, *plain, *into)


# --- blocks of columns ---------------------------------------------------------------------------


def _blocks(y: Floats, v: Floats, offsets: Ints) -> Iterator[tuple[Any, Floats, Floats]]:
    """Rows of analyses of about the same length, with their trials as rectangles, padded."""
    sizes = np.diff(offsets)
    if not len(sizes):
        return
    if sizes.min() == sizes.max():
        k = int(sizes[0])
        step = max(1, BLOCK // max(1, k))
        for start in range(0, len(sizes), step):
            rows = slice(start, min(start + step, len(sizes)))
            flat = slice(int(offsets[rows.start]), int(offsets[rows.stop]))
            yield rows, y[flat].reshape(-1, k), v[flat].reshape(-1, k)
        return
    order = np.argsort(sizes, kind="stable")
    start = 0
    while start < len(order):
        least = int(sizes[order[start]])
        most = least + least // 8 + 1
        stop = int(np.searchsorted(sizes[order], most, side="right"))
        stop = min(stop, start + max(1, BLOCK // most))
        chosen = order[start:stop]
        widest = int(sizes[chosen[-1]])
        places = np.arange(widest)
        inside = places < sizes[chosen][:, None]
        flat = np.where(inside, offsets[chosen][:, None] + places, 0)
        yield chosen, np.where(inside, y[flat], np.nan), np.where(inside, v[flat], np.nan)
        start = stop


def _analyse_block(y: Floats, v: Floats, method: int, proof: bool) -> Sums:
    """Fit the rows of a rectangle; NaN and infinity are passed over."""
    out = Sums.empty(len(y))
    if (v <= 0.0).any():
        out.k[:] = np.where((v <= 0.0).any(axis=1), -1, 0)
        return out
    usable = np.isfinite(y) & np.isfinite(v)
    if usable.all():
        k = np.full(len(y), y.shape[1])
    else:
        k = usable.sum(axis=1)
        y, v = np.where(usable, y, 0.0), np.where(usable, v, np.inf)
    out.k[:] = k
    if y.shape[1] == 0:
        return out
    every = np.arange(len(y))
    at = v.argmin(axis=1)
    origin, least = y[every, at], v[every, at]
    V, Y = v.T.copy(), y.T - origin
    V[at, every], Y[at, every] = V[0], Y[0]
    V[0], Y[0] = least, 0.0
    if V.shape[0] > 1 and not usable.all():
        Y[~np.isfinite(V)] = 0.0
    scale = _extreme(Y, V, least)
    one = k == 1
    if one.any():
        out.put(one, _single(origin[one], least[one] * scale[one]))
    many = k > 1
    if many.any():
        part = (Y, V, k, origin, scale) if many.all() else (
            Y[:, many], V[:, many], k[many], origin[many], scale[many]
        )  # fmt: skip
        out.put(slice(None) if many.all() else many, _fit_columns(*part, method, proof))
    return out


def _extreme(Y: Floats, V: Floats, least: Floats) -> Floats:
    """Divide, in place, columns whose fourth powers a float cannot hold; return by what."""
    scale = np.ones(len(least))
    far = ((least < 1e-50) | (least > 1e50)) & np.isfinite(least)
    if far.any():
        scale[far] = 4.0 ** np.floor(np.log2(least[far]) / 2.0)
        V[:, far] /= scale[far]
        Y[:, far] /= np.sqrt(scale[far])
        least[far] /= scale[far]
    return scale


def _single(origin: Floats, size: Floats) -> Sums:
    m = len(origin)
    one, zero = np.ones(m), np.zeros(m)
    whole = np.ones(m, dtype=np.intp)
    return Sums(whole, whole, origin, np.sqrt(size), one, zero, zero, np.full(m, np.nan))


def _fit_columns(
    Y: Floats, V: Floats, k: Ints, origin: Floats, scale: Floats, method: int, proof: bool
) -> Sums:
    m = len(k)
    df = k - 1.0
    count = np.ones(m, dtype=np.intp)
    zero = _slopes(Y, V, np.zeros(m), method == ML)
    total, mean, q = zero.total, zero.mean, zero.q
    trace = _slopes(Y, V, np.zeros(m), False).loss if method == ML else zero.loss
    moment = np.maximum(0.0, (q - df) / trace)
    at_t = q
    if method in (REML, ML):
        if proof:
            t, count = _proved(Y, V, k, zero, method == ML)
        else:
            t, count = _uphill(Y, V, k, zero, method == ML), np.zeros(m, dtype=np.intp)
    elif method == DL:
        t = moment
    elif method == PM:
        t = np.zeros(m)
        above = np.flatnonzero(q > df)
        t[above] = _solve_q(Y[:, above], V[:, above], df[above], moment[above])
    else:
        t = np.zeros(m)
    positive = t > 0.0
    if positive.any():
        total, mean, at_t, _ = _profile(Y, V, t)
    unit = np.sqrt(scale)
    return Sums(
        k, count, origin + mean * unit, unit / np.sqrt(total), at_t / df, t * scale, q,
        trace / scale,
    )  # fmt: skip


# --- the twins -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slopes:
    """The sums of :func:`equipoise.num.kernels.slopes`, one value a column."""

    total: Floats
    mean: Floats
    q: Floats
    gain: Floats
    loss: Floats
    gain_fall: Floats
    loss_fall: Floats


def _slopes(Y: Floats, V: Floats, t: Floats, ml: bool) -> _Slopes:
    x = V + t
    np.reciprocal(x, out=x)
    first, tail = x[0], x[1:]
    squared = tail * tail
    rest = tail.sum(axis=0)
    squares = squared.sum(axis=0)
    total = first + rest
    mean = _dots(tail, Y[1:]) / total
    away = Y - mean
    r = x * away
    q = _dots(r, away)
    gain = _dots(r, r)
    np.subtract(r, r[0], out=away)
    np.multiply(x, away, out=r)
    once = r.sum(axis=0)
    gain_fall = 2.0 * (_dots(r, away) - once * once / total)
    own = first * first
    if ml:
        return _Slopes(total, mean, q, gain, total, gain_fall, own + squares)
    loss = (rest * (first + total) - squares) / total
    pairs = own * (rest * rest + squares) - 2.0 * total * _dots(squared, tail)
    loss_fall = (pairs + squares * (total * total + own + squares)) / (total * total)
    return _Slopes(total, mean, q, gain, loss, gain_fall, loss_fall)


def _dots(a: Floats, b: Floats) -> Floats:
    """Column by column, the sum of products."""
    if len(a) == 0:
        return np.zeros(a.shape[1])
    out: Floats = np.einsum("ij,ij->j", a, b)
    return out


def _profile(Y: Floats, V: Floats, t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    x = V + t
    np.reciprocal(x, out=x)
    total = x.sum(axis=0)
    mean = _dots(x, Y) / total
    away = Y - mean
    r = x * away
    return total, mean, _dots(r, away), _dots(r, r)


def _height(Y: Floats, V: Floats, t: Floats, ml: bool) -> Floats:
    total, _, q, _ = _profile(Y, V, t)
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


def _points(t: Floats, s: _Slopes) -> Floats:
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
    Y: Floats, V: Floats, ml: bool, low: Floats, high: Floats, start: Floats
) -> Floats:
    """As :func:`equipoise.num.kernels.climb`, for all columns until each has ended."""
    out = start.copy()
    at = np.arange(len(start))
    low, high, t, before = low.copy(), high.copy(), start.copy(), np.zeros(len(start))
    for _ in range(200):
        s = _slopes(Y, V, t, ml)
        up = s.gain > s.loss
        np.copyto(low, t, where=up)
        np.copyto(high, t, where=~up)
        unit = V[0]
        room = _EPS * (unit + t)
        turn = s.gain_fall * s.loss - s.loss_fall * s.gain
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.where(turn > 0.0, (s.gain - s.loss) * s.gain / turn, np.nan)
            size = np.abs(step)
            new = t + step
            inside = (low < new) & (new < high)
            near = size * (size / before) ** 2 <= 0.125 * room
        shut = high - low <= room
        still = ~shut & (size <= 2.0 * room)
        done = ~shut & ~still & inside & (before > 0.0) & near
        end = np.where(shut, t, np.where(still, np.clip(new, low, high), new))
        ended = shut | still | done
        before = np.where(inside, size, 0.0)
        t = np.where(inside | ended, new, _middle(low, high, unit))
        out[at] = np.where(ended, end, t)
        if ended.all():
            break
        if ended.any():
            go = np.flatnonzero(~ended)
            Y, V, at = Y[:, go], V[:, go], at[go]
            low, high, t, before = low[go], high[go], t[go], before[go]
    return out


def _solve_q(Y: Floats, V: Floats, target: Floats, start: Floats) -> Floats:
    """As :func:`equipoise.num.kernels.solve_q`, for all columns until each has ended."""
    out = start.copy()
    at = np.arange(len(start))
    t, before = start.copy(), np.zeros(len(start))
    for _ in range(200):
        _, _, q, gain = _profile(Y, V, t)
        step = np.where(gain > 0.0, (q - target) / target * (q / np.where(gain > 0.0, gain, 1.0)), -t)
        below = t + step <= 0.0
        ended = (below & (t == 0.0)) | ~(gain > 0.0)
        t = np.where(below, 0.0, t + step)
        size = np.abs(step)
        room = _EPS * (V[0] + t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            near = size * (size / before) ** 2 <= 0.125 * room
        known = (before > 0.0) & (near | ((size >= before) & (size <= 512.0 * room)))
        ended |= ~below & ((size <= room) | known)
        out[at] = t
        if ended.all():
            break
        before = np.where(below, 0.0, size)
        if ended.any():
            go = np.flatnonzero(~ended)
            Y, V, at, target = Y[:, go], V[:, go], at[go], target[go]
            t, before = t[go], before[go]
    return out


def _uphill(Y: Floats, V: Floats, k: Ints, zero: _Slopes, ml: bool) -> Floats:
    t = np.zeros(len(k))
    top = _squares_about_mean(Y, V, k)
    go = np.flatnonzero((top > 0.0) & (zero.gain > zero.loss))
    a, top = _points(t, zero)[:, go], top[go]
    t[go] = _climb(*_columns(Y, V, go), ml, a[0], top, _ahead(a, top))
    return t


def _columns(Y: Floats, V: Floats, who: Ints) -> tuple[Floats, Floats]:
    if len(who) == Y.shape[1] and (who == np.arange(len(who))).all():
        return Y, V
    return Y[:, who], V[:, who]


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


def _proved(Y: Floats, V: Floats, k: Ints, zero: _Slopes, ml: bool) -> tuple[Floats, Ints]:
    """The global maximum of each column, and how many there are; negative where unfinished."""
    m = len(k)
    slack = SLACK + 4.0 * _EPS * k
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
        b = _points(edge[who], _slopes(*_columns(Y, V, who), edge[who], ml))
        last[:, who] = b
        _split(Y, V, ml, who, first[:, who], b, slack, found, unsure)
    who = np.flatnonzero(~flat & (last[1] > last[2]) & (last[0] < top))
    a = last[:, who]
    found.add(who, a[0], top[who], _ahead(a, top[who]))
    t, count = _best(Y, V, ml, found, top)
    return t, np.where(unsure, -count, count)


def _split(
    Y: Floats, V: Floats, ml: bool, who: Ints, a: Floats, b: Floats, slack: Floats,
    found: _Brackets, unsure: Bools,
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
            c = _points(t, _slopes(*_columns(Y, V, who), t, ml))
            who = np.concatenate([who, who])
            a, b = np.concatenate([a, c], axis=1), np.concatenate([c, b], axis=1)


def _best(
    Y: Floats, V: Floats, ml: bool, found: _Brackets, top: Floats
) -> tuple[Floats, Ints]:
    """Find the maxima of all brackets; the highest of each column, and how many it has."""
    m = Y.shape[1]
    who = np.concatenate(found.who)
    low, high, start = (np.concatenate(x) for x in (found.low, found.high, found.start))
    t = _climb(*_columns(Y, V, who), ml, low, high, start) if len(who) else start
    who = np.concatenate([who, *found.known_who])
    t = np.concatenate([t, *found.known_t])
    count = np.bincount(who, minlength=m)
    out = top.copy()  # where none was found, it still rises there, to within rounding
    out[who] = t
    several = count[who] > 1
    if several.any():
        who, t = who[several], t[several]
        value = _height(Y[:, who], V[:, who], t, ml)
        order = np.lexsort((-t, value))  # the highest last, and of equal ones the first
        out[who[order]] = t[order]
    return out, np.maximum(count, 1)
