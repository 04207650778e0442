"""The loops of one meta-analysis: against other searches, a grid, and their vectorised twins."""

from __future__ import annotations

import math
from itertools import pairwise as neighbours

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.models.heterogeneity import Spread
from equipoise.num.binding import PLAIN
from equipoise.num.kernels import END, ENDS, NONE, OPEN, PLACES, RISES, judge, point
from equipoise.num.solve import global_maximum
from equipoise.num.wide import WIDE

Rows = list[tuple[float, float]]

estimates = st.floats(-5.0, 5.0).map(lambda x: round(x, 3))
variances = st.floats(-3.0, 3.0).map(lambda x: round(10.0**x, 5))


def trials(least: int = 2, most: int = 12) -> st.SearchStrategy[Rows]:
    return st.lists(st.tuples(estimates, variances), min_size=least, max_size=most)


def prepared(rows: Rows) -> tuple[list[float], list[float]]:
    spread = Spread([y for y, _ in rows], [v for _, v in rows])
    return spread.y.tolist(), spread.v.tolist()


def found(y: list[float], v: list[float], ml: bool) -> tuple[list[float], float, bool]:
    n = len(y)
    places = [0.0] * PLACES
    zero = point(y, v, n, 0.0, ml, [0.0] * n)
    count, certain = PLAIN.optima(y, v, n, ml, zero, [0.0] * n, [0.0] * (END * ENDS), places)
    return places[:count], PLAIN.highest(y, v, n, ml, [0.0] * n, places, count), certain


@given(trials(), st.floats(0.0, 100.0), st.booleans())
def test_vectorised_sums_are_those_of_the_loops(rows: Rows, t: float, ml: bool) -> None:
    y, v = prepared(rows)
    room = [0.0] * len(y)
    arrays = np.array(y), np.array(v)
    loop = PLAIN.slopes(y, v, len(y), t, ml, room)
    assert WIDE.slopes(*arrays, len(y), t, ml, None) == pytest.approx(loop, rel=1e-11, abs=1e-12)
    short = PLAIN.profile(y, v, len(y), t, room)
    assert short == pytest.approx(loop[:4], rel=1e-12, abs=1e-13)
    assert WIDE.profile(*arrays, len(y), t, None) == pytest.approx(short, rel=1e-12, abs=1e-13)
    high = PLAIN.height(y, v, len(y), t, ml, room)
    assert WIDE.height(*arrays, len(y), t, ml, None) == pytest.approx(high, rel=1e-12, abs=1e-12)


@given(trials(), st.booleans())
@settings(max_examples=200)
def test_the_optima_are_those_of_the_search_by_boxes_alone(rows: Rows, ml: bool) -> None:
    y, v = prepared(rows)
    spread = Spread(y, v)  # already prepared: its own units are those of y and v, up to a factor
    unit = spread.scale
    slopes = spread.ml_slopes if ml else spread.reml_slopes
    value = spread.ml_value if ml else spread.reml_value
    other = global_maximum(value, slopes, spread.total)
    places, best, certain = found(y, v, ml)
    if certain and other.certain:
        close = {"rel": 1e-9, "abs": 1e-9}
        assert places == pytest.approx([t * unit for t in other.optima], **close)
        assert best == pytest.approx(other.x * unit, **close)


@given(trials(), st.floats(0.0, 50.0), st.floats(1e-3, 50.0), st.booleans())
@settings(max_examples=300)
def test_what_is_proved_of_a_stretch_holds_on_a_grid(
    rows: Rows, start: float, width: float, ml: bool
) -> None:
    y, v = prepared(rows)
    n, room = len(y), [0.0] * len(y)
    a, b = (point(y, v, n, t, ml, room) for t in (start, start + width))
    if a[1] <= 0.0 or b[1] <= 0.0:
        return
    known = judge(a, b, 1e-12)
    grid = [point(y, v, n, start + width * i / 64, ml, room) for i in range(65)]
    rises = [p[1] > p[2] * (1 + 1e-12) for p in grid]
    falls = [p[1] < p[2] * (1 - 1e-12) for p in grid]
    if known == RISES:
        ratios = [p[2] / p[1] for p in grid]
        assert all(q >= p * (1 - 1e-11) for p, q in neighbours(ratios))
    elif known == NONE:
        assert not any(rises[i] and falls[j] for i in range(65) for j in range(i + 1, 65))
    else:
        assert known == OPEN


@given(trials(), st.floats(0.01, 60.0))
def test_q_is_solved_from_any_start(rows: Rows, target: float) -> None:
    y, v = prepared(rows)
    n, room = len(y), [0.0] * len(y)
    base = PLAIN.solve_q(y, v, n, target, 0.0, room)
    if base > 0.0:
        assert PLAIN.profile(y, v, n, base, room)[2] == pytest.approx(target, rel=1e-11)
    else:
        assert PLAIN.profile(y, v, n, 0.0, room)[2] <= target * (1 + 1e-12)
    for start in (1e-6, 1.0, 1e4):
        again = PLAIN.solve_q(y, v, n, target, start, room)
        assert again == pytest.approx(base, rel=1e-10, abs=1e-12)


def test_most_data_need_a_handful_of_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    from equipoise.num import kernels

    calls = [0]
    plain = kernels.slopes

    def counted(*given: object) -> object:
        calls[0] += 1
        return plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(kernels, "slopes", counted)
    rng = np.random.default_rng(5)
    for _ in range(300):
        v = rng.chisquare(1, 10) * 0.15 + 0.009
        y = rng.normal(size=10) * np.sqrt(v + 0.1)
        found(*prepared(list(zip(y.tolist(), v.tolist(), strict=True))), False)
    assert calls[0] / 300 < 8


@pytest.mark.parametrize("kind", [PLAIN, WIDE])
def test_trials_that_agree_to_the_last_digit_have_one_optimum_at_0(kind) -> None:  # type: ignore[no-untyped-def]
    y, v = np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0])
    places = [math.nan] * PLACES
    zero = (0.0, *kind.slopes(y, v, 4, 0.0, False, [0.0] * 4)[3:])
    assert kind.optima(y, v, 4, False, zero, [0.0] * 4, [0.0] * (END * ENDS), places) == (1, True)
    assert places[0] == 0.0
