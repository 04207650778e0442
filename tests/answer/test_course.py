"""How it went without the treatment: the control groups' own change, and what is not told."""

from datetime import date

import pytest
from bench import Bench

from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.review.records import Outcome

ON = date(2026, 11, 22)


def trials(*rows: tuple[str, float | None, float, int], **kw) -> Bench:
    """Trials as (name, control mean at the start, control mean later, people in the control)."""
    made = Bench()
    for name, start, later, n in rows:
        made.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=2 * n)
        made.mean(name, "x", 30, 20, n).mean(name, "c", later, 20, n)
        if start is not None:
            made.mean(name, "c", start, 20, n, weeks=0.0, **kw)
    return made


def course(bench: Bench) -> list[str]:
    return [plain(text) for text in assess(bench.review(), on=ON).course]


def test_the_change_is_that_of_the_control_groups_by_their_size():
    # (50 - 60) x 100 and (40 - 45) x 300 of 400 people: 6.25 lower.
    answer = assess(trials(("t1", 60, 50, 100), ("t2", 45, 40, 300)).review(), on=ON)
    assert answer.quantities["course.pain.change"].value == pytest.approx(-6.25)
    assert answer.quantities["course.pain.people"].value == 400
    assert plain(answer.course[0]) == (
        "Pain: 6.3 points lower than at the start (scale 0 to 100), after 6 months. That is the "
        "average of 400 people with sham injections."
    )
    assert answer.course[-1].startswith("Time alone need not be the reason")


def test_a_trial_without_a_start_is_not_in_it():
    answer = assess(trials(("t1", 60, 50, 100), ("t2", None, 40, 300)).review(), on=ON)
    assert answer.quantities["course.pain.people"].value == 100
    assert answer.quantities["course.pain.change"].value == -10


def test_a_start_on_another_scale_is_moved_to_the_outcomes_own():
    (told, _) = course(trials(("t1", 6.0, 50, 100), scale=(0.0, 10.0)))
    assert told.startswith("Pain: 10.0 points lower than at the start")


def test_an_unusable_start_is_not_used():
    assert course(trials(("t1", 60, 50, 100), flags=("unusable",))) == []


def test_worse_and_the_same_are_said_so():
    assert "10.0 points higher than at the start" in course(trials(("t1", 40, 50, 100)))[0]
    assert "Pain: the same as at the start" in course(trials(("t1", 50, 50, 100)))[0]


def test_published_changes_need_no_start():
    made = Bench().trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=200)
    made.mean("t1", "x", -20, 20, 100, type="change").mean("t1", "c", -8, 20, 100, type="change")
    assert course(made)[0].startswith("Pain: 8.0 points lower than at the start")


def test_people_who_got_better_without_it_are_counted():
    made = Bench()
    made.outcomes = [
        Outcome(
            id="response",
            label="Response",
            plain="the chance of getting better",
            type="binary",
            measure="RR",
            better="higher",
            importance="critical",
            weeks=(13, 60, 26),
            decides=True,
        )
    ]
    for i, (treated, control) in enumerate(((30, 20), (40, 25))):
        made.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=200)
        made.events(f"t{i}", "x", treated, 100).events(f"t{i}", "c", control, 100)
    assert course(made)[0] == (
        "The chance of getting better: 225 of every 1000 people with sham injections, after 6 "
        "months."
    )


def test_no_trial_tells_nothing():
    assert course(Bench()) == []
