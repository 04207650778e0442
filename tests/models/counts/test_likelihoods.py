"""Likelihoods of counts by a second route: enumeration, dense grids, finite differences."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, stats

import equipoise.models.counts.double as double
from equipoise.core.errors import NotEstimableError
from equipoise.models.counts.families import Family, Hypergeometric
from equipoise.models.counts.mixed import FAMILIES
from equipoise.models.counts.quadrature import evaluate
from equipoise.models.counts.search import common, highest
from equipoise.models.counts.tables import Tables

Row = tuple[int, int, int, int]
SPARSE: list[Row] = [
    (0, 116, 3, 117), (1, 44, 3, 35), (2, 208, 9, 195), (5, 151, 6, 157), (3, 9, 0, 12),
]  # fmt: skip


def tables(rows: list[Row], time: bool = False) -> Tables:
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    return Tables(tuple(str(i) for i in range(len(rows))), *columns, time)


def enumerated(row: Row, log_ratio: float) -> float:
    """The non-central hypergeometric log-probability, from exact binomial coefficients."""
    a, m, c, n = row
    ratio = Fraction(math.exp(log_ratio))
    both = a + c
    support = range(max(0, both - n), min(m, both) + 1)
    weight = {s: math.comb(m, s) * math.comb(n, both - s) * ratio**s for s in support}
    return math.log(weight[a] / sum(weight.values()))


@given(
    row=st.tuples(st.integers(0, 12), st.integers(12, 60), st.integers(0, 12), st.integers(12, 60)),
    log_ratio=st.floats(-5, 5),
)
def test_the_hypergeometric_is_its_enumeration(row: Row, log_ratio: float) -> None:
    family = Hypergeometric(tables([row, (1, 5, 2, 5)]))
    at = np.full((2, 1), log_ratio)
    found = family.terms(at, at).value[0, 0]
    assert found == pytest.approx(enumerated(row, log_ratio), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("model", sorted(FAMILIES))
@pytest.mark.parametrize("time", [False, True])
def test_derivatives_are_those_of_the_value(model: str, time: bool) -> None:
    family = FAMILIES[model](tables(SPARSE, time))
    e, a = np.full((5, 1), -0.7), np.full((5, 1), -2.3)
    h = 1e-5
    at = family.terms(e, a)
    up, down = family.terms(e + h, a), family.terms(e - h, a)
    assert at.e == pytest.approx((up.value - down.value) / (2 * h), rel=1e-6, abs=1e-6)
    assert at.ee == pytest.approx((up.e - down.e) / (2 * h), rel=1e-6, abs=1e-6)
    if at.a is not None:
        up_a, down_a = family.terms(e, a + h), family.terms(e, a - h)
        assert at.a == pytest.approx((up_a.value - down_a.value) / (2 * h), rel=1e-6, abs=1e-6)
        assert up_a.a is not None
        assert down_a.a is not None
        assert at.aa == pytest.approx((up_a.a - down_a.a) / (2 * h), rel=1e-6, abs=1e-6)
        assert at.ae == pytest.approx((up_a.e - down_a.e) / (2 * h), rel=1e-6, abs=1e-6)


def dense(family: Family, effect: float, tau: float, baseline: NDArray[np.float64]) -> float:
    """The log-likelihood by a trapezoid of 20,001 points over 10 standard deviations."""
    z = np.linspace(-10, 10, 20_001)
    at = np.broadcast_to(effect + tau * z, (family.k, z.size))
    value = family.terms(at, baseline[:, None]).value
    integrand = np.exp(value + stats.norm.logpdf(z))
    return float(np.log(np.trapezoid(integrand, z, axis=1)).sum())


@pytest.mark.parametrize("model", ["CM.EL", "CM.AL", "UM.FS"])
@pytest.mark.parametrize("time", [False, True])
@pytest.mark.parametrize("tau", [0.05, 0.8, 2.5])
def test_quadrature_is_the_dense_sum(model: str, time: bool, tau: float) -> None:
    family = FAMILIES[model](tables(SPARSE, time))
    a = family.begin() - 0.3
    found = evaluate(family, -0.9, tau, a, 100, np.zeros(5))
    assert found.value == pytest.approx(dense(family, -0.9, tau, a), abs=1e-9)


@pytest.mark.parametrize("model", ["CM.EL", "UM.FS"])
def test_score_and_hessian_are_those_of_the_integral(model: str) -> None:
    family = FAMILIES[model](tables(SPARSE))
    a, zero, h = family.begin(), np.zeros(5), 1e-4

    def at(effect: float, tau: float) -> float:
        return evaluate(family, effect, tau, a, 61, zero).value

    point = evaluate(family, -0.9, 0.7, a, 61, zero)
    assert point.score[0] == pytest.approx(
        (at(-0.9 + h, 0.7) - at(-0.9 - h, 0.7)) / (2 * h), rel=1e-6
    )
    assert point.score[1] == pytest.approx(
        (at(-0.9, 0.7 + h) - at(-0.9, 0.7 - h)) / (2 * h), rel=1e-6
    )
    second = (at(-0.9, 0.7 + h) - 2 * at(-0.9, 0.7) + at(-0.9, 0.7 - h)) / h**2
    assert point.hessian[1, 1] == pytest.approx(second, rel=1e-5)
    mixed = at(-0.9 + h, 0.7 + h) - at(-0.9 + h, 0.7 - h) - at(-0.9 - h, 0.7 + h)
    mixed = (mixed + at(-0.9 - h, 0.7 - h)) / (4 * h**2)
    assert point.hessian[0, 1] == pytest.approx(mixed, rel=1e-5)


def test_two_random_effects_are_the_dense_sum() -> None:
    family = FAMILIES["UM.RS"](tables(SPARSE))
    z = np.linspace(-8, 8, 641)
    z1, z2 = (g.ravel() for g in np.meshgrid(z, z, indexing="ij"))
    for at in ([-3.0, -0.8, 0.9, 0.7], [-3.0, -0.8, 0.0, 1.2], [-3.0, -0.8, 1.2, 0.0]):
        value = family.terms(at[1] + at[3] * z2[None, :], at[0] + at[2] * z1[None, :]).value
        weight = np.exp(value + stats.norm.logpdf(z1) + stats.norm.logpdf(z2))
        expected = float(np.log(weight.sum(axis=1) * (z[1] - z[0]) ** 2).sum())
        found = double.evaluate(family, np.array(at), 31, np.zeros((5, 2)))
        assert found.value == pytest.approx(expected, abs=1e-8)


def test_derivatives_with_two_random_effects() -> None:
    family = FAMILIES["UM.RS"](tables(SPARSE))
    at, zero, h = np.array([-3.0, -0.8, 0.9, 0.7]), np.zeros((5, 2)), 1e-4
    place = double.evaluate(family, at, 31, zero)
    for i in range(4):
        step = np.zeros(4)
        step[i] = h
        up, down = (double.evaluate(family, at + s * step, 31, zero) for s in (1, -1))
        assert place.score[i] == pytest.approx((up.value - down.value) / (2 * h), rel=1e-6)
        expected = (up.score - down.score) / (2 * h)
        assert place.hessian[i] == pytest.approx(expected, rel=1e-5, abs=1e-6)


rows_of = st.lists(
    st.tuples(st.integers(0, 9), st.integers(10, 80), st.integers(0, 9), st.integers(10, 80)),
    min_size=3,
    max_size=7,
).filter(lambda rows: any(a > 0 for a, *_ in rows) and any(r[2] > 0 for r in rows))


@pytest.mark.parametrize("model", ["CM.EL", "CM.AL", "UM.FS"])
@settings(max_examples=20, deadline=None)
@given(rows=rows_of)
def test_no_point_of_a_grid_is_higher(rows: list[Row], model: str) -> None:
    """The optimum is the global one over the spread."""
    t = tables(rows).informative()
    x, low = t.events1, np.maximum(0, t.total - t.size2)
    if np.all(x == low) or np.all(x == np.minimum(t.size1, t.total)):
        return
    family = FAMILIES[model](t)
    try:
        best = highest(family)
    except NotEstimableError:  # the likelihood rises without end
        return
    assert best.gradient < 1e-7
    assert best.quadrature_error < 1e-8
    for tau in (0.0, 0.07, 0.3, 0.6, 1.0, 2.0, 3.5, 7.0):

        def negative(effect: float, tau: float = tau) -> float:
            return -evaluate(family, effect, tau, best.baseline, 150, best.point.modes).value

        if family.baseline:
            top = -negative(best.effect)
        else:
            top = -optimize.minimize_scalar(negative, bracket=(-0.5, 0.5)).fun
        assert best.point.value >= top - 1e-7


def test_the_plain_maximum_by_another_route() -> None:
    """Logistic regression with a column a trial, by a general optimiser."""
    t = tables(SPARSE)
    best = common(FAMILIES["UM.FS"](t))

    def negative(x: NDArray[np.float64]) -> float:
        up, down = x[:5] + x[5] / 2, x[:5] - x[5] / 2
        one = stats.binom.logpmf(t.events1, t.size1, 1 / (1 + np.exp(-up)))
        return -float(np.sum(one + stats.binom.logpmf(t.events2, t.size2, 1 / (1 + np.exp(-down)))))

    found = optimize.minimize(negative, np.append(np.full(5, -3.0), 0.0), method="BFGS")
    assert best.effect == pytest.approx(found.x[5], abs=1e-4)
    assert best.point.value == pytest.approx(-found.fun, abs=1e-8)


def test_the_exact_likelihood_needs_no_rounding_of_large_trials() -> None:
    rows = [(620, 40_000, 480, 39_500), (530, 30_000, 610, 31_000)]
    best = common(Hypergeometric(tables(rows)))
    unconditional = common(FAMILIES["UM.FS"](tables(rows)))
    assert best.effect == pytest.approx(unconditional.effect, rel=1e-3)
    direct = sum(
        partial(stats.nchypergeom_fisher.logpmf, a, m + n, m, a + c)(odds=math.exp(best.effect))
        for a, m, c, n in rows
    )
    assert best.point.value == pytest.approx(direct, rel=1e-8)
