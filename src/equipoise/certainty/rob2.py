"""Risk of bias of one result, as recorded: the worst appraisal counts when sources disagree."""

from __future__ import annotations

from typing import Literal

from equipoise.review.records import Review, RobFinding

Rob = Literal["low", "some concerns", "high", "not judged"]
_ORDER: tuple[Rob, ...] = ("low", "not judged", "some concerns", "high")


def appraisals(review: Review, trial: str, outcome: str) -> tuple[RobFinding, ...]:
    """The appraisals that apply to one result: its own, else those of the whole trial."""
    rows = [r for r in review.risk_of_bias if r.trial == trial]
    own = [r for r in rows if r.outcome == outcome]
    return tuple(own or [r for r in rows if not r.outcome])


def result_risk(review: Review, trial: str, outcome: str) -> Rob:
    """The overall risk of bias of one result; ``not judged`` where no appraisal says."""
    levels: list[Rob] = [r.overall or "not judged" for r in appraisals(review, trial, outcome)]
    return max(levels, key=_ORDER.index, default="not judged")
