"""Many meta-analyses side by side, as plain Python: for compilers that turn lanes into vectors.

`LANES` meta-analyses at a time are brought into form, passed over at tau² of 0, and, if a proof is
asked for, surveyed (:mod:`equipoise.num.survey`); then they take steps together. When few of them
are under way, these move to other lanes, where they meet those left over from before; there
whichever is finished leaves its lane to the next, so that none waits for another. The few that
need a closer look are taken over by :func:`equipoise.num.kernels.analyse`.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import Any

from equipoise.num.kernels import COMMON, DL, ML, Room, Values, analyse
from equipoise.num.lanes import (
    AT,
    BEFORE,
    HIGH,
    LANES,
    LAST,
    LEAST,
    LOW,
    NEXT,
    ORIGIN,
    STATE,
    TRACE,
    TRIALS,
    Q,
    land,
    moment,
    rest,
    stride,
    sweep,
)
from equipoise.num.survey import survey

#: At most so many of those that came in together move to other lanes.
MOVED = 16


def analyse_lanes(
    y: Values, v: Values, offsets: Sequence[int], method: int, proof: bool, width: int,
    ys: Room, vs: Room, w: Room, boxes: Room, places: Room,
    Y0: Any, V0: Any, Y: Any, V: Any, W: Any,
    sums: Room, state0: Room, state: Room, room: Room,
    who0: MutableSequence[int], free0: MutableSequence[int],
    who: MutableSequence[int], free: MutableSequence[int],
    k: MutableSequence[int], count: MutableSequence[int],
    estimate: Room, se: Room, spread: Room, tau2: Room, q: Room, trace: Room,
) -> None:  # fmt: skip
    """As :func:`equipoise.num.kernels.analyse`; not for `PM`.

    Parameters
    ----------
    width
        Trials of the largest analysis.
    Y0, V0, Y, V, W
        Room of `width` rows of `LANES`.
    sums, state0, state, room, who0, free0, who, free
        Flat room of so many rows: `SUMS`, `STATE` (twice), `SURVEY`, and one (four times).
    """
    m = len(offsets) - 1
    clear(Y, V, width, state, who, free)
    empty = LANES
    for first in range(0, m, LANES):
        size = min(LANES, m - first)
        enter(y, v, offsets, first, size, width, Y0, V0, state0)
        sweep(Y0, V0, width, state0, method == ML, W, sums)
        report(state0, sums, method, first, size, who0, k, count, q, trace)
        if method == COMMON:
            rest(state0)
        elif method == DL:
            moment(state0, sums)
            sweep(Y0, V0, width, state0, False, W, sums)
            rest(state0)
        else:
            if proof:
                survey(Y0, V0, width, state0, method == ML, W, sums, room)
                leave(state0, size, first, who0, count)
                sweep(Y0, V0, width, state0, method == ML, W, sums)
            stride(state0, sums)
        while land(state0, sums, who0, free0, estimate, se, spread, tau2) < LANES - MOVED:
            sweep(Y0, V0, width, state0, method == ML, W, sums)
            stride(state0, sums)
        for j in range(size):
            if who0[j] >= 0:
                while empty == 0:
                    sweep(Y, V, width, state, method == ML, W, sums)
                    stride(state, sums)
                    empty = land(state, sums, who, free, estimate, se, spread, tau2)
                empty -= 1
                who[free[empty]] = who0[j]
                move(Y0, V0, state0, j, width, Y, V, state, free[empty])
            elif state0[TRIALS + j] == 0.0:
                analyse(
                    y, v, offsets, first + j, first + j + 1, method, proof, ys, vs, w, boxes,
                    places, k, count, estimate, se, spread, tau2, q, trace,
                )  # fmt: skip
    while empty < LANES:
        sweep(Y, V, width, state, method == ML, W, sums)
        stride(state, sums)
        empty = land(state, sums, who, free, estimate, se, spread, tau2)


def report(
    state: Room, sums: Room, method: int, first: int, size: int, who: MutableSequence[int],
    k: MutableSequence[int], count: MutableSequence[int], q: Room, trace: Room,
) -> None:  # fmt: skip
    """Say who is in which lane, and give out what the sums at tau² of 0 tell."""
    for j in range(LANES):
        who[j] = -1
    for j in range(size):
        i = first + j
        q[i] = sums[Q + j]
        trace[i] = sums[TRACE + j]
        if state[TRIALS + j] > 0.0:
            who[j] = i
            k[i] = int(state[TRIALS + j])
            count[i] = 1 if method in (COMMON, DL) else 0


def leave(
    state: Room, size: int, first: int, who: MutableSequence[int], count: MutableSequence[int]
) -> None:  # fmt: skip
    """Say which lanes have one maximum, and empty those of which that was not proved."""
    for j in range(size):
        if state[TRIALS + j] > 0.0:
            count[first + j] = 1
        else:
            who[j] = -1


def clear(
    Y: Any, V: Any, width: int, state: Room,
    who: MutableSequence[int], free: MutableSequence[int],
) -> None:  # fmt: skip
    """Empty all lanes, with numbers in them that do no harm."""
    for at in range(STATE * LANES):
        state[at] = 0.0
    for j in range(LANES):
        who[j] = -1
        free[j] = j
        for i in range(width):
            Y[i, j] = 0.0
            V[i, j] = 1.0


def enter(
    y: Values, v: Values, offsets: Sequence[int], first: int, count: int, width: int,
    Y: Any, V: Any, state: Room,
) -> None:  # fmt: skip
    """Bring `count` meta-analyses from `first` on into lanes, and into form.

    `TRIALS` is 0 where the lane is empty after that: where there are fewer than two trials, a gap,
    or a size of variance out of the ordinary.
    """
    for j in range(LANES):
        start, stop = 0, 0
        if j < count:
            start, stop = offsets[first + j], offsets[first + j + 1]
        n = stop - start
        at = 0
        odd = 0.0
        least = math.inf
        for i in range(n):
            estimate, size = y[start + i], v[start + i]
            Y[i, j] = estimate
            V[i, j] = size
            odd += 0.0 * estimate * size  # not 0 where one of them is not finite
            less = size < least
            at = i if less else at
            least = size if less else least
        for i in range(n, width):
            Y[i, j] = 0.0
            V[i, j] = math.inf
        if n < 2 or odd != 0.0 or not 1e-50 < least < 1e50:
            at, n, least = 0, 0, 1.0
            for i in range(width):
                Y[i, j] = 0.0
                V[i, j] = 1.0
        origin = Y[at, j]
        Y[at, j] = Y[0, j]
        V[at, j] = V[0, j]
        Y[0, j] = origin
        V[0, j] = least
        state[TRIALS + j] = n
        state[ORIGIN + j] = origin
        state[LEAST + j] = least
    for i in range(width):
        for j in range(LANES):
            Y[i, j] -= state[ORIGIN + j]
    for j in range(LANES):
        state[AT + j] = 0.0
        state[LOW + j] = 0.0
        state[HIGH + j] = math.inf
        state[BEFORE + j] = 0.0
        state[NEXT + j] = 0.0
        state[LAST + j] = 0.0


def move(
    Y0: Any, V0: Any, state0: Room, j: int, width: int, Y: Any, V: Any, state: Room, lane: int
) -> None:  # fmt: skip
    """Take a meta-analysis from where it came in to the lane in which it goes on."""
    for i in range(width):
        Y[i, lane] = Y0[i, j]
        V[i, lane] = V0[i, j]
    for row in range(0, STATE * LANES, LANES):
        state[row + lane] = state0[row + j]
