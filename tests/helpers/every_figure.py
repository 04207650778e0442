"""One of every kind of figure of an analysis, made of the same few trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import equipoise as eq
from equipoise.present.figures import Figure

LONG = "The Multicentre International Collaborative Group of Long Names for Trials 1999"


@cache
def effects(k: int, measure: str = "RR") -> Any:
    """Effects of trials with counts; the first name is long."""
    rows: dict[str, list[Any]] = {name: [] for name in ("events1", "n1", "events2", "n2")}
    for i in range(k):
        n = 30 + 37 * (i * 7 % 11)
        rows["n1"].append(n)
        rows["n2"].append(n + i % 3)
        rows["events1"].append(1 + round(n * (0.12 + 0.1 * math.sin(i) ** 2)))
        rows["events2"].append(2 + round(n * (0.2 + 0.1 * math.cos(i) ** 2)))
    names = [f"Author {i} {1950 + i}" if i else LONG for i in range(k)]
    return eq.effect_sizes(measure, **rows, study=names)


@cache
def fit(k: int, measure: str = "RR") -> Any:
    """What `pairwise` gives of them."""
    return eq.pairwise(effects(k, measure))


def _posterior(k: int) -> Figure:
    effect = eq.priors.normal(0.0, 1.0)
    return eq.plot_posterior(eq.bayes(effects(k), tau=eq.priors.half_normal(0.5), effect=effect))


def _bubble(k: int) -> Figure:
    dose = [10.0 + 40.0 * math.sin(i) ** 2 for i in range(k)]
    return eq.bubble(eq.regress(effects(k), "~ dose", data={"dose": dose}), "dose")


def _gosh(k: int) -> Figure:
    found = eq.gosh(fit(k), subsets=500)
    return eq.plot_gosh(found, highlight=found.study[0])


def _sequential(k: int) -> Figure:
    need = eq.required_information(control_risk=0.2, relative_reduction=0.3)
    return eq.plot_sequential(eq.sequential(effects(k), need, order="year", futility="OBF"))


#: What each plot is called, the fewest trials that it can be drawn of, and what draws it.
KINDS: dict[str, tuple[int, Callable[[int], Figure]]] = {
    "forest": (1, lambda k: eq.forest(fit(k))),
    "leave-one-out": (2, lambda k: eq.forest(eq.leave_one_out(fit(k)))),
    "cumulative": (2, lambda k: eq.forest(eq.cumulative(fit(k)))),
    "ladder": (2, lambda k: eq.plot_ladder(eq.counts_ladder(effects(k, "OR")))),
    "funnel": (1, lambda k: eq.funnel(fit(k))),
    "radial": (2, lambda k: eq.radial(fit(k))),
    "labbe": (1, lambda k: eq.labbe(fit(k))),
    "drapery": (1, lambda k: eq.drapery(fit(k))),
    "posterior": (1, _posterior),
    "bubble": (3, _bubble),
    "baujat": (2, lambda k: eq.plot_baujat(fit(k))),
    "sequential": (1, _sequential),
    "influence": (2, lambda k: eq.plot_influence(fit(k))),
    "gosh": (3, _gosh),
}
