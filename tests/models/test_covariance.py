"""Covariances of sampling errors: laws, a second route, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.arms import arm_contrasts
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.covariance import aggregate, vcalc
from equipoise.models.multilevel import multilevel
from equipoise.models.pairwise import pairwise

FRAME: dict[str, Any] = {
    "study": ["a", "a", "a", "b", "b"],
    "scale": ["p", "q", "r", "p", "q"],
    "time": [1, 2, 4, 1, 2],
    "vi": [0.1, 0.2, 0.15, 0.3, 0.1],
}


def test_shared_groups_as_the_arms_of_a_trial_say() -> None:
    n = [30, 40, 50]
    es = arm_contrasts(
        "MD", study=["t"] * 3, treat=list("ABC"), mean=[1.0, 2.0, 3.0], sd=[2.0] * 3, n=n
    )
    size = dict(zip("ABC", n, strict=True))
    V = vcalc(
        es.vi,
        cluster=es.study,
        grp1=es.treat1,
        grp2=es.treat2,
        w1=[size[t] for t in es.treat1],
        w2=[size[t] for t in es.treat2],
        check=False,
    )
    assert pytest.approx(es.V(), rel=1e-12) == V


def test_order_of_rows_and_units() -> None:
    V = vcalc("vi", cluster="study", obs="scale", rho=0.5, data=FRAME)
    order = [3, 0, 4, 2, 1]
    other = {name: [values[i] for i in order] for name, values in FRAME.items()}
    turned = vcalc("vi", cluster="study", obs="scale", rho=0.5, data=other)
    assert np.array_equal(turned, V[np.ix_(order, order)])
    scaled = vcalc([v * 4e10 for v in FRAME["vi"]], cluster=FRAME["study"], rho=0.5)
    assert scaled == pytest.approx(4e10 * V, rel=1e-14)
    assert np.array_equal(np.diag(V), FRAME["vi"])
    assert not V.flags.writeable


def test_correlations_by_pair_in_every_form() -> None:
    table = {("p", "q"): 0.5, ("p", "r"): 0.4, ("q", "r"): 0.3}
    frame = pd.DataFrame(
        [[1.0, 0.5, 0.4], [0.5, 1.0, 0.3], [0.4, 0.3, 1.0]], index=list("pqr"), columns=list("pqr")
    )
    one = vcalc("vi", cluster="study", obs="scale", rho=table, data=FRAME)
    assert one[0, 2] == pytest.approx(0.4 * math.sqrt(0.1 * 0.15))
    assert np.array_equal(one, vcalc("vi", cluster="study", obs="scale", rho=frame, data=FRAME))
    nested = frame.to_dict()
    assert np.array_equal(one, vcalc("vi", cluster="study", obs="scale", rho=nested, data=FRAME))


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"obs": "scale"}, InputError, "obs without rho"),
    ({"rho": 1.5}, InputError, "rho 1.5"),
    ({"rho": (0.5, 0.4)}, InputError, "two values of rho"),
    ({"rho": 0.5, "obs": "scale", "type": "time"}, InputError, "one rho"),
    ({"rho": {("p", "q"): 0.5}, "obs": "scale"}, UnknownNameError, "p, r"),
    ({"rho": {("p", "q"): 5.0}, "obs": "scale"}, InputError, "rho 5"),
    ({"rho": "high", "obs": "scale"}, InputError, "rho cannot be a str"),
    ({"rho": -0.9}, InputError, "cluster a"),
    ({"rho": 0.5, "type": ["x"] * 5}, InputError, "obs to tell rows apart"),
    ({"time1": "time"}, InputError, "times without phi"),
    ({"time1": "time", "phi": 2.0}, InputError, "phi 2"),
    ({"time2": "time", "phi": 0.5}, InputError, "time2 without time1"),
    ({"grp2": "scale"}, InputError, "grp2 without grp1"),
    ({"w1": "vi"}, InputError, "sizes without groups"),
    ({"grp1": "scale", "grp2": "scale"}, InputError, "with itself"),
    ({"rvars": ["vi"]}, InputError, "1 column of correlations for 3 rows"),
    ({"vi": None}, InputError, "no variances"),
    ({"vi": [0.1, 0.1, 0.0, 0.1, 0.1]}, InputError, "variance 0"),
    ({"cluster": "stuyd"}, UnknownNameError, "study"),
]


@pytest.mark.parametrize(("change", "error", "words"), BAD)
def test_bad_input_is_said(change: dict[str, Any], error: type[Exception], words: str) -> None:
    call: dict[str, Any] = {"vi": "vi", "cluster": "study", "data": FRAME} | change
    with pytest.raises(error, match=words):
        vcalc(**call)


def test_an_impossible_matrix_is_returned_when_asked_for() -> None:
    V = vcalc("vi", cluster="study", rho=-0.9, data=FRAME, check=False)
    assert V[0, 1] < 0.0


def test_aggregated_effects_are_the_common_effect_of_each_cluster() -> None:
    y = [0.1, 0.3, 0.2, 0.5, 0.4]
    V = vcalc("vi", cluster="study", rho=0.4, data=FRAME)
    found = aggregate(yi=y, cluster="study", V=V, data=FRAME)
    for i, name in enumerate(found.study):
        rows = [r for r, s in enumerate(FRAME["study"]) if s == name]
        alone = multilevel(yi=[y[r] for r in rows], V=V[np.ix_(rows, rows)])
        assert found.yi[i] == pytest.approx(alone.estimate, rel=1e-12)
        assert found.vi[i] == pytest.approx(alone.se**2, rel=1e-12)
    # With one random effect per study, combining first loses nothing.
    whole = multilevel(yi=y, V=V, random="~ 1 | study", data=FRAME)
    first = pairwise(found, interval="Wald")
    assert first.estimate == pytest.approx(whole.estimate, rel=1e-9)
    assert first.tau2 == pytest.approx(whole.sigma2["study"], rel=1e-7, abs=1e-12)
    assert "aggregated" in [n.code for n in found.notes]


def test_contrasts_are_combined_by_study() -> None:
    es = Contrasts(
        measure="GEN",
        study=tuple("aabc"),
        yi=np.array([0.1, 0.3, math.nan, 0.5]),
        vi=np.array([0.1, 0.2, 0.1, 0.3]),
    )
    found = aggregate(es, rho=0.5)
    assert found.study == ("a", "c")
    assert found.measure == es.measure
    assert [row.study for row in found.left_out] == ["b"]
    single = aggregate(contrasts(yi=[0.1, 0.2], vi=[0.1, 0.2], study=["a", "b"]))
    assert single.vi.tolist() == pytest.approx([0.1, 0.2], rel=1e-15)


def test_bad_aggregation_is_said() -> None:
    es = contrasts(yi=[0.1, 0.3, 0.5], vi=[0.1, 0.2, 0.3], study=list("aab"))
    with pytest.raises(InputError, match="nothing about their correlation"):
        aggregate(es)
    with pytest.raises(InputError, match="one of V, rho and phi"):
        aggregate(es, rho=0.5, phi=0.5)
    with pytest.raises(InputError, match="cluster a"):
        aggregate(es, rho=1.0)
    with pytest.raises(InputError, match="phi without time"):
        aggregate(es, phi=0.5)
    with pytest.raises(InputError, match="shape"):
        aggregate(es, V=np.eye(2))
    with pytest.raises(InputError, match="es and yi"):
        aggregate(es, yi=[1.0])
    with pytest.raises(NotEstimableError, match="no effect"):
        aggregate(yi=[math.nan], vi=[0.1], cluster=["a"], rho=0.5)
