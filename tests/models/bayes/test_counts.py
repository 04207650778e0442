"""The exact likelihood of counts under priors: brute force, laws, and refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import equipoise as eq
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.models.bayes import priors
from equipoise.models.bayes.counts import WEAK, BayesCounts

# Events and people: one trial without events in one group, one without any.
TRIALS = [(3, 40, 9, 42), (0, 25, 4, 25), (6, 60, 7, 30), (0, 20, 0, 22)]


def of(rows: list[tuple[int, int, int, int]], measure: str = "OR") -> Contrasts:
    e1, n1, e2, n2 = (list(c) for c in zip(*rows, strict=True))
    study = [f"t{i}" for i in range(len(rows))]
    if measure == "IRR":
        return eq.effect_sizes("IRR", events1=e1, time1=n1, events2=e2, time2=n2, study=study)
    return eq.effect_sizes(measure, events1=e1, n1=n1, events2=e2, n2=n2, study=study)


def brute(
    rows: list[tuple[int, int, int, int]], scale: float, mean: float, sd: float
) -> tuple[float, float, float, float]:
    """Log evidence; mean and sd of the effect; mean of tau; priors half-normal and normal."""
    z = np.linspace(-8.5, 8.5, 86)
    zw = stats.norm.pdf(z) * (z[1] - z[0])
    mu = np.linspace(mean - 7.0 * sd, mean + 7.0 * sd, 241)
    prior = stats.norm.pdf(mu, mean, sd) * (mu[1] - mu[0])
    t, tw = np.polynomial.legendre.leggauss(60)
    tau, tw = 3.5 * scale * (t + 1.0), 3.5 * scale * tw
    joint = np.empty((tau.size, mu.size))
    for j, spread in enumerate(tau):
        product = prior * tw[j] * stats.halfnorm.pdf(spread, scale=scale)
        for row in rows:
            product = product * (pmf(row, mu[:, None] + spread * z) @ zw)
        joint[j] = product
    z_all = joint.sum()
    m = float((joint.sum(axis=0) @ mu) / z_all)
    var = float((joint.sum(axis=0) @ (mu - m) ** 2) / z_all)
    return math.log(z_all), m, math.sqrt(var), float((joint.sum(axis=1) @ tau) / z_all)


def pmf(row: tuple[int, int, int, int], effect: np.ndarray) -> np.ndarray:
    """Fisher's non-central hypergeometric distribution, from its definition."""
    e1, n1, e2, n2 = row
    both = e1 + e2
    s = np.arange(max(0, both - n2), min(n1, both) + 1)
    ways = np.array([math.comb(n1, int(i)) * math.comb(n2, both - int(i)) for i in s], dtype=float)
    terms = [c * np.exp((int(i) - e1) * effect) for i, c in zip(s, ways, strict=True)]
    return float(ways[e1 - s[0]]) / np.sum(terms, axis=0)


def test_brute_force_in_three_dimensions() -> None:
    post = eq.bayes(
        of(TRIALS), tau=priors.half_normal(1.0), effect=priors.normal(0.0, 1.5), likelihood="exact"
    )
    z, mean, sd, tau = brute(TRIALS, 1.0, 0.0, 1.5)
    assert post.log_evidence == pytest.approx(z, abs=1e-6)
    assert post.mu.mean == pytest.approx(mean, rel=1e-6)
    assert post.mu.sd == pytest.approx(sd, rel=1e-6)
    assert post.tau.mean == pytest.approx(tau, rel=1e-6)
    assert post.informative == 3
    assert "double-zero" in [note.code for note in post.notes]


def test_with_tau_known_it_is_the_conditional_likelihood() -> None:
    post = eq.bayes(of(TRIALS), tau=0.0, likelihood="exact")
    mu = np.linspace(-12.0, 8.0, 40001)
    g = np.ones_like(mu)
    for e1, n1, e2, n2 in TRIALS:
        if e1 + e2:
            g = g * stats.nchypergeom_fisher.pmf(e1, n1 + n2, n1, e1 + e2, np.exp(mu))
    g /= g.sum()
    assert post.mu.mean == pytest.approx(g @ mu, rel=1e-7)
    for x in (-2.5, -1.0, -0.3):
        inner = g[mu < x].sum() + 0.5 * g[np.isclose(mu, x)].sum()
        assert post.mu.cdf(x) == pytest.approx(inner, abs=1e-6)
        step = mu[1] - mu[0]
        assert post.mu.density(x) == pytest.approx(float(np.interp(x, mu, g)) / step, rel=1e-5)
    assert post.predictive.median == pytest.approx(post.mu.median, rel=1e-10)


