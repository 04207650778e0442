"""Figures of networks: layouts of every size, numbers as in the results, words that keep clear."""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from figure_checks import check, drawings, texts, words_of
from hypothesis import given, settings
from hypothesis import strategies as st

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.ranking import score_text
from equipoise.present.drawing import DARK, LIGHT, Drawing
from equipoise.present.figures import net_league, net_matrix, net_ranks, net_shares
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.net_order import crossings, ring_order
from equipoise.present.figures.net_parts import graph_of
from equipoise.present.figures.net_places import Ring, distance, line, place

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
LONG = "A treatment whose name runs on and on to sixty characters, no. "


def published(name: str) -> Any:
    """Contrasts of a published network."""
    kept = json.loads((VALUES / f"network_{name}.json").read_text(encoding="utf-8"))
    data = {key: kept["input"][key] for key in ("study", "treat1", "treat2", "yi", "sei")}
    return eq.contrasts(measure=kept["measure"], **data)


def made_up(n: int, k: int, *, hub: float = 0.5, seed: int = 1, long: bool = False) -> Any:
    """Groups of a network of `n` treatments around the first."""
    rng = random.Random(seed)
    names = [f"{LONG if long else 'Drug '}{i}" for i in range(n)]
    rows: dict[str, list[Any]] = {key: [] for key in ("study", "treat", "events", "n")}

    def add(trial: int, groups: list[int]) -> None:
        for group in groups:
            size = rng.randrange(20, 400)
            row = (f"Trial {trial}", names[group], rng.randrange(2, size - 2), size)
            for key, value in zip(rows, row, strict=True):
                rows[key].append(value)

    for trial in range(1, n):
        add(trial, [0 if rng.random() < hub else rng.randrange(trial), trial])
    for trial in range(n, k + 1):
        add(trial, rng.sample(range(n), 3 if trial % 9 == 0 and n > 2 else 2))
    return eq.arms(**rows)


@functools.cache
def net(n: int, k: int, *, hub: float = 0.5, long: bool = False) -> NetworkFit:
    return eq.network(made_up(n, k, hub=hub, long=long), measure="OR")


def pieces() -> Any:
    """A network in three parts."""
    pairs = [("A", "B"), ("B", "C"), ("A", "C"), ("D", "A"), ("X", "Y"), ("X", "Z"), ("Q", "R + S")]
    one, two = zip(*pairs, strict=True)
    k = len(pairs)
    return eq.contrasts(
        yi=[0.1] * k, vi=[0.1] * k, study=range(k), treat1=one, treat2=two, measure="MD"
    )


# --- the graph ----------------------------------------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("n", "k"), [(2, 3), (3, 4), (4, 9), (9, 20), (22, 70), (100, 240)])
def test_a_graph_of_every_size_is_readable(n: int, k: int, long: bool) -> None:
    fit = net(n, k, long=long)
    figure = eq.plot_network(fit)
    check(figure)
    assert len(figure.table) == n + len(graph_of(fit).edges)
    for svg in drawings(figure):
        assert len(svg) < 130_000
        numbers = {int(w.text) for w in words_of(svg) if w.text.isdigit()}
        whole = texts(svg)
        assert all(name in whole for name in fit.treatments) or long or n > 22 or numbers


def test_the_table_tells_trials_and_people() -> None:
    es = eq.arms(
        study=list("aabbccc"),
        treat=["P", "X", "P", "X", "P", "X", "Y"],
        events=[1, 2, 3, 4, 5, 6, 7],
        n=[10, 20, 30, 40, 50, 60, 70],
    )
    figure = eq.plot_network(eq.network(es, measure="OR"))
    rows = {
        (r["treatment"], r["other"]): (r["trials"], r["people"]) for r in figure.table.records()
    }
    assert rows[("P", None)] == (3, 90)
    assert rows[("X", None)] == (3, 120)
    assert rows[("Y", None)] == (1, 70)
    assert rows[("P", "X")][0] == 3
    assert rows[("P", "Y")][0] == 1
    assert rows[("X", "Y")][0] == 1
    assert "3 trials of 3 treatments with 280 people" in figure.desc
    assert "1 trial had three or more groups" in figure.desc
    assert "P, X, Y at once" in " ".join(figure.table.notes)


