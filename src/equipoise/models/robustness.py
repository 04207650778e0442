"""What a pooled result rests on: each trial left out, trials one after another, every subset.

Everything refits by the path of :func:`equipoise.pairwise`, with the settings of the fit that it
is about, so that no second way of computing a mean can disagree with the first.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, percent, significant
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.contrasts import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import shown
from equipoise.models.pairwise import PairwiseFit, pairwise, refit

Floats = NDArray[np.float64]
Found = TypeVar("Found", covariant=True)

LAU = Method(
    "cumulative meta-analysis",
    "Lau, Antman, Jimenez-Silva, Kupelnick, Mosteller, Chalmers 1992, N Engl J Med 327:248",
    "10.1056/NEJM199207233270406",
)
LEAVE_ONE_OUT = Method(
    "each trial left out in turn",
    "Viechtbauer, Cheung 2010, Res Synth Methods 1:112",
    "10.1002/jrsm.11",
)

_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20|21)\d\d(?!\d)")
_HEADS = {"leave-one-out": "left out", "cumulative": "up to and with"}
_NAMES = {"leave-one-out": "Each trial left out in turn", "cumulative": "Trials added one by one"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Refits(Result):
    """The same analysis on several sets of trials: each left out in turn, or one after another.

    Attributes
    ----------
    kind
        ``leave-one-out`` or ``cumulative``.
    full
        The analysis of all trials.
    label
        The trial that is left out, or the one that was added last.
    k
        Trials in each analysis.
    estimate, se, statistic, p_value, ci_low, ci_high
        The mean on the scale of analysis, with what belongs to its interval.
    tau2, i2, h2, q, q_p
        How much the trials of each analysis differ; I² in percent.
    flips
        For each row, whether its interval stands otherwise to no difference than the one of
        `full` does: it reaches it, excludes it, or lies on its other side.
    notes, methods
        What to know; the methods with their papers.
    """

    kind: str
    full: PairwiseFit
    label: tuple[str, ...]
    k: NDArray[np.intp]
    estimate: Floats
    se: Floats
    statistic: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats
    tau2: Floats
    i2: Floats
    h2: Floats
    q: Floats
    q_p: Floats
    flips: NDArray[np.bool_]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.label)

    def table(self) -> Table:
        """The rows as a reader sees them: ratios, not their logs."""
        m = measure_of(self.full.measure)
        ci = f"{percent(100 * self.full.level)} CI"
        columns = (
            Column("label", _HEADS[self.kind]),
            Column("k", "trials", "count", "right"),
            Column("estimate", m.name, align="right"),
            Column("ci", ci, align="right"),
            Column("p_value", "p", "p", "right"),
            Column("tau2", "tau²", align="right"),
            Column("i2", "I²", "percent", "right"),
            Column("flips", "note"),
        )
        rows = []
        for i, name in enumerate(self.label):
            value, bounds = _texts(self.full, self.estimate[i], self.ci_low[i], self.ci_high[i])
            spread = significant(float(self.tau2[i]), 4) if self.k[i] > 1 else None
            i2 = float(self.i2[i]) if self.k[i] > 1 else None
            mark = "another conclusion" if self.flips[i] else ""
            row = (name, int(self.k[i]), value, bounds, float(self.p_value[i]), spread, i2, mark)
            rows.append(row)
        caption = f"{_NAMES[self.kind]}: {m.name}"
        return Table(caption, columns, tuple(rows), missing="one trial")

    def summary(self) -> str:
        """Every row, then what to know; digits are cut for reading."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an analysis, on the scale of analysis, uncut."""
        names = (
            *("label", "k", "estimate", "se", "statistic", "p_value", "ci_low", "ci_high"),
            *("tau2", "i2", "h2", "q", "q_p", "flips"),
        )
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        ends = [_texts(self.full, x, x, x)[0] for x in (self.estimate.min(), self.estimate.max())]
        flips = int(self.flips.sum())
        said = f"; {flips} of {len(self)} with another conclusion" if flips else ""
        return f"<Refits {self.kind} {self.full.measure} {ends[0]} to {ends[1]}{said}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


