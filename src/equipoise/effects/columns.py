"""Columns in and frames out: arrays, lists, or names of columns of a data frame.

pandas, Polars and PyArrow frames are read and made through narwhals, imported only when needed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

#: What a caller may give for a column: values, or the name of a column of `data`.
Column: TypeAlias = "Sequence[Any] | NDArray[Any] | str | None"

#: Estimates and variances beyond these are refused: fourth powers of their ratios overflow.
MOST, LEAST = 1e50, 1e-50

#: The largest finite number; columns whose range is checked when they are used (`refuse_far`).
_FINITE = float(np.finfo(np.float64).max)
_LATER = ("yi", "vi", "sei")

#: What Python or NumPy would turn into a number without being one.
_NOT_NUMBERS = frozenset((bool, bytes, np.bool_, np.bytes_, np.datetime64, np.timedelta64))

BACKENDS = ("pandas", "polars", "pyarrow")


def read_columns(data: object, columns: Mapping[str, Column]) -> dict[str, list[Any]]:
    """Return the given columns as lists of one length.

    Parameters
    ----------
    data
        None, or a data frame (pandas, Polars, PyArrow) or a mapping of columns.
    columns
        Argument name to values or to the name of a column of `data`; None is skipped.

    Raises
    ------
    InputError
        A name without a frame, or columns of different lengths (each length is listed).
    UnknownNameError
        A column that the frame does not have.
    """
    frame = None if data is None else _frame_columns(data)
    out: dict[str, list[Any]] = {}
    for argument, given in columns.items():
        if given is None:
            continue
        if isinstance(given, str):
            out[argument] = _named(frame, argument, given)
        else:
            out[argument] = _plain_list(given)
    lengths = {len(values) for values in out.values()}
    if len(lengths) > 1:
        listed = ", ".join(f"{name} {len(values)}" for name, values in out.items())
        raise InputError(
            f"columns of different lengths: {listed}", hint="give every column one value per row"
        )
    return out


def _named(frame: _Frame | None, argument: str, name: str) -> list[Any]:
    if frame is None:
        raise InputError(
            f"{argument} is the name {name!r} but no data is given",
            hint="data=frame, or the values themselves",
        )
    if name not in frame.names:
        raise UnknownNameError("column", name, frame.names, where=f"argument {argument}")
    return _plain_list(frame.get(name))


@dataclass(frozen=True, slots=True)
class _Frame:
    """The columns of a frame by name; only those asked for are read."""

    names: tuple[str, ...]
    get: Callable[[str], Any]


def _frame_columns(data: object) -> _Frame:
    if isinstance(data, Mapping):
        held = {str(name): values for name, values in data.items()}
        return _Frame(tuple(held), held.__getitem__)
    import narwhals as nw  # slow, and only needed for frames

    frame: Any
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        hint = "a pandas, Polars or PyArrow table, or a dict of columns"
        if callable(getattr(data, "collect", None)):
            hint = "data.collect(): a lazy frame has no values yet"
        raise InputError(f"data is a {type(data).__name__}, not a data frame", hint=hint) from None
    own = {str(name): name for name in frame.columns}
    return _Frame(tuple(own), lambda name: frame.get_column(own[name]))


def _plain_list(values: object) -> list[Any]:
    if isinstance(values, np.ndarray):
        return list(values.tolist()) if values.ndim else [values.item()]
    if hasattr(values, "to_list"):
        return list(values.to_list())
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    if isinstance(values, (int, float)):
        return [values]
    if isinstance(values, Sequence):
        return list(values)
    hint = "a list or an array"
    if type(values).__module__.partition(".")[0] in ("polars", "narwhals"):
        hint = "the name of a column with data=frame, or frame.get_column(name)"
    raise InputError(f"a column cannot be a {type(values).__name__}", hint=hint)


def labels(values: Sequence[Any] | None, count: int) -> tuple[str, ...]:
    """Return study or treatment labels as text, stripped; numbered from 1 when not given."""
    if values is None:
        return tuple(f"study {i}" for i in range(1, count + 1))
    texts = [value.strip() for value in values if type(value) is str]
    if len(texts) == len(values) and all(texts):
        return tuple(texts)
    out = []
    for row, value in enumerate(values, start=1):
        if _missing(value) or not str(value).strip():
            raise InputError("a study without a name", where=f"row {row}", hint="a label for each")
        whole = isinstance(value, float) and value.is_integer()
        out.append(str(int(value)) if whole else str(value).strip())
    return tuple(out)


def texts(values: Sequence[Any] | None, count: int) -> tuple[str, ...]:
    """Return text cells, blank where missing or not given."""
    if values is None:
        return ("",) * count
    return tuple("" if _missing(value) else str(value).strip() for value in values)


def numbers(
    name: str, values: Sequence[Any], study: Sequence[str], *, blank: bool = False
) -> Floats:
    """Return a column as floats, refusing text and (unless `blank`) missing or infinite values.

    Raises
    ------
    InputError
        Names the study, the column and the value.
    """
    try:
        fast = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        fast = np.empty(0)
    if not _NOT_NUMBERS.isdisjoint(map(type, values)):
        fast = np.empty(0)
    most = _FINITE if name in _LATER else MOST
    if fast.shape == (len(values),) and (np.abs(fast) <= most).all():
        fast.flags.writeable = False
        return fast
    out = np.empty(len(values))
    for row, value in enumerate(values):
        where = f"study {study[row]}, column {name}"
        if _missing(value):
            if not blank:
                raise InputError(
                    "a missing value", where=where, hint="fill it in, or leave the row out"
                )
            out[row] = math.nan
            continue
        try:
            out[row] = math.nan if type(value) in _NOT_NUMBERS else float(value)
        except OverflowError:
            out[row] = math.inf
        except (TypeError, ValueError):
            hint = "a number, or a blank cell where it is unknown" if blank else "a number"
            raise InputError(f"{value!r} is not a number", where=where, hint=hint) from None
        if not math.isfinite(out[row]):
            what = "an infinite value" if math.isinf(out[row]) else f"{value!r} is not a number"
            raise InputError(what, where=where, hint="a finite number")
        if abs(out[row]) > most:
            what = f"a value of {out[row]:.3g}, which is too far from 1 to compute with"
            raise InputError(what, where=where, hint="another unit")
    return out


def read_array(name: str, given: object, hint: str = "rows of one length") -> Floats:
    """Return numbers of any shape as floats; missing ones are NaN.

    Raises
    ------
    InputError
        On text, truth values, dates, complex numbers, and rows of different lengths.
    """
    try:
        array = np.asarray(given)
        if array.dtype == object:
            array = np.array([_number(value) for value in array.flat]).reshape(array.shape)
        if array.dtype.kind in "fiu" or not array.size:
            return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{name} is not a rectangle of numbers", hint=f"an array of numbers; {hint}")


def _number(value: Any) -> float:
    if _missing(value):
        return math.nan
    if type(value) in _NOT_NUMBERS or isinstance(value, str):
        raise TypeError
    return float(value)


def refuse_far(study: Sequence[str], yi: Floats, vi: Floats) -> None:
    """Refuse numbers whose squares, or the inverses of whose squares, no computer holds.

    Raises
    ------
    InputError
        Naming the study and the number.
    """
    tiny = (vi > 0.0) & (vi < LEAST)
    for name, values, far in (
        ("an estimate", yi, np.abs(yi) > MOST),
        ("a variance", vi, (vi > MOST) | tiny),
    ):
        for i in np.flatnonzero(far & np.isfinite(values)).tolist():
            raise InputError(
                f"{name} of {values[i]:.3g}, which is too far from 1 to compute with",
                where=f"study {study[i]}",
                hint="another unit",
            )


def _missing(value: object) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    # pandas.NA and NaT are neither None nor floats; they are not equal to themselves.
    return type(value).__name__ in {"NAType", "NaTType"}


def read_only(values: object, kind: type[np.float64] | type[np.intp] = np.float64) -> NDArray[Any]:
    """Return a read-only one-dimensional copy, or the array itself where it is one already."""
    if type(values) is np.ndarray:
        flags = values.flags
        if not flags.writeable and flags.owndata and values.ndim == 1 and values.dtype == kind:
            return values
    array = np.array(values, dtype=kind)
    if array.ndim != 1:
        array = array.reshape(-1)
    array.flags.writeable = False
    return array


def make_frame(columns: Mapping[str, Sequence[Any] | NDArray[Any]], backend: str | None) -> Any:
    """Return a data frame of the asked kind; the first installed one when `backend` is None.

    Raises
    ------
    UnknownNameError
        A backend other than pandas, polars, pyarrow.
    InputError
        None of them is installed.
    """
    if backend is None:
        installed = [b for b in BACKENDS if importlib.util.find_spec(b) is not None]
        if not installed:
            raise InputError(
                "no data frame package is installed", hint="pip install pandas (or polars)"
            )
        backend = installed[0]
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, BACKENDS)
    import narwhals as nw  # slow, and only needed for frames

    plain = {name: _plain_list(values) for name, values in columns.items()}
    return nw.from_dict(plain, backend=backend).to_native()  # type: ignore[arg-type]
