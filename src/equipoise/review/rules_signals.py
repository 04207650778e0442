"""Rules about the answers to signalling questions: that they lead to a level, and to which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from equipoise.review.problems import Problem, problem, shown
from equipoise.review.reader import Draft
from equipoise.review.records import RobFinding, Signal
from equipoise.review.rules_question import unknown
from equipoise.review.signals import (
    DOMAINS,
    QUESTIONS,
    Level,
    UnansweredError,
    effects,
    walk,
    worst,
)

FILE = "signalling.csv"

Answers = Mapping[str, Signal]


def known(draft: Draft) -> Iterator[Problem]:
    """Every question is one of the tool, with an answer that the tool offers."""
    for row in draft.signalling:
        if row.question not in QUESTIONS:
            kind = "signalling question"
            yield unknown(row.file, row.line, "E-SIGNAL-UNKNOWN", kind, row.question, QUESTIONS)
        elif row.answer not in QUESTIONS[row.question].answers:
            what = f"{row.question} is answered {shown(row.answer)}"
            hint = f"one of {', '.join(QUESTIONS[row.question].answers)}"
            yield problem(row.file, row.line, "E-SIGNAL-ANSWER", what, hint)


def ways(draft: Draft) -> Iterator[Problem]:
    """A domain of which one question is answered is answered as far as its level needs it."""
    if FILE not in draft.read:
        return
    trials = draft.known.get("trials", [])
    for trial, outcome, answers in _results(draft):
        if trial not in trials:
            continue
        where = f"{trial}, {outcome}" if outcome else trial
        numbers = {n: s.answer for n, s in answers.items()}
        for domain in DOMAINS:
            found = effects(domain, numbers)
            if len(found) > 1:
                line = _last(answers, domain)
                what = f"{where} has answers of 2.1 to 2.7 and of 2b.1 to 2b.6"
                hint = "those of the effect that the result estimates, assignment or adhering"
                yield problem(FILE, line, "E-SIGNAL-EFFECT", what, hint)
            for effect in found:
                yield from _stuck(where, domain, effect, answers, numbers)


def _stuck(
    where: str, domain: str, effect: str, answers: Answers, numbers: Mapping[str, str]
) -> Iterator[Problem]:
    try:
        walk(domain, numbers, effect)
    except UnansweredError as error:
        question = QUESTIONS[error.number]
        if not error.answer:
            what = f"{where}: {error.number} has to be answered ({question.text})"
            hint = f"its answer, one of {', '.join(question.usable)}"
            yield problem(FILE, _last(answers, domain), "E-SIGNAL-MISSING", what, hint)
        elif error.answer in question.answers:
            what = f"{where}: {error.number} is not applicable although its turn comes"
            hint = f"one of {', '.join(question.usable)}"
            yield problem(FILE, answers[error.number].line, "E-SIGNAL-ANSWER", what, hint)


def _last(answers: Answers, domain: str) -> int:
    return max(s.line for n, s in answers.items() if QUESTIONS[n].domain == domain)


def _results(draft: Draft) -> Iterator[tuple[str, str, Answers]]:
    """The answers of one judge about one result: its own before those of the whole trial."""
    rows = [s for s in draft.signalling if s.question in QUESTIONS]
    for trial, judge in dict.fromkeys((s.trial, s.judge) for s in rows):
        own = [s for s in rows if (s.trial, s.judge) == (trial, judge)]
        general = {s.question: s for s in own if not s.outcome}
        named = list(dict.fromkeys(s.outcome for s in own if s.outcome))
        for outcome in named or [""]:
            special = {s.question: s for s in own if s.outcome == outcome}
            yield trial, outcome, {**general, **special}


def overrides(draft: Draft) -> Iterator[Problem]:
    """Who departs from what the answers lead to signs for it and says why."""
    levels: dict[tuple[str, str, str], Level] = {}
    for trial, outcome, answers in _results(draft):
        numbers = {n: s.answer for n, s in answers.items()}
        for domain in DOMAINS:
            for effect in effects(domain, numbers):
                try:
                    level = walk(domain, numbers, effect).level
                except UnansweredError:
                    continue
                key = (trial, outcome, domain)
                levels[key] = worst(level, levels.get(key, level))
    said: set[tuple[int, str]] = set()
    for (trial, outcome, domain), level in levels.items():
        for row in _about(draft, trial, outcome):
            rated = getattr(row, domain)
            if not rated or rated == level or (row.judge and row.note.strip()):
                continue
            if (row.line, domain) not in said:
                said.add((row.line, domain))
                what = f"{trial}: {domain} is {rated}, and the answers lead to {level}"
                hint = "judge and note, where a person departs from the answers with a reason"
                yield problem(row.file, row.line, "W-ROB-OVERRIDE", what, hint)


def _about(draft: Draft, trial: str, outcome: str) -> list[RobFinding]:
    rows = [r for r in draft.risk_of_bias if r.trial == trial]
    own = [r for r in rows if r.outcome == outcome]
    return own or [r for r in rows if not r.outcome]
