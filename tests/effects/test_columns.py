"""Columns of any kind in, frames out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.columns import (
    labels,
    make_frame,
    numbers,
    read_columns,
    read_only,
    texts,
)

GIVEN = {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("data", [GIVEN, pd.DataFrame(GIVEN), pl.DataFrame(GIVEN)])
def test_names_of_columns_of_any_frame(data: object) -> None:
    assert read_columns(data, {"one": "a", "two": "b", "three": None}) == {
        "one": [1, 2],
        "two": ["x", "y"],
    }


@pytest.mark.parametrize(
    "values", [[1, 2], (1, 2), np.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2])]
)
def test_values_of_any_kind(values: Any) -> None:
    assert read_columns(None, {"one": values}) == {"one": [1, 2]}


def test_one_number_is_one_row() -> None:
    assert read_columns(None, {"one": 3, "two": np.array(4)}) == {"one": [3], "two": [4]}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("data", "columns", "message"),
    [
        (None, {"one": "a"}, "the name 'a' but no data is given"),
        (7, {"one": "a"}, "data is a int, not a data frame"),
        (None, {"one": object()}, "a column cannot be a object"),
        (None, {"one": [1], "two": [1, 2]}, "different lengths: one 1, two 2"),
    ],
)
def test_what_is_no_column(data: object, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_columns(data, columns)


def test_an_unknown_column_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"column 'eventz' \(argument e\).*'events'"):
        read_columns({"events": [1], "n": [2]}, {"e": "eventz"})


def test_labels_and_texts() -> None:
    assert labels(None, 2) == ("study 1", "study 2")
    assert labels([" Smith 2001 ", 7, 8.0, 8.5], 4) == ("Smith 2001", "7", "8", "8.5")
    with pytest.raises(InputError, match=r"without a name \(row 2\)"):
        labels(["a", pd.NA], 2)
    assert texts(None, 2) == ("", "")
    assert texts([None, math.nan, pd.NA, pd.NaT, " x "], 5) == ("", "", "", "", "x")


def test_numbers() -> None:
    assert numbers("n", [1, "2.5", np.float32(3)], ["a", "b", "c"]).tolist() == [1.0, 2.5, 3.0]
    gaps = numbers("n", [None, pd.NA, math.nan], ["a", "b", "c"], blank=True)
    assert np.isnan(gaps).all()
    with pytest.raises(InputError, match=r"missing value \(study b, column n\)"):
        numbers("n", [1, None], ["a", "b"])
    with pytest.raises(InputError, match=r"infinite value \(study a, column n\)"):
        numbers("n", [-math.inf], ["a"], blank=True)
    with pytest.raises(InputError, match=r"'<5' is not a number \(study a, column n\)"):
        numbers("n", ["<5"], ["a"])


def test_read_only_copies() -> None:
    source = np.array([1.0, 2.0])
    copy = read_only(source)
    source[0] = 9.0
    assert copy.tolist() == [1.0, 2.0]
    assert not copy.flags.writeable
    assert read_only([1, 2], np.intp).dtype == np.intp


def test_frames_of_the_asked_kind() -> None:
    columns = {"a": np.array([1.0, 2.0]), "b": ("x", "y")}
    assert isinstance(make_frame(columns, "polars"), pl.DataFrame)
    assert make_frame(columns, "pandas").to_dict("list") == {"a": [1.0, 2.0], "b": ["x", "y"]}
    assert isinstance(make_frame(columns, None), pd.DataFrame)
    with pytest.raises(UnknownNameError, match=r"'panda'.*'pandas'"):
        make_frame(columns, "panda")


def test_without_any_frame_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="no data frame package is installed"):
        make_frame({"a": [1.0]}, None)


def test_a_lazy_frame_is_told_to_collect() -> None:
    frame = pl.DataFrame({"yi": [0.1, 0.2], "vi": [0.1, 0.1]}).lazy()
    with pytest.raises(InputError, match=r"data is a LazyFrame.*data\.collect\(\)"):
        eq.pairwise(frame, yi="yi", vi="vi")
    with pytest.raises(InputError, match=r"collect\(\)"):
        eq.effect_sizes("PLO", events="yi", n="vi", data=frame)
    with pytest.raises(InputError, match=r"cannot be a Expr.*the name of a column"):
        eq.effect_sizes("PLO", events=pl.col("yi"), n=[3, 4])  # type: ignore[arg-type]
