"""Selection models: the mean effect if the chance of being published depends on the p value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import fixed
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.likelihood import Likelihood, Smooth, Steps
from equipoise.models.bias.rows import (
    BiasResult,
    Floats,
    Rows,
    check_level,
    effect_text,
    number,
    p_text,
    rows,
    trials,
)
from equipoise.models.bias.search import Box, Peak, box_of, profile_bounds, search
from equipoise.models.bias.weights import (
    ALTERNATIVES,
    FAMILIES,
    OTHER_NAMES,
    STEP,
    TYPES,
    VEVEA_WOODS,
    WOODS_STEPS,
    PValues,
    woods,
)
from equipoise.models.heterogeneity import Spread, estimate_tau2
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import chi2_quantile, chi2_tail, critical, normal_two_sided

INTERVALS = ("auto", "Wald", "profile")

#: Largest chance of an interval of p values, relative to the first.
MOST = 100.0
_LEAST = 1e-8
#: The quadrature is refined until its panels move the log-likelihood by less than this.
_QUADRATURE = 1e-9
_PANELS = (16, 32, 64, 128)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SelectionFit(BiasResult):
    """The mean effect under a model of selective publication.

    Attributes
    ----------
    type, alternative, steps
        The selection function; which results are favoured; upper ends of its intervals of p
        values (empty for smooth functions).
    measure, k
        Code of the measure; number of trials.
    estimate, se, statistic, p_value, ci
        The mean before selection, on the scale of analysis; its standard error from the observed
        information, z, two-sided p value, and interval.
    tau2, tau2_se
        Variance between trials by maximum likelihood; NaN where it is held at 0.
    delta_names, delta, delta_se, delta_ci
        Parameters of the selection function: for steps the relative chance of each interval, the
        first being 1; standard errors are NaN for what is fixed or held at a bound.
    counts
        Trials in each interval of p values.
    loglik, loglik_none, lrt, lrt_df, lrt_p
        Log-likelihoods with and without selection, and the likelihood ratio test.
    unadjusted, unadjusted_ci, unadjusted_tau2
        The mean without selection, by maximum likelihood too.
    n_optima
        How many distinct local maxima were seen; the highest is shown.
    flat
        Whether the likelihood hardly tells the parameters.
    quadrature_error
        By how much a finer quadrature moves the log-likelihood; 0 for steps, whose integrals are
        closed.
    level
        Of the intervals.
    study, yi, vi, pi, weight
        The trials, their p values, and their relative chances of being published.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    type: str
    alternative: str
    steps: tuple[float, ...]
    measure: str
    k: int
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Interval
    tau2: float
    tau2_se: float
    delta_names: tuple[str, ...]
    delta: tuple[float, ...]
    delta_se: tuple[float, ...]
    delta_ci: tuple[Interval, ...]
    counts: tuple[int, ...]
    loglik: float
    loglik_none: float
    lrt: float
    lrt_df: int
    lrt_p: float
    unadjusted: float
    unadjusted_ci: Interval
    unadjusted_tau2: float
    n_optima: int
    flat: bool
    quadrature_error: float
    level: float
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    pi: NDArray[np.float64]
    weight: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def chance(self, p: Sequence[float] | Floats) -> Floats:
        """Relative chance of being published at these p values: the selection function."""
        at = np.asarray(p, dtype=np.float64)
        if not ((at >= 0.0) & (at <= 1.0)).all():
            raise InputError("p values outside 0 to 1", hint="numbers between 0 and 1")
        if self.steps:
            return np.array(self.delta)[np.searchsorted(np.array(self.steps), at, side="left")]
        family = FAMILIES[self.type]
        inside = np.clip(at, family.p_min, 1.0 - family.p_min)
        with np.errstate(divide="ignore"):
            place = PValues(inside, np.log(inside), np.log1p(-inside))
        return np.asarray(np.exp(family.weigh(place, np.array(self.delta))[0]))

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial: p value and relative chance."""
        columns: dict[str, Any] = {
            "study": self.study,
            "yi": self.yi,
            "vi": self.vi,
            "p": self.pi,
            "weight": self.weight,
        }
        return make_frame(columns, backend)

    def _shown(self) -> str:
        return effect_text(measure_of(self.measure), self.estimate, self.ci)

    def _headline(self) -> str:
        test = "" if math.isnan(self.lrt_p) else f"; selection {p_text(self.lrt_p)}"
        return f"{self.type} {self.measure} {self._shown()}{test}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        favoured = {"greater": "larger", "less": "smaller"}.get(self.alternative)
        what = f"{favoured} estimates favoured" if favoured else "either direction favoured"
        yield f"Selection model ({self.type}, {what}) of {trials(self.k)}, {m.name}"
        yield ""
        before = effect_text(m, self.unadjusted, self.unadjusted_ci)
        yield f"Without selection: {before}, tau² {number(self.unadjusted_tau2)}"
        held = ", held at 0" if self.tau2 == 0.0 else f" (standard error {number(self.tau2_se)})"
        yield f"With selection: {self._shown()}, {self.ci.method}; tau² {number(self.tau2)}{held}"
        yield (
            f"z {fixed(self.statistic, 2)}, {p_text(self.p_value)}; estimate "
            f"{number(self.estimate, 5)}, standard error {number(self.se)}"
        )
        if not math.isnan(self.lrt_p):
            yield (
                f"Likelihood ratio test of selection: {number(self.lrt)} on {self.lrt_df} df, "
                f"{p_text(self.lrt_p)}"
            )
        yield "Selection function:"
        for i, (name, value) in enumerate(zip(self.delta_names, self.delta, strict=True)):
            seen = f", {trials(self.counts[i])}" if self.counts else ""
            se = self.delta_se[i]
            spread = "" if math.isnan(se) else f" (standard error {number(se, 3)})"
            yield f"  {name}: {number(value)}{spread}{seen}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def selection(
    es: Contrasts | PairwiseFit,
    type: str = "three-parameter",
    *,
    alternative: str,
    steps: Sequence[float] | None = None,
    delta: Sequence[float] | str | None = None,
    interval: str = "auto",
    level: float = 0.95,
) -> SelectionFit:
    """Estimate the mean effect if the chance of being published depends on the p value.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    type
        ``three-parameter`` (one step at 0.025), ``step`` (at `steps`; also called
        ``Vevea-Hedges``), ``Vevea-Woods`` (assumed chances), or a smooth function: ``beta``,
        ``halfnormal``, ``negexp``, ``logistic``, ``power``.
    alternative
        Which results are favoured: ``greater`` (large estimates), ``less`` (small ones) or
        ``two-sided`` (either). It is asked for, because no program can know it.
    steps
        Upper ends of the intervals of p values, one-sided unless `alternative` is two-sided.
    delta
        Chances to assume instead of estimating them, one for each interval, the first 1; for
        ``Vevea-Woods`` also a severity: ``moderate-one-sided`` (default), ``severe-one-sided``,
        ``moderate-two-sided``, ``severe-two-sided``.
    interval
        Of the mean: ``Wald``, ``profile`` (likelihood), or ``auto``: profile where the likelihood
        hardly tells the parameters or one of selection lies at a bound, else Wald.
    level
        Of the intervals.

    Returns
    -------
    SelectionFit

    Raises
    ------
    UnknownNameError
        An unknown type, alternative, severity or interval.
    InputError
        Steps or chances that make no selection function.
    NotEstimableError
        An interval of p values without a trial, fewer trials than parameters plus one, or a
        likelihood without a top.

    Notes
    -----
    Maximum likelihood with analytic derivatives. For steps the integrals are closed; for the
    others they are Gauss–Legendre sums, refined until a finer one moves the log-likelihood by less
    than 1e-9. P values of the beta and power functions are moved to lie between 1e-5 and 1 - 1e-5,
    where these functions would be 0 or infinite, as metafor does. Bounds: chances 100, parameters
    of smooth functions 100.

    The likelihood ratio test has as many degrees of freedom as the selection function has free
    parameters. For halfnormal, negexp, logistic and power no selection lies at a bound, so that
    its p value is too large rather than too small.

    Source: Hedges 1992, Stat Sci 7:246, doi:10.1214/ss/1177011364; the papers in ``methods``.

    Checked against metafor in ``validation/values/bias_selection.json``.
    """
    check_level(level)
    if alternative not in ALTERNATIVES:
        raise UnknownNameError("alternative", alternative, ALTERNATIVES)
    if interval not in INTERVALS:
        raise UnknownNameError("interval", interval, INTERVALS)
    type = OTHER_NAMES.get(type, type)
    ends, chances = _function(type, steps, delta)
    found = rows(es, least=2, what="a selection model")
    sign = -1.0 if alternative == "less" else 1.0
    unit = 4.0 ** math.floor(math.log2(float(np.median(found.v))) / 2.0)
    y, v = sign * found.y / math.sqrt(unit), found.v / unit
    two_sided = alternative == "two-sided"
    lay = _Laid(type, ends, chances, two_sided)
    model = lay.over(y, v)
    _check_enough(found, model, ends, chances)
    # Far from the trials, squares may overflow; the likelihood counts as 0 there.
    with np.errstate(over="ignore", invalid="ignore"):
        fitted = _climbed(lay, y, v, model)
        return _told(found, lay, fitted, alternative, sign, unit, interval, level)


def _function(
    type: str, steps: Sequence[float] | None, delta: Sequence[float] | str | None
) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
    """The ends of the intervals (none for smooth functions), and the chances that are assumed."""
    if type not in TYPES:
        raise UnknownNameError("type of selection", type, TYPES)
    if type in FAMILIES or type == "three-parameter":
        for name, value in (("steps", steps), ("delta", delta)):
            if value is not None:
                raise InputError(f"{name} with {type}, which has its own", hint="type='step'")
        return ((0.025, 1.0), None) if type == "three-parameter" else ((), None)
    if type == "Vevea-Woods":
        delta = "moderate-one-sided" if delta is None else delta
        steps = WOODS_STEPS if steps is None else steps
    elif isinstance(delta, str):
        raise InputError(f"delta={delta!r} with steps", hint="type='Vevea-Woods'")
    ends = _ends((0.025,) if steps is None else steps)
    if delta is None:
        return ends, None
    return ends, _assumed(woods(delta) if isinstance(delta, str) else tuple(delta), len(ends))


def _ends(steps: Sequence[float]) -> tuple[float, ...]:
    ends = tuple(float(step) for step in steps)
    if not ends or any(not 0.0 < step <= 1.0 for step in ends):
        raise InputError(f"steps {ends}", hint="p values between 0 and 1, such as (0.025, 0.5)")
    if any(b <= a for a, b in itertools.pairwise(ends)):
        raise InputError(f"steps {ends} do not ascend", hint="from small to large, each once")
    ends = ends if ends[-1] == 1.0 else (*ends, 1.0)
    if len(ends) < 2:
        raise InputError("one step at 1 is no selection", hint="steps=(0.025,)")
    return ends


def _assumed(chances: tuple[float, ...], n: int) -> tuple[float, ...]:
    if len(chances) != n:
        raise InputError(f"{len(chances)} chances for {n} intervals", hint="one for each interval")
    if any(not (math.isfinite(c) and c > 0.0) for c in chances):
        raise InputError(f"chances {chances}", hint="numbers above 0, the first 1")
    return tuple(float(c) for c in chances)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A selection function that can be laid over trials."""

    type: str
    steps: tuple[float, ...]
    chances: tuple[float, ...] | None
    two_sided: bool

    def over(self, y: Floats, v: Floats, panels: int = _PANELS[0]) -> Steps | Smooth:
        if self.steps:
            return Steps(y, v, self.steps, self.two_sided, self.chances)
        return Smooth(y, v, FAMILIES[self.type], self.two_sided, panels)

    def bounds(self, q: int) -> tuple[Floats, Floats, Floats]:
        """Lower and upper bounds of the free parameters, and what means no selection."""
        if self.steps:
            return np.full(q, _LEAST), np.full(q, MOST), np.ones(q)
        family = FAMILIES[self.type]
        return np.array(family.low), np.array(family.high), np.array(family.none)

    @property
    def method(self) -> Method:
        if not self.steps:
            return FAMILIES[self.type].method
        return VEVEA_WOODS if self.type == "Vevea-Woods" else STEP


