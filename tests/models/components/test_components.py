"""The additive component model: its invariants, what it can tell apart, and its refusals."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.result import from_plain, to_plain
from equipoise.effects.contrasts import Contrasts, arm_contrasts, contrasts
from equipoise.models.components import ComponentFit, Effect, Identified, components
from equipoise.models.correlated import shared_effects
from equipoise.models.pairwise import pairwise

Row = tuple[str, str, float, float]


def given_rows(rows: list[Row], *, study: list[str] | None = None, n: float = 50.0) -> Contrasts:
    """Contrasts from (treat1, treat2, difference, variance)."""
    return contrasts(
        yi=[r[2] for r in rows],
        vi=[r[3] for r in rows],
        study=study or [f"trial {i}" for i in range(1, len(rows) + 1)],
        treat1=[r[0] for r in rows],
        treat2=[r[1] for r in rows],
        n1=[n] * len(rows),
        n2=[n] * len(rows),
        measure="MD",
    )


def fit(rows: list[Row], **options: Any) -> ComponentFit:
    return components(given_rows(rows), **({"inactive": "none"} | options))


#: Exactly additive: A adds 1, B adds 2, C adds 4.
ADDITIVE: list[Row] = [
    ("A", "none", 1.0, 0.1),
    ("A+B", "A", 2.0, 0.2),
    ("A+B+C", "B", 5.0, 0.3),
    ("C", "none", 4.0, 0.4),
]


def random_trials(draw: st.DrawFn) -> list[Row]:
    """Rows over sets of components, and data that do not fit exactly."""
    sets = ["none", "A", "B", "A+B", "A+C", "B+C", "A+B+C"]
    pairs = st.tuples(st.sampled_from(sets), st.sampled_from(sets)).filter(lambda p: p[0] != p[1])
    row = st.tuples(
        pairs, st.integers(-2000, 2000).map(lambda i: i / 256), st.integers(8, 512)
    ).map(lambda r: (*r[0], r[1], r[2] / 256))
    return draw(st.lists(row, min_size=2, max_size=9))


trials = st.composite(random_trials)()
models = st.sampled_from(["common", "DL", "REML", "ML"])


def by(model: str) -> dict[str, str]:
    return {"model": "common"} if model == "common" else {"model": "random", "tau2": model}


def answers(found: ComponentFit) -> dict[str, tuple[float, float]]:
    """Estimate and standard error of everything that can be estimated."""
    asked = ["A", "B", "C", "A+B", "A+C", "B+C", "A+B+C"]
    known = [a for a in asked if set(a.split("+")) <= set(found.components)]
    out = {}
    for a in known:
        if found.estimable(a):
            effect = found.effect(a)
            out[a] = (effect.estimate, effect.se)
    return out


# --- what it computes --------------------------------------------------------------------------


def test_exact_sums_are_found() -> None:
    found = fit(ADDITIVE)
    assert found.components == ("A", "B", "C")
    assert [found.component(c).estimate for c in "ABC"] == pytest.approx([1.0, 2.0, 4.0])
    assert found.combination("C+A").estimate == pytest.approx(5.0)
    assert found.effect("A+B", "C").estimate == pytest.approx(-1.0)
    assert found.effect("none", "A").estimate == pytest.approx(-1.0)
    assert (found.k, found.q_df, found.tau2) == (4, 1, 0.0)
    assert found.q == pytest.approx(0.0, abs=1e-12)
    assert found.q_p == pytest.approx(1.0)


def test_by_hand() -> None:
    """One trial of A and one of A+B against A: B is that trial's own, A+B adds the variances."""
    found = fit([("A", "none", 1.0, 0.25), ("A+B", "A", 2.0, 0.5)], model="common")
    both = found.combination("A+B")
    assert (both.estimate, both.se) == (pytest.approx(3.0), pytest.approx(math.sqrt(0.75)))
    reach = 1.959963984540054 * math.sqrt(0.75)
    assert (both.ci.low, both.ci.high) == (pytest.approx(3 - reach), pytest.approx(3 + reach))
    assert (both.ci.level, both.ci.method) == (0.95, "Wald")
    assert both.p_value == pytest.approx(math.erfc(3.0 / math.sqrt(1.5)), rel=1e-9)
    assert found.component("B").se == pytest.approx(math.sqrt(0.5))


