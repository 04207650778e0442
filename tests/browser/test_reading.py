"""Ways of reading: enlarged, by keyboard, without scripts, on paper. Nothing is lost in any."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES
from whole import library

pytestmark = pytest.mark.browser

SHIPPED = "prolotherapy-low-back-pain"
#: Every kind of page there is.
KINDS = (
    "index.html",
    f"{SHIPPED}/index.html",
    f"{SHIPPED}/sources.html",
    f"{SHIPPED}/claims.html",
    f"{SHIPPED}/print.html",
    "report/index.html",
    "network/index.html",
)
#: Text that is as wide as A4 less its margins, in CSS pixels.
PAPER = 672

#: What is cut off: boxes that stick out of the page, text out of a box that hides what is too
#: much, words of a figure out of its drawing. A box that scrolls by itself is not cut off.
CUT_OFF = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  const say = (why, e) => found.push(why + ': ' + e.tagName + ' ' + e.textContent.slice(0, 60));
  for (const e of document.querySelectorAll('body *')) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || e.closest('.skip, .scroll, pre, thead')) continue;
    const style = getComputedStyle(e);
    if (style.visibility === 'hidden' || style.clipPath !== 'none') continue;
    if (e.tagName === 'text') {
      const frame = e.ownerSVGElement.getBoundingClientRect();
      if (box.left < frame.left - 2 || box.right > frame.right + 2) say('out of its figure', e);
    } else if (!e.ownerSVGElement) {
      if (box.right > wide + 1 || box.left < -1) say('out of the page', e);
      const hides = ['hidden', 'clip'].includes(style.overflowX);
      if (hides && e.scrollWidth > e.clientWidth + 1) say('cut off', e);
    }
  }
  return found;
}"""

#: The words that a reader sees, figures set aside: those have a wide and a narrow drawing.
WORDS = """() => {
  const seen = [];
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (e.closest('svg, thead') || !e.checkVisibility()) continue;
    seen.push(walk.currentNode.data);
  }
  return seen.join(' ').replace(/\\s+/g, ' ');
}"""

#: Spacing that a reader may set. Source: WCAG 2.2, success criterion 1.4.12.
SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
word-spacing: .16em !important } p { margin-bottom: 2em !important }"""


@pytest.mark.parametrize("path", KINDS)
def test_at_twice_the_size_nothing_is_lost_or_cut_off(visit: Any, path: str) -> None:
    words = visit(path).unfold().evaluate(WORDS)
    page = visit(path, width=640, height=450, device_scale_factor=2).unfold()
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert page.evaluate(WORDS) == words


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_at_twice_the_size(visit: Any, fixtures: Path, name: str) -> None:
    page = visit(f"{name}/index.html", root=fixtures, width=640, device_scale_factor=2).unfold()
    assert page.evaluate(CUT_OFF) == []


def roomy(page: Any) -> None:
    """Words twice as large, then with all the spacing that a reader may set, on a phone."""
    style = page.add_style_tag(content="html { font-size: 200% }")
    assert page.evaluate(CUT_OFF) == []
    style.evaluate("e => e.remove()")
    page.add_style_tag(content=SPACING)
    page.set_viewport_size({"width": 320, "height": 800})
    assert [e for e in page.evaluate(CUT_OFF) if not e.startswith("out of its figure")] == []


@pytest.mark.parametrize("path", KINDS)
def test_larger_words_and_wider_spacing_are_not_cut_off(visit: Any, path: str) -> None:
    roomy(visit(path, bypass_csp=True).unfold())


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_with_larger_words_and_wider_spacing(
    visit: Any, fixtures: Path, name: str
) -> None:
    roomy(visit(f"{name}/index.html", root=fixtures, bypass_csp=True).unfold())


@pytest.mark.parametrize("path", [*KINDS, "404.html"])
def test_a_phone_cuts_nothing_off_and_needs_no_sideways_scrolling(visit: Any, path: str) -> None:
    page = visit(path, width=320).unfold()
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_is_cut_off_is_seen(visit: Any) -> None:
    page = visit(f"{SHIPPED}/claims.html", bypass_csp=True).page
    assert page.evaluate(CUT_OFF) == []
    wrong = "h1 { width: 90rem } .lead { overflow: hidden; white-space: nowrap; width: 3rem }"
    page.add_style_tag(content=wrong)
    found = page.evaluate(CUT_OFF)
    assert {e.split(":")[0] for e in found} == {"out of the page", "cut off"}


# --- by keyboard ----------------------------------------------------------------------------------

#: What the keyboard is to reach, in the order of the page: links and what can be opened.
REACHABLE = """() => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120))"""
#: Where the focus is: the element, whether its mark is seen, whether something lies over it.
FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const box = [...e.getClientRects()].find(r => r.width && r.height);
  if (e === document.body || !box) return null;
  const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {
    html: e.outerHTML.slice(0, 120),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: over !== null && (e.contains(over) || over.contains(e)),
  };
}"""


