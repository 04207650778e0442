"""Tables of what stands behind the certainty: each judgement of bias, and what went unreported."""

from __future__ import annotations

from equipoise.answer.answer import Answer, Concern
from equipoise.certainty.grade import Level
from equipoise.certainty.rob2 import assess_result
from equipoise.certainty.rob_me import gaps, harm_gaps
from equipoise.core.table import Column, Link, Table, Value
from equipoise.present.prose import first_upper, joined


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
        missing="–",
    )


def reporting(answer: Answer) -> Table:
    """For every outcome, which trials reported it, and what is known of those that did not."""
    groups: list[tuple[int, str]] = []
    rows: list[tuple[Value, ...]] = []
    for outcome in answer.review.outcomes:
        ledger = gaps(answer.review, outcome)
        if not ledger.lines:
            continue
        groups.append((len(rows), f"{outcome.label}: {ledger.bearing}"))
        rows += [
            (
                Link(gap.label, f"#ref-{gap.trial}"),
                "nobody has looked it up" if gap.state == "not said" else first_upper(gap.state),
                "yes" if gap.usable else "no",
                BECAUSE[gap.because] if gap.state not in ("reported", "not said") else None,
                gap.people or None,
                "; ".join(text for text in (gap.source, gap.note) if text) or None,
            )
            for gap in ledger.lines
        ]
    return Table(
        "What the trials measured and did not report",
        (
            Column("trial", "Trial"),
            Column("state", "This outcome"),
            Column("usable", "Counts in the result"),
            Column("because", "Why it is missing"),
            Column("people", "People", "count"),
            Column("source", "How that is known"),
        ),
        tuple(rows),
        tuple(groups),
        missing="–",
    )


#: Why a result is missing, in words.
BECAUSE: dict[str, str] = {
    "": "nobody knows",
    "of the result": "because of what it was",
    "other": "for another reason",
    "unclear": "unclear",
}


def harms_asked(answer: Answer) -> Table:
    """Which trials asked about which harm, and how many of the people treated.

    Harms of which the same is known share a row.
    """
    known: dict[tuple[Value, ...], list[str]] = {}
    for gap in harm_gaps(answer.review):
        trials = (gap.asked, gap.not_asked, gap.unclear, gap.not_said)
        told: tuple[Value, ...] = (
            *(joined(list(labels)) or None for labels in trials),
            f"{gap.people_asked} of {gap.people_treated}",
        )
        known.setdefault(told, []).append(gap.plain)
    return Table(
        "Who was asked about each harm",
        (
            Column("harm", "Harm"),
            Column("asked", "Asked in"),
            Column("not_asked", "Not asked in"),
            Column("unclear", "Unclear in"),
            Column("not_said", "Not a word in"),
            Column("people", "People asked, of those treated"),
        ),
        tuple((first_upper("; ".join(harms)), *told) for told, harms in known.items()),
        missing="no trial",
    )


#: CINeMA's domains, as columns; "ceiling" is the review's own.
_DOMAINS: tuple[str, ...] = (
    "within-study bias",
    "reporting bias",
    "indirectness",
    "imprecision",
    "heterogeneity",
    "incoherence",
    "ceiling",
)


def concerns(answer: Answer) -> Table:
    """What lowers confidence in each estimate of the component model, by CINeMA's domains.

    Every rule with its inputs is in ``answer.json``.
    """
    names = {o.id: o.label for o in answer.outcomes}
    found: list[tuple[str, str, Level | None, tuple[Concern, ...]]] = [
        *((e.outcome, "together", e.level, e.concerns) for e in answer.together.estimates),
        *(
            (i.outcome, "strengthens the other", i.level, i.concerns)
            for i in answer.together.interactions
        ),
        *((c.outcome, c.label, c.level, c.concerns) for c in answer.components),
    ]
    told = [row for row in found if row[3]]
    told.sort(key=lambda row: list(names).index(row[0]))
    groups: list[tuple[int, str]] = []
    rows: list[tuple[Value, ...]] = []
    for outcome, what, level, held in told:
        label = names[outcome]
        if not groups or groups[-1][1] != label:
            groups.append((len(rows), label))
        words = [
            "; ".join(c.concern.removesuffix(" concerns") for c in held if c.domain == d)
            for d in _DOMAINS
        ]
        rows.append((first_upper(what), *words, level))
    return Table(
        "Concerns about each estimate of the component model (CINeMA; no, some or major), the "
        "review’s own ceilings, and the certainty that follows",
        (
            Column("what", "Estimate"),
            *(Column(d.replace(" ", "_").replace("-", "_"), first_upper(d)) for d in _DOMAINS),
            Column("level", "Certainty"),
        ),
        tuple(rows),
        tuple(groups),
        missing="",
    )
