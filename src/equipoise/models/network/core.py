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
from equipoise.core.order import all_natural, natural
from equipoise.core.table import counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats, Ints
from equipoise.num.linalg import cholesky

#: From this many treatments on, LAPACK's own inverse is worth its import.
_LARGE = 100


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
class Estimates:
    """Effects of all treatments with their covariances.

    Attributes
    ----------
    tau2
        The variance between trials that they were estimated with.
    theta
        Effects of the treatments against the first, shape (n,).
    G
        Covariance of `theta`; row and column of the first treatment are 0. Shape (n, n).
    """

    tau2: float
    theta: Floats
    G: Floats

    def variance(self) -> Floats:
        """Variances of all differences, shape (n, n)."""
        d = np.diag(self.G)
        return np.asarray(d[:, None] + d[None, :] - 2.0 * self.G, dtype=np.float64)

    def difference(self) -> Floats:
        """All differences, row minus column, shape (n, n)."""
        return np.asarray(self.theta[:, None] - self.theta[None, :], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Solution(Estimates):
    """The least squares solution at one value of tau².

    Attributes
    ----------
    q
        Weighted sum of squared residuals.
    logdet
        Log-determinant of the reduced Laplacian.
    """

    q: float
    logdet: float


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
    by_rows: dict[int, list[list[int]]] = {}
    for rows in _joined(es):
        by_rows.setdefault(len(rows), []).append(rows)
    several = [np.array(by_rows[m], dtype=np.intp) for m in sorted(by_rows)]
    groups += [_stars(es, rows, one, two, trial) for rows in several]
    return Net(names, trials, tuple(groups))


def _sorted_names(es: Contrasts) -> tuple[str, ...]:
    return tuple(sorted({*es.treat1, *es.treat2}, key=natural))


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


def _stars(es: Contrasts, rows: Ints, one: Ints, two: Ints, trial: Ints) -> Group:
    """Trials of several arms as differences from one base arm each; `rows` has one trial a row."""
    b, m = rows.shape
    order = np.empty((b, m + 1), dtype=np.intp)
    D = np.zeros((b, m, m + 1))
    for k, (first, second) in enumerate(zip(one[rows].tolist(), two[rows].tolist(), strict=True)):
        arms = list(dict.fromkeys(a for pair in zip(second, first, strict=True) for a in pair))
        if len(arms) != m + 1:
            raise InputError(
                f"{counted(m, 'comparison')} of {counted(len(arms), 'arm')} with covariances",
                where=f"study {es.study[rows[k, 0]]}",
                hint="one comparison less than there are arms, or all of them with contrasts()",
            )
        base = max(arms, key=second.count)
        arms.remove(base)
        order[k] = [base, *arms]
        place = {a: i for i, a in enumerate(order[k].tolist())}
        for i, (a, c) in enumerate(zip(first, second, strict=True)):
            D[k, i, place[a]] += 1.0
            D[k, i, place[c]] -= 1.0
    inner = D[:, :, 1:]
    circles = np.flatnonzero(np.abs(np.linalg.det(inner)) < 0.5)
    if circles.size:
        where = f"study {es.study[rows[circles[0], 0]]}"
        raise InputError("comparisons that go round in a circle", where=where, hint="contrasts()")
    T = np.linalg.inv(inner)
    V = T @ _covariances(es, rows) @ np.swapaxes(T, 1, 2)
    V = 0.5 * (V + np.swapaxes(V, 1, 2))
    for k in np.flatnonzero(np.linalg.eigvalsh(V)[:, 0] <= 0.0).tolist():
        try:
            cholesky(V[k])
        except InputError as error:
            where = f"study {es.study[rows[k, 0]]}"
            raise InputError(error.what, where=where, hint=error.hint) from None
    y = np.einsum("bij,bj->bi", T, es.yi[rows])
    return Group(order, y, V, 0.5 * (np.eye(m) + np.ones((m, m))), trial[rows[:, 0]])


def _covariances(es: Contrasts, rows: Ints) -> Floats:
    """The covariance matrices of the trials of `rows`, shape (b, m, m)."""
    b, m = rows.shape
    V = np.zeros((b, m, m))
    V[:, np.arange(m), np.arange(m)] = es.vi[rows]
    block = np.full(len(es), -1, dtype=np.intp)
    place = np.zeros(len(es), dtype=np.intp)
    block[rows] = np.arange(b)[:, None]
    place[rows] = np.arange(m)
    here = block[es.cov_i] >= 0
    i, j = es.cov_i[here], es.cov_j[here]
    V[block[i], place[i], place[j]] = es.cov[here]
    V[block[i], place[j], place[i]] = es.cov[here]
    return V


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
    for g, W in zip(net.groups, weights, strict=True):
        Wy = np.einsum("bij,bj->bi", W, g.y)
        into = np.concatenate([-Wy.sum(axis=1)[:, None], Wy], axis=1)
        pull += np.bincount(g.arms.ravel(), weights=into.ravel(), minlength=n)
    G = np.zeros((n, n))
    G[1:, 1:], logdet = _inverse(L[1:, 1:])
    theta = G @ pull
    q = 0.0
    for e, W in zip(residuals(net, theta), weights, strict=True):
        q += float(np.einsum("bi,bij,bj->", e, W, e))
    return Solution(tau2, theta, G, q, logdet)


def _inverse(L: Floats) -> tuple[Floats, float]:
    """The inverse of a positive definite matrix, symmetric, and its log-determinant."""
    if len(L) < _LARGE:
        low = cholesky(L)
        half = np.linalg.solve(low, np.eye(len(L)))
        return half.T @ half, 2.0 * float(np.log(np.diag(low)).sum())
    from scipy.linalg import lapack

    upper, info = lapack.dpotrf(L, lower=0)
    if info:
        cholesky(L)
    logdet = 2.0 * float(np.log(np.diag(upper)).sum())
    half, _ = lapack.dpotri(upper, lower=0, overwrite_c=1)
    # The other triangle holds zeros.
    whole = half + half.T
    np.fill_diagonal(whole, np.diag(half))
    return whole, logdet


def residuals(net: Net, theta: Floats) -> list[Floats]:
    """Differences minus what the network says, by group, shape (b, m - 1)."""
    return [g.y - (theta[g.arms[:, 1:]] - theta[g.arms[:, :1]]) for g in net.groups]


def gathered(net: Net, parts: Sequence[Floats], G: Floats) -> float:
    """The trace of `G` times the sum of the blocks' forms, which only needs `G` at the trials."""
    total = 0.0
    for g, full in zip(net.groups, parts, strict=True):
        total += float((full * G[g.arms[:, :, None], g.arms[:, None, :]]).sum())
    return total


def frozen(matrix: Floats) -> Floats:
    """A read-only copy, of the same shape."""
    out = np.array(matrix, dtype=np.float64)
    out.setflags(write=False)
    return out


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
        out.append(tuple(sorted(found, key=natural)))
    return sorted(out, key=lambda part: (-len(part), all_natural(part)))


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
