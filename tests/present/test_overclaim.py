"""The linter of people's prose: what it catches, what it leaves alone, and where it points."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.present.overclaim import overclaims
from equipoise.review.folder import open_review
from equipoise.review.records import Claim, Judgement

ON = date(2026, 11, 22)


@cache
def answered(name: str) -> Answer:
    return assess(FIXTURES[name](), on=ON)


def written(text: str, name: str = "mayhelp") -> Answer:
    a = answered(name)
    article = f"## What it is {{#treatment}}\n\n{text}\n"
    return replace(a, review=replace(a.review, text={"article.md": article}))


BAD = (
    "It is proven to help.",
    "This proves that it helps.",
    "Science has proved it: the solution is scientifically shown to act.",
    "The solution is safe.",
    "It is completely safe for everybody.",
    "It can safely be repeated.",
    "The drops are harmless.",
    "It is a risk-free choice.",
    "It has no side effects.",
    "You can have it without side effects.",
    "It is safe and effective.",
    "It cures back pain.",
    "Many were cured.",
    "It is a miracle.",
    "A breakthrough for backs.",
    "A revolutionary drop.",
    "Relief is guaranteed.",
    "It is a game-changer.",
    "The difference was significant.",
    "The difference was not statistically significant.",
    "Pain fell significantly.",
    "There was a trend towards less pain.",
    "Scores trended to improvement.",
    "There is no evidence that it helps.",
    "There is no evidence of harm.",
    "It had no effect.",
    "Trials showed no effect on pain.",
    "No difference was found.",
    "No benefit was seen.",
    "It does not work.",
    "It doesn’t work for knees.",
    "The drops are useless.",
    "Exercise is ineffective.",
    "Side effects are rare.",
    "Its side effects are usually mild.",
    "Complications of this are very uncommon.",
    "It has few side effects.",
    "It has minimal complications.",
    "Patients had 30% less pain.",
    "They had 50 per cent fewer bad days.",
    "It halves the pain.",
    "Studies show that it helps.",
    "Many studies have shown a benefit.",
    "Research clearly demonstrates a benefit.",
    "All trials confirm it.",
    "It helped me.",
    "This cured my back.",
    "I got better after two visits.",
    "The solution reduces pain.",
    "The solution relieves pain in the back.",
    "The solution heals ligaments.",
    "The solution strengthens the joint.",
    "The solution works.",
    "The solution helps most people.",
    "The solution is effective.",
    "The solution repairs the tissue.",
)
GOOD = (
    "It is not proven that it helps.",
    "Nobody has proven it.",
    "It is unproven.",
    "No trial can prove that it is safe.",
    "We cannot say that it is safe.",
    "Ask whether it is safe for you.",
    "Nobody can say that it has no side effects.",
    "It is not a cure.",
    "It does not cure anything.",
    "There is no miracle here.",
    "Nothing is guaranteed, and nobody was cured.",
    "Articles say “it is proven”.",
    'Some call it "a miracle".',
    "People say that [it is safe](claim:safe).",
    "The solution may reduce pain.",
    "The solution might help.",
    "The idea is that the solution heals ligaments.",
    "It is thought that the solution strengthens the joint.",
    "We do not know whether the solution works.",
    "Nobody knows if the solution helps.",
    "Those who sell it claim that the solution repairs tissue.",
    "Trials tested whether the solution reduces pain.",
    "A drop of the solution is given twice.",
    "The solution is made of sugar and water.",
    "The solution is injected into the joint.",
    "Injections sting for a moment.",
    "Exercise asks for time.",
    "It helps many people to stay active.",
    "It helps to write down what you want.",
    "A needle can do something by itself.",
    "The trials measured pain after six months.",
    "Nobody counted the side effects.",
    "Ask how often harms happen.",
    "A rare disease of the joint can look like this.",
    "Pain that is new often settles by itself.",
    "Most people feel better within weeks.",
    "Most trials were small.",
    "Two trials asked about nausea.",
    "Research on knees is another page.",
    "Studies of knees are left out.",
    "The studies were small.",
    "It is a safety belt of sorts.",
    "You may be asked to rest.",
    "Half of the people dropped out.",
    "The price is higher in some towns.",
    "It can be hard to tell a change from ups and downs.",
    "The effect could be large or small.",
    "No needle is needed for exercise.",
    "None of these choices is wrong.",
    "Get help at once if you have a fever.",
    "Do not stop your medicines.",
    "This is not proof that it does nothing.",
    "Feeling better afterwards does not show that the treatment did it.",
    "You can change your mind.",
    "A trial without a comparison cannot tell.",
    "It takes time to heal.",
    "Work can be a strain on the back.",
    "The clinic works on two floors.",
    "Fashions change.",
    "The answer depends on what matters to you.",
)


@pytest.mark.parametrize("text", BAD)
def test_what_claims_too_much_is_caught(text: str) -> None:
    found = overclaims(written(text))
    assert found, text
    assert found[0].file == "article.md"
    assert found[0].line == 3
    assert found[0].phrase in text
    told = (answered("mayhelp").harm_sentence, "The solution may improve pain")
    assert plain(found[0].supported).startswith(tuple(map(plain, told)))


@pytest.mark.parametrize("text", GOOD)
def test_what_the_trials_carry_is_left_alone(text: str) -> None:
    assert overclaims(written(text)) == ()


def test_there_are_enough_of_both() -> None:
    assert len(set(BAD)) >= 55
    assert len(set(GOOD)) >= 55


def test_the_verb_of_what_it_does_needs_certainty() -> None:
    text = "The solution reduces pain."
    assert overclaims(written(text, "worth")) == ()  # High certainty.
    (found,) = overclaims(written(text, "unknown"))
    assert "very low" in found.why
    assert found.supported.startswith("We do not know")


def test_the_line_is_that_of_the_phrase() -> None:
    text = "A first line.\nA second line, and then it is\nproven. And more."
    (found,) = overclaims(written(text))
    assert (found.line, found.phrase) == (5, "proven")
    (late,) = overclaims(written("One.\n\n\nTwo.\n\nIt is harmless."))
    assert late.line == 8


def test_the_words_of_own_claims_are_read_and_those_of_others_are_not() -> None:
    a = answered("mayhelp")
    article = (
        "## What it is {#treatment}\n\nWe say [it is proven](claim:own).\n\n"
        "## Claims {#claims}\n\n[It cures pain](claim:own), [it is a miracle](claim:told),\n"
        "[a breakthrough](claim:knee).\n"
    )
    claims = (
        Claim(id="own", about="alone", says="not known"),
        Claim(id="told", about="alone", says="better", quoted=True),
        Claim(id="knee", about="alone", says="better", review="knee"),
    )
    made = replace(a, review=replace(a.review, text={"article.md": article}, claims=claims))
    assert [(x.line, x.phrase) for x in overclaims(made)] == [(3, "proven"), (7, "cures")]


def test_the_section_on_claims_and_comments_are_left_alone() -> None:
    a = answered("mayhelp")
    article = "## Claims {#claims}\n\nIt is proven.\n\n<!-- It is safe. -->\n"
    assert overclaims(replace(a, review=replace(a.review, text={"article.md": article}))) == ()


def test_judgements_and_options_are_read_too() -> None:
    a = answered("mayhelp")
    word = Judgement(
        about="dissent", level="disagrees", by="checker", on="2026-10-01", why="It is proven."
    )
    one, *rest = a.review.options
    made = replace(
        a.review,
        judgements=(word,),
        options=(replace(one, experience="It is quite safe."), *rest),
        text={},
    )
    files = [found.file for found in overclaims(replace(a, review=made))]
    assert files == ["judgements.toml", "review.toml"]


@pytest.mark.parametrize("slug", ["prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis"])
def test_the_shipped_reviews_claim_nothing_too_much(slug: str) -> None:
    assert overclaims(assess(open_review(slug), on=ON)) == ()
