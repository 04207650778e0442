"""From a fit, its subgroups, or effects that nobody pooled to what a forest plot shows."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, fixed, p_statement, percent, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit, refit
from equipoise.models.robustness import rows_of
from equipoise.models.subgroups import Subgroups
from equipoise.num.dist import chi2_tail, critical
from equipoise.present.figures.cells import (
    Filled,
    decimals_for,
    own_columns,
    per_trial,
    raw_columns,
    rob_levels,
)
from equipoise.present.figures.plot import (
    Better,
    Line,
    Plot,
    Total,
    band_said,
    capital,
    described,
    favours,
    given_band,
    heterogeneity_said,
)

#: Orders by name; a sequence of values, one a trial, is an order as well.
ORDERS = ("given", "year", "effect", "precision", "weight", "label")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d|21\d\d)(?!\d)")
WAYS = {"random": "random effects", "common": "common effect"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller of a forest plot asked for."""

    title: str | None = None
    better: Better | None = None
    threshold: float | tuple[float, float] | None = None
    sides: tuple[str, str] | None = None
    order: str | Sequence[Any] = "given"
    descending: bool = False
    by: Sequence[Any] | Mapping[str, Any] | None = None
    summaries: Sequence[Any] = ()
    left: Mapping[str, Any] | None = None
    right: Mapping[str, Any] | None = None
    rob: Any = None
    domains: Sequence[str] | None = None
    limits: tuple[float, float] | None = None
    ticks: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of a fit or of effects, in the order given, with their columns."""

    lines: tuple[Line, ...]
    columns: tuple[Filled, ...]
    domains: tuple[str, ...]
    variances: tuple[float, ...]

    def total_cells(self, places: Sequence[int]) -> dict[str, Any]:
        """The cells of a total of the trials at these places."""
        made = {}
        for beside, _, add in self.columns:
            if add is not None:
                made[beside.key] = add(places)
        return made


def plot_of_fit(fit: Any, asked: Asked) -> Plot:
    """Gather what a forest plot of a fit shows: trials, subgroups, totals, prediction interval."""
    sides = _sides(fit, asked)
    trials = _trials(fit, fit.weights, float(fit.level), asked, sides)
    lines, found = _grouped(fit, trials, ordered(trials, asked), asked)
    return _finished(fit, asked, trials, lines, found, getattr(fit, "notes", ()))


def _finished(
    fit: Any,
    asked: Asked,
    trials: Trials,
    lines: list[Line],
    found: Sequence[str],
    notes: Iterable[object],
) -> Plot:
    """The plot of a fit around the lines of its trials: totals, tests, trials left out, words."""
    left_out = getattr(fit, "left_out", ())
    lines += [
        Line(one.study, flags=(f"Not estimable: {one.why}.",))
        for one in left_out
        if one.study not in fit.study
    ]
    lines += _totals(fit, trials, asked)
    pi = getattr(fit, "pi", None)
    total = Total(
        float(fit.estimate), fit.ci.low, fit.ci.high, None if pi is None else (pi.low, pi.high)
    )
    measure = measure_of(fit.measure)
    sentences = (heterogeneity_said(fit, measure), _overall_said(fit), *found)
    plot = framed(asked, measure, float(fit.level), lines, _sides(fit, asked), trials)
    return described(
        dataclasses.replace(
            plot,
            total=total,
            found=tuple(text for text in sentences if text),
            asides=tuple(str(note) for note in notes),
            left_out=tuple(f"Left out: {one.study}, {one.why}." for one in left_out),
        )
    )


def plot_of_effects(es: Contrasts, asked: Asked, level: float = 0.95) -> Plot:
    """Gather what a forest plot of effects shows that nobody pooled."""
    if asked.by is not None:
        raise InputError("subgroups of effects that are not pooled", hint="pairwise(es) first")
    measure = measure_of(es.measure)
    sides = _sides(es, asked)
    trials = _trials(es, np.full(len(es), np.nan), level, asked, sides)
    lines = [trials.lines[i] for i in ordered(trials, asked)]
    plot = framed(asked, measure, level, lines, sides, trials)
    left_out = tuple(f"Left out: {one.study}, {one.why}." for one in es.left_out)
    asides = tuple(str(note) for note in es.notes)
    return described(dataclasses.replace(plot, asides=asides, left_out=left_out))


def framed(
    asked: Asked,
    measure: Measure,
    level: float,
    lines: Sequence[Line],
    sides: tuple[str, str],
    trials: Trials,
) -> Plot:
    """The frame that every plot of this module shares."""
    band = None if asked.threshold is None else given_band(measure, asked.threshold)
    compares = not math.isnan(measure.null)
    halves = [(line.high - line.low) / 2 / critical(level) for line in trials.lines if line.known]
    natural = not measure.ratio and measure.scale == "natural"
    return Plot(
        title=asked.title or f"{capital(measure.name)}: every trial and all together",
        measure=measure,
        level=level,
        lines=tuple(lines),
        beside=tuple(beside for beside, _, _ in trials.columns),
        better=asked.better,
        sides=sides,
        ends=favours(asked.better, sides) if compares else ("", ""),
        band=band,
        band_words=band_said(measure, band),
        effect_head=(capital(measure.name), f"({percent(100 * level)} CI)"),
        domains=trials.domains,
        decimals=decimals_for(halves, 2) if natural else None,
        limits=None if asked.limits is None else _limits(measure, asked.limits),
        ticks=tuple(asked.ticks),
    )


def _limits(measure: Measure, given: tuple[float, float]) -> tuple[float, float]:
    low, high = given
    if not low < high or (measure.ratio and low <= 0):
        raise InputError(
            f"limits={given!r}", hint="a lower and a higher value on the reader's scale"
        )
    return (math.log(low), math.log(high)) if measure.ratio else (low, high)


def _sides(what: Any, asked: Asked) -> tuple[str, str]:
    """The names of both groups: as asked for, or as the effects have them."""
    if asked.sides is not None:
        return asked.sides
    named = [set(getattr(what, name, ())) for name in ("treat1", "treat2")]
    if all(len(names) == 1 and names != {""} for names in named):
        return (next(iter(named[0])), next(iter(named[1])))
    return ("treatment", "comparison")


def rob_of(asked: Asked, study: Sequence[str]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Levels of risk of bias as asked for, and the names of their domains."""
    return ([], ()) if asked.rob is None else rob_levels(asked.rob, asked.domains, study)


