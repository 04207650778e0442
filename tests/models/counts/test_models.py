"""The other models of counts: what is known of them by another route, and laws they obey."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special, stats

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts, effect_sizes
from equipoise.models.counts.exact import Total
from equipoise.models.counts.firth import penalised_logistic
from equipoise.models.counts.fit import MODELS, counts
from equipoise.models.counts.result import CountsFit
from equipoise.models.counts.tables import Tables
from equipoise.models.pairwise import pairwise

VALUES = Path(__file__).resolve().parents[3] / "validation" / "values"
Row = tuple[int, int, int, int]
LINES: list[Row] = [
    (0, 116, 3, 117), (1, 44, 3, 35), (2, 208, 9, 195), (0, 130, 7, 136), (5, 151, 6, 157),
    (3, 9, 1, 12), (0, 20, 0, 30), (6, 187, 11, 180),
]  # fmt: skip
ODDS = [m for m, has in MODELS.items() if "OR" in has.measures]
GLMM = ["UM.FS", "UM.RS", "CM.EL", "CM.AL"]


def fit(rows: list[Row], model: str, **more: Any) -> CountsFit:
    a, m, c, n = (list(column) for column in zip(*rows, strict=True))
    return counts(events1=a, n1=m, events2=c, n2=n, model=model, **more)


def swapped(rows: list[Row]) -> list[Row]:
    return [(c, n, a, m) for a, m, c, n in rows]


@pytest.mark.parametrize("model", ODDS)
def test_swapped_groups_invert_and_the_order_does_not_matter(model: str) -> None:
    one, two, three = fit(LINES, model), fit(swapped(LINES), model), fit(LINES[::-1], model)
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-8)
    assert two.se == pytest.approx(one.se, rel=1e-6)
    assert two.ci.low == pytest.approx(-one.ci.high, rel=1e-7)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert three.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert three.ci.high == pytest.approx(one.ci.high, rel=1e-7)
    if one.tau2 is not None:
        assert two.tau2 == pytest.approx(one.tau2, rel=1e-6)
        assert two.log_lik == pytest.approx(one.log_lik, rel=1e-10, nan_ok=True)


@pytest.mark.parametrize("model", [m for m in ODDS if m != "CM.AL"])
def test_counting_the_others_inverts_the_odds_ratio(model: str) -> None:
    one, two = fit(LINES, model), fit([(m - a, m, n - c, n) for a, m, c, n in LINES], model)
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-8)
    assert two.ci.low == pytest.approx(-one.ci.high, rel=1e-7)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL", "collapsed", "IV"])
def test_every_trial_twice_halves_the_variance_of_a_common_effect(model: str) -> None:
    one, two = (fit(rows, model, effects="common") for rows in (LINES, LINES * 2))
    assert two.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert two.se**2 == pytest.approx(one.se**2 / 2, rel=1e-8)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_every_trial_twice_keeps_the_optimum(model: str) -> None:
    one, two = fit(LINES, model), fit(LINES * 2, model)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-7)
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-6)
    assert two.log_lik == pytest.approx(2 * one.log_lik, rel=1e-10)


@pytest.mark.parametrize("model", ODDS)
def test_one_trial(model: str) -> None:
    got = fit([(12, 400, 5, 500)], model)
    assert got.estimate == pytest.approx(math.log(12 * 495 / (388 * 5)), rel=0.06)
    assert got.tau2 in (None, 0.0)
    assert got.pi is None


def test_large_balanced_trials_of_a_small_effect_agree_in_all_models() -> None:
    rows = [(1050 + i, 1_000_000, 1000 - i, 1_000_000) for i in range(4)]
    for model in ODDS:
        got = fit(rows, model, effects=MODELS[model].effects[-1])
        assert got.estimate == pytest.approx(fit(rows, "MH").estimate, rel=3e-3), model
        assert got.se == pytest.approx(fit(rows, "MH").se, rel=5e-3), model


def test_without_spread_random_and_common_effects_are_the_same() -> None:
    rows = [(12, 400, 6, 400), (13, 400, 6, 390), (12, 410, 7, 400)]
    for model in GLMM:
        one, two = fit(rows, model), fit(rows, model, effects="common")
        assert one.tau2 == 0.0
        assert (one.estimate, one.se) == pytest.approx((two.estimate, two.se), rel=1e-9)
        assert "tau2-zero" in [note.code for note in one.notes]
        assert two.aic == pytest.approx(one.aic - 2.0)


def test_the_conditional_model_of_rates_is_the_unconditional_one_without_spread() -> None:
    data: dict[str, Any] = {
        "events1": [4, 0, 7], "time1": [120.5, 60, 300],
        "events2": [9, 2, 9], "time2": [110, 66, 290],
    }  # fmt: skip
    one, two = (counts(model=m, effects="common", **data) for m in ("CM.EL", "UM.FS"))
    assert one.estimate == pytest.approx(two.estimate, rel=1e-10)
    assert one.se == pytest.approx(two.se, rel=1e-9)
    for model in ("UM.FS", "UM.RS", "CM.EL", "exact"):
        longer = {k: [7 * x for x in v] if "time" in k else v for k, v in data.items()}
        a, b = counts(model=model, **data), counts(model=model, **longer)
        assert b.estimate == pytest.approx(a.estimate, rel=1e-9)
        assert b.ci.high == pytest.approx(a.ci.high, rel=1e-8)
        assert b.measure == "IRR"


def test_the_interval_of_tau2_is_where_the_likelihood_says() -> None:
    got = fit(LINES, "CM.EL")
    assert got.tau2_ci is not None
    assert got.tau2 is not None
    assert got.tau2_ci.low <= got.tau2 <= got.tau2_ci.high
    assert got.tau2_ci.low == 0.0


def test_profile_intervals_hold_the_estimate_and_are_near_walds() -> None:
    for model, effects in itertools.product(("UM.FS", "CM.EL"), ("common", "random")):
        wald, profile = (
            fit(LINES, model, effects=effects, interval=i) for i in ("Wald", "profile")
        )
        assert profile.ci.low < profile.estimate < profile.ci.high
        assert profile.ci.low == pytest.approx(wald.ci.low, abs=1.5 * wald.se)
        assert profile.ci.method == "profile likelihood"
    t = fit(LINES, "CM.EL", interval="t")
    assert t.df == 6
    assert t.ci.high - t.ci.low > 2 * 1.96 * t.se


@pytest.mark.parametrize("model", ["MH", "UM.FS", "UM.RS", "CM.EL", "CM.AL", "collapsed", "BB"])
def test_all_events_in_one_group_are_refused(model: str) -> None:
    rows: list[Row] = [(3, 50, 0, 60), (1, 50, 0, 60), (0, 9, 0, 9)]
    with pytest.raises(NotEstimableError, match=f"infinite.*group 1 .model {model}"):
        fit(rows, model)
    with pytest.raises(NotEstimableError, match=r"infinite.*group 2"):
        fit(swapped(rows), model)
    for finite in ("Peto", "Firth", "IV"):
        assert math.isfinite(fit(rows, finite).estimate)


@pytest.mark.parametrize("model", ODDS)
def test_no_event_at_all(model: str) -> None:
    if model == "Firth":
        assert abs(fit([(0, 50, 0, 50), (0, 9, 0, 9)], model).estimate) < 1e-9
        return
    with pytest.raises(NotEstimableError, match="no event in any of 2 trials"):
        fit([(0, 50, 0, 60), (0, 50, 0, 60)], model)


class TestExact:
    def test_one_table_is_fishers(self) -> None:
        row = (7, 30, 2, 28)
        got = fit([row], "exact")
        table = [[7, 23], [2, 26]]
        expected = stats.contingency.odds_ratio(table, kind="conditional")
        ci = expected.confidence_interval(0.95)
        assert math.exp(got.estimate) == pytest.approx(expected.statistic, rel=1e-6)
        assert math.exp(got.ci.low) == pytest.approx(ci.low, rel=1e-6)
        assert math.exp(got.ci.high) == pytest.approx(ci.high, rel=1e-6)
        one_sided = min(stats.fisher_exact(table, alternative=a)[1] for a in ("less", "greater"))
        assert got.p_value == pytest.approx(2 * one_sided, rel=1e-10)

    @settings(max_examples=25, deadline=None)
    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 4), st.integers(4, 9), st.integers(0, 4), st.integers(4, 9)),
            min_size=1,
            max_size=3,
        ),
        log_ratio=st.floats(-2, 2),
    )
    def test_the_distribution_is_its_enumeration(self, rows: list[Row], log_ratio: float) -> None:
        columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
        total = Total(Tables(("",) * len(rows), *columns, False), 0.3)
        each = []
        for a, m, c, n in rows:
            both = a + c
            support = range(max(0, both - n), min(m, both) + 1)
            w = {
                s: math.comb(m, s) * math.comb(n, both - s) * math.exp(log_ratio * s)
                for s in support
            }
            each.append({s: v / sum(w.values()) for s, v in w.items()})
        x = sum(r[0] for r in rows)
        expected = [0.0, 0.0, 0.0]
        for some in itertools.product(*(d.items() for d in each)):
            s, p = sum(v[0] for v in some), math.prod(v[1] for v in some)
            expected[(s > x) - (s < x) + 1] += p
        assert total.tails(log_ratio, x) == pytest.approx(tuple(expected), rel=1e-9, abs=1e-14)

    def test_all_events_in_one_group_leave_one_bound(self) -> None:
        got = fit([(3, 50, 0, 60), (1, 50, 0, 60)], "exact")
        assert got.estimate == math.inf
        assert got.ci.high == math.inf
        assert 0.0 < math.exp(got.ci.low) < 1.5
        assert got.back().ci.high == math.inf
        assert "infinity" in got.summary()
        other = fit([(0, 60, 3, 50), (0, 60, 1, 50)], "exact")
        assert (other.ci.low, other.ci.high) == pytest.approx((-math.inf, -got.ci.low))

    def test_mid_p_is_shorter(self) -> None:
        wide, short = (fit(LINES, "exact", interval=i) for i in ("exact", "mid-p"))
        assert wide.ci.low < short.ci.low < short.ci.high < wide.ci.high
        assert short.p_value < wide.p_value

    def test_its_estimate_is_that_of_the_exact_likelihood(self) -> None:
        assert fit(LINES, "exact").estimate == fit(LINES, "CM.EL", effects="common").estimate


class TestFirth:
    def test_agrees_with_brglm2_on_a_network(self) -> None:
        pinned = json.loads((VALUES / "counts_penalised.json").read_text("utf-8"))
        rows = pinned["rows"]
        study = sorted({r[0] for r in rows})
        X = np.zeros((len(rows), len(study) + 3))
        for i, (s, treat, *_) in enumerate(rows):
            X[i, study.index(s)] = 1.0
            if treat != pinned["against"]:
                X[i, len(study) + pinned["treatments"].index(treat)] = 1.0
        events, n = (np.array([r[j] for r in rows], dtype=float) for j in (2, 3))
        found = penalised_logistic(X, events, n)
        # brglm2 stops at 1e-6.
        assert found.beta[-3:] == pytest.approx(pinned["beta"], rel=1e-7)
        assert np.sqrt(np.diag(found.covariance))[-3:] == pytest.approx(pinned["se"], rel=1e-7)

    def test_maximises_the_penalised_likelihood(self) -> None:
        got = fit(LINES, "Firth", interval="Wald")
        k = len(LINES)
        a, m, c, n = (np.array(x, dtype=float) for x in zip(*LINES, strict=True))

        def negative(x: NDArray[np.float64]) -> float:
            p1, p2 = special.expit(x[:k] + x[k]), special.expit(x[:k])
            w1, w2 = m * p1 * (1 - p1), n * p2 * (1 - p2)
            log_det = np.log(w1 + w2).sum() + np.log((w1 * w2 / (w1 + w2)).sum())
            inside = stats.binom.logpmf(a, m, p1) + stats.binom.logpmf(c, n, p2)
            return -float(inside.sum() + 0.5 * log_det)

        best = optimize.minimize(negative, np.append(np.full(k, -3.0), 0.0), method="BFGS")
        assert got.estimate == pytest.approx(best.x[k], abs=1e-4)

    def test_one_table_has_half_in_every_cell(self) -> None:
        got = fit([(3, 50, 0, 60)], "Firth", interval="Wald")
        assert got.estimate == pytest.approx(math.log(3.5 * 60.5 / (47.5 * 0.5)), rel=1e-9)

    def test_profile_and_wald(self) -> None:
        wald, profile = (fit(LINES, "Firth", interval=i) for i in ("Wald", "profile"))
        assert wald.estimate == profile.estimate
        assert profile.ci.low < wald.ci.low < wald.ci.high
        assert profile.used.all()


class TestBetaBinomial:
    def test_maximises_the_likelihood(self) -> None:
        got = fit(LINES, "BB")
        a, m, c, n = (np.array(x, dtype=float) for x in zip(*LINES, strict=True))

        def negative(x: NDArray[np.float64]) -> float:
            p, q, s = special.expit(x[0]), special.expit(x[1]), math.exp(x[2])
            one = stats.betabinom.logpmf(a, m, p / s, (1 - p) / s)
            return -float((one + stats.betabinom.logpmf(c, n, q / s, (1 - q) / s)).sum())

        best = optimize.minimize(
            negative,
            [-3.0, -3.0, -3.0],
            method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-12},
        )
        assert got.log_lik == pytest.approx(-best.fun, rel=1e-10)
        assert got.estimate == pytest.approx(best.x[0] - best.x[1], abs=1e-6)
        s = math.exp(best.x[2])
        assert got.icc == pytest.approx(s / (1 + s), rel=1e-5)
        hessian = numerical_hessian(negative, best.x)
        covariance = np.linalg.inv(hessian)
        se = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        assert got.se == pytest.approx(se, rel=1e-4)

    def test_measures_are_of_the_same_risks(self) -> None:
        ratio, risk, difference = (fit(LINES, "BB", measure=m) for m in ("OR", "RR", "RD"))
        assert ratio.estimate < risk.estimate < 0.0 > difference.estimate
        assert ratio.log_lik == risk.log_lik == difference.log_lik

    def test_without_correlation_it_is_all_trials_added_up(self) -> None:
        rows: list[Row] = [(10, 100, 5, 100), (10, 100, 5, 100)]
        got, added = fit(rows, "BB"), fit(rows, "collapsed")
        assert got.icc == 0.0
        assert (got.estimate, got.se) == pytest.approx((added.estimate, added.se), rel=1e-9)
        assert "no-correlation" in [note.code for note in got.notes]


def numerical_hessian(f: Any, x: NDArray[np.float64], h: float = 1e-4) -> NDArray[np.float64]:
    size = len(x)
    out = np.empty((size, size))
    for i, j in itertools.product(range(size), repeat=2):
        total = 0.0
        for si, sj in itertools.product((1, -1), repeat=2):
            at = np.array(x)
            at[i] += si * h
            at[j] += sj * h
            total += si * sj * f(at)
        out[i, j] = total / (4 * h * h)
    return out


class TestInverseVariance:
    def test_is_pairwise_of_the_trials_own_estimates(self) -> None:
        a, m, c, n = (list(column) for column in zip(*LINES, strict=True))
        es = effect_sizes("OR", events1=a, n1=m, events2=c, n2=n)
        kept = fit(LINES, "IV", double_zero="keep")
        same = pairwise(contrasts(yi=es.yi, vi=es.vi, measure="OR"), interval="Wald")
        assert (kept.estimate, kept.se) == pytest.approx((same.estimate, same.se), rel=1e-12)
        assert kept.tau2 == same.tau2
        dropped = fit(LINES, "IV")
        assert (kept.k, dropped.k) == (8, 7)
        assert "added" in [note.code for note in dropped.notes]

    def test_without_a_correction_only_full_tables_count(self) -> None:
        assert fit(LINES, "IV", add=0.0).k == 5


def test_trials_without_events_in_the_model_with_random_baselines() -> None:
    dropped, kept = (fit(LINES, "UM.RS", double_zero=d) for d in ("drop", "keep"))
    assert (dropped.k, kept.k) == (7, 8)
    assert dropped.estimate != kept.estimate
    assert dropped.sigma2 is not None
    assert dropped.convergence is not None
    assert dropped.convergence.gradient < 1e-7


def test_huge_ratios_can_be_printed() -> None:
    for rows in ([(5, 32659, 0, 3), (0, 17, 0, 11)], [(0, 667, 0, 3), (1, 5, 1, 877)]):
        text = fit(rows, "Peto").summary()
        assert "> 1,000,000" in text
        assert "infinity" not in text


def test_a_mixed_model_can_be_written_and_read() -> None:
    got = fit(LINES, "CM.EL")
    assert CountsFit.from_dict(got.to_dict()).to_dict() == got.to_dict()
    text = got.summary()
    assert "tau² " in text
    assert "Likelihood-ratio Q" in text
    assert "prediction interval" in text
    assert got.convergence is not None
    assert got.convergence.quadrature_error < 1e-9


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"model": "Peto", "effects": "random"}, InputError, "effects 'random' with model 'Peto'"),
        ({"model": "BB", "effects": "common"}, InputError, "it has random"),
        ({"model": "MH", "effects": "fixed"}, UnknownNameError, "common"),
        ({"model": "MH", "interval": "profile"}, InputError, "it has Wald"),
        ({"model": "UM.RS", "interval": "profile"}, InputError, "it has Wald or t"),
        ({"model": "MH", "interval": "wald"}, UnknownNameError, "'Wald'"),
        ({"model": "MH", "double_zero": "keep"}, InputError, "UM.RS and IV"),
        ({"model": "IV", "double_zero": "kept"}, UnknownNameError, "'keep'"),
        ({"model": "CM.AL", "measure": "RR"}, InputError, "RR has model MH, BB, IV, collapsed"),
    ],
)
def test_choices_that_do_not_go_together(more: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fit(LINES, **more)
