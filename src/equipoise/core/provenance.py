"""Where a number came from: cells of a review folder, and quantities computed from them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One cell of a review folder.

    `line` is 1-based as an editor shows it; `column` is the CSV column or TOML key.
    """

    file: str
    line: int
    column: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a reader sees, and the way back from it to the cells.

    Attributes
    ----------
    id
        Unique in one answer, such as ``pain.effect``; the anchor on the sources page.
    value, low, high
        The number and its interval (`low`/`high` None when it has none), unrounded.
    unit
        What it counts: ``per 1000``, ``points (0 to 100)``, ``people``, ``trials``, ``RR``…
    label
        What it is, in a few plain words.
    formula
        How it was computed, in words or a formula.
    cells
        The folder's cells that it rests on.
    inputs
        Ids of the quantities that it was computed from.
    """

    id: str
    value: float
    unit: str
    label: str
    formula: str
    low: float | None = None
    high: float | None = None
    cells: tuple[Cell, ...] = ()
    inputs: tuple[str, ...] = ()


_MARK = re.compile(r"⟦([^|⟧]+)\|([^⟧]*)⟧")


def mark(quantity: Quantity, shown: str) -> str:
    """Write a number into a sentence so that it stays tied to its quantity: ``⟦id|shown⟧``."""
    return f"⟦{quantity.id}|{shown}⟧"


def plain(text: str) -> str:
    """The sentence without the marks, for a terminal or a plain-text reader."""
    return _MARK.sub(r"\2", text)


def pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """Split a sentence into (text, quantity id or None), for a writer that makes links."""
    out: list[tuple[str, str | None]] = []
    end = 0
    for found in _MARK.finditer(text):
        if found.start() > end:
            out.append((text[end : found.start()], None))
        out.append((found.group(2), found.group(1)))
        end = found.end()
    if end < len(text):
        out.append((text[end:], None))
    return tuple(out)
