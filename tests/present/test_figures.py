"""Figures: what they show, their table twins, and words that do not collide."""

from __future__ import annotations

import math
import random
import re
import stat
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from figure_checks import check, drawings, texts, words_of
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.provenance import Quantity
from equipoise.core.result import Interval
from equipoise.effects.contrasts import LeftOut, contrasts
from equipoise.models.pairwise import pairwise
from equipoise.present.figures import (
    certainty_dots,
    figure_css,
    forest,
    icon_array,
    parts_ladder,
    risk_light,
)
from equipoise.present.figures.axis import Axis, fit_axis

Make = Callable[..., Any]


def synthesis(make: Make, k: int, measure: str, seed: int = 3, **given: Any) -> Any:
    rng = random.Random(seed)
    if measure == "MD":
        pairs = [(rng.gauss(-5, 3), rng.uniform(2, 7)) for _ in range(k)]
    else:
        pairs = [(rng.gauss(-0.3, 0.25), rng.uniform(0.1, 0.9)) for _ in range(k)]
    return make(pairs, measure=measure, **given)


LONG = "The Collaborative Group for the Comparison of Everything With Everything Else 1999"


@pytest.mark.parametrize("measure", ["MD", "RR", "OR", "SMD"])
@pytest.mark.parametrize("k", [1, 2, 3, 30, 120])
def test_forest_of_any_size(make_pooled: Make, make_outcome: Make, k: int, measure: str) -> None:
    pooled = synthesis(make_pooled, k, measure, labels=["A 1", LONG])
    figure = forest(make_outcome(pooled))
    check(figure)
    assert len(figure.table) == k + (k > 1) + (k > 2)
    assert len(figure.svg) + len(figure.narrow) < 150_000
    for svg in drawings(figure):
        # A square a trial, and one rule of weight: nothing is left out of the drawing.
        shown = texts(svg)
        assert all(row.label in shown for row in pooled.rows if row.label != LONG)
        assert ("All" in shown) == (k > 1)
        assert ("Prediction interval" in shown) == (k > 2)


def test_forest_is_the_same_every_time(outcome: OutcomeAnswer) -> None:
    assert forest(outcome) == forest(outcome)


def test_forest_shows_the_effect_weight_bias_and_raw_numbers(outcome: OutcomeAnswer) -> None:
    figure = forest(outcome)
    for svg in drawings(figure):
        shown = texts(svg)
        for text in (
            "−5.8 (−10.6 to −0.9)",
            "−2.8 (−12.2 to 6.6)",
            "38.1 (22.0), 41 v 40.9 (21.3), 39",
            "27%",
            "too small to matter",
            "SD borrowed from Abara 1998",
            "Boström 2004 a",
            "Dube 2019 a,b",
            "I²\u00a00%",
            "All 4 trials, 320 people",
        ):
            assert text in re.sub(r" +", " ", shown), text
        for letter in "LSH?":
            assert any(w.text == letter for w in words_of(svg))


def test_table_twin_holds_every_number_unrounded(outcome: OutcomeAnswer) -> None:
    assert outcome.pooled is not None
    table = forest(outcome).table
    rows = outcome.pooled.rows
    assert table.column("trial")[:4] == tuple(r.label for r in rows)
    assert table.column("effect")[:5] == (*(r.estimate for r in rows), outcome.pooled.estimate)
    assert table.column("low")[-1] == outcome.pooled.pi_low
    assert table.column("remarks")[3] == "SD borrowed from Abara 1998; adjusted"
    assert table.column("rob")[:4] == ("low", "some concerns", "high", "not judged")
    assert any("its report gives no numbers" in note for note in table.notes)


def test_ratios_are_shown_on_the_readers_scale(ratio_outcome: OutcomeAnswer) -> None:
    figure = forest(ratio_outcome)
    assert ratio_outcome.pooled is not None
    assert figure.table.column("effect")[0] == pytest.approx(1.6)
    assert "1.60 (0.92 to 2.77)" in texts(figure.svg)
    assert "Risk ratio (log scale)" in texts(figure.svg)
    assert {"0.5", "1", "2", "5"} <= {w.text for w in words_of(figure.svg)}


