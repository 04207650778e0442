"""Standards held against the shipped pages: taking a thing away turns exactly its items."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.present.pages import Place, answer_files
from equipoise.present.standards import STANDARD_ITEMS, score, standards, tally
from equipoise.review.folder import open_review

ROOT = Path(__file__).resolve().parents[2] / "reviews"
SLUGS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")
Files = dict[str, bytes]


def made(slug: str) -> tuple[Answer, Files]:
    answer = assess(open_review(ROOT / slug))
    files: Any = answer_files(answer, Place("style.css"))
    files = files[0] if isinstance(files, tuple) else files
    # The reading grade is printed on the sheet of checks.
    return answer, {**files, "qa.html": b"<p>Reading grade 7</p>"}


@pytest.fixture(scope="module", params=SLUGS)
def shipped(request: pytest.FixtureRequest) -> tuple[Answer, Files]:
    return made(request.param)


@pytest.fixture(scope="module")
def backs() -> tuple[Answer, Files]:
    return made(SLUGS[0])


def states(answer: Answer, files: Mapping[str, bytes]) -> dict[str, str]:
    return {r.item.name: r.state for r in standards(answer, files)}


def test_nothing_is_unmet_on_the_shipped_pages(shipped: tuple[Answer, Files]) -> None:
    results = standards(*shipped)
    assert [r for r in results if r.state == "not met"] == []
    assert all(r.why for r in results if r.state != "met")


def test_the_course_without_the_treatment_is_told_or_for_a_person_to_see(
    backs: tuple[Answer, Files],
) -> None:
    answer, files = backs
    assert states(answer, files)["IPDAS v4 K1"] == "met"
    assert states(replace(answer, course=()), files)["IPDAS v4 K1"] == "needs a person"


def test_thirty_five_items_of_ipdas_apply(shipped: tuple[Answer, Files]) -> None:
    results = standards(*shipped)
    assert score(results, "IPDAS v4").startswith("35 apply: ")
    assert sum(tally(results)["IPDAS v4"].values()) == 44
    assert len(tally(results)) == 5


def test_items_are_numbered_once_and_answered_somewhere() -> None:
    names = Counter(i.name for i in STANDARD_ITEMS)
    assert max(names.values()) == 1
    counts = Counter(i.standard for i in STANDARD_ITEMS)
    assert counts["PRISMA 2020"] == 42
    assert counts["PRISMA-NMA"] == 5
    assert counts["PRISMA-Harms"] == 4
    assert all(i.words and not i.words.endswith(".") for i in STANDARD_ITEMS)


def without(id: str) -> Callable[[str], str]:
    """Empty the section of that id."""

    def cut(html: str) -> str:
        found = re.search(rf'<section id="{id}"[^>]*>.*?(?=<section id=|</main>)', html, re.S)
        assert found
        return html.replace(found[0], f'<section id="{id}"></section>')

    return cut


def term(name: str) -> Callable[[str], str]:
    """Take a term out of the methods."""
    form = rf"<div><dt>{name}</dt><dd>.*?</dd></div>"
    return lambda html: swapped(html, form, "")


def swapped(html: str, form: str, new: str) -> str:
    out, n = re.subn(form, new, html, flags=re.S)
    assert n, form
    return out


def swap(form: str, new: str) -> Callable[[str], str]:
    return lambda html: swapped(html, form, new)


BREAKS: dict[str, tuple[Callable[[str], str], set[str]]] = {
    "title": (swap(r"<h1>[^<]*</h1>", "<h1>Prolotherapy</h1>"), {"IPDAS v4 Q2"}),
    "search": (
        term("Search"),
        {"IPDAS v4 K18", "PRISMA 2020 6"},
    ),
    "risk of bias": (term("Risk of bias"), {"IPDAS v4 K19", "PRISMA 2020 11", "PRISMA 2020 18"}),
    "certainty": (term("Certainty"), {"PRISMA 2020 15"}),
    "synthesis": (term("Synthesis"), {"PRISMA 2020 12", "PRISMA 2020 13d"}),
    "protocol": (term("Protocol"), {"PRISMA 2020 24a"}),
    "studies": (term("Studies"), {"IPDAS v4 K18", "PRISMA 2020 5", "PRISMA 2020 16a"}),
    "data": (without("data"), {"PRISMA 2020 27"}),
    "questions": (without("questions"), {"IPDAS v4 K11"}),
    "what matters": (
        without("what-matters"),
        {"IPDAS v4 K9", "IPDAS v4 K10", "NICE decision aid 5"},
    ),
    "steps": (
        lambda html: re.sub(
            r'(?s)(<section id="what-matters".*?)<ol>(.*?)</ol>', r"\1<ul>\2</ul>", html
        ),
        {"IPDAS v4 K10"},
    ),
    "policy": (without("changes"), {"IPDAS v4 C4"}),
    "references": (without("references"), {"IPDAS v4 C2", "IPDAS v4 K18"}),
    "credentials": (
        swap(r"makers of this software; no clinician[^<.]*", "somebody"),
        {"IPDAS v4 K20"},
    ),
    "caption": (
        swap(r'(class="grid facts"><caption>)[^<]*', r"\1Results"),
        {"IPDAS v4 K4"},
    ),
    "one choice fewer": (
        swap(r'<th scope="col">Manual therapy</th>', ""),
        {"IPDAS v4 Q3", "IPDAS v4 K2", "NICE decision aid 3"},
    ),
    "picture": (
        swap('id="forest-pain"', 'id="gone"'),
        {"IPDAS v4 K8", "PRISMA 2020 13c", "PRISMA 2020 19"},
    ),
    "a lost source": (swap("#q-pain.without", "#q-lost"), {"IPDAS v4 C2"}),
    "not tried out is not said": (
        swap("trying it out with patients, ", ""),
        {"IPDAS v4 K16", "NICE decision aid 9"},
    ),
    "not asked is not said": (
        swap("asking patients what they need to know", "more"),
        {"IPDAS v4 K12"},
    ),
    "not read is not said": (
        swap("reading by patients", "more"),
        {"IPDAS v4 K14", "NICE decision aid 8"},
    ),
    "not done is not said": (
        swap("Not done:", "More:"),
        {
            *(f"IPDAS v4 K{n}" for n in (12, 13, 14, 15, 16, 17, 22, 23)),
            "NICE decision aid 8",
            "NICE decision aid 9",
        },
    ),
    "funding": (swap("Funding: none", ""), {"IPDAS v4 C6", "PRISMA 2020 25"}),
    "denominator": (
        lambda html: html.replace("of every 1000", "of every 100", 1),
        {"IPDAS v4 K7", "IPDAS v4 K5"},
    ),
    "ranges": (
        swap(r"172 \(29 to 359\)", "172"),
        {"IPDAS v4 C5"},
    ),
    "left out": (swap("Left out, and why", "More"), {"PRISMA 2020 16b"}),
    "a trial that was left out": (
        swap("early all had had back surgery", "more"),
        {"PRISMA 2020 16b"},
    ),
    "a trial without its row": (
        lambda html: html.replace("Dechow 1999", "Somebody"),
        {*(f"PRISMA 2020 {n}" for n in ("10b", "17", "18")), "PRISMA 2020 23c"},
    ),
    "no pictures": (
        lambda html: re.sub(r'(?s)<svg.*?</svg>(?=.*<section id="harms")', "", html),
        {"NICE decision aid 4"},
    ),
    "parts": (swap("Can the parts be told apart", "More"), {"PRISMA-NMA S1"}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_taking_a_thing_away_turns_exactly_its_items(
    backs: tuple[Answer, Files], name: str
) -> None:
    answer, files = backs
    change, expected = BREAKS[name]
    broken = {**files, "index.html": change(files["index.html"].decode()).encode()}
    before, after = states(answer, files), states(answer, broken)
    turned = {k for k in after if after[k] == "not met" != before[k]}
    assert turned == expected


def test_what_is_overdue_or_undisclosed_is_not_met(backs: tuple[Answer, Files]) -> None:
    answer, files = backs
    late = replace(answer, status=replace(answer.status, on="2031-01-01"))
    assert states(late, files)["IPDAS v4 C4"] == "not met"
    people = tuple(replace(p, disclosures=()) for p in answer.review.people)
    silent = replace(answer, review=replace(answer.review, people=people))
    assert states(silent, files)["PRISMA 2020 26"] == "not met"
    unread = {k: v for k, v in files.items() if k != "qa.html"}
    assert states(answer, unread)["IPDAS v4 K21"] == "not met"
    assert states(answer, {**files, "index.html": b""})["IPDAS v4 Q1"] == "not met"


def test_an_independent_reviewer_counts(backs: tuple[Answer, Files]) -> None:
    answer, files = backs
    person = replace(
        answer.review.people[0],
        id="rk",
        roles=("reviewer",),
        credentials="patient with back pain",
        independent=True,
    )
    review = replace(answer.review, people=(*answer.review.people, person))
    found = states(replace(answer, review=review), files)
    assert found["IPDAS v4 K14"] == "met"
    assert found["IPDAS v4 K15"] == "not done"


def test_what_readers_said_is_met_where_it_is_shown_and_not_done_elsewhere() -> None:
    """The made-up review was tried out with patients, and one clinician was asked."""
    answer = assess(FIXTURES["told"](), on=date(2026, 11, 22))
    files, _ = answer_files(answer, Place("s.css"))
    found = states(answer, files)
    assert {k: found[f"IPDAS v4 {k}"] for k in ("K12", "K13", "K16", "K17", "K22", "K23")} == {
        "K12": "not done",
        "K13": "met",
        "K16": "met",
        "K17": "not done",
        "K22": "not done",
        "K23": "not done",
    }
    assert found["NICE decision aid 9"] == "not done"
    html = files["index.html"].decode()
    assert "10 September 2026: 12 patients tried this page out." in html
    assert "1 clinician was asked what people need to know." in html
    hidden = html.replace("Ten could say how sure the answer is.", "")
    assert states(answer, {**files, "index.html": hidden.encode()})["IPDAS v4 K16"] == "not met"


def test_a_pooled_effect_without_its_place_among_the_sources(backs: tuple[Answer, Files]) -> None:
    answer, files = backs
    lost = files["sources.html"].replace(b'id="q-pain.effect"', b'id="gone"')
    found = states(answer, {**files, "sources.html": lost})
    assert {k for k in ("13a", "13b") if found[f"PRISMA 2020 {k}"] == "not met"} == {"13a", "13b"}


def test_what_was_left_out_of_made_up_reviews() -> None:
    """Nothing kept is not done; reports that were counted and not listed are not met."""
    for name, state in (("worth", "not done"), ("told", "not met")):
        answer = assess(FIXTURES[name](), on=date(2026, 11, 22))
        files, _ = answer_files(answer, Place("s.css"))
        assert states(answer, files)["PRISMA 2020 16b"] == state
