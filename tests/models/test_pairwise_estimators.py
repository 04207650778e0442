"""Estimators of tau² and intervals of tau²: their laws, whatever the numbers are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.estimators import (
    ESTIMATORS,
    WEIGHTED,
    estimate,
    estimator_method,
    in_order,
    standard_error,
    weighted_q,
)
from equipoise.models.heterogeneity import Spread, Tau2
from equipoise.models.tau2_intervals import TAU2_INTERVALS, interval_of_tau2, q_based
from equipoise.num.dist import chi2_quantile
from equipoise.num.quadratic import below

Rows = list[tuple[float, float]]
values = st.integers(-4096, 4096).map(lambda i: i / 1024.0)
variances = st.integers(8, 4096).map(lambda i: i / 1024.0)
ALL = (*ESTIMATORS, *WEIGHTED)


def trials(least: int = 2, most: int = 8) -> st.SearchStrategy[Rows]:
    row = st.tuples(values, variances)
    return st.lists(row, min_size=least, max_size=most, unique_by=lambda r: r[1])


def parts(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    y, v = zip(*rows, strict=True)
    return np.array(y), np.array(v)


def of(y: np.ndarray, v: np.ndarray, code: str) -> Tau2:
    return estimate(Spread(y, v), code, 1.0 / np.sqrt(v))


@given(trials(), st.sampled_from(ALL), st.integers(-20, 20))
@settings(max_examples=150)
def test_order_sign_place_and_units_never_matter(rows: Rows, code: str, power: int) -> None:
    y, v = parts(rows)
    found = of(y, v, code).value
    assert found >= 0.0
    near = {"rel": 1e-9, "abs": 1e-12}
    assert of(y[::-1], v[::-1], code).value == pytest.approx(found, rel=1e-12, abs=1e-14)
    assert of(-y, v, code).value == pytest.approx(found, **near)
    assert of(y + 1e6, v, code).value == pytest.approx(found, rel=1e-8, abs=1e-8)
    unit = 4.0**power
    scaled = of(y * 2.0**power, v * unit, code).value
    assert scaled / unit == pytest.approx(found, **near)


@given(trials())
@settings(max_examples=60)
def test_the_estimators_that_share_their_root(rows: Rows) -> None:
    y, v = parts(rows)
    found = {code: of(y, v, code).value for code in ("PM", "EB", "DLIT", "SJIT")}
    assert len(set(found.values())) == 1


def by_steps(y: np.ndarray, v: np.ndarray, t: float, step: str) -> float:
    """DerSimonian and Laird's, or Sidik and Jonkman's, formula repeated with its own result."""
    for _ in range(20_000):
        w = 1.0 / (v + t)
        away = y - w @ y / w.sum()
        q, trace = float(w @ away**2), float(w.sum() - (w @ w) / w.sum())
        expected = float(w @ v - (w * w) @ v / w.sum())
        new = max(0.0, (q - expected) / trace) if step == "DLIT" else t * q / (len(y) - 1)
        if abs(new - t) <= 1e-14 * (t + new):
            return new
        t = new
    return t


@pytest.mark.parametrize("step", ["DLIT", "SJIT"])
def test_repeating_a_step_ends_at_the_root(step: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(10):
        v = rng.uniform(0.02, 0.5, 9)
        y = rng.normal(0.0, np.sqrt(v + 0.3))
        root = of(y, v, step).value
        assert by_steps(y, v, float(y.var()), step) == pytest.approx(root, rel=1e-9)


@given(trials(), st.sampled_from(sorted(WEIGHTED)))
@settings(max_examples=60)
def test_weights_count_up_to_a_factor(rows: Rows, code: str) -> None:
    y, v = parts(rows)
    spread = Spread(y, v)
    one, two = estimate(spread, code, 1.0 / v), estimate(spread, code, 1e9 / v)
    assert two.value == pytest.approx(one.value, rel=1e-9, abs=1e-13)
    if code == "GENQ":
        assert one.value == pytest.approx(estimate(spread, "DL").value, rel=1e-9, abs=1e-12)
        he = estimate(spread, "GENQ", np.ones(len(y)))
        assert he.value == pytest.approx(estimate(spread, "HE").value, rel=1e-9, abs=1e-12)


@given(trials(3, 8))
@settings(max_examples=40)
def test_the_median_unbiased_estimate_is_where_the_observed_sum_is_the_median(rows: Rows) -> None:
    y, v = parts(rows)
    spread = Spread(y, v)
    found = estimate(spread, "GENQM", 1.0 / v)
    assume(found.value > 0.0)
    a = in_order(spread, 1.0 / v)
    t = found.value / spread.scale
    assert below(weighted_q(spread, a), a, spread.v + t) == pytest.approx(0.5, abs=1e-10)


@pytest.mark.parametrize("code", ALL)
def test_one_trial_and_equal_trials(code: str) -> None:
    one = Spread([0.4], [0.1])
    assert estimate(one, code, np.ones(1)).value == 0.0
    assert math.isnan(standard_error(one, Tau2(0.0, code), np.ones(1)))
    same = Spread([2.0] * 4, [0.1, 0.2, 0.3, 0.4])
    assert estimate(same, code, np.ones(4)).value == 0.0


@pytest.mark.parametrize("code", ALL)
def test_every_estimator_has_a_paper(code: str) -> None:
    method = estimator_method(code)
    assert "tau²" in method.name
    assert method.paper


def test_equal_variances_have_closed_forms() -> None:
    y, v = np.array([0.1, 0.9, 0.4, 1.6, -0.2]), np.full(5, 0.1)
    for code in ("DL", "HE", "PM", "EB", "REML"):
        assert of(y, v, code).value == pytest.approx(y.var(ddof=1) - 0.1, rel=1e-12)
    assert of(y, v, "ML").value == pytest.approx(y.var() - 0.1, rel=1e-12)
    q = float(((y - y.mean()) ** 2).sum() / 0.1)
    assert of(y, v, "HS").value == pytest.approx((q - 5) / 50, rel=1e-12)
    assert of(y, v, "HSk").value == pytest.approx((5 / 4 * q - 5) / 50, rel=1e-12)


def test_unknown_names_and_missing_weights() -> None:
    spread = Spread([0.1, 0.4], [0.1, 0.2])
    with pytest.raises(UnknownNameError, match="Try: 'HSk'"):
        estimate(spread, "hsk")
    with pytest.raises(InputError, match="GENQ without weights"):
        estimate(spread, "GENQ")
    with pytest.raises(UnknownNameError, match="'QP'"):
        interval_of_tau2(spread, "qp", Tau2(0.1, "REML"))
    with pytest.raises(InputError, match="profile likelihood"):
        interval_of_tau2(spread, "PL", Tau2(0.1, "DL"))
    with pytest.raises(InputError, match="without weights"):
        interval_of_tau2(spread, "GENQ", Tau2(0.1, "REML"))


# Intervals


@given(trials(2, 8), st.sampled_from(["QP", "PL", "BJ", "J", "GENQ"]), st.integers(-20, 20))
@settings(max_examples=100)
def test_intervals_have_no_units_and_wider_levels_hold_narrower(
    rows: Rows, code: str, power: int
) -> None:
    y, v = parts(rows)
    spread = Spread(y, v)
    tau2 = estimate(spread, "REML")
    found = interval_of_tau2(spread, code, tau2, 0.95, 1.0 / v)
    wide = interval_of_tau2(spread, code, tau2, 0.99, 1.0 / v)
    assert found is not None
    assert wide is not None
    assert 0.0 <= found.low <= found.high < math.inf
    assert wide.low <= found.low * (1 + 1e-9)
    assert wide.high >= found.high * (1 - 1e-9)
    if code == "PL":
        assert found.low <= tau2.value <= found.high
    unit = 4.0**power
    other = Spread(y * 2.0**power, v * unit)
    again = interval_of_tau2(other, code, estimate(other, "REML"), 0.95, 1.0 / v)
    assert again is not None
    assert [again.low / unit, again.high / unit] == pytest.approx(
        [found.low, found.high], rel=1e-8, abs=1e-11
    )


@given(trials(2, 8))
@settings(max_examples=60)
def test_the_bounds_of_the_profile_likelihood_are_on_the_line(rows: Rows) -> None:
    y, v = parts(rows)
    spread = Spread(y, v)
    tau2 = estimate(spread, "ML")
    found = interval_of_tau2(spread, "PL", tau2)
    assert found is not None
    line = spread.ml_value(tau2.value / spread.scale) - 0.5 * chi2_quantile(0.95, 1)
    assert spread.ml_value(found.high / spread.scale) == pytest.approx(line, abs=1e-8)
    if found.low > 0.0:
        assert spread.ml_value(found.low / spread.scale) == pytest.approx(line, abs=1e-8)
    else:
        assert spread.ml_value(0.0) >= line


@given(trials(2, 8), st.sampled_from(["BJ", "J"]))
@settings(max_examples=60)
def test_the_bounds_of_the_generalised_q_are_roots_or_zero(rows: Rows, code: str) -> None:
    y, v = parts(rows)
    spread = Spread(y, v)
    found = interval_of_tau2(spread, code, estimate(spread, "DL"))
    assert found is not None
    a = 1.0 / spread.v if code == "BJ" else 1.0 / np.sqrt(spread.v)
    q = weighted_q(spread, a)
    for bound, tail in ((found.low, 0.975), (found.high, 0.025)):
        share = below(q, a, spread.v + bound / spread.scale)
        assert share == pytest.approx(tail, abs=1e-9) or (bound == 0.0 and share <= tail)


def test_an_interval_of_two_separate_hills_spans_both() -> None:
    """A likelihood with two maxima above the line: from the lowest crossing to the highest."""
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(4000):
        k = int(rng.integers(3, 6))
        v = 10.0 ** rng.uniform(-4.0, 1.0, k)
        y = rng.standard_t(1, k) * np.sqrt(v)
        spread = Spread(y, v)
        tau2 = estimate(spread, "REML")
        if tau2.n_optima < 2:
            continue
        seen += 1
        found = interval_of_tau2(spread, "PL", tau2)
        assert found is not None
        line = spread.reml_value(tau2.value / spread.scale) - 0.5 * chi2_quantile(0.95, 1)
        grid = np.concatenate(([0.0], np.geomspace(1e-9, 1e9, 2000))) * float(v.max())
        inside = [t for t in grid if spread.reml_value(t / spread.scale) > line + 1e-9]
        assert all(found.low - 1e-12 <= t <= found.high * (1 + 1e-9) for t in inside)
    assert seen > 5


def test_every_interval_has_a_paper() -> None:
    for code, rule in TAU2_INTERVALS.items():
        assert rule.code == code
        assert rule.method.doi


def test_i2_from_q() -> None:
    i2, i2_ci, h2, h2_ci = q_based(20.0, 10, 0.95)
    assert (i2, h2) == (50.0, 2.0)
    assert i2_ci is not None
    assert h2_ci is not None
    assert i2_ci.low < 50.0 < i2_ci.high
    assert i2_ci.high == pytest.approx(100.0 * (1.0 - 1.0 / h2_ci.high))
    none = q_based(3.0, 10, 0.95)
    assert (none[0], none[2]) == (0.0, 1.0)
    assert none[1] is not None
    assert none[1].low == 0.0
    assert q_based(4.0, 1, 0.95) == (75.0, None, 4.0, None)
    assert q_based(0.0, 0, 0.95) == (0.0, None, 1.0, None)
