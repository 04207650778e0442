"""The drapery plot: curves whose tops and crossings are the estimates and intervals of the fit."""

from __future__ import annotations

import math
import re

import pytest

from equipoise.core.errors import InputError
from equipoise.effects.contrasts import contrasts
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.figures.drapery import drapery


def fitted(k: int, measure: str = "RR") -> PairwiseFit:
    yi = [0.3 * math.sin(i) - 0.4 for i in range(k)]
    vi = [0.02 + 0.05 * (i % 5) for i in range(k)]
    return pairwise(contrasts(yi=yi, vi=vi, measure=measure, study=[f"T{i}" for i in range(k)]))


@pytest.mark.parametrize("k", [1, 2, 13, 120])
@pytest.mark.parametrize("measure", ["RR", "MD", "RD"])
def test_a_curve_for_every_trial_and_one_for_all(k: int, measure: str) -> None:
    figure = drapery(fitted(k, measure))
    assert figure.svg == drapery(fitted(k, measure)).svg
    assert figure.svg.count("<g><title>") == k + 1
    assert "<g><title>All together" in figure.svg
    assert len(figure.table) == k + 1
    assert "nan" not in figure.svg
    assert len(figure.svg) < 100_000


def test_the_table_is_the_fit() -> None:
    fit = fitted(13)
    table = drapery(fit).table
    assert table.column("p_value")[-1] == pytest.approx(fit.p_value)
    assert table.column("study") == (*fit.study, "All together")
    assert str(table.column("low")[-1]) == f"{math.exp(fit.ci.low):.2f}"
    assert str(table.column("high")[-1]) == f"{math.exp(fit.ci.high):.2f}"


def test_curves_begin_at_one_and_stay_in_the_frame() -> None:
    svg = drapery(fitted(13)).svg
    for path in re.findall(r'<g><title>[^<]*</title><path d="M([^"]+)"', svg):
        places = [tuple(map(float, step.split())) for step in path.split("L")]
        heights = [y for _, y in places]
        assert min(x for x, _ in places) >= 0
        assert max(x for x, _ in places) <= 720
        assert max(heights) - min(heights) <= 360.2


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="what pairwise"):
        drapery(contrasts(yi=[1.0], vi=[1.0]))  # type: ignore[arg-type]