rows_of_one = st.lists(
    st.tuples(st.integers(-4000, 4000), st.integers(8, 4000)), min_size=2, max_size=8
)


@settings(max_examples=60)
@given(rows_of_one, models)
def test_one_component_is_the_pairwise_synthesis(rows: list[tuple[int, int]], model: str) -> None:
    es = given_rows([("A", "none", y / 1024, v / 1024) for y, v in rows])
    one = components(es, inactive="none", **by(model))
    two = pairwise(es, interval="Wald", **by(model))
    assert one.component("A").estimate == pytest.approx(two.estimate, abs=1e-7)
    assert one.component("A").se == pytest.approx(two.se, rel=1e-6)
    assert one.tau2 == pytest.approx(two.tau2, rel=1e-5, abs=1e-8)
    assert one.q == pytest.approx(two.q, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(trials, models)
def test_turning_a_trial_round_changes_nothing(rows: list[Row], model: str) -> None:
    turned = [(b, a, -y, v) if i % 2 else (a, b, y, v) for i, (a, b, y, v) in enumerate(rows)]
    one, two = fit(rows, **by(model)), fit(turned, **by(model))
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9)
    for name, numbers in answers(one).items():
        assert answers(two)[name] == pytest.approx(numbers, rel=1e-6, abs=1e-6)
        assert one.effect("none", name).estimate == -one.effect(name).estimate


@settings(max_examples=60)
@given(trials, models, st.randoms(use_true_random=False))
def test_the_order_of_trials_changes_nothing(rows: list[Row], model: str, random: Any) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    one, two = fit(rows, **by(model)), fit(mixed, **by(model))
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9)
    for name, numbers in answers(one).items():
        assert answers(two)[name] == pytest.approx(numbers, rel=1e-6, abs=1e-6)


@settings(max_examples=60)
@given(trials, models, st.sampled_from([1e-3, 2.0, 1e3]))
def test_other_units_scale_the_answers(rows: list[Row], model: str, c: float) -> None:
    scaled = [(a, b, c * y, c * c * v) for a, b, y, v in rows]
    one, two = fit(rows, **by(model)), fit(scaled, **by(model))
    assert two.tau2 == pytest.approx(c * c * one.tau2, rel=1e-6, abs=1e-9 * c * c)
    for name, numbers in answers(one).items():
        wanted = [c * x for x in numbers]
        assert answers(two)[name] == pytest.approx(wanted, rel=1e-6, abs=1e-6 * c)


@settings(max_examples=60)
@given(trials)
def test_no_difference_between_trials_is_the_common_effect(rows: list[Row]) -> None:
    common = fit(rows, model="common")
    for code in ("DL", "REML", "ML"):
        found = fit(rows, tau2=code)
        if found.tau2 == 0.0:
            assert answers(found) == answers(common)
        else:
            assert found.q == common.q


@settings(max_examples=60)
@given(trials, models)
def test_weights_give_the_estimate(rows: list[Row], model: str) -> None:
    found = fit(rows, **by(model))
    y = np.array([r[2] for r in rows])
    for name, (estimate, _) in answers(found).items():
        w = found.weights(name)
        assert w @ y == pytest.approx(estimate, abs=1e-7)
        assert w @ found.design == pytest.approx(found.row(name), abs=1e-7)
        assert 0.0 <= found.direct_share(name) <= 1.0


@settings(max_examples=60)
@given(trials, st.sampled_from(["common", "DL", "REML"]), st.floats(-50, 50), st.floats(0.01, 5))
def test_a_trial_with_a_component_of_its_own_tells_nothing_else(
    rows: list[Row], model: str, y: float, v: float
) -> None:
    # Not by ML, whose tau² takes no account of what the components use up.
    one = fit(rows, **by(model))
    two = fit([*rows, ("A+X", "none", y, v)], **by(model))
    for name, numbers in answers(one).items():
        assert answers(two)[name] == pytest.approx(numbers, rel=1e-7, abs=1e-7)
        assert two.weights(name)[-1] == 0.0
    if two.estimable("X"):
        assert two.weights("X")[-1] == pytest.approx(1.0)
    assert two.q_df == one.q_df


