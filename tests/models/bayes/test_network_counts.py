"""Networks by binomial likelihoods: brute force, laws, an independent sampler, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import equipoise as eq
from equipoise.core.errors import InputError, NotEstimableError
from equipoise.models.bayes import priors, weighed
from equipoise.models.bayes.network_counts import BayesNetworkCounts
from equipoise.models.network.fit import NetworkFit

# Trial, treatment, events, people: a triangle with empty cells and a trial of three arms.
SPARSE = [
    ("1", "A", 3, 40),
    ("1", "B", 9, 42),
    ("2", "A", 4, 25),
    ("2", "B", 0, 25),
    ("3", "A", 2, 60),
    ("3", "B", 7, 60),
    ("3", "C", 3, 55),
    ("4", "A", 1, 30),
    ("4", "C", 4, 31),
    ("5", "A", 0, 20),
    ("5", "C", 0, 22),
]
WEAK = priors.normal(0.0, 2.82)
TAU = priors.half_normal(0.5)


def net(rows: list[tuple[str, str, int, int]], reference: str = "A") -> NetworkFit:
    study, treat, events, n = (list(c) for c in zip(*rows, strict=True))
    arms = eq.arms(study=study, treat=treat, events=events, n=n)
    return eq.network(arms, measure="OR", reference=reference)


def brute(
    rows: list[tuple[str, str, int, int]], tau: float, mean: float, sd: float
) -> tuple[float, float]:
    """Mean and sd of the effect of B against A, two arms a trial, by sums over three grids."""
    d = np.linspace(-6.0, 8.0, 281)
    base = np.linspace(-16.0, 10.0, 261)
    z = np.linspace(-8.0, 8.0, 65)
    zw = np.exp(-0.5 * z * z)
    zw /= zw.sum()

    def arm(y: int, n: int, at: np.ndarray) -> np.ndarray:
        theta = at[..., None] + tau / np.sqrt(2.0) * z
        top = special.xlogy(y, y / n) + special.xlogy(n - y, 1.0 - y / n)
        out: np.ndarray = np.exp(y * theta - n * np.logaddexp(0.0, theta) - top) @ zw
        return out

    log_f = -0.5 * ((d - mean) / sd) ** 2
    for (_, _, y1, n1), (_, _, y2, n2) in zip(rows[::2], rows[1::2], strict=True):
        log_f = log_f + np.log(arm(y2, n2, base + d[:, None]) @ arm(y1, n1, base))
    f = np.exp(log_f - log_f.max())
    f /= f.sum()
    m = float(f @ d)
    return m, float(np.sqrt(f @ (d - m) ** 2))


def test_brute_force_with_two_treatments() -> None:
    rows = SPARSE[:4]
    for tau in (0.0, 0.7):
        post = eq.bayes(net(rows), tau=tau, effect=priors.normal(0.0, 1.5), likelihood="binomial")
        mean, sd = brute(rows, tau, 0.0, 1.5)
        found = post.effect("B", "A")
        assert found.mean == pytest.approx(mean, abs=2e-3 * sd)
        assert found.sd == pytest.approx(sd, rel=2e-3)
        assert isinstance(post, BayesNetworkCounts)
        assert post.error < 5e-3


def test_large_trials_agree_with_normal_likelihoods() -> None:
    rows = [
        ("1", "A", 700, 3000),
        ("1", "B", 850, 3050),
        ("2", "A", 500, 2300),
        ("2", "C", 640, 2280),
        ("3", "A", 600, 2800),
        ("3", "B", 690, 2700),
        ("3", "C", 660, 2750),
    ]
    counted = eq.bayes(net(rows), tau=TAU, likelihood="binomial")
    normal = eq.bayes(net(rows), tau=TAU)
    for one, two in (("B", "A"), ("C", "A"), ("C", "B")):
        a, b = counted.effect(one, two), normal.effect(one, two)
        assert a.median == pytest.approx(b.median, abs=0.01 * b.sd)
        assert a.ci.high == pytest.approx(b.ci.high, abs=0.02 * b.sd)
    assert counted.tau.median == pytest.approx(normal.tau.median, rel=0.01)
    new = counted.predictive("B", "A").ci.low, normal.predictive("B", "A").ci.low
    assert new[0] == pytest.approx(new[1], abs=0.02 * normal.predictive("B", "A").sd)


def test_two_treatments_are_near_the_conditional_likelihood() -> None:
    # Baselines are integrated out there by conditioning on margins, here under a flat prior; the
    # two differ by the information of the margins, which is small.
    rows = [("1", "A", 30, 140), ("1", "B", 39, 142), ("2", "A", 24, 125), ("2", "B", 31, 125)]
    post = eq.bayes(net(rows), tau=TAU, effect=WEAK, likelihood="binomial")
    es = eq.effect_sizes(
        "OR", events1=[39, 31], n1=[142, 125], events2=[30, 24], n2=[140, 125], study=["1", "2"]
    )
    exact = eq.bayes(es, tau=TAU, effect=WEAK, likelihood="exact", rtol=1e-4)
    assert post.effect("B", "A").median == pytest.approx(exact.mu.median, abs=0.05 * exact.mu.sd)
    assert post.effect("B", "A").sd == pytest.approx(exact.mu.sd, rel=0.02)
    assert post.tau.median == pytest.approx(exact.tau.median, rel=0.02)


def test_smoking_cessation_against_a_sampler_and_published_numbers() -> None:
    path = Path(__file__).parents[3] / "validation" / "values" / "bayes_smoking_counts.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    rows = [(str(s), "ABCD"[t], y, n) for s, t, y, n in kept["rows"]]
    post = eq.bayes(
        net(rows), tau=priors.uniform(5.0), effect=priors.normal(0.0, 100.0), likelihood="binomial"
    )
    his = kept["posterior"]
    marginals = [*(post.effect(t, "A") for t in "BCD"), post.tau]
    for i, mine in enumerate(marginals):
        got = (mine.mean, mine.sd, mine.ci.low, mine.median, mine.ci.high)
        for value, name in zip(got, ("mean", "sd", "q2.5", "q50", "q97.5"), strict=True):
            allowed = 4.0 * his[f"{name}_se"][i] + 5e-3 * mine.sd
            assert value == pytest.approx(his[name][i], abs=allowed)
    published = kept["published"]
    assert [m.mean for m in marginals[:3]] == pytest.approx(published["d"], abs=0.01)
    assert post.tau.median == pytest.approx(published["tau"], abs=0.01)


def test_what_a_reader_sees() -> None:
    post = eq.bayes(net(SPARSE), tau=TAU, effect=WEAK, likelihood="binomial", rtol=1e-2)
    text = post.summary()
    assert text.startswith("Bayesian network of 3 treatments: 5 trials, odds ratio, binomial")
    assert "weighted draws" in text
    assert "double-zero" in [n.code for n in post.notes]
    assert "League table" in str(post.league())
    assert "Geweke" in post.report()
    assert len(post.to_frame()) == 3
    again = BayesNetworkCounts.from_dict(json.loads(json.dumps(post.to_dict())))
    assert again.summary() == text
    assert repr(post).startswith("<BayesNetworkCounts OR: 3 treatments, 5 trials; tau ")
    ranks = post.ranking("lower")
    assert sum(ranks.sucra.values()) == pytest.approx(1.5, rel=1e-9)
    drawn = ranks.probabilities @ np.arange(1.0, 4.0)
    for i, name in enumerate(ranks.treatments):
        assert drawn[i] == pytest.approx(ranks.mean_rank[name], abs=0.02)
    table = post.sensitivity([0.0], of=("B", "A"))
    assert table.priors == ("half-normal(0.5)", "tau known to be 0")
    with pytest.raises(InputError, match="single trials"):
        post.trials()
    with pytest.raises(InputError, match="0 draws"):
        post.draws(0)


def test_order_of_trials_does_not_matter_and_silent_trials_change_nothing() -> None:
    kwargs = {"tau": 0.3, "effect": WEAK, "likelihood": "binomial"}
    a = eq.bayes(net(SPARSE), **kwargs)  # type: ignore[call-overload]
    b = eq.bayes(net(SPARSE[7:9] + SPARSE[4:7] + SPARSE[:4]), **kwargs)  # type: ignore[call-overload]
    for one in "BC":
        mine, its = a.effect(one, "A"), b.effect(one, "A")
        assert mine.median == pytest.approx(its.median, abs=1e-6)
    assert (a.k, b.k) == (5, 4)


def test_improper_posteriors_are_refused_by_name() -> None:
    rows = [*SPARSE[:9], ("6", "A", 3, 50), ("6", "D", 0, 50)]
    with pytest.raises(NotEstimableError, match=r"nobody had the event with D.*normal\(0, 2\.82\)"):
        eq.bayes(net(rows), tau=TAU, likelihood="binomial")
    post = eq.bayes(net(rows), tau=TAU, effect=WEAK, likelihood="binomial", rtol=1e-2)
    assert post.effect("D", "A").median < -0.5
    one_side = [("1", "A", 0, 30), ("1", "B", 3, 30), ("2", "B", 2, 30), ("2", "C", 4, 30)]
    with pytest.raises(NotEstimableError, match=r"nobody had the event with A"):
        eq.bayes(net(one_side), tau=TAU, likelihood="binomial")
    split = [*one_side, ("3", "A", 5, 30), ("3", "D", 3, 30)]
    with pytest.raises(NotEstimableError, match=r"between 2 groups.*\(1\) A, D; \(2\) B, C"):
        eq.bayes(net(split), tau=TAU, likelihood="binomial")
    silent = [*SPARSE[:4], ("7", "A", 0, 30), ("7", "E", 0, 30)]
    with pytest.raises(NotEstimableError, match="tells about E"):
        eq.bayes(net(silent), tau=TAU, effect=WEAK, likelihood="binomial")
    with pytest.raises(NotEstimableError, match="without a finite integral"):
        eq.bayes(net(SPARSE[:2]), tau=priors.uniform(), likelihood="binomial")


def test_other_refusals() -> None:
    study, treat, events, n = (list(c) for c in zip(*SPARSE, strict=True))
    arms = eq.arms(study=study, treat=treat, events=events, n=n)
    with pytest.raises(InputError, match="risk ratios"):
        eq.bayes(eq.network(arms, measure="RR"), tau=TAU, likelihood="binomial")
    bare = eq.contrasts(
        yi=[0.1, 0.2],
        vi=[0.1, 0.1],
        study=["a", "b"],
        treat1=["A", "B"],
        treat2=["B", "C"],
        measure="OR",
    )
    with pytest.raises(InputError, match="without their counts"):
        eq.bayes(eq.network(bare), tau=TAU, likelihood="binomial")
    with pytest.raises(InputError, match="binomial likelihoods of a Contrasts"):
        eq.bayes(bare, tau=TAU, likelihood="binomial")  # type: ignore[call-overload]


def test_far_out_the_likelihood_falls_by_a_power_of_tau() -> None:
    # A tail that reaches where no tables do: the posterior beyond is that of the prior's tail.
    heavy = eq.bayes(
        net(SPARSE[:4]), tau=priors.half_cauchy(0.5), effect=WEAK, likelihood="binomial", rtol=1e-2
    )
    one, two = (1.0 - heavy.tau.cdf(t) for t in (100.0, 1000.0))
    assert one / two == pytest.approx(100.0, rel=0.02)
    with pytest.raises(NotEstimableError, match="lies above 30"):
        eq.bayes(
            net(SPARSE[:4]), tau=priors.log_normal(10.0, 0.1), effect=WEAK, likelihood="binomial"
        )
    wide = eq.bayes(
        net(SPARSE[:4]), tau=priors.half_normal(1e3), effect=WEAK, likelihood="binomial", rtol=1e-2
    )
    assert "far-tau" in [n.code for n in wide.notes]


@pytest.mark.parametrize("prior", [priors.half_t(0.5, 4.0), priors.half_normal(1e-8)])
def test_priors_far_from_the_data(prior: priors.Prior) -> None:
    post = eq.bayes(net(SPARSE[:4]), tau=prior, effect=WEAK, likelihood="binomial", rtol=1e-2)
    near = eq.bayes(net(SPARSE[:4]), tau=0.0, effect=WEAK, likelihood="binomial", rtol=1e-2)
    assert post.effect("B", "A").sd > 0.9 * near.effect("B", "A").sd
    if prior.median < 1e-6:
        assert post.tau.median == pytest.approx(prior.median, rel=1e-3)
        assert post.effect("B", "A").sd == pytest.approx(near.effect("B", "A").sd, rel=1e-4)


def test_draws_weighed_at_some_values_of_tau_are_those_weighed_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kwargs = {"tau": TAU, "effect": WEAK, "likelihood": "binomial", "rtol": 1e-2}
    some = eq.bayes(net(SPARSE), **kwargs)  # type: ignore[call-overload]
    monkeypatch.setattr(weighed, "_EVERY", 1)
    every = eq.bayes(net(SPARSE), **kwargs)  # type: ignore[call-overload]
    assert some.grid.points == every.grid.points
    for one in "BC":
        a, b = some.effect(one, "A"), every.effect(one, "A")
        assert a.sd == pytest.approx(b.sd, rel=2e-4)
        for mine, its in ((a.median, b.median), (a.ci.low, b.ci.low), (a.ci.high, b.ci.high)):
            assert mine == pytest.approx(its, abs=5e-4 * b.sd)
    assert some.tau.median == pytest.approx(every.tau.median, rel=1e-3)
    assert some.grid.log_evidence == pytest.approx(every.grid.log_evidence, abs=1e-3)
