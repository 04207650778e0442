"""`Arms`: what each group of each trial showed, and the contrasts between the groups."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.core.order import natural
from equipoise.core.result import Note, Result, html_lines
from equipoise.core.table import counted, significant
from equipoise.effects.binary import ABSOLUTE
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
from equipoise.effects.compute import (
    NEVER_CORRECTED,
    check_means,
    finite,
    how_of,
    row_marks,
)
from equipoise.effects.continuous import check_spread, smd_covariance, standardised
from equipoise.effects.measure import Measure
from equipoise.effects.measures import measure_of
from equipoise.effects.suspects import flipped, similar_names, spread_remarks
from equipoise.effects.wide_arms import is_wide, unfolded
from equipoise.effects.zeros import (
    Correction,
    Flags,
    Remark,
    To,
    ZeroRule,
    check_counts,
    check_events,
    check_positive,
    corrected,
    zero_marks,
    zero_remarks,
)


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Arms(Result):
    """Results of the arms of trials: events among people or in person-time, or means.

    Attributes
    ----------
    study, treat
        Trial and treatment of each arm; ``+`` joins components.
    n
        People in the arm; empty where events in person-time were given without them.
    events
        People with the event, or events in person-time; empty for means.
    mean, sd
        Mean and standard deviation; empty for events.
    time
        Person-time; empty for people and for means.
    left_out, notes
        Arms that are not here because a value is missing, and what to know.
    """

    study: tuple[str, ...]
    treat: tuple[str, ...]
    n: Floats = field(default_factory=_none)
    events: Floats = field(default_factory=_none)
    mean: Floats = field(default_factory=_none)
    sd: Floats = field(default_factory=_none)
    time: Floats = field(default_factory=_none)
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("study", "treat"):
            put(self, name, tuple(getattr(self, name)))
        for name in ("n", "events", "mean", "sd", "time"):
            put(self, name, read_only(getattr(self, name)))
        k = len(self.study)
        full = {n for n in ("events", "mean", "sd", "time") if getattr(self, n).size}
        if k and full not in ({"events"}, {"mean", "sd"}, {"events", "time"}):
            raise InputError(
                f"arms with {' and '.join(sorted(full)) or 'no results'}",
                hint="events and n, events and time, or mean, sd and n",
            )
        needed = full if "time" in full and not self.n.size else full | {"n"}
        for name in ("treat", *sorted(needed)):
            if len(getattr(self, name)) != k:
                raise InputError(
                    f"{counted(k, 'arm')} but {len(getattr(self, name))} of {name}",
                    hint="one for each arm",
                )
        self._check_values()

    @property
    def data(self) -> str:
        """What the arms hold: ``binary``, ``rates`` or ``continuous``."""
        if self.time.size:
            return "rates"
        return "binary" if self.events.size else "continuous"

    def _check_values(self) -> None:
        for study, treat in zip(self.study, self.treat, strict=True):
            if not treat:
                raise InputError(
                    "an arm without a treatment",
                    where=f"study {study}",
                    hint="its name in treat, or leave the row out",
                )
        rows = Counter(zip(self.study, self.treat, strict=True))
        for (study, treat), times in rows.items():
            if times > 1:
                raise InputError(
                    f"{counted(times, 'arm')} with the same treatment {treat!r}",
                    where=f"study {study}",
                    hint="combine them into one, or tell them apart by name",
                )
        if self.time.size:
            check_events(self.events, self.study, column="events")
            hint = "a positive amount of person-time, in one unit for all studies"
            what = "a person-time"
            check_positive(self.time, self.study, column="time", what=what, hint=hint)
        elif self.events.size:
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
        what = {"binary": "events", "rates": "events in person-time"}.get(self.data, "means")
        return (
            f"Arms({what}: {counted(len(self), 'arm')} of {counted(len(set(self.study)), 'study')})"
        )

    def summary(self) -> str:
        """What is there, one line an arm; digits are cut for reading."""
        names = [n for n in ("n", "events", "time", "mean", "sd") if getattr(self, n).size]
        columns = [getattr(self, name).tolist() for name in names]
        trials = counted(len(set(self.study)), "study")
        lines = [f"{counted(len(self), 'arm')} of {trials}", ""]
        wide = [max((len(s) for s in texts), default=0) for texts in (self.study, self.treat)]
        for study, treat, *values in zip(self.study, self.treat, *columns, strict=True):
            shown = "  ".join(
                f"{name} {significant(v, 6):<6}" for name, v in zip(names, values, strict=True)
            )
            lines.append(f"{study:<{wide[0]}}  {treat:<{wide[1]}}  {shown}".rstrip())
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def contrasts(
        self,
        measure: str,
        *,
        reference: str | None = None,
        add: float = 0.5,
        to: To = "only0",
        correction: Correction = "constant",
        drop00: bool = False,
    ) -> Contrasts:
        """Return each study's contrasts with one base arm, with their covariances.

        Parameters
        ----------
        measure
            One that is a difference of one number per arm: ``OR``, ``RR``, ``RD``, ``AS`` for
            events; ``IRR``, ``IRD``, ``IRSD`` in person-time; ``MD``, ``ROM``, ``CVR`` for means;
            or ``SMD``.
        reference
            The treatment that is the base arm where a study has it; else, and when None, the
            study's first arm is.
        add, to, correction, drop00
            As in :func:`equipoise.effects.contrasts.effect_sizes`; not ``empirical``.

        Returns
        -------
        Contrasts
            ``m - 1`` contrasts for a study of ``m`` arms, each arm minus the base arm.
            A study with one arm is in `left_out`, and so are arms with a missing value.

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
        none = Contrasts(measure=m.code, study=(), yi=_none(), vi=_none())
        if not self.study:
            return dataclasses.replace(none, left_out=self.left_out, notes=self.notes)
        self._check_measure(m)
        if reference is not None and reference not in self.treat:
            hint = f"one of {', '.join(sorted(set(self.treat), key=natural))}"
            raise InputError(f"no arm has the reference {reference!r}", hint=hint)
        names = tuple(dict.fromkeys(self.study))
        number = {name: i for i, name in enumerate(names)}
        trial = np.array([number[s] for s in self.study], dtype=np.intp)
        rule = ZeroRule(add, to, correction, drop00)
        value, variance, remarks, marks = self._values(m, trial, names, rule)
        blocks: list[Contrasts] = []
        left_out: list[LeftOut] = [*self.left_out]
        for i, name in enumerate(names):
            rows = np.flatnonzero(trial == i)
            base = next((r for r in rows if self.treat[r] == reference), rows[0])
            rest = rows[rows != base]
            if rest.size == 0:
                left_out.append(LeftOut(name, f"only one group, {self.treat[base]}"))
                continue
            if m.code == "SMD":
                order = np.concatenate([[base], rest])
                g, people = standardised(self.mean[order], self.sd[order], self.n[order])
                yi = g[1:]
                V = smd_covariance(yi, self.n[rest], float(self.n[base]), people)
            else:
                yi = value[rest] - value[base]
                V = np.diag(variance[rest]) + variance[base]
            blocks.append(self._block(m.code, name, rest, int(base), yi, V))
        out = Contrasts.stack(blocks) if blocks else none
        of = np.array([number[s] for s in out.study], dtype=np.intp)
        if self.data == "continuous":
            pairs = (out.yi, of)
            remarks = (*remarks, *spread_remarks(m, self.sd, self.n, trial, names, pairs))
        by_trial = row_marks(len(names), remarks, marks)
        about = (*flipped(m, out.yi, out.vi, out.study), *similar_names(names))
        return dataclasses.replace(
            out,
            left_out=tuple(left_out),
            notes=(*self.notes, *(remark.note for remark in (*remarks, *about))),
            marks=_marks_of(by_trial, row_marks(len(out), about, ()), of.tolist()),
        )

    def _check_measure(self, m: Measure) -> None:
        """Refuse a measure that the arms do not give."""
        fits = m.data == self.data or (m.data == "spreads" and self.data == "continuous")
        if not fits:
            raise InputError(
                f"{m.code} from {self.data} data", hint="another measure, or other columns"
            )
        if m.arm is None and m.code != "SMD":
            raise InputError(
                f"{m.code} is not a difference of one number per arm",
                hint="effect_sizes() for trials with two groups, or another measure",
            )

    def _values(
        self, m: Measure, trial: NDArray[np.intp], names: Sequence[str], rule: ZeroRule
    ) -> tuple[Floats, Floats, tuple[Remark, ...], tuple[tuple[str, Flags], ...]]:
        """Each arm's value and variance; what to say about empty cells, and marks by trial."""
        columns = {"n": self.n, "time": self.time, "mean": self.mean, "sd": self.sd}
        if self.data == "continuous":
            self._check_spreads(m, trial, names)
            if m.arm is None:
                return _none(), _none(), (), ()
            return *m.arm(columns, how_of(m, None, True)), (), ()
        if m.code in NEVER_CORRECTED:
            rule = dataclasses.replace(rule, to="none")
        people = self.data == "binary"
        counted = corrected(self.events, self.n if people else None, trial, rule, size=self.time)
        columns["events"] = self.events + counted.more
        if people:
            columns["n"] = self.n + 2.0 * counted.more
        assert m.arm is not None
        with np.errstate(all="ignore"):
            value, variance = m.arm(columns, how_of(m, None, True))
        value, variance = finite(value, variance)
        if rule.drop00:
            value = np.where(counted.dropped[trial], np.nan, value)
            variance = np.where(counted.dropped[trial], np.nan, variance)
        relative = m.code not in ABSOLUTE
        remarks = zero_remarks(counted, names, rule, relative=relative, ratio=m.ratio)
        return value, variance, remarks, tuple(zero_marks(counted).items())

    def _check_spreads(self, m: Measure, trial: NDArray[np.intp], names: Sequence[str]) -> None:
        """Refuse trials without any spread, and means that have no logarithm."""
        spread = np.bincount(trial, weights=self.sd, minlength=len(names))
        groups = np.bincount(trial, minlength=len(names))
        for i in np.flatnonzero((spread == 0.0) & (groups > 1)).tolist():
            raise InputError(
                "a standard deviation of 0 in every group",
                where=f"study {names[i]}, column sd",
                hint="the groups' standard deviations; 0 may stand for 'not reported'",
            )
        if m.data == "continuous":
            check_means(m, {"mean": self.mean}, self.study)

    def _block(
        self, measure: str, name: str, rest: NDArray[np.intp], base: int, yi: Floats, V: Floats
    ) -> Contrasts:
        i, j = np.triu_indices(rest.size, 1)
        known = bool(self.n.size)
        return Contrasts(
            measure=measure,
            study=(name,) * rest.size,
            yi=yi,
            vi=np.diag(V),
            treat1=tuple(self.treat[r] for r in rest),
            treat2=(self.treat[base],) * rest.size,
            n1=self.n[rest] if known else _none(),
            n2=np.full(rest.size, self.n[base]) if known else _none(),
            raw=self._raw(rest, base),
            cov_i=i,
            cov_j=j,
            cov=V[i, j],
        )

    def _raw(self, rest: NDArray[np.intp], base: int) -> dict[str, Floats]:
        """The columns of the two arms of each contrast, as effect_sizes() names them."""
        names = ("events", "time", "mean", "sd", "n")
        held = {name: values for name in names if (values := getattr(self, name)).size}
        one = {f"{name}1": values[rest] for name, values in held.items()}
        return one | {f"{name}2": np.full(rest.size, values[base]) for name, values in held.items()}

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an arm."""
        columns: dict[str, Any] = {"study": self.study, "treat": self.treat}
        names = ("events", "time", "mean", "sd", "n")
        held = {name: values for name in names if (values := getattr(self, name)).size}
        return make_frame(columns | held, backend)


def _marks_of(
    by_trial: tuple[tuple[str, ...], ...], by_row: tuple[tuple[str, ...], ...], of: list[int]
) -> tuple[tuple[str, ...], ...]:
    """Marks of the contrasts from those of their trials and their own."""
    if not by_trial and not by_row:
        return ()
    trials = [by_trial[i] if by_trial else () for i in of]
    rows = by_row or ((),) * len(of)
    return tuple((*a, *b) for a, b in zip(trials, rows, strict=True))


def _rebuild(values: dict[str, Any]) -> Arms:
    return Arms(**values)


#: A column, or several: one for each arm of a trial.
ColumnOrColumns: TypeAlias = "Column | Sequence[Column]"


def arms(
    *,
    study: Column,
    treat: ColumnOrColumns,
    n: ColumnOrColumns = None,
    events: ColumnOrColumns = None,
    mean: ColumnOrColumns = None,
    sd: ColumnOrColumns = None,
    time: ColumnOrColumns = None,
    data: object = None,
) -> Arms:
    """What each arm of each trial showed: one row an arm, in any order, or one row a trial.

    With one row a trial, every argument but `study` is a list of columns, the first arm's, the
    second's and so on: ``treat=["treat1", "treat2", "treat3"], n=["n1", "n2", "n3"]``. Arms whose
    treatment is blank are not there.

    Parameters
    ----------
    study, treat
        Trial and treatment of each arm, or names of columns of `data`; ``+`` joins components.
    n
        People in the arm; not needed beside `time`.
    events
        People with the event, or events in the person-time `time`; or
    mean, sd
        mean and standard deviation.
    time
        Person-time, in one unit for all studies.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping of columns.

    Returns
    -------
    Arms
        Its ``contrasts(measure)`` is what models take. Arms with a missing value are left out: they
        are in `left_out`, and a note names them.

    Raises
    ------
    InputError
        On impossible values: names study, column, value and likely cause.
    """
    given: dict[str, Any] = {"study": study, "treat": treat, "n": n, "events": events}
    given |= {"mean": mean, "sd": sd, "time": time}
    needed = ("study", "treat") if time is not None else ("study", "treat", "n")
    for name in needed:
        if given[name] is None:
            raise InputError(f"arms without {name}", hint="study, treat, n, and events or mean, sd")
    wide = is_wide(treat, data)
    columns = unfolded(data, given) if wide else read_columns(data, given)
    k = len(columns["study"])
    names = labels(columns["study"], k)
    values: dict[str, Any] = {
        name: numbers(name, columns[name], names, blank=True)
        for name in ("n", "events", "mean", "sd", "time")
        if name in columns
    }
    treats = texts(columns["treat"], k)
    wanted = [name for name in values if name != "n" or "time" not in values]
    gaps = np.array([np.isnan(values[name]) for name in wanted]).reshape(len(wanted), k)
    if not gaps.any():
        return Arms(study=names, treat=treats, **values)
    return _without_gaps(names, treats, values, dict(zip(wanted, gaps, strict=True)))


def _without_gaps(
    study: Sequence[str],
    treat: Sequence[str],
    values: Mapping[str, Any],
    gaps: Mapping[str, Flags],
) -> Arms:
    """The arms with all their values, and a note that names the others."""
    left_out = []
    keep = []
    for row, (name, arm) in enumerate(zip(study, treat, strict=True)):
        absent = [column for column, gap in gaps.items() if gap[row]]
        if absent:
            left_out.append(LeftOut(name, f"{arm or 'an arm'} without {' and '.join(absent)}"))
        else:
            keep.append(row)
    listed = ", ".join(f"{row.study} ({row.why})" for row in left_out)
    text = f"Arms that are left out, for a missing value: {listed}."
    return Arms(
        study=tuple(study[row] for row in keep),
        treat=tuple(treat[row] for row in keep),
        **{name: column[keep] for name, column in values.items()},
        left_out=tuple(left_out),
        notes=(Note("missing", text),),
    )


def arm_contrasts(
    measure: str,
    *,
    study: Column,
    treat: Column,
    n: Column = None,
    events: Column = None,
    mean: Column = None,
    sd: Column = None,
    time: Column = None,
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
    study, treat, n, events, mean, sd, time, data
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
    held = arms(
        study=study, treat=treat, n=n, events=events, mean=mean, sd=sd, time=time, data=data
    )
    return held.contrasts(measure, reference=reference, add=add, to=to)
