"""Residual deviance, effective parameters and DIC: sums over grids, laws, what a reader sees."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import special

import equipoise as eq
from equipoise.core.errors import UnknownNameError
from equipoise.models.bayes import priors
from equipoise.models.bayes.deviance import Deviance

WEAK = priors.normal(0.0, 2.82)
ROWS = [
    ("1", "none", 3, 40),
    ("1", "A", 9, 42),
    ("2", "none", 4, 25),
    ("2", "A", 0, 25),
    ("3", "none", 2, 60),
    ("3", "A", 7, 60),
    ("3", "B", 3, 55),
    ("4", "none", 0, 20),
    ("4", "B", 0, 22),
]


def net(rows: list[tuple[str, str, int, int]]) -> eq.NetworkFit:
    study, treat, events, n = (list(c) for c in zip(*rows, strict=True))
    arms = eq.arms(study=study, treat=treat, events=events, n=n)
    return eq.network(arms, measure="OR", reference="none")


def _dev(y: int, n: int, theta: np.ndarray) -> np.ndarray:
    top = special.xlogy(y, y / n) + special.xlogy(n - y, 1.0 - y / n)
    out: np.ndarray = -2.0 * (y * theta - n * np.logaddexp(0.0, theta) - top)
    return out


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_one_trial_by_sums_over_its_baseline_effect_and_deviations(tau: float) -> None:
    (_, _, y0, n0), (_, _, y1, n1) = ROWS[:2]
    base = np.linspace(-12.0, 6.0, 181)[:, None, None, None]
    effect = np.linspace(-9.0, 11.0, 161)[:, None, None]
    z = np.linspace(-6.0, 6.0, 25 if tau else 1) * (1.0 if tau else 0.0)
    normal = np.exp(-0.5 * z**2)
    one, two = base + tau / np.sqrt(2.0) * z[:, None], base + effect + tau / np.sqrt(2.0) * z
    d0, d1 = _dev(y0, n0, one), _dev(y1, n1, two)
    w = np.exp(-0.5 * (d0 + d1) - 0.5 * (effect / 2.82) ** 2) * normal * normal[:, None]
    w /= w.sum()
    mean = [float((w * d).sum()) for d in (d0, d1)]
    risks = [float((w * special.expit(t)).sum()) for t in (one, two)]
    logits = [float((w * t).sum()) for t in (one, two)]
    post = eq.bayes(net(ROWS[:2]), tau=tau, effect=WEAK, likelihood="binomial", rtol=2e-3)
    found = post.deviance()
    assert found.treat == ("A", "none")
    assert found.deviance[::-1] == pytest.approx(mean, rel=5e-3)
    assert found.expected[::-1] == pytest.approx([n0 * risks[0], n1 * risks[1]], rel=2e-3)
    by_risk = [
        m - float(_dev(y, n, special.logit(r)))
        for m, y, n, r in zip(mean, (y0, y1), (n0, n1), risks, strict=True)
    ]
    assert found.leverage[::-1] == pytest.approx(by_risk, abs=5e-3)
    by_logit = [
        m - float(_dev(y, n, np.array(t)))
        for m, y, n, t in zip(mean, (y0, y1), (n0, n1), logits, strict=True)
    ]
    assert post.deviance("logit").leverage[::-1] == pytest.approx(by_logit, abs=5e-3)


def test_what_a_reader_sees() -> None:
    post = eq.bayes(net(ROWS), tau=priors.half_normal(0.5), effect=WEAK, likelihood="binomial")
    found = post.deviance()
    # The trial without any event tells nothing and is not in it.
    assert len(found.study) == post.arms == 7
    assert found.dic == pytest.approx(found.residual + found.pd)
    assert 0.0 < found.pd < 7.0
    assert found.error < 0.1
    # Expected events add up to those seen: baselines are flat.
    for study in "123":
        rows = [i for i, s in enumerate(found.study) if s == study]
        assert found.expected[rows].sum() == pytest.approx(found.events[rows].sum(), rel=1e-5)
    text = found.summary()
    assert text.startswith("Residual deviance ")
    assert "of 7 groups" in text
    assert "DIC" in repr(found)
    assert "0/25" in found._repr_html_()
    assert list(found.to_frame()["treat"]) == list(found.treat)
    again = Deviance.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.summary() == text
    assert any("Spiegelhalter" in m.paper for m in found.methods)
    with pytest.raises(UnknownNameError, match="logit"):
        post.deviance("logits")


def test_component_models_have_it_and_with_every_component_its_own_it_is_the_network() -> None:
    fit = net(ROWS)
    one = eq.bayes(fit, tau=0.3, effect=WEAK, likelihood="binomial").deviance()
    parts = eq.components(fit, inactive="none")
    two = eq.bayes(parts, tau=0.3, effect=WEAK, likelihood="binomial").deviance()
    assert two.deviance == pytest.approx(one.deviance, rel=1e-9)
    assert two.dic == pytest.approx(one.dic, rel=1e-9)
