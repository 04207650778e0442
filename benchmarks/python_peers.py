"""Times random-effects fits of the Python peers; run by the interpreter that has them.

Reads the data sets of the file in the first argument (one a row: k estimates, k variances). For
each line "NAME COUNT" on standard input, fits that many and prints the seconds of CPU; the first
line of its output lists the names that can be asked for. A name is a package with its version
and what is fitted.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

Fit = Callable[[np.ndarray, np.ndarray], object]


def pymare(method: str) -> Fit:
    from pymare import Dataset
    from pymare.estimators import DerSimonianLaird, VarianceBasedLikelihoodEstimator

    def fit(y: np.ndarray, v: np.ndarray) -> object:
        if method == "DL":
            estimator = DerSimonianLaird()
        else:
            estimator = VarianceBasedLikelihoodEstimator(method="REML")
        summary = estimator.fit_dataset(Dataset(y=y, v=v)).summary()
        return summary.get_fe_stats(), summary.get_re_stats(), summary.get_heterogeneity_stats()

    return fit


def statsmodels(method: str) -> Fit:
    from statsmodels.stats.meta_analysis import combine_effects

    def fit(y: np.ndarray, v: np.ndarray) -> object:
        result = combine_effects(y, v, method_re=method)
        return result.conf_int(), result.test_homogeneity(), result.tau2, result.i2

    return fit


def pimeta(method: str) -> Fit:
    from pimeta import pool_yv, rma

    if method == "REML":
        return lambda y, v: rma(y, v, method="REML")
    return lambda y, v: pool_yv(y.tolist(), v.tolist(), None, "MD", method=method)


def pythonmeta(_: str) -> Fit:
    from PythonMeta import Meta

    def fit(y: np.ndarray, v: np.ndarray) -> object:
        # It takes groups: two of 100 people that have this mean difference and this variance.
        sd = np.sqrt(50.0 * v)
        meta = Meta()
        meta.datatype, meta.models, meta.effect, meta.algorithm = "CONT", "Random", "MD", "IV"
        rows = zip(y.tolist(), sd.tolist(), strict=True)
        return meta.meta([[a, s, 100, 0.0, s, 100, str(i)] for i, (a, s) in enumerate(rows)])

    return fit


KNOWN: dict[str, tuple[str, Callable[[str], Fit], str]] = {
    "PyMARE,REML": ("PyMARE", pymare, "REML"),
    "PyMARE,DL": ("PyMARE", pymare, "DL"),
    "statsmodels,PM": ("statsmodels", statsmodels, "iterated"),
    "statsmodels,DL": ("statsmodels", statsmodels, "chi2"),
    "pimeta,REML": ("pimeta", pimeta, "REML"),
    "pimeta,DL": ("pimeta", pimeta, "DL"),
    "PythonMeta,DL": ("PythonMeta", pythonmeta, ""),
}


def main() -> None:
    data = np.loadtxt(sys.argv[1], delimiter=",")
    k = data.shape[1] // 2
    fits: dict[str, Fit] = {}
    warnings.simplefilter("ignore")
    for name, (package, make, method) in KNOWN.items():
        try:
            fit = make(method)
            with contextlib.redirect_stdout(io.StringIO()):
                fit(data[0, :k], data[0, k:])
            version = importlib.metadata.version(package)
            fits[name.replace(package, f"{package} {version}").replace(" ", "_")] = fit
        except Exception as error:  # a peer that is not installed, or not as it was
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    print(" ".join(fits), flush=True)
    for line in sys.stdin:
        name, count = line.split()
        fit = fits[name]
        begin = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            for i in range(int(count)):
                row = data[i % len(data)]
                # Some stop where tau² is 0; the time until then counts.
                with contextlib.suppress(Exception):
                    fit(row[:k], row[k:])
        print(f"{time.process_time() - begin:.9f}", flush=True)


if __name__ == "__main__":
    main()
