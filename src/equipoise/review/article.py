"""What the prose of a review holds, as records: its sections, and the claims bound to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from equipoise.review.located import Located

ClaimState = Literal["supported", "contradicted", "goes beyond", "not testable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Located):
    """What a sentence of the article asserts, in fields, so that the evidence can be held to it.

    The sentence is a link in the prose: ``[its words](claim:id)``.
    """

    id: str
    about: Literal["overall", "alone", "added", "together", "interaction", "part", "harm"]
    says: Literal[
        "better",
        "worse",
        "little difference",
        "not known",
        "stronger",
        "weaker",
        "no more than the sum",
        "the treatment",
        "the other care",
        "happens",
        "mild",
        "rare",
        "at most",
        "not seen",
        "only suspected",
    ]
    sure: Literal["is", "probably", "may"] = "is"
    """How surely the sentence says it: as a fact, as probable, or as possible."""
    treatment: str = ""
    comparator: str = ""
    """What it compares; blank: what the review does. Another one is an error of the folder."""
    outcome: str = ""
    """Blank: the outcome that decides the verdict."""
    weeks: float | None = None
    """For effects: after how many weeks; None: when the review looks at the outcome."""
    harm: str = ""
    """For harms; blank: all of them."""
    at_most: float | None = None
    """For ``at most``: people per 1000."""
    review: str = ""
    """Slug of another review that the claim is about; blank: this one."""
    quoted: bool = False
    """Somebody else's claim, which the article looks at and does not make its own."""
    was: Literal["", "supported", "contradicted", "goes beyond", "not testable"] = ""
    """What a quoted claim was found to be; a change of that is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSection:
    """Prose that people write, by section id of the page, as Markdown."""

    id: str
    title: str
    text: str
    line: int
