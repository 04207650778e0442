"""Selection models: derivatives, integrals, laws, what is noted and refused."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.bias.likelihood import Likelihood, Smooth, Steps, log_between
from equipoise.models.bias.selection import SelectionFit, selection
from equipoise.models.bias.weights import FAMILIES, WOODS, WOODS_STEPS, PValues
from equipoise.models.pairwise import pairwise

K = 24


def trials(seed: int = 4, k: int = K) -> tuple[np.ndarray, np.ndarray]:
    """Estimates that were kept by a step at p = 0.025."""
    rng = np.random.default_rng(seed)
    y, v = [], []
    while len(y) < k:
        s = rng.uniform(0.1, 0.6)
        value = rng.normal(0.2, math.hypot(s, 0.15))
        if value / s > 1.96 or rng.uniform() < 0.3:
            y.append(value)
            v.append(s * s)
    return np.array(y), np.array(v)


Y, V = trials()


def es(y: np.ndarray = Y, v: np.ndarray = V):  # type: ignore[no-untyped-def]
    return contrasts(yi=y, vi=v, measure="MD")


MODELS = [
    ("step", Steps(Y, V, (0.025, 0.5, 1.0), False), [0.4, 0.3]),
    ("two-sided step", Steps(Y, V, (0.05, 0.5, 1.0), True), [0.4, 0.3]),
    ("assumed", Steps(Y, V, WOODS_STEPS, False, WOODS["severe-one-sided"]), []),
    *(
        (f"{code} {side}", Smooth(Y, V, family, side), [0.7, 1.4] if code == "beta" else [1.3])
        for code, family in FAMILIES.items()
        for side in (False, True)
    ),
]


@pytest.mark.parametrize(("name", "model", "delta"), MODELS, ids=[m[0] for m in MODELS])
def test_derivatives_are_those_of_the_likelihood(
    name: str, model: Steps | Smooth, delta: list[float]
) -> None:
    f = Likelihood(Y, V, model)
    for mu, tau2 in ((0.2, 0.05), (-1.5, 0.4), (3.0, 0.01)):
        x, h = np.array([mu, tau2, *delta]), 1e-6
        here = f.slope(x)
        steps = h * np.eye(len(x))
        gradient = [(f.value(x + e) - f.value(x - e)) / (2 * h) for e in steps]
        hessian = [(f.slope(x + e).gradient - f.slope(x - e).gradient) / (2 * h) for e in steps]
        size = np.abs(here.hessian).max()
        assert here.gradient == pytest.approx(np.array(gradient), rel=1e-6, abs=1e-7 * size)
        assert here.hessian == pytest.approx(np.array(hessian), rel=1e-6, abs=1e-6 * size)


@pytest.mark.parametrize("code", list(FAMILIES))
@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize(
    ("mu", "tau2", "size"), [(0.2, 0.1, 1.4), (-3.0, 0.5, 0.7), (-8.0, 0.01, 0.05), (2.0, 3.0, 20)]
)
def test_integrals_agree_with_adaptive_ones(
    code: str, two_sided: bool, mu: float, tau2: float, size: float
) -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    family = FAMILIES[code]
    delta = np.array([size, 1.2]) if code == "beta" else np.array([size])
    y, v = Y[:3], V[:3]
    total = 0.0
    for yi, vi in zip(y, v, strict=True):
        sigma, s = math.sqrt(vi), math.sqrt(vi + tau2)

        def weight(z: float) -> float:
            at = PValues.of(np.array([z]), two_sided, family.p_min)
            return float(family.weigh(at, delta)[0][0])

        def part(z: float, sigma: float = sigma, s: float = s) -> float:
            return math.exp(weight(z) + norm.logpdf(sigma * z, mu, s)) * sigma

        edge = 4.5
        low, high = (mu - 14 * s) / sigma, (mu + 14 * s) / sigma
        ends = sorted({-edge, 0.0, edge, low, high, *np.linspace(-edge, edge, 10).tolist()})
        ends = [e for e in ends if low <= e <= high]
        if family.p_min:
            share = family.p_min / (2 if two_sided else 1)
            corners = [norm.isf(share), -norm.isf(share)]
            if two_sided:
                tiny = norm.isf(0.5 - 0.5 * family.p_min)
                corners += [tiny, -tiny, *(t * s for t in (0.001, 0.03, 0.3) for s in (1, -1))]
            ends = sorted({*ends, *(c for c in corners if low < c < high)})
        area = sum(
            quad(part, a, b, epsabs=0, epsrel=1e-12, limit=400)[0]
            for a, b in itertools.pairwise(ends)
        )
        total += weight(yi / sigma) + norm.logpdf(yi, mu, s) - math.log(area)
    f = Likelihood(y, v, Smooth(y, v, family, two_sided, 64))
    assert f.value(np.array([mu, tau2, *delta])) == pytest.approx(total, abs=1e-8, rel=1e-10)


def test_the_power_function_without_a_cut_reaches_far_into_its_tail() -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    family = dataclasses.replace(FAMILIES["power"], p_min=0.0)
    mu, tau2, d = -8.0, 0.3, 0.4
    s = np.sqrt(V[:1] + tau2)[0]
    sigma = math.sqrt(V[0])

    def part(u: float) -> float:
        return math.exp(d * norm.logcdf(u / sigma) + norm.logpdf(u, mu, s) + 60.0)

    area = quad(part, mu - 5 * s, 10.0, epsabs=0, epsrel=1e-12, limit=500, points=[-3.0, 0.0])[0]
    wanted = d * norm.logcdf(Y[0] / sigma) + norm.logpdf(Y[0], mu, s) - math.log(area) + 60.0
    f = Likelihood(Y[:1], V[:1], Smooth(Y[:1], V[:1], family, False))
    assert f.value(np.array([mu, tau2, d])) == pytest.approx(wanted, rel=1e-11)


def test_normal_probabilities_keep_their_digits() -> None:
    from scipy.stats import norm

    low = np.array([-np.inf, -40.0, -1.0, -1e-9, 2.0, 38.0, 1e-9])
    high = np.array([-38.0, -39.0, 1.0, 1e-9, np.inf, np.inf, 2e-9])
    found = log_between(low, high)
    assert found[0] == pytest.approx(norm.logcdf(-38.0))
    assert found[5] == pytest.approx(norm.logsf(38.0))
    assert found[2] == pytest.approx(math.log(norm.cdf(1) - norm.cdf(-1)))
    assert found[3] == pytest.approx(math.log(2e-9 * norm.pdf(0)), rel=1e-14)
    assert found[6] == pytest.approx(math.log(1e-9 * norm.pdf(0)), rel=1e-14)
    assert found[4] == pytest.approx(norm.logsf(2.0))


@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_equal_chances_are_no_selection(alternative: str) -> None:
    ml = pairwise(es(), tau2="ML", interval="Wald")
    t = selection(es(), "step", alternative=alternative, steps=[0.05], delta=[1, 1])
    assert t.estimate == pytest.approx(ml.estimate, rel=1e-7)
    assert t.tau2 == pytest.approx(ml.tau2, rel=1e-6)
    assert t.loglik == pytest.approx(t.loglik_none, abs=1e-10)
    assert t.unadjusted == pytest.approx(ml.estimate, rel=1e-12)
    assert t.unadjusted_ci.low == pytest.approx(ml.ci.low, rel=1e-10)
    assert math.isnan(t.lrt_p)


@pytest.mark.parametrize("type", ["three-parameter", "halfnormal", "beta"])
def test_turning_estimates_and_alternative_turns_the_result(type: str) -> None:
    one = selection(es(), type, alternative="greater")
    two = selection(es(-Y), type, alternative="less")
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-6)
    assert two.loglik == pytest.approx(one.loglik, abs=1e-10)
    assert two.ci.low == pytest.approx(-one.ci.high, rel=1e-6)
    assert two.weight == pytest.approx(one.weight, rel=1e-5)


@pytest.mark.parametrize("type", ["three-parameter", "negexp"])
def test_order_and_units(type: str) -> None:
    base = selection(es(), type, alternative="greater", interval="Wald")
    mixed = np.random.default_rng(1).permutation(K)
    other = selection(es(Y[mixed], V[mixed]), type, alternative="greater", interval="Wald")
    assert other.estimate == pytest.approx(base.estimate, rel=1e-6)
    for c in (1e-6, 1e6):
        t = selection(es(c * Y, c * c * V), type, alternative="greater", interval="Wald")
        assert t.estimate / c == pytest.approx(base.estimate, rel=1e-6)
        assert t.se / c == pytest.approx(base.se, rel=1e-6)
        assert t.delta == pytest.approx(base.delta, rel=1e-5)
        assert t.lrt == pytest.approx(base.lrt, abs=1e-8)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_no_place_on_a_grid_is_higher(seed: int) -> None:
    y, v = trials(seed, 18)
    p = PValues.of(y / np.sqrt(v), False, 0.0).p
    if not ((p <= 0.025).any() and (p > 0.025).any()):
        return
    t = selection(es(y, v), alternative="greater", interval="Wald")
    f = Likelihood(y, v, Steps(y, v, (0.025, 1.0), False))
    for mu in np.linspace(-1.5, 1.5, 9):
        for tau2 in (0.0, 0.01, 0.05, 0.2, 0.8):
            for delta in (0.01, 0.05, 0.2, 0.5, 1.0, 3.0):
                assert f.value(np.array([mu, tau2, delta])) <= t.loglik + 1e-9


def test_the_mean_that_was_selected_comes_back() -> None:
    y, v = trials(11, 400)
    t = selection(es(y, v), alternative="greater")
    assert t.unadjusted > 0.28
    assert abs(t.estimate - 0.2) < 3 * t.se
    assert abs(t.delta[1] - 0.3) < 3 * t.delta_se[1]
    assert t.lrt_p < 0.01
    assert t.counts[0] + t.counts[1] == 400


def test_a_profile_interval_ends_where_the_likelihood_has_fallen() -> None:
    t = selection(es(), alternative="greater", interval="profile")
    f = Likelihood(Y, V, Steps(Y, V, (0.025, 1.0), False))
    from scipy.optimize import minimize

    for end in (t.ci.low, t.ci.high):
        best = min(
            minimize(
                lambda x, end=end: -f.value(np.array([end, math.exp(x[0]), math.exp(x[1])])),
                [math.log(a), math.log(b)],
                method="Nelder-Mead",
                options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
            ).fun
            for a in (0.001, 0.1)
            for b in (0.1, 1.0)
        )
        assert 2 * (t.loglik + best) == pytest.approx(3.841458820694124, abs=1e-5)


def test_a_flat_likelihood_is_noted_and_gets_a_profile_interval() -> None:
    # Colditz 1994, log risk ratios of the BCG vaccine.
    y = -np.array([0.89, 1.59, 1.35, 1.44, 0.22, 0.79, 1.62, -0.01, 0.47, 1.37, 0.34, -0.45, 0.02])
    s = np.array([0.57, 0.44, 0.64, 0.14, 0.23, 0.08, 0.47, 0.06, 0.24, 0.27, 0.11, 0.73, 0.27])
    t = selection(es(y, s**2), "logistic", alternative="less")
    assert t.flat
    assert t.ci.method == "profile likelihood"
    assert {"few-trials", "flat-likelihood"} <= {n.code for n in t.notes}


def test_the_chance_of_any_p_value_can_be_asked() -> None:
    t = selection(es(), alternative="greater")
    assert t.chance([0.01, 0.025, 0.026, 1.0]) == pytest.approx([1, 1, t.delta[1], t.delta[1]])
    s = selection(es(), "halfnormal", alternative="greater")
    assert s.chance([0.0, 1.0]) == pytest.approx([1.0, math.exp(-s.delta[0])])
    assert s.weight == pytest.approx(s.chance(s.pi), rel=1e-9)
    with pytest.raises(InputError, match="p values"):
        s.chance([1.2])


def test_assumed_selection_is_marked_and_can_have_empty_intervals() -> None:
    t = selection(es(), "Vevea-Woods", alternative="greater", delta="severe-one-sided")
    assert "assumed-selection" in [n.code for n in t.notes]
    assert t.lrt_df == 0
    assert 0 in t.counts
    assert t.estimate < t.unadjusted


@pytest.mark.parametrize("name", ["Vevea-Hedges", "stepfun"])
def test_other_names_of_a_step_function(name: str) -> None:
    one = selection(es(), name, alternative="greater", steps=[0.025, 0.5])
    two = selection(es(), "step", alternative="greater", steps=[0.025, 0.5])
    assert one.type == "step"
    assert one.to_dict() == two.to_dict()


def test_a_result_reads_and_travels() -> None:
    t = selection(es(), alternative="greater")
    assert repr(t).startswith("<SelectionFit three-parameter MD ")
    text = t.summary()
    assert "larger estimates favoured" in text
    assert "p ≤ 0.025: 1" in text
    assert SelectionFit.from_dict(t.to_dict()).to_dict() == t.to_dict()
    assert list(t.to_frame("pandas")["p"]) == pytest.approx(t.pi.tolist())
    assert t.methods[0].doi


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="alternative"):
        selection(es())  # type: ignore[call-arg]
    with pytest.raises(UnknownNameError, match="'greater'"):
        selection(es(), alternative="great")
    with pytest.raises(UnknownNameError, match="'logistic'"):
        selection(es(), "logit", alternative="greater")
    with pytest.raises(UnknownNameError, match="severity"):
        selection(es(), "Vevea-Woods", alternative="greater", delta="mild")
    with pytest.raises(UnknownNameError, match="interval"):
        selection(es(), alternative="greater", interval="HK")
    with pytest.raises(InputError, match="steps with beta"):
        selection(es(), "beta", alternative="greater", steps=[0.05])
    with pytest.raises(InputError, match="ascend"):
        selection(es(), "step", alternative="greater", steps=[0.5, 0.05])
    with pytest.raises(InputError, match="between 0 and 1"):
        selection(es(), "step", alternative="greater", steps=[5])
    with pytest.raises(InputError, match="no selection"):
        selection(es(), "step", alternative="greater", steps=[1.0])
    with pytest.raises(InputError, match="2 chances for 3"):
        selection(es(), "step", alternative="greater", steps=[0.05, 0.5], delta=[1, 0.5])
    with pytest.raises(InputError, match="above 0"):
        selection(es(), "step", alternative="greater", steps=[0.05], delta=[1, 0])
    with pytest.raises(NotEstimableError, match=r"no trial has a p value in 0\.9 < p ≤ 1"):
        selection(es(np.abs(Y)), "step", alternative="greater", steps=[0.025, 0.9])
    with pytest.raises(NotEstimableError, match="at least 4 are needed"):
        selection(es(Y[:3], V[:3]), "halfnormal", alternative="greater")