# --- trials with several arms ------------------------------------------------------------------

MULTI: dict[str, Any] = {
    "study": ["1"] * 3 + ["2"] * 3 + ["3"] * 2 + ["4"] * 4,
    "treat": ["none", "A", "A+B", "A", "B", "none", "A+B", "B", "B", "A", "A+B", "none"],
    "mean": [0.0, 1.1, 2.9, 0.6, 2.2, 0.3, 4.0, 1.5, 2.5, 0.9, 3.1, 0.2],
    "sd": [2.0, 2.2, 1.9, 2.5, 2.4, 2.1, 1.8, 2.0, 1.0, 1.2, 1.1, 1.3],
    "n": [40, 41, 39, 25, 26, 24, 60, 61, 33, 34, 35, 36],
}


@pytest.mark.parametrize("model", ["common", "DL", "REML", "ML"])
@pytest.mark.parametrize("reference", ["none", "A", "A+B", None])
def test_the_base_arm_does_not_matter(model: str, reference: str | None) -> None:
    one = components(arm_contrasts("MD", **MULTI), inactive="none", **by(model))
    es = arm_contrasts("MD", **MULTI, reference=reference)
    two = components(es, inactive="none", **by(model))
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-8, abs=1e-12)
    assert two.q == pytest.approx(one.q, rel=1e-10)
    for name in ("A", "B", "A+B"):
        assert two.effect(name).estimate == pytest.approx(one.effect(name).estimate, abs=1e-9)
        assert two.effect(name).se == pytest.approx(one.effect(name).se, rel=1e-8)
        assert two.direct_share(name) == pytest.approx(one.direct_share(name), abs=1e-9)


def test_random_effects_of_arms_of_one_trial() -> None:
    es = given_rows([("A", "none", 0, 1), ("B", "none", 0, 1), ("C", "none", 0, 1)])
    es = replace(es, study=("x", "x", "y"))
    assert shared_effects(es).tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    turned = replace(es, treat1=("A", "none", "C"), treat2=("none", "B", "none"))
    assert shared_effects(turned)[0, 1] == -0.5
    twice = replace(es, treat1=("A", "A", "C"))
    assert shared_effects(twice).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("code", ["REML", "ML"])
def test_tau2_is_where_the_likelihood_is_highest(code: str) -> None:
    """The (restricted) normal likelihood, written out and searched on a fine grid."""
    es = arm_contrasts("MD", **(MULTI | {"mean": [x * 2.5 for x in MULTI["mean"]]}))
    found = components(es, inactive="none", tau2=code)
    X, y, V, R = found.design, es.yi, es.V(), shared_effects(es)

    def likelihood(t: float) -> float:
        W = np.linalg.inv(V + t * R)
        cov = np.linalg.inv(X.T @ W @ X)
        rest = y - X @ (cov @ X.T @ W @ y)
        value = np.linalg.slogdet(W)[1] - rest @ W @ rest
        return float(value + (np.linalg.slogdet(cov)[1] if code == "REML" else 0.0))

    assert found.tau2 > 0.0
    grid = found.tau2 * np.concatenate([np.linspace(0.0, 3.0, 301), np.linspace(0.999, 1.001, 21)])
    best = max(grid.tolist(), key=likelihood)
    assert likelihood(found.tau2) >= likelihood(best) - 1e-12
    assert best == pytest.approx(found.tau2, rel=2e-4)