def _check_enough(
    found: Rows,
    model: Steps | Smooth,
    ends: tuple[float, ...],
    chances: tuple[float, ...] | None,
) -> None:
    """Refuse what the trials cannot tell."""
    need = model.q + 3
    if found.k < need:
        raise NotEstimableError(
            f"{trials(found.k)} for {model.q + 2} parameters (mean, tau² and {model.q} of "
            f"selection); at least {need} are needed",
            hint="type='Vevea-Woods', whose chances are assumed",
        )
    if isinstance(model, Steps) and chances is None:
        seen = np.bincount(model.group, minlength=len(ends))
        for name, many in zip(_interval_names(ends), seen, strict=True):
            if many == 0:
                raise NotEstimableError(
                    f"no trial has a p value in {name}, so its chance cannot be told",
                    where=f"steps {ends}",
                    hint="fewer steps, other steps, or the other alternative",
                )


def _interval_names(ends: tuple[float, ...]) -> tuple[str, ...]:
    """The intervals of p values in words."""
    names = []
    below = 0.0
    for end in ends:
        names.append(f"{below:g} < p ≤ {end:g}" if below else f"p ≤ {end:g}")
        below = end
    return tuple(names)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A fit in scaled units."""

    f: Likelihood
    peak: Peak
    box: Box
    mu: float
    tau2: float
    se: float
    loglik_none: float
    error: float


def _climbed(lay: _Laid, y: Floats, v: Floats, model: Steps | Smooth) -> _Fitted:
    spread = Spread(y, v)
    tau2 = estimate_tau2(spread, "ML").value
    t = tau2 / spread.scale
    total, mean, _, _ = spread.profile(t)
    mu = spread.origin + mean * math.sqrt(spread.scale)
    none = float(-0.5 * (np.log(2.0 * math.pi * (v + tau2)) + (y - mu) ** 2 / (v + tau2)).sum())
    low, high, start = lay.bounds(model.q)
    box = box_of(y, v, low, high)
    f = Likelihood(y, v, model)
    size = max(tau2, 0.5 * float(np.median(v)))
    peak = search(f, np.concatenate([[mu, tau2], start]), size, box)
    error = 0.0
    if isinstance(model, Smooth):
        for panels in _PANELS[1:]:
            finer = Likelihood(y, v, lay.over(y, v, panels))
            error = abs(finer.value(peak.x) - peak.slope.value)
            if error < _QUADRATURE:
                break
            f = finer
            again = search(f, peak.x, size, box)
            peak = replace(again, n_optima=peak.n_optima)
    return _Fitted(f, peak, box, mu, tau2, math.sqrt(spread.scale / total), none, error)


def _told(
    found: Rows,
    lay: _Laid,
    fit: _Fitted,
    alternative: str,
    sign: float,
    unit: float,
    interval: str,
    level: float,
) -> SelectionFit:
    root_unit = math.sqrt(unit)
    x, free = fit.peak.x, fit.peak.free
    se, solid = _standard_errors(fit.peak)
    none = np.array(lay.bounds(len(x) - 2)[2]) if len(x) > 2 else np.empty(0)
    vague = bool((se[2:][free[2:]] > 2.0 * np.maximum(x[2:], 1.0 + none)[free[2:]]).any())
    flat = vague or not solid
    unsure = flat or not free[2:].all()
    use_profile = interval == "profile" or (interval == "auto" and unsure)
    z = critical(level)
    if use_profile:
        ends = profile_bounds(fit.f, fit.peak, fit.box, 0.5 * chi2_quantile(level, 1.0))
        how = "profile likelihood"
    else:
        ends = (float(x[0] - z * se[0]), float(x[0] + z * se[0]))
        how = "Wald"
    low, high = sorted(sign * root_unit * end for end in ends)
    flat = flat or math.isinf(high - low)
    k = found.k
    loglik = fit.peak.slope.value - k * math.log(root_unit)
    loglik_none = fit.loglik_none - k * math.log(root_unit)
    q = len(x) - 2
    lrt = max(0.0, 2.0 * (loglik - loglik_none)) if q else math.nan
    estimate, half = sign * root_unit * float(x[0]), z * fit.se * root_unit
    before = sign * root_unit * fit.mu
    names, delta, delta_se, delta_ci = _parameters(lay, x, se, z, level)
    se_mean = float(se[0]) * root_unit
    statistic = estimate / se_mean if se_mean > 0.0 else math.nan
    seen = ()
    if isinstance(fit.f.model, Steps):
        seen = tuple(np.bincount(fit.f.model.group, minlength=len(lay.steps)).tolist())
    p = PValues.of(sign * found.y / np.sqrt(found.v), lay.two_sided, 0.0).p
    weight = np.exp(fit.f.model.observed(x[2:]).log[:, 0])
    notes = _notes(found, lay, fit, flat, solid, seen)
    return SelectionFit(
        type=lay.type,
        alternative=alternative,
        steps=lay.steps,
        measure=found.es.measure,
        k=k,
        estimate=estimate,
        se=se_mean,
        statistic=statistic,
        p_value=normal_two_sided(statistic) if not math.isnan(statistic) else math.nan,
        ci=Interval(low, high, level, how),
        tau2=float(x[1]) * unit,
        tau2_se=float(se[1]) * unit,
        delta_names=names,
        delta=delta,
        delta_se=delta_se,
        delta_ci=delta_ci,
        counts=seen,
        loglik=loglik,
        loglik_none=loglik_none,
        lrt=lrt,
        lrt_df=q,
        lrt_p=chi2_tail(lrt, q) if q else math.nan,
        unadjusted=before,
        unadjusted_ci=Interval(before - half, before + half, level, "Wald"),
        unadjusted_tau2=fit.tau2 * unit,
        n_optima=fit.peak.n_optima,
        flat=flat,
        quadrature_error=fit.error,
        level=level,
        study=found.es.study,
        yi=read_only(found.y),
        vi=read_only(found.v),
        pi=read_only(p),
        weight=read_only(weight),
        left_out=found.left_out,
        notes=(*found.notes, *notes),
        methods=(lay.method,),
    )


def _standard_errors(peak: Peak) -> tuple[Floats, bool]:
    """Standard errors by the observed information, and whether that is sound.

    A tau² of 0 is held; a parameter of selection at a bound is held only where the information
    with it cannot be inverted, because holding it would call the mean better known than it is.
    """
    out = np.full(len(peak.x), np.nan)
    loose = peak.free | (np.arange(len(peak.x)) >= 2)
    for at in (np.flatnonzero(loose), np.flatnonzero(peak.free)):
        info = -peak.slope.hessian[np.ix_(at, at)]
        size = np.sqrt(np.maximum(np.abs(np.diag(info)), 1e-300))
        values, turn = np.linalg.eigh(info / np.outer(size, size))
        if (values > 1e-9 * values[-1]).all():
            out[at] = np.sqrt((turn * turn / values).sum(axis=1)) / size
            return out, True
    return out, False


def _parameters(
    lay: _Laid, x: Floats, se: Floats, z: float, level: float
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...], tuple[Interval, ...]]:
    """Names, values, standard errors and Wald intervals of the selection function."""
    values, errors = x[2:].tolist(), se[2:].tolist()
    if not lay.steps:
        names: tuple[str, ...] = FAMILIES[lay.type].names
    else:
        names = _interval_names(lay.steps)
        if lay.chances is not None:
            values, errors = list(lay.chances), [math.nan] * len(names)
        else:
            values, errors = [1.0, *values], [math.nan, *errors]
    most = MOST
    intervals = tuple(
        Interval(math.nan, math.nan, level, "")
        if math.isnan(error)
        else Interval(max(0.0, value - z * error), min(most, value + z * error), level, "Wald")
        for value, error in zip(values, errors, strict=True)
    )
    return names, tuple(values), tuple(errors), intervals


def _notes(
    found: Rows, lay: _Laid, fit: _Fitted, flat: bool, solid: bool, seen: tuple[int, ...]
) -> Iterator[Note]:
    """What to know about a selection model."""
    k = found.k
    if flat:
        text = (
            "The likelihood is flat: these trials hardly tell the selection function, and many "
            "others fit as well. Read the interval, not the estimate."
        )
        yield Note("flat-likelihood", text)
    if not solid:
        text = "The observed information cannot be inverted, so there are no standard errors."
        yield Note("no-standard-errors", text)
    if fit.peak.n_optima > 1:
        text = (
            f"{fit.peak.n_optima} local maxima of the likelihood were seen; the highest is shown. "
            "Other programs may stop at another."
        )
        yield Note("several-optima", text)
    held = [i for i in np.flatnonzero(~fit.peak.free).tolist() if i >= 2]
    if held:
        text = "A parameter of selection lies at a bound: the trials tell only which side it is on."
        yield Note("at-a-bound", text)
    if lay.chances is not None:
        text = "The chances are assumed, not estimated: this asks what if, and tests nothing."
        yield Note("assumed-selection", text)
    elif seen and min(seen) < 4:
        which = _interval_names(lay.steps)[int(np.argmin(seen))]
        text = f"Only {trials(min(seen))} with {which}: its chance rests on next to nothing."
        yield Note("thin-interval", text)
    if k < 20 and lay.chances is None:
        text = f"With {trials(k)}, a selection model is a sensitivity analysis at most."
        yield Note("few-trials", text)
    text = (
        "It assumes that only the p value decides about publication, in the same way for all "
        "trials, and that true effects are normal; asymmetry from other causes looks the same."
    )
    yield Note("sensitivity-analysis", text)
