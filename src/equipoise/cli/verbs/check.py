"""``equipoise check``: every problem of a folder and of its page, each with file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from equipoise.answer.assess import assess
from equipoise.answer.claims import claim_problems, judge_claims
from equipoise.cli.verbs.common import day, others_of
from equipoise.present.audit.registry import Audit, problems_of
from equipoise.present.pages import Place, answer_files
from equipoise.review.check import check_folder
from equipoise.review.folder import locate, open_review
from equipoise.review.problems import Problem, errors_of, in_order


def run(reviews: Sequence[str], as_json: bool, on: str) -> int:
    """Print the problems of each folder; 1 when any of them is an error."""
    when = day(on)
    audits: dict[str, Audit] = {}
    found = {where: _problems(where, when, audits) for where in reviews}
    errors = sum(p.severity == "error" for problems in found.values() for p in problems)
    if as_json:
        listed = {where: [asdict(p) for p in problems] for where, problems in found.items()}
        print(json.dumps(listed, ensure_ascii=False, indent=2))
        return int(errors > 0)
    for where, problems in found.items():
        for problem in problems:
            print(f"{problem.severity}: {problem}")
        counts = {s: sum(p.severity == s for p in problems) for s in ("error", "warning", "note")}
        told = ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for s, n in counts.items())
        print(f"{where}: {told}.")
        if where in audits:
            states = ", ".join(f"{n} {state}" for state, n in audits[where].counts().items() if n)
            print(f"{where}: of {len(audits[where].results)} checks of its page {states}.")
    return int(errors > 0)


def _problems(where: str, on: date | None, audits: dict[str, Audit]) -> tuple[Problem, ...]:
    """The problems of the folder; where it has none that block, those of its claims and page."""
    problems = check_folder(locate(where), on=on)
    if errors_of(problems):
        return problems
    review = open_review(where)
    answer = assess(review, on=on)
    others = others_of(review, where, on)
    lines = judge_claims(answer, others)
    _, audits[where] = answer_files(answer, Place("style.css"), others=others, twice=True)
    found = problems_of(audits[where])
    return in_order([*problems, *claim_problems(lines), *found])
