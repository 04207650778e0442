"""From checked columns to estimates, variances, notes and marks: what every measure shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.binary import ABSOLUTE
from equipoise.effects.columns import Floats
from equipoise.effects.inputs import INPUTS, Input
from equipoise.effects.measure import Data, Formula, How, Measure, Values
from equipoise.effects.suspects import flipped, similar_names, spread_remarks, twice
from equipoise.effects.zeros import (
    Flags,
    Remark,
    ZeroRule,
    check_positive,
    corrected,
    empty_cells,
    named,
    zero_marks,
    zero_remarks,
)

#: Measures that are defined where a count is 0, and are never corrected.
NEVER_CORRECTED = frozenset(
    {"AS", "PHI", "ZPHI", "RTET", "ZTET", "PAS", "PFT", "IRS", "IRFT", "IRSD"}
)


@dataclass(frozen=True, slots=True)
class Computed:
    """Estimates and variances by row; what to say; and what code can read about each row."""

    yi: Floats
    vi: Floats
    remarks: tuple[Remark, ...] = ()
    marks: tuple[tuple[str, Flags], ...] = ()


def how_of(m: Measure, variance: str | None, correct: bool) -> How:
    """The asked variance, checked.

    Raises
    ------
    UnknownNameError
        A kind of variance that the measure does not have.
    InputError
        ``correct=False`` for a measure without a correction.
    """
    if variance is None:
        variance = m.variances[0]
    elif variance not in m.variances:
        raise UnknownNameError(f"variance of {m.code}", variance, m.variances)
    if not correct and not m.corrects:
        raise InputError(
            f"{m.code} has no correction to leave out",
            where="argument correct",
            hint="leave it out",
        )
    return How(variance, correct)


def side(c: Values, number: str) -> dict[str, Floats]:
    """The columns of one group, without the number at the end of their names."""
    return {name[:-1]: values for name, values in c.items() if name.endswith(number)}


def contrast_formula(m: Measure) -> Formula | None:
    """The measure's own formula, or group 1 minus group 2; None where it has neither."""
    if m.formula is not None or m.arm is None:
        return m.formula
    arm = m.arm

    def difference(c: Values, how: How) -> tuple[Floats, Floats]:
        y1, v1 = arm(side(c, "1"), how)
        y2, v2 = arm(side(c, "2"), how)
        return y1 - y2, v1 + v2

    return difference


def finite(y: Floats, v: Floats) -> tuple[Floats, Floats]:
    """No number where an estimate, or where its variance, is not finite."""
    known = np.isfinite(y)
    if not known.all():
        y = np.where(known, y, np.nan)
    known &= np.isfinite(v)
    if not known.all():
        v = np.where(known, v, np.nan)
    return y, v


def check_means(m: Measure, c: Values, names: Sequence[str]) -> None:
    """Refuse means that have no logarithm, for measures that take it."""
    if m.scale != "log":
        return
    for column in ("mean", "mean1", "mean2"):
        if column in c:
            hint = "another measure: a ratio needs a scale with a true zero and positive means"
            check_positive(c[column], names, column=column, what=f"{m.code} of a mean", hint=hint)


def compute(
    m: Measure,
    data: Data,
    formula: Formula,
    c: Values,
    names: Sequence[str],
    how: How,
    rule: ZeroRule,
) -> Computed:
    """Check complete columns, correct empty cells, and apply the formula.

    Parameters
    ----------
    m, data, formula
        The measure, the kind of its data, and the formula for them.
    c, names
        Columns without gaps, and the studies' names.
    how, rule
        The variance and correction that were asked for; the rule for empty cells.

    Raises
    ------
    InputError
        On impossible values: names study, column, value and likely cause.
    """
    kind = INPUTS[data]
    kind.check(c, names)
    if "mean" in data or data in ("continuous", "paired"):
        check_means(m, c, names)
    remarks: tuple[Remark, ...] = ()
    marks: tuple[tuple[str, Flags], ...] = ()
    used = c
    if kind.counts:
        used, remarks, marks = _counts(m, kind, c, names, rule)
    elif kind.cells:
        used, remarks, marks = _cells(kind, c, names, rule)
    with np.errstate(all="ignore"):
        y, v = formula(used, how)
    y, v = finite(y, v)
    dropped = [flags for code, flags in marks if code in ("double-zero", "double-full")]
    if rule.drop00 and dropped:
        out = dropped[0] | dropped[1]
        y, v = np.where(out, np.nan, y), np.where(out, np.nan, v)
    return Computed(y, v, remarks, marks)


