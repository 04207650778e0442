"""Files of networks with something wrong: `equipoise analyse` says what and where, or goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from network_tables import COUNTS, MEANS, PAIRS, RATES, Table, cell, head
from typer.testing import CliRunner

import equipoise as eq
from equipoise.cli.main import app
from equipoise.core.errors import EquipoiseError

#: What people leave in cells.
LEFT = ["", "NaN", "inf", "-1", "0", "0.5", "x", "1e300", "1e-300", "A", "a", " P", "A+A", "A++B"]
LEFT += ["+", "A*B", "P.", "é", "=1+1", "12 (3)", "<5", "NA", "n/a"]
KINDS: dict[str, tuple[Table, str]] = {
    "counts": (COUNTS, "OR"),
    "means": (MEANS, "SMD"),
    "rates": (RATES, "IRR"),
    "pairs": (PAIRS, "OR"),
}


def write(table: Table, path: Path) -> Path:
    rows = [",".join(table), *(",".join(map(str, r)) for r in zip(*table.values(), strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def said(path: Path, measure: str, **more: Any) -> tuple[bool, str]:
    """Whether there is an analysis, and its summary or the words of the refusal."""
    try:
        return True, eq.analyse(path, measure=measure, **more).summary()
    except EquipoiseError as error:
        return False, str(error)


@pytest.mark.parametrize(
    ("kind", "column"), [(kind, column) for kind, (table, _) in KINDS.items() for column in table]
)
def test_whatever_stands_in_a_cell(kind: str, column: str, tmp_path: Path) -> None:
    table, measure = KINDS[kind]
    for value in LEFT:
        path = write(cell(table, column, value), tmp_path / "net.csv")
        done, words = said(path, measure)
        assert done or "Try: " in words, (value, words)
        if done:
            numbers = words.replace("'NaN'", "").replace("NaN", "" if "treat" in column else "NaN")
            assert "nan" not in numbers.casefold() or column == "study", (value, words)


@pytest.mark.parametrize(
    ("kind", "column"), [(kind, column) for kind, (table, _) in KINDS.items() for column in table]
)
def test_a_column_that_is_not_there(kind: str, column: str, tmp_path: Path) -> None:
    table, measure = KINDS[kind]
    held = {name: values for name, values in table.items() if name != column}
    done, words = said(write(held, tmp_path / "net.csv"), measure)
    assert done or "Try: " in words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"measure": ""}, "unknown measure ''"),
        ({"measure": "RX"}, "unknown measure 'RX'"),
        ({"measure": None}, "measure=None (argument measure)"),
        ({"reference": "Q"}, "'Q'"),
        ({"better": "up"}, "'up'"),
        ({"level": 2.0}, "level 2"),
        ({"model": "fixed"}, "unknown model 'fixed'"),
        ({"tau2": "PM"}, "'PM'"),
        ({"interval": "wald"}, "'Wald'"),
        ({"mods": "~ year"}, "'~ year'"),
        ({"order": "year"}, "in the order of 'year'"),
        ({"preset": "metafor"}, "the preset 'metafor' for a network"),
    ],
)
def test_what_is_asked_of_a_network(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = write(COUNTS, tmp_path / "net.csv")
    done, text = said(path, **{"measure": "OR", **more})
    assert not done
    assert words in text
    assert "Try: " in text


def test_a_reference_that_one_comparison_does_not_go_by(tmp_path: Path) -> None:
    path = write(head(PAIRS, 1), tmp_path / "net.csv")
    done, words = said(path, "OR", reference="A")
    assert not done
    assert "the file gives A against P" in words
    assert said(path, "OR", reference="P")[0]


def test_a_treatment_that_looks_like_a_gap_is_told(tmp_path: Path) -> None:
    path = write(cell(COUNTS, "treat", "NA"), tmp_path / "net.csv")
    assert "treatment of its own: 'NA' (study t1)" in said(path, "OR")[1]


def test_a_blank_measure_on_the_command_line(tmp_path: Path) -> None:
    path = write(COUNTS, tmp_path / "net.csv")
    result = CliRunner().invoke(app, ["analyse", str(path), "--measure", ""])
    assert isinstance(result.exception, eq.UnknownNameError)
