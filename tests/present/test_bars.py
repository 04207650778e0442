"""Paired bars of points, and panels that say that nothing is known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from figure_checks import check, drawings, texts
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.errors import InputError
from equipoise.core.provenance import Quantity
from equipoise.present.exports.pictures import pictures_of
from equipoise.present.figures import Figure, not_known, paired_bars

ON = date(2026, 11, 22)


def points(
    name: str, value: float, low: float | None = None, high: float | None = None
) -> Quantity:
    return Quantity(name, value, "points", name, "from the trials", low=low, high=high)


def bars(**kw: Any) -> Figure:
    given: dict[str, Any] = {
        "without": points("without", 50.0),
        "with_": points("with", 35.3, 34.0, 36.6),
        "better": "lower",
        "scale": (0.0, 100.0),
        "threshold": 5.0,
        "reference": "adults with pain",
    }
    return paired_bars(points("d", -14.7, -16.0, -13.4), **{**given, **kw})


def words(figure: Figure) -> str:
    return texts(figure.svg)


def test_both_sides_the_difference_and_the_strip_are_drawn() -> None:
    figure = bars()
    check(figure)
    for svg in drawings(figure):
        told = texts(svg)
        for text in (
            "50.0",
            "35.3 (34.0 to 36.6)",
            "−14.7 (−16.0 to −13.4)",
            "too small to matter",
        ):
            assert text in told
    assert figure.table.column("what") == (
        "Without the treatment",
        "With the treatment",
        "Difference",
        "Smallest difference that matters",
    )


def test_a_bar_is_as_long_as_its_level() -> None:
    def length(value: float) -> float:
        svg = bars(without=points("without", value)).svg
        found = re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="20"', svg)
        return float(found[0])

    assert length(50.0) == pytest.approx(2 * length(25.0), rel=0.01)
    assert length(100.0) == pytest.approx(2 * length(50.0), rel=0.01)


def test_without_levels_only_the_difference_is_drawn() -> None:
    figure = bars(without=None)
    check(figure)
    assert "With the treatment:" not in words(figure)
    assert "Difference" in words(figure)


def test_without_a_threshold_there_is_no_strip() -> None:
    assert "too small to matter" not in words(bars(threshold=None))


@pytest.mark.parametrize("scale", [(-5.0, 5.0), (10.0, 60.0), None])
def test_other_scales_fit(scale: tuple[float, float] | None) -> None:
    figure = paired_bars(
        points("d", 1.2, -3.0, 5.4),
        without=points("without", 1.0),
        with_=points("with", 2.2, -2.0, 4.4),
        better="higher",
        scale=scale if scale is None or scale[0] < 0 else (0.0, 10.0),
    )
    check(figure)


def test_very_low_certainty_draws_a_panel_that_says_so() -> None:
    figure = bars(certainty="very low")
    check(figure)
    assert "Not known" in words(figure)
    assert "14.7" not in figure.svg


@pytest.mark.parametrize(
    "wrong", [{"better": "more"}, {"threshold": 0.0}, {"scale": (5.0, 5.0)}], ids=str
)
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        bars(**wrong)


def test_the_panel_names_what_is_not_known() -> None:
    figure = not_known("Pain", "how it changes", "p")
    check(figure)
    assert "too uncertain to say how it changes" in words(figure)


def answered(name: str) -> Answer:
    return assess(FIXTURES[name](), on=ON)


def test_a_page_pictures_points_as_bars_and_what_is_unknown_once() -> None:
    assert [f.name for f in pictures_of(answered("worth"))] == ["bars-pain"]
    assert [f.name for f in pictures_of(answered("unknown"))] == ["pictures-unknown"]
    assert pictures_of(answered("notrials")) == []


def test_three_outcomes_at_most_are_pictured() -> None:
    answer = answered("worth")
    (pain,) = answer.outcomes
    many = tuple(replace(pain, id=f"o{i}", decides=i == 4) for i in range(6))
    found = pictures_of(replace(answer, outcomes=many))
    assert len(found) == 3
    assert found[0].name == "bars-o4"
