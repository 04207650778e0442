"""Many meta-analyses side by side, as plain Python: for compilers that turn lanes into vectors.

`LANES` meta-analyses at a time are brought into form, passed over at tau² of 0, and take steps
together, each of which is one pass over their weights at the tau² that each has come to. When few
of them are under way, these move to other lanes, where they meet those left over from before;
there whichever is finished leaves its lane to the next, so that none waits for another. The steps
are those of :mod:`equipoise.num.kernels`, which also takes over the few that need a closer look.

Sums and states are flat, one row of `LANES` numbers after the other, and the rows have fixed
places: so a compiler sees that no two of them overlap.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import Any

from equipoise.num.kernels import COMMON, DL, ML, Room, Values, analyse, middle

_EPS = 2.0**-52

#: How many lanes there are: as many as keep their sums in the nearest cache.
LANES = 64

#: Rows of the sums of a lane, by where they begin.
(
    FIRST, REST, SQUARES, CUBES, MEAN, TOTAL, Q, GAIN, ONCE, GAIN_FALL, LOSS, LOSS_FALL, TRACE,
) = range(0, 13 * LANES, LANES)  # fmt: skip
SUMS = 13

#: Rows of what a lane remembers: tau², its bracket, the last step, where it goes next, whether that
#: is the end (`ENDED` here or `NEARLY`, after one more pass, in which it is `LAST`), the estimate
#: and the variance of its most precise trial, and how many trials it has.
(
    AT, LOW, HIGH, BEFORE, NEXT, DONE, LAST, ORIGIN, LEAST, TRIALS,
) = range(0, 10 * LANES, LANES)  # fmt: skip
STATE = 10

#: Values of `DONE`.
UNDERWAY, ENDED, NEARLY = 0.0, 1.0, 2.0

#: At most so many of those that came in together move to other lanes.
MOVED = 16

#: A last step of Newton's method below this part of its place is followed by tangents in place of
#: another pass: its square is rounding.
SHORT = 1e-7


def sweep(Y: Any, V: Any, n: int, state: Room, ml: bool, W: Any, sums: Room) -> None:
    """As :func:`equipoise.num.kernels.slopes`, for all lanes; see there for what is summed."""
    for j in range(LANES):
        sums[FIRST + j] = 1.0 / (V[0, j] + state[AT + j])
        sums[REST + j] = 0.0
        sums[SQUARES + j] = 0.0
        sums[CUBES + j] = 0.0
        sums[MEAN + j] = 0.0
    for i in range(1, n):
        for j in range(LANES):
            x = 1.0 / (V[i, j] + state[AT + j])
            xx = x * x
            W[i, j] = x
            sums[REST + j] += x
            sums[SQUARES + j] += xx
            sums[CUBES + j] += xx * x
            sums[MEAN + j] += x * Y[i, j]
    for j in range(LANES):
        total = sums[FIRST + j] + sums[REST + j]
        mean = sums[MEAN + j] / total
        sums[TOTAL + j] = total
        sums[MEAN + j] = mean
        r = sums[FIRST + j] * mean
        sums[Q + j] = r * mean
        sums[GAIN + j] = r * r
        sums[ONCE + j] = 0.0
        sums[GAIN_FALL + j] = 0.0
    for i in range(1, n):
        for j in range(LANES):
            x = W[i, j]
            away = Y[i, j] - sums[MEAN + j]
            r = x * away
            s = r + sums[FIRST + j] * sums[MEAN + j]
            xs = x * s
            sums[Q + j] += r * away
            sums[GAIN + j] += r * r
            sums[ONCE + j] += xs
            sums[GAIN_FALL + j] += xs * s
    for j in range(LANES):
        first = sums[FIRST + j]
        rest = sums[REST + j]
        squares = sums[SQUARES + j]
        total = sums[TOTAL + j]
        once = sums[ONCE + j]
        own = first * first
        inverse = 1.0 / total
        gain_fall = 2.0 * (sums[GAIN_FALL + j] - once * once * inverse)
        loss = (rest * (first + total) - squares) * inverse
        pairs = own * (rest * rest + squares) - 2.0 * total * sums[CUBES + j]
        loss_fall = (pairs + squares * (total * total + own + squares)) * inverse * inverse
        sums[TRACE + j] = loss
        sums[GAIN_FALL + j] = gain_fall
        sums[LOSS + j] = total if ml else loss
        sums[LOSS_FALL + j] = own + squares if ml else loss_fall


def stride(state: Room, sums: Room) -> None:
    """Take a step of :func:`equipoise.num.kernels.climb` in all lanes, without a branch.

    A lane that is done says so in `DONE`: at once at 0 where the likelihood falls from there.
    `NEXT` is not a number where the step would leave the bracket, which :func:`depart` halves.
    """
    for j in range(LANES):
        t = state[AT + j]
        gain, loss = sums[GAIN + j], sums[LOSS + j]
        gain_fall, loss_fall = sums[GAIN_FALL + j], sums[LOSS_FALL + j]
        before, unit = state[BEFORE + j], state[LEAST + j] + t
        up = gain > loss
        low = t if up else state[LOW + j]
        high = state[HIGH + j] if up else t
        room = _EPS * unit
        turn = gain_fall * loss - loss_fall * gain
        step = (gain - loss) * gain / turn
        new = t + step
        size = abs(step)
        ratio = size / before
        inside = (turn > 0.0) & (low < new) & (new < high)
        still = (turn > 0.0) & (size <= 2.0 * room)
        slow = (ratio >= 0.5) & (size <= 512.0 * room)
        near = inside & (before > 0.0) & ((size * ratio * ratio <= 2.0 * room) | slow)
        here = (high - low <= room) | (state[LAST + j] != 0.0)
        clipped = low if new < low else (high if new > high else new)
        onward = new if inside else math.nan
        onward = clipped if still else onward
        onward = t if here else onward
        ended = ENDED if abs(onward - t) <= SHORT * unit else NEARLY
        state[BEFORE + j] = size if inside else 0.0
        state[LOW + j] = low
        state[HIGH + j] = high
        state[NEXT + j] = onward
        state[DONE + j] = ended if (here | still | near) else UNDERWAY


def moment(state: Room, sums: Room) -> None:
    """Go to the tau² of DerSimonian and Laird, from the sums at 0."""
    for j in range(LANES):
        t = (sums[Q + j] - (state[TRIALS + j] - 1.0)) / sums[TRACE + j]
        state[AT + j] = t if t > 0.0 else 0.0


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


def analyse_lanes(
    y: Values, v: Values, offsets: Sequence[int], method: int, width: int,
    ys: Room, vs: Room, w: Room, boxes: Room, places: Room,
    Y0: Any, V0: Any, Y: Any, V: Any, W: Any, sums: Room, state0: Room, state: Room,
    who0: MutableSequence[int], free0: MutableSequence[int],
    who: MutableSequence[int], free: MutableSequence[int],
    k: MutableSequence[int], count: MutableSequence[int],
    estimate: Room, se: Room, spread: Room, tau2: Room, q: Room, trace: Room,
) -> None:  # fmt: skip
    """As :func:`equipoise.num.kernels.analyse`, without proof; not for `PM`.

    Parameters
    ----------
    width
        Trials of the largest analysis.
    Y0, V0, Y, V, W
        Room of `width` rows of `LANES`.
    sums, state0, state, who0, free0, who, free
        Flat room of so many rows: `SUMS`, `STATE` (twice), and one (four times).
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
                    y, v, offsets, first + j, first + j + 1, method, False, ys, vs, w, boxes,
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


