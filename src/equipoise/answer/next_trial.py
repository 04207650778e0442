"""What would change the answer: how large a fair next trial, and what it would have to find.

The next trial is added to those there are and goes through the same model, judgement and table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from equipoise.answer.absolute import pooled_sd, scale_of
from equipoise.answer.answer import VerdictCode
from equipoise.answer.judging import Judged, Setting, judge
from equipoise.answer.synthesis import fit_pairs
from equipoise.certainty.thresholds import EffectClass, signed
from equipoise.review.collect import ArmData
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Review, RobFinding, Threshold, Trial

#: The largest trial that is tried, in people, and by how much each is larger than the one before.
LARGEST = 20_000
_STEP = 1.3
_SMALLEST = 10

_NEXT = Trial(id="the-next-trial", label="the next trial", citation="", blinding="participants")


@dataclass(frozen=True, slots=True)
class NextTrial:
    """A trial that would change the answer."""

    id: str
    finding: str
    """What it would find, in words."""
    people: int
    verdict: VerdictCode
    """The answer that it would lead to."""
    benefit: EffectClass | None
    """What the effect would be called with it."""


def next_trials(
    review: Review,
    outcome: Outcome,
    chosen: Sequence[Pair],
    main: Threshold | None,
    setting: Setting,
    code: VerdictCode,
) -> tuple[NextTrial, ...]:
    """The size from which on a fair trial changes the answer, for each finding one can imagine.

    The next trial has two equal groups, a low risk of bias, and participants who do not know what
    they get. A finding that no trial of up to 20,000 people makes decisive is left out.
    """
    if main is None or not chosen:
        return ()
    judged_low = RobFinding(trial=_NEXT.id, tool="RoB 2", overall="low")
    fair = replace(review, risk_of_bias=(*review.risk_of_bias, judged_low))
    make = _maker(outcome, chosen, review)
    if make is None:
        return ()

    def judged(benefit: float, people: int) -> Judged:
        pairs = (*chosen, make(benefit, people))
        fit = fit_pairs(outcome, pairs, review.plan)
        assert fit is not None
        return judge(fair, outcome, pairs, fit, main, setting)

    found = []
    for id_, finding, benefit in _findings(main):
        size = _smallest(lambda n, b=benefit: judged(b, n).code != code)  # type: ignore[misc]
        if size is not None:
            then = judged(benefit, size)
            found.append(NextTrial(id_, finding, size, then.code, then.effect_class))
    return tuple(found)


def _findings(main: Threshold) -> Iterator[tuple[str, str, float]]:
    """What a trial may find: its id, in words, and as a benefit in the reader's units."""
    yield "none", "finds no difference", 0.0
    yield "benefit", "finds a benefit twice as large as the smallest that matters", 2 * main.small
    yield "worse", "finds a worsening twice as large as the smallest that matters", -2 * main.small


def _smallest(changes: Callable[[int], bool]) -> int | None:
    """The smallest even number of people from which on every trial changes the answer.

    To two digits, and None where the largest trial does not. Searched from the top: a small trial
    may change an answer, a larger one of the same kind put it back.
    """
    if not changes(LARGEST):
        return None
    now, below = LARGEST, _even(LARGEST / _STEP)
    while below >= _SMALLEST and changes(below):
        now, below = below, _even(below / _STEP)
    below = max(below, _SMALLEST - 2)
    while now - below > max(2, now // 50):
        middle = _even((below + now) / 2)
        if changes(middle):
            now = middle
        else:
            below = middle
    step = max(2, int(10.0 ** (len(str(now)) - 2)))
    size = math.ceil(now / step) * step
    # Whole events make sizes that are close to the edge uneven: the next one is told then.
    while not changes(size):
        size += step
    return size


def _even(people: float) -> int:
    return 2 * math.floor(people / 2)


def _maker(
    outcome: Outcome, chosen: Sequence[Pair], review: Review
) -> Callable[[float, int], Pair] | None:
    """A way to make the next trial from its benefit and size; None where its spread is unknown."""
    parts = frozenset({review.question.component})
    week = outcome.weeks[2]

    def side(n: int, events: int | None, mean: float | None, sd: float | None) -> ArmData:
        return ArmData(
            trial=_NEXT,
            arms=(),
            parts=parts,
            mixed=frozenset(),
            week=week,
            type="final",
            n=n,
            events=events,
            mean=mean,
            sd=sd,
            raw="",
            flags=(),
            borrowed=False,
            cells=(),
        )

    def pair(one: ArmData, two: ArmData) -> Pair:
        return Pair(_NEXT, _NEXT.label, parts, frozenset(), frozenset(), one, two, None)

    scale = scale_of(outcome, chosen)
    if outcome.type == "binary":
        risk = scale.risk
        if risk is None or not 0 < risk < 1:
            return None

        def binary(benefit: float, people: int) -> Pair:
            half = people // 2
            share = min(max(risk + signed(benefit, outcome.better) / 1000, 0.0), 1.0)
            return pair(
                side(half, round(half * share), None, None),
                side(half, round(half * risk), None, None),
            )

        return binary
    fit = fit_pairs(outcome, chosen, review.plan)
    assert fit is not None
    sd = 1.0 if outcome.measure == "SMD" else pooled_sd(chosen, [float(v) for v in fit.vi])
    if sd is None:
        return None

    def continuous(benefit: float, people: int) -> Pair:
        half = people // 2
        difference = signed(benefit, outcome.better)
        return pair(side(half, None, difference, sd), side(half, None, 0.0, sd))

    return continuous
