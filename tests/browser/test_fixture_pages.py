"""Every answer, stop and state of harm in a real browser: accessible, narrow, printed whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES

pytestmark = pytest.mark.browser

SHIPPED = "prolotherapy-low-back-pain"
KNEE = "prolotherapy-knee-osteoarthritis"
#: Every page of the answers that are shipped.
PAGES = (
    *(f"{SHIPPED}/{page}.html" for page in ("index", "sources", "claims", "print", "qa")),
    *(f"{KNEE}/{page}.html" for page in ("index", "sources", "print", "qa")),
)


def accessible_on_a_phone(seen: Any) -> None:
    """No errors, nothing that axe finds, light or dark, no sideways scrolling at 320 pixels."""
    page = seen.unfold()
    assert not seen.console  # before axe, which asks for the style sheet once more
    assert not seen.axe_in_both_schemes()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("name", FIXTURES)
def test_each_page_is_accessible_and_fits_a_phone(visit: Any, fixtures: Path, name: str) -> None:
    accessible_on_a_phone(visit(f"{name}/index.html", root=fixtures, bypass_csp=True))


@pytest.mark.parametrize(
    "path",
    ["told/qa", "told/sources", "told/print", "harms/print", "notrials/print", "odds/sources"],
)
def test_other_pages_of_fixtures_are_too(visit: Any, fixtures: Path, path: str) -> None:
    accessible_on_a_phone(visit(f"{path}.html", root=fixtures, bypass_csp=True))


@pytest.mark.parametrize("path", PAGES)
def test_each_shipped_page_is_accessible_and_fits_a_phone(visit: Any, path: str) -> None:
    accessible_on_a_phone(visit(path, bypass_csp=True))


def test_every_page_of_the_shipped_answers_is_looked_at(site: Path) -> None:
    built = {
        str(p.relative_to(site)) for name in (SHIPPED, KNEE) for p in (site / name).glob("*.html")
    }
    assert built == set(PAGES)


def test_pale_words_in_the_dark_are_seen(visit: Any) -> None:
    seen = visit("404.html", bypass_csp=True)
    assert not seen.axe_in_both_schemes()
    pale = "@media (prefers-color-scheme:dark){main p{color:#3a3a3a!important}}"
    seen.page.add_style_tag(content=pale)
    assert {(scheme, rule) for scheme, rule, _ in seen.axe_in_both_schemes()} == {
        ("dark", "color-contrast")
    }


@pytest.mark.parametrize("width", [1200, 800])
def test_no_table_is_wider_than_the_page(visit: Any, width: int) -> None:
    page = visit(f"{SHIPPED}/index.html", width=width).unfold()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", [*FIXTURES, SHIPPED])
def test_the_sheet_for_the_doctor_is_one_page(
    visit: Any, site: Path, fixtures: Path, name: str
) -> None:
    page = visit(f"{name}/print.html", root=site if name == SHIPPED else fixtures).page
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 672, "height": 1000})  # A4 less its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 672
    assert page.locator(".ruled li").count() >= 5
