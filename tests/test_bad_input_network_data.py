"""Bad trials at every door of networks and components: a typed error with a name, or a note.

Each case is what is done to a sound table, and either words of the error, or words that the
summary must have. Every door is then knocked at with the same trials.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from network_tables import COUNTS, MEANS, PAIRS, RATES, cell, head, more, without

import equipoise as eq
from equipoise.core.errors import EquipoiseError

NAN, INF = math.nan, math.inf
TAU = eq.priors.half_normal(0.5)


# --- doors --------------------------------------------------------------------------------------


def _by(es: Any, values: str | list[float]) -> dict[str, Any]:
    names = list(dict.fromkeys(es.study))
    return {name: values[i % len(values)] for i, name in enumerate(names)}


def doors(es: Any, measure: str | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that can be asked of trials, by name."""
    given = {} if measure is None else {"measure": measure}

    def net(**more: Any) -> Any:
        return eq.network(es, **given, **more)

    def parts(**more: Any) -> Any:
        return eq.components(es if measure is None else net(), inactive="P", **more)

    yield "network", net
    yield "common", lambda: net(model="common")
    yield "HK, DL", lambda: net(interval="HK", tau2="DL")
    yield "ML", lambda: net(tau2="ML")
    yield "league", lambda: net().league()
    yield "matrices", lambda: net().matrices()
    yield "split", lambda: net().split()
    yield "node split", lambda: net().split(tau2="re-estimate")
    yield "leave one out", lambda: net().leave_one_out(tau2="re-estimate")
    yield "decomposition", lambda: net().decomposition()
    yield "net heat", lambda: net().net_heat("within")
    yield "ranking", lambda: net().ranking("lower", draws=1000)
    yield "hat matrix", lambda: net().hat_matrix("design")
    yield "flow", lambda: net().flow_measures()
    yield "contributions", lambda: net().contributions("shortest-path")
    yield "trial contributions", lambda: net().trial_contributions()
    yield "funnel", lambda: net().comparison_funnel(sorted(net().treatments))
    yield "slope", lambda: eq.network_regress(net(), _by(es, [0.0, 1.0, 2.0]))
    yield "slopes", lambda: eq.network_regress(net(), _by(es, [0.0, 1.0]), slopes="independent")
    yield (
        "exchangeable",
        lambda: eq.network_regress(net(), _by(es, [0.0, 1.0]), slopes="exchangeable"),
    )
    yield "subgroups", lambda: eq.network_subgroups(net(), _by(es, "xy"))
    yield "one tau² a class", lambda: eq.tau2_by_group(net(), lambda t: "p" if t == "P" else "a")
    yield "cinema", lambda: eq.cinema(net(), important=0.2, risk_of_bias=_by(es, ["low"]))  # type: ignore[arg-type]
    yield "components", parts
    yield "interaction", lambda: parts(interactions=["A*B"])
    yield "interactions", lambda: parts(interactions="identifiable")
    yield "map", lambda: eq.identifiability_map(parts())
    yield "attribution", lambda: eq.attribution(parts(interactions="identifiable"), "A", "B")
    yield "forward", lambda: eq.forward_interactions(es if measure is None else net(), inactive="P")
    yield "bayes", lambda: eq.bayes(net(), tau=TAU)
    yield "bayes parts", lambda: eq.bayes(parts(), tau=TAU)
    yield "plot_network", lambda: eq.plot_network(net() if measure else es)
    yield "plot_league", lambda: eq.plot_league(net())
    yield "plot_split", lambda: eq.plot_split(net())
    yield "plot_net_heat", lambda: eq.plot_net_heat(net().net_heat())
    yield "plot_components", lambda: eq.plot_components(parts())
    yield "forest", lambda: eq.forest(net())
    if measure == "OR":
        yield "ladder", lambda: eq.network_ladder(es)
        for method in ("MH", "NCH", "NCH-Breslow", "penalised", "binomial"):
            yield method, lambda m=method: net(method=m)  # type: ignore[misc]


#: Numbers that have to be finite in what the doors give.
NUMBERS = ("estimate", "se", "theta", "cov", "beta", "tau2", "i2")


def unsaid(found: Any) -> list[str]:
    """Numbers of a fit that are not finite."""
    if not dataclasses.is_dataclass(found) or not hasattr(found, "k"):
        return []
    held = {f.name for f in dataclasses.fields(found)} & {*NUMBERS}
    if getattr(found, "model", "") == "common":
        held -= {"tau2"}  # there is none
    return [n for n in held if not np.isfinite(np.asarray(getattr(found, n), dtype=float)).all()]


def asked(ask: Callable[[], Any]) -> tuple[Any, str]:
    """What is given and its summary, or None and the words of the refusal."""
    try:
        found = ask()
        return found, str(found)
    except EquipoiseError as error:
        return None, f"{error}"


