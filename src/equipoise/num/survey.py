"""The proof that a likelihood has one maximum, for many meta-analyses side by side.

The boxes of :func:`equipoise.num.kernels.optima`, in lanes: from tau² of 0 to where the rest is
known, and then `ROUNDS` times into halves whichever box is still open. Most likelihoods are seen
through by then; where two boxes stay open, or there is another number of maxima than one, the lane
is given up to :func:`equipoise.num.kernels.analyse`, which looks more closely.

As in :mod:`equipoise.num.lanes` all room is flat, in rows of fixed places.
"""

from __future__ import annotations

import math
from typing import Any

from equipoise.num.kernels import SLACK, Room
from equipoise.num.lanes import (
    AT,
    GAIN,
    GAIN_FALL,
    HIGH,
    LANES,
    LEAST,
    LOSS,
    LOSS_FALL,
    LOW,
    TRIALS,
    sweep,
)

_EPS = 2.0**-52

#: How often an open box is halved: with three, one likelihood in thirty is left over.
ROUNDS = 3

#: Rows of a point, from where it begins: tau²; both parts of the derivative and the speeds at
#: which they fall; and for each part its power of -½, and the rise of that.
(
    PLACE, MORE, LESS, MORE_FALL, LESS_FALL, MORE_ROOT, LESS_ROOT, MORE_RISE, LESS_RISE,
) = range(0, 9 * LANES, LANES)  # fmt: skip
POINT = 9 * LANES

#: The ends of the box that is open, the point that halves it, and what is remembered of a lane:
#: whether a box is open, and after halving which parts of it are; how many maxima were seen; the
#: bracket of the last and where its climb starts; and beyond where the likelihood only falls.
LEFT, RIGHT, HALF = 0, POINT, 2 * POINT
(
    UNSURE, BELOW, ABOVE, SEEN, FROM, TO, START, TOP,
) = range(3 * POINT, 3 * POINT + 8 * LANES, LANES)  # fmt: skip
SURVEY = 35

#: Seen maxima where two boxes are open.
MUDDLED = 1e3


def survey(
    Y: Any, V: Any, width: int, state: Room, ml: bool, W: Any, sums: Room, room: Room
) -> None:
    """Look for a proof in all lanes, from the sums at 0; bring each to where its climb starts.

    `TRIALS` is 0 after that where it is not proved that there is one maximum. The sums are left
    in disorder.

    Parameters
    ----------
    Y, V, width, state, ml, W, sums
        As for :func:`equipoise.num.lanes.sweep`.
    room
        Flat room of `SURVEY` rows.
    """
    begin(Y, V, width, state, sums, room)
    mark(LEFT, state, sums, room, True)
    sweep(Y, V, width, state, ml, W, sums)
    mark(RIGHT, state, sums, room, False)
    look(LEFT, RIGHT, UNSURE, state, room)
    beyond(room)
    for _ in range(ROUNDS):
        if halve(state, room) == 0:
            break
        sweep(Y, V, width, state, ml, W, sums)
        mark(HALF, state, sums, room, False)
        look(LEFT, HALF, BELOW, state, room)
        look(HALF, RIGHT, ABOVE, state, room)
        narrow(room)
    conclude(state, room)


def begin(Y: Any, V: Any, width: int, state: Room, sums: Room, room: Room) -> None:
    """Take the sums at 0 for the left end, and let all lanes go to the right one."""
    for j in range(LANES):
        room[TOP + j] = 0.0
        room[START + j] = 0.0
        room[TO + j] = 0.0
        room[FROM + j] = 0.0
    for i in range(width):
        for j in range(LANES):
            there = V[i, j] < math.inf
            room[FROM + j] += Y[i, j] if there else 0.0
            room[TO + j] = max(room[TO + j], V[i, j] if there else 0.0)
    for j in range(LANES):
        room[FROM + j] /= max(state[TRIALS + j], 1.0)
    for i in range(width):
        for j in range(LANES):
            away = Y[i, j] - room[FROM + j] if V[i, j] < math.inf else 0.0
            room[TOP + j] += away * away
    for j in range(LANES):
        edge = room[TO + j] - 2.0 * sums[LOSS + j] / sums[LOSS_FALL + j]
        edge = edge if edge < room[TOP + j] else room[TOP + j]
        flat = (room[TOP + j] <= 0.0) | (sums[GAIN + j] <= 0.0)
        state[AT + j] = 0.0 if flat | (edge < 0.0) else edge
        room[UNSURE + j] = 1.0
        room[SEEN + j] = 0.0 if (sums[GAIN + j] > sums[LOSS + j]) & (not flat) else 1.0
        room[FROM + j] = 0.0
        room[TO + j] = 0.0


def mark(at: int, state: Room, sums: Room, room: Room, zero: bool) -> None:
    """Take the sums for the point whose rows begin at `at`: the lanes', or that at 0."""
    for j in range(LANES):
        gain, loss = sums[GAIN + j], sums[LOSS + j]
        more = 1.0 / math.sqrt(gain if gain > 0.0 else 1.0)
        less = 1.0 / math.sqrt(loss if loss > 0.0 else 1.0)
        room[at + PLACE + j] = 0.0 if zero else state[AT + j]
        room[at + MORE + j] = gain
        room[at + LESS + j] = loss
        room[at + MORE_FALL + j] = sums[GAIN_FALL + j]
        room[at + LESS_FALL + j] = sums[LOSS_FALL + j]
        room[at + MORE_ROOT + j] = more
        room[at + LESS_ROOT + j] = less
        room[at + MORE_RISE + j] = 0.5 * sums[GAIN_FALL + j] * more * more * more
        room[at + LESS_RISE + j] = 0.5 * sums[LOSS_FALL + j] * less * less * less


