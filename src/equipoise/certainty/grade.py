"""GRADE profiles: a computed suggestion for each reason to doubt, a signed human one beside it.

Source of the rules: Guyatt 2011 (J Clin Epidemiol 64:401, doi 10.1016/j.jclinepi.2010.07.015)
for the frame; Zeng 2022, GRADE guidance 34 (doi 10.1016/j.jclinepi.2022.07.014) for imprecision
against thresholds. Where GRADE leaves a number to the panel, the number used here is in the rule's
text, so that a reader can disagree with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


TOO_FEW = "too few people took part to pin the effect down"


@dataclass(frozen=True, slots=True)
class Reason:
    """One domain of a profile.

    `suggested` and `human` count the levels taken off as 0, -1 or -2. `rule` states the rule with
    its inputs; `plain` says it in lay words (empty when nothing was taken off).
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


def profile(outcome: str, reasons: Sequence[Reason], caps: Sequence[Cap] = ()) -> GradeProfile:
    """Count down from high (randomised trials), then apply the ceilings."""
    index = max(0, LEVELS.index("high") + sum(r.final for r in reasons))
    index = min([index, *(LEVELS.index(c.level) for c in caps)])
    return GradeProfile(outcome, "high", tuple(reasons), tuple(caps), LEVELS[index])


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


def inconsistency(i2: float, benefits: Sequence[float], small: float | None) -> Reason:
    """Suggest a rating from I² and from whether trials disagree about what matters.

    Parameters
    ----------
    i2
        Percent.
    benefits
        Each trial's effect, positive better, in the unit of `small`.
    small
        The smallest important effect; None when no threshold is registered.
    """
    if len(benefits) < 2:
        return Reason("inconsistency", 0, "one trial: it has no other to disagree with")
    line = small if small is not None else 0.0
    crosses = any(b >= line for b in benefits) and any(b < line for b in benefits)
    opposite = small is not None and max(benefits) >= small and min(benefits) <= -small
    rule = (
        f"I² {i2:.0f} %; trials fall on {'both sides' if crosses else 'one side'} of the smallest "
        "important effect; one level off from 50 % if they fall on both sides, two from 75 % if "
        "some show an important benefit and others an important worsening"
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
    analysis counts it (Hemmingsen 2011, BMJ).
    """
    mean = min(max(risk + difference / 2, 0.0), 1.0)
    return 4 * _Z_SUM**2 * mean * (1 - mean) / difference**2


def imprecision(
    low: float, high: float, small: float | None, people: float, needed: float | None
) -> Reason:
    """Suggest a rating from the interval against the smallest important benefit and worsening.

    Parameters
    ----------
    low, high
        The 95 % interval of the effect, positive better, in the unit of `small`.
    small
        The smallest important effect; without one the line is no effect.
    people, needed
        People in the trials, and the optimal information size (None: not computable).
    """
    size = "" if needed is None else f"; {people:.0f} people of about {needed:.0f} needed"
    few = needed is not None and people < needed
    if small is None:
        crossed = int(low < 0 < high)
        rule = f"no threshold registered; the interval {'crosses' if crossed else 'excludes'} 0"
    else:
        crossed = int(low < small < high) + int(low < -small < high)
        lines = ("neither line", "one line", "both lines")[crossed]
        rule = f"the interval crosses {lines} (important benefit, important worsening)"
    rule += size + "; one level off for each line crossed, or where there are too few people"
    taken = -max(crossed, int(few))
    plain = TOO_FEW if taken else ""
    return Reason("imprecision", taken, rule, plain)


def needs_person(domain: Domain, why: str) -> Reason:
    """A domain that software cannot suggest a rating for."""
    return Reason(domain, None, why)