@pytest.mark.parametrize(
    ("better", "first"), [("lower", "favours drug"), ("higher", "favours placebo")]
)
def test_the_ends_follow_the_direction_of_benefit(
    outcome: OutcomeAnswer, better: Any, first: str
) -> None:
    for svg in drawings(forest(outcome, better=better, sides=("drug", "placebo"))):
        left = next(w for w in words_of(svg) if w.text.startswith("← "))
        right = next(w for w in words_of(svg) if w.text.endswith(" →"))
        assert left.text == f"← {first}"
        assert {left.text[2:], right.text[:-2]} == {"favours drug", "favours placebo"}
        assert left.left < right.left


def test_the_band_of_a_binary_outcome_comes_from_the_risk(ratio_outcome: OutcomeAnswer) -> None:
    # 50 in 1000 around a risk of 300 in 1000: ratios of 250/300 and 350/300.
    figure = forest(ratio_outcome, width=720)
    band = re.search(r'd="M([\d.]+) [\d.]+H([\d.]+)V[^>]*--band', figure.svg)
    assert band is not None
    ticks = {w.text: (w.left + w.right) / 2 for w in words_of(figure.svg) if w.text in "125"}
    per_log = (ticks["5"] - ticks["1"]) / math.log(5)
    left = ticks["1"] + per_log * math.log(250 / 300)
    right = left + per_log * math.log(350 / 250)
    assert [float(v) for v in band.groups()] == pytest.approx([left, right], abs=0.3)
    unknown = replace(ratio_outcome, absolute=None)
    assert "too small" not in forest(unknown).svg


def test_a_threshold_can_be_given(outcome: OutcomeAnswer, ratio_outcome: OutcomeAnswer) -> None:
    assert "between −2.0 and 2.0" in forest(outcome, threshold=2).desc + str(
        forest(outcome, threshold=2).table.notes
    )
    assert "between 0.80 and 1.25" in str(forest(ratio_outcome, threshold=1.25).table.notes)
    assert "between 0.90 and 1.20" in str(forest(ratio_outcome, threshold=(0.9, 1.2)).table.notes)


@pytest.mark.parametrize("threshold", [1.0, 0.0, -2.0, (1.1, 1.2), (0.0, 2.0)])
def test_a_threshold_must_enclose_no_effect(ratio_outcome: OutcomeAnswer, threshold: Any) -> None:
    with pytest.raises(InputError, match="does not enclose no effect"):
        forest(ratio_outcome, threshold=threshold)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-4.0, 2.0, "whole interval is too small"),
        (-9.0, -6.0, "whole interval is large enough"),
        (-9.0, 1.0, "effects too small to matter and effects that matter"),
    ],
)
def test_the_description_states_the_finding(
    outcome: OutcomeAnswer, low: float, high: float, said: str
) -> None:
    assert outcome.pooled is not None
    changed = replace(outcome, pooled=replace(outcome.pooled, low=low, high=high))
    assert said in forest(changed).desc
    assert "4 trials with 320 people" in forest(changed).desc


def test_one_wide_interval_is_clipped_and_marked(make_pooled: Make, make_outcome: Make) -> None:
    pairs = [(-0.3 + 0.05 * i, 0.15) for i in range(6)]
    plain = forest(make_outcome(make_pooled(pairs, measure="RR")), width=720).svg
    wide = forest(make_outcome(make_pooled([*pairs, (1.2, 3.0)], measure="RR")), width=720)
    arrow = re.compile(r'<path d="M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+Z"/>')
    assert not arrow.findall(plain)
    assert len(arrow.findall(wide.svg)) == 2
    assert "3.32 (0.009 to 1188)" in texts(wide.svg)
    assert wide.table.column("high")[6] == pytest.approx(math.exp(1.2 + 1.959963984540054 * 3))


