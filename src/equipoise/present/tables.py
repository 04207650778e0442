"""The tables of a page, as values: each can be shown in a terminal, a notebook and on the page.

A patient's tables and a clinician's are made from the same answer; numbers are quantities, so that
each leads back to its source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from equipoise.answer.answer import (
    Absolute,
    Answer,
    ComponentLine,
    HarmLine,
    OutcomeAnswer,
    Part,
    PartEstimate,
    ThresholdLine,
)
from equipoise.answer.wording import CERTAINTY, HARM_STATES, SEVERITY
from equipoise.certainty.grade import GradeProfile, Level
from equipoise.core.table import Column, Link, Table, Value, percent, show, significant
from equipoise.present.ledgers import concerns, harms_asked, reporting, rob_steps
from equipoise.present.prose import day, ended, first_upper, joined, told
from equipoise.present.strata import interval_name, responders, strata, verdict_there, without_each
from equipoise.present.trialtable import trials

UNKNOWN = "not known"

#: How a trial bears on a part, in words.
BEARS: dict[str, str] = {
    "direct": "compares exactly this",
    "mixed": "partly: about half of both groups had other care",
    "no usable numbers": "on this, but without usable numbers",
    "not attributable": "cannot be attributed",
}

LEVELS: dict[str, str] = {"0": "as it is", "-1": "one level lower", "-2": "two levels lower"}

CLASSES: dict[str, str] = {
    "worse": "worse",
    "none": "little or none",
    "small": "small benefit",
    "moderate": "moderate benefit",
    "large": "large benefit",
}


def dots(level: Level | None) -> str:
    """Four dots, as many filled as the level has."""
    filled = CERTAINTY[level][0] if level else 0
    return "●" * filled + "○" * (4 - filled)


def sureness(level: Level | None) -> str:
    """How sure, with dots, for a reader without the words of GRADE."""
    if level is None:
        return f"{dots(None)} no evidence"
    words = CERTAINTY[level][1].removeprefix("We are ").removeprefix("We have ")
    return f"{dots(level)} {words}"


def _level(outcome: OutcomeAnswer) -> Level | None:
    return outcome.grade.level if outcome.grade else None


def measured(outcome: OutcomeAnswer) -> str:
    """How an outcome is measured and which direction is better, and whose risk it starts from."""
    if outcome.type == "binary":
        known = next((s for s in outcome.strata if s.main), None)
        return "people of every 1000" + (f", {known.name}" if known else "")
    scale = f", {outcome.scale[0]:g} to {outcome.scale[1]:g}" if outcome.scale else ""
    return f"{outcome.unit or 'points'}{scale}; {outcome.better} is better"


def differs(told: Absolute) -> Value:
    """The difference, with its unit where it is not that of the row."""
    if told.difference.unit == "SMD":
        return (told.difference, " standard deviations")
    return told.difference


def fact_box(answer: Answer, most: int | None = None) -> Table:
    """What trials found for each outcome, without and with the treatment.

    Of more than `most` outcomes those that decide and those that matter more are told, in their
    order: a box of many rows is not read.
    """
    rows: list[tuple[Value, ...]] = []
    for o in _weightiest(answer.outcomes, most):
        a = o.absolute
        rows.append(
            (
                f"{o.label} ({measured(o)})",
                UNKNOWN if a is None or a.without is None else a.without,
                UNKNOWN if a is None or a.with_ is None else a.with_,
                "no usable numbers" if a is None else differs(a),
                o.time if a is None else a.time,
                sureness(_level(o)),
            )
        )
    return Table(
        f"{first_upper(answer.population)}: what happened with {answer.treatment} and with "
        f"{answer.comparator}",
        (
            Column("outcome", "What was measured"),
            Column("without", f"With {answer.comparator}"),
            Column("with", f"With {answer.treatment}"),
            Column("difference", "Difference (range)"),
            Column("time", "After"),
            Column("sure", "How sure"),
        ),
        tuple(rows),
    )


def _weightiest(outcomes: Sequence[OutcomeAnswer], most: int | None) -> list[OutcomeAnswer]:
    weight = {"critical": 0, "important": 1}
    ranked = sorted(outcomes, key=lambda o: (not o.decides, weight.get(o.importance, 2)))
    kept = {o.id for o in ranked[:most]}
    return [o for o in outcomes if o.id in kept]


def harms(answer: Answer) -> Table:
    """Harms by state of evidence, with severity in a column of its own."""
    lines = sorted(answer.harms, key=lambda line: line.state)
    groups = [
        (i, first_upper(HARM_STATES[line.state]))
        for i, line in enumerate(lines)
        if i == 0 or lines[i - 1].state != line.state
    ]
    return Table(
        f"Harms of {answer.treatment}: what is known, and how it is known",
        (
            Column("harm", "Harm"),
            Column("severity", "How serious"),
            Column("known", "How often"),
            Column("note", "To know, and sources"),
        ),
        tuple(
            (
                first_upper(line.plain),
                SEVERITY.get(line.severity, line.severity),
                told(line.statement),
                " ".join(_harm_notes(line)),
            )
            for line in lines
        ),
        tuple(groups),
    )


def _harm_notes(line: HarmLine) -> Iterator[str]:
    if line.duration:
        yield ended(f"Lasts {line.duration}")
    if line.at_risk:
        yield ended(f"More at risk: {line.at_risk}")
    if line.note:
        yield ended(line.note)
    if line.sources:
        yield ended(f"Source: {'; '.join(line.sources)}")


def options(answer: Answer, pages: Mapping[str, Link] | None = None) -> Table:
    """The choices side by side: one column each, one row for each thing people ask.

    `pages` are the answers of other pages about a choice, by its id.
    """
    choices = answer.review.options
    own = {o.id for o in choices if o.kind == "treatment"}

    def good(id: str) -> Value:
        return answer.verdict.sentence if id in own else "Not judged on this page."

    def bad(id: str) -> Value:
        return told(answer.harm_sentence) if id in own else "Not judged on this page."

    rows: tuple[tuple[Value, ...], ...] = (
        ("What is it like?", *(o.experience for o in choices)),
        ("How many visits?", *(o.visits or UNKNOWN for o in choices)),
        ("What does it cost?", *(o.cost or UNKNOWN for o in choices)),
        ("Can it help?", *(good(o.id) for o in choices)),
        ("Can it harm?", *(bad(o.id) for o in choices)),
    )
    if pages:
        here: dict[str, Value] = dict.fromkeys(own, "this page")
        rows += (("Its own answer", *({**here, **pages}.get(o.id, "none yet") for o in choices)),)
    return Table(
        "The choices side by side",
        (Column("ask", "What people ask"), *(Column(o.id, o.label) for o in choices)),
        rows,
    )


def findings(answer: Answer) -> Table:
    """The summary of findings, for clinicians."""
    rows: list[tuple[Value, ...]] = []
    for o in answer.outcomes:
        a = o.absolute
        rows.append(
            (
                f"{o.label} ({measured(o)}) at {o.time}",
                None if a is None else a.without,
                None if a is None else differs(a),
                _relative(o),
                (o.people, " (", o.trials, ")"),
                f"{dots(_level(o))} {_level(o) or 'no evidence'}",
                told(o.statement_clinical),
            )
        )
    return Table(
        f"Summary of findings: {answer.treatment} against {answer.comparator} in "
        f"{answer.population}",
        (
            Column("outcome", "Outcome"),
            Column("without", f"With {answer.comparator}"),
            Column("difference", f"Difference ({interval_name(answer.review.plan.level)})"),
            Column("relative", f"Relative effect ({interval_name(answer.review.plan.level)})"),
            Column("people", "People (trials)"),
            Column("certainty", "Certainty (GRADE)"),
            Column("words", "In words"),
        ),
        tuple(rows),
        missing="not estimable",
    )


def _relative(outcome: OutcomeAnswer) -> Value:
    if outcome.effect is None:
        return "not applicable" if outcome.type == "continuous" else None
    told = None if outcome.absolute is None else outcome.absolute.difference.unit
    if outcome.effect.unit in ("points", "per 1000", told):
        return "not applicable"
    if outcome.effect.unit == "SMD" and (
        outcome.absolute is None or outcome.absolute.without is None
    ):
        return "not applicable"
    return (f"{outcome.effect.unit} ", outcome.effect)


def grade(profile: GradeProfile) -> Table:
    """Every step from high to the level reached."""
    rows: list[tuple[Value, ...]] = [
        (
            first_upper(reason.domain),
            _taken(reason.suggested, "needs a person"),
            _taken(reason.human, "not judged"),
            _taken(reason.final, ""),
            reason.rule,
            f"{reason.why} ({reason.by}, {day(reason.on)})" if reason.by else "",
        )
        for reason in profile.reasons
    ]
    rows += [
        (
            first_upper(rise.reason),
            "needs a person" if rise.suggested is None else f"up {rise.suggested}",
            "",
            f"up {rise.suggested}" if rise.suggested and profile.raised else "",
            rise.rule,
            "",
        )
        for rise in profile.raises
    ]
    rows += [("Ceiling", f"at most {cap.level}", "", "", cap.why, "") for cap in profile.caps]
    return Table(
        f"From {profile.start} to {profile.level}: the reasons",
        (
            Column("domain", "Reason to doubt"),
            Column("suggested", "Computed"),
            Column("human", "A person’s"),
            Column("final", "Taken off"),
            Column("rule", "Rule and its inputs"),
            Column("why", "The person’s reason"),
        ),
        tuple(rows),
    )


def _taken(levels: int | None, missing: str) -> str:
    if levels is None:
        return missing
    if levels == 0:
        return "none"
    return f"{-levels} {'level' if levels == -1 else 'levels'}"


def thresholds(outcome: OutcomeAnswer) -> Table:
    """What the answer would be under each registered set of cut points."""
    return Table(
        f"{outcome.label}: how much is enough to matter",
        (
            Column("name", "Cut points"),
            Column("cuts", "Small / moderate / large from"),
            Column("kind", "Kind"),
            Column("class", "The effect is"),
            Column("verdict", "The answer would be"),
            Column("source", "Source"),
        ),
        tuple(
            (
                f"{line.name} (used)" if line.main else line.name,
                _cuts(line),
                f"{line.kind} difference",
                f"{line.noticed} would notice it"
                if line.effect_class is None
                else CLASSES[line.effect_class],
                "not for groups" if line.verdict is None else verdict_there(line),
                line.source,
            )
            for line in outcome.thresholds
        ),
    )


def _cuts(line: ThresholdLine) -> str:
    cuts = (line.small, line.moderate, line.large)
    return " / ".join("–" if cut is None else significant(cut) for cut in cuts)


def sensitivity(outcome: OutcomeAnswer) -> Table:
    """What the answer would be under other defensible choices."""
    return Table(
        f"{outcome.label}: other ways to compute it",
        (
            Column("what", "With"),
            Column("effect", "Effect"),
            Column("verdict", "The answer would be"),
        ),
        tuple(
            (
                line.what,
                first_upper(line.why) if line.effect is None else line.effect,
                verdict_there(line),
            )
            for line in outcome.sensitivity
        ),
    )


def components(answer: Answer) -> Table:
    """What the trials can tell of each part, pair and combination, and on what that rests.

    What cannot be told for the same reason stands in one row.
    """
    groups: list[tuple[int, str]] = []
    rows: list[tuple[Value, ...]] = []
    names = {o.id: o.label for o in answer.outcomes}
    by_outcome: dict[str, list[ComponentLine]] = {}
    for line in answer.components:
        by_outcome.setdefault(line.outcome, []).append(line)
    for outcome, lines in by_outcome.items():
        groups.append((len(rows), names.get(outcome, outcome)))
        rows += [_part_told(line) for line in lines if line.effect is not None]
        untold: dict[tuple[str, str], list[ComponentLine]] = {}
        for line in lines:
            if line.effect is None:
                untold.setdefault((line.kind, line.why), []).append(line)
        rows += [
            (_listed(kind, held), "cannot be told", None, None, None, None, None, first_upper(why))
            for (kind, why), held in untold.items()
        ]
    return Table(
        "What the trials can tell of each part, of two together (×: beyond their sum) and of "
        "combinations (+: against nothing)",
        (
            Column("part", "Part"),
            Column("effect", "What it does"),
            Column("sure", "How sure"),
            Column("trials", "Trials", "count"),
            Column("people", "People", "count"),
            Column("direct", "Compared directly"),
            Column("span", "One trial left out"),
            Column("why", "Rests on"),
        ),
        tuple(rows),
        tuple(groups),
        missing="",
    )


def _part_told(line: ComponentLine) -> tuple[Value, ...]:
    assert line.effect is not None
    ratio = not line.effect.unit.startswith("point")
    effect: Value = (f"{line.effect.unit} ", line.effect) if ratio else line.effect
    ends = None
    if line.span is not None:
        q = replace(line.effect, low=line.span[0], high=line.span[1])
        ends = show(q).interval
        low, high = ends.split(" to ")
        ends = low if low == high else ends
    direct = "" if line.kind == "interaction" else percent(100 * line.direct_share)
    if line.direct:
        direct += f" ({line.direct} of {line.trials} trials)" if line.direct < line.trials else ""
    why = line.why
    sure = None if line.level is None else sureness(line.level)
    return (first_upper(line.label), effect, sure, line.trials, line.people, direct, ends, why)


#: More untold pairs or combinations than this are counted and not listed.
_LISTED = 3


def _listed(kind: str, held: Sequence[ComponentLine]) -> str:
    if kind == "component" or len(held) <= _LISTED:
        return first_upper("; ".join(line.label for line in held))
    noun = {"interaction": "other pairs", "combination": "other combinations"}[kind]
    return f"{len(held)} {noun}"


def bearings(part: Part) -> Table:
    """Which trials bear on one part, how, and why."""
    return Table(
        f"Trials that bear on this: {part.question}",
        (
            Column("trial", "Trial"),
            Column("comparison", "It compared"),
            Column("people", "People"),
            Column("how", "How it bears on this"),
            Column("why", "Why"),
        ),
        tuple(
            (
                Link(b.label, f"#ref-{b.trial}"),
                b.comparison,
                b.people,
                BEARS[b.how],
                first_upper(b.why),
            )
            for b in part.bearings
        ),
    )


def part_estimates(part: Part) -> Table:
    """The numbers of one part, outcome by outcome."""

    def effect(e: PartEstimate) -> Value:
        if e.absolute is not None and e.effect.unit.startswith("point"):
            return None
        return e.effect if e.effect.unit.startswith("point") else (f"{e.effect.unit} ", e.effect)

    def exactly(e: PartEstimate) -> Value:
        share = percent(100 * e.direct_share)
        if e.footing is None or not e.footing.trials.value:
            return share
        known = e.footing
        noun = "trial" if known.trials.value == 1 else "trials"
        return (f"{share}: ", known.trials, f" {noun}, ", known.people, " people")

    return Table(
        f"In numbers: {part.question}",
        (
            Column("outcome", "What was measured"),
            Column("difference", "Difference"),
            Column("effect", "Relative effect"),
            Column("sure", "How sure"),
            Column("trials", "Trials"),
            Column("people", "People"),
            Column("direct", "Compared directly"),
            Column("span", "Result (range with one trial left out)"),
            Column("needs", "Cannot do without"),
        ),
        tuple(
            (
                e.outcome_label,
                "not known"
                if e.absolute is None
                else (e.absolute.difference, f" {e.absolute.difference.unit}"),
                effect(e),
                None if e.level is None else sureness(e.level),
                e.trials,
                e.people,
                exactly(e),
                None if e.footing is None else e.footing.span,
                None if e.footing is None else "; ".join(e.footing.essential),
            )
            for e in part.estimates
        ),
        missing="",
    )


def left_out(answer: Answer) -> Table:
    """Everything that could not be used, each with its reason."""
    lines = {
        (line.label, line.what, line.why): line
        for line in (*answer.left_out, *(x for o in answer.outcomes for x in o.left_out))
    }
    return Table(
        "What could not be used, and why",
        (Column("trial", "Trial"), Column("what", "What"), Column("why", "Why")),
        tuple(
            (Link(line.label, f"#ref-{line.trial}"), line.what, first_upper(line.why))
            for line in lines.values()
        ),
    )


def judgements(answer: Answer) -> Table:
    """Signed judgements: who said what, when and why."""
    names = {p.id: p.name for p in answer.review.people}
    outcomes = {o.id: o.label for o in answer.review.outcomes}

    def about(of: str, outcome: str, domain: str) -> str:
        where = [text for text in (outcomes.get(outcome, outcome), domain) if text]
        return first_upper(of) + (f" ({', '.join(where)})" if where else "")

    return Table(
        "Judgements by people",
        (
            Column("about", "About"),
            Column("level", "Judgement"),
            Column("by", "By"),
            Column("on", "On"),
            Column("why", "Why"),
        ),
        tuple(
            (
                about(j.about, j.outcome, j.domain),
                LEVELS.get(j.level, j.level),
                names.get(j.by, j.by),
                day(j.on),
                ended(j.why),
            )
            for j in answer.review.judgements
        ),
    )


def unjudged(answer: Answer) -> Sequence[str]:
    """What needs a person and has not had one, in words."""
    return [
        f"{o.label}: {joined([r.domain for r in o.grade.reasons if _open(r.suggested, r.human)])}"
        for o in answer.outcomes
        if o.grade and any(_open(r.suggested, r.human) for r in o.grade.reasons)
    ]


def _open(suggested: int | None, human: int | None) -> bool:
    return suggested is None and human is None


#: The tables that a template can ask for.
ALL: dict[str, Callable[..., Table]] = {
    made.__name__: made
    for made in (
        fact_box,
        harms,
        options,
        findings,
        grade,
        thresholds,
        sensitivity,
        strata,
        responders,
        without_each,
        trials,
        rob_steps,
        reporting,
        concerns,
        harms_asked,
        components,
        bearings,
        part_estimates,
        left_out,
        judgements,
    )
}
