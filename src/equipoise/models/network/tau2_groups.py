"""Networks in which trials differ more in some comparisons than in others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Interval, Method, Note, QTest, Result
from equipoise.core.table import Column, Table, counted, p_statement, significant
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.correlated import TAU2, shared_effects, tau2_of
from equipoise.models.network.core import frozen
from equipoise.models.network.fit import PREDICTIONS, RUECKER, NetworkFit, network
from equipoise.models.network.reading import NetworkEffect, NetworkReading
from equipoise.models.network.variances import Likelihood, highest
from equipoise.num.dist import chi2_tail, critical
from equipoise.num.linalg import gls

LU_ADES = Method(
    "variances between trials by treatment class",
    "Lu, Ades 2009, Biostatistics 10:792",
    "10.1093/biostatistics/kxp032",
)

#: The class of treatments that a mapping does not name.
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class GroupTau2(Result):
    """The variance between trials of one group of comparisons.

    Attributes
    ----------
    classes
        The classes of the two treatments.
    tau2
        Variance of an effect between trials: the mean of the two classes' own.
    trials
        How many trials make such a comparison.
    """

    classes: tuple[str, str]
    tau2: float
    trials: int

    @property
    def name(self) -> str:
        """Such as ``placebo against others``."""
        return f"{self.classes[0]} against {self.classes[1]}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Tau2ByGroup(NetworkReading):
    """Effects of many treatments where tau² differs by group of comparisons.

    Attributes
    ----------
    classes
        The class of each treatment.
    class_tau2
        tau² of comparisons within each class, by name. A comparison of two classes has the mean of
        theirs.
    groups
        The groups of comparisons that trials make, each with its tau².
    tau2_method, prediction
        ``REML`` or ``ML``; kind of the prediction intervals.
    common
        The network with one tau².
    test
        The likelihood-ratio test that all classes have the same tau²: statistic, df, p.
    optima
        Local maxima of the likelihood that were seen.
    """

    classes: dict[str, str]
    class_tau2: dict[str, float]
    groups: tuple[GroupTau2, ...]
    tau2_method: str
    prediction: str
    common: NetworkFit
    test: QTest
    optima: int

    def tau2(self, treat1: str, treat2: str) -> float:
        """tau² of the comparison of two treatments.

        Raises
        ------
        UnknownNameError
            On a treatment that the network does not have.
        """
        self._place(treat1), self._place(treat2)
        one, two = self.classes[treat1], self.classes[treat2]
        return 0.5 * (self.class_tau2[one] + self.class_tau2[two])

    def effect(self, treat1: str, treat2: str) -> NetworkEffect:
        """The effect of `treat1` minus that of `treat2`, predicted with their own tau².

        Raises
        ------
        UnknownNameError
            On a treatment that the network does not have.
        """
        plain = NetworkReading.effect(self, treat1, treat2)
        df = self.common.q_df - (1 if self.prediction == "HTS" else 0)
        if df < 1 or treat1 == treat2:
            return plain
        half = critical(self.level, df) * math.sqrt(plain.se**2 + self.tau2(treat1, treat2))
        text = f"{self.prediction}: t with {df} df"
        low, high = plain.estimate - half, plain.estimate + half
        pi = Interval(low, high, self.level, text)
        return NetworkEffect(plain.estimate, plain.se, plain.ci, plain.p_value, pi)

    def table(self) -> Table:
        """The groups of comparisons with their tau²."""
        columns = (
            Column("group", "comparisons"),
            Column("trials", "trials", "count", "right"),
            Column("tau2", "tau²", align="right"),
        )
        rows = [(g.name, g.trials, significant(g.tau2, 4)) for g in self.groups]
        rows.append(("all alike", self.k, significant(self.common.tau2, 4)))
        return Table(f"tau² by group of comparisons, {self.tau2_method}", columns, tuple(rows))

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Network of {counted(self.n, 'treatment')}: {counted(self.k, 'trial')}, "
            f"{counted(self.m, 'comparison')}, tau² by group, {m.name}"
        )
        yield ""
        yield self.against().to_text()
        yield ""
        yield self.table().to_text()
        yield f"One tau² for all: {self._test()}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _test(self) -> str:
        return (
            f"chi² {significant(self.test.q, 4)} on {self.test.df} df, "
            f"{p_statement(self.test.p_value)}"
        )

    def __repr__(self) -> str:
        spread = ", ".join(f"{g.name} {significant(g.tau2)}" for g in self.groups)
        return f"<Tau2ByGroup {self.measure}: tau² {spread}; one for all: {self._test()}>"


@typed
def tau2_by_group(
    net: NetworkFit | Contrasts | Arms,
    groups: Mapping[str, str] | Callable[[str], str],
    *,
    tau2: str | None = None,
    measure: str | None = None,
    reference: str | None = None,
    prediction: str | None = None,
    level: float | None = None,
) -> Tau2ByGroup:
    """Estimate a network whose tau² differs by group of comparisons.

    Parameters
    ----------
    net
        A fitted network, whose contrasts and settings are used; contrasts; or arms with `measure`.
    groups
        The class of each treatment, as ``{"placebo": "placebo"}`` (treatments that are not named
        make the class ``others``), or a function from treatments to classes. Comparisons are
        grouped by the classes of their treatments: placebo against others, others against others.
    tau2
        ``REML`` or ``ML``.
    measure, reference, prediction, level
        As for :func:`equipoise.network`; those of the fitted network when not given. Intervals are
        normal.

    Returns
    -------
    Tau2ByGroup

    Raises
    ------
    InputError
        When all treatments are of one class.
    NotEstimableError
        When the trials cannot tell the classes' variances apart.
    UnknownNameError
        On a treatment that the network does not have, or another estimator.

    Notes
    -----
    Each group of a trial has a random effect with variance ``τ²_c / 2`` by its class c, so that a
    comparison within class c has ``τ²_c``, one of classes c and d ``(τ²_c + τ²_d)/2``, and two
    that share a group covary by half of that group's ``τ²``. Covariances are positive
    semi-definite for trials of any number of groups. The price is a constraint: comparisons of
    two classes vary at least half as much as those within either. With equal ``τ²_c`` it is the
    usual model.

    Source: Lu, Ades 2009, Biostatistics 10:792, doi:10.1093/biostatistics/kxp032, for variances
    that a trial of several groups can have. Checked against metafor, groups of trials with random
    effects of their own, in ``validation/values/network_tau2_groups.json``.
    """
    fitted = net if isinstance(net, NetworkFit) else None
    if fitted is None:
        assert not isinstance(net, NetworkFit)
        fitted = network(net, measure=measure, reference=reference, model="common")
    code = tau2 or (fitted.tau2_method if fitted.tau2_method in ("REML", "ML") else "REML")
    if code not in ("REML", "ML"):
        raise UnknownNameError("estimator of tau² by group", code, ("REML", "ML"))
    predicted = prediction or fitted.prediction
    if predicted not in PREDICTIONS:
        raise UnknownNameError("prediction interval", predicted, PREDICTIONS)
    es = fitted.data
    ref = fitted.reference if reference is None else reference
    confidence = fitted.level if level is None else level
    common = network(es, reference=ref, tau2=code, prediction=predicted, level=confidence)
    classes = _classes(groups, common.treatments)
    names = tuple(sorted(set(classes.values()), key=lambda name: (name == OTHERS, natural(name))))
    parts = [shared_effects(es, {t for t, c in classes.items() if c == name}) for name in names]
    X = _design(es, common.treatments)
    y, V = np.asarray(es.yi), es.V()
    likelihood = Likelihood(code, X, y, V, parts)
    if not likelihood.told_apart():
        raise NotEstimableError(
            f"the trials cannot tell tau² of {', '.join(names)} apart",
            where="; ".join(f"{n}: {', '.join(_of(classes, n))}" for n in names),
            hint="fewer classes: each needs comparisons that others do not have in the same way, "
            "and more trials than treatments",
        )
    start, _ = tau2_of(code, X, y, V, sum(parts[1:], parts[0]))
    best, notes = highest(likelihood, len(names), [[start] * len(names)])
    alone = likelihood.value(np.full(len(names), start / likelihood.unit))
    statistic = max(0.0, 2.0 * (best.loglik - alone))
    df = len(names) - 1
    S = V + sum((t * R for t, R in zip(best.theta, parts, strict=True)), np.zeros_like(V))
    at = gls(X, y, S)
    notes = [*fitted.notes, *notes, *_remarks(best.theta, names)]
    T = np.eye(len(common.treatments)) - np.eye(len(common.treatments))[[0]]
    held = dict(zip(names, (float(t) for t in best.theta), strict=True))
    return Tau2ByGroup(
        measure=es.measure,
        level=confidence,
        treatments=common.treatments,
        reference=common.reference,
        k=common.k,
        m=common.m,
        designs=common.designs,
        theta=frozen(T @ at.beta),
        cov=frozen(T @ at.cov @ T.T),
        scale=1.0,
        df=math.inf,
        left_out=fitted.left_out,
        notes=tuple(dict.fromkeys(notes)),
        methods=(RUECKER, LU_ADES, TAU2[code]),
        classes=classes,
        class_tau2=held,
        groups=_groups(es, classes, held, names),
        tau2_method=code,
        prediction=predicted,
        common=common,
        test=QTest(statistic, df, chi2_tail(statistic, df)),
        optima=best.optima,
    )


def _classes(
    groups: Mapping[str, str] | Callable[[str], str], treatments: tuple[str, ...]
) -> dict[str, str]:
    if isinstance(groups, Mapping):
        for name in groups:
            if name not in treatments:
                raise UnknownNameError("treatment", name, treatments)
        found = {t: str(groups.get(t, OTHERS)) for t in treatments}
    elif callable(groups):
        found = {t: str(groups(t)) for t in treatments}
    else:
        raise InputError(
            f"classes as a {type(groups).__name__}",
            where="argument groups",
            hint="{'placebo': 'placebo'}: treatments with their classes, or a function that "
            "gives a treatment's class",
        )
    if len(set(found.values())) < 2:
        raise InputError(
            f"all treatments are of one class, {next(iter(found.values()))!r}",
            hint="a class for some, as {'placebo': 'placebo'}; or network(), with one tau²",
        )
    return found


def _of(classes: Mapping[str, str], name: str) -> list[str]:
    return [t for t, c in classes.items() if c == name]


def _design(es: Contrasts, treatments: tuple[str, ...]) -> Floats:
    number = {t: i for i, t in enumerate(treatments)}
    X = np.zeros((len(es), len(treatments)))
    for row, (one, two) in enumerate(zip(es.treat1, es.treat2, strict=True)):
        X[row, number[one]] += 1.0
        X[row, number[two]] -= 1.0
    return X


def _groups(
    es: Contrasts, classes: Mapping[str, str], held: Mapping[str, float], names: tuple[str, ...]
) -> tuple[GroupTau2, ...]:
    arms: dict[str, set[str]] = {}
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        arms.setdefault(study, set()).update((one, two))
    out = []
    for one, two in combinations_with_replacement(names, 2):
        trials = 0
        for treats in arms.values():
            inside = [classes[t] for t in treats]
            trials += inside.count(one) > 1 if one == two else {one, two} <= set(inside)
        if trials:
            out.append(GroupTau2((one, two), 0.5 * (held[one] + held[two]), trials))
    return tuple(out)


def _remarks(theta: Floats, names: tuple[str, ...]) -> list[Note]:
    zero = [name for name, value in zip(names, theta.tolist(), strict=True) if value == 0.0]
    notes = []
    if zero:
        text = (
            f"tau² within {', '.join(zero)} is 0, the bound of the model: comparisons with other "
            "classes may differ less between trials than it allows, or nothing was seen to differ; "
            "the test's p value is then approximate."
        )
        notes.append(Note("variance-at-bound", text))
    return notes
