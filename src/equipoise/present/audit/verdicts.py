"""Checks 37 to 45: the verdict is the table's, and nobody raised it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from equipoise.answer.answer import OutcomeAnswer
from equipoise.answer.conclude import burden_of
from equipoise.answer.harms import harm_class
from equipoise.answer.judging import JUDGED_AT, ONE_SMALL
from equipoise.answer.status import OLD, OUT_OF_DATE
from equipoise.answer.verdict import decide
from equipoise.answer.wording import glyph, label
from equipoise.certainty.grade import LEVELS
from equipoise.certainty.thresholds import signed
from equipoise.present.audit.findings import Check, Finding, Subject
from equipoise.present.audit.numbers import main_small
from equipoise.review.collect import counted_arms, model_parts

#: Days after which a look at the lists of retractions is too old.
FRESH = 30


def same_label(subject: Subject) -> Iterator[Finding]:
    """The table gives the label that is shown."""
    v = subject.answer.verdict
    code = v.code
    if v.certainty is not None and v.benefit is not None:
        code = decide(v.harm, v.certainty, v.benefit, v.burden).verdict
    yield from _other_inputs(subject)
    if code != v.code or (v.label, v.glyph) != (label(v.code, v.benefit), glyph(v.code, v.benefit)):
        yield Finding(
            f"the page says “{v.label}”, the table {code}",
            "answer it again from the folder",
            place="#short-answer",
        )
    head = subject.section("short-answer-h")
    sign = head.first(css="glyph")  # Where there is none, check 56 says so.
    if v.label not in head.text() or (sign is not None and sign.text() != v.glyph):
        yield Finding(
            "the label or its sign is not in the heading", "show it", place="#short-answer h2"
        )


def _other_inputs(subject: Subject) -> Iterator[Finding]:
    """What the table was asked is what was found: of the outcome, of harms, of burden."""
    a = subject.answer
    v = a.verdict
    o = next((o for o in a.outcomes if o.id == v.rests_on), None)
    level = None if o is None or o.grade is None else o.grade.level
    if a.certainty != v.certainty:
        level = a.certainty
    told = (
        ("benefit", v.benefit, None if o is None else o.effect_class),
        ("certainty", v.certainty, level),
        ("harm", v.harm, harm_class(a.review, a.harms)),
        ("burden", v.burden, burden_of(a.review)[0]),
    )
    for name, used, found in told:
        if used != found:
            yield Finding(
                f"the verdict was decided for {name} “{used}”, and it is “{found}”",
                "answer it again from the folder",
                "answer.json",
                place=f"verdict.{name}",
            )


def complete(subject: Subject) -> Iterator[Finding]:
    """Everything that the table needs is there; a protocol came before the first version."""
    a = subject.answer
    v, protocol = a.verdict, a.review.protocol
    decided = v.code not in ("NOTRIALS", "UNKNOWN")
    if decided and None in (v.benefit, v.certainty):
        yield Finding("the verdict lacks an input", "name cut points", "review.toml")
    if not any(o.id == v.rests_on and o.decides for o in a.outcomes):
        yield Finding("no outcome decides", "decides = true", "review.toml")
    first = min((c.on for c in a.review.changes), default=a.review.updated)
    if protocol.on and protocol.on > first:
        yield Finding(
            f"the protocol of {protocol.on} is younger than the first version of {first}",
            "say in the plan how it was decided",
            "review.toml",
            protocol.line or 1,
        )
    elif not protocol.on:
        yield Finding(
            "no protocol was fixed before the data were read; the methods say how it was decided",
            "register one",
            "review.toml",
            place="[protocol]",
            state="not done",
        )


def isolating(subject: Subject) -> Iterator[Finding]:
    """The deciding outcome rests on comparisons that isolate the treatment."""
    a = subject.answer
    o = next((o for o in a.outcomes if o.id == a.verdict.rests_on), None)
    if o is None or o.pooled is None:
        return
    target = a.review.question.component
    for trial in dict.fromkeys(row.trial for row in o.pooled.rows):
        sides = [
            model_parts(a.review, arm.components)
            for arm in counted_arms(a.review, a.review.trial(trial))
        ]
        if not any(target in p and p - {target} in sides for p in sides):
            yield Finding(
                f"{a.review.trial(trial).label} does not isolate {a.treatment}",
                "it may be shown, and moves no verdict",
                "arms.csv",
            )


def badge(subject: Subject) -> Iterator[Finding]:
    """Fragile is shown where, and only where, another choice gives another answer."""
    v = subject.answer.verdict
    o = next((o for o in subject.answer.outcomes if o.id == v.rests_on), None)
    flips = bool(v.flips)
    if o is not None:
        flips = flips or any(t.flips for t in o.thresholds) or any(s.flips for s in o.sensitivity)
    shown = subject.section("short-answer").first(css="fragile") is not None
    if not (v.fragile == flips == shown):
        yield Finding(
            f"{'another' if flips else 'no other'} choice changes the answer, unlike the badge",
            "show it exactly then",
            place="#short-answer .fragile",
        )


def ceilings(subject: Subject) -> Iterator[Finding]:
    """No certainty stands above its ceilings."""
    searched = subject.answer.status.search_age_months
    for o in subject.answer.outcomes:
        if o.grade is None:
            continue
        level = LEVELS.index(o.grade.level)
        for what in _uncapped(o, stale=searched is None or searched > OUT_OF_DATE):
            yield Finding(
                f"{o.label}: {o.grade.level} certainty, although {what}",
                "at most low",
                place="#why-sure",
            )
        needed = subject.answer.quantities.get("change.needed")
        if (
            o.id == subject.answer.verdict.rests_on
            and needed is not None
            and needed.value > o.people.value
            and level > LEVELS.index("low")
        ):
            yield Finding(
                f"{o.label}: {o.grade.level} certainty from {o.people.value:g} people, fewer than "
                f"the {needed.value:g} that it takes",
                "at most low",
                place="#why-sure",
            )
        for cap in o.grade.caps:
            if level > LEVELS.index(cap.level):
                yield Finding(
                    f"{o.label}: {o.grade.level} certainty, but at most {cap.level}: {cap.why}",
                    "count it again",
                    place="#why-sure",
                )


def _uncapped(o: OutcomeAnswer, *, stale: bool) -> Iterator[str]:
    """What holds certainty at low by the rules of honesty, where it stands above."""
    if o.grade is None or o.pooled is None or LEVELS.index(o.grade.level) <= LEVELS.index("low"):
        return
    if stale:
        yield "the search is out of date"
    if len({row.trial for row in o.pooled.rows}) == 1 and o.people.value < ONE_SMALL:
        yield "it rests on one small trial"
    if o.effect_class == "none" and o.end_classes[1] in ("small", "moderate", "large"):
        yield "an important benefit lies inside the interval"
    if any(r.suggested is not None and "knew what they got" in r.rule for r in o.grade.reasons):
        taken = next(r.final for r in o.grade.reasons if r.domain == "risk of bias")
        if taken == 0:
            yield "people knew what they got and rated themselves"


def precise(subject: Subject) -> Iterator[Finding]:
    """An interval that crosses a line of importance takes certainty down."""
    for o in subject.answer.outcomes:
        small = main_small(o, subject)
        d = None if o.absolute is None else o.absolute.difference
        if small is None or o.grade is None or d is None or d.low is None or d.high is None:
            continue
        if subject.answer.review.outcome(o.id).measure == "SMD":
            continue
        if o.pooled is not None and o.pooled.level != JUDGED_AT:
            continue  # certainty was judged by another interval than the one shown
        low, high = sorted(signed(v, o.better) for v in (d.low, d.high))
        crossed = (low < small < high) + (low < -small < high)
        taken = -next((r.final for r in o.grade.reasons if r.domain == "imprecision"), 0)
        if crossed > taken:
            lines = ("", "a line", "both lines")[crossed]
            levels = ("nothing", "one level", "two levels")[taken]
            yield Finding(
                f"{o.label}: the interval crosses {lines} of importance and {levels} was taken off",
                "rate imprecision again",
                place="#why-sure",
            )


def cut_points(subject: Subject) -> Iterator[Finding]:
    """Cut points have instrument, kind, population and source; kinds are not mixed."""
    for o in subject.answer.review.outcomes:
        for t in o.thresholds:
            blank = [n for n in ("population", "source") if not getattr(t, n)] + (
                [] if t.instrument or o.instrument else ["instrument"]
            )
            if blank:
                yield Finding(
                    f"{o.label}, “{t.name}”: no {' and no '.join(blank)}",
                    "fill it",
                    "review.toml",
                    t.line or 1,
                )
            if t.kind not in ("between-group", "within-person"):
                yield Finding(
                    f"{o.label}, “{t.name}”: of no kind that is known",
                    'kind = "between-group" or "within-person"',
                    "review.toml",
                    t.line or 1,
                )
            if t.main and t.kind == "within-person":
                yield Finding(
                    f"{o.label}: a change of one person is used for a difference between groups",
                    'main = true on a "between-group" set',
                    "review.toml",
                    t.line or 1,
                )

    for told in subject.answer.outcomes:
        known = {t.name: t.kind for t in subject.answer.review.outcome(told.id).thresholds}
        for line in told.thresholds:
            if known.get(line.name, line.kind) != line.kind:
                yield Finding(
                    f"{told.label}, “{line.name}”: used as {line.kind}, registered as "
                    f"{known[line.name]}",
                    "answer it again from the folder",
                    "answer.json",
                    place=f"outcomes.{told.id}.thresholds",
                )


def age(subject: Subject) -> Iterator[Finding]:
    """The strip tells the age of the search; retractions were looked up lately."""
    s = subject.answer.status
    months = s.search_age_months
    kinds = [line.kind for line in s.lines if "search" in line.text.casefold()]
    wanted = (
        "stop" if months is None or months > OUT_OF_DATE else "warn" if months > OLD else "info"
    )
    if wanted not in kinds or (wanted == "stop") != subject.answer.verdict.stale:
        yield Finding(
            "the first lines do not tell how old the search is", "say it", place="#status"
        )
    looked = subject.answer.review.search.retractions
    days = (date.fromisoformat(s.on) - date.fromisoformat(looked)).days if looked else None
    if days is None or days > FRESH:
        told = "never" if days is None else f"{days} days ago"
        yield Finding(
            f"trials were last looked up in a list of retractions: {told}",
            "look them up, then set search.retractions",
            "review.toml",
            place="[search]",
            state="not done",
        )


def signed_by(subject: Subject) -> Iterator[Finding]:
    """Judgements are signed, dated and reasoned, and none raises anything."""
    known = {p.id for p in subject.answer.review.people}
    for j in subject.answer.review.judgements:
        if j.by not in known or not j.on or not j.why.strip():
            yield Finding(
                f"a judgement about {j.about} lacks its signature, day or reason",
                "fill by, on and why",
                "judgements.toml",
                j.line or 1,
            )
        rates = j.about in ("certainty", "indirectness", "publication-bias")
        if rates and re.fullmatch(r"\+?0*[1-9]\d*", j.level.strip()):
            yield Finding(
                f"a judgement about {j.about} raises certainty by {j.level}",
                "people may lower it or dissent",
                "judgements.toml",
                j.line or 1,
            )
    for o in subject.answer.outcomes:
        if o.grade is None:
            continue
        for r in o.grade.reasons:
            if r.human is not None and not (r.by and r.on and r.why.strip()):
                yield Finding(
                    f"{o.label}: nobody signed what was taken off for {r.domain}",
                    "by, on and why",
                    "judgements.toml",
                )
        start = LEVELS.index(o.grade.start) + o.grade.raised
        most = max(0, start + sum(r.final for r in o.grade.reasons))
        if LEVELS.index(o.grade.level) > most:
            yield Finding(
                f"{o.label}: {o.grade.level} certainty is higher than its reasons leave it",
                "count it again",
                "answer.json",
                place=f"outcomes.{o.id}.grade",
            )


CHECKS: tuple[Check, ...] = (
    Check(
        37,
        "error",
        "data",
        "The table gives this label",
        "Its inputs are those of outcome, harms and burden; it is decided again from them, and its "
        "label and sign are in the heading.",
        same_label,
    ),
    Check(
        38,
        "error",
        "data",
        "Inputs are complete, the protocol is older",
        "Benefit, certainty, harm and burden are known; a protocol, if any, came before the first "
        "version. Without one this is not done.",
        complete,
    ),
    Check(
        39,
        "error",
        "data",
        "Only isolating comparisons decide",
        "Each trial of the deciding outcome has two groups that differ in the treatment alone.",
        isolating,
    ),
    Check(
        40,
        "error",
        "data",
        "Fragile exactly when fragile",
        "The badge is shown where, and only where, another defensible choice changes the answer.",
        badge,
    ),
    Check(
        41,
        "error",
        "data",
        "Certainty below its ceilings",
        "Few people, hidden benefit, people who knew what they got or an old search hold it down.",
        ceilings,
    ),
    Check(
        42,
        "error",
        "data",
        "Imprecision fits the interval",
        "Each line of importance that it crosses takes at least one level off.",
        precise,
    ),
    Check(
        43,
        "error",
        "data",
        "Cut points with their papers",
        "Instrument, kind, population and source; differences between groups and changes of one "
        "person are not mixed.",
        cut_points,
    ),
    Check(
        44,
        "error",
        "data",
        "Old searches say so",
        "The first lines fit the age of the search. Retractions looked up within 30 days, else not "
        "done: what depends on the day alone blocks nothing.",
        age,
    ),
    Check(
        45,
        "error",
        "data",
        "Nobody raised it",
        "Judgements are signed, dated and reasoned; none raises certainty, and it is no higher "
        "than its reasons leave it.",
        signed_by,
    ),
)
