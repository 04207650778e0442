"""Checks 1 to 11: is it a decision aid at all, and does every number have a source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from equipoise.core.provenance import plain
from equipoise.present import openness
from equipoise.present.audit.dom import Node
from equipoise.present.audit.findings import NOT_PROSE, PAGE, Check, Finding, Subject
from equipoise.review.records import Person
from equipoise.review.rules_question import untold

TOML = "review.toml"
#: Words that it takes to describe a condition (IPDAS Q1).
DESCRIBED = 40


def _said(text: str) -> bool:
    return bool(text.strip())


def qualifies(subject: Subject) -> Iterator[Finding]:
    """IPDAS Q1 to Q6, one finding for each that is missing."""
    a = subject.answer
    q, options = a.review.question, a.review.options
    words = f"{q.condition_plain} {_written(subject, 'condition')}".split()
    described = len(words) >= DESCRIBED and _said(subject.section("condition").text())
    checks = (
        (
            "Q1",
            described,
            f"the condition is described in {len(words)} words, fewer than {DESCRIBED}",
            "condition_plain, and the section condition of article.md",
        ),
        ("Q2", q.text.strip().endswith("?"), "the decision is not put as a question", "text"),
        ("Q3", len(options) >= 2, "fewer than two choices are listed", "[[options]]"),
        (
            "Q4",
            bool(a.outcomes) and _asked_of_all(subject, "help"),
            "what is known of the good points of a choice is not told",
            "[[outcomes]]",
        ),
        ("Q5", _said(a.harm_sentence), "nothing is said of harms", "harms.csv"),
        (
            "Q6",
            all(_said(o.experience) for o in options) and _described(subject, "treatment"),
            "what the treatment is, or what a choice is like to live through, is not told",
            "experience, and the section treatment of article.md",
        ),
    )
    for item, met, what, key in checks:
        if not met:
            yield Finding(f"{item}: {what}", f"fill {key}", TOML, q.line or 1, "[question]")


def _written(subject: Subject, id: str) -> str:
    """What the article says under that heading."""
    return next((s.text for s in subject.answer.review.article if s.id == id), "")


def _described(subject: Subject, id: str) -> bool:
    """Whether the article has words under that heading, and the page a section with words."""
    return _said(_written(subject, id)) and len(subject.section(id).text().split()) > 3


def _asked_of_all(subject: Subject, word: str) -> bool:
    """Whether the row that asks this has a cell with words for each choice."""
    table = subject.section("options").first("table")
    lines = [] if table is None else table.all("tr")
    line = next((r for r in lines if (h := r.first("th")) and word in h.text()), None)
    cells = [] if line is None else line.all("td")
    return len(cells) == len(subject.answer.review.options) and all(_said(c.text()) for c in cells)


def no_change(subject: Subject) -> Iterator[Finding]:
    """Doing nothing new is a choice."""
    if not any(o.kind == "no-change" for o in subject.answer.review.options):
        yield Finding(
            "no choice is to change nothing", 'kind = "no-change"', TOML, 1, "[[options]]"
        )


def question(subject: Subject) -> Iterator[Finding]:
    """The heading asks about the treatment and the condition."""
    a = subject.answer
    head = subject.document().root.first("h1")
    text = head.text().casefold() if head is not None else ""
    missing = [
        name for name in (a.treatment, a.review.question.condition) if name.casefold() not in text
    ]
    if not text.endswith("?"):
        yield Finding("the main heading is no question", "ask it as a reader would", place="h1")
    elif missing:
        yield Finding(
            f"the main heading does not name {' or '.join(missing)}",
            "name treatment and condition in the question",
            place="h1",
        )


def _length(node: Node) -> int:
    return len(node.text(without=frozenset({"details", "svg"})).split())


def same_length(subject: Subject) -> Iterator[Finding]:
    """Benefits and harms get about as many words."""
    box, pictures, bad = (_length(subject.section(id)) for id in ("fact-box", "picture", "harms"))
    good = box + pictures
    if box and bad and not (0.5 * box <= bad <= 2 * good):
        yield Finding(
            f"{good} words on benefits and {bad} on harms",
            "tell both in the same detail: between half and twice as long",
            place="#fact-box, #picture, #harms",
        )


def same_look(subject: Subject) -> Iterator[Finding]:
    """Benefits and harms stand in tables of one look under headings of one level."""
    tables = [subject.section(id).first("table") for id in ("fact-box", "harms")]
    heads = [subject.section(id).first("h2", "h3") for id in ("fact-box", "harms")]
    if tables[0] is None or tables[1] is None:
        return
    if not tables[0].classes <= tables[1].classes:
        yield Finding(
            "the tables differ in class", "give both the same classes", place="#harms table"
        )
    if [h.tag if h else "" for h in heads] != ["h2", "h2"]:
        yield Finding("the headings differ in level", "h2 for both", place="#harms h2")
    if re.search(r"\.harms\b[^{},:]*\{[^}]*font(?:-size)?:", subject.css):
        yield Finding("the letters differ in size", "one size for both", "style.css")
    good, bad = _denominators(tables[0]), _denominators(tables[1])
    if good and bad and good != bad:
        yield Finding(
            f"benefits out of {', '.join(sorted(good))}, harms out of {', '.join(sorted(bad))}",
            "count both out of the same number of people",
            place="#harms table",
        )


#: Out of how many people a text counts; not a number of weeks, nor the count of one trial.
OUT_OF = re.compile(
    r"\b(?:(?:per|in|of every) (\d[\d,]*)(?! (?:months|weeks|years|points))"
    r"|of (\d[\d,]*) (?:people with it|without))\b"
)


def _denominators(table: Node) -> set[str]:
    """Out of how many people a table counts; counts of one trial are links as a whole."""
    text = table.text(without=frozenset({"a"}))
    return {(t or u).replace(",", "") for t, u in OUT_OF.findall(text)}


def rows(subject: Subject) -> Iterator[Finding]:
    """Every critical outcome is told, and every choice has a line on harm."""
    a = subject.answer
    for o in a.outcomes:
        if o.importance == "critical" and not _said(o.statement_plain):
            yield Finding(f"nothing is said of {o.label}", "say what is known", place="#fact-box")
    if not _asked_of_all(subject, "harm"):
        yield Finding(
            "a choice has no line on harms",
            "one cell for each choice, with “not judged” where nobody looked",
            place="#options table",
        )


def update_policy(subject: Subject) -> Iterator[Finding]:
    """There is a policy of updates and a next review that is not overdue."""
    a = subject.answer
    if not _said(a.review.update_policy):
        yield Finding("no policy of updates", "fill update_policy", TOML)
    due = a.review.next_review
    try:
        late = not due or date.fromisoformat(due) < date.fromisoformat(a.status.on)
    except ValueError:
        yield Finding(f"the next review is set for “{due}”, which is no day", "YYYY-MM-DD", TOML)
        return
    if late:
        told = f"the next review was due on {due}" if due else "no next review is set"
        yield Finding(told, "look again, then set next_review", TOML)
    policy = plain(a.review.update_policy).strip().rstrip(".").casefold()
    if policy not in subject.section("changes").text().casefold():
        yield Finding("the policy of updates is not on the page", "print it", place="#changes")


def funding(subject: Subject) -> Iterator[Finding]:
    """Who paid is typed, "none" included."""
    if not _said(subject.answer.review.funding):
        yield Finding("who paid is not said", 'fill funding; "none" is typed too', TOML)


def people(subject: Subject) -> Iterator[Finding]:
    """An author and a reviewer who is not the author, with credentials and disclosures."""
    a = subject.answer
    if not any("author" in p.roles for p in a.review.people):
        yield Finding("no author is named", 'roles = ["author"]', TOML, 1, "[[people]]")
    for p in a.review.people:
        if not _said(p.credentials):
            yield Finding(
                f"{p.name} has no credentials", "say them, or that there are none", TOML, p.line
            )
        if not p.disclosures:
            yield Finding(
                f"{p.name} was not asked about interests", "ask, and write it down", TOML, p.line
            )
        yield from _interests(p)
    if any(p.independent and "author" not in p.roles for p in a.review.people):
        return
    strip = subject.section("status").text()
    if "not independently reviewed" in strip:
        yield Finding(
            "nobody but the authors has reviewed this page; its first lines say so",
            "ask somebody without a part in it",
            TOML,
            place="[[people]]",
            state="needs a person",
        )
    else:
        yield Finding(
            "no reviewer beside the authors, and the page does not say so",
            "add a reviewer who is independent, or show the strip",
            place="#status",
        )


def _interests(person: Person) -> Iterator[Finding]:
    """An interest with its direction, relevance, money and time, and whether it was signed."""
    for d in person.disclosures:
        if lost := untold(d):
            yield Finding(
                f"{person.name}: {d.type} interest without {', '.join(lost)}",
                "fill it; “not told” and “unclear” are told too",
                TOML,
                person.line or 1,
            )
        if not d.asked_on:
            yield Finding(
                f"{person.name}: when interests were asked for is not said",
                "asked_on",
                TOML,
                person.line or 1,
            )
        if not d.signed:
            yield Finding(
                f"{person.name} has not signed what is said of their interests",
                "signed, with the day",
                TOML,
                person.line or 1,
                state="needs a person",
            )


def tested(subject: Subject) -> Iterator[Finding]:
    """What readers said, what was not asked, and how hard it is to read is printed."""
    review = subject.answer.review
    text = subject.section("judgements").text()
    for told in openness.tests(review):
        if told not in text:
            yield Finding(
                f"a test with readers is not shown: “{told[:60]}”", "show it", place="#judgements"
            )
    undone = text.partition("Not done:")[2]
    for words in openness.untested(review):
        if words not in undone:
            yield Finding(
                f"whether it was done is not said: {words}",
                "print it, “not done” included",
                place="#judgements",
            )
    if not any(n.attrs.get("href") == "qa.html" for n in subject.document().root.all("a")):
        yield Finding(
            "no link to how hard it is to read, and what IPDAS asks for",
            "link qa.html",
            place="#data",
        )


def provenance(subject: Subject) -> Iterator[Finding]:
    """Every number that is shown is computed by a formula from numbers or cells that exist."""
    a = subject.answer
    for q in a.quantities.values():
        lost = [i for i in q.inputs if i not in a.quantities]
        if not _said(q.formula) or lost:
            told = f"rests on {', '.join(lost)}, which is not there" if lost else "has no formula"
            yield Finding(f"{q.id} {told}", "tie it to its source", "sources.html")
    known = subject.document("sources.html").ids
    for name in (PAGE, "print.html"):
        for node in subject.document(name).root.all("a", css="n"):
            file, _, place = node.attrs.get("href", "").partition("#")
            if file != "sources.html" or place not in known:
                yield Finding(
                    f"{node.text()} leads to no source",
                    "tie it to its quantity",
                    name,
                    place=node.where(),
                )


def prose_nodes(section: Node) -> list[Node]:
    """Paragraphs and items of a section that are running text."""
    return [
        n
        for n in section.all("p", "li", "dd")
        if not n.inside(*NOT_PROSE) and not n.all("p", "ul", "ol")
    ]


def open_text(node: Node) -> str:
    """The text of a node without tables, drawings and what is folded."""
    return node.text(without=NOT_PROSE)


CHECKS: tuple[Check, ...] = (
    Check(
        1,
        "error",
        "data",
        "The six questions that make a decision aid",
        "Condition, decision, choices, good points, bad points and what each choice is like are "
        "all there (IPDAS Q1 to Q6): the condition in forty words, the treatment in a section.",
        qualifies,
    ),
    Check(
        2,
        "error",
        "data",
        "Doing nothing new is a choice",
        "One option is of the kind no-change.",
        no_change,
    ),
    Check(
        3,
        "error",
        "page",
        "The heading asks the question",
        "h1 is a question that names treatment and condition.",
        question,
    ),
    Check(
        4,
        "warning",
        "page",
        "Benefits and harms in the same detail",
        "The words on harms are at least half of those on benefits in numbers, and at most twice "
        "those in numbers and pictures.",
        same_length,
    ),
    Check(
        5,
        "error",
        "page",
        "Benefits and harms look alike",
        "Their tables share classes, size of letters and denominator, their headings a level.",
        same_look,
    ),
    Check(
        6,
        "error",
        "data",
        "Nothing critical is passed over",
        "Every critical outcome has its sentence, every choice a cell on harms.",
        rows,
    ),
    Check(
        7,
        "error",
        "data",
        "Updates",
        "A policy of updates, on the page, and a next review that is not in the past.",
        update_policy,
    ),
    Check(8, "error", "data", "Funding is typed", "Also when there was none.", funding),
    Check(
        9,
        "error",
        "data",
        "People",
        "Author, credentials, disclosures in all their fields, and an independent reviewer who is "
        "not the author; where there is none, the first lines of the page say so. That and what "
        "nobody signed need a person.",
        people,
    ),
    Check(
        10,
        "warning",
        "data",
        "Tests with readers are told, done or not",
        "Each test with readers stands on the page, what readers were not asked and did not try is "
        "called not done, and it links to its reading grade and to what standards ask for.",
        tested,
    ),
    Check(
        11,
        "error",
        "data",
        "Every number has its source",
        "Each quantity has a formula and inputs that exist, each linked number an entry among the "
        "sources.",
        provenance,
    ),
)
