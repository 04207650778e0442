"""Leave-one-out, cumulative synthesis, influence and Baujat's axes beside metafor's values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.contrasts import contrasts
from equipoise.models.influence import baujat, influence
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.robustness import cumulative, leave_one_out

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values" / "robustness.json"
SETS = json.loads(VALUES.read_text("utf-8"))["sets"]
MODELS: dict[str, dict[str, str]] = {
    "FE/z": {"model": "common", "interval": "Wald"},
    "DL/z": {"tau2": "DL", "interval": "Wald"},
    "REML/z": {"tau2": "REML", "interval": "Wald"},
    "REML/knha": {"tau2": "REML", "interval": "HK"},
}
CASES = [(name, key) for name in SETS for key in MODELS]
PLAIN = [(name, key) for name, key in CASES if key.endswith("/z")]

#: Influence diagnostics: metafor's name and ours.
DIAGNOSTICS = {
    "rstudent": "studentised",
    "dffits": "dffits",
    "cook.d": "cook",
    "cov.r": "cov_ratio",
    "QE.del": "q_deleted",
    "hat": "hat",
    "weight": "weight",
    "dfbs": "dfbetas",
    "rstandard": "standardised",
    "resid_se": "resid_se",
    "blup": "blup",
    "blup_se": "blup_se",
}


def fitted(name: str, key: str) -> PairwiseFit:
    es = contrasts(yi=SETS[name]["yi"], vi=SETS[name]["vi"], measure="GEN")
    return pairwise(es, **MODELS[key])


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([float("nan") if v in ("NA", None) else float(v) for v in values])


def agree(found: Any, expected: Any, rel: float, scale: float = 0.0) -> None:
    """Relative to the larger of the number and `scale`."""
    found, expected = np.asarray(found), np.asarray(expected)
    room = rel * np.maximum(np.abs(expected), scale)
    assert np.all(np.abs(found - expected) <= room), (found - expected, room)


@pytest.mark.parametrize("what", ["leave1out", "cumul"])
@pytest.mark.parametrize(("name", "key"), CASES)
def test_refits_agree_with_metafor(name: str, key: str, what: str) -> None:
    expected = SETS[name]["fits"][key][what]
    fit = fitted(name, key)
    found = leave_one_out(fit) if what == "leave1out" else cumulative(fit)
    first = 1 if what == "cumul" else 0  # one trial alone: metafor calls I² 0 and H² 1 there
    names = {"estimate": "estimate", "se": "se", "ci.lb": "ci_low", "ci.ub": "ci_high"}
    rel = 1e-8
    for theirs, ours in names.items():
        agree(getattr(found, ours), numbers(expected[theirs]), rel, scale=float(fit.se))
    agree(found.q[first:], numbers(expected["Q"])[first:], 1e-8, scale=1e-3)
    agree(found.q_p[first:], numbers(expected["Qp"])[first:], 1e-8)
    if "tau2" in expected:
        agree(found.tau2[first:], numbers(expected["tau2"])[first:], 1e-6, scale=1e-6)
        agree(found.i2[first:], numbers(expected["I2"])[first:], 1e-6, scale=1e-2)


@pytest.mark.parametrize(("name", "key"), PLAIN)
def test_influence_agrees_with_metafor(name: str, key: str) -> None:
    expected = SETS[name]["fits"][key]["influence"]
    found = influence(fitted(name, key))
    rel = 1e-9 if key.startswith(("FE", "DL")) else 1e-8
    for theirs, ours in DIAGNOSTICS.items():
        if theirs in expected:
            agree(getattr(found, ours), numbers(expected[theirs]), rel, scale=1e-3)
    assert found.influential.tolist() == expected["influential"]
    if key != "FE/z":
        agree(found.tau2_deleted, numbers(expected["tau2.del"]), 1e-6, scale=1e-6)


@pytest.mark.parametrize(("name", "key"), PLAIN)
def test_baujat_agrees_with_metafor(name: str, key: str) -> None:
    expected = SETS[name]["fits"][key]["baujat"]
    found = baujat(fitted(name, key))
    agree(found.heterogeneity, numbers(expected["x"]), 2e-7, scale=1e-6)
    agree(found.influence, numbers(expected["y"]), 2e-7, scale=1e-6)


@pytest.mark.parametrize("name", list(SETS))
def test_a_common_effect_splits_q_among_the_trials(name: str) -> None:
    fit = fitted(name, "FE/z")
    assert baujat(fit).heterogeneity.sum() == pytest.approx(fit.q, rel=1e-12)
