"""Network meta-regression: how the effects of many treatments change with one covariate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import counted
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Column, Floats
from equipoise.models.correlated import TAU2, shared_effects, tau2_of
from equipoise.models.network.connect import check_connected
from equipoise.models.network.core import frozen
from equipoise.models.network.covariates import (
    ByStudy,
    Covariate,
    by_study,
    make_covariate,
    with_value,
)
from equipoise.models.network.fit import (
    INTERVALS,
    MODELS,
    PREDICTIONS,
    RUECKER,
    NetworkFit,
    network,
)
from equipoise.models.network.regression_fit import (
    NetworkRegression,
    NetworkSlope,
    SlopeTest,
    coded,
)
from equipoise.models.network.spread import check_given_tau2
from equipoise.models.network.variances import Likelihood, highest
from equipoise.num.dist import chi2_tail, critical, t_two_sided
from equipoise.num.linalg import gls, in_row_space, outside_row_space

SLOPES = ("common", "independent", "exchangeable")

COOPER = Method(
    "treatment-by-covariate interactions in networks",
    "Cooper, Sutton, Morris, Ades, Welton 2009, Stat Med 28:1861",
    "10.1002/sim.3594",
)
DIAS = Method(
    "meta-regression in networks",
    "Dias, Sutton, Welton, Ades 2013, Med Decis Making 33:618",
    "10.1177/0272989X13485157",
)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What was asked for, checked."""

    slopes: str
    model: str
    tau2: str | float
    interval: str
    prediction: str
    level: float


@dataclass(frozen=True, slots=True)
class _Solved:
    """Coefficients with their covariance, and what else the variances gave."""

    beta: Floats
    cov: Floats
    told: Floats
    tau2: float
    omega2: float | None
    q_rest: float
    notes: tuple[Note, ...]
    mean: tuple[float, float] | None = None


@typed
def network_regress(
    net: NetworkFit | Contrasts | Arms,
    covariate: ByStudy,
    *,
    data: object = None,
    study: Column = None,
    name: str | None = None,
    slopes: Literal["common", "independent", "exchangeable"] = "common",
    center: float | None = None,
    baseline: str | None = None,
    reference: str | None = None,
    measure: str | None = None,
    model: str | None = None,
    tau2: str | float | None = None,
    interval: str | None = None,
    prediction: str | None = None,
    level: float | None = None,
) -> NetworkRegression:
    """Regress the effects of a network on one covariate of its trials.

    Parameters
    ----------
    net
        A fitted network, whose contrasts and settings are used; contrasts; or arms with `measure`.
    covariate
        One value a study: a mapping from studies; the name of a column of `data`; or one value for
        each contrast. Numbers are a continuous covariate; words, True and False a categorical one.
    data, study
        A data frame or mapping of columns of any number of rows, and its column with the studies
        (``study``, ``studlab``, ``trial`` or ``author`` when not given).
    name
        What the covariate is called; the name of its column when not given.
    slopes
        ``common``: the effect of every treatment against the reference changes alike, so that
        trials of two others say nothing of the slope. ``independent``: each treatment has a slope
        of its own. ``exchangeable``: the slopes of the treatments vary about a mean one by a
        normal distribution, with REML.
    center
        Where effects are shown when no value is asked for; the mean of the trials, each counted
        once, when not given. Slopes do not depend on it.
    baseline
        The level that others are compared with; that of the most trials when not given.
    reference
        The treatment whose slope is 0; the network's when not given. What ``common`` and
        ``exchangeable`` assume depends on it.
    measure, model, tau2, interval, prediction, level
        As for :func:`equipoise.network`; those of the fitted network when not given.

    Returns
    -------
    NetworkRegression

    Raises
    ------
    NotEstimableError
        When the covariate is the same in all trials, or the trials cannot tell the slope.
    InputError
        On values that differ within a study, or an interval that the model does not have.
    UnknownNameError
        On unknown names and options.

    Notes
    -----
    The difference of treatments a and b in a trial with covariate z has the mean
    ``d_a - d_b + (β_a - β_b)(z - z̄)``, with ``d`` and ``β`` of the reference 0. All is generalised
    least squares with one tau², re-estimated beside the slopes. A slope that the trials cannot tell
    is named with the reason, and effects are refused only where they depend on it.

    Source: Cooper and others 2009, Stat Med 28:1861, doi:10.1002/sim.3594; Dias and others 2013,
    Med Decis Making 33:618, doi:10.1177/0272989X13485157. Checked against metafor in
    ``validation/values/network_regression.json``.
    """
    word = name or (covariate if isinstance(covariate, str) else "covariate")
    fitted = net if isinstance(net, NetworkFit) else None
    setting = _setting(fitted, slopes, model, tau2, interval, prediction, level)
    if fitted is None:
        assert not isinstance(net, NetworkFit)
        fitted = network(net, measure=measure, reference=reference, model="common")
    if reference is not None and reference not in fitted.treatments:
        raise UnknownNameError("reference", reference, fitted.treatments)
    values, notes = by_study(fitted.data, covariate, data, study, word)
    es, gone = with_value(fitted.data, values, word)
    check_connected(es, gone)
    ref = reference or fitted.reference
    treatments = tuple(sorted({*es.treat1, *es.treat2}, key=natural))
    if ref not in treatments:
        raise NotEstimableError(
            f"no trial of {ref} has a value of {word}", hint="another reference, or the values"
        )
    used = {s: values[s] for s in dict.fromkeys(es.study)}
    about = make_covariate(word, used, center, baseline)
    if gone:
        names = ", ".join(row.study for row in gone)
        notes.append(Note("left-out", f"Left out for want of a value of {word}: {names}."))
    return _fit(es, about, ref, treatments, setting, center, fitted, gone, notes)


