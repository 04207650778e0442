"""An answer as a JSON file, and back: the same answer, with a verdict that follows from it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.answer.verdict import decide
from equipoise.answer.wording import CERTAINTY, glyph, label
from equipoise.core.errors import InputError
from equipoise.present.exports.schema import DIGEST, FORMAT, PLACE


def answer_json(answer: Answer, schema: str = PLACE) -> str:
    """The whole answer as the text of a JSON file.

    Parameters
    ----------
    answer
        The answer; its numbers keep every digit.
    schema
        Where the schema lies, relative to the file.
    """
    told = answer.to_dict()
    data = {"$schema": schema, "format": FORMAT, DIGEST: _digest(told), **told}
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _digest(told: dict[str, Any]) -> str:
    """SHA-256 of everything that a file says of its answer, whatever its order and spaces."""
    apart = ("$schema", "format", DIGEST)
    own = {key: value for key, value in told.items() if key not in apart}
    text = json.dumps(own, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_answer(path: str | Path, *, recompute: bool = False) -> Answer:
    """Read an answer back from ``answer.json``.

    The verdict is looked up again in the verdict table from the harm, certainty, size of benefit
    and burden in the file, and must be the same, with the words and signs that belong to it. What
    the file says must be what was written: its digest is held against it.

    Parameters
    ----------
    path
        The file, as :func:`equipoise.export` or a build wrote it.
    recompute
        Also answer the question again from the trials in the file, for the day it was answered,
        and hold every field against the file.

    Returns
    -------
    Answer
        Equal to the one that was written, sources of every number included.

    Raises
    ------
    InputError
        When the file is not there, is no answer, has another format, or contradicts itself.
    """
    where = str(path)
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "cannot read the answer", where=where, hint=(error.strerror or "another path")
        ) from None
    except ValueError as error:
        raise InputError(
            f"not JSON: {error}", where=where, hint="the answer.json of a build or an export"
        ) from None
    answer = _rebuilt(data, where)
    _held(answer, where)
    _worded(answer, where)
    _unchanged(data, where)
    if recompute:
        _recomputed(answer, where)
    return answer


def _rebuilt(data: Any, where: str) -> Answer:
    if not isinstance(data, dict) or not {"slug", "verdict", "review"} <= set(data):
        raise InputError(
            "not an answer", where=where, hint="the answer.json of a build or an export"
        )
    found = data.get("format", FORMAT)
    if found != FORMAT:
        raise InputError(
            f"format {found!r}, and this program reads format {FORMAT}",
            where=where,
            hint="another version of equipoise",
        )
    try:
        answer = Answer.from_dict(data)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"the answer cannot be read: {error}",
            where=where,
            hint="check the file against answer.schema.json",
        ) from None
    return answer


def _unchanged(data: dict[str, Any], where: str) -> None:
    """What the file says is what was written."""
    noted = data.get(DIGEST)
    if noted is None:
        raise InputError(
            "the file has no digest of what it says", where=where, hint="export the answer again"
        )
    if noted != _digest(data):
        raise InputError(
            "the file does not say what was written: its digest is another one",
            where=where,
            hint="the file was changed after it was written; export it again",
        )


def _worded(answer: Answer, where: str) -> None:
    """Label, sign and dots are those of the answer and its certainty."""
    v = answer.verdict
    dots = 0 if v.certainty is None else CERTAINTY[v.certainty][0]
    for name, found, wanted in (
        ("label", v.label, label(v.code, v.benefit)),
        ("glyph", v.glyph, glyph(v.code, v.benefit)),
        ("certainty", answer.certainty, v.certainty),
        ("certainty_dots", answer.certainty_dots, dots),
    ):
        if found != wanted:
            raise InputError(
                f"{name} is {found!r}, and the answer {v.code} has {wanted!r}",
                where=where,
                hint="the file was changed after it was written; export it again",
            )


def _held(answer: Answer, where: str) -> None:
    """The verdict follows from the inputs in the file, by the table."""
    v = answer.verdict
    if v.certainty is None or v.benefit is None:
        return
    try:
        row = decide(v.harm, v.certainty, v.benefit, v.burden)
    except AssertionError:
        row = None
    if row is None or row.verdict != v.code:
        says = "nothing" if row is None else row.verdict
        raise InputError(
            f"the file's verdict is {v.code}, and the verdict table says {says} for harm "
            f"{v.harm!r}, certainty {v.certainty!r}, benefit {v.benefit!r}, burden {v.burden!r}",
            where=where,
            hint="the file was changed after it was written; export it again",
        )


def _recomputed(answer: Answer, where: str) -> None:
    again = assess(answer.review, on=date.fromisoformat(answer.status.on)).to_dict()
    held = answer.to_dict()
    different = [name for name, value in held.items() if again[name] != value]
    if different:
        raise InputError(
            f"answered again from its trials, the file differs in: {', '.join(different)}",
            where=where,
            hint="the file was changed, or another version of equipoise wrote it",
        )
