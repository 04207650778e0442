"""The arithmetic of a network: trials as blocks, their Laplacian, and tau² over all of them.

A network of n treatments is held as blocks, one for each set of people that was compared, grouped
by their number of arms, so that every sum over trials is a sum over arrays. Effects are potentials:
the weighted least squares solution is that of an electrical network (Rücker 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import InputError
from equipoise.core.result import Note
from equipoise.core.table import significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats, Ints
from equipoise.models.correlated import shared_effects, tau2_of
from equipoise.num.linalg import cholesky
from equipoise.num.solve import root

#: Up to this many contrasts, the likelihood of tau² is searched with proof of the global optimum.
CERTIFIED_UP_TO = 400


@dataclass(frozen=True, slots=True)
class Group:
    """All blocks with the same number of arms m.

    Attributes
    ----------
    arms
        Treatments by number, the base arm first, shape (b, m).
    y
        Differences from the base arm, shape (b, m - 1).
    V
        Their covariance within the trials, shape (b, m - 1, m - 1).
    R
        Correlations of random effects: 1 and ½, shape (m - 1, m - 1).
    trial
        Number of the trial of each block, shape (b,).
    """

    arms: Ints
    y: Floats
    V: Floats
    R: Floats
    trial: Ints

    @property
    def size(self) -> int:
        """Number of arms."""
        return int(self.arms.shape[1])

    def weights(self, tau2: float) -> Floats:
        """Inverse covariances with tau² added, shape (b, m - 1, m - 1)."""
        total = self.V + tau2 * self.R
        if self.size == 2:
            return 1.0 / total
        return np.asarray(np.linalg.inv(total), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Net:
    """A network as blocks.

    Attributes
    ----------
    treatments, trials
        Names by number.
    groups
        The blocks by their number of arms.
    """

    treatments: tuple[str, ...]
    trials: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def n(self) -> int:
        """Number of treatments."""
        return len(self.treatments)

    @property
    def rows(self) -> int:
        """Number of independent contrasts."""
        return sum(g.y.size for g in self.groups)

    @property
    def df(self) -> int:
        """Degrees of freedom of Q."""
        return self.rows - (self.n - 1)


@dataclass(frozen=True, slots=True)
class Solution:
    """The least squares solution at one value of tau².

    Attributes
    ----------
    tau2
        The value.
    theta
        Effects of the treatments against the first, shape (n,).
    G
        Covariance of `theta`; row and column of the first treatment are 0. Shape (n, n).
    q
        Weighted sum of squared residuals.
    logdet
        Log-determinant of the reduced Laplacian.
    """

    tau2: float
    theta: Floats
    G: Floats
    q: float
    logdet: float

    def variance(self) -> Floats:
        """Variances of all differences, shape (n, n)."""
        d = np.diag(self.G)
        return np.asarray(d[:, None] + d[None, :] - 2.0 * self.G, dtype=np.float64)

    def difference(self) -> Floats:
        """All differences, row minus column, shape (n, n)."""
        return np.asarray(self.theta[:, None] - self.theta[None, :], dtype=np.float64)


def make_net(es: Contrasts, treatments: Sequence[str] | None = None) -> Net:
    """Turn contrasts into blocks.

    Parameters
    ----------
    es
        Contrasts with the covariances of those that share a group.
    treatments
        Names in the order wanted; sorted when not given.

    Raises
    ------
    InputError
        When a contrast names no treatment, compares a treatment with itself, when contrasts of a
        trial go round in a circle, or when their covariances are impossible.
    """
    names = tuple(treatments) if treatments is not None else _sorted_names(es)
    number = {name: i for i, name in enumerate(names)}
    one = np.array([number[t] for t in es.treat1], dtype=np.intp)
    two = np.array([number[t] for t in es.treat2], dtype=np.intp)
    trials = tuple(dict.fromkeys(es.study))
    trial_no = {name: i for i, name in enumerate(trials)}
    shared = set(es.cov_i.tolist()) | set(es.cov_j.tolist())
    alone = np.array([i for i in range(len(es)) if i not in shared], dtype=np.intp)
    trial = np.array([trial_no[s] for s in es.study], dtype=np.intp)
    groups = []
    if alone.size:
        groups.append(
            Group(
                arms=np.column_stack([two[alone], one[alone]]),
                y=es.yi[alone][:, None],
                V=es.vi[alone][:, None, None],
                R=np.ones((1, 1)),
                trial=trial[alone],
            )
        )
    by_size: dict[int, list[tuple[Ints, Floats, Floats, int]]] = {}
    for rows in _joined(es):
        arms, y, V = _star(es, rows, one, two)
        by_size.setdefault(len(arms), []).append((arms, y, V, int(trial[rows[0]])))
    for size in sorted(by_size):
        blocks = by_size[size]
        m = size - 1
        groups.append(
            Group(
                arms=np.array([b[0] for b in blocks], dtype=np.intp),
                y=np.array([b[1] for b in blocks]),
                V=np.array([b[2] for b in blocks]),
                R=0.5 * (np.eye(m) + np.ones((m, m))),
                trial=np.array([b[3] for b in blocks], dtype=np.intp),
            )
        )
    return Net(names, trials, tuple(groups))


def _sorted_names(es: Contrasts) -> tuple[str, ...]:
    return tuple(sorted({*es.treat1, *es.treat2}))


def _joined(es: Contrasts) -> list[list[int]]:
    """Rows that covary with each other, as lists."""
    parent: dict[int, int] = {}

    def top(i: int) -> int:
        while parent.setdefault(i, i) != i:
            i = parent[i]
        return i

    for i, j in zip(es.cov_i.tolist(), es.cov_j.tolist(), strict=True):
        parent[top(i)] = top(j)
    out: dict[int, list[int]] = {}
    for i in sorted(parent):
        out.setdefault(top(i), []).append(i)
    return list(out.values())


def _star(es: Contrasts, rows: list[int], one: Ints, two: Ints) -> tuple[Ints, Floats, Floats]:
    """The rows of one trial as differences from one base arm."""
    arms = list(dict.fromkeys(int(a) for r in rows for a in (two[r], one[r])))
    counts = [sum(int(two[r]) == a for r in rows) for a in arms]
    base = arms[int(np.argmax(counts))]
    order = [base, *(a for a in arms if a != base)]
    place = {a: i for i, a in enumerate(order)}
    where = f"study {es.study[rows[0]]}"
    if len(rows) != len(arms) - 1:
        raise InputError(
            f"{len(rows)} comparisons of {len(arms)} arms with covariances",
            where=where,
            hint="one comparison less than there are arms, or all of them with contrasts()",
        )
    D = np.zeros((len(rows), len(order)))
    for i, r in enumerate(rows):
        D[i, place[int(one[r])]] += 1.0
        D[i, place[int(two[r])]] -= 1.0
    inner = D[:, 1:]
    sub = es.take(rows)
    if abs(float(np.linalg.det(inner))) < 0.5:
        raise InputError("comparisons that go round in a circle", where=where, hint="contrasts()")
    T = np.linalg.inv(inner)
    V = T @ sub.V() @ T.T
    V = 0.5 * (V + V.T)
    try:
        cholesky(V)
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from None
    return np.array(order, dtype=np.intp), T @ sub.yi, V


def laplacian(net: Net, weights: Sequence[Floats]) -> Floats:
    """Sum of the blocks' Laplacians, shape (n, n): weights of edges off the diagonal, negated."""
    n = net.n
    L = np.zeros(n * n)
    for g, W in zip(net.groups, weights, strict=True):
        full = bordered(W)
        at = (g.arms[:, :, None] * n + g.arms[:, None, :]).ravel()
        L += np.bincount(at, weights=full.ravel(), minlength=n * n)
    return L.reshape(n, n)


