"""Words of the page that follow the review and not one treatment."""

from __future__ import annotations

from datetime import date

from fixture_reviews import FIXTURES

from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.present.pages import page

ON = date(2026, 11, 22)


def test_prompts_about_what_matters_name_no_treatment_of_others() -> None:
    html = page(assess(FIXTURES["fewer"](), on=ON)).files["index.html"].decode()
    section = html[html.index('id="what-matters"') : html.index('id="questions"')]
    assert "needle" not in section
    assert "what it asks of you, or the harms, weigh more for you" in section


def test_no_event_is_improved() -> None:
    answer = assess(FIXTURES["fewer"](), on=ON)
    (found,) = answer.outcomes
    assert plain(found.statement_plain).startswith(
        "The solution improves the chance of avoiding a "
    )
    for text in (answer.verdict.sentence, *answer.key_messages, found.statement_plain):
        assert "improves a stroke" not in text
        assert "improves the risk" not in text
