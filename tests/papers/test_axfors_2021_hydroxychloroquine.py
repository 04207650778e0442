"""Hydroxychloroquine and chloroquine in COVID-19: the interval decides what the reader believes.

Axfors C and others (2021). Mortality outcomes with hydroxychloroquine and chloroquine in COVID-19
from an international collaborative meta-analysis of randomized trials. Nat Commun 12:2349,
doi:10.1038/s41467-021-22446-z. Deaths and people as in the data set of that paper; expected values
by metafor on the same log odds ratios (half added to every cell of tables with a zero).
"""

from __future__ import annotations

import math
import re
from datetime import date

import pytest
from bench import Bench
from fixture_reviews import finished

from equipoise.answer.assess import assess
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.pages import page
from equipoise.review.records import Outcome

DEATH = Outcome(
    id="death",
    label="Death",
    plain="the chance of dying",
    type="binary",
    measure="OR",
    better="lower",
    importance="critical",
    weeks=(0, 52, 26),
    self_reported=False,
    decides=True,
)

# Deaths and people treated, deaths and people in control.
HYDROXYCHLOROQUINE = [
    (6, 97, 5, 97), (0, 15, 0, 15), (0, 64, 0, 64), (0, 62, 1, 63), (1, 59, 2, 61), (0, 1, 0, 1),
    (1, 244, 1, 247), (0, 21, 0, 12), (1, 27, 1, 26), (6, 124, 11, 123), (1, 13, 0, 14),
    (17, 61, 22, 81), (0, 75, 0, 75), (418, 1561, 788, 3155), (0, 15, 0, 15), (7, 67, 6, 61),
    (28, 75, 29, 77), (0, 5, 0, 3), (2, 10, 0, 6), (1, 4, 0, 2), (1, 2, 2, 3), (2, 4, 0, 3),
    (7, 221, 6, 227), (0, 18, 0, 12), (0, 136, 0, 157), (0, 31, 0, 31), (0, 8, 0, 8),
    (0, 349, 0, 151),
]  # fmt: skip
CHLOROQUINE = [(0, 78, 0, 74), (17, 41, 12, 41), (0, 18, 0, 17), (1, 5, 0, 3), (0, 18, 0, 12)]


def log_odds_ratios(tables: list[tuple[int, int, int, int]]) -> Contrasts:
    yi, vi = [], []
    for a, m, c, n in tables:
        add = 0.5 if 0 in (a, c, m - a, n - c) else 0.0
        cells = [x + add for x in (a, m - a, c, n - c)]
        yi.append(math.log(cells[0] * cells[3] / (cells[1] * cells[2])))
        vi.append(sum(1.0 / x for x in cells))
    return contrasts(yi=yi, vi=vi, study=[f"trial {i}" for i in range(len(yi))], measure="OR")


def printed(fit: PairwiseFit) -> tuple[float, float, float]:
    back = fit.back()
    return round(back.estimate, 4), round(back.ci.low, 4), round(back.ci.high, 4)


@pytest.mark.parametrize(
    ("tables", "interval", "expected"),
    [
        (HYDROXYCHLOROQUINE, "Wald", (1.0801, 0.9508, 1.2269)),
        (HYDROXYCHLOROQUINE, "HK", (1.0801, 1.0140, 1.1504)),
        (HYDROXYCHLOROQUINE, "HK-guarded", (1.0801, 0.9451, 1.2343)),
        (CHLOROQUINE, "Wald", (1.5893, 0.6957, 3.6305)),
        (CHLOROQUINE, "HK", (1.5893, 1.1079, 2.2797)),
        (CHLOROQUINE, "HK-guarded", (1.5893, 0.4932, 5.1217)),
    ],
)
def test_intervals_with_trials_without_deaths(
    tables: list[tuple[int, int, int, int]], interval: str, expected: tuple[float, float, float]
) -> None:
    fit = pairwise(log_odds_ratios(tables), interval=interval)
    assert fit.tau2 == 0.0
    assert printed(fit) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [("Wald", (1.0834, 0.9530, 1.2317)), ("HK", (1.0834, 0.9949, 1.1798))],
)
def test_intervals_without_them(interval: str, expected: tuple[float, float, float]) -> None:
    tables = [row for row in HYDROXYCHLOROQUINE if row[0] + row[2] > 0]
    fit = pairwise(log_odds_ratios(tables), interval=interval)
    assert fit.k == 16
    assert printed(fit) == expected


