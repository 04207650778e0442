"""From evidence to decision: each criterion computed, signed or not judged; dissent boxed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from fixture_reviews import FIXTURES

from equipoise.answer.assess import assess
from equipoise.present.decision import decision, dissent
from equipoise.present.pages import page
from equipoise.review.records import Judgement
from equipoise.review.vocabulary import CRITERIA

ON = date(2026, 11, 22)


def test_every_criterion_is_asked_and_the_empty_ones_say_so() -> None:
    table = decision(assess(FIXTURES["worth"](), on=ON))
    assert len(table) == 11
    told = dict(zip(table.column("asks"), table.column("level"), strict=True))
    assert told["How large are the good effects?"] == "Moderate"
    assert told["How sure is the evidence?"] == "High"
    assert told["What outweighs what?"] == "Trials support trying it"
    assert list(told.values()).count("not judged by anybody") == 7


def test_a_signed_rating_stands_with_name_day_and_reason() -> None:
    review = FIXTURES["worth"]()
    rated = tuple(
        Judgement(
            about="decision",
            domain=c,
            level=levels[0],
            by="checker",
            on="2026-10-02",
            why="So it is.",
        )
        for c, levels in CRITERIA.items()
    )
    table = decision(assess(replace(review, judgements=(*review.judgements, *rated)), on=ON))
    assert len(table) == 11
    assert "not judged by anybody" not in table.column("level")
    assert table.column("by").count("A Checker, 2 October 2026") == len(CRITERIA)


def test_who_disagrees_is_named_beside_the_answer_and_in_a_box() -> None:
    answer = assess(FIXTURES["dissent"](), on=ON)
    assert dissent(answer) == [("A Checker", "2026-10-01", "Too short trials.")]
    html = page(answer).files["index.html"].decode()
    assert html.index('class="dissent-note"') < html.index('id="fact-box"')
    assert "disagrees with this answer" in html
    assert '<aside class="dissent" id="dissent"' in html
    quiet = page(assess(FIXTURES["worth"](), on=ON)).files["index.html"].decode()
    assert "disagree" not in quiet.partition('id="judgements"')[0]