def walked(page: Any, most: int) -> list[dict[str, Any]]:
    """Press Tab from the start of the page to its end."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        place = page.evaluate(FOCUS)
        if place is None:
            break
        found.append(place)
    return found


def all_reached(page: Any) -> None:
    # Smooth scrolling would move the page under the question of what lies where.
    page.emulate_media(reduced_motion="reduce")
    wanted = page.evaluate(REACHABLE)
    found = walked(page, len(wanted) + 5)
    assert [place["html"] for place in found] == wanted
    assert "skip" in found[0]["html"]
    assert [p["html"] for p in found if not p["marked"]] == []
    assert [p["html"] for p in found if not p["seen"]] == []


@pytest.mark.parametrize("path", [KINDS[0], KINDS[1], "network/index.html"])
def test_the_keyboard_reaches_every_link_in_order_and_shows_where_it_is(
    visit: Any, path: str
) -> None:
    all_reached(visit(path).page)


@pytest.mark.parametrize("name", FIXTURES)
def test_the_keyboard_walks_a_fixture(visit: Any, fixtures: Path, name: str) -> None:
    # On a phone or on a desk, in turn.
    width = (320, 1280)[list(FIXTURES).index(name) % 2]
    all_reached(visit(f"{name}/index.html", root=fixtures, width=width).page)


def test_the_keyboard_opens_what_is_folded_and_goes_into_it(visit: Any) -> None:
    page = visit(KINDS[1]).page
    folded = page.locator("details:has(table a[href])").first
    folded.locator("summary").focus()
    assert not folded.evaluate("e => e.open")
    page.keyboard.press("Enter")
    assert folded.evaluate("e => e.open")
    page.keyboard.press("Tab")
    assert folded.evaluate("e => e.contains(document.activeElement)")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert not folded.evaluate("e => e.open")


# --- without scripts ------------------------------------------------------------------------------


def same_without_scripts(visit: Any, path: str, **where: Any) -> None:
    with_scripts = visit(path, **where).page.inner_text("body")
    without = visit(path, java_script_enabled=False, **where).page.locator("body").inner_text()
    assert without == with_scripts
    assert len(without) > 200


@pytest.mark.parametrize("path", KINDS)
def test_without_scripts_the_words_are_the_same(visit: Any, path: str) -> None:
    same_without_scripts(visit, path)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_without_scripts(visit: Any, fixtures: Path, name: str) -> None:
    same_without_scripts(visit, f"{name}/index.html", root=fixtures)


# --- the walk of a number -------------------------------------------------------------------------


def test_a_reader_walks_from_the_answer_to_the_publication(visit: Any) -> None:
    page = visit(f"{SHIPPED}/index.html", reduced_motion="reduce").page

    def follow(selector: str, place: str) -> Any:
        page.locator(selector).first.click()
        page.wait_for_url(place)
        here = page.locator(f"[id='{page.url.partition('#')[2]}']")
        assert here.is_visible()
        return here

    follow("a[href='sources.html#verdict']", "**/sources.html#verdict")
    difference = follow("#verdict a:has-text('difference')", "**#q-pain.difference")
    assert "the answer" in difference.inner_text()
    follow("[id='q-pain.difference'] a:has-text('mean difference')", "**#q-pain.effect")
    trial = follow("[id='q-pain.effect'] a:has-text('Yelland 2004')", "**#t-pain.yelland2004")
    assert re.search(r"\d+% of the pooled effect", trial.inner_text())
    cell = follow("[id='t-pain.yelland2004'] a:has-text('mean =')", "**#c-results.csv-*")
    row = page.locator(f"tr:has([id='{cell.get_attribute('id')}'])")
    assert "doi:10." in row.inner_text()
    assert "Yelland 2004 in Pain intensity" in row.inner_text()
    row.locator("a[href='index.html#ref-yelland2004']").click()
    page.wait_for_url("**/index.html#ref-yelland2004")
    assert page.locator("#ref-yelland2004").is_visible()


# --- on paper -------------------------------------------------------------------------------------

#: For each table that is printed: the first words of its last row.
LAST_ROWS = """() => [...document.querySelectorAll('table')].filter(e => e.checkVisibility())
  .map(e => [...e.rows].pop().cells[0].innerText)"""
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3')]
  .filter(e => e.checkVisibility()).map(e => e.innerText)"""


def bare(text: str) -> str:
    """Letters and digits only: line ends, ligatures and hyphens are the printer's."""
    plain = unicodedata.normalize("NFKC", text)
    return re.sub(r"\W+", "", plain).casefold()


def printed(page: Any) -> str:
    """The words on paper, all folds closed as a reader left them."""
    pypdf = library("pypdf", "browser")
    sheets = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    return bare("".join(sheet.extract_text() for sheet in sheets))


def whole_on_paper(page: Any) -> None:
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate(CUT_OFF) == []
    wanted = page.evaluate(LAST_ROWS) + page.evaluate(HEADINGS)
    text = printed(page)
    assert [words for words in wanted if bare(words) not in text] == []


@pytest.mark.parametrize("path", [KINDS[1], *KINDS[3:]])
def test_on_paper_nothing_is_cut_off_and_every_table_is_whole(visit: Any, path: str) -> None:
    whole_on_paper(visit(path).page)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_on_paper_is_whole(visit: Any, fixtures: Path, name: str) -> None:
    whole_on_paper(visit(f"{name}/index.html", root=fixtures).page)


def test_what_is_folded_is_shown_on_paper(visit: Any) -> None:
    page = visit(KINDS[1]).page
    folded = page.locator("section details table:not(.figure table)")
    assert not any(folded.nth(i).is_visible() for i in range(folded.count()))
    page.emulate_media(media="print")
    assert folded.count() > 10
    assert all(folded.nth(i).is_visible() for i in range(folded.count()))


def test_the_page_of_sources_is_not_cut_off_on_paper(visit: Any) -> None:
    page = visit(KINDS[2], width=PAPER).page
    page.emulate_media(media="print")
    assert page.evaluate(CUT_OFF) == []
