"""The comparison of pinned and newly computed values finds what it should."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
VALUES = ROOT / "validation" / "values"


@pytest.fixture(scope="module")
def validate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate", ROOT / "validation" / "validate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["validate"] = module
    spec.loader.exec_module(module)
    return module


PINNED = {"versions": {"R": "4"}, "a": {"x": [1.0, 2.0], "y": "NA", "z": True, "tiny": 1e-17}}


def changed(**values: object) -> dict[str, object]:
    return {"versions": {"R": "5"}, "a": {**PINNED["a"], **values}}


def test_equal_files_and_rounding_pass(validate: ModuleType) -> None:
    report = validate.compare("f.json", PINNED, changed(x=[1.0 + 1e-12, 2.0], tiny=-3e-17), [])
    assert not report.faults
    assert report.numbers == 5
    assert 0 < report.worst < 1e-11


@pytest.mark.parametrize(
    "values", [{"x": [1.0, 2.1]}, {"x": [1.0]}, {"y": 3.0}, {"z": False}, {"x": [1.0, "NA"]}]
)
def test_what_differs_is_named(validate: ModuleType, values: dict[str, object]) -> None:
    report = validate.compare("f.json", PINNED, changed(**values), [])
    assert len(report.faults) == 1
    assert report.faults[0].startswith("f.json: a/")


def test_an_exception_allows_only_what_it_is_about(validate: ModuleType) -> None:
    rule = validate.Allowed("f*.json", "a/x/?", 0.1, "why")
    assert not validate.compare("f.json", PINNED, changed(x=[1.0, 2.1]), [rule]).faults
    assert rule.used
    assert validate.compare("f.json", PINNED, changed(x=[1.0, 3.0]), [rule]).faults
    assert validate.compare("g.json", PINNED, changed(x=[1.0, 2.1]), [rule]).faults


def test_an_exception_may_be_about_one_version_or_only_about_absence(validate: ModuleType) -> None:
    rule = validate.Allowed("f.json", "a/x/*", "any", "why", {"R": "5"})
    assert not validate.compare("f.json", PINNED, changed(x=[1.0, 9.0]), [rule]).faults
    other = validate.Allowed("f.json", "a/x/*", "any", "why", {"R": "4"})
    assert validate.compare("f.json", PINNED, changed(x=[1.0, 9.0]), [other]).faults
    assert not other.used
    absent = validate.Allowed("f.json", "a/x/*", "absent", "why")
    assert validate.compare("f.json", PINNED, changed(x=[1.0, 9.0]), [absent]).faults
    assert not validate.compare("f.json", PINNED, changed(x=[1.0]), [absent]).faults
    assert not validate.compare("f.json", PINNED, changed(x=[1.0, "NA"]), [absent]).faults


def test_what_is_not_pinned_is_named(validate: ModuleType) -> None:
    report = validate.compare("f.json", PINNED, changed(more=1.0), [])
    assert report.faults == ["f.json: a/more: not pinned, now 1.0 (inf)"]


def test_every_exception_says_why_and_is_about_a_pinned_file(validate: ModuleType) -> None:
    pinned = {path.name: json.loads(path.read_text("utf-8")) for path in VALUES.glob("*.json")}
    places = {name: [path for path, _ in validate.leaves(data)] for name, data in pinned.items()}
    for rule in validate.exceptions():
        assert len(rule.why) > 20
        assert rule.rel in ("any", "absent") or 1e-8 < rule.rel < 1
        assert any(rule.covers(name, p) for name in places for p in places[name]), rule.path
        about = [data["versions"] for name, data in pinned.items() if fnmatch(name, rule.file)]
        assert all(set(rule.programs) <= set(versions) for versions in about), rule.path


def test_every_pinned_file_names_the_script_that_makes_it(validate: ModuleType) -> None:
    for path in validate.VALUES.glob("*.json"):
        data = json.loads(path.read_text("utf-8"))
        script = ROOT / data["script"]
        assert script.is_file(), path.name
        program = "Python" if script.suffix == ".py" else "R"
        assert program in data["versions"], path.name


def test_every_script_says_what_it_needs_and_pins_a_file(validate: ModuleType) -> None:
    named = {json.loads(path.read_text("utf-8"))["script"] for path in VALUES.glob("*.json")}
    table = (ROOT / "validation" / "README.md").read_text("utf-8")
    for script in (ROOT / "validation" / "R").glob("*.R"):
        text = script.read_text("utf-8")
        assert f"validation/R/{script.name}" in named
        assert f"`R/{script.name}`" in table
        head = re.search(r"^# Needs: (.*?)\n(?!#)", text, re.DOTALL | re.MULTILINE)
        assert head is not None, script.name
        assert all(package in head[1] for package in re.findall(r"^library\((\w+)\)", text, re.M))


def test_every_pinned_file_is_in_the_table_of_files() -> None:
    table = (ROOT / "validation" / "README.md").read_text("utf-8")
    patterns = re.findall(r"`values/([^`]+)`", table)
    for path in VALUES.glob("*.json"):
        assert any(fnmatch(path.name, pattern) for pattern in patterns), path.name


def test_no_test_reads_what_is_not_in_the_repository() -> None:
    outside = "/".join(("..", "shared"))
    for path in (ROOT / "tests").rglob("*.py"):
        assert outside not in path.read_text("utf-8"), path
