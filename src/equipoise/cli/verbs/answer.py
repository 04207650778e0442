"""``equipoise answer``: the whole answer in at most two screens, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from equipoise.answer.answer import Answer, HarmLine, OutcomeAnswer, Part, Verdict
from equipoise.answer.assess import assess
from equipoise.answer.wording import HARM_STATES, capital, join, uncapital
from equipoise.cli.verbs.common import day
from equipoise.core.provenance import plain
from equipoise.core.table import count
from equipoise.core.table import show as show_quantity
from equipoise.review.folder import open_review

#: The widest that text is set, for the eye's sake.
WIDTH = 100
_TONES = {
    "WORTH": "bold blue",
    "MAYHELP": "bold blue",
    "UNKNOWN": "bold magenta",
    "AVOID": "bold yellow",
}


def run(review: str, as_json: bool, on: str) -> int:
    """Answer and print."""
    found = assess(open_review(review), on=day(on))
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return 0
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH)
    show(found, console)
    return 0


def show(answer: Answer, console: Console) -> None:
    """Print the answer: verdict first, then why, then what is missing."""
    console.print(Text(answer.review.question.text, style="bold"))
    for line in answer.status.lines:
        if line.kind == "stop":
            _line(console, "! ", line.text, "yellow")
    console.print()
    _verdict(console, answer)
    console.print()
    for message in answer.key_messages:
        _line(console, "• ", message)
    _heading(console, "Alone, added, together")
    parts = (answer.alone, answer.added, answer.together)
    for part in parts:
        _part(console, part)
    for assumption in dict.fromkeys(p.assumption for p in parts if p.assumption):
        _line(console, " " * 9, assumption, "dim", indent=9)
    if answer.together.interaction:
        first = answer.together.interaction.partition(". ")[0]
        _line(console, " " * 9, first.rstrip(".") + ".", "dim", indent=9)
    _heading(console, "Harms")
    _harms(console, answer)
    _heading(console, "Why this sure")
    _sure(console, answer)
    _heading(console, "What would change this answer")
    for change in answer.would_change:
        _line(console, "• ", change)
    console.print()
    _line(console, "", _foot(answer), "dim")


def _verdict(console: Console, answer: Answer) -> None:
    verdict = answer.verdict
    style = _TONES.get(verdict.code, "bold")
    lead = f"{verdict.heading}: " if verdict.heading else ""
    console.print(Text(f"{verdict.glyph} {lead}{verdict.label}", style=style))
    _line(console, "  ", " ".join(s for s in (verdict.sentence, verdict.caution) if s))
    _line(console, "  ", f"{_dots(answer)} {answer.certainty_plain}")
    if verdict.fragile:
        _line(console, "  ", _fragile(verdict), "yellow")


def _fragile(verdict: Verdict) -> str:
    shown = list(verdict.flips[:2])
    more = len(verdict.flips) - len(shown)
    rest = f"; and {more} more" if more else ""
    return f"Fragile: other defensible choices change it. {capital(join(shown))}{rest}."


def _dots(answer: Answer) -> str:
    return "●" * answer.certainty_dots + "○" * (4 - answer.certainty_dots)


def _part(console: Console, part: Part) -> None:
    trials = "trial" if part.trials.value == 1 else "trials"
    bearing = (
        f"{count(part.trials.value)} {trials}, {count(part.people.value)} people, directly"
        if part.trials.value
        else "no trial directly"
    )
    _line(console, f"{capital(part.kind):<9}", f"{part.sentence} [{bearing}]", indent=9)


def _harms(console: Console, answer: Answer) -> None:
    for state in sorted({h.state for h in answer.harms}):
        lines = [h for h in answer.harms if h.state == state]
        if state in (1, 2, 4):
            told = "; ".join(f"{h.plain} – {h.statement}" for h in lines)
        else:
            worst = [_named(h) for h in lines if h.severity == "serious"]
            rest = [_named(h) for h in lines if h.severity != "serious"]
            told = f"{join([*worst, *rest])}."
            told = f"serious: {join(worst)}; other: {join(rest)}." if worst and rest else told
        _line(console, "• ", f"{HARM_STATES[state]}. {capital(told)}")
    if not answer.harms:
        _line(console, "• ", answer.harm_sentence)


def _named(line: HarmLine) -> str:
    return line.plain if line.count is None else f"{line.plain} {count(line.count.value)}"


def _sure(console: Console, answer: Answer) -> None:
    deciding = answer.outcome(answer.verdict.rests_on)
    _line(console, "• ", _numbers(deciding))
    if deciding.grade is None:
        return
    for reason in deciding.grade.reasons:
        if reason.final < 0:
            levels = {-1: "one level", -2: "two levels"}.get(reason.final, "three levels")
            words = reason.plain or reason.why
            _line(console, "• ", f"{capital(reason.domain)} ({levels} off): {words}.")
    if deciding.grade.caps:
        caps = join(list(dict.fromkeys(c.plain for c in deciding.grade.caps)))
        _line(console, "• ", f"At most {deciding.grade.caps[0].level} in any case: {caps}.")


def _numbers(outcome: OutcomeAnswer) -> str:
    trials, people = count(outcome.trials.value), count(outcome.people.value)
    noun = "trial" if outcome.trials.value == 1 else "trials"
    effect = ""
    if outcome.effect is not None:
        plain = outcome.effect.unit in ("points", "per 1000")
        measure = "" if plain else f"{outcome.effect.unit} "
        unit = f" {outcome.effect.unit}" if plain else ""
        effect = f", difference {measure}{show_quantity(outcome.effect)}{unit}"
    return f"It rests on {uncapital(outcome.label)}: {trials} {noun}, {people} people{effect}."


def _foot(answer: Answer) -> str:
    lines: Sequence[str] = [s.text for s in answer.status.lines if s.kind != "stop"]
    return " ".join([*lines, "Not medical advice: ask your doctor."])


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _line(
    console: Console, lead: str, text: str, style: str = "", *, indent: int | None = None
) -> None:
    """A line that wraps under its own text."""
    width = len(lead) if indent is None else indent
    body = Text(plain(text), style=style)
    lines = body.wrap(console, max(20, console.width - width))
    for number, line in enumerate(lines):
        first = lead if number == 0 else " " * width
        console.print(Text(first) + line, soft_wrap=True)
