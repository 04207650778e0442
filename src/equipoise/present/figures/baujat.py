"""Baujat's plot: which trials add most to heterogeneity, and which move the result most.

Source: Baujat, Mahé, Pignon, Hill 2002, Stat Med 21:2641, doi:10.1002/sim.1221.
"""

from __future__ import annotations

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.table import Column, Table, counted, percent
from equipoise.effects.columns import Floats
from equipoise.models.influence import BaujatAxes, baujat
from equipoise.models.pairwise import PairwiseFit
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
    naming_said,
    spanning,
)
from equipoise.present.figures.layout import EDGE

_HIGH = 380.0
#: At most this many trials are named in the drawing.
_NAMED = 15
#: A trial nearer to the corner than this share of the farthest one does not stand out.
_NEAR = 0.15


@typed_late
def plot_baujat(
    fit: PairwiseFit | BaujatAxes,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "baujat",
) -> Figure:
    """Draw what each trial adds to heterogeneity against how much it moves the result.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least two trials, or what
        :func:`equipoise.baujat` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Up to 15 trials are named, those farthest from the corner first; the table has all.

    Raises
    ------
    InputError
        For one trial, or something else than a fit.

    Notes
    -----
    Source: Baujat, Mahé, Pignon & Hill 2002, Stat Med 21:2641, doi:10.1002/sim.1221; the numbers
    are those of :func:`equipoise.baujat`.
    """
    refuse_other(
        fit, (PairwiseFit, BaujatAxes), "Baujat's plot", "what pairwise() or baujat() gives"
    )
    common = isinstance(fit, PairwiseFit) and fit.model == "common"
    axes = fit if isinstance(fit, BaujatAxes) else baujat(fit)
    title = title or "Which trials differ, and which move the result"
    adds = "Part of Q" if common else "Squared standardised difference from the mean"
    heads = (adds, "Squared change of the mean without the trial, over its variance")
    across, up = np.asarray(axes.heterogeneity), np.asarray(axes.influence)
    desc = _said(axes.study, across, up)
    columns = (
        Column("study", "Trial"),
        *(
            Column(key, head, align="right")
            for key, head in zip(("heterogeneity", "influence"), heads, strict=True)
        ),
    )
    rows = tuple(zip(axes.study, across.tolist(), up.tolist(), strict=True))
    return laid_out(
        lambda wide, ids: _draw(axes, heads, title, desc, wide, ids),
        Table(title, columns, rows, missing=""),
        desc,
        prefix=prefix,
        width=width,
    )


def _draw(
    axes: BaujatAxes, heads: tuple[str, str], title: str, desc: str, width: float, prefix: str
) -> str:
    across, up = np.asarray(axes.heterogeneity), np.asarray(axes.influence)
    d, top = begin(prefix, width, title, heads[1])
    y = spanning(up.tolist(), top + high_of(d, _HIGH), top, floor=0.0)
    x = spanning(across.tolist(), margin_of(y.ticks(), d.size), width - 22, floor=0.0)
    below = draw_frame(d, x, y, titles=heads)
    marks = [
        Mark(x.at(a), y.at(b), 5, name)
        for a, b, name in zip(across.tolist(), up.tolist(), axes.study, strict=True)
    ]
    for mark in marks:
        draw_circle(d, mark, 4.5, opacity=0.8)
    far = _far(across, up)
    order = [int(i) for i in np.argsort(-far, kind="stable")]
    named = [i for i in order if len(order) <= 8 or far[i] >= _NEAR][:_NAMED]
    frame = Box(x.left + 2, top - 8, width - EDGE, y.left - 2)
    wrote = draw_labels(d, frame, [marks[i] for i in named], marks)
    if wrote < len(marks):
        words = naming_said(wrote, len(marks))
        below = d.paragraph(EDGE, below + 4, words, width - 2 * EDGE, role="neutral")
    return d.svg(below, title, desc)


def _far(across: Floats, up: Floats) -> Floats:
    """How far each trial is from the corner, as a share of the farthest."""
    parts = [values / (values.max() or 1.0) for values in (across, up)]
    away = np.hypot(*parts)
    return np.asarray(away / (away.max() or 1.0))


def _said(study: tuple[str, ...], across: Floats, up: Floats) -> str:
    total = float(across.sum())
    if total <= 0.0:
        return f"{counted(len(study), 'trial')} agree: none differs from the mean of all."
    most, mover = int(across.argmax()), int(up.argmax())
    share = percent(100 * float(across[most]) / total)
    words = f"{counted(len(study), 'trial')}. {study[most]} differs most ({share} of the sum)"
    same = " and also moves the result most." if most == mover else "; "
    return words + same + ("" if most == mover else f"{study[mover]} moves the result most.")
