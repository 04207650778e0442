"""Moment estimators side by side: aspirin in pregnancy (CLASP).

DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of clinical trials: an
update. Contemp Clin Trials 28:105–114, tables 3 and 4, doi:10.1016/j.cct.2006.04.004.
"""

from __future__ import annotations

import pytest

from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.models.pairwise import pairwise

# Pre-eclampsia and women with aspirin; pre-eclampsia and women without.
TRIALS = [
    (5, 156, 8, 74),
    (5, 303, 17, 303),
    (12, 565, 9, 477),
    (69, 1570, 94, 1565),
    (9, 103, 11, 105),
    (313, 4659, 352, 4650),
]


def clasp() -> Contrasts:
    events1, n1, events2, n2 = (list(column) for column in zip(*TRIALS, strict=True))
    return effect_sizes("OR", events1=events1, n1=n1, events2=events2, n2=n2)


@pytest.mark.parametrize(
    ("tau2", "tau", "mean", "se"),
    [
        ("PM", 0.3681, -0.3811, 0.2060),
        ("HE", 0.4410, -0.4035, 0.2327),
        ("DL", 0.2323, -0.3240, 0.1540),
        ("EB", 0.3681, -0.3811, 0.2060),
        ("REML", 0.1843, -0.2980, 0.1343),
        ("HS", 0.1330, -0.2666, 0.1125),
        ("SJ", 0.4572, -0.4079, 0.2386),
    ],
)
def test_estimators(tau2: str, tau: float, mean: float, se: float) -> None:
    fit = pairwise(clasp(), tau2=tau2)
    found = [round(x, 4) for x in (fit.tau, fit.estimate, fit.se_wald)]
    assert found == [tau, mean, se]


def test_maximum_likelihood_is_at_zero() -> None:
    """Printed as tau 0.0023, mean -0.1974: a search that stopped before the end of the slope."""
    es = clasp()
    fit, printed = pairwise(es, tau2="ML"), pairwise(es, tau2=0.0023**2)
    assert fit.tau2 == 0.0
    assert (round(printed.estimate, 4), round(printed.se_wald, 4)) == (-0.1974, 0.0694)
    lower = printed.fit_statistics("ML").log_likelihood
    assert fit.fit_statistics("ML").log_likelihood > lower


@pytest.mark.parametrize(
    ("first", "tau", "mean", "se"),
    [("HE", 0.3831, -0.3861, 0.2115), ("DL", 0.3254, -0.3655, 0.1901)],
)
def test_two_steps(first: str, tau: float, mean: float, se: float) -> None:
    es = clasp()
    start = pairwise(es, tau2=first).tau2
    weights = (1.0 / (es.vi + start)).tolist()
    second = pairwise(es, tau2="GENQ", weights=weights).tau2
    fit = pairwise(es, tau2=second)
    assert [round(x, 4) for x in (fit.tau, fit.estimate, fit.se_wald)] == [tau, mean, se]
