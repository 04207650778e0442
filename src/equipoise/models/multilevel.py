"""Multilevel and multivariate synthesis: effects that are nested, crossed or correlated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.core.table import counted, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Column, Floats, Ints, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.coefficients import coefficients_of, wald_test
from equipoise.models.design import Moderators
from equipoise.models.mixed import Mixed, Moments
from equipoise.models.multilevel_fit import MultilevelFit, Share
from equipoise.models.multilevel_parts import typical_variance
from equipoise.models.multilevel_rows import Rows, read_rows
from equipoise.models.optimum import Optimum, optimum
from equipoise.models.random_terms import RandomTerm
from equipoise.num.dist import chi2_tail

METHODS = ("REML", "ML")
INTERVALS = ("z", "t")
DF_RULES = ("residual", "contain")

#: With fewer levels of the outermost term than this, z intervals are said to be too narrow.
_FEW = 20
#: A variance of so many times the spread of the effects and the largest variance is no estimate.
_MOST = 1e8

_MODEL = Method(
    "multilevel and multivariate random-effects models",
    "Konstantopoulos 2011, Res Synth Methods 2:61; Jackson, Riley, White 2011, Stat Med 30:2481",
    "10.1002/jrsm.35",
)
_LIKELIHOODS: dict[str, Method] = {
    "REML": Method(
        "restricted maximum likelihood",
        "Harville 1977, J Am Stat Assoc 72:320",
        "10.1080/01621459.1977.10480998",
    ),
    "ML": Method(
        "maximum likelihood",
        "Harville 1977, J Am Stat Assoc 72:320",
        "10.1080/01621459.1977.10480998",
    ),
}
_I2 = Method(
    "I² by level, from the typical sampling variance",
    "Nakagawa, Santos 2012, Evol Ecol 26:1253; Cheung 2014, Psychol Methods 19:211",
    "10.1007/s10682-012-9555-5",
)


@typed_late
def multilevel(
    es: Contrasts | None = None,
    *,
    random: str | Sequence[str] | None = None,
    yi: Column = None,
    vi: Column = None,
    sei: Column = None,
    V: object = None,
    mods: Moderators = None,
    struct: str | Sequence[str] = "CS",
    rho: float | Sequence[float | None] | None = None,
    method: str = "REML",
    interval: str = "z",
    df: str = "residual",
    study: Column = None,
    data: object = None,
    level: float = 0.95,
) -> MultilevelFit:
    """Pool effects that are nested in groups, crossed between them, or correlated within them.

    Parameters
    ----------
    es
        Effects with their variances and covariances, or `yi` with `vi`, `sei` or `V`. The columns
        ``study``, ``treat1`` and ``treat2`` of `es` can be used in `random` and `mods`.
    random
        Random effects, one text or a list of them. ``"~ 1 | a/b"`` gives a variance to the levels
        of a, and one to those of b within a; ``["~ 1 | a", "~ 1 | b"]`` crosses them;
        ``"~ outcome | trial"`` lets each outcome vary over trials, correlated within a trial as
        `struct` says. None pools without random effects.
    yi, vi, sei
        Effects, and their sampling variances or standard errors.
    V
        Sampling covariance matrix, shape (k, k), or a list of its diagonal blocks in the order of
        the rows, in place of `vi`.
    mods
        Moderators: a formula such as ``"~ 0 + outcome"``, columns by name, or a matrix.
    struct
        Structure of terms with an inner variable: one for all, or one for each of them. ``CS``,
        ``HCS``, ``UN``, ``ID``, ``DIAG``, ``AR``, ``HAR``, ``CAR``.
    rho
        The correlation of these terms, where it is known and not to be estimated: one number, or
        a number or None for each of them.
    method
        ``REML`` or ``ML``.
    interval
        ``z``, or ``t`` with the degrees of freedom that `df` says.
    df
        ``residual`` (k - p), or ``contain``: levels of the random effect within which a moderator
        does not vary, minus p.
    study
        Labels of the rows for notes and errors.
    data
        Data frame that names of columns refer to.
    level
        Level of all intervals.

    Returns
    -------
    MultilevelFit

    Raises
    ------
    InputError
        Bad variances or covariances (naming the study), terms that cannot be read, columns of
        different lengths.
    NotEstimableError
        Fewer effects than coefficients, or a variance of which these rows say nothing.
    UnknownNameError
        An unknown column, structure, method.

    Notes
    -----
    The coefficients are profiled out, and the likelihood is climbed by Newton steps with exact
    second derivatives within the bounds of the parameters, so that a variance of 0 is 0 and not a
    small number. With one or two variances every top of a grid is climbed, otherwise the best few.
    Checked against metafor 5.1.12 in ``validation/values/multilevel_*.json``.
    """
    _known(method=method, interval=interval, df=df)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    given = {"yi": yi, "vi": vi, "sei": sei, "study": study}
    rows = read_rows(es, given, V, random, struct, rho, mods, data)
    free, same = _estimable(rows, method)
    terms = [rows.terms[i].as_term() for i in free]
    model = Mixed(rows.y, rows.design.X, rows.V, terms, method == "REML")
    found = optimum(model)
    fitted, notes = _fitted(rows, model, found, free, same)
    rule = df if interval == "t" else "none"
    return _assembled(rows, fitted, model, found, notes, method, interval, rule, level)


def _known(**given: str) -> None:
    for kind, names in (("method", METHODS), ("interval", INTERVALS), ("df", DF_RULES)):
        if given[kind] not in names:
            what = "degrees of freedom" if kind == "df" else kind
            raise UnknownNameError(what, given[kind], names)


def _estimable(rows: Rows, method: str) -> tuple[list[int], dict[int, int]]:
    """Terms that the data say something about, and terms that are the same as an earlier one."""
    free: list[int] = []
    same: dict[int, int] = {}
    seen: dict[tuple[int, ...], int] = {}
    for i, term in enumerate(rows.terms):
        if not term.struct:
            first: dict[int, int] = {}
            key = tuple(first.setdefault(c, len(first)) for c in term.outer.tolist())
            if key in seen:
                same[i] = seen[key]
                continue
            seen[key] = i
            if len(term.groups) == 1:
                continue
        free.append(i)
    if method == "REML":
        free = [i for i in free if rows.terms[i].struct or _in_residuals(rows, rows.terms[i])]
    return free, {i: j for i, j in same.items() if j in free}


def _in_residuals(rows: Rows, term: RandomTerm) -> bool:
    """Whether levels differ in more than the design already says."""
    if len(term.groups) > rows.design.X.shape[1]:
        return True
    Z = np.zeros((len(rows.y), len(term.groups)))
    Z[np.arange(len(rows.y)), term.outer] = 1.0
    Q, _ = np.linalg.qr(rows.design.X)
    return bool(np.abs(Z - Q @ (Q.T @ Z)).max() > 1e-9)


def _fitted(
    rows: Rows, model: Mixed, found: Optimum, free: list[int], same: dict[int, int]
) -> tuple[list[RandomTerm], list[Note]]:
    """The terms with their covariance, and what to know about them."""
    G = dict(zip(free, (g * model.unit for g in model.matrices(found.x)), strict=True))
    notes: list[Note] = []
    terms: list[RandomTerm] = []
    groups: dict[int, list[int]] = {}
    for i, j in same.items():
        groups.setdefault(j, [j]).append(i)
    for i, term in enumerate(rows.terms):
        mine = same.get(i, i)
        if mine not in G:
            terms.append(replace(term, parameters=0))
            text = (
                f"The variance of {term.name} cannot be estimated from these rows; it counts as 0."
            )
            notes.append(Note("not-estimable", text))
            continue
        share = len(groups.get(mine, [mine]))
        counted = term.parameters if i == mine else 0
        fitted = replace(term, G=read_matrix(G[mine] / share), parameters=counted)
        _bounded(fitted, rows)
        terms.append(fitted)
    for members in groups.values():
        names = " and ".join(rows.terms[i].name for i in members)
        text = (
            f"The levels of {names} are the same rows, so only the sum of their variances can be "
            "estimated; it is shared out equally."
        )
        notes.append(Note("inseparable", text))
    notes += _about_bounds(terms)
    notes += _about_search(found, model)
    return terms, notes


def _bounded(term: RandomTerm, rows: Rows) -> None:
    """Refuse a variance that no data could show.

    Raises
    ------
    NotEstimableError
        Naming the term and the level.
    """
    most = _MOST * (float(np.ptp(rows.y)) ** 2 + float(np.max(rows.vi)))
    for i, variance in enumerate(term.variances.tolist()):
        if variance > most:
            several = term.struct and len(term.variances) > 1
            where = f"{term.name}, level {term.levels[i]}" if several else term.name
            raise NotEstimableError(
                "a variance grows without bound: these rows say nothing of it",
                where=where,
                hint="a structure with one variance, such as CS or ID, or more rows of that level",
            )


def read_matrix(values: Floats) -> Floats:
    """Return a read-only copy that keeps its shape."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def _about_bounds(terms: Sequence[RandomTerm]) -> list[Note]:
    notes = []
    for term in terms:
        if not term.parameters:
            continue
        zero = [i for i, v in enumerate(term.variances.tolist()) if v == 0.0]
        if zero:
            several = term.struct and len(term.variances) > 1
            of = f" ({', '.join(term.levels[i] for i in zero)})" if several else ""
            text = f"The variance of {term.name}{of} is estimated as 0."
            notes.append(Note("variance-at-zero", text))
        known = term.rho is not None
        if not known and any(abs(r) >= 1.0 - 1e-9 for r in term.correlations.tolist()):
            text = (
                f"A correlation of {term.name} is estimated at its bound; the data hardly tell "
                "how the levels go together."
            )
            notes.append(Note("correlation-at-bound", text))
    return notes