def look(a: int, b: int, verdict: int, state: Room, room: Room) -> None:
    """As :func:`equipoise.num.kernels.judge`, of the box between two points, without a branch.

    A maximum is counted, with its bracket. The row `verdict` becomes 1 where the box is open, and
    stays 0 in lanes that were sure before.
    """
    for j in range(LANES):
        gain_a, loss_a = room[a + MORE + j], room[a + LESS + j]
        gain_b, loss_b = room[b + MORE + j], room[b + LESS + j]
        gain_fall_a, loss_fall_a = room[a + MORE_FALL + j], room[a + LESS_FALL + j]
        gain_fall_b, loss_fall_b = room[b + MORE_FALL + j], room[b + LESS_FALL + j]
        width = room[b + PLACE + j] - room[a + PLACE + j]
        slack = 1.0 + SLACK + 4.0 * _EPS * state[TRIALS + j]
        rises = 2.0 * gain_b * loss_fall_a * slack <= gain_fall_b * (
            2.0 * loss_a + width * loss_fall_a
        )
        falls = 2.0 * loss_b * gain_fall_a * slack <= loss_fall_b * (
            2.0 * gain_a + width * gain_fall_a
        )
        up_a = gain_a > loss_a
        up_b = gain_b > loss_b
        low_a = room[a + MORE_ROOT + j] if up_a else room[a + LESS_ROOT + j]
        low_b = room[b + MORE_ROOT + j] if up_a else room[b + LESS_ROOT + j]
        high_a = room[a + LESS_ROOT + j] if up_a else room[a + MORE_ROOT + j]
        high_b = room[b + LESS_ROOT + j] if up_a else room[b + MORE_ROOT + j]
        rise_a = room[a + MORE_RISE + j] if up_a else room[a + LESS_RISE + j]
        rise_b = room[b + MORE_RISE + j] if up_a else room[b + LESS_RISE + j]
        bend = rise_a - rise_b
        x = (low_b - low_a - rise_b * width) / bend
        apart = (low_a * slack < high_a) & (low_b * slack < high_b)
        outside = (bend <= 0.0) | (x <= 0.0) | (x >= width)
        under = (low_a + rise_a * x) * slack * width < high_a * width + (high_b - high_a) * x
        none = falls | ((up_a == up_b) & apart & (outside | under))
        nothing = width <= 0.0  # the box of a lane in which all is known from the start
        before = room[UNSURE + j] > 0.0
        found = before & rises & up_a & (not up_b) & (not nothing)
        room[verdict + j] = 1.0 if before & (not (rises | none | nothing)) else 0.0
        ratio_a = loss_a / gain_a
        ratio_b = loss_b / gain_b
        start = room[a + PLACE + j] + width * (1.0 - ratio_a) / (ratio_b - ratio_a)
        room[SEEN + j] += 1.0 if found else 0.0
        room[FROM + j] = room[a + PLACE + j] if found else room[FROM + j]
        room[TO + j] = room[b + PLACE + j] if found else room[TO + j]
        room[START + j] = start if found else room[START + j]


def beyond(room: Room) -> None:
    """Count the maximum beyond the right end, where the likelihood still rises there."""
    for j in range(LANES):
        t, gain, loss = room[RIGHT + PLACE + j], room[RIGHT + MORE + j], room[RIGHT + LESS + j]
        top = room[TOP + j]
        found = (gain > loss) & (t < top)
        rise = room[RIGHT + MORE_FALL + j] * loss - room[RIGHT + LESS_FALL + j] * gain
        start = t + (gain - loss) * gain / rise
        start = start if (rise > 0.0) & (start < top) else top
        room[SEEN + j] += 1.0 if found else 0.0
        room[FROM + j] = t if found else room[FROM + j]
        room[TO + j] = top if found else room[TO + j]
        room[START + j] = start if found else room[START + j]


def halve(state: Room, room: Room) -> int:
    """Go to the middle of each open box; return how many lanes have one."""
    open_boxes = 0
    for j in range(LANES):
        a, b, unit = room[LEFT + PLACE + j], room[RIGHT + PLACE + j], state[LEAST + j]
        t = math.sqrt((unit + a) * (unit + b)) - unit
        state[AT + j] = t if (a < t) & (t < b) else 0.5 * (a + b)
        open_boxes += 1 if room[UNSURE + j] > 0.0 else 0
    return open_boxes


def narrow(room: Room) -> None:
    """Go on with that half of a box that is still open; with neither where both are."""
    for j in range(LANES):
        below = room[BELOW + j] > 0.0
        above = room[ABOVE + j] > 0.0
        room[SEEN + j] += MUDDLED if below & above else 0.0
        room[UNSURE + j] = 1.0 if below != above else 0.0
    for row in range(0, POINT, LANES):
        for j in range(LANES):
            half = room[HALF + row + j]
            if room[BELOW + j] > 0.0:
                room[RIGHT + row + j] = half
            else:
                room[LEFT + row + j] = half


def conclude(state: Room, room: Room) -> None:
    """Bring each lane to where its climb starts; empty those without a proof."""
    for j in range(LANES):
        proved = (room[SEEN + j] == 1.0) & (room[UNSURE + j] == 0.0)
        state[TRIALS + j] = state[TRIALS + j] if proved else 0.0
        state[LOW + j] = room[FROM + j]
        state[HIGH + j] = room[TO + j]
        state[AT + j] = room[START + j]
