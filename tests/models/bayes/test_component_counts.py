"""Component models by binomial likelihoods: the network, brute force, laws and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import equipoise as eq
from equipoise.core.errors import InputError, NotEstimableError
from equipoise.effects.blocks import Contrasts
from equipoise.models.bayes import priors
from equipoise.models.bayes.component_counts import BayesComponentCounts
from equipoise.models.components.fit import ComponentFit

WEAK = priors.normal(0.0, 2.82)
TAU = priors.half_normal(0.5)

# Trial, treatment, events, people: empty cells, a trial of three arms, one without any event.
SPARSE = [
    ("1", "none", 3, 40),
    ("1", "A", 9, 42),
    ("2", "none", 4, 25),
    ("2", "A", 0, 25),
    ("3", "none", 2, 60),
    ("3", "A", 7, 60),
    ("3", "B", 3, 55),
    ("4", "none", 1, 30),
    ("4", "B", 4, 31),
    ("5", "none", 0, 20),
    ("5", "B", 0, 22),
]
# Trial, two treatments with events and people of each; (3, 4) hang together with (1, 2, 5) only
# because effects add up, and nobody had C alone.
APART = [
    ("1", "A", 9, 52, "none", 5, 50),
    ("2", "B", 9, 60, "none", 6, 60),
    ("3", "B+C", 7, 55, "A+B", 12, 50),
    ("4", "A+B", 9, 44, "A+C", 4, 40),
    ("5", "A", 3, 41, "none", 6, 40),
]

Row = tuple[str, str, int, int, str, int, int]


def of_arms(rows: list[tuple[str, str, int, int]]) -> eq.NetworkFit:
    study, treat, events, n = (list(c) for c in zip(*rows, strict=True))
    arms = eq.arms(study=study, treat=treat, events=events, n=n)
    return eq.network(arms, measure="OR", reference="none")


def of_pairs(rows: list[Row], measure: str = "OR") -> Contrasts:
    study, one, e1, n1, two, e2, n2 = (list(c) for c in zip(*rows, strict=True))
    return eq.effect_sizes(
        measure,
        events1=e1,
        n1=n1,
        events2=e2,
        n2=n2,
        study=study,
        treat1=one,
        treat2=two,
    )


def model(rows: list[Row], **kwargs: object) -> ComponentFit:
    return eq.components(of_pairs(rows), inactive="none", **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("tau", [0.0, 0.4, TAU])
def test_with_every_component_its_own_it_is_the_network(tau: priors.Prior | float) -> None:
    net = of_arms(SPARSE)
    one = eq.bayes(net, tau=tau, effect=WEAK, likelihood="binomial", rtol=1e-2)
    parts = eq.components(net, inactive="none")
    two = eq.bayes(parts, tau=tau, effect=WEAK, likelihood="binomial", rtol=1e-2)
    assert isinstance(two, BayesComponentCounts)
    for name in "AB":
        mine, its = two.component(name), one.effect(name, "none")
        got = (mine.mean, mine.sd, mine.median, mine.ci.low, mine.ci.high)
        assert got == pytest.approx(
            (its.mean, its.sd, its.median, its.ci.low, its.ci.high), rel=1e-10
        )
    assert two.effect("A", "B").median == pytest.approx(one.effect("A", "B").median, rel=1e-10)
    assert two.tau.median == pytest.approx(one.tau.median, rel=1e-10)
    new = two.predictive("A").ci.high, one.predictive("A", "none").ci.high
    assert new[0] == pytest.approx(new[1], rel=1e-10)


def _of_trial(row: Row, delta: np.ndarray, tau: float) -> np.ndarray:
    """A trial's likelihood by its mean log odds ratio: sums over baseline and both deviations."""
    base = np.linspace(-14.0, 10.0, 241)
    z = np.linspace(-8.0, 8.0, 65)
    zw = np.exp(-0.5 * z * z)
    zw /= zw.sum()

    def arm(y: int, n: int, at: np.ndarray) -> np.ndarray:
        theta = at[..., None] + tau / np.sqrt(2.0) * z
        top = special.xlogy(y, y / n) + special.xlogy(n - y, 1.0 - y / n)
        out: np.ndarray = np.exp(y * theta - n * np.logaddexp(0.0, theta) - top) @ zw
        return out

    _, _, e1, n1, _, e2, n2 = row
    return arm(e1, n1, base + delta[:, None]) @ arm(e2, n2, base)


