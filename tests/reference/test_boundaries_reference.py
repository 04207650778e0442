"""Boundaries of looks beside rpact's values, and chances of crossing beside mvtnorm's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.models.boundaries import sequential_boundaries
from equipoise.num.looks import crossing

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values" / "boundaries.json"
DATA = json.loads(VALUES.read_text("utf-8"))
CODES: dict[str, tuple[str, float | None]] = {
    "OBF": ("OBF", None),
    "Pocock": ("Pocock", None),
    "HSD": ("HSD", -4.0),
    "HSD1": ("HSD", 1.0),
    "KD": ("KD", 3.0),
    "KD1": ("KD", 1.0),
}
SETS: dict[str, dict[str, Any]] = {**DATA["efficacy"], "strict": DATA["strict"]}
#: By name: the spending of alpha and of beta, with their parameters.
FUTILE: dict[str, tuple[str, float | None, str, float | None]] = {
    "OBF": ("OBF", None, "OBF", None),
    "uneven": ("OBF", None, "OBF", None),
    "Pocock": ("Pocock", None, "Pocock", None),
    "HSD": ("HSD", -4.0, "HSD", -2.0),
    "KD": ("KD", 3.0, "KD", 2.0),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("code", CODES)
def test_boundaries(name: str, code: str) -> None:
    row = SETS[name][code]
    spending, parameter = CODES[code]
    found = sequential_boundaries(
        row["fraction"], alpha=row["alpha"], spending=spending, parameter=parameter
    )
    z = np.array(row["z"])
    # rpact solves for probabilities to about 1e-10, which says little about a bound beyond 4.5.
    rel = np.where(z > 4.5, 1e-4, 1e-6)
    assert (np.abs(found.z / z - 1.0) < rel).all()
    assert (np.abs(found.z / z - 1.0)[z < 3.5] < 3e-8).all()
    assert found.spent == pytest.approx(np.array(row["spent"]), rel=3e-6)
    assert found.inflation == pytest.approx(row["inflation"], rel=1e-8)


@pytest.mark.parametrize("name", FUTILE)
def test_futility(name: str) -> None:
    row = DATA["futility"][name]
    spending, parameter, lower, floor = FUTILE[name]
    found = sequential_boundaries(
        row["fraction"],
        alpha=row["alpha"],
        power=1.0 - row["beta"],
        spending=spending,
        parameter=parameter,
        futility=lower,
        futility_parameter=floor,
    )
    expected = np.array([*row["futility"], row["z"][-1]])
    # One-sided there, two-sided here: crossing on the wrong side first is not counted twice.
    rel = 1e-5 if name == "Pocock" else 1e-6
    assert np.isnan(found.futility[expected <= 0.0]).all()
    kept = expected > 0.0
    assert found.futility[kept] == pytest.approx(expected[kept], rel=rel)
    assert found.inflation == pytest.approx(row["inflation"], rel=rel)


@pytest.mark.parametrize("row", DATA["within"])
def test_the_chance_of_crossing(row: dict[str, Any]) -> None:
    z = row["z"]
    below, above = crossing(row["fraction"], [-x for x in z], z, 0.0)
    assert sum(below) + sum(above) == pytest.approx(row["crossed"], abs=1e-9)
