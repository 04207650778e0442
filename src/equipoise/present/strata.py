"""Tables of one outcome in more detail: kinds of people, responders, and one trial fewer."""

from __future__ import annotations

from equipoise.answer.answer import OutcomeAnswer, Sensitivity, ThresholdLine
from equipoise.answer.wording import label
from equipoise.core.table import Column, Table, Value
from equipoise.present.prose import first_upper, told


def strata(outcome: OutcomeAnswer) -> Table:
    """The same relative effect by the risk that people have without the treatment."""
    rows: list[tuple[Value, ...]] = [
        (
            f"{s.name} (used)" if s.main else s.name,
            s.absolute.without,
            s.absolute.with_,
            s.absolute.difference,
            told(s.number_needed),
            s.source,
        )
        for s in outcome.strata
    ]
    if not rows and outcome.absolute is not None and outcome.number_needed:
        a = outcome.absolute
        rows.append(
            (
                "People as in the control groups of these trials",
                a.without,
                a.with_,
                a.difference,
                told(outcome.number_needed),
                "the trials",
            )
        )
    return Table(
        f"{outcome.label}: people of every 1000, by what happens without the treatment",
        (
            Column("who", "Who"),
            Column("without", "Without"),
            Column("with", "With"),
            Column("difference", f"Difference ({_level(outcome)})"),
            Column("needed", "Number needed"),
            Column("source", "Risk from"),
        ),
        tuple(rows),
    )


def responders(outcome: OutcomeAnswer) -> Table:
    """People who are noticeably better: estimates from points, never counts."""
    return Table(
        f"{outcome.label}: estimated people of every 1000 who are noticeably better",
        (
            Column("name", "Counted as better"),
            Column("without", "Without"),
            Column("with", "With"),
            Column("difference", f"Difference ({_level(outcome)})"),
            Column("method", "Estimated"),
            Column("source", "Source"),
        ),
        tuple(
            (r.name, r.without, r.with_, r.difference, r.method, r.source)
            for r in outcome.responders
        ),
    )


def interval_name(level: float) -> str:
    """The name of an interval by its level: ``95% CI``."""
    return f"{100 * level:.10g}% CI"


def _level(outcome: OutcomeAnswer) -> str:
    return interval_name(0.95 if outcome.pooled is None else outcome.pooled.level)


def verdict_there(line: Sensitivity | ThresholdLine) -> str:
    """The answer under another choice, and whether it is another answer."""
    if line.verdict is None:
        return "none"
    size = line.benefit if isinstance(line, Sensitivity) else line.effect_class
    return label(line.verdict, size) + (" (changes)" if line.flips else "")


def without_each(outcome: OutcomeAnswer) -> Table:
    """What the answer would be if one trial were withdrawn."""
    return Table(
        f"{outcome.label}: if one trial were withdrawn",
        (
            Column("what", "With"),
            Column("effect", "Effect"),
            Column("verdict", "The answer would be"),
        ),
        tuple(
            (
                s.what,
                first_upper(s.why) if s.effect is None else s.effect,
                verdict_there(s),
            )
            for s in outcome.without_each
        ),
    )
