"""Plots of models: bubbles of a regression, and the methods for counts side by side."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest
from figure_checks import check, texts

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError


def regression(k: int, measure: str = "RR", model: str = "random") -> Any:
    rng = random.Random(k)
    dose = [rng.uniform(13, 55) for _ in range(k)]
    data = {
        "yi": [-0.03 * (x - 25) + rng.gauss(0, 0.2) for x in dose],
        "vi": [rng.uniform(0.005, 0.6) for _ in range(k)],
        "study": [f"Trial {i}, {1950 + i}" for i in range(k)],
        "dose": dose,
    }
    es = eq.contrasts(measure=measure, yi=data["yi"], vi=data["vi"], study=data["study"])
    return eq.regress(es, "~ dose", data={"dose": dose}, model=model)


def counts(k: int) -> Any:
    rng = random.Random(k)
    n1, n2 = ([rng.randint(50, 300) for _ in range(k)] for _ in range(2))
    return eq.counts_ladder(
        measure="OR",
        events1=[rng.randint(0, 3) + (i == 0) for i in range(k)],
        n1=n1,
        events2=[rng.randint(0, 5) + (i == 0) for i in range(k)],
        n2=n2,
    )


@pytest.mark.parametrize("measure", ["RR", "MD"])
@pytest.mark.parametrize("k", [3, 13, 120])
def test_bubbles_of_every_size(k: int, measure: str) -> None:
    fit = regression(k, measure)
    figure = eq.bubble(fit, "dose")
    check(figure)
    assert figure.svg == eq.bubble(fit, "dose").svg
    lines = re.findall(r'"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', figure.svg)
    ends = [tuple(map(float, line)) for line in lines]
    # The upright axis is the longest line straight up, the other one the longest across.
    x, foot, _, head = max((e for e in ends if e[0] == e[2]), key=lambda e: e[1] - e[3])
    w = max(e[2] - e[0] for e in ends if e[1] == e[3])
    y, h = head, foot - head
    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', figure.svg)
    assert len(circles) == k
    for cx, cy, r in (map(float, c) for c in circles):
        assert x - 0.2 <= cx - r
        assert cx + r <= x + w + 0.2
        assert y - 0.2 <= cy - r
        assert cy + r <= y + h + 0.2


def test_the_table_of_bubbles_has_the_data() -> None:
    fit = regression(13)
    data, table = fit.bubble("dose"), eq.bubble(fit, "dose").table
    assert table.column("x")[:13] == tuple(data.x.tolist())
    assert table.column("effect")[:13] == tuple(math.exp(v) for v in data.y.tolist())
    assert table.column("weight")[:13] == tuple(data.weight.tolist())
    assert table.column("ci_low")[13] == pytest.approx(math.exp(data.line.ci_low[0]), rel=1e-15)
    assert table.column("pi_high")[-1] == pytest.approx(math.exp(data.line.pi_high[-1]), rel=1e-15)


def test_no_prediction_under_a_common_effect() -> None:
    figure = eq.bubble(regression(6, model="common"), "dose")
    check(figure)
    assert "prediction" not in texts(figure.svg)
    assert "pi_low" not in [c.key for c in figure.table.columns]


def test_refusals() -> None:
    with pytest.raises(UnknownNameError, match="dose"):
        eq.bubble(regression(6), "doze")
    with pytest.raises(InputError, match="regress"):
        eq.bubble("a text", "dose")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="counts_ladder"):
        eq.plot_ladder(regression(6))


@pytest.mark.parametrize("k", [2, 13, 60])
def test_methods_side_by_side(k: int) -> None:
    ladder = counts(k)
    figure = eq.plot_ladder(ladder)
    check(figure)
    assert figure.svg == eq.plot_ladder(ladder).svg
    table = figure.table
    assert table.column("trial") == tuple(r.name for r in ladder.rungs)
    for rung, told in zip(ladder.rungs, table.column("effect"), strict=True):
        assert (told is None) == (rung.ci is None)
        assert told is None or told == pytest.approx(math.exp(rung.estimate), rel=1e-15)
    for rung, said in zip(ladder.rungs, table.column("remarks"), strict=True):
        assert rung.why in str(said or "")
    assert ladder.sentence in figure.desc
