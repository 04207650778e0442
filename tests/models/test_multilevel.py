"""Multilevel models: laws that any of them obeys, an independent second route, and bad input."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit
from equipoise.models.pairwise import pairwise

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
SCHOOLS = json.loads((VALUES / "multilevel_konstantopoulos2011.json").read_text("utf-8"))["input"]
_BERKEY = json.loads((VALUES / "multilevel_berkey1998.json").read_text("utf-8"))
GUMS, GUMS_V = _BERKEY["input"], np.array(_BERKEY["V_matrix"])


def made(seed: int, groups: int, most: int, sd: float = 0.3) -> dict[str, Any]:
    """Nested effects: groups of 1 to `most` rows."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most + 1, groups)
    group = np.repeat(np.arange(groups), sizes)
    vi = rng.uniform(0.01, 0.2, group.size)
    u = rng.normal(0, sd, groups)[group]
    yi = 0.3 + u + rng.normal(0, 0.5 * sd, group.size) + rng.normal(0, np.sqrt(vi))
    row = np.arange(group.size)
    year = rng.integers(1990, 2020, group.size).astype(float)
    return {"group": group, "row": row, "yi": yi, "vi": vi, "year": year}


def nested(data: dict[str, Any], **kw: Any) -> MultilevelFit:
    return multilevel(yi="yi", vi="vi", random="~ 1 | group/row", data=data, **kw)


def dense(fit: MultilevelFit, G: list[Any]) -> float:
    """The log-likelihood written out with full matrices."""
    M = fit.V()
    for t, g in zip(fit.terms, G, strict=True):
        M = M + (t.outer[:, None] == t.outer) * np.asarray(g)[t.inner[:, None], t.inner]
    X, k, p = fit.design.X, fit.k, fit.design.X.shape[1]
    W = np.linalg.inv(M)
    XWX = X.T @ W @ X
    rest = fit.yi - X @ np.linalg.solve(XWX, X.T @ W @ fit.yi)
    ll = -0.5 * (np.linalg.slogdet(M)[1] + rest @ W @ rest)
    if fit.method == "ML":
        return float(ll - 0.5 * k * math.log(2 * math.pi))
    ll += 0.5 * (np.linalg.slogdet(X.T @ X)[1] - np.linalg.slogdet(XWX)[1])
    return float(ll - 0.5 * (k - p) * math.log(2 * math.pi))


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(6))
def test_one_level_is_the_pairwise_synthesis(method: str, seed: int) -> None:
    d = made(seed, 9, 1)
    fit = multilevel(yi="yi", vi="vi", random="~ 1 | row", data=d, method=method)
    want = pairwise(contrasts(yi=d["yi"], vi=d["vi"], study=d["row"]), tau2=method, interval="Wald")
    assert fit.sigma2["row"] == pytest.approx(want.tau2, rel=1e-9, abs=1e-13)
    assert fit.estimate == pytest.approx(want.estimate, rel=1e-9)
    assert fit.se == pytest.approx(want.se, rel=1e-9)
    assert fit.qe == pytest.approx(want.q, rel=1e-11)
    assert fit.i2[0].percent == pytest.approx(want.i2, rel=1e-8, abs=1e-9)
    full = multilevel(yi=d["yi"], V=np.diag(d["vi"]), random="~ 1 | row", data=d, method=method)
    assert full.estimate == fit.estimate
    assert full.log_likelihood == fit.log_likelihood


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_the_grid_finds_the_certified_optimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 13))
    vi = 10.0 ** rng.uniform(-3, 2, k)
    yi = rng.standard_t(2, k) * 10.0 ** rng.uniform(-1.5, 1)
    want = pairwise(contrasts(yi=yi, vi=vi, study=range(k)), interval="Wald")
    fit = multilevel(yi=yi, vi=vi, random="~ 1 | row", data={"row": range(k)})
    assert fit.sigma2["row"] == pytest.approx(want.tau2, rel=1e-6, abs=1e-9 * float(vi.min()))


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("struct", ["UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR", "CAR"])
def test_the_likelihood_is_that_of_full_matrices_and_the_best_around(
    method: str, struct: str
) -> None:
    data = {**GUMS, "when": [1 if o == "AL" else 2 for o in GUMS["outcome"]]}
    fit = multilevel(
        yi="yi",
        V=GUMS_V,
        mods="~ 0 + outcome",
        random="~ when | trial",
        struct=struct,
        method=method,
        data=data,
    )
    G = fit.terms[0].G
    assert dense(fit, [G]) == pytest.approx(fit.log_likelihood, rel=1e-11)
    for a, b, r in itertools.product((0.97, 1.03), (0.97, 1.03), (0.0, -0.03, 0.03)):
        if struct in ("CS", "ID", "AR", "CAR") and a != b:
            continue
        D = np.sqrt(np.diag([a, b]))
        other = D @ G @ D
        if struct not in ("ID", "DIAG"):
            other[0, 1] *= 1.0 + r
            other[1, 0] = other[0, 1]
        assert dense(fit, [other]) <= fit.log_likelihood + 1e-10


