"""Contrasts from reports: estimates with a spread on the scale of analysis, or as printed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.result import Note
from equipoise.core.table import counted, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import (
    Column,
    Floats,
    labels,
    numbers,
    read_columns,
    refuse_far,
    texts,
)
from equipoise.effects.compute import row_marks
from equipoise.effects.measures import Measure, measure_of
from equipoise.effects.suspects import flipped, similar_names
from equipoise.effects.zeros import Flags
from equipoise.num.dist import critical, normal_quantile

#: What to try where a treatment is compared with itself.
OTHER_NAME = "tell the two groups apart by name, or combine them"

#: Contrasts of one trial may miss adding up by this part of a standard error.
_LOOP_SLACK = 0.1

#: Below this part of a standard error, it is rounding of the computer, not of the report.
_ROUNDING = 1e-6

#: Variances of one synthesis that differ by more than this factor: rounding swallows the smaller.
_APART = 1e15

#: An interval whose arms differ by more than this part of its width, beyond rounding, is asked
#: about.
_ASYMMETRY = 0.10

#: Standard errors from `se` and from the interval may differ by this part.
_SE_SLACK = 0.10


@typed_late
def contrasts(
    *,
    yi: Column,
    vi: Column = None,
    sei: Column = None,
    study: Column = None,
    treat1: Column = None,
    treat2: Column = None,
    n1: Column = None,
    n2: Column = None,
    measure: str = "GEN",
    data: object = None,
) -> Contrasts:
    """Estimates that somebody else computed, on the scale of analysis (logarithms for ratios).

    Parameters
    ----------
    yi
        Estimates, `treat1` minus `treat2`, or the name of a column of `data`.
    vi, sei
        Their variances, or their standard errors: one of the two.
    study
        Labels; numbered when not given.
    treat1, treat2
        What was compared; ``+`` joins components.
    n1, n2
        People in the groups; gaps are allowed.
    measure
        What the estimates are; ``GEN`` when it has no name here.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.

    Returns
    -------
    Contrasts
        In the order given; a row with a missing value is kept without an estimate and named in a
        note, and so is what looks like a turned sign or one trial under two labels. A study of
        ``m`` arms given with all its ``m (m - 1)/2`` comparisons becomes ``m - 1`` contrasts with
        one arm and their covariances, ``(v_i0 + v_j0 - v_ij)/2``.

    Raises
    ------
    InputError
        On no spread at all, a variance that is not positive, comparisons of one study that share
        an arm without being complete, or that do not add up.

    Notes
    -----
    Source: Rücker 2012, Res Synth Methods 3:312, doi:10.1002/jrsm.1058, for what the variances of
    all comparisons of a trial say about their covariances.
    """
    m = measure_of(measure)
    if (vi is None) == (sei is None):
        what = "both vi and sei" if vi is not None else "neither vi nor sei"
        raise InputError(f"contrasts with {what}", hint="variances or standard errors")
    given: dict[str, Column] = {"yi": yi, "vi": vi, "sei": sei, "study": study}
    given |= {"treat1": treat1, "treat2": treat2, "n1": n1, "n2": n2}
    columns = read_columns(data, given)
    if "yi" not in columns:
        raise InputError("contrasts without yi", hint="the estimates")
    k = len(columns["yi"])
    names = labels(columns.get("study"), k)
    spread = "vi" if vi is not None else "sei"
    size = numbers(spread, columns[spread], names, blank=True)
    if (size <= 0.0).any():
        row = int(np.flatnonzero(size <= 0.0)[0])
        raise InputError(
            f"a spread of {size[row]:g}",
            where=f"study {names[row]}, column {spread}",
            hint="a value above 0; 0 may stand for 'not reported'",
        )
    estimates = numbers("yi", columns["yi"], names, blank=True)
    people = {
        name: numbers(name, columns[name], names, blank=True)
        for name in ("n1", "n2")
        if name in columns
    }
    variances = size if spread == "vi" else size**2
    remarks = (*flipped(m, estimates, variances, names), *similar_names(names))
    notes = [remark.note for remark in remarks]
    gaps = np.isnan(estimates + variances)
    missing: tuple[tuple[str, Flags], ...] = ()
    if gaps.any():
        missing = (("missing", gaps),)
        gone = ", ".join(names[i] for i in np.flatnonzero(gaps).tolist())
        notes.append(Note("missing", f"Without an estimate, for a missing value: {gone}."))
    es = Contrasts(
        measure=m.code,
        study=names,
        yi=estimates,
        vi=variances,
        treat1=texts(columns.get("treat1"), k),
        treat2=texts(columns.get("treat2"), k),
        n1=people.get("n1", np.empty(0)),
        n2=people.get("n2", np.empty(0)),
        notes=tuple(notes),
        marks=row_marks(k, remarks, missing),
    )
    return whole_trials(es)


# --- trials with several arms ------------------------------------------------------------------


def whole_trials(es: Contrasts) -> Contrasts:
    """Give the contrasts of trials with several arms their covariances, one base arm each.

    Trials whose contrasts carry covariances already stay as they are.

    Raises
    ------
    InputError
        On comparisons that share an arm without being complete, or that do not add up.
    """
    if len(set(es.study)) == len(es):
        return es
    carried = {es.study[i] for i in es.cov_i.tolist()}
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(es.study):
        rows.setdefault(name, []).append(i)
    bare = {n for n, r in rows.items() if n not in carried and len(r) > 1 and _share(es, r)}
    if not bare:
        return es
    # A trial stands where its first row stood.
    blocks = [_one_trial(es.take(r)) if n in bare else es.take(r) for n, r in rows.items()]
    return dataclasses.replace(Contrasts.stack(blocks), left_out=es.left_out)


def _share(es: Contrasts, rows: Sequence[int]) -> bool:
    """Whether different comparisons of a study share an arm."""
    pairs = {frozenset((es.treat1[i], es.treat2[i])) for i in rows}
    pairs = {p for p in pairs if "" not in p}
    return any(a & b for a, b in combinations(pairs, 2))


def _matrices(block: Contrasts, treats: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """All differences of one trial as a matrix, their variances, and the people of each arm."""
    where = f"study {block.study[0]}"
    if np.isnan(block.yi).any() or np.isnan(block.vi).any():
        raise InputError(
            "a missing value among comparisons that share people",
            where=where,
            hint="fill it in, or leave out the rows of one arm",
        )
    for one, two in zip(block.treat1, block.treat2, strict=True):
        if one == two:
            raise InputError(f"{one!r} compared with itself", where=where, hint=OTHER_NAME)
    m = len(treats)
    place = {t: i for i, t in enumerate(treats)}
    Y, S = np.full((m, m), np.nan), np.full((m, m), np.nan)
    np.fill_diagonal(Y, 0.0)
    np.fill_diagonal(S, 0.0)
    people = np.full(m, np.nan)
    for row in range(len(block)):
        i, j = place[block.treat1[row]], place[block.treat2[row]]
        if not math.isnan(S[i, j]):
            raise InputError(
                f"{treats[i]} against {treats[j]} more than once", where=where, hint="one row each"
            )
        Y[i, j], Y[j, i] = block.yi[row], -block.yi[row]
        S[i, j] = S[j, i] = block.vi[row]
        for at, n in ((i, block.n1[row]), (j, block.n2[row])):
            people[at] = people[at] if math.isnan(n) else n
    if np.isnan(S).any():
        raise InputError(
            f"{counted(len(block), 'comparison')} of {counted(m, 'arm')} that share people",
            where=f"{where}, without {_absent(S, treats)}",
            hint=f"all {counted(m * (m - 1) // 2, 'comparison')}, or the arms themselves by arms()",
        )
    return Y, S, people


def check_range(es: Contrasts) -> None:
    """Refuse numbers whose squares, or the inverses of whose squares, no computer holds.

    Raises
    ------
    InputError
        Naming the study and the number, or the two studies whose variances are too far apart.
    """
    refuse_far(es.study, es.yi, es.vi)
    vi = np.where(es.vi > 0.0, es.vi, np.nan)
    if np.isnan(vi).all():
        return
    small, large = int(np.nanargmin(vi)), int(np.nanargmax(vi))
    if vi[large] > _APART * vi[small]:
        raise InputError(
            f"variances of {vi[small]:.3g} and {vi[large]:.3g}, which are too far apart",
            where=f"study {es.study[small]} and study {es.study[large]}",
            hint="a look at both: one may be in another unit, or no variance",
        )


def _absent(S: Floats, treats: Sequence[str]) -> str:
    """The comparisons that are missing, in words."""
    pairs = [f"{treats[i]} against {treats[j]}" for i, j in np.argwhere(np.isnan(np.triu(S)))]
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return ", ".join(pairs[:3]) + more


def _listed(block: Contrasts) -> str:
    """The comparisons of a trial with their estimates, in words."""
    shown = [
        f"{one} − {two} {significant(y, 4)}"
        for one, two, y in zip(block.treat1, block.treat2, block.yi.tolist(), strict=True)
    ]
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return ", ".join(shown[:6]) + more


def _one_trial(block: Contrasts) -> Contrasts:
    """Turn all comparisons of one trial's arms into those with a base arm."""
    name = block.study[0]
    where = f"study {name}"
    treats = list(dict.fromkeys(t for p in zip(block.treat1, block.treat2, strict=True) for t in p))
    m = len(treats)
    Y, S, people = _matrices(block, treats)
    level = Y.mean(axis=1)
    miss = np.abs(Y - (level[:, None] - level[None, :])) / np.sqrt(S + np.eye(m))
    if float(miss.max()) > _LOOP_SLACK:
        raise InputError(
            "comparisons that do not add up (A−B plus B−C is not A−C)",
            where=f"{where}: {_listed(block)}",
            hint="one has a wrong sign, a wrong row, or comes from another analysis",
        )
    notes = block.notes
    if float(miss.max()) > _ROUNDING:
        text = f"The comparisons of {name} do not quite add up; they were evened out."
        notes = (*notes, Note("evened-out", text))
    base = max(range(m), key=lambda t: (block.treat2.count(treats[t]), -t))
    rest = np.array([t for t in range(m) if t != base])
    V = 0.5 * (S[rest, base][:, None] + S[rest, base][None, :] - S[np.ix_(rest, rest)])
    if float(np.linalg.eigvalsh(V)[0]) <= 1e-9 * float(np.trace(V)):
        raise InputError(
            "standard errors that cannot belong to one trial",
            where=where,
            hint="a standard error may stand in a wrong row, or come from an adjusted analysis",
        )
    first, second = np.triu_indices(rest.size, 1)
    return Contrasts(
        measure=block.measure,
        study=(name,) * rest.size,
        yi=level[rest] - level[base],
        vi=np.diag(V),
        treat1=tuple(treats[t] for t in rest),
        treat2=(treats[base],) * rest.size,
        n1=people[rest],
        n2=np.full(rest.size, people[base]),
        cov_i=first,
        cov_j=second,
        cov=V[first, second],
        notes=notes,
        marks=(tuple(dict.fromkeys(mark for row in block.marks for mark in row)),) * rest.size
        if any(block.marks)
        else (),
    )


