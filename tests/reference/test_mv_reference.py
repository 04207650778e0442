"""Multilevel and multivariate models against metafor's rma.mv, on three published data sets.

The log-likelihood is compared first: ours is never the lower one. Estimates agree as far as R's
optimisers go, which stop where the likelihood no longer changes in about its twelfth digit.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
SETS = {
    name: json.loads((VALUES / f"multilevel_{name}.json").read_text("utf-8"))
    for name in ("konstantopoulos2011", "berkey1998", "assink2016")
}
MODELS = [(name, model) for name, data in SETS.items() for model in data["models"]]

#: R's optimisers leave the estimates at about this relative distance from the maximum.
RTOL = 1e-6


def numbers(values: list[Any]) -> list[float]:
    return [math.nan if v == "NA" else float(v) for v in values]


def assink_v() -> np.ndarray[Any, Any]:
    d = SETS["assink2016"]["input"]
    study, sd = np.array(d["study"]), np.sqrt(d["vi"])
    V = np.where(study[:, None] == study, 0.6 * np.outer(sd, sd), 0.0)
    np.fill_diagonal(V, d["vi"])
    return V


def settings(name: str, model: str) -> dict[str, Any]:
    """The call that a name of the reference stands for."""
    data = SETS[name]
    kind, *rest = model.split("/")
    out: dict[str, Any] = {"yi": "yi", "vi": "vi", "data": data["input"]}
    out["method"] = rest[0] if rest else "REML"
    if rest[1:]:
        out |= {"interval": "t", "df": "contain" if rest[1] == "t_contain" else "residual"}
    if name == "berkey1998":
        out |= {"vi": None, "V": data["V_matrix"], "mods": "~ 0 + outcome"}
        if kind != "FE_outcome":
            out |= {"random": "~ outcome | trial", "struct": kind.rsplit("_", 1)[1]}
        if "year" in kind:
            out["mods"] = "~ 0 + outcome + outcome:I(year - 1983)"
        return out
    group = "district/school" if name == "konstantopoulos2011" else "study/esid"
    out["random"] = f"~ 1 | {group}"
    if kind == "nested_year":
        out["mods"] = "~ I(year - mean(year))"
    elif kind == "nested_pubstatus_year":
        out["mods"] = "~ pubstatus + year"
    elif kind == "multivariate_CS":
        out |= {"random": "~ school | district", "struct": "CS"}
    elif kind == "district_only":
        out["random"] = "~ 1 | district"
    elif kind == "CHE_rho06":
        out |= {"vi": None, "V": assink_v()}
    return out


def fitted(name: str, model: str) -> tuple[MultilevelFit, dict[str, Any]]:
    return multilevel(**settings(name, model)), SETS[name]["models"][model]


def close(ours: float, theirs: float, size: float, rtol: float) -> bool:
    return abs(ours - theirs) <= rtol * max(abs(theirs), size)


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_the_likelihood_is_never_lower(name: str, model: str) -> None:
    fit, want = fitted(name, model)
    # The best of four optimisers; of REML fits R also gives the other likelihood, and vice versa.
    best, ours = want["ll"], fit.log_likelihood
    assert ours >= best - 1e-12 * (1.0 + abs(best))
    assert ours <= best + 1e-9
    assert fit.log_likelihood_ml == pytest.approx(want["logLik_ML"], rel=1e-6, abs=1e-6)
    assert fit.log_likelihood_reml == pytest.approx(want["logLik_REML"], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_coefficients_and_components(name: str, model: str) -> None:
    fit, want = fitted(name, model)
    for c, beta, se, p, low, high in zip(
        fit.coefficients,
        *(numbers(want[key]) for key in ("beta", "se", "pval", "ci_lb", "ci_ub")),
        strict=True,
    ):
        assert close(c.estimate, beta, se, RTOL)
        assert close(c.se, se, 0.0, RTOL)
        assert close(c.ci.low, low, se, RTOL)
        assert close(c.ci.high, high, se, RTOL)
        z2 = 1.0 + (beta / se) ** 2
        assert close(c.p_value, p, 0.0, RTOL * 3.0 * z2)
    if fit.interval == "t":
        assert [c.df for c in fit.coefficients] == numbers(want["ddf"])
    if want.get("s_names"):
        assert list(fit.sigma2) == want["s_names"]
        for ours, theirs in zip(fit.sigma2.values(), want["sigma2"], strict=True):
            assert close(ours, theirs, 0.0, RTOL)
    elif fit.terms:
        term = fit.terms[0]
        for ours, theirs in zip(term.variances.tolist(), want["tau2"], strict=True):
            assert close(ours, theirs, 0.0, RTOL)
        for ours, theirs in zip(term.correlations.tolist(), want["rho"], strict=False):
            assert close(ours, theirs, 0.0, RTOL)


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_tests_and_criteria(name: str, model: str) -> None:
    fit, want = fitted(name, model)
    assert fit.qe == pytest.approx(want["QE"], rel=1e-10)
    assert fit.qe_df == want["QEdf"]
    assert fit.qe_p == pytest.approx(want["QEp"], rel=1e-9)
    assert fit.qm.statistic == pytest.approx(want["QM"], rel=1e-5)
    assert fit.qm.p_value == pytest.approx(want["QMp"], rel=1e-4)
    assert fit.qm.df1 == want["QMdf"][0]
    if fit.method == "REML" and fit.terms:
        assert fit.aic == pytest.approx(want["AIC_REML"], rel=1e-8)
        assert fit.bic == pytest.approx(want["BIC_REML"], rel=1e-8)
    elif fit.terms:
        assert fit.aic == pytest.approx(want["AIC_ML"], rel=1e-8)
    assert fit.n_optima == 1


def test_leverage_random_effects_and_cooks_distances() -> None:
    data = SETS["konstantopoulos2011"]
    fit, _ = fitted("konstantopoulos2011", "nested_intercept/REML")
    assert fit.hat() == pytest.approx(data["hatvalues"], rel=1e-7)
    assert fit.hat().sum() == pytest.approx(1.0, rel=1e-12)
    want = data["ranef_nested"]
    found = fit.ranef()
    for term in ("district", "district/school"):
        mine = [r for r in found if r.term == term]
        assert [r.level for r in mine][:2] == (
            ["11", "12"] if term == "district" else ["11/1", "11/2"]
        )
        assert [r.estimate for r in mine] == pytest.approx(
            want[term]["intrcpt"], rel=1e-6, abs=1e-7
        )
        assert [r.se for r in mine] == pytest.approx(want[term]["se"], rel=1e-6)
    cooks = fit.cooks_distance("district")
    assert list(cooks.values()) == pytest.approx(data["cooks_district"], rel=2e-6)
    pi = fit.pi
    assert pi is not None
    assert pi.low == pytest.approx(data["predict_nested"]["pi_lb"][0], rel=1e-6)
    assert pi.high == pytest.approx(data["predict_nested"]["pi_ub"][0], rel=1e-6)


def test_profile_likelihood_intervals() -> None:
    fit, _ = fitted("konstantopoulos2011", "nested_intercept/REML")
    want = SETS["konstantopoulos2011"]["confint_nested"]
    for ours, key in zip(fit.confint(), ("1", "2"), strict=True):
        estimate, low, high = want[key]["sigma2"]
        assert ours.kind == "sigma2"
        assert ours.estimate == pytest.approx(estimate, rel=1e-6)
        assert ours.ci.low == pytest.approx(low, rel=1e-6)
        assert ours.ci.high == pytest.approx(high, rel=1e-6)


@pytest.mark.parametrize(
    ("case", "random", "mods"),
    [
        ("none", "~ 1 | district/school", "~ 1"),
        ("third", "~ 1 | district/school", "~ third"),
        ("seven", "~ 1 | district/school", "~ seven"),
        ("seven_third", "~ 1 | district/school", "~ seven + third"),
        ("inner", "~ seven | district", "~ factor(seven)"),
        ("crossed", ["~ 1 | district", "~ 1 | seven"], "~ third"),
    ],
)
def test_degrees_of_freedom_by_containment(case: str, random: Any, mods: str) -> None:
    data = dict(SETS["konstantopoulos2011"]["input"])
    data |= {"third": [d % 3 for d in data["district"]], "seven": [i % 7 + 1 for i in range(56)]}
    fit = multilevel(
        yi="yi", vi="vi", random=random, mods=mods, interval="t", df="contain", data=data
    )
    assert [c.df for c in fit.coefficients] == SETS["konstantopoulos2011"]["contain"][case]


def test_a_contrast_of_outcomes() -> None:
    fit, _ = fitted("berkey1998", "outcome_UN/REML")
    want = SETS["berkey1998"]["contrast_AL_minus_PD"]
    found = fit.test([[1.0, -1.0]])
    assert found.estimates[0] == pytest.approx(want["Xb"][0], rel=1e-6)
    assert found.se[0] == pytest.approx(want["se"][0], rel=1e-6)
    assert found.statistic == pytest.approx(want["zval"][0] ** 2, rel=1e-6)