def _setting(
    net: NetworkFit | None,
    slopes: str,
    model: str | None,
    tau2: str | float | None,
    interval: str | None,
    prediction: str | None,
    level: float | None,
) -> _Setting:
    if net is not None:
        fixed = net.tau2 if net.tau2_method == "given" else net.tau2_method or None
        model, tau2 = model or net.model, fixed if tau2 is None else tau2
        interval, prediction = interval or net.interval, prediction or net.prediction
        level = net.level if level is None else level
    found = _Setting(
        slopes,
        model or "random",
        "REML" if tau2 is None else tau2,
        interval or "Wald",
        prediction or "V",
        0.95 if level is None else level,
    )
    for kind, value, known in (
        ("assumption on slopes", found.slopes, SLOPES),
        ("model", found.model, MODELS),
        ("interval", found.interval, INTERVALS),
        ("prediction interval", found.prediction, PREDICTIONS),
    ):
        if value not in known:
            raise UnknownNameError(kind, value, known)
    if isinstance(found.tau2, str) and found.tau2 not in TAU2:
        raise UnknownNameError("estimator of tau²", found.tau2, tuple(TAU2))
    if not isinstance(found.tau2, str):
        check_given_tau2(found.tau2)
    if not 0.0 < found.level < 1.0:
        raise InputError(f"level {found.level:g}", hint="a number between 0 and 1, such as 0.95")
    if found.slopes == "exchangeable":
        if found.model != "random" or found.tau2 != "REML":
            raise InputError(
                "exchangeable slopes without REML",
                hint="model='random', tau2='REML': by ML they would depend on the centre",
            )
        if found.interval.startswith("HK"):
            raise InputError(f"interval {found.interval!r} with exchangeable slopes", hint="'t'")
    return found


