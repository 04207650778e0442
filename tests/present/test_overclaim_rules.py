"""The rules of the linter on two shipped answers: by outcome and certainty, and how to disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.present.overclaim import (
    accepted,
    judge,
    overclaims,
)
from equipoise.review.folder import open_review

ROOT = Path(__file__).resolve().parents[2] / "reviews"


@pytest.fixture(scope="module")
def backs() -> Answer:
    """Very low certainty of pain; halving of disability: low, no difference."""
    return assess(open_review(ROOT / "prolotherapy-low-back-pain"))


@pytest.fixture(scope="module")
def knees() -> Answer:
    """Low certainty of a small improvement of knee symptoms."""
    return assess(open_review(ROOT / "prolotherapy-knee-osteoarthritis"))


BAD: tuple[tuple[str, str], ...] = (
    ("Prolotherapy is a proven treatment.", "proof"),
    ("This trial proves that the idea is right.", "proof"),
    ("It is clinically proven.", "proof"),
    ("The trials show conclusively what to do.", "proof"),
    ("Relief is guaranteed.", "proof"),
    ("There is strong proof and it is proof that sugar is enough; it is clear proof.", "proof"),
    ("It undoubtedly has a place in care.", "proof"),
    ("Prolotherapy is a breakthrough.", "hype"),
    ("Some backs get better as by a miracle.", "hype"),
    ("A revolutionary way to rebuild ligaments.", "hype"),
    ("Pain fell dramatically.", "hype"),
    ("The first results are very promising.", "hype"),
    ("It was a game-changer for sports medicine.", "hype"),
    ("The relief was remarkable.", "hype"),
    ("Injections cure back pain.", "cure"),
    ("Most people were cured within weeks.", "cure"),
    ("It gets rid of the cause.", "cure"),
    ("It brings permanent relief.", "cure"),
    ("The treatment eliminates the need for pills.", "cure"),
    ("Sugar water is safe.", "safe"),
    ("It is completely safe and natural.", "safe"),
    ("It can safely be tried.", "safe"),
    ("There are no side effects.", "safe"),
    ("It is a risk-free choice.", "safe"),
    ("The fluid is harmless.", "safe"),
    ("It comes without any risk.", "safe"),
    ("It cannot hurt to try.", "safe"),
    ("The injections were well tolerated.", "harms"),
    ("Side effects are rare.", "harms"),
    ("Complications are minimal.", "harms"),
    ("Harms are very mild.", "harms"),
    ("Pain fell significantly.", "significant"),
    ("There was a statistically significant improvement.", "significant"),
    ("The difference was not significant.", "significant"),
    ("Prolotherapy had no effect.", "no effect"),
    ("Prolotherapy does not work.", "no effect"),
    ("The injections didn't help.", "no effect"),
    ("It is no better than salt water.", "no effect"),
    ("There was no difference between the groups, so it is useless.", "no effect"),
    ("It was ineffective.", "no effect"),
    ("There is no evidence that it helps.", "no effect"),
    ("Prolotherapy is just a placebo.", "no effect"),
    ("It has been disproved.", "no effect"),
    ("There was a trend towards less pain.", "trend"),
    ("Disability trended to be lower.", "trend"),
    ("The result approached significance.", "trend"),
    ("Studies show less pain after a year.", "studies show"),
    ("Research has clearly shown that ligaments heal.", "studies show"),
    ("It halves the risk of a bad back.", "relative"),
    ("People were twice as likely to get well.", "relative"),
    ("There was 40 % less pain.", "relative"),
    ("You have nothing to lose.", "advice"),
    ("Everybody should try it once.", "advice"),
    ("It is far better than surgery.", "advice"),
    ("It is the best treatment for weak ligaments.", "advice"),
    ("Without it your back will only get worse.", "fear"),
    ("Some had devastating injuries.", "fear"),
    ("Act before it is too late.", "fear"),
    ("Thousands of people have had it.", "appeal"),
    ("Doctors agree on this.", "appeal"),
    ("It has a high success rate.", "appeal"),
    ("Prolotherapy reduces pain.", "surer"),
    ("Prolotherapy will relieve your pain.", "surer"),
    ("Prolotherapy probably improves pain.", "surer"),
    ("Prolotherapy may improve pain.", "surer"),
    ("The injections strengthen ligaments.", "surer"),
    ("It really works.", "surer"),
    ("This treatment is very effective.", "surer"),
    ("Prolotherapy helps.", "surer"),
    ("The injections made people better.", "surer"),
    ("Thanks to the injections many people walk again.", "cause"),
    ("Pain eased because of prolotherapy.", "cause"),
)

GOOD: tuple[str, ...] = (
    "Prolotherapy is a course of injections.",
    "The idea is that a little irritation starts healing, and that the ligament is stronger.",
    "That is a theory about how it might act.",
    "It does not tell us whether people feel better.",
    "So feeling better afterwards does not show that the treatment did it.",
    "Nobody has proven that it helps.",
    "It is unproven.",
    "This is not proof that it does not work.",
    "The trials cannot tell us whether prolotherapy works.",
    "We do not know if prolotherapy changes pain.",
    "Nobody knows whether it is safe.",
    "That no harm was seen does not make it safe.",
    "Some people say that it is safe.",
    "Clinics promise that prolotherapy cures back pain.",
    "It is often called a miracle.",
    "The claim that it is a breakthrough is older than the trials.",
    "“It cures everything” is an advertisement.",
    "Articles write that studies show less pain.",
    "Many say that it works in company.",
    "Is it safe?",
    "Does prolotherapy reduce pain?",
    "Who should not have it, and does it work for knees?",
    "Two trials show how pain changed in 184 people.",
    "Three small studies confirmed what people got.",
    "It may make little to no difference to the chance of halving one’s disability.",
    "It makes little or no difference.",
    "Trials so far cannot tell us whether it improves pain or makes it worse.",
    "No trial has shown that the injections improve function.",
    "Many places are injected at each visit.",
    "Each injection stings or aches for a moment.",
    "Pain that is new often settles by itself within weeks.",
    "Then it eases, with or without the treatment.",
    "It helps many people to stay active as far as they can.",
    "It helps to write down what you want to be able to do again.",
    "Exercise asks for time and patience, and can hurt before it helps.",
    "What helps a knee need not help a back.",
    "Moving is good for the joint, even when it aches.",
    "There is no cure for it.",
    "Injections cannot cure worn cartilage.",
    "Ask what the doctor means when the word cure is used, and whether anybody was cured.",
    "You may be sore for a day or two afterwards.",
    "People who take blood thinners can bleed.",
    "Serious harms have been reported, and nobody knows how often they happen.",
    "How often any harm happens is not known.",
    "The hope is that prolotherapy strengthens ligaments.",
    "It is meant to make the ligament stronger.",
    "The trial asked whether injections reduce pain.",
    "Beware of whoever calls it a miracle.",
    "Half of the people in both groups were better: 40 of every 100 and 38 of every 100.",
    "Twice as many, 20 of 100 and not 10 of 100, were sore.",
    "You might lean towards trying it if you can live with not being sure.",
    "None of these choices is wrong, and you can change your mind.",
    "Yelland 2004 was stopped early, so it counts less.",
    "It is only assumed that both groups of Klein 1993 had the same other care.",
    "Several sessions, each with many needle pricks, with soreness for days after each.",
    "No clinician has reviewed the page yet.",
    "The pain is real, and nothing was overlooked.",
    "What a picture shows and how much it hurts often do not match.",
    "Losing weight is what doctors usually advise first.",
    "The effect could be due to chance.",
    "It is improving by itself that makes a comparison group matter.",
    "People given salt water improve as well.",
    "Older recipes add glycerine and phenol.",
    "No needles, no visits, no bill.",
    "If it worked for a friend, that says little about you.",
    "The fluid is not harmless.",
    "“Significant” is a word of statistics.",
    "Keep the fluid in a safe place.",
)


@pytest.mark.parametrize(("sentence", "rule"), BAD)
def test_a_sentence_that_says_too_much_is_named(backs: Answer, sentence: str, rule: str) -> None:
    found = list(judge(f"Prolotherapy is given for weeks.\n\n{sentence}", backs, line=7))
    assert rule in {f.rule for f in found}
    assert {f.line for f in found} == {9}
    assert all(f.phrase in sentence and f.supported and f.why for f in found)


@pytest.mark.parametrize("sentence", GOOD)
def test_a_sentence_that_the_evidence_allows_is_left_alone(backs: Answer, sentence: str) -> None:
    assert list(judge(sentence, backs)) == []


def test_the_shipped_reviews_raise_no_alarm(backs: Answer, knees: Answer) -> None:
    assert overclaims(backs) == ()
    assert overclaims(knees) == ()


def rules_of(text: str, answer: Answer) -> set[str]:
    return {f.rule for f in judge(text, answer)}


def test_certainty_decides_how_sure_a_sentence_may_be(knees: Answer) -> None:
    assert rules_of("Prolotherapy may improve knee pain.", knees) == set()
    assert rules_of("Prolotherapy might help.", knees) == set()
    for word in ("probably improves", "improves", "will improve", "certainly improves"):
        assert rules_of(f"Prolotherapy {word} knee pain.", knees) == {"surer"}
    # Very low for stiffness, whatever the rest.
    assert rules_of("Prolotherapy may improve stiffness of the knee.", knees)


def test_the_sentence_that_is_supported_is_that_of_the_outcome(backs: Answer) -> None:
    (pain,) = judge("Prolotherapy reduces pain.", backs)
    assert pain.supported == plain(backs.outcome("pain").statement_plain)
    text = "Prolotherapy improves the chance of halving one’s disability."
    (halving,) = judge(text, backs)
    assert halving.supported == plain(backs.outcome("response_disability").statement_plain)
    assert halving.contradicted
    assert not pain.contradicted
    (harm,) = judge("It is safe.", backs)
    assert harm.supported == plain(backs.harm_sentence)
    assert harm.contradicted


def test_no_effect_contradicts_a_shown_effect(knees: Answer) -> None:
    (found,) = judge("Prolotherapy does not work.", knees)
    assert found.contradicted
    assert found.rule == "no effect"


def with_article(answer: Answer, text: str) -> Answer:
    review = answer.review
    return replace(answer, review=replace(review, text={**review.text, "article.md": text}))


def test_the_line_is_that_of_the_file(backs: Answer) -> None:
    text = "+++\n+++\n## It {#treatment}\n\nOne.\n\nFor the back\nit is a miracle.\n"
    found = overclaims(with_article(backs, text))
    assert [(f.file, f.line, f.phrase) for f in found] == [("article.md", 8, "miracle")]
    assert found[0].sentence == "For the back it is a miracle."


def test_a_contradicted_phrase_is_an_error_and_cannot_be_accepted(backs: Answer) -> None:
    text = '<!-- accept "is safe": everybody says so anyway -->\nIt is safe.\n'
    (told,) = overclaims(with_article(backs, text))
    assert told.contradicted
    assert told.line == 2


def test_a_phrase_is_kept_with_a_reason_only(backs: Answer) -> None:
    text = '<!-- accept "miracle": the name of the village -->\nIn Miracle they do it.\n'
    assert overclaims(with_article(backs, text)) == ()
    bare = text.replace("the name of the village", "yes")
    assert [f.phrase for f in overclaims(with_article(backs, bare))] == ["Miracle"]
    kept = with_article(backs, "# accept “well tolerated”: the word of the trial\nMore.")
    assert accepted(kept) == {"well tolerated": "the word of the trial"}


def test_comments_front_matter_and_claims_are_not_prose(backs: Answer) -> None:
    text = "+++\n# a miracle\n+++\n<!-- a miracle -->\nPeople hope for [a miracle](claim:x).\n"
    assert overclaims(with_article(backs, text)) == ()


def test_judgements_and_choices_are_read(backs: Answer) -> None:
    review = backs.review
    judged = replace(review.judgements[0], why="it is a miracle that it is done", line=3)
    option = replace(review.options[0], experience="A breakthrough for your back.")
    text = {"judgements.toml": '\n\n[[judgements]]\nwhy = "it is a miracle that it is done"\n'}
    answer = replace(
        backs,
        review=replace(review, judgements=(judged,), options=(option,), article=(), text=text),
    )
    found = overclaims(answer)
    assert [(f.file, f.phrase) for f in found] == [
        ("judgements.toml", "miracle"),
        ("review.toml", "breakthrough"),
    ]
    assert found[0].line == 4
