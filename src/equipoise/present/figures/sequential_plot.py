"""A sequential synthesis: z look by look against its boundaries, and what is still needed.

Source: Wetterslev, Thorlund, Brok, Gluud 2008, J Clin Epidemiol 61:64,
doi:10.1016/j.jclinepi.2007.03.013.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.table import count, counted, percent, significant
from equipoise.models.boundaries import alpha_spent
from equipoise.models.sequential import FAR, Sequential
from equipoise.num.dist import normal_quantile
from equipoise.num.looks import two_sided_bounds
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis
from equipoise.present.figures.figure import Figure, laid_out, refuse_other
from equipoise.present.figures.frame import (
    Box,
    Mark,
    begin,
    draw_circle,
    draw_diamond_mark,
    draw_frame,
    draw_labels,
    high_of,
    margin_of,
    spanning,
)
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import text_width

_HIGH = 380.0
#: The axis of z reaches at least that far.
_LEAST = 4.0
_Points = list[tuple[float, float]]
#: Between looks farther apart than this share of what is needed, that many places are filled in.
_APART, _FILLED = 0.02, 12


@typed_late
def plot_sequential(
    what: Sequential,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "sequential",
) -> Figure:
    """Draw z at each look against the boundaries, over the people or the information held.

    Parameters
    ----------
    what
        What :func:`equipoise.sequential` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Thick lines are the boundaries, up to where all that is needed is held (the upright line);
        dashed ones are those of a single plain test. Looks at which the boundary is crossed are
        diamonds. Shaded: where it is futile to go on, if asked for. Boundaries beyond 8 are not
        drawn. The table has every look.

    Raises
    ------
    InputError
        For something else than a sequential synthesis.

    Notes
    -----
    Source: Wetterslev et al. 2008, J Clin Epidemiol 61:64, doi:10.1016/j.jclinepi.2007.03.013.
    """
    refuse_other(what, Sequential, "looks", "what sequential() gives")
    table = what.table()
    title = title or f"Looks at {counted(int(what.k[-1]), 'trial')}, and what is needed"
    named = type(table)(title, table.columns, table.rows, notes=_notes(what), missing="none")
    return laid_out(
        lambda wide, ids: _draw(what, title, wide, ids),
        named,
        what.statement,
        prefix=prefix,
        width=width,
    )


def _notes(what: Sequential) -> tuple[str, ...]:
    return tuple(str(note) for note in what.notes)


def _draw(what: Sequential, title: str, width: float, prefix: str) -> str:
    people = what.required.kind == "people"
    d, top = begin(prefix, width, title, "z: the mean over its standard error")
    bounds = _boundary(what)
    reach = max([_LEAST, *(b for _, b in bounds), *np.abs(what.z).tolist()]) + 0.5
    y = Axis(-reach, reach, top + high_of(d, _HIGH), top, False)
    held = [float(h) for h in what.held]
    x = spanning([*held, what.needed], margin_of(y.ticks(), d.size), width - 26, floor=0.0)
    name = "People in the trials" if people else "Information: 1 / variance of the mean"
    below = draw_frame(d, x, y, titles=(name, "z: the mean over its standard error"))
    _draw_futility(d, x, y, what)
    _draw_rules(d, x, y, what)
    taken = _draw_needed(d, x, y, what)
    for side in (1.0, -1.0):
        line = [(x.at(h), y.at(side * b)) for h, b in bounds if b <= reach]
        d.polyline(line, role="harm", width=2.4)
        taken += _along(line)
    places = [(x.at(h), y.at(float(z))) for h, z in zip(held, what.z, strict=True)]
    path = [(x.at(0.0), y.at(0.0)), *places]
    d.polyline(path, role="benefit", width=1.8)
    taken += _along(path)
    marks = [Mark(a, b, 5, label) for (a, b), label in zip(places, what.label, strict=True)]
    for mark, crossed in zip(marks, what.crossed.tolist(), strict=True):
        if crossed:
            draw_diamond_mark(d, mark)
        else:
            draw_circle(d, mark, 3.5)
    first = what.first_crossed
    wanted = [
        marks[i] for i in dict.fromkeys([len(marks) - 1, *([] if first is None else [first])])
    ]
    frame = Box(x.left + 2, y.right + 2, width - EDGE, y.left - 2)
    draw_labels(d, frame, wanted, marks, taken=taken)
    return d.svg(_legend(d, below, what), title, what.statement)


def _boundary(what: Sequential) -> _Points:
    """The boundary as (held, z): each look that has one, up to where all that is needed is held.

    Where looks lie far apart, it is filled in with the boundary that a look there would have had.
    """
    known = ~np.isnan(what.boundary)
    times = what.fraction[known].tolist()
    bounds = what.boundary[known].tolist()
    if not what.reached:
        times.append(1.0)
        bounds.append(what.final_boundary)
    found: _Points = []
    for i, (time, bound) in enumerate(zip(times, bounds, strict=True)):
        before = times[i - 1] if i else 0.0
        steps = min(_FILLED, int((time - before) / _APART)) if i else 0
        for step in range(1, steps + 1):
            t = before + (time - before) * step / (steps + 1)
            found.append((t * what.needed, _at(what, [*times[:i], t])))
        found.append((time * what.needed, bound))
    return [(h, b) for h, b in found if b <= FAR]


def _at(what: Sequential, times: list[float]) -> float:
    """The boundary at the last of these looks."""
    parameter = None if math.isnan(what.parameter) else what.parameter
    alpha = 0.5 * what.required.alpha
    spent = 2.0 * alpha_spent(times, alpha=alpha, spending=what.spending, parameter=parameter)
    return two_sided_bounds(times, np.diff(spent, prepend=0.0).tolist())[-1]


def _wedge(what: Sequential) -> _Points:
    """The boundary for futility as (held, z), from where it rises above 0."""
    looks = zip(what.held.tolist(), what.futility.tolist(), strict=True)
    found = [(h, b) for h, b in looks if b > 0.0]
    if not what.reached and what.final_futility > 0.0:
        found.append((what.needed, what.final_futility))
    return found


def _draw_futility(d: Drawing, x: Axis, y: Axis, what: Sequential) -> None:
    wedge = _wedge(what)
    if len(wedge) < 2:
        return
    upper = [(x.at(h), y.at(b)) for h, b in wedge]
    lower = [(x.at(h), y.at(-b)) for h, b in reversed(wedge)]
    around = "L".join(f"{coord(a)} {coord(b)}" for a, b in (*upper, *lower))
    d.path(f"M{around}Z", "soft", under=True)


def _draw_rules(d: Drawing, x: Axis, y: Axis, what: Sequential) -> None:
    """No difference, and the limits of one plain test."""
    plain = -normal_quantile(0.5 * what.required.alpha)
    for value in (plain, -plain):
        if y.holds(value):
            at = coord(y.at(value))
            d.path(f"M{coord(x.left)} {at}H{coord(x.right)}", "", "neutral", dash="5 4", under=True)
    zero = y.at(0.0)
    d.line(x.left, zero, x.right, zero, role="neutral", width=1.2)


def _draw_needed(d: Drawing, x: Axis, y: Axis, what: Sequential) -> list[Box]:
    """The upright line at what is needed, with its words; returns where the words stand."""
    at = x.at(what.needed)
    d.line(at, y.left, at, y.right, role="ink", width=1.2)
    size = what.needed
    if what.required.kind == "people":
        text = f"{count(math.ceil(size - 1e-9 * size))} needed"
    else:
        text = f"{significant(size, 4)} needed"
    wide = text_width(text, d.size)
    left = at - wide - 6 if at - wide - 6 > x.left + 4 else at + 6
    foot = y.left - 8
    box = Box(left - 3, foot - d.size, left + wide + 3, foot + 4)
    d.rect(box.left, box.top, box.right - box.left, box.bottom - box.top, fill="paper")
    d.text(left, foot, text)
    return [box, Box(at - 2, y.right, at + 2, y.left)]


def _along(line: _Points) -> list[Box]:
    """Small boxes along a line on the paper, which labels keep clear of."""
    boxes = []
    for (a, b), (c, e) in itertools.pairwise(line):
        steps = max(1, math.ceil(math.hypot(c - a, e - b) / 8.0))
        for i in range(steps + 1):
            share = i / steps
            boxes.append(Box.around(a + share * (c - a), b + share * (e - b), 2.0))
    return boxes


def _legend(d: Drawing, y: float, what: Sequential) -> float:
    """What the lines are, in as many lines of text as they need."""
    alpha = percent(100 * what.required.alpha)
    items = [
        ("benefit", 1.8, "", "looks"),
        ("harm", 2.4, "", f"boundaries, {alpha} over all looks"),
    ]
    items.append(("neutral", 1.0, "5 4", f"one plain test at {alpha}"))
    if len(_wedge(what)) > 1:
        items.append(("soft", 0.0, "", "futile to go on"))
    at, y = EDGE, y + 6
    for role, wide, dash, text in items:
        need = 30 + text_width(text, d.size)
        if at > EDGE and at + need > d.width - EDGE:
            at, y = EDGE, y + d.size * 1.5
        if wide:
            d.polyline([(at, y - 4), (at + 24, y - 4)], role=role, width=wide, dash=dash)
        else:
            d.rect(at, y - 11, 24, 13, fill=role)
        d.text(at + 30, y, text)
        at += need + 18
    return y + d.size * 1.3
