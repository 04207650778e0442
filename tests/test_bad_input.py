"""Bad input at every front door: a typed error that names study and value, or a note; no raw error.

Each row is what is done to a sound table, and either words of the error, or the code of the note
that says what was done with the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import equipoise as eq
from equipoise.cli.main import app
from equipoise.core.errors import EquipoiseError, InputError, NotEstimableError, UnknownNameError

NAN, INF = math.nan, math.inf
Make = Callable[[dict[str, list[Any]]], Any]

COUNTS: dict[str, list[Any]] = {
    "study": ["A", "B", "C", "D"],
    "events1": [3, 5, 2, 6],
    "n1": [20, 30, 25, 40],
    "events2": [6, 8, 4, 9],
    "n2": [21, 29, 24, 41],
}
MEANS: dict[str, list[Any]] = {
    "study": ["A", "B", "C", "D"],
    "mean1": [1.0, 2.0, 3.0, 2.5],
    "sd1": [1.0, 1.1, 0.9, 1.2],
    "n1": [20, 30, 25, 40],
    "mean2": [2.0, 2.7, 3.5, 3.0],
    "sd2": [1.0, 1.0, 1.1, 1.3],
    "n2": [21, 29, 24, 41],
}
EFFECTS: dict[str, list[Any]] = {
    "study": ["A", "B", "C", "D"],
    "yi": [0.3, 0.1, -0.2, 0.4],
    "vi": [0.1, 0.2, 0.1, 0.3],
}
ARMS: dict[str, list[Any]] = {
    "study": ["A", "A", "B", "B"],
    "treat": ["x", "y", "x", "y"],
    "events": [1, 2, 3, 4],
    "n": [10, 11, 12, 13],
}
DOSE = {"dose": [1.0, 2.0, 4.0, 3.0]}

#: Front doors by name: their sound table, and what is called with it.
DOORS: dict[str, tuple[dict[str, list[Any]], Make]] = {
    "effect_sizes RR": (COUNTS, lambda t: eq.effect_sizes("RR", **t)),
    "effect_sizes OR": (COUNTS, lambda t: eq.effect_sizes("OR", **t)),
    "effect_sizes PETO": (COUNTS, lambda t: eq.effect_sizes("PETO", **t)),
    "effect_sizes MD": (MEANS, lambda t: eq.effect_sizes("MD", **t)),
    "effect_sizes SMD": (MEANS, lambda t: eq.effect_sizes("SMD", **t)),
    "contrasts": (EFFECTS, lambda t: eq.contrasts(**t, measure="RR")),
    "pairwise": (EFFECTS, lambda t: eq.pairwise(t, yi="yi", vi="vi", study="study")),
    "pairwise RR": (
        COUNTS,
        lambda t: eq.pairwise(t, measure="RR", **{c: c for c in COUNTS}),
    ),
    "regress": (EFFECTS, lambda t: eq.regress(eq.contrasts(**t), "~ dose", data=DOSE)),
    "multilevel": (EFFECTS, lambda t: eq.multilevel(**t, random="~ 1 | study")),
    "batch": (EFFECTS, lambda t: eq.batch.pairwise([t["yi"]], [t["vi"]])),
    "arms": (ARMS, lambda t: eq.network(eq.arms(**t), measure="OR", reference="x")),
    **{
        f"counts {m}": (COUNTS, lambda t, m=m: eq.counts(**t, measure="OR", model=m))
        for m in ("MH", "Peto", "UM.FS", "CM.EL", "BB", "Firth", "IV", "exact")
    },
}


def changed(table: dict[str, list[Any]], column: str, value: Any) -> dict[str, list[Any]]:
    """The table with another value of its second row."""
    out = {name: list(values) for name, values in table.items()}
    out[column][1] = value
    return out


#: What is no count, no size, no spread, no estimate: value, and words that must be in the error.
WRONG: dict[str, list[tuple[Any, str]]] = {
    "events1": [
        (-1, "-1 events"),
        (2.5, "2.5 events"),
        (31, "31 events in 30 people"),
        (INF, "infinite"),
        ("x", "'x' is not a number"),
        ([1, 2], "is not a number"),
    ],
    "n2": [
        (-29, "a group of -29"),
        (0, "a group of 0"),
        (29.5, "a group of 29.5"),
        (7, "8 events in 7 people"),
        (INF, "infinite"),
        ("x", "'x' is not a number"),
    ],
    "sd1": [(-1.0, "standard deviation of -1"), (INF, "infinite"), ("x", "'x' is not a number")],
    "mean1": [(INF, "infinite"), (-INF, "infinite"), ("x", "'x' is not a number")],
    "yi": [(INF, "infinite"), (-INF, "infinite"), ("x", "'x' is not a number")],
    "vi": [
        (-0.2, "-0.2"),
        (0.0, "0"),
        (INF, "infinite"),
        ("x", "'x' is not a number"),
        ([1, 2], "is not a number"),
    ],
}
IMPOSSIBLE = [
    (door, column, value, words)
    for door, (table, _) in DOORS.items()
    for column, rows in WRONG.items()
    if column in table and door not in ("batch", "arms")
    for value, words in rows
    if "events" not in words or table is COUNTS
]


@pytest.mark.parametrize(("door", "column", "value", "words"), IMPOSSIBLE)
def test_what_no_trial_can_have(door: str, column: str, value: Any, words: str) -> None:
    table, make = DOORS[door]
    with pytest.raises(InputError) as caught:
        make(changed(table, column, value))
    assert words in str(caught.value)
    assert "study B" in str(caught.value)


@pytest.mark.parametrize("door", [d for d, (t, _) in DOORS.items() if t is not ARMS])
@pytest.mark.parametrize("missing", [None, NAN])
def test_a_missing_value_is_named_and_never_silent(door: str, missing: Any) -> None:
    table, make = DOORS[door]
    column = next(c for c in ("events1", "mean1", "vi") if c in table)
    found = make(changed(table, column, missing))
    codes = {note.code for note in found.notes}
    assert codes & {"missing", "left-out"}
    if door.startswith("batch"):
        assert found.left_out.sum() == 1
    elif not door.startswith(("effect_sizes", "contrasts")):
        assert [row.study for row in found.left_out] == ["B"]
    if door != "batch":
        assert any("B" in note.text for note in found.notes if note.code in ("missing", "left-out"))


def test_both_groups_empty_of_people() -> None:
    """Nobody with the event among nobody is no trial, although 0 of 0 looks consistent."""
    table = changed(changed(COUNTS, "events1", 0), "n1", 0)
    for door in ("effect_sizes RR", "pairwise RR", "counts MH"):
        with pytest.raises(InputError, match=r"a group of 0 \(study B, column n1\)"):
            DOORS[door][1](table)


def test_halves_that_add_up_to_a_whole() -> None:
    table = changed(changed(COUNTS, "events1", 2.5), "n1", 30.5)
    for door in ("effect_sizes OR", "counts Peto"):
        with pytest.raises(InputError, match=r"study B"):
            DOORS[door][1](table)


@pytest.mark.parametrize("door", DOORS)
def test_no_trial_at_all(door: str) -> None:
    table, make = DOORS[door]
    empty: dict[str, list[Any]] = {name: [] for name in table}
    if door.startswith(("effect_sizes", "contrasts")):
        assert len(make(empty)) == 0
    elif door == "batch":
        assert {note.code for note in make(empty).notes} == {"empty"}
    else:
        with pytest.raises((NotEstimableError, InputError)):
            make(empty)


@pytest.mark.parametrize("door", [d for d, (t, _) in DOORS.items() if t is not ARMS])
def test_one_trial(door: str) -> None:
    table, make = DOORS[door]
    one = {name: values[:1] for name, values in table.items()}
    if door in ("regress", "multilevel"):
        with pytest.raises(EquipoiseError, match=r"1 (estimate|effect|row|value)"):
            make(one)
        return
    found = make(one)
    if door.startswith("pairwise"):
        assert "one-trial" in {note.code for note in found.notes}
        assert found.k == 1


@pytest.mark.parametrize("door", [d for d in DOORS if d not in ("batch", "arms")])
def test_columns_of_different_lengths(door: str) -> None:
    table, make = DOORS[door]
    last = list(table)[-1]
    with pytest.raises(InputError, match=r"length|rows"):
        make({**table, last: table[last][:2]})


@pytest.mark.parametrize(
    "door", ["pairwise", "pairwise RR", "regress", *(d for d in DOORS if d.startswith("counts"))]
)
def test_a_label_twice_is_said(door: str) -> None:
    table, make = DOORS[door]
    found = make({**table, "study": ["A", "B", "B", "D"]})
    notes = [note for note in found.notes if note.code == "repeated-study"]
    assert len(notes) == 1
    assert "B" in notes[0].text


def test_a_trial_entered_twice_is_said_once() -> None:
    table = {name: [*values, values[1]] for name, values in COUNTS.items()}
    table["study"][-1] = "E"
    fit = eq.pairwise(eq.effect_sizes("RR", **table))
    assert [n.code for n in fit.notes if n.code in ("same-data", "identical-rows")] == ["same-data"]
    plain = eq.contrasts(yi=fit.yi, vi=fit.vi, study=fit.study, measure="RR")
    codes = [n.code for n in eq.pairwise(plain).notes]
    assert "identical-rows" in codes


@pytest.mark.parametrize(
    "make",
    [
        lambda: eq.effect_sizes("RX", **COUNTS),
        lambda: eq.contrasts(**EFFECTS, measure="RX"),
        lambda: eq.counts(**COUNTS, measure="RX"),
        lambda: eq.counts(**COUNTS, measure="SMD"),
        lambda: eq.counts(**COUNTS, measure="OR", model="MM"),
        lambda: eq.pairwise(COUNTS, measure="RX", **{c: c for c in COUNTS}),
        lambda: eq.pairwise(EFFECTS, yi="yy", vi="vi"),
        lambda: eq.pairwise(EFFECTS, yi="yi", vi="vi", tau2="REEML"),
        lambda: eq.regress(eq.contrasts(**EFFECTS), "~ x", data=DOSE),
        lambda: eq.batch.pairwise([[1.0, 2.0]], [[1.0, 1.0]], tau2="XX"),
        lambda: eq.multilevel(**EFFECTS, random="~ 1 | ward"),
    ],
)
def test_unknown_names(make: Callable[[], Any]) -> None:
    with pytest.raises(UnknownNameError, match="known: "):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda what: eq.pairwise(what),
        lambda what: eq.regress(what, "~ 1"),
        lambda what: eq.leave_one_out(what),
        lambda what: eq.influence(what),
        lambda what: eq.baujat(what),
        lambda what: eq.small_study(what),
        lambda what: eq.trim_fill(what),
        lambda what: eq.sequential(what, eq.required_information(effect=0.1)),
    ],
)
@pytest.mark.parametrize("what", [None, 3, "effects", [0.1, 0.2]])
def test_something_else_than_effects(make: Callable[[Any], Any], what: Any) -> None:
    with pytest.raises(InputError):
        make(what)


@pytest.mark.parametrize(
    ("y", "v", "words"),
    [
        ([[0.1, 0.2]], [[0.1, -1.0]], "variance -1 (meta-analysis 0, trial 1"),
        ([[0.1, 0.2]], [[0.1, 0.0]], "variance 0 (meta-analysis 0, trial 1"),
        ([[0.1, 0.2]], [[0.1, -INF]], "variance -inf"),
        ([["a", "b"]], [[0.1, 0.1]], "not a rectangle of numbers"),
        ([[0.1, 0.2]], [[0.1, 0.1, 0.1]], "y of shape (1, 2) and v of shape (1, 3)"),
        ([[0.1], [0.1, 0.2]], [[0.1], [0.1, 0.2]], "rectangle"),
        (None, None, "dimension"),
    ],
)
def test_batches(y: Any, v: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        eq.batch.pairwise(y, v)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_a_batch_passes_over_what_is_not_finite_and_says_so(value: float) -> None:
    found = eq.batch.pairwise([[0.1, value, 0.3]], [[0.1, 0.1, 0.1]])
    assert found.left_out.tolist() == [1]
    assert {note.code for note in found.notes} == {"left-out"}
    assert found.estimate[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("events", -1, "-1 events (study A"),
        ("events", 1.5, "1.5 events (study A"),
        ("events", 12, "12 events in 11 people (study A"),
        ("events", "x", "'x' is not a number (study A"),
        ("events", INF, "an infinite value (study A"),
        ("n", 0, "a group of 0 (study A"),
        ("treat", "x", "study A"),
        ("treat", None, "treat"),
    ],
)
def test_arms(column: str, value: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        eq.arms(**changed(ARMS, column, value))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"V": [[1.0, 2.0], [2.0, 1.0]]}, "study|A and B|positive"),
        ({"V": [[1.0, NAN], [NAN, 1.0]]}, "a covariance that is nan"),
        ({"V": [[1.0]]}, "V of shape"),
        ({"V": "vi"}, "V is not a rectangle"),
        ({"vi": [0.1, 0.1], "sei": [0.1, 0.1]}, "yi with vi and sei"),
        ({}, "no variance"),
    ],
)
def test_covariances(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        eq.multilevel(yi=[0.1, 0.2], study=["A", "B"], random="~ 1 | study", **given)


def test_the_labels_given_to_multilevel_can_be_levels() -> None:
    columns = {**EFFECTS, "study": ["A", "A", "B", "B"]}
    one = eq.multilevel(**columns, random="~ 1 | study")
    other = eq.multilevel(yi="yi", vi="vi", random="~ 1 | study", data=columns)
    assert one.summary() == other.summary()


HEAD = "trial,events1,n1,events2,n2\n"
ROW = "A,1,10,2,10\n"

#: A file, and what the error must say.
FILES: dict[str, tuple[str, str]] = {
    "empty": ("", "an empty file"),
    "blank": ("\n\n", "an empty file"),
    "heading-only": (HEAD, "a table without rows"),
    "missing-column": ("trial,events1,n1,events2\nA,1,10,2\n", "do not make RR"),
    "text": (HEAD + ROW + "B,x,10,2,10\n", "text.csv:3: column events1: 'x'"),
    "nan": (HEAD + ROW + "B,NaN,10,2,10\n", "nan.csv:3: column events1: 'NaN'"),
    "inf": (HEAD + ROW + "B,inf,10,2,10\n", "inf.csv:3: column events1: 'inf'"),
    "negative": (HEAD + ROW + "B,-1,10,2,10\n", "-1 events (study B"),
    "half": (HEAD + ROW + "B,1.5,10,2,10\n", "1.5 events (study B"),
    "too-many": (HEAD + ROW + "B,11,10,2,10\n", "11 events in 10 people (study B"),
    "nobody": (HEAD + ROW + "B,0,0,2,10\n", "a group of 0 (study B"),
    "long-row": (HEAD + "A,1,10,2,10,5\n", "long-row.csv:2: 6 cells for 5 columns"),
    "two-heads": ("trial,n1,n1\nA,1,2\n", "two columns are called 'n1'"),
    "no-label": (HEAD + ",1,10,2,10\n" + ROW, "a study without a name (row 1)"),
    "all-missing": (HEAD + "A,,10,2,10\n", "no trial has an estimate"),
    "variance": ("trial,yi,vi\nA,0.1,0.2\nB,0.2,-1\n", "-1 (study B"),
    "no-variance": ("trial,yi,vi\nA,0.1,0.2\nB,0.2,0\n", "0 (study B"),
}


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path) -> None:
    text, words = FILES[name]
    path = tmp_path / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["analyse", str(path), "--measure", "RR"])
    assert isinstance(result.exception, EquipoiseError), result.output
    assert words in str(result.exception)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + ROW + "B,,10,2,10\nC,3,20,4,20\n", "Left out: B (no estimate)"),
        (HEAD + ROW + "A,3,20,4,20\n", "The same study appears more than once: A"),
        (HEAD + ROW, "One trial"),
        (HEAD + "A,0,10,0,10\nB,0,12,0,10\n", "Nobody in any group had the event"),
    ],
)
def test_files_with_something_to_say(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the report is written
    path = tmp_path / "trials.csv"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["analyse", str(path), "--measure", "RR"])
    assert result.exit_code == 0
    assert words in result.output


def test_an_unknown_measure_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text(HEAD + ROW, encoding="utf-8")
    runner = CliRunner()
    unknown = runner.invoke(app, ["analyse", str(path), "--measure", "RX"])
    assert isinstance(unknown.exception, UnknownNameError)
    absent = runner.invoke(app, ["analyse", str(tmp_path / "no.csv"), "--measure", "RR"])
    assert isinstance(absent.exception, InputError)
    assert "no such file" in str(absent.exception)
