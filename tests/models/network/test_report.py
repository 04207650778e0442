"""Networks and component models in paragraphs for a paper."""

from __future__ import annotations

from typing import Any

import pytest
from network_tables import COUNTS, cell, head

import equipoise as eq

TAU = eq.priors.half_normal(0.5)


def fitted(table: Any = COUNTS, **more: Any) -> Any:
    return eq.network(eq.arms(**table), measure="OR", reference="P", **more)


def paragraphs(text: str, count: int) -> list[str]:
    found = text.split("\n\n")
    assert len(found) == count, text
    return found


def test_a_network() -> None:
    fit = fitted()
    methods, results, references = paragraphs(fit.report(), 3)
    assert methods.startswith("4 treatments of 6 trials were compared in a network meta-analysis")
    assert "under random effects" in methods
    assert "was estimated by REML" in methods
    cited = methods.count("[")
    assert references.count("\n") + 1 == cited
    assert all(method.doi in references for method in fit.methods)
    assert "of the 6 pairs of treatments, 5 were compared directly" in results
    for name in ("A", "A+B", "B"):
        row = next(r for r in fit.against().rows if r[0] == name)
        value, bounds = str(row[1]).split(" (", 1)
        assert f"{name} {value} (95% CI {bounds.removesuffix(')')}; prediction" in results
    test = fit.decomposition().random
    assert f"on {test.df} df" in results
    assert "significant" not in fit.report()


def test_a_common_effect_without_a_loop_and_with_something_left_out() -> None:
    gap = cell(head(COUNTS, 4), "events", None, 0)
    gap["study"] += ["t7", "t7"]
    gap["treat"] += ["C", "P"]
    gap["events"] += [3, 4]
    gap["n"] += [30, 30]
    methods, results, notes, _ = paragraphs(fitted(gap, model="common").report(), 4)
    assert "tau²" not in methods
    assert "Left out: t1 (A without events), t1 (only one group, P)." in methods
    assert "prediction" not in results
    assert "No number here tests whether direct and indirect evidence agree." in results
    assert notes.startswith("Note: ")


def test_of_many_treatments_the_ends_and_the_middle_are_told() -> None:
    names = [f"Drug {i}" for i in range(1, 21)]
    es = eq.contrasts(
        yi=[0.1 * i for i in range(20)],
        vi=[0.1] * 20,
        treat1=names,
        treat2=["Placebo"] * 20,
        measure="MD",
    )
    fit = eq.network(es, reference="Placebo")
    for text in (fit.report(), eq.bayes(fit, tau=TAU).report()):
        assert "Of the 20 treatments against Placebo, the lowest, the middle" in text
        assert all(f"{name} " in text for name in ("Drug 1", "Drug 11", "Drug 20"))
        assert "Drug 2 " not in text


@pytest.mark.parametrize("interactions", [None, ["A*B"]])
def test_a_component_model(interactions: list[str] | None) -> None:
    fit = eq.components(fitted(), inactive="P", interactions=interactions)
    methods, results, references = paragraphs(fit.report(), 3)
    assert "the effects of 2 components under random effects" in methods
    assert "P counted as nothing." in methods
    assert "10.1002/bimj.201800167" in references
    for row in fit.identifiability():
        assert f"{row.trials} trial" in results
        assert f"{row.people} people" in results
    if interactions:
        assert "but for the interaction A*B" in methods
        assert "what is beyond the sum" in results
    else:
        assert "were taken to add up" in methods
        assert "Beyond the network in which every combination has its own effect" in results


def test_components_that_cannot_be_told() -> None:
    es = eq.contrasts(yi=[0.1], vi=[0.1], treat1=["A+B"], treat2=["P"], measure="MD")
    fit = eq.components(es, inactive="P")
    text = fit.report()
    assert "could separate 0 of 2 terms" in text
    assert "The effect of A cannot be told: A and B always come together" in text
    assert "No number here tests what the model takes to add up." in text
    assert "The effect of A cannot be told" in eq.bayes(fit, tau=TAU).report()


@pytest.mark.parametrize("likelihood", ["normal", "binomial"])
def test_posteriors(likelihood: str) -> None:
    net = fitted()
    post = eq.bayes(net, tau=TAU, likelihood=likelihood)
    text = post.report()
    for row in post.against().rows:
        assert f"{row[0]} {row[1]}" in text
    assert "95% central credible interval" in text
    parts = eq.bayes(eq.components(net, inactive="P"), tau=TAU, likelihood=likelihood).report()
    assert "of each component (median, 95% central credible interval) was: A" in parts


def test_the_test_between_designs_is_that_of_the_decomposition() -> None:
    for fit in (fitted(), fitted(model="common")):
        found = fit.decomposition().random
        p = f"{found.p_value:.3f}"
        assert f"on {found.df} df, p = {p} (design-by-treatment test" in fit.report()