def _about_search(found: Optimum, model: Mixed) -> list[Note]:
    notes = []
    if len(found.values) > 1:
        listed = ", ".join(significant(v, 7) for v in found.values)
        text = (
            f"The search saw {len(found.values)} local maxima of the likelihood ({listed}); the "
            "highest is used. Other programs may stop at another."
        )
        notes.append(Note("several-optima", text))
    if not found.settled:
        text = (
            "The search did not settle to the last digit: the likelihood is flat around its "
            "maximum, so that variances or correlations are hardly known."
        )
        notes.append(Note("flat-likelihood", text))
    at = np.flatnonzero(found.free)
    if at.size > 1:
        down = -found.hessian[np.ix_(at, at)]
        size = np.sqrt(np.maximum(np.diag(down), 1e-300))
        if float(np.linalg.eigvalsh(down / np.outer(size, size))[0]) < 1e-6:
            text = (
                "The variances and correlations can hardly be told apart by these data: along some "
                "combination of them the likelihood is flat."
            )
            notes.append(Note("inseparable", text))
    return notes


def _assembled(
    rows: Rows,
    terms: list[RandomTerm],
    model: Mixed,
    found: Optimum,
    notes: list[Note],
    method: str,
    interval: str,
    rule: str,
    level: float,
) -> MultilevelFit:
    k, p = model.k, model.p
    beta, cov = model.coefficients(found.moments)
    names = rows.design.names
    dfs = _degrees(rule, rows.design.X, terms)
    how = "Wald" if rule != "contain" else "Wald, containment"
    moderators = rows.design.moderators()
    if rows.design.intercept and p == 1:
        moderators = (0,)
    L = np.eye(p)[list(moderators)]
    what = "moderators" if len(moderators) < p or not rows.design.intercept else "mean"
    qm = wald_test(what, beta, cov, L, min(dfs[i] for i in moderators))
    plain = model.with_terms([])
    alone = plain.moments([])
    assert alone is not None
    count = p + sum(t.parameters for t in terms)
    ll, ml, reml = _likelihoods(model, found, rows)
    aic, bic, aicc = criteria(ll, count, model.free)
    cov_i, cov_j = np.nonzero(np.triu(rows.V, 1)) if rows.V.ndim == 2 else (_none(), _none())
    typical = typical_variance(plain, alone)
    return MultilevelFit(
        measure=measure_of(rows.measure).code,
        method=method,
        k=k,
        coefficients=coefficients_of(names, beta, cov, dfs, level, how),
        vcov=read_matrix(cov),
        interval=interval,
        df_rule=rule,
        level=level,
        terms=tuple(terms),
        log_likelihood=ll,
        aic=aic,
        bic=bic,
        aicc=aicc,
        parameters=count,
        log_likelihood_ml=ml,
        log_likelihood_reml=reml,
        qe=alone.rss,
        qe_df=k - p,
        qe_p=chi2_tail(alone.rss, k - p),
        qm=qm,
        i2=_shares(terms, typical),
        typical_variance=typical,
        n_optima=len(found.values),
        optima=found.values,
        design=rows.design,
        study=rows.study,
        yi=read_only(rows.y),
        vi=read_only(rows.vi),
        cov_i=read_only(cov_i, np.intp),
        cov_j=read_only(cov_j, np.intp),
        cov=read_only(rows.V[cov_i, cov_j] if rows.V.ndim == 2 else np.empty(0)),
        left_out=rows.left_out,
        notes=(*rows.notes, *notes, *_about_rows(rows, terms, interval)),
        methods=(_MODEL, _LIKELIHOODS[method], *((_I2,) if terms else ())),
    )


