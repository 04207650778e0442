"""tau² over a whole network: moments, and likelihoods searched with proof whatever their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from equipoise.core.errors import InputError
from equipoise.core.result import Note
from equipoise.core.table import significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import MOST, Floats
from equipoise.models.correlated import shared_effects, tau2_of
from equipoise.models.network.core import Net, Solution, bordered, gathered, residuals, solve

#: Up to this many contrasts, the likelihood is taken apart into independent ones instead.
DENSE_UP_TO = 400

#: Relative slack for rounding: a sign counts as proved only where the terms differ by more.
_SLACK = 1e-10

#: Boxes are split until their ends have at most this ratio; then speeds are compared.
_WIDE = 1.5

#: So many solutions are kept for a second look.
_KEPT = 12

#: More points than this are not looked at.
_MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Slope:
    """Traces at one value of tau² that moments and likelihoods are made of."""

    trace_w: float
    trace_p: float
    ypp: float
    logdet_v: float


def slope(net: Net, at: Solution) -> Slope:
    """Traces of ``W R``, of ``P R``, the form ``y'P R P y`` and ``log det(V + tau² R)``."""
    trace_w, ypp, logdet = 0.0, 0.0, 0.0
    parts = []
    for g, e in zip(net.groups, residuals(net, at.theta), strict=True):
        W = g.weights(at.tau2)
        WR = W if g.size == 2 else W @ g.R
        trace_w += float(np.trace(WR, axis1=1, axis2=2).sum())
        WRW = W * W if g.size == 2 else WR @ W
        ypp += float(np.einsum("bi,bij,bj->", e, WRW, e))
        if g.size == 2:
            logdet -= float(np.log(W).sum())
        else:
            logdet += float(np.linalg.slogdet(g.V + at.tau2 * g.R)[1].sum())
        parts.append(bordered(WRW))
    trace_p = trace_w - gathered(net, parts, at.G)
    return Slope(trace_w, trace_p, ypp, logdet)


def check_given_tau2(tau2: float) -> None:
    """Refuse a number that cannot be a variance between trials.

    Raises
    ------
    InputError
        On a negative one, and on one that no computer can square.
    """
    if not 0.0 <= tau2 <= MOST:
        raise InputError(
            f"a tau² of {tau2:g}",
            where="argument tau2",
            hint="a number of at least 0 and near the squares of the effects, or 'REML'",
        )


def estimate_tau2(net: Net, es: Contrasts, code: str) -> tuple[float, list[Note]]:
    """Estimate the one tau² of the network by ``DL``, ``REML`` or ``ML``.

    Notes
    -----
    DL is the generalised method of moments of Jackson, White & Riley 2013. The likelihoods are
    searched with proof of the global optimum: up to 400 contrasts by taking them apart into
    independent ones, beyond by :func:`searched`.
    """
    if net.df <= 0:
        text = (
            "There are just enough comparisons to join the treatments, so how much trials differ "
            "cannot be estimated; tau² counts as 0."
        )
        return 0.0, [Note("no-degrees-of-freedom", text)]
    if code == "DL":
        return moments(net), []
    if net.rows <= DENSE_UP_TO:
        return dense(net, es, code)
    return searched(net, code)


def moments(net: Net) -> float:
    """tau² by the generalised method of moments."""
    at = solve(net, 0.0)
    return max(0.0, (at.q - net.df) / slope(net, at).trace_p)


def dense(net: Net, es: Contrasts, code: str) -> tuple[float, list[Note]]:
    """The global optimum of a likelihood by the contrasts and their full covariance matrix."""
    number = {name: i for i, name in enumerate(net.treatments)}
    X = np.zeros((len(es), net.n))
    for row, (a, b) in enumerate(zip(es.treat1, es.treat2, strict=True)):
        X[row, number[a]] += 1.0
        X[row, number[b]] -= 1.0
    return tau2_of(code, X[:, 1:], np.asarray(es.yi), es.V(), shared_effects(es))


def likelihood(net: Net, tau2: float, code: str) -> float:
    """The (restricted) log-likelihood of tau², up to a constant."""
    at = solve(net, tau2)
    total = slope(net, at).logdet_v + at.q
    return -0.5 * (total + at.logdet if code == "REML" else total)


