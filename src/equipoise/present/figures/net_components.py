"""Component effects drawn: what each part adds, what parts do together, and on what that rests."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from equipoise.core.arguments import typed
from equipoise.core.table import Column, Table, Value, count, significant
from equipoise.effects.measures import measure_of
from equipoise.models.components.basis import (
    Attribution,
    Basis,
    IdentifiabilityMap,
    identifiability_map,
)
from equipoise.models.components.fit import ComponentFit
from equipoise.models.components.reading import parts_of
from equipoise.present.figures.figure import Figure, check_width, laid_out, refuse_other
from equipoise.present.figures.forest import draw_plot
from equipoise.present.figures.gather import Asked, Trials, framed
from equipoise.present.figures.plot import (
    Beside,
    Better,
    Line,
    Plot,
    capital,
    check_better,
    favours,
    given_band,
    kind_of_measure,
    writer,
)
from equipoise.present.figures.rungs import ADDS_UP, FOLLOWS, Rung, Rungs, direct_said, draw_rungs

_BESIDE = (
    Beside("trials", "Trials", "right", "count"),
    Beside("people", "People", "right", "count"),
    Beside("direct", "Compared directly", "right", "percent"),
)
_RESTS = {True: "rests on effects adding up", False: FOLLOWS}
_KINDS = {
    "component": "Adding a component",
    "interaction": "Together, beyond the sum",
    "combination": "Combinations that trials gave",
    "never": "Combinations that no trial gave: they rest on effects adding up alone",
}


@typed
def plot_components(
    what: ComponentFit | IdentifiabilityMap,
    *,
    also: Sequence[str] = (),
    better: Better | None = None,
    threshold: float | tuple[float, float] | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "components",
) -> Figure:
    """Draw what each component adds, what pairs do beyond their sum, and combinations.

    Parameters
    ----------
    what
        What :func:`equipoise.components` or ``identifiability_map`` gave.
    also
        Further combinations, such as ``CBT+exercise``, tried or not; for a fit.
    better, threshold
        As for :func:`equipoise.forest`.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Notes
    -----
    A hollow square rests on effects adding up: no trial has groups that differ by exactly this.
    What the trials cannot tell is listed with its reason.
    """
    refuse_other(what, (ComponentFit, IdentifiabilityMap), "components", "what components() gives")
    check_width(width)
    check_better(better)
    found = identifiability_map(what, also=also) if isinstance(what, ComponentFit) else what
    level = what.level if isinstance(what, ComponentFit) else _level(found)
    given = _given(what) if isinstance(what, ComponentFit) else None
    plot = _plot(found, level, given, Asked(title, better, threshold))
    if isinstance(what, ComponentFit):
        plot = dataclasses.replace(plot, found=(_q_said(what),))
    return draw_plot(plot, ("effect",), width, prefix)


def _level(found: IdentifiabilityMap) -> float:
    return next((r.effect.ci.level for r in found.rows if r.effect is not None), 0.95)


def _given(fit: ComponentFit) -> set[frozenset[str]]:
    """The combinations that some group had."""
    treats = dict.fromkeys((*fit.treat1, *fit.treat2))
    return {frozenset(parts_of(t, fit.inactive)) for t in treats}


def _plot(
    found: IdentifiabilityMap, level: float, given: set[frozenset[str]] | None, asked: Asked
) -> Plot:
    measure = measure_of(found.measure)
    groups: dict[str, list[Line]] = {kind: [] for kind in _KINDS}
    for row in found.rows:
        kind = row.kind
        if kind == "combination" and given is not None:
            parts = frozenset(parts_of(row.what, found.inactive))
            kind = kind if parts in given else "never"
        groups[kind].append(_line(row))
    lines: list[Line] = []
    for kind, held in groups.items():
        if held:
            lines += [Line(_KINDS[kind], kind="heading"), *held]
    known = any(row.people for row in found.rows)
    trials = Trials(
        tuple(line for line in lines if line.kind == "trial"),
        tuple((b, (), None) for b in _BESIDE if b.key != "people" or known),
        (),
        (),
    )
    title = asked.title or f"{capital(measure.name)}: what each component adds"
    asked = dataclasses.replace(asked, title=title)
    plot = framed(asked, measure, level, lines, ("it", "going without"), trials)
    notes = [note.text for note in found.notes]
    hollow = {r.adds_up for r in found.rows if _hollow(r)}
    if hollow:
        rest = " or ".join(_RESTS[adds_up] for adds_up in sorted(hollow, reverse=True))
        notes.insert(0, f"Hollow: no trial compared exactly this; it {rest}.")
    return dataclasses.replace(plot, label_head="What", desc=_said(plot, found), notes=tuple(notes))


def _line(row: Basis) -> Line:
    if row.effect is None:
        return Line(row.what, flags=(row.sentence,))
    cells: dict[str, Value] = {
        "trials": row.trials,
        "people": row.people or None,
        "direct": None if row.kind == "interaction" else 100 * row.direct_share,
    }
    e = row.effect
    flags = (row.sentence,) if row.essential else ()
    ends = (e.estimate, e.ci.low, e.ci.high)
    return Line(row.what, *ends, cells=cells, flags=flags, hollow=_hollow(row))


def _hollow(row: Basis) -> bool:
    return row.effect is not None and not row.tried and row.kind != "interaction"


def _said(plot: Plot, found: IdentifiabilityMap) -> str:
    """The finding: what can be told, what cannot, and every component's effect."""
    can = sum(row.effect is not None for row in found.rows)
    text = f"The trials can tell {count(can)} of {count(len(found.rows))}."
    for line in plot.lines:
        if line.kind != "heading" and line.known:
            text += " ".join(["", f"{line.label}: {plot.effect(line)}.", *line.flags])
    lost = [row.what for row in found.rows if row.effect is None]
    return f"{text} Cannot be told: {', '.join(lost)}." if lost else text


