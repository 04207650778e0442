"""Copies of an answer's versions: each stays at its own address when newer ones come.

A build writes a copy of the present version below ``v/``, and takes along the copies that an
earlier build left. Those are not made again: they stay as they were published, to the last byte.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from equipoise.answer.answer import Answer
from equipoise.core.errors import InputError
from equipoise.present.pages import MARKER, VERSIONS

#: A version's number can be a folder.
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*")
_STYLE = re.compile(rb"assets/style\.[0-9a-f]+\.css")


@dataclass(frozen=True, slots=True)
class Kept:
    """The copies that earlier builds left."""

    versions: dict[str, tuple[str, ...]]
    """Slug to versions, as their folders are called."""
    files: dict[str, bytes]
    """Every file of theirs, with the style sheets that they use, by its path in the site."""


def kept(answers: Sequence[Answer], folders: Iterable[str | Path]) -> Kept:
    """Read the copies of other versions than the present ones.

    Parameters
    ----------
    answers
        The answers of the site that is built; only theirs are kept.
    folders
        Sites that earlier builds wrote; of a version that several hold, the first counts.

    Raises
    ------
    InputError
        When a version's number cannot be a folder.
    """
    versions: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    for a in answers:
        if not VERSION.fullmatch(a.review.version):
            raise InputError(
                f"version {a.review.version!r} cannot be a folder of the site",
                where=f"review {a.slug}",
                hint='digits, letters, dots and hyphens, such as version = "1.2"',
            )
    for site in map(Path, folders):
        if not (site / MARKER).is_file():
            continue
        for a in answers:
            done = (a.review.version, *versions.get(a.slug, ()))
            for version, found in _copies(site, a.slug, done).items():
                files.update(found)
                versions[a.slug] = (*versions.get(a.slug, ()), version)
                files.update(_styles(site, found.values()))
    return Kept(versions, files)


def _copies(site: Path, slug: str, done: Collection[str]) -> dict[str, dict[str, bytes]]:
    """Version to its files, of the copies in one site that are not there yet."""
    folder = site / slug / VERSIONS
    if not folder.is_dir():
        return {}
    return {
        place.name: {
            path.relative_to(site).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        for place in sorted(folder.iterdir())
        if place.is_dir() and VERSION.fullmatch(place.name) and place.name not in done
    }


def _styles(site: Path, pages: Iterable[bytes]) -> dict[str, bytes]:
    """The style sheets that pages use, as far as the site has them."""
    names = {found.decode() for page in pages for found in _STYLE.findall(page)}
    return {name: (site / name).read_bytes() for name in sorted(names) if (site / name).is_file()}
