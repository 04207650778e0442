"""One table of trials as people keep it: a CSV file of any of the usual forms, with its places.

For ``equipoise analyse``, which takes a single file. Columns are found by their names or the usual
other names of them; what could not be read is told all at once, with file and line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from equipoise.core.errors import FolderError, InputError, UnknownNameError, nearest
from equipoise.review.cells import CellError, parse_number
from equipoise.review.lines import CsvRecord, CsvSyntaxError, csv_records

#: What else a column may be called, compared without case, spaces, dots and underscores.
SYNONYMS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "study": ("trial", "studlab", "slab", "author", "studyid", "trialid", "studyname", "id"),
        "treat": ("treatment", "arm", "group", "intervention"),
        "treat1": ("treatment1", "t1"),
        "treat2": ("treatment2", "t2"),
        "events": ("event", "xi", "r", "responders", "cases"),
        "events1": ("ai", "event1", "evente", "eventse", "eventstreat", "eventstreatment", "r1"),
        "events2": ("ci", "event2", "eventc", "eventsc", "eventscontrol", "eventsctrl", "r2"),
        "n": ("ni", "total", "size", "samplesize"),
        "n1": ("n1i", "ne", "total1", "totale", "ntreat", "ntreatment", "nt"),
        "n2": ("n2i", "nc", "total2", "totalc", "ncontrol", "nctrl"),
        "mean": ("mi", "m"),
        "mean1": ("m1i", "meane", "meantreat", "meantreatment", "m1", "y1"),
        "mean2": ("m2i", "meanc", "meancontrol", "meanctrl", "m2", "y2"),
        "sd": ("sdi",),
        "sd1": ("sd1i", "sde", "sdtreat", "sdtreatment"),
        "sd2": ("sd2i", "sdc", "sdcontrol", "sdctrl"),
        "time": ("ti", "persontime", "personyears"),
        "time1": ("t1i", "timee", "persontime1", "personyears1"),
        "time2": ("t2i", "timec", "persontime2", "personyears2"),
        "r": ("ri", "cor", "correlation"),
        "yi": ("te", "effect", "effectsize", "estimate", "es", "y"),
        "vi": ("v", "var", "variance"),
        "sei": ("se", "sete", "stderr", "standarderror"),
        "ci_low": ("cilb", "ll", "lower", "lowerci", "cilower", "low"),
        "ci_high": ("ciub", "ul", "upper", "upperci", "ciupper", "high"),
        "p_value": ("p", "pval", "pvalue"),
        "year": ("yr", "pubyear"),
    }
)

#: The most arms of a trial that one row may hold side by side.
MOST_ARMS = 9

#: What the columns of a third and further arm may be called, with the arm's number behind it.
_OF_ARMS = {
    "treat": ("treatment", "t"),
    "events": ("event", "r"),
    "n": ("total",),
    "mean": ("m", "y"),
    "sd": (),
    "time": ("persontime", "personyears"),
}
_FURTHER = {
    f"{name}{arm}": tuple(f"{other}{arm}" for other in others)
    for name, others in _OF_ARMS.items()
    for arm in range(3, MOST_ARMS + 1)
}

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of trials with the place of every row.

    Attributes
    ----------
    path
        Where it was read from.
    names
        The columns as the file heads them.
    cells
        Each column's texts, by its heading; blank where the file is.
    lines
        The line of the file on which each row begins.
    """

    path: str
    names: tuple[str, ...]
    cells: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, wanted: Iterable[str], named: Mapping[str, str]) -> dict[str, str]:
        """Match wanted columns to headings.

        Parameters
        ----------
        wanted
            Names of columns such as ``events1``.
        named
            What the caller says: wanted name to heading. It wins over any guess.

        Returns
        -------
        dict
            Wanted name to heading, for those that were found.

        Raises
        ------
        UnknownNameError
            When `named` names a heading that the file does not have.
        InputError
            When two headings could both be the wanted one.
        """
        found: dict[str, str] = {}
        taken = set(named.values())
        headed: dict[str, list[str]] = {}
        for name in self.names:
            headed.setdefault(bare(name), []).append(name)
        for want in wanted:
            if want in named:
                if named[want] not in self.cells:
                    raise UnknownNameError("column", named[want], self.names, where=self.path)
                found[want] = named[want]
                continue
            for other in (want, *(SYNONYMS.get(want) or _FURTHER.get(want, ()))):
                hits = [name for name in headed.get(bare(other), []) if name not in taken]
                if len(hits) > 1:
                    raise InputError(
                        f"columns {' and '.join(map(repr, hits))} could both be {want}",
                        where=self.path,
                        hint=f"say which: {want}={hits[0]}",
                    )
                if hits:
                    found[want] = hits[0]
                    taken.add(hits[0])
                    break
        return found

    def numbers(self, headings: Sequence[str]) -> dict[str, list[float]]:
        """Read columns as numbers; a blank cell is NaN.

        Raises
        ------
        FolderError
            With every cell that is not a number: file, line, column, likely cause, what to try.
        """
        out: dict[str, list[float]] = {}
        problems: list[tuple[int, str]] = []
        for heading in headings:
            values = []
            for line, text in zip(self.lines, self.cells[heading], strict=True):
                try:
                    values.append(parse_number(text) if text else math.nan)
                except CellError as error:
                    values.append(math.nan)
                    place = f"{Path(self.path).name}:{line}: column {heading}"
                    problems.append((line, f"{place}: {error.what}. Try: {error.hint}"))
            out[heading] = values
        if problems:
            raise FolderError(
                f"{len(problems)} cell{'s' if len(problems) > 1 else ''} of the table that should "
                "hold a number and does not",
                where=self.path,
                hint="mend what is listed here",
                problems=tuple(text for _, text in sorted(problems)),
            )
        return out

    def values(self, heading: str) -> list[float] | list[str]:
        """A column as numbers where every cell that is not blank is one, else as texts."""
        texts = self.cells[heading]
        try:
            return [parse_number(text) if text else math.nan for text in texts]
        except CellError:
            return list(texts)


