"""``equipoise check``: every problem of a folder, each with file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from equipoise.cli.verbs.common import day
from equipoise.review.check import check_folder
from equipoise.review.folder import locate


def run(reviews: Sequence[str], as_json: bool, on: str) -> int:
    """Print the problems of each folder; 1 when any of them is an error."""
    when = day(on)
    found = {where: check_folder(locate(where), on=when) for where in reviews}
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
    return int(errors > 0)
