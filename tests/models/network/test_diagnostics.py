"""Diagnostics of a network: hat matrices, flow, contributions of trials, net heat, funnel."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from network_cases import NAMES, build, trials

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.effects.contrasts import contrasts
from equipoise.models.bias.asymmetry import small_study
from equipoise.models.network.core import bordered, make_net, solve
from equipoise.models.network.direct import designs_of, edges, pieces, without
from equipoise.models.network.fit import network
from equipoise.models.network.heat import net_heat


def star() -> Any:
    return contrasts(
        yi=[1.0, 2.0, 1.5, 1.1],
        vi=[0.1, 0.2, 0.1, 0.3],
        treat1=["A", "B", "C", "A"],
        treat2=["P"] * 4,
        study=["s1", "s2", "s3", "s4"],
        measure="MD",
    )


def loop(**changes: Any) -> Any:
    base: dict[str, Any] = {
        "yi": [1.0, 0.5, 0.2, 0.9],
        "vi": [0.1, 0.1, 0.1, 0.2],
        "study": ["s1", "s2", "s3", "s4"],
        "treat1": ["A", "B", "A", "A"],
        "treat2": ["B", "C", "C", "B"],
        "measure": "MD",
    }
    return contrasts(**(base | changes))


@settings(max_examples=25, deadline=None)
@given(trials())
def test_edges_are_the_network_as_if_they_were_independent(data: Any) -> None:
    net = make_net(build(data))
    for tau2 in (0.0, 0.4):
        at = solve(net, tau2)
        e = edges(net, tau2)
        X = np.zeros((len(e.one), net.n))
        rows = np.arange(len(e.one))
        X[rows, e.one], X[rows, e.two] = 1.0, -1.0
        X = X[:, 1:]
        beta = np.linalg.solve(X.T @ (e.weight[:, None] * X), X.T @ (e.weight * e.difference))
        assert beta == pytest.approx(at.theta[1:], rel=1e-10, abs=1e-11)
        rest = e.difference - X @ beta
        assert float(e.weight @ rest**2) == pytest.approx(at.q, rel=1e-10, abs=1e-11)


@settings(max_examples=25, deadline=None)
@given(trials())
def test_hat_matrices_give_the_network_in_one_step_and_in_two(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    found = {by: fit.hat_matrix(by) for by in ("comparison", "design", "trial")}
    for hat in found.values():
        mine = hat.values @ hat.direct
        expected = [fit.effect(*pair).estimate for pair in hat.estimates]
        assert mine == pytest.approx(expected, rel=1e-10, abs=1e-11)
        one, two = hat.estimates[-1]
        row = fit.hat_matrix(hat.by, of=(two, one)).values[0]
        assert row == pytest.approx(-hat.values[-1], abs=1e-14)
        assert list(hat.of(two, one).values()) == pytest.approx(row, abs=1e-14)
    # What the columns of trials and designs add up to is the flow through a comparison.
    whole = found["comparison"]
    for by in ("design", "trial"):
        for column, pair in enumerate(whole.comparisons):
            same = [i for i, p in enumerate(found[by].comparisons) if p == pair]
            total = found[by].values[:, same].sum(axis=1)
            assert total == pytest.approx(whole.values[:, column], abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(trials())
def test_a_row_of_the_hat_matrix_is_what_least_squares_says(data: Any) -> None:
    """By nudging what a trial saw and solving again."""
    data = [(s, g) for s, g in data if len(g) == 2]
    fit = network(build(data), model="common")
    hat = fit.hat_matrix("trial")
    for column, study in enumerate(hat.source):
        moved = [
            (s, [(a, y + (s == study and a == hat.comparisons[column][0]), v) for a, y, v in g])
            for s, g in data
        ]
        other = network(build(moved), model="common")
        change = [other.effect(*p).estimate - fit.effect(*p).estimate for p in hat.estimates]
        assert hat.values[:, column] == pytest.approx(change, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(trials())
def test_flow_is_conserved_and_measured(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    hat, measures = fit.hat_matrix(), fit.flow_measures()
    for row, (a, b) in enumerate(hat.estimates):
        net_out = dict.fromkeys(fit.treatments, 0.0)
        for (c, d), f in zip(hat.comparisons, hat.values[row].tolist(), strict=True):
            net_out[c] += f
            net_out[d] -= f
        for t, out in net_out.items():
            assert out == pytest.approx((t == a) - (t == b), abs=1e-11)
        size = np.abs(hat.values[row])
        mine = measures.row(b, a)
        assert mine["path_length"] == pytest.approx(size.sum(), rel=1e-12)
        assert mine["parallelism"] == pytest.approx(1.0 / size.max(), rel=1e-12)
        by_trial = np.abs(fit.hat_matrix("trial", of=(a, b)).values).max()
        assert mine["parallelism_of_trials"] == pytest.approx(1.0 / by_trial, rel=1e-12)
        assert mine["direct"] == pytest.approx(fit.split().row(a, b)["share"], rel=1e-12)
        assert 1.0 - 1e-12 <= mine["parallelism"] <= mine["parallelism_of_trials"] + 1e-12
        walks = fit.paths(a, b, method="random-walk")
        assert sum(p.share for p in walks) == pytest.approx(1.0)
        # The mean number of comparisons on a path is the mean path length.
        steps = sum(p.share * (len(p.treatments) - 1) for p in walks)
        assert steps == pytest.approx(mine["path_length"], rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(trials())
def test_contributions_of_trials_are_those_of_all_paths_through_them(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    net, at = make_net(fit.data, fit.treatments), solve(make_net(fit.data), fit.tau2)
    e = edges(net, at.tau2)
    found = fit.trial_contributions("random-walk")
    assert found.shares.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    assert (found.shares >= 0.0).all()
    for row, (a, b) in enumerate(found.estimates):
        expected = dict.fromkeys(net.trials, 0.0)
        for path in fit.paths(a, b, method="random-walk"):
            at_steps = [fit.treatments.index(t) for t in path.treatments]
            for i, j in itertools.pairwise(at_steps):
                same = (e.one == min(i, j)) & (e.two == max(i, j))
                for s in np.flatnonzero(same).tolist():
                    part = e.weight[s] / e.weight[same].sum() / (len(at_steps) - 1)
                    expected[net.trials[e.trial[s]]] += path.share * part
        assert found.shares[row] == pytest.approx(list(expected.values()), abs=1e-8)
        for method in ("random-walk", "shortest-path"):
            one = fit.trial_contributions(method, of=(a, b))
            assert one.shares.sum() == pytest.approx(1.0, rel=1e-12)


def test_a_star_is_all_direct_and_a_bridge_is_whole() -> None:
    fit = network(star())
    for name in "ABC":
        assert fit.contributions().of(name, "P") == {(name, "P"): 1.0}
        own = fit.trial_contributions().of(name, "P")
        assert sum(own.values()) == pytest.approx(1.0)
        assert set(own) == ({"s1", "s4"} if name == "A" else {{"B": "s2", "C": "s3"}[name]})
        row = fit.flow_measures().row(name, "P")
        assert (row["direct"], row["path_length"]) == pytest.approx((1.0, 1.0))
    assert fit.flow_measures().row("A", "B")["path_length"] == pytest.approx(2.0)
    assert fit.flow_measures().row("A", "B")["direct"] == 0.0
    # Two loops that one comparison joins: all evidence across passes through it.
    bridge = contrasts(
        yi=[1.0, 0.5, 0.2, 0.9, 0.1, 0.4, 0.3],
        vi=[0.1] * 7,
        study=[f"s{i}" for i in range(7)],
        treat1=["A", "B", "A", "C", "D", "E", "D"],
        treat2=["B", "C", "C", "D", "E", "F", "F"],
        measure="MD",
    )
    across = network(bridge)
    hat = across.hat_matrix(of=("A", "F")).of("A", "F")
    assert hat["C : D"] == pytest.approx(1.0)
    assert across.contributions(of=("C", "D")).of("C", "D") == {("C", "D"): pytest.approx(1.0)}
    # Evidence in the other loop is nothing to a comparison in this one.
    other = across.contributions(of=("A", "B")).of("A", "B")
    assert not {pair for pair in other if set(pair) & set("DEF")}


@settings(max_examples=25, deadline=None)
@given(trials())
def test_net_heat_is_what_refits_without_the_design_say(data: Any) -> None:
    net = make_net(build(data))
    for tau2 in (0.0, 0.3):
        try:
            heat = net_heat(net, 0.3, tau2)
        except NotEstimableError:
            assert not any(d.detached for d in network(build(data)).decomposition().designs)
            return
        parts = {":".join(net.treatments[a] for a in p.arms[0]): p for p in designs_of(net)}
        full = solve(net, tau2).theta
        assert set(heat.design) | set(heat.left_out) == set(parts)
        for row in range(len(heat)):
            one, two = (net.treatments.index(t) for t in (heat.treat1[row], heat.treat2[row]))
            w, direct = _direct(parts[heat.design[row]], one, two, tau2)
            before = w * (direct - (full[one] - full[two])) ** 2
            assert heat.q[row] == pytest.approx(before, rel=1e-9, abs=1e-10)
            for column in range(len(heat)):
                after = 0.0
                if heat.design[column] != heat.design[row]:
                    rest = pieces(without(net, parts[heat.design[column]]), net.n, tau2).theta
                    after = w * (direct - (rest[one] - rest[two])) ** 2
                assert heat.q_diff[row, column] == pytest.approx(before - after, rel=1e-8, abs=1e-9)
        for column in range(len(heat)):
            rest = heat.between.q - heat.q_diff[:, column].sum()
            assert heat.detached[column] == pytest.approx(rest, abs=1e-9)
        assert sorted(heat.order) == list(range(len(heat)))


def _direct(part: Any, one: int, two: int, tau2: float) -> tuple[float, float]:
    W = part.weights(tau2)
    total = W.sum(axis=0)
    level = [0.0, *np.linalg.solve(total, np.einsum("bij,bj->i", W, part.y))]
    arms = part.arms[0].tolist()
    i, j = arms.index(one), arms.index(two)
    return -float(bordered(total[None])[0, i, j]), level[i] - level[j]


@settings(max_examples=15, deadline=None)
@given(trials())
def test_net_heat_sums_to_the_decomposition(data: Any) -> None:
    fit = network(build(data))
    found = fit.decomposition()
    if found.between.df == 0:
        with pytest.raises(NotEstimableError, match="no loop"):
            fit.net_heat()
        return
    heat = fit.net_heat()
    assert heat.between.q == pytest.approx(found.between.q, rel=1e-9, abs=1e-10)
    assert heat.between.df == found.between.df
    left = {":".join(d.design): d.detached.q for d in found.designs if d.detached is not None}
    assert set(left) == set(heat.design)
    for design, q in zip(heat.design, heat.detached.tolist(), strict=True):
        assert q == pytest.approx(left[design], rel=1e-8, abs=1e-9)
    within = fit.net_heat("within")
    assert within.tau2 == found.tau2_within
    assert within.between.q == pytest.approx(found.random.q, rel=1e-9, abs=1e-10)
    assert fit.net_heat("network").tau2 == fit.tau2


def test_the_culprit_of_a_loop_dissolves_it() -> None:
    """Six treatments all compared with each other, and one comparison five standard errors off."""
    pairs = list(itertools.combinations(NAMES, 2))
    es = contrasts(
        yi=[5.0 if pair == ("B", "E") else 0.0 for pair in pairs],
        vi=[1.0] * len(pairs),
        study=[f"s{i}" for i in range(len(pairs))],
        treat1=[a for a, _ in pairs],
        treat2=[b for _, b in pairs],
        measure="MD",
    )
    heat = network(es).net_heat()
    culprit = heat.label.index("B:E")
    assert heat.detached[culprit] == pytest.approx(0.0, abs=1e-12)
    assert heat.q_diff[:, culprit] == pytest.approx(heat.q, abs=1e-12)
    assert heat.hat[culprit, culprit] == pytest.approx(2.0 / 6.0)
    labels, q_diff, hat = heat.ordered()
    assert sorted(labels) == sorted(heat.label)
    assert np.trace(q_diff) == pytest.approx(np.trace(heat.q_diff))
    assert hat.shape == heat.hat.shape
    assert "B:E" in repr(heat)


def test_bad_tau2_of_a_net_heat() -> None:
    fit = network(loop())
    with pytest.raises(UnknownNameError, match="within"):
        fit.net_heat("withn")
    with pytest.raises(InputError, match="tau²"):
        fit.net_heat(-1.0)
    with pytest.raises(NotEstimableError, match="no loop"):
        network(star()).net_heat()


def test_the_funnel_is_measured_from_direct_estimates() -> None:
    fit = network(loop(), model="common")
    funnel = fit.comparison_funnel(["C", "A", "B"])
    assert funnel.order == ("C", "A", "B")
    assert funnel.comparisons == (("C", "A"), ("C", "B"), ("A", "B"))
    at = {study: i for i, study in enumerate(funnel.study)}
    assert (funnel.treat1[at["s2"]], funnel.treat2[at["s2"]]) == ("C", "B")
    assert funnel.yi[at["s2"]] == -0.5
    direct = (1.0 / 0.1 + 0.9 / 0.2) / (1 / 0.1 + 1 / 0.2)
    assert funnel.adjusted[at["s1"]] == pytest.approx(1.0 - direct)
    assert funnel.adjusted[at["s3"]] == 0.0
    assert funnel.k.tolist() == [funnel.k[at[s]] for s in ("s1", "s2", "s3", "s4")] == [2, 1, 1, 2]
    assert {note.code for note in funnel.notes} == {"only-trial"}
    assert funnel.high == pytest.approx(1.959963984540054 * funnel.se)
    assert [t.test for t in funnel.tests] == ["Egger", "Begg", "Thompson-Sharp"]


@settings(max_examples=15, deadline=None)
@given(trials())
def test_the_funnel_and_the_other_way_round(data: Any) -> None:
    fit = network(build(data), tau2="DL")
    one = fit.comparison_funnel(fit.treatments)
    two = fit.comparison_funnel(fit.treatments[::-1])
    direct = fit.split()
    for i in range(len(one)):
        row = direct.row(one.treat1[i], one.treat2[i])
        assert one.center[i] == pytest.approx(row["direct"], rel=1e-9, abs=1e-10)
    mine = {(s, frozenset((a, b))): d for s, a, b, d in _points(one)}
    other = {(s, frozenset((a, b))): d for s, a, b, d in _points(two)}
    assert other == {key: pytest.approx(-d, abs=1e-12) for key, d in mine.items()}
    for t, u in zip(one.tests, two.tests, strict=False):
        if t.test != "Begg":  # of several effects that are 0 by construction, ranks are ties
            assert u.estimate == pytest.approx(-t.estimate, rel=1e-6, abs=1e-8)
    assert len(one) == sum(len(g) * (len(g) - 1) // 2 for _, g in data)
    rows = contrasts(yi=one.adjusted, sei=one.sei, measure="MD")
    for t in one.tests:
        again = small_study(rows, t.test)
        if t.test == "Begg":  # the root of a variance, squared, is another rank where values tie
            continue
        assert t.p_value == pytest.approx(again.p_value, rel=1e-9, abs=1e-12)


def _points(funnel: Any) -> Any:
    return zip(funnel.study, funnel.treat1, funnel.treat2, funnel.adjusted.tolist(), strict=True)


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        (None, InputError, "which side that is has to be said before looking"),
        ("ABC", InputError, "argument order"),
        (["A", "B"], InputError, "without C"),
        (["A", "B", "C", "A"], InputError, "A twice"),
        (["A", "B", "Z"], UnknownNameError, "known: A, B, C"),
    ],
)
def test_orders_that_are_none(order: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network(loop()).comparison_funnel(order)


def test_tests_that_cannot_be_run_say_why() -> None:
    two = contrasts(
        yi=[1.0, 2.0], vi=[0.1, 0.2], treat1=["A", "B"], treat2=["P", "P"], measure="MD"
    )
    funnel = network(two).comparison_funnel(["P", "A", "B"])
    assert not funnel.tests
    assert [row.study for row in funnel.not_run] == ["Egger", "Begg", "Thompson-Sharp"]
    assert "at least 3" in funnel.not_run[0].why
    assert "no test" in repr(funnel)


def test_what_a_reader_sees() -> None:
    fit = network(loop(), reference="C")
    results = (
        fit.hat_matrix(),
        fit.hat_matrix("trial"),
        fit.hat_matrix("design"),
        fit.flow_measures(),
        fit.trial_contributions(),
        fit.net_heat(),
        fit.comparison_funnel(["A", "B", "C"]),
    )
    for result in results:
        again = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert "<table" in result._repr_html_()
        assert len(result.to_frame("pandas")) > 0
        assert str(result)
        assert repr(result).startswith(f"<{type(result).__name__}")
    assert fit.hat_matrix("trial").columns[0] == "s1 (A : B)"
    with pytest.raises(UnknownNameError, match="trial"):
        fit.hat_matrix("trials")
    with pytest.raises(UnknownNameError):
        fit.hat_matrix(of=("A", "Z"))
    with pytest.raises(InputError, match="itself"):
        fit.hat_matrix(of=("A", "A"))
    with pytest.raises(UnknownNameError):
        fit.hat_matrix(of=("A", "B")).of("A", "C")
    with pytest.raises(UnknownNameError):
        fit.trial_contributions(of=("A", "B")).of("A", "C")
    with pytest.raises(UnknownNameError):
        fit.flow_measures().row("A", "Z")
    with pytest.raises(UnknownNameError, match="random-walk"):
        fit.paths("A", "B", method="random")
