"""Modified school calendars: 56 schools in 11 districts, the three-level model.

Konstantopoulos S (2011). Fixed effects and variance components estimation in three-level
meta-analysis. Res Synth Methods 2:61–76, doi:10.1002/jrsm.35. Effects and variances as in the
paper's table; results as published, by maximum likelihood.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from equipoise.models.multilevel import multilevel

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
DATA = json.loads((VALUES / "multilevel_konstantopoulos2011.json").read_text("utf-8"))["input"]


def test_two_levels() -> None:
    fit = multilevel(yi="yi", vi="vi", random="~ 1 | study", data=DATA)
    assert fit.estimate == pytest.approx(0.1279, abs=5e-5)
    assert fit.se == pytest.approx(0.0439, abs=5e-5)
    assert fit.qe == pytest.approx(578.864, abs=5e-4)


def test_three_levels() -> None:
    fit = multilevel(yi="yi", vi="vi", random="~ 1 | district/school", method="ML", data=DATA)
    assert fit.estimate == pytest.approx(0.1845, abs=5e-5)
    assert fit.se == pytest.approx(0.0805, abs=5e-5)
    assert fit.sigma2["district"] == pytest.approx(0.0577, abs=5e-5)
    assert fit.sigma2["district/school"] == pytest.approx(0.0329, abs=5e-5)
    pi = fit.pi
    assert pi is not None
    assert pi.low == pytest.approx(-0.4262, abs=5e-5)
    assert pi.high == pytest.approx(0.7951, abs=5e-5)


def test_the_level_of_schools_without_districts_hides_their_correlation() -> None:
    schools = multilevel(yi="yi", vi="vi", random="~ 1 | study", data=DATA)
    both = multilevel(yi="yi", vi="vi", random="~ 1 | district/school", data=DATA)
    assert both.compare(schools).p_value < 0.001
    assert both.se > 1.8 * schools.se


def test_the_same_model_as_correlated_schools() -> None:
    nested = multilevel(yi="yi", vi="vi", random="~ 1 | district/school", data=DATA)
    tied = multilevel(yi="yi", vi="vi", random="~ school | district", struct="CS", data=DATA)
    a, b = nested.sigma2.values()
    assert tied.log_likelihood == pytest.approx(nested.log_likelihood, rel=1e-12)
    assert tied.tau2["school | district"][0] == pytest.approx(a + b, rel=1e-9)
    assert tied.rho["school | district"][0] == pytest.approx(a / (a + b), rel=1e-9)
