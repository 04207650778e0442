"""Mantel–Haenszel network meta-analysis: odds ratios of many treatments, nothing added to zeros."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats, Ints
from equipoise.models.network.armcounts import (
    ArmCounts,
    Pool,
    check_usable,
    listed,
    names_of,
    told_nothing,
)
from equipoise.models.network.core import Group, Net, solve

EFTHIMIOU = Method(
    "Mantel–Haenszel network meta-analysis",
    "Efthimiou, Rücker, Schwarzer, Higgins, Egger, Salanti 2019, Stat Med 38:2992",
    "10.1002/sim.8158",
)
GREENLAND = Method(
    "Mantel–Haenszel odds ratios of several groups, with their covariances",
    "Greenland 1989, Biometrics 45:183",
    "10.2307/2532044",
)


def mantel_haenszel(counts: ArmCounts, reference: str | None = None) -> Pool:
    """Pool odds ratios by Mantel and Haenszel's weights within designs, then over designs.

    Parameters
    ----------
    counts
        All arms.
    reference
        The treatment that others will be compared with, for errors.

    Notes
    -----
    Trials that compare the same treatments form a design. With events A, others B and N people in
    the arms of a trial, a design's odds ratio of x against y is ``C_xy / C_yx``,
    ``C_xy = Σ A_x B_y / N``; those of several arms are made to agree by averaging over the third
    (Greenland 1989), with the covariances that hold for few large and for many small trials. The
    designs are then pooled by weighted least squares. An arm without events in all trials of its
    design is left out of the design, and a design with one arm left out of the network.

    Source: Efthimiou et al. 2019, Stat Med 38:2992, doi:10.1002/sim.8158.
    Checked against netmeta in ``validation/values/network_rare.json``,
    ``tests/reference/test_network_rare_reference.py``.
    """
    silent = told_nothing(counts)
    some = counts.take(~silent[counts.trial])
    keep, remarks = _kept(some)
    used = some.take(keep)
    out = check_usable(counts, used, reference)
    blocks: dict[int, list[tuple[Ints, Floats, Floats]]] = {}
    names = {name: i for i, name in enumerate(used.treatments)}
    for design, trials in some.designs().items():
        rows = np.array(trials)
        stay = keep[rows[0]]
        if not stay.any():
            continue
        at = np.array(
            [names[some.treatments[t]] for t, k in zip(design, stay, strict=True) if k], np.intp
        )
        rows = rows[:, stay]
        y, V = _design(some.events[rows], some.rest[rows])
        blocks.setdefault(len(at), []).append((at, y, V))
    groups = tuple(_group(size, found) for size, found in sorted(blocks.items()))
    net = Net(used.treatments, (), groups)
    at0 = solve(net, 0.0)
    return Pool(
        used,
        at0.theta,
        at0.G,
        (EFTHIMIOU, GREENLAND),
        out,
        names_of(counts, silent),
        "say nothing",
        notes=remarks,
        designs=sum(len(found) for found in blocks.values()),
        q=at0.q,
        q_df=net.df,
    )


def _group(size: int, found: list[tuple[Ints, Floats, Floats]]) -> Group:
    m = size - 1
    return Group(
        arms=np.array([b[0] for b in found], dtype=np.intp),
        y=np.array([b[1] for b in found]),
        V=np.array([b[2] for b in found]),
        R=0.5 * (np.eye(m) + np.ones((m, m))),
        trial=np.arange(len(found), dtype=np.intp),
    )


def _kept(c: ArmCounts) -> tuple[NDArray[np.bool_], tuple[Note, ...]]:
    """The arms that their design can place, and what to say of the others."""
    keep = np.zeros(len(c), dtype=bool)
    notes = []
    for design, trials in c.designs().items():
        rows = np.array(trials)
        a, b = c.events[rows], c.rest[rows]
        stay = (a.sum(axis=0) > 0.0) & (b.sum(axis=0) > 0.0)
        C = np.einsum("ix,iy,i->xy", a, b, 1.0 / (a + b).sum(axis=1))
        finite = bool(np.all(C[np.ix_(stay, stay)] > 0.0))
        if stay.sum() > 1 and finite:
            keep[rows[:, stay]] = True
        if stay.all() and finite:
            continue
        name = " : ".join(c.treatments[t] for t in design)
        told = f"{len(trials)} trial{'s' * (len(trials) != 1)}: "
        told += listed([c.trials[c.trial[r[0]]] for r in trials])
        gone = listed([c.treatments[t] for t, k in zip(design, stay, strict=True) if not k])
        if not finite:
            text = f"The design {name} ({told}) is left out: an odds ratio within it is infinite."
        elif stay.sum() > 1:
            text = f"{gone} had no event (or nothing else) in the design {name} ({told}), and "
            text += "is left out of it."
        else:
            text = f"The design {name} ({told}) is left out: no event (or nothing else) in {gone}."
        notes.append(Note("design-without-events", text))
    return keep, tuple(notes)


def _design(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Log odds ratios of a design's arms against its first, and their covariance."""
    size = a.shape[1]
    people = (a + b).sum(axis=1)
    C = np.einsum("ix,iy,i->xy", a, b, 1.0 / people)
    psi = C / C.T
    pairs = list(combinations(range(size), 2))
    S = _covariance(a, b, people, C, psi, pairs)
    to_base = np.zeros((size - 1, len(pairs)))
    for at, (x, y) in enumerate(pairs):
        for arm, sign in ((x, 1.0), (y, -1.0)):
            if arm > 0:
                to_base[arm - 1, at] += sign / size
            else:
                to_base[:, at] -= sign / size
    logs = np.array([np.log(psi[x, y]) for x, y in pairs])
    V = to_base @ S @ to_base.T
    return to_base @ logs, 0.5 * (V + V.T)


def _covariance(
    a: Floats,
    b: Floats,
    people: Floats,
    C: Floats,
    psi: Floats,
    pairs: list[tuple[int, int]],
) -> Floats:
    """Covariances of the log odds ratios of all pairs of arms.

    Two pairs without an arm in common do not covary. Of pairs with x in common, the mean of
    ``(A_x B_y − ψ A_y B_x)(A_x B_z − ψ A_z B_x)`` is told by six products of three counts, three
    that add up with the three others to n_x times it; their means are taken.
    """

    def variance(x: int, y: int) -> float:
        one, two = a[:, x] * b[:, y], psi[x, y] * a[:, y] * b[:, x]
        both = a[:, x] + b[:, y] + psi[x, y] * (a[:, y] + b[:, x])
        return float(np.sum(0.5 * (one + two) * both / people**2) / C[x, y] ** 2)

    def shared(x: int, y: int, z: int) -> float:
        p, q = psi[x, y], psi[x, z]
        by, bz, ay, az = b[:, y], b[:, z], p * a[:, y], q * a[:, z]
        six = b[:, x] * (ay * bz + by * az + ay * az) + a[:, x] * (by * bz + ay * bz + by * az)
        return float(np.sum(six / (3.0 * people**2)) / (C[x, y] * C[x, z]))

    S = np.zeros((len(pairs), len(pairs)))
    for i, (x, y) in enumerate(pairs):
        S[i, i] = variance(x, y)
        for j, (u, v) in enumerate(pairs[:i]):
            if x == u:
                S[i, j] = shared(x, y, v)
            elif y == v:
                S[i, j] = shared(y, x, u)
            elif x == v:
                S[i, j] = -shared(x, y, u)
            elif y == u:
                S[i, j] = -shared(y, x, v)
            S[j, i] = S[i, j]
    return S
