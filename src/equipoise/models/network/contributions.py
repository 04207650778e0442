"""How much each direct comparison contributes to each estimate of a network.

An estimate of a against b is a flow of one unit from a to b through the network of direct
comparisons. It never goes round in a circle, so it is a mixture of paths; a path's share, divided
evenly among its comparisons, is what they contribute.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.order import all_natural
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted
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

_OF_SHORTEST = Note(
    "shortest-path",
    "Of several shortest paths that of least resistance is taken first; a program that takes "
    "another divides a little differently. Shares by random walk depend on no such choice.",
)

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
    methods, notes
        The paper; what to know.
    """

    method: str
    estimates: tuple[tuple[str, str], ...]
    comparisons: tuple[tuple[str, str], ...]
    shares: Floats
    methods: tuple[Method, ...]
    notes: tuple[Note, ...] = ()

    @typed
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

    @typed
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
            f"<Contributions by {self.method}: {counted(len(self.comparisons), 'comparison')} to "
            f"{counted(len(self.estimates), 'estimate')}>"
        )

    def summary(self) -> str:
        """The shares in percent, one line an estimate, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

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
    methods, notes
        The paper; what to know.
    """

    method: str
    estimates: tuple[tuple[str, str], ...]
    trials: tuple[str, ...]
    shares: Floats
    methods: tuple[Method, ...]
    notes: tuple[Note, ...] = ()

    @typed
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

    @typed
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
            f"<TrialContributions by {self.method}: {counted(len(self.trials), 'trial')} to "
            f"{counted(len(self.estimates), 'estimate')}>"
        )

    def summary(self) -> str:
        """The shares in percent, one line an estimate, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

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
    return TrialContributions(
        method, found.estimates, net.trials, shares, found.methods, found.notes
    )


def flow(net: Net, at: Estimates, one: int, two: int) -> Floats:
    """The flow of one unit from treatment `one` to `two`: shape (n, n), antisymmetric."""
    weight, _, _ = pooled_direct(net, at.tau2)
    return _flow(weight, at, one, two)


def _flow(weight: Floats, at: Estimates, one: int, two: int) -> Floats:
    potential = at.G[:, one] - at.G[:, two]
    f = weight * (potential[:, None] - potential[None, :])
    return np.where(np.abs(f) > _NOTHING, f, 0.0)


def _check_pair(of: tuple[str, str], known: Sequence[str]) -> None:
    for name in of:
        if name not in known:
            raise UnknownNameError("treatment", name, known)
    if of[0] == of[1]:
        raise InputError(f"{of[0]!r} compared with itself", hint="two treatments")


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
        _check_pair(of, net.treatments)
        pairs = [(number[of[0]], number[of[1]])]
    weight, _, trials = pooled_direct(net, at.tau2)
    edges = [(i, j) for i, j in combinations(range(net.n), 2) if trials[i, j]]
    one, two = (np.array(x, dtype=np.intp) for x in zip(*edges, strict=True))
    shares = np.zeros((len(pairs), len(edges)))
    with Progress("estimates taken apart", len(pairs)) as progress:
        for row, (a, b) in enumerate(pairs):
            f = np.maximum(_flow(weight, at, a, b), 0.0)
            found = _shortest(f, a, b) if method == "shortest-path" else _walk(f, a, b)
            shares[row] = found[one, two] + found[two, one]
            progress.update(row + 1)
    shares.setflags(write=False)
    names = net.treatments
    return Contributions(
        method,
        tuple((names[i], names[j]) for i, j in pairs),
        tuple((names[i], names[j]) for i, j in edges),
        shares,
        (METHODS[method],),
        (_OF_SHORTEST,) if method == "shortest-path" else (),
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
    _check_pair((one, two), net.treatments)
    a, b = number[one], number[two]
    f = np.maximum(flow(net, at, a, b), 0.0)
    found = _streams(f, a, b) if method == "shortest-path" else _walks(f, a, b, least)
    names = net.treatments
    listed = [Path(tuple(names[i] for i in way), share) for way, share in found if share >= least]
    return tuple(
        sorted(listed, key=lambda p: (-p.share, len(p.treatments), all_natural(p.treatments)))
    )


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
    left: list[dict[int, float]] = [{} for _ in range(len(f))]
    for i, j in np.argwhere(f).tolist():
        left[i][j] = float(f[i, j])
    out: list[tuple[list[int], float]] = []
    while True:
        way = _shortest_path(left, a, b)
        if not way:
            return out
        steps = list(pairwise(way))
        share = min(left[i][j] for i, j in steps)
        for i, j in steps:
            left[i][j] -= share
            if left[i][j] < _NOTHING:
                del left[i][j]
        out.append((way, share))


def _shortest_path(left: list[dict[int, float]], a: int, b: int) -> list[int]:
    """The path of fewest steps; of several, the one of least resistance (sum of 1/flow)."""
    todo: list[tuple[int, float, tuple[int, ...]]] = [(0, 0.0, (a,))]
    done: set[int] = set()
    best: dict[int, tuple[int, float]] = {}
    while todo:
        steps, resistance, way = heapq.heappop(todo)
        i = way[-1]
        if i in done:
            continue
        done.add(i)
        if i == b:
            return list(way)
        for j, flow_there in left[i].items():
            reached = (steps + 1, resistance + 1.0 / flow_there)
            if j not in done and reached <= best.get(j, reached):
                best[j] = reached
                heapq.heappush(todo, (*reached, (*way, j)))
    return []


def _shortest(f: Floats, a: int, b: int) -> Floats:
    out = np.zeros_like(f)
    for way, share in _streams(f, a, b):
        out[way[:-1], way[1:]] += share / (len(way) - 1)
    # Rounding of the flow took a little.
    return np.asarray(out / out.sum(), dtype=np.float64)


def _walk(f: Floats, a: int, b: int) -> Floats:
    """Every path at once: a walker leaves each treatment by the shares of the flow out of it.

    With ``to[i][l]`` the chance that the walk is at i after l steps and ``on[j][l]`` the chance
    that it needs l more steps from j, a step from i to j is part of a path of l + 1 + l' steps with
    chance ``to[i][l] p[i, j] on[j][l']``, and gets that share divided by the path's length.
    """
    order = np.array(_downstream(f, a))
    # In the order of the flow, steps only lead forward.
    ahead = f[np.ix_(order, order)]
    steps = len(order)
    end = int(np.flatnonzero(order == b)[0])
    out = ahead.sum(axis=1, keepdims=True)
    chance = np.divide(ahead, out, out=np.zeros_like(ahead), where=out > 0.0)
    to, on = np.zeros((steps, steps)), np.zeros((steps, steps))
    to[0, 0] = on[end, 0] = 1.0
    for i in range(1, steps):
        to[i, 1:] = chance[:i, i] @ to[:i, :-1]
    for i in range(steps - 1, -1, -1):
        if i != end:
            on[i, 1:] = chance[i, i + 1 :] @ on[i + 1 :, :-1]
    lengths = 1.0 / (1.0 + np.arange(steps)[:, None] + np.arange(steps)[None, :])
    found = np.zeros_like(f)
    found[np.ix_(order, order)] = chance * (to @ lengths @ on.T)
    return np.asarray(found / found.sum(), dtype=np.float64)


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
