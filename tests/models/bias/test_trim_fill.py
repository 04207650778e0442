"""Trim and fill: its laws, a worked example by hand, what is noted and refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.bias.trim_fill import TrimFill, trim_fill
from equipoise.models.pairwise import pairwise

ESTIMATORS = ("L0", "R0", "Q0")


def skewed(k: int = 12) -> tuple[np.ndarray, np.ndarray]:
    s = np.linspace(0.05, 0.6, k)
    wave = np.array([0.31, -0.52, 0.83, -0.17, -0.44, 1.37, 0.56, 1.62, -0.95, -0.23, 1.98, 1.19])
    return 0.2 + s * wave[:k], s**2


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=2, max_size=6),
    st.sampled_from(ESTIMATORS),
    st.sampled_from(["random", "common"]),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from(["left", "right"]),
)
def test_a_symmetric_set_lacks_none(
    pairs: list[tuple[int, int]], estimator: str, model: str, center: float, side: str
) -> None:
    away = np.array([d / 8 for d, _ in pairs])
    v = np.array([n / 16 for _, n in pairs])
    yi, vi = np.concatenate([center - away, center + away]), np.concatenate([v, v])
    t = trim_fill(
        contrasts(yi=yi, vi=vi, measure="MD"), estimator=estimator, side=side, model=model
    )
    assert t.k0 == 0
    assert t.filled is t.observed


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("model", ["random", "common"])
def test_order_sign_shift_and_units(estimator: str, model: str) -> None:
    y, v = skewed()

    def run(yi: np.ndarray, vi: np.ndarray) -> TrimFill:
        es = contrasts(yi=yi, vi=vi, measure="MD")
        return trim_fill(es, estimator=estimator, model=model, interval="Wald")

    base = run(y, v)
    assert base.side == "left"
    mixed = np.random.default_rng(3).permutation(len(y))
    for other, back in [
        (run(y[mixed], v[mixed]), lambda x: x),
        (run(y + 32.0, v), lambda x: x - 32.0),
        (run(y * 1e6, v * 1e12), lambda x: x / 1e6),
        (run(y * 1e-6, v * 1e-12), lambda x: x * 1e6),
    ]:
        assert (other.k0, other.side) == (base.k0, base.side)
        assert back(other.filled.estimate) == pytest.approx(base.filled.estimate, rel=1e-8)
    turned = run(-y, v)
    assert (turned.k0, turned.side) == (base.k0, "right")
    assert turned.filled.estimate == pytest.approx(-base.filled.estimate, rel=1e-9)


def test_what_is_put_in_mirrors_what_was_trimmed() -> None:
    y, v = skewed()
    t = trim_fill(contrasts(yi=y, vi=v, measure="MD"), side="left")
    assert t.k0 > 0
    added = t.yi[t.is_filled == 1]
    largest = np.sort(y)[len(y) - t.k0 :]
    assert added == pytest.approx(2 * t.center - largest)
    again = pairwise(contrasts(yi=t.yi, vi=t.vi, measure="MD"))
    assert t.filled.estimate == pytest.approx(again.estimate, rel=1e-12)
    assert t.filled.tau2 == pytest.approx(again.tau2, rel=1e-12)


def test_r0_has_a_p_value_and_the_others_none() -> None:
    es = contrasts(yi=skewed()[0], vi=skewed()[1], measure="MD")
    t = trim_fill(es, estimator="R0")
    assert t.p_value == 0.5 ** (t.k0 + 1)
    assert math.isnan(trim_fill(es).p_value)


def test_a_fit_keeps_its_settings() -> None:
    es = contrasts(yi=skewed()[0], vi=skewed()[1], measure="MD")
    fit = pairwise(es, tau2="DL", interval="Wald", level=0.9)
    t = trim_fill(fit)
    assert t.filled.level == 0.9
    assert t.filled.tau2_method == "DL"
    assert t.observed is fit
    with pytest.raises(InputError, match="tau2 with a fit"):
        trim_fill(fit, tau2="REML")


def test_it_says_that_it_is_a_sensitivity_analysis() -> None:
    t = trim_fill(contrasts(yi=skewed()[0], vi=skewed()[1], measure="MD"))
    assert {"sensitivity-analysis"} <= {note.code for note in t.notes}
    assert "Missing on the left" in t.summary()
    assert repr(t).startswith("<TrimFill L0 ")
    frame = t.to_frame("pandas")
    assert int(frame["filled"].sum()) == t.k0
    assert TrimFill.from_dict(t.to_dict()).to_dict() == t.to_dict()


def test_what_is_refused() -> None:
    es = contrasts(yi=skewed()[0], vi=skewed()[1], measure="MD")
    with pytest.raises(UnknownNameError, match="'L0'"):
        trim_fill(es, estimator="L")
    with pytest.raises(UnknownNameError, match="side"):
        trim_fill(es, side="top")
    with pytest.raises(UnknownNameError, match="way to trim"):
        trim_fill(es, trim="fixed")
    with pytest.raises(NotEstimableError, match="at least 3"):
        trim_fill(es.take([0, 1]))
    with pytest.raises(NotEstimableError, match="same standard error"):
        trim_fill(contrasts(yi=[1, 2, 3], sei=[1, 1, 1], measure="MD"))