def scale_of(svg: str, one: str, other: str) -> Callable[[float], float]:
    """From values to places, read off two ticks of a linear axis."""
    ticks = {w.text: (w.left + w.right) / 2 for w in words_of(svg)}
    a, b = (float(t.replace("−", "-")) for t in (one, other))
    per = (ticks[other] - ticks[one]) / (b - a)
    return lambda value: ticks[one] + per * (value - a)


@pytest.mark.parametrize("layout", [0, 1])
def test_marks_lie_where_the_numbers_are(outcome: OutcomeAnswer, layout: int) -> None:
    svg = list(drawings(forest(outcome)))[layout]
    pooled = outcome.pooled
    assert pooled is not None
    at = scale_of(svg, "−20", "0")
    squares = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="\2"/>', svg)
    assert len(squares) == pooled.k
    most = max(row.weight for row in pooled.rows)
    for (x, side), row in zip(squares, pooled.rows, strict=True):
        assert float(x) + float(side) / 2 == pytest.approx(at(row.estimate), abs=0.2)
        assert (float(side) / 13) ** 2 == pytest.approx(row.weight / most, abs=0.02)
    diamond = re.search(
        r'd="M([\d.]+) [\d.]+L([\d.]+) [\d.]+L([\d.]+) [\d.]+L[\d.]+ [\d.]+Z"'
        r' fill="var\(--neutral',
        svg,
    )
    assert diamond is not None
    for place, value in zip(
        diamond.groups(), (pooled.low, pooled.estimate, pooled.high), strict=True
    ):
        assert float(place) == pytest.approx(at(value), abs=0.2)
    bar = re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="8" fill="url', svg)
    assert bar is not None
    assert pooled.pi_low is not None
    assert pooled.pi_high is not None
    assert float(bar[1]) == pytest.approx(at(pooled.pi_low), abs=0.2)
    assert float(bar[1]) + float(bar[2]) == pytest.approx(at(pooled.pi_high), abs=0.3)
    starts = [float(v) for v in re.findall(r'd="M([\d.]+) ', svg)]
    for row in pooled.rows:
        assert any(abs(start - at(row.low)) < 0.2 for start in starts), row.label


@pytest.mark.parametrize("measure", ["MD", "OR"])
def test_infinite_intervals_are_drawn_to_the_edge(
    make_pooled: Make, make_outcome: Make, measure: str
) -> None:
    pooled = synthesis(make_pooled, 3, measure)
    open_row = replace(pooled.rows[1], low=-math.inf, high=math.inf)
    pooled = replace(
        pooled,
        rows=(pooled.rows[0], open_row, pooled.rows[2]),
        pi_low=-math.inf,
        pi_high=math.inf,
    )
    figure = forest(make_outcome(pooled))
    check(figure)
    assert "infinity)" in texts(figure.svg)
    assert "inf" not in re.sub("infinity", "", figure.svg)


def test_raw_numbers_too_long_for_a_line_get_one_a_side(
    make_pooled: Make, make_outcome: Make
) -> None:
    raw = [("31.4 (26.6 to 40.2), 1054", "37.0 (25.1 to 48.8), 1056")] * 3
    figure = forest(make_outcome(synthesis(make_pooled, 3, "MD", raw=raw)))
    check(figure)
    assert any(w.text == f"{raw[0][0]} v" for w in words_of(figure.svg))
    assert any(w.text == raw[0][1] for w in words_of(figure.svg))


def test_an_outcome_without_numbers_says_so(empty_outcome: OutcomeAnswer) -> None:
    figure = forest(empty_outcome)
    assert "No trial gave usable numbers" in texts(figure.svg)
    assert "no spread" in str(figure.table.notes)
    assert not len(figure.table)


def test_a_long_name_is_shortened_in_the_drawing_and_whole_in_the_table(
    make_pooled: Make, make_outcome: Make
) -> None:
    name = " ".join([LONG] * 3)
    figure = forest(make_outcome(synthesis(make_pooled, 3, "MD", labels=[name])))
    check(figure)
    assert "…" in figure.svg
    assert f"<title>{name}</title>" in figure.svg
    assert figure.table.column("trial")[0] == name