@pytest.mark.parametrize("seed", range(8))
def test_nested_and_crossed_optima_are_the_best_around(seed: int) -> None:
    d = made(seed, 8, 4, sd=0.2)
    d["other"] = np.random.default_rng(seed).integers(0, 5, len(d["yi"]))
    for random in ("~ 1 | group/row", ["~ 1 | group", "~ 1 | other"]):
        fit = multilevel(yi="yi", vi="vi", random=random, mods="~ year", data=d)
        at = [float(t.G[0, 0]) for t in fit.terms]
        assert dense(fit, [[[v]] for v in at]) == pytest.approx(fit.log_likelihood, rel=1e-10)
        for steps in itertools.product((0.0, 0.9, 1.1), repeat=2):
            near = [[[v * s if v else 0.001 * s]] for v, s in zip(at, steps, strict=True)]
            assert dense(fit, near) <= fit.log_likelihood + 1e-10
        for far in itertools.product(np.geomspace(1e-4, 3.0, 12), repeat=2):
            assert dense(fit, [[[v]] for v in far]) <= fit.log_likelihood + 1e-10


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 8), st.randoms(use_true_random=False))
def test_order_of_rows_and_names_do_not_matter(seed: int, groups: int, shuffle: Any) -> None:
    d = made(seed, groups, 3)
    order = list(range(len(d["yi"])))
    shuffle.shuffle(order)
    other = {key: values[order] for key, values in d.items()}
    other["group"] = np.array([f"g{9 - v}" for v in other["group"]])
    one, two = nested(d), nested(other)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-8, abs=1e-11)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10)
    for a, b in zip(one.sigma2.values(), two.sigma2.values(), strict=True):
        assert b == pytest.approx(a, rel=1e-6, abs=1e-11)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-6, 1e-3, 10.0, 1e6]), st.floats(-1e6, 1e6))
def test_units_and_origin_do_not_matter(seed: int, scale: float, shift: float) -> None:
    d = made(seed, 6, 3)
    one = nested(d)
    two = nested({**d, "yi": d["yi"] * scale, "vi": d["vi"] * scale**2})
    assert two.estimate == pytest.approx(one.estimate * scale, rel=1e-8)
    assert two.se == pytest.approx(one.se * scale, rel=1e-8)
    for a, b in zip(one.sigma2.values(), two.sigma2.values(), strict=True):
        assert b / scale**2 == pytest.approx(a, rel=1e-6, abs=1e-11)
    moved = nested({**d, "yi": d["yi"] + shift})
    assert moved.estimate - shift == pytest.approx(one.estimate, abs=1e-8)
    assert moved.se == pytest.approx(one.se, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_variances_far_from_one(scale: float) -> None:
    d = made(3, 6, 3)
    s = math.sqrt(scale)
    one, two = nested(d), nested({**d, "yi": d["yi"] * s, "vi": d["vi"] * scale})
    assert two.se == pytest.approx(one.se * s, rel=1e-8)
    for struct in ("UN", "HCS", "CAR"):
        fits = [
            multilevel(
                yi=np.array(GUMS["yi"]) * r,
                V=GUMS_V * r * r,
                mods="~ 0 + outcome",
                data=data,
                random="~ when | trial",
                struct=struct,
            )
            for r in (1.0, s)
            for data in [{**GUMS, "when": [1 if o == "AL" else 2 for o in GUMS["outcome"]]}]
        ]
        assert fits[1].terms[0].G / scale == pytest.approx(fits[0].terms[0].G, rel=1e-7)


def test_no_variance_is_the_common_effect_exactly() -> None:
    vi = np.array([0.1, 0.2, 0.1, 0.3, 0.2, 0.1])
    data = {"g": [1, 1, 2, 2, 3, 3], "r": range(6)}
    fit = multilevel(yi=[0.1, 0.11, 0.1, 0.09, 0.1, 0.1], vi=vi, random="~ 1 | g/r", data=data)
    assert list(fit.sigma2.values()) == [0.0, 0.0]
    common = multilevel(yi=fit.yi, vi=vi)
    assert fit.estimate == pytest.approx(common.estimate, rel=1e-13)
    assert fit.se == pytest.approx(1 / math.sqrt((1 / vi).sum()), rel=1e-13)
    assert [n.code for n in fit.notes].count("variance-at-zero") == 2
    lows = [c.ci.low for c in fit.confint()]
    assert lows == [0.0, 0.0]


def test_every_row_twice_with_a_known_correlation_of_nearly_one() -> None:
    d = made(5, 7, 1)
    one = multilevel(yi="yi", vi="vi", random="~ 1 | group", data=d)
    twice = {key: np.repeat(values, 2) for key, values in d.items()}
    V = np.kron(np.diag(d["vi"]), np.array([[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]]))
    two = multilevel(yi="yi", V=V, random="~ 1 | group", data=twice)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-6)
    assert two.se == pytest.approx(one.se, rel=1e-6)


