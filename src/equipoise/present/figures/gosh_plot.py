"""The results of all subsets of the trials: where they crowd, and which trial pulls.

Source: Olkin, Dahabreh, Trikalinos 2012, Res Synth Methods 3:214, doi:10.1002/jrsm.1053.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import Column, Table, Value, count, counted
from equipoise.effects.columns import Floats
from equipoise.effects.measures import Measure, measure_of
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis
from equipoise.present.figures.figure import PHONE, Figure, laid_out
from equipoise.present.figures.frame import begin, draw_frame, high_of, margin_of
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import axis_words, capital, kind_of_measure, way_back, writer

#: Cells across and up; at most that many marks, each twice where a trial is highlighted.
_ACROSS, _UP = 64, 44
_HIGH, _SIDE, _SMALL_SIDE = 352.0, 84.0, 58.0
#: Shades of the density, from few subsets to many.
_SHADES = (0.25, 0.38, 0.52, 0.66, 0.82, 1.0)
#: Up to this many subsets each mark is large enough to be found.
_FEW = 200
_NEEDED = ("measure", "study", "whole", "member", "estimate", "i2")


class Subsets(Protocol):
    """What :func:`equipoise.gosh` gives, as far as it is drawn."""

    @property
    def measure(self) -> str:
        """Code of the measure."""

    @property
    def study(self) -> tuple[str, ...]:
        """The trials."""

    @property
    def member(self) -> NDArray[np.bool_]:
        """Which trials are in each subset."""

    @property
    def estimate(self) -> Floats:
        """The mean of each subset."""

    @property
    def i2(self) -> Floats:
        """I² of each subset, in percent."""


@typed_late
def plot_gosh(
    gosh: Subsets,
    *,
    highlight: str | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "gosh",
) -> Figure:
    """Draw the results of subsets of the trials: the mean against I², and how each is spread.

    Parameters
    ----------
    gosh
        What :func:`equipoise.gosh` gave.
    highlight
        A trial: subsets with it are drawn as diamonds of another colour.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Darker cells hold more subsets, on a logarithmic scale; the table counts subsets by I².

    Raises
    ------
    InputError
        For something else than such subsets.
    UnknownNameError
        For a trial that is not among them.

    Notes
    -----
    Source: Olkin, Dahabreh & Trikalinos 2012, Res Synth Methods 3:214, doi:10.1002/jrsm.1053.
    """
    if not all(hasattr(gosh, name) for name in _NEEDED):
        raise InputError(
            f"subsets cannot be drawn of a {type(gosh).__name__}", hint="what gosh() gives"
        )
    if highlight is not None and highlight not in gosh.study:
        raise UnknownNameError("trial", highlight, gosh.study)
    fine = np.isfinite(gosh.estimate) & np.isfinite(gosh.i2)
    mean, i2 = np.asarray(gosh.estimate)[fine], np.asarray(gosh.i2)[fine]
    if not mean.size:
        raise InputError("no subset has a result", hint="a gosh() of trials with estimates")
    has = np.zeros(mean.size, dtype=bool)
    if highlight is not None:
        has = np.asarray(gosh.member)[fine, gosh.study.index(highlight)]
    m = measure_of(gosh.measure)
    title = (
        title or f"Results of {counted(mean.size, 'subset')} of {counted(len(gosh.study), 'trial')}"
    )
    found = _Found(m, mean, i2, has, highlight)
    desc = _said(found)
    return laid_out(
        lambda wide, ids: _draw(found, title, desc, wide, ids),
        _table(found, title),
        desc,
        prefix=prefix,
        width=width,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The subsets that have a result, and which of them hold the highlighted trial."""

    measure: Measure
    mean: Floats
    i2: Floats
    has: NDArray[np.bool_]
    highlight: str | None


def _draw(found: _Found, title: str, desc: str, width: float, prefix: str) -> str:
    m, mean, i2, has = found.measure, found.mean, found.i2, found.has
    d, top = begin(prefix, width, title)
    side = _SIDE if width >= PHONE else _SMALL_SIDE
    top += side + 6
    pad = 0.03 * float(np.ptp(mean)) or abs(float(mean[0])) * 0.1 or 1.0
    low, high = float(mean.min()) - pad, float(mean.max()) + pad
    y = Axis(
        0.0, max(10.0, min(100.0, float(i2.max()) * 1.05)), top + high_of(d, _HIGH), top, False
    )
    left, right = margin_of(y.ticks(), d.size), width - EDGE - side - 8
    x = Axis(low, high, left, right, m.scale == "log", way_back(m))
    below = draw_frame(d, x, y, titles=(axis_words(m), "I², percent"))
    cells = [_binned(x, y, mean[part], i2[part]) for part in (~has, has)]
    most = max(float(c.max()) for c in cells)
    _draw_cells(d, x, y, cells[0], most)
    _draw_diamonds(d, x, y, cells[1], most)
    _draw_bars(d, x, y, cells, side - 20)
    return d.svg(_legend(d, below, found.highlight, most), title, desc)


def _grid(x: Axis, y: Axis) -> tuple[int, int]:
    """How many cells there are across and up: as many as can be told apart."""
    across = min(_ACROSS, round((x.right - x.left) / 5))
    return across, min(_UP, round((y.left - y.right) / 6))


def _binned(x: Axis, y: Axis, mean: Floats, i2: Floats) -> Floats:
    counts, _, _ = np.histogram2d(
        mean, i2, bins=_grid(x, y), range=((x.low, x.high), (y.low, y.high))
    )
    return counts