def test_many_remarks_stand_in_the_table(make_pooled: Make, make_outcome: Make) -> None:
    flags = [(f"remark number {i}",) for i in range(12)]
    figure = forest(make_outcome(synthesis(make_pooled, 12, "MD", flags=flags)))
    check(figure)
    assert "stand in the table" in figure.svg
    assert "remark number 7" not in figure.svg
    assert figure.table.column("remarks")[7] == "remark number 7"


def test_columns_can_be_left_out(outcome: OutcomeAnswer) -> None:
    figure = forest(outcome, columns=("effect",))
    check(figure)
    for svg in drawings(figure):
        assert "27%" not in texts(svg)
        assert "40.9 (21.3)" not in texts(svg)
        assert "−2.8 (−12.2 to 6.6)" in texts(svg)
    assert figure.table.column("weight")
    with pytest.raises(UnknownNameError, match="weight"):
        forest(outcome, columns=("wieght",))


def test_widths(outcome: OutcomeAnswer) -> None:
    assert not forest(outcome, width=320).narrow
    narrow = forest(outcome, width=320)
    check(narrow)
    check(forest(outcome, width=1000))
    assert 'width="320"' in narrow.svg
    with pytest.raises(InputError, match="280 to 2000"):
        forest(outcome, width=200)


def a_fit(**given: Any) -> Any:
    fit = SimpleNamespace(
        study=("A 2001", "B 2002", "C 2003"),
        yi=np.array([-0.4, -0.1, -0.2]),
        vi=np.array([0.04, 0.02, 0.09]),
        weights=np.array([27.0, 54.0, 19.0]),
        measure="RR",
        model="random",
        estimate=-0.2,
        ci=Interval(-0.4, 0.0),
        pi=Interval(-0.8, 0.4),
        level=0.95,
        k=3,
        tau2=0.01,
        tau2_method="REML",
        i2=12.0,
        q=2.3,
        q_df=2,
        q_p=0.32,
        notes=("a guard was applied",),
        left_out=(LeftOut("D 2004", "no events in either group"),),
    )
    return SimpleNamespace(**(vars(fit) | given))


def test_forest_of_a_fit() -> None:
    figure = forest(a_fit(), threshold=(0.9, 1.1))
    check(figure)
    assert [c.key for c in figure.table.columns] == [
        "trial",
        "effect",
        "low",
        "high",
        "weight",
        "remarks",
    ]
    assert figure.table.column("low")[0] == pytest.approx(math.exp(-0.4 - 1.959963984540054 * 0.2))
    assert "lower with treatment" in texts(figure.svg)
    assert "favours" not in texts(figure.svg)
    assert "favours treatment" in texts(forest(a_fit(), better="lower").svg)
    assert "Left out: D 2004, no events in either group." in figure.table.notes
    assert "a guard was applied" in figure.table.notes
    for svg in drawings(figure):
        assert "D 2004 a not estimable" in re.sub(" +", " ", texts(svg))
        assert "Not estimable: no events in either group." in texts(svg)
    assert "(random effects, REML)" in str(figure.table.notes[0]).replace("\u00a0", " ")
    check(forest(a_fit(pi=None)))
    assert "Prediction" not in forest(a_fit(pi=None)).svg


def test_forest_of_what_pairwise_gives() -> None:
    es = contrasts(yi=[-0.4, -0.1, 0.2], vi=[0.04, 0.02, 0.09], study=["A", "B", "C"], measure="RR")
    fit = pairwise(es)
    figure = forest(fit, better="lower")
    check(figure)
    assert figure.table.column("effect")[3] == pytest.approx(math.exp(fit.estimate))
    assert figure.table.column("low")[3] == pytest.approx(math.exp(fit.ci.low))
    assert math.fsum(figure.table.column("weight")[:3]) == pytest.approx(100)  # type: ignore[arg-type]
    assert "lower is better" in figure.desc.lower()


