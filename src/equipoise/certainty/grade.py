"""GRADE profiles: a computed suggestion for each reason to doubt, a signed human one beside it.

Source of the rules: Guyatt 2011 (J Clin Epidemiol 64:401, doi 10.1016/j.jclinepi.2010.07.015)
for the frame; Zeng 2022, GRADE guidance 34 (doi 10.1016/j.jclinepi.2022.07.014), and Core GRADE 2
(Guyatt 2025, BMJ 389:e081904) for imprecision against thresholds; Guyatt 2011 (J Clin Epidemiol
64:1277, doi 10.1016/j.jclinepi.2011.01.011) for publication bias and (64:1311, doi
10.1016/j.jclinepi.2011.06.004) for the reasons up; Core GRADE 3 (Guyatt and Eachempati 2025, BMJ)
for inconsistency. Where GRADE leaves a number to the panel, the
number used here is in the rule's text, so that a reader can disagree with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from equipoise.certainty.rob2 import Rob

Level = Literal["very low", "low", "moderate", "high"]
LEVELS: tuple[Level, ...] = ("very low", "low", "moderate", "high")
Domain = Literal["risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias"]
DOMAINS: tuple[Domain, ...] = (
    "risk of bias",
    "inconsistency",
    "indirectness",
    "imprecision",
    "publication bias",
)

#: z for 95 % confidence plus z for 80 % power: what the optimal information size asks for.
_Z_SUM = 1.959963984540054 + 0.8416212335729143


TOO_FEW = "too few people took part to be exact"

#: Too few people take two levels where a ratio's upper end is this many times the lower one
#: (guidance 34).
WIDE_RATIO: dict[str, float] = {"OR": 2.5, "RR": 3.0}
#: Shares of the people that are missing from a pooled result and take a level: because of what
#: their results were, and together with those of whom nobody knows why.
MISSING_FOR_RESULT, MISSING_AT_ALL = 0.10, 0.25
#: From how many trials on a test of small-study effects is looked at, and its level.
ENOUGH_TRIALS, TEST_LEVEL = 10, 0.10

#: The share of the weight from which trials make a side of their own in a disagreement.
_SIDE = 0.10

#: What guidelines call so many levels off.
SERIOUS: dict[int, str] = {
    0: "not serious",
    -1: "serious",
    -2: "very serious",
    -3: "extremely serious",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One domain of a profile.

    `suggested` and `human` count the levels taken off as 0, -1, -2 or -3. `rule` states the rule
    with its inputs; `plain` says it in lay words (empty when nothing was taken off).
    """

    domain: Domain
    suggested: int | None
    """None: needs a person; software has no rule for it."""
    rule: str
    plain: str = ""
    human: int | None = None
    by: str = ""
    on: str = ""
    why: str = ""

    @property
    def final(self) -> int:
        """Levels taken off: the lower of the two, since people may only lower confidence."""
        return min(v for v in (self.suggested, self.human, 0) if v is not None)

    @property
    def clinical(self) -> str:
        """The domain as a guideline's footnote puts it: the suggestion, and the person's word."""
        rated = "needs a person" if self.suggested is None else SERIOUS[self.suggested]
        told = f"{self.domain[0].upper()}{self.domain[1:]}, {rated}: {self.rule}"
        if self.human is None:
            return f"{told}."
        return f"{told}. {self.by or 'A person'} ({self.on}), {SERIOUS[self.human]}: {self.why}"

    @property
    def lay(self) -> str:
        """Why this domain lowers confidence, in a reader's words; empty where it does not."""
        return (self.plain or self.why) if self.final < 0 else ""


RaiseReason = Literal["large effect", "dose-response", "opposing confounding"]


@dataclass(frozen=True, slots=True)
class Raise:
    """A reason to have more confidence in non-randomised evidence, which starts at low.

    Only a computed suggestion counts, and only where nothing lowers confidence: nobody can raise
    it by hand. `suggested` None: software has no rule for it, and it does not count.
    """

    reason: RaiseReason
    suggested: int | None
    rule: str
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Cap:
    """A ceiling on certainty and its reason, such as an out-of-date search."""

    level: Level
    why: str
    plain: str


