"""A small sound review folder, and a way to break one thing in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SOUND = Path(__file__).parent / "sound" / "tonic-cough"
FILES = {path.name: path.read_bytes().decode() for path in SOUND.iterdir()}

#: Changes of one file: (old, new), the old standing exactly once; bytes: the whole file; None
#: leaves it out.
Change = tuple[str, str] | list[tuple[str, str]] | bytes | None


def changed(text: str, change: Change) -> bytes | None:
    """A file's bytes with a change made."""
    if change is None or isinstance(change, bytes):
        return change
    for old, new in change if isinstance(change, list) else [change]:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text.encode()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write the sound folder with some files changed, and give its path."""

    def write(changes: dict[str, Change] | None = None) -> Path:
        folder = tmp_path / SOUND.name
        folder.mkdir()
        assert set(changes or {}) <= set(FILES)
        for name, text in FILES.items():
            data = changed(text, (changes or {}).get(name, []))
            if data is not None:
                (folder / name).write_bytes(data)
        return folder

    return write


@pytest.fixture
def sound() -> dict[str, str]:
    """The sound folder's files, by name."""
    return dict(FILES)
