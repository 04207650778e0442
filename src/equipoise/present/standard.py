"""What a standard's item is, what was found for it, and the page as the items read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from equipoise.answer.answer import Answer
from equipoise.core.provenance import plain
from equipoise.core.result import Result
from equipoise.present.audit.dom import Document, Node

StandardState = Literal["met", "not met", "needs a person", "not done", "not applicable"]
#: The states as a page lists them, those that ask for something first.
STANDARD_STATES: tuple[StandardState, ...] = (
    "not met",
    "needs a person",
    "not done",
    "met",
    "not applicable",
)

_SPACE = re.compile(r"\s+")
#: Elements that hold no words for readers.
_SILENT = frozenset({"script", "style"})


class Page:
    """The main page by its ids and terms, beside the answer and the other files.

    Attributes
    ----------
    answer, files
        As given.
    html
        The main page.
    """

    def __init__(self, answer: Answer, files: Mapping[str, bytes]) -> None:
        self.answer = answer
        self.files = files
        self.html = files.get("index.html", b"").decode("utf-8")
        self._document = Document(self.html)
        self._texts: dict[str, str] = {}

    def _element(self, id: str) -> Node:
        return self._document.get(id) if id else self._document.root

    def text(self, id: str = "") -> str:
        """The text of the element of that id (the whole page: no id), with single spaces."""
        if id not in self._texts:
            self._texts[id] = self._element(id).text(without=_SILENT)
        return self._texts[id]

    def words(self, id: str) -> int:
        """How many words stand there."""
        return len(self.text(id).split())

    def count(self, id: str, tag: str) -> int:
        """How many elements of a tag (``table``) or tag and class (``table.facts``) are in it."""
        name, _, css = tag.partition(".")
        return len(self._element(id).all(name, css=css))

    def term(self, name: str) -> str:
        """What the list of facts says of a term; "" where it says nothing."""
        for head in self._document.root.all("dt"):
            if head.text() == name and head.parent is not None:
                return " ".join(n.text() for n in head.parent.all("dd"))
        return ""

    def drawn(self, kind: str, outcome: str) -> bool:
        """Whether the page has a figure of that kind (``forest``) for an outcome."""
        return f"{kind}-{outcome.replace('_', '-')}" in self._document.ids

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
