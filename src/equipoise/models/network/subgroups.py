"""A network for each kind of trial, and whether effects differ between the kinds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Method, Note, QTest, Result
from equipoise.core.table import Column, Table, counted, p_statement, percent, significant
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Column as Given
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.correlated import TAU2, shared_effects, tau2_of
from equipoise.models.intervals import shown
from equipoise.models.network.connect import check_connected
from equipoise.models.network.core import subnetworks
from equipoise.models.network.covariates import ByStudy, by_study, with_value
from equipoise.models.network.fit import NetworkFit, network
from equipoise.models.network.reading import NetworkEffect
from equipoise.num.dist import chi2_tail
from equipoise.num.linalg import gls

BORENSTEIN = Method(
    "test of subgroup differences",
    "Borenstein, Higgins 2013, Prev Sci 14:134",
    "10.1007/s11121-013-0377-7",
)
HOLM = Method("p values adjusted for several tests", "Holm 1979, Scand J Stat 6:65")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LevelNetwork(Result):
    """The network of one kind of trial.

    Attributes
    ----------
    level
        The kind.
    k, tau2
        Its trials, and their variance of an effect between trials.
    fits
        One network; several where its trials fall apart, the largest first.
    """

    level: str
    k: int
    tau2: float
    fits: tuple[NetworkFit, ...]

    @property
    def treatments(self) -> tuple[str, ...]:
        """All treatments that its trials compare."""
        return tuple(sorted((t for fit in self.fits for t in fit.treatments), key=natural))

    def part(self, treat1: str, treat2: str) -> NetworkFit | None:
        """The network that has both treatments; None where none has."""
        return next((f for f in self.fits if {treat1, treat2} <= set(f.treatments)), None)

    def effect(self, treat1: str, treat2: str) -> NetworkEffect:
        """The effect of `treat1` minus that of `treat2` in these trials.

        Raises
        ------
        UnknownNameError
            On a treatment that these trials do not have.
        NotEstimableError
            When nothing joins the two here.
        """
        for name in (treat1, treat2):
            if name not in self.treatments:
                raise UnknownNameError(f"treatment of {self.level}", name, self.treatments)
        found = self.part(treat1, treat2)
        if found is None:
            raise NotEstimableError(
                f"no trials of {self.level} join {treat1} and {treat2}",
                hint="a comparison within one part: "
                + "; ".join(", ".join(fit.treatments) for fit in self.fits),
            )
        return found.effect(treat1, treat2)


@dataclass(frozen=True, slots=True)
class LevelPair(Result):
    """One comparison in the networks that have it.

    Attributes
    ----------
    treat1, treat2
        The comparison, first minus second.
    levels
        The kinds of trial whose networks can tell it.
    trials
        How many trials of each compare the two directly.
    estimates, ses
        The effect in each and its plain standard error, on the scale of analysis.
    q, df, p_value
        That it is the same in all of them; `df` is 0 with one.
    p_holm
        The p value, adjusted for all comparisons that are tested (Holm).
    difference, difference_se
        First level minus second, where there are two; NaN otherwise.
    """

    treat1: str
    treat2: str
    levels: tuple[str, ...]
    trials: tuple[int, ...]
    estimates: tuple[float, ...]
    ses: tuple[float, ...]
    q: float
    df: int
    p_value: float
    p_holm: float
    difference: float
    difference_se: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetworkSubgroups(Result):
    """A network for each kind of trial, and the tests of their differences.

    Attributes
    ----------
    by, tau2
        What the trials are grouped by; ``separate`` or ``common`` tau².
    levels, networks
        The kinds in order of appearance, and the network of each.
    overall
        The network of all their trials.
    test
        That all effects are the same in all networks that have them (Q between networks).
    pairs
        Each comparison that some network can tell.
    left_out, notes, methods
        Trials of no kind and why; what to know; the papers.
    """

    by: str
    tau2: str
    levels: tuple[str, ...]
    networks: tuple[LevelNetwork, ...]
    overall: NetworkFit
    test: QTest
    pairs: tuple[LevelPair, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, level: str) -> LevelNetwork:
        if level not in self.levels:
            raise UnknownNameError("subgroup", level, self.levels)
        return self.networks[self.levels.index(level)]

    @typed
    def pair(self, treat1: str, treat2: str) -> LevelPair:
        """One comparison, in either order of its names.

        Raises
        ------
        InputError
            When no network can tell it.
        """
        for found in self.pairs:
            if {found.treat1, found.treat2} == {treat1, treat2}:
                return found
        raise InputError(
            f"no network can tell {treat1} against {treat2}",
            hint=f"treatments of one of {', '.join(self.levels)}",
        )

    def table(self, reference: str | None = None) -> Table:
        """Every comparison with the reference (or all: ``""``), one column a kind of trial."""
        ref = self.overall.reference if reference is None else reference
        if ref and ref not in self.overall.treatments:
            raise UnknownNameError("treatment", ref, self.overall.treatments)
        m = measure_of(self.overall.measure)
        columns = (
            Column("comparison", "comparison"),
            *(Column(level, level, align="right") for level in self.levels),
            Column("p_value", "p of difference", "p", "right"),
            Column("p_holm", "adjusted", "p", "right"),
        )
        rows = []
        for pair in self.pairs:
            if ref and ref not in (pair.treat1, pair.treat2):
                continue
            one, two = pair.treat1, pair.treat2
            if one == ref:
                one, two = two, one
            cells = [self._cell(level, one, two) for level in self.levels]
            p = (pair.p_value, pair.p_holm) if pair.df else (None, None)
            rows.append((f"{one} against {two}", *cells, *p))
        caption = (
            f"{m.name} by {self.by}, {percent(100 * self.overall.level)} confidence intervals; "
            "trials that compare the two directly"
        )
        return Table(caption, columns, tuple(rows), missing="")

    def _cell(self, level: str, one: str, two: str) -> str:
        held = self[level]
        if not {one, two} <= set(held.treatments):
            return "not there"
        if held.part(one, two) is None:
            return "not joined"
        m = measure_of(self.overall.measure)
        found = held.effect(one, two)
        text = "{} ({})".format(*shown(m, m.back(found.estimate), m.back_interval(found.ci)))
        pair = self.pair(one, two)
        k = pair.trials[pair.levels.index(level)]
        return f"{text}; {k or 'indirect'}"

    def summary(self) -> str:
        """The networks, the tests, and what to know; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        yield f"Networks by {self.by}: {measure_of(self.overall.measure).name}"
        for held in self.networks:
            trials = counted(held.k, "trial")
            spread = f", tau² {significant(held.tau2, 4)}"
            random = self.overall.model == "random"
            yield (
                f"{held.level}: {trials} of {counted(len(held.treatments), 'treatment')}"
                f"{spread if random else ''}"
            )
        yield ""
        yield self.table().to_text()
        yield ""
        yield f"Differences between networks: {self._test()}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _test(self) -> str:
        if not self.test.df:
            return "no comparison is in two networks, nothing to test"
        return (
            f"Q {significant(self.test.q, 4)} on {self.test.df} df, "
            f"{p_statement(self.test.p_value)}"
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a comparison and kind of trial, uncut."""
        rows = [
            (pair.treat1, pair.treat2, *cells, pair.q, pair.df, pair.p_value, pair.p_holm)
            for pair in self.pairs
            for cells in zip(pair.levels, pair.trials, pair.estimates, pair.ses, strict=True)
        ]
        told = ("treat1", "treat2", self.by, "trials", "estimate", "se")
        names = (*told, "q", "df", "p_value", "p_holm")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return f"<NetworkSubgroups by {self.by}: {len(self)} networks; {self._test()}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def network_subgroups(
    net: NetworkFit | Contrasts | Arms,
    by: ByStudy,
    *,
    data: object = None,
    study: Given = None,
    name: str | None = None,
    tau2: Literal["separate", "common"] = "separate",
    estimator: str | None = None,
    measure: str | None = None,
    reference: str | None = None,
    model: str | None = None,
    interval: str | None = None,
    level: float | None = None,
) -> NetworkSubgroups:
    """Fit a network to each kind of trial and test whether effects differ between them.

    Parameters
    ----------
    net
        A fitted network, whose contrasts and settings are used; contrasts; or arms with `measure`.
    by, data, study, name
        The kind of each study, as the covariate of :func:`equipoise.network_regress`.
    tau2
        ``separate``: a variance between trials for each kind; ``common``: one for all, estimated
        with effects that differ between kinds.
    estimator
        Estimator of tau²: ``REML``, ``DL`` or ``ML``.
    measure, reference, model, interval, level
        As for :func:`equipoise.network`; those of the fitted network when not given.

    Returns
    -------
    NetworkSubgroups

    Raises
    ------
    InputError
        On kinds that differ within a study, or a common tau² under a common effect.
    NotEstimableError
        When the trials of all kinds together fall apart.
    UnknownNameError
        On unknown names and options.

    Notes
    -----
    The estimates of all networks, with their covariances, are pooled into one network; Q of that,
    on as many degrees of freedom as there are estimates more than effects, tests that kinds do not
    differ. A single comparison is tested by ``Σ w (m − m̄)²`` over the networks that can tell it.
    Under a common effect, Q between networks is Q of all trials minus Q of each network.

    Source: Borenstein, Higgins 2013, Prev Sci 14:134, doi:10.1007/s11121-013-0377-7, for one
    comparison.
    """
    if tau2 not in ("separate", "common"):
        raise UnknownNameError("sharing of tau²", tau2, ("separate", "common"))
    word = name or (by if isinstance(by, str) else "subgroup")
    fitted = net if isinstance(net, NetworkFit) else None
    how: dict[str, Any] = {"model": model, "interval": interval, "level": level}
    code = estimator
    if fitted is not None:
        how = {k: getattr(fitted, k) if v is None else v for k, v in how.items()}
        code = code or (fitted.tau2_method if fitted.tau2_method in TAU2 else None)
    else:
        assert not isinstance(net, NetworkFit)
        fitted = network(net, measure=measure, reference=reference, model="common")
    how = {k: v for k, v in how.items() if v is not None}
    code = code or "REML"
    if code not in TAU2:
        raise UnknownNameError("estimator of tau²", code, tuple(TAU2))
    ref = reference or fitted.reference
    if ref not in fitted.treatments:
        raise UnknownNameError("reference", ref, fitted.treatments)
    values, notes = by_study(fitted.data, by, data, study, word)
    es, gone = with_value(fitted.data, values, word)
    check_connected(es, gone)
    if how.get("model") == "common" and tau2 == "common":
        raise InputError("a common tau² under a common effect", hint="model='random'")
    overall = network(es, reference=ref if ref in {*es.treat1, *es.treat2} else None, **how)
    kinds = {s: str(values[s]) for s in dict.fromkeys(es.study)}
    rows: dict[str, list[int]] = {}
    for i, s in enumerate(es.study):
        rows.setdefault(kinds[s], []).append(i)
    spreads = _spreads(es, rows, code, overall.model, tau2)
    networks = tuple(
        _level(kind, es.take(at), ref, how, value)
        for (kind, at), value in zip(rows.items(), spreads, strict=True)
    )
    pairs = _pairs(networks, overall.treatments)
    test = _between(networks, overall.treatments)
    if gone:
        names = ", ".join(row.study for row in gone)
        notes.append(Note("no-subgroup", f"Of no kind, and so left out: {names}."))
    return NetworkSubgroups(
        by=word,
        tau2=tau2,
        levels=tuple(rows),
        networks=networks,
        overall=overall,
        test=test,
        pairs=pairs,
        left_out=(*fitted.left_out, *gone),
        notes=(*notes, *_notes(networks, pairs, test, overall, tau2)),
        methods=(*overall.methods, BORENSTEIN, HOLM),
    )


def _spreads(
    es: Contrasts, rows: dict[str, list[int]], code: str, model: str, sharing: str
) -> list[float]:
    """tau² of each kind."""
    if model == "common":
        return [0.0] * len(rows)
    if sharing == "common":
        X = _split_design(es, rows)
        one, _ = tau2_of(code, X, np.asarray(es.yi), es.V(), shared_effects(es))
        return [one] * len(rows)
    out = []
    for at in rows.values():
        part = es.take(at)
        X = _split_design(part, {"": list(range(len(part)))})
        out.append(tau2_of(code, X, np.asarray(part.yi), part.V(), shared_effects(part))[0])
    return out


def _split_design(es: Contrasts, rows: dict[str, list[int]]) -> Floats:
    """A column for each treatment of each kind."""
    number: dict[tuple[str, str], int] = {}
    cells = []
    for kind, at in rows.items():
        for i in at:
            for treat, sign in ((es.treat1[i], 1.0), (es.treat2[i], -1.0)):
                cells.append((i, number.setdefault((kind, treat), len(number)), sign))
    X = np.zeros((len(es), len(number)))
    for i, j, sign in cells:
        X[i, j] += sign
    return X


def _level(kind: str, es: Contrasts, ref: str, how: dict[str, Any], spread: float) -> LevelNetwork:
    fits = []
    for part in subnetworks(es):
        at = [i for i, treat in enumerate(es.treat1) if treat in part]
        fits.append(
            network(es.take(at), reference=ref if ref in part else None, tau2=spread, **how)
        )
    return LevelNetwork(kind, len(set(es.study)), spread, tuple(fits))


def _pairs(networks: Sequence[LevelNetwork], treatments: Sequence[str]) -> tuple[LevelPair, ...]:
    found = []
    for one, two in combinations(treatments, 2):
        told = [(held, fit) for held in networks if (fit := held.part(one, two)) is not None]
        if not told:
            continue
        estimates, errors = [], []
        for _, fit in told:
            e = fit.effect(one, two)
            estimates.append(e.estimate)
            errors.append(e.se / math.sqrt(fit.scale) if fit.scale > 0.0 else e.se)
        trials = [_direct(fit.data, one, two) for _, fit in told]
        q = _q(np.array(estimates), np.array(errors))
        df = len(told) - 1
        two_levels = len(told) == 2
        found.append(
            LevelPair(
                treat1=one,
                treat2=two,
                levels=tuple(held.level for held, _ in told),
                trials=tuple(trials),
                estimates=tuple(estimates),
                ses=tuple(errors),
                q=q,
                df=df,
                p_value=chi2_tail(q, df),
                p_holm=1.0,
                difference=estimates[0] - estimates[1] if two_levels else math.nan,
                difference_se=math.hypot(*errors) if two_levels else math.nan,
            )
        )
    return _adjusted(found)


def _adjusted(found: Sequence[LevelPair]) -> tuple[LevelPair, ...]:
    """With p values adjusted by Holm."""
    tested = [pair.p_value for pair in found if pair.df]
    adjusted = iter(holm(tested))
    return tuple(
        dataclasses.replace(pair, p_holm=next(adjusted)) if pair.df else pair for pair in found
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for all of them, in the order given.

    Source: Holm 1979, Scand J Stat 6:65.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    out, so_far = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - place) * p_values[i]))
        out[i] = so_far
    return out


def _q(estimates: Floats, errors: Floats) -> float:
    scale = float(errors.min())
    w = (scale / errors) ** 2
    away = (estimates - estimates[0]) / scale
    away = away - float(w @ away) / float(w.sum())
    return float(w @ (away * away))


def _direct(es: Contrasts, one: str, two: str) -> int:
    """Trials with both treatments among their groups."""
    groups: dict[str, set[str]] = {}
    for study, a, b in zip(es.study, es.treat1, es.treat2, strict=True):
        groups.setdefault(study, set()).update((a, b))
    return sum({one, two} <= held for held in groups.values())


def _between(networks: Sequence[LevelNetwork], treatments: Sequence[str]) -> QTest:
    """Q of one network made of the estimates of all."""
    fits = [fit for held in networks for fit in held.fits]
    number = {t: i for i, t in enumerate(treatments)}
    size = sum(fit.n - 1 for fit in fits)
    X, y, V = np.zeros((size, len(treatments))), np.zeros(size), np.zeros((size, size))
    start = 0
    for fit in fits:
        rows = slice(start, start + fit.n - 1)
        y[rows] = fit.theta[1:] - fit.theta[0]
        full = fit.cov - fit.cov[:1] - fit.cov[:, :1] + fit.cov[0, 0]
        V[rows, rows] = full[1:, 1:]
        for row, treat in enumerate(fit.treatments[1:], start=start):
            X[row, number[treat]] += 1.0
            X[row, number[fit.treatments[0]]] -= 1.0
        start = rows.stop
    found = gls(X, y, V)
    q = found.q if found.df else 0.0
    return QTest(q, found.df, chi2_tail(q, found.df))


def _notes(
    networks: Sequence[LevelNetwork],
    pairs: Sequence[LevelPair],
    test: QTest,
    overall: NetworkFit,
    sharing: str,
) -> list[Note]:
    notes = []
    for held in networks:
        if len(held.fits) > 1:
            parts = "; ".join(
                f"({i}) {', '.join(fit.treatments)}" for i, fit in enumerate(held.fits, start=1)
            )
            text = f"The trials of {held.level} form {len(held.fits)} networks: {parts}."
            notes.append(Note("disconnected-subgroup", text))
    if len(networks) == 1:
        text = f"All trials are of one kind, {networks[0].level}."
        notes.append(Note("one-subgroup", text))
        return notes
    alone = [
        f"{t} only in {here[0]}"
        for t in overall.treatments
        if len(here := [h.level for h in networks if t in h.treatments]) == 1
    ]
    if alone:
        notes.append(Note("only-in-one", f"Not to be compared between kinds: {', '.join(alone)}."))
    small = [h.level for h in networks if h.k < 5]
    if small and sharing == "separate" and overall.model == "random":
        text = "tau² is hardly known there; tau2='common' shares it"
        notes.append(
            Note("small-subgroups", f"Fewer than five trials: {', '.join(small)}; {text}.")
        )
    tested = sum(pair.df > 0 for pair in pairs)
    if tested > 1:
        text = (
            f"{tested} comparisons are tested, whose p values are adjusted by "
            "Holm beside the "
            "plain ones; the test over all networks is one test."
        )
        notes.append(Note("several-tests", text))
    if test.df:
        text = (
            "Trials were not randomised to a kind: a difference between kinds may be that of "
            "something else."
        )
        notes.append(Note("between-trials", text))
    return notes
