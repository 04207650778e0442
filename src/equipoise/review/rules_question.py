"""Rules about the question, its outcomes, options and people, and about the prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise

from equipoise.core.errors import nearest
from equipoise.review.markdown import SECTIONS, VIEW, VIEW_WORDS, prose_lines
from equipoise.review.problems import Problem, problem, shown
from equipoise.review.reader import Draft
from equipoise.review.records import (
    Disclosure,
    Judgement,
    Located,
    Outcome,
    Person,
    Threshold,
)

TOML = "review.toml"
#: Domains of certainty that a person may lower.
DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SOME_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def unknown(file: str, line: int, code: str, kind: str, name: str, known: Iterable[str]) -> Problem:
    """Report a name that is not in a list, with the nearest that is."""
    names = list(dict.fromkeys(known))
    near = nearest(name, names)
    hint = (f"{near!r}; " if near else "") + f"known: {', '.join(names) or 'none'}"
    return problem(file, line, code, f"unknown {kind} {shown(name)}", hint)


def ids(kind: str, records: Iterable[Located], name: str = "id") -> Iterator[Problem]:
    """Report ids that no list or address can hold."""
    for record in records:
        value = str(getattr(record, name))
        if not _ID.fullmatch(value):
            hint = "letters, digits, _ . and -, beginning with a letter or digit"
            yield problem(record.file, record.line, "E-ID-FORM", f"{kind} id {shown(value)}", hint)


def slug(draft: Draft) -> Iterator[Problem]:
    """The slug is part of an address and the folder's name."""
    name = draft.top.get("slug")
    if name is None:
        return
    line = draft.line("slug")
    if not _SLUG.fullmatch(name):
        hint = "small letters a to z, digits and single hyphens"
        yield problem(TOML, line, "E-SLUG-FORM", f"slug {shown(name)} cannot be an address", hint)
    elif draft.folder and name != draft.folder:
        what = f"slug {shown(name)} is not the folder's name {shown(draft.folder)}"
        yield problem(TOML, line, "W-SLUG-NAME", what, "the same name for both")


def ids_of_tables(draft: Draft) -> Iterator[Problem]:
    """Ids are well formed and stand once."""
    for kind, records in (
        ("option", draft.options),
        ("component", draft.components),
        ("outcome", draft.outcomes),
        ("person", draft.people),
    ):
        yield from ids(kind, records)
        seen: dict[str, int] = {}
        for record in records:
            name = record.id
            line = draft.at(record, "id")
            if name in seen:
                what = f"{kind} {shown(name)} stands already in line {seen[name]}"
                yield problem(TOML, line, "E-ID-TWICE", what, "another id")
            seen.setdefault(name, line)


def question(draft: Draft) -> Iterator[Problem]:
    """The question asks, and names the treatment and the condition."""
    asked = draft.question
    if asked is None:
        return
    line = draft.at(asked, "text")
    if not asked.text.rstrip().endswith("?"):
        what = "the question does not end in a question mark"
        yield problem(TOML, line, "E-QUESTION-MARK", what, f"{asked.text.rstrip(' .!')}?")
    for what, name in (("treatment", asked.treatment), ("condition", asked.condition)):
        if name.casefold() not in asked.text.casefold():
            said = f"the question does not name the {what} {shown(name)}"
            yield problem(TOML, line, "E-QUESTION-NAMES", said, f"the words of {what} in the text")


def question_component(draft: Draft) -> Iterator[Problem]:
    """The treatment is a model component, so that arms can have it."""
    if draft.question is None or len(draft.components) < len(draft.known.get("components", [])):
        return
    model = [name for c in draft.components for name in c.counts_as]
    if draft.question.component not in model:
        line = draft.at(draft.question, "component")
        yield unknown(
            TOML, line, "E-COMPONENT-UNKNOWN", "model component", draft.question.component, model
        )


def options(draft: Draft) -> Iterator[Problem]:
    """There are at least two choices, and one is to change nothing."""
    written = draft.known.get("options")
    if written is None or len(written) > len(draft.options):
        return
    if len(draft.options) < 2:
        line = draft.options[0].line if draft.options else 1
        what = "fewer than two options"
        yield problem(TOML, line, "E-OPTIONS-FEW", what, "the treatment and doing without it")
    if draft.options and not any(o.kind == "no-change" for o in draft.options):
        what = "no option is to change nothing"
        hint = 'an option with kind = "no-change"'
        yield problem(TOML, draft.options[0].line, "E-OPTIONS-NO-CHANGE", what, hint)
    for option in draft.options:
        for name in option.components:
            model = [
                *draft.known.get("components", []),
                *(n for c in draft.components for n in c.counts_as),
            ]
            if name not in model:
                line = draft.at(option, "components")
                yield unknown(TOML, line, "E-COMPONENT-UNKNOWN", "component", name, model)