def bordered(W: Floats) -> Floats:
    """Weights of the differences as a form in all arms: rows and columns sum to 0."""
    b, m = W.shape[0], W.shape[1]
    full = np.empty((b, m + 1, m + 1))
    full[:, 1:, 1:] = W
    side = W.sum(axis=2)
    full[:, 0, 1:] = full[:, 1:, 0] = -side
    full[:, 0, 0] = side.sum(axis=1)
    return full


def solve(net: Net, tau2: float) -> Solution:
    """Weighted least squares at `tau2`."""
    n = net.n
    weights = [g.weights(tau2) for g in net.groups]
    L = laplacian(net, weights)
    pull = np.zeros(n)
    total = 0.0
    for g, W in zip(net.groups, weights, strict=True):
        Wy = np.einsum("bij,bj->bi", W, g.y)
        total += float((g.y * Wy).sum())
        into = np.concatenate([-Wy.sum(axis=1)[:, None], Wy], axis=1)
        pull += np.bincount(g.arms.ravel(), weights=into.ravel(), minlength=n)
    low = cholesky(L[1:, 1:])
    half = np.linalg.solve(low, np.eye(n - 1))
    G = np.zeros((n, n))
    G[1:, 1:] = half.T @ half
    theta = G @ pull
    q = 0.0
    for e, W in zip(residuals(net, theta), weights, strict=True):
        q += float(np.einsum("bi,bij,bj->", e, W, e))
    return Solution(tau2, theta, G, q, 2.0 * float(np.log(np.diag(low)).sum()))


