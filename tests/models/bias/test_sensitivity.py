"""PET-PEESE, limit meta-analysis, Henmi–Copas, fail-safe N, excess significance, funnel numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.bias.asymmetry import small_study
from equipoise.models.bias.excess import ExcessSignificance, excess_significance
from equipoise.models.bias.fail_safe import MOST, FailSafe, fail_safe
from equipoise.models.bias.funnel import FunnelData, funnel_data
from equipoise.models.bias.henmi_copas import HenmiCopas, Pivot, henmi_copas
from equipoise.models.bias.limit import LimitMeta, limit_meta
from equipoise.models.bias.precision_effect import PetPeese, pet_peese
from equipoise.models.pairwise import pairwise

S = np.array([0.08, 0.11, 0.15, 0.19, 0.22, 0.28, 0.33, 0.37, 0.44, 0.52, 0.58, 0.63])
Y = np.array([0.12, 0.22, 0.05, 0.31, 0.42, 0.18, 0.63, 0.55, 0.38, 0.95, 0.72, 1.21])
V = S**2


def es(y: Any = Y, v: Any = V, measure: str = "MD") -> Contrasts:
    return contrasts(yi=y, vi=v, measure=measure)


ALL = [pet_peese, limit_meta, henmi_copas, fail_safe, excess_significance, funnel_data]


@pytest.mark.parametrize("method", ALL, ids=lambda f: f.__name__)
def test_every_result_reads_and_travels(method: Any) -> None:
    found = method(es())
    assert repr(found).startswith(f"<{type(found).__name__} ")
    assert "\n" in found.summary()
    assert "<p>" in found._repr_html_()
    assert found.notes
    assert found.methods[0].paper
    assert type(found).from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert len(found.to_frame("pandas")) >= 1
    assert not found.yi.flags.writeable


@pytest.mark.parametrize("method", ALL, ids=lambda f: f.__name__)
def test_a_fit_gives_the_same_as_its_effects(method: Any) -> None:
    one, two = method(es()), method(pairwise(es()))
    assert one.to_dict() == two.to_dict()


# PET-PEESE


def test_pet_and_peese_are_the_intercepts_of_the_regressions() -> None:
    t = pet_peese(es())
    for one, predictor in ((t.pet, "sei"), (t.peese, "vi")):
        line = small_study(es(), predictor=predictor)
        assert one.estimate == line.intercept
        assert one.se == line.intercept_se
        assert line.limit is not None
        assert (one.ci.low, one.ci.high) == (line.limit.low, line.limit.high)
    random = pet_peese(es(), model="random")
    assert random.pet.tau2 == small_study(es(), model="random").tau2
    assert math.isinf(random.pet.df)


def test_peese_is_taken_where_pet_finds_an_effect() -> None:
    strong = pet_peese(es(Y + 1.0))
    assert strong.chosen == "PEESE"
    assert strong.estimate == strong.peese.estimate
    none = pet_peese(es())
    assert none.chosen == "PET"
    up = pet_peese(es(), expected="positive")
    down = pet_peese(es(), expected="negative")
    assert up.pet_p + down.pet_p == pytest.approx(1.0)
    turned = pet_peese(es(-Y), expected="negative")
    assert turned.pet_p == pytest.approx(up.pet_p)
    assert turned.estimate == pytest.approx(-up.estimate)
    with pytest.raises(UnknownNameError, match="direction"):
        pet_peese(es(), expected="up")
    with pytest.raises(UnknownNameError, match="model"):
        pet_peese(es(), model="common")
    with pytest.raises(NotEstimableError, match="same standard error"):
        pet_peese(es([1, 2, 3], [1, 1, 1]))


# Limit meta-analysis


@pytest.mark.parametrize("shift", [0.0, 100.0])
@pytest.mark.parametrize("unit", [1.0, 1e6, 1e-6])
def test_the_limit_is_that_of_the_radial_regression(shift: float, unit: float) -> None:
    y, v = unit * (Y + shift), unit * unit * V
    t = limit_meta(es(y, v))
    s = np.sqrt(v + t.tau2)
    X = np.column_stack([np.ones(len(y)), 1.0 / s])
    alpha, beta = np.linalg.lstsq(X, y / s, rcond=None)[0]
    C = np.linalg.inv(X.T @ X)
    assert t.bias == pytest.approx(alpha, rel=1e-6)
    assert t.slope == pytest.approx(beta, rel=1e-9)
    assert t.estimate == pytest.approx(beta + math.sqrt(t.tau2) * alpha, rel=1e-8)
    assert t.se == pytest.approx(math.sqrt(C[1, 1]), rel=1e-8)
    tau = math.sqrt(t.tau2)
    joint = C[1, 1] + tau * tau * C[0, 0] + 2 * tau * C[0, 1]
    assert limit_meta(es(y, v), variance="joint").se == pytest.approx(math.sqrt(joint), rel=1e-6)
    assert t.q == pytest.approx(t.q_small + t.q_resid)
    assert t.q_resid == pytest.approx(small_study(es(y, v)).dispersion * (len(y) - 2))


def test_without_heterogeneity_the_limit_is_the_intercept_of_egger() -> None:
    y = 0.3 + 0.2 * S + 0.02 * (-1.0) ** np.arange(len(S)) * S
    t = limit_meta(es(y))
    assert t.tau2 == 0.0
    assert t.estimate == pytest.approx(small_study(es(y), model="common").intercept)
    assert t.limit_yi == pytest.approx(np.full(len(y), t.slope))
    with pytest.raises(UnknownNameError, match="variance"):
        limit_meta(es(), variance="both")


# Henmi–Copas


def test_the_pivot_has_the_tail_that_simulation_shows() -> None:
    v, tau2 = np.array([0.02, 0.1, 0.3, 0.5, 0.05, 0.2]), 0.15
    p = Pivot(v, tau2)
    rng = np.random.default_rng(7)
    y = rng.normal(0.0, np.sqrt(v + tau2), (200_000, len(v)))
    w = 1.0 / v
    mean = y @ w / w.sum()
    q = ((y - mean[:, None]) ** 2) @ w
    found = np.maximum(0.0, (q - 5) / (w.sum() - (w * w).sum() / w.sum()))
    u = mean / np.sqrt((1.0 + found * (w * w).sum() / w.sum()) / w.sum())
    for x in (1.0, 2.0, 3.0):
        assert p.tail(x) == pytest.approx(float((u > x).mean()), abs=0.004)
    assert p.tail(p.quantile(0.025)) == pytest.approx(0.025, rel=1e-9)


def test_henmi_copas_under_sign_units_and_order() -> None:
    base = henmi_copas(es())
    mean = pairwise(es(), model="common").estimate
    assert base.estimate == pytest.approx(mean)
    assert henmi_copas(es(-Y)).ci.low == pytest.approx(-base.ci.high)
    assert henmi_copas(es(1e6 * Y, 1e12 * V)).ci.low == pytest.approx(1e6 * base.ci.low)
    assert henmi_copas(es(Y + 64.0)).ci.low == pytest.approx(base.ci.low + 64.0)
    assert henmi_copas(es(Y[::-1], V[::-1])).quantile == pytest.approx(base.quantile, rel=1e-9)
    assert henmi_copas(es([0.1, 0.9], [0.1, 0.2])).k == 2
    with pytest.raises(NotEstimableError, match="at least 2"):
        henmi_copas(es([0.1], [0.1]))


# Fail-safe N


def test_the_number_is_the_first_that_overturns() -> None:
    for kind in ("Rosenthal", "Rosenberg"):
        t = fail_safe(es(), kind)
        for n, stands in ((t.n, False), (t.n - 1, True)):
            if kind == "Rosenthal":
                z = (Y / S).sum() / math.sqrt(len(Y) + n)
                assert bool(z > 1.6448536269514722) is stands
            else:
                w = 1 / V
                z = (w @ Y) / math.sqrt(w.sum() * (1 + n / len(Y)))
                assert bool(z > 1.959963984540054) is stands
    t = fail_safe(es(), "general")
    assert 0 < t.n < MOST
    assert fail_safe(es(-Y), "general").n == t.n
    assert fail_safe(es(1e6 * Y, 1e12 * V), "general").n == t.n


def test_targets() -> None:
    t = fail_safe(es(), "Orwin")
    assert t.n == len(Y)
    assert t.target == pytest.approx(t.estimate / 2)
    assert fail_safe(es(-Y), "Orwin", target=0.1).target == -0.1
    assert fail_safe(es(), "general", target=0.1).n > 0
    assert fail_safe(es(), "general", target=5.0).n == 0
    with pytest.raises(InputError, match="target with Rosenthal"):
        fail_safe(es(), target=0.1)
    with pytest.raises(InputError, match="target 0"):
        fail_safe(es(), "Orwin", target=0.0)
    with pytest.raises(UnknownNameError, match="'Rosenthal'"):
        fail_safe(es(), "Rosental")
    assert "not-recommended" in [n.code for n in t.notes]
    assert fail_safe(es(0.01 * Y), "general").n == 0


# Excess significance


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=8), st.data())
def test_the_exact_tail_counts_every_outcome(chances: list[float], data: Any) -> None:
    from itertools import product

    from equipoise.models.bias.excess import _tail

    seen = data.draw(st.integers(0, len(chances)))
    total = 0.0
    for outcome in product((0, 1), repeat=len(chances)):
        if sum(outcome) >= seen:
            total += math.prod(p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True))
    assert _tail("exact", seen, np.array(chances)) == pytest.approx(total, rel=1e-10)


def test_power_and_directions() -> None:
    t = excess_significance(es(), theta=0.0)
    assert t.power == pytest.approx(0.05)
    one, two = (
        excess_significance(e, alternative=a) for e, a in ((es(), "greater"), (es(-Y), "less"))
    )
    assert one.observed == two.observed
    assert one.p_value == pytest.approx(two.p_value)
    assert excess_significance(es(), theta=50.0).power == pytest.approx(1.0)
    wide = excess_significance(es(), theta=0.0, tau2=1.0)
    assert (wide.power > 0.05).all()
    for test in ("exact", "chi2", "binomial"):
        assert 0.0 < excess_significance(es(), test=test).p_value <= 1.0
    with pytest.raises(UnknownNameError, match="test"):
        excess_significance(es(), test="fisher")
    with pytest.raises(InputError, match="tau²"):
        excess_significance(es(), tau2=-1.0)
    with pytest.raises(InputError, match="theta"):
        excess_significance(es(), theta=math.nan)


# Funnel numbers


def test_the_funnel_stands_on_the_mean_and_the_contours_on_no_difference() -> None:
    fit = pairwise(es())
    f = funnel_data(fit)
    assert f.center == fit.estimate
    assert f.se[0] == 0.0
    assert f.se[-1] > S.max()
    assert f.high - f.center == pytest.approx(1.959963984540054 * f.se)
    assert f.contour_half == pytest.approx([1.6448536269514722, 1.959963984540054, 2.5758293035489])
    assert ((f.p_value < 0.05) == (np.abs(Y) > f.contour_half[1] * S)).all()
    inside = np.abs(Y - f.center) <= 1.959963984540054 * S
    assert (f.inside.astype(bool) == inside).all()
    wide = funnel_data(fit, heterogeneity=True, center=0.0, level=0.99, points=5)
    assert len(wide.se) == 5
    assert wide.low[0] == pytest.approx(-2.5758293035489 * math.sqrt(fit.tau2))
    with pytest.raises(InputError, match="contour"):
        funnel_data(fit, contours=(5,))
    with pytest.raises(InputError, match="1 point of"):
        funnel_data(fit, points=1)
    with pytest.raises(InputError, match="center"):
        funnel_data(fit, center=math.inf)


def test_result_types() -> None:
    kinds = (PetPeese, LimitMeta, HenmiCopas, FailSafe, ExcessSignificance, FunnelData)
    assert all(isinstance(f(es()), kind) for f, kind in zip(ALL, kinds, strict=True))
