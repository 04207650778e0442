"""Designs from formulas, columns and matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.design import Design, design, full_rank

DATA = {"year": [1983.0, 1984.0, 1979.0, 1986.0], "outcome": ["PD", "AL", "PD", "AL"]}
ROWS = ["a", "b", "c", "d"]


def test_no_moderators_is_the_intercept() -> None:
    for mods in (None, "~ 1", "1"):
        made = design(mods, DATA, 4, ROWS)
        assert made.names == ("intercept",)
        assert made.X.tolist() == [[1.0]] * 4
        assert made.moderators() == (0,)


def test_text_has_a_column_for_each_level_but_the_first() -> None:
    made = design("~ outcome + I(year - 1980)", DATA, 4, ROWS)
    assert made.names == ("intercept", "outcome[T.PD]", "I(year - 1980)")
    assert made.X[:, 1:].tolist() == [[1.0, 3.0], [0.0, 4.0], [1.0, -1.0], [0.0, 6.0]]
    assert made.moderators() == (1, 2)


def test_without_an_intercept_every_level_has_a_column() -> None:
    made = design("~ 0 + outcome + outcome:I(year - 1983)", DATA, 4, ROWS)
    assert made.names[:2] == ("outcome[AL]", "outcome[PD]")
    assert not made.intercept
    assert made.moderators() == (0, 1, 2, 3)


def test_factor_makes_groups_of_numbers_and_mean_centres() -> None:
    made = design("~ factor(year)", DATA, 4, ROWS)
    assert len(made.names) == 4
    centred = design("~ I(year - mean(year))", DATA, 4, ROWS)
    assert centred.X[:, 1].sum() == pytest.approx(0.0, abs=1e-9)


def test_rows_that_lack_a_variable_are_not_numbers() -> None:
    data = {"year": [1983.0, None, math.nan, 1986.0], "outcome": DATA["outcome"]}
    made = design("~ year + outcome", data, 4, ROWS)
    assert np.isnan(made.X).any(axis=1).tolist() == [False, True, True, False]


def test_columns_and_matrices() -> None:
    made = design({"year": "year", "dose": [1, 2, 3, 4]}, DATA, 4, ROWS)
    assert made.names == ("intercept", "year", "dose")
    matrix = design(made.X[:, 1:], None, 4, ROWS)
    assert matrix.names == ("intercept", "x1", "x2")
    assert np.array_equal(matrix.X, made.X)


def test_new_rows_are_coded_as_the_old_ones() -> None:
    made = design("~ outcome * year", DATA, 4, ROWS)
    new = made.rows({"outcome": ["AL", "PD"], "year": [2000.0, 2001.0]})
    assert new.tolist() == [[1.0, 0.0, 2000.0, 0.0], [1.0, 1.0, 2001.0, 2001.0]]
    assert made.rows([[1.0, 2001.0, 2001.0]]).tolist() == [[1.0, 1.0, 2001.0, 2001.0]]
    with pytest.raises(UnknownNameError, match="known: AL, PD"):
        made.rows({"outcome": ["PP"], "year": [2000.0]})
    with pytest.raises(InputError, match="one value for each"):
        made.rows([[1.0]])
    centred = design("~ I(year - mean(year))", DATA, 4, ROWS)
    with pytest.raises(InputError, match="uses all rows"):
        centred.rows({"year": [2000.0]})
    columns = design({"year": "year"}, DATA, 4, ROWS)
    assert columns.rows({"year": [3.0]}).tolist() == [[1.0, 3.0]]


def test_columns_that_others_say_are_dropped_and_named() -> None:
    made = design("~ year + I(2 * year + 1)", DATA, 4, ROWS)
    kept, notes = full_rank(made, [0, 1, 2, 3])
    assert kept.names == ("intercept", "year")
    assert "I(2 * year + 1)" in notes[0].text


@pytest.mark.parametrize(
    ("mods", "error"),
    [
        ("~ yaer", UnknownNameError),
        ("~ year +", InputError),
        ("~ 0", InputError),
        ("~ log(outcome)", InputError),
        (np.ones((3, 1)), InputError),
    ],
)
def test_what_cannot_be_read_is_said(mods: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        design(mods, DATA, 4, ROWS)  # type: ignore[arg-type]


def test_a_design_goes_to_a_dict_and_back() -> None:
    made = design("~ outcome", DATA, 4, ROWS)
    again = Design.from_dict(made.to_dict())
    assert again.names == made.names
    assert np.array_equal(again.X, made.X)
    assert again.rows({"outcome": ["PD"]}).tolist() == [[1.0, 1.0]]
