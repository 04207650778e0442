"""The comparison of pinned and newly computed values finds what it should."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


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


def test_every_exception_says_why_and_is_about_a_pinned_file(validate: ModuleType) -> None:
    names = [path.name for path in validate.VALUES.glob("*.json")]
    for rule in validate.exceptions():
        assert len(rule.why) > 20
        assert any(rule.covers(name, rule.path) for name in names)


def test_every_pinned_file_names_the_script_that_makes_it(validate: ModuleType) -> None:
    import json

    for path in validate.VALUES.glob("*.json"):
        script = json.loads(path.read_text("utf-8")).get("script", "")
        assert (ROOT / script).is_file(), path.name
