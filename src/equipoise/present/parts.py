"""The parts of the report of `analyse`: what a reviewer looks for, and in which order."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from equipoise.core.errors import EquipoiseError, InputError, NotEstimableError
from equipoise.core.result import Method, Note
from equipoise.core.table import Table, counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.bias.asymmetry import small_study_panel
from equipoise.models.components.basis import identifiability_map
from equipoise.models.components.fit import components
from equipoise.models.influence import baujat, influence
from equipoise.models.network.armcounts import read_arms
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.rare_ladder import network_ladder, rare_events
from equipoise.models.pairwise import PairwiseFit
from equipoise.models.regression import regress
from equipoise.models.robustness import cumulative, leave_one_out
from equipoise.present.figures import (
    Figure,
    bubble,
    forest,
    funnel,
    plot_baujat,
    plot_components,
    plot_contributions,
    plot_identifiability,
    plot_influence,
    plot_league,
    plot_net_heat,
    plot_network,
    plot_ranks,
    plot_split,
)
from equipoise.present.figures.net_parts import PLUS
from equipoise.present.figures.net_rows import RANK
from equipoise.review.sheet import Sheet

#: Below this number of trials neither the shape of a funnel nor a test of it says anything.
#: Source: Cochrane Handbook, chapter 13.3.5.4.
_ENOUGH = 10
#: From this number of trials on each can be left out and weighed against the others.
_SEVERAL = 3
#: Beyond this number of trials figures with a line a trial are folded, but for the forest plot.
_LONG = 25
#: The widest figure of the report, in pixels.
_WIDEST = 920.0
#: So many moderators are drawn at most.
_MODERATORS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the report.

    Attributes
    ----------
    id, title
        Its place on the page and its heading.
    text
        Sentences.
    table, figure
        A table; a figure with its own.
    printed
        Lines as a terminal shows them.
    methods
        The papers of what it computes.
    folded
        Whether the figure is shown only when asked for: it is long and not the main one.
    """

    id: str
    title: str
    text: tuple[str, ...] = ()
    table: Table | None = None
    figure: Figure | None = None
    printed: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    folded: bool = False


def pairwise_parts(
    es: Contrasts,
    fit: PairwiseFit,
    sheet: Sheet,
    *,
    better: str | None,
    order: str,
    mods: str,
    settings: dict[str, Any],
) -> list[Part]:
    """The report of one comparison."""
    drawn = _forest(fit, better)
    parts = [
        Part(
            "result",
            "What the trials show together",
            (drawn.desc,),
            printed=tuple(fit.summary().splitlines()),
            methods=_papers(fit),
        ),
        Part("forest", "Forest plot", (_how_to_read(fit),), figure=drawn),
        *_robustness(fit, better),
        *_steps(es, fit, sheet, order, better),
        *_small_study(es, fit),
    ]
    if mods:
        parts += _regression(es, sheet, mods, settings)
    return [*parts, report_part(fit)]


def report_part(fit: PairwiseFit | NetworkFit) -> Part:
    """Paragraphs for a paper."""
    paragraphs = tuple(line for line in fit.report().splitlines() if line.strip())
    return Part("report", "For a methods and a results section", paragraphs)


def network_parts(fit: NetworkFit, better: str | None) -> list[Part]:
    """The report of a network."""
    sides, parts_of_q = fit.split(), fit.decomposition()
    shares = fit.contributions()
    drawn = _forest(fit, better)
    graph = plot_network(fit, prefix="graph")
    parts = [
        Part(
            "result",
            "What the trials show together",
            (drawn.desc,),
            printed=tuple(fit.summary().splitlines()),
            methods=_papers(fit),
        ),
        Part("graph", "Which treatments were compared", (graph.desc,), figure=graph),
        Part("forest", f"Every treatment against {fit.reference}", figure=drawn),
        _league(fit, better),
        _split(fit, better, sides.notes, sides.table(), sides.methods),
        Part(
            "decomposition",
            "Where trials disagree",
            _texts(parts_of_q.notes),
            parts_of_q.table(),
            methods=parts_of_q.methods,
        ),
        *_heat(fit),
    ]
    if better is not None:
        ranks = fit.ranking(better)
        drawn = plot_ranks(ranks)
        text = _texts(ranks.notes)
        parts.append(Part("ranking", "Ranks", text, ranks.table(), drawn, methods=ranks.methods))
    title = "What each estimate rests on, in percent"
    figure = _or_none(
        lambda: _on_page(lambda w: plot_contributions(shares, estimates=fit.reference, width=w))
    )
    parts.append(
        Part("contributions", title, table=shares.table(), figure=figure, methods=shares.methods)
    )
    return [*parts, *_components(fit, better)]


