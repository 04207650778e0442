"""Covariance matrices and aggregated effects against metafor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.models.covariance import aggregate, vcalc

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
FILE = json.loads((VALUES / "vcalc.json").read_text("utf-8"))
ASSINK = json.loads((VALUES / "multilevel_assink2016.json").read_text("utf-8"))
BERKEY = json.loads((VALUES / "multilevel_berkey1998.json").read_text("utf-8"))

GROUPS = {"grp1": "g1", "grp2": "g2"}
SIZES = {"w1": "n1", "w2": "n2"}
TIMES = {"time1": "t1", "time2": "t2"}
CALLS: dict[str, dict[str, Any]] = {
    "obs": {"obs": "esid"},
    "type_obs": {"type": "deltype", "obs": "esid"},
    "type": {"type": "deltype", "check": False},
    "subgroup": {"subgroup": "half", "obs": "esid"},
    "rho_matrix": {"obs": "scale", "rho": {("p", "q"): 0.3}, "check": False},
    "repeated_obs": {"type": "deltype", "obs": "scale", "check": False},
    "time": {"time1": "time"},
    "time_type": {"time1": "time", "type": "what"},
    "groups": {**GROUPS, "check": False},
    "groups_sizes": {**GROUPS, **SIZES, "check": False},
    "groups_obs": {**GROUPS, **SIZES, "obs": "scale", "check": False},
    "within": {**GROUPS, **TIMES, "check": False},
    "within_sizes": {**GROUPS, **TIMES, **SIZES, "check": False},
}


def test_every_case_of_the_file_is_compared() -> None:
    assert set(CALLS) == set(FILE["cases"])


@pytest.mark.parametrize("case", CALLS)
def test_the_matrix_is_that_of_metafor(case: str) -> None:
    data = FILE["cases"][case]
    given = dict(data["settings"]) if isinstance(data["settings"], dict) else {}
    found = vcalc("vi", cluster="study", data=data["columns"], **(given | CALLS[case]))
    assert found == pytest.approx(np.array(data["V"]), rel=1e-12, abs=1e-16)


def test_one_correlation_for_a_study() -> None:
    d = ASSINK["input"]
    V = vcalc("vi", cluster="study", obs="esid", rho=0.6, data=d)
    block = np.array(ASSINK["vcalc_rho06_first_study_block"])
    assert V[:6, :6] == pytest.approx(block, rel=1e-14)
    assert not V[:6, 6:].any()
    assert np.array_equal(V, vcalc("vi", cluster="study", rho=0.6, data=d))


def test_covariances_in_columns() -> None:
    d = BERKEY["input"]
    V = vcalc(1, cluster="trial", rvars=["v1i", "v2i"], data=d)
    assert np.array_equal(V, np.array(BERKEY["V_matrix"]))


@pytest.mark.parametrize(
    ("block", "settings"),
    [
        ("ID", {"rho": 0.0}),
        ("CS", {"rho": 0.6}),
        ("CS_unweighted", {"rho": 0.6, "weighted": False}),
        ("CAR", {"phi": 0.8, "time": "esid"}),
    ],
)
def test_aggregated_effects(block: str, settings: dict[str, Any]) -> None:
    want = FILE["aggregated"][block]
    found = aggregate(yi="yi", vi="vi", cluster="study", data=ASSINK["input"], **settings)
    assert [float(s) for s in found.study] == want["study"]
    assert found.yi == pytest.approx(want["yi"], rel=1e-11)
    assert found.vi == pytest.approx(want["vi"], rel=1e-11)
    if block == "CS":
        newer = ASSINK["aggregate_CS_rho06"]
        assert found.yi == pytest.approx(newer["yi"], rel=1e-11)
        assert found.vi == pytest.approx(newer["vi"], rel=1e-11)
