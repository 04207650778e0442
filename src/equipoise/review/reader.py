"""Files → records, as far as they can be read, with every problem of form on the way.

Nothing raises for what a file holds: what cannot be read is left out of the draft and reported.
The ids that were written down are kept even where the rest of a row is bad, so that one mistake
is not reported again wherever the id is used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from equipoise.core.errors import nearest
from equipoise.review.cells import TURNED, CellError, is_placeholder
from equipoise.review.lines import CsvRecord, CsvSyntaxError, csv_records, toml_lines
from equipoise.review.markdown import FENCE, SECTIONS, front_matter, sections
from equipoise.review.problems import FILES, OPTIONAL, Problem, problem, shown
from equipoise.review.records import (
    Arm,
    ArticleSection,
    Baseline,
    Change,
    Claim,
    Component,
    ContrastFinding,
    Disclosure,
    FieldTest,
    Finding,
    Flow,
    HarmFinding,
    Judgement,
    Located,
    Option,
    Outcome,
    Person,
    Plan,
    Protocol,
    Question,
    RedFlag,
    Responders,
    Review,
    RobFinding,
    Search,
    Signal,
    Threshold,
    Trial,
    Unreported,
)
from equipoise.review.schema import FORMAT, SHEETS, Column, check_table, field_of, toml_fields

TomlPath = tuple[str | int, ...]

#: Tables of review.toml that stand once, and arrays of tables, with their records.
ONE: dict[str, type] = {
    "question": Question,
    "plan": Plan,
    "search": Search,
    "protocol": Protocol,
    "flow": Flow,
}
#: Those of them that a folder may do without.
SPARE = frozenset({"protocol", "flow"})
MANY: dict[str, type] = {
    "options": Option,
    "components": Component,
    "outcomes": Outcome,
    "people": Person,
    "red_flags": RedFlag,
    "field_tests": FieldTest,
    "changes": Change,
}
#: Tables inside tables.
INNER: dict[type, dict[str, type]] = {
    Outcome: {"thresholds": Threshold, "baselines": Baseline, "responders": Responders},
    Person: {"disclosures": Disclosure},
}
#: What each part of the folder is called in a draft.
PARTS: dict[str, str] = {
    "trials.csv": "trials",
    "arms.csv": "arms",
    "results.csv": "results",
    "contrasts.csv": "contrasts",
    "harms.csv": "harms",
    "risk_of_bias.csv": "risk_of_bias",
    "signalling.csv": "signalling",
    "unreported.csv": "unreported",
}


@dataclass(slots=True)
class Draft:
    """What could be read of a folder.

    `known` holds, per kind of id, every id written down; a kind is absent when its file could not
    be read at all, and then nothing is said about references to it.
    """

    folder: str
    text: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    known: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, dict[TomlPath, int]] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)
    question: Question | None = None
    plan: Plan | None = None
    search: Search | None = None
    protocol: Protocol = field(default_factory=Protocol)
    flow: Flow = field(default_factory=Flow)
    options: list[Option] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    red_flags: list[RedFlag] = field(default_factory=list)
    field_tests: list[FieldTest] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    arms: list[Arm] = field(default_factory=list)
    results: list[Finding] = field(default_factory=list)
    contrasts: list[ContrastFinding] = field(default_factory=list)
    harms: list[HarmFinding] = field(default_factory=list)
    risk_of_bias: list[RobFinding] = field(default_factory=list)
    signalling: list[Signal] = field(default_factory=list)
    unreported: list[Unreported] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    article: list[ArticleSection] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Files of which every line could be read."""
    newer: bool = False
    """The folder is of a format that this program does not know; nothing else is said of it."""

    def say(self, file: str, line: int, code: str, what: str, hint: str) -> None:
        """Add a problem."""
        self.problems.append(problem(file, line, code, what, hint))

    @property
    def published(self) -> list[Finding | ContrastFinding]:
        """The rows of results.csv and contrasts.csv."""
        return [*self.results, *self.contrasts]

    @property
    def appraised(self) -> list[RobFinding | Signal]:
        """The rows of risk_of_bias.csv and signalling.csv, which somebody may have signed."""
        return [*self.risk_of_bias, *self.signalling]

    @property
    def counted(self) -> list[Finding | HarmFinding]:
        """The rows that may count events in people."""
        return [*self.results, *self.harms]

    def at(self, record: Located, key: str) -> int:
        """The line of a record's key: the key's own in TOML, the row's in CSV."""
        lines = self.lines.get(record.file, {})
        paths = [path for path, line in lines.items() if line == record.line]
        return next((lines[(*p, key)] for p in paths if (*p, key) in lines), record.line)

    def line(self, *path: str | int) -> int:
        """The line of a key of review.toml, or of the nearest table round it."""
        lines = self.lines.get("review.toml", {})
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 1)


