"""The items of IPDAS v4 and of NICE for decision aids.

Sources: Joseph-Williams 2014 (Med Decis Making 34:699, doi 10.1177/0272989X13501721) for IPDAS:
six qualifying items (Q), ten for certification (C, and T for tests only), 28 of quality (K; the
last five for tests only), so that 35 apply to a treatment. NICE process guide PMG42 for what an
aid holds. The words are ours; the letters of the IPDAS items count them within their group.
"""

from __future__ import annotations

import json
import re
from datetime import date

from equipoise.answer.answer import OutcomeAnswer
from equipoise.present import openness
from equipoise.present.standard import (
    Found,
    Look,
    Page,
    StandardItem,
    holds,
    met,
    never,
    person,
)

IPDAS, NICE = "IPDAS v4", "NICE decision aid"
_TESTS = "only for tests and screening"
_LINK = re.compile(r'href="(sources\.html)#([^"]+)"')
_RANGE = re.compile(r"\([−-]?[\d.,]+ to [−-]?[\d.,]+\)")
_LD = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.S)


def _critical(page: Page) -> list[OutcomeAnswer]:
    return [o for o in page.answer.outcomes if o.importance == "critical"]


def condition(page: Page) -> bool:
    """The condition is described, in forty words or more."""
    return page.words("condition") >= 40


def decision(page: Page) -> bool:
    """The title asks about treatment and condition."""
    a = page.answer
    head = re.search(r"<h1[^>]*>(.*?)</h1>", page.html, re.S)
    text = head[1].casefold() if head else ""
    return (
        text.strip().endswith("?")
        and a.treatment.casefold() in text
        and a.condition.casefold() in text
    )


def choices(page: Page) -> bool:
    """Two choices or more are listed, and one is to change nothing."""
    options = page.answer.review.options
    return (
        len(options) >= 2
        and any(o.kind == "no-change" for o in options)
        and page.says_all((o.label for o in options), "options")
    )


def good(page: Page) -> bool:
    """Every outcome has its line among the results."""
    outcomes = page.answer.outcomes
    return bool(outcomes) and page.says_all((o.label for o in outcomes), "fact-box")


def bad(page: Page) -> bool:
    """Harms are told, and in the table of choices."""
    told = page.answer.harm_sentence
    return page.says(told, "harms") and page.says(told, "options")


def lived(page: Page) -> bool:
    """What each choice is like to live through."""
    options = page.answer.review.options
    return bool(options) and page.says_all((o.experience for o in options), "options")


def equal(page: Page) -> bool:
    """Benefits and harms stand in tables of the same look."""
    return page.count("fact-box", "table.facts") >= 1 and page.count("harms", "table.facts") >= 1


def cited(page: Page) -> Found:
    """Numbers lead to their sources, and trials are listed."""
    sources = page.files.get("sources.html", b"").decode("utf-8")
    lost = [id for _, id in _LINK.findall(page.html) if f'id="{id}"' not in sources]
    if lost:
        return "not met", f"{lost[0]} leads to no source"
    return met(page.words("references") > 3, "no references are listed")


def dated(page: Page) -> bool:
    """The date of the version stands on the page and in its data."""
    found = _LD.search(page.html)
    data = json.loads(found[1]) if found else {}
    day = page.answer.review.updated
    return f'datetime="{day}"' in page.html and bool(data.get("datePublished"))


def updates(page: Page) -> Found:
    """A policy, and a next review that is not overdue."""
    review = page.answer.review
    if not page.says(review.update_policy, "changes"):
        return "not met", "no policy of updates is shown"
    due = review.next_review
    if not due:
        return "not met", "no next review is set"
    late = date.fromisoformat(due) < date.fromisoformat(page.answer.status.on)
    return met(not late, f"the next review was due on {due}")


def uncertain(page: Page) -> bool:
    """Each result has a range, or says that nothing usable is known."""
    box = re.search(r'class="grid facts">.*?</table>', page.html, re.S)
    rows = re.findall(r"<tr>.*?</tr>", box[0] if box else "", re.S)
    ranges = sum(
        _RANGE.search(row.partition('data-label="Difference')[2]) is not None for row in rows
    )
    known = sum(o.absolute is not None for o in page.answer.outcomes)
    return bool(rows) and ranges >= known and "How sure" in page.text("fact-box")


