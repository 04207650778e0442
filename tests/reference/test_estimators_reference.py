"""Every estimator of tau², weights, fit statistics and intervals of tau² against metafor.

The values in validation/values/estimators.json were made by validation/R/estimators.R on the same
27 analyses as the rest; exceptions are explained in validation/README.md.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.estimators import ESTIMATORS, WEIGHTED
from equipoise.models.pairwise import PairwiseFit, pairwise

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
PINNED = json.loads((VALUES / "estimators.json").read_text("utf-8"))
SETS: dict[str, dict[str, Any]] = PINNED["sets"]
QUANTITIES, BOUNDS = PINNED["quantities"], PINNED["bounds"]
PLAIN = sorted(set(ESTIMATORS))

#: Where metafor's iteration stops short of its own fixed point, by how much (relative).
STOPPED_SHORT = {
    ("hart1999/IRD", "ML"): 5e-7,
    ("nielweise2007/RD", "ML"): 5e-8,
    ("hart1999/IRSD", "SJIT"): 3e-7,
}
#: Where metafor approaches 0 without reaching it: its value, below this, is 0 here.
TOWARDS_ZERO = 2e-11


def rows(name: str) -> Contrasts:
    set_name, measure = name.split("/")
    data = json.loads((VALUES / f"pairwise_{set_name}.json").read_text("utf-8"))
    a = data["analyses"][measure]
    return contrasts(yi=a["yi"], vi=a["vi"], study=[f"trial {i}" for i in range(a["k"])])


def weights(name: str, which: str) -> list[float]:
    es = rows(name)
    if which == "weights":
        return [float(i + 1) for i in range(len(es))]
    return (1.0 / es.vi if which == "inv" else np.sqrt(1.0 / es.vi)).tolist()


def pinned(name: str, key: str, block: str = "fits") -> dict[str, float]:
    names = QUANTITIES if block == "fits" else BOUNDS
    values = SETS[name][block][key]
    return {
        q: float(v) for q, v in zip(names, values, strict=True) if v not in ("NA", "Inf", "-Inf")
    }


def found(fit: PairwiseFit) -> dict[str, float]:
    """A fit under the names of the pinned quantities."""
    out = {
        "beta": fit.estimate,
        "se": fit.se,
        "tau2": fit.tau2,
        "se_tau2": fit.tau2_se,
        "I2": fit.i2,
        "H2": fit.h2,
        "ci_lb": fit.ci.low,
        "ci_ub": fit.ci.high,
    }
    for kind in ("ML", "REML"):
        s = fit.fit_statistics(kind)
        out |= {f"ll_{kind}": s.log_likelihood, f"AIC_{kind}": s.aic}
        out |= {f"BIC_{kind}": s.bic, f"AICc_{kind}": s.aicc}
    if fit.pi is not None:
        out |= {"pi_lb": fit.pi.low, "pi_ub": fit.pi.high}
    return out


def assert_close(fit: PairwiseFit, expected: dict[str, float], allowed: float, what: str) -> None:
    values = found(fit)
    if fit.tau2 == 0.0 and 0.0 < expected.get("tau2", 0.0) < TOWARDS_ZERO:
        expected = {**expected, "tau2": 0.0}
        allowed = max(allowed, 1e-7)
        del expected["I2"]
    for key, value in expected.items():
        # Bounds and log-likelihoods near 0 are differences of larger numbers.
        near = expected["se"] if key in ("beta", "ci_lb", "ci_ub", "pi_lb", "pi_ub") else 0.0
        near = 1.0 if key.endswith("ML") else near
        assert values[key] == pytest.approx(value, rel=allowed, abs=allowed * near), (what, key)


def test_the_grid_is_complete() -> None:
    assert len(SETS) == 27
    for a in SETS.values():
        assert set(PLAIN) | {"EE"} <= set(a["fits"])
        assert {f"{code}_{w}" for code in WEIGHTED for w in ("inv", "sqrtinv")} <= set(a["fits"])


@pytest.mark.parametrize("tau2", PLAIN)
@pytest.mark.parametrize("name", sorted(SETS))
def test_estimators_fit_statistics_and_intervals(name: str, tau2: str) -> None:
    allowed = STOPPED_SHORT.get((name, tau2), 1e-8)
    es = rows(name)
    assert_close(pairwise(es, tau2=tau2, interval="Wald"), pinned(name, tau2), allowed, "Wald")
    for block, code in (("knha", "HK"), ("adhoc", "HK-guarded")):
        fit = pairwise(es, tau2=tau2, interval=code, pi="metafor")
        assert_close(fit, pinned(name, tau2, block), allowed, code)


@pytest.mark.parametrize("code", ["GENQ_inv", "GENQ_sqrtinv", "GENQM_inv", "GENQM_sqrtinv"])
@pytest.mark.parametrize("name", sorted(SETS))
def test_estimators_with_given_weights(name: str, code: str) -> None:
    tau2, which = code.split("_")
    fit = pairwise(rows(name), tau2=tau2, weights=weights(name, which), interval="Wald")
    assert_close(fit, pinned(name, code), 1e-8, code)


@pytest.mark.parametrize("name", sorted(SETS))
def test_weights_of_ones_own_and_none(name: str) -> None:
    es = rows(name)
    equal = pairwise(es, weighted=False, interval="Wald")
    assert_close(equal, pinned(name, "REML_unweighted"), 2e-8, "equal")
    own = weights(name, "weights")
    fit = pairwise(es, weights=own, interval="Wald")
    assert_close(fit, pinned(name, "REML_weights"), 2e-8, "given")
    hk = pairwise(es, weights=own, interval="HK", pi="metafor")
    assert_close(hk, pinned(name, "REML_weights", "knha"), 2e-8, "given, HK")


@pytest.mark.parametrize("name", sorted(SETS))
def test_fit_statistics_of_a_common_effect(name: str) -> None:
    fit = pairwise(rows(name), model="common")
    expected = {k: v for k, v in pinned(name, "EE").items() if k not in ("se_tau2",)}
    assert_close(fit, expected, 1e-9, "common")


@pytest.mark.parametrize("tau2", ["REML", "ML"])
@pytest.mark.parametrize("name", sorted(SETS))
def test_profile_likelihood_intervals(name: str, tau2: str) -> None:
    fit = pairwise(rows(name), tau2=tau2, tau2_interval="PL")
    low, high, i2_low, i2_high, h2_low, h2_high = SETS[name]["PL"][tau2]
    for interval, expected in (
        (fit.tau2_ci, (low, high)),
        (fit.i2_ci, (i2_low, i2_high)),
        (fit.h2_ci, (h2_low, h2_high)),
    ):
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("which", ["inv", "sqrtinv"])
@pytest.mark.parametrize("name", sorted(SETS))
def test_generalised_q_intervals(name: str, which: str) -> None:
    es = rows(name)
    own = weights(name, which)
    fit = pairwise(es, tau2="GENQ", weights=own, tau2_interval="GENQ")
    named = pairwise(es, tau2_interval={"inv": "BJ", "sqrtinv": "J"}[which])
    assert fit.tau2_ci is not None
    assert named.tau2_ci is not None
    assert (named.tau2_ci.low, named.tau2_ci.high) == pytest.approx(
        (fit.tau2_ci.low, fit.tau2_ci.high), rel=1e-11
    )
    # metafor narrows the search to an absolute width of 6.1e-5, whatever the units are.
    width = 6.2e-5
    assert [fit.tau2_ci.low, fit.tau2_ci.high] == pytest.approx(
        SETS[name]["GENQ"][which], rel=1e-10, abs=width
    )


def test_an_exception_is_needed() -> None:
    for (name, tau2), allowed in STOPPED_SHORT.items():
        ours, theirs = pairwise(rows(name), tau2=tau2).tau2, pinned(name, tau2)["tau2"]
        assert 1e-8 < abs(ours / theirs - 1.0) < allowed


META = json.loads((VALUES / "meta_settings.json").read_text("utf-8"))["sets"]
META_CI = {"classic": "Wald", "HK": "HK", "KR": "KR"}
ADHOC = {"se": "HK-guarded", "ci": "HK-wider", "IQWiG6": "HK-IQWiG6"}


def as_meta(name: str, key: str) -> PairwiseFit:
    """The fit that a call of package meta stands for, at the tau² that it stopped at."""
    es = rows(name)
    if key.startswith("tau="):
        tau2 = key.removeprefix("tau=")
        return pairwise(es, preset="meta", tau2=tau2, tau2_interval="J" if tau2 == "DL" else "QP")
    part = dict(p.split("=") for p in key.split("/") if "=" in p)
    if "adhoc" in part:
        return pairwise(es, preset="meta", interval=ADHOC[part["adhoc"]])
    if "tau.ci" in part:
        return pairwise(es, preset="meta", tau2_interval=part["tau.ci"])
    if "I2" in part:
        return pairwise(es, preset="meta", i2=part["I2"])
    return pairwise(es, preset="meta", interval=META_CI[part["ci"]], pi=part["predict"])


@pytest.mark.parametrize("key", sorted(next(iter(META.values()))))
@pytest.mark.parametrize("name", sorted(META))
def test_agrees_with_meta(name: str, key: str) -> None:
    expected = META[name][key]
    fit = as_meta(name, key)
    # meta runs metafor with its default tolerance: its tau² and Q-profile bounds are that exact.
    slack = 2 * abs(expected["tau2"] / fit.tau2 - 1.0) + 1e-9
    assert slack < (5e-3 if key == "tau=PM" else 1e-3)
    assert fit.pi is not None
    near = {"rel": 2 * slack, "abs": 3 * slack * fit.se}
    assert fit.estimate == pytest.approx(expected["TE.random"], **near)
    assert fit.se == pytest.approx(expected["seTE.random"], **near)
    assert fit.df == pytest.approx(float(expected["df.random"]), rel=10 * slack)
    assert (fit.ci.low, fit.ci.high) == pytest.approx(
        (expected["lower.random"], expected["upper.random"]), **near
    )
    wide = slack * (fit.pi.high - fit.pi.low)
    assert (fit.pi.low, fit.pi.high) == pytest.approx(
        (expected["lower.predict"], expected["upper.predict"]), abs=2 * wide
    )
    assert fit.q == pytest.approx(expected["Q"], rel=1e-11)
    assert fit.i2_ci is not None
    i2_near = 1e-11 if fit.asked["i2"] == "Q" else 1e-3
    assert [fit.i2, fit.i2_ci.low, fit.i2_ci.high] == pytest.approx(
        [100 * expected[q] for q in ("I2", "lower.I2", "upper.I2")], rel=i2_near
    )
    assert math.sqrt(fit.h2) == pytest.approx(expected["H"], rel=i2_near)
    assert fit.tau2_ci is not None
    assert [fit.tau2_ci.low, fit.tau2_ci.high] == pytest.approx(
        [expected["lower.tau2"], expected["upper.tau2"]], rel=1e-4, abs=6.2e-5
    )
