"""How much each trial stands out and how much it moves the result; and Baujat's two axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, fixed, significant
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.pairwise import PairwiseFit, refit
from equipoise.models.robustness import check_fit, rows_of

Floats = NDArray[np.float64]

VIECHTBAUER_CHEUNG = Method(
    "outlier and influence diagnostics",
    "Viechtbauer, Cheung 2010, Res Synth Methods 1:112",
    "10.1002/jrsm.11",
)
BAUJAT = Method(
    "what each trial adds to heterogeneity and to the result",
    "Baujat, Mahé, Pignon, Hill 2002, Stat Med 21:2641",
    "10.1002/sim.1221",
)
RAUDENBUSH_BRYK = Method(
    "empirical Bayes estimates of the true effects",
    "Raudenbush, Bryk 1985, J Educ Stat 10:75",
    "10.3102/10769986010002075",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Influence(Result):
    """Diagnostics of each trial, one value a trial in every array.

    Attributes
    ----------
    measure, study
        Code of the measure, and the trials.
    resid, resid_se, standardised
        Residual from the mean of all trials, its standard error, and their ratio.
    deleted, deleted_se, studentised
        The same from the mean of the other trials, with tau² of the others.
    dffits
        Change of the fitted value, in standard errors, when the trial is left out.
    cook
        Cook's distance: squared change of the mean over its variance.
    cov_ratio
        Variance of the mean without the trial over the one with it; below 1 it adds imprecision.
    dfbetas
        Change of the mean in standard errors when the trial is left out.
    tau2_deleted, q_deleted
        tau² and Q without the trial.
    hat, weight
        Leverage, and weight in percent.
    blup, blup_se
        The trial's true effect as estimated from all trials (empirical Bayes) and its standard
        error; the mean under a common effect.
    stands_out
        ``|studentised|`` beyond the two-sided normal quantile of `level`.
    influential
        By the rules of the paper: ``|dffits| > 3 sqrt(1/(k - 1))``, Cook's distance beyond the
        median of chi-squared with one degree of freedom, ``hat > 3/k`` or ``|dfbetas| > 1``.
    notes, methods
        What to know; the methods with their papers.
    """

    measure: str
    study: tuple[str, ...]
    resid: Floats
    resid_se: Floats
    standardised: Floats
    deleted: Floats
    deleted_se: Floats
    studentised: Floats
    dffits: Floats
    cook: Floats
    cov_ratio: Floats
    dfbetas: Floats
    tau2_deleted: Floats
    q_deleted: Floats
    hat: Floats
    weight: Floats
    blup: Floats
    blup_se: Floats
    stands_out: NDArray[np.bool_]
    influential: NDArray[np.bool_]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.study)

    def table(self) -> Table:
        """The diagnostics as a table; digits are cut for reading."""
        names = (
            ("studentised", "studentised"),
            ("dffits", "DFFITS"),
            ("cook", "Cook's d"),
            ("cov_ratio", "cov. ratio"),
            ("tau2_deleted", "tau² without"),
            ("q_deleted", "Q without"),
            ("hat", "hat"),
            ("weight", "weight %"),
        )
        columns = (
            Column("study", "trial"),
            *(Column(key, label, align="right") for key, label in names),
            Column("mark", "note"),
        )
        rows = []
        for i, study in enumerate(self.study):
            marks = [
                text
                for text, flag in (
                    ("stands out", self.stands_out[i]),
                    ("influential", self.influential[i]),
                )
                if flag
            ]
            values = [float(getattr(self, key)[i]) for key, _ in names]
            rows.append((study, *(_short(v) for v in values), ", ".join(marks)))
        m = measure_of(self.measure)
        return Table(f"Outliers and influence: {m.name}", columns, tuple(rows))

    def summary(self) -> str:
        """Every trial, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial and every diagnostic, uncut."""
        skipped = ("measure", "notes", "methods")
        names = [name for name in self.__dataclass_fields__ if name not in skipped]
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        which = [s for s, flag in zip(self.study, self.influential, strict=True) if flag]
        said = ", ".join(which) if which else "none"
        return f"<Influence of {counted(len(self), 'trial')}; influential: {said}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def influence(fit: PairwiseFit) -> Influence:
    """Say which trials stand out and which move the result.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least two trials.

    Returns
    -------
    Influence

    Raises
    ------
    InputError
        When there is only one trial.

    Notes
    -----
    With M = diag(vᵢ + tau²) and H the hat matrix of the mean, a residual has the variance of
    ``(I - H) M (I - H)'``; the studentised one is ``(yᵢ - m₍ᵢ₎) / sqrt(vᵢ + t₍ᵢ₎ + var m₍ᵢ₎)``,
    where (i) means without trial i. DFFITS is ``(m - m₍ᵢ₎) / sqrt(hᵢ (vᵢ + t₍ᵢ₎))`` and DFBETAS
    divides by the standard error that all trials give with t₍ᵢ₎. Wald standard errors are used
    throughout, whatever interval the fit shows. With weights of the reviewer's own, the fitted
    value's standard error is that of the mean, so that both are the same.

    Source: Viechtbauer & Cheung 2010, Res Synth Methods 1:112, doi:10.1002/jrsm.11; empirical
    Bayes estimates, Raudenbush & Bryk 1985, doi:10.3102/10769986010002075.
    Checked against metafor's ``influence``, ``rstandard``, ``rstudent`` and ``blup`` in
    ``validation/values/robustness.json``.
    """
    check_fit(fit)
    if fit.k < 2:
        raise InputError("leaving out the only trial leaves none", hint="at least two trials")
    es = rows_of(fit)
    k, t = fit.k, fit.tau2
    y, v = np.asarray(fit.yi), np.asarray(fit.vi)
    hat = np.asarray(fit.weights) / 100.0
    resid = y - fit.estimate
    # (I - H) M (I - H)' on the diagonal: M_ii (1 - 2 h_i) + sum of h_j² M_jj.
    variance = fit.se_wald**2
    resid_se = np.sqrt(np.maximum((v + t) * (1.0 - 2.0 * hat) + (hat**2) @ (v + t), 0.0))
    others = [refit(fit, es.take([j for j in range(k) if j != i])) for i in range(k)]
    without = np.array([f.estimate for f in others])
    var_without = np.array([f.se_wald**2 for f in others])
    t_without = np.array([f.tau2 for f in others])
    deleted = y - without
    deleted_se = np.sqrt(v + t_without + var_without)
    moved = fit.estimate - without
    studentised = deleted / deleted_se
    cook = moved**2 / variance
    dfbetas = moved / np.array([_se_of_all(v, s, fit) for s in t_without.tolist()])
    own = fit.asked["weighting"] != "inverse variance"
    dffits = dfbetas if own else moved / np.sqrt(hat * (v + t_without))
    standardised = np.divide(resid, resid_se, out=np.full(k, np.nan), where=resid_se > 0.0)
    shrink = v / (v + t)
    blup = fit.estimate * shrink + y * (1.0 - shrink)
    blup_se = np.sqrt(shrink * t + shrink**2 * variance)
    stands_out = np.abs(studentised) > -float(special.ndtri(0.5 * (1.0 - fit.level)))
    influential = (
        (np.abs(dffits) > 3.0 * math.sqrt(1.0 / (k - 1)))
        | (cook > 2.0 * float(special.gammaincinv(0.5, 0.5)))
        | (hat > 3.0 / k)
        | (np.abs(dfbetas) > 1.0)
    )
    return Influence(
        measure=fit.measure,
        study=fit.study,
        resid=read_only(resid),
        resid_se=read_only(resid_se),
        standardised=read_only(standardised),
        deleted=read_only(deleted),
        deleted_se=read_only(deleted_se),
        studentised=read_only(studentised),
        dffits=read_only(dffits),
        cook=read_only(cook),
        cov_ratio=read_only(var_without / variance),
        dfbetas=read_only(dfbetas),
        tau2_deleted=read_only(t_without),
        q_deleted=read_only(np.array([f.q for f in others])),
        hat=read_only(hat),
        weight=fit.weights,
        blup=read_only(blup),
        blup_se=read_only(blup_se),
        stands_out=_flags(stands_out),
        influential=_flags(influential),
        notes=tuple(_notes(fit, stands_out, influential)),
        methods=(VIECHTBAUER_CHEUNG, RAUDENBUSH_BRYK),
    )


def _se_of_all(v: Floats, t: float, fit: PairwiseFit) -> float:
    """The standard error of the mean of all trials, were tau² this."""
    if fit.asked["weighting"] != "inverse variance":
        share = np.asarray(fit.weights) / 100.0
        return math.sqrt(float((share * share) @ (v + (t if fit.model == "random" else 0.0))))
    if fit.model == "common":
        return fit.se_wald
    return math.sqrt(1.0 / float((1.0 / (v + t)).sum()))


def _notes(
    fit: PairwiseFit, stands_out: NDArray[np.bool_], influential: NDArray[np.bool_]
) -> list[Note]:
    notes = []
    expected = (1.0 - fit.level) * fit.k
    count = int(stands_out.sum())
    if count:
        text = (
            f"{count} of {fit.k} studentised residuals lie beyond the {fit.level:.0%} limits; "
            f"about {significant(expected, 2)} would do so by chance alone."
        )
        notes.append(Note("outliers", text))
    if influential.any():
        names = ", ".join(s for s, flag in zip(fit.study, influential, strict=True) if flag)
        text = f"Influential by the usual rules: {names}. A reason to look, not to leave out."
        notes.append(Note("influential", text))
    if fit.k < 4:
        notes.append(Note("few-trials", "With so few trials each is influential by necessity."))
    return notes


def _flags(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    values.setflags(write=False)
    return values


def _short(value: float) -> str:
    return fixed(value, 2) if 0.005 <= abs(value) < 1000 or value == 0 else significant(value, 3)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class BaujatAxes(Result):
    """Where each trial lies in Baujat's plot.

    Attributes
    ----------
    measure, study
        Code of the measure, and the trials.
    heterogeneity
        The trial's part of Q: its squared Pearson residual under a common effect (or the model).
    influence
        Squared change of the mean when the trial is left out, over its variance without it.
    methods
        The paper.
    """

    measure: str
    study: tuple[str, ...]
    heterogeneity: Floats
    influence: Floats
    methods: tuple[Method, ...] = (BAUJAT,)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial."""
        names = ("study", "heterogeneity", "influence")
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def table(self) -> Table:
        """The trials, that with the largest part of Q first."""
        order = np.argsort(-self.heterogeneity, kind="stable")
        return Table(
            "What each trial adds to heterogeneity, and how far it moves the result",
            (
                Column("study", "Trial"),
                Column("heterogeneity", "Part of Q", align="right"),
                Column("influence", "Squared change without it", align="right"),
            ),
            tuple(
                (
                    self.study[i],
                    significant(float(self.heterogeneity[i]), 3),
                    significant(float(self.influence[i]), 3),
                )
                for i in order
            ),
        )

    def summary(self) -> str:
        """Every trial; digits are cut for reading."""
        return self.table().to_text()

    def _repr_html_(self) -> str:
        return self.table().to_html()

    def __repr__(self) -> str:
        top = self.study[int(np.argmax(self.heterogeneity))]
        return f"<BaujatAxes of {counted(len(self.study), 'trial')}; most heterogeneity from {top}>"


@typed_late
def baujat(fit: PairwiseFit) -> BaujatAxes:
    """Say which trials add most to heterogeneity, and which move the result most.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least two trials.

    Returns
    -------
    BaujatAxes
        For each trial ``(yᵢ - m)² / (vᵢ + tau²)``, which sum to Q under a common effect, and
        ``(m - m₍ᵢ₎)² / var m₍ᵢ₎``.

    Raises
    ------
    InputError
        When there is only one trial.

    Notes
    -----
    Source: Baujat et al. 2002, Stat Med 21:2641, doi:10.1002/sim.1221.
    Checked against metafor's ``baujat`` in ``validation/values/robustness.json``.
    """
    found = influence(fit)
    y, v = np.asarray(fit.yi), np.asarray(fit.vi)
    without = y - found.deleted
    variance = np.asarray(found.cov_ratio) * fit.se_wald**2
    return BaujatAxes(
        measure=fit.measure,
        study=fit.study,
        heterogeneity=read_only((y - fit.estimate) ** 2 / (v + fit.tau2)),
        influence=read_only((fit.estimate - without) ** 2 / variance),
    )
