"""Which comparisons within trials tell about a treatment, and their numbers.

A comparison *isolates* a treatment when its two groups differ in that component and in nothing
else. Every other difference between groups belongs to the whole package and to no part of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from equipoise.core.provenance import Cell
from equipoise.effects.contrasts import Contrasts, arm_contrasts, effect_sizes, published
from equipoise.review.collect import (
    ArmData,
    Collected,
    ContrastData,
    Missing,
    TrialData,
    counted_arms,
    model_parts,
)
from equipoise.review.records import Arm, Outcome, Review, Trial

Setting = Literal["alone", "added", "mixed"]

#: How a group without any component that counts is written.
NOTHING = "nothing"


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
    def week(self) -> float:
        """Weeks after the start at which the result was measured."""
        return next(p.week for p in (self.treated, self.contrast) if p is not None)

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


def isolates(parts1: frozenset[str], parts2: frozenset[str], component: str) -> bool:
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
) -> tuple[tuple[Pair, ...], tuple[Missing, ...]]:
    """The comparisons whose two sets of components satisfy `keep`, and what could not be used.

    No group stands in two comparisons: arms that count as the same were combined before, and of
    several published differences that share a group only the largest is taken.
    """
    found: list[Pair] = []
    left_out: list[Missing] = []
    for data in collected.trials:
        own = _from_arms(data, keep) or _without_shared(
            collected.outcome, _from_contrasts(data, keep), left_out
        )
        if len(own) > 1:
            own = [dataclasses.replace(p, label=f"{p.label} ({_suffix(p)})") for p in own]
        found += own
    return tuple(found), tuple(left_out)


def _without_shared(outcome: Outcome, own: Sequence[Pair], left_out: list[Missing]) -> list[Pair]:
    kept: list[Pair] = []
    used: set[str] = set()
    for pair in sorted(own, key=lambda p: -np.nan_to_num(p.n1 + p.n2)):
        assert pair.contrast is not None
        groups = {pair.contrast.arm1.arm, pair.contrast.arm2.arm}
        if groups & used:
            what = f"{outcome.label}, {pair.contrast.arm1.label} against {pair.contrast.arm2.label}"
            why = "it shares a group with a larger comparison of the same trial"
            left_out.append(Missing(pair.trial.id, what, why, pair.cells))
        else:
            used |= groups
            kept.append(pair)
    return [p for p in own if p in kept]


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
            found.append(
                Pair(data.trial, data.trial.label, c.parts1, c.parts2, c.mixed, None, None, c)
            )
        elif keep(c.parts2, c.parts1):
            found.append(
                Pair(data.trial, data.trial.label, c.parts2, c.parts1, c.mixed, None, None, c, True)
            )
    return found


def pair_contrasts(outcome: Outcome, chosen: Sequence[Pair]) -> Contrasts | None:
    """The comparisons as contrasts, one row each in the same order; None if there are none."""
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
        notes=tuple(dict.fromkeys(n for b in blocks for n in b.notes)),
    )


def spell(parts: Iterable[str]) -> str:
    """A set of components as it is written: sorted, joined by ``+``; the empty one has a name."""
    return "+".join(sorted(parts)) or NOTHING


@lru_cache(maxsize=1024)
def _block(outcome: Outcome, pair: Pair) -> Contrasts:
    """One comparison as a contrast; remembered, since scenarios use the same ones again."""
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


def network(collected: Collected) -> tuple[Contrasts | None, tuple[Missing, ...]]:
    """Every trial's contrasts between its sets of components, for a component model.

    Contrasts that share a group carry its covariance. Published contrasts that follow from others
    of the same trial are left out and named, so that nobody counts twice.
    """
    left_out: list[Missing] = []
    blocks: list[Contrasts] = []
    for data in collected.trials:
        block = (
            _from_arm_data(collected.outcome, data.arms)
            if data.arms
            else _from_published(collected.outcome, data.contrasts, left_out)
        )
        if block is not None:
            blocks.append(block)
    return (Contrasts.stack(blocks) if blocks else None), tuple(left_out)


def _from_arm_data(outcome: Outcome, arms: Sequence[ArmData]) -> Contrasts | None:
    if len({a.parts for a in arms}) < 2:
        return None
    columns: dict[str, Any] = {
        "study": [arms[0].trial.label] * len(arms),
        "treat": [spell(a.parts) for a in arms],
        "n": [a.n for a in arms],
    }
    if outcome.type == "binary":
        columns["events"] = [a.events for a in arms]
    else:
        columns["mean"] = [a.mean for a in arms]
        columns["sd"] = [a.sd for a in arms]
    return arm_contrasts(outcome.measure, **columns)


def _from_published(
    outcome: Outcome, contrasts: Sequence[ContrastData], left_out: list[Missing]
) -> Contrasts | None:
    group: dict[str, str] = {}
    kept: list[ContrastData] = []
    for c in contrasts:
        one, two = group.get(c.arm1.arm, c.arm1.arm), group.get(c.arm2.arm, c.arm2.arm)
        if one == two:
            what = f"{outcome.label}, {c.arm1.label} against {c.arm2.label}"
            why = "it follows from the trial's other differences"
            left_out.append(Missing(c.trial.id, what, why, c.cells))
            continue
        everyone = {c.arm1.arm, c.arm2.arm, *group}
        group = {a: one if group.get(a, a) == two else group.get(a, a) for a in everyone}
        kept.append(c)
    if not kept:
        return None
    block = Contrasts.stack([_published(outcome, c) for c in kept])
    block = dataclasses.replace(
        block,
        treat1=tuple(spell(c.parts1) for c in kept),
        treat2=tuple(spell(c.parts2) for c in kept),
        n1=np.array([np.nan if c.n1 is None else c.n1 for c in kept], dtype=float),
        n2=np.array([np.nan if c.n2 is None else c.n2 for c in kept], dtype=float),
    )
    shared = [
        (i, j, covariance)
        for i, a in enumerate(kept)
        for j, b in enumerate(kept)
        if i < j and (covariance := _covariance(a, b, float(block.vi[i]), float(block.vi[j]))) != 0
    ]
    if not shared:
        return block
    return dataclasses.replace(
        block,
        cov_i=np.array([i for i, _, _ in shared]),
        cov_j=np.array([j for _, j, _ in shared]),
        cov=np.array([v for _, _, v in shared]),
    )


def _covariance(a: ContrastData, b: ContrastData, va: float, vb: float) -> float:
    """Covariance of two differences of one trial through the group that they share.

    It is the variance of that group's own result: from `ref_se` where the report gives it, else
    the part of each difference's variance that the group has by its size (all groups having the
    same spread), the smaller of the two.
    """
    sides = [
        (arm, 1.0 if first == second else -1.0)
        for arm, first in ((a.arm1.arm, 1), (a.arm2.arm, 2))
        for other, second in ((b.arm1.arm, 1), (b.arm2.arm, 2))
        if arm == other
    ]
    if not sides:
        return 0.0
    arm, sign = sides[0]
    if a.ref_se is not None and arm == a.arm2.arm:
        return sign * a.ref_se**2
    if b.ref_se is not None and arm == b.arm2.arm:
        return sign * b.ref_se**2
    return sign * min(_own_part(a, arm, va), _own_part(b, arm, vb))


def _own_part(c: ContrastData, arm: str, variance: float) -> float:
    if not c.n1 or not c.n2:
        return variance / 2
    other = c.n2 if arm == c.arm1.arm else c.n1
    return variance * other / (c.n1 + c.n2)