def _league(fit: NetworkFit, better: Any) -> Part:
    """The league table, drawn where it can be read."""
    order = "given" if better is None else RANK
    drawn = _or_none(
        lambda: _on_page(lambda w: plot_league(fit, order=order, better=better, width=w))
    )
    text = () if drawn is None else (drawn.desc,)
    return Part("league", "Every treatment against every other", text, fit.league(), drawn)


def _heat(fit: NetworkFit) -> list[Part]:
    """Which designs disagree, where several tell about the same comparison."""
    title = "Which designs disagree with the rest"
    try:
        heat = fit.net_heat()
    except (InputError, NotEstimableError) as error:
        return [Part("net-heat", title, (str(error),))]
    drawn = _or_none(lambda: _on_page(lambda w: plot_net_heat(heat, width=w)))
    text = () if drawn is None else (drawn.desc,)
    return [Part("net-heat", title, text, heat.table(), drawn, methods=heat.methods)]


def _components(fit: NetworkFit, better: Any) -> list[Part]:
    """What each component adds, where treatments are combinations and one of them is nothing."""
    if not any(PLUS in t for t in fit.treatments) or PLUS in fit.reference:
        return []
    title = f"What each component adds, {fit.reference} being nothing"
    try:
        found = components(fit, inactive=fit.reference)
        asked = identifiability_map(found)
    except (InputError, NotEstimableError) as error:
        return [Part("components", title, (str(error),))]
    drawn = plot_components(found, better=better)
    seen = _on_page(lambda w: plot_identifiability(asked, width=w))
    return [
        Part("components", title, (drawn.desc,), None, drawn, methods=found.methods),
        Part("identifiability", "What the trials can tell", (seen.desc,), asked.table(), seen),
    ]


def rare_parts(es: Contrasts, reference: str, level: float) -> list[Part]:
    """Every method for a network side by side, where counts are at hand and events are rare."""
    if not {"events1", "n1", "events2", "n2"} <= set(es.raw):
        return []
    title = "Rare events: does the choice of method matter?"
    try:
        if not rare_events(read_arms(es)[0]):
            return []
        ladder = network_ladder(es, reference=reference, level=level)
    except EquipoiseError as error:
        return [Part("methods", title, (str(error),))]
    return [Part("methods", title, (ladder.sentence,), ladder.table(), methods=ladder.methods)]


def methods_of(parts: Iterable[Part]) -> tuple[Method, ...]:
    """The methods of all parts, each once."""
    return tuple(dict.fromkeys(method for part in parts for method in part.methods))


def _forest(fit: PairwiseFit | NetworkFit, better: str | None) -> Figure:
    if better not in (None, "lower", "higher"):
        raise InputError(f"better is {better!r}", hint="lower or higher")
    return forest(fit, better=better)  # type: ignore[arg-type]


def _papers(fit: PairwiseFit | NetworkFit) -> tuple[Method, ...]:
    """The paper of the measure, then those of the synthesis."""
    own = () if fit.measure == "GEN" else (measure_of(fit.measure).method,)
    return (*own, *fit.methods)


def _how_to_read(fit: PairwiseFit) -> str:
    if fit.k == 1:
        return "The square is the trial's estimate, the line its interval."
    text = "Squares are trials, their area is the weight; the diamond is the interval of all"
    if fit.pi is not None:
        text += "; the hatched bar is where the effect of another trial may be expected"
    return f"{text}."


def _robustness(fit: PairwiseFit, better: Any) -> list[Part]:
    if fit.k < _SEVERAL:
        return []
    one_out, moved, axes = leave_one_out(fit), influence(fit), baujat(fit)
    drawn = forest(one_out, better=better, prefix="leave-one-out")
    marked, corner = plot_influence(moved), plot_baujat(fit)
    return [
        Part(
            "leave-one-out",
            "Each trial left out in turn",
            (drawn.desc, *_texts(one_out.notes)),
            figure=drawn,
            methods=one_out.methods,
            folded=fit.k > _LONG,
        ),
        Part(
            "influence",
            "Outliers and influence",
            (marked.desc, *_texts(moved.notes)),
            figure=marked,
            methods=moved.methods,
            folded=fit.k > _LONG,
        ),
        Part(
            "baujat",
            "Which trials differ, and which move the result",
            (corner.desc,),
            figure=corner,
            methods=axes.methods,
        ),
    ]


