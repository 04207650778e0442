"""The words that a review folder chooses from, with what they stand for."""

from __future__ import annotations

#: What can be wrong with a published number; the reader of the page sees the sentence.
FLAGS: dict[str, str] = {
    "derived": "computed from other published figures, not printed as such",
    "sd-unusable": "the printed standard deviation cannot be right and is not used",
    "unusable": "the printed number cannot be used",
    "to-verify": "read from a secondary source and not yet checked against the paper",
    "assumed": "rests on an assumption about the trial that its report does not state",
    "overlapping": "counts people who are also counted in another row",
    "adjusted": "adjusted for other variables, so its spread understates the raw one",
    "not-isolating": "the groups differ in more than the treatment",
    "misprint": "the printed figures do not add up",
}

#: The criteria of an evidence-to-decision frame that people rate, with the ratings of each
#: (Alonso-Coello 2016, BMJ 353:i2016). Size of effects, certainty and balance are computed.
CRITERIA: dict[str, tuple[str, ...]] = {
    "problem": ("no", "probably no", "probably yes", "yes", "varies", "unknown"),
    "values": (
        "important uncertainty",
        "possibly important uncertainty",
        "probably no important uncertainty",
        "no important uncertainty",
    ),
    "resources": (
        "large costs",
        "moderate costs",
        "negligible costs and savings",
        "moderate savings",
        "large savings",
        "varies",
        "unknown",
    ),
    "cost-effectiveness": (
        "favours the comparator",
        "probably favours the comparator",
        "favours neither",
        "probably favours the treatment",
        "favours the treatment",
        "varies",
        "not studied",
    ),
    "equity": (
        "reduced",
        "probably reduced",
        "probably no impact",
        "probably increased",
        "increased",
        "varies",
        "unknown",
    ),
    "acceptability": ("no", "probably no", "probably yes", "yes", "varies", "unknown"),
    "feasibility": ("no", "probably no", "probably yes", "yes", "varies", "unknown"),
}

#: What a claim may be about, and what it may then say.
CLAIMS: dict[str, tuple[str, ...]] = {
    "overall": ("better", "worse", "little difference", "not known"),
    "alone": ("better", "worse", "little difference", "not known"),
    "added": ("better", "worse", "little difference", "not known"),
    "together": ("better", "worse", "little difference", "not known"),
    "interaction": ("stronger", "weaker", "no more than the sum", "not known"),
    "part": ("the treatment", "the other care", "not known"),
    "harm": (*("happens", "mild", "rare", "at most", "not seen", "only suspected", "not known"),),
}
