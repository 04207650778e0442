"""Regression coefficients with their tests: z or t one by one, chi-squared or F together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Result, html_lines
from equipoise.core.table import Column, Table, counted, fixed, p_value, significant
from equipoise.effects.columns import Floats, make_frame
from equipoise.num.dist import chi2_tail, critical, f_tail, t_two_sided


@dataclass(frozen=True, slots=True)
class Coefficient(Result):
    """One coefficient: z when `df` is infinite, t otherwise."""

    name: str
    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci: Interval


@dataclass(frozen=True, slots=True, repr=False)
class WaldTest(Result):
    """A test that several combinations of coefficients are all as supposed.

    Attributes
    ----------
    what
        What was tested, in words.
    kind
        ``chi-squared`` or ``F``.
    statistic, df1, df2, p_value
        The statistic; its degrees of freedom (`df2` infinite for chi-squared); the p value.
    estimates, se
        The combinations and their standard errors.
    """

    what: str
    kind: str
    statistic: float
    df1: float
    df2: float
    p_value: float
    estimates: tuple[float, ...] = ()
    se: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"<WaldTest {self._text()}>"

    def summary(self) -> str:
        """The test in a line, then each combination; digits are cut for reading."""
        found = zip(self.estimates, self.se, strict=True)
        rows = [f"  {significant(e, 5)} (SE {significant(s, 4)})" for e, s in found]
        return "\n".join([self._text(), *rows])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row."""
        names = ("what", "kind", "statistic", "df1", "df2", "p_value")
        return make_frame({name: [getattr(self, name)] for name in names}, backend)

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def __str__(self) -> str:
        return self._text()

    def _text(self) -> str:
        sign = "χ²" if self.kind == "chi-squared" else "F"
        dfs = f"{self.df1:g}" if math.isinf(self.df2) else f"{self.df1:g} and {self.df2:.4g}"
        p = p_value(self.p_value)
        p = f"p = {p}" if p[0].isdigit() else f"p {p}"
        return f"{self.what}: {sign} {significant(self.statistic, 5)} on {dfs} df, {p}"


def coefficients_of(
    names: Sequence[str], beta: Floats, cov: Floats, df: Sequence[float], level: float, how: str
) -> tuple[Coefficient, ...]:
    """Return the coefficients with tests and intervals; `how` names the interval's method."""
    out = []
    for i, name in enumerate(names):
        b, se, d = float(beta[i]), math.sqrt(max(float(cov[i, i]), 0.0)), float(df[i])
        half = critical(level, d) * se
        t = b / se if se > 0.0 else (math.copysign(math.inf, b) if b else math.nan)
        text = how if math.isinf(d) else f"{how}, t with {d:.4g} df"
        out.append(
            Coefficient(
                name, b, se, t, d, t_two_sided(t, d), Interval(b - half, b + half, level, text)
            )
        )
    return tuple(out)


def wald_test(
    what: str, beta: Floats, cov: Floats, L: Floats, df2: float, *, values: Floats | None = None
) -> WaldTest:
    """Test that ``L beta`` equals `values` (0 when not given).

    Raises
    ------
    InputError
        Rows of `L` that say the same twice.
    """
    apart = L @ beta - (0.0 if values is None else values)
    spread = L @ cov @ L.T
    sd = np.sqrt(np.maximum(np.diag(spread), 0.0))
    m = len(L)
    scaled = spread / np.outer(sd, sd) if (sd > 0.0).all() else np.zeros((m, m))
    if not (sd > 0.0).all() or np.linalg.matrix_rank(scaled, tol=1e-10) < m:
        raise InputError(
            "combinations of coefficients that say the same twice, or nothing",
            hint="linearly independent rows",
        )
    q = float(apart / sd @ np.linalg.solve(scaled, apart / sd))
    of = (tuple(float(v) for v in L @ beta), tuple(float(v) for v in sd))
    if math.isinf(df2):
        return WaldTest(what, "chi-squared", q, float(m), df2, chi2_tail(q, m), *of)
    return WaldTest(what, "F", q / m, float(m), df2, f_tail(q / m, m, df2), *of)


def combinations_of(names: Sequence[str], L: object) -> tuple[Floats, str]:
    """Read what to test: names of coefficients, places, or rows of weights.

    Returns
    -------
    L
        Weights, one row a combination.
    what
        The test in words.

    Raises
    ------
    UnknownNameError
        A coefficient that the model does not have.
    InputError
        Rows of another length than there are coefficients.
    """
    p = len(names)
    if isinstance(L, str):
        L = [L]
    if isinstance(L, Sequence) and L and all(isinstance(v, str) for v in L):
        for name in L:
            if name not in names:
                raise UnknownNameError("coefficient", name, names)
        picked = [list(names).index(str(name)) for name in L]
        return np.eye(p)[picked], f"{', '.join(str(v) for v in L)} = 0"
    rows = np.atleast_2d(np.asarray(L, dtype=np.float64))
    if rows.shape[1] != p:
        raise InputError(
            f"rows of {counted(rows.shape[1], 'weight')} for {counted(p, 'coefficient')}",
            hint=f"one weight for each of {', '.join(names)}, or their names",
        )
    return rows, "; ".join(f"{_sum(names, row)} = 0" for row in rows)


def _sum(names: Sequence[str], weights: Floats) -> str:
    parts: list[str] = []
    for name, w in zip(names, weights.tolist(), strict=True):
        if w == 0.0:
            continue
        size = "" if abs(w) == 1.0 else f"{abs(w):g} "
        sign = ("- " if w < 0.0 else "+ ") if parts else ("-" if w < 0.0 else "")
        parts.append(f"{sign}{size}{name}")
    return " ".join(parts) or "0"


def coefficient_table(caption: str, rows: Sequence[Coefficient]) -> Table:
    """Return a table of coefficients; digits are cut when it is printed."""
    t = any(not math.isinf(c.df) for c in rows)
    columns = [
        Column("coefficient", "coefficient"),
        Column("estimate", "estimate", align="right"),
        Column("se", "se", align="right"),
        Column("statistic", "t" if t else "z", align="right"),
        *([Column("df", "df", align="right")] if t else []),
        Column("p_value", "p", "p", align="right"),
        Column("ci_low", "low", align="right"),
        Column("ci_high", "high", align="right"),
    ]
    return Table(
        caption,
        tuple(columns),
        tuple(
            (
                c.name,
                c.estimate,
                c.se,
                fixed(c.statistic, 2),
                *([f"{c.df:.4g}"] if t else []),
                c.p_value,
                c.ci.low,
                c.ci.high,
            )
            for c in rows
        ),
    )
