"""A random-walk Metropolis run of the smoking cessation network, with binomial likelihoods.

An independent route to what ``equipoise.bayes(..., likelihood="binomial")`` computes: the same
model with every baseline, true effect and tau sampled, in NumPy alone. Prints means, standard
deviations and their Monte Carlo errors over independent chains; ``validation/values`` keeps them.
"""

from __future__ import annotations

import json
import sys

import numpy as np


def run(rows: list[list[float]], chains: int, steps: int, seed: int) -> dict[str, list[float]]:
    """Sample the posterior under uniform(0, 5) for tau and normal(0, 100) for effects."""
    random = np.random.default_rng(seed)
    data = np.array(rows)
    trial, treat, y, n = data[:, 0].astype(int), data[:, 1].astype(int), data[:, 2], data[:, 3]
    k, p = int(trial.max()) + 1, int(treat.max())
    start = np.log((y + 0.5) / (n - y + 0.5))
    theta = start + 0.1 * random.standard_normal((chains, y.size))
    d = 0.3 * random.standard_normal((chains, p))
    tau = 0.5 + random.random(chains)
    member = np.zeros((k, y.size))
    member[trial, np.arange(y.size)] = 1.0
    size = member.sum(axis=1)
    X = (treat[:, None] == np.arange(1, p + 1)).astype(float)
    inner = np.eye(y.size) - member.T @ (member / size[:, None])
    A = X.T @ inner @ X
    wide = 1.0 / np.sqrt(n * (y + 0.5) / (n + 1.0) * (1.0 - (y + 0.5) / (n + 1.0)) + 2.0)
    free = y.size - k
    kept = []
    for step in range(steps):
        for _ in range(3):
            # Arm by arm given d and tau: the trial's mean is flat, deviations have tau² / 2.
            for place in range(int(size.max())):
                arms = np.array(
                    [np.flatnonzero(member[i])[place] for i in range(k) if size[i] > place]
                )
                new = theta.copy()
                new[:, arms] += 2.2 * wide[arms] * random.standard_normal((chains, arms.size))
                old_r, new_r = ((t - d @ X.T) @ inner for t in (theta, new))
                q = ((new_r**2 - old_r**2) @ member.T)[:, trial[arms]] / tau[:, None] ** 2
                like = y * (new - theta) - n * (np.logaddexp(0, new) - np.logaddexp(0, theta))
                ok = np.log(random.random((chains, arms.size))) < like[:, arms] - q
                theta[:, arms] = np.where(ok, new[:, arms], theta[:, arms])
        precision = 2.0 * A / tau[:, None, None] ** 2 + 1e-4 * np.eye(p)
        cov = np.linalg.inv(precision)
        mean = (cov @ (2.0 * (theta @ inner @ X) / tau[:, None] ** 2)[:, :, None])[:, :, 0]
        half = np.linalg.cholesky(cov)
        d = mean + (half @ random.standard_normal((chains, p, 1)))[:, :, 0]
        rest = (((theta - d @ X.T) @ inner) ** 2).sum(axis=1)
        for _ in range(4):
            new_tau = tau * np.exp(0.35 * random.standard_normal(chains))
            # Deviations of the arms from their trial's mean: free of them have variance tau² / 2.
            change = -(free - 1.0) * np.log(new_tau / tau) - rest * (new_tau**-2 - tau**-2)
            ok = (np.log(random.random(chains)) < change) & (new_tau < 5.0)
            tau = np.where(ok, new_tau, tau)
        if step >= steps // 10:
            kept.append(np.column_stack([d, tau]))
    out = np.array(kept)
    of_chain = {"mean": out.mean(axis=0), "sd": out.std(axis=0)}
    of_chain |= {f"q{100 * q:g}": np.quantile(out, q, axis=0) for q in (0.025, 0.5, 0.975)}
    found = {}
    for name, value in of_chain.items():
        found[name] = value.mean(axis=0).round(6).tolist()
        found[f"{name}_se"] = (value.std(axis=0, ddof=1) / np.sqrt(chains)).round(6).tolist()
    return found


if __name__ == "__main__":
    with open("validation/values/bayes_smoking_counts.json", encoding="utf-8") as f:
        kept = json.load(f)
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 12000
    kept["posterior"] = run(kept["rows"], 64, steps, 1)
    with open("validation/values/bayes_smoking_counts.json", "w", encoding="utf-8") as f:
        json.dump(kept, f)
        f.write("\n")