def read_draft(folder: Path) -> Draft:
    """Read a folder's files as far as they can be read."""
    draft = Draft("")
    what = ""
    try:
        if folder.is_dir():
            draft.folder = folder.resolve().name
            _strangers(draft, folder)
        else:
            what = "is not a folder" if folder.exists() else "does not exist"
    except (OSError, ValueError) as error:
        what = f"cannot be read: {error}"
    if what:
        hint = "the path of a review folder"
        draft.say(folder.name or ".", 1, "E-FOLDER", f"{shown(folder)} {what}", hint)
        return draft
    for name in FILES:
        text = _text(draft, folder / name)
        if text is not None:
            draft.text[name] = text
    _parse(draft)
    return draft


def read_texts(texts: Mapping[str, str], folder: str) -> Draft:
    """Read the texts of a folder's files, by name, as :func:`read_draft` reads files."""
    draft = Draft(folder, text={name: texts[name] for name in FILES if name in texts})
    for name in FILES:
        if name not in texts and name not in OPTIONAL:
            _missing(draft, name)
    _parse(draft)
    return draft


def _missing(draft: Draft, name: str) -> None:
    draft.say(name, 1, "E-FILE-MISSING", f"{name} is missing", "equipoise new makes a template")


def _text(draft: Draft, path: Path) -> str | None:
    """Read one file as UTF-8, byte for byte (no line end is changed)."""
    name = path.name
    if not path.exists() and not path.is_symlink():
        if name not in OPTIONAL:
            _missing(draft, name)
        return None
    if not path.is_file():
        draft.say(name, 1, "E-FILE", f"{name} is not a file", "a plain text file of that name")
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        draft.say(name, 1, "E-FILE", f"{name} cannot be read: {error.strerror}", "its permissions")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {data[error.start]:#04x} is not UTF-8"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            what = "the file is UTF-16, not UTF-8"
        draft.say(name, line, "E-ENCODING", what, "save the file as UTF-8")
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        draft.say(name, line, "E-ENCODING", "a NUL byte", "save the file as plain UTF-8 text")
        return None
    return text


def _strangers(draft: Draft, folder: Path) -> None:
    """Report files that look like a misspelled part of the folder."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".csv", ".toml") and path.name not in FILES:
            near = nearest(path.name, FILES)
            hint = f"{near!r}; " if near else ""
            draft.say(
                path.name,
                1,
                "W-FILE-UNKNOWN",
                f"{path.name} is no file of a review and is not read",
                f"{hint}known: {', '.join(FILES)}",
            )


def _parse(draft: Draft) -> None:
    for name, text in draft.text.items():
        before = len(draft.problems)
        body = text
        _turned(draft, name, text)
        if text.startswith("\ufeff"):
            body = text[1:]
            hint = "save as UTF-8 without a byte order mark"
            draft.say(name, 1, "W-BOM", "the file begins with a byte order mark", hint)
        if not body.strip():
            draft.say(name, 1, "E-FILE-EMPTY", f"{name} is empty", "equipoise new makes a template")
        elif name == "review.toml":
            _review(draft, body)
            if draft.newer:
                return
        elif name == "judgements.toml":
            _judgements(draft, body)
        elif name == "article.md":
            _article(draft, body)
        else:
            _sheet(draft, name, body)
        if all(p.severity != "error" for p in draft.problems[before:]):
            draft.read.add(name)


def _turned(draft: Draft, name: str, text: str) -> None:
    """Report characters that turn the direction of text round."""
    for line, row in enumerate(text.split("\n"), 1):
        if (found := next((c for c in row if ord(c) in TURNED), None)) is not None:
            what = f"the character U+{ord(found):04X} turns the direction of text round"
            hint = "remove it; a page leaves it out"
            draft.say(name, line, "W-TEXT-TURNED", what, hint)


# --- TOML -----------------------------------------------------------------------------------------


def _toml(draft: Draft, name: str, text: str) -> dict[str, Any] | None:
    try:
        data = tomllib.loads(text)
    except RecursionError:
        draft.say(name, 1, "E-TOML-SYNTAX", "brackets are nested too deeply", "plain lists")
        return None
    except ValueError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        what = re.sub(r" \(at .*\)$", "", str(error))
        hint = "texts in quotes, one key = value on a line, every bracket closed"
        draft.say(name, line, "E-TOML-SYNTAX", what[:1].lower() + what[1:], hint)
        return None
    draft.lines[name] = toml_lines(text)
    return data


def _review(draft: Draft, text: str) -> None:
    data = _toml(draft, "review.toml", text)
    if data is None or not _format(draft, data):
        return
    tables = (*ONE, *MANY)
    scalars = {key: value for key, value in data.items() if key not in tables}
    draft.top = _table(draft, "review.toml", Review, scalars, (), besides=tables) or {}
    for key, record in ONE.items():
        made = _one(draft, key, record, data)
        if made is not None:
            setattr(draft, key, made)
    for key, record in MANY.items():
        items = _tables(draft, "review.toml", data.get(key), (key,))
        needed = key in ("options", "components", "outcomes", "people")
        if key not in data and needed:
            draft.say("review.toml", 1, "E-KEY-MISSING", f"[[{key}]] is missing", f"add [[{key}]]")
        made_all = [_record(draft, "review.toml", record, item, path) for path, item in items]
        setattr(draft, key, [made for made in made_all if made is not None])
        if "id" in toml_fields(record) and key in data:
            ids = [item.get("id") for _, item in items]
            draft.known[key] = [i for i in ids if isinstance(i, str)]


def _format(draft: Draft, data: Mapping[str, Any]) -> bool:
    """Say whether the folder's format is one that this program reads."""
    version = data.get("format")
    if version is None:
        return True
    line = draft.line("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        draft.say("review.toml", line, "E-FORMAT", f"format is {shown(version)}", "format = 1")
    elif version > FORMAT:
        draft.newer = True
        what = f"the folder has format {shown(version)}; this program reads up to {FORMAT}"
        draft.say("review.toml", line, "E-FORMAT-NEWER", what, "a newer equipoise")
        return False
    return True


def _one(draft: Draft, key: str, record: type, data: Mapping[str, Any]) -> Any:
    if key not in data:
        if key not in SPARE:
            draft.say("review.toml", 1, "E-KEY-MISSING", f"[{key}] is missing", f"add [{key}]")
        return None
    if not isinstance(data[key], dict):
        line = draft.line(key)
        draft.say("review.toml", line, "E-TYPE", f"{key} is no table", f"a table headed [{key}]")
        return None
    return _record(draft, "review.toml", record, data[key], (key,))


def _tables(
    draft: Draft, name: str, value: Any, path: TomlPath
) -> list[tuple[TomlPath, dict[str, Any]]]:
    """The tables of an array of tables, each with its path."""
    if value is None:
        return []
    if not isinstance(value, list):
        line = draft.lines[name].get(path, 1)
        key = path[-1]
        draft.say(name, line, "E-TYPE", f"{key} is no list of tables", f"tables headed [[{key}]]")
        return []
    found = []
    for i, item in enumerate(value):
        if isinstance(item, dict):
            found.append(((*path, i), item))
        else:
            line = draft.lines[name].get((*path, i), 1)
            what = f"{path[-1]} holds {shown(item)}, which is no table"
            draft.say(name, line, "E-TYPE", what, f"tables headed [[{path[-1]}]]")
    return found


def _table(
    draft: Draft,
    name: str,
    record: type,
    data: Mapping[str, Any],
    path: TomlPath,
    besides: tuple[str, ...] = (),
) -> dict[str, Any] | None:
    """Hold one table against its record; None when something in it is wrong."""
    values, faults = check_table(record, data, besides=besides)
    lines = draft.lines[name]
    for fault in faults:
        whole = (*path, *fault.path)
        while whole and whole not in lines:
            whole = whole[:-1]
        draft.say(name, lines.get(whole, 1), fault.code, fault.what, fault.hint)
    return None if faults else values


def _record(draft: Draft, name: str, record: type, data: Mapping[str, Any], path: TomlPath) -> Any:
    """Make one record of a TOML table, with the tables inside it."""
    data = dict(data)
    inner: dict[str, Any] = {}
    for key, kind in INNER.get(record, {}).items():
        items = _tables(draft, name, data.pop(key, None), (*path, key))
        made = [_record(draft, name, kind, item, where) for where, item in items]
        inner[key] = tuple(m for m in made if m is not None)
    if record is Component:
        data.setdefault("counts_as", [data["id"]] if isinstance(data.get("id"), str) else [])
    values = _table(draft, name, record, data, path)
    if values is None:
        return None
    if issubclass(record, Located):
        inner |= {"file": name, "line": draft.lines[name].get(path, 1)}
    return record(**values, **inner)


def _judgements(draft: Draft, text: str) -> None:
    data = _toml(draft, "judgements.toml", text)
    if data is None:
        return
    for key in data:
        if key != "judgements":
            line = draft.lines["judgements.toml"].get((key,), 1)
            what = f"unknown key {key!r}"
            draft.say("judgements.toml", line, "E-KEY-UNKNOWN", what, "only [[judgements]]")
    for path, item in _tables(draft, "judgements.toml", data.get("judgements"), ("judgements",)):
        made = _record(draft, "judgements.toml", Judgement, item, path)
        if made is not None:
            draft.judgements.append(made)


# --- CSV ------------------------------------------------------------------------------------------


def _sheet(draft: Draft, name: str, text: str) -> None:
    sheet = SHEETS[name]
    rows: list[CsvRecord] = []
    try:
        rows.extend(csv_records(text))
    except CsvSyntaxError as error:
        hint = "close every quote; a quote inside a quoted cell is written twice"
        draft.say(name, error.line, "E-CSV-SYNTAX", error.what, hint)
        return
    columns = _header(draft, name, rows[0])
    if columns is None:
        return
    part = getattr(draft, PARTS[name])
    written: list[tuple[str, str]] = []
    for row in rows[1:]:
        if row.blank:
            continue
        if len(row.cells) != len(columns):
            what = f"the row has {len(row.cells)} cells and the header {len(columns)}"
            hint = "quotes round a cell with a comma in it"
            draft.say(name, row.line, "E-ROW-CELLS", what, hint)
            written.append(_ids(rows[0].cells, row.cells))
            continue
        written.append(_ids(rows[0].cells, row.cells))
        values = _row(draft, name, row, columns)
        if values is not None:
            part.append(sheet.record(**values, file=name, line=row.line))
    if name == "trials.csv":
        draft.known["trials"] = [trial for trial, _ in written if trial]
    if name == "arms.csv":
        draft.known["arms"] = [f"{trial}/{arm}" for trial, arm in written]


def _ids(header: tuple[str, ...], cells: tuple[str, ...]) -> tuple[str, str]:
    """The trial and arm that a row names, even where the rest of it is bad."""
    named = dict(zip(header, cells, strict=False))
    return named.get("trial", ""), named.get("arm", "")


def _header(draft: Draft, name: str, row: CsvRecord) -> list[Column | None] | None:
    """The columns in the file's order; None when rows cannot be read by this header."""
    sheet = SHEETS[name]
    known = {column.name: column for column in sheet.columns}
    columns: list[Column | None] = []
    seen: set[str] = set()
    for cell in row.cells:
        if cell in seen:
            hint = "each column once"
            draft.say(name, row.line, "E-COLUMN-TWICE", f"column {shown(cell)} stands twice", hint)
            return None
        seen.add(cell)
        columns.append(known.get(cell))
        if cell not in known:
            near = nearest(cell.strip(), [n for n in known if n not in row.cells])
            hint = (f"{near!r}; " if near else "") + f"known: {', '.join(known)}"
            draft.say(name, row.line, "E-COLUMN-UNKNOWN", f"unknown column {shown(cell)}", hint)
    missing = [c.name for c in sheet.columns if c.needed and c.name not in seen]
    for column in missing:
        hint = f"add it to the header: {','.join(sheet.header)}"
        draft.say(name, row.line, "E-COLUMN-MISSING", f"column {column!r} is missing", hint)
    return None if missing else columns


def _row(
    draft: Draft, name: str, row: CsvRecord, columns: list[Column | None]
) -> dict[str, Any] | None:
    """Read one row; None when a cell of it cannot be read."""
    values: dict[str, Any] = {c.name: "" for c in SHEETS[name].columns if "" in c.choices}
    good = True
    for column, cell in zip(columns, row.cells, strict=True):
        if column is None:
            continue
        if not cell.strip():
            if column.needed:
                what = f"{column.name} is blank"
                draft.say(name, row.line, "E-CELL-MISSING", what, "a row needs it")
                good = False
            continue
        try:
            values[column.name] = column.parse(cell)
        except CellError as error:
            draft.say(name, row.line, error.code, f"{column.name}: {error.what}", error.hint)
            good = False
    low, high = values.pop("scale_min", None), values.pop("scale_max", None)
    if low is not None and high is not None:
        values["scale"] = (low, high)
    elif low is not None or high is not None:
        what = "only one of scale_min and scale_max is given"
        draft.say(name, row.line, "E-CELL-MISSING", what, "both ends of the scale")
        good = False
    record = SHEETS[name].record
    return {field_of(record, key): value for key, value in values.items()} if good else None


# --- Markdown -------------------------------------------------------------------------------------


def _claims(draft: Draft, text: str) -> None:
    """The claims of the front matter."""
    file = "article.md"
    if text.startswith(FENCE) and front_matter(text) is None:
        what = "the front matter is not closed"
        draft.say(file, 1, "E-TOML-SYNTAX", what, f"a second line of {FENCE}")
        return
    front = front_matter(text)
    data = None if front is None else _toml(draft, file, front[0])
    if data is None:
        return
    for key in data:
        if key != "claims":
            line = draft.lines[file].get((key,), 1)
            draft.say(file, line, "E-KEY-UNKNOWN", f"unknown key {key!r}", "only [[claims]]")
    items = _tables(draft, file, data.get("claims"), ("claims",))
    draft.known["claims"] = [i for _, item in items if isinstance(i := item.get("id"), str)]
    made = [_record(draft, file, Claim, item, path) for path, item in items]
    draft.claims += [m for m in made if m is not None]


def _article(draft: Draft, text: str) -> None:
    _claims(draft, text)
    known = ", ".join(SECTIONS)
    hint = f"## heading {{#id}} with one of {known}"
    seen: set[str] = set()
    for line, heading, body in sections(text):
        if heading is None:
            if [row for row in body if row.strip() and not row.startswith("# ")]:
                what = "text before the first section"
                draft.say("article.md", line, "E-SECTION-UNKNOWN", what, hint)
            continue
        name, title = heading["id"], heading["title"]
        if name not in SECTIONS:
            what = f"unknown section {shown(name)}" if name else f"{shown(title)} has no id"
            near = nearest(name or title, SECTIONS)
            first = f"{near!r}; " if near else ""
            draft.say("article.md", line, "E-SECTION-UNKNOWN", what, first + hint)
            continue
        if name in seen:
            what = f"section {name!r} stands twice"
            draft.say("article.md", line, "E-SECTION-TWICE", what, "one section of that id")
            continue
        seen.add(name)
        for offset, row in enumerate(body):
            if is_placeholder(row):
                what = f"section {name!r} is still to be written"
                draft.say("article.md", line + 1 + offset, "E-BLANK", what, "the text")
        prose = "\n".join(body).strip()
        draft.article.append(ArticleSection(id=name, title=title, text=prose, line=line))
