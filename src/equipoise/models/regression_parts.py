"""What a meta-regression is asked for: coefficients, tests, comparisons, predictions, bubbles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Result
from equipoise.core.table import MINUS, Column, Table, Value, counted, p_value, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.design import Design
from equipoise.num.dist import critical, f_tail

#: A hypothesis: names of coefficients or terms, factors by name, or a matrix of factors.
Hypothesis: TypeAlias = "str | Mapping[str, float] | Sequence[Any] | Floats | None"


def read_only_matrix(values: Floats) -> Floats:
    """A read-only two-dimensional copy."""
    array = np.array(values, dtype=np.float64, ndmin=2)
    array.setflags(write=False)
    return array


def p_text(value: float) -> str:
    """A p value with its sign of equality: ``p = 0.012``, ``p < 0.001``."""
    text = p_value(value)
    return f"p = {text}" if text[0].isdigit() else f"p {text}"


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """Log-likelihood, deviance and information criteria; smaller criteria are better."""

    loglik: float
    deviance: float
    aic: float
    bic: float
    aicc: float


def fit_statistics(loglik: float, parameters: int, n: int, deviance: float) -> FitStatistics:
    """Information criteria from a log-likelihood.

    Source: Burnham, Anderson 2002, Model Selection and Multimodel Inference, chapters 2 and 6.
    """
    size = max(n, parameters + 2)
    return FitStatistics(
        loglik=loglik,
        deviance=deviance,
        aic=-2.0 * loglik + 2.0 * parameters,
        bic=-2.0 * loglik + parameters * math.log(n),
        aicc=-2.0 * loglik + 2.0 * parameters * size / (size - parameters - 1),
    )


@dataclass(frozen=True, slots=True, eq=False)
class KenwardRoger:
    """What adjusted standard errors and degrees of freedom are made of.

    Attributes
    ----------
    plain
        Covariance of the coefficients without the adjustment.
    change
        Its derivative with respect to tau².
    variance
        Variance of the estimate of tau², from the expected information.
    """

    plain: Floats
    change: Floats
    variance: float

    def df(self, row: Floats) -> float:
        """Degrees of freedom of one linear combination."""
        share = float(row @ self.change @ row) / float(row @ self.plain @ row)
        return 2.0 / (self.variance * share * share) if share != 0.0 else math.inf

    def scale(self, L: Floats) -> tuple[float, float]:
        """The factor of the F statistic of several combinations and its degrees of freedom.

        Source: Kenward, Roger 1997, Biometrics 53:983, section 3 (as in equations for A1, A2, B).
        """
        m = len(L)
        if m == 1:
            return 1.0, self.df(L[0])
        inner = np.linalg.solve(L @ self.plain @ L.T, L @ self.change @ L.T)
        a1 = self.variance * float(np.trace(inner)) ** 2
        a2 = self.variance * float(np.trace(inner @ inner))
        if a2 == 0.0:
            return 1.0, math.inf
        b = (a1 + 6.0 * a2) / (2.0 * m)
        g = ((m + 1) * a1 - (m + 4) * a2) / ((m + 2) * a2)
        under = 3.0 * m + 2.0 * (1.0 - g)
        c1, c2, c3 = g / under, (m - g) / under, (m + 2.0 - g) / under
        mean = 1.0 / (1.0 - a2 / m)
        spread = 2.0 / m * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
        rho = spread / (2.0 * mean * mean)
        df = 4.0 + (m + 2.0) / (m * rho - 1.0)
        return df / (mean * (df - 2.0)), df


def combinations(what: Hypothesis, design: Design) -> Floats:
    """The factors of each combination that a hypothesis names, one a row.

    Raises
    ------
    UnknownNameError
        A name that the design does not have.
    InputError
        A matrix of another width, or no combination.
    """
    names, p = design.names, len(design.names)
    if what is None:
        return np.eye(p)[list(design.moderators())]
    if isinstance(what, (str, Mapping)):
        what = [what]
    if isinstance(what, np.ndarray) or not all(isinstance(w, (str, Mapping)) for w in what):
        L = np.array(what, dtype=np.float64, ndmin=2)
        if L.ndim != 2 or L.shape[1] != p:
            raise InputError(
                f"{counted(L.shape[-1], 'factor')} for {counted(p, 'coefficient')}",
                hint=f"one for each of {', '.join(names)}",
            )
        return L
    rows: list[Floats] = []
    for one in what:
        if isinstance(one, str):
            rows += [np.eye(p)[i] for i in _places(one, design)]
            continue
        row = np.zeros(p)
        for name, factor in one.items():
            if name not in names:
                raise UnknownNameError("coefficient", name, names)
            row[names.index(name)] = factor
        rows.append(row)
    if not rows:
        raise InputError("no hypothesis", hint="names of coefficients")
    return np.array(rows)


def _places(name: str, design: Design) -> tuple[int, ...]:
    if name in design.names:
        return (design.names.index(name),)
    terms = dict(design.terms)
    if name not in terms:
        known = dict.fromkeys((*design.names, *terms))
        raise UnknownNameError("coefficient or term", name, known)
    return terms[name]


def in_words(row: Floats, names: Sequence[str], to: float) -> str:
    """A combination and its value under test: ``a − 2 × b = 0``."""
    parts: list[str] = []
    for factor, name in zip(row.tolist(), names, strict=True):
        if factor == 0.0:
            continue
        size = "" if abs(factor) == 1.0 else f"{significant(abs(factor), 6)} × "
        sign = MINUS if factor < 0 else "+" if parts else ""
        parts.append(f"{sign}{' ' if parts else ''}{size}{name}")
    return f"{' '.join(parts) or '0'} = {significant(to, 6)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearTest(Result):
    """A test that linear combinations of the coefficients have given values.

    Attributes
    ----------
    rows
        The combinations in words.
    estimate, se, statistic, df, p_value
        Of each combination: the difference from the value under test over its standard error.
    qm, qm_df, qm_p
        All together: chi-squared when the second degrees of freedom are infinite, else F.
    """

    rows: tuple[str, ...]
    estimate: Floats
    se: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    qm: float
    qm_df: tuple[float, float]
    qm_p: float

    def table(self) -> Table:
        """The combinations, one a row."""
        columns = (
            Column("hypothesis", "Hypothesis"),
            Column("estimate", "Estimate", align="right"),
            Column("se", "Standard error", align="right"),
            Column("statistic", "z" if np.isinf(self.df).all() else "t", align="right"),
            Column("df", "df", align="right"),
            Column("p_value", "p", "p", "right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (row, e, se, z, None if math.isinf(df) else df, p)
            for row, e, se, z, df, p in zip(
                self.rows,
                *(v.tolist() for v in (self.estimate, self.se, self.statistic)),
                self.df.tolist(),
                self.p_value.tolist(),
                strict=True,
            )
        )
        text = f"Omnibus test: {qm_text(self.qm, self.qm_df, self.qm_p)}"
        return Table(text, columns, rows, missing="")

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each combination."""
        return self.table().to_frame(backend)

    def summary(self) -> str:
        """The omnibus test, then each combination; digits are cut for reading."""
        return self.table().to_text()

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<LinearTest {qm_text(self.qm, self.qm_df, self.qm_p)}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()


