"""Reviews made to come out in a known way: every answer, every state, every size and level.

`FIXTURES` maps a name to a function that makes the review; each is small, invented, and complete
enough for a folder, an answer and a page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench import Bench

from equipoise.certainty.grade import LEVELS, Level
from equipoise.certainty.thresholds import EffectClass
from equipoise.review.records import (
    ArticleSection,
    Change,
    Judgement,
    Option,
    RedFlag,
    Review,
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


def finished(bench: Bench, slug: str, **kw: object) -> Review:
    """The bench's review with what a page needs, and the texts of its folder."""
    changes = (Change(version="1.0", on="2026-10-01", what="First version."),)
    prose = (
        ArticleSection(
            id="treatment", title="What the solution is", text="A drop of it is given.", line=1
        ),
        ArticleSection(id="condition", title="What pain is", text="It hurts.", line=1),
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
    "harms": _harms,
    "dissent": _dissent,
}
#: What each of them has to answer.
ANSWERS: dict[str, str] = {
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
    "harms": "CLOSE",
    "dissent": "WORTH",
}
