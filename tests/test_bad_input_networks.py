"""Bad input at every door of networks and components: a typed error, or a note; no raw error."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import equipoise as eq
from equipoise.core.errors import EquipoiseError

ARMS: dict[str, list[Any]] = {
    "study": ["t1", "t1", "t2", "t2", "t3", "t3", "t4", "t4", "t4", "t5", "t5", "t6", "t6"],
    "treat": ["A", "P", "B", "P", "A", "B", "A", "B", "P", "A+B", "P", "A+B", "A"],
    "events": [3, 5, 4, 6, 7, 8, 5, 4, 9, 6, 12, 7, 9],
    "n": [30, 31, 40, 41, 50, 52, 44, 45, 46, 60, 61, 50, 51],
}
TRIALS = ("t1", "t2", "t3", "t4", "t5", "t6")
NUMBER_OF = {name: float(i) for i, name in enumerate(TRIALS)}
KIND_OF = {name: "xy"[i % 2] for i, name in enumerate(TRIALS)}
BIAS_OF = dict.fromkeys(TRIALS, "low")
TAU = eq.priors.half_normal(0.5)


def fitted() -> Any:
    return eq.network(eq.arms(**ARMS), measure="OR", reference="P")


def combined() -> Any:
    return eq.components(fitted(), inactive="P", interactions=["A*B"])


#: Every door by name: what is called, and sound arguments.
DOORS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "network": (eq.network, {"es": eq.arms(**ARMS), "measure": "OR"}),
    **{
        f"network {method}": (
            eq.network,
            {"es": eq.arms(**ARMS), "measure": "OR", "method": method},
        )
        for method in ("MH", "NCH", "penalised", "binomial")
    },
    "network_ladder": (eq.network_ladder, {"es": eq.arms(**ARMS)}),
    "network_regress": (eq.network_regress, {"net": fitted(), "covariate": NUMBER_OF}),
    "network_subgroups": (eq.network_subgroups, {"net": fitted(), "by": KIND_OF}),
    "tau2_by_group": (
        eq.tau2_by_group,
        {"net": fitted(), "groups": {"P": "none", "A": "one", "B": "one", "A+B": "one"}},
    ),
    "components": (eq.components, {"es": fitted(), "inactive": "P"}),
    "identifiability_map": (eq.identifiability_map, {"fit": combined()}),
    "attribution": (eq.attribution, {"fit": combined(), "treatment": "A", "others": "B"}),
    "forward_interactions": (eq.forward_interactions, {"es": fitted(), "inactive": "P"}),
    "bayes network": (eq.bayes, {"es": fitted(), "tau": TAU}),
    "bayes components": (eq.bayes, {"es": combined(), "tau": TAU}),
    "cinema": (eq.cinema, {"fit": fitted(), "important": 0.2, "risk_of_bias": BIAS_OF}),
}

NET, COMBINED = fitted(), combined()
PLAIN = eq.bayes(NET, tau=TAU)
PARTS = eq.bayes(COMBINED, tau=TAU)
COUNTED = eq.network(eq.arms(**ARMS), measure="OR", method="MH", reference="P")
SLOPES = eq.network_regress(NET, NUMBER_OF)
PAIR: dict[str, Any] = {"treat1": "A", "treat2": "P"}
DRAWN: dict[str, Any] = {"better": "lower", "draws": 1000, "seed": 1}
ONE_PAIR: dict[str, Any] = {"of": ("A", "P")}

#: What is asked of what they gave.
DOORS |= {
    "net.effect": (NET.effect, PAIR),
    "net.against": (NET.against, {}),
    "net.to_frame": (NET.to_frame, {}),
    "net.split": (NET.split, {"tau2": "re-estimate", **ONE_PAIR}),
    "split.row": (NET.split().row, {"one": "A", "two": "P"}),
    "net.leave_one_out": (NET.leave_one_out, ONE_PAIR),
    "net.net_heat": (NET.net_heat, {}),
    "net.ranking": (NET.ranking, DRAWN),
    "net.hat_matrix": (NET.hat_matrix, ONE_PAIR),
    "net.contributions": (NET.contributions, ONE_PAIR),
    "net.trial_contributions": (NET.trial_contributions, ONE_PAIR),
    "contributions.of": (NET.contributions().of, {"one": "A", "two": "P"}),
    "net.paths": (NET.paths, PAIR),
    "net.comparison_funnel": (NET.comparison_funnel, {"order": ["A+B", "A", "B", "P"]}),
    "counts.effect": (COUNTED.effect, PAIR),
    "counts.ranking": (COUNTED.ranking, DRAWN),
    "slopes.effect": (SLOPES.effect, PAIR),
    "slopes.against": (SLOPES.against, {}),
    "slopes.slope": (SLOPES.slope, {}),
    "components.effect": (COMBINED.effect, {"a": "A"}),
    "components.component": (COMBINED.component, {"name": "A"}),
    "components.combination": (COMBINED.combination, {"names": "A+B"}),
    "components.estimable": (COMBINED.estimable, {"a": "A"}),
    "components.weights": (COMBINED.weights, {"a": "A"}),
    "components.direct_share": (COMBINED.direct_share, {"a": "A"}),
    "components.groups": (COMBINED.groups, {"study": "t1"}),
    "bayes.effect": (PLAIN.effect, PAIR),
    "bayes.predictive": (PLAIN.predictive, PAIR),
    "bayes.against": (PLAIN.against, {}),
    "bayes.probability_better": (PLAIN.probability_better, {"better": "lower"}),
    "bayes.ranking": (PLAIN.ranking, DRAWN),
    "bayes.sensitivity": (PLAIN.sensitivity, {"priors": [TAU], **ONE_PAIR}),
    "bayes parts.effect": (PARTS.effect, {"a": "A"}),
    "bayes parts.component": (PARTS.component, {"name": "A"}),
    "bayes parts.combination": (PARTS.combination, {"names": "A+B"}),
    "bayes parts.sensitivity": (PARTS.sensitivity, {"priors": [TAU], "of": "A"}),
    "plot_network": (eq.plot_network, {"what": NET}),
    "plot_league": (eq.plot_league, {"net": NET}),
    "plot_ranks": (eq.plot_ranks, {"ranking": NET.ranking("lower", draws=1000)}),
    "plot_contributions": (eq.plot_contributions, {"what": NET.contributions()}),
    "plot_net_heat": (eq.plot_net_heat, {"heat": NET.net_heat()}),
    "plot_split": (eq.plot_split, {"what": NET}),
    "plot_comparison_funnel": (
        eq.plot_comparison_funnel,
        {"found": NET.comparison_funnel(["A+B", "A", "B", "P"])},
    ),
    "plot_components": (eq.plot_components, {"what": COMBINED}),
    "plot_attribution": (eq.plot_attribution, {"att": eq.attribution(COMBINED, "A", "B")}),
    "plot_identifiability": (
        eq.plot_identifiability,
        {"found": eq.identifiability_map(COMBINED)},
    ),
}

#: What nobody means by an argument.
ODD: list[Any] = [
    None,
    math.nan,
    math.inf,
    -1,
    0,
    2,
    1.5,
    True,
    "",
    "nobody",
    b"A",
    [],
    {},
    (),
    [None],
    [[1]],
    ["nobody"],
    ("A", "A"),
    ("A", "P", "B"),
    "A",
    "A++B",
    "A*A",
    ["A", "A"],
    [("A", "A")],
    {"nobody": 1},
    dict.fromkeys(TRIALS),
    dict.fromkeys(TRIALS, math.nan),
    dict.fromkeys(TRIALS, "neither"),
    np.array([1.0, 2.0]),
    object(),
    1e300,
]


def arguments(door: str) -> list[str]:
    return list(inspect.signature(DOORS[door][0]).parameters)


@pytest.mark.parametrize(
    ("door", "argument"), [(door, name) for door in DOORS for name in arguments(door)]
)
def test_an_odd_argument_is_named_or_makes_sense(door: str, argument: str) -> None:
    call, sound = DOORS[door]
    for value in ODD:
        said = asked(lambda value=value: call(**{**sound, argument: value}))
        assert said, value
        assert not said.startswith(REFUSED) or "Try: " in said, (value, said)


REFUSED = "refused: "


def asked(ask: Callable[[], Any]) -> str:
    """The summary of what is given, or the words of the refusal."""
    try:
        return str(ask())
    except EquipoiseError as error:
        return f"{REFUSED}{error}"


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("level", "95%", "level='95%' (argument level). Try: a number"),
        ("level", None, "level=None (argument level)"),
        ("level", True, "level=True (argument level)"),
        ("model", ["random"], "model=['random'] (argument model). Try: text"),
        ("tau2", None, "tau2=None (argument tau2). Try: text or a number"),
        ("reference", 3, "reference=3 (argument reference)"),
    ],
)
def test_the_argument_and_the_value_are_named(argument: str, value: Any, words: str) -> None:
    with pytest.raises(eq.InputError) as caught:
        eq.network(eq.arms(**ARMS), measure="OR", **{argument: value})
    assert words in str(caught.value)
