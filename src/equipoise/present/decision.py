"""From evidence to a decision: what was judged, by whom, and what nobody has judged.

Criteria: Alonso-Coello 2016, BMJ 353:i2016. What the evidence gives is filled by the program; the
rest is for people who sign it, and an empty line says so.
"""

from __future__ import annotations

from equipoise.answer.answer import Answer
from equipoise.answer.wording import HARM_CLAUSES
from equipoise.core.table import Column, Table
from equipoise.present.prose import day, ended, first_upper
from equipoise.review.records import Judgement

#: Criterion of the folder, or "" for what the program fills, and what it asks.
_ASKED: tuple[tuple[str, str], ...] = (
    ("problem", "Does the problem matter enough to act on?"),
    ("desirable", "How large are the good effects?"),
    ("undesirable", "How large are the bad effects?"),
    ("certainty", "How sure is the evidence?"),
    ("values", "Do people differ in what matters to them?"),
    ("balance", "What outweighs what?"),
    ("resources", "How much does it cost?"),
    ("cost-effectiveness", "Is it worth what it costs?"),
    ("equity", "Is it fair to all groups of people?"),
    ("acceptability", "Would people accept it?"),
    ("feasibility", "Can it be had and done everywhere?"),
)
#: The sizes of a benefit as a panel names them.
_SIZES = {
    "worse": "none: it may be worse",
    "none": "trivial or none",
    "small": "small",
    "moderate": "moderate",
    "large": "large",
}
_NOBODY = "not judged by anybody"
_PROGRAM = "the program"


def decision(answer: Answer) -> Table:
    """Every criterion of an evidence-to-decision frame, with who judged it or that nobody did."""
    names = {p.id: p.name for p in answer.review.people}
    signed: dict[str, list[Judgement]] = {}
    for j in answer.review.judgements:
        if j.about == "decision":
            signed.setdefault(j.domain, []).append(j)
    computed = _computed(answer)
    rows: list[tuple[str, str, str, str]] = []
    for criterion, asks in _ASKED:
        found = signed.get(criterion, [])
        if criterion in computed:
            rows.append((asks, first_upper(computed[criterion]), _PROGRAM, ""))
        elif not found:
            rows.append((asks, _NOBODY, "", ""))
        rows += [
            (
                asks,
                first_upper(j.level),
                f"{names.get(j.by, j.by)}, {day(j.on)}",
                ended(j.why),
            )
            for j in found
        ]
    return Table(
        "From the evidence to a decision",
        (
            Column("asks", "What is asked"),
            Column("level", "Judgement"),
            Column("by", "By"),
            Column("why", "Why"),
        ),
        tuple(rows),
    )


def _computed(answer: Answer) -> dict[str, str]:
    v = answer.verdict
    return {
        "desirable": _SIZES[v.benefit] if v.benefit else "not known",
        "undesirable": HARM_CLAUSES[v.harm],
        "certainty": answer.certainty or "no evidence",
        "balance": f"{v.heading}: {v.label}" if v.heading else v.label,
    }


def dissent(answer: Answer) -> list[tuple[str, str, str]]:
    """Who disagrees with the answer: name, day and reason."""
    names = {p.id: p.name for p in answer.review.people}
    return [
        (names.get(j.by, j.by), j.on, j.why)
        for j in answer.review.judgements
        if j.about == "dissent"
    ]