def residuals(net: Net, theta: Floats) -> list[Floats]:
    """Differences minus what the network says, by group, shape (b, m - 1)."""
    return [g.y - (theta[g.arms[:, 1:]] - theta[g.arms[:, :1]]) for g in net.groups]


def frozen(matrix: Floats) -> Floats:
    """A read-only copy, of the same shape."""
    out = np.array(matrix, dtype=np.float64)
    out.setflags(write=False)
    return out


@dataclass(frozen=True, slots=True)
class Slope:
    """Traces at one value of tau² that moments and likelihoods are made of."""

    trace_w: float
    trace_p: float
    ypp: float
    logdet_v: float


def slope(net: Net, at: Solution) -> Slope:
    """Traces of ``W R``, of ``P R``, the form ``y'P R P y`` and ``log det(V + tau² R)``."""
    n = net.n
    trace_w, ypp, logdet = 0.0, 0.0, 0.0
    inner = np.zeros(n * n)
    for g, e in zip(net.groups, residuals(net, at.theta), strict=True):
        W = g.weights(at.tau2)
        WR = W @ g.R
        trace_w += float(np.trace(WR, axis1=1, axis2=2).sum())
        WRW = WR @ W
        ypp += float(np.einsum("bi,bij,bj->", e, WRW, e))
        logdet += float(np.linalg.slogdet(g.V + at.tau2 * g.R)[1].sum())
        full = bordered(WRW)
        places = (g.arms[:, :, None] * n + g.arms[:, None, :]).ravel()
        inner += np.bincount(places, weights=full.ravel(), minlength=n * n)
    trace_p = trace_w - float((at.G * inner.reshape(n, n)).sum())
    return Slope(trace_w, trace_p, ypp, logdet)


def estimate_tau2(net: Net, es: Contrasts, code: str) -> tuple[float, list[Note]]:
    """Estimate the one tau² of the network by ``DL``, ``REML`` or ``ML``.

    Notes
    -----
    DL is the generalised method of moments of Jackson, White & Riley 2013. Up to 400 contrasts
    the likelihoods are searched with proof of the global optimum; beyond, their derivative is
    followed over a grid of tau² from 0 to where it can only fall, and a note says so.
    """
    if net.df <= 0:
        text = (
            "There are just enough comparisons to join the treatments, so how much trials differ "
            "cannot be estimated; tau² counts as 0."
        )
        return 0.0, [Note("no-degrees-of-freedom", text)]
    if code == "DL":
        return _moments(net), []
    if net.rows <= CERTIFIED_UP_TO:
        return _certified(net, es, code)
    return _followed(net, code)


