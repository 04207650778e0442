"""The eighty checks in their order, and an audit: all of them on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from equipoise.answer.answer import Answer
from equipoise.core.result import Result
from equipoise.present.audit import (
    content,
    legible,
    linked,
    markup,
    numbers,
    open_record,
    verdicts,
    wording,
)
from equipoise.present.audit.findings import (
    STATES,
    Check,
    CheckResult,
    Finding,
    State,
    Subject,
    result_of,
)
from equipoise.present.audit.legible import level
from equipoise.present.reading import Reading
from equipoise.present.standard import StandardResult
from equipoise.present.standards import standards
from equipoise.review.problems import FILES, Problem

CHECKS: tuple[Check, ...] = (
    *content.CHECKS,
    *numbers.CHECKS,
    *wording.CHECKS,
    *verdicts.CHECKS,
    *legible.CHECKS,
    *markup.CHECKS,
    *linked.CHECKS,
    *open_record.CHECKS,
)
#: The page of an audit beside the answer's own.
QA = "qa.html"
#: State → sign, heading.
STATE_WORDS: dict[State, tuple[str, str]] = {
    "not met": ("✗", "Not met"),
    "needs a person": ("?", "Needs a person"),
    "not done": ("–", "Not done here"),
    "met": ("✓", "Met"),
    "not applicable": ("·", "Does not apply"),
}


@dataclass(frozen=True, slots=True)
class Audit(Result):
    """What the eighty checks found on the page of one answer.

    Attributes
    ----------
    slug
        The answer's.
    results
        One for each check, by number.
    reading, reading_with_names
        How hard the patient layer is to read, without and with the names that it is about.
    items
        What IPDAS, NICE and PRISMA ask for, item by item.
    """

    slug: str
    results: tuple[CheckResult, ...]
    reading: Reading
    reading_with_names: Reading
    items: tuple[StandardResult, ...]

    def __repr__(self) -> str:
        told = ", ".join(f"{n} {state}" for state, n in self.counts().items() if n)
        return f"<Audit {self.slug}: {told}>"

    def counts(self) -> dict[State, int]:
        """How many checks are in each state."""
        return {s: sum(r.state == s for r in self.results) for s in STATES}

    def standards(self) -> dict[str, tuple[StandardResult, ...]]:
        """The items of each standard."""
        names = dict.fromkeys(r.item.standard for r in self.items)
        return {n: tuple(r for r in self.items if r.item.standard == n) for n in names}

    def of(self, *states: State) -> tuple[CheckResult, ...]:
        """The checks in these states."""
        return tuple(r for r in self.results if r.state in states)

    def faults(self) -> tuple[tuple[Check, Finding], ...]:
        """What is not met, errors first."""
        found = [(r.check, f) for r in self.results for f in r.findings if f.state == "not met"]
        return tuple(sorted(found, key=lambda pair: pair[0].severity != "error"))

    def errors(self) -> tuple[tuple[Check, Finding], ...]:
        """What blocks the page."""
        return tuple(pair for pair in self.faults() if pair[0].severity == "error")


def audit(
    answer: Answer,
    files: Mapping[str, bytes],
    *,
    css: str = "",
    again: Callable[[], Mapping[str, bytes]] | None = None,
) -> Audit:
    """Run the eighty checks.

    Parameters
    ----------
    answer
        The answer.
    files
        The files of its page, by their names in its own folder.
    css
        The style sheet.
    again
        Makes the files once more, for the check that they come out the same.
    """
    subject = Subject(answer, files, css, again)
    results = tuple(result_of(check, subject) for check in CHECKS)
    return Audit(
        answer.slug,
        results,
        level(subject),
        level(subject, set_aside=False),
        # The page of the audit, which is written from this, prints the reading grade.
        standards(answer, {**files, QA: b"Reading grade"}),
    )


def problems_of(found: Audit, folder: str = "") -> tuple[Problem, ...]:
    """What is not met, in the shape of the problems of a folder; files of pages under `folder`."""
    return tuple(
        Problem(
            file=f"{folder}{f.file}" if f.file not in FILES else f.file,
            line=f.line,
            code=check.code,
            severity=check.severity,
            what=f.what + (f" ({f.place})" if f.place else ""),
            hint=f.remedy,
        )
        for check, f in found.faults()
    )
