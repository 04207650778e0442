"""Words of people that claim more than the trials show: file, line, phrase, and what they do show.

Read is what people write for readers: `article.md`, reasons of judgements, choices, cautions, the
history, credentials. What stands in quotation marks, in a heading's id, or in somebody's claim that
the evidence is held against (``[words](claim:id)`` with ``quoted = true``, or about another review)
is not the page's, and is left alone. So is the section on claims, but for the words of the
article's own ones, and what is denied, asked or told as somebody's saying. A rule sees words, not
meaning; `docs/words.md` says how to keep a phrase with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.core.provenance import plain
from equipoise.present.overclaim_rules import (
    ATTRIBUTED,
    CAUSE,
    CLAUSE,
    DENIED,
    EFFECT,
    RULES,
    SUPPOSED,
    Rule,
    effect_forms,
)
from equipoise.review.markdown import sections
from equipoise.review.records import Review

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|«[^»]*»")
_BOUND = re.compile(r"\[(?P<words>[^\]]*)\]\(claim:(?P<id>[^)\s]*)\)")
#: Sections of the article that look at the claims of others.
_APART = frozenset({"claims"})
_SENTENCE = re.compile(r"(?:[^.!?\n]|\n(?!\s*\n)|[.!?](?=[\w,;]))+[.!?]*")
#: A phrase that somebody keeps, with the reason: ``accept "well tolerated": the trial's word``.
_ACCEPT = re.compile(
    r"^\s*(?:#|<!--)\s*accept\s+[\"“](?P<phrase>[^\"”]+)[\"”]\s*:\s*(?P<why>.*?)\s*(?:-->)?\s*$",
    re.M | re.I,
)


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
    rule
        The name of the rule.
    contradicted
        Whether the evidence says the contrary, not only less.
    """

    file: str
    line: int
    phrase: str
    sentence: str
    why: str
    supported: str
    rule: str
    contradicted: bool


def overclaims(answer: Answer) -> tuple[Overclaim, ...]:
    """Every phrase of people's prose that the evidence does not carry, by file and line.

    Parameters
    ----------
    answer
        The answer; its review holds the prose.

    Returns
    -------
    One record for each phrase. Phrases that the folder keeps with a reason are left out, unless
    the evidence contradicts them.
    """
    found: list[Overclaim] = []
    for file, line, text in _written(answer):
        raw = answer.review.text.get(file, "")
        kept = _kept(raw)
        found += [
            hit if file == "article.md" else _placed(hit, raw)
            for hit in judge(text, answer, file=file, line=line)
            if hit.contradicted or hit.phrase.casefold() not in kept
        ]
    return tuple(dict.fromkeys(found))


def accepted(answer: Answer) -> dict[str, str]:
    """Phrases that the folder keeps, each with its reason."""
    return {p: why for text in answer.review.text.values() for p, why in _kept(text).items()}


def _kept(text: str) -> dict[str, str]:
    """Phrases that a file keeps, each with the reason; one without three words of it is none."""
    return {
        m["phrase"].casefold(): m["why"]
        for m in _ACCEPT.finditer(text)
        if len(m["why"].split()) >= 3
    }


def judge(
    text: str, answer: Answer, *, file: str = "article.md", line: int = 1
) -> Iterator[Overclaim]:
    """Hold one text against the evidence; `line` is where it begins."""
    own = _of_article(answer)
    blanked = _BOUND.sub(lambda m: _unbound(m, own), _QUOTED.sub(_blank, text))
    rules = (*RULES, *effect_forms(answer.treatment, _nouns(answer)))
    for part in _SENTENCE.finditer(blanked):
        if part[0].rstrip().endswith("?"):
            continue
        told: list[tuple[int, int]] = []
        for rule in rules:
            for hit in rule.form.finditer(part[0]):
                span = hit.span()
                if any(a < span[1] and span[0] < b for a, b in told):
                    continue
                if _let_off(rule, part[0], hit):
                    continue
                outcome = _outcome(part[0], answer)
                if rule.kind in (EFFECT, CAUSE) and _permitted(rule, hit[0], outcome):
                    continue
                told.append(span)
                at = line + blanked.count("\n", 0, part.start() + hit.start())
                sentence = " ".join(text[part.start() : part.end()].split())
                yield Overclaim(
                    file,
                    at,
                    " ".join(hit[0].split()),
                    sentence,
                    _why(rule, outcome),
                    _supported(rule, answer, outcome),
                    rule.name,
                    _contradicted(rule, answer, outcome),
                )


def _let_off(rule: Rule, sentence: str, hit: re.Match[str]) -> bool:
    """Whether the words before, or round, take the phrase back."""
    before = sentence[: hit.start()]
    if ATTRIBUTED.search(before):
        return True
    clause = CLAUSE.split(before)[-1]
    if rule.denied and DENIED.search(clause):
        return True
    if rule.kind in (EFFECT, CAUSE) and SUPPOSED.search(before):
        return True
    return bool(rule.unless and rule.unless.search(sentence))


def _why(rule: Rule, outcome: OutcomeAnswer | None) -> str:
    if rule.name != "surer":
        return rule.why
    if outcome is None or outcome.grade is None:
        return f"{rule.why}, and no trial gave usable numbers"
    return f"{rule.why}, and certainty is {outcome.grade.level}"


