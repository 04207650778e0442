"""The page's tables as CSV: every value as it is shown and, beside it, unrounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from equipoise.answer.answer import Answer, HarmLine, OutcomeAnswer
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import Table
from equipoise.present import tables
from equipoise.present.trialtable import trials

Cell = str | int | float | None
#: File → what it holds, in words.
SHOWN: dict[str, str] = {
    "outcomes.csv": "each outcome as the page shows it, with the numbers unrounded",
    "harms.csv": "each harm as the page shows it, with the numbers unrounded",
    "trials.csv": "the trials as the page shows them",
}
#: Columns that hold numbers; every other one holds text.
WHOLE = frozenset({"trials", "people", "state"})
NUMBERS = frozenset(
    f"{name}{end}"
    for name in ("without", "with", "difference", "effect", "excess", "count", "bound")
    for end in ("", "_low", "_high")
)


def shown_csv(answer: Answer) -> dict[str, str]:
    """The three tables, by the name of the file.

    Columns ending in ``_shown`` hold the words of the page; columns without it the same number
    unrounded, with the ends of its 95 % interval in ``_low`` and ``_high``.
    """
    made = {
        "outcomes.csv": _outcomes(answer),
        "harms.csv": [_harm(answer, line, i) for i, line in _by_state(answer)],
        "trials.csv": _texts(trials(answer)),
    }
    return {name: _written(rows, HEADERS[name]) for name, rows in made.items()}


def _numbers(name: str, q: Quantity | None) -> dict[str, Cell]:
    return {
        name: None if q is None else q.value,
        f"{name}_low": None if q is None else q.low,
        f"{name}_high": None if q is None else q.high,
    }


def _texts(table: Table) -> list[dict[str, Cell]]:
    return [
        {c.key: plain(table.text(v, c)) for c, v in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]


def _outcomes(answer: Answer) -> list[dict[str, Cell]]:
    patient, clinician = _texts(tables.fact_box(answer)), _texts(tables.findings(answer))
    return [_outcome(o, p, c) for o, p, c in zip(answer.outcomes, patient, clinician, strict=True)]


def _outcome(
    o: OutcomeAnswer, patient: Mapping[str, Cell], clinician: Mapping[str, Cell]
) -> dict[str, Cell]:
    a = o.absolute
    return {
        "id": o.id,
        "outcome": o.label,
        "measured": tables.measured(o),
        "time": patient["time"],
        "without_shown": patient["without"],
        "with_shown": patient["with"],
        "difference_shown": patient["difference"],
        "relative_shown": clinician["relative"],
        "people_shown": clinician["people"],
        "sure": patient["sure"],
        "certainty": o.grade.level if o.grade else None,
        "words_plain": plain(o.statement_plain),
        "words_clinical": clinician["words"],
        "unit": None if a is None else a.difference.unit,
        **_numbers("without", None if a is None else a.without),
        **_numbers("with", None if a is None else a.with_),
        **_numbers("difference", None if a is None else a.difference),
        "effect_unit": None if o.effect is None else o.effect.unit,
        **_numbers("effect", o.effect),
        "trials": round(o.trials.value),
        "people": round(o.people.value),
    }


def _by_state(answer: Answer) -> Iterable[tuple[int, HarmLine]]:
    """The lines in the order of the page."""
    return enumerate(sorted(answer.harms, key=lambda line: line.state))


def _harm(answer: Answer, line: HarmLine, at: int) -> dict[str, Cell]:
    words = _texts(tables.harms(answer))[at]
    return {
        "id": line.harm,
        "harm": words["harm"],
        "state": line.state,
        "severity": words["severity"],
        "known_shown": words["known"],
        "note": words["note"],
        "asked": line.asked,
        **_numbers("with", line.with_),
        **_numbers("without", line.without),
        **_numbers("excess", line.excess),
        "count": None if line.count is None else line.count.value,
        "bound": None if line.bound is None else line.bound.value,
    }


def _three(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


#: The columns of each file, in order.
HEADERS: dict[str, tuple[str, ...]] = {
    "outcomes.csv": (
        *("id", "outcome", "measured", "time", "without_shown", "with_shown"),
        *("difference_shown", "relative_shown", "people_shown", "sure", "certainty"),
        *("words_plain", "words_clinical", "unit"),
        *_three("without"),
        *_three("with"),
        *_three("difference"),
        "effect_unit",
        *_three("effect"),
        *("trials", "people"),
    ),
    "harms.csv": (
        *("id", "harm", "state", "severity", "known_shown", "note", "asked"),
        *_three("with"),
        *_three("without"),
        *_three("excess"),
        *("count", "bound"),
    ),
    "trials.csv": (
        *("trial", "design", "people", "groups", "care", "where", "blinding", "rob", "lights"),
        *("funding", "conflicts", "proponent", "registered", "note"),
    ),
}


def _written(rows: Sequence[Mapping[str, Cell]], header: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if row.get(c) is None else row.get(c) for c in header])
    return out.getvalue()
