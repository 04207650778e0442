"""Batches of ten-trial meta-analyses beside metafor's `rma.uni` in a loop.

Run from a checkout: ``.venv/bin/python benchmarks/batch.py``; needs R with metafor, and Numba for
the compiled rows. Exits 1 when a promised ratio is missed. Compiling is not timed: Numba keeps
what it compiled on disk, and the first round of each is thrown away.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys

from tools import Line, clock, facts, metafor, simulated, told

from equipoise.scale import batch

K = 10
#: Name, arguments, meta-analyses in a round, and the ratio to metafor that is promised.
RUNS = {
    "NumPy, REML": ({"backend": "numpy", "proof": False}, 8_000, 2_500),
    "NumPy, REML with proof": ({"backend": "numpy"}, 8_000, 800),
    "Numba, REML": ({"backend": "numba", "proof": False}, 40_000, 25_000),
    "Numba, REML with proof": ({"backend": "numba"}, 40_000, 5_000),
}
OTHERS = {
    "NumPy, DL": ({"backend": "numpy", "tau2": "DL"}, 8_000),
    "Numba, DL": ({"backend": "numba", "tau2": "DL"}, 40_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--fits", type=int, default=100, help="fits of metafor in a round")
    asked = parser.parse_args()
    fast = importlib.util.find_spec("numba") is not None
    y, v = simulated(40_000, K)
    peer = metafor(y[:500], v[:500])
    print(f"{facts()}; {peer.greeting}")
    runs = {**{n: r[:2] for n, r in RUNS.items()}, **OTHERS}
    runs = {name: run for name, run in runs.items() if fast or "Numba" not in name}
    times: dict[str, list[float]] = {name: [] for name in (*runs, "REML", "DL")}
    for _ in range(asked.rounds + 1):
        for method in ("REML", "DL"):
            times[method].append(peer.seconds(method, asked.fits))
        for name, (how, m) in runs.items():
            # Three times, and the fastest: a run is shorter than a time slice of the machine.
            def work(how: dict[str, object] = how, m: int = m) -> object:
                return batch.pairwise(y[:m], v[:m], interval="Wald", pi="metafor", **how)

            times[name].append(min(clock(work, m) for _ in range(3)))
    peer.close()
    seconds = {name: tuple(values[1:]) for name, values in times.items()}
    print(f"median of {asked.rounds} rounds, {K} trials, Wald and prediction interval")
    lines = [Line(n, seconds[n], RUNS[n][2]) for n in RUNS if n in seconds]
    kept = told(lines, Line("metafor, rma.uni, REML", seconds["REML"]))
    print()
    told([Line(n, seconds[n]) for n in OTHERS if n in seconds], Line("metafor, DL", seconds["DL"]))
    if not fast:
        print("Numba is not installed: pip install 'equipoise[fast]'")
    return 0 if kept and fast else 1


if __name__ == "__main__":
    sys.exit(main())