def test_of_several_maxima_of_the_likelihood_the_highest_is_taken() -> None:
    """Two precise trials agree and three imprecise ones are far apart."""
    sides = set()
    for far in np.geomspace(0.05, 3.0, 40).tolist():
        y = [0.0, 0.05 * far, 4.0 * far, -4.5 * far, 5.0 * far]
        v = [0.001, 0.001, 0.3, 0.3, 0.3]
        es = given_rows([("A", "none", *row) for row in zip(y, v, strict=True)])
        found = components(es, inactive="none")
        assert found.tau2 == pytest.approx(pairwise(es).tau2, rel=1e-6, abs=1e-9)
        if [note.code for note in found.notes] == ["several-optima"]:
            sides.add(found.tau2 > 0.0)
    assert sides == {True, False}


def test_tau2_by_moments() -> None:
    """Q minus its degrees of freedom over the trace that multiplies tau² in the mean of Q."""
    es = arm_contrasts("MD", **(MULTI | {"mean": [x * 2.5 for x in MULTI["mean"]]}))
    found = components(es, inactive="none", tau2="DL")
    W, X = np.linalg.inv(es.V()), found.design
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    assert found.q == pytest.approx(es.yi @ P @ es.yi, rel=1e-10)
    wanted = (found.q - found.q_df) / np.trace(P @ shared_effects(es))
    assert found.tau2 == pytest.approx(wanted, rel=1e-10)


def test_covariances_that_no_trial_has_name_the_study() -> None:
    es = arm_contrasts("MD", **MULTI)
    bad = replace(es, cov=np.where(np.arange(es.cov.size) == 0, 9.0, es.cov))
    with pytest.raises(InputError, match=r"no data can have \(study 1\)"):
        components(bad, inactive="none")


# --- against published networks ----------------------------------------------------------------

# Smoking cessation, Hasselblad 1998, Med Decis Making 18:37: study, group, stopped, people.
# A no contact, B self-help, C individual and D group counselling.
SMOKING = """\
1 A 9 140, 1 C 23 140, 1 D 10 138, 2 B 11 78, 2 C 12 85, 2 D 29 170, 3 A 75 731, 3 C 363 714,
4 A 2 106, 4 C 9 205, 5 A 58 549, 5 C 237 1561, 6 A 0 33, 6 C 9 48, 7 A 3 100, 7 C 31 98,
8 A 1 31, 8 C 26 95, 9 A 6 39, 9 C 17 77, 10 A 79 702, 10 B 77 694, 11 A 18 671, 11 B 21 535,
12 A 64 642, 12 C 107 761, 13 A 5 62, 13 C 8 90, 14 A 20 234, 14 C 34 237, 15 A 0 20, 15 D 9 20,
16 B 20 49, 16 C 16 43, 17 B 7 66, 17 D 32 127, 18 C 12 76, 18 D 20 74, 19 C 9 55, 19 D 3 26,
20 A 8 116, 20 B 19 149, 21 A 95 1107, 21 C 143 1031, 22 A 15 187, 22 C 36 504, 23 A 78 584,
23 C 73 675, 24 A 69 1177, 24 C 54 888
"""


def smoking() -> Contrasts:
    rows = [row.split() for row in SMOKING.replace("\n", " ").split(",")]
    return arm_contrasts(
        "OR",
        study=[r[0] for r in rows],
        treat=[r[1] for r in rows],
        events=[int(r[2]) for r in rows],
        n=[int(r[3]) for r in rows],
        reference="A",
    )


def test_smoking_cessation_network() -> None:
    """Single components are a network meta-analysis: netmeta 3.4.0, tau² by DL."""
    found = components(smoking(), inactive="A", tau2="DL")
    assert found.tau2 == pytest.approx(0.598875258924702, rel=1e-10)
    assert (found.q, found.q_df) == (pytest.approx(202.618871212979, rel=1e-11), 23)
    expected = {
        "B": (1.5162, 0.7370, 3.1196),
        "C": (2.0822, 1.3557, 3.1979),
        "D": (2.4653, 1.1003, 5.5234),
    }
    for name, wanted in expected.items():
        effect = found.component(name)
        got = [math.exp(x) for x in (effect.estimate, effect.ci.low, effect.ci.high)]
        assert got == pytest.approx(wanted, abs=1e-4)
    common = components(smoking(), inactive="A", model="common")
    got = [math.exp(common.component(c).estimate) for c in "BCD"]
    assert got == pytest.approx([1.2211, 1.9202, 2.0479], abs=5e-5)


