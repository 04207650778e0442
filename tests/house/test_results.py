"""Every result can be read: one line with the finding, a summary, HTML, a frame, a dict.

The walk covers all classes that derive `Result`, so that a new one cannot lack what others have.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

import equipoise as eq
from equipoise.core.result import Result

WAYS = ("summary", "_repr_html_", "to_frame", "to_dict")

#: Values that stand inside a result, and are read there: class to the result that has them.
PARTS = {
    "answer.answer.Answer": "the page and `equipoise answer` print it",
    "answer.claims.ClaimLine": "Answer",
    "certainty.cinema.Confidence": "Cinema",
    "certainty.cinema.Domain": "Cinema",
    "core.result.QTest": "ComponentFit, Decomposition",
    "models.bayes.grid.Grid": "Posterior",
    "models.bayes.importance.Sample": "BayesNetworkCounts",
    "models.bayes.marginal.Marginal": "Posterior",
    "models.bayes.marginal.NodeMarginal": "Posterior",
    "models.bayes.marginal.TauMarginal": "Posterior",
    "models.bayes.pairwise.Inconsistency": "BayesPairwise",
    "models.bayes.priors.EffectPrior": "an argument of bayes()",
    "models.coefficients.Coefficient": "MultilevelFit, RobustFit",
    "models.components.basis.Basis": "ComponentFit",
    "models.components.reading.Effect": "ComponentFit",
    "models.components.reading.Identified": "ComponentFit",
    "models.components.forward.Tried": "ForwardSelection",
    "models.design.Design": "RegressionFit, MultilevelFit",
    "models.fit_statistics.FitStatistics": "PairwiseFit",
    "models.multilevel_fit.Prediction": "MultilevelFit",
    "models.multilevel_fit.Share": "MultilevelFit",
    "models.multilevel_parts.RandomEffect": "MultilevelFit",
    "models.multilevel_parts.Residual": "MultilevelFit",
    "models.network.inconsistency.DesignQ": "Decomposition",
    "models.network.omission.FallsApart": "LeaveOneTrialOut",
    "models.network.reading.NetworkEffect": "NetworkFit",
    "models.network.regression_fit.NetworkSlope": "NetworkRegression",
    "models.network.regression_fit.SlopeTest": "NetworkRegression",
    "models.network.subgroups.LevelNetwork": "NetworkSubgroups",
    "models.network.subgroups.LevelPair": "NetworkSubgroups",
    "models.network.tau2_groups.GroupTau2": "Tau2ByGroup",
    "models.profiles.ComponentInterval": "MultilevelFit",
    "models.random_terms.RandomTerm": "MultilevelFit",
    "models.subgroups.Difference": "Subgroups",
    "present.audit.findings.CheckResult": "Audit",
    "present.audit.registry.Audit": "`equipoise check` prints it",
    "present.reading.Reading": "Audit",
    "present.standard.StandardResult": "Audit",
    "review.records.Review": "a folder, not a finding",
}

#: Bases of results, of which there are no instances.
BASES = {
    "effects.recovered.Recovered",
    "models.bayes.posterior.Posterior",
    "models.bias.rows.BiasResult",
    "models.network.diagnostics.Diagnosed",
    "models.network.reading.NetworkReading",
    "models.pairwise_result.PairwiseResult",
}


def below(kind: type[Result]) -> Iterator[type[Result]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def name_of(kind: type) -> str:
    return f"{kind.__module__.removeprefix('equipoise.')}.{kind.__qualname__}"


@cache
def results() -> dict[str, type[Result]]:
    """All results of the package by module and name; a dataclass with slots stands once."""
    for module in pkgutil.walk_packages(eq.__path__, "equipoise."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {}
    for kind in below(Result):
        home = importlib.import_module(kind.__module__)
        if kind.__module__.startswith("equipoise.") and hasattr(home, kind.__name__):
            found[name_of(kind)] = getattr(home, kind.__name__)
    return found


def lacks(kind: Any) -> list[str]:
    missing = [way for way in WAYS if not callable(getattr(kind, way, None))]
    made_by_dataclass = kind.__dataclass_params__.repr
    return [*missing, *(["a repr with the finding"] if made_by_dataclass else [])]


def test_every_result_can_be_read() -> None:
    whole = {n: k for n, k in results().items() if n not in PARTS and n not in BASES}
    assert len(whole) > 60
    assert {n: gone for n, k in whole.items() if (gone := lacks(k))} == {}


def test_what_is_named_a_part_exists_and_says_nothing_of_its_own() -> None:
    assert set(PARTS) <= set(results())
    assert set(BASES) <= set(results())
    for name in PARTS:
        assert lacks(results()[name]), f"{name} is whole: take it off the list"


@pytest.mark.parametrize("name", sorted(PARTS))
def test_no_public_function_returns_a_part(name: str) -> None:
    if PARTS[name].startswith(("the page", "an argument", "`", "a folder")):
        return
    short = name.rsplit(".", 1)[1]
    for public in eq._HOME:
        function = getattr(eq, public)
        if inspect.isfunction(function):
            assert inspect.signature(function).return_annotation != short, public


K = 12
STUDY = [f"Trial {i + 1}" for i in range(K)]
YEAR = [1990.0 + 2 * i for i in range(K)]
PLACE = ["north", "south"] * 6


@cache
def made() -> dict[str, Any]:
    """One result of each kind of the pairwise rooms."""
    rng = np.random.default_rng(1)
    n = rng.integers(30, 90, K)
    e1, e2 = rng.binomial(n, np.linspace(0.1, 0.5, K)), rng.binomial(n, 0.3)
    counts = {"events1": e1, "n1": n, "events2": e2, "n2": n, "study": STUDY}
    es = eq.effect_sizes("OR", **counts)
    fit = eq.pairwise(es)
    frame = {"study": STUDY, "year": YEAR, "place": PLACE, "pair": [i // 2 for i in range(K)]}
    reg = eq.regress(es, "~ year", data=frame)
    less = eq.regress(es, "~ 1", data=frame, tau2="ML")
    more = eq.regress(es, "~ year", data=frame, tau2="ML")
    rows = {"yi": es.yi, "vi": es.vi, "study": STUDY, "data": frame}
    ml = eq.multilevel(**rows, random="~ 1 | pair/study")
    flat = eq.multilevel(**rows, random="~ 1 | pair")
    arms = eq.arms(study=STUDY * 2, treat=["a"] * K + ["b"] * K, events=[*e1, *e2], n=[*n, *n])
    yi, vi = np.tile(es.yi, 3), np.tile(es.vi, 3)
    at = np.arange(0, 3 * K + 1, K)
    found = [
        es,
        arms,
        fit,
        fit.proportion_beyond(-0.2),
        reg,
        reg.test("year"),
        reg.predict({"year": [2000.0]}),
        reg.bubble("year"),
        more.compare(less),
        ml,
        ml.compare(flat),
        ml.test("intercept"),
        eq.location_scale(es, scale="~ year", data=frame),
        eq.multimodel(es, ["year", "place"], data=frame),
        eq.permutation_test(reg, iterations=50, seed=1),
        eq.robust(fit, cluster=frame["pair"]),
        eq.subgroups(es, PLACE),
        eq.leave_one_out(fit),
        eq.cumulative(es),
        eq.influence(fit),
        eq.baujat(fit),
        eq.sequential(es, eq.required_information(fit=fit, effect=0.5)),
        eq.sequential_boundaries([0.5, 1.0]),
        eq.required_information(fit=fit, effect=0.5),
        eq.small_study(es),
        eq.small_study_panel(es),
        eq.trim_fill(es),
        eq.pet_peese(es),
        eq.limit_meta(es),
        eq.selection(es, alternative="less"),
        eq.henmi_copas(es),
        eq.fail_safe(es),
        eq.excess_significance(es),
        eq.funnel_data(fit),
        eq.counts(**counts, measure="OR", model="MH"),
        eq.counts_ladder(**counts, measure="OR"),
        eq.batch.pairwise(yi, vi, offsets=at),
        eq.bootstrap(fit, draws=20, seed=1),
        eq.gosh(fit, subsets=50, seed=1),
        eq.bayes(es, tau=eq.priors.half_normal(0.5)),
        eq.recover.sd_from_se(se=[1.0], n=[9]),
    ]
    return {type(one).__name__ + f" {i}": one for i, one in enumerate(found)}


def readings(one: Any) -> Iterator[tuple[str, str]]:
    yield "repr", repr(one)
    yield "summary", one.summary()
    yield "html", one._repr_html_()


def test_results_of_the_pairwise_rooms_say_what_was_found() -> None:
    rooms = ("models.bayes.", "models.network.", "models.components.", "certainty.")
    wanted = {
        k.__name__
        for n, k in results().items()
        if n not in PARTS and n not in BASES and not n.startswith((*rooms, "effects.recovered."))
    }
    assert wanted <= {type(one).__name__ for one in made().values()}
    for name, one in made().items():
        told = dict(readings(one))
        assert "\n" not in told["repr"], name
        assert len(told["repr"]) < 200, name
        assert "object at 0x" not in told["repr"], name
        assert told["summary"].strip(), name
        assert told["html"].startswith("<"), name
        assert len(one.to_frame()) >= 1, name
        json.dumps(one.to_dict())
        for note in getattr(one, "notes", ()):
            assert note.text in told["summary"], (name, note.code)


def test_results_are_frozen_with_slots() -> None:
    kinds: dict[str, Any] = dict(results())
    for name, kind in kinds.items():
        if name in BASES:
            continue
        assert dataclasses.is_dataclass(kind), name
        assert kind.__dataclass_params__.frozen, name
        assert "__slots__" in vars(kind), name