def order_of(sheet: Sheet, order: str) -> str:
    """The column that trials are added by; "" where there is none."""
    heading = order or sheet.find(("year",), {}).get("year", "")
    if heading and heading not in sheet.cells:
        raise InputError(
            f"no column {heading!r} to order by", where="--order", hint=", ".join(sheet.names)
        )
    return heading


def _steps(es: Contrasts, fit: PairwiseFit, sheet: Sheet, order: str, better: Any) -> list[Part]:
    heading = order_of(sheet, order)
    if fit.k < 2 or not heading or len(es) != len(sheet):
        return []
    try:
        steps = cumulative(fit, order=_kept(es, sheet.values(heading)))
    except InputError as error:
        return [Part("cumulative", "Trials added one by one", (str(error),))]
    drawn = forest(steps, better=better, prefix="cumulative")
    return [
        Part(
            "cumulative",
            f"Trials added one by one, by {heading}",
            (drawn.desc, *_texts(steps.notes)),
            figure=drawn,
            methods=steps.methods,
            folded=fit.k > _LONG,
        )
    ]


def _kept(es: Contrasts, values: Sequence[Any]) -> list[Any]:
    good = np.isfinite(es.yi) & np.isfinite(es.vi)
    return [value for value, keep in zip(values, good.tolist(), strict=True) if keep]


def _small_study(es: Contrasts, fit: PairwiseFit) -> list[Part]:
    title = "Do small trials tell another story?"
    if fit.k < _ENOUGH:
        few = "One trial" if fit.k == 1 else counted(fit.k, "trial")
        text = f"{few}: too few for a funnel plot or a test, which need about ten (Cochrane "
        return [Part("small-study", title, (f"{text}Handbook, chapter 13).",))]
    drawn = funnel(fit)
    parts = [Part("funnel", "Funnel plot", (drawn.desc,), figure=drawn)]
    try:
        panel = small_study_panel(es)
    except EquipoiseError as error:
        return [*parts, Part("small-study", title, (str(error),))]
    return [
        *parts,
        Part("small-study", title, _texts(panel.notes), panel.table(), methods=panel.methods),
    ]


def _regression(es: Contrasts, sheet: Sheet, mods: str, settings: dict[str, Any]) -> list[Part]:
    data = {name: sheet.values(name) for name in sheet.names}
    given = {k: v for k, v in settings.items() if k in ("tau2", "level")}
    if settings.get("interval") in ("HK", "HK-guarded", "t", "Wald", "KR"):
        given["interval"] = settings["interval"]
    found = regress(es, mods, data=data, **given)
    lines = tuple(found.summary().splitlines())
    parts = [Part("regression", f"Meta-regression: {mods}", printed=lines, methods=found.methods)]
    levels = found.design.levels or {}
    numbers = [name for name in found.design.variables if name not in levels]
    for i, name in enumerate(numbers[:_MODERATORS]):
        drawn = bubble(found, name, prefix=f"bubble-{i + 1}")
        parts.append(Part(f"bubble-{i + 1}", f"Effects against {name}", (drawn.desc,), None, drawn))
    return parts


def _split(
    fit: NetworkFit,
    better: Any,
    notes: Sequence[Note],
    table: Table,
    methods: tuple[Method, ...],
) -> Part:
    """Direct against indirect evidence; drawn where some comparison has both."""
    plain = Part("split", "Direct and indirect evidence", _texts(notes), table, methods=methods)
    drawn = _or_none(lambda: plot_split(fit, better=better))
    return plain if drawn is None else replace(plain, figure=drawn)


def _on_page(draw: Callable[[float | None], Figure]) -> Figure:
    """A figure with its narrow layout, and no wider than the page."""
    free = draw(None)
    found = re.search(r'width="([0-9.]+)"', free.svg)
    if found is None or float(found[1]) <= _WIDEST:
        return free
    return dataclasses.replace(draw(_WIDEST), narrow=free.narrow)


def _or_none(draw: Callable[[], Figure]) -> Figure | None:
    try:
        return draw()
    except InputError:
        return None


def _texts(notes: Sequence[Note]) -> tuple[str, ...]:
    return tuple(note.text for note in notes)
