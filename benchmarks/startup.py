"""How long a person waits: `equipoise --help` and `answer`, beside a bare import of the libraries.

Every round starts each command once, in turn, each in a fresh process, so that a slow moment of the
machine falls on all of them alike. Run from a checkout: ``.venv/bin/python benchmarks/startup.py``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PYTHON = sys.executable
PROGRAM = str(Path(PYTHON).with_name("equipoise"))
YARDSTICK = "import numpy, scipy.special"
COMMANDS = {
    YARDSTICK: [PYTHON, "-c", YARDSTICK],
    "equipoise --help": [PROGRAM, "--help"],
    "equipoise answer": [PROGRAM, "answer", "prolotherapy-low-back-pain"],
    "equipoise check": [PROGRAM, "check", "prolotherapy-low-back-pain"],
}
#: What the design allows, in milliseconds.
LIMITS = {"equipoise --help": 150, "equipoise answer": 1000}
#: An installed program has its compiled files; so have these, whatever the shell asks of Python.
SURROUNDINGS = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def once(command: list[str]) -> float:
    """Milliseconds from start to end of one fresh process."""
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=SURROUNDINGS)
    return 1000 * (time.perf_counter() - begin)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        once(command)  # fills the caches of compiled files and of the disk
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            times[name].append(once(command))
    base = statistics.median(times[YARDSTICK])
    print(f"median of {rounds} rounds, Python {sys.version.split()[0]}")
    over = False
    for name, values in times.items():
        middle = statistics.median(values)
        limit = LIMITS.get(name)
        told = "" if limit is None else f"  limit {limit} ms"
        over |= limit is not None and middle > limit
        print(f"{name:32} {middle:6.0f} ms  {middle / base:4.2f} × the bare import{told}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
