"""Posteriors of networks and component models."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

import equipoise as eq
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.models.bayes import priors
from equipoise.models.bayes.network import BayesNetwork
from equipoise.models.components import ComponentFit
from equipoise.models.correlated import shared_effects
from equipoise.models.network.fit import NetworkFit

# Study, treatment, events, people (made up: a loop, a three-arm trial, a combination).
ARMS = [
    ("1", "placebo", 12, 60), ("1", "A", 20, 61),
    ("2", "placebo", 9, 40), ("2", "B", 15, 42),
    ("3", "A", 18, 50), ("3", "B", 14, 52), ("3", "placebo", 8, 49),
    ("4", "A", 30, 80), ("4", "A+B", 41, 82),
    ("5", "placebo", 11, 70), ("5", "A", 12, 69),
    ("6", "B", 22, 90), ("6", "A+B", 35, 88),
]  # fmt: skip


def net(reference: str = "placebo") -> NetworkFit:
    study, treat, events, n = (list(column) for column in zip(*ARMS, strict=True))
    es = eq.arms(study=study, treat=treat, events=events, n=n)
    return eq.network(es, measure="OR", reference=reference)


def parts() -> ComponentFit:
    return eq.components(net(), inactive="placebo")


@pytest.mark.parametrize("tau", [0.0, 0.3, 2.0])
def test_with_tau_known_and_flat_priors_it_is_the_likelihood(tau: float) -> None:
    fit = net()
    post = eq.bayes(fit, tau=tau)
    V, R = fit.data.V(), shared_effects(fit.data)
    X = np.array(
        [post._row(a) - post._row(b) for a, b in zip(fit.data.treat1, fit.data.treat2, strict=True)]
    )
    W = np.linalg.inv(V + tau**2 * R)
    cov = np.linalg.inv(X.T @ W @ X)
    beta = cov @ X.T @ W @ fit.data.yi
    assert post.theta[0] == pytest.approx(beta, rel=1e-10)
    assert post.cov[0] == pytest.approx(cov, rel=1e-10)


def test_at_the_estimated_tau_networks_and_components_are_those_of_their_fits() -> None:
    fit = net()
    post = eq.bayes(fit, tau=math.sqrt(fit.tau2))
    for a, b in itertools.permutations(fit.treatments, 2):
        mine, its = post.effect(a, b), fit.effect(a, b)
        assert (mine.mean, mine.sd) == pytest.approx((its.estimate, its.se), rel=1e-10)
    model = parts()
    post2 = eq.bayes(model, tau=math.sqrt(model.tau2))
    for a, b in (("A", ""), ("B", ""), ("A+B", "A"), ("A+B", "")):
        one, two = post2.effect(a, b), model.effect(a, b)
        assert (one.mean, one.sd) == pytest.approx((two.estimate, two.se), rel=1e-10)


def importance(
    fit: NetworkFit, X: np.ndarray, tau: priors.Prior, sd: float, draws: int = 400_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws of tau from its prior and of effects given it, weighted by the evidence given tau."""
    random = np.random.default_rng(11)
    taus = np.array([tau.quantile((i + 0.5) / 2000) for i in range(2000)])
    V, R, y = fit.data.V(), shared_effects(fit.data), fit.data.yi
    power = 0.0 if math.isinf(sd) else sd**-2
    weights, means, roots = [], [], []
    for t in taus:
        S = V + t * t * R
        W = np.linalg.inv(S)
        A = X.T @ W @ X + power * np.eye(X.shape[1])
        cov = np.linalg.inv(A)
        m = cov @ X.T @ W @ y
        log_l = -0.5 * (np.linalg.slogdet(S)[1] + np.linalg.slogdet(A)[1])
        log_l += -0.5 * (y @ W @ y - m @ A @ m)
        weights.append(log_l)
        means.append(m)
        roots.append(np.linalg.cholesky(cov))
    w = np.exp(np.array(weights) - max(weights))
    w /= w.sum()
    node = random.choice(len(taus), size=draws, p=w)
    z = random.standard_normal((draws, X.shape[1]))
    theta = np.array(means)[node] + np.einsum("dij,dj->di", np.array(roots)[node], z)
    return taus[node], theta, w


