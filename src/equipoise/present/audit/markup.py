"""Checks 50 to 61: HTML that everybody can use. What needs a layout runs in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from equipoise.core.table import MINUS
from equipoise.present.audit.dom import Document, Node
from equipoise.present.audit.findings import Check, Finding, Subject

_BROWSER, _READING = "tests/browser/test_pages_in_a_browser.py", "tests/browser/test_reading.py"
_FIXTURES, _GREY = "tests/browser/test_fixture_pages.py", "tests/present/test_greyscale.py"
_VARIABLES = re.compile(r"--([a-z-]+):(#[0-9a-f]{3,6})")
#: Text on what it stands on (4.5), and marks on what they stand on (3), by the names in the style.
TEXT_ON: tuple[tuple[str, str], ...] = (
    *((text, ground) for text in ("ink", "soft-ink", "accent") for ground in ("ground", "card")),
    ("ink", "warn-ground"),
    ("ink", "accent-soft"),
    ("ink", "mark"),
    ("ink", "paper"),
    *((role, "paper") for role in ("benefit", "harm", "neutral", "unknown")),
    *(("ink", light) for light in ("good", "doubt", "bad")),
)
MARKS_ON: tuple[tuple[str, str], ...] = (("icon", "paper"),)
_HEADING = re.compile(r"h[1-6]")
_ESTIMATE = re.compile(rf"[{MINUS}-]?\d[\d,.]*\s*\([{MINUS}-]?\d[\d,.]* to [{MINUS}-]?\d[\d,.]*\)")
_FIGURES = re.compile(rf"{MINUS}?\d[\d,]*(?:\.\d+)?")
#: Elements that are coloured, and have to carry a sign or words of their own.
_COLOURED = ("glyph", "dots", "mark", "badge", "claim-state", "state")


def sound(subject: Subject) -> Iterator[Finding]:
    """Every element is closed where it should be and every id stands once."""
    for name in subject.pages:
        for fault in subject.document(name).faults:
            yield Finding(fault, "mend the template", name)


def frame(subject: Subject) -> Iterator[Finding]:
    """Language, title, one first heading, no level skipped, main and a link to it."""
    titles: dict[str, str] = {}
    for name in subject.pages:
        page = subject.document(name)
        for what in _frame_faults(page):
            yield Finding(what, "mend the template", name)
        title = _title(page)
        if title in titles:
            yield Finding(
                f"{titles[title]} has the same title: “{title}”", "a title for each page", name
            )
        titles[title] = name


def _title(page: Document) -> str:
    head = page.root.first("title")
    return "" if head is None else head.text()


def _frame_faults(page: Document) -> Iterator[str]:
    html = page.root.first("html")
    if html is None or not html.attrs.get("lang"):
        yield "no language"
    if not _title(page):
        yield "no title"
    levels = [int(n.tag[1]) for n in page.root.walk() if _HEADING.fullmatch(n.tag)]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings of the first level"
    before = 0
    for level in levels:
        if before and level > before + 1:
            yield f"a heading h{level} after h{before}"
        before = level
    if not page.root.all("main"):
        yield "no main element"
    skip = page.root.first("a", css="skip")
    if skip is None or not page.get(skip.attrs.get("href", "").lstrip("#")).tag:
        yield "no link that skips to the main part"


def drawings(subject: Subject) -> Iterator[Finding]:
    """Each drawing has a title and a description, and its figure the numbers as a table."""
    for name in subject.pages:
        for svg in subject.document(name).root.all("svg"):
            tags = [c.tag for c in svg.children if isinstance(c, Node)][:2]
            named = svg.attrs.get("aria-labelledby", "").split()
            known = subject.document(name).ids
            if tags != ["title", "desc"] or not named or not all(i in known for i in named):
                yield Finding(
                    "a drawing without title or description",
                    "title and desc first, named by aria-labelledby",
                    name,
                    place=svg.where(),
                )
        for figure in subject.document(name).root.all("figure"):
            if figure.all("svg") and not figure.all("table"):
                yield Finding(
                    "a drawing without its numbers as a table",
                    "a table in its figure",
                    name,
                    place=figure.where(),
                )
                continue
            listed = {n for t in figure.all("table") for n in _FIGURES.findall(t.text())}
            drawn = (t.text() for svg in figure.all("svg") for t in svg.all("text"))
            for told in dict.fromkeys(m for text in drawn for m in _ESTIMATE.findall(text)):
                if not listed.issuperset(_FIGURES.findall(told)):
                    yield Finding(
                        f"“{told}” is drawn and does not stand in the table",
                        "one source for both",
                        name,
                        place=figure.where(),
                    )


def headers(subject: Subject) -> Iterator[Finding]:
    """Tables have a caption and every heading says what it heads."""
    for name in subject.pages:
        for table in subject.document(name).root.all("table"):
            if table.first("caption") is None:
                yield Finding(
                    "a table without caption", "say what it holds", name, place=table.where()
                )
            elif not table.first("caption").text():  # type: ignore[union-attr]
                yield Finding("an empty caption", "say what it holds", name, place=table.where())
            if not table.all("th"):
                yield Finding("a table without headings", "th", name, place=table.where())
            for head in table.all("th"):
                if head.attrs.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                    yield Finding(
                        f"“{head.text()[:40]}” heads nothing", "scope", name, place=head.where()
                    )


def contrast(one: str, other: str) -> float:
    """Contrast of two colours by WCAG 2, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    full = digits if len(digits) == 6 else "".join(d * 2 for d in digits)
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _without_print(css: str) -> str:
    """A style without what is for paper."""
    start = css.find("@media print")
    while start >= 0:
        depth, end = 0, start
        for end in range(css.index("{", start), len(css)):
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            if depth == 0:
                break
        css = css[:start] + css[end + 1 :]
        start = css.find("@media print")
    return css


