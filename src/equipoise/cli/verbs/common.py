"""What several verbs share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.errors import EquipoiseError, InputError
from equipoise.review.folder import locate, open_review
from equipoise.review.records import Review


def day(text: str) -> date | None:
    """The day of ``--on``; None when it was not given.

    Raises
    ------
    InputError
        When it is not a date.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a date", where="--on", hint="year-month-day, such as 2026-11-22"
        ) from None


def others_of(review: Review, where: str | Path, on: date | None) -> Mapping[str, Answer]:
    """Answers of the reviews that an article's claims are about: beside its folder, or shipped.

    One that is not there, or cannot be opened, is left out; its claims are then not testable.
    """
    found: dict[str, Answer] = {}
    for slug in dict.fromkeys(c.review for c in review.claims if c.review):
        beside = locate(where).parent / slug
        try:
            found[slug] = assess(open_review(beside if beside.is_dir() else slug), on=on)
        except EquipoiseError:
            continue
    return found