def test_people_are_areas_and_trials_are_widths() -> None:
    figure = eq.plot_network(net(4, 9), width=720)
    rows = [r for r in figure.table.records() if r["other"] is None]
    radii = [float(r) for r in re.findall(r'r="([\d.]+)" fill="var\(--benefit', figure.svg)][:4]
    areas = [r * r / row["people"] for r, row in zip(radii, rows, strict=True)]
    assert max(areas) / min(areas) < 1.05
    pairs = [r for r in figure.table.records() if r["other"] is not None]
    widths = {
        title: float(width)
        for title, width in re.findall(
            r"<title>([^<]+)</title><path [^>]*?stroke-width=\"([\d.]+)\"", figure.svg
        )
    }
    for row in pairs:
        title = next(t for t in widths if t.startswith(f"{row['treatment']} and {row['other']}:"))
        assert widths[title] == pytest.approx(
            max(widths.values()) * row["trials"] / max(r["trials"] for r in pairs), abs=0.06
        )


def test_parts_that_nothing_joins_are_drawn_apart() -> None:
    figure = eq.plot_network(pieces())
    check(figure)
    assert "Nothing joins its 3 parts, of 4, 3, 2 treatments" in figure.desc
    for svg in drawings(figure):
        assert "Part 3 of 3: 2 treatments, 1 trial" in texts(svg)
        assert "a combination" in texts(svg)


def test_levels_of_bias_part_lines_and_discs() -> None:
    es = published("smokingcessation")
    studies = list(dict.fromkeys(es.study))
    levels = dict.fromkeys(studies, "low") | {studies[0]: "high", studies[1]: "some"}
    figure = eq.plot_network(es, rob=levels)
    check(figure)
    assert "Risk of bias:" in texts(figure.svg)
    for row in figure.table.records():
        assert sum(row[f"rob_{x}"] for x in ("low", "some", "high")) == pytest.approx(100)
    assert figure.table == eq.plot_network(es, rob=[levels[s] for s in studies]).table
    with pytest.raises(UnknownNameError, match="trial"):
        eq.plot_network(es, rob={"nobody": "low"})
    with pytest.raises(InputError, match="level of risk of bias"):
        eq.plot_network(es, rob=["low"])
    check(eq.plot_network(es, rob={studies[0]: "high"}))


def test_the_layout_stays_when_a_treatment_is_added() -> None:
    old = eq.plot_network(net(12, 30, hub=0.2), centre=None)
    es = made_up(13, 30, hub=0.2)
    new = eq.plot_network(eq.network(es, measure="OR"), order=old, centre=None)
    check(new)

    def order(figure: Any) -> list[Any]:
        records = figure.table.records()
        return [r["treatment"] for r in records if r["other"] is None]

    assert [t for t in order(new) if t in order(old)] == order(old)
    assert eq.plot_network(net(12, 30, hub=0.2), centre=None).svg == old.svg
    with pytest.raises(UnknownNameError, match="treatment"):
        eq.plot_network(net(4, 9), order=["nothing"])
    with pytest.raises(InputError, match="draws no network"):
        eq.plot_network(
            net(4, 9), order=eq.funnel(eq.pairwise(eq.contrasts(yi=[0.1], vi=[0.1], measure="MD")))
        )


def test_one_that_most_were_compared_with_stands_in_the_middle() -> None:
    assert eq.plot_network(net(22, 60, hub=0.9)).table.column("treatment")[0] == "Drug 0"
    with pytest.raises(UnknownNameError, match="treatment"):
        eq.plot_network(net(4, 9), centre="nothing")
    check(eq.plot_network(net(4, 9), centre="Drug 1", multi_arm=True))
    check(eq.plot_network(net(9, 20), centre=None, multi_arm=False))


