"""Intervals for the amount of heterogeneity: diuretics in pregnancy.

Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity in meta-analysis.
Stat Med 26:37–52, table II, doi:10.1002/sim.2514. The trials: Collins R, Yusuf S, Peto R (1985).
Overview of randomised trials of diuretics in pregnancy. BMJ 290:17–23, pre-eclampsia.
"""

from __future__ import annotations

import pytest

from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.models.pairwise import pairwise

# Pre-eclampsia and women treated; pre-eclampsia and women in control.
TRIALS = [
    (14, 131, 14, 136),
    (21, 385, 17, 134),
    (14, 57, 24, 48),
    (6, 38, 18, 40),
    (12, 1011, 35, 760),
    (138, 1370, 175, 1336),
    (15, 506, 20, 524),
    (6, 108, 2, 103),
    (65, 153, 40, 102),
]


def diuretics() -> Contrasts:
    events1, n1, events2, n2 = (list(column) for column in zip(*TRIALS, strict=True))
    return effect_sizes("OR", events1=events1, n1=n1, events2=events2, n2=n2)


@pytest.mark.parametrize(
    ("tau2", "expected"), [("DL", 0.230), ("ML", 0.239), ("REML", 0.301), ("SJ", 0.456)]
)
def test_estimates(tau2: str, expected: float) -> None:
    assert round(pairwise(diuretics(), tau2=tau2).tau2, 3) == expected


@pytest.mark.parametrize(
    ("tau2", "interval", "expected"),
    [
        ("DL", "QP", (0.072, 2.203)),
        ("ML", "PL", (0.027, 1.131)),
        ("REML", "PL", (0.043, 1.475)),
    ],
)
def test_intervals(tau2: str, interval: str, expected: tuple[float, float]) -> None:
    ci = pairwise(diuretics(), tau2=tau2, tau2_interval=interval).tau2_ci
    assert ci is not None
    assert (round(ci.low, 3), round(ci.high, 3)) == expected


@pytest.mark.parametrize(("tau2", "expected"), [("ML", (-0.101, 0.578)), ("REML", (-0.131, 0.732))])
def test_wald_type_intervals_from_the_standard_error(
    tau2: str, expected: tuple[float, float]
) -> None:
    fit = pairwise(diuretics(), tau2=tau2)
    bounds = (fit.tau2 - 1.96 * fit.tau2_se, fit.tau2 + 1.96 * fit.tau2_se)
    assert (round(bounds[0], 3), round(bounds[1], 3)) == expected
