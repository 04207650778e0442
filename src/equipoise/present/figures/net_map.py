"""The identifiability map drawn: what trials can tell of each component and each pair."""

from __future__ import annotations

from equipoise.core.arguments import typed
from equipoise.core.table import Column, Table, count, percent
from equipoise.models.components.basis import Basis, IdentifiabilityMap
from equipoise.models.components.reading import TIMES, parts_of
from equipoise.present.drawing import Drawing
from equipoise.present.figures.figure import NARROW, Figure, check_width, refuse_other
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.net_matrix import (
    Cell,
    Matrix,
    Sign,
    draw_key,
    draw_matrix,
    draw_sign,
    lay_out,
)
from equipoise.present.text import text_width

#: So many of those that hang on single trials are told in words.
_SINGLE = 8

#: What a cell says → (sign, colour, words of the legend).
_STATES: dict[str, tuple[Sign, str, str]] = {
    "told": ("full", "good", "can be told"),
    "one": ("half", "doubt", "hangs on single trials"),
    "cannot": ("cross", "bad", "cannot be told"),
}


@typed
def plot_identifiability(
    found: IdentifiabilityMap,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "identifiability",
) -> Figure:
    """Draw what the trials can tell: components on the diagonal, pairs beside it.

    On the diagonal stands what adding the component does; below it what the pair does together,
    against neither; above it what it does beyond the sum of both. A blank cell: no group had both.

    Parameters
    ----------
    found
        What ``identifiability_map`` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Its table has every row of the map, combinations of three or more components too.
    """
    refuse_other(found, IdentifiabilityMap, "a map", "what identifiability_map() gives")
    check_width(width)
    names = tuple(row.what for row in found.rows if row.kind == "component")
    matrix = _matrix(found, names)
    heading = title or "What these trials can tell of each component and pair"
    desc = _said(found)
    caption = (
        "On the diagonal: adding the component. Below it: the pair together against neither. Above "
        "it: what the pair does beyond the sum of both. Blank: no group had both. Numbers: trials "
        "that inform the estimate and their people."
    )

    def draw(wide: float | None, name: str) -> str:
        grid = lay_out(matrix, wide, least=16.0)
        d = Drawing(name, grid.width, size=grid.size)
        inside = grid.width - 2 * EDGE
        y = d.paragraph(EDGE, 22, heading, inside, size=d.size + 2, bold=True)
        y = draw_matrix(d, matrix, grid, y - 4)
        y = _legend(d, y)
        if grid.keyed:
            y = draw_key(d, names, y + 4)
        y = d.paragraph(EDGE, y + 4, caption, inside, role="neutral")
        for text in _single(found):
            y = d.paragraph(EDGE, y + 2, text, inside)
        for note in found.notes:
            y = d.paragraph(EDGE, y + 2, note.text, inside, role="neutral")
        return d.svg(y, heading, desc)

    narrow = draw(NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, draw(width, prefix), _table(found, heading), heading, desc, narrow)


def _state(row: Basis) -> str:
    if row.effect is None:
        return "cannot"
    return "one" if row.essential else "told"


def _matrix(found: IdentifiabilityMap, names: tuple[str, ...]) -> Matrix:
    held: dict[tuple[str, frozenset[str]], Basis] = {}
    for row in found.rows:
        parts = row.what.split(TIMES) if row.kind == "interaction" else _parts(row, found)
        held[(row.kind, frozenset(parts))] = row
    rows: list[tuple[Cell | None, ...]] = []
    for i, one in enumerate(names):
        cells: list[Cell | None] = []
        for j, two in enumerate(names):
            kind = "component" if i == j else "combination" if j < i else "interaction"
            basis = held.get((kind, frozenset((one, two))))
            cells.append(Cell() if basis is None else _cell(basis))
        rows.append(tuple(cells))
    return Matrix(names, tuple(rows))


def _parts(row: Basis, found: IdentifiabilityMap) -> tuple[str, ...]:
    return parts_of(row.what, found.inactive)


def _cell(row: Basis) -> Cell:
    sign, fill, _ = _STATES[_state(row)]
    title = f"{row.what}: {row.sentence}"
    if row.effect is None:
        return Cell(("cannot", "tell"), fill, sign=sign, title=title)
    lines = [f"{count(row.trials)} {'trial' if row.trials == 1 else 'trials'}"]
    if row.people:
        lines.append(f"{count(row.people)}")
        lines.append("people")
    return Cell(tuple(lines), fill, sign=sign, title=title)


def _legend(d: Drawing, y: float) -> float:
    x = EDGE
    for sign, fill, words in _STATES.values():
        reach = 32 + text_width(words, d.size)
        if x > EDGE and x + reach > d.width:
            x, y = EDGE, y + 1.7 * d.size
        d.rect(x, y - d.size - 1, 22, d.size + 6, fill=fill, stroke="rule")
        draw_sign(d, sign, x + 11, y - 0.3 * d.size, 5.0)
        d.text(x + 30, y, words)
        x += reach + 14
    return y + 1.7 * d.size


def _said(found: IdentifiabilityMap) -> str:
    can = [row for row in found.rows if row.effect is not None]
    text = f"The trials can tell {count(len(can))} of {count(len(found.rows))} questions."
    lost = [row.what for row in found.rows if row.effect is None]
    if lost:
        text += f" Not {', '.join(lost)}."
    return " ".join([text, *_single(found)])


def _single(found: IdentifiabilityMap) -> list[str]:
    """What hangs on single trials, and on which."""
    single = [row for row in found.rows if row.essential]
    told = [f"{row.what}: {row.hangs_on}" for row in single[:_SINGLE]]
    more = len(single) - len(told)
    return [*told, f"{count(more)} more hang on single trials."] if more else told


def _table(found: IdentifiabilityMap, heading: str) -> Table:
    columns = (
        Column("what", "What"),
        Column("kind", "Kind"),
        Column("told", "Can be told"),
        Column("trials", "Trials", "count", "right"),
        Column("people", "People", "count", "right"),
        Column("direct", "Trials of exactly this", "count", "right"),
        Column("share", "Compared directly", align="right"),
        Column("sentence", "Rests on"),
        Column("through", "Through these comparisons"),
    )
    rows = tuple(
        (
            row.what,
            row.kind,
            _STATES[_state(row)][2] if row.effect is not None else "cannot be told",
            row.trials,
            row.people,
            row.direct,
            None if row.effect is None else percent(100 * row.direct_share),
            row.sentence,
            "; ".join(row.through) or None,
        )
        for row in found.rows
    )
    return Table(heading, columns, rows, notes=tuple(n.text for n in found.notes), missing="")