def paid(page: Page) -> bool:
    """Who paid is said, "none" included."""
    funding = page.answer.review.funding
    return page.says(f"Funding: {funding}" if funding else "", "disclosure")


def untreated(page: Page) -> Found:
    """How the problem goes by itself: told by the control groups, else for a person to see."""
    none = [o for o in page.answer.review.options if o.kind == "no-change"]
    if not condition(page) or not none or not page.says(none[0].experience, "options"):
        return "not met", "nothing is said of how it goes when nothing is done"
    if page.answer.course and page.says_all(page.answer.course, "condition"):
        return "met", ""
    return "needs a person", "whether the text tells how the problem goes by itself"


def side_by_side(page: Page) -> bool:
    """One table with a column for each choice."""
    wanted = len(page.answer.review.options) + 1
    heads = re.search(r'class="grid options".*?</thead>', page.html, re.S)
    return bool(heads) and len(re.findall(r"<th\b", heads[0] if heads else "")) == wanted


def chances(page: Page) -> bool:
    """Every critical outcome has its number, or says that there is none."""
    box = page.text("fact-box")
    return good(page) and all(
        o.absolute is not None or "no usable numbers" in box for o in _critical(page)
    )


def reference_class(page: Page) -> bool:
    """The table of results names the people whom it is about."""
    caption = re.search(r'class="grid facts"><caption>(.*?)</caption>', page.html, re.S)
    return caption is not None and page.answer.population.casefold() in caption[1].casefold()


def frequencies(page: Page) -> Found:
    """Events as numbers of people, in both groups."""
    binary = [o for o in page.answer.outcomes if o.type == "binary" and o.absolute is not None]
    if not binary:
        return "not done", "the trials give results in points, not in people"
    told = page.text("fact-box").count("people of every 1000") >= len(binary)
    both = all(o.absolute and o.absolute.without and o.absolute.with_ for o in binary)
    return met(told and both, "people are not counted in both groups")


def same_time(page: Page) -> bool:
    """A row of results has one time for both groups."""
    shown = [o for o in page.answer.outcomes if o.absolute is not None]
    return "After" in page.text("fact-box") and page.says_all((o.time for o in shown), "fact-box")


def same_denominator(page: Page) -> bool:
    """People are counted out of the same number everywhere."""
    told = set(re.findall(r"of every (\d+)", page.text("fact-box")))
    told |= {str(o.absolute.denominator) for o in page.answer.outcomes if o.absolute}
    return len(told - {"0"}) <= 1


def three_ways(page: Page) -> bool:
    """A critical result stands as a sentence, in numbers and in a picture."""
    shown = [o for o in _critical(page) if o.absolute is not None]
    drawn = all(any(page.drawn(kind, o.id) for kind in ("forest", "icons", "bars")) for o in shown)
    return drawn and page.says_all((o.statement_plain for o in shown), "fact-box")


def values(page: Page) -> bool:
    """The reader is asked what matters, outcome by outcome."""
    return bool(_critical(page)) and page.says_all(
        (o.plain for o in _critical(page)), "what-matters"
    )


def readers(page: Page) -> Found:
    """Whether patients without a part in it read it."""
    return _reviewed(page, "patient", "no patient without a part in it has reviewed it")


def clinicians(page: Page) -> Found:
    """Whether clinicians without a part in it read it."""
    return _reviewed(page, "clinician", "no clinician without a part in it has reviewed it")


def _reviewed(page: Page, role: str, why: str) -> Found:
    """A person with that role who is independent and a reviewer, and is shown."""
    read = openness.readers(page.answer.review, role)
    if read:
        return met(page.says_all((p.name for p in read), "people"), "the reviewer is not shown")
    return _told_undone(page, openness.READERS[role], why)


def stakeholders(page: Page) -> Found:
    """Patients and clinicians without a part in it read it."""
    found = readers(page), clinicians(page)
    return next((f for f in found if f[0] != "met"), found[0])


def from_readers(kind: str, who: str, why: str) -> Look:
    """What was found out from readers is shown; where nobody asked, the page says so."""

    def look(page: Page) -> Found:
        done = openness.done(page.answer.review, kind, who)
        if done:
            return met(page.says_all((t.found for t in done), "judgements"), "it is not shown")
        return _told_undone(page, openness.WANTED[kind, who], why)

    return look