@dataclass(frozen=True, slots=True)
class Extra:
    """One more effect beside those of the treatments, projected at one value of tau².

    Attributes
    ----------
    theta
        The part of its column that the treatments' effects can take over, as such effects.
    u
        ``P z`` by group, z its column.
    zpz, effect
        Its precision ``z'P z`` and its estimate ``z'P y / z'P z``.
    """

    theta: Floats
    u: tuple[Floats, ...]
    zpz: float
    effect: float


def projected(net: Net, at: Solution, column: Sequence[Floats]) -> Extra:
    """Project one more column, given by group as differences from the base arm."""
    theta, u = _project(net, at, column)
    zpz = math.fsum(float((z * p).sum()) for z, p in zip(column, u, strict=True))
    zpy = math.fsum(float((g.y * p).sum()) for g, p in zip(net.groups, u, strict=True))
    return Extra(theta, u, zpz, zpy / zpz if zpz > 0.0 else math.nan)


def _project(net: Net, at: Solution, column: Sequence[Floats]) -> tuple[Floats, tuple[Floats, ...]]:
    """The effects that fit a column of data best, and ``P`` times it."""
    weights = [g.weights(at.tau2) for g in net.groups]
    pull = np.zeros(net.n)
    for g, W, z in zip(net.groups, weights, column, strict=True):
        Wz = np.einsum("bij,bj->bi", W, z)
        into = np.concatenate([-Wz.sum(axis=1)[:, None], Wz], axis=1)
        pull += np.bincount(g.arms.ravel(), weights=into.ravel(), minlength=net.n)
    theta = at.G @ pull
    rests = [
        z - (theta[g.arms[:, 1:]] - theta[g.arms[:, :1]])
        for g, z in zip(net.groups, column, strict=True)
    ]
    return theta, tuple(np.einsum("bij,bj->bi", W, e) for W, e in zip(weights, rests, strict=True))


def _form(net: Net, left: Sequence[Floats], right: Sequence[Floats]) -> float:
    """``left' R right``, both by group."""
    parts = zip(net.groups, left, right, strict=True)
    return math.fsum(float(np.einsum("bi,ij,bj->", a, g.R, b)) for g, a, b in parts)


@dataclass(frozen=True, slots=True)
class _Point:
    """Twice the derivative of a likelihood, as a difference of two falling parts."""

    gain: float
    loss: float
    q: float
    value: float

    @property
    def derivative(self) -> float:
        return self.gain - self.loss