def counts_as(draft: Draft) -> Iterator[Problem]:
    """A model component has a label and a role of its own."""
    known = draft.known.get("components", [])
    for component in draft.components:
        for name in component.counts_as:
            if name not in known:
                line = draft.at(component, "counts_as")
                yield unknown(TOML, line, "E-COUNTS-AS-UNKNOWN", "model component", name, known)


def outcomes(draft: Draft) -> Iterator[Problem]:
    """Measure, window and scale of each outcome fit together."""
    fitting = {"continuous": ("MD", "SMD"), "binary": ("RR", "OR", "RD")}
    for outcome in draft.outcomes:
        if outcome.measure not in fitting[outcome.type]:
            line = draft.at(outcome, "measure")
            what = f"measure {outcome.measure} is not for {outcome.type} outcomes"
            hint = f"one of {', '.join(fitting[outcome.type])}"
            yield problem(TOML, line, "E-OUTCOME-MEASURE", what, hint)
        low, high, best = outcome.weeks
        if not 0 <= low <= best <= high:
            line = draft.at(outcome, "weeks")
            what = f"weeks {low:g}, {high:g}, {best:g} are out of order"
            hint = "from, to, and the preferred week between them"
            yield problem(TOML, line, "E-WEEKS-ORDER", what, hint)
        if outcome.scale is not None:
            line = draft.at(outcome, "scale")
            if outcome.type == "binary":
                what = "a binary outcome has no scale"
                yield problem(TOML, line, "E-OUTCOME-SCALE", what, "remove it")
            elif not outcome.scale[0] < outcome.scale[1]:
                what = f"scale {outcome.scale[0]:g} to {outcome.scale[1]:g} is reversed"
                hint = "the lowest value first; better = … says which end is good"
                yield problem(TOML, line, "E-SCALE-ORDER", what, hint)


def decides(draft: Draft) -> Iterator[Problem]:
    """The verdict rests on one outcome, which has cut points between groups."""
    if len(draft.outcomes) < len(draft.known.get("outcomes", [])) or not draft.outcomes:
        return
    deciding = [o for o in draft.outcomes if o.decides]
    if not deciding:
        what = "no outcome decides"
        hint = "decides = true on the outcome that the verdict rests on"
        yield problem(TOML, draft.outcomes[0].line, "E-DECIDES-NONE", what, hint)
    for outcome in deciding[1:]:
        line = draft.at(outcome, "decides")
        what = f"{shown(outcome.id)} decides, and so does {shown(deciding[0].id)}"
        yield problem(TOML, line, "E-DECIDES-TWICE", what, "one deciding outcome")
    for outcome in deciding[:1]:
        if not any(t.main for t in outcome.thresholds) and _all_thresholds(draft, outcome):
            what = f"{shown(outcome.id)} decides and has no main threshold"
            hint = 'a threshold with kind = "between-group" and main = true'
            yield problem(TOML, outcome.line, "E-THRESHOLD-MAIN", what, hint)


def _all_thresholds(draft: Draft, outcome: Outcome) -> bool:
    """Whether every threshold of the outcome could be read."""
    lines = draft.lines[TOML]
    paths = [path for path, line in lines.items() if line == outcome.line and len(path) == 2]
    written = [p for p in lines if len(p) == 4 and p[:2] in paths and p[2] == "thresholds"]
    return len({p[3] for p in written}) == len(outcome.thresholds)


def thresholds(draft: Draft) -> Iterator[Problem]:
    """Cut points rise, one set is the main one, and it is about differences between groups."""
    for outcome in draft.outcomes:
        for threshold in outcome.thresholds:
            yield from _cut_points(draft, outcome, threshold)
        main = [t for t in outcome.thresholds if t.main]
        for threshold in main[1:]:
            what = f"{shown(outcome.id)} has two main thresholds"
            line = draft.at(threshold, "main")
            yield problem(TOML, line, "E-THRESHOLD-TWICE", what, "main = true on one of them")
        for threshold in main:
            if threshold.kind != "between-group":
                line = draft.at(threshold, "kind")
                what = "a within-person threshold cannot judge a difference between groups"
                hint = 'a main threshold of kind = "between-group"'
                yield problem(TOML, line, "E-THRESHOLD-KIND", what, hint)


