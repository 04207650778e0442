"""Where things stand in a file: physical lines of CSV records and of TOML keys."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\r\n]+")


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record of a CSV file, the line on which it begins, and its cells."""

    line: int
    cells: tuple[str, ...]

    @property
    def blank(self) -> bool:
        """Whether no cell holds anything, as in rows that a spreadsheet leaves behind."""
        return not any(cell.strip() for cell in self.cells)


class CsvSyntaxError(ValueError):
    """A CSV record that has no end, or a stray quote; `line` is where the record begins."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what
        super().__init__(what)


def csv_records(text: str) -> Iterator[CsvRecord]:
    """Yield the records of a CSV text with physical line numbers, quoted line ends included.

    Raises
    ------
    CsvSyntaxError
        At a quote that is never closed or stands in the middle of a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CsvSyntaxError(line, str(error)) from error
        yield CsvRecord(line, tuple(cells))


def toml_lines(text: str) -> dict[Path, int]:
    """Map every key path of a valid TOML text to its 1-based line.

    Paths hold keys and, for arrays of tables and arrays, indices:
    ``("outcomes", 0, "thresholds", 1, "source")``. A table's own path leads to its header.
    The text must be one that `tomllib` accepts; others give an incomplete map.
    """
    scan = _TomlScan(text)
    scan.document()
    return scan.lines


class _TomlScan:
    """A reader of TOML's shape alone: keys, tables and arrays, without their values."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}
        self._line, self._counted = 1, 0

    def line(self) -> int:
        """The line of the present position; the position only moves on."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def document(self) -> None:
        table: Path = ()
        self.space()
        while self.at < len(self.text):
            before = self.at
            line = self.line()
            if self.take("[["):
                table = self.header(line, array=True)
            elif self.take("["):
                table = self.header(line, array=False)
            else:
                self.pair(table)
            self.space()
            if self.at == before:
                return

    def header(self, line: int, *, array: bool) -> Path:
        keys = self.key()
        path = self.resolve(keys[:-1])
        path = (*path, keys[-1])
        if array:
            self.lines.setdefault(path, line)
            self.counts[path] = self.counts.get(path, -1) + 1
            path = (*path, self.counts[path])
        self.lines[path] = line
        self.space()
        self.take("]]" if array else "]")
        return path

    def resolve(self, keys: list[str]) -> Path:
        """Follow keys down to the last table of each array of tables on the way."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def key(self) -> list[str]:
        """Read a key, dotted or not."""
        keys: list[str] = []
        while True:
            self.space()
            match = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if not match:
                return keys or [""]
            self.at = match.end()
            keys.append(match.group().strip("\"'"))
            self.space()
            if not self.take("."):
                return keys

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for key in self.key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.space()
        if self.take("="):
            self.space()
            self.value(path)

    def value(self, path: Path) -> None:
        if self.take("["):
            self.array(path)
        elif self.take("{"):
            self.inline(path)
        else:
            match = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            if match:
                self.at = match.end()

    def array(self, path: Path) -> None:
        index = 0
        self.space()
        while self.at < len(self.text) and not self.take("]"):
            before = self.at
            self.lines[*path, index] = self.line()
            self.value((*path, index))
            self.space()
            self.take(",")
            self.space()
            index += 1
            if self.at == before:
                return

    def inline(self, path: Path) -> None:
        self.space()
        while self.at < len(self.text) and not self.take("}"):
            before = self.at
            self.pair(path)
            self.space()
            self.take(",")
            self.space()
            if self.at == before:
                return