class _Search:
    """A likelihood of tau² by its values at points, each computed once."""

    def __init__(self, net: Net, code: str, column: Sequence[Floats] | None = None) -> None:
        self._net = net
        self._column = column
        self._df = net.df - (column is not None)
        self._reml = code == "REML"
        self._points: dict[float, _Point] = {}
        self._falls: dict[float, tuple[float, float]] = {}
        self._last: dict[float, Solution] = {}
        self.proved = True

    def at(self, t: float) -> _Point:
        """The two parts of the derivative at `t`."""
        if t not in self._points:
            at = self._solved(t)
            self._points[t] = self._point(at, slope(self._net, at))
        return self._points[t]

    def falls(self, t: float) -> tuple[float, float]:
        """The speeds at which the two parts fall at `t`."""
        if t not in self._falls:
            at = self._last[t] if t in self._last else self._solved(t)
            net = self._net
            r = self._residual(at)[0]
            Rr = [p @ g.R for g, p in zip(net.groups, r, strict=True)]
            _, PRr = _project(net, at, Rr)
            gain = math.fsum(float((a * b).sum()) for a, b in zip(Rr, PRr, strict=True))
            loss = _trace_of_square(net, at, self._reml)
            if self._column is not None:
                extra = projected(net, at, self._column)
                gain -= (
                    math.fsum(float((a * b).sum()) for a, b in zip(Rr, extra.u, strict=True)) ** 2
                    / extra.zpz
                )
                if self._reml:
                    Ru = [p @ g.R for g, p in zip(net.groups, extra.u, strict=True)]
                    _, PRu = _project(net, at, Ru)
                    within = math.fsum(float((a * b).sum()) for a, b in zip(Ru, PRu, strict=True))
                    loss += (_form(net, extra.u, extra.u) / extra.zpz) ** 2
                    loss -= 2.0 * within / extra.zpz
            self._falls[t] = 2.0 * gain, loss
        return self._falls[t]

    def _residual(self, at: Solution) -> tuple[list[Floats], Extra | None]:
        """``P y`` by group, with the extra column projected away where there is one."""
        net = self._net
        r = [
            np.einsum("bij,bj->bi", g.weights(at.tau2), e)
            for g, e in zip(net.groups, residuals(net, at.theta), strict=True)
        ]
        if self._column is None:
            return r, None
        extra = projected(net, at, self._column)
        return [a - extra.effect * b for a, b in zip(r, extra.u, strict=True)], extra

    def _solved(self, t: float) -> Solution:
        """Solve at `t`, and keep the last few solutions."""
        at = self._last[t] = solve(self._net, t)
        if len(self._last) > _KEPT:
            del self._last[next(iter(self._last))]
        return at

    def start(self) -> float:
        """tau² by moments: where to look first."""
        at = self._solved(0.0)
        s = slope(self._net, at)
        self._points[0.0] = self._point(at, s)
        trace = s.trace_p
        if self._column is not None:
            extra = projected(self._net, at, self._column)
            trace -= _form(self._net, extra.u, extra.u) / extra.zpz
        return max(0.0, (self._points[0.0].q - self._df) / trace)

    def _point(self, at: Solution, s: Slope) -> _Point:
        gain, q, trace_p, logdet = s.ypp, at.q, s.trace_p, at.logdet
        if self._column is not None:
            r, extra = self._residual(at)
            assert extra is not None
            gain = _form(self._net, r, r)
            q -= extra.effect**2 * extra.zpz
            trace_p -= _form(self._net, extra.u, extra.u) / extra.zpz
            logdet += math.log(extra.zpz)
        loss = trace_p if self._reml else s.trace_w
        return _Point(gain, loss, q, -0.5 * (s.logdet_v + q + (logdet if self._reml else 0.0)))

    def one_sign(self, a: float, b: float) -> bool:
        """Whether the derivative between `a` and `b` provably has one sign."""
        left, right = self.at(a), self.at(b)
        return _apart(right.gain, left.loss) or _apart(right.loss, left.gain)

    def bent_one_way(self, a: float, b: float) -> bool:
        """Whether the derivative provably rises or falls all the way, so crosses 0 at most once."""
        (gain_a, loss_a), (gain_b, loss_b) = self.falls(a), self.falls(b)
        return _apart(gain_b, loss_a) or _apart(loss_b, gain_a)

    def many(self) -> bool:
        """Whether so many points were looked at that the search should end."""
        return len(self._points) > _MOST_POINTS


def _apart(least: float, most: float) -> bool:
    return least * (1.0 - _SLACK) > most * (1.0 + _SLACK)


def searched(
    net: Net, code: str, column: Sequence[Floats] | None = None
) -> tuple[float, list[Note]]:
    """The global optimum of a likelihood, from few values of its derivative.

    Parameters
    ----------
    net
        The network.
    code
        ``REML``, ``ML``, or ``DL`` for the moments.
    column
        One more effect beside those of the treatments: its column by group, as differences from
        the base arm.

    Notes
    -----
    With P the projection of the network, the derivative is ``y'P R P y - tr(P R)`` (``tr(W R)``
    for ML). Both parts fall as tau² grows, and so do their speeds: between two points, the values
    there bound the derivative, and the speeds there how it bends. A stretch where the derivative
    has one sign holds no optimum; one where it bends one way holds at most one, which its signs at
    the ends decide. All other stretches are split. Beyond a point where
    ``y'P y <= tau² tr(P R)`` the likelihood only falls.
    """
    search = _Search(net, code, column)
    first = search.start()
    if code == "DL":
        return first, []
    unit = float(np.median(np.concatenate([g.V[:, 0, 0] for g in net.groups])))
    first = max(first, 1e-3 * unit)
    upper = first
    while search.at(upper).q > upper * search.at(upper).loss or search.at(upper).derivative > 0.0:
        upper *= 2.0
    here = math.nan
    if search.at(0.0).derivative > 0.0:
        here = _root(search, 0.0, upper, first, unit)
    places = _optima(search, upper, here, unit)
    if search.at(0.0).derivative <= 0.0:
        places.append(0.0)
    elif not places:
        places.append(here)
    best = max(places, key=lambda t: (search.at(t).value, -t))
    return best, _notes(search, places)


