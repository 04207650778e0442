"""Inference that holds when effects of one cluster are correlated in an unknown way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Table, counted, percent, significant
from equipoise.effects.columns import Floats, Ints, make_frame, read_columns
from equipoise.models.coefficients import (
    Coefficient,
    WaldTest,
    coefficient_table,
    coefficients_of,
    combinations_of,
    wald_test,
)
from equipoise.models.design import INTERCEPT
from equipoise.models.multilevel_fit import MultilevelFit
from equipoise.models.pairwise import PairwiseFit
from equipoise.models.regression_fit import RegressionFit
from equipoise.num.dist import f_tail

#: Estimators of the covariance by code.
KINDS: dict[str, str] = {
    "CR0": "residuals as they are",
    "CR1": "times m / (m - 1) for m clusters",
    "CR1p": "times m / (m - p) for p coefficients, as robust() of metafor",
    "CR1S": "times m (k - 1) / ((m - 1) (k - p)) for k effects",
    "CR2": "residuals adjusted so that the covariance is unbiased under the working model",
    "CR3": "residuals adjusted as by leaving out each cluster",
}
#: Where degrees of freedom come from.
DF_RULES: dict[str, str] = {
    "Satterthwaite": "from the variance of the estimated variance; HTZ for several coefficients",
    "residual": "clusters minus coefficients",
    "naive": "clusters minus one",
    "z": "none: normal and chi-squared",
}

_CR = {
    "CR2": Method(
        "cluster-robust covariance with bias-reduced linearisation (CR2)",
        "Pustejovsky, Tipton 2018, J Bus Econ Stat 36:672",
        "10.1080/07350015.2016.1247004",
    ),
    "CR3": Method(
        "cluster-robust covariance, jackknife form (CR3)",
        "Bell, McCaffrey 2002, Surv Methodol 28:169",
    ),
}
_CR0 = Method(
    "robust variance estimation in meta-regression",
    "Hedges, Tipton, Johnson 2010, Res Synth Methods 1:39",
    "10.1002/jrsm.5",
)
_SATTERTHWAITE = Method(
    "Satterthwaite degrees of freedom for few clusters",
    "Tipton 2015, Psychol Methods 20:375",
    "10.1037/met0000011",
)
_HTZ = Method(
    "approximate Hotelling T² test of several coefficients (HTZ)",
    "Tipton, Pustejovsky 2015, J Educ Behav Stat 40:604",
    "10.3102/1076998615606099",
)


@dataclass(frozen=True, slots=True)
class _Working:
    """The model whose covariance is taken as a start: effects, design, covariance."""

    names: tuple[str, ...]
    X: Floats
    y: Floats
    cov: Floats
    beta: Floats
    study: tuple[str, ...]
    level: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RobustFit(Result):
    """Coefficients of a fit with a covariance that clusters of correlated effects do not spoil.

    Attributes
    ----------
    kind, df_rule
        Codes of :data:`KINDS` and :data:`DF_RULES`.
    k, clusters
        Number of effects, and labels of the clusters.
    coefficients, vcov
        Coefficients with tests and intervals; their robust covariance.
    qm
        Test of the moderators, or of the mean when there are none.
    scores, own, lead, bread
        What tests are made of, by cluster: the adjusted sums of residuals (m, p); their variances
        under the working model (m, p, p); their products with the design (m, p, p); and the
        working covariance of the coefficients (p, p).
    factor, level
        The small-sample factor of the covariance; level of all intervals.
    notes, methods
        What to know; methods with their papers.
    """

    kind: str
    df_rule: str
    k: int
    clusters: tuple[str, ...]
    coefficients: tuple[Coefficient, ...]
    vcov: Floats
    qm: WaldTest
    scores: Floats
    own: Floats
    lead: Floats
    bread: Floats
    factor: float
    level: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def test(self, L: object, *, values: Sequence[float] | None = None) -> WaldTest:
        """Test combinations of coefficients.

        Parameters
        ----------
        L
            A coefficient's name, a list of names, or rows of weights.
        values
            What the combinations are compared with; 0 when not given.
        """
        names = [c.name for c in self.coefficients]
        rows, what = combinations_of(names, L)
        beta = np.array([c.estimate for c in self.coefficients])
        against = None if values is None else np.asarray(values, dtype=np.float64)
        parts = _Parts(self.scores, self.own, self.lead, self.bread, self.factor)
        return _tested(what, beta, parts, rows, self.df_rule, self.k, against)

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
        yield (
            f"Robust inference for {counted(self.k, 'effect')} in "
            f"{counted(len(self.clusters), 'cluster')}"
        )
        yield f"{self.kind}: {KINDS[self.kind]}; {self.df_rule}: {DF_RULES[self.df_rule]}"
        if len(self.coefficients) > 1:
            yield str(self.qm)
        yield ""
        yield self._table().to_text()

    def __repr__(self) -> str:
        first = "; ".join(
            f"{c.name} {significant(c.estimate)} ({significant(c.ci.low)} to "
            f"{significant(c.ci.high)})"
            for c in self.coefficients[:3]
        )
        more = "; …" if len(self.coefficients) > 3 else ""
        return f"<RobustFit {self.kind} {first}{more}; {counted(len(self.clusters), 'cluster')}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head = list(self._lines())[:2]
        lines = "".join(f"<p>{escape(line)}</p>" for line in head)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{self._table().to_html()}{f'<ul>{notes}</ul>' if notes else ''}</div>"


@typed_late
def robust(
    fit: object,
    *,
    cluster: object = None,
    kind: str = "CR2",
    df: str = "Satterthwaite",
    data: object = None,
    level: float | None = None,
) -> RobustFit:
    """Give the coefficients of a fit standard errors that hold whatever ties a cluster together.

    Parameters
    ----------
    fit
        A pairwise synthesis, a meta-regression or a multilevel model: its estimates stay, and its
        variances are the working model.
    cluster
        Labels, one for each effect that was used; a column's name of `data`; or the name of a
        random effect of a multilevel model. None takes the studies, or the outermost random
        effect.
    kind
        ``CR2`` (unbiased under the working model), ``CR0``, ``CR1``, ``CR1p``, ``CR1S``, ``CR3``.
    df
        ``Satterthwaite``, ``residual`` (clusters minus coefficients), ``naive`` (clusters minus
        one) or ``z``.
    data
        Data frame that a column's name refers to.
    level
        Level of the intervals; that of the fit when not given.

    Returns
    -------
    RobustFit

    Raises
    ------
    InputError
        Labels for another number of effects, effects of different clusters that the model
        correlates, a fit whose weights are not its inverse variances.
    NotEstimableError
        Fewer than two clusters, or no more than coefficients where the method divides by the
        difference.
    UnknownNameError
        An unknown kind, rule, column or random effect.

    Notes
    -----
    With W the inverse of the working covariance, the residuals of cluster j are multiplied by a
    matrix A so that the expectation of their square is right under the working model:
    ``A = D'(D (F - X M X') D')^(-1/2) D`` with ``F = D'D`` the covariance of the cluster, X its
    rows of the design and ``M = (X'WX)^-1``.

    Source: Pustejovsky, Tipton 2018, J Bus Econ Stat 36:672, doi:10.1080/07350015.2016.1247004,
    theorem 1 and equations 11 to 13. Checked against metafor 5.1.12 and clubSandwich 0.5.8 in
    ``validation/values``.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    if df not in DF_RULES:
        raise UnknownNameError("degrees of freedom", df, DF_RULES)
    work = _working(fit)
    codes, labels = _clusters(fit, work, cluster, data)
    k, p, m = len(work.y), work.X.shape[1], len(labels)
    _check(m, p, kind, df)
    parts = _parts(work, codes, m, kind)
    wanted = work.level if level is None else level
    if not 0.0 < wanted < 1.0:
        raise InputError(f"level {wanted:g}", hint="a number between 0 and 1, such as 0.95")
    cov = parts.covariance()
    dfs = [parts.degrees(c, df) for c in np.eye(p)]
    table = coefficients_of(work.names, work.beta, cov, dfs, wanted, kind)
    rows, what = _moderators(work.names)
    qm = _tested(what, work.beta, parts, rows, df, k, None)
    methods = (_CR.get(kind, _CR0), *((_SATTERTHWAITE, _HTZ) if df == "Satterthwaite" else ()))
    return RobustFit(
        kind=kind,
        df_rule=df,
        k=k,
        clusters=labels,
        coefficients=table,
        vcov=_frozen(cov),
        qm=qm,
        scores=_frozen(parts.scores),
        own=_frozen(parts.own),
        lead=_frozen(parts.lead),
        bread=_frozen(parts.bread),
        factor=parts.factor,
        level=wanted,
        notes=_notes(m, kind, df, dfs),
        methods=methods,
    )


def _check(m: int, p: int, kind: str, df: str) -> None:
    if m < 2:
        raise NotEstimableError("one cluster", hint="at least two; cluster= for other groups")
    if m <= p and (kind == "CR1p" or df == "residual"):
        what = f"{counted(m, 'cluster')} for {counted(p, 'coefficient')}"
        raise NotEstimableError(what, hint="kind='CR2' and df='Satterthwaite', or fewer moderators")


def _frozen(values: Floats) -> Floats:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def _working(fit: object) -> _Working:
    if isinstance(fit, PairwiseFit):
        X = np.ones((fit.k, 1))
        beta = np.array([fit.estimate])
        cov = np.diag(fit.vi + fit.tau2)
        work = _Working((INTERCEPT,), X, fit.yi, cov, beta, fit.study, fit.level)
    elif isinstance(fit, MultilevelFit):
        names = tuple(c.name for c in fit.coefficients)
        work = _Working(names, fit.design.X, fit.yi, fit.marginal(), fit.beta, fit.study, fit.level)
    elif isinstance(fit, RegressionFit):
        cov = np.diag(fit.vi + fit.tau2)
        work = _Working(fit.names, fit.X, fit.yi, cov, fit.beta, fit.study, fit.level)
    else:
        raise InputError(
            f"robust inference for a {type(fit).__name__}",
            hint="the result of pairwise(), regress() or multilevel()",
        )
    return work


def _clusters(
    fit: object, work: _Working, cluster: object, data: object
) -> tuple[Ints, tuple[str, ...]]:
    values: Sequence[Any]
    terms = fit.terms if isinstance(fit, MultilevelFit) else ()
    if cluster is None:
        if terms:
            term = min(terms, key=lambda t: len(t.groups))
            return term.outer, term.groups
        values = work.study
    elif isinstance(cluster, str):
        named = {t.name: t for t in terms}
        if cluster in named:
            return named[cluster].outer, named[cluster].groups
        if data is None and cluster != "study":
            raise UnknownNameError("random effect", cluster, [*named, "study"])
        values = work.study if data is None else read_columns(data, {"cluster": cluster})["cluster"]
    else:
        values = read_columns(None, {"cluster": cluster})["cluster"]  # type: ignore[dict-item]
    if len(values) != len(work.y):
        raise InputError(
            f"{counted(len(values), 'cluster')} for {counted(len(work.y), 'effect')}",
            hint="one label for each effect that was used; fit.left_out names the others",
        )
    texts = [str(v) for v in values]
    labels = tuple(dict.fromkeys(texts))
    place = {label: i for i, label in enumerate(labels)}
    return np.array([place[text] for text in texts], dtype=np.intp), labels


@dataclass(frozen=True, slots=True)
class _Parts:
    """Sums by cluster; linear in the coefficients, so that any combination is made of them."""

    scores: Floats
    own: Floats
    lead: Floats
    bread: Floats
    factor: float

    def covariance(self) -> Floats:
        """The robust covariance of the coefficients."""
        cov = self.factor * self.scores.T @ self.scores
        return np.asarray(0.5 * (cov + cov.T))

    def cross(self, a: Floats, b: Floats) -> Floats:
        """Covariances of the clusters' sums for two combinations, shape (m, m)."""
        left, right = self.lead @ a, self.lead @ b
        out = -left @ self.bread @ right.T
        out[np.diag_indices(len(out))] += np.einsum("mpq,p,q->m", self.own, a, b)
        return np.asarray(out)

    def degrees(self, c: Floats, rule: str) -> float:
        """Degrees of freedom of one combination."""
        m, p = self.scores.shape
        if rule != "Satterthwaite":
            return {"residual": float(m - p), "naive": float(m - 1), "z": math.inf}[rule]
        P = self.cross(c, c)
        squares = float((P * P).sum())
        return float(np.trace(P)) ** 2 / squares if squares > 0.0 else math.nan


def _parts(work: _Working, codes: Ints, m: int, kind: str) -> _Parts:
    k, p = work.X.shape
    order = [np.flatnonzero(codes == j) for j in range(m)]
    _separate(work, codes)
    blocks = [work.cov[np.ix_(rows, rows)] for rows in order]
    inverses: list[Floats] = [
        np.asarray(np.linalg.inv(block), dtype=np.float64) for block in blocks
    ]
    designs = [work.X[rows] for rows in order]
    information, lift = np.zeros((p, p)), np.zeros(p)
    rest = work.y - work.X @ work.beta
    for rows, X, W in zip(order, designs, inverses, strict=True):
        information += X.T @ W @ X
        lift += X.T @ W @ rest[rows]
    M: Floats = np.asarray(np.linalg.inv(0.5 * (information + information.T)), dtype=np.float64)
    # Estimates that solve the weighted equations leave nothing of them.
    if float((np.abs(M @ lift) / np.sqrt(np.diag(M))).max()) > 1e-5:
        raise InputError(
            "a fit whose weights are not its inverse variances",
            hint="a fit with inverse-variance weights",
        )
    scores, own, lead = np.empty((m, p)), np.empty((m, p, p)), np.empty((m, p, p))
    adjust = _ADJUST.get(kind, _as_is)
    for j, (rows, F, W, X) in enumerate(zip(order, blocks, inverses, designs, strict=True)):
        G = adjust(F, W, X, M).T @ W @ X @ M
        scores[j] = G.T @ rest[rows]
        own[j] = G.T @ F @ G
        lead[j] = X.T @ G
    factors = {
        "CR1": m / (m - 1.0),
        "CR1p": m / max(m - p, 1.0),
        "CR1S": m * (k - 1.0) / ((m - 1.0) * max(k - p, 1.0)),
    }
    return _Parts(scores, own, lead, M, factors.get(kind, 1.0))


def _separate(work: _Working, codes: Ints) -> None:
    """Refuse clusters that cut through correlated effects."""
    across = (codes[:, None] != codes[None, :]) & (work.cov != 0.0)
    if across.any():
        i, j = divmod(int(np.argmax(across)), len(codes))
        raise InputError(
            "effects of different clusters that the model correlates",
            where=f"{work.study[i]} and {work.study[j]}",
            hint="clusters that hold whole levels of the outermost random effect",
        )


def _as_is(F: Floats, W: Floats, X: Floats, M: Floats) -> Floats:
    return np.eye(len(F))


def _unbiased(F: Floats, W: Floats, X: Floats, M: Floats) -> Floats:
    """The matrix of CR2; directions that the coefficients use up get 0."""
    D = np.linalg.cholesky(F).T
    B = D @ (F - X @ M @ X.T) @ D.T
    values, turn = np.linalg.eigh(0.5 * (B + B.T))
    some = values > 1e-10 * max(float(values[-1]), 0.0)
    root = np.where(some, 1.0 / np.sqrt(np.where(some, values, 1.0)), 0.0)
    return np.asarray(D.T @ ((turn * root) @ turn.T) @ D)


def _jackknife(F: Floats, W: Floats, X: Floats, M: Floats) -> Floats:
    """The matrix of CR3."""
    left = np.eye(len(F)) - X @ M @ X.T @ W
    return np.asarray(np.linalg.pinv(left, rcond=1e-12))


_ADJUST: dict[str, Callable[[Floats, Floats, Floats, Floats], Floats]] = {
    "CR2": _unbiased,
    "CR3": _jackknife,
}


def _moderators(names: Sequence[str]) -> tuple[Floats, str]:
    at = [i for i, name in enumerate(names) if name != INTERCEPT] or [0]
    return np.eye(len(names))[at], "moderators" if names[at[0]] != INTERCEPT else "mean"


def _tested(
    what: str,
    beta: Floats,
    parts: _Parts,
    L: Floats,
    rule: str,
    k: int,
    values: Floats | None,
) -> WaldTest:
    """A Wald test; with Satterthwaite degrees of freedom its HTZ form."""
    cov = parts.covariance()
    plain = wald_test(what, beta, cov, L, math.inf, values=values)
    q = len(L)
    if rule == "z":
        return plain
    if rule != "Satterthwaite":
        df2 = parts.degrees(L[0], rule)
        return wald_test(what, beta, cov, L, df2, values=values)
    eta = _hotelling(parts, L)
    df2 = eta - q + 1.0
    if not df2 > 0.0:
        return WaldTest(what, "F", math.nan, float(q), df2, math.nan, plain.estimates, plain.se)
    f = plain.statistic * df2 / (eta * q)
    return WaldTest(what, "F", f, float(q), df2, f_tail(f, q, df2), plain.estimates, plain.se)


def _hotelling(parts: _Parts, L: Floats) -> float:
    """The degrees of freedom of the Wishart distribution nearest to the robust covariance."""
    q = len(L)
    expected = np.array([[np.trace(parts.cross(a, b)) for b in L] for a in L])
    values, turn = np.linalg.eigh(0.5 * (expected + expected.T))
    unit = ((turn / np.sqrt(values)) @ turn.T) @ L
    P = [[parts.cross(a, b) for b in unit] for a in unit]
    total = 0.0
    for s in range(q):
        for t in range(q):
            total += float((P[s][s] * P[t][t]).sum() + (P[s][t] * P[t][s]).sum())
    return q * (q + 1.0) / total


def _notes(m: int, kind: str, df: str, dfs: Sequence[float]) -> tuple[Note, ...]:
    notes = []
    if df == "Satterthwaite" and min(dfs) < 4.0:
        text = (
            f"With {counted(m, 'cluster')} some degrees of freedom are below 4 "
            f"({min(dfs):.2g}): the p values "
            "of these coefficients are not to be trusted, nor should wide intervals surprise."
        )
        notes.append(Note("few-degrees", text))
    if m < 40 and (kind not in ("CR2", "CR3") or df in ("z", "naive")):
        text = (
            f"With {counted(m, 'cluster')}, {kind} with {df} is likely too confident; "
            "kind='CR2' and "
            "df='Satterthwaite' are made for few clusters."
        )
        notes.append(Note("few-clusters", text))
    return tuple(notes)