def _fit(
    es: Contrasts,
    about: Covariate,
    ref: str,
    treatments: tuple[str, ...],
    setting: _Setting,
    center: float | None,
    net: NetworkFit,
    gone: tuple[Any, ...],
    notes: list[Note],
) -> NetworkRegression:
    own = setting.slopes != "common"
    X = _design(es, about, ref, treatments, own)
    narrow = X[:, : len(treatments) - 1]
    shared = _design(es, about, ref, treatments, False) if own else X
    if setting.slopes != "independent":
        _demand_slope(shared, len(treatments) - 1, es, about, ref)
    V, R = es.V(), shared_effects(es)
    before, _ = _tau2(narrow, es, V, R, setting)
    if setting.slopes == "exchangeable":
        solved = _exchangeable(X, shared, es, V, R, about)
    else:
        solved = _plain(X, es, V, R, setting)
    common = gls(X if setting.slopes != "exchangeable" else shared, es.yi, V)
    scale, df = _scaling(setting.interval, solved.q_rest, common.df)
    notes = [*net.notes, *notes, *solved.notes]
    if setting.interval != "Wald" and common.df < 1:
        text = "Q has no degrees of freedom, so normal intervals are shown."
        notes.append(Note("no-degrees-of-freedom-left", text))
    W = V + solved.tau2 * R
    test, equal = _tests(W, es, narrow, shared, X, setting, solved, (scale, df))
    found = _slopes(es, about, ref, treatments, setting, solved, scale, df)
    mean = None
    if solved.mean is not None:
        one = (solved.mean[0] / about.unit, scale * solved.mean[1] / about.unit**2)
        mean = _slope("", about.terms[0], one, setting, df, len(set(es.study)))
    notes += _remarks(found, setting, es, about, ref)
    random = setting.model == "random"
    named = (TAU2[setting.tau2],) if random and isinstance(setting.tau2, str) else ()
    r2 = 100.0 * max(0.0, 1.0 - solved.tau2 / before) if random and before > 0.0 else None
    place: float | str = about.levels[0] if about.levels else about.center
    return NetworkRegression(
        measure=es.measure,
        model=setting.model,
        interval=setting.interval,
        prediction=setting.prediction,
        level=setting.level,
        slopes_are=setting.slopes,
        treatments=treatments,
        reference=ref,
        covariate=about,
        center=place if center is None else float(center),
        k=len(set(es.study)),
        data=es,
        design=frozen(X),
        beta=frozen(solved.beta),
        cov=frozen(solved.cov),
        told=frozen(solved.told),
        slopes=found,
        mean_slope=mean,
        test=test,
        test_equal=equal,
        tau2=solved.tau2,
        tau2_method=_method(setting),
        tau2_without=before,
        omega2=None if solved.omega2 is None else solved.omega2 / about.unit**2,
        r2=r2,
        scale=scale,
        df=df,
        q=common.q if common.df else 0.0,
        q_df=common.df,
        q_p=chi2_tail(common.q, common.df),
        left_out=(*net.left_out, *gone),
        notes=tuple(dict.fromkeys(notes)),
        methods=(RUECKER, COOPER, DIAS, *named),
    )


def _method(setting: _Setting) -> str:
    if setting.model == "common":
        return ""
    return setting.tau2 if isinstance(setting.tau2, str) else "given"


def _design(
    es: Contrasts, about: Covariate, ref: str, treatments: tuple[str, ...], own: bool
) -> Floats:
    """Rows of the contrasts: treatments beside the reference, then slopes."""
    rows = []
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        z = about.row(about.values[study])
        rows.append(coded(one, z, treatments, ref, own) - coded(two, z, treatments, ref, own))
    return np.array(rows)


def _demand_slope(X: Floats, count: int, es: Contrasts, about: Covariate, ref: str) -> None:
    """Refuse a shared slope that the trials cannot tell."""
    for place, level in enumerate(about.terms, start=count):
        wanted = np.zeros(X.shape[1])
        wanted[place] = 1.0
        if in_row_space(X, wanted):
            continue
        of = f" of {level} against {about.levels[0]}" if level else ""
        rows = [i for i in range(len(es)) if ref in (es.treat1[i], es.treat2[i])]
        values = dict.fromkeys(about.values[es.study[i]] for i in rows)
        why = f"trials of {ref} against others, at {about.name} {_listed(values)}, do not tell it"
        raise NotEstimableError(
            f"the trials cannot tell how effects against {ref} change with {about.name}{of}",
            where=why,
            hint="slopes='independent', or a reference that was tried at several values",
        )


def _listed(values: Mapping[Any, Any]) -> str:
    shown = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")


def _tau2(
    X: Floats, es: Contrasts, V: Floats, R: Floats, setting: _Setting
) -> tuple[float, list[Note]]:
    if setting.model == "common":
        return 0.0, []
    if not isinstance(setting.tau2, str):
        return float(setting.tau2), []
    return tau2_of(setting.tau2, X, np.asarray(es.yi), V, R)


