"""Net heat: which designs drive what inconsistency there is, and which estimates they touch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note, QTest, Result
from equipoise.core.table import Column, Table, p_value, significant
from equipoise.effects.columns import Floats, Ints, make_frame
from equipoise.models.network.core import Group, Net, bordered, frozen, solve
from equipoise.models.network.direct import designs_of
from equipoise.models.network.inconsistency import decomposition, q_test

NET_HEAT = Method(
    "net heat plot: change of inconsistency when single designs are detached",
    "Krahn, Binder, König 2013, BMC Med Res Methodol 13:35",
    "10.1186/1471-2288-13-35",
)
TAU2_OF_HEAT = ("common", "within", "network")

#: Shares of a direct estimate that others tell about; below this it is rounding.
_ALONE = 1e-9


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetHeat(Result):
    """What a net heat plot draws.

    An element is a comparison of a design. A design of several arms has an element for each of
    its pairs; it is detached as a whole, so that its columns of `q_diff` are alike.

    Attributes
    ----------
    tau2
        The variance between trials that was used; 0 in the paper.
    label, treat1, treat2, design
        One value an element: ``A:B``, or ``A:B_A:B:C`` in a design of several arms; its two
        treatments; its design.
    hat
        What the direct estimate of the column counts in the network estimate of the row's
        comparison, shape (elements, elements); its absolute value is the area of a grey square.
    q
        What each element adds to Q between designs.
    q_diff
        What of the row's `q` goes away when the column's design is detached: positive (warm)
        where the column is what the row disagrees with, negative (cool) where the column supports
        it. The diagonal of a design of two arms is its `q`.
    order
        The elements as the clustering puts them beside each other.
    between
        Q between designs.
    detached
        For each element, Q between designs with its design detached.
    left_out
        Designs about which nothing else tells: they cannot be inconsistent.
    notes, methods
        What to know; the paper.
    """

    tau2: float
    label: tuple[str, ...]
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    design: tuple[str, ...]
    hat: Floats
    q: Floats
    q_diff: Floats
    order: tuple[int, ...]
    between: QTest
    detached: Floats
    left_out: tuple[str, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (NET_HEAT,)

    def __len__(self) -> int:
        return len(self.label)

    def ordered(self) -> tuple[tuple[str, ...], Floats, Floats]:
        """Labels, `q_diff` and `hat` in the order of the clustering."""
        at = list(self.order)
        return (
            tuple(self.label[i] for i in at),
            self.q_diff[np.ix_(at, at)],
            self.hat[np.ix_(at, at)],
        )

    def table(self) -> Table:
        """Elements in the order of the clustering, with what detaching their design changes."""
        columns = (
            Column("label", "design"),
            Column("q", "part of Q between", align="right"),
            Column("detached", "Q between without it", align="right"),
            Column("worst", "eases most"),
        )
        rows = []
        for i in self.order:
            others = [j for j in range(len(self)) if self.design[j] != self.design[i]]
            worst = max(others, key=lambda j: float(self.q_diff[j, i]), default=None)
            rows.append(
                (
                    self.label[i],
                    significant(float(self.q[i]), 4),
                    significant(float(self.detached[i]), 4),
                    None if worst is None else self.label[worst],
                )
            )
        return Table("What detaching each design changes", columns, tuple(rows), missing="")

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a cell of the plot, in the order of the clustering."""
        at = [(i, j) for i in self.order for j in self.order]
        columns: dict[str, Any] = {
            "row": [self.label[i] for i, _ in at],
            "column": [self.label[j] for _, j in at],
            "hat": [float(self.hat[i, j]) for i, j in at],
            "q_diff": [float(self.q_diff[i, j]) for i, j in at],
        }
        return make_frame(columns, backend)

    def __repr__(self) -> str:
        first = int(np.argmin(self.detached))
        return (
            f"<NetHeat of {len(self)} elements: Q between {significant(self.between.q, 4)} on "
            f"{self.between.df} df, p {p_value(self.between.p_value)}; "
            f"{significant(float(self.detached[first]), 4)} without {self.design[first]}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True)
class _Design:
    """One design: its direct estimates and what they weigh."""

    arms: Ints
    direct: Floats
    weight: Floats
    pairs: tuple[tuple[int, int], ...]
    edge: Floats


def net_heat(net: Net, network_tau2: float, tau2: float | str = "common") -> NetHeat:
    """Compute what a net heat plot draws.

    Parameters
    ----------
    net, network_tau2
        The network and its own tau².
    tau2
        ``common`` (0, as in the paper), ``within`` (that of the design-by-treatment model),
        ``network`` (the network's own), or a number.

    Raises
    ------
    NotEstimableError
        When no loop of designs is closed.
    InputError, UnknownNameError
        On a negative tau², or a name that is none of these.

    Notes
    -----
    A design's part of Q between designs is the squared distance of its direct from its network
    estimate over the variance of the direct one. Detaching a design moves the network estimates
    by ``G B' (V - B G B')⁻¹ r`` (r its residual, V its variance), so that no design needs a refit.
    A design of several arms enters by the edges of its Laplacian: their parts sum to its whole,
    whatever arm its contrasts are taken against. Elements are put in order by complete linkage of
    the sums of absolute differences of their rows and of their columns of `q_diff`.

    Source: Krahn, Binder & König 2013, BMC Med Res Methodol 13:35,
    doi:10.1186/1471-2288-13-35.
    """
    spread = _spread(net, network_tau2, tau2)
    at = solve(net, spread)
    found = [_design(part, spread) for part in designs_of(net)]
    shifts = [_shift(d, at.G, at.theta) for d in found]
    kept = [(d, s) for d, s in zip(found, shifts, strict=True) if s is not None]
    if not kept:
        raise NotEstimableError(
            "no loop of designs is closed, so no design can disagree with others",
            hint="net.decomposition() for what differs within designs",
        )
    one = np.array([d.arms[i] for d, _ in kept for i, _ in d.pairs])
    two = np.array([d.arms[j] for d, _ in kept for _, j in d.pairs])
    edge = np.concatenate([d.edge for d, _ in kept])
    direct = np.concatenate([[d.direct[i] - d.direct[j] for i, j in d.pairs] for d, _ in kept])
    owner = np.repeat(np.arange(len(kept)), [len(d.pairs) for d, _ in kept])
    rest = direct - (at.theta[one] - at.theta[two])
    q = edge * rest * rest
    moved = np.column_stack([at.G @ s for _, s in kept])
    after = rest[:, None] + (moved[one] - moved[two])
    after[np.arange(len(one)), owner] = 0.0
    by_design = q[:, None] - edge[:, None] * after * after
    q_diff = by_design[:, owner]
    cov = at.G[one] - at.G[two]
    hat = (cov[:, one] - cov[:, two]) * edge
    df = sum(len(d.arms) - 1 for d in found) - (net.n - 1)
    names = net.treatments
    label, design = _labels(kept, names)
    total = float(q.sum())
    notes = []
    if spread == 0.0:
        text = (
            "Without a variance between trials, designs differ by heterogeneity too; tau2='within' "
            "shows what is left beside it."
        )
        notes.append(Note("common-effect", text))
    return NetHeat(
        tau2=spread,
        label=label,
        treat1=tuple(names[i] for i in one),
        treat2=tuple(names[i] for i in two),
        design=design,
        hat=frozen(hat),
        q=frozen(q),
        q_diff=frozen(q_diff),
        order=_clustered(q_diff),
        between=q_test(total, df),
        detached=frozen(np.maximum(total - q_diff.sum(axis=0), 0.0)),
        left_out=tuple(
            ":".join(names[a] for a in d.arms)
            for d, s in zip(found, shifts, strict=True)
            if s is None
        ),
        notes=tuple(notes),
    )


def _spread(net: Net, network_tau2: float, tau2: float | str) -> float:
    if isinstance(tau2, str):
        if tau2 not in TAU2_OF_HEAT:
            raise UnknownNameError("tau² of a net heat plot", tau2, TAU2_OF_HEAT)
        if tau2 == "common":
            return 0.0
        return decomposition(net).tau2_within if tau2 == "within" else network_tau2
    value = float(tau2)
    if not 0.0 <= value < np.inf:
        raise InputError(f"tau² {value:g}", hint="0 or more, or 'common', 'within', 'network'")
    return value


def _design(part: Group, tau2: float) -> _Design:
    W = part.weights(tau2)
    total = W.sum(axis=0)
    mean = np.linalg.solve(total, np.einsum("bij,bj->i", W, part.y))
    pairs = tuple(combinations(range(part.size), 2))
    full = -bordered(total[None])[0]
    edge = np.array([full[i, j] for i, j in pairs])
    return _Design(part.arms[0], np.concatenate([[0.0], mean]), total, pairs, edge)


def _shift(d: _Design, G: Floats, theta: Floats) -> Floats | None:
    """The pull that detaching a design takes from its arms; None where nothing else tells."""
    B = np.zeros((len(d.arms) - 1, len(theta)))
    B[:, d.arms[0]] = -1.0
    B[np.arange(len(B)), d.arms[1:]] = 1.0
    half = np.linalg.cholesky(d.weight)
    # In units of the direct estimates' own errors: 1 less what the design tells of itself.
    inner = np.eye(len(B)) - half.T @ (B @ G @ B.T) @ half
    values, vectors = np.linalg.eigh(0.5 * (inner + inner.T))
    open_ = values > _ALONE
    if not open_.any():
        return None
    r = half.T @ (d.direct[1:] - B @ theta)
    pull = vectors[:, open_] @ ((vectors[:, open_].T @ r) / values[open_])
    return np.asarray(B.T @ (half @ pull), dtype=np.float64)


def _labels(
    kept: list[tuple[_Design, Floats]], names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    label, design = [], []
    for d, _ in kept:
        whole = ":".join(names[a] for a in d.arms)
        for i, j in d.pairs:
            pair = f"{names[d.arms[i]]}:{names[d.arms[j]]}"
            label.append(pair if len(d.arms) == 2 else f"{pair}_{whole}")
            design.append(whole)
    return tuple(label), tuple(design)


def _clustered(q_diff: Floats) -> tuple[int, ...]:
    """Elements by complete linkage of the distances of their rows and columns."""
    n = len(q_diff)
    if n < 3:
        return tuple(range(n))
    distance = np.empty((n, n))
    for i in range(n):
        distance[i] = np.abs(q_diff - q_diff[i]).sum(axis=1)
        distance[i] += np.abs(q_diff - q_diff[:, i : i + 1]).sum(axis=0)
    np.fill_diagonal(distance, np.inf)
    members: dict[int, list[int]] = {i: [i] for i in range(n)}
    while len(members) > 1:
        live = sorted(members)
        sub = distance[np.ix_(live, live)]
        a, b = (live[k] for k in np.unravel_index(int(np.argmin(sub)), sub.shape))
        a, b = min(a, b), max(a, b)
        members[a] = members[a] + members.pop(b)
        joined = np.maximum(distance[a], distance[b])
        distance[a], distance[:, a] = joined, joined
        distance[a, a] = np.inf
    return tuple(next(iter(members.values())))
