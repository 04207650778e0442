"""Whether direct and indirect evidence agree: by comparison, by design, and over all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import UnknownNameError
from equipoise.core.order import all_natural, natural
from equipoise.core.result import Interval, Method, Note, QTest, Result
from equipoise.core.table import Column, Table, counted, p_value, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import shown
from equipoise.models.network.core import Estimates, Group, Net, solve
from equipoise.models.network.direct import designs_of, pieces, without
from equipoise.models.network.league import two_sided
from equipoise.num.dist import chi2_tail, critical

BACK_CALCULATION = Method(
    "direct and indirect evidence by back-calculation, for every comparison in closed form",
    "König, Krahn, Binder 2013, Stat Med 32:5414; Dias, Welton, Caldwell, Ades 2010, "
    "Stat Med 29:932",
    "10.1002/sim.6001",
)
DECOMPOSITION = Method(
    "Q within and between designs, detachment, and the design-by-treatment interaction",
    "Krahn, Binder, König 2013, BMC Med Res Methodol 13:35; Higgins, Jackson, Barrett, Lu, Ades, "
    "White 2012, Res Synth Methods 3:98",
    "10.1186/1471-2288-13-35",
)

#: Direct evidence with at least this share of the precision leaves no indirect evidence.
_ALL_DIRECT = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Split(Result):
    """Direct, indirect and network estimates side by side; one value a pair in every array.

    Attributes
    ----------
    measure, level
        Code of the measure; level of the intervals.
    treat1, treat2
        The pair: `treat1` minus `treat2`.
    k
        Trials that compare the two.
    share
        Share of the network estimate's precision that is direct.
    network, network_se, direct, direct_se, indirect, indirect_se
        Estimates and standard errors on the scale of analysis; NaN where there is no such
        evidence.
    difference, difference_se, statistic, p_value
        Direct minus indirect, and its test.
    tau2
        The variance between trials that each pair was split with: the network's, or its own.
    df
        Degrees of freedom of the test; infinite for a normal one.
    notes, methods
        What to know; the papers.
    """

    measure: str
    level: float
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    k: Floats
    share: Floats
    network: Floats
    network_se: Floats
    direct: Floats
    direct_se: Floats
    indirect: Floats
    indirect_se: Floats
    difference: Floats
    difference_se: Floats
    statistic: Floats
    p_value: Floats
    tau2: Floats
    df: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (BACK_CALCULATION,)

    def __len__(self) -> int:
        return len(self.treat1)

    @typed
    def row(self, one: str, two: str) -> dict[str, float]:
        """The numbers of one pair, `one` minus `two`.

        Raises
        ------
        UnknownNameError
            When the pair is not here.
        """
        for i, pair in enumerate(zip(self.treat1, self.treat2, strict=True)):
            if set(pair) == {one, two}:
                sign = 1.0 if pair[0] == one else -1.0
                out = {name: float(getattr(self, name)[i]) for name in _SPLIT}
                for name in ("network", "direct", "indirect", "difference", "statistic"):
                    out[name] *= sign
                return out
        known = [f"{a} : {b}" for a, b in zip(self.treat1, self.treat2, strict=True)]
        raise UnknownNameError("comparison", f"{one} : {two}", known)

    def table(self) -> Table:
        """Pairs with direct evidence as a reader sees them: ratios, not their logs."""
        m = measure_of(self.measure)
        columns = (
            Column("pair", "comparison"),
            Column("k", "trials", "count", "right"),
            Column("share", "direct", "percent", "right"),
            Column("direct_ci", f"direct {m.code}", align="right"),
            Column("indirect_ci", f"indirect {m.code}", align="right"),
            Column("network_ci", f"network {m.code}", align="right"),
            Column("p_value", "p of difference", "p", "right"),
        )
        rows = []
        for i in range(len(self)):
            if not self.k[i]:
                continue
            cells = [self._cell(getattr(self, n)[i], getattr(self, f"{n}_se")[i]) for n in _KINDS]
            p = float(self.p_value[i])
            rows.append(
                (
                    f"{self.treat1[i]} : {self.treat2[i]}",
                    int(self.k[i]),
                    100.0 * float(self.share[i]),
                    *cells,
                    None if math.isnan(p) else p,
                )
            )
        return Table("Direct and indirect evidence", columns, tuple(rows), missing="none")

    def _cell(self, value: float, se: float) -> str | None:
        if math.isnan(value):
            return None
        m = measure_of(self.measure)
        half = critical(self.level, self.df) * float(se)
        ci = m.back_interval(Interval(float(value) - half, float(value) + half, self.level))
        return "{} ({})".format(*shown(m, m.back(float(value)), ci))

    def summary(self) -> str:
        """Every pair with direct evidence, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a pair, on the scale of analysis, uncut."""
        columns: dict[str, Any] = {"treat1": self.treat1, "treat2": self.treat2}
        return make_frame(columns | {name: getattr(self, name) for name in _SPLIT}, backend)

    def __repr__(self) -> str:
        tested = np.isfinite(self.p_value)
        if not tested.any():
            return (
                f"<Split of {counted(len(self), 'comparison')}: none has direct and indirect "
                "evidence>"
            )
        least = int(np.nanargmin(self.p_value))
        return (
            f"<Split of {counted(len(self), 'comparison')}, {int(tested.sum())} with both "
            "kinds of evidence; "
            f"furthest apart {self.treat1[least]} : {self.treat2[least]}, "
            f"p {p_value(float(self.p_value[least]))}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


_KINDS = ("direct", "indirect", "network")
_SPLIT = (
    *("k", "share", "network", "network_se", "direct", "direct_se", "indirect", "indirect_se"),
    *("difference", "difference_se", "statistic", "p_value", "tau2"),
)


def split(net: Net, at: Estimates, measure: str, level: float, df: float = math.inf) -> Split:
    """Compare direct with indirect evidence on every pair of treatments.

    Notes
    -----
    Direct evidence is the weighted mean of all trials that compare the two, a trial of several
    arms by its own difference of these two. The network estimate is the mean of direct and
    indirect evidence, weighted by precision, so the indirect one is what is left.

    Source: König, Krahn & Binder 2013, Stat Med 32:5414, doi:10.1002/sim.6001.
    """
    weight, moment, trials = direct_evidence(net, at.tau2)
    first, second = np.triu_indices(net.n, 1)
    w = weight[first, second]
    names = np.array(net.treatments, dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = (moment[first, second] / w, 1.0 / w)
    return side_by_side(
        (tuple(names[first].tolist()), tuple(names[second].tolist())),
        trials[first, second],
        (at.difference()[first, second], at.variance()[first, second]),
        direct,
        measure=measure,
        level=level,
        df=df,
        tau2=at.tau2,
    )


def side_by_side(
    pairs: tuple[tuple[str, ...], tuple[str, ...]],
    k: Floats,
    network: tuple[Floats, Floats],
    direct: tuple[Floats, Floats],
    *,
    measure: str,
    level: float,
    df: float = math.inf,
    tau2: float = 0.0,
) -> Split:
    """Put estimates of a network beside direct ones, and what is left of the former.

    Parameters
    ----------
    pairs
        The first and the second treatments of the comparisons.
    k
        Trials with direct evidence.
    network, direct
        Estimates and variances; the direct ones matter where `k` is above 0.
    measure, level, df, tau2
        Of the intervals and tests; the variance between trials that all rest on.
    """
    treat1, treat2 = pairs
    whole, variance = network
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(k > 0, direct[0], np.nan)
        own_var = np.where(k > 0, direct[1], np.nan)
        share = np.where(k > 0, np.minimum(variance / own_var, 1.0), 0.0)
        rest = np.where(share < _ALL_DIRECT, 1.0 - share, np.nan)
        indirect = (whole - share * np.where(k > 0, own, 0.0)) / rest
        indirect_var = variance / rest
        difference = own - indirect
        se = np.sqrt(own_var + indirect_var)
        statistic = difference / se
    p = two_sided(statistic, df)
    return Split(
        measure=measure,
        level=level,
        treat1=treat1,
        treat2=treat2,
        k=read_only(k),
        share=read_only(share),
        network=read_only(whole),
        network_se=read_only(np.sqrt(variance)),
        direct=read_only(own),
        direct_se=read_only(np.sqrt(own_var)),
        indirect=read_only(indirect),
        indirect_se=read_only(np.sqrt(indirect_var)),
        difference=read_only(difference),
        difference_se=read_only(se),
        statistic=read_only(statistic),
        p_value=read_only(p),
        tau2=read_only(np.full(len(treat1), tau2)),
        df=df,
        notes=tuple(several_tests(p)),
    )


def several_tests(p: Floats) -> list[Note]:
    """What to know where more than one comparison was tested."""
    tested = int(np.isfinite(p).sum())
    if tested < 2:
        return []
    text = (
        f"{tested} comparisons were tested and are not independent; about "
        f"{significant(0.05 * tested, 2)} would have p below 0.05 by chance. A test that finds "
        "nothing does not show that the evidence agrees."
    )
    return [Note("many-tests", text)]


def direct_evidence(net: Net, tau2: float) -> tuple[Floats, Floats, Floats]:
    """Weights, weighted differences and trials of each pair, each trial by its own difference."""
    n = net.n
    weight, moment, trials = np.zeros(n * n), np.zeros(n * n), np.zeros(n * n)
    for g in net.groups:
        level = np.concatenate([np.zeros((len(g.y), 1)), g.y], axis=1)
        full = np.zeros((len(g.y), g.size, g.size))
        full[:, 1:, 1:] = g.V
        d = np.diagonal(full, axis1=1, axis2=2)
        variance = d[:, :, None] + d[:, None, :] - 2.0 * full + tau2
        i, j = np.nonzero(~np.eye(g.size, dtype=bool))
        at = (g.arms[:, i] * n + g.arms[:, j]).ravel()
        w = 1.0 / variance[:, i, j].ravel()
        weight += np.bincount(at, w, n * n)
        moment += np.bincount(at, w * (level[:, i] - level[:, j]).ravel(), n * n)
        trials += np.bincount(at, minlength=n * n)
    return weight.reshape(n, n), moment.reshape(n, n), trials.reshape(n, n)


@dataclass(frozen=True, slots=True)
class DesignQ(Result):
    """One design: the treatments that its trials compare.

    Attributes
    ----------
    design
        The treatments.
    trials
        How many trials have it.
    within
        Heterogeneity between them.
    detached
        What is left of Q between designs when this design need not agree with the others; None
        where nothing else tells about it.
    """

    design: tuple[str, ...]
    trials: int
    within: QTest
    detached: QTest | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Decomposition(Result):
    """Q of a network, split into what differs within designs and between them.

    Attributes
    ----------
    total, within, between
        Of the common effect: Q over all, within designs, and between them.
    random
        Q between designs with tau² of within designs added: the design-by-treatment test.
    tau2_within
        That tau².
    designs
        Each design with its own part.
    notes, methods
        What to know; the papers.
    """

    total: QTest
    within: QTest
    between: QTest
    random: QTest
    tau2_within: float
    designs: tuple[DesignQ, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (DECOMPOSITION,)

    def table(self) -> Table:
        """The parts, then each design."""
        columns = (
            Column("part", "part"),
            Column("trials", "trials", "count", "right"),
            Column("q", "Q", align="right"),
            Column("df", "df", "count", "right"),
            Column("p_value", "p", "p", "right"),
            Column("detached", "Q between without it", align="right"),
        )

        def row(
            name: str, test: QTest, trials: int | None, detached: QTest | None
        ) -> tuple[Any, ...]:
            rest = None if detached is None else significant(detached.q, 4)
            p = test.p_value if test.df else None
            return (name, trials, significant(test.q, 5), test.df, p, rest)

        rows = [
            row("total", self.total, None, None),
            row("within designs", self.within, None, None),
            row("between designs", self.between, None, None),
            row("between designs, random effects", self.random, None, None),
            *(row(" : ".join(d.design), d.within, d.trials, d.detached) for d in self.designs),
        ]
        return Table("Where trials disagree", columns, tuple(rows), missing="")

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a part."""
        return self.table().to_frame(backend)

    def __repr__(self) -> str:
        return (
            f"<Decomposition: between designs Q {significant(self.between.q, 4)} on "
            f"{self.between.df} df, p {p_value(self.between.p_value)}; random effects p "
            f"{p_value(self.random.p_value)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def decomposition(net: Net) -> Decomposition:
    """Split Cochran's Q of a network into parts within and between designs.

    Notes
    -----
    Trials of the same treatments form a design. Q between designs is what is left when every
    design has effects of its own; tau² within designs is its DerSimonian–Laird estimate in that
    model, and Q between designs with it is the global test of Higgins et al. 2012.

    Source: Krahn, Binder & König 2013, BMC Med Res Methodol 13:35,
    doi:10.1186/1471-2288-13-35.
    """
    parts = designs_of(net)
    found = [_within(part, 0.0) for part in parts]
    total = QTest(q := solve(net, 0.0).q, net.df, chi2_tail(q, net.df))
    within, between, random, tau2 = _split_q(net, parts, found, total)
    q_within, df_within, df_between = within.q, within.df, between.df
    designs = tuple(
        DesignQ(
            design=tuple(sorted((net.treatments[a] for a in part.arms[0]), key=natural)),
            trials=len(part.y),
            within=q_test(f[0], (len(part.y) - 1) * (part.size - 1)),
            detached=_detached(net, part, f[0], q_within, df_within),
        )
        for part, f in zip(parts, found, strict=True)
    )
    order = sorted(range(len(designs)), key=lambda i: all_natural(designs[i].design))
    notes = []
    if df_between == 0:
        text = "No loop of designs is closed, so nothing tests whether designs agree."
        notes.append(Note("no-loops", text))
    elif df_within == 0:
        text = "No design has two trials, so differences within designs cannot be told apart."
        notes.append(Note("no-replicates", text))
    return Decomposition(
        total,
        within,
        between,
        random,
        tau2,
        tuple(designs[i] for i in order),
        tuple(notes),
    )


def between_designs(net: Net) -> QTest:
    """The design-by-treatment test under random effects alone, without a look at single designs."""
    parts = designs_of(net)
    q = solve(net, 0.0).q
    found = [_within(part, 0.0) for part in parts]
    return _split_q(net, parts, found, QTest(q, net.df, chi2_tail(q, net.df)))[2]


def _split_q(
    net: Net, parts: Sequence[Group], found: Sequence[tuple[float, float]], total: QTest
) -> tuple[QTest, QTest, QTest, float]:
    """Q within and between designs, the latter under random effects, and their tau²."""
    q_within = math.fsum(f[0] for f in found)
    df_within = sum((len(p.y) - 1) * (p.size - 1) for p in parts)
    within = QTest(q_within, df_within, chi2_tail(q_within, df_within))
    df_between = net.df - df_within
    between = q_test(total.q - q_within, df_between)
    trace = math.fsum(f[1] for f in found)
    tau2 = max(0.0, (q_within - df_within) / trace) if df_within else 0.0
    again = solve(net, tau2).q - math.fsum(_within(part, tau2)[0] for part in parts)
    return within, between, q_test(again, df_between), tau2


def q_test(q: float, df: int) -> QTest:
    """A Q statistic with its p value; 0 where it has no degrees of freedom."""
    q = max(q, 0.0) if df else 0.0
    return QTest(q, df, chi2_tail(q, df))


def _within(part: Group, tau2: float) -> tuple[float, float]:
    """Q of one design about its own mean, and the trace that its tau² is estimated with."""
    W = part.weights(tau2)
    total = W.sum(axis=0)
    mean = np.linalg.solve(total, np.einsum("bij,bj->i", W, part.y))
    e = part.y - mean
    q = float(np.einsum("bi,bij,bj->", e, W, e))
    WR = W @ part.R
    trace = float(np.trace(WR, axis1=1, axis2=2).sum())
    trace -= float(np.trace(np.linalg.solve(total, (WR @ W).sum(axis=0))))
    return (q, trace) if len(part.y) > 1 else (0.0, 0.0)


def _detached(net: Net, part: Group, q: float, q_within: float, df_within: int) -> QTest | None:
    """Q between designs when this design has effects of its own."""
    kept = without(net, part)
    rest_of = pieces(kept, net.n)
    df = sum(g.y.size for g in kept) - rest_of.rank + (len(part.y) - 1) * (part.size - 1)
    left = df - df_within
    if left == net.df - df_within:
        return None
    return q_test(rest_of.q + q - q_within, left)
