"""Outliers and influence: one line a trial, one small plot a diagnostic.

Source: Viechtbauer, Cheung 2010, Res Synth Methods 1:112, doi:10.1002/jrsm.11.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from equipoise.core.arguments import typed_late
from equipoise.core.table import Column, Table, Value, counted
from equipoise.models.influence import Influence, influence
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import chi2_quantile
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import PHONE, Figure, laid_out, refuse_other
from equipoise.present.figures.frame import begin
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width, wrap

_ROW = 19.0
_GAP = 26.0


@dataclass(frozen=True, slots=True)
class _Panel:
    """A diagnostic: its field, its name, where it is unremarkable and where it is remarkable."""

    key: str
    name: str
    rest: Callable[[int], float]
    limits: Callable[[int], tuple[float, ...]]


def _nowhere(k: int) -> tuple[float, ...]:
    return ()


_PANELS = (
    _Panel("studentised", "Studentised residual", lambda k: 0.0, lambda k: (-1.96, 1.96)),
    _Panel(
        "dffits",
        "DFFITS",
        lambda k: 0.0,
        lambda k: (-3 * math.sqrt(1 / (k - 1)), 3 * math.sqrt(1 / (k - 1))),
    ),
    _Panel("cook", "Cook's distance", lambda k: 0.0, lambda k: (chi2_quantile(0.5, 1.0),)),
    _Panel("cov_ratio", "Covariance ratio", lambda k: 1.0, _nowhere),
    _Panel("tau2_deleted", "tau² without\u00a0it", lambda k: math.nan, _nowhere),
    _Panel("q_deleted", "Q without\u00a0it", lambda k: math.nan, _nowhere),
    _Panel("hat", "Leverage", lambda k: 1 / k, lambda k: (3 / k,)),
    _Panel("weight", "Weight, percent", lambda k: 100 / k, _nowhere),
)


@typed_late
def plot_influence(
    what: PairwiseFit | Influence,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "influence",
) -> Figure:
    """Draw eight diagnostics of each trial: which stand out, and which move the result.

    Parameters
    ----------
    what
        What :func:`equipoise.pairwise` gave, of at least two trials, or what
        :func:`equipoise.influence` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Dashed lines are the limits of the paper. Influential trials are diamonds and bold, trials
        that only stand out are bold.

    Raises
    ------
    InputError
        For one trial, or something else than a fit.

    Notes
    -----
    Source: Viechtbauer & Cheung 2010, Res Synth Methods 1:112, doi:10.1002/jrsm.11; the numbers
    are those of :func:`equipoise.influence`.
    """
    refuse_other(
        what, (PairwiseFit, Influence), "influence", "what pairwise() or influence() gives"
    )
    found = influence(what) if isinstance(what, PairwiseFit) else what
    title = title or "Which trials stand out, and which move the result"
    desc = _said(found)
    return laid_out(
        lambda wide, ids: _draw(found, title, desc, wide, ids),
        _table(found, title),
        desc,
        prefix=prefix,
        width=width,
    )


def _said(found: Influence) -> str:
    def named(flags: Sequence[bool]) -> str:
        names = [s for s, flag in zip(found.study, flags, strict=True) if flag]
        return ", ".join(names) or "none"

    return (
        f"{counted(len(found), 'trial')}. Standing out: {named(found.stands_out.tolist())}. "
        f"Influential: {named(found.influential.tolist())}."
    )


def _draw(found: Influence, title: str, desc: str, width: float, prefix: str) -> str:
    d, y = begin(prefix, width, title)
    y -= 20
    across = 2 if width < PHONE else 4
    for first in range(0, len(_PANELS), across):
        y = _block(d, found, _PANELS[first : first + across], y)
    words = "Dashed: limits of the paper by Viechtbauer and Cheung. "
    words += "Bold: stands out. Diamond: influential."
    y = d.paragraph(EDGE, y + 4, words, width - 2 * EDGE, role="neutral")
    return d.svg(y, title, desc)


def _block(d: Drawing, found: Influence, panels: Sequence[_Panel], y: float) -> float:
    """Draw some of the diagnostics beside the names of the trials; return the next top."""
    bold = [a or b for a, b in zip(found.stands_out, found.influential, strict=True)]
    names = [text_width(s, 13, bold=bool(b)) for s, b in zip(found.study, bold, strict=True)]
    room = min(max([*names, 60.0]), (0.33 if d.width < PHONE else 0.29) * d.width)
    left = EDGE + room + 16
    each = (d.width - EDGE - 10 - left - _GAP * (len(panels) - 1)) / len(panels)
    heads = [wrap(panel.name, each + _GAP - 8, 13, bold=True) for panel in panels]
    step = d.size * 1.3
    base = y + d.size + (max(map(len, heads)) - 1) * step
    top = base + 8
    bottom = top + _ROW * len(found)
    for i, study in enumerate(found.study):
        at = top + _ROW * (i + 0.5) + d.size * 0.35
        text = shortened(study, room, 13, 1, bold=bool(bold[i]))[0]
        d.begin(study)
        d.text(EDGE, at, text, bold=bool(bold[i]), size=13)
        d.end()
    for j, (panel, head) in enumerate(zip(panels, heads, strict=True)):
        x = left + j * (each + _GAP)
        for line, words in enumerate(reversed(head)):
            d.text(x, base - line * step, words, bold=True, size=13)
        _panel(d, found, panel, (x, x + each), (top, bottom))
    return bottom + d.size + 24


def _panel(
    d: Drawing,
    found: Influence,
    panel: _Panel,
    across: tuple[float, float],
    down: tuple[float, float],
) -> None:
    k = len(found)
    values = [float(v) for v in getattr(found, panel.key)]
    known = [v for v in values if math.isfinite(v)]
    rest, limits = panel.rest(k), panel.limits(k)
    reach = [v for v in limits if known and min(known) - 1 <= v <= max(known) * 2 + 1]
    flat = [0.0, 1.0] if known and set(known) == {0.0} else []
    axis = fit_axis(
        known,
        [],
        null=rest,
        left=across[0],
        right=across[1],
        log=False,
        keep=[*known, *reach, *flat] or [0.0],
    )
    rows = [coord(down[0] + _ROW * (i + 0.5)) for i in range(k)]
    rules = "".join(f"M{coord(across[0])} {row}H{coord(across[1])}" for row in rows)
    d.path(rules, "", "band", under=True)
    for value in limits:
        if axis.holds(value):
            at = coord(axis.at(value))
            run = f"M{at} {coord(down[0])}V{coord(down[1])}"
            d.path(run, "", "neutral", dash="3 3", under=True)
    if axis.holds(rest):
        at = coord(axis.at(rest))
        d.path(f"M{at} {coord(down[0])}V{coord(down[1])}", "", "rule", under=True)
    for i, value in enumerate(values):
        if math.isfinite(value):
            _mark(d, axis.at(value), down[0] + _ROW * (i + 0.5), bool(found.influential[i]))
    _ticks(d, axis, down[1])


def _mark(d: Drawing, x: float, y: float, influential: bool) -> None:
    if influential:
        d.polygon([(x - 6, y), (x, y - 6), (x + 6, y), (x, y + 6)], fill="harm", stroke="ink")
    else:
        d.circle(x, y, 4)


def _ticks(d: Drawing, axis: Axis, y: float) -> None:
    """Draw the axis with evenly spaced labels, as many as do not touch."""
    d.line(axis.left, y, axis.right, y, role="neutral")
    # Chosen as for an axis of twice the width, because only labels that have room are written.
    ticks = dataclasses.replace(axis, left=0.0, right=200.0).ticks()
    zero = next((i for i, (value, _) in enumerate(ticks) if value == 0.0), 0)
    for every in range(1, len(ticks) + 1):
        places = [_place(d, axis, *tick) for tick in ticks[zero % every :: every]]
        if all(a[2] + 6 <= b[1] for a, b in itertools.pairwise(places)):
            break
    for at, left, right, text in places:
        if right <= axis.right + _GAP / 2:
            d.line(at, y, at, y + 5, role="neutral")
            d.text((left + right) / 2, y + 7 + d.size, text, anchor="middle", role="neutral")


def _place(d: Drawing, axis: Axis, value: float, text: str) -> tuple[float, float, float, str]:
    """Where a tick stands, and from where to where its label reaches."""
    half = text_width(text, d.size) / 2
    middle = min(axis.at(value), d.width - half - 3)
    return axis.at(value), middle - half, middle + half, text


def _table(found: Influence, title: str) -> Table:
    columns = (
        Column("study", "Trial"),
        *(Column(panel.key, panel.name, align="right") for panel in _PANELS),
        Column("remarks", "Remarks"),
    )
    rows: list[tuple[Value, ...]] = []
    for i, study in enumerate(found.study):
        marks = (("stands out", found.stands_out[i]), ("influential", found.influential[i]))
        values = [float(getattr(found, panel.key)[i]) for panel in _PANELS]
        told = [v if math.isfinite(v) else None for v in values]
        rows.append((study, *told, ", ".join(text for text, flag in marks if flag) or None))
    notes = tuple(str(note) for note in found.notes)
    return Table(title, columns, tuple(rows), notes=notes, missing="")
