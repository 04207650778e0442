"""The ladder of methods: what it marks, what it says, and when the conclusion depends on it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import effect_sizes
from equipoise.models.counts.ladder import LADDERS, CountsLadder, counts_ladder
from equipoise.models.counts.standing import objections, shape_of
from equipoise.models.counts.tables import read_tables

Row = tuple[int, int, int, int]
BALANCED_RARE: list[Row] = [(8, 2000, 12, 2000), (3, 1000, 5, 1000), (6, 1500, 9, 1500)]


def ladder(rows: list[Row], **more: Any) -> CountsLadder:
    return counts_ladder(**given(rows), **more)


def given(rows: list[Row]) -> dict[str, list[int]]:
    a, m, c, n = (list(column) for column in zip(*rows, strict=True))
    return {"events1": a, "n1": m, "events2": c, "n2": n}


def standings(found: CountsLadder) -> dict[str, str]:
    return {r.name: r.standing for r in found.rungs}


def test_rare_balanced_small_effects_suit_peto() -> None:
    found = ladder(BALANCED_RARE)
    assert found.rung("Peto").standing == "suitable"
    assert found.rung("MH").standing == "default"
    assert found.rung("BB").standing == "suitable"
    assert found.rung("IV").standing == "not recommended"
    assert "events are rare" in found.rung("IV").why
    assert not found.depends


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(80, 2000, 120, 2000), (30, 1000, 50, 1000)], "events are not rare"),
        ([(8, 4000, 6, 2000), (3, 2000, 3, 1000)], "groups of unequal size"),
        ([(2, 2000, 12, 2000), (1, 1000, 5, 1000)], "the effect is large"),
    ],
)
def test_what_does_not_suit_peto(rows: list[Row], why: str) -> None:
    rung = ladder(rows).rung("Peto")
    assert rung.standing == "not recommended"
    assert why in rung.why


def test_common_events_in_full_tables_suit_inverse_variance() -> None:
    found = ladder([(80, 200, 95, 200), (30, 100, 41, 100)])
    assert found.rung("IV").standing == "suitable"
    assert found.rung("CM.AL").standing == "not recommended"


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_adding_all_trials_up_is_never_recommended(measure: str) -> None:
    found = ladder(BALANCED_RARE, measure=measure)
    assert found.rung("collapsed").standing == "not recommended"
    assert [r.model for r in found.rungs] == [s.model for s in LADDERS[measure]]


def test_rates() -> None:
    data = {"events1": [4, 0, 6], "time1": [120.5, 60, 90], "events2": [9, 2, 9]}
    found = counts_ladder(**data, time2=[110, 66.5, 95])
    assert found.measure == "IRR"
    assert [r.model for r in found.rungs] == [s.model for s in LADDERS["IRR"]]
    assert all(r.ci is not None for r in found.rungs)
    assert "rate ratio" in found.sentence


def test_a_conclusion_that_depends_on_the_method() -> None:
    found = ladder([(9, 900, 2, 900), (1, 600, 0, 600), (3, 700, 2, 700), (1, 400, 1, 400)])
    inside = {r.excludes_null for r in found.rungs if r.standing in ("default", "suitable")}
    assert inside == {True, False}
    assert found.depends
    assert found.sentence.startswith("The conclusion depends on the method: the interval excludes")


def test_no_finite_estimate_is_shown_without_a_number() -> None:
    found = ladder([(3, 500, 0, 600), (1, 500, 0, 500), (0, 90, 0, 90)])
    rung = found.rung("MH")
    assert rung.standing == "no result"
    assert rung.ci is None
    assert math.isnan(rung.estimate)
    assert "every event is in group 1" in rung.why
    assert found.rung("Firth").standing == "suitable"
    text = found.summary()
    assert "nan" not in text
    assert "No result for these data: Mantel–Haenszel" in text


def test_a_spread_that_runs_off_is_no_estimate() -> None:
    found = ladder([(5, 10, 0, 33), (0, 36, 4, 56), (0, 10, 4, 56)])
    rung = found.rung("CM.EL")
    assert rung.standing == "no result"
    assert "runs off" in rung.why
    assert math.isnan(rung.estimate)


def test_swapped_groups_give_the_same_conclusion() -> None:
    rows = [(2, 2000, 12, 1900), (1, 1000, 5, 1100), (0, 300, 2, 280)]
    one, two = ladder(rows), ladder([(c, n, a, m) for a, m, c, n in rows])
    assert standings(one) == standings(two)
    assert two.sentence == one.sentence.replace("below", "above")


def test_what_it_can_be_turned_into() -> None:
    a, m, c, n = (list(column) for column in zip(*BALANCED_RARE, strict=True))
    found = counts_ladder(effect_sizes("OR", events1=a, n1=m, events2=c, n2=n))
    assert len(found.to_frame("pandas")) == len(found.rungs) == 12
    json.dumps(found.to_dict())
    assert CountsLadder.from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert "<table" in found._repr_html_()
    assert repr(found).startswith("<CountsLadder OR, 12 methods: The conclusion")
    assert str(found) == found.summary()
    assert {m.name for m in found.methods} >= {"choice of the method for rare events"}
    with pytest.raises(UnknownNameError, match="'Peto'"):
        found.rung("Petto")


def test_what_is_refused() -> None:
    with pytest.raises(NotEstimableError, match="no event in any"):
        ladder([(0, 5, 0, 5)])
    with pytest.raises(InputError, match="9 events in 5 people"):
        ladder([(9, 5, 0, 5)])
    with pytest.raises(InputError, match="level 95"):
        ladder(BALANCED_RARE, level=95)


def test_the_shape_of_the_data() -> None:
    columns = dict.fromkeys(("time1", "time2")) | given([(1, 100, 0, 200), (0, 50, 0, 50)])
    shape = shape_of(read_tables(None, columns, None, None, "OR"))
    assert (shape.empty, shape.double_zero) == (1, 1)
    assert shape.unbalanced == pytest.approx(1.0)
    assert shape.risk == pytest.approx(1 / 400)
    assert objections("MH", shape, 1.0) == ()
