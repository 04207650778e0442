"""What several verbs share."""

from __future__ import annotations

from datetime import date

from equipoise.core.errors import InputError


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
