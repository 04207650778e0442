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
        try:
            found = call(**{**sound, argument: value})
            said = str(found)
        except EquipoiseError as error:
            said = str(error)
            assert "Try: " in said, (value, said)
        assert said, value


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
