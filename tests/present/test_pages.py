"""The page of an answer: its parts and their order, the way back of every number, safe output."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from equipoise.answer.answer import Answer
from equipoise.core.errors import InputError
from equipoise.core.provenance import Cell
from equipoise.core.table import Table
from equipoise.present.pages import MARKER, Place, answer_files, page, stylesheet, write_folder
from equipoise.present.prose import cell_id, day, joined, markdown, name, said
from equipoise.review.records import ArticleSection, Claim

ORDER = (
    "status",
    "short-answer",
    "disclosure",
    "fact-box",
    "picture",
    "harms",
    "treatment",
    "condition",
    "options",
    "what-matters",
    "questions",
    "why-sure",
    "evidence",
    "methods",
    "judgements",
    "changes",
    "references",
    "people",
    "data",
    "comments",
)
VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


class Document(HTMLParser):
    """Reads a page: tags with attributes, text by tag, and whether tags are balanced."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[tuple[tuple[str, ...], str]] = []
        self.feed(html.decode("utf-8"))
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((tuple(self.open), data))

    @property
    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.tags if a.get("id")]  # type: ignore[misc]

    def links(self) -> list[str]:
        return [a["href"] for tag, a in self.tags if tag == "a" and a.get("href")]  # type: ignore[misc]

    def words(self, *without: str) -> str:
        kept = [t for inside, t in self.text if not {"script", "style", *without} & set(inside)]
        return re.sub(r"\s+", " ", " ".join(kept))


@pytest.fixture
def main(answer: Answer) -> Document:
    return Document(page(answer).files["index.html"])


def test_a_page_is_made_of_these_files(answer: Answer) -> None:
    files = page(replace(answer, review=replace(answer.review, text={"trials.csv": "a\n"}))).files
    assert set(files) == {
        "index.html",
        "sources.html",
        "print.html",
        "qa.html",
        "answer.json",
        "data/trials.csv",
        "data/shown/outcomes.csv",
        "data/shown/harms.csv",
        "data/shown/trials.csv",
        "data/datapackage.json",
        "data/fhir.json",
        "data/page.jsonld",
        "data/answer.schema.json",
        stylesheet()[0],
    }
    assert files["data/trials.csv"] == b"a\n"


def test_the_parts_stand_in_their_order(main: Document) -> None:
    assert [i for i in main.ids if i in ORDER] == list(ORDER)


def test_the_documentation_names_every_part_and_files_that_exist() -> None:
    root = Path(__file__).parents[2]
    text = (root / "docs" / "the-page.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (?:`#([\w-]+)`)?.*$", text, re.M)
    assert [int(number) for number, _ in rows] == list(range(21))
    assert [id for _, id in rows if id] == list(ORDER)
    present = root / "src" / "equipoise" / "present"
    for file in set(re.findall(r"`((?:answer|certainty)/\w+\.py|\w+\.(?:py|html))`", text)):
        places = (present / file, present / "templates" / file, present.parent / file)
        tests = root / "tests" / "browser" / file
        made = file in ("claims.html", "sources.html", "index.html", "qa.html")
        assert made or tests.exists() or any(p.exists() for p in places), file


