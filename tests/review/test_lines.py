"""Where things stand in a file, against an editor's own count."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.review.lines import CsvSyntaxError, csv_records, toml_lines
from equipoise.review.render import toml_value

TEXT = '''\
# a comment with [brackets] and "quotes
a = 1
"b c" = """
[not.a.table]
x = 1
"""  # the end
d.e = [
  1,  # one
  [2, 3],
  { f = "g # no comment", "h" = \'\'\'
i\'\'\' },
]

[table]
j = 1979-05-27T07:32:00Z
k = "a \\" = b"

[[list]]
l = 1
[[list.inner]]
m = 1
[[list.inner]]
m = 2
[[list]]
l = 2
  [[ list . "inner" ]]
  m = 3
'''


def test_toml_keys_of_every_kind() -> None:
    lines = toml_lines(TEXT)
    assert lines == {
        ("a",): 2,
        ("b c",): 3,
        ("d",): 7,
        ("d", "e"): 7,
        ("d", "e", 0): 8,
        ("d", "e", 1): 9,
        ("d", "e", 1, 0): 9,
        ("d", "e", 1, 1): 9,
        ("d", "e", 2): 10,
        ("d", "e", 2, "f"): 10,
        ("d", "e", 2, "h"): 10,
        ("table",): 14,
        ("table", "j"): 15,
        ("table", "k"): 16,
        ("list",): 18,
        ("list", 0): 18,
        ("list", 0, "l"): 19,
        ("list", 0, "inner"): 20,
        ("list", 0, "inner", 0): 20,
        ("list", 0, "inner", 0, "m"): 21,
        ("list", 0, "inner", 1): 22,
        ("list", 0, "inner", 1, "m"): 23,
        ("list", 1): 24,
        ("list", 1, "l"): 25,
        ("list", 1, "inner"): 26,
        ("list", 1, "inner", 0): 26,
        ("list", 1, "inner", 0, "m"): 27,
    }


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every key path of a TOML document as `tomllib` sees it."""
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            found |= paths(inner, (*path, i))
    return found


def test_the_paths_are_those_of_tomllib() -> None:
    assert set(toml_lines(TEXT)) == paths(tomllib.loads(TEXT))


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8")) | st.integers(-9, 9) | st.booleans()


@given(
    tables=st.lists(
        st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=3), max_size=4), max_size=4
    )
)
def test_written_tables_are_found_on_their_lines(tables: list[dict[str, Any]]) -> None:
    rows: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {("t",): 1} if tables else {}
    for i, table in enumerate(tables):
        rows.append("[[t]]")
        expected["t", i] = len(rows)
        for key, value in table.items():
            rows.append(f"{key} = {toml_value(value)}")
            for path in paths(value, ("t", i, key)):
                expected[path] = len(rows)
    text = "\n".join(rows)
    assert tomllib.loads(text).get("t", []) == tables
    assert toml_lines(text) == expected


@given(st.text())
def test_any_text_has_some_lines(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in toml_lines(text).values())


def test_csv_records_begin_where_an_editor_shows_them() -> None:
    records = list(csv_records('a,b\r\n"1\n2\r\n3",x\r\n\r\n"y ""z""",\n'))
    assert [(r.line, r.cells) for r in records] == [
        (1, ("a", "b")),
        (2, ("1\n2\r\n3", "x")),
        (5, ()),
        (6, ('y "z"', "")),
    ]
    assert [r.blank for r in records] == [False, False, True, False]


def test_an_open_quote_is_said_where_its_record_begins() -> None:
    with pytest.raises(CsvSyntaxError) as caught:
        list(csv_records('a\nb\n"c\nd\n'))
    assert caught.value.line == 3
