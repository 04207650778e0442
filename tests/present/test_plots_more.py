"""Plots with two axes: Baujat's, radial, L'Abbé's, and GOSH."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
import pytest
from figure_checks import check, texts

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.influence import baujat
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.figures import labbe, plot_baujat, plot_gosh, radial
from equipoise.scale.gosh import gosh


def trials(k: int, measure: str = "RR", seed: int = 1) -> Contrasts:
    draw = random.Random(seed)
    rows: dict[str, list[Any]] = {n: [] for n in ("events1", "n1", "events2", "n2")}
    for _ in range(k):
        n, p = draw.randint(20, 400), draw.uniform(0.05, 0.6)
        q = p * draw.uniform(0.4, 1.2)
        rows["n1"].append(n)
        rows["n2"].append(n)
        rows["events1"].append(1 + sum(draw.random() < q for _ in range(n - 2)))
        rows["events2"].append(1 + sum(draw.random() < p for _ in range(n - 2)))
    names = [f"Group of Trial {i}" for i in range(k)]
    return effect_sizes(measure, **rows, study=names)


def fit_of(k: int, measure: str = "RR", **asked: Any) -> PairwiseFit:
    return pairwise(trials(k, measure), **asked)


def circles(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r'<circle cx="([-\d.]+)" cy="([-\d.]+)"', svg)
    ]


def inside(svg: str) -> None:
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', svg)[1].split())  # type: ignore[index]
    for x, y in circles(svg):
        assert 0 <= x <= width
        assert 30 <= y <= height - 20


@pytest.mark.parametrize("k", [2, 13, 120])
@pytest.mark.parametrize("model", ["random", "common"])
def test_baujat_of_any_size(k: int, model: str) -> None:
    fit = fit_of(k, model=model)
    figure = plot_baujat(fit)
    check(figure)
    inside(figure.svg)
    assert len(circles(figure.svg)) == k
    assert figure == plot_baujat(fit) == plot_baujat(fit, title=figure.title)
    axes = baujat(fit)
    assert figure.table.column("study") == fit.study
    assert figure.table.column("heterogeneity") == tuple(axes.heterogeneity.tolist())
    assert figure.table.column("influence") == tuple(axes.influence.tolist())
    top = axes.study[int(axes.heterogeneity.argmax())]
    assert top in figure.desc
    assert top in texts(figure.svg)


def test_baujat_of_trials_that_agree() -> None:
    fit = pairwise(contrasts(measure="MD", yi=[1.0, 1.0, 1.0], vi=[0.1, 0.2, 0.3]))
    figure = plot_baujat(fit)
    check(figure)
    assert "agree" in figure.desc


@pytest.mark.parametrize("k", [2, 13, 120])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("measure", ["RR", "RD"])
def test_radial_of_any_size(k: int, measure: str, centre: bool) -> None:
    fit = fit_of(k, measure)
    figure = radial(fit, centre=centre)
    check(figure)
    inside(figure.svg)
    assert figure == radial(fit, centre=centre)
    across = 1 / np.sqrt(fit.vi + fit.tau2)
    up = (fit.yi - (fit.estimate if centre else 0)) * across
    assert figure.table.column("precision") == pytest.approx(tuple(across))
    assert figure.table.column("standardised") == pytest.approx(tuple(up))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_radial_in_any_unit(scale: float) -> None:
    y, v = [1.0, 3.0, -2.0, 8.0], [0.5, 1.0, 0.3, 0.2]
    fit = pairwise(contrasts(measure="MD", yi=[scale * a for a in y], vi=[scale**2 * b for b in v]))
    check(radial(fit))
    check(radial(fit, centre=True))


@pytest.mark.parametrize("draw", [plot_baujat, radial])
def test_one_trial_and_other_things_are_refused(draw: Any) -> None:
    with pytest.raises(InputError, match="at least two"):
        draw(fit_of(1))
    with pytest.raises(InputError, match="drawn of a list"):
        draw([1, 2])


@pytest.mark.parametrize("k", [1, 2, 13, 120])
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_labbe_of_any_size(k: int, measure: str) -> None:
    es = trials(k, measure)
    figure = labbe(es)
    check(figure)
    inside(figure.svg)
    assert len(circles(figure.svg)) == k
    assert figure == labbe(es) == labbe(pairwise(es))
    assert figure.table.column("events1") == tuple(es.raw["events1"].tolist())
    assert figure.table.column("risk2") == tuple((es.raw["events2"] / es.raw["n2"]).tolist())


def test_labbe_refuses_what_has_no_counts() -> None:
    with pytest.raises(InputError, match="without events1"):
        labbe(contrasts(measure="RR", yi=[0.1, 0.2], vi=[0.1, 0.2]))
    with pytest.raises(InputError, match="measure MD"):
        labbe(contrasts(measure="MD", yi=[0.1, 0.2], vi=[0.1, 0.2]))
    with pytest.raises(InputError, match="drawn of a int"):
        labbe(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [3, 10, 120])
@pytest.mark.parametrize("lit", [False, True])
def test_gosh_of_any_size(k: int, lit: bool) -> None:
    found = gosh(fit_of(k), subsets=2000)
    name = found.study[1] if lit else None
    figure = plot_gosh(found, highlight=name)
    check(figure)
    assert figure == plot_gosh(found, highlight=name)
    assert len(figure.svg) < 300_000
    assert sum(figure.table.column("subsets")) == len(found)  # type: ignore[arg-type]
    if name is not None:
        assert sum(figure.table.column("with")) == found.member[:, 1].sum()  # type: ignore[arg-type]
        assert name in figure.desc or k == 3


def test_gosh_refuses_other_things() -> None:
    with pytest.raises(InputError, match="drawn of a list"):
        plot_gosh([1])  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="nobody"):
        plot_gosh(gosh(fit_of(3)), highlight="nobody")
