"""What estimates of components rest on: interactions, the map, and alone, added, together."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts
from equipoise.models.components.basis import (
    Attribution,
    IdentifiabilityMap,
    attribution,
    basis,
    identifiability_map,
)
from equipoise.models.components.fit import components
from equipoise.models.network.fit import network

#: x, y and both were compared with nothing and with each other; the truth is 1, 2 and 1 beyond.
TRIALS = [
    ("t1", "x", "none", 1.0, 40),
    ("t2", "x", "none", 1.0, 60),
    ("t3", "y", "none", 2.0, 50),
    ("t4", "y", "none", 2.0, 30),
    ("t5", "x+y", "y", 2.0, 17),
]


def data(rows: list[tuple[str, str, str, float, int]] = TRIALS) -> Contrasts:
    return contrasts(
        measure="MD",
        study=[r[0] for r in rows],
        treat1=[r[1] for r in rows],
        treat2=[r[2] for r in rows],
        yi=[r[3] for r in rows],
        vi=[2.0 / r[4] for r in rows],
        n1=[r[4] for r in rows],
        n2=[r[4] for r in rows],
    )


def test_an_interaction_is_what_two_do_beyond_their_sum() -> None:
    fit = components(data(), inactive="none", interactions=["y*x"], model="common")
    assert fit.interactions == ("x*y",)
    assert fit.component("x*y").estimate == pytest.approx(1.0)
    assert fit.component("y * x").estimate == pytest.approx(1.0)
    assert fit.combination("x+y").estimate == pytest.approx(4.0)
    assert fit.effect("x+y", "y").estimate == pytest.approx(2.0)
    assert fit.component("x").estimate == pytest.approx(1.0)
    assert fit.q == pytest.approx(0.0, abs=1e-12)
    assert "with interactions" in fit.summary()


def test_all_identifiable_interactions_give_the_network_again() -> None:
    es = data([*TRIALS, ("t6", "x+z", "none", 5.0, 20), ("t7", "z", "x", 1.0, 25)])
    net = network(es, model="common")
    fit = components(net, inactive="none", interactions="identifiable")
    assert fit.interactions == ("x*y", "x*z")
    assert fit.model == "common"
    assert fit.q_difference.df == 0
    for treat in net.treatments:
        if treat != "none":
            one, two = fit.effect(treat), net.effect(treat, "none")
            assert one.estimate == pytest.approx(two.estimate, rel=1e-10)
            assert one.se == pytest.approx(two.se, rel=1e-10)


def test_q_beyond_the_network_tests_whether_effects_add_up() -> None:
    fit = components(data(), inactive="none", model="common")
    net = network(data(), model="common")
    assert fit.q_network == pytest.approx((net.q, net.q_df))
    assert fit.q_difference.df == 1
    assert fit.q_difference.q == pytest.approx(fit.q - net.q)
    assert 0.0 < fit.q_difference.p_value < 1.0
    assert "beyond the full network" in fit.summary()


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (["x*q"], UnknownNameError, "component 'q'"),
        (["x"], InputError, "interaction 'x'"),
        (["x*x"], InputError, "different components"),
        ("all", UnknownNameError, "identifiable"),
        (["x*w"], NotEstimableError, r"cannot|can tell|no trial"),
    ],
)
def test_interactions_that_cannot_be(asked: Any, error: type[Exception], message: str) -> None:
    es = data([*TRIALS, ("t8", "w", "none", 1.0, 10)])
    with pytest.raises(error, match=message):
        components(es, inactive="none", interactions=asked)


def test_components_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(InputError, match="only in case, spaces or"):
        components(data([*TRIALS, ("t8", "X", "none", 1.0, 10)]), inactive="none")


def test_an_estimate_that_rests_on_one_trial_says_so() -> None:
    fit = components(data(), inactive="none", interactions=["x*y"], model="common")
    row = identifiability_map(fit).row("x*y")
    assert row.essential == ("t5",)
    assert row.sentence == (
        "Rests on one trial, t5, 17 people per arm: without it the trials cannot tell."
    )
    x = identifiability_map(fit).row("x")
    assert x.essential == ()
    assert x.sentence == "2 trials, 2 of which compared exactly this."
    assert (x.trials, x.people, x.direct, x.direct_people) == (2, 200, 2, 200)
    assert x.direct_share == pytest.approx(1.0)


def test_the_range_is_that_of_refits_without_each_trial() -> None:
    rows = [(*r[:3], r[3] + shift, r[4]) for r, shift in zip(TRIALS, (0, 1, 0, -1, 0), strict=True)]
    fit = components(data(rows), inactive="none", model="common")
    row = identifiability_map(fit).row("x")
    again = [
        components(data(rows[:i] + rows[i + 1 :]), inactive="none", model="common")
        .component("x")
        .estimate
        for i in range(len(rows))
    ]
    assert (row.low, row.high) == pytest.approx((min(again), max(again)))


def test_the_map_has_every_component_pair_and_combination() -> None:
    fit = components(data(), inactive="none", model="common")
    found = identifiability_map(fit, also=["x+y"])
    assert [(r.what, r.kind) for r in found.rows] == [
        ("x", "component"),
        ("y", "component"),
        ("x*y", "interaction"),
        ("x+y", "combination"),
    ]
    pair = found.row("x*y")
    assert pair.sentence == (
        "In a model with this interaction: rests on one trial, t5, 17 people per arm: without it "
        "the trials cannot tell."
    )
    with_it = components(data(), inactive="none", interactions=["x*y"], model="common")
    assert pair.effect == with_it.component("x*y")
    assert sorted(pair.through) == ["x against none", "x+y against y"]
    assert any(note.code == "additive" for note in found.notes)
    assert not found.row("x+y").tried
    assert "rests on effects adding up" in found.row("y+x").sentence
    with pytest.raises(InputError, match="not in the map"):
        found.row("q")


def test_what_the_trials_cannot_separate_is_refused_with_its_reason() -> None:
    es = data([("t1", "x+y", "none", 1.0, 40), ("t2", "x+y", "none", 1.2, 40)])
    fit = components(es, inactive="none", model="common")
    found = identifiability_map(fit)
    assert found.row("x").effect is None
    assert "x and y always come together" in found.row("x").sentence
    assert "separates what the two do together" in found.row("x*y").sentence
    assert found.row("x+y").effect is not None
    three = attribution(fit, "x", "y")
    assert three.alone.effect is None
    assert three.added.effect is None
    assert three.together.effect is not None
    assert "can tell together" in repr(three)
    assert "cannot tell" in three.summary()


def test_alone_added_and_together() -> None:
    fit = components(data(), inactive="none", interactions=["x*y"], model="common")
    three = attribution(fit, "x", "y")
    effects = [three.alone.effect, three.added.effect, three.together.effect]
    assert [e.estimate for e in effects if e] == pytest.approx([1.0, 2.0, 4.0])
    assert three.interaction is not None
    assert three.added.direct == 1
    assert three.added.direct_people == 34
    assert not three.notes
    plain = attribution(components(data(), inactive="none", model="common"), "x", "y")
    assert plain.interaction is None
    assert plain.alone.effect == plain.added.effect
    assert [note.code for note in plain.notes] == ["additive"]
    with pytest.raises(InputError, match="without it"):
        attribution(fit, "x", "x+y")


def test_an_untried_difference_says_that_it_rests_on_adding_up() -> None:
    fit = components(data(), inactive="none", model="common")
    row = basis(fit, "x", "y")
    assert row.what == "x against y"
    assert not row.tried
    assert row.effect is not None
    assert row.effect.estimate == pytest.approx(fit.effect("x", "y").estimate)


def test_results_survive_json_and_become_frames() -> None:
    fit = components(data(), inactive="none", interactions=["x*y"])
    found, three = identifiability_map(fit), attribution(fit, "x", "y")
    for result, kind in ((found, IdentifiabilityMap), (three, Attribution)):
        again = kind.from_dict(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert "<table" in result._repr_html_()
        assert len(result.to_frame("pandas"))
    assert math.isfinite(found.to_frame("pandas")["estimate"][0])
    assert np.isfinite(found.rows[0].low)
