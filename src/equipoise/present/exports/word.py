"""The summary of findings as a Word document, by the optional package python-docx.

Source: Cochrane Handbook, chapter 14: at most seven outcomes, a reason at every downgrade.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.answer.wording import number
from equipoise.core.errors import InputError
from equipoise.core.provenance import plain
from equipoise.present import tables
from equipoise.present.prose import day, ended, first_upper, joined

MOST = 7
_ORDER = {"critical": 0, "important": 1, "limited": 2}
#: Widths of the columns in centimetres: A4 on its side, less the margins.
_WIDTHS = (4.4, 3.2, 3.6, 3.2, 2.4, 3.2, 6.7)
_CERTAINTY = 5


def findings_docx(answer: Answer) -> bytes:
    """The summary of findings as the bytes of a .docx file.

    A4 on its side: the question, who it is about, the table with its first row repeated on every
    page, a note for every reason that lowered certainty, how it was computed, and the date. Seven
    outcomes at most, the critical ones first; the others are named.

    Raises
    ------
    InputError
        When python-docx is not installed.
    """
    docx = _library()
    document = docx.Document()
    _page(docx, document)
    _about(answer, document)
    chosen, others = outcomes_shown(answer)
    notes: list[str] = []
    _table(answer, document, docx, chosen, notes)
    _below(answer, document, others, notes)
    _properties(answer, document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def outcomes_shown(answer: Answer) -> tuple[list[OutcomeAnswer], list[OutcomeAnswer]]:
    """The outcomes of the table, and those for which there is no room."""
    ordered = sorted(
        answer.outcomes, key=lambda o: (not o.decides, _ORDER.get(o.importance, len(_ORDER)))
    )
    return ordered[:MOST], ordered[MOST:]


def _library() -> Any:
    try:
        return importlib.import_module("docx")
    except ImportError:
        raise InputError(
            "writing a Word document needs the package python-docx",
            hint="pip install 'equipoise[word]'",
        ) from None


def _page(docx: Any, document: Any) -> None:
    centimetres = docx.shared.Cm
    section = document.sections[0]
    section.orientation = importlib.import_module("docx.enum.section").WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = centimetres(29.7), centimetres(21.0)
    section.left_margin = section.right_margin = centimetres(1.5)
    section.top_margin = section.bottom_margin = centimetres(1.5)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Calibri", docx.shared.Pt(9.5)
    style.paragraph_format.space_after = docx.shared.Pt(4)
    black = docx.shared.RGBColor(0, 0, 0)
    for name in ("Title", "Heading 1", "Caption"):
        document.styles[name].font.color.rgb = black
        document.styles[name].font.name = "Calibri"
    document.styles["Title"].font.size = docx.shared.Pt(20)
    document.styles["Heading 1"].font.size = docx.shared.Pt(12)
    document.styles["Caption"].font.size = docx.shared.Pt(9.5)


def _about(answer: Answer, document: Any) -> None:
    question, v = answer.review.question, answer.verdict
    document.add_paragraph(question.text, style="Title")
    told = (
        ("The short answer", f"{v.heading + ': ' if v.heading else ''}{v.label}. {v.sentence}"),
        ("People", answer.population),
        ("Treatment", answer.treatment),
        ("Compared with", answer.comparator),
    )
    for name, text in told:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = 0
        paragraph.add_run(f"{name}: ").bold = True
        paragraph.add_run(plain(ended(text)))


def _table(
    answer: Answer, document: Any, docx: Any, chosen: Sequence[OutcomeAnswer], notes: list[str]
) -> None:
    made = tables.findings(answer)
    at = {o.id: i for i, o in enumerate(answer.outcomes)}
    caption = document.add_paragraph(f"Table 1. {plain(made.caption)}", style="Caption")
    caption.paragraph_format.keep_with_next = True
    grid = document.add_table(rows=1, cols=len(made.columns), style="Table Grid")
    grid.autofit = False
    _described(docx, grid, plain(made.caption), _description(answer, chosen))
    for cell, column in zip(grid.rows[0].cells, made.columns, strict=True):
        cell.paragraphs[0].add_run(column.label).bold = True
    _row(docx, grid.rows[0], head=True)
    for o in chosen:
        row = grid.add_row()
        _row(docx, row, head=False)
        values = made.rows[at[o.id]]
        texts = [plain(made.text(v, c)) for v, c in zip(values, made.columns, strict=True)]
        for i, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            cell.paragraphs[0].add_run(text).bold = i == 0
            if i == _CERTAINTY and (letters := _lettered(o, notes)):
                cell.paragraphs[0].add_run(f" {letters}").font.superscript = True
    for column, width in zip(grid.columns, _WIDTHS, strict=True):
        column.width = docx.shared.Cm(width)
    for row in grid.rows:
        for cell, width in zip(row.cells, _WIDTHS, strict=True):
            cell.width = docx.shared.Cm(width)
            cell.paragraphs[0].paragraph_format.space_after = 0


def _description(answer: Answer, chosen: Sequence[OutcomeAnswer]) -> str:
    """What a screen reader says before the table."""
    names = joined([o.label for o in chosen])
    return (
        f"One row for each outcome: {names}. Columns: the result with {answer.comparator}, the "
        "difference, the relative effect, people and trials, certainty, and the result in words."
    )


def _described(docx: Any, grid: Any, title: str, text: str) -> None:
    element = importlib.import_module("docx.oxml").OxmlElement
    qn = docx.oxml.ns.qn
    for tag, value in (("w:tblCaption", title), ("w:tblDescription", text)):
        made = element(tag)
        made.set(qn("w:val"), value)
        grid._tbl.tblPr.append(made)


def _row(docx: Any, row: Any, *, head: bool) -> None:
    """Never cut a row at the end of a page; repeat the first on every page."""
    element = importlib.import_module("docx.oxml").OxmlElement
    properties = row._tr.get_or_add_trPr()
    properties.append(element("w:cantSplit"))
    if head:
        properties.append(element("w:tblHeader"))
        for cell in row.cells:
            shade = element("w:shd")
            for key, value in (("val", "clear"), ("color", "auto"), ("fill", "E7ECF2")):
                shade.set(docx.oxml.ns.qn(f"w:{key}"), value)
            cell._tc.get_or_add_tcPr().append(shade)


def _lettered(o: OutcomeAnswer, notes: list[str]) -> str:
    """The letters of the notes of one outcome; the same words keep the same letter."""
    letters = []
    for text in _reasons(o):
        if text not in notes:
            notes.append(text)
        letters.append(letter(notes.index(text)))
    return ",".join(letters)


def letter(at: int) -> str:
    """The mark of a note: a to z, then aa, ab…"""
    before, last = divmod(at, 26)
    return (letter(before - 1) if before else "") + "abcdefghijklmnopqrstuvwxyz"[last]


def _reasons(o: OutcomeAnswer) -> Iterator[str]:
    if o.grade is None:
        return
    for reason in o.grade.reasons:
        if reason.final:
            levels = (
                "one level" if abs(reason.final) == 1 else f"{number(abs(reason.final))} levels"
            )
            way = "down" if reason.final < 0 else "up"
            signed = f" {ended(reason.why)} ({reason.by}, {day(reason.on)})" if reason.by else ""
            why = ended(reason.plain) if reason.plain else ""
            yield " ".join(
                f"{first_upper(str(reason.domain))}, {levels} {way}: {why} {ended(reason.rule)}"
                f"{signed}".split()
            )
    for cap in o.grade.caps:
        yield f"At most {cap.level}: {ended(cap.why)}"


def _below(
    answer: Answer, document: Any, others: Sequence[OutcomeAnswer], notes: Sequence[str]
) -> None:
    for at, text in enumerate(notes):
        paragraph = document.add_paragraph()
        paragraph.add_run(letter(at)).font.superscript = True
        paragraph.add_run(f" {text}")
    if others:
        document.add_paragraph(f"Not in the table: {joined([o.label for o in others])}.")
    document.add_paragraph("How it was computed", style="Heading 1")
    for text in _methods(answer):
        document.add_paragraph(text)
    review = answer.review
    names = joined([p.name for p in review.people])
    searched = answer.status.searched_to
    known = (
        f"Evidence searched to {day(searched)}." if searched else ("No systematic search is known.")
    )
    document.add_paragraph(
        f"{names}. {answer.title} Version {review.version}, {day(review.updated)}. {known} "
        f"As of {day(answer.status.on)}. Paid for by: {review.funding}. "
        "Information, not medical advice."
    )


def _methods(answer: Answer) -> Iterator[str]:
    pooled = [o.pooled for o in answer.outcomes if o.pooled is not None]
    yield from dict.fromkeys(
        f"{p.measure}: {p.model} effects, tau² by {p.tau2_method}, {100 * p.level:g} % interval by "
        f"{p.interval_method}."
        for p in pooled
    )
    found = dict.fromkeys((m.name, m.paper) for p in pooled for m in p.methods)
    for name, paper in found:
        yield f"{first_upper(name)}: {ended(paper)}"
    yield (
        "Certainty by GRADE, counted down from high for randomised trials. CI: confidence interval."
    )


def _properties(answer: Answer, document: Any) -> None:
    properties = document.core_properties
    properties.title = answer.review.question.text
    properties.subject = "Summary of findings"
    properties.author = joined([p.name for p in answer.review.people])
    properties.language = "en"
    properties.comments = ""
    properties.created = properties.modified = datetime.fromisoformat(answer.review.updated)
