"""What every result has in common: notes, methods, intervals, and a way to a dict and back."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Self, TypeVar

import numpy as np

from equipoise.core.errors import InputError

T = TypeVar("T")
C = TypeVar("C", bound=type)


def quick(cls: C) -> C:
    """Give a frozen dataclass with slots an ``__init__`` that takes half the time.

    The one that dataclasses write finds each slot anew by its name; this one has them at hand. For
    records of which a single fit makes many. Fields may have defaults, but not factories.
    """
    fields = dataclasses.fields(cls)
    space: dict[str, Any] = {}
    given, lines = [], []
    for f in fields:
        if f.default_factory is not dataclasses.MISSING or not f.init or f.kw_only:
            raise TypeError(f"{cls.__name__}.{f.name}: only plain fields")
        space[f"set_{f.name}"] = getattr(cls, f.name).__set__
        if f.default is dataclasses.MISSING:
            given.append(f.name)
        else:
            space[f"default_{f.name}"] = f.default
            given.append(f"{f.name}=default_{f.name}")
        lines.append(f" set_{f.name}(self, {f.name})")
    exec(f"def __init__(self, {', '.join(given)}):\n" + "\n".join(lines), space)
    init = space["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    made: Any = cls
    init.__annotations__ = dict(made.__init__.__annotations__)
    made.__init__ = init
    return cls


@quick
@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence or prediction interval on the scale of its estimate."""

    low: float
    high: float
    level: float = 0.95
    method: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of a result needs to know although the result stands."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Method:
    """A method that a result used, with its paper."""

    name: str
    paper: str
    doi: str = ""


class Result:
    """Base of frozen result dataclasses: ``to_dict`` and ``from_dict``.

    Numbers keep full precision; non-finite floats become the strings
    ``"nan"``, ``"inf"`` and ``"-inf"``, so that the output is strict JSON.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return nested dicts and lists that ``json.dumps`` accepts."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave."""
        made: Self = from_plain(cls, data)
        return made


def html_lines(text: str) -> str:
    """Write a summary as HTML: one paragraph a line, for notebooks."""
    return f"<div>{''.join(f'<p>{escape(line)}</p>' for line in text.splitlines() if line)}</div>"


def to_plain(value: object) -> Any:
    """Turn dataclasses, arrays, tuples and non-finite floats into JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [to_plain(v) for v in items]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise InputError(f"cannot write a {type(value).__name__} into a result", hint="a plain value")


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_plain(kind: Any, value: Any) -> Any:
    """Rebuild a value of the annotated type `kind` from what :func:`to_plain` gave."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        inner = [a for a in args if a is not type(None)]
        return from_plain(inner[0], value) if len(inner) == 1 else value
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(from_plain(args[0], v) for v in value)
        return tuple(from_plain(a, v) for a, v in zip(args, value, strict=True))
    if origin is dict:
        return {k: from_plain(args[1], v) for k, v in value.items()}
    if origin is np.ndarray or kind is np.ndarray:
        array = np.array(_numbers(value))
        array.setflags(write=False)
        return array
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        fields = {f.name for f in dataclasses.fields(kind) if f.init}
        return kind(**{k: from_plain(hints[k], v) for k, v in value.items() if k in fields})
    if kind is float:
        return float(value)
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return float(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class QTest(Result):
    """A Q statistic with its degrees of freedom and p value."""

    q: float
    df: int
    p_value: float
