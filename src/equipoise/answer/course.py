"""How it went for people without the treatment: what the groups they were compared with tell.

It is not the natural course itself. The comparator may act, and people tend to join a trial when
they feel worst, so that some get better anyway; the sentences say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from equipoise.answer.absolute import time_words
from equipoise.answer.ledger import Ledger
from equipoise.answer.outcomes import Outcomes
from equipoise.answer.synthesis import Evidence
from equipoise.answer.wording import capital
from equipoise.core.provenance import Cell, mark
from equipoise.core.table import count, fixed, points
from equipoise.review.collect import rescaled_mean
from equipoise.review.comparisons import Pair
from equipoise.review.records import Finding, Outcome, Review

#: So many outcomes are told.
_MOST = 3


@dataclass(frozen=True, slots=True)
class _Change:
    """What one control group's average did from the start of its trial."""

    change: float
    n: int
    cells: tuple[Cell, ...]


def course_lines(
    review: Review, data: Sequence[Evidence], found: Sequence[Outcomes], ledger: Ledger
) -> tuple[str, ...]:
    """One sentence for each of the weightiest outcomes, and what to make of them.

    Parameters
    ----------
    review, data, found
        The review, and what its isolating trials show for each outcome, in the same order.
    ledger
        Takes the numbers.

    Returns
    -------
    tuple of str
        Empty where no trial tells how people without the treatment fared.
    """
    both = [
        (e, f)
        for e, f in zip(data, found, strict=True)
        if f.answer.decides or f.answer.importance == "critical"
    ]
    both.sort(key=lambda pair: not pair[1].answer.decides)
    lines = [line for e, f in both for line in _line(review, e, f, ledger)][:_MOST]
    if not lines:
        return ()
    if not any(f.answer.decides and e.outcome.type == "continuous" for e, f in both):
        return tuple(lines)
    acts = any(p.parts2 for e, _ in both for p in e.pairs)
    y = f"{review.question.comparator} may act too, and " if acts else ""
    return (
        *lines,
        f"Time alone need not be the reason: {y}people often join a trial when they feel worst.",
    )


def _line(review: Review, data: Evidence, found: Outcomes, ledger: Ledger) -> Iterator[str]:
    outcome, told = data.outcome, found.answer.absolute
    y = review.question.comparator
    if outcome.type == "binary":
        if told is not None and told.without is not None:
            shown = mark(told.without, count(told.without.value))
            what = capital(outcome.plain)
            known = next((b for b in outcome.baselines if b.main), None)
            if known is not None:
                yield (
                    f"{what}: {shown} of every 1000 people without it ({known.name}), by "
                    f"{known.source}, not by these trials."
                )
                return
            yield f"{what}: {shown} of every 1000 people with {y}, after {told.time}."
        return
    changes = [(p, c) for p in data.pairs if (c := _change(review, outcome, p)) is not None]
    if not changes:
        return
    pairs, groups = [p for p, _ in changes], [c for _, c in changes]
    cells = [c for p, g in changes for c in (*p.cells, *g.cells)]
    people = ledger.add(
        f"course.{outcome.id}.people",
        sum(g.n for g in groups),
        "people",
        f"{outcome.label}: people without the treatment whose course is told",
        "sum of the control groups that were measured at the start",
        cells=cells,
    )
    change = ledger.add(
        f"course.{outcome.id}.change",
        sum(g.n * g.change for g in groups) / people.value,
        "points",
        f"{outcome.label}: change from the start without the treatment, average",
        "change of the average in the control groups, weighted by their size",
        cells=cells,
    )
    moved = "the same as at the start"
    if change.value:
        way = "lower" if change.value < 0 else "higher"
        moved = f"{mark(change, points(abs(change.value)))} points {way} than at the start"
    scale = f" (scale {outcome.scale[0]:g} to {outcome.scale[1]:g})" if outcome.scale else ""
    first = f"{capital(outcome.plain)}: {moved}{scale}, after {time_words(pairs, outcome)}."
    yield f"{first} That is the average of {mark(people, fixed(people.value, 0))} people with {y}."


def _change(review: Review, outcome: Outcome, pair: Pair) -> _Change | None:
    """The control group's own change; None where its report does not give it."""
    arm = pair.control
    if arm is None or arm.mean is None:
        return None
    if arm.type != "final":
        return _Change(arm.mean, arm.n, ())
    rows = [_start(review, outcome, pair.trial.id, a.arm) for a in arm.arms]
    known = [r for r in rows if r is not None and (r.n or len(rows) == 1)]
    if len(known) < len(rows):
        return None
    weights = [1 if len(rows) == 1 else r.n or 0 for r in known]
    total = sum(w * rescaled_mean(r, outcome) for w, r in zip(weights, known, strict=True))
    columns = ("mean",) if len(rows) == 1 else ("mean", "n")
    return _Change(
        arm.mean - total / sum(weights), arm.n, tuple(r.cell(c) for r in known for c in columns)
    )


def _start(review: Review, outcome: Outcome, trial: str, arm: str) -> Finding | None:
    """The row of a group at the start of its trial, with a usable average."""
    return next(
        (
            r
            for r in review.results
            if (r.trial, r.arm, r.outcome, r.weeks) == (trial, arm, outcome.id, 0)
            and r.type == "final"
            and r.mean is not None
            and not {"unusable", "overlapping"} & set(r.flags)
        ),
        None,
    )
