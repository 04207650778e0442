"""Cells as people type them."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.review.cells import (
    CellError,
    is_placeholder,
    parse_list,
    parse_name,
    parse_number,
    parse_whole,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5.3", 5.3), (" -0.05 ", -0.05), (".5", 0.5), ("+3", 3.0), ("1e-4", 1e-4), ("7.", 7.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert parse_number(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_printed_float_is_read(value: float) -> None:
    assert parse_number(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("NR", "E-NUMBER-WORD", "blank"),
        ("n/a", "E-NUMBER-WORD", "blank"),
        ("NaN", "E-NUMBER-WORD", "blank"),
        ("–", "E-NUMBER-WORD", "blank"),
        ("−5.3", "E-NUMBER-SIGN", "-5.3"),
        ("–5", "E-NUMBER-SIGN", "-5"),
        ("5,3", "E-NUMBER-COMMA", "5.3"),
        ("1,234", "E-NUMBER-COMMA", "1234 without it, or 1.234"),
        ("1,234.5", "E-NUMBER-COMMA", "1234.5"),
        ("12 345", "E-NUMBER-COMMA", "12345"),
        ("<0.05", "E-NUMBER", "note"),
        ("45%", "E-NUMBER", "the number alone"),
        ("inf", "E-NUMBER", "a number such as"),
        ("1e999", "E-NUMBER", "exponent"),
        ("٣", "E-NUMBER", "a number such as"),
        ("0x1F", "E-NUMBER", "a number such as"),
        ("1_000", "E-NUMBER", "a number such as"),
        ("5 points", "E-NUMBER", "a number such as"),
    ],
)
def test_what_is_no_number_says_why(text: str, code: str, hint: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_number(text)
    assert caught.value.code == code
    assert hint in caught.value.hint


@given(st.text())
def test_any_text_is_a_finite_number_or_an_error(text: str) -> None:
    with contextlib.suppress(CellError):
        assert math.isfinite(parse_number(text))


def test_whole_numbers() -> None:
    assert parse_whole("54.0") == 54
    assert type(parse_whole("54")) is int
    with pytest.raises(CellError, match="not a whole number"):
        parse_whole("54.5")


def test_lists_and_names() -> None:
    assert parse_list("a+b+c") == ("a", "b", "c")
    for text in ("a++b", "+a", "a+b+a", "a + b"):
        with pytest.raises(CellError):
            parse_list(text)
    assert parse_name("adams") == "adams"
    with pytest.raises(CellError) as caught:
        parse_name("adams ")
    assert caught.value.hint == "adams"


def test_placeholders() -> None:
    assert is_placeholder("…")
    assert is_placeholder(" ... ")
    assert not is_placeholder("tonic (…)")
    assert not is_placeholder("")
