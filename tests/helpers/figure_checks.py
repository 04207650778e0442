"""What holds of every figure: accessible, closed in itself, and no two words on each other."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from equipoise.present.figures import Figure
from equipoise.present.text import text_width


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text with its place and estimated extent."""

    text: str
    y: float
    left: float
    right: float
    size: float


def words_of(svg: str) -> list[Word]:
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    base = float(root.findall(f"{space}g")[0].get("font-size", "0"))
    out = []
    for node in root.iter(f"{space}text"):
        text = "".join(node.itertext())
        size = float(node.get("font-size", base))
        wide = text_width(text, size, bold=node.get("font-weight") is not None)
        x, anchor = float(node.get("x", "0")), node.get("text-anchor", "start")
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        out.append(Word(text, float(node.get("y", "0")), left, left + wide, size))
    return out


def texts(svg: str) -> str:
    return " ".join(word.text for word in words_of(svg))


def drawings(figure: Figure) -> Iterator[str]:
    yield figure.svg
    if figure.narrow:
        yield figure.narrow


def check(figure: Figure) -> None:
    """What holds of every figure, in both layouts."""
    ids: list[str] = []
    for svg in drawings(figure):
        root = ET.fromstring(svg)
        _, _, width, height = (float(v) for v in root.get("viewBox", "").split())
        assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
        assert root.get("role") == "img"
        labels = [root[0].get("id"), root[1].get("id")]
        assert root.get("aria-labelledby") == " ".join(str(v) for v in labels)
        assert (root[0].text, root[1].text) == (figure.title, figure.desc)
        own = re.findall(r' id="([^"]+)"', svg)
        ids += own
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(own)
        assert not re.search(r"<(script|style|image|foreignObject)|style=|href=", svg)
        words = words_of(svg)
        for word in words:
            assert word.size >= 12, word
            assert word.left >= -1, word
            assert word.right <= width, word
            assert 0 < word.y <= height, word
        for a, b in itertools.combinations(words, 2):
            near = abs(a.y - b.y) < 0.7 * min(a.size, b.size)
            assert not (near and a.left < b.right - 1 and b.left < a.right - 1), (a, b)
    assert len(ids) == len(set(ids))
    assert len(figure.table)
    assert figure.desc
