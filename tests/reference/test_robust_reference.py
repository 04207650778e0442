"""Cluster-robust inference against metafor's robust() and clubSandwich.

R's optimisers leave the variances of its fits at about 1e-7 of the maximum, so the working model is
given R's own variances, and everything else agrees to rounding.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.contrasts import contrasts
from equipoise.models.multilevel import multilevel
from equipoise.models.multilevel_fit import MultilevelFit
from equipoise.models.regression import regress
from equipoise.models.robust import RobustFit, robust

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VALUES / f"{name}.json").read_text("utf-8"))
    return found


VARIANCES, ROBUST = load("robust")["variances"], load("robust")["robust"]


def with_covariances(fit: MultilevelFit, *G: Any) -> MultilevelFit:
    """The fit at other covariances of the random effects, with their coefficients."""
    terms = tuple(replace(t, G=np.array(g)) for t, g in zip(fit.terms, G, strict=True))
    moved = replace(fit, terms=terms)
    W = np.linalg.inv(moved.marginal())
    X = fit.design.X
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ fit.yi)
    table = tuple(
        replace(c, estimate=float(b)) for c, b in zip(fit.coefficients, beta, strict=True)
    )
    return replace(moved, coefficients=table)


def schools() -> tuple[MultilevelFit, str, dict[str, Any]]:
    data = load("multilevel_konstantopoulos2011")
    fit = multilevel(yi="yi", vi="vi", random="~ 1 | district/school", data=data["input"])
    a, b = VARIANCES["konstantopoulos2011"]
    return with_covariances(fit, [[a]], [[b]]), "district", ROBUST["konstantopoulos2011"]


def gums() -> tuple[MultilevelFit, str, dict[str, Any]]:
    data = load("multilevel_berkey1998")
    fit = multilevel(
        yi="yi",
        V=data["V_matrix"],
        mods="~ 0 + outcome",
        random="~ outcome | trial",
        struct="UN",
        data=data["input"],
    )
    a, b, r = VARIANCES["berkey1998"]
    c = r * math.sqrt(a * b)
    return with_covariances(fit, [[a, c], [c, b]]), "outcome | trial", ROBUST["berkey1998"]


def offenders(kind: str) -> tuple[MultilevelFit, str, dict[str, Any]]:
    d = load("multilevel_assink2016")["input"]
    study, sd = np.array(d["study"]), np.sqrt(d["vi"])
    rho = 0.6 if kind.endswith("CHE") else 0.0
    V = np.where(study[:, None] == study, rho * np.outer(sd, sd), 0.0)
    np.fill_diagonal(V, d["vi"])
    fit = multilevel(yi="yi", V=V, random="~ 1 | study/esid", data=d)
    a, b = VARIANCES[kind]
    return with_covariances(fit, [[a]], [[b]]), "study", ROBUST[kind]


def bcg(model: str, cluster: str) -> tuple[MultilevelFit, list[Any], dict[str, Any]]:
    data = load("robust")["bcg"]
    mods = {name: data[name] for name in model.split("_")}
    frame = {"row": list(range(13))}
    fit = multilevel(yi=data["yi"], vi=data["vi"], random="~ 1 | row", mods=mods, data=frame)
    labels = frame["row"] if cluster == "study" else data["alloc"]
    (tau2,) = VARIANCES[f"bcg_{cluster}"]
    return with_covariances(fit, [[tau2]]), labels, ROBUST[f"bcg_{cluster}"]


CASES: dict[str, tuple[MultilevelFit, Any, dict[str, Any]]] = {
    "konstantopoulos2011": schools(),
    "berkey1998": gums(),
    "assink2016": offenders("assink2016"),
    "assink2016, correlated": offenders("assink2016_CHE"),
    "bcg by study": bcg("ablat_year", "study"),
    "bcg by allocation": bcg("ablat", "alloc"),
}


def agrees(found: RobustFit, want: dict[str, Any], rtol: float) -> None:
    cov = np.array(want["vcov"])
    size = np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    assert (np.abs(found.vcov - cov) <= rtol * size).all()


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("case", CASES)
def test_covariance_and_degrees_of_freedom(case: str, kind: str) -> None:
    fit, cluster, results = CASES[case]
    want = results[f"clubSandwich/{kind}"]
    found = robust(fit, cluster=cluster, kind=kind)
    agrees(found, want, 1e-8)
    assert [c.df for c in found.coefficients] == pytest.approx(want["df"], rel=1e-8)
    assert [c.p_value for c in found.coefficients] == pytest.approx(want["p"], rel=1e-7)
    naive = robust(fit, cluster=cluster, kind=kind, df="naive")
    assert [c.df for c in naive.coefficients] == want["df_t"]
    assert [c.p_value for c in naive.coefficients] == pytest.approx(want["p_t"], rel=1e-7)


@pytest.mark.parametrize(
    ("block", "kind", "df"),
    [
        ("robust/adjust=TRUE", "CR1p", "residual"),
        ("robust/adjust=FALSE", "CR0", "residual"),
        ("robust/clubSandwich_CR2", "CR2", "Satterthwaite"),
    ],
)
@pytest.mark.parametrize("case", CASES)
def test_tables_of_metafor(case: str, block: str, kind: str, df: str) -> None:
    fit, cluster, results = CASES[case]
    want = results[block]
    found = robust(fit, cluster=cluster, kind=kind, df=df)
    agrees(found, want, 1e-8)
    dfs = want["ddf"] * (len(found.coefficients) if len(want["ddf"]) == 1 else 1)
    assert [c.df for c in found.coefficients] == pytest.approx(dfs, rel=1e-8)
    for c, low, high, p in zip(
        found.coefficients, want["ci_lb"], want["ci_ub"], want["pval"], strict=True
    ):
        assert abs(c.ci.low - low) <= 1e-8 * max(abs(low), c.se)
        assert abs(c.ci.high - high) <= 1e-8 * max(abs(high), c.se)
        assert c.p_value == pytest.approx(p, rel=1e-7)
    assert found.qm.statistic == pytest.approx(want["QM"], rel=1e-7)
    assert [found.qm.df1, found.qm.df2] == pytest.approx(want["QMdf"], rel=1e-7)
    assert found.qm.p_value == pytest.approx(want["QMp"], rel=1e-6)


@pytest.mark.parametrize(("model", "cluster"), [("ablat_year", "study"), ("ablat", "alloc")])
def test_straight_from_a_meta_regression(model: str, cluster: str) -> None:
    data = load("robust")["bcg"]
    es = contrasts(yi=data["yi"], vi=data["vi"], study=range(13))
    fit = regress(es, "~ " + " + ".join(model.split("_")), data=data, interval="Wald")
    labels = list(range(13)) if cluster == "study" else data["alloc"]
    for kind in ("CR0", "CR2"):
        found = robust(fit, cluster=labels, kind=kind)
        want = ROBUST[f"bcg_{cluster}"][f"clubSandwich/{kind}"]
        agrees(found, want, 1e-7)
        assert [c.df for c in found.coefficients] == pytest.approx(want["df"], rel=1e-7)