@dataclass(frozen=True, slots=True)
class GradeProfile:
    """How sure the evidence for one outcome is, and every step that led there."""

    outcome: str
    start: Level
    reasons: tuple[Reason, ...]
    caps: tuple[Cap, ...]
    level: Level
    raises: tuple[Raise, ...] = ()
    """Of evidence that is not randomised."""

    @property
    def raised(self) -> int:
        """Levels added: none to randomised evidence, and none where anything lowers it."""
        if self.start != "low" or any(r.final < 0 for r in self.reasons):
            return 0
        return sum(r.suggested or 0 for r in self.raises)


def profile(
    outcome: str,
    reasons: Sequence[Reason],
    caps: Sequence[Cap] = (),
    *,
    start: Literal["high", "low"] = "high",
    raises: Sequence[Raise] = (),
) -> GradeProfile:
    """Count down from high (randomised trials) or low (other studies), then apply the ceilings.

    `raises` are listened to only where the count starts at low and nothing was taken off.
    """
    base = GradeProfile(outcome, start, tuple(reasons), tuple(caps), start, tuple(raises))
    index = LEVELS.index(start) + sum(r.final for r in reasons) + base.raised
    index = min(max(0, index), LEVELS.index("high"))
    index = min([index, *(LEVELS.index(c.level) for c in caps)])
    return replace(base, level=LEVELS[index])


def risk_of_bias(
    risks: Sequence[Rob], weights: Sequence[float], *, subjective_unblinded: float = 0.0
) -> Reason:
    """Suggest a rating from the share of the pooled weight that comes from doubtful trials.

    Parameters
    ----------
    risks, weights
        Overall risk of bias and weight of each trial, any positive unit.
    subjective_unblinded
        Share of the weight (0 to 1) from trials whose participants knew what they got, for an
        outcome that they report themselves.
    """
    total = sum(weights)
    share = {
        r: sum(w for x, w in zip(risks, weights, strict=True) if x == r) / total for r in risks
    }
    high = share.get("high", 0.0)
    doubtful = high + share.get("some concerns", 0.0) + share.get("not judged", 0.0)
    inputs = ", ".join(f"{r} {share[r]:.0%}" for r in dict.fromkeys(risks))
    rule = (
        f"weight by risk of bias: {inputs}; one level off where half or more comes from trials "
        "with some concerns, high risk or no appraisal, two where half or more is at high risk"
    )
    if subjective_unblinded >= 0.5:
        rule += "; at least one level off because people knew what they got and rated themselves"
        return Reason(
            "risk of bias",
            -2 if high >= 0.5 else -1,
            rule,
            "people knew which treatment they got, which can change what they report",
        )
    if high >= 0.5:
        return Reason("risk of bias", -2, rule, "most of the evidence is from trials with flaws")
    if doubtful >= 0.5:
        return Reason("risk of bias", -1, rule, "the trials may not have been fair in every step")
    return Reason("risk of bias", 0, rule)


def inconsistency(
    i2: float, benefits: Sequence[float], weights: Sequence[float], small: float | None
) -> Reason:
    """Suggest a rating from I² and from whether trials disagree about what matters.

    Parameters
    ----------
    i2
        Percent.
    benefits
        Each trial's effect, positive better, in the unit of `small`.
    weights
        Each trial's weight in the pooled effect, in any unit.
    small
        The smallest important effect; None when no threshold is registered.

    Notes
    -----
    What counts is where the trials' estimates lie with respect to the line that the certainty is
    about (Core GRADE 3: Guyatt and Eachempati 2025, BMJ). Trials with less than a tenth of the
    weight do not make a side: among many trials one small one lies anywhere.
    """
    if len(benefits) < 2:
        return Reason("inconsistency", 0, "one trial: it has no other to disagree with")
    line = small if small is not None else 0.0
    total = sum(weights)

    def share(keep: Callable[[float], bool]) -> float:
        """The part of the weight of the trials with such an effect."""
        return sum(w for w, b in zip(weights, benefits, strict=True) if keep(b)) / total

    crosses = min(share(lambda b: b >= line), share(lambda b: b < line)) >= _SIDE
    opposite = (
        small is not None
        and min(share(lambda b: b >= small), share(lambda b: b <= -small)) >= _SIDE
    )
    rule = (
        f"I² {i2:.0f} %; a tenth of the weight or more lies on {'each' if crosses else 'one'} side "
        "of the smallest important effect; one level off from 50 % if it lies on each, two from "
        "75 % if a tenth shows an important benefit and a tenth an important worsening"
    )
    plain = "the trials disagree with one another"
    if i2 >= 75 and opposite:
        return Reason("inconsistency", -2, rule, plain)
    if i2 >= 50 and crosses:
        return Reason("inconsistency", -1, rule, plain)
    return Reason("inconsistency", 0, rule)


