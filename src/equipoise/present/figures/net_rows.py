"""From a network to what a forest plot shows: every treatment against one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval
from equipoise.core.table import count, counted, percent, significant
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.network.ranking import score_text
from equipoise.models.network.reading import NetworkReading
from equipoise.present.figures.cells import Filled, own_columns
from equipoise.present.figures.gather import ORDERS, Asked, Trials, framed, ordered, rob_of
from equipoise.present.figures.net_parts import excluding, graph_of
from equipoise.present.figures.plot import Beside, Line, Plot, capital

RANK = "rank"


def plot_of_network(net: NetworkReading, asked: Asked, reference: str | None) -> Plot:
    """Gather what a forest plot of every treatment against one shows."""
    ref = net.reference if reference is None else reference
    if ref not in net.treatments:
        raise UnknownNameError("reference", ref, net.treatments)
    for name in ("by", "summaries"):
        if getattr(asked, name):
            raise InputError(f"{name} with a network", hint="the fit of one comparison")
    measure = measure_of(net.measure)
    others = [t for t in net.treatments if t != ref]
    scores = _scores(net, asked)
    found = [net.effect(t, ref) for t in others]
    columns = _columns(net, ref, others, scores, asked)
    robs, domains = rob_of(asked, tuple(others))
    lines = [
        Line(
            treat,
            one.estimate,
            one.ci.low,
            one.ci.high,
            cells={beside.key: values[i] for beside, values, _ in columns},
            rob=robs[i] if robs else (),
            pi=_pair(one.pi),
        )
        for i, (treat, one) in enumerate(zip(others, found, strict=True))
    ]
    trials = Trials(tuple(lines), columns, domains, tuple(one.se**2 for one in found))
    at = _order(trials, asked, others, scores)
    sides = asked.sides or ("the treatment", ref)
    title = asked.title or f"{capital(measure.name)}: every treatment against {ref}"
    plot = framed(
        dataclasses.replace(asked, title=title),
        measure,
        net.level,
        [lines[i] for i in at],
        sides,
        trials,
    )
    notes = []
    if any(line.pi for line in lines):
        text = "Pale bars: where the effect may lie in a new setting "
        notes.append(f"{text}({percent(100 * net.level)} prediction interval).")
    if scores:
        notes.append("P-score: the mean chance of being better than another treatment.")
    return dataclasses.replace(
        plot,
        desc=_said(plot, net, ref, scores),
        label_head="Treatment",
        found=_spread(net),
        notes=tuple(notes),
        asides=tuple(str(note) for note in net.notes),
        left_out=tuple(f"Left out: {one.study}, {one.why}." for one in net.left_out),
    )


def _pair(interval: Interval | None) -> tuple[float, float] | None:
    return None if interval is None else (interval.low, interval.high)


def _scores(net: NetworkReading, asked: Asked) -> dict[str, float]:
    """P-scores, where it is known which values are good."""
    ranking = getattr(net, "ranking", None)
    if asked.better is None or ranking is None:
        if asked.order == RANK:
            raise InputError("ranks without a direction of benefit", hint="better='lower'")
        return {}
    return dict(ranking(asked.better, draws=1000).p_score)


def _order(
    trials: Trials, asked: Asked, others: Sequence[str], scores: dict[str, float]
) -> list[int]:
    if isinstance(asked.order, str) and asked.order == RANK:
        at = sorted(range(len(others)), key=lambda i: (-scores[others[i]], others[i]))
        return at[::-1] if asked.descending else at
    if isinstance(asked.order, str) and asked.order not in ORDERS:
        raise UnknownNameError("order", asked.order, (*ORDERS, RANK))
    return ordered(trials, asked)


def _columns(
    net: NetworkReading,
    ref: str,
    others: Sequence[str],
    scores: dict[str, float],
    asked: Asked,
) -> tuple[Filled, ...]:
    names = tuple(others)
    made: list[Filled] = [*own_columns(_without(asked.left, ref), "left", names)]
    if any(isinstance(getattr(net, name, None), (Contrasts, Arms)) for name in ("data", "arms")):
        graph = graph_of(net)
        number = {name: i for i, name in enumerate(graph.treatments)}
        direct = {(e.one, e.two): e.k for e in graph.edges}
        at = (sorted((number[t], number[ref])) for t in others)
        cells = tuple(direct.get((i, j), 0) for i, j in at)
        made.append((Beside("direct", "Direct trials", "right", "count"), cells, None))
    if scores:
        told = tuple(score_text(scores[t]) for t in others)
        made.append((Beside("p_score", "P-score", "right"), told, None))
    return (*made, *own_columns(_without(asked.right, ref), "right", names))


def _without(given: Mapping[str, Any] | None, ref: str) -> dict[str, Any]:
    """The user's columns, which may say something of the reference too."""
    return {
        label: {k: v for k, v in column.items() if k != ref}
        if isinstance(column, Mapping)
        else column
        for label, column in (given or {}).items()
    }


def _spread(net: Any) -> tuple[str, ...]:
    """How much trials differ, where the fit tells it."""
    if not getattr(net, "q_df", 0) or not hasattr(net, "i2"):
        return ()
    text = f"Differences between trials: I²\u00a0{percent(net.i2)}"
    if getattr(net, "model", "") == "random":
        text += f", tau²\u00a0{significant(net.tau2, 3)} ({net.tau2_method})"
    return (f"{text}; Q\u00a0{significant(net.q, 4)} on {count(net.q_df)}\u00a0df.",)


def _said(plot: Plot, net: NetworkReading, ref: str, scores: dict[str, float]) -> str:
    """The finding: how many treatments differ from the reference, and the furthest one."""
    known = [line for line in plot.lines if line.known]
    many = f"{counted(len(known), 'treatment')} against {ref}"
    text = f"{many}, {counted(net.k, 'trial')}."
    null = plot.null
    if known and math.isfinite(null):
        sure = sum(not line.low <= null <= line.high for line in known)
        text += f" {excluding(sure)}"
        far = max(known, key=lambda line: abs(line.estimate - null))
        text += f" Furthest from it: {far.label}, {plot.measure.name} {plot.effect(far)}."
    if scores:
        best = max(plot.lines, key=lambda line: scores[line.label]).label
        text += f" Highest P-score: {best}, {score_text(scores[best])}."
    if plot.better is not None:
        text += f" {capital(plot.better)} is better."
    return text
