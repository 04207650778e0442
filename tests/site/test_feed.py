"""The Atom feeds of a site: what RFC 4287 asks for, and ids that never change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.review.records import Change
from equipoise.site.build import build
from equipoise.site.feed import ATOM, feed

BASE = "https://example.org/answers/"
FIRST = Change(version="1.0", on="2026-10-01", what="First version")
SECOND = Change(
    version="1.1", on="2026-10-20", what="A trial was <added> & read.", verdict_before="MAYNOT"
)


@pytest.fixture
def told() -> Answer:
    made = replace(
        FIXTURES["worth"](), changes=(SECOND, FIRST), version="1.1", categories=("pain",)
    )
    return assess(made, on=date(2026, 11, 1))


def entries(data: bytes) -> list[ElementTree.Element]:
    return ElementTree.fromstring(data).findall(f"{{{ATOM}}}entry")


def text(node: ElementTree.Element, tag: str) -> str:
    return node.findtext(f"{{{ATOM}}}{tag}") or ""


def test_each_version_is_an_entry_the_newest_first(told: Answer) -> None:
    data = feed((told,), BASE, path="feed.xml", title="What is new")
    root = ElementTree.fromstring(data)
    new, old = entries(data)
    assert text(root, "updated") == text(new, "updated") == "2026-10-20T00:00:00Z"
    assert text(old, "updated") == "2026-10-01T00:00:00Z"
    assert text(new, "id") == f"tag:example.org,2026-10-01:{told.slug}/1.1"
    assert "A trial was <added> & read." in text(new, "summary")
    assert "The answer before was: It may make little difference." in text(new, "summary")
    assert told.verdict.label in text(new, "summary")
    assert told.verdict.label not in text(old, "summary")
    link = new.find(f"{{{ATOM}}}link")
    assert link is not None
    assert link.get("href") == f"{BASE}{told.slug}/"


def test_every_entry_has_what_the_standard_asks_for(told: Answer) -> None:
    data = feed((told,), BASE, path="feed.xml", title="What is new")
    root = ElementTree.fromstring(data)
    for node in (root, *entries(data)):
        assert all(text(node, tag) for tag in ("id", "title", "updated"))
    for entry in entries(data):
        assert entry.findtext(f"{{{ATOM}}}author/{{{ATOM}}}name")
    ids = [text(e, "id") for e in entries(data)]
    assert len(set(ids)) == len(ids)


def test_a_later_version_leaves_the_entries_of_the_earlier_as_they_were(told: Answer) -> None:
    later = Change(version="1.2", on="2026-11-05", what="The search was run again.")
    more = replace(told, review=replace(told.review, changes=(FIRST, SECOND, later)))

    def by_id(a: Answer) -> dict[str, str]:
        data = feed((a,), BASE, path="feed.xml", title="t")
        return {text(e, "id"): text(e, "updated") for e in entries(data)}

    assert by_id(told).items() <= by_id(more).items()


def test_without_a_history_the_version_itself_is_told(told: Answer) -> None:
    bare = replace(told, review=replace(told.review, changes=()))
    (entry,) = entries(feed((bare,), BASE, path="feed.xml", title="t"))
    assert text(entry, "id").endswith(f"/{bare.review.version}")


def test_a_site_has_feeds_only_where_its_address_is_known(told: Answer, tmp_path: Path) -> None:
    build([told], tmp_path / "near")
    assert not list((tmp_path / "near").rglob("feed.xml"))
    build([told], tmp_path / "far", base_url=BASE)
    home = (tmp_path / "far/index.html").read_text()
    page = (tmp_path / f"far/{told.slug}/index.html").read_text()
    for html, path in ((home, "feed.xml"), (page, f"{told.slug}/feed.xml")):
        assert 'type="application/atom+xml"' in html
        assert len(entries((tmp_path / "far" / path).read_bytes())) == 2
