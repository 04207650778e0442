"""`counts_ladder`: every method for counts side by side, and whether the conclusion needs one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any, Literal

import equipoise.models.counts.papers as papers
from equipoise.core.arguments import typed_late
from equipoise.core.errors import NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column as TableColumn
from equipoise.core.table import Table, Value, counted, fixed, percent, significant
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Column, make_frame
from equipoise.models.counts.fit import choices, fit_tables, measure_for
from equipoise.models.counts.result import CountsFit, shown_bounds, shown_value
from equipoise.models.counts.standing import Shape, objections, shape_of
from equipoise.models.counts.tables import Scale, Tables, no_events, read_tables, scale_of

Standing = Literal["default", "suitable", "not recommended", "no result"]


@dataclass(frozen=True, slots=True)
class Step:
    """A method of the ladder: its name, its model, whether it keeps trials without events.

    `zeros` says in words what it does with trials without any event, for ratios and differences.
    """

    name: str
    model: str
    zeros: str
    keep: bool = False


_NOTHING, _USED, _ADDED = "say nothing", "take part", "take part, half an event added"
_ALL = (
    Step("Mantel–Haenszel", "MH", _NOTHING),
    Step("Peto", "Peto", _NOTHING),
    Step("Exact conditional", "exact", _NOTHING),
    Step("Exact conditional mixed model (CM.EL)", "CM.EL", _NOTHING),
    Step("Mixed model with fixed baselines (UM.FS)", "UM.FS", _NOTHING),
    Step("Mixed model with random baselines (UM.RS)", "UM.RS", "left out"),
    Step("Approximate conditional mixed model (CM.AL)", "CM.AL", _NOTHING),
    Step("Beta-binomial", "BB", _USED),
    Step("Penalised logistic (Firth)", "Firth", _USED),
    Step("Inverse variance + ½", "IV", "left out"),
    Step("Inverse variance + ½ with all trials", "IV", _ADDED, keep=True),
    Step("All trials added up", "collapsed", _USED),
)

#: The ladder of each measure, in its fixed order.
LADDERS: MappingProxyType[str, tuple[Step, ...]] = MappingProxyType(
    {
        measure: tuple(step for step in _ALL if step.model in models)
        for measure, models in {
            "OR": tuple(step.model for step in _ALL),
            "RR": ("MH", "BB", "IV", "collapsed"),
            "RD": ("MH", "BB", "IV", "collapsed"),
            "IRR": ("MH", "exact", "CM.EL", "UM.FS", "UM.RS", "IV", "collapsed"),
            "IRD": ("MH", "IV", "collapsed"),
        }.items()
    }
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One method's result; on the scale of analysis.

    Attributes
    ----------
    name, model, effects
        The method in words, the code of its model, ``common`` or ``random``.
    standing
        ``default``, ``suitable``, ``not recommended`` for these data, or ``no result``.
    why
        The reason for one of the last two; empty otherwise.
    estimate, ci, p_value, tau2
        Not a number and None where there is no result; tau² None for models without one.
    k
        Trials that bear on it.
    double_zero
        What it does with trials without any event, in words.
    """

    name: str
    model: str
    effects: str
    standing: Standing
    why: str
    estimate: float
    ci: Interval | None
    p_value: float
    tau2: float | None
    k: int
    double_zero: str

    @property
    def excludes_null(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.ci is not None and not self.ci.low <= 0.0 <= self.ci.high


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CountsLadder(Result):
    """All methods for counts side by side.

    Attributes
    ----------
    measure, level
        Code of the measure; confidence level.
    rungs
        The methods in their fixed order.
    depends
        Whether the conclusion depends on the choice among the methods that suit the data.
    sentence
        The same in one sentence.
    k_total, double_zero
        Trials given, and those of them without any event (or with nothing else), by name.
    events1, size1, events2, size2
        Totals of the two groups.
    left_out, notes, methods
        Rows that could not be read; what to know; the methods used, with their papers.
    """

    measure: str
    level: float
    rungs: tuple[Rung, ...]
    depends: bool
    sentence: str
    k_total: int
    double_zero: tuple[str, ...]
    events1: float
    size1: float
    events2: float
    size2: float
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def rung(self, name: str) -> Rung:
        """The rung of that name, or of that model (its first).

        Raises
        ------
        UnknownNameError
            With the nearest known name.
        """
        for rung in self.rungs:
            if name in (rung.name, rung.model):
                return rung
        raise UnknownNameError("method", name, [r.name for r in self.rungs])

    def table(self) -> Table:
        """The ladder as a table for readers."""
        scale = scale_of(self.measure)
        columns = (
            TableColumn("method", "Method"),
            TableColumn("trials", "Trials", "count", "right"),
            TableColumn("effect", f"{scale.name.capitalize()} ({percent(100 * self.level)} CI)"),
            TableColumn("p", "p", "p", "right"),
            TableColumn("tau2", "tau²", "plain", "right"),
            TableColumn("zeros", "Trials without events"),
            TableColumn("standing", "For these data"),
        )
        rows = tuple(self._row(rung, scale) for rung in self.rungs)
        notes = (self.sentence, *self._reasons(), *(note.text for note in self.notes))
        return Table(
            f"{scale.name.capitalize()} by every method, {counted(self.k_total, 'trial')}, "
            f"{fixed(self.events1, 0)}/{fixed(self.size1, 0)} against "
            f"{fixed(self.events2, 0)}/{fixed(self.size2, 0)} events",
            columns,
            rows,
            notes=notes,
            missing="–",
        )

    def _reasons(self) -> Iterator[str]:
        """One line for each reason, with the methods that it holds for."""
        for standing in ("not recommended", "no result"):
            whys = dict.fromkeys(r.why for r in self.rungs if r.standing == standing)
            for why in whys:
                names = _listed([r for r in self.rungs if r.why == why])
                yield f"{standing.capitalize()} for these data: {names}: {why}."

    def _row(self, rung: Rung, scale: Scale) -> tuple[Value, ...]:
        return (
            rung.name,
            rung.k or None,
            None if rung.ci is None else rung_text(rung, scale),
            None if rung.ci is None else rung.p_value,
            rung.tau2,
            rung.double_zero,
            rung.standing,
        )

    def summary(self) -> str:
        """The table, the sentence and the notes."""
        return self.table().to_text()

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a method, on the scale of analysis."""
        nan = math.nan
        rungs = self.rungs
        return make_frame(
            {
                "method": [r.name for r in rungs],
                "model": [r.model for r in rungs],
                "effects": [r.effects for r in rungs],
                "estimate": [r.estimate for r in rungs],
                "ci_low": [nan if r.ci is None else r.ci.low for r in rungs],
                "ci_high": [nan if r.ci is None else r.ci.high for r in rungs],
                "p_value": [r.p_value for r in rungs],
                "tau2": [nan if r.tau2 is None else r.tau2 for r in rungs],
                "k": [r.k for r in rungs],
                "standing": [r.standing for r in rungs],
                "why": [r.why for r in rungs],
            },
            backend,
        )

    def __repr__(self) -> str:
        return f"<CountsLadder {self.measure}, {len(self.rungs)} methods: {self.sentence}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<div>{self.table().to_html()}<p>{escape(self.sentence)}</p></div>"


def rung_text(rung: Rung, scale: Scale) -> str:
    """A rung's estimate and interval as a reader sees them."""
    assert rung.ci is not None
    back = Interval(scale.back(rung.ci.low), scale.back(rung.ci.high), rung.ci.level)
    value = shown_value(scale, scale.back(rung.estimate), back)
    return f"{value} ({shown_bounds(scale, back)})"


@typed_late
def counts_ladder(
    es: Contrasts | None = None,
    *,
    measure: str | None = None,
    events1: Column = None,
    n1: Column = None,
    events2: Column = None,
    n2: Column = None,
    time1: Column = None,
    time2: Column = None,
    study: Column = None,
    data: object = None,
    level: float = 0.95,
) -> CountsLadder:
    """Pool counts by every method that the measure has, and say whether they agree.

    Parameters
    ----------
    es, measure, events1, n1, events2, n2, time1, time2, study, data, level
        As for :func:`~equipoise.models.counts.fit.counts`. Every model has its default effects
        and interval.

    Returns
    -------
    CountsLadder
        Methods in a fixed order. Those that do not suit the data are marked, with the reason;
        one that does not converge, or has no finite estimate, is shown as such and without a
        number. The conclusion depends on the method where those that suit the data differ in
        direction, or in whether their interval excludes no difference.

    Raises
    ------
    InputError, UnknownNameError
        As for :func:`~equipoise.models.counts.fit.counts`.
    NotEstimableError
        No event at all.

    Notes
    -----
    Rules of the Cochrane Handbook, section 10.4.4, in
    :mod:`equipoise.models.counts.standing`: Mantel–Haenszel by default; Peto where events are
    rare, groups balanced and effects small; no inverse variance with half an event added where
    events are rare or cells empty; never all trials added up.
    """
    measure = measure_for(es, measure, time1 is not None or time2 is not None)
    choices(measure, "MH", level=level)
    given: dict[str, Column] = {
        "events1": events1,
        "n1": n1,
        "events2": events2,
        "n2": n2,
        "time1": time1,
        "time2": time2,
    }
    t = read_tables(es, given, study, data, measure)
    if not (~t.double_zero).any():
        raise no_events(t, level)
    return _ladder(t, measure, level)


def _ladder(t: Tables, measure: str, level: float) -> CountsLadder:
    fits = [_tried(t, measure, step, level) for step in LADDERS[measure]]
    shape = shape_of(t)
    first = fits[0]
    ratio = None
    if measure == "OR" and isinstance(first, CountsFit):
        ratio = scale_of("OR").back(first.estimate)
    rungs = tuple(
        _rung(step, fit, shape, ratio) for step, fit in zip(LADDERS[measure], fits, strict=True)
    )
    depends, sentence = conclusion(rungs, scale_of(measure))
    used = [m for fit in fits if isinstance(fit, CountsFit) for m in fit.methods]
    double_zero = tuple(s for s, zero in zip(t.study, t.double_zero.tolist(), strict=True) if zero)
    return CountsLadder(
        measure=measure,
        level=level,
        rungs=rungs,
        depends=depends,
        sentence=sentence,
        k_total=len(t) + len(t.left_out),
        double_zero=double_zero,
        events1=math.fsum(t.events1),
        size1=math.fsum(t.size1),
        events2=math.fsum(t.events2),
        size2=math.fsum(t.size2),
        left_out=t.left_out,
        notes=(*t.notes, *_notes(t, rungs)),
        methods=tuple(dict.fromkeys([papers.HANDBOOK, papers.BRADBURN, *used])),
    )


def _tried(t: Tables, measure: str, step: Step, level: float) -> CountsFit | NotEstimableError:
    how = choices(measure, step.model, double_zero="keep" if step.keep else "drop", level=level)
    try:
        return fit_tables(t, how)
    except NotEstimableError as error:
        return error


def _rung(
    step: Step, fit: CountsFit | NotEstimableError, shape: Shape, ratio: float | None
) -> Rung:
    if isinstance(fit, NotEstimableError):
        return Rung(
            step.name,
            step.model,
            "",
            "no result",
            fit.what,
            math.nan,
            None,
            math.nan,
            None,
            0,
            step.zeros,
        )
    why = objections(step.model, shape, ratio)
    standing: Standing = "not recommended" if why else "suitable"
    if step.model == "MH":
        standing = "default"
    zeros = step.zeros
    if step.model == "MH" and not scale_of(fit.measure).ratio:
        zeros = "count as no difference"
    return Rung(
        step.name,
        step.model,
        fit.effects,
        standing,
        "; ".join(why),
        fit.estimate,
        fit.ci,
        fit.p_value,
        fit.tau2,
        fit.k,
        zeros,
    )


def conclusion(rungs: Sequence[Rung], scale: Scale) -> tuple[bool, str]:
    """Whether direction or exclusion of no difference varies over the methods that suit."""
    fit = [r for r in rungs if r.standing in ("default", "suitable")]
    if not fit:
        return False, "No method that suits these data gives a result."
    up = [r for r in fit if r.estimate > 0.0]
    out = [r for r in fit if r.excludes_null]
    many = f"all {len(fit)} methods that suit these data" if len(fit) > 1 else fit[0].name
    if 0 < len(up) < len(fit):
        return True, (
            f"The conclusion depends on the method: the {scale.name} points up by "
            f"{_listed(up)} and down or nowhere by {_listed([r for r in fit if r not in up])}."
        )
    if 0 < len(out) < len(fit):
        return True, (
            f"The conclusion depends on the method: the interval excludes no difference by "
            f"{_listed(out)}, and not by {_listed([r for r in fit if r not in out])}."
        )
    direction = "above" if up else "below"
    null = "1" if scale.ratio else "0"
    interval = "exclude" if out else "include"
    return False, (
        f"The conclusion does not depend on the method: by {many} the {scale.name} is "
        f"{direction} {null} and the interval{'s' * (len(fit) > 1)} {interval}"
        f"{'s' * (len(fit) == 1)} no difference."
    )


def _listed(rungs: Sequence[Rung]) -> str:
    names = [r.name for r in rungs]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _notes(t: Tables, rungs: Sequence[Rung]) -> tuple[Note, ...]:
    notes = []
    k = int(t.double_zero.sum())
    if k:
        have = "has" if k == 1 else "have"
        rest = "" if t.time else " (or nothing but events)"
        text = f"{k} of {counted(len(t), 'trial')} {have} no event in either group{rest}."
        notes.append(Note("double-zero", text))
    by = {r.model: r for r in rungs if r.ci is not None}
    if "MH" in by and "collapsed" in by:
        here, added = by["MH"].estimate, by["collapsed"].estimate
        if here * added < 0.0:
            notes.append(Note("simpson", _simpson(t)))
    fit = [r for r in rungs if r.standing in ("default", "suitable")]
    poor = [r for r in rungs if r.standing == "not recommended" and r.model != "collapsed"]
    ways = {(r.estimate > 0.0, r.excludes_null) for r in fit}
    other = [r for r in poor if (r.estimate > 0.0, r.excludes_null) not in ways]
    if fit and other:
        text = f"Another conclusion by methods that are not recommended here: {_listed(other)}."
        notes.append(Note("not-recommended", text))
    return tuple(notes)


def _simpson(t: Tables) -> str:
    one, two = (
        math.fsum(t.events1) / math.fsum(t.size1),
        math.fsum(t.events2) / math.fsum(t.size2),
    )
    times, unit = (1.0, " events per unit of time") if t.time else (100.0, "% had the event")
    return (
        f"Added up, {significant(times * one, 3)}{unit} in group 1 and "
        f"{significant(times * two, 3)}{unit} in group 2, which points the other way than the "
        "trials themselves (Simpson's paradox)."
    )
