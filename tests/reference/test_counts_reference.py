"""Models of counts against metafor, on five published data sets.

The values in validation/values/counts.json were made by validation/R/counts.R; what agrees to how
many digits, and the exceptions, are explained in validation/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from equipoise.models.counts.fit import counts
from equipoise.models.counts.result import CountsFit

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
