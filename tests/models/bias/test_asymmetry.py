"""Small-study effects: laws that every test obeys, what is noted, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.bias.asymmetry import SmallStudyTest, small_study, small_study_panel
from equipoise.models.bias.axes import TESTS
from equipoise.models.bias.line import LineSpread, line, mixed_line
from equipoise.models.bias.rank import kendall
from equipoise.models.pairwise import pairwise

WAYS = [("Egger", "lm"), ("Egger", "random"), ("Thompson-Sharp", None), ("Begg", None)]

BCG: dict[str, Any] = {
    "events1": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    "n1": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
    "events2": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    "n2": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
}


def _on_a_line(x: np.ndarray, s: np.ndarray) -> bool:
    rest = x - np.polyval(np.polyfit(s, x, 1), s)
    return bool(np.abs(rest).max() < 1e-3)


@st.composite
def sets(draw: st.DrawFn, least: int = 4, most: int = 9) -> tuple[np.ndarray, np.ndarray]:
    k = draw(st.integers(least, most))
    y = draw(st.lists(st.floats(-3, 3), min_size=k, max_size=k, unique=True))
    s = draw(st.lists(st.floats(0.1, 2), min_size=k, max_size=k, unique=True))
    x, v = np.round(np.array(y), 6), np.round(np.array(s), 6) ** 2
    spread = np.ptp(np.sqrt(v)) > 0.05
    if len(set(x)) < k or len(set(v)) < k or not spread or _on_a_line(x, np.sqrt(v)):
        return np.linspace(-1, 1, k) ** 3, np.linspace(0.1, 1, k) ** 2
    return x, v


def rows(y: Any, v: Any) -> Contrasts:
    return contrasts(yi=np.asarray(y), vi=np.asarray(v), measure="GEN")


def same(one: SmallStudyTest, two: SmallStudyTest, rel: float = 1e-6) -> None:
    assert one.statistic == pytest.approx(two.statistic, rel=rel, abs=rel)
    assert one.p_value == pytest.approx(two.p_value, rel=rel, abs=rel)


@settings(max_examples=25, deadline=None)
@given(sets(), st.sampled_from(WAYS), st.randoms())
def test_order_sign_shift_and_units(
    data: tuple[np.ndarray, np.ndarray], way: tuple[str, str | None], rng: Any
) -> None:
    y, v = data
    test, model = way
    base = small_study(rows(y, v), test, model=model)
    order = list(range(len(y)))
    rng.shuffle(order)
    same(small_study(rows(y[order], v[order]), test, model=model), base, 1e-9)
    turned = small_study(rows(-y, v), test, model=model)
    assert turned.estimate == pytest.approx(-base.estimate, rel=1e-9, abs=1e-12)
    assert turned.p_value == pytest.approx(base.p_value, rel=1e-9)
    for c in (1e-6, 1e6):
        same(small_study(rows(c * y, c * c * v), test, model=model), base)
    moved = small_study(rows(y + 64.0, v), test, model=model)
    same(moved, base)
    if test != "Begg":
        assert moved.intercept == pytest.approx(base.intercept + 64.0, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(sets())
def test_a_variance_between_trials_of_zero_gives_the_common_line(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    y, v = data
    t = small_study(rows(y, v), model="random", tau2="DL")
    plain = small_study(rows(y, v), model="common")
    if t.tau2 == 0.0:
        same(t, plain, 1e-12)
    assert plain.estimate == pytest.approx(small_study(rows(y, v)).estimate, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(sets(), st.sampled_from(["REML", "ML"]))
def test_the_likelihood_about_a_line_is_highest_where_it_says(
    data: tuple[np.ndarray, np.ndarray], code: str
) -> None:
    y, v = data
    x = np.sqrt(v)
    s = LineSpread(y, x, v)
    ml = code == "ML"
    top = s.value(mixed_line(y, x, v, code).tau2 / s.scale, ml)
    upper = float(s.c2.sum())
    for t in [0.0, *np.geomspace(1e-6, 1.0, 60) * upper]:
        assert top >= s.value(float(t), ml) - 1e-10


def test_the_line_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    y, v = rng.normal(size=8), rng.uniform(0.1, 2, 8)
    x = np.sqrt(v)
    X = np.column_stack([np.ones(8), x])
    inside = X.T @ (X / v[:, None])
    b = np.linalg.solve(inside, X.T @ (y / v))
    found = line(y, x, v)
    assert [found.intercept, found.slope] == pytest.approx(b, rel=1e-12)
    C = np.linalg.inv(inside)
    assert [found.var_intercept, found.var_slope, found.covariance] == pytest.approx(
        [C[0, 0], C[1, 1], C[0, 1]], rel=1e-11
    )
    far = line(y + 1e6, x, v)
    assert far.slope == pytest.approx(found.slope, rel=1e-8)


def test_variances_over_twenty_four_orders_of_magnitude_of_units() -> None:
    y, v = np.array([0.1, 0.4, 0.3, 0.9]), np.array([0.01, 0.04, 0.09, 0.25])
    base = small_study(rows(y, v), model="random")
    for c in (1e-12, 1e12):
        t = small_study(rows(y * math.sqrt(c), v * c), model="random")
        assert t.statistic == pytest.approx(base.statistic, rel=1e-9)


def test_exact_ranks_count_every_order() -> None:
    from itertools import permutations

    x = np.arange(5.0)
    orders = [np.array(p, dtype=float) for p in permutations(range(5))]
    sizes = np.array([kendall(x, p).s for p in orders])
    for p in orders[::17]:
        found = kendall(x, p)
        low, high = (sizes <= found.s).mean(), (sizes >= found.s).mean()
        assert found.exact
        assert found.p_value == pytest.approx(min(1.0, 2 * min(low, high)), rel=1e-12)


def test_ties_and_continuity_as_in_textbooks() -> None:
    x = np.array([1, 2, 2, 3, 4, 5], dtype=float)
    y = np.array([1, 3, 2, 2, 5, 4], dtype=float)
    plain, moved = kendall(x, y), kendall(x, y, continuity=True)
    assert plain.ties
    assert not plain.exact
    assert abs(moved.z) < abs(plain.z)
    assert moved.z == pytest.approx((plain.s - 1) / plain.se)
    with pytest.raises(NotEstimableError, match="tie in rank"):
        kendall(np.ones(4), np.arange(4.0))


def test_a_perfect_line_and_equal_estimates() -> None:
    s = np.array([0.1, 0.2, 0.3, 0.4])
    t = small_study(rows(np.zeros(4), s**2))
    assert (t.statistic, t.p_value, t.direction) == (0.0, 1.0, 0)
    t = small_study(rows(1.0 + 2.0 * s, s**2))
    assert (t.statistic, t.p_value, t.direction) == (math.inf, 0.0, 1)
    assert "perfect-line" in [note.code for note in t.notes]


def test_duplicates_keep_the_slope() -> None:
    y, s = np.array([0.1, 0.5, 0.2, 0.9]), np.array([0.1, 0.2, 0.3, 0.4])
    one = small_study(rows(y, s**2))
    two = small_study(rows(np.tile(y, 2), np.tile(s, 2) ** 2))
    assert two.estimate == pytest.approx(one.estimate, rel=1e-12)
    assert any(note.code == "identical-rows" for note in two.notes)


def test_smaller_trials_with_larger_effects_have_one_direction() -> None:
    n = np.array([50, 100, 200, 400, 800, 1600])
    y = np.array([1.0, 0.7, 0.6, 0.3, 0.35, 0.2])
    es = Contrasts("GEN", tuple("abcdef"), y, 4.0 / n, n1=n / 2, n2=n / 2)
    for predictor in ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv"):
        t = small_study(es, predictor=predictor)
        assert t.direction == 1
        assert (t.limit is None) is (predictor in ("ni", "sqrtni"))
    for test in ("Egger", "Thompson-Sharp", "Begg", "Macaskill", "Pustejovsky"):
        assert small_study(es, test).direction == 1


def test_swapped_groups_change_the_sign_of_every_test_from_counts() -> None:
    es = effect_sizes("OR", **BCG)
    swapped = effect_sizes(
        "OR", events1=BCG["events2"], n1=BCG["n2"], events2=BCG["events1"], n2=BCG["n1"]
    )
    for code, test in TESTS.items():
        for model in test.models:
            one, two = (small_study(e, code, model=model) for e in (es, swapped))
            assert two.estimate == pytest.approx(-one.estimate, rel=1e-8), code
            assert two.p_value == pytest.approx(one.p_value, rel=1e-8), code


def test_a_fit_gives_the_same_as_its_effects() -> None:
    es = effect_sizes("OR", **BCG)
    for code in ("Egger", "Harbord", "Peters", "arcsine"):
        same(small_study(pairwise(es), code), small_study(es, code), 1e-12)


def test_trials_without_events_are_left_out_by_name() -> None:
    es = effect_sizes(
        "OR",
        events1=[1, 0, 3, 5, 9],
        n1=[20, 30, 40, 50, 90],
        events2=[3, 0, 5, 5, 20],
        n2=[21, 31, 42, 50, 91],
        study=["a", "empty", "c", "d", "e"],
    )
    t = small_study(es, "Harbord")
    assert t.k == 4
    assert t.left_out[-1].study == "empty"
    assert "empty" in t.summary()
    assert small_study(es, "arcsine").k == 5


def test_rows_without_an_estimate_are_left_out_and_named() -> None:
    y, s = np.array([0.1, math.nan, 0.3, 0.5]), np.array([0.1, 0.2, 0.3, 0.4])
    es = Contrasts("MD", tuple("abcd"), y, s**2)
    t = small_study(es)
    assert t.k == 3
    assert any("b" in note.text for note in t.notes if note.code == "left-out")


@pytest.mark.parametrize(
    ("measure", "test", "code"),
    [
        ("MD", "Egger", "few-trials"),
        ("MD", "Egger", "asymmetry-has-many-causes"),
        ("SMD", "Egger", "smd-artefact"),
        ("OR", "Begg", "or-inflation"),
    ],
)
def test_what_is_noted(measure: str, test: str, code: str) -> None:
    es = contrasts(yi=[0.1, 0.2, 0.5, 0.4], sei=[0.1, 0.2, 0.3, 0.4], measure=measure)
    assert code in [note.code for note in small_study(es, test).notes]


def test_trials_of_similar_size_are_noted() -> None:
    es = contrasts(yi=[0.1, 0.2, 0.5, 0.4], sei=[0.20, 0.21, 0.22, 0.23], measure="MD")
    assert "similar-sizes" in [note.code for note in small_study(es).notes]


def test_what_is_refused() -> None:
    es = contrasts(yi=[0.1, 0.2, 0.5], sei=[0.1, 0.2, 0.3], measure="MD")
    with pytest.raises(UnknownNameError, match="'Egger'"):
        small_study(es, "Eger")
    with pytest.raises(UnknownNameError, match="predictor"):
        small_study(es, predictor="size")
    with pytest.raises(UnknownNameError, match="estimator"):
        small_study(es, model="random", tau2="DerSimonian")
    with pytest.raises(UnknownNameError, match="model"):
        small_study(es, model="fixed")
    with pytest.raises(InputError, match="model 'rank' with Egger"):
        small_study(es, model="rank")
    with pytest.raises(InputError, match="which has its own"):
        small_study(es, "Begg", predictor="vi")
    with pytest.raises(InputError, match=r"events1, n1, events2, n2.*effect_sizes"):
        small_study(es, "Harbord")
    with pytest.raises(InputError, match="sizes of the groups"):
        small_study(es, "Macaskill")
    with pytest.raises(InputError, match="level"):
        small_study(es, level=95)
    with pytest.raises(NotEstimableError, match="at least 3 trials"):
        small_study(es.take([0, 1]))
    with pytest.raises(NotEstimableError, match="same standard error"):
        small_study(contrasts(yi=[1, 2, 3], sei=[0.5] * 3, measure="MD"))
    with pytest.raises(InputError, match="a list where effects are wanted"):
        small_study([1, 2, 3])  # type: ignore[arg-type]


def test_the_panel_marks_what_is_recommended() -> None:
    panel = small_study_panel(effect_sizes("OR", **BCG))
    marked = {t.test for t, good in zip(panel.tests, panel.recommended, strict=True) if good}
    assert marked == {"Harbord", "Peters", "arcsine"}
    assert not panel.not_run
    assert len(panel.to_frame("pandas")) == len(panel.tests)
    assert "recommended" in panel.summary()
    plain = small_study_panel(contrasts(yi=[0.1, 0.2, 0.5], sei=[0.1, 0.2, 0.3], measure="MD"))
    assert {row.study for row in plain.not_run} >= {"Harbord", "Peters", "arcsine"}
    assert [t.test for t, good in zip(plain.tests, plain.recommended, strict=True) if good] == [
        "Egger"
    ]
    ratio = small_study_panel(effect_sizes("RR", **BCG))
    assert "none-recommended" in [note.code for note in ratio.notes]


def test_a_result_reads_and_travels() -> None:
    t = small_study(effect_sizes("OR", **BCG), "Harbord")
    assert repr(t) == "<SmallStudyTest Harbord t −1.26 on 11 df, p = 0.235; k = 13>"
    assert "Effect of an infinitely large trial 0.79 (95% CI 0.46 to 1.36)" in t.summary()
    assert t.methods[0].doi == "10.1002/sim.2380"
    again = SmallStudyTest.from_dict(t.to_dict())
    assert again.to_dict() == t.to_dict()
    assert list(t.to_frame("polars").columns) == ["study", "y", "x", "v"]
    assert "<p>" in t._repr_html_()
    assert not t.y.flags.writeable
