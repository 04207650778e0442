"""From trials to contrasts: the front of this package, and effect sizes of every measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.result import Note
from equipoise.effects.arms import Arms, arm_contrasts, arms
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Column, Floats, Ints, labels, numbers, read_columns, texts
from equipoise.effects.compute import (
    about,
    compute,
    contrast_formula,
    how_of,
    row_marks,
)
from equipoise.effects.inputs import COLUMNS, INPUTS
from equipoise.effects.measure import Data, Formula, Measure
from equipoise.effects.measures import measure_of
from equipoise.effects.reported import contrasts, published
from equipoise.effects.zeros import Correction, Flags, Remark, To, ZeroRule
from equipoise.num.dist import t_quantile

__all__ = [
    "Arms",
    "Contrasts",
    "LeftOut",
    "arm_contrasts",
    "arms",
    "contrasts",
    "effect_sizes",
    "published",
]


@typed_late
def effect_sizes(
    measure: str,
    *,
    events1: Column = None,
    n1: Column = None,
    events2: Column = None,
    n2: Column = None,
    time1: Column = None,
    time2: Column = None,
    mean1: Column = None,
    sd1: Column = None,
    mean2: Column = None,
    sd2: Column = None,
    events: Column = None,
    n: Column = None,
    time: Column = None,
    mean: Column = None,
    sd: Column = None,
    r: Column = None,
    both: Column = None,
    only1: Column = None,
    only2: Column = None,
    neither: Column = None,
    d: Column = None,
    t: Column = None,
    p_value: Column = None,
    predictors: Column = None,
    r2: Column = None,
    alpha: Column = None,
    items: Column = None,
    o_minus_e: Column = None,
    v: Column = None,
    estimate: Column = None,
    se: Column = None,
    ci_low: Column = None,
    ci_high: Column = None,
    auc: Column = None,
    homozygous1: Column = None,
    heterozygous: Column = None,
    homozygous2: Column = None,
    study: Column = None,
    treat1: Column = None,
    treat2: Column = None,
    data: object = None,
    add: float = 0.5,
    to: To = "only0",
    correction: Correction = "constant",
    drop00: bool = False,
    variance: str | None = None,
    correct: bool = True,
    level: float = 0.95,
) -> Contrasts:
    """Effect sizes and their variances, by any measure, from what each trial reports.

    Every column is one value a trial, or the name of a column of `data`. Which columns a measure
    takes is in :mod:`equipoise.effects.inputs` and in the table of ``docs/measures.md``.

    Parameters
    ----------
    measure
        Code of :data:`equipoise.effects.measures.MEASURES`: ``RR``, ``SMD``, ``ZCOR``…
    events1, n1, events2, n2
        People with the event, and people, in the two groups (OR, RR, RD, AS, PETO…).
    time1, time2
        Person-time of the two groups, with `events1` and `events2` (IRR, IRD, IRSD).
    mean1, sd1, mean2, sd2
        With `n1` and `n2`: two groups (MD, SMD, ROM…). With `n` and `r`: the same people twice,
        `r` the correlation of the two measurements (MC, SMCC, SMCR…).
    events, n, time, mean, sd
        One group (PR, PLO, IR, MN…).
    r
        Correlation, with `n` (COR, UCOR, ZCOR); of the two measurements, or of the two outcomes
        (MPORM), for the same people twice.
    both, only1, only2, neither
        Pairs by where the event was: both times, only the first, only the second, neither (MPRR…).
    d, t, p_value
        With `n1` and `n2`, what SMD (and RPB, D2ORL, CLESN…) can be made from when means are
        missing: Cohen's d, the t value, or its two-sided p value, with a minus sign where group 1
        is lower. `t` with `n` and `predictors` for partial correlations.
    predictors, r2
        Predictors in the model, and its explained variance (PCOR, SPCOR, R2).
    alpha, items
        Cronbach's alpha and the number of items, with `n` (ARAW, AHW, ABT).
    o_minus_e, v
        Observed minus expected events of group 1 and its variance, of a log-rank test (HR).
    estimate, se, ci_low, ci_high
        An estimate as printed, for any measure: as in
        :func:`equipoise.effects.reported.published`, with `level`; `p_value` goes with it.
    auc
        Area under the curve, with `n1` and `n2` (CLES).
    homozygous1, heterozygous, homozygous2
        People by genotype (REH).
    study, treat1, treat2
        Labels; trials are numbered when `study` is not given.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.
    add, to, correction
        What is added where nobody or everybody in a group had the event: `add` to every cell
        (``constant``), in proportion to the groups' sizes (``treatment-arm``), or as the other
        trials' odds ratio suggests (``empirical``); to the trials with such a group (`to`
        ``only0``), to ``all``, to all if any has one (``if0all``), or to ``none``. Measures that
        are defined there (AS, PHI, RTET, PAS, PFT, IRS, IRFT, IRSD) are never corrected.
    drop00
        Leave trials in which all groups agree that nobody, or everybody, had the event without an
        estimate. Without it they are kept, and marked.
    variance
        Which variance, where the measure has several (``Measure.variances``); None: the first.
    correct
        False leaves out the correction for small samples (SMD, ROM, CVR, SMCC…).
    level
        Level of the intervals `ci_low` to `ci_high`.

    Returns
    -------
    Contrasts
        In the order given, on the scale of analysis (logarithms for OR and RR). Trials with a
        missing value are kept without an estimate and named in a note. Notes name what looks like
        an error of entry; `marks` say the same, and which trials were corrected, by row.

    Raises
    ------
    InputError
        On missing columns and impossible values: names study, column, value and likely cause.
    UnknownNameError
        On an unknown measure, variance, rule or column.

    Notes
    -----
    Source: the paper of each measure is in :data:`equipoise.effects.measures.MEASURES`; for the
    corrections, Sweeting, Sutton, Lambert 2004, Stat Med 23:1351, doi:10.1002/sim.1761.

    Checked against: metafor 5.1.12, ``validation/values/escalc.json``.

    Examples
    --------
    >>> es = effect_sizes("RR", events1=[12], n1=[100], events2=[20], n2=[100])
    >>> round(float(es.yi[0]), 4)
    -0.5108
    """
    everything: dict[str, Any] = locals()  # before anything else is local: the arguments
    m = measure_of(measure)
    given = {name: everything[name] for name in _ARGUMENTS if everything[name] is not None}
    about_rows: dict[str, Column] = {"study": study, "treat1": treat1, "treat2": treat2}
    if estimate is not None:
        return _printed(m, given, about_rows, data, level)
    kind, formula, needed = _choose(m, given)
    how = how_of(m, variance, correct)
    rule = ZeroRule(add, to, correction, drop00)
    columns = read_columns(data, given | about_rows)
    k = len(columns[needed[0]])
    names = labels(columns.get("study"), k)
    values = {name: numbers(name, columns[name], names, blank=True) for name in given}
    whole = ~np.isnan(sum(values[name] for name in needed))
    rows, known, some = _complete(whole, names, values, needed)
    if kind == "standardised":
        some = _as_d(some, known)
    done = compute(m, kind, formula, some, known, how, rule)
    remarks = (*done.remarks, *about(m, kind, some, known, done.yi, done.vi))
    marks = row_marks(rows.size, remarks, done.marks)
    one, two = (values.get(name, np.empty(0)) for name in INPUTS[kind].people)
    return Contrasts(
        measure=m.code,
        study=names,
        yi=_spread_out(done.yi, rows, k),
        vi=_spread_out(done.vi, rows, k),
        treat1=texts(columns.get("treat1"), k),
        treat2=texts(columns.get("treat2"), k),
        n1=one,
        n2=two,
        raw=values,
        notes=_notes(m, remarks, whole, names),
        marks=_all_marks(marks, rows, k),
    )


#: Arguments that are columns of results.
_ARGUMENTS = (*COLUMNS, "p_value", "estimate", "se", "ci_low", "ci_high")

#: Columns that may stand beside those that a kind of data needs.
_BESIDE: Mapping[str, tuple[str, ...]] = {"rates": ("n1", "n2"), "rate": ("n",)}

Way = tuple[Data, Formula, tuple[str, ...]]


def _ways(m: Measure) -> list[Way]:
    """The kinds of data that a measure can be computed from, with the formula and the columns."""
    own = contrast_formula(m)
    ways: list[Way] = [] if own is None else [(m.data, own, INPUTS[m.data].columns)]
    for data, formula in m.instead:
        ways += [(data, formula, (source, "n1", "n2")) for source in ("d", "t", "p_value")]
    return ways


def _choose(m: Measure, given: Mapping[str, Column]) -> Way:
    """The way whose columns are given, and no others.

    Raises
    ------
    InputError
        Names what is missing or too much.
    """
    ways = _ways(m)
    if not ways:
        raise InputError(
            f"{m.code} has no formula", hint="OR, RR, RD, MD, SMD…; or contrasts(), or estimate="
        )
    for data, formula, needed in ways:
        extra = [n for n in given if n not in needed and n not in _BESIDE.get(data, ())]
        if not extra and all(n in given for n in needed):
            return data, formula, needed
    # The way that comes nearest: with most of its columns given, the usual one first.
    needed = min((way[2] for way in ways), key=lambda way: sum(n not in given for n in way))
    missing = [n for n in needed if n not in given]
    extra = [n for n in given if n not in needed]
    what = f"without {', '.join(missing)}" if missing else f"with {extra[0]}"
    takes = " or ".join(", ".join(way[2]) for way in ways)
    raise InputError(f"{m.code} {what}", hint=f"{m.code} takes {takes}")


def _complete(
    whole: Flags, names: Sequence[str], values: Mapping[str, Floats], needed: Sequence[str]
) -> tuple[Ints, Sequence[str], dict[str, Floats]]:
    """Places, names and columns of the rows without a gap."""
    rows = np.flatnonzero(whole)
    if rows.size == len(names):
        return rows, names, {name: values[name] for name in needed}
    return rows, [names[i] for i in rows.tolist()], {name: values[name][rows] for name in needed}


def _as_d(c: Mapping[str, Floats], names: Sequence[str]) -> dict[str, Floats]:
    """Cohen's d, from itself, a t value or a signed two-sided p value of the same two groups."""
    n1, n2 = c["n1"], c["n2"]
    if "d" in c:
        return dict(c)
    if "t" in c:
        t = c["t"]
    else:
        p = c["p_value"]
        wrong = ~((np.abs(p) > 0.0) & (np.abs(p) <= 1.0))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"a p value of {p[row]:g}",
                where=f"study {names[row]}, column p_value",
                hint="two-sided, above 0 and at most 1, with a minus sign where group 1 is lower",
            )
        tails = (-t_quantile(0.5 * abs(q), df) for q, df in zip(p, n1 + n2 - 2.0, strict=True))
        t = np.copysign(np.array(list(tails)), p)
    return {"d": t * np.sqrt(1.0 / n1 + 1.0 / n2), "n1": n1, "n2": n2}


