"""The table of seven answers: harm, certainty, size of benefit and burden in, one label out.

The table is data; the first row that fits decides. Nothing else in the program makes a verdict,
and no person can edit one: people may lower certainty or dissent beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from equipoise.answer.answer import HarmClass, VerdictCode
from equipoise.certainty.grade import Level
from equipoise.certainty.thresholds import EFFECT_CLASSES, EffectClass

HARM_CLASSES: tuple[HarmClass, ...] = (
    "none",
    "minor",
    "not measured",
    "serious possible",
    "serious likely",
)
BURDENS = ("low", "notable")

_ALL_LEVELS: tuple[Level, ...] = ("very low", "low", "moderate", "high")
_SURE: tuple[Level, ...] = ("moderate", "high")
_SOME: tuple[Level, ...] = ("low", "moderate", "high")
_HELPS: tuple[EffectClass, ...] = ("small", "moderate", "large")
_BIG: tuple[EffectClass, ...] = ("moderate", "large")
_UNCLEAR: tuple[HarmClass, ...] = ("not measured", "serious possible")
_BENIGN: tuple[HarmClass, ...] = ("none", "minor")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the sets of inputs it covers, and its answer."""

    harm: tuple[HarmClass, ...]
    certainty: tuple[Level, ...]
    benefit: tuple[EffectClass, ...]
    burden: tuple[str, ...]
    verdict: VerdictCode
    words: str


TABLE: tuple[Row, ...] = (
    Row(
        ("serious likely",),
        _SURE,
        _BIG,
        BURDENS,
        "CLOSE",
        "serious harm is likely, but a moderate or large benefit is at least moderately sure",
    ),
    Row(
        ("serious likely",),
        _ALL_LEVELS,
        EFFECT_CLASSES,
        BURDENS,
        "AVOID",
        "serious harm is likely and no moderate or large benefit is at least moderately sure",
    ),
    Row(
        HARM_CLASSES,
        ("very low",),
        EFFECT_CLASSES,
        BURDENS,
        "UNKNOWN",
        "certainty about the benefit is very low",
    ),
    Row(
        HARM_CLASSES,
        _SURE,
        ("worse",),
        BURDENS,
        "AVOID",
        "people probably get worse by an important amount",
    ),
    Row(
        HARM_CLASSES,
        ("low",),
        ("worse",),
        BURDENS,
        "MAYNOT",
        "people may get worse, with low certainty",
    ),
    Row(
        HARM_CLASSES,
        _SURE,
        ("none",),
        BURDENS,
        "NOTWORTH",
        "an important benefit is at least moderately surely absent",
    ),
    Row(
        HARM_CLASSES,
        ("low",),
        ("none",),
        BURDENS,
        "MAYNOT",
        "little or no benefit, with low certainty",
    ),
    Row(
        _UNCLEAR,
        _SOME,
        _HELPS,
        BURDENS,
        "CLOSE",
        "a benefit stands against harms that are possible or were not measured",
    ),
    Row(
        _BENIGN,
        _SOME,
        ("small",),
        ("notable",),
        "CLOSE",
        "a small benefit stands against a notable burden",
    ),
    Row(
        _BENIGN,
        _SURE,
        _HELPS,
        BURDENS,
        "WORTH",
        "a benefit is at least moderately sure and known harms are minor",
    ),
    Row(
        _BENIGN,
        ("low",),
        _HELPS,
        BURDENS,
        "MAYHELP",
        "a benefit with low certainty, and known harms are minor",
    ),
)


def decide(harm: HarmClass, certainty: Level, benefit: EffectClass, burden: str) -> Row:
    """The first row of the table that covers the inputs; every combination has one."""
    for row in TABLE:
        if (
            harm in row.harm
            and certainty in row.certainty
            and benefit in row.benefit
            and burden in row.burden
        ):
            return row
    raise AssertionError(f"the verdict table misses {harm}, {certainty}, {benefit}, {burden}")
