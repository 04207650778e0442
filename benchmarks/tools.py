"""What the benchmarks share: data, peers in their own processes, clocks, and the printed table.

All times are of CPU, in one thread, and every round asks each program once, in turn, so that a
slow moment of the machine falls on all of them alike. What counts is the ratio.
"""

from __future__ import annotations

import os

# Before NumPy is imported, which reads them.
for _name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"

import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def simulated(m: int, k: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and variances of `m` meta-analyses of `k` trials, tau² 0.1.

    Variances are those of Brockwell and Gordon 2001 (a quarter of chi-squared, cut to 0.009 and
    0.6), the usual ones of simulations in this field.
    """
    rng = np.random.default_rng(seed)
    v = np.clip(0.25 * rng.chisquare(1, size=(m, k)), 0.009, 0.6)
    return rng.normal(size=(m, k)) * np.sqrt(v + 0.1), v


class Peer:
    """A program in its own process that answers "NAME COUNT" with seconds."""

    def __init__(self, command: Sequence[str], y: np.ndarray, v: np.ndarray) -> None:
        self._folder = tempfile.TemporaryDirectory()
        data = Path(self._folder.name) / "data.csv"
        np.savetxt(data, np.hstack([y, v]), delimiter=",", fmt="%.17g")
        self._process = subprocess.Popen(
            [*command, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.greeting = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def seconds(self, name: str, count: int) -> float:
        """Seconds a fit."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name} {count}\n")
        self._process.stdin.flush()
        return float(self._line()) / count

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def metafor(y: np.ndarray, v: np.ndarray) -> Peer:
    """Looped `rma.uni` of R's metafor, with its defaults."""
    if shutil.which("Rscript") is None:
        sys.exit("Rscript was not found. Try: apt-get install r-cran-metafor")
    return Peer(["Rscript", str(HERE / "metafor_fits.R")], y, v)


def clock(work: Callable[[], object], count: int) -> float:
    """Seconds of CPU for each of the `count` things that `work` does."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) / count


@dataclass(frozen=True)
class Line:
    """A row of the ratio table: what, seconds of each round, and the ratio that is promised."""

    what: str
    seconds: tuple[float, ...]
    least: float | None = None


def told(lines: Sequence[Line], yardstick: Line) -> bool:
    """Print the table; return whether every promised ratio is kept.

    The ratio is that of the medians over rounds; in brackets, that of the fastest rounds.
    """
    kept = True
    base, best = statistics.median(yardstick.seconds), min(yardstick.seconds)
    print("| what | a fit | ratio of medians | of the fastest | promised |")
    print("|---|---|---|---|---|")
    for line in (yardstick, *lines):
        middle = statistics.median(line.seconds)
        ratio, quick = base / middle, best / min(line.seconds)
        promised = ""
        if line.least is not None:
            fine = ratio >= line.least
            kept &= fine
            promised = f"{line.least:,.0f} {'kept' if fine else 'MISSED'}"
        print(f"| {line.what} | {in_words(middle)} | {ratio:,.1f} | {quick:,.1f} | {promised} |")
    return kept


def in_words(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def facts() -> str:
    """The machine and the versions, in one line."""
    model = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        names = [x for x in cpu.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    found = [f"Python {platform.python_version()}"]
    for name in ("numpy", "scipy", "numba"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores (load {load:.1f}), one thread; {', '.join(found)}"
