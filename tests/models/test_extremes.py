"""What has to stay sound, or be refused by name, far beyond what trials give."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.effects.contrasts import contrasts
from equipoise.models.bias.selection import selection
from equipoise.models.counts.fit import counts
from equipoise.models.counts.ladder import counts_ladder
from equipoise.models.influence import baujat
from equipoise.models.pairwise import pairwise
from equipoise.present.figures import forest, funnel

MANY = {
    "events1": [1_000_000] * 3,
    "n1": [3_000_000] * 3,
    "events2": [1_100_000] * 3,
    "n2": [3_000_000] * 3,
}


def test_an_exact_distribution_too_long_to_make_is_refused_at_once() -> None:
    with pytest.raises(NotEstimableError, match="6,300,000 events"):
        counts(measure="OR", model="exact", **MANY)
    assert "no result" in counts_ladder(measure="OR", **MANY).summary()


@pytest.mark.parametrize("plot", [forest, funnel])
def test_a_ratio_that_no_number_holds_is_refused_by_a_plot(plot: object) -> None:
    fit = pairwise(contrasts(yi=[0.1, 700.0, 800.0], vi=[0.1, 0.1, 0.1], measure="RR"))
    with pytest.raises(InputError, match="cannot be drawn"):
        plot(fit)  # type: ignore[operator]


@pytest.mark.parametrize("type", ["beta", "halfnormal", "negexp", "logistic", "power"])
def test_selection_models_bear_any_variances(type: str) -> None:
    yi = np.random.default_rng(1).normal(size=8)
    for vi in ([1e-12, 1e-6, 1.0, 1e6, 1e12, 1.0, 2.0, 3.0], [1.0] * 7 + [1e8]):
        found = selection(contrasts(yi=yi, vi=vi), type=type, alternative="greater")
        assert np.isfinite(found.estimate)


def test_baujat_tells_its_trials_the_most_heterogeneous_first() -> None:
    fit = pairwise(contrasts(yi=[0.1, 0.2, 0.9], vi=[0.01, 0.02, 0.03], study=["A", "B", "C"]))
    axes = baujat(fit)
    assert axes.table().column("study")[0] == "C"
    assert axes.summary().count("\n") >= 4
    assert "<table" in axes._repr_html_()
