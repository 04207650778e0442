"""Meta-regression: its invariants, its questions, its notes, and its refusals."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.estimators import ESTIMATORS, WEIGHTED
from equipoise.models.pairwise import pairwise
from equipoise.models.regression import refit, regress
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.residual import Residual, redundant
from equipoise.models.residual_tau2 import RESIDUAL_ESTIMATORS, residual_tau2
from equipoise.num.dist import t_two_sided

Rows = list[tuple[float, float, float]]

estimates = st.integers(-4096, 4096).map(lambda i: i / 1024.0)
variances = st.integers(8, 4096).map(lambda i: i / 1024.0)
doses = st.integers(-40, 40).map(float)


def trials(least: int = 4, most: int = 10) -> st.SearchStrategy[Rows]:
    rows = st.lists(
        st.tuples(estimates, variances, doses),
        min_size=least,
        max_size=most,
        unique_by=lambda row: row[1],
    )
    return rows.filter(lambda r: len({x for _, _, x in r}) > 2)


def given_rows(rows: Rows, measure: str = "MD") -> Contrasts:
    return contrasts(
        yi=[y for y, _, _ in rows],
        vi=[v for _, v, _ in rows],
        study=[f"trial {i}" for i in range(len(rows))],
        measure=measure,
    )


def on_dose(rows: Rows, **settings: Any) -> RegressionFit:
    return regress(given_rows(rows), X=[[x] for _, _, x in rows], names=["dose"], **settings)


def codes(fit: RegressionFit) -> set[str]:
    return {note.code for note in fit.notes}


SIX: Rows = [
    (0.10, 0.010, 1.0),
    (0.75, 0.020, 2.0),
    (0.62, 0.015, 4.0),
    (-0.20, 0.030, 0.0),
    (1.20, 0.050, 3.0),
    (0.90, 0.012, 6.0),
]
ARMS = {
    "dose": [x for _, _, x in SIX],
    "site": ["north", "south", "south", "north", "east", "east"],
}


# What never matters


@given(trials(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_trials_never_matters(rows: Rows, random: Any) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    one, two = on_dose(rows), on_dose(mixed)
    for name in ("beta", "se", "ci_low", "tau2", "q", "qm", "i2", "r2", "p_value"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


@given(trials(), st.sampled_from([1e6, -(2.0**20), 0.5]))
@settings(max_examples=40, deadline=None)
def test_a_shift_of_all_estimates_moves_the_intercept_alone(rows: Rows, shift: float) -> None:
    one, two = on_dose(rows), on_dose([(y + shift, v, x) for y, v, x in rows])
    assert two.beta[0] - shift == pytest.approx(one.beta[0], abs=1e-9)
    assert two.beta[1] == one.beta[1]
    assert np.array_equal(two.se, one.se)
    assert (two.tau2, two.q, two.i2) == (one.tau2, one.q, one.i2)


@given(trials(), st.integers(-25, 25))
@settings(max_examples=40, deadline=None)
def test_units_never_matter(rows: Rows, power: int) -> None:
    factor = 2.0**power
    one, two = on_dose(rows), on_dose([(y * factor, v * factor**2, x) for y, v, x in rows])
    assert np.array_equal(two.beta, one.beta * factor)
    assert two.tau2 == one.tau2 * factor**2
    assert (two.i2, two.q, two.qm, two.qm_p) == (one.i2, one.q, one.qm, one.qm_p)


@given(trials(), st.sampled_from([1e-12, 1e-3, 1e3, 1e12]))
@settings(max_examples=30, deadline=None)
def test_extreme_variances_give_the_same_shape(rows: Rows, unit: float) -> None:
    one = on_dose(rows)
    two = on_dose([(y * math.sqrt(unit), v * unit, x) for y, v, x in rows])
    assert two.i2 == pytest.approx(one.i2, rel=1e-8, abs=1e-6)
    assert two.se == pytest.approx(one.se * math.sqrt(unit), rel=1e-8)
    assert two.interval == one.interval


@given(trials(), st.sampled_from([1e-9, 0.3, 7.0, 1e9]), st.sampled_from([0.0, 2000.0, -1e5]))
@settings(max_examples=40, deadline=None)
def test_units_and_origin_of_a_moderator_move_its_coefficient_alone(
    rows: Rows, factor: float, origin: float
) -> None:
    one = on_dose(rows)
    two = on_dose([(y, v, factor * x + factor * origin) for y, v, x in rows])
    assert two.beta[1] * factor == pytest.approx(one.beta[1], rel=1e-7, abs=1e-9)
    assert two.se[1] * factor == pytest.approx(one.se[1], rel=1e-7)
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-9)
    assert two.fitted == pytest.approx(one.fitted, rel=1e-6, abs=1e-6)
    assert two.qm == pytest.approx(one.qm, rel=1e-6, abs=1e-9)


@given(trials())
@settings(max_examples=30, deadline=None)
def test_swapping_the_groups_turns_the_signs(rows: Rows) -> None:
    one, two = on_dose(rows), on_dose([(-y, v, x) for y, v, x in rows])
    assert np.array_equal(two.beta, -one.beta)
    assert (two.tau2, two.q, two.qm) == (one.tau2, one.q, one.qm)


@pytest.mark.parametrize("interval", ["Wald", "t", "HK", "HK-guarded", "KR"])
@given(rows=trials(3, 9))
@settings(max_examples=10, deadline=None)
def test_without_moderators_every_interval_is_that_of_pairwise(rows: Rows, interval: str) -> None:
    es = given_rows(rows)
    fit, plain = regress(es, interval=interval), pairwise(es, interval=interval)
    assert fit.se[0] == pytest.approx(plain.se, rel=1e-9)
    assert fit.df[0] == pytest.approx(plain.df, rel=1e-7)
    assert fit.p_value[0] == pytest.approx(plain.p_value, rel=1e-6)


@given(trials(2, 9), st.sampled_from([*ESTIMATORS, *WEIGHTED]))
@settings(max_examples=120, deadline=None)
def test_without_moderators_it_is_the_pairwise_synthesis(rows: Rows, tau2: str) -> None:
    es = given_rows(rows)
    weights = 1.0 / np.sqrt(es.vi) if tau2.startswith("GENQ") else None
    kind: dict[str, Any] = {"tau2": tau2, "weights": weights}
    kind |= {"interval": "Wald"} if weights is not None else {}
    fit, plain = regress(es, **kind), pairwise(es, **kind)
    assert fit.beta[0] == pytest.approx(plain.estimate, rel=1e-10, abs=1e-12)
    assert fit.se[0] == pytest.approx(plain.se, rel=1e-9)
    assert fit.tau2 == pytest.approx(plain.tau2, rel=1e-8, abs=1e-12)
    assert fit.interval == plain.interval
    assert fit.ci_low[0] == pytest.approx(plain.ci.low, rel=1e-9, abs=1e-10)
    assert fit.p_value[0] == pytest.approx(plain.p_value, rel=1e-7)
    assert (fit.i2, fit.h2) == (pytest.approx(plain.i2), pytest.approx(plain.h2))
    assert fit.n_optima == plain.n_optima
    assert fit.tau2_ci is not None
    assert plain.tau2_ci is not None
    assert fit.tau2_ci.high == pytest.approx(plain.tau2_ci.high, rel=1e-9, abs=1e-12)
    if plain.pi is not None:
        pi = fit.predict(level=0.95)
        assert pi.pi_low[0] == pytest.approx(plain.pi.low, rel=1e-9, abs=1e-9)


@given(trials(4, 10))
@settings(max_examples=30, deadline=None)
def test_two_groups_are_two_means_with_a_common_tau2(rows: Rows) -> None:
    group = [int(i % 2) for i in range(len(rows))]
    fit = regress(given_rows(rows), "~ g", data={"g": group}, interval="Wald")
    y, v = (np.array([row[i] for row in rows]) for i in (0, 1))
    w = 1.0 / (v + fit.tau2)
    g = np.array(group)
    means = [float(w[g == i] @ y[g == i] / w[g == i].sum()) for i in (0, 1)]
    assert fit.beta[1] == pytest.approx(means[1] - means[0], rel=1e-10, abs=1e-12)
    se = math.sqrt(1.0 / float(w[g == 0].sum()) + 1.0 / float(w[g == 1].sum()))
    assert fit.se[1] == pytest.approx(se, rel=1e-10)


@given(trials(4, 8), st.sampled_from(["REML", "ML"]))
@settings(max_examples=40, deadline=None)
def test_no_point_of_a_grid_has_a_higher_likelihood(rows: Rows, tau2: str) -> None:
    y, v, x = (np.array(column) for column in zip(*rows, strict=True))
    data = Residual(y, v, np.column_stack([np.ones(len(x)), x]))
    value = data.reml_value if tau2 == "REML" else data.ml_value
    found, _ = residual_tau2(data, tau2)
    top = value(found.value / data.scale)
    grid = np.concatenate([[0.0], np.geomspace(1e-6, max(data.total, 1e-6), 300)])
    assert max(value(t) for t in grid) <= top + 1e-12 * (1.0 + abs(top))


def test_a_likelihood_with_two_maxima_gives_the_higher_and_says_so() -> None:
    rng = np.random.default_rng(2)
    for _ in range(4000):
        v = np.exp(rng.normal(0.0, 2.5, 6))
        y = rng.standard_t(2, 6) * 2.0
        x = rng.normal(size=6)
        data = Residual(y, v, np.column_stack([np.ones(6), x]))
        found, _ = residual_tau2(data, "REML")
        if found.n_optima > 1:
            break
    assert found.n_optima > 1
    fit = on_dose(list(zip(y.tolist(), v.tolist(), x.tolist(), strict=True)))
    assert fit.n_optima == found.n_optima
    assert "several-optima" in codes(fit)
    values = [data.reml_value(t / data.scale) for t in found.optima]
    assert max(values) == data.reml_value(found.value / data.scale)


def test_weights_over_many_orders_of_magnitude_lose_no_digits() -> None:
    """A trial a billion times as precise as the rest pins the line, and the rest decide tau²."""
    y = np.array([1.0, 2.0, 0.5, 3.0, 1.5])
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    v = np.array([1e-12, 1.0, 2.0, 1.5, 0.5])
    data = Residual(y, v, np.column_stack([np.ones(5), x]))
    at = data.at(0.0)
    # Through (0, 1), slope by the rest; 1 - h of the first row by the matrix inversion lemma.
    w = 1.0 / v[1:]
    slope = float(w @ (x[1:] * (y[1:] - 1.0)) / (w @ (x[1:] ** 2)))
    q = float(w @ (y[1:] - 1.0 - slope * x[1:]) ** 2)
    assert at.q == pytest.approx(q, rel=1e-9)
    spread = float(w.sum() - (w @ x[1:]) ** 2 / (w @ x[1:] ** 2))
    free = at.free[0] * at.w[0] * data.scale**-1
    assert free == pytest.approx(spread, rel=1e-9)


# Kenward and Roger


def test_kenward_roger_is_exact_where_variances_are_equal() -> None:
    rows = [(y, 0.02, x) for y, _, x in SIX]
    fit = on_dose(rows, interval="KR")
    exact = on_dose(rows, interval="HK")
    assert fit.tau2 > 0.0
    assert fit.df == pytest.approx([4.0, 4.0], rel=1e-9)
    assert fit.se == pytest.approx(exact.se, rel=1e-9)
    assert fit.qm_df[1] == pytest.approx(4.0, rel=1e-9)
    assert fit.p_value == pytest.approx(exact.p_value, rel=1e-8)
    both = fit.test([[1.0, 0.0], [0.0, 1.0]])
    assert both.qm_df == (2.0, pytest.approx(4.0, rel=1e-9))
    assert both.qm == pytest.approx(exact.test([[1.0, 0.0], [0.0, 1.0]]).qm, rel=1e-9)


def kenward_roger_by_matrices(y: Any, v: Any, X: Any, L: Any, t: float) -> tuple[Any, float, float]:
    """The formulas of Kenward and Roger 1997, with dense matrices and numerical derivatives."""

    def phi(at: float) -> Any:
        return np.linalg.inv(X.T @ np.diag(1.0 / (v + at)) @ X)

    S = np.diag(v + t)
    W = np.linalg.inv(S)
    P = W - W @ X @ phi(t) @ X.T @ W
    variance = 2.0 / np.trace(P @ P)
    first = -X.T @ W @ W @ X
    second = X.T @ W @ W @ W @ X
    h = 1e-5
    assert np.allclose((phi(t + h) - phi(t - h)) / (2 * h), -phi(t) @ first @ phi(t), rtol=1e-4)
    adjusted = phi(t) + 2.0 * variance * phi(t) @ (second - first @ phi(t) @ first) @ phi(t)
    theta = L.T @ np.linalg.inv(L @ phi(t) @ L.T) @ L
    inner = theta @ phi(t) @ first @ phi(t)
    m = len(L)
    a1, a2 = variance * np.trace(inner) ** 2, variance * np.trace(inner @ inner)
    b = (a1 + 6 * a2) / (2 * m)
    g = ((m + 1) * a1 - (m + 4) * a2) / ((m + 2) * a2)
    c = np.array([g, m - g, m + 2 - g]) / (3 * m + 2 * (1 - g))
    e = 1.0 / (1.0 - a2 / m)
    var = 2.0 / m * (1 + c[0] * b) / ((1 - c[1] * b) ** 2 * (1 - c[2] * b))
    rho = var / (2 * e * e)
    df = 4 + (m + 2) / (m * rho - 1)
    return adjusted, df, df / (e * (df - 2))


def test_kenward_roger_follows_the_paper() -> None:
    fit = on_dose(SIX, interval="KR")
    y, v, x = (np.array(column) for column in zip(*SIX, strict=True))
    X = np.column_stack([np.ones(6), x])
    for L in (np.eye(2)[:1], np.eye(2)[1:], np.array([[1.0, 3.0]]), np.eye(2)):
        adjusted, df, scale = kenward_roger_by_matrices(y, v, X, L, fit.tau2)
        assert fit.vcov == pytest.approx(adjusted, rel=1e-8)
        found = fit.test(L)
        assert found.qm_df[1] == pytest.approx(df, rel=1e-8)
        value = L @ fit.beta
        f = scale / len(L) * value @ np.linalg.solve(L @ adjusted @ L.T, value)
        assert found.qm == pytest.approx(float(f), rel=1e-8)
    row = fit.predict({"dose": [3.0]})
    assert row.df[0] == pytest.approx(
        kenward_roger_by_matrices(y, v, X, np.array([[1.0, 3.0]]), fit.tau2)[1], rel=1e-8
    )


# Formulas and frames


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_frames_of_every_kind_give_the_same_fit(frame: Any) -> None:
    fit = regress(given_rows(SIX), "~ dose + site", data=frame(ARMS))
    assert fit.names == ("intercept", "dose", "site[T.north]", "site[T.south]")
    again = regress(given_rows(SIX), "~ dose + site", data=ARMS)
    assert np.array_equal(fit.beta, again.beta)


def test_without_a_frame_the_effects_own_columns_are_the_moderators() -> None:
    fit = regress(given_rows(SIX), "~ sei")
    assert fit.names == ("intercept", "sei")
    es = effect_sizes(
        "RR", events1=[5, 9, 3, 8], n1=[50, 60, 40, 90], events2=[9, 12, 5, 7], n2=[50] * 4
    )
    assert regress(es, "~ I(events2 / n2)").p == 2


def test_the_reference_level_can_be_chosen() -> None:
    fit = regress(given_rows(SIX), "~ site", data=ARMS, reference={"site": "south"})
    assert fit.names == ("intercept", "site[T.east]", "site[T.north]")
    by_name = regress(given_rows(SIX), "~ site", data=ARMS)
    assert by_name.qm == pytest.approx(fit.qm, rel=1e-10)
    assert fit.predict({"site": ["south"]}).estimate[0] == pytest.approx(fit.beta[0])
    with pytest.raises(UnknownNameError, match="known: east, north, south"):
        regress(given_rows(SIX), "~ site", data=ARMS, reference={"site": "West"})
    with pytest.raises(UnknownNameError, match="'site'"):
        regress(given_rows(SIX), "~ site", data=ARMS, reference={"sites": "east"})


def test_without_an_intercept_each_group_has_its_own_mean() -> None:
    whole = regress(given_rows(SIX), "~ site", data=ARMS, interval="Wald")
    parts = regress(given_rows(SIX), "~ 0 + site", data=ARMS, interval="Wald")
    assert parts.names == ("site[east]", "site[north]", "site[south]")
    assert parts.fitted == pytest.approx(whole.fitted)
    assert parts.tau2 == pytest.approx(whole.tau2, rel=1e-9, abs=1e-12)
    assert parts.r2 is None
    assert parts.qm_df[0] == 3.0
    difference = parts.test({"site[north]": 1, "site[east]": -1})
    assert difference.estimate[0] == pytest.approx(whole.beta[1])
    assert difference.rows == ("−site[east] + site[north] = 0",)


def test_centring_remembers_the_data() -> None:
    plain = regress(given_rows(SIX), "~ dose", data=ARMS)
    centred = regress(given_rows(SIX), "~ center(dose)", data=ARMS)
    new = {"dose": [2.5, 7.0]}
    assert centred.predict(new).estimate == pytest.approx(plain.predict(new).estimate)
    assert centred.predict(new).pi_high == pytest.approx(plain.predict(new).pi_high)
    curve = regress(given_rows(SIX), "~ poly(dose, 2)", data=ARMS)
    square = regress(given_rows(SIX), "~ dose + I(dose ** 2)", data=ARMS)
    assert curve.predict(new).estimate == pytest.approx(square.predict(new).estimate)


def test_a_missing_moderator_leaves_the_trial_out_and_names_it() -> None:
    holes = {**ARMS, "dose": [1.0, None, 4.0, 0.0, math.nan, 6.0]}
    fit = regress(given_rows(SIX), "~ dose", data=holes)
    assert fit.k == 4
    assert [row.study for row in fit.left_out] == ["trial 1", "trial 4"]
    assert "left-out" in codes(fit)
    assert fit.study == ("trial 0", "trial 2", "trial 3", "trial 5")
    with_gap = Contrasts(
        measure="MD",
        study=tuple("abcde"),
        yi=np.array([0.1, math.nan, 0.3, 0.2, 0.6]),
        vi=np.array([0.1, 0.1, 0.2, 0.1, 0.3]),
    )
    gap = regress(with_gap, "~ x", data={"x": [1, 2, 3, 4, 5]})
    assert gap.left_out[0].why == "no estimate"


# Questions


def test_hypotheses_by_name_factor_and_matrix_are_the_same() -> None:
    fit = regress(given_rows(SIX), "~ dose + site", data=ARMS)
    by_term, by_name = fit.test("site"), fit.test(["site[T.north]", "site[T.south]"])
    by_matrix = fit.test(np.eye(4)[2:])
    assert by_term.to_dict() == by_name.to_dict() == by_matrix.to_dict()
    assert fit.test().qm == fit.qm
    at_two = fit.test("dose", value=2.0)
    assert at_two.estimate[0] == pytest.approx(fit.beta[1] - 2.0)
    assert at_two.rows == ("dose = 2",)
    one = fit.test("dose")
    assert one.p_value[0] == pytest.approx(fit.p_value[1])
    assert one.qm == pytest.approx(one.statistic[0] ** 2)
    with pytest.raises(UnknownNameError, match="'dose'"):
        fit.test("dos")
    with pytest.raises(UnknownNameError):
        fit.test({"dos": 1.0})
    with pytest.raises(InputError, match="3 factors for 4"):
        fit.test([[1, 2, 3]])
    with pytest.raises(InputError, match="depend on each other"):
        fit.test(["dose", "dose"])
    with pytest.raises(InputError, match="no hypothesis"):
        fit.test([])


def test_models_are_compared_only_where_their_likelihoods_can_be() -> None:
    es = given_rows(SIX)
    big, small = (regress(es, f, data=ARMS, tau2="ML") for f in ("~ dose", None))
    found = big.compare(small)
    assert found.lrt == pytest.approx(2 * (big.ml.loglik - small.ml.loglik))
    assert found.to_dict() == small.compare(big).to_dict()
    with pytest.raises(InputError, match="restricted likelihoods"):
        regress(es, "~ dose", data=ARMS).compare(regress(es))
    with pytest.raises(InputError, match="not nested"):
        big.compare(regress(es, "~ site", data=ARMS, tau2="ML"))
    with pytest.raises(InputError, match="different trials"):
        big.compare(refit(small, range(5)))
    with pytest.raises(InputError, match="by DL"):
        regress(es, "~ dose", data=ARMS, tau2="DL").compare(regress(es, tau2="DL"))
    same = regress(es, "~ dose", data=ARMS).compare(
        regress(es, "~ dose", data=ARMS, model="common")
    )
    assert same.df == 1


def test_predictions_on_the_readers_scale_and_at_other_levels() -> None:
    fit = regress(given_rows(SIX, "RR"), "~ dose", data=ARMS)
    found = fit.predict({"dose": [2.0]})
    back = found.back()
    assert back.estimate[0] == pytest.approx(math.exp(found.estimate[0]))
    assert back.pi_high[0] == pytest.approx(math.exp(found.pi_high[0]))
    assert math.isnan(back.se[0])
    narrow = fit.predict({"dose": [2.0]}, level=0.5)
    assert narrow.ci_low[0] > found.ci_low[0]
    wide = {code: fit.predict({"dose": [2.0]}, pi=code) for code in ("V", "HTS", "metafor", "t")}
    assert wide["HTS"].pi_high[0] > wide["V"].pi_high[0]
    assert fit.predict().estimate == pytest.approx(fit.fitted)
    with pytest.raises(UnknownNameError):
        fit.predict(pi="v")
    with pytest.raises(InputError, match="level"):
        fit.predict(level=95)
    common = regress(given_rows(SIX), "~ dose", data=ARMS, model="common").predict()
    assert np.isnan(common.pi_low).all()
    assert len(fit.predict().to_frame("pandas")) == 6


def test_bubbles_hold_other_moderators_at_their_means() -> None:
    fit = regress(given_rows(SIX), "~ dose + site", data=ARMS)
    found = fit.bubble("dose", points=5)
    assert found.grid.tolist() == [0.0, 1.5, 3.0, 4.5, 6.0]
    assert found.weight.sum() == pytest.approx(100.0)
    at = fit.X.mean(0)
    at[1] = 3.0
    assert found.line.estimate[2] == pytest.approx(at @ fit.beta)
    held = fit.bubble("dose", points=2, at={"site": "east"})
    assert held.line.estimate[0] == pytest.approx(fit.beta[0])
    plain = on_dose(SIX).bubble("dose", points=3)
    assert plain.line.estimate[0] == pytest.approx(on_dose(SIX).beta[0])
    with pytest.raises(InputError, match="has levels"):
        fit.bubble("site")
    with pytest.raises(UnknownNameError):
        fit.bubble("dos")


def test_residuals_leverage_and_inflation() -> None:
    fit = regress(given_rows(SIX), "~ dose + site", data=ARMS)
    assert fit.residuals == pytest.approx(fit.yi - fit.X @ fit.beta, abs=1e-12)
    assert fit.leverage.sum() == pytest.approx(4.0)
    assert set(fit.vif()) == {"dose", "site"}
    assert set(fit.vif("coefficient")) == {"dose", "site[T.north]", "site[T.south]"}
    assert fit.vif()["dose"][0] >= 1.0
    with pytest.raises(InputError, match="no moderators"):
        regress(given_rows(SIX)).vif()


def test_a_fit_goes_to_a_dict_and_back_and_still_answers() -> None:
    fit = regress(given_rows(SIX), "~ center(dose) + site", data=ARMS, interval="KR")
    again = RegressionFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    new = {"dose": [2.0], "site": ["east"]}
    assert again.predict(new).to_dict() == fit.predict(new).to_dict()
    assert again.summary() == fit.summary()
    with pytest.raises(ValueError, match="read-only"):
        fit.beta[0] = 1.0


def test_what_a_reader_sees() -> None:
    fit = regress(given_rows(SIX, "RR"), "~ dose", data=ARMS)
    text = fit.summary()
    order = ["log-likelihood", "tau²", "I²", "QE(4)", "Test of dose", "Coefficients", "Note:"]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    assert repr(fit).startswith("<RegressionFit RR ~ dose: F(1, 4) = ")
    report = fit.report()
    assert "was regressed on moderators with random effects (~ dose)" in report
    assert f"[{len(fit.methods)}]" in report
    assert report.count("doi:") >= 3
    assert "significant" not in report
    assert "<table" in fit._repr_html_()
    assert list(fit.to_frame("pandas")["name"]) == ["intercept", "dose"]
    assert fit.coefficient("dose").estimate == fit.beta[1]
    assert "few-for-moderators" in codes(fit)
    with pytest.raises(UnknownNameError):
        fit.coefficient("dosis")


def test_intervals_are_of_the_kind_asked_for() -> None:
    wald, t, hk = (on_dose(SIX, interval=code) for code in ("Wald", "t", "HK"))
    assert np.isinf(wald.df).all()
    assert t.df.tolist() == [4.0, 4.0]
    assert np.array_equal(wald.se, t.se)
    data = Residual(wald.yi, wald.vi, wald.X)
    assert hk.vcov == pytest.approx(wald.vcov * data.q(wald.tau2 / data.scale) / 4.0)
    assert t.p_value[1] == t_two_sided(float(t.statistic[1]), 4.0)
    agreeing = [(0.1 * x, v, x) for _, v, x in SIX]
    fit = on_dose(agreeing)
    assert (fit.tau2, fit.interval) == (0.0, "Wald")
    assert "wald-no-heterogeneity" in codes(fit)
    common = on_dose(agreeing, model="common")
    assert np.array_equal(fit.beta, common.beta)
    assert "wald-one-df" in codes(on_dose(SIX[:3]))


@pytest.mark.parametrize("code", list(RESIDUAL_ESTIMATORS))
def test_every_estimator_finds_nothing_where_nothing_is(code: str) -> None:
    agreeing = [(0.1 * x, v, x) for _, v, x in SIX]
    weights = 1.0 / np.array([v for _, v, _ in SIX]) if code.startswith("GENQ") else None
    fit = on_dose(agreeing, tau2=code, weights=weights)
    # The estimator of Sidik and Jonkman is positive by construction, and here next to 0.
    assert fit.tau2 == pytest.approx(0.0, abs=1e-12)
    assert fit.beta[1] == pytest.approx(0.1)


# Refusals


def test_moderators_that_others_say_are_refused_with_the_combination() -> None:
    with pytest.raises(InputError, match=r"I\(2 \* dose \+ 1\) = intercept \+ 2 × dose"):
        regress(given_rows(SIX), "~ dose + I(2 * dose + 1)", data=ARMS)
    with pytest.raises(InputError, match="const = 3 × intercept"):
        regress(given_rows(SIX), X=np.full((6, 1), 3.0), names=["const"])
    with pytest.raises(InputError, match="zero = 0"):
        regress(given_rows(SIX), X=np.zeros((6, 1)), names=["zero"])
    # A moderator far from 0 whose variation is small is no constant.
    far = np.array([[1e6 + x] for _, _, x in SIX])
    assert regress(given_rows(SIX), X=far).beta[1] == pytest.approx(on_dose(SIX).beta[1], rel=1e-6)


@given(st.integers(2, 4), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_redundant_columns_are_found_with_their_factors(p: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(12), rng.normal(size=(12, p - 1)) * 10.0 ** rng.integers(-6, 6)])
    factors = rng.integers(-3, 4, p).astype(float)
    assume(factors.any())
    names = [f"c{i}" for i in range(p)]
    found = redundant(np.column_stack([X, X @ factors]), [*names, "sum"])
    assert [one.name for one in found] == ["sum"]
    assert found[0].of == pytest.approx(
        {n: f for n, f in zip(names, factors, strict=True) if f}, rel=1e-6
    )


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda es: regress(es, "~ dose * site", data=ARMS),
            NotEstimableError,
            "6 estimates for 6",
        ),
        (lambda es: regress(es, "~ dosis", data=ARMS), UnknownNameError, "'dose'"),
        (lambda es: regress(es, "~ dose +", data=ARMS), InputError, "cannot be read"),
        (lambda es: regress(es, "y ~ dose", data=ARMS), InputError, "more than one side"),
        (lambda es: regress(es, "~ log(dose)", data=ARMS), InputError, "study trial 3"),
        (lambda es: regress(es, "~ dose", data={"dose": [1, 2]}), InputError, "2 rows"),
        (lambda es: regress(es, "~ dose", data=ARMS, tau2="RELM"), UnknownNameError, "'REML'"),
        (lambda es: regress(es, "~ dose", data=ARMS, interval="hk"), UnknownNameError, "'HK'"),
        (lambda es: regress(es, "~ dose", data=ARMS, tau2="GENQ"), InputError, "without weights"),
        (lambda es: regress(es, "~ dose", data=ARMS, weights=[1.0]), InputError, "1 weight for 6"),
        (lambda es: regress(es, weights=[1, 1, 0, 1, 1, 1]), InputError, "study trial 2"),
        (lambda es: regress(es, weights="same"), UnknownNameError, "equal"),
        (lambda es: regress(es, weights="equal", interval="HK"), InputError, "own weights"),
        (lambda es: regress(es, model="common", interval="HK"), InputError, "common effect"),
        (lambda es: regress(es, tau2="DL", interval="KR"), InputError, "tau2='REML'"),
        (lambda es: regress(es, level=95), InputError, "level 95"),
        (lambda es: regress(es, preset="metaphor"), UnknownNameError, "'metafor'"),
        (lambda es: regress(es, "~ dose", X=np.ones((6, 1))), InputError, "both a formula and X"),
        (lambda es: regress(es, X=np.eye(6)[:, :2], names=["a"]), InputError, "1 names for 2"),
        (lambda es: regress(es, X=np.eye(6)[:, :2], names=["a", "a"]), InputError, "not distinct"),
        (lambda es: regress(es, X=[["a"]] * 6), InputError, "not numbers"),
        (lambda es: regress(es, X=np.ones((5, 1))), InputError, "5 values"),
        (lambda es: regress(es).tau2_interval("QP"), UnknownNameError, "Q-profile"),
        (lambda es: regress(es, tau2="DL").tau2_interval("profile"), InputError, "DL"),
        (lambda es: regress(es).tau2_interval("GENQ"), InputError, "without weights"),
        (lambda es: regress(es, model="common").tau2_interval(), InputError, "common effect"),
    ],
)
def test_what_cannot_be_answered_is_refused(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        call(given_rows(SIX))


def test_rows_that_share_a_group_and_impossible_variances_are_refused() -> None:
    shared = Contrasts(
        measure="MD",
        study=("a", "a", "b", "c"),
        yi=np.array([0.1, 0.2, 0.3, 0.4]),
        vi=np.ones(4),
        cov_i=np.array([0]),
        cov_j=np.array([1]),
        cov=np.array([0.5]),
    )
    with pytest.raises(InputError, match=r"share a group.*study a"):
        regress(shared)
    zero = Contrasts("MD", ("a", "b"), np.array([0.1, 0.2]), np.array([0.0, 1.0]))
    with pytest.raises(InputError, match="study a"):
        regress(zero)
    nothing = Contrasts("MD", ("a",), np.array([math.nan]), np.array([1.0]))
    with pytest.raises(NotEstimableError):
        regress(nothing)
    with pytest.raises(NotEstimableError, match="1 estimate for 1"):
        regress(given_rows(SIX[:1]))