def _cut_points(draft: Draft, outcome: Outcome, threshold: Threshold) -> Iterator[Problem]:
    cuts = [c for c in (threshold.small, threshold.moderate, threshold.large) if c is not None]
    if cuts[0] <= 0 or any(a >= b for a, b in pairwise(cuts)):
        line = draft.at(threshold, "small")
        what = f"cut points {', '.join(f'{c:g}' for c in cuts)} do not rise from above 0"
        hint = "small below moderate below large, without a sign"
        yield problem(TOML, line, "E-THRESHOLD-ORDER", what, hint)
    width = outcome.scale[1] - outcome.scale[0] if outcome.scale is not None else None
    limit = 1000 if outcome.type == "binary" else width
    if limit is not None and 0 < limit < cuts[-1] and outcome.measure != "SMD":
        line = draft.at(threshold, "small")
        what = f"a cut point of {cuts[-1]:g} is more than the outcome can differ by ({limit:g})"
        hint = "points of the outcome's scale, or risk differences per 1000 people"
        yield problem(TOML, line, "W-THRESHOLD-SCALE", what, hint)


def plan(draft: Draft) -> Iterator[Problem]:
    """The confidence level is one that anybody uses."""
    if draft.plan is not None and not 0.5 <= draft.plan.level < 1:
        line = draft.at(draft.plan, "level")
        what = f"level {draft.plan.level:g} is not between 0.5 and 1"
        yield problem(TOML, line, "E-PLAN-LEVEL", what, "0.95")


def people(draft: Draft) -> Iterator[Problem]:
    """Everybody says what interests they have, and nobody with one is called independent."""
    written = draft.known.get("people", [])
    if len(draft.people) == len(written) and draft.people:
        if not any("author" in p.roles for p in draft.people):
            what = "nobody has the role of author"
            line = draft.people[0].line
            yield problem(TOML, line, "W-PEOPLE-AUTHOR", what, 'roles = ["author"] on one person')
        if not any(p.independent for p in draft.people):
            what = "nobody independent has checked the review"
            hint = "a person with independent = true; the page says so meanwhile"
            yield problem(TOML, draft.people[0].line, "N-PEOPLE-INDEPENDENT", what, hint)
    for person in draft.people:
        kinds = [d.type for d in person.disclosures]
        if not kinds and _no_disclosures(draft, person):
            what = f"{person.name} has no disclosures"
            hint = 'disclosures = [{ type = "none", asked_on = "…" }] once asked'
            yield problem(TOML, person.line, "E-PERSON-DISCLOSURE", what, hint)
        line = draft.at(person, "disclosures")
        if {"author", "reviewer"} <= set(person.roles):
            what = f"{person.name} reviews what {person.name} wrote"
            row = draft.at(person, "roles")
            yield problem(TOML, row, "W-PEOPLE-REVIEWER", what, "another person as reviewer")
        yield from _told_in_full(person, line)
        if "none" in kinds and len(kinds) > 1:
            what = f"{person.name} declares an interest and also that there is none"
            yield problem(TOML, line, "W-DISCLOSURE-NONE", what, "remove one of them")
        if person.independent and interested(person):
            what = f"{person.name} is called independent and has an interest"
            yield problem(TOML, line, "W-INDEPENDENT", what, "independent = false")
        if person.orcid and not _orcid(person.orcid):
            what = f"ORCID {shown(person.orcid)} is not valid"
            hint = "four groups of four; the last character is a check digit"
            yield problem(TOML, draft.at(person, "orcid"), "W-ORCID", what, hint)


def untold(disclosure: Disclosure) -> tuple[str, ...]:
    """The fields of an interest that are not filled; what has no time limit needs no period."""
    if disclosure.type == "none":
        return ()
    needed = ["direction", "relevance"]
    if disclosure.type == "financial":
        needed.append("amount_band")
    if disclosure.type in ("financial", "professional", "institutional"):
        needed.append("period")
    return tuple(key for key in needed if not str(getattr(disclosure, key)).strip())


def _told_in_full(person: Person, line: int) -> Iterator[Problem]:
    for disclosure in person.disclosures:
        if missing := untold(disclosure):
            what = f"{person.name}: {disclosure.type} interest without {', '.join(missing)}"
            yield problem(TOML, line, "W-DISCLOSURE-FIELDS", what, "fill them; readers ask")
        if not disclosure.signed:
            what = f"{person.name} has not signed a disclosure"
            hint = 'signed = "…" with the day; the page says so meanwhile'
            yield problem(TOML, line, "N-DISCLOSURE-SIGNED", what, hint)


