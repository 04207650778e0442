"""From moderators to a design: formulas, columns or a matrix, and the coefficients' names."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Note, Result
from equipoise.core.table import counted
from equipoise.effects.columns import Column, Floats, numbers, read_columns

#: A formula, columns by name, or a matrix of numbers without the column of ones.
Moderators: TypeAlias = (
    "str | Mapping[str, Column] | NDArray[Any] | Sequence[Sequence[float]] | None"
)

INTERCEPT = "intercept"

#: Functions whose value at one row depends on all rows, and which keep no memory of them.
_OF_ALL_ROWS = re.compile(r"\b(mean|lag|hashed)\s*\(")


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
        Levels of each variable of the formula that is text, the reference first.
    variables
        Values of the formula's variables in the rows that have all of them.
    terms
        The terms of the formula with the places of their coefficients.
    notes
        What to know about the columns.
    """

    names: tuple[str, ...]
    X: Floats
    intercept: bool
    formula: str = ""
    levels: dict[str, tuple[str, ...]] | None = None
    variables: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    terms: tuple[tuple[str, tuple[int, ...]], ...] = ()
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
                    f"{counted(X.shape[-1], 'value')} for the coefficients {', '.join(self.names)}",
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


def design(
    mods: Moderators,
    data: object,
    count: int,
    rows: Sequence[str],
    *,
    reference: Mapping[str, object] | None = None,
    use: NDArray[np.bool_] | None = None,
) -> Design:
    """Build the design of `count` rows.

    Parameters
    ----------
    mods
        A formula such as ``"~ year + allocation"`` with the variables in `data`; a mapping of
        names to columns; a matrix without the column of ones; or None for the intercept alone.
        In formulas ``factor()`` makes groups of numbers, ``center()`` and ``poly()`` remember the
        data when new rows are coded, ``I()`` protects arithmetic and ``- 1`` or ``0 +`` drops the
        intercept.
    data
        The data frame that names refer to.
    count, rows
        Number of rows, and what to call them in errors.
    reference
        The level that the others are compared with, by variable; the first in the alphabet
        without.
    use
        Rows that are looked at; the others are not a number. All, when not given.

    Raises
    ------
    InputError
        Columns of another length than the effects, a formula that cannot be read, no columns,
        values that a function of the formula does not take.
    UnknownNameError
        A variable or a level that the data does not have.
    """
    if mods is None:
        return _plain([], [], count)
    if isinstance(mods, str):
        kept = np.ones(count, dtype=bool) if use is None else use
        return _formula(mods, data, kept, rows, dict(reference or {}))
    if reference:
        raise InputError("reference levels without a formula", hint="mods='~ ' and variables")
    if isinstance(mods, Mapping):
        columns = read_columns(data, mods)
        values = [numbers(name, column, rows, blank=True) for name, column in columns.items()]
        return _plain(list(columns), values, count)
    try:
        matrix = np.asarray(mods, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "a matrix of moderators with values that are not numbers",
            hint="a formula and data=, which codes text",
        ) from None
    if matrix.ndim not in (1, 2):
        raise InputError(
            f"moderators of {matrix.ndim} dimensions",
            hint="a formula with data=, columns by name, or a matrix with one row an effect",
        )
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    return _plain([f"x{i + 1}" for i in range(matrix.shape[1])], list(matrix.T), count)


def _plain(names: list[str], values: list[Floats], count: int) -> Design:
    for name, column in zip(names, values, strict=True):
        if len(column) != count:
            raise InputError(
                f"{counted(len(column), 'value')} of {name} for {counted(count, 'effect')}",
                hint="one for each effect",
            )
    X = np.column_stack([np.ones(count), *values])
    terms = tuple((name, (at + 1,)) for at, name in enumerate(names))
    return Design((INTERCEPT, *names), X, True, terms=terms)


