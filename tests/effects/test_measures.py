"""The registry of measures: scales, null values and the way back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Interval
from equipoise.core.table import kind_of
from equipoise.effects.inputs import INPUTS
from equipoise.effects.measures import MEASURES, measure_of
from equipoise.effects.scales import SCALES


def test_which_are_ratios() -> None:
    ratios = (
        "OR RR PETO REH HR IRR ROM CVR VR D2ORL D2ORN ROMC CVRC VRC MPRR MPOR MPORC MPPETO MPORM"
    )
    assert {code for code, m in MEASURES.items() if m.ratio} == set(ratios.split())
    assert {m.null for m in MEASURES.values() if m.ratio} == {1.0}
    chances = {"CLES", "CLESN", "CLESCN"}
    for code, m in MEASURES.items():
        if not m.compares:
            assert math.isnan(m.null)
        elif not m.ratio:
            assert m.null == (0.5 if code in chances else 0.0)


@pytest.mark.parametrize("code", MEASURES)
def test_each_says_what_it_is(code: str) -> None:
    m = measure_of(code)
    assert m.code == code
    assert m.name
    assert m.unit
    assert m.method.paper
    assert m.scale in SCALES
    assert m.variances
    if m.compares:
        assert m.back(m.no_effect) == m.null
        assert m.above or code == "GEN"
    else:
        assert not m.above


@given(st.floats(-700, 700))
def test_the_way_back(y: float) -> None:
    assert measure_of("RR").back(y) == math.exp(y)
    assert measure_of("MD").back(y) == y


def test_arrays_and_intervals_go_back_too() -> None:
    back = measure_of("OR").back(np.array([0.0, math.log(2.0)]))
    assert back.tolist() == pytest.approx([1.0, 2.0])
    interval = measure_of("OR").back_interval(Interval(0.0, 1000.0, 0.9, "Wald"))
    assert interval == Interval(1.0, math.inf, 0.9, "Wald")


def test_an_unknown_code_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'SMDD'.*'SMD'"):
        measure_of("SMDD")


def test_the_table_of_the_documentation_is_the_registry() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text("utf-8")
    lines = set(text.splitlines())
    for code, m in MEASURES.items():
        if m.data == "any":
            continue
        columns = ", ".join(f"`{name}`" for name in INPUTS[m.data].columns)
        options = ", ".join(m.variances) + ("; `correct`" if m.corrects else "")
        scale = m.scale_text or "as measured"
        assert f"| {code} | {m.name} | {columns} | {scale} | {options} |" in lines


@pytest.mark.parametrize("code", MEASURES)
def test_each_is_written_by_the_rule_of_its_kind(code: str) -> None:
    m = measure_of(code)
    assert (kind_of(code) == "ratio") is m.ratio
