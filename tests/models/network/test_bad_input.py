"""Whatever is wrong with a network is said by a typed error that names where, never by algebra."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import equipoise as eq
from equipoise.core.errors import (
    EquipoiseError,
    InputError,
    NotEstimableError,
    UnknownNameError,
)
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import arms, contrasts
from equipoise.models.components import components
from equipoise.models.network.fit import network
from equipoise.present.analysis import analyse

ARMS: dict[str, list[Any]] = {
    "study": ["one", "one", "two", "two", "three", "three"],
    "treat": ["A", "P", "B", "P", "A", "B"],
    "events": [3, 5, 4, 6, 7, 8],
    "n": [30, 31, 40, 41, 50, 52],
}
PAIRS: dict[str, list[Any]] = {
    "study": ["one", "two", "three"],
    "treat1": ["A", "B", "A"],
    "treat2": ["P", "P", "B"],
    "yi": [0.1, 0.2, 0.3],
    "vi": [0.01, 0.02, 0.03],
}
#: All comparisons of a trial of three arms.
THREE: dict[str, list[Any]] = {
    "study": ["T"] * 3,
    "treat1": ["A", "B", "A"],
    "treat2": ["P", "P", "B"],
    "yi": [0.5, 0.2, 0.3],
    "vi": [0.2, 0.2, 0.2],
}


def changed(table: dict[str, list[Any]], **columns: Any) -> dict[str, list[Any]]:
    """The table with other cells: a column, or a place and its value."""
    out = {name: list(values) for name, values in table.items()}
    for name, new in columns.items():
        if isinstance(new, dict):
            for row, value in new.items():
                out[name][row] = value
        else:
            out[name] = new
    return out


def without(table: dict[str, list[Any]], row: int) -> dict[str, list[Any]]:
    return {name: values[:row] + values[row + 1 :] for name, values in table.items()}


#: What is wrong with a table of arms, and what must be said.
BAD_ARMS: list[tuple[str, dict[str, list[Any]], type[Exception], tuple[str, ...]]] = [
    ("events above n", changed(ARMS, events={0: 31}), InputError, ("one", "31")),
    ("negative events", changed(ARMS, events={2: -1}), InputError, ("two", "-1")),
    ("events that are no number", changed(ARMS, events={2: "x"}), InputError, ("two", "x")),
    ("no people", changed(ARMS, n={3: 0}), InputError, ("two", "0")),
    ("no events at all", changed(ARMS, events=[None] * 6), InputError, ("one: A without events",)),
    ("no n at all", changed(ARMS, n=[math.nan] * 6), InputError, ("one: P without n",)),
    ("infinite n", changed(ARMS, n={1: math.inf}), InputError, ("one", "inf")),
    ("no treatment", changed(ARMS, treat={4: ""}), InputError, ("three", "without a treatment")),
    ("no study", changed(ARMS, study={4: " "}), InputError, ("without a name", "row 5")),
    ("the same arm twice", changed(ARMS, treat={1: "A"}), InputError, ("one", "'A'", "combine")),
    (
        "typing errors",
        changed(ARMS, treat={2: "a", 5: "b"}),
        InputError,
        ("'A' and 'a'", "one spelling"),
    ),
    (
        "punctuation",
        changed(ARMS, treat=["St John", "P", "St. John", "P", "B", "P"]),
        InputError,
        ("'St John' and 'St. John'",),
    ),
    (
        "two networks",
        changed(ARMS, treat=["A", "P", "B", "C", "A", "P"]),
        NotEstimableError,
        ("(1) A, P: 2 trials", "(2) B, C: 1 trial", "A against B"),
    ),
    (
        "only trials of one arm",
        changed(ARMS, study=["1", "2", "3", "4", "5", "6"]),
        InputError,
        ("1: only one group, A", "two groups"),
    ),
    ("different lengths", changed(ARMS, n=[30, 31]), InputError, ("n 2", "study 6")),
]

#: What is wrong with a table of contrasts, and what must be said.
BAD_PAIRS: list[tuple[str, dict[str, list[Any]], type[Exception], tuple[str, ...]]] = [
    ("zero variance", changed(PAIRS, vi={1: 0.0}), InputError, ("two", "0", "above 0")),
    ("negative variance", changed(PAIRS, vi={1: -0.5}), InputError, ("two", "-0.5")),
    ("text", changed(PAIRS, yi={0: "abc"}), InputError, ("one", "abc")),
    ("infinite", changed(PAIRS, yi={0: math.inf}), InputError, ("one", "inf")),
    ("nothing told", changed(PAIRS, yi=[math.nan] * 3), InputError, ("one: no estimate of A",)),
    ("no treatment", changed(PAIRS, treat2={2: ""}), InputError, ("three", "treat")),
    ("against itself", changed(PAIRS, treat2={0: "A"}), InputError, ("one", "'A'", "itself")),
    ("typing errors", changed(PAIRS, treat2={0: "p "}), InputError, ("'P' and 'p'", "one")),
    (
        "two networks",
        changed(PAIRS, treat1=["A", "C", "A"], treat2=["P", "D", "P"]),
        NotEstimableError,
        ("2 networks", "(2) C, D: 1 trial"),
    ),
    ("incomplete", without(THREE, 2), InputError, ("T", "without A against B", "all 3")),
    (
        "not adding up",
        changed(THREE, yi=[0.1, 0.1, 0.05], vi=[0.01] * 3),
        InputError,
        ("T: A − P 0.1", "A − B 0.05", "sign"),
    ),
    (
        "impossible variances",
        changed(THREE, vi=[0.9, 0.1, 0.1]),
        InputError,
        ("T", "standard errors that cannot"),
    ),
    ("a gap among several", changed(THREE, yi={0: math.nan}), InputError, ("T", "missing")),
    (
        "twice among several",
        {name: [*values, values[0]] for name, values in THREE.items()},
        InputError,
        ("T", "A against P more than once"),
    ),
    (
        "itself among several",
        {
            name: [*values, "A" if name[:5] == "treat" else values[0]]
            for name, values in THREE.items()
        },
        InputError,
        ("T", "'A' compared with itself"),
    ),
    ("different lengths", changed(PAIRS, vi=[0.1]), InputError, ("vi 1", "yi 3")),
]


def said(error: BaseException) -> str:
    assert isinstance(error, EquipoiseError)
    return str(error)


def check(call: Any, kind: type[Exception], words: tuple[str, ...]) -> None:
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word.casefold() in said(caught.value).casefold(), said(caught.value)


@pytest.mark.parametrize(("name", "table", "kind", "words"), BAD_ARMS, ids=[b[0] for b in BAD_ARMS])
def test_arms(name: str, table: Any, kind: Any, words: Any) -> None:
    check(lambda: network(arms(**table), measure="OR", reference=None), kind, words)
    if len({len(values) for values in table.values()}) == 1:
        names = {column: column for column in table}
        frames: list[Any] = [table, pd.DataFrame(table, dtype=object)]
        for frame in frames:
            check(lambda f=frame: network(arms(**names, data=f), measure="OR"), kind, words)


@pytest.mark.parametrize(
    ("name", "table", "kind", "words"), BAD_PAIRS, ids=[b[0] for b in BAD_PAIRS]
)
def test_contrasts_in_a_network_and_in_components(
    name: str, table: Any, kind: Any, words: Any
) -> None:
    check(lambda: network(contrasts(measure="OR", **table)), kind, words)
    if name not in ("two networks", "nothing told", "against itself"):
        check(
            lambda: components(contrasts(measure="OR", **table), inactive="P"),
            kind,
            tuple(word for word in words if word != "one"),
        )


def _csv(table: dict[str, list[Any]], path: Path) -> Path:
    def cell(value: Any) -> str:
        gap = value is None or (isinstance(value, float) and math.isnan(value))
        return "" if gap else str(value)

    rows = [",".join(table)]
    rows += [",".join(map(cell, row)) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "table", "kind", "words"),
    [
        b
        for b in (*BAD_ARMS, *BAD_PAIRS)
        if b[0] not in ("different lengths", "no study", "nothing told")
        and b[0]
        not in ("no treatment", "no events at all", "no n at all", "text", "infinite", "infinite n")
    ],
    ids=str,
)
def test_a_file(name: str, table: Any, kind: Any, words: Any, tmp_path: Path) -> None:
    path = _csv(table, tmp_path / "table.csv")
    # Numbers that a file cannot hold are told with file and line instead.
    wanted = () if name == "events that are no number" else words
    check(lambda: analyse(path, measure="OR"), EquipoiseError, wanted)


@pytest.mark.parametrize(
    ("name", "table", "kind", "words"),
    [b for b in (*BAD_ARMS, *BAD_PAIRS) if b[0] != "different lengths"],
    ids=str,
)
def test_a_file_never_fails_raw(
    name: str, table: Any, kind: Any, words: Any, tmp_path: Path
) -> None:
    path = _csv(table, tmp_path / "table.csv")
    with contextlib.suppress(EquipoiseError):
        analyse(path, measure="OR")


def test_what_is_asked_of_a_network() -> None:
    es = contrasts(measure="OR", **PAIRS)
    check(lambda: network(es, reference="Placebo"), UnknownNameError, ("'Placebo'", "known: A"))
    check(lambda: network(arms(**ARMS)), InputError, ("without a measure",))
    check(lambda: network(es, measure="RR"), InputError, ("RR",))
    check(lambda: network(arms(**ARMS), measure="MD"), InputError, ("MD", "binary"))
    fit = network(es)
    check(lambda: fit.effect("A", "a"), UnknownNameError, ("'A'",))
    odd = Contrasts(
        "MD", ("s", "t"), np.array([1.0, 2.0]), np.array([1.0, 0.0]), ("A", "B"), ("P", "P")
    )
    check(lambda: network(odd), InputError, ("study t", "variance of 0"))
    check(lambda: components(odd), InputError, ("study t", "variance 0"))
    wrong = Contrasts(
        "MD",
        ("s", "s"),
        np.array([1.0, 2.0]),
        np.array([1.0, 1.0]),
        ("A", "B"),
        ("P", "P"),
        cov_i=np.array([0]),
        cov_j=np.array([1]),
        cov=np.array([2.0]),
    )
    check(lambda: network(wrong), InputError, ("study s", "covariances"))
    check(lambda: components(wrong), InputError, ("study s", "covariances"))


def test_what_is_asked_of_components() -> None:
    table = changed(PAIRS, treat1=["A+B", "B", "A"], treat2=["P", "P", "P"])
    es = contrasts(measure="OR", **table)
    for text in ("A+A", "A++B", "+A"):
        twice = contrasts(measure="OR", **changed(table, treat1={0: text}))
        check(lambda t=twice: components(t, inactive="P"), InputError, (text, "joined by single +"))
    check(
        lambda: components(es, inactive="P", interactions=["A*C"]),
        UnknownNameError,
        ("'C'", "A*C", "known: A, B"),
    )
    apart = contrasts(measure="OR", **PAIRS)
    check(
        lambda: components(apart, inactive="P", interactions=["A*B"]),
        NotEstimableError,
        ("'A*B'", "no group had all of its components"),
    )
    check(lambda: components(es, interactions=["A*A"]), InputError, ("A*A",))
    check(lambda: components(es, interactions="all"), UnknownNameError, ("'all'",))  # type: ignore[arg-type]
    check(lambda: components(es, inactive="P").component("C"), NotEstimableError, ("'C'",))
    same = contrasts(measure="OR", **changed(PAIRS, treat1=["P"] * 3, treat2=["P+P"] * 3))
    check(lambda: components(same, inactive="P"), InputError, ("'P+P'",))


def test_trials_that_are_left_out_are_named() -> None:
    table = {name: [*values, *values[:1]] for name, values in ARMS.items()}
    table["study"][-1] = "alone"
    fit = network(arms(**table), measure="OR")
    assert [(row.study, row.why) for row in fit.left_out] == [("alone", "only one group, A")]
    gap = network(contrasts(measure="OR", **changed(PAIRS, yi={1: math.nan})))
    assert gap.left_out[0].study == "two"
    assert "two" in gap.summary()
    cmp = components(contrasts(measure="OR", **changed(PAIRS, yi={1: math.nan})), inactive="P")
    assert cmp.left_out[0].study == "two"


# --- one row a trial ----------------------------------------------------------------------------

WIDE: dict[str, list[Any]] = {
    "study": ["one", "two", "three"],
    "treat1": ["A", "B", "A"],
    "treat2": ["P", "P", "B"],
    "treat3": [None, None, "P"],
    "event1": [3, 4, 7],
    "event2": [5, 6, 8],
    "event3": [None, None, 9],
    "n1": [30, 40, 50],
    "n2": [31, 41, 52],
    "n3": [None, None, 54],
}
LONG = changed(
    ARMS,
    study=[*ARMS["study"], "three"],
    treat=[*ARMS["treat"], "P"],
    events=[*ARMS["events"], 9],
    n=[*ARMS["n"], 54],
)
COLUMNS: dict[str, Any] = {
    "treat": ["treat1", "treat2", "treat3"],
    "events": ["event1", "event2", "event3"],
    "n": ["n1", "n2", "n3"],
}


@pytest.mark.parametrize("make", [dict, pd.DataFrame, lambda t: pl.DataFrame(t, strict=False)])
def test_arms_side_by_side_are_arms(make: Any) -> None:
    assert arms(study="study", data=make(WIDE), **COLUMNS) == arms(**LONG)


def test_arms_side_by_side_from_lists_and_from_a_file(tmp_path: Path) -> None:
    lists = {name: [WIDE[c] for c in given] for name, given in COLUMNS.items()}
    assert arms(study=WIDE["study"], **lists) == arms(**LONG)
    wide = analyse(_csv(WIDE, tmp_path / "wide.csv"), measure="OR", reference="P")
    long = analyse(_csv(LONG, tmp_path / "long.csv"), measure="OR", reference="P")
    assert wide.columns["treat3"] == "treat3"
    assert wide.fit.to_dict()["theta"] == long.fit.to_dict()["theta"]


def test_means_and_person_time_of_files(tmp_path: Path) -> None:
    time = changed(LONG)
    time["time"] = [10.0 * n for n in time.pop("n")]
    found = analyse(_csv(time, tmp_path / "time.csv"), measure="IRR", reference="P")
    direct = network(arms(**time), measure="IRR", reference="P")
    assert found.fit.to_dict()["theta"] == direct.to_dict()["theta"]
    means = changed(LONG)
    means["mean"] = [float(e) for e in means.pop("events")]
    means["sd"] = [2.0] * len(means["mean"])
    found = analyse(_csv(means, tmp_path / "means.csv"), measure="MD", reference="P")
    direct = network(arms(**means), measure="MD", reference="P")
    assert found.fit.to_dict()["theta"] == direct.to_dict()["theta"]


def test_a_network_and_a_column_of_its_file(tmp_path: Path) -> None:
    table = {**LONG, "year": [2000, 2000, 2004, 2004, 2009, 2009, 2009]}
    path = _csv(table, tmp_path / "year.csv")
    found = analyse(path, measure="OR", reference="P", mods="~ year")
    assert found.parts[-1].id == "regression"
    assert any("common slopes" in line for line in found.parts[-1].text)
    check(lambda: analyse(path, measure="OR", mods="~ yeer"), InputError, ("yeer", "year"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"treat3": {2: None}}, ("results without a treatment", "study three, arm 3")),
        ({"n3": {2: 0}}, ("a group of 0", "study three")),
        ({"treat3": {2: "B"}}, ("study three", "'B'", "combine")),
    ],
)
def test_arms_side_by_side_that_are_wrong(changes: Any, words: Any, tmp_path: Path) -> None:
    table = changed(WIDE, **changes)
    check(lambda: arms(study="study", data=table, **COLUMNS), InputError, words)
    path = _csv(table, tmp_path / "wide.csv")
    check(lambda: analyse(path, measure="OR"), InputError, words)


def test_columns_that_do_not_go_together(tmp_path: Path) -> None:
    check(
        lambda: arms(study="study", data=WIDE, **{**COLUMNS, "n": ["n1", "n2"]}),
        InputError,
        ("treat 3", "n 2"),
    )
    check(
        lambda: arms(study="study", data=WIDE, **{**COLUMNS, "n": "n1"}), InputError, ("n as one",)
    )
    path = _csv({k: v for k, v in WIDE.items() if k != "n3"}, tmp_path / "wide.csv")
    check(lambda: analyse(path, measure="OR"), InputError, ("3 arms side by side without n3",))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("one,A,A,-0.4,0.05", "two,B,A,-0.6,0.07"), ("'A'", "itself", "one")),
        (("one,,P,-0.4,0.05", "two,B,P,-0.6,0.07"), ("blank treatment", "one", "treat1")),
        (("one,A,P,0.4,0.05", "two,P,A,-0.6,0.07"), ("P against A", "two", "one direction")),
        (("one,A+A,P,0.4,0.05", "two,B,P,-0.6,0.07"), ("'A+A'", "'A' twice", "one", "treat1")),
    ],
    ids=["itself", "blank", "both directions", "named twice"],
)
def test_a_file_of_one_comparison_or_of_components(
    rows: tuple[str, ...], words: tuple[str, ...], tmp_path: Path
) -> None:
    """With two treatments, a table is a pairwise synthesis, which must not pool these rows."""
    path = tmp_path / "trials.csv"
    path.write_text("\n".join(("study,treat1,treat2,yi,vi", *rows)) + "\n", encoding="utf-8")
    check(lambda: analyse(path, measure="OR"), InputError, words)


def test_a_gap_is_told_in_one_note() -> None:
    fit = network(contrasts(measure="OR", **changed(PAIRS, yi={0: math.nan})))
    assert [row.study for row in fit.left_out] == ["one"]
    assert sum("one" in note.text for note in fit.notes) == 1


@pytest.mark.parametrize(
    "asked",
    [
        eq.network,
        lambda x: eq.network(x, method="MH"),
        eq.network_ladder,
        eq.components,
        eq.forward_interactions,
        eq.identifiability_map,
        lambda x: eq.attribution(x, "A", "B"),
        lambda x: eq.cinema(x, important=0.2, risk_of_bias={}),
        lambda x: eq.network_regress(x, {}),
        lambda x: eq.network_subgroups(x, {}),
        lambda x: eq.tau2_by_group(x, {}),
    ],
)
@pytest.mark.parametrize("given", [None, {"study": ["1"]}, "network.csv"])
def test_what_is_no_evidence_is_named(asked: Any, given: Any) -> None:
    with pytest.raises(InputError, match=rf"evidence of type {type(given).__name__}"):
        asked(given)


@pytest.mark.parametrize(
    ("yi", "vi", "said"),
    [
        ([0.1, 0.2], [1e-300, 0.1], r"a variance of 1e-300, .* \(study a\)"),
        ([0.1, 0.2], [0.1, 1e200], r"a variance of 1e\+200, .* \(study b\)"),
        ([-1e300, 0.2], [0.1, 0.1], r"an estimate of -1e\+300, .* \(study a\)"),
    ],
)
def test_numbers_that_no_computer_can_square_are_refused(yi: Any, vi: Any, said: str) -> None:
    es = eq.contrasts(
        yi=yi, vi=vi, study=["a", "b"], treat1=["A", "B"], treat2=["P", "P"], measure="MD"
    )
    for make in (eq.network, eq.components):
        with pytest.raises(InputError, match=said):
            make(es)


def test_what_counts_as_nothing_and_nobody_had_is_told() -> None:
    rows = {"yi": [0.1, 0.2], "vi": [0.1, 0.1], "study": ["a", "b"], "measure": "MD"}
    es = eq.contrasts(treat1=["A+B", "B"], treat2=["plcebo", "plcebo"], **rows)
    fit = eq.components(es, inactive="placebo")
    note = next(n for n in fit.notes if n.code == "inactive-absent")
    assert "No group had 'placebo'" in note.text
    assert "'plcebo' meant?" in fit.summary()
    fine = eq.components(es, inactive="plcebo")
    assert not any(n.code == "inactive-absent" for n in fine.notes)