def _counts(
    m: Measure, kind: Input, c: Values, names: Sequence[str], rule: ZeroRule
) -> tuple[Values, tuple[Remark, ...], tuple[tuple[str, Flags], ...]]:
    """Counts of groups with the rule for empty cells applied."""
    k = len(names)
    if m.code in NEVER_CORRECTED:
        rule = replace(rule, to="none")
    ends = ("1", "2") if kind.groups == 2 else ("",)
    people = f"n{ends[0]}" in c
    base = "n" if people else "time"
    events, size = (np.concatenate([c[f"{x}{end}"] for end in ends]) for x in ("events", base))
    if rule.to != "all" and not empty_cells(events, size if people else None).any():
        return c, (), ()
    trial: NDArray[np.intp] = np.concatenate([np.arange(k)] * len(ends))
    counted = corrected(events, size if people else None, trial, rule, size=size)
    used = dict(c)
    if counted.touched.any():
        for i, end in enumerate(ends):
            more = counted.more[i * k : (i + 1) * k]
            used[f"events{end}"] = c[f"events{end}"] + more
            if people:
                used[f"n{end}"] = c[f"n{end}"] + 2.0 * more
    relative = kind.groups == 2 and m.code not in ABSOLUTE
    remarks = zero_remarks(counted, names, rule, relative=relative, ratio=m.ratio)
    return used, remarks, tuple(zero_marks(counted).items())


def _cells(
    kind: Input, c: Values, names: Sequence[str], rule: ZeroRule
) -> tuple[Values, tuple[Remark, ...], tuple[tuple[str, Flags], ...]]:
    """One table a study, with the constant added to all its cells where one is empty."""
    if rule.correction != "constant":
        raise InputError(
            f"the {rule.correction} correction for a table of one group",
            where="argument correction",
            hint="'constant'",
        )
    empty = np.any([c[name] == 0.0 for name in kind.cells], axis=0)
    touched = empty if rule.to == "only0" else np.full_like(empty, rule.to == "all")
    if rule.to == "if0all" and empty.any():
        touched = np.ones_like(empty)
    if rule.add == 0.0:
        touched = np.zeros_like(empty)
    if not touched.any():
        return c, (), (("corrected", touched),)
    text = f"{rule.words} every cell of: {named(names, touched)}."
    remark = Remark("corrected", text, tuple(np.flatnonzero(touched).tolist()))
    used = dict(c) | {name: c[name] + rule.add * touched for name in kind.cells}
    return used, (remark,), (("corrected", touched),)


def about(
    m: Measure, data: Data, c: Values, names: Sequence[str], y: Floats, v: Floats
) -> tuple[Remark, ...]:
    """What looks like one of the commonest errors of entry."""
    found: list[Remark] = []
    if data in ("continuous", "spreads", "mean"):
        ends = ("",) if data == "mean" else ("1", "2")
        rows = np.arange(len(names))
        sd, n = (np.concatenate([c[f"{x}{end}"] for end in ends]) for x in ("sd", "n"))
        trial = np.concatenate([rows] * len(ends))
        found += spread_remarks(m, sd, n, trial, names, (y, rows))
    found += flipped(m, y, v, names)
    found += twice(c, names, INPUTS[data].groups)
    found += similar_names(names)
    return tuple(found)


def row_marks(
    count: int, remarks: Sequence[Remark], marks: Sequence[tuple[str, Flags]]
) -> tuple[tuple[str, ...], ...]:
    """The marks of each row; empty where there is none at all."""
    rows: dict[int, list[str]] = {}
    for code, flags in marks:
        for i in np.flatnonzero(flags).tolist():
            rows.setdefault(i, []).append(code)
    for remark in remarks:
        for i in remark.trials:
            if remark.code not in rows.setdefault(i, []):
                rows[i].append(remark.code)
    return tuple(tuple(rows.get(i, ())) for i in range(count)) if rows else ()