def _shade(counts: Floats, most: float) -> NDArray[np.intp]:
    """The shade of each cell, on a logarithmic scale."""
    share = np.log(np.maximum(counts, 1.0)) / (math.log(most) or 1.0)
    return np.minimum((share * len(_SHADES)).astype(np.intp), len(_SHADES) - 1)


def _cell(x: Axis, y: Axis) -> tuple[float, float]:
    across, up = _grid(x, y)
    return (x.right - x.left) / across, (y.left - y.right) / up


def _draw_cells(d: Drawing, x: Axis, y: Axis, counts: Floats, most: float) -> None:
    wide, tall = _cell(x, y)
    shades = _shade(counts, most)
    for level, opacity in enumerate(_SHADES):
        path = "".join(
            f"M{coord(x.left + i * wide)} {coord(y.left - j * tall)}"
            f"h{coord(wide)}v-{coord(tall)}h-{coord(wide)}z"
            for i, j in np.argwhere((counts > 0) & (shades == level)).tolist()
        )
        d.path(path, "benefit", opacity=opacity)


def _draw_diamonds(d: Drawing, x: Axis, y: Axis, counts: Floats, most: float) -> None:
    """Draw subsets with the highlighted trial: the more, the larger the diamond."""
    wide, tall = _cell(x, y)
    shades = _shade(counts, most)
    least = 1.8 if counts.sum() > _FEW else 4.0
    for level in range(len(_SHADES)):
        r = least + 0.5 * level
        path = "".join(
            f"M{coord(x.left + (i + 0.5) * wide - r)} {coord(y.left - (j + 0.5) * tall)}"
            f"l{coord(r)} {coord(-r)} {coord(r)} {coord(r)} {coord(-r)} {coord(r)}z"
            for i, j in np.argwhere((counts > 0) & (shades == level)).tolist()
        )
        d.path(path, "harm", "paper", 0.5)


def _draw_bars(d: Drawing, x: Axis, y: Axis, cells: list[Floats], room: float) -> None:
    """Draw how the means are spread above, and I² at the right; the highlighted as an outline."""
    wide, tall = _cell(x, y)
    for axis in (1, 0):
        sums = [c.sum(axis=axis) for c in cells]
        most = float((sums[0] + sums[1]).max())
        for values, fill, stroke in ((sums[0] + sums[1], "soft", ""), (sums[1], "", "harm")):
            if not values.any():
                continue
            lengths = [coord(room * float(v) / most) for v in values]
            if axis == 1:
                foot = y.right - 2.2 * d.size
                path = f"M{coord(x.left)} {coord(foot)}" + "".join(
                    f"V{coord(foot - float(n))}h{coord(wide)}" for n in lengths
                )
                path += f"V{coord(foot)}z"
            else:
                foot = x.right + 8
                path = f"M{coord(foot)} {coord(y.left)}" + "".join(
                    f"H{coord(foot + float(n))}v-{coord(tall)}" for n in lengths
                )
                path += f"H{coord(foot)}z"
            d.path(path, fill, stroke or "benefit", 1.2 if stroke else 0.8)


def _legend(d: Drawing, y: float, highlight: str | None, most: float) -> float:
    y += 4
    for i, opacity in enumerate(_SHADES):
        d.rect(EDGE + 14 * i, y - 11, 14, 12, fill="benefit", opacity=opacity)
    words = "subsets without it" if highlight is not None else "subsets"
    if most > 1:
        words = f"1 to {count(most)} {words} in a cell, on a logarithmic scale"
    left = EDGE + 14 * len(_SHADES) + 8
    y = d.paragraph(left, y, words, d.width - EDGE - left) + d.size * 0.15
    if highlight is not None:
        d.polygon(
            [(EDGE + 36, y - 4), (EDGE + 41, y - 9), (EDGE + 46, y - 4), (EDGE + 41, y + 1)],
            fill="harm",
        )
        words = f"subsets with {highlight}: the larger the more; outlined in the histograms"
        y = d.paragraph(left, y, words, d.width - EDGE - left)
    return y


def _said(found: _Found) -> str:
    m, mean, i2, has, name = found.measure, found.mean, found.i2, found.has, found.highlight
    low, high = (writer(m)(m.back(float(v))) for v in (mean.min(), mean.max()))
    words = f"{counted(mean.size, 'subset')} of the trials give a {m.name} from {low} to {high}."
    if name is not None and has.any() and not has.all():
        ends = [writer(m)(m.back(float(np.median(mean[part])))) for part in (has, ~has)]
        shares = [f"{float(np.median(i2[part])):.0f}" for part in (has, ~has)]
        words += (
            f" With {name} the middle one is {ends[0]} and I² {shares[0]}%,"
            f" without it {ends[1]} and {shares[1]}%."
        )
    return words


def _table(found: _Found, title: str) -> Table:
    m, mean, i2, has, name = found.measure, found.mean, found.i2, found.has, found.highlight
    kind = kind_of_measure(m)
    columns = [
        Column("i2", "I², percent"),
        Column("subsets", "Subsets", "count", "right"),
        Column("low", f"{capital(m.name)}, lowest", kind, "right"),
        Column("middle", "middle", kind, "right"),
        Column("high", "highest", kind, "right"),
    ]
    if name is not None:
        columns.append(Column("with", f"Subsets with {name}", "count", "right"))
    rows: list[tuple[Value, ...]] = []
    for start in range(0, 100, 10):
        inside = (i2 >= start) & ((i2 < start + 10) | (start == 90))
        if not inside.any():
            continue
        ends = [m.back(float(f(mean[inside]))) for f in (np.min, np.median, np.max)]
        extra = [float(has[inside].sum())] if name is not None else []
        rows.append((f"{start} to {start + 10}", float(inside.sum()), *ends, *extra))
    return Table(title, tuple(columns), tuple(rows), missing="")
