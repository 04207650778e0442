"""`Arms`: what each group of each trial showed, and the contrasts between the groups."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.core.result import Note, Result
from equipoise.effects.binary import To, arm_values, check_counts, corrected, zero_trials
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import (
    Column,
    Floats,
    labels,
    make_frame,
    numbers,
    read_columns,
    read_only,
    texts,
)
from equipoise.effects.continuous import check_spread, smd_covariance, standardised
from equipoise.effects.measures import measure_of

#: Standardised differences beyond this are rarer in trials than wrong columns are.
_LARGE_SMD = 3.0


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Arms(Result):
    """Results of the arms of trials: counts of events, or means with standard deviations.

    Attributes
    ----------
    study, treat
        Trial and treatment of each arm; ``+`` joins components.
    n
        People in the arm.
    events
        People with the event; empty for means.
    mean, sd
        Mean and standard deviation; empty for events.
    """

    study: tuple[str, ...]
    treat: tuple[str, ...]
    n: Floats
    events: Floats = field(default_factory=_none)
    mean: Floats = field(default_factory=_none)
    sd: Floats = field(default_factory=_none)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("study", "treat"):
            put(self, name, tuple(getattr(self, name)))
        for name in ("n", "events", "mean", "sd"):
            put(self, name, read_only(getattr(self, name)))
        k = len(self.study)
        full = {n for n in ("events", "mean", "sd") if getattr(self, n).size}
        if k and full not in ({"events"}, {"mean", "sd"}):
            raise InputError(
                f"arms with {' and '.join(sorted(full)) or 'no results'}",
                hint="events, or mean and sd",
            )
        for name in ("treat", "n", *sorted(full)):
            if len(getattr(self, name)) != k:
                raise InputError(
                    f"{k} arms but {len(getattr(self, name))} of {name}", hint="one for each arm"
                )
        self._check_values()

    def _check_values(self) -> None:
        for study, treat in zip(self.study, self.treat, strict=True):
            if not treat:
                raise InputError("an arm without a treatment", where=f"study {study}")
        rows = Counter(zip(self.study, self.treat, strict=True))
        for (study, treat), times in rows.items():
            if times > 1:
                raise InputError(
                    f"{times} arms with the same treatment {treat!r}",
                    where=f"study {study}",
                    hint="combine them into one, or tell them apart by name",
                )
        if self.events.size:
            check_counts(self.events, self.n, self.study)
        else:
            check_spread(self.sd, self.n, self.study)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in pickling that an array is read-only.
        return _rebuild, ({f.name: getattr(self, f.name) for f in dataclasses.fields(self)},)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arms) and self.to_dict() == other.to_dict()

    def __len__(self) -> int:
        return len(self.study)

    def __repr__(self) -> str:
        what = "events" if self.events.size else "means"
        return f"Arms({what}: {len(self)} arms of {len(set(self.study))} studies)"

    def contrasts(
        self, measure: str, *, reference: str | None = None, add: float = 0.5, to: To = "only0"
    ) -> Contrasts:
        """Return each study's contrasts with one base arm, with their covariances.

        Parameters
        ----------
        measure
            ``OR``, ``RR``, ``RD`` for events; ``MD``, ``SMD`` for means.
        reference
            The treatment that is the base arm where a study has it; else, and when None, the
            study's first arm is.
        add, to
            As in :func:`equipoise.effects.contrasts.effect_sizes`.

        Returns
        -------
        Contrasts
            ``m - 1`` contrasts for a study of ``m`` arms, each arm minus the base arm.
            A study with one arm is in `left_out`.

        Raises
        ------
        InputError
            When the measure does not fit the data, or a trial has no spread at all.
        UnknownNameError
            On a measure, or a reference, that does not exist.

        Notes
        -----
        Two contrasts of one study covary by the base arm's variance: that of its log odds, log
        risk, risk or mean. For SMD, one standard deviation is pooled over all arms and the
        covariance is ``1/n_0 + g_i g_j/(2N)``.

        Source: Gleser & Olkin 2009, chapter 19 of The Handbook of Research Synthesis and
        Meta-Analysis, 2nd edition.
        """
        m = measure_of(measure)
        has = "binary" if self.events.size else "continuous"
        if self.study and m.data != has:
            raise InputError(f"{measure} from {has} data", hint="another measure, or other columns")
        if reference is not None and reference not in self.treat:
            hint = f"one of {', '.join(sorted(set(self.treat)))}"
            raise InputError(f"no arm has the reference {reference!r}", hint=hint)
        names = tuple(dict.fromkeys(self.study))
        number = {name: i for i, name in enumerate(names)}
        trial = np.array([number[s] for s in self.study], dtype=np.intp)
        notes: tuple[Note, ...] = ()
        value, variance = _none(), _none()
        if has == "binary":
            events, n, touched = corrected(self.events, self.n, trial, add=add, to=to)
            value, variance = arm_values(measure, events, n)
            notes = binary_notes(measure, self.events, self.n, trial, names, touched, add, to)
        elif measure == "MD":
            value, variance = self.mean, self.sd**2 / self.n
        blocks: list[Contrasts] = []
        left_out: list[LeftOut] = []
        for i, name in enumerate(names):
            rows = np.flatnonzero(trial == i)
            base = next((r for r in rows if self.treat[r] == reference), rows[0])
            rest = rows[rows != base]
            if rest.size == 0:
                left_out.append(LeftOut(name, f"only one group, {self.treat[base]}"))
                continue
            if has == "continuous" and not self.sd[rows].any():
                raise InputError(
                    "a standard deviation of 0 in every group",
                    where=f"study {name}, column sd",
                    hint="the groups' standard deviations; 0 may stand for 'not reported'",
                )
            if measure == "SMD":
                order = np.concatenate([[base], rest])
                g, people = standardised(self.mean[order], self.sd[order], self.n[order])
                yi = g[1:]
                V = smd_covariance(yi, self.n[rest], float(self.n[base]), people)
            else:
                yi = value[rest] - value[base]
                V = np.diag(variance[rest]) + variance[base]
            blocks.append(self._block(measure, name, rest, int(base), yi, V))
        empty = Contrasts(measure=measure, study=(), yi=_none(), vi=_none())
        out = Contrasts.stack(blocks) if blocks else empty
        if has == "continuous":
            notes = spread_notes(measure, self.sd, self.n, trial, names, out.yi, out.study)
        return dataclasses.replace(out, left_out=tuple(left_out), notes=notes)

    def _block(
        self, measure: str, name: str, rest: NDArray[np.intp], base: int, yi: Floats, V: Floats
    ) -> Contrasts:
        i, j = np.triu_indices(rest.size, 1)
        return Contrasts(
            measure=measure,
            study=(name,) * rest.size,
            yi=yi,
            vi=np.diag(V),
            treat1=tuple(self.treat[r] for r in rest),
            treat2=(self.treat[base],) * rest.size,
            n1=self.n[rest],
            n2=np.full(rest.size, self.n[base]),
            raw=self._raw(rest, base),
            cov_i=i,
            cov_j=j,
            cov=V[i, j],
        )

    def _raw(self, rest: NDArray[np.intp], base: int) -> dict[str, Floats]:
        """The columns of the two arms of each contrast, as effect_sizes() names them."""
        names = ("events", "n") if self.events.size else ("mean", "sd", "n")
        held = {name: np.asarray(getattr(self, name)) for name in names}
        one = {f"{name}1": values[rest] for name, values in held.items()}
        return one | {f"{name}2": np.full(rest.size, held[name][base]) for name in names}

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an arm."""
        names = ("events",) if self.events.size else ("mean", "sd")
        columns = {"study": self.study, "treat": self.treat}
        return make_frame(columns | {name: getattr(self, name) for name in (*names, "n")}, backend)