def move(
    Y0: Any, V0: Any, state0: Room, j: int, width: int, Y: Any, V: Any, state: Room, lane: int
) -> None:  # fmt: skip
    """Take a meta-analysis from where it came in to the lane in which it goes on."""
    for i in range(width):
        Y[i, lane] = Y0[i, j]
        V[i, lane] = V0[i, j]
    for row in range(0, STATE * LANES, LANES):
        state[row + lane] = state0[row + j]


def rest(state: Room) -> None:
    """Let all lanes end where they are."""
    for j in range(LANES):
        state[NEXT + j] = state[AT + j]
        state[DONE + j] = ENDED


def depart(state: Room, j: int) -> None:
    """Go where :func:`stride` leads."""
    further = state[NEXT + j]
    if further != further:
        low, high, unit = state[LOW + j], state[HIGH + j], state[LEAST + j]
        further = middle(low, high, unit) if high < math.inf else 4.0 * (unit + low)
    state[AT + j] = further
    state[LAST + j] = state[DONE + j]


def land(
    state: Room, sums: Room, who: MutableSequence[int], free: MutableSequence[int],
    estimate: Room, se: Room, spread: Room, tau2: Room,
) -> int:  # fmt: skip
    """Give out what has ended and let the others depart; return how many lanes are `free`."""
    empty = 0
    for j in range(LANES):
        if who[j] >= 0:
            if state[DONE + j] == ENDED:
                finish(state, sums, j, who[j], estimate, se, spread, tau2)
                who[j] = -1
            else:
                depart(state, j)
        if who[j] < 0:
            free[empty] = j
            empty += 1
    return empty


def finish(
    state: Room, sums: Room, j: int, i: int, estimate: Room, se: Room, spread: Room, tau2: Room
) -> None:
    """Give out what lane `j` has found: by the sums where it is and their tangents from there."""
    first = sums[FIRST + j]
    total, mean = sums[TOTAL + j], sums[MEAN + j]
    t = state[NEXT + j]
    further = t - state[AT + j]
    spread[i] = (sums[Q + j] - sums[GAIN + j] * further) / (state[TRIALS + j] - 1.0)
    # `ONCE` sums w (r - r_0) and r_0 is ``-first * mean``, so this takes off the sum of w r.
    mean -= further * (sums[ONCE + j] / total - first * mean)
    total -= further * (first * first + sums[SQUARES + j])
    estimate[i] = state[ORIGIN + j] + mean
    se[i] = 1.0 / math.sqrt(total)
    tau2[i] = t
