"""What is new, as an Atom feed: an entry for each version of each answer.

Source: RFC 4287. An entry's id never changes (RFC 4151), and its date is that of the version, so a
feed reader tells of an answer again only when the answer itself was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit
from xml.etree import ElementTree

from equipoise.answer.answer import Answer
from equipoise.answer.wording import LABELS
from equipoise.core.provenance import plain
from equipoise.review.records import Change

ATOM = "http://www.w3.org/2005/Atom"


def feed(answers: Sequence[Answer], base: str, *, path: str, title: str) -> bytes:
    """Write the feed of these answers, the newest version first.

    Parameters
    ----------
    answers
        The answers, at least one.
    base
        Address of the site, ending in a slash.
    path
        Where the feed lies under it, such as ``feed.xml``.
    title
        Its title.
    """
    root = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(root, "id", base + path)
    _add(root, "title", title)
    told = sorted(
        ((change, a) for a in answers for change in _versions(a)),
        key=lambda pair: (pair[0].on, pair[1].slug, pair[0].version),
        reverse=True,
    )
    _add(root, "updated", _moment(told[0][0].on))
    ElementTree.SubElement(root, "link", {"rel": "self", "href": base + path})
    here = base + path.removesuffix("feed.xml")
    ElementTree.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": here})
    for change, answer in told:
        _entry(root, change, answer, base)
    ElementTree.indent(root, " ")
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _entry(root: ElementTree.Element, change: Change, a: Answer, base: str) -> None:
    entry = ElementTree.SubElement(root, "entry")
    host = urlsplit(base).hostname
    _add(entry, "id", f"tag:{host},{_first(a)}:{a.slug}/{change.version}")
    _add(entry, "title", f"{a.title} Version {change.version}")
    _add(entry, "updated", _moment(change.on))
    link = {"rel": "alternate", "type": "text/html", "href": f"{base}{a.slug}/"}
    ElementTree.SubElement(entry, "link", link)
    for person in a.review.people:
        if "author" in person.roles:
            _add(ElementTree.SubElement(entry, "author"), "name", person.name)
    if entry.find("author") is None:
        _add(ElementTree.SubElement(entry, "author"), "name", "Equipoise")
    for category in a.review.categories:
        ElementTree.SubElement(entry, "category", {"term": category})
    _add(entry, "summary", _summary(change, a))


def _summary(change: Change, a: Answer) -> str:
    """What was changed; of the newest version also what the answer is now."""
    parts = [change.what.rstrip(".") + "."]
    if change.verdict_before:
        labels: dict[str, str] = {code: told[0] for code, told in LABELS.items()}
        before = labels.get(change.verdict_before, change.verdict_before)
        parts.append(f"The answer before was: {before}.")
    if change is _versions(a)[-1]:
        v = a.verdict
        heading = f"{v.heading}: " if v.heading else ""
        parts.append(f"{heading}{v.label}. {plain(v.sentence)}")
    return " ".join(parts)


def _versions(a: Answer) -> tuple[Change, ...]:
    """Its versions from the oldest; without a history the one that it has."""
    r = a.review
    made = r.changes or (Change(version=r.version, on=r.updated, what="This version."),)
    return tuple(sorted(made, key=lambda c: c.on))


def _first(a: Answer) -> str:
    return _versions(a)[0].on


def _moment(day: str) -> str:
    return f"{day}T00:00:00Z"


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
