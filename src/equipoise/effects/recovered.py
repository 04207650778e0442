"""What `recover` gives back: numbers, the methods behind them, and what to know about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from equipoise.core.errors import InputError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import significant
from equipoise.effects.columns import Floats, make_frame, numbers

#: A number, or a column of them.
Numbers = ArrayLike


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Recovered(Result):
    """Base of what is recovered: numbers of one shape, with notes and methods.

    A single input gives arrays without dimensions, which behave as numbers; columns give columns.
    """

    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = ()

    def __post_init__(self) -> None:
        for name in self._names():
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in pickling that an array is read-only.
        return _rebuild, (type(self), {f.name: getattr(self, f.name) for f in _fields(self)})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_dict() == other.to_dict()

    def _names(self) -> tuple[str, ...]:
        return tuple(f.name for f in _fields(self) if f.name not in ("notes", "methods"))

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one column for each number."""
        return make_frame({n: np.atleast_1d(getattr(self, n)) for n in self._names()}, backend)

    def summary(self) -> str:
        """The numbers, cut for reading; how; and what to know."""
        lines = [f"{name} {_shown(getattr(self, name))}" for name in self._names()]
        lines += [f"Method: {m.name} ({m.paper})" for m in self.methods]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {_shown(getattr(self, name))}" for name in self._names())
        return f"<{type(self).__name__} {found}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<div>{'<br>'.join(escape(line) for line in self.summary().splitlines())}</div>"


def _fields(result: Recovered) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(result)


def _rebuild(kind: type[Recovered], values: dict[str, Any]) -> Recovered:
    return kind(**values)


def _shown(values: NDArray[np.float64]) -> str:
    flat = values.reshape(-1).tolist()
    text = ", ".join(significant(v, 4) for v in flat[:6])
    return f"{text}, … ({len(flat)})" if len(flat) > 6 else text


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Estimate(Recovered):
    """An estimate on the scale of analysis and its standard error."""

    estimate: Floats
    se: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Spread(Recovered):
    """A standard deviation."""

    sd: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class MeanSpread(Recovered):
    """A mean and a standard deviation; where `skewed` is 1, both are doubtful."""

    mean: Floats
    sd: Floats
    skewed: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class TwoByTwo(Recovered):
    """People with the event, and people, in two groups."""

    events1: Floats
    n1: Floats
    events2: Floats
    n2: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Group(Recovered):
    """One group made of several."""

    n: Floats
    mean: Floats
    sd: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Correlation(Recovered):
    """A correlation of two measurements of the same people."""

    r: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class Effective(Recovered):
    """What a sample is worth after its design; `factor` is the design effect."""

    factor: Floats
    n: Floats
    events: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class LogRank(Recovered):
    """Observed minus expected events of group 1, its variance, and the log hazard ratio."""

    o_minus_e: Floats
    v: Floats
    estimate: Floats
    se: Floats


def columns(given: Mapping[str, Numbers | None]) -> dict[str, Floats]:
    """Return the numbers that are given, as arrays of one shape.

    Raises
    ------
    InputError
        On text, and on columns of different lengths.
    """
    out: dict[str, Floats] = {}
    for name, value in given.items():
        if value is None:
            continue
        plain: Any = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(plain, (int, float)):
            out[name] = np.asarray(float(plain))
            continue
        rows = list(plain)
        where = [f"in row {i}" for i in range(1, len(rows) + 1)]
        out[name] = numbers(name, rows, where, blank=True)
    shapes = {a.shape for a in out.values() if a.shape}
    if len(shapes) > 1:
        listed = ", ".join(f"{name} {a.size}" for name, a in out.items() if a.shape)
        raise InputError(f"columns of different lengths: {listed}", hint="one value for each row")
    shape = shapes.pop() if shapes else ()
    return {name: np.broadcast_to(a, shape).astype(np.float64) for name, a in out.items()}


def refuse(wrong: NDArray[np.bool_], c: Mapping[str, Floats], name: str, hint: str) -> None:
    """Refuse the first value of a column that is wrong.

    Raises
    ------
    InputError
        Names the argument, its row and the value.
    """
    flags = np.atleast_1d(wrong)
    if not flags.any():
        return
    row = int(np.flatnonzero(flags)[0])
    where = f"argument {name}" if not c[name].shape else f"argument {name}, row {row + 1}"
    raise InputError(f"{name} of {np.atleast_1d(c[name])[row]:g}", where=where, hint=hint)


def above_zero(c: Mapping[str, Floats], *names: str) -> None:
    """Refuse values that are not above zero; gaps pass."""
    for name in names:
        if name in c:
            refuse(c[name] <= 0.0, c, name, "a value above 0")


def whole_sizes(c: Mapping[str, Floats], *names: str, least: int = 2) -> None:
    """Refuse numbers of people below `least`; gaps pass."""
    for name in names:
        if name in c:
            refuse(c[name] < least, c, name, f"at least {least} people")


def logs(c: dict[str, Floats], *names: str) -> None:
    """Put logarithms in the place of ratios; refuse ratios that are not above zero."""
    for name in names:
        refuse(c[name] <= 0.0, c, name, "a ratio is above 0; logarithms need no transformation")
        c[name] = np.log(c[name])


def known_level(level: float) -> None:
    """Refuse a level that no interval has."""
    if not 0.5 <= level < 1.0:
        raise InputError(f"a level of {level:g}", where="argument level", hint="0.95")