def _no_disclosures(draft: Draft, person: Person) -> bool:
    """Whether none was written (one that could not be read has been reported)."""
    lines = draft.lines[TOML]
    paths = [path for path, line in lines.items() if line == person.line and len(path) == 2]
    return not any(p[:2] in paths and p[2] == "disclosures" for p in lines if len(p) == 4)


def interested(person: Person) -> bool:
    """Whether a person has an interest in the answer."""
    return any(d.type != "none" for d in person.disclosures)


def _orcid(text: str) -> bool:
    """ISO 7064 mod 11-2, as ORCID describes it."""
    bare = text.removeprefix("https://orcid.org/")
    if not re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", bare):
        return False
    total = 0
    for digit in bare.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return bare[-1] == ("X" if check == 10 else str(check))


def _dates(draft: Draft) -> Iterator[tuple[str, int, str, str, bool]]:
    """Every date of the TOML files: file, line, key, value, whether it lies in the past."""
    for key, past in (("updated", True), ("next_review", False)):
        if key in draft.top:
            yield TOML, draft.line(key), key, draft.top[key], past
    for i, change in enumerate(draft.changes):
        yield TOML, draft.line("changes", i, "on"), "on", change.on, True
    for person in draft.people:
        for disclosure in person.disclosures:
            line = draft.at(person, "disclosures")
            if disclosure.asked_on:
                yield TOML, line, "asked_on", disclosure.asked_on, True
            if disclosure.signed:
                yield TOML, line, "signed", disclosure.signed, True
    for test in draft.field_tests:
        yield TOML, draft.at(test, "on"), "on", test.on, True
    for judgement in draft.judgements:
        yield judgement.file, draft.at(judgement, "on"), "on", judgement.on, True
    if draft.protocol.on:
        yield TOML, draft.at(draft.protocol, "on"), "on", draft.protocol.on, True
    if draft.search is not None and draft.search.retractions:
        line = draft.at(draft.search, "retractions")
        yield TOML, line, "retractions", draft.search.retractions, True


def parse_day(text: str) -> date | None:
    """Read YYYY-MM-DD, or YYYY-MM and YYYY as their first day."""
    if not _SOME_DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text + "-01-01"[: 10 - len(text)] if len(text) < 10 else text)
    except ValueError:
        return None


def dates(draft: Draft) -> Iterator[Problem]:
    """Dates are dates."""
    hint = 'year-month-day in quotes, such as "2026-11-22"'
    for file, line, key, value, _ in _dates(draft):
        if len(value) != 10 or parse_day(value) is None:
            yield problem(file, line, "E-DATE", f"{key} is {shown(value)}, which is no date", hint)
    if draft.search is not None and draft.search.last and parse_day(draft.search.last) is None:
        line = draft.at(draft.search, "last")
        what = f"last is {shown(draft.search.last)}, which is no date"
        yield problem(TOML, line, "E-DATE", what, 'a year, year-month or day; "" if none is known')


def dates_today(draft: Draft, on: date) -> Iterator[Problem]:
    """Nothing was done in the future, and the next review is due there."""
    for file, line, key, value, past in _dates(draft):
        day = parse_day(value)
        if day is None:
            continue
        if past and day > on:
            what = f"{key} {value} lies in the future"
            yield problem(file, line, "W-DATE-FUTURE", what, f"a day up to {on}")
        elif not past and day < on:
            what = f"the next review was due on {value}"
            yield problem(file, line, "W-REVIEW-DUE", what, "search again, then set a new date")


def search_age(draft: Draft, on: date) -> Iterator[Problem]:
    """The reader learns how old the last systematic search is."""
    search = draft.search
    if search is None:
        return
    line = draft.at(search, "last")
    day = parse_day(search.last)
    if not search.last:
        what = "no systematic search is known"
        yield problem(TOML, line, "N-SEARCH-NONE", what, "the date of the last search")
    elif day is not None and day > on:
        what = f"the last search ({search.last}) lies in the future"
        yield problem(TOML, line, "W-DATE-FUTURE", what, f"a day up to {on}")
    elif day is not None and (on.year - 3, on.month, on.day) > (day.year, day.month, day.day):
        what = f"the last search ({search.last}) is more than three years old"
        yield problem(TOML, line, "N-SEARCH-OLD", what, "search again; the page says so meanwhile")


