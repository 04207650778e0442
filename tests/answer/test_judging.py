"""What goes into the computed suggestions of GRADE, from a whole review."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from equipoise.answer.assess import assess
from equipoise.answer.judging import randomised
from equipoise.certainty.grade import GradeProfile
from equipoise.review.records import Review, Signal, Trial

ON = date(2026, 11, 1)


def graded(review: Review) -> GradeProfile:
    """The profile of the deciding outcome."""
    profile = assess(review, on=ON).outcome("pain").grade
    assert profile is not None
    return profile


def suggested(review: Review, domain: str) -> int | None:
    """The computed suggestion of one domain."""
    return next(r for r in graded(review).reasons if r.domain == domain).suggested


def rule(review: Review, domain: str) -> str:
    """The rule of one domain, with its inputs."""
    return next(r for r in graded(review).reasons if r.domain == domain).rule


SIZES = (20, 25, 30, 40, 50, 70, 100, 150, 220, 300, 400, 500)


def test_ten_trials_whose_small_ones_show_more_take_a_level(isolating):
    slanted = isolating(*((-8 - 120 / n**0.5, 20, n) for n in SIZES)).review()
    assert suggested(slanted, "publication bias") == -1
    assert rule(slanted, "publication bias").startswith("Egger’s test: p = ")
    turned = isolating(*((-18 + 60 / n**0.5, 20, n) for n in SIZES)).review()
    assert suggested(turned, "publication bias") == 0


def test_ten_trials_without_a_slope_keep_the_level_and_nine_need_a_person(isolating):
    wobble = (1.5, -1.5)
    flat = [(-12 + wobble[i % 2], 20, n) for i, n in enumerate(SIZES)]
    assert suggested(isolating(*flat).review(), "publication bias") == 0
    assert suggested(isolating(*flat[:9]).review(), "publication bias") is None


def test_few_small_trials_all_paid_for_by_industry_take_a_level(isolating):
    small = ((-10, 20, 30), (-12, 20, 30))
    assert suggested(isolating(*small, money="industry").review(), "publication bias") == -1
    assert suggested(isolating(*small, money="mixed").review(), "publication bias") is None
    large = ((-10, 20, 900), (-12, 20, 900))
    assert suggested(isolating(*large, money="industry").review(), "publication bias") is None


@pytest.mark.parametrize(
    ("design", "random"),
    [
        ("parallel", True),
        ("", True),
        ("randomised crossover", True),
        ("registry-based randomised trial", True),
        ("prospective cohort", False),
        ("Non-randomised trial", False),
        ("before-after study", False),
    ],
)
def test_which_designs_are_randomised(design, random):
    assert randomised(Trial(id="t", label="T", citation="", design=design)) == random


def test_one_study_without_random_allocation_starts_the_count_at_low(isolating):
    made = isolating((-14, 20, 400), (-15, 20, 400))
    assert graded(made.review()).level == "high"
    first, *rest = made.trials
    made.trials = [replace(first, design="cohort"), *rest]
    profile = graded(made.review())
    assert (profile.start, profile.level) == ("low", "low")
    assert [r.suggested for r in profile.raises] == [None, None, None]


def test_results_flagged_as_not_isolating_are_indirect(isolating):
    made = isolating((-14, 20, 400), (-15, 20, 100))
    made.results = [
        replace(r, flags=("not-isolating",)) if r.trial == "t1" else r for r in made.results
    ]
    assert suggested(made.review(), "indirectness") == -1
    assert "T1 2020" in rule(made.review(), "indirectness")


def answers(trial: str, **changed: str) -> tuple[Signal, ...]:
    """Answers of a sound trial, some of them changed."""
    good = {"1.1": "Y", "1.2": "Y", "1.3": "N", "2.1": "N", "2.2": "N", "2.6": "Y", "3.1": "Y"}
    good |= {"4.1": "N", "4.2": "N", "4.3": "N", "5.1": "Y", "5.2": "N", "5.3": "N"}
    good |= {k.replace("_", ".").removeprefix("q"): v for k, v in changed.items()}
    rows: list[Any] = [Signal(trial=trial, question=n, answer=a) for n, a in good.items()]  # type: ignore[arg-type]
    return tuple(rows)


def test_answers_to_signalling_questions_reach_the_verdict(isolating):
    review = isolating((-14, 20, 400), (-15, 20, 400), rob="").review()
    assert graded(review).level == "moderate"
    sound = replace(review, signalling=(*answers("t1"), *answers("t2")))
    assert graded(sound).level == "high"
    flawed = replace(review, signalling=(*answers("t1", q1_2="N"), *answers("t2", q1_2="N")))
    assert graded(flawed).level == "low"
    pooled = assess(flawed, on=ON).outcome("pain").pooled
    assert pooled is not None
    assert {row.rob for row in pooled.rows} == {"high"}
    assert {row.rob_domains for row in pooled.rows} == {("high", "low", "low", "low", "low")}