def knock(make: Callable[[], Any], measure: str | None, words: tuple[str, ...]) -> set[str]:
    """Ask everything; return the doors that gave a result."""
    es, said = asked(make)
    if es is None:
        assert "Try: " in said
        assert all(word in said for word in words), said
        return set()
    opened = set()
    for name, ask in doors(es, measure):
        found, said = asked(ask)
        if found is None:
            assert "Try: " in said, name
        else:
            assert said, name
            assert not unsaid(found), name
            opened.add(name)
        if name == "network":
            assert all(word in said for word in words), said
    return opened


# --- what is wrong ------------------------------------------------------------------------------

#: Cells that no trial can have, by column: the value, and words of the error.
CELLS: dict[str, list[tuple[Any, str]]] = {
    "events": [
        (INF, "an infinite value"),
        (-1, "-1 events"),
        (0.5, "0.5 events"),
        (1e6, "1e+06 events in 31 people"),
        ("x", "'x' is not a number"),
        ([1, 2], "is not a number"),
        (1e300, "1e+300"),
    ],
    "n": [
        (INF, "an infinite value"),
        (0, "a group of 0"),
        (-31, "a group of -31"),
        (30.5, "a group of 30.5"),
        ("", "'' is not a number"),
        (1e16, "a group of 1e+16"),
        (1e300, "1e+300"),
    ],
    "mean": [
        (-INF, "an infinite value"),
        ("x", "'x' is not a number"),
        (1e300, "1e+300"),
    ],
    "sd": [
        (-1.0, "standard deviation of -1"),
        (INF, "an infinite value"),
        (1e300, "1e+300"),
    ],
    "time": [
        (0.0, "a person-time of 0"),
        (-1.0, "a person-time of -1"),
        (INF, "an infinite value"),
        (1e300, "1e+300"),
    ],
    "treat": [
        ("", "without a treatment"),
        (None, "without a treatment"),
        ("A", "2 arms with the same treatment 'A'"),
        ("p", "'P'"),
        ("P.", "'P'"),
    ],
}
DATA = {"counts": (COUNTS, "OR"), "means": (MEANS, "SMD"), "rates": (RATES, "IRR")}
CASES = [
    (kind, column, value, words)
    for kind, (table, _) in DATA.items()
    for column, rows in CELLS.items()
    if column in table
    for value, words in rows
    if not (kind == "rates" and "people" in words)
]


@pytest.mark.parametrize(("kind", "column", "value", "words"), CASES)
def test_arms_that_no_trial_has(kind: str, column: str, value: Any, words: str) -> None:
    table, measure = DATA[kind]
    opened = knock(lambda: eq.arms(**cell(table, column, value)), measure, (words, "study t"))
    assert not opened


@pytest.mark.parametrize(
    ("kind", "column"),
    [(k, c) for k, (table, _) in DATA.items() for c in table if c not in ("study", "treat")],
)
@pytest.mark.parametrize("missing", [None, NAN, pd.NA])
def test_arms_with_a_gap_are_left_out_and_named(kind: str, column: str, missing: Any) -> None:
    table, measure = DATA[kind]
    gap = cell(table, column, missing, 7)  # one of three arms
    note = f"left out, for a missing value: t4 (B without {column})"
    opened = knock(lambda: eq.arms(**gap), measure, (note, "Left out: t4 (B without"))
    assert "components" in opened
    rest = eq.network(eq.arms(**without(table, 7)), measure=measure)
    found = eq.network(eq.arms(**gap), measure=measure)
    assert found.theta.tolist() == rest.theta.tolist()
    assert [(row.study, row.why) for row in found.left_out] == [("t4", f"B without {column}")]
    held = eq.arms(**gap)
    assert note in str(held)
    assert type(held).from_dict(held.to_dict()) == held
    pair = eq.arms(**cell(table, column, missing, 0))
    assert [row.why for row in eq.network(pair, measure=measure).left_out] == [
        f"A without {column}",
        "only one group, P",
    ]


def test_rates_do_not_need_people() -> None:
    held = eq.arms(**RATES, n=[None, *COUNTS["n"][1:]])
    assert len(held) == 13
    assert not held.notes


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("yi", None, "t2: no estimate"),
        ("yi", INF, "an infinite value (study t2"),
        ("yi", "x", "'x' is not a number (study t2"),
        ("yi", 1e300, "an estimate of 1e+300"),
        ("yi", -1e300, "an estimate of -1e+300"),
        ("vi", None, "t2: no estimate"),
        ("vi", 0.0, "(study t2"),
        ("vi", -0.2, "-0.2 (study t2"),
        ("vi", INF, "an infinite value (study t2"),
        ("vi", 1e-300, "a variance of 1e-300"),
        ("vi", 1e300, "a variance of 1e+300"),
        ("vi", 1e-40, "too far apart (study t2 and study"),
        ("treat1", "", "study t2"),
        ("treat1", "P", "'P' compared with itself (study t2"),
        ("treat1", "p", "'P' and 'p'"),
        ("study", "", "a study without a name (row 2)"),
    ],
)
def test_comparisons_that_no_trial_has(column: str, value: Any, words: str) -> None:
    table = cell(PAIRS, column, value)
    if words.endswith("no estimate"):
        words = "Left out: t2 (no estimate"
    knock(lambda: eq.contrasts(measure="OR", **table), None, (words,))


