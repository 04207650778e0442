"""Texts for a page: sentences with marked numbers, Markdown by people, ids, dates.

Two kinds of text are kept apart in the HTML. Text that people wrote is plain; a number that was
computed is a link to where it came from, or, where it has no entry of its own, a
``<span class="n">``. So a check of the built page can tell a typed number from a computed one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from html import escape
from urllib.parse import quote

from markupsafe import Markup

from equipoise.answer.wording import MONTHS
from equipoise.core.provenance import Cell, Quantity, pieces
from equipoise.core.table import Anchor, Link
from equipoise.review.markdown import is_https, is_mail

SOURCES = "sources.html"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_DIGIT = re.compile(r"\d")
_CELL = re.compile(r"(<td\b[^>]*>)(.*?)(</td>)", re.DOTALL)
_MARKED = re.compile(r"(<(?:a|span)\b[^>]*>.*?</(?:a|span)>)", re.DOTALL)


def name(text: str) -> str:
    """Write a text as part of an HTML id, with what an id cannot hold spelled out."""
    return _UNSAFE.sub(lambda found: f"_{ord(found.group()):x}_", text)


def quantity_id(id: str) -> str:
    """The id of a quantity's entry on the sources page."""
    return f"q-{name(id)}"


def cell_id(cell: Cell) -> str:
    """The id of a cell's entry on the sources page."""
    return f"c-{name(cell.file)}-{cell.line}-{name(cell.column)}"


def anchors(known: Collection[str], page: str = SOURCES) -> Anchor:
    """Make the writer of a table's quantities: a link where there is an entry, else a mark."""

    def anchor(q: Quantity, text: str) -> str:
        if q.id in known:
            return f'<a class="n" href="{page}#{quantity_id(q.id)}">{escape(text)}</a>'
        return f'<span class="n">{escape(text)}</span>'

    return anchor


def told(text: str, page: str = SOURCES) -> tuple[str | Link, ...]:
    """Turn a sentence with marked numbers into parts of a table's value."""
    return tuple(
        piece if id is None else Link(piece, f"{page}#{quantity_id(id)}")
        for piece, id in pieces(text)
    )


def said(text: str, page: str = SOURCES) -> Markup:
    """Write a computed sentence: marked numbers as links, other numbers as computed text."""
    out = []
    for piece, id in pieces(text):
        if id is not None:
            out.append(f'<a class="n" href="{page}#{quantity_id(id)}">{escape(piece)}</a>')
        elif _DIGIT.search(piece):
            out.append(f'<span class="n">{escape(piece)}</span>')
        else:
            out.append(escape(piece))
    return Markup("".join(out))


def computed(table: str) -> str:
    """Mark the numbers in a computed table's cells that are not yet links or marked as computed."""

    def text(piece: str) -> str:
        if piece.startswith("<") or not _DIGIT.search(piece):
            return piece
        return f'<span class="n">{piece}</span>'

    def cell(found: re.Match[str]) -> str:
        start, inner, end = found.groups()
        return start + "".join(text(piece) for piece in _MARKED.split(inner)) + end

    return _CELL.sub(cell, table)


def secure(url: str) -> bool:
    """Whether a link may stand on a page: https, a place on the same page, or a claim's."""
    return is_https(url) or bool(re.fullmatch(r"(claims\.html)?#[A-Za-z][\w.-]*", url))


def doi_url(doi: str) -> str:
    """The address of a DOI, with what a DOI may hold and an address may not spelled out."""
    return f"https://doi.org/{quote(doi, safe='/:;().,~')}"


def https(text: str) -> str:
    """An address that somebody typed, if it is one of the web; else ""."""
    clean = text.strip()
    return clean if is_https(clean) else ""


def contact(text: str) -> str:
    """The address of a contact as a link: https, or e-mail; "" for anything else."""
    clean = text.strip()
    if is_https(clean):
        return clean
    return f"mailto:{quote(clean, safe='@.+-_')}" if is_mail(clean) else ""


def markdown(text: str) -> Markup:
    """Write Markdown as HTML: no raw HTML, no pictures, links to https addresses only."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block"])
    reader.validateLink = secure  # type: ignore[method-assign]
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            # The page's own headings are h1 and h2: those of a section begin below them.
            token.tag = f"h{min(6, max(3, int(token.tag[1]) + 1))}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def day(text: str) -> str:
    """Write ``2026-11-22`` as ``22 November 2026`` and ``2009-07`` as ``July 2009``."""
    parts = text.split("-")
    if not all(p.isdigit() for p in parts) or len(parts) > 3:
        return text
    words = [parts[0]]
    if len(parts) > 1 and 1 <= int(parts[1]) <= 12:
        words.insert(0, MONTHS[int(parts[1]) - 1])
    if len(parts) > 2:
        words.insert(0, str(int(parts[2])))
    return " ".join(words)


def first_upper(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def ended(text: str) -> str:
    """The text as a sentence: with a capital and a full stop."""
    clean = first_upper(text.strip())
    return clean if not clean or clean[-1] in ".?!…" else f"{clean}."


def joined(words: Collection[str], last: str = "and") -> str:
    """Write a list in words: ``a, b and c``."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


#: What a template can call.
FILTERS: dict[str, Callable[..., object]] = {
    "said": said,
    "markdown": markdown,
    "day": day,
    "doi_url": doi_url,
    "contact": contact,
    "https": https,
    "first_upper": first_upper,
    "ended": ended,
    "joined": joined,
    "name": name,
    "quantity_id": quantity_id,
    "cell_id": cell_id,
}
