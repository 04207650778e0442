"""``equipoise build``: reviews to a static site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.answer.claims import claim_problems, judge_claims
from equipoise.cli.verbs.common import day, others_of
from equipoise.core.errors import FolderError
from equipoise.core.progress import Progress
from equipoise.review.folder import open_review
from equipoise.site.build import build


def run(
    reviews: Sequence[str], out: Path, base_url: str, on: str, draft: bool, earlier: str = ""
) -> int:
    """Answer every review, then write the site in one step."""
    when = day(on)
    answers = []
    with Progress("reviews", len(reviews)) as progress:
        for done, where in enumerate(reviews, start=1):
            review = open_review(where)
            answer = assess(review, on=when)
            if not draft:
                _held(answer, where, others_of(review, where, when))
            answers.append(answer)
            progress.update(done)
    built = build(answers, out, base_url=base_url, draft=draft, earlier=earlier)
    print(built)
    return 0


def _held(answer: Answer, where: str, others: Mapping[str, Answer]) -> None:
    """Refuse an article that the evidence has left.

    Raises
    ------
    FolderError
        With every claim that no longer stands.
    """
    problems = claim_problems(judge_claims(answer, others))
    if problems:
        raise FolderError(
            "the article says what the evidence does not support",
            where=where,
            hint="mend the claims that are listed here, or build a draft (--draft)",
            problems=problems,
        )
