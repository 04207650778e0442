"""The funnel plot: each trial's effect against how precise it is.

Grey contours say where an effect would be significant, a dashed triangle where trials would lie
that differ by chance alone.

Source: Sterne, Egger 2001, J Clin Epidemiol 54:1046, doi:10.1016/S0895-4356(01)00377-8; contours,
Peters et al. 2008, J Clin Epidemiol 61:991, doi:10.1016/j.jclinepi.2007.11.010.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval
from equipoise.core.table import Column, Table, count, counted, percent, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.bias.funnel import FunnelData, funnel_data
from equipoise.models.bias.trim_fill import TrimFill
from equipoise.models.pairwise import PairwiseFit
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import Figure, laid_out, refuse_other
from equipoise.present.figures.frame import (
    Box,
    Mark,
    begin,
    draw_circle,
    draw_frame,
    draw_labels,
    high_of,
    margin_of,
    spanning,
)
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import axis_words, capital, kind_of_measure, way_back, writer
from equipoise.present.text import text_width

Upright = Literal["se", "variance", "precision", "n"]

#: Kind of upright axis → its title.
UPRIGHT: dict[Upright, str] = {
    "se": "Standard error",
    "variance": "Variance",
    "precision": "Precision (1 / standard error)",
    "n": "People in both groups",
}
_HIGH = 380.0
#: How dark the contours are, from the inner one outwards; beyond the last one and before them.
_SHADES = (0.46, 0.3, 0.16, 0.09, 0.05)
#: Below this number of trials nothing can be read from the shape.
_FEW = 10


@dataclass(frozen=True, slots=True)
class _Funnel:
    """What is drawn, on the scale of analysis; `places` are the heights of the trials."""

    data: FunnelData
    measure: Measure
    upright: Upright
    places: tuple[float, ...]
    filled: tuple[bool, ...]
    observed: float | None
    title: str
    desc: str
    shaded: bool

    def height(self, se: float) -> float:
        """Where a standard error stands on the upright axis; upwards is more precise."""
        if self.upright == "variance":
            return -se * se
        return 1 / se if self.upright == "precision" else -se

    def write(self, value: float) -> str:
        """Write a value of the scale of analysis as a reader sees it."""
        return writer(self.measure)(self.measure.back(value))


@typed_late
def funnel(
    what: PairwiseFit | Contrasts | TrimFill,
    *,
    upright: Upright = "se",
    contours: Sequence[float] = (0.1, 0.05, 0.01),
    level: float | None = None,
    center: float | None = None,
    heterogeneity: bool = False,
    names: bool | Sequence[str] = False,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "funnel",
) -> Figure:
    """Draw each trial's effect against its precision: are small trials different?

    Parameters
    ----------
    what
        What :func:`equipoise.pairwise` gave; effects, which are pooled by the defaults; or what
        :func:`equipoise.trim_fill` gave, whose filled-in trials are drawn hollow.
    upright
        ``se`` (the largest at the foot), ``variance``, ``precision``, or ``n`` (people, for
        effects that know them; without contours and limits, which belong to standard errors).
    contours
        Two-sided p values of the grey contours about no difference, five at most; none with ``()``.
    level, center, heterogeneity
        Of the dashed limits, as for :func:`equipoise.funnel_data`.
    names
        Whether trials outside the limits are named; or the trials to name.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        For something that is no synthesis, or people that are not known.
    UnknownNameError
        For an unknown upright axis or trial.

    Notes
    -----
    Source: Sterne & Egger 2001, doi:10.1016/S0895-4356(01)00377-8; Peters et al. 2008,
    doi:10.1016/j.jclinepi.2007.11.010; the numbers are those of :func:`equipoise.funnel_data`.
    """
    if upright not in UPRIGHT:
        raise UnknownNameError("upright axis", upright, UPRIGHT)
    if len(contours) > len(_SHADES):
        raise InputError(f"{len(contours)} contours", hint=f"{len(_SHADES)} or fewer")
    made = _gathered(what, upright, contours, level, center, heterogeneity, title)
    named = _named(made, names)
    return laid_out(
        lambda wide, ids: _draw(made, named, wide, ids),
        _table(made),
        made.desc,
        prefix=prefix,
        width=width,
    )


def _gathered(
    what: PairwiseFit | Contrasts | TrimFill,
    upright: Upright,
    contours: Sequence[float],
    level: float | None,
    center: float | None,
    heterogeneity: bool,
    title: str | None,
) -> _Funnel:
    refuse_other(
        what,
        (PairwiseFit, Contrasts, TrimFill),
        "a funnel plot",
        "what pairwise() or trim_fill() gives, or effects",
    )
    fit = what.filled if isinstance(what, TrimFill) else what
    data = funnel_data(
        fit, contours=contours, level=level, center=center, heterogeneity=heterogeneity
    )
    measure = measure_of(data.measure)
    filled = tuple(bool(v) for v in what.is_filled) if isinstance(what, TrimFill) else ()
    filled = filled or (False,) * data.k
    made = _Funnel(
        data=data,
        measure=measure,
        upright=upright,
        places=(),
        filled=filled,
        observed=what.observed.estimate if isinstance(what, TrimFill) else None,
        title=title or f"{capital(measure.name)}: effects and precision of the trials",
        desc="",
        shaded=bool(data.contour_levels) and upright != "n" and measure.compares,
    )
    places = _people(what) if upright == "n" else [made.height(float(v)) for v in data.sei]
    return _with(made, tuple(places))


def _with(made: _Funnel, places: tuple[float, ...]) -> _Funnel:
    fields = {name: getattr(made, name) for name in made.__slots__}
    return _Funnel(**{**fields, "places": places, "desc": _said(made)})


def _people(what: PairwiseFit | Contrasts | TrimFill) -> list[float]:
    raw = getattr(what, "raw", {})
    if not {"n1", "n2"} <= raw.keys():
        raise InputError(
            "the numbers of people are not known", where="upright='n'", hint="upright='se'"
        )
    sizes = np.asarray(raw["n1"]) + np.asarray(raw["n2"])
    if isinstance(what, Contrasts):
        sizes = sizes[np.isfinite(what.yi) & np.isfinite(what.vi)]
    return [float(v) for v in sizes]


def _named(made: _Funnel, names: bool | Sequence[str]) -> list[int]:
    study = made.data.study
    if isinstance(names, bool):
        outside = [not inside for inside in made.data.inside]
        return [i for i, out in enumerate(outside) if names and out and not made.filled[i]]
    for name in names:
        if name not in study:
            raise UnknownNameError("trial", name, study)
    return [i for i in range(made.data.k) if study[i] in names]


def _said(made: _Funnel) -> str:
    """The finding: where the less precise half lies against the more precise one."""
    data = made.data
    real = [i for i in range(data.k) if not made.filled[i]]
    k, added = len(real), data.k - len(real)
    text = f"{count(k)} {'trial' if k == 1 else 'trials'} around a pooled {made.measure.name} of "
    text += f"{made.write(data.center)}"
    text += f", {count(added)} filled in." if added else "."
    outside = sum(not data.inside[i] for i in real)
    percents = percent(100 * data.level)
    text += f" {count(outside)} {'lies' if outside == 1 else 'lie'} outside the {percents} limits."
    if k >= 4:
        order = sorted(real, key=lambda i: float(data.sei[i]))
        halves = (order[: k // 2], order[(k + 1) // 2 :])
        precise, small = (made.write(_mean(data, half)) for half in halves)
        text += f" The more precise half averages {precise}, the less precise half {small}."
    return text


def _mean(data: FunnelData, places: Sequence[int]) -> float:
    weights = [1 / float(data.sei[i]) ** 2 for i in places]
    products = (w * float(data.yi[i]) for w, i in zip(weights, places, strict=True))
    return math.fsum(products) / math.fsum(weights)


# --- drawing ------------------------------------------------------------------------------------


def _draw(made: _Funnel, named: Sequence[int], width: float, prefix: str) -> str:
    d, top = begin(prefix, width, made.title, UPRIGHT[made.upright])
    y = _upright(made, top + high_of(d, _HIGH), top)
    x = _across(made, margin_of(y.ticks(), d.size), width - 22)
    if made.shaded:
        _contours(d, made, x, y)
    if made.upright != "n":
        _limits(d, made, x, y)
    for value, dash in ((made.measure.no_effect, ""), (made.data.center, "5 4")):
        if x.holds(value):
            at = coord(x.at(value))
            d.path(f"M{at} {coord(y.left)}V{coord(y.right)}", "", "neutral", 1.2, dash=dash)
    marks = [
        Mark(x.at(float(e)), y.at(p), 5, name)
        for e, p, name in zip(made.data.yi, made.places, made.data.study, strict=True)
    ]
    for mark, hollow in zip(marks, made.filled, strict=True):
        fill, stroke = ("paper", "ink") if hollow else ("ink", "paper")
        draw_circle(d, mark, 4.5 if hollow else 5, fill=fill, stroke=stroke, stroke_width=1.2)
    frame = Box(x.left + 2, top - 8, width - EDGE, y.left - 2)
    draw_labels(d, frame, [marks[i] for i in named], marks)
    below = draw_frame(d, x, y, titles=(axis_words(made.measure), UPRIGHT[made.upright]))
    return d.svg(_foot(d, made, below), made.title, made.desc)


def _across(made: _Funnel, left: float, right: float) -> Axis:
    """The axis of effects: all points, and the limits as far as they do not squeeze them."""
    data, measure = made.data, made.measure
    ends = [float(v) for v in data.yi]
    room = 0.25 * (max([*ends, data.center]) - min([*ends, data.center]))
    reach = [
        max(float(data.low[-1]), min(ends) - room),
        min(float(data.high[-1]), max(ends) + room),
    ]
    keep = [*ends, *(reach if made.upright != "n" else ()), data.center]
    return fit_axis(
        ends,
        [],
        null=measure.no_effect,
        left=left,
        right=right,
        log=measure.scale == "log",
        keep=keep,
        back=way_back(measure),
    )


def _upright(made: _Funnel, foot: float, head: float) -> Axis:
    """The upright axis; standard errors and variances grow downwards from zero."""
    if made.upright in ("se", "variance"):
        plain = spanning([-p for p in made.places], head, foot, floor=0.0)
        ticks = tuple((-value, text) for value, text in reversed(plain.ticks()))
        return Axis(-plain.high, 0.0, foot, head, log=False, given=ticks)
    return spanning(made.places, foot, head, floor=0.0)


def _edges(
    made: _Funnel, y: Axis, middle: float, half: Callable[[float], float], x: Axis, way: int
) -> list[tuple[float, float]]:
    """The points of one side of a funnel from its tip down, ending where it leaves the axis."""
    end = x.high if way > 0 else x.low
    if made.upright == "precision":
        low, high = 1 / y.high, 1 / max(min(made.places) * 0.5, 1e-300)
    else:
        low, high = 0.0, math.sqrt(-y.low) if made.upright == "variance" else -y.low
    straight = made.upright == "se" and half(0.0) == 0.0
    steps = [high] if straight else [low + (high - low) * i / 48 for i in range(1, 49)]
    if made.upright == "precision":
        steps = [low * (high / low) ** (i / 48) for i in range(1, 49)]
    points = [(x.at(middle + way * half(low)), y.at(made.height(low) if low else 0.0))]
    if made.upright == "precision" and low:
        points = [(x.at(middle + way * half(low)), y.at(1 / low))]
    before = low
    for se in steps:
        if way * (middle + way * half(se) - end) > 0:
            a, b = before, se
            for _ in range(50):
                mid = (a + b) / 2
                a, b = (a, mid) if way * (middle + way * half(mid) - end) > 0 else (mid, b)
            points.append((x.at(end), y.at(made.height(a) if a else 0.0)))
            break
        points.append((x.at(middle + way * half(se)), y.at(made.height(se))))
        before = se
    return points


def _contours(d: Drawing, made: _Funnel, x: Axis, y: Axis) -> None:
    """Shade outwards: beyond the last contour first, then each one inwards over it."""
    data, null = made.data, made.measure.no_effect
    box = f"M{coord(x.left)} {coord(y.right)}H{coord(x.right)}V{coord(y.left)}H{coord(x.left)}z"
    shades = _SHADES[: len(data.contour_levels)]
    d.path(box, "neutral", under=True, opacity=shades[-1])
    inward = list(zip(reversed(data.contour_half), [*reversed(shades[:-1]), 0.0], strict=True))
    for per_se, shade in inward:

        def half(se: float, per_se: float = per_se) -> float:
            return per_se * se

        sides = [_edges(made, y, null, half, x, way) for way in (-1, 1)]
        corners = [*reversed(sides[0]), *sides[1]]
        for at, end in ((0, x.left), (-1, x.right)):
            # Below the point where a side leaves the axis, the region reaches to its end.
            if corners[at][1] < y.left - 0.05 and abs(corners[at][0] - end) < 0.05:
                corner = (end, y.left)
                corners = [corner, *corners] if at == 0 else [*corners, corner]
        if made.upright == "precision":
            corners = [*corners, (x.right, y.left), (x.left, y.left)]
        path = "M" + "L".join(f"{coord(a)} {coord(b)}" for a, b in corners) + "z"
        d.path(path, "paper", under=True)
        if shade:
            d.path(path, "neutral", under=True, opacity=shade)


def _limits(d: Drawing, made: _Funnel, x: Axis, y: Axis) -> None:
    data = made.data
    z = (float(data.high[-1]) - data.center) / math.sqrt(float(data.se[-1]) ** 2 + data.tau2)

    def half(se: float) -> float:
        return z * math.sqrt(se * se + data.tau2)

    for way in (-1, 1):
        points = _edges(made, y, data.center, half, x, way)
        d.polyline(points, role="ink", width=1.2, dash="5 4")


def _foot(d: Drawing, made: _Funnel, y: float) -> float:
    data, inside = made.data, d.width - 2 * EDGE
    y += 6
    if made.shaded:
        y = _legend(d, made, y)
    if made.upright != "n":
        words = f"Dashed: the pooled effect, and where {percent(100 * data.level)} of trials would "
        words += "lie with the tau² found." if data.tau2 else "lie if only chance set them apart."
        y = d.paragraph(EDGE, y, words, inside, role="neutral")
    if any(made.filled):
        words = f"Hollow: {count(sum(made.filled))} filled in by trim and fill; "
        words += f"without them the pooled effect is {made.write(made.observed or 0.0)}."
        y = d.paragraph(EDGE, y, words, inside, role="neutral")
    k = data.k - sum(made.filled)
    if k < _FEW:
        words = f"With {'one trial' if k == 1 else counted(k, 'trial')}, fewer than ten, "
        words += "the shape says nothing about missing trials."
        y = d.paragraph(EDGE, y, words, inside)
    return y


def _legend(d: Drawing, made: _Funnel, y: float) -> float:
    """One swatch for each region between contours."""
    levels = made.data.contour_levels
    texts = [f"p > {significant(levels[0], 2)}"]
    between = itertools.pairwise(levels)
    texts += [f"{significant(b, 2)} to {significant(a, 2)}" for a, b in between]
    texts.append(f"p < {significant(levels[-1], 2)}")
    x = EDGE
    for text, shade in zip(texts, (0.0, *_SHADES[: len(levels)]), strict=True):
        reach = 26 + text_width(text, d.size) + 16
        if x + reach - 16 > d.width - EDGE:
            x, y = EDGE, y + d.size * 1.6
        d.rect(x, y - d.size + 1, 20, d.size, fill="paper", stroke="neutral")
        if shade:
            d.rect(x, y - d.size + 1, 20, d.size, fill="neutral", opacity=shade)
        d.text(x + 26, y, text, role="neutral")
        x += reach
    return y + d.size * 1.6


def _table(made: _Funnel) -> Table:
    data, measure = made.data, made.measure
    kind = kind_of_measure(measure)
    columns = (
        Column("trial", "Trial"),
        Column("effect", capital(measure.name), kind, "right"),
        Column("se", "Standard error (scale of analysis)", align="right"),
        *((Column("n", "People", "count", "right"),) if made.upright == "n" else ()),
        Column("p", "p", "p", "right"),
        Column("where", "Limits"),
    )
    rows = []
    for i, name in enumerate(data.study):
        where = "filled in" if made.filled[i] else "inside" if data.inside[i] else "outside"
        n = (made.places[i],) if made.upright == "n" else ()
        effect = measure.back(float(data.yi[i]))
        rows.append((name, effect, float(data.sei[i]), *n, float(data.p_value[i]), where))
    limits = Interval(float(data.low[-1]), float(data.high[-1]), data.level)
    notes = (
        f"Pooled {measure.name} {made.write(data.center)}; at a standard error of "
        f"{significant(float(data.se[-1]), 3)} the limits are {made.write(limits.low)} to "
        f"{made.write(limits.high)}.",
        *(str(note) for note in data.notes),
    )
    return Table(made.title, columns, tuple(rows), notes=notes)
