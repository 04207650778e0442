"""More meta-regressions, permutation tests, location-scale models and subsets against metafor.

The values were made by validation/R/metareg.R with metafor 3.8-1.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import NotEstimableError
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.location_scale import location_scale
from equipoise.models.multimodel import multimodel
from equipoise.models.permutation import permutation_test
from equipoise.models.regression import regress

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
MORE = json.loads((VALUES / "metareg_more.json").read_text("utf-8"))
BCG = json.loads((VALUES / "metareg_bcg.json").read_text("utf-8"))
INTERVAL = {"z": "Wald", "t": "t", "knha": "HK", "adhoc": "HK-guarded"}
#: The formula here of each model there.
FORMULAS = {
    "writing_three": "~ length + wic + meta",
    "writing_interaction": "~ length * wic",
    "writing_grades": "~ 0 + factor(grade)",
    "writing_square": "~ center(length) + I(center(length) ** 2)",
    "teachers_weeks": "~ weeks",
    "teachers_setting": "~ capped * setting",
}


def frame(model: str) -> dict[str, Any]:
    if model.startswith("writing"):
        return {k: v for k, v in MORE["writing"].items() if k not in ("yi", "vi")}
    weeks = MORE["teachers"]["weeks"]
    return {**MORE["teachers"], "capped": [min(w, 3) for w in weeks]}


def rows(values: dict[str, Any]) -> Contrasts:
    return contrasts(yi=values["yi"], vi=values["vi"], measure="SMD")


@pytest.mark.parametrize("model", list(MORE["models"]))
@pytest.mark.parametrize("by", ["formula", "matrix"])
def test_regressions_agree(model: str, by: str) -> None:
    m = MORE["models"][model]
    X = np.array(m["X"], dtype=float)
    for key, expected in m["fits"].items():
        tau2, test = key.split("/")
        kind: dict[str, Any] = {"tau2": tau2, "interval": INTERVAL[test], "preset": "metafor"}
        if by == "formula":
            fit = regress(rows(m), FORMULAS[model], data=frame(model), **kind)
        else:
            fit = regress(rows(m), X=X, intercept=m["intercept"], **kind)
        found = {
            "beta": fit.beta,
            "vcov": fit.vcov,
            "se": fit.se,
            "zval": fit.statistic,
            "pval": fit.p_value,
            "ci_lb": fit.ci_low,
            "ci_ub": fit.ci_high,
            "QM": fit.qm,
            "QMp": fit.qm_p,
            "tau2": fit.tau2,
            "se_tau2": fit.tau2_se,
            "I2": fit.i2,
            "H2": fit.h2,
            "R2": fit.r2,
            "QE": fit.q,
            "QEp": fit.q_p,
            "logLik_ML": fit.ml.loglik,
            "AICc_ML": fit.ml.aicc,
            "logLik_REML": fit.reml.loglik,
            "BIC_REML": fit.reml.bic,
        }
        for name, value in found.items():
            if name in expected and value is not None:
                # Where tau² is 0, their iteration stops at about 1e-12.
                near = 1e-8 if name in ("I2", "tau2") and fit.tau2 == 0.0 else 1e-17
                np.testing.assert_allclose(
                    value, expected[name], rtol=2e-8, atol=near, err_msg=f"{key} {name}"
                )


def bcg(count: int = 13) -> tuple[Contrasts, dict[str, Any]]:
    es = contrasts(yi=BCG["yi"][:count], vi=BCG["vi"][:count], measure="RR")
    return es, {name: values[:count] for name, values in BCG["moderators"].items()}


@pytest.mark.parametrize(
    ("case", "formula"),
    [
        ("ablat", "~ ablat"),
        ("ablat_year", "~ ablat + year"),
        ("ablat_pm", "~ ablat"),
        ("alloc", "~ alloc"),
        ("common", "~ year"),
        ("signs", None),
        ("signs_z", None),
    ],
)
def test_exact_permutation_tests_agree(case: str, formula: str | None) -> None:
    expected = MORE["permutations"][case]
    es, data = bcg(6)
    kind = {"model": "common"} if expected["method"] == "EE" else {"tau2": expected["method"]}
    fit = regress(es, formula, data=data, interval=INTERVAL[expected["test"]], **kind)
    assert fit.statistic == pytest.approx(expected["zval"], rel=1e-8)
    found = permutation_test(fit, iterations="exact")
    assert found.p_value == pytest.approx(expected["pval"], rel=1e-12)
    if formula is not None:
        assert found.qm_p == pytest.approx(expected["QMp"], rel=1e-12)


LOCATED = {
    "ablat": ("~ ablat", "~ ablat"),
    "ablat_ml": ("~ ablat", "~ ablat"),
    "ablat_knha": ("~ ablat + year", "~ ablat"),
    "alloc": (None, "~ alloc"),
    "year": (None, "~ year"),
    "writing": ("~ lead", "~ lead"),
    "writing_size": ("~ meta", "~ I(100 / ni)"),
    "identity": (None, "~ ablat"),
}


#: Where their optimiser stops below the top of a flat likelihood, by 7e-8 of it.
STOPPED_SHORT = {"identity": 5e-4}


@pytest.mark.parametrize("case", list(LOCATED))
def test_location_scale_models_agree(case: str) -> None:
    expected = MORE["location_scale"][case]
    es, data = bcg() if not case.startswith("writing") else (rows(MORE["writing"]), MORE["writing"])
    mods, scale = LOCATED[case]
    fit = location_scale(
        es,
        mods,
        scale=scale,
        data={k: v for k, v in data.items() if k not in ("yi", "vi")},
        link=expected["link"],
        method=expected["method"],
        interval=INTERVAL[expected["test"]],
    )
    # The likelihood first: ours is never below, and above by no more than their optimiser leaves.
    assert fit.loglik == pytest.approx(expected["logLik"], rel=1e-8)
    assert fit.loglik >= expected["logLik"] - 1e-10
    stats = fit.ml if expected["method"] == "ML" else fit.reml
    assert stats.aic == pytest.approx(expected["AIC"], rel=1e-8)
    assert stats.aicc == pytest.approx(expected["AICc"], rel=1e-8)
    assert fit.q == pytest.approx(expected["QE"], rel=1e-9)
    allowed = STOPPED_SHORT.get(case, 2e-5)
    assert fit.beta == pytest.approx(expected["beta"], rel=allowed)
    assert [c.se for c in fit.location] == pytest.approx(expected["se"], rel=allowed)
    # Errors of the scale: theirs come from a numerical Hessian, ours from the exact one.
    se = np.array([c.se for c in fit.scale])
    assert fit.alpha == pytest.approx(expected["alpha"], rel=allowed, abs=3e-4 * float(se.min()))
    assert se == pytest.approx(expected["se_alpha"], rel=2e-3)
    assert fit.tau2 == pytest.approx(np.ravel(expected["tau2"]), rel=1e-3)
    assert fit.qs == pytest.approx(expected["QS"], rel=5e-3, abs=1e-5)
    assert [c.p_value for c in fit.scale] == pytest.approx(expected["pval_alpha"], rel=5e-3)


def test_a_scale_that_runs_away_is_refused_where_metafor_gives_a_huge_error() -> None:
    expected = MORE["location_scale"]["writing_ml"]
    assert min(expected["se_alpha"][0], expected["se_alpha"][2]) > 1e4
    assert min(expected["tau2"]) < 1e-10
    data = frame("writing")
    with pytest.raises(NotEstimableError, match=r"tau² runs to 0 \(study 9, study 11") as error:
        location_scale(rows(MORE["writing"]), "~ wic", scale="~ lead + wic", data=data, method="ML")
    small = [f"study {i + 1}" for i, t in enumerate(expected["tau2"]) if t < 1e-9]
    assert len(small) == 10
    assert all(name in str(error.value) for name in small[:5])


def test_subsets_by_aicc_agree() -> None:
    es, data = bcg()
    found = multimodel(es, ["ablat", "year", "alloc"], data=data)
    expected = MORE["subsets"]
    for formula, aicc, weight in zip(
        expected["formula"], expected["AICc"], expected["weight"], strict=True
    ):
        m = next(m for m in found.models if m.formula == formula)
        assert m.criterion == pytest.approx(aicc, rel=1e-9)
        assert m.weight == pytest.approx(weight, rel=1e-8)
    for name in ("ablat", "year"):
        c = found.coefficient(name)
        assert [c.estimate, c.se] == pytest.approx(expected[name], rel=1e-7)
    assert not math.isnan(found.coefficient("intercept").se)
