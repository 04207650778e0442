"""The pages in a real browser: no errors or requests, accessible, narrow, scriptless, printed."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.browser

REVIEWS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")
PAGES = ("index.html", f"{REVIEWS[0]}/index.html", f"{REVIEWS[0]}/sources.html", "404.html")
#: Reports of `analyse`: one comparison with everything that is drawn of it, and a network.
REPORTS = ("report/index.html", "network/index.html")


@pytest.mark.parametrize("path", [*PAGES, *REPORTS])
def test_nothing_goes_wrong_and_nothing_goes_out(visit: Any, path: str) -> None:
    seen = visit(path)
    assert not seen.console
    assert not seen.failed
    assert any(".css" in url for url in seen.asked)
    assert all(url.startswith(("file:", "data:")) for url in seen.asked)


@pytest.mark.parametrize("path", [PAGES[0], *REPORTS])
def test_axe_finds_nothing(visit: Any, path: str) -> None:
    # The page's policy allows no script; axe is one, so the policy is set aside for it.
    assert not visit(path, bypass_csp=True).axe_in_both_schemes()


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
    assert page.locator(".grid.stack").first.is_visible()
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
    page = visit(REPORTS[0], width=375).unfold()
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


@pytest.mark.parametrize("width", [1280, 320])
def test_a_stacked_table_is_a_table_to_a_screen_reader(visit: Any, width: int) -> None:
    page = visit(PAGES[1], width=width).unfold()
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [n["role"]["value"] for n in tree if "role" in n and not n.get("ignored")]
    for role, selector in (
        ("table", "table"),
        ("row", "tr"),
        ("columnheader", "thead th"),
        ("rowheader", "tbody th"),
        ("cell", "td:not(:empty)"),
    ):
        assert roles.count(role) >= page.locator(selector).count() > 0


def test_axe_sees_what_is_wrong(visit: Any) -> None:
    seen = visit("404.html", bypass_csp=True)
    seen.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [rule for rule, _ in seen.axe()] == ["image-alt"]