@pytest.mark.parametrize("sd", [math.inf, 0.5])
def test_importance_sampling(sd: float) -> None:
    fit, tau = net(), priors.half_normal(0.5)
    effect = priors.flat() if math.isinf(sd) else priors.normal(0.0, sd)
    post = eq.bayes(fit, tau=tau, effect=effect)
    taus, theta, w = importance(fit, post.design, tau, sd)
    error = 4.0 / math.sqrt(len(taus))
    assert post.tau.cdf(0.3) == pytest.approx((taus <= 0.3).mean(), abs=error)
    exact = [
        float(q)
        for q in w @ np.array([tau.quantile((i + 0.5) / 2000) for i in range(2000)])[:, None]
    ]
    assert post.tau.mean == pytest.approx(exact[0], rel=1e-4)
    for i, name in enumerate(t for t in fit.treatments if t != fit.reference):
        mine = post.effect(name, fit.reference)
        assert mine.mean == pytest.approx(theta[:, i].mean(), abs=error * mine.sd)
        assert mine.cdf(0.4) == pytest.approx((theta[:, i] <= 0.4).mean(), abs=error)


def test_the_reference_does_not_matter_under_flat_priors() -> None:
    a = eq.bayes(net(), tau=priors.half_normal(0.5))
    b = eq.bayes(net("B"), tau=priors.half_normal(0.5))
    for one, two in itertools.combinations(a.treatments, 2):
        x, y = a.effect(one, two), b.effect(one, two)
        assert (x.median, x.sd) == pytest.approx((y.median, y.sd), rel=1e-9)
        assert a.effect(two, one).median == pytest.approx(-x.median, rel=1e-9)


def test_two_treatments_are_a_pairwise_synthesis() -> None:
    y, v = [0.3, -0.1, 0.6], [0.1, 0.2, 0.05]
    es = eq.contrasts(
        yi=y, vi=v, study=["1", "2", "3"], treat1=["A"] * 3, treat2=["B"] * 3, measure="OR"
    )
    tau, effect = priors.half_cauchy(0.4), priors.normal(0.0, 1.5)
    both = eq.bayes(es, tau=tau, effect=effect), eq.bayes(eq.network(es), tau=tau, effect=effect)
    pair, two = both
    sign = 1.0 if two.reference == "B" else -1.0
    found = two.effect("A", "B")
    assert sign * found.median == pytest.approx(sign * pair.mu.median, rel=1e-10)
    assert found.sd == pytest.approx(pair.mu.sd, rel=1e-10)
    assert two.tau.median == pytest.approx(pair.tau.median, rel=1e-10)
    assert two.predictive("A", "B").ci.low == pytest.approx(pair.predictive.ci.low, rel=1e-9)
    for one, other in zip(pair.trials(), two.trials(), strict=True):
        assert one.median == pytest.approx(other.median, rel=1e-9)
        assert one.sd == pytest.approx(other.sd, rel=1e-9)


def test_ranks_sucra_exact_and_rank_chances_by_draws() -> None:
    post = eq.bayes(net(), tau=priors.half_normal(0.5))
    ranks = post.ranking("higher", draws=200_000)
    assert sum(ranks.sucra.values()) == pytest.approx(2.0, rel=1e-12)
    p = ranks.probabilities
    assert p.sum(axis=0) == pytest.approx(1.0)
    assert p.sum(axis=1) == pytest.approx(1.0)
    drawn = p @ np.arange(1.0, 5.0)
    for i, name in enumerate(ranks.treatments):
        assert drawn[i] == pytest.approx(ranks.mean_rank[name], abs=0.02)
    for (i, a), (j, b) in itertools.permutations(enumerate(post.treatments), 2):
        better = post.effect(a, b).probability(above=0.0)
        assert post.probability_better("higher")[i, j] == pytest.approx(better, rel=1e-12)
    lower = post.ranking("lower", draws=1000)
    assert lower.sucra["A"] == pytest.approx(1.0 - ranks.sucra["A"], rel=1e-12)
    assert np.array_equal(
        post.ranking("higher").probabilities, post.ranking("higher").probabilities
    )
    assert ranks.errors.max() <= 0.5 / math.sqrt(200_000)
    assert "standard error is at most" in ranks.summary()
    assert ranks.order()[0] == "A+B"
    assert "A+B first" in repr(ranks)
    assert len(ranks.to_frame()) == 4
    with pytest.raises(UnknownNameError, match="direction of benefit"):
        post.ranking("more")
    with pytest.raises(InputError, match="10 draws"):
        post.ranking("higher", draws=10)


