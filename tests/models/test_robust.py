"""Cluster-robust inference: what it is under the working model, and what it refuses."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.regression import regress
from equipoise.models.robust import KINDS, RobustFit, robust


def made(seed: int = 1, groups: int = 9) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(1, 5, groups))
    k = group.size
    vi = rng.uniform(0.02, 0.2, k)
    yi = 0.2 + rng.normal(0, 0.3, groups)[group] + rng.normal(0, np.sqrt(vi))
    return {"group": group, "row": np.arange(k), "yi": yi, "vi": vi, "x": rng.normal(size=k)}


def fitted(d: dict[str, Any], mods: str = "~ x") -> MultilevelFit:
    return multilevel(yi="yi", vi="vi", random="~ 1 | group/row", mods=mods, data=d)


def pooled(tau2: str = "REML") -> PairwiseFit:
    es = contrasts(
        yi=[0.1, 0.5, 0.9, 0.2, 0.4], vi=[0.1, 0.2, 0.1, 0.1, 0.3], study=["a", "a", "b", "c", "d"]
    )
    return pairwise(es, tau2=tau2)


@pytest.mark.parametrize("seed", range(5))
def test_cr2_is_unbiased_under_the_working_model(seed: int) -> None:
    found = robust(fitted(made(seed)), cluster="group")
    assert found.own.sum(0) - np.einsum(
        "mpa,pq,mqb->ab", found.lead, found.bread, found.lead
    ) == pytest.approx(found.bread, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_cr3_is_the_jackknife_of_the_clusters(seed: int) -> None:
    d = made(seed)
    fit = fitted(d)
    found = robust(fit, cluster="group", kind="CR3")
    M, X, y = fit.marginal(), fit.design.X, fit.yi
    total = np.zeros((2, 2))
    for g in np.unique(d["group"]):
        keep = d["group"] != g
        W = np.linalg.inv(M[np.ix_(keep, keep)])
        beta = np.linalg.solve(X[keep].T @ W @ X[keep], X[keep].T @ W @ y[keep])
        total += np.outer(beta - fit.beta, beta - fit.beta)
    assert found.vcov == pytest.approx(total, rel=1e-8)


def test_a_single_combination_is_the_squared_t() -> None:
    found = robust(fitted(made()), cluster="group")
    for c in found.coefficients:
        test = found.test(c.name)
        assert test.statistic == pytest.approx(c.statistic**2, rel=1e-12)
        assert test.df2 == pytest.approx(c.df, rel=1e-10)
        assert test.p_value == pytest.approx(c.p_value, rel=1e-9)
    both = found.test([[1.0, 0.0], [0.0, 1.0]])
    turned = found.test([[1.0, 2.0], [3.0, -1.0]])
    assert both.statistic == pytest.approx(turned.statistic, rel=1e-9)
    assert both.df2 == pytest.approx(turned.df2, rel=1e-9)
    shifted = found.test("x", values=[found.coefficients[1].estimate])
    assert shifted.statistic == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("kind", KINDS)
def test_units_and_order_do_not_matter(kind: str) -> None:
    d = made(3)
    one = robust(fitted(d), cluster="group", kind=kind)
    scaled = {**d, "yi": d["yi"] * 1e4, "vi": d["vi"] * 1e8}
    two = robust(fitted(scaled), cluster="group", kind=kind)
    order = np.random.default_rng(0).permutation(len(d["yi"]))
    three = robust(fitted({n: v[order] for n, v in d.items()}), cluster="group", kind=kind)
    for a, b, c in zip(one.coefficients, two.coefficients, three.coefficients, strict=True):
        assert b.se == pytest.approx(1e4 * a.se, rel=1e-7)
        assert b.df == pytest.approx(a.df, rel=1e-7)
        assert c.se == pytest.approx(a.se, rel=1e-7)
        assert c.df == pytest.approx(a.df, rel=1e-7)


def test_a_pairwise_synthesis_by_study() -> None:
    fit = pooled()
    found = robust(fit)
    assert found.clusters == ("a", "b", "c", "d")
    w = 1.0 / (fit.vi + fit.tau2)
    e = w * (fit.yi - fit.estimate)
    sums = np.array([e[:2].sum(), *e[2:]])
    plain = robust(fit, kind="CR0", df="residual")
    assert plain.coefficients[0].se == pytest.approx(math.sqrt((sums**2).sum()) / w.sum())
    assert plain.coefficients[0].df == 3.0
    assert found.coefficients[0].estimate == fit.estimate


def test_a_meta_regression_by_cluster() -> None:
    d = made(2)
    same = multilevel(yi="yi", vi="vi", random="~ 1 | row", mods="~ x", data=d)
    es = contrasts(yi=d["yi"], vi=d["vi"], study=d["row"])
    reg = regress(es, "~ x", data=d, interval="Wald", level=0.9)
    one, two = robust(reg, cluster=d["group"]), robust(same, cluster=d["group"], level=0.9)
    assert one.vcov == pytest.approx(two.vcov, rel=1e-7)
    assert [c.df for c in one.coefficients] == pytest.approx([c.df for c in two.coefficients])
    assert one.coefficients[0].ci.level == 0.9


def test_few_clusters_are_said() -> None:
    found = robust(fitted(made(groups=4)), cluster="group")
    assert "few-degrees" in [n.code for n in found.notes]
    assert "few-clusters" in [n.code for n in robust(pooled(), kind="CR0", df="z").notes]
    assert robust(pooled(), kind="CR0", df="z").qm.kind == "chi-squared"


def test_a_test_with_too_few_clusters_has_no_p_value() -> None:
    found = robust(fitted(made(groups=3), mods="~ x + I(x**2)"), cluster="group")
    test = found.test(["x", "I(x ** 2)"])
    assert math.isnan(test.p_value) or 0.0 <= test.p_value <= 1.0


def test_it_goes_to_a_dict_and_back_and_reads_well() -> None:
    found = robust(fitted(made()), cluster="group")
    again = RobustFit.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    assert again.test("x").p_value == pytest.approx(found.test("x").p_value, rel=1e-12)
    assert "9 clusters" in found.summary()
    assert repr(found).startswith("<RobustFit CR2")
    assert "<table" in found._repr_html_()
    assert next(iter(found.to_frame("pandas").columns)) == "coefficient"


def test_bad_input_is_said() -> None:
    fit = fitted(made())
    with pytest.raises(UnknownNameError, match="CR2"):
        robust(fit, kind="cr2")
    with pytest.raises(UnknownNameError, match="Satterthwaite"):
        robust(fit, df="satterthwaite")
    with pytest.raises(UnknownNameError, match="group"):
        robust(fit, cluster="gruop")
    with pytest.raises(InputError, match="the model correlates"):
        robust(fit, cluster="group/row")
    with pytest.raises(InputError, match="3 clusters for"):
        robust(fit, cluster=[1, 2, 3])
    with pytest.raises(InputError, match="robust inference for a str"):
        robust("fit")
    with pytest.raises(NotEstimableError, match="one cluster"):
        robust(pooled(), cluster=["a"] * 5)
    with pytest.raises(NotEstimableError, match="2 clusters for 2"):
        robust(
            multilevel(yi="yi", vi="vi", mods="~ x", data=made()),
            cluster=[0] * 5 + [1] * (len(made()["yi"]) - 5),
            df="residual",
        )
    with pytest.raises(InputError, match="level 95"):
        robust(fit, level=95)
    d = made()
    es = contrasts(yi=d["yi"], vi=d["vi"], study=d["row"])
    odd = regress(es, "~ x", data=d, weights=np.arange(1.0, fit.k + 1.0), interval="Wald")
    with pytest.raises(InputError, match="inverse variances"):
        robust(odd, cluster=d["group"])
