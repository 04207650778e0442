"""A network by NUTS in NumPyro, in an environment of its own: prints one line of JSON.

Usage: ``python nuts_peer.py DATA.npz WARMUP DRAWS CHAINS``. The model is the one that programs for
network meta-analysis sample from: true effects of the trials, written around their means in units
of tau (not centred), normal estimates whose covariance within trials has been whitened beforehand,
so that a step costs two small matrix products. Where the data hold events, groups are binomial
with a baseline a trial and a deviation a group instead. Times are of CPU and do not count
compilation, which is told apart.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.diagnostics import effective_sample_size
from numpyro.infer import MCMC, NUTS

jax.config.update("jax_enable_x64", True)

TRIALS = 0


def model(y, X, M, scale, wide):  # type: ignore[no-untyped-def]
    tau = numpyro.sample("tau", dist.HalfNormal(scale))
    theta = numpyro.sample("theta", dist.Normal(0.0, wide).expand([X.shape[1]]).to_event(1))
    z = numpyro.sample("z", dist.Normal(0.0, 1.0).expand([M.shape[1]]).to_event(1))
    numpyro.sample("y", dist.Normal(X @ theta + tau * (M @ z), 1.0).to_event(1), obs=y)


def counted(events, n, trial, X, scale, wide):  # type: ignore[no-untyped-def]
    tau = numpyro.sample("tau", dist.HalfNormal(scale))
    theta = numpyro.sample("theta", dist.Normal(0.0, wide).expand([X.shape[1]]).to_event(1))
    base = numpyro.sample("base", dist.Normal(0.0, 100.0).expand([int(TRIALS)]).to_event(1))
    z = numpyro.sample("z", dist.Normal(0.0, 1.0).expand([X.shape[0]]).to_event(1))
    logits = base[trial] + X @ theta + tau * np.sqrt(0.5) * z
    like = dist.Binomial(total_count=n, logits=logits)
    numpyro.sample("events", like.to_event(1), obs=events)


def main() -> None:
    global TRIALS
    data = np.load(sys.argv[1])
    warmup, draws, chains = (int(a) for a in sys.argv[2:5])
    names = ("events", "n", "trial", "X") if "events" in data else ("y", "X", "M")
    args = [jnp.asarray(data[k]) for k in names]
    more = float(data["scale"]), float(data["wide"])
    if "events" in data:
        TRIALS = int(data["trial"].max()) + 1
    kernel = NUTS(counted if "events" in data else model)
    begin = time.process_time()
    mcmc = MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    mcmc.run(jax.random.PRNGKey(0), *args, *more)
    first = time.process_time() - begin
    begin = time.process_time()
    mcmc.run(jax.random.PRNGKey(1), *args, *more)
    seconds = time.process_time() - begin
    got = mcmc.get_samples(group_by_chain=True)
    theta, tau = np.asarray(got["theta"]), np.asarray(got["tau"])
    size = np.array([effective_sample_size(theta[:, :, i]) for i in range(theta.shape[2])])
    size_tau = float(effective_sample_size(tau))
    out = {
        "seconds": seconds,
        "compiling": max(0.0, first - seconds),
        "draws": draws * chains,
        "mean": theta.mean(axis=(0, 1)).tolist(),
        "sd": theta.std(axis=(0, 1)).tolist(),
        "error": (theta.std(axis=(0, 1)) / np.sqrt(size)).tolist(),
        "tau": float(tau.mean()),
        "tau_sd": float(tau.std()),
        "tau_error": float(tau.std() / np.sqrt(size_tau)),
        "ess": [float(size.min()), float(np.median(size)), size_tau],
        "divergent": int(np.asarray(mcmc.get_extra_fields()["diverging"]).sum()),
        "versions": f"numpyro {numpyro.__version__}, jax {jax.__version__}",
    }
    print(json.dumps(out))


main()
