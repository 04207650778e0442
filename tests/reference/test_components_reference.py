"""Component models beside every value of netcomb and discomb."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.effects.contrasts import contrasts
from equipoise.models.components import ComponentFit, components
from equipoise.models.network.connect import subnetworks
from equipoise.models.network.fit import network

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
TOLD = json.loads((VALUES / "network_components.json").read_text("utf-8"))
INPUT = json.loads((VALUES / "network_Linde2016.json").read_text("utf-8"))["input"]
ASKED: dict[str, dict[str, Any]] = {
    "netcomb_inactive_placebo": {"inactive": "Placebo"},
    "netcomb_no_inactive": {},
    "netcomb_interaction_PST_SSRI": {
        "inactive": "Placebo",
        "interactions": ["Face-to-face PST*SSRI"],
    },
    "discomb_full": {"inactive": "Placebo"},
}


def number(value: Any) -> float:
    return math.nan if value in ("NA", "NaN") else float(value)


def close(mine: Any, theirs: Any, rel: float = 1e-9, abs_: float = 1e-11) -> None:
    expected = np.array([number(x) for x in theirs])
    assert np.asarray(mine) == pytest.approx(expected, rel=rel, abs=abs_, nan_ok=True)


def effects(fit: ComponentFit, told: dict[str, Any], names: list[str]) -> list[tuple[float, float]]:
    """Every treatment against every later one."""
    out = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            found = fit.effect(a, b) if a != fit.inactive else fit.effect(b)
            out.append((found.estimate if a != fit.inactive else -found.estimate, found.se))
    return out


@pytest.fixture(scope="module", params=sorted(ASKED))
def case(request: pytest.FixtureRequest) -> tuple[dict[str, Any], ComponentFit, ComponentFit]:
    es = contrasts(measure="OR", **INPUT)
    how = ASKED[request.param]
    told = TOLD["Linde2016"][request.param]
    return (
        told,
        components(es, model="common", **how),
        components(es, tau2="DL", **how),
    )


def test_scalars(case: tuple[dict[str, Any], ComponentFit, ComponentFit]) -> None:
    told, _, fit = case
    net = network(fit.data, tau2="DL")
    assert fit.i2_ci is not None
    more = fit.q_difference
    mine = {
        "k": fit.k,
        "m": net.m,
        "n": net.n,
        "d": net.designs,
        "c": len(fit.components),
        "s": len(subnetworks(fit.data)),
        "Q.additive": fit.q,
        "df.Q.additive": fit.q_df,
        "pval.Q.additive": fit.q_p,
        "Q.standard": net.q,
        "df.Q.standard": net.q_df,
        "pval.Q.standard": net.q_p,
        "Q.diff": more.q,
        "df.Q.diff": more.df,
        "pval.Q.diff": more.p_value,
        "tau": math.sqrt(fit.tau2),
        "I2": fit.i2 / 100.0,
        "lower.I2": fit.i2_ci.low / 100.0,
        "upper.I2": fit.i2_ci.high / 100.0,
    }
    expected = told["scalars"]
    assert set(expected) <= set(mine)
    for name, value in expected.items():
        assert mine[name] == pytest.approx(number(value), rel=1e-9, abs=1e-12), name


def test_components_and_combinations(
    case: tuple[dict[str, Any], ComponentFit, ComponentFit],
) -> None:
    told, common, random = case
    for kind, fit in (("common", common), ("random", random)):
        names = told["comps"]
        assert sorted(names) == sorted(fit.components)
        found = [fit.component(name) for name in names]
        for key, mine in (
            ("Comp", [e.estimate for e in found]),
            ("seComp", [e.se for e in found]),
            ("lower.Comp", [e.ci.low for e in found]),
            ("upper.Comp", [e.ci.high for e in found]),
            ("statistic.Comp", [e.estimate / e.se for e in found]),
            ("pval.Comp", [e.p_value for e in found]),
        ):
            close(mine, told[f"{key}.{kind}"], 1e-8 if key == "pval.Comp" else 1e-9)
        treats = [t.replace(" + ", "+") for t in told["trts"]]
        against = [None if t == fit.inactive else fit.combination(t) for t in treats]
        close([e.estimate if e else 0.0 for e in against], told[f"Comb.{kind}"])
        close([e.se if e else 0.0 for e in against], told[f"seComb.{kind}"])
        every = effects(fit, told, treats)
        close([e for e, _ in every], told[f"TE.{kind}"])
        close([se for _, se in every], told[f"seTE.{kind}"])


def test_the_design(case: tuple[dict[str, Any], ComponentFit, ComponentFit]) -> None:
    told, fit, _ = case
    order = [fit.components.index(name) for name in told["comps"]]
    rows = [fit.row(t.replace(" + ", "+"))[order] for t in told["trts"]]
    assert np.array_equal(rows, told["C.matrix"])
    made = {
        tuple(sign * (fit.row(a) - fit.row(b))[order])
        for a, b in zip(INPUT["treat1"], INPUT["treat2"], strict=True)
        for sign in (1.0, -1.0)
    }
    assert all(tuple(map(float, row)) in made for row in told["X.matrix"])
    assert len(told["X.matrix"]) == len(INPUT["yi"])


EXAMPLE = TOLD["example"]


def example(yi: list[float]) -> Any:
    given = EXAMPLE["input"] | {"yi": yi}
    return contrasts(measure="MD", **given)


def test_the_example_has_a_trial_that_does_not_add_up() -> None:
    with pytest.raises(InputError, match="study 5"):
        example(EXAMPLE["input"]["yi"])


#: The trial's three differences, 0.1, 0.1 and 0.05, evened out by least squares.
EVEN = [*EXAMPLE["input"]["yi"][:4], 1 / 12, 7 / 60, 1 / 30]


@pytest.mark.parametrize(("block", "inactive"), [("discomb", ""), ("discomb_inactive_F", "F")])
def test_evened_out_it_is_the_example(block: str, inactive: str) -> None:
    """netmeta's Q holds what the trial misses adding up by; else all is the same."""
    told = EXAMPLE[block]
    missed = sum(
        ((a - b) / 0.1) ** 2 * 2 / 3 for a, b in zip(EVEN, EXAMPLE["input"]["yi"], strict=True)
    )
    es = example(EVEN)
    assert len(subnetworks(es)) == EXAMPLE["n.subnets"] == told["scalars"]["s"]
    with pytest.raises(NotEstimableError, match="4 networks"):
        network(es)
    for kind, how in (("common", {"model": "common"}), ("random", {"tau2": "DL"})):
        fit = components(es, inactive=inactive or None, **how)
        assert (fit.k, len(fit.components)) == (told["scalars"]["k"], told["scalars"]["c"])
        assert fit.q_df == told["scalars"]["df.Q.additive"]
        assert fit.q == pytest.approx(number(told["scalars"]["Q.additive"]) - missed, abs=1e-12)
        for place, name in enumerate(told["comps"]):
            if not fit.estimable(name):  # netmeta gives the solution of least length for these
                assert block == "discomb"
                assert name in "DEF"
                continue
            found = fit.component(name)
            mine = (found.estimate, found.se, found.ci.low, found.ci.high, found.p_value)
            theirs = [
                told[f"{key}.{kind}"][place]
                for key in ("Comp", "seComp", "lower.Comp", "upper.Comp", "pval.Comp")
            ]
            close(mine, theirs, 1e-8, 1e-12)
        names = [t.replace(" + ", "+") for t in told["trts"]]
        at = 0
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                te, se = (number(told[f"{key}.{kind}"][at]) for key in ("TE", "seTE"))
                at += 1
                if fit.estimable(a, b) if b != inactive else fit.estimable(a):
                    found = fit.effect(a, b)
                    close((found.estimate, found.se), (te, se), 1e-8, 1e-12)
