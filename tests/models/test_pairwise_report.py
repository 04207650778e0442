"""The paragraph for a paper: complete, neutral, with every method's reference."""

from __future__ import annotations

import re

import numpy as np
import pytest

from equipoise.effects.contrasts import Contrasts, contrasts
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.presets import PRESETS

ROWS = [(0.10, 0.01), (0.35, 0.02), (0.62, 0.015), (-0.20, 0.03), (0.4, 0.1)]


def fit(measure: str = "RR", k: int = 5, **how: object) -> PairwiseFit:
    y, v = zip(*ROWS[:k], strict=True)
    es = contrasts(yi=y, vi=v, study=[f"trial {i}" for i in range(k)], measure=measure)
    return pairwise(es, **how)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_method_is_named_once_with_its_reference(preset: str) -> None:
    found = fit(preset=preset)
    text = found.report()
    for method in found.methods:
        assert method.name in text
        assert method.paper in text
        assert method.doi in text
    cited = {int(n) for n in re.findall(r"\[(\d+)\]", text)}
    listed = {int(n) for n in re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)}
    assert cited == listed == set(range(1, len(listed) + 1))


@pytest.mark.parametrize("model", ["random", "common"])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_wording_is_neutral(model: str, k: int) -> None:
    text = fit(k=k, model=model).report().casefold()
    assert "significan" not in text
    assert "prove" not in text
    assert "no effect" not in text


def test_what_is_said_of_the_trials_and_of_the_next_one() -> None:
    text = fit().report()
    assert "1 of 5 were below no difference and 4 above" in text
    assert "on either side of no difference" in text
    close = pairwise(
        contrasts(yi=[1.0, 1.1, 1.05, 0.9], vi=[0.01] * 4, study=list("abcd"), measure="MD")
    )
    assert "on the same side of no difference" in close.report()


def test_notes_and_rows_left_out_are_told() -> None:
    es = Contrasts("MD", ("A", "B", "C"), np.array([0.1, np.nan, 0.4]), np.full(3, 0.1))
    text = pairwise(es).report()
    assert "Left out: B (no estimate)." in text
    assert "Note: " in text


def test_weights_and_a_given_tau2_are_told() -> None:
    assert "equal weights" in fit(weighted=False).report()
    assert "set in advance" in fit(weights=[1, 2, 3, 4, 5]).report()
    assert "as given" in fit(tau2=0.1).report()
