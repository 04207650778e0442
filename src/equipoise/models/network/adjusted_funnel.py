"""The comparison-adjusted funnel: small trials against large ones across a whole network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import EquipoiseError, InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, percent, significant
from equipoise.core.table import p_value as p_text
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats, Ints, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.asymmetry import SmallStudyTest, small_study
from equipoise.models.bias.rows import check_level
from equipoise.models.network.core import Net
from equipoise.models.network.inconsistency import direct_evidence
from equipoise.num.dist import critical

ADJUSTED = Method(
    "comparison-adjusted funnel plot",
    "Chaimani, Salanti 2012, Res Synth Methods 3:161; Chaimani, Higgins, Mavridis, Spyridonos, "
    "Salanti 2013, PLoS One 8:e76654",
    "10.1002/jrsm.57",
)

#: Tests of asymmetry that are published for it.
TESTS = ("Egger", "Begg", "Thompson-Sharp")

_WHY = (
    "the tests and the plot look for small trials that favour one side, and which side that is has "
    "to be said before looking, such as from the oldest to the newest treatment"
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ComparisonFunnel(Result):
    """What a comparison-adjusted funnel plot draws, on the scale of analysis.

    Attributes
    ----------
    measure, order, level, tau2
        Code of the measure; treatments in the order given; level of the limits; the variance
        between trials in the weights of the direct estimates.
    study, treat1, treat2
        One value a point: the trial and its comparison, `treat1` before `treat2` in the order.
    comparisons
        The comparisons that trials made, as pairs in the order of the treatments.
    comparison
        For each point, the number of its comparison: its colour.
    yi, center, adjusted, sei
        What the trial saw, `treat1` minus `treat2`; the direct estimate of that comparison; what
        it saw less that; its standard error.
    k
        For each point, how many trials made its comparison.
    se, low, high
        Limits along standard errors from 0 to a little beyond the largest.
    tests
        The tests that could be run.
    not_run
        The others, with the reason.
    notes, methods
        What to know; the papers.
    """

    measure: str
    order: tuple[str, ...]
    level: float
    tau2: float
    study: tuple[str, ...]
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    comparisons: tuple[tuple[str, str], ...]
    comparison: Ints
    yi: Floats
    center: Floats
    adjusted: Floats
    sei: Floats
    k: Ints
    se: Floats
    low: Floats
    high: Floats
    tests: tuple[SmallStudyTest, ...]
    not_run: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.study)

    def table(self) -> Table:
        """The tests of asymmetry."""
        columns = (
            Column("test", "test"),
            Column("k", "points", "count", "right"),
            Column("statistic", "statistic"),
            Column("p_value", "p", "p", "right"),
        )
        rows = tuple((t.test, t.k, t.statistic_text, t.p_value) for t in self.tests)
        name = measure_of(self.measure).name
        return Table(f"Comparison-adjusted tests of asymmetry: {name}", columns, rows)

    def summary(self) -> str:
        """The tests, then what to know; digits are cut for reading."""
        lines = [
            f"Comparison-adjusted funnel of {counted(len(self), 'point')} from "
            f"{counted(len(set(self.study)), 'trial')} "
            f"and {counted(len(self.comparisons), 'comparison')}, "
            f"{percent(100 * self.level)} limits",
            f"Order: {', '.join(self.order)}",
            "",
            self.table().to_text(),
            *(f"Not run: {row.study} ({row.why})" for row in self.not_run),
            *(f"Note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a point."""
        names = ("study", "treat1", "treat2", "yi", "center", "adjusted", "sei", "k")
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        said = "; ".join(f"{t.test} p {p_text(t.p_value)}" for t in self.tests) or "no test"
        return f"<ComparisonFunnel of {counted(len(self), 'point')}: {said}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def comparison_funnel(
    net: Net,
    es: Contrasts,
    order: Sequence[str] | None,
    *,
    tau2: float,
    level: float = 0.95,
    points: int = 61,
) -> ComparisonFunnel:
    """Compute what a comparison-adjusted funnel plot draws, and its tests.

    Parameters
    ----------
    net, es
        The network and its contrasts.
    order
        All treatments, in an order in which small trials are expected to favour one side.
    tau2
        In the weights of the direct estimates that points are measured from.
    level, points
        Level of the limits; at how many standard errors they are given.

    Raises
    ------
    InputError
        Without an order, or with one that leaves out or repeats a treatment.
    UnknownNameError
        On a treatment that the network does not have.

    Notes
    -----
    Every comparison of every trial is a point, a trial of several arms with each of its pairs.
    What it saw is measured from the direct estimate of its comparison, so that comparisons with
    different effects lie about one line. The tests are those of :func:`equipoise.small_study` on
    these distances.

    Source: Chaimani & Salanti 2012, Res Synth Methods 3:161, doi:10.1002/jrsm.57.
    """
    rank = _ranks(net, order)
    check_level(level)
    if points < 2:
        raise InputError(f"{counted(points, 'point')} of the limits", hint="at least two")
    weight, moment, trials = direct_evidence(net, tau2)
    study, one, two, y, v = _points(net, rank)
    center = moment[one, two] / weight[one, two]
    k = trials[one, two].astype(np.intp)
    # A comparison of one trial is its own direct estimate, to the last digit.
    adjusted = np.where(k == 1, 0.0, y - center)
    places = sorted({*zip(one.tolist(), two.tolist(), strict=True)}, key=lambda p: _key(rank, p))
    number = {pair: i for i, pair in enumerate(places)}
    names = net.treatments
    label = tuple(net.trials[s] for s in study.tolist())
    first, second = (tuple(names[i] for i in a.tolist()) for a in (one, two))
    tests, not_run = _tests(es.measure, label, first, second, adjusted, v)
    sei = np.sqrt(v)
    se = np.linspace(0.0, 1.05 * float(sei.max()), points)
    half = critical(level) * se
    colours = [number[p] for p in zip(one.tolist(), two.tolist(), strict=True)]
    return ComparisonFunnel(
        measure=es.measure,
        order=tuple(sorted(names, key=lambda t: rank[names.index(t)])),
        level=level,
        tau2=tau2,
        study=label,
        treat1=first,
        treat2=second,
        comparisons=tuple((names[i], names[j]) for i, j in places),
        comparison=read_only(np.array(colours), np.intp),
        yi=read_only(y),
        center=read_only(center),
        adjusted=read_only(adjusted),
        sei=read_only(sei),
        k=read_only(k, np.intp),
        se=read_only(se),
        low=read_only(-half),
        high=read_only(half),
        tests=tests,
        not_run=not_run,
        notes=tuple(_about(k, net)),
        methods=(ADJUSTED, *dict.fromkeys(m for t in tests for m in t.methods)),
    )


