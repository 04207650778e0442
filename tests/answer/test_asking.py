"""Questions for the doctor: every gap that the trials leave leads to one."""

from dataclasses import replace
from datetime import date

import pytest
from bench import Bench
from fixture_reviews import FIXTURES, asked

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.review.records import Option

ON = date(2026, 11, 22)


def answered(name: str) -> Answer:
    return assess(FIXTURES[name](), on=ON)


def text(answer: Answer) -> str:
    return " ".join(plain(q) for q in answer.questions)


@pytest.mark.parametrize("name", FIXTURES)
def test_four_to_eight_questions_each_of_which_asks(name):
    found = answered(name).questions
    assert 4 <= len(found) <= 8
    assert len(set(found)) == len(found)
    assert all("?" in q for q in found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "How sure are you that the solution helps with pain? The trials cannot tell."),
        ("odds", "How sure are you that the solution improves the chance of feeling better?"),
        ("mayhelp", "How sure are you that the solution helps with pain? The trials leave much"),
        ("notrials", "No trial that counts has tested the solution for pain."),
        ("stale", "There may be trials since "),
        ("retracted", "The numbers of T3 2020 could not be used."),
        ("fragile", "Another fair reading of the trials gives another answer."),
        ("worth", "The trials cannot tell which part does the work."),
    ],
)
def test_each_gap_has_its_question(name, words):
    assert words in text(answered(name))


def test_what_is_sure_raises_no_question_of_doubt():
    told = text(answered("worth"))
    assert "How sure are you" not in told
    assert "Another fair reading" not in told
    assert "could not be used" not in told


def test_a_trial_without_numbers_is_asked_about():
    bench = Bench()
    for name in ("t1", "t2"):
        bench.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=800)
        bench.mean(name, "c", 50, 20, 400)
    bench.mean("t1", "x", 35, 20, 400)
    told = text(assess(asked(bench).review(), on=ON))
    assert "The numbers of T2 2020 could not be used. Do you know what they found?" in told


def test_no_search_is_a_gap_too():
    bench = asked(Bench().trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=80))
    bench.last_search = ""
    assert "Nobody has searched for all trials" in text(assess(bench.review(), on=ON))


def test_harms_that_nobody_counted_are_named_the_serious_first():
    bench = Bench().trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=80)
    for harm, severity in (("a bruise", "mild"), ("a stroke", "serious"), ("a rash", "needs-care")):
        bench.harm(harm, severity=severity, kind="theory")
    bench.harm("a scar", severity="mild", kind="survey", events=2, source="a survey")
    told = text(assess(bench.review(), on=ON))
    assert "Have you seen a stroke, a rash or a scar after the solution?" in told


def test_a_choice_of_several_things_is_not_read_out():
    review = FIXTURES["worth"]()
    several = Option(id="o", label="Pills, or rest", kind="other", experience="It is quiet.")
    told = text(assess(replace(review, options=(*review.options[:2], several)), on=ON))
    assert "or if I choose something else instead?" in told
