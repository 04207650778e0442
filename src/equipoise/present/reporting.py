"""The items of PRISMA 2020, and of its extensions for networks and for harms.

Sources: Page 2021 (BMJ 372:n71, doi 10.1136/bmj.n71); Hutton 2015 (Ann Intern Med 162:777,
doi 10.7326/M14-2385), items S1 to S5 of networks; Zorzela 2016 (BMJ 352:i157,
doi 10.1136/bmj.i157), the four essential items of harms, by the numbers of PRISMA 2009 that they
extend. The words are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from equipoise.present.decision_aid import paid
from equipoise.present.standard import (
    Found,
    Look,
    Page,
    StandardItem,
    holds,
    met,
    person,
    undone,
)

PRISMA, NETWORKS, HARMS = "PRISMA 2020", "PRISMA-NMA", "PRISMA-Harms"


def _has(*ids: str, words: int = 4) -> Callable[[Page], bool]:
    return lambda page: all(page.words(id) >= words for id in ids)


def _term(*names: str) -> Callable[[Page], bool]:
    return lambda page: all(page.term(n) for n in names)


def _shown(text: str, id: str) -> Callable[[Page], bool]:
    return lambda page: page.says(text, id)


def pooled(page: Page) -> bool:
    """Whether two trials or more were put together for any outcome."""
    return any(o.pooled is not None and o.pooled.k > 1 for o in page.answer.outcomes)


def searches(page: Page) -> Found:
    """Where and when trials were looked for."""
    search = page.answer.review.search
    if not page.term("Search"):
        return "not met", "the page does not say where trials were looked for"
    if not search.last:
        return "not done", "no systematic search is known; the page says so"
    return met(bool(search.sources), "the sources of the search are not named")


def strategy(page: Page) -> Found:
    """The folder holds no search strings: those of the review that it rests on count."""
    search = page.answer.review.search
    if search.last and search.doi:
        return "needs a person", f"the strategy is that of {search.doi}; look whether it is whole"
    return "not done", "no full search strategy is kept in the folder"


def flow(page: Page) -> Found:
    """Counts of reports at each step."""
    counted = page.answer.review.flow.identified is not None
    if counted and page.count("methods", "table.flow"):
        return "met", ""
    if "no PRISMA flow" in page.term("Studies"):
        return "not done", "nobody counted the reports at each step; the page says so"
    return "not met", "the page does not say how many reports were found and left"


def excluded(page: Page) -> Found:
    """Trials that were looked at and left out, with the reason."""
    review = page.answer.review
    out = [t for t in review.trials if t.use == "excluded"]
    if not out and review.flow.ineligible:
        return "not met", f"{review.flow.ineligible} reports did not fit, and none is listed"
    if not out:
        return "not done", "no trial that was looked at and left out is kept in the folder"
    if "Left out, and why" not in page.text("evidence"):
        return "not met", "no list of what was left out"
    told = all(page.says(t.label, "evidence") and page.says(t.reason, "evidence") for t in out)
    return met(told, "a trial that was left out is not listed with its reason")


def registered(page: Page) -> Found:
    """The registration of the protocol."""
    if page.answer.review.protocol.registered:
        return met(page.says(page.answer.review.protocol.registered), "the register is not named")
    if "No protocol was registered" in page.term("Protocol"):
        return "not done", "no protocol was registered; the page says so"
    return "not met", "the page does not say whether a protocol was registered"


def protocol(page: Page) -> Found:
    """Where the protocol can be read."""
    address = page.answer.review.protocol.address
    if address:
        return met(address in page.html, "the protocol is not linked")
    return "not done", "there is no protocol to read"


def deviations(page: Page) -> Found:
    """What was done otherwise than planned."""
    plan = page.answer.review.protocol
    if not (plan.registered or plan.on or plan.address):
        return "not applicable", "there was no protocol to depart from"
    return met(page.says_all(plan.deviations) or not plan.deviations, "a deviation is not shown")


def interests(page: Page) -> bool:
    """Each person's interests, or that there are none."""
    people = page.answer.review.people
    return bool(people) and all(p.disclosures for p in people) and page.words("disclosure") > 3


def listed(page: Page) -> bool:
    """Each trial of the treatment has its row in the evidence."""
    included = [t.label for t in page.answer.review.trials if t.use == "included"]
    return "The trials" in page.text("evidence") and page.says_all(included, "evidence")


def appraised(page: Page) -> Found:
    """Each trial's risk of bias, or that nobody appraised it."""
    if not page.term("Risk of bias") or page.words("why-sure") <= 10:
        return "not met", "the page does not say how risk of bias was judged"
    return met(listed(page) and "bias" in page.text("evidence").casefold(), "no level by trial")