def test_components_that_cannot_be_told_apart() -> None:
    d = made(2, 8, 1)
    fit = multilevel(yi="yi", vi="vi", random="~ 1 | group/row", data=d)
    single = multilevel(yi="yi", vi="vi", random="~ 1 | group", data=d)
    a, b = fit.sigma2.values()
    assert a == b
    assert a + b == pytest.approx(single.sigma2["group"], rel=1e-12)
    assert fit.parameters == single.parameters
    assert "inseparable" in [n.code for n in fit.notes]
    d["all"] = np.zeros(8)
    fit = multilevel(yi="yi", vi="vi", random=["~ 1 | all", "~ 1 | group"], data=d)
    assert fit.sigma2["all"] == 0.0
    assert "not-estimable" in [n.code for n in fit.notes]
    assert fit.parameters == 2


def test_a_correlation_at_its_bound_is_said() -> None:
    rng = np.random.default_rng(1)
    u = rng.normal(0, 1, 12)
    yi = np.column_stack([u, u + 0.01]).ravel()
    data = {"t": np.repeat(range(12), 2), "o": ["a", "b"] * 12}
    fit = multilevel(yi=yi, vi=[0.02] * 24, random="~ o | t", struct="UN", data=data)
    assert fit.rho["o | t"] == (1.0,)
    assert "correlation-at-bound" in [n.code for n in fit.notes]
    high = next(c.ci.high for c in fit.confint() if c.kind == "rho")
    assert high == 1.0


@pytest.mark.parametrize("struct", ["CS", "HCS", "AR", "HAR", "CAR"])
def test_a_known_correlation_is_held(struct: str) -> None:
    data = {**GUMS, "when": [1 if o == "AL" else 2 for o in GUMS["outcome"]]}
    call: dict[str, Any] = {
        "yi": "yi",
        "V": GUMS_V,
        "mods": "~ 0 + outcome",
        "random": "~ when | trial",
        "struct": struct,
        "data": data,
    }
    free = multilevel(**call)
    (r,) = free.rho["when | trial"]
    held = multilevel(**call, rho=r)
    assert held.rho["when | trial"][0] == pytest.approx(r, rel=1e-12)
    assert held.log_likelihood == pytest.approx(free.log_likelihood, rel=1e-11)
    assert held.parameters == free.parameters - 1
    assert {c.kind for c in held.confint()} == {"tau2"}
    other = multilevel(**call, rho=0.2)
    assert other.log_likelihood < free.log_likelihood
    assert free.compare(other).df == 1


def test_three_inner_levels_unstructured() -> None:
    rng = np.random.default_rng(4)
    S = np.array([[0.3, 0.2, 0.05], [0.2, 0.4, 0.1], [0.05, 0.1, 0.2]])
    yi = rng.multivariate_normal(np.zeros(3), S, 25).ravel() + rng.normal(0, 0.2, 75)
    data = {"t": np.repeat(range(25), 3), "o": ["a", "b", "c"] * 25}
    fit = multilevel(yi=yi, vi=[0.04] * 75, random="~ o | t", struct="UN", data=data, mods="~ o")
    assert dense(fit, [fit.terms[0].G]) == pytest.approx(fit.log_likelihood, rel=1e-11)
    intervals = fit.confint()
    assert [(c.kind, c.of) for c in intervals] == [
        ("tau2", "a"),
        ("tau2", "b"),
        ("tau2", "c"),
        ("rho", "a, b"),
        ("rho", "a, c"),
        ("rho", "b, c"),
    ]
    estimates = [*fit.tau2["o | t"], *fit.rho["o | t"]]
    for c, estimate in zip(intervals, estimates, strict=True):
        assert c.estimate == pytest.approx(estimate, rel=1e-7)
        assert c.ci.low < estimate < c.ci.high
    hcs = multilevel(yi=yi, vi=[0.04] * 75, random="~ o | t", struct="HCS", data=data, mods="~ o")
    compared = fit.compare(hcs)
    assert compared.df == 2
    assert compared.statistic >= 0.0


