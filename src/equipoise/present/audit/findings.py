"""What an audit is made of: checks, what each finds and where, and what it reads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.core.provenance import plain
from equipoise.core.result import Result
from equipoise.present.audit.dom import Document, Node
from equipoise.present.standard import STANDARD_STATES, StandardState

State: TypeAlias = StandardState
STATES = STANDARD_STATES
CheckSeverity = Literal["error", "warning"]

PAGE = "index.html"
#: The sections that a patient reads; what is folded in them is for those who want more.
PATIENT: tuple[str, ...] = (
    "status",
    "short-answer",
    "keys",
    "change",
    "disclosure",
    "fact-box",
    "picture",
    "harms",
    "treatment",
    "condition",
    "options",
    "what-matters",
    "questions",
)
#: Elements of a section that are not running text.
NOT_PROSE = frozenset({"table", "svg", "details", "figure", "nav", "script", "style"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found.

    Attributes
    ----------
    what, remedy
        The fault, and what to do about it.
    file, line, place
        Where: a file of the folder with its line, or a built page with a selector.
    state
        ``not met``, or that it needs a person, was not done, or does not apply.
    """

    what: str
    remedy: str
    file: str = PAGE
    line: int = 1
    place: str = ""
    state: State = "not met"


class Subject:
    """What the checks read: an answer and the files of its page."""

    def __init__(
        self,
        answer: Answer,
        files: Mapping[str, bytes],
        css: str = "",
        again: Callable[[], Mapping[str, bytes]] | None = None,
    ) -> None:
        self.answer = answer
        self.files = files
        self.css = css
        self.again = again
        self._read: dict[str, Document] = {}

    def document(self, name: str = PAGE) -> Document:
        """A built page as a tree, read once."""
        if name not in self._read:
            self._read[name] = Document(self.files.get(name, b"").decode("utf-8"))
        return self._read[name]

    def section(self, id: str) -> Node:
        """A section of the main page; an empty element where it has none."""
        return self.document().get(id)

    @property
    def pages(self) -> tuple[str, ...]:
        """The names of the built pages."""
        return tuple(name for name in self.files if name.endswith(".html"))

    def patient(self) -> tuple[Node, ...]:
        """The sections of the patient layer, in the order of the page."""
        return tuple(n for n in map(self.part, PATIENT) if n.tag)

    def part(self, id: str) -> Node:
        """A section of the main page by its id, or by that of its heading."""
        node = self.section(id)
        if not node.tag:  # A section that is named by its heading only.
            node = self.section(f"{id}-h").parent or node
        return node

    @functools.cached_property
    def generated(self) -> tuple[str, ...]:
        """Every sentence that the program made for the answer, without marks, longest first."""
        a = self.answer
        v = a.verdict
        texts = [v.label, v.sentence, v.caution, v.rule, *v.flips, a.certainty_plain, *a.reasons]
        texts += [*a.key_messages, *a.would_change, *a.questions, a.harm_sentence]
        texts += [line.text for line in a.status.lines]
        for o in a.outcomes:
            texts += [o.statement_plain, o.statement_clinical, o.number_needed, *o.notes]
            texts += [r.words for r in o.responders]
            texts += _reasons(o)
        for part in (a.alone, a.added, a.together):
            texts += [part.question, part.sentence, part.assumption, part.interaction]
            texts += [e.statement for e in part.estimates]
        texts += [h.statement for h in a.harms]
        return tuple(sorted({plain(t).strip() for t in texts if t}, key=len, reverse=True))


def _reasons(o: OutcomeAnswer) -> list[str]:
    """What the program says of an outcome's certainty, cut points and choices."""
    texts = [line.name for line in o.thresholds] + [line.what for line in o.sensitivity]
    if o.grade is not None:
        texts += [t for r in o.grade.reasons for t in (r.plain, r.clinical)]
        texts += [t for cap in o.grade.caps for t in (cap.plain, cap.why)]
    return texts


Run = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One of the eighty checks of a page.

    `kind` says what it reads: ``data``, ``page``, ``browser`` or ``person``. `runs` names the tests
    that it is when it cannot run here, such as those in a browser.
    """

    number: int
    severity: CheckSeverity
    kind: Literal["data", "page", "browser", "person"]
    name: str
    rule: str
    run: Run | None = None
    runs: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Its code in messages, such as ``QA-18``."""
        return f"QA-{self.number}"


@dataclass(frozen=True, slots=True)
class CheckResult(Result):
    """A check and what it found on one page."""

    check: Check
    state: State
    findings: tuple[Finding, ...]


def result_of(check: Check, subject: Subject) -> CheckResult:
    """Run one check."""
    if check.run is None:
        elsewhere = _elsewhere(check)
        told = tuple(
            Finding(f"runs in {test}", "run it there", place=test, state=elsewhere)
            for test in check.runs
        )
        return CheckResult(check, elsewhere, told)
    findings = tuple(check.run(subject))
    states = {f.state for f in findings}
    state: State = next((s for s in STATES if s in states), "met")
    return CheckResult(check, state, findings)


def _elsewhere(check: Check) -> State:
    return "needs a person" if check.kind == "person" else "not done"
