"""One fit through the front door beside metafor's `rma.uni` and the Python peers.

Run from a checkout: ``.venv/bin/python benchmarks/one_fit.py --peers PYTHON``, where PYTHON is an
interpreter of its own that has the peers (pip install pymare statsmodels pimeta PythonMeta).
Exits 1 when a promised ratio is missed: twenty times metafor, and faster than
every Python peer at the same estimator.
What is timed of ours is ``equipoise.pairwise`` with all that it gives: REML with proof, intervals
of tau², of I² and H², Q, a prediction interval, other intervals to compare, and notes.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from tools import HERE, Line, Peer, clock, facts, in_words, metafor, simulated, told

import equipoise as eq

K = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--fits", type=int, default=60, help="fits in a round")
    parser.add_argument("--peers", help="an interpreter that has the Python peers")
    asked = parser.parse_args()
    y, v = simulated(500, K)
    effects = [eq.contrasts(yi=a, vi=b) for a, b in zip(y[:200], v[:200], strict=True)]
    r = metafor(y, v)
    peers = asked.peers and Peer([asked.peers, str(HERE / "python_peers.py")], y, v)
    names = peers.greeting.split() if peers else []
    print(f"{facts()}; {r.greeting}")

    def ours(**how: str) -> float:
        def work() -> None:
            for es in effects:
                eq.pairwise(es, **how)

        return min(clock(work, len(effects)) for _ in range(2))

    times: dict[str, list[float]] = {name: [] for name in ("REML", "DL", "PM", *names, "r", "r DL")}
    for _ in range(asked.rounds + 1):
        times["r"].append(r.seconds("REML", asked.fits))
        times["r DL"].append(r.seconds("DL", asked.fits))
        times["REML"].append(ours())
        times["DL"].append(ours(tau2="DL"))
        times["PM"].append(ours(tau2="PM"))
        for name in names:
            times[name].append(peers.seconds(name, asked.fits))
    r.close()
    seconds = {name: tuple(values[1:]) for name, values in times.items()}
    print(f"median of {asked.rounds} rounds, {K} trials")
    kept = True
    for code, yardstick in (("REML", "r"), ("DL", "r DL"), ("PM", "")):
        own = Line(f"equipoise.pairwise, {code}", seconds[code], 20 if code == "REML" else None)
        rivals = [name for name in names if name.endswith(code)]
        others = [Line(name.replace("_", " ").replace(",", ", "), seconds[name]) for name in rivals]
        if yardstick:
            kept &= told([own, *others], Line(f"metafor, rma.uni, {code}", seconds[yardstick]))
        else:
            told(others, own)
        for name in rivals:
            one, two = (statistics.median(seconds[x]) for x in (code, name))
            kept &= one < two
            what = "faster than" if one < two else "MISSED: slower than"
            print(f"{what} {name} ({in_words(one)} and {in_words(two)})")
        print()
    if not peers:
        print("No Python peers: give --peers an interpreter that has them.")
        return 1
    peers.close()
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
