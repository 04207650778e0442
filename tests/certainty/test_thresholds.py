"""Names of effect sizes and their direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.certainty.thresholds import EFFECT_CLASSES, classify, signed
from equipoise.review.records import Threshold

PAIN = Threshold(
    name="pain", kind="between-group", small=5, moderate=10, large=20, source="AHRQ", main=True
)


@pytest.mark.parametrize(
    ("benefit", "name"),
    [
        (-5, "worse"),
        (-4.99, "none"),
        (0, "none"),
        (4.99, "none"),
        (5, "small"),
        (10, "small"),
        (10.01, "moderate"),
        (20, "moderate"),
        (20.01, "large"),
    ],
)
def test_sizes_are_closed_above_as_their_source_prints_them(benefit, name):
    assert classify(benefit, PAIN) == name


@given(st.floats(-100, 100), st.floats(0, 50))
def test_a_bigger_benefit_is_never_called_smaller(benefit, more):
    names = [classify(b, PAIN) for b in (benefit, benefit + more)]
    assert EFFECT_CLASSES.index(names[0]) <= EFFECT_CLASSES.index(names[1])


def test_direction_comes_from_the_outcome():
    assert signed(-7, "lower") == 7
    assert signed(-7, "higher") == -7
