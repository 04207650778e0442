"""The posterior of the mean effect and of tau, against their priors."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.table import Column, Table, Value, percent, significant
from equipoise.effects.columns import Floats
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.bayes.counts import BayesCounts
from equipoise.models.bayes.marginal import Distribution
from equipoise.models.bayes.pairwise import BayesPairwise
from equipoise.models.bayes.words import chance
from equipoise.num.dist import normal_density
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, draw_axis, fit_axis
from equipoise.present.figures.figure import Figure, laid_out, refuse_other
from equipoise.present.figures.frame import begin, high_of, spanning
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.plot import axis_words, capital, way_back, writer
from equipoise.present.text import text_width

Posterior: TypeAlias = BayesPairwise | BayesCounts

_HIGH = 210.0
#: Points of a curve.
_POINTS = 161


@typed
def plot_posterior(
    post: BayesPairwise | BayesCounts,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "posterior",
) -> Figure:
    """Draw what is known of the mean effect and of tau, after the trials and before them.

    Parameters
    ----------
    post
        What :func:`equipoise.bayes` gave for one comparison.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Above, the posterior of the mean effect, its credible interval shaded, with the
        distribution of the effect in a new trial and, where it is not flat, the prior. Below, the
        posterior of tau with its prior; it is not drawn where tau was taken as known. Heights are
        densities, each panel on a scale of its own. The table has medians, intervals and the
        probability of being above no effect.

    Raises
    ------
    InputError
        For something else than such a posterior.
    """
    refuse_other(
        post, (BayesPairwise, BayesCounts), "a plot of the posterior", "what bayes() gives"
    )
    m = measure_of(post.measure)
    title = title or f"{capital(m.name)} and tau: what is known before and after the trials"
    desc = _said(post, m)
    return laid_out(
        lambda wide, ids: _draw(post, m, title, desc, wide, ids),
        _table(post, m, title),
        desc,
        prefix=prefix,
        width=width,
    )


def _draw(post: Posterior, m: Measure, title: str, desc: str, width: float, prefix: str) -> str:
    d, top = begin(prefix, width, title)
    foot = top + high_of(d, _HIGH)
    new = post.predictive
    keep = [
        new.quantile(0.02),
        new.quantile(0.98),
        post.mu.quantile(0.001),
        post.mu.quantile(0.999),
    ]
    if math.isfinite(m.null):
        keep.append(m.no_effect)
    x = fit_axis(
        (),
        (),
        null=math.nan,
        left=EDGE,
        right=width - EDGE - 6,
        log=m.scale == "log",
        keep=keep,
        back=way_back(m),
    )
    places = np.linspace(x.low, x.high, _POINTS)
    after = np.array([post.mu.density(v) for v in places.tolist()])
    before = _prior_of_effect(post, places)
    most = float(after.max())
    _shade(d, x, post.mu, (top, foot), most)
    if math.isfinite(m.null) and x.holds(m.no_effect):
        d.line(x.at(m.no_effect), top - 6, x.at(m.no_effect), foot, role="neutral", width=1.2)
    if not (post.grid.known and post.grid.tau[0] == 0.0):
        d.begin("The effect in a new trial")
        _curve(
            d, x, places, np.array([new.density(v) for v in places.tolist()]), (top, foot), most, 1
        )
        d.end()
    d.begin("The mean effect")
    _curve(d, x, places, after, (top, foot), most, 0)
    d.end()
    if before is not None:
        _curve(d, x, places, before, (top, foot), most, 2)
    below = draw_axis(d, x, foot, title=axis_words(m), ends=("", ""), null=math.nan)
    if not post.grid.known:
        below = _draw_tau(d, post, below + 18)
    return d.svg(_legend(d, below + 8, post), title, desc)


def _draw_tau(d: Drawing, post: Posterior, top: float) -> float:
    foot = top + high_of(d, _HIGH)
    x = spanning((0.0, post.tau.quantile(0.995)), EDGE, d.width - EDGE - 6, floor=0.0)
    places = np.linspace(0.0, x.high, _POINTS)[1:]
    after = np.array([post.tau.density(v) for v in places.tolist()])
    most = float(after.max())
    _shade(d, x, post.tau, (top, foot), most)
    d.begin("Tau")
    _curve(d, x, places, after, (top, foot), most, 0)
    d.end()
    if post.prior.proper:
        before = np.exp(post.prior.log_density(np.log(places))) / places
        _curve(d, x, places, before, (top, foot), most, 2)
    title = "Tau: standard deviation of true effects between trials"
    return draw_axis(d, x, foot, title=title, ends=("", ""), null=math.nan)


def _prior_of_effect(post: Posterior, places: Floats) -> Floats | None:
    prior = post.effect_prior
    if prior.flat:
        return None
    z = ((places - prior.mean) / prior.sd).tolist()
    return np.array([normal_density(v) for v in z]) / prior.sd


def _shade(d: Drawing, x: Axis, post: Distribution, down: tuple[float, float], most: float) -> None:
    """The credible interval, as the area under the curve."""
    ci = post.ci
    low, high = max(ci.low, x.low), min(ci.high, x.high)
    if not low < high:
        return
    inside = np.linspace(low, high, 61).tolist()
    tops = [_height(post.density(v), down, most) for v in inside]
    steps = "L".join(f"{x.at(v):.1f} {y:.1f}" for v, y in zip(inside, tops, strict=True))
    d.path(
        f"M{x.at(low):.1f} {down[1]:.1f}L{steps}L{x.at(high):.1f} {down[1]:.1f}Z",
        "band",
        under=True,
    )


def _height(density: float, down: tuple[float, float], most: float) -> float:
    share = min(density / most, 1.04) if math.isfinite(density) else 1.04
    return down[1] - (down[1] - down[0]) * share / 1.04


_STYLES = (("ink", 2.4, ""), ("benefit", 1.6, ""), ("neutral", 1.4, "5 3"))


def _curve(
    d: Drawing,
    x: Axis,
    places: Floats,
    density: Floats,
    down: tuple[float, float],
    most: float,
    style: int,
) -> None:
    role, width, dash = _STYLES[style]
    points = [
        (x.at(v), _height(h, down, most))
        for v, h in zip(places.tolist(), density.tolist(), strict=True)
    ]
    d.polyline(points, role=role, width=width, dash=dash)


def _legend(d: Drawing, y: float, post: Posterior) -> float:
    level = percent(100 * post.level)
    items = [(0, "posterior"), (1, "effect in a new trial")]
    if post.prior.proper or not post.effect_prior.flat:
        items.append((2, "prior"))
    at = EDGE
    for style, text in (*items, (-1, f"{level} credible interval")):
        reach = 30 + text_width(text, d.size)
        if at + reach > d.width - EDGE:
            at, y = EDGE, y + d.size * 1.6
        if style < 0:
            d.rect(at, y - 11, 24, 13, fill="band", stroke="rule")
        else:
            role, width, dash = _STYLES[style]
            d.line(at, y - 4, at + 24, y - 4, role=role, width=width, dash=dash)
        d.text(at + 30, y, text)
        at += reach + 24
    return y + 14


def _said(post: Posterior, m: Measure) -> str:
    write = writer(m)
    ci = m.back_interval(post.mu.ci)
    text = (
        f"The posterior of the mean effect has its median at {write(m.back(post.mu.median))} "
        f"({percent(100 * post.level)} credible interval {write(ci.low)} to {write(ci.high)})."
    )
    if math.isfinite(m.null):
        beyond = chance(post.probability(above=m.no_effect))
        text += f" The probability of being above {significant(m.null, 3)} is {beyond}."
    return text


def _table(post: Posterior, m: Measure, title: str) -> Table:
    level = percent(100 * post.level)
    columns = (
        Column("quantity", "quantity"),
        Column("median", "median", align="right"),
        Column("low", f"{level} interval from", align="right"),
        Column("high", "to", align="right"),
        Column("above", "probability above no effect", align="right"),
    )
    write = writer(m)
    rows: list[tuple[Value, ...]] = []
    for name, one in (("mean effect", post.mu), ("effect in a new trial", post.predictive)):
        ci = m.back_interval(one.ci)
        above = chance(one.probability(above=m.no_effect)) if math.isfinite(m.null) else None
        rows.append((name, write(m.back(one.median)), write(ci.low), write(ci.high), above))
    if not post.grid.known:
        numbers = (post.tau.median, post.tau.ci.low, post.tau.ci.high)
        rows.append(("tau", *(significant(v, 3) for v in numbers), None))
        if post.prior.proper:
            tails = (0.5, 0.5 - 0.5 * post.level, 0.5 + 0.5 * post.level)
            before = (significant(post.prior.quantile(p), 3) for p in tails)
            rows.append(("tau before the trials", *before, None))
    notes = (f"Prior of tau: {post.prior.text}; of the mean effect: {post.effect_prior.text}.",)
    return Table(title, columns, tuple(rows), notes=notes, missing="")
