"""What stands on the one page for the doctor."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.present import sheet
from equipoise.present.pages import page
from equipoise.review.records import HarmFinding


@pytest.fixture
def back(isolating) -> Answer:
    return assess(isolating((-14, 20, 400), (-15, 20, 400)).review(), on=date(2026, 11, 1))


def test_the_deciding_outcome_is_first_and_those_without_numbers_last(back: Answer) -> None:
    (pain,) = back.outcomes
    others = [
        replace(pain, id=id, decides=False, importance=importance, absolute=absolute)
        for id, importance, absolute in (
            ("silent", "critical", None),
            ("minor", "limited", pain.absolute),
            ("work", "important", pain.absolute),
        )
    ]
    chosen = sheet.chosen_outcomes(replace(back, outcomes=(*others, pain)))
    assert [o.id for o in chosen] == [pain.id, "work", "minor"]


def test_an_outcome_without_numbers_says_so(back: Answer) -> None:
    (pain,) = back.outcomes
    row = sheet.numbers(replace(back, outcomes=(replace(pain, absolute=None),))).rows[0]
    assert row[1:4] == (sheet.UNKNOWN, sheet.UNKNOWN, "no usable numbers")


def test_harms_are_grouped_by_what_is_known_of_them(isolating) -> None:
    def found(harm: str, severity: str, kind: str, **kw: object) -> HarmFinding:
        return HarmFinding(harm=harm, plain=harm, severity=severity, kind=kind, **kw)  # type: ignore[arg-type]

    trial = {"trial": "t1", "asked": "yes"}
    harms = (
        found("sore", "mild", "trial", arm="x", events=9, n=400, **trial),
        found("sore", "mild", "trial", arm="c", events=1, n=400, **trial),
        found("clot", "serious", "case-report", events=3),
    )
    review = isolating((-14, 20, 400), (-15, 20, 400)).review()
    told = sheet.harm_words(assess(replace(review, harms=harms), on=date(2026, 11, 1)))
    assert told == (
        "Serious harm reported elsewhere; nobody knows how often: clot.",
        "Other harm seen in trials: sore.",
    )


def test_a_long_text_is_cut_at_a_word() -> None:
    assert sheet.short("A needle.  And more of it.") == "A needle"
    long = "word, " * 40
    cut = sheet.short(long)
    assert cut.endswith("word…")
    assert len(cut) <= 91
    assert sheet.short("A therapist moves the back with the hands; " + "and so on, " * 9) == (
        "A therapist moves the back with the hands"
    )
    assert sheet.short("") == ""


def test_interests_are_told_before_numbers():
    html = page(assess(FIXTURES["told"](), on=date(2026, 11, 22))).files["print.html"].decode()
    assert html.index("a clinic that gives it") < html.index("What trials found in")
