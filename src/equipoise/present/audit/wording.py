"""Checks 26 to 36: the words fit the evidence, and nothing is said that no trial can show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from equipoise.answer.answer import HarmLine, OutcomeAnswer
from equipoise.answer.wording import (
    HARM_STATES,
    NOT_PROOF,
    aim,
    both_ends,
    statement_clinical,
    statement_plain,
    uncapital,
)
from equipoise.certainty.thresholds import EffectClass, main_threshold
from equipoise.core.provenance import plain
from equipoise.present.audit.content import open_text, prose_nodes
from equipoise.present.audit.dom import Node
from equipoise.present.audit.findings import Check, Finding, Subject
from equipoise.present.overclaim import accepted, overclaims
from equipoise.present.overclaim_rules import ATTRIBUTED
from equipoise.review.markdown import VIEW

#: Said where no harm of the list is one that the trials did not say anything of.
ALL_ASKED = "Every harm listed here was asked about in a trial"

#: What no trial can show, or what a page must not say for it.
BANNED = re.compile(
    r"\bno evidence (?:of|that|for)\b|\b(?:not )?statistically significant\b|\bnot significant\b"
    r"|\bnon-?significant\b|\binsignificant\b|(?<!un)\bprove[nds]\b|\bsafe(?:ly)?\b"
    r"|\bno side[- ]effects\b|\brisk[- ]free\b|\bcure[ds]?\b|\bmiracles?\b|\bbreakthroughs?\b"
    r"|\bworks\b(?! (?:on|with|by|in|at|out|as|through)\b)|\btrend(?:s|ed|ing)?\b"
    r"|(?<!two )(?<!three )(?<!four )(?<!five )(?<!\d )\bstudies (?:have )?show[ns]?\b",
    re.I,
)
#: Words that take such a phrase back where they stand before it in the sentence.
_DENIED = re.compile(
    r"\b(?:not|never|nobody|no|none|cannot|whether|how|if|nor|without|unless)\b", re.I
)
JARGON = re.compile(
    r"\b(?i:certainty of (?:the )?evidence|evidence certainty)\b"
    r"|\b(?i:(?:low|moderate|high)[- ]certainty)\b"
    r"|\bGRADE\b|\bCIs?\b|\bSMDs?\b|\b(?i:heterogeneity|(?:confidence|credible) intervals?)\b"
    r"|\b(?i:standardi[sz]ed mean differences?|random[- ]effects|p[- ]values?)\b"
    r"|\b[pP] ?[=<>≤]|\bI²"
)
_HEDGED = re.compile(r"\b(?:probably|may|might)\b", re.I)
_FREQUENCY = re.compile(r"\b(very common|uncommon|common|very rare|rare)(?:ly)?\b(?!-effect)", re.I)
#: Most people of every 1000 that a word allows, and least.
BANDS: dict[str, tuple[float, float]] = {
    "very common": (100, 1000),
    "common": (10, 100),
    "uncommon": (1, 10),
    "rare": (0.1, 1),
    "very rare": (0, 0.1),
}
_FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I've|I’m|I’ve|me|myself|[Mm]y)\b|\b(?i:testimonials?|success stor(?:y|ies)"
    r"|swears? by|(?:changed|saved) (?:his|her|their) li(?:fe|ves)|patients of ours)\b"
)
#: Sections in which the reader speaks, or a person in their own name.
_READER = frozenset({"questions", "what-matters", "disclosure", VIEW})
#: Sections in which the program alone tells the evidence.
_TOLD = ("short-answer", "keys", "change", "fact-box", "picture", "harms", "why-sure", "evidence")
#: Sections in which harms are told, and a sentence that says itself that nobody counted.
_ON_HARMS = ("short-answer", "keys", "harms", "treatment", "options", "what-matters", "questions")
_UNCOUNTED = re.compile(r"\b(?:without (?:a )?numbers?|nobody counted|how common)\b", re.I)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def from_the_table(subject: Subject) -> Iterator[Finding]:
    """The sentence of each outcome has the verb of its certainty, and is on the page."""
    text = subject.document().root.text()
    for o in subject.answer.outcomes:
        if o.grade is None or o.pooled is None:
            continue
        if plain(o.statement_plain) not in text:
            yield Finding(f"{o.label}: its sentence is not shown", "show it", place="#fact-box")
        if "helps or harms" in o.statement_plain:
            yield Finding(
                f"{o.label}: the results fit with help and with harm",
                "somebody looks whether the sentence is fair",
                place="#fact-box .statements",
                state="needs a person",
            )
        if not _fits(o, subject):
            yield Finding(
                f"{o.label}: its sentences are not those of {o.effect_class or 'no'} size and "
                f"{o.grade.level} certainty",
                "take the sentence from the table of size and certainty",
                place="#fact-box .statements",
            )


def _fits(o: OutcomeAnswer, subject: Subject) -> bool:
    """Whether both sentences begin with the table's for this size, certainty and interval."""
    question, level = subject.answer.review.question, o.grade.level if o.grade else "very low"
    low, high = o.end_classes
    if o.effect_class is None or low is None or high is None:
        return "cannot be put into words" in o.statement_plain
    main = main_threshold(subject.answer.review.outcome(o.id))
    one = main is not None and main.moderate is None  # One cut point tells no sizes apart.

    def named(size: EffectClass) -> EffectClass:
        return "moderate" if one and size == "small" else size

    x, y, size = question.treatment, question.comparator_plain, named(o.effect_class)
    hoped = aim(subject.answer.review.outcome(o.id))
    told = statement_plain(size, level, x=x, o=hoped, y=y)
    ends = both_ends(named(low), named(high), level, o=hoped)
    falls = o.absolute is not None and o.absolute.difference.value < 0
    clinical = statement_clinical(size, level, x=x, o=uncapital(o.label), y=y, falls=falls)
    return o.statement_plain.startswith(
        f"{told} {ends}".strip()
    ) and o.statement_clinical.startswith(clinical)