def palettes(css: str) -> dict[str, Mapping[str, str]]:
    """The colours of a style by name, on light and on dark ground."""
    css = _without_print(css)
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for block in re.finditer(r"(@media[^{]*\{)?:root\{([^}]*)\}", css):
        found = dict(_VARIABLES.findall(block[2]))
        if "dark" in (block[1] or ""):
            dark.update(found)
        elif not block[1]:
            light.update(found)
    return {"light": light, "dark": {**light, **dark}}


def readable(subject: Subject) -> Iterator[Finding]:
    """Colours of text and marks stand out from their ground, light and dark."""
    for scheme, colours in palettes(subject.css).items():
        for pairs, least in ((TEXT_ON, 4.5), (MARKS_ON, 3.0)):
            for front, ground in pairs:
                if front not in colours or ground not in colours:
                    if subject.css:
                        lost = front if front not in colours else ground
                        yield Finding(f"no colour is called {lost}", "name it", "style.css")
                    continue
                found = contrast(colours[front], colours[ground])
                if found < least:
                    yield Finding(
                        f"{front} on {ground}: contrast {found:.2f} ({scheme}), below {least}",
                        "another shade",
                        "style.css",
                    )


def not_colour_alone(subject: Subject) -> Iterator[Finding]:
    """What has a colour has a sign or a word too."""
    page = subject.document()
    answer = subject.section("short-answer")
    if not (answer.first(css="glyph") and answer.first(css="label")):
        yield Finding(
            "the answer has no sign beside its colour", "glyph and label", place="#short-answer"
        )
    for line in page.get("status").all("li"):
        mark = line.first(css="mark")
        if mark is None or not mark.text():
            yield Finding("a line without its sign", "a sign for each kind", place="#status li")
    for name in subject.pages:
        for css in _COLOURED:
            for node in subject.document(name).root.all(css=css):
                if not node.text() and css != "mark":
                    yield Finding(
                        f"something coloured ({css}) without a sign or a word",
                        "a sign or a word",
                        name,
                        place=node.where(),
                    )


def still(subject: Subject) -> Iterator[Finding]:
    """Nothing moves by itself, and nothing is shown only under a pointer."""
    css = subject.css
    if "scroll-behavior:smooth" in css and "prefers-reduced-motion" not in css:
        yield Finding(
            "smooth scrolling for everybody", "only where no less motion is asked for", "style.css"
        )
    if re.search(r"\banimation(?:-\w+)?\s*:|@keyframes", css):
        yield Finding("an animation", "leave it out", "style.css")
    if re.search(r"\btransition(?:-\w+)?\s*:", css) and "prefers-reduced-motion" not in css:
        yield Finding(
            "something that slides for everybody",
            "only where no less motion is asked for",
            "style.css",
        )
    if re.search(
        r":hover[^{]*\{[^}]*(?:display|visibility|content|opacity|height|clip-path|left)\s*:", css
    ):
        yield Finding("something is shown under a pointer only", "show it always", "style.css")
    for name in subject.pages:
        moving = ("video", "audio", "marquee", "blink", "animate", "animatetransform", "set")
        for node in subject.document(name).root.walk():
            if node.tag in moving:
                yield Finding(f"<{node.tag}>", "leave it out", name, place=node.where())
            if "autoplay" in node.attrs:
                yield Finding("it plays by itself", "no autoplay", name, place=node.where())
            if "title" in node.attrs and node.tag not in ("link", "abbr"):
                yield Finding(
                    f"“{node.attrs['title'][:40]}” is shown under a pointer only",
                    "write it on the page",
                    name,
                    place=node.where(),
                )