def _rebuild(values: dict[str, Any]) -> Arms:
    return Arms(**values)


def arms(
    *,
    study: Column,
    treat: Column,
    n: Column,
    events: Column = None,
    mean: Column = None,
    sd: Column = None,
    data: object = None,
) -> Arms:
    """What each arm of each trial showed: one row an arm, in any order.

    Parameters
    ----------
    study, treat
        Trial and treatment of each arm, or names of columns of `data`; ``+`` joins components.
    n
        People in the arm.
    events
        People with the event; or
    mean, sd
        mean and standard deviation.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.

    Returns
    -------
    Arms
        Its ``contrasts(measure)`` is what models take.

    Raises
    ------
    InputError
        On impossible values: names study, column, value and likely cause.
    """
    given = {"study": study, "treat": treat, "n": n, "events": events, "mean": mean, "sd": sd}
    for name in ("study", "treat", "n"):
        if given[name] is None:
            raise InputError(f"arms without {name}", hint="study, treat, n, and events or mean, sd")
    columns = read_columns(data, given)
    k = len(columns["study"])
    names = labels(columns["study"], k)
    values = {
        name: numbers(name, columns[name], names)
        for name in ("n", "events", "mean", "sd")
        if name in columns
    }
    return Arms(study=names, treat=texts(columns["treat"], k), **values)


