"""From trials to contrasts: the front of this package, and effect sizes of two groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.core.result import Note
from equipoise.effects.arms import Arms, arm_contrasts, arms, binary_notes, spread_notes
from equipoise.effects.binary import To, arm_values, check_counts, corrected
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Column, Floats, labels, numbers, read_columns, texts
from equipoise.effects.continuous import check_spread, small_sample_factor
from equipoise.effects.measures import measure_of
from equipoise.effects.reported import contrasts, published

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

_NEEDED = {
    "binary": ("events1", "n1", "events2", "n2"),
    "continuous": ("mean1", "sd1", "n1", "mean2", "sd2", "n2"),
}


def effect_sizes(
    measure: Literal["OR", "RR", "RD", "MD", "SMD"] | str,
    *,
    events1: Column = None,
    n1: Column = None,
    events2: Column = None,
    n2: Column = None,
    mean1: Column = None,
    sd1: Column = None,
    mean2: Column = None,
    sd2: Column = None,
    study: Column = None,
    treat1: Column = None,
    treat2: Column = None,
    data: object = None,
    add: float = 0.5,
    to: To = "only0",
) -> Contrasts:
    """Effect of group 1 against group 2 in each trial.

    Parameters
    ----------
    measure
        ``OR``, ``RR``, ``RD`` (from `events1`, `n1`, `events2`, `n2`) or ``MD``, ``SMD`` (from
        `mean1`, `sd1`, `n1`, `mean2`, `sd2`, `n2`). SMD is Hedges' g with the exact factor.
    events1, n1, events2, n2, mean1, sd1, mean2, sd2
        One value a trial, or names of columns of `data`.
    study, treat1, treat2
        Labels; trials are numbered when `study` is not given.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.
    add, to
        Added to every cell of the trials where nobody or everybody in a group had the event
        (`to` ``only0``); ``all``, ``if0all`` and ``none`` as in R's metafor.

    Returns
    -------
    Contrasts
        In the order given, on the scale of analysis (logarithms for OR and RR). Trials without
        an event in either group are kept and named in a note.

    Raises
    ------
    InputError
        On missing columns and impossible values: names study, column, value and likely cause.
    UnknownNameError
        On an unknown measure or column.

    Notes
    -----
    The variance of g is ``1/n1 + 1/n2 + g²/(2(n1 + n2))``.

    Source: the paper of each measure is in :data:`equipoise.effects.measures.MEASURES`; the
    variance of g, Hedges 1982, Psychol Bull 92:490, doi:10.1037/0033-2909.92.2.490.

    Examples
    --------
    >>> es = effect_sizes("RR", events1=[12], n1=[100], events2=[20], n2=[100])
    >>> round(float(es.yi[0]), 4)
    -0.5108
    """
    m = measure_of(measure)
    if m.data == "any":
        raise InputError(f"{measure} has no formula", hint="OR, RR, RD, MD, SMD; or contrasts()")
    given: dict[str, Column] = {
        "events1": events1,
        "n1": n1,
        "events2": events2,
        "n2": n2,
        "mean1": mean1,
        "sd1": sd1,
        "mean2": mean2,
        "sd2": sd2,
    }
    _check_given(measure, given, _NEEDED[m.data])
    about: dict[str, Column] = {"study": study, "treat1": treat1, "treat2": treat2}
    columns = read_columns(data, given | about)
    k = len(columns["n1"])
    names = labels(columns.get("study"), k)
    values = {name: numbers(name, columns[name], names) for name in _NEEDED[m.data]}
    if m.data == "binary":
        yi, vi, notes = _binary(measure, values, names, add, to)
    else:
        yi, vi, notes = _continuous(measure, values, names)
    return Contrasts(
        measure=measure,
        study=names,
        yi=yi,
        vi=vi,
        treat1=texts(columns.get("treat1"), k),
        treat2=texts(columns.get("treat2"), k),
        n1=values["n1"],
        n2=values["n2"],
        raw=values,
        notes=notes,
    )


def _check_given(measure: str, given: dict[str, Column], needed: Sequence[str]) -> None:
    missing = [name for name in needed if given[name] is None]
    extra = [name for name, value in given.items() if value is not None and name not in needed]
    if missing or extra:
        what = (
            f"{measure} without {', '.join(missing)}" if missing else f"{measure} with {extra[0]}"
        )
        raise InputError(what, hint=f"{measure} takes {', '.join(needed)}")


def _pairs(one: Floats, two: Floats) -> Floats:
    """One array with the first group's values, then the second's."""
    return np.concatenate([one, two])


def _trial(k: int) -> NDArray[np.intp]:
    return np.concatenate([np.arange(k), np.arange(k)])


def _binary(
    measure: str, values: dict[str, Floats], names: Sequence[str], add: float, to: str
) -> tuple[Floats, Floats, tuple[Note, ...]]:
    k = len(names)
    for side in ("1", "2"):
        columns = (f"events{side}", f"n{side}")
        check_counts(values[columns[0]], values[columns[1]], names, columns=columns)
    events, n = (_pairs(values[f"{c}1"], values[f"{c}2"]) for c in ("events", "n"))
    trial = _trial(k)
    e, size, touched = corrected(events, n, trial, add=add, to=to)
    value, variance = arm_values(measure, e, size)
    yi, vi = value[:k] - value[k:], variance[:k] + variance[k:]
    return yi, vi, binary_notes(measure, events, n, trial, names, touched, add, to)


def _continuous(
    measure: str, values: dict[str, Floats], names: Sequence[str]
) -> tuple[Floats, Floats, tuple[Note, ...]]:
    for side in ("1", "2"):
        columns = (f"sd{side}", f"n{side}")
        check_spread(values[columns[0]], values[columns[1]], names, columns=columns)
    n1, n2, sd1, sd2 = (values[c] for c in ("n1", "n2", "sd1", "sd2"))
    for row in np.flatnonzero((sd1 == 0.0) & (sd2 == 0.0)).tolist():
        raise InputError(
            "a standard deviation of 0 in both groups",
            where=f"study {names[row]}, columns sd1 and sd2",
            hint="the standard deviations of the groups; 0 may stand for 'not reported'",
        )
    difference = values["mean1"] - values["mean2"]
    if measure == "MD":
        yi, vi = difference, sd1**2 / n1 + sd2**2 / n2
    else:
        df = n1 + n2 - 2.0
        pooled = np.sqrt(((n1 - 1.0) * sd1**2 + (n2 - 1.0) * sd2**2) / df)
        yi = difference / pooled * small_sample_factor(df)
        vi = 1.0 / n1 + 1.0 / n2 + yi**2 / (2.0 * (n1 + n2))
    sizes = _pairs(n1, n2)
    return yi, vi, spread_notes(measure, _pairs(sd1, sd2), sizes, _trial(len(names)), names, yi)
