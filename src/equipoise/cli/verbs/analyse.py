"""``equipoise analyse``: one table of trials to results, plots and a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from equipoise.core.errors import InputError
from equipoise.present.analysis import analyse


def run(
    path: Path, out: Path | None, columns: Sequence[str], as_json: bool, **settings: Any
) -> int:
    """Analyse, print the synthesis, and write the report; JSON alone writes none."""
    given = {k: v for k, v in settings.items() if k == "measure" or v not in (None, "")}
    found = analyse(path, columns=_named(columns), **given)
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(found.summary())
        out = Path(f"{path.stem}-report") if out is None else out
    if out is not None:
        page = found.save(out)
        if not as_json:
            print(f"\nReport: {page}")
    return 0


def _named(columns: Sequence[str]) -> dict[str, str]:
    """``events1=deaths`` as a pair."""
    out = {}
    for text in columns:
        name, sign, heading = text.partition("=")
        if not sign or not name.strip() or not heading.strip():
            raise InputError(
                f"{text!r} is not a pair",
                where="--column",
                hint="wanted=heading, as events1=deaths",
            )
        out[name.strip()] = heading.strip()
    return out
