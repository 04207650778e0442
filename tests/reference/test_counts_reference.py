"""Models of counts against metafor, on five published data sets.

The values in validation/values/counts.json were made by validation/R/counts.R; what agrees to how
many digits, and the exceptions, are explained in validation/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

import equipoise.models.counts.double as double
from equipoise.models.counts.families import Family
from equipoise.models.counts.fit import counts
from equipoise.models.counts.mixed import FAMILIES
from equipoise.models.counts.result import CountsFit
from equipoise.models.counts.search import begin, climb
from equipoise.models.counts.tables import read_tables

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
SETS = json.loads((VALUES / "counts.json").read_text("utf-8"))["sets"]
TESTS = {
    "QE": "Cochran's Q",
    "TA": "Tarone",
    "BD": "Breslow–Day",
    "MH": "Cochran–Mantel–Haenszel",
    "CO": "Cochran",
}


def closed_numbers(fit: CountsFit, corrected: bool) -> dict[str, float]:
    """A fit under metafor's names."""
    found = {
        "beta": fit.estimate,
        "se": fit.se,
        "zval": fit.statistic,
        "pval": fit.p_value,
        "ci_lb": fit.ci.low,
        "ci_ub": fit.ci.high,
        "I2": fit.i2,
        "H2": fit.h2,
    }
    for short, name in TESTS.items():
        more = ", corrected" if corrected and short in ("MH", "CO") else ""
        test = fit.test(name + more)
        if test is not None:
            found[short] = test.statistic
            found[short + "p"] = test.p_value
    return found


def assert_same(found: dict[str, float], expected: dict[str, Any], rel: float) -> None:
    compared = 0
    for key, value in expected.items():
        if key in found:
            # A tail multiplies a relative error of its statistic by about the statistic.
            size = abs(expected.get("zval", 0.0)) ** 2
            more = 1.0 + max(size, expected.get(key[:-1], 0.0)) if key.endswith("p") else 1.0
            more = 1.0 + size if key == "pval" else more
            assert found[key] == pytest.approx(value, rel=rel * more, abs=1e-300), key
            compared += 1
    assert compared >= 8


CASES = [(name, case) for name, s in SETS.items() for case in s["mh"]]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_mantel_haenszel_agrees(name: str, case: str) -> None:
    measure, what = case.split("/")
    rule: dict[str, Any] = {"add": 0.5, "to": "only0"} if what.startswith("add") else {}
    fit = counts(measure=measure, **SETS[name]["columns"], **rule)
    assert_same(closed_numbers(fit, what != "nocorrect"), SETS[name]["mh"][case], 1e-10)


@pytest.mark.parametrize("name", [n for n, s in SETS.items() if "peto" in s])
def test_peto_agrees(name: str) -> None:
    fit = counts(model="Peto", **SETS[name]["columns"])
    assert_same(closed_numbers(fit, False), SETS[name]["peto"], 1e-11)


TIGHT = json.loads((VALUES / "counts_tight.json").read_text("utf-8"))["sets"]
GLMM = [
    (name, *case.split("/"))
    for name, s in SETS.items()
    for case, value in s.get("glmm", {}).items()
    if "error" not in value
]
ONE_EFFECT = [case for case in GLMM if case[1] != "UM.RS"]
COMMON = [case for case in ONE_EFFECT if case[2] == "EE"]
RANDOM = [case for case in ONE_EFFECT if case[2] == "ML"]

#: Random effects where metafor's optimiser stops early, and by how much its estimates are off.
EARLY = {
    ("bcg", "CM.AL"): 2e-5,
    ("bcg", "UM.FS"): 5e-5,
    ("nielweise2007", "CM.AL"): 4e-5,
    ("nielweise2007", "CM.EL"): 5e-6,
    ("nielweise2007", "UM.FS"): 2e-3,
    ("collins1985a", "CM.AL"): 2e-4,
    ("collins1985a", "UM.FS"): 4e-4,
    ("hine1989", "CM.EL"): 1e-4,
}


def glmm(name: str, model: str, method: str) -> CountsFit:
    effects = "random" if method == "ML" else "common"
    return counts(model=model, effects=effects, **SETS[name]["columns"])


def family_of(name: str, model: str) -> Family:
    tables = read_tables(
        None,
        dict.fromkeys(("events1", "n1", "events2", "n2", "time1", "time2")) | SETS[name]["columns"],
        None,
        None,
        "IRR" if "time1" in SETS[name]["columns"] else "OR",
    )
    return FAMILIES[model](tables.informative())


