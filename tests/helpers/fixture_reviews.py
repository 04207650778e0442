"""Reviews made to come out in a known way: every answer, every state, every size and level.

`FIXTURES` maps a name to a function that makes the review; each is small, invented, and complete
enough for a folder, an answer and a page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from bench import Bench

from equipoise.certainty.grade import LEVELS, Level
from equipoise.certainty.thresholds import EffectClass
from equipoise.review.records import (
    ArticleSection,
    Baseline,
    Change,
    Disclosure,
    FieldTest,
    Flow,
    Judgement,
    Option,
    Outcome,
    Protocol,
    RedFlag,
    Review,
    RobFinding,
    Threshold,
)
from equipoise.review.render import render

#: A mean difference (lower is better) of each size, by the bench's cut points 5, 10 and 20.
SIZES: dict[EffectClass, float] = {
    "worse": 9.0,
    "none": 0.0,
    "small": -7.5,
    "moderate": -15.0,
    "large": -27.0,
}


#: What pain is, in words enough to describe a condition.
_CONDITION = (
    "It hurts, in an arm or in a leg. It comes and goes. On some days it is gone, and on some "
    "nights it wakes you up. Most people who have it get better by themselves in a few weeks. "
    "Some have it for years. It does no lasting damage to the joint."
)


def finished(bench: Bench, slug: str, **kw: object) -> Review:
    """The bench's review with what a page needs, and the texts of its folder."""
    changes = (Change(version="1.0", on="2026-10-01", what="First version."),)
    prose = (
        ArticleSection(
            id="treatment", title="What the solution is", text="A drop of it is given.", line=1
        ),
        ArticleSection(id="condition", title="What pain is", text=_CONDITION, line=1),
        ArticleSection(id="experience", title="What it is like", text="It stings.", line=1),
    )
    options = (
        Option(
            id="x",
            label="The solution",
            kind="treatment",
            experience="A needle, and some soreness.",
            visits="two",
            cost="not much",
        ),
        Option(id="none", label="Carry on as now", kind="no-change", experience="No needle."),
        Option(id="walk", label="Walking", kind="other", experience="Walks, when it is dry."),
    )
    people = tuple(
        replace(p, disclosures=bench.people[0].disclosures, credentials="a person who was asked")
        for p in bench.people
    )
    review = bench.review(
        slug=slug,
        changes=changes,
        article=prose,
        options=options,
        people=people,
        red_flags=(RedFlag(text="Pain with fever."),),
        categories=("Pain",),
        tags=("needles",),
        **kw,
    )
    review = replace(
        review,
        trials=tuple(replace(t, funding="a public fund", money="public") for t in review.trials),
        outcomes=tuple(
            replace(
                o,
                thresholds=tuple(
                    replace(t, instrument="a line of 100 mm", population="adults with pain")
                    for t in o.thresholds
                ),
            )
            for o in review.outcomes
        ),
    )
    return replace(review, text=render(review))


def graded(size: EffectClass, level: Level, *, people: int = 900) -> Bench:
    """Two large, fair, consistent trials of a difference of that size, at that certainty."""
    bench = Bench()
    for i in (1, 2):
        name = f"t{i}"
        bench.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=2 * people)
        bench.mean(name, "x", 50 + SIZES[size] + 0.2 * i, 20, people)
        bench.mean(name, "c", 50, 20, people)
    taken = LEVELS.index("high") - LEVELS.index(level)
    for domain, levels in (("indirectness", min(taken, 2)), ("publication bias", taken - 2)):
        if levels > 0:
            bench.judge("certainty", f"-{levels}", outcome="pain", domain=domain)
    return bench


def asked(bench: Bench, harm: str = "soreness", x: int = 9, c: int = 3, **kw: object) -> Bench:
    """Everybody of every trial was asked about a harm."""
    for trial in bench.trials:
        for arm, events in (("x", x), ("c", c)):
            bench.harm(harm, trial=trial.id, arm=arm, events=events, n=900, asked="yes", **kw)
    return bench


def _easy(bench: Bench) -> Bench:
    return bench.judge("burden", "low")


def _worth() -> Review:
    return finished(_easy(asked(graded("moderate", "high"))), "worth")


def _mayhelp() -> Review:
    return finished(_easy(asked(graded("moderate", "low"))), "mayhelp")


def _close() -> Review:
    bench = graded("moderate", "moderate")
    bench.harm("collapse", severity="serious", kind="survey", events=12, source="a survey")
    return finished(_easy(bench), "close")


def _close_burden() -> Review:
    return finished(asked(graded("small", "high")), "close-burden")


def _unknown() -> Review:
    return finished(_easy(asked(graded("small", "very low"))), "unknown")