def _certified(net: Net, es: Contrasts, code: str) -> tuple[float, list[Note]]:
    number = {name: i for i, name in enumerate(net.treatments)}
    X = np.zeros((len(es), net.n))
    for row, (a, b) in enumerate(zip(es.treat1, es.treat2, strict=True)):
        X[row, number[a]] += 1.0
        X[row, number[b]] -= 1.0
    return tau2_of(code, X[:, 1:], np.asarray(es.yi), es.V(), shared_effects(es))


def _followed(net: Net, code: str) -> tuple[float, list[Note]]:
    """The likelihood's stationary points on a grid, each polished."""

    def derivative(t: float) -> float:
        at = solve(net, t)
        s = slope(net, at)
        return s.ypp - (s.trace_p if code == "REML" else s.trace_w)

    moments = _moments(net)
    typical = float(np.median(np.concatenate([g.V[:, 0, 0] for g in net.groups])))
    grid = [0.0, *(max(moments, 0.01 * typical) * f for f in (0.1, 0.5, 1.0, 2.0, 10.0))]
    signs = [derivative(t) for t in grid]
    while signs[-1] > 0.0:
        grid.append(grid[-1] * 10.0)
        signs.append(derivative(grid[-1]))
    places = [
        root(derivative, a, b, rtol=1e-10)
        for a, b, x, y in zip(grid, grid[1:], signs, signs[1:], strict=False)
        if x > 0.0 >= y
    ]
    if signs[0] <= 0.0:
        places.append(0.0)
    text = (
        f"With {net.rows} contrasts, the likelihood of tau² was followed over a grid instead of "
        "searched with proof."
    )
    notes = [Note("tau2-not-certified", text)]
    if len(places) > 1:
        shown = ", ".join(significant(t, 4) for t in sorted(places))
        notes.append(
            Note("several-optima", f"It has local maxima at {shown}; the highest is used.")
        )
    best = max(places, key=lambda t: likelihood(net, t, code))
    return best, notes


def _moments(net: Net) -> float:
    at = solve(net, 0.0)
    return max(0.0, (at.q - net.df) / slope(net, at).trace_p)


def likelihood(net: Net, tau2: float, code: str) -> float:
    """The (restricted) log-likelihood of tau², up to a constant."""
    at = solve(net, tau2)
    total = slope(net, at).logdet_v + at.q
    return -0.5 * (total + at.logdet if code == "REML" else total)


def subnetworks(es: Contrasts) -> list[tuple[str, ...]]:
    """Treatments that trials join, as sorted sets, the largest first."""
    beside: dict[str, set[str]] = {}
    for a, b in zip(es.treat1, es.treat2, strict=True):
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    left, out = set(beside), []
    while left:
        found, todo = set(), [min(left)]
        while todo:
            t = todo.pop()
            if t not in found:
                found.add(t)
                todo += beside[t] - found
        left -= found
        out.append(tuple(sorted(found)))
    return sorted(out, key=lambda part: (-len(part), part))


def pooled_direct(net: Net, tau2: float) -> tuple[Floats, Floats, Ints]:
    """Direct evidence on each pair: precision, precision times estimate, and number of trials.

    A trial of several arms counts for each of its pairs with the weight of its edge in the
    Laplacian, so that the weights of all direct comparisons make up the network's.

    Returns
    -------
    arrays, shape (n, n)
        Symmetric; the weighted estimates are antisymmetric, row minus column.
    """
    n = net.n
    weight, moment, trials = np.zeros(n * n), np.zeros(n * n), np.zeros(n * n, dtype=np.intp)
    for g in net.groups:
        full = -bordered(g.weights(tau2))
        level = np.concatenate([np.zeros((len(g.y), 1)), g.y], axis=1)
        i, j = np.nonzero(~np.eye(g.size, dtype=bool))
        at = (g.arms[:, i] * n + g.arms[:, j]).ravel()
        w = full[:, i, j].ravel()
        weight += np.bincount(at, w, n * n)
        moment += np.bincount(at, w * (level[:, i] - level[:, j]).ravel(), n * n)
        trials += np.bincount(at, minlength=n * n)
    return weight.reshape(n, n), moment.reshape(n, n), trials.reshape(n, n)