# --- as printed --------------------------------------------------------------------------------


def published(
    measure: str,
    *,
    estimate: Column,
    se: Column = None,
    ci_low: Column = None,
    ci_high: Column = None,
    p_value: Column = None,
    study: Column = None,
    treat1: Column = None,
    treat2: Column = None,
    n1: Column = None,
    n2: Column = None,
    data: object = None,
    level: float = 0.95,
) -> Contrasts:
    """Estimates as a paper prints them: ratios as ratios, with whatever spread it gives.

    Parameters
    ----------
    measure
        Any code of :data:`equipoise.effects.measures.MEASURES` on the scale ``log`` or
        ``natural``; ``HR`` for hazard ratios.
    estimate
        As printed; the logarithm is taken here.
    se
        Standard error; for ratios, that of the logarithm.
    ci_low, ci_high
        Confidence limits as printed, of the level `level`.
    p_value
        Two-sided, of a test by the normal distribution.
    study, treat1, treat2, n1, n2
        Labels and people.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.
    level
        Level of the confidence intervals.

    Returns
    -------
    Contrasts
        Each row's spread is from `se`; without it from the interval,
        ``(high - low)/(2 z)`` on the scale of analysis; without that from the p value,
        ``|estimate|/z``. A note says which rows have an interval that does not fit the estimate.

    Raises
    ------
    InputError
        On no spread, an estimate outside its interval, a ratio that is not positive, a p value
        that is not between 0 and 1 or belongs to an estimate of no difference.

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6, sections 6.3.1
    and 6.3.2 (standard errors from confidence intervals and P values).
    """
    m = measure_of(measure)
    if m.scale not in ("natural", "log"):
        raise InputError(
            f"printed results of {m.code}, which is analysed as {m.scale_text}",
            hint="contrasts(yi=..., sei=...) on that scale",
        )
    if not 0.5 <= level < 1.0:
        raise InputError(f"a level of {level:g}", where="argument level", hint="0.95")
    given: dict[str, Column] = {"estimate": estimate, "se": se, "ci_low": ci_low}
    given |= {"ci_high": ci_high, "p_value": p_value, "study": study, "treat1": treat1}
    given |= {"treat2": treat2, "n1": n1, "n2": n2}
    columns = read_columns(data, given)
    if "estimate" not in columns:
        raise InputError("published results without estimate", hint="the estimates as printed")
    k = len(columns["estimate"])
    names = labels(columns.get("study"), k)
    blank: list[Any] = [None] * k
    value = {
        name: numbers(name, columns.get(name, blank), names, blank=True)
        for name in ("se", "ci_low", "ci_high", "p_value", "n1", "n2")
    }
    value["estimate"] = numbers("estimate", columns["estimate"], names)
    yi, vi, notes = _read_printed(m, names, value, critical(level))
    remarks = (*flipped(m, yi, vi, names), *similar_names(names))
    return Contrasts(
        measure=m.code,
        study=names,
        yi=yi,
        vi=vi,
        treat1=texts(columns.get("treat1"), k),
        treat2=texts(columns.get("treat2"), k),
        n1=value["n1"],
        n2=value["n2"],
        notes=(*notes, *(remark.note for remark in remarks)),
        marks=row_marks(k, remarks, ()),
    )


