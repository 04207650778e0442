"""One page to take to the doctor: what fits on a sheet of paper, chosen by fixed rules.

The deciding outcome and at most two more, the harms that matter most, the choices in a line each,
and room to write. Whatever is left out is on the page that its foot names.
"""

from __future__ import annotations

import re

from equipoise.answer.answer import Answer, HarmLine, OutcomeAnswer
from equipoise.core.table import Column, Table, Value
from equipoise.present.prose import first_upper, joined
from equipoise.present.tables import UNKNOWN, differs, measured, sureness

#: How much stands on the sheet.
OUTCOMES, HARMS, OPTIONS, QUESTIONS = 3, 3, 4, 8
#: A cell's words, at most so many signs, and where a long sentence may end.
_LONG = 90
_PART = re.compile(rf"(.{{1,{_LONG}}})(?:;| –| \()")


def chosen_outcomes(answer: Answer) -> tuple[OutcomeAnswer, ...]:
    """The deciding outcome first, then critical ones, those with numbers before those without."""
    order = {"critical": 0, "important": 1, "limited": 2}
    listed = sorted(
        answer.outcomes,
        key=lambda o: (not o.decides, o.absolute is None, order.get(o.importance, 3)),
    )
    return tuple(listed[:OUTCOMES])


def numbers(answer: Answer) -> Table:
    """What trials found for these outcomes, without and with the treatment."""
    rows: list[tuple[Value, ...]] = []
    for o in chosen_outcomes(answer):
        a = o.absolute
        rows.append(
            (
                f"{o.label} ({measured(o)}), after {o.time}",
                UNKNOWN if a is None or a.without is None else a.without,
                UNKNOWN if a is None or a.with_ is None else a.with_,
                "no usable numbers" if a is None else differs(a),
                sureness(o.grade.level if o.grade else None),
            )
        )
    return Table(
        f"What trials found in {answer.population}",
        (
            Column("outcome", "What was measured"),
            Column("without", f"With {answer.comparator}"),
            Column("with", f"With {answer.treatment}"),
            Column("difference", "Difference (range)"),
            Column("sure", "How sure"),
        ),
        tuple(rows),
    )


def choices(answer: Answer) -> Table:
    """The choices side by side, a few words each."""
    options = answer.review.options[:OPTIONS]
    rows: tuple[tuple[Value, ...], ...] = (
        ("What is it like?", *(short(o.experience) for o in options)),
        ("Visits", *(short(o.visits) or UNKNOWN for o in options)),
        ("Cost", *(short(o.cost) or UNKNOWN for o in options)),
    )
    return Table(
        "The choices",
        (Column("ask", "What people ask"), *(Column(o.id, o.label) for o in options)),
        rows,
    )


def harm_words(answer: Answer) -> tuple[str, ...]:
    """The harms in a line for each kind of evidence: serious ones by name first."""
    serious = [h for h in answer.harms if h.severity == "serious"]
    seen = [h for h in serious if h.state in (1, 2)]
    told = [h for h in serious if h.state == 3]
    silent = [h for h in serious if h.state == 5]
    common = [h for h in answer.harms if h.state in (1, 2) and h.severity != "serious"]
    lines = []
    for found, words in (
        (seen, "Serious harm seen in trials"),
        (told, "Serious harm reported elsewhere; nobody knows how often"),
        (silent, "Serious harm that the trials did not ask about"),
        (common, "Other harm seen in trials"),
    ):
        if found:
            lines.append(f"{words}: {_named(found)}.")
    return tuple(lines) or (first_upper(answer.harm_sentence),)


def _named(lines: list[HarmLine]) -> str:
    names = [h.plain for h in lines[:HARMS]]
    return joined(names) if len(lines) <= HARMS else f"{', '.join(names)} and others"


def short(text: str) -> str:
    """The first sentence; a long one ends with a part that is whole by itself, or is cut."""
    clean = " ".join(text.split())
    first = clean.partition(". ")[0].rstrip(".")
    if len(first) <= _LONG:
        return first
    whole = _PART.match(first)
    if whole and len(whole[1]) >= _LONG // 3:
        return whole[1]
    return first[:_LONG].rsplit(" ", 1)[0].rstrip(",;:") + "…"
