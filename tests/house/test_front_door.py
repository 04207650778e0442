"""The front door: every public name opens, type checkers see it, and opening it costs nothing."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import equipoise

SOURCE = Path(__file__).resolve().parents[2] / "src" / "equipoise" / "__init__.py"


def names_seen_by_type_checkers() -> dict[str, str]:
    """The imports under TYPE_CHECKING, name to module."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name: str(node.module)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_see_the_names_that_the_program_sees() -> None:
    assert names_seen_by_type_checkers() == equipoise._HOME


@pytest.mark.parametrize("name", sorted(equipoise._HOME))
def test_each_name_is_the_one_of_its_module(name: str) -> None:
    found = getattr(equipoise, name)
    assert found is getattr(importlib.import_module(equipoise._HOME[name]), name)


def test_a_name_may_be_a_module() -> None:
    assert equipoise.batch is importlib.import_module("equipoise.scale.batch")


def test_dir_lists_the_public_names_and_an_unknown_one_is_refused() -> None:
    assert {*equipoise._HOME, "__version__"} <= set(dir(equipoise))
    with pytest.raises(AttributeError, match="no attribute 'pairwize'"):
        _ = equipoise.pairwize  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_project() -> None:
    pyproject = (SOURCE.parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{equipoise.__version__}"' in pyproject


def modules_after(code: str) -> set[str]:
    """The names of all modules that a fresh process holds after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_no_library() -> None:
    loaded = modules_after("import equipoise")
    assert "equipoise" in loaded
    assert not loaded & {"numpy", "scipy", "pydantic", "jinja2", "typer", "rich", "narwhals"}
    assert not [name for name in loaded if name.startswith("equipoise.")]
