"""Surgery for periodontitis: five trials with two outcomes each.

Berkey CS, Hoaglin DC, Antczak-Bouckoms A, Mosteller F, Colditz GA (1998). Meta-analysis of multiple
outcomes by regression with random effects. Stat Med 17:2537–2550. Improvement of probing depth
(PD) and attachment level (AL); results as published, by maximum likelihood.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
FILE = json.loads((VALUES / "multilevel_berkey1998.json").read_text("utf-8"))
TERM = "outcome | trial"


def fit(mods: str) -> MultilevelFit:
    return multilevel(
        yi="yi",
        V=FILE["V_matrix"],
        mods=mods,
        random=f"~ {TERM}",
        struct="UN",
        method="ML",
        data=FILE["input"],
    )


def test_two_outcomes() -> None:
    found = fit("~ 0 + outcome")
    estimates = [c.estimate for c in found.coefficients]
    assert estimates == pytest.approx([-0.3379, 0.3448], abs=5e-5)
    assert [c.se for c in found.coefficients] == pytest.approx([0.0798, 0.0495], abs=5e-5)
    assert found.tau2[TERM] == pytest.approx((0.0261, 0.0070), abs=5e-5)
    assert found.rho[TERM][0] == pytest.approx(0.6992, abs=5e-5)


def test_year_of_publication_adds_nothing() -> None:
    found = fit("~ 0 + outcome + outcome:I(year - 1983)")
    estimates = [c.estimate for c in found.coefficients]
    assert estimates == pytest.approx([-0.3351, 0.3479, -0.0108, 0.0010], abs=5e-5)
    assert found.compare(fit("~ 0 + outcome")).p_value > 0.5
