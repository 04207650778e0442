"""Many meta-analyses side by side, as plain Python: for compilers that turn lanes into vectors.

`LANES` meta-analyses are under way at a time. All of them take a step, which is one pass over
their weights at the tau² that each has come to; whichever is finished leaves its lane to the next,
so that none waits for another. The steps are those of :mod:`equipoise.num.kernels`, which also
takes over the few whose likelihood needs a closer look.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import Any

from equipoise.num.kernels import ML, Room, Values, analyse, middle

_EPS = 2.0**-52

#: How many lanes there are: as many as keep their sums in the nearest cache.
LANES = 64

#: Rows of the sums of a lane.
FIRST, REST, SQUARES, CUBES, MEAN, TOTAL, Q, GAIN, ONCE, GAIN_FALL, LOSS, LOSS_FALL, TRACE = range(
    13
)
SUMS = 13

#: Rows of what a lane remembers: tau², its bracket, the last step, where it is in the search, the
#: origin of its estimates, where it goes next, and whether that is the end.
AT, LOW, HIGH, BEFORE, STAGE, ORIGIN, NEXT, DONE = range(8)
STATE = 8

#: Where a lane is: at tau² of 0, climbing, at the estimate; or empty.
START, CLIMB, LAST, EMPTY = 0.0, 1.0, 2.0, 3.0

#: A last step of Newton's method below this part of its place is followed by tangents in place of
#: another pass: its square is rounding.
SHORT = 1e-7


def sweep(Y: Any, V: Any, n: int, state: Any, ml: bool, W: Any, sums: Any) -> None:
    """As :func:`equipoise.num.kernels.slopes`, for all lanes; see there for what is summed."""
    for j in range(LANES):
        sums[FIRST, j] = 1.0 / (V[0, j] + state[AT, j])
        sums[REST, j] = 0.0
        sums[SQUARES, j] = 0.0
        sums[CUBES, j] = 0.0
        sums[MEAN, j] = 0.0
    for i in range(1, n):
        for j in range(LANES):
            x = 1.0 / (V[i, j] + state[AT, j])
            xx = x * x
            W[i, j] = x
            sums[REST, j] += x
            sums[SQUARES, j] += xx
            sums[CUBES, j] += xx * x
            sums[MEAN, j] += x * Y[i, j]
    for j in range(LANES):
        total = sums[FIRST, j] + sums[REST, j]
        mean = sums[MEAN, j] / total
        sums[TOTAL, j] = total
        sums[MEAN, j] = mean
        r = sums[FIRST, j] * mean
        sums[Q, j] = r * mean
        sums[GAIN, j] = r * r
        sums[ONCE, j] = 0.0
        sums[GAIN_FALL, j] = 0.0
    for i in range(1, n):
        for j in range(LANES):
            x = W[i, j]
            away = Y[i, j] - sums[MEAN, j]
            r = x * away
            s = r + sums[FIRST, j] * sums[MEAN, j]
            xs = x * s
            sums[Q, j] += r * away
            sums[GAIN, j] += r * r
            sums[ONCE, j] += xs
            sums[GAIN_FALL, j] += xs * s
    for j in range(LANES):
        first = sums[FIRST, j]
        rest = sums[REST, j]
        squares = sums[SQUARES, j]
        total = sums[TOTAL, j]
        once = sums[ONCE, j]
        own = first * first
        inverse = 1.0 / total
        gain_fall = 2.0 * (sums[GAIN_FALL, j] - once * once * inverse)
        loss = (rest * (first + total) - squares) * inverse
        pairs = own * (rest * rest + squares) - 2.0 * total * sums[CUBES, j]
        loss_fall = (pairs + squares * (total * total + own + squares)) * inverse * inverse
        sums[TRACE, j] = loss
        sums[GAIN_FALL, j] = gain_fall
        sums[LOSS, j] = total if ml else loss
        sums[LOSS_FALL, j] = own + squares if ml else loss_fall


def enter(
    y: Values, v: Values, start: int, stop: int, j: int, width: int, Y: Any, V: Any, state: Any
) -> bool:  # fmt: skip
    """Put a meta-analysis into lane `j`, and return whether it could be.

    Not where there are fewer than two trials, a gap, or a size of variance out of the ordinary.
    """
    n = 0
    at = 0
    least = math.inf
    for i in range(start, stop):
        size = v[i]
        if not (0.0 < size < math.inf and -math.inf < y[i] < math.inf):
            return False
        Y[n, j] = y[i]
        V[n, j] = size
        if size < least:
            least = size
            at = n
        n += 1
    if n < 2 or not 1e-50 < least < 1e50:
        return False
    origin = Y[at, j]
    for i in range(n):
        Y[i, j] -= origin
    Y[at, j] = Y[0, j]
    V[at, j] = V[0, j]
    Y[0, j] = 0.0
    V[0, j] = least
    for i in range(n, width):
        Y[i, j] = 0.0
        V[i, j] = math.inf
    state[AT, j] = 0.0
    state[LOW, j] = 0.0
    state[HIGH, j] = math.inf
    state[BEFORE, j] = 0.0
    state[STAGE, j] = START
    state[ORIGIN, j] = origin
    return True


def stride(V: Any, state: Any, sums: Any) -> None:
    """Take a step of :func:`equipoise.num.kernels.climb` in all lanes, without a branch.

    A lane that is done says so in `DONE`: at once at 0 where the likelihood falls from there.
    `NEXT` is not a number where the step would leave the bracket, which :func:`land` then halves.
    """
    for j in range(LANES):
        t = state[AT, j]
        gain, loss = sums[GAIN, j], sums[LOSS, j]
        gain_fall, loss_fall = sums[GAIN_FALL, j], sums[LOSS_FALL, j]
        before, unit = state[BEFORE, j], V[0, j]
        up = gain > loss
        low = t if up else state[LOW, j]
        high = state[HIGH, j] if up else t
        room = _EPS * (unit + t)
        turn = gain_fall * loss - loss_fall * gain
        step = (gain - loss) * gain / turn
        new = t + step
        size = abs(step)
        ratio = size / before
        inside = (turn > 0.0) & (low < new) & (new < high)
        still = (turn > 0.0) & (size <= 2.0 * room)
        slow = (ratio >= 0.5) & (size <= 512.0 * room)
        near = inside & (before > 0.0) & ((size * ratio * ratio <= 2.0 * room) | slow)
        shut = high - low <= room
        clipped = low if new < low else (high if new > high else new)
        onward = new if inside else math.nan
        onward = clipped if still else onward
        state[BEFORE, j] = size if inside else 0.0
        state[LOW, j] = low
        state[HIGH, j] = high
        state[NEXT, j] = t if shut else onward
        state[DONE, j] = 1.0 if (shut | still | near) else 0.0


def analyse_lanes(
    y: Values, v: Values, offsets: Sequence[int], method: int, width: int,
    ys: Room, vs: Room, w: Room, boxes: Room, places: Room, Y: Any, V: Any, W: Any, sums: Any,
    state: Any, who: MutableSequence[int], k: MutableSequence[int], count: MutableSequence[int],
    estimate: Room, se: Room, spread: Room, tau2: Room, q: Room, trace: Room,
) -> None:  # fmt: skip
    """As :func:`equipoise.num.kernels.analyse`, for REML and ML without proof.

    Parameters
    ----------
    width
        Trials of the largest analysis.
    Y, V, W, sums, state, who
        Room of `LANES` columns: `width` rows (three times), `SUMS`, `STATE`; and of one row.
    """
    m = len(offsets) - 1
    coming = 0
    busy = 0
    clear(Y, V, state, width)
    while True:
        for j in range(LANES):
            stage = state[STAGE, j]
            if stage != EMPTY:
                i = who[j]
                t = state[AT, j]
                if stage == START:
                    q[i] = sums[Q, j]
                    trace[i] = sums[TRACE, j]
                    state[STAGE, j] = CLIMB
                if stage == LAST or land(state, j, V[0, j]):
                    finish(state, sums, j, i, k[i], t, estimate, se, spread, tau2)
                    state[STAGE, j] = stage = EMPTY
                    busy -= 1
            while stage == EMPTY and coming < m:
                start, stop = offsets[coming], offsets[coming + 1]
                if enter(y, v, start, stop, j, width, Y, V, state):
                    k[coming] = stop - start
                    count[coming] = 0
                    who[j] = coming
                    busy += 1
                    stage = START
                else:
                    analyse(
                        y, v, offsets, coming, coming + 1, method, False, ys, vs, w, boxes, places,
                        k, count, estimate, se, spread, tau2, q, trace,
                    )  # fmt: skip
                coming += 1
        if busy == 0:
            return
        sweep(Y, V, width, state, method == ML, W, sums)
        stride(V, state, sums)


def clear(Y: Any, V: Any, state: Any, width: int) -> None:
    """Empty all lanes, with numbers in them that do no harm."""
    for j in range(LANES):
        for row in range(STATE):
            state[row, j] = 0.0
        state[STAGE, j] = EMPTY
        for i in range(width):
            Y[i, j] = 0.0
            V[i, j] = 1.0


def land(state: Any, j: int, unit: float) -> bool:
    """Go where :func:`stride` leads; return whether the sums that are there give the result."""
    t = state[AT, j]
    further = state[NEXT, j]
    if state[DONE, j] != 0.0:
        state[AT, j] = further
        state[STAGE, j] = LAST
        return bool(abs(further - t) <= SHORT * (unit + t))
    if further != further:
        low, high = state[LOW, j], state[HIGH, j]
        further = middle(low, high, unit) if high < math.inf else 4.0 * (unit + low)
    state[AT, j] = further
    return False


def finish(
    state: Any, sums: Any, j: int, i: int, n: int, t: float,
    estimate: Room, se: Room, spread: Room, tau2: Room,
) -> None:  # fmt: skip
    """Give out what lane `j` has found: by the sums at `t` and their tangents from there."""
    first = sums[FIRST, j]
    total, mean = sums[TOTAL, j], sums[MEAN, j]
    further = state[AT, j] - t
    spread[i] = (sums[Q, j] - sums[GAIN, j] * further) / (n - 1.0)
    # `ONCE` sums w (r - r_0) and r_0 is ``-first * mean``, so this takes off the sum of w r.
    mean -= further * (sums[ONCE, j] / total - first * mean)
    total -= further * (first * first + sums[SQUARES, j])
    estimate[i] = state[ORIGIN, j] + mean
    se[i] = 1.0 / math.sqrt(total)
    tau2[i] = state[AT, j]
