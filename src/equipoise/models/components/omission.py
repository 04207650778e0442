"""A component model with one interaction more, and without each of its trials in closed form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.effects.columns import Floats
from equipoise.models.components.fit import ComponentFit
from equipoise.models.components.reading import design
from equipoise.models.correlated import TAU2, tau2_of
from equipoise.num.dist import chi2_tail
from equipoise.num.linalg import RTOL, gls, row_space

#: Where the other trials know a part of what a trial tells this much worse than the trial does, the
#: closed form loses digits, and the model is fitted again.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Gone:
    """The model without one trial: what the others cannot tell, and its solution.

    Attributes
    ----------
    study
        The trial that is left out.
    lost
        Directions among the components that no other trial tells, orthonormal, one a column.
    beta
        A solution for the other trials. Only what they tell means something.
    """

    study: str
    lost: Floats
    beta: Floats

    def tells(self, wanted: Floats) -> bool:
        """Whether the other trials can tell this combination of components."""
        if not self.lost.shape[1]:
            return True
        rest = self.lost @ (self.lost.T @ wanted)
        return float(np.abs(rest).max(initial=0.0)) <= RTOL * float(np.abs(wanted).max())


def without_each(
    fit: ComponentFit,
    spreads: tuple[Floats, Floats],
    *,
    refit: bool = False,
    done: Callable[[], None] | None = None,
) -> list[Gone]:
    """The model without each trial in turn.

    Parameters
    ----------
    fit
        The model.
    spreads
        The covariances of its contrasts within trials, and :func:`shared_effects`.
    refit
        Whether tau² is estimated anew each time.
    done
        Called after each trial.

    Notes
    -----
    With ``H = L⁻¹ X C X' L⁻ᵀ`` for the rows of one trial, ``C`` the covariance of the solution and
    ``L L'`` that of the rows, leaving them out takes ``C X' L⁻ᵀ (I − H)⁻¹ L⁻¹ e`` off the
    solution, ``e`` the residuals. Where `H` has an eigenvalue of 1, the other trials tell nothing
    of that direction. Whether they do is a matter of the design, so it is decided with equal
    weights.
    """
    X, y = fit.design, np.asarray(fit.data.yi)
    plain, R = spreads
    rows: dict[str, list[int]] = {}
    for i, study in enumerate(fit.study):
        rows.setdefault(study, []).append(i)
    again = refit and fit.tau2_method in TAU2
    equal = np.asarray(np.linalg.pinv(X.T @ X, rcond=RTOL, hermitian=True), dtype=np.float64)
    rest, V = y - X @ fit.beta, plain + fit.tau2 * R
    found: dict[str, Gone] = {}
    for size in sorted({len(held) for held in rows.values()}):
        alike = [(study, held) for study, held in rows.items() if len(held) == size]
        at = np.array([held for _, held in alike])
        inside = V[at[:, :, None], at[:, None, :]]
        lost = _lost(X[at], equal)
        betas = _steps(X[at], rest[at], inside, fit, [part.shape[1] for part in lost])
        for (study, held), part, beta in zip(alike, lost, betas, strict=True):
            if beta is None or again:
                others = np.setdiff1d(np.arange(len(y)), held)
                beta = _anew(fit, X[others], y[others], (plain, R), others, again=again)
            found[study] = Gone(study, part, beta)
            if done is not None:
                done()
    return [found[study] for study in rows]


def _lost(X: Floats, equal: Floats) -> list[Floats]:
    """The directions that only each trial tells; `equal` is the inverse of all rows' ``X'X``."""
    sizes, turn = np.linalg.eigh(X @ equal @ X.transpose(0, 2, 1))
    nothing = np.empty((X.shape[2], 0))
    out = [nothing] * len(X)
    for i in np.flatnonzero(sizes[:, -1] > 1.0 - _LEAST).tolist():
        alone = turn[i][:, sizes[i] > 1.0 - _LEAST]
        out[i] = row_space((equal @ X[i].T @ alone).T)
    return out


def _steps(
    X: Floats, rest: Floats, V: Floats, fit: ComponentFit, lost: list[int]
) -> list[Floats | None]:
    """The solutions without each trial, or None where the closed form would lose digits."""
    low = np.linalg.cholesky(V)
    G = np.linalg.solve(low, X)
    e = np.linalg.solve(low, rest[:, :, None])
    back = fit.cov @ G.transpose(0, 2, 1)
    sizes, turn = np.linalg.eigh(G @ back)
    left = 1.0 - sizes
    # What is lost are the largest eigenvalues: they are 1 but for rounding.
    gone = np.arange(sizes.shape[1]) >= sizes.shape[1] - np.array(lost)[:, None]
    near = (~gone & (left < _LEAST)).any(axis=1)
    part = np.where(gone, 0.0, (turn.transpose(0, 2, 1) @ e)[:, :, 0])
    part = part / np.where(gone | (left < _LEAST), 1.0, left)
    steps = (back @ turn @ part[:, :, None])[:, :, 0]
    return [None if n else fit.beta - step for n, step in zip(near.tolist(), steps, strict=True)]


def _anew(
    fit: ComponentFit,
    X: Floats,
    y: Floats,
    spreads: tuple[Floats, Floats],
    rows: NDArray[np.intp],
    *,
    again: bool,
) -> Floats:
    """The solution for some rows by a fit of its own, with tau² estimated anew or kept."""
    if not X.any():
        return np.zeros(X.shape[1])
    V, R = (part[np.ix_(rows, rows)] for part in spreads)
    tau2 = tau2_of(fit.tau2_method, X, y, V, R)[0] if again else fit.tau2
    return gls(X, y, V + tau2 * R).beta


def with_interaction(fit: ComponentFit, name: str, spreads: tuple[Floats, Floats]) -> ComponentFit:
    """The same model with one more interaction, and tau² estimated anew.

    `spreads` as for :func:`without_each`.
    """
    columns = (*fit.components, name)
    X = design(fit.data, columns, fit.inactive)
    y, (V, R) = np.asarray(fit.data.yi), spreads
    common = found = gls(X, y, V)
    tau2, notes = fit.tau2, list(fit.notes)
    if fit.tau2_method:
        tau2, notes = tau2_of(fit.tau2_method, X, y, V, R)
        found = gls(X, y, V + tau2 * R)
    return dataclasses.replace(
        fit,
        components=columns,
        design=X,
        beta=found.beta,
        cov=found.cov,
        gain=found.gain,
        tau2=tau2,
        q=common.q if common.df else 0.0,
        q_df=common.df,
        q_p=chi2_tail(common.q, common.df),
        notes=tuple(notes),
    )