def _trials(what: Any, weights: Any, level: float, asked: Asked, sides: tuple[str, str]) -> Trials:
    study = tuple(str(name) for name in what.study)
    columns = (
        *raw_columns(getattr(what, "raw", {}), sides),
        *own_columns(asked.left, "left", study),
        *own_columns(asked.right, "right", study),
    )
    robs, domains = rob_of(asked, study)
    z = critical(level)
    shares = np.asarray(weights, dtype=np.float64)
    whole = float(np.nansum(shares)) or math.nan
    lines = []
    for i, (name, y, v) in enumerate(zip(study, what.yi, what.vi, strict=True)):
        half = z * math.sqrt(float(v)) if float(v) > 0 else math.nan
        mid = float(y) if math.isfinite(float(v)) else math.nan
        lines.append(
            Line(
                name,
                mid,
                mid - half,
                mid + half,
                weight=100 * float(shares[i]) / whole if math.isfinite(mid) else math.nan,
                cells={beside.key: values[i] for beside, values, _ in columns},
                rob=robs[i] if robs else (),
            )
        )
    return Trials(tuple(lines), columns, domains, tuple(float(v) for v in what.vi))


def ordered(trials: Trials, asked: Asked) -> list[int]:
    """The places of the trials in the order asked for; those without a value come last."""
    order, lines = asked.order, trials.lines
    values: list[Any]
    if not isinstance(order, str):
        values = per_trial(order, [line.label for line in lines], "order")
    elif order == "given":
        return list(range(len(lines)))
    elif order == "year":
        values = [_year(line.label) for line in lines]
        if all(v is None for v in values):
            raise InputError("no year in any label", hint="order=years, one value for each trial")
    elif order in ORDERS:
        ways: dict[str, list[Any]] = {
            "effect": [line.estimate for line in lines],
            "precision": [-v for v in trials.variances],
            "weight": [line.weight for line in lines],
            "label": [line.label.casefold() for line in lines],
        }
        values = ways[order]
    else:
        raise UnknownNameError("order", order, ORDERS)
    last = [v is None or (isinstance(v, float) and math.isnan(v)) for v in values]
    known = [i for i in range(len(lines)) if not last[i]]
    try:
        known.sort(key=lambda i: values[i], reverse=asked.descending)
    except TypeError:
        raise InputError(
            "values that cannot be sorted together", where="order", hint="values of one kind"
        ) from None
    return [*known, *(i for i in range(len(lines)) if last[i])]


def _year(label: str) -> int | None:
    found = _YEAR.findall(label)
    return int(found[-1]) if found else None


def _p(value: float) -> str:
    return p_statement(value).replace(" ", "\u00a0")


def _overall_said(fit: Any) -> str:
    """The test of the pooled effect."""
    statistic = float(getattr(fit, "statistic", math.nan))
    if not math.isfinite(statistic) or math.isnan(measure_of(fit.measure).null):
        return ""
    df = float(getattr(fit, "df", math.inf))
    sign = f"z\u00a0{fixed(statistic, 2)}"
    if math.isfinite(df):
        sign = f"t\u00a0{fixed(statistic, 2)} on {significant(df, 3)}\u00a0df"
    return f"Test of the overall effect: {sign}, {_p(float(fit.p_value))}."


def main_line(fit: Any, label: str, cells: Mapping[str, Any] | None = None) -> Line:
    """The line of the pooled result that the dashed line runs through."""
    ends = (float(fit.estimate), float(fit.ci.low), float(fit.ci.high))
    return Line(label, *ends, kind="total", weight=100.0, cells=cells or {}, main=True)