def _printed(
    m: Measure,
    given: Mapping[str, Any],
    about_rows: Mapping[str, Any],
    data: object,
    level: float,
) -> Contrasts:
    """An estimate as printed."""
    takes = ("estimate", "se", "ci_low", "ci_high", "p_value", "n1", "n2")
    extra = [name for name in given if name not in takes]
    if extra:
        raise InputError(f"estimate with {extra[0]}", hint=f"estimate goes with {takes[1:]}")
    return published(m.code, **given, **about_rows, data=data, level=level)


def _spread_out(values: Floats, rows: Ints, k: int) -> Floats:
    """Values of some rows among all rows, not a number elsewhere."""
    if rows.size == k:
        return values
    out = np.full(k, np.nan)
    out[rows] = values
    return out


def _all_marks(
    marks: tuple[tuple[str, ...], ...], rows: Ints, k: int
) -> tuple[tuple[str, ...], ...]:
    """Marks of all rows, with those that have gaps."""
    if rows.size == k:
        return marks
    held = dict(zip(rows.tolist(), marks or ((),) * rows.size, strict=True))
    return tuple(held.get(i, ("missing",)) for i in range(k))


def _notes(
    m: Measure, remarks: Sequence[Remark], whole: Flags, names: Sequence[str]
) -> tuple[Note, ...]:
    """What to say about the measure and about the trials."""
    notes = [remark.note for remark in remarks]
    if m.caution:
        notes.insert(0, Note("caution", m.caution))
    if not whole.all():
        gone = ", ".join(names[i] for i in np.flatnonzero(~whole).tolist())
        notes.append(Note("missing", f"Without an estimate, for a missing value: {gone}."))
    return tuple(notes)
