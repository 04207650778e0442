"""Risk of bias of one result by RoB 2, with every step from the answers to the level.

Levels come from the signalling questions (``signalling.csv``), from appraisals
(``risk_of_bias.csv``), or from both. The answers lead to a level by the tool's algorithm
(:mod:`equipoise.review.signals`). An appraisal that says otherwise counts in its place where a
person signed it and gave the reason, as the tool allows; without both, the worse of the two does.
The worst counts wherever sources or judges disagree.

Source: Sterne 2019 (BMJ 366:l4898, doi 10.1136/bmj.l4898) and the full guidance of 22 August 2019.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from equipoise.review.records import Review, RobFinding, Signal
from equipoise.review.signals import DOMAINS, QUESTIONS, Step, UnansweredError, effects, walk

Rob = Literal["low", "some concerns", "high", "not judged"]
_ORDER: tuple[Rob, ...] = ("low", "not judged", "some concerns", "high")


@dataclass(frozen=True, slots=True)
class DomainRisk:
    """One domain of one result.

    Attributes
    ----------
    domain
        A column of ``risk_of_bias.csv``; `name` is the tool's name for it.
    level
        The level that counts.
    computed
        The level that the answers lead to; None where nobody answered the questions.
    steps
        The questions that the way came to, in order, with their answers.
    judge, source, note
        Who answered, from what, and what they said about it.
    override
        How an appraisal departs from the answers; empty where it does not.
    """

    domain: str
    level: Rob
    computed: Rob | None = None
    effect: str = ""
    steps: tuple[Step, ...] = ()
    judge: str = ""
    source: str = ""
    note: str = ""
    override: str = ""

    @property
    def name(self) -> str:
        """The domain as a reader knows it."""
        return DOMAINS[self.domain]

    @property
    def why(self) -> str:
        """The way to the level, in words."""
        if self.computed is None:
            return self.note or ("as appraised" if self.level != "not judged" else "")
        told = "; ".join(step.words for step in self.steps)
        said = f"{told}. So: {self.computed}"
        return f"{said}. {self.override}" if self.override else said


@dataclass(frozen=True, slots=True)
class ResultRisk:
    """The risk of bias of one result: five domains and the overall level."""

    trial: str
    outcome: str
    domains: tuple[DomainRisk, ...]
    overall: Rob
    why: str

    def domain(self, name: str) -> DomainRisk:
        """The domain of that column."""
        return next(d for d in self.domains if d.domain == name)


def appraisals(review: Review, trial: str, outcome: str) -> tuple[RobFinding, ...]:
    """The appraisals that apply to one result: its own, else those of the whole trial."""
    rows = [r for r in review.risk_of_bias if r.trial == trial]
    own = [r for r in rows if r.outcome == outcome]
    return tuple(own or [r for r in rows if not r.outcome])


def signals(review: Review, trial: str, outcome: str) -> dict[str, dict[str, Signal]]:
    """The answers that apply to one result, by judge and question: its own before the trial's."""
    found: dict[str, dict[str, Signal]] = {}
    rows = [s for s in review.signalling if s.trial == trial and s.outcome in ("", outcome)]
    for row in sorted(rows, key=lambda s: bool(s.outcome)):
        if row.question in QUESTIONS:
            found.setdefault(row.judge, {})[row.question] = row
    return found


def result_risk(review: Review, trial: str, outcome: str) -> Rob:
    """The overall risk of bias of one result; ``not judged`` where nothing says."""
    if any(s.trial == trial for s in review.signalling):
        return assess_result(review, trial, outcome).overall
    return _worst(r.overall for r in appraisals(review, trial, outcome))


def result_levels(review: Review, trial: str) -> tuple[Rob, ...]:
    """The overall levels that a trial's results were given, each once, in the folder's order."""
    if not any(s.trial == trial for s in review.signalling):
        rows = [r.overall for r in review.risk_of_bias if r.trial == trial and r.overall]
        return tuple(dict.fromkeys(_known(level) for level in rows)) or ("not judged",)
    found = [result_risk(review, trial, o.id) for o in review.outcomes]
    return tuple(dict.fromkeys(found))