def test_a_narrower_level_is_used_for_the_trials_too() -> None:
    table = forest(a_fit(level=0.9)).table
    assert table.column("low")[0] == pytest.approx(math.exp(-0.4 - 1.6448536269514722 * 0.2))
    assert "90% interval" in table.columns[2].label


def test_forest_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(InputError, match="cannot be drawn of a list"):
        forest([1, 2])  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="RR"):
        forest(a_fit(measure="rr"))
    with pytest.raises(InputError, match="better"):
        forest(a_fit(), better="up")  # type: ignore[arg-type]


# --- alone, added, together -------------------------------------------------------------------


def test_ladder_shows_estimates_and_refusal(answer: Answer) -> None:
    figure = parts_ladder(answer)
    check(figure)
    for svg in drawings(figure):
        shown = texts(svg)
        assert "−7.9 (−16.1 to 0.3) points" in shown
        assert "35% compared directly" in shown
        assert "all of it compared directly" in shown
        assert "no trial compared mud packs and exercises" in shown
        assert "too small to matter" in shown
        assert svg.count("<circle") == 2
    assert figure.table.column("part") == (
        "Alone",
        "Added to other care",
        "Together with other care",
    )
    assert figure.table.to_text().count("cannot be told") == 3
    assert figure.table.column("effect")[1] is answer.added.estimates[0].absolute.difference  # type: ignore[union-attr]
    assert "cannot be told" in figure.desc


def test_ladder_bars_and_marks_lie_where_the_numbers_are(answer: Answer) -> None:
    svg = parts_ladder(answer).svg
    bars = re.findall(r'<rect x="6" y="[\d.]+" width="([\d.]+)" height="11"([^>]*)/>', svg)
    full = {float(width) for width, paint in bars if "stroke" in paint}
    solid = [float(width) for width, paint in bars if "stroke" not in paint and "neutral" in paint]
    assert len(full) == 1
    assert [width / full.pop() for width in solid[:1]] == pytest.approx([0.35])
    assert len(solid) == 2
    at = scale_of(svg, "−15", "5")
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    assert dots == pytest.approx([at(-7.9), at(-6.2)], abs=0.2)
    band = re.search(r'd="M([\d.]+) [\d.]+H([\d.]+)V[^>]*--band', svg)
    assert band is not None
    assert [float(v) for v in band.groups()] == pytest.approx([at(-5), at(5)], abs=0.2)


def test_ladder_when_nothing_can_be_told(answer: Answer) -> None:
    silent = replace(
        answer,
        alone=replace(answer.alone, estimates=(), answerable=False, sentence="Nobody tested it."),
        added=replace(answer.added, estimates=(), answerable=True),
    )
    figure = parts_ladder(silent)
    check(figure)
    assert "Nobody tested it." in texts(figure.svg)
    assert "Cannot be told for this outcome." in texts(figure.svg)
    assert "favours" not in texts(figure.svg)


def test_ladder_in_ratios_where_no_risk_is_known(answer: Answer) -> None:
    def ratio(part: Any) -> Any:
        one = part.estimates[0]
        effect = replace(one.effect, value=0.8, low=0.5, high=1.2, unit="RR")
        return replace(part, estimates=(replace(one, effect=effect, absolute=None),))

    changed = replace(answer, alone=ratio(answer.alone), added=ratio(answer.added))
    figure = parts_ladder(changed)
    check(figure)
    assert "0.80 (0.50 to 1.20) RR" in texts(figure.svg)
    assert "Risk ratio (log scale)" in texts(figure.svg)
    assert "too small to matter" not in figure.svg


@pytest.mark.parametrize(("share", "said"), [(0.0, "none compared directly"), (1.0, "all of it")])
def test_ladder_words_the_share_at_its_ends(answer: Answer, share: float, said: str) -> None:
    one = replace(answer.alone.estimates[0], direct_share=share)
    changed = replace(answer, alone=replace(answer.alone, estimates=(one,)))
    assert said in texts(parts_ladder(changed).svg)


