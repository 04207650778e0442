"""Alone, added, together: what the trials can say of each, one row under the other."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from equipoise.answer.answer import Answer, OutcomeAnswer, Part, PartEstimate
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import Column, Table, Value, count, percent, show
from equipoise.effects.measures import MEASURES
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import (
    Axis,
    draw_axis,
    draw_band_label,
    draw_ground,
    draw_interval,
    fit_axis,
)
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.figures.plot import favours
from equipoise.present.text import wrap

_EDGE = 6.0
_STRIP = 30.0
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
    wide = _draw(ladder, WIDE, prefix)
    narrow = _draw(ladder, NARROW, f"{prefix}-narrow")
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
    return f"{_shown(rung.effect)}; {_who(rung)}; {_direct(rung.estimate)}."


def _who(rung: _Rung) -> str:
    source = rung.estimate or rung.part
    k, n = source.trials.value, source.people.value
    return f"{count(k)} {'trial' if k == 1 else 'trials'}, {count(n)} people"


def _direct(estimate: PartEstimate) -> str:
    share = min(max(estimate.direct_share, 0.0), 1.0)
    if share >= 0.9995:
        return "all of it compared directly"
    if share <= 0.0005:
        return "none compared directly, all assumes that effects add up"
    return f"{percent(100 * share)} compared directly, the rest assumes that effects add up"


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


def _axis(ladder: _Ladder, width: float) -> Axis:
    numbers = [_numbers(r.effect, ladder.log) for r in ladder.rungs if r.effect is not None]
    return fit_axis(
        [n[0] for n in numbers],
        [(n[1], n[2]) for n in numbers],
        null=0.0,
        left=_EDGE + 12,
        right=width - _EDGE - 12,
        log=ladder.log,
        keep=ladder.band or (),
    )


def _draw(ladder: _Ladder, width: float, prefix: str) -> str:
    phone = width < 520
    d = Drawing(prefix, width, size=14)
    inside = width - 2 * _EDGE
    y = d.paragraph(_EDGE, 22, ladder.title, inside, size=16, bold=True)
    axis = _axis(ladder, width)
    any_told = any(r.effect is not None for r in ladder.rungs)
    if any_told and ladder.band is not None:
        draw_band_label(d, axis, y + 8, ladder.band)
        y += 20
    for rung in ladder.rungs:
        d.line(_EDGE, y, width - _EDGE, y, role="rule")
        y = _rung(d, ladder, rung, axis, y + 20, phone=phone)
    if any_told:
        y = draw_axis(d, axis, y + 2, title=_axis_title(ladder), ends=ladder.ends, null=0.0)
        y = _legend(d, ladder, y + 8)
    return d.svg(y + 2, ladder.title, ladder.desc)


def _axis_title(ladder: _Ladder) -> str:
    if ladder.log:
        return f"{MEASURES[ladder.unit].name.capitalize()} (log scale)"
    unit = f"people {ladder.unit}" if ladder.unit.startswith("per ") else ladder.unit
    scale = ladder.outcome.scale
    where = f" on a scale of {scale[0]:g} to {scale[1]:g}" if scale else ""
    return f"Difference, {unit}{where}"


def _rung(d: Drawing, ladder: _Ladder, rung: _Rung, axis: Axis, y: float, *, phone: bool) -> float:
    """Draw one row with its first baseline at `y`; return the top of the next."""
    told = rung.effect is not None and not phone
    d.text(_EDGE, y, rung.name, bold=True, after=_who(rung) if told else "")
    if rung.effect is None or rung.estimate is None:
        return _refused(d, rung, y + 10)
    shown = _shown(rung.effect)
    if phone:
        y += 19
        d.text(_EDGE, y, shown)
        y = d.paragraph(_EDGE, y + 19, _who(rung), d.width - 2 * _EDGE, role="neutral") - 19
    else:
        d.text(d.width - _EDGE, y, shown, anchor="end", bold=True)
    y = _share(d, rung.estimate, y + 8)
    draw_ground(d, axis, [(y, y + _STRIP)], null=0.0, band=ladder.band)
    mid, low, high = _numbers(rung.effect, ladder.log)
    draw_interval(d, axis, y + _STRIP / 2, low, high, width=2)
    if axis.holds(mid):
        d.circle(axis.at(mid), y + _STRIP / 2, 6.5, fill="neutral", stroke="ink")
    return y + _STRIP


def _share(d: Drawing, estimate: PartEstimate, y: float) -> float:
    """Draw how much is direct as a bar with its words; return where the strip begins."""
    share = min(max(estimate.direct_share, 0.0), 1.0)
    wide, high = 110.0, 11.0
    d.rect(_EDGE, y, wide, high, fill="hatch" if share < 1 else "paper")
    d.rect(_EDGE, y, wide * share, high, fill="neutral")
    d.rect(_EDGE, y, wide, high, fill="", stroke="neutral")
    room = d.width - 2 * _EDGE - wide - 8
    bottom = d.paragraph(_EDGE + wide + 8, y + 10, _direct(estimate), room, role="neutral", size=13)
    return bottom - 5


def _refused(d: Drawing, rung: _Rung, y: float) -> float:
    """Draw a box that says that the part cannot be told, and why."""
    inside = d.width - 2 * _EDGE
    lines = wrap(rung.refusal, inside - 44, d.size)
    high = len(lines) * d.size * 1.35 + 14
    d.rect(_EDGE, y, inside, high, fill="", stroke="unknown", dash="5 4", stroke_width=1.5)
    d.text(_EDGE + 20, y + high / 2 + 7, "?", size=20, bold=True, role="unknown", anchor="middle")
    d.paragraph(_EDGE + 38, y + 20, rung.refusal, inside - 44)
    return y + high + 12


def _legend(d: Drawing, ladder: _Ladder, y: float) -> float:
    d.rect(_EDGE, y - 11, 18, 12, fill="neutral", stroke="neutral")
    y = d.paragraph(_EDGE + 26, y, "Compared directly in trials.", d.width - 40)
    if any(r.estimate is not None and r.estimate.direct_share < 1 for r in ladder.rungs):
        d.rect(_EDGE, y - 11, 18, 12, fill="hatch", stroke="neutral")
        words = "Rests on the assumption that effects add up."
        y = d.paragraph(_EDGE + 26, y, words, d.width - 40)
    return y
