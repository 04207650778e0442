"""Rules about what stands round the results: baselines, responders, gaps, protocol and search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise

from equipoise.review.markdown import is_https, is_mail, prose_lines
from equipoise.review.problems import Problem, problem, shown
from equipoise.review.reader import Draft
from equipoise.review.records import Baseline, Claim, Flow, Outcome, Responders
from equipoise.review.rules_data import NOT_POOLED
from equipoise.review.rules_question import TOML, unknown
from equipoise.review.vocabulary import CLAIMS, CRITERIA

#: What each way of counting responders needs beside its name and source.
_NEEDS: dict[str, tuple[str, ...]] = {
    "threshold": ("cut", "change", "sd"),
    "hasselblad-hedges": ("without",),
    "furukawa": ("without",),
}


def baselines(draft: Draft) -> Iterator[Problem]:
    """What happens without the treatment lies on the outcome's scale; one of them is the main."""
    for outcome in draft.outcomes:
        main = [b for b in outcome.baselines if b.main]
        if len(main) > 1:
            line = draft.at(main[1], "main")
            what = f"{shown(outcome.id)} has two main baselines"
            yield problem(TOML, line, "E-BASELINE-MAIN", what, "main = true on one of them")
        if outcome.baselines and not main:
            line = outcome.baselines[0].line
            what = f"none of the baselines of {shown(outcome.id)} is the main one"
            yield problem(TOML, line, "E-BASELINE-MAIN", what, "main = true on one of them")
        for baseline in outcome.baselines:
            yield from _baseline(draft, outcome, baseline)


def _baseline(draft: Draft, outcome: Outcome, baseline: Baseline) -> Iterator[Problem]:
    ends = [v for v in (baseline.low, baseline.value, baseline.high) if v is not None]
    scale = (0.0, 1000.0) if outcome.type == "binary" else outcome.scale
    outside = scale is not None and not scale[0] <= min(ends) <= max(ends) <= scale[1]
    if ends != sorted(ends) or outside:
        line = draft.at(baseline, "value")
        told = " to ".join(f"{v:g}" for v in ends)
        where = f" from {scale[0]:g} to {scale[1]:g}" if scale is not None else ""
        hint = f"low, value and high in this order{where}"
        unit = "; binary outcomes per 1000 people" if outcome.type == "binary" else ""
        what = f"baseline {shown(baseline.name)} is {told}"
        yield problem(TOML, line, "E-BASELINE-RANGE", what, hint + unit)


def responders(draft: Draft) -> Iterator[Problem]:
    """Responders are counted from differences in points, by a method with all that it needs."""
    for outcome in draft.outcomes:
        for way in outcome.responders:
            if outcome.type == "binary":
                what = f"{shown(outcome.id)} counts people already"
                hint = "responders belong to continuous outcomes"
                yield problem(TOML, way.line, "E-RESPONDERS", what, hint)
            else:
                yield from _responders(draft, outcome, way)


def _responders(draft: Draft, outcome: Outcome, way: Responders) -> Iterator[Problem]:
    needed = _NEEDS[way.method]
    if outcome.measure != "SMD" and "sd" not in needed:
        needed = (*needed, "sd")
    missing = [key for key in needed if getattr(way, key) is None]
    if missing:
        what = f"method {way.method} without {', '.join(missing)}"
        hint = f"it needs {', '.join(needed)}"
        yield problem(TOML, way.line, "E-RESPONDERS", what, hint)
    if way.sd is not None and way.sd <= 0:
        line = draft.at(way, "sd")
        yield problem(TOML, line, "E-RESPONDERS", f"sd is {way.sd:g}", "a number above 0")
    if way.without is not None and not 0 < way.without < 1000:
        line = draft.at(way, "without")
        what = f"without is {way.without:g}"
        yield problem(TOML, line, "E-RESPONDERS", what, "people per 1000, between 0 and 1000")


def gaps(draft: Draft) -> Iterator[Problem]:
    """What is called unreported has no usable result."""
    have = {(row.trial, row.outcome) for row in draft.published if not NOT_POOLED & set(row.flags)}
    for row in draft.unreported:
        if row.state != "partly reported" and (row.trial, row.outcome) in have:
            what = f"{row.trial} has a result of {row.outcome}, and is called {shown(row.state)}"
            hint = "partly reported, or remove one of the two"
            yield problem(row.file, row.line, "W-UNREPORTED-RESULT", what, hint)


#: What is left at each step of a search, which cannot grow.
_STEPS = ("identified", "screened", "sought", "assessed", "included")