def qm_text(qm: float, df: tuple[float, float], p: float) -> str:
    """An omnibus test in words: ``QM(2) = 12.2, p = 0.002`` or ``F(2, 10) = 4.4, p = 0.04``."""
    if math.isinf(df[1]):
        return f"QM({df[0]:g}) = {significant(qm, 5)}, {p_text(p)}"
    return f"F({df[0]:g}, {significant(df[1], 4)}) = {significant(qm, 5)}, {p_text(p)}"


def omnibus(
    difference: Floats, cov: Floats, df: float, kr: KenwardRoger | None, L: Floats
) -> tuple[float, tuple[float, float], float]:
    """The joint test of several combinations: statistic, degrees of freedom, p value.

    Where trials lie on the line exactly, Hartung and Knapp's variances are 0: then the statistic
    is infinite, or 0 where there is no difference either.
    """
    m = len(difference)
    if not cov.any():
        differs = bool(difference.any())
        return (math.inf if differs else 0.0), (float(m), df), 0.0 if differs else 1.0
    half = np.linalg.solve(np.linalg.cholesky(cov), difference)
    value = float(half @ half)
    factor, own = (1.0, df) if kr is None else kr.scale(L)
    if math.isinf(own):
        return value, (float(m), math.inf), f_tail(value / m, m, math.inf)
    value = factor * value / m
    return value, (float(m), own), f_tail(value, m, own)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Result):
    """Two nested models by their likelihoods: the larger first.

    Attributes
    ----------
    names
        The two models in words.
    parameters, loglik, aic, bic, aicc, q, tau2
        Of each of the two.
    lrt, df, p_value
        The likelihood-ratio test.
    r2
        Percent of the smaller model's tau² that the larger accounts for; None for models of
        common effects, and where the smaller has none.
    """

    names: tuple[str, str]
    parameters: tuple[int, int]
    loglik: tuple[float, float]
    aic: tuple[float, float]
    bic: tuple[float, float]
    aicc: tuple[float, float]
    q: tuple[float, float]
    tau2: tuple[float, float]
    lrt: float
    df: int
    p_value: float
    r2: float | None

    def table(self) -> Table:
        """The two models, one a row."""
        columns = (
            Column("model", "Model"),
            Column("parameters", "Parameters", "count", "right"),
            Column("aic", "AIC", align="right"),
            Column("bic", "BIC", align="right"),
            Column("aicc", "AICc", align="right"),
            Column("loglik", "Log-likelihood", align="right"),
            Column("q", "QE", align="right"),
            Column("tau2", "tau²", align="right"),
        )
        keys = ("names", *(c.key for c in columns[1:]))
        rows: tuple[tuple[Value, ...], ...] = tuple(
            tuple(getattr(self, key)[i] for key in keys) for i in (0, 1)
        )
        return Table(f"Likelihood-ratio test: {self._text()}", columns, rows)

    def _text(self) -> str:
        return f"{significant(self.lrt, 5)} on {self.df} df, {p_text(self.p_value)}"

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each model."""
        return self.table().to_frame(backend)

    def summary(self) -> str:
        """The test, then the two models; digits are cut for reading."""
        return self.table().to_text()

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<Comparison {self._text()}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictions(Result):
    """Mean effects that a regression predicts, with confidence and prediction intervals.

    Attributes
    ----------
    measure
        Code of the measure; values are on its scale of analysis until :meth:`back`.
    estimate, se, df
        Mean effect at each row, its standard error and degrees of freedom.
    ci_low, ci_high, pi_low, pi_high
        Interval of the mean, and of the true effect in a new trial there; the latter is not a
        number under a common effect.
    level, pi_method
        Level of both; how the prediction interval is made.
    X
        The design at these rows.
    names
        Names of its columns.
    """

    measure: str
    estimate: Floats
    se: Floats
    df: Floats
    ci_low: Floats
    ci_high: Floats
    pi_low: Floats
    pi_high: Floats
    level: float
    pi_method: str
    X: Floats
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.estimate)

    def back(self) -> Predictions:
        """The same on the reader's scale (ratios, not their logs); standard errors are not."""
        m = measure_of(self.measure)
        turned = {
            name: read_only([m.back(float(v)) for v in getattr(self, name)])
            for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
        }
        return Predictions(
            measure=self.measure,
            se=read_only(np.full(len(self), np.nan)) if m.ratio else self.se,
            df=self.df,
            level=self.level,
            pi_method=self.pi_method,
            X=self.X,
            names=self.names,
            **turned,
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each prediction."""
        keys = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")
        return make_frame({key: getattr(self, key) for key in keys}, backend)

    def table(self) -> Table:
        """The predictions, one a row."""
        keys = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")
        heads = ("Estimate", "Standard error", "CI from", "CI to", "PI from", "PI to")
        columns = (
            Column("row", "Row"),
            *(Column(k, h, align="right") for k, h in zip(keys, heads, strict=True)),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (str(i + 1), *(float(getattr(self, key)[i]) for key in keys)) for i in range(len(self))
        )
        return Table(f"Predicted effects, {100 * self.level:g}% intervals", columns, rows)

    def summary(self) -> str:
        """The predictions, one a line; digits are cut for reading."""
        return self.table().to_text()

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        if len(self) != 1:
            return f"<Predictions of {counted(len(self), 'row')}>"
        return "<Predictions {} ({} to {})>".format(
            *(significant(float(v[0]), 4) for v in (self.estimate, self.ci_low, self.ci_high))
        )

    def _repr_html_(self) -> str:
        return self.table().to_html()


def intervals_of(estimate: Floats, se: Floats, df: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds from estimates, standard errors and degrees of freedom."""
    half = np.array([critical(level, float(d)) for d in df]) * se
    return estimate - half, estimate + half


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bubbles(Result):
    """The numbers of a bubble plot.

    Attributes
    ----------
    measure, moderator
        Code of the measure; the name of the variable on the horizontal axis.
    study, x, y, weight
        One bubble for each trial: the moderator, the estimate (scale of analysis), and the weight
        in percent.
    line
        Predictions along `grid`; other moderators stand at their means over the trials.
    grid
        Values of the moderator, ascending.
    """

    measure: str
    moderator: str
    study: tuple[str, ...]
    x: Floats
    y: Floats
    weight: Floats
    grid: Floats
    line: Predictions

    def table(self) -> Table:
        """The trials, one a row; estimates on the scale of analysis."""
        columns = (
            Column("study", "Study"),
            Column("x", self.moderator, align="right"),
            Column("y", "Estimate", align="right"),
            Column("weight", "Weight", "percent", "right"),
        )
        values = (self.x.tolist(), self.y.tolist(), self.weight.tolist())
        rows: tuple[tuple[Value, ...], ...] = tuple(zip(self.study, *values, strict=True))
        return Table(f"{counted(len(self.study), 'trial')} by {self.moderator}", columns, rows)

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each trial."""
        return self.table().to_frame(backend)

    def summary(self) -> str:
        """The trials, one a line; digits are cut for reading."""
        return self.table().to_text()

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        low, high = (significant(float(f(self.x)), 4) for f in (np.min, np.max))
        trials = counted(len(self.study), "trial")
        return f"<Bubbles of {trials} by {self.moderator}, {low} to {high}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()