def _read_printed(
    m: Measure, names: Sequence[str], value: dict[str, Floats], z: float
) -> tuple[Floats, Floats, tuple[Note, ...]]:
    yi, vi = np.empty(len(names)), np.empty(len(names))
    odd: list[str] = []
    differ: list[str] = []
    from_p: list[str] = []
    for i, name in enumerate(names):
        row = _Printed(
            m,
            name,
            *(float(value[c][i]) for c in ("estimate", "se", "ci_low", "ci_high", "p_value")),
        )
        yi[i], se, source = row.read(z)
        vi[i] = se**2
        if source == "p":
            from_p.append(name)
        if row.has_ci:
            if row.asymmetric():
                odd.append(name)
            elif source == "se" and abs(row.ci_se(z) / se - 1.0) > _SE_SLACK + row.slack() / se:
                differ.append(name)
    notes = []
    if odd:
        notes.append(
            Note(
                "asymmetric-interval",
                f"The interval is not centred on the estimate: {', '.join(odd)}. Probably a wrong "
                "scale or a misprint.",
            )
        )
    if differ:
        notes.append(
            Note(
                "se-and-interval-differ",
                f"The standard error and the interval do not fit each other: {', '.join(differ)}. "
                "The standard error was used.",
            )
        )
    if from_p:
        notes.append(
            Note(
                "spread-from-p", f"The spread was worked out from the p value: {', '.join(from_p)}."
            )
        )
    return yi, vi, tuple(notes)


