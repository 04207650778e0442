"""Networks of growing size: REML with proof, all effects and splits, beside pimeta and netmeta.

Run from a checkout: ``.venv/bin/python benchmarks/network.py --peer PYTHON``, where PYTHON is an
interpreter of its own that has pimeta; R's netmeta is asked where R has it. Draws
results/network.svg. Exits 1 when a promised time is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import HERE, RESULTS, clock, facts, in_words, np

import equipoise as eq
from equipoise.effects.blocks import Contrasts
from equipoise.present.drawing import Drawing, resolved

#: Treatments, trials, and the seconds that are promised.
SIZES: tuple[tuple[int, int, float | None], ...] = (
    (10, 40, None),
    (30, 200, 0.050),
    (100, 1_000, None),
    (300, 3_000, 0.3),
    (1_000, 10_000, 3.0),
)
#: Peers are given up on beyond this size, and after so many seconds.
LARGEST_FOR_PEERS = 1_000
PATIENCE = 120.0


def made(n: int, trials: int, seed: int = 1) -> dict[str, list[object]]:
    """All comparisons of a connected network, one trial in seven of three arms, tau² 0.1."""
    rng = np.random.default_rng(seed)
    names = [f"t{i:04d}" for i in range(n)]
    truth = rng.normal(0.0, 0.5, n)
    order = rng.permutation(n)
    rows: dict[str, list[object]] = {k: [] for k in ("study", "treat1", "treat2", "yi", "vi")}
    for s in range(trials):
        if s < n - 1:
            arms = [int(order[rng.integers(0, s + 1)]), int(order[s + 1])]
        else:
            arms = rng.choice(n, 3 if rng.random() < 1 / 7 else 2, replace=False).tolist()
        v = rng.uniform(0.01, 0.2, len(arms))
        y = truth[arms] + rng.normal(0.0, np.sqrt(v + 0.05))
        for i in range(len(arms)):
            for j in range(i + 1, len(arms)):
                new = (f"s{s}", names[arms[i]], names[arms[j]], y[i] - y[j], v[i] + v[j])
                for column, value in zip(rows.values(), new, strict=True):
                    column.append(value)
    return rows


def work(es: Contrasts) -> None:
    """What is timed: the fit, every effect with its interval, and every split."""
    fit = eq.network(es)
    fit.matrices()
    fit.split()


def asked(command: list[str], rows: dict[str, list[object]]) -> dict[str, object] | str:
    """What a peer says, or why it says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "contrasts.csv"
        with data.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("study", "treat1", "treat2", "yi", "sei"))
            se = [math.sqrt(float(str(v))) for v in rows["vi"]]
            columns = (rows["study"], rows["treat1"], rows["treat2"], rows["yi"], se)
            writer.writerows(zip(*columns, strict=True))
        try:
            done = subprocess.run(
                [*command, str(data)], capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return f"not done after {PATIENCE:.0f} s"
    if done.returncode == 3:
        return "not installed"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:60]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def drawn(times: dict[str, dict[int, float]]) -> str:
    """Time against trials, both on logarithmic scales."""
    d = Drawing("network-scaling", 640)
    left, right, top, bottom = 90.0, 530.0, 50.0, 340.0
    trials = [k for _, k, _ in SIZES]
    xs = [math.log10(k) for k in trials]
    seconds = [math.log10(t) for line in times.values() for t in line.values()]
    seconds += [math.log10(t) for _, _, t in SIZES if t is not None]
    low, high = math.floor(min(seconds)), math.ceil(max(seconds))

    def at(k: float, t: float) -> tuple[float, float]:
        x = left + (right - left) * (math.log10(k) - xs[0]) / (xs[-1] - xs[0])
        return x, bottom - (bottom - top) * (math.log10(t) - low) / (high - low)

    d.text(left, 28, "Time of a network by its size", bold=True)
    for power in range(low, high + 1):
        y = at(trials[0], 10.0**power)[1]
        d.line(left, y, right, y, role="rule")
        d.text(left - 10, y + 5, in_words(10.0**power), anchor="end")
    for n, k, promised in SIZES:
        x = at(k, 10.0**low)[0]
        d.line(x, bottom, x, bottom + 6)
        d.text(x, bottom + 24, f"{n:,}", anchor="middle")
        d.text(x, bottom + 42, f"× {k:,}", anchor="middle")
        if promised is not None:
            y = at(k, promised)[1]
            d.line(x - 16, y, x + 16, y)
            d.text(x, y - 8, "promised", anchor="middle")
    d.line(left, bottom, right, bottom)
    d.text((left + right) / 2, bottom + 68, "treatments × trials", anchor="middle")
    for (name, line), role in zip(times.items(), ("benefit", "harm", "unknown"), strict=False):
        if not line:
            continue
        points = [at(k, t) for k, t in line.items()]
        d.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), "", role, 2)
        for x, y in points:
            d.circle(x, y, 4, fill=role)
        d.text(points[-1][0] + 10, points[-1][1] + 5, name, role=role, bold=True)
    told = "; ".join(f"{k:,} trials {in_words(t)}" for k, t in times["equipoise"].items())
    return resolved(d.svg(bottom + 84, "Time of a network by its size", told))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="an interpreter that has pimeta")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    peers: dict[str, list[str]] = {}
    if given.peer:
        peers["pimeta"] = [given.peer, str(HERE / "network_peer.py")]
    if shutil.which("Rscript"):
        peers["netmeta"] = ["Rscript", str(HERE / "network_peer.R")]
    print(facts())
    print(f"fastest of {given.rounds} rounds: REML with proof, all effects, all splits")
    print("| treatments × trials | equipoise | promised | " + " | ".join(peers) + " |")
    print("|---|---|---|" + "---|" * len(peers))
    times: dict[str, dict[int, float]] = {"equipoise": {}, **{name: {} for name in peers}}
    kept, versions, tau2 = True, {}, []
    work(eq.contrasts(measure="MD", **made(150, 400)))  # the first use of a library is its import
    for n, trials, promised in SIZES:
        rows = made(n, trials)
        es = eq.contrasts(measure="MD", **rows)
        ours = min(clock(lambda es=es: work(es), 1) for _ in range(given.rounds))
        times["equipoise"][trials] = ours
        fine = promised is None or ours <= promised
        kept &= fine
        said = "" if promised is None else f"{in_words(promised)} {'kept' if fine else 'MISSED'}"
        cells = []
        for name, command in peers.items():
            found = asked(command, rows) if trials <= LARGEST_FOR_PEERS else "not asked"
            if isinstance(found, str):
                cells.append(found)
                continue
            seconds = float(str(found["seconds"]))
            times[name][trials] = seconds
            versions[name] = found["version"]
            tau2.append((n, trials, eq.network(es).tau2, name, found["tau2"]))
            cells.append(f"{in_words(seconds)}, {seconds / ours:,.0f} times")
        print(f"| {n:,} × {trials:,} | {in_words(ours)} | {said} | " + " | ".join(cells) + " |")
    for name, version in versions.items():
        print(f"{name} {version}")
    for n, trials, mine, name, theirs in tau2:
        print(f"tau² of {n} × {trials}: {mine:.6g}; {name} {theirs:.6g}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "network.svg").write_text(drawn(times), encoding="utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