def _maynot() -> Review:
    return finished(_easy(asked(graded("none", "low"))), "maynot")


def _maynot_worse() -> Review:
    return finished(_easy(asked(graded("worse", "low"))), "maynot-worse")


def _notworth() -> Review:
    return finished(_easy(asked(graded("none", "high"))), "notworth")


def _avoid() -> Review:
    bench = asked(graded("none", "high"), "stroke", x=60, c=10, severity="serious")
    return finished(_easy(bench), "avoid")


def _avoid_worse() -> Review:
    return finished(_easy(asked(graded("worse", "high"))), "avoid-worse")


def _notrials() -> Review:
    bench = Bench()
    bench.trial("t1", {"x": ["active"], "c": ["sham"]}, n_randomized=20)
    return finished(_easy(bench), "notrials")


def _stale() -> Review:
    bench = _easy(asked(graded("moderate", "high")))
    bench.last_search = "2019-03"
    return finished(bench, "stale")


def _retracted() -> Review:
    bench = _easy(asked(graded("moderate", "high")))
    bench.trial("t3", {"x": ["active"], "c": ["sham"]}, n_randomized=60, status="retracted")
    bench.mean("t3", "x", 10, 20, 30).mean("t3", "c", 60, 20, 30)
    return finished(bench, "retracted")


def _fragile() -> Review:
    """Another set of cut points would give another answer; the control groups' course is told."""
    bench = _easy(asked(graded("moderate", "high")))
    strict = Threshold(
        name="strict cut points",
        kind="between-group",
        small=20,
        instrument="a line of 0 to 100",
        population="adults with pain",
        source="a stricter source",
    )
    bench.outcomes = [
        replace(o, thresholds=(*o.thresholds, strict)) if o.id == "pain" else o
        for o in bench.outcomes
    ]
    for trial in ("t1", "t2"):
        bench.mean(trial, "x", 63, 20, 900, weeks=0.0).mean(trial, "c", 62, 20, 900, weeks=0.0)
    return finished(bench, "fragile")


def _harms() -> Review:
    """A harm in each of the five states, and in each severity."""
    bench = asked(graded("moderate", "high"))
    bench.trial("t4", {"x": ["active"], "c": ["massage"]}, n_randomized=80)
    bench.harm("dizziness", trial="t4", arm="x", events=4, n=40, asked="yes", severity="unclear")
    bench.harm("nerve", kind="case-report", severity="serious", events=3, source="case reports")
    asked(bench, "fever", x=0, c=0, severity="needs-care")
    bench.harm("fainting", kind="theory", source="a label")
    return finished(_easy(bench), "harms")


def _dissent() -> Review:
    bench = _easy(asked(graded("small", "high")))
    review = finished(bench, "dissent")
    word = Judgement(
        about="dissent",
        level="disagrees",
        by="checker",
        on="2026-10-01",
        why="Too short trials.",
    )
    found = replace(review, judgements=(*review.judgements, word))
    return replace(found, text=render(found))


def _told() -> Review:
    """Everything a reviewer asks for is told: protocol, flow, retractions, history, money."""
    found = _mayhelp()
    author, *others = found.people
    tie = Disclosure(
        type="professional",
        entity="a clinic that gives it",
        direction="favours",
        period="2019 to now",
        relevance="works there",
        asked_on="2026-10-01",
        signed="2026-10-01",
    )
    changes = (
        Change(version="0.9", on="2025-03-01", what="First version."),
        Change(
            version="1.0",
            on="2026-10-01",
            what="Two trials added.",
            verdict_before="UNKNOWN",
            certainty_before="very low",
            number_before="−12.0 (−30.1 to 6.0) points",
            why="Both new trials are large.",
            address="https://example.org/v/0.9/",
        ),
    )
    money = (("industry", "a maker", "yes"), ("public", "a research council", "no"))
    trials = tuple(
        replace(
            t,
            money=kind,
            funding=payer,
            proponent=tied,
            design="randomised trial, two groups",
            country="Austria",
            registration=f"NCT0000000{i}",
            conflicts="none declared",
        )
        for i, (t, (kind, payer, tied)) in enumerate(zip(found.trials, money, strict=True))
    )
    rated = RobFinding(
        trial="t1",
        tool="RoB 2",
        randomization="low",
        deviations="low",
        missing="low",
        measurement="low",
        overall="low",
        source="an appraisal",
    )
    bias = (*(r for r in found.risk_of_bias if r.trial != "t1"), rated)
    whole = replace(
        found,
        slug="told",
        people=(replace(author, disclosures=(tie,)), *others),
        article=(
            *found.article,
            ArticleSection(
                id="author-view",
                title="What the author thinks",
                text="I would rather walk first. The needle can wait.",
                line=1,
            ),
        ),
        field_tests=(
            FieldTest(
                kind="field",
                who="patients",
                people=12,
                on="2026-09-10",
                how="Each read the page aloud and said what it told.",
                found="Ten could say how sure the answer is. Two took the range for a promise.",
                changed="The range now says what it is.",
                by="A Checker",
            ),
            FieldTest(
                kind="needs",
                who="clinicians",
                people=1,
                on="2026-08-01",
                how="A talk of half an hour.",
                found="The cost comes up first.",
            ),
        ),
        changes=changes,
        trials=trials,  # type: ignore[arg-type]
        risk_of_bias=bias,
        contact="errors@example.org",
        search=replace(
            found.search,
            retractions="2026-09-01",
            sources="a database: (solution OR sugar) AND pain, with no limits",
        ),
        protocol=Protocol(
            registered="PROSPERO CRD42026000000",
            on="2025-01-03",
            sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            address="https://example.org/protocol",
            deviations=("The window of time was widened to a year.",),
        ),
        flow=Flow(
            identified=1204,
            duplicates=204,
            screened=1000,
            excluded=960,
            sought=40,
            not_retrieved=2,
            assessed=38,
            ineligible=36,
            included=2,
            note="Two people read each report.",
        ),
    )
    return replace(whole, text=render(whole))


