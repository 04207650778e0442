"""What an estimate rests on: which trials and people, how much is direct, what one trial moves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from equipoise.answer.absolute import Scale, as_seen
from equipoise.answer.answer import Absolute, Footing
from equipoise.answer.ledger import Ledger
from equipoise.answer.wording import count, join
from equipoise.core.order import natural
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import count as digits
from equipoise.core.table import percent, points, ratio, standardised
from equipoise.effects.contrasts import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.effects.suspects import name_twins
from equipoise.models.components import ComponentFit
from equipoise.models.components.basis import Basis
from equipoise.models.components.reading import TIMES
from equipoise.review.comparisons import NOTHING
from equipoise.review.records import Outcome, Review


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """Trials and people behind an estimate, and those that compare exactly what is asked."""

    trials: Quantity
    people: Quantity
    direct_trials: Quantity
    direct_people: Quantity
    share: float


def labels_of(review: Review, components: Sequence[str]) -> dict[str, str]:
    """What to call components in sentences of the model; their ids where labels will not do."""
    known = {c.id: c.label for c in review.components}
    found = {c: known.get(c, c) for c in components if TIMES not in c}
    names = tuple(found.values())
    bad = any("+" in n or TIMES in n or n == NOTHING for n in names)
    if bad or len(set(names)) < len(names) or name_twins(names):
        return {c: c for c in found}
    return found


def renamed(treat: str, labels: dict[str, str]) -> str:
    """A treatment of the model, or an interaction, with its components called by their labels."""
    if treat == NOTHING:
        return treat
    parts = (
        TIMES.join(sorted((labels[c] for c in p.split(TIMES)), key=natural))
        for p in treat.split("+")
    )
    return "+".join(parts)


def labelled(fit: ComponentFit, labels: dict[str, str]) -> ComponentFit:
    """The same fit with its components called by their labels."""

    def treats(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(renamed(t, labels) for t in names)

    es: Contrasts = fit.data
    data = dataclasses.replace(es, treat1=treats(es.treat1), treat2=treats(es.treat2))
    return dataclasses.replace(fit, components=treats(fit.components), data=data)


def footing(
    outcome: Outcome,
    basis: Basis,
    counted: Counted,
    span: Quantity | None,
    sizes: Sequence[int],
) -> Footing:
    """What an estimate rests on, with its sentence; `sizes` are groups of an essential trial."""
    return Footing(
        sentence=_sentence(outcome, basis, counted, span, sizes),
        through=basis.through,
        trials=counted.direct_trials,
        people=counted.direct_people,
        share=counted.share,
        essential=basis.essential,
        span=span,
    )


def span_of(
    scale: Scale,
    ledger: Ledger,
    prefix: str,
    effect: Quantity,
    told: Absolute | None,
    ends: tuple[float, float, float],
) -> Quantity | None:
    """Where the result lies when one trial is left out; None where none may be.

    `ends`: the estimate, and the smallest and the largest one without a trial, as analysed.
    """
    if math.isnan(ends[1]):
        return None
    outcome = scale.outcome
    value, *rest = (_seen(scale, effect, told, v) for v in ends)
    return ledger.add(
        f"{prefix}.without_one",
        value,
        effect.unit if told is None else told.difference.unit,
        f"{outcome.label}: range when one trial is left out",
        "the smallest and the largest result without each trial in turn",
        low=min(rest),
        high=max(rest),
        inputs=[effect if told is None else told.difference],
    )


def _seen(scale: Scale, effect: Quantity, told: Absolute | None, value: float) -> float:
    """An effect on the analysis scale as the reader sees the result."""
    if told is None:
        return as_seen(scale.outcome, value)
    if scale.outcome.measure == "SMD" and told.difference.unit != "SMD":
        ends = (told.difference, effect)
        wide = [(q.high or 0.0) - (q.low or 0.0) for q in ends]
        return value * wide[0] / wide[1]
    return scale.difference(value)


def _sentence(
    outcome: Outcome,
    basis: Basis,
    counted: Counted,
    span: Quantity | None,
    sizes: Sequence[int],
) -> str:
    k, direct = int(counted.trials.value), int(counted.direct_trials.value)
    people = mark(counted.people, digits(counted.people.value))
    said = []
    if k > 1:
        said.append(f"{count(k, 'trial').capitalize()} with {people} people bear on this.")
    if len(basis.essential) == 1:
        ends = [f"{sizes[0]:,}", f"{sizes[-1]:,}"] if sizes else []
        known = f", with {' to '.join(dict.fromkeys(ends))} people in each group" if ends else ""
        said.append(f"It rests on one trial, {basis.essential[0]}{known}.")
        said.append("Without it nobody could tell.")
    elif basis.essential:
        said.append(f"It needs each of {join(basis.essential)}.")
        said.append("Without any one of them nobody could tell.")
    said.append(_direct(k, direct, counted))
    if span is not None and span.low is not None and span.high is not None:
        which = "one of the other trials" if basis.essential else "one trial"
        ends_said = _ends(outcome, span, span.low, span.high)
        said.append(f"With {which} left out, the result is {ends_said}.")
    return " ".join(said)


def _direct(k: int, direct: int, counted: Counted) -> str:
    share = share_said(counted.share)
    if not direct or counted.share == 0.0:
        return "No trial compares exactly this." if k > 1 else "It does not compare exactly this."
    if direct == k and counted.share > 1 - 1e-9:
        return "It compares exactly this." if k == 1 else "All of them compare exactly this."
    people = mark(counted.direct_people, digits(counted.direct_people.value))
    who = "One of them" if direct == 1 else count(direct, "of them", "of them").capitalize()
    verb = "compares" if direct == 1 else "compare"
    if direct == k:
        who = "It" if k == 1 else "All of them"
    return f"{who}, with {people} people, {verb} exactly this: {share} of the information."


def share_said(share: float) -> str:
    """A share of information as a percentage."""
    return percent(100.0 * share)


def _points(value: float) -> str:
    return points(value)


def _ends(outcome: Outcome, span: Quantity, low: float, high: float) -> str:
    """Both ends of the range in words, one where they read the same."""
    binary = outcome.type == "binary"
    if span.unit not in ("points", "per 1000", "SMD"):
        size = ratio if measure_of(outcome.measure).ratio else _points
        ends = [size(low), size(high)]
        words = [f"{measure_of(outcome.measure).name} {mark(span, end)}" for end in ends]
    else:
        ways = ("fewer", "more") if binary else ("lower", "higher")
        noun = "" if binary else " points"
        write = digits if binary else _points
        if span.unit == "SMD":
            noun, write = " standard deviations", standardised
        ends = [write(abs(v)) + ways[v >= 0] for v in (low, high)]
        words = [f"{mark(span, write(abs(v)))}{noun} {ways[v >= 0]}" for v in (low, high)]
    tail = " of every 1000 people" if span.unit == "per 1000" else ""
    if ends[0] == ends[1]:
        return f"{words[0]}{tail}"
    return f"between {words[0]} and {words[1]}{tail}"
