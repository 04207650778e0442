"""Checks 1 to 11: is it a decision aid at all, and does every number have a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from equipoise.present.audit.dom import Node
from equipoise.present.audit.findings import NOT_PROSE, Check, Finding, Subject

TOML = "review.toml"


def _said(text: str) -> bool:
    return bool(text.strip())


def qualifies(subject: Subject) -> Iterator[Finding]:
    """IPDAS Q1 to Q6, one finding for each that is missing."""
    a = subject.answer
    q, options = a.review.question, a.review.options
    checks = (
        ("Q1", _said(q.condition_plain), "the condition is not described", "condition_plain"),
        ("Q2", q.text.strip().endswith("?"), "the decision is not put as a question", "text"),
        ("Q3", len(options) >= 2, "fewer than two choices are listed", "[[options]]"),
        ("Q4", bool(a.outcomes), "no good point of any choice is looked at", "[[outcomes]]"),
        ("Q5", _said(a.harm_sentence), "nothing is said of harms", "harms.csv"),
        (
            "Q6",
            all(_said(o.experience) for o in options),
            "what a choice is like to live through is not told",
            "experience",
        ),
    )
    for item, met, what, key in checks:
        if not met:
            yield Finding(f"{item}: {what}", f"fill {key}", TOML, q.line or 1, "[question]")


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


def rows(subject: Subject) -> Iterator[Finding]:
    """Every critical outcome is told, and every choice has a line on harm."""
    a = subject.answer
    for o in a.outcomes:
        if o.importance == "critical" and not _said(o.statement_plain):
            yield Finding(f"nothing is said of {o.label}", "say what is known", place="#fact-box")
    table = subject.section("options").first("table")
    line = None if table is None else next((r for r in table.all("tr") if "harm" in r.text()), None)
    cells = [] if line is None else line.all("td")
    if len(cells) != len(a.review.options) or not all(_said(c.text()) for c in cells):
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
    if not due or date.fromisoformat(due) < date.fromisoformat(a.status.on):
        told = f"the next review was due on {due}" if due else "no next review is set"
        yield Finding(told, "look again, then set next_review", TOML)


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
    if any("author" not in p.roles for p in a.review.people):
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
            "add a reviewer, or show the strip",
            place="#status",
        )


def tested(subject: Subject) -> Iterator[Finding]:
    """Whether readers tested it and how hard it is to read is printed."""
    text = subject.section("judgements").text()
    if "Not done:" not in text and "field test" not in text.casefold():
        yield Finding(
            "whether patients read or tested the page is not said",
            "print it, “not done” included",
            place="#judgements",
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
    for node in subject.document().root.all("a", css="n"):
        file, _, place = node.attrs.get("href", "").partition("#")
        if file == "sources.html" and place not in known:
            yield Finding(
                f"{node.text()} leads to no source", "tie it to its quantity", place=node.where()
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
        "all there (IPDAS Q1 to Q6).",
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
        "Their tables share classes, their headings a level.",
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
        "A policy of updates, and a next review that is not in the past.",
        update_policy,
    ),
    Check(8, "error", "data", "Funding is typed", "Also when there was none.", funding),
    Check(
        9,
        "error",
        "data",
        "People",
        "Author, credentials, disclosures, and a reviewer who is not the author; where there is "
        "none, the first lines of the page say so and it needs a person.",
        people,
    ),
    Check(
        10,
        "warning",
        "data",
        "Tests with readers are told, done or not",
        "The page says whether patients read and tested it.",
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
