"""Network meta-regression: values by metafor, laws, what the trials cannot tell, refusals."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import arms, contrasts
from equipoise.models.correlated import shared_effects
from equipoise.models.network.fit import network
from equipoise.models.network.regression import network_regress
from equipoise.models.network.regression_fit import NetworkRegression
from equipoise.models.regression import regress

VALUES = Path(__file__).parents[3] / "validation" / "values" / "network_regression.json"
SETS: dict[str, Any] = json.loads(VALUES.read_text(encoding="utf-8"))["sets"]


def reference_contrasts(one: dict[str, Any]) -> Contrasts:
    rows: dict[str, list[int]] = {}
    for i, study in enumerate(one["study"]):
        rows.setdefault(study, []).append(i)
    y, v, treat = one["value"], one["variance"], one["treat"]
    cells = [
        (study, treat[a], treat[b], y[a] - y[b], v[a] + v[b])
        for study, at in rows.items()
        for a, b in itertools.combinations(at, 2)
    ]
    study, treat1, treat2, yi, vi = zip(*cells, strict=True)
    return contrasts(study=study, treat1=treat1, treat2=treat2, yi=yi, vi=vi, measure="OR")


def fitted(one: dict[str, Any], **how: Any) -> NetworkRegression:
    year = dict(zip(one["study"], one["year"], strict=True))
    es = reference_contrasts(one)
    return network_regress(es, year, name="year", reference=one["reference"], **how)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("code", ["REML", "ML"])
def test_a_common_slope_is_that_of_metafor(name: str, code: str) -> None:
    one, wanted = SETS[name], SETS[name][code]
    free = fitted(one, tau2=code)
    assert free.tau2 == pytest.approx(wanted["tau2"], rel=2e-5, abs=1e-8)
    found = fitted(one, tau2=wanted["tau2"])
    effects = [found.effect(t, one["reference"]) for t in one["active"]]
    slope = found.slope()
    assert [e.estimate for e in effects] + [slope.estimate] == pytest.approx(
        wanted["beta"], rel=1e-8
    )
    assert [e.se for e in effects] + [slope.se] == pytest.approx(wanted["se"], rel=1e-8)
    assert found.test.statistic == pytest.approx(wanted["QM"], rel=1e-8)
    assert found.q == pytest.approx(wanted["QE"], rel=1e-8)
    assert found.center == pytest.approx(one["center"], rel=1e-12)
    if code == "REML":
        assert free.tau2_without == pytest.approx(one["none"]["tau2"], rel=2e-5)


@pytest.mark.parametrize("name", SETS)
def test_independent_slopes_are_those_of_metafor(name: str) -> None:
    one, wanted = SETS[name], SETS[name]["independent"]
    free = fitted(one, slopes="independent")
    assert free.tau2 == pytest.approx(wanted["tau2"], rel=1e-5, abs=1e-8)
    found = fitted(one, slopes="independent", tau2=wanted["tau2"])
    assert all(one["told"])
    effects = [found.effect(t, one["reference"]) for t in one["active"]]
    slopes = [found.slope(t) for t in one["active"]]
    both = [*effects, *slopes]
    assert [e.estimate for e in both] == pytest.approx(wanted["beta"], rel=1e-7)
    assert [e.se for e in both] == pytest.approx(wanted["se"], rel=1e-8)
    assert found.test.statistic == pytest.approx(wanted["QM"], rel=1e-8)
    assert found.q == pytest.approx(wanted["QE"], rel=1e-8)


@pytest.mark.parametrize("name", SETS)
def test_the_variances_of_exchangeable_slopes_have_the_highest_likelihood(name: str) -> None:
    one, wanted = SETS[name], SETS[name]["exchangeable"]
    found = fitted(one, slopes="exchangeable")
    assert found.tau2 == pytest.approx(wanted["tau2"], rel=1e-5, abs=1e-8)
    assert found.omega2 == pytest.approx(wanted["omega2"], rel=1e-5)
    assert found.mean_slope is not None
    shared, own = fitted(one).slope().estimate, fitted(one, slopes="independent")
    for s in found.slopes:  # each is drawn from its own towards the others
        assert s.se < own.slope(s.treatment).se
    ends = [own.slope(s.treatment).estimate for s in found.slopes]
    assert min(ends) < found.mean_slope.estimate < max(ends)
    assert min(ends) < shared < max(ends)


def test_predicted_slopes_are_those_of_the_mixed_model_equations() -> None:
    """Henderson's equations, another route to the same predictions and errors."""
    one = SETS["hasselblad1998"]
    found = fitted(one, slopes="exchangeable")
    assert found.omega2 is not None
    es, n = found.data, len(found.treatments) - 1
    unit = found.covariate.unit
    X, D = found.design[:, :n], found.design[:, n:]
    F = np.column_stack([X, D.sum(axis=1)])
    W = np.linalg.inv(es.V() + found.tau2 * shared_effects(es))
    G = np.eye(n) / (found.omega2 * unit**2)
    left = np.block([[F.T @ W @ F, F.T @ W @ D], [D.T @ W @ F, D.T @ W @ D + G]])
    C = np.linalg.inv(left)
    b = C @ np.concatenate([F.T @ W @ es.yi, D.T @ W @ es.yi])
    for i, s in enumerate(found.slopes):
        row = np.zeros(len(b))
        row[n], row[n + 1 + i] = 1.0, 1.0
        assert s.estimate == pytest.approx(row @ b / unit, rel=1e-8)
        assert s.se == pytest.approx(math.sqrt(row @ C @ row) / unit, rel=1e-8)