def test_the_question_is_the_only_first_heading_and_none_is_skipped(main: Document) -> None:
    levels = [int(tag[1]) for tag, _ in main.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_ids_are_unique_and_links_on_the_page_lead_somewhere(answer: Answer) -> None:
    files = page(answer).files
    ids = {f: Document(files[f]).ids for f in ("index.html", "sources.html")}
    for file, found in ids.items():
        assert not [i for i, n in Counter(found).items() if n > 1], file
    for file in ids:
        for href in Document(files[file]).links():
            if href.startswith("https:"):
                continue
            path, _, place = href.partition("#")
            target = path or file
            if place:
                assert place in ids[target], href
            elif not target.startswith("data/"):
                assert target in files, href


def test_every_quantity_has_an_entry_and_every_cell_too(answer: Answer) -> None:
    sources = Document(page(answer).files["sources.html"])
    assert {f"q-{name(id)}" for id in answer.quantities} <= set(sources.ids)
    assert {cell_id(v.cell) for v in answer.cells} <= set(sources.ids)
    words = sources.words()
    for value in answer.cells:
        assert value.what in words
        assert value.source in words


def test_marked_numbers_become_links_and_no_mark_is_left(answer: Answer) -> None:
    html = page(answer).files["index.html"].decode()
    assert "⟦" not in html
    assert '<a class="n" href="sources.html#q-pain.effect">5.8</a>' in html


def test_numbers_in_the_sentences_of_the_evidence_are_marked_as_computed(answer: Answer) -> None:
    html = page(answer).files["index.html"].decode()
    box = html[html.index('id="fact-box"') : html.index('id="treatment"')]
    box = re.sub(
        r"<svg.*?</svg>|<caption>.*?</caption>|<summary>.*?</summary>", "", box, flags=re.S
    )
    box = re.sub(r'<(a|span) class="n".*?</\1>', "", box, flags=re.S)
    box = re.sub(r"<h3.*?</h3>", "", box, flags=re.S)
    typed = re.findall(r">[^<]*\d[^<]*<", re.sub(r'<th scope="(row|col)".*?</th>', "", box))
    assert not typed


def test_stop_lines_come_first_and_the_disclosure_before_the_evidence(answer: Answer) -> None:
    html = page(answer).files["index.html"].decode()
    assert html.index('id="status"') < html.index("<h1")
    assert html.index("a mud spa, favours mud packs") < html.index('id="fact-box"')


def test_the_verdict_is_told_with_its_heading_caution_and_what_changes_it(answer: Answer) -> None:
    verdict = replace(
        answer.verdict,
        heading="As of July 2009",
        caution="This is not proof that it does not work.",
    )
    words = Document(page(replace(answer, verdict=verdict)).files["index.html"]).words()
    for text in (
        "As of July 2009",
        verdict.label,
        verdict.sentence,
        verdict.caution,
        "Fragile",
        "Without trials at high risk of bias",
    ):
        assert text in words
    calm = replace(answer, verdict=replace(verdict, fragile=False, flips=()))
    assert "Fragile" not in Document(page(calm).files["index.html"]).words()


def test_no_people_are_drawn_where_nothing_is_known(answer: Answer) -> None:
    def drawn(given: Answer) -> bool:
        return b'id="icons-halved"' in page(given).files["index.html"]

    assert drawn(answer)
    unsure = tuple(
        replace(o, grade=replace(o.grade, level="very low")) if o.grade else o
        for o in answer.outcomes
    )
    assert not drawn(replace(answer, outcomes=unsure))
    blank = tuple(
        replace(o, absolute=replace(o.absolute, without=None)) if o.absolute else o
        for o in answer.outcomes
    )
    assert not drawn(replace(answer, outcomes=blank))


def test_parts_without_content_are_absent_and_not_empty(answer: Answer) -> None:
    bare = replace(
        answer,
        questions=(),
        key_messages=(),
        would_change=(),
        harms=(),
        components=(),
        left_out=(),
        review=replace(
            answer.review, article=(), changes=(), judgements=(), cautions=(), red_flags=()
        ),
    )
    ids = Document(page(bare).files["index.html"]).ids
    assert not {"treatment", "questions", "keys-h", "change-h", "red-flags-h"} & set(ids)


def test_nothing_from_elsewhere_is_loaded_and_no_script_runs(answer: Answer) -> None:
    for file in ("index.html", "sources.html"):
        document = Document(page(answer).files[file])
        for tag, attributes in document.tags:
            assert not [a for a in attributes if a.startswith("on")]
            assert "style" not in attributes
            if tag == "script":
                assert attributes["type"] == "application/ld+json"
            if tag == "link" and attributes["rel"] != "canonical":
                assert not str(attributes["href"]).startswith(("http", "//"))
            assert tag not in ("iframe", "form", "object", "embed", "base")
        policy = next(a for t, a in document.tags if "http-equiv" in a)["content"]
        assert str(policy).startswith("default-src 'none'; style-src 'self'")


def test_the_style_loads_nothing() -> None:
    css = stylesheet()[1].decode()
    assert "url(" not in css
    assert "@import" not in css


def test_text_from_a_folder_cannot_become_markup(answer: Answer) -> None:
    bad = '</script><script>alert(1)</script><img src=x onerror="a()">'
    review = replace(
        answer.review,
        question=replace(answer.review.question, text=f"Should I try {bad}?"),
        cautions=(bad,),
        article=(replace(answer.review.article[0], text=bad),),
        trials=(
            replace(answer.review.trials[0], label=bad, citation=bad),
            *answer.review.trials[1:],
        ),
    )
    made = page(replace(answer, title=bad, review=review))
    for file in ("index.html", "sources.html"):
        document = Document(made.files[file])
        assert "img" not in [tag for tag, _ in document.tags]
        scripts = [a for tag, a in document.tags if tag == "script"]
        assert len(scripts) == (file == "index.html")


def test_the_page_for_machines_says_what_the_page_says(answer: Answer) -> None:
    html = page(answer).files["index.html"].decode()
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)
    assert found is not None
    told = json.loads(found.group(1))
    words = Document(html.encode()).words()
    assert told["@type"] == "MedicalWebPage"
    assert told["headline"] in words
    assert answer.verdict.sentence in told["abstract"]
    assert all(a["name"] in words for a in told["author"])
    assert all(c["name"].rstrip(".") in words for c in told["citation"])
    assert "aggregateRating" not in told


