"""The fixed sentences, against the tables they come from."""

from dataclasses import replace
from itertools import product

import pytest
from bench import PAIN

from equipoise.answer.wording import (
    CERTAINTY,
    HARM_CLAUSES,
    HARM_PHRASES,
    HARM_STATES,
    LABELS,
    SEVERITY,
    aim,
    both_ends,
    certainty_plain,
    join,
    month_words,
    months_ago,
    statement_clinical,
    statement_plain,
)
from equipoise.certainty.grade import LEVELS
from equipoise.certainty.thresholds import EFFECT_CLASSES

WORDS = {"x": "mud", "o": "pain", "y": "no mud"}


@pytest.mark.parametrize(
    ("size", "level", "expected"),
    [
        ("large", "high", "Mud improves pain a lot, compared with no mud."),
        ("large", "low", "Mud may improve pain a lot, compared with no mud."),
        ("moderate", "moderate", "Mud probably improves pain, compared with no mud."),
        ("small", "low", "Mud may improve pain slightly, compared with no mud."),
        (
            "none",
            "moderate",
            "Mud probably makes little to no difference to pain, compared with no mud.",
        ),
        ("none", "low", "Mud may make little to no difference to pain, compared with no mud."),
        ("worse", "high", "Mud makes pain worse, compared with no mud."),
        ("small", "very low", "We do not know if mud changes pain, compared with no mud."),
    ],
)
def test_plain_statements(size, level, expected):
    assert statement_plain(size, level, **WORDS) == expected


@pytest.mark.parametrize(
    ("size", "level", "expected"),
    [
        ("large", "high", "Mud results in a large reduction in pain, compared with no mud."),
        (
            "large",
            "moderate",
            "Mud probably results in a large reduction in pain, compared with no mud.",
        ),
        ("large", "low", "Mud may result in a large reduction in pain, compared with no mud."),
        ("moderate", "high", "Mud reduces pain, compared with no mud."),
        ("small", "moderate", "Mud probably reduces pain slightly, compared with no mud."),
        ("small", "low", "Mud may reduce pain slightly, compared with no mud."),
        ("none", "low", "Mud may result in little to no difference in pain, compared with no mud."),
    ],
)
def test_clinical_statements_as_in_santesso_2020(size, level, expected):
    assert statement_clinical(size, level, falls=True, **WORDS) == expected


def test_clinical_statements_turn_with_the_direction():
    told = statement_clinical("moderate", "high", falls=False, **WORDS)
    assert told == "Mud increases pain, compared with no mud."


@pytest.mark.parametrize(("size", "level"), list(product(EFFECT_CLASSES, LEVELS)))
def test_probably_and_may_come_with_their_level_and_no_other(size, level):
    for told in (
        statement_plain(size, level, **WORDS),
        statement_clinical(size, level, falls=True, **WORDS),
    ):
        assert ("probably" in told) == (level == "moderate")
        assert (" may " in told) == (level == "low")


def test_both_ends_are_named_where_the_interval_reaches_another_size():
    told = both_ends("none", "moderate", "low", o="pain")
    assert "make little to no difference to pain" in told
    assert "improve pain" in told
    assert both_ends("small", "small", "low", o="pain") == ""
    assert both_ends("worse", "large", "low", o="pain") == (
        "The results fit with anything from “make pain worse” to “improve pain a lot”, so we "
        "cannot tell whether it helps or harms."
    )


def test_every_state_level_and_class_has_its_words():
    assert set(CERTAINTY) == set(LEVELS)
    assert [CERTAINTY[level][0] for level in LEVELS] == [1, 2, 3, 4]
    assert set(HARM_CLAUSES) == set(HARM_PHRASES)
    assert set(HARM_STATES) == {1, 2, 3, 4, 5}
    assert set(SEVERITY) == {"mild", "needs-care", "serious", "unclear"}
    assert len(LABELS) == 8


def test_no_fixed_sentence_holds_a_banned_phrase():
    banned = ("no evidence of", "significant", "proven", "safe", "no side effects", "cure", "trend")
    fixed = [
        *(part for entry in LABELS.values() for part in (entry[0], entry[2])),
        *HARM_CLAUSES.values(),
        *HARM_PHRASES.values(),
        *HARM_STATES.values(),
        *(statement_plain(s, c, **WORDS) for s, c in product(EFFECT_CLASSES, LEVELS)),
    ]
    for sentence in fixed:
        assert not [b for b in banned if b in sentence.lower()], sentence


def test_small_helpers():
    assert month_words("2009-07") == "July 2009"
    assert month_words("2009-07-03") == "3 July 2009"
    assert month_words("2009") == "2009"
    assert months_ago(23) == "23 months ago"
    assert months_ago(208) == "17 years ago"
    assert join(["a", "b", "c"]) == "a, b and c"
    assert certainty_plain("low", ["x", "y"]) == "We have little confidence because x and y."
    assert "nothing to be sure about" in certainty_plain(None, [])


@pytest.mark.parametrize(
    ("plain", "better", "aimed"),
    [
        ("a stroke", "lower", "the chance of avoiding a stroke"),
        ("the risk of a stroke", "lower", "the chance of avoiding a stroke"),
        ("feeling better", "higher", "the chance of feeling better"),
        ("the chance of being much better", "higher", "the chance of being much better"),
    ],
)
def test_an_event_is_told_by_its_chance(plain, better, aimed):
    """No treatment improves a stroke."""
    event = replace(PAIN, type="binary", measure="RR", better=better, plain=plain)
    assert aim(event) == aimed
    assert aim(replace(PAIN, plain=plain)) == plain
