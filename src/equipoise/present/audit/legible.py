"""Checks 46 to 49: can it be read, and is the answer at the top."""

from __future__ import annotations

import re
from collections.abc import Iterator

from equipoise.core.provenance import plain
from equipoise.present.audit.content import prose_nodes
from equipoise.present.audit.findings import Check, Finding, Subject
from equipoise.present.reading import Reading, reading_level, words

#: Grade of school and SMOG that the patient layer stays below.
GRADE, SMOG = 8.0, 10.0
KEY_WORDS, SENTENCE_WORDS, EARLY = 30, 30, 150
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
_ACRONYM = re.compile(r"\b[A-Z]{2,6}\b")
#: "Was given", "are often injected": something is done, and nobody does it.
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\s+(?:(?:not|never|also|often|usually|then|still|\w+ly)\s+)"
    r"{0,2}(?:\w+(?:ed|wn|ught|ept|ade|aid|old|iven|ound)|seen|taken|done|put|sent|lost)\b",
    re.I,
)
#: The largest share of such sentences among those of four words or more.
PASSIVE = 0.25
#: Short forms that readers know, that are names, or that checks 18, 19 and 29 speak of.
_KNOWN = frozenset(
    {
        "GRADE",
        "CI",
        "SMD",
        "NNT",
        "NNTB",
        "NNTH",
        "RR",
        "OR",
        "HR",
        "IRR",
        "USA",
        "UK",
        "EU",
        "WHO",
        "HIV",
        "AIDS",
        "DNA",
        "ORCID",
        "DOI",
        "CSV",
        "JSON",
    }
)


def patient_texts(subject: Subject) -> list[str]:
    """The running text that patients read, without tables and what is folded."""
    nodes = (n for section in subject.patient() for n in prose_nodes(section))
    return [text for n in nodes if (text := n.text(without=frozenset({"svg", "sup"})))]


def level(subject: Subject, *, set_aside: bool = True) -> Reading:
    """How hard the patient layer is to read; `set_aside`: without the names that it is about."""
    a = subject.answer
    names = (a.treatment, a.condition, a.review.question.condition) if set_aside else ()
    return reading_level(patient_texts(subject), names=names)


def grade(subject: Subject) -> Iterator[Finding]:
    """How hard the patient layer is to read."""
    found = level(subject)
    for told, most, name in (
        (found.grade, GRADE, "Flesch–Kincaid grade"),
        (found.smog, SMOG, "SMOG"),
    ):
        if told > most:
            yield Finding(
                f"{name} {told:.1f} of the patient layer, names set aside, above {most:g}",
                "shorter words and sentences",
            )


def keys(subject: Subject) -> Iterator[Finding]:
    """Key messages are few and short."""
    messages = subject.answer.key_messages
    if len(messages) > 3:
        yield Finding(f"{len(messages)} key messages", "at most three", place=".keys")
    for text in messages:
        number = len(plain(text).split())
        if number > KEY_WORDS:
            yield Finding(
                f"a key message of {number} words: “{plain(text)[:60]}…”",
                f"at most {KEY_WORDS} words",
                place=".keys",
            )


def sentences(subject: Subject) -> Iterator[Finding]:
    """Sentences for patients are short, mostly active, and short forms are explained."""
    yield from _passive(subject)
    seen = {word for t in subject.answer.review.trials for word in t.label.split()}
    for section in subject.patient():
        for node in prose_nodes(section):
            text = node.text(without=frozenset({"svg"}))
            for sentence in _SENTENCE.split(text):
                number = len(words(sentence))
                if number > SENTENCE_WORDS:
                    yield Finding(
                        f"a sentence of {number} words: “{sentence[:60]}…”",
                        f"at most {SENTENCE_WORDS} words",
                        place=node.where(),
                    )
            for found in _ACRONYM.finditer(text):
                if found[0] in _KNOWN or found[0] in seen:
                    continue
                seen.add(found[0])
                if f"({found[0]})" not in text and f"{found[0]} (" not in text:
                    yield Finding(
                        f"“{found[0]}” is not explained where it is first used",
                        "say it in full",
                        place=node.where(),
                    )


def _passive(subject: Subject) -> Iterator[Finding]:
    """Too many sentences in which nobody does anything."""
    told = [s for text in patient_texts(subject) for s in _SENTENCE.split(text)]
    told = [s for s in told if len(words(s)) >= 4]
    number = sum(bool(_PASSIVE.search(s)) for s in told)
    if len(told) >= 10 and number > PASSIVE * len(told):
        yield Finding(
            f"{number} of {len(told)} sentences for patients are passive",
            "say who does it",
        )


def early(subject: Subject) -> Iterator[Finding]:
    """The answer stands near the top."""
    main = subject.document().get("main")
    head = subject.section("short-answer-h").text()
    before = main.text(without=frozenset({"script"})).partition(head)[0] if head else ""
    if not head or len(before.split()) > EARLY:
        yield Finding(
            f"the short answer is not among the first {EARLY} words",
            "move it up",
            place="#short-answer",
        )


CHECKS: tuple[Check, ...] = (
    Check(
        46,
        "warning",
        "page",
        "Reading grade",
        "The patient layer, names of treatment and condition set aside: Flesch–Kincaid at most 8, "
        "SMOG at most 10.",
        grade,
    ),
    Check(47, "warning", "page", "Key messages", "At most three, of at most 30 words.", keys),
    Check(
        48,
        "warning",
        "page",
        "Sentences",
        "At most 30 words for patients, at most a quarter of them passive; short forms explained.",
        sentences,
    ),
    Check(
        49,
        "warning",
        "page",
        "The answer comes first",
        "Within the first 150 words.",
        early,
    ),
)
