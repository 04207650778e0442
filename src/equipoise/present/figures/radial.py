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

from equipoise.core.errors import InputError
from equipoise.core.table import Column, Table, count
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, fit_axis
from equipoise.present.figures.figure import WIDE, Figure
from equipoise.present.figures.frame import Box, Mark, draw_frame, draw_labels, margin_of, spanning
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import capital, kind_of_measure, writer
from equipoise.present.text import text_width

_HIGH = 400.0
#: Room for the ticks of the arc.
_ARC = 86.0
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


def radial(
    fit: PairwiseFit, *, centre: bool = False, title: str | None = None, prefix: str = "radial"
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
    if not isinstance(fit, PairwiseFit):
        raise InputError(
            f"a radial plot cannot be drawn of a {type(fit).__name__}",
            hint="what pairwise() gives",
        )
    if fit.k < 2:
        raise InputError("a radial plot of one trial", hint="at least two trials")
    m = measure_of(fit.measure)
    zero = fit.estimate if centre else 0.0
    across = 1.0 / np.sqrt(np.asarray(fit.vi) + fit.tau2)
    up = (np.asarray(fit.yi) - zero) * across
    slope, z = fit.estimate - zero, -float(special.ndtri(0.5 * (1.0 - fit.level)))
    beyond = np.abs(up - slope * across) > z
    title = title or "Effects against precision"
    d = Drawing(prefix, WIDE, size=13)
    top = d.paragraph(EDGE, 22, title, WIDE - 2 * EDGE, size=15, bold=True) + 26
    rays = _rays(across.tolist(), up.tolist(), slope, z, top)
    root = "SE" if fit.tau2 == 0.0 else "√(SE² + tau²)"
    from_mean = "distance from the pooled effect" if centre else "effect on the scale of analysis"
    words = (f"Precision: 1 / {root}", f"Standardised: {from_mean} / {root}")
    below = draw_frame(d, rays.x, rays.y, titles=words)
    _draw_band(d, rays, slope, z)
    taken = _draw_arc(d, rays, m, fit, zero)
    marks = []
    for a, b, name, out in zip(across, up, fit.study, beyond, strict=True):
        marks.append(Mark(rays.x.at(float(a)), rays.y.at(float(b)), 5, name))
        d.begin(name)
        fill = "harm" if out else "soft"
        stroke = "ink" if out else "benefit"
        if out:
            x, y = marks[-1].x, marks[-1].y
            corners = [(x - 5.5, y), (x, y - 5.5), (x + 5.5, y), (x, y + 5.5)]
            d.polygon(corners, fill=fill, stroke=stroke)
        else:
            d.circle(marks[-1].x, marks[-1].y, 4.5, fill=fill, stroke=stroke, stroke_width=1.4)
        d.end()
    far = np.abs(up - slope * across)
    order = [int(i) for i in np.argsort(-far, kind="stable")]
    named = [marks[i] for i in order if fit.k <= _ALL or beyond[i]][:15]
    frame = Box(rays.x.left + 2, rays.y.right, rays.x.right, rays.y.left - 2)
    draw_labels(d, frame, named, marks, taken=taken)
    said = _said(fit, m, beyond)
    below = _legend(d, below, f"{100 * fit.level:g}%", int(beyond.sum()))
    return Figure(
        prefix, d.svg(below, title, said), _table(fit, m, title, across, up, beyond), title, said
    )


def _rays(across: list[float], up: list[float], slope: float, z: float, top: float) -> _Rays:
    """Scales on which every trial lies within the arc."""
    widest = max(across)
    ends = [slope * widest * 1.1 + s for s in (-z, z)]
    y = spanning([*up, *ends, -z, z], top + _HIGH, top)
    left = margin_of(y.ticks(), 13)
    radius = WIDE - _ARC - left
    per_y = _HIGH / (y.high - y.low)
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


def _draw_arc(d: Drawing, rays: _Rays, m: Measure, fit: PairwiseFit, zero: float) -> list[Box]:
    """Draw the arc of effects with its ticks and the pooled effect; return what it takes."""
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
    back = None if m.scale in ("log", "natural") else m.back
    axis = fit_axis(
        (), (), null=math.nan, left=head, right=foot, log=m.scale == "log", keep=ends, back=back
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
    words = capital(m.name)
    wide = text_width(words, d.size)
    d.text(
        WIDE - EDGE,
        head - d.size * 2.2 if wide > 150 else head - d.size * 0.95,
        words,
        anchor="end",
        role="neutral",
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


def _legend(d: Drawing, y: float, percents: str, beyond: int) -> float:
    words = f"Line: the pooled effect. Band: where {percents} of trials are expected around it."
    y = d.paragraph(EDGE, y + 4, words, WIDE - 2 * EDGE, role="neutral")
    if beyond:
        d.polygon(
            [(11.5 - 5.5, y - 4), (11.5, y - 9.5), (17, y - 4), (11.5, y + 1.5)],
            fill="harm",
            stroke="ink",
        )
        d.text(24, y, "trials beyond the band", role="neutral")
        y += d.size * 1.35
    return y


def _said(fit: PairwiseFit, m: Measure, beyond: np.ndarray) -> str:
    out = [name for name, flag in zip(fit.study, beyond, strict=True) if flag]
    words = f"{count(fit.k)} trials around a pooled {m.name} of {writer(m)(m.back(fit.estimate))}. "
    if not out:
        return words + "None lies beyond the band."
    names = ", ".join(out[:5]) + (" and others" if len(out) > 5 else "")
    verb = "lies" if len(out) == 1 else "lie"
    return words + f"{count(len(out))} {verb} beyond the band: {names}."


def _table(
    fit: PairwiseFit, m: Measure, title: str, across: np.ndarray, up: np.ndarray, beyond: np.ndarray
) -> Table:
    columns = (
        Column("study", "Trial"),
        Column("effect", capital(m.name), kind_of_measure(m), "right"),
        Column("precision", "Precision", align="right"),
        Column("standardised", "Standardised", align="right"),
        Column("beyond", "Beyond the band"),
    )
    rows = tuple(
        (name, m.back(float(e)), float(a), float(b), "yes" if out else None)
        for name, e, a, b, out in zip(fit.study, fit.yi, across, up, beyond, strict=True)
    )
    note = f"Pooled: {writer(m)(m.back(fit.estimate))}, the slope of the line."
    return Table(title, columns, rows, notes=(note,), missing="")
