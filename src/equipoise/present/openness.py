"""What a page tells of those who made it: interests, an author's own view, tests with readers.

Every sentence is made from fields, in the third person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from equipoise.answer.answer import Answer
from equipoise.answer.wording import join
from equipoise.core.table import count
from equipoise.present.prose import day, ended, first_upper, joined
from equipoise.review.markdown import VIEW
from equipoise.review.records import Disclosure, FieldTest, Person, Review

#: Bands of money in words.
_AMOUNTS: dict[str, str] = {
    "none": "unpaid",
    "under 1000": "under 1000 US dollars a year",
    "1000 to 10000": "1000 to 10 000 US dollars a year",
    "over 10000": "over 10 000 US dollars a year",
    "not told": "how much is not told",
}
#: What can be found out from readers (kind, who), as it is called where nobody did.
WANTED: dict[tuple[str, str], str] = {
    ("needs", "patients"): "asking patients what they need to know",
    ("needs", "clinicians"): "asking clinicians what they need",
    ("field", "patients"): "trying it out with patients",
    ("field", "clinicians"): "trying it out with clinicians",
    ("knowledge", ""): "a study of whether readers know more",
    ("values", ""): "a study of whether they choose nearer to what they value",
}
#: Reviewers without a part in it, by the word of their role or credentials.
READERS: dict[str, str] = {
    "patient": "reading by patients",
    "clinician": "reading by clinicians",
}
_DONE: dict[str, str] = {
    "needs": "were asked what they need to know",
    "field": "tried this page out",
    "knowledge": "took part in a study of whether readers know more",
    "values": "took part in a study of whether readers choose nearer to what they value",
}
_WHO: dict[str, tuple[str, str]] = {
    "patients": ("patient", "patients"),
    "clinicians": ("clinician", "clinicians"),
    "public": ("member of the public", "members of the public"),
}


def disclosures(answer: Answer) -> list[str]:
    """One line for each person, in the third person and from fields only."""
    return [
        f"{person.name} ({joined(person.roles)}): {_line(person, answer.treatment)}."
        for person in answer.review.people
    ]


def _line(person: Person, treatment: str) -> str:
    found = []
    for d in person.disclosures:
        asked = f" (asked on {day(d.asked_on)})" if d.asked_on else ""
        told = "no interests declared" if d.type == "none" else f"{d.type} interest"
        told += f": {d.entity}" if d.entity else ""
        found.append(", ".join([told, *_facts(d, treatment)]) + asked)
    return "; ".join(found) if found else "was not asked about interests"


def _facts(d: Disclosure, treatment: str) -> Iterator[str]:
    """Direction, money and time of an interest."""
    if d.type != "none" and d.direction:
        ways = {"favours": f"favours {treatment}", "against": "against it"}
        yield ways.get(d.direction, "direction unclear")
    if d.amount_band:
        yield _AMOUNTS[d.amount_band]
    if d.period:
        yield d.period


def in_full(d: Disclosure, treatment: str) -> str:
    """Everything that one disclosure says, and what it does not."""
    told = "No interests declared" if d.type == "none" else f"{first_upper(d.type)} interest"
    told += f": {d.entity}" if d.entity else ""
    facts = ", ".join([told, *_facts(d, treatment)])
    relevance = ended(f"What it has to do with the question: {d.relevance}") if d.relevance else ""
    asked = f"Asked on {day(d.asked_on)}" if d.asked_on else "The day of asking is not told"
    signed = f"signed on {day(d.signed)}" if d.signed else "not signed by anybody"
    return " ".join(t for t in (f"{facts}.", relevance, f"{asked}, {signed}.", ended(d.text)) if t)


@dataclass(frozen=True, slots=True)
class View:
    """What the authors think: an opinion beside the evidence, with their interests."""

    title: str
    text: str
    note: str


def view(answer: Answer) -> View | None:
    """The authors' own view, marked as one; None where they wrote none."""
    section = next((s for s in answer.review.article if s.id == VIEW and s.text.strip()), None)
    if section is None:
        return None
    review = answer.review
    told = zip(review.people, disclosures(answer), strict=True)
    authors = [(p.name, line) for p, line in told if "author" in p.roles]
    whose = join([name for name, _ in authors]) or "the authors"
    note = (
        f"An opinion of {whose}, and not what trials found. It moves no number "
        "and no answer on this page."
    )
    return View(section.title, section.text, " ".join([note, *(line for _, line in authors)]))


def tests(review: Review) -> list[str]:
    """What was found out from readers, a paragraph for each test."""
    return [_test(test) for test in review.field_tests]


def _test(test: FieldTest) -> str:
    one, more = _WHO[test.who]
    who = f"{count(test.people)} {one if test.people == 1 else more}"
    verb = _DONE[test.kind]
    if test.people == 1:
        verb = verb.replace("were asked what they need", "was asked what people need")
    lines = [f"{day(test.on)}: {who} {verb}.", ended(f"How: {test.how}")]
    lines.append(ended(f"Found: {test.found}"))
    if test.changed:
        lines.append(ended(f"Changed because of it: {test.changed}"))
    if test.by:
        lines.append(ended(f"Done by {test.by}"))
    return " ".join(lines)


def done(review: Review, kind: str, who: str = "") -> list[FieldTest]:
    """The tests of that kind with those people (anybody: no `who`)."""
    return [t for t in review.field_tests if t.kind == kind and who in ("", t.who)]


def readers(review: Review, role: str) -> list[Person]:
    """Reviewers of that role (``patient``) who had no part in writing it."""
    return [
        p
        for p in review.people
        if p.independent
        and "reviewer" in p.roles
        and role in " ".join((*p.roles, p.credentials)).casefold()
    ]


def untested(review: Review) -> list[str]:
    """What readers were not asked and did not try, in words."""
    lost = [words for role, words in READERS.items() if not readers(review, role)]
    return [*lost, *(words for (k, w), words in WANTED.items() if not done(review, k, w))]
