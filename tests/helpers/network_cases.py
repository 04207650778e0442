"""Networks that Hypothesis makes, as contrasts."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts

Trials = list[tuple[str, list[tuple[str, float, float]]]]
NAMES = "ABCDEF"


@st.composite
def trials(draw: Any, most: int = 5, arms: int = 4) -> Trials:
    """A connected network of arms with means: a chain, then any trials of up to `arms` arms."""
    names = NAMES[: draw(st.integers(3, most))]
    designs: list[tuple[str, ...]] = list(itertools.pairwise(names))
    some = st.sets(st.sampled_from(names), min_size=2, max_size=arms)
    designs += [tuple(sorted(d)) for d in draw(st.lists(some, min_size=1, max_size=7))]
    mean = st.floats(-3, 3).map(lambda x: round(x, 3))
    variance = st.floats(0.02, 2).map(lambda x: round(x, 3))
    return [
        (f"t{i}", [(arm, draw(mean), draw(variance)) for arm in design])
        for i, design in enumerate(designs)
    ]


def build(data: Trials) -> Contrasts:
    """All comparisons of all trials."""
    rows: dict[str, list[Any]] = {key: [] for key in ("study", "treat1", "treat2", "yi", "vi")}
    for study, groups in data:
        for (a, y, v), (b, z, w) in itertools.combinations(groups, 2):
            for key, value in zip(rows, (study, a, b, y - z, v + w), strict=True):
                rows[key].append(value)
    return contrasts(measure="MD", **rows)
