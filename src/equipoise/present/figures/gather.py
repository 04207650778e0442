"""From a fit, from effects that nobody pooled, or from plain lines to what a forest plot shows."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, fixed, p_value, percent, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit, refit
from equipoise.models.robustness import Refits, rows_of
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
    Beside,
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
_WAYS = {"random": "random effects", "common": "common effect"}


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
class _Trials:
    """The trials of a fit or of effects, in the order given, with their columns."""

    lines: tuple[Line, ...]
    columns: tuple[Filled, ...]
    domains: tuple[str, ...]
    variances: tuple[float, ...]

    def total_cells(self, places: Sequence[int]) -> dict[str, Any]:
        made = {}
        for beside, _, add in self.columns:
            if add is not None:
                made[beside.key] = add(places)
        return made


def plot_of_fit(fit: Any, asked: Asked) -> Plot:
    """Gather what a forest plot of a fit shows: trials, subgroups, totals, prediction interval."""
    measure = measure_of(fit.measure)
    sides = _sides(fit, asked)
    trials = _trials(fit, fit.weights, float(fit.level), asked, sides)
    order = _ordered(trials, asked)
    lines, found = _grouped(fit, trials, order, asked)
    lines += [
        Line(one.study, flags=(f"Not estimable: {one.why}.",))
        for one in getattr(fit, "left_out", ())
        if one.study not in fit.study
    ]
    lines += _totals(fit, trials, asked)
    pi = getattr(fit, "pi", None)
    total = Total(
        float(fit.estimate), fit.ci.low, fit.ci.high, None if pi is None else (pi.low, pi.high)
    )
    sentences = (heterogeneity_said(fit, measure), _overall_said(fit), *found)
    plot = _plot(asked, measure, float(fit.level), lines, sides, trials)
    return described(
        dataclasses.replace(
            plot,
            total=total,
            found=tuple(text for text in sentences if text),
            asides=tuple(str(note) for note in getattr(fit, "notes", ())),
            left_out=tuple(
                f"Left out: {one.study}, {one.why}." for one in getattr(fit, "left_out", ())
            ),
        )
    )


def plot_of_effects(es: Contrasts, asked: Asked, level: float = 0.95) -> Plot:
    """Gather what a forest plot of effects shows that nobody pooled."""
    if asked.by is not None:
        raise InputError("subgroups of effects that are not pooled", hint="pairwise(es) first")
    measure = measure_of(es.measure)
    sides = _sides(es, asked)
    trials = _trials(es, np.full(len(es), np.nan), level, asked, sides)
    lines = [trials.lines[i] for i in _ordered(trials, asked)]
    plot = _plot(asked, measure, level, lines, sides, trials)
    left_out = tuple(f"Left out: {one.study}, {one.why}." for one in es.left_out)
    asides = tuple(str(note) for note in es.notes)
    return described(dataclasses.replace(plot, asides=asides, left_out=left_out))


def plot_of_refits(refits: Refits, asked: Asked) -> Plot:
    """Gather what a forest plot of the same analysis on several sets of trials shows."""
    full = refits.full
    measure = measure_of(full.measure)
    sides = asked.sides or ("treatment", "comparison")
    cumulative = refits.kind == "cumulative"
    study = tuple(refits.label)
    sizes = tuple(int(k) for k in refits.k)
    spread = tuple(float(v) if k > 1 else None for v, k in zip(refits.i2, sizes, strict=True))
    columns: tuple[Filled, ...] = (
        *own_columns(asked.left, "left", study),
        (Beside("k", "Trials", "right", "count"), sizes, None),
        (Beside("i2", "I²", "right", "percent"), spread, None),
        *own_columns(asked.right, "right", study),
    )
    lines = []
    for i, name in enumerate(study):
        cells = {beside.key: values[i] for beside, values, _ in columns}
        flags = ("Another conclusion than that of all trials.",) if refits.flips[i] else ()
        ends = (float(refits.estimate[i]), float(refits.ci_low[i]), float(refits.ci_high[i]))
        text = f"+ {name}" if cumulative and i else name
        lines.append(Line(text, *ends, cells=cells, flags=flags))
    lines.append(_main(full, f"All {count(full.k)} trials, {_WAYS.get(full.model, full.model)}"))
    heads = {"cumulative": "Trials up to and with", "leave-one-out": "Left out"}
    titles = {"cumulative": "trials added one by one", "leave-one-out": "each trial left out"}
    trials = _Trials(tuple(lines[:-1]), columns, (), tuple(float(v) ** 2 for v in refits.se))
    asked = dataclasses.replace(
        asked, title=asked.title or f"{capital(measure.name)}: {titles[refits.kind]}"
    )
    plot = _plot(asked, measure, full.level, lines, sides, trials)
    total = Total(full.estimate, full.ci.low, full.ci.high)
    desc = f"{titles[refits.kind].capitalize()}: the pooled {measure.name} ranges from "
    desc += plot.interval(float(refits.estimate.min()), float(refits.estimate.max()))
    desc += f"; with all {count(full.k)} trials it is {plot.effect(total)}."
    return dataclasses.replace(
        plot,
        desc=desc,
        label_head=heads[refits.kind],
        asides=tuple(str(note) for note in refits.notes),
    )


def plot_of_lines(lines: Iterable[Line], measure: str, level: float, asked: Asked) -> Plot:
    """Gather what a forest plot of plain lines shows, in the order given."""
    made = list(lines)
    if not made:
        raise InputError("a forest plot of no lines", hint="one Line for each trial")
    sides = asked.sides or ("treatment", "comparison")
    study = tuple(line.label for line in made)
    columns = (*own_columns(asked.left, "left", study), *own_columns(asked.right, "right", study))
    robs, domains = _rob(asked, study)
    for i, line in enumerate(made):
        cells = {beside.key: values[i] for beside, values, _ in columns}
        made[i] = dataclasses.replace(
            line, cells={**cells, **line.cells}, rob=line.rob or (robs[i] if robs else ())
        )
    trials = _Trials(tuple(made), columns, domains, ())
    main = next((line for line in made if line.main), None)
    plot = _plot(asked, measure_of(measure), level, made, sides, trials)
    total = None if main is None else Total(main.estimate, main.low, main.high)
    return described(dataclasses.replace(plot, total=total))


def _plot(
    asked: Asked,
    measure: Measure,
    level: float,
    lines: Sequence[Line],
    sides: tuple[str, str],
    trials: _Trials,
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


def _rob(asked: Asked, study: Sequence[str]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    return ([], ()) if asked.rob is None else rob_levels(asked.rob, asked.domains, study)


def _trials(what: Any, weights: Any, level: float, asked: Asked, sides: tuple[str, str]) -> _Trials:
    study = tuple(str(name) for name in what.study)
    columns = (
        *raw_columns(getattr(what, "raw", {}), sides),
        *own_columns(asked.left, "left", study),
        *own_columns(asked.right, "right", study),
    )
    robs, domains = _rob(asked, study)
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
    return _Trials(tuple(lines), columns, domains, tuple(float(v) for v in what.vi))


def _ordered(trials: _Trials, asked: Asked) -> list[int]:
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
    text = p_value(value)
    return f"p\u00a0{text}"


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


def _main(fit: Any, label: str, cells: Mapping[str, Any] | None = None) -> Line:
    ends = (float(fit.estimate), float(fit.ci.low), float(fit.ci.high))
    return Line(label, *ends, kind="total", weight=100.0, cells=cells or {}, main=True)


def _totals(fit: Any, trials: _Trials, asked: Asked) -> list[Line]:
    """The pooled result, its prediction interval, and results of other models."""
    k = sum(line.known for line in trials.lines)
    lines: list[Line] = []
    way = _WAYS.get(fit.model, fit.model)
    if k > 1:
        cells = trials.total_cells(range(len(trials.lines)))
        lines.append(_main(fit, f"All {count(k)} trials, {way}", cells))
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
    words = capital(_WAYS.get(model, model))
    interval = str(getattr(other, "interval", ""))
    same = model == fit.model and interval
    return f"{words}, {interval} interval" if same else words


def _grouped(
    fit: Any, trials: _Trials, order: Sequence[int], asked: Asked
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
        lines.append(Line(group, kind="heading"))
        lines += [trials.lines[i] for i in places]
        lines += _subtotal(part, [trials.lines[i] for i in places], trials.total_cells(places))
    return lines, _between(parts)


def _subtotal(part: PairwiseFit, own: Sequence[Line], cells: Mapping[str, Any]) -> list[Line]:
    if part.k < 2:
        return []
    ends = (part.estimate, part.ci.low, part.ci.high)
    weight = math.fsum(line.weight for line in own if line.known)
    total = Line(f"Subtotal, {count(part.k)} trials", *ends, "total", weight, cells)
    tau2 = f"tau²\u00a0{significant(part.tau2, 3)}, " if part.model == "random" else ""
    words = f"I²\u00a0{percent(part.i2)}, {tau2}{_p(part.q_p)}"
    return [total, Line(words, kind="words")]


def _between(parts: Sequence[tuple[float, float]]) -> list[str]:
    """The test of differences between subgroups, from their means and variances."""
    if len(parts) < 2:
        return []
    weights = [1 / v for _, v in parts]
    mean = math.fsum(w * y for w, (y, _) in zip(weights, parts, strict=True)) / math.fsum(weights)
    q = math.fsum(w * (y - mean) ** 2 for w, (y, _) in zip(weights, parts, strict=True))
    df = len(parts) - 1
    p = chi2_tail(q, df)
    return [
        f"Test of differences between subgroups: Q\u00a0{significant(q, 3)} on "
        f"{df}\u00a0df, {_p(p)}."
    ]
