"""The synthesis of one comparison over trials: common or random effects, and what to know."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import fixed, p_value, percent, significant
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.contrasts import Contrasts, LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.heterogeneity import (
    HIGGINS_THOMPSON,
    Q_PROFILE,
    Spread,
    Tau2,
    estimate_tau2,
    estimator_of,
    heterogeneity,
    tau2_interval,
)
from equipoise.models.intervals import (
    AUTO,
    INTERVALS,
    PREDICTIONS,
    IntervalRule,
    Moments,
    bounds_text,
    choose_interval,
    other_intervals,
    prediction_interval,
    shown,
)
from equipoise.num.dist import t_two_sided

MODELS = ("random", "common")


#: Defaults by name: what ``preset=`` stands for.
PRESETS: MappingProxyType[str, MappingProxyType[str, str]] = MappingProxyType(
    {
        "cochrane-2025": MappingProxyType(
            {"model": "random", "tau2": "REML", "interval": "auto", "pi": "t"}
        ),
        "metafor": MappingProxyType(
            {"model": "random", "tau2": "REML", "interval": "Wald", "pi": "metafor"}
        ),
    }
)


@dataclass(frozen=True, slots=True)
class OnReaderScale:
    """Estimate, interval and prediction interval as a reader sees them: ratios, not their logs."""

    estimate: float
    ci: Interval
    pi: Interval | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PairwiseFit(Result):
    """The mean effect over trials and how much the trials differ.

    Everything is on the scale of analysis (logs of ratios); :meth:`back` gives the reader's.

    Attributes
    ----------
    measure, model, preset
        Code of the measure; ``random`` or ``common``; the named set of defaults.
    k
        Number of estimates that were pooled.
    estimate, se, statistic, df, p_value
        The mean; the standard error, z or t statistic, degrees of freedom (infinite for z) and
        two-sided p value that belong to `ci`.
    ci
        Confidence interval of the mean; its method in words.
    interval
        Code of the interval that was used (never ``auto``).
    se_wald
        The plain standard error, whatever interval is used.
    other_cis
        The other confidence intervals that could have been shown, for comparison.
    level
        Confidence level of all intervals.
    tau2, tau2_ci, tau2_method, n_optima
        Variance of true effects between trials (0 under a common effect and for one trial); its
        Q-profile interval (None for one trial and under a common effect); its estimator; how many
        local maxima the likelihood has.
    i2, i2_ci, h2
        I² in percent and H², from tau² and the typical variance; from Q under a common effect.
    q, q_df, q_p
        Cochran's test.
    pi
        Prediction interval for the true effect in a new trial; its method in words.
    study, yi, vi, weights, raw
        The pooled rows in the order given; weights in percent; the columns that the rows were
        computed from, by name.
    asked
        The settings that were asked for, by name, such as the interval ``auto``.
    left_out
        Studies without an estimate, and why.
    notes, methods
        What to know about the result; the methods used, with their papers.
    """

    measure: str
    model: str
    preset: str
    k: int
    estimate: float
    se: float
    ci: Interval
    interval: str
    statistic: float
    df: float
    p_value: float
    se_wald: float
    other_cis: tuple[Interval, ...]
    level: float
    tau2: float
    tau2_ci: Interval | None
    tau2_method: str
    n_optima: int
    i2: float
    i2_ci: Interval | None
    h2: float
    q: float
    q_df: int
    q_p: float
    pi: Interval | None
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    weights: NDArray[np.float64]
    raw: dict[str, NDArray[np.float64]]
    asked: dict[str, str]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def back(self) -> OnReaderScale:
        """The mean and its intervals on the reader's scale."""
        m = measure_of(self.measure)
        pi = None if self.pi is None else m.back_interval(self.pi)
        return OnReaderScale(m.back(self.estimate), m.back_interval(self.ci), pi)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row for each pooled estimate."""
        return make_frame(
            {
                "study": self.study,
                "yi": self.yi,
                "vi": self.vi,
                "sei": np.sqrt(self.vi),
                "weight": self.weights,
            },
            backend,
        )

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        head = f"{self.model.capitalize()}-effect{'s' if self.model == 'random' else ''} synthesis"
        yield f"{head} of {_trials(self.k)}, {m.name}"
        yield ""
        if self.model == "random" and self.k > 1:
            yield f"tau² {significant(self.tau2, 4)}{_of(self.tau2_ci)}, {self.tau2_method}"
        if self.k > 1:
            percents = self.i2_ci and f" ({percent(self.i2_ci.low)} to {percent(self.i2_ci.high)})"
            yield f"I² {percent(self.i2)}{percents or ''}; H² {significant(self.h2, 4)}"
            yield f"Q {significant(self.q, 5)} on {self.q_df} df, {_p(self.q_p)}"
        yield f"{m.name} {self._shown()}, {self.ci.method}"
        df = "" if math.isinf(self.df) else f" on {self.df:g} df"
        sign = "z" if math.isinf(self.df) else "t"
        scale = " (scale of analysis: log)" if m.ratio else ""
        yield (
            f"{sign} {fixed(self.statistic, 2)}{df}, {_p(self.p_value)}; estimate "
            f"{significant(self.estimate, 5)}, standard error {significant(self.se, 4)}{scale}"
        )
        if self.pi is not None:
            yield (
                f"{percent(100 * self.level)} prediction interval "
                f"{bounds_text(m, self.pi)}, {self.pi.method}"
            )
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _shown(self) -> str:
        m = measure_of(self.measure)
        back = self.back()
        value, bounds = shown(m, back.estimate, back.ci)
        return f"{value} ({percent(100 * self.level)} CI {bounds})"

    def __repr__(self) -> str:
        spread = "" if self.k == 1 else f"; tau² {significant(self.tau2)}, I² {percent(self.i2)}"
        return f"<PairwiseFit {self.measure} {self._shown()}{spread}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


def pairwise(
    es: Contrasts,
    *,
    model: str | None = None,
    tau2: str | None = None,
    interval: str | None = None,
    pi: str | None = None,
    level: float = 0.95,
    preset: str = "cochrane-2025",
) -> PairwiseFit:
    """Pool the effects of one comparison over independent trials.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial.
    model
        ``random`` (effects differ between trials) or ``common`` (one effect).
    tau2
        Estimator of the variance between trials: ``REML``, ``DL``, ``PM`` or ``ML``.
    interval
        ``Wald``, ``t``, ``HK``, ``HK-guarded``, or ``auto``: Hartung–Knapp for more than two
        trials and tau² above 0, guarded where it would be narrower than Wald, and Wald otherwise.
        A note says when another interval than plain Hartung–Knapp is shown, and states both.
    pi
        Prediction interval: ``t`` (k - 1 degrees of freedom, the confidence interval's variance),
        ``V`` (k - 1, plain variance), ``HTS`` (k - 2, plain variance) or ``metafor`` (quantile and
        variance of the confidence interval).
    level
        Level of all intervals.
    preset
        A name of :data:`PRESETS`, which fills in what is not given above: ``cochrane-2025``
        (random, REML, auto, t) or ``metafor`` (random, REML, Wald, metafor).

    Returns
    -------
    PairwiseFit

    Raises
    ------
    InputError
        A variance that is not above zero, rows that share a group, an interval that the model
        does not have, or a level outside 0 to 1.
    NotEstimableError
        No row has an estimate.
    UnknownNameError
        An unknown name, with the nearest known one.

    Notes
    -----
    Checked against metafor and meta in ``validation/``.
    """
    chosen = _settings(preset, model=model, tau2=tau2, interval=interval, pi=pi)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    return _fit(es, chosen, level, preset)


def refit(fit: PairwiseFit, es: Contrasts) -> PairwiseFit:
    """Pool other effects with the settings of a fit; a rule such as ``auto`` decides anew."""
    return _fit(es, dict(fit.asked), fit.level, fit.preset)


def _fit(es: Contrasts, chosen: dict[str, str], level: float, preset: str) -> PairwiseFit:
    measure = measure_of(es.measure)
    keep, left_out, notes = _usable(es)
    study, yi, vi = es.study, es.yi, es.vi
    if len(keep) < len(es):
        study = tuple(study[i] for i in keep)
        yi, vi = read_only(yi[keep]), read_only(vi[keep])
    spread = Spread(yi, vi)
    random = chosen["model"] == "random"
    tau2 = estimate_tau2(spread, chosen["tau2"]) if random else Tau2(0.0, "no tau²")
    moments, weights = _moments(spread, tau2.value)
    code, why = choose_interval(chosen["interval"], moments, random, level, measure)
    se, df, ci = INTERVALS[code].interval(moments, level)
    statistic = _ratio(moments.estimate, se)
    pi, how = prediction_interval(chosen["pi"], moments, se, df, level, random)
    het = heterogeneity(spread)
    tau2_ci = tau2_interval(spread, level) if random else None
    notes += _about_rows(study, yi, vi) + why
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
        other_cis=other_intervals(code, moments, random, level),
        level=level,
        tau2=tau2.value,
        tau2_ci=tau2_ci,
        tau2_method=tau2.estimator,
        n_optima=tau2.n_optima,
        i2=het.i2(tau2.value) if random else _i2_from_q(het.q, het.df),
        i2_ci=None if tau2_ci is None else het.i2_interval(tau2_ci),
        h2=het.h2(tau2.value) if random or not het.df else het.q / het.df,
        q=het.q,
        q_df=het.df,
        q_p=het.p_value,
        pi=pi,
        study=study,
        yi=yi,
        vi=vi,
        weights=weights,
        raw={name: values[keep] for name, values in es.raw.items()},
        asked=chosen,
        left_out=left_out,
        notes=tuple(notes),
        methods=_methods(chosen, INTERVALS[code], random, spread.k, how),
    )


def _settings(preset: str, **given: str | None) -> dict[str, str]:
    """The preset with what was given in its place, every name checked."""
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    chosen = {key: PRESETS[preset][key] if value is None else value for key, value in given.items()}
    known: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("model", "model", MODELS),
        ("interval", "interval", ("auto", *INTERVALS)),
        ("pi", "prediction interval", tuple(PREDICTIONS)),
    )
    for key, kind, names in known:
        if chosen[key] not in names:
            raise UnknownNameError(kind, chosen[key], names)
    estimator_of(chosen["tau2"])
    rule = INTERVALS.get(chosen["interval"])
    if chosen["model"] == "common" and rule is not None and rule.random_only:
        raise InputError(
            f"interval {rule.code!r} with a common effect",
            hint="interval='Wald', or model='random'",
        )
    return chosen


def _usable(es: Contrasts) -> tuple[list[int], tuple[LeftOut, ...], list[Note]]:
    """Rows with an estimate; those without, with the reason; and the notes about both."""
    keep: list[int] = []
    dropped: list[LeftOut] = []
    rows = zip(es.study, es.yi.tolist(), es.vi.tolist(), strict=True)
    for i, (study, y, v) in enumerate(rows):
        if v <= 0.0:
            raise InputError(
                f"variance {v:g}", where=f"study {study}", hint="a variance above zero"
            )
        if math.isfinite(y) and math.isfinite(v):
            keep.append(i)
        else:
            dropped.append(LeftOut(study, "no variance" if math.isfinite(y) else "no estimate"))
    kept = set(keep) if es.cov.size else set()
    for i, j in zip(es.cov_i, es.cov_j, strict=True):
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


def _about_rows(
    study: tuple[str, ...], yi: NDArray[np.float64], vi: NDArray[np.float64]
) -> list[Note]:
    """Rows that look as if a trial had been entered twice."""
    notes = []
    if len(set(study)) < len(study):
        names = ", ".join(name for name, times in Counter(study).items() if times > 1)
        notes.append(
            Note(
                "repeated-study",
                f"The same study appears more than once: {names}. Its people "
                "count more than once if the rows share any.",
            )
        )
    rows = list(zip(yi.tolist(), vi.tolist(), strict=True))
    if len(set(rows)) == len(rows):
        return notes
    times = Counter(rows)
    same = [name for name, row in zip(study, rows, strict=True) if times[row] > 1]
    if same and len(set(same)) > 1:
        notes.append(
            Note(
                "identical-rows",
                "These have the same estimate and variance, digit for digit: "
                f"{', '.join(same)}. Check that no trial was entered twice.",
            )
        )
    return notes


def _moments(spread: Spread, tau2: float) -> tuple[Moments, NDArray[np.float64]]:
    t = tau2 / spread.scale
    total, mean, q, _ = spread.profile(t)
    weights = np.empty(spread.k)
    weights[spread.order] = 100.0 / total / (spread.v + t)
    moments = Moments(
        k=spread.k,
        estimate=spread.origin + mean * math.sqrt(spread.scale),
        se=math.sqrt(spread.scale / total),
        spread=q / (spread.k - 1) if spread.k > 1 else 1.0,
        tau2=tau2,
    )
    weights.setflags(write=False)
    return moments, weights


def _about_one(k: int) -> list[Note]:
    """What to know when there is only one trial."""
    return [Note("one-trial", "One trial: the result is that trial's own.")] if k == 1 else []


def _about_spread(tau2: Tau2, k: int, tau2_ci: Interval | None, pi: Interval | None) -> list[Note]:
    """What to know about tau² and the prediction interval."""
    if k == 1:
        text = " How much trials differ cannot be estimated; tau² counts as 0."
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
        notes.append(Note("few-trials", f"With {_trials(k)}, {what} hardly known."))
    elif k < 10 and pi is not None:
        text = f"With {_trials(k)}, the prediction interval is itself uncertain."
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
    tau2 = estimator_of(chosen["tau2"]).method
    return (*rule.methods, *auto, tau2, Q_PROFILE, HIGGINS_THOMPSON, *how)


def _trials(k: int) -> str:
    return "one trial" if k == 1 else f"{k} trials"


def _of(interval: Interval | None) -> str:
    if interval is None:
        return ""
    low, high = significant(interval.low, 4), significant(interval.high, 4)
    return f" ({percent(100 * interval.level)} CI {low} to {high})"


def _p(value: float) -> str:
    text = p_value(value)
    return f"p = {text}" if text[0].isdigit() else f"p {text}"
