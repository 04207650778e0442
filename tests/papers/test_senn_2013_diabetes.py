"""Glucose-lowering drugs: published differences, one trial with three arms, single components.

Senn S, Gavini F, Magrez D, Scheen A (2013). Issues in performing a network meta-analysis. Stat
Methods Med Res 22:169–189, doi:10.1177/0962280211432220. Differences in HbA1c with their standard
errors. Expected values by netmeta 3.4.0, tau² by DerSimonian and Laird.
"""

from __future__ import annotations

import pytest

from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.components import ComponentFit, components
from equipoise.models.network.fit import NetworkFit, network

# Trial, treatment, against, difference, standard error.
DIFFERENCES = """\
DeFronzo1995 metformin placebo -1.9 0.1414
Lewin2007 metformin placebo -0.82 0.0992
Willms1999 metformin acarbose -0.2 0.3579
Davidson2007 rosiglitazone placebo -1.34 0.1435
Wolffenbuttel1999 rosiglitazone placebo -1.1 0.1141
Kipnes2001 pioglitazone placebo -1.3 0.1268
Kerenyi2004 rosiglitazone placebo -0.77 0.1078
Hanefeld2004 pioglitazone metformin 0.16 0.0849
Derosa2004 pioglitazone rosiglitazone 0.1 0.1831
Baksi2004 rosiglitazone placebo -1.3 0.1014
Rosenstock2008 rosiglitazone placebo -1.09 0.2263
Zhu2003 rosiglitazone placebo -1.5 0.1624
Yang2003 rosiglitazone metformin -0.14 0.2239
Vongthavaravat2002 rosiglitazone sulfonylurea -1.2 0.1436
Oyama2008 acarbose sulfonylurea -0.4 0.1549
Costa1997 acarbose placebo -0.8 0.1432
Hermansen2007 sitagliptin placebo -0.57 0.1291
Garber2008 vildagliptin placebo -0.7 0.1273
Alex1998 metformin sulfonylurea -0.37 0.1184
Johnston1994 miglitol placebo -0.74 0.1839
Johnston1998a miglitol placebo -1.41 0.2235
Kim2007 rosiglitazone metformin 0 0.2339
Johnston1998b miglitol placebo -0.68 0.2828
Gonzalez-Ortiz2004 metformin placebo -0.4 0.4356
Stucci1996 benfluorex placebo -0.23 0.3467
Moulin2006 benfluorex placebo -1.01 0.1366
Willms1999 metformin placebo -1.2 0.3758
Willms1999 acarbose placebo -1 0.4669
"""

#: Against placebo: random effects and their standard errors, common effects and theirs.
EXPECTED = {
    "acarbose": (-0.841784938227976, 0.24582030571449, -0.827368972010615, 0.10852084543949),
    "benfluorex": (-0.731147214852838, 0.286075052382414, -0.905186449417243, 0.127091134594133),
    "metformin": (-1.12677535121216, 0.154266581998358, -1.11411018904417, 0.05961147754997),
    "miglitol": (-0.94972637771554, 0.23175853771409, -0.943932962855599, 0.126906120413413),
    "pioglitazone": (-1.12909195383189, 0.219638130210362, -1.0664331068707, 0.0758475068460534),
    "rosiglitazone": (-1.23345575297583, 0.127801641862546, -1.20184201070072, 0.0476621653308935),
    "sitagliptin": (-0.57, 0.354095655356598, -0.57, 0.1291),
    "sulfonylurea": (-0.416558800208343, 0.240883811728633, -0.439497150629668, 0.0914791253722792),
    "vildagliptin": (-0.7, 0.353443366244747, -0.7, 0.1273),
}


def differences() -> Contrasts:
    rows = [line.split() for line in DIFFERENCES.splitlines()]
    return contrasts(
        yi=[float(r[3]) for r in rows],
        sei=[float(r[4]) for r in rows],
        study=[r[0] for r in rows],
        treat1=[r[1] for r in rows],
        treat2=[r[2] for r in rows],
        measure="MD",
    )


@pytest.fixture(scope="module")
def fit() -> ComponentFit:
    return components(differences(), inactive="placebo", tau2="DL")


def test_three_comparisons_of_one_trial_become_two() -> None:
    es = differences()
    assert len(es) == 27
    assert (es.study.count("Willms1999"), es.cov.size) == (2, 1)
    base = 0.5 * (0.3758**2 + 0.4669**2 - 0.3579**2)
    assert es.cov[0] == pytest.approx(base, rel=1e-12)


def test_heterogeneity(fit: ComponentFit) -> None:
    assert fit.k == 26
    assert fit.tau2 == pytest.approx(0.108716923142419, rel=1e-11)
    assert (fit.q, fit.q_df) == (pytest.approx(96.9855530052601, rel=1e-11), 18)
    assert fit.q_p == pytest.approx(7.87136855204678e-13, rel=1e-8)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_drug_against_placebo(fit: ComponentFit, name: str) -> None:
    random, common = (
        fit.component(name),
        components(differences(), inactive="placebo", model="common").component(name),
    )
    found = (random.estimate, random.se, common.estimate, common.se)
    assert found == pytest.approx(EXPECTED[name], abs=1e-11)


