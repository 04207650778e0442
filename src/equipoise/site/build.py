"""Answers to a static site: one folder for each question, and lists to find them by."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from equipoise.answer.answer import Answer
from equipoise.core.errors import FolderError, InputError
from equipoise.core.provenance import plain
from equipoise.present.audit.registry import problems_of
from equipoise.present.pages import (
    MARKER,
    VERSIONS,
    Place,
    answer_files,
    copy_files,
    render,
    stylesheet,
    write_folder,
)
from equipoise.review.problems import Problem
from equipoise.site.feed import feed
from equipoise.site.versions import Kept, kept

#: Folder, heading, and what an answer is listed under.
_LISTS: tuple[tuple[str, str, Callable[[Answer], Iterable[str]]], ...] = (
    ("condition", "By condition", lambda a: (a.condition,)),
    ("treatment", "By treatment", lambda a: (a.treatment,)),
    ("category", "By category", lambda a: a.review.categories),
    ("tag", "By tag", lambda a: a.review.tags),
)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TAKEN = frozenset({"assets", *(folder for folder, _, _ in _LISTS)})


@dataclass(frozen=True, slots=True)
class Built:
    """What a build wrote."""

    out: Path
    answers: int
    pages: int
    files: int
    size: int
    """Bytes."""

    def __str__(self) -> str:
        questions = "1 question" if self.answers == 1 else f"{self.answers} questions"
        return (
            f"Built {questions}, {self.pages} pages, {self.files} files ({self.size / 1024:.0f} kB)"
            f"\nOpen {self.out / 'index.html'}"
        )


def build(
    answers: Sequence[Answer],
    out: str | Path,
    *,
    base_url: str = "",
    draft: bool = False,
    earlier: str | Path = "",
) -> Built:
    """Write answers as a static site, in one step: a failure leaves the old site as it was.

    Parameters
    ----------
    answers
        The answers, each with a slug of its own.
    out
        A new or empty folder, or one that an earlier build made; it is replaced.
    base_url
        Where the site will be published, such as ``https://example.org/``. With it there are
        ``sitemap.xml``, ``robots.txt``, canonical addresses, and ``feed.xml``: an Atom feed of the
        site and of each answer.
    draft
        Build although checks of a page find errors, and mark every page as a draft.
    earlier
        A site that an earlier build wrote. Its copies of versions are kept, as are those of the
        site that is replaced, each at its address ``SLUG/v/VERSION/``.

    Returns
    -------
    Built

    Raises
    ------
    InputError
        When two answers share a slug, a slug or a version cannot be a folder, the address is not
        one, `earlier` is no site, or the folder holds something that no build made.
    FolderError
        When a check of a page finds an error and `draft` is not set, with all of them.
    """
    base = _base(base_url)
    _check(answers)
    old = kept(answers, [_site_of(earlier), out] if earlier else [out])
    files = _site(sorted(answers, key=lambda a: (a.title.casefold(), a.slug)), base, draft, old)
    folder = write_folder(dict(sorted(files.items())), out)
    pages = sum(name.endswith(".html") for name in files)
    return Built(folder, len(answers), pages, len(files), sum(map(len, files.values())))


def _site_of(folder: str | Path) -> Path:
    site = Path(folder)
    if not (site / MARKER).is_file():
        raise InputError(
            "no earlier build wrote this folder",
            where=str(folder),
            hint="the folder that was given to build as its output",
        )
    return site


def _base(base_url: str) -> str:
    if not base_url:
        return ""
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
        raise InputError(f"base_url={base_url!r}", hint="an address such as https://example.org/")
    return base_url.rstrip("/") + "/"


def _check(answers: Sequence[Answer]) -> None:
    if not answers:
        raise InputError("there is no answer to build a site from", hint="name a review")
    seen: set[str] = set()
    for a in answers:
        if a.slug in seen:
            raise InputError(f"two answers have the slug {a.slug!r}", hint="a slug for each review")
        if not _SLUG.fullmatch(a.slug) or a.slug in _TAKEN:
            raise InputError(
                f"the slug {a.slug!r} cannot be a folder of the site",
                hint="words of a to z and 0 to 9 with hyphens between",
            )
        seen.add(a.slug)


def _site(answers: Sequence[Answer], base: str, draft: bool, old: Kept) -> dict[str, bytes]:
    style, css = stylesheet()
    files = {style: css, **old.files}
    errors: list[Problem] = []
    for a in answers:
        address = f"{base}{a.slug}/" if base else ""
        others = {other.slug: other for other in answers if other is not a}
        here = Place(
            f"../{style}",
            home="../index.html",
            address=address,
            kept=(a.review.version, *old.versions.get(a.slug, ())),
        )
        made, checked = answer_files(a, here, others=others, draft=draft, twice=True)
        copy = replace(here, style=f"../../../{style}", home="../../../index.html", copy=True)
        path = f"{a.slug}/{VERSIONS}/{a.review.version}"
        copied = copy_files(a, copy, checked, others=others, draft=draft)
        files.update({f"{path}/{name}": content for name, content in copied.items()})
        errors += [p for p in problems_of(checked, f"{a.slug}/") if p.severity == "error"]
        files.update({f"{a.slug}/{name}": content for name, content in made.items()})
        if base:
            path = f"{a.slug}/feed.xml"
            files[path] = feed((a,), base, path=path, title=f"{a.title} What changed")
    if errors and not draft:
        raise FolderError(
            "checks of the pages found errors",
            hint="mend what is listed here, or build a draft (--draft)",
            problems=tuple(errors),
        )
    lists = _grouped(answers)
    files["index.html"] = _list(
        "index.html",
        answers,
        title="Should I try it?",
        intro="What trials say about trying a treatment, how sure that is, and what it rests on.",
        lists=[
            (head, [(text, path, len(found)) for path, (text, found) in entries.items()])
            for head, entries in lists.items()
        ],
        feed_path="feed.xml" if base else "",
        draft=draft,
    )
    for head, entries in lists.items():
        for path, (text, found) in entries.items():
            title = text[:1].upper() + text[1:]
            files[path] = _list(path, found, title=title, intro=f"{head}.", draft=draft)
    root = urlsplit(base).path if base else ""
    # A missing page can be asked for at any depth, so its links start at the site's root.
    files["404.html"] = render(
        "404.html", style=f"{root}{style}", home=f"{root}index.html", draft=draft
    )
    if base:
        files["feed.xml"] = feed(answers, base, path="feed.xml", title="Equipoise: what is new")
        files["sitemap.xml"] = _sitemap(answers, files, base)
        files["robots.txt"] = f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n".encode()
    return files


def _grouped(
    answers: Sequence[Answer],
) -> dict[str, dict[str, tuple[str, list[Answer]]]]:
    """Heading → path of the list → its name and answers."""
    made: dict[str, dict[str, tuple[str, list[Answer]]]] = {}
    for folder, head, keys in _LISTS:
        entries: dict[str, tuple[str, list[Answer]]] = {}
        for a in answers:
            for text in dict.fromkeys(keys(a)):
                path = f"{folder}/{_slug(text)}/index.html"
                entries.setdefault(path, (text, []))[1].append(a)
        if entries:
            made[head] = dict(sorted(entries.items()))
    return made


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    made = "-".join(re.findall(r"[a-z0-9]+", ascii_text))
    return made or "-".join(f"{ord(char):x}" for char in text)


def _list(
    path: str,
    answers: Sequence[Answer],
    *,
    title: str,
    intro: str,
    lists: Sequence[tuple[str, Sequence[tuple[str, str, int]]]] = (),
    feed_path: str = "",
    draft: bool = False,
) -> bytes:
    style, _ = stylesheet()
    folder = posixpath.dirname(path) or "."
    return render(
        "site_list.html",
        style=posixpath.relpath(style, folder),
        home=posixpath.relpath("index.html", folder),
        up=posixpath.relpath("x", folder)[:-1],
        answers=[(a, plain(a.verdict.sentence)) for a in answers],
        title=title,
        intro=intro,
        lists=lists,
        feed=feed_path,
        draft=draft,
    )


def _sitemap(answers: Sequence[Answer], files: Iterable[str], base: str) -> bytes:
    changed = {f"{a.slug}/index.html": a.review.updated for a in answers}
    lines = []
    for name in sorted(files):
        if name.endswith("index.html") and f"/{VERSIONS}/" not in name:
            when = f"<lastmod>{escape(changed[name])}</lastmod>" if name in changed else ""
            address = base + name.removesuffix("index.html")
            lines.append(f"<url><loc>{escape(address)}</loc>{when}</url>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(lines)
        + "\n</urlset>\n"
    ).encode()