def read_sheet(path: str | Path) -> Sheet:
    """Read a CSV file of trials: separated by commas, semicolons or tabs, in UTF-8.

    Raises
    ------
    InputError
        When the file cannot be read, or a line of it cannot.
    FolderError
        When it is no table; with every row that has another number of cells than the heading.
    """
    where = Path(path)
    text = _text(where)
    delimiter = _delimiter(text)
    if delimiter != ",":
        text = _with_commas(text, delimiter)
    try:
        records = [r for r in csv_records(text) if not r.blank]
    except CsvSyntaxError as error:
        raise InputError(
            f"a quote that does not close: {error.what}",
            where=f"{where}:{error.line}",
            hint='quotes round the whole cell, and two for one: "a ""b"" c"',
        ) from None
    if not records:
        raise FolderError(
            "an empty file", where=str(where), hint="a heading and a row for each trial"
        )
    head, rows = records[0], records[1:]
    names = _names(head, where)
    if not rows:
        raise FolderError("a table without rows", where=str(where), hint="a row for each trial")
    _check_widths(names, rows, where)
    width = len(names)
    cells = {
        name: tuple((*r.cells, *[""] * width)[i].strip() for r in rows)
        for i, name in enumerate(names)
    }
    return Sheet(str(where), names, cells, tuple(r.line for r in rows))


def _text(where: Path) -> str:
    try:
        data = where.read_bytes()
    except FileNotFoundError:
        near = nearest(where.name, [p.name for p in _beside(where)])
        hint = f"{near}?" if near else "the path of a CSV file"
        raise InputError("no such file", where=str(where), hint=hint) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"cannot read it: {reason}", where=str(where)) from None
    if data[:2] == b"PK":
        raise FolderError(
            "a workbook and not a CSV file",
            where=str(where),
            hint="in the spreadsheet program: save as CSV (UTF-8)",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            "text that is not UTF-8",
            where=f"{where}:{line}",
            hint="save the file as CSV UTF-8; names with accents are the usual place",
        ) from None


def _beside(where: Path) -> list[Path]:
    try:
        return sorted(where.parent.iterdir())
    except OSError:
        return []


def _delimiter(text: str) -> str:
    head = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=head.count)


def _with_commas(text: str, delimiter: str) -> str:
    """The same table separated by commas, quotes and line ends kept."""
    out, quoted = [], False
    for sign in text:
        if sign == '"':
            quoted = not quoted
        if sign == delimiter and not quoted:
            out.append(",")
        elif sign == "," and not quoted:
            out.append("\u0000")
        else:
            out.append(sign)
    joined = "".join(out)
    # A comma of the old form now needs quotes round its cell.
    return re.sub(
        r"[^,\r\n]*\u0000[^,\r\n]*", lambda m: f'"{m.group().replace(chr(0), ",")}"', joined
    )


def _names(head: CsvRecord, where: Path) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in head.cells)
    while names and not names[-1]:
        names = names[:-1]
    for i, name in enumerate(names):
        if not name:
            raise InputError(
                f"column {i + 1} has no name", where=f"{where}:{head.line}", hint="a name for each"
            )
        if name in names[:i]:
            raise InputError(
                f"two columns are called {name!r}",
                where=f"{where}:{head.line}",
                hint="a name of its own for each",
            )
    return names


def _check_widths(names: tuple[str, ...], rows: Sequence[CsvRecord], where: Path) -> None:
    wrong = [
        f"{where.name}:{r.line}: {len(r.cells)} cells for {len(names)} columns. "
        "Try: quotes round a cell that holds the separator"
        for r in rows
        if len(r.cells) != len(names) and any(cell.strip() for cell in r.cells[len(names) :])
    ]
    if wrong:
        raise FolderError("rows that do not fit the heading", where=str(where), problems=wrong)


def bare(name: str) -> str:
    """A heading without what nobody means: case, spaces, dots, dashes and underscores."""
    return re.sub(r"[\s._-]", "", name).casefold()
