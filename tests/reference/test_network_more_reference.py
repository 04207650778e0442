"""Every other value that netmeta gives for its own data sets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from equipoise.core.errors import InputError
from equipoise.effects.contrasts import arms, contrasts
from equipoise.models.network.connect import subnetworks
from equipoise.models.network.core import make_net
from equipoise.models.network.direct import connected_parts, edges
from equipoise.models.network.fit import NetworkFit, network
from equipoise.models.pairwise import pairwise
from equipoise.num.dist import chi2_tail

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
REST = json.loads((VALUES / "network_rest.json").read_text("utf-8"))
MORE = json.loads((VALUES / "network_more.json").read_text("utf-8"))["sets"]


def numbers(values: Any) -> np.ndarray:
    def one(x: Any) -> Any:
        if isinstance(x, list):
            return [one(v) for v in x]
        return float("nan") if x in ("NA", "NaN") else float(x)

    return np.array(one(values))


class Case:
    """One data set with its fits by DL and by the common effect."""

    def __init__(self, name: str) -> None:
        self.name, self.values = name, MORE[name]
        given = self.values.get("input")
        if given is None:
            given = json.loads((VALUES / f"network_{name}.json").read_text("utf-8"))["input"]
        columns = given | {"yi": numbers(given["yi"]), "sei": numbers(given["sei"])}
        self.es = contrasts(measure=self.values["measure"], **columns)
        self.random = self.fit(tau2="DL")
        self.common = self.fit(model="common")
        names = self.values["treatments"]
        self.at = [self.random.treatments.index(t) for t in names]
        self.pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]

    def fit(self, **settings: Any) -> NetworkFit:
        return network(self.es, reference=self.values["reference"], **settings)

    def fits(self) -> tuple[tuple[str, NetworkFit], ...]:
        return ("common", self.common), ("random", self.random)

    def triangle(self, matrix: np.ndarray) -> np.ndarray:
        """The upper triangle in netmeta's order of treatments."""
        return matrix[np.ix_(self.at, self.at)][np.triu_indices(len(self.at), 1)]


@pytest.fixture(scope="module", params=sorted(MORE))
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


def close(mine: Any, theirs: Any, rel: float = 1e-9, abs_: float = 1e-11) -> None:
    assert np.asarray(mine) == pytest.approx(numbers(theirs), rel=rel, abs=abs_, nan_ok=True)


def test_scalars(case: Case) -> None:
    expected, fit = case.values["scalars"], case.random
    mine = {
        "k": fit.k,
        "m": fit.m,
        "n": fit.n,
        "d": fit.designs,
        "Q": fit.q,
        "df.Q": fit.q_df,
        "pval.Q": fit.q_p,
        "I2": fit.i2 / 100.0,
        "tau2": fit.tau2,
        "tau": fit.tau2**0.5,
    }
    parts = fit.decomposition()
    for name, part in (("heterogeneity", parts.within), ("inconsistency", parts.between)):
        mine |= {f"Q.{name}": part.q, f"df.Q.{name}": part.df, f"pval.Q.{name}": part.p_value}
    assert fit.i2_ci is not None
    mine |= {"lower.I2": fit.i2_ci.low / 100.0, "upper.I2": fit.i2_ci.high / 100.0}
    assert set(expected) <= set(mine)
    for name, value in mine.items():
        if name in expected:
            close(value, expected[name], 1e-8)
    joined = case.values["netconnection"]
    assert (fit.k, fit.m, fit.n) == (joined["k"], joined["m"], joined["n"])
    assert len(subnetworks(fit.data)) == joined["n.subnets"] == 1
    assert joined["details.disconnected"] is False


