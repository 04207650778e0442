"""The place in the folder that a record comes from."""

from __future__ import annotations

from dataclasses import dataclass

from equipoise.core.provenance import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A record's place in the folder."""

    file: str = ""
    line: int = 0

    def cell(self, column: str) -> Cell:
        """The cell of this record in `column` (CSV) or under that key (TOML)."""
        return Cell(self.file, self.line, column)