def traced(page: Page) -> bool:
    """Each pooled effect has its place among the sources, with what went into it."""
    sources = page.files.get("sources.html", b"").decode("utf-8")
    pooled = [o for o in page.answer.outcomes if o.pooled is not None and o.effect is not None]
    return bool(sources) and all(f'id="q-{o.id}.effect"' in sources for o in pooled)


def publication(page: Page) -> Found:
    """Whether missing results were looked for, outcome by outcome."""
    rated = [
        r
        for o in page.answer.outcomes
        if o.grade
        for r in o.grade.reasons
        if r.domain == "publication bias"
    ]
    if not rated:
        return "not applicable", "no outcome has a result whose bias could be judged"
    if any(r.suggested is not None or r.human is not None for r in rated):
        return "met", ""
    if "Not judged by anybody" in page.text("judgements"):
        return "not done", "nobody has judged publication bias; the page says so"
    return "not met", "the page does not say whether results are missing"


def individual(page: Page) -> Found:
    """Each trial's result, in a figure and as a table."""
    shown = [o for o in page.answer.outcomes if o.pooled is not None]
    if not shown:
        return "not applicable", "no trial has usable numbers"
    return met(all(page.drawn("forest", o.id) for o in shown), "an outcome has no forest plot")


def synthesis(page: Page) -> Found:
    """Pooled results with range and spread between trials."""
    if not pooled(page):
        return "not applicable", "nothing was pooled"
    return met("Summary of findings" in page.text("evidence"), "no summary of findings")


def heterogeneity(page: Page) -> Found:
    """Causes of differences between trials."""
    if not pooled(page):
        return "not applicable", "nothing was pooled"
    return met(page.words("picture") > 4, "alone, added and together are not set apart")


def sensitivity(page: Page) -> Found:
    """The answer under other choices."""
    if not any(o.sensitivity for o in page.answer.outcomes):
        return "not applicable", "nothing could be computed in another way"
    return met("other ways to compute it" in page.text("evidence"), "other ways are not shown")


def zero_events(page: Page) -> Found:
    """How trials without an event were handled."""
    if not any(h.state in (1, 4) for h in page.answer.harms):
        return "not applicable", "no harm was counted in trials"
    bounds = [h.statement for h in page.answer.harms if h.state == 4]
    return met(page.says_all(bounds, "harms") or not bounds, "a harm not seen has no bound")


def ascertained(page: Page) -> Found:
    """What each harm is, how it was found out, and over what time."""
    harms = page.answer.harms
    if not page.says_all((h.plain for h in harms), "harms"):
        return "not met", "a harm that is known is not listed"
    if not page.says_all((h.statement for h in harms), "harms"):
        return "not met", "how a harm was found out is not told"
    if any(h.state in (1, 2, 4) for h in harms):
        return "not done", "over what time each harm was counted is not kept in the folder"
    return "met", ""


def network(page: Page, place: str, why: str) -> Found:
    """For what a network has: components that the trials join."""
    if not page.answer.components:
        return "not applicable", "there is no network of components"
    return met(place in page.text(), why)


def _net(place: str, why: str) -> Look:
    return lambda page: network(page, place, why)


def _many(standard: str, rows: tuple[tuple[str, str, str, Look], ...]) -> tuple[StandardItem, ...]:
    return tuple(StandardItem(standard, *row) for row in rows)


def _of(test: Callable[[Page], bool], why: str = "the page does not say it") -> Look:
    return holds(test, why)


