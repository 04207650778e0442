"""Checks 62 to 68: data for machines equal the page, links lead somewhere, pages stay small."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from equipoise.answer.answer import Answer
from equipoise.present.audit.dom import Node
from equipoise.present.audit.findings import PAGE, Check, Finding, Subject

LINKED, FHIR, OUTCOMES = "data/page.jsonld", "data/fhir.json", "data/shown/outcomes.csv"
HARMS, TRIALS = "data/shown/harms.csv", "data/shown/trials.csv"
#: Bytes of the page, and of all drawings in it.
PAGE_BYTES, DRAWING_BYTES = 300_000, 150_000
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PMID = re.compile(r"[1-9]\d{0,7}")
_STARS = ("aggregateRating", "reviewRating", "ratingValue", "ClaimReview", "MedicalEvidenceLevel")
#: Attributes by which an element fetches something, or tells another place that it is read.
_FETCH = ("src", "srcset", "data", "poster", "background", "ping", "manifest", "xlink:href")
#: Elements that fetch what their ``href`` names.
_BY_HREF = frozenset({"link", "image", "use", "base", "feimage"})
#: Links that only name another page.
_NAMED = frozenset({"canonical", "license", "alternate", "author", "prev", "next", "help"})
_ELSEWHERE = re.compile(r"(?:^|[\s,'\"(=])(?:https?:)?//", re.I)
#: Attributes that name ids of the same page.
_REFERS = ("aria-labelledby", "aria-describedby", "aria-controls", "headers", "for")


def json_ld(subject: Subject) -> Iterator[Finding]:
    """The JSON-LD is read, says what the page says, and gives no stars."""
    raw = subject.files.get(PAGE, b"").decode()
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', raw, re.S)
    if found is None:
        yield Finding("no JSON-LD", "the template writes it", place="head")
        return
    try:
        data = json.loads(found[1])
    except ValueError as error:
        yield Finding(f"the JSON-LD cannot be read: {error}", "escape its texts", place="head")
        return
    for word in _STARS:
        if word in found[1]:
            yield Finding(f"JSON-LD with {word}", "a verdict is no rating", place="head")
    if "</" in found[1] or "<!--" in found[1]:
        yield Finding("the JSON-LD could close its own element", "escape <", place="head")
    kept = subject.files.get(LINKED)
    if kept is not None and _read(kept) != data:
        yield Finding("another JSON-LD than in the page", "write both from one", LINKED)
    page = subject.document()
    days = {n.attrs.get("datetime", "") for n in page.root.all("time")}
    for key in ("datePublished", "dateModified", "lastReviewed"):
        if data.get(key) and data[key] not in days:
            yield Finding(
                f"the JSON-LD has {key} {data[key]}, the page does not", "show it", place="head"
            )
    text = page.root.text(without=frozenset({"script"}))
    for value in _said(data):
        if _flat(value) not in _flat(text):
            yield Finding(
                f"the JSON-LD says “{value[:60]}”, the page does not", "say the same", place="head"
            )


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _flat(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _said(data: Any) -> Iterator[str]:
    """Texts of the JSON-LD that a reader of the page must find as well."""
    yield data.get("headline", "")
    yield data.get("abstract", "").partition(". ")[2] or data.get("abstract", "")
    for key in ("author", "reviewedBy", "citation", "about"):
        for item in data.get(key, []):
            yield item.get("name", "")
            yield item.get("description", "")
    yield data.get("funding", {}).get("name", "")


def fhir(subject: Subject) -> Iterator[Finding]:
    """The FHIR bundle is read and holds the numbers of the page."""
    try:
        bundle = json.loads(subject.files.get(FHIR, b"{}"))
    except ValueError as error:
        yield Finding(f"it cannot be read: {error}", "write it again", FHIR)
        return
    entries = [e.get("resource", {}) for e in bundle.get("entry", [])]
    if bundle.get("resourceType") != "Bundle" or not entries:
        yield Finding("no bundle of resources", "write it again", FHIR)
        return
    values = set(_values(entries))
    for o in subject.answer.outcomes:
        if o.effect is None or o.pooled is None:
            continue
        for what, value in (
            ("effect", o.effect.value),
            ("lower end", o.effect.low),
            ("upper end", o.effect.high),
        ):
            if value is not None and value not in values:
                yield Finding(f"{o.label}: its {what} is not in it", "write it again", FHIR)


def _values(data: Any) -> Iterator[float]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "value" and isinstance(value, int | float):
                yield float(value)
            else:
                yield from _values(value)
    elif isinstance(data, list):
        for item in data:
            yield from _values(item)


def same_data(subject: Subject) -> Iterator[Finding]:
    """answer.json gives the answer again, and the table of outcomes the numbers of the page."""
    a = subject.answer
    try:
        again = Answer.from_dict(json.loads(subject.files.get("answer.json", b"{}")))
    except (ValueError, KeyError, TypeError) as error:
        yield Finding(f"it cannot be read back: {error}", "write it again", "answer.json")
        return
    if again.verdict != a.verdict or again.quantities != a.quantities:
        yield Finding("read back it is another answer", "write it again", "answer.json")
    page = _flat(subject.document().root.text())
    rows = _table(subject, OUTCOMES)
    if [r.get("id") for r in rows] != [o.id for o in a.outcomes]:
        yield Finding("it has other outcomes than the page", "write it again", OUTCOMES)
    for row in rows:
        for key in ("difference_shown", "with_shown", "without_shown"):
            if _flat(row.get(key, "")) not in page:
                yield Finding(f"{row['id']}: “{row[key]}” is not on the page", "the same", OUTCOMES)
    yield from _other_rows(subject, page)
    for name, text in a.review.text.items():
        copy = subject.files.get(f"data/{name}")
        if copy is not None and copy.decode() != text:
            yield Finding("it is not the file of the folder", "copy it again", f"data/{name}")


def _table(subject: Subject, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(subject.files.get(name, b"").decode())))


def _other_rows(subject: Subject, page: str) -> Iterator[Finding]:
    """The tables of harms and trials have the rows and words of the page."""
    a = subject.answer
    harms, trials = _table(subject, HARMS), _table(subject, TRIALS)
    if [r.get("id") for r in harms] != [h.harm for h in a.harms]:
        yield Finding("it has other harms than the page", "write it again", HARMS)
    for row in harms:
        if _flat(row.get("known_shown", "")) not in page:
            yield Finding(
                f"{row.get('harm')}: “{row.get('known_shown')}” is not on the page",
                "the same",
                HARMS,
            )
    listed = [r.get("trial", "") for r in trials]
    for t in a.review.trials:
        if t.use == "included" and not any(t.label in told for told in listed):
            yield Finding(f"{t.label} is not in it", "write it again", TRIALS)


def identifiers(subject: Subject) -> Iterator[Finding]:
    """DOIs and PubMed numbers are well formed, and every trial is among the references."""
    page = subject.document()
    for t in subject.answer.review.trials:
        if t.doi and not _DOI.fullmatch(t.doi):
            yield Finding(f"{t.label}: “{t.doi}” is no DOI", "10.…/…", "trials.csv", t.line or 1)
        if t.pmid and not _PMID.fullmatch(str(t.pmid)):
            yield Finding(f"{t.label}: “{t.pmid}” is no PMID", "digits", "trials.csv", t.line or 1)
        if t.use == "included" and not page.get(f"ref-{t.id}").tag:
            yield Finding(f"{t.label} is not among the references", "list it", place="#references")


def _wordless(subject: Subject) -> Iterator[Finding]:
    """Links that say nothing."""
    for name in subject.pages:
        for node in subject.document(name).root.all("a"):
            href = node.attrs.get("href", "")
            if href not in ("", "#") and not (node.text() or node.attrs.get("aria-label")):
                what = f"a link to {href} without words"
                yield Finding(what, "say where it leads", name, place=node.where())


def links(subject: Subject) -> Iterator[Finding]:
    """Links inside the answer lead to a file and an element that exist."""
    yield from _wordless(subject)
    for name in subject.pages:
        known = subject.document(name).ids
        for node in subject.document(name).root.walk():
            for key in () if node.tag == "svg" else _REFERS:  # Drawings have a check of their own.
                for id in node.attrs.get(key, "").split():
                    if id not in known:
                        yield Finding(
                            f"{key} names “{id}”, which nothing has for an id",
                            "mend it",
                            name,
                            place=node.where(),
                        )
        for node in subject.document(name).root.all("a"):
            href = node.attrs.get("href", "")
            if href in ("", "#"):
                yield Finding("a link that leads nowhere", "mend it", name, place=node.where())
                continue
            parts = urlsplit(href)
            if parts.scheme or parts.netloc:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path or "."))
            file = name if not parts.path else target
            if file.startswith(("..", "v/")) or file in ("feed.xml", "qa.html"):
                continue  # Of the site, a kept version, or written after this check.
            if file not in subject.files:
                yield Finding(
                    f"a link to {href}, which is not there", "mend it", name, place=node.where()
                )
            elif (
                parts.fragment
                and file.endswith(".html")
                and not subject.document(file).get(parts.fragment).tag
            ):
                yield Finding(
                    f"a link to {href}, where nothing has that id",
                    "mend it",
                    name,
                    place=node.where(),
                )


def nothing_fetched(subject: Subject) -> Iterator[Finding]:
    """Reading the page tells nobody else."""
    for name in subject.pages:
        for node in subject.document(name).root.walk():
            for address in _fetched(node):
                if _ELSEWHERE.search(address):
                    yield Finding(
                        f"{address} is fetched from elsewhere", "ship it", name, place=node.where()
                    )
    if re.search(r"url\(\s*['\"]?\s*(?:https?:)?//|@import", subject.css, re.I):
        yield Finding("the style fetches something", "ship it", "style.css")


def _fetched(node: Node) -> Iterator[str]:
    """The addresses that an element makes a browser ask."""
    names = set(node.attrs.get("rel", "").casefold().split())
    if node.tag in _BY_HREF and not (node.tag == "link" and names and names <= _NAMED):
        yield node.attrs.get("href", "")
    if node.tag == "meta" and node.attrs.get("http-equiv", "").casefold() == "refresh":
        yield node.attrs.get("content", "")
    if node.tag == "style":
        yield from re.findall(r"url\([^)]*\)|@import[^;]*", node.text())
    for key in _FETCH:
        yield node.attrs.get(key, "")
    for key in ("style", "fill", "filter", "mask"):
        yield from re.findall(r"url\([^)]*\)", node.attrs.get(key, ""))


def small(subject: Subject) -> Iterator[Finding]:
    """The page is small enough for a slow line."""
    raw = subject.files.get(PAGE, b"")
    drawn = sum(len(m) for m in re.findall(rb"<svg.*?</svg>", raw, re.S))
    if len(raw) > PAGE_BYTES:
        yield Finding(f"{len(raw) / 1000:.0f} kB", f"at most {PAGE_BYTES // 1000} kB")
    if drawn > DRAWING_BYTES:
        yield Finding(f"{drawn / 1000:.0f} kB of drawings", f"at most {DRAWING_BYTES // 1000} kB")


CHECKS: tuple[Check, ...] = (
    Check(
        62,
        "error",
        "page",
        "JSON-LD says what the page says",
        "It is read, its texts and days stand on the page, it cannot close its element, and it "
        "gives no stars.",
        json_ld,
    ),
    Check(
        63,
        "error",
        "data",
        "FHIR",
        "The bundle holds each effect and its range to the last digit; that its resources are "
        "valid is held by fhir.resources in tests/present/test_exports.py.",
        fhir,
    ),
    Check(
        64,
        "error",
        "data",
        "Downloads equal the page",
        "answer.json gives the same verdict and numbers, the tables of outcomes, harms and trials "
        "what is shown, and the files of the folder are those that it was made from.",
        same_data,
    ),
    Check(
        65,
        "warning",
        "data",
        "DOI and PMID",
        "Well formed, every trial among the references. They are not looked up: nothing goes out.",
        identifiers,
    ),
    Check(
        66,
        "error",
        "page",
        "Links lead somewhere",
        "To files and ids that exist, as do the ids that labels name; feeds and addresses of a "
        "site in tests/site.",
        links,
    ),
    Check(
        67,
        "error",
        "page",
        "Nothing from elsewhere",
        "No script, font, picture or style is fetched from another place, and no other place is "
        "told.",
        nothing_fetched,
    ),
    Check(
        68,
        "warning",
        "page",
        "Small pages",
        "300 kB, of which 150 kB drawings.",
        small,
    ),
)
