"""Roots in a bracket, and a maximum that is proved to be the global one.

The root finder is our own because importing SciPy's optimisers costs a large part of a second,
which every answer would pay.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from equipoise.core.errors import InputError, NotEstimableError

_EPS = 2.0**-52

#: Relative slack for rounding: a sign counts as proved only where the terms differ by more.
_SLACK = 1e-12

#: Boxes narrower than this (relative to `unit` plus their place) are not split further.
_NARROW = 1e-9

#: More boxes than this mean a function that does not have the promised form.
_MOST_BOXES = 200_000


def root(
    f: Callable[[float], float],
    low: float,
    high: float,
    *,
    rtol: float = 4 * _EPS,
    atol: float = 0.0,
    most: int = 400,
) -> float:
    """Return where `f` changes sign between `low` and `high`.

    Parameters
    ----------
    f
        A continuous function with ``f(low)`` and ``f(high)`` of opposite signs, or zero.
    low, high
        The bracket.
    rtol, atol
        The bracket is narrowed to about ``rtol * |x| + atol``.
    most
        Largest number of evaluations.

    Raises
    ------
    InputError
        When `f` has the same sign at both ends.
    NotEstimableError
        When `most` evaluations were not enough.

    Notes
    -----
    Inverse quadratic interpolation where it is safe, else bisection; the bracket never widens.

    Source: Chandrupatla TR (1997). Adv Eng Softw 28:145–149, doi:10.1016/S0965-9978(96)00051-8.
    """
    a, b = low, high
    fa, fb = f(a), f(b)
    if fa == 0.0:
        return a
    if fb == 0.0:
        return b
    if math.isnan(fa) or math.isnan(fb) or (fa < 0.0) == (fb < 0.0):
        raise InputError(f"no change of sign between {low:g} and {high:g}", hint="a wider bracket")
    # b is the newest point, a the other end of the bracket, c the point that was replaced.
    c, fc = a, fa
    step = 0.5
    for _ in range(most):
        x = a + step * (b - a)
        fx = f(x)
        if (fx < 0.0) == (fa < 0.0):
            c, fc = a, fa
        else:
            c, fc = b, fb
            b, fb = a, fa
        a, fa = x, fx
        best = a if abs(fa) < abs(fb) else b
        room = rtol * abs(best) + atol
        width = abs(b - a)
        if min(abs(fa), abs(fb)) == 0.0 or width <= max(room, 2 * _EPS * abs(best)):
            return best
        step = _next_step(a, fa, b, fb, c, fc)
        # Never closer to an end than the tolerance, so that the bracket shrinks from both sides.
        least = min(0.5, 0.5 * room / width)
        step = min(1.0 - least, max(least, step))
    raise NotEstimableError(
        f"no root to within {rtol:g} after {most} steps", where=f"between {low:g} and {high:g}"
    )


def _next_step(a: float, fa: float, b: float, fb: float, c: float, fc: float) -> float:
    """The fraction of the way from `a` to `b` at which to look next."""
    if c == b or fc in (fa, fb):
        return 0.5
    xi = (a - b) / (c - b)
    phi = (fa - fb) / (fc - fb)
    if phi * phi < xi and (1.0 - phi) * (1.0 - phi) < 1.0 - xi:
        share = fa / (fb - fa) * fc / (fb - fc)
        return share + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return 0.5


@dataclass(frozen=True, slots=True)
class Slopes:
    """A derivative split into two positive parts: ``derivative = gain - loss``.

    Attributes
    ----------
    gain, loss
        Both positive and non-increasing.
    gain_fall, loss_fall
        The speeds at which they fall (minus their derivatives), positive and non-increasing too.
    """

    gain: float
    loss: float
    gain_fall: float
    loss_fall: float

    @property
    def derivative(self) -> float:
        """The derivative itself."""
        return self.gain - self.loss


@dataclass(frozen=True, slots=True)
class Maximum:
    """The global maximum on ``[0, upper]``.

    Attributes
    ----------
    x, value
        Where it is, and the function there.
    optima
        All local maxima in ascending order, 0 among them where the function falls from 0.
    certain
        False when a box too narrow to split might hide a further pair of stationary points, at
        which the function is flat to about nine digits. The values there were compared all the
        same, so the global maximum is not in doubt beyond rounding.
    """

    x: float
    value: float
    optima: tuple[float, ...]
    certain: bool


def global_maximum(
    value: Callable[[float], float],
    slopes: Callable[[float], Slopes],
    upper: float,
    *,
    unit: float = 1.0,
) -> Maximum:
    """Find every local maximum on ``[0, upper]``, and so the global one, with proof.

    Parameters
    ----------
    value
        The function.
    slopes
        Its derivative as the difference of two positive, non-increasing parts.
    upper
        A point beyond which the function only falls.
    unit
        The natural length near 0 (such as the smallest variance); boxes have about equal widths
        on the scale of ``log(unit + x)``.

    Notes
    -----
    Branch and bound. As both parts fall, the derivative on ``[a, b]`` lies between
    ``gain(b) - loss(a)`` and ``gain(a) - loss(b)``: a box where these have one sign holds no
    stationary point. As the speeds fall too, the second derivative is bounded in the same way: a
    box where it has one sign holds at most one stationary point, which the derivative's signs at
    the ends decide and :func:`root` finds. Any other box is split. Rounding is allowed for by a
    relative slack of 1e-12.
    """
    if upper <= 0.0:
        return Maximum(0.0, value(0.0), (0.0,), True)
    start, end = slopes(0.0), slopes(upper)
    places: list[float] = []
    certain = True
    boxes = [(0.0, start, upper, end)]
    seen = 0
    while boxes:
        seen += 1
        if seen > _MOST_BOXES:
            raise NotEstimableError("the search for all optima did not end")
        a, at_a, b, at_b = boxes.pop()
        if _one_sign(at_b.gain, at_a.loss, at_a.gain, at_b.loss):
            continue
        if _one_sign(at_b.loss_fall, at_a.gain_fall, at_a.loss_fall, at_b.gain_fall):
            if at_a.derivative > 0.0 >= at_b.derivative:
                places.append(root(lambda t: slopes(t).derivative, a, b, atol=_EPS * unit))
            continue
        if b - a <= _NARROW * (unit + a):
            certain = False
            if at_a.derivative > 0.0 >= at_b.derivative:
                places.append(b)
            continue
        middle = math.sqrt((unit + a) * (unit + b)) - unit
        if not a < middle < b:
            middle = 0.5 * (a + b)
        at_middle = slopes(middle)
        boxes += [(middle, at_middle, b, at_b), (a, at_a, middle, at_middle)]
    if start.derivative <= 0.0:
        places.append(0.0)
    if not places:  # it still rises at `upper`, to within rounding
        places.append(upper)
    optima = tuple(sorted(set(places)))
    best = max(optima, key=lambda t: (value(t), -t))
    return Maximum(best, value(best), optima, certain)


def _one_sign(low_plus: float, low_minus: float, high_plus: float, high_minus: float) -> bool:
    """Whether ``plus - minus``, between these bounds, has one sign beyond rounding."""
    rises = low_plus * (1.0 - _SLACK) > low_minus * (1.0 + _SLACK)
    falls = high_plus * (1.0 + _SLACK) < high_minus * (1.0 - _SLACK)
    return rises or falls
