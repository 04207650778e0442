"""Small reviews made in memory, one line a trial, so that a test shows all that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from equipoise.review.records import (
    Arm,
    Component,
    ContrastFinding,
    Disclosure,
    Finding,
    HarmFinding,
    Judgement,
    Option,
    Outcome,
    Person,
    Plan,
    Question,
    Review,
    RobFinding,
    Search,
    Threshold,
    Trial,
)

COMPONENTS = (
    ("solution", "treatment", ("solution",)),
    ("injection", "delivery", ("injection",)),
    ("active", "treatment", ("solution", "injection")),
    ("sham", "delivery", ("injection",)),
    ("exercise", "care", ("exercise",)),
    ("massage", "care", ("massage",)),
    ("usual", "background", ()),
)

PAIN = Outcome(
    id="pain",
    label="Pain",
    plain="pain",
    type="continuous",
    measure="MD",
    better="lower",
    importance="critical",
    weeks=(13, 52, 26),
    scale=(0, 100),
    unit="points",
    decides=True,
    thresholds=(
        Threshold(
            name="main cut points",
            kind="between-group",
            small=5,
            moderate=10,
            large=20,
            source="a source",
            main=True,
        ),
    ),
)


def _components() -> tuple[Component, ...]:
    return tuple(
        Component(id=i, label=i, role=role, counts_as=counts)  # type: ignore[arg-type]
        for i, role, counts in COMPONENTS
    )


class Bench:
    """Builds a review step by step; `review()` freezes it."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.arms: list[Arm] = []
        self.results: list[Finding] = []
        self.contrasts: list[ContrastFinding] = []
        self.harms: list[HarmFinding] = []
        self.rob: list[RobFinding] = []
        self.judgements: list[Judgement] = []
        self.outcomes: list[Outcome] = [PAIN]
        self.plan = Plan()
        self.last_search = "2026-09"
        self.people = (
            Person(
                id="maker",
                name="A Maker",
                roles=("author",),
                disclosures=(Disclosure(type="none", asked_on="2026-01-01", signed="2026-01-02"),),
            ),
            Person(id="checker", name="A Checker", roles=("reviewer",), independent=True),
        )

    def trial(
        self,
        id: str,
        arms: dict[str, Sequence[str]],
        *,
        mixed: Sequence[str] = (),
        rob: str = "low",
        **kw: Any,
    ) -> Bench:
        """Add a trial with its arms: arm id to components."""
        fields: dict[str, Any] = {
            "label": f"{id.capitalize()} 2020",
            "citation": f"{id} et al. A trial.",
            "year": 2020,
            "blinding": "participants",
            **kw,
        }
        line = len(self.trials) + 2
        self.trials.append(Trial(id=id, file="trials.csv", line=line, **fields))
        for arm, parts in arms.items():
            self.arms.append(
                Arm(
                    trial=id,
                    arm=arm,
                    label=arm,
                    components=tuple(parts),
                    mixed=tuple(mixed),
                    file="arms.csv",
                    line=len(self.arms) + 2,
                )
            )
        if rob:
            self.rob.append(
                RobFinding(
                    trial=id,
                    tool="RoB 2",
                    overall=rob,  # type: ignore[arg-type]
                    file="risk_of_bias.csv",
                    line=len(self.rob) + 2,
                )
            )
        return self

    def mean(self, trial: str, arm: str, mean: float, sd: float | None, n: int, **kw: Any) -> Bench:
        """Add a mean of the first outcome."""
        return self._result(trial, arm, outcome="pain", mean=mean, sd=sd, n=n, **kw)

    def events(self, trial: str, arm: str, events: int, n: int, **kw: Any) -> Bench:
        """Add a count of the binary outcome."""
        return self._result(trial, arm, **{"outcome": "response", "events": events, "n": n, **kw})

    def _result(self, trial: str, arm: str, **kw: Any) -> Bench:
        fields: dict[str, Any] = {"weeks": 26.0, **kw}
        line = len(self.results) + 2
        self.results.append(Finding(trial=trial, arm=arm, file="results.csv", line=line, **fields))
        return self

    def contrast(self, trial: str, arm1: str, arm2: str, estimate: float, **kw: Any) -> Bench:
        """Add a published difference of the first outcome."""
        fields: dict[str, Any] = {"outcome": "pain", "weeks": 26.0, "measure": "MD", **kw}
        self.contrasts.append(
            ContrastFinding(
                trial=trial,
                arm1=arm1,
                arm2=arm2,
                estimate=estimate,
                file="contrasts.csv",
                line=len(self.contrasts) + 2,
                **fields,
            )
        )
        return self

    def harm(self, harm: str, **kw: Any) -> Bench:
        """Add a row about a harm."""
        fields: dict[str, Any] = {"plain": harm, "severity": "mild", "kind": "trial", **kw}
        line = len(self.harms) + 2
        self.harms.append(HarmFinding(harm=harm, file="harms.csv", line=line, **fields))
        return self

    def judge(self, about: str, level: str, **kw: Any) -> Bench:
        """Add a signed judgement."""
        fields: dict[str, Any] = {"by": "checker", "on": "2026-10-01", "why": "a reason", **kw}
        self.judgements.append(Judgement(about=about, level=level, **fields))  # type: ignore[arg-type]
        return self

    def review(self, **kw: Any) -> Review:
        """The review as it now stands."""
        base = Review(
            slug="solution-pain",
            format=1,
            version="1.0",
            updated="2026-10-01",
            title="Should I try the solution for pain?",
            license="CC-BY-4.0",
            question=Question(
                text="Should I try the solution for pain?",
                treatment="the solution",
                treatment_plain="injections of a solution",
                condition="pain",
                condition_plain="pain",
                population="adults with pain",
                comparator="sham injections",
                comparator_plain="injections of salt water",
                component="solution",
            ),
            options=(
                Option(id="x", label="the solution", kind="treatment", experience="a needle"),
                Option(id="none", label="carry on as now", kind="no-change", experience="nothing"),
                Option(id="walk", label="walking", kind="other", experience="walks"),
            ),
            components=_components(),
            outcomes=tuple(self.outcomes),
            plan=self.plan,
            search=Search(last=self.last_search, by="us"),
            update_policy="every year",
            next_review="2027-10-01",
            funding="none",
            people=self.people,
            trials=tuple(self.trials),
            arms=tuple(self.arms),
            results=tuple(self.results),
            contrasts=tuple(self.contrasts),
            harms=tuple(self.harms),
            risk_of_bias=tuple(self.rob),
            judgements=tuple(self.judgements),
        )
        return replace(base, **kw)
