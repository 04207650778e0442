"""Counts that no trial can have, and rules for cells that are empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats, Ints

Flags = NDArray[np.bool_]

To = Literal["only0", "all", "if0all", "none"]

#: Above this, not every whole number has a floating-point number of its own.
EXACT = 2.0**53

#: Where a continuity correction goes: trials with a zero cell, every trial, every trial as soon as
#: one has a zero cell, nowhere.
TO: tuple[str, ...] = ("only0", "all", "if0all", "none")

Correction = Literal["constant", "treatment-arm", "empirical"]

_SWEETING = Method(
    "continuity correction",
    "Sweeting, Sutton, Lambert 2004, Stat Med 23:1351",
    "10.1002/sim.1761",
)

#: How much is added, by name of the rule.
CORRECTIONS: dict[str, Method] = {
    "constant": Method("constant continuity correction", "Gart, Zweifel 1967, Biometrika 54:181"),
    "treatment-arm": _SWEETING,
    "empirical": _SWEETING,
}


@dataclass(frozen=True, slots=True)
class ZeroRule:
    """What is added to empty cells, and in which trials.

    Attributes
    ----------
    add
        The constant; the mean over the groups of a trial under the other rules.
    to
        One of :data:`TO`.
    correction
        ``constant``: `add` in every cell. ``treatment-arm``: in proportion to the group's size, the
        reciprocal of the other group's. ``empirical``: so that a trial without events has the odds
        ratio of the trials without empty cells.
    drop00
        Leave the trials without events (or without anybody else) in all groups without an estimate.

    Raises
    ------
    UnknownNameError
        An unknown rule.
    InputError
        A negative `add`.
    """

    add: float = 0.5
    to: str = "only0"
    correction: str = "constant"
    drop00: bool = False

    def __post_init__(self) -> None:
        if self.to not in TO:
            raise UnknownNameError("rule for zero cells", self.to, TO)
        if self.correction not in CORRECTIONS:
            raise UnknownNameError("correction for zero cells", self.correction, CORRECTIONS)
        if not 0.0 <= self.add < np.inf:
            raise InputError(
                f"a correction of {self.add:g}", where="argument add", hint="0.5, or 0"
            )

    @property
    def words(self) -> str:
        """What was added, for a note."""
        if self.correction == "constant":
            return f"{self.add:g} was added to"
        how = "in proportion to the size of its group"
        if self.correction == "empirical":
            how = "that stands for the odds ratio of the trials without empty cells"
        return f"A correction {how} ({self.add:g} on average) was added to"


def in_trial(rows: Flags, trial: Ints, count: int) -> Flags:
    """Return, by trial number, whether one of its rows is flagged."""
    found: Flags = np.bincount(trial, weights=rows, minlength=count) > 0.0
    return found


def empty_cells(events: Floats, n: Floats | None) -> Flags:
    """Return where nobody, or of `n` people everybody, had the event."""
    zero: Flags = events == 0.0
    return zero if n is None else np.logical_or(zero, events == n)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of the groups of trials before and after a correction.

    Attributes
    ----------
    events, more
        Events as given, and what is added to them (and, among people, to those without).
    n
        People; None where events are counted in person-time.
    trial
        Number of each row's trial.
    touched, nobody, everybody, lost
        By trial: corrected; without events in any group; with events in everybody; left with an
        empty cell.
    """

    events: Floats
    more: Floats
    n: Floats | None
    trial: Ints
    touched: Flags
    nobody: Flags
    everybody: Flags
    lost: Flags

    @property
    def dropped(self) -> Flags:
        """Trials that ``drop00`` leaves without an estimate."""
        return self.nobody | self.everybody


