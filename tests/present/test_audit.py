"""The eighty checks: a good page passes, and one thing broken in it trips exactly its check."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer, ResponderLine
from equipoise.answer.assess import assess
from equipoise.answer.wording import LABELS
from equipoise.certainty.grade import Cap
from equipoise.core.errors import FolderError
from equipoise.core.provenance import Quantity
from equipoise.present.audit.findings import Subject, result_of
from equipoise.present.audit.markup import contrast
from equipoise.present.audit.numbers import _shows
from equipoise.present.audit.registry import CHECKS, Audit, problems_of
from equipoise.present.pages import Place, answer_files, stylesheet
from equipoise.review.folder import open_review
from equipoise.review.records import ArticleSection, Disclosure, Judgement, RobFinding
from equipoise.site.build import build

ROOT = Path(__file__).parents[2]
ON = date(2026, 11, 22)
CSS = stylesheet()[1].decode()
MAIN = "index.html"
Broken = tuple[Answer, dict[str, bytes], str]
Break = Callable[[Answer, dict[str, bytes]], Broken]


@cache
def good(name: str) -> tuple[Answer, dict[str, bytes]]:
    """A fixture with everything looked up, and its files."""
    review = FIXTURES[name]()
    review = replace(
        review,
        search=replace(review.search, retractions="2026-11-20"),
        protocol=review.protocol
        if review.protocol.on
        else replace(review.protocol, on="2026-01-10", registered="a register"),
    )
    answer = assess(review, on=ON)
    files, _ = answer_files(answer, Place("s.css"))
    return answer, {**files, "s.css": b""}


def tripped(answer: Answer, files: dict[str, bytes], css: str = CSS) -> set[int]:
    """The checks that a page does not meet; what is only not done does not count."""
    subject = Subject(answer, files, css)
    return {c.number for c in CHECKS if result_of(c, subject).state == "not met"}


def test_there_are_eighty_in_their_order() -> None:
    assert [c.number for c in CHECKS] == list(range(1, 81))
    assert len({c.name for c in CHECKS}) == 80
    for check in CHECKS:
        assert (check.run is None) == bool(check.runs), check.code


def test_what_runs_elsewhere_is_there() -> None:
    for check in CHECKS:
        for test in check.runs:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), test


def test_the_list_in_the_documentation_is_current() -> None:
    told = (ROOT / "docs/self-audit.md").read_text(encoding="utf-8")
    for check in CHECKS:
        row = f"| {check.number} | {check.kind} | {check.severity} | {check.name} | {check.rule}"
        assert row in told, check.code


@pytest.mark.parametrize("name", FIXTURES)
def test_each_kind_of_answer_passes(name: str) -> None:
    answer, files = good(name)
    # A page of a question without trials has little to say of harms; that is a warning.
    assert tripped(answer, files) <= ({4} if name == "notrials" else set())


def test_every_answer_and_stop_has_a_fixture() -> None:
    answers = [good(name)[0] for name in FIXTURES]
    assert {a.verdict.code for a in answers} == set(LABELS)
    assert any(a.verdict.stale for a in answers)
    assert any(a.verdict.retracted for a in answers)
    assert {h.state for a in answers for h in a.harms} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("slug", ["prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis"])
def test_the_shipped_reviews_pass(slug: str) -> None:
    answer = assess(open_review(slug), on=ON)
    files, found = answer_files(answer, Place("s.css"))
    assert not found.faults()
    assert found.reading.grade <= 8
    assert found.reading.smog <= 10
    assert b"Needs a person" in files["qa.html"]


# --- one thing broken, in the page ---------------------------------------------------------------


def page(old: str, new: str, file: str = MAIN, *, at: str = "worth", count: int = 1) -> Break:
    """Replace a text of a page; it has to be there."""

    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        html = files[file].decode()
        assert old in html, f"{old!r} is not in {file}"
        return answer, {**files, file: html.replace(old, new, count).encode()}, CSS

    broken.at = at  # type: ignore[attr-defined]
    return broken


def matching(pattern: str, new: str, file: str = MAIN, *, at: str = "worth") -> Break:
    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        html, n = re.subn(pattern, new, files[file].decode(), count=1, flags=re.S)
        assert n == 1, f"{pattern!r} is not in {file}"
        return answer, {**files, file: html.encode()}, CSS

    broken.at = at  # type: ignore[attr-defined]
    return broken


def both(one: Break, other: Break) -> Break:
    """Two replacements that are one fault."""

    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        return other(*one(answer, files)[:2])

    broken.at = getattr(one, "at", "worth")  # type: ignore[attr-defined]
    return broken


def in_prose(text: str, *, at: str = "worth") -> Break:
    """A sentence more in what the article says of the treatment."""
    return page("A drop of it is given.", f"A drop of it is given. {text}", at=at)


def style(old: str, new: str) -> Break:
    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        assert old in CSS
        return answer, files, CSS.replace(old, new)

    return broken


# --- one thing broken, in the data ---------------------------------------------------------------


def data(change: Callable[[Answer], Answer], *, at: str = "worth") -> Break:
    """Change the answer, and make its page from it again."""

    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        changed = change(answer)
        made, _ = answer_files(changed, Place("s.css"))
        return changed, {**made, "s.css": b""}, CSS

    broken.at = at  # type: ignore[attr-defined]
    return broken


def review(at: str = "worth", **kw: Any) -> Break:
    return data(lambda a: replace(a, review=replace(a.review, **kw)), at=at)


def first(field: str, **kw: Any) -> Break:
    """Change the first of the review's trials, people, options…"""

    def change(a: Answer) -> Answer:
        one, *rest = getattr(a.review, field)
        return replace(a, review=replace(a.review, **{field: (replace(one, **kw), *rest)}))

    return data(change)


