"""A built page as a tree, read with the standard library: what the checks of the HTML walk over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
#: Elements whose text runs on in the sentence round them.
INLINE = frozenset(
    "a abbr b cite code del em i q s small span strong sub sup time tspan u wbr".split()  # noqa: SIM905
)
_SPACE = re.compile(r"\s+")


class Node:
    """An element: its tag, attributes, children (elements and texts) and the element round it."""

    __slots__ = ("attrs", "children", "parent", "tag")

    def __init__(self, tag: str, attrs: dict[str, str], parent: Node | None) -> None:
        self.tag = tag
        self.attrs = attrs
        self.children: list[Node | str] = []
        self.parent = parent

    @property
    def classes(self) -> frozenset[str]:
        """The names in its class attribute."""
        return frozenset(self.attrs.get("class", "").split())

    @property
    def id(self) -> str:
        """Its id, or an empty text."""
        return self.attrs.get("id", "")

    def walk(self) -> Iterator[Node]:
        """This element and every element in it, in the order of the page."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, *tags: str, css: str = "") -> list[Node]:
        """The elements in it with one of these tags (none: any) and, if given, that class."""
        return [
            n
            for n in self.walk()
            if n is not self and (not tags or n.tag in tags) and (not css or css in n.classes)
        ]

    def first(self, *tags: str, css: str = "") -> Node | None:
        """The first of :meth:`all`."""
        return next(iter(self.all(*tags, css=css)), None)

    def ancestors(self) -> Iterator[Node]:
        """The elements round it, from the nearest outwards."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def inside(self, *tags: str) -> bool:
        """Whether one of the elements round it has one of these tags."""
        return any(n.tag in tags for n in self.ancestors())

    def text(self, *, without: frozenset[str] = frozenset()) -> str:
        """Its text with single spaces; elements with a tag in `without` are left out."""
        return _SPACE.sub(" ", "".join(self._pieces(without))).strip()

    def _pieces(self, without: frozenset[str]) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in without:
                if child.tag not in INLINE:
                    yield " "
                yield from child._pieces(without)
                if child.tag not in INLINE:
                    yield " "

    def where(self) -> str:
        """A selector for people: the nearest id and the tag."""
        near = next((n.id for n in (self, *self.ancestors()) if n.id), "")
        here = self.tag + "".join(f".{c}" for c in sorted(self.classes)[:1])
        if self.id:
            return f"#{self.id}"
        return f"#{near} {here}" if near else here


class Document(HTMLParser):
    """A page: its tree, and what was wrong with its tags."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {}, None)
        self.faults: list[str] = []
        self._open = self.root
        self.feed(html)
        self.close()
        while self._open is not self.root and self._open.parent is not None:
            self.faults.append(f"<{self._open.tag}> is never closed")
            self._open = self._open.parent
        self.ids: dict[str, Node] = {}
        for node in self.root.walk():
            if node.id:
                if node.id in self.ids:
                    self.faults.append(f"two elements have the id {node.id!r}")
                self.ids.setdefault(node.id, node)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        node = Node(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(node)
        if tag not in VOID:
            self._open = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element that holds nothing."""
        node = Node(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(node)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if self._open.tag == tag and self._open.parent is not None:
            self._open = self._open.parent
            return
        self.faults.append(f"</{tag}> closes nothing, or <{self._open.tag}> is still open")
        for node in self._open.ancestors():
            if node.tag == tag and node.parent is not None:
                self._open = node.parent
                return

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self._open.children.append(data)

    def get(self, id: str) -> Node:
        """The element of that id; an empty one where the page has none."""
        return self.ids.get(id) or Node("", {}, None)
