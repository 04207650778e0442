"""What trials say directly: their comparisons as edges, and trials of one design put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from equipoise.effects.columns import Floats, Ints
from equipoise.models.network.core import Group, Net, bordered, solve


@dataclass(frozen=True, slots=True)
class Edges:
    """Every comparison that a set of people makes, with its weight in the Laplacian.

    A trial of several arms has an edge for each of its pairs. The weights are such that weighted
    least squares over all edges, as if they were independent, gives the network's estimates; the
    squared residuals of a trial's edges sum to its part of Q.

    Attributes
    ----------
    trial
        Number of the trial, shape (e,).
    one, two
        Treatments by number, ``one < two``.
    weight
        Weights, with tau² in them.
    difference
        What was seen, `one` minus `two`.
    """

    trial: Ints
    one: Ints
    two: Ints
    weight: Floats
    difference: Floats


def edges(net: Net, tau2: float) -> Edges:
    """Take the blocks of a network apart into edges, in the order of the trials."""
    parts: list[tuple[Ints, Ints, Ints, Floats, Floats]] = []
    for g in net.groups:
        full = -bordered(g.weights(tau2))
        level = np.concatenate([np.zeros((len(g.y), 1)), g.y], axis=1)
        for i, j in combinations(range(g.size), 2):
            first, second = g.arms[:, i], g.arms[:, j]
            sign = np.where(first < second, 1.0, -1.0)
            parts.append(
                (
                    g.trial,
                    np.minimum(first, second),
                    np.maximum(first, second),
                    full[:, i, j],
                    sign * (level[:, i] - level[:, j]),
                )
            )
    trial, one, two, weight, difference = (np.concatenate(c) for c in zip(*parts, strict=True))
    order = np.lexsort((two, one, trial))
    return Edges(trial[order], one[order], two[order], weight[order], difference[order])


def trial_shares(net: Net, tau2: float, comparisons: Sequence[tuple[int, int]]) -> Floats:
    """What each trial weighs in each direct comparison: rows of comparisons sum to 1."""
    place = np.full((net.n, net.n), -1, dtype=np.intp)
    for row, (i, j) in enumerate(comparisons):
        place[min(i, j), max(i, j)] = row
    e = edges(net, tau2)
    width = len(net.trials)
    at = place[e.one, e.two] * width + e.trial
    total = np.bincount(at, e.weight, len(comparisons) * width).reshape(-1, width)
    return np.asarray(total / total.sum(axis=1, keepdims=True), dtype=np.float64)


def designs_of(net: Net) -> list[Group]:
    """The blocks of each design, with their arms in one order; designs by their treatments."""
    out: dict[tuple[int, ...], Group] = {}
    for g in net.groups:
        rows: dict[tuple[int, ...], list[int]] = {}
        for b, arms in enumerate(np.sort(g.arms, axis=1).tolist()):
            rows.setdefault(tuple(arms), []).append(b)
        for design, members in rows.items():
            blocks = [_reordered(g, b, design) for b in members]
            out[design] = Group(
                arms=np.array([design] * len(members), dtype=np.intp),
                y=np.array([y for y, _ in blocks]),
                V=np.array([V for _, V in blocks]),
                R=g.R,
                trial=g.trial[members],
            )
    return [out[design] for design in sorted(out, key=lambda d: (len(d), d))]


def _reordered(g: Group, b: int, design: tuple[int, ...]) -> tuple[Floats, Floats]:
    """One block as differences from the first treatment of its design."""
    arms = g.arms[b].tolist()
    T = np.zeros((g.size - 1, g.size - 1))
    base = arms.index(design[0])
    for row, treat in enumerate(design[1:]):
        place = arms.index(treat)
        if place:
            T[row, place - 1] += 1.0
        if base:
            T[row, base - 1] -= 1.0
    return T @ g.y[b], T @ g.V[b] @ T.T


def without(net: Net, design: Group) -> list[Group]:
    """The blocks of all trials but those of one design."""
    treatments = design.arms[0]
    kept = []
    for g in net.groups:
        rest = np.ones(len(g.y), dtype=bool)
        if g.size == design.size:
            rest = (np.sort(g.arms, axis=1) != treatments).any(axis=1)
        if rest.any():
            kept.append(Group(g.arms[rest], g.y[rest], g.V[rest], g.R, g.trial[rest]))
    return kept


@dataclass(frozen=True, slots=True)
class Pieces:
    """The solution of what may be several networks.

    Attributes
    ----------
    theta
        Effects of the treatments, each piece against one of its own; NaN where no trial is left.
    piece
        The number of each treatment's piece; -1 where no trial is left.
    q, rank
        Weighted sum of squared residuals; number of effects that were estimated.
    """

    theta: Floats
    piece: Ints
    q: float
    rank: int


def pieces(groups: Sequence[Group], n: int, tau2: float = 0.0) -> Pieces:
    """Solve every connected part of a network of `n` treatments by itself."""
    label = connected_parts(groups, n)
    theta = np.full(n, np.nan)
    q, rank = 0.0, 0
    for number in range(int(label.max()) + 1 if n else 0):
        members = np.flatnonzero(label == number)
        place = np.full(n, -1, dtype=np.intp)
        place[members] = np.arange(len(members))
        part = []
        for g in groups:
            inside = label[g.arms[:, 0]] == number
            if inside.any():
                arms = place[g.arms[inside]]
                part.append(Group(arms, g.y[inside], g.V[inside], g.R, g.trial[inside]))
        names = tuple(str(i) for i in members.tolist())
        at = solve(Net(names, (), tuple(part)), tau2)
        theta[members] = at.theta
        q += at.q
        rank += len(members) - 1
    return Pieces(theta, label, q, rank)


def connected_parts(groups: Sequence[Group], n: int) -> Ints:
    """Return the number of the connected part of each treatment; -1 for those without a trial."""
    label = np.arange(n, dtype=np.intp)
    used = np.zeros(n, dtype=bool)
    pairs = [(g.arms[:, :1].repeat(g.size - 1, axis=1), g.arms[:, 1:]) for g in groups]
    for base, others in pairs:
        used[base] = True
        used[others] = True
    changed = True
    while changed:
        before = label.copy()
        for base, others in pairs:
            low = np.minimum(label[base], label[others])
            np.minimum.at(label, base, low)
            np.minimum.at(label, others, low)
        label = label[label]
        changed = bool((label != before).any())
    found = np.full(n, -1, dtype=np.intp)
    _, found[used] = np.unique(label[used], return_inverse=True)
    return found
