"""The pictures of the documentation are those that the program draws today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from equipoise.present.drawing import resolved

DOCS = Path(__file__).resolve().parents[2] / "docs"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GALLERY = load()


@pytest.mark.parametrize("name", GALLERY.PICTURES)
def test_a_picture_is_current(name: str) -> None:
    """`python docs/gallery.py` draws them anew."""
    kept = (DOCS / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert kept == resolved(GALLERY.PICTURES[name]().svg) + "\n"
    pages = [path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")]
    assert any(f"images/{name}.svg" in page for page in pages)


def test_pictures_stay_small() -> None:
    assert sum(path.stat().st_size for path in (DOCS / "images").glob("*.svg")) < 240_000