def outcome(at: str = "worth", **kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        (pain,) = a.outcomes
        return replace(a, outcomes=(replace(pain, **kw),))

    return data(change, at=at)


def absolute(**kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        (pain,) = a.outcomes
        assert pain.absolute is not None
        made = {name: fix(pain.absolute) if callable(fix) else fix for name, fix in kw.items()}
        own = {q.id: q for q in made.values() if isinstance(q, Quantity)}
        return replace(
            a,
            outcomes=(replace(pain, absolute=replace(pain.absolute, **made)),),
            quantities={**a.quantities, **own},
        )

    return data(change)


def harm(state: int, **kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        lines = tuple(replace(h, **kw) if h.state == state else h for h in a.harms)
        assert lines != a.harms
        return replace(a, harms=lines)

    return data(change, at="harms")


def verdict(at: str = "worth", **kw: Any) -> Break:
    return data(lambda a: replace(a, verdict=replace(a.verdict, **kw)), at=at)


def quantity(end: str, **kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        made = {i: replace(q, **kw) if i.endswith(end) else q for i, q in a.quantities.items()}
        assert made != a.quantities
        return replace(a, quantities=made)

    return data(change)


def threshold(**kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        (pain,) = a.review.outcomes
        one, *rest = pain.thresholds
        made = replace(pain, thresholds=(replace(one, **kw), *rest))
        return replace(a, review=replace(a.review, outcomes=(made,)))

    return data(change)


def grade(**kw: Any) -> Break:
    def change(a: Answer) -> Answer:
        (pain,) = a.outcomes
        assert pain.grade is not None
        return replace(a, outcomes=(replace(pain, grade=replace(pain.grade, **kw)),))

    return data(change)


def judged(**kw: Any) -> Break:
    word: dict[str, Any] = {
        "about": "certainty",
        "outcome": "pain",
        "domain": "indirectness",
        "level": "-1",
        "by": "checker",
        "on": "2026-10-01",
        "why": "Other people.",
    }
    added = Judgement(**{**word, **kw})
    return data(
        lambda a: replace(a, review=replace(a.review, judgements=(*a.review.judgements, added)))
    )


def interest_of(kind: Any, direction: Any, relevance: str) -> Disclosure:
    """An interest of which everything is told."""
    return Disclosure(
        type=kind,
        direction=direction,
        relevance=relevance,
        period="2024 to now",
        asked_on="2026-01-01",
        signed="2026-01-01",
    )


def interest(**kw: Any) -> Break:
    """The first person has an interest of which something is not told."""
    whole = replace(interest_of("financial", "unclear", "sells it"), amount_band="not told")
    told = replace(whole, **kw)
    return first("people", disclosures=(told,))


def tied(a: Answer) -> Answer:
    """Somebody who favours the treatment judges a trial."""
    who = a.review.people[0]
    interest = interest_of("intellectual", "favours", "teaches it")
    rated = RobFinding(trial="t1", tool="RoB 2", overall="low", judge=who.id, source="x")
    made = replace(
        a.review,
        people=(replace(who, disclosures=(interest,)), *a.review.people[1:]),
        risk_of_bias=(rated,),
    )
    return replace(a, review=made)


def responder(**kw: Any) -> Break:
    """People who are noticeably better, estimated from points."""

    def change(a: Answer) -> Answer:
        (pain,) = a.outcomes
        made: dict[str, Any] = {
            "name": "a change that one person notices",
            "method": "Furukawa",
            "source": "a paper",
            "without": Quantity("r.without", 300, "per 1000", "x", "y"),
            "with_": Quantity("r.with", 400, "per 1000", "x", "y"),
            "difference": Quantity("r.difference", 100, "per 1000", "x", "y"),
            "words": "Estimated: 100 more of every 1000 people.",
        }
        line = ResponderLine(**{**made, **kw})
        found = {q.id: q for q in (line.without, line.with_, line.difference)}
        return replace(
            a,
            outcomes=(replace(pain, responders=(line,)),),
            quantities={**a.quantities, **found},
        )

    return data(change)


def needing_a_number(a: Answer) -> Answer:
    """A number needed to treat whose interval is not that of its difference."""
    (pain,) = a.outcomes
    return replace(a, outcomes=(replace(pain, number_needed="7 (5 to infinity to 9)"),))


def other_file(name: str, old: str, new: str) -> Break:
    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        text = files[name].decode()
        assert old in text, f"{old!r} is not in {name}"
        return answer, {**files, name: text.replace(old, new).encode()}, CSS

    return broken


def other_fhir(answer: Answer, files: dict[str, bytes]) -> Broken:
    effect = next(o.effect for o in answer.outcomes if o.effect is not None)
    return other_file("data/fhir.json", json.dumps(effect.value), "9.25")(answer, files)


def heavy(answer: Answer, files: dict[str, bytes]) -> Broken:
    return answer, {**files, MAIN: files[MAIN] + b" " * 400_000}, CSS


def not_isolating(a: Answer) -> Answer:
    """The control group of a trial got the treatment's part as well."""
    arms = tuple(
        replace(x, components=("active",)) if x.trial == "t1" else x for x in a.review.arms
    )
    return replace(a, review=replace(a.review, arms=arms))


def first_of(part: str, **kw: Any) -> Break:
    """Change a part of the review that there is only one of, in the data alone."""
    return unread(**{part: lambda old: replace(old, **kw)})


def unread(at: str = "worth", **kw: Any) -> Break:
    """Change the review, on a page that was made before."""

    def broken(answer: Answer, files: dict[str, bytes]) -> Broken:
        made = {
            k: new(getattr(answer.review, k)) if callable(new) else new for k, new in kw.items()
        }
        return replace(answer, review=replace(answer.review, **made)), files, CSS

    broken.at = at  # type: ignore[attr-defined]
    return broken


def without_section(id: str) -> Break:
    """An article that lacks a section."""
    return data(
        lambda a: replace(
            a,
            review=replace(a.review, article=tuple(s for s in a.review.article if s.id != id)),
        )
    )


def with_prose(a: Answer, id: str, text: str) -> Answer:
    """Another text under a heading of the article, in its file as well."""
    old = next(s.text for s in a.review.article if s.id == id)
    article = tuple(replace(s, text=text) if s.id == id else s for s in a.review.article)
    files = {**a.review.text, "article.md": a.review.text["article.md"].replace(old, text)}
    return replace(a, review=replace(a.review, article=article, text=files))


def few_words(old: tuple[ArticleSection, ...]) -> tuple[ArticleSection, ...]:
    return tuple(replace(s, text="It hurts.") if s.id == "condition" else s for s in old)


def at_length(old: tuple[ArticleSection, ...]) -> tuple[ArticleSection, ...]:
    return tuple(
        replace(s, text=f"{s.text} {'So it is. ' * 41}") if s.id == "author-view" else s
        for s in old
    )


def nameless(answer: Answer, files: dict[str, bytes]) -> Broken:
    """Cut points without the instrument that they belong to."""
    (pain,) = answer.review.outcomes
    bare = replace(
        pain,
        instrument="",
        thresholds=tuple(replace(t, instrument="") for t in pain.thresholds),
    )
    return replace(answer, review=replace(answer.review, outcomes=(bare,))), files, CSS


def narrow_lines(a: Answer) -> Answer:
    """Lines so close that the interval crosses both."""
    (pain,) = a.review.outcomes
    lines = tuple(replace(t, small=0.5) for t in pain.thresholds)
    return replace(a, review=replace(a.review, outcomes=(replace(pain, thresholds=lines),)))


def other_way(a: Answer) -> Answer:
    """A difference that is called higher where it is lower."""
    (pain,) = a.outcomes
    told = pain.statement_plain.replace(" points lower", " points higher", 1)
    assert told != pain.statement_plain
    return replace(a, outcomes=(replace(pain, statement_plain=told),))


def harm_other_way(a: Answer) -> Answer:
    """A harm that more people had and that is called fewer."""
    lines = tuple(
        replace(h, statement=h.statement.replace("⟧ more", "⟧ fewer", 1)) for h in a.harms
    )
    assert lines != a.harms
    return replace(a, harms=lines)


def other_burden(old: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    return tuple(replace(j, level="notable") if j.about == "burden" else j for j in old)


def raised(a: Answer) -> Answer:
    """Certainty that stands although a reason took a level off."""
    (pain,) = a.outcomes
    assert pain.grade is not None
    one, *rest = pain.grade.reasons
    lower = replace(one, suggested=-1, plain="a reason")
    graded = replace(pain.grade, reasons=(lower, *rest))
    return replace(a, outcomes=(replace(pain, grade=graded),))


def tied_judge(a: Answer) -> Answer:
    """Somebody who is against the treatment rates its certainty."""
    who = a.review.people[0]
    interest = interest_of("professional", "against", "sells another one")
    word = Judgement(
        about="certainty",
        outcome="pain",
        domain="indirectness",
        level="-1",
        by=who.id,
        on="2026-10-01",
        why="Other people.",
    )
    people = (replace(who, disclosures=(interest,)), *a.review.people[1:])
    judgements = (*a.review.judgements, word)
    return replace(a, review=replace(a.review, people=people, judgements=judgements))


def heavy_drawing() -> str:
    return (
        '<svg role="img" aria-labelledby="heavy-t"><title id="heavy-t">x</title><desc>x</desc>'
        f"<path d='{'M0 0' * 40_000}'/></svg>"
    )


HINT = '<p class="hint">How serious'
BREAKS: dict[str, tuple[int, Break]] = {
    "no word on living through a choice": (1, first("options", experience="")),
    "no option of doing nothing": (
        2,
        data(
            lambda a: replace(
                a,
                review=replace(
                    a.review, options=tuple(replace(o, kind="other") for o in a.review.options)
                ),
            )
        ),
    ),
    "a heading that does not name the condition": (
        3,
        matching(r"<h1>[^<]*</h1>", "<h1>Should I try the solution?</h1>"),
    ),
    "harms at great length": (4, page(HINT, f"<p>{'It is so. ' * 300}</p>{HINT}")),
    "another look for harms": (5, page('class="grid facts harms"', 'class="harms"')),
    "a choice without a word on harm": (
        6,
        matching(r"(Can it harm\?</th><td[^>]*>)[^<]*", r"\g<1>"),
    ),
    "an overdue review": (7, review(next_review="2026-01-01")),
    "who paid left blank": (8, review(funding=" ")),
    "nobody's credentials": (9, first("people", credentials="")),
    "tests with readers not told": (10, matching(r"Not done: [^<]*", "")),
    "one thing less that was not done": (10, page("trying it out with patients, ", "")),
    "a test with readers that is not shown": (
        10,
        page("The range now says what it is.", "More.", at="told"),
    ),
    "an interest that goes nowhere": (9, interest(direction="")),
    "an interest without relevance": (9, interest(relevance=" ")),
    "an interest without its money": (9, interest(amount_band="")),
    "an interest of no time": (9, interest(period="")),
    "an interest that was not asked for": (9, interest(asked_on="")),
    "an author's view that is not shown": (
        74,
        both(
            matching(r'<section id="author-view".*?</section>', "", at="told"),
            page('href="#author-view"', 'href="#main"', at="told"),
        ),
    ),
    "an author's view as evidence": (74, page("opinion, not evidence", "this is so", at="told")),
    "an author's view without interests": (
        74,
        matching(r"An opinion of A Maker[^<]*", "So it is.", at="told"),
    ),
    "an author's view before the evidence": (
        74,
        matching(
            r'(<section id="evidence".*)(<section id="author-view".*?</section>)',
            r"\2\1",
            at="told",
        ),
    ),
    "an author's view at length": (74, unread(article=at_length, at="told")),
    "a number without formula": (11, quantity(".difference", formula="")),
    "a typed number": (12, page(HINT, f"<p>It was 42.</p>{HINT}")),
    "another number than computed": (
        13,
        matching(r'(href="sources.html#q-pain.difference">)14.7<', r"\g<1>14.8<"),
    ),
    "an estimate without range": (
        14,
        matching(r'(q-pain.difference">−14.7) \([^<]*', r"\g<1>"),
    ),
    "another denominator": (
        15,
        harm(1, statement="10 of 1000 people with it, 3 of 500 without."),
    ),
    "another time in the row": (16, absolute(time="two days")),
    "a caption without people": (17, page("<caption>Adults with pain:", "<caption>Some people:")),
    "one in x": (18, page(HINT, f"<p>One in ten had it.</p>{HINT}")),
    "a ratio for patients": (18, page(HINT, f"<p>The odds ratio was small.</p>{HINT}")),
    "a number needed for patients": (
        19,
        page(HINT, f"<p>The number needed to treat is small.</p>{HINT}"),
    ),
    "a number needed that stops at zero": (19, data(needing_a_number)),
    "with minus without is something else": (
        21,
        absolute(without=lambda x: replace(x.without, value=51.0)),
    ),
    "an estimate outside its interval": (
        22,
        absolute(with_=lambda x: replace(x.with_, low=40.0, high=41.0)),
    ),
    "converted people not called estimates": (23, responder(words="100 more of 1000 people.")),
    "converted people by an unsuitable way": (23, responder(method="Kraemer–Kupfer")),
    "a level off its scale": (24, outcome(scale=(0.0, 40.0))),
    "a sentence of another certainty": (
        26,
        outcome(statement_plain="The solution may improve pain."),
    ),
    "overclaiming": (27, in_prose("It is proven.")),
    "safe": (27, in_prose("It is very safe.")),
    "a trend": (27, in_prose("There was a trend towards less pain.")),
    "a typed probably": (
        28,
        page('<ul class="statements">', '<p>It probably helps.</p><ul class="statements">'),
    ),
    "jargon": (29, in_prose("There was heterogeneity.")),
    "a word of frequency alone": (30, harm(2, statement="It is rare.", with_=None)),
    "a word of another band": (30, harm(1, statement="Very common.")),
    "a bound rounded down": (
        31,
        harm(4, statement="None. Up to ⟦harm.4.bound|1⟧ in 1000."),
    ),
    "rare for how bad": (32, page("mild: no care needed", "mild, rarely worse", at="harms")),
    "a state without its heading": (33, page(">Trials did not say<", "><", at="harms")),
    "no caution": (34, verdict(at="unknown", caution="")),
    "no best case": (34, verdict(at="notworth", caution="")),
    "a testimonial": (35, in_prose("It helped me.")),
    "no red flags": (36, review(red_flags=())),
    "another label": (37, verdict(label="Go for it")),
    "no outcome decides": (38, outcome(decides=False)),
    "a trial that isolates nothing": (39, data(not_isolating)),
    "a badge too many": (40, verdict(fragile=True)),
    "certainty above its ceiling": (41, grade(caps=(Cap("low", "a reason", "a reason"),))),
    "imprecision overlooked": (
        42,
        data(
            lambda a: replace(
                a,
                review=replace(
                    a.review,
                    outcomes=tuple(
                        replace(o, thresholds=tuple(replace(t, small=14.5) for t in o.thresholds))
                        for o in a.review.outcomes
                    ),
                ),
            )
        ),
    ),
    "a cut point of nobody": (43, threshold(population="")),
    "a change of one person as main cut point": (43, threshold(kind="within-person")),
    "an old search untold": (44, verdict(at="stale", stale=False)),
    "a judgement without a reason": (45, judged(why=" ")),
    "a judgement that raises": (45, judged(level="1")),
    "hard words": (46, in_prose(" ".join(["Considerable physiotherapeutic deterioration."] * 40))),
    "four key messages": (47, data(lambda a: replace(a, key_messages=("It is so.",) * 4))),
    "a long sentence": (48, in_prose(" ".join(["so"] * 33) + ".")),
    "the answer far down": (
        49,
        page("<h1>", f"<p>{'word. ' * 160}</p><h1>"),
    ),
    "an element left open": (50, page(HINT, f"<div>{HINT}")),
    "two headings of the first level": (
        52,
        page('<section id="comments"', '<h1>More</h1><section id="comments"'),
    ),
    "no language": (52, page('<html lang="en">', "<html>", "sources.html")),
    "a drawing without words": (53, matching(r"<desc [^>]*>[^<]*</desc>", "")),
    "a table without caption": (54, matching(r"<caption>[^<]*</caption>", "", "print.html")),
    "pale text": (55, style("--soft-ink:#55504a", "--soft-ink:#aaa49c")),
    "colour alone": (56, page('<span class="glyph" aria-hidden="true">▲</span>', "")),
    "something that moves": (61, style("*{box-sizing", "p{animation:x 1s}*{box-sizing")),
    "something under a pointer": (
        61,
        style("*{box-sizing", "p:hover i{display:block}*{box-sizing"),
    ),
    "stars": (
        62,
        page('"inLanguage"', '"aggregateRating": "5", "inLanguage"'),
    ),
    "JSON-LD of something else": (62, page('"headline": "Should', '"headline": "Must')),
    "FHIR with another number": (63, other_fhir),
    "another answer in answer.json": (64, other_file("answer.json", '"WORTH"', '"AVOID"')),
    "other words in the download": (64, other_file("data/shown/outcomes.csv", "−14.7", "−14.9")),
    "a DOI that is none": (65, first("trials", doi="10/x")),
    "a link to nowhere": (66, page('href="#harms"', 'href="#pleasures"')),
    "a script from elsewhere": (
        67,
        page("</head>", '<script src="https://example.org/x.js"></script></head>'),
    ),
    "a heavy page": (68, heavy),
    "no policy against scripts": (70, page("default-src 'none'", "default-src 'self'")),
    "an address of a reader": (71, page("</footer>", "<p>reader@example.org</p></footer>")),
    "comments as evidence": (73, page("What readers say: not evidence", "What readers say")),
    "interests after the evidence": (
        74,
        matching(r'(<section id="disclosure".*?</section>)(.*)(<section id="options")', r"\2\1\3"),
    ),
    "an interested judge": (75, data(tied)),
    "a trial that nobody paid for": (76, first("trials", funding="", money="")),
    "proponents not taken out": (
        77,
        data(
            lambda a: replace(
                a,
                outcomes=tuple(
                    replace(
                        o, sensitivity=tuple(s for s in o.sensitivity if "promote" not in s.what)
                    )
                    for o in a.outcomes
                ),
            ),
            at="told",
        ),
    ),
    "an excuse in what it has to do with it": (78, interest(relevance="Although it is small.")),
    "praise in whom it is with": (78, interest(entity="an unbiased company")),
    "overclaiming in a test with readers": (
        27,
        data(
            lambda a: replace(
                a,
                review=replace(
                    a.review,
                    field_tests=(replace(a.review.field_tests[0], found="It is proven."),),
                ),
            ),
            at="told",
        ),
    ),
    "overclaiming in an author's view": (
        27,
        data(
            lambda a: with_prose(a, "author-view", "The needle is proven."),
            at="told",
        ),
    ),
    "an excuse": (
        78,
        first(
            "people",
            disclosures=(
                Disclosure(
                    type="none",
                    asked_on="2026-01-01",
                    signed="2026-01-01",
                    text="Tried to be fair.",
                ),
            ),
        ),
    ),
    # Other ways to break the same thing.
    "a typed number in a message": (12, page("In brief</h2>", "In brief</h2><p>It was 42.</p>")),
    "a typed number in what would change it": (
        12,
        page("What would change this answer</h2>", "What would change this answer</h2><p>42.</p>"),
    ),
    "a harm of the other direction": (22, data(harm_other_way)),
    "a verdict for another size": (37, verdict(benefit="large")),
    "a verdict for another harm": (37, verdict(harm="none")),
    "a verdict for another burden": (37, unread(judgements=other_burden)),
    "a verdict for another certainty": (37, verdict(certainty="moderate")),
    "another sign": (37, verdict(glyph="△")),
    "a sign that is not shown": (
        37,
        matching(r'(<span class="glyph" aria-hidden="true">)▲', r"\1△"),
    ),
    "no condition described": (1, without_section("condition")),
    "a condition in a few words": (1, unread(article=few_words)),
    "no treatment described": (1, without_section("treatment")),
    "no article": (1, review(article=())),
    "an empty article": (
        1,
        unread(article=lambda old: tuple(replace(s, text="") for s in old)),
    ),
    "a treatment that is not shown": (
        1,
        matching(r'(id="treatment-h">)(.*?)</section>', r"\1</h2></section>"),
    ),
    "a decision that is no question": (1, first_of("question", text="Try the solution.")),
    "no word on the good of a choice": (
        1,
        matching(r"(Can it help\?</th><td[^>]*>)[^<]*", r"\g<1>"),
    ),
    "a heading that is no question": (
        3,
        matching(r"<h1>[^<]*</h1>", "<h1>The solution for pain</h1>"),
    ),
    "harms in larger letters": (5, style(".harms th:first-child{", ".harms td{font-size:2rem}x{")),
    "harms under a lesser heading": (
        5,
        matching(r'<h2 id="harms-h">Harms</h2>', '<h3 id="harms-h">Harms</h3>'),
    ),
    "no next review": (7, review(next_review="")),
    "a next review on no day": (7, unread(next_review="soon")),
    "no policy of updates": (7, review(update_policy="")),
    "a policy that is not shown": (7, page("Every year.", "Some day.", count=9)),
    "nobody asked about interests": (9, first("people", disclosures=())),
    "a reviewer who wrote it": (
        9,
        data(
            lambda a: replace(
                a,
                review=replace(
                    a.review, people=tuple(replace(p, roles=("author",)) for p in a.review.people)
                ),
            )
        ),
    ),
    "no author": (
        9,
        data(
            lambda a: replace(
                a,
                review=replace(
                    a.review, people=tuple(replace(p, roles=("reviewer",)) for p in a.review.people)
                ),
            )
        ),
    ),
    "a number that leads nowhere": (
        11,
        page('href="sources.html#q-pain.without"', 'href="sources.html"', "print.html"),
    ),
    "a number that rests on nothing": (11, quantity("pain.without", inputs=("lost",))),
    "a typed number in a heading": (12, page('id="harms-h">Harms', 'id="harms-h">7 harms')),
    "a typed number in bold": (12, page(HINT, f"<p>It was <b>42</b>.</p>{HINT}")),
    "a typed number without a paragraph": (12, page(HINT, f"<div>It was 42.</div>{HINT}")),
    "a number ten times too small": (
        13,
        matching(r'(href="sources.html#q-pain.difference">)14.7<', r"\g<1>1.47<"),
    ),
    "another number on the sheet": (
        13,
        matching(r'(href="sources.html#q-pain.without">)50.0<', r"\g<1>51.0<", "print.html"),
    ),
    "an estimate without time": (
        14,
        matching(r'(<td data-label="After">).*?(</td>)', r"\g<1>\g<2>"),
    ),
    "an estimate without people": (
        14,
        matching(r'(id="evidence".*?<td data-label="People[^>]*>).*?(</td>)', r"\g<1>\g<2>"),
    ),
    "one out of twenty": (18, page(HINT, f"<p>One out of every twenty had it.</p>{HINT}")),
    "one of a number": (18, page(HINT, f'<p><span class="n">1 out of 20</span> had it.</p>{HINT}')),
    "times as likely": (18, page(HINT, f"<p>Pain is two times as likely.</p>{HINT}")),
    "NNT for patients": (19, page(HINT, f"<p>The NNT is small.</p>{HINT}")),
    "a word of the other direction": (22, data(other_way)),
    "converted people without source": (23, responder(source="")),
    "no scale": (24, outcome(scale=None)),
    "a sentence of another size": (
        26,
        outcome(
            statement_plain="The solution improves pain a lot, compared with injections of salt "
            "water."
        ),
    ),
    "a sentence that is not shown": (
        26,
        page("The solution improves pain, compared with", "It helps, compared with", count=9),
    ),
    "works": (27, in_prose("Everybody says: the solution works.")),
    "cured": (27, in_prose("Many were cured.")),
    "a trend alone": (27, in_prose("There was a trend.")),
    "significant": (27, in_prose("It was statistically significant.")),
    "a safe choice": (27, in_prose("A safe choice.")),
    "studies show": (27, in_prose("Studies show it.")),
    "a typed may beside a number": (
        28,
        page(
            '<ul class="statements">',
            '<p>It may help by <a class="n" href="sources.html#q-pain.difference">14.7</a>.</p>'
            '<ul class="statements">',
        ),
    ),
    "a typed may on harms": (28, page(HINT, f"<p>It may sting.</p>{HINT}")),
    "jargon in a table": (
        29,
        page("</span> confident</span></td>", "</span> high-certainty evidence</span></td>"),
    ),
    "a p value": (29, in_prose("That is P < one in a line.")),
    "rare on the page": (30, in_prose("Afterwards the arm is commonly sore.")),
    "rare without events": (31, harm(4, statement="It is rare: up to ⟦harm.4.bound|2⟧ in 1000.")),
    "no bound": (31, harm(4, bound=None)),
    "a harm under another heading": (
        33,
        page(">Reported elsewhere: counts, no rate<", ">Looked for and not seen<", at="harms"),
    ),
    "no caution for little difference": (34, verdict(at="maynot", caution="")),
    "a success story": (35, in_prose("A success story.")),
    "nobody to talk to": (36, page("Talk it over with somebody", "Think it over by")),
    "a label that is not shown": (
        37,
        page('<span class="label">Trials support', '<span class="label">They support'),
    ),
    "a badge too few": (
        40,
        data(lambda a: replace(a, verdict=replace(a.verdict, flips=("something",)))),
    ),
    "one level off for both lines": (42, data(narrow_lines, at="maynot")),
    "a cut point of no instrument": (43, nameless),
    "a cut point without source": (43, threshold(source="")),
    "a cut point of no kind": (43, threshold(kind="some")),
    "a cut point used as another kind": (
        43,
        data(
            lambda a: replace(
                a,
                outcomes=tuple(
                    replace(
                        o, thresholds=tuple(replace(t, kind="within-person") for t in o.thresholds)
                    )
                    for o in a.outcomes
                ),
            )
        ),
    ),
    "a search that is called young": (
        44,
        data(lambda a: replace(a, status=replace(a.status, search_age_months=30))),
    ),
    "a judgement without a day": (45, judged(on="")),
    "a judgement by nobody": (45, judged(by="nobody")),
    "a judgement that raises with a sign": (45, judged(level="+2")),
    "certainty above its reasons": (45, data(raised)),
    "passive sentences": (48, in_prose(" ".join(["The arm is then cleaned well."] * 40))),
    "a short form": (48, in_prose("Ask at the ABC.")),
    "a long key message": (47, data(lambda a: replace(a, key_messages=("It is so. " * 11,)))),
    "an id twice": (50, page('<p class="subtitle">', '<p class="subtitle" id="harms-h">')),
    "an element closed twice": (50, page(HINT, f"</p>{HINT}")),
    "elements that cross": (50, page(HINT, f"<p><b><i>So.</b></i></p>{HINT}")),
    "two pages of one title": (
        52,
        matching(
            r"<title>[^<]*</title>",
            "<title>Should I try the solution for pain?</title>",
            "sources.html",
        ),
    ),
    "no title": (52, matching(r"<title>[^<]*</title>", "", "print.html")),
    "a level of headings skipped": (52, page(HINT, f"<h5>So</h5>{HINT}")),
    "no main part": (
        52,
        matching(r'<main id="main"(.*)</main>', r'<div id="main"\1</div>', "print.html"),
    ),
    "no link to skip with": (52, matching(r'<a class="skip"[^>]*>[^<]*</a>', "", "print.html")),
    "a drawing that names nothing": (53, matching(r'(<svg[^>]*) aria-labelledby="[^"]*"', r"\1")),
    "a drawing without a table": (
        53,
        matching(r'(id="bars-pain".*?</div>)<details>.*?</details>', r"\1"),
    ),
    "a drawn number that no table has": (
        53,
        matching(r"(<text[^>]*>−14\.)7( \(−16\.0 to −13\.4\))", r"\g<1>9\g<2>"),
    ),
    "a heading of no scope": (54, page('<th scope="row">', "<th>", "print.html")),
    "an empty caption": (
        54,
        matching(r"<caption>[^<]*</caption>", "<caption> </caption>", "print.html"),
    ),
    "a table of cells only": (
        54,
        page(
            HINT,
            f"<table><caption>So</caption><tbody><tr><td>So</td></tr></tbody></table>{HINT}",
        ),
    ),
    "a colour that is not there": (55, style("--soft-ink:", "--other-ink:")),
    "a status line without a sign": (
        56,
        matching(r'<span class="mark"[^>]*>[^<]*</span>', ""),
    ),
    "dots without dots": (56, matching(r'(<span class="dots"[^>]*>)[^<]*', r"\g<1>", "print.html")),
    "a sliding part": (
        61,
        lambda a, f: (
            a,
            f,
            CSS.replace("prefers-reduced-motion", "prefers-no").replace(
                "scroll-behavior:smooth", "transition:all 1s"
            ),
        ),
    ),
    "smooth scrolling for all": (61, style("prefers-reduced-motion", "prefers-no")),
    "a film that starts": (61, page(HINT, f'<video src="x.webm" autoplay></video>{HINT}')),
    "words under a pointer": (61, page(HINT, f'<p><b title="So it is">So</b></p>{HINT}')),
    "a ClaimReview": (62, page('"MedicalWebPage"', '"ClaimReview"')),
    "no JSON-LD": (62, page('type="application/ld+json"', 'type="application/json"')),
    "JSON-LD that cannot be read": (62, page('"inLanguage": "en",', '"inLanguage": en,')),
    "JSON-LD that ends early": (62, page('"inLanguage": "en"', '"inLanguage": "</en"')),
    "JSON-LD of another day": (
        62,
        page('"datePublished": "2026-10-01"', '"datePublished": "2026-10-02"'),
    ),
    "another JSON-LD beside it": (
        62,
        other_file("data/page.jsonld", '"inLanguage": "en"', '"inLanguage": "de"'),
    ),
    "FHIR that cannot be read": (63, other_file("data/fhir.json", "{", "")),
    "FHIR of nothing": (63, other_file("data/fhir.json", '"Bundle"', '"Basket"')),
    "a harm in other words": (
        64,
        lambda a, f: other_file("data/shown/harms.csv", "of 1000", "of 999")(a, f),
    ),
    "a trial that is not in the download": (
        64,
        other_file("data/shown/trials.csv", "T1 2020", "T9 2020"),
    ),
    "a file that is not the folder's": (64, other_file("data/results.csv", "t1", "t7")),
    "an answer that cannot be read": (64, other_file("answer.json", "{", "")),
    "a PMID that is none": (65, first("trials", pmid="PMC12")),
    "an empty link": (66, page('href="#harms"', 'href=""')),
    "a link without words": (66, page("</footer>", '<p><a href="print.html"></a></p></footer>')),
    "a link to no file": (66, page('href="data/trials.csv"', 'href="data/trails.csv"')),
    "a label that names nothing": (
        66,
        page('aria-labelledby="harms-h"', 'aria-labelledby="harm-h"'),
    ),
    "a link to no place of another page": (
        66,
        page('href="index.html#ref-t1"', 'href="index.html#ref-t8"', "sources.html"),
    ),
    "a style from elsewhere": (
        67,
        page("</head>", '<link rel="stylesheet" href="//example.org/x.css"></head>'),
    ),
    "a font from elsewhere": (67, style("*{box-sizing", "@font-face{src:url( https://x.y/z)}*{b")),
    "a picture from elsewhere": (
        67,
        page("</footer>", '<img alt="" src="HTTPS://example.org/x.png"></footer>'),
    ),
    "pictures from elsewhere": (
        67,
        page("</footer>", '<img alt="" srcset="x.png 1x, https://x.org/y.png 2x"></footer>'),
    ),
    "another place told in advance": (
        67,
        page("</head>", '<link rel="preconnect" href="https://example.org"></head>'),
    ),
    "a frame from elsewhere": (
        67,
        page("</footer>", '<iframe src="https://example.org/"></iframe></footer>'),
    ),
    "drawings of great weight": (
        68,
        page("</details>", f"{heavy_drawing()}</details>"),
    ),
    "a policy that lets scripts in": (
        70,
        page("style-src 'self'", "script-src https:; style-src 'self'"),
    ),
    "a policy with unsafe styles": (70, page("style-src 'self'", "style-src 'unsafe-inline'")),
    "a policy without a base": (70, page("base-uri 'none'; ", "", "sources.html")),
    "code in an attribute": (70, page("<h1>", '<h1 onclick="x()">')),
    "a style in an attribute": (70, page("<h1>", '<h1 style="color:red">')),
    "code in a link": (
        70,
        page("</footer>", '<p><a href=" java&#10;script:x()">x</a></p></footer>'),
    ),
    "a script of one's own": (70, page("</head>", "<script>x()</script></head>")),
    "a form": (70, page("</footer>", "<form></form></footer>")),
    "an address in a file of the folder": (
        71,
        lambda a, f: (a, {**f, "data/notes.md": b"write to reader@example.org"}, CSS),
    ),
    "the number of somebody's machine": (71, page("</footer>", "<p>192.0.2.7</p></footer>")),
    "the long number of somebody's machine": (
        71,
        page("</footer>", "<p>2001:db8:0:0:8:800:200c:417a</p></footer>"),
    ),
    "no word on comments": (
        73,
        both(
            page('<section id="comments"', '<section id="letters"'),
            page('href="#comments"', 'href="#main"'),
        ),
    ),
    "comments before the references": (
        73,
        matching(
            r'(<section id="references".*?</section>)(.*)(<section id="comments".*?</section>)',
            r"\3\2\1",
        ),
    ),
    "no line of interests": (74, page('<section id="disclosure"', '<section id="interests"')),
    "interests of one only": (
        74,
        matching(
            r'(<section id="disclosure".*?)(A Checker .*?\. )(Funding.*?</section>)',
            r"\1\3<p>\2</p>",
        ),
    ),
    "no interests on the sheet": (
        74,
        page("A Maker (author): no interests declared", "Nothing", "print.html"),
    ),
    "an interested judge of certainty": (75, data(tied_judge)),
    "praise of oneself": (
        78,
        page("Funding: none.", "The authors are unbiased. Funding: none."),
    ),
    "interests in the first person": (
        78,
        page("Funding: none.", "I own no needle. Funding: none."),
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_one_thing_broken_trips_exactly_its_check(what: str) -> None:
    number, broken = BREAKS[what]
    answer, files = good(getattr(broken, "at", "worth"))
    assert tripped(*broken(answer, files)) == {number}


def test_every_check_that_runs_here_has_been_seen_to_trip() -> None:
    here = {c.number for c in CHECKS if c.run is not None}
    elsewhere = {20, 25, 72, 79}  # Tested below.
    assert here - {number for number, _ in BREAKS.values()} == elsewhere


# --- what needs more than one change -------------------------------------------------------------


def of(number: int, answer: Answer, files: dict[str, bytes], **kw: Any) -> str:
    return result_of(CHECKS[number - 1], Subject(answer, files, CSS, **kw)).state


def test_people_in_pictures_add_up() -> None:
    answer = assess(open_review("prolotherapy-low-back-pain"), on=ON)
    files, _ = answer_files(answer, Place("s.css"))
    assert of(20, answer, files) == "met"
    html = files[MAIN].decode()
    start = html.index('id="icons-')
    table = re.search(r"(<td[^>]*>(?:<[^>]*>)*)(\d+)<", html[start:])
    assert table is not None
    at = start + table.start(2)
    wrong = html[:at] + "99" + html[at + len(table[2]) :]
    assert of(20, answer, {**files, MAIN: wrong.encode()}) == "not met"


def test_a_small_mean_and_many_who_respond_are_both_shown() -> None:
    answer, files = good("maynot")
    changed, made, _ = responder()(answer, files)
    assert of(25, changed, made) == "met"
    hidden = made[MAIN].replace(b"Estimated", b"Guessed")
    assert of(25, changed, {**made, MAIN: hidden}) == "not met"


def test_a_page_without_a_form_needs_no_limits() -> None:
    answer, files = good("worth")
    assert of(72, answer, files) == "not applicable"


def test_a_file_that_comes_out_differently_is_found() -> None:
    answer, files = good("worth")
    assert of(79, answer, files, again=lambda: files) == "met"
    assert of(79, answer, files, again=lambda: {**files, MAIN: b""}) == "not met"
    assert of(79, answer, files) == "not done"


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.478, abs=1e-3)
    assert contrast("#0b5cad", "#ffffff") == pytest.approx(6.7, abs=0.05)


# --- what a person sees --------------------------------------------------------------------------


def unfinished() -> Answer:
    review = FIXTURES["worth"]()
    return assess(replace(review, red_flags=(), slug="unfinished"), on=ON)


def test_an_error_stops_a_site_and_a_draft_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="QA-36") as caught:
        build([unfinished()], tmp_path / "site")
    assert "--draft" in str(caught.value)
    assert not (tmp_path / "site").exists()
    build([unfinished()], tmp_path / "site", draft=True)
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 6
    for path in pages:
        html = path.read_text(encoding="utf-8")
        assert "<title>Draft: " in html, path
        assert 'name="robots" content="noindex"' in html, path
        assert "Do not publish it" in html, path
    answer_page = (tmp_path / "site/unfinished/index.html").read_text(encoding="utf-8")
    assert '"creativeWorkStatus": "Draft"' in answer_page
    build([assess(FIXTURES["worth"](), on=ON)], tmp_path / "whole")
    assert "Draft: " not in (tmp_path / "whole/worth/index.html").read_text(encoding="utf-8")


def test_what_was_found_is_told_on_a_page_of_its_own() -> None:
    files, found = answer_files(unfinished(), Place("s.css"), twice=True)
    html = files["qa.html"].decode()
    assert html.index("Not met</h2>") < html.index("Met</h2>")
    assert "No signs that need care at once" in html
    assert "review.toml" in html
    for check in CHECKS:
        assert f'id="check-{check.number}"' in html
    assert sum(found.counts().values()) == 80
    (problem,) = problems_of(found, "unfinished/")
    assert problem.code == "QA-36"
    assert problem.severity == "error"
    assert "80" not in repr(found)
    assert isinstance(found, Audit)


def test_a_retracted_trial_is_not_cited_first() -> None:
    _, files = good("retracted")
    html = files[MAIN].decode()
    cited = html[html.index("Cite the trials first") :]
    assert "T1 2020" in cited[: cited.index("Then this page")]
    assert "T3 2020" not in cited[: cited.index("Then this page")]


def test_too_few_people_hold_certainty_at_low_whatever_the_ceilings_say() -> None:
    answer, files = good("odds")
    (found,) = answer.outcomes
    assert "change.needed" in answer.quantities
    assert of(41, answer, files) == "met"
    assert found.grade is not None
    graver = replace(found, grade=replace(found.grade, level="moderate", caps=()))
    assert of(41, replace(answer, outcomes=(graver,)), files) == "not met"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.005 (< 0.001 to 752,004)", True),
        ("< 0.001", True),
        ("0.005 (< 0.0000001 to 752,004)", False),
        ("0.006 (< 0.001 to 752,004)", False),
    ],
)
def test_a_number_below_what_can_be_printed_is_its_quantity(text: str, shown: bool) -> None:
    q = Quantity("x.effect", 0.005, "RR", "x", "x", low=1e-6, high=752004.0)
    assert _shows(q, text) is shown
