"""Claims on a page: their words in the prose lead to a page of their own, with the verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from equipoise.answer.claims import STATES, ClaimLine
from equipoise.present.prose import markdown, name

PAGE = "claims.html"

#: A glyph for each state, so that no colour carries it alone.
GLYPHS: dict[str, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "goes beyond": "↗",
    "not testable": "–",
}

_LINK = re.compile(r"\]\(claim:([^)\s]*)\)")
_WRITTEN = re.compile(rf'<a href="{re.escape(PAGE)}#claim-([^"]+)">(.*?)</a>', re.DOTALL)


def claim_id(id: str) -> str:
    """The id of a claim's place on its page."""
    return f"claim-{name(id)}"


def claimed(text: str, lines: Sequence[ClaimLine]) -> Markup:
    """Write prose as HTML; the words of a claim become a link with its state beside them."""
    by_id = {claim_id(line.id): line for line in lines}

    def link(found: re.Match[str]) -> str:
        return f"]({PAGE}#{claim_id(found[1])})"

    def mark(found: re.Match[str]) -> str:
        line = by_id.get(f"claim-{found[1]}")
        if line is None:
            return found[0]
        css = line.state.replace(" ", "-")
        return (
            f'<a class="claim claim-{css}" href="{PAGE}#claim-{found[1]}">{found[2]}'
            f' <span class="claim-state">{GLYPHS[line.state]} {line.state}</span></a>'
        )

    html = str(markdown(_LINK.sub(link, text)))
    return Markup(_WRITTEN.sub(mark, html))


def counted(lines: Sequence[ClaimLine]) -> str:
    """How many claims there are of each state, in words."""
    parts = [
        f"{number} {'go beyond' if state == 'goes beyond' and number != 1 else state}"
        for state in STATES
        if (number := sum(line.state == state for line in lines))
    ]
    return ", ".join(parts)
