"""Claims tested like code: what sentences of an article assert, held against the evidence.

A claim is data (:class:`~equipoise.review.records.Claim`) bound to its words in the prose. Each is
*supported*, *contradicted*, *goes beyond* what the trials can say, or *not testable* with them. A
claim that the article makes itself has to be supported; one that it quotes has to stay what it was
found to be. Both can change when the evidence does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from equipoise.answer.answer import Answer, OutcomeAnswer, PartEstimate
from equipoise.answer.claim_harms import judge_harm
from equipoise.answer.wording import aim, join
from equipoise.certainty.grade import LEVELS, Level
from equipoise.certainty.thresholds import EFFECT_CLASSES, EffectClass
from equipoise.core.provenance import plain
from equipoise.core.result import Result
from equipoise.review.problems import Problem, problem
from equipoise.review.records import Claim, ClaimState
from equipoise.review.rules_context import claim_words

#: How sure the evidence has to be for a sentence that says it so surely.
NEEDS: dict[str, Level] = {"is": "high", "probably": "moderate", "may": "low"}

_SAYS: dict[str, str] = {
    "better": "improve{s} {outcome} by an amount that matters",
    "worse": "worsen{s} {outcome} by an amount that matters",
    "little difference": "make{s} little or no difference to {outcome}",
    "not known": "has an effect on {outcome} that is not known",
}
_ABOUT: dict[str, str] = {
    "overall": "{x}",
    "alone": "{x} on its own",
    "added": "adding {x} to other care",
    "together": "{x} together with other care, against neither,",
}
_SURE: dict[str, str] = {"is": "", "probably": "probably ", "may": "may "}


@dataclass(frozen=True, slots=True)
class ClaimLine(Result):
    """A claim, and what the evidence says of it.

    Attributes
    ----------
    id, words, line
        The claim's id; its words in the prose and the line of ``article.md`` on which they stand.
    asserts
        What it asserts, in full.
    state
        ``supported``, ``contradicted``, ``goes beyond`` or ``not testable``.
    why
        The reason, with its numbers.
    supports
        The sentence that the evidence does support; "" where the trials say nothing.
    certainty
        How sure the evidence behind it is; None where there is none.
    quoted, was
        Whether the article only looks at it; what it was found to be before.
    review
        Slug of the review that it is about, where that is another one.
    """

    id: str
    words: str
    line: int
    asserts: str
    state: ClaimState
    why: str
    supports: str
    certainty: Level | None
    quoted: bool
    was: str
    review: str = ""

    @property
    def stands(self) -> bool:
        """Whether the article may keep it as it is."""
        if self.quoted:
            return not self.was or self.was == self.state
        return self.state == "supported"


Found = tuple[ClaimState, str, str, Level | None]


def judge_claims(
    answer: Answer, others: Mapping[str, Answer] | None = None
) -> tuple[ClaimLine, ...]:
    """Hold every claim of an article against the evidence.

    Parameters
    ----------
    answer
        What :func:`equipoise.assess` gave.
    others
        Answers of other reviews by slug, for claims about other conditions.

    Returns
    -------
    One line for each claim, in the order of the front matter.
    """
    words = claim_words(answer.review.text.get("article.md", ""))
    lines = []
    for claim in answer.review.claims:
        said, line = words.get(claim.id, ("", claim.line))
        about = answer if not claim.review else (others or {}).get(claim.review)
        found = _elsewhere(claim) if about is None else _judged(claim, about)
        asserts = f"something about {claim.review}" if about is None else _asserts(claim, about)
        lines.append(
            ClaimLine(claim.id, said, line, asserts, *found, claim.quoted, claim.was, claim.review)
        )
    return tuple(lines)


def claim_problems(lines: tuple[ClaimLine, ...]) -> tuple[Problem, ...]:
    """Claims that the evidence has left, as problems of the folder."""
    found = []
    for line in lines:
        if line.stands or not line.words:  # unbound claims are reported by the folder's rules
            continue
        told = f"“{line.words}” is {STATES[line.state]}: {plain(line.why).rstrip('.')}"
        if line.quoted:
            what = f"{told}; it was {STATES[line.was]}"
            hint = f'look at it again, then was = "{line.state}"'
            found.append(problem("article.md", line.line, "E-CLAIM-MOVED", what, hint))
        else:
            hint = plain(line.supports) or "say that it is not known, or quote it"
            found.append(problem("article.md", line.line, "E-CLAIM-STATE", told, hint))
    return tuple(found)


#: The four states as a sentence names them.
STATES: dict[str, str] = {
    "supported": "supported by the trials",
    "contradicted": "contradicted by the trials",
    "goes beyond": "more than the trials can say",
    "not testable": "nothing that these trials can test",
}


def _asserts(claim: Claim, answer: Answer) -> str:
    x = answer.treatment
    sure, may = _SURE[claim.sure], claim.sure == "may"
    if claim.about in _ABOUT:
        outcome = _outcome(claim, answer)
        name = claim.outcome if outcome is None else aim(answer.review.outcome(outcome.id))
        who = _ABOUT[claim.about].format(x=x)
        s = "" if claim.sure == "may" else "s"
        when = "" if claim.weeks is None else f" after {claim.weeks:g} weeks"
        return f"{who} {sure}{_SAYS[claim.says].format(outcome=name, s=s)}{when}"
    makes, is_, happens = ("make", "be", "happen") if may else ("makes", "is", "happens")
    if claim.about == "interaction":
        matters = "by an amount that matters"
        return {
            "stronger": f"other care {sure}{makes} {x} work better than by itself, {matters}",
            "weaker": f"other care {sure}{makes} {x} work less well than by itself, {matters}",
            "no more than the sum": f"{x} and other care {sure}do together what each does",
            "not known": f"nobody knows whether {x} and other care strengthen each other",
        }[claim.says]
    if claim.about == "part":
        return {
            "the treatment": f"in combinations it {sure}{is_} {x} that does the work",
            "the other care": f"in combinations it {sure}{is_} the other care that does the work",
            "not known": "nobody knows which part of a combination does the work",
        }[claim.says]
    harm = next((h.plain for h in answer.harms if h.harm == claim.harm), "harms")
    limit = f"{claim.at_most:g}" if claim.at_most is not None else ""
    return {
        "happens": f"{harm}: it {sure}{happens}",
        "mild": f"{harm}: {sure}mild",
        "rare": f"{harm}: {sure}rare (fewer than 1 in 1000 people)",
        "at most": f"{harm}: {sure}at most {limit} of 1000 people",
        "not seen": f"{harm}: looked for and not seen",
        "only suspected": f"{harm}: suspected, and reported by nobody",
        "not known": f"{harm}: nobody knows how often",
    }[claim.says]


def _elsewhere(claim: Claim) -> Found:
    why = f"It is about the review {claim.review}, which is not at hand here."
    return "not testable", why, "", None


def _judged(claim: Claim, answer: Answer) -> Found:
    return _JUDGES[claim.about](claim, answer)


# --- effects --------------------------------------------------------------------------------------


def _outcome(claim: Claim, answer: Answer) -> OutcomeAnswer | None:
    wanted = claim.outcome or answer.verdict.rests_on
    return next((o for o in answer.outcomes if o.id == wanted), None)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the trials show about one effect; `numbers` where they give any."""

    size: EffectClass | None
    low: EffectClass | None
    high: EffectClass | None
    level: Level | None
    statement: str
    numbers: bool = True