#: Tables with something wrong between their rows: what is built, and words of error or summary.
WHOLE: dict[str, tuple[Callable[[], Any], str | None, tuple[str, ...]]] = {
    "no arm": (lambda: eq.arms(**{n: [] for n in COUNTS}), "OR", ("no contrast",)),
    "one arm": (lambda: eq.arms(**head(COUNTS, 1)), "OR", ("t1: only one group, A",)),
    "one trial": (lambda: eq.arms(**head(COUNTS, 2)), "OR", ("1 trial",)),
    "an arm alone": (
        lambda: eq.arms(**more(COUNTS, ("t7", "A", 3, 30))),
        "OR",
        ("Left out: t7 (only one group, A)",),
    ),
    "only arms alone": (
        lambda: eq.arms(**{**COUNTS, "study": list("abcdefghijklm")}),
        "OR",
        ("a: only one group, A",),
    ),
    "an arm twice": (
        lambda: eq.arms(**more(COUNTS, ("t1", "A", 3, 30))),
        "OR",
        ("2 arms with the same treatment 'A' (study t1)",),
    ),
    "two networks": (
        lambda: eq.arms(**more(COUNTS, ("t7", "X", 3, 30), ("t7", "Y", 4, 30))),
        "OR",
        ("2 networks that nothing joins", "X, Y: 1 trial"),
    ),
    "no events": (lambda: eq.arms(**{**COUNTS, "events": [0] * 13}), "OR", ("Note: ",)),
    "events only": (lambda: eq.arms(**{**COUNTS, "events": COUNTS["n"]}), "OR", ("Note: ",)),
    "a trial without events": (
        lambda: eq.arms(**cell(cell(COUNTS, "events", 0, 0), "events", 0)),
        "OR",
        ("Note: ", "t1"),
    ),
    "no spread": (lambda: eq.arms(**{**MEANS, "sd": [0.0] * 13}), "MD", ("deviation of 0",)),
    "one treatment": (lambda: eq.arms(**{**COUNTS, "treat": ["A"] * 13}), "OR", ("'A'",)),
    "lengths": (lambda: eq.arms(**{**COUNTS, "n": [1, 2]}), "OR", ("n 2",)),
    "no comparison": (
        lambda: eq.contrasts(measure="OR", **{n: [] for n in PAIRS}),
        None,
        ("no contrast",),
    ),
    "one comparison": (
        lambda: eq.contrasts(measure="OR", **head(PAIRS, 1)),
        None,
        ("1 trial",),
    ),
    "incomplete": (
        lambda: eq.contrasts(measure="OR", **without(PAIRS, 5)),
        None,
        ("study t4, without A against B",),
    ),
    "not adding up": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "yi", 3.0, 5)),
        None,
        ("do not add up", "study t4: A − P −0.6"),
    ),
    "impossible errors": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "vi", 3.0, 5)),
        None,
        ("standard errors that cannot belong to one trial (study t4)",),
    ),
    "a gap in a trial of three": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "yi", NAN, 4)),
        None,
        ("a missing value", "study t4"),
    ),
    "apart": (
        lambda: eq.contrasts(measure="OR", **more(PAIRS, ("t7", "X", "Y", 0.1, 0.1))),
        None,
        ("2 networks that nothing joins",),
    ),
    "twice": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "treat1", "A+A", 6)),
        None,
        ("A+A",),
    ),
    "far estimates": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "yi", 1e30, 0)),
        None,
        ("",),
    ),
    "large estimates": (
        lambda: eq.contrasts(measure="OR", **cell(PAIRS, "yi", 1e9, 1)),
        None,
        ("",),
    ),
    "lengths of comparisons": (
        lambda: eq.contrasts(measure="OR", **{**PAIRS, "vi": [0.1]}),
        None,
        ("vi 1",),
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_tables_with_something_wrong_between_rows(name: str) -> None:
    make, measure, words = WHOLE[name]
    knock(make, measure, words)


@pytest.mark.parametrize("kind", DATA)
def test_a_sound_table_opens_every_door(kind: str) -> None:
    """So that the doors of the other tests are doors."""
    table, measure = DATA[kind]
    es = eq.arms(**table)
    shut = {name for name, _ in doors(es, measure)} - knock(lambda: es, measure, ())
    assert not shut


def test_an_interaction_that_no_trial_has_is_refused_with_those_that_can_be_told() -> None:
    es = eq.contrasts(measure="OR", **head(PAIRS, 3))
    with pytest.raises(eq.NotEstimableError, match=r"cannot|no trial can tell.*'A\*B'"):
        eq.components(es, inactive="P", interactions=["A*B"])