def _none() -> Ints:
    return np.empty(0, dtype=np.intp)


def _likelihoods(model: Mixed, found: Optimum, rows: Rows) -> tuple[float, float, float]:
    """The log-likelihood of the method, and both at the estimates.

    The restricted one has ``log |X'X|`` in it, as in metafor, so that it is that of contrasts of
    unit length and does not depend on how the moderators are coded.
    """
    other = model.other_likelihood()
    moments: Moments | None = other.moments(model.matrices(found.x))
    assert moments is not None
    own, cross = found.moments.ll, moments.ll
    return (own, cross, own) if model.restricted else (own, own, cross)


def criteria(ll: float, parameters: int, n: int) -> tuple[float, float, float]:
    """Return AIC, BIC and AICc of a log-likelihood of `n` independent contrasts."""
    size = max(n, parameters + 2)
    weight = math.log(n) if n > 0 else math.nan
    return (
        -2.0 * ll + 2.0 * parameters,
        -2.0 * ll + parameters * weight,
        -2.0 * ll + 2.0 * parameters * size / (size - parameters - 1.0),
    )


def _degrees(rule: str, X: Floats, terms: Sequence[RandomTerm]) -> list[float]:
    """Degrees of freedom of each coefficient."""
    k, p = X.shape
    if rule == "none":
        return [math.inf] * p
    if rule == "residual":
        return [float(max(k - p, 1))] * p
    out = []
    for x in X.T:
        found = [k]
        for t in terms:
            codes = [t.outer]
            if t.struct:
                codes.append(t.outer * max(1, len(t.levels)) + t.inner)
            found += [int(np.unique(c).size) for c in codes if _constant(x, c)]
        out.append(float(max(min(found) - p, 1)))
    return out


