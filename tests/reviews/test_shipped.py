"""The reviews that ship with the package: what they must say, from the evidence they hold."""

from datetime import date

import pytest

from equipoise.answer.assess import assess
from equipoise.core.provenance import pieces, plain
from equipoise.review.check import check_folder
from equipoise.review.folder import locate, open_review, shipped

ON = date(2026, 11, 23)


@pytest.fixture(scope="module")
def back():
    return assess(open_review("prolotherapy-low-back-pain"), on=ON)


@pytest.fixture(scope="module")
def knee():
    return assess(open_review("prolotherapy-knee-osteoarthritis"), on=ON)


def test_both_are_shipped():
    assert set(shipped()) >= {"prolotherapy-knee-osteoarthritis", "prolotherapy-low-back-pain"}


@pytest.mark.parametrize("slug", shipped())
def test_no_folder_has_an_error_or_a_warning(slug):
    problems = check_folder(locate(slug), on=ON)
    assert [str(p) for p in problems if p.severity != "note"] == []


def test_the_back_pain_answer_is_headed_by_the_date_of_its_search(back):
    assert back.verdict.heading == "As of July 2009"
    assert back.verdict.code == "UNKNOWN"
    assert back.certainty == "very low"
    assert back.status.lines[0].kind == "stop"
    assert "July 2009" in back.status.lines[0].text


def test_the_cap_of_an_old_search_is_in_the_profile(back):
    profile = back.outcome("pain").grade
    assert any(c.level == "low" and "July 2009" in c.why for c in profile.caps)


def test_pain_rests_on_yelland_and_dechow_with_a_borrowed_sd(back):
    pain = back.outcome("pain")
    assert [r.label for r in pain.pooled.rows] == ["Dechow 1999", "Yelland 2004"]
    dechow = pain.pooled.rows[0]
    assert any("borrowed from Yelland 2004" in f for f in dechow.flags)
    # 10 × (5.2 − 4.4) with the pooled SD of Yelland's groups at 26 weeks.
    assert dechow.estimate == pytest.approx(8.0)
    sd = ((53 * 26.6**2 + 55 * 27.5**2) / 108) ** 0.5
    half = 1.959963984540054 * sd * (1 / 36 + 1 / 38) ** 0.5
    assert dechow.high - dechow.estimate == pytest.approx(half, rel=1e-9)
    assert pain.pooled.rows[1].estimate == pytest.approx(31.4 - 34.0)


def test_yelland_is_counted_once(back):
    for outcome in back.outcomes:
        if outcome.pooled is not None:
            assert sum(r.trial == "yelland2004" for r in outcome.pooled.rows) <= 1
    assert any(m.trial == "yelland2004" and "other factor" in m.why for m in back.left_out)


def test_ongley_cannot_be_attributed_to_prolotherapy(back):
    for outcome in back.outcomes:
        if outcome.pooled is not None:
            assert all(r.trial != "ongley1987" for r in outcome.pooled.rows)
    (bearing,) = [b for b in back.together.bearings if b.trial == "ongley1987"]
    assert bearing.how == "not attributable"
    assert "three components" in bearing.why
    assert "Ongley 1987 cannot be attributed to prolotherapy" in back.together.sentence
    assert back.together.trials.value == 0


def test_alone_added_and_together_say_what_bears_on_them(back):
    assert {b.label: b.how for b in back.alone.bearings} == {
        "Mathews 1987": "no usable numbers",
        "Dechow 1999": "direct",
        "Yelland 2004": "mixed",
    }
    assert {b.label: b.how for b in back.added.bearings} == {
        "Klein 1993": "direct",
        "Yelland 2004": "mixed",
    }
    assert all(e.direct_share == 0 for e in back.together.estimates)
    assert "simply add up" in back.together.assumption


def test_klein_without_an_estimate_is_left_out_by_name(back):
    reasons = [m.why for m in back.left_out if m.trial == "klein1993"]
    assert any("p value" in r for r in reasons)


def test_the_survey_gives_counts_and_no_rate(back):
    headache = next(h for h in back.harms if h.harm == "spinal-headache")
    assert headache.state == 3
    assert headache.count.value == 164
    assert headache.with_ is headache.bound is None
    assert back.verdict.harm == "serious possible"
    assert {h.state for h in back.harms} == {3, 5}


def test_the_knee_does_not_leak_into_the_back_nor_the_back_into_the_knee(back, knee):
    assert knee.verdict.code == "CLOSE"
    assert knee.certainty == "low"
    assert {t.id for t in back.review.trials}.isdisjoint(t.id for t in knee.review.trials)


def test_knee_numbers_are_those_of_the_two_trials_at_a_year(knee):
    rows = {r.label: r for r in knee.outcome("womac").pooled.rows}
    assert rows["Rabago 2013"].estimate == pytest.approx(-(15.32 - 7.59))
    se = (3.32**2 + 3.36**2) ** 0.5
    assert rows["Rabago 2013"].high - rows["Rabago 2013"].estimate == pytest.approx(
        1.959963984540054 * se, rel=1e-9
    )
    assert rows["Sit 2020"].estimate == -9.65
    assert rows["Sit 2020"].low == pytest.approx(-17.77, abs=0.01)


def test_no_harm_of_the_knee_is_called_serious_from_a_review_that_saw_none(knee):
    major = next(h for h in knee.harms if h.harm == "major")
    assert major.state == 5
    assert knee.verdict.harm == "not measured"


@pytest.mark.parametrize("which", ["back", "knee"])
def test_every_marked_number_leads_to_cells_of_the_folder(which, request):
    answer = request.getfixturevalue(which)
    known = {c.cell for c in answer.cells}
    for quantity in answer.quantities.values():
        assert set(quantity.cells) <= known
        assert set(quantity.inputs) <= set(answer.quantities)
    texts = [o.statement_plain for o in answer.outcomes]
    texts += [p.sentence for p in (answer.alone, answer.added, answer.together)]
    texts += [*answer.key_messages, *answer.would_change, *(h.statement for h in answer.harms)]
    for text in texts:
        for _, id_ in pieces(text):
            assert id_ is None or id_ in answer.quantities


@pytest.mark.parametrize("which", ["back", "knee"])
def test_cells_are_shown_as_the_folder_has_them(which, request):
    answer = request.getfixturevalue(which)
    for cell in answer.cells:
        text = answer.review.text[cell.cell.file]
        assert cell.value in text
        assert cell.value != "" or cell.cell.column in ("sd", "se")


@pytest.mark.parametrize("which", ["back", "knee"])
def test_key_messages_are_short(which, request):
    messages = request.getfixturevalue(which).key_messages
    assert len(messages) <= 3
    assert all(len(plain(m).split()) <= 30 for m in messages)
