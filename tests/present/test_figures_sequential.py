"""The plot of a sequential synthesis: looks, boundaries, what is needed, futility."""

from __future__ import annotations

import math
import re

import pytest
from figure_checks import check, texts

from equipoise.core.errors import InputError
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.information import required_information
from equipoise.models.sequential import Sequential, sequential
from equipoise.present.figures.sequential_plot import _boundary, plot_sequential


def rows(k: int, mean: float = -0.3) -> Contrasts:
    yi = [mean + 0.2 * math.sin(3 * i) for i in range(k)]
    study = [f"Author {i} {1950 + i}" for i in range(k)]
    return contrasts(yi=yi, vi=[0.02 + 0.03 * (i % 4) for i in range(k)], study=study, measure="RR")


def looks(
    k: int, effect: float = 0.2, mean: float = -0.3, futility: str | None = None
) -> Sequential:
    return sequential(rows(k, mean), required_information(effect=effect), futility=futility)


@pytest.mark.parametrize("k", [1, 2, 12, 80])
@pytest.mark.parametrize("effect", [0.02, 0.2, 2.0])
def test_any_number_of_looks_and_any_size(k: int, effect: float) -> None:
    found = looks(k, effect, futility="OBF")
    figure = plot_sequential(found)
    check(figure)
    assert figure.svg == plot_sequential(found).svg
    assert len(figure.table) == k
    assert figure.desc == found.statement
    assert "nan" not in figure.svg


def test_a_crossing_is_a_diamond_and_is_named() -> None:
    found = looks(30)
    first = found.first_crossed
    assert first is not None
    figure = plot_sequential(found)
    assert found.label[first] in texts(figure.svg)
    assert found.label[-1] in texts(figure.svg)


def test_the_line_between_looks_is_a_boundary_too() -> None:
    found = looks(4, effect=0.1)
    line = _boundary(found)
    places, heights = [h for h, _ in line], [b for _, b in line]
    assert places == sorted(places)
    assert heights == sorted(heights, reverse=True)
    assert line[-1] == (pytest.approx(found.needed), pytest.approx(found.final_boundary))
    for held, bound in zip(found.held, found.boundary, strict=True):
        if bound <= 8.0:
            assert any(h == pytest.approx(held) and b == pytest.approx(bound) for h, b in line)


def test_futility_is_shaded_where_it_was_asked_for() -> None:
    found = looks(12, effect=0.2, mean=0.0, futility="OBF")
    assert "futile to go on" in texts(plot_sequential(found).svg)
    assert "futile" not in texts(plot_sequential(looks(12, effect=0.2, mean=0.0)).svg)


def test_what_is_needed_is_written() -> None:
    found = looks(3, effect=0.1)
    assert re.search(r"784.9 needed", texts(plot_sequential(found, title="Mine").svg))
    assert plot_sequential(found, title="Mine").title == "Mine"


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="what sequential"):
        plot_sequential(rows(2))  # type: ignore[arg-type]


def test_a_look_far_out_stands_where_it_is() -> None:
    """z of many trials may lie far beyond every boundary: the axis goes as far."""
    what = looks(80, mean=-1.0)
    assert max(abs(what.z)) > 10
    svg = plot_sequential(what).svg
    assert ">10</text>" in svg
