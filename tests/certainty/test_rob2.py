"""RoB 2: every combination of answers, the published criteria, and what counts for a result."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.certainty.rob2 import assess_result, result_risk
from equipoise.review.records import Review, RobFinding, Signal
from equipoise.review.signals import (
    ANSWERS,
    DOMAINS,
    QUESTIONS,
    UnansweredError,
    effects,
    walk,
)

LEVELS = ("low", "some concerns", "high")
WAYS = [
    (d, e) for d in DOMAINS for e in (("assignment", "adhering") if d == "deviations" else ("",))
]
YES, NO, OPEN, NA = {"Y", "PY"}, {"N", "PN"}, {"NI"}, {"NA"}


def numbers(domain: str, effect: str) -> list[str]:
    """The questions of one domain and effect."""
    own = [n for n, q in QUESTIONS.items() if q.domain == domain]
    if domain != "deviations":
        return own
    return [n for n in own if n.startswith("2b.") == (effect == "adhering")]


def combinations(domain: str, effect: str) -> list[dict[str, str]]:
    """Every combination of the answers that the tool offers."""
    asked = numbers(domain, effect)
    return [
        dict(zip(asked, a, strict=True)) for a in product(*(QUESTIONS[n].answers for n in asked))
    ]


def published(domain: str, effect: str, a: dict[str, str]) -> set[str]:
    """Which levels' criteria hold, as the guidance states them for each level on its own.

    A second route: the guidance's tables of criteria, level by level, where the code follows the
    flow charts. Conditional questions of which the turn does not come are not looked at.
    """
    q = {
        n: {"Y": "y", "PY": "y", "N": "n", "PN": "n", "NI": "u", "NA": "-"}[v] for n, v in a.items()
    }

    def has(n: str, *said: str) -> bool:
        return q[n] in said

    if domain == "randomization":
        low = has("1.2", "y") and has("1.3", "n", "u") and has("1.1", "y", "u")
        some = (has("1.2", "y") and (has("1.1", "n") or has("1.3", "y"))) or (
            has("1.2", "u") and has("1.3", "n", "u")
        )
        high = has("1.2", "n") or (has("1.2", "u") and has("1.3", "y"))
    elif domain == "missing":
        gone = has("3.1", "n", "u") and has("3.2", "n")

        low = (
            has("3.1", "y")
            or (has("3.1", "n", "u") and has("3.2", "y"))
            or (gone and has("3.3", "n"))
        )
        some = gone and has("3.3", "y", "u") and has("3.4", "n")
        high = gone and has("3.3", "y", "u") and has("3.4", "y", "u")
    elif domain == "measurement":
        right = has("4.1", "n", "u")
        could = has("4.3", "y", "u") and has("4.4", "y", "u")
        cannot = has("4.3", "n") or (has("4.3", "y", "u") and has("4.4", "n"))
        low = right and has("4.2", "n") and cannot
        some = (right and has("4.2", "n", "u") and could and has("4.5", "n")) or (
            right and has("4.2", "u") and cannot
        )
        high = has("4.1", "y") or has("4.2", "y")
        high = high or (right and has("4.2", "n", "u") and could and has("4.5", "y", "u"))
    elif domain == "selection":
        low = has("5.1", "y") and has("5.2", "n") and has("5.3", "n")
        high = has("5.2", "y") or has("5.3", "y")
        some = not high and (has("5.1", "n", "u") or has("5.2", "u") or has("5.3", "u"))
    elif effect == "assignment":
        blind = has("2.1", "n") and has("2.2", "n")
        arose, matters = not blind and has("2.3", "y"), has("2.4", "y", "u")
        one = {
            "low": blind or has("2.3", "n"),
            "some concerns": not blind
            and (
                has("2.3", "u")
                or (arose and has("2.4", "n"))
                or (arose and matters and has("2.5", "y"))
            ),
            "high": arose and matters and has("2.5", "n", "u"),
        }
        two = {
            "low": has("2.6", "y"),
            "some concerns": has("2.6", "n", "u") and has("2.7", "n"),
            "high": has("2.6", "n", "u") and has("2.7", "y", "u"),
        }
        low = one["low"] and two["low"]
        high = one["high"] or two["high"]
        some = not high and (one["some concerns"] or two["some concerns"])
    else:
        blind = has("2b.1", "n") and has("2b.2", "n")
        fair = blind or has("2b.3", "y", "-")
        kept = has("2b.4", "n", "-") and has("2b.5", "n", "-")
        low = fair and kept
        some = not low and has("2b.6", "y")
        high = not low and has("2b.6", "n", "u")
    return {name for name, holds in zip(LEVELS, (low, some, high), strict=True) if holds}


@pytest.mark.parametrize(("domain", "effect"), WAYS)
def test_every_combination_of_answers_gives_the_one_published_level(domain, effect):
    reached = set()
    for answers in combinations(domain, effect):
        asked = next((n for n in answers if _stuck(domain, effect, answers, n)), None)
        if asked is not None:
            assert answers[asked] == "NA"
            assert QUESTIONS[asked].conditional
            continue
        way = walk(domain, answers, effect)
        assert published(domain, effect, answers) == {way.level}, answers
        assert [s.answer for s in way.steps] == [answers[s.question] for s in way.steps]
        reached.add(way.level)
    assert reached == set(LEVELS)


@pytest.mark.parametrize(("domain", "effect"), WAYS)
def test_a_question_that_is_not_reached_changes_nothing(domain, effect):
    for answers in combinations(domain, effect)[::7]:
        try:
            way = walk(domain, answers, effect)
        except UnansweredError:
            continue
        used = {s.question: s.answer for s in way.steps}
        assert walk(domain, used, effect) == way
        for number in used:
            with pytest.raises(UnansweredError):
                walk(domain, {n: v for n, v in used.items() if n != number}, effect)


@pytest.mark.parametrize(("domain", "effect"), WAYS)
def test_a_worse_answer_never_leads_to_a_better_level(domain, effect):
    """From the good answer through no information to the bad one; NA is left as it is."""
    for answers in combinations(domain, effect):
        level = _level(domain, effect, answers)
        if level is None:
            continue
        for number, answer in answers.items():
            for worse in _worse(number, answer):
                after = _level(domain, effect, {**answers, number: worse})
                assert after is None or LEVELS.index(after) >= LEVELS.index(level)


def _stuck(domain: str, effect: str, answers: dict[str, str], number: str) -> bool:
    """Whether the way ends at that question for want of an answer."""
    try:
        walk(domain, answers, effect)
    except UnansweredError as error:
        return error.number == number
    return False


def _level(domain: str, effect: str, answers: dict[str, str]) -> str | None:
    try:
        return walk(domain, answers, effect).level
    except UnansweredError:
        return None


def _worse(number: str, answer: str) -> list[str]:
    order = ["Y", "PY", "NI", "PN", "N"]
    order = [a for a in order if a in QUESTIONS[number].answers]
    if QUESTIONS[number].good == "no":
        order.reverse()
    return order[order.index(answer) + 1 :] if answer in order else []


def test_there_are_twenty_two_questions_of_assignment_and_six_of_adhering():
    assert len([n for n in QUESTIONS if not n.startswith("2b.")]) == 22
    assert len([n for n in QUESTIONS if n.startswith("2b.")]) == 6
    assert [len(numbers(d, e)) for d, e in WAYS] == [3, 7, 6, 4, 5, 3]
    assert "NI" not in QUESTIONS["3.2"].answers
    assert effects("deviations", {"2.1": "N", "2b.1": "N"}) == ("assignment", "adhering")
    assert effects("missing", {"2.1": "N"}) == ()


def test_probably_counts_as_the_answer_itself():
    for domain, effect in WAYS:
        for answers in combinations(domain, effect)[::5]:
            plain = {n: v.removeprefix("P") for n, v in answers.items()}
            assert _level(domain, effect, answers) == _level(domain, effect, plain)


# Cases that the guidance tells in words.
CASES: list[tuple[str, str, dict[str, str], str]] = [
    ("randomization", "", {"1.1": "NI", "1.2": "NI", "1.3": "NI"}, "some concerns"),
    ("randomization", "", {"1.1": "NI", "1.2": "Y", "1.3": "NI"}, "low"),
    ("randomization", "", {"1.1": "Y", "1.2": "PN", "1.3": "N"}, "high"),
    # A double-blind trial analysed by intention to treat.
    ("deviations", "assignment", {"2.1": "N", "2.2": "N", "2.6": "Y"}, "low"),
    # An open trial without deviations because of the trial.
    ("deviations", "assignment", {"2.1": "Y", "2.2": "Y", "2.3": "PN", "2.6": "Y"}, "low"),
    # An open trial analysed per protocol, with many people left out.
    (
        "deviations",
        "assignment",
        {"2.1": "Y", "2.2": "Y", "2.3": "NI", "2.6": "N", "2.7": "Y"},
        "high",
    ),
    ("missing", "", {"3.1": "N", "3.2": "N", "3.3": "Y", "3.4": "PN"}, "some concerns"),
    # Patients who know their treatment and rate their own pain.
    (
        "measurement",
        "",
        {"4.1": "N", "4.2": "N", "4.3": "Y", "4.4": "Y", "4.5": "NI"},
        "high",
    ),
    ("measurement", "", {"4.1": "N", "4.2": "NI", "4.3": "N"}, "some concerns"),
    ("selection", "", {"5.1": "NI", "5.2": "NI", "5.3": "NI"}, "some concerns"),
    ("selection", "", {"5.1": "Y", "5.2": "N", "5.3": "PY"}, "high"),
]


@pytest.mark.parametrize(("domain", "effect", "answers", "level"), CASES)
def test_cases_told_in_the_guidance(domain, effect, answers, level):
    assert walk(domain, answers, effect).level == level


SOUND: dict[str, str] = {
    "1.1": "Y",
    "1.2": "Y",
    "1.3": "N",
    "2.1": "N",
    "2.2": "N",
    "2.6": "Y",
    "3.1": "Y",
    "4.1": "N",
    "4.2": "N",
    "4.3": "N",
    "5.1": "Y",
    "5.2": "N",
    "5.3": "N",
}


def answered(review: Review, answers: dict[str, str], trial: str = "t1", **kw: Any) -> Review:
    rows = tuple(
        Signal(trial=trial, question=n, answer=a, **kw)  # type: ignore[arg-type]
        for n, a in answers.items()
    )
    return replace(review, signalling=(*review.signalling, *rows))


@pytest.fixture
def bare(isolating) -> Review:
    """A trial that nobody has appraised."""
    return isolating((-10, 20, 50), rob="").review()


def row(**kw: Any) -> RobFinding:
    """An appraisal of the whole trial."""
    return RobFinding(**{"trial": "t1", "tool": "RoB 2", "overall": "low", **kw})


def test_without_an_appraisal_the_answers_count(bare):
    assert result_risk(bare, "t1", "pain") == "not judged"
    review = answered(bare, SOUND, judge="maker", source="the report")
    found = assess_result(review, "t1", "pain")
    assert found.overall == "low"
    assert [d.level for d in found.domains] == ["low"] * 5
    first = found.domain("randomization")
    assert (first.judge, first.source, first.computed) == ("maker", "the report", "low")
    assert [s.question for s in first.steps] == ["1.1", "1.2", "1.3"]
    assert "1.2 was it concealed" in first.why
    assert first.why.endswith("So: low")
    assert found.domain("deviations").effect == "assignment"


def test_overall_is_the_worst_domain_and_says_which(bare):
    some = assess_result(answered(bare, {**SOUND, "5.1": "NI"}), "t1", "pain")
    assert some.overall == "some concerns"
    assert "selection of the reported result" in some.why
    several = assess_result(answered(bare, {**SOUND, "5.1": "NI", "1.2": "NI"}), "t1", "pain")
    assert several.overall == "some concerns"
    assert "nobody has" in several.why
    high = answered(bare, {**SOUND, "5.1": "NI", "4.1": "Y"})
    assert result_risk(high, "t1", "pain") == "high"


def test_a_domain_that_nobody_judged_is_never_low(bare):
    part = {n: a for n, a in SOUND.items() if not n.startswith("4")}
    found = assess_result(answered(bare, part), "t1", "pain")
    assert found.domain("measurement").level == "not judged"
    assert found.overall == "not judged"
    worse = assess_result(answered(bare, {**part, "1.2": "N"}), "t1", "pain")
    assert worse.overall == "high"


def test_answers_about_the_result_go_before_those_about_the_trial(bare):
    review = answered(answered(bare, SOUND), {"4.2": "Y"}, outcome="pain")
    assert result_risk(review, "t1", "pain") == "high"
    assert result_risk(review, "t1", "function") == "low"


def test_two_judges_the_worse_counts(bare):
    review = answered(answered(bare, SOUND, judge="a"), {**SOUND, "1.2": "N"}, judge="b")
    found = assess_result(review, "t1", "pain")
    assert found.overall == "high"
    assert found.domain("randomization").judge == "b"


def test_a_signed_reason_departs_from_the_answers_and_is_named(bare):
    review = answered(bare, {**SOUND, "1.2": "NI"})
    signed = row(randomization="low", judge="maker", note="the authors told us")
    found = assess_result(replace(review, risk_of_bias=(signed,)), "t1", "pain")
    assert found.domain("randomization").level == "low"
    assert found.domain("randomization").computed == "some concerns"
    assert (
        "maker departs from that, to low: the authors told us" in found.domain("randomization").why
    )
    assert found.overall == "low"


@pytest.mark.parametrize("kw", [{"judge": "maker"}, {"note": "so"}, {}])
def test_without_a_name_and_a_reason_the_worse_counts(bare, kw):
    review = answered(bare, {**SOUND, "1.2": "NI"})
    better = replace(review, risk_of_bias=(row(randomization="low", **kw),))
    assert result_risk(better, "t1", "pain") == "some concerns"
    worse = replace(review, risk_of_bias=(row(randomization="high", overall="high", **kw),))
    assert result_risk(worse, "t1", "pain") == "high"


def test_an_appraisal_may_call_several_concerns_high(bare):
    review = answered(bare, {**SOUND, "5.1": "NI", "1.2": "NI"})
    signed = row(overall="high", judge="maker", note="in three steps")
    found = assess_result(replace(review, risk_of_bias=(signed,)), "t1", "pain")
    assert found.overall == "high"
    assert "an appraisal says high" in found.why


def test_appraisals_alone_count_as_before(bare):
    rows = (row(), row(tool="PEDro", overall="some concerns", missing="some concerns"))
    review = replace(bare, risk_of_bias=rows)
    found = assess_result(review, "t1", "pain")
    assert found.overall == result_risk(review, "t1", "pain") == "some concerns"
    assert found.domain("missing").level == "some concerns"
    assert found.domain("selection").level == "not judged"


@given(st.dictionaries(st.sampled_from(sorted(QUESTIONS)), st.sampled_from(sorted(ANSWERS))))
def test_any_answers_at_all_give_a_result_and_more_appraisals_never_a_better_one(answers):
    from bench import Bench

    made = Bench().trial("t1", {"x": ["active"], "c": ["sham"]}, rob="").review()
    review = answered(made, answers)
    order = ["low", "not judged", "some concerns", "high"]
    before = result_risk(review, "t1", "pain")
    after = result_risk(replace(review, risk_of_bias=(row(overall="high"),)), "t1", "pain")
    assert order.index(after) >= order.index(before)