# --- icon arrays ------------------------------------------------------------------------------


def risk(value: float, low: float | None = None, high: float | None = None) -> Quantity:
    return Quantity("x.with", value, "per 1000", "x", "y", low=low, high=high)


def icons(svg: str) -> list[int]:
    """How many icons each path of an array of 100 holds."""
    found = re.findall(r'<path d="((?:M[\d.]+ [\d.]+[al][^M"]*z)+)"', svg)
    return [d.count("z") for d in found]


def test_icons_add_up_to_the_denominator() -> None:
    figure = icon_array(risk(300), risk(404, 279, 582), better="higher", event="improve")
    check(figure)
    for svg in drawings(figure):
        # Two panels, then one icon of each kind in the legend.
        assert icons(svg) == [30, 70, 30, 10, 60, 1, 1, 1]
        assert "40 of 100 improve (could be 28 to 58)" in texts(svg)
    assert figure.table.column("event") == (30, 40)
    assert figure.table.column("rest") == (70, 60)
    assert figure.table.column("high") == (None, 58)


@pytest.mark.parametrize(
    ("better", "without", "with_", "role", "words"),
    [
        ("lower", 0.3, 0.2, "benefit", "10 fewer"),
        ("lower", 0.2, 0.3, "harm", "10 more"),
        ("higher", 0.2, 0.3, "benefit", "10 more"),
        ("higher", 0.3, 0.2, "harm", "10 fewer"),
    ],
)
def test_icons_say_whether_the_difference_is_good(
    better: Any, without: float, with_: float, role: str, words: str
) -> None:
    figure = icon_array(without, with_, better=better)
    check(figure)
    assert f"--{role}," in figure.svg
    assert f"--{ {'benefit': 'harm', 'harm': 'benefit'}[role] }," not in figure.svg
    assert f"{words} have it than without the treatment" in texts(figure.svg)


def test_a_thousand_icons_stay_small() -> None:
    figure = icon_array(risk(30), risk(44, 20, 82), better="lower", denominator=1000)
    check(figure)
    assert len(figure.svg) < 8000
    assert figure.table.column("event") == (30, 44)
    squares = re.search(r'<path d="([^"]+)"[^>]*stroke-dasharray="([\d.]+) ([\d.]+)"', figure.svg)
    assert squares is not None
    cell = float(squares[2]) + float(squares[3])
    lengths = [float(v) for v in re.findall(r"h([\d.]+)", squares[1])]
    assert sum(lengths) / cell == pytest.approx(30)


def test_no_difference_draws_no_changed_icons() -> None:
    figure = icon_array(0.25, 0.25, better="lower")
    check(figure)
    assert "because of" not in figure.svg
    assert "No difference" in figure.desc


@pytest.mark.parametrize("pair", [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (0.005, 0.004)])
def test_icons_at_the_edges(pair: tuple[float, float]) -> None:
    figure = icon_array(*pair, better="lower")
    check(figure)
    assert sum(icons(figure.svg)[:-1]) >= 200


def test_very_low_certainty_draws_no_array() -> None:
    figure = icon_array(0.3, 0.2, better="lower", certainty="very low")
    check(figure)
    assert not icons(figure.svg)
    assert "Not known" in texts(figure.svg)
    assert figure.table.rows == (("not known",),)


def test_icons_refuse_what_is_no_risk() -> None:
    with pytest.raises(InputError, match="not a risk"):
        icon_array(1.2, 0.1, better="lower")
    with pytest.raises(InputError, match="not a number of people"):
        icon_array(Quantity("a", 3.0, "points", "", ""), 0.1, better="lower")
    with pytest.raises(InputError, match="100 or 1000"):
        icon_array(0.1, 0.1, better="lower", denominator=50)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="better"):
        icon_array(0.1, 0.1, better="less")  # type: ignore[arg-type]


