"""Tables with one row a trial and the arms side by side, as one row an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from equipoise.core.errors import InputError
from equipoise.effects.columns import Column, labels, read_columns


def is_wide(treat: object, data: object) -> bool:
    """Whether `treat` names several columns of `data`, or holds several columns."""
    if isinstance(treat, str) or not isinstance(treat, (list, tuple)) or not treat:
        return False
    if all(isinstance(one, str) for one in treat):
        return data is not None and set(treat) <= column_names(data)
    return all(not isinstance(one, str) and hasattr(one, "__len__") for one in treat)


def column_names(data: object) -> set[str]:
    """The names of the columns of a frame or mapping."""
    if isinstance(data, Mapping):
        return {str(name) for name in data}
    names = getattr(data, "column_names", None)
    return {str(name) for name in (getattr(data, "columns", []) if names is None else names)}


def unfolded(data: object, given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """One row an arm from one row a trial.

    Parameters
    ----------
    data
        A data frame or a mapping of columns.
    given
        ``study`` as one column (trials are numbered when None), the others as lists of columns:
        the first arm's, the second's, and so on; None is skipped.

    Raises
    ------
    InputError
        On lists of different lengths, or results without a treatment (names study and column).
    """
    lists = {name: value for name, value in given.items() if name != "study" and value is not None}
    for name, value in lists.items():
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InputError(
                f"{name} as one column beside treat as {len(given['treat'])}",
                hint=f"{name}=['{name}1', '{name}2', …]",
            )
    sizes = {name: len(value) for name, value in lists.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"different numbers of arms: {listed}", hint="one column for each arm")
    asked: dict[str, Column] = {
        f"{name}|{j}": column for name, value in lists.items() for j, column in enumerate(value)
    }
    columns = read_columns(data, {"study": given.get("study"), **asked})
    k = len(columns["treat|0"])
    study = labels(columns.get("study"), k)
    out: dict[str, list[Any]] = {"study": []} | {name: [] for name in lists}
    for row in range(k):
        for j in range(sizes["treat"]):
            cells = {name: columns[f"{name}|{j}"][row] for name in lists}
            treat = cells.pop("treat")
            if _blank(treat):
                full = [name for name, cell in cells.items() if not _blank(cell)]
                if full:
                    raise InputError(
                        f"results without a treatment, {full[0]} {cells[full[0]]}",
                        where=f"study {study[row]}, arm {j + 1}",
                        hint="the treatment of that arm, or blank results",
                    )
                continue
            out["study"].append(study[row])
            out["treat"].append(treat)
            for name, cell in cells.items():
                out[name].append(cell)
    return out


def _blank(value: Any) -> bool:
    if value is None or (isinstance(value, float) and value != value):
        return True
    return (isinstance(value, str) and not value.strip()) or str(value) in ("<NA>", "NaT")
