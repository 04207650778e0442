"""The passes and steps of many meta-analyses side by side, as plain Python.

Compilers turn loops over lanes into vectors. `LANES` meta-analyses take the steps of
:mod:`equipoise.num.kernels` together, each of which is one pass over their weights at the tau² that
each has come to. :mod:`equipoise.num.abreast` lets them in and out.

Sums and states are flat, one row of `LANES` numbers after the other, and the rows have fixed
places: so a compiler sees that no two of them overlap.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from typing import Any

from equipoise.num.kernels import Room, middle

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
