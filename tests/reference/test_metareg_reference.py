"""Meta-regression against metafor, number by number, on the BCG trials.

The values under validation/values were made by validation/R/metareg.R; what agrees to how many
digits, and the one exception below, are explained in validation/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.regression import regress
from equipoise.models.regression_fit import RegressionFit

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
BCG = json.loads((VALUES / "metareg_bcg.json").read_text("utf-8"))
INTERVAL = {"z": "Wald", "t": "t", "knha": "HK", "adhoc": "HK-guarded"}
FITS = [(model, key) for model in BCG["models"] for key in BCG["models"][model]["fits"]]


def trials() -> Contrasts:
    study = [f"trial {i}" for i in range(len(BCG["yi"]))]
    return contrasts(yi=BCG["yi"], vi=BCG["vi"], study=study, measure="RR")


def fitted(model: str, key: str) -> RegressionFit:
    """The fit that a key such as ``DL/knha`` or ``GENQ_inv/z`` stands for."""
    code, test = key.split("/")
    settings: dict[str, Any] = {"tau2": code, "interval": INTERVAL[test], "preset": "metafor"}
    vi = np.array(BCG["vi"])
    own = {"inv": 1.0 / vi, "sqrtinv": 1.0 / np.sqrt(vi), "unweighted": "equal"}
    if code == "EE":
        settings |= {"tau2": None, "model": "common"}
    if "_" in code:
        settings |= {"tau2": code.split("_")[0], "weights": own[code.split("_")[1]]}
    m = BCG["models"][model]
    return regress(trials(), X=np.array(m["X"], dtype=float), names=m["columns"], **settings)


def numbers(fit: RegressionFit) -> dict[str, Any]:
    """A fit under metafor's names."""
    found: dict[str, Any] = {
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
        "se_tau2": "NA" if fit.tau2_se is None else fit.tau2_se,
        "I2": fit.i2,
        "H2": fit.h2,
        "R2": fit.r2,
        "QE": fit.q,
        "QEp": fit.q_p,
        "dev_ML": fit.ml.deviance,
    }
    for kind, stats in (("ML", fit.ml), ("REML", fit.reml)):
        found |= {
            f"logLik_{kind}": stats.loglik,
            f"AIC_{kind}": stats.aic,
            f"BIC_{kind}": stats.bic,
            f"AICc_{kind}": stats.aicc,
        }
    return found


def test_the_grid_of_reference_values_is_complete() -> None:
    codes = ("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
    wanted = {"EE/z", "EE/t"} | {f"{c}/{test}" for c in codes for test in INTERVAL}
    wanted |= {f"{g}_{w}/z" for g in ("GENQ", "GENQM") for w in ("inv", "sqrtinv")}
    assert set(BCG["models"]) == {"ablat", "ablat_year", "alloc"}
    for model in BCG["models"].values():
        assert set(model["fits"]) == wanted | {"REML_unweighted/z"}


@pytest.mark.parametrize(("model", "key"), FITS)
def test_every_number_agrees_with_metafor(model: str, key: str) -> None:
    expected = BCG["models"][model]["fits"][key]
    found = numbers(fitted(model, key))
    assert set(expected) <= set(found)
    for name, value in expected.items():
        if value == "NA":
            assert found[name] == "NA"
        else:
            np.testing.assert_allclose(found[name], value, rtol=5e-9, atol=0.0, err_msg=name)


@pytest.mark.parametrize("model", list(BCG["models"]))
def test_intervals_of_tau2_agree_with_metafor(model: str) -> None:
    expected = BCG["models"][model]["confint"]
    for key, how, tau2 in (
        ("REML/QP", "Q-profile", "REML/z"),
        ("REML/PL", "profile", "REML/z"),
        ("ML/PL", "profile", "ML/z"),
    ):
        ci = fitted(model, tau2).tau2_interval(how)
        assert [ci.low, ci.high] == pytest.approx(expected[key], rel=1e-8), key
    # The tail of a weighted sum of chi-squared variables is good to 1e-13 here (see
    # tests/num/test_mixture.py) and to about 6e-5 in the program that metafor calls.
    for weights in ("inv", "sqrtinv"):
        ci = fitted(model, f"GENQ_{weights}/z").tau2_interval("GENQ")
        wanted = expected[f"GENQ_{weights}/GENQ"]
        assert [ci.low, ci.high] == pytest.approx(wanted, rel=2e-3), weights


@pytest.mark.parametrize("model", list(BCG["models"]))
def test_variance_inflation_agrees_with_metafor(model: str) -> None:
    found = fitted(model, "REML/z").vif("coefficient")
    assert [v for v, _ in found.values()] == pytest.approx(BCG["models"][model]["vif"], rel=1e-9)


@pytest.mark.parametrize("test", ["z", "knha"])
def test_predictions_agree_with_metafor(test: str) -> None:
    expected = BCG["predict"][test]
    fit = regress(
        trials(),
        "~ ablat + year",
        data=BCG["moderators"],
        interval=INTERVAL[test],
        preset="metafor",
    )
    rows = np.array(expected["newmods"])
    found = fit.predict({"ablat": rows[:, 0], "year": rows[:, 1]})
    names = {"pred": "estimate", "ci_lb": "ci_low", "ci_ub": "ci_high"}
    names |= {"se": "se", "pi_lb": "pi_low", "pi_ub": "pi_high"}
    for theirs, ours in names.items():
        assert getattr(found, ours).tolist() == pytest.approx(expected[theirs], rel=2e-9)
    again = fit.predict(rows)
    assert again.pi_low.tolist() == found.pi_low.tolist()


def test_tests_of_levels_and_likelihood_ratios_agree_with_metafor() -> None:
    data = BCG["moderators"]
    alloc = regress(trials(), "~ alloc", data=data, preset="metafor").test("alloc")
    assert alloc.qm == pytest.approx(BCG["anova_alloc"]["QM"], rel=1e-9)
    assert alloc.qm_p == pytest.approx(BCG["anova_alloc"]["QMp"], rel=1e-9)
    assert alloc.qm_df == (2.0, float("inf"))
    larger = regress(trials(), "~ ablat + year", data=data, tau2="ML", interval="Wald")
    found = larger.compare(regress(trials(), tau2="ML", interval="Wald"))
    expected = BCG["lrt_ablat_year"]
    assert found.lrt == pytest.approx(expected["LRT"], rel=1e-9)
    assert found.p_value == pytest.approx(expected["pval"], rel=1e-9)
    assert found.r2 == pytest.approx(expected["R2"], rel=1e-8)
    assert found.df == 2