def corrected(
    events: Floats, n: Floats | None, trial: Ints, rule: ZeroRule, *, size: Floats | None = None
) -> Counted:
    """Work out what the rule adds to each group.

    Parameters
    ----------
    events, n, trial
        One value a group; `n` None for events in person-time; `trial` counts from 0.
    rule
        What to add, and where.
    size
        Person-time, where `n` is None.

    Raises
    ------
    InputError
        The empirical rule for anything but pairs of groups of people.
    NotEstimableError
        The empirical rule when every trial has an empty cell.
    """
    count = int(trial.max()) + 1 if trial.size else 0
    zero = in_trial(empty_cells(events, n), trial, count)
    if rule.to == "only0":
        touched = zero
    elif rule.to == "none":
        touched = np.zeros_like(zero)
    else:
        touched = np.full_like(zero, rule.to == "all" or bool(zero.any()))
    if rule.drop00:
        nobody = ~in_trial(events > 0.0, trial, count)
        everybody = _everybody(events, n, trial, count)
        touched = touched & ~(nobody | everybody)
    if rule.add == 0.0:
        touched = np.zeros_like(zero)
    more = np.zeros_like(events)
    if touched.any():
        share = _shares(events, n if n is not None else size, trial, zero, rule, n is not None)
        more = rule.add * share * touched[trial]
    return Counted(
        events,
        more,
        n,
        trial,
        touched,
        ~in_trial(events > 0.0, trial, count),
        _everybody(events, n, trial, count),
        zero & ~touched,
    )


def _everybody(events: Floats, n: Floats | None, trial: Ints, count: int) -> Flags:
    if n is None:
        return np.zeros(count, dtype=bool)
    return ~in_trial(events < n, trial, count)


def _shares(
    events: Floats, size: Floats | None, trial: Ints, zero: Flags, rule: ZeroRule, people: bool
) -> Floats:
    """What each group gets, in units of `add`."""
    if rule.correction == "constant" or size is None:
        return np.ones_like(events)
    groups = np.bincount(trial)
    if rule.correction == "treatment-arm":
        return size * (groups / np.bincount(trial, weights=size))[trial]
    k = zero.size
    if not people or events.size != 2 * k or not (trial[:k] == trial[k:]).all():
        raise InputError(
            "the empirical correction for anything but two groups of people in each trial",
            where="argument correction",
            hint="'treatment-arm', or 'constant'",
        )
    odds = _pooled_odds_ratio(events, size, ~zero)
    ratio = size[k:] / size[:k]
    one = 2.0 * odds / (ratio + odds)
    return np.concatenate([one, 2.0 - one])


def _pooled_odds_ratio(events: Floats, n: Floats, keep: Flags) -> float:
    """The Mantel–Haenszel odds ratio of the trials to keep."""
    k = keep.size
    a, c = events[:k][keep], events[k:][keep]
    n1, n2 = n[:k][keep], n[k:][keep]
    if a.size == 0:
        raise NotEstimableError(
            "the empirical correction, but every trial has an empty cell",
            where="argument correction",
            hint="'treatment-arm', or a model for rare events",
        )
    total = n1 + n2
    return float((a * (n2 - c) / total).sum() / (c * (n1 - a) / total).sum())


# --- what no trial can have --------------------------------------------------------------------


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
    if ((events >= 0.0) & (events <= n) & (np.floor(events) == events)).all():
        return
    check_events(events, study, column=columns[0])
    row = int(np.flatnonzero(events > n)[0])
    raise InputError(
        f"{events[row]:g} events in {n[row]:g} people",
        where=f"study {study[row]}, column {columns[0]}",
        hint=f"{columns[0]} and {columns[1]} may be swapped, or events counted "
        "instead of people with an event",
    )


def check_events(events: Floats, study: Sequence[str], *, column: str) -> None:
    """Refuse counts below 0 or that are not whole.

    Raises
    ------
    InputError
        Names the study, the column and the value.
    """
    wrong = ~((events >= 0.0) & (np.floor(events) == events) & (events <= EXACT))
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    where = f"study {study[row]}, column {column}"
    hint = "a whole count; is it a percentage or a mean?"
    if events[row] < 0.0:
        hint = "a count of 0 or more"
    elif events[row] > EXACT:
        hint = "a count that can be"
    raise InputError(f"{events[row]:g} events", where=where, hint=hint)