def test_smoking_cessation_by_restricted_likelihood() -> None:
    """netmeta on arm data (0.4502); on a plain table of contrasts it prints 0.4275."""
    assert components(smoking(), inactive="A").tau2 == pytest.approx(0.4502, abs=5e-5)


# --- what can be told apart --------------------------------------------------------------------


def test_components_that_always_come_together() -> None:
    found = fit([("A+B", "none", 3.0, 0.1), ("A+B+C", "C", 3.5, 0.1), ("C", "none", 1.0, 0.1)])
    assert not found.estimable("A")
    assert found.estimable("A+B")
    assert found.combination("A+B").estimate == pytest.approx(3.25, abs=0.3)
    with pytest.raises(NotEstimableError, match="A and B always come together in these trials"):
        found.component("A")
    with pytest.raises(NotEstimableError, match="cannot tell the effect of A against C"):
        found.effect("A", "C")
    with pytest.raises(NotEstimableError):
        found.weights("A")
    with pytest.raises(NotEstimableError):
        found.direct_share("B")


def test_components_only_ever_compared_with_each_other() -> None:
    found = fit([("A", "B", 1.0, 0.1), ("A+C", "B+C", 1.0, 0.1), ("C", "none", 1.0, 0.1)])
    assert found.effect("A", "B").estimate == pytest.approx(1.0)
    assert found.effect("A+C", "B").estimate == pytest.approx(2.0)
    with pytest.raises(NotEstimableError, match="A was only ever compared with B"):
        found.component("A")


def test_components_that_no_trial_varies() -> None:
    found = fit([("A+B", "B", 1.0, 0.1)])
    assert found.component("A").estimate == 1.0
    with pytest.raises(NotEstimableError, match="no trial has groups that differ in B"):
        found.component("B")


def test_components_in_mixtures() -> None:
    found = fit([("A+B", "none", 3.0, 0.1), ("B+C", "none", 3.0, 0.1)])
    with pytest.raises(NotEstimableError, match="A, B and C only in mixtures"):
        found.component("A")
    assert found.effect("A", "C").estimate == pytest.approx(0.0, abs=1e-12)


def test_every_reason_is_given() -> None:
    """A and B come together, D and E too, and the first pair only with C."""
    found = fit([("A+B+C", "none", 3.0, 0.1), ("D+E", "none", 2.0, 0.1)])
    with pytest.raises(NotEstimableError) as refused:
        found.component("A")
    assert refused.value.where == "A, B and C always come together in these trials"
    with pytest.raises(NotEstimableError) as refused:
        found.combination("A+D")
    assert refused.value.where == (
        "A, B and C always come together in these trials; "
        "D and E always come together in these trials"
    )
    found = fit([("A+B+C", "none", 3.0, 0.1), ("A+B+D", "none", 2.0, 0.1)])
    with pytest.raises(NotEstimableError) as refused:
        found.component("A")
    assert refused.value.where == (
        "A and B always come together in these trials; "
        "these trials tell A, B, C and D only in mixtures, not one by one"
    )


def test_without_an_inactive_treatment_only_differences_are_known() -> None:
    rows: list[Row] = [("A", "placebo", 1.0, 0.1), ("B", "placebo", 2.0, 0.1)]
    found = fit(rows, inactive=None)
    assert found.components == ("A", "B", "placebo")
    assert found.effect("A", "placebo").estimate == pytest.approx(1.0)
    assert found.effect("B", "A").estimate == pytest.approx(1.0)
    with pytest.raises(NotEstimableError, match="inactive="):
        found.component("A")


