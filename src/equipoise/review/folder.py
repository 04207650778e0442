"""Review folders: open one, list those shipped, write one back, begin a new one."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from equipoise.core.errors import FolderError, InputError, UnknownNameError
from equipoise.review.check import check_draft
from equipoise.review.problems import FILES, errors_of
from equipoise.review.reader import MANY, ONE, PARTS, Draft, read_draft, read_texts
from equipoise.review.records import Review
from equipoise.review.render import render, without_places
from equipoise.review.schema import TOP
from equipoise.review.templates import new_texts

#: Where shipped reviews lie: in a wheel, and in a checkout.
_HOMES = (Path(__file__).parents[1] / "reviews", Path(__file__).parents[3] / "reviews")


@cache
def _home() -> Path | None:
    return next((home for home in _HOMES if home.is_dir()), None)


def shipped() -> tuple[str, ...]:
    """The slugs of the reviews that come with the program, sorted."""
    home = _home()
    if home is None:
        return ()
    return tuple(sorted(p.parent.name for p in home.glob("*/review.toml")))


def locate(where: str | Path) -> Path:
    """The folder that a path, or the slug of a shipped review, stands for.

    Raises
    ------
    UnknownNameError
        When there is no such folder and no such shipped review.
    """
    path = Path(where)
    if path.is_dir():
        return path
    home = _home()
    if home is not None and str(where) in shipped():
        return home / str(where)
    raise UnknownNameError("review", str(where), shipped())


def open_review(where: str | Path) -> Review:
    """Open a review by the path of its folder, or by the slug of one that is shipped.

    Raises
    ------
    UnknownNameError
        When there is no such folder and no such shipped review.
    FolderError
        With every problem that keeps the folder from being used.
    """
    return read_folder(locate(where))


def read_folder(path: str | Path) -> Review:
    """Read a review folder.

    Raises
    ------
    FolderError
        With every problem that keeps the folder from being used; warnings and notes do not.
    """
    return _frozen(read_draft(Path(path)), str(path))


def _frozen(draft: Draft, where: str) -> Review:
    """Freeze a draft, or raise with every error found in it."""
    errors = errors_of(check_draft(draft))
    if errors:
        count = f"{len(errors)} problem{'' if len(errors) == 1 else 's'}"
        raise FolderError(
            f"the review folder has {count}",
            where=where,
            hint="mend what is listed here",
            problems=errors,
        )
    assert draft.question is not None
    assert draft.plan is not None
    assert draft.search is not None
    return Review(
        **draft.top,
        question=draft.question,
        plan=draft.plan,
        search=draft.search,
        protocol=draft.protocol,
        flow=draft.flow,
        options=tuple(draft.options),
        components=tuple(draft.components),
        outcomes=tuple(draft.outcomes),
        people=tuple(draft.people),
        red_flags=tuple(draft.red_flags),
        field_tests=tuple(draft.field_tests),
        changes=tuple(draft.changes),
        trials=tuple(draft.trials),
        arms=tuple(draft.arms),
        results=tuple(draft.results),
        contrasts=tuple(draft.contrasts),
        harms=tuple(draft.harms),
        risk_of_bias=tuple(draft.risk_of_bias),
        signalling=tuple(draft.signalling),
        unreported=tuple(draft.unreported),
        judgements=tuple(draft.judgements),
        article=tuple(draft.article),
        claims=tuple(draft.claims),
        text=dict(draft.text),
    )


def write_folder(review: Review, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a review as a folder; nothing is left half-written.

    Files whose records are those of `review.text` are written back byte for byte; files whose
    records were changed in code are rendered.

    Parameters
    ----------
    review
        The review.
    path
        The folder to make.
    overwrite
        Whether to replace the files of a folder that is not empty. What is not part of a review
        stays in it.

    Raises
    ------
    FolderError
        When the folder is not empty, or the review could not be read back as the same.
    """
    texts = _texts(review)
    again = _frozen(read_texts(texts, review.slug), str(path))
    if without_places(again) != without_places(review):
        raise FolderError(
            "the review cannot be written so that it reads back as the same",
            where=str(path),
            hint="texts without spaces alone, and article sections without headings inside",
        )
    return _write(Path(path), texts, overwrite=overwrite)


def _texts(review: Review) -> dict[str, str]:
    """The files of a review: verbatim where they say the same as the records."""
    rendered = render(review)
    before = read_texts(review.text, review.slug)
    texts = {}
    for name in FILES:
        same = name in before.read and _part(before, name) == _part(review, name)
        if same and name in review.text:
            texts[name] = review.text[name]
        elif name in rendered:
            texts[name] = rendered[name]
    return texts


def _part(source: Draft | Review, name: str) -> object:
    """What one file says."""
    if name == "review.toml":
        top = source.top if isinstance(source, Draft) else {k: getattr(source, k) for k in TOP}
        given = {k: v for k, v in top.items() if v not in ((), "")}
        return given, [_listed(getattr(source, key)) for key in (*ONE, *MANY)]
    if name == "article.md":
        return _listed(source.article), _listed(source.claims)
    part = {"judgements.toml": "judgements"} | PARTS
    return _listed(getattr(source, part[name]))


def _listed(value: object) -> object:
    return list(value) if isinstance(value, (list, tuple)) else value


def _write(path: Path, texts: Mapping[str, str], *, overwrite: bool) -> Path:
    """Write all files beside the folder first, then move them into place together."""
    if path.exists() and not path.is_dir():
        raise FolderError(f"{path.name} is not a folder", where=str(path), hint="another name")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise FolderError(
            "the folder is not empty", where=str(path), hint="another name, or overwrite=True"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.parent / f".{path.name}-{secrets.token_hex(6)}"
    stage.mkdir()
    try:
        for name, text in texts.items():
            (stage / name).write_bytes(text.encode())
        if path.is_dir() and any(path.iterdir()):
            _exchange(stage, path, texts)
        else:
            if path.is_dir():
                path.rmdir()
            stage.rename(path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return path


def _exchange(stage: Path, path: Path, texts: Mapping[str, str]) -> None:
    """Move new files over old ones; where one cannot be moved, put all the old ones back."""
    old = {name: (path / name).read_bytes() for name in FILES if (path / name).is_file()}
    try:
        for name in texts:
            (stage / name).replace(path / name)
        for name in old.keys() - texts.keys():
            (path / name).unlink()
    except OSError:
        for name in texts.keys() - old.keys():
            if (path / name).is_file():
                (path / name).unlink()
        for name, data in old.items():
            (path / name).write_bytes(data)
        raise


def new_folder(path: str | Path, *, treatment: str = "", condition: str = "") -> Path:
    """Begin a review: a folder of commented files with ``…`` where a person fills something in.

    Raises
    ------
    InputError
        When the folder's name cannot be part of an address.
    FolderError
        When the folder is not empty.
    """
    folder = Path(path).resolve()
    good = re.sub(r"[^a-z0-9]+", "-", folder.name.casefold()).strip("-")
    if folder.name != good:
        raise InputError(
            f"{folder.name!r} cannot be part of an address",
            where="name of the folder",
            hint=good or "small letters, digits and hyphens, such as vitamin-d-fractures",
        )
    return _write(folder, new_texts(folder.name, treatment, condition), overwrite=False)