def _formula(
    text: str,
    data: object,
    use: NDArray[np.bool_],
    rows: Sequence[str],
    reference: dict[str, object],
) -> Design:
    count = len(use)
    formula = text.strip() if "~" in text else f"~ {text.strip()}"
    variables = _variables(formula)
    for name in reference:
        if name not in variables:
            raise UnknownNameError("variable", name, variables, where="argument reference")
    if not variables:
        X = np.ones((count, 1))
        if re.sub(r"\s", "", formula) not in ("~1", "~"):
            raise InputError(f"formula {text!r} has no column", hint="'~ 1' or '~ year'")
        return Design((INTERCEPT,), X, True, "~ 1")
    columns = read_columns(data, {name: name for name in variables})
    length = len(next(iter(columns.values())))
    if length != count:
        raise InputError(
            f"{counted(length, 'row')} of moderators for {counted(count, 'effect')}",
            hint="one row for each effect",
        )
    whole = use & np.array(
        [all(not _absent(column[i]) for column in columns.values()) for i in range(count)]
    )
    if not whole.any():
        raise InputError("no row has every moderator", where=f"formula {text!r}")
    kept = {
        name: tuple(_as_written(column[i]) for i in np.flatnonzero(whole))
        for name, column in columns.items()
    }
    levels = _levels(kept, reference)
    made = _coded(formula, kept, levels)
    part = np.asarray(made, dtype=np.float64)
    for row, column in np.argwhere(~np.isfinite(part)).tolist():
        raise InputError(
            f"{made.columns[column]} is not a finite number",
            where=f"study {rows[int(np.flatnonzero(whole)[row])]}, formula {text!r}",
            hint="a function that takes all values of the moderator",
        )
    names = _names(made)
    if not names:
        raise InputError(f"formula {formula!r} has no column", hint="'~ 1' or '~ year'")
    X = np.full((count, len(names)), np.nan)
    X[whole] = part
    return Design(names, X, INTERCEPT in names, formula, levels, kept, _terms(made.model_spec))


def _terms(spec: Any) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(
        (str(term), tuple(int(i) for i in places))
        for term, places in spec.term_indices.items()
        if str(term) != "1" and len(places)
    )


def _names(made: Any) -> tuple[str, ...]:
    return tuple(INTERCEPT if n == "Intercept" else str(n) for n in made.columns)


