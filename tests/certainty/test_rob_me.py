"""What went unreported: the ledger of an outcome, its bearing, and who was asked about harms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.answer.assess import assess
from equipoise.certainty.rob_me import gaps, harm_gaps
from equipoise.review.records import HarmFinding, Review, Unreported


def lost(review: Review, trial: str, state: str, because: str = "", **kw: Any) -> Review:
    row = Unreported(trial=trial, outcome="pain", state=state, because=because, **kw)  # type: ignore[arg-type]
    return replace(review, unreported=(*review.unreported, row))


@pytest.fixture
def review(isolating) -> Review:
    """Two trials of 100 people with results, and two of 100 without."""
    made = isolating((-10, 20, 50), (-12, 20, 50))
    for name in ("t3", "t4"):
        made.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=100)
    return made.review()


def ledger(review: Review):
    return gaps(review, review.outcomes[0])


def test_trials_without_a_word_are_counted_for_nothing(review):
    found = ledger(review)
    assert [g.state for g in found.lines] == ["reported", "reported", "not said", "not said"]
    assert (found.people, found.for_result, found.at_all) == (200, 0, 0)
    assert found.bearing == "no result is known to be missing; for 2 trials nobody has looked it up"


@pytest.mark.parametrize(
    ("state", "because", "for_result", "at_all"),
    [
        ("measured, not reported", "of the result", 1 / 3, 1 / 3),
        ("measured, not reported", "unclear", 0, 1 / 3),
        ("measured, not reported", "", 0, 1 / 3),
        ("measured, not reported", "other", 0, 0),
        ("partly reported", "of the result", 1 / 3, 1 / 3),
        ("unclear", "", 0, 1 / 3),
        ("not measured", "", 0, 0),
    ],
)
def test_shares_of_the_people_that_are_missing(review, state, because, for_result, at_all):
    found = ledger(lost(review, "t3", state, because, source="protocol", note="n"))
    assert found.for_result == pytest.approx(for_result)
    assert found.at_all == pytest.approx(at_all)
    line = found.lines[2]
    assert (line.state, line.because, line.source, line.note) == (state, because, "protocol", "n")


def test_what_is_partly_reported_and_usable_is_not_missing(review):
    found = ledger(lost(review, "t1", "partly reported", "of the result"))
    assert found.lines[0].usable
    assert found.at_all == 0


def test_a_result_that_cannot_be_used_is_none(review):
    rows = tuple(replace(r, flags=("unusable",)) if r.trial == "t2" else r for r in review.results)
    found = ledger(replace(review, results=rows))
    assert [g.usable for g in found.lines] == [True, False, False, False]


def test_missing_results_take_a_level_off_the_answer(review):
    def rating(r: Review):
        profile = assess(r, on=date(2026, 11, 1)).outcome("pain").grade
        assert profile is not None
        return next(x for x in profile.reasons if x.domain == "publication bias")

    assert rating(review).suggested is None
    found = rating(lost(review, "t3", "measured, not reported", "of the result"))
    assert found.suggested == -1
    assert "33%" in found.rule
    assert rating(lost(review, "t3", "not measured")).suggested is None


STATES = st.sampled_from(["not measured", "measured, not reported", "partly reported", "unclear"])
WHY = st.sampled_from(["", "of the result", "other", "unclear"])


@given(STATES, WHY, STATES, WHY)
def test_more_gaps_never_make_a_smaller_share(s1, w1, s2, w2):
    from bench import Bench

    made = Bench()
    for i in range(1, 5):
        made.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=50 * i)
    made.mean("t1", "x", 30, 20, 25).mean("t1", "c", 40, 20, 25)
    one = lost(made.review(), "t2", s1, w1)
    two = lost(one, "t3", s2, w2)
    assert ledger(two).at_all >= ledger(one).at_all
    assert 0 <= ledger(two).for_result <= ledger(two).at_all <= 1
    turned = replace(two, trials=two.trials[::-1], unreported=two.unreported[::-1])
    assert ledger(turned).at_all == pytest.approx(ledger(two).at_all)


def test_who_was_asked_about_each_harm(review):
    def harm(trial: str, arm: str, asked: str) -> HarmFinding:
        return HarmFinding(
            harm="nausea",
            plain="feeling sick",
            severity="mild",
            kind="trial",
            trial=trial,
            arm=arm,
            asked=asked,  # type: ignore[arg-type]
            events=0,
            n=50,
        )

    theory = HarmFinding(harm="bleeding", plain="bleeding", severity="serious", kind="theory")
    rows = (
        harm("t1", "x", "yes"),
        harm("t1", "c", "yes"),
        harm("t2", "x", "no"),
        harm("t3", "x", "unclear"),
        theory,
    )
    sick, bleeding = harm_gaps(replace(review, harms=rows))
    assert (sick.asked, sick.not_asked) == (("T1 2020",), ("T2 2020",))
    assert (sick.unclear, sick.not_said) == (("T3 2020",), ("T4 2020",))
    assert (sick.people_asked, sick.people_treated) == (50, 150)
    assert sick.share == pytest.approx(1 / 3)
    assert bleeding.not_said == ("T1 2020", "T2 2020", "T3 2020", "T4 2020")
    assert bleeding.share == 0
