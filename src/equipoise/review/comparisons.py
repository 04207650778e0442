"""Which comparisons within trials tell about a treatment, and their numbers.

A comparison *isolates* a treatment when its two groups differ in that component and in nothing
else. Every other difference between groups belongs to the whole package and to no part of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equipoise.core.provenance import Cell
from equipoise.effects.contrasts import Contrasts, arm_contrasts, effect_sizes, published
from equipoise.review.collect import (
    ArmData,
    Collected,
    ContrastData,
    TrialData,
    counted_arms,
    model_parts,
)
from equipoise.review.records import Arm, Outcome, Review, Trial

Setting = Literal["alone", "added", "mixed"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison within one trial, treated minus control, with its raw numbers."""

    trial: Trial
    label: str
    parts1: frozenset[str]
    parts2: frozenset[str]
    mixed: frozenset[str]
    treated: ArmData | None
    control: ArmData | None
    contrast: ContrastData | None
    swapped: bool = False
    """The published contrast is control minus treated."""

    @property
    def n1(self) -> float:
        """People in the treated group (nan: not reported)."""
        return self._people(1)

    @property
    def n2(self) -> float:
        """People in the control group (nan: not reported)."""
        return self._people(2)

    def _people(self, side: int) -> float:
        arm = self.treated if side == 1 else self.control
        if arm is not None:
            return float(arm.n)
        assert self.contrast is not None
        first = (side == 1) != self.swapped
        n = self.contrast.n1 if first else self.contrast.n2
        return float("nan") if n is None else float(n)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that the comparison rests on."""
        parts = (self.treated, self.control, self.contrast)
        return tuple(dict.fromkeys(c for p in parts if p is not None for c in p.cells))

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader must know about the numbers."""
        parts = (self.treated, self.control, self.contrast)
        return tuple(dict.fromkeys(f for p in parts if p is not None for f in p.flags))

    @property
    def borrowed(self) -> bool:
        """Whether a standard deviation was borrowed from other trials."""
        return any(p.borrowed for p in (self.treated, self.control) if p is not None)

    @property
    def doubtful(self) -> bool:
        """Whether any number is derived, assumed, borrowed or yet to be verified."""
        return bool(self.flags)


def isolates(
    parts1: frozenset[str], parts2: frozenset[str], component: str
) -> bool:
    """Whether group 1 differs from group 2 in `component` and in nothing else."""
    return parts1 - parts2 == {component} and not parts2 - parts1


def setting(review: Review, shared: frozenset[str], mixed: frozenset[str]) -> Setting:
    """Whether an isolating comparison tests the treatment alone or added to other care.

    ``mixed``: about half of both groups had other care by design (a factorial trial's margins).
    """
    if any(review.component(c).role == "care" for c in shared):
        return "added"
    return "mixed" if any(review.component(c).role == "care" for c in mixed) else "alone"


def arm_pairs(review: Review, trial: Trial) -> tuple[tuple[Arm, Arm], ...]:
    """Pairs of analysed arms, those with the treatment of interest first in each pair."""
    target = review.question.component
    arms = counted_arms(review, trial)
    has = {a.arm: target in model_parts(review, a.components) for a in arms}
    return tuple((a, b) for a in arms for b in arms if has[a.arm] and not has[b.arm])


def pairs(
    collected: Collected, keep: Callable[[frozenset[str], frozenset[str]], bool]
) -> tuple[Pair, ...]:
    """The comparisons whose two sets of components satisfy `keep`, at most one per control group."""
    found: list[Pair] = []
    for data in collected.trials:
        own = _from_arms(data, keep) + _from_contrasts(data, keep)
        if len(own) > 1:
            own = [dataclasses.replace(p, label=f"{p.label} ({_suffix(p)})") for p in own]
        found += own
    return tuple(found)


def _suffix(pair: Pair) -> str:
    return "with " + " and ".join(sorted(pair.parts2)) if pair.parts2 else "alone"


def _from_arms(
    data: TrialData, keep: Callable[[frozenset[str], frozenset[str]], bool]
) -> list[Pair]:
    return [
        Pair(data.trial, data.trial.label, a.parts, b.parts, a.mixed & b.mixed, a, b, None)
        for a in data.arms
        for b in data.arms
        if a is not b and a.mixed == b.mixed and keep(a.parts, b.parts)
    ]


def _from_contrasts(
    data: TrialData, keep: Callable[[frozenset[str], frozenset[str]], bool]
) -> list[Pair]:
    found: list[Pair] = []
    for c in data.contrasts:
        if keep(c.parts1, c.parts2):
            found.append(Pair(data.trial, data.trial.label, c.parts1, c.parts2, c.mixed, None, None, c))
        elif keep(c.parts2, c.parts1):
            found.append(
                Pair(data.trial, data.trial.label, c.parts2, c.parts1, c.mixed, None, None, c, True)
            )
    return found


def pair_contrasts(outcome: Outcome, chosen: Sequence[Pair]) -> Contrasts | None:
    """The comparisons as :class:`Contrasts`, one row each in the same order; None if there are none."""
    blocks = [_block(outcome, p) for p in chosen]
    if not blocks:
        return None
    return Contrasts(
        measure=outcome.measure,
        study=tuple(p.label for p in chosen),
        yi=np.concatenate([b.yi for b in blocks]),
        vi=np.concatenate([b.vi for b in blocks]),
        treat1=tuple(spell(p.parts1) for p in chosen),
        treat2=tuple(spell(p.parts2) for p in chosen),
        n1=np.array([p.n1 for p in chosen]),
        n2=np.array([p.n2 for p in chosen]),
        cells=tuple(p.cells for p in chosen),
    )


def spell(parts: Iterable[str]) -> str:
    """A set of components as it is written: sorted and joined by ``+``."""
    return "+".join(sorted(parts))


def _block(outcome: Outcome, pair: Pair) -> Contrasts:
    if pair.treated is not None and pair.control is not None:
        a, b = pair.treated, pair.control
        study = [pair.label]
        if outcome.type == "binary":
            return effect_sizes(
                outcome.measure,
                events1=[a.events],
                n1=[a.n],
                events2=[b.events],
                n2=[b.n],
                study=study,
            )
        return effect_sizes(
            outcome.measure,
            mean1=[a.mean],
            sd1=[a.sd],
            n1=[a.n],
            mean2=[b.mean],
            sd2=[b.sd],
            n2=[b.n],
            study=study,
        )
    assert pair.contrast is not None
    block = _published(outcome, pair.contrast)
    return dataclasses.replace(block, yi=-block.yi) if pair.swapped else block


def _published(outcome: Outcome, c: ContrastData) -> Contrasts:
    return published(
        outcome.measure,
        estimate=[c.estimate],
        se=[c.se],
        ci_low=[c.ci_low],
        ci_high=[c.ci_high],
        p_value=[c.p_value],
        study=[c.trial.label],
    )


def network(collected: Collected) -> Contrasts | None:
    """All trials' contrasts with the covariance of arms that several contrasts share."""
    blocks = [b for data in collected.trials for b in _trial_block(collected.outcome, data)]
    return Contrasts.stack(blocks) if blocks else None
