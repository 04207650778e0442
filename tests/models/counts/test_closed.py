"""Mantel–Haenszel, Peto and added-up trials: laws they obey, and input they refuse."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts, effect_sizes
from equipoise.models.counts.difference import mantel_haenszel_rd
from equipoise.models.counts.fit import counts
from equipoise.models.counts.result import CountsFit

CLOSED = [("MH", "OR"), ("MH", "RR"), ("MH", "RD"), ("Peto", "OR"), ("collapsed", "OR")]
Row = tuple[int, int, int, int]
rows_of = st.lists(
    st.tuples(st.integers(1, 30), st.integers(31, 90), st.integers(1, 30), st.integers(31, 90)),
    min_size=1,
    max_size=6,
)


def fit(rows: list[Row], model: str = "MH", measure: str = "OR") -> CountsFit:
    a, m, c, n = (list(column) for column in zip(*rows, strict=True))
    return counts(events1=a, n1=m, events2=c, n2=n, model=model, measure=measure)


@pytest.mark.parametrize(("model", "measure"), CLOSED)
@given(rows=rows_of)
def test_swapping_the_groups_changes_the_sign(rows: list[Row], model: str, measure: str) -> None:
    one, two = fit(rows, model, measure), fit([(c, n, a, m) for a, m, c, n in rows], model, measure)
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-9, abs=1e-12)
    assert two.se == pytest.approx(one.se, rel=1e-9)


@pytest.mark.parametrize("model", ["MH", "Peto", "collapsed"])
@given(rows=rows_of)
def test_counting_the_others_inverts_the_odds_ratio(rows: list[Row], model: str) -> None:
    one, two = fit(rows, model), fit([(m - a, m, n - c, n) for a, m, c, n in rows], model)
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-9, abs=1e-12)
    assert two.se == pytest.approx(one.se, rel=1e-9)


@pytest.mark.parametrize(("model", "measure"), CLOSED)
@given(rows=rows_of)
def test_order_does_not_matter_at_all(rows: list[Row], model: str, measure: str) -> None:
    one, two = fit(rows, model, measure), fit(rows[::-1], model, measure)
    assert (one.estimate, one.se) == (two.estimate, two.se)


@pytest.mark.parametrize(("model", "measure"), CLOSED)
@given(rows=rows_of)
def test_every_trial_twice_halves_the_variance(rows: list[Row], model: str, measure: str) -> None:
    one, two = fit(rows, model, measure), fit(rows * 2, model, measure)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-12, abs=1e-14)
    assert two.se**2 == pytest.approx(one.se**2 / 2, rel=1e-10)


@given(rows=rows_of)
def test_trials_without_events_change_no_ratio(rows: list[Row]) -> None:
    for model, measure in (("MH", "OR"), ("MH", "RR"), ("Peto", "OR")):
        one, two = fit(rows, model, measure), fit([*rows, (0, 50, 0, 70)], model, measure)
        assert (one.estimate, one.se) == (two.estimate, two.se)
        assert (two.k, two.k_total) == (one.k, one.k_total + 1)
        assert "double-zero" in [note.code for note in two.notes]


@given(rows=rows_of)
def test_the_harms_of_an_answer_and_this_agree(rows: list[Row]) -> None:
    a, m, c, n = (list(column) for column in zip(*rows, strict=True))
    other, this = mantel_haenszel_rd(a, m, c, n), fit(rows, "MH", "RD")
    assert this.estimate == pytest.approx(other.estimate, rel=1e-10, abs=1e-14)
    assert this.se == pytest.approx(other.se, rel=1e-9)


def test_one_trial_gives_its_own_ratio() -> None:
    one = fit([(12, 40, 5, 50)])
    assert one.estimate == pytest.approx(math.log(12 * 45 / (28 * 5)), rel=1e-14)
    assert one.se == pytest.approx(math.sqrt(1 / 12 + 1 / 28 + 1 / 5 + 1 / 45), rel=1e-14)
    assert fit([(12, 40, 5, 50)], measure="RR").estimate == pytest.approx(math.log(0.3 / 0.1))
    assert one.test("Breslow–Day") is None
    assert math.isnan(one.i2)


def test_large_balanced_trials_of_a_small_effect_agree_in_all_methods() -> None:
    rows = [(1050, 20_000, 1000, 20_000)] * 4
    found = [fit(rows, model).estimate for model in ("MH", "Peto", "collapsed")]
    assert found == pytest.approx([found[0]] * 3, rel=2e-3)


def test_simpsons_paradox() -> None:
    rows = [(10, 1000, 40, 2000), (120, 400, 16, 50)]  # less risk in both, more when added up
    assert fit(rows).estimate < 0.0
    assert fit(rows, "collapsed").estimate > 0.0


def test_rates() -> None:
    data = {"events1": [4, 0], "time1": [120.5, 60], "events2": [9, 2], "time2": [110, 66.5]}
    ratio, difference = counts(**data), counts(measure="IRD", **data)
    assert ratio.measure == "IRR"
    assert ratio.estimate < 0.0 > difference.estimate
    longer = {k: [7 * x for x in v] if "time" in k else v for k, v in data.items()}
    assert counts(**longer).estimate == pytest.approx(ratio.estimate, rel=1e-13)
    assert counts(measure="IRD", **longer).estimate == pytest.approx(difference.estimate / 7)
    assert counts(measure="IRD", **longer).se == pytest.approx(difference.se / 7, rel=1e-13)
    assert counts(model="collapsed", **data).estimate < 0.0


def test_from_a_frame_and_from_contrasts() -> None:
    frame = pd.DataFrame({"a": [3, 0], "m": [50, 60], "c": [5, 2], "n": [52, 58], "t": ["x", "y"]})
    names = {"events1": "a", "n1": "m", "events2": "c", "n2": "n"}
    one = counts(data=frame, study="t", measure="RR", **names)
    es = effect_sizes("RR", data=frame, study="t", **names)
    two = counts(es)
    assert one.estimate == two.estimate
    assert one.study == two.study == ("x", "y")
    assert two.measure == "RR"
    assert list(two.to_frame("pandas")["weight"]) == pytest.approx(two.weights.tolist())
    assert CountsFit.from_dict(one.to_dict()).to_dict() == one.to_dict()


def test_a_row_with_a_missing_count_is_named() -> None:
    got = counts(events1=[3, None], n1=[50, 60], events2=[5, 2], n2=[52, 58], study=["x", "y"])
    assert [(row.study, row.why) for row in got.left_out] == [("y", "without events1")]
    assert (got.k, got.k_total) == (1, 2)
    assert "y (without events1)" in got.summary()


@pytest.mark.parametrize("model", ["MH", "Peto", "collapsed"])
def test_no_event_at_all_gives_the_bounds_instead(model: str) -> None:
    for measure in ("OR", "RD") if model != "Peto" else ("OR",):
        with pytest.raises(NotEstimableError, match=r"no event in any of 2 trials.*29\.52"):
            fit([(0, 50, 0, 60), (0, 50, 0, 60)], model, measure)
    with pytest.raises(NotEstimableError, match="everybody had the event"):
        fit([(50, 50, 60, 60)], model)


def test_all_events_in_one_group() -> None:
    rows = [(3, 50, 0, 60), (1, 50, 0, 60)]
    for model in ("MH", "collapsed"):
        with pytest.raises(NotEstimableError, match="infinite: every event is in group 1"):
            fit(rows, model)
    assert fit(rows, "Peto").estimate > 0.0
    assert fit(rows, "MH", "RD").estimate > 0.0
    with pytest.raises(NotEstimableError, match="every event is in group 1"):
        fit([(5, 5, 0, 5), (0, 4, 0, 4)])


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"events1": [9]}, InputError, "9 events in 8 people.*study study 1, column events1"),
        ({"events1": [-1]}, InputError, "-1 events"),
        ({"events1": [1.5]}, InputError, "whole count"),
        ({"events1": ["many"]}, InputError, "'many' is not a number"),
        ({"n1": [0]}, InputError, "a group of 0"),
        ({"events1": [1, 2]}, InputError, "different lengths"),
        ({"n1": None}, InputError, "OR without n1"),
        ({"events1": [math.nan]}, NotEstimableError, "no trial has all its counts"),
        ({"model": "mh"}, UnknownNameError, "'MH'"),
        ({"measure": "ORR"}, UnknownNameError, "'RR'"),
        ({"model": "Peto", "measure": "RD"}, InputError, "model 'Peto' has no RD"),
        ({"level": 95}, InputError, "level 95"),
        ({"add": 0.5, "model": "Peto"}, InputError, "a correction with model"),
        ({"to": "zeros"}, UnknownNameError, "only0"),
        ({"time1": [3.0]}, InputError, "OR with time1"),
        ({"study": "trial"}, InputError, "no data is given"),
    ],
)
def test_bad_input_is_refused(given: dict[str, object], error: type[Exception], text: str) -> None:
    good = {"events1": [1], "n1": [8], "events2": [2], "n2": [9], "measure": "OR"}
    with pytest.raises(error, match=text):
        counts(**(good | given))  # type: ignore[arg-type]


def test_bad_rates_are_refused() -> None:
    with pytest.raises(InputError, match="person-time 0"):
        counts(events1=[1], time1=[0], events2=[1], time2=[1])
    with pytest.raises(InputError, match="is it a rate"):
        counts(events1=[0.3], time1=[1], events2=[1], time2=[1])
    with pytest.raises(NotEstimableError, match="units of time"):
        counts(events1=[0], time1=[10], events2=[0], time2=[1])


def test_contrasts_without_counts_are_refused() -> None:
    with pytest.raises(InputError, match="do not keep events1"):
        counts(contrasts(yi=[0.1], vi=[0.2], measure="OR"))
    es = effect_sizes("OR", events1=[1], n1=[8], events2=[2], n2=[9])
    with pytest.raises(InputError, match="both contrasts and columns"):
        counts(es, events1=[1])


def test_what_is_printed() -> None:
    got = fit([(12, 40, 5, 50), (7, 60, 6, 50)])
    assert repr(got).startswith("<CountsFit OR MH 1.9")
    text = got.summary()
    assert "Odds ratio from 2 trials of 2; 19/100 against 11/100 events" in text
    assert "Cochran–Mantel–Haenszel" in text
    assert "<p>odds ratio 1.9" in got._repr_html_()
    assert str(got) == text
    assert np.isclose(got.weights.sum(), 100.0)
    assert got.back().ci.low < got.back().estimate < got.back().ci.high
