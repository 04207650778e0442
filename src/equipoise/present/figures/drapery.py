"""The drapery plot: the p value of every effect, for each trial and for all together.

Source: Rücker & Schwarzer 2021, Res Synth Methods 12:153, doi:10.1002/jrsm.1452.
"""

from __future__ import annotations

import math

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.table import Column, Table, count, p_value, percent
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import critical, t_two_sided
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, draw_axis, fit_axis
from equipoise.present.figures.figure import Figure, laid_out, refuse_other
from equipoise.present.figures.frame import begin, high_of
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import axis_words, capital, way_back, writer
from equipoise.present.text import text_width

#: The p values at which a line is drawn, from the head of the plot to its foot.
_LEVELS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001)
_HIGH = 360.0
#: From more trials than this their curves are thinner.
_MANY = 40
#: Points of the curve of all trials together, which is none of straight lines where it is one of t.
_POINTS = 121


@typed_late
def drapery(
    fit: PairwiseFit,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "drapery",
) -> Figure:
    """Draw p values of all effects, one curtain a trial and one, thick, for all together.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Each curve has its top at the estimate, where p is 1, and falls to either side; where it
        crosses the line of 0.05 are the ends of the 95% interval. The p values stand on the scale
        of the normal quantile, so that a trial's curve is made of straight lines. Shaded is the
        prediction interval of the fit. The table has the ends of each curve at 0.05 and the p
        value of no effect.

    Raises
    ------
    InputError
        For something else than a fit.

    Notes
    -----
    Source: Rücker & Schwarzer 2021, Res Synth Methods 12:153, doi:10.1002/jrsm.1452.
    """
    refuse_other(fit, PairwiseFit, "a drapery plot", "what pairwise() gives")
    m = measure_of(fit.measure)
    title = title or "P values of every effect, trial by trial and together"
    desc = _said(fit, m)
    return laid_out(
        lambda wide, ids: _draw(fit, m, title, desc, wide, ids),
        _table(fit, m, title),
        desc,
        prefix=prefix,
        width=width,
    )


def _draw(fit: PairwiseFit, m: Measure, title: str, desc: str, width: float, prefix: str) -> str:
    d, top = begin(prefix, width, title)
    foot = top + high_of(d, _HIGH)
    left = EDGE + text_width("0.001", d.size) + 14
    x = _across(fit, m, left, width - EDGE - 6)
    _draw_levels(d, x, (top, foot))
    if fit.pi is not None:
        a, b = x.at(fit.pi.low), x.at(fit.pi.high)
        d.path(f"M{a:.1f} {top:.1f}H{b:.1f}V{foot:.1f}H{a:.1f}Z", "band", under=True)
    if math.isfinite(m.null) and x.holds(m.no_effect):
        d.line(x.at(m.no_effect), top - 8, x.at(m.no_effect), foot, role="neutral", width=1.2)
    for name, y, v in zip(fit.study, fit.yi.tolist(), fit.vi.tolist(), strict=True):
        d.begin(name)
        d.path(
            _curve(x, (top, foot), y, math.sqrt(v), math.inf),
            "",
            "benefit",
            1 if fit.k <= _MANY else 0.6,
        )
        d.end()
    d.begin("All together")
    d.path(_curve(x, (top, foot), fit.estimate, fit.se, fit.df), "", "ink", 2.8)
    d.end()
    below = draw_axis(d, x, foot, title=axis_words(m), ends=("", ""), null=math.nan)
    return d.svg(_legend(d, below + 8, fit), title, desc)


def _across(fit: PairwiseFit, m: Measure, left: float, right: float) -> Axis:
    """An axis that holds the whole curve of all together, and the intervals of most trials."""
    reach = critical(0.999, fit.df) * fit.se
    keep = [fit.estimate - reach, fit.estimate + reach]
    if math.isfinite(m.null):
        keep.append(m.no_effect)
    if fit.pi is not None:
        keep += [fit.pi.low, fit.pi.high]
    sei = np.sqrt(fit.vi)
    bounds = list(zip((fit.yi - 2 * sei).tolist(), (fit.yi + 2 * sei).tolist(), strict=True))
    return fit_axis(
        fit.yi.tolist(),
        bounds,
        null=math.nan,
        left=left,
        right=right,
        log=m.scale == "log",
        keep=keep,
        back=way_back(m),
    )