@settings(max_examples=40)
@given(st.floats(0, 1), st.floats(0, 1))
def test_icons_agree_with_their_table(a: float, b: float) -> None:
    figure = icon_array(a, b, better="lower")
    events = [int(v) for v in figure.table.column("event")]  # type: ignore[arg-type]
    assert [abs(e - 100 * r) <= 0.5 + 1e-9 for e, r in zip(events, (a, b), strict=True)]
    drawn = icons(figure.svg)
    assert sum(drawn) == 200 + (3 if events[0] != events[1] else 2)


# --- small marks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "filled", "words"),
    [
        ("high", 4, "We are confident"),
        ("moderate", 3, "We are moderately confident"),
        ("low", 2, "We have little confidence"),
        ("very low", 1, "We are not confident"),
        (None, 0, "No evidence to be sure of"),
    ],
)
def test_certainty_dots(level: Any, filled: int, words: str) -> None:
    figure = certainty_dots(level)
    check(figure)
    assert figure.svg.count("<circle") == 4
    assert figure.svg.count('r="5.5" fill="var(--paper') == 4 - filled
    assert texts(figure.svg) == words
    assert figure.table.column("dots") == (filled,)


def test_unknown_levels_offer_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="moderate"):
        certainty_dots("moderat")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="some concerns"):
        risk_light("some concern")


@pytest.mark.parametrize("level", ["low", "some concerns", "high", "not judged"])
def test_risk_of_bias_has_a_letter_and_words(level: str) -> None:
    figure = risk_light(level)
    check(figure)
    assert level in texts(figure.svg)


# --- files and pages --------------------------------------------------------------------------