@pytest.mark.parametrize(("n", "k"), [(9, 20), (22, 70), (60, 150)])
def test_no_line_runs_through_a_third_treatment(n: int, k: int) -> None:
    graph = graph_of(net(n, k, hub=0.3))
    neighbours: dict[int, dict[int, float]] = {i: {} for i in range(graph.n)}
    for e in graph.edges:
        neighbours[e.one][e.two] = neighbours[e.two][e.one] = float(e.k)
    ring = Ring(tuple(ring_order(range(n), neighbours)))
    places = place(graph, [ring], 720, 13, 40)
    through = 0
    for e in graph.edges:
        points = line(places, e.one, e.two, 2.0)
        for v, spot in places.spots.items():
            if v not in (e.one, e.two):
                at = (spot.x, spot.y)
                through += any(distance(p, q, at) < spot.r for p, q in itertools.pairwise(points))
    assert through <= 0.02 * len(graph.edges)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 8), st.randoms(use_true_random=False))
def test_each_treatment_stands_where_it_crosses_least(n: int, rng: Any) -> None:
    neighbours: dict[int, dict[int, float]] = {i: {} for i in range(n)}
    for i, j in itertools.combinations(range(n), 2):
        if rng.random() < 0.5:
            neighbours[i][j] = neighbours[j][i] = 1.0
    order = ring_order(range(n), neighbours)
    assert sorted(order) == list(range(n))
    best = crossings(order, neighbours)
    for v in range(n):
        rest = [u for u in order if u != v]
        for at in range(n):
            assert crossings([*rest[:at], v, *rest[at:]], neighbours) >= best


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(InputError, match="no network"):
        eq.plot_network([1, 2])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="without treatments"):
        eq.plot_network(eq.contrasts(yi=[0.1], vi=[0.1], measure="MD"))
    with pytest.raises(InputError, match="width"):
        eq.plot_network(net(4, 9), width=20)
    nothing = eq.contrasts(
        yi=[math.nan], vi=[0.1], study=["a"], treat1=["A"], treat2=["B"], measure="MD"
    )
    with pytest.raises(InputError, match="no contrast has a result"):
        eq.plot_network(nothing)


# --- forests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("n", "k"), [(2, 3), (4, 9), (22, 70), (100, 240)])
def test_a_forest_of_every_size(n: int, k: int, long: bool) -> None:
    fit = net(n, k, long=long)
    figure = eq.forest(fit, better="lower", order="rank")
    check(figure)
    assert len(figure.table) == n - 1
    assert "stroke-dasharray" not in figure.svg


def test_the_forest_tells_the_numbers_of_the_network() -> None:
    fit = eq.network(published("Senn2013"), reference="plac")
    scores = fit.ranking("lower").p_score
    figure = eq.forest(fit, better="lower", order="rank")
    order = figure.table.column("trial")
    assert list(order) == sorted(order, key=lambda t: -scores[str(t)])
    for row in figure.table.records():
        found = fit.effect(row["trial"], "plac")
        assert (row["effect"], row["low"], row["high"]) == pytest.approx(
            (found.estimate, found.ci.low, found.ci.high)
        )
        assert found.pi is not None
        assert (row["pi_low"], row["pi_high"]) == pytest.approx((found.pi.low, found.pi.high))
        assert float(row["p_score"]) == pytest.approx(scores[row["trial"]], abs=0.0051)
    direct = dict(zip(order, figure.table.column("direct"), strict=True))
    assert (direct["rosi"], direct["metf"], direct["sulf"]) == (6, 4, 0)
    assert "95% prediction interval" in texts(figure.svg)
    assert "favours plac" in texts(figure.svg)


