"""Location-scale models: derivatives, invariants, special cases, and refusals."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.location_scale import LocationScaleFit, location_scale
from equipoise.models.regression import regress
from equipoise.models.residual import Residual
from equipoise.models.scale_likelihood import ScaleLikelihood


def simulated(seed: int = 1, k: int = 40, slope: float = 0.8) -> tuple[Contrasts, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=k)
    site = [("north", "south", "east")[i % 3] for i in range(k)]
    v = np.exp(rng.normal(-3.0, 0.7, k))
    y = 0.3 + 0.2 * x + rng.normal(size=k) * np.sqrt(v + np.exp(-2.0 + slope * x))
    return contrasts(yi=y, vi=v, measure="MD"), {"x": x.tolist(), "site": site}


ES, DATA = simulated()


def dense(es: Contrasts, X: Any, Z: Any, alpha: Any, ml: bool, link: str) -> float:
    """The log-likelihood by whole matrices."""
    eta = Z @ alpha
    t = np.exp(eta) if link == "log" else eta
    W = np.diag(1.0 / (es.vi + t))
    A = X.T @ W @ X
    P = W - W @ X @ np.linalg.solve(A, X.T @ W)
    log = float(np.log(es.vi + t).sum() + es.yi @ P @ es.yi)
    return -0.5 * (log if ml else log + float(np.linalg.slogdet(A)[1]))


@pytest.mark.parametrize("ml", [True, False])
@pytest.mark.parametrize("link", ["log", "identity"])
def test_derivatives_are_those_of_the_likelihood(link: str, ml: bool) -> None:
    x = np.array(DATA["x"])
    X = Z = np.column_stack([np.ones(len(x)), x])
    model = ScaleLikelihood(Residual(ES.yi, ES.vi, X), Z, link=link, ml=ml)
    gamma = np.array([-2.0, 0.4]) if link == "log" else np.array([9.0, 0.5])
    at = model.slope(gamma)
    h = 1e-4
    steps = np.eye(2) * h
    for i in range(2):
        up, down = model.value(gamma + steps[i]), model.value(gamma - steps[i])
        assert at.gradient[i] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-6)
        up, down = model.slope(gamma + steps[i]), model.slope(gamma - steps[i])
        numeric = (up.gradient - down.gradient) / (2 * h)
        assert at.hessian[i] == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_it_is_the_top_of_the_likelihood(method: str) -> None:
    fit = location_scale(ES, "~ x", scale="~ x", data=DATA, method=method)
    x = np.array(DATA["x"])
    X = np.column_stack([np.ones(len(x)), x])
    top = dense(ES, X, X, fit.alpha, method == "ML", "log")
    for step in np.random.default_rng(0).normal(size=(200, 2)) * 0.5:
        assert dense(ES, X, X, fit.alpha + step, method == "ML", "log") <= top + 1e-9
    W = np.diag(1.0 / (ES.vi + fit.tau2))
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ ES.yi)
    assert fit.beta == pytest.approx(beta, rel=1e-9)
    assert fit.tau2 == pytest.approx(np.exp(X @ fit.alpha), rel=1e-9)


def test_a_constant_scale_is_the_meta_regression() -> None:
    for method in ("REML", "ML"):
        fit = location_scale(ES, "~ x", scale="~ 1", data=DATA, method=method)
        plain = regress(ES, "~ x", data=DATA, tau2=method, interval="Wald")
        assert math.exp(fit.alpha[0]) == pytest.approx(plain.tau2, rel=1e-8)
        assert fit.beta == pytest.approx(plain.beta, rel=1e-8)
        assert fit.ml.loglik == pytest.approx(plain.ml.loglik, rel=1e-10)
        assert fit.reml.aicc == pytest.approx(plain.reml.aicc, rel=1e-10)
        assert fit.lrt is None


def test_groups_of_the_scale_without_common_mean_are_separate_syntheses() -> None:
    fit = location_scale(ES, "~ 0 + site", scale="~ 0 + site", data=DATA)
    for level in ("north", "south", "east"):
        rows = [i for i, s in enumerate(DATA["site"]) if s == level]
        part = contrasts(yi=ES.yi[rows], vi=ES.vi[rows], measure="MD")
        alone = regress(part, interval="Wald")
        name = f"site[{level}]"
        assert math.exp(fit.coefficient(name, "scale").estimate) == pytest.approx(alone.tau2)
        assert fit.coefficient(name).estimate == pytest.approx(alone.beta[0])
    with_intercept = location_scale(ES, "~ site", scale="~ site", data=DATA)
    assert with_intercept.loglik == pytest.approx(fit.loglik, rel=1e-9)
    assert with_intercept.tau2 == pytest.approx(fit.tau2, rel=1e-6)


def test_identity_and_log_links_agree_on_groups() -> None:
    log = location_scale(ES, scale="~ site", data=DATA)
    identity = location_scale(ES, scale="~ site", data=DATA, link="identity")
    assert identity.loglik == pytest.approx(log.loglik, rel=1e-9)
    assert identity.tau2 == pytest.approx(log.tau2, rel=1e-5)
    assert identity.predict_tau2({"site": ["east"]}).estimate[0] == pytest.approx(
        log.predict_tau2({"site": ["east"]}).estimate[0], rel=1e-5
    )


@given(st.integers(-20, 20), st.sampled_from([0.0, 3.0, -1e4]), st.sampled_from([1.0, 1e-3, 64.0]))
@settings(max_examples=10, deadline=None)
def test_units_and_origins_never_matter(power: int, shift: float, factor: float) -> None:
    one = location_scale(ES, "~ x", scale="~ x", data=DATA)
    unit = 2.0**power
    es = contrasts(yi=(ES.yi + shift) * unit, vi=ES.vi * unit**2, measure="MD")
    two = location_scale(es, "~ x", scale="~ x", data={"x": [factor * x + 5.0 for x in DATA["x"]]})
    assert two.beta[1] * factor / unit == pytest.approx(one.beta[1], rel=1e-6)
    assert two.alpha[1] * factor == pytest.approx(one.alpha[1], rel=1e-6)
    assert two.tau2 / unit**2 == pytest.approx(one.tau2, rel=1e-6)
    assert two.qs == pytest.approx(one.qs, rel=1e-6)
    assert two.lrt == pytest.approx(one.lrt, rel=1e-6, abs=1e-7)


def test_the_order_of_the_trials_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(40)
    es = contrasts(yi=ES.yi[order], vi=ES.vi[order], measure="MD")
    data = {"x": np.array(DATA["x"])[order]}
    one = location_scale(ES, "~ x", scale="~ x", data=DATA)
    two = location_scale(es, "~ x", scale="~ x", data=data)
    assert two.beta.tolist() == one.beta.tolist()
    assert two.alpha.tolist() == one.alpha.tolist()


def test_several_tops_are_seen_and_the_highest_is_shown() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        v = np.exp(rng.normal(0.0, 1.5, 9))
        es = contrasts(yi=rng.standard_t(2, 9) * 2.0, vi=v, measure="MD")
        try:
            fit = location_scale(es, scale={"x": rng.normal(size=9)})
        except NotEstimableError:
            continue
        if fit.n_optima > 1:
            break
    assert fit.n_optima > 1
    assert "several-optima" in {note.code for note in fit.notes}


def test_predictions() -> None:
    fit = location_scale(ES, "~ x", scale="~ x", data=DATA, interval="t")
    new = {"x": [0.0, 1.0]}
    tau2 = fit.predict_tau2(new)
    assert tau2.estimate[0] == pytest.approx(math.exp(fit.alpha[0]))
    assert tau2.ci_low[0] == pytest.approx(math.exp(fit.scale[0].ci.low))
    found = fit.predict(new)
    half = (found.pi_high - found.pi_low) / (found.ci_high - found.ci_low)
    assert half == pytest.approx(np.sqrt(found.se**2 + tau2.estimate) / found.se)
    assert fit.predict().estimate == pytest.approx(fit.location_design.X @ fit.beta)
    wide = fit.predict(new, {"x": [2.0]})
    assert (wide.pi_high > found.pi_high).all()
    with pytest.raises(InputError, match="3 rows for the scale"):
        fit.predict(new, {"x": [0.0, 1.0, 2.0]})


def test_what_a_reader_sees() -> None:
    fit = location_scale(ES, "~ x", scale="~ x + site", data=DATA, reference={"site": "north"})
    assert [c.name for c in fit.scale] == ["intercept", "x", "site[T.east]", "site[T.south]"]
    text = fit.summary()
    for words in ("Location-scale model of 40", "Test of the scale", "Location: mean effect"):
        assert words in text
    assert repr(fit).startswith("<LocationScaleFit MD: scale QM(3)")
    assert "<table" in fit._repr_html_()
    assert len(fit.to_frame("pandas")) == 6
    again = LocationScaleFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    new = {"x": [0.5], "site": ["east"]}
    assert again.predict(new).to_dict() == fit.predict(new).to_dict()
    with pytest.raises(UnknownNameError):
        fit.coefficient("x", "spread")
    with pytest.raises(UnknownNameError):
        fit.coefficient("y", "scale")


def test_trials_that_lack_something_are_left_out_and_named() -> None:
    holes = {**DATA, "x": [math.nan, *DATA["x"][1:]]}
    fit = location_scale(ES, scale="~ x", data=holes)
    assert fit.k == 39
    assert fit.left_out[0].study == "study 1"


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"link": "logit"}, UnknownNameError, "log"),
        ({"method": "DL"}, UnknownNameError, "REML"),
        ({"interval": "KR"}, UnknownNameError, "HK"),
        ({"level": 2.0}, InputError, "level 2"),
        ({"scale": "~ x + I(2 * x)"}, InputError, r"I\(2 \* x\) = 2 × x"),
        ({"scale": "~ poly(x, 20) * site"}, NotEstimableError, "1 coefficient of the mean"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    settings: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        location_scale(ES, **{"scale": "~ x", "data": DATA, **settings})


def test_trials_that_agree_have_no_scale() -> None:
    es = contrasts(yi=[0.1, 0.11, 0.09, 0.1, 0.105, 0.098], vi=[0.1] * 6, measure="MD")
    with pytest.raises(NotEstimableError, match="runs to 0"):
        location_scale(es, scale="~ x", data={"x": [1, 2, 3, 4, 5, 7]})
    with pytest.raises(NotEstimableError, match="link='log'"):
        location_scale(es, scale="~ x", data={"x": [1, 2, 3, 4, 5, 7]}, link="identity")