def test_identifiability_says_which_and_why() -> None:
    found = fit(
        [
            ("A", "none", 1.0, 0.1),
            ("A+B", "A", 2.0, 0.1),
            ("A+D+E", "none", 3.0, 0.1),
            ("A+C", "none", 2.0, 0.1),
        ]
    )
    rows = {row.component: row for row in found.identifiability()}
    assert [rows[c].separable for c in "ABCDE"] == [True, True, True, False, False]
    assert rows["A"].trials == 3
    assert rows["A"].people == 300
    assert rows["A"].why == "1 trial with groups that differ in A alone"
    assert rows["C"].why.startswith("no trial has groups that differ in C alone")
    assert rows["D"].why == "D and E always come together in these trials"
    assert rows["E"].trials == 1
    assert all(isinstance(row, Identified) for row in rows.values())


def test_a_group_that_two_contrasts_share_counts_once() -> None:
    found = components(arm_contrasts("MD", **MULTI), inactive="none")
    rows = {row.component: row for row in found.identifiability()}
    assert rows["A"].trials == 4
    assert rows["A"].people == sum(MULTI["n"])
    assert rows["A"].why == "4 trials with groups that differ in A alone"
    assert rows["B"].trials == 3
    for reference in ("A", "A+B"):
        other = components(arm_contrasts("MD", **MULTI, reference=reference), inactive="none")
        assert other.identifiability() == found.identifiability()


def test_direct_share() -> None:
    found = fit([("A", "none", 1.0, 0.1), ("B", "none", 1.0, 0.1), ("A", "B", 0.0, 0.1)])
    # Direct 2/3, and 1/3 through B, which puts that weight on two trials.
    assert found.weights("A") == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert found.direct_share("A") == pytest.approx(0.5)
    alone = fit([("A", "none", 1.0, 0.1), ("A+B", "A", 1.0, 0.1)])
    assert alone.direct_share("A") == 1.0
    assert alone.direct_share("A+B") == 0.0
    assert alone.direct_share("none", "A") == 1.0
    assert alone.direct_share("A+B", "A") == 1.0


def test_other_care_on_both_sides_is_direct() -> None:
    found = fit([("A+E", "E", 1.0, 0.1), ("none", "A", -1.0, 0.1)])
    assert found.direct_share("A") == 1.0
    assert found.weights("A") == pytest.approx([0.5, -0.5])


@settings(max_examples=40)
@given(trials)
def test_what_is_estimable_is_what_rank_says(rows: list[Row]) -> None:
    found = fit(rows)
    for name in found.components:
        grown = np.vstack([found.design, found.row(name)])
        same = np.linalg.matrix_rank(grown) == np.linalg.matrix_rank(found.design)
        assert found.estimable(name) == same
        if not same:
            with pytest.raises(NotEstimableError):
                found.component(name)


# --- refusals, notes, and what is left out -----------------------------------------------------


def test_what_no_group_had_is_not_estimable() -> None:
    found = fit(ADDITIVE)
    with pytest.raises(
        NotEstimableError, match=r"no group in these trials had 'D'.*known: A, B, C"
    ):
        found.component("D")
    with pytest.raises(NotEstimableError, match=r"had 'a'.*'A'"):
        found.effect("a+B")
    with pytest.raises(NotEstimableError):
        found.weights("A", "Z")
    assert not found.estimable("Z")
    assert not found.estimable("A", "Z")


def test_questions_that_are_none() -> None:
    found = fit(ADDITIVE)
    for a, b in (("A+B", "B+A"), ("Z", "Z"), ("none", ""), ("A+none", "A")):
        with pytest.raises(InputError, match="same components on both sides"):
            found.effect(a, b)
    with pytest.raises(InputError, match="different names joined"):
        found.effect("A++B")
    for name in ("A+B", "none", ""):
        with pytest.raises(InputError, match="not one component"):
            found.component(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "fixed"}, "unknown model 'fixed'"),
        ({"tau2": "PM"}, "unknown estimator of tau² 'PM'"),
        ({"level": 95}, "level of 95"),
        ({"level": 1.0}, "level of 1"),
        ({"level": 0.0}, "level of 0"),
    ],
)
def test_unknown_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(ADDITIVE, **options)


