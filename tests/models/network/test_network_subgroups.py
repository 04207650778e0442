"""Subgroup networks: laws, what exists in which network, the tests, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts
from equipoise.models.network.fit import network
from equipoise.models.network.regression import network_regress
from equipoise.models.network.subgroups import NetworkSubgroups, holm, network_subgroups
from equipoise.models.subgroups import subgroups

VALUES = Path(__file__).parents[3] / "validation" / "values"


def smoking() -> Contrasts:
    held = json.loads((VALUES / "network_smokingcessation.json").read_text(encoding="utf-8"))
    return contrasts(**held["input"], measure="OR")


def halves(es: Contrasts) -> dict[str, str]:
    return {s: "early" if i % 2 else "late" for i, s in enumerate(dict.fromkeys(es.study))}


@pytest.mark.parametrize("sharing", ["separate", "common"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_two_treatments_are_subgroups_of_one_comparison(sharing: Any, data: Any) -> None:
    k = data.draw(st.integers(4, 10))
    floats = st.floats(-3, 3).map(lambda x: round(x, 3))
    y = data.draw(st.lists(floats, min_size=k, max_size=k))
    v = data.draw(st.lists(st.floats(0.02, 2).map(lambda x: round(x, 3)), min_size=k, max_size=k))
    kinds = [("a", "b", "a", "b", *"abcabcab")[i] for i in range(k)]
    es = contrasts(yi=y, vi=v, treat1=["A"] * k, treat2=["P"] * k, measure="MD")
    one = network_subgroups(es, kinds, tau2=sharing, reference="P")
    two = subgroups(es, kinds, tau2=sharing, estimator="REML", interval="Wald")
    assert one.levels == two.groups
    assert one.test.q == pytest.approx(two.q_between, rel=1e-7, abs=1e-9)
    assert one.test.df == two.df
    assert one.pair("A", "P").q == pytest.approx(two.q_between, rel=1e-7, abs=1e-9)
    for held, fit in zip(one.networks, two.fits, strict=True):
        assert held.tau2 == pytest.approx(fit.tau2, rel=1e-7, abs=1e-10)
        assert held.effect("A", "P").estimate == pytest.approx(fit.estimate, rel=1e-8, abs=1e-9)


def test_under_a_common_effect_q_between_is_what_q_within_leaves() -> None:
    es = smoking()
    fit = network_subgroups(es, halves(es), model="common", reference="A")
    within = math.fsum(part.q for held in fit.networks for part in held.fits)
    assert fit.test.q == pytest.approx(fit.overall.q - within, rel=1e-9)
    df = fit.overall.q_df - sum(part.q_df for held in fit.networks for part in held.fits)
    assert fit.test.df == df


def test_each_network_is_that_of_its_trials_alone() -> None:
    es = smoking()
    kinds = halves(es)
    fit = network_subgroups(es, kinds, reference="A")
    for level in fit.levels:
        whole = network(es, reference="A").data
        rows = [i for i, s in enumerate(whole.study) if kinds[s] == level]
        alone = network(whole.take(rows), reference="A")
        assert fit[level].tau2 == pytest.approx(alone.tau2, rel=1e-7, abs=1e-10)
        e, f = fit[level].effect("D", "A"), alone.effect("D", "A")
        assert e.estimate == pytest.approx(f.estimate, rel=1e-7)
        assert e.se == pytest.approx(f.se, rel=1e-7)


def test_a_shared_tau2_is_that_of_independent_slopes_on_the_kind() -> None:
    """Effects that differ between two kinds are a covariate of two levels, a slope each."""
    es = smoking()
    kinds = halves(es)
    fit = network_subgroups(es, kinds, tau2="common", reference="A")
    reg = network_regress(es, kinds, slopes="independent", reference="A")
    assert fit.networks[0].tau2 == pytest.approx(reg.tau2, rel=1e-7)
    assert fit.test.q == pytest.approx(reg.test.statistic, rel=1e-7)
    assert fit.test.df == reg.test.df
    pair = fit.pair("D", "A")
    assert abs(pair.difference) == pytest.approx(abs(reg.slope("D").estimate), rel=1e-7)
    assert pair.difference_se == pytest.approx(reg.slope("D").se, rel=1e-7)
    assert pair.p_value == pytest.approx(reg.slope("D").p_value, rel=1e-6)


def test_which_comparison_is_in_which_network() -> None:
    es = contrasts(
        study=[str(i) for i in range(1, 9)],
        treat1=["A", "B", "A", "C", "A", "C", "B", "D"],
        treat2=["P", "P", "P", "D", "P", "D", "P", "P"],
        yi=[0.1, 0.2, 0.5, 0.4, 0.3, 0.6, 0.1, 0.2],
        vi=[0.1] * 8,
        measure="MD",
    )
    kinds = {"1": "x", "2": "x", "3": "y", "4": "y", "5": "x", "6": "y", "7": "x", "8": "z"}
    fit = network_subgroups(es, kinds, reference="P", name="kind")
    text = fit.summary()
    assert "The trials of y form 2 networks: (1) A, P; (2) C, D." in text
    assert "B only in x" in text
    assert "C only in y" in text
    assert fit.pair("A", "B").levels == ("x",)
    assert fit.pair("P", "A").trials == (2, 1)
    assert fit.test.df == 1  # A against P is all that two networks have
    table = fit.table("").to_text()
    assert "not joined" in table
    assert "not there" in table
    assert "indirect" in table
    with pytest.raises(NotEstimableError, match="no trials of y join A and C"):
        fit["y"].effect("A", "C")
    with pytest.raises(UnknownNameError, match="treatment of y"):
        fit["y"].effect("B", "A")
    with pytest.raises(InputError, match="no network can tell"):
        fit.pair("B", "C")
    with pytest.raises(UnknownNameError):
        fit["w"]


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_what_a_reader_sees_and_what_is_refused() -> None:
    es = smoking()
    kinds = halves(es)
    fit = network_subgroups(es, kinds, reference="A", name="time", interval="HK")
    assert repr(fit).startswith("<NetworkSubgroups by time: 2 networks; Q ")
    assert "D against A" in fit.table().to_text()
    again = NetworkSubgroups.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again.test == fit.test
    frame = fit.to_frame("pandas")
    assert set(frame["time"]) == {"early", "late"}
    table = pd.DataFrame({"study": list(kinds), "time": list(kinds.values())})
    other = network_subgroups(network(es, reference="A", interval="HK"), "time", data=table)
    assert other.test.q == pytest.approx(fit.test.q, rel=1e-9)
    one = network_subgroups(es, dict.fromkeys(kinds, "all"), reference="A")
    assert one.test.df == 0
    assert "All trials are of one kind" in one.summary()
    gone = {**kinds, next(iter(kinds)): None}
    assert len(network_subgroups(es, gone, reference="A").left_out) == 1
    with pytest.raises(UnknownNameError, match="sharing"):
        network_subgroups(es, kinds, tau2="own")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="common tau² under a common effect"):
        network_subgroups(es, kinds, tau2="common", model="common")
    with pytest.raises(UnknownNameError, match="estimator"):
        network_subgroups(es, kinds, estimator="PM")
    with pytest.raises(UnknownNameError, match="reference"):
        network_subgroups(es, kinds, reference="Z")
    assert np.isfinite(fit.test.q)