def test_matrices(case: Case) -> None:
    expected = dict(case.values["matrices"])
    for kind, fit in case.fits():
        found, sides = fit.matrices(), fit.split()
        for name, key in (
            ("TE", "estimate"),
            ("seTE", "se"),
            ("lower", "ci_low"),
            ("upper", "ci_high"),
            ("pval", "p_value"),
        ):
            close(case.triangle(getattr(found, key)), expected.pop(f"{name}.{kind}"), 1e-8)
        rows = [sides.row(a, b) for a, b in case.pairs]
        for name, key in (("direct", "direct"), ("indirect", "indirect")):
            close([r[key] for r in rows], expected.pop(f"TE.{name}.{kind}"), 1e-9, 1e-10)
            close([r[f"{key}_se"] for r in rows], expected.pop(f"seTE.{name}.{kind}"))
        close([r["share"] for r in rows], case.values["proportions"][f"prop.direct.{kind}"])
    found = case.random.matrices()
    for name, key in (("lower", "pi_low"), ("upper", "pi_high")):
        close(case.triangle(getattr(found, key)), expected.pop(f"{name}.predict"))
    spread = np.sqrt(found.se**2 + case.random.tau2)
    close(case.triangle(spread), expected.pop("seTE.predict"))
    trials = [case.random.split().row(a, b)["k"] for a, b in case.pairs]
    assert trials == expected.pop("A.matrix")
    _pairs_alone(case, expected)
    assert not expected


def _pairs_alone(case: Case, expected: dict[str, Any]) -> None:
    """What trials of one comparison say by themselves."""
    q, tau2, i2 = (expected.pop(f"{name}.direct") for name in ("Q", "tau2", "I2"))
    flat = case.random.comparison_funnel(case.random.treatments)
    decomposed = case.values["Q.decomp"]
    net = make_net(case.common.data, case.common.treatments)
    e = edges(net, 0.0)
    listed = {
        frozenset(p): i
        for i, p in enumerate(zip(decomposed["treat1"], decomposed["treat2"], strict=True))
    }
    for column, (a, b) in enumerate(case.pairs):
        here = [i for i in range(len(flat)) if {flat.treat1[i], flat.treat2[i]} == {a, b}]
        if not here:
            assert q[column] == "NA"
            continue
        es = contrasts(yi=flat.yi[here], sei=flat.sei[here], measure=case.values["measure"])
        alone = pairwise(es, tau2="DL", interval="Wald")
        close(alone.q, q[column], 1e-8, 1e-10)
        if len(here) > 1:
            close(alone.tau2, tau2[column], 1e-8, 1e-10)
            close(max(0.0, 1.0 - alone.q_df / alone.q) if alone.q else 0.0, i2[column], 1e-8, 1e-10)
        # Here netmeta weighs a trial of several arms as in the network.
        i, j = sorted((net.treatments.index(a), net.treatments.index(b)))
        same = (e.one == i) & (e.two == j)
        w, y = e.weight[same], e.difference[same]
        row, df = listed[frozenset((a, b))], int(same.sum()) - 1
        weighted = float(w @ (y - (w @ y) / w.sum()) ** 2)
        close(weighted, decomposed["Q"][row], 1e-8, 1e-10)
        assert df == decomposed["df"][row]
        if df:
            close(chi2_tail(weighted, df), decomposed["pval.Q"][row], 1e-8)


def test_covariances_of_all_effects(case: Case) -> None:
    if "covariances" not in case.values:  # of all against one; the others are sums of these
        assert case.name == "Linde2016"
        first = case.random.treatments.index(REST["treatments"][0])
        at = [case.random.treatments.index(t) for t in REST["treatments"][1:]]
        for kind, fit in case.fits():
            B = -np.eye(fit.n)[at]
            B[:, first] += 1.0
            mine = B @ fit.cov @ B.T
            for row, theirs in enumerate(REST[f"Cov.{kind}"]):
                close(mine[row, row:], theirs, 1e-8, 1e-11)
        return
    names = case.values["treatments"]
    for kind, fit in case.fits():
        B = np.zeros((len(case.pairs), fit.n))
        for row, (a, b) in enumerate(case.pairs):
            B[row, fit.treatments.index(a)], B[row, fit.treatments.index(b)] = 1.0, -1.0
        mine = B @ fit.cov @ B.T
        for row, theirs in enumerate(case.values["covariances"][f"Cov.{kind}"]):
            close(mine[row, row:], theirs, 1e-8, 1e-11)
    assert len(names) == case.random.n


