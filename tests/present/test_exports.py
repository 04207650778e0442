"""What a page gives to machines: JSON with a schema and back, CSV, data package, JSON-LD, FHIR."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from whole import library

import equipoise as eq
from equipoise.answer.answer import Answer
from equipoise.core.errors import InputError
from equipoise.present.exports.fhir import fhir_bundle
from equipoise.present.exports.package import data_package, package_tables
from equipoise.present.exports.reading import answer_json, read_answer
from equipoise.present.exports.schema import answer_schema, schema_text
from equipoise.present.exports.shown import HEADERS, shown_csv
from equipoise.present.pages import Page, page
from equipoise.present.prose import day
from equipoise.review.cells import parse_number, parse_whole
from equipoise.review.records import Review

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 23)
SLUGS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")


@pytest.fixture(scope="module", params=SLUGS)
def shipped(request: pytest.FixtureRequest) -> Answer:
    return eq.assess(eq.open_review(request.param), on=DAY)


@pytest.fixture(scope="module")
def built(shipped: Answer) -> Page:
    return page(shipped)


def benched(isolating: Callable[..., Any]) -> Iterator[Answer]:
    """Small reviews: helps, does nothing, no trial at all, a harm that nobody had."""
    last = isolating((-8, 20, 60))
    last.harm("rash", trial="t1", arm="x", asked="yes", events=0, n=60)
    last.judge("burden", "low")
    made = (
        isolating((-12, 20, 200), (-14, 22, 250)),
        isolating((0.1, 20, 400), (-0.2, 21, 500)),
        isolating(),
        last,
    )
    for bench in made:
        # As a folder would give it: a cell that holds 40 is the number 40.0.
        yield eq.assess(Review.from_dict(bench.review().to_dict()), on=DAY)


# --- JSON, its schema, and back ------------------------------------------------------------------


def test_the_schema_in_the_documentation_is_current() -> None:
    published = (ROOT / "docs" / "schema" / "answer.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python docs/schema.py"


def test_the_schema_is_one_and_tells_what_fields_are() -> None:
    library("jsonschema", "test").Draft202012Validator.check_schema(answer_schema())
    assert answer_schema()["$defs"]["Quantity"]["required"][:2] == ["id", "value"]
    told = answer_schema()["properties"]["certainty_dots"]["description"]
    assert told == "Filled dots of four."


def test_an_exported_answer_meets_the_schema(shipped: Answer, isolating: Any) -> None:
    validator = library("jsonschema", "test").Draft202012Validator(answer_schema())
    for answer in (shipped, *benched(isolating)):
        data = json.loads(answer_json(answer))
        assert not [e.message for e in validator.iter_errors(data)]
    data["verdict"]["code"] = "SURELY"
    del data["title"]
    assert len(list(validator.iter_errors(data))) == 2


def test_reading_back_gives_the_same_answer(
    shipped: Answer, isolating: Any, tmp_path: Path
) -> None:
    path = tmp_path / "answer.json"
    for answer in (shipped, *benched(isolating)):
        path.write_text(answer_json(answer), encoding="utf-8")
        again = read_answer(path, recompute=True)
        assert again == answer
        assert list(again.quantities) == list(answer.quantities)
        assert repr(again) == repr(answer)
        assert answer_json(again) == answer_json(answer)


def test_a_file_that_was_changed_is_refused(isolating: Any, tmp_path: Path) -> None:
    answer = next(benched(isolating))
    path = tmp_path / "answer.json"
    data = json.loads(answer_json(answer))

    def refused(match: str, *, recompute: bool = False, **changed: Any) -> None:
        path.write_text(json.dumps({**data, **changed}), encoding="utf-8")
        with pytest.raises(InputError, match=match):
            read_answer(path, recompute=recompute)

    refused("the verdict table says", verdict={**data["verdict"], "code": "AVOID"})
    refused("verdict table says", verdict={**data["verdict"], "harm": "enormous"})
    other = {**data["verdict"], "label": "Trials prove it"}
    refused("label is 'Trials prove it', and the answer", verdict=other)
    refused("certainty is 'low', and the answer", certainty="low")
    refused("certainty_dots is 1", certainty_dots=1)
    refused("its digest is another one", title="Should I?")
    refused("no digest", sha256=None)
    whole = {key: value for key, value in data.items() if key != "sha256"}
    again = json.loads(answer_json(Answer.from_dict({**whole, "key_messages": ["So."]})))
    refused("differs in: key_messages", recompute=True, **again)
    refused("format 99", format=99)
    refused("cannot be read", outcomes=[{"id": "pain"}])
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not JSON"):
        read_answer(path)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="not an answer"):
        read_answer(path)
    with pytest.raises(InputError, match=r"cannot read.*none\.json"):
        read_answer(tmp_path / "none.json")


# --- CSV -----------------------------------------------------------------------------------------


def words(built: Page) -> str:
    text = re.sub(r"<(script|style)\b.*?</\1>", "", built.files["index.html"].decode(), flags=re.S)
    return squeezed(html.unescape(re.sub(r"<[^>]+>", "", text)))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_what_is_shown_in_the_csv_stands_on_the_page(built: Page, shipped: Answer) -> None:
    seen = words(built)
    for name, text in shown_csv(shipped).items():
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows
        assert tuple(rows[0]) == HEADERS[name]
        for row in rows:
            for column, value in row.items():
                if column.endswith("_shown") or name == "trials.csv" or column in ("sure", "harm"):
                    assert squeezed(value) in seen, (name, column, value)


def test_the_csv_holds_every_digit(shipped: Answer) -> None:
    rows = {r["id"]: r for r in csv.DictReader(io.StringIO(shown_csv(shipped)["outcomes.csv"]))}
    for o in shipped.outcomes:
        if o.effect is not None:
            assert float(rows[o.id]["effect"]) == o.effect.value
            assert float(rows[o.id]["effect_low"]) == o.effect.low
        assert int(rows[o.id]["people"]) == o.people.value


# --- data package --------------------------------------------------------------------------------

NAME = re.compile(r"[a-z0-9._-]+")


def package_faults(package: dict[str, Any], files: dict[str, bytes]) -> list[str]:
    """What breaks the specification: the descriptor, or a table against its schema."""
    faults = []
    names = [r["name"] for r in package["resources"]]
    if not NAME.fullmatch(package["name"]) or len(set(names)) < len(names):
        faults.append("names")
    held: dict[str, list[dict[str, str]]] = {}
    for r in package["resources"]:
        data = files[r["path"]]
        if r["bytes"] != len(data) or r["hash"] != f"sha256:{hashlib.sha256(data).hexdigest()}":
            faults.append(f"{r['name']}: bytes or hash")
        if r["path"].startswith("/") or ".." in r["path"] or not NAME.fullmatch(r["name"]):
            faults.append(f"{r['name']}: path")
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        held[r["name"]] = list(reader)
        if [f["name"] for f in r["schema"]["fields"]] != list(reader.fieldnames or ()):
            faults.append(f"{r['name']}: header")
        faults += [f"{r['name']}: {fault}" for fault in table_faults(r["schema"], held[r["name"]])]
    for r in package["resources"]:
        for key in r["schema"].get("foreignKeys", ()):
            there = key["reference"]
            known = {tuple(row[f] for f in there["fields"]) for row in held[there["resource"]]}
            for row in held[r["name"]]:
                own = tuple(row[f] for f in key["fields"])
                if any(own) and own not in known:
                    faults.append(f"{r['name']}: {own} is not in {there['resource']}")
    return faults


def table_faults(schema: dict[str, Any], rows: list[dict[str, str]]) -> Iterator[str]:
    key = schema.get("primaryKey")
    if key and len({tuple(r[k] for k in key) for r in rows}) < len(rows):
        yield "primary key"
    parse = {"number": parse_number, "integer": parse_whole, "string": str}
    for field in schema["fields"]:
        limits = field.get("constraints", {})
        for row in rows:
            text = row[field["name"]]
            if not text:
                if limits.get("required"):
                    yield f"{field['name']} is empty"
                continue
            value = parse[field["type"]](text)
            if "enum" in limits and text not in limits["enum"]:
                yield f"{field['name']} {text}"
            if value < limits.get("minimum", value) or value > limits.get("maximum", value):
                yield f"{field['name']} {text}"


def package_of(answer: Answer) -> tuple[dict[str, Any], dict[str, bytes]]:
    files = {f"data/{n}": t.encode() for n, t in package_tables(answer.review).items()}
    files |= page(answer).files
    own = {n.removeprefix("data/"): d for n, d in files.items() if n.startswith("data/")}
    return json.loads(own["datapackage.json"]), own


def test_the_data_package_meets_the_specification(shipped: Answer, isolating: Any) -> None:
    for answer in (shipped, *benched(isolating)):
        package, files = package_of(answer)
        assert not package_faults(package, files)
        assert all(f["description"] for r in package["resources"] for f in r["schema"]["fields"])
    listed = {r["path"] for r in package_of(shipped)[0]["resources"]}
    assert {"trials.csv", "arms.csv", "results.csv", "shown/outcomes.csv"} <= listed


def test_a_broken_table_is_found(shipped: Answer) -> None:
    package, files = package_of(shipped)
    wrong = files["results.csv"].replace(b"\nyelland-2004,", b"\nnobody,", 1)
    wrong = wrong if wrong != files["results.csv"] else files["results.csv"] + b"nobody,x\n"
    assert package_faults(package, {**files, "results.csv": wrong})


def test_the_data_package_is_accepted_by_frictionless(built: Page, tmp_path: Path) -> None:
    frictionless = library("frictionless", "packages")
    built.save(tmp_path / "site")
    report = frictionless.validate(str(tmp_path / "site" / "data" / "datapackage.json"))
    assert report.valid, report.flatten(["resourceName", "rowNumber", "fieldName", "note"])


def test_the_data_package_says_where_it_comes_from(shipped: Answer) -> None:
    made = data_package(shipped, {}, "https://example.org/a/")
    assert made["licenses"][0]["path"] == "https://creativecommons.org/licenses/by/4.0/"
    assert [c["title"] for c in made["contributors"]] == [p.name for p in shipped.review.people]
    assert made["homepage"] == "https://example.org/a/"
    cited = {t.citation for t in shipped.review.trials if t.use == "included"}
    assert cited <= {s["title"] for s in made["sources"]}


# --- JSON-LD -------------------------------------------------------------------------------------


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value


def test_every_value_of_the_json_ld_stands_on_the_page(built: Page, shipped: Answer) -> None:
    source = built.files["index.html"].decode()
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', source, re.S)
    assert found
    data = json.loads(found[1])
    assert data == json.loads(built.files["data/page.jsonld"])
    seen = words(built)
    for key, value in leaves(data):
        if key in ("@context", "@type", "inLanguage"):
            continue
        if key.startswith("date") or key == "lastReviewed":
            assert f'datetime="{value}"' in source
            assert squeezed(day(value)) in seen
        elif key == "sameAs":
            assert f'href="{value}"' in source
        elif key == "publishingPrinciples":
            assert value == "#methods"
            assert 'id="methods"' in source
        elif key == "abstract":
            v = shipped.verdict
            heading = f"{v.heading}: " if v.heading else ""
            assert value.startswith(f"{heading}{v.label}. ")
            assert squeezed(value.removeprefix(f"{heading}{v.label}. ")) in seen
            assert squeezed(v.heading) in seen
            assert squeezed(v.label) in seen
        else:
            assert squeezed(value) in seen, (key, value)


def test_the_json_ld_is_whole_and_gives_no_stars(answer: Answer) -> None:
    data = json.loads(page(answer).files["data/page.jsonld"])
    assert data["reviewedBy"][0]["name"] == "R. K. Reviewer"
    assert "no interests declared" in data["reviewedBy"][0]["description"]
    assert [p["name"] for p in data["author"]] == ["A. N. Author"]
    assert {"audience", "lastReviewed", "funding", "publishingPrinciples", "citation"} <= set(data)
    kinds = {v for k, v in leaves(data) if k == "@type"}
    assert not {"AggregateRating", "Rating", "Review", "MedicalEvidenceLevel"} & kinds


def test_nothing_ends_the_script_of_the_json_ld(answer: Answer) -> None:
    evil = replace(answer, condition="</script><script>alert(1)</script>")
    source = page(evil).files["index.html"].decode()
    block = source.split('<script type="application/ld+json">')[1].split("</script>")[0]
    assert json.loads(block)["about"][0]["name"] == evil.condition


# --- FHIR ----------------------------------------------------------------------------------------


def by_kind(bundle: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def test_fhir_is_accepted_and_numbers_come_back_exactly(shipped: Answer, isolating: Any) -> None:
    model = library("fhir.resources.bundle", "fhir").Bundle
    for answer in (shipped, *benched(isolating)):
        text = json.dumps(fhir_bundle(answer, "https://example.org/a/"), allow_nan=False)
        again = json.loads(model.model_validate_json(text).model_dump_json())
        assert again == json.loads(text)


def test_fhir_holds_each_outcome_with_its_numbers(shipped: Answer) -> None:
    found = by_kind(fhir_bundle(shipped))
    assert len(found["Evidence"]) == len(found["EvidenceVariable"]) == len(shipped.outcomes)
    assert len(found["EvidenceReport"]) == 1
    assert len(found["ArtifactAssessment"]) == 1 + len(shipped.review.risk_of_bias)
    assert len(found["Citation"]) == len(found["ResearchStudy"]) == len(shipped.review.trials)
    for o, made in zip(shipped.outcomes, found["Evidence"], strict=True):
        if o.effect is None or o.pooled is None:
            continue
        first = made["statistic"][0]
        assert first["quantity"]["value"] == o.effect.value
        interval = first["attributeEstimate"][0]
        assert interval["level"] == o.pooled.level
        assert interval["range"]["low"]["value"] == o.effect.low
        assert interval["range"]["high"]["value"] == o.effect.high
        size = {"numberOfStudies": o.trials.value, "numberOfParticipants": o.people.value}
        assert first["sampleSize"] == size
        assert o.grade is not None
        rating = made["certainty"][0]
        assert rating["rating"]["coding"][0]["code"] == o.grade.level.replace(" ", "-")
        assert len(rating["subcomponent"]) == len(o.grade.reasons) + len(o.grade.caps)


def test_fhir_references_lead_somewhere_and_stay_the_same(shipped: Answer) -> None:
    bundle = fhir_bundle(shipped)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    asked = {value for key, value in leaves(bundle) if key == "reference"}
    assert asked <= set(urls)
    assert fhir_bundle(shipped) == bundle
    verdict = by_kind(bundle)["ArtifactAssessment"][0]["content"][0]
    assert verdict["classifier"][0]["coding"][0]["code"] == shipped.verdict.code


def test_fhir_leaves_an_open_end_open(shipped: Answer) -> None:
    o = next(o for o in shipped.outcomes if o.effect is not None)
    assert o.effect is not None
    wide = replace(o, effect=replace(o.effect, high=float("inf")))
    bundle = fhir_bundle(replace(shipped, outcomes=(wide,)))
    json.dumps(bundle, allow_nan=False)
    estimate = by_kind(bundle)["Evidence"][0]["statistic"][0]["attributeEstimate"][0]
    assert set(estimate["range"]) == {"low"}
