"""`export(answer, kind, path)`: an answer as files of one kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from equipoise.answer.answer import Answer
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.present.exports.fhir import fhir_bundle
from equipoise.present.exports.linked import linked_data
from equipoise.present.exports.package import data_package, package_tables
from equipoise.present.exports.pictures import answer_figures
from equipoise.present.exports.reading import answer_json
from equipoise.present.exports.schema import schema_text
from equipoise.present.exports.shown import shown_csv
from equipoise.present.exports.word import findings_docx
from equipoise.present.figures.export import rendered

#: Writes one kind: the answer and the place in, file name ("" for the place itself) → bytes out.
Writer = Callable[[Answer, str], dict[str, bytes]]


def export(answer: Answer, kind: str, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write an answer as files of one kind.

    Parameters
    ----------
    answer
        As :func:`equipoise.assess` gives it.
    kind
        A file: ``json`` (the whole answer, see :func:`equipoise.read_answer`), ``schema`` (its
        JSON Schema), ``jsonld`` (schema.org), ``fhir`` (FHIR R5), ``word`` (summary of findings;
        extra ``[word]``). A folder: ``csv`` (the tables as shown), ``package`` (Frictionless data
        package), ``svg``, ``png``, ``pdf`` (the figures; the last two with the extra ``[export]``).
    path
        The file or folder to write.
    overwrite
        Whether files that are there may be replaced; other files of a folder stay.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        For an unknown kind, a file that is there already, or a missing extra.

    Examples
    --------
    >>> import equipoise as eq
    >>> answer = eq.assess(eq.open_review("prolotherapy-low-back-pain"))
    >>> eq.export(answer, "fhir", "answer.fhir.json")  # doctest: +SKIP
    PosixPath('answer.fhir.json')
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of export", kind, KINDS)
    target = Path(path)
    files = KINDS[kind](answer, str(path))
    places = {target / name if name else target: data for name, data in files.items()}
    there = [p for p in places if p.is_dir() or (p.exists() and not overwrite)]
    if there:
        what = "a folder has that name" if there[0].is_dir() else "this file is there already"
        raise InputError(what, where=str(there[0]), hint="another path, or overwrite=True")
    try:
        for place, data in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            beside = place.with_name(f".{place.name}.new")
            beside.write_bytes(data)
            beside.replace(place)
    except OSError as error:
        raise InputError(
            "cannot write the export", where=str(path), hint=error.strerror or "another path"
        ) from None
    return target


def _text(text: str) -> dict[str, bytes]:
    return {"": text.encode("utf-8")}


def _data(data: object) -> dict[str, bytes]:
    return _text(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _csv(answer: Answer, where: str) -> dict[str, bytes]:
    return {name: text.encode("utf-8") for name, text in shown_csv(answer).items()}


def _package(answer: Answer, where: str) -> dict[str, bytes]:
    files = {name: text.encode("utf-8") for name, text in package_tables(answer.review).items()}
    files |= {f"shown/{name}": data for name, data in _csv(answer, where).items()}
    return {**files, "datapackage.json": _data(data_package(answer, files))[""]}


def _figures(ending: str) -> Writer:
    def write(answer: Answer, where: str) -> dict[str, bytes]:
        return {
            f"{figure.name}{ending}": rendered(figure.svg, ending, scale=3.0, where=where)
            for figure in answer_figures(answer)
        }

    return write


#: The kinds by name.
KINDS: dict[str, Writer] = {
    "json": lambda answer, where: _text(answer_json(answer, "answer.schema.json")),
    "schema": lambda answer, where: _text(schema_text()),
    "csv": _csv,
    "package": _package,
    "jsonld": lambda answer, where: _data(linked_data(answer)),
    "fhir": lambda answer, where: _data(fhir_bundle(answer)),
    "word": lambda answer, where: {"": findings_docx(answer)},
    "svg": _figures(".svg"),
    "png": _figures(".png"),
    "pdf": _figures(".pdf"),
}
#: Where each kind lies in a folder of exports.
PLACES: dict[str, str] = {
    "json": "answer.json",
    "schema": "answer.schema.json",
    "csv": "tables",
    "package": "package",
    "jsonld": "page.jsonld",
    "fhir": "fhir.json",
    "word": "findings.docx",
    "svg": "figures",
    "png": "figures",
    "pdf": "figures",
}
#: What needs no extra package.
LIGHT = ("json", "schema", "csv", "package", "jsonld", "fhir")
