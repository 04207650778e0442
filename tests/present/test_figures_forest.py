"""Forest plots of fits: order, subgroups, columns, bias, axes; and words that never collide."""

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
from equipoise.effects.blocks import Contrasts
from equipoise.present.figures.axis import Axis

LONG = "The Collaborative Group for the Comparison of Everything With Everything Else 1999"
YEARS = [1993, 2001, 1988, 2015]


def binary(k: int, measure: str = "RR", seed: int = 1, names: Any = None) -> Any:
    rng = random.Random(seed)
    n1 = [rng.randint(20, 60_000 if i == 1 else 900) for i in range(k)]
    n2 = [rng.randint(20, 900) for _ in range(k)]
    events1 = [rng.randint(1, max(2, n // 4)) for n in n1]
    events2 = [rng.randint(1, max(2, n // 3)) for n in n2]
    study = names or [LONG if i == 0 else f"Trial {i}, {1950 + i}" for i in range(k)]
    return eq.effect_sizes(measure, events1=events1, n1=n1, events2=events2, n2=n2, study=study)


def continuous(k: int, measure: str = "MD", scale: float = 1.0, seed: int = 2) -> Any:
    rng = random.Random(seed)

    def column(low: float, high: float) -> list[float]:
        return [scale * rng.uniform(low, high) for _ in range(k)]

    def people() -> list[int]:
        return [rng.randint(8, 400) for _ in range(k)]

    return eq.effect_sizes(
        measure,
        mean1=column(20, 60),
        sd1=column(5, 30),
        n1=people(),
        mean2=column(20, 60),
        sd2=column(5, 30),
        n2=people(),
        study=[LONG if i == 0 else f"Trial {i}, {1950 + i}" for i in range(k)],
    )


def effects(k: int, measure: str) -> Any:
    return continuous(k, measure) if measure in ("MD", "SMD") else binary(k, measure)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD", "MD", "SMD"])
@pytest.mark.parametrize("k", [1, 2, 30, 120])
def test_every_size_and_measure(k: int, measure: str) -> None:
    es = effects(k, measure)
    fit = eq.pairwise(es)
    figure = eq.forest(
        fit,
        better="lower",
        sides=("a treatment with a long name", "usual care"),
        by=["one", "a subgroup with a name that is far too long to stand in one line"] * (k // 2)
        if k % 2 == 0
        else None,
        left={"Country of the first author": ["the United States of America, and others"] * k},
        right={"Dose, mg": [12.5] * k},
        rob=["++?x-", "x++++"] * (k // 2) + ["+++++"] * (k % 2),
        summaries=[eq.pairwise(es, model="common")],
    )
    check(figure)
    assert len(figure.svg) < 250_000
    assert len(eq.forest(fit).svg) < 150_000
    for svg in drawings(figure):
        assert texts(svg).count("Trial ") >= k - 1


@pytest.mark.parametrize("width", [300, 520, 640, 720, 1200])
def test_a_given_width_is_kept_and_columns_give_way(width: int) -> None:
    fit = eq.pairwise(continuous(6))
    figure = eq.forest(fit, width=width, rob=["+++++++"] * 6, left={"Long heading": ["x"] * 6})
    check(figure)
    assert f'viewBox="0 0 {width} ' in figure.svg
    assert figure.narrow == ""


@pytest.mark.parametrize("power", [-6, -3, 0, 4])
def test_tiny_and_huge_numbers(power: int) -> None:
    check(eq.forest(eq.pairwise(continuous(5, scale=10.0**power))))


def test_intervals_far_apart_are_clipped_with_arrows() -> None:
    vi = [1e-4, 1e-4, 2e-4, 400.0, 1e-12]
    es = eq.contrasts(yi=[0.1, 0.12, -0.1, 40.0, 0.05], vi=vi, study=list("ABCDE"), measure="RR")
    figure = eq.forest(es)
    check(figure)
    arrow = r'<path d="M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+Z"/>'
    assert re.search(arrow, figure.svg)


def order_of(figure: Any) -> list[str]:
    return [str(v) for v in figure.table.column("trial")]


def test_orders() -> None:
    names = [f"{a} {y}" for a, y in zip("dbca", YEARS, strict=True)]
    es = eq.contrasts(yi=[0.3, -0.2, 0.1, 0.0], vi=[0.1, 0.2, 0.05, 0.3], study=names, measure="OR")
    fit = eq.pairwise(es)
    d, b, c, a = names
    for order, expected in {
        "given": names,
        "year": [c, d, b, a],
        "effect": [b, a, c, d],
        "precision": [a, b, d, c],
        "weight": [a, b, d, c],
        "label": [a, b, c, d],
    }.items():
        assert order_of(eq.forest(fit, order=order))[:4] == expected, order
    assert order_of(eq.forest(fit, order="effect", descending=True))[:4] == [d, c, a, b]
    assert order_of(eq.forest(fit, order=[3, 1, None, 2]))[:4] == [b, a, d, c]
    assert order_of(eq.forest(fit, order={a: 1, b: 2, c: 3, d: 4}))[:4] == [a, b, c, d]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"order": "size"}, UnknownNameError, "precision"),
        ({"order": [1, 2]}, InputError, "2 values for 3 trials"),
        ({"order": [1, "a", 2]}, InputError, "sorted together"),
        ({"order": "year"}, InputError, "no year"),
        ({"left": {"Dose": [1, 2]}}, InputError, "column 'Dose'"),
        ({"left": {"Dose": {"Z": 1}}}, UnknownNameError, "trial 'Z'"),
        ({"left": {"Dose": "abc"}}, InputError, "one value for each trial"),
        ({"rob": ["++", "+", "?"]}, InputError, "1 and 2 levels"),
        ({"rob": ["low", "hihg", "low"]}, UnknownNameError, "high"),
        ({"rob": ["++"] * 3, "domains": ["one"]}, InputError, "1 names for 2"),
        ({"by": ["a"]}, InputError, "by"),
        ({"limits": (2, 1)}, InputError, "limits"),
        ({"limits": (0, 2)}, InputError, "limits"),
        ({"ticks": (0, 1)}, InputError, "tick at 0"),
        ({"columns": ["wieght"]}, UnknownNameError, "weight"),
        ({"width": 100}, InputError, "280 to 2000"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: Any, kind: Any, said: str) -> None:
    fit = eq.pairwise(binary(3, names=["A", "B", "C"]))
    with pytest.raises(kind, match=re.escape(said)):
        eq.forest(fit, **given)


def test_numbers_of_both_groups_and_their_sums() -> None:
    es = eq.effect_sizes(
        "RR",
        events1=[4, 6],
        n1=[123, 306],
        events2=[11, 29],
        n2=[139, 303],
        study=["A", "B"],
        treat1=["BCG", "BCG"],
        treat2=["none", "none"],
    )
    figure = eq.forest(eq.pairwise(es), sides=("BCG", "none"))
    shown = texts(figure.svg)
    assert "lower with BCG" in texts(eq.forest(es).svg)
    for text in ("4/123", "29/303", "10/429", "40/442", "BCG", "none", "events/n"):
        assert text in shown, text
    assert figure.table.column("treated")[:3] == ("4/123", "6/306", "10/429")
    assert "4/123 v 11/139" in texts(figure.narrow)
    assert "4/123" not in texts(eq.forest(eq.pairwise(es), columns=("effect",)).svg)


def test_means_are_shown_with_the_digits_of_their_spread() -> None:
    es = eq.effect_sizes(
        "MD", mean1=[5.25], sd1=[1.5], n1=[10], mean2=[4.1], sd2=[1.25], n2=[12], study=["A"]
    )
    shown = texts(eq.forest(eq.pairwise(es)).svg)
    assert "5.25 (1.50)" in shown
    assert "4.10 (1.25)" in shown


def test_subgroups_have_headings_totals_and_a_test() -> None:
    es = binary(8, names=[f"T{i}" for i in range(8)])
    by = ["young", "old", "young", "old", "young", "old", "young", "alone"]
    fit = eq.pairwise(es)
    figure = eq.forest(fit, by=by)
    check(figure)
    table = figure.table
    assert [text for _, text in table.groups] == ["young", "old", "alone"]
    trials = order_of(figure)
    assert trials[:5] == ["T0", "T2", "T4", "T6", "Subtotal, 4 trials"]
    young = eq.pairwise(es.take([0, 2, 4, 6]))
    assert table.column("effect")[4] == pytest.approx(math.exp(young.estimate))
    assert table.column("high")[4] == pytest.approx(math.exp(young.ci.high))
    assert any("differences between subgroups" in note for note in table.notes)
    assert "young: " in figure.desc
    weights = [float(w) for w in table.column("weight")[:4]]  # type: ignore[arg-type]
    assert table.column("weight")[4] == pytest.approx(math.fsum(weights))
    for svg in drawings(figure):
        assert "Subtotal, 3 trials" in texts(svg)


def test_subgroups_by_their_own_analysis() -> None:
    es = binary(7, names=[f"T{i}" for i in range(7)])
    found = eq.subgroups(es, by=["young", "old", "young", "old", "young", "old", "young"])
    figure = eq.forest(found, order="effect", left={"Year": list(range(1990, 1997))})
    check(figure)
    assert [text for _, text in figure.table.groups] == list(found.groups)
    assert figure.table.column("effect")[4] == pytest.approx(math.exp(found["young"].estimate))
    young = [float(v) for v in figure.table.column("effect")[:4]]  # type: ignore[arg-type]
    assert young == sorted(young)
    with pytest.raises(InputError, match="by with subgroups"):
        eq.forest(found, by=["a"] * 7)


def test_every_method_for_counts() -> None:
    es = binary(6, "OR")
    ladder = eq.counts_ladder(es)
    figure = eq.forest(ladder)
    check(figure)
    assert order_of(figure) == [rung.name for rung in ladder.rungs]
    assert figure.table.column("standing") == tuple(rung.standing for rung in ladder.rungs)
    assert ladder.sentence in figure.desc


def test_traffic_lights_in_several_spellings() -> None:
    fit = eq.pairwise(binary(3, names=["A", "B", "C"]))
    one = eq.forest(fit, rob={"A": "+?x", "B": ["low", "unclear", "high"], "C": "+++"})
    two = eq.forest(
        fit,
        rob=[{"x": "low", "y": "some concerns", "z": "high"}] * 2
        + [{"x": "+", "y": "+", "z": "+"}],
    )
    check(one)
    check(two)
    assert one.table.column("rob_a")[:3] == ("low", "low", "low")
    assert one.table.column("rob_c")[:3] == two.table.column("rob_c")[:3] == ("high", "high", "low")
    assert {"A", "B", "C", "+", "?", "×"} <= {w.text for w in words_of(one.svg)}
    single = eq.forest(fit, rob=["low", "high", "low"])
    assert single.table.column("rob")[:3] == ("low", "high", "low")
    check(eq.forest(fit, rob=["+++++++"] * 3))


def test_trials_without_an_estimate_are_listed() -> None:
    es = Contrasts("OR", ("A", "B", "C"), np.array([0.1, np.nan, 0.3]), np.array([0.1, 0.1, 0.2]))
    for figure in (eq.forest(eq.pairwise(es)), eq.forest(es)):
        check(figure)
        for svg in drawings(figure):
            assert "not estimable" in texts(svg)
            assert "could not be used" not in texts(svg)
        assert "B" in order_of(figure)


def test_effects_that_nobody_pooled_have_no_diamond_and_no_weights() -> None:
    es = binary(4)
    figure = eq.forest(es)
    check(figure)
    assert "not pooled" in figure.desc
    assert "Weight" not in texts(figure.svg)
    with pytest.raises(InputError, match="subgroups"):
        eq.forest(es, by=["a"] * 4)


def test_several_summaries_and_tests() -> None:
    es = binary(5)
    fit, common = eq.pairwise(es), eq.pairwise(es, model="common")
    figure = eq.forest(fit, summaries=[common, ("Wald", eq.pairwise(es, interval="Wald"))])
    check(figure)
    assert order_of(figure)[-2:] == ["Common effect", "Wald"]
    assert figure.table.column("effect")[-2] == pytest.approx(math.exp(common.estimate))
    assert "Test of the overall effect" in texts(figure.svg)
    with pytest.raises(InputError, match="another measure"):
        eq.forest(fit, summaries=[eq.pairwise(binary(5, "OR"))])


def test_limits_and_ticks_as_asked() -> None:
    fit = eq.pairwise(binary(5))
    figure = eq.forest(fit, limits=(0.25, 4), ticks=(0.25, 0.5, 1, 2, 4), width=900)
    check(figure)
    assert {"0.25", "0.5", "1", "2", "4"} <= {w.text for w in words_of(figure.svg)}


def test_refits_are_drawn_with_their_heterogeneity() -> None:
    fit = eq.pairwise(binary(6))
    for refits, head in (
        (eq.leave_one_out(fit), "Left out"),
        (eq.cumulative(fit, order="precision"), "Trials up to and with"),
    ):
        figure = eq.forest(refits)
        check(figure)
        assert head in texts(figure.svg)
        assert figure.table.column("effect")[2] == pytest.approx(math.exp(refits.estimate[2]))
        assert figure.table.column("k")[:6] == tuple(int(k) for k in refits.k)


def test_lines_of_ones_own() -> None:
    lines = [
        eq.Line("First", -0.5, -1.0, 0.0, weight=40.0),
        eq.Line("Second", -0.2, -0.3, -0.1, weight=60.0, hollow=True),
        eq.Line("Together", -0.3, -0.6, 0.0, kind="total", main=True),
    ]
    figure = eq.forest(lines, measure="OR", right={"Note": ["x", "y", None]})
    check(figure)
    assert figure.table.column("effect")[0] == pytest.approx(math.exp(-0.5))
    with pytest.raises(InputError, match="cannot be drawn of a list"):
        eq.forest([])


def test_ticks_of_ratios_are_round_and_even() -> None:
    for low, high, expected in (
        (0.3, 1.5, ["0.3", "0.5", "0.7", "1", "1.5"]),
        (0.9, 1.1, ["0.9", "0.95", "1", "1.05", "1.1"]),
    ):
        axis = Axis(math.log(low), math.log(high), 0, 320, log=True)
        assert [text for _, text in axis.ticks()] == expected


@pytest.mark.parametrize("k", [2, 13])
def test_the_same_bytes_every_time(k: int) -> None:
    fit = eq.pairwise(binary(k))
    assert eq.forest(fit) == eq.forest(fit)
