"""From moderators to a design: formulas, columns or a matrix, and the coefficients' names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Note, Result
from equipoise.effects.columns import Column, Floats, numbers, read_columns

#: A formula, columns by name, or a matrix of numbers without the column of ones.
Moderators: TypeAlias = (
    "str | Mapping[str, Column] | NDArray[Any] | Sequence[Sequence[float]] | None"
)

INTERCEPT = "intercept"

#: Functions whose value at one row depends on all rows.
_OF_ALL_ROWS = re.compile(r"\b(mean|center|scale|poly|bs|cs|cr|cc|lag|hashed)\s*\(")


@dataclass(frozen=True, slots=True, eq=False)
class Design(Result):
    """The columns that the effects are regressed on.

    Attributes
    ----------
    names
        Names of the coefficients; the intercept's is ``intercept``.
    X
        Values, shape (k, p); not a number in rows that lack a variable.
    intercept
        Whether one of the columns is all ones.
    formula
        The formula, or "" where columns or a matrix were given.
    levels
        Levels of each variable of the formula that is text.
    notes
        What to know about the columns.
    """

    names: tuple[str, ...]
    X: Floats
    intercept: bool
    formula: str = ""
    levels: dict[str, tuple[str, ...]] | None = None
    notes: tuple[Note, ...] = ()

    def moderators(self) -> tuple[int, ...]:
        """Places of the coefficients that an omnibus test is of: all but the intercept, if any."""
        return tuple(i for i, name in enumerate(self.names) if name != INTERCEPT) or (0,)

    def rows(self, new: object) -> Floats:
        """Return the design at other values of the moderators, shape (rows, p).

        Parameters
        ----------
        new
            A data frame or a mapping of columns with the variables of the formula; or a matrix
            with one column for each coefficient, or for each but the intercept.

        Raises
        ------
        InputError
            A matrix of another width; a formula that uses means of all rows; a missing value.
        UnknownNameError
            A level that the data did not have.
        """
        p = len(self.names)
        if isinstance(new, np.ndarray) or (isinstance(new, Sequence) and not isinstance(new, str)):
            X = np.atleast_2d(np.asarray(new, dtype=np.float64))
            if self.intercept and X.shape[1] == p - 1:
                at = self.names.index(INTERCEPT)
                X = np.insert(X, at, 1.0, axis=1)
            if X.ndim != 2 or X.shape[1] != p:
                raise InputError(
                    f"{X.shape[-1]} values for the coefficients {', '.join(self.names)}",
                    hint="one value for each, or for each but the intercept",
                )
            return X
        if not self.formula:
            given = read_columns(new, {n: n for n in self.names if n != INTERCEPT})
            count = len(next(iter(given.values()), [0.0]))
            ones = np.ones(count)
            names = [f"row {i + 1}" for i in range(count)]
            return np.column_stack(
                [ones if n == INTERCEPT else numbers(n, given[n], names) for n in self.names]
            )
        return _again(self, new)


def design(mods: Moderators, data: object, count: int, rows: Sequence[str]) -> Design:
    """Build the design of `count` rows.

    Parameters
    ----------
    mods
        A formula such as ``"~ year + allocation"`` with the variables in `data`; a mapping of
        names to columns; a matrix without the column of ones; or None for the intercept alone.
        In formulas ``factor()`` makes groups of numbers, ``I()`` protects arithmetic and ``- 1``
        or ``0 +`` drops the intercept.
    data
        The data frame that names refer to.
    count, rows
        Number of rows, and what to call them in errors.

    Raises
    ------
    InputError
        Columns of another length than the effects, a formula that cannot be read, no columns.
    UnknownNameError
        A variable that the data does not have.
    """
    if mods is None:
        return _plain([], [], count)
    if isinstance(mods, str):
        return _formula(mods, data, count)
    if isinstance(mods, Mapping):
        columns = read_columns(data, mods)
        values = [numbers(name, column, rows, blank=True) for name, column in columns.items()]
        return _plain(list(columns), values, count)
    matrix = np.asarray(mods, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    return _plain([f"x{i + 1}" for i in range(matrix.shape[1])], list(matrix.T), count)


def _plain(names: list[str], values: list[Floats], count: int) -> Design:
    for name, column in zip(names, values, strict=True):
        if len(column) != count:
            raise InputError(
                f"{len(column)} values of {name} for {count} effects", hint="one for each effect"
            )
    X = np.column_stack([np.ones(count), *values])
    return Design((INTERCEPT, *names), X, True)


def _formula(text: str, data: object, count: int) -> Design:
    formula = text.strip() if text.strip().startswith("~") else f"~ {text.strip()}"
    variables = _variables(formula)
    if not variables:
        X = np.ones((count, 1))
        if re.sub(r"\s", "", formula) not in ("~1", "~"):
            raise InputError(f"formula {text!r} has no column", hint="'~ 1' or '~ year'")
        return Design((INTERCEPT,), X, True, "~ 1")
    columns = read_columns(data, {name: name for name in variables})
    length = len(next(iter(columns.values())))
    if length != count:
        raise InputError(
            f"{length} rows of moderators for {count} effects", hint="one row for each effect"
        )
    whole = np.array(
        [all(not _absent(column[i]) for column in columns.values()) for i in range(count)]
    )
    if not whole.any():
        raise InputError("no row has every moderator", where=f"formula {text!r}")
    kept = {
        name: [v for v, ok in zip(column, whole, strict=True) if ok]
        for name, column in columns.items()
    }
    names, part, levels = _evaluated(formula, kept)
    X = np.full((count, len(names)), np.nan)
    X[whole] = part
    return Design(names, X, INTERCEPT in names, formula, levels)


def _variables(formula: str) -> list[str]:
    from formulaic import Formula  # slow, and only needed for formulas
    from formulaic.errors import FormulaicError

    try:
        # Names of the functions of `_CONTEXT` are no variables.
        found = Formula(formula).required_variables
    except FormulaicError as error:
        raise InputError(
            f"formula {formula!r} cannot be read: {str(error).splitlines()[0]}",
            hint="'~ year + allocation'",
        ) from None
    return sorted({str(name) for name in found} - {"mean", "factor"})


def _evaluated(
    formula: str, columns: Mapping[str, Sequence[Any]]
) -> tuple[tuple[str, ...], Floats, dict[str, tuple[str, ...]]]:
    import pandas as pd  # type: ignore[import-untyped]  # formulaic works on it
    from formulaic import model_matrix
    from formulaic.errors import FormulaicError

    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    levels = {}
    for name in columns:
        values = frame[name]
        if values.dtype.kind not in "fiu":
            frame[name] = values.map(str).astype(object)
            levels[name] = tuple(sorted(set(frame[name])))

    def factor(values: Any) -> Any:
        texts = pd.Series(values)
        if texts.dtype.kind in "fiu":
            order = [f"{v:g}" for v in sorted(set(texts))]
            named = pd.Categorical([f"{v:g}" for v in texts], categories=order)
            return pd.Series(named, index=texts.index)
        return texts

    try:
        made = model_matrix(formula, frame, context={"mean": np.mean, "factor": factor})
    except FormulaicError as error:
        raise InputError(
            f"formula {formula!r} cannot be computed: {str(error).splitlines()[0]}",
            hint="arithmetic inside I(), powers as **",
        ) from None
    names = tuple(INTERCEPT if n == "Intercept" else str(n) for n in made.columns)
    if not names:
        raise InputError(f"formula {formula!r} has no column", hint="'~ 1' or '~ year'")
    return names, np.asarray(made, dtype=np.float64), levels


def _again(made: Design, new: object) -> Floats:
    """The formula at other rows; rows with every level stand below, so that codes stay."""
    if _OF_ALL_ROWS.search(made.formula):
        raise InputError(
            f"the formula {made.formula!r} uses all rows of the data, which new rows do not have",
            hint="a matrix of the columns themselves",
        )
    variables = _variables(made.formula)
    if not variables:
        return np.ones((1, 1))
    columns = read_columns(new, {name: name for name in variables})
    count = len(next(iter(columns.values())))
    levels = made.levels or {}
    for name, known in levels.items():
        for value in columns[name]:
            if str(value) not in known:
                raise UnknownNameError("level", str(value), known, where=f"variable {name}")
    most = max([len(known) for known in levels.values()], default=1)
    below = {
        name: [levels[name][i % len(levels[name])] for i in range(most)]
        if name in levels
        else [columns[name][0]] * most
        for name in variables
    }
    names, X, _ = _evaluated(
        made.formula, {name: [*columns[name], *below[name]] for name in variables}
    )
    if names != made.names:
        raise InputError(
            f"the new rows give columns {', '.join(names)} and not {', '.join(made.names)}",
            hint="a matrix of the columns themselves",
        )
    return X[:count]


def _absent(value: object) -> bool:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return True
    return type(value).__name__ in {"NAType", "NaTType"} or value == ""


def full_rank(made: Design, keep: Sequence[int]) -> tuple[Design, tuple[Note, ...]]:
    """Return the design of the kept rows without columns that others already say.

    Notes
    -----
    Columns are taken from left to right; one that is a combination of those before it is dropped
    and named in a note.
    """
    X = made.X[list(keep)]
    sizes = np.sqrt((X * X).sum(0))
    chosen: list[int] = []
    basis = np.empty((len(X), 0))
    for j in range(X.shape[1]):
        rest = X[:, j] / (sizes[j] or 1.0)
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        if size > 1e-10:
            chosen.append(j)
            basis = np.column_stack([basis, rest / size])
    notes: tuple[Note, ...] = ()
    if len(chosen) < X.shape[1]:
        gone = ", ".join(n for j, n in enumerate(made.names) if j not in chosen)
        text = f"Left out of the design because the other columns already say it: {gone}."
        notes = (Note("redundant-columns", text),)
    names = tuple(made.names[j] for j in chosen)
    part = np.ascontiguousarray(X[:, chosen])
    part.setflags(write=False)
    return Design(names, part, made.intercept, made.formula, made.levels, notes), notes
