"""What holds of every kind of plot: both layouts, any size, a given width, PNG and PDF."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from every_figure import KINDS
from every_figure import fit as fit_of
from figure_checks import check, words_of
from whole import library

import equipoise as eq
from equipoise.core.errors import InputError
from equipoise.present.figures import Figure
from equipoise.present.figures.export import rendered
from equipoise.present.text import text_width

CASES = [(name, k) for name, (least, _) in KINDS.items() for k in (1, 2, 3, 12) if k >= least]


def drawn(name: str, k: int = 12) -> Figure:
    return KINDS[name][1](k)


def size_of(svg: str) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found
    return float(found[1]), float(found[2])


@pytest.mark.parametrize(("name", "k"), CASES)
def test_both_layouts_hold_all_their_words(name: str, k: int) -> None:
    figure = drawn(name, k)
    check(figure)
    width, height = size_of(figure.narrow)
    assert width == 320
    assert height > 150
    assert min(word.size for word in words_of(figure.narrow)) >= 12


@pytest.mark.parametrize("name", KINDS)
def test_a_long_name_is_cut_and_never_clipped(name: str) -> None:
    for svg in (drawn(name).svg, drawn(name).narrow):
        width = size_of(svg)[0]
        assert max(text_width(word.text, word.size) for word in words_of(svg)) < width + 30


@pytest.mark.parametrize("width", [300, 480, 640, 1100])
def test_a_given_width_is_the_only_layout(width: int) -> None:
    plots: tuple[Any, ...] = (eq.funnel, eq.radial, eq.labbe, eq.drapery)
    for draw in (*plots, eq.plot_baujat, eq.plot_influence):
        figure = draw(fit_of(12), width=width)
        check(figure)
        assert size_of(figure.svg)[0] == width
        assert not figure.narrow
    with pytest.raises(InputError, match="280 to 2000"):
        eq.radial(fit_of(12), width=100)


def chunks(png: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size]) == (
            zlib.crc32(kind + body),
        )
        found[kind] = found.get(kind, b"") + body
        at += 12 + size
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_png_is_as_large_as_the_drawing(name: str, tmp_path: Path) -> None:
    library("vl_convert", "export")
    figure = drawn(name)
    png = figure.save(tmp_path / "a.png", scale=2).read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    held = chunks(png)
    wide, high, depth, colour = struct.unpack(">IIBB", held[b"IHDR"][:10])
    width, height = size_of(figure.svg)
    assert abs(wide - 2 * width) <= 2
    assert abs(high - 2 * height) <= 2
    # At twice the size a pixel is 1/192 inch: printed, the picture has its natural size.
    assert struct.unpack(">IIB", held[b"pHYs"]) == (7559, 7559, 1)
    raw = zlib.decompress(held[b"IDAT"])
    assert (depth, colour) == (8, 6)
    assert len(raw) == high * (1 + 4 * wide)
    assert len(png) < 400_000


@pytest.mark.parametrize("name", KINDS)
def test_a_pdf_brings_its_fonts_and_its_words(name: str, tmp_path: Path) -> None:
    library("vl_convert", "export")
    figure = drawn(name)
    pdf = figure.save(tmp_path / "a.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert pdf.rstrip().endswith(b"%%EOF")
    fonts = set(re.findall(rb"/FontName\s*/([A-Z]{6}\+[\w-]+)", pdf))
    assert fonts
    assert all(b"LiberationSans" in font for font in fonts)
    assert b"/ToUnicode" in pdf
    page = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert page
    assert [float(page[1]), float(page[2])] == pytest.approx(
        [0.75 * side for side in size_of(figure.svg)], abs=1
    )
    assert len(pdf) < 400_000


def test_what_is_no_png_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(svg_to_png=lambda svg, scale: b"other bytes")
    monkeypatch.setitem(sys.modules, "vl_convert", fake)
    assert rendered("<svg/>", ".png", scale=1, where="a") == b"other bytes"
