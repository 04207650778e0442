"""Times a network of pimeta; run by the interpreter that has it.

Reads a table of contrasts (study, treat1, treat2, yi, sei) from the file in the first argument,
fits it by REML with its league table and all splits, and prints seconds of CPU, tau² and its
version as JSON.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import sys
import time
import warnings

from pimeta import netleague, netmeta, netsplit


def main() -> None:
    warnings.simplefilter("ignore")
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    y, se = ([float(x) for x in columns[name]] for name in ("yi", "sei"))
    begin = time.process_time()
    fit = netmeta(
        y, se, columns["treat1"], columns["treat2"], columns["study"], sm="MD", method_tau="REML"
    )
    alone = time.process_time() - begin
    netleague(fit)
    netsplit(fit)
    told = {
        "seconds": time.process_time() - begin,
        "fit": alone,
        "tau2": float(fit.tau2),
        "version": importlib.metadata.version("pimeta"),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