def test_contrasts_that_cannot_be_used() -> None:
    es = given_rows(ADDITIVE)
    with pytest.raises(InputError, match=r"without its treatments \(study trial 1\)"):
        components(replace(es, treat1=("", "A+B", "A", "C")), inactive="none")
    with pytest.raises(InputError, match=r"variance 0 \(study trial 1\)"):
        components(replace(es, vi=np.array([0.0, 1, 1, 1])), inactive="none")
    with pytest.raises(InputError, match=r"different names joined"):
        components(replace(es, treat1=("A+A", "A+B", "A", "C")), inactive="none")
    with pytest.raises(NotEstimableError, match="no trial with a result"):
        fit([("A", "A", 0.1, 1.0)])


def test_what_is_left_out_is_named() -> None:
    es = given_rows([*ADDITIVE, ("A", "none", math.pi, 0.1), ("A+B", "B+A", 0.3, 0.1)])
    es = replace(es, yi=np.array([*es.yi[:4], math.nan, 0.3]))
    found = components(es, inactive="none")
    assert [(row.study, row.why) for row in found.left_out] == [
        ("trial 5", "no estimate of A against none"),
        ("trial 6", "A+B and B+A have the same components"),
    ]
    assert found.k == len(found) == 4
    assert "Left out: trial 6" in found.summary()


def test_no_degrees_of_freedom_is_told() -> None:
    found = fit(ADDITIVE[:2])
    assert (found.tau2, found.q, found.q_df, found.q_p) == (0.0, 0.0, 0, 1.0)
    assert [note.code for note in found.notes] == ["no-degrees-of-freedom"]
    assert fit(ADDITIVE[:2], model="common").notes == ()


def test_methods_are_named() -> None:
    found = fit(ADDITIVE, tau2="DL")
    assert [m.doi for m in found.methods][1:] == [
        "10.1002/bimj.201800167",
        "10.1002/bimj.201200152",
    ]
    assert len(fit(ADDITIVE, model="common").methods) == 2


def test_level() -> None:
    wide = fit(ADDITIVE, level=0.99).component("A")
    assert wide.ci.level == 0.99
    assert wide.ci.high - wide.estimate == pytest.approx(2.5758293035489004 * wide.se)


def test_through_json_pickle_and_frame() -> None:
    found = components(arm_contrasts("MD", **MULTI), inactive="none")
    back = ComponentFit.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert back == found
    assert back.effect("A+B") == found.effect("A+B")
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert not again.design.flags.writeable
    effect = found.component("A")
    assert from_plain(Effect, to_plain(effect)) == effect
    frame = fit([*ADDITIVE, ("D+E", "none", 1.0, 1.0)]).to_frame("pandas")
    assert frame["component"].tolist() == ["A", "B", "C", "D", "E"]
    assert np.isnan(frame["estimate"].tolist()[3])


def test_shown() -> None:
    found = fit([*ADDITIVE, ("D+E", "none", 1.0, 1.0)])
    assert repr(found) == "ComponentFit(MD, random: 5 components, 5 trials, tau² 0)"
    text = found.summary()
    assert "D  not estimable: D and E always come together in these trials" in text
    assert "Q 0.00 on 1 df" in text
    assert str(found) == text


def test_results_do_not_change() -> None:
    found = fit(ADDITIVE)
    with pytest.raises(ValueError, match="read-only"):
        found.weights("A")[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.design[0, 0] = 2.0


def test_a_combination_that_no_group_had_says_so() -> None:
    es = contrasts(
        yi=[0.5, 0.3, 0.2, 0.9],
        vi=[0.1] * 4,
        study=["1", "2", "3", "4"],
        treat1=["A", "B", "C", "A+B"],
        treat2=["P"] * 4,
        measure="MD",
    )
    fit = components(es, inactive="P")
    assert fit.combination("A+B").notes == fit.combination("B+A").notes == ()
    assert fit.component("A").notes == ()
    found = fit.combination("A+C")
    assert [note.code for note in found.notes] == ["never-tried"]
    assert "No group had 'A+C' and nothing else" in found.notes[0].text
    assert "never tried" in repr(found)
    assert len(fit.effect("A+C", "B+C").notes) == 2
