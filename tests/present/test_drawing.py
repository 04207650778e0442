"""The drawing layer: contrast, words that fit, and the same bytes every time."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError
from equipoise.present.drawing import (
    DARK,
    LIGHT,
    Drawing,
    colour,
    coord,
    palette_css,
    resolved,
)
from equipoise.present.text import shortened, text_width, wrap


def luminance(code: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_marks_can_be_told_from_the_paper(palette: dict[str, str]) -> None:
    for role in ("ink", "benefit", "harm", "neutral", "unknown"):
        assert contrast(palette[role], palette["paper"]) >= 4.5, role
    for ground in ("band", "soft", "warm", "good", "doubt", "bad"):
        assert contrast(palette["ink"], palette[ground]) >= 4.5, ground
    # The no-effect line and the rings of an icon array lie on the band.
    for role in ("icon", "neutral"):
        assert contrast(palette[role], palette["band"]) >= 3, role


def test_both_palettes_have_the_same_roles() -> None:
    assert LIGHT.keys() == DARK.keys()
    css = palette_css()
    assert all(css.count(f"--{role}:") == 3 for role in LIGHT)


def test_a_colour_is_a_property_with_a_fallback_that_can_be_written_out() -> None:
    assert colour("ink") == "var(--ink,#1b1f24)"
    d = Drawing("a", 100)
    d.rect(0, 0, 10, 10, fill="hatch", stroke="harm")
    text = d.svg(20, "t", "d")
    assert "var(--harm,#b34700)" in text
    assert "var(" not in resolved(text)
    assert 'stroke="#b34700"' in resolved(text)


def test_svg_is_well_formed_labelled_and_escaped() -> None:
    d = Drawing("fig-1", 200)
    d.text(0, 20, 'a < b & "c"', sup="d")
    d.begin("x < y")
    d.circle(10, 10, 3)
    d.end()
    text = d.svg(30, "Title <1>", "Finding & more")
    root = ET.fromstring(text)
    names = [child.tag.rpartition("}")[2] for child in root]
    assert names[:2] == ["title", "desc"]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "fig-1-t fig-1-d"
    assert (root[0].get("id"), root[1].get("id")) == ("fig-1-t", "fig-1-d")
    assert (root[0].text, root[1].text) == ("Title <1>", "Finding & more")
    assert not re.search(r"<(script|style|image|foreignObject)|style=|href=|@import", text)


def test_pattern_ids_carry_the_prefix() -> None:
    texts = []
    for prefix in ("one", "two"):
        d = Drawing(prefix, 50)
        d.rect(0, 0, 5, 5, fill="hatch")
        d.rect(9, 0, 5, 5, fill="hatch")
        texts.append(d.svg(10, "t", "d"))
        assert texts[-1].count(f'id="{prefix}-hatch"') == 1
        assert texts[-1].count(f"url(#{prefix}-hatch)") == 2


@pytest.mark.parametrize("prefix", ["", "1a", "a b", 'a"', "ä b"])
def test_a_prefix_that_is_no_id_is_refused(prefix: str) -> None:
    with pytest.raises(InputError, match="cannot begin an id"):
        Drawing(prefix, 100)


def test_text_too_small_to_read_is_refused() -> None:
    with pytest.raises(InputError, match="too small"):
        Drawing("a", 100).text(0, 0, "x", size=11.9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_places_off_the_paper_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="cannot draw"):
        coord(value)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (1.04, "1"), (-0.04, "0"), (12.35, "12.3"), (-3.26, "-3.3")]
)
def test_coordinates_have_one_decimal_at_most(value: float, text: str) -> None:
    assert coord(value) == text


def test_nothing_is_drawn_for_an_empty_path() -> None:
    d = Drawing("a", 10)
    before = d.svg(10, "t", "d")
    d.path("", "ink")
    assert d.svg(10, "t", "d") == before


def test_widths_are_on_the_safe_side_of_helvetica() -> None:
    # Advance widths of Helvetica in thousandths of an em, as its AFM file lists them.
    helvetica = {
        "a": 556, "e": 556, "i": 222, "l": 222, "m": 833, "n": 556, "r": 333, "s": 500,
        "t": 278, "w": 722, "A": 667, "M": 833, "W": 944, "0": 556, "9": 556, "(": 333,
        ".": 278, " ": 278, "-": 333,
    }  # fmt: skip
    for char, width in helvetica.items():
        assert text_width(char, 1000) >= 0.93 * width, char
    sample = "Chen and colleagues 2011 (29.9 to 41.0)"
    real = sum(helvetica.get(c, 556) for c in sample) / 1000 * 13
    assert real <= text_width(sample, 13) <= 1.25 * real


# The first draw of any letter builds Unicode's table, which takes a second on a slow machine.
unhurried = settings(suppress_health_check=[HealthCheck.too_slow])
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=30)


@unhurried
@given(st.lists(words, max_size=12), st.floats(40, 400), st.booleans())
def test_wrapped_lines_fit_and_lose_nothing(parts: list[str], width: float, bold: bool) -> None:
    text = " ".join(parts)
    lines = wrap(text, width, 14, bold=bold)
    assert all(text_width(line, 14, bold=bold) <= width + 1e-9 or len(line) <= 2 for line in lines)
    kept = "".join(lines).replace("-", "").replace(" ", "")
    assert kept == text.replace("-", "").replace(" ", "")


@unhurried
@given(st.lists(words, min_size=1, max_size=12), st.integers(1, 3))
def test_shortened_text_says_that_it_was_cut(parts: list[str], most: int) -> None:
    text = " ".join(parts)
    lines = shortened(text, 150, 13, most)
    assert len(lines) <= most
    assert all(text_width(line, 13) <= 150 for line in lines)
    if len(wrap(text, 150, 13)) > most:
        assert lines[-1].endswith("…")
    else:
        assert lines == wrap(text, 150, 13)


def test_a_line_does_not_break_at_a_no_break_space() -> None:
    assert wrap("group:individual:self-help", text_width("group:individual:sel", 14), 14) == [
        "group:individual:",
        "self-help",
    ]
    assert wrap("tau² 0.0142 on", text_width("tau² 0.0142", 14) - 1, 14)[0] == "tau²"
    assert wrap("Q\u00a01.69 on", 60, 14)[0] == "Q\u00a01.69"


def test_what_lies_under_comes_first_whenever_it_is_drawn() -> None:
    d = Drawing("a", 10)
    d.path("M0 0h1", "ink")
    d.path("M2 2h1", "band", under=True)
    text = d.svg(10, "t", "d")
    assert text.index("M2 2h1") < text.index("M0 0h1")