def _told_undone(page: Page, words: str, why: str) -> Found:
    """Not done, where the page says so openly."""
    told = page.text("judgements").partition("Not done:")[2]
    if words in told:
        return "not done", f"{why}; the page says so"
    return "not met", f"the page does not say whether it was done: {words}"


def tried_out(page: Page) -> Found:
    """Patients and clinicians tried the page out."""
    found = [
        from_readers("field", who, f"no {who} have tried it out")(page)
        for who in ("patients", "clinicians")
    ]
    return next((f for f in found if f[0] != "met"), found[0])


def searched(page: Page) -> Found:
    """Where trials were looked for and which were left out."""
    if not page.term("Search") or not page.term("Studies"):
        return "not met", "the page does not say how trials were found and chosen"
    return met(page.words("references") > 3, "the trials are not listed")


def quality(page: Page) -> bool:
    """Risk of bias, and how sure, with reasons."""
    return bool(page.term("Risk of bias")) and page.words("why-sure") > 10


def credentials(page: Page) -> bool:
    """What each person knows of it."""
    people = page.answer.review.people
    return bool(people) and page.says_all((p.credentials for p in people), "people")


def readability(page: Page) -> Found:
    """The reading grade is printed for readers of the page."""
    told = page.text() + page.files.get("qa.html", b"").decode("utf-8")
    return met(
        bool(re.search(r"reading (?:grade|level)|years of school|SMOG", told, re.I)),
        "how hard it is to read is not printed",
    )


def _item(number: str, words: str, place: str, look: Look) -> StandardItem:
    return StandardItem(IPDAS, number, words, place, look)


