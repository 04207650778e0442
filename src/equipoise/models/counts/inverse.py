"""Inverse-variance synthesis of the trials' own estimates, with a constant in empty cells."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Note
from equipoise.core.table import counted
from equipoise.effects.columns import Floats
from equipoise.effects.reported import contrasts
from equipoise.models.counts.closed import about_zeros
from equipoise.models.counts.pooled import Pooled, chi2_test
from equipoise.models.counts.tables import Tables, no_events
from equipoise.models.pairwise import pairwise


def inverse_variance(
    t: Tables, measure: str, *, random: bool, keep: bool, add: float, to: str, level: float
) -> tuple[Pooled, tuple[Floats, Floats]]:
    """Pool the trials' own estimates, with `add` in their empty cells, by `pairwise`.

    Returns
    -------
    tuple
        The pooled numbers, and the trials' estimates and variances that they rest on.
    """
    if not (~t.double_zero).any():
        raise no_events(t, level)
    yi, vi = t.effects(measure, add, to, keep=keep)
    good = np.isfinite(yi) & np.isfinite(vi) & (vi > 0.0)
    if not good.any():
        raise NotEstimableError("no trial has an estimate with a variance", hint="add=0.5")
    study = [s for s, yes in zip(t.study, good.tolist(), strict=True) if yes]
    es = contrasts(yi=yi[good], vi=vi[good], study=study, measure="GEN")
    effects = "random" if random else "common"
    fit = pairwise(es, model=effects, interval="Wald", level=level)
    weights = np.zeros(len(t))
    weights[good] = fit.weights
    q = chi2_test("Cochran's Q", "heterogeneity", fit.q, fit.q_df, fit.k)
    pooled = Pooled(
        fit.estimate,
        fit.se,
        good,
        fit.methods,
        effects=effects,
        weights=weights,
        tests=(q,) if fit.k > 1 else (),
        notes=_about_added(t, add if to != "none" else 0.0, good),
        i2=fit.i2 if fit.k > 1 else math.nan,
        h2=fit.h2 if fit.k > 1 else math.nan,
        tau2=fit.tau2 if random else None,
        tau2_ci=fit.tau2_ci,
        pi=fit.pi,
    )
    return pooled, (yi, vi)


def _about_added(t: Tables, add: float, used: NDArray[np.bool_]) -> tuple[Note, ...]:
    notes = about_zeros(t, True) if not used[t.double_zero].any() else ()
    events = [t.events1, t.events2]
    rests = [] if t.time else [t.size1 - t.events1, t.size2 - t.events2]
    zero = np.any([cell == 0.0 for cell in (*events, *rests)], axis=0) & used
    if add and zero.any():
        text = (
            f"{add:g} was added to every cell of {counted(int(zero.sum()), 'trial')} with an "
            "empty one, "
            "which pulls the result towards no difference where events are rare."
        )
        notes = (*notes, Note("added", text))
    return notes