def arm_contrasts(
    measure: str,
    *,
    study: Column,
    treat: Column,
    n: Column,
    events: Column = None,
    mean: Column = None,
    sd: Column = None,
    reference: str | None = None,
    data: object = None,
    add: float = 0.5,
    to: To = "only0",
) -> Contrasts:
    """Contrasts of every study's arms with its base arm, from columns.

    Parameters
    ----------
    measure, reference, add, to
        As in `Arms.contrasts`.
    study, treat, n, events, mean, sd, data
        As in :func:`arms`.

    Returns
    -------
    Contrasts
        ``m - 1`` contrasts for a study of ``m`` arms, with the exact covariances.

    Raises
    ------
    InputError, UnknownNameError
        As :func:`arms` and `Arms.contrasts` do.
    """
    held = arms(study=study, treat=treat, n=n, events=events, mean=mean, sd=sd, data=data)
    return held.contrasts(measure, reference=reference, add=add, to=to)


def binary_notes(
    measure: str,
    events: Floats,
    n: Floats,
    trial: NDArray[np.intp],
    names: Sequence[str],
    touched: NDArray[np.bool_],
    add: float,
    to: str,
) -> tuple[Note, ...]:
    """What to say about trials where nobody, or everybody, in a group had the event."""
    notes = []
    if touched.any():
        which = ", ".join(names[i] for i in np.flatnonzero(touched).tolist())
        where = "trials where nobody or everybody in a group had the event"
        where = "these trials, as was asked" if to != "only0" else where
        notes.append(Note("corrected", f"{add:g} was added to every cell of {where}: {which}."))
    if measure in ("OR", "RR"):
        some = np.bincount(trial, weights=events, minlength=len(names)) > 0
        others = np.bincount(trial, weights=n - events, minlength=len(names)) > 0
        for flag, code, who in (
            (some, "double-zero", "Nobody"),
            (others, "double-full", "Everybody"),
        ):
            if flag.all():
                continue
            which = ", ".join(names[i] for i in np.flatnonzero(~flag).tolist())
            text = (
                f"{who} in any group had the event: {which}. Such trials say nothing about a ratio"
            )
            if touched[~flag].any():
                text += " by themselves; what they add here comes from the correction alone"
            notes.append(Note(code, f"{text}."))
    lost = zero_trials(events, n, trial) & ~touched
    if measure in ("OR", "RR") and lost.any():
        which = ", ".join(names[i] for i in np.flatnonzero(lost).tolist())
        notes.append(Note("uncorrected", f"A zero cell was left as it is: {which}."))
    return tuple(notes)


def spread_notes(
    measure: str,
    sd: Floats,
    n: Floats,
    trial: NDArray[np.intp],
    names: Sequence[str],
    yi: Floats,
    study: Sequence[str] = (),
) -> tuple[Note, ...]:
    """Signs that a column holds something else than a standard deviation."""
    notes = []
    zero = sorted(set(trial[sd == 0.0].tolist()))
    if zero:
        which = ", ".join(names[i] for i in zero)
        notes.append(Note("zero-sd", f"A standard deviation of 0 in one group: {which}."))
    if measure == "SMD":
        which = ", ".join(
            dict.fromkeys(s for s, y in zip(study or names, yi, strict=True) if abs(y) > _LARGE_SMD)
        )
        if which:
            notes.append(
                Note(
                    "large-smd",
                    f"More than {_LARGE_SMD:g} standard deviations apart: {which}. A standard "
                    "error in the column of standard deviations is the usual cause.",
                )
            )
        return tuple(notes)
    suspects = _maybe_standard_errors(sd, n, trial, len(names))
    if suspects:
        which = ", ".join(names[i] for i in suspects)
        notes.append(
            Note(
                "maybe-se",
                f"Standard deviations far below those of the other trials, and like them after "
                f"multiplying by the square root of n: {which}. They may be standard errors.",
            )
        )
    return tuple(notes)


def _maybe_standard_errors(sd: Floats, n: Floats, trial: NDArray[np.intp], k: int) -> list[int]:
    """Trials whose SDs look like standard errors beside those of at least two other trials."""
    if k < 3:
        return []
    typical = np.array([float(np.median(sd[trial == i])) for i in range(k)])
    root = np.array([float(np.sqrt(np.median(n[trial == i]))) for i in range(k)])
    out = []
    for i in range(k):
        rest = np.delete(typical, i)
        low, others, high = np.quantile(rest, (0.25, 0.5, 0.75)).tolist()
        alike = high < 2.0 * low
        if (
            alike
            and typical[i] < others / 3.0
            and 0.5 * others < typical[i] * root[i] < 2.0 * others
        ):
            out.append(i)
    return out
