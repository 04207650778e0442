"""A number changes with the cells that it rests on, and with no other."""

from dataclasses import replace
from datetime import date

import pytest
from bench import Bench
from fixture_reviews import finished

from equipoise.answer.assess import assess
from equipoise.core.provenance import Cell
from equipoise.review.records import Outcome, Threshold

ON = date(2026, 11, 22)
RESPONSE = Outcome(
    id="response",
    label="Response",
    plain="the chance of getting better",
    type="binary",
    measure="RR",
    better="higher",
    importance="critical",
    weeks=(13, 60, 26),
    thresholds=(
        Threshold(name="per 1000", kind="between-group", small=100, source="made up", main=True),
    ),
)


def bench() -> Bench:
    made = Bench()
    made.outcomes = [made.outcomes[0], RESPONSE]
    data = (
        ("t1", 41, 50, 19, 41, (30, 21)),
        ("t2", 38, 51, 22, 57, (44, 33)),
        ("t3", 43, 47, 17, 83, (50, 41)),
    )
    for name, treated, control, sd, n, events in data:
        made.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=2 * n)
        made.mean(name, "x", treated, sd, n).mean(name, "c", control, sd + 1, n)
        made.mean(name, "c", control + 9 + n / 40, None, n, weeks=0.0)
        made.events(name, "x", events[0], n).events(name, "c", events[1], n)
        for arm, sore in (("x", 9), ("c", 4)):
            made.harm("soreness", trial=name, arm=arm, events=sore, n=n, asked="yes")
    return made


def rests(answer, cell: Cell) -> set[str]:
    """The quantities that rest on a cell, directly or through others."""
    book = answer.quantities
    found = {q.id for q in book.values() if cell in q.cells}
    while True:
        more = {q.id for q in book.values() if found & set(q.inputs)} - found
        if not more:
            return found
        found |= more


def numbers(answer) -> dict[str, tuple[float, float | None, float | None]]:
    return {q.id: (q.value, q.low, q.high) for q in answer.quantities.values()}


def changed(before, after) -> set[str]:
    """Numbers that were shown and are now another, or gone."""
    one, two = numbers(before), numbers(after)
    return {id_ for id_ in one if one[id_] != two.get(id_)}


BASE = finished(bench(), "base")
CELLS = [
    (kind, i, field)
    for kind, rows in (("results", BASE.results), ("harms", BASE.harms))
    for i, row in enumerate(rows)
    for field in ("mean", "sd", "n", "events")
    if getattr(row, field, None) is not None
]


def touched(kind: str, i: int, field: str, value: float | int | None):
    rows = list(getattr(BASE, kind))
    rows[i] = replace(rows[i], **{field: value})
    return rows[i].cell(field), replace(BASE, **{kind: tuple(rows)})


@pytest.mark.parametrize(("kind", "i", "field"), CELLS)
def test_a_changed_cell_changes_what_rests_on_it_and_nothing_else(kind, i, field):
    before = assess(BASE, on=ON)
    value = getattr(getattr(BASE, kind)[i], field)
    cell, review = touched(kind, i, field, value + 1)
    after = assess(review, on=ON)
    moved, resting = changed(before, after), rests(before, cell)
    start = kind == "results" and BASE.results[i].weeks == 0
    assert moved or (start and field == "n"), "one group's start does not weigh by its size"
    assert moved - resting - rests(after, cell) == set()


@pytest.mark.parametrize(("kind", "i", "field"), CELLS)
def test_a_removed_cell_changes_every_number_that_rests_on_it_and_no_other(kind, i, field):
    before = assess(BASE, on=ON)
    cell, review = touched(kind, i, field, None)
    after = assess(review, on=ON)
    trial = getattr(BASE, kind)[i].trial
    # What the answer would be without a trial is not shown of a trial that is not there.
    own = {id_ for id_ in before.quantities if id_.endswith(f".if.without.{trial}")}
    moved, resting = changed(before, after), rests(before, cell)
    assert moved - resting - own == set(), "a number changed that does not say it rests on the cell"
    assert resting - moved == set(), "a number says it rests on the cell, and does not"