def _shown(claim: Claim, answer: Answer) -> _Shown | None:
    outcome = _outcome(claim, answer)
    if outcome is None:
        return None
    if claim.about == "overall":
        level = outcome.grade.level if outcome.grade else None
        low, high = outcome.end_classes
        told = outcome.statement_plain
        return _Shown(outcome.effect_class, low, high, level, told, outcome.effect is not None)
    parts = {"alone": answer.alone, "added": answer.added, "together": answer.together}
    part = parts[claim.about]
    estimate: PartEstimate | None = next(
        (e for e in part.estimates if e.outcome == outcome.id), None
    )
    if estimate is None:
        return _Shown(None, None, None, None, part.sentence, numbers=False)
    return _Shown(
        estimate.size, estimate.low_size, estimate.high_size, estimate.level, estimate.statement
    )


def _effect(claim: Claim, answer: Answer) -> Found:
    shown = _shown(claim, answer)
    if shown is None:
        return "not testable", f"The review has no outcome {claim.outcome}.", "", None
    if (when := _another_time(claim, answer)) is not None:
        return "not testable", when, "", None
    return _held(claim.says, claim.sure, shown, "No trial gives numbers for this.")


def _held(says: str, sure: str, shown: _Shown, nothing: str, numbers: str = "") -> Found:
    """An assertion of a size held against what the trials show.

    Parameters
    ----------
    says, sure
        A size, and how surely it is said.
    shown
        What the trials show.
    nothing
        What to say where they show nothing.
    numbers
        The result in words, where `shown` does not tell it.
    """
    told, level = shown.statement, shown.level
    result = f" {numbers}" if numbers else ""
    if says == "not known":
        return _unknown(shown, nothing, result)
    if not shown.numbers:
        return "goes beyond", nothing, told, None
    if level is None or shown.size is None:
        why = "Nobody can say whether the effect is one that matters."
        return "goes beyond", f"{why}{result}", told, level
    if level == "very low":
        why = "The trials are too few or too doubtful to say so (certainty very low)."
        return "goes beyond", f"{why}{result}", told, level
    if _excluded(says, shown):
        why = f"The whole range that the trials leave open speaks against it (certainty {level})."
        return "contradicted", f"{why}{result}", told, level
    if not _matches(says, shown.size):
        why = f"That is not what the trials found on average (certainty {level})."
        return "goes beyond", f"{why}{result}", told, level
    if LEVELS.index(level) < LEVELS.index(NEEDS[sure]):
        why = (
            f"The trials point that way, but say so less surely: certainty is {level}, and this "
            f"sentence needs {NEEDS[sure]}."
        )
        return "goes beyond", f"{why}{result}", told, level
    return "supported", f"The trials say so (certainty {level}).{result}", told, level


