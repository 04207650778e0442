"""Many meta-analyses at once: ``equipoise.batch``.

The numbers are those of :func:`equipoise.pairwise`, one value a meta-analysis, as arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.progress import Progress, Report
from equipoise.core.result import Method, Note
from equipoise.core.table import count as counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import LEAST, MOST, Floats, Ints, read_array
from equipoise.models.heterogeneity import ESTIMATORS, HIGGINS_THOMPSON
from equipoise.models.intervals import AUTO, INTERVALS, PREDICTIONS
from equipoise.num.batch import BACKENDS, COMMON, METHODS, Sums, analyse, backend_of
from equipoise.num.dist import critical
from equipoise.scale.fits import ARRAYS, CODES, BatchFit

__all__ = ["BACKENDS", "CODES", "BatchFit", "bootstrap", "leave_one_out", "pairwise"]

Numbers: TypeAlias = "Sequence[float] | Sequence[Sequence[float]] | NDArray[Any]"

Vector: TypeAlias = "Sequence[float] | NDArray[Any]"

#: The prediction intervals that are made of what a chunk holds.
PREDICTED = ("t", "V", "HTS", "metafor")

#: Trials that are worked on at a time, unless `chunk` says otherwise.
CHUNK = 1 << 18


def pairwise(
    y: Numbers,
    v: Numbers,
    offsets: Sequence[int] | NDArray[Any] | None = None,
    *,
    model: str = "random",
    tau2: str = "REML",
    interval: str = "auto",
    pi: str = "t",
    level: float = 0.95,
    proof: bool = True,
    backend: str = "auto",
    threads: int = 1,
    chunk: int = CHUNK,
    progress: bool | Report | None = None,
) -> BatchFit:
    """Pool many meta-analyses, each as :func:`equipoise.pairwise` would.

    Parameters
    ----------
    y, v
        Estimates and their variances: shape (meta-analyses, trials), or flat with `offsets`. A
        row whose estimate or variance is NaN or infinite is passed over.
    offsets
        For flat `y` and `v`: where each meta-analysis starts, and the end; one number more than
        there are meta-analyses.
    model
        ``random`` or ``common``.
    tau2
        ``REML``, ``ML``, ``DL`` or ``PM``.
    interval
        ``auto``, ``Wald``, ``t``, ``HK`` or ``HK-guarded``, as for :func:`equipoise.pairwise`.
    pi
        ``t``, ``V``, ``HTS`` or ``metafor``.
    level
        Level of all intervals.
    proof
        Whether REML and ML are proved to be the global optimum. Without it the search climbs to
        one maximum, and `n_optima` is 0.
    backend
        ``numba`` (compiled; the extra ``[fast]``), ``numpy``, ``python`` (interpreted, slow), or
        ``auto``: Numba where it is installed, else NumPy.
    threads
        How many chunks are worked on at a time.
    chunk
        Trials in a chunk. Memory beyond input and output is about ten times this many numbers
        for each thread.
    progress
        None shows progress on a terminal after a second; True, False, or a function of done and
        total.

    Returns
    -------
    BatchFit

    Raises
    ------
    InputError
        Shapes that do not fit, text, a variance that is not above zero (naming where), offsets
        that fall, a level outside 0 to 1.
    UnknownNameError
        An unknown name, with the nearest known one.

    Notes
    -----
    The first call with Numba compiles for some seconds; the result is kept on disk.

    Checked against :func:`equipoise.pairwise` in ``tests/scale``, which is checked against
    metafor and meta in ``validation/``.

    Examples
    --------
    >>> fit = pairwise([[0.1, 0.3, 0.2], [1.0, 2.0, 3.0]], [[0.01, 0.02, 0.03]] * 2)
    >>> fit.n_optima.tolist()
    [1, 1]
    """
    _check_names(model, tau2, interval, pi, level)
    flat_y, flat_v, starts = _flat(y, v, offsets)
    ran = backend_of(backend)
    m = len(starts) - 1
    out = _room(m)
    code = METHODS[tau2] if model == "random" else COMMON
    pieces = list(_pieces(starts, max(1, int(chunk))))
    unsure = 0

    def work(piece: slice) -> int:
        low, high = int(starts[piece.start]), int(starts[piece.stop])
        own = starts[piece.start : piece.stop + 1] - low
        where = slice(low, high)
        _check_size(flat_y, flat_v, where, starts)
        sums = analyse(flat_y[where], flat_v[where], own, code, proof=proof, backend=ran)
        _finish(out, piece, sums, np.diff(own), model, interval, pi, level)
        return int((sums.count < 0).sum())

    with Progress("meta-analyses", m, show=progress) as shown:
        done = 0
        for piece, more in _run(work, pieces, threads, starts):
            unsure += more
            done += piece.stop - piece.start
            shown.update(done)
    return BatchFit(
        model=model,
        tau2_method=tau2 if model == "random" else "",
        level=level,
        backend=ran,
        **out,
        notes=_notes(out, unsure),
        methods=_methods(model, tau2, interval, pi),
    )


def _check_names(model: str, tau2: str, interval: str, pi: str, level: float) -> None:
    known: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("model", model, ("random", "common")),
        ("estimator of tau²", tau2, tuple(METHODS)),
        ("interval", interval, ("auto", *CODES)),
        ("prediction interval", pi, PREDICTED),
    )
    for kind, name, names in known:
        if name not in names:
            raise UnknownNameError(kind, name, names)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    if model == "common" and interval in INTERVALS and INTERVALS[interval].random_only:
        raise InputError(
            f"interval {interval!r} with a common effect",
            hint="interval='Wald', or model='random'",
        )


def _flat(y: Numbers, v: Numbers, offsets: Any) -> tuple[Floats, Floats, Ints]:
    """Flat estimates and variances, with where each meta-analysis starts."""
    hint = "flat with offsets where lengths differ"
    one, two = read_array("y", y, hint), read_array("v", v, hint)
    if one.shape != two.shape:
        raise InputError(
            f"y of shape {one.shape} and v of shape {two.shape}", hint="one variance an estimate"
        )
    if offsets is None:
        if one.ndim != 2:
            raise InputError(
                f"y with {one.ndim} dimension{'s' if one.ndim != 1 else ''} and no offsets",
                hint="shape (meta-analyses, trials), or flat arrays with offsets",
            )
        m, k = one.shape
        return one.reshape(-1), two.reshape(-1), np.arange(m + 1, dtype=np.intp) * k
    starts = np.asarray(offsets)
    if one.ndim != 1 or starts.ndim != 1 or len(starts) < 1:
        raise InputError("offsets with arrays that are not flat", hint="flat y, v and offsets")
    if starts.dtype.kind not in "iu":
        raise InputError(f"offsets of type {starts.dtype}", hint="whole numbers")
    starts = starts.astype(np.intp)
    if starts[0] != 0 or starts[-1] != len(one) or (np.diff(starts) < 0).any():
        raise InputError(
            f"offsets from {starts[0]} to {starts[-1]} for {len(one)} estimates",
            hint=f"ascending, from 0 to {len(one)}",
        )
    return one, two, starts


def _check_size(y: Floats, v: Floats, where: slice, starts: Ints) -> None:
    """Refuse what :func:`equipoise.pairwise` refuses as too far from 1; NaN is passed over."""
    y, v = y[where], v[where]
    if not len(y) or (v.min() >= LEAST and v.max() <= MOST and -MOST <= y.min() <= y.max() <= MOST):
        return
    use = np.isfinite(y) & np.isfinite(v)
    far_v = use & ((v > MOST) | ((v > 0.0) & (v < LEAST)))
    far = far_v | (use & (np.abs(y) > MOST))
    for row in np.flatnonzero(far)[:1].tolist():
        what = f"variance {v[row]:.3g}" if far_v[row] else f"estimate {y[row]:.3g}"
        at = where.start + row
        analysis = int(np.searchsorted(starts, at, side="right")) - 1
        raise InputError(
            f"{what}, which is too far from 1 to compute with",
            where=f"meta-analysis {analysis}, trial {at - int(starts[analysis])} "
            "(both counted from 0)",
            hint="another unit",
        )


def _pieces(starts: Ints, chunk: int) -> Iterator[slice]:
    """Runs of meta-analyses with about `chunk` trials in each."""
    m = len(starts) - 1
    begin = 0
    while begin < m:
        end = int(np.searchsorted(starts, starts[begin] + chunk, side="right")) - 1
        end = min(m, max(end, begin + 1))
        yield slice(begin, end)
        begin = end


def _run(
    work: Any, pieces: Sequence[slice], threads: int, starts: Ints
) -> Iterator[tuple[slice, int]]:
    if threads <= 1 or len(pieces) < 2:
        for piece in pieces:
            yield piece, work(piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from zip(pieces, pool.map(work, pieces), strict=True)


def _room(m: int) -> dict[str, NDArray[Any]]:
    kinds: dict[str, Any] = {"k": np.intp, "left_out": np.intp}
    kinds |= {"interval": np.uint8, "n_optima": np.uint8}
    return {name: np.empty(m, dtype=kinds.get(name, np.float64)) for name in ARRAYS}


def _finish(
    out: dict[str, NDArray[Any]],
    piece: slice,
    sums: Sums,
    given: Ints,
    model: str,
    interval: str,
    pi: str,
    level: float,
) -> None:
    """Intervals, I² and H² of one chunk."""
    k, tau2 = sums.k, sums.tau2
    random = model == "random"
    quantiles = _Quantiles(k, level)
    code, se, half = _interval(sums, interval, quantiles, random)
    out["k"][piece] = k
    np.subtract(given, k, out=out["left_out"][piece])
    out["estimate"][piece] = sums.estimate
    out["tau2"][piece] = tau2
    out["q"][piece] = sums.q
    out["n_optima"][piece] = np.minimum(np.abs(sums.count), 255)
    out["se"][piece] = se
    out["interval"][piece] = code
    np.subtract(sums.estimate, half, out=out["ci_low"][piece])
    np.add(sums.estimate, half, out=out["ci_high"][piece])
    i2, h2 = out["i2"][piece], out["h2"][piece]
    with np.errstate(divide="ignore", invalid="ignore"):
        if random:
            np.multiply(tau2, sums.trace, out=h2)
            h2 /= k - 1.0
            np.divide(h2, h2 + 1.0, out=i2)
            h2 += 1.0
        else:
            np.divide(sums.q, k - 1.0, out=h2)
            i2[...] = np.where(h2 > 1.0, 1.0 - 1.0 / h2, 0.0)
    i2 *= 100.0
    if quantiles.least < 2:
        i2[k < 2] = np.where(k[k < 2] == 1, 0.0, np.nan)
        h2[k < 2] = np.where(k[k < 2] == 1, 1.0, np.nan)
    reach = _reach(sums, code, se, pi, quantiles) if random else np.nan
    np.subtract(sums.estimate, reach, out=out["pi_low"][piece])
    np.add(sums.estimate, reach, out=out["pi_high"][piece])


class _Quantiles:
    """Critical values for analyses of `k` trials: one number where all have as many."""

    __slots__ = ("_k", "_level", "least", "most", "normal")

    def __init__(self, k: Ints, level: float) -> None:
        self._k = k
        self._level = level
        self.normal = critical(level)
        self.least, self.most = (int(k.min()), int(k.max())) if len(k) else (0, 0)

    def student(self, lost: int) -> Any:
        """Those of t with ``k - lost`` degrees of freedom; NaN where there are none."""
        if self.least == self.most:
            df = self.most - lost
            return critical(self._level, float(df)) if df > 0 else math.nan
        table = np.full(self.most + 1, np.nan)
        for k in np.flatnonzero(np.bincount(self._k)).tolist():
            if k > lost:
                table[k] = critical(self._level, float(k - lost))
        return table[self._k]


def _interval(
    sums: Sums, asked: str, quantiles: _Quantiles, random: bool
) -> tuple[NDArray[np.uint8] | int, Floats, Floats]:
    """The number of the interval, its standard error, and half its width."""
    k, plain = sums.k, sums.se
    if asked == "Wald" or (asked == "auto" and not random):
        return 0, plain, quantiles.normal * plain
    student = quantiles.student(1)
    factor = np.sqrt(sums.spread)
    if asked == "auto":
        narrow = student * factor < quantiles.normal
        code = np.where(narrow, 3, 2).astype(np.uint8)
        code[(k < 3) | (sums.tau2 == 0.0)] = 0
    else:
        code = np.where(k > 1, CODES.index(asked), 0).astype(np.uint8)
    # The guard takes effect just where the plain factor is below 1.
    np.maximum(factor, 1.0, out=factor, where=code == 3)
    factor[code < 2] = 1.0
    se = plain * factor
    return code, se, np.where(code == 0, quantiles.normal, student) * se


def _reach(
    sums: Sums, code: NDArray[np.uint8] | int, se: Floats, pi: str, quantiles: _Quantiles
) -> Any:
    """Half the width of the prediction interval; NaN where there are too few trials."""
    rule = PREDICTIONS[pi]
    if rule.lost is not None:
        quantile = quantiles.student(rule.lost)
    elif np.ndim(code):
        quantile = np.where(np.equal(code, 0), quantiles.normal, quantiles.student(1))
    else:
        quantile = quantiles.normal
    error = sums.se if rule.plain else se
    reach = error * error
    reach += sums.tau2
    np.sqrt(reach, out=reach)
    reach *= quantile
    if quantiles.least < rule.least:
        reach[sums.k < rule.least] = np.nan
    return reach


def _notes(out: dict[str, NDArray[Any]], unsure: int) -> tuple[Note, ...]:
    notes = []
    rows, hit = int(out["left_out"].sum()), int((out["left_out"] > 0).sum())
    if rows:
        text = f"{_many(rows, 'row')} in {_many(hit, 'meta-analysis', 'meta-analyses')} passed over"
        notes.append(Note("left-out", f"{text}: no estimate, or no variance."))
    empty = int((out["k"] == 0).sum())
    if empty:
        what = _many(empty, "meta-analysis", "meta-analyses")
        notes.append(Note("empty", f"{what} without a single trial: not a number throughout."))
    several = int((out["n_optima"] > 1).sum())
    if several:
        what = _many(several, "meta-analysis", "meta-analyses")
        text = "the likelihood of tau² has several local maxima; the highest is used"
        notes.append(Note("several-optima", f"In {what} {text}."))
    if unsure:
        what = _many(unsure, "meta-analysis", "meta-analyses")
        text = "the likelihood is so flat that more local maxima, as high to rounding, may exist"
        notes.append(Note("flat-likelihood", f"In {what} {text}."))
    return tuple(notes)


def _many(n: int, one: str, more: str = "") -> str:
    return f"{counted(n)} {one if n == 1 else more or one + 's'}"


def _methods(model: str, tau2: str, interval: str, pi: str) -> tuple[Method, ...]:
    codes = CODES if interval == "auto" and model == "random" else (interval,)
    own = [m for code in codes for m in INTERVALS.get(code, INTERVALS["Wald"]).methods]
    if model == "random":
        own += [AUTO] if interval == "auto" else []
        own += [ESTIMATORS[tau2].method, HIGGINS_THOMPSON, PREDICTIONS[pi].method]
    return tuple(dict.fromkeys(own))


# --- what is made of it --------------------------------------------------------------------------


def leave_one_out(y: Vector, v: Vector, **how: Any) -> BatchFit:
    """Pool a meta-analysis again without each trial in turn.

    Parameters
    ----------
    y, v
        Estimates and variances, shape (k,).
    how
        As for :func:`pairwise`.

    Returns
    -------
    BatchFit
        With k rows; row `i` is without trial `i`.

    Raises
    ------
    InputError
        Fewer than two trials; and as for :func:`pairwise`.
    """
    one, two = _vectors(y, v)
    k = len(one)
    if k < 2:
        raise InputError(f"{_many(k, 'trial')} to leave one out of", hint="at least two")
    step = np.arange(k - 1)
    rows = step + (step >= np.arange(k)[:, None])
    return pairwise(one[rows], two[rows], **how)


def bootstrap(es: Contrasts, B: int, seed: int, **how: Any) -> BatchFit:
    """Pool `B` samples of the trials of `es`, each drawn with replacement.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial; rows without either are passed over.
    B
        How many samples.
    seed
        Of NumPy's generator (PCG64): the same seed gives the same samples.
    how
        As for :func:`pairwise`.

    Raises
    ------
    InputError
        No sample or no trial, rows that share a group; and as for :func:`pairwise`.
    """
    if B < 1:
        raise InputError(f"{B} samples", hint="at least one, and some thousands for an interval")
    if es.cov.size:
        raise InputError(
            "comparisons that share a group are not independent",
            hint="combine the groups into one comparison",
        )
    use = np.isfinite(es.yi) & np.isfinite(es.vi)
    y, v = es.yi[use], es.vi[use]
    if not len(y):
        raise InputError("no trial has an estimate with a variance", hint="at least one")
    rows = np.random.default_rng(seed).integers(len(y), size=(B, len(y)))
    return pairwise(y[rows], v[rows], **how)


def _vectors(y: Vector, v: Vector) -> tuple[Floats, Floats]:
    one, two = read_array("y", y), read_array("v", v)
    if one.ndim != 1 or one.shape != two.shape:
        raise InputError(f"y of shape {one.shape} and v of shape {two.shape}", hint="flat, alike")
    return one, two