CHECKS: tuple[Check, ...] = (
    Check(
        50,
        "error",
        "page",
        "Sound HTML",
        "Elements closed, ids once; the whole standard by the Nu HTML Checker in "
        "tests/browser/test_html.py.",
        sound,
    ),
    Check(
        51,
        "error",
        "browser",
        "axe finds nothing",
        "WCAG 2 A and AA, 2.1, 2.2 and best practice, light and dark, on every page of a site.",
        runs=(
            f"{_BROWSER}::test_axe_finds_nothing",
            f"{_FIXTURES}::test_each_page_is_accessible_and_fits_a_phone",
            f"{_FIXTURES}::test_each_shipped_page_is_accessible_and_fits_a_phone",
        ),
    ),
    Check(
        52,
        "error",
        "page",
        "The frame of each page",
        "Language, its own title, one first heading, no level skipped, main, a link to it.",
        frame,
    ),
    Check(
        53,
        "error",
        "page",
        "Drawings in words and numbers",
        "Title, description, and a table in the figure with each estimate that is drawn.",
        drawings,
    ),
    Check(
        54,
        "error",
        "page",
        "Tables",
        "A caption, headings, and every heading with its scope.",
        headers,
    ),
    Check(
        55,
        "error",
        "page",
        "Contrast of the colours",
        "Text 4.5 and marks 3 against their ground, light and dark, computed by WCAG 2.",
        readable,
    ),
    Check(
        56,
        "error",
        "page",
        "Never colour alone",
        "A sign or a word with each colour.",
        not_colour_alone,
    ),
    Check(
        57,
        "warning",
        "browser",
        "Layout",
        "Contrast as drawn, targets of 24, 320 px wide, zoomed to 200 %, wider spacing of words.",
        runs=(
            f"{_BROWSER}::test_axe_finds_nothing",
            f"{_FIXTURES}::test_each_page_is_accessible_and_fits_a_phone",
            f"{_READING}::test_a_phone_cuts_nothing_off_and_needs_no_sideways_scrolling",
            f"{_READING}::test_at_twice_the_size_nothing_is_lost_or_cut_off",
            f"{_READING}::test_larger_words_and_wider_spacing_are_not_cut_off",
        ),
    ),
    Check(
        58,
        "warning",
        "browser",
        "Keyboard",
        "Focus is seen, in order, not hidden; folded parts open.",
        runs=(
            f"{_READING}::test_the_keyboard_reaches_every_link_in_order_and_shows_where_it_is",
            f"{_READING}::test_the_keyboard_walks_a_fixture",
            f"{_READING}::test_the_keyboard_opens_what_is_folded_and_goes_into_it",
        ),
    ),
    Check(
        59,
        "warning",
        "browser",
        "Without scripts",
        "The same text.",
        runs=(f"{_READING}::test_without_scripts_the_words_are_the_same",),
    ),
    Check(
        60,
        "warning",
        "browser",
        "On paper",
        "Nothing cut off, folded parts open, not too many sheets, colours told apart in grey or by "
        "a second sign.",
        runs=(
            f"{_READING}::test_on_paper_nothing_is_cut_off_and_every_table_is_whole",
            f"{_READING}::test_what_is_folded_is_shown_on_paper",
            f"{_BROWSER}::test_printed_it_is_whole_and_not_too_long",
            f"{_FIXTURES}::test_the_sheet_for_the_doctor_is_one_page",
            f"{_GREY}::test_what_a_colour_says_is_said_in_grey",
            f"{_GREY}::test_what_an_answer_draws_is_told_apart_in_grey",
        ),
    ),
    Check(
        61,
        "error",
        "page",
        "Nothing moves, nothing hides",
        "No animation, and nothing that only a pointer shows.",
        still,
    ),
)
