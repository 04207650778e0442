"""What papers leave out, against hand calculations, published examples and metafor."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects import recover
from equipoise.effects.recovered import Estimate, MeanSpread, Recovered

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values" / "escalc.json"
TRANSFORMS: dict[str, Any] = json.loads(VALUES.read_text("utf-8"))["transforms"]


def test_at_the_front_door() -> None:
    assert eq.recover is recover
    for name in recover.__all__:
        assert getattr(recover, name).__doc__


def test_standard_errors_from_intervals() -> None:
    """Handbook 6.3.1: an odds ratio with its interval."""
    found = recover.se_from_ci(0.47, 1.0, ratio=True)
    assert float(found.se) == pytest.approx(math.log(1.0 / 0.47) / 3.919927969080108, rel=1e-14)
    assert float(found.estimate) == pytest.approx(0.5 * math.log(0.47), rel=1e-14)
    t = recover.se_from_ci([1.0, 2.0], [3.0, 5.0], df=[10, 20], level=0.9)
    assert t.se == pytest.approx([1.0 / stats.t.ppf(0.95, 10), 1.5 / stats.t.ppf(0.95, 20)])
    with pytest.raises(InputError, match=r"low of 2 \(argument low, row 2\)"):
        recover.se_from_ci([1, 2], [2, 2])
    with pytest.raises(InputError, match="low of -1"):
        recover.se_from_ci(-1, 2, ratio=True)


def test_standard_errors_from_tests() -> None:
    assert float(recover.se_from_p(-3.0, 0.03).se) == pytest.approx(3 / stats.norm.isf(0.015))
    assert float(recover.se_from_p(3.8, 0.008, df=48).se) == pytest.approx(
        3.8 / stats.t.isf(0.004, 48)
    )
    assert float(recover.se_from_t(2.0, -4.0).se) == 0.5
    assert float(recover.se_from_t(0.5, 2.0, ratio=True).se) == pytest.approx(math.log(2) / 2)
    for estimate, p, message in (
        (1, 0.0, "p_value of 0"),
        (0, 0.4, "estimate of 0"),
        (1, 1, "of 1"),
    ):
        with pytest.raises(InputError, match=message):
            recover.se_from_p(estimate, p)
    with pytest.raises(InputError, match="t of 0"):
        recover.se_from_t(1, 0)


def test_deviations() -> None:
    """Handbook 6.5.2.2 and 6.5.2.3: 25 people with 30.0 to 34.2; p 0.008 among 25 and 22."""
    found = recover.sd_from_ci(30.0, 34.2, 25)
    assert float(found.sd) == pytest.approx(5.09, abs=0.005)
    assert float(recover.sd_from_se(2.0, 25).sd) == 10.0
    se = recover.se_from_p(3.8, 0.008, df=45).se
    assert float(recover.sd_from_difference(se, 25, 22).sd) == pytest.approx(4.69, abs=0.01)
    with pytest.raises(InputError, match="n of 1"):
        recover.sd_from_se(1, 1)


def test_deviations_from_ranges_are_right_for_normal_samples() -> None:
    rng = np.random.default_rng(3)
    for n in (5, 25, 100):
        x = rng.normal(0.0, 2.0, (4000, n))
        found = recover.sd_from_range(x.min(axis=1), x.max(axis=1), np.full(4000, n))
        assert float(found.sd.mean()) == pytest.approx(2.0, rel=0.03)


def test_means_from_quartiles_are_those_of_metafor() -> None:
    entry = TRANSFORMS["conv.fivenum"]

    def column(name: str) -> list[float]:
        return [math.nan if v == "NA" else float(v) for v in entry[name]]

    found = recover.mean_sd(
        column("n"),
        minimum=column("min"),
        q1=column("q1"),
        median=column("median"),
        q3=column("q3"),
        maximum=column("max"),
    )
    assert found.mean == pytest.approx(entry["out"]["mean"], rel=1e-13)
    assert found.sd == pytest.approx(entry["out"]["sd"], rel=1e-13)
    assert found.skewed.tolist() == [0.0, 0.0, 0.0]
    assert [m.doi for m in found.methods][1] == "10.1186/1471-2288-14-135"


@settings(max_examples=30)
@given(st.integers(20, 400), st.floats(-50, 50), st.floats(0.5, 20))
def test_symmetric_numbers_give_their_middle(n: int, middle: float, width: float) -> None:
    given: dict[str, Any] = {
        "minimum": middle - 3 * width,
        "q1": middle - width,
        "median": middle,
        "q3": middle + width,
        "maximum": middle + 3 * width,
    }
    for names in (("minimum", "maximum"), ("q1", "q3"), ("minimum", "q1", "q3", "maximum")):
        some = {name: given[name] for name in (*names, "median")}
        for method in ("Luo-Shi", "Wan"):
            found = recover.mean_sd(n, **some, method=method)
            assert float(found.mean) == pytest.approx(middle, rel=1e-9, abs=1e-9)
            twice = recover.mean_sd(n, **{k: 2 * v for k, v in some.items()}, method=method)
            assert float(twice.sd) == pytest.approx(2 * float(found.sd), rel=1e-12)
            assert float(found.skewed) == 0.0


def test_the_test_of_skewness_keeps_its_level_and_finds_skewed_samples() -> None:
    rng = np.random.default_rng(7)
    for n in (30, 100):
        for draw, low, high in ((rng.normal, 0.03, 0.065), (rng.exponential, 0.3, 1.0)):
            x = draw(size=(6000, n))
            q1, median, q3 = np.quantile(x, (0.25, 0.5, 0.75), axis=1)
            ends = {"minimum": x.min(axis=1), "maximum": x.max(axis=1)}
            size = np.full(6000, n)
            for some in (ends, {"q1": q1, "q3": q3}, ends | {"q1": q1, "q3": q3}):
                rate = recover.mean_sd(size, median=median, **some).skewed.mean()
                floor = low if "minimum" in some or n > 50 or low < 0.1 else 0.1
                assert floor < rate <= high


def test_skewed_rows_are_named_and_others_cannot_be_recovered() -> None:
    found = recover.mean_sd([50, 50], q1=[1, 1], median=[2, None], q3=[30, 3])
    assert found.skewed[0] == 1.0
    assert {note.code: note.text for note in found.notes}["skewed"].endswith("row 1.")
    assert np.isnan(found.mean).tolist() == [False, True]
    assert math.isnan(float(recover.mean_sd(20, median=4.0, q1=3.0).mean))
    with pytest.raises(InputError, match=r"q1 of 3 .*not above median"):
        recover.mean_sd(20, q1=3, median=2, q3=5)
    with pytest.raises(InputError, match="without the median"):
        recover.mean_sd(20, q1=3, q3=5)
    with pytest.raises(UnknownNameError, match="Luo-Shi"):
        recover.mean_sd(20, q1=3, median=4, q3=5, method="Luo")


@settings(max_examples=40)
@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), min_size=1, max_size=5))
def test_joined_groups_are_exact(groups: list[list[float]]) -> None:
    found = recover.combine(
        [len(g) for g in groups],
        [float(np.mean(g)) for g in groups],
        [float(np.std(g, ddof=1)) for g in groups],
    )
    people = np.concatenate([np.array(g) for g in groups])
    assert float(found.n) == people.size
    assert float(found.mean) == pytest.approx(people.mean(), rel=1e-9, abs=1e-9)
    assert float(found.sd) == pytest.approx(people.std(ddof=1), rel=1e-7, abs=1e-5)


def test_what_cannot_be_joined() -> None:
    with pytest.raises(InputError, match="different lengths: n 2, mean 1"):
        recover.combine([1, 2], [1], [1])
    with pytest.raises(InputError, match="sd of nan"):
        recover.combine([5, 6], [1, 2], [1, None])  # type: ignore[list-item]


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(-1, 1))
def test_correlations_and_deviations_of_changes_are_inverse(a: float, b: float, r: float) -> None:
    sd = float(recover.sd_of_change(a, b, r).sd)
    assert float(recover.r_of_change(a, b, sd).r) == pytest.approx(
        r, abs=1e-6 + 1e-12 * (a / b + b / a)
    )


def test_a_standard_error_of_the_change_is_refused() -> None:
    """Handbook 6.5.2.8: standard deviations of 4.0, 4.4 and 3.1 give 0.73... and an SE none."""
    assert float(recover.r_of_change(4.0, 4.4, 3.1).r) == pytest.approx(0.7315, abs=1e-3)
    with pytest.raises(InputError, match=r"sd_change of 0.2.*standard error"):
        recover.r_of_change(4.0, 4.4, 0.2)
    with pytest.raises(InputError, match=r"r of 1\.5"):
        recover.sd_of_change(1, 1, 1.5)


def test_cluster_trials() -> None:
    """Handbook 23.1.4: 10 classes of 29.5 on average, icc 0.02, gives 1.57; 63/295 and 84/330."""
    found = recover.design_effect([295, 330], 29.5, 0.02, events=[63, 84])
    assert found.factor == pytest.approx([1.57, 1.57])
    assert np.round(found.n).tolist() == [188, 210]
    assert np.round(found.events, 1).tolist() == [40.1, 53.5]
    unequal = recover.design_effect(295, 29.5, 0.02, cv=0.5)
    assert float(unequal.factor) == pytest.approx(1 + (1.25 * 29.5 - 1) * 0.02)
    assert math.isnan(float(unequal.events))
    assert float(recover.design_effect(100, 1, 0.3).factor) == 1.0
    with pytest.raises(InputError, match="icc of 2"):
        recover.design_effect(100, 10, 2)
    with pytest.raises(InputError, match="events of 101"):
        recover.design_effect(100, 10, 0.1, events=101)


def test_crossover_trials_are_paired() -> None:
    found = recover.crossover(10.0, 8.0, 3.0, 4.0, 25, 0.5)
    assert float(found.estimate) == 2.0
    assert float(found.se) == pytest.approx(math.sqrt(13.0 / 25))
    paired = eq.effect_sizes("MC", mean1=[10], mean2=[8], sd1=[3], sd2=[4], n=[25], r=[0.5])
    assert float(found.se) == pytest.approx(float(paired.sei[0]))


table = st.tuples(st.integers(2, 200), st.integers(2, 200)).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(1, n[0] - 1), st.integers(1, n[1] - 1))
)


@settings(max_examples=150)
@given(table, st.sampled_from(["odds_ratio", "risk_ratio", "phi"]))
def test_tables_come_back_from_their_margins(
    t: tuple[tuple[int, int], int, int], kind: str
) -> None:
    (n1, n2), a, b = t
    m, total = a + b, n1 + n2
    value = {
        "odds_ratio": a * (n2 - b) / ((n1 - a) * b),
        "risk_ratio": a * n2 / (n1 * b),
        "phi": (a * total - n1 * m) / math.sqrt(n1 * n2 * m * (total - m)),
    }[kind]
    found = recover.two_by_two(n1=n1, n2=n2, events=m, **{kind: value})  # type: ignore[arg-type]
    assert (float(found.events1), float(found.events2)) == (a, b)
    assert (float(found.n1), float(found.n2)) == (n1, n2)
    assert found.notes == ()


def test_tables_that_do_not_exist_or_are_rough() -> None:
    found = recover.two_by_two(n1=[10, 10], n2=[10, 12], events=[3, 3], risk_ratio=[50.0, 3.2])
    codes = [note.code for note in found.notes]
    assert "rounded" in codes
    assert float(recover.two_by_two(n1=40, n2=60, events=30, odds_ratio=1.0).events1) == 12.0
    none = recover.two_by_two(n1=10, n2=100, events=50, phi=0.99)
    assert math.isnan(float(none.events1))
    assert [note.code for note in none.notes] == ["no-table"]
    with pytest.raises(InputError, match="margins alone"):
        recover.two_by_two(n1=1, n2=1, events=1)
    with pytest.raises(InputError, match="odds_ratio and phi"):
        recover.two_by_two(n1=1, n2=1, events=1, odds_ratio=1, phi=0)


def test_log_rank_from_a_p_value() -> None:
    """Tierney 2007: V is a quarter of the events, O − E is z √V."""
    found = recover.logrank(0.02, 40, 60, worse=2)
    z = stats.norm.isf(0.01)
    assert float(found.v) == 25.0
    assert float(found.o_minus_e) == pytest.approx(-5 * z)
    assert float(found.estimate) == pytest.approx(-z / 5)
    assert float(found.se) == pytest.approx(0.2)
    two = recover.logrank(0.02, 40, 60, worse=1, n1=200, n2=100)
    assert float(two.v) == pytest.approx(100 * 2 / 9)
    assert float(two.estimate) > 0
    with pytest.raises(InputError, match="worse of 3"):
        recover.logrank(0.02, 40, 60, worse=3)
    with pytest.raises(InputError, match="one group only"):
        recover.logrank(0.02, 40, 60, worse=1, n1=9)


@pytest.mark.parametrize("distribution", ["logistic", "normal"])
def test_odds_ratios_and_differences(distribution: str) -> None:
    there = recover.or_from_d([-0.5, 0.2, 1.3], 0.1, distribution=distribution)
    back = recover.d_from_or(np.exp(there.estimate), there.se, distribution=distribution)
    assert back.estimate == pytest.approx([-0.5, 0.2, 1.3])
    assert back.se == pytest.approx([0.1] * 3)
    if distribution == "normal":
        entry = TRANSFORMS["transf.dtolnor.norm"]
        assert there.estimate == pytest.approx(entry["y"], rel=1e-13)
        entry = TRANSFORMS["transf.lnortod.norm"]
        odds = np.exp(np.array(entry["x"]))
        found = recover.d_from_or(odds, distribution="normal")
        assert found.estimate == pytest.approx(entry["y"], rel=1e-13)
        assert np.isnan(found.se).all()
    with pytest.raises(InputError, match="'logistic' or 'normal'"):
        recover.d_from_or(1.0, distribution="probit")


def test_results_are_frozen_and_come_back_from_json_and_pickle() -> None:
    for found in (
        recover.se_from_ci(0.5, 2.0, ratio=True),
        recover.mean_sd([20, 30], q1=[1, 2], median=[2, 3], q3=[3, 4]),
        recover.combine([2, 3], [1, 2], [1, 1]),
    ):
        kind: type[Recovered] = type(found)
        again = kind.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
        assert again == found
        back = pickle.loads(pickle.dumps(found))
        assert back == found
        assert "Method:" in found.summary() == str(found)
        assert repr(found).startswith(f"<{kind.__name__} ")
        assert "<div>" in found._repr_html_()
        assert all(method.paper for method in found.methods)
    one = recover.se_from_ci(1, 2)
    assert isinstance(one, Estimate)
    with pytest.raises(ValueError, match="read-only"):
        one.se[...] = 1.0
    many = recover.mean_sd(np.full(9, 20), q1=np.ones(9), median=np.full(9, 2), q3=np.full(9, 3))
    assert isinstance(many, MeanSpread)
    assert "… (9)" in repr(many)
    assert list(many.to_frame("pandas").columns) == ["mean", "sd", "skewed"]


def test_columns_may_hold_gaps_but_no_text() -> None:
    found = recover.sd_from_se([1.0, None], [4, 9])  # type: ignore[list-item]
    assert found.sd[0] == 2.0
    assert math.isnan(found.sd[1])
    with pytest.raises(InputError, match="'x' is not a number"):
        recover.sd_from_se([1.0, "x"], 4)
