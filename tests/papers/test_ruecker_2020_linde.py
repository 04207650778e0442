"""Depression in primary care: what talking treatments and drugs add, alone and together.

Linde K, Rücker G, Schneider A, Kriston L (2016). Questionable assumptions hampered interpretation
of a network meta-analysis of primary care depression treatments. J Clin Epidemiol 71:86–96,
doi:10.1016/j.jclinepi.2015.10.010. The numbers of people who responded to treatment, of 93 trials.

Rücker G, Petropoulou M, Schwarzer G (2020). Network meta-analysis of multicomponent interventions.
Biom J 62:808–821, doi:10.1002/bimj.201800167, used them as the example of the additive model.
Expected values by netmeta 3.4.0 (`netmeta`, `netcomb`) with placebo as the inactive treatment, tau²
by DerSimonian and Laird; the interactions by an independent generalised least squares.
"""

from __future__ import annotations

import math

import pytest

from equipoise.effects.contrasts import Contrasts, arm_contrasts
from equipoise.models.components import ComponentFit, components
from equipoise.models.components.basis import attribution, identifiability_map
from equipoise.models.network.fit import network as fitted_network
from equipoise.num.dist import chi2_tail
from equipoise.present.figures.net_components import plot_attribution

# Trial: treatment responded/people; ...
TRIALS = """\
Lecrubier 1997: SNRI 60/78; Placebo 48/76; TCA 49/75
Smit 2006: Face-to-face CBT 16/44; UC 19/72
Blashki 1971: TCA 20/35; Placebo 8/23
Bedi 2000: Ind drug 20/51; Other face-to-face 17/52
Proudfoot 2004: Self-help CBT 49/146; UC 29/128
Barge-Schaapveld 2002: TCA 16/32; Placebo 12/31
Simon 1996: TCA 101/363; SSRI 48/173
Doogan 1994: SSRI 50/99; Placebo 40/101; TCA 48/108
Van Schaik 2006: Face-to-face interpsy 16/69; UC 18/74
Mynors-Wallis 2000: Face-to-face PST 41/80; Face-to-face PST+SSRI 20/35; SSRI 24/36
Boyer Teil 1 1996: TCA 55/111; Placebo 27/108
Boyer Teil 2 1996: TCA 31/73; Placebo 22/73
Moon 1994: TCA 29/55; SSRI 27/51
Christiansen 1996: TCA 48/73; SSRI 46/71
Freed 1999: TCA 122/191; SSRI 127/184
Mynors-Wallis 1995: Face-to-face PST 19/30; Placebo 9/30; TCA 16/31
Lepola 2003: SSRI 183/314; Placebo 74/154
Corne 1989: TCA 31/51; SSRI 19/49
Wheatley 1989: NaSSa 17/38; rMAO-A 34/79
Hollyman 1988: TCA 37/90; Placebo 23/88
Beaumont 1993: TCA 120/175; rMAO-A 95/170
Moon 1996: TCA 33/68; SSRI 38/70
Teasdale 1984: Face-to-face CBT 11/24; UC 6/20
Hutchinson 1992: TCA 18/32; SSRI 35/58
Brink 1984: NaSSa 15/27; Placebo 12/25
Tylee 1997: SSRI 98/170; SNRI 81/171
Schulberg 1996: Face-to-face interpsy 43/93; UC 33/92; TCA 50/91
Gastpar 2005: SSRI 72/118; Hypericum 70/123
Wade 2002: SSRI 103/191; Placebo 79/189
Williams 2000: Face-to-face PST 52/138; Placebo 43/140; SSRI 60/137
Gastpar 2006: Hypericum 71/131; Placebo 51/130; SSRI 71/127
Lingjarde 1995: TCA 14/23; rMAO-A 13/30
Malt 1999: NaSSa 65/121; Placebo 60/129; SSRI 74/122
Philipp 1999: Hypericum 76/106; Placebo 29/47; TCA 70/110
Rosenberg 1994: TCA 49/92; SSRI 202/380
Ravindran 1997: TCA 317/506; SSRI 328/513
Scott 1992: Face-to-face CBT 19/30; Other face-to-face 20/30; UC 17/30; TCA 14/31
Scott 1997: Face-to-face CBT 5/24; UC 4/24
Bjerkenstedt 2005: Hypericum 22/57; Placebo 21/57; SSRI 20/56
Schrader 2000: SSRI 45/114; Hypericum 75/126
Harrer 1991: Hypericum 35/60; Placebo 10/60
Huebner 1993: Hypericum 14/20; Placebo 9/20
Harrer 1999: SSRI 57/84; Hypericum 50/77
Schmidt 1989: Hypericum 10/20; Placebo 4/20
van Gurp 2002: SSRI 23/45; Hypericum 25/45
Witte 1995: Hypericum 34/48; Placebo 25/49
Wheatley 1997: TCA 40/78; Hypericum 42/87
König 1993: Hypericum 32/55; Placebo 29/57
Laakmann 1998: Hypericum 43/98; Placebo 16/49
Montgomery 2004: SSRI 113/148; SNRI 113/145
Kessler 2009: Remote CBT 64/149; UC 34/148
Corney 2005: Other face-to-face 23/92; UC 18/89
Browne 2002: Face-to-face interpsy 83/231; Face-to-face interpsy+SSRI 122/247; SSRI 117/229
Blacker 1988: Low-dose SARI 58/112; NaSSa 14/36; TCA 56/79
Casanas 2012: Other face-to-face 30/119; UC 16/112
de Graaf 2009: No contact CBT 37/200; UC 13/103
Beaumont 1984: Low-dose SARI 38/61; NaSSa 25/64
Fairwheather 1999: TCA 21/42; SSRI 15/42
Gachoud 1994: TCA 35/64; rMAO-A 31/66
GSK-PAR2906 1985: TCA 36/80; SSRI 29/82
GSK-2906 1991: TCA 35/67; SSRI 29/67
GSK-PARMDUK 1986: TCA 11/30; SSRI 15/29
Guelfi 1999: TCA 57/115; SSRI 72/122
King 2000: Face-to-face CBT 33/71; Other face-to-face 28/59
Ward 2000: Face-to-face CBT 30/63; Other face-to-face 33/67; UC 23/67
Kyle 1998: TCA 124/186; SSRI 122/179
Laidlaw 2008: Face-to-face CBT 11/21; UC 8/23
Simon 2004: Remote CBT 100/198; UC 76/195
McPartlin 1998: SSRI 113/178; SNRI 130/183
Moon 1990: TCA 52/114; Low-dose SARI 54/114
Moon 1988: Low-dose SARI 15/20; NaSSa 15/20
Dwight-Johnson 2011: Remote CBT 23/50; UC 12/51
Moon 1991: SSRI 28/31; NaSSa 25/31
Naeem 2010: SSRI 2/17; Face-to-face CBT+SSRI 12/17
Oxman 2008: Face-to-face PST 32/72; UC 30/69
Peveler 2005: TCA 63/218; SSRI 31/109
Richards 1982: Low-dose SARI 27/43; NaSSa 15/40
Wade 2003: SSRI 47/98; NaSSa 59/99
Salminen 2008: SSRI 16/25; Face-to-face psychodyn 16/26
Naylor 2008: No contact CBT 4/19; UC 3/19
Serfaty 2009: Face-to-face CBT 21/70; UC 16/67
Corney 1984: Other face-to-face 28/45; UC 24/42
Serrano-Blanco 2006: TCA 22/50; SSRI 21/53
Thase 2011: SSRI 336/697; SNRI 374/688
Trick 2004: TCA 21/43; SNRI 20/45
Mohr 2012: Face-to-face CBT 79/162; Remote CBT 72/163
Wiles 2012: SSRI 117/298; NRI 107/303
Levesque 2011: No contact CBT 41/174; UC 30/176
Levin 2011: No contact CBT 38/100; UC 26/91
Joling 2011: Self-help CBT 40/86; UC 37/84
Williams 2013: Self-help CBT 43/141; UC 25/140
Watkins 2012: Self-help CBT 15/40; UC 8/42
MacPherson 2013: Other face-to-face 81/302; UC 31/151
"""

