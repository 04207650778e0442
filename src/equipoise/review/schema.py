"""The shape of the folder's files: which columns and keys there are, and what each may hold.

The records are the schema: a CSV column and a TOML key are read as the record's field is typed.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from equipoise.core.errors import nearest
from equipoise.review.cells import (
    CellError,
    is_placeholder,
    parse_list,
    parse_name,
    parse_number,
    parse_whole,
)
from equipoise.review.problems import shown
from equipoise.review.records import (
    Arm,
    ContrastFinding,
    Finding,
    HarmFinding,
    Outcome,
    Plan,
    Review,
    RobFinding,
    Search,
    Signal,
    Threshold,
    Trial,
    Unreported,
)
from equipoise.review.vocabulary import FLAGS

#: The newest format of the folder that this program reads.
FORMAT = 1

#: Keys of review.toml outside its tables.
TOP: tuple[str, ...] = (
    *("format", "slug", "version", "updated", "title", "license", "categories", "tags"),
    *("update_policy", "next_review", "funding", "cautions", "contact"),
)

Kind = Literal["text", "name", "number", "whole", "list", "choice"]

#: Fields typed as plain text whose values are nevertheless from a list.
CHOICES: dict[tuple[type, str], tuple[str, ...]] = {
    (Outcome, "measure"): ("MD", "SMD", "RR", "OR", "RD"),
    (ContrastFinding, "measure"): ("MD", "SMD", "RR", "OR", "RD"),
    (Plan, "tau2"): ("REML", "DL", "PM"),
    (Plan, "interval"): ("auto", "Wald", "HK", "HK-guarded"),
}
#: Fields that have no default and may yet be empty: no systematic search is known.
MAY_BE_EMPTY: frozenset[tuple[type, str]] = frozenset({(Search, "last"), (Search, "by")})
#: Keys whose absence has a code of its own, with what to do.
OWN_CODE: dict[tuple[type, str], tuple[str, str]] = {
    (Outcome, "better"): (
        "E-OUTCOME-DIRECTION",
        'better = "lower" or "higher": which direction is good is never assumed',
    ),
    (Threshold, "source"): (
        "E-THRESHOLD-SOURCE",
        'source = "…": the paper, panel or convention that the cut points come from',
    ),
}
#: Columns that hold ids, in which a stray space would break the match.
_IDS = frozenset({"trial", "arm", "arm1", "arm2", "outcome", "harm", "judge", "factor"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a CSV file."""

    name: str
    kind: Kind
    needed: bool
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Any:
        """Read a cell that is not blank.

        Raises
        ------
        CellError
            With the code, the fault and the remedy.
        """
        if is_placeholder(text):
            raise CellError("E-BLANK", f"{self.name} is still to be filled in", "the value")
        if self.kind == "choice":
            return _choice(self.name, text, self.choices)
        if self.kind == "list":
            items = parse_list(text)
            if self.name == "flags":
                return tuple(_choice("flag", item, tuple(FLAGS)) for item in items)
            return items
        return _PARSERS[self.kind](text)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One CSV file: the record that a row becomes, and its columns in order."""

    record: type
    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


def _keep(text: str) -> str:
    return text


_PARSERS: dict[str, Any] = {
    "text": _keep,
    "name": parse_name,
    "number": parse_number,
    "whole": parse_whole,
}


def _choice(name: str, text: str, choices: tuple[str, ...]) -> str:
    if text in choices:
        return text
    named = [choice for choice in choices if choice]
    near = nearest(text.strip(), named)
    raise CellError(
        "E-CHOICE",
        f"{name} is {shown(text)}",
        (f"{near!r}; " if near else "") + f"one of {', '.join(named)}",
    )


def _sheet(record: type, header: str) -> Sheet:
    hints = typing.get_type_hints(record)
    needed = {
        f.name
        for f in dataclasses.fields(record)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    columns = []
    for name in header.split(","):
        key = field_of(record, name)
        if key == "scale":
            columns.append(Column(name, "number", False))
            continue
        choices = CHOICES.get((record, key)) or _literals(hints[key])
        may_be_empty = "" in choices
        columns.append(
            Column(
                name, _kind(name, hints[key], choices), key in needed and not may_be_empty, choices
            )
        )
    return Sheet(record, tuple(columns))


def field_of(record: type, column: str) -> str:
    """The record's field that a CSV column fills."""
    if column in ("scale_min", "scale_max"):
        return "scale"
    return "id" if record is Trial and column == "trial" else column


