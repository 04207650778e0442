"""The bootstrap of a synthesis: R's package boot, what the theory says, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaincinv

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.scale.bootstrap import Bootstrap, bootstrap, bounds

VALUES = Path(__file__).parents[2] / "validation" / "values" / "bootstrap.json"
R = json.loads(VALUES.read_text(encoding="utf-8"))


def fitted(y: Any = R["yi"], v: Any = R["vi"], measure: str = "RR", **how: Any) -> PairwiseFit:
    return pairwise(eq.contrasts(yi=y, vi=v, measure=measure), **how)


@pytest.mark.parametrize("kind", ["trials", "parametric"])
@pytest.mark.parametrize("name", ["estimate", "tau2"])
def test_intervals_are_those_of_boot(kind: str, name: str) -> None:
    own = R[kind][name]
    samples = np.array(own["samples"])
    for expected in own["intervals"]:
        got = bounds(own["fitted"], samples, own["acceleration"], expected["level"])
        assert got.percentile == pytest.approx(expected["percentile"], rel=1e-10)
        assert got.bca == pytest.approx(expected["bca"], rel=1e-10)


@pytest.mark.parametrize("kind", ["trials", "parametric"])
def test_accelerations_are_those_of_the_papers(kind: str) -> None:
    found = bootstrap(fitted(tau2="DL"), kind=kind, draws=50)
    for name in ("estimate", "tau2"):
        i = found.names.index(name)
        assert found.fitted[i] == pytest.approx(R[kind][name]["fitted"], rel=1e-10)
        assert found.acceleration[i] == pytest.approx(R[kind][name]["acceleration"], abs=1e-10)


def test_samples_of_trials_are_fits_of_their_own() -> None:
    for row, trials in enumerate(R["indices"]):
        y, v = (np.array(R[name])[np.array(trials) - 1] for name in ("yi", "vi"))
        fit = fitted(y, v, tau2="DL")
        assert fit.estimate == pytest.approx(R["trials"]["estimate"]["samples"][row], rel=1e-9)
        assert fit.tau2 == pytest.approx(R["trials"]["tau2"]["samples"][row], rel=1e-9)
    fit = fitted()
    found = bootstrap(fit, draws=20, seed=3)
    rows = np.random.default_rng(3).integers(13, size=(20, 13))
    for i in range(20):
        one = fitted(fit.yi[rows[i]], fit.vi[rows[i]])
        assert found.samples["estimate"][i] == pytest.approx(one.estimate, rel=1e-9)
        assert found.samples["tau2"][i] == pytest.approx(one.tau2, rel=1e-8, abs=1e-12)
        assert found.samples["i2"][i] == pytest.approx(one.i2, rel=1e-8, abs=1e-8)
    both = eq.batch.bootstrap(eq.contrasts(yi=fit.yi, vi=fit.vi), 20, 3)
    assert (both.estimate == found.samples["estimate"]).all()


def test_parametric_bca_of_tau2_is_near_the_exact_interval() -> None:
    """Equal variances: (k - 1) s² / (v + tau²) is chi-squared, so the interval is known."""
    y = np.array([-2.1, -1.2, -0.9, -0.5, -0.3, 0.0, 0.1, 0.4, 0.7, 1.1, 1.3, 1.9])
    v, k = 0.2, 12
    fit = fitted(y, np.full(k, v), "MD")
    total = float(((y - y.mean()) ** 2).sum())
    low, high = (total / (2.0 * gammaincinv((k - 1) / 2, p)) - v for p in (0.975, 0.025))
    found = bootstrap(fit, kind="parametric", draws=19_999)
    bca, plain = found.interval("tau2"), found.interval("tau2", "percentile")
    assert bca.low == pytest.approx(low, rel=0.05)
    assert bca.high == pytest.approx(high, rel=0.06)
    assert plain.high < 0.75 * high
    assert found.acceleration[1] == pytest.approx(math.sqrt(8.0 / k) / 6.0)
    # The mean is normal with variance (v + tau²) / k.
    half = 1.959964 * math.sqrt((v + fit.tau2) / k)
    assert found.ci.low == pytest.approx(fit.estimate - half, abs=0.03 * half)
    assert found.ci.high == pytest.approx(fit.estimate + half, abs=0.03 * half)


def test_the_interval_of_bcg_is_near_those_of_the_fit() -> None:
    fit = fitted()
    assert fit.tau2_ci is not None
    found = bootstrap(fit, kind="parametric")
    assert found.interval("tau2").low == pytest.approx(fit.tau2_ci.low, rel=0.1)
    assert found.interval("tau2").high == pytest.approx(fit.tau2_ci.high, rel=0.1)
    text = found.summary()
    assert "Bootstrap, parametric, 9999 samples, seed 1" in text
    assert "0.49" in text
    assert "scale of analysis" in text
    assert "<table" in found._repr_html_()
    assert repr(found).startswith("<Bootstrap parametric, 9999 samples: RR 0.49 (95% CI 0.3")
    assert {m.doi for m in found.methods} >= {"10.1080/01621459.1987.10478410"}


@settings(max_examples=15, deadline=None)
@given(
    shift=st.floats(-1e6, 1e6),
    exponent=st.integers(-6, 6),
    kind=st.sampled_from(["trials", "parametric"]),
)
def test_units_and_origin(shift: float, exponent: int, kind: str) -> None:
    unit = 10.0**exponent
    y, v = np.array(R["yi"]), np.array(R["vi"])
    one = bootstrap(fitted(y, v, "MD"), kind=kind, draws=199, level=0.9)
    two = bootstrap(fitted(unit * (y + shift), unit**2 * v, "MD"), kind=kind, draws=199, level=0.9)
    rel = 1e-6 if abs(shift) > 1 else 1e-9
    for low in ("percentile_low", "percentile_high", "bca_low", "bca_high"):
        a, b = getattr(one, low), getattr(two, low)
        assert b[0] / unit - shift == pytest.approx(a[0], abs=1e-9 + rel)
        assert b[1] / unit**2 == pytest.approx(a[1], rel=rel)
        assert b[2] == pytest.approx(a[2], rel=rel)


def test_turned_signs_turn_the_interval() -> None:
    y, v = np.array(R["yi"]), np.array(R["vi"])
    one, two = (bootstrap(fitted(s * y, v), draws=999) for s in (1.0, -1.0))
    assert two.ci.low == pytest.approx(-one.ci.high, rel=1e-9)
    assert two.ci.high == pytest.approx(-one.ci.low, rel=1e-9)
    assert two.interval("tau2").low == pytest.approx(one.interval("tau2").low, rel=1e-9)


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    fit = fitted(tau2="DL")
    assert bootstrap(fit, draws=99).to_dict() == bootstrap(fit, draws=99).to_dict()
    assert bootstrap(fit, draws=99, seed=2).to_dict() != bootstrap(fit, draws=99).to_dict()
    found = bootstrap(fit, draws=99, level=0.5)
    again = Bootstrap.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    assert len(found.to_frame("pandas")) == len(found) == 99
    assert not found.samples["tau2"].flags.writeable


def test_a_common_effect_has_a_mean_alone() -> None:
    found = eq.bootstrap(fitted(model="common"), kind="parametric", draws=999)
    assert found.names == ("estimate",)
    assert found.ci.method == "bootstrap, BCa"
    with pytest.raises(UnknownNameError, match="tau2"):
        found.interval("tau2")


def test_what_a_bootstrap_cannot_say_is_said() -> None:
    few = bootstrap(fitted([0.1, 0.5, 0.3, 0.9], [0.02] * 4), draws=999)
    assert "few-trials-drawn" in [note.code for note in few.notes]
    # Every sample of these has a larger tau² than the fit, whose tau² is 0.
    own = np.array([0.5, 1.0, 2.0])
    none = bounds(0.0, own, 0.1, 0.9)
    assert math.isnan(none.bca[0])
    assert none.percentile[0] == 0.5
    assert none.extreme
    same = bootstrap(fitted([1.0] * 5, [0.2] * 5, "MD"), draws=99)
    assert same.interval("tau2").low == same.interval("tau2").high == 0.0
    assert same.ci.low == same.ci.high == 1.0
    short = bootstrap(fitted(), draws=9)
    assert "few-draws" in [note.code for note in short.notes]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    bootstrap(fitted(tau2="DL"), draws=50, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (50, 50)


@pytest.mark.parametrize(
    ("how", "more", "message"),
    [
        ({}, {"kind": "trial"}, "unknown kind of bootstrap 'trial'. Try: 'trials'"),
        ({}, {"draws": 1}, "1 draws"),
        ({}, {"draws": 1.5}, "1.5 draws"),
        ({}, {"level": 95}, "level 95"),
        ({"tau2": "SJ"}, {}, "tau² by SJ"),
        ({"tau2": 0.3}, {}, "tau² by given"),
        ({"weighted": False}, {}, "own weights"),
    ],
)
def test_what_is_refused(how: dict[str, Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bootstrap(fitted(**how), **more)


def test_two_trials_and_no_fit_are_refused() -> None:
    with pytest.raises(InputError, match="a bootstrap of 2 trials"):
        bootstrap(fitted([1.0, 2.0], [1.0, 1.0]))
    with pytest.raises(InputError, match="where a fit is wanted"):
        bootstrap(eq.contrasts(yi=[1.0], vi=[1.0]))  # type: ignore[arg-type]
