"""Trials as counts: two groups each, with people or person-time; the scales of their effects."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Note
from equipoise.core.table import counted, fixed
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Column, Floats, labels, numbers, read_columns, read_only
from equipoise.effects.compute import contrast_formula, how_of
from equipoise.effects.measures import measure_of
from equipoise.effects.suspects import repeated_study
from equipoise.effects.zeros import ZeroRule, check_counts, corrected

_PEOPLE = ("events1", "n1", "events2", "n2")
_TIME = ("events1", "time1", "events2", "time2")


@dataclass(frozen=True, slots=True)
class Scale:
    """An effect measure of counts: its code, its name, and whether it is a ratio of rates."""

    code: str
    name: str
    ratio: bool
    time: bool

    @property
    def null(self) -> float:
        """No difference on the scale of analysis: 0 for logs of ratios and for differences."""
        return 0.0

    def back(self, value: float) -> float:
        """Turn a value of the analysis scale into one of the reader's scale."""
        if not self.ratio:
            return value
        return math.exp(value) if value < 709.0 else math.inf


#: The measures that counts have, by code.
SCALES: MappingProxyType[str, Scale] = MappingProxyType(
    {
        s.code: s
        for s in (
            Scale("OR", "odds ratio", True, False),
            Scale("RR", "risk ratio", True, False),
            Scale("RD", "risk difference", False, False),
            Scale("IRR", "rate ratio", True, True),
            Scale("IRD", "rate difference", False, True),
        )
    }
)


