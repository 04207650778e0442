"""Counselling to give up smoking: 24 trials of four treatments, whether or not they agree.

Hasselblad V (1998). Meta-analysis of multitreatment studies. Med Decis Making 18:37–43,
doi:10.1177/0272989X9801800110; NICE Decision Support Unit, Technical Support Document 4 (Dias,
Welton, Sutton, Caldwell, Lu, Ades 2011, revised 2014). Numbers of people who gave up smoking.
Expected values by netmeta 3.4.0 on odds ratios, tau² by DerSimonian and Laird; those with t
distributions from issue 32 of netmeta. The Bayesian ones are those of the technical support
document (WinBUGS: binomial likelihoods, uniform(0, 5) for tau, vague normal priors of effects).
"""

from __future__ import annotations

import math

import pytest

from equipoise.effects.contrasts import Arms, arms
from equipoise.models.bayes import priors
from equipoise.models.bayes.fit import bayes
from equipoise.models.bayes.network_counts import BayesNetworkCounts
from equipoise.models.network.fit import NetworkFit, network

# Trial: treatment gave up/people; ...
TRIALS = """\
1: no contact 9/140; individual 23/140; group 10/138
2: self-help 11/78; individual 12/85; group 29/170
3: no contact 75/731; individual 363/714
4: no contact 2/106; individual 9/205
5: no contact 58/549; individual 237/1561
6: no contact 0/33; individual 9/48
7: no contact 3/100; individual 31/98
8: no contact 1/31; individual 26/95
9: no contact 6/39; individual 17/77
10: no contact 79/702; self-help 77/694
11: no contact 18/671; self-help 21/535
12: no contact 64/642; individual 107/761
13: no contact 5/62; individual 8/90
14: no contact 20/234; individual 34/237
15: no contact 0/20; group 9/20
16: no contact 8/116; self-help 19/149
17: no contact 95/1107; individual 143/1031
18: no contact 15/187; individual 36/504
19: no contact 78/584; individual 73/675
20: no contact 69/1177; individual 54/888
21: self-help 20/49; individual 16/43
22: self-help 7/66; group 32/127
23: individual 12/76; group 20/74
24: individual 9/55; group 3/26
"""


def counts() -> Arms:
    study, treat, events, n = [], [], [], []
    for line in TRIALS.splitlines():
        name, groups = line.split(": ")
        for group in groups.split("; "):
            what, numbers = group.rsplit(" ", 1)
            study.append(name)
            treat.append(what)
            events.append(int(numbers.split("/")[0]))
            n.append(int(numbers.split("/")[1]))
    return arms(study=study, treat=treat, events=events, n=n)


def fitted(**settings: str) -> NetworkFit:
    return network(counts(), measure="OR", reference="no contact", **({"tau2": "DL"} | settings))


@pytest.fixture(scope="module")
def fit() -> NetworkFit:
    return fitted()


def ratios(fit: NetworkFit, name: str) -> tuple[float, float, float]:
    found = fit.effect(name, "no contact")
    return math.exp(found.estimate), math.exp(found.ci.low), math.exp(found.ci.high)


def test_heterogeneity(fit: NetworkFit) -> None:
    assert (fit.k, fit.n, fit.q_df) == (24, 4, 23)
    assert fit.tau2 == pytest.approx(0.5989, abs=5e-5)
    assert fit.q == pytest.approx(202.6189, abs=5e-5)
    assert fit.i2 == pytest.approx(88.6, abs=0.05)


@pytest.mark.parametrize(
    ("name", "normal", "t", "common"),
    [
        ("self-help", (1.5162, 0.7370, 3.1196), (0.7081, 3.2469), 1.2211),
        ("individual", (2.0822, 1.3557, 3.1979), (1.3238, 3.2749), 1.9202),
        ("group", (2.4653, 1.1003, 5.5234), (1.0522, 5.7761), 2.0479),
    ],
)
def test_against_no_contact(
    fit: NetworkFit,
    name: str,
    normal: tuple[float, float, float],
    t: tuple[float, float],
    common: float,
) -> None:
    assert ratios(fit, name) == pytest.approx(normal, abs=6e-5)
    assert ratios(fitted(interval="t"), name)[1:] == pytest.approx(t, abs=6e-5)
    assert ratios(fitted(model="common"), name)[0] == pytest.approx(common, abs=6e-5)


def test_ranks(fit: NetworkFit) -> None:
    scores = {"group": 0.8376, "individual": 0.7103, "self-help": 0.4042, "no contact": 0.0479}
    found = fit.ranking("higher", draws=2000)
    assert found.p_score == {name: pytest.approx(score, abs=5e-5) for name, score in scores.items()}
    assert found.order() == tuple(scores)


