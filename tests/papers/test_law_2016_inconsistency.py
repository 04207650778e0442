"""Networks of treatments with inconsistency as a random effect, written as a multilevel model.

Law M, Jackson D, Turner R, Rhodes K, Viechtbauer W (2016). Two new methods to fit models for
network meta-analysis with random inconsistency effects. BMC Med Res Methodol 16:87,
doi:10.1186/s12874-016-0184-5. Log odds ratios of the paper's two examples; effects of one trial,
and of one design, are correlated by ½.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit

# Study, log odds ratio, against, treatment, design, variance.
ONE = """\
1 -0.16561092 C D CD 0.0294183340466069
2 -0.13597406 C D CD 0.147112449467866
3 -0.08012604 C E CE 0.0780588660166125
4 -0.14746890 C F CF 0.140361934247383
5 0.09316853 E F EF 0.0479709251030665
6 -0.15859403 E F EF 0.0506583523716436
7 -0.22314355 E F EF 0.235695187165775
8 -0.06744128 F G FG 2.04499494438827
9 -0.11888254 C H CH 0.17968120987923
10 -0.06899287 C H CH 0.735714285714286
11 0.26917860 B C BC 0.184889643463497
12 -0.33160986 A B AB 0.0294022652280727
13 -0.26236426 A B AB 0.232478632478632
14 -0.39319502 F G FG 0.857874134296899
15 -0.11557703 A B AB 0.0219285638496459
16 0.00000000 E F EF 0.168131868131868
17 -0.40987456 A E AE 0.0826973577700322
"""
TWO = """\
1 -3.61988658 A B AB 0.9672619
2 0.00000000 B C BC 0.4
3 0.19342045 B C BC 0.24987648
4 2.79320801 B C BC 0.61904762
5 0.24512246 B C BC 0.27958937
6 0.03748309 B C BC 0.23845689
7 0.86020127 B D BD 0.04321419
8 0.14310084 B D BD 0.47692308
9 0.07598591 C D CD 0.18416468
10 -0.99039870 C D CD 0.61978022
11 -1.74085310 A B ABD 0.12650164
11 0.34830670 A D ABD 0.1583906
12 0.40546510 B C BCD 0.389881
12 1.91692260 B D BCD 0.5151261
13 -0.32850410 B C BCD 0.4361111
13 1.07329450 B D BCD 0.5380342
"""
#: Covariances of the effects of the three-arm trials of the second example.
SHARED = {"11": 0.07397504, "12": 0.2857143, "13": 0.2111111}


def fitted(text: str, random: str | list[str]) -> MultilevelFit:
    rows = [line.split() for line in text.splitlines()]
    study = [row[0] for row in rows]
    treatments = sorted({t for row in rows for t in row[2:4]})[1:]
    data: dict[str, Any] = {
        "study": study,
        "design": [row[4] for row in rows],
        "contr": [row[2] + row[3] for row in rows],
    }
    for t in treatments:
        data[f"to_{t}"] = [float(row[3] == t) - float(row[2] == t) for row in rows]
    V = np.diag([float(row[5]) for row in rows])
    for i, a in enumerate(study):
        for j, b in enumerate(study):
            if i != j and a == b:
                V[i, j] = SHARED[a]
    return multilevel(
        yi=[float(row[1]) for row in rows],
        V=V,
        mods="~ 0 + " + " + ".join(f"to_{t}" for t in treatments),
        random=random,
        rho=0.5,
        data=data,
    )


CONSISTENT = "~ contr | study"
INCONSISTENT = ["~ contr | study", "~ contr | design"]


def test_one_without_heterogeneity() -> None:
    want = [-0.2243, -0.1667, -0.3274, -0.3152, -0.3520, -0.6489, -0.2758]
    for random in (CONSISTENT, INCONSISTENT):
        fit = fitted(ONE, random)
        assert [c.estimate for c in fit.coefficients] == pytest.approx(want, abs=5e-5)
        assert [v for (v,) in fit.tau2.values()] == [0.0] * len(fit.terms)
        intervals = fit.confint()
        assert intervals[0].ci.low == 0.0
        assert intervals[0].ci.high == pytest.approx(0.0708, abs=1e-4)
    assert intervals[1].ci.high == pytest.approx(0.6153, abs=1e-4)
    first = fit.predict([[1.0, 0, 0, 0, 0, 0, 0]])[0]
    odds = [math.exp(v) for v in (first.estimate, first.ci.low, first.ci.high)]
    assert odds == pytest.approx([0.7991, 0.6477, 0.9859], abs=5e-5)


def test_two_under_consistency() -> None:
    fit = fitted(TWO, CONSISTENT)
    assert fit.tau2["contr | study"][0] == pytest.approx(0.5482, abs=5e-5)
    estimates = [c.estimate for c in fit.coefficients]
    assert estimates == pytest.approx([-1.8847, -1.3366, -0.7402], abs=5e-5)
    interval = fit.confint()[0].ci
    assert [interval.low, interval.high] == pytest.approx([0.0788, 2.0156], abs=5e-5)


def test_two_with_inconsistency() -> None:
    fit = fitted(TWO, INCONSISTENT)
    assert fit.tau2["contr | study"][0] == pytest.approx(0.1036, abs=5e-5)
    assert fit.tau2["contr | design"][0] == pytest.approx(0.5391, abs=1e-4)
    estimates = [c.estimate for c in fit.coefficients]
    assert estimates == pytest.approx([-1.9735, -1.3957, -0.6572], abs=5e-5)
    study, design = (c.ci for c in fit.confint())
    assert [study.low, design.low] == [0.0, 0.0]
    assert study.high == pytest.approx(1.6661, abs=1e-4)
    assert design.high == pytest.approx(3.9602, abs=1e-4)
    b = fit.predict([[1.0, 0, 0]])[0]
    assert b.pi is not None
    odds = [math.exp(v) for v in (b.estimate, b.ci.low, b.ci.high, b.pi.low, b.pi.high)]
    assert odds == pytest.approx([0.1390, 0.0369, 0.5230, 0.0178, 1.0856], abs=5e-5)
    of_studies = [r for r in fit.ranef() if r.term == "contr | study"]
    assert of_studies[3].estimate == pytest.approx(0.335, abs=5e-4)
    assert of_studies[3].se == pytest.approx(0.301, abs=5e-4)
    of_designs = {r.level: r for r in fit.ranef() if r.term == "contr | design"}
    assert of_designs["AB: AB"].estimate == pytest.approx(-0.551, abs=5e-4)
    assert of_designs["AB: AB"].se == pytest.approx(0.64, abs=5e-4)
