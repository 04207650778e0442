"""The ladder of methods for a network: what it marks, says, and when the conclusion depends."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.arms import Arms
from equipoise.effects.contrasts import arms
from equipoise.models.network.armcounts import read_arms
from equipoise.models.network.fit import network
from equipoise.models.network.rare_ladder import (
    STEPS,
    NetworkLadder,
    network_ladder,
    rare_events,
)
from equipoise.present.figures.methods import plot_ladder

VALUES = Path(__file__).resolve().parents[3] / "validation" / "values"
SETS = json.loads((VALUES / "network_rare.json").read_text("utf-8"))["sets"]
Trials = list[tuple[str, list[tuple[str, int, int]]]]


def build(data: Trials) -> Arms:
    rows = [(study, *arm) for study, groups in data for arm in groups]
    study, treat, events, n = zip(*rows, strict=True)
    return arms(study=study, treat=treat, events=events, n=n)


RARE: Trials = [
    ("t1", [("A", 4, 2000), ("B", 9, 2000)]),
    ("t2", [("A", 0, 900), ("B", 3, 950), ("C", 5, 900)]),
    ("t3", [("A", 3, 1500), ("C", 8, 1500)]),
    ("t4", [("B", 6, 1200), ("C", 4, 1100)]),
    ("t5", [("A", 0, 300), ("C", 0, 350)]),
    ("t6", [("A", 2, 800), ("B", 4, 820)]),
]


@pytest.fixture(scope="module")
def smoking() -> NetworkLadder:
    return network_ladder(arms(**SETS["smokingcessation"]["arms"]), reference="A")


@pytest.fixture(scope="module")
def rare() -> NetworkLadder:
    return network_ladder(build(RARE), reference="A")


def test_rare_events_that_agree_suit_the_methods_without_additions(rare: NetworkLadder) -> None:
    assert [r.name for r in rare.rungs] == [s.name for s in STEPS]
    assert rare.rung("MH").standing == "default"
    for name in ("NCH", "NCH-Breslow", "binomial", "penalised"):
        assert rare.rung(name).standing == "suitable"
    for model in ("common", "random"):
        rung = rare.rung("IV", model)
        assert rung.standing == "not recommended"
        assert "half an event is added" in rung.why
        assert "events are rare" in rung.why
    assert rare.double_zero == ("t5",)
    assert rare.empty == 1
    assert rare.heterogeneity > 0.05


def test_trials_that_differ_speak_against_one_effect_for_all(smoking: NetworkLadder) -> None:
    assert smoking.heterogeneity < 1e-6
    for name, model in (("MH", None), ("NCH", None), ("binomial", "common"), ("IV", "common")):
        rung = smoking.rung(name, model)
        assert rung.standing == "not recommended"
        assert "differ by more than chance" in rung.why
    assert smoking.rung("binomial").standing == "default"
    assert smoking.rung("penalised", "overdispersed").standing == "suitable"
    assert "needs rare events; 12% of people had one" in smoking.rung("NCH-Breslow").why


def test_the_sentence_names_what_depends_on_the_method(smoking: NetworkLadder) -> None:
    assert smoking.depends == ("D",)
    assert smoking.sentence == "The conclusion depends on the method for D against A."
    assert smoking.comparison("D").depends
    one = smoking.comparison("C")
    assert not one.depends
    assert one.sentence.startswith("C against A. The conclusion does not depend")


def test_the_rungs_are_the_fits(rare: NetworkLadder) -> None:
    held = build(RARE)
    for rung in rare.rungs:
        if rung.method == "IV":
            continue
        fit: Any = network(held, method=rung.method, model=rung.model, reference="A")  # type: ignore[call-overload]
        for t in ("B", "C"):
            found = fit.effect(t, "A")
            assert rung.effects[t] == pytest.approx(found.estimate, rel=1e-12)
            assert rung.intervals[t].low == pytest.approx(found.ci.low, rel=1e-12)
            assert rung.p_values[t] == pytest.approx(found.p_value, rel=1e-12)


def test_a_treatment_without_events_is_placed_by_the_penalised_likelihood_alone() -> None:
    ladder = network_ladder(build([*RARE, ("t7", [("A", 2, 300), ("Z", 0, 300)])]))
    assert ladder.treatments == ("B", "C", "Z")
    one = ladder.comparison("Z")
    told = {r.model for r in one.rungs if r.ci is not None}
    assert one.rung("MH").standing == "no result"
    assert one.rung("MH").why == "it cannot place the treatment"
    assert "penalised" in {r.model for r in one.rungs if r.ci is not None}
    assert "MH" not in told
    assert any(
        n.code == "excluded-treatments" and "Z (no event among 300" in n.text for n in ladder.notes
    )


def test_what_cannot_be_told_at_all() -> None:
    chain: Trials = [
        ("t1", [("A", 2, 60), ("B", 5, 55)]),
        ("t2", [("B", 1, 60), ("X", 0, 55)]),
        ("t3", [("X", 0, 60), ("C", 5, 55)]),
    ]
    ladder = network_ladder(build(chain), reference="A")
    assert ladder.rung("MH").effects.keys() == {"B"}
    with pytest.raises(UnknownNameError, match="reference"):
        network_ladder(build(chain), reference="Q")
    with pytest.raises(UnknownNameError, match="treatment"):
        ladder.comparison("A")
    with pytest.raises(UnknownNameError, match="method"):
        ladder.rung("Peto")
    with pytest.raises(InputError, match="level"):
        network_ladder(build(chain), level=95)
    apart: Trials = [("t1", chain[0][1]), ("t4", [("C", 2, 60), ("D", 5, 55)])]
    with pytest.raises(NotEstimableError, match="2 networks"):
        network_ladder(build(apart))


def test_what_a_reader_sees(rare: NetworkLadder, smoking: NetworkLadder) -> None:
    text = rare.summary()
    assert "Odds ratios against A by every method, 6 trials" in text
    assert "Not recommended for these data: Inverse variance" in text
    assert repr(smoking).startswith("<NetworkLadder of 9 methods: The conclusion depends")
    back = NetworkLadder.from_dict(json.loads(json.dumps(rare.to_dict())))
    assert back.summary() == rare.summary()
    frame = rare.to_frame("pandas")
    assert len(frame) == 2 * len(STEPS)
    assert "<table" in rare._repr_html_()
    figure = plot_ladder(rare.comparison("B"))
    assert "Mantel–Haenszel" in figure.svg


def test_many_treatments_have_a_row_each() -> None:
    ladder = network_ladder(arms(**SETS["Dogliotti2014"]["arms"]), reference="VKAs")
    table = ladder.table()
    assert [c.key for c in table.columns][:2] == ["treatment", "method"]
    assert len(table.rows) == 7 * len(STEPS)
    assert not math.isnan(ladder.heterogeneity)


def test_which_counts_are_rare() -> None:
    assert rare_events(read_arms(build(RARE))[0])
    often: Trials = [("t1", [("A", 20, 60), ("B", 25, 55)]), ("t2", [("A", 9, 60), ("C", 8, 55)])]
    assert not rare_events(read_arms(build(often))[0])