@pytest.mark.parametrize("tau", [0.0, 0.6])
def test_brute_force_in_two_dimensions(tau: float) -> None:
    # Two components that no network joins: A+B against B, and B against A.
    rows: list[Row] = [
        ("1", "A+B", 11, 50, "B", 6, 52),
        ("2", "B", 9, 40, "A", 4, 41),
        ("3", "A", 0, 30, "none", 4, 33),
        ("4", "A+B", 7, 20, "none", 3, 24),
    ]
    step = 0.05
    place = np.arange(-100, 101)
    a, b = np.meshgrid(place, place, indexing="ij")
    log_f = -0.5 * ((a * step) ** 2 + (b * step) ** 2) / 2.25
    wanted = {"1": (1, 0), "2": (-1, 1), "3": (1, 0), "4": (1, 1)}
    for row in rows:
        by, bx = wanted[row[0]]
        at = by * a + bx * b
        reach = np.arange(at.min(), at.max() + 1)
        log_f = log_f + np.log(_of_trial(row, reach * step, tau))[at - reach[0]]
    f = np.exp(log_f - log_f.max())
    f /= f.sum()
    post = eq.bayes(
        model(rows), tau=tau, effect=priors.normal(0.0, 1.5), likelihood="binomial", rtol=1e-3
    )
    for name, values in (("A", a * step), ("B", b * step), ("A+B", (a + b) * step)):
        mean = float((f * values).sum())
        sd = float(np.sqrt((f * (values - mean) ** 2).sum()))
        found = post.effect(name)
        assert found.mean == pytest.approx(mean, abs=2e-3 * sd)
        assert found.sd == pytest.approx(sd, rel=2e-3)
    both = float(f[(a + b) > 0].sum() + 0.5 * f[(a + b) == 0].sum())
    assert post.combination("A+B").probability(above=0.0) == pytest.approx(both, abs=1e-3)


def test_talking_treatments_and_drugs_against_a_sampler() -> None:
    """Linde 2016: what CBT and an SSRI do together, by every baseline and true effect sampled."""
    path = Path(__file__).parents[3] / "validation" / "values" / "bayes_linde_components.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    study, treat, events, n = (list(c) for c in zip(*kept["rows"], strict=True))
    net = eq.network(
        eq.arms(study=study, treat=treat, events=events, n=n), measure="OR", reference="Placebo"
    )
    parts = eq.components(net, inactive=kept["inactive"], interactions=["CBT*SSRI"])
    post = eq.bayes(parts, tau=priors.log_normal(-1.5, 0.75), likelihood="binomial", rtol=1e-2)
    his = kept["posterior"]
    marginals = [*(post.effect(name) for name in kept["names"]), post.tau]
    for i, mine in enumerate(marginals):
        got = (mine.mean, mine.sd, mine.ci.low, mine.median, mine.ci.high)
        for value, name in zip(got, ("mean", "sd", "q2.5", "q50", "q97.5"), strict=True):
            allowed = 4.0 * his[f"{name}_se"][i] + 1e-2 * mine.sd
            assert value == pytest.approx(his[name][i], abs=allowed)


def test_large_trials_agree_with_normal_likelihoods() -> None:
    rows: list[Row] = [
        (s, one, 60 * e1, 60 * n1, two, 60 * e2, 60 * n2) for s, one, e1, n1, two, e2, n2 in APART
    ]
    fit = model(rows)
    counted = eq.bayes(fit, tau=TAU, likelihood="binomial")
    normal = eq.bayes(fit, tau=TAU)
    for name in ("A", "B", "C", "A+B+C"):
        mine, its = counted.effect(name), normal.effect(name)
        assert mine.median == pytest.approx(its.median, abs=0.02 * its.sd)
        assert mine.sd == pytest.approx(its.sd, rel=0.02)
    assert counted.tau.median == pytest.approx(normal.tau.median, rel=0.02)


def test_with_tau_near_0_it_is_that_of_tau_0() -> None:
    one, two = (
        eq.bayes(model(APART), tau=tau, effect=WEAK, likelihood="binomial").effect("C")
        for tau in (0.0, 1e-7)
    )
    assert one.median == pytest.approx(two.median, abs=1e-6)
    assert one.sd == pytest.approx(two.sd, rel=1e-6)