def _depth(p: float) -> float:
    """How far below the head a p value stands, as a share of the height."""
    return critical(1.0 - p) / critical(1.0 - _LEVELS[-1]) if p < 1.0 else 0.0


def _draw_levels(d: Drawing, x: Axis, down: tuple[float, float]) -> None:
    top, foot = down
    for p in _LEVELS:
        y = top + (foot - top) * _depth(p)
        d.line(
            x.left,
            y,
            x.right,
            y,
            role="neutral" if p == 0.05 else "band",
            dash="5 3" if p == 0.05 else "",
        )
        d.text(x.left - 8, y + d.size * 0.35, f"{p:g}", anchor="end", role="neutral")
    d.text(EDGE, top - d.size * 1.1, "p value (two-sided)", role="neutral")


def _curve(x: Axis, down: tuple[float, float], estimate: float, se: float, df: float) -> str:
    """The path of a p-value curve, cut at the frame."""
    if not se > 0.0:
        return ""
    top, high = down[0], down[1] - down[0]
    reach = critical(1.0 - _LEVELS[-1], df) * se
    first, last = max(x.low, estimate - reach), min(x.high, estimate + reach)
    if first >= last:
        return ""
    places = np.unique([*np.linspace(first, last, 3 if math.isinf(df) else _POINTS), estimate])
    steps = []
    for place in places[(places >= first) & (places <= last)].tolist():
        p = t_two_sided((place - estimate) / se, df)
        steps.append(f"{x.at(place):.1f} {top + high * min(_depth(p), 1.0):.1f}")
    return "M" + "L".join(steps)


def _legend(d: Drawing, y: float, fit: PairwiseFit) -> float:
    items = [("benefit", 1.0, "a trial"), ("ink", 2.8, "all together")]
    if fit.pi is not None:
        items.append(("band", 0.0, f"{percent(100 * fit.level)} prediction interval"))
    at = EDGE
    for role, width, text in items:
        reach = 30 + text_width(text, d.size)
        if at + reach > d.width - EDGE:
            at, y = EDGE, y + d.size * 1.6
        if width:
            d.line(at, y - 4, at + 24, y - 4, role=role, width=width)
        else:
            d.rect(at, y - 11, 24, 13, fill=role, stroke="rule")
        d.text(at + 30, y, text)
        at += reach + 24
    return y + 14


def _said(fit: PairwiseFit, m: Measure) -> str:
    write = writer(m)
    whole = "the only trial" if fit.k == 1 else f"all {count(fit.k)} trials together"
    text = f"The curve of {whole} has its top at {write(m.back(fit.estimate))}."
    if math.isfinite(m.null):
        text += f" The p value of no effect is {p_value(fit.p_value)}."
    return text


def _table(fit: PairwiseFit, m: Measure, title: str) -> Table:
    columns = (
        Column("study", "trial"),
        Column("estimate", capital(m.name), align="right"),
        Column("low", "p is 0.05 at", align="right"),
        Column("high", "and at", align="right"),
        Column("p_value", "p value of no effect", "p", "right"),
    )
    write = writer(m)
    rows = []
    trials = zip(fit.study, fit.yi.tolist(), np.sqrt(fit.vi).tolist(), strict=True)
    for name, y, se, df in (
        *((name, y, se, math.inf) for name, y, se in trials),
        ("All together", fit.estimate, fit.se, fit.df),
    ):
        half = critical(0.95, df) * se
        ends = sorted((m.back(y - half), m.back(y + half)))
        p = t_two_sided((y - m.no_effect) / se, df) if math.isfinite(m.null) else None
        rows.append((name, write(m.back(y)), write(ends[0]), write(ends[1]), p))
    return Table(title, columns, tuple(rows), missing="no such value")