# --- laws ---------------------------------------------------------------------------------------


@st.composite
def two_groups(draw: Any) -> tuple[list[float], list[float], list[float]]:
    k = draw(st.integers(4, 12))
    mean = st.floats(-3, 3).map(lambda x: round(x, 3))
    y = draw(st.lists(mean, min_size=k, max_size=k))
    v = draw(st.lists(st.floats(0.02, 2).map(lambda x: round(x, 3)), min_size=k, max_size=k))
    z = draw(st.lists(st.integers(-20, 20), min_size=k, max_size=k, unique=True))
    return y, v, [float(x) for x in z]


@settings(max_examples=30, deadline=None)
@given(two_groups(), st.sampled_from(["Wald", "t", "HK", "HK-guarded"]))
def test_two_treatments_are_a_meta_regression(data: Any, interval: str) -> None:
    y, v, z = data
    es = contrasts(yi=y, vi=v, treat1=["A"] * len(y), treat2=["P"] * len(y), measure="MD")
    one = network_regress(
        es, z, reference="P", interval=interval, center=0.0, tau2="REML", name="dose"
    )
    two = regress(es, "~ dose", data={"dose": z}, tau2="REML", interval=interval)
    assume(two.q > 1e-9)  # else standard errors by Hartung–Knapp are rounding
    slope, start = two.coefficient("dose"), two.coefficient("intercept")
    assert one.tau2 == pytest.approx(two.tau2, rel=1e-8, abs=1e-10)
    assert one.slope().estimate == pytest.approx(slope.estimate, rel=1e-8, abs=1e-10)
    assert one.slope().se == pytest.approx(slope.se, rel=1e-8)
    assert one.slope().p_value == pytest.approx(slope.p_value, rel=1e-6, abs=1e-12)
    assert one.effect("A", "P").estimate == pytest.approx(start.estimate, rel=1e-8, abs=1e-9)
    assert one.effect("A", "P").se == pytest.approx(start.se, rel=1e-8)
    own = network_regress(es, z, reference="P", slopes="independent", interval=interval)
    assert own.slope("A").estimate == pytest.approx(slope.estimate, rel=1e-8, abs=1e-10)
    assert one.q == pytest.approx(two.q, rel=1e-8, abs=1e-10)
    before = regress(es, "~ 1", data={"dose": z}, tau2="REML").tau2
    assert one.tau2_without == pytest.approx(before, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("effect", [0.0, 0.5])
def test_trials_on_the_line_exactly(effect: float) -> None:
    es = contrasts(
        yi=[effect] * 4, vi=[1.0, 1.0, 1.0, 0.5], treat1=["A"] * 4, treat2=["P"] * 4, measure="MD"
    )
    z = [0.0, 1.0, 2.0, 3.0]
    one = network_regress(es, z, reference="P", interval="HK", name="dose")
    two = regress(es, "~ dose", data={"dose": z}, interval="HK")
    assert one.effect("A", "P").estimate == pytest.approx(effect)
    assert two.se.tolist() == pytest.approx([0.0, 0.0])
    assert str(one)
    assert str(two)


@settings(max_examples=12, deadline=None)
@given(
    st.floats(-1e4, 1e4),
    st.sampled_from([1e-6, -1.0, 3.0, 1e6]),
    st.sampled_from(["common", "independent", "exchangeable"]),
)
def test_shifts_and_scales_of_the_covariate(shift: float, factor: float, slopes: Any) -> None:
    one = SETS["hasselblad1998"]
    es = reference_contrasts(one)
    year = dict(zip(one["study"], one["year"], strict=True))
    moved = {study: factor * (value + shift) for study, value in year.items()}
    a = network_regress(es, year, reference="no_contact", slopes=slopes)
    b = network_regress(es, moved, reference="no_contact", slopes=slopes)
    assert b.tau2 == pytest.approx(a.tau2, rel=1e-6)
    assert b.test.statistic == pytest.approx(a.test.statistic, rel=1e-5)
    for x, y in zip(a.slopes, b.slopes, strict=True):
        assert y.estimate * factor == pytest.approx(x.estimate, rel=1e-5)
        assert y.se * abs(factor) == pytest.approx(x.se, rel=1e-5)
    for value in (1970.0, 1990.0):
        e = a.effect("self_help", "grp_counseling", value)
        f = b.effect("self_help", "grp_counseling", factor * (value + shift))
        assert f.estimate == pytest.approx(e.estimate, rel=1e-5)
        assert f.se == pytest.approx(e.se, rel=1e-5)


def test_effects_stay_consistent_at_every_value() -> None:
    fit = fitted(SETS["baker2009"], slopes="independent", interval="t")
    for at in (1990.0, 2005.0):
        ab = fit.effect("Tiotropium", "Placebo", at).estimate
        bc = fit.effect("Placebo", "Salmeterol", at).estimate
        assert ab + bc == pytest.approx(fit.effect("Tiotropium", "Salmeterol", at).estimate)
    assert fit.effect("Placebo", "Placebo").estimate == 0.0
    assert fit.effect("Tiotropium", "Placebo").ci.method == "t"


def test_which_treatment_is_the_reference_does_not_matter_to_independent_slopes() -> None:
    one = SETS["hasselblad1998"]
    es, year = reference_contrasts(one), dict(zip(one["study"], one["year"], strict=True))
    a = network_regress(es, year, slopes="independent", reference="no_contact")
    b = network_regress(es, year, slopes="independent", reference="self_help")
    e, f = (r.effect("ind_counseling", "grp_counseling", 1980.0) for r in (a, b))
    assert f.estimate == pytest.approx(e.estimate, rel=1e-6)
    assert f.se == pytest.approx(e.se, rel=1e-6)


def small(**more: Any) -> Contrasts:
    held: dict[str, Any] = {
        "study": ["1", "2", "3", "4", "5", "6"],
        "treat1": ["A", "A", "A", "B", "B", "A"],
        "treat2": ["P", "P", "P", "P", "P", "B"],
        "yi": [0.1, 0.4, 0.5, 0.9, 0.7, 0.2],
        "vi": [0.02, 0.03, 0.02, 0.04, 0.05, 0.03],
        "measure": "MD",
    }
    return contrasts(**(held | more))


def test_two_levels_are_zero_and_one() -> None:
    kind = dict(zip("123456", ["short", "long", "short", "long", "short", "short"], strict=True))
    words = network_regress(small(), kind, reference="P", name="length")
    assert words.covariate.levels == ("short", "long")
    numbers = {s: float(v == "long") for s, v in kind.items()}
    coded = network_regress(small(), numbers, reference="P", center=0.0)
    assert words.slope().estimate == pytest.approx(coded.slope().estimate, rel=1e-9)
    assert words.slope().se == pytest.approx(coded.slope().se, rel=1e-9)
    assert words.effect("A", "P").estimate == pytest.approx(coded.effect("A", "P").estimate)
    one = words.effect("A", "P", "long").estimate - words.effect("A", "P", "short").estimate
    assert one == pytest.approx(words.slope(level="long").estimate)
    assert "long against short" in words.summary()
    assert words.curve("A").shape[0] == 2
    with pytest.raises(UnknownNameError, match="short, long"):
        words.effect("A", "P", "longer")
    other = network_regress(small(), kind, reference="P", baseline="long")
    assert other.slope().estimate == pytest.approx(-words.slope().estimate, rel=1e-9)
    flags = {s: v == "long" for s, v in kind.items()}
    assert network_regress(small(), flags, reference="P").covariate.levels == ("False", "True")


def test_a_slope_that_the_trials_cannot_tell_is_named_with_the_reason() -> None:
    dose = {"1": 1.0, "2": 2.0, "3": 3.0, "4": 2.0, "5": 2.0, "6": 2.0}
    fit = network_regress(small(), dose, name="dose", slopes="independent", reference="P")
    assert fit.slope("A").why == ""
    assert fit.slope("B").why == "all 3 trials of B have dose = 2"
    assert math.isnan(fit.slope("B").estimate)
    assert fit.test.df == 1
    # At the value at which B was tried, all is told.
    assert math.isfinite(fit.effect("B", "P", 2.0).estimate)
    with pytest.raises(NotEstimableError, match="all 3 trials of B have dose = 2"):
        fit.effect("B", "A", 3.0)
    assert "cannot tell" in fit.league(3.0).to_text()
    assert "cannot tell" in fit.against(at=3.0).to_text()
    assert fit.effect("A", "P", 3.0).se > 0
    assert any(note.code == "slopes-not-told" for note in fit.notes)


def test_a_shared_slope_that_the_trials_cannot_tell_is_refused() -> None:
    es = small(treat2=["P", "P", "P", "P", "P", "B"], treat1=["A", "A", "A", "B", "B", "A"])
    dose = {"1": 1.0, "2": 1.0, "3": 1.0, "4": 1.0, "5": 1.0, "6": 4.0}
    with pytest.raises(NotEstimableError, match="effects against P change with dose"):
        network_regress(es, dose, name="dose", reference="P")


def test_trials_without_a_value_are_left_out_by_name() -> None:
    year: dict[str, Any] = {"1": 1.0, "2": 2.0, "3": None, "4": math.nan, "5": 2.0, "6": 5.0}
    fit = network_regress(small(), year, reference="P", name="year")
    assert [(row.study, row.why) for row in fit.left_out] == [("3", "no year"), ("4", "no year")]
    assert fit.k == 4
    assert "Left out for want of a value of year: 3, 4." in fit.summary()
    with pytest.raises(NotEstimableError, match="2 networks"):
        network_regress(
            small(treat2=["P", "P", "P", "C", "C", "P"], treat1=["A", "A", "A", "B", "B", "B"]),
            {"1": 1.0, "2": 2.0, "3": 3.0, "4": 1.0, "5": 2.0},
        )


def test_covariates_come_from_frames_of_any_form() -> None:
    treat = ["A", "P", "A", "P", "B", "P", "A", "B", "P"]
    frame = {
        "study": ["a", "a", "b", "b", "c", "c", "d", "d", "d"],
        "treat": treat,
        "events": [3, 5, 8, 12, 9, 11, 4, 6, 9],
        "n": [40, 41, 60, 58, 70, 69, 50, 50, 52],
        "year": [1990, 1990, 1995, 1995, 2001, 2001, 2004, 2004, 2004],
    }
    held = arms(study="study", treat="treat", events="events", n="n", data=frame)
    by_name = dict(zip(frame["study"], frame["year"], strict=True))
    wanted = network_regress(held, by_name, measure="OR", reference="P").slope().estimate
    for data in (frame, pd.DataFrame(frame), pl.DataFrame(frame)):
        fit = network_regress(held, "year", data=data, measure="OR", reference="P")
        assert fit.slope().estimate == wanted
        assert fit.covariate.name == "year"
    net = network(held, measure="OR", reference="P")
    rows = [by_name[s] for s in net.data.study]
    assert network_regress(net, rows).slope().estimate == wanted
    assert net.data.study.count("d") == 2
    twice = {**frame, "year": [*frame["year"][:-1], 2005]}
    with pytest.raises(InputError, match=r"two values of year: 2004 and 2005 \(study d\)"):
        network_regress(net, "year", data=twice)
    near = {**by_name, "bb": 3}
    near.pop("b")
    assert network_regress(net, near).left_out[0].study == "b"


@pytest.mark.parametrize(
    ("values", "how", "error", "match"),
    [
        ([5] * 6, {}, NotEstimableError, "all trials have the same"),
        ([1, 2], {}, InputError, "2 values of covariate for 6 contrasts"),
        ([1, 2, "x", 3, 4, 5], {}, InputError, "numbers and words"),
        ([1, 2, math.inf, 3, 4, 5], {}, InputError, "study 3"),
        ({"9": 1, "8": 2}, {}, InputError, "no study of the network"),
        ([1, 2, 3, 4, 5, 6], {"slopes": "shared"}, UnknownNameError, "assumption on slopes"),
        ([1, 2, 3, 4, 5, 6], {"tau2": "PM"}, UnknownNameError, "estimator"),
        ([1, 2, 3, 4, 5, 6], {"tau2": -1.0}, InputError, "tau² of -1"),
        ([1, 2, 3, 4, 5, 6], {"interval": "KR"}, UnknownNameError, "interval"),
        ([1, 2, 3, 4, 5, 6], {"level": 95}, InputError, "level"),
        ([1, 2, 3, 4, 5, 6], {"reference": "Q"}, UnknownNameError, "reference 'Q'"),
        ([1, 2, 3, 4, 5, 6], {"baseline": "x"}, InputError, "baseline"),
        (list("ababab"), {"center": 1.0}, InputError, "centre"),
        (list("ababab"), {"baseline": "c"}, UnknownNameError, "level"),
        ([1, 2, 3, 4, 5, 6], {"center": math.nan}, InputError, "centre"),
        ([1, 2, 3, 4, 5, 6], {"slopes": "exchangeable"}, NotEstimableError, "2 treatments"),
        (
            [1, 2, 3, 4, 5, 6],
            {"slopes": "exchangeable", "tau2": "ML"},
            InputError,
            "without REML",
        ),
        ("year", {}, InputError, "no data"),
    ],
)
def test_what_is_refused(values: Any, how: dict[str, Any], error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        network_regress(small(), values, **({"reference": "P"} | how))


def test_what_a_reader_sees() -> None:
    one = SETS["baker2009"]
    fit = fitted(one)
    text = fit.summary()
    assert "Network meta-regression of 8 treatments on year: 39 trials, common slopes" in text
    assert "4 trials without Placebo say nothing of it" in text
    assert repr(fit).startswith("<NetworkRegression OR on year: common slopes; chi² 0.05")
    assert fit.league(2000).caption.startswith("League table at year = 2000: odds ratio")
    assert fit.to_frame("pandas").shape == (1, 10)
    curve = fit.curve("Tiotropium", at=[2000, 2005], backend="pandas")
    assert next(iter(curve.columns)) == "year"
    assert curve["estimate"][0] == fit.effect("Tiotropium", "Placebo", 2000).estimate
    points = fit.points("Tiotropium", backend="pandas")
    assert len(points) > 5
    turned = fit.points("Placebo", "Tiotropium", backend="pandas")
    assert list(turned["yi"]) == [-y for y in points["yi"]]
    with pytest.raises(InputError, match="no contrast of"):
        fit.points("Budesonide", "Tiotropium")
    with pytest.raises(UnknownNameError):
        fit.points("Budesonid")
    again = NetworkRegression.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again.effect("Tiotropium", "Placebo", 2001) == fit.effect("Tiotropium", "Placebo", 2001)
    assert any("were not randomised" in note.text for note in fit.notes)
    common = fitted(one, model="common")
    assert common.r2 is None
    assert common.effect("Tiotropium", "Placebo").pi is None