def assess_result(review: Review, trial: str, outcome: str) -> ResultRisk:
    """Every domain of one result and the overall level, with the steps that led there.

    Overall is low where every domain is low, high where one is high, and some concerns otherwise.
    The tool lets a person call a result high for some concerns in several domains; an appraisal
    with that overall level does so.
    """
    rows = appraisals(review, trial, outcome)
    answered = signals(review, trial, outcome)
    domains = tuple(_domain(name, rows, answered) for name in DOMAINS)
    computed = any(d.computed is not None for d in domains)
    said = _worst(r.overall for r in rows)
    found = _worst(d.level for d in domains)
    if not computed:
        return ResultRisk(trial, outcome, domains, said, "as appraised" if rows else "")
    overall = found if not rows or said == "not judged" else _worst((found, said))
    return ResultRisk(trial, outcome, domains, overall, _overall(domains, found, overall))


def _worst(levels: Iterable[str]) -> Rob:
    return max((_known(level) for level in levels), key=_ORDER.index, default="not judged")


def _known(level: str) -> Rob:
    return next((x for x in _ORDER if x == level), "not judged")


def _overall(domains: tuple[DomainRisk, ...], found: Rob, overall: Rob) -> str:
    doubts = [d.name for d in domains if d.level == found]
    if overall != found:
        return f"the domains say {found}; an appraisal says {overall}, and the worse counts"
    if found == "low":
        return "low in every domain"
    told = ", ".join(doubts)
    if found == "some concerns" and len(doubts) > 1:
        return f"{found} in {told}; the tool lets a person call that high, and nobody has"
    return f"{found}: {told}"


def _domain(
    name: str, rows: tuple[RobFinding, ...], answered: dict[str, dict[str, Signal]]
) -> DomainRisk:
    """One domain, from the answers and the appraisals together."""
    found = [d for judge, given in answered.items() if (d := _walked(name, judge, given))]
    rated = [r for r in rows if getattr(r, name)]
    said = _worst(getattr(r, name) for r in rated)
    if not found:
        note = "; ".join(dict.fromkeys(r.note or r.source for r in rated if r.note or r.source))
        judges = ", ".join(dict.fromkeys(r.judge for r in rated if r.judge))
        return DomainRisk(name, said, judge=judges, note=note)
    base = max(found, key=lambda d: _ORDER.index(d.level))
    other = [r for r in rated if getattr(r, name) != base.level]
    if not other:
        return base
    signed = [r for r in other if departs(r)]
    if signed:
        row = max(signed, key=lambda r: _ORDER.index(_known(getattr(r, name))))
        told = f"{row.judge} departs from that, to {getattr(row, name)}: {row.note}"
        return _with(base, _known(getattr(row, name)), told)
    level = _worst((base.level, said))
    told = f"{other[0].source or other[0].tool} says {said}; the worse counts"
    return _with(base, level, told)


def departs(row: RobFinding) -> bool:
    """Whether an appraisal may stand in the place of what the answers lead to."""
    return bool(row.judge and row.note.strip())


def _with(base: DomainRisk, level: Rob, told: str) -> DomainRisk:
    return DomainRisk(
        base.domain,
        level,
        base.computed,
        base.effect,
        base.steps,
        base.judge,
        base.source,
        base.note,
        told,
    )


def _walked(name: str, judge: str, given: dict[str, Signal]) -> DomainRisk | None:
    """What one judge's answers lead to; None where they do not lead anywhere."""
    answers = {number: s.answer for number, s in given.items()}
    own = [s for number, s in given.items() if QUESTIONS[number].domain == name]
    found = None
    for effect in effects(name, answers):
        try:
            way = walk(name, answers, effect)
        except UnansweredError:
            continue
        if found is None or _ORDER.index(way.level) > _ORDER.index(found.level):
            found = DomainRisk(
                name,
                way.level,
                way.level,
                effect,
                way.steps,
                judge,
                "; ".join(dict.fromkeys(s.source for s in own if s.source)),
                "; ".join(dict.fromkeys(s.note for s in own if s.note)),
            )
    return found