def _totals(fit: Any, trials: Trials, asked: Asked) -> list[Line]:
    """The pooled result, its prediction interval, and results of other models."""
    k = sum(line.known for line in trials.lines)
    lines: list[Line] = []
    way = WAYS.get(fit.model, fit.model)
    if k > 1:
        cells = trials.total_cells(range(len(trials.lines)))
        lines.append(main_line(fit, f"All {count(k)} trials, {way}", cells))
        pi = getattr(fit, "pi", None)
        if pi is not None and not math.isnan(pi.low):
            lines.append(Line("Prediction interval", low=pi.low, high=pi.high, kind="prediction"))
    for other in asked.summaries:
        label, one = other if isinstance(other, tuple) else (_summary_label(other, fit), other)
        if getattr(one, "measure", None) != fit.measure:
            raise InputError(
                f"a summary {label!r} of another measure",
                where="summaries",
                hint=f"fits of {fit.measure}",
            )
        ends = (float(one.estimate), float(one.ci.low), float(one.ci.high))
        lines.append(Line(label, *ends, kind="total"))
    return lines


def _summary_label(other: Any, fit: Any) -> str:
    model = str(getattr(other, "model", ""))
    words = capital(WAYS.get(model, model))
    interval = str(getattr(other, "interval", ""))
    same = model == fit.model and interval
    return f"{words}, {interval} interval" if same else words


def _grouped(
    fit: Any, trials: Trials, order: Sequence[int], asked: Asked
) -> tuple[list[Line], list[str]]:
    """The lines of the trials, under headings and with subtotals where subgroups are asked for."""
    if asked.by is None:
        return [trials.lines[i] for i in order], []
    if not isinstance(fit, PairwiseFit):
        raise InputError(f"subgroups of a {type(fit).__name__}", hint="what pairwise() gives")
    labels = [str(v) for v in per_trial(asked.by, fit.study, "by")]
    groups = list(dict.fromkeys(labels))
    lines: list[Line] = []
    parts: list[tuple[float, float]] = []
    everything = rows_of(fit)
    for group in groups:
        places = [i for i in order if labels[i] == group]
        part = refit(fit, everything.take(sorted(places)))
        parts.append((part.estimate, part.se_wald**2))
        lines += _group(group, part, [trials.lines[i] for i in places], trials.total_cells(places))
    return lines, _between(parts)


def plot_of_subgroups(groups: Subgroups, asked: Asked) -> Plot:
    """Gather what a forest plot of subgroups shows: their trials, subtotals, test and the whole."""
    fit = groups.overall
    if asked.by is not None:
        raise InputError("by with subgroups, which have their own", hint="the fit in place of them")
    sides = _sides(fit, asked)
    trials = _trials(fit, fit.weights, float(fit.level), asked, sides)
    order = ordered(trials, asked)
    left = list(range(len(trials.lines)))
    lines: list[Line] = []
    for name, part in zip(groups.groups, groups.fits, strict=True):
        rows = {(s, y, v) for s, y, v in zip(part.study, part.yi, part.vi, strict=True)}
        places = [i for i in left if (fit.study[i], fit.yi[i], fit.vi[i]) in rows]
        left = [i for i in left if i not in places]
        shown = [trials.lines[i] for i in order if i in places]
        lines += _group(name, part, shown, trials.total_cells(places))
    test = _test_said(groups.q_between, groups.df, groups.p_value)
    return _finished(fit, asked, trials, lines, [test], groups.notes)


def _group(
    name: str, part: PairwiseFit, own: Sequence[Line], cells: Mapping[str, Any]
) -> list[Line]:
    """The heading of a subgroup, its trials, and its total with how much they differ."""
    lines = [Line(name, kind="heading"), *own]
    if part.k < 2:
        return lines
    ends = (part.estimate, part.ci.low, part.ci.high)
    weight = math.fsum(line.weight for line in own if line.known)
    tau2 = f"tau²\u00a0{significant(part.tau2, 3)}, " if part.model == "random" else ""
    words = f"I²\u00a0{percent(part.i2)}, {tau2}{_p(part.q_p)}"
    total = Line(f"Subtotal, {count(part.k)} trials", *ends, "total", weight, cells)
    return [*lines, total, Line(words, kind="words")]


def _between(parts: Sequence[tuple[float, float]]) -> list[str]:
    """The test of differences between subgroups, from their means and variances."""
    if len(parts) < 2:
        return []
    weights = [1 / v for _, v in parts]
    mean = math.fsum(w * y for w, (y, _) in zip(weights, parts, strict=True)) / math.fsum(weights)
    q = math.fsum(w * (y - mean) ** 2 for w, (y, _) in zip(weights, parts, strict=True))
    return [_test_said(q, len(parts) - 1, chi2_tail(q, len(parts) - 1))]


def _test_said(q: float, df: int, p: float) -> str:
    return (
        f"Test of differences between subgroups: Q\u00a0{significant(q, 3)} on "
        f"{df}\u00a0df, {_p(p)}."
    )
