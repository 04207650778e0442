"""Numbers as a reader sees them, and tables in every form they are written in."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.provenance import Quantity
from equipoise.core.table import (
    MINUS,
    Column,
    Link,
    Table,
    fixed,
    is_bound,
    kept,
    kind_of,
    largest_remainder,
    p_value,
    percent,
    points,
    ratio,
    show,
    significant,
    standardised,
    upper_bound,
)

finite = st.floats(-1e9, 1e9)


def q(
    value: float,
    low: float | None = None,
    high: float | None = None,
    unit: str = "points",
    id: str = "pain.effect",
) -> Quantity:
    return Quantity(id, value, unit, "Pain", "pooled", low=low, high=high)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.125, 2, "0.13"),
        (2.675, 2, "2.68"),  # a binary float that lies just below the half
        (-2.5, 0, "−3"),
        (-0.04, 1, "0.0"),
        (9999.6, 0, "10,000"),
        (-12345.678, 1, "−12,345.7"),
        (1234.5, 0, "1235"),
        (math.nan, 2, "not estimable"),
        (math.inf, 0, "infinity"),
        (-math.inf, 0, "−infinity"),
    ],
)
def test_fixed(value: float, decimals: int, text: str) -> None:
    assert fixed(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"), [(14.4, "15"), (30.000000000000004, "30"), (30.001, "31"), (-0.5, "0")]
)
def test_bounds_are_rounded_up(value: float, text: str) -> None:
    assert fixed(value, 0, up=True) == text


@given(finite, st.integers(0, 4))
def test_fixed_is_within_half_a_unit_and_never_minus_zero(value: float, decimals: int) -> None:
    text = fixed(value, decimals)
    back = Decimal(text.replace(MINUS, "-").replace(",", ""))
    slack = Decimal(abs(value)) * Decimal("1e-11") + Decimal("1e-9")
    assert abs(back - Decimal(value)) <= Decimal(5) / 10 ** (decimals + 1) + slack
    assert "-" not in text
    assert not re.fullmatch(r"−0(\.0*)?", text)


@given(st.floats(-50, 50), st.lists(st.sampled_from([0.0, 1.0, 5.0, -5.0]), max_size=3))
def test_kept_never_crosses_a_mark(value: float, marks: list[float]) -> None:
    text = kept(value, 1, marks)
    shown = float(text.split(" ")[0].replace(MINUS, "-"))
    for mark in marks:
        same = (shown > mark) - (shown < mark) == (value > mark) - (value < mark)
        assert same or "just" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.998, "0.998"),
        (0.9998, "1.00 (just below 1)"),
        (1.0002, "1.00 (just above 1)"),
        (1, "1.00"),
    ],
)
def test_kept_adds_a_digit_then_words(value: float, text: str) -> None:
    assert kept(value, 2, [1.0]) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8449, "0.84"),
        (0.0567, "0.057"),
        (0.0004, "< 0.001"),
        (0.0, "0.000"),
        (1188.2, "1188"),
        (0.996, "0.996"),
        (math.inf, "infinity"),
        (math.nan, "not estimable"),
    ],
)
def test_ratio(value: float, text: str) -> None:
    assert ratio(value) == text


def test_other_kinds() -> None:
    assert standardised(0.0567) == "0.057"
    assert standardised(-0.567) == "−0.57"
    assert points(-10.62) == "−10.6"
    assert points(-0.03) == "−0.03"
    assert points(4.96, marks=(0.0, 5.0)) == "4.96"
    assert significant(0.014213) == "0.0142"
    assert significant(0.25) == "0.25"
    assert significant(0.0) == "0"
    assert significant(1234.5) == "1235"
    assert upper_bound(0.01444) == "15"
    assert upper_bound(0.00083, 10_000) == "9"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.3, "< 1%"),
        (0.49, "< 1%"),
        (0.5, "1%"),
        (99.4, "99%"),
        (99.7, "> 99%"),
        (100.0, "100%"),
        (99.99999999999999, "100%"),
        (math.nan, "not estimable"),
    ],
)
def test_a_small_share_is_never_none_and_a_large_one_never_all(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "< 0.001"), (0.0009, "< 0.001"), (0.0496, "0.050"), (1.0, "> 0.999")]
)
def test_p_values_are_never_zero_or_one(value: float, text: str) -> None:
    assert p_value(value) == text


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8), st.integers(1, 1000))
def test_largest_remainder_adds_up_and_stays_near(parts: list[float], total: int) -> None:
    whole = math.fsum(parts)
    if whole == 0:
        with pytest.raises(InputError):
            largest_remainder(parts, total)
        return
    shares = largest_remainder(parts, total)
    assert sum(shares) == total
    assert all(abs(s - p / whole * total) < 1 + 1e-6 for s, p in zip(shares, parts, strict=True))


def test_largest_remainder_gives_the_rest_to_the_largest_then_the_first() -> None:
    assert largest_remainder((1, 1, 1), 100) == (34, 33, 33)
    assert largest_remainder((0.475, 0.475, 0.05), 10) == (5, 5, 0)
    for parts in ([], [-1, 2], [math.nan, 1], [math.inf, 1]):
        with pytest.raises(InputError, match="cannot share"):
            largest_remainder(parts, 10)


@pytest.mark.parametrize(
    ("unit", "kind"),
    [
        ("RR", "ratio"),
        ("smd", "standardised"),
        ("points (0 to 100)", "points"),
        ("per 1000", "per 1000"),
        ("people of 1000", "per 1000"),
        ("%", "percent"),
        ("p value", "p"),
        ("people", "count"),
        ("trials of surgery", "count"),
        ("litres", "plain"),
    ],
)
def test_kind_of_a_unit(unit: str, kind: str) -> None:
    assert kind_of(unit) == kind


@pytest.mark.parametrize(
    ("quantity", "text", "unit"),
    [
        (q(-5.75, -10.62, -0.88), "−5.8 (−10.6 to −0.9)", "points"),
        (q(-5.75, -10.62, -0.03), "−5.8 (−10.6 to −0.03)", "points"),
        (q(0.9998, 0.9992, 1.3, "RR"), "1.00 (0.999 to 1.30)", "RR"),
        (q(15.2, -0.4, 30.2, "per 1000", "a.excess"), "15 (−0.4 to 30)", "per 1000"),
        (q(0.4, 0.1, 2.2, "per 1000", "a.with"), "4 (1 to 22)", "per 10,000"),
        (q(0.4, 0.1, 22, "per 1000", "a.with"), "0 (0 to 22)", "per 1000"),
        (q(14.4, unit="per 1000", id="stroke.bound"), "15", "per 1000"),
        (q(320, unit="people"), "320", "people"),
        (q(3.14159, unit="visits"), "3.142", "visits"),
        (q(math.nan, unit="points"), "not estimable", "points"),
    ],
)
def test_show(quantity: Quantity, text: str, unit: str) -> None:
    shown = show(quantity)
    assert (str(shown), shown.unit) == (text, unit)


def test_show_keeps_the_side_of_thresholds() -> None:
    assert show(q(7.0, 4.96, 9.0)).interval == "5.0 to 9.0"
    assert show(q(7.0, 4.96, 9.0), marks=[5.0]).interval == "4.96 to 9.0"


def test_one_open_end_shows_no_interval() -> None:
    assert str(show(q(3.0, 1.0, None))) == "3.0"


def test_bounds_are_known_by_id_or_unit() -> None:
    assert is_bound(q(1, id="stroke.bound"))
    assert is_bound(q(1, unit="up to per 1000"))
    assert not is_bound(q(1, id="bound.effect"))


# --- tables -----------------------------------------------------------------------------------

COLUMNS = (
    Column("trial", "Trial"),
    Column("effect", "Effect", "points", "right"),
    Column("source", "Source"),
)


@pytest.fixture
def table() -> Table:
    return Table(
        "Pain & trials",
        COLUMNS,
        (
            ("A <1>", q(-5.75, -10.62, -0.88), Link("a|b", "https://example.org/?a=1&b=2")),
            ("B", -3.04, ("of ", q(320, unit="people", id="n"), " people")),
            ("C", None, ""),
        ),
        groups=((1, "Others"),),
        notes=("Read by one person.",),
    )


def test_a_row_must_fit_the_columns() -> None:
    with pytest.raises(InputError, match=r"row 1 has 2 values for 3 columns \(table 'x'\)"):
        Table("x", COLUMNS, (("a", 1.0, ""), ("b", 2.0)))


def test_columns_are_found_by_key(table: Table) -> None:
    assert table.column("trial") == ("A <1>", "B", "C")
    assert len(table) == 3
    with pytest.raises(UnknownNameError, match="'effect'"):
        table.column("efect")


def test_text_is_aligned(table: Table) -> None:
    lines = table.to_text().splitlines()
    assert lines[0] == "Pain & trials"
    assert lines[4].startswith("A <1>  −5.8 (−10.6 to −0.9)  a|b")
    assert lines[5] == "Others"
    assert lines[6].index("−3.0") + 4 == lines[4].index("  a|b")
    assert lines[7].rstrip().endswith("not reported")
    assert lines[-1] == "Read by one person."
    assert str(table) == table.to_text()


def test_markdown_escapes_bars_and_keeps_groups(table: Table) -> None:
    text = table.to_markdown()
    assert r"a\|b" in text
    assert "| *Others* |  |  |" in text
    assert "| --- | ---: | --- |" in text
    assert text.endswith("- Read by one person.")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {4}


def test_html_is_well_formed_with_scopes_and_escapes(table: Table) -> None:
    html = table.to_html(css="wide")
    root = ET.fromstring(f"<div>{html}</div>")
    assert root.findtext("table/caption") == "Pain & trials"
    assert [th.get("scope") for th in root.iter("th")] == [
        "col", "col", "col", "row", "rowgroup", "row", "row",
    ]  # fmt: skip
    assert {td.get("data-label") for td in root.iter("td")} == {"Effect", "Source"}
    assert root.find(".//a").get("href") == "https://example.org/?a=1&b=2"  # type: ignore[union-attr]
    assert "A &lt;1&gt;" in html
    assert "<li>Read by one person.</li>" in html
    assert table._repr_html_() == table.to_html()


def test_html_links_quantities_and_marks_computed_text(table: Table) -> None:
    html = table.to_html(anchor=lambda one, text: f'<a href="#{one.id}">{text}</a>', said=True)
    assert '<a href="#pain.effect">−5.8 (−10.6 to −0.9)</a>' in html
    assert 'of <a href="#n">320</a> people' in html
    assert '<span class="n">−3.0</span>' in html
    assert '<span class="n"></span>' not in html


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (12345, "12,345"), (None, "not reported")]
)
def test_plain_values(value: Any, text: str) -> None:
    table = Table("x", (Column("a", "A"),), ((value,),))
    assert table.text(value, table.columns[0]) == text


def test_records_are_unrounded(table: Table) -> None:
    first, second, third = table.records()
    assert first["effect"] == -5.75
    assert (first["effect_low"], first["effect_high"]) == (-10.62, -0.88)
    assert first["source"] == "a|b"
    assert second == {"trial": "B", "effect": -3.04, "source": "of 320 people"}
    assert third["effect"] is None


def test_frames(table: Table) -> None:
    pandas = table.to_frame("pandas")
    assert list(pandas.columns) == ["trial", "effect", "effect_low", "effect_high", "source"]
    polars = table.to_frame("polars")
    assert polars["effect"].to_list() == [-5.75, -3.04, None]
    assert type(table.to_frame()) is type(pandas)
    assert list(Table("x", COLUMNS, ()).to_frame("polars").columns) == ["trial", "effect", "source"]


def test_frames_without_a_library(table: Table) -> None:
    with pytest.raises(UnknownNameError, match="'polars'"):
        table.to_frame("polar")
    # Anew, since a library that was once imported stays known to those that asked for it.
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from equipoise.core.table import Column, Table\n"
        "Table('x', (Column('a', 'A'),), ((1,),)).to_frame('pyarrow')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "InputError: no pyarrow is installed" in done.stderr
