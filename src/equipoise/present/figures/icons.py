"""Icon arrays: how many of 100 or 1000 people, without and with the treatment.

Icons are filled from one corner by rows and never scattered, all people are shown, and both
panels share one denominator. Shape and shade carry the meaning; colour repeats it.

Source: Zikmund-Fisher 2012 and Lipkus 2007 (Med Decis Making 27:696) for grouped icons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from equipoise.certainty.grade import Level
from equipoise.core.errors import InputError
from equipoise.core.provenance import Quantity
from equipoise.core.table import Column, Table, count, largest_remainder
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.text import wrap

Mark = Literal["event", "changed", "rest"]
_EDGE = 6.0


@dataclass(frozen=True, slots=True)
class _Panel:
    """One side: its heading, counts of each mark in the order of filling, and its interval."""

    head: str
    runs: tuple[tuple[Mark, int], ...]
    events: int
    could_be: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Array:
    title: str
    desc: str
    total: int
    panels: tuple[_Panel, _Panel]
    event: str
    otherwise: str
    changed: str
    """What the icons are that differ between the panels; "" where none does."""
    good: bool
    """Whether they differ for the better."""


def icon_array(
    without: Quantity | float,
    with_: Quantity | float,
    *,
    better: Literal["lower", "higher"],
    denominator: Literal[100, 1000] = 100,
    event: str = "have it",
    otherwise: str = "do not",
    reference: str = "people",
    sides: tuple[str, str] = ("Without the treatment", "With the treatment"),
    title: str | None = None,
    certainty: Level | None = None,
    prefix: str = "icons",
) -> Figure:
    """Draw two arrays of people, without and with the treatment.

    Parameters
    ----------
    without, with_
        The two risks: quantities per 1000, as an :class:`~equipoise.answer.answer.Absolute` of a
        binary outcome holds them, or proportions from 0 to 1. An interval of `with_` is drawn as
        a lighter band and written.
    better
        Whether fewer (``"lower"``) or more (``"higher"``) people with the event is better.
    denominator
        100 (ten by ten) or 1000 (25 rows of 40).
    event
        What happens to the people, completing "30 of 100 people …".
    otherwise
        What is true of the others, for the legend.
    reference
        Who the people are, such as ``adults with neck pain for more than 3 months``.
    sides
        Headings of the two panels.
    certainty
        With ``"very low"`` no array is drawn but a panel that says that it is not known: an
        array looks exact.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For a risk outside 0 to 1, or another denominator.
    """
    if denominator not in (100, 1000):
        raise InputError(f"denominator={denominator!r}", hint="100 or 1000")
    if better not in ("lower", "higher"):
        raise InputError(f"better={better!r}", hint="'lower' or 'higher'")
    title = title or f"Of {count(denominator)} {reference}: how many {event}"
    if certainty == "very low":
        return not_known(title, f"how many people {event}", prefix)
    array = _array(without, with_, better, denominator, (event, otherwise), reference, sides, title)
    wide = _draw(array, WIDE, prefix)
    narrow = _draw(array, NARROW, f"{prefix}-narrow")
    return Figure(prefix, wide, _table(array), title, array.desc, narrow)


def _risk(value: Quantity | float, what: str) -> float:
    if isinstance(value, Quantity):
        if "1000" not in value.unit:
            raise InputError(
                f"a quantity in {value.unit!r} is not a number of people",
                where=value.id,
                hint="the without and with_ of a binary outcome, per 1000",
            )
        value = value.value / 1000
    if not 0 <= value <= 1:
        raise InputError(f"{what}={value!r} is not a risk", hint="a proportion from 0 to 1")
    return float(value)


def _people(risk: float, total: int) -> int:
    return largest_remainder((risk, 1 - risk), total)[0]


def _interval(value: Quantity | float, total: int) -> tuple[int, int] | None:
    if not isinstance(value, Quantity) or value.low is None or value.high is None:
        return None
    low, high = (_people(min(max(v / 1000, 0.0), 1.0), total) for v in (value.low, value.high))
    return low, high


def _array(
    without: Quantity | float,
    with_: Quantity | float,
    better: str,
    total: int,
    words: tuple[str, str],
    reference: str,
    sides: tuple[str, str],
    title: str,
) -> _Array:
    event = words[0]
    n0 = _people(_risk(without, "without"), total)
    n1 = _people(_risk(with_, "with_"), total)
    both, change = min(n0, n1), abs(n1 - n0)
    good = (n1 < n0) == (better == "lower")
    second: tuple[tuple[Mark, int], ...] = (
        ("event", both),
        ("changed", change),
        ("rest", total - both - change),
    )
    panels = (
        _Panel(sides[0], (("event", n0), ("rest", total - n0)), n0, _interval(without, total)),
        _Panel(sides[1], second, n1, _interval(with_, total)),
    )
    more = "more" if n1 > n0 else "fewer"
    changed = f"{count(change)} {more} {event} than without the treatment" if change else ""
    desc = " ".join(f"{p.head}: {_counted(p, total, event, reference)}." for p in panels)
    desc += f" Difference: {count(change)} {more}." if change else " No difference."
    return _Array(title, desc, total, panels, event, words[1], changed, good)


def _counted(panel: _Panel, total: int, event: str, reference: str = "") -> str:
    who = f" {reference}" if reference else ""
    words = f"{count(panel.events)} of {count(total)}{who} {event}"
    if panel.could_be is not None:
        words += f" (could be {count(panel.could_be[0])} to {count(panel.could_be[1])})"
    return words


def _table(array: _Array) -> Table:
    columns = (
        Column("side", "Side"),
        Column("event", array.event[:1].upper() + array.event[1:], "count", "right"),
        Column("low", "could be from", "count", "right"),
        Column("high", "to", "count", "right"),
        Column("rest", array.otherwise[:1].upper() + array.otherwise[1:], "count", "right"),
        Column("total", "Of", "count", "right"),
    )
    rows = tuple(
        (
            p.head,
            p.events,
            None if p.could_be is None else p.could_be[0],
            None if p.could_be is None else p.could_be[1],
            array.total - p.events,
            array.total,
        )
        for p in array.panels
    )
    return Table(array.title, columns, rows, missing="")


def not_known(title: str, what: str, prefix: str) -> Figure:
    """Draw an empty panel where counted people or bars would look more exact than they are.

    Parameters
    ----------
    title
        Its heading.
    what
        What is not known, completing "The trials are too uncertain to say …".
    prefix
        Begins the ids in the drawing; unique on a page.
    """
    words = (
        f"Not known. The trials are too uncertain to say {what}; a picture would look more exact "
        "than it is."
    )
    drawn = []
    for width, name in ((WIDE, prefix), (NARROW, f"{prefix}-narrow")):
        d = Drawing(name, width)
        y = d.paragraph(_EDGE, 22, title, width - 2 * _EDGE, size=16, bold=True) + 4
        bottom = d.paragraph(_EDGE + 58, y + 12, words, width - 2 * _EDGE - 68)
        high = max(bottom - y - 4, 40.0)
        d.rect(_EDGE, y - 8, width - 2 * _EDGE, high + 4, fill="", stroke="unknown", dash="5 4")
        d.rect(_EDGE, y - 8, 46, high + 4, fill="hatch", stroke="unknown", dash="5 4")
        middle = y + high / 2 + 3
        d.text(_EDGE + 23, middle, "?", size=24, bold=True, anchor="middle", halo=True)
        drawn.append(d.svg(y + high + 4, title, words))
    table = Table(title, (Column("answer", "Answer"),), (("not known",),), notes=(words,))
    return Figure(prefix, drawn[0], table, title, words, drawn[1])


def _draw(array: _Array, width: float, prefix: str) -> str:
    phone = width < 520
    d = Drawing(prefix, width, size=14)
    y = d.paragraph(_EDGE, 22, array.title, width - 2 * _EDGE, size=16, bold=True) + 4
    each = width - 2 * _EDGE if phone else (width - 2 * _EDGE - 32) / 2
    bottom = y
    # Side by side, both arrays begin at one height whatever their headings need.
    heads = 0.0 if phone else max(_head_height(d, array, p, each) for p in array.panels)
    for i, panel in enumerate(array.panels):
        x = _EDGE if phone else _EDGE + i * (each + 32)
        top = bottom if phone else y
        bottom = max(bottom, _panel(d, array, panel, x, (top, heads), each))
        bottom += 14 if phone and i == 0 else 0
    return d.svg(_legend(d, array, bottom + 22), array.title, array.desc)


def _head_height(d: Drawing, array: _Array, panel: _Panel, wide: float) -> float:
    lines = len(wrap(panel.head, wide, d.size, bold=True))
    lines += len(wrap(_counted(panel, array.total, array.event), wide, d.size))
    return 4 + lines * d.size * 1.35


def _panel(
    d: Drawing, array: _Array, panel: _Panel, x: float, at: tuple[float, float], wide: float
) -> float:
    """Draw one side from `at` (top, least height of its heading) down; return its bottom."""
    y = d.paragraph(x, at[0] + 4, panel.head, wide, bold=True)
    y = d.paragraph(x, y, _counted(panel, array.total, array.event), wide)
    y = max(y, at[0] + at[1]) - 6
    columns = 10 if array.total == 100 else 40
    cell = min(24.0, wide / 10) if array.total == 100 else min(8.0, wide / 40)
    cell = int(cell * 10) / 10
    if panel.could_be is not None:
        _shade(d, x, y, cell, columns, panel.could_be)
    start = 0
    for mark, number in panel.runs:
        if array.total == 100:
            d.path(*_shapes(mark, x, y, cell, start, number, good=array.good))
        else:
            _bars(d, mark, _spans(x, y, cell, columns, start, number), cell, good=array.good)
        start += number
    return y + cell * (array.total / columns)


def _shade(
    d: Drawing, x: float, y: float, cell: float, columns: int, ends: tuple[int, int]
) -> None:
    for left, top, length in _spans(x, y, cell, columns, ends[0], ends[1] - ends[0]):
        d.rect(left, top, length, cell, fill="band")


def _spans(
    x: float, y: float, cell: float, columns: int, start: int, number: int
) -> list[tuple[float, float, float]]:
    """Rows of adjoining cells as (left, top, length)."""
    out = []
    end = start + number
    while start < end:
        row, column = divmod(start, columns)
        take = min(columns - column, end - start)
        out.append((x + column * cell, y + row * cell, take * cell))
        start += take
    return out


def _role(mark: Mark, *, good: bool) -> str:
    if mark == "event":
        return "ink"
    return "icon" if mark == "rest" else ("benefit" if good else "harm")


def _shapes(
    mark: Mark, x: float, y: float, cell: float, start: int, number: int, *, good: bool
) -> tuple[str, str, str, float]:
    """Icons of one kind as one path with its fill, stroke and stroke width.

    Discs have the event, rings have not, diamonds changed for the better, triangles for the worse.
    """
    role = _role(mark, good=good)
    r = cell * 0.36
    shape = _outline("rest" if mark != "changed" else ("good" if good else "bad"), r)
    step = f"m{coord(cell)} 0"
    d = ""
    for i in range(start, start + number):
        row, column = divmod(i, 10)
        top = f"M{coord(x + (column + 0.5) * cell)} {coord(y + (row + 0.5) * cell - r)}"
        d += (top if i == start or column == 0 else step) + shape
    return (d, "", role, 1.3) if mark == "rest" else (d, role, role, 1.0)


def _outline(kind: str, r: float) -> str:
    """A shape from its top, where it also ends, in relative steps."""
    a = coord(r)
    if kind == "rest":
        return f"a{a} {a} 0 1 1-.01 0z"
    if kind == "good":
        return f"l{a} {a}l-{a} {a}l-{a}-{a}z"
    return f"l{a} {coord(1.8 * r)}h-{coord(2 * r)}z"


def _bars(
    d: Drawing,
    mark: Mark,
    spans: list[tuple[float, float, float]],
    cell: float,
    *,
    good: bool,
) -> None:
    """Draw icons of a thousand as dashed lines: tall squares, thin dashes, squares with a hole."""
    side = int(cell * 0.72 * 10) / 10
    gap = coord(cell - side)
    thick = side if mark != "rest" else 2.0

    def path(inset: float) -> str:
        return "".join(
            f"M{coord(x + inset)} {coord(y + cell / 2)}h{coord(n - inset)}" for x, y, n in spans
        )

    d.path(path(0), "", _role(mark, good=good), thick, dash=f"{coord(side)} {gap}")
    if mark == "changed":
        hole = coord(side - 3.2)
        d.path(path(1.6), "", "paper", side - 3.2, dash=f"{hole} {coord(cell - side + 3.2)}")


def _legend(d: Drawing, array: _Array, y: float) -> float:
    lines: list[tuple[Mark, str]] = [("event", array.event)]
    if array.changed:
        lines.append(("changed", array.changed))
    lines.append(("rest", array.otherwise))
    for mark, words in lines:
        if array.total == 100:
            d.path(*_shapes(mark, _EDGE, y - 13, 18, 0, 1, good=array.good))
        else:
            _bars(d, mark, [(_EDGE + 5, y - 9, 8.0)], 8.0, good=array.good)
        y = d.paragraph(_EDGE + 26, y, words, d.width - _EDGE * 2 - 26) + 3
    if any(p.could_be is not None for p in array.panels):
        d.rect(_EDGE, y - 12, 18, 14, fill="band", stroke="rule")
        words = "shaded: how many it could be; the trials cannot say more exactly"
        y = d.paragraph(_EDGE + 26, y, words, d.width - _EDGE * 2 - 26) + 3
    return y - 4