#: Effects and standard errors of components on the log odds scale, random effects.
COMPONENTS = {
    "Face-to-face CBT": (0.83750105438524, 0.240455235154149),
    "Face-to-face interpsy": (0.0969049684854061, 0.170267399821637),
    "Face-to-face PST": (0.315583727072412, 0.183564997783103),
    "Face-to-face psychodyn": (0.420309823123389, 0.602353746430339),
    "Hypericum": (0.688996713916212, 0.107420531556249),
    "Ind drug": (1.01397120293078, 0.498718000345918),
    "Low-dose SARI": (0.601956324931473, 0.197282282151905),
    "NaSSa": (0.187636421515049, 0.158713704968846),
    "No contact CBT": (0.638516008777191, 0.278492324286996),
    "NRI": (0.356707610480667, 0.235028998980692),
    "Other face-to-face": (0.730091416428738, 0.241464626019695),
    "Remote CBT": (0.845704934598782, 0.251649070054049),
    "rMAO-A": (0.0670489058719703, 0.201965214977671),
    "Self-help CBT": (0.733369004839381, 0.269136739399887),
    "SNRI": (0.641904488881756, 0.130820255802682),
    "SSRI": (0.525670338781206, 0.0771846421037),
    "TCA": (0.551532702271512, 0.0843993103899205),
    "UC": (0.21721567144132, 0.203676801049141),
}

