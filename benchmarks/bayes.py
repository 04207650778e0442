"""The posterior of a network of 22 treatments beside NUTS, at the latter's Monte Carlo error.

Run from a checkout: ``.venv/bin/python benchmarks/bayes.py --numpyro PYTHON``, where PYTHON is an
interpreter of its own that has NumPyro (pip install numpyro jax). Exits 1 when the promised ratio,
a thousand times, is missed, or when the two posteriors differ by more than chance allows.
The data are Linde 2016 (93 trials, of which 15 have three arms); priors half-normal(0.5) for tau
and normal(0, 10) for every effect against placebo. NUTS takes the usual four chains of 1000 draws
after 1000 for warming up; its compilation is told apart and not counted.
A second table is the smoking cessation network by binomial likelihoods (24 trials, some with empty
cells), the same priors: nothing is promised of its ratio, only that the two agree. Where PYTHON has
no NumPyro, or none is given, the peer is told to be absent and ours alone is timed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tools import HERE, Line, clock, facts, in_words, told

import equipoise as eq
from equipoise.models.bayes.network import BayesNetwork
from equipoise.models.bayes.network_counts import BayesNetworkCounts
from equipoise.models.correlated import shared_effects
from equipoise.models.network.fit import NetworkFit

SCALE, WIDE = 0.5, 10.0
CHAINS, WARMUP, DRAWS = 4, 1000, 1000


def linde() -> NetworkFit:
    """The network, from the values that the validation pins."""
    path = HERE.parent / "validation" / "values" / "network_Linde2016.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["input"]
    es = eq.contrasts(
        yi=rows["yi"],
        sei=rows["sei"],
        study=rows["study"],
        treat1=rows["treat1"],
        treat2=rows["treat2"],
        measure="OR",
    )
    return eq.network(es, reference="Placebo")


def ours(net: NetworkFit) -> BayesNetwork:
    return eq.bayes(net, tau=eq.priors.half_normal(SCALE), effect=eq.priors.normal(0.0, WIDE))


def whitened(net: NetworkFit, post: BayesNetwork, path: Path) -> None:
    """What NUTS needs: data and design whitened by the covariance within trials."""
    low = np.linalg.cholesky(net.data.V())
    values, turn = np.linalg.eigh(shared_effects(net.data))
    shared = turn * np.sqrt(np.maximum(values, 0.0))
    np.savez(
        path,
        y=np.linalg.solve(low, net.data.yi),
        X=np.linalg.solve(low, post.design),
        M=np.linalg.solve(low, shared),
        scale=SCALE,
        wide=WIDE,
    )


def smoking() -> NetworkFit:
    """The network of help to stop smoking, from the counts that the validation pins."""
    path = HERE.parent / "validation" / "values" / "bayes_smoking_counts.json"
    study, treat, events, n = zip(
        *json.loads(path.read_text(encoding="utf-8"))["rows"], strict=True
    )
    names = ["ABCD"[t] for t in treat]
    arms = eq.arms(study=[str(s) for s in study], treat=names, events=events, n=n)
    return eq.network(arms, measure="OR", reference="A")


def counts(net: NetworkFit) -> BayesNetworkCounts:
    prior, wide = eq.priors.half_normal(SCALE), eq.priors.normal(0.0, WIDE)
    post = eq.bayes(net, tau=prior, effect=wide, likelihood="binomial")
    assert isinstance(post, BayesNetworkCounts)
    return post


def as_counts(net: NetworkFit, post: BayesNetworkCounts, path: Path) -> None:
    """What NUTS needs of groups: events, people, trial, and what the treatment is."""
    groups, used = post.arm_groups()
    np.savez(
        path,
        events=groups.events,
        n=groups.n,
        trial=used.trial,
        X=groups.X,
        scale=SCALE,
        wide=WIDE,
    )


def has_numpyro(python: str | None) -> bool:
    if python is None:
        return False
    return not subprocess.run([python, "-c", "import numpyro"], capture_output=True).returncode


@dataclass(frozen=True)
class Case:
    """A network, how ours and NUTS are given it, and the ratio that is promised."""

    name: str
    net: NetworkFit
    ours: Callable[[NetworkFit], Any]
    theirs: Callable[[NetworkFit, Any, Path], None]
    promised: float | None
    times: int


def seconds(case: Case) -> float:
    """Seconds of CPU of one synthesis, the best of three where it takes no time."""

    def work() -> None:
        for _ in range(case.times):
            case.ours(case.net)

    return min(clock(work, case.times) for _ in range(3 if case.times > 1 else 1))


def run(case: Case, python: str | None, rounds: int) -> bool:
    """Time both in turn, print the table, and say whether what is promised is kept."""
    net, post = case.net, case.ours(case.net)
    mine, theirs, last = [], [], {}
    print(
        f"{case.name}: {len(net.treatments)} treatments, {net.k} trials, median of {rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        case.theirs(net, post, data)
        for _ in range(rounds):
            if python is not None:
                command = [python, str(HERE / "nuts_peer.py"), str(data)]
                command += [str(n) for n in (WARMUP, DRAWS, CHAINS)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                last = json.loads(done.stdout.splitlines()[-1])
                theirs.append(last["seconds"])
            mine.append(seconds(case))
    if python is None:
        print(f"peer absent (no NumPyro); ours {in_words(statistics.median(mine))}")
        return True
    kept = told(
        [Line("equipoise.bayes", tuple(mine), case.promised)],
        Line(f"NUTS, {CHAINS} chains of {WARMUP} + {DRAWS}", tuple(theirs)),
    )
    return agree(net, post, last) and kept


def agree(net: NetworkFit, post: Any, last: dict[str, Any]) -> bool:
    """Whether the two posteriors differ by no more than Monte Carlo errors."""
    others = [t for t in net.treatments if t != net.reference]
    found = [post.effect(t, net.reference) for t in others]
    sd, mean = (np.array([getattr(f, x) for f in found]) for x in ("sd", "mean"))
    own = getattr(post, "sample", None)
    own_error = 0.0 if own is None else own.error
    error = np.hypot(np.array(last["error"]), own_error * sd)
    tau_error = float(np.hypot(last["tau_error"], own_error * last["tau_sd"]))
    apart = float(np.max(np.abs(np.array(last["mean"]) - mean) / error))
    apart = max(apart, abs(last["tau"] - post.tau.mean) / tau_error)
    print(
        f"Monte Carlo error of NUTS, in posterior standard deviations: up to "
        f"{float(np.max(np.array(last['error']) / sd)):.1%} for effects, "
        f"{last['tau_error'] / last['tau_sd']:.1%} for tau (effective draws "
        f"{last['ess'][0]:,.0f} to {last['ess'][1]:,.0f} in the middle); {last['divergent']} "
        f"divergent; compiling {in_words(last['compiling'])} more"
    )
    print(
        f"error of ours {post.error:.0e} with {post.points} values of tau; they differ by at most "
        f"{apart:.1f} Monte Carlo errors"
    )
    return apart < 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numpyro", help="an interpreter that has NumPyro")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    python = asked.numpyro if has_numpyro(asked.numpyro) else None
    print(facts())
    if python is not None:
        ask = "import numpyro, jax; print('numpyro', numpyro.__version__, 'jax', jax.__version__)"
        told_by = subprocess.run([python, "-c", ask], capture_output=True, text=True)
        print(told_by.stdout.strip())
    cases = (
        Case("Linde 2016, normal likelihoods", linde(), ours, whitened, 1000, 20),
        Case("smoking cessation, binomial likelihoods", smoking(), counts, as_counts, None, 1),
    )
    kept = [run(case, python, asked.rounds) for case in cases]
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
