"""The synthesis of one comparison over trials: common or random effects, and what to know."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, quick
from equipoise.core.table import counted, percent, significant
from equipoise.effects.columns import LEAST, MOST, Column, numbers, read_columns, refuse_far
from equipoise.effects.contrasts import Contrasts, LeftOut, contrasts, effect_sizes
from equipoise.effects.measures import measure_of
from equipoise.effects.reported import OTHER_NAME
from equipoise.effects.suspects import repeated_study
from equipoise.models.estimators import estimate, estimator_method
from equipoise.models.heterogeneity import (
    HIGGINS_THOMPSON,
    Heterogeneity,
    Spread,
    Tau2,
    estimate_tau2,
    heterogeneity,
)
from equipoise.models.intervals import (
    AUTO,
    INTERVALS,
    PREDICTIONS,
    IntervalRule,
    Moments,
    choose_interval,
    kenward_roger,
    other_intervals,
    prediction_interval,
    usual_intervals,
)
from equipoise.models.pairwise_result import WEIGHTS, OnReaderScale, PairwiseResult
from equipoise.models.presets import MODELS, PRESETS, given_tau2, settings
from equipoise.models.proportion import ProportionBeyond, proportion_beyond
from equipoise.models.report import effect_text, report, summary_lines, trials
from equipoise.models.tau2_intervals import I2_FROM_Q, TAU2_INTERVALS, interval_of_tau2, q_based
from equipoise.num.dist import t_two_sided

__all__ = [
    "MODELS",
    "PRESETS",
    "OnReaderScale",
    "PairwiseFit",
    "pairwise",
    "refit",
]


@quick
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PairwiseFit(PairwiseResult):
    """A synthesis: the numbers of :class:`PairwiseResult`, and how they are told."""

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*summary_lines(self), *(f"Note: {note}" for note in self.notes)])

    def report(self) -> str:
        """Return paragraphs for the methods and results of a paper, with numbered references."""
        return report(self)

    def proportion_beyond(self, threshold: float, side: str = "above") -> ProportionBeyond:
        """Estimate the share of true effects beyond a threshold, on the scale of analysis.

        See :func:`equipoise.models.proportion.proportion_beyond`.
        """
        return proportion_beyond(self, threshold, side)

    def __repr__(self) -> str:
        spread = "" if self.k == 1 else f"; tau² {significant(self.tau2)}, I² {percent(self.i2)}"
        return f"<PairwiseFit {self.measure} {effect_text(self)}{spread}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in summary_lines(self) if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


@typed_late
def pairwise(
    es: Contrasts | object = None,
    *,
    measure: str | None = None,
    model: str | None = None,
    tau2: str | float | None = None,
    interval: str | None = None,
    pi: str | None = None,
    i2: str | None = None,
    tau2_interval: str | None = None,
    weights: Column = None,
    weighted: bool = True,
    level: float = 0.95,
    preset: str = "cochrane-2025",
    **columns: Any,
) -> PairwiseFit:
    """Pool the effects of one comparison over independent trials.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial (:func:`equipoise.effect_sizes`,
        :func:`equipoise.contrasts`); or a data frame (pandas, Polars, PyArrow) or a dict of
        columns, with `measure` and `columns`.
    measure, columns
        With a frame, or with arrays and no `es`: the measure, and what
        :func:`equipoise.effect_sizes` takes (``events1="deaths", n1="treated", ...``) or
        :func:`equipoise.contrasts` (``yi="log_rr", sei="se"``; the measure may then be left out).
    model
        ``random`` (effects differ between trials) or ``common`` (one effect).
    tau2
        Estimator of the variance between trials: a code of
        :data:`equipoise.models.estimators.ESTIMATORS` (``REML``, ``DL``, ``PM``, ``ML``, ``EB``,
        ``PMM``, ``HE``, ``HS``, ``HSk``, ``SJ``, ``DLIT``, ``SJIT``), ``GENQ`` or ``GENQM`` with
        `weights`, or a number.
    interval
        ``Wald``, ``t``, ``HK``, ``HK-guarded``, ``HK-wider`` (the wider of HK and Wald),
        ``HK-IQWiG6`` (guarded where HK is narrower than DerSimonian and Laird's), ``KR``
        (Kenward–Roger, with REML), or ``auto``: Hartung–Knapp for more than two trials and tau²
        above 0, guarded where it would be narrower than Wald, and Wald otherwise. A note says when
        another interval than plain Hartung–Knapp is shown, and states both.
    pi
        Prediction interval: ``t`` (k - 1 degrees of freedom, the confidence interval's variance),
        ``V`` (k - 1, plain variance), ``HTS`` (k - 2, plain variance), ``S`` (normal, plain
        variance), ``HK`` and ``HK-PR`` (k - 1 and k - 2, Hartung–Knapp variance), ``KR`` and
        ``KR-PR`` (Kenward–Roger's degrees of freedom, and one less), ``metafor`` (quantile and
        variance of the confidence interval), or ``none``.
    i2
        ``tau2``: I² and H² from tau² and the typical variance. ``Q``: from Q alone.
    tau2_interval
        ``QP`` (Q-profile), ``PL`` (profile likelihood, with REML or ML), ``BJ`` and ``J``
        (generalised Q with weights 1/v and 1/√v), ``GENQ`` (with `weights`), or ``none``.
    weights
        Weights of one's own for the mean, one a row or the name of a column of the frame: above
        zero, on any scale. ``GENQ`` and ``GENQM`` use them for tau² too.
    weighted
        False for the plain mean of the estimates.
    level
        Level of all intervals.
    preset
        A name of :data:`equipoise.models.presets.PRESETS`, which fills in what is not given above:
        ``cochrane-2025``, ``metafor``, ``meta``, ``meta7``, ``meta4``, ``revman5``, ``bmj``,
        ``jama``, ``iqwig5``, ``iqwig6``, ``cinema``.

    Returns
    -------
    PairwiseFit

    Raises
    ------
    InputError
        A variance that is not above zero, rows that share a group, settings that do not go
        together, weights that are not above zero, or a level outside 0 to 1.
    NotEstimableError
        No row has an estimate.
    UnknownNameError
        An unknown name, with the nearest known one.

    Notes
    -----
    Checked against metafor and meta in ``validation/``.

    Examples
    --------
    >>> trials = {"study": ["A", "B"], "yi": [-0.5, -0.2], "vi": [0.04, 0.03]}
    >>> pairwise(trials, measure="RR", yi="yi", vi="vi", study="study", model="common").k
    2
    """
    rows = _contrasts(es, measure, columns)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    if weights is not None and not weighted:
        raise InputError("weights together with weighted=False", hint="one of the two")
    weighting = "given" if weights is not None else "inverse variance" if weighted else "equal"
    chosen = settings(
        preset, tau2, weighting, model=model, interval=interval, pi=pi, i2=i2,
        tau2_interval=tau2_interval,
    )  # fmt: skip
    if weights is not None:
        rows = _with_weights(rows, weights, None if isinstance(es, Contrasts) else es)
    return _fit(rows, chosen, level, preset)


def refit(fit: PairwiseFit, es: Contrasts) -> PairwiseFit:
    """Pool other effects with the settings of a fit; a rule such as ``auto`` decides anew.

    Weights of the reviewer's own are in the column ``weights`` of ``es.raw``.
    """
    return _fit(es, dict(fit.asked), fit.level, fit.preset)


def _contrasts(es: object, measure: str | None, columns: dict[str, Any]) -> Contrasts:
    """The rows to pool: as given, or computed from columns."""
    if isinstance(es, Contrasts):
        given = [*columns, *(["measure"] if measure is not None else [])]
        if given:
            raise InputError(
                f"{given[0]} beside effects that are already computed",
                hint="a frame as the first argument, or effect_sizes() with the columns",
            )
        return es
    if es is None and not columns:
        raise InputError(
            "nothing to pool", hint="effect_sizes(...), or a frame with the names of its columns"
        )
    maker = contrasts if "yi" in columns else effect_sizes
    known = set(inspect.signature(maker).parameters) - {"data", "measure"}
    for name in columns:
        if name not in known:
            raise UnknownNameError("argument", name, sorted(known | _OWN))
    if "yi" in columns:
        return contrasts(**columns, measure=measure or "GEN", data=es)
    if measure is None:
        raise InputError("columns without a measure", hint="measure='RR', or yi= with vi= or sei=")
    return effect_sizes(measure, **columns, data=es)


#: The arguments of `pairwise` itself.
_OWN = {
    *("measure", "model", "tau2", "interval", "pi", "i2", "tau2_interval"),
    *("weights", "weighted", "level", "preset"),
}


def _with_weights(es: Contrasts, weights: Column, data: object) -> Contrasts:
    """The rows with the weights as a column of what is known about them."""
    column = read_columns(data, {WEIGHTS: weights})[WEIGHTS]
    if len(column) != len(es):
        raise InputError(
            f"{counted(len(column), 'weight')} for {counted(len(es), 'row')}",
            hint="one weight for each row",
        )
    values = numbers(WEIGHTS, column, es.study)
    for row in np.flatnonzero(~(values > 0.0)).tolist():
        raise InputError(
            f"weight {values[row]:g}", where=f"study {es.study[row]}", hint="a weight above zero"
        )
    return dataclasses.replace(es, raw={**es.raw, WEIGHTS: values})


def _fit(es: Contrasts, chosen: dict[str, str], level: float, preset: str) -> PairwiseFit:
    measure = measure_of(es.measure)
    keep, left_out, notes = _usable(es)
    if len(keep) < len(es):
        es = es.take(keep)
    _check_directions(es)
    yi, vi = es.yi, es.vi
    spread = Spread(yi, vi)
    random = chosen["model"] == "random"
    own = _own_weights(es, chosen["weighting"])
    tau2 = _tau2(spread, chosen["tau2"], own) if random else Tau2(0.0, "no tau²")
    moments, weights = _moments(spread, tau2.value, own)
    moments = _more_moments(spread, moments, chosen) if random and spread.k > 1 else moments
    usual = usual_intervals(moments, level, random)
    code, why = choose_interval(chosen["interval"], moments, random, usual, measure)
    se, df, ci = usual.get(code) or INTERVALS[code].interval(moments, level)
    none = measure.no_effect if measure.compares else 0.0
    statistic = _ratio(moments.estimate - none, se)
    pi, how = prediction_interval(chosen["pi"], moments, se, df, level, random)
    tau2_ci = (
        interval_of_tau2(spread, chosen["tau2_interval"], tau2, level, own) if random else None
    )
    het = heterogeneity(spread)
    i2, i2_ci, h2, h2_ci = _inconsistency(het, tau2.value, tau2_ci, chosen, level)
    notes += _about_rows(es) + why
    notes += _about_spread(tau2, spread.k, tau2_ci, pi) if random else _about_one(spread.k)
    return PairwiseFit(
        measure=es.measure,
        model=chosen["model"],
        preset=preset,
        k=spread.k,
        estimate=moments.estimate,
        se=se,
        ci=ci,
        interval=code,
        statistic=statistic,
        df=df,
        p_value=t_two_sided(statistic, df),
        se_wald=moments.se,
        other_cis=other_intervals(code, usual),
        level=level,
        tau2=tau2.value,
        tau2_ci=tau2_ci,
        tau2_method=tau2.estimator,
        n_optima=tau2.n_optima,
        i2=i2,
        i2_ci=i2_ci,
        h2=h2,
        h2_ci=h2_ci,
        q=het.q,
        q_df=het.df,
        q_p=het.p_value,
        pi=pi,
        study=es.study,
        yi=yi,
        vi=vi,
        weights=weights,
        raw=es.raw,
        n1=es.n1,
        n2=es.n2,
        treat1=es.treat1,
        treat2=es.treat2,
        asked=chosen,
        left_out=left_out,
        notes=tuple(notes),
        methods=_methods(chosen, INTERVALS[code], random, spread.k, how),
    )


def _own_weights(es: Contrasts, weighting: str) -> NDArray[np.float64] | None:
    if weighting == "inverse variance":
        return None
    if weighting == "equal":
        return np.ones(len(es))
    if WEIGHTS not in es.raw:
        raise InputError("rows without their weights", hint="a column 'weights' in raw")
    return es.raw[WEIGHTS]


def _tau2(spread: Spread, asked: str, own: NDArray[np.float64] | None) -> Tau2:
    number = given_tau2(asked)
    if number is None:
        return estimate(spread, asked, own)
    return Tau2(number, "given")


def _inconsistency(
    het: Heterogeneity, tau2: float, tau2_ci: Interval | None, chosen: dict[str, str], level: float
) -> tuple[float, Interval | None, float, Interval | None]:
    """I² and H² with their intervals."""
    if chosen["i2"] == "Q":
        return q_based(het.q, het.df, level)
    if chosen["model"] == "common":
        _, i2_ci, _, h2_ci = q_based(het.q, het.df, level)
        return _i2_from_q(het.q, het.df), i2_ci, het.q / het.df if het.df else 1.0, h2_ci
    if tau2_ci is None:
        return het.i2(tau2), None, het.h2(tau2), None
    h2_ci = Interval(het.h2(tau2_ci.low), het.h2(tau2_ci.high), tau2_ci.level, tau2_ci.method)
    return het.i2(tau2), het.i2_interval(tau2_ci), het.h2(tau2), h2_ci


def _check_directions(es: Contrasts) -> None:
    """Refuse a treatment against itself, and one comparison in both directions."""
    one, two = es.treat1[0], es.treat2[0]
    if (one != two or not one) and len(set(es.treat1)) == len(set(es.treat2)) == 1:
        return  # all compare the same, in one direction
    first: dict[frozenset[str], tuple[str, str]] = {}
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        if not one or not two:
            continue
        if one == two:
            raise InputError(
                f"{one!r} compared with itself", where=f"study {study}", hint=OTHER_NAME
            )
        if first.setdefault(frozenset((one, two)), (one, two)) != (one, two):
            raise InputError(
                f"{one} against {two}, where an earlier row has {two} against {one}",
                where=f"study {study}",
                hint="one direction for all: swap the groups, or give network() the rows",
            )


def _usable(es: Contrasts) -> tuple[list[int], tuple[LeftOut, ...], list[Note]]:
    """Rows with an estimate; those without, with the reason; and the notes about both."""
    y, v = es.yi.tolist(), es.vi.tolist()
    # The smallest and largest of what holds no NaN, which the sum would show.
    near = bool(v) and min(v) >= LEAST and max(v) <= MOST and min(y) >= -MOST and max(y) <= MOST
    if near and not es.cov.size and math.isfinite(sum(y) + sum(v)):
        return list(range(len(v))), es.left_out, list(es.notes)  # nothing to say of any row
    keep: list[int] = []
    dropped: list[LeftOut] = []
    rows = zip(es.study, y, v, strict=True)
    for i, (study, y, v) in enumerate(rows):
        if v <= 0.0:
            raise InputError(
                f"variance {v:g}", where=f"study {study}", hint="a variance above zero"
            )
        if v < math.inf and -math.inf < y < math.inf:
            keep.append(i)
        else:
            dropped.append(LeftOut(study, "no variance" if math.isfinite(y) else "no estimate"))
    refuse_far(es.study, es.yi, es.vi)
    kept = set(keep) if es.cov.size else set()
    for i, j in zip(es.cov_i, es.cov_j, strict=True) if kept else ():
        if int(i) in kept and int(j) in kept:
            raise InputError(
                "comparisons that share a group cannot be pooled as if they were independent",
                where=f"study {es.study[int(i)]}",
                hint="combine the groups into one comparison, or components()",
            )
    if not keep:
        raise NotEstimableError("no trial has an estimate with a variance", hint="at least one")
    notes = list(es.notes)
    if dropped:
        names = ", ".join(f"{row.study} ({row.why})" for row in dropped)
        notes.append(Note("left-out", f"Left out because there is nothing to pool: {names}."))
    return keep, (*es.left_out, *dropped), notes


def _about_rows(es: Contrasts) -> list[Note]:
    """Rows that look as if a trial had been entered twice, where that was not said before."""
    notes = list(repeated_study(es.study))
    estimates = es.yi.tolist()
    if len(set(estimates)) == len(estimates):
        return notes
    rows = list(zip(estimates, es.vi.tolist(), strict=True))
    times = Counter(rows)
    if len(times) == len(rows):
        return notes
    told = {i for i, marks in enumerate(es.marks) if "same-data" in marks}
    same = [i for i, row in enumerate(rows) if times[row] > 1]
    names = [es.study[i] for i in same]
    if len(set(names)) > 1 and not told.issuperset(same):
        notes.append(
            Note(
                "identical-rows",
                "These have the same estimate and variance, digit for digit: "
                f"{', '.join(names)}. Check that no trial was entered twice.",
            )
        )
    return notes


def _moments(
    spread: Spread, tau2: float, own: NDArray[np.float64] | None
) -> tuple[Moments, NDArray[np.float64]]:
    """The mean with its plain standard error, and the weights in percent."""
    t = tau2 / spread.scale
    total, mean, q, _ = spread.profile(t)
    variance = 1.0 / total
    if own is None:
        weights = spread.weights(t, 100.0 / total)
    else:
        share = own[np.asarray(spread.order)] / own.sum()
        mean, variance = float(share @ spread.y), float(share * share @ (spread.v + t))
        weights = 100.0 * own / own.sum()
    moments = Moments(
        k=spread.k,
        estimate=spread.origin + mean * math.sqrt(spread.scale),
        se=math.sqrt(spread.scale * variance),
        spread=q / (spread.k - 1) if spread.k > 1 else 1.0,
        tau2=tau2,
    )
    weights.setflags(write=False)
    return moments, weights


def _more_moments(spread: Spread, m: Moments, chosen: dict[str, str]) -> Moments:
    """What the chosen intervals take beyond the mean."""
    needs = _needs(chosen["interval"], chosen["pi"])
    if "KR" in needs:
        se, df = kenward_roger(spread.v, m.tau2 / spread.scale)
        m = dataclasses.replace(m, kr_se=se * math.sqrt(spread.scale), kr_df=df)
    if "DL" in needs:
        dl = estimate_tau2(spread, "DL").value
        m = dataclasses.replace(m, dl_se=_moments(spread, dl, None)[0].se)
    return m


@lru_cache(maxsize=256)
def _needs(interval: str, pi: str) -> frozenset[str]:
    rules = (INTERVALS.get(interval), PREDICTIONS.get(pi))
    return frozenset(rule.needs for rule in rules if rule is not None and rule.needs)


def _about_one(k: int) -> list[Note]:
    """What to know when there is only one trial."""
    return [Note("one-trial", "One trial: the result is that trial's own.")] if k == 1 else []


def _about_spread(tau2: Tau2, k: int, tau2_ci: Interval | None, pi: Interval | None) -> list[Note]:
    """What to know about tau² and the prediction interval."""
    if k == 1:
        text = " How much trials differ cannot be estimated; tau² counts as 0."
        if tau2.estimator == "given":
            text = " Its standard error counts the tau² that was given."
        return [Note(note.code, note.text + text) for note in _about_one(k)]
    notes = []
    if tau2.n_optima > 1:
        places = ", ".join(significant(t, 4) for t in tau2.optima)
        text = (
            f"The likelihood of tau² has {tau2.n_optima} local maxima, at {places}; the highest "
            "is used. Other programs may stop at another."
        )
        notes.append(Note("several-optima", text))
    if tau2_ci is not None and tau2_ci.high == 0.0:
        text = (
            "The trials agree more closely than chance allows at this level, so the interval of "
            "tau² is only 0. Check that no result was entered twice."
        )
        notes.append(Note("tau2-interval-empty", text))
    if k < 5:
        what = "tau² is" if pi is None else "tau² and the prediction interval are"
        notes.append(Note("few-trials", f"With {trials(k)}, {what} hardly known."))
    elif k < 10 and pi is not None:
        text = f"With {trials(k)}, the prediction interval is itself uncertain."
        notes.append(Note("few-trials", text))
    return notes


def _ratio(estimate: float, se: float) -> float:
    """The test statistic; infinite when the interval has no width, NaN when 0 has none."""
    if se > 0.0:
        return estimate / se
    return math.copysign(math.inf, estimate) if estimate != 0.0 else math.nan


def _i2_from_q(q: float, df: int) -> float:
    return 100.0 * max(0.0, (q - df) / q) if q > 0.0 else 0.0


def _methods(
    chosen: dict[str, str], rule: IntervalRule, random: bool, k: int, how: tuple[Method, ...]
) -> tuple[Method, ...]:
    if k == 1 or not random:
        return rule.methods
    auto = (AUTO,) if chosen["interval"] == "auto" else ()
    tau2 = () if given_tau2(chosen["tau2"]) is not None else (estimator_method(chosen["tau2"]),)
    around = TAU2_INTERVALS.get(chosen["tau2_interval"])
    interval = () if around is None else (around.method,)
    i2 = (I2_FROM_Q if chosen["i2"] == "Q" else HIGGINS_THOMPSON,)
    return (*rule.methods, *auto, *tau2, *interval, *i2, *how)