def test_a_forest_against_another_with_columns_of_ones_own() -> None:
    fit = eq.network(published("smokingcessation"))
    sure = {"A": "high", "B": "low", "C": "very low", "D": "moderate"}
    figure = eq.forest(fit, reference="C", right={"Certainty": sure}, order="label")
    check(figure)
    assert figure.table.column("trial") == ("A", "B", "D")
    assert figure.table.column("right_1") == ("high", "low", "moderate")
    assert (
        eq.forest(fit, better="higher", order="rank", descending=True).table.column("trial")[-1]
        == "D"
    )
    with pytest.raises(UnknownNameError, match="reference"):
        eq.forest(fit, reference="X")
    with pytest.raises(InputError, match="direction of benefit"):
        eq.forest(fit, order="rank")
    with pytest.raises(UnknownNameError, match="order"):
        eq.forest(fit, order="rang")
    with pytest.raises(InputError, match="by with a network"):
        eq.forest(fit, by=["x"] * 3)


def test_a_split_tells_direct_indirect_and_network() -> None:
    fit = eq.network(published("Senn2013"), reference="plac")
    split = fit.split()
    figure = eq.plot_split(fit, better="lower")
    check(figure)
    rows = figure.table.records()
    tested = [
        (a, b)
        for a, b, k, p in zip(split.treat1, split.treat2, split.k, split.p_value, strict=True)
        if k and math.isfinite(p)
    ]
    assert len(rows) == 3 * len(tested)
    for at, (start, name) in enumerate(figure.table.groups):
        one, two = name.split(" against ")
        row = split.row(one, two)
        for kind, shown in zip(("direct", "indirect", "network"), rows[start:], strict=False):
            assert shown["effect"] == pytest.approx(row[kind])
            assert shown["high"] - shown["effect"] == pytest.approx(
                1.959963984540054 * row[f"{kind}_se"]
            )
        assert rows[start]["p"] == pytest.approx(row["p_value"])
        assert (
            at == 0
            or row["p_value"]
            >= split.row(*figure.table.groups[at - 1][1].split(" against "))["p_value"]
        )
    assert "p\u00a00.141" in figure.desc


def test_splits_that_are_asked_for() -> None:
    fit = eq.network(published("Senn2013"), reference="plac")
    one = eq.plot_split(fit, of=("metf", "plac"))
    check(one)
    assert len(one.table) == 3
    other = eq.plot_split(fit, of=[("plac", "metf"), ("vild", "plac")])
    check(other)
    assert other.table.column("effect")[0] == pytest.approx(-one.table.column("effect")[0])
    assert other.table.column("effect")[4] is None
    assert len(eq.plot_split(fit, of="plac", both=False).table.groups) == 8
    check(eq.plot_split(net(22, 70)))
    check(eq.plot_split(net(9, 20, long=True), both=False))
    for wrong in (("metf", "x"), "x"):
        with pytest.raises(UnknownNameError, match="treatment"):
            eq.plot_split(fit, of=wrong)
    with pytest.raises(InputError, match="not a pair"):
        eq.plot_split(fit, of=("metf", "metf"))
    with pytest.raises(InputError, match="direct and indirect"):
        eq.plot_split(net(2, 3))
    with pytest.raises(InputError, match="no split"):
        eq.plot_split(3)  # type: ignore[arg-type]


# --- league, ranks, contributions, net heat -----------------------------------------------------

SURE = ("high", "moderate", "low", "very low")


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("n", "k"), [(2, 3), (4, 9), (9, 20), (22, 70), (45, 120)])
def test_a_league_of_every_size(n: int, k: int, long: bool) -> None:
    fit = net(n, k, long=long)
    figure = eq.plot_league(fit, better="lower", order="rank")
    check(figure)
    assert len(figure.table) == n * (n - 1) // 2
    pairs = itertools.combinations(fit.treatments, 2)
    sure = {pair: SURE[i % 4] for i, pair in enumerate(pairs) if i % 5}
    check(eq.plot_league(fit, certainty=sure))