def counted(
    measure: str, better: Literal["lower", "higher"], *rows: tuple[int, int, int, int], **kw: object
) -> Bench:
    """One fair trial for each row: people with it and people treated, then the same without."""
    bench = Bench()
    cuts = Threshold(
        name="main cut points",
        kind="between-group",
        small=50,
        moderate=100,
        large=200,
        source="a source",
        main=True,
    )
    bench.outcomes = [
        Outcome(
            id="response",
            label="Response" if better == "higher" else "Stroke",
            plain="feeling better" if better == "higher" else "the risk of a stroke",
            type="binary",
            measure=measure,  # type: ignore[arg-type]
            better=better,
            importance="critical",
            weeks=(13, 52, 26),
            decides=True,
            thresholds=(cuts,),
            **kw,  # type: ignore[arg-type]
        )
    ]
    for i, (events1, n1, events2, n2) in enumerate(rows, start=1):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, n_randomized=n1 + n2)
        bench.events(f"t{i}", "x", events1, n1).events(f"t{i}", "c", events2, n2)
    return bench


def _fewer() -> Review:
    """Fewer people with an event, as a ratio of risks."""
    bench = counted("RR", "lower", (60, 2000, 300, 2000), (70, 2000, 310, 2000))
    return finished(_easy(asked(bench)), "fewer")


def _odds() -> Review:
    """A ratio of odds from one small trial, told for people of a registered risk."""
    known = Baseline(
        name="adults at high risk",
        value=400,
        low=350,
        high=450,
        source="a registry",
        main=True,
        file="review.toml",
        line=60,
    )
    bench = counted("OR", "higher", (40, 100, 30, 100), baselines=(known,))
    return finished(_easy(asked(bench)), "odds")


def _shares() -> Review:
    """A difference of shares."""
    bench = counted("RD", "higher", (600, 1000, 300, 1000), (610, 1000, 310, 1000))
    return finished(_easy(asked(bench)), "shares")


FIXTURES: dict[str, Callable[[], Review]] = {
    "worth": _worth,
    "mayhelp": _mayhelp,
    "close": _close,
    "close-burden": _close_burden,
    "unknown": _unknown,
    "maynot": _maynot,
    "maynot-worse": _maynot_worse,
    "notworth": _notworth,
    "avoid": _avoid,
    "avoid-worse": _avoid_worse,
    "notrials": _notrials,
    "stale": _stale,
    "retracted": _retracted,
    "fragile": _fragile,
    "harms": _harms,
    "dissent": _dissent,
    "told": _told,
    "fewer": _fewer,
    "odds": _odds,
    "shares": _shares,
}
#: What each of them has to answer.
ANSWERS: dict[str, str] = {
    "told": "MAYHELP",
    "worth": "WORTH",
    "mayhelp": "MAYHELP",
    "close": "CLOSE",
    "close-burden": "CLOSE",
    "unknown": "UNKNOWN",
    "maynot": "MAYNOT",
    "maynot-worse": "MAYNOT",
    "notworth": "NOTWORTH",
    "avoid": "AVOID",
    "avoid-worse": "AVOID",
    "notrials": "NOTRIALS",
    "stale": "MAYHELP",
    "retracted": "WORTH",
    "fragile": "WORTH",
    "harms": "CLOSE",
    "dissent": "WORTH",
    "fewer": "CLOSE",
    "odds": "MAYHELP",
    "shares": "WORTH",
}