def test_a_drug_that_one_trial_tested_is_that_trial(fit: ComponentFit) -> None:
    weights = fit.weights("sitagliptin")
    assert [fit.study[i] for i in weights.nonzero()[0]] == ["Hermansen2007"]
    assert fit.direct_share("sitagliptin") == 1.0
    assert 0.0 < fit.direct_share("sulfonylurea", "metformin") < 1.0
    assert fit.direct_share("sulfonylurea") == 0.0


@pytest.fixture(scope="module")
def net() -> NetworkFit:
    return network(differences(), reference="placebo", tau2="DL")


@pytest.fixture(scope="module")
def common() -> NetworkFit:
    return network(differences(), reference="placebo", model="common")


@pytest.mark.parametrize("name", EXPECTED)
def test_the_network_says_the_same(net: NetworkFit, common: NetworkFit, name: str) -> None:
    random, fixed = net.effect(name, "placebo"), common.effect(name, "placebo")
    found = (random.estimate, random.se, fixed.estimate, fixed.se)
    assert found == pytest.approx(EXPECTED[name], abs=1e-11)


def test_where_trials_disagree(net: NetworkFit) -> None:
    found = net.decomposition()
    assert net.i2 == pytest.approx(81.4, abs=0.05)
    assert (found.within.q, found.within.df) == (pytest.approx(74.455, abs=5e-4), 11)
    assert (found.between.q, found.between.df) == (pytest.approx(22.530, abs=5e-4), 7)
    assert found.between.p_value == pytest.approx(0.0021, abs=5e-5)
    assert found.random.q == pytest.approx(2.194, abs=5e-4)
    assert found.random.p_value == pytest.approx(0.948, abs=5e-4)


def test_ranks(net: NetworkFit) -> None:
    scores = {
        "rosiglitazone": 0.8934,
        "metformin": 0.7818,
        "pioglitazone": 0.7746,
        "miglitol": 0.6136,
        "acarbose": 0.5203,
    }
    found = net.ranking("lower", draws=2000)
    assert {name: found.p_score[name] for name in scores} == pytest.approx(scores, abs=6e-5)
    assert found.order()[:5] == tuple(scores)


def test_what_metformin_against_placebo_rests_on(net: NetworkFit, common: NetworkFit) -> None:
    expected = {
        ("metformin", "placebo"): 0.5784,
        ("placebo", "rosiglitazone"): 0.0948,
        ("metformin", "pioglitazone"): 0.0848,
        ("pioglitazone", "placebo"): 0.0689,
        ("metformin", "rosiglitazone"): 0.0560,
        ("metformin", "sulfonylurea"): 0.0360,
        ("rosiglitazone", "sulfonylurea"): 0.0229,
        ("acarbose", "placebo"): 0.0212,
        ("pioglitazone", "rosiglitazone"): 0.0159,
        ("acarbose", "sulfonylurea"): 0.0130,
        ("acarbose", "metformin"): 0.0081,
    }
    pair = ("metformin", "placebo")
    found = common.contributions("shortest-path", of=pair).of(*pair)
    assert found == {key: pytest.approx(share, abs=6e-5) for key, share in expected.items()}
    assert sum(found.values()) == pytest.approx(1.0, rel=1e-12)
    direct = net.contributions("shortest-path", of=pair).of(*pair)[pair]
    assert direct == pytest.approx(0.5360, abs=6e-5)


@pytest.mark.parametrize("method", ["shortest-path", "random-walk"])
def test_laws_of_contributions(net: NetworkFit, method: str) -> None:
    found, trials = net.contributions(method), net.trial_contributions(method)
    assert found.shares.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    assert trials.shares.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    # Drugs of which all trials have placebo hang on it by a bridge: all evidence is direct.
    for name, who in (
        ("sitagliptin", {"Hermansen2007"}),
        ("vildagliptin", {"Garber2008"}),
        ("benfluorex", {"Stucci1996", "Moulin2006"}),
    ):
        key = tuple(sorted((name, "placebo")))
        assert found.of(name, "placebo") == {key: pytest.approx(1.0)}
        assert set(trials.of(name, "placebo")) == who
    # A star within the network: two of its points rest on their two bridges, half on each.
    across = found.of("sitagliptin", "vildagliptin")
    assert sorted(across.values()) == pytest.approx([0.5, 0.5])
    # What nothing joins but through placebo counts nothing elsewhere.
    for row, pair in enumerate(found.estimates):
        if "sitagliptin" not in pair:
            column = found.comparisons.index(("placebo", "sitagliptin"))
            assert found.shares[row, column] == 0.0