def test_uncorrelated_outcomes_are_separate_syntheses() -> None:
    data = dict(GUMS)
    fit = multilevel(
        yi="yi", vi="vi", mods="~ 0 + outcome", random="~ outcome | trial", struct="DIAG", data=data
    )
    for level, tau2, c in zip(
        ("AL", "PD"), fit.tau2["outcome | trial"], fit.coefficients, strict=True
    ):
        at = [i for i, o in enumerate(GUMS["outcome"]) if o == level]
        alone = pairwise(
            contrasts(
                yi=[GUMS["yi"][i] for i in at], vi=[GUMS["vi"][i] for i in at], study=range(5)
            ),
            interval="Wald",
        )
        assert tau2 == pytest.approx(alone.tau2, rel=1e-8)
        assert c.estimate == pytest.approx(alone.estimate, rel=1e-8)
        assert c.se == pytest.approx(alone.se, rel=1e-8)


def test_predictions_and_tests() -> None:
    fit = multilevel(
        yi="yi", V=GUMS_V, mods="~ outcome", random="~ outcome | trial", struct="UN", data=GUMS
    )
    one, two = fit.predict({"outcome": ["AL", "PD"]}, inner=["AL", "PD"])
    assert one.estimate == pytest.approx(fit.coefficients[0].estimate)
    assert two.estimate == pytest.approx(sum(c.estimate for c in fit.coefficients))
    assert one.pi is not None
    half = math.hypot(one.se, math.sqrt(fit.tau2["outcome | trial"][0])) * 1.959963984540054
    assert one.pi.high - one.estimate == pytest.approx(half, rel=1e-12)
    assert fit.predict([[0.0]])[0].pi is None
    test = fit.test("outcome[T.PD]")
    assert test.statistic == pytest.approx(fit.coefficients[1].statistic ** 2)
    assert test.p_value == pytest.approx(fit.coefficients[1].p_value)
    with pytest.raises(UnknownNameError, match="inner level"):
        fit.predict([[0.0]], inner="XX")
    with pytest.raises(InputError, match="say the same twice"):
        fit.test([[0.0, 1.0], [0.0, 2.0]])
    t = multilevel(yi="yi", vi="vi", random="~ 1 | district/school", data=SCHOOLS, interval="t")
    f = t.test([[1.0]])
    assert f.kind == "F"
    assert f.p_value == pytest.approx(t.p_value, rel=1e-10)


def test_a_fit_goes_to_a_dict_and_back_and_reads_well() -> None:
    fit = nested(made(1, 6, 3), mods="~ year")
    again = MultilevelFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again.to_dict() == fit.to_dict()
    assert again.summary() == fit.summary()
    assert [r.estimate for r in again.ranef()] == [r.estimate for r in fit.ranef()]
    text = fit.summary()
    for word in ("REML", "sigma² group", "sigma² group/row", "QE", "year", "I²"):
        assert word in text
    assert repr(fit).startswith("<MultilevelFit intercept")
    assert "<table" in fit._repr_html_()
    assert list(fit.to_frame("pandas")["coefficient"]) == ["intercept", "year"]
    with pytest.raises(InputError, match="several coefficients"):
        _ = fit.estimate
    assert not fit.yi.flags.writeable


def test_rows_that_lack_something_are_left_out_and_named() -> None:
    frame = pd.DataFrame(made(1, 6, 3))
    frame["study"] = [f"S{i}" for i in range(len(frame))]
    frame["group"] = frame["group"].astype(object)
    whole = frame.copy()
    frame.loc[0, "yi"] = math.nan
    frame.loc[2, "year"] = math.nan
    frame.loc[3, "group"] = None
    fit = nested(frame, mods="~ year")  # type: ignore[arg-type]
    assert [(r.study, r.why) for r in fit.left_out] == [
        ("S0", "no estimate"),
        ("S2", "no value of a moderator"),
        ("S3", "no value of group"),
    ]
    assert "left-out" in [n.code for n in fit.notes]
    rest = nested(whole.drop(index=[0, 2, 3]), mods="~ year")  # type: ignore[arg-type]
    assert fit.coefficients[1].estimate == pytest.approx(rest.coefficients[1].estimate, rel=1e-10)


