"""One cell of a CSV file: text as people type it → numbers, whole numbers and lists."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,'\u2019 \u00a0\u202f]\d{3})+(\.\d+)?")
_DASHES = str.maketrans(dict.fromkeys("\u2212\u2013\u2014\u2012\u2010\u2011\ufe63\uff0d", "-"))
_NOT_REPORTED = frozenset(
    {
        *("nr", "ns", "na", "n/a", "n.a.", "n.r.", "nan", "none", "null", "nil", "missing"),
        *("unknown", "unclear", "?", "-", "--", ".", "x", "not reported", "not stated"),
        *("not available", "not given", "not applicable"),
    }
)

#: Characters that turn the direction of text round, so that it reads as what it is not; on a page
#: they are left out.
TURNED: dict[int, None] = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class CellError(ValueError):
    """A cell that cannot be read; carries the code, the fault and the remedy."""

    def __init__(self, code: str, what: str, hint: str) -> None:
        self.code, self.what, self.hint = code, what, hint
        super().__init__(what)


def is_placeholder(text: str) -> bool:
    """Say whether a text still is the template's ``…`` for a person to replace."""
    bare = text.strip()
    return bare == "..." or bare.startswith("…")


def parse_number(text: str) -> float:
    """Read a decimal number as English papers print it: ``-5.3``, ``0.05``, ``1e-4``.

    Raises
    ------
    CellError
        With the likely cause: a decimal comma, a thousands separator, a typographic minus sign,
        a word for *not reported*, a bound, a percent sign.
    """
    bare = text.strip()
    if _NUMBER.fullmatch(bare):
        value = float(bare)
        if math.isfinite(value):
            return value
        raise CellError("E-NUMBER", f"{bare!r} is too large to be a number", "check the exponent")
    raise _why_no_number(bare)


def _why_no_number(bare: str) -> CellError:
    plain = bare.translate(_DASHES)
    if plain.casefold() in _NOT_REPORTED:
        return CellError(
            "E-NUMBER-WORD",
            f"{bare!r} stands where a number belongs",
            "leave the cell blank: a blank cell means not reported",
        )
    if plain != bare and _NUMBER.fullmatch(plain):
        return CellError(
            "E-NUMBER-SIGN",
            f"{bare!r} has a typographic dash for a minus sign",
            f"a plain hyphen: {plain}",
        )
    if _THOUSANDS.fullmatch(plain):
        joined = re.sub(r"[^\d.+-]", "", plain)
        alone = plain.count(",") == 1 and "." not in plain
        other = f", or {plain.replace(',', '.')} if the comma is the decimal one" if alone else ""
        return CellError(
            "E-NUMBER-COMMA",
            f"{bare!r} has a separator between thousands",
            f"{joined} without it{other}",
        )
    if _COMMA.fullmatch(plain):
        return CellError(
            "E-NUMBER-COMMA",
            f"{bare!r} has a decimal comma",
            f"a decimal point: {plain.replace(',', '.')}",
        )
    if plain[:1] in "<>≤≥~≈":
        return CellError(
            "E-NUMBER",
            f"{bare!r} is a bound, not a number",
            "leave the cell blank and put the words into note",
        )
    if plain.endswith("%"):
        return CellError("E-NUMBER", f"{bare!r} has a percent sign", "the number alone")
    return CellError("E-NUMBER", f"{bare!r} is not a number", "a number such as 5.3, or a blank")


def parse_whole(text: str) -> int:
    """Read a whole number; ``54.0``, as some programs write it, is 54.

    Raises
    ------
    CellError
        As :func:`parse_number`, and for a number with decimals.
    """
    value = parse_number(text)
    if value != int(value):
        raise CellError(
            "E-NUMBER-WHOLE",
            f"{text.strip()!r} is not a whole number",
            "the number of people as printed; a computed one is rounded and flagged derived",
        )
    return int(value)


def parse_list(text: str) -> tuple[str, ...]:
    """Split ``a+b+c``.

    Raises
    ------
    CellError
        For an empty or repeated item, or spaces around one.
    """
    items = text.split("+")
    bare = [item.strip() for item in items]
    if any(not item for item in bare):
        raise CellError("E-LIST", f"{text!r} has an empty item", "names joined by single + signs")
    if bare != items:
        raise CellError("E-SPACES", f"{text!r} has spaces around a name", "+".join(bare))
    if len(set(bare)) < len(bare):
        twice = next(item for item in bare if bare.count(item) > 1)
        raise CellError("E-LIST", f"{text!r} names {twice!r} twice", "each name once")
    return tuple(items)


def parse_name(text: str) -> str:
    """Read an id; spaces around it are an error, since they are not seen and break matching."""
    if text != text.strip():
        raise CellError("E-SPACES", f"{text!r} has spaces around it", text.strip())
    return text
