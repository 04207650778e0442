"""Alone, added, together: what the trials can say of each, one row under the other."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from equipoise.answer.answer import Answer, OutcomeAnswer, Part, PartEstimate
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import Column, Table, Value, count, show
from equipoise.effects.measures import MEASURES
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.figures.plot import favours
from equipoise.present.figures.rungs import Rung, Rungs, direct_said, draw_rungs

_NAMES = {"alone": "Alone", "added": "Added to other care", "together": "Together with other care"}


@dataclass(frozen=True, slots=True)
class _Rung:
    """One row: a part, and its estimate for the outcome shown (None: it cannot be told)."""

    part: Part
    estimate: PartEstimate | None
    effect: Quantity | None

    @property
    def name(self) -> str:
        return _NAMES[self.part.kind]

    @property
    def refusal(self) -> str:
        """Why there is no estimate, for a reader."""
        said = plain(self.part.sentence)
        return f"Cannot be told for this outcome. {said}" if self.part.answerable else said


@dataclass(frozen=True, slots=True)
class _Ladder:
    title: str
    desc: str
    outcome: OutcomeAnswer
    rungs: tuple[_Rung, ...]
    unit: str
    log: bool
    band: tuple[float, float] | None
    ends: tuple[str, str]


def parts_ladder(answer: Answer, *, outcome: str | None = None, prefix: str = "parts") -> Figure:
    """Draw whether the treatment helps alone, added to other care, and together with it.

    A row that the trials cannot answer says so in its own words. A bar shows how much of the
    information compares the part directly; the hatched rest assumes that effects add up.

    Parameters
    ----------
    answer
        The answer.
    outcome
        Id of the outcome; by default the one that decides.
    prefix
        Begins the ids in the drawing; unique on a page.
    """
    ladder = _ladder(answer, outcome)
    rungs = _rungs(ladder)
    wide = draw_rungs(rungs, WIDE, prefix)
    narrow = draw_rungs(rungs, NARROW, f"{prefix}-narrow")
    return Figure(prefix, wide, _table(ladder), ladder.title, ladder.desc, narrow)


def _ladder(answer: Answer, id: str | None) -> _Ladder:
    deciding = next((o.id for o in answer.outcomes if o.decides), answer.verdict.rests_on)
    outcome = answer.outcome(id or deciding)
    parts = (answer.alone, answer.added, answer.together)
    found = [next((e for e in p.estimates if e.outcome == outcome.id), None) for p in parts]
    told = [e for e in found if e is not None]
    absolute = all(e.absolute is not None for e in told)
    rungs = tuple(
        _Rung(p, e, None if e is None else _effect(e, absolute=absolute))
        for p, e in zip(parts, found, strict=True)
    )
    first = next((r.effect for r in rungs if r.effect is not None), None)
    unit = first.unit if first is not None else ""
    log = unit in MEASURES and MEASURES[unit].ratio
    line = next((t for t in outcome.thresholds if t.main), None)
    band = None
    if line is not None and not log and (absolute or outcome.type == "continuous"):
        band = (-line.small, line.small)
    title = f"{outcome.label}: {answer.treatment} alone, added and together"
    sides = (answer.treatment, answer.comparator)
    desc = " ".join(f"{r.name}: {_said(r)}" for r in rungs)
    return _Ladder(
        title, desc, outcome, rungs, unit, log, band, favours(outcome.better, _short(sides))
    )


def _short(sides: tuple[str, str]) -> tuple[str, str]:
    """Names of the sides; the general words where they are too long for the ends of an axis."""
    one, two = (re.sub(r"^(a|an|the) ", "", side) for side in sides)
    sides = (one, two)
    if all(len(side) <= 24 for side in sides):
        return sides
    return ("the treatment", "going without")


def _effect(estimate: PartEstimate, *, absolute: bool) -> Quantity:
    if absolute and estimate.absolute is not None:
        return estimate.absolute.difference
    return estimate.effect


def _shown(q: Quantity) -> str:
    told = show(q)
    return f"{told} {told.unit}"


def _said(rung: _Rung) -> str:
    if rung.effect is None or rung.estimate is None:
        return rung.refusal
    direct = direct_said(rung.estimate.direct_share, _counted(rung.estimate))
    return f"{_shown(rung.effect)}; {_who(rung)}; {direct}."


def _who(rung: _Rung) -> str:
    source = rung.estimate or rung.part
    k, n = source.trials.value, source.people.value
    return f"{count(k)} {'trial' if k == 1 else 'trials'}, {count(n)} people"


def _counted(estimate: PartEstimate) -> str:
    """The trials that compare the part directly, where they are not all."""
    known = estimate.footing
    if known is None or known.trials.value == estimate.trials.value:
        return ""
    k, n = known.trials.value, known.people.value
    return f"{count(k)} {'trial' if k == 1 else 'trials'}, {count(n)} people"


def _table(ladder: _Ladder) -> Table:
    columns = (
        Column("part", "Used"),
        Column("effect", f"{ladder.outcome.label}: difference", align="right"),
        Column("trials", "Trials", "count", "right"),
        Column("people", "People", "count", "right"),
        Column("direct", "Compared directly", "percent", "right"),
        Column("answer", "What the trials say"),
    )
    rows: list[tuple[Value, ...]] = []
    for r in ladder.rungs:
        source = r.estimate or r.part
        told = "" if r.estimate is None else plain(r.estimate.statement)
        rows.append(
            (
                r.name,
                r.effect,
                source.trials,
                source.people,
                None if r.estimate is None else 100 * r.estimate.direct_share,
                told or r.refusal,
            )
        )
    notes = tuple(r.part.assumption for r in ladder.rungs if r.part.assumption)
    return Table(ladder.title, columns, tuple(rows), notes=notes, missing="cannot be told")


def _numbers(q: Quantity, log: bool) -> tuple[float, float, float]:
    values = (q.value, q.value if q.low is None else q.low, q.value if q.high is None else q.high)
    if log:
        mid, low, high = (math.log(v) if v > 0 else -math.inf for v in values)
        return mid, low, high
    return values


def _rungs(ladder: _Ladder) -> Rungs:
    """The same for the drawing."""
    return Rungs(
        ladder.title,
        ladder.desc,
        tuple(_drawn(r, ladder.log) for r in ladder.rungs),
        ladder.log,
        ladder.band,
        ladder.ends,
        _axis_title(ladder),
    )


def _drawn(rung: _Rung, log: bool) -> Rung:
    if rung.effect is None or rung.estimate is None:
        return Rung(rung.name, "", "", None, 0.0, rung.refusal)
    shown, numbers = _shown(rung.effect), _numbers(rung.effect, log)
    share, counted = rung.estimate.direct_share, _counted(rung.estimate)
    return Rung(rung.name, _who(rung), shown, numbers, share, "", counted)


def _axis_title(ladder: _Ladder) -> str:
    if ladder.log:
        return f"{MEASURES[ladder.unit].name.capitalize()} (log scale)"
    unit = f"people {ladder.unit}" if ladder.unit.startswith("per ") else ladder.unit
    scale = ladder.outcome.scale
    where = f" on a scale of {scale[0]:g} to {scale[1]:g}" if scale else ""
    return f"Difference, {unit}{where}"
