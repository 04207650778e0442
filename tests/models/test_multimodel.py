"""Multimodel tables: the set of models, weights, averages, and refusals."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.multimodel import MultiModel, multimodel
from equipoise.models.regression import regress

RNG = np.random.default_rng(5)
K = 24
DATA: dict[str, Any] = {
    "a": RNG.normal(size=K).tolist(),
    "b": RNG.normal(size=K).tolist(),
    "site": [("n", "s", "e")[i % 3] for i in range(K)],
}
ES = contrasts(
    yi=0.5 * np.array(DATA["a"]) + RNG.normal(size=K) * 0.5,
    vi=RNG.uniform(0.02, 0.2, K),
    measure="MD",
)


def test_all_subsets_are_fitted_by_maximum_likelihood() -> None:
    found = multimodel(ES, ["a", "b", "site"], data=DATA)
    assert len(found.models) == 8
    assert {m.formula for m in found.models} == {
        "~ 1", "~ a", "~ b", "~ site", "~ a + b", "~ a + site", "~ b + site", "~ a + b + site"
    }  # fmt: skip
    for m in found.models:
        fit = regress(ES, m.formula, data=DATA, tau2="ML")
        assert m.loglik == fit.ml.loglik
        assert m.criterion == fit.ml.aicc
        assert m.parameters == fit.p + 1
    assert [m.criterion for m in found.models] == sorted(m.criterion for m in found.models)
    assert sum(m.weight for m in found.models) == pytest.approx(1.0)
    first, second = found.models[:2]
    assert second.weight / first.weight == pytest.approx(math.exp(-second.delta / 2))
    assert found.best is first


def test_averages_are_the_weighted_ones() -> None:
    found = multimodel(ES, ["a", "site"], data=DATA, criterion="BIC", level=0.9)
    fits = {m.formula: regress(ES, m.formula, data=DATA, tau2="ML", interval="Wald")
            for m in found.models}  # fmt: skip
    parts = [
        (m.weight, *((c.estimate, c.se) if (c := _of(fits[m.formula], "a")) else (0.0, 0.0)))
        for m in found.models
    ]
    mean = sum(w * b for w, b, _ in parts)
    se = math.sqrt(sum(w * (s * s + (b - mean) ** 2) for w, b, s in parts))
    a = found.coefficient("a")
    assert (a.estimate, a.se) == (pytest.approx(mean), pytest.approx(se))
    assert a.ci.high - a.ci.low == pytest.approx(2 * 1.6448536269514722 * se)
    assert a.importance == pytest.approx(found.importance["a"])
    assert a.estimate_where_present == pytest.approx(mean / a.importance)
    assert found.coefficient("intercept").importance == pytest.approx(1.0)
    assert found.importance["site"] == pytest.approx(
        sum(m.weight for m in found.models if "site" in m.formula)
    )


def _of(fit: Any, name: str) -> Any:
    return fit.coefficient(name) if name in fit.names else None


def test_interactions_come_only_on_request_and_with_both_terms() -> None:
    found = multimodel(ES, ["a", "b"], data=DATA, interactions=True)
    assert [m.formula for m in found.models if ":" in m.formula] == ["~ a + b + a:b"]
    assert len(found.models) == 5
    assert "a:b" in found.importance


def test_formulas_are_fitted_as_they_are() -> None:
    found = multimodel(ES, ["~ a", "~ a * b", "~ 1", "~ center(a) + I(b ** 2)"], data=DATA)
    assert len(found.models) == 4
    assert {"a", "b", "a:b", "center(a)", "I(b ** 2)"} <= set(found.importance)


def test_every_model_has_the_same_trials() -> None:
    holes = {**DATA, "b": [None, *DATA["b"][1:]]}
    found = multimodel(ES, ["a", "b"], data=holes)
    assert found.k == K - 1
    assert found.left_out[0].study == "study 1"
    short = contrasts(yi=ES.yi[1:], vi=ES.vi[1:], measure="MD")
    alone = regress(short, "~ a", data={"a": DATA["a"][1:]}, tau2="ML")
    assert next(m for m in found.models if m.formula == "~ a").loglik == pytest.approx(
        alone.ml.loglik
    )


def test_the_number_of_models_is_said() -> None:
    found = multimodel(ES, ["a", "b", "site"], data=DATA)
    assert "8 models of 24 trials were compared" in found.summary()
    assert "few-for-moderators" in {note.code for note in found.notes}
    assert repr(found).startswith("<MultiModel of 8 models by AICc: best ~ a")
    assert "<table" in found._repr_html_()
    assert len(found.to_frame("polars")) == 8
    again = MultiModel.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()


@pytest.mark.parametrize(
    ("moderators", "settings", "error", "words"),
    [
        (["a"], {"criterion": "aicc"}, UnknownNameError, "'AICc'"),
        (["a"], {"tau2": "REML"}, InputError, "tau2='ML'"),
        (["a"], {"level": 0.0}, InputError, "level"),
        ([], {}, InputError, "no moderators"),
        ("a", {}, InputError, "list of terms"),
        (["a", "~ b"], {}, InputError, "together"),
        (["a", "c"], {}, UnknownNameError, "'c'"),
        (["a", "I(2 * a)"], {}, InputError, r"I\(2 \* a\) = 2 × a"),
        ([f"poly(a, {i})" for i in range(1, 9)], {}, NotEstimableError, "coefficients and tau²"),
        ([f"I(a ** {i})" for i in range(1, 15)], {}, InputError, "more than 4096"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    moderators: Any, settings: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        multimodel(ES, moderators, data=DATA, **settings)
    with pytest.raises(UnknownNameError):
        multimodel(ES, ["a"], data=DATA).coefficient("b")


def test_swapped_arguments_are_named() -> None:
    with pytest.raises(InputError, match="a str to regress"):
        multimodel("~ a", ES, data=DATA)  # type: ignore[arg-type]
