"""Forward selection of interactions, trials left out with tau² anew, parts that nothing joins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts
from equipoise.models.components.basis import identifiability_map
from equipoise.models.components.fit import components
from equipoise.models.components.forward import ForwardSelection, forward_interactions
from equipoise.models.network.fit import network
from equipoise.models.network.subgroups import holm

VALUES = Path(__file__).parents[3] / "validation" / "values"


@pytest.fixture(scope="module")
def linde() -> Contrasts:
    held = json.loads((VALUES / "network_Linde2016.json").read_text(encoding="utf-8"))
    return contrasts(**held["input"], measure="OR")


@pytest.fixture(scope="module")
def plain(linde: Contrasts) -> ForwardSelection:
    return forward_interactions(linde, inactive="Placebo", tau2="DL", adjust="none")


def test_nothing_is_taken_that_does_not_stand_the_adjustment(linde: Contrasts) -> None:
    found = forward_interactions(linde, inactive="Placebo", tau2="DL")
    assert found.chosen == ()
    assert [t.interaction.removeprefix("Face-to-face ") for t in found.tried] == [
        "CBT*SSRI",
        "PST*SSRI",
        "interpsy*SSRI",
    ]
    assert "3 interactions were candidates, and 3 tests were made in 1 step." in found.summary()
    assert "not below 0.05" in found.stopped
    assert found.fit.beta == pytest.approx(found.additive.beta)
    assert not any(note.code == "chosen-by-p-value" for note in found.notes)
    assert any("Holm" in m.paper for m in found.methods)
    assert any("Rücker" in m.paper for m in found.methods)


def test_each_step_is_the_model_with_that_interaction(
    linde: Contrasts, plain: ForwardSelection
) -> None:
    assert plain.chosen == ("Face-to-face CBT*SSRI",)
    for one in plain.tried:
        before = list(plain.chosen[: one.step - 1])
        now = components(linde, inactive="Placebo", tau2="DL", interactions=before or None)
        fit = components(
            linde, inactive="Placebo", tau2="DL", interactions=[*before, one.interaction]
        )
        assert one.q_difference == pytest.approx(now.q - fit.q, rel=1e-9)
        assert one.estimate == pytest.approx(fit.effect(one.interaction).estimate)
        assert one.p_value == pytest.approx(fit.effect(one.interaction).p_value)
    first = [t for t in plain.tried if t.step == 1]
    assert [t.p_holm for t in first] == pytest.approx(holm([t.p_value for t in first]))
    for one in plain.tried:
        assert one.p_all == pytest.approx(min(1.0, 5 * one.p_value))


def test_multiplicity_is_stated(plain: ForwardSelection) -> None:
    text = plain.summary()
    assert "3 interactions were candidates, and 5 tests were made in 2 steps." in text
    assert "5 tests of nothing find 0.25 below 0.05 on average" in text
    assert "too large on average" in text
    assert repr(plain) == "<ForwardSelection: 1 of 5 tried taken: Face-to-face CBT*SSRI>"
    assert plain.to_frame("pandas").shape == (5, 9)
    again = ForwardSelection.from_dict(json.loads(json.dumps(plain.to_dict())))
    assert again.tried == plain.tried


def test_how_far_it_goes(linde: Contrasts) -> None:
    how: dict[str, Any] = {"inactive": "Placebo", "tau2": "DL", "adjust": "none"}
    every = forward_interactions(linde, enter=0.999999, **how)
    whole = components(linde, inactive="Placebo", tau2="DL", interactions="identifiable")
    assert set(every.chosen) == set(whole.interactions)
    assert every.fit.q == pytest.approx(whole.q)
    assert every.stopped == "No more interactions can be told."
    two = forward_interactions(network(linde, tau2="DL"), enter=0.999999, most=2, **how)
    assert len(two.chosen) == 2
    assert two.stopped == "Stopped at 2 interactions, as asked."


def test_what_is_refused(linde: Contrasts) -> None:
    with pytest.raises(InputError, match="to enter"):
        forward_interactions(linde, inactive="Placebo", enter=5)
    with pytest.raises(UnknownNameError, match="adjustment"):
        forward_interactions(linde, inactive="Placebo", adjust="BH")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="forward_interactions"):
        components(linde, inactive="Placebo", interactions="forward")  # type: ignore[arg-type]
    flat = contrasts(yi=[1, 2], vi=[1, 1], treat1=["A", "B"], treat2=["P", "P"], measure="MD")
    with pytest.raises(NotEstimableError, match="no interaction"):
        forward_interactions(flat, inactive="P")


def test_a_trial_left_out_with_tau2_anew_is_the_model_without_it(linde: Contrasts) -> None:
    fit = components(linde, inactive="Placebo", tau2="DL")
    kept, anew = (identifiability_map(fit, refit=refit) for refit in (False, True))
    what = "Face-to-face PST"
    studies = [
        s
        for s in dict.fromkeys(fit.study)
        if any(w for n, w in zip(fit.study, fit.weights(what).tolist(), strict=True) if n == s)
    ]
    ends = []
    for gone in studies:
        rows = [i for i, s in enumerate(fit.study) if s != gone]
        again = components(fit.data.take(rows), inactive="Placebo", tau2="DL")
        ends.append(again.effect(what).estimate)
    row = anew.row(what)
    assert (row.low, row.high) == pytest.approx((min(ends), max(ends)), rel=1e-7)
    assert kept.row(what).low != row.low
    assert kept.row(what).effect == row.effect


def test_combinations_never_tried_say_so(linde: Contrasts) -> None:
    fit = components(linde, inactive="Placebo", tau2="DL")
    row = identifiability_map(fit, also=["Hypericum+TCA"]).row("Hypericum+TCA")
    assert not row.tried
    assert row.direct == 0
    assert "rests on effects adding up" in row.sentence


def test_parts_that_nothing_joins_share_components() -> None:
    """The example of R's netmeta::discomb, by netmeta 3.4.0 (inactive F, common effect).

    The three contrasts of its study 5 (0.1, 0.1, 0.05) do not add up and are refused; evened out,
    as the program that takes them does, they give the same components, and Q without what they
    miss adding up by (0.0556).
    """
    es = contrasts(
        yi=[4.1, 2.05, 0.0, 0.0, 0.25 / 3, 0.35 / 3, 0.1 / 3],
        sei=[0.1] * 7,
        treat1=["A + B", "A + C", "A", "A", "D", "D", "E"],
        treat2=["C", "B", "B + C", "A + D", "E", "F", "F"],
        study=["study 1", "study 2", "study 3", "study 4", "study 5", "study 5", "study 5"],
        measure="MD",
    )
    with pytest.raises(NotEstimableError, match=r"4 networks.*components\(\)"):
        network(es)
    fit = components(es, inactive="F", model="common")
    wanted = {
        "A": (3.075, 0.0707106781186548),
        "B": (2.05, 0.0707106781186548),
        "C": (1.025, 0.0707106781186548),
        "D": (0.0583333333333333, 0.0707106781186548),
        "E": (0.00416666666666677, 0.0935414346693487),
    }
    for name, (estimate, se) in wanted.items():
        assert fit.component(name).estimate == pytest.approx(estimate, rel=1e-9)
        assert fit.component(name).se == pytest.approx(se, rel=1e-9)
    assert fit.q == pytest.approx(0.73611111111111 - 0.0555555555555554, rel=1e-9)
    assert fit.q_df == 1
