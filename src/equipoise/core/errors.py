"""The exception tree: every error says what, where, and what to try."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class EquipoiseError(Exception):
    """Base of all errors raised on purpose by this package.

    Parameters
    ----------
    what
        The fault, with the offending value.
    where
        Study, arm, column, or file and line; empty when nothing narrower is known.
    hint
        The likely remedy.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what, where, hint)

    def __str__(self) -> str:
        text = self.what
        if self.where:
            text += f" ({self.where})"
        if self.hint:
            text += f". Try: {self.hint}"
        return text


class InputError(EquipoiseError, ValueError):
    """A number or argument that no correct answer can be computed from."""


class UnknownNameError(InputError):
    """A name that is not in a known list; offers the nearest."""

    def __init__(self, kind: str, name: object, known: Iterable[str], *, where: str = "") -> None:
        names = [str(k) for k in known]
        near = nearest(str(name), names)
        hint = f"{near!r}; " if near else ""
        super().__init__(
            f"unknown {kind} {name!r}", where=where, hint=f"{hint}known: {', '.join(names)}"
        )


class NotEstimableError(EquipoiseError, ArithmeticError):
    """The trials cannot separate or estimate what was asked for."""


class FolderError(EquipoiseError):
    """A review folder that cannot be used; carries every problem found in it."""

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", problems: object = ()
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        lines = [super().__str__()]
        if isinstance(self.problems, Iterable):
            lines += [str(problem) for problem in self.problems]
        return "\n".join(lines)


#: Places of data: a trial, a row, a line of a file.
_DATA = re.compile(r"(study|studies|row|rows)\b|.*:\d+$")


def is_misuse(error: EquipoiseError) -> bool:
    """Whether the call was wrong, and not the data that it was about.

    The data are at fault when several problems are listed, when they cannot tell what was asked
    for, and when the error names a trial, a row, or a line of a file.
    """
    if isinstance(error, (FolderError, NotEstimableError)):
        return False
    return isinstance(error, UnknownNameError) or not _DATA.match(error.where)


def other_evidence(given: object, hint: str, where: str = "argument es") -> InputError:
    """The error for an argument that is no evidence of the kind that is needed."""
    return InputError(f"evidence of type {type(given).__name__}", where=where, hint=hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, ignoring case, or None."""
    lowered = {k.casefold(): k for k in known}
    match = difflib.get_close_matches(name.casefold(), lowered, n=1, cutoff=0.6)
    return lowered[match[0]] if match else None