def flow(draft: Draft) -> Iterator[Problem]:
    """No step of a search leaves more reports than it began with."""
    counts = draft.flow
    keys = [f.name for f in fields(Flow) if f.name not in ("file", "line", "note")]
    for key in keys:
        value = getattr(counts, key)
        if value is not None and value < 0:
            line = draft.at(counts, key)
            yield problem(TOML, line, "E-FLOW", f"{key} is {value}", "0 or more")
    known = [(key, getattr(counts, key)) for key in _STEPS if getattr(counts, key) is not None]
    for (before, a), (after, b) in pairwise(known):
        if b > a:
            what = f"{after} is {b}, more than {before} ({a})"
            hint = "counts of reports that do not grow from step to step"
            yield problem(TOML, draft.at(counts, after), "E-FLOW", what, hint)
    for whole, part, rest in (
        ("screened", "excluded", "sought"),
        ("sought", "not_retrieved", "assessed"),
    ):
        a, b, c = (getattr(counts, k) for k in (whole, part, rest))
        if None not in (a, b, c) and a != b + c:
            what = f"{whole} {a} is not {part} {b} and {rest} {c} together"
            hint = "the numbers of the flow diagram, which add up"
            yield problem(TOML, draft.at(counts, whole), "W-FLOW-SUM", what, hint)


def addresses(draft: Draft) -> Iterator[Problem]:
    """Addresses that a page links to are of the web; where to write may also be e-mail."""
    hint = "an address that begins with https://, or nothing"
    places = [(draft.protocol, "address"), *((c, "address") for c in draft.changes)]
    lines = [draft.at(draft.protocol, "address")]
    lines += [draft.line("changes", i, "address") for i in range(len(draft.changes))]
    for (record, key), line in zip(places, lines, strict=True):
        given = getattr(record, key)
        if given and not is_https(given.strip()):
            what = f"address {shown(given)} is none that a page can link to"
            yield problem(TOML, line, "W-ADDRESS", what, hint)
    given = draft.top.get("contact", "")
    if given and not (is_https(given.strip()) or is_mail(given.strip())):
        what = f"contact {shown(given)} is none that a page can link to"
        yield problem(
            TOML, draft.line("contact"), "W-ADDRESS", what, f"{hint}; or an e-mail address"
        )


def field_tests(draft: Draft) -> Iterator[Problem]:
    """Somebody took part in each test with readers."""
    for test in draft.field_tests:
        if test.people < 1:
            line = draft.at(test, "people")
            what = f"a test with {test.people} people"
            yield problem(TOML, line, "E-FIELD-TEST", what, "1 or more, or no test at all")


def protocol(draft: Draft) -> Iterator[Problem]:
    """A hash of a protocol is one that can be compared."""
    given = draft.protocol.sha256
    if given and (len(given) != 64 or set(given.lower()) - set("0123456789abcdef")):
        line = draft.at(draft.protocol, "sha256")
        what = f"sha256 is {shown(given)}"
        yield problem(TOML, line, "E-PROTOCOL-HASH", what, "64 digits of 0 to 9 and a to f")


_CLAIM_LINK = re.compile(r"\[([^\]]*)\]\(claim:([^)\s]*)\)")
#: Meant as one, and none: with a space, or without its closing bracket.
_NEAR_LINK = re.compile(r"\]\s*\(\s*claim\s*:[^)\n]*\)?", re.I)
#: Fewer people of 1000 than any set of trials could exclude: a share was meant.
_TOO_FEW = 0.05


def claim_words(draft_text: str) -> dict[str, tuple[str, int]]:
    """The words that each claim binds in the prose, and the line on which they begin."""
    text = "\n".join(prose_lines(draft_text))
    found: dict[str, tuple[str, int]] = {}
    for link in _CLAIM_LINK.finditer(text):
        line = text.count("\n", 0, link.start()) + 1
        found.setdefault(link[2], (" ".join(link[1].split()), line))
    return found


def claims(draft: Draft) -> Iterator[Problem]:
    """Every claim binds words of the prose to something that the folder has."""
    file = "article.md"
    if file not in draft.text:
        return
    front = any(p.file == file and p.code == "E-TOML-SYNTAX" for p in draft.problems)
    if front:  # Nothing is known of the claims, and that is said already.
        return
    known = draft.known.get("claims", [])
    written = claim_words(draft.text[file])
    for name, (_, line) in written.items():
        if name not in known:
            yield unknown(file, line, "E-CLAIM-UNKNOWN", "claim", name, known)
    yield from _links(draft.text[file])
    seen: set[str] = set()
    for claim in draft.claims:
        if claim.id in seen:
            yield problem(file, claim.line, "E-ID-TWICE", f"two claims {claim.id}", "another id")
        seen.add(claim.id)
        if not written.get(claim.id, ("", 0))[0]:
            what = f"claim {shown(claim.id)} binds no words of the prose"
            hint = f"[the words](claim:{claim.id}) in a section"
            yield problem(file, claim.line, "W-CLAIM-UNBOUND", what, hint)
        yield from _claim(draft, claim)


def _links(raw: str) -> Iterator[Problem]:
    """Links to claims that bind nothing, or the words of a claim that are bound elsewhere."""
    file = "article.md"
    text = "\n".join(prose_lines(raw))
    good = {m.end(1): m for m in _CLAIM_LINK.finditer(text)}
    for near in _NEAR_LINK.finditer(text):
        if near.start() not in good:
            line = text.count("\n", 0, near.start()) + 1
            what = f"{shown(near[0][1:])} binds no claim"
            hint = "[the words](claim:id), without spaces round the id"
            yield problem(file, line, "E-CLAIM-UNKNOWN", what, hint)
    seen: dict[str, str] = {}
    for link in good.values():
        words = " ".join(link[1].split())
        if seen.setdefault(link[2], words) != words:
            line = text.count("\n", 0, link.start()) + 1
            what = f"claim {shown(link[2])} binds other words already: “{seen[link[2]]}”"
            yield problem(file, line, "E-CLAIM-SAYS", what, "a claim of its own for each sentence")