def _another_time(claim: Claim, answer: Answer) -> str | None:
    """Why results cannot speak for the weeks of the claim; None where they can."""
    outcome = _outcome(claim, answer)
    if claim.weeks is None or outcome is None:
        return None
    first, last, _ = answer.review.outcome(outcome.id).weeks
    if first <= claim.weeks <= last:
        return None
    return (
        f"The review looks at {outcome.plain} after {first:g} to {last:g} weeks, and this is about "
        f"{claim.weeks:g} weeks."
    )


def _matches(says: str, size: EffectClass) -> bool:
    wanted = {
        "better": ("small", "moderate", "large"),
        "worse": ("worse",),
        "little difference": ("none",),
    }[says]
    return size in wanted


def _excluded(says: str, shown: _Shown) -> bool:
    """Whether the whole interval lies where the claim cannot be true."""
    if shown.low is None or shown.high is None:
        return False
    low, high = EFFECT_CLASSES.index(shown.low), EFFECT_CLASSES.index(shown.high)
    none = EFFECT_CLASSES.index("none")
    if says == "better":
        return high <= none
    if says == "worse":
        return low >= none
    return low > none or high < none


def _unknown(shown: _Shown, nothing: str, result: str) -> Found:
    if not shown.numbers:
        return "supported", nothing, shown.statement, None
    if shown.level in (None, "very low") or shown.size is None:
        sure = "" if shown.level is None else f" (certainty {shown.level})"
        return "supported", f"The trials cannot tell{sure}.{result}", shown.statement, shown.level
    if shown.level == "low":
        why = f"The trials say something, with little confidence (certainty low).{result}"
        return "goes beyond", why, shown.statement, shown.level
    why = f"The trials can tell (certainty {shown.level}).{result}"
    return "contradicted", why, shown.statement, shown.level


# --- combinations ---------------------------------------------------------------------------------

#: An interaction as a size of effect: how much more the treatment does with other care.
_AS_EFFECT: dict[str, str] = {
    "stronger": "better",
    "weaker": "worse",
    "no more than the sum": "little difference",
    "not known": "not known",
}


