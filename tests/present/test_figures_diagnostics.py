"""Plots of influence: every trial in every diagnostic, and the ones that stand out marked."""

from __future__ import annotations

import random
from typing import Any

import pytest
from figure_checks import check, drawings, texts

import equipoise as eq
from equipoise.core.errors import InputError


def fit(k: int, far: float = 0.0) -> Any:
    rng = random.Random(k)
    names = [f"Trial {i} of a group with a long name" if i % 3 else f"T{i}" for i in range(k)]
    yi = [rng.gauss(0.2, 0.2) for _ in range(k - 1)] + [0.3 + far]
    return eq.pairwise(eq.contrasts(yi=yi, vi=[0.04] * k, study=names, measure="OR"))


@pytest.mark.parametrize("k", [2, 3, 30, 120])
def test_every_size(k: int) -> None:
    figure = eq.plot_influence(fit(k))
    check(figure)
    assert len(figure.table) == k
    assert len(figure.svg) < 250_000
    assert figure == eq.plot_influence(eq.influence(fit(k)))


def test_an_influential_trial_is_a_diamond_and_named() -> None:
    found = eq.influence(fit(12, far=4.0))
    assert found.influential.any()
    figure = eq.plot_influence(found)
    check(figure)
    name = found.study[int(found.influential.argmax())]
    assert name in figure.desc
    for svg in drawings(figure):
        assert svg.count('fill="var(--harm') == 8 * int(found.influential.sum())
        assert "Cook's" in texts(svg)
    assert "influential" in str(figure.table.column("remarks"))
    assert figure.table.column("hat")[0] == float(found.hat[0])


def test_refusals() -> None:
    with pytest.raises(InputError, match="at least two"):
        eq.plot_influence(fit(1))
    with pytest.raises(InputError, match="cannot be drawn of a list"):
        eq.plot_influence([1])  # type: ignore[arg-type]
