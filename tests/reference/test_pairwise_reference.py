"""Every quantity of the pairwise synthesis against metafor and meta, on ten published data sets.

The values under validation/values were made by the scripts under validation/R; what agrees to how
many digits, and the exceptions below, are explained in validation/README.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.heterogeneity import Spread
from equipoise.models.pairwise import PairwiseFit, pairwise

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
INTERVAL = {"z": "Wald", "t": "t", "knha": "HK", "adhoc": "HK-guarded"}
SETS = {path.stem: json.loads(path.read_text("utf-8")) for path in VALUES.glob("pairwise_*.json")}

#: Sets whose likelihood is so flat, or whose tau² is so small, that metafor's Fisher scoring stops
#: short of the optimum by more than 1e-8 of its value; that much is allowed instead.
STOPPED_SHORT = {
    ("pairwise_hart1999", "IRD", "ML"): 4e-7,
    ("pairwise_nielweise2007", "RD", "ML"): 5e-8,
}
#: Where metafor stops at a positive value of rounding size although the likelihood falls from 0.
ZERO = {("pairwise_hart1999", "IRSD", "ML")}


def analyses() -> Iterator[tuple[str, str]]:
    for name, data in sorted(SETS.items()):
        for measure in data["analyses"]:
            yield name, measure


def rows(name: str, measure: str) -> Contrasts:
    a = SETS[name]["analyses"][measure]
    study = [f"trial {i}" for i in range(a["k"])]
    return contrasts(yi=a["yi"], vi=a["vi"], study=study, measure="GEN")


def numbers(fit: PairwiseFit) -> dict[str, float]:
    """A fit under metafor's names."""
    found = {
        "beta": fit.estimate,
        "se": fit.se,
        "zval": fit.statistic,
        "pval": fit.p_value,
        "ci_lb": fit.ci.low,
        "ci_ub": fit.ci.high,
        "tau2": fit.tau2,
        "I2": fit.i2,
        "H2": fit.h2,
        "QE": fit.q,
        "QEp": fit.q_p,
        "QEdf": float(fit.q_df),
    }
    if fit.pi is not None:
        found |= {"pi_lb": fit.pi.low, "pi_ub": fit.pi.high}
    return found


def assert_close(found: dict[str, float], expected: dict[str, Any], allowed: float) -> None:
    """Compare each quantity to a relative error of `allowed`."""
    for key, value in found.items():
        # A bound near 0 has lost digits by subtraction: its error is held against the SE too. The
        # tail of z, near exp(-z²/2), multiplies a relative error of z by about z².
        near = expected["se"] if key in ("beta", "ci_lb", "ci_ub", "pi_lb", "pi_ub") else 0.0
        times = 1.0 + expected["zval"] ** 2 if key == "pval" else 1.0
        close = pytest.approx(expected[key], rel=allowed * times, abs=allowed * near)
        assert value == close, key


def test_the_grid_of_reference_values_is_complete() -> None:
    assert len(SETS) == 10
    for data in SETS.values():
        assert {"R", "metafor"} <= set(data["versions"])
        for a in data["analyses"].values():
            assert set(a["fits"]) == {"EE/z", "EE/t"} | {
                f"{tau2}/{test}" for tau2 in ("DL", "PM", "ML", "REML") for test in INTERVAL
            }
            assert set(a["confint"]) == {"DL", "PM", "ML", "REML"}


@pytest.mark.parametrize("tau2", ["DL", "PM", "ML", "REML"])
@pytest.mark.parametrize(("name", "measure"), list(analyses()))
def test_random_effects_agree_with_metafor(name: str, measure: str, tau2: str) -> None:
    fits = SETS[name]["analyses"][measure]["fits"]
    case = (name, measure, tau2)
    for test, interval in INTERVAL.items():
        expected = dict(fits[f"{tau2}/{test}"])
        fit = pairwise(rows(name, measure), tau2=tau2, interval=interval, pi="metafor")
        found = numbers(fit)
        if case in ZERO:
            assert found.pop("tau2") == 0.0
            assert 0.0 < expected["tau2"] < 1e-12
            assert found.pop("I2") == 0.0
        assert_close(found, expected, STOPPED_SHORT.get(case, 1e-8))
    riley = pairwise(rows(name, measure), tau2=tau2, interval="Wald", pi="HTS").pi
    assert riley is not None
    plain = fits[f"{tau2}/z"]
    bounds = {"pi_lb": riley.low, "pi_ub": riley.high}
    wanted = {"pi_lb": plain["pi_riley_lb"], "pi_ub": plain["pi_riley_ub"], "se": plain["se"]}
    assert_close(bounds, wanted, STOPPED_SHORT.get(case, 1e-8))


