"""Key messages, and what would change the answer: sentences made from results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from equipoise.answer.absolute import difference_words
from equipoise.answer.answer import HarmClass, HarmLine, OutcomeAnswer, Part
from equipoise.answer.harms import TOLERANCE, had_it, measured, zero_event_bound
from equipoise.answer.judging import Judged
from equipoise.answer.ledger import Ledger
from equipoise.answer.next_trial import NextTrial
from equipoise.answer.status import Search
from equipoise.answer.wording import capital, count, join, label, month_words
from equipoise.certainty.grade import Level
from equipoise.core.provenance import mark
from equipoise.core.table import fixed
from equipoise.review.records import Outcome, Review


def key_messages(
    review: Review,
    deciding: OutcomeAnswer,
    level: Level | None,
    added: Part,
    together: Part,
    harm_sentence: str,
) -> tuple[str, ...]:
    """At most three: what was compared, the combination, the harms."""
    return (
        _comparison_message(review, deciding, level),
        _combination_message(review, deciding, added, together),
        harm_sentence,
    )


def _comparison_message(review: Review, deciding: OutcomeAnswer, level: Level | None) -> str:
    """Who was compared with whom, and, where it can be told, what came out."""
    n = int(deciding.trials.value)
    if deciding.silent:
        counted = mark(deciding.trials, capital(count(n, "trial")))
        return f"{counted} measured {deciding.plain}: {deciding.silent}."
    if level is None:
        return f"No trial that isolates it reports {deciding.plain} in numbers."
    trials = count(n, "trial")
    people = f"{mark(deciding.people, fixed(deciding.people.value, 0))} people"
    if not deciding.people.value:
        people = "an unknown number of people"
    against = deciding.compared_with or review.question.comparator_plain
    if deciding.absolute is None and deciding.effect is not None:
        return (
            f"{mark(deciding.trials, capital(trials))} with {people} compared it with "
            f"{against}, but nobody says how often {deciding.plain} "
            "happens without it."
        )
    if level == "very low" or deciding.absolute is None:
        few = deciding.grade is None or any(
            r.domain == "imprecision" and r.final < 0 for r in deciding.grade.reasons
        )
        return (
            f"{mark(deciding.trials, capital(trials))} with {people} compared it with "
            f"{against}: {'too little to tell' if few else 'too much doubt is left to tell'}."
        )
    told = difference_words(review.outcome(deciding.id), deciding.absolute.difference)
    return f"In {mark(deciding.trials, trials)} with {people}, {deciding.plain}: {told}."


def _combination_message(
    review: Review, deciding: OutcomeAnswer, added: Part, together: Part
) -> str:
    if together.trials.value:
        n = count(int(together.trials.value), "trial")
        known = next(iter(together.interactions), None)
        if known is not None and known.within and known.level in ("moderate", "high"):
            return known.statement
        return f"{capital(n)} tested it together with other care, as a package against neither."
    if added.trials.value:
        n = count(int(added.trials.value), "trial")
        return (
            f"{capital(n)} tested it on top of other care. Which part of such a combination does "
            "the work is not known."
        )
    if deciding.trials.value and not any(c.role == "care" for c in review.components):
        return "Trials tested it on its own only, not together with other care."
    return "No trial can tell whether it works better together with other care."


def harm_sentence(lines: Sequence[HarmLine], harm: HarmClass) -> str:
    """The harms in one sentence: what was seen, what was only reported, what nobody asked."""
    if not lines:
        return "Harms: the trials did not say anything about them."
    seen = [h.plain for h in lines if had_it(h)]
    unseen = [h.plain for h in lines if h.state == 4]
    serious = [h.plain for h in lines if h.state == 3 and h.severity == "serious"]
    parts = []
    if seen:
        parts.append(f"In trials people had {join(seen[:3])}")
    elif any(h.state == 1 for h in lines):
        parts.append("In trials those who had it were harmed no more than the others")
    elif unseen:
        parts.append(f"Trials asked about {join(unseen[:3], 'or')}, and nobody had it")
    else:
        parts.append("No trial told how many people were harmed in each group")
    if serious:
        parts.append("serious harms have been reported, and nobody knows how often they happen")
    elif harm == "not measured":
        parts.append("harms were not properly measured")
    return f"{'; '.join(parts)}."


def would_change(
    review: Review,
    outcome: Outcome,
    judged: Judged | None,
    answer: OutcomeAnswer,
    together: Part,
    search: Search,
    harms: Sequence[HarmLine],
    trials: Sequence[NextTrial],
    ledger: Ledger,
) -> tuple[str, ...]:
    """What would make the answer surer or different, each with its size where it has one."""
    lines = []
    x, o = review.question.treatment, outcome.plain
    if answer.silent:
        lines.append(
            f"Trials in more people, or in people who are likelier to have it: {answer.silent}."
        )
    elif judged is None:
        lines.append(f"A randomised trial of {x} that reports {o} in numbers.")
    elif not judged.scale.known:
        lines.append(
            f"How often {o} happens without {x}: from a register, or from a trial that counts both "
            "groups."
        )
    elif judged.needed is not None and judged.people < judged.needed:
        needed = ledger.add(
            "change.needed",
            judged.needed,
            "people",
            "people that one adequate trial needs",
            "optimal information size: 80 % power to see the smallest important difference; "
            "shown rounded up to tens",
            inputs=[answer.people] if answer.effect is None else [answer.people, answer.effect],
        )
        shown = fixed(10 * math.ceil(needed.value / 10 - 1e-9), 0)
        lines.append(
            f"Trials in about {mark(needed, shown)} people in all "
            f"({mark(answer.people, fixed(answer.people.value, 0))} so far): that shows, or "
            f"rules out, the smallest difference in {o} that matters."
        )
    lines += _next_lines(trials, answer, ledger)
    if (
        judged is not None
        and next((r for r in judged.profile.reasons if r.domain == "risk of bias"), None)
        is not None
        and judged.profile.reasons[0].final < 0
    ):
        lines.append(
            "Trials that are fair in every step: nobody can foresee or find out who gets what."
        )
    if search.stale:
        since = f"trials since {month_words(search.last)}" if search.last else "trials"
        lines.append(f"A new systematic search: there may be {since} that are missing here.")
    if (four := _four_groups(review, outcome, together)) is not None:
        lines.append(four)
    lines += _harm_lines(review, harms, ledger)
    return tuple(lines)


def _four_groups(review: Review, outcome: Outcome, together: Part) -> str | None:
    """The trial that would tell whether the two strengthen each other.

    None where one has, and where the review knows no other care.
    """
    if not any(c.role == "care" for c in review.components):
        return None
    groups = f"four groups ({review.question.treatment}, other care, both, neither)"
    known = next((i for i in together.interactions if i.outcome == outcome.id), None)
    if known is None or not known.within:
        return f"A trial with {groups} that reports all four."
    if known.level in ("moderate", "high"):
        return None
    return (
        f"More people in trials with {groups}, as in {join(list(known.within))}: whether the two "
        "strengthen each other is not settled."
    )


def _next_lines(
    trials: Sequence[NextTrial], answer: OutcomeAnswer, ledger: Ledger
) -> Iterator[str]:
    """The sizes of next trials that would change the answer."""
    for trial in trials:
        people = ledger.add(
            f"change.next.{trial.id}",
            trial.people,
            "people",
            f"people in a fair trial that {trial.finding} and so changes the answer",
            "smallest trial of two equal groups from which on each one, added to those there are, "
            "leads to another answer of the table; rounded up",
            inputs=[answer.people] if answer.effect is None else [answer.effect],
        )
        yield (
            f"One fair trial of about {mark(people, fixed(trial.people, 0))} people that "
            f"{trial.finding}: the answer becomes “{label(trial.verdict, trial.benefit)}”."
        )


def _harm_lines(review: Review, harms: Sequence[HarmLine], ledger: Ledger) -> Iterator[str]:
    """What is missing about harms; nothing where enough people were asked and all was counted."""
    uncounted = [h.plain for h in harms if h.severity == "serious" and h.treated is None]
    if not measured(review):
        yield _asking_line(ledger)
    if uncounted:
        named = join(list(dict.fromkeys(uncounted))[:3])
        yield f"Trials or registers that count {named} out of a known number of people."


def _asking_line(ledger: Ledger) -> str:
    people = next(n for n in range(1, 10_000) if zero_event_bound(n) < TOLERANCE)
    asked = ledger.add(
        "change.asked",
        people,
        "people",
        "people to ask before a serious harm that nobody had can be put below 1 in 100",
        f"smallest n with 1 - 0.05^(1/n) < {TOLERANCE:g}",
    )
    return (
        f"Trials that ask everybody about harms, in at least {mark(asked, fixed(people, 0))} "
        "treated people."
    )
