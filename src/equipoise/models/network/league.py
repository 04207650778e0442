"""All effects of a network as matrices: the league table before anyone writes it out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from equipoise.core.arguments import typed
from equipoise.core.result import Method, Note, Result, html_lines
from equipoise.core.table import Column, Table, percent
from equipoise.effects.columns import Floats, make_frame
from equipoise.num.dist import critical


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectMatrices(Result):
    """All effects on the scale of analysis, row minus column, each of shape (n, n).

    Attributes
    ----------
    treatments
        Names of the rows and of the columns.
    level, df
        Level of the intervals; degrees of freedom of intervals and tests, infinite for normal ones.
    estimate, se, ci_low, ci_high, p_value
        0 on the diagonal, and p 1.
    pi_low, pi_high
        Prediction intervals; NaN on the diagonal and where the model has none.
    notes, methods
        What to know of the network that they are of; the papers.
    """

    treatments: tuple[str, ...]
    level: float
    df: float
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    pi_low: Floats
    pi_high: Floats
    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = ()

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a pair of treatments."""
        first, second = np.triu_indices(len(self.treatments), 1)
        names = np.array(self.treatments, dtype=object)
        columns: dict[str, Any] = {
            "treat1": names[first].tolist(),
            "treat2": names[second].tolist(),
        }
        kinds = ("estimate", "se", "ci_low", "ci_high", "p_value")
        return make_frame(columns | {k: getattr(self, k)[first, second] for k in kinds}, backend)

    def summary(self) -> str:
        """The effects on the scale of analysis, row minus column; digits are cut for reading."""
        columns = (
            Column("treatment", "minus"),
            *(Column(str(j), name, align="right") for j, name in enumerate(self.treatments)),
        )
        rows = tuple(
            (name, *(None if i == j else float(x) for j, x in enumerate(self.estimate[i])))
            for i, name in enumerate(self.treatments)
        )
        text = "Effects on the scale of analysis, row minus column"
        table = Table(text, columns, rows, missing="").to_text()
        return "\n".join([table, *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def __repr__(self) -> str:
        n = len(self.treatments)
        return f"<EffectMatrices {n} × {n}, {percent(100 * self.level)} intervals>"


def effect_matrices(
    treatments: tuple[str, ...],
    theta: Floats,
    cov: Floats,
    *,
    level: float,
    df: float,
    predicts: tuple[float, float] | None = None,
    notes: tuple[Note, ...] = (),
    methods: tuple[Method, ...] = (),
) -> EffectMatrices:
    """Every difference of `theta` with its interval.

    Parameters
    ----------
    treatments, theta, cov
        Names, effects against one of them, and their covariance matrix.
    level, df
        Of the intervals.
    predicts
        Degrees of freedom of prediction intervals and tau², where there are such intervals.
    notes, methods
        Of the network.
    """
    d = np.diag(cov)
    estimate = theta[:, None] - theta[None, :]
    se = np.sqrt(np.maximum(d[:, None] + d[None, :] - 2.0 * cov, 0.0))
    np.fill_diagonal(se, 0.0)
    half = critical(level, df) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        p = two_sided(estimate / se, df)
    p[se == 0.0] = 1.0
    low, high = np.full_like(se, np.nan), np.full_like(se, np.nan)
    if predicts is not None:
        wide = critical(level, predicts[0]) * np.sqrt(se * se + predicts[1])
        low, high = estimate - wide, estimate + wide
        np.fill_diagonal(low, np.nan)
        np.fill_diagonal(high, np.nan)
    found = (estimate, se, estimate - half, estimate + half, p, low, high)
    for matrix in found:
        matrix.setflags(write=False)
    return EffectMatrices(treatments, level, df, *found, notes, methods)


def two_sided(statistic: Floats, df: float) -> Floats:
    """Two-sided p values of normal or t statistics; NaN where there is no statistic."""
    size = -np.abs(statistic)
    found = special.ndtr(size) if math.isinf(df) else special.stdtr(df, size)
    return np.asarray(2.0 * found, dtype=np.float64)
