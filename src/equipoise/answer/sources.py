"""The cells behind an answer, as they stand in the folder, with what each one is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from equipoise.answer.answer import CellValue
from equipoise.core.provenance import Cell
from equipoise.review.records import (
    Arm,
    Baseline,
    ContrastFinding,
    Finding,
    HarmFinding,
    Located,
    Responders,
    Review,
    RobFinding,
    Trial,
)
from equipoise.review.vocabulary import FLAGS


def cell_values(review: Review, cells: Iterable[Cell]) -> tuple[CellValue, ...]:
    """Look up each cell once, in the order of file, line and column."""
    records: dict[tuple[str, int], Located] = {
        (r.file, r.line): r
        for group in (
            review.trials,
            review.arms,
            review.results,
            review.contrasts,
            review.harms,
            review.risk_of_bias,
            *(o.baselines for o in review.outcomes),
            *(o.responders for o in review.outcomes),
        )
        for r in group
    }
    rows = {name: _rows(text) for name, text in review.text.items() if name.endswith(".csv")}
    return tuple(
        _value(review, cell, records.get((cell.file, cell.line)), rows.get(cell.file, {}))
        for cell in sorted(set(cells))
    )


def _rows(text: str) -> dict[int, dict[str, str]]:
    """Rows of a CSV text by the line on which they start."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header: list[str] = []
    rows: dict[int, dict[str, str]] = {}
    start = 1
    for row in reader:
        if not header:
            header = row
        elif row:
            rows[start] = dict(zip(header, row, strict=False))
        start = reader.line_num + 1
    return rows


def _value(
    review: Review, cell: Cell, record: Located | None, rows: Mapping[int, Mapping[str, str]]
) -> CellValue:
    printed = rows.get(cell.line, {}).get(cell.column)
    if printed is None:
        known = getattr(record, cell.column, None)
        printed = "" if known is None else str(known)
    flags: tuple[str, ...] = getattr(record, "flags", ())
    return CellValue(
        cell=cell,
        value=printed,
        what=_what(review, record),
        source=_source(review, record),
        locator=getattr(record, "locator", ""),
        confidence=getattr(record, "confidence", ""),
        flags=tuple(FLAGS[f] for f in flags),
        note=getattr(record, "note", ""),
    )


def _what(review: Review, record: Located | None) -> str:
    if isinstance(record, Trial):
        return record.label
    if isinstance(record, Arm):
        return f"{_trial(review, record.trial)}: {record.label}"
    if isinstance(record, Finding):
        return (
            f"{_trial(review, record.trial)}, {_arm(review, record.trial, record.arm)}: "
            f"{review.outcome(record.outcome).label}, week {record.weeks:g}"
        )
    if isinstance(record, ContrastFinding):
        one, two = (_arm(review, record.trial, a) for a in (record.arm1, record.arm2))
        return (
            f"{_trial(review, record.trial)}, {one} against {two}: "
            f"{review.outcome(record.outcome).label}, week {record.weeks:g}"
        )
    if isinstance(record, HarmFinding):
        where = f" in {_trial(review, record.trial)}" if record.trial else ""
        return f"{record.plain}{where}"
    if isinstance(record, (Baseline, Responders)):
        return record.name
    if isinstance(record, RobFinding):
        return f"{_trial(review, record.trial)}: risk of bias"
    return ""


def _source(review: Review, record: Located | None) -> str:
    """Where it was read: the row's own source, else the trial's publication."""
    own = str(getattr(record, "source", ""))
    trial = getattr(record, "trial", "")
    if isinstance(record, Trial):
        return own or record.citation
    if own or not trial:
        return own
    return next((t.source or t.citation for t in review.trials if t.id == trial), "")


def _trial(review: Review, trial: str) -> str:
    return next((t.label for t in review.trials if t.id == trial), trial)


def _arm(review: Review, trial: str, arm: str) -> str:
    return next((a.label for a in review.arms if (a.trial, a.arm) == (trial, arm)), arm)