def _as_written(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _variables(formula: str) -> list[str]:
    from formulaic import Formula, SimpleFormula  # slow, and only needed for formulas
    from formulaic.errors import FormulaicError

    try:
        terms = Formula(formula)
        if not isinstance(terms, SimpleFormula):
            raise InputError(
                f"formula {formula!r} has more than one side", hint="'~ year + allocation'"
            )
        found: set[str] = set()
        for factor in (factor for term in terms for factor in term.factors):
            if factor.eval_method.value == "lookup":
                found.add(str(factor.expr))
            elif factor.eval_method.value == "python":
                found |= _inside(str(factor.expr))
    except (FormulaicError, SyntaxError) as error:
        raise InputError(
            f"formula {formula!r} cannot be read: {_first_line(error)}",
            hint="'~ year + allocation'",
        ) from None
    return sorted(found)


def _inside(expression: str) -> set[str]:
    """Names of variables in a Python expression: those that are not called and have no dot."""
    quoted = set(re.findall(r"`([^`]+)`", expression))
    tree = ast.parse(re.sub(r"`[^`]+`", "0", expression), mode="eval")
    nodes = list(ast.walk(tree))
    other = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    other |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    return quoted | {
        node.id
        for node in nodes
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and id(node) not in other
        and node.id not in ("contr", "np")
    }


def _first_line(error: Exception) -> str:
    # Colours of the terminal are no part of the message.
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()
    return lines[0] if lines else type(error).__name__


def _level_in(error: Exception) -> str:
    return ", ".join(re.findall(r"[{,] ?('[^']*'|[^{},]+)(?=[,}])", str(error))) or "unknown"


def _levels(
    columns: Mapping[str, Sequence[Any]], reference: Mapping[str, object]
) -> dict[str, tuple[str, ...]]:
    """The levels of each variable that is text (or has a reference), the reference first."""
    levels: dict[str, tuple[str, ...]] = {}
    for name, values in columns.items():
        if name not in reference and all(_is_number(v) for v in values):
            continue
        found = sorted({_text(v) for v in values})
        if name in reference:
            first = _text(reference[name])
            if first not in found:
                raise UnknownNameError("level", first, found, where=f"variable {name}")
            found = [first, *(level for level in found if level != first)]
        levels[name] = tuple(found)
    return levels


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else str(value)


def _coded(
    formula: str, columns: Mapping[str, Sequence[Any]], levels: Mapping[str, tuple[str, ...]]
) -> Any:
    """The model matrix of formulaic."""
    from formulaic import model_matrix

    return _quietly(
        formula,
        lambda: model_matrix(formula, _frame(columns, levels), context=_context(), **_ASIS),
    )


def _frame(columns: Mapping[str, Sequence[Any]], levels: Mapping[str, tuple[str, ...]]) -> Any:
    import pandas as pd  # type: ignore[import-untyped]  # formulaic works on it

    return pd.DataFrame(
        {
            name: pd.Categorical([_text(v) for v in values], categories=list(levels[name]))
            if name in levels
            else np.asarray(values, dtype=np.float64)
            for name, values in columns.items()
        }
    )


#: Rows that a function makes missing are kept, so that they can be named.
_ASIS = {"na_action": "ignore"}


def _context() -> dict[str, Any]:
    import pandas as pd

    def factor(values: Any) -> Any:
        series = pd.Series(values)
        if series.dtype.kind in "fiu":
            order = [f"{v:g}" for v in sorted(set(series))]
            named = pd.Categorical([f"{v:g}" for v in series], categories=order)
            return pd.Series(named, index=series.index)
        return series

    return {"mean": np.mean, "factor": factor}


def _quietly(formula: str, run: Callable[[], Any]) -> Any:
    """Run formulaic; its errors become ours, its warnings about unknown levels too."""
    from formulaic.errors import DataMismatchWarning, FormulaicError

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            return run()
    except DataMismatchWarning as error:
        raise InputError(
            f"a level that the data does not have: {_level_in(error)}",
            where=f"formula {formula!r}",
            hint="one of the levels of the data",
        ) from None
    except (FormulaicError, TypeError, ValueError) as error:
        raise InputError(
            f"formula {formula!r} cannot be computed: {_first_line(error)}",
            hint="arithmetic inside I(), powers as **",
        ) from None


def _again(made: Design, new: object) -> Floats:
    """The formula at other rows, coded as the rows of the data were."""
    if _OF_ALL_ROWS.search(made.formula):
        raise InputError(
            f"the formula {made.formula!r} uses all rows of the data, which new rows do not have",
            hint="center() for mean(), or a matrix of the columns themselves",
        )
    if not made.variables:
        return np.ones((1, 1))
    columns = read_columns(new, {name: name for name in made.variables})
    levels = made.levels or {}
    for name, values in columns.items():
        for row, value in enumerate(values, start=1):
            if _absent(value) or (name not in levels and not _is_number(_as_written(value))):
                raise InputError(
                    f"{value!r} is no value of a moderator",
                    where=f"row {row}, variable {name}",
                    hint="a level" if name in levels else "a number",
                )
            if name in levels and _text(_as_written(value)) not in levels[name]:
                raise UnknownNameError("level", str(value), levels[name], where=f"variable {name}")
    spec = _coded(made.formula, made.variables, levels).model_spec
    kept = {name: [_as_written(v) for v in values] for name, values in columns.items()}
    coded = _quietly(
        made.formula,
        lambda: spec.get_model_matrix(_frame(kept, levels), context=_context()),
    )
    X = np.asarray(coded, dtype=np.float64)
    if not np.isfinite(X).all():
        raise InputError(
            "new rows at which the formula has no finite value",
            where=f"formula {made.formula!r}",
            hint="values within what the formula takes",
        )
    return X


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
    terms = tuple(
        (term, inside)
        for term, places in made.terms
        if (inside := tuple(chosen.index(i) for i in places if i in chosen))
    )
    return (
        Design(
            names, part, made.intercept, made.formula, made.levels, made.variables, terms, notes
        ),
        notes,
    )