def _of_others(draft: Draft, claim: Claim) -> Iterator[Problem]:
    """A claim that names what it compares names what the review compares."""
    q = draft.question
    if q is None or claim.review:
        return
    for key, given, own in (
        ("treatment", claim.treatment, (q.treatment, q.treatment_plain, q.component)),
        ("comparator", claim.comparator, (q.comparator_plain, q.comparator)),
    ):
        if given and given.casefold() not in {name.casefold() for name in own}:
            what = f"a claim with {key} {shown(given)}, in a review of {shown(own[0])}"
            hint = 'the name as in [question], or review = "…" for a claim about another one'
            yield problem("article.md", draft.at(claim, key), "E-CLAIM-SAYS", what, hint)


def _fields(draft: Draft, claim: Claim) -> Iterator[Problem]:
    """Fields that a claim of this kind does not have, and numbers that cannot be."""
    file, effect = "article.md", claim.about in ("overall", "alone", "added", "together")
    for key, given, fits, where in (
        ("outcome", claim.outcome, claim.about != "harm", "effects"),
        ("weeks", claim.weeks is not None, effect, "effects"),
        ("harm", claim.harm, claim.about == "harm", "harms"),
    ):
        if given and not fits:
            what = f"{key} belongs to claims about {where}, and this one is about {claim.about}"
            yield problem(file, draft.at(claim, key), "E-CLAIM-SAYS", what, f"leave {key} out")
    if claim.weeks is not None and claim.weeks <= 0:
        what = f"weeks is {claim.weeks:g}"
        yield problem(file, draft.at(claim, "weeks"), "E-CLAIM-SAYS", what, "26 for half a year")
    most = claim.at_most
    if most is not None and not 0 < most <= 1000:
        what, hint = f"at_most is {most:g} of 1000 people", "more than 0, at most 1000"
        yield problem(file, draft.at(claim, "at_most"), "E-CLAIM-SAYS", what, hint)
    elif most is not None and most < _TOO_FEW:
        what = f"at_most is {most:g} of 1000 people, which no trials could show"
        hint = f"people per 1000: {1000 * most:g}, if {most:g} is a share"
        yield problem(file, draft.at(claim, "at_most"), "E-CLAIM-SAYS", what, hint)


def _claim(draft: Draft, claim: Claim) -> Iterator[Problem]:
    file = "article.md"
    yield from _of_others(draft, claim)
    yield from _fields(draft, claim)
    if claim.says not in CLAIMS[claim.about]:
        what = f"a claim about {claim.about} cannot say {shown(claim.says)}"
        hint = f"one of {', '.join(CLAIMS[claim.about])}"
        yield problem(file, draft.at(claim, "says"), "E-CLAIM-SAYS", what, hint)
    if (claim.says == "at most") != (claim.at_most is not None):
        what = "at most and at_most belong together"
        hint = 'says = "at most" and at_most = 10, people per 1000'
        yield problem(file, claim.line, "E-CLAIM-SAYS", what, hint)
    if claim.was and not claim.quoted:
        what = "was belongs to quoted claims"
        hint = "quoted = true, or no was: the article's own claims are to be supported"
        yield problem(file, draft.at(claim, "was"), "E-CLAIM-SAYS", what, hint)
    if claim.review:
        return
    outcomes = draft.known.get("outcomes")
    if claim.outcome and outcomes is not None and claim.outcome not in outcomes:
        line = draft.at(claim, "outcome")
        yield unknown(file, line, "E-OUTCOME-UNKNOWN", "outcome", claim.outcome, outcomes)
    harms = sorted({h.harm for h in draft.harms})
    if claim.harm and "harms.csv" in draft.read and claim.harm not in harms:
        line = draft.at(claim, "harm")
        yield unknown(file, line, "E-HARM-UNKNOWN", "harm", claim.harm, harms)


def decisions(draft: Draft) -> Iterator[Problem]:
    """A judgement about the decision names a criterion and one of its ratings."""
    for j in draft.judgements:
        if j.about != "decision":
            continue
        if j.domain not in CRITERIA:
            line = draft.at(j, "domain")
            names = tuple(CRITERIA)
            yield unknown(j.file, line, "E-JUDGEMENT-DOMAIN", "criterion", j.domain, names)
        elif j.level not in CRITERIA[j.domain]:
            line = draft.at(j, "level")
            what = f"level {shown(j.level)} is none of {shown(j.domain)}"
            hint = f"one of {', '.join(CRITERIA[j.domain])}"
            yield problem(j.file, line, "E-JUDGEMENT-LEVEL", what, hint)
