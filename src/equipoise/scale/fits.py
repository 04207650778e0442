"""The results of many meta-analyses, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from equipoise.core.result import Method, Note, Result, html_lines
from equipoise.core.table import count, counted, percent, significant
from equipoise.effects.columns import Floats, Ints, make_frame

#: Confidence intervals that a batch has, in the order of their numbers in `BatchFit.interval`.
CODES = ("Wald", "t", "HK", "HK-guarded")

#: The names of the arrays.
ARRAYS = (
    *("k", "left_out", "estimate", "se", "ci_low", "ci_high", "tau2", "n_optima", "q"),
    *("i2", "h2", "pi_low", "pi_high", "interval"),
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class BatchFit(Result):
    """The results of many meta-analyses, one value each, on the scale of analysis.

    Attributes
    ----------
    model, tau2_method, level, backend
        ``random`` or ``common``; the estimator of tau²; the level of all intervals; what ran.
    k, left_out
        Trials that were used, and those passed over because their estimate or variance is missing.
    estimate, se, ci_low, ci_high
        The mean; the standard error and the confidence interval that belong together.
    interval
        Which confidence interval it is, as its place in `CODES`.
    tau2, n_optima
        Variance between trials; how many local maxima the likelihood has, 0 where nobody looked.
    q, i2, h2
        Cochran's Q, I² in percent, H².
    pi_low, pi_high
        Prediction interval; NaN where there are too few trials, and under a common effect.
    notes, methods
        What to know; the methods used, with their papers.

    Notes
    -----
    Meta-analyses without a single trial are NaN throughout, and False in `ok`.
    """

    model: str
    tau2_method: str
    level: float
    backend: str
    k: Ints
    left_out: Ints
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    interval: NDArray[np.uint8]
    tau2: Floats
    n_optima: NDArray[np.uint8]
    q: Floats
    i2: Floats
    h2: Floats
    pi_low: Floats
    pi_high: Floats
    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = ()

    def __post_init__(self) -> None:
        kinds = {"k": np.intp, "left_out": np.intp, "interval": np.uint8, "n_optima": np.uint8}
        for name in ARRAYS:
            array = np.asarray(getattr(self, name), dtype=kinds.get(name, np.float64))
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in pickling that an array is read-only.
        return _rebuild, ({f.name: getattr(self, f.name) for f in fields(self)},)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchFit) and self.to_dict() == other.to_dict()

    def __len__(self) -> int:
        return len(self.k)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Where there is a result: at least one trial."""
        return self.k > 0

    @property
    def q_df(self) -> Ints:
        """Degrees of freedom of Q."""
        return np.maximum(self.k - 1, 0)

    @property
    def q_p(self) -> Floats:
        """P values of Q, computed when asked for; 1 for a single trial."""
        p = np.ones(len(self))
        many = self.k > 1
        p[many] = special.gammaincc(0.5 * (self.k[many] - 1.0), 0.5 * self.q[many])
        p[~self.ok] = np.nan
        return p

    @property
    def df(self) -> Floats:
        """Degrees of freedom of `se`: those of t, infinite for the normal distribution."""
        return np.where(self.interval == 0, np.inf, self.k - 1.0)

    @property
    def statistic(self) -> Floats:
        """Estimates over standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimate / self.se

    @property
    def p_value(self) -> Floats:
        """Two-sided p values of no effect, computed when asked for."""
        z = self.statistic
        p = 2.0 * special.ndtr(-np.abs(z))
        t = np.flatnonzero(self.interval != 0)
        p[t] = _t_two_sided(z[t], self.df[t])
        return np.asarray(p, dtype=np.float64)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a meta-analysis.

        Parameters
        ----------
        backend
            ``pandas``, ``polars`` or ``pyarrow``; None takes the first that is installed.
        """
        names = np.array(CODES)
        return make_frame(
            {
                "k": self.k,
                "left_out": self.left_out,
                "estimate": self.estimate,
                "se": self.se,
                "ci_low": self.ci_low,
                "ci_high": self.ci_high,
                "interval": names[self.interval],
                "p_value": self.p_value,
                "tau2": self.tau2,
                "n_optima": self.n_optima,
                "q": self.q,
                "q_df": self.q_df,
                "q_p": self.q_p,
                "i2": self.i2,
                "h2": self.h2,
                "pi_low": self.pi_low,
                "pi_high": self.pi_high,
            },
            backend,
        )

    def __repr__(self) -> str:
        return (
            f"BatchFit({counted(len(self), 'meta-analysis')}, "
            f"{counted(int(self.k.sum()), 'estimate')}, {self.model}, {self.tau2_method})"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def summary(self) -> str:
        """What was found over all meta-analyses; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        ok = self.ok
        yield (
            f"{counted(len(self), 'meta-analysis')} of {counted(int(self.k.sum()), 'estimate')}, "
            f"{self.model} effects"
        )
        if not ok.any():
            return
        quartiles = {
            name: " · ".join(significant(float(x), 4) for x in _quartiles(values[ok]))
            for name, values in (("k", self.k), ("estimate", self.estimate), ("tau²", self.tau2))
        }
        yield ""
        yield "Quartiles: " + "; ".join(f"{name} {text}" for name, text in quartiles.items())
        many = int((ok & (self.k > 1)).sum())
        if self.model == "random" and many:
            zero = int((self.tau2[ok & (self.k > 1)] == 0.0).sum())
            yield f"tau² is 0 in {count(zero)} of {count(many)} ({self.tau2_method})"
        away = (self.ci_low > 0.0) | (self.ci_high < 0.0)
        yield (
            f"The {percent(100 * self.level)} interval leaves out 0 in "
            f"{count(int(away.sum()))} of {count(int(ok.sum()))}"
        )


def _quartiles(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.quantile(values, (0.25, 0.5, 0.75)), dtype=np.float64)


def _rebuild(values: dict[str, Any]) -> BatchFit:
    return BatchFit(**values)


def _t_two_sided(t: Floats, df: Floats) -> Floats:
    """As :func:`equipoise.num.dist.t_two_sided`, for arrays."""
    square = t * t
    total = df + square
    with np.errstate(invalid="ignore"):
        near = 1.0 - special.betainc(0.5, 0.5 * df, square / total)
        far = special.betainc(0.5 * df, 0.5, df / total)
    return np.where(square < df, near, np.where(np.isinf(square), 0.0, far))
