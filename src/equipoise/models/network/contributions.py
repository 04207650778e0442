"""How much each direct comparison contributes to each estimate of a network.

An estimate of a against b is a flow of one unit from a to b through the network of direct
comparisons. It never goes round in a circle, so it is a mixture of paths; a path's share, divided
evenly among its comparisons, is what they contribute.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Result
from equipoise.core.table import Column, Table
from equipoise.effects.columns import Floats, make_frame
from equipoise.models.network.core import Estimates, Net, pooled_direct
from equipoise.models.network.direct import trial_shares

How = Literal["shortest-path", "random-walk"]

METHODS: dict[str, Method] = {
    "shortest-path": Method(
        "contributions by streams along shortest paths",
        "Papakonstantinou, Nikolakopoulou, Rücker, Chaimani, Schwarzer, Egger, Salanti 2018, "
        "F1000Res 7:610",
        "10.12688/f1000research.14770.3",
    ),
    "random-walk": Method(
        "contributions by random walks through the flow, in closed form",
        "Davies, Papakonstantinou, Nikolakopoulou, Rücker, Galla 2022, Stat Med 41:2091",
        "10.1002/sim.9346",
    ),
}

#: Flows below this are rounding.
_NOTHING = 1e-10

#: More paths than this are not listed.
MOST_PATHS = 100_000


@dataclass(frozen=True, slots=True)
class Path:
    """A path of evidence from one treatment to another, with its share of the estimate."""

    treatments: tuple[str, ...]
    share: float

    def __str__(self) -> str:
        return " – ".join(self.treatments)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Contributions(Result):
    """Shares of the direct comparisons in the estimates of a network.

    Attributes
    ----------
    method
        ``shortest-path`` or ``random-walk``.
    estimates
        The estimates, as pairs of treatments.
    comparisons
        The comparisons that trials made, as pairs of treatments.
    shares
        Shape (estimates, comparisons); each row sums to 1.
    methods
        The paper.
    """

    method: str
    estimates: tuple[tuple[str, str], ...]
    comparisons: tuple[tuple[str, str], ...]
    shares: Floats
    methods: tuple[Method, ...]

    def of(self, one: str, two: str) -> dict[tuple[str, str], float]:
        """Shares in the estimate of `one` against `two`, the largest first.

        Raises
        ------
        UnknownNameError
            When that estimate is not here.
        """
        for row, pair in enumerate(self.estimates):
            if set(pair) == {one, two}:
                shares = self.shares[row]
                order = np.argsort(-shares, kind="stable")
                return {self.comparisons[i]: float(shares[i]) for i in order if shares[i] > 0.0}
        known = [" : ".join(pair) for pair in self.estimates]
        raise UnknownNameError("estimate", f"{one} : {two}", known)

    def table(self) -> Table:
        """Percentages, one row an estimate."""
        columns = (
            Column("estimate", "estimate"),
            *(
                Column(str(i), " : ".join(pair), "percent", "right")
                for i, pair in enumerate(self.comparisons)
            ),
        )
        rows = tuple(
            (" : ".join(pair), *(100.0 * s if s > 0.0 else None for s in shares.tolist()))
            for pair, shares in zip(self.estimates, self.shares, strict=True)
        )
        return Table("Contribution of each direct comparison", columns, rows, missing="")

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an estimate and comparison."""
        rows = [
            (a, b, c, d, float(self.shares[i, j]))
            for i, (a, b) in enumerate(self.estimates)
            for j, (c, d) in enumerate(self.comparisons)
        ]
        names = ("treat1", "treat2", "comparison1", "comparison2", "share")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<Contributions by {self.method}: {len(self.comparisons)} comparisons to "
            f"{len(self.estimates)} estimates>"
        )

    def __str__(self) -> str:
        return self.table().to_text()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class TrialContributions(Result):
    """Shares of the trials in the estimates of a network.

    Attributes
    ----------
    method
        ``shortest-path`` or ``random-walk``.
    estimates
        The estimates, as pairs of treatments.
    trials
        Names of the trials.
    shares
        Shape (estimates, trials); each row sums to 1.
    methods
        The paper.
    """

    method: str
    estimates: tuple[tuple[str, str], ...]
    trials: tuple[str, ...]
    shares: Floats
    methods: tuple[Method, ...]

    def of(self, one: str, two: str) -> dict[str, float]:
        """Shares in the estimate of `one` against `two`, the largest first.

        Raises
        ------
        UnknownNameError
            When that estimate is not here.
        """
        for row, pair in enumerate(self.estimates):
            if set(pair) == {one, two}:
                shares = self.shares[row]
                order = np.argsort(-shares, kind="stable")
                return {self.trials[i]: float(shares[i]) for i in order if shares[i] > 0.0}
        known = [" : ".join(pair) for pair in self.estimates]
        raise UnknownNameError("estimate", f"{one} : {two}", known)

    def table(self) -> Table:
        """Percentages, one row an estimate."""
        columns = (
            Column("estimate", "estimate"),
            *(Column(str(i), name, "percent", "right") for i, name in enumerate(self.trials)),
        )
        rows = tuple(
            (" : ".join(pair), *(100.0 * s if s > 0.0 else None for s in shares.tolist()))
            for pair, shares in zip(self.estimates, self.shares, strict=True)
        )
        return Table("Contribution of each trial", columns, rows, missing="")

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an estimate and trial."""
        rows = [
            (a, b, trial, float(self.shares[i, j]))
            for i, (a, b) in enumerate(self.estimates)
            for j, trial in enumerate(self.trials)
        ]
        names = ("treat1", "treat2", "trial", "share")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<TrialContributions by {self.method}: {len(self.trials)} trials to "
            f"{len(self.estimates)} estimates>"
        )

    def __str__(self) -> str:
        return self.table().to_text()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def trial_contributions(
    net: Net, at: Estimates, method: str, of: tuple[str, str] | None = None
) -> TrialContributions:
    """Shares of every trial in every estimate, or in the one of `of`.

    Notes
    -----
    Within a comparison the flow divides among its trials by their weights, so a comparison's
    contribution does too; a trial of several arms gets a part from each of its pairs.
    """
    found = contributions(net, at, method, of)
    number = {name: i for i, name in enumerate(net.treatments)}
    within = trial_shares(net, at.tau2, [(number[a], number[b]) for a, b in found.comparisons])
    shares = found.shares @ within
    shares.setflags(write=False)
    return TrialContributions(method, found.estimates, net.trials, shares, found.methods)


def flow(net: Net, at: Estimates, one: int, two: int) -> Floats:
    """The flow of one unit from treatment `one` to `two`: shape (n, n), antisymmetric."""
    weight, _, _ = pooled_direct(net, at.tau2)
    return _flow(weight, at, one, two)


def _flow(weight: Floats, at: Estimates, one: int, two: int) -> Floats:
    potential = at.G[:, one] - at.G[:, two]
    f = weight * (potential[:, None] - potential[None, :])
    return np.where(np.abs(f) > _NOTHING, f, 0.0)


def contributions(
    net: Net, at: Estimates, method: str, of: tuple[str, str] | None = None
) -> Contributions:
    """Shares of every direct comparison in every estimate, or in the one of `of`.

    Raises
    ------
    UnknownNameError
        On an unknown method or treatment.
    """
    if method not in METHODS:
        raise UnknownNameError("method of contributions", method, METHODS)
    number = {name: i for i, name in enumerate(net.treatments)}
    pairs = list(combinations(range(net.n), 2))
    if of is not None:
        for name in of:
            if name not in number:
                raise UnknownNameError("treatment", name, net.treatments)
        pairs = [(number[of[0]], number[of[1]])]
    weight, _, trials = pooled_direct(net, at.tau2)
    edges = [(i, j) for i, j in combinations(range(net.n), 2) if trials[i, j]]
    place = {edge: k for k, edge in enumerate(edges)}
    shares = np.zeros((len(pairs), len(edges)))
    for row, (a, b) in enumerate(pairs):
        f = np.maximum(_flow(weight, at, a, b), 0.0)
        found = _shortest(f, a, b) if method == "shortest-path" else _walk(f, a, b)
        for (i, j), share in found.items():
            shares[row, place[(min(i, j), max(i, j))]] += share
    shares.setflags(write=False)
    names = net.treatments
    return Contributions(
        method,
        tuple((names[i], names[j]) for i, j in pairs),
        tuple((names[i], names[j]) for i, j in edges),
        shares,
        (METHODS[method],),
    )


def paths(
    net: Net, at: Estimates, one: str, two: str, method: str = "shortest-path", least: float = 0.0
) -> tuple[Path, ...]:
    """The paths of evidence from `one` to `two` with their shares, the largest first.

    Parameters
    ----------
    net, at
        The network and its solution.
    one, two
        Where the paths begin and end.
    method
        ``shortest-path`` takes the shortest path away again and again; ``random-walk`` gives
        every path its chance.
    least
        Paths with smaller shares are left out.

    Raises
    ------
    UnknownNameError
        On an unknown method or treatment.
    InputError
        When there are more than 100,000 paths.
    """
    if method not in METHODS:
        raise UnknownNameError("method of contributions", method, METHODS)
    number = {name: i for i, name in enumerate(net.treatments)}
    for name in (one, two):
        if name not in number:
            raise UnknownNameError("treatment", name, net.treatments)
    a, b = number[one], number[two]
    f = np.maximum(flow(net, at, a, b), 0.0)
    found = _streams(f, a, b) if method == "shortest-path" else _walks(f, a, b, least)
    names = net.treatments
    listed = [Path(tuple(names[i] for i in way), share) for way, share in found if share >= least]
    return tuple(sorted(listed, key=lambda p: (-p.share, len(p.treatments), p.treatments)))


def _walks(f: Floats, a: int, b: int, least: float) -> list[tuple[list[int], float]]:
    """Every path that a walker along the flow may take, with its chance."""
    out: list[tuple[list[int], float]] = []
    total = f.sum(axis=1)
    todo: list[tuple[list[int], float]] = [([a], 1.0)]
    while todo:
        way, chance = todo.pop()
        i = way[-1]
        if i == b:
            out.append((way, chance))
            if len(out) > MOST_PATHS:
                raise InputError(
                    f"more than {MOST_PATHS:,} paths", hint="least=0.001 for the larger ones"
                )
            continue
        for j in np.flatnonzero(f[i]).tolist():
            onward = chance * float(f[i, j] / total[i])
            if onward >= least:
                todo.append(([*way, j], onward))
    return out


def _streams(f: Floats, a: int, b: int) -> list[tuple[list[int], float]]:
    """Take the shortest path away as often as any flow is left."""
    left = f.copy()
    out: list[tuple[list[int], float]] = []
    while True:
        way = _shortest_path(left, a, b)
        if not way:
            return out
        steps = list(pairwise(way))
        share = min(float(left[i, j]) for i, j in steps)
        for i, j in steps:
            left[i, j] -= share
            if left[i, j] < _NOTHING:
                left[i, j] = 0.0
        out.append((way, share))


def _shortest_path(f: Floats, a: int, b: int) -> list[int]:
    """The path of fewest steps; of several, the one of least resistance (sum of 1/flow)."""
    todo: list[tuple[int, float, tuple[int, ...]]] = [(0, 0.0, (a,))]
    done: set[int] = set()
    while todo:
        steps, resistance, way = heapq.heappop(todo)
        i = way[-1]
        if i in done:
            continue
        done.add(i)
        if i == b:
            return list(way)
        for j in np.flatnonzero(f[i]).tolist():
            if j not in done:
                more = resistance + 1.0 / float(f[i, j])
                heapq.heappush(todo, (steps + 1, more, (*way, j)))
    return []


def _shortest(f: Floats, a: int, b: int) -> dict[tuple[int, int], float]:
    out: dict[tuple[int, int], float] = {}
    for way, share in _streams(f, a, b):
        for step in pairwise(way):
            out[step] = out.get(step, 0.0) + share / (len(way) - 1)
    return _whole(out)


def _walk(f: Floats, a: int, b: int) -> dict[tuple[int, int], float]:
    """Every path at once: a walker leaves each treatment by the shares of the flow out of it.

    With ``to[i][l]`` the chance that the walk is at i after l steps and ``on[j][l]`` the chance
    that it needs l more steps from j, a step from i to j is part of a path of l + 1 + l' steps with
    chance ``to[i][l] p[i, j] on[j][l']``, and gets that share divided by the path's length.
    """
    order = _downstream(f, a)
    steps = len(order)
    out = f.sum(axis=1)
    to, on = np.zeros((len(f), steps)), np.zeros((len(f), steps))
    to[a, 0] = 1.0
    on[b, 0] = 1.0
    chance = np.divide(f, out[:, None], out=np.zeros_like(f), where=out[:, None] > 0.0)
    for i in order:
        for j in np.flatnonzero(f[i]).tolist():
            to[j, 1:] += chance[i, j] * to[i, :-1]
    for i in reversed(order):
        for j in np.flatnonzero(f[i]).tolist():
            on[i, 1:] += chance[i, j] * on[j, :-1]
    lengths = 1.0 / (1.0 + np.arange(steps)[:, None] + np.arange(steps)[None, :])
    found = {
        (i, j): float(chance[i, j] * (to[i] @ lengths @ on[j]))
        for i in order
        for j in np.flatnonzero(f[i]).tolist()
    }
    return _whole(found)


def _downstream(f: Floats, a: int) -> list[int]:
    """Treatments that the flow reaches, each after all from which it comes."""
    waiting = (f > 0.0).sum(axis=0)
    todo, order = [a], []
    while todo:
        i = todo.pop()
        order.append(i)
        for j in np.flatnonzero(f[i]).tolist():
            waiting[j] -= 1
            if waiting[j] == 0:
                todo.append(j)
    return order


def _whole(shares: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Shares that sum to 1 to the last digit; rounding of the flow took a little."""
    total = sum(shares.values())
    return {step: share / total for step, share in shares.items()}
