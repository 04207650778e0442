"""Splits with tau² estimated anew, and each trial left out, against refits."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from network_cases import build, trials

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.correlated import shared_effects, tau2_of
from equipoise.models.network.core import make_net
from equipoise.models.network.direct import connected_parts
from equipoise.models.network.fit import network
from equipoise.models.pairwise import pairwise


def loop() -> Any:
    return contrasts(
        yi=[1.0, 0.5, 0.2, 0.9, 0.3, 1.4],
        vi=[0.1, 0.1, 0.1, 0.2, 0.05, 0.1],
        study=["s1", "s2", "s3", "s4", "s5", "s6"],
        treat1=["A", "B", "A", "A", "B", "D"],
        treat2=["B", "C", "C", "B", "C", "A"],
        measure="MD",
    )


def gls(es: Any, names: tuple[str, ...], pair: tuple[str, str], code: str, tau2: float) -> Any:
    """The model with one more effect, by the contrasts and their full covariance matrix."""
    a, b = pair
    X = np.zeros((len(es), len(names)))
    z = np.zeros(len(es))
    both = {
        s
        for s in es.study
        if {a, b} <= {t for r in range(len(es)) if es.study[r] == s for t in _two(es, r)}
    }
    half = {a: 0.5, b: -0.5}
    for row in range(len(es)):
        one, two = _two(es, row)
        X[row, names.index(one)], X[row, names.index(two)] = 1.0, -1.0
        if es.study[row] in both:
            z[row] = half.get(one, 0.0) - half.get(two, 0.0)
    X = np.column_stack([X[:, 1:], z])
    V, R = es.V(), shared_effects(es)
    anew, _ = tau2_of(code, X, np.asarray(es.yi), V, R)
    W = np.linalg.inv(V + tau2 * R)
    cov = np.linalg.inv(X.T @ W @ X)
    beta = cov @ X.T @ W @ es.yi
    c = np.zeros(len(beta))
    for name, sign in ((a, 1.0), (b, -1.0)):
        if names.index(name):
            c[names.index(name) - 1] = sign
    d = c.copy()
    d[-1] = 1.0
    found = {"indirect": c, "direct": d, "difference": d - c}
    return anew, {k: (float(v @ beta), float(np.sqrt(v @ cov @ v))) for k, v in found.items()}


def _two(es: Any, row: int) -> tuple[str, str]:
    return es.treat1[row], es.treat2[row]


@settings(max_examples=20, deadline=None)
@given(trials(most=4, arms=3))
def test_a_split_of_its_own_is_a_refit(data: Any) -> None:
    es = build(data)
    for code in ("REML", "ML", "DL"):
        fit = network(es, tau2=code)
        if fit.q_df < 2:
            return
        found = fit.split(tau2="re-estimate")
        for i, (a, b) in enumerate(zip(found.treat1, found.treat2, strict=True)):
            if not np.isfinite(found.difference[i]):
                continue
            anew, expected = gls(fit.data, fit.treatments, (a, b), code, float(found.tau2[i]))
            assert found.tau2[i] == pytest.approx(anew, rel=1e-7, abs=1e-8)
            for name, (value, se) in expected.items():
                assert getattr(found, name)[i] == pytest.approx(value, rel=1e-10, abs=1e-10)
                assert getattr(found, f"{name}_se")[i] == pytest.approx(se, rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(trials())
def test_without_trials_of_several_arms_it_is_the_closed_form(data: Any) -> None:
    """At the tau² that each split has, the network's closed form says the same."""
    es = build([(s, g) for s, g in data if len(g) == 2])
    fit = network(es)
    if fit.q_df < 2:
        return
    own = fit.split(tau2="re-estimate")
    for i, (a, b) in enumerate(zip(own.treat1, own.treat2, strict=True)):
        row = network(es, tau2=float(own.tau2[i])).split().row(a, b)
        for name in ("direct", "indirect", "difference", "share"):
            assert getattr(own, name)[i] == pytest.approx(
                row[name], rel=1e-8, abs=1e-9, nan_ok=True
            )
            if name != "share":
                se = getattr(own, f"{name}_se")[i]
                assert se == pytest.approx(row[f"{name}_se"], rel=1e-8, nan_ok=True)
        assert bool(own.k[i]) == bool(row["k"])


