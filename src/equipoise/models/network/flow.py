"""Evidence as a flow: what every direct estimate counts in every estimate of a network."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, fixed, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.models.network.core import Estimates, Net, bordered, frozen, pooled_direct
from equipoise.models.network.direct import designs_of, edges
from equipoise.models.network.inconsistency import direct_evidence

FLOW = Method(
    "evidence flow: proportion of direct evidence, mean path length, minimal parallelism",
    "König, Krahn, Binder 2013, Stat Med 32:5414",
    "10.1002/sim.6001",
)
HAT = Method(
    "hat matrix of a network by its Laplacian",
    "Rücker 2012, Res Synth Methods 3:312",
    "10.1002/jrsm.1058",
)

_OF_SEVERAL_ARMS = Note(
    "several-arms",
    "Columns of trials of several arms are their pairs, weighted by their edges of the Laplacian; "
    "their direct estimates share groups.",
)

BY = ("comparison", "trial", "design")

#: More numbers than this are not made at once.
MOST = 50_000_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HatMatrix(Result):
    """What every direct estimate counts in every estimate of a network.

    Attributes
    ----------
    by
        What the columns are: ``comparison`` (trials of the same two treatments pooled),
        ``design`` (trials of the same set of treatments pooled) or ``trial``.
    tau2
        The variance between trials in the weights.
    estimates
        The rows, as pairs: the first minus the second.
    source
        For each column its trial or design; blank for comparisons.
    comparisons
        For each column its pair of treatments: the first minus the second.
    values
        Shape (estimates, columns). `values` times the direct estimates is the network's.
    direct
        The direct estimates of the columns.
    methods, notes
        The paper; what to know.
    """

    by: str
    tau2: float
    estimates: tuple[tuple[str, str], ...]
    source: tuple[str, ...]
    comparisons: tuple[tuple[str, str], ...]
    values: Floats
    direct: Floats
    methods: tuple[Method, ...] = (HAT,)
    notes: tuple[Note, ...] = ()

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows."""
        return tuple(" : ".join(pair) for pair in self.estimates)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        pairs = [" : ".join(pair) for pair in self.comparisons]
        if self.by == "comparison":
            return tuple(pairs)
        return tuple(f"{s} ({p})" for s, p in zip(self.source, pairs, strict=True))

    @typed
    def of(self, one: str, two: str) -> dict[str, float]:
        """The row of one estimate, `one` minus `two`, by the names of the columns.

        Raises
        ------
        UnknownNameError
            When that estimate is not here.
        """
        for row, pair in enumerate(self.estimates):
            if set(pair) == {one, two}:
                sign = 1.0 if pair[0] == one else -1.0
                return dict(zip(self.columns, (sign * self.values[row]).tolist(), strict=True))
        raise UnknownNameError("estimate", f"{one} : {two}", self.rows)

    def table(self) -> Table:
        """The matrix, cut for reading."""
        columns = (
            Column("estimate", "estimate"),
            *(Column(str(i), name, align="right") for i, name in enumerate(self.columns)),
        )
        rows = tuple(
            (name, *(fixed(x, 3) if abs(x) > 5e-4 else None for x in values))
            for name, values in zip(self.rows, self.values.tolist(), strict=True)
        )
        return Table(f"Hat matrix by {self.by}", columns, rows, missing="")

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an estimate and one column a direct estimate."""
        names = dict(zip(self.columns, self.values.T, strict=True))
        return make_frame({"estimate": self.rows} | names, backend)

    def __repr__(self) -> str:
        return f"<HatMatrix by {self.by}: {self.values.shape[0]} × {self.values.shape[1]}>"

    def summary(self) -> str:
        """The matrix, one line an estimate; digits are cut for reading. Then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FlowMeasures(Result):
    """How direct, how long and how parallel the evidence of every estimate is.

    Attributes
    ----------
    treat1, treat2
        The pair.
    direct
        Share of the estimate's precision that is direct.
    path_length
        Comparisons that the evidence passes in a row, on average: 1 is all direct; beyond 2 it is
        to be read with caution.
    parallelism
        At least so many comparisons run side by side: one over the largest flow in one of them.
    parallelism_of_trials
        The same for trials.
    notes, methods
        What to know; the paper.
    """

    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    direct: Floats
    path_length: Floats
    parallelism: Floats
    parallelism_of_trials: Floats
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (FLOW,)

    def __len__(self) -> int:
        return len(self.treat1)

    @typed
    def row(self, one: str, two: str) -> dict[str, float]:
        """The measures of one pair.

        Raises
        ------
        UnknownNameError
            When the pair is not here.
        """
        for i, pair in enumerate(zip(self.treat1, self.treat2, strict=True)):
            if set(pair) == {one, two}:
                return {name: float(getattr(self, name)[i]) for name in _MEASURES}
        known = [f"{a} : {b}" for a, b in zip(self.treat1, self.treat2, strict=True)]
        raise UnknownNameError("comparison", f"{one} : {two}", known)

    def table(self) -> Table:
        """One row a pair."""
        columns = (
            Column("pair", "comparison"),
            Column("direct", "direct", "percent", "right"),
            Column("path_length", "mean path length", align="right"),
            Column("parallelism", "minimal parallelism", align="right"),
            Column("trials", "of trials", align="right"),
        )
        rows = tuple(
            (
                f"{self.treat1[i]} : {self.treat2[i]}",
                100.0 * float(self.direct[i]),
                fixed(float(self.path_length[i]), 2),
                fixed(float(self.parallelism[i]), 2),
                fixed(float(self.parallelism_of_trials[i]), 2),
            )
            for i in range(len(self))
        )
        return Table("How the evidence flows", columns, rows)

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a pair."""
        columns: dict[str, Any] = {"treat1": self.treat1, "treat2": self.treat2}
        return make_frame(columns | {name: getattr(self, name) for name in _MEASURES}, backend)

    def __repr__(self) -> str:
        far = int(np.argmax(self.path_length))
        return (
            f"<FlowMeasures of {counted(len(self), 'estimate')}: longest {self.treat1[far]} : "
            f"{self.treat2[far]}, mean path length {significant(float(self.path_length[far]), 3)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


_MEASURES = ("direct", "path_length", "parallelism", "parallelism_of_trials")


def hat_matrix(
    net: Net, at: Estimates, by: str = "comparison", of: tuple[str, str] | None = None
) -> HatMatrix:
    """What every direct estimate counts in every estimate, or in the one of `of`.

    Parameters
    ----------
    net, at
        The network and its solution.
    by
        ``comparison``, ``design`` or ``trial``: what is pooled before. The network estimates are
        the same in two steps as in one.
    of
        A pair, for one row.

    Raises
    ------
    UnknownNameError
        On another `by`, or an unknown treatment.
    InputError
        When the matrix would have more than 50 million entries.

    Notes
    -----
    A trial of several arms has a column for each of its pairs, weighted by its edge of the
    Laplacian.

    Source: Rücker 2012, doi:10.1002/jrsm.1058; König, Krahn & Binder 2013,
    doi:10.1002/sim.6001, for the flow that its rows are.
    """
    if by not in BY:
        raise UnknownNameError("columns of a hat matrix", by, BY)
    first, second = rows_of(net, of)
    source, one, two, weight, moment = _columns(net, at.tau2, by)
    if len(first) * len(one) > MOST:
        raise InputError(
            f"a hat matrix of {counted(len(first), 'row')} and {counted(len(one), 'column')}",
            hint="of=('A', 'B') for one row",
        )
    potential = at.G[first] - at.G[second]
    values = (potential[:, one] - potential[:, two]) * weight
    names = net.treatments
    return HatMatrix(
        by=by,
        tau2=at.tau2,
        estimates=tuple((names[i], names[j]) for i, j in zip(first, second, strict=True)),
        source=source,
        comparisons=tuple((names[i], names[j]) for i, j in zip(one, two, strict=True)),
        values=frozen(values),
        direct=read_only(moment / weight),
        notes=(_OF_SEVERAL_ARMS,) if any(g.size > 2 for g in net.groups) else (),
    )


def rows_of(net: Net, of: tuple[str, str] | None) -> tuple[list[int], list[int]]:
    """The two treatments of every pair by number, or those of one.

    Raises
    ------
    UnknownNameError
        On an unknown treatment.
    InputError
        When the two are the same.
    """
    if of is None:
        first, second = np.triu_indices(net.n, 1)
        return first.tolist(), second.tolist()
    for name in of:
        if name not in net.treatments:
            raise UnknownNameError("treatment", name, net.treatments)
    if of[0] == of[1]:
        raise InputError(f"{of[0]!r} compared with itself", hint="two treatments")
    return [net.treatments.index(of[0])], [net.treatments.index(of[1])]


def _columns(
    net: Net, tau2: float, by: str
) -> tuple[tuple[str, ...], list[int], list[int], Floats, Floats]:
    """Names, pairs, weights, and weighted direct estimates of the columns."""
    if by == "comparison":
        weight, moment, trials = pooled_direct(net, tau2)
        first, second = np.nonzero(np.triu(trials, 1))
        sums = weight[first, second], moment[first, second]
        return ("",) * len(first), first.tolist(), second.tolist(), *sums
    if by == "design":
        return _by_design(net, tau2)
    e = edges(net, tau2)
    source = tuple(net.trials[t] for t in e.trial.tolist())
    return source, e.one.tolist(), e.two.tolist(), e.weight, e.weight * e.difference


def _by_design(
    net: Net, tau2: float
) -> tuple[tuple[str, ...], list[int], list[int], Floats, Floats]:
    source: list[str] = []
    one: list[int] = []
    two: list[int] = []
    weight: list[float] = []
    moment: list[float] = []
    for part in designs_of(net):
        arms = part.arms[0].tolist()
        W = part.weights(tau2)
        total = W.sum(axis=0)
        mean = np.linalg.solve(total, np.einsum("bij,bj->i", W, part.y))
        level = [0.0, *mean.tolist()]
        full = -bordered(total[None])[0]
        for i, j in combinations(range(part.size), 2):
            source.append(":".join(net.treatments[a] for a in arms))
            one.append(arms[i])
            two.append(arms[j])
            weight.append(float(full[i, j]))
            moment.append(float(full[i, j]) * (level[i] - level[j]))
    return tuple(source), one, two, np.array(weight), np.array(moment)


def flow_measures(net: Net, at: Estimates) -> FlowMeasures:
    """How direct, how long and how parallel the evidence of every estimate is.

    Notes
    -----
    The estimate of a against b is a flow of one unit from a to b: the row of the hat matrix. The
    sum of its absolute values is the mean path length; one over the largest of them is the minimal
    parallelism. Comparisons of trials of several arms count with their edges of the Laplacian,
    whatever arm their contrasts are taken against.

    Source: König, Krahn & Binder 2013, Stat Med 32:5414, doi:10.1002/sim.6001.
    """
    first, second = np.triu_indices(net.n, 1)
    weight, _, trials = pooled_direct(net, at.tau2)
    one, two = np.nonzero(np.triu(trials, 1))
    w = weight[one, two]
    # In one comparison, the trial of the largest weight carries the largest part of the flow.
    most = _largest_weights(net, at.tau2)[one, two]
    length, widest, widest_trial = (np.empty(len(first)) for _ in range(3))
    step = max(1, 4_000_000 // max(1, len(one)))
    for start in range(0, len(first), step):
        rows = slice(start, start + step)
        potential = at.G[first[rows]] - at.G[second[rows]]
        drop = np.abs(potential[:, one] - potential[:, two])
        through = drop * np.abs(w)
        length[rows] = through.sum(axis=1)
        widest[rows] = through.max(axis=1)
        widest_trial[rows] = (drop * most).max(axis=1)
    own, _, k = direct_evidence(net, at.tau2)
    share = np.where(k > 0, np.minimum(at.variance() * own, 1.0), 0.0)[first, second]
    names = net.treatments
    notes = []
    far = int((length > 2.0 + 1e-9).sum())
    if far:
        text = (
            f"{far} of {counted(len(first), 'estimate')} "
            f"{'has' if far == 1 else 'have'} a mean path length beyond 2: chains of more than two "
            "comparisons, to be read with caution."
        )
        notes.append(Note("long-paths", text))
    return FlowMeasures(
        treat1=tuple(names[i] for i in first),
        treat2=tuple(names[i] for i in second),
        direct=read_only(share),
        path_length=read_only(length),
        parallelism=read_only(1.0 / widest),
        parallelism_of_trials=read_only(1.0 / widest_trial),
        notes=tuple(notes),
    )


def _largest_weights(net: Net, tau2: float) -> Floats:
    """For each pair, the largest weight that one trial has."""
    out = np.zeros((net.n, net.n))
    e = edges(net, tau2)
    np.maximum.at(out, (e.one, e.two), np.abs(e.weight))
    return out
