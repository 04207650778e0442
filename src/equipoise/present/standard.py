"""What a standard's item is, what was found for it, and the page as the items read it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal

from equipoise.answer.answer import Answer
from equipoise.core.provenance import plain
from equipoise.core.result import Result

StandardState = Literal["met", "not met", "needs a person", "not done", "not applicable"]
#: The states as a page lists them, those that ask for something first.
STANDARD_STATES: tuple[StandardState, ...] = (
    "not met",
    "needs a person",
    "not done",
    "met",
    "not applicable",
)

_VOID = frozenset(
    {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "path", "source", "wbr"}
)
_SPACE = re.compile(r"\s+")
#: Elements that do not end a word.
_INLINE = frozenset({"a", "abbr", "b", "em", "i", "span", "strong", "sub", "sup", "time"})


class Page(HTMLParser):
    """The main page by its ids and terms, beside the answer and the other files.

    Attributes
    ----------
    answer, files
        As given.
    terms
        What stands behind each term of the page's lists of facts, such as ``Search``.
    """

    def __init__(self, answer: Answer, files: Mapping[str, bytes]) -> None:
        super().__init__(convert_charrefs=True)
        self.answer = answer
        self.files = files
        self.html = files.get("index.html", b"").decode("utf-8")
        self.ids: dict[str, list[str]] = {"": []}
        self.tags: dict[str, Counter[str]] = {"": Counter()}
        self.terms: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self._term = ""
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; its classes count as tags with a dot."""
        given = dict(attrs)
        id = given.get("id") or ""
        names = [tag, *(f"{tag}.{c}" for c in (given.get("class") or "").split())]
        for around in self._around():
            self.tags[around].update(names)
        if tag not in _INLINE:
            self._say(" ")
        if tag in _VOID:
            return
        self._open.append((tag, id))
        if id:
            self.ids.setdefault(id, [])
            self.tags.setdefault(id, Counter())
        if tag == "dt":
            self._term = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        """Close the nearest open element of that tag."""
        for i in range(len(self._open) - 1, -1, -1):
            if self._open[i][0] == tag:
                del self._open[i:]
                break
        if tag not in _INLINE:
            self._say(" ")

    def handle_data(self, data: str) -> None:
        """Keep a text for every element with an id round it."""
        tags = [tag for tag, _ in self._open]
        if "script" in tags or "style" in tags:
            return
        self._say(data)
        if "dt" in tags:
            self._term = (self._term + data).strip()
            self.terms.setdefault(self._term, "")
        elif "dd" in tags and self._term:
            self.terms[self._term] = self.terms.get(self._term, "") + data

    def _around(self) -> set[str]:
        return {"", *(id for _, id in self._open if id)}

    def _say(self, text: str) -> None:
        for id in self._around():
            self.ids[id].append(text)

    def text(self, id: str = "") -> str:
        """The text of the element of that id (the whole page: no id), with single spaces."""
        return _SPACE.sub(" ", "".join(self.ids.get(id, ()))).strip()

    def words(self, id: str) -> int:
        """How many words stand there."""
        return len(self.text(id).split())

    def count(self, id: str, tag: str) -> int:
        """How many elements of a tag (``table``) or tag and class (``table.facts``) are in it."""
        return self.tags.get(id, Counter())[tag]

    def term(self, name: str) -> str:
        """What the list of facts says of a term; "" where it says nothing."""
        return _SPACE.sub(" ", self.terms.get(name, "")).strip()

    def drawn(self, kind: str, outcome: str) -> bool:
        """Whether the page has a figure of that kind (``forest``) for an outcome."""
        return f"{kind}-{outcome.replace('_', '-')}" in self.ids

    def says(self, text: str, id: str = "") -> bool:
        """Whether a text that is not empty stands there, whatever its capitals and spaces."""
        bare = _SPACE.sub(" ", plain(text)).strip().rstrip(".").casefold()
        return bool(bare) and bare in self.text(id).casefold()

    def says_all(self, texts: Iterable[str], id: str = "") -> bool:
        """Whether all of them stand there."""
        return all(self.says(t, id) for t in texts)


#: What an item finds: its state, and why where it is not met.
Found = tuple[StandardState, str]
Look = Callable[[Page], Found]


@dataclass(frozen=True, slots=True)
class StandardItem:
    """One item of a published standard, in this project's own short words.

    Attributes
    ----------
    standard, number
        Its list and its number there, such as ``PRISMA 2020`` and ``13a``.
    words
        What it asks for.
    place
        Where the page or the folder answers it: a selector, a file of the folder, or "".
    look
        Finds its state.
    """

    standard: str
    number: str
    words: str
    place: str
    look: Look

    @property
    def name(self) -> str:
        """Its name in messages, such as ``PRISMA 2020 13a``."""
        return f"{self.standard} {self.number}"


@dataclass(frozen=True, slots=True)
class StandardResult(Result):
    """An item, and what was found for it on one page."""

    item: StandardItem
    state: StandardState
    why: str

    @property
    def place(self) -> str:
        """Where the item is answered."""
        return self.item.place

    def __repr__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"<{self.item.name} {self.state}{why}>"


def met(holds: bool, why: str) -> Found:
    """Met, or not and why."""
    return ("met", "") if holds else ("not met", why)


def never(why: str) -> Look:
    """For an item that does not apply to this kind of page."""
    return lambda _: ("not applicable", why)


def person(why: str) -> Look:
    """For an item that no program can see."""
    return lambda _: ("needs a person", why)


def undone(why: str) -> Look:
    """For something that was not done, and that the page does not claim."""
    return lambda _: ("not done", why)


def holds(test: Callable[[Page], bool], why: str) -> Look:
    """For an item that is met or not by one test."""
    return lambda page: met(test(page), why)