@pytest.mark.parametrize(("name", "model", "method"), COMMON)
def test_mixed_models_without_spread_agree(name: str, model: str, method: str) -> None:
    expected = SETS[name]["glmm"][f"{model}/{method}"]
    fit = glmm(name, model, method)
    assert fit.estimate == pytest.approx(expected["beta"], rel=1e-6)
    # The standard errors of CM.EL come from numerical second derivatives there.
    assert fit.se == pytest.approx(expected["se"], rel=3e-4 if model == "CM.EL" else 5e-6)
    assert fit.log_lik == pytest.approx(expected["logLik"], rel=1e-9)
    q = fit.test("Likelihood-ratio Q")
    assert q is not None
    assert q.statistic == pytest.approx(expected["QE.LRT"], rel=1e-8)
    assert q.df == expected["QE.df"]
    assert (fit.tau2, fit.convergence.n_optima if fit.convergence else 0) == (0.0, 1)


@pytest.mark.parametrize(("name", "model", "method"), RANDOM)
def test_mixed_models_agree_or_ours_is_the_better_optimum(
    name: str, model: str, method: str
) -> None:
    expected = SETS[name]["glmm"][f"{model}/{method}"]
    fit = glmm(name, model, method)
    allowed = EARLY.get((name, model), 1e-6)
    assert fit.estimate == pytest.approx(expected["beta"], rel=allowed)
    assert fit.tau2 == pytest.approx(expected["tau2"], rel=allowed, abs=allowed)
    assert fit.se == pytest.approx(expected["se"], rel=max(allowed, 3e-4))
    if "I2" in expected and expected["I2"] > 0:
        assert fit.i2 == pytest.approx(expected["I2"], rel=10 * allowed, abs=0.3)
    family = family_of(name, model)
    theirs = common_climb(family, expected["beta"], expected["tau2"] ** 0.5)
    assert fit.log_lik >= theirs - 1e-10
    if (name, model) in EARLY:
        assert abs(fit.tau2 - expected["tau2"]) > 1e-6 * expected["tau2"]
        assert fit.log_lik > theirs


def common_climb(family: Family, effect: float, tau: float) -> float:
    """The log-likelihood at an effect and a spread, baselines at their best."""
    return climb(family, tau, begin(family, effect), 41).value


@pytest.mark.parametrize("model", ["CM.AL", "UM.FS"])
@pytest.mark.parametrize("name", sorted(TIGHT))
def test_mixed_models_agree_with_lme4_let_run(name: str, model: str) -> None:
    expected = TIGHT[name][model]
    fit = glmm(name, "CM.EL" if name == "hart1999" and model == "CM.AL" else model, "ML")
    assert fit.estimate == pytest.approx(expected["beta"], rel=1e-6)
    assert fit.tau2 == pytest.approx(expected["tau2"], rel=1e-5, abs=1e-12)
    assert fit.se == pytest.approx(expected["se"], rel=5e-5)  # numerical derivatives there


@pytest.mark.parametrize("name", ["bcg", "nielweise2007", "hine1989", "hart1999"])
def test_two_random_effects_by_laplace_agree(name: str) -> None:
    """Lme4 has only Laplace's approximation here: ours at its estimates is the same."""
    expected = SETS[name]["glmm"]["UM.RS/ML"]
    family = family_of(name, "UM.RS")
    spreads = np.sqrt([expected["sigma2"], expected["tau2"]])

    def laplace(x: NDArray[np.float64]) -> float:
        at = np.array([x[0], x[1], *np.abs(x[2:])])
        return -double.evaluate(family, at, 1, np.zeros((family.k, 2))).value

    start = np.array([float(np.median(family.begin())), expected["beta"], *spreads])
    best = optimize.minimize(
        laplace, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}
    )
    assert -best.fun == pytest.approx(expected["logLik"], rel=1e-6)
    assert best.x[1] == pytest.approx(expected["beta"], rel=1e-4)
    assert best.x[2] ** 2 == pytest.approx(expected["sigma2"], rel=1e-4, abs=1e-8)
    assert best.x[3] ** 2 == pytest.approx(expected["tau2"], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["bcg", "nielweise2007", "hine1989", "hart1999"])
def test_one_random_effect_on_the_baselines_agrees(name: str) -> None:
    expected = SETS[name]["glmm"]["UM.RS/EE"]
    fit = glmm(name, "UM.RS", "EE")
    assert fit.estimate == pytest.approx(expected["beta"], rel=1e-5)
    assert fit.sigma2 == pytest.approx(expected["sigma2"], rel=3e-4, abs=1e-8)
    assert fit.se == pytest.approx(expected["se"], rel=2e-5)
