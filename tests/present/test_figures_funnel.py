"""Funnel plots: points and limits where the numbers are, contours, trim and fill, few trials."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from figure_checks import check, drawings, texts, words_of

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError


def effects(k: int, measure: str = "OR", scale: float = 1.0, seed: int = 4) -> Any:
    rng = random.Random(seed)
    sei = [rng.uniform(0.08, 0.7) * scale for _ in range(k)]
    yi = [0.3 * scale + rng.gauss(0, s) + 0.8 * s for s in sei]
    names = ["A trial with a name so long that it cannot stand beside its point"] * (k > 0)
    names += [f"Trial {i}" for i in range(1, k)]
    return eq.contrasts(yi=yi, vi=[s * s for s in sei], study=names, measure=measure)


@pytest.mark.parametrize("upright", ["se", "variance", "precision"])
@pytest.mark.parametrize("measure", ["OR", "MD", "SMD"])
@pytest.mark.parametrize("k", [1, 2, 30, 120])
def test_every_size_axis_and_measure(k: int, measure: str, upright: Any) -> None:
    figure = eq.funnel(eq.pairwise(effects(k, measure)), upright=upright, names=True)
    check(figure)
    assert len(figure.table) == k
    for svg in drawings(figure):
        assert svg.count("<circle") == k
        assert ("fewer than ten" in texts(svg)) == (k < 10)
    assert len(figure.svg) + len(figure.narrow) < 150_000


@pytest.mark.parametrize("power", [-9, -3, 0, 5])
def test_units_do_not_matter(power: int) -> None:
    check(eq.funnel(eq.pairwise(effects(12, "MD", 10.0**power))))


def places(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]


def scale_along(svg: str, words: tuple[str, str], axis: str) -> Any:
    """From a value to its place, read off two ticks."""
    found = {w.text: w for w in words_of(svg) if w.text in words}
    at = [
        (found[w].left + found[w].right) / 2 if axis == "x" else found[w].y - 0.35 * 13
        for w in words
    ]
    a, b = (float(w.replace("−", "-")) for w in words)
    return lambda v: at[0] + (v - a) * (at[1] - at[0]) / (b - a)


def test_points_lie_where_the_numbers_are() -> None:
    es = eq.contrasts(yi=[-1.0, 0.5, 2.0], vi=[0.04, 0.09, 1.0], study=list("ABC"), measure="MD")
    svg = eq.funnel(es, width=720).svg
    x, y = scale_along(svg, ("−1.0", "2.0"), "x"), scale_along(svg, ("0.2", "0.8"), "y")
    for (px, py), value, se in zip(places(svg), es.yi, np.sqrt(es.vi), strict=True):
        assert px == pytest.approx(x(float(value)), abs=0.6)
        assert py == pytest.approx(y(float(se)), abs=0.6)


def test_limits_and_contours_lie_where_the_numbers_are() -> None:
    es = eq.contrasts(
        yi=[-1.0, 0.5, 2.0, 4.0], vi=[0.04, 0.09, 1.0, 1.0], study=list("ABCD"), measure="MD"
    )
    fit = eq.pairwise(es, model="common")
    svg = eq.funnel(fit, width=720, contours=(0.05,)).svg
    x = scale_along(svg, ("0", "1"), "x")
    y = scale_along(svg, ("0.0", "1.0"), "y")
    lines = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)" fill="none"[^>]*5 4', svg)
    assert len(lines) == 2
    for line, way in zip(lines, (-1, 1), strict=True):
        tip_x, tip_y, end_x, end_y = (float(v) for v in line)
        assert (tip_x, tip_y) == pytest.approx((x(fit.estimate), y(0.0)), abs=0.6)
        se = (end_y - y(0.0)) / (y(1.0) - y(0.0))
        assert end_x == pytest.approx(x(fit.estimate + way * 1.959963984540054 * se), abs=0.8)
    inner = re.search(r'<path d="M([\d. L]+)z" fill="var\(--paper', svg)
    assert inner is not None
    corners = [tuple(float(v) for v in p.split()) for p in inner[1].split("L")]
    assert any(c == pytest.approx((x(0.0), y(0.0)), abs=0.6) for c in corners)


def test_trials_filled_in_are_hollow() -> None:
    found = eq.trim_fill(eq.pairwise(effects(25)), side="left")
    assert found.k0 > 0
    figure = eq.funnel(found)
    check(figure)
    assert figure.svg.count('fill="var(--paper,#ffffff)" stroke="var(--ink') == found.k0
    assert f"{found.k0} filled in" in figure.desc
    assert figure.table.column("where").count("filled in") == found.k0
    assert "trim and fill" in texts(figure.narrow)


def test_the_description_compares_precise_with_small_trials() -> None:
    desc = eq.funnel(effects(20)).desc
    halves = re.search(r"more precise half averages (\S+), the less precise half (\S+)\.", desc)
    assert halves is not None
    assert float(halves[1]) < float(halves[2])


def test_people_as_the_upright_axis() -> None:
    es = eq.effect_sizes(
        "RR", events1=[4, 6, 9], n1=[40, 60, 90], events2=[8, 9, 12], n2=[40, 60, 90]
    )
    figure = eq.funnel(eq.pairwise(es), upright="n")
    check(figure)
    assert figure.table.column("n") == (80, 120, 180)
    assert "Dashed" not in texts(figure.svg)
    with pytest.raises(InputError, match="not known"):
        eq.funnel(effects(4), upright="n")


def test_names() -> None:
    fit = eq.pairwise(effects(15))
    assert "Trial 3" in texts(eq.funnel(fit, names=["Trial 3"]).svg)
    assert "Trial 3" not in texts(eq.funnel(fit).svg)
    with pytest.raises(UnknownNameError, match="Trial 3"):
        eq.funnel(fit, names=["Trial 33"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"upright": "sei"}, "known: se, variance"),
        ({"contours": (0.5, 0.4, 0.3, 0.2, 0.1, 0.05)}, "5 or fewer"),
        ({"contours": (1.5,)}, "contour"),
        ({"width": 10}, "280 to 2000"),
        ({"center": math.nan}, "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        eq.funnel(effects(5), **given)


def test_only_a_synthesis_has_a_funnel() -> None:
    with pytest.raises(InputError, match="cannot be drawn of a list"):
        eq.funnel([1, 2])  # type: ignore[arg-type]


def test_the_same_bytes_every_time() -> None:
    assert eq.funnel(effects(11)) == eq.funnel(effects(11))