def _interaction(claim: Claim, answer: Answer) -> Found:
    """Whether the treatment and other care strengthen each other, by the interaction itself."""
    outcome = _outcome(claim, answer)
    if outcome is None:
        return "not testable", f"The review has no outcome {claim.outcome}.", "", None
    nothing = "No trial has tested it: that takes groups with both, with each, and with neither."
    found = next((i for i in answer.together.interactions if i.outcome == outcome.id), None)
    if found is None:
        shown = _Shown(None, None, None, None, answer.together.interaction, numbers=False)
        return _held(_AS_EFFECT[claim.says], claim.sure, shown, nothing)
    shown = _Shown(found.size, found.low_size, found.high_size, found.level, found.sentence)
    result = f"{outcome.label}: {found.words}."
    return _held(_AS_EFFECT[claim.says], claim.sure, shown, nothing, result)


_HELPS: tuple[EffectClass, ...] = ("small", "moderate", "large")


def _part(claim: Claim, answer: Answer) -> Found:
    """Which part of a combination does the work: what each of the two adds."""
    outcome = _outcome(claim, answer)
    if outcome is None:
        return "not testable", f"The review has no outcome {claim.outcome}.", "", None
    added = next((e for e in answer.added.estimates if e.outcome == outcome.id), None)
    told = answer.added.sentence if added is None else added.statement
    if added is None or added.level in (None, "very low") or added.size is None:
        mixed = sorted({b.label for b in answer.together.bearings if b.how == "not attributable"})
        entangled = (
            f" {join(mixed)} cannot tell: the groups differed in more than one part."
            if mixed
            else ""
        )
        why = f"The trials cannot separate the parts.{entangled}"
        return ("supported" if claim.says == "not known" else "goes beyond"), why, told, None
    care = _care(answer, outcome.id)
    state, why = _which(claim, added, care)
    return state, f"{why} (certainty {added.level}).", told, added.level


def _care(answer: Answer, outcome: str) -> Level | None:
    """How sure it is that other care helps by itself; None where it is not known to."""
    levels = [
        c.level
        for c in answer.components
        if c.outcome == outcome and c.kind == "component" and c.role == "care"
        if c.size in _HELPS and c.level not in (None, "very low")
    ]
    return max((v for v in levels if v is not None), key=LEVELS.index, default=None)


def _which(claim: Claim, added: PartEstimate, care: Level | None) -> tuple[ClaimState, str]:
    """The state of a claim about parts, where trials tell what the treatment adds."""
    assert added.level is not None
    assert added.size is not None
    shown = _Shown(added.size, added.low_size, added.high_size, added.level, "")
    level, need = LEVELS.index(added.level), LEVELS.index(NEEDS[claim.sure])
    adds = "Trials that gave the same other care to everybody show what the treatment adds"
    if claim.says == "not known":
        sure = LEVELS.index("moderate")
        if level >= sure and care is not None and LEVELS.index(care) >= sure:
            return "contradicted", f"{adds}, and other trials what the other care does"
        return "goes beyond", adds
    if claim.says == "the treatment":
        if _excluded("better", shown):
            return "contradicted", f"{adds}: no important benefit"
        if added.size not in _HELPS:
            return "goes beyond", f"{adds}: no important benefit on average"
        if care is not None:
            return "goes beyond", f"{adds}, and the other care does some of it too"
        return ("supported" if level >= need else "goes beyond"), adds
    if _excluded("little difference", shown) and added.size in _HELPS:
        return "contradicted", f"{adds}: an important benefit"
    if added.size in _HELPS:
        return "goes beyond", f"{adds}: an important benefit on average"
    if care is None:
        return "goes beyond", "The treatment adds no important benefit, nor does the other care"
    enough = level >= need and LEVELS.index(care) >= need
    return ("supported" if enough else "goes beyond"), f"{adds}: no important benefit"


# --- harms ----------------------------------------------------------------------------------------


def _harm(claim: Claim, answer: Answer) -> Found:
    lines = [h for h in answer.harms if not claim.harm or h.harm == claim.harm]
    if not lines:
        return "not testable", "The review lists no harm of this kind.", "", None
    told = lines[0].statement if claim.harm else answer.harm_sentence
    return *judge_harm(claim, lines), told, None


_JUDGES: dict[
    Literal["overall", "alone", "added", "together", "interaction", "part", "harm"],
    Callable[[Claim, Answer], Found],
] = {
    "overall": _effect,
    "alone": _effect,
    "added": _effect,
    "together": _effect,
    "interaction": _interaction,
    "part": _part,
    "harm": _harm,
}
