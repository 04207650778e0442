"""Small reviews made in memory: the benches that tests build them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bench import Bench
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing about what it found.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def bench() -> Bench:
    """An empty bench."""
    return Bench()


@pytest.fixture
def isolating() -> Callable[..., Bench]:
    """A bench with trials of the solution against sham: one (difference, sd, n) each."""

    def make(*trials: tuple[float, float, int], **kw: Any) -> Bench:
        made = Bench()
        for i, (difference, sd, n) in enumerate(trials, start=1):
            name = f"t{i}"
            made.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=2 * n, **kw)
            made.mean(name, "x", 40 + difference, sd, n).mean(name, "c", 40, sd, n)
        return made

    return make
