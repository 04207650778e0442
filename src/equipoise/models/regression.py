"""Meta-regression: how effects change with moderators, and what of their spread is left."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import counted, significant
from equipoise.effects.columns import Floats, read_only, refuse_far
from equipoise.effects.contrasts import Contrasts, LeftOut
from equipoise.effects.suspects import repeated_study
from equipoise.models.design import Design, Moderators, design
from equipoise.models.heterogeneity import (
    ESTIMATORS,
    HIGGINS_THOMPSON,
    Spread,
    Tau2,
    estimate_tau2,
)
from equipoise.models.intervals import AUTO, PREDICTIONS
from equipoise.models.pairwise import MODELS, PRESETS
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.regression_parts import (
    FitStatistics,
    KenwardRoger,
    fit_statistics,
    intervals_of,
    omnibus,
    read_only_matrix,
)
from equipoise.models.residual import Residual, Weighted, refuse_redundant
from equipoise.models.residual_tau2 import (
    RESIDUAL_ESTIMATORS,
    residual_estimator_of,
    residual_interval,
    residual_tau2,
)
from equipoise.num.dist import chi2_tail, critical, t_two_sided

INTERVALS_OF_COEFFICIENTS = ("auto", "Wald", "t", "HK", "HK-guarded", "KR")

_WLS = Method(
    "meta-regression by weighted least squares",
    "Berkey, Hoaglin, Mosteller, Colditz 1995, Stat Med 14:395",
    "10.1002/sim.4780140406",
)
_HK = Method(
    "Knapp–Hartung standard errors of the coefficients",
    "Knapp, Hartung 2003, Stat Med 22:2693",
    "10.1002/sim.1482",
)
_KR = Method(
    "Kenward–Roger standard errors and degrees of freedom",
    "Kenward, Roger 1997, Biometrics 53:983",
    "10.2307/2533558",
)
_R2 = Method(
    "R²: the share of tau² that the moderators account for",
    "Raudenbush 2009, Handbook of Research Synthesis 2nd ed., chapter 16",
)


@typed_late
def regress(
    es: Contrasts,
    formula: Moderators = None,
    *,
    data: object = None,
    X: NDArray[Any] | Sequence[Any] | None = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    model: str | None = None,
    tau2: str | None = None,
    interval: str | None = None,
    pi: str | None = None,
    weights: Sequence[float] | Floats | str | None = None,
    reference: Mapping[str, object] | None = None,
    level: float = 0.95,
    preset: str = "cochrane-2025",
) -> RegressionFit:
    """Regress effects on moderators.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial.
    formula
        ``"~ ablat + year"``: text makes a column for each level but the reference; ``factor()``
        makes groups of numbers, ``a * b`` an interaction, ``center(year)`` centres, ``0 +`` drops
        the intercept. A mapping of names to columns does as well.
    data
        A data frame (pandas, Polars, PyArrow) or a mapping with the variables, one row for each
        effect. Without it, the columns that `es` was computed from, and ``yi``, ``vi``, ``sei``,
        ``n1``, ``n2`` and ``study``, can be used.
    X, names, intercept
        Instead of a formula: a matrix of moderators, what to call its columns, and whether a
        column of ones is added.
    model
        ``random`` (mixed effects) or ``common`` (the moderators account for all differences).
    tau2
        Estimator of the residual variance between trials, a code of
        :data:`equipoise.models.residual_tau2.RESIDUAL_ESTIMATORS`.
    interval
        ``Wald``, ``t`` (k - p degrees of freedom), ``HK`` (Knapp–Hartung), ``HK-guarded`` (never
        a smaller variance than Wald's), ``KR`` (Kenward–Roger; REML), or ``auto``: Knapp–Hartung
        for tau² above 0, guarded where it would be narrower than Wald; Wald otherwise.
    pi
        Prediction interval of :meth:`RegressionFit.predict`: ``t``, ``V``, ``HTS``, ``metafor``.
    weights
        Own weights, one for each effect, or ``"equal"``; needed by ``GENQ`` and ``GENQM``.
        Intervals are then ``Wald`` or ``t``.
    reference
        The level that others are compared with, by variable.
    level
        Level of all intervals.
    preset
        ``cochrane-2025`` or ``metafor``; fills in what is not given.

    Returns
    -------
    RegressionFit

    Raises
    ------
    InputError
        Moderators that other moderators already say (named, with the combination), a variance
        not above zero, values that are no numbers, rows that share a group.
    NotEstimableError
        No more trials than coefficients.
    UnknownNameError
        An unknown variable, level, estimator or interval.

    Notes
    -----
    The estimate of tau² by REML and ML is the global optimum, with proof; see
    ``docs/meta-regression.md``.

    Checked against metafor in ``validation/``.

    Examples
    --------
    >>> from equipoise.effects.contrasts import contrasts
    >>> es = contrasts(yi=[0.1, 0.4, 0.5, 0.9], vi=[0.02, 0.03, 0.02, 0.04], measure="MD")
    >>> reg = regress(es, "~ dose", data={"dose": [1, 2, 3, 4]})
    >>> round(reg.coefficient("dose").estimate, 4)
    0.2354
    """
    if not isinstance(es, Contrasts):
        raise InputError(
            f"a {type(es).__name__} to regress", hint="what effect_sizes() or contrasts() gives"
        )
    chosen = _settings(preset, model=model, tau2=tau2, interval=interval, pi=pi)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    own = _own_weights(weights, len(es), es.study)
    _check_settings(chosen, own is not None)
    ready = ready_rows(es)
    made = read_design(es, formula, data, X, names, intercept, reference, ready)
    keep, left_out, notes = usable_rows(es, made, ready)
    used = dataclasses.replace(made, X=read_only_matrix(made.X[keep]))
    return fit_design(
        es.measure,
        tuple(es.study[i] for i in keep),
        es.yi[keep],
        es.vi[keep],
        used,
        chosen,
        level,
        preset,
        weights=None if own is None else own[keep],
        left_out=left_out,
        notes=notes,
    )


def refit(fit: RegressionFit, keep: Sequence[int]) -> RegressionFit:
    """Fit some of the rows of a fit with its settings; a rule such as ``auto`` decides anew."""
    rows = list(keep)
    return fit_design(
        fit.measure,
        tuple(fit.study[i] for i in rows),
        fit.yi[rows],
        fit.vi[rows],
        dataclasses.replace(fit.design, X=read_only_matrix(fit.design.X[rows])),
        dict(fit.asked),
        fit.level,
        fit.preset,
        weights=fit.weights[rows] if len(fit.weights) else None,
    )


def _settings(preset: str, **given: str | None) -> dict[str, str]:
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    chosen = {
        key: str(PRESETS[preset][key]) if value is None else value for key, value in given.items()
    }
    known: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("model", "model", MODELS),
        ("interval", "interval", INTERVALS_OF_COEFFICIENTS),
        ("pi", "prediction interval", tuple(PREDICTIONS)),
        ("tau2", "estimator of tau²", tuple(RESIDUAL_ESTIMATORS)),
    )
    for key, kind, names in known:
        if chosen[key] not in names:
            raise UnknownNameError(kind, chosen[key], names)
    return chosen


def _check_settings(chosen: dict[str, str], weighted: bool) -> None:
    asked = chosen["interval"]
    if chosen["model"] == "common" and asked not in ("auto", "Wald", "t"):
        raise InputError(f"interval {asked!r} with a common effect", hint="interval='Wald'")
    if weighted and asked not in ("auto", "Wald", "t"):
        raise InputError(f"interval {asked!r} with own weights", hint="interval='Wald' or 't'")
    if asked == "KR" and chosen["tau2"] != "REML":
        raise InputError(f"Kenward–Roger with tau² by {chosen['tau2']}", hint="tau2='REML'")
    if chosen["model"] == "random":
        residual_estimator_of(chosen["tau2"], weights=weighted)


def _own_weights(
    weights: Sequence[float] | Floats | str | None, count: int, study: Sequence[str]
) -> Floats | None:
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights != "equal":
            raise UnknownNameError("weights", weights, ("equal",))
        return np.ones(count)
    own = np.asarray(weights, dtype=np.float64)
    if own.shape != (count,):
        raise InputError(
            f"{counted(own.size, 'weight')} for {counted(count, 'effect')}",
            hint="one for each effect",
        )
    for i in np.flatnonzero(~(own > 0.0) | ~np.isfinite(own)).tolist():
        raise InputError(
            f"weight {own[i]:g}", where=f"study {study[i]}", hint="a finite weight above zero"
        )
    return own


def ready_rows(es: Contrasts) -> NDArray[np.bool_]:
    """Which rows have an estimate and a variance; refuses rows that are not independent."""
    for i in np.flatnonzero(es.vi <= 0.0).tolist():
        raise InputError(
            f"variance {es.vi[i]:g}", where=f"study {es.study[i]}", hint="a variance above zero"
        )
    refuse_far(es.study, es.yi, es.vi)
    ready: NDArray[np.bool_] = np.isfinite(es.yi) & np.isfinite(es.vi)
    for i, j in zip(es.cov_i.tolist(), es.cov_j.tolist(), strict=True):
        if ready[i] and ready[j]:
            raise InputError(
                "comparisons that share a group are not independent",
                where=f"study {es.study[i]}",
                hint="multilevel() with V=es.V(), or combine the groups",
            )
    if not ready.any():
        raise NotEstimableError("no trial has an estimate with a variance", hint="at least one")
    return ready


def read_design(
    es: Contrasts,
    formula: Moderators,
    data: object,
    X: NDArray[Any] | Sequence[Any] | None,
    names: Sequence[str] | None,
    intercept: bool,
    reference: Mapping[str, object] | None,
    ready: NDArray[np.bool_],
) -> Design:
    """The design that a call asks for, of all rows; those that lack something are not numbers."""
    if X is None:
        if names is not None or not intercept:
            raise InputError("names or intercept without X", hint="X=, or '~ 0 + year'")
        source = own_columns(es) if data is None else data
        return design(formula, source, len(es), es.study, reference=reference, use=ready)
    if formula is not None:
        raise InputError("both a formula and X", hint="one of them")
    made = design(X, None, len(es), es.study)
    if names is not None:
        if len(names) != len(made.names) - 1:
            raise InputError(
                f"{len(names)} names for {counted(len(made.names) - 1, 'column')} of X"
            )
        labels = [str(name) for name in names]
        if len({"intercept", *labels}) <= len(labels):
            raise InputError(
                f"names of columns that are not distinct: {', '.join(labels)}",
                hint="a name for each column, none of them 'intercept'",
            )
        terms = tuple((name, (at + 1,)) for at, name in enumerate(labels))
        made = dataclasses.replace(made, names=(made.names[0], *labels), terms=terms)
    if intercept:
        return made
    terms = tuple((name, (at,)) for at, name in enumerate(made.names[1:]))
    return dataclasses.replace(
        made, names=made.names[1:], X=made.X[:, 1:], intercept=False, terms=terms
    )


def own_columns(es: Contrasts) -> dict[str, Any]:
    """What moderators can be made of when no frame is given."""
    own = {"yi": es.yi, "vi": es.vi, "sei": es.sei, "n1": es.n1, "n2": es.n2}
    return {**own, **es.raw, "study": list(es.study), "treat1": list(es.treat1)}


def usable_rows(
    es: Contrasts, made: Design, ready: NDArray[np.bool_]
) -> tuple[list[int], tuple[LeftOut, ...], list[Note]]:
    """Rows with an estimate and all moderators; those without, with the reason."""
    whole = np.isfinite(made.X).all(axis=1)
    dropped = []
    for i in np.flatnonzero(~(ready & whole)).tolist():
        why = "no moderator" if ready[i] else "no variance" if np.isfinite(es.yi[i]) else ""
        dropped.append(LeftOut(es.study[i], why or "no estimate"))
    notes = list(es.notes)
    if dropped:
        listed = ", ".join(f"{row.study} ({row.why})" for row in dropped)
        notes.append(Note("left-out", f"Left out because something is missing: {listed}."))
    keep = np.flatnonzero(ready & whole).tolist()
    notes += repeated_study([es.study[i] for i in keep])
    return keep, (*es.left_out, *dropped), notes


def fit_design(
    measure: str,
    study: tuple[str, ...],
    yi: Floats,
    vi: Floats,
    made: Design,
    chosen: dict[str, str],
    level: float,
    preset: str,
    *,
    weights: Floats | None = None,
    left_out: tuple[LeftOut, ...] = (),
    notes: Sequence[Note] = (),
) -> RegressionFit:
    """Fit a design to effects: what :func:`regress` does once its input is read."""
    k, p = made.X.shape
    if k <= p:
        raise NotEstimableError(
            f"{counted(k, 'estimate')} for {counted(p, 'coefficient')} ({', '.join(made.names)})",
            hint="fewer moderators, or more trials: at least one more than coefficients",
        )
    refuse_redundant(made.X, made.names)
    random = chosen["model"] == "random"
    data = Residual(yi, vi, made.X)
    own = None if weights is None else data.weighted(weights * data.scale)
    found, tau2_se = Tau2(0.0, "no tau²"), None
    tau2_ci: Interval | None = None
    if random:
        found, tau2_se = residual_tau2(data, chosen["tau2"], own)
        tau2_ci = residual_interval(data, level)[0]
    t = found.value / data.scale
    at = data.at(t) if own is None else own
    code, why = _choose(chosen["interval"], data, t, random, weights is not None, level)
    plain = at.coefficients()
    cov = plain.cov if own is None else own.sandwich(data.v + t)
    vcov, kr = _adjusted(code, cov, data, at, tau2_se)
    df = math.inf if code == "Wald" else float(data.df)
    dfs = np.full(p, df) if kr is None else np.array([kr.df(row) for row in np.eye(p)])
    se = np.sqrt(np.diag(vcov))
    with np.errstate(divide="ignore", invalid="ignore"):  # intervals without any width
        statistic = plain.beta / se
    low, high = intervals_of(plain.beta, se, dfs, level)
    L = np.eye(p)[list(made.moderators())]
    qm, qm_df, qm_p = omnibus(L @ plain.beta, L @ vcov @ L.T, df, kr, L)
    i2, h2 = _residual_spread(data, t, random)
    r2 = _r2(data, made, chosen, random, h2, found.value, weights, yi, vi)
    q = data.q(0.0)
    return RegressionFit(
        measure=measure,
        model=chosen["model"],
        preset=preset,
        k=k,
        p=p,
        names=made.names,
        beta=read_only(plain.beta),
        se=read_only(se),
        statistic=read_only(statistic),
        df=read_only(dfs),
        p_value=read_only(
            [t_two_sided(float(s), float(d)) for s, d in zip(statistic, dfs, strict=True)]
        ),
        ci_low=read_only(low),
        ci_high=read_only(high),
        vcov=read_only_matrix(vcov),
        vcov_plain=read_only_matrix(cov),
        interval=code,
        level=level,
        tau2=found.value,
        tau2_se=tau2_se,
        tau2_ci=tau2_ci,
        tau2_method=found.estimator,
        n_optima=found.n_optima,
        i2=i2,
        h2=h2,
        r2=r2,
        q=q,
        q_df=data.df,
        q_p=chi2_tail(q, data.df),
        qm=qm,
        qm_df=qm_df,
        qm_p=qm_p,
        ml=_statistics(data, t, random, False, at),
        reml=_statistics(data, t, random, True, at),
        study=study,
        yi=read_only(yi),
        vi=read_only(vi),
        design=made,
        weights=read_only([] if weights is None else weights),
        fitted=read_only(plain.fitted),
        leverage=read_only(plain.leverage),
        kenward_roger=kr,
        asked=chosen,
        left_out=left_out,
        notes=(*notes, *made.notes, *why, *_about(found, tau2_ci, k, p, made)),
        methods=_methods(code, chosen, random),
    )


def _choose(
    asked: str, data: Residual, t: float, random: bool, weighted: bool, level: float
) -> tuple[str, list[Note]]:
    """The interval to use, and the note when ``auto`` did not choose Knapp–Hartung."""
    if asked != "auto":
        return asked, []
    if not random or weighted:
        return "Wald", []
    narrow = math.sqrt(data.q(t) / data.df) * critical(level, data.df) < critical(level)
    if data.df == 1:
        why = "With one trial more than coefficients, Knapp–Hartung says next to nothing"
        return "Wald", [Note("wald-one-df", f"{why}; Wald intervals are shown.")]
    if t == 0.0:
        why = "The trials differ no more than by chance around the regression (tau² is 0)"
        return "Wald", [Note("wald-no-heterogeneity", f"{why}; Wald intervals are shown.")]
    if narrow:
        why = "Knapp–Hartung intervals would be narrower than Wald's"
        return "HK-guarded", [Note("hk-guarded", f"{why}; guarded ones are shown.")]
    return "HK", []


def _adjusted(
    code: str, cov: Floats, data: Residual, at: Weighted, tau2_se: float | None
) -> tuple[Floats, KenwardRoger | None]:
    if code in ("HK", "HK-guarded"):
        factor = at.q / data.df
        return cov * (max(1.0, factor) if code == "HK-guarded" else factor), None
    if code == "KR" and tau2_se is not None:
        return _kenward_roger(cov, data, at, tau2_se**2)
    return cov, None


def _kenward_roger(
    cov: Floats, data: Residual, at: Weighted, variance: float
) -> tuple[Floats, KenwardRoger]:
    """Adjusted covariance: twice var(tau²) times Phi (Q - P Phi P) Phi, added to Phi.

    With one variance component, P = -X'WWX and Q = X'WWWX; the second derivative of the
    covariance in tau² is 0.
    """
    half, Q = at.half, at._Q
    first = Q.T @ (at.w[:, None] * Q)
    rest = at.w[:, None] * Q
    rest = rest - Q @ (Q.T @ rest)
    unit = data.scale
    added = half @ (rest.T @ rest) @ half.T / unit
    change = half @ first @ half.T
    adjusted = cov + 2.0 * variance * added
    if data.p == 1:
        # A plain mean: as eq.pairwise and Partlett and Riley have it, with the adjusted variance.
        return adjusted, KenwardRoger(adjusted, change * (adjusted / cov) ** 2, variance)
    return adjusted, KenwardRoger(cov, change, variance)


def _residual_spread(data: Residual, t: float, random: bool) -> tuple[float, float]:
    q = data.q(0.0)
    if not random:
        return (100.0 * max(0.0, 1.0 - data.df / q) if q > 0.0 else 0.0), q / data.df
    typical = data.df / data.at(0.0).trace
    return 100.0 * t / (t + typical), (t + typical) / typical


def _r2(
    data: Residual,
    made: Design,
    chosen: dict[str, str],
    random: bool,
    h2: float,
    tau2: float,
    weights: Floats | None,
    yi: Floats,
    vi: Floats,
) -> float | None:
    if not made.intercept or data.p == 1:
        return None
    if random and weights is None and chosen["tau2"] in ESTIMATORS:
        return _share(tau2, estimate_tau2(Spread(yi, vi), chosen["tau2"]).value)
    null = Residual(yi, vi, np.ones((data.k, 1)))
    if not random:
        before = null.q(0.0) / null.df
        return 100.0 * max(0.0, 1.0 - h2 / before) if before > 0.0 else None
    own = None if weights is None else null.weighted(weights * null.scale)
    return _share(tau2, residual_tau2(null, chosen["tau2"], own)[0].value)


def _share(tau2: float, before: float) -> float | None:
    return 100.0 * max(0.0, 1.0 - tau2 / before) if before > 0.0 else None


def _statistics(
    data: Residual, t: float, random: bool, restricted: bool, fit: Weighted
) -> FitStatistics:
    """Fit statistics at the coefficients that are shown, whatever their weights."""
    at = data.at(t)
    n = data.df if restricted else data.k
    rest = fit.rest / fit.root
    q = at.q if fit is at else float(rest @ (rest / (data.v + t)))
    log = n * math.log(2.0 * math.pi * data.scale) + float(np.log(data.v + t).sum()) + q
    if restricted:
        log += at.log_det - data.log_det_basis
    parameters = data.p + random
    deviance = log
    if not restricted:
        # Against the model that fits every trial exactly.
        log_v = data.k * math.log(2.0 * math.pi * data.scale) + float(np.log(data.v).sum())
        deviance = log - log_v
    return fit_statistics(-0.5 * log, parameters, n, deviance)


def _about(found: Tau2, tau2_ci: Interval | None, k: int, p: int, made: Design) -> list[Note]:
    notes = []
    moderators = p - made.intercept
    if moderators and k < 10 * moderators:
        text = (
            f"{counted(k, 'trial')} for {moderators} moderator "
            f"column{'s' if moderators > 1 else ''}: with "
            "fewer than ten for each, chance findings are likely and power is low."
        )
        notes.append(Note("few-for-moderators", text))
    if found.n_optima > 1:
        places = ", ".join(significant(t, 4) for t in found.optima)
        text = (
            f"The likelihood of tau² has {found.n_optima} local maxima, at {places}; the highest "
            "is used. Other programs may stop at another."
        )
        notes.append(Note("several-optima", text))
    if tau2_ci is not None and tau2_ci.high == 0.0:
        text = (
            "The trials agree more closely with the regression than chance allows at this level, "
            "so the interval of tau² is only 0."
        )
        notes.append(Note("tau2-interval-empty", text))
    return notes


def _methods(code: str, chosen: dict[str, str], random: bool) -> tuple[Method, ...]:
    extra = {"HK": (_HK,), "HK-guarded": (_HK,), "KR": (_KR,)}.get(code, ())
    if not random:
        return (_WLS, *extra)
    auto = (AUTO,) if chosen["interval"] == "auto" else ()
    tau2 = RESIDUAL_ESTIMATORS[chosen["tau2"]].method
    return (_WLS, *extra, *auto, tau2, HIGGINS_THOMPSON, _R2)
