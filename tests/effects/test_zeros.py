"""Rules for empty cells, by name, and what is marked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import arms, effect_sizes
from equipoise.effects.zeros import ZeroRule

ROWS: dict[str, Any] = {
    "events1": [0, 12, 0, 10],
    "n1": [100, 80, 50, 10],
    "events2": [4, 9, 0, 20],
    "n2": [300, 85, 50, 20],
}


def odds(a: float, n1: float, b: float, n2: float) -> float:
    return math.log(a / (n1 - a)) - math.log(b / (n2 - b))


def test_the_treatment_arm_correction_follows_the_sizes_of_the_groups() -> None:
    """By hand: 1/(R + 1) and R/(R + 1) for R = n2/n1, adding up to 1."""
    es = effect_sizes("OR", **ROWS, correction="treatment-arm")
    assert es.yi[0] == pytest.approx(odds(0.25, 100.5, 4.75, 301.5), rel=1e-13)
    assert es.yi[1] == pytest.approx(odds(12, 80, 9, 85), rel=1e-13)
    assert es.yi[2] == pytest.approx(0.0, abs=1e-13)
    assert "in proportion to the size of its group" in es.notes[0].text


def test_the_empirical_correction_follows_the_other_trials() -> None:
    """By hand: OR/(R + OR) and R/(R + OR), with the odds ratio of the only trial without zeros."""
    es = effect_sizes("OR", **ROWS, correction="empirical")
    ratio = 12 * 76 / (68 * 9)
    one, two = ratio / (3.0 + ratio), 3.0 / (3.0 + ratio)
    assert es.yi[0] == pytest.approx(odds(one, 100 + 2 * one, 4 + two, 300 + 2 * two), rel=1e-12)
    # A trial without events has nearly the odds ratio of the others.
    assert es.yi[2] == pytest.approx(math.log(ratio), abs=0.02)


def test_what_the_empirical_correction_needs() -> None:
    with pytest.raises(NotEstimableError, match="every trial has an empty cell"):
        effect_sizes("OR", events1=[0], n1=[9], events2=[2], n2=[9], correction="empirical")
    rates = {"events1": [0], "time1": [9.0], "events2": [2], "time2": [9.0]}
    with pytest.raises(InputError, match="two groups of people"):
        effect_sizes("IRR", **rates, correction="empirical")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="treatment-arm"):
        effect_sizes("OR", **ROWS, correction="treatment")
    held = arms(study=["x"] * 3, treat=["A", "B", "C"], events=[0, 1, 2], n=[9, 9, 9])
    with pytest.raises(InputError, match="two groups of people"):
        held.contrasts("OR", correction="empirical")
    pairs = {"both": [3], "only1": [0], "only2": [2], "neither": [5]}
    with pytest.raises(InputError, match="table of one group"):
        effect_sizes("MPORC", **pairs, correction="treatment-arm")  # type: ignore[arg-type]


@given(
    st.integers(1, 400), st.integers(1, 400), st.floats(0.01, 2.0), st.sampled_from(["OR", "RR"])
)
def test_without_events_the_treatment_arm_correction_says_no_difference(
    n1: int, n2: int, add: float, measure: str
) -> None:
    rule: dict[str, Any] = {"correction": "treatment-arm", "add": add}
    es = effect_sizes(measure, events1=[0], n1=[n1], events2=[0], n2=[n2], **rule)
    assert es.yi[0] == pytest.approx(0.0, abs=1e-9)


def test_rates_are_corrected_by_their_events_alone() -> None:
    rates = {"events1": [0, 3], "time1": [100.0, 50.0], "events2": [2, 4], "time2": [300.0, 50.0]}
    es = effect_sizes("IRR", **rates)  # type: ignore[arg-type]
    assert es.yi[0] == pytest.approx(math.log((0.5 / 100) / (2.5 / 300)), rel=1e-13)
    assert "0.5 was added to the events of trials where a group had no event" in es.notes[0].text
    es = effect_sizes("IRR", **rates, correction="treatment-arm")  # type: ignore[arg-type]
    assert es.yi[0] == pytest.approx(math.log((0.25 / 100) / (2.75 / 300)), rel=1e-13)


def test_marks_say_by_row_what_the_notes_say_in_words() -> None:
    es = effect_sizes("RR", **ROWS)
    assert es.marked("corrected").tolist() == [True, False, True, True]
    assert es.marked("double-zero").tolist() == [False, False, True, False]
    assert es.marked("double-full").tolist() == [False, False, False, True]
    assert es.marks[1] == ()
    plain = effect_sizes("RD", **ROWS, to="none")
    assert plain.marked("zero-cell").tolist() == [True, False, True, True]
    assert plain.marked("double-zero").tolist() == [False, False, True, False]
    assert plain.notes == ()


def test_trials_without_events_are_dropped_only_when_asked() -> None:
    kept = effect_sizes("OR", **ROWS)
    gone = effect_sizes("OR", **ROWS, drop00=True)
    assert np.isfinite(kept.yi).all()
    assert np.isnan(gone.yi).tolist() == [False, False, True, True]
    assert len(gone) == 4
    assert [note.code for note in gone.notes] == ["corrected", "drop00"]
    assert "study 3, study 4" in gone.notes[1].text
    held = arms(
        study=["a", "a", "b", "b"], treat=["T", "C"] * 2, events=[0, 0, 3, 4], n=[9, 9, 9, 9]
    )
    assert np.isnan(held.contrasts("OR", drop00=True).yi).tolist() == [True, False]


def test_what_is_defined_at_zero_is_never_corrected() -> None:
    for measure in ("AS", "PHI"):
        one, two = (effect_sizes(measure, **ROWS, to=to) for to in ("only0", "none"))  # type: ignore[arg-type]
        assert one.yi == pytest.approx(two.yi, nan_ok=True)
        assert "corrected" not in {note.code for note in one.notes}


@pytest.mark.parametrize("add", [-0.5, math.inf, math.nan])
def test_impossible_corrections(add: float) -> None:
    with pytest.raises(InputError, match="a correction of"):
        ZeroRule(add)