def _optima(search: _Search, upper: float, here: float, unit: float) -> list[float]:
    """Every local maximum above 0 and up to `upper`; one of them is known already."""
    ends = [0.0, *(t for t in (here / 1.2, here * 1.2) if t < upper), upper]
    boxes = list(pairwise(ends))
    places: list[float] = []
    while boxes and not search.many():
        a, b = boxes.pop()
        if search.one_sign(a, b):
            continue
        crosses = search.at(a).derivative > 0.0 >= search.at(b).derivative
        if (unit + b) <= _WIDE * (unit + a) and search.bent_one_way(a, b):
            if crosses:
                places.append(here if a < here < b else _root(search, a, b, a, unit))
            continue
        if b - a <= 1e-8 * (unit + a):
            search.proved = False
            if crosses:
                places.append(b)
            continue
        middle = math.sqrt((unit + a) * (unit + b)) - unit
        boxes += [(a, middle), (middle, b)]
    search.proved &= not boxes
    return places


def _notes(search: _Search, places: list[float]) -> list[Note]:
    notes = []
    if not search.proved:
        text = "The likelihood of tau² was followed, and not proved to have no higher optimum."
        notes.append(Note("tau2-not-certified", text))
    if len(places) > 1:
        shown = ", ".join(significant(t, 4) for t in sorted(places))
        text = f"The likelihood of tau² has local maxima at {shown}; the highest is used."
        notes.append(Note("several-optima", text))
    return notes


def _root(search: _Search, a: float, b: float, first: float, unit: float) -> float:
    """Where the derivative turns negative between `a` and `b`: secants of its log-ratio."""
    if a < first < b:
        a, b = (first, b) if search.at(first).derivative > 0.0 else (a, first)

    low, high = math.log1p(a / unit), math.log1p(b / unit)
    at_low, at_high = _log(search.at(a)), _log(search.at(b))
    x, fx, old, f_old = low, at_low, high, at_high
    for _ in range(_MOST_POINTS):
        step = -fx * (x - old) / (fx - f_old) if math.isfinite(fx - f_old) and fx != f_old else 0.0
        new = x + step
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - x) <= 1e-11 * max(new, x) or new in (low, high):
            break
        old, f_old, x, fx = x, fx, new, _log(search.at(_back(new, unit)))
        if fx == 0.0:
            break
        low, high = (x, high) if fx > 0.0 else (low, x)
    return _back(x, unit)


def _log(point: _Point) -> float:
    return math.log(point.gain / point.loss) if point.gain > 0.0 else -math.inf


def _back(x: float, unit: float) -> float:
    return unit * math.expm1(x)


def _trace_of_square(net: Net, at: Solution, reml: bool) -> float:
    """``tr(P R P R)``, or ``tr(W R W R)`` for ML."""
    trace = 0.0
    inner, outer = [], []
    for g in net.groups:
        W = g.weights(at.tau2)
        WR = W @ g.R
        trace += float(np.einsum("bij,bji->", WR, WR))
        inner.append(bordered(WR @ W))
        outer.append(bordered(WR @ WR @ W))
    if reml:
        GM: Floats = at.G @ _summed(net, inner)
        trace += float((GM * GM.T).sum()) - 2.0 * gathered(net, outer, at.G)
    return trace


def _summed(net: Net, parts: list[Floats]) -> Floats:
    n = net.n
    total = np.zeros(n * n)
    for g, full in zip(net.groups, parts, strict=True):
        at = (g.arms[:, :, None] * n + g.arms[:, None, :]).ravel()
        total += np.bincount(at, weights=full.ravel(), minlength=n * n)
    return total.reshape(n, n)
