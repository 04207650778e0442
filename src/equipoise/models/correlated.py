"""The variance between trials where contrasts share groups."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from equipoise.core.result import Method, Note
from equipoise.core.table import significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.models.heterogeneity import ESTIMATORS
from equipoise.num.linalg import cholesky, left_null
from equipoise.num.solve import Slopes, global_maximum

MOMENTS = Method(
    "tau² by the generalised method of moments (DerSimonian and Laird with covariances)",
    "Jackson, White, Riley 2013, Biom J 55:231",
    "10.1002/bimj.201200152",
)

#: Estimators of tau² by code.
TAU2: dict[str, Method] = {
    "REML": ESTIMATORS["REML"].method,
    "DL": MOMENTS,
    "ML": ESTIMATORS["ML"].method,
}


def shared_effects(es: Contrasts, only: Collection[str] | None = None) -> Floats:
    """Return the correlations of random effects: 1 on the diagonal, ½ where a group is shared.

    Each group of a trial has a random effect of variance tau²/2, so that the signs come right and
    the matrix is never indefinite. The same comparison twice in one study is two samples of
    people, hence two sets of random effects. With `only`, the part of it that comes from the groups
    with those treatments.
    """
    times: dict[tuple[str, frozenset[str]], int] = {}
    groups: dict[tuple[str, int, str], int] = {}
    entries: list[tuple[int, int, float]] = []
    for i, (study, one, two) in enumerate(zip(es.study, es.treat1, es.treat2, strict=True)):
        pair = (study, frozenset((one, two)))
        times[pair] = times.get(pair, -1) + 1
        for treat, sign in ((one, 1.0), (two, -1.0)):
            if only is not None and treat not in only:
                continue
            place = groups.setdefault((study, times[pair], treat), len(groups))
            entries.append((i, place, sign))
    D = np.zeros((len(es), len(groups)))
    for i, place, sign in entries:
        D[i, place] += sign
    return 0.5 * D @ D.T


def tau2_of(code: str, X: Floats, y: Floats, V: Floats, R: Floats) -> tuple[float, list[Note]]:
    """Estimate tau² for data `y` of design `X` and covariance ``V + tau² R``.

    Parameters
    ----------
    code
        A code of :data:`TAU2`.
    X, y, V, R
        Design, data, their covariance within trials, and :func:`shared_effects`.

    Returns
    -------
    tau2, notes
        The estimate, and what to know about it.

    Notes
    -----
    Combinations of the data that the components cannot reach have mean zero. Rotated so that `V`
    becomes the identity and `R` diagonal, they are independent with variances ``1 + tau² s``:
    the moments and both likelihoods are sums over them.

    Source: Jackson, White, Riley 2013, Biom J 55:231, doi:10.1002/bimj.201200152, for the moments.
    """
    A = left_null(X)
    if A.shape[1] == 0:
        text = (
            "There are just enough comparisons to fit the components, so how much trials differ "
            "cannot be estimated; tau² counts as 0, and nothing tests whether effects add up."
        )
        return 0.0, [Note("no-degrees-of-freedom", text)]
    low = cholesky(A.T @ V @ A)
    spread = _rotated(low, A.T @ R @ A)
    s, turn = np.linalg.eigh(spread)
    u2 = (turn.T @ np.linalg.solve(low, A.T @ y)) ** 2
    s = np.where(s > 1e-12 * float(s[-1]), s, 0.0)
    if not s.any():
        text = "The trials do not show how much trials differ; tau² counts as 0."
        return 0.0, [Note("no-degrees-of-freedom", text)]
    if code == "DL":
        return max(0.0, float(u2.sum() - u2.size) / float(s.sum())), []
    every = s
    if code == "ML":
        every = np.maximum(np.linalg.eigvalsh(_rotated(cholesky(V), R)), 0.0)
    unit = 1.0 / float(s[-1])
    live = s > 0.0
    # Beyond this, every term of the derivative is negative.
    upper = float(np.max((u2[live] - 1.0) / s[live]))

    def value(t: float) -> float:
        return -0.5 * float(np.log1p(t * every).sum() + (u2 / (1.0 + t * s)).sum())

    def slopes(t: float) -> Slopes:
        w, v = s / (1.0 + t * s), every / (1.0 + t * every)
        gain = u2 * w / (1.0 + t * s)
        return Slopes(
            gain=0.5 * float(gain.sum()),
            loss=0.5 * float(v.sum()),
            gain_fall=float((gain * w).sum()),
            loss_fall=0.5 * float((v * v).sum()),
        )

    found = global_maximum(value, slopes, upper, unit=unit)
    notes = []
    if len(found.optima) > 1:
        places = ", ".join(significant(t, 4) for t in found.optima)
        text = f"The likelihood of tau² has local maxima at {places}; the highest is used."
        notes.append(Note("several-optima", text))
    return found.x, notes


def _rotated(low: Floats, M: Floats) -> Floats:
    """``L⁻¹ M L⁻ᵀ``, symmetric to the last digit."""
    half = np.linalg.solve(low, np.linalg.solve(low, M).T)
    return 0.5 * (half + half.T)
