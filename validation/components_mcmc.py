"""A random-walk Metropolis run of a component model, with binomial likelihoods.

An independent route to what ``equipoise.bayes(components(...), likelihood="binomial")`` computes:
every baseline, true effect, component and tau is sampled, in NumPy alone. The trials are those of
Linde 2016 (doi:10.1016/j.jclinepi.2015.10.010) that compare talking treatments, SSRIs, both, usual
care and placebo; the model has what CBT and an SSRI do together beyond their sum.
``python validation/components_mcmc.py STEPS`` writes means, standard deviations and quantiles with
their Monte Carlo errors over 64 chains to ``values/bayes_linde_components.json``, which holds the
trials.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "values" / "bayes_linde_components.json"
#: Mean and standard deviation of log tau.
PRIOR = (-1.5, 0.75)


def design(treatments: list[str], names: list[str]) -> np.ndarray:
    """What each treatment is made of: its parts, and products of them."""
    parts = [set(t.split("+")) for t in treatments]
    return np.array([[float(set(name.split("*")) <= p) for name in names] for p in parts])


def run(kept: dict, chains: int, steps: int, seed: int) -> dict[str, list[float]]:
    """Sample the posterior of the trials in the file."""
    random = np.random.default_rng(seed)
    rows = kept["rows"]
    trials = list(dict.fromkeys(r[0] for r in rows))
    trial = np.array([trials.index(r[0]) for r in rows])
    y, n = (np.array([float(r[i]) for r in rows]) for i in (2, 3))
    X = design([r[1] for r in rows], kept["names"])
    k, p = len(trials), X.shape[1]
    member = (trial == np.arange(k)[:, None]).astype(float)
    size = member.sum(axis=1)
    inner = np.eye(y.size) - member.T @ (member / size[:, None])
    A = X.T @ inner @ X
    theta = np.log((y + 0.5) / (n - y + 0.5)) + 0.1 * random.standard_normal((chains, y.size))
    d = 0.3 * random.standard_normal((chains, p))
    tau = 0.2 + 0.2 * random.random(chains)
    free = y.size - k
    spread = 1.0 / (n * (y + 0.5) / (n + 1.0) * (1.0 - (y + 0.5) / (n + 1.0)))
    places = [
        np.array([np.flatnonzero(member[i])[j] for i in range(k) if size[i] > j])
        for j in range(int(size.max()))
    ]

    def logs(t: np.ndarray) -> np.ndarray:
        return y * t - n * np.logaddexp(0.0, t)

    def prior(t: np.ndarray) -> np.ndarray:
        # Of log tau, which is what is stepped in.
        return -0.5 * ((np.log(t) - PRIOR[0]) / PRIOR[1]) ** 2

    kept_draws = []
    for step in range(steps):
        for arms in places:
            sd = 2.2 / np.sqrt(1.0 / spread[arms] + 1.0 / tau[:, None] ** 2)
            new = theta.copy()
            new[:, arms] += sd * random.standard_normal((chains, arms.size))
            old_r, new_r = ((t - d @ X.T) @ inner for t in (theta, new))
            q = ((new_r**2 - old_r**2) @ member.T)[:, trial[arms]] / tau[:, None] ** 2
            ok = np.log(random.random((chains, arms.size))) < (logs(new) - logs(theta))[:, arms] - q
            theta[:, arms] = np.where(ok, new[:, arms], theta[:, arms])
        # All arms of a trial together: its baseline.
        move = 2.2 / np.sqrt((1.0 / spread) @ member.T) * random.standard_normal((chains, k))
        new = theta + move[:, trial]
        ok = np.log(random.random((chains, k))) < (logs(new) - logs(theta)) @ member.T
        theta = np.where(ok[:, trial], new, theta)
        # Components with true effects moving along: the residuals stay, the data decide.
        for j in range(p):
            along = 0.25 * random.standard_normal(chains) * kept["scale"][j]
            new = theta + along[:, None] * X[:, j]
            ok = np.log(random.random(chains)) < (logs(new) - logs(theta)).sum(axis=1)
            theta = np.where(ok[:, None], new, theta)
            d[:, j] += np.where(ok, along, 0.0)
        # Components given true effects, in closed form under a flat prior.
        cov = np.linalg.inv(2.0 * A)
        mean = (theta @ inner @ X) @ (2.0 * cov)
        half = np.linalg.cholesky(cov)
        d = mean + tau[:, None] * (random.standard_normal((chains, p)) @ half.T)
        rest = (((theta - d @ X.T) @ inner) ** 2).sum(axis=1)
        for _ in range(3):
            new_tau = tau * np.exp(0.35 * random.standard_normal(chains))
            # Deviations of the arms from their trial's mean: free of them have variance tau² / 2.
            change = -free * np.log(new_tau / tau) - rest * (new_tau**-2 - tau**-2)
            change += prior(new_tau) - prior(tau)
            ok = np.log(random.random(chains)) < change
            tau = np.where(ok, new_tau, tau)
        # Tau with the residuals scaled along.
        new_tau = tau * np.exp(0.25 * random.standard_normal(chains))
        off = (theta - d @ X.T) @ inner
        new = theta + off * (new_tau / tau - 1.0)[:, None]
        change = (logs(new) - logs(theta)).sum(axis=1) + prior(new_tau) - prior(tau)
        ok = np.log(random.random(chains)) < change
        theta, tau = np.where(ok[:, None], new, theta), np.where(ok, new_tau, tau)
        if step >= steps // 10:
            kept_draws.append(np.column_stack([d, tau]))
    out = np.array(kept_draws)
    of_chain = {"mean": out.mean(axis=0), "sd": out.std(axis=0)}
    of_chain |= {f"q{100 * q:g}": np.quantile(out, q, axis=0) for q in (0.025, 0.5, 0.975)}
    found = {}
    for name, value in of_chain.items():
        found[name] = value.mean(axis=0).round(6).tolist()
        found[f"{name}_se"] = (value.std(axis=0, ddof=1) / np.sqrt(chains)).round(6).tolist()
    return found


if __name__ == "__main__":
    held = json.loads(FILE.read_text(encoding="utf-8"))
    held["posterior"] = run(held, 64, int(sys.argv[1]) if len(sys.argv) > 1 else 12000, 1)
    held["versions"] = {"Python": platform.python_version(), "numpy": np.__version__}
    FILE.write_text(json.dumps(held, ensure_ascii=False) + "\n", encoding="utf-8")
