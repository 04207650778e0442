"""What to ask the doctor: from the gaps that the trials left, and a few for everybody.

Every gap that an answer can have leads to a question of its own; the gaps stand together in the
middle, so that a page that is surer simply has fewer questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from equipoise.answer.answer import HarmLine, OutcomeAnswer, Part, Verdict
from equipoise.answer.status import Search
from equipoise.answer.wording import aim, join, month_words, uncapital
from equipoise.review.records import Review

#: So many harms are named in a question, the most serious first.
_NAMED = 3
_SERIOUS = ("serious", "needs-care", "unclear", "mild")


def questions(
    review: Review,
    deciding: OutcomeAnswer,
    verdict: Verdict,
    together: Part,
    harms: Sequence[HarmLine],
    search: Search,
) -> tuple[str, ...]:
    """What to ask the doctor: at least four questions, at most eight.

    Parameters
    ----------
    review
        The review.
    deciding
        What the trials show for the outcome that decides.
    verdict, together, harms, search
        The answer so far: each may leave a gap to ask about.

    Returns
    -------
    tuple of str
        Finished sentences, in the order in which they are asked.
    """
    x, y = review.question.treatment, review.question.condition
    others = [uncapital(o.label) for o in review.options if o.kind == "other"]
    single = [o for o in others if "," not in o and " or " not in o][:2]
    nothing = "What is likely to happen if I do nothing for now"
    if others:
        nothing += f", or if I choose {join(single, 'or') or 'something else'} instead"
    return (
        f"What do you think is causing my {y}, and does {x} make sense for that?",
        f"{nothing}?",
        *_gaps(review, deciding, verdict, together, search),
        _harm_question(x, harms),
        "How many visits will it take, what will it cost me, and when would we stop if it does not "
        "work?",
    )


def _gaps(
    review: Review, deciding: OutcomeAnswer, verdict: Verdict, together: Part, search: Search
) -> Iterator[str]:
    """One question for each gap: how sure, which part, how fragile, what is missing."""
    x, y = review.question.treatment, review.question.condition
    if verdict.code == "NOTRIALS":
        yield f"No trial that counts has tested {x} for {y}. Why do you think it could help me?"
    elif verdict.certainty in ("low", "very low") or verdict.code == "UNKNOWN":
        told = "leave much doubt" if verdict.certainty == "low" else "cannot tell"
        outcome = review.outcome(deciding.id)
        helps = (
            f"improves {aim(outcome)}"
            if outcome.type == "binary"
            else f"helps with {outcome.plain}"
        )
        yield f"How sure are you that {x} {helps}? The trials {told}."
    care = any(c.role == "care" for c in review.components)
    if care and (not together.answerable or together.interaction_effect is None):
        yield (
            "Would I have it by itself or with other care? The trials cannot tell which part does "
            "the work."
        )
    if verdict.fragile:
        yield (
            "Another fair reading of the trials gives another answer. Which reading fits somebody "
            "like me?"
        )
    missing = _missing(review, deciding, search)
    if missing:
        yield f"{missing} Do you know what they found?"


def _missing(review: Review, deciding: OutcomeAnswer, search: Search) -> str:
    """Trials that are not in the answer: not searched for, retracted, or without numbers."""
    if search.stale and search.last:
        return f"There may be trials since {month_words(search.last)} that are not on my page."
    if search.stale:
        return "Nobody has searched for all trials, so some may not be on my page."
    gone = [t.label for t in review.trials if t.status == "retracted"]
    used = {row.trial for row in deciding.pooled.rows} if deciding.pooled else set()
    silent = [m.label for m in deciding.left_out if m.trial not in used and not deciding.silent]
    names = list(dict.fromkeys([*silent, *gone]))
    if not names:
        return ""
    named = join(names[:2]) if len(names) <= 2 else f"{names[0]}, {names[1]} and others"
    return f"The numbers of {named} could not be used."


def _harm_question(x: str, harms: Sequence[HarmLine]) -> str:
    """Harms that trials did not count: reported elsewhere, not asked about, or not seen."""
    open_ = [h for h in harms if h.state in (3, 4, 5)]
    open_.sort(key=lambda h: _SERIOUS.index(h.severity))
    named = join([h.plain for h in open_[:_NAMED]], "or") or "any harm"
    return (
        f"Have you seen {named} after {x}? What would you do then, and does my health make it "
        "likelier?"
    )