def test_what_a_reader_sees_of_a_network_that_falls_apart() -> None:
    with pytest.raises(NotEstimableError, match="form 2 networks"):
        eq.network(of_pairs(APART), reference="none")
    post = eq.bayes(model(APART), tau=TAU, likelihood="binomial", rtol=1e-2)
    text = post.summary()
    assert text.startswith("Bayesian component model of 5 trials, odds ratio, medians with 95% CrI")
    assert "binomial likelihoods" in text
    assert "weighted draws" in text
    table = str(post.combinations("A+B+C", "C"))
    assert table.count("never tried") == 2
    assert "in 2 trials" in table
    assert "never tried" in post.combination("A+B+C").name
    assert "never tried" not in post.combination("A+B").name
    assert post.tried_in("C+B") == ("3",)
    assert "Geweke" in post.report()
    assert repr(post).startswith("<BayesComponentCounts OR: 3 components, 5 trials; tau ")
    frame = post.to_frame()
    assert list(frame["component"]) == ["A", "B", "C"]
    again = BayesComponentCounts.from_dict(json.loads(json.dumps(post.to_dict())))
    assert again.summary() == text
    tau, drawn = post.draws(20_000, seed=3)
    assert drawn.shape == (20_000, 3)
    assert tau.mean() == pytest.approx(post.tau.mean, rel=0.05)
    C = drawn @ post.basis[2]
    assert float(np.median(C)) == pytest.approx(post.component("C").median, abs=0.03)
    with pytest.raises(InputError, match="single trials"):
        post.shrinkage()
    compared = post.sensitivity([0.0, priors.uniform(2.0)], of="A+C", against="B")
    assert compared.of == "A+C against B"
    assert len(compared.priors) == 3


def test_interactions_take_part() -> None:
    rows = [*APART, ("6", "A+B", 14, 60, "none", 4, 58), ("7", "A+B", 9, 47, "A", 8, 49)]
    plain = eq.bayes(model(rows), tau=0.2, effect=WEAK, likelihood="binomial")
    more = eq.bayes(model(rows, interactions=["A*B"]), tau=0.2, effect=WEAK, likelihood="binomial")
    both = more.component("A").mean + more.component("B").mean + more.effect("A*B").mean
    assert more.combination("A+B").mean == pytest.approx(both, abs=5e-3)
    assert more.combination("A+B").sd > plain.combination("A+B").sd


def test_what_trials_without_events_would_tell_is_refused() -> None:
    rows: list[Row] = [*APART, ("6", "D", 0, 30, "none", 0, 31), ("7", "A+D", 0, 20, "A", 0, 20)]
    for effect in (None, WEAK):
        post = eq.bayes(model(rows), tau=0.3, effect=effect, likelihood="binomial")
        assert "D  not estimable: the trials that would tell it had no events" in post.summary()
        with pytest.raises(NotEstimableError, match="no events, or only events"):
            post.component("D")
        assert "double-zero" in [n.code for n in post.notes]
        alone = eq.bayes(model(APART), tau=0.3, effect=effect, likelihood="binomial")
        at = alone.component("C")
        assert post.component("C").median == pytest.approx(at.median, abs=6e-3 * at.sd)


def test_effects_without_an_end_are_refused_by_name() -> None:
    rows: list[Row] = [*APART, ("6", "B+D", 0, 40, "B", 5, 41)]
    with pytest.raises(NotEstimableError, match=r"effect of D has no end.*normal\(0, 2\.82\)"):
        eq.bayes(model(rows), tau=TAU, likelihood="binomial")
    post = eq.bayes(model(rows), tau=0.3, effect=WEAK, likelihood="binomial")
    assert post.component("D").median < -0.5
    two: list[Row] = [("1", "A", 0, 40, "none", 5, 41), ("2", "A+B", 6, 40, "A", 0, 41)]
    with pytest.raises(NotEstimableError, match="effects of 2 of these have no end: A, B"):
        eq.bayes(model(two), tau=0.0, likelihood="binomial")
    one: list[Row] = [("1", "A+B", 0, 40, "none", 5, 41)]
    with pytest.raises(NotEstimableError, match=r"effect of A\+B against none has no end"):
        eq.bayes(model(one), tau=0.0, likelihood="binomial")
    # On two sides in two trials: there is an end.
    eq.bayes(model([*one, ("2", "A+B", 3, 40, "none", 0, 41)]), tau=0.0, likelihood="binomial")


def test_bad_input() -> None:
    with pytest.raises(InputError, match="risk ratios"):
        eq.bayes(
            eq.components(of_pairs(APART, "RR"), inactive="none"), tau=TAU, likelihood="binomial"
        )
    bare = eq.contrasts(
        yi=[0.1, 0.2],
        vi=[0.1, 0.1],
        study=["a", "b"],
        treat1=["A", "B"],
        treat2=["none", "none"],
        measure="OR",
    )
    with pytest.raises(InputError, match="without their counts"):
        eq.bayes(eq.components(bare, inactive="none"), tau=TAU, likelihood="binomial")
    silent: list[Row] = [("1", "A", 0, 40, "none", 0, 41)]
    with pytest.raises(NotEstimableError, match="no trial with events"):
        eq.bayes(model(silent), tau=TAU, likelihood="binomial")
    with pytest.raises(NotEstimableError, match="without a finite integral"):
        eq.bayes(model(APART[:2]), tau=priors.uniform(), likelihood="binomial")
    with pytest.raises(NotEstimableError, match="no group in these trials had 'Z'"):
        eq.bayes(model(APART), tau=0.0, likelihood="binomial").effect("Z")
