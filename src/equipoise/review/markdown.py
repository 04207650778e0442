"""The article's text: its front matter, its lines without comments, its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Sections that article.md may have.
SECTIONS: tuple[str, ...] = ("treatment", "condition", "experience", "author-view", "claims")

#: The one that is opinion, and how many words it may have.
VIEW, VIEW_WORDS = "author-view", 120

_HEADING = re.compile(r"^##[ \t]+(?P<title>.*?)[ \t]*(?:\{#(?P<id>[^}]*)\})?[ \t]*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
#: Fences of the front matter, TOML at the very top of the article.
FENCE = "+++"

_HTTPS = re.compile(r"https://[^\s<>\"]+\Z")
_MAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+\Z")


def is_https(text: str) -> bool:
    """Whether a text is an address of the web that a page may link to."""
    return bool(_HTTPS.fullmatch(text))


def is_mail(text: str) -> bool:
    """Whether a text is an address of e-mail."""
    return bool(_MAIL.fullmatch(text))


def front_matter(text: str) -> tuple[str, int] | None:
    """The front matter of an article and the line of its closing fence; None without one.

    Its first line is blank, so that its lines are those of the file.
    """
    rows = text.replace("\r\n", "\n").split("\n")
    if rows[0].strip() != FENCE:
        return None
    end = next((i for i, row in enumerate(rows[1:], 1) if row.strip() == FENCE), None)
    return None if end is None else ("\n".join(["", *rows[1:end]]), end + 1)


def prose_lines(text: str) -> list[str]:
    """The lines of a Markdown text; what stands in comments or front matter is left blank."""
    unix = text.replace("\r\n", "\n")
    front = front_matter(unix)
    if front is not None:
        rows = unix.split("\n")
        unix = "\n".join([*([""] * front[1]), *rows[front[1] :]])
    return _COMMENT.sub(lambda m: "\n" * m[0].count("\n"), unix).split("\n")


def sections(text: str) -> Iterator[tuple[int, re.Match[str] | None, list[str]]]:
    """Yield line, heading (None before the first) and lines of each section, without comments."""
    line, heading, body = 1, None, list[str]()
    for number, row in enumerate(prose_lines(text), 1):
        found = _HEADING.match(row)
        if found:
            yield line, heading, body
            line, heading, body = number, found, []
        else:
            body.append(row)
    yield line, heading, body
