"""``equipoise build``: reviews to a static site."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from equipoise.answer.assess import assess
from equipoise.cli.verbs.common import day
from equipoise.review.folder import open_review
from equipoise.site.build import build


def run(reviews: Sequence[str], out: Path, base_url: str, on: str) -> int:
    """Answer every review, then write the site in one step."""
    when = day(on)
    answers = []
    for number, where in enumerate(reviews, start=1):
        _progress(f"{number} of {len(reviews)}: {where}")
        answers.append(assess(open_review(where), on=when))
    _progress("")
    built = build(answers, out, base_url=base_url)
    print(built)
    return 0


def _progress(text: str) -> None:
    """One line that overwrites itself, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
