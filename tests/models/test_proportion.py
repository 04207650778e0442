"""The share of true effects beyond a threshold."""

from __future__ import annotations

import math

import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.pairwise import pairwise
from equipoise.num.dist import normal_density, normal_tail


def rows(k: int = 12, spread: float = 1.0) -> Contrasts:
    y = [0.2 + spread * math.sin(3.0 * i) for i in range(k)]
    return contrasts(
        yi=y, vi=[0.02 + 0.01 * i for i in range(k)], study=[f"s{i}" for i in range(k)]
    )


def test_by_its_formula() -> None:
    fit = pairwise(rows(), interval="Wald")
    found = fit.proportion_beyond(0.5)
    z = (0.5 - fit.estimate) / fit.tau
    assert found.estimate == pytest.approx(normal_tail(z), rel=1e-14)
    variance = fit.se_wald**2 / fit.tau2 + z * z * fit.tau2_se**2 / (4.0 * fit.tau2**2)
    assert found.se == pytest.approx(normal_density(z) * math.sqrt(variance), rel=1e-12)
    assert 0.0 <= found.ci.low < found.estimate < found.ci.high <= 1.0
    assert not found.notes
    assert "12" not in repr(found)


def test_above_and_below_add_up() -> None:
    fit = pairwise(rows())
    above, below = fit.proportion_beyond(0.3), fit.proportion_beyond(0.3, "below")
    assert above.estimate + below.estimate == pytest.approx(1.0)
    assert above.calibrated + below.calibrated == pytest.approx(1.0)
    assert above.se == pytest.approx(below.se)
    assert fit.proportion_beyond(fit.estimate).estimate == pytest.approx(0.5)


def test_its_limits_are_told() -> None:
    codes = {n.code for n in pairwise(rows(5)).proportion_beyond(9.0).notes}
    assert codes == {"few-trials", "extreme-share"}


def test_a_given_tau2_counts_as_known() -> None:
    fit = pairwise(rows(), tau2=0.5)
    assert math.isfinite(fit.proportion_beyond(0.4).se)


def test_refusals() -> None:
    fit = pairwise(rows())
    with pytest.raises(UnknownNameError, match="'below'"):
        fit.proportion_beyond(0.1, "belw")
    with pytest.raises(InputError, match="threshold"):
        fit.proportion_beyond(math.nan)
    with pytest.raises(InputError, match="common effect"):
        pairwise(rows(), model="common").proportion_beyond(0.1)
    with pytest.raises(NotEstimableError, match="tau²"):
        pairwise(rows(spread=0.0)).proportion_beyond(0.1)