def test_the_answer_as_data_is_strict_json(answer: Answer) -> None:
    data = json.loads(page(answer).files["answer.json"])
    assert data["verdict"]["code"] == answer.verdict.code
    assert Answer.from_dict(data).slug == answer.slug


def test_references_lead_to_their_doi(answer: Answer, main: Document) -> None:
    assert "https://doi.org/10.1000/example" in main.links()
    assert {f"ref-{t.id}" for t in answer.review.trials} <= set(main.ids)


def test_tables_have_captions_and_scoped_headings(main: Document) -> None:
    count = Counter(tag for tag, _ in main.tags)
    assert count["table"] == count["caption"] > 5
    assert all(a.get("scope") for tag, a in main.tags if tag == "th")


def test_figures_have_a_title_a_description_and_a_table(main: Document) -> None:
    count = Counter(tag for tag, _ in main.tags)
    drawings = [a for tag, a in main.tags if tag == "svg"]
    assert drawings
    assert all(a.get("role") == "img" and a.get("aria-labelledby") for a in drawings)
    assert count["figure"] >= 3


def test_two_pages_of_one_answer_are_the_same_bytes(answer: Answer) -> None:
    assert page(answer).files == page(answer).files


def test_a_page_stays_small(answer: Answer) -> None:
    assert len(page(answer).files["index.html"]) < 300_000


