"""What holds for every effect measure: order, swapped groups, gaps, frames, and the way back."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtr

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval
from equipoise.effects.contrasts import Contrasts, arms, effect_sizes, published
from equipoise.effects.inputs import INPUTS
from equipoise.effects.measures import MEASURES, measure_of
from equipoise.effects.scales import SCALES, back_double_arcsine, back_double_root
from equipoise.models.pairwise import pairwise

#: Three trials for every column there is.
COLUMNS: dict[str, list[float]] = {
    "events1": [12, 30, 5],
    "n1": [100, 50, 40],
    "events2": [20, 10, 6],
    "n2": [90, 52, 41],
    "time1": [100.5, 340.0, 51.0],
    "time2": [110.0, 300.0, 60.5],
    "mean1": [10.2, 55.0, 3.1],
    "sd1": [3.1, 12.0, 0.9],
    "mean2": [8.9, 50.0, 3.6],
    "sd2": [2.8, 15.0, 1.1],
    "events": [5, 20, 99],
    "n": [50, 33, 1000],
    "time": [50.5, 20.0, 1000.0],
    "mean": [10.0, 5.5, 100.0],
    "sd": [2.0, 3.0, 15.0],
    "r": [0.5, -0.3, 0.12],
    "both": [20, 5, 60],
    "only1": [10, 3, 15],
    "only2": [5, 8, 12],
    "neither": [40, 30, 10],
    "d": [0.5, -0.2, 0.1],
    "t": [2.5, -1.1, 0.3],
    "predictors": [3, 5, 2],
    "r2": [0.3, 0.25, 0.4],
    "alpha": [0.8, 0.92, 0.55],
    "items": [10, 20, 5],
    "o_minus_e": [-3.2, 4.1, -0.5],
    "v": [12.0, 20.5, 4.0],
    "auc": [0.6, 0.45, 0.9],
    "homozygous1": [12, 30, 5],
    "heterozygous": [88, 20, 45],
    "homozygous2": [20, 10, 5],
}
COMPUTED = [code for code, m in MEASURES.items() if m.data != "any"]
TWO_GROUPS = [code for code in COMPUTED if INPUTS[measure_of(code).data].groups == 2]


def given_columns(code: str) -> dict[str, list[float]]:
    data = measure_of(code).data
    columns = {name: COLUMNS[name] for name in INPUTS[data].columns}
    if data == "margins":  # both margins are those of the same pairs
        columns["events2"] = [18, 12, 60]
    return columns


def of(code: str, **changes: Any) -> Contrasts:
    return effect_sizes(code, **(given_columns(code) | changes))


@pytest.mark.parametrize("code", COMPUTED)
def test_every_measure_keeps_what_it_was_computed_from(code: str) -> None:
    es = of(code, study=["A", "B", "C"])
    assert np.isfinite(es.yi).all()
    assert (es.vi > 0.0).all()
    assert {name: values.tolist() for name, values in es.raw.items()} == {
        name: [float(v) for v in values] for name, values in given_columns(code).items()
    }
    assert Contrasts.from_dict(json.loads(json.dumps(es.to_dict(), allow_nan=False))) == es
    back = pickle.loads(pickle.dumps(es))
    assert back == es
    assert all(not values.flags.writeable for values in back.raw.values())
    both = Contrasts.stack([es.take([2]), es.take([0, 1])])
    assert both.study == ("C", "A", "B")
    for name, values in es.raw.items():
        assert both.raw[name].tolist() == values[[2, 0, 1]].tolist()
    assert "contrasts from 3 studies" in es.summary()


@pytest.mark.parametrize("code", COMPUTED)
def test_the_order_of_the_trials_and_gaps_change_nothing_else(code: str) -> None:
    es = of(code)
    turned = of(code, **{name: values[::-1] for name, values in given_columns(code).items()})
    assert turned.yi == pytest.approx(es.yi[::-1], rel=1e-12, abs=1e-14)
    assert turned.vi == pytest.approx(es.vi[::-1], rel=1e-12)
    column = INPUTS[measure_of(code).data].columns[0]
    holed: list[Any] = list(given_columns(code)[column])
    holed[1] = None
    gap = of(code, **{column: holed}, study=["A", "B", "C"])
    assert gap.study == ("A", "B", "C")
    assert np.isnan(gap.yi).tolist() == [False, True, False]
    assert gap.yi[[0, 2]] == pytest.approx(es.yi[[0, 2]], rel=1e-12, abs=1e-14)
    assert gap.marked("missing").tolist() == [False, True, False]
    assert next(n.text for n in gap.notes if n.code == "missing").endswith("value: B.")
    assert math.isnan(gap.raw[column][1])
    fit = pairwise(gap)
    assert fit.k == 2
    assert [row.study for row in fit.left_out] == ["B"]


@pytest.mark.parametrize("code", [c for c in TWO_GROUPS if not c.startswith(("SMD1", "RBIS"))])
def test_swapped_groups_turn_the_sign(code: str) -> None:
    es = of(code)
    columns = given_columns(code)
    swapped = {name[:-1] + "21"[int(name[-1]) - 1]: values for name, values in columns.items()}
    other = effect_sizes(code, **swapped)  # type: ignore[arg-type]
    null = measure_of(code).no_effect
    assert other.yi - null == pytest.approx(null - es.yi, rel=1e-11, abs=1e-13)
    if code not in ("ZBIS",):
        assert other.vi == pytest.approx(es.vi, rel=1e-10)


@pytest.mark.parametrize("code", COMPUTED)
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_columns_of_any_frame_by_name(code: str, make: Any) -> None:
    columns = given_columns(code)
    frame = make({f"my {name}": values for name, values in columns.items()})
    named = {name: f"my {name}" for name in columns}
    assert effect_sizes(code, **named, data=frame) == of(code)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", COMPUTED)
def test_every_variance_by_name(code: str) -> None:
    m = measure_of(code)
    plain = of(code)
    assert of(code, variance=m.variances[0]).vi == pytest.approx(plain.vi)
    for variance in m.variances:
        es = of(code, variance=variance)
        assert es.yi == pytest.approx(plain.yi)
        assert (es.vi > 0.0).all()
    with pytest.raises(UnknownNameError, match=f"variance of {code}"):
        of(code, variance="XY")
    if m.corrects:
        assert not np.allclose(of(code, correct=False).yi, plain.yi, rtol=1e-12)
    else:
        with pytest.raises(InputError, match="no correction to leave out"):
            of(code, correct=False)


@pytest.mark.parametrize("code", COMPUTED)
def test_one_trial_is_enough(code: str) -> None:
    es = effect_sizes(code, **{n: v[:1] for n, v in given_columns(code).items()})  # type: ignore[arg-type]
    if "AV" not in measure_of(code).variances:
        assert es.yi[0] == pytest.approx(of(code).yi[0], rel=1e-12)
    fit = pairwise(es)
    m = measure_of(code)
    back = fit.back()
    assert back.ci.low <= back.estimate <= back.ci.high
    assert back.estimate == pytest.approx(m.back(float(es.yi[0])))


def test_what_a_measure_takes_is_said() -> None:
    with pytest.raises(InputError, match=r"ZCOR without n.*takes r, n"):
        effect_sizes("ZCOR", r=[0.5])
    with pytest.raises(InputError, match=r"SMD with events1.*mean1, sd1.* or d, n1, n2 or t"):
        effect_sizes("SMD", d=[0.5], n1=[9], n2=[9], events1=[1])
    with pytest.raises(UnknownNameError, match=r"'ZCORR'.*'ZCOR'"):
        effect_sizes("ZCORR", r=[0.5], n=[9])
    assert effect_sizes("AUC", auc=[0.6], n1=[9], n2=[9]).measure == "CLES"


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("ZCOR", {"r": [0.5, 1.2, 0]}, r"correlation of 1.2 \(study study 2, column r\)"),
    ("ZCOR", {"n": [50, 3, 9]}, "group of 3"),
    ("IRR", {"time1": [1.0, 0.0, 1.0]}, r"person-time of 0 \(study study 2, column time1\)"),
    ("IRR", {"events2": [1, -1, 2]}, "-1 events"),
    ("MNLN", {"mean": [1.0, -1.0, 2.0]}, "MNLN of a mean of -1"),
    ("ROM", {"mean2": [1.0, 0.0, 2.0]}, r"ROM of a mean of 0.*true zero"),
    ("ROMC", {"mean2": [1.0, 0.0, 2.0]}, "ROMC of a mean of 0"),
    ("ARAW", {"alpha": [0.8, 80, 0.5]}, r"alpha of 80.*in percent"),
    ("ARAW", {"items": [10, 1, 5]}, "group of 1 "),
    ("R2", {"r2": [30, 0.2, 0.1]}, "in percent"),
    ("PCOR", {"predictors": [60, 2, 2]}, r"group of 50.*more than predictors"),
    ("HR", {"v": [1, 0, 1]}, r"a variance of 0.*not reported"),
    ("CLES", {"auc": [60, 0.5, 0.5]}, "an area of 60"),
    ("MC", {"sd1": [0, 1, 1]}, "standard deviation of 0"),
    ("MPRR", {"both": [1.5, 1, 1]}, "1.5 events"),
    ("SDLN", {"sd": [0, 1, 1]}, "standard deviation of 0"),
    ("PR", {"events": [51, 1, 1]}, "51 events in 50 people"),
]


@pytest.mark.parametrize(("code", "change", "message"), BAD)
def test_impossible_values_name_study_column_and_value(
    code: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        of(code, **change)


def test_a_p_value_has_the_sign_of_the_difference() -> None:
    t = effect_sizes("SMD", t=[-2.0], n1=[20], n2=[25])
    p = effect_sizes("SMD", p_value=[-2.0 * stdtr(43, -2.0)], n1=[20], n2=[25])
    assert p.yi == pytest.approx(t.yi, rel=1e-12)
    with pytest.raises(InputError, match=r"p value of 1\.2"):
        effect_sizes("SMD", p_value=[1.2], n1=[20], n2=[25])


def test_hazard_ratios() -> None:
    es = effect_sizes("HR", o_minus_e=[-5.0], v=[10.0])
    assert (es.yi[0], es.vi[0]) == (-0.5, 0.1)
    es = effect_sizes("HR", estimate=[0.6], ci_low=[0.4], ci_high=[0.9])
    assert es.yi[0] == pytest.approx(math.log(0.6))
    assert es.sei[0] == pytest.approx(math.log(0.9 / 0.4) / (2 * 1.959963984540054))
    assert es == published("HR", estimate=[0.6], ci_low=[0.4], ci_high=[0.9])
    with pytest.raises(InputError, match="estimate with v"):
        effect_sizes("HR", estimate=[0.6], v=[1.0])
    with pytest.raises(InputError, match=r"printed results of PLO.*logit"):
        published("PLO", estimate=[0.6], se=[0.1])


def test_a_caution_goes_with_the_double_arcsine() -> None:
    es = of("PFT")
    assert es.notes[0].code == "caution"
    assert "can mislead" in es.notes[0].text
    assert any(note.code == "caution" for note in pairwise(es).notes)


# --- the way back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("PLO", [0.0001, 0.3, 0.9999]),
        ("PRZ", [0.001, 0.5, 0.99]),
        ("PAS", [0.0, 0.2, 1.0]),
        ("PLN", [0.01, 1.0]),
        ("IRS", [0.0, 2.5, 100.0]),
        ("ZCOR", [-0.99, 0.0, 0.7]),
        ("ZR2", [0.0, 0.3, 0.9]),
        ("AHW", [-0.5, 0.0, 0.9]),
        ("ABT", [-0.5, 0.0, 0.9]),
    ],
)
def test_there_and_back(code: str, values: list[float]) -> None:
    x = np.array(values)
    there = {
        "PLO": lambda p: np.log(p / (1 - p)),
        "PRZ": ndtri,
        "PAS": lambda p: np.arcsin(np.sqrt(p)),
        "PLN": np.log,
        "IRS": np.sqrt,
        "ZCOR": np.arctanh,
        "ZR2": lambda r2: np.arctanh(np.sqrt(r2)),
        "AHW": lambda a: 1 - np.cbrt(1 - a),
        "ABT": lambda a: -np.log(1 - a),
    }[code](x)
    m = measure_of(code)
    assert m.back(there) == pytest.approx(x, rel=1e-12, abs=1e-15)
    assert [m.back(float(y)) for y in there] == pytest.approx(x, rel=1e-12, abs=1e-15)


@settings(max_examples=60)
@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_double_arcsine_of_counts_comes_back(xn: tuple[int, int]) -> None:
    x, n = xn
    es = effect_sizes("PFT", events=[x], n=[n])
    p = float(back_double_arcsine(es.yi, n)[0])
    assert p == pytest.approx(x / n, abs=1e-7)
    assert measure_of("PFT").back(float(es.yi[0]), n) == p
    assert measure_of("PFT").back(float(es.yi[0])) == pytest.approx(x / n, abs=1.0 / math.sqrt(n))


@given(st.integers(0, 1000), st.floats(0.1, 1e5))
def test_the_double_root_of_counts_comes_back(x: int, time: float) -> None:
    es = effect_sizes("IRFT", events=[x], time=[time])
    assert float(back_double_root(es.yi, time)[0]) == pytest.approx(x / time, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("code", SCALES)
def test_the_way_back_rises_and_keeps_bounds(code: str) -> None:
    y = np.linspace(-3, 3, 61)
    back = SCALES[code].back(y)
    assert (np.diff(back) >= 0.0).all()
    m = next(m for m in MEASURES.values() if m.scale == code)
    interval = m.back_interval(Interval(-0.2, 0.4, 0.9, "Wald"))
    assert interval.low <= interval.high
    assert (interval.level, interval.method) == (0.9, "Wald")


def test_a_size_that_cannot_be() -> None:
    with pytest.raises(InputError, match="a size of 0"):
        measure_of("PFT").back(0.5, 0.0)


# --- arms --------------------------------------------------------------------------------------

#: Measures that are a difference of one number per arm, and SMD.
BY_ARMS = [c for c in COMPUTED if measure_of(c).arm is not None and measure_of(c).data != "mean"]


@pytest.mark.parametrize("code", [c for c in BY_ARMS if measure_of(c).compares])
def test_arms_of_two_groups_are_effect_sizes(code: str) -> None:
    m = measure_of(code)
    columns = given_columns(code) if m.data != "spreads" else given_columns("MD")
    names = sorted({name[:-1] for name in columns})
    rows = {
        name: [
            v for pair in zip(columns[f"{name}1"], columns[f"{name}2"], strict=True) for v in pair
        ]
        for name in names
    }
    held = arms(study=[s for s in "abc" for _ in "12"], treat=["T", "C"] * 3, **rows)  # type: ignore[arg-type]
    es = held.contrasts(code, reference="C")
    two = of(code)
    assert es.yi == pytest.approx(two.yi, rel=1e-12, abs=1e-14)
    assert es.vi == pytest.approx(two.vi, rel=1e-12)
    assert (
        es.raw["n1" if "n1" in columns else "time1"].tolist()
        == (columns["n1" if "n1" in columns else "time1"])
    )


def test_person_time_of_three_arms() -> None:
    held = arms(
        study=["x"] * 3, treat=["A", "B", "C"], events=[10, 20, 15], time=[100.0, 150.0, 90.0]
    )
    es = held.contrasts("IRR")
    assert repr(held) == "Arms(events in person-time: 3 arms of 1 study)"
    assert es.yi.tolist() == pytest.approx([math.log(20 / 15), math.log(15 / 9)])
    assert es.cov[0] == pytest.approx(1 / 10)
    assert held.contrasts("IRD").cov[0] == pytest.approx(10 / 100**2)
    assert held.contrasts("IRSD").cov[0] == pytest.approx(1 / 400)
    assert np.isnan(es.n1).all()
    assert (
        arms(study="study", treat="treat", events="events", time="time", data=held.to_frame())
        == held
    )


def test_arms_refuse_what_they_do_not_give() -> None:
    held = arms(study=["x"] * 2, treat=["A", "B"], events=[1, 2], n=[9, 9])
    with pytest.raises(InputError, match="PETO is not a difference of one number per arm"):
        held.contrasts("PETO")
    with pytest.raises(InputError, match="IRR from binary data"):
        held.contrasts("IRR")
    with pytest.raises(InputError, match="a person-time of 0"):
        arms(study=["x"], treat=["A"], events=[1], time=[0.0])
    with pytest.raises(InputError, match="ROM of a mean of -1"):
        arms(study=["x"] * 2, treat=["A", "B"], mean=[-1, 2], sd=[1, 1], n=[9, 9]).contrasts("ROM")
