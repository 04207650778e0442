"""Any number leads back to its publication, and any cell forward to the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.table import show
from equipoise.present.pages import page
from equipoise.present.prose import cell_id, quantity_id
from equipoise.present.way_back import VERDICT, WayBack, way_back
from equipoise.review.folder import open_review

ON = date(2026, 11, 22)
SHIPPED = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")


@pytest.fixture(scope="module", params=[*SHIPPED, "mayhelp", "notrials", "retracted", "harms"])
def answer(request: pytest.FixtureRequest) -> Answer:
    made = FIXTURES[request.param]() if request.param in FIXTURES else open_review(request.param)
    return assess(made, on=ON)


@pytest.fixture(scope="module")
def back() -> Answer:
    return assess(open_review(SHIPPED[0]), on=ON)


def links(way: WayBack) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Every (from, to) of the way back, and every (from, to) of the way forward."""
    down = {(VERDICT, href[1:]) for href, _ in way.verdict}
    up = set()
    for entries in way.groups.values():
        for e in entries:
            own = quantity_id(e.quantity.id)
            down |= {(own, href[1:]) for href, _ in (*e.inputs, *e.trials)}
            down |= {(own, cell_id(cell)) for cell, _ in e.cells}
            up |= {(own, href[1:]) for href, _ in e.used}
    for steps in way.trials.values():
        for s in steps:
            down |= {(s.id, cell_id(cell)) for cell, _ in s.cells}
            up |= {(s.id, href[1:]) for href, _ in s.used}
    for lines in way.files.values():
        for line in lines:
            for columns, used in line.used:
                for value in line.cells:
                    if not columns or value.cell.column in columns.split(", "):
                        up |= {(cell_id(value.cell), href[1:]) for href, _ in used}
    return down, up


def test_every_step_back_has_a_step_forward(answer: Answer) -> None:
    down, up = links(way_back(answer))
    assert {(b, a) for a, b in down} == up


def test_the_answer_leads_to_every_cell_that_it_rests_on(answer: Answer) -> None:
    down, _ = links(way_back(answer))
    reached, edge = {VERDICT}, {VERDICT}
    while edge:
        edge = {b for a, b in down if a in edge} - reached
        reached |= edge
    o = answer.outcome(answer.verdict.rests_on)
    for row in o.pooled.rows if o.pooled else ():
        assert {cell_id(c) for c in row.cells} <= reached


def test_weights_and_effects_of_trials_stand_on_the_way(back: Answer) -> None:
    steps = way_back(back).trials["Pain intensity"]
    assert [(s.label, s.weight) for s in steps] == [("Dechow 1999", "44%"), ("Yelland 2004", "56%")]
    assert steps[0].shown == "8.0 (−4.3 to 20.3)"
    assert steps[0].used == (("#q-pain.effect", "Pain intensity: mean difference"),)
    ratio = way_back(back).trials["Halving of disability"][0]
    o = back.outcome("response_disability")
    assert o.effect is not None
    assert ratio.shown == str(show(o.effect))
    assert ratio.weight == "100%"


def test_a_line_leads_to_its_publication(back: Answer) -> None:
    lines = way_back(back).files["results.csv"]
    one = next(line for line in lines if "Yelland 2004" in line.first.what)
    hrefs = [href for href, _ in one.publication]
    assert hrefs[0] == "index.html#ref-yelland2004"
    assert any(href.startswith("https://doi.org/10.") for href in hrefs)
    assert any(href.startswith("https://pubmed.ncbi.nlm.nih.gov/") for href in hrefs)


def test_each_of_two_comparisons_of_one_trial_has_a_step(back: Answer) -> None:
    o = back.outcomes[0]
    assert o.pooled is not None
    rows = (*o.pooled.rows, o.pooled.rows[0])
    twice = replace(back, outcomes=(replace(o, pooled=replace(o.pooled, rows=rows)),))
    ids = [s.id for s in way_back(twice).trials[o.label]]
    assert len(ids) == len(set(ids)) == 3


def test_what_decides_comes_first_and_harms_after_what_was_hoped_for(back: Answer) -> None:
    heads = list(way_back(back).groups)
    assert heads[0] == back.outcome(back.verdict.rests_on).label
    assert heads.index("Harms") > heads.index("Together with other care")


def test_the_page_of_sources_starts_at_the_answer(back: Answer) -> None:
    html = page(back).files["sources.html"].decode()
    assert html.index('id="verdict"') < html.index('id="q-pain.effect"') < html.index('id="t-pain.')
    assert html.index('id="t-pain.') < html.index('id="c-results.csv-')
    assert "Used for" in html
    assert b'href="sources.html#verdict"' in page(back).files["index.html"]
