"""The format's page, the records and the reader say the same; no file can make the reader fail."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.review.check import check_draft
from equipoise.review.codes import CODES
from equipoise.review.markdown import SECTIONS
from equipoise.review.problems import FILES, OPTIONAL, problem
from equipoise.review.reader import read_texts
from equipoise.review.schema import SHEETS, field_of
from equipoise.review.vocabulary import FLAGS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "review-folder.md").read_text("utf-8")


def block(heading: str) -> str:
    """The first block of code under a heading of the page."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    fenced = re.search(r"```toml\n(.*?)```", section, re.S)
    inline = re.search(r"^`([a-z_,0-9]+)`$", section, re.M)
    found = fenced or inline
    assert found
    return found[1]


@pytest.mark.parametrize("name", SHEETS)
def test_the_columns_are_those_of_the_page(name: str) -> None:
    assert ",".join(SHEETS[name].header) == block(name)


@pytest.mark.parametrize("name", SHEETS)
def test_every_field_of_a_record_has_a_column(name: str) -> None:
    record = SHEETS[name].record
    fields = {f.name for f in dataclasses.fields(record)} - {"file", "line"}
    assert {field_of(record, column) for column in SHEETS[name].header} == fields


def test_the_files_are_those_of_the_page() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (yes|no) \|", PAGE, re.M)
    assert tuple(name for name, _ in rows) == FILES
    assert {name for name, needed in rows if needed == "no"} == OPTIONAL


def test_the_flags_and_sections_are_those_of_the_page() -> None:
    text = " ".join(PAGE.split())
    listed = re.search(r"`flags`: any of ([\w, -]+), joined", text)
    assert listed
    assert tuple(listed[1].split(", ")) == tuple(FLAGS)
    for section in SECTIONS:
        assert f"`{section}`" in text


@pytest.mark.parametrize("name", ["review.toml", "judgements.toml"])
def test_the_examples_of_the_page_hold_no_unknown_key(name: str, sound: dict[str, str]) -> None:
    example = block(name)
    tomllib.loads(example)
    found = read_texts(sound | {name: example}, "x").problems
    assert {p.code for p in found if p.file == name} == {"E-BLANK"}


def test_severities_come_from_the_codes() -> None:
    for code in CODES:
        made = problem("a.csv", 1, code, "what", "hint")
        assert made.severity == {"E": "error", "W": "warning", "N": "note"}[code[0]]


PIECES = st.sampled_from(
    [
        *("", "0", "-1", "1e308", "1e-320", "nan", "…", "\0", '"', "[", "]", "{}", "\n", "\r"),
        *(",", "+", "=", "[[outcomes]]\n", "[plan]\n", "id = 5\n", "true", "2026-01-01", "9" * 400),
        *('"""', "<!--", "## x {#treatment}\n", "\ufeff", "adams", "cough"),
    ]
)


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(FILES), st.integers(0, 10**6), st.integers(0, 60), PIECES | st.text()
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_content_makes_a_check_fail(edits: list[tuple[str, int, int, str]]) -> None:
    folder = Path(__file__).parent / "sound" / "tonic-cough"
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    for name, at, cut, piece in edits:
        at %= len(texts[name]) + 1
        texts[name] = texts[name][:at] + piece + texts[name][at + cut :]
    draft = read_texts(texts, "tonic-cough")
    for found in check_draft(draft, date(2026, 11, 1)):
        assert found.code in CODES
        text = texts.get(found.file, "")
        assert 1 <= found.line <= text.count("\n") + text.count("\r") + 2
        assert "\n" not in found.code
        assert found.what
        assert found.hint
