"""The exports that lie beside every page, since they cost next to nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from equipoise.answer.answer import Answer
from equipoise.present.exports.fhir import fhir_bundle
from equipoise.present.exports.package import data_package, package_tables
from equipoise.present.exports.schema import PLACE, schema_text
from equipoise.present.exports.shown import SHOWN, shown_csv


@dataclass(frozen=True, slots=True)
class Light:
    """A file beside a page, and what its link says."""

    path: str
    data: bytes
    words: str


def light_exports(answer: Answer, linked: dict[str, Any], address: str = "") -> tuple[Light, ...]:
    """Tables as shown, data package, schema of ``answer.json``, JSON-LD and FHIR.

    Parameters
    ----------
    answer
        The answer.
    linked
        The page's JSON-LD.
    address
        Where the page is published; "" where that is not known.
    """
    shown = {f"shown/{name}": text.encode() for name, text in shown_csv(answer).items()}
    own = {name: text.encode() for name, text in package_tables(answer.review).items()}
    package = data_package(answer, {**own, **shown}, address)
    written = [
        Light(f"data/{path}", data, SHOWN[path.removeprefix("shown/")])
        for path, data in shown.items()
    ]
    if not answer.review.text:
        written += [Light(f"data/{path}", data, "") for path, data in own.items()]
    return (
        *written,
        Light("data/datapackage.json", _json(package), "the tables as a data package"),
        Light("data/fhir.json", _json(fhir_bundle(answer, address)), "FHIR R5, for health records"),
        Light("data/page.jsonld", _json(linked), "JSON-LD, for search engines and archives"),
        Light(PLACE, schema_text().encode(), "JSON Schema of answer.json"),
    )


def _json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
