"""Subgroups: their own syntheses, the test of their differences, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.pairwise import pairwise
from equipoise.models.regression import regress
from equipoise.models.subgroups import Subgroups, subgroups

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
COUNTS = json.loads((VALUES / "pairwise_bcg.json").read_text("utf-8"))["columns"]
R = json.loads((VALUES / "subgroups.json").read_text("utf-8"))


def bcg() -> Contrasts:
    return effect_sizes("RR", data=COUNTS, events1="ai", n1="n1i", events2="ci", n2="n2i")


def test_separate_variances_agree_with_metafor() -> None:
    found = subgroups(bcg(), R["label"], interval="Wald")
    assert list(found.groups) == R["groups"]
    for name, fit in zip(found.groups, found.fits, strict=True):
        expected = R["separate"][name]
        got = {"k": fit.k, "beta": fit.estimate, "se": fit.se, "tau2": fit.tau2}
        got |= {"I2": fit.i2, "QE": fit.q}
        assert got == pytest.approx(expected, rel=1e-9)
    assert found.q_between == pytest.approx(R["separate_test"]["Q"], rel=1e-9)
    assert found.p_value == pytest.approx(R["separate_test"]["p"], rel=1e-9)
    assert found.df == 2


def test_a_common_variance_agrees_with_meta_regression() -> None:
    found = subgroups(bcg(), R["label"], tau2="common", interval="Wald")
    expected = R["common"]
    assert {fit.tau2 for fit in found.fits} == {found.fits[0].tau2}
    assert found.fits[0].tau2 == pytest.approx(expected["tau2"], rel=1e-9)
    assert found.q_between == pytest.approx(expected["QM"], rel=1e-9)
    assert found.p_value == pytest.approx(expected["QMp"], rel=1e-9)
    assert [d.estimate for d in found.differences] == pytest.approx(
        expected["difference"], rel=1e-9
    )
    assert [d.se for d in found.differences] == pytest.approx(expected["se"], rel=1e-9)


@given(
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(0.01, 2.0), st.sampled_from("ab")),
        min_size=4,
        max_size=12,
    ).filter(lambda rows: {"a", "b"} == {g for _, _, g in rows}),
    st.sampled_from(["REML", "DL", "PM", "HE"]),
)
@settings(max_examples=30, deadline=None)
def test_a_common_variance_is_the_regression_on_the_subgroup(
    rows: list[tuple[float, float, str]], tau2: str
) -> None:
    y, v, g = zip(*rows, strict=True)
    es = contrasts(yi=y, vi=v, study=[f"s{i}" for i in range(len(y))], measure="MD")
    found = subgroups(es, g, tau2="common", estimator=tau2, interval="Wald")
    reg = regress(es, X=[[float(x == g[0])] for x in g], tau2=tau2, interval="Wald")
    assert found.fits[0].tau2 == pytest.approx(reg.tau2, rel=1e-7, abs=1e-10)
    assert abs(found.differences[0].estimate) == pytest.approx(
        abs(float(reg.beta[1])), rel=1e-7, abs=1e-9
    )
    assert found.differences[0].p_value == pytest.approx(float(reg.p_value[1]), rel=1e-6, abs=1e-9)


def test_two_subgroups_have_one_difference_whose_square_is_q() -> None:
    labels = ["one" if i % 2 else "two" for i in range(13)]
    found = subgroups(bcg(), labels)
    (d,) = found.differences
    assert (d.estimate / d.se) ** 2 == pytest.approx(found.q_between, rel=1e-10)
    assert d.p_value == pytest.approx(found.p_value, rel=1e-9)
    assert (d.group1, d.group2) == ("one", "two")
    turned = subgroups(bcg(), labels, reference="one").differences[0]
    assert turned.estimate == -d.estimate


def test_a_column_of_a_frame_and_its_name() -> None:
    found = subgroups(bcg(), "alloc", data={"alloc": R["label"]})
    assert found.by == "alloc"
    assert found["random"].k == 7
    assert found.overall.estimate == pairwise(bcg()).estimate
    assert found.to_frame("pandas").columns[0] == "alloc"
    assert "alternate against random: ratio" in found.summary()
    assert repr(found).startswith("<Subgroups RR by alloc: 3 groups; Q")
    again = Subgroups.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.summary() == found.summary()
    assert "<table" in found._repr_html_()


def test_rows_without_a_label_are_left_out_and_named() -> None:
    labels: list[Any] = [*R["label"][:-1], None]
    found = subgroups(bcg(), labels)
    assert [row.study for row in found.left_out] == ["study 13"]
    assert "study 13" in found.summary()
    assert found.overall.k == 12


def test_rows_without_an_estimate_make_no_subgroup() -> None:
    es = Contrasts("MD", ("A", "B", "C"), np.array([0.1, 0.3, np.nan]), np.full(3, 0.1))
    found = subgroups(es, ["x", "x", "y"])
    assert found.groups == ("x",)
    assert found.df == 0
    assert math.isclose(found.p_value, 1.0)
    assert [row.study for row in found.left_out] == ["C"]
    assert "nothing to compare" in found.summary()


def test_small_subgroups_are_remarked_on() -> None:
    codes = {note.code for note in subgroups(bcg(), R["label"]).notes}
    assert codes == {"small-subgroups", "few-trials"}
    shared = {note.code for note in subgroups(bcg(), R["label"], tau2="common").notes}
    assert shared == {"few-trials"}


def test_refusals() -> None:
    es = bcg()
    with pytest.raises(InputError, match="12 subgroup labels for 13 rows"):
        subgroups(es, R["label"][:-1])
    with pytest.raises(UnknownNameError, match="'separate'"):
        subgroups(es, R["label"], tau2="seperate")
    with pytest.raises(UnknownNameError, match="'random'"):
        subgroups(es, R["label"], reference="randm")
    with pytest.raises(InputError, match="common effect"):
        subgroups(es, R["label"], tau2="common", model="common")
    with pytest.raises(NotEstimableError, match="subgroup"):
        subgroups(es, [None] * 13)
    with pytest.raises(InputError, match="without by"):
        subgroups(es, None)
    with pytest.raises(UnknownNameError, match="'random'"):
        subgroups(es, R["label"])["Random"]