def _plain(X: Floats, es: Contrasts, V: Floats, R: Floats, setting: _Setting) -> _Solved:
    tau2, notes = _tau2(X, es, V, R, setting)
    at = gls(X, es.yi, V + tau2 * R if tau2 else V)
    return _Solved(at.beta, at.cov, X, tau2, None, at.q, _reworded(notes))


def _reworded(notes: list[Note]) -> tuple[Note, ...]:
    text = (
        "There are just enough comparisons to fit the model, so how much trials differ cannot be "
        "estimated; tau² counts as 0."
    )
    return tuple(Note(n.code, text) if n.code == "no-degrees-of-freedom" else n for n in notes)


def _exchangeable(
    X: Floats, shared: Floats, es: Contrasts, V: Floats, R: Floats, about: Covariate
) -> _Solved:
    """Slopes that vary about a mean: best linear unbiased prediction, variances by REML.

    The coefficients are the treatments and the predicted slopes; their covariance is that of the
    errors of prediction.
    """
    count = shared.shape[1] - 1
    D = X[:, count:]
    if about.levels and len(about.levels) > 2:
        raise InputError(
            f"exchangeable slopes of {counted(len(about.levels), 'level')}",
            hint="a number, or two levels",
        )
    if D.shape[1] < 3:
        raise NotEstimableError(
            f"exchangeable slopes of {counted(D.shape[1], 'treatment')}",
            hint="three or more beside the reference; slopes='common' or 'independent'",
        )
    y = np.asarray(es.yi)
    G = D @ D.T
    likelihood = Likelihood("REML", shared, y, V, [R, G])
    if not likelihood.told_apart():
        raise NotEstimableError(
            "the trials cannot tell how slopes vary from how trials vary",
            hint="slopes='common', or 'independent'",
        )
    start, _ = tau2_of("REML", shared, y, V, R)
    best, notes = highest(likelihood, 2, [(start, 0.0)])
    tau2, omega2 = (float(x) for x in best.theta)
    S = V + tau2 * R + omega2 * G
    at = gls(shared, y, S)
    # Treatments, then mean slope plus deviation of each treatment.
    n = X.shape[1]
    fixed = np.zeros((n, shared.shape[1]))
    fixed[:count, :count] = np.eye(count)
    fixed[count:, count] = 1.0
    moves = np.zeros((n, n - count))
    moves[count:] = np.eye(n - count)
    share = np.linalg.solve(S, omega2 * D @ moves.T).T
    rest = fixed - share @ shared
    beta = fixed @ at.beta + share @ (y - shared @ at.beta)
    cov = omega2 * moves @ moves.T - share @ (omega2 * D @ moves.T) + rest @ at.cov @ rest.T
    told = np.eye(n)
    mean = (float(at.beta[count]), float(at.cov[count, count]))
    text = "Predicted slopes and their intervals take both variances between trials as known."
    notes.append(Note("variances-taken-as-known", text))
    return _Solved(beta, 0.5 * (cov + cov.T), told, tau2, omega2, at.q, tuple(notes), mean)


def _scaling(interval: str, q: float, df: int) -> tuple[float, float]:
    if interval == "Wald" or df < 1:
        return 1.0, math.inf
    if interval == "t":
        return 1.0, float(df)
    factor = q / df
    return (max(1.0, factor) if interval == "HK-guarded" else factor), float(df)


def _tests(
    W: Floats,
    es: Contrasts,
    narrow: Floats,
    shared: Floats,
    X: Floats,
    setting: _Setting,
    solved: _Solved,
    how: tuple[float, float],
) -> tuple[SlopeTest, SlopeTest | None]:
    """That no effect changes, and that all change alike: differences of Q at the same tau²."""
    scale, df = how
    if setting.slopes == "exchangeable":
        # The mean slope, with its own covariance of fixed effects.
        D = X[:, narrow.shape[1] :]
        W = W + (solved.omega2 or 0.0) * (D @ D.T)
        none, one = gls(narrow, es.yi, W), gls(shared, es.yi, W)
        return SlopeTest.of(none.q - one.q, none.df - one.df, df, scale), None
    none, full = gls(narrow, es.yi, W), gls(X, es.yi, W)
    test = SlopeTest.of(none.q - full.q, none.df - full.df, df, scale)
    if setting.slopes == "common":
        return test, None
    one = gls(shared, es.yi, W)
    return test, SlopeTest.of(one.q - full.q, one.df - full.df, df, scale)


