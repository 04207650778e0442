"""Small-study effects and trim and fill against metafor and meta.

The values under validation/values were made by the scripts under validation/R; exceptions are
named here and explained in validation/README.md.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import NotEstimableError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.bias.asymmetry import small_study
from equipoise.models.bias.excess import excess_significance
from equipoise.models.bias.fail_safe import fail_safe
from equipoise.models.bias.henmi_copas import henmi_copas
from equipoise.models.bias.selection import SelectionFit, selection
from equipoise.models.bias.trim_fill import trim_fill

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"


def load(name: str) -> Any:
    return json.loads((VALUES / f"{name}.json").read_text("utf-8"))


BIAS = load("bias")["sets"]
META = load("bias_meta")["sets"]
EXCESS = load("bias_excess")["sets"]
SELECTION = load("bias_selection")["sets"]

#: Equal estimates at the edge of what is trimmed: metafor takes them as they come, here the least
#: precise goes first, so that the order of the trials does not matter.
TIES = {("hackshaw1998", "OR", "Q0"), ("pritz1997", "PAS", "R0")}


def number(value: Any) -> float:
    return float({"NA": "nan"}.get(value, value))


def rows(name: str, measure: str) -> Contrasts:
    a = load(f"pairwise_{name}")["analyses"][measure]
    yi, vi = (np.array(a[column], dtype=float) for column in ("yi", "vi"))
    half = np.array(BIAS[name][measure].get("ni", np.full(len(yi), np.nan)), dtype=float) / 2
    study = tuple(f"trial {i}" for i in range(len(yi)))
    return Contrasts(measure="GEN", study=study, yi=yi, vi=vi, n1=half, n2=half)


def analyses(block: str) -> Iterator[tuple[str, str]]:
    for name, found in sorted(BIAS.items()):
        for measure, values in found.items():
            if block in values:
                yield name, measure


def assert_close(
    found: dict[str, float], expected: dict[str, Any], rel: float, near: float
) -> None:
    """Compare to a relative error; bounds and estimates near 0 to their standard error too."""
    for key, value in found.items():
        wanted = number(expected[key])
        if math.isnan(wanted):
            assert math.isnan(value), key
            continue
        room = near if key in ("est", "ci_lb", "ci_ub", "beta") else 0.0
        times = 1.0 + expected["zval"] ** 2 if key == "pval" else 1.0
        assert value == pytest.approx(wanted, rel=rel * times, abs=rel * room + 1e-300), key


def test_the_grid_is_complete() -> None:
    assert len(BIAS) == 10
    assert len(list(analyses("ranktest"))) == 27
    assert len(list(analyses("regtest"))) == 9
    for name, measure in analyses("trimfill"):
        assert len(BIAS[name][measure]["trimfill"]) == 27


@pytest.mark.parametrize(("name", "measure"), list(analyses("regtest")))
def test_regression_tests_agree_with_metafor(name: str, measure: str) -> None:
    es = rows(name, measure)
    for key, expected in BIAS[name][measure]["regtest"].items():
        kind, *method, predictor = key.split("/")
        if kind == "lm":
            t = small_study(es, model="lm", predictor=predictor)
        elif method == ["FE"]:
            t = small_study(es, model="common", predictor=predictor)
        else:
            t = small_study(es, model="random", tau2=method[0], predictor=predictor)
        intercept, slope = expected["coef"]
        allowed = 1e-8
        if t.tau2_method == "REML":
            # Fisher scoring stops short of a REML optimum at or near 0; see validation/README.md.
            if number(expected["tau2"]) < 1e-12:
                assert t.tau2 == 0.0, key
            else:
                rel = 3e-8 if (name, measure) == ("nielweise2007", "RD") else 1e-8
                assert t.tau2 == pytest.approx(expected["tau2"], rel=rel), key
                allowed = rel
        elif t.tau2_method:
            assert t.tau2 == pytest.approx(expected["tau2"], rel=1e-10), key
        else:
            allowed = 1e-10
        found = {"zval": t.statistic, "pval": t.p_value}
        if t.limit is not None:
            found |= {"est": t.intercept, "ci_lb": t.limit.low, "ci_ub": t.limit.high}
        assert ("est" in expected) == (t.limit is not None)
        assert_close(found, expected, allowed, expected["se"][0])
        assert t.estimate == pytest.approx(slope, rel=allowed, abs=allowed * expected["se"][1])
        assert t.intercept == pytest.approx(intercept, rel=allowed, abs=allowed * expected["se"][0])


@pytest.mark.parametrize(("name", "measure"), list(analyses("ranktest")))
def test_rank_tests_agree_with_metafor(name: str, measure: str) -> None:
    expected = BIAS[name][measure]["ranktest"]
    t = small_study(rows(name, measure), "Begg")
    assert t.estimate == pytest.approx(expected["tau"], abs=1e-12)
    assert t.p_value == pytest.approx(expected["pval"], rel=1e-11)


@pytest.mark.parametrize(("name", "measure"), list(analyses("trimfill")))
def test_trim_and_fill_agrees_with_metafor(name: str, measure: str) -> None:
    es = rows(name, measure)
    for key, expected in BIAS[name][measure]["trimfill"].items():
        method, estimator, side = key.split("/")
        model = {"model": "common"} if method == "FE" else {"model": "random", "tau2": method}
        if "error" in expected:  # the root of a negative number stops metafor
            assert estimator == "Q0"
            with pytest.raises(NotEstimableError, match="Q0 does not exist"):
                trim_fill(es, estimator=estimator, side=side, interval="Wald", **model)  # type: ignore[arg-type]
            continue
        t = trim_fill(es, estimator=estimator, side=side, interval="Wald", **model)  # type: ignore[arg-type]
        assert t.side == expected["side"], key
        if (name, measure, estimator) in TIES:
            continue
        assert t.k0 == expected["k0"], key
        assert_close({"se_k0": t.k0_se, "p_k0": t.p_value}, expected, 1e-10, 0.0)
        if method != "REML":
            fit = t.filled
            found = {"beta": fit.estimate, "se": fit.se, "tau2": fit.tau2, "QE": fit.q}
            wanted = expected | {q: number(np.ravel(expected[q])[0]) for q in ("beta", "se")}
            assert_close(found, wanted, 1e-10, wanted["se"])


def test_the_exceptions_for_ties_are_needed() -> None:
    for name, measure, _ in TIES:
        yi = rows(name, measure).yi
        assert len(set(yi.tolist())) < len(yi)
    k0 = BIAS["hackshaw1998"]["OR"]["trimfill"]["FE/Q0/left"]["k0"]
    t = trim_fill(rows("hackshaw1998", "OR"), estimator="Q0", side="left", model="common")
    assert (t.k0, k0) == (9, 10)


@pytest.mark.parametrize("name", ["bcg", "collins1985a", "nielweise2007", "hine1989"])
def test_tests_from_counts_agree_with_meta(name: str) -> None:
    c = META[name]["columns"]
    es = effect_sizes("OR", events1=c["ai"], n1=c["n1i"], events2=c["ci"], n2=c["n2i"])
    assert set(META[name]["metabias"]) == {"Harbord", "Peters", "Deeks", "Schwarzer", "Macaskill"}
    for test, expected in META[name]["metabias"].items():
        t = small_study(es, test)
        assert t.statistic == pytest.approx(expected["statistic"], rel=1e-11), test
        assert t.p_value == pytest.approx(expected["pval"], rel=1e-11), test
        if test == "Schwarzer":
            assert [t.s, t.se] == pytest.approx(expected["estimate"], rel=1e-12)
        else:
            assert t.df == expected["df"]
            assert [t.estimate, t.se] == pytest.approx(expected["estimate"], rel=1e-11)
            assert t.intercept == pytest.approx(expected["intercept"], rel=1e-10)
            assert t.intercept_se == pytest.approx(expected["se_intercept"], rel=1e-11)


@pytest.mark.parametrize(
    ("name", "measure"), [("hackshaw1998", "OR"), ("raudenbush1985", "SMD"), ("bcg", "RR")]
)
def test_tests_of_estimates_agree_with_meta(name: str, measure: str) -> None:
    a = load(f"pairwise_{name}")["analyses"][measure]
    es = contrasts(yi=a["yi"], vi=a["vi"], measure="GEN")
    values = META[f"{name}_RR_gen" if name == "bcg" else f"{name}_gen"]
    for test, expected in values["metabias"].items():
        code = {"Thompson": "Thompson-Sharp"}.get(test, test)
        t = small_study(es, code, exact=False)
        # meta runs metafor's REML with its loose default tolerance.
        rel = 3e-5 if test == "Thompson" else 1e-11
        assert t.statistic == pytest.approx(expected["statistic"], rel=rel), test
        assert t.p_value == pytest.approx(expected["pval"], rel=4 * rel), test
    filled = trim_fill(es, trim="common", interval="Wald")
    expected = values["trimfill_REML"]
    assert filled.k0 == expected["k0"]
    assert (filled.side == "left") is expected["side_left"]
    assert filled.filled.estimate == pytest.approx(expected["TE.random"], rel=1e-5)
    assert filled.filled.tau2 == pytest.approx(expected["tau2"], rel=2e-4)


@pytest.mark.parametrize(("name", "measure"), list(analyses("hc")))
def test_the_henmi_copas_interval_agrees_with_metafor(name: str, measure: str) -> None:
    expected = BIAS[name][measure]["hc"]
    t = henmi_copas(rows(name, measure))
    assert t.estimate == pytest.approx(expected["beta"], rel=1e-11)
    assert t.se == pytest.approx(expected["se"], rel=1e-11)
    assert t.tau2 == pytest.approx(expected["tau2"], rel=1e-10, abs=1e-300)
    # metafor's root finder stops at about 1e-4.
    width = expected["ci_ub"] - expected["ci_lb"]
    assert t.ci.high - t.ci.low == pytest.approx(width, rel=2e-4)


@pytest.mark.parametrize(("name", "measure"), list(analyses("fsn")))
def test_fail_safe_numbers_agree_with_metafor(name: str, measure: str) -> None:
    es = rows(name, measure)
    for kind in ("Rosenthal", "Orwin", "Rosenberg"):
        expected = BIAS[name][measure]["fsn"][kind]
        t = fail_safe(es, kind)
        assert t.n == expected["fsnum"], kind
        if kind == "Orwin":
            assert t.estimate == pytest.approx(expected["meanes"], rel=1e-11)
            assert t.target == pytest.approx(expected["target"], rel=1e-11)
        else:
            assert t.p_value == pytest.approx(expected["pval"], rel=1e-10, abs=1e-300)
    # The hidden trials scatter otherwise here: a few percent, or two trials.
    expected = BIAS[name][measure]["fsn"]["General/REML"]["fsnum"]
    assert abs(fail_safe(es, "general").n - expected) <= max(2, 0.08 * expected)


@pytest.mark.parametrize("name", sorted(EXCESS))
def test_excess_significance_agrees_with_metafor(name: str) -> None:
    es = rows(name, EXCESS[name]["measure"])
    for key, expected in EXCESS[name]["fits"].items():
        alternative, test, tau2 = key.split("/")
        t = excess_significance(
            es,
            alternative=alternative.replace(".", "-"),
            test={"binom": "binomial"}.get(test, test),
            tau2=float(tau2),
        )
        assert t.theta == pytest.approx(expected["theta"], rel=1e-11)
        assert t.observed == expected["O"]
        # With a tau², metafor integrates numerically over true effects; here it is closed.
        rel = 1e-10 if tau2 == "0" else 3e-4
        assert t.expected == pytest.approx(expected["E"], rel=rel)
        assert t.power == pytest.approx(np.array(expected["power"]), rel=rel)
        assert t.p_value == pytest.approx(expected["pval"], rel=rel), key


def selected(name: str, key: str) -> SelectionFit:
    a = SELECTION[name]
    kind, *rest = key.split("/")
    settings: dict[str, Any] = {"alternative": a["alternative"], "interval": "Wald"}
    if kind == "step":
        settings["steps"] = [float(step) for step in rest[0].split(",")]
        if rest[1:]:
            settings["alternative"] = rest[1]
    elif kind == "Vevea-Woods":
        settings["delta"] = rest[0]
    code = {"halfnorm": "halfnormal"}.get(kind, kind)
    return selection(rows(name, a["measure"]), code, **settings)


#: Where a better optimum lies elsewhere, a local one, than where metafor stops.
BETTER = {("nielweise2007", "beta"), ("hine1989", "beta")}


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, a in sorted(SELECTION.items()) for key in a["fits"]]
)
def test_selection_models_agree_with_metafor(name: str, key: str) -> None:
    expected = SELECTION[name]["fits"][key]
    if key.startswith("step") and _has_an_empty_interval(name, key):
        with pytest.raises(NotEstimableError, match="no trial has a p value in"):
            selected(name, key)
        return
    t = selected(name, key)
    if "error" in expected:  # metafor's optimiser gave up
        assert math.isfinite(t.loglik)
        return
    # metafor's adaptive integrals of smooth functions err by about 1e-4 of themselves.
    closed = "/" in key
    room = 1e-8 if closed else 6e-4
    assert t.loglik >= expected["logLik"] - room
    if (name, key) in BETTER:
        assert t.loglik > expected["logLik"] + 0.05
        return
    near = 1e-4 if closed else 3e-2
    assert t.loglik == pytest.approx(expected["logLik"], abs=1e-6 if closed else 1e-3)
    se = number(expected["se"])
    size = se if math.isfinite(se) else t.se
    assert t.estimate == pytest.approx(expected["beta"], rel=near, abs=near * size)
    assert t.tau2 == pytest.approx(expected["tau2"], rel=near, abs=1e-4 * float(np.median(t.vi)))
    assert t.delta == pytest.approx([number(d) for d in expected["delta"]], rel=near, abs=near)
    assert t.lrt_df == expected["LRTdf"]
    if t.lrt_df:
        assert t.lrt == pytest.approx(expected["LRT"], abs=1e-5 if closed else 1e-2)
    if closed and math.isfinite(se) and t.tau2 > 0.0:
        assert t.se == pytest.approx(se, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "key"),
    [(name, key) for name, a in sorted(SELECTION.items()) for key in a.get("tight", {})],
)
def test_smooth_selection_models_agree_where_metafor_integrates_tightly(
    name: str, key: str
) -> None:
    expected = SELECTION[name]["tight"][key]
    t = selected(name, key)
    assert t.loglik == pytest.approx(expected["logLik"], abs=1e-6)
    assert t.estimate == pytest.approx(expected["beta"], rel=1e-4, abs=1e-4 * expected["se"])
    assert t.delta == pytest.approx(expected["delta"], rel=1e-4)
    assert t.tau2 == pytest.approx(expected["tau2"], rel=1e-4, abs=1e-6)


def _has_an_empty_interval(name: str, key: str) -> bool:
    from scipy.special import ndtr

    a = SELECTION[name]
    es = rows(name, a["measure"])
    z = es.yi / np.sqrt(es.vi)
    p = 2 * ndtr(-abs(z)) if "two" in key else ndtr(-z if a["alternative"] == "greater" else z)
    steps = [0.0, *(float(step) for step in key.split("/")[1].split(",")), 1.0]
    return any(not ((p > a) & (p <= b)).any() for a, b in itertools.pairwise(steps))
