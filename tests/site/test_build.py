"""A site of several answers: what it holds, that it is whole or not there, and always the same."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.errors import InputError
from equipoise.site.build import Built, build


@pytest.fixture
def two() -> list[Answer]:
    """Two small answers that share a tag."""
    review = replace(FIXTURES["worth"](), slug="solution-pain", tags=("needles", "Körper"))
    first = assess(review, on=date(2026, 11, 1))
    other = replace(
        first,
        slug="solution-knee",
        title="Should I try the solution for a painful knee?",
        condition="knee pain",
        review=replace(
            first.review,
            slug="solution-knee",
            tags=("needles",),
            categories=("knee",),
            question=replace(
                first.review.question,
                text="Should I try the solution for knee pain?",
                condition="knee pain",
            ),
        ),
    )
    return [other, first]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_site_has_a_first_page_a_folder_for_each_question_and_lists(
    two: list[Answer], tmp_path: Path
) -> None:
    built = build(two, tmp_path / "out")
    files = tree(tmp_path / "out")
    for a in two:
        assert {f"{a.slug}/index.html", f"{a.slug}/sources.html", f"{a.slug}/answer.json"} <= set(
            files
        )
    assert {
        "index.html",
        "404.html",
        "condition/knee-pain/index.html",
        "condition/pain/index.html",
        "treatment/the-solution/index.html",
        "category/knee/index.html",
        "tag/needles/index.html",
        "tag/korper/index.html",
    } <= set(files)
    home = files["index.html"].decode()
    for a in two:
        assert a.title in home
        assert a.verdict.label in home
    assert files["tag/needles/index.html"].count(b"verdict-") == 2
    assert files["tag/korper/index.html"].count(b"verdict-") == 1
    assert isinstance(built, Built)
    assert built.pages == sum(f.endswith(".html") for f in files)
    assert str(built).startswith("Built 2 questions, ")
    assert str(tmp_path / "out" / "index.html") in str(built)


def test_links_between_the_pages_lead_somewhere(two: list[Answer], tmp_path: Path) -> None:
    build(two, tmp_path / "out")
    files = tree(tmp_path / "out")
    assert len([f for f in files if f.startswith("assets/")]) == 1
    for path, content in files.items():
        if not path.endswith(".html"):
            continue
        for href in re.findall(r'href="([^"]+)"', content.decode()):
            if not href.startswith(("https:", "data:", "#")):
                target = urljoin(f"file:///{path}", href).removeprefix("file:///").split("#")[0]
                assert target in files, f"{path}: {href}"


def test_without_an_address_nothing_needs_one(two: list[Answer], tmp_path: Path) -> None:
    build(two, tmp_path / "out")
    files = tree(tmp_path / "out")
    assert not {"sitemap.xml", "robots.txt"} & set(files)
    assert b"canonical" not in files["solution-knee/index.html"]


def test_with_an_address_there_are_a_sitemap_and_canonical_links(
    two: list[Answer], tmp_path: Path
) -> None:
    build(two, tmp_path / "out", base_url="https://example.org/answers")
    files = tree(tmp_path / "out")
    root = ElementTree.fromstring(files["sitemap.xml"].decode())
    found = [e.text for e in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert "https://example.org/answers/solution-knee/" in found
    assert all(str(address).endswith("/") for address in found)
    assert b"Sitemap: https://example.org/answers/sitemap.xml" in files["robots.txt"]
    page = files["solution-knee/index.html"].decode()
    assert '<link rel="canonical" href="https://example.org/answers/solution-knee/">' in page
    # A missing page is asked for at any depth: its links start at the root.
    assert b'href="/answers/assets/style.' in files["404.html"]


def test_two_builds_are_the_same_in_any_order(two: list[Answer], tmp_path: Path) -> None:
    build(two, tmp_path / "a")
    build(two[::-1], tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_new_build_replaces_the_old_one(two: list[Answer], tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(two, out)
    build(two[:1], out)
    assert (out / "solution-knee").is_dir()
    assert not (out / "solution-pain").exists()
    assert list(tmp_path.iterdir()) == [out]


def test_a_build_that_fails_leaves_the_old_site(
    two: list[Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    build(two, out)
    before = tree(out)
    write, written = Path.write_bytes, []

    def full(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) > 5:
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        build(two[:1], out)
    assert tree(out) == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_with_other_files_is_refused(two: list[Answer], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="a new or empty folder"):
        build(two, tmp_path)
    assert tree(tmp_path) == {"letter.txt": b"mine"}


def test_what_cannot_be_a_site_is_refused(two: list[Answer], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no answer"):
        build([], out)
    with pytest.raises(InputError, match="two answers have the slug"):
        build([two[0], two[0]], out)
    for slug in ("../up", "assets", "A b", ""):
        with pytest.raises(InputError, match="cannot be a folder"):
            build([replace(two[0], slug=slug)], out)
    for address in ("example.org", "ftp://example.org", "https://", "https://e.org/?a=1"):
        with pytest.raises(InputError, match="base_url"):
            build(two, out, base_url=address)
    assert not out.exists()


def test_an_answer_leads_to_those_about_the_same_condition_or_treatment(
    two: list[Answer], tmp_path: Path
) -> None:
    knee, pain = two
    walk = replace(
        pain,
        slug="walking-pain",
        title="Should I try walking for pain?",
        treatment="walking",
        review=replace(pain.review, slug="walking-pain"),
    )
    stranger = replace(
        pain, slug="tea-sleep", title="Should I try tea?", treatment="tea", condition="sleep"
    )
    build([knee, pain, walk, stranger], tmp_path / "out", draft=True)
    page = tree(tmp_path / "out")[f"{pain.slug}/index.html"].decode()
    options = page.partition('<section id="options"')[2].partition("</section>")[0]
    links = re.findall(r'href="([^"]+)">([^<]+)', options)
    assert ("../solution-knee/index.html", knee.title) in links
    assert ("../walking-pain/index.html", walk.title) in links
    assert ("../walking-pain/index.html", walk.verdict.label) in links, "the choice has its answer"
    assert "tea" not in options
    assert "Its own answer" in options


def test_a_page_alone_leads_to_no_other(two: list[Answer], tmp_path: Path) -> None:
    build(two[:1], tmp_path / "out")
    page = tree(tmp_path / "out")[f"{two[0].slug}/index.html"].decode()
    assert "Other answers" not in page
    assert "Its own answer" not in page


def test_other_answers_beside_one_trip_no_check(tmp_path: Path) -> None:
    """Their titles ask in the first person; no more than six are listed."""
    names = ("worth", "mayhelp", "close", "maynot", "notworth", "avoid", "unknown", "harms")
    build([assess(FIXTURES[name](), on=date(2026, 11, 1)) for name in names], tmp_path / "site")
    for name in names:
        folder = tmp_path / "site" / name
        checked = (folder / "qa.html").read_text(encoding="utf-8")
        assert "</span> Not met: 0</li>" in checked, name
        html = (folder / "index.html").read_text(encoding="utf-8")
        beside = html[html.index('<nav aria-label="Other answers">') :]
        beside = beside[: beside.index("</nav>")]
        assert beside.count("<li>") == 7
        assert "All answers" in beside