def information_size_continuous(sd: float, small: float) -> float:
    """People needed in all, for 80 % power to see a difference of `small` at the 5 % level.

    Two equal groups: ``4 (z_a/2 + z_b)² sd² / small²``.
    """
    return 4 * _Z_SUM**2 * sd**2 / small**2


def information_size_binary(risk: float, difference: float) -> float:
    """People needed in all, for 80 % power to see `difference` from `risk` at the 5 % level.

    ``4 (z_a/2 + z_b)² p (1 - p) / d²`` with p the mean of the two risks, as a trial sequential
    analysis counts it (Hemmingsen 2011, BMJ). Where the risk cannot change so far that way, such
    as by 25 fewer of 1000 where it is 10 of 1000, the same difference the other way is counted:
    that is the one which is left to be ruled out.
    """
    size = abs(difference)
    for step in (difference, -difference):
        if 0.0 <= risk + step <= 1.0:
            mean = risk + step / 2
            break
    else:
        mean = 0.5
    return 4 * _Z_SUM**2 * mean * (1 - mean) / size**2


def imprecision(
    low: float,
    high: float,
    small: float | None,
    people: float,
    needed: float | None,
    *,
    large: float | None = None,
    measure: str = "",
    ratio: tuple[float, float] | None = None,
) -> Reason:
    """Suggest a rating from the interval against what matters, and from the information there is.

    Parameters
    ----------
    low, high
        The 95 % interval of the effect, positive better, in the unit of `small`.
    small, large
        The smallest important effect; without one the line is no effect. Where a large one
        begins; without it four times `small`.
    people, needed
        People in the trials, and the optimal information size (None: not computable).
    measure, ratio
        OR or RR, and the interval of the ratio itself.

    Notes
    -----
    One level for each of the two lines (important benefit, important worsening) that the interval
    crosses; three where it holds a large benefit and a large worsening. Too few people take one
    level even where no line is crossed, and two where a ratio's upper end is more than 2.5 (OR) or
    3 (RR) times the lower one, as in guidance 34.
    """
    few = needed is not None and people < needed
    if small is None:
        crossed = int(low < 0 < high)
        rule = f"no threshold registered; the interval {'crosses' if crossed else 'excludes'} 0"
    else:
        crossed = int(low < small < high) + int(low < -small < high)
        far = 4 * small if large is None else large
        lines = ("neither line", "one line", "both lines")[crossed]
        rule = f"the interval crosses {lines} (important benefit, important worsening)"
        if low <= -far and high >= far:
            crossed = 3
            rule = "the interval holds a large benefit and a large worsening"
    short, said = _information(measure, ratio) if few else (0, "")
    size = "" if needed is None else f"; {people:.0f} people of about {needed:.0f} needed{said}"
    rule += (
        f"{size}; one level off for each line crossed, three where the interval holds a large "
        "effect either way, at least one where there are too few people, two where a ratio is wide"
    )
    taken = -max(crossed, short)
    plain = TOO_FEW if taken else ""
    return Reason("imprecision", taken, rule, plain)


def _information(measure: str, ratio: tuple[float, float] | None) -> tuple[int, str]:
    """Levels for too little information, and what was seen."""
    limit = WIDE_RATIO.get(measure)
    if limit is not None and ratio is not None and ratio[1] > limit * ratio[0] > 0:
        times = ratio[1] / ratio[0]
        return 2, f"; the upper end is {times:.1f} times the lower one (limit {limit:g})"
    return 1, ""


def indirectness(doubtful: float, inputs: str) -> Reason:
    """Suggest a rating where the folder itself says that results do not answer the question.

    Parameters
    ----------
    doubtful
        Share of the weight (0 to 1) from results that are flagged so.
    inputs
        Which ones and why, in words.
    """
    rule = f"{doubtful:.0%} of the weight from {inputs}; one level off where it is half or more"
    if doubtful < 0.5:
        return needs_person(
            "indirectness", "whether these trials answer this question is for a person"
        )
    plain = "the groups that were compared differ in more than the treatment"
    return Reason("indirectness", -1, rule, plain)


