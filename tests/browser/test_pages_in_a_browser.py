"""The pages in a real browser: no errors or requests, accessible, narrow, scriptless, printed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from whole import missing

from equipoise.answer.assess import assess
from equipoise.present.analysis import analyse
from equipoise.review.folder import open_review
from equipoise.site.build import build

pytestmark = pytest.mark.browser

REVIEWS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")
PAGES = ("index.html", f"{REVIEWS[0]}/index.html", f"{REVIEWS[0]}/sources.html", "404.html")
#: Reports of `analyse`: one comparison with everything that is drawn of it, and a network.
REPORTS = ("report/index.html", "network/index.html")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    named = os.environ.get("EQUIPOISE_CHROMIUM", "")
    program = next((p for n in (named, *PROGRAMS) if n and (p := shutil.which(n))), None)
    if program is None:
        missing("no Chromium was found: install it or set EQUIPOISE_CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install 'equipoise[browser]'")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; only our own files are opened.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    build([assess(open_review(name), on=date(2026, 11, 22)) for name in REVIEWS], out)
    report(out, "report", "study,year,events1,n1,events2,n2,dose", trials(27), mods="~ dose")
    report(out, "network", "study,treatment,events,n", groups(12), reference="none")
    return out


def report(out: Path, name: str, head: str, rows: list[str], **asked: str) -> None:
    """Analyse a table and save the report in a folder of that name."""
    path = out.parent / f"{name}.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    analyse(path, measure="OR", better="lower", **asked).save(out / name)  # type: ignore[arg-type]


def trials(k: int) -> list[str]:
    return [
        f"Trial {i},{1960 + i},{3 + i % 7},{90 + 9 * i},{6 + i % 11},{95 + 9 * i},{i % 5}"
        for i in range(k)
    ]


def groups(k: int) -> list[str]:
    names = ("none", "cream", "a course of tablets")
    return [
        f"Trial {i},{names[(i + j) % 3]},{3 + (i + 2 * j) % 9},{80 + 7 * i}"
        for i in range(k)
        for j in range(2)
    ]


@dataclass
class Visit:
    """An open page and everything that went wrong or out while it loaded."""

    page: Any
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def visit(chromium: Any, site: Path) -> Iterator[Any]:
    contexts = []

    def opened(path: str, *, width: int = 1280, **options: Any) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda m: seen.console.append(f"{m.type}: {m.text}"))
        seen.page.on("pageerror", lambda e: seen.console.append(str(e)))
        seen.page.on("requestfailed", lambda r: seen.failed.append(r.url))
        seen.page.on("request", lambda r: seen.asked.append(r.url))
        seen.page.goto((site / path).as_uri())
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", [*PAGES, *REPORTS])
def test_nothing_goes_wrong_and_nothing_goes_out(visit: Any, path: str) -> None:
    seen = visit(path)
    assert not seen.console
    assert not seen.failed
    assert any(".css" in url for url in seen.asked)
    assert all(url.startswith(("file:", "data:")) for url in seen.asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES[:3], *REPORTS])
def test_axe_finds_nothing(visit: Any, path: str, scheme: str) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe is not installed: pip install 'equipoise[browser]'")
    # The page's policy allows no script; axe is one, so the policy is set aside for it.
    seen = visit(path, color_scheme=scheme, bypass_csp=True)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(seen.page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"]) for v in found]


@pytest.mark.parametrize("path", [*PAGES, *REPORTS])
def test_a_narrow_screen_needs_no_sideways_scrolling(visit: Any, path: str) -> None:
    page = visit(path, width=320).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_scripts_the_text_is_the_same(visit: Any) -> None:
    with_scripts = visit(PAGES[1]).page.inner_text("body")
    without = visit(PAGES[1], java_script_enabled=False).page.locator("body").inner_text()
    assert len(without) > 5000
    assert without == with_scripts


def test_the_answer_is_on_the_first_screen(visit: Any) -> None:
    for width, most in ((1280, 620), (360, 760)):
        box = visit(PAGES[1], width=width).page.locator(".verdict h2").bounding_box()
        assert box["y"] + box["height"] < most


def test_the_keyboard_reaches_the_answer_and_shows_where_it_is(visit: Any) -> None:
    page = visit(PAGES[1]).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_number_leads_to_its_entry(visit: Any) -> None:
    page = visit(PAGES[1]).page
    page.locator("#fact-box a.n").first.click()
    page.wait_for_url("**/sources.html#q-*")
    entry = page.locator(f"[id='{page.url.split('#')[1]}']")
    assert entry.is_visible()
    assert "Rests on" in entry.inner_text() or "From" in entry.inner_text()


def test_printed_it_is_whole_and_not_too_long(visit: Any) -> None:
    page = visit(PAGES[1], width=680).page
    page.emulate_media(media="print")
    assert page.locator(".stack").first.is_visible()
    assert not page.locator(".toc").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 5 <= sheets <= 40


@pytest.mark.parametrize(("path", "folded"), [(REPORTS[0], 3), (REPORTS[1], 0)])
def test_a_printed_report_shows_folded_figures(visit: Any, path: str, folded: int) -> None:
    page = visit(path, width=680).page
    hidden = page.locator("section > details .figure .wide")
    assert hidden.count() == folded
    page.emulate_media(media="print")
    assert all(hidden.nth(i).is_visible() for i in range(folded))
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 3 <= sheets <= 20


def test_on_a_phone_each_figure_is_the_narrow_one(visit: Any) -> None:
    page = visit(REPORTS[0], width=375).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    figures = page.locator("figure.figure")
    for i in range(figures.count()):
        assert figures.nth(i).locator(".narrow").is_visible()
        assert not figures.nth(i).locator(".wide").is_visible()
        width = figures.nth(i).locator(".narrow svg").bounding_box()["width"]
        # The smallest words are 12 of 320: on the screen they are no smaller than 11 pixels.
        assert 12 * width / 320 >= 11


def test_dark_is_dark(visit: Any) -> None:
    def brightness(scheme: str) -> int:
        colour = visit(PAGES[1], color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert brightness("dark") < 150 < 650 < brightness("light")
