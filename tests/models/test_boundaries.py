"""Spending functions and boundaries: their laws, published values, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.boundaries import SPENDING, Boundaries, alpha_spent, sequential_boundaries
from equipoise.num.looks import crossing


def test_obrien_fleming_at_five_looks() -> None:
    found = sequential_boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).z
    assert found.round(4).tolist() == [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]


@pytest.mark.parametrize("code", SPENDING)
def test_all_is_spent_at_the_end_and_never_given_back(code: str) -> None:
    share = np.linspace(0.01, 1.0, 100)
    spent = alpha_spent(share, alpha=0.05, spending=code)
    assert spent[-1] == pytest.approx(0.05, rel=1e-12)
    assert (np.diff(spent) > 0.0).all()
    assert alpha_spent(1.7, alpha=0.05, spending=code)[0] == pytest.approx(0.05, rel=1e-12)


def test_limits_of_the_families() -> None:
    share = [0.1, 0.5, 0.9]
    even = alpha_spent(share, spending="HSD", parameter=0.0)
    assert even == pytest.approx(alpha_spent(share, spending="KD", parameter=1.0))
    assert alpha_spent(share, spending="HSD", parameter=1e-9) == pytest.approx(even, rel=1e-8)


def test_one_look_is_the_plain_test() -> None:
    found = sequential_boundaries([1.0], alpha=0.05)
    assert found.z[0] == pytest.approx(1.959963984540054, rel=1e-12)
    assert found.nominal[0] == pytest.approx(0.05, rel=1e-12)
    assert found.inflation == pytest.approx(1.0, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    gaps=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=6),
    code=st.sampled_from(list(SPENDING)),
    alpha=st.floats(0.001, 0.2),
)
def test_alpha_holds_over_all_looks(gaps: list[float], code: str, alpha: float) -> None:
    times = (np.cumsum(gaps) / sum(gaps)).tolist()
    times[-1] = 1.0
    found = sequential_boundaries(times, alpha=alpha, spending=code)
    below, above = crossing(times, (-found.z).tolist(), found.z.tolist(), 0.0)
    assert sum(below) + sum(above) == pytest.approx(alpha, rel=1e-9)
    assert found.inflation >= 1.0 - 1e-9


@pytest.mark.parametrize("code", SPENDING)
def test_futility_keeps_the_power_and_does_not_bind(code: str) -> None:
    times = [0.3, 0.6, 0.8, 1.0]
    found = sequential_boundaries(times, power=0.9, futility=code)
    free = sequential_boundaries(times, power=0.9)
    assert found.z == pytest.approx(free.z, rel=1e-12)
    assert found.inflation > free.inflation
    assert found.futility[-1] == found.z[-1]
    known = found.futility[np.isfinite(found.futility)]
    assert (np.diff(known) > 0.0).all()
    # Under the effect that the size is for, stopping in the wedge costs no more than 1 - power.
    drift = math.sqrt(found.inflation) * (1.959963984540054 + 1.2815515655446004)
    low = np.where(np.isnan(found.futility), -math.inf, found.futility)
    low[-1] = -math.inf
    _, above = crossing(times, low.tolist(), found.z.tolist(), drift)
    assert sum(above) >= 0.9 - 1e-9


def test_a_last_look_beyond_what_is_needed() -> None:
    found = sequential_boundaries([0.5, 1.3], futility="OBF")
    below, above = crossing([0.5, 1.3], (-found.z).tolist(), found.z.tolist(), 0.0)
    assert sum(below) + sum(above) == pytest.approx(0.05, rel=1e-9)
    assert found.spent[-1] == pytest.approx(0.05, rel=1e-12)
    assert found.futility[-1] == found.z[-1]


def test_the_result_reads_and_travels() -> None:
    found = sequential_boundaries([0.001, 0.5, 1.0], futility="KD")
    text = found.summary()
    assert "< 0.00001" in text
    assert "O'Brien and Fleming" in text
    assert repr(found).startswith("<Boundaries OBF, alpha 0.05: ")
    again = Boundaries.from_dict(found.to_dict())
    assert again.to_dict() == found.to_dict()
    assert len(found.to_frame()) == len(found) == 3
    assert "<table" in found._repr_html_()
    assert found.methods[0].doi == "10.1093/biomet/70.3.659"


@pytest.mark.parametrize(
    ("times", "settings_", "words"),
    [
        ([], {}, "no look"),
        ([0.5, 0.5], {}, "look 2"),
        ([0.5, 0.5000001], {}, "look 2"),
        ([0.5, 0.4], {}, "look 2"),
        ([0.0, 0.4], {}, "look 1"),
        ([-0.5], {}, "look 1"),
        ([math.nan], {}, "look 1"),
        ([math.inf], {}, "look 1"),
        ([0.5, 1.0, 1.2], {}, "look 3"),
        ([1.0], {"alpha": 0.0}, "alpha 0"),
        ([1.0], {"alpha": 5.0}, "alpha 5"),
        ([1.0], {"power": 1.0}, "power 1"),
        ([1.0], {"power": 80.0}, "power 80"),
        ([1.0], {"parameter": 1.0}, "OBF, which has none"),
        ([1.0], {"spending": "KD", "parameter": 0.0}, "parameter 0 of KD"),
        ([1.0], {"spending": "HSD", "parameter": math.nan}, "parameter nan of HSD"),
    ],
)
def test_what_is_refused(times: list[float], settings_: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sequential_boundaries(times, **settings_)  # type: ignore[arg-type]


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'Pocock'"):
        sequential_boundaries([1.0], spending="pocok")
    with pytest.raises(UnknownNameError, match="'OBF'"):
        sequential_boundaries([1.0], futility="OBFF")
    with pytest.raises(InputError, match="fraction 0"):
        alpha_spent(0.0)