def test_designs_disagree_no_more_than_trials_of_one_design(fit: NetworkFit) -> None:
    found = fit.decomposition()
    assert (found.within.q, found.within.df) == (pytest.approx(187.3985, abs=5e-5), 16)
    assert (found.between.q, found.between.df) == (pytest.approx(15.2203, abs=5e-5), 7)
    assert found.between.p_value == pytest.approx(0.0333, abs=5e-5)
    assert (found.random.q, found.random.df) == (pytest.approx(4.6635, abs=5e-5), 7)
    assert found.random.p_value == pytest.approx(0.701, abs=5e-4)
    assert math.sqrt(found.tau2_within) == pytest.approx(0.8131, abs=5e-5)
    heat = fit.net_heat("within")
    assert heat.between.q == pytest.approx(found.random.q, rel=1e-10)


@pytest.mark.parametrize(
    ("one", "two", "direct", "indirect", "difference", "se"),
    [
        ("group", "individual", -0.0799, 0.8956, -0.9755, 0.8963),
        ("group", "no contact", 0.8929, 0.9057, -0.0128, 0.9327),
        ("group", "self-help", 0.6201, 0.3376, 0.2824, 0.9022),
        ("individual", "no contact", 0.7435, 0.6439, 0.0995, 0.7263),
        ("individual", "self-help", -0.0761, 0.5410, -0.6172, 0.7884),
        ("self-help", "no contact", 0.3252, 0.5413, -0.2161, 0.7455),
    ],
)
def test_splits(
    fit: NetworkFit,
    one: str,
    two: str,
    direct: float,
    indirect: float,
    difference: float,
    se: float,
) -> None:
    row = fit.split().row(one, two)
    found = (row["direct"], row["indirect"], row["difference"], row["difference_se"])
    assert found == pytest.approx((direct, indirect, difference, se), abs=6e-5)
    own = fit.split(tau2="re-estimate", of=(one, two)).row(one, two)
    assert own["difference"] == pytest.approx(difference, abs=0.35 * se)


def test_no_trial_holds_the_network_together(fit: NetworkFit) -> None:
    found = fit.leave_one_out()
    assert not found.falls_apart
    low, high = found.range_of("individual", "no contact")
    assert low < math.log(2.0822) < high
    assert low > 0.0


@pytest.fixture(scope="module")
def posterior() -> BayesNetworkCounts:
    found = bayes(
        fitted(), tau=priors.uniform(5.0), effect=priors.normal(0.0, 100.0), likelihood="binomial"
    )
    assert isinstance(found, BayesNetworkCounts)
    return found


@pytest.mark.parametrize(
    ("one", "two", "mean", "sd", "low", "high"),
    [
        ("self-help", "no contact", 0.49, 0.40, -0.29, 1.31),
        ("individual", "no contact", 0.84, 0.24, 0.39, 1.34),
        ("group", "no contact", 1.10, 0.44, 0.26, 2.00),
        ("individual", "self-help", 0.35, 0.41, None, None),
        ("group", "self-help", 0.61, 0.49, None, None),
        ("group", "individual", 0.26, 0.41, None, None),
    ],
)
def test_posterior_by_binomial_likelihoods(
    posterior: BayesNetworkCounts,
    one: str,
    two: str,
    mean: float,
    sd: float,
    low: float | None,
    high: float | None,
) -> None:
    found = posterior.effect(one, two)
    assert (found.mean, found.sd) == pytest.approx((mean, sd), abs=0.0075)
    if low is not None:
        assert (found.ci.low, found.ci.high) == pytest.approx((low, high), abs=0.02)


def test_posterior_of_tau(posterior: BayesNetworkCounts) -> None:
    tau = posterior.tau
    assert tau.median == pytest.approx(0.82, abs=0.0075)
    assert (tau.ci.low, tau.ci.high) == pytest.approx((0.55, 1.27), abs=0.02)


def test_deviance_as_winbugs_takes_it(posterior: BayesNetworkCounts) -> None:
    """Published: residual deviance 54.0 of 50 groups, 45.0 effective parameters, DIC 99.0."""
    found = posterior.deviance("logit")
    assert len(found.study) == 50
    assert found.residual == pytest.approx(54.0, abs=0.15)
    assert found.pd == pytest.approx(45.0, abs=0.15)
    assert found.dic == pytest.approx(99.0, abs=0.15)


def test_unrelated_mean_effects_fit_no_better(posterior: BayesNetworkCounts) -> None:
    """Every comparison with the first group of its trials has an effect of its own: DIC 99.5.

    The first group of a trial is its base whatever it got, so that nothing has to agree.
    """
    order = ("no contact", "self-help", "individual", "group")
    given, base = counts(), {}
    for study, treat in zip(given.study, given.treat, strict=True):
        base[study] = min(base.get(study, treat), treat, key=order.index)
    rows = zip(given.study, given.treat, strict=True)
    named = ["base" if t == base[s] else f"{t} against {base[s]}" for s, t in rows]
    apart = network(
        arms(study=given.study, treat=named, events=given.events, n=given.n),
        measure="OR",
        reference="base",
    )
    found = bayes(
        apart,
        tau=priors.uniform(5.0),
        effect=priors.normal(0.0, 100.0),
        likelihood="binomial",
        rtol=1e-2,
    )
    assert isinstance(found, BayesNetworkCounts)
    dic = found.deviance("logit").dic
    assert dic == pytest.approx(99.5, abs=0.5)
    assert dic > posterior.deviance("logit").dic