@settings(max_examples=15, deadline=None)
@given(trials())
def test_one_split_either_way_round(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    whole = fit.split(tau2="re-estimate")
    a, b = whole.treat1[0], whole.treat2[0]
    one = fit.split(tau2="re-estimate", of=(b, a))
    assert len(one) == 1
    for name, value in whole.row(b, a).items():
        assert one.row(b, a)[name] == pytest.approx(value, rel=1e-9, abs=1e-10, nan_ok=True)


def test_a_bridge_has_no_indirect_evidence() -> None:
    found = network(loop()).split(tau2="re-estimate").row("D", "A")
    assert found["direct"] == pytest.approx(1.4)
    assert found["share"] == 1.0
    assert np.isnan(found["indirect"])
    assert np.isnan(found["p_value"])


def test_what_cannot_be_estimated_anew() -> None:
    for fit in (network(loop(), model="common"), network(loop(), tau2=0.2)):
        with pytest.raises(InputError, match="was not estimated"):
            fit.split(tau2="re-estimate")
        with pytest.raises(InputError, match="was not estimated"):
            fit.leave_one_out(tau2="re-estimate")
    with pytest.raises(UnknownNameError, match="re-estimate"):
        network(loop()).split(tau2="reestimate")
    with pytest.raises(InputError, match="re-estimate"):
        network(loop()).split(of=("A", "B"))
    with pytest.raises(UnknownNameError):
        network(loop()).split(tau2="re-estimate", of=("A", "Z"))
    with pytest.raises(InputError, match="itself"):
        network(loop()).split(tau2="re-estimate", of=("A", "A"))


def without(es: Any, trial: str) -> list[Any]:
    """What is left without one trial: its connected parts."""
    rest = es.take([r for r in range(len(es)) if es.study[r] != trial])
    names = tuple(sorted({*rest.treat1, *rest.treat2}))
    if not len(rest):
        return []
    net = make_net(rest, names)
    label = connected_parts(net.groups, net.n)
    parts = []
    for part in range(int(label.max()) + 1):
        inside = {n for n, where in zip(names, label.tolist(), strict=True) if where == part}
        rows = [r for r in range(len(rest)) if rest.treat1[r] in inside]
        parts.append(rest.take(rows))
    return parts


@settings(max_examples=20, deadline=None)
@given(trials())
def test_leaving_a_trial_out_is_a_refit_without_it(data: Any) -> None:
    es = build(data)
    fit = network(es, tau2="DL")
    found = fit.leave_one_out()
    assert found.trial == tuple(dict.fromkeys(es.study))
    apart = {f.trial: f.parts for f in found.falls_apart}
    for row, trial in enumerate(found.trial):
        parts = without(es, trial)
        joined = {t for part in parts for t in (*part.treat1, *part.treat2)}
        assert (trial in apart) == (len(parts) != 1 or joined != set(fit.treatments))
        if trial in apart:
            assert sorted(t for part in apart[trial] for t in part) == sorted(fit.treatments)
        fits = [network(part, tau2=fit.tau2) for part in parts]
        for i, (a, b) in enumerate(zip(found.treat1, found.treat2, strict=True)):
            inside = [f for f in fits if {a, b} <= set(f.treatments)]
            if not inside:
                assert np.isnan(found.estimate[row, i])
                continue
            e = inside[0].effect(a, b)
            assert found.estimate[row, i] == pytest.approx(e.estimate, rel=1e-9, abs=1e-10)
            assert found.se[row, i] == pytest.approx(e.se, rel=1e-9)
    assert (found.impact()[np.isfinite(found.se)] > -1e-9).all()


@settings(max_examples=15, deadline=None)
@given(trials())
def test_leaving_a_trial_out_with_tau2_estimated_anew(data: Any) -> None:
    es = build(data)
    for code in ("DL", "REML"):
        fit = network(es, tau2=code)
        found = fit.leave_one_out(tau2="re-estimate")
        apart = {f.trial for f in found.falls_apart}
        for row, trial in enumerate(found.trial):
            if trial in apart:
                continue
            again = network(without(es, trial)[0], tau2=code)
            assert found.tau2[row] == pytest.approx(again.tau2, rel=1e-7, abs=1e-8)
            for i, (a, b) in enumerate(zip(found.treat1, found.treat2, strict=True)):
                e = again.effect(a, b)
                assert found.estimate[row, i] == pytest.approx(e.estimate, rel=1e-6, abs=1e-7)
                assert found.se[row, i] == pytest.approx(e.se, rel=1e-6)


def test_parts_without_a_trial_share_one_tau2() -> None:
    """Without the trial in the middle, tau² is that of both sides together."""
    rng = np.random.default_rng(5)
    y, v = rng.normal(0.0, 0.7, 11), rng.uniform(0.02, 0.2, 11)
    es = contrasts(
        yi=y,
        vi=v,
        study=[f"s{i}" for i in range(11)],
        treat1=["A"] * 5 + ["C"] * 5 + ["A"],
        treat2=["B"] * 5 + ["D"] * 5 + ["C"],
        measure="MD",
    )
    X = np.zeros((10, 2))
    X[:5, 0], X[5:, 1] = 1.0, 1.0
    for code in ("REML", "ML", "DL"):
        found = network(es, tau2=code).leave_one_out(tau2="re-estimate")
        expected, _ = tau2_of(code, X, y[:10], np.diag(v[:10]), np.eye(10))
        assert found.falls_apart[0].parts == (("A", "B"), ("C", "D"))
        assert found.tau2[-1] == pytest.approx(expected, rel=1e-6)
        inside = [
            i for i, p in enumerate(zip(found.treat1, found.treat2, strict=True)) if p == ("A", "B")
        ]
        part = pairwise(
            contrasts(yi=y[:5], vi=v[:5] + found.tau2[-1], measure="MD"), model="common"
        )
        assert found.estimate[-1, inside[0]] == pytest.approx(part.estimate, rel=1e-8)
        assert np.isnan(found.estimate[-1]).sum() == 4


def test_what_a_reader_sees() -> None:
    fit = network(loop())
    found = fit.leave_one_out()
    assert found.falls_apart[0].trial == "s6"
    assert found.falls_apart[0].parts == (("A", "B", "C"), ("D",))
    assert "Falls apart without s6: A, B, C; D" in found.summary()
    assert {note.code for note in found.notes} >= {"holds-together"}
    low, high = found.range_of("A", "B")
    assert found.range_of("B", "A") == (-high, -low)
    column = list(zip(found.treat1, found.treat2, strict=True)).index(("A", "B"))
    assert low == found.estimate[:, column].min()
    assert found.trial[int(found.estimate[:, column].argmin())] == found.trial_of_low[column]
    one = fit.leave_one_out(of=("B", "A"))
    assert one.estimate[:, 0] == pytest.approx(-found.estimate[:, column], abs=1e-12)
    for result in (found, fit.split(tau2="re-estimate")):
        again = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert "<table" in result._repr_html_()
        assert len(result.to_frame("pandas")) > 0
        assert str(result)
        assert repr(result).startswith("<")
    with pytest.raises(UnknownNameError):
        one.range_of("A", "C")
    with pytest.raises(NotEstimableError, match="only trial"):
        network(loop().take([0])).leave_one_out()
    assert not any(f.trial == "s1" for f in found.falls_apart)
    assert len(list(itertools.combinations("ABCD", 2))) == len(found.full)
