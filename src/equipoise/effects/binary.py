"""Binary outcomes of arms: each arm's log odds, log risk or risk, with its variance.

OR, RR and RD are differences of one number per arm, so that a difference's variance is the sum of
its arms' and two differences that share an arm covary by that arm's variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.columns import Floats, Ints

To = Literal["only0", "all", "if0all", "none"]

#: Where a continuity correction goes: trials with a zero cell, every trial, every trial as soon as
#: one has a zero cell, nowhere.
TO: tuple[str, ...] = ("only0", "all", "if0all", "none")


def arm_values(measure: str, events: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return each arm's value on the analysis scale and its variance.

    Parameters
    ----------
    measure
        ``OR`` (log odds), ``RR`` (log risk) or ``RD`` (risk).
    events, n
        People with the event and people, any correction already added; one shape.

    Returns
    -------
    tuple of arrays
        Values and variances; not a number where a zero makes them undefined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "OR":
            value = np.log(events) - np.log(n - events)
            variance = 1.0 / events + 1.0 / (n - events)
        elif measure == "RR":
            value = np.log(events) - np.log(n)
            variance = 1.0 / events - 1.0 / n
        else:
            risk = events / n
            value, variance = risk, risk * (1.0 - risk) / n
    usable = np.isfinite(value) & np.isfinite(variance)
    return np.where(usable, value, np.nan), np.where(usable, variance, np.nan)


def zero_trials(events: Floats, n: Floats, trial: Ints) -> NDArray[np.bool_]:
    """Return, by trial number, whether nobody or everybody in one of its arms had the event."""
    found = np.zeros(int(trial.max()) + 1 if trial.size else 0, dtype=bool)
    np.logical_or.at(found, trial, (events == 0.0) | (events == n))
    return found


def corrected(
    events: Floats, n: Floats, trial: Ints, *, add: float, to: str
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Add `add` to every cell of the trials that `to` names.

    Returns
    -------
    events, n, touched
        The corrected counts, and for each trial number whether it was touched.

    Raises
    ------
    UnknownNameError
        An unknown `to`.
    InputError
        A negative `add`.
    """
    if to not in TO:
        raise UnknownNameError("rule for zero cells", to, TO)
    if not 0.0 <= add < np.inf:
        raise InputError(f"a correction of {add:g}", where="argument add", hint="0.5, or 0")
    zero = zero_trials(events, n, trial)
    if to == "only0":
        touched = zero
    elif to == "none":
        touched = np.zeros_like(zero)
    else:
        touched = np.full_like(zero, to == "all" or bool(zero.any()))
    more = add * touched[trial]
    return events + more, n + 2.0 * more, touched & (add > 0.0)


def check_counts(
    events: Floats,
    n: Floats,
    study: Sequence[str],
    *,
    columns: tuple[str, str] = ("events", "n"),
) -> None:
    """Refuse counts that no trial can have.

    Raises
    ------
    InputError
        Names the study, the column, the value and the likely cause.
    """
    check_sizes(n, study, column=columns[1], least=1)
    for row, (e, size) in enumerate(zip(events.tolist(), n.tolist(), strict=True)):
        where = f"study {study[row]}, column {columns[0]}"
        if e < 0.0:
            raise InputError(f"{e:g} events", where=where, hint="a count of 0 or more")
        if not e.is_integer():
            raise InputError(
                f"{e:g} events", where=where, hint="a whole count; is it a percentage or a mean?"
            )
        if e > size:
            raise InputError(
                f"{e:g} events in {size:g} people",
                where=where,
                hint=f"{columns[0]} and {columns[1]} may be swapped, or events counted "
                "instead of people with an event",
            )


def check_sizes(n: Floats, study: Sequence[str], *, column: str, least: int) -> None:
    """Refuse group sizes below `least` or that are not whole.

    Raises
    ------
    InputError
        Names the study, the column and the value.
    """
    for row, size in enumerate(n.tolist()):
        where = f"study {study[row]}, column {column}"
        if size < least:
            people = "person" if least == 1 else "people"
            raise InputError(f"a group of {size:g}", where=where, hint=f"at least {least} {people}")
        if not float(size).is_integer():
            raise InputError(
                f"a group of {size:g}",
                where=where,
                hint="a whole number; round an effective sample size; is it a mean or an SD?",
            )