@dataclass(frozen=True, slots=True)
class ReportingSigns:
    """What speaks for results that are missing from a pooled one."""

    trials: int
    test: str = ""
    """Name of the test of small-study effects; empty where none was made."""
    p_value: float | None = None
    towards: bool = False
    """Whether smaller trials show the larger benefits."""
    for_result: float = 0.0
    """Share of the people whose results are missing because of what they were."""
    at_all: float = 0.0
    """Share of the people whose results are missing for that reason or for one unknown."""
    paid: bool = False
    """Whether industry paid for every trial, and these are few and small."""


def publication_bias(signs: ReportingSigns) -> Reason:
    """Suggest a rating from the trials' funnel, from the ledger of gaps, and from who paid.

    One level for each kind of sign would count the same doubt twice: one level in all. Without
    any sign, ten trials or more and a test that finds nothing leave the rating as it is; fewer
    need a person, since no test can tell.
    """
    found: list[str] = []
    seen: list[str] = []
    if signs.p_value is not None:
        way = "larger" if signs.towards else "no larger"
        told = f"{signs.test}: p = {signs.p_value:.3g}, smaller trials show {way} benefits"
        (found if signs.p_value < TEST_LEVEL and signs.towards else seen).append(told)
    if signs.at_all > 0:
        told = (
            f"results missing of {signs.at_all:.0%} of the people, of {signs.for_result:.0%} "
            "because of what they were"
        )
        much = signs.for_result >= MISSING_FOR_RESULT or signs.at_all >= MISSING_AT_ALL
        (found if much else seen).append(told)
    if signs.paid:
        found.append("few and small trials, all paid for by industry")
    rule = (
        f"one level off for a test below {TEST_LEVEL:g} towards smaller trials with larger "
        f"benefits, results of {MISSING_FOR_RESULT:.0%} of the people missing because of what they "
        f"were or of {MISSING_AT_ALL:.0%} for that or an unknown reason, or few and small trials "
        "all paid for by industry"
    )
    if found:
        plain = "results of trials that found less may be missing"
        return Reason("publication bias", -1, f"{'; '.join([*found, *seen])}; {rule}", plain)
    if signs.p_value is None:
        why = (
            "fewer than ten trials: no test can tell"
            if signs.trials < ENOUGH_TRIALS
            else "no test of small-study effects can be made with these trials"
        )
        return needs_person("publication bias", "; ".join([why, *seen]))
    return Reason("publication bias", 0, f"{'; '.join(seen)}; {rule}")


def large_effect(
    measure: str, ends: tuple[float, float, float] | None, risk: float | None = None
) -> Raise:
    """Suggest a rise for a large effect: RR above 2 or below 0.5, two levels above 5 or below 0.2.

    Parameters
    ----------
    measure, ends
        OR or RR with its estimate and interval; an odds ratio is turned into a risk ratio by
        `risk`, the risk without the treatment (0 to 1). Other measures have no rule.
    risk
        Needed for odds ratios.
    """
    rule = (
        "one level up for a risk ratio above 2 or below 0.5, two above 5 or below 0.2, with the "
        "whole interval beyond 1"
    )
    if measure not in WIDE_RATIO or ends is None or (measure == "OR" and risk is None):
        return Raise("large effect", None, f"{rule}; no risk ratio can be computed here")
    ratios = [x if measure == "RR" else x / (1 - (risk or 0) + (risk or 0) * x) for x in ends]
    mid, low, high = ratios
    size = max(mid, 1 / mid) if mid > 0 else math.inf
    beyond = low > 1 or high < 1
    taken = (2 if size > 5 else int(size > 2)) if beyond else 0
    rule = f"risk ratio {mid:.2f} ({low:.2f} to {high:.2f}); {rule}"
    return Raise("large effect", taken, rule, "the effect is too large for chance" if taken else "")


def rises(effect: Raise) -> tuple[Raise, ...]:
    """The three reasons up: the computed one, and those that no rule covers."""
    return (
        effect,
        Raise("dose-response", None, "whether more of it does more is for a person, and no rise"),
        Raise(
            "opposing confounding",
            None,
            "whether what was not controlled works against the finding is for a person, and no "
            "rise",
        ),
    )


def needs_person(domain: Domain, why: str) -> Reason:
    """A domain that software cannot suggest a rating for."""
    return Reason(domain, None, why)