def _ranks(net: Net, order: Sequence[str] | None) -> Ints:
    """The place of each treatment in the order."""
    if order is None or isinstance(order, str):
        raise InputError(
            f"a comparison-adjusted funnel without an order of the treatments: {_WHY}",
            hint=f"order=[{', '.join(repr(t) for t in net.treatments[:3])}, …]",
        )
    given = list(order)
    for name in given:
        if name not in net.treatments:
            raise UnknownNameError("treatment", name, net.treatments)
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} twice in the order", hint="each treatment once")
    gone = [name for name in net.treatments if name not in given]
    if gone:
        raise InputError(
            f"an order without {', '.join(gone)}",
            hint=f"all {counted(net.n, 'treatment')}, each once",
        )
    return np.array([given.index(name) for name in net.treatments], dtype=np.intp)


def _key(rank: Ints, pair: tuple[int, int]) -> tuple[int, int]:
    return int(rank[pair[0]]), int(rank[pair[1]])


def _points(net: Net, rank: Ints) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Every comparison of every trial: trial, the two treatments by the order, what it saw."""
    parts = []
    for g in net.groups:
        level = np.concatenate([np.zeros((len(g.y), 1)), g.y], axis=1)
        full = np.zeros((len(g.y), g.size, g.size))
        full[:, 1:, 1:] = g.V
        for i in range(g.size):
            for j in range(i + 1, g.size):
                a, b = g.arms[:, i], g.arms[:, j]
                before = rank[a] < rank[b]
                y = np.where(before, 1.0, -1.0) * (level[:, i] - level[:, j])
                v = full[:, i, i] + full[:, j, j] - 2.0 * full[:, i, j]
                parts.append((g.trial, np.where(before, a, b), np.where(before, b, a), y, v))
    trial, one, two, y, v = (np.concatenate(c) for c in zip(*parts, strict=True))
    at = np.lexsort((rank[two], rank[one], trial))
    return trial[at], one[at], two[at], y[at], v[at]


def _tests(
    measure: str,
    study: tuple[str, ...],
    treat1: tuple[str, ...],
    treat2: tuple[str, ...],
    adjusted: Floats,
    v: Floats,
) -> tuple[tuple[SmallStudyTest, ...], tuple[LeftOut, ...]]:
    label = tuple(f"{s} ({a} : {b})" for s, a, b in zip(study, treat1, treat2, strict=True))
    rows = Contrasts(measure, label, adjusted, v, treat1, treat2)
    done, not_run = [], []
    for name in TESTS:
        try:
            done.append(small_study(rows, name))
        except EquipoiseError as why:
            not_run.append(LeftOut(name, why.what))
    return tuple(done), tuple(not_run)


def _about(k: Ints, net: Net) -> list[Note]:
    notes = []
    single = int((k == 1).sum())
    if single:
        text = (
            f"{single} of {counted(len(k), 'point')} are the only trial of their comparison: "
            "they lie on the "
            "line by construction and say nothing about asymmetry."
        )
        notes.append(Note("only-trial", text))
    if any(g.size > 2 for g in net.groups):
        text = (
            "A trial of several arms is there once for each pair of its arms; the tests take these "
            f"points as independent, which overstates what they know ({significant(len(k), 4)} "
            f"points, {counted(len(net.trials), 'trial')})."
        )
        notes.append(Note("several-arms", text))
    return notes
