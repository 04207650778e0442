"""How the time of one fit grows with the number of studies, and the plot of it.

Run from a checkout: ``.venv/bin/python benchmarks/scaling.py``. Writes results/scaling.svg. Exits
1 when ten times as many studies, above a thousand, take more than fifteen times as long.
"""

from __future__ import annotations

import argparse
import math
import sys

from tools import RESULTS, clock, facts, in_words, metafor, simulated

import equipoise as eq
from equipoise.present.drawing import Drawing, resolved

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
#: metafor's matrices grow with the square of the studies, its time with the cube.
LARGEST_FOR_R = 1_000
MOST = 15.0


def measured(rounds: int) -> tuple[dict[int, float], dict[int, float]]:
    ours, theirs = {}, {}
    for k in SIZES:
        y, v = simulated(1, k, seed=k)
        es = eq.contrasts(yi=y[0], vi=v[0])
        count = max(1, 300 // k)

        def work(es: object = es, count: int = count) -> None:
            for _ in range(count):
                eq.pairwise(es)

        work()
        ours[k] = min(clock(work, count) for _ in range(rounds))
        if k <= LARGEST_FOR_R:
            peer = metafor(y, v)
            fits = max(1, 100 // k)
            theirs[k] = min(peer.seconds("REML", fits) for _ in range(3))
            peer.close()
    return ours, theirs


def drawn(ours: dict[int, float], theirs: dict[int, float]) -> str:
    """Time against studies, both on logarithmic scales."""
    d = Drawing("scaling", 640)
    left, right, top, bottom = 90.0, 540.0, 50.0, 340.0
    xs = [math.log10(k) for k in SIZES]
    seconds = [math.log10(t) for t in (*ours.values(), *theirs.values())]
    low, high = math.floor(min(seconds)), math.ceil(max(seconds))

    def at(k: float, t: float) -> tuple[float, float]:
        x = left + (right - left) * (math.log10(k) - xs[0]) / (xs[-1] - xs[0])
        return x, bottom - (bottom - top) * (math.log10(t) - low) / (high - low)

    d.text(left, 28, "Time of one fit by the number of studies", bold=True)
    for power in range(low, high + 1):
        y = at(SIZES[0], 10.0**power)[1]
        d.line(left, y, right, y, role="rule")
        d.text(left - 10, y + 5, in_words(10.0**power), anchor="end")
    for power in range(1, 6):
        x = at(10.0**power, 10.0**low)[0]
        d.line(x, bottom, x, bottom + 6)
        d.text(x, bottom + 24, f"{10**power:,}", anchor="middle")
    d.line(left, bottom, right, bottom)
    d.text((left + right) / 2, bottom + 48, "studies", anchor="middle")
    for name, times, role in (("equipoise", ours, "benefit"), ("metafor", theirs, "harm")):
        points = [at(k, t) for k, t in times.items()]
        d.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), "", role, 2)
        for x, y in points:
            d.circle(x, y, 4, fill=role)
        d.text(points[-1][0] + 10, points[-1][1] + 5, name, role=role, bold=True)
    told = "; ".join(f"{k:,} studies {in_words(t)}" for k, t in ours.items())
    return resolved(d.svg(bottom + 64, "Time of one fit by the number of studies", told))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    ours, theirs = measured(parser.parse_args().rounds)
    print(facts())
    print("| studies | equipoise | a study | metafor |")
    print("|---|---|---|---|")
    for k, t in ours.items():
        r = in_words(theirs[k]) if k in theirs else ""
        print(f"| {k:,} | {in_words(t)} | {in_words(t / k)} | {r} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scaling.svg").write_text(drawn(ours, theirs), encoding="utf-8")
    steps = [(k, 10 * k, ours[10 * k] / ours[k]) for k in (1_000, 3_000, 10_000)]
    for k, more, ratio in steps:
        print(f"{k:,} to {more:,} studies: {ratio:.1f} times as long")
    return int(any(ratio > MOST for *_, ratio in steps))


if __name__ == "__main__":
    sys.exit(main())