def _constant(x: Floats, code: Ints) -> bool:
    """Whether a column has one value within each level."""
    order = np.argsort(code, kind="stable")
    change = np.diff(code[order]) == 0
    return not bool((np.diff(x[order]) != 0.0)[change].any())


def _shares(terms: Sequence[RandomTerm], typical: float) -> tuple[Share, ...]:
    parts = []
    for t in terms:
        own = np.diag(t.G)[t.inner]
        parts.append((t.name, float(own.mean())))
    total = sum(v for _, v in parts)
    if not terms or not math.isfinite(typical):
        return ()
    whole = total + typical
    return (
        Share("all levels", 100.0 * total / whole),
        *(Share(name, 100.0 * v / whole) for name, v in parts),
    )


def _about_rows(rows: Rows, terms: Sequence[RandomTerm], interval: str) -> list[Note]:
    notes = []
    finest = [t for t in terms if len(np.unique(_finest(t))) == len(rows.y)]
    if terms and not finest:
        text = (
            "No random effect distinguishes every row: effects of the same level are taken to "
            "estimate the same true effect. Add a term for the rows unless that is meant."
        )
        notes.append(Note("no-row-level", text))
    counts = [(len(t.groups), t.name) for t in terms if len(t.groups) > 1]
    if counts and interval == "z" and min(counts)[0] < _FEW:
        count, name = min(counts)
        text = (
            f"With {counted(count, 'level')} of {name}, the z intervals are likely too narrow; "
            "interval='t' with df='contain', or robust(), allow for that."
        )
        notes.append(Note("few-clusters", text))
    repeated = len(set(rows.study)) < len(rows.study)
    if repeated and not terms and rows.V.ndim == 1:
        text = "Several effects of a study are pooled as if they were independent."
        notes.append(Note("repeated-study", text))
    return notes


def _finest(t: RandomTerm) -> Ints:
    return t.outer * max(1, len(t.levels)) + t.inner
