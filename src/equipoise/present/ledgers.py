"""Tables of what stands behind the certainty: each judgement of bias, and what went unreported."""

from __future__ import annotations

from equipoise.answer.answer import Answer
from equipoise.certainty.rob2 import assess_result
from equipoise.core.table import Column, Table, Value
from equipoise.present.prose import first_upper


def rob_steps(answer: Answer) -> Table:
    """How each level of risk of bias was reached, domain by domain, for every pooled result."""
    groups: list[tuple[int, str]] = []
    rows: list[tuple[Value, ...]] = []
    for outcome in answer.outcomes:
        for row in outcome.pooled.rows if outcome.pooled is not None else ():
            risk = assess_result(answer.review, row.trial, outcome.id)
            groups.append((len(rows), f"{row.label}: {outcome.label}"))
            rows += [
                (
                    first_upper(d.name),
                    first_upper(d.level),
                    d.why or "nobody has judged it",
                    d.judge or None,
                    d.source or None,
                )
                for d in risk.domains
            ]
            rows.append(("Overall", first_upper(risk.overall), risk.why, None, None))
    return Table(
        "How each level of risk of bias was reached",
        (
            Column("domain", "Domain"),
            Column("level", "Risk of bias"),
            Column("why", "Answers that led there"),
            Column("judge", "By"),
            Column("source", "From"),
        ),
        tuple(rows),
        tuple(groups),
        missing="nobody here signed",
    )
