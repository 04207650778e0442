"""The result of a meta-regression, and what can be asked of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, fixed, percent, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.contrasts import LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.coefficients import Coefficient
from equipoise.models.design import INTERCEPT, Design
from equipoise.models.intervals import PREDICTIONS
from equipoise.models.regression_parts import (
    Bubbles,
    Comparison,
    FitStatistics,
    Hypothesis,
    KenwardRoger,
    LinearTest,
    Predictions,
    combinations,
    in_words,
    intervals_of,
    omnibus,
    p_text,
    qm_text,
    read_only_matrix,
)
from equipoise.models.residual import Residual
from equipoise.models.residual_tau2 import residual_interval
from equipoise.num.dist import chi2_tail, critical, t_two_sided
from equipoise.num.linalg import rank


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RegressionFit(Result):
    """How effects change with moderators, and how much trials still differ.

    Everything is on the scale of analysis (logs of ratios).

    Attributes
    ----------
    measure, model, preset
        Code of the measure; ``random`` (mixed effects) or ``common``; the named set of defaults.
    k, p
        Numbers of estimates and of coefficients.
    names, beta, se, statistic, df, p_value, ci_low, ci_high
        The coefficients: estimate, and the standard error, z or t statistic, degrees of freedom
        (infinite for z), two-sided p value and interval of the kind `interval`.
    vcov, vcov_plain
        Covariance of the coefficients, as the interval has it and without its adjustment.
    interval, level
        Code of the interval (never ``auto``), and the level of all intervals.
    tau2, tau2_se, tau2_ci, tau2_method, n_optima
        Variance of true effects that the moderators leave (0 under a common effect); its standard
        error; its Q-profile interval; its estimator; how many local maxima the likelihood has.
    i2, h2, r2
        Residual I² in percent and H², from tau² and the typical variance (from Q under a common
        effect); R², the percentage of the tau² of a model without moderators that these account
        for (None without intercept, without moderators, and where there is none to account for).
    q, q_df, q_p
        Test for residual heterogeneity (QE).
    qm, qm_df, qm_p
        Omnibus test of the moderators (of all coefficients when there is no intercept);
        chi-squared when the second degrees of freedom are infinite, else F.
    ml, reml
        Fit statistics by the full and by the restricted likelihood.
    study, yi, vi
        The rows that were used, in the order given.
    design
        The design at these rows, with what is needed to code new ones.
    weights
        Weights of the caller; empty for 1 / (v + tau²).
    fitted, leverage
        Predicted means of the rows, and the diagonal of the hat matrix.
    kenward_roger
        What adjusted degrees of freedom need; None for other intervals.
    asked
        The settings, as given or from the preset.
    left_out, notes, methods
        Studies that could not be used, and why; what to know; the methods used.
    """

    measure: str
    model: str
    preset: str
    k: int
    p: int
    names: tuple[str, ...]
    beta: Floats
    se: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats
    vcov: Floats
    vcov_plain: Floats
    interval: str
    level: float
    tau2: float
    tau2_se: float | None
    tau2_ci: Interval | None
    tau2_method: str
    n_optima: int
    i2: float
    h2: float
    r2: float | None
    q: float
    q_df: int
    q_p: float
    qm: float
    qm_df: tuple[float, float]
    qm_p: float
    ml: FitStatistics
    reml: FitStatistics
    study: tuple[str, ...]
    yi: Floats
    vi: Floats
    design: Design
    weights: Floats
    fitted: Floats
    leverage: Floats
    kenward_roger: KenwardRoger | None
    asked: dict[str, str]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def X(self) -> Floats:  # noqa: N802  # the field's name for it
        """The design matrix."""
        return self.design.X

    @property
    def formula(self) -> str:
        """The formula; "" where columns or a matrix were given."""
        return self.design.formula

    @property
    def residuals(self) -> Floats:
        """Estimates minus predicted means."""
        return read_only(self.yi - self.fitted)

    @property
    def fit_statistics(self) -> FitStatistics:
        """Those of the likelihood that belongs to the estimator: full for ML, else restricted."""
        return self.ml if self.tau2_method == "ML" or self.model == "common" else self.reml

    def coefficient(self, name: str) -> Coefficient:
        """One coefficient by its name."""
        if name not in self.names:
            raise UnknownNameError("coefficient", name, self.names)
        i = self.names.index(name)
        ci = Interval(float(self.ci_low[i]), float(self.ci_high[i]), self.level, self.interval)
        return Coefficient(
            name,
            float(self.beta[i]),
            float(self.se[i]),
            float(self.statistic[i]),
            float(self.df[i]),
            float(self.p_value[i]),
            ci,
        )

    def test(self, what: Hypothesis = None, *, value: float | Sequence[float] = 0.0) -> LinearTest:
        """Test linear combinations of the coefficients, each and all together.

        Parameters
        ----------
        what
            Names of coefficients or of terms (``"alloc"`` stands for all its levels); factors by
            name, ``{"a": 1, "b": -1}``, or a list of these; or a matrix with one row for each
            combination. All moderators when not given.
        value
            What each combination is tested against.

        Raises
        ------
        UnknownNameError
            A name that the model does not have.
        InputError
            A matrix of another width, or combinations that depend on each other.
        """
        L = combinations(what, self.design)
        if rank(L) < len(L):
            raise InputError(
                "hypotheses that depend on each other", hint="each combination only once"
            )
        against = np.broadcast_to(np.asarray(value, dtype=np.float64), (len(L),))
        difference = L @ self.beta - against
        se = np.sqrt(np.einsum("ij,jk,ik->i", L, self.vcov, L))
        df = self._df(L)
        statistic = difference / se
        qm, qm_df, qm_p = omnibus(
            difference, L @ self.vcov @ L.T, float(self._common_df), self.kenward_roger, L
        )
        return LinearTest(
            rows=tuple(
                in_words(row, self.names, float(to)) for row, to in zip(L, against, strict=True)
            ),
            estimate=read_only(difference),
            se=read_only(se),
            statistic=read_only(statistic),
            df=read_only(df),
            p_value=read_only(
                [t_two_sided(float(s), float(d)) for s, d in zip(statistic, df, strict=True)]
            ),
            qm=qm,
            qm_df=qm_df,
            qm_p=qm_p,
        )

    @property
    def _common_df(self) -> float:
        return math.inf if self.interval == "Wald" else float(self.k - self.p)

    def _df(self, L: Floats) -> Floats:
        if self.kenward_roger is None:
            return np.full(len(L), self._common_df)
        return np.array([self.kenward_roger.df(row) for row in L])

    def compare(self, other: RegressionFit) -> Comparison:
        """Compare two nested models of the same trials by a likelihood-ratio test.

        Raises
        ------
        InputError
            Models of other trials, that are not nested, of different estimators, or of REML with
            different moderators, whose restricted likelihoods cannot be compared.

        Notes
        -----
        Where the models differ in tau² (common against random), half of the chance of 0 lies on
        the boundary, so that the p value is too large.
        """
        big, small = (self, other) if self._parameters >= other._parameters else (other, self)
        _check_nested(big, small)
        restricted = "REML" in (big.tau2_method, small.tau2_method)
        a, b = (big.reml, small.reml) if restricted else (big.ml, small.ml)
        df = big._parameters - small._parameters
        lrt = max(0.0, 2.0 * (a.loglik - b.loglik))
        random = big.model == small.model == "random" and small.tau2 > 0.0
        return Comparison(
            names=(big._head(), small._head()),
            parameters=(big._parameters, small._parameters),
            loglik=(a.loglik, b.loglik),
            aic=(a.aic, b.aic),
            bic=(a.bic, b.bic),
            aicc=(a.aicc, b.aicc),
            q=(big.q, small.q),
            tau2=(big.tau2, small.tau2),
            lrt=lrt,
            df=df,
            p_value=chi2_tail(lrt, df),
            r2=100.0 * max(0.0, 1.0 - big.tau2 / small.tau2) if random else None,
        )

    @property
    def _parameters(self) -> int:
        return self.p + (self.model == "random")

    def predict(
        self, new: object = None, *, pi: str | None = None, level: float | None = None
    ) -> Predictions:
        """Predict the mean effect, and the effect of a new trial, at values of the moderators.

        Parameters
        ----------
        new
            A data frame or mapping with the variables of the formula, or a matrix with a column
            for each coefficient (or each but the intercept). The trials' own values without.
        pi
            Prediction interval: ``t`` (k - p degrees of freedom, variance of the confidence
            interval), ``V`` (k - p, plain variance), ``HTS`` (k - p - 1, plain variance) or
            ``metafor`` (quantile and variance of the confidence interval); as the fit has it.
        level
            Level of both intervals; as the fit has it.
        """
        code = self.asked["pi"] if pi is None else pi
        if code not in PREDICTIONS:
            raise UnknownNameError("prediction interval", code, PREDICTIONS)
        at = self.level if level is None else level
        if not 0.0 < at < 1.0:
            raise InputError(f"level {at:g}", hint="a number between 0 and 1, such as 0.95")
        X = self.design.X if new is None else self.design.rows(new)
        return self._predicted(X, code, at)

    def _predicted(self, X: Floats, code: str, level: float) -> Predictions:
        rule = PREDICTIONS[code]
        X = np.ascontiguousarray(X)
        mean = X @ self.beta
        variance = np.einsum("ij,jk,ik->i", X, self.vcov, X)
        se, df = np.sqrt(np.maximum(variance, 0.0)), self._df(X)
        low, high = intervals_of(mean, se, df, level)
        own = self.k - self.p - (rule.lost or 1) + 1
        pi_low = pi_high = np.full(len(X), np.nan)
        text = "none under a common effect" if self.model == "common" else ""
        if self.model == "random" and (rule.lost is None or own > 0):
            if rule.plain:
                variance = np.einsum("ij,jk,ik->i", X, self.vcov_plain, X)
            spread = np.sqrt(np.maximum(variance, 0.0) + self.tau2)
            own_df = df if rule.lost is None else np.full(len(X), float(own))
            half = np.array([critical(level, float(d)) for d in own_df]) * spread
            pi_low, pi_high = mean - half, mean + half
            text = f"{code}: {rule.text}"
        return Predictions(
            measure=self.measure,
            estimate=read_only(mean),
            se=read_only(se),
            df=read_only(df),
            ci_low=read_only(low),
            ci_high=read_only(high),
            pi_low=read_only(pi_low),
            pi_high=read_only(pi_high),
            level=level,
            pi_method=text,
            X=read_only_matrix(X),
            names=self.names,
        )

    def bubble(
        self, moderator: str, *, points: int = 101, at: Mapping[str, object] | None = None
    ) -> Bubbles:
        """The numbers of a bubble plot: trials, and the regression along one moderator.

        Parameters
        ----------
        moderator
            A variable of the formula, or a coefficient of a design without formula.
        points
            How many points the line has.
        at
            Values at which other variables are held; those not named are averaged over the
            trials, which for a model without interactions holds their columns at their means.
        """
        values = self._axis(moderator)
        grid = np.linspace(float(values.min()), float(values.max()), points)
        X = np.array([self._averaged(moderator, value, dict(at or {})) for value in grid.tolist()])
        weight = 1.0 / (self.vi + self.tau2) if not len(self.weights) else self.weights
        return Bubbles(
            measure=self.measure,
            moderator=moderator,
            study=self.study,
            x=read_only(values),
            y=self.yi,
            weight=read_only(100.0 * weight / weight.sum()),
            grid=read_only(grid),
            line=self._predicted(X, self.asked["pi"], self.level),
        )

    def _axis(self, moderator: str) -> Floats:
        if self.design.formula:
            known = self.design.variables
            if moderator not in known:
                raise UnknownNameError("moderator", moderator, known)
            if moderator in (self.design.levels or {}):
                raise InputError(
                    f"{moderator!r} has levels, not numbers", hint="predict() at each level"
                )
            return np.asarray(known[moderator], dtype=np.float64)
        if moderator not in self.names or moderator == INTERCEPT:
            raise UnknownNameError("moderator", moderator, self.names)
        return np.asarray(self.X[:, self.names.index(moderator)])

    def _averaged(self, moderator: str, value: float, at: Mapping[str, object]) -> Floats:
        if not self.design.formula:
            row = self.X.mean(0)
            for name, given in {**at, moderator: value}.items():
                if name not in self.names:
                    raise UnknownNameError("moderator", name, self.names)
                row[self.names.index(name)] = float(given)  # type: ignore[arg-type]
            return np.asarray(row)
        held: dict[str, Any] = {n: list(v) for n, v in self.design.variables.items()}
        for name, given in {**at, moderator: value}.items():
            if name not in held:
                raise UnknownNameError("moderator", name, held)
            held[name] = [given] * self.k
        return np.asarray(self.design.rows(held).mean(0))

    def vif(self, per: str = "term") -> dict[str, tuple[float, float]]:
        """Variance inflation of each moderator, and its root for comparison.

        Parameters
        ----------
        per
            ``term`` (all levels of a text together) or ``coefficient``.

        Returns
        -------
        dict
            Term to (generalised variance inflation factor, GVIF to the power 1 / (2 m) for m
            coefficients). For one coefficient the first is the ordinary factor.

        Raises
        ------
        InputError
            A model without moderators.

        Source: Fox, Monette 1992, J Am Stat Assoc 87:178, doi:10.1080/01621459.1992.10475190.
        """
        chosen = [i for i, name in enumerate(self.names) if name != INTERCEPT]
        if not chosen:
            raise InputError("no moderators", hint="a formula such as '~ year'")
        if per not in ("term", "coefficient"):
            raise UnknownNameError("unit", per, ("term", "coefficient"))
        terms: tuple[tuple[str, tuple[int, ...]], ...]
        terms = tuple((self.names[i], (i,)) for i in chosen)
        if per == "term" and self.design.terms:
            terms = self.design.terms
        sizes = np.sqrt(np.diag(self.vcov_plain))
        R = (self.vcov_plain / sizes / sizes[:, None])[np.ix_(chosen, chosen)]
        out = {}
        for term, places in terms:
            mine = [chosen.index(i) for i in places if i in chosen]
            rest = [i for i in range(len(chosen)) if i not in mine]
            value = float(
                np.linalg.det(R[np.ix_(mine, mine)])
                * np.linalg.det(R[np.ix_(rest, rest)])
                / np.linalg.det(R)
            )
            out[term] = (value, value ** (0.5 / len(mine)))
        return out

    def tau2_interval(self, how: str = "Q-profile", *, level: float | None = None) -> Interval:
        """Interval of tau²: ``Q-profile``, ``profile`` likelihood, or ``GENQ`` (with weights)."""
        if self.model == "common":
            raise InputError("an interval of tau² under a common effect", hint="model='random'")
        data = Residual(self.yi, self.vi, self.X)
        own = data.weighted(self.weights * data.scale) if len(self.weights) else None
        return residual_interval(
            data, level or self.level, how, estimator=self.tau2_method, own=own
        )[0]

    def table(self) -> Table:
        """The coefficients, one a row."""
        z = "z" if np.isinf(self.df).all() else "t"
        heads = {"estimate": "Estimate", "se": "Standard error", "statistic": z, "df": "df"}
        shown = [key for key in heads if key != "df" or z == "t"]
        bounds = f"{100 * self.level:g}% CI"
        columns = (
            Column("name", "Coefficient"),
            *(Column(key, heads[key], align="right") for key in shown),
            Column("p_value", "p", "p", "right"),
            Column("ci_low", f"{bounds} from", align="right"),
            Column("ci_high", "to", align="right"),
        )
        columns_of = {c.key: getattr(self, c.key, self.beta) for c in columns[1:]}
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (name, *(float(values[i]) for values in columns_of.values()))
            for i, name in enumerate(self.names)
        )
        return Table("Coefficients", columns, rows)

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each coefficient."""
        keys = ("se", "statistic", "df", "p_value", "ci_low", "ci_high")
        columns: dict[str, Any] = {"name": self.names, "estimate": self.beta}
        return make_frame(columns | {key: getattr(self, key) for key in keys}, backend)

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([*self._lines(), "", self.table().to_text(), *notes])

    def _lines(self) -> Iterator[str]:
        measure = measure_of(self.measure)
        scale = f", scale of analysis: {measure.scale_text}" if measure.scale_text else ""
        yield f"{self._head()}; {counted(self.k, 'estimate')}, {measure.name}{scale}"
        yield ""
        stats = self.fit_statistics
        likelihood = "" if stats is self.ml else "restricted "
        yield (
            f"{likelihood}log-likelihood {fixed(stats.loglik, 4)}, deviance "
            f"{fixed(stats.deviance, 4)}; AIC {fixed(stats.aic, 4)}, BIC {fixed(stats.bic, 4)}, "
            f"AICc {fixed(stats.aicc, 4)}"
        )
        if self.model == "random":
            ci = self.tau2_ci
            low, high = (significant(b, 4) for b in (ci.low, ci.high)) if ci else ("", "")
            bounds = f" ({percent(100 * self.level)} CI {low} to {high})" if ci else ""
            se = "" if self.tau2_se is None else f", standard error {significant(self.tau2_se, 4)}"
            yield f"residual tau² {significant(self.tau2, 4)}{bounds}{se}, {self.tau2_method}"
        r2 = "" if self.r2 is None else f"; R² {percent(self.r2)}"
        yield f"residual I² {percent(self.i2)}; H² {significant(self.h2, 4)}{r2}"
        yield (
            f"Residual heterogeneity: QE({self.q_df}) = {significant(self.q, 5)}, "
            f"{p_text(self.q_p)}"
        )
        of = ", ".join(self.names[i] for i in self.design.moderators())
        yield f"Test of {of}: {qm_text(self.qm, self.qm_df, self.qm_p)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references.

        The wording is neutral: it gives sizes with their intervals, and calls nothing significant.
        """
        m = measure_of(self.measure)
        cited = tuple(dict.fromkeys(self.methods))
        listed = "; ".join(f"{method.name} [{i}]" for i, method in enumerate(cited, start=1))
        level = percent(100 * self.level)
        kind = "with random effects" if self.model == "random" else "without a variance beyond them"
        coefficients = "; ".join(
            f"{c.name} {significant(c.estimate, 4)} ({level} CI {significant(c.ci.low, 4)} to "
            f"{significant(c.ci.high, 4)}, {p_text(c.p_value)})"
            for c in map(self.coefficient, self.names)
        )
        tau2 = f"tau² was {significant(self.tau2, 4)}, " if self.model == "random" else ""
        r2 = "" if self.r2 is None else f", R² {percent(self.r2)}"
        parts = [
            f"The {m.name} of {counted(self.k, 'trial')} was regressed on moderators {kind} "
            f"({self._formula}). Methods: {listed}. Intervals are at the level of {level}.",
            f"Coefficients{f' ({m.scale_text})' if m.scale_text else ''}: {coefficients}. "
            f"The test of the moderators was {qm_text(self.qm, self.qm_df, self.qm_p)}. Residual "
            f"heterogeneity: QE {significant(self.q, 5)} on {self.q_df} df, {p_text(self.q_p)}; "
            f"{tau2}I² {percent(self.i2)}{r2}.",
            "\n".join(f"Note: {note}" for note in self.notes),
            "\n".join(
                f"{i}. {method.paper}{f', doi:{method.doi}' if method.doi else ''}."
                for i, method in enumerate(cited, start=1)
            ),
        ]
        return "\n\n".join(part for part in parts if part)

    def _head(self) -> str:
        kind = "Mixed-effects" if self.model == "random" else "Common-effect"
        return f"{kind} meta-regression {self._formula}"

    @property
    def _formula(self) -> str:
        if self.formula:
            return self.formula
        start = (
            [] if self.design.intercept and self.p > 1 else ["1" if self.design.intercept else "0"]
        )
        return f"~ {' + '.join([*start, *(n for n in self.names if n != INTERCEPT)])}"

    def __repr__(self) -> str:
        tau2 = f"; tau² {significant(self.tau2)}" if self.model == "random" else ""
        r2 = "" if self.r2 is None else f", R² {percent(self.r2)}"
        test = qm_text(self.qm, self.qm_df, self.qm_p)
        return f"<RegressionFit {self.measure} {self._formula}: {test}{tau2}{r2}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        table = self.table().to_html()
        return f"<div>{lines}{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"


def _check_nested(big: RegressionFit, small: RegressionFit) -> None:
    same = big.k == small.k and big.study == small.study
    same = same and np.array_equal(big.yi, small.yi) and np.array_equal(big.vi, small.vi)
    if not same:
        raise InputError(
            f"models of different trials ({big.k} and {counted(small.k, 'estimate')})",
            hint="fit both to the trials that have all moderators",
        )
    random = [fit for fit in (big, small) if fit.model == "random"]
    methods = {fit.tau2_method for fit in random}
    both = np.column_stack([big.X, small.X])
    if rank(both / np.sqrt((both * both).sum(0))) > big.p or big._parameters == small._parameters:
        raise InputError("models that are not nested", hint="one with all moderators of the other")
    if len(methods) > 1 or not methods <= {"ML", "REML"}:
        raise InputError(
            f"a likelihood-ratio test of models by {' and '.join(sorted(methods))}",
            hint="tau2='ML' for both",
        )
    if methods == {"REML"} and big.p != small.p:
        raise InputError(
            "restricted likelihoods of models with different moderators cannot be compared",
            hint="tau2='ML' for both",
        )
