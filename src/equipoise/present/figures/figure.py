"""What every figure is: an SVG, the table that says the same, and a caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from equipoise.core.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its table twin.

    Attributes
    ----------
    name
        Short name; the file name that a page gives it.
    svg
        The drawing, complete in itself.
    narrow
        The same drawing laid out for a phone, or "".
    table
        The numbers of the drawing, unrounded.
    caption
        What the reader looks at, as a sentence.
    """

    name: str
    svg: str
    table: Table
    caption: str
    narrow: str = ""

    def save(self, path: str | Path) -> Path:
        """Write the SVG to `path` and return it."""
        target = Path(path)
        target.write_text(self.svg + "\n", encoding="utf-8", newline="\n")
        return target

    def _repr_svg_(self) -> str:
        return self.svg