def _q_said(fit: ComponentFit) -> str:
    q, apart = fit.q, fit.q_difference
    text = f"Q\u00a0{significant(q, 4)} on {count(fit.q_df)}\u00a0df"
    if apart.df:
        text += f"; beyond the full network {significant(apart.q, 3)} on {count(apart.df)}\u00a0df"
        text += f", p\u00a0{significant(apart.p_value, 3)}"
    return f"{text}. tau²\u00a0{significant(fit.tau2, 3)}."


# --- alone, added, together ---------------------------------------------------------------------


@typed
def plot_attribution(
    att: Attribution,
    *,
    better: Better | None = None,
    threshold: float | tuple[float, float] | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "attribution",
) -> Figure:
    """Draw whether a treatment works alone, added to other care, and together with it.

    A row that the trials cannot tell says why. A bar shows which share of the information compares
    the row directly; the hatched rest assumes that effects add up, or, where the interactions
    leave nothing to assume, follows from other comparisons.

    Parameters
    ----------
    att
        What ``attribution()`` gave.
    better, threshold
        As for :func:`equipoise.forest`.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.
    """
    refuse_other(att, Attribution, "an attribution", "what attribution() gives")
    check_width(width)
    check_better(better)
    measure = measure_of(att.measure)
    write = writer(measure)
    rows = [
        (f"{att.treatment} alone", att.alone),
        (f"{att.treatment} added to {att.others}", att.added),
        (f"{att.treatment} together with {att.others}", att.together),
    ]
    if att.interaction is not None:
        rows.append(("Together, beyond the sum of both", att.interaction))

    def rung(name: str, row: Basis) -> Rung:
        if row.effect is None:
            return Rung(name, "", "", None, 0.0, row.sentence)
        ends = (row.effect.estimate, row.effect.ci.low, row.effect.ci.high)
        value, low, high = (write(measure.back(v)) for v in ends)
        share = None if row.kind == "interaction" else row.direct_share
        counted = _counted(row.direct, row.direct_people)
        rest = ADDS_UP if row.adds_up else FOLLOWS
        shown = f"{value} ({low} to {high})"
        return Rung(name, _who(row), shown, ends, share, "", counted, rest, row.hangs_on)

    rungs = tuple(rung(name, row) for name, row in rows)
    heading = title or f"{att.treatment}: alone, added to {att.others}, and together"
    desc = " ".join(_told(r, measure.name) for r in rungs)
    log = measure.scale == "log"
    ladder = Rungs(
        heading,
        desc,
        rungs,
        log,
        None if threshold is None else given_band(measure, threshold),
        favours(better, ("the treatment", "going without")),
        f"{capital(measure.name)} (log scale)" if log else capital(measure.name),
        tuple(note.text for note in att.notes),
    )

    def draw(wide: float, name: str) -> str:
        return draw_rungs(ladder, wide, name)

    return laid_out(draw, _table(att, rows, heading), desc, prefix=prefix, width=width)


def _told(rung: Rung, measure: str) -> str:
    if rung.numbers is None:
        return f"{rung.name}: {rung.refusal}"
    share = ""
    if rung.direct is not None:
        share = f"; {direct_said(rung.direct, rung.counted, rung.rest)}"
    hangs_on = f" {rung.hangs_on}" if rung.hangs_on else ""
    return f"{rung.name}: {measure} {rung.shown}; {rung.who}{share}.{hangs_on}"


def _who(row: Basis) -> str:
    """Trials and people that an estimate draws on."""
    return _counted(row.trials, row.people)


def _counted(trials: int, people: int) -> str:
    who = f", {count(people)} people" if people else ""
    return f"{count(trials)} {'trial' if trials == 1 else 'trials'}{who}"


def _table(att: Attribution, rows: Sequence[tuple[str, Basis]], heading: str) -> Table:
    measure = measure_of(att.measure)
    kind = kind_of_measure(measure)
    columns = (
        Column("part", "Used"),
        Column("effect", capital(measure.name), kind, "right"),
        Column("low", "interval from", kind, "right"),
        Column("high", "to", kind, "right"),
        Column("trials", "Trials", "count", "right"),
        Column("people", "People", "count", "right"),
        Column("direct_trials", "Trials of exactly this", "count", "right"),
        Column("direct", "Compared directly", "percent", "right"),
        Column("sentence", "Rests on"),
    )
    body: list[tuple[Value, ...]] = []
    for name, row in rows:
        e = row.effect
        ends: tuple[Value, ...] = (None, None, None)
        if e is not None:
            ends = tuple(measure.back(v) for v in (e.estimate, e.ci.low, e.ci.high))
        share = None if e is None else 100 * row.direct_share
        body.append((name, *ends, row.trials, row.people, row.direct, share, row.sentence))
    notes = tuple(note.text for note in att.notes)
    return Table(heading, columns, tuple(body), notes=notes, missing="cannot be told")