def check_sizes(n: Floats, study: Sequence[str], *, column: str, least: int) -> None:
    """Refuse group sizes below `least` or that are not whole.

    Raises
    ------
    InputError
        Names the study, the column and the value.
    """
    wrong = ~((n >= least) & (np.floor(n) == n) & (n <= EXACT))
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    where = f"study {study[row]}, column {column}"
    people = "person" if least == 1 else "people"
    hint = "a whole number; round an effective sample size; is it a mean or an SD?"
    if n[row] < least:
        hint = f"at least {least} {people}"
    elif n[row] > EXACT:
        hint = "a number of people that can be"
    raise InputError(f"a group of {n[row]:g}", where=where, hint=hint)


def check_positive(
    values: Floats, study: Sequence[str], *, column: str, what: str, hint: str
) -> None:
    """Refuse values that are not above zero.

    Raises
    ------
    InputError
        Names the study, the column and the value.
    """
    wrong = ~(values > 0.0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f"study {study[row]}, column {column}"
        raise InputError(f"{what} of {values[row]:g}", where=where, hint=hint)


# --- what to say -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remark:
    """A note, and the numbers of the trials that it is about."""

    code: str
    text: str
    trials: tuple[int, ...]

    @property
    def note(self) -> Note:
        """The note alone."""
        return Note(self.code, self.text)


def named(names: Sequence[str], flags: Flags) -> str:
    """Names of the flagged trials, for a sentence."""
    return ", ".join(names[i] for i in np.flatnonzero(flags).tolist())


def zero_remarks(
    counted: Counted, names: Sequence[str], rule: ZeroRule, *, relative: bool, ratio: bool = True
) -> tuple[Remark, ...]:
    """What to say about trials where nobody, or everybody, in a group had the event.

    Parameters
    ----------
    counted, names, rule
        What was found, the trials' names, and the rule that was used.
    relative
        Whether a trial without events says nothing by this measure.
    ratio
        Whether the measure is a ratio, for the words.
    """
    found: list[tuple[str, str, Flags]] = []
    if counted.touched.any():
        people = counted.n is not None
        where = "trials where nobody or everybody in a group had the event"
        where = where if people else "trials where a group had no event"
        where = "these trials, as was asked" if rule.to != "only0" else where
        cells = "every cell" if people else "the events"
        text = f"{rule.words} {cells} of {where}: {named(names, counted.touched)}."
        found.append(("corrected", text, counted.touched))
    if relative and not rule.drop00:
        for flag, code, who in (
            (counted.nobody, "double-zero", "Nobody"),
            (counted.everybody, "double-full", "Everybody"),
        ):
            if not flag.any():
                continue
            what = "a ratio" if ratio else "a relative effect"
            text = (
                f"{who} in any group had the event: {named(names, flag)}. "
                f"Such trials say nothing about {what}"
            )
            if counted.touched[flag].any():
                text += " by themselves; what they add here comes from the correction alone"
            found.append((code, f"{text}.", flag))
    if rule.drop00 and counted.dropped.any():
        text = "Left without an estimate, as was asked, because all groups agree that nobody"
        text += f" (or everybody) had the event: {named(names, counted.dropped)}."
        found.append(("drop00", text, counted.dropped))
    lost = counted.lost & ~counted.dropped if rule.drop00 else counted.lost
    if relative and lost.any():
        text = f"A zero cell was left as it is: {named(names, lost)}."
        found.append(("uncorrected", text, lost))
    return tuple(Remark(c, t, tuple(np.flatnonzero(f).tolist())) for c, t, f in found)


def zero_marks(counted: Counted) -> dict[str, Flags]:
    """What can be read by code about each trial, whether or not a note is needed."""
    return {
        "corrected": counted.touched,
        "double-zero": counted.nobody,
        "double-full": counted.everybody,
        "zero-cell": counted.lost,
    }
