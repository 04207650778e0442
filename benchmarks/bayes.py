"""The posterior of a network of 22 treatments beside NUTS, at the latter's Monte Carlo error.

Run from a checkout: ``.venv/bin/python benchmarks/bayes.py --numpyro PYTHON``, where PYTHON is an
interpreter of its own that has NumPyro (pip install numpyro jax). Exits 1 when the promised ratio,
a thousand times, is missed, or when the two posteriors differ by more than chance allows.
The data are Linde 2016 (93 trials, of which 15 have three arms); priors half-normal(0.5) for tau
and normal(0, 10) for every effect against placebo. NUTS takes the usual four chains of 1000 draws
after 1000 for warming up; its compilation is told apart and not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tools import HERE, Line, clock, facts, in_words, told

import equipoise as eq
from equipoise.models.bayes.network import BayesNetwork
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numpyro", required=True, help="an interpreter that has NumPyro")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    net = linde()
    post = ours(net)
    mine, theirs, last = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        whitened(net, post, data)
        command = [asked.numpyro, str(HERE / "nuts_peer.py"), str(data)]
        command += [str(n) for n in (WARMUP, DRAWS, CHAINS)]
        for _ in range(asked.rounds):
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            last = json.loads(done.stdout.splitlines()[-1])
            theirs.append(last["seconds"])
            mine.append(min(clock(lambda: [ours(net) for _ in range(20)], 20) for _ in range(3)))
    print(f"{facts()}; {last['versions']}")
    print(f"median of {asked.rounds} rounds, {len(net.treatments)} treatments, {net.k} trials")
    kept = told(
        [Line("equipoise.bayes", tuple(mine), 1000)],
        Line(f"NUTS, {CHAINS} chains of {WARMUP} + {DRAWS}", tuple(theirs)),
    )
    sd = np.array([post.effect(t, "Placebo").sd for t in net.treatments if t != "Placebo"])
    mean = np.array([post.effect(t, "Placebo").mean for t in net.treatments if t != "Placebo"])
    error = np.array(last["error"])
    apart = float(np.max(np.abs(np.array(last["mean"]) - mean) / error))
    apart = max(apart, abs(last["tau"] - post.tau.mean) / last["tau_error"])
    print(
        f"Monte Carlo error of NUTS, in posterior standard deviations: up to "
        f"{float(np.max(error / sd)):.1%} for effects, {last['tau_error'] / last['tau_sd']:.1%} "
        f"for tau (effective draws {last['ess'][0]:,.0f} to {last['ess'][1]:,.0f} in the middle); "
        f"{last['divergent']} divergent; compiling {in_words(last['compiling'])} more"
    )
    print(
        f"error of ours {post.error:.0e} with {post.points} points; they differ by at most "
        f"{apart:.1f} Monte Carlo errors"
    )
    return int(not (kept and apart < 5.0))


if __name__ == "__main__":
    sys.exit(main())
