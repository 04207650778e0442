"""A single table of trials: its forms, its columns, and what it says of what it cannot read."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from equipoise.core.errors import EquipoiseError, FolderError, InputError, UnknownNameError
from equipoise.review.sheet import SYNONYMS, Sheet, read_sheet

GOOD = "author,ai,n1i,ci,n2i,year\nA,4,123,11,139,1948\nB,6,306,29,303,\n"


def sheet(tmp_path: Path, text: str | bytes, name: str = "trials.csv") -> Sheet:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_sheet(path)


def test_columns_are_found_by_their_usual_names(tmp_path: Path) -> None:
    table = sheet(tmp_path, GOOD)
    found = table.find(("study", "events1", "n1", "events2", "n2", "mean1"), {})
    assert found == {
        "study": "author",
        "events1": "ai",
        "n1": "n1i",
        "events2": "ci",
        "n2": "n2i",
    }
    assert table.numbers(["ai", "n2i"]) == {"ai": [4.0, 6.0], "n2i": [139.0, 303.0]}
    assert table.lines == (2, 3)
    year = table.values("year")
    assert year[0] == 1948.0
    assert math.isnan(float(year[1]))
    assert table.values("author") == ["A", "B"]


def test_what_the_caller_names_wins_over_guesses(tmp_path: Path) -> None:
    table = sheet(tmp_path, "study,events1,cured\nA,1,2\n")
    assert table.find(("events1",), {"events1": "cured"}) == {"events1": "cured"}
    with pytest.raises(UnknownNameError, match="cured"):
        table.find(("events1",), {"events1": "curd"})


def test_two_headings_that_could_both_be_meant(tmp_path: Path) -> None:
    table = sheet(tmp_path, "study,se,S.E.\nA,1,2\n")
    with pytest.raises(InputError, match="could both be sei"):
        table.find(("sei",), {})


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD + ",,,,,\n\n",
    ],
    ids=["semicolons", "tabs", "byte order mark", "other line ends", "blank rows"],
)
def test_forms_of_the_same_table(tmp_path: Path, text: str) -> None:
    table = sheet(tmp_path, text)
    assert table.cells == sheet(tmp_path, GOOD).cells


def test_a_semicolon_file_with_commas_inside(tmp_path: Path) -> None:
    table = sheet(tmp_path, 'study;yi;vi\n"Smith; 2001";1;2\nJones, A;3;4\n')
    assert table.cells["study"] == ("Smith; 2001", "Jones, A")


def test_every_cell_that_is_no_number_is_told_with_its_line(tmp_path: Path) -> None:
    table = sheet(tmp_path, 'study,yi,vi\nA,0.5,0.1\nB,\u22120.2,NR\nC,"0,3",0.2\n')
    with pytest.raises(FolderError) as caught:
        table.numbers(["yi", "vi"])
    text = str(caught.value)
    assert "trials.csv:3: column yi" in text
    assert "plain hyphen" in text
    assert "trials.csv:3: column vi" in text
    assert "trials.csv:4: column yi" in text
    assert "decimal" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "empty file"),
        (b"study,yi\n", "without rows"),
        (b"study,,yi\nA,1,2\n", "column 2 has no name"),
        (b"study,yi,yi\nA,1,2\n", "two columns are called 'yi'"),
        (b"study,yi\nA,1,2\nB,1,2,3\n", "trials.csv:2: 3 cells for 2 columns"),
        (b"PK\x03\x04abc", "workbook"),
        ("study,yi\nMüller,1\n".encode("latin-1"), "trials.csv:2"),
        (b'study,yi\n"A,1\n', "quote"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(EquipoiseError, match=message):
        sheet(tmp_path, text)


def test_no_such_file_offers_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text(GOOD)
    with pytest.raises(InputError, match=r"trials\.csv\?"):
        read_sheet(tmp_path / "trails.csv")
    with pytest.raises(InputError, match="cannot read"):
        read_sheet(tmp_path)


def test_no_synonym_stands_for_two_columns_at_once() -> None:
    for side in ("1", "2"):
        wanted = [name for name in SYNONYMS if name.endswith(side)]
        words = [word for name in wanted for word in (name, *SYNONYMS[name])]
        assert len(words) == len(set(words))