def test_a_league_tells_network_and_direct_estimates() -> None:
    fit = eq.network(published("smokingcessation"), reference="A")
    split = fit.split()
    figure = eq.plot_league(fit, better="higher", order="rank", width=720)
    assert figure.table.column("first")[0] == fit.ranking("higher").order()[0]
    for row in figure.table.records():
        found = fit.effect(row["first"], row["second"])
        assert math.log(row["network"]) == pytest.approx(found.estimate)
        assert math.log(row["low"]) == pytest.approx(found.ci.low)
        own = split.row(row["first"], row["second"])
        assert math.log(row["direct"]) == pytest.approx(own["direct"])
        assert math.log(row["direct_high"]) == pytest.approx(
            own["direct"] + 1.959963984540054 * own["direct_se"]
        )
    words = texts(figure.svg)
    assert "0.59 to 2.34" in words
    assert "the column against the row" in words
    assert "the row against the column" in words
    drawn = {w.text: (w.left, w.y) for w in words_of(figure.svg)}
    # The network estimate of C against A stands below the diagonal, the direct one above.
    assert drawn["2.03"][1] > drawn["2.06"][1]


def test_certainty_is_told_by_dots_and_colour() -> None:
    fit = eq.network(published("smokingcessation"))
    sure = {("A", "B"): "high", ("C", "A"): "very low"}
    figure = eq.plot_league(fit, certainty=sure)
    assert "Certainty: 1 high, 1 very low." in figure.desc
    assert figure.svg.count("<circle") == 2 * (4 + 1)
    rows = {(r["first"], r["second"]): r["certainty"] for r in figure.table.records()}
    assert (rows[("A", "B")], rows[("A", "C")], rows[("A", "D")]) == ("high", "very low", None)
    with pytest.raises(UnknownNameError, match="certainty"):
        eq.plot_league(fit, certainty={("A", "B"): "good"})
    with pytest.raises(UnknownNameError, match="treatment"):
        eq.plot_league(fit, certainty={("A", "X"): "low"})


def test_a_league_of_some_treatments_and_of_too_many() -> None:
    fit = net(100, 240)
    with pytest.raises(InputError, match="treatments="):
        eq.plot_league(fit)
    some = eq.plot_league(fit, treatments=["Drug 9", "Drug 2", "Drug 50"])
    check(some)
    assert some.table.column("first") == ("Drug 9", "Drug 9", "Drug 2")
    with pytest.raises(UnknownNameError, match="treatment"):
        eq.plot_league(fit, treatments=["Drug 9", "Drug X"])
    with pytest.raises(UnknownNameError, match="order"):
        eq.plot_league(fit, order="label")
    with pytest.raises(InputError, match="direction of benefit"):
        eq.plot_league(fit, order="rank")
    with pytest.raises(InputError, match="league table"):
        eq.plot_league(3)  # type: ignore[arg-type]


