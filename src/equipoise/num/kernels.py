"""The loops of one meta-analysis, as plain Python over floats and sequences of floats.

The same source runs in three ways: interpreted, which for a few dozen trials is the fastest thing
that a single fit can do; compiled by Numba (:mod:`equipoise.num.compiled`); and, for many trials,
with the two functions that loop over trials, :func:`slopes` and :func:`profile`, exchanged for
vectorised ones (:mod:`equipoise.num.spread`). So it uses nothing that one of the three lacks.

Every function takes estimates `y` and variances `v` of `n` trials in a form in which no sum
cancels: the trial of the smallest variance comes first and its estimate is 0, the others are
measured from it. `t` is tau². A trial with a variance of infinity counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import TypeAlias

Values: TypeAlias = Sequence[float]
Room: TypeAlias = MutableSequence[float]
Point: TypeAlias = tuple[float, float, float, float, float]

_EPS = 2.0**-52

#: Relative slack for rounding: a sign counts as proved only where the terms differ by more.
SLACK = 1e-12

#: Stretches narrower than this are not split further, relative to their place plus the smallest
#: variance.
NARROW = 1e-9

#: Numbers that one end of a box takes in the room for boxes, and how many ends there is room for.
END = 5
ENDS = 96

#: Optima that there is room for.
PLACES = 64

#: More boxes than this, and the rest counts as too narrow to split.
MOST_BOXES = 200_000

#: The likelihoods, and the other estimators of tau².
COMMON, REML, ML, DL, PM = 0, 1, 2, 3, 4

#: What may be proved of a stretch.
OPEN, RISES, NONE = 0, 1, 2


def slopes(
    y: Values, v: Values, n: int, t: float, ml: bool, w: Room
) -> tuple[float, float, float, float, float, float, float]:
    """Sums over weights ``1 / (v + t)`` in two passes; `w` is room for the weights.

    Returns
    -------
    total, mean, q, gain, loss, gain_fall, loss_fall
        The sum of the weights; the weighted mean; the weighted sum of squares about it, ``y'Py``;
        and twice the derivative of the likelihood, ``gain - loss``, with the speeds at which its
        parts fall: ``y'PPy``, ``tr P``, ``2 y'PPPy``, ``tr PP`` for the restricted likelihood,
        and ``tr W``, ``tr WW`` in place of the traces for the full one (`ml`).
    """
    first = 1.0 / (v[0] + t)
    rest = squares = cubes = moment = 0.0
    for i in range(1, n):
        x = 1.0 / (v[i] + t)
        xx = x * x
        w[i] = x
        rest += x
        squares += xx
        cubes += xx * x
        moment += x * y[i]
    total = first + rest
    mean = moment / total
    at_first = -first * mean
    q = -at_first * mean
    gain = at_first * at_first
    once = twice = 0.0
    for i in range(1, n):
        x = w[i]
        away = y[i] - mean
        r = x * away
        q += r * away
        gain += r * r
        # The weighted spread of r about its weighted mean, measured from its first value.
        s = r - at_first
        xs = x * s
        once += xs
        twice += xs * s
    gain_fall = 2.0 * (twice - once * once / total)
    if ml:
        return total, mean, q, gain, total, gain_fall, first * first + squares
    # P_ii = w_i (S - w_i) / S and P_ij = -w_i w_j / S. With the largest weight kept apart, what is
    # subtracted here is at most half of what it is subtracted from.
    loss = (rest * (first + total) - squares) / total
    own = first * first
    pairs = own * (rest * rest + squares) - 2.0 * total * cubes
    loss_fall = (pairs + squares * (total * total + own + squares)) / (total * total)
    return total, mean, q, gain, loss, gain_fall, loss_fall


def profile(y: Values, v: Values, n: int, t: float, w: Room) -> tuple[float, float, float, float]:
    """Return the sum of the weights, the weighted mean, ``y'Py`` and ``y'PPy``."""
    total = 1.0 / (v[0] + t)
    w[0] = total
    moment = 0.0
    for i in range(1, n):
        x = 1.0 / (v[i] + t)
        w[i] = x
        total += x
        moment += x * y[i]
    mean = moment / total
    r = -w[0] * mean
    q = -r * mean
    gain = r * r
    for i in range(1, n):
        away = y[i] - mean
        r = w[i] * away
        q += r * away
        gain += r * r
    return total, mean, q, gain


def moments(y: Values, v: Values, n: int, w: Room) -> tuple[float, float, float, float, float]:
    """Return the first five of :func:`slopes` at `t` of 0, for the restricted likelihood."""
    total, mean, q, gain = profile(y, v, n, 0.0, w)
    rest = squares = 0.0
    for i in range(1, n):
        x = w[i]
        rest += x
        squares += x * x
    return total, mean, q, gain, (rest * (w[0] + total) - squares) / total


def log_weights(v: Values, n: int, t: float) -> float:
    """Return the sum of the logarithms of ``v + t``."""
    logs = 0.0
    for i in range(n):
        if v[i] < math.inf:
            logs += math.log(v[i] + t)
    return logs


def squares_about_mean(y: Values, n: int) -> float:
    """Return the unweighted sum of squares about the unweighted mean."""
    mean = 0.0
    for i in range(n):
        mean += y[i]
    mean /= n
    total = 0.0
    for i in range(n):
        away = y[i] - mean
        total += away * away
    return total


def height(y: Values, v: Values, n: int, t: float, ml: bool, w: Room) -> float:
    """Return the log-likelihood at `t`, up to a constant."""
    total, _, q, _ = profile(y, v, n, t, w)
    value = log_weights(v, n, t) + q
    if not ml:
        value += math.log(total)
    return -0.5 * value


def solve_q(y: Values, v: Values, n: int, target: float, start: float, w: Room) -> float:
    """Return the `t` at which ``y'Py == target``; 0 where it is below it already at 0.

    Notes
    -----
    ``1 / y'Py`` is a concave, rising function of `t`: a harmonic mean of numbers ``l + t``, up to
    its factor. Newton's method on it never passes the root from the left, and from the right it
    goes to the left of it in one step; where all `l` are equal that one step is the root.
    """
    t = start
    before = 0.0
    for _ in range(200):
        _, _, q, gain = profile(y, v, n, t, w)
        if gain <= 0.0:
            return 0.0
        step = (q - target) / target * (q / gain)
        if t + step <= 0.0:
            if t == 0.0:
                return 0.0
            t = 0.0
            before = 0.0
            continue
        t += step
        size = abs(step)
        room = _EPS * (v[0] + t)
        if size <= room:
            break
        # The error after a step is about that step cubed over the one before it squared.
        if before > 0.0 and size * (size / before) ** 2 <= 2.0 * room:
            break
        if before > 0.0 and 2.0 * size >= before and size <= (512.0 + n) * room:
            break  # no more than rounding
        before = size
    return t


def middle(a: float, b: float, unit: float) -> float:
    """Return the middle of a stretch on the scale of ``log(unit + t)``."""
    t = math.sqrt((unit + a) * (unit + b)) - unit
    return t if a < t < b else 0.5 * (a + b)


def climb(
    y: Values, v: Values, n: int, ml: bool, low: float, high: float, start: float, w: Room
) -> float:
    """Return the stationary point between `low`, where the likelihood rises, and `high`.

    Notes
    -----
    Newton's method on ``loss / gain - 1``, which is a straight line where all variances are equal,
    kept within the bracket, which every step narrows.
    """
    t = start
    before = 0.0
    for _ in range(200):
        _, _, _, gain, loss, gain_fall, loss_fall = slopes(y, v, n, t, ml, w)
        if gain > loss:
            low = t
        else:
            high = t
        room = _EPS * (v[0] + t)
        if high - low <= room:
            break
        turn = gain_fall * loss - loss_fall * gain
        new = t
        if turn > 0.0:
            step = (gain - loss) * gain / turn
            new = t + step
            size = abs(step)
            if size <= 2.0 * room:
                t = min(max(new, low), high)
                break
            near = size * (size / before) ** 2 <= 2.0 * room if before > 0.0 else False
            rounding = before > 0.0 and 2.0 * size >= before and size <= (512.0 + n) * room
            if low < new < high and (near or rounding):
                t = new
                break
            before = size
        if not low < new < high:
            new = middle(low, high, v[0])
            before = 0.0
        t = new
    return t


def judge(a: Point, b: Point, slack: float) -> int:
    """What is proved of the stretch between two points.

    Returns
    -------
    int
        `RISES`: ``loss / gain`` rises, so that it passes 1 at most once, in a maximum.
        `NONE`: no maximum lies between. `OPEN`: neither is proved.

    Notes
    -----
    Both parts are sums of powers of ``1 / (l + t)``. So the speeds of their logarithms,
    ``E = gain_fall / gain`` and ``F = loss_fall / loss``, only fall, and ``2 / E`` and ``1 / F``
    rise at least as fast as `t`. The ratio rises where ``E >= F``. From b,
    ``2 / E(t) <= 2 / E(b) - (b - t)``, and from a, ``2 / F(t) >= 2 / F(a) + 2 (t - a)``; in the
    same way it is seen to fall.
    """
    t_a, gain_a, loss_a, gain_fall_a, loss_fall_a = a
    t_b, gain_b, loss_b, gain_fall_b, loss_fall_b = b
    width = t_b - t_a
    more = 1.0 + slack
    if 2.0 * gain_b * loss_fall_a * more <= gain_fall_b * (2.0 * loss_a + width * loss_fall_a):
        return RISES
    if 2.0 * loss_b * gain_fall_a * more <= loss_fall_b * (2.0 * gain_a + width * gain_fall_a):
        return NONE
    if (gain_a > loss_a) != (gain_b > loss_b):
        return OPEN
    if gain_a > loss_a:
        apart = apart_by(gain_a, gain_fall_a, loss_a, gain_b, gain_fall_b, loss_b, width, more)
    else:
        apart = apart_by(loss_a, loss_fall_a, gain_a, loss_b, loss_fall_b, gain_b, width, more)
    return NONE if apart else OPEN


def apart_by(
    more_a: float,
    fall_a: float,
    less_a: float,
    more_b: float,
    fall_b: float,
    less_b: float,
    width: float,
    slack: float,
) -> bool:
    """Whether one part, larger at both ends of a stretch, is proved to be so all the way.

    Notes
    -----
    ``gain ** -½`` is a power mean of numbers ``l + t`` and ``loss ** -½`` the root of one, up to
    factors: both are concave. So each lies above its chord, and below its tangents at both ends.
    The larger part has the lower of these curves; at the crossing of its tangents they come
    closest to the chord of the other.
    """
    low_a = 1.0 / math.sqrt(more_a)
    low_b = 1.0 / math.sqrt(more_b)
    high_a = 1.0 / math.sqrt(less_a)
    high_b = 1.0 / math.sqrt(less_b)
    if low_a * slack >= high_a or low_b * slack >= high_b:
        return False
    rise_a = 0.5 * low_a * fall_a / more_a
    rise_b = 0.5 * low_b * fall_b / more_b
    bend = rise_a - rise_b
    if bend <= 0.0:  # a straight line, to within rounding
        return True
    x = (low_b - low_a - rise_b * width) / bend
    if not 0.0 < x < width:
        return True
    return (low_a + rise_a * x) * slack < high_a + (high_b - high_a) * (x / width)


def point(y: Values, v: Values, n: int, t: float, ml: bool, w: Room) -> Point:
    """Return `t` with the two parts of the derivative there, and their speeds."""
    _, _, _, gain, loss, gain_fall, loss_fall = slopes(y, v, n, t, ml, w)
    return t, gain, loss, gain_fall, loss_fall


def between(a: Point, b: Point) -> float:
    """Return where ``loss / gain`` would be 1 if it were a straight line from a to b."""
    ratio_a = a[2] / a[1]
    ratio_b = b[2] / b[1]
    return a[0] + (b[0] - a[0]) * (1.0 - ratio_a) / (ratio_b - ratio_a)


def ahead(a: Point, top: float) -> float:
    """Return where ``loss / gain`` would be 1 if it went on from a as a straight line."""
    rise = a[3] * a[2] - a[4] * a[1]
    if rise <= 0.0:
        return top
    return min(top, a[0] + (a[1] - a[2]) * a[1] / rise)


def uphill(y: Values, v: Values, n: int, ml: bool, zero: Point, w: Room) -> float:
    """Return a local maximum, without proof that there is no other: 0 where it falls from 0."""
    top = squares_about_mean(y, n)
    if top <= 0.0 or zero[1] <= zero[2]:
        return 0.0
    return climb(y, v, n, ml, 0.0, top, ahead(zero, top), w)


def optima(
    y: Values, v: Values, n: int, ml: bool, zero: Point, w: Room, boxes: Room, places: Room
) -> tuple[int, bool]:
    """Find every local maximum of the likelihood of tau², with proof.

    Parameters
    ----------
    y, v, n, ml
        At least two trials, and which likelihood.
    zero
        The :func:`point` at 0.
    w, boxes, places
        Room for n weights, for ``END * ENDS`` numbers, and for `PLACES` optima.

    Returns
    -------
    count, certain
        How many maxima there are (in `places`, ascending); and False when a box too narrow to
        split might hide a further pair of stationary points, at which the likelihood is flat to
        about nine digits.

    Notes
    -----
    Branch and bound, from left to right. A stretch that :func:`judge` leaves open is halved on
    a logarithmic scale. Beyond ``largest variance - 2 loss / loss_fall`` at 0 the ratio
    of the two parts only rises, and beyond the unweighted sum of squares the likelihood only
    falls.
    """
    slack = SLACK + 4.0 * _EPS * n
    top = squares_about_mean(y, n)
    a = zero
    if top <= 0.0 or a[1] <= 0.0:
        places[0] = 0.0
        return 1, True
    count = 0
    if a[1] <= a[2]:
        places[0] = 0.0
        count = 1
    edge = min(top, widest(v, n) - 2.0 * a[2] / a[4])
    certain = True
    if edge > 0.0:
        b = point(y, v, n, edge, ml, w)
        depth = 0
        seen = 0
        while True:
            seen += 1
            known = judge(a, b, slack)
            if known == OPEN:
                fine = b[0] - a[0] <= NARROW * (v[0] + a[0]) or depth >= ENDS or seen > MOST_BOXES
                if not fine:
                    boxes[END * depth] = b[0]
                    boxes[END * depth + 1] = b[1]
                    boxes[END * depth + 2] = b[2]
                    boxes[END * depth + 3] = b[3]
                    boxes[END * depth + 4] = b[4]
                    depth += 1
                    b = point(y, v, n, middle(a[0], b[0], v[0]), ml, w)
                    continue
                certain = False
            if known != NONE and a[1] > a[2] and b[1] <= b[2]:
                at = b[0]
                if known == RISES:
                    at = climb(y, v, n, ml, a[0], b[0], between(a, b), w)
                places[min(count, PLACES - 1)] = at
                count += 1
            a = b
            if depth == 0:
                break
            depth -= 1
            b = (
                boxes[END * depth],
                boxes[END * depth + 1],
                boxes[END * depth + 2],
                boxes[END * depth + 3],
                boxes[END * depth + 4],
            )
    if a[1] > a[2] and a[0] < top:
        places[min(count, PLACES - 1)] = climb(y, v, n, ml, a[0], top, ahead(a, top), w)
        count += 1
    if count == 0:  # it still rises at the top, to within rounding
        places[0] = top
        count = 1
    return count, certain


def widest(v: Values, n: int) -> float:
    """Return the largest variance of a trial that counts."""
    most = v[0]
    for i in range(1, n):
        if most < v[i] < math.inf:
            most = v[i]
    return most


def highest(y: Values, v: Values, n: int, ml: bool, w: Room, places: Room, count: int) -> float:
    """Return the place of the highest of `count` maxima; the first of equal ones."""
    best = places[0]
    if count > 1:
        top = height(y, v, n, best, ml, w)
        for i in range(1, min(count, PLACES)):
            value = height(y, v, n, places[i], ml, w)
            if value > top:
                best, top = places[i], value
    return best


def gather(
    y: Values, v: Values, start: int, stop: int, ys: Room, vs: Room
) -> tuple[int, float, float]:
    """Copy the trials from `start` to `stop` into the form that the others take.

    Returns
    -------
    n, origin, scale
        The number of trials whose estimate and variance are finite, -1 where a variance is not
        above zero; the estimate of the most precise one; and the power of four by which variances
        were divided, 1 but for sizes whose fourth powers a float cannot hold.
    """
    n = 0
    at = 0
    least = math.inf
    for i in range(start, stop):
        size = v[i]
        if size <= 0.0:
            return -1, 0.0, 1.0
        if size < math.inf and -math.inf < y[i] < math.inf:
            ys[n] = y[i]
            vs[n] = size
            if size < least:
                least = size
                at = n
            n += 1
    if n == 0:
        return 0, 0.0, 1.0
    origin = ys[at]
    vs[at] = vs[0]
    ys[at] = ys[0]
    vs[0] = least
    for i in range(1, n):
        ys[i] -= origin
    ys[0] = 0.0
    if 1e-50 < least < 1e50:
        return n, origin, 1.0
    scale = 4.0 ** math.floor(math.log2(least) / 2.0)
    unit = math.sqrt(scale)
    for i in range(n):
        vs[i] /= scale
        ys[i] /= unit
    return n, origin, scale


def analyse(
    y: Values, v: Values, offsets: Sequence[int], first: int, stop: int, method: int, proof: bool,
    ys: Room, vs: Room, w: Room, boxes: Room, places: Room, k: MutableSequence[int],
    count: MutableSequence[int], estimate: Room, se: Room, spread: Room, tau2: Room, q: Room,
    trace: Room,
) -> None:  # fmt: skip
    """Fit meta-analyses `first` to before `stop`: `i` has the trials from ``offsets[i]`` on.

    Parameters
    ----------
    y, v, offsets
        Estimates and variances of all trials, and where each analysis starts, with the end.
    method, proof
        One of `COMMON`, `REML`, `ML`, `DL`, `PM`; whether all optima of a likelihood are looked
        for.
    ys, vs, w, boxes, places
        Room for the largest analysis (three times), for ``END * ENDS`` numbers and for `PLACES`.
    k, count
        Taken: trials that were used, -1 where a variance is not above zero; and how many maxima
        the likelihood has, negative where the search could not be finished, 1 for the others
        and 0 where nothing was proved.
    estimate, se, spread, tau2, q, trace
        Taken: the mean, its plain standard error, Q at tau² over ``k - 1``, tau², Q at 0, and
        ``tr P`` at 0.
    """
    for i in range(first, stop):
        n, origin, scale = gather(y, v, offsets[i], offsets[i + 1], ys, vs)
        k[i] = n
        if n < 1:
            count[i] = 0
            estimate[i] = se[i] = spread[i] = tau2[i] = q[i] = trace[i] = math.nan
            continue
        unit = math.sqrt(scale)
        count[i] = 1
        if n == 1:
            estimate[i] = origin
            se[i] = math.sqrt(vs[0]) * unit
            spread[i] = 1.0
            tau2[i] = q[i] = 0.0
            trace[i] = math.nan
            continue
        total, mean, q0, gain, loss, gain_fall, loss_fall = slopes(ys, vs, n, 0.0, method == ML, w)
        trace0 = loss
        if method == ML:
            trace0 = slopes(ys, vs, n, 0.0, False, w)[4]
        t = 0.0
        if method in (REML, ML):
            zero = (0.0, gain, loss, gain_fall, loss_fall)
            if proof:
                found, certain = optima(ys, vs, n, method == ML, zero, w, boxes, places)
                t = highest(ys, vs, n, method == ML, w, places, found)
                count[i] = found if certain else -found
            else:
                count[i] = 0
                t = uphill(ys, vs, n, method == ML, zero, w)
        elif method == DL:
            t = max(0.0, (q0 - (n - 1.0)) / trace0)
        elif method == PM and q0 > n - 1.0:
            t = solve_q(ys, vs, n, n - 1.0, max(0.0, (q0 - (n - 1.0)) / trace0), w)
        at_t = q0
        if t > 0.0:
            total, mean, at_t, _ = profile(ys, vs, n, t, w)
        estimate[i] = origin + mean * unit
        se[i] = unit / math.sqrt(total)
        spread[i] = at_t / (n - 1.0)
        tau2[i] = t * scale
        q[i] = q0
        trace[i] = trace0 / scale