def test_contrasts_bring_their_covariances_and_labels() -> None:
    es = contrasts(yi=[0.1, 0.3, 0.2, 0.5], vi=[0.1, 0.1, 0.2, 0.1], study=["a", "a", "b", "c"])
    fit = multilevel(es, random="~ 1 | study")
    assert list(fit.sigma2) == ["study"]
    assert fit.measure == es.measure
    assert "no-row-level" in [n.code for n in fit.notes]
    assert fit.terms[0].groups == ("a", "b", "c")


def test_few_effects() -> None:
    one = multilevel(yi=[0.5], vi=[0.1])
    assert one.estimate == 0.5
    assert one.qe_df == 0
    two = multilevel(yi=[0.5, 1.5], vi=[0.1, 0.1], random="~ 1 | r", data={"r": [1, 2]})
    assert two.sigma2["r"] == pytest.approx(0.4, rel=1e-10)
    with pytest.raises(NotEstimableError, match="1 effect for 1 coefficient "):
        multilevel(yi=[0.5], vi=[0.1], random="~ 1 | r", data={"r": [1]})


def test_large_data_take_less_than_a_moment() -> None:
    import time

    d = made(7, 200, 9)
    start = time.perf_counter()
    fit = nested(d, mods="~ year")
    assert fit.k > 900
    assert time.perf_counter() - start < 5.0


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"random": "~ 1 + x | a"}, InputError, "no variable"),
    ({"random": "group"}, InputError, "cannot be read"),
    ({"random": "~ 1 | gruop"}, UnknownNameError, "gruop"),
    ({"random": ["~ 1 | group", "~ 1 | group/row"]}, InputError, "twice"),
    ({"random": "~ row | group", "struct": "US"}, UnknownNameError, "structure"),
    ({"random": "~ row | group", "struct": ["CS", "UN"]}, InputError, "2 structures for 1"),
    ({"random": 3.0}, InputError, "cannot be a float"),
    ({"random": "~ row | group", "rho": "high"}, InputError, "rho cannot be 'high'"),
    ({"random": "~ row | group", "rho": [0.5, 0.5]}, InputError, "rho for 1 term"),
    ({"random": "~ row | group", "rho": 0.5, "struct": "UN"}, InputError, "rho=0.5 with UN"),
    ({"random": "~ row | group", "rho": -0.9}, InputError, "between -0.333 and 1"),
    ({"rho": 0.5}, InputError, "rho for 0 terms"),
    ({"method": "EM"}, UnknownNameError, "REML"),
    ({"interval": "HK"}, UnknownNameError, "interval"),
    ({"df": "kenward"}, UnknownNameError, "residual"),
    ({"level": 95}, InputError, "level 95"),
    ({"vi": [0.1, -0.1, 0.1, 0.1]}, InputError, "variance -0.1"),
    ({"vi": [0.1, 0.1]}, InputError, "different lengths"),
    ({"vi": ["a", 0.1, 0.1, 0.1]}, InputError, "not a number"),
    ({"vi": None}, InputError, "no variance"),
    ({"yi": None}, InputError, "no effects"),
    ({"vi": None, "V": np.ones((4, 4))}, InputError, "not positive definite"),
    ({"vi": None, "V": np.eye(3)}, InputError, "shape"),
    ({"vi": None, "V": [[[1.0]], [[1.0]]]}, InputError, "blocks of V for 2"),
    ({"vi": None, "V": np.triu(np.ones((4, 4)))}, InputError, "not symmetric"),
    ({"vi": None, "V": "abc"}, InputError, "rectangle of numbers"),
    ({"yi": [math.nan] * 4}, NotEstimableError, "no effect"),
    ({"mods": np.random.default_rng(1).normal(size=(4, 4))}, NotEstimableError, "coefficients"),
]


@pytest.mark.parametrize(("change", "error", "words"), BAD)
def test_bad_input_is_said(change: dict[str, Any], error: type[Exception], words: str) -> None:
    call: dict[str, Any] = {
        "yi": [0.1, 0.2, 0.3, 0.5],
        "vi": [0.1, 0.1, 0.2, 0.1],
        "data": {"group": [1, 1, 2, 2], "row": [1, 2, 3, 4], "a": [1, 2, 3, 4]},
        "random": "~ 1 | group",
    }
    with pytest.raises(error, match=words):
        multilevel(**(call | change))


def test_a_variance_of_which_the_rows_say_nothing_is_refused() -> None:
    es = contrasts(yi=[0.1, 0.5, 0.9], vi=[0.1, 0.2, 0.1])
    data = {"g": [0, 0, 1], "o": ["a", "b", "a"]}
    with pytest.raises(NotEstimableError, match=r"o \| g, level b"):
        multilevel(es, random="~ o | g", struct="UN", mods="~ 0 + o", data=data)
