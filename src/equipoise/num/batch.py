"""Many meta-analyses in flat arrays, by the backend that is asked for or that is there."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.num.binding import PLAIN
from equipoise.num.columns import Floats, Ints, Room, profile, proved, slopes, solve_q, uphill
from equipoise.num.compiled import compiled
from equipoise.num.kernels import COMMON, DL, END, ENDS, ML, PLACES, PM, REML
from equipoise.num.lanes import LANES, STATE, SUMS
from equipoise.num.survey import SURVEY

BACKENDS = ("auto", "numpy", "numba", "python")

METHODS = {"REML": REML, "ML": ML, "DL": DL, "PM": PM}

#: Up to this many trials, compiled kernels work on many analyses side by side.
LONGEST = 64

#: Numbers in one block of the NumPy twin: its temporaries then fit into a processor's cache.
BLOCK = 1 << 15

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
    def empty(cls, m: int, fill: bool = True) -> Sums:
        """Room for `m` meta-analyses; not a number unless `fill` is off."""
        k, count = np.empty((2, m), dtype=np.intp)
        values = np.empty((6, m))
        if fill:
            k[:] = count[:] = 0
            values[:] = np.nan
        return cls(k, count, *values)

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


def analyse(y: Floats, v: Floats, offsets: Ints, method: int, *, proof: bool, backend: str) -> Sums:
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
    out = Sums.empty(len(offsets) - 1, fill=False)
    if backend == "numpy":
        room = Room(BLOCK)
        for rows, block_y, block_v in _blocks(y, v, offsets):
            out.put(rows, _analyse_block(block_y, block_v, method, proof, room))
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
        even = longest <= LONGEST and longest * len(out.k) <= 1.5 * len(y)
        if even and method != PM:
            lanes = lane_rooms(longest)
            compiled().analyse_lanes(y, v, offsets, method, proof, longest, *rooms, *lanes, *into)
        else:
            compiled().analyse(y, v, offsets, 0, len(out.k), method, proof, *rooms, *into)
        return
    lists = [values.tolist() for values in (y, v, offsets)]
    plain = [[0.0] * size for size in (longest,) * 3 + (END * ENDS, PLACES)]
    PLAIN.analyse(*lists, 0, len(out.k), method, proof, *plain, *into)


def lane_rooms(width: int) -> list[NDArray[Any]]:
    """What :func:`equipoise.num.abreast.analyse_lanes` works in, for so many trials at most."""
    squares = [_aligned(width).reshape(width, LANES) for _ in range(5)]
    flat = [_aligned(rows) for rows in (SUMS, STATE, STATE, SURVEY)]
    return [*squares, *flat, *np.zeros((4, LANES), dtype=np.intp)]


def _aligned(rows: int) -> Floats:
    """Room for rows of lanes that begin where a processor's vectors do, every 64 bytes."""
    flat = np.empty(rows * LANES + 8)
    skip = -flat.ctypes.data % 64 // 8
    return flat[skip : skip + rows * LANES]


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
            stop = min(start + step, len(sizes))
            flat = slice(int(offsets[start]), int(offsets[stop]))
            shape = (stop - start, k)
            yield slice(start, stop), y[flat].reshape(shape), v[flat].reshape(shape)
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
        trials = np.where(inside, offsets[chosen][:, None] + places, 0)
        yield chosen, np.where(inside, y[trials], np.nan), np.where(inside, v[trials], np.nan)
        start = stop


def _analyse_block(y: Floats, v: Floats, method: int, proof: bool, room: Room) -> Sums:
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
        out.put(slice(None) if many.all() else many, _fit_columns(*part, method, proof, room))
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
    Y: Floats,
    V: Floats,
    k: Ints,
    origin: Floats,
    scale: Floats,
    method: int,
    proof: bool,
    room: Room,
) -> Sums:
    m = len(k)
    df = np.asarray(k - 1.0, dtype=np.float64)
    count = np.ones(m, dtype=np.intp)
    zero = slopes(Y, V, np.zeros(m), method == ML, room)
    total, mean, q = zero.total, zero.mean, zero.q
    trace = slopes(Y, V, np.zeros(m), False, room).loss if method == ML else zero.loss
    moment = np.maximum(0.0, (q - df) / trace)
    at_t = q
    if method in (REML, ML):
        if proof:
            t, count = proved(Y, V, k, zero, method == ML, room)
        else:
            t, count = uphill(Y, V, k, zero, method == ML, room), np.zeros(m, dtype=np.intp)
    elif method == DL:
        t = moment
    elif method == PM:
        t = np.zeros(m)
        above = np.flatnonzero(q > df)
        t[above] = solve_q(Y[:, above], V[:, above], df[above], moment[above], room)
    else:
        t = np.zeros(m)
    positive = t > 0.0
    if positive.any():
        total, mean, at_t, _ = profile(Y, V, t, room)
    unit = np.sqrt(scale)
    return Sums(
        k, count, origin + mean * unit, unit / np.sqrt(total), at_t / df, t * scale, q,
        trace / scale,
    )  # fmt: skip