def test_a_prior_of_components_pulls_them_but_never_answers_for_the_trials() -> None:
    es = eq.contrasts(
        yi=[0.5, 0.7],
        vi=[0.1, 0.1],
        study=["1", "2"],
        treat1=["A+B", "C"],
        treat2=["none", "none"],
        measure="MD",
    )
    model = eq.components(es, inactive="none", model="common")
    for effect in (None, priors.normal(0.0, 1.0)):
        post = eq.bayes(model, tau=priors.half_normal(0.5), effect=effect)
        with pytest.raises(NotEstimableError, match="cannot tell"):
            post.effect("A")
        assert "not estimable" in post.summary()
        assert post.combination("A+B").median > 0.0
    wide = eq.bayes(model, tau=0.0, effect=priors.normal(0.0, 1e4))
    flat = eq.bayes(model, tau=0.0)
    assert wide.effect("C").median == pytest.approx(flat.effect("C").median, rel=1e-6)
    assert flat.combination("A+B").sd == pytest.approx(math.sqrt(0.1), rel=1e-12)


def test_what_a_reader_of_a_network_sees() -> None:
    post = eq.bayes(net(), tau=priors.half_normal(0.5), interval="shortest")
    text = post.summary()
    assert text.startswith("Bayesian network of 4 treatments: 6 trials, odds ratio")
    assert "Effects against placebo" in text
    assert "League table" in str(post.league())
    assert len(post.to_frame()) == 6
    assert len(post.trials()) == 7
    assert "3: " in str(post.shrinkage())
    assert "doi:10.1002/sim.1875" in post.report()
    table = post.sensitivity([priors.half_cauchy(1.0)], of=("A", "placebo"))
    assert table.of == "A against placebo"
    again = BayesNetwork.from_dict(json.loads(json.dumps(post.to_dict())))
    assert again.summary() == text
    assert repr(post).startswith("<BayesNetwork OR: 4 treatments, 6 trials; tau ")
    with pytest.raises(UnknownNameError, match="'placebo'"):
        post.effect("A", "placeb")
    with pytest.raises(InputError, match="against itself"):
        post.effect("A", "A")


def test_what_a_reader_of_components_sees() -> None:
    post = eq.bayes(parts(), tau=priors.half_normal(0.5))
    assert "Bayesian component model of 6 trials" in post.summary()
    assert "Component" in post.report() or "component" in post.report()
    assert len(post.to_frame()) == 2
    assert repr(post).startswith("<BayesComponents OR: 2 components")
    assert post.sensitivity([priors.uniform()], of="A+B", against="A").of == "A+B against A"
    assert post.component("A").median == pytest.approx(post.effect("A").median)
    assert post.predictive("A").sd > post.effect("A").sd
    with pytest.raises(InputError, match="not one component"):
        post.component("A+B")


def test_smoking_cessation_by_normal_likelihoods() -> None:
    # NICE TSD 4 has, by binomial likelihoods, 0.49, 0.84, 1.10 and tau 0.82; half an event in the
    # empty cells pulls all of them down, as it does in a network by least squares.
    path = Path(__file__).parents[3] / "validation" / "values" / "network_smokingcessation.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["input"]
    es = eq.contrasts(
        yi=rows["yi"],
        sei=rows["sei"],
        study=rows["study"],
        treat1=rows["treat1"],
        treat2=rows["treat2"],
        measure="OR",
    )
    fit = eq.network(es, reference="A")
    post = eq.bayes(fit, tau=priors.uniform(5.0), effect=priors.normal(0.0, 100.0))
    found = [post.effect(t, "A").mean for t in "BCD"]
    assert found == pytest.approx([0.4056, 0.7207, 0.8860], abs=1e-4)
    assert found == pytest.approx([fit.effect(t, "A").estimate for t in "BCD"], abs=0.02)
    assert post.tau.median == pytest.approx(0.7081, abs=1e-4)
    assert all(mine < its for mine, its in zip(found, (0.49, 0.84, 1.10), strict=True))
