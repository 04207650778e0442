"""Versions stay where they were published when newer ones come."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fixture_reviews import FIXTURES, finished, graded

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.errors import InputError
from equipoise.review.records import Change
from equipoise.site.build import build

ON = date(2026, 11, 1)
FIRST = Change(version="1.0", on="2026-10-01", what="First version.")


def version(number: str, *, size: str = "moderate", changes: tuple[Change, ...] = ()) -> Answer:
    review = finished(graded(size, "high"), "solution-pain")  # type: ignore[arg-type]
    told = (*changes, FIRST)
    return assess(replace(review, version=number, updated=told[0].on, changes=told), on=ON)


OLD = version("1.0")
NEW = version(
    "2.0",
    size="none",
    changes=(Change(version="2.0", on="2026-10-20", what="A new trial.", verdict_before="CLOSE"),),
)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def copies(files: dict[str, bytes], number: str) -> dict[str, bytes]:
    return {k: v for k, v in files.items() if k.startswith(f"solution-pain/v/{number}/")}


def test_a_copy_of_the_present_version_lies_at_its_own_address(tmp_path: Path) -> None:
    build([OLD], tmp_path / "out", base_url="https://example.org/")
    files = tree(tmp_path / "out")
    own, copy = (files[f"solution-pain/{at}index.html"].decode() for at in ("", "v/1.0/"))
    assert "kept as it was" not in own
    assert "This is version 1.0, kept as it was on 1 October 2026" in copy
    assert '<a href="../../index.html">The newest version</a>' in copy
    assert '<meta name="robots" content="noindex">' in copy
    assert 'rel="canonical" href="https://example.org/solution-pain/"' in copy
    assert "https://example.org/solution-pain/v/1.0/" in own, "it is cited by its own address"
    assert b"/v/1.0/" not in files["sitemap.xml"]
    names = {k.removeprefix("solution-pain/") for k in files if k.startswith("solution-pain/")}
    kept = {n.removeprefix("v/1.0/") for n in names if n.startswith("v/")}
    assert kept == {n for n in names if not n.startswith("v/")} - {"feed.xml"}


def test_an_older_version_stays_to_the_last_byte_and_the_newer_leads_to_it(tmp_path: Path) -> None:
    build([OLD], tmp_path / "out")
    before = copies(tree(tmp_path / "out"), "1.0")
    built = build([NEW], tmp_path / "out")
    files = tree(tmp_path / "out")
    assert copies(files, "1.0") == before
    assert built.files == len(files) - 1, "the marker is not counted"
    page = files["solution-pain/index.html"].decode()
    assert '<a href="v/1.0/index.html">Read this version</a>' in page
    assert '<a href="v/2.0/index.html">Read this version</a>' in page
    copy = files["solution-pain/v/2.0/index.html"].decode()
    assert '<a href="../1.0/index.html">Read this version</a>' in copy


@pytest.mark.parametrize("second", [OLD, NEW])
def test_every_link_and_style_of_every_copy_is_there(tmp_path: Path, second: Answer) -> None:
    build([OLD], tmp_path / "out")
    css = next((tmp_path / "out" / "assets").iterdir())
    css.rename(css.with_name("style.0123456789ab.css"))
    for page in (tmp_path / "out").rglob("*.html"):
        page.write_bytes(page.read_bytes().replace(css.name.encode(), b"style.0123456789ab.css"))
    build([second], tmp_path / "out")
    files = tree(tmp_path / "out")
    for name, content in files.items():
        if not name.endswith(".html") or name == "404.html":
            continue
        for href in re.findall(r'href="([^"#:]+)[#"]', content.decode()):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), href))
            assert target in files, f"{name} leads to {href}"
    assert ("assets/style.0123456789ab.css" in files) == (second is NEW)


def test_versions_of_a_site_elsewhere_are_taken_along(tmp_path: Path) -> None:
    build([OLD], tmp_path / "old")
    build([NEW], tmp_path / "new", earlier=tmp_path / "old")
    assert copies(tree(tmp_path / "new"), "1.0") == copies(tree(tmp_path / "old"), "1.0")
    assert not copies(tree(tmp_path / "old"), "2.0")


def test_building_again_changes_no_byte(tmp_path: Path) -> None:
    build([OLD], tmp_path / "out")
    build([NEW], tmp_path / "out")
    once = tree(tmp_path / "out")
    build([NEW], tmp_path / "out")
    assert tree(tmp_path / "out") == once


def test_versions_of_another_answer_are_not_taken(tmp_path: Path) -> None:
    build([OLD], tmp_path / "out")
    other = assess(replace(FIXTURES["worth"](), slug="other"), on=ON)
    build([other], tmp_path / "out")
    assert not [name for name in tree(tmp_path / "out") if name.startswith("solution-pain")]


def test_a_link_out_of_an_earlier_site_is_not_followed(tmp_path: Path) -> None:
    build([OLD], tmp_path / "out")
    (tmp_path / "secret").write_text("not for the site")
    (tmp_path / "out" / "solution-pain" / "v" / "1.0" / "x").symlink_to(tmp_path / "secret")
    build([NEW], tmp_path / "out")
    assert "solution-pain/v/1.0/x" not in tree(tmp_path / "out")


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no earlier build wrote this folder"):
        build([OLD], tmp_path / "out", earlier=tmp_path)
    for number in ("../1", "1 0", ""):
        with pytest.raises(InputError, match="cannot be a folder"):
            build([version(number)], tmp_path / "out")
    assert not (tmp_path / "out").exists()