@pytest.mark.parametrize(("name", "measure"), list(analyses()))
def test_the_common_effect_agrees_with_metafor(name: str, measure: str) -> None:
    for test in ("z", "t"):
        expected = SETS[name]["analyses"][measure]["fits"][f"EE/{test}"]
        fit = pairwise(rows(name, measure), model="common", interval=INTERVAL[test])
        assert_close(numbers(fit), expected, 1e-10)


@pytest.mark.parametrize(("name", "measure"), list(analyses()))
def test_intervals_of_tau2_agree_with_metafor(name: str, measure: str) -> None:
    expected = SETS[name]["analyses"][measure]["confint"]["REML"]
    fit = pairwise(rows(name, measure))
    assert fit.tau2_ci is not None
    assert fit.i2_ci is not None
    assert [fit.tau2_ci.low, fit.tau2_ci.high] == pytest.approx(expected["tau2"][1:], rel=1e-8)
    assert [fit.i2_ci.low, fit.i2_ci.high] == pytest.approx(expected["I2"][1:], rel=1e-8)
    assert expected["ci_null"] is False


@pytest.mark.parametrize("tau2", ["ML", "REML"])
@pytest.mark.parametrize(("name", "measure"), list(analyses()))
def test_metafor_never_has_the_higher_likelihood(name: str, measure: str, tau2: str) -> None:
    a = SETS[name]["analyses"][measure]
    spread = Spread(a["yi"], a["vi"])
    value = spread.reml_value if tau2 == "REML" else spread.ml_value
    ours = pairwise(rows(name, measure), tau2=tau2).tau2
    theirs = float(a["fits"][f"{tau2}/z"]["tau2"])
    # Where both agree to all digits that the likelihood can tell apart, rounding decides.
    assert value(ours / spread.scale) >= value(theirs / spread.scale) - 1e-13 * a["k"]


@pytest.mark.parametrize("case", sorted(STOPPED_SHORT))
def test_an_exception_is_needed_and_ours_is_the_better_optimum(case: tuple[str, str, str]) -> None:
    name, measure, tau2 = case
    a = SETS[name]["analyses"][measure]
    spread = Spread(a["yi"], a["vi"])
    slopes = spread.ml_slopes if tau2 == "ML" else spread.reml_slopes
    ours = pairwise(rows(name, measure), tau2=tau2).tau2
    theirs = float(a["fits"][f"{tau2}/z"]["tau2"])
    assert abs(ours - theirs) > 1e-8 * theirs
    at_ours, at_theirs = slopes(ours / spread.scale), slopes(theirs / spread.scale)
    assert abs(at_ours.derivative) < 1e-3 * abs(at_theirs.derivative)


META = json.loads((VALUES / "meta_predictions.json").read_text("utf-8"))["sets"]


@pytest.mark.parametrize("code", ["V", "HTS"])
@pytest.mark.parametrize("interval", ["Wald", "HK"])
@pytest.mark.parametrize("case", sorted(META))
def test_prediction_intervals_agree_with_meta(case: str, interval: str, code: str) -> None:
    ci = "classic" if interval == "Wald" else "HK"
    expected = META[case][f"REML/ci={ci}/predict={code}"]
    name, measure = case.split("/")
    fit = pairwise(rows(f"pairwise_{name}", measure), interval=interval, pi=code)
    assert fit.pi is not None
    # meta runs metafor's REML with its default tolerance of 1e-5: tau² agrees to about 1e-4.
    allowed = 2 * abs(expected["tau2"] / fit.tau2 - 1.0) + 1e-9
    assert allowed < 1e-3
    for found, key in ((fit.pi.low, "lower.predict"), (fit.pi.high, "upper.predict")):
        assert found == pytest.approx(expected[key], abs=allowed * (fit.pi.high - fit.pi.low))
    assert fit.ci.low == pytest.approx(expected["lower.random"], abs=allowed * fit.se * 3)
    assert f"t with {expected['df.predict']} df" in fit.pi.method
    assert math.isinf(fit.df) is (expected["df.random"] == "Inf")
