"""tau² by group of comparisons: values by metafor, laws, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, arms, contrasts
from equipoise.models.correlated import shared_effects
from equipoise.models.network.fit import network
from equipoise.models.network.tau2_groups import Tau2ByGroup, tau2_by_group
from equipoise.num.dist import critical

VALUES = Path(__file__).parents[3] / "validation" / "values" / "network_tau2_groups.json"
SETS: dict[str, Any] = json.loads(VALUES.read_text(encoding="utf-8"))["sets"]


def built(one: dict[str, Any]) -> Contrasts:
    """Contrasts of every arm with the first of its study."""
    rows: dict[str, list[int]] = {}
    for i, study in enumerate(one["study"]):
        rows.setdefault(study, []).append(i)
    y, v, treat = one["value"], one["variance"], one["treat"]
    study, treat1, treat2, yi, vi = [], [], [], [], []
    for name, at in rows.items():
        for place, b in enumerate(at):
            for a in at[place + 1 :]:
                study.append(name)
                treat1.append(treat[a])
                treat2.append(treat[b])
                yi.append(y[a] - y[b])
                vi.append(v[a] + v[b])
    return contrasts(study=study, treat1=treat1, treat2=treat2, yi=yi, vi=vi, measure="OR")


def fitted(name: str, **how: Any) -> Tau2ByGroup:
    one = SETS[name]
    classes = dict(zip(one["treat"], one["group"], strict=True))
    return tau2_by_group(built(one), classes, reference=one["reference"], **how)


@pytest.mark.parametrize("name", SETS)
def test_variances_and_effects_are_those_of_groups_with_random_effects(name: str) -> None:
    one, fit = SETS[name], fitted(name)
    wanted = dict(zip(one["classes"], one["tau2"], strict=True))
    assert fit.class_tau2 == pytest.approx(wanted, rel=1e-5)
    assert fit.common.tau2 == pytest.approx(one["tau2_common"], rel=1e-5)
    effects = [fit.effect(t, one["reference"]) for t in one["active"]]
    assert [e.estimate for e in effects] == pytest.approx(one["beta"], rel=1e-6)
    assert [e.se for e in effects] == pytest.approx(one["se"], rel=1e-6)
    ratio = 2.0 * (one["loglik"] - one["loglik_common"])
    assert fit.test.q == pytest.approx(ratio, rel=1e-6)
    assert fit.test.df == len(wanted) - 1


@pytest.mark.parametrize("code", ["REML", "ML"])
def test_the_derivatives_are_zero_at_the_top(code: str) -> None:
    """By finite differences of a likelihood that is written out here."""
    fit = fitted("hasselblad1998", tau2=code)
    es = fit.common.data
    number = {t: i for i, t in enumerate(fit.treatments)}
    X = np.zeros((len(es), fit.n))
    for row, (a, b) in enumerate(zip(es.treat1, es.treat2, strict=True)):
        X[row, number[a]] += 1.0
        X[row, number[b]] -= 1.0
    X = X[:, 1:]

    def loglik(values: dict[str, float]) -> float:
        S = es.V()
        for name, value in values.items():
            S = S + value * shared_effects(es, {t for t, c in fit.classes.items() if c == name})
        W = np.linalg.inv(S)
        M = X.T @ W @ X
        e = es.yi - X @ np.linalg.solve(M, X.T @ W @ es.yi)
        total = np.linalg.slogdet(S)[1] + e @ W @ e
        return float(-0.5 * (total + (np.linalg.slogdet(M)[1] if code == "REML" else 0.0)))

    top = loglik(fit.class_tau2)
    for name in fit.class_tau2:
        for factor in (0.9, 1.1):
            assert loglik({**fit.class_tau2, name: factor * fit.class_tau2[name]}) < top
    same = dict.fromkeys(fit.class_tau2, fit.common.tau2)
    assert fit.test.q == pytest.approx(2.0 * (top - loglik(same)), rel=1e-8, abs=1e-9)


def test_the_parts_of_the_covariance_add_up_and_are_never_indefinite() -> None:
    es = built(SETS["baker2009"])
    treats = sorted({*es.treat1, *es.treat2})
    parts = [shared_effects(es, {t}) for t in treats]
    assert np.array_equal(sum(parts), shared_effects(es))
    for R in parts:
        assert np.linalg.eigvalsh(R)[0] > -1e-12


def test_with_equal_variances_it_is_the_network_with_one() -> None:
    """Three-arm trials whose two active arms and placebo vary alike: the test is near 0."""
    fit = fitted("hasselblad1998")
    assert fit.tau2("self_help", "grp_counseling") == fit.class_tau2["others"]
    mixed = 0.5 * (fit.class_tau2["others"] + fit.class_tau2["none"])
    assert fit.tau2("self_help", "no_contact") == pytest.approx(mixed)
    assert fit.test.q >= 0.0
    one = network(built(SETS["hasselblad1998"]), reference="no_contact")
    assert fit.common.effect("self_help", "no_contact") == one.effect("self_help", "no_contact")


@pytest.mark.parametrize("factor", [1e-6, 1e5])
def test_units_scale(factor: float) -> None:
    one = SETS["hasselblad1998"]
    scaled = {
        **one,
        "value": [factor * x for x in one["value"]],
        "variance": [factor**2 * x for x in one["variance"]],
    }
    classes = {"no_contact": "none"}
    a = tau2_by_group(built(one), classes)
    b = tau2_by_group(built(scaled), classes)
    for name, value in a.class_tau2.items():
        assert b.class_tau2[name] == pytest.approx(factor**2 * value, rel=1e-6)
    assert b.test.q == pytest.approx(a.test.q, rel=1e-6)
    e, f = a.effect("self_help", "no_contact"), b.effect("self_help", "no_contact")
    assert f.estimate == pytest.approx(factor * e.estimate, rel=1e-6)


def test_predictions_use_the_variance_of_their_comparison() -> None:
    fit = fitted("hasselblad1998")
    for pair in (("self_help", "no_contact"), ("self_help", "grp_counseling")):
        e = fit.effect(*pair)
        assert e.pi is not None
        half = critical(0.95, fit.common.q_df) * math.sqrt(e.se**2 + fit.tau2(*pair))
        assert e.pi.high - e.estimate == pytest.approx(half)
    assert fit.effect("self_help", "self_help").pi is None


def test_what_a_reader_sees_and_what_is_refused() -> None:
    fit = fitted("hasselblad1998")
    text = fit.summary()
    assert "none against others" in text
    assert "others against others" in text
    assert "One tau² for all: chi² 0.3234 on 1 df, p = 0.570" in text
    assert "without proof" in text
    assert repr(fit).startswith("<Tau2ByGroup OR: tau² none against others 0.504")
    assert [g.trials for g in fit.groups] == [19, 6]
    again = Tau2ByGroup.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again.class_tau2 == fit.class_tau2
    es = built(SETS["hasselblad1998"])
    by_function = tau2_by_group(es, lambda t: "none" if t == "no_contact" else "others")
    assert by_function.test.q == pytest.approx(fit.test.q, rel=1e-9)
    with pytest.raises(InputError, match="of one class"):
        tau2_by_group(es, {})
    with pytest.raises(UnknownNameError, match="'no_contact'"):
        tau2_by_group(es, {"no contact": "x"})
    with pytest.raises(UnknownNameError, match="by group"):
        tau2_by_group(es, {"no_contact": "x"}, tau2="DL")
    pairs = contrasts(yi=[1, 2, 3], vi=[1, 1, 1], treat1=["A"] * 3, treat2=["B"] * 3, measure="MD")
    with pytest.raises(NotEstimableError, match="tell tau² of"):
        tau2_by_group(pairs, {"A": "a", "B": "b"})
    held = arms(
        study=["1", "1", "2", "2"], treat=["A", "B"] * 2, events=[1, 2, 3, 4], n=[9, 9, 9, 9]
    )
    with pytest.raises(NotEstimableError):
        tau2_by_group(held, {"A": "a"}, measure="OR")