def test_large_trials_agree_with_normal_likelihoods() -> None:
    rows = [(70, 300, 85, 305), (50, 230, 64, 228), (60, 280, 66, 270)]
    tau, effect = priors.half_normal(0.3), priors.normal(0.0, 1.0)
    exact = eq.bayes(of(rows), tau=tau, effect=effect, likelihood="exact", rtol=1e-4)
    normal = eq.bayes(of(rows), tau=tau, effect=effect)
    assert exact.mu.median == pytest.approx(normal.mu.median, abs=0.02 * normal.mu.sd)
    assert exact.mu.sd == pytest.approx(normal.mu.sd, rel=0.02)
    assert exact.tau.median == pytest.approx(normal.tau.median, rel=0.03)
    assert exact.predictive.ci.low == pytest.approx(normal.predictive.ci.low, rel=0.02)


def test_swapped_groups_change_the_sign_and_order_does_not_matter() -> None:
    tau = priors.half_normal(0.5)
    a = eq.bayes(of(TRIALS), tau=tau, effect=WEAK, likelihood="exact", rtol=1e-4)
    swapped = [(e2, n2, e1, n1) for e1, n1, e2, n2 in TRIALS[::-1]]
    b = eq.bayes(of(swapped), tau=tau, effect=WEAK, likelihood="exact", rtol=1e-4)
    assert b.mu.median == pytest.approx(-a.mu.median, rel=1e-5)
    assert b.predictive.ci.high == pytest.approx(-a.predictive.ci.low, rel=1e-4)
    assert b.tau.median == pytest.approx(a.tau.median, rel=1e-4)
    assert "Günhan" in a.report()


def test_trials_without_events_change_nothing() -> None:
    tau = priors.half_normal(0.5)
    a, b = (
        eq.bayes(of(rows), tau=tau, effect=WEAK, likelihood="exact", rtol=1e-4)
        for rows in (TRIALS, TRIALS[:3])
    )
    assert a.mu.median == b.mu.median
    assert (a.k, b.k) == (4, 3)


def test_rates() -> None:
    rows = [(3, 400, 9, 420), (2, 250, 6, 260), (6, 600, 7, 300)]
    post = eq.bayes(of(rows, "IRR"), tau=0.0, likelihood="exact")
    mu = np.linspace(-8.0, 5.0, 26001)
    g = np.ones_like(mu)
    for e1, t1, e2, t2 in rows:
        g = g * stats.binom.pmf(e1, e1 + e2, 1.0 / (1.0 + t2 / t1 * np.exp(-mu)))
    g /= g.sum()
    assert post.mu.mean == pytest.approx(g @ mu, rel=1e-7)


def test_all_events_in_one_group_need_a_prior() -> None:
    rows = [(0, 30, 3, 31), (0, 25, 2, 24)]
    with pytest.raises(NotEstimableError, match=r"fell in group 2.*normal\(0, 2\.82\)"):
        eq.bayes(of(rows), tau=priors.half_normal(0.5), likelihood="exact")
    post = eq.bayes(
        of(rows), tau=priors.half_normal(0.5), effect=WEAK, likelihood="exact", rtol=1e-4
    )
    assert post.mu.median < -1.0
    assert post.probability(above=0.0) < 0.1


def test_refusals() -> None:
    es = of(TRIALS)
    with pytest.raises(UnknownNameError, match="'exact'"):
        eq.bayes(es, tau=1.0, likelihood="exakt")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="risk ratios"):
        eq.bayes(of(TRIALS, "RR"), tau=1.0, likelihood="exact")
    with pytest.raises(NotEstimableError, match="no trial has an event"):
        eq.bayes(of([(0, 10, 0, 12)]), tau=1.0, likelihood="exact")
    with pytest.raises(NotEstimableError, match="without a finite integral"):
        eq.bayes(of(TRIALS[:1]), tau=priors.uniform(), likelihood="exact")
    bare = eq.contrasts(yi=[0.1], vi=[0.1], study=["a"], measure="OR")
    with pytest.raises(InputError, match="counts"):
        eq.bayes(bare, tau=1.0, likelihood="exact")
    with pytest.raises(InputError, match="exact likelihood of a"):
        eq.bayes([1.0], tau=1.0, likelihood="exact")  # type: ignore[call-overload]


def test_what_a_reader_sees() -> None:
    post = eq.bayes(
        of(TRIALS), tau=priors.half_normal(0.5), effect=WEAK, likelihood="exact", rtol=1e-4
    )
    text = post.summary()
    assert "exact conditional likelihood" in text.splitlines()[0]
    assert "Probability of being above 1: " in text
    assert "known to better than" in text
    assert repr(post).startswith("<BayesCounts OR 0.")
    assert len(post.to_frame()) == 3
    again = BayesCounts.from_dict(json.loads(json.dumps(post.to_dict())))
    assert again.summary() == text
    assert 0.3 < post.bayes_factor_common < 3.0
    low, high = post.mu.ci.low, post.mu.ci.high
    assert post.mu.cdf(high) - post.mu.cdf(low) == pytest.approx(0.95, rel=1e-9)
    table = post.sensitivity([0.0])
    assert table.priors == ("half-normal(0.5)", "tau known to be 0")