CBT, IPT, PST = "Face-to-face CBT", "Face-to-face interpsy", "Face-to-face PST"


def odds_ratios(interactions: tuple[str, ...] = (), *, whole: bool = False) -> Contrasts:
    """The trials' log odds ratios.

    An interaction, such as ``CBT+SSRI``, is one more component of the treatments that have both
    parts; with `whole`, every combination is a treatment of its own.
    """
    study, treat, events, n = [], [], [], []
    for line in TRIALS.splitlines():
        name, groups = line.split(": ")
        for group in groups.split("; "):
            what, counts = group.rsplit(" ", 1)
            if whole:
                what = what.replace("+", " and ")
            elif what in interactions:
                what += "+" + what.replace("+", " x ")
            study.append(name)
            treat.append(what)
            responded, people = counts.split("/")
            events.append(int(responded))
            n.append(int(people))
    return arm_contrasts("OR", study=study, treat=treat, events=events, n=n)


def fit(*interactions: str, whole: bool = False, model: str = "random") -> ComponentFit:
    es = odds_ratios(interactions, whole=whole)
    return components(es, inactive="Placebo", model=model, tau2="DL")


@pytest.fixture(scope="module")
def additive() -> ComponentFit:
    return fit()


@pytest.fixture(scope="module")
def network() -> ComponentFit:
    """Every combination a treatment of its own: the network meta-analysis without a model."""
    return fit(whole=True)


def shown(fit: ComponentFit, a: str, b: str = "") -> list[float]:
    """Odds ratio and interval."""
    effect = fit.effect(a, b)
    return [math.exp(x) for x in (effect.estimate, effect.ci.low, effect.ci.high)]


def test_the_trials() -> None:
    es = odds_ratios()
    assert len(set(es.study)) == 93
    assert len(es) == 108
    assert es.cov.size == 16


def test_additive_model(additive: ComponentFit) -> None:
    assert additive.k == 93
    assert additive.q == pytest.approx(109.118943286775, rel=1e-12)
    assert additive.q_df == 90
    assert additive.q_p == pytest.approx(0.0831887244271641, rel=1e-10)
    assert math.sqrt(additive.tau2) == pytest.approx(0.144088360913983, rel=1e-11)


@pytest.mark.parametrize("name", COMPONENTS)
def test_components(additive: ComponentFit, name: str) -> None:
    effect = additive.component(name)
    assert (effect.estimate, effect.se) == pytest.approx(COMPONENTS[name], abs=1e-12)
    assert additive.components == tuple(sorted(COMPONENTS))


def test_as_published(additive: ComponentFit) -> None:
    assert shown(additive, "SSRI") == pytest.approx([1.6916, 1.4541, 1.9679], abs=5e-5)
    assert shown(additive, CBT) == pytest.approx([2.3106, 1.4423, 3.7017], abs=5e-5)
    assert shown(additive, f"{CBT}+SSRI") == pytest.approx([3.909, 2.320, 6.586], abs=5e-4)
    assert shown(additive, IPT)[0] == pytest.approx(1.1018, abs=5e-5)
    assert shown(additive, PST)[0] == pytest.approx(1.3711, abs=5e-5)


def test_common_effect() -> None:
    found = fit(model="common")
    assert found.tau2 == 0.0
    effect = found.component(CBT)
    assert effect.estimate == pytest.approx(0.789434779247925, abs=1e-12)
    assert effect.se == pytest.approx(0.220899135103318, abs=1e-12)


def test_network_without_additivity(network: ComponentFit) -> None:
    assert network.q == pytest.approx(102.447497491207, rel=1e-12)
    assert network.q_df == 87
    assert network.tau2 == pytest.approx(0.017401995019212, rel=1e-11)
    assert shown(network, "SSRI") == pytest.approx([1.7142, 1.4611, 2.0112], abs=5e-5)
    both = shown(network, f"{CBT} and SSRI")
    assert both == pytest.approx([30.856, 4.938, 192.81], rel=1e-4)
    assert shown(network, f"{PST} and SSRI") == pytest.approx([1.543, 0.664, 3.586], abs=5e-4)