PRISMA_ITEMS = _many(
    PRISMA,
    (
        (
            "1",
            "Names itself a systematic review",
            "h1, #methods",
            person("the page is a decision aid that rests on a review; its title is a question"),
        ),
        ("2", "An abstract", "#short-answer, .keys", _of(_has("short-answer"))),
        ("3", "Why it was made", "#treatment, #condition", _of(_has("treatment", "condition"))),
        ("4", "The question", "#methods", _of(_term("People", "Treatment", "Compared with"))),
        ("5", "Which trials count", "#methods", _of(_term("People", "Outcomes", "Studies"))),
        ("6", "Where and when was searched", "#methods", searches),
        ("7", "The full search strategy", "review.toml", strategy),
        (
            "8",
            "How trials were selected, and by how many people",
            "#methods",
            undone("how many people selected trials is not kept in the folder"),
        ),
        ("9", "How data were read, and by how many people", "#methods", _of(_term("Data"))),
        ("10a", "Outcomes and their times", "#methods", _of(_term("Outcomes"))),
        (
            "10b",
            "What else was read from each trial",
            "#evidence",
            _of(listed, "a trial has no row in the evidence"),
        ),
        ("11", "How risk of bias was judged", "#methods", _of(_term("Risk of bias"))),
        ("12", "The effect measure of each outcome", "#methods", _of(_term("Synthesis"))),
        (
            "13a",
            "Which trials went into which synthesis",
            "sources.html",
            _of(traced, "a pooled effect has no place among the sources"),
        ),
        (
            "13b",
            "How data were prepared",
            "sources.html, #evidence",
            _of(lambda p: bool(p.term("Data")) and traced(p)),
        ),
        ("13c", "How results are shown", "#evidence", individual),
        ("13d", "How results were pooled", "#methods", _of(_term("Synthesis"))),
        ("13e", "How differences between trials were looked into", "#picture", heterogeneity),
        ("13f", "Sensitivity analyses", "#evidence", sensitivity),
        ("14", "How missing results were looked for", "#judgements", publication),
        ("15", "How certainty was judged", "#methods", _of(_term("Certainty"))),
        ("16a", "Reports at each step", "#methods", flow),
        ("16b", "What was left out, and why", "#evidence", excluded),
        (
            "17",
            "Each trial’s characteristics",
            "#evidence",
            _of(listed, "a trial has no row in the evidence"),
        ),
        ("18", "Each trial’s risk of bias", "#evidence", appraised),
        ("19", "Each trial’s results", "#evidence", individual),
        ("20a", "What went into each synthesis", "#why-sure", _of(_has("why-sure"))),
        ("20b", "Results of each synthesis", "#evidence", synthesis),
        ("20c", "Results on differences between trials", "#picture", heterogeneity),
        ("20d", "Results of sensitivity analyses", "#evidence", sensitivity),
        ("21", "Missing results, for each synthesis", "#judgements", publication),
        ("22", "Certainty of each outcome", "#why-sure", _of(_has("why-sure"))),
        (
            "23a",
            "What the results mean beside other evidence",
            "#short-answer",
            person("whether the text sets the results beside other evidence"),
        ),
        ("23b", "Limits of the evidence", "#why-sure", _of(_has("why-sure"))),
        (
            "23c",
            "Limits of the review",
            "#methods",
            _of(lambda p: p.says_all(p.answer.review.cautions, "methods")),
        ),
        (
            "23d",
            "What follows for practice and research",
            ".change",
            _of(lambda p: p.says_all(p.answer.would_change)),
        ),
        ("24a", "Registration", "#methods", registered),
        ("24b", "Where the protocol is", "#methods", protocol),
        ("24c", "Departures from it", "#methods", deviations),
        ("25", "Who paid", "#disclosure", _of(paid, "who paid is not said")),
        ("26", "Interests of the authors", "#disclosure", _of(interests)),
        ("27", "Where data and code are", "#data", _of(_has("data"))),
    ),
)

NETWORK_ITEMS = _many(
    NETWORKS,
    (
        (
            "S1",
            "How the shape of the network was looked at",
            "#evidence",
            _net("Can the parts be told apart?", "which parts can be told apart is not said"),
        ),
        (
            "S2",
            "How disagreement of direct and indirect evidence was tested",
            "#picture",
            _net("Which trials bear on this", "direct and indirect evidence are not set apart"),
        ),
        (
            "S3",
            "The network, drawn or listed",
            "#evidence",
            _net("What the trials can tell of each part", "the parts are not listed"),
        ),
        (
            "S4",
            "The shape of the network in words",
            "#picture",
            lambda p: network(p, p.answer.together.question, "together is not told"),
        ),
        (
            "S5",
            "Results on disagreement",
            "#picture",
            person("the page tells additivity as an assumption; whether it holds is for a person"),
        ),
    ),
)

HARM_ITEMS = _many(
    HARMS,
    (
        (
            "1",
            "The title names harms (here the short answer: the title asks the reader’s question)",
            "#short-answer, .keys",
            _of(lambda p: "harm" in p.text().casefold() and p.says(p.answer.harm_sentence)),
        ),
        (
            "14",
            "Methods: how trials in which nobody had the harm were handled",
            "#harms",
            zero_events,
        ),
        (
            "18",
            "Each harm: what it is, how it was found out, and over what time",
            "#harms",
            ascertained,
        ),
        (
            "21",
            "Results: any assessment of whether the treatment caused the harm",
            "#harms",
            person("whether the harms listed were caused by the treatment"),
        ),
    ),
)