def test_every_comparison_of_every_trial(case: Case) -> None:
    expected = case.values["by_comparison"]
    rows = zip(expected["studlab"], expected["treat1"], expected["treat2"], strict=True)
    keys = [(str(s), frozenset((a, b))) for s, a, b in rows]
    for kind, fit in case.fits():
        net = make_net(fit.data, fit.treatments)
        e = edges(net, fit.tau2)
        names = net.treatments
        place = {
            (net.trials[t], frozenset((names[i], names[j]))): k
            for k, (t, i, j) in enumerate(zip(e.trial, e.one, e.two, strict=True))
        }
        at = [place[key] for key in keys]
        close(1.0 / np.sqrt(e.weight[at]), expected[f"seTE.adj.{kind}"])
        if kind == "random":
            continue
        rest = e.difference - (fit.theta[e.one] - fit.theta[e.two])
        close((e.weight * rest**2)[at], expected["Q.common"], 1e-8, 1e-10)
        d = np.diag(fit.cov)
        variance = d[e.one] + d[e.two] - 2.0 * fit.cov[e.one, e.two]
        lever = numbers(expected["leverage.common"])
        two_arms = np.isfinite(lever)
        assert (e.weight * variance)[at][two_arms] == pytest.approx(lever[two_arms], rel=1e-9)
    designs = {tuple(sorted(d.design)) for d in case.random.decomposition().designs}
    given = {tuple(sorted(d.split(":"))) for d in case.values["designs"]}
    assert designs == given


def test_hat_matrices(case: Case) -> None:
    if "hat" not in case.values:
        assert case.name == "Linde2016"
        return
    rows = case.values["by_comparison"]
    keys = list(zip(map(str, rows["studlab"]), rows["treat1"], rows["treat2"], strict=True))
    for kind, fit in case.fits():
        hat = fit.hat_matrix("trial")
        columns = {
            (s, frozenset(p)): (i, p)
            for i, (s, p) in enumerate(zip(hat.source, hat.comparisons, strict=True))
        }
        estimates = {frozenset(p): (i, p) for i, p in enumerate(hat.estimates)}
        mine = np.empty((len(keys), len(keys)))
        for i, (_, a, b) in enumerate(keys):
            row, pair = estimates[frozenset((a, b))]
            for j, (s, c, d) in enumerate(keys):
                column, other = columns[(s, frozenset((c, d)))]
                sign = (1.0 if pair == (a, b) else -1.0) * (1.0 if other == (c, d) else -1.0)
                mine[i, j] = sign * hat.values[row, column]
        close(mine, case.values["hat"][f"H.matrix.{kind}"], 1e-9, 1e-12)


def test_with_the_tau2_that_netmeta_has(case: Case) -> None:
    """REML and ML of a plain table are another likelihood; at their tau², all else agrees."""
    for expected in case.values["other_tau2"].values():
        found = case.fit(tau2=float(expected["tau2"])).matrices()
        for name, key in (
            ("TE.random", "estimate"),
            ("seTE.random", "se"),
            ("lower.predict", "pi_low"),
            ("upper.predict", "pi_high"),
        ):
            close(case.triangle(getattr(found, key)), expected[name], 1e-8)
    if case.name == "Franchini2012":
        assert case.fit(tau2="REML").tau2 == 0.0
        assert case.fit(tau2="ML").tau2 == 0.0
    expected = case.values["split_REML"]
    found = case.fit(tau2=float(case.values["other_tau2"]["REML"]["tau2"])).split()
    _compare_split(found, expected, "random", ("TE", "seTE"))


