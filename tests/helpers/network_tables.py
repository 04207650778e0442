"""Small sound tables of a network, and what can be done to them."""

from __future__ import annotations

from typing import Any

Table = dict[str, list[Any]]

STUDY = ["t1", "t1", "t2", "t2", "t3", "t3", "t4", "t4", "t4", "t5", "t5", "t6", "t6"]
TREAT = ["A", "P", "B", "P", "A", "B", "A", "B", "P", "A+B", "P", "A+B", "A"]
COUNTS: Table = {
    "study": STUDY,
    "treat": TREAT,
    "events": [3, 5, 4, 6, 7, 8, 5, 4, 9, 6, 12, 7, 9],
    "n": [30, 31, 40, 41, 50, 52, 44, 45, 46, 60, 61, 50, 51],
}
MEANS: Table = {
    "study": STUDY,
    "treat": TREAT,
    "mean": [1.0, 2.0, 1.5, 2.2, 1.1, 1.4, 1.2, 1.3, 2.1, 0.6, 2.0, 0.8, 1.2],
    "sd": [1.0, 1.1, 0.9, 1.0, 1.2, 1.0, 1.0, 0.9, 1.1, 1.0, 1.2, 0.9, 1.0],
    "n": COUNTS["n"],
}
RATES: Table = {
    "study": STUDY,
    "treat": TREAT,
    "events": COUNTS["events"],
    "time": [10.0 * n for n in COUNTS["n"]],
}
PAIRS: Table = {
    "study": ["t1", "t2", "t3", "t4", "t4", "t4", "t5", "t6"],
    "treat1": ["A", "B", "A", "A", "B", "A", "A+B", "A+B"],
    "treat2": ["P", "P", "B", "P", "P", "B", "P", "A"],
    "yi": [-0.5, -0.4, -0.1, -0.6, -0.5, -0.1, -0.9, -0.4],
    "vi": [0.2, 0.15, 0.1, 0.2, 0.2, 0.2, 0.12, 0.2],
}


def cell(table: Table, column: str, value: Any, row: int = 1) -> Table:
    out = {name: list(values) for name, values in table.items()}
    out[column][row] = value
    return out


def more(table: Table, *rows: tuple[Any, ...]) -> Table:
    columns = zip(table.values(), zip(*rows, strict=True), strict=True)
    return dict(zip(table, ([*old, *new] for old, new in columns), strict=True))


def without(table: Table, row: int) -> Table:
    return {name: values[:row] + values[row + 1 :] for name, values in table.items()}


def head(table: Table, rows: int) -> Table:
    return {name: values[:rows] for name, values in table.items()}