def _literals(hint: Any) -> tuple[str, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else ()


def _kind(name: str, hint: Any, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if typing.get_origin(hint) is tuple:
        return "list"
    inner = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if int in inner:
        return "whole"
    if float in inner:
        return "number"
    return "name" if name in _IDS else "text"


#: The CSV files, by name.
SHEETS: dict[str, Sheet] = {
    "trials.csv": _sheet(
        Trial,
        "trial,label,citation,year,doi,pmid,registration,country,funding,money,conflicts,proponent,design,blinding,"
        "n_randomized,status,use,reason,factor,source,note",
    ),
    "arms.csv": _sheet(Arm, "trial,arm,label,components,mixed,factor,dose,n,note"),
    "results.csv": _sheet(
        Finding,
        "trial,arm,outcome,instrument,weeks,type,scale_min,scale_max,n,events,mean,sd,se,flags,"
        "source,locator,confidence,note",
    ),
    "contrasts.csv": _sheet(
        ContrastFinding,
        "trial,arm1,arm2,outcome,instrument,weeks,measure,type,scale_min,scale_max,estimate,se,"
        "ci_low,ci_high,p_value,n1,n2,ref_se,flags,source,locator,confidence,note",
    ),
    "harms.csv": _sheet(
        HarmFinding,
        "harm,plain,severity,kind,trial,arm,asked,events,n,duration,at_risk,source,doi,note",
    ),
    "risk_of_bias.csv": _sheet(
        RobFinding,
        "trial,outcome,tool,randomization,deviations,missing,measurement,selection,overall,judge,"
        "source,note",
    ),
    "signalling.csv": _sheet(Signal, "trial,outcome,question,answer,judge,source,note"),
    "unreported.csv": _sheet(Unreported, "trial,outcome,state,because,source,note"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a TOML table; `path` leads to the key within the table."""

    path: tuple[str | int, ...]
    code: str
    what: str
    hint: str


def toml_fields(record: type) -> tuple[str, ...]:
    """The keys that a TOML table of this record may hold."""
    if record is Review:
        return TOP
    return tuple(f.name for f in dataclasses.fields(record) if f.name not in ("file", "line"))


def check_table(
    record: type, data: Mapping[str, Any], *, besides: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Fault]]:
    """Hold one TOML table against its record.

    Parameters
    ----------
    record
        The record class; `Review` stands for the keys outside the tables.
    data
        The table as `tomllib` gives it.
    besides
        Keys that other tables of the file may have here (they are nobody's typing error).

    Returns
    -------
    The values to make the record from (without what was not given), and the faults.
    """
    faults = list(_blanks(record, data))
    blank = {fault.path[0] for fault in faults}
    values: dict[str, Any] = {}
    from pydantic import ValidationError

    try:
        made = _model(record).model_validate(dict(data))
    except ValidationError as error:
        known = (*toml_fields(record), *besides)
        faults += [
            _fault(record, e, known)
            for e in error.errors(include_url=False)
            if not (e["loc"] and e["loc"][0] in blank and e["type"] != "extra_forbidden")
        ]
    else:
        values = {name: getattr(made, name) for name in made.model_fields_set}
    return values, faults


def _blanks(record: type, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Find placeholders, and empty texts where the record needs one."""
    optional = {
        f.name
        for f in dataclasses.fields(record)
        if f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
    }
    for key, value in data.items():
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, str) and is_placeholder(item) for item in items):
            yield Fault((key,), "E-BLANK", f"{key} is still to be filled in", "the value")
        elif (
            isinstance(value, str)
            and not value.strip()
            and key in toml_fields(record)
            and key not in optional
            and (record, key) not in MAY_BE_EMPTY
        ):
            code, hint = OWN_CODE.get((record, key), ("E-BLANK", "fill it in"))
            yield Fault((key,), code, f"{key} is empty", hint)


@cache
def _model(record: type) -> Any:
    """A pydantic model with the record's own fields; unknown keys are refused."""
    from pydantic import ConfigDict, create_model

    hints = typing.get_type_hints(record)
    defaults = {f.name: f for f in dataclasses.fields(record)}
    fields: dict[str, Any] = {}
    for name in toml_fields(record):
        choices = CHOICES.get((record, name))
        hint = Literal[choices] if choices else hints[name]
        if typing.get_origin(hint) is tuple and dataclasses.is_dataclass(typing.get_args(hint)[0]):
            hint = Any
        field = defaults[name]
        empty = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        fields[name] = (_strict(hint), ... if empty else None)
    return create_model(
        record.__name__, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields
    )


def _strict(hint: Any) -> Any:
    """The same type, without pydantic's conversions between texts, numbers and truth values."""
    from pydantic import AllowInfNan, Strict

    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in (str, int, bool):
        return typing.Annotated[hint, Strict()]
    if hint is float:
        return typing.Annotated[float, Strict(), AllowInfNan(False)]
    if origin is tuple:
        return tuple[tuple(a if a is Ellipsis else _strict(a) for a in args)]  # type: ignore[misc]
    if origin in (types.UnionType, typing.Union):
        inner = [a for a in args if a is not types.NoneType]
        return _strict(inner[0]) if len(inner) == 1 else hint
    return hint


_EXPECTED = {
    "string_type": "a text in quotes",
    "int_type": "a whole number without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number without quotes",
    "bool_type": "true or false, without quotes",
    "tuple_type": "a list in square brackets",
}


def _fault(record: type, error: Mapping[str, Any], known: tuple[str, ...]) -> Fault:
    """Say one of pydantic's errors in our words."""
    path = tuple(error["loc"])
    key = str(path[0]) if path else ""
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        near = nearest(key, known)
        hint = f"{near!r}; " if near else ""
        return Fault(
            path, "E-KEY-UNKNOWN", f"unknown key {key!r}", f"{hint}known: {', '.join(known)}"
        )
    if kind == "missing" and len(path) == 1:
        code, hint = OWN_CODE.get((record, key), ("E-KEY-MISSING", f"add {key} = …"))
        return Fault((), code, f"{key} is missing", hint)
    if kind == "literal_error":
        choices = CHOICES.get((record, key)) or _literals(typing.get_type_hints(record)[key])
        named = [choice for choice in choices if choice]
        near = nearest(str(value), named)
        hint = (f"{near!r}; " if near else "") + f"one of {', '.join(named)}"
        return Fault(path, "E-CHOICE", f"{key} is {shown(value)}", hint)
    if kind == "finite_number":
        return Fault(path, "E-NUMBER", f"{key} is {value}, which is no number", "a number")
    if kind in ("missing", "too_long", "too_short"):
        args = typing.get_args(typing.get_type_hints(record)[key])
        count = len(typing.get_args(args[0]) or args)
        return Fault((key,), "E-TYPE", f"{key} has another count of values", f"{count} values")
    expected = _EXPECTED.get(kind, error["msg"].lower())
    return Fault(path, "E-TYPE", f"{key} is {shown(value)}", expected)