def test_the_network_by_its_own_engine(network: ComponentFit) -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    assert (net.k, net.n, net.m) == (93, 22, 124)
    assert (net.q, net.q_df) == (pytest.approx(network.q, rel=1e-12), 87)
    assert net.q_p == pytest.approx(0.1234, abs=5e-5)
    assert net.i2 == pytest.approx(15.1, abs=0.05)
    assert net.tau2 == pytest.approx(network.tau2, rel=1e-10)
    for name, ratio, low, high in (
        ("SSRI", 1.7142, 1.4611, 2.0112),
        (CBT, 2.0537, 1.2552, 3.3601),
        (f"{PST}+SSRI", 1.543, 0.664, 3.586),
        (f"{IPT}+SSRI", 1.754, 1.123, 2.740),
        ("Hypericum", 2.0042, None, None),
        ("TCA", 1.7454, None, None),
        ("SNRI", 1.9278, None, None),
        ("UC", 1.1585, None, None),
    ):
        found = net.effect(name, "Placebo")
        assert math.exp(found.estimate) == pytest.approx(ratio, rel=3e-4)
        if low is not None and high is not None:
            ends = (math.exp(found.ci.low), math.exp(found.ci.high))
            assert ends == pytest.approx((low, high), rel=5e-4)
    # Its one trial holds the combination to the network.
    apart = {f.trial: f.parts for f in net.leave_one_out().falls_apart}
    assert apart["Naeem 2010"][1] == (f"{CBT}+SSRI",)


def test_additivity_fits_about_as_well(additive: ComponentFit, network: ComponentFit) -> None:
    difference, df = additive.q - network.q, additive.q_df - network.q_df
    assert (difference, df) == (pytest.approx(6.67144579556852, rel=1e-10), 3)
    assert chi2_tail(difference, df) == pytest.approx(0.0831408674135257, rel=1e-9)


def test_the_large_interaction() -> None:
    pair = f"{CBT}+SSRI"
    found = fit(pair)
    name = f"{CBT} x SSRI"
    assert found.q == pytest.approx(103.6098, abs=5e-5)
    assert found.q_df == 89
    assert found.tau2 == pytest.approx(0.015894, abs=5e-7)
    effect = found.component(name)
    assert shown(found, name) == pytest.approx([9.071, 1.377, 59.78], rel=5e-4)
    assert effect.p_value == pytest.approx(0.0219, abs=5e-5)
    together = shown(found, f"{pair}+{name}", "SSRI")
    assert together == pytest.approx([18.0, 2.905, 111.5], rel=3e-3)


def test_the_large_interaction_is_one_small_trial() -> None:
    pair = f"{CBT}+SSRI"
    found = fit(pair)
    row = next(r for r in found.identifiability() if r.component == f"{CBT} x SSRI")
    assert (row.separable, row.trials, row.people) == (True, 1, 34)


@pytest.mark.parametrize(("pair", "ratio"), [(f"{IPT}+SSRI", 0.9077), (f"{PST}+SSRI", 0.6433)])
def test_the_other_interactions(pair: str, ratio: float) -> None:
    assert shown(fit(pair), pair.replace("+", " x "))[0] == pytest.approx(ratio, abs=1e-4)


def test_an_interaction_by_netcomb() -> None:
    effect = fit(f"{PST}+SSRI").component(f"{PST} x SSRI")
    assert effect.estimate == pytest.approx(-0.441110535000209, abs=1e-10)
    assert effect.se == pytest.approx(0.420267763963516, abs=1e-10)


def test_all_interactions_are_the_network(network: ComponentFit) -> None:
    pairs = [f"{name}+SSRI" for name in (CBT, IPT, PST)]
    found = fit(*pairs)
    assert found.q == pytest.approx(network.q, rel=1e-12)
    assert found.tau2 == pytest.approx(network.tau2, rel=1e-10)
    for pair in pairs:
        one = found.effect(f"{pair}+{pair.replace('+', ' x ')}")
        two = network.effect(pair.replace("+", " and "))
        assert one.estimate == pytest.approx(two.estimate, abs=1e-12)
        assert one.se == pytest.approx(two.se, abs=1e-12)


