"""Words of people that claim more than the trials show: file, line, phrase, and what they do show.

Read are `article.md`, the reasons of judgements, and what is written of the options. What stands in
quotation marks, in a heading's id, or in a claim that the evidence is held against
(``[words](claim:id)``) is somebody's claim and not the page's, and is left alone. So is the section
on claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from equipoise.answer.answer import Answer
from equipoise.core.provenance import plain
from equipoise.review.markdown import sections


@dataclass(frozen=True, slots=True)
class Overclaim:
    """A phrase that the evidence does not carry.

    Attributes
    ----------
    file, line
        Where it stands in the folder.
    phrase, sentence
        The words, and the sentence round them.
    why
        What is wrong with them.
    supported
        The sentence that the evidence supports.
    """

    file: str
    line: int
    phrase: str
    sentence: str
    why: str
    supported: str


#: (why, words), whatever the certainty. Words after a denial are left alone where `deniable`.
_ALWAYS: tuple[tuple[str, re.Pattern[str], bool], ...] = tuple(
    (why, re.compile(words, re.I), deniable)
    for why, words, deniable in (
        (
            "trials make things more or less likely; they prove nothing",
            r"(?<!un)\bproven\b|\bproves?\b|\bproof that it works\b|\bscientifically shown\b",
            True,
        ),
        (
            "no trial can show that something is safe, only how much harm it could not exclude",
            r"\b(?:is|are|be|very|quite|completely|perfectly|totally|generally) safe\b|\bsafely\b"
            r"|\bharmless\b|\brisk-free\b|\b(?:no|without) side[- ]effects\b|\bnon-toxic\b"
            r"|\bsafe and effective\b",
            True,
        ),
        (
            "it promises a result",
            r"\bcures?\b|\bcured\b|\bmiracle\b|\bbreakthrough\b|\brevolutionary\b|\bguaranteed?\b"
            r"|\bwonder(?:ful)? (?:cure|treatment)\b|\bgame[- ]chang\w+|\b100 ?(?:%|per cent) \w+",
            True,
        ),
        (
            "“significant” and “trend” are words about a calculation, not about its size",
            r"\b(?:not )?(?:statistically |clinically )?significant(?:ly)?\b"
            r"|\btrend(?:ed|s|ing)? (?:to|towards?|for|in favou?r)\b|\balmost significant\b",
            False,
        ),
        (
            "finding no difference is not finding that there is none",
            r"\bno evidence (?:of|that|for)\b|\b(?:has|have|had|showed?|shows) no effect\b"
            r"|\bno (?:effect|benefit|difference) (?:was|were) (?:found|seen|shown)\b"
            r"|\b(?:does|do|did) not work\b|\bdoesn[’']t work\b"
            r"|\b(?:is|are) (?:ineffective|useless)\b",
            False,
        ),
        (
            "how often is told in numbers: one reader's “rare” is one in ten, another's one in a "
            "million",
            r"\b(?:side[- ]effects|harms?|complications|reactions|injur(?:y|ies)|infections?)"
            r"(?: \w+){0,3} (?:is|are) (?:\w+ ){0,2}(?:rare|uncommon|mild|minor|few)\b"
            r"|\b(?:rare|few|minimal) (?:side[- ]effects|complications)\b",
            False,
        ),
        (
            "a share without what it is a share of",
            r"\b\d+ ?(?:%|per ?cent) (?:less|fewer|lower|higher|more|better|worse|reduction)"
            r"|\b(?:halves|doubles|triples) (?:the|your)\b",
            False,
        ),
        (
            "studies are counted and named, or not mentioned",
            r"\b(?:many |most |all |several |numerous )?(?:studies|trials|research|science)"
            r" (?:clearly |now |has |have )*(?:shows?|shown|demonstrates?|demonstrated|confirms?"
            r"|confirmed|proves?|proved)\b",
            True,
        ),
        (
            "the story of one person shows nothing about the treatment",
            r"\b(?:it|this|that) (?:helped|cured|saved|worked for) (?:me|my)\b"
            r"|\bI (?:was|am|got) better\b",
            False,
        ),
    )
)
_DENIED = re.compile(
    r"\b(?:not|never|nobody|nothing|no|cannot|can[’']t|whether|if|nor|without|neither|unless)\b",
    re.I,
)
#: What a treatment would do if it worked: more than *may* where certainty is low.
_DOES = re.compile(
    r"\b(?:reduces?|improves?|relieves?|eases?|heals?|restores?|strengthens?|prevents?|reverses?"
    r"|repairs?|rebuilds?|regenerates?|works?|helps?|boosts?|stops? the pain|is effective"
    r"|are effective)\b",
    re.I,
)
#: Words that leave it open, or say whose idea it is.
_OPEN = re.compile(
    r"\b(?:may|might|could|can|whether|if|idea|theory|hope[ds]?|said|say|says|think|thinks|thought"
    r"|believe[ds]?|claim(?:s|ed)?|meant|supposed|aims?|possibl[ey]|perhaps|probably|not|cannot"
    r"|nobody|never|no|unclear|unknown|test(?:s|ed)?|ask(?:s|ed)?)\b",
    re.I,
)
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|«[^»]*»|\[[^\]]*\]\(claim:[^)]*\)")
_SENTENCE = re.compile(r"[^.!?]+(?:[.!?]+|$)")
#: Sections of the article that look at the claims of others, or speak in one person's name.
_APART = frozenset({"claims"})


def overclaims(answer: Answer) -> tuple[Overclaim, ...]:
    """Every phrase of people's prose that the evidence does not carry, by file and line.

    Parameters
    ----------
    answer
        The answer; its review holds the prose.
    """
    return tuple(
        found
        for file, line, text in _written(answer)
        for found in _in_text(file, line, text, answer)
    )


def _written(answer: Answer) -> Iterator[tuple[str, int, str]]:
    """File, line and text of each paragraph that a person wrote."""
    review = answer.review
    for line, heading, body in sections(review.text.get("article.md", "")):
        if heading is not None and heading["id"] in _APART:
            continue
        yield from _paragraphs("article.md", line + (heading is not None), body)
    for j in review.judgements:
        yield "judgements.toml", j.line or 1, j.why
    for o in review.options:
        for text in (o.experience, o.visits, o.cost):
            yield "review.toml", 1, text


def _paragraphs(file: str, line: int, rows: list[str]) -> Iterator[tuple[str, int, str]]:
    block: list[str] = []
    for number, row in enumerate([*rows, ""]):
        if row.strip():
            block.append(row)
        elif block:
            yield file, line + number - len(block), "\n".join(block)
            block = []


def _in_text(file: str, line: int, text: str, answer: Answer) -> Iterator[Overclaim]:
    # Of the same length, so that places stay what they were.
    own = _QUOTED.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for found in _SENTENCE.finditer(own):
        sentence = found[0]
        for why, start, phrase in _faults(sentence, answer):
            at = line + own.count("\n", 0, found.start() + start)
            told = " ".join(sentence.split())
            yield Overclaim(file, at, phrase, told, why, supported(answer))


def _faults(sentence: str, answer: Answer) -> Iterator[tuple[str, int, str]]:
    for why, words, deniable in _ALWAYS:
        found = words.search(sentence)
        if found and not (deniable and _DENIED.search(sentence[: found.start()])):
            yield why, found.start(), " ".join(found[0].split())
    level = answer.certainty
    if level in ("high", "moderate") or _OPEN.search(sentence):
        return
    does = _DOES.search(sentence)
    before = sentence[: does.start()].casefold() if does else ""
    if does and answer.treatment.casefold() in before:
        sure = f"certainty is {level}" if level else "no trial gave usable numbers"
        yield f"it says that the treatment does it, and {sure}", does.start(), does[0]


def supported(answer: Answer) -> str:
    """The sentence that the evidence supports: that of the outcome that decides."""
    for o in answer.outcomes:
        if o.id == answer.verdict.rests_on:
            return plain(o.statement_plain)
    return plain(answer.verdict.sentence)
