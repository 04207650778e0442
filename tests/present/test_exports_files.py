"""`export`: every kind as files, its errors, the Word document, the figures, the command."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from whole import library

import equipoise as eq
from equipoise.answer.answer import Answer
from equipoise.cli.verbs import export as verb
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.present.exports import word
from equipoise.present.exports.files import KINDS, LIGHT, PLACES
from equipoise.present.exports.pictures import answer_figures
from equipoise.present.exports.word import letter, outcomes_shown
from equipoise.present.pages import page

SLUG = "prolotherapy-low-back-pain"
DAY = "2026-11-23"


@pytest.fixture(scope="module")
def shipped() -> Answer:
    return eq.assess(eq.open_review(SLUG), on=date.fromisoformat(DAY))


@pytest.mark.parametrize("kind", LIGHT)
def test_each_light_kind_is_written(answer: Answer, tmp_path: Path, kind: str) -> None:
    made = eq.export(answer, kind, tmp_path / "new" / PLACES[kind])
    assert made.exists()
    assert not list(tmp_path.rglob(".*.new"))
    if made.suffix in (".json", ".jsonld"):
        json.loads(made.read_text(encoding="utf-8"))


def test_what_is_exported_is_what_a_page_carries(shipped: Answer, tmp_path: Path) -> None:
    files = page(shipped).files
    for kind, name in (("fhir", "data/fhir.json"), ("schema", "data/answer.schema.json")):
        assert eq.export(shipped, kind, tmp_path / kind).read_bytes() == files[name]
    folder = eq.export(shipped, "package", tmp_path / "package")
    for path in folder.rglob("*.*"):
        if path.is_file():
            name = f"data/{path.relative_to(folder).as_posix()}"
            assert path.read_bytes() == files[name]
    assert eq.read_answer(eq.export(shipped, "json", tmp_path / "a.json")) == shipped


def test_errors_say_what_and_where(answer: Answer, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown kind of export 'fihr'.*'fhir'"):
        eq.export(answer, "fihr", tmp_path / "x")
    place = eq.export(answer, "json", tmp_path / "a.json")
    with pytest.raises(InputError, match=r"there already.*a\.json.*overwrite=True"):
        eq.export(answer, "json", place)
    place.write_text("old", encoding="utf-8")
    eq.export(answer, "json", place, overwrite=True)
    assert eq.read_answer(place).slug == answer.slug
    with pytest.raises(InputError, match="a folder has that name"):
        eq.export(answer, "json", tmp_path, overwrite=True)
    with pytest.raises(InputError, match="cannot write"):
        eq.export(answer, "json", place / "under-a-file")


def test_a_missing_extra_is_named(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(InputError, match=r"equipoise\[word\]"):
        eq.export(answer, "word", tmp_path / "a.docx")
    for kind in ("png", "pdf"):
        with pytest.raises(InputError, match=r"equipoise\[export\]"):
            eq.export(answer, kind, tmp_path / kind)
    assert not list(tmp_path.iterdir())


def test_figures_of_the_page_are_written(answer: Answer, tmp_path: Path) -> None:
    names = {f.name for f in answer_figures(answer)}
    source = page(answer).files["index.html"].decode()
    assert names
    assert all(f'id="{name}"' in source for name in names)
    folder = eq.export(answer, "svg", tmp_path / "figures")
    assert {p.stem for p in folder.iterdir()} == names
    library("vl_convert", "export")
    few = replace(answer, outcomes=answer.outcomes[:1])
    for kind, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        eq.export(few, kind, folder)
        found = list(folder.glob(f"*.{kind}"))
        assert found
        assert all(p.read_bytes().startswith(start) for p in found)


# --- Word ----------------------------------------------------------------------------------------


def opened(answer: Answer, path: Path) -> Any:
    docx = library("docx", "word")
    return docx.Document(str(eq.export(answer, "word", path)))


def said(document: Any) -> str:
    return "\n".join(p.text for p in document.paragraphs)


def test_the_word_document_says_what_the_page_says(shipped: Answer, tmp_path: Path) -> None:
    document = opened(shipped, tmp_path / "a.docx")
    text = said(document)
    first = document.paragraphs[0]
    assert first.text == shipped.review.question.text
    assert first.style.name == "Title"
    assert shipped.population in text.lower()
    assert shipped.verdict.label in text
    assert "REML" in text
    assert "23 November 2026" in text
    assert "⟦" not in text
    grid = document.tables[0]
    assert len(grid.rows) == 1 + min(7, len(shipped.outcomes))
    source = page(shipped).files["index.html"].decode()
    shown = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", source))
    for row in grid.rows[1:]:
        for at, cell in enumerate(row.cells):
            if at not in (0, 5):
                assert re.sub(r"\s+", "", cell.text) in shown


def test_the_table_repeats_its_head_and_has_an_alternative_text(
    shipped: Answer, tmp_path: Path
) -> None:
    document = opened(shipped, tmp_path / "a.docx")
    section = document.sections[0]
    assert (round(section.page_width.cm, 1), round(section.page_height.cm, 1)) == (29.7, 21.0)
    assert section.orientation == 1
    xml = document.tables[0]._tbl.xml
    assert xml.count("<w:tblHeader/>") == 1
    assert "w:tblCaption" in xml
    assert "w:tblDescription" in xml
    caption = next(p for p in document.paragraphs if p.style.name == "Caption")
    assert caption.text.startswith("Table 1. Summary of findings")


def test_every_downgrade_has_a_note(shipped: Answer, tmp_path: Path) -> None:
    document = opened(shipped, tmp_path / "a.docx")
    text = said(document)
    chosen, _ = outcomes_shown(shipped)
    for o, row in zip(chosen, document.tables[0].rows[1:], strict=True):
        if o.grade is None:
            continue
        steps = [r for r in o.grade.reasons if r.final]
        marks = row.cells[5].text.rsplit(" ", 1)[1].split(",")
        assert len(marks) == len(steps) + len(o.grade.caps)
        assert all(f"\n{mark} " in text for mark in marks)
        assert all(reason.rule[1:] in text for reason in steps)


def test_seven_outcomes_at_most_the_deciding_one_first(answer: Answer, tmp_path: Path) -> None:
    main = next(o for o in answer.outcomes if o.decides)
    others = [
        replace(main, id=f"o{i}", label=f"Outcome {i}", decides=False, importance="important")
        for i in range(9)
    ]
    many = replace(answer, outcomes=(*others, main))
    chosen, rest = outcomes_shown(many)
    assert len(chosen) == 7
    assert chosen[0].id == main.id
    assert len(rest) == 3
    document = opened(many, tmp_path / "a.docx")
    assert len(document.tables[0].rows) == 8
    assert f"Not in the table: {rest[0].label}, " in said(document)


def test_notes_are_lettered_beyond_z() -> None:
    assert [letter(i) for i in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]


def test_libreoffice_opens_the_document(shipped: Answer, tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed; it is too large for --all to fetch")
    path = tmp_path / "a.docx"
    opened(shipped, path)
    command = [office, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_the_document_is_a_sound_archive(shipped: Answer) -> None:
    library("docx", "word")
    with zipfile.ZipFile(io.BytesIO(word.findings_docx(shipped))) as archive:
        assert archive.testzip() is None


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_the_light_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb.run(SLUG, tmp_path, [], DAY, False) == 0
    told = capsys.readouterr().out
    assert [line.split(":")[0] for line in told.splitlines()] == list(LIGHT)
    assert {p.name for p in tmp_path.iterdir()} == {PLACES[k] for k in LIGHT}
    with (tmp_path / "tables" / "outcomes.csv").open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["id"]
    with pytest.raises(InputError, match="there already"):
        verb.run(SLUG, tmp_path, ["json"], DAY, False)
    assert verb.run(SLUG, tmp_path, ["json,fhir"], DAY, True) == 0


def test_the_command_refuses_an_unknown_kind_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'word'"):
        verb.run(SLUG, tmp_path / "x", ["json", "wrod"], DAY, False)
    assert not (tmp_path / "x").exists()
    assert set(PLACES) == set(KINDS)
