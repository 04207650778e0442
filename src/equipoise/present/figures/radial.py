"""The radial plot: each trial's effect in standard errors against its precision.

A ray from the origin is an effect; the arc at the right says which.

Source: Galbraith 1988, Technometrics 30:271; Galbraith 1988, Stat Med 7:889,
doi:10.1002/sim.4780070807.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.table import Column, Table, count, counted, percent
from equipoise.effects.columns import Floats
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import PHONE, Figure, laid_out, refuse_other
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
from equipoise.present.figures.plot import capital, kind_of_measure, way_back, writer
from equipoise.present.text import text_width

_HIGH = 400.0
#: Room for the ticks of the arc.
_ARC, _SMALL_ARC = 86.0, 64.0
#: Up to this many trials are all named; of more, those beyond the band.
_ALL = 8


@dataclass(frozen=True, slots=True)
class _Rays:
    """Effects as rays: places on the paper of (precision, standardised effect)."""

    x: Axis
    y: Axis
    radius: float

    @property
    def per_x(self) -> float:
        return (self.x.right - self.x.left) / (self.x.high - self.x.low)

    @property
    def per_y(self) -> float:
        return (self.y.left - self.y.right) / (self.y.high - self.y.low)

    def on_arc(self, slope: float, shift: float = 0.0, out: float = 0.0) -> tuple[float, float]:
        """Where the line ``shift + slope * x`` meets the arc, or one that much farther out."""
        r, sy, sx = self.radius + out, self.per_y, self.per_x
        a = sx * sx + (sy * slope) ** 2
        b, c = sy * sy * slope * shift, (sy * shift) ** 2 - r * r
        at = (math.sqrt(max(b * b - a * c, 0.0)) - b) / a
        return self.x.left + sx * at, self.y.at(0.0) - sy * (shift + slope * at)

    def shown(self, place: tuple[float, float]) -> bool:
        """Whether a place lies between foot and head of the upright axis."""
        return self.y.right - 0.5 <= place[1] <= self.y.left + 0.5


@typed_late
def radial(
    fit: PairwiseFit,
    *,
    centre: bool = False,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "radial",
) -> Figure:
    """Draw a radial (Galbraith) plot.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least two trials.
    centre
        Measure effects from the pooled one, so that its line lies flat.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        For each trial ``y / sqrt(v + tau²)`` against ``1 / sqrt(v + tau²)``. The line has the
        pooled effect as its slope; trials beyond the band lie farther from it than the level of
        the fit allows.

    Raises
    ------
    InputError
        For one trial, or something else than a fit.

    Notes
    -----
    Source: Galbraith 1988, Stat Med 7:889, doi:10.1002/sim.4780070807.
    """
    refuse_other(fit, PairwiseFit, "a radial plot", "what pairwise() gives")
    if fit.k < 2:
        raise InputError("a radial plot of one trial", hint="at least two trials")
    zero = fit.estimate if centre else 0.0
    across = 1.0 / np.sqrt(np.asarray(fit.vi) + fit.tau2)
    up = (np.asarray(fit.yi) - zero) * across
    made = _Points(fit, measure_of(fit.measure), zero, across, up)
    title = title or "Effects against precision"
    desc = _said(made)
    return laid_out(
        lambda wide, ids: _draw(made, title, desc, wide, ids),
        _table(made, title),
        desc,
        prefix=prefix,
        width=width,
    )


@dataclass(frozen=True, slots=True)
class _Points:
    """The trials as (precision, standardised effect); effects are measured from `zero`."""

    fit: PairwiseFit
    measure: Measure
    zero: float
    across: Floats
    up: Floats

    @property
    def slope(self) -> float:
        return self.fit.estimate - self.zero

    @property
    def reach(self) -> float:
        """How far from the line the band reaches."""
        return -float(special.ndtri(0.5 * (1.0 - self.fit.level)))

    @property
    def away(self) -> Floats:
        return np.abs(self.up - self.slope * self.across)

    @property
    def beyond(self) -> list[bool]:
        return [bool(v) for v in self.away > self.reach]

    @property
    def titles(self) -> tuple[str, str]:
        """What the axes are called."""
        root = "SE" if self.fit.tau2 == 0.0 else "√(SE² + tau²)"
        what = "distance from the pooled effect" if self.zero else "effect on the scale of analysis"
        return f"Precision: 1 / {root}", f"Standardised: {what} / {root}"


def _draw(made: _Points, title: str, desc: str, width: float, prefix: str) -> str:
    fit, beyond = made.fit, made.beyond
    d, top = begin(prefix, width, title, made.titles[1])
    rays = _rays(made, (top + high_of(d, _HIGH), top), d)
    below = draw_frame(d, rays.x, rays.y, titles=made.titles)
    _draw_band(d, rays, made.slope, made.reach)
    taken = _draw_arc(d, rays, made)
    marks = [
        Mark(rays.x.at(float(a)), rays.y.at(float(b)), 5, name)
        for a, b, name in zip(made.across, made.up, fit.study, strict=True)
    ]
    for mark, out in zip(marks, beyond, strict=True):
        if out:
            draw_diamond_mark(d, mark)
        else:
            draw_circle(d, mark, 4.5)
    order = [int(i) for i in np.argsort(-made.away, kind="stable")]
    named = [marks[i] for i in order if fit.k <= _ALL or beyond[i]][:15]
    frame = Box(rays.x.left + 2, rays.y.right, rays.x.right, rays.y.left - 2)
    draw_labels(d, frame, named, marks, taken=taken)
    return d.svg(_legend(d, below, made), title, desc)


def _rays(made: _Points, down: tuple[float, float], d: Drawing) -> _Rays:
    """Scales on which every trial lies within the arc."""
    across, up, z = made.across.tolist(), made.up.tolist(), made.reach
    ends = [made.slope * max(across) * 1.1 + s for s in (-z, z)]
    y = spanning([*up, *ends, -z, z], *down)
    left = margin_of(y.ticks(), d.size)
    radius = d.width - (_ARC if d.width >= PHONE else _SMALL_ARC) - left
    per_y = (down[0] - down[1]) / (y.high - y.low)
    inner = radius - 14
    per_x = min(
        math.sqrt(max(inner**2 - (per_y * b) ** 2, (0.3 * inner) ** 2)) / a
        for a, b in zip(across, up, strict=True)
    )
    return _Rays(Axis(0.0, radius / per_x, left, left + radius, False), y, radius)


def _draw_band(d: Drawing, rays: _Rays, slope: float, z: float) -> None:
    foot, head = rays.y.left, rays.y.right

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return place[0], min(max(place[1], head), foot)

    x0 = rays.x.left
    low, high, mid = (at(rays.on_arc(slope, s)) for s in (-z, z, 0.0))
    corners = [(x0, rays.y.at(-z)), low, mid, high, (x0, rays.y.at(z))]
    path = "L".join(f"{coord(x)} {coord(y)}" for x, y in corners)
    d.path(f"M{path}Z", "soft", opacity=0.6)
    for start, end in ((corners[0], low), (corners[4], high)):
        d.line(*start, *end, role="benefit", dash="4 3")
    d.line(x0, rays.y.at(0.0), *mid, role="benefit", width=2)


def _draw_arc(d: Drawing, rays: _Rays, made: _Points) -> list[Box]:
    """Draw the arc of effects with its ticks and the pooled effect; return what it takes."""
    m, fit, zero = made.measure, made.fit, made.zero
    foot, head, origin = rays.y.left, rays.y.right, rays.y.at(0.0)
    at_foot, at_head = (
        _slope_at(rays, origin - min(max(edge, origin - rays.radius), origin + rays.radius))
        for edge in (foot, head)
    )
    low, high = max(at_foot, -1e9), min(at_head, 1e9)
    (x1, y1), (x2, y2) = rays.on_arc(low), rays.on_arc(high)
    r = coord(rays.radius)
    d.path(f"M{coord(x1)} {coord(y1)}A{r} {r} 0 0 0 {coord(x2)} {coord(y2)}", "", "neutral", 1.2)
    values = [float(v) - zero for v in fit.yi]
    inside = [v + zero for v in values if low <= v <= high] or [fit.estimate]
    # Twice the spread of the trials: rays far from every trial need no ticks.
    spread = max(inside) - min(inside)
    ends = [max(low + zero, min(inside) - spread / 2), min(high + zero, max(inside) + spread / 2)]
    axis = fit_axis(
        (),
        (),
        null=math.nan,
        left=head,
        right=foot,
        log=m.scale == "log",
        keep=ends,
        back=way_back(m),
    )
    taken: list[Box] = []
    tall = d.size
    null = m.no_effect
    first = null if math.isfinite(null) else fit.estimate
    said = writer(m)(m.back(fit.estimate))
    ticks = sorted(axis.ticks(), key=lambda tick: abs(tick[0] - first))
    for value, text, bold in [(fit.estimate, said, True), *((v, t, False) for v, t in ticks)]:
        place = rays.on_arc(value - zero, out=9)
        end = rays.on_arc(value - zero, out=6)
        wide = text_width(text, d.size, bold=bold)
        box = Box(place[0], place[1] - tall / 2, place[0] + wide, place[1] + tall / 2)
        off = not low <= value - zero <= high or not rays.shown(place)
        if off or box.right > d.width or any(box.meets(other) for other in taken):
            continue
        taken.append(box)
        d.line(*rays.on_arc(value - zero), *end, role="ink" if bold else "neutral")
        d.text(
            place[0],
            place[1] + 0.35 * d.size,
            text,
            bold=bold,
            role="benefit" if bold else "neutral",
        )
    # Labels of trials stay within the arc as far as the paper's grain of some pixels goes.
    steps = 24
    for i in range(steps):
        y = head + (foot - head) * (i + 0.5) / steps
        gap = rays.radius**2 - (origin - y) ** 2
        edge = rays.x.left + math.sqrt(max(gap, 0.0))
        taken.append(Box(edge - 3, y - 10, d.width, y + 10))
    return taken


def _slope_at(rays: _Rays, rise: float) -> float:
    """The slope of the ray that meets the arc that far above the origin."""
    run = math.sqrt(max(rays.radius**2 - rise**2, 1e-9 * rays.radius**2))
    return rise / rays.per_y / (run / rays.per_x)


def _legend(d: Drawing, y: float, made: _Points) -> float:
    percents = percent(100 * made.fit.level)
    words = f"Arc at the right: {made.measure.name}; line: the pooled one, in bold. "
    words += f"Band: where {percents} of trials are expected around it."
    y = d.paragraph(EDGE, y + 4, words, d.width - 2 * EDGE, role="neutral")
    if any(made.beyond):
        draw_diamond_mark(d, Mark(11.5, y - 4, 5.5, ""))
        d.text(24, y, "trials beyond the band", role="neutral")
        y += d.size * 1.35
    return y


def _said(made: _Points) -> str:
    fit, m = made.fit, made.measure
    out = [name for name, flag in zip(fit.study, made.beyond, strict=True) if flag]
    words = (
        f"{counted(fit.k, 'trial')} around a pooled {m.name} of {writer(m)(m.back(fit.estimate))}. "
    )
    if not out:
        return words + "None lies beyond the band."
    names = ", ".join(out[:5]) + (" and others" if len(out) > 5 else "")
    verb = "lies" if len(out) == 1 else "lie"
    return words + f"{count(len(out))} {verb} beyond the band: {names}."


def _table(made: _Points, title: str) -> Table:
    fit, m = made.fit, made.measure
    columns = (
        Column("study", "Trial"),
        Column("effect", capital(m.name), kind_of_measure(m), "right"),
        Column("precision", "Precision", align="right"),
        Column("standardised", "Standardised", align="right"),
        Column("beyond", "Beyond the band"),
    )
    rows = tuple(
        (name, m.back(float(e)), float(a), float(b), "yes" if out else None)
        for name, e, a, b, out in zip(
            fit.study, fit.yi, made.across, made.up, made.beyond, strict=True
        )
    )
    note = f"Pooled: {writer(m)(m.back(fit.estimate))}, the slope of the line."
    return Table(title, columns, rows, notes=(note,), missing="")
