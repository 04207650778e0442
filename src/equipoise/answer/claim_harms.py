"""Claims about harms: held against the interval of a risk, never against a count alone.

A rate is *supported* as at most so much when the whole interval lies below and everybody was asked,
*contradicted* when the whole interval lies above; otherwise the trials leave it open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from equipoise.answer.answer import HarmLine
from equipoise.answer.harms import TOLERANCE, had_it, per_thousand_up, wilson, zero_event_bound
from equipoise.answer.wording import count, join
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import fixed
from equipoise.review.records import Claim, ClaimState

Told = tuple[ClaimState, str]
Lines = Sequence[HarmLine]

#: People per 1000 from which a harm is no longer rare (CIOMS: fewer than 1 in 1000).
RARE = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """People of every 1000 with the treatment who had a harm, as trials counted them.

    The interval is Wilson's; where nobody had it, its upper end is the exact one-sided bound.
    """

    events: int
    people: int
    low: float
    high: float
    shown: Quantity | None

    @property
    def seen(self) -> str:
        """What was counted, in words."""
        told = f"{self.events} of {self.people}"
        return f"{told if self.shown is None else mark(self.shown, told)} people had it"

    @property
    def up_to(self) -> str:
        """The upper end, rounded up."""
        told = str(per_thousand_up(self.high / 1000))
        return told if self.shown is None else mark(self.shown, told)


def rate(line: HarmLine) -> Rate | None:
    """The risk with the treatment; None where no trial counted treated people."""
    if line.treated is None:
        return None
    events, people = line.treated
    low, high = wilson(events, people)
    if not events:
        low, high = 0.0, zero_event_bound(people)
    return Rate(events, people, 1000 * low, 1000 * high, line.with_ or line.bound)


def judge_harm(claim: Claim, lines: Lines) -> Told:
    """The state of a claim about these harms, and why."""
    return _SAYS[claim.says](claim, lines)


def _names(lines: Lines) -> str:
    return join([h.plain for h in lines[:3]])


def _seen(lines: Lines) -> list[HarmLine]:
    """Harms that somebody who had the treatment had, or that somebody reported."""
    return [h for h in lines if had_it(h) or h.state == 3]


def _adds(line: HarmLine) -> bool:
    """Whether trials show that more people have it with the treatment than without."""
    return line.excess is not None and line.excess.low is not None and line.excess.low > 0


def _happens(claim: Claim, lines: Lines) -> Told:
    seen = _seen(lines)
    told = [h for h in seen if h.state != 1 or _adds(h)]
    if told:
        return "supported", f"It has been seen or reported: {_names(told)}."
    if seen:
        had = "; ".join(f"{h.plain}: {r.seen}" for h in seen[:3] if (r := rate(h)) is not None)
        why = f"{had} with the treatment. The trials leave open that as many have it without."
        return "goes beyond", why
    if any(h.state in (1, 4) for h in lines):
        return "goes beyond", "Nobody who had the treatment in a trial was seen with it."
    return "goes beyond", "Nobody has reported it; it is only thought possible."


def _mild(claim: Claim, lines: Lines) -> Told:
    graver = [h for h in _seen(lines) if h.severity in ("serious", "needs-care")]
    shown = [h for h in graver if h.state != 1 or _adds(h)]
    if shown:
        worst = "Serious harm" if shown[0].severity == "serious" else "Harm that needs care"
        return "contradicted", f"{worst} has been seen or reported: {_names(shown)}."
    if graver:
        return (
            "goes beyond",
            f"The trials cannot rule out that it brings more of: {_names(graver)}.",
        )
    for h in lines:
        known = rate(h)
        if known is None:
            return "goes beyond", f"Nobody has counted this properly: {h.plain}."
        if h.asked != "yes":
            return "goes beyond", f"The trials do not say that they asked everybody: {h.plain}."
        if h.severity != "mild" and known.high >= 1000 * TOLERANCE:
            return "goes beyond", f"{h.plain}: trials cannot rule out {known.up_to} of 1000 people."
        if h.severity == "unclear" and known.events:
            return "goes beyond", f"No report says how bad it was: {h.plain}."
    if not _seen(lines):
        return "goes beyond", "Nobody had it, so nobody knows how bad it is."
    return "supported", "What trials saw was mild, and they asked everybody."


def _bounded(lines: Lines, limit: float, words: str) -> Told:
    """Whether every harm is known to happen to at most so many of 1000 people."""
    known = [(h, rate(h)) for h in lines]
    for h, found in known:
        if found is not None and found.low > limit:
            least = fixed(int(found.low), 0)
            why = f"{h.plain}: {found.seen}, so at least {least} of 1000, and not {words}."
            return "contradicted", why
    for h, found in known:
        if found is None:
            return "goes beyond", f"Nobody knows out of how many people: {h.plain}."
        if found.high > limit:
            why = f"{h.plain}: {found.seen}, so trials cannot rule out {found.up_to} of 1000."
            return "goes beyond", why
        if h.asked != "yes":
            silent = "the trials do not say that they asked everybody, so more may have had it"
            return "goes beyond", f"{h.plain}: {silent}."
    return "supported", f"The trials asked everybody, and rule out more than {words}."


def _rare(claim: Claim, lines: Lines) -> Told:
    return _bounded(lines, RARE, f"{RARE:g} of 1000 people")


def _at_most(claim: Claim, lines: Lines) -> Told:
    assert claim.at_most is not None
    return _bounded(lines, claim.at_most, f"{claim.at_most:g} of 1000 people")


def _not_seen(claim: Claim, lines: Lines) -> Told:
    seen = _seen(lines)
    if seen:
        return "contradicted", f"It has been seen or reported: {_names(seen)}."
    silent = [h for h in lines if h.treated is None or h.asked != "yes"]
    if silent:
        return "goes beyond", f"The trials did not say whether anybody looked: {_names(silent)}."
    return "supported", "People were asked, and none who had the treatment had it."


def _suspected(claim: Claim, lines: Lines) -> Told:
    seen = _seen(lines)
    if seen:
        return "contradicted", f"It has been seen or reported: {_names(seen)}."
    return "supported", "Nobody has reported it."


def _how_often(claim: Claim, lines: Lines) -> Told:
    counted = [h for h in lines if h.treated is not None]
    if not counted:
        return "supported", "Nobody counted it out of a known number of people."
    unsure = [h for h in counted if h.asked != "yes"]
    if len(counted) < len(lines):
        return "goes beyond", f"{count(len(counted), 'harm')} of these were counted in trials."
    if unsure:
        why = f"Trials counted it without saying that they asked everybody: {_names(unsure)}."
        return "goes beyond", why
    return "contradicted", f"Trials asked, and counted it: {_names(counted)}."


_SAYS: dict[str, Callable[[Claim, Lines], Told]] = {
    "happens": _happens,
    "mild": _mild,
    "rare": _rare,
    "at most": _at_most,
    "not seen": _not_seen,
    "only suspected": _suspected,
    "not known": _how_often,
}
