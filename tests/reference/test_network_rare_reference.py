"""Networks of rare events beside netmetabin's values."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.arms import Arms
from equipoise.effects.contrasts import arms
from equipoise.models.network.armcounts import read_arms
from equipoise.models.network.fit import network
from equipoise.models.network.hypergeometric import breslow_part
from equipoise.models.network.mantel_haenszel import mantel_haenszel
from equipoise.models.network.rare import RareNetworkFit

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
SETS = json.loads((VALUES / "network_rare.json").read_text("utf-8"))["sets"]
REST = json.loads((VALUES / "network_rest.json").read_text("utf-8"))
NAMES = sorted(SETS)
#: netmetabin leaves out a trial without events in one arm where it is the only one of its design.
LEFT_OUT = {"smokingcessation": ("15",), "Dogliotti2014": ()}


def numbers(values: Any) -> np.ndarray:
    def one(x: Any) -> Any:
        return [one(v) for v in x] if isinstance(x, list) else float("nan" if x == "NA" else x)

    return np.array(one(values))


def arms_of(name: str, without: tuple[str, ...] = ()) -> Arms:
    told = SETS[name]["arms"]
    keep = [i for i, study in enumerate(told["study"]) if study not in without]
    return arms(**{key: [values[i] for i in keep] for key, values in told.items()})


def read(fit: RareNetworkFit) -> dict[str, np.ndarray]:
    n = fit.n
    out = {key: np.zeros((n, n)) for key in ("TE", "seTE", "lower", "upper", "pval")}
    for i, a in enumerate(fit.treatments):
        for j, b in enumerate(fit.treatments):
            e = fit.effect(a, b)
            cells = (e.estimate, e.se, e.ci.low, e.ci.high, np.nan if i == j else e.p_value)
            for key, value in zip(out, cells, strict=True):
                out[key][i, j] = value
    return out


@pytest.mark.parametrize("name", NAMES)
def test_mantel_haenszel(name: str) -> None:
    expected = SETS[name]["methods"]["MH"]
    fit = network(arms_of(name), method="MH")
    assert list(fit.treatments) == expected["trts"]
    assert (fit.k, fit.m, fit.designs) == (expected["k"], expected["m"], expected["d"])
    found = read(fit)
    for key in ("TE", "seTE", "lower", "upper"):
        np.testing.assert_allclose(found[key], numbers(expected[key]), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found["pval"], numbers(expected["pval"]), rtol=1e-8)
    assert fit.q == pytest.approx(expected["Q"], rel=1e-10)
    assert fit.q_df == expected["df"]
    assert fit.q_p == pytest.approx(expected["p"], rel=1e-8)
    scores = list(fit.ranking("lower").p_score.values())
    np.testing.assert_allclose(scores, numbers(expected["Pscore"]), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_mantel_haenszel_with_a_correction_is_that_of_other_counts(name: str) -> None:
    """netmetabin may add a half where a design has an arm without events, and only there."""
    expected = REST["MH_corrected"][name]
    counts = read_arms(arms_of(name))[0]
    events, n = np.array(counts.events, dtype=float), np.array(counts.n, dtype=float)
    for rows, trial in zip(counts.rows(), counts.trials, strict=True):
        if trial in LEFT_OUT[name]:
            events[rows] += 0.5
            n[rows] += 1.0
    found = mantel_haenszel(dataclasses.replace(counts, events=events, n=n), None)
    used = found.used
    assert (len(used.trials), used.comparisons()) == (expected["k"], expected["m"])
    assert found.designs == expected["d"]
    assert (found.q, found.q_df) == (pytest.approx(expected["Q"], rel=1e-10), expected["df"])
    order = [used.treatments.index(t) for t in expected["trts"]]
    one, two = np.triu_indices(len(order), 1)
    one, two = np.array(order)[one], np.array(order)[two]
    theta, cov = np.asarray(found.theta), np.asarray(found.cov)
    np.testing.assert_allclose(theta[one] - theta[two], numbers(expected["TE"]), rtol=1e-10)
    d = np.diag(cov)
    variance = d[one] + d[two] - 2.0 * cov[one, two]
    np.testing.assert_allclose(np.sqrt(variance), numbers(expected["seTE"]), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_mantel_haenszel_direct_and_indirect(name: str) -> None:
    expected = SETS[name]["methods"]["MH"]
    fit = network(arms_of(name), method="MH")
    split = fit.split()
    first, second = (
        [fit.treatments.index(t) for t in side] for side in (split.treat1, split.treat2)
    )
    for kind in ("direct", "indirect"):
        for key, of in (("TE", kind), ("seTE", f"{kind}_se")):
            values = numbers(expected[kind][key])[first, second]
            found = np.asarray(getattr(split, of))
            if kind == "indirect":  # where all evidence is direct, netmeta divides by rounding
                values = np.where(np.asarray(split.share) < 1.0 - 1e-9, values, np.nan)
            np.testing.assert_allclose(found, values, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_breslow_has_a_higher_likelihood_than_where_netmeta_stops(name: str) -> None:
    expected = SETS[name]["methods"]["NCH"]
    held = arms_of(name, LEFT_OUT[name])
    fit = network(held, method="NCH-Breslow")
    assert (fit.k, fit.m, fit.designs) == (expected["k"], expected["m"], expected["d"])
    counts = read_arms(fit.arms)[0]

    def look(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, score, info = 0.0, np.zeros(fit.n), np.zeros((fit.n, fit.n))
        for r in counts.rows():
            t = counts.treat[r]
            part = breslow_part(counts.events[r], counts.n[r], theta[t])
            value += part.value
            score[t] += counts.events[r] - part.mean
            info[np.ix_(t, t)] += part.cov
        return value, score, info

    theirs = numbers(expected["TE"])[:, 0]
    value, score, info = look(theirs)
    assert fit.log_lik > value
    se = numbers(expected["seTE"])
    np.testing.assert_allclose(np.asarray(fit.theta), theirs, atol=1e-2 * se[0, 1:].min())
    step = np.linalg.solve(info[1:, 1:], score[1:])
    np.testing.assert_allclose(theirs[1:] + step, np.asarray(fit.theta)[1:], atol=1e-6)
    np.testing.assert_allclose(read(fit)["seTE"], se, rtol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_penalised(name: str) -> None:
    expected = SETS[name]["methods"]["LRP"]
    fit = network(arms_of(name), method="penalised")
    assert (fit.k, fit.m, fit.designs) == (expected["k"], expected["m"], expected["d"])
    found = read(fit)
    np.testing.assert_allclose(found["seTE"], numbers(expected["seTE"]), rtol=2e-8, atol=1e-12)
    for key in ("TE", "lower", "upper"):
        np.testing.assert_allclose(found[key], numbers(expected[key]), rtol=1e-7, atol=4e-8)
    scores = list(fit.ranking("lower").p_score.values())
    np.testing.assert_allclose(scores, numbers(expected["Pscore"]), rtol=1e-6)


def test_overdispersion_is_not_that_of_netmeta() -> None:
    found = {
        name: network(arms_of(name), method="penalised", model="overdispersed").scale
        for name in NAMES
    }
    assert found["smokingcessation"] == pytest.approx(9.91524, rel=1e-5)
    assert SETS["smokingcessation"]["methods"]["LRP"]["phi"] == pytest.approx(9.08843, rel=1e-5)
    assert found["Dogliotti2014"] == pytest.approx(1.21422, rel=1e-5)
    assert SETS["Dogliotti2014"]["methods"]["LRP"]["phi"] == pytest.approx(1.0, rel=1e-12)