def test_words_on_every_shade_can_be_read() -> None:
    def light(rgb: list[float]) -> float:
        lin = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    def over(top: str, below: list[float], opacity: float) -> list[float]:
        rgb = [int(top[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return [opacity * a + (1 - opacity) * b for a, b in zip(rgb, below, strict=True)]

    for palette in (LIGHT, DARK):
        paper = over(palette["paper"], [0.0] * 3, 1.0)
        cells = [over(palette[r], paper, net_league._SHADES[-1]) for r in ("benefit", "harm")]
        cells += [over(palette[fill], paper, 1.0) for fill, _ in net_league._SURE.values()]
        cells.append(over(palette["benefit"], paper, net_shares._DARK))
        heat = [over(palette[r], paper, net_shares._HEAT) for r in ("benefit", "harm")]
        cells += [over(palette["icon"], cell, net_matrix.SQUARE) for cell in heat]
        for cell in cells:
            a, b = sorted((light(over(palette["ink"], paper, 1.0)), light(cell)))
            assert (b + 0.05) / (a + 0.05) >= 4.5, (palette["paper"], cell)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("n", "k"), [(2, 3), (4, 9), (22, 70), (100, 240)])
def test_ranks_of_every_size(n: int, k: int, long: bool) -> None:
    ranking = net(n, k, long=long).ranking("lower", draws=2000)
    figure = eq.plot_ranks(ranking)
    check(figure)
    for row in figure.table.records():
        assert sum(row[f"rank{r}"] for r in range(1, n + 1)) == pytest.approx(100)
        assert row["sucra"] == pytest.approx(100 * ranking.sucra[row["treatment"]])
    assert figure.table.column("treatment") == ranking.order()


def test_bars_are_as_high_as_chances() -> None:
    ranking = eq.network(published("smokingcessation")).ranking("higher")
    figure = eq.plot_ranks(ranking, width=720)
    at = ranking.treatments.index("D")
    bars = [float(v) for v in re.findall(r"v-([\d.]+)h", figure.svg)]
    shown = [p for p in ranking.probabilities[at].tolist() if 62 * p >= 0.05]
    assert bars[: len(shown)] == pytest.approx([62 * p for p in shown], abs=0.06)
    assert "A rank says nothing" in texts(figure.svg)
    with pytest.raises(InputError, match="ranks"):
        eq.plot_ranks(ranking.p_score)  # type: ignore[arg-type]


def test_contributions_are_percentages_of_rows() -> None:
    fit = eq.network(published("Senn2013"), reference="plac")
    shares = fit.contributions()
    figure = eq.plot_contributions(shares, estimates="plac")
    check(figure)
    assert len(figure.table) == 9
    for row in figure.table.records():
        one, two = row.pop("estimate").split(" : ")
        assert sum(row.values()) == pytest.approx(100)
        assert max(row.values()) == pytest.approx(100 * max(shares.of(one, two).values()))
    assert "15 direct comparisons" in figure.desc
    check(eq.plot_contributions(shares))
    check(eq.plot_contributions(fit.trial_contributions(), estimates=[("metf", "plac")]))
    check(eq.plot_contributions(net(22, 70).contributions(), estimates="Drug 0"))
    check(eq.plot_contributions(net(9, 20, long=True).contributions(), least=0.2))
    with pytest.raises(UnknownNameError, match="treatment"):
        eq.plot_contributions(shares, estimates="nothing")
    with pytest.raises(UnknownNameError, match="estimate"):
        eq.plot_contributions(shares, estimates=[("metf", "nothing")])
    with pytest.raises(InputError, match="cannot be read"):
        eq.plot_contributions(net(22, 70).contributions())


def test_net_heat_tells_what_detaching_changes() -> None:
    heat = eq.network(published("Senn2013"), reference="plac").net_heat()
    figure = eq.plot_net_heat(heat)
    check(figure)
    names, change, _ = heat.ordered()
    rows = {(r["row"], r["column"]): r["q_diff"] for r in figure.table.records()}
    assert len(rows) == len(names) ** 2
    told = float(str(rows[(names[0], names[1])]).replace("−", "-"))
    assert told == pytest.approx(float(change[0, 1]), rel=1e-4)
    assert "Q between designs 22.53 on 7" in figure.desc
    assert "without rosi:sulf" in figure.desc
    linde = eq.plot_net_heat(eq.network(published("Linde2016")).net_heat())
    check(linde)
    assert len(linde.svg) < 400_000
    with pytest.raises(InputError, match="net heat"):
        eq.plot_net_heat(3)  # type: ignore[arg-type]


# --- components ---------------------------------------------------------------------------------


def small() -> Any:
    """Components of which two always come together."""
    es = eq.contrasts(
        yi=[1.0, 3.0, 0.5],
        vi=[0.1] * 3,
        study=["one", "two", "three"],
        treat1=["A", "A+B", "C+D"],
        treat2=["none", "A", "none"],
        n1=[20, 30, 40],
        n2=[20, 30, 40],
        measure="MD",
    )
    return eq.components(es, inactive="none", model="common")


@functools.cache
def linde() -> Any:
    es = published("Linde2016")
    return eq.components(es, inactive="Placebo", interactions=["Face-to-face CBT*SSRI"])


def test_components_tell_the_numbers_of_the_fit() -> None:
    fit = linde()
    figure = eq.plot_components(fit, also=["Hypericum+SSRI"], better="higher")
    check(figure)
    rows = {str(r["trial"]): r for r in figure.table.records()}
    for name in ("SSRI", "Hypericum", "Face-to-face CBT*SSRI", "Hypericum+SSRI"):
        found = fit.effect(name)
        told = [math.log(rows[name][key]) for key in ("effect", "low", "high")]
        assert told == pytest.approx([found.estimate, found.ci.low, found.ci.high])
    heads = [head for _, head in figure.table.groups]
    assert heads[0] == "Adding a component"
    assert heads[-1] == "Combinations that no trial gave: they rest on effects adding up alone"
    assert "Rests on one trial, 117" in rows["Face-to-face CBT*SSRI"]["remarks"]
    assert "Q 103.6 on 89" in texts(figure.svg).replace("\u00a0", " ")
    check(eq.plot_components(eq.identifiability_map(small())))
    untold = eq.plot_components(small())
    check(untold)
    assert "Cannot be told: C, D, A*B, C*D." in untold.desc
    with pytest.raises(InputError, match="components"):
        eq.plot_components(3)  # type: ignore[arg-type]


def test_what_hangs_on_one_trial_is_told_in_words() -> None:
    found = eq.identifiability_map(linde())
    single = [row for row in found.rows if row.essential]
    assert len(single) > 3
    figure, parts = eq.plot_identifiability(found), eq.plot_components(found)
    check(figure)
    shown = texts(figure.svg)
    for row in single[:8]:
        assert f"{row.what}: {row.hangs_on}" in figure.desc
        assert f"{row.what}: {row.hangs_on[:20]}" in shown
        assert row.hangs_on in parts.desc
    att = eq.attribution(linde(), "Face-to-face CBT", "SSRI")
    added = eq.plot_attribution(att)
    assert att.added.hangs_on.startswith("Rests on one trial")
    assert "No trial compared" not in att.together.hangs_on
    for svg in drawings(added):
        assert att.added.hangs_on[:30] in texts(svg)


def test_a_league_takes_the_judgements_of_cinema() -> None:
    fit = eq.network(published("Senn2013"), reference="plac")
    judged = eq.cinema(fit, important=0.5, risk_of_bias=dict.fromkeys(fit.data.study, "low"))
    figure = eq.plot_league(fit, certainty=judged)
    check(figure)
    by_hand = {(r.what[0], r.what[1]): r.level for r in judged.rows}
    assert figure.svg == eq.plot_league(fit, certainty=by_hand).svg
    assert set(figure.table.column("certainty")) == {r.level for r in judged.rows}


def test_names_that_a_net_heat_cuts_are_written_out_below() -> None:
    figure = eq.plot_net_heat(eq.network(published("Linde2016")).net_heat())
    check(figure)
    assert "NaSSa:Placebo (of NaSSa:Placebo:SSRI)" in texts(figure.svg)


@pytest.mark.parametrize("width", [320.0, 520.0, 720.0, 880.0, 1200.0])
@pytest.mark.parametrize("n", [3, 9, 22, 60])
def test_every_column_has_its_place_in_a_given_width(width: float, n: int) -> None:
    names = tuple(f"Treatment {i}" for i in range(n))
    cells = tuple((net_matrix.Cell(("0.50", "0.30 to 0.70")),) * n for _ in range(n))
    grid = net_matrix.lay_out(net_matrix.Matrix(names, cells), width, least=16.0)
    assert grid.width == width
    assert EDGE + grid.names + 4 + n * grid.cell <= width
    assert grid.words == ((n == 3 and width > 320) or (n == 9 and width > 1000))


def test_points_on_the_line_by_construction_are_hollow() -> None:
    found = net(30, 60).comparison_funnel(order=list(net(30, 60).treatments))
    alone = sum((found.comparison == n).sum() == 1 for n in range(len(found.comparisons)))
    assert alone
    figure = eq.plot_comparison_funnel(found)
    check(figure)
    assert figure.svg.count('fill="var(--paper,#ffffff)"') >= alone
    words = texts(figure.svg)
    assert "Hollow: the only trial of its comparison" in words
    assert f"{found.order[2]}, …, {found.order[-1]}" in words


def test_scores_are_0_or_1_only_where_they_are() -> None:
    assert [score_text(x) for x in (0.0, 0.001, 0.5, 0.997, 1.0)] == [
        "0.00",
        "< 0.01",
        "0.50",
        "> 0.99",
        "1.00",
    ]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_chance_of_a_rank_stands_clear_of_other_bars(mirrored: bool) -> None:
    chances = [0.2, 0.25, 0.3, *[0.25 / 17] * 17]
    d = Drawing("x", 240.0)
    net_ranks._bars(
        d, chances[:: -1 if mirrored else 1], (20.0, 10.0, 200.0, 44.0), 0.1, first=False
    )
    word = next(w for w in words_of(d.svg(80.0, "", "")) if w.text == "30%")
    # Three bars of 10 are higher than the axis.
    assert word.right <= 190 if mirrored else word.left >= 50


def test_too_many_splits_are_refused() -> None:
    fit = net(40, 300)
    with pytest.raises(InputError, match="cannot be read"):
        eq.plot_split(fit)
    check(eq.plot_split(fit, of=fit.reference))


def test_alone_added_and_together() -> None:
    att = eq.attribution(linde(), "Face-to-face CBT", "SSRI")
    figure = eq.plot_attribution(att, better="higher", threshold=1.25)
    check(figure)
    rows = figure.table.records()
    for row, basis in zip(rows, (att.alone, att.added, att.together, att.interaction), strict=True):
        assert basis is not None
        assert basis.effect is not None
        assert math.log(row["effect"]) == pytest.approx(basis.effect.estimate)
        assert row["trials"] == basis.trials
        assert row["direct"] == pytest.approx(100 * basis.direct_share)
    assert "all of it compared directly" in figure.desc
    assert "beyond the sum of both: odds ratio" in figure.desc
    refused = eq.plot_attribution(eq.attribution(small(), "C", "D"))
    check(refused)
    assert "C and D always come together" in texts(refused.narrow)
    assert refused.table.column("effect")[0] is None
    check(eq.plot_attribution(eq.attribution(small(), "B", "A")))


def test_the_map_tells_what_can_be_told_and_why_not() -> None:
    found = eq.identifiability_map(small())
    figure = eq.plot_identifiability(found)
    check(figure)
    told = dict(zip(figure.table.column("what"), figure.table.column("told"), strict=True))
    assert told["A"] == "hangs on single trials"
    assert told["C"] == told["A*B"] == "cannot be told"
    assert figure.table.column("people") == tuple(row.people for row in found.rows)
    assert "can tell 4 of 8 questions" in figure.desc
    words = [word.text for word in words_of(figure.svg)]
    assert words.count("cannot") == words.count("tell") == 4
    check(eq.plot_identifiability(eq.identifiability_map(linde())))


@pytest.mark.parametrize("name", ["Senn2013", "Linde2016"])
def test_the_comparison_adjusted_funnel_tells_every_effect(name: str) -> None:
    fit = eq.network(published(name))
    found = fit.comparison_funnel(order=list(fit.treatments))
    figure = eq.plot_comparison_funnel(found)
    check(figure)
    assert figure.table.column("adjusted") == tuple(float(v) for v in found.adjusted)
    assert figure.table.column("sei") == tuple(float(v) for v in found.sei)
    assert ("Egger" in figure.desc) == any(t.test == "Egger" for t in found.tests)
    assert len(figure.table) == len(found)


@pytest.mark.parametrize("method", ["MH", "NCH"])
def test_networks_of_rare_events_are_drawn(method: str) -> None:
    fit = eq.network(made_up(5, 12), measure="OR", method=method)
    figure = eq.forest(fit, better="lower")
    check(figure)
    assert len(figure.table) == 4
    assert "direct" in {column.key for column in figure.table.columns}
    check(eq.plot_league(fit))
    check(eq.plot_network(fit))
