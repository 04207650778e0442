"""A million meta-analyses of ten trials: how long they take, and how much memory.

Run from a checkout: ``.venv/bin/python benchmarks/million.py [--backend numpy]``. Exits 1 when more
than 1.5 GB are used at the peak.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

from tools import facts, simulated

from equipoise.scale import batch

MOST = 1.5e9


def used() -> float:
    """The most memory that this process has had, in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(size if sys.platform == "darwin" else size * 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="auto", choices=batch.BACKENDS)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    y, v = simulated(1_000_000, 10)
    how = {"backend": asked.backend, "threads": asked.threads}
    batch.pairwise(y[:100], v[:100], **how)
    before = used()
    begin = time.perf_counter()
    fit = batch.pairwise(y, v, **how)
    took = time.perf_counter() - begin
    print(facts())
    print(fit.summary())
    print()
    print(
        f"{fit.backend}: {took:.2f} s of the clock, {used() / 1e6:,.0f} MB at the peak, of which "
        f"{before / 1e6:,.0f} MB before (data: {(y.nbytes + v.nbytes) / 1e6:,.0f} MB)"
    )
    return int(used() > MOST)


if __name__ == "__main__":
    sys.exit(main())
