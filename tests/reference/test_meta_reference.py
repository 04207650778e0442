"""Counts, means and proportions beside package meta: metabin, metacont and metaprop."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.models.counts.fit import counts
from equipoise.models.pairwise import pairwise

VALUES = Path(__file__).parents[2] / "validation" / "values" / "meta_counts.json"
META = json.loads(VALUES.read_text(encoding="utf-8"))
SETS = tuple(META["counts"])
NAN = {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}

#: How meta's way with empty cells is asked for here. Ratios leave out trials without any event.
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "OR/MH": ("OR", {"drop00": True}),
    "OR/MH/exact": ("OR", {"drop00": True}),
    "OR/Peto": ("PETO", {"to": "none"}),
    "OR/Inverse": ("OR", {"drop00": True}),
    "OR/Inverse/allstudies": ("OR", {}),
    "OR/Inverse/incr=TACC": ("OR", {"drop00": True, "correction": "treatment-arm"}),
    "OR/Inverse/method.incr=all": ("OR", {"drop00": True, "to": "all"}),
    "RR/MH": ("RR", {}),
    "RR/Inverse": ("RR", {}),
    "RD/MH": ("RD", {}),
    "RD/Inverse": ("RD", {}),
    "ASD/Inverse": ("AS", {}),
}
#: meta adds half an event to n of risk ratios (metafor a whole one), and to the variance alone of
#: risk differences, where a group has no event: only sets without such groups can be compared.
WHOLE = ("bcg", "hine1989")
CASES = [(s, f) for s in SETS for f in ASKED if s in WHOLE or f[:2] not in ("RR", "RD")]


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([NAN[v] if isinstance(v, str) else v for v in values], dtype=float)


def people(name: str) -> dict[str, Any]:
    return {c: META["counts"][name][c] for c in ("events1", "n1", "events2", "n2")}


def check(es: Contrasts, expected: dict[str, Any], common: bool = True) -> None:
    """Trials, heterogeneity, both means; random effects at meta's own tau², which stops early."""
    use = np.isfinite(es.yi) & np.isfinite(es.vi)
    assert es.yi[use] == pytest.approx(numbers(expected["TE"])[use], rel=1e-11, abs=1e-13)
    assert es.sei[use] == pytest.approx(numbers(expected["seTE"])[use], rel=1e-11)
    fit = pairwise(es, preset="meta", tau2=expected["tau2"])
    se = expected["seTE.random"]
    assert fit.estimate == pytest.approx(expected["TE.random"], rel=1e-10, abs=1e-10 * se)
    assert fit.se == pytest.approx(se, rel=1e-10)
    assert fit.pi is not None
    for got, side in ((fit.ci, "random"), (fit.pi, "predict")):
        bounds = [expected[f"lower.{side}"], expected[f"upper.{side}"]]
        assert [got.low, got.high] == pytest.approx(bounds, rel=1e-9, abs=1e-9 * se)
    assert fit.q == pytest.approx(expected["Q"], rel=1e-10)
    assert fit.i2_ci is not None
    assert fit.h2_ci is not None
    for value, ci, name, unit in (
        (fit.i2 / 100.0, fit.i2_ci, "I2", 100.0),
        (math.sqrt(fit.h2), fit.h2_ci, "H", 1.0),
    ):
        bounds = [ci.low / unit, ci.high / unit]
        if name == "H":
            bounds = [math.sqrt(bound) for bound in bounds]
        wanted = [expected[name], expected[f"lower.{name}"], expected[f"upper.{name}"]]
        assert [value, *bounds] == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    reml = pairwise(es, preset="meta")
    assert reml.fit_statistics().log_likelihood >= fit.fit_statistics("REML").log_likelihood - 1e-12
    assert reml.tau2 == pytest.approx(expected["tau2"], rel=5e-4, abs=1e-9)
    if common:
        mean = pairwise(es, model="common")
        agree(mean.estimate, mean.se, mean.ci, expected)


def agree(estimate: float, se: float, ci: Any, expected: dict[str, Any]) -> None:
    wanted = expected["seTE.common"]
    assert estimate == pytest.approx(expected["TE.common"], rel=1e-10, abs=1e-10 * wanted)
    assert se == pytest.approx(wanted, rel=1e-10)
    bounds = [expected["lower.common"], expected["upper.common"]]
    assert [ci.low, ci.high] == pytest.approx(bounds, rel=1e-10, abs=1e-10 * wanted)


@pytest.mark.parametrize(("name", "key"), CASES)
def test_synthesis_of_the_trials_own_estimates(name: str, key: str) -> None:
    measure, how = ASKED[key]
    expected = META["counts"][name]["fits"][key]
    es = effect_sizes(measure, **people(name), **how)
    check(es, expected, common="Inverse" in key or "Peto" in key)


COUNTED = [
    (s, key)
    for s in SETS
    for key in ("OR/MH/exact", "OR/MH", "OR/Peto", "RR/MH", "RD/MH")
    if s in WHOLE or key.startswith("OR")
]


@pytest.mark.parametrize(("name", "key"), COUNTED)
def test_synthesis_of_counts(name: str, key: str) -> None:
    measure, model = key.split("/")[:2]
    expected = META["counts"][name]["fits"][key]
    data = {column: np.array(values) for column, values in people(name).items()}
    more: dict[str, Any] = {}
    if key == "OR/MH":
        # meta adds half an event where a cell is empty, and leaves out trials without any event.
        some = (data["events1"] + data["events2"]) > 0
        data = {column: values[some] for column, values in data.items()}
        more = {"add": 0.5, "to": "only0"}
    fit = counts(measure=measure, model=model, **data, **more)
    if key != "RD/MH":
        agree(fit.estimate, fit.se, fit.ci, expected)
        return
    # meta has the variance of Greenland and Robins, metafor that of Sato and others.
    assert fit.estimate == pytest.approx(expected["TE.common"], rel=1e-10)
    assert fit.se == pytest.approx(expected["seTE.common"], rel=0.01)


@pytest.mark.parametrize("measure", ["MD", "ROM"])
def test_synthesis_of_means(measure: str) -> None:
    columns = {k: v for k, v in META["means"].items() if k != "fits"}
    how = {"correct": False} if measure == "ROM" else {}
    check(effect_sizes(measure, **columns, **how), META["means"]["fits"][measure])


@pytest.mark.parametrize(("key", "measure"), [("PLOGIT", "PLO"), ("PFT", "PFT"), ("PAS", "PAS")])
def test_synthesis_of_proportions(key: str, measure: str) -> None:
    given = META["proportions"]
    es = effect_sizes(measure, events=given["events"], n=given["n"])
    check(es, given["fits"][key])