class LeavesOut(Protocol[Found]):
    """A fit with a way of its own, such as a network."""

    def leave_one_out(self) -> Found:
        """Every effect without each trial in turn."""


@overload
@typed_late
def leave_one_out(fit: PairwiseFit) -> Refits: ...


@overload
def leave_one_out(fit: LeavesOut[Found]) -> Found: ...


def leave_one_out(fit: Any) -> Any:
    """Leave each trial out in turn: does the result rest on one of them?

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave; its settings are used for every refit. An interval
        chosen by the rule ``auto`` is chosen anew for each. Or what :func:`equipoise.network` gave,
        of which it is ``net.leave_one_out()``.

    Returns
    -------
    Refits
        One row a trial, in the order of the fit.

    Raises
    ------
    InputError
        When there is only one trial.

    Notes
    -----
    Source: Viechtbauer & Cheung 2010, Res Synth Methods 1:112, doi:10.1002/jrsm.11.
    Checked against metafor's ``leave1out`` in ``validation/values/robustness.json``.
    """
    if not isinstance(fit, PairwiseFit) and callable(getattr(fit, "leave_one_out", None)):
        return fit.leave_one_out()
    check_fit(fit)
    if fit.k < 2:
        raise InputError("leaving out the only trial leaves none", hint="at least two trials")
    es = rows_of(fit)
    everything = range(fit.k)
    fits = [refit(fit, es.take([j for j in everything if j != i])) for i in everything]
    return _refits("leave-one-out", fit, fit.study, fits, LEAVE_ONE_OUT)


@typed_late
def cumulative(
    es: Contrasts | PairwiseFit,
    *,
    order: Sequence[Any] | str | None = None,
    descending: bool = False,
    **settings: Any,
) -> Refits:
    """Add trials one after another: since when has the answer been known?

    Parameters
    ----------
    es
        Effects, or a fit whose rows and settings are used.
    order
        A value for each row by which they are sorted (such as the year), ``year`` (the last one in
        a trial's label), ``precision`` (the most precise first), or None for the order given. Ties
        keep the order given.
    descending
        From the largest value to the smallest.
    settings
        As for :func:`equipoise.pairwise`, when `es` is not a fit.

    Returns
    -------
    Refits
        One row a trial; the last is the analysis of all.

    Raises
    ------
    InputError
        When `order` has another length, holds a missing value, or settings are given with a fit.

    Notes
    -----
    The intervals of the steps are not corrected for looking again and again.

    Source: Lau et al. 1992, N Engl J Med 327:248, doi:10.1056/NEJM199207233270406.
    Checked against metafor's ``cumul`` in ``validation/values/robustness.json``.
    """
    full, rows, values = arranged(es, order, settings)
    places = in_order(rows, values, descending)
    fits = [refit(full, rows.take(places[: i + 1])) for i in range(full.k)]
    labels = tuple(rows.study[i] for i in places)
    found = _refits("cumulative", full, labels, fits, LAU)
    text = (
        "Each step is a look at the data; the intervals are not corrected for looking "
        f"{full.k} times."
    )
    return _with_note(found, Note("repeated-looks", text)) if full.k > 1 else found


def check_fit(fit: object) -> None:
    """Refuse what is no pairwise synthesis."""
    if not isinstance(fit, PairwiseFit):
        raise InputError(
            f"a {type(fit).__name__} where a fit is wanted", hint="what pairwise() gives"
        )


def rows_of(fit: PairwiseFit) -> Contrasts:
    """The rows that a fit pooled, as it would take them again."""
    return Contrasts(measure=fit.measure, study=fit.study, yi=fit.yi, vi=fit.vi, raw=dict(fit.raw))


def arranged(
    es: Contrasts | PairwiseFit, order: Sequence[Any] | str | None, settings: dict[str, Any]
) -> tuple[PairwiseFit, Contrasts, list[Any]]:
    """The analysis of all trials, its rows, and the value that each is sorted by."""
    if isinstance(es, PairwiseFit):
        if settings:
            raise InputError(
                f"{next(iter(settings))} with a fit, which has its own settings",
                hint="the effects in place of the fit",
            )
        full, rows = es, rows_of(es)
    else:
        full = pairwise(es, **settings)
        rows = rows_of(full)
        if order is not None and not isinstance(order, str) and len(order) == len(es):
            order = _kept(es, order)
    return full, rows, _values(rows, order)