def banned(subject: Subject) -> Iterator[Finding]:
    """Phrases that claim more than a trial can show, in what people wrote and on the page."""
    typed = overclaims(subject.answer)
    for one in typed:
        yield Finding(
            f"“{one.phrase}” in “{one.sentence[:80]}”: {one.why}",
            f"the trials support: {one.supported}",
            one.file,
            one.line,
        )
    said = {_bare(one.sentence) for one in typed}
    kept = accepted(subject.answer)
    for node in _prose(subject):
        for sentence in _SENTENCE.split(node.text(without=frozenset({"q", "svg", "table"}))):
            found = BANNED.search(sentence)
            if (
                found
                and _bare(sentence) not in said
                and found[0].casefold() not in kept
                and not _DENIED.search(sentence[: found.start()])
                and not ATTRIBUTED.search(sentence[: found.start()])
            ):
                yield Finding(
                    f"“{found[0]}” in “{sentence[:80]}”",
                    "say what was measured, with its range; the verdict has the words for the rest",
                    place=node.where(),
                )


def _bare(sentence: str) -> str:
    return re.sub(r"\W+", " ", sentence).strip().casefold()


def _prose(subject: Subject) -> Iterator[Node]:
    for section in subject.document().root.all("section"):
        if section.id in ("references", "data", "people", "comments"):
            continue
        if any(n.tag == "section" for n in section.ancestors()):
            continue
        yield from prose_nodes(section)


def hedges(subject: Subject) -> Iterator[Finding]:
    """*Probably* and *may* in what is said of the evidence come from the program."""
    told = [_bare(text) for text in subject.generated]
    for id in _TOLD:
        for node in prose_nodes(subject.part(id)):
            for sentence in _SENTENCE.split(node.text(without=frozenset({"q", "svg"}))):
                if not _HEDGED.search(sentence):
                    continue
                if not any(_bare(sentence) in text for text in told):
                    yield Finding(
                        f"“{sentence[:80]}” is not a sentence of the table",
                        "let the program say it",
                        place=node.where(),
                    )


def jargon(subject: Subject) -> Iterator[Finding]:
    """The patient layer has no words of the trade."""
    for section in subject.patient():
        tables = [t for t in section.all("table") if not t.inside("details", "figure")]
        for text in (open_text(section), *(t.text() for t in tables)):
            if found := JARGON.search(text):
                yield Finding(
                    f"“{found[0]}” for patients", "say it in plain words", place=section.where()
                )


