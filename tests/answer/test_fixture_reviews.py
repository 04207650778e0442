"""Every answer, state, size and level comes out of a review made for it, from folder to page."""

import math
import re
from datetime import date
from itertools import product

import pytest
from fixture_reviews import ANSWERS, FIXTURES, SIZES, asked, finished, graded

from equipoise.answer.assess import assess
from equipoise.answer.wording import LABELS, WORSE_LABEL, label
from equipoise.certainty.grade import LEVELS
from equipoise.core.provenance import plain
from equipoise.present.pages import page
from equipoise.review.folder import open_review, write_folder
from equipoise.site.build import build

ON = date(2026, 11, 22)


@pytest.mark.parametrize("name", FIXTURES)
def test_each_fixture_answers_as_it_was_made_to(name, tmp_path):
    review = FIXTURES[name]()
    answer = assess(review, on=ON)
    assert answer.verdict.code == ANSWERS[name]
    again = open_review(write_folder(review, tmp_path / review.slug))
    assert assess(again, on=ON).verdict == answer.verdict
    html = page(answer).files["index.html"].decode()
    assert label(answer.verdict.code, answer.verdict.benefit) in html


def test_the_fixtures_give_all_seven_answers_and_none():
    assert set(ANSWERS.values()) == set(LABELS)


def test_a_worsening_is_never_called_little_difference():
    worse = assess(FIXTURES["maynot-worse"](), on=ON)
    assert worse.verdict.label == WORSE_LABEL
    assert "little difference" not in page(worse).files["index.html"].decode()
    assert assess(FIXTURES["maynot"](), on=ON).verdict.label == LABELS["MAYNOT"][0]
    becomes = [c for c in worse.would_change if "the answer becomes" in c]
    assert becomes
    assert all(WORSE_LABEL not in c for c in becomes)


def test_the_stops_are_shown():
    stale = assess(FIXTURES["stale"](), on=ON)
    assert stale.verdict.stale
    assert stale.verdict.heading == "As of March 2019"
    retracted = assess(FIXTURES["retracted"](), on=ON)
    assert retracted.verdict.retracted
    assert any("retracted" in line.text for line in retracted.status.lines)
    assert "T3 2020" not in [r.label for r in retracted.outcome("pain").pooled.rows]


def test_every_state_of_harm_and_every_severity():
    lines = assess(FIXTURES["harms"](), on=ON).harms
    assert {h.state for h in lines} == {1, 2, 3, 4, 5}
    assert {h.severity for h in lines} == {"mild", "needs-care", "serious", "unclear"}


@pytest.mark.parametrize(("size", "level"), list(product(SIZES, LEVELS)))
def test_every_cell_of_the_wording_table(size, level):
    review = finished(asked(graded(size, level)), "cell")
    outcome = assess(review, on=ON).outcome("pain")
    assert outcome.grade is not None
    assert (outcome.effect_class, outcome.grade.level) == (size, level)
    said = plain(outcome.statement_plain)
    modal = {"high": "", "moderate": "probably", "low": "may", "very low": "We do not know"}[level]
    assert modal in said
    if size == "none" and level != "very low":
        assert "little to no difference" in said or "little or no difference" in said


@pytest.mark.parametrize("name", FIXTURES)
def test_sentences_are_english(name):
    answer = assess(FIXTURES[name](), on=ON)
    texts = [answer.verdict.sentence, answer.verdict.caution, answer.harm_sentence]
    texts += [*answer.key_messages, *answer.would_change, *answer.questions]
    texts += [o.statement_plain for o in answer.outcomes]
    texts += [p.sentence for p in (answer.alone, answer.added, answer.together)]
    for text in texts:
        assert not re.search(r"\b[Aa] [aeio]|  |\.\.|⟦\||\bNone\b(?! of)|\bnan\b", plain(text)), (
            text
        )


@pytest.mark.parametrize("name", ["fewer", "odds", "shares"])
def test_pages_of_counts_are_built(name, tmp_path):
    """Rings and diamonds add up, a need is rounded up, and a picture names its people."""
    answer = assess(FIXTURES[name](), on=ON)
    build([answer], tmp_path)
    needed = answer.quantities.get("change.needed")
    if needed is not None:
        shown = next(t for t in answer.would_change if needed.id in t)
        assert f"about {10 * math.ceil(needed.value / 10)} people" in plain(shown)
    html = (tmp_path / name / "index.html").read_text(encoding="utf-8")
    assert answer.outcome("response").absolute.reference_class in html