def _compare_split(found: Any, expected: Any, kind: str, keys: tuple[str, ...]) -> int:
    mine = {
        "direct": ("direct", "direct_se"),
        "indirect": ("indirect", "indirect_se"),
        "compare": ("difference", "difference_se"),
    }
    seen = 0
    for row, text in enumerate(expected["comparison"]):
        values = found.row(*text.split(":"))
        for name, (estimate, se) in mine.items():
            block = expected.get(f"{name}.{kind}")
            if block is None:
                continue
            value, error = values[estimate], values[se]
            half = 1.959963984540054 * error
            made = {
                "TE": value,
                "seTE": error,
                "lower": value - half,
                "upper": value + half,
                "statistic": value / error,
            }
            if name == "compare":
                made["p"] = values["p_value"]
            for key in keys:
                if key in block and key in made and block[key][row] != "NA":
                    close(made[key], block[key][row], 1e-7, 1e-9)
                    seen += 1
    return seen


def test_splits_of_the_common_effect(case: Case) -> None:
    expected, found = case.values["split"], case.common.split()
    keys = ("TE", "seTE", "lower", "upper", "statistic", "p")
    assert _compare_split(found, expected, "common", keys) > 40
    random = case.random.split()
    for row, text in enumerate(expected["comparison"]):
        pair = text.split(":")
        assert found.row(*pair)["k"] == expected["k"][row]
        close(found.row(*pair)["share"], expected["prop.common"][row])
        close(random.row(*pair)["share"], expected["prop.random"][row])


def test_indirect_evidence_without_the_trials_that_compare_the_two(case: Case) -> None:
    """netmeta's SIDDE leaves whole trials out; here by a refit, with tau² estimated anew."""
    expected = case.values.get("split_SIDDE")
    if expected is None:
        assert case.name == "Linde2016"
        return
    es, seen = case.random.data, 0
    for row, text in enumerate(expected["comparison"]):
        pair = set(text.split(":"))
        who: dict[str, set[str]] = {}
        for s, a, b in zip(es.study, es.treat1, es.treat2, strict=True):
            who.setdefault(s, set()).update((a, b))
        both = {s for s, arms_ in who.items() if pair <= arms_}
        rest = es.take([i for i, s in enumerate(es.study) if s not in both])
        if not both or not len(rest):
            continue
        net = make_net(rest, case.random.treatments)
        label = connected_parts(net.groups, net.n)
        a, b = (net.treatments.index(t) for t in text.split(":"))
        if label[a] < 0 or label[a] != label[b]:
            continue
        inside = [
            i for i, t in enumerate(rest.treat1) if label[net.treatments.index(t)] == label[a]
        ]
        for kind, fit in case.fits():
            anew = network(rest.take(inside), model=fit.model, tau2="DL")
            again = anew.effect(*text.split(":"))
            block = expected[f"indirect.{kind}"]
            close(again.estimate, block["TE"][row], 1e-7, 1e-9)
            close(again.se, block["seTE"][row], 1e-7)
            seen += 1
    assert seen


def test_p_scores_and_their_matrix(case: Case) -> None:
    expected = case.values["P_scores"]
    better = {"desirable": "lower", "undesirable": "higher"}[expected["small_values"]]
    for kind, fit in case.fits():
        found = fit.ranking(better, draws=1000)
        close([found.p_score[t] for t in expected["treatments"]], expected[kind], 1e-8)
    found = case.random.matrices()
    z = found.estimate / np.where(found.se > 0.0, found.se, np.nan)
    names = expected["treatments"]
    at = [case.random.treatments.index(t) for t in names]
    sign = -1.0 if better == "lower" else 1.0
    close(ndtr(sign * z[np.ix_(at, at)]), expected["matrix"], 1e-8, 1e-12)


