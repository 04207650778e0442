"""The verdict table: total, monotone, and cell by cell as published."""

from itertools import product

import pytest

from equipoise.answer.verdict import BURDENS, HARM_CLASSES, TABLE, decide
from equipoise.answer.wording import LABELS
from equipoise.certainty.grade import LEVELS
from equipoise.certainty.thresholds import EFFECT_CLASSES

CELLS = list(product(HARM_CLASSES, LEVELS, EFFECT_CLASSES, BURDENS))
#: From the least to the most favourable to trying it; UNKNOWN stands apart.
FAVOUR = ["AVOID", "NOTWORTH", "MAYNOT", "CLOSE", "MAYHELP", "WORTH"]


def verdict(harm, certainty, benefit, burden):
    return decide(harm, certainty, benefit, burden).verdict


def test_every_combination_of_inputs_has_exactly_one_answer():
    assert len(CELLS) == 200
    for cell in CELLS:
        assert verdict(*cell) in LABELS


def test_every_row_of_the_table_is_hit_by_some_cell():
    hit = {decide(*cell) for cell in CELLS}
    assert hit == set(TABLE)


def test_all_seven_answers_can_come_out():
    assert {verdict(*cell) for cell in CELLS} == set(LABELS) - {"NOTRIALS"}


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: "-".join(c))
def test_a_bigger_benefit_is_never_less_favourable(cell):
    harm, certainty, benefit, burden = cell
    here = verdict(*cell)
    for bigger in EFFECT_CLASSES[EFFECT_CLASSES.index(benefit) + 1 :]:
        there = verdict(harm, certainty, bigger, burden)
        if "UNKNOWN" not in (here, there):
            assert FAVOUR.index(there) >= FAVOUR.index(here)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: "-".join(c))
def test_worse_harm_and_more_burden_are_never_more_favourable(cell):
    harm, certainty, benefit, burden = cell
    here = verdict(*cell)
    worse = [
        verdict(h, certainty, benefit, burden) for h in HARM_CLASSES[HARM_CLASSES.index(harm) + 1 :]
    ]
    worse += [verdict(harm, certainty, benefit, "notable")] if burden == "low" else []
    for there in worse:
        if "UNKNOWN" not in (here, there):
            assert FAVOUR.index(there) <= FAVOUR.index(here)


def test_more_certainty_never_moves_towards_unknown():
    for harm, certainty, benefit, burden in CELLS:
        if verdict(harm, certainty, benefit, burden) != "UNKNOWN":
            for surer in LEVELS[LEVELS.index(certainty) + 1 :]:
                assert verdict(harm, surer, benefit, burden) != "UNKNOWN"


def test_very_low_certainty_is_unknown_unless_serious_harm_is_likely():
    for harm, benefit, burden in product(HARM_CLASSES, EFFECT_CLASSES, BURDENS):
        expected = "AVOID" if harm == "serious likely" else "UNKNOWN"
        assert verdict(harm, "very low", benefit, burden) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("serious likely", "high", "large", "low"), "CLOSE"),
        (("serious likely", "low", "large", "low"), "AVOID"),
        (("none", "moderate", "worse", "low"), "AVOID"),
        (("none", "low", "worse", "low"), "MAYNOT"),
        (("minor", "high", "none", "low"), "NOTWORTH"),
        (("minor", "low", "none", "low"), "MAYNOT"),
        (("not measured", "high", "large", "low"), "CLOSE"),
        (("serious possible", "low", "small", "low"), "CLOSE"),
        (("minor", "high", "small", "notable"), "CLOSE"),
        (("minor", "moderate", "small", "low"), "WORTH"),
        (("none", "high", "large", "notable"), "WORTH"),
        (("minor", "low", "moderate", "notable"), "MAYHELP"),
    ],
)
def test_the_published_table_cell_by_cell(cell, expected):
    assert verdict(*cell) == expected