@dataclass(frozen=True, slots=True)
class _Printed:
    """One printed result."""

    measure: Measure
    study: str
    estimate: float
    se: float
    low: float
    high: float
    p: float

    def _fault(self, what: str, column: str, hint: str) -> InputError:
        return InputError(what, where=f"study {self.study}, column {column}", hint=hint)

    @property
    def has_ci(self) -> bool:
        return not math.isnan(self.low)

    def scaled(self, value: float, column: str) -> float:
        """A printed value on the scale of analysis."""
        if self.measure.scale != "log":
            return value
        if value <= 0.0:
            raise self._fault(
                f"a {self.measure.name} of {value:g}",
                column,
                "a value above 0; logarithms go into contrasts(yi=...)",
            )
        return math.log(value)

    def read(self, z: float) -> tuple[float, float, str]:
        """Estimate and standard error on the scale of analysis, and what gave the latter."""
        y = self.scaled(self.estimate, "estimate")
        if math.isnan(self.low) != math.isnan(self.high):
            raise self._fault("one confidence limit", "ci_low, ci_high", "both, or neither")
        if self.has_ci:
            self._check_ci()
        if not math.isnan(self.se):
            if self.se <= 0.0:
                raise self._fault(
                    f"a standard error of {self.se:g}", "se", "a value above 0, or leave it blank"
                )
            return y, self.se, "se"
        if self.has_ci:
            return y, self.ci_se(z), "ci"
        if not math.isnan(self.p):
            return y, self._p_se(y), "p"
        raise self._fault(
            "an estimate without a spread", "se", "se, ci_low and ci_high, or p_value"
        )

    def _check_ci(self) -> None:
        if not self.low < self.high:
            raise self._fault(
                f"an interval from {self.low:g} to {self.high:g}", "ci_low", "low below high"
            )
        if not self.low <= self.estimate <= self.high:
            raise self._fault(
                f"an estimate of {self.estimate:g} outside its interval, "
                f"{self.low:g} to {self.high:g}",
                "estimate",
                "a wrong sign, a wrong row, or the other direction of a ratio",
            )

    def ci_se(self, z: float) -> float:
        """The standard error that the interval has."""
        return (self.scaled(self.high, "ci_high") - self.scaled(self.low, "ci_low")) / (2.0 * z)

    def _p_se(self, y: float) -> float:
        if not 0.0 < self.p < 1.0:
            raise self._fault(
                f"a p value of {self.p:g}", "p_value", "a value between 0 and 1, not rounded to 0"
            )
        if y == 0.0:
            raise self._fault(
                f"a p value of {self.p:g} for no difference at all",
                "p_value",
                "a standard error or an interval: a p value says nothing here",
            )
        return abs(y) / -normal_quantile(0.5 * self.p)

    def slack(self) -> float:
        """What rounding in print can have moved, on the scale of analysis."""
        printed = (self.estimate, self.low, self.high)
        half = 0.5 * 10.0 ** -max(_decimals(v) for v in printed)
        if self.measure.scale != "log":
            return 2.0 * half
        # The estimate counts twice in the difference of the two arms of the interval.
        return half * (2.0 / self.estimate + 1.0 / self.low + 1.0 / self.high)

    def asymmetric(self) -> bool:
        """Whether the interval lies round another estimate than the one printed."""
        y, low, high = (
            self.scaled(v, c)
            for v, c in (
                (self.estimate, "estimate"),
                (self.low, "ci_low"),
                (self.high, "ci_high"),
            )
        )
        return abs((high - y) - (y - low)) > _ASYMMETRY * (high - low) + self.slack()


def _decimals(value: float) -> int:
    """Decimals of the shortest text that gives the number."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
