"""What is wrong with a review folder: one problem, its place, and what to try."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from equipoise.review.codes import CODES

Severity = Literal["error", "warning", "note"]

#: The files of a folder, in the order in which a person fills them in and problems are shown.
FILES: tuple[str, ...] = (
    "review.toml",
    "trials.csv",
    "arms.csv",
    "results.csv",
    "contrasts.csv",
    "harms.csv",
    "risk_of_bias.csv",
    "signalling.csv",
    "unreported.csv",
    "judgements.toml",
    "article.md",
)
#: The files that a folder may do without.
OPTIONAL: frozenset[str] = frozenset(
    {"contrasts.csv", "risk_of_bias.csv", "signalling.csv", "unreported.csv", "judgements.toml"}
)

_SEVERITIES: dict[str, Severity] = {"E": "error", "W": "warning", "N": "note"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or looks wrong, in a review folder.

    Attributes
    ----------
    file, line
        Name of the file in the folder, and the 1-based line that an editor shows (1 where the
        whole file is meant).
    code
        Stable; the table is in ``docs/check-codes.md``.
    severity
        ``error`` blocks the review; ``warning`` asks a person to look; ``note`` only tells.
    what, hint
        The fault with the offending value, and the likely remedy.
    """

    file: str
    line: int
    code: str
    severity: Severity
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code} {self.what}. Try: {self.hint}"


def problem(file: str, line: int, code: str, what: str, hint: str) -> Problem:
    """Make a problem; codes begin with ``E-`` (error), ``W-`` (warning) or ``N-`` (note)."""
    assert code in CODES, code
    return Problem(file, line, code, _SEVERITIES[code[0]], what, hint)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file (in the order of the folder), line and code; equal ones are said once."""
    rank = {name: i for i, name in enumerate(FILES)}
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda p: (rank.get(p.file, len(rank)), p.file, p.line, p.code, p.what),
        )
    )


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that block a review."""
    return tuple(p for p in problems if p.severity == "error")


def shown(value: object) -> str:
    """Quote a value for a message, cut short where it is long."""
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")
