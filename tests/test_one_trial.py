"""What is said of one trial: "1 trial", never "1 trials" or "all 1"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import equipoise as eq

NOUNS = (
    "trials|studies|estimates|effects|rows|clusters|groups|comparisons|treatments|designs|arms|"
    "components|looks|models|weights|labels|values|pairs|coefficients|levels|priors|covariances|"
    "contrasts|subsets|parts|moderators|terms|points|columns|people|meta-analyses|samples|optima"
)
#: "1 trials", but not "11 trials", "0.1 trials" or "k − 1 degrees".
WRONG = re.compile(rf"(?<![\d.,\u2212-])(?<!\u2212 )\b1 (?:{NOUNS})\b|\b[Aa]ll 1 ")

MODELS = ("MH", "Peto", "UM.FS", "CM.EL", "CM.AL", "BB", "Firth", "IV", "exact", "collapsed")
TESTED = ("cumulative", "fail_safe", "trim_fill", "small_study", "pet_peese", "limit_meta")
PLOTS = ("forest", "funnel", "radial", "drapery")


def texts(one: Any) -> Iterator[str]:
    yield from (repr(one), str(one))
    for way in ("summary", "report"):
        if hasattr(one, way):
            yield getattr(one, way)()
    if hasattr(one, "svg"):
        yield one.svg
    yield from (note.text for note in getattr(one, "notes", ()))


def said(make: Callable[[], Any]) -> list[str]:
    """All that a result says, or the error in its stead."""
    try:
        return list(texts(make()))
    except eq.EquipoiseError as error:
        return [str(error)]


def few(k: int) -> dict[str, Callable[[], Any]]:
    """What can be asked of `k` trials."""
    rng = np.random.default_rng(k)
    n = rng.integers(30, 90, k)
    e1, e2 = rng.binomial(n, 0.2), rng.binomial(n, 0.3)
    study = [f"T{i}" for i in range(k)]
    counts: dict[str, Any] = {"events1": e1, "n1": n, "events2": e2, "n2": n, "study": study}
    none = counts | {"events1": [0] * k}
    nobody = none | {"events2": [0] * k}
    data = {"study": study, "year": [1990.0 + i for i in range(k)], "g": list("aba")[:k]}
    es = eq.effect_sizes("OR", **counts)
    fit = eq.pairwise(es)
    arms = eq.arms(study=study * 2, treat=["a"] * k + ["b"] * k, events=[*e1, *e2], n=[*n, *n])
    half = eq.priors.half_normal(0.5)
    asked: dict[str, Callable[[], Any]] = {
        "effects": lambda: es,
        "pairwise": lambda: fit,
        "common": lambda: eq.pairwise(es, model="common"),
        "regress": lambda: eq.regress(es, "~ year", data=data),
        "multimodel": lambda: eq.multimodel(es, ["year"], data=data),
        "location_scale": lambda: eq.location_scale(es, scale="~ year", data=data),
        "subgroups": lambda: eq.subgroups(es, data["g"]),
        "multilevel": lambda: eq.multilevel(
            yi=es.yi, vi=es.vi, study=study, random="~ 1 | study", data={"g": data["g"]}
        ),
        "robust": lambda: eq.robust(fit, cluster=study),
        "ladder": lambda: eq.counts_ladder(**counts, measure="OR"),
        "batch": lambda: eq.batch.pairwise(es.yi[None], es.vi[None]),
        "bayes": lambda: eq.bayes(es, tau=half),
        "left out": lambda: eq.forest(eq.leave_one_out(fit)),
        "one by one": lambda: eq.forest(eq.cumulative(es)),
        "influence": lambda: eq.influence(fit),
        "arms": lambda: arms,
    }
    asked |= {t: lambda t=t: getattr(eq, t)(es) for t in TESTED}  # type: ignore[misc]
    asked |= {p: lambda p=p: getattr(eq, p)(fit) for p in PLOTS}  # type: ignore[misc]
    for i, table in enumerate((counts, none, nobody)):
        asked |= {
            f"{m} {i}": lambda m=m, table=table: eq.counts(**table, measure="OR", model=m)  # type: ignore[misc]
            for m in MODELS
        }
    net = eq.network(arms, measure="OR", reference="a")
    asked |= {
        "network": lambda: net,
        "split": net.split,
        "decomposition": net.decomposition,
        "contributions": net.contributions,
        "leave one out": net.leave_one_out,
        "network ladder": lambda: eq.network_ladder(arms, reference="a"),
        "tau2 by group": lambda: eq.tau2_by_group(net, lambda t: t),
        "network bayes": lambda: eq.bayes(net, tau=half),
        "components": lambda: eq.components(net, inactive="a"),
        "graph": lambda: eq.plot_network(net),
        "network forest": lambda: eq.forest(net),
    }
    return asked


@pytest.mark.parametrize("k", [1, 2])
def test_one_is_one(k: int) -> None:
    found = {
        (name, text[max(0, hit.start() - 40) : hit.end() + 40])
        for name, make in few(k).items()
        for text in said(make)
        for hit in WRONG.finditer(text)
    }
    assert found == set()


@pytest.mark.parametrize(
    ("text", "hit"),
    [("1 trials", True), ("All 1 trial", True), ("11 trials", False), ("0.1 points", False)],
)
def test_the_pattern_finds_what_it_should(text: str, hit: bool) -> None:
    assert bool(WRONG.search(text)) is hit