IPDAS_ITEMS: tuple[StandardItem, ...] = (
    _item(
        "Q1",
        "Says what the health problem is",
        "#condition",
        holds(condition, "the condition is described in fewer than forty words"),
    ),
    _item(
        "Q2",
        "States the decision",
        "h1",
        holds(decision, "the title does not ask about treatment and condition"),
    ),
    _item(
        "Q3",
        "Lists the choices, doing nothing new among them",
        "#options",
        holds(choices, "fewer than two choices are shown, or none is to change nothing"),
    ),
    _item(
        "Q4",
        "Tells the good points",
        "#fact-box",
        holds(good, "an outcome has no line among the results"),
    ),
    _item(
        "Q5",
        "Tells the bad points",
        "#harms",
        holds(bad, "harms are not told in their section and beside the choices"),
    ),
    _item(
        "Q6",
        "Tells what each choice is like to live through",
        "#options",
        holds(lived, "a choice is shown without what it is like"),
    ),
    _item(
        "C1",
        "Shows good and bad in equal detail",
        "#fact-box, #harms",
        holds(equal, "results and harms do not stand in tables of the same look"),
    ),
    _item("C2", "Cites its evidence", "#references, sources.html", cited),
    _item("C3", "Bears its date", "footer", holds(dated, "the day of the version is not shown")),
    _item("C4", "Says when it will be updated", "#changes", updates),
    _item(
        "C5",
        "Says how uncertain each number is",
        "#fact-box",
        holds(uncertain, "a result is shown without its range"),
    ),
    _item("C6", "Says who paid for it", "#disclosure", holds(paid, "who paid is not said")),
    _item("T1", "What the test is for", "", never(_TESTS)),
    _item("T2", "What follows when the test is positive", "", never(_TESTS)),
    _item("T3", "What follows when the test is negative", "", never(_TESTS)),
    _item("T4", "That a test can find what would never have harmed", "", never(_TESTS)),
    _item("K1", "Tells how it goes if nothing is done", "#condition, #options", untreated),
    _item(
        "K2",
        "Lets choices be compared side by side",
        "#options table",
        holds(side_by_side, "no table has a column for each choice"),
    ),
    _item(
        "K3",
        "Gives the chances of outcomes",
        "#fact-box",
        holds(chances, "a critical outcome has neither a number nor a word on why not"),
    ),
    _item(
        "K4",
        "Says of which people the numbers speak",
        "#fact-box caption",
        holds(reference_class, "the table of results does not name the people"),
    ),
    _item("K5", "Counts events as people", "#fact-box", frequencies),
    _item(
        "K6",
        "Compares over the same time",
        "#fact-box",
        holds(same_time, "a result is shown without its time"),
    ),
    _item(
        "K7",
        "Counts out of the same number",
        "#fact-box",
        holds(same_denominator, "people are counted out of different numbers"),
    ),
    _item(
        "K8",
        "Shows a chance in words, numbers and a picture",
        "#fact-box, #evidence",
        holds(three_ways, "a critical result lacks its sentence or its picture"),
    ),
    _item(
        "K9",
        "Asks what matters to the reader",
        "#what-matters",
        holds(values, "a critical outcome is not asked about"),
    ),
    _item(
        "K10",
        "Leads through the decision step by step",
        "#what-matters ol",
        holds(lambda p: p.count("what-matters", "ol") >= 1, "there are no steps"),
    ),
    _item(
        "K11",
        "Gives questions to take to the doctor",
        "#questions, print.html",
        holds(
            lambda p: p.count("questions", "li") >= 3 and "print.html" in p.files,
            "there are fewer than three questions, or no sheet to print",
        ),
    ),
    _item(
        "K12",
        "Rests on what patients need to know",
        "#judgements",
        from_readers("needs", "patients", "patients were not asked what they need to know"),
    ),
    _item(
        "K13",
        "Rests on what clinicians need to discuss",
        "#judgements",
        from_readers("needs", "clinicians", "clinicians were not asked what they need"),
    ),
    _item("K14", "Reviewed by patients without a part in it", "#people", readers),
    _item("K15", "Reviewed by clinicians without a part in it", "#people", clinicians),
    _item(
        "K16",
        "Tried out with patients who face the decision",
        "#judgements",
        from_readers("field", "patients", "nobody who faces the decision has tried it out"),
    ),
    _item(
        "K17",
        "Tried out with clinicians who advise on it",
        "#judgements",
        from_readers("field", "clinicians", "no clinician has tried it out"),
    ),
    _item("K18", "Says how the evidence was found and chosen", "#methods", searched),
    _item(
        "K19",
        "Says how good the evidence is",
        "#why-sure, #methods",
        holds(quality, "risk of bias or the reasons for the certainty are missing"),
    ),
    _item(
        "K20",
        "Gives the authors’ credentials",
        "#people",
        holds(credentials, "a person is shown without credentials"),
    ),
    _item("K21", "Reports how hard it is to read", "qa.html", readability),
    _item(
        "K22",
        "Shown to bring choices nearer to what people value",
        "#judgements",
        from_readers("values", "", "nobody has studied whether it does"),
    ),
    _item(
        "K23",
        "Shown to make people know more",
        "#judgements",
        from_readers("knowledge", "", "nobody has studied whether it does"),
    ),
    *(
        _item(f"K{n}", words, "", never(_TESTS))
        for n, words in (
            (24, "How often a test is rightly positive"),
            (25, "How often a test is wrongly positive"),
            (26, "How often a test is rightly negative"),
            (27, "How often a test is wrongly negative"),
            (28, "What is found with the test and without"),
        )
    ),
)

NICE_ITEMS: tuple[StandardItem, ...] = tuple(
    StandardItem(NICE, number, words, place, look)
    for number, words, place, look in (
        (
            "1",
            "Says for whom it is",
            ".subtitle",
            holds(lambda p: p.says(p.answer.population), "the people are not named"),
        ),
        (
            "2",
            "Tells just enough about the condition",
            "#condition",
            holds(condition, "the condition is described in fewer than forty words"),
        ),
        (
            "3",
            "Lists every choice, no change among them",
            "#options",
            holds(choices, "fewer than two choices are shown, or none is to change nothing"),
        ),
        (
            "4",
            "Tells benefits and harms, with a picture",
            "#fact-box, #harms, #picture",
            holds(
                lambda p: good(p) and bad(p) and p.count("picture", "svg") > 0,
                "results, harms or pictures are missing",
            ),
        ),
        (
            "5",
            "Helps to think about what matters most",
            "#what-matters",
            holds(values, "a critical outcome is not asked about"),
        ),
        (
            "6",
            "Advises no choice",
            "#short-answer",
            person("whether readers hear advice in the answer"),
        ),
        (
            "7",
            "Meets NICE’s essential standards for such aids",
            "",
            person("the standards are judged by people"),
        ),
        (
            "8",
            "Reviewed by those who have a stake in it",
            "#people",
            stakeholders,
        ),
        ("9", "Tested with its users", "#judgements", tried_out),
    )
)