_SURE = {"high": 3, "moderate": 2, "low": 1, "very low": 0}


def _permitted(rule: Rule, words: str, outcome: OutcomeAnswer | None) -> bool:
    """Whether the certainty of the outcome, and its direction, allow a sentence this sure."""
    if outcome is None or outcome.grade is None:
        return False
    if outcome.effect_class not in ("small", "moderate", "large"):
        return False
    low = words.casefold()
    needs = 3
    if re.search(r"\b(?:may|might|could|possibly|perhaps)\b", low):
        needs = 1
    elif re.search(r"\b(?:probably|likely)\b", low):
        needs = 2
    if rule.kind == CAUSE:
        needs = 2
    return _SURE[outcome.grade.level] >= needs


def _contradicted(rule: Rule, answer: Answer, outcome: OutcomeAnswer | None) -> bool:
    """Whether the evidence says the contrary."""
    if rule.kind == "harm":
        serious = answer.verdict.harm in ("serious possible", "serious likely")
        return serious and rule.name in ("safe",)
    if outcome is None or outcome.grade is None or outcome.grade.level == "very low":
        return False
    helps = outcome.effect_class in ("small", "moderate", "large")
    if rule.kind == "none":
        return helps
    if rule.kind == EFFECT or rule.name in ("cure", "proof"):
        return not helps
    return False


def _supported(rule: Rule, answer: Answer, outcome: OutcomeAnswer | None) -> str:
    """The sentence that the evidence supports."""
    if rule.kind == "harm":
        return plain(answer.harm_sentence)
    if outcome is None:
        return plain(answer.verdict.sentence)
    return plain(outcome.statement_plain)


def _outcome(sentence: str, answer: Answer) -> OutcomeAnswer | None:
    """The outcome that a sentence names, else the one that the answer rests on."""
    low = sentence.casefold()
    named = [o for o in answer.outcomes if o.plain.casefold() in low or o.label.casefold() in low]
    if named:
        return max(named, key=lambda o: len(o.plain))
    return next((o for o in answer.outcomes if o.id == answer.verdict.rests_on), None)


def _nouns(answer: Answer) -> tuple[str, ...]:
    return tuple({o.plain for o in answer.outcomes} | {answer.condition})


def _written(answer: Answer) -> Iterator[tuple[str, int, str]]:
    """File, line and text of each paragraph that a person wrote."""
    review = answer.review
    for line, heading, body in sections(review.text.get("article.md", "")):
        first = line + (heading is not None)
        if heading is not None and heading["id"] in _APART:
            yield from _own(answer, first, "\n".join(body))
            continue
        yield from _paragraphs("article.md", first, body)
    for j in review.judgements:
        yield "judgements.toml", j.line or 1, j.why
        if j.about == "dissent":
            yield "judgements.toml", j.line or 1, j.level
    for line, texts in _of_question(review):
        for text in texts:
            yield "review.toml", line or 1, text


def _own(answer: Answer, line: int, text: str) -> Iterator[tuple[str, int, str]]:
    """The words of the article's own claims in a section that looks at those of others."""
    own = _of_article(answer)
    for found in _BOUND.finditer(text):
        if found["id"] in own:
            yield "article.md", line + text.count("\n", 0, found.start()), f"{found['words']}."


def _paragraphs(file: str, line: int, rows: list[str]) -> Iterator[tuple[str, int, str]]:
    block: list[str] = []
    for number, row in enumerate([*rows, ""]):
        if row.strip():
            block.append(row)
        elif block:
            yield file, line + number - len(block), "\n".join(block)
            block = []


def _of_question(review: Review) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The texts of ``review.toml`` with the line of their table."""
    q = review.question
    yield q.line, (q.treatment_plain, q.condition_plain, q.comparator_plain, q.not_for)
    for o in review.options:
        yield o.line, (o.experience, o.visits, o.cost)
    yield 1, (*review.cautions, *(f.text for f in review.red_flags))
    yield 1, tuple(text for c in review.changes for text in (c.what, c.why))
    for t in review.field_tests:
        yield t.line, (t.how, t.found, t.changed)
    for p in review.people:
        yield p.line, (p.credentials,)  # Disclosures have a check of their own.


def _placed(hit: Overclaim, raw: str) -> Overclaim:
    """The line of the file on which the phrase stands, at or after that of its table."""
    for number, row in enumerate(raw.split("\n"), 1):
        if number >= hit.line and hit.phrase in row:
            return replace(hit, line=number)
    return hit


def _of_article(answer: Answer) -> set[str]:
    """The claims that the article makes itself, of its own evidence."""
    return {c.id for c in answer.review.claims if not (c.quoted or c.review)}


def _unbound(found: re.Match[str], own: set[str]) -> str:
    """The words of an own claim without their link; somebody else's as white space."""
    if found["id"] not in own:
        return _blank(found)
    rest = len(found[0]) - len(found["words"]) - 1
    return f" {found['words']}{' ' * rest}"


def _blank(found: re.Match[str]) -> str:
    """As much white space, so that places stay."""
    return re.sub(r"[^\n]", " ", found[0])
