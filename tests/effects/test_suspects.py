"""The three commonest errors of entry: planted, found; and clean published data, left alone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.effects.contrasts import Contrasts, arms, contrasts, effect_sizes
from equipoise.effects.suspects import similar_names

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
SETS: dict[str, Any] = json.loads((VALUES / "public_trials.json").read_text("utf-8"))["sets"]
SUSPICIONS = {"maybe-se", "large-smd", "maybe-flipped", "same-data", "same-data-swapped"}
SUSPICIONS |= {"similar-names", "zero-sd"}


def codes(es: Contrasts) -> set[str]:
    return {note.code for note in es.notes} & SUSPICIONS


def text(es: Contrasts, code: str) -> str:
    return next(note.text for note in es.notes if note.code == code)


def study(measure: str, name: str, **changes: Any) -> Contrasts:
    return effect_sizes(measure, **(SETS[name] | changes))


@pytest.mark.parametrize("name", ["bcg", "nielweise2007", "collins1985a", "hine1989"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "AS", "PETO"])
def test_published_counts_are_not_suspected(name: str, measure: str) -> None:
    assert codes(study(measure, name)) == set()


@pytest.mark.parametrize("measure", ["MD", "SMD", "SMDH", "ROM", "CVR"])
def test_published_means_are_not_suspected(measure: str) -> None:
    assert codes(study(measure, "normand1999")) == set()


def test_published_estimates_are_not_suspected() -> None:
    for name, measure in (
        ("raudenbush1985", "SMD"),
        ("hackshaw1998", "OR"),
        ("molloy2014", "ZCOR"),
    ):
        data = json.loads((VALUES / f"pairwise_{name}.json").read_text("utf-8"))
        a = next(iter(data["analyses"].values()))
        assert codes(contrasts(yi=a["yi"], vi=a["vi"], measure=measure)) == set()


# --- a sign turned round -----------------------------------------------------------------------

CLEAR = {
    "mean1": [24.0, 25.5, 23.0, 26.0, 24.5, 25.0],
    "sd1": [4.0, 4.4, 3.8, 4.1, 4.2, 3.9],
    "n1": [60, 45, 80, 52, 70, 64],
    "mean2": [20.0, 21.0, 19.5, 21.5, 20.5, 21.2],
    "sd2": [4.1, 4.0, 4.2, 3.9, 4.0, 4.3],
    "n2": [58, 47, 79, 55, 68, 61],
}


def planted(**changes: list[float]) -> dict[str, Any]:
    return CLEAR | changes


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM"])
def test_a_turned_sign_is_told_with_the_trial_and_marked(measure: str) -> None:
    one, two = list(CLEAR["mean1"]), list(CLEAR["mean2"])
    one[3], two[3] = two[3], one[3]
    es = effect_sizes(measure, **planted(mean1=one, mean2=two))  # type: ignore[arg-type]
    assert codes(es) == {"maybe-flipped"}
    assert "turned: study 4." in text(es, "maybe-flipped")
    assert es.marked("maybe-flipped").tolist() == [False, False, False, True, False, False]
    assert codes(effect_sizes(measure, **CLEAR)) == set()  # type: ignore[arg-type]


def test_swapped_groups_of_a_published_table_are_told() -> None:
    bcg = {name: list(column) for name, column in SETS["collins1985a"].items()}
    # The largest trial of a set without heterogeneity.
    es = study("OR", "collins1985a")
    i = int(np.argmax(np.where(es.yi < 0.0, -es.yi / es.sei, 0.0)))
    for name in ("events", "n"):
        bcg[f"{name}1"][i], bcg[f"{name}2"][i] = bcg[f"{name}2"][i], bcg[f"{name}1"][i]
    flipped = effect_sizes("OR", **bcg)
    assert codes(flipped) <= {"maybe-flipped"}


@given(st.permutations(range(6)))
def test_the_order_of_the_trials_does_not_matter(order: list[int]) -> None:
    y = [-0.8, -0.7, 0.75, -0.9, -0.72, -0.81]
    es = contrasts(
        yi=[y[i] for i in order],
        vi=[0.01] * 6,
        study=[f"T{i}" for i in order],
        measure="OR",
    )
    assert text(es, "maybe-flipped").split(": ")[1].startswith("T2.")


@given(st.floats(1e-6, 1e6))
def test_the_unit_does_not_matter(unit: float) -> None:
    y = np.array([-0.8, -0.7, 0.75, -0.9, -0.72, -0.81]) * unit
    v = np.full(6, 0.01) * unit**2
    assert codes(contrasts(yi=y, vi=v, measure="MD")) == {"maybe-flipped"}
    assert codes(contrasts(yi=np.abs(y), vi=v, measure="MD")) == set()


def test_what_is_no_turned_sign() -> None:
    def about(y: list[float], v: list[float], measure: str = "OR") -> set[str]:
        return codes(contrasts(yi=y, vi=v, measure=measure))

    # Three trials cannot tell; trials on both sides disagree; a lone opposite effect of another
    # size is not cured by its negation; one group has no sign.
    assert about([-0.8, -0.8, 0.8], [0.01] * 3) == set()
    assert about([-0.8, -0.7, 0.7, 0.8, -0.9, 0.85], [0.01] * 6) == set()
    assert about([-0.8, -0.7, -0.9, -0.8, -0.7, 3.0], [0.01] * 6) == set()
    assert about([-0.8, -0.7, -0.9, -0.8, -0.7, 0.8], [0.01] * 6, "PLN") == set()
    assert about([-0.8, -0.7, -0.9, -0.8, -0.7, 0.8], [0.01] * 6, "GEN") == set()
    assert about([-0.8, -0.7, -0.9, -0.8, -0.7, 0.8], [0.01] * 6) == {"maybe-flipped"}


# --- a standard error in the column of standard deviations -------------------------------------


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM"])
@pytest.mark.parametrize("arm", ["both", "1", "2"])
def test_standard_errors_are_told(measure: str, arm: str) -> None:
    changed: dict[str, Any] = {name: list(column) for name, column in CLEAR.items()}
    for side in ("1", "2"):
        if arm in ("both", side):
            changed[f"sd{side}"][2] /= math.sqrt(changed[f"n{side}"][2])
    es = effect_sizes(measure, **changed)
    assert "maybe-se" in codes(es)
    assert "square root of n: study 3." in text(es, "maybe-se")
    assert es.marked("maybe-se").tolist() == [False, False, True, False, False, False]


def test_scales_of_different_width_are_no_standard_errors() -> None:
    factor = np.array([1.0, 10.0, 0.3, 25.0, 2.0, 6.0])
    changed = {
        name: (np.array(column) * factor).tolist() if name[0] in "ms" else column
        for name, column in CLEAR.items()
    }
    assert codes(effect_sizes("SMD", **changed)) == set()  # type: ignore[arg-type]


def test_standardised_differences_far_out_are_told_on_mixed_scales() -> None:
    factor = np.array([1.0, 10.0, 0.3, 25.0, 2.0, 6.0])
    small = dict(CLEAR)
    small["mean1"] = (np.array(CLEAR["mean2"]) + 1.5).tolist()
    changed: dict[str, Any] = {
        name: (np.array(column) * factor).tolist() if name[0] in "ms" else column
        for name, column in small.items()
    }
    assert codes(effect_sizes("SMD", **changed)) == set()
    for side in ("1", "2"):
        changed[f"sd{side}"][4] /= math.sqrt(changed[f"n{side}"][4])
    es = effect_sizes("SMD", **changed)
    assert codes(es) == {"maybe-se"}
    assert "study 5" in text(es, "maybe-se")


def test_arms_are_looked_at_too() -> None:
    held = arms(
        study=[f"T{i}" for i in range(5) for _ in range(3)],
        treat=["A", "B", "C"] * 5,
        n=[40] * 15,
        mean=[5.0, 6.0, 7.0] * 5,
        sd=[3.0, 3.1, 2.9] * 4 + [3.0 / math.sqrt(40)] * 3,
    )
    es = held.contrasts("MD")
    assert codes(es) == {"maybe-se"}
    assert es.marked("maybe-se").tolist() == [False] * 8 + [True] * 2
    for measure in ("VR", "CVR"):  # whose point is that spreads differ
        assert codes(held.contrasts(measure)) == set()


# --- the same trial twice ----------------------------------------------------------------------


def test_the_same_numbers_under_another_name_are_told() -> None:
    bcg = {name: [*column, column[4]] for name, column in SETS["bcg"].items()}
    bcg["study"][-1] = "Another 1980"
    es = effect_sizes("RR", **bcg)
    assert codes(es) == {"same-data"}
    assert "Frimodt-Moller et al 1973, Another 1980." in text(es, "same-data")
    assert np.flatnonzero(es.marked("same-data")).tolist() == [4, 13]


def test_the_same_numbers_with_the_groups_swapped_are_told() -> None:
    bcg = {name: [*column, column[4]] for name, column in SETS["bcg"].items()}
    for name in ("events", "n"):
        bcg[f"{name}1"][-1], bcg[f"{name}2"][-1] = bcg[f"{name}2"][-1], bcg[f"{name}1"][-1]
    bcg["study"][-1] = "Another 1980"
    assert "same-data-swapped" in codes(effect_sizes("RR", **bcg))


def test_rare_events_that_agree_by_chance_are_not_told() -> None:
    es = effect_sizes("OR", events1=[1, 1], n1=[50, 50], events2=[0, 0], n2=[50, 50])
    assert codes(es) == set()
    es = effect_sizes("OR", events1=[9, 9], n1=[50, 50], events2=[4, 4], n2=[50, 50])
    assert codes(es) == {"same-data"}
    es = effect_sizes("PR", events=[9, 9], n=[50, 50])
    assert codes(es) == {"same-data"}


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("Smith 2001", "smith 2001", True),
        ("Smith 2001", "Smith, 2001", True),
        ("Smith (2001)", "Smith 2001", True),
        ("Müller 1999", "Muller 1999", True),
        ("Smith 2001a", "Smith 2001b", False),
        ("Study 1.1", "Study 11", False),
        ("Smith 2001", "Smith 2002", False),
        ("Smith 2001", "Smith 2001", False),
    ],
)
def test_labels_that_differ_in_spelling_only(one: str, two: str, alike: bool) -> None:
    assert bool(similar_names([one, "Other 1990", two])) is alike
    if alike:
        es = contrasts(yi=[0.1, 0.2, 0.3], vi=[1, 1, 1], study=[one, "Other 1990", two])
        assert codes(es) == {"similar-names"}
        assert es.marked("similar-names").tolist() == [True, False, True]
