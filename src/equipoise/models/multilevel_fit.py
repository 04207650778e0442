"""`MultilevelFit`: coefficients, variances by level, and what can be asked of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, p_value, percent, significant
from equipoise.effects.blocks import LeftOut
from equipoise.effects.columns import Floats, Ints, make_frame
from equipoise.models.coefficients import (
    Coefficient,
    WaldTest,
    coefficient_table,
    combinations_of,
    wald_test,
)
from equipoise.models.design import Design
from equipoise.models.mixed import Mixed, Moments
from equipoise.models.multilevel_parts import (
    RandomEffect,
    Residual,
    hats,
    random_effects,
    residuals,
)
from equipoise.models.profiles import ComponentInterval, component_intervals
from equipoise.models.random_terms import RandomTerm
from equipoise.num.climb import climb
from equipoise.num.dist import chi2_tail, critical


@dataclass(frozen=True, slots=True)
class Share(Result):
    """The part of the total variance that lies at one level, in percent."""

    name: str
    percent: float


@dataclass(frozen=True, slots=True)
class Prediction(Result):
    """The expected effect at given moderators, and where a new true effect would lie."""

    estimate: float
    se: float
    df: float
    ci: Interval
    pi: Interval | None


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Result):
    """A likelihood-ratio test of a smaller model in a larger one."""

    statistic: float
    df: int
    p_value: float
    log_likelihoods: tuple[float, float]
    aic: tuple[float, float]
    bic: tuple[float, float]
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Comparison χ² {significant(self.statistic, 4)} on {self.df} df, {_p(self.p_value)}>"
        )

    def table(self) -> Table:
        """The two models, the larger first."""
        columns = (
            Column("model", "model"),
            Column("log_likelihood", "log-likelihood", align="right"),
            Column("aic", "AIC", align="right"),
            Column("bic", "BIC", align="right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (name, *(values[i] for values in (self.log_likelihoods, self.aic, self.bic)))
            for i, name in enumerate(("larger", "smaller"))
        )
        text = f"Likelihood-ratio test: χ² {significant(self.statistic, 4)} on {self.df} df, "
        notes = tuple(f"Note: {note}" for note in self.notes)
        return Table(text + _p(self.p_value), columns, rows, notes=notes)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a model."""
        return self.table().to_frame(backend)

    def summary(self) -> str:
        """The test, the two models, what to know; digits are cut for reading."""
        return self.table().to_text()

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MultilevelFit(Result):
    """Effects that are nested, crossed or correlated: their mean and where they differ.

    Everything is on the scale of analysis.

    Attributes
    ----------
    measure, method, k
        Code of the measure; ``REML`` or ``ML``; number of effects.
    coefficients, vcov
        Coefficients with tests and intervals; their covariance.
    interval, df_rule, level
        ``z`` or ``t``; where the degrees of freedom come from; level of all intervals.
    terms
        Random effects, with their covariance.
    log_likelihood, aic, bic, aicc, parameters
        Of the method that was used; number of estimated parameters.
    log_likelihood_ml, log_likelihood_reml
        Both likelihoods at the estimates.
    qe, qe_df, qe_p
        Cochran's test with the sampling covariances alone.
    qm
        Test of the moderators, or of the mean when there are none.
    i2
        Parts of the total variance in percent: all heterogeneity, then each term.
    typical_variance
        The sampling variance of a typical effect, which `i2` rests on.
    n_optima, optima
        Number of distinct local maxima of the likelihood that the search saw, and their values.
    design
        Columns of the regression.
    study, yi, vi, cov_i, cov_j, cov
        The rows that were used; covariances of their sampling errors.
    left_out, notes, methods
        Rows that were not used and why; what to know; methods with their papers.
    """

    measure: str
    method: str
    k: int
    coefficients: tuple[Coefficient, ...]
    vcov: Floats
    interval: str
    df_rule: str
    level: float
    terms: tuple[RandomTerm, ...]
    log_likelihood: float
    aic: float
    bic: float
    aicc: float
    parameters: int
    log_likelihood_ml: float
    log_likelihood_reml: float
    qe: float
    qe_df: int
    qe_p: float
    qm: WaldTest
    i2: tuple[Share, ...]
    typical_variance: float
    n_optima: int
    optima: tuple[float, ...]
    design: Design
    study: tuple[str, ...]
    yi: Floats
    vi: Floats
    cov_i: Ints
    cov_j: Ints
    cov: Floats
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def beta(self) -> Floats:
        """Estimates of the coefficients."""
        return np.array([c.estimate for c in self.coefficients])

    @property
    def estimate(self) -> float:
        """The mean effect of a model without moderators."""
        return self._only().estimate

    @property
    def se(self) -> float:
        """Standard error of :attr:`estimate`."""
        return self._only().se

    @property
    def ci(self) -> Interval:
        """Confidence interval of :attr:`estimate`."""
        return self._only().ci

    @property
    def p_value(self) -> float:
        """P value of :attr:`estimate`."""
        return self._only().p_value

    def _only(self) -> Coefficient:
        if len(self.coefficients) > 1:
            names = ", ".join(c.name for c in self.coefficients)
            raise InputError(
                f"several coefficients ({names}) have no one estimate", hint="fit.coefficients"
            )
        return self.coefficients[0]

    @property
    def sigma2(self) -> dict[str, float]:
        """Variances of the random intercepts, by term."""
        return {t.name: float(t.G[0, 0]) for t in self.terms if not t.struct}

    @property
    def tau2(self) -> dict[str, tuple[float, ...]]:
        """Variances of the terms with inner levels, as their structure counts them."""
        return {t.name: tuple(t.variances.tolist()) for t in self.terms if t.struct}

    @property
    def rho(self) -> dict[str, tuple[float, ...]]:
        """Correlations of the terms with inner levels, as their structure counts them."""
        return {t.name: tuple(t.correlations.tolist()) for t in self.terms if t.struct}

    @property
    def pi(self) -> Interval | None:
        """Prediction interval of a model without moderators and with one total variance."""
        return self.predict()[0].pi if len(self.coefficients) == 1 and self.terms else None

    def V(self) -> Floats:  # noqa: N802  # V is the field's name for it
        """The k × k covariance of the sampling errors."""
        full = np.diag(self.vi)
        full[self.cov_i, self.cov_j] = self.cov
        full[self.cov_j, self.cov_i] = self.cov
        return full

    def mixed(self) -> tuple[Mixed, list[Floats], Moments]:
        """The likelihood that was maximised, the terms' matrices in its units, and its fit."""
        V = self.V() if self.cov.size else self.vi
        terms = [t.as_term() for t in self.terms]
        model = Mixed(self.yi, self.design.X, V, terms, self.method == "REML")
        G = [t.G / model.unit for t in self.terms]
        found = model.moments(G)
        assert found is not None
        return model, G, found

    def marginal(self) -> Floats:
        """The k × k covariance of the effects: sampling errors and random effects."""
        M = self.V()
        for t in self.terms:
            same = t.outer[:, None] == t.outer[None, :]
            M += same * t.G[t.inner[:, None], t.inner[None, :]]
        return M

    def ranef(self) -> tuple[RandomEffect, ...]:
        """Predicted random effects with standard errors, one for each level of each term."""
        labels = [
            [
                f"{t.groups[o]}: {t.levels[i]}" if t.levels else t.groups[o]
                for o, i in zip(t.outer.tolist(), t.inner.tolist(), strict=True)
            ]
            for t in self.terms
        ]
        names = [t.name for t in self.terms]
        df = min((c.df for c in self.coefficients), default=math.inf)
        return random_effects(*self.mixed(), names, labels, self.level, df)

    def hat(self) -> Floats:
        """Leverage of each effect: the diagonal of the hat matrix."""
        model, _, found = self.mixed()
        return hats(model, found)

    def residuals(self) -> tuple[Residual, ...]:
        """Residuals with standard errors (of the fit to all effects) and leverage."""
        model, G, found = self.mixed()
        rest, se = residuals(model, G, found)
        z = np.divide(rest, se, out=np.full(self.k, np.nan), where=se > 0.0)
        hat = hats(model, found)
        rows = zip(self.study, rest.tolist(), se.tolist(), z.tolist(), hat.tolist(), strict=True)
        return tuple(Residual(*row) for row in rows)

    def confint(self) -> tuple[ComponentInterval, ...]:
        """Profile-likelihood intervals of all variances and correlations."""
        model, G, _ = self.mixed()
        return component_intervals(model, G, self.terms, self.level, self.log_likelihood)

    def cooks_distance(self, cluster: object = None) -> dict[str, float]:
        """How far the coefficients move when a cluster is left out.

        Parameters
        ----------
        cluster
            Name of a term whose outer levels are left out in turn, labels one a row, or None for
            the rows one at a time.

        Returns
        -------
        dict
            Squared distance in units of the coefficients' covariance, by cluster. The variances
            are estimated anew each time. Not a number where the rest cannot estimate all
            coefficients.
        """
        codes, labels = self._clusters(cluster)
        model, G, _ = self.mixed()
        start = np.concatenate(
            [t.structure.read(g) for t, g in zip(model.terms, G, strict=True)] or [np.empty(0)]
        )
        inverse = np.linalg.inv(self.vcov)
        out = {}
        for code, label in enumerate(labels):
            keep = np.flatnonzero(codes != code)
            beta = _refit(self, keep, start * 1.0, model)
            apart = self.beta - beta
            out[label] = float(apart @ inverse @ apart)
        return out

    def _clusters(self, cluster: object) -> tuple[Ints, tuple[str, ...]]:
        if cluster is None:
            return np.arange(self.k), tuple(f"{s} ({i + 1})" for i, s in enumerate(self.study))
        if isinstance(cluster, str):
            names = [t.name for t in self.terms]
            if cluster not in names and cluster != "study":
                raise UnknownNameError("term", cluster, [*names, "study"])
            if cluster in names:
                term = self.terms[names.index(cluster)]
                return term.outer, term.groups
            cluster = self.study
        texts = [str(v) for v in np.asarray(cluster).tolist()]
        if len(texts) != self.k:
            raise InputError(
                f"{counted(len(texts), 'label')} for {counted(self.k, 'effect')}",
                hint="one for each",
            )
        labels = tuple(dict.fromkeys(texts))
        place = {label: i for i, label in enumerate(labels)}
        return np.array([place[text] for text in texts]), labels

    def test(self, L: object, *, values: Sequence[float] | None = None) -> WaldTest:
        """Test combinations of coefficients.

        Parameters
        ----------
        L
            A coefficient's name, a list of names, or rows of weights.
        values
            What the combinations are compared with; 0 when not given.
        """
        rows, what = combinations_of([c.name for c in self.coefficients], L)
        used = [c.df for c, w in zip(self.coefficients, np.abs(rows).sum(0), strict=True) if w]
        against = None if values is None else np.asarray(values, dtype=np.float64)
        df2 = min(used, default=math.inf)
        return wald_test(what, self.beta, self.vcov, rows, df2, values=against)

    def predict(
        self, new: object = None, *, inner: str | Sequence[str] | None = None
    ) -> tuple[Prediction, ...]:
        """Expected effects at other values of the moderators, and prediction intervals.

        Parameters
        ----------
        new
            Rows as :meth:`equipoise.models.design.Design.rows` takes them; None for the mean, or
            for each coefficient of a model without an intercept.
        inner
            Inner level of each row (or of all), where its variance depends on it.

        Notes
        -----
        The interval for a new true effect adds all variances; it is left out where they depend on
        an inner level that was not given.
        """
        p = len(self.coefficients)
        if new is None:
            X = np.eye(p)[:1] if self.design.intercept else np.eye(p)
        else:
            X = self.design.rows(new)
        wanted = [inner] * len(X) if inner is None or isinstance(inner, str) else list(inner)
        if len(wanted) != len(X):
            raise InputError(
                f"{len(wanted)} inner levels for {counted(len(X), 'row')}", hint="one for each"
            )
        return tuple(self._predicted(x, at) for x, at in zip(X, wanted, strict=True))

    def _predicted(self, x: Floats, inner: str | None) -> Prediction:
        estimate = float(x @ self.beta)
        se = math.sqrt(max(float(x @ self.vcov @ x), 0.0))
        df = min((c.df for c, w in zip(self.coefficients, x, strict=True) if w), default=math.inf)
        size = critical(self.level, df)
        ci = Interval(estimate - size * se, estimate + size * se, self.level, self.interval)
        total = 0.0
        for t in self.terms:
            own = np.diag(t.G)
            if inner is not None and t.levels:
                if inner not in t.levels:
                    raise UnknownNameError("inner level", inner, t.levels, where=t.name)
                total += float(own[t.levels.index(inner)])
            elif len(t.variances) > 1:
                total = math.nan
            else:
                total += float(own[0])
        if math.isnan(total) or not self.terms:
            return Prediction(estimate, se, df, ci, None)
        half = size * math.hypot(se, math.sqrt(total))
        text = f"{self.interval}, all variances of the random effects"
        pi = Interval(estimate - half, estimate + half, self.level, text)
        return Prediction(estimate, se, df, ci, pi)

    def compare(self, other: MultilevelFit) -> Comparison:
        """Compare with a model that is a special case of this one, or the other way round.

        Raises
        ------
        InputError
            Other effects or another method; REML with other coefficients, whose likelihoods are
            of other data.
        """
        if self.method != other.method or not np.array_equal(self.yi, other.yi):
            raise InputError(
                "two fits of other effects or by other methods cannot be compared",
                hint="the same rows in the same order, both by ML or both by REML",
            )
        same = np.array_equal(self.design.X, other.design.X)
        if self.method == "REML" and not same:
            raise InputError(
                "restricted likelihoods of models with other coefficients cannot be compared",
                hint="method='ML' for both",
            )
        big, small = (self, other) if self.parameters >= other.parameters else (other, self)
        df = big.parameters - small.parameters
        statistic = max(0.0, 2.0 * (big.log_likelihood - small.log_likelihood))
        notes: tuple[Note, ...] = ()
        if same and df:
            text = (
                "The smaller model holds variances at their bound, so that the p value is too "
                "large; for one variance it is half of it."
            )
            notes = (Note("test-at-the-bound", text),)
        return Comparison(
            statistic,
            df,
            chi2_tail(statistic, df),
            (big.log_likelihood, small.log_likelihood),
            (big.aic, small.aic),
            (big.bic, small.bic),
            notes,
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row for each coefficient."""
        rows = self.coefficients
        return make_frame(
            {
                "coefficient": [c.name for c in rows],
                "estimate": [c.estimate for c in rows],
                "se": [c.se for c in rows],
                "statistic": [c.statistic for c in rows],
                "df": [c.df for c in rows],
                "p_value": [c.p_value for c in rows],
                "ci_low": [c.ci.low for c in rows],
                "ci_high": [c.ci.high for c in rows],
            },
            backend,
        )

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _table(self) -> Table:
        return coefficient_table(f"Coefficients, {percent(100 * self.level)} CI", self.coefficients)

    def _lines(self) -> Iterator[str]:
        yield from self._head()
        if len(self.coefficients) > 1:
            yield f"Moderators: {self.qm}"
        yield ""
        yield self._table().to_text()
        pi = self.pi
        if pi is not None:
            low, high = significant(pi.low, 4), significant(pi.high, 4)
            yield f"{percent(100 * self.level)} prediction interval {low} to {high}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _head(self) -> Iterator[str]:
        yield f"Multilevel synthesis of {counted(self.k, 'effect')}, {self.method}"
        yield (
            f"log-likelihood {significant(self.log_likelihood, 6)}, AIC "
            f"{significant(self.aic, 6)}, BIC {significant(self.bic, 6)}, AICc "
            f"{significant(self.aicc, 6)}"
        )
        yield ""
        for t in self.terms:
            yield from _term_lines(t)
        for share in self.i2:
            yield f"I² {share.name}: {percent(share.percent)}"
        yield f"QE {significant(self.qe, 5)} on {self.qe_df} df, {_p(self.qe_p)}"

    def __repr__(self) -> str:
        first = "; ".join(
            f"{c.name} {significant(c.estimate)} ({significant(c.ci.low)} to "
            f"{significant(c.ci.high)})"
            for c in self.coefficients[:3]
        )
        more = "; …" if len(self.coefficients) > 3 else ""
        parts = ", ".join(
            f"{t.name} {' '.join(significant(v) for v in t.variances.tolist())}" for t in self.terms
        )
        return f"<MultilevelFit {first}{more}; variances {parts or 'none'}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._head() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{self._table().to_html()}{f'<ul>{notes}</ul>' if notes else ''}</div>"


def _term_lines(t: RandomTerm) -> Iterator[str]:
    count = counted(len(t.groups), "level")
    if not t.struct:
        yield (
            f"sigma² {t.name}: {significant(float(t.G[0, 0]), 4)} "
            f"(sd {significant(math.sqrt(float(t.G[0, 0])), 4)}), {count}"
        )
        return
    yield f"{t.name} ({t.struct}), {count} of the outer variable"
    values = t.variances.tolist()
    names = list(t.levels) if len(values) > 1 else ["every level"]
    for name, v in zip(names, values, strict=True):
        yield f"  tau² {name}: {significant(v, 4)} (sd {significant(math.sqrt(v), 4)})"
    rhos = t.correlations.tolist()
    if len(rhos) == 1:
        held = "" if t.rho is None else " (given)"
        yield f"  rho {significant(rhos[0], 4)}{held}"
        return
    pairs = [(a, b) for i, a in enumerate(t.levels) for b in t.levels[i + 1 :]]
    for (a, b), r in zip(pairs, rhos, strict=False):
        yield f"  rho {a}, {b}: {significant(r, 4)}"


def _refit(fit: MultilevelFit, keep: Ints, start: Floats, whole: Mixed) -> Floats:
    """Coefficients without some rows; not a number where they cannot be estimated."""
    X = fit.design.X[keep]
    p = X.shape[1]
    if keep.size <= p or np.linalg.matrix_rank(X / np.sqrt((X * X).sum(0) + 1e-300)) < p:
        return np.full(p, np.nan)
    V = fit.V()[np.ix_(keep, keep)] if fit.cov.size else fit.vi[keep]
    terms = [
        type(t)(t.outer[keep], t.inner[keep], t.structure) for t in (s.as_term() for s in fit.terms)
    ]
    model = Mixed(fit.yi[keep], X, V, terms, whole.restricted)
    x = start
    if x.size:
        scale = whole.unit / model.unit
        G = [g * scale for g in whole.matrices(start)]
        x = np.concatenate([t.structure.read(g) for t, g in zip(terms, G, strict=True)])
        x = climb(model.slope, model.value, x, model.low, model.high).x
    found = model.moments(model.matrices(x))
    assert found is not None
    return model.coefficients(found)[0]


def _p(value: float) -> str:
    text = p_value(value)
    return f"p = {text}" if text[0].isdigit() else f"p {text}"