def _slopes(
    es: Contrasts,
    about: Covariate,
    ref: str,
    treatments: tuple[str, ...],
    setting: _Setting,
    solved: _Solved,
    scale: float,
    df: float,
) -> tuple[NetworkSlope, ...]:
    others = [t for t in treatments if t != ref]
    count, terms = len(others), about.terms
    named = [""] if setting.slopes == "common" else others
    out = []
    for i, treat in enumerate(named):
        for j, level in enumerate(terms):
            wanted = np.zeros(solved.beta.size)
            wanted[count + i * len(terms) + j] = 1.0 / about.unit
            trials = {
                study
                for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True)
                if (treat or ref) in (one, two)
            }
            why = _why(wanted, solved.told, es, about, treat, others, trials)
            told = (math.nan, math.nan)
            if not why:
                variance = scale * float(wanted @ solved.cov @ wanted)
                told = (float(wanted @ solved.beta), max(0.0, variance))
            out.append(_slope(treat, level, told, setting, df, len(trials), why))
    return tuple(out)


def _slope(
    treat: str,
    level: str,
    told: tuple[float, float],
    setting: _Setting,
    df: float,
    trials: int,
    why: str = "",
) -> NetworkSlope:
    """A slope from its estimate and variance."""
    estimate, se = told[0], math.sqrt(told[1])
    half = critical(setting.level, df) * se
    statistic = math.nan if why or not se else estimate / se
    p = math.nan if why else t_two_sided(statistic, df) if se else 1.0
    ci = Interval(estimate - half, estimate + half, setting.level, setting.interval)
    return NetworkSlope(treat, level, estimate, se, ci, statistic, p, trials, why)


def _why(
    wanted: Floats,
    told: Floats,
    es: Contrasts,
    about: Covariate,
    treat: str,
    others: list[str],
    trials: set[str],
) -> str:
    """Why the trials cannot tell a slope; blank where they can."""
    stuck = outside_row_space(told, wanted)
    if not stuck.any():
        return ""
    values = {about.values[study] for study in trials}
    if len(values) == 1:
        one = "the only trial" if len(trials) == 1 else f"all {counted(len(trials), 'trial')}"
        has = "has" if len(trials) == 1 else "have"
        return f"{one} of {treat} {has} {about.text(values.pop())}"
    places = [int(i) - len(others) for i in np.flatnonzero(stuck).tolist()]
    names = {others[i // len(about.terms)] for i in places if i >= 0} - {treat}
    mixed = sorted(names, key=natural)
    if mixed:
        return f"the trials tell the slope of {treat} only mixed with that of {', '.join(mixed)}"
    return f"its trials compare {treat} at too few values of {about.name}"


def _remarks(
    slopes: tuple[NetworkSlope, ...],
    setting: _Setting,
    es: Contrasts,
    about: Covariate,
    ref: str,
) -> list[Note]:
    notes = []
    silent = [s.treatment for s in slopes if s.why]
    if silent:
        text = (
            f"The trials cannot tell how the effects of {', '.join(dict.fromkeys(silent))} change; "
            "they are shown only where that does not matter."
        )
        notes.append(Note("slopes-not-told", text))
    if setting.slopes != "independent":
        away = {
            study
            for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True)
            if ref not in (one, two)
        }
        told = {
            study
            for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True)
            if ref in (one, two)
        }
        if setting.slopes == "common" and away - told:
            k = len(away - told)
            which = counted(k, "trial")
            text = (
                f"With one slope for all treatments against {ref}, {which} without {ref} "
                "say nothing of it."
            )
            notes.append(Note("trials-silent-on-slope", text))
    k = len(set(es.study))
    if k < 10 * len(about.terms):
        text = f"With {counted(k, 'trial')}, a slope is easily missed and easily found by chance."
        notes.append(Note("few-trials", text))
    text = (
        f"Trials were not randomised to {about.name}: a change with it may be that of something "
        "else."
    )
    notes.append(Note("between-trials", text))
    return notes
