"""The order in which people look for names: with numbers by their size."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)")

#: A name as numbers and words in turn, and the name itself where that does not settle it.
Key = tuple[tuple[tuple[int, float, str], ...], str]


def natural(name: str) -> Key:
    """The key to sort names by, so that ``Drug 2`` stands before ``Drug 10``.

    Parameters
    ----------
    name
        Text; numbers in it, decimals too, count by their size.
    """
    return tuple(_part(text) for text in _NUMBER.split(name) if text), name


def _part(text: str) -> tuple[int, float, str]:
    return (0, float(text), "") if _NUMBER.fullmatch(text) else (1, 0.0, text)


def all_natural(names: tuple[str, ...]) -> tuple[Key, ...]:
    """The key to sort sets of names by."""
    return tuple(map(natural, names))
