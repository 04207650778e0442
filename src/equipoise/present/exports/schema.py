"""The JSON Schema of an exported answer, made from the records themselves.

The records are the schema, as for the folder: a field that is added to one is in the schema at
once. ``docs/schema/answer.schema.json`` is this schema as a file; a test holds them together.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import json
import types
import typing
from typing import Any, Literal

from equipoise.answer.answer import Answer
from equipoise.core.errors import InputError

#: The newest form of the file that this program reads and writes.
FORMAT = 1
DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: The key under which a file holds the digest of what it says.
DIGEST = "sha256"
#: Where the schema lies, relative to the file that it is of.
PLACE = "data/answer.schema.json"


@functools.cache
def answer_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``answer.json``."""
    made: dict[str, Any] = {}
    top = _record(Answer, made)
    top["properties"] = {
        "$schema": {"type": "string", "description": "Where this schema lies."},
        "format": {"const": FORMAT, "description": "Version of the form of this file."},
        DIGEST: {
            "type": "string",
            "description": "SHA-256 of all other keys but $schema and format, as JSON with sorted "
            "keys and no spaces.",
        },
        **top["properties"],
    }
    return {
        "$schema": DRAFT,
        "title": "An answer of Equipoise",
        **top,
        "$defs": {
            "number": {
                "description": "A number, or the name of one that JSON cannot write.",
                "anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}],
            },
            **dict(sorted(made.items())),
        },
    }


def schema_text() -> str:
    """The schema as the text of a file."""
    return json.dumps(answer_schema(), ensure_ascii=False, indent=1) + "\n"


def _record(cls: type, made: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    told = _told(cls.__module__).get(cls.__name__, {})
    properties: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        kind = _kind(hints[field.name], made)
        words = told.get(field.name, "")
        properties[field.name] = {"description": words, **kind} if words else kind
    return {
        "description": (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " "),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _kind(hint: Any, made: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value of that annotated type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_kind(a, made) for a in args]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple:
        return _sequence(args, made)
    if origin is dict:
        return {"type": "object", "additionalProperties": _kind(args[1], made)}
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        if hint.__name__ not in made:
            made[hint.__name__] = {}
            made[hint.__name__] = _record(hint, made)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    simple = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    if hint is float:
        return {"$ref": "#/$defs/number"}
    if hint in simple:
        return {"type": simple[hint]}
    raise InputError(f"no JSON Schema is known for {hint!r}", hint="one more line of _kind")


def _sequence(args: tuple[Any, ...], made: dict[str, Any]) -> dict[str, Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": _kind(args[0], made)}
    return {
        "type": "array",
        "prefixItems": [_kind(a, made) for a in args],
        "minItems": len(args),
        "maxItems": len(args),
    }


@functools.cache
def _told(module: str) -> dict[str, dict[str, str]]:
    """What a module's records say about their fields: the text that stands below each."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    told: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        found = told.setdefault(node.name, {})
        for field, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[field.target.id] = " ".join(below.value.value.split())
    return told