def _kept(es: Contrasts, order: Sequence[Any]) -> list[Any]:
    """The sort values of the rows that have an estimate."""
    usable = np.isfinite(es.yi) & np.isfinite(es.vi)
    return [value for value, use in zip(order, usable.tolist(), strict=True) if use]


def _values(rows: Contrasts, order: Sequence[Any] | str | None) -> list[Any]:
    values: list[Any]
    if order is None:
        values = list(range(len(rows)))
    elif not isinstance(order, str):
        values = list(order)
    elif order == "precision":
        values = rows.vi.tolist()
    elif order == "year":
        found = [_YEAR.findall(study) for study in rows.study]
        values = [int(years[-1]) if years else None for years in found]
    else:
        raise UnknownNameError("order", order, ("precision", "year"))
    if len(values) != len(rows):
        raise InputError(
            f"{counted(len(values), 'value')} of order for {counted(len(rows), 'row')}",
            hint="one value for each row",
        )
    for study, value in zip(rows.study, values, strict=True):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise InputError(
                "no value to sort by", where=f"study {study}", hint="a value for every row"
            )
    return values


def in_order(rows: Contrasts, values: Sequence[Any], descending: bool) -> list[int]:
    """The places of the rows, sorted by their values."""
    try:
        return sorted(range(len(rows)), key=lambda i: values[i], reverse=descending)
    except TypeError:
        kinds = sorted({type(value).__name__ for value in values})
        raise InputError(
            f"cannot sort {' and '.join(kinds)} together", where="order", hint="values of one kind"
        ) from None


def _refits(
    kind: str,
    full: PairwiseFit,
    label: tuple[str, ...],
    fits: Sequence[PairwiseFit],
    method: Method,
) -> Refits:
    def column(get: Callable[[PairwiseFit], float]) -> Floats:
        return read_only(np.array([get(fit) for fit in fits], dtype=np.float64))

    side = _side(full)
    flips = np.array([_side(fit) != side for fit in fits])
    flips.setflags(write=False)
    sizes = np.array([fit.k for fit in fits], dtype=np.intp)
    sizes.setflags(write=False)
    notes = [] if kind == "cumulative" else _about_flips(label, flips)
    return Refits(
        kind=kind,
        full=full,
        label=label,
        k=sizes,
        estimate=column(lambda f: f.estimate),
        se=column(lambda f: f.se),
        statistic=column(lambda f: f.statistic),
        p_value=column(lambda f: f.p_value),
        ci_low=column(lambda f: f.ci.low),
        ci_high=column(lambda f: f.ci.high),
        tau2=column(lambda f: f.tau2),
        i2=column(lambda f: f.i2),
        h2=column(lambda f: f.h2),
        q=column(lambda f: f.q),
        q_p=column(lambda f: f.q_p),
        flips=flips,
        notes=tuple(notes),
        methods=(method, *full.methods),
    )


def _about_flips(label: tuple[str, ...], flips: NDArray[np.bool_]) -> list[Note]:
    which = [name for name, flip in zip(label, flips.tolist(), strict=True) if flip]
    if not which:
        return []
    trials = "this trial" if len(which) == 1 else "any of these trials"
    text = (
        f"Without {trials}, the interval stands otherwise to no difference: {', '.join(which)}. "
        "The conclusion rests on them."
    )
    return [Note("rests-on", text)]


def _side(fit: PairwiseFit) -> int:
    """Where the interval lies: below no difference, above it, or over it (0)."""
    return int(fit.ci.low > 0.0) - int(fit.ci.high < 0.0)


def _with_note(found: Refits, note: Note) -> Refits:
    return dataclasses.replace(found, notes=(*found.notes, note))


def _texts(fit: PairwiseFit, value: float, low: float, high: float) -> tuple[str, str]:
    m = measure_of(fit.measure)
    back = m.back_interval(type(fit.ci)(float(low), float(high), fit.level))
    return shown(m, m.back(float(value)), back)
