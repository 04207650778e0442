"""Alone, added, together as a drawing: one row a part, with how much compares it directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.core.table import percent
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import (
    Axis,
    draw_axis,
    draw_band_label,
    draw_ground,
    draw_interval,
    fit_axis,
)
from equipoise.present.text import wrap

#: What information does that does not compare a part directly, and how the legend puts it.
ADDS_UP = "assumes that effects add up"
FOLLOWS = "follows from other comparisons"
_LEGEND = {
    ADDS_UP: "Rests on the assumption that effects add up.",
    FOLLOWS: "Follows from other comparisons.",
}

_EDGE = 6.0
_STRIP = 30.0


@dataclass(frozen=True, slots=True)
class Rung:
    """One row: a part, its estimate with its interval, and what they rest on.

    `numbers` are the estimate and the ends of its interval on the scale of the axis; None where
    the part cannot be told, and `refusal` says why. `direct` is the share, 0 to 1, that compares
    the part directly; None where no trial could. `counted` are the trials and people that do, in
    words, and `rest` what the other information does. `hangs_on` names trials without which nobody
    could tell.
    """

    name: str
    who: str
    shown: str
    numbers: tuple[float, float, float] | None
    direct: float | None
    refusal: str
    counted: str = ""
    rest: str = ADDS_UP
    hangs_on: str = ""


@dataclass(frozen=True, slots=True)
class Rungs:
    """All rows with their axis: `log` for ratios, `band` of effects too small to matter."""

    title: str
    desc: str
    rungs: tuple[Rung, ...]
    log: bool
    band: tuple[float, float] | None
    ends: tuple[str, str]
    axis_title: str
    notes: tuple[str, ...] = ()


def direct_said(share: float, counted: str = "", rest: str = ADDS_UP) -> str:
    """How much of an estimate compares directly, by which trials, in words."""
    share = min(max(share, 0.0), 1.0)
    by = f" ({counted})" if counted else ""
    if share >= 0.9995:
        return f"all of it compared directly{by}"
    if share <= 0.0005:
        return f"none compared directly, all {rest}"
    return f"{percent(100 * share)} compared directly{by}, the rest {rest}"


def draw_rungs(ladder: Rungs, width: float, prefix: str) -> str:
    """Draw all rows, the axis and the legend."""
    phone = width < 520
    d = Drawing(prefix, width, size=14)
    inside = width - 2 * _EDGE
    y = d.paragraph(_EDGE, 22, ladder.title, inside, size=16, bold=True)
    axis = _axis(ladder.rungs, ladder, width)
    any_told = any(r.numbers is not None for r in ladder.rungs)
    if any_told and ladder.band is not None:
        draw_band_label(d, axis, y + 8, ladder.band)
        y += 20
    for rung in ladder.rungs:
        d.line(_EDGE, y, width - _EDGE, y, role="rule")
        y = _rung(d, ladder, rung, axis, y + 20, phone=phone)
    if any_told:
        y = draw_axis(d, axis, y + 2, title=ladder.axis_title, ends=ladder.ends, null=0.0)
        y = _legend(d, ladder, y + 8)
    for note in ladder.notes:
        y = d.paragraph(_EDGE, y + 4, note, inside, role="neutral")
    return d.svg(y + 2, ladder.title, ladder.desc)


def _axis(rungs: Sequence[Rung], ladder: Rungs, width: float) -> Axis:
    numbers = [r.numbers for r in rungs if r.numbers is not None]
    return fit_axis(
        [n[0] for n in numbers],
        [(n[1], n[2]) for n in numbers],
        null=0.0,
        left=_EDGE + 12,
        right=width - _EDGE - 12,
        log=ladder.log,
        keep=ladder.band or (),
    )


def _rung(d: Drawing, ladder: Rungs, rung: Rung, axis: Axis, y: float, *, phone: bool) -> float:
    """Draw one row with its first baseline at `y`; return the top of the next."""
    told = rung.numbers is not None and not phone
    fits = len(wrap(f"{rung.name} {rung.who}", d.width - 220, d.size, bold=True)) == 1
    if told and not fits:
        y = d.paragraph(_EDGE, y, rung.name, d.width - 2 * _EDGE, bold=True)
        d.text(_EDGE, y, rung.who, role="neutral")
    elif phone:
        y = d.paragraph(_EDGE, y, rung.name, d.width - 2 * _EDGE, bold=True) - d.size * 1.35
    else:
        d.text(_EDGE, y, rung.name, bold=True, after=rung.who if told else "")
    if rung.numbers is None:
        return _refused(d, rung, y + 10)
    if phone:
        y += 19
        d.text(_EDGE, y, rung.shown)
        y = d.paragraph(_EDGE, y + 19, rung.who, d.width - 2 * _EDGE, role="neutral") - 19
    else:
        d.text(d.width - _EDGE, y, rung.shown, anchor="end", bold=True)
    if rung.hangs_on:
        y = d.paragraph(_EDGE, y + 19, rung.hangs_on, d.width - 2 * _EDGE) - 19
    y = y + 8 if rung.direct is None else _share(d, rung, y + 8)
    draw_ground(d, axis, [(y, y + _STRIP)], null=0.0, band=ladder.band)
    mid, low, high = rung.numbers
    draw_interval(d, axis, y + _STRIP / 2, low, high, width=2)
    if axis.holds(mid):
        d.circle(axis.at(mid), y + _STRIP / 2, 6.5, fill="neutral", stroke="ink")
    return y + _STRIP


def _share(d: Drawing, rung: Rung, y: float) -> float:
    """Draw how much is direct as a bar with its words; return where the strip begins."""
    direct = rung.direct or 0.0
    share = min(max(direct, 0.0), 1.0)
    wide, high = 110.0, 11.0
    d.rect(_EDGE, y, wide, high, fill="hatch" if share < 1 else "paper")
    d.rect(_EDGE, y, wide * share, high, fill="neutral")
    d.rect(_EDGE, y, wide, high, fill="", stroke="neutral")
    room = d.width - 2 * _EDGE - wide - 8
    words = direct_said(direct, rung.counted, rung.rest)
    bottom = d.paragraph(_EDGE + wide + 8, y + 10, words, room, role="neutral", size=13)
    return bottom - 5


def _refused(d: Drawing, rung: Rung, y: float) -> float:
    """Draw a box that says that the part cannot be told, and why."""
    inside = d.width - 2 * _EDGE
    lines = wrap(rung.refusal, inside - 44, d.size)
    high = len(lines) * d.size * 1.35 + 14
    d.rect(_EDGE, y, inside, high, fill="", stroke="unknown", dash="5 4", stroke_width=1.5)
    d.text(_EDGE + 20, y + high / 2 + 7, "?", size=20, bold=True, role="unknown", anchor="middle")
    d.paragraph(_EDGE + 38, y + 20, rung.refusal, inside - 44)
    return y + high + 12


def _legend(d: Drawing, ladder: Rungs, y: float) -> float:
    d.rect(_EDGE, y - 11, 18, 12, fill="neutral", stroke="neutral")
    y = d.paragraph(_EDGE + 26, y, "Compared directly in trials.", d.width - 40)
    told = [r for r in ladder.rungs if r.direct is not None and r.numbers is not None]
    rests = dict.fromkeys(_LEGEND[r.rest] for r in told if (r.direct or 0.0) < 1)
    if rests:
        d.rect(_EDGE, y - 11, 18, 12, fill="hatch", stroke="neutral")
        y = d.paragraph(_EDGE + 26, y, " Or: ".join(rests), d.width - 40)
    return y
