"""What a multilevel model says about rows and levels: random effects, leverage, residuals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.result import Interval, Result
from equipoise.effects.columns import Floats
from equipoise.models.mixed import Mixed, Moments
from equipoise.num.dist import critical


@dataclass(frozen=True, slots=True)
class RandomEffect(Result):
    """The predicted random effect of one level.

    Attributes
    ----------
    term, level
        The term, and the level's label (``trial: outcome`` where there is an inner level).
    estimate, se
        The prediction, and the standard error of its difference from the true effect.
    pi
        Prediction interval.
    """

    term: str
    level: str
    estimate: float
    se: float
    pi: Interval


@dataclass(frozen=True, slots=True)
class Residual(Result):
    """One row: the effect minus what the coefficients say, and its standardised form."""

    study: str
    residual: float
    se: float
    z: float
    hat: float


def random_effects(
    model: Mixed,
    G: Sequence[Floats],
    m: Moments,
    names: Sequence[str],
    labels: Sequence[Sequence[str]],
    level: float,
    df: float,
) -> tuple[RandomEffect, ...]:
    """Best linear unbiased predictions of the random effects, one for each level that has a row.

    Source: Robinson 1991, Stat Sci 6:15, doi:10.1214/ss/1177011926.
    """
    out: list[RandomEffect] = []
    sizes = critical(level, df)
    for t, (name, label) in enumerate(zip(names, labels, strict=True)):
        means, spreads = [], []
        for batch, w, wx, py in zip(model.batches, m.W, m.WX, m.Py, strict=True):
            at = batch.inner[t]
            D = batch.same[t] * G[t][at[:, :, None], at[:, None, :]]
            own = np.diagonal(D, axis1=1, axis2=2)
            Dx = D @ wx
            taken = ((D @ w) * D).sum(2) - ((Dx @ m.cov) * Dx).sum(2)
            means.append((D @ py[:, :, None])[:, :, 0])
            spreads.append(np.maximum(own - taken, 0.0))
        mean, spread = model.by_row(means), model.by_row(spreads)
        seen: dict[tuple[int, int], int] = {}
        term = model.terms[t]
        for row, key in enumerate(zip(term.outer.tolist(), term.inner.tolist(), strict=True)):
            seen.setdefault(key, row)
        for key in sorted(seen):
            row = seen[key]
            u = float(mean[row]) * math.sqrt(model.unit)
            se = math.sqrt(float(spread[row]) * model.unit)
            pi = Interval(u - sizes * se, u + sizes * se, level, "prediction of a random effect")
            out.append(RandomEffect(name, label[row], u, se, pi))
    return tuple(out)


def hats(model: Mixed, m: Moments) -> Floats:
    """The diagonal of the hat matrix, one value a row."""
    parts = [((batch.X @ m.cov) * wx).sum(2) for batch, wx in zip(model.batches, m.WX, strict=True)]
    return model.by_row(parts)


def residuals(model: Mixed, G: Sequence[Floats], m: Moments) -> tuple[Floats, Floats]:
    """Residuals and their standard errors, one of each a row."""
    rests, spreads = [], []
    for batch in model.batches:
        own = np.diagonal(batch.V, axis1=1, axis2=2).copy()
        for g, at in zip(G, batch.inner, strict=True):
            own += g[at, at]
        rests.append(batch.y - batch.X @ m.beta)
        spreads.append(np.maximum(own - ((batch.X @ m.cov) * batch.X).sum(2), 0.0))
    scale = math.sqrt(model.unit)
    return model.by_row(rests) * scale, np.sqrt(model.by_row(spreads)) * scale


def typical_variance(model: Mixed, m: Moments) -> float:
    """The sampling variance of a typical row: ``(k - p) / tr P``, from a fit without terms.

    Source: Nakagawa, Santos 2012, Evol Ecol 26:1253, doi:10.1007/s10682-012-9555-5.
    """
    trace = 0.0
    for batch, w, wx in zip(model.batches, m.W, m.WX, strict=True):
        own = np.diagonal(w, axis1=1, axis2=2) - ((wx @ m.cov) * wx).sum(2)
        trace += float(own[batch.rows >= 0].sum())
    return model.unit * (model.k - model.p) / trace if trace > 0.0 else math.nan
