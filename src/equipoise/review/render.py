"""Records → the texts of a folder's files, in one canonical form that reads back as the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from equipoise.review.reader import MANY, ONE, PARTS, SPARE
from equipoise.review.records import Component, Located, Review
from equipoise.review.schema import SHEETS, TOP, toml_fields

T = TypeVar("T")


def render(review: Review) -> dict[str, str]:
    """Write a review's records as files: name → text, in the order of the folder.

    Comments, column order and spacing of the files that the review was read from are not kept;
    `Review.text` has those. Files that may be missing are left out when they would be empty.
    """
    texts = {"review.toml": review_toml(review)}
    for name, part in PARTS.items():
        rows = getattr(review, part)
        if rows or name in ("trials.csv", "arms.csv", "results.csv", "harms.csv"):
            texts[name] = sheet_csv(name, rows)
    if review.judgements:
        texts["judgements.toml"] = "\n".join(
            _table("[[judgements]]", _pairs(judgement)) for judgement in review.judgements
        )
    claims = "\n".join(_table("[[claims]]", _pairs(claim)) for claim in review.claims)
    front = [f"+++\n{claims}+++\n"] if claims else []
    sections = [f"## {s.title} {{#{s.id}}}\n\n{s.text}\n" for s in review.article]
    texts["article.md"] = "\n".join([*front, *sections])
    return texts


def review_toml(review: Review) -> str:
    """The text of review.toml."""
    defaults = {f.name: f.default for f in dataclasses.fields(Review)}
    top = {
        name: value
        for name in TOP
        if (value := getattr(review, name)) != defaults[name] or name == "format"
    }
    blocks = [_table("", top)]
    blocks += [_table(f"[{key}]", _pairs(getattr(review, key))) for key in ONE if key == "question"]
    for key in ("options", "components", "outcomes"):
        blocks += _many(key, getattr(review, key))
    for key in ONE:
        pairs = _pairs(getattr(review, key))
        if key != "question" and (pairs or key not in SPARE):
            blocks.append(_table(f"[{key}]", pairs))
    for key in MANY:
        if key not in ("options", "components", "outcomes"):
            blocks += _many(key, getattr(review, key))
    return "\n".join(blocks)


#: Tables inside an outcome that are written as tables of their own.
_WITHIN = ("thresholds", "baselines", "responders")


def _many(key: str, records: Sequence[Any]) -> list[str]:
    blocks = []
    for record in records:
        blocks.append(_table(f"[[{key}]]", _pairs(record, without=_WITHIN)))
        for name in _WITHIN:
            inner = getattr(record, name, ())
            blocks += [_table(f"[[{key}.{name}]]", _pairs(item)) for item in inner]
    return blocks


def _pairs(record: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The keys of a record that say more than its defaults."""
    given = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.name not in toml_fields(type(record)) or field.name in without:
            continue
        own_id = isinstance(record, Component) and field.name == "counts_as"
        if field.default is dataclasses.MISSING or value != field.default or own_id:
            given[field.name] = value
    return given


def _table(header: str, pairs: dict[str, Any]) -> str:
    lines = [header] if header else []
    return "\n".join([*lines, *(f"{key} = {toml_value(v)}" for key, v in pairs.items())]) + "\n"


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if dataclasses.is_dataclass(value):
        inner = ", ".join(f"{k} = {toml_value(v)}" for k, v in _pairs(value).items())
        return f"{{ {inner} }}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def number(value: float) -> str:
    """The shortest decimal that reads back as the same number."""
    text = repr(value)
    return text.removesuffix(".0")


def sheet_csv(name: str, rows: Sequence[Any]) -> str:
    """The text of one CSV file."""
    header = SHEETS[name].header
    lines = [header, *([_quoted(_cell(row, column)) for column in header] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def _quoted(text: str) -> str:
    """A cell in quotes where it needs them; the csv module leaves a lone carriage return bare."""
    if any(mark in text for mark in ',"\r\n') or text != text.strip(" "):
        return '"' + text.replace('"', '""') + '"'
    return text


def _cell(row: Any, column: str) -> str:
    if column in ("scale_min", "scale_max"):
        scale = row.scale
        return "" if scale is None else number(scale[column == "scale_max"])
    value = row.id if column == "trial" and hasattr(row, "id") else getattr(row, column)
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "+".join(value)
    return value if isinstance(value, str) else number(value)


def without_places(value: T) -> T:
    """The same records without files, lines and verbatim texts, to compare what they say."""
    if isinstance(value, tuple):
        return tuple(without_places(item) for item in value)  # type: ignore[return-value]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {
        f.name: without_places(getattr(value, f.name)) for f in dataclasses.fields(value)
    }
    if isinstance(value, Located):
        changed |= {"file": "", "line": 0}
    elif "line" in changed:
        changed["line"] = 0
    if isinstance(value, Review):
        changed["text"] = {}
    return type(value)(**changed)