def scale_of(code: str) -> Scale:
    """Return the scale of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code.
    """
    if code not in SCALES:
        raise UnknownNameError("measure of counts", code, SCALES)
    return SCALES[code]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Trials of two groups each: events, and the people or person-time that they arose in.

    Attributes
    ----------
    study
        A label a trial.
    events1, size1, events2, size2
        Events, and people (or person-time), of the two groups.
    time
        Whether the sizes are person-time.
    left_out
        Rows that could not be read, and why.
    """

    study: tuple[str, ...]
    events1: Floats
    size1: Floats
    events2: Floats
    size2: Floats
    time: bool
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.study)

    @property
    def total(self) -> Floats:
        """Events of both groups."""
        return self.events1 + self.events2

    @property
    def double_zero(self) -> NDArray[np.bool_]:
        """Trials in which nobody, or everybody, in both groups had the event."""
        none: NDArray[np.bool_] = self.total == 0.0
        if self.time:
            return none
        everybody: NDArray[np.bool_] = self.total == self.size1 + self.size2
        return none | everybody

    def take(self, keep: NDArray[np.bool_]) -> Tables:
        """Return only these trials."""
        study = tuple(s for s, k in zip(self.study, keep.tolist(), strict=True) if k)
        cells = (self.events1, self.size1, self.events2, self.size2)
        return self._with(study, *(x[keep] for x in cells))

    def _with(self, study: tuple[str, ...], *cells: Floats) -> Tables:
        e1, s1, e2, s2 = (read_only(x) for x in cells)
        return dataclasses.replace(self, study=study, events1=e1, size1=s1, events2=e2, size2=s2)

    def informative(self) -> Tables:
        """Return the trials that say something about a ratio: not those without any event."""
        return self.take(~self.double_zero)

    def added(self, add: float, to: str) -> Tables:
        """Return the tables with `add` in every cell (events, and non-events) that `to` names."""
        if to == "none" or add == 0.0:
            return self
        k = len(self)
        events = np.concatenate([self.events1, self.events2])
        size = np.concatenate([self.size1, self.size2])
        trial = np.concatenate([np.arange(k), np.arange(k)])
        people = None if self.time else size
        more = corrected(events, people, trial, ZeroRule(add, to), size=size).more
        e = events + more
        n = size if self.time else size + 2.0 * more
        return self._with(self.study, e[:k], n[:k], e[k:], n[k:])

    def effects(
        self, measure: str, add: float = 0.5, to: str = "only0", *, keep: bool = False
    ) -> tuple[Floats, Floats]:
        """Each trial's own estimate and variance; not a number for trials that have none.

        Trials without any event have none unless `keep`.
        """
        t, m, size = self.added(add, to), measure_of(measure), "time" if self.time else "n"
        formula = contrast_formula(m)
        assert formula is not None
        cells = {"events1": t.events1, "events2": t.events2}
        with np.errstate(all="ignore"):
            y, v = formula(
                cells | {f"{size}1": t.size1, f"{size}2": t.size2}, how_of(m, None, True)
            )
        bad = ~np.isfinite(y) | ~np.isfinite(v) | (self.double_zero & (not keep))
        return np.where(bad, np.nan, y), np.where(bad, np.nan, v)

    def swapped(self) -> Tables:
        """Return the tables with the groups the other way round."""
        return self._with(self.study, self.events2, self.size2, self.events1, self.size1)

    def summed(self) -> Tables:
        """Return one table: all trials added up."""
        cells = (self.events1, self.size1, self.events2, self.size2)
        return self._with(("all trials",), *(np.array([math.fsum(x)]) for x in cells))


def read_tables(
    es: Contrasts | None, given: Mapping[str, Column], study: Column, data: object, measure: str
) -> Tables:
    """Read counts from columns, or from contrasts that keep the counts they were computed from.

    Raises
    ------
    InputError
        Missing, doubled or impossible columns; names the study, the column and the value.
    NotEstimableError
        No row can be read.
    """
    time = scale_of(measure).time
    needed = _TIME if time else _PEOPLE
    columns: dict[str, list[Any]]
    if es is None:
        _check_given(measure, given, needed)
        columns = read_columns(data, {**{n: given[n] for n in needed}, "study": study})
    else:
        if any(value is not None for value in given.values()) or study is not None:
            raise InputError("both contrasts and columns of counts", hint="one of them")
        columns = _kept_counts(es, needed, measure)
    k = len(columns[needed[0]])
    names = labels(columns.get("study"), k)
    values = {n: numbers(n, columns[n], names, blank=True) for n in needed}
    keep = np.all([np.isfinite(values[n]) for n in needed], axis=0) if k else np.zeros(0, bool)
    out = tuple(
        LeftOut(names[i], "without " + ", ".join(n for n in needed if math.isnan(values[n][i])))
        for i in np.flatnonzero(~keep).tolist()
    )
    if not keep.any():
        raise NotEstimableError("no trial has all its counts", hint="at least one complete row")
    kept = tuple(n for n, good in zip(names, keep.tolist(), strict=True) if good)
    values = {n: v[keep] for n, v in values.items()}
    _check_values(values, kept, time)
    notes = () if es is None else es.notes
    if out:
        listed = ", ".join(f"{row.study} ({row.why})" for row in out)
        notes = (*notes, Note("left-out", f"Left out because counts are missing: {listed}."))
    earlier = () if es is None else es.left_out
    notes = tuple(n for n in notes if n.code in ("left-out", "same-data", "same-data-swapped"))
    notes = (*notes, *repeated_study(kept))
    e1, s1, e2, s2 = (read_only(values[n]) for n in needed)
    return Tables(kept, e1, s1, e2, s2, time, (*earlier, *out), notes)


def _check_given(measure: str, given: Mapping[str, Column], needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if given[name] is None]
    extra = [name for name, value in given.items() if value is not None and name not in needed]
    if missing:
        raise InputError(
            f"{measure} without {', '.join(missing)}",
            hint=f"{measure} takes {', '.join(needed)}; or contrasts from effect_sizes()",
        )
    if extra:
        raise InputError(f"{measure} with {extra[0]}", hint=f"{measure} takes {', '.join(needed)}")


def _kept_counts(es: Contrasts, needed: tuple[str, ...], measure: str) -> dict[str, list[Any]]:
    missing = [name for name in needed if name not in es.raw]
    if missing:
        raise InputError(
            f"the contrasts do not keep {', '.join(missing)}, which {measure} from counts needs",
            hint="effect_sizes() from counts; published estimates go to pairwise()",
        )
    if es.cov.size:
        raise InputError(
            "comparisons that share a group cannot be pooled as if they were independent",
            where=f"study {es.study[int(es.cov_i[0])]}",
            hint="combine the groups into one comparison",
        )
    return {**{n: es.raw[n].tolist() for n in needed}, "study": list(es.study)}


def _check_values(values: dict[str, Floats], study: tuple[str, ...], time: bool) -> None:
    for side in ("1", "2"):
        events = values[f"events{side}"]
        if not time:
            check_counts(events, values[f"n{side}"], study, columns=(f"events{side}", f"n{side}"))
            continue
        size = values[f"time{side}"]
        for row, (e, t) in enumerate(zip(events.tolist(), size.tolist(), strict=True)):
            if t <= 0.0:
                raise InputError(
                    f"person-time {t:g}",
                    where=f"study {study[row]}, column time{side}",
                    hint="person-time above zero",
                )
            if e < 0.0 or not float(e).is_integer():
                raise InputError(
                    f"{e:g} events",
                    where=f"study {study[row]}, column events{side}",
                    hint="a whole count of 0 or more; is it a rate?",
                )


def no_events(t: Tables, level: float) -> NotEstimableError:
    """The error for trials without any event (or with nothing but events), with what they bound.

    With no event among n people, the risk is below ``1 - (1 - level)^(1/n)`` at that one-sided
    confidence; person-time has ``-log(1 - level) / time``.
    """
    bounds = []
    for side, size in ((1, math.fsum(t.size1)), (2, math.fsum(t.size2))):
        most = -math.log1p(-level) / size if t.time else -math.expm1(math.log1p(-level) / size)
        unit = "units of time" if t.time else "people"
        bounds.append(f"group {side} ({size:g} {unit}): below {fixed(1000 * most, 2, up=True)}")
    everybody = bool(t.total.any())
    what = "everybody had the event" if everybody else "no event"
    return NotEstimableError(
        f"{what} in any of {counted(len(t), 'trial')}: nothing compares the groups",
        where=f"{'non-event' if everybody else 'event'}s per 1000, one-sided {100 * level:g}% "
        f"bound: {'; '.join(bounds)}",
        hint="report the bounds; with no event there is no effect to pool",
    )