def changes(draft: Draft) -> Iterator[Problem]:
    """The history reaches the present version."""
    version = draft.top.get("version")
    if version and draft.changes and version not in {c.version for c in draft.changes}:
        what = f"version {shown(version)} has no entry in [[changes]]"
        yield problem(TOML, draft.line("version"), "W-CHANGES", what, "say what changed")


def judgements(draft: Draft) -> Iterator[Problem]:
    """Judgements are signed by known people, about known outcomes, and never raise."""
    persons = draft.known.get("people")
    for j in draft.judgements:
        if persons is not None and j.by not in persons:
            line = draft.at(j, "by")
            yield unknown(j.file, line, "E-PERSON-UNKNOWN", "person", j.by, persons)
        known = draft.known.get("outcomes")
        if known is not None and j.outcome and j.outcome not in known:
            line = draft.at(j, "outcome")
            yield unknown(j.file, line, "E-OUTCOME-UNKNOWN", "outcome", j.outcome, known)
        if j.about == "certainty" and j.domain not in DOMAINS:
            line = draft.at(j, "domain")
            yield unknown(j.file, line, "E-JUDGEMENT-DOMAIN", "domain", j.domain, DOMAINS)
        yield from _level(draft, j)


def _level(draft: Draft, j: Judgement) -> Iterator[Problem]:
    line = draft.at(j, "level")
    rating = j.about in ("certainty", "indirectness", "publication-bias")
    if rating and re.fullmatch(r"\+?0*[1-9]\d*", j.level.strip()):
        what = f"level {shown(j.level)} would raise the certainty"
        yield problem(j.file, line, "E-JUDGEMENT-RAISES", what, "0, -1 or -2; nobody can raise it")
        return
    allowed = {
        "certainty": ("0", "-1", "-2"),
        "burden": ("low", "notable"),
        "harm": ("mild", "needs-care", "serious", "unclear"),
    }.get(j.about)
    if allowed is not None and j.level not in allowed:
        what = f"level {shown(j.level)} is none for a judgement about {j.about}"
        yield problem(j.file, line, "E-JUDGEMENT-LEVEL", what, f"one of {', '.join(allowed)}")


def signatures(draft: Draft) -> Iterator[Problem]:
    """Nobody with an interest signs a rating."""
    biased = {p.id: p.name for p in draft.people if interested(p)}
    hint = "somebody without an interest signs; their word counts"
    for j in draft.judgements:
        if j.by in biased and j.about != "dissent":
            what = f"{biased[j.by]} has an interest and signs about {j.about}"
            yield problem(j.file, draft.at(j, "by"), "W-SIGNED-INTEREST", what, hint)
    for row in draft.appraised:
        if row.judge in biased:
            what = f"{biased[row.judge]} has an interest and signs a risk of bias"
            yield problem(row.file, row.line, "W-SIGNED-INTEREST", what, hint)


_LINK = re.compile(r"\]\([^)\s]*\)|<https?://[^>\s]*>")


def article(draft: Draft) -> Iterator[Problem]:
    """The prose has its sections and no numbers, which come from the data."""
    file = "article.md"
    if file not in draft.text:
        return
    written = {section.id for section in draft.article}
    for name in SECTIONS[:3]:
        if name not in written and file in draft.read:
            what = f"there is no section {name!r}"
            hint = f"## … {{#{name}}} and a few plain sentences"
            yield problem(file, 1, "W-SECTION-MISSING", what, hint)
    rows = prose_lines(draft.text[file])
    for section in draft.article:
        if section.id == VIEW and (words := len(section.text.split())) > VIEW_WORDS:
            what = f"the author's view has {words} words"
            hint = f"at most {VIEW_WORDS}; it is an opinion beside the evidence"
            yield problem(file, section.line, "E-VIEW-LONG", what, hint)
        if not section.text:
            what = f"section {section.id!r} is empty"
            yield problem(file, section.line, "W-SECTION-MISSING", what, "a few plain sentences")
        for number in range(section.line, len(rows)):
            row = rows[number]
            if row.startswith("## "):
                break
            found = re.search(r"\d+", _LINK.sub("", row))
            if found:
                what = f"section {section.id!r} has the number {found[0]}"
                hint = "words; numbers come from the data"
                yield problem(file, number + 1, "E-SECTION-DIGITS", what, hint)