def test_interactions_by_name_say_what_they_rest_on() -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    one = components(net, inactive="Placebo", interactions=[f"{CBT}*SSRI"])
    beyond = one.component(f"{CBT}*SSRI")
    ratios = [math.exp(x) for x in (beyond.estimate, beyond.ci.low, beyond.ci.high)]
    assert ratios == pytest.approx([9.071, 1.377, 59.78], rel=1e-3)
    assert beyond.p_value == pytest.approx(0.0219, abs=5e-5)
    assert one.tau2 == pytest.approx(0.015894, abs=5e-7)
    assert (one.q, one.q_df) == (pytest.approx(103.6098, abs=5e-5), 89)
    row = identifiability_map(one).row(f"{CBT}*SSRI")
    assert row.sentence == (
        "Rests on one trial, Naeem 2010, 17 people per arm: without it the trials cannot tell."
    )
    three = attribution(one, CBT, "SSRI")
    assert three.added.essential == ("Naeem 2010",)
    assert three.added.direct_people == 34
    assert "17 people per arm" in three.summary()


def test_all_identifiable_interactions_are_the_network_exactly() -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    every = components(net, inactive="Placebo", interactions="identifiable")
    assert len(every.interactions) == 3
    assert every.q_difference.df == 0
    for treat in net.treatments:
        if treat != "Placebo":
            mine, theirs = every.effect(treat), net.effect(treat, "Placebo")
            assert mine.estimate == pytest.approx(theirs.estimate, rel=1e-10, abs=1e-12)
            assert mine.se == pytest.approx(theirs.se, rel=1e-10)


def test_q_beyond_the_network_as_published() -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    found = components(net, inactive="Placebo").q_difference
    assert (found.q, found.df) == (pytest.approx(6.6714, abs=5e-5), 3)
    assert found.p_value == pytest.approx(0.0831, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "ratio", "off", "p_value"),
    [(CBT, 9.071, 5.509, 0.0189), (IPT, 0.9077, 0.139, 0.709), (PST, 0.6433, 1.117, 0.290)],
)
def test_what_each_interaction_takes_off_q(
    name: str, ratio: float, off: float, p_value: float
) -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    plain = components(net, inactive="Placebo")
    one = components(net, inactive="Placebo", interactions=[f"{name}*SSRI"])
    assert math.exp(one.component(f"{name}*SSRI").estimate) == pytest.approx(ratio, rel=2e-4)
    assert one.q_df == plain.q_df - 1
    assert plain.q - one.q == pytest.approx(off, abs=5e-4)
    assert chi2_tail(plain.q - one.q, 1) == pytest.approx(p_value, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "trial", "events", "people"),
    [
        (CBT, "Naeem 2010", (12, 2), (17, 17)),
        (PST, "Mynors-Wallis 2000", (20, 24), (35, 36)),
        (IPT, "Browne 2002", (122, 117), (247, 229)),
    ],
)
def test_each_combination_with_ssri_was_tried_once(
    name: str, trial: str, events: tuple[int, int], people: tuple[int, int]
) -> None:
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    every = components(net, inactive="Placebo", interactions="identifiable")
    both = f"{name}+SSRI"
    told = attribution(every, name, "SSRI")
    assert told.added.essential == (trial,)
    assert (told.added.direct, told.added.direct_people) == (1, sum(people))
    groups = dict(g.rsplit(" ", 1) for g in _groups(trial))
    assert groups[both] == f"{events[0]}/{people[0]}"
    assert groups["SSRI"] == f"{events[1]}/{people[1]}"
    assert [t.split(":")[0] for t in TRIALS.splitlines() if f"{both} " in t] == [trial]


def _groups(trial: str) -> list[str]:
    line = next(line for line in TRIALS.splitlines() if line.startswith(f"{trial}: "))
    return line.split(": ")[1].split("; ")


def test_the_large_interaction_is_never_a_verdict() -> None:
    """No sentence says that both multiply the odds by 31; what is said names the one trial."""
    net = fitted_network(odds_ratios(), reference="Placebo", tau2="DL")
    every = components(net, inactive="Placebo", interactions="identifiable")
    told = attribution(every, CBT, "SSRI")
    for part in (told.added, told.together, told.interaction):
        assert part is not None
        assert part.sentence.startswith("Rests on one trial, Naeem 2010, 17 people per arm")
    for text in (repr(told), *(note.text for note in told.notes), *_sentences(told.summary())):
        if "30.8" in text or "30.9" in text or "31" in text.split():
            assert "Naeem 2010" in text
    drawn = plot_attribution(told)
    assert drawn.desc.count("Rests on one trial, Naeem 2010, 17 people per arm") == 3
    assert drawn.svg.count("Rests on one trial, Naeem 2010") == 2 * 3  # in words and as text


def _sentences(text: str) -> list[str]:
    return text.splitlines()
