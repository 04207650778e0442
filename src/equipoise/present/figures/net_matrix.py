"""Matrices: rows of names, numbered or named columns, and cells that say what they hold.

A cell has words where there is room for them, and otherwise a sign; its colour repeats what one of
the two says. On a phone the names become numbers with a key.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from equipoise.core.table import fixed
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.figure import NARROW, PHONE
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width, wrap

#: How dark a grey square in a cell is.
SQUARE = 0.3

Sign = Literal["", "up", "down", "up open", "down open", "dots", "full", "half", "cross"]

LEADING = 1.22
#: How wide names of rows may be on a page, and how small cells without words may be.
_NAMES, _LEAST = 210.0, 3.4
#: From this size on a cell has room for a sign.
_SIGNED = 11.0
#: The widest cell with words, and the lines that a heading of a column may have.
_WIDEST, _HEADS = 120.0, 3


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its words, its colour (a role with an opacity), and a sign that says the same.

    `dots` are for the sign ``dots``; `square` is the share of the cell that a grey square covers.
    """

    lines: tuple[str, ...] = ()
    fill: str = ""
    opacity: float = 1.0
    bold: bool = False
    sign: Sign = ""
    dots: int = 0
    square: float = 0.0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows, columns and cells; `heads` are None where columns are named as the rows are."""

    rows: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    heads: tuple[str, ...] | None = None
    corner: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.rows if self.heads is None else self.heads


@dataclass(frozen=True, slots=True)
class Grid:
    """How a matrix is laid out: sizes of names and cells, whether columns have numbers and words.

    `width` is that of the whole figure.
    """

    size: float
    names: float
    cell: float
    high: float
    words: bool
    numbered: bool
    keyed: bool
    width: float


def lay_out(matrix: Matrix, width: float | None, *, least: float = 0.0) -> Grid:
    """Lay out for a page (None: as wide as needed) or for a given width.

    In a given width every column has its place: cells lose their words where these do not fit.

    Parameters
    ----------
    least
        The least side of a cell without words, on a page.
    """
    phone = width is not None and width < PHONE
    size = 14.0 if phone else 13.0
    n = len(matrix.columns)
    wide = max((_cell_width(c, size) for row in matrix.cells for c in row if c), default=0.0) + 12
    if any(c.sign in ("full", "half", "cross") for row in matrix.cells for c in row if c):
        wide += 18
    tall = max((len(c.lines) for row in matrix.cells for c in row if c), default=0)
    number = text_width(str(max(len(matrix.rows), n)), size) + 8
    longest = max(text_width(name, size) for name in matrix.rows)
    names = min(longest + number, _NAMES)
    room = 720.0 if width is None else width
    words = tall > 0
    keyed = phone
    if phone:
        names = min(longest, 100.0) + 6
        words = tall > 0 and n * wide + names + 2 * EDGE <= room
        keyed = not words
        names = number + 4 if keyed else names
    inside = room - names - 2 * EDGE - 4
    if width is not None and n * wide > inside:
        words = False
    if words:
        cell = max(wide, min(_WIDEST, inside / n))
        marked = any(
            c.dots or c.sign in ("full", "half", "cross") for row in matrix.cells for c in row if c
        )
        high = max(tall * size * LEADING + (16 if marked else 10), 30.0)
    else:
        floor = least if width is None else _LEAST if phone else 0.0
        cell = max(min(40.0, inside / n), floor)
        high = cell
    fit = all(_fits(name, cell - 8, size) for name in matrix.columns)
    numbered = not fit or keyed
    if not numbered and words and matrix.heads is None:
        names = min(longest + 6, _NAMES)
    total = names + n * cell + 2 * EDGE + 4
    if width is None:
        room = max(room, math.ceil(total))
    return Grid(size, names, cell, high, words, numbered, keyed, max(room, NARROW))


def brief(text: str, value: float) -> str:
    """A number short enough for a cell: more digits in place of "(just below 1)"."""
    if "(" not in text:
        return text
    return next(
        (fixed(value, n) for n in range(4, 8) if float(f"{value:.{n}f}") != round(value, 2)),
        text,
    )


def _cell_width(cell: Cell, size: float) -> float:
    return max((text_width(line, size, bold=cell.bold) for line in cell.lines), default=0.0)


def _fits(name: str, width: float, size: float) -> bool:
    long = any(text_width(word, size, bold=True) > width for word in name.split())
    return not long and len(wrap(name, width, size, bold=True)) <= _HEADS


def draw_matrix(d: Drawing, matrix: Matrix, grid: Grid, y: float) -> float:
    """Draw a matrix from `y` down; return the next baseline."""
    left = EDGE + grid.names + 4
    y = _heads(d, matrix, grid, left, y)
    square = matrix.heads is None
    top, edges = y, [y]
    for i, name in enumerate(matrix.rows):
        labels = _row_words(name, i, grid, square=square)
        high = max(grid.high, len(labels) * d.size * LEADING + 4 if not grid.keyed else 0.0)
        _row_name(d, labels, y + high / 2, name)
        for j, cell in enumerate(matrix.cells[i]):
            box = (left + j * grid.cell, y, grid.cell, high)
            if cell is not None:
                _cell(d, cell, box, grid)
            elif square and i == j:
                d.rect(*box, fill="band")
                if grid.numbered and grid.words:
                    d.text(
                        box[0] + box[2] / 2,
                        y + high / 2 + 0.35 * d.size,
                        str(i + 1),
                        anchor="middle",
                        bold=True,
                    )
        y += high
        edges.append(y)
    if grid.cell >= _SIGNED:
        _rules(d, left, [left + j * grid.cell for j in range(len(matrix.columns) + 1)], edges)
    else:
        d.rect(left, top, len(matrix.columns) * grid.cell, y - top, fill="", stroke="rule")
    return y + 1.5 * d.size


def _rules(d: Drawing, left: float, across: Sequence[float], down: Sequence[float]) -> None:
    """Draw the lines between cells as one path beneath everything."""
    lines = [f"M{coord(left)} {coord(y)}H{coord(across[-1])}" for y in down]
    lines += [f"M{coord(x)} {coord(down[0])}V{coord(down[-1])}" for x in across]
    d.path("".join(lines), "", "rule", under=True)


def _heads(d: Drawing, matrix: Matrix, grid: Grid, left: float, y: float) -> float:
    """Write numbers or names over the columns; return where the cells begin."""
    step = d.size * LEADING
    if grid.numbered:
        widest = text_width(str(len(matrix.columns)), d.size, bold=True)
        every = math.ceil((widest + 5) / grid.cell)
        for j in range(0, len(matrix.columns), every):
            half = text_width(str(j + 1), d.size, bold=True) / 2
            x = min(left + (j + 0.5) * grid.cell, d.width - half)
            d.text(x, y + d.size, str(j + 1), anchor="middle", bold=True)
        return y + d.size + 7
    heads = [wrap(name, grid.cell - 8, d.size, bold=True) for name in matrix.columns]
    most = max(len(lines) for lines in heads)
    for j, lines in enumerate(heads):
        x = left + (j + 0.5) * grid.cell
        for k, words in enumerate(lines):
            at = y + d.size + (most - len(lines) + k) * step
            d.text(x, at, words, anchor="middle", bold=True)
    return y + d.size + (most - 1) * step + 7


def _row_words(name: str, i: int, grid: Grid, *, square: bool) -> list[str]:
    if grid.keyed:
        every = math.ceil(grid.size * 0.95 / grid.high)
        return [str(i + 1)] if i % every == 0 else []
    text = f"{i + 1} {name}" if grid.numbered and square else name
    lines = 3 if grid.words else 1
    return shortened(text, grid.names - 4, grid.size, lines)


def any_cut(matrix: Matrix, grid: Grid) -> bool:
    """Whether the name of a row did not fit."""
    square = matrix.heads is None
    lines = [_row_words(name, i, grid, square=square) for i, name in enumerate(matrix.rows)]
    ends = zip(lines, matrix.rows, strict=True)
    return any(words[-1].endswith("…") and not name.endswith("…") for words, name in ends if words)


def _row_name(d: Drawing, lines: Sequence[str], middle: float, name: str) -> None:
    step = d.size * LEADING
    base = middle + 0.35 * d.size - (len(lines) - 1) * step / 2
    cut = bool(lines) and lines[-1].endswith("…") and not name.endswith("…")
    if cut:
        d.begin(name)
    for k, words in enumerate(lines):
        d.text(EDGE, base + k * step, words)
    if cut:
        d.end()


def _cell(d: Drawing, cell: Cell, box: tuple[float, float, float, float], grid: Grid) -> None:
    x, y, wide, high = box
    titled = bool(cell.title) and not grid.words and not grid.keyed
    if titled:
        d.begin(cell.title)
    if cell.fill:
        edge = 0.5 if grid.cell >= _SIGNED else 0.0
        inner = (x + edge, y + edge, wide - 2 * edge, high - 2 * edge)
        d.rect(*inner, fill=cell.fill, opacity=cell.opacity)
    middle, centre = x + wide / 2, y + high / 2
    if cell.square > 0.003:
        side = math.sqrt(min(cell.square, 1.0)) * (min(wide, high) - 2)
        d.rect(middle - side / 2, centre - side / 2, side, side, fill="icon", opacity=SQUARE)
    if grid.words and cell.lines:
        step = d.size * LEADING
        shift = 3.5 if cell.sign == "dots" else 0.0
        base = centre + shift + 0.35 * d.size - (len(cell.lines) - 1) * step / 2
        for k, words in enumerate(cell.lines):
            d.text(middle, base + k * step, words, anchor="middle", bold=cell.bold)
        if cell.sign == "dots":
            _dots(d, x + wide - 5, y + 5.5, cell.dots, 2.2, way=-1)
        elif cell.sign in ("full", "half", "cross"):
            draw_sign(d, cell.sign, x + 9, y + 9, 4.5)
    elif cell.sign and min(wide, high) >= _SIGNED:
        if cell.sign == "dots":
            across = 4.0 * (cell.dots - 1)
            r = min(1.7, wide / 12)
            _dots(d, middle - across / 2 * wide / 16, centre, cell.dots, r, step=wide / 4)
        else:
            draw_sign(d, cell.sign, middle, centre, min(6.5, 0.3 * wide))
    if titled:
        d.end()


def _dots(
    d: Drawing, x: float, y: float, n: int, r: float, *, way: int = 1, step: float = 0.0
) -> None:
    for i in range(n):
        d.circle(x + way * i * (step or 2.6 * r), y, r)


def draw_sign(d: Drawing, sign: Sign, x: float, y: float, r: float) -> None:
    """Draw a sign around (x, y)."""
    if sign.startswith(("up", "down")):
        way = -1 if sign.startswith("up") else 1
        fill = "paper" if sign.endswith("open") else "ink"
        corners = [(x - r, y - way * 0.7 * r), (x + r, y - way * 0.7 * r), (x, y + way * 0.9 * r)]
        d.polygon(corners, fill=fill, stroke="ink")
    elif sign == "full":
        d.circle(x, y, r, fill="ink", stroke="ink")
    elif sign == "half":
        d.circle(x, y, r, fill="paper", stroke="ink", stroke_width=1.3)
        d.path(f"M{x:.1f} {y - r:.1f}A{r:.1f} {r:.1f} 0 0 0 {x:.1f} {y + r:.1f}Z", "ink")
    else:
        d.line(x - 0.8 * r, y - 0.8 * r, x + 0.8 * r, y + 0.8 * r, width=1.8)
        d.line(x - 0.8 * r, y + 0.8 * r, x + 0.8 * r, y - 0.8 * r, width=1.8)


def draw_key(d: Drawing, names: Sequence[str], y: float) -> float:
    """Write what the numbers stand for, in columns where there is room; return the baseline."""
    number = text_width(str(len(names)), d.size) + 8
    wide = max(text_width(name, d.size) for name in names) + number + 18
    columns = max(1, min(4, int((d.width - 2 * EDGE) // wide)))
    per = math.ceil(len(names) / columns)
    step = d.size * 1.35
    if columns == 1:
        for i, name in enumerate(names, 1):
            d.text(EDGE + number - 6, y, str(i), anchor="end", role="neutral")
            y = d.paragraph(EDGE + number, y, name, d.width - number - 2 * EDGE)
        return y
    for i, name in enumerate(names):
        column, row = divmod(i, per)
        x = EDGE + column * (d.width - 2 * EDGE) / columns
        d.text(x + number - 6, y + row * step, str(i + 1), anchor="end", role="neutral")
        d.text(x + number, y + row * step, name)
    return y + per * step
