"""One synthesis for each kind of trial, and whether the kinds differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted, p_statement, percent, significant
from equipoise.effects.columns import Column as Given
from equipoise.effects.columns import make_frame, read_columns, texts
from equipoise.effects.contrasts import Contrasts, LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import bounds_text, shown
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.report import effect_text
from equipoise.models.residual import Residual
from equipoise.models.residual_tau2 import residual_tau2
from equipoise.num.dist import chi2_tail, critical, normal_two_sided

BORENSTEIN = Method(
    "test of subgroup differences",
    "Borenstein, Higgins 2013, Prev Sci 14:134",
    "10.1007/s11121-013-0377-7",
)


@dataclass(frozen=True, slots=True)
class Difference(Result):
    """The effect in one subgroup minus that in another, on the scale of analysis.

    Attributes
    ----------
    group1, group2
        The subgroups.
    estimate, se, ci, p_value
        Effect in `group1` minus effect in `group2` (for ratios the logarithm of their ratio), its
        standard error, Wald interval and two-sided p value.
    """

    group1: str
    group2: str
    estimate: float
    se: float
    ci: Interval
    p_value: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Subgroups(Result):
    """A synthesis for each subgroup, and the test of their differences.

    Attributes
    ----------
    by
        What the trials are grouped by.
    tau2
        ``separate``: each subgroup has its own variance between trials; ``common``: all share one.
    groups, fits
        The subgroups in order of appearance, and the synthesis of each.
    overall
        The synthesis of all their trials together.
    q_between, df, p_value
        The test that all subgroups have the same mean effect.
    differences
        Each subgroup after the first against the first (or against the one named as reference).
    level
        Level of all intervals.
    left_out
        Studies in no subgroup, and why.
    notes, methods
        What to know; the methods with their papers.
    """

    by: str
    tau2: str
    groups: tuple[str, ...]
    fits: tuple[PairwiseFit, ...]
    overall: PairwiseFit
    q_between: float
    df: int
    p_value: float
    differences: tuple[Difference, ...]
    level: float
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, group: str) -> PairwiseFit:
        if group not in self.groups:
            raise UnknownNameError("subgroup", group, self.groups)
        return self.fits[self.groups.index(group)]

    def table(self) -> Table:
        """The subgroups as a reader sees them."""
        m = measure_of(self.overall.measure)
        columns = (
            Column("group", self.by),
            Column("k", "trials", "count", "right"),
            Column("effect", m.name, align="right"),
            Column("tau2", "tau²", align="right"),
            Column("i2", "I²", "percent", "right"),
        )
        rows = []
        for name, fit in zip((*self.groups, "all"), (*self.fits, self.overall), strict=True):
            several = fit.k > 1
            tau2 = significant(fit.tau2, 4) if several and fit.model == "random" else None
            rows.append((name, fit.k, effect_text(fit), tau2, fit.i2 if several else None))
        return Table(
            f"Subgroups by {self.by}: {m.name}", columns, tuple(rows), missing="not estimable"
        )

    def summary(self) -> str:
        """Every subgroup, the test, the differences, and what to know; digits are cut."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        yield self.table().to_text()
        yield ""
        yield f"Subgroup differences: {self._test()}"
        m = measure_of(self.overall.measure)
        what = "ratio" if m.scale == "log" else "difference"
        for d in self.differences:
            yield f"{d.group1} against {d.group2}: {what} {self._shown(d)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _shown(self, d: Difference) -> str:
        m = measure_of(self.overall.measure)
        if m.scale in ("log", "natural"):
            value, _ = shown(m, m.back(d.estimate), m.back_interval(d.ci))
            bounds = bounds_text(m, d.ci)
        else:
            value = significant(d.estimate, 4)
            bounds = f"{significant(d.ci.low, 4)} to {significant(d.ci.high, 4)}"
        ci = f"{percent(100 * self.level)} CI {bounds}"
        return f"{value} ({ci}), {p_statement(d.p_value)}"

    def _test(self) -> str:
        if self.df == 0:
            return "one subgroup, nothing to compare"
        return f"Q {significant(self.q_between, 4)} on {self.df} df, {p_statement(self.p_value)}"

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a subgroup, on the scale of analysis, uncut."""
        names = ("k", "estimate", "se", "df", "p_value", "tau2", "i2", "q", "q_df", "q_p")
        columns: dict[str, list[Any]] = {self.by: list(self.groups)}
        columns |= {name: [getattr(fit, name) for fit in self.fits] for name in names}
        columns |= {
            "ci_low": [fit.ci.low for fit in self.fits],
            "ci_high": [fit.ci.high for fit in self.fits],
        }
        return make_frame(columns, backend)

    def __repr__(self) -> str:
        return (
            f"<Subgroups {self.overall.measure} by {self.by}: {counted(len(self), 'group')}; "
            f"{self._test()}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def subgroups(
    es: Contrasts,
    by: Given,
    *,
    data: object = None,
    tau2: Literal["separate", "common"] = "separate",
    estimator: str | None = None,
    reference: str | None = None,
    name: str | None = None,
    **settings: Any,
) -> Subgroups:
    """Pool each subgroup of trials on its own and test whether their effects differ.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial.
    by
        The subgroup of each row: labels, or the name of a column of `data`. Rows without a label
        are left out and named.
    data
        A data frame or a dict of columns.
    tau2
        ``separate``: a variance between trials for each subgroup; ``common``: one for all,
        estimated from the differences of trials from the mean of their own subgroup, as with few
        trials in each the separate ones are hardly known.
    estimator
        Estimator of tau², as ``tau2=`` of :func:`equipoise.pairwise`; the preset's by default.
    reference
        The subgroup that the others are compared with; the first by default.
    name
        What the trials are grouped by, in words; the name of the column by default.
    settings
        As for :func:`equipoise.pairwise`: ``model``, ``interval``, ``pi``, ``level``, ``preset``.

    Returns
    -------
    Subgroups

    Raises
    ------
    InputError
        Labels that do not fit the rows; a common tau² under a common effect; and as for
        :func:`equipoise.pairwise`.
    NotEstimableError
        No row with an estimate and a subgroup.
    UnknownNameError
        An unknown column, reference or setting.

    Notes
    -----
    Q between is ``Σ w (m − m̄)²`` over the subgroup means, with weights the inverse of their plain
    squared standard errors, and chi-squared with one degree of freedom less than there are
    subgroups. Whether one subgroup's interval holds no difference and another's does not is no
    test of whether they differ.

    Source: Borenstein, Higgins 2013, Prev Sci 14:134, doi:10.1007/s11121-013-0377-7. Checked
    against metafor in ``validation/values/subgroups.json``.
    """
    if not isinstance(es, Contrasts):
        raise InputError(
            f"subgroups of a {type(es).__name__}",
            hint="contrasts; or network_subgroups(net, by) for a network",
        )
    if tau2 not in ("separate", "common"):
        raise UnknownNameError("sharing of tau²", tau2, ("separate", "common"))
    labels = _labels(es, by, data)
    word = name or (by if isinstance(by, str) else "subgroup")
    usable = [
        bool(math.isfinite(y) and math.isfinite(v)) for y, v in zip(es.yi, es.vi, strict=True)
    ]
    left_out = tuple(
        LeftOut(study, "no subgroup")
        for study, label in zip(es.study, labels, strict=True)
        if not label
    )
    order = list(
        dict.fromkeys(label for label, use in zip(labels, usable, strict=True) if label and use)
    )
    if not order:
        raise NotEstimableError("no trial with an estimate is in a subgroup", hint="labels in by=")
    if reference is not None and reference not in order:
        raise UnknownNameError("subgroup", reference, order)
    how = dict(settings) if estimator is None else {**settings, "tau2": estimator}
    rows = {g: [i for i, label in enumerate(labels) if label == g] for g in order}
    overall = pairwise(es.take([i for i, label in enumerate(labels) if label]), **how)
    if tau2 == "common":
        how["tau2"] = _common_tau2(es, rows, usable, overall)
    fits = tuple(pairwise(es.take(rows[g]), **how) for g in order)
    return _result(word, tau2, tuple(order), fits, overall, reference or order[0], left_out)


def _labels(es: Contrasts, by: Given, data: object) -> tuple[str, ...]:
    column = read_columns(data, {"by": by}).get("by")
    if column is None:
        raise InputError("subgroups without by", hint="by=labels, or by='column' with data=frame")
    if len(column) != len(es):
        raise InputError(
            f"{counted(len(column), 'subgroup label')} for {counted(len(es), 'row')}",
            hint="one label for each row",
        )
    return texts(column, len(column))


def _common_tau2(
    es: Contrasts, rows: dict[str, list[int]], usable: Sequence[bool], overall: PairwiseFit
) -> float:
    """The variance between trials about the means of their own subgroups."""
    if overall.model == "common":
        raise InputError("a common tau² under a common effect", hint="model='random'")
    if "weights" in overall.raw or overall.asked["weighting"] != "inverse variance":
        raise InputError("a common tau² with weights of one's own", hint="tau2='separate'")
    keep = [i for places in rows.values() for i in places if usable[i]]
    if len(keep) <= len(rows):
        return 0.0
    group = {i: g for g, places in enumerate(rows.values()) for i in places}
    X = np.zeros((len(keep), len(rows)))
    X[np.arange(len(keep)), [group[i] for i in keep]] = 1.0
    found, _ = residual_tau2(Residual(es.yi[keep], es.vi[keep], X), overall.asked["tau2"])
    return found.value


def _result(
    by: str,
    tau2: str,
    groups: tuple[str, ...],
    fits: tuple[PairwiseFit, ...],
    overall: PairwiseFit,
    reference: str,
    left_out: tuple[LeftOut, ...],
) -> Subgroups:
    means = np.array([fit.estimate for fit in fits])
    errors = np.array([fit.se_wald for fit in fits])
    scale = float(errors.min())
    w = (scale / errors) ** 2
    away = (means - means[0]) / scale
    away = away - float(w @ away) / float(w.sum())
    q, df = float(w @ (away * away)), len(fits) - 1
    base = groups.index(reference)
    level = overall.level
    differences = tuple(
        _difference(groups, fits, i, base, level) for i in range(len(groups)) if i != base
    )
    return Subgroups(
        by=by,
        tau2=tau2,
        groups=groups,
        fits=fits,
        overall=overall,
        q_between=q,
        df=df,
        p_value=chi2_tail(q, df),
        differences=differences,
        level=level,
        left_out=(*left_out, *overall.left_out),
        notes=_notes(groups, fits, overall, left_out, tau2),
        methods=tuple(dict.fromkeys((*overall.methods, BORENSTEIN))),
    )


def _difference(
    groups: Sequence[str], fits: Sequence[PairwiseFit], one: int, two: int, level: float
) -> Difference:
    estimate = fits[one].estimate - fits[two].estimate
    se = math.hypot(fits[one].se_wald, fits[two].se_wald)
    half = critical(level) * se
    ci = Interval(estimate - half, estimate + half, level, "Wald")
    return Difference(groups[one], groups[two], estimate, se, ci, normal_two_sided(estimate / se))


def _notes(
    groups: Sequence[str],
    fits: Sequence[PairwiseFit],
    overall: PairwiseFit,
    left_out: Sequence[LeftOut],
    tau2: str,
) -> tuple[Note, ...]:
    notes = [note for note in overall.notes if note.code in ("left-out", "repeated-study")]
    if left_out:
        names = ", ".join(row.study for row in left_out)
        notes.append(Note("no-subgroup", f"In no subgroup, and so left out: {names}."))
    if len(groups) == 1:
        notes.append(Note("one-subgroup", f"All trials are in one subgroup, {groups[0]}."))
        return tuple(notes)
    small = [group for group, fit in zip(groups, fits, strict=True) if fit.k < 5]
    if small and tau2 == "separate" and overall.model == "random":
        text = "tau² is hardly known there; tau2='common' shares it"
        notes.append(
            Note("small-subgroups", f"Fewer than five trials: {', '.join(small)}; {text}.")
        )
    if overall.k < 10 * (len(groups) - 1):
        notes.append(
            Note(
                "few-trials",
                f"With {counted(overall.k, 'trial')} in {len(groups)} subgroups, a "
                "difference is easily "
                "missed and easily found by chance.",
            )
        )
    return tuple(notes)