def frequency(subject: Subject) -> Iterator[Finding]:
    """A word of frequency stands beside its number and is the right one."""
    for line in subject.answer.harms:
        found = _FREQUENCY.search(plain(line.statement))
        if found is None or _unseen(line):  # What was never seen has a check of its own.
            continue
        q = line.with_ or line.count
        band = BANDS[found[1].casefold()]
        if q is None or q.unit != "per 1000":
            yield _harm(line, f"“{found[0]}” without a number", "the number first")
        elif not band[0] <= q.value < band[1]:
            yield _harm(line, f"“{found[0]}” for {q.value:.3g} per 1000", "the word of its band")
    told = {sentence for line in subject.answer.harms for sentence in _told(line)}
    for id in _ON_HARMS:
        section = subject.section(id)
        cells = [
            c
            for c in section.all("td")
            if not c.inside("details", "figure") and not _on_severity(c)
        ]
        for node in (*prose_nodes(section), *cells):
            for sentence in _SENTENCE.split(node.text(without=frozenset({"q"}))):
                found = _FREQUENCY.search(re.sub(r"“[^”]*”", "", sentence))
                if (
                    found
                    and not re.search(r"\d", sentence)
                    and not _UNCOUNTED.search(sentence)
                    and _bare(sentence) not in told
                ):
                    yield Finding(
                        f"“{found[0]}” without a number in “{sentence[:80]}”",
                        "the number first, or no word",
                        place=node.where(),
                    )


def _told(line: HarmLine) -> Iterator[str]:
    """The sentences on a harm that checks of the data read."""
    for sentence in _SENTENCE.split(plain(line.statement)):
        yield _bare(sentence)


def _unseen(line: HarmLine) -> bool:
    """Whether nobody who had the treatment had the harm."""
    return line.state == 4 or (line.with_ is not None and line.with_.value == 0)


def _harm(line: HarmLine, what: str, remedy: str) -> Finding:
    return Finding(f"{line.plain}: {what}", remedy, place="#harms table")


def not_seen(subject: Subject) -> Iterator[Finding]:
    """A harm that was looked for and not seen has a bound, rounded up, and no word."""
    for line in subject.answer.harms:
        if not _unseen(line):
            continue
        if _FREQUENCY.search(plain(line.statement)):
            yield _harm(line, "a word of frequency for what was never seen", "the bound alone")
        if line.state != 4:  # The interval of the difference tells how many it could be.
            continue
        if line.bound is None:
            yield _harm(line, "no bound", "how many per 1000 the trials cannot rule out")
            continue
        shown = re.search(rf"⟦{re.escape(line.bound.id)}\|([\d,.]+)⟧", line.statement)
        if shown is None or float(shown[1].replace(",", "")) < line.bound.value - 1e-9:
            yield _harm(line, "its bound is not shown, or rounded down", "round it up")


def _on_severity(cell: Node) -> bool:
    label = cell.attrs.get("data-label", "").casefold()
    return "bad" in label or "sever" in label or "serious" in label


def severity(subject: Subject) -> Iterator[Finding]:
    """How often is not how bad."""
    for node in subject.section("harms").all("td"):
        if _on_severity(node) and (found := _FREQUENCY.search(node.text())):
            yield Finding(
                f"“{found[0]}” says how bad it is", "frequency and severity apart", place="#harms"
            )


def five_states(subject: Subject) -> Iterator[Finding]:
    """Harms stand under the state of evidence that they are in; silence is told."""
    section = subject.section("harms")
    text = section.text()
    headings = {row.text() for row in section.all("tr", css="group")}
    for state in sorted({line.state for line in subject.answer.harms}):
        if HARM_STATES[state] not in headings:
            yield Finding(
                f"no heading “{HARM_STATES[state]}”", "group the harms by state", place="#harms"
            )
    for line, group in _grouped(subject.answer.harms, section):
        if group is not None and group != HARM_STATES[line.state]:
            yield _harm(line, f"it stands under “{group}”", f"“{HARM_STATES[line.state]}”")
    told = subject.answer.harms
    if not told and not subject.answer.harm_sentence:
        yield Finding("nothing is said of harms", "say that no trial did", place="#harms")
    if told and not any(h.state == 5 for h in told) and ALL_ASKED not in text:
        yield Finding(
            "it is not said whether trials asked about every harm",
            "list what they did not say, or say that all was asked about",
            place="#harms",
        )


