"""``equipoise export``: an answer as files for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from equipoise.answer.assess import assess
from equipoise.cli.verbs.common import day
from equipoise.core.errors import UnknownNameError
from equipoise.core.progress import Progress
from equipoise.present.exports.files import KINDS, LIGHT, PLACES, export
from equipoise.review.folder import open_review


def run(where: str, out: Path, kinds: Sequence[str], on: str, overwrite: bool) -> int:
    """Answer the review's question and write each kind into the folder."""
    wanted = [k for given in kinds for k in given.split(",")] or list(LIGHT)
    wanted = list(KINDS) if wanted == ["all"] else wanted
    for kind in wanted:
        if kind not in KINDS:
            raise UnknownNameError("kind of export", kind, [*KINDS, "all"], where="--kind")
    answer = assess(open_review(where), on=day(on))
    written = []
    with Progress("exports", len(wanted)) as progress:
        for done, kind in enumerate(dict.fromkeys(wanted), start=1):
            written.append((kind, export(answer, kind, out / PLACES[kind], overwrite=overwrite)))
            progress.update(done)
    for kind, path in written:
        print(f"{kind}: {path}")
    return 0
