"""Network meta-analysis: many treatments compared at once, with what each estimate rests on."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError, other_evidence
from equipoise.core.order import natural
from equipoise.core.result import Interval, Method, Note, QTest
from equipoise.core.table import counted, percent, significant
from equipoise.core.table import p_value as p_text
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import read_only
from equipoise.effects.measures import measure_of
from equipoise.effects.reported import OTHER_NAME, check_range, whole_trials
from equipoise.models.correlated import TAU2
from equipoise.models.network.connect import NO_ESTIMATE, check_connected, check_twins
from equipoise.models.network.core import (
    Estimates,
    Net,
    frozen,
    make_net,
    pooled_direct,
    solve,
)
from equipoise.models.network.diagnostics import Diagnosed
from equipoise.models.network.inconsistency import between_designs
from equipoise.models.network.rare import RareNetworkFit, rare_network
from equipoise.models.network.reading import NetworkReading
from equipoise.models.network.spread import check_given_tau2, estimate_tau2
from equipoise.models.network.written import Spread, report
from equipoise.models.tau2_intervals import i2_text, q_based
from equipoise.num.dist import chi2_tail, critical

MODELS = ("random", "common")
INTERVALS = ("Wald", "t", "HK", "HK-guarded")
PREDICTIONS = ("V", "HTS")

RUECKER = Method(
    "network meta-analysis by weighted least squares",
    "Rücker 2012, Res Synth Methods 3:312",
    "10.1002/jrsm.1058",
)
PREDICTION = Method(
    "prediction intervals in a network",
    "Higgins, Thompson, Spiegelhalter 2009, J R Stat Soc A 172:137",
    "10.1111/j.1467-985X.2008.00552.x",
)


#: Q below this share of the sum of squares is rounding.
_ROUNDING = 1e-28


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetworkFit(Diagnosed, NetworkReading):
    """Effects of many treatments against each other.

    Everything is on the scale of analysis (logs of ratios).

    Attributes
    ----------
    measure, model, interval, level
        Code of the measure; ``random`` or ``common``; kind and level of the intervals.
    treatments, reference
        Names in order, and the one that summaries compare with.
    k, m, designs
        Trials, pairs of groups that they compare, and different sets of treatments.
    data
        The contrasts that were used, with their covariances.
    theta, cov
        Effects against the first treatment, shape (n,), and their covariance matrix.
    scale
        What variances are multiplied by: 1, but for Hartung–Knapp.
    df
        Degrees of freedom of intervals and tests; infinite for normal ones.
    tau2, tau2_method
        Variance between trials of an effect, one for all comparisons; its estimator.
    q, q_df, q_p
        Cochran's Q of the common effect: heterogeneity and inconsistency together.
    i2, i2_ci, h2, h2_ci
        I² in percent and H², from Q, with their test-based intervals (None below two degrees of
        freedom).
    left_out, notes, methods
        What was not used and why; what to know; the papers.
    """

    model: str
    interval: str
    data: Contrasts
    prediction: str
    tau2: float
    tau2_method: str
    q: float
    q_df: int
    q_p: float
    i2: float
    i2_ci: Interval | None
    h2: float
    h2_ci: Interval | None

    def _predicts(self) -> tuple[float, float] | None:
        df = self.q_df - (1 if self.prediction == "HTS" else 0)
        return None if self.model == "common" or df < 1 else (float(df), self.tau2)

    def _prediction(self, estimate: float, se: float, same: bool) -> Interval | None:
        df = self.q_df - (1 if self.prediction == "HTS" else 0)
        if self.model == "common" or df < 1 or same:
            return None
        half = critical(self.level, df) * math.hypot(se, math.sqrt(self.tau2))
        text = f"{self.prediction}: t with {df} df"
        return Interval(estimate - half, estimate + half, self.level, text)

    def _quantile(self, df: float) -> str:
        name = "Hartung–Knapp, " if self.interval.startswith("HK") else ""
        return f"{name}{'normal' if math.isinf(df) else f't with {df:g} df'}"

    def _core(self) -> tuple[Net, Estimates]:
        return make_net(self.data, self.treatments), Estimates(self.tau2, self.theta, self.cov)

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        net, at = self._core()
        direct = int((pooled_direct(net, at.tau2)[2] > 0).sum()) // 2
        spread = Spread(
            random=self.model == "random",
            tau2=self.tau2,
            code=self.tau2_method,
            q=QTest(self.q, self.q_df, self.q_p),
            between=between_designs(net),
            i2=i2_text(self.i2, self.i2_ci),
        )
        return report(self, spread, direct)

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Network of {counted(self.n, 'treatment')}: {counted(self.k, 'trial')}, "
            f"{counted(self.m, 'comparison')}, {counted(self.designs, 'design')}, {m.name}"
        )
        yield ""
        yield self.against().to_text()
        if self.model == "random":
            yield f"tau² {significant(self.tau2, 4)}, {self.tau2_method}"
        yield (
            f"{i2_text(self.i2, self.i2_ci)}; Q {significant(self.q, 5)} on {self.q_df} df, "
            f"p {p_text(self.q_p)}"
        )
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def __repr__(self) -> str:
        spread = f"; tau² {significant(self.tau2)}" if self.model == "random" else ""
        return (
            f"<NetworkFit {self.measure}: {counted(self.n, 'treatment')}, "
            f"{counted(self.k, 'trial')}{spread}, "
            f"I² {percent(self.i2)}>"
        )


@overload
def network(
    es: Contrasts | Arms,
    *,
    method: Literal["IV"] = "IV",
    measure: str | None = None,
    reference: str | None = None,
    model: str | None = None,
    tau2: str | float = "REML",
    interval: str = "Wald",
    prediction: str = "V",
    level: float = 0.95,
) -> NetworkFit: ...


@overload
def network(
    es: Contrasts | Arms,
    *,
    method: Literal["MH", "NCH", "NCH-Breslow", "penalised", "binomial"],
    measure: str | None = None,
    reference: str | None = None,
    model: str | None = None,
    level: float = 0.95,
) -> RareNetworkFit: ...


@typed
def network(
    es: Contrasts | Arms,
    *,
    method: str = "IV",
    measure: str | None = None,
    reference: str | None = None,
    model: str | None = None,
    tau2: str | float = "REML",
    interval: str = "Wald",
    prediction: str = "V",
    level: float = 0.95,
) -> NetworkFit | RareNetworkFit:
    """Compare many treatments at once by all direct and indirect evidence.

    Parameters
    ----------
    es
        Contrasts with `treat1` and `treat2` (the effect is the first minus the second), or the
        results of arms.
    method
        ``IV`` (weighted least squares), or for rare events, from counts and without adding to
        zeros: ``MH`` (Mantel–Haenszel), ``NCH`` (non-central hypergeometric, exact),
        ``NCH-Breslow`` (its approximation), ``penalised`` (Firth's likelihood) or ``binomial``
        (logistic model). These give odds ratios only.
    measure
        Needed with arms: ``OR``, ``RR``, ``RD``, ``MD``, ``SMD`` and others.
    reference
        The treatment that summaries compare with; the one with the most people when not given,
        or, where people are unknown, with the most comparisons.
    model
        ``random`` or ``common``: random by default for ``IV`` and ``binomial``, common for the
        others; ``penalised`` has ``overdispersed`` too.
    tau2
        ``REML``, ``DL`` or ``ML``: one variance between trials for all comparisons. Or that
        variance as a number.
    interval
        ``Wald``, ``t`` (Q's degrees of freedom), ``HK`` (variances scaled by the random-effects Q
        over its degrees of freedom, and t) or ``HK-guarded`` (never scaled down).
    prediction
        ``V`` (t with Q's degrees of freedom) or ``HTS`` (one less).
    level
        Level of all intervals.

    Returns
    -------
    NetworkFit, or RareNetworkFit for methods of rare events

    Raises
    ------
    InputError
        On contrasts without treatments or of a treatment with itself, comparisons of one study
        that do not add up, a variance of 0, or names that differ only in case, spaces or
        punctuation.
    NotEstimableError
        When nothing joins some treatments with the others: which, and what would.
    UnknownNameError
        On an unknown reference or option, with the nearest known one.

    Notes
    -----
    Weighted least squares on the graph of treatments; a trial of several arms enters as a block
    with its full covariance, and random effects of contrasts that share an arm correlate by ½.

    Source: Rücker 2012, Res Synth Methods 3:312, doi:10.1002/jrsm.1058.
    Checked against netmeta in ``validation/values/network_*.json``.
    """
    if not isinstance(es, (Contrasts, Arms)):
        raise other_evidence(es, "what contrasts(), effect_sizes() or arms() give")
    if method != "IV":
        if (tau2, interval, prediction) != ("REML", "Wald", "V"):
            raise InputError(
                f"tau2, interval or prediction with method {method!r}", hint="method='IV' has them"
            )
        return rare_network(
            es, method=method, measure=measure, reference=reference, model=model, level=level
        )
    model = "random" if model is None else model
    for kind, value, known in (
        ("model", model, MODELS),
        ("estimator of tau²", tau2 if isinstance(tau2, str) else "REML", tuple(TAU2)),
        ("interval", interval, INTERVALS),
        ("prediction interval", prediction, PREDICTIONS),
    ):
        if value not in known:
            raise UnknownNameError(kind, value, known)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    rows, left_out, notes = _usable(_contrasts(es, measure, reference))
    check_connected(rows, left_out)
    names = tuple(sorted({*rows.treat1, *rows.treat2}, key=natural))
    ref = _most_known(rows) if reference is None else reference
    if ref not in names:
        raise UnknownNameError("reference", ref, names)
    net = make_net(rows, names)
    spread, about, named = _spread(net, rows, tau2 if model == "random" else 0.0)
    at, common = solve(net, spread), solve(net, 0.0)
    df = net.df
    scale, own = _scaling(interval, at.q, df)
    notes += about
    if own < 1:
        text = "Q has no degrees of freedom, so normal intervals are shown."
        notes.append(Note("no-degrees-of-freedom-left", text))
        own, scale = math.inf, 1.0
    q = _beyond_rounding(common.q, rows)
    i2, i2_ci, _, h2_ci = q_based(q, df, level)
    methods = (RUECKER, *((*named, PREDICTION) if model == "random" else ()))
    return NetworkFit(
        measure=rows.measure,
        model=model,
        interval=interval,
        level=level,
        treatments=names,
        reference=ref,
        k=len(net.trials),
        m=sum(len(g.y) * g.size * (g.size - 1) // 2 for g in net.groups),
        designs=_designs(net),
        data=rows,
        theta=read_only(at.theta),
        cov=frozen(at.G),
        scale=scale,
        df=own,
        prediction=prediction,
        tau2=spread,
        tau2_method="" if model == "common" else tau2 if isinstance(tau2, str) else "given",
        q=q if df else 0.0,
        q_df=df,
        q_p=chi2_tail(q, df),
        i2=i2,
        i2_ci=i2_ci,
        h2=q / df if df else 1.0,
        h2_ci=h2_ci,
        left_out=left_out,
        notes=tuple(notes),
        methods=methods,
    )


def _spread(
    net: Net, rows: Contrasts, tau2: str | float
) -> tuple[float, list[Note], tuple[Method, ...]]:
    """tau², what to know about it, and the paper of its estimator."""
    if isinstance(tau2, str):
        return *estimate_tau2(net, rows, tau2), (TAU2[tau2],)
    check_given_tau2(tau2)
    return float(tau2), [], ()


def _beyond_rounding(q: float, rows: Contrasts) -> float:
    """Q, or 0 where it is no more than the rounding of the estimates."""
    return q if q > _ROUNDING * float((rows.yi**2 / rows.vi).sum()) else 0.0


def _scaling(interval: str, q: float, df: int) -> tuple[float, float]:
    """What variances are multiplied by, and the degrees of freedom of intervals."""
    if interval == "Wald":
        return 1.0, math.inf
    if interval == "t" or df < 1:
        return 1.0, float(df)
    factor = q / df
    return (max(1.0, factor) if interval == "HK-guarded" else factor), float(df)


def _designs(net: Net) -> int:
    by_trial: dict[int, set[int]] = {}
    for g in net.groups:
        for trial, arms in zip(g.trial.tolist(), g.arms.tolist(), strict=True):
            by_trial.setdefault(trial, set()).update(arms)
    return len({frozenset(arms) for arms in by_trial.values()})


def _contrasts(es: Contrasts | Arms, measure: str | None, reference: str | None) -> Contrasts:
    if isinstance(es, Arms):
        if measure is None:
            raise InputError("arms without a measure", hint="measure='OR', 'RR', 'MD', …")
        known = reference if reference in es.treat else None
        return es.contrasts(measure, reference=known)
    if measure is not None and measure != es.measure:
        raise InputError(f"{measure} from contrasts of {es.measure}", hint="leave measure out")
    return es


def _usable(es: Contrasts) -> tuple[Contrasts, tuple[LeftOut, ...], list[Note]]:
    """Rows with an estimate, those without, and what to know; every name checked."""
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        if not one or not two:
            raise InputError(
                "a contrast that does not say what was compared",
                where=f"study {study}",
                hint="treat1 and treat2",
            )
        if one == two:
            raise InputError(
                f"{one!r} compared with itself",
                where=f"study {study}",
                hint=OTHER_NAME,
            )
    for i in np.flatnonzero(es.vi <= 0.0).tolist():
        raise InputError(
            f"a variance of {es.vi[i]:g}",
            where=f"study {es.study[i]}, {es.treat1[i]} against {es.treat2[i]}",
            hint="a variance above 0; 0 may stand for 'not reported'",
        )
    check_range(es)
    check_twins(es)
    es = whole_trials(es)
    good = np.isfinite(es.yi) & np.isfinite(es.vi)
    left = tuple(
        LeftOut(es.study[i], f"{NO_ESTIMATE}{es.treat1[i]} against {es.treat2[i]}")
        for i in np.flatnonzero(~good).tolist()
    )
    rows = es.take(np.flatnonzero(good).tolist())
    if not len(rows):
        gone = (*es.left_out, *left)
        why = "; ".join(f"{row.study}: {row.why}" for row in gone[:3])
        raise InputError(
            "no contrast has an estimate", where=why, hint="at least one trial with two groups"
        )
    notes = list(es.notes)
    if left and not any(note.code == "missing" for note in es.notes):
        names = ", ".join(dict.fromkeys(row.study for row in left))
        notes.append(Note("left-out", f"Left out because there is nothing to pool: {names}."))
    return dataclasses.replace(rows, left_out=(), notes=()), (*es.left_out, *left), notes


def _most_known(es: Contrasts) -> str:
    people: Counter[str] = Counter()
    for names, sizes in ((es.treat1, es.n1), (es.treat2, es.n2)):
        for name, size in zip(names, sizes.tolist(), strict=True):
            people[name] += 0 if math.isnan(size) else int(size)
    if not any(people.values()):
        people = Counter([*es.treat1, *es.treat2])
    return min(people, key=lambda name: (-people[name], natural(name)))