def test_whether_the_interval_excludes_no_difference_depends_on_the_method() -> None:
    excludes = {
        code: 0.0 not in pairwise(log_odds_ratios(HYDROXYCHLOROQUINE), interval=code).ci
        for code in ("Wald", "HK", "HK-guarded", "HK-wider", "HK-IQWiG6", "KR")
    }
    assert [code for code, out in excludes.items() if out] == ["HK"]


@pytest.mark.parametrize("tables", [HYDROXYCHLOROQUINE, CHLOROQUINE])
def test_the_counts_give_the_same_effects(tables: list[tuple[int, int, int, int]]) -> None:
    events1, n1, events2, n2 = (list(column) for column in zip(*tables, strict=True))
    es = effect_sizes("OR", events1=events1, n1=n1, events2=events2, n2=n2)
    by_hand = log_odds_ratios(tables)
    assert es.yi.tolist() == pytest.approx(by_hand.yi.tolist(), rel=1e-12, abs=1e-12)
    assert es.vi.tolist() == pytest.approx(by_hand.vi.tolist(), rel=1e-12)


def test_the_guard_where_the_trials_agree_better_than_by_chance() -> None:
    tables = [row for row in HYDROXYCHLOROQUINE if row[0] + row[2] > 0]
    fits = {c: pairwise(log_odds_ratios(tables), interval=c) for c in ("Wald", "HK-guarded", "t")}
    # The trials agree better than by chance, so the guard leaves t with the plain variance.
    guarded, t = fits["HK-guarded"].ci, fits["t"].ci
    assert (guarded.low, guarded.high) == pytest.approx((t.low, t.high), rel=1e-12)
    assert guarded.low < fits["Wald"].ci.low


@pytest.mark.parametrize(
    ("tables", "texts"),
    [
        (HYDROXYCHLOROQUINE, ("0.95 to 1.23", "1.01 to 1.15")),
        (CHLOROQUINE, ("0.70 to 3.63", "1.11 to 2.28", "0.49 to 5.12")),
    ],
)
def test_the_reader_is_told_that_the_intervals_disagree(
    tables: list[tuple[int, int, int, int]], texts: tuple[str, ...]
) -> None:
    fit = pairwise(log_odds_ratios(tables))
    assert fit.interval == "Wald"
    note = next(n.text for n in fit.notes if n.code == "wald-no-heterogeneity")
    assert all(text in note for text in texts)
    assert "They disagree" in note


@pytest.mark.parametrize(
    ("tables", "usual", "used"),
    [
        (HYDROXYCHLOROQUINE, "0.99 to 1.18 (Hartung–Knapp)", (0.9530, 1.2317)),
        (CHLOROQUINE, None, None),
    ],
)
def test_the_page_says_what_the_correction_would_have_hidden(
    tables: list[tuple[int, int, int, int]],
    usual: str | None,
    used: tuple[float, float] | None,
) -> None:
    bench = Bench()
    bench.outcomes = [DEATH]
    for i, (a, m, c, n) in enumerate(tables):
        name = f"t{i}"
        bench.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=m + n)
        bench.events(name, "x", a, m, outcome="death").events(name, "c", c, n, outcome="death")
    answer = assess(finished(bench, "covid"), on=date(2026, 11, 22))
    pooled = answer.outcome("death").pooled
    assert pooled is not None
    html = page(answer).files["index.html"].decode()
    words = "The usual small-sample correction would have made this look more certain than it is"
    if usual is None or used is None:
        assert words not in html
        return
    assert (pooled.k, pooled.tau2) == (16, 0.0)
    assert (math.exp(pooled.low), math.exp(pooled.high)) == pytest.approx(used, abs=5e-5)
    assert words in html
    assert usual in re.sub(r"<[^>]+>", "", html)