def test_save_writes_a_file_that_stands_alone(outcome: OutcomeAnswer, tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    assert forest(outcome).save(target) == target
    text = target.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert "var(" not in text
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IRUSR
    before = target.read_bytes()
    forest(outcome).save(str(target))
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


@pytest.mark.parametrize("name", ["a.png", "a.PDF", "a"])
def test_save_names_the_extra_for_other_formats(
    outcome: OutcomeAnswer, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(InputError, match=r"\[export\]"):
        forest(outcome).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_save_gives_the_converter_plain_colours(
    outcome: OutcomeAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, Any]] = []

    def png(svg: str, scale: float) -> bytes:
        seen.append((svg, scale))
        return b"png"

    def pdf(svg: str) -> bytes:
        seen.append((svg, None))
        return b"pdf"

    fake = SimpleNamespace(svg_to_png=png, svg_to_pdf=pdf)
    monkeypatch.setitem(sys.modules, "vl_convert", fake)
    figure = forest(outcome)
    assert figure.save(tmp_path / "a.png", scale=2).read_bytes() == b"png"
    assert figure.save(tmp_path / "a.pdf").read_bytes() == b"pdf"
    assert [scale for _, scale in seen] == [2, None]
    assert all("var(" not in svg for svg, _ in seen)
    with pytest.raises(InputError, match="scale"):
        figure.save(tmp_path / "b.png", scale=0)


def test_save_leaves_nothing_behind_when_it_fails(
    outcome: OutcomeAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("equipoise.present.figures.figure.os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        forest(outcome).save(tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_html_holds_both_layouts_and_the_table(outcome: OutcomeAnswer) -> None:
    html = forest(outcome, prefix="pain").to_html()
    root = ET.fromstring(html)
    assert [child.get("class") for child in root] == ["wide", "narrow", None]
    assert html.count("<table") == 1
    assert "<caption>" in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    notebook = forest(outcome)._repr_html_()
    assert notebook.count("<svg") == 1
    assert "<table" in notebook
    assert forest(outcome)._repr_svg_() == forest(outcome).svg
    assert "container" in figure_css()
    assert repr(forest(outcome)) == "<Figure forest: Neck pain: every trial and all together>"


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_tables_become_frames(answer: Answer, outcome: OutcomeAnswer, backend: str) -> None:
    for figure in (
        forest(outcome),
        forest(a_fit()),
        parts_ladder(answer),
        icon_array(risk(300), risk(404, 279, 582), better="higher"),
    ):
        frame = figure.table.to_frame(backend)
        assert len(frame) == len(figure.table)


# --- axes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.1, 10.0, ["0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        (0.5, 2.0, ["0.5", "1", "2"]),
        (0.001, 1000.0, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
    ],
)
def test_log_ticks_are_round(low: float, high: float, labels: list[str]) -> None:
    axis = Axis(math.log(low), math.log(high), 0, 320, log=True)
    assert [text for _, text in axis.ticks()] == labels


def test_linear_ticks_are_round() -> None:
    assert [t for _, t in Axis(-12, 7, 0, 200, log=False).ticks()] == ["−10", "−5", "0", "5"]
    assert [t for _, t in Axis(-0.03, 0.011, 0, 240, log=False).ticks()] == [
        "−0.03",
        "−0.02",
        "−0.01",
        "0.00",
        "0.01",
    ]


number = st.floats(-1e3, 1e3)


@given(
    st.lists(st.tuples(number, st.floats(1e-3, 1e3)), min_size=1, max_size=12),
    st.booleans(),
    st.floats(0.01, 100),
)
def test_axes_hold_what_they_must(
    pairs: list[tuple[float, float]], log: bool, small: float
) -> None:
    scale = 0.005 if log else 1.0
    points = [p * scale for p, _ in pairs]
    bounds = [((p - w) * scale, (p + w) * scale) for p, w in pairs]
    keep = (-small * scale, small * scale)
    axis = fit_axis(points, bounds, null=0.0, left=10, right=250, log=log, keep=keep)
    assert all(axis.holds(v) for v in (0.0, *keep))
    assert all(10 <= axis.at(v) <= 250 for v in (*points, *sum(bounds, ())))
    ticks = axis.ticks()
    values = [v for v, _ in ticks]
    assert values == sorted(values)
    assert all(axis.low - 1e-6 <= v <= axis.high + 1e-6 for v in values)
    assert len({text for _, text in ticks}) == len(ticks)
    assert 1 <= len(ticks) <= 10


def test_infinite_bounds_are_clipped() -> None:
    axis = fit_axis(
        [0.2], [(-math.inf, math.inf)], null=0.0, left=0, right=100, log=True, keep=[-math.inf]
    )
    assert (axis.at(-math.inf), axis.at(math.inf)) == (0, 100)
    assert math.isfinite(axis.low)
    assert math.isfinite(axis.high)


@pytest.mark.parametrize(
    ("low", "high", "ends", "ticks"),
    [
        (0.99, 1.02, (0.95, 1.05), ["0.96", "0.98", "1", "1.02", "1.04"]),
        (0.93, 1.02, (0.9, 1.1), ["0.9", "0.95", "1", "1.05", "1.1"]),
        (0.85, 1.02, (0.7, 1.5), ["0.7", "1", "1.5"]),
    ],
)
def test_ratios_near_1_fill_their_axis(
    low: float, high: float, ends: tuple[float, float], ticks: list[str]
) -> None:
    bounds = [(math.log(low), math.log(high))] * 3
    axis = fit_axis([0.0] * 3, bounds, null=0.0, left=0, right=400, log=True)
    assert [math.exp(axis.low), math.exp(axis.high)] == pytest.approx(ends)
    assert [text for _, text in axis.ticks()] == ticks


def test_a_far_point_is_clipped_only_when_it_would_squeeze_the_rest() -> None:
    near = [(p, (p - 1, p + 1)) for p in (-0.5, 0.0, 0.5)]

    def axis(far: float) -> Axis:
        pairs = [*near, (far, (far - 1, far + 1))]
        points, bounds = [p for p, _ in pairs], [b for _, b in pairs]
        return fit_axis(points, bounds, null=0, left=0, right=1, log=False)

    assert axis(7.0).holds(7.0)
    assert not axis(60.0).holds(60.0)
