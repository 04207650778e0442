"""Every answer, stop and state of harm in a real browser: accessible, narrow, printed whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES
from whole import missing

from equipoise.answer.assess import assess
from equipoise.review.folder import open_review
from equipoise.site.build import build

pytestmark = pytest.mark.browser

ON = date(2026, 11, 22)
CLAIMS = "prolotherapy-low-back-pain"
PAGES = [f"{name}/index.html" for name in FIXTURES]
PAGES += [f"{CLAIMS}/{page}.html" for page in ("claims", "print")]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fixtures") / "out"
    answers = [assess(make(), on=ON) for make in FIXTURES.values()]
    build([*answers, assess(open_review(CLAIMS), on=ON)], out)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    named = os.environ.get("EQUIPOISE_CHROMIUM", "")
    program = next((p for n in (named, *PROGRAMS) if n and (p := shutil.which(n))), None)
    if program is None:
        missing("no Chromium was found: install it or set EQUIPOISE_CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install 'equipoise[browser]'")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible_and_fits_a_phone(browser: Any, site: Path, path: str) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe is not installed: pip install 'equipoise[browser]'")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((site / path).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert not errors  # before axe, which asks for the style sheet once more
    found = Axe().run(page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"]) for v in found]
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


@pytest.mark.parametrize("width", [1200, 800])
def test_no_table_is_wider_than_the_page(browser: Any, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((site / CLAIMS / "index.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("name", [*FIXTURES, CLAIMS])
def test_the_sheet_for_the_doctor_is_one_page(browser: Any, site: Path, name: str) -> None:
    page = browser.new_page()
    page.goto((site / name / "print.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 672, "height": 1000})  # A4 less its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 672
    assert page.locator(".ruled li").count() >= 5
    page.close()
