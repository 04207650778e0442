"""Posteriors: published results, brute force, laws, and refusals."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

import equipoise as eq
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.models.bayes import priors
from equipoise.models.bayes.pairwise import BayesPairwise

# Rubin 1981, J Educ Stat 6:377: the effect of coaching in eight schools.
EFFECT = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
ERROR = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6])


def of(y: object, v: object, measure: str = "MD") -> Contrasts:
    study = [f"t{i}" for i in range(len(y))]  # type: ignore[arg-type]
    return eq.contrasts(yi=y, vi=v, study=study, measure=measure)  # type: ignore[arg-type]


def schools() -> Contrasts:
    return of(EFFECT, ERROR**2)


def test_the_eight_schools_as_bayesmeta_has_them() -> None:
    # Printed by bayesmeta's introduction (half-Cauchy(25), effect normal(0, 50); shortest
    # intervals). It integrates tau adaptively, but puts the effect on a coarse grid of tau with an
    # error of up to 1% in divergence: hence four digits there.
    post = eq.bayes(
        schools(), tau=priors.half_cauchy(25), effect=priors.normal(0, 50), interval="shortest"
    )
    tau, mu = post.tau, post.mu
    assert (tau.median, tau.mean, tau.sd) == pytest.approx((4.758539, 5.884511, 4.869904), rel=2e-7)
    assert tau.ci.low == 0.0
    assert tau.ci.high == pytest.approx(15.165894, rel=1e-7)
    assert (mu.median, mu.mean, mu.sd) == pytest.approx((7.962961, 7.985729, 4.995762), rel=1e-4)
    assert (mu.ci.low, mu.ci.high) == pytest.approx((-1.823353, 17.824562), abs=3e-3)


def brute(
    y: np.ndarray, v: np.ndarray, tau: priors.Prior, effect: priors.EffectPrior
) -> tuple[float, float, float, float, float]:
    """Evidence, mean and sd of the effect, mean of tau, and P(effect > 0), in two dimensions."""

    def joint(mu: np.ndarray, t: float) -> np.ndarray:
        total = v + t * t
        power = -0.5 * ((y - mu[:, None]) ** 2 / total + np.log(2 * np.pi * total)).sum(axis=1)
        power += float(tau.log_density(np.array([math.log(t)]))[0]) - math.log(t)
        if not effect.flat:
            power += stats.norm.logpdf(mu, effect.mean, effect.sd)
        return np.exp(power)

    x, w = np.polynomial.legendre.leggauss(400)
    centre, reach = float(np.average(y, weights=1 / v)), 30.0 * math.sqrt(float(v.max()))
    # Two pieces, so that the indicator of a positive effect is integrated exactly.
    pieces = [(centre - reach, 0.0), (0.0, centre + reach)]
    mus = np.concatenate([0.5 * (b - a) * x + 0.5 * (a + b) for a, b in pieces])
    weights = np.concatenate([0.5 * (b - a) * w for a, b in pieces])

    def integral(f: Callable[[np.ndarray, float], np.ndarray]) -> float:
        def inner(t: float) -> float:
            return float(weights @ (joint(mus, t) * f(mus, t)))

        ends = [1e-12, 0.5, 3.0, 20.0, 400.0]
        scale = math.sqrt(float(np.median(v)))
        return math.fsum(
            integrate.quad(inner, a * scale, b * scale, epsabs=0, epsrel=1e-11, limit=400)[0]
            for a, b in itertools.pairwise(ends)
        )

    z = integral(lambda m, t: np.ones_like(m))
    mean = integral(lambda m, t: m) / z
    square = integral(lambda m, t: (m - mean) ** 2) / z
    return (
        z,
        mean,
        math.sqrt(square),
        integral(lambda m, t: np.full_like(m, t)) / z,
        integral(lambda m, t: (m > 0.0).astype(float)) / z,
    )


@pytest.mark.parametrize(
    ("tau", "effect"),
    [
        (priors.half_normal(8.0), priors.flat()),
        (priors.half_t(10.0, 4.0), priors.normal(2.0, 30.0)),
        (priors.log_normal(1.0, 0.7), priors.normal(0.0, 5.0)),
        (priors.exponential(4.0), priors.flat()),
    ],
    ids=lambda p: p.text,
)
def test_brute_force_in_two_dimensions(tau: priors.Prior, effect: priors.EffectPrior) -> None:
    post = eq.bayes(schools(), tau=tau, effect=effect)
    z, mean, sd, tau_mean, above = brute(EFFECT, ERROR**2, tau, effect)
    assert post.grid.log_evidence == pytest.approx(math.log(z), rel=1e-9)
    assert post.mu.mean == pytest.approx(mean, rel=1e-8)
    assert post.mu.sd == pytest.approx(sd, rel=1e-8)
    assert post.tau.mean == pytest.approx(tau_mean, rel=1e-7)
    assert post.probability(above=0.0) == pytest.approx(above, rel=1e-8)
    if not effect.flat:
        assert post.log_evidence == post.grid.log_evidence


def test_a_uniform_prior_with_an_end_is_as_exact_as_the_others() -> None:
    post = eq.bayes(schools(), tau=priors.uniform(9.0))

    def likelihood(t: float) -> float:
        w = 1.0 / (ERROR**2 + t * t)
        mu = (w @ EFFECT) / w.sum()
        q = float(w @ (EFFECT - mu) ** 2)
        return math.exp(0.5 * np.log(w).sum() - 0.5 * math.log(w.sum()) - 0.5 * q + 20.0)

    def part(a: float, b: float) -> float:
        return float(integrate.quad(likelihood, a, b, epsabs=0, epsrel=1e-12)[0])

    for t in (0.4, 3.0, 8.9):
        assert post.tau.cdf(t) == pytest.approx(part(0.0, t) / part(0.0, 9.0), rel=1e-9)
        expected = likelihood(t) / part(0.0, 9.0)
        assert post.tau.density(t) == pytest.approx(expected, rel=1e-7)
    assert post.tau.density(0.0) == pytest.approx(likelihood(0.0) / part(0.0, 9.0), rel=1e-9)
    assert post.tau.cdf(9.0) == 1.0
    assert post.tau.density(9.5) == 0.0


@pytest.mark.parametrize("known", [0.0, 0.4, 3.0])
def test_with_tau_known_and_a_flat_prior_it_is_the_likelihood(known: float) -> None:
    fit = eq.pairwise(schools(), tau2=known**2, interval="Wald", pi="S")
    post = eq.bayes(schools(), tau=known)
    assert post.mu.mean == pytest.approx(fit.estimate, rel=1e-12)
    assert post.mu.sd == pytest.approx(fit.se, rel=1e-12)
    assert (post.mu.ci.low, post.mu.ci.high) == pytest.approx((fit.ci.low, fit.ci.high), rel=1e-10)
    assert fit.pi is not None
    assert post.predictive.ci.high == pytest.approx(fit.pi.high, rel=1e-10)
    assert post.tau.median == known
    assert "known" in post.summary()


def test_shrinkage_with_tau_known_is_the_empirical_bayes_formula() -> None:
    post = eq.bayes(schools(), tau=6.0)
    v, t2, mu = ERROR**2, 36.0, post.mu
    share = t2 / (t2 + v)
    for i, trial in enumerate(post.trials()):
        assert trial.mean == pytest.approx(share[i] * EFFECT[i] + (1 - share[i]) * mu.mean)
        variance = share[i] * v[i] + (1 - share[i]) ** 2 * mu.sd**2
        assert trial.sd == pytest.approx(math.sqrt(variance))


def test_trials_against_draws_of_the_joint_posterior() -> None:
    post = eq.bayes(schools(), tau=priors.half_normal(10.0))
    tau, mu = post.draws(200_000)
    assert np.all(np.isin(tau, post.grid.tau))
    t2 = tau**2
    random = np.random.default_rng(7)
    for i in (0, 4):
        v = ERROR[i] ** 2
        share = t2 / (t2 + v)
        theta = share * EFFECT[i] + (1 - share) * mu[:, 0]
        theta = theta + np.sqrt(share * v) * random.standard_normal(tau.size)
        trial = post.trials()[i]
        assert trial.mean == pytest.approx(theta.mean(), abs=4 * trial.sd / math.sqrt(tau.size))
        assert trial.probability(above=10.0) == pytest.approx((theta > 10).mean(), abs=5e-3)


def test_quantiles_are_roots_of_the_mixture() -> None:
    post = eq.bayes(schools(), tau=priors.half_cauchy(10.0))
    for marginal in (post.mu, post.predictive, post.tau, *post.trials()[:2]):
        for p in (1e-6, 0.025, 0.5, 0.9, 1 - 1e-6):
            assert marginal.cdf(marginal.quantile(p)) == pytest.approx(p, rel=1e-8)
        low, high = marginal.quantile(0.2), marginal.quantile(0.7)
        area = integrate.quad(marginal.density, low, high, epsrel=1e-11)[0]
        assert area == pytest.approx(0.5, rel=1e-8)


def test_the_shortest_interval_is_shorter_and_its_ends_are_as_likely() -> None:
    for tau in (priors.half_normal(8.0), priors.log_normal(2.0, 0.3)):
        post = eq.bayes(schools(), tau=tau)
        for marginal in (post.mu, post.tau, post.predictive):
            short, central = (marginal.interval(0.9, kind) for kind in ("shortest", "central"))
            inside = marginal.cdf(short.high) - marginal.cdf(short.low)
            assert inside == pytest.approx(0.9, rel=1e-8)
            assert short.high - short.low <= central.high - central.low
            if short.low != 0.0:
                ends = marginal.density(short.low), marginal.density(short.high)
                assert ends[0] == pytest.approx(ends[1], rel=1e-6)


def test_probabilities_beyond_thresholds_add_up() -> None:
    post = eq.bayes(schools(), tau=priors.half_normal(5.0))
    below, inside = post.probability(below=2.0), post.probability(above=2.0, below=9.0)
    assert below + inside + post.probability(above=9.0) == pytest.approx(1.0, rel=1e-12)
    assert 0.0 < post.mu.probability(above=200.0) < 1e-50
    with pytest.raises(InputError, match="no threshold"):
        post.probability()
    with pytest.raises(InputError, match="above less than below"):
        post.probability(above=3.0, below=1.0)


def test_bayes_factors() -> None:
    tau = priors.half_normal(5.0)
    post = eq.bayes(schools(), tau=tau, effect=priors.normal(0.0, 10.0))
    common = eq.bayes(schools(), tau=0.0, effect=priors.normal(0.0, 10.0))
    expected = math.exp(common.log_evidence - post.log_evidence)
    assert post.bayes_factor_common == pytest.approx(expected, rel=1e-10)
    # No effect: the evidence of a model whose effect is 0, by one-dimensional quadrature.
    v = ERROR**2

    def null(t: float) -> float:
        total = v + t * t
        log_l = -0.5 * (EFFECT**2 / total + np.log(2 * np.pi * total)).sum()
        return math.exp(log_l + float(tau.log_density(np.array([math.log(t)]))[0])) / t

    z = integrate.quad(null, 1e-12, 60.0, epsabs=0, epsrel=1e-11, limit=300)[0]
    assert post.bayes_factor_null == pytest.approx(z / math.exp(post.log_evidence), rel=1e-8)
    improper = eq.bayes(schools(), tau=priors.uniform())
    assert math.isnan(improper.bayes_factor_common)
    assert math.isnan(improper.bayes_factor_null)
    assert math.isnan(improper.log_evidence)


numbers = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(0.01, 4)).map(lambda p: (round(p[0], 4), round(p[1], 4))),
    min_size=1,
    max_size=9,
)


def told(post: BayesPairwise) -> np.ndarray:
    mu, new, tau = post.mu, post.predictive, post.tau
    return np.array([mu.median, *_ends(mu), *_ends(new), tau.median, *_ends(tau)])


def _ends(marginal: object) -> tuple[float, float]:
    ci = marginal.ci  # type: ignore[attr-defined]
    return ci.low, ci.high


@settings(max_examples=25, deadline=None)
@given(numbers, st.integers(-12, 12), st.randoms(use_true_random=False))
def test_units_and_order_do_not_matter(
    data: list[tuple[float, float]], power: int, shuffle: object
) -> None:
    y, v = (np.array(x) for x in zip(*data, strict=True))
    post = eq.bayes(of(y, v), tau=priors.half_normal(0.5), effect=priors.normal(0.1, 2.0))
    c = 10.0**power
    scaled = eq.bayes(
        of(c * y, c * c * v), tau=priors.half_normal(0.5 * c), effect=priors.normal(0.1 * c, 2 * c)
    )
    assert told(scaled) / c == pytest.approx(told(post), rel=1e-7, abs=1e-7)
    order = list(range(len(y)))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    moved = eq.bayes(
        of(y[order], v[order]), tau=priors.half_normal(0.5), effect=priors.normal(0.1, 2.0)
    )
    assert told(moved) == pytest.approx(told(post), rel=1e-9, abs=1e-9)
    swapped = eq.bayes(of(-y, v), tau=priors.half_normal(0.5), effect=priors.normal(-0.1, 2.0))
    assert -swapped.mu.median == pytest.approx(post.mu.median, rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(numbers)
def test_where_the_scale_has_its_zero_does_not_matter(data: list[tuple[float, float]]) -> None:
    y, v = (np.array(x) for x in zip(*data, strict=True))
    near = eq.bayes(of(y, v), tau=priors.half_cauchy(0.3))
    far = eq.bayes(of(y + 1e6, v), tau=priors.half_cauchy(0.3))
    assert far.mu.median - 1e6 == pytest.approx(near.mu.median, abs=1e-8)
    assert far.tau.median == pytest.approx(near.tau.median, rel=1e-6)


def test_the_error_that_is_stated_holds() -> None:
    for prior in (priors.half_normal(5.0), priors.half_cauchy(20.0), priors.log_t(1.0, 0.6)):
        loose = eq.bayes(schools(), tau=prior, rtol=1e-4)
        tight = eq.bayes(schools(), tau=prior, rtol=1e-13)
        assert loose.error < 1e-4
        assert loose.points < tight.points
        assert told(loose) == pytest.approx(told(tight), rel=1e-4)
        usual = eq.bayes(schools(), tau=prior)
        assert told(usual) == pytest.approx(told(tight), rel=1e-8, abs=1e-8)


def test_many_trials_and_a_narrow_posterior() -> None:
    random = np.random.default_rng(3)
    v = random.uniform(0.01, 0.1, 3000)
    y = random.normal(0.2, np.sqrt(v + 0.04))
    post = eq.bayes(of(y, v), tau=priors.log_normal(0.0, 5.0))
    fit = eq.pairwise(of(y, v), interval="Wald")
    assert post.mu.mean == pytest.approx(fit.estimate, abs=0.02 * fit.se)
    assert post.mu.sd == pytest.approx(fit.se, rel=1e-2)
    assert post.tau.median == pytest.approx(fit.tau, rel=2e-2)


def test_one_trial_leaves_tau_its_prior() -> None:
    prior = priors.half_normal(0.5)
    post = eq.bayes(of([0.3], [0.04]), tau=prior)
    for p in (0.1, 0.5, 0.975):
        assert post.tau.quantile(p) == pytest.approx(prior.quantile(p), rel=1e-9)
    assert post.mu.median == pytest.approx(0.3)
    # Normal with variance 0.04 plus half-normal tau²: its variance is 0.04 + 0.25.
    assert post.mu.sd == pytest.approx(math.sqrt(0.04 + 0.25), rel=1e-9)
    assert post.i2 is None
    assert "one-trial" in [note.code for note in post.notes]


def test_two_trials_with_a_heavy_tail_have_quantiles_but_no_moments() -> None:
    post = eq.bayes(of([0.1, 0.6], [0.1, 0.2]), tau=priors.half_cauchy(0.5))
    assert math.isfinite(post.tau.mean)
    assert post.tau.sd == math.inf
    assert post.mu.sd == math.inf
    assert "infinite-moments" in [note.code for note in post.notes]
    one = eq.bayes(of([0.1], [0.1]), tau=priors.half_cauchy(0.5))
    assert one.tau.mean == math.inf
    assert math.isnan(one.mu.mean)
    assert one.tau.median == pytest.approx(0.5, rel=1e-9)
    low, high = one.mu.ci.low, one.mu.ci.high
    assert low < 0.1 < high

    # Cauchy's tail, by an independent integral over tau.
    def over(t: float) -> float:
        return special.ndtr((0.1 - high) / math.sqrt(0.1 + t * t)) * stats.halfcauchy.pdf(t / 0.5)

    assert integrate.quad(over, 0, np.inf, epsrel=1e-10, limit=500)[0] / 0.5 == pytest.approx(
        0.025, rel=1e-6
    )


def test_few_trials_under_an_improper_prior_are_refused() -> None:
    for k in (1, 2):
        with pytest.raises(NotEstimableError, match=r"without a finite integral.*Try: at least 2"):
            eq.bayes(of([0.1, 0.2][:k], [0.1] * k), tau=priors.uniform())
    eq.bayes(of([0.1, 0.2, 0.4], [0.1] * 3), tau=priors.uniform())
    # With a proper prior of the effect, two trials do.
    eq.bayes(of([0.1, 0.2], [0.1] * 2), tau=priors.uniform(), effect=priors.normal(0, 1))


def test_bad_input_is_refused_by_name() -> None:
    es = schools()
    with pytest.raises(InputError, match="as the prior of tau"):
        eq.bayes(es, tau="half-normal")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="as the prior of effects"):
        eq.bayes(es, tau=1.0, effect=priors.half_normal(1.0))  # type: ignore[call-overload]
    with pytest.raises(InputError, match="tau -1"):
        eq.bayes(es, tau=-1.0)
    with pytest.raises(UnknownNameError, match="'shortest'"):
        eq.bayes(es, tau=1.0, interval="short")
    with pytest.raises(InputError, match="level 95"):
        eq.bayes(es, tau=1.0, level=95.0)
    with pytest.raises(InputError, match="rtol"):
        eq.bayes(es, tau=1.0, rtol=0.0)
    with pytest.raises(InputError, match="as evidence"):
        eq.bayes([1.0, 2.0], tau=1.0)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="such as half_normal"):
        eq.bayes(es, tau=priors.turner())
    with pytest.raises(NotEstimableError, match="no trial has an estimate"):
        eq.bayes(of([math.nan], [0.1]), tau=priors.half_normal(1.0))


def test_a_prior_for_odds_ratios_with_risk_ratios_is_noted() -> None:
    post = eq.bayes(of([-0.2, 0.1, 0.4], [0.1, 0.1, 0.2], "RR"), tau=priors.turner())
    assert "prior-scale" in [note.code for note in post.notes]
    post = eq.bayes(of([-0.2, 0.1, 0.4], [0.1, 0.1, 0.2], "OR"), tau=priors.turner())
    assert not post.notes


def test_trials_without_an_estimate_are_left_out_by_name() -> None:
    post = eq.bayes(of([0.1, math.nan, 0.3], [0.1, 0.1, 0.1]), tau=priors.half_normal(1.0))
    assert post.k == 2
    assert [row.study for row in post.left_out] == ["t1"]
    assert "left-out" in [note.code for note in post.notes]


def test_sensitivity_puts_priors_side_by_side() -> None:
    post = eq.bayes(schools(), tau=priors.half_normal(5.0))
    table = post.sensitivity([priors.half_cauchy(5.0), 0.0, priors.uniform()])
    assert table.priors[0] == "half-normal(5)"
    assert table.median[2] == pytest.approx(eq.pairwise(schools(), tau2=0.0).estimate)
    assert table.tau[2] == 0.0
    assert math.isnan(table.log_evidence[3])
    assert "Sensitivity of the mean effect" in str(table)
    assert len(table.to_frame()) == 4
    with pytest.raises(InputError, match="no priors"):
        post.sensitivity([])


def test_a_fitted_synthesis_and_its_contrasts_give_the_same() -> None:
    a = eq.bayes(schools(), tau=priors.half_normal(5.0))
    b = eq.bayes(eq.pairwise(schools()), tau=priors.half_normal(5.0))
    assert told(a) == pytest.approx(told(b), rel=1e-14)


def test_what_a_reader_sees() -> None:
    post = eq.bayes(schools(), tau=priors.half_cauchy(25), effect=priors.normal(0, 50))
    text = post.summary()
    assert text.splitlines()[0] == "Bayesian random-effects synthesis of 8 trials, mean difference"
    for part in ("Probability of being above 0", "In a new trial", "I² ", "tau 4.759", "values of"):
        assert part in text
    assert "posterior" in post._repr_html_().casefold()
    assert "doi:10.18637/jss.v093.i06" in post.report()
    assert repr(post).startswith("<BayesPairwise MD 8.0 (")
    assert "median 4.759" in repr(post.tau)
    assert "the mean effect" in repr(post.mu)
    assert len(post.to_frame()) == 11
    assert "true effect" in str(post.shrinkage())
    x, density = post.mu.curve(51)
    assert x.shape == density.shape == (51,)
    assert post.tau.curve(11)[0][0] == 0.0


def test_there_and_back_through_json() -> None:
    post = eq.bayes(schools(), tau=priors.half_normal(5.0))
    again = BayesPairwise.from_dict(json.loads(json.dumps(post.to_dict())))
    assert again.summary() == post.summary()
    with pytest.raises(ValueError, match="read-only"):
        again.grid.tau[0] = 1.0


@pytest.mark.parametrize(
    "prior",
    [
        priors.inverse_gamma(0.001, 0.001),
        priors.log_normal(0.0, 30.0),
        priors.log_t(-3.0, 2.0),
        priors.half_normal(1e-9),
        priors.half_normal(1e9),
    ],
    ids=lambda p: p.text,
)
def test_priors_far_from_the_data_are_integrated_all_the_same(prior: priors.Prior) -> None:
    v = np.array([0.1, 0.2, 0.15, 0.1])
    y = np.array([0.2, -0.6, 1.0, 0.9])
    post = eq.bayes(of(y, v), tau=prior)

    def likelihood(x: float) -> float:
        w = 1.0 / (v + math.exp(2.0 * x))
        q = float(w @ (y - (w @ y) / w.sum()) ** 2)
        log_l = 0.5 * np.log(w).sum() - 0.5 * math.log(w.sum()) - 0.5 * q
        return math.exp(log_l + float(prior.log_density(np.array([x]))[0]))

    def part(a: float, b: float) -> float:
        ends = np.linspace(a, b, 200)
        return math.fsum(
            integrate.quad(likelihood, p, q, epsabs=0, epsrel=1e-10)[0]
            for p, q in itertools.pairwise(ends.tolist())
        )

    middle = math.log(post.tau.median)
    below, above = part(middle - 60.0, middle), part(middle, middle + 60.0)
    if prior.family == "half-normal":
        assert below == pytest.approx(above, rel=1e-7)
    assert math.isfinite(post.mu.ci.high)


def test_a_tail_without_moments_has_quantiles() -> None:
    # One trial, log-t: the widest parts of the mixture are more than 1e100 wide.
    es = eq.contrasts(yi=[0.3], vi=[0.1], study=["a"], measure="OR")
    post = eq.bayes(es, tau=priors.log_t(-1.0, 0.5))
    for p in (0.001, 0.025, 0.5, 0.975, 0.999):
        at = post.mu.quantile(p)
        assert post.mu.cdf(at) == pytest.approx(p, abs=1e-10)
    assert post.mu.median == pytest.approx(0.3, abs=1e-10)


def test_arguments_that_are_no_numbers_are_refused_by_name() -> None:
    es = eq.contrasts(yi=[0.3, 0.1], vi=[0.1, 0.2], study=["a", "b"], measure="OR")
    with pytest.raises(InputError, match="level='a'"):
        eq.bayes(es, tau=0.3, level="a")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="rtol='a'"):
        eq.bayes(es, tau=0.3, rtol="a")  # type: ignore[call-overload]
    post = eq.bayes(es, tau=np.int64(1))
    assert post.tau.median == 1.0
    for wrong in (math.nan, "a", True):
        with pytest.raises(InputError, match="as a threshold"):
            post.mu.probability(above=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'a' draws"):
        post.draws("a")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a list of priors"):
        post.sensitivity(priors.half_normal(1.0))  # type: ignore[arg-type]