def test_saving_replaces_an_earlier_page_as_a_whole(answer: Answer, tmp_path: Path) -> None:
    made = page(answer)
    out = tmp_path / "out"
    assert made.save(out) == out / "index.html"
    (out / "old.html").write_text("old")
    made.save(out)
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {MARKER, *made.files}
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_of_somebody_else_is_left_alone(answer: Answer, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no earlier build made"):
        page(answer).save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    with pytest.raises(InputError, match="is a file"):
        page(answer).save(tmp_path / "thesis.txt")


def test_a_failed_write_leaves_the_old_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder({"a.txt": b"old"}, out)
    with pytest.raises(OSError, match=r"a\.txt"):
        # A path cannot be a file and a folder at once.
        write_folder({"a.txt": b"new", "a.txt/b": b"x"}, out)
    assert (out / "a.txt").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_an_empty_folder_may_be_used(answer: Answer, tmp_path: Path) -> None:
    out = tmp_path / "empty"
    out.mkdir()
    assert page(answer).save(out).is_file()


def test_templates_are_loaded_only_when_a_page_is_written() -> None:
    code = (
        "import sys, equipoise.present.pages;"
        "print([m for m in ('jinja2', 'markdown_it', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* **b**", "<p><em>a</em> <strong>b</strong></p>\n"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("[x](https://example.org/a)", '<p><a href="https://example.org/a">x</a></p>\n'),
        ("[x](#harms)", '<p><a href="#harms">x</a></p>\n'),
        ("# x", "<h3>x</h3>\n"),
        ("### x", "<h4>x</h4>\n"),
    ],
)
def test_markdown_is_written_as_html(text: str, html: str) -> None:
    assert markdown(text) == html


@pytest.mark.parametrize(
    "address",
    ["http://example.org", "javascript:alert(1)", "//example.org", "data:text/html,x", "file.html"],
)
def test_markdown_links_go_to_https_only(address: str) -> None:
    assert "<a" not in markdown(f"[x]({address})")
    assert "<img" not in markdown(f"![x]({address})")


def test_markdown_shows_no_pictures_from_elsewhere() -> None:
    assert "<img" not in markdown("![x](https://example.org/x.png)")


def test_a_sentence_is_escaped_and_its_numbers_are_told_apart() -> None:
    assert said("a < b") == "a &lt; b"
    assert said("of 1000") == '<span class="n">of 1000</span>'
    assert said("⟦a.b|5⟧ more") == '<a class="n" href="sources.html#q-a.b">5</a> more'


def test_ids_are_safe_and_apart() -> None:
    assert name("a b") == "a_20_b"
    assert name("ä") != name("a")
    assert cell_id(Cell("trials.csv", 3, "n")) == "c-trials.csv-3-n"


def test_small_words() -> None:
    assert day("2026-11-22") == "22 November 2026"
    assert day("2009-07") == "July 2009"
    assert day("spring 2009") == "spring 2009"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert joined([]) == ""


def test_a_table_marks_its_certainty_dots_as_decoration(answer: Answer) -> None:
    html = page(answer).files["index.html"].decode()
    bare = re.sub(r'<span class="dots( big)?" aria-hidden="true">[●○]+</span>', "", html)
    assert "●" not in re.sub(r"<svg.*?</svg>", "", bare, flags=re.S)
    assert Table  # the table's own text keeps them for a terminal


def test_claims_stand_on_a_page_of_their_own_and_are_marked_in_the_prose(answer):
    claims = (
        Claim(id="c1", about="alone", says="better", quoted=True),
        Claim(id="c2", about="overall", says="better", review="elsewhere", quoted=True),
    )
    prose = "## What {#treatment}\n\nThey say [it heals](claim:c1), [also there](claim:c2).\n"
    section = ArticleSection(id="treatment", title="What", text=prose.split("\n\n")[1], line=1)
    review = replace(
        answer.review,
        claims=claims,
        article=(section,),
        text={**answer.review.text, "article.md": prose},
    )
    with_claims = replace(answer, review=review)
    made = page(with_claims).files
    own = made["claims.html"].decode()
    assert 'id="claim-c1"' in own
    assert "“it heals”" in own
    index = made["index.html"].decode()
    assert 'href="claims.html#claim-c1">it heals <span class="claim-state">' in index
    assert "held against the trials" in index
    other = replace(with_claims, slug="elsewhere", review=answer.review)
    place = Place("../s.css", home="../index.html")
    linked, _ = answer_files(with_claims, place, others={"elsewhere": other})
    assert "../elsewhere/sources.html#" in linked["claims.html"].decode()
    assert "claims.html" not in page(answer).files
