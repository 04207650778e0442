"""What went unreported: the ledger of gaps behind a pooled result, and that of harms.

For each outcome, the trials of the treatment are laid out by whether they gave a usable result
and, if not, by what is known of the reason (``unreported.csv``), as ROB-ME does: results that are
missing because of what they were bias a pooled result, others only thin it out. A trial of which
nobody has written anything is called *not said*, and is no proof of either.

Source: Page 2023, ROB-ME (BMJ 383:e076754, doi 10.1136/bmj-2023-076754); for harms that were not
asked about, Zorzela 2016, PRISMA harms (BMJ 352:i157, doi 10.1136/bmj.i157).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from equipoise.review.collect import counted_arms, model_parts
from equipoise.review.records import (
    Asked,
    ContrastFinding,
    Finding,
    HarmFinding,
    Outcome,
    Review,
    Trial,
    Unreported,
)
from equipoise.review.rules_data import NOT_POOLED

GapState = Literal[
    "reported", "partly reported", "measured, not reported", "not measured", "unclear", "not said"
]


@dataclass(frozen=True, slots=True)
class Gap:
    """One trial's line in the ledger of an outcome."""

    trial: str
    label: str
    state: GapState
    because: str
    people: int
    """Randomised, or as many as its results count; 0 where nobody knows."""
    usable: bool
    """Whether it has a result that can be pooled."""
    source: str = ""
    note: str = ""

    @property
    def missing(self) -> bool:
        """Whether a result exists, or may exist, and cannot be used."""
        measured = ("partly reported", "measured, not reported", "unclear")
        return not self.usable and self.state in measured and self.because != "other"


@dataclass(frozen=True, slots=True)
class Gaps:
    """The ledger of one outcome."""

    outcome: str
    label: str
    lines: tuple[Gap, ...]

    @property
    def people(self) -> int:
        """People of the trials that gave a usable result."""
        return sum(g.people for g in self.lines if g.usable)

    @property
    def for_result(self) -> float:
        """Share of the people whose results are missing because of what they were."""
        return self._share([g for g in self.lines if g.missing and g.because == "of the result"])

    @property
    def at_all(self) -> float:
        """Share of the people whose results are missing for that or for an unknown reason."""
        return self._share([g for g in self.lines if g.missing])

    def _share(self, lost: Sequence[Gap]) -> float:
        whole = self.people + sum(g.people for g in self.lines if g.missing)
        return sum(g.people for g in lost) / whole if whole else 0.0

    @property
    def bearing(self) -> str:
        """What the gaps mean for the pooled result, in words."""
        lost = [g for g in self.lines if g.missing]
        silent = [g for g in self.lines if g.state == "not said"]
        if not lost:
            said = "no result is known to be missing"
        else:
            said = (
                f"results of {self.at_all:.0%} of the people are missing, of "
                f"{self.for_result:.0%} because of what they were"
            )
        if silent:
            said += f"; for {len(silent)} trial{'s' * (len(silent) > 1)} nobody has looked it up"
        return said


def gaps(review: Review, outcome: Outcome) -> Gaps:
    """Lay out which trials of the treatment reported an outcome, and what is known of the rest."""
    known = {u.trial: u for u in review.unreported if u.outcome == outcome.id}
    rows: tuple[Finding | ContrastFinding, ...] = (*review.results, *review.contrasts)
    usable = {row.trial for row in rows if row.outcome == outcome.id and _pooled(row)}
    lines = tuple(
        _gap(review, trial, known.get(trial.id), trial.id in usable)
        for trial in review.trials
        if trial.use == "included" and trial.status != "retracted"
    )
    return Gaps(outcome.id, outcome.label, lines)


def _pooled(row: Finding | ContrastFinding) -> bool:
    if NOT_POOLED & set(row.flags):
        return False
    if isinstance(row, Finding):
        return row.mean is not None or row.events is not None
    return row.estimate is not None


def _gap(review: Review, trial: Trial, row: Unreported | None, usable: bool) -> Gap:
    people = trial_people(review, trial)
    if row is None:
        state: GapState = "reported" if usable else "not said"
        return Gap(trial.id, trial.label, state, "", people, usable)
    return Gap(trial.id, trial.label, row.state, row.because, people, usable, row.source, row.note)


def trial_people(review: Review, trial: Trial) -> int:
    """People of a trial: randomised, or as many as its groups or results count; 0 if unknown."""
    return trial.n_randomized or _counted(review, trial.id)


def _counted(review: Review, trial: str) -> int:
    """The people of a trial's groups; where these are blank, the most that one result counts."""
    own = [a.n or 0 for a in review.arms if a.trial == trial]
    if sum(own):
        return sum(own)
    by_outcome: dict[tuple[str, float], int] = {}
    for row in review.results:
        if row.trial == trial:
            key = (row.outcome, row.weeks)
            by_outcome[key] = by_outcome.get(key, 0) + (row.n or 0)
    return max(by_outcome.values(), default=0)


@dataclass(frozen=True, slots=True)
class HarmGap:
    """Which trials asked about one harm, and how many of the people treated were asked."""

    harm: str
    plain: str
    asked: tuple[str, ...]
    """Labels of the trials that asked."""
    not_asked: tuple[str, ...]
    unclear: tuple[str, ...]
    not_said: tuple[str, ...]
    """Trials without a word about it."""
    people_asked: int
    """Treated people of the trials that asked."""
    people_treated: int

    @property
    def share(self) -> float:
        """People asked of people treated; 0 where nobody was treated."""
        return self.people_asked / self.people_treated if self.people_treated else 0.0


def harm_gaps(review: Review) -> tuple[HarmGap, ...]:
    """Lay out, for every harm of the folder, who was asked about it."""
    trials = [t for t in review.trials if t.use == "included" and t.status != "retracted"]
    treated = {t.id: _treated(review, t) for t in trials}
    first = {h.harm: h for h in reversed(review.harms)}
    names = dict.fromkeys(h.harm for h in review.harms)
    return tuple(_harm_gap(review, trials, treated, first[name]) for name in names)


def _harm_gap(
    review: Review, trials: Sequence[Trial], treated: dict[str, int], harm: HarmFinding
) -> HarmGap:
    states = {t.id: _asked(review, t.id, harm.harm) for t in trials}
    of = {
        state: tuple(t.label for t in trials if states[t.id] == state)
        for state in ("yes", "no", "unclear", "")
    }
    return HarmGap(
        harm.harm,
        harm.plain,
        asked=of["yes"],
        not_asked=of["no"],
        unclear=of["unclear"],
        not_said=of[""],
        people_asked=sum(treated[t.id] for t in trials if states[t.id] == "yes"),
        people_treated=sum(treated.values()),
    )


def _asked(review: Review, trial: str, harm: str) -> Asked | Literal[""]:
    """Whether a trial asked: the most cautious of its rows; empty without one."""
    said = {
        h.asked for h in review.harms if h.kind == "trial" and (h.trial, h.harm) == (trial, harm)
    }
    order: tuple[Asked, ...] = ("unclear", "no", "yes")
    return next((state for state in order if state in said), "")


def _treated(review: Review, trial: Trial) -> int:
    """People who were given the treatment, alone or with other things."""
    target = review.question.component
    arms = [a for a in counted_arms(review, trial) if target in model_parts(review, a.components)]
    return sum(a.n or _largest(review, trial.id, a.arm) for a in arms)


def _largest(review: Review, trial: str, arm: str) -> int:
    rows: tuple[Finding | HarmFinding, ...] = (*review.results, *review.harms)
    return max((r.n or 0 for r in rows if (r.trial, r.arm) == (trial, arm)), default=0)