def test_league_as_text(case: Case) -> None:
    rows = case.values.get("league", REST["league"])
    names = [row[i] for i, row in enumerate(rows)]
    seen = 0
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            found = [float(x) for x in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", cell)]
            if i == j or len(found) != 3:
                continue
            # Below the diagonal the network's, the column against the row; above, direct evidence.
            if i > j:
                e = case.random.effect(names[j], names[i])
                mine = [e.estimate, e.ci.low, e.ci.high]
            else:
                d = case.random.split().row(names[i], names[j])
                half = 1.959963984540054 * d["direct_se"]
                mine = [d["direct"], d["direct"] - half, d["direct"] + half]
            ratio = case.values["measure"] == "OR"
            mine = [float(np.exp(x)) for x in mine] if _back(found, mine, ratio) else mine
            assert mine == pytest.approx(found, abs=6e-5)
            seen += 1
    assert seen > 5


def _back(found: list[float], mine: list[float], ratio: bool) -> bool:
    """Whether the cell holds ratios in place of their logarithms."""
    return ratio and abs(np.exp(mine[0]) - found[0]) < abs(mine[0] - found[0])


@pytest.mark.parametrize("method", ["randomwalk", "shortestpath"])
def test_contributions(case: Case, method: str) -> None:
    mine = {"randomwalk": "random-walk", "shortestpath": "shortest-path"}[method]
    off = 0
    for kind, fit in case.fits():
        expected = case.values.get(method, {}).get(kind)
        if expected is None:
            continue
        found = fit.contributions(mine)
        rows = {frozenset(pair): i for i, pair in enumerate(found.estimates)}
        number = {frozenset(pair): i for i, pair in enumerate(found.comparisons)}
        columns = [number[frozenset(c.split(":"))] for c in expected["cols"]]
        for name, shares in zip(expected["rows"], numbers(expected["values"]), strict=True):
            got = found.shares[rows[frozenset(name.split(":"))]][columns]
            same = np.allclose(got, shares, rtol=1e-8, atol=1e-10)
            off += not same
            assert same or (method == "shortestpath" and np.abs(got - shares).max() < 0.02), name
    assert off <= TIES.get(case.name, 0)


def test_direct_shares_by_shortest_paths_of_a_large_network() -> None:
    """The path of length one is taken first, whatever is done with ties later."""
    case = Case("Linde2016")
    for kind, fit in case.fits():
        expected = REST["shortestpath"][kind]
        found = fit.contributions("shortest-path")
        rows = {frozenset(pair): i for i, pair in enumerate(found.estimates)}
        columns = {frozenset(pair): i for i, pair in enumerate(found.comparisons)}
        assert len(columns) == len(expected["comparison"])
        for text, own in zip(expected["comparison"], expected["own"], strict=True):
            pair = frozenset(text.split(":"))
            close(found.shares[rows[pair], columns[pair]], own, 1e-8, 1e-10)


#: Estimates whose several shortest paths netmeta takes in another order.
TIES = {"Senn2013": 4, "Dogliotti2014": 5}


def test_impact_of_trials(case: Case) -> None:
    """netmeta gives a trial next to no weight in place of leaving it out."""
    for kind, fit in case.fits():
        expected = case.values.get("impact", {}).get(kind)
        if expected is None:
            continue
        if (case.name, kind) == ("smokingcessation", "common"):
            # Each of 24 trials would add more than half to one estimate, which is impossible.
            assert (numbers(expected["values"]).max(axis=1) > 0.5).all()
            continue
        found = fit.leave_one_out()
        impact = found.impact()
        at = [list(found.trial).index(str(t)) for t in expected["rows"]]
        pairs = [frozenset(p) for p in zip(found.treat1, found.treat2, strict=True)]
        columns = [pairs.index(frozenset(c.split(":"))) for c in expected["cols"]]
        assert impact[np.ix_(at, columns)] == pytest.approx(numbers(expected["values"]), abs=2e-3)


def test_counts_and_means_of_arms_give_the_same_contrasts() -> None:
    case = Case("smokingcessation")
    raw = case.values["raw"]
    long: dict[str, list[Any]] = {key: [] for key in ("study", "treat", "events", "n")}
    for s in range(len(raw["event1"])):
        for arm in "123":
            if raw[f"n{arm}"][s] != "NA":
                values = (
                    str(s + 1),
                    raw[f"treat{arm}"][s],
                    raw[f"event{arm}"][s],
                    raw[f"n{arm}"][s],
                )
                for column, value in zip(long.values(), values, strict=True):
                    column.append(value)
    counts = arms(**long)
    for measure in ("RR", "RD"):
        expected = case.values[measure]
        columns = {k: expected[k] for k in ("study", "treat1", "treat2", "yi", "sei")}
        given = contrasts(measure=measure, **columns)
        _same_network(case, network(given, reference="A", tau2="DL"), expected)
        mine = counts.contrasts(measure)
        whole = [i for i in range(len(mine)) if not _empty(raw, mine.study[i])]
        place = {
            (s, a, b): k
            for k, (s, a, b) in enumerate(
                zip(map(str, columns["study"]), columns["treat1"], columns["treat2"], strict=True)
            )
        }
        for i in whole:
            key = (mine.study[i], mine.treat1[i], mine.treat2[i])
            sign = 1.0 if key in place else -1.0
            k = place[key] if key in place else place[(key[0], key[2], key[1])]
            close(sign * mine.yi[i], columns["yi"][k])
            close(mine.sei[i], columns["sei"][k])
        assert len(whole) > 20
    fit = network(counts, measure="OR", reference="A", tau2="DL")
    assert fit.tau2 == pytest.approx(case.random.tau2, rel=1e-10)
    close(fit.matrices().estimate, case.random.matrices().estimate.tolist())


def _empty(raw: dict[str, Any], study: str) -> bool:
    """Whether a trial has a group without events, where meta's rules for ratios are its own."""
    return any(raw[f"event{arm}"][int(study) - 1] == 0 for arm in "123")


def test_standardised_mean_differences() -> None:
    case = Case("Franchini2012")
    expected = case.values["SMD"]
    columns = {k: expected[k] for k in ("study", "treat1", "treat2", "yi", "sei")}
    fit = network(contrasts(measure="SMD", **columns), reference="Placebo", tau2="DL")
    _same_network(case, fit, expected)


def _same_network(case: Case, fit: NetworkFit, expected: dict[str, Any]) -> None:
    assert fit.tau2 == pytest.approx(expected["tau2"], rel=1e-9, abs=1e-12)
    assert fit.q == pytest.approx(expected["Q"], rel=1e-9)
    found = fit.matrices()
    close(case.triangle(found.estimate), expected["TE"])
    close(case.triangle(found.se), expected["seTE"])


def test_a_row_without_an_estimate_is_named() -> None:
    case = Case("Dogliotti2014")
    given = case.values["input"]
    gone = [s for s, y in zip(given["study"], given["yi"], strict=True) if y == "NA"]
    assert [row.study for row in case.random.left_out] == gone
    assert case.random.k == 19
    expected = case.values["decomposition"]
    found = case.random.decomposition()
    for test, q, df in zip(
        (found.total, found.within, found.between),
        expected["Q.decomp"]["Q"],
        expected["Q.decomp"]["df"],
        strict=True,
    ):
        close(test.q, q, 1e-8)
        assert test.df == df
    close(found.random.q, expected["Q.inc.random"]["Q"][0], 1e-8)
    parts = {frozenset(d.design): d for d in found.designs}
    for key, attribute in (("Q.het.design", "within"), ("Q.inc.detach", "detached")):
        rows = expected[key]
        for design, q, df in zip(rows["design"], rows["Q"], rows["df"], strict=True):
            part = getattr(parts[frozenset(design.split(":"))], attribute)
            close(part.q, q, 1e-8, 1e-10)
            assert part.df == df


def test_comparisons_that_do_not_add_up_are_netmetas_own_example() -> None:
    rows = {
        "study": ["5"] * 3,
        "treat1": ["D", "D", "E"],
        "treat2": ["E", "F", "F"],
        "yi": [0.1, 0.1, 0.05],
        "sei": [0.1] * 3,
        "measure": "MD",
    }
    with pytest.raises(InputError, match="5"):
        network(contrasts(**rows))