def _grouped(lines: tuple[HarmLine, ...], section: Node) -> Iterator[tuple[HarmLine, str | None]]:
    """Each harm with the heading over its row; without one where no row has its name."""
    heads: dict[str, str] = {}
    group = ""
    for row in section.all("tr"):
        head = row.first("th")
        if head is not None and head.attrs.get("scope") == "rowgroup":
            group = head.text()
        elif head is not None and row.first("td") is not None:
            heads.setdefault(_bare(head.text()), group)
    for line in lines:
        yield line, heads.get(_bare(line.plain))


def not_proof(subject: Subject) -> Iterator[Finding]:
    """What the label does not mean stands beside it."""
    v = subject.answer.verdict
    wanted = {
        "UNKNOWN": NOT_PROOF.partition(".")[0],
        "MAYNOT": "not proof that it does not work",
        "NOTWORTH": "best case that the trials still allow",
    }.get(v.code)
    if wanted and wanted not in subject.section("short-answer").text():
        yield Finding(
            f"“{v.label}” without what it does not mean", "show the caution", place="#short-answer"
        )


def voice(subject: Subject) -> Iterator[Finding]:
    """Nobody tells their own story as evidence."""
    for node in _prose(subject):
        if any(n.id in _READER for n in node.ancestors()):
            continue
        if found := _FIRST_PERSON.search(node.text(without=frozenset({"q", "svg"}))):
            yield Finding(
                f"“{found[0]}” in “{node.text()[:60]}”",
                "the third person; one’s own view goes under author-view",
                place=node.where(),
            )


def care(subject: Subject) -> Iterator[Finding]:
    """Readers are told to talk with somebody, and when to get help at once."""
    text = subject.document().get("main").text().casefold()
    if not re.search(r"talk (?:it over )?(?:to|with) (?:somebody|your|a) ", text):
        yield Finding("no advice to talk with somebody", "the foot of the page", place="footer")
    if not subject.document().root.all("div", css="red-flags"):
        yield Finding(
            "no signs that need care at once",
            "fill [[red_flags]]",
            "review.toml",
            place="red_flags",
        )


CHECKS: tuple[Check, ...] = (
    Check(
        26,
        "error",
        "page",
        "Sentences come from the table",
        "Each outcome is told in the words of the table for its size, certainty and interval, for "
        "both kinds of readers.",
        from_the_table,
    ),
    Check(
        27,
        "error",
        "page",
        "No overclaiming",
        "No “proven”, “safe”, “cure”, “works”, “no evidence of”, “not significant”, “trend” and "
        "the like, but to deny it; in what people write, by file and line, also nothing surer "
        "than the certainty allows. Quoted words and bound claims are left alone.",
        banned,
    ),
    Check(
        28,
        "error",
        "page",
        "Nobody writes “probably”",
        "Where evidence is told, may and probably come from the program.",
        hedges,
    ),
    Check(
        29,
        "error",
        "page",
        "Plain words for patients",
        "No GRADE, CI, SMD, heterogeneity, p values in their sections, tables included.",
        jargon,
    ),
    Check(
        30,
        "error",
        "page",
        "Numbers before words of frequency",
        "“Common” or “rare” of a harm only beside its number, and in the band of CIOMS.",
        frequency,
    ),
    Check(
        31,
        "error",
        "page",
        "Never seen is not “rare”",
        "A harm that nobody had has no word, and where it was looked for its upper bound, rounded "
        "up.",
        not_seen,
    ),
    Check(32, "error", "page", "How often is not how bad", "No “rare” for severity.", severity),
    Check(
        33,
        "error",
        "page",
        "Five states of harm",
        "Each harm in the table under the state of its evidence; what nobody asked about is said.",
        five_states,
    ),
    Check(
        34,
        "error",
        "page",
        "What the answer does not mean",
        "“We do not know” and “little difference” are no proof; the best case is told.",
        not_proof,
    ),
    Check(
        35,
        "warning",
        "page",
        "No testimonials",
        "No first person but in disclosures, questions and the author’s own view.",
        voice,
    ),
    Check(
        36,
        "error",
        "page",
        "Talk to somebody; when to get help",
        "The advice and the box of signs that need care are there.",
        care,
    ),
)
