"""Linear algebra for designs that may not have full rank, by NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError

Matrix = NDArray[np.float64]

#: Singular values below this part of the largest count as zero, and residuals of that size too.
RTOL = 1e-9


def row_space(X: Matrix, *, rtol: float = RTOL) -> Matrix:
    """Return an orthonormal basis of the row space of `X`, one vector a column, shape (p, rank)."""
    rows, columns = X.shape
    if rows == 0 or columns == 0:
        return np.empty((columns, 0))
    _, sizes, right = np.linalg.svd(X, full_matrices=False)
    keep = sizes > rtol * max(float(sizes[0]), np.finfo(float).tiny)
    return np.ascontiguousarray(right[keep].T)


def rank(X: Matrix, *, rtol: float = RTOL) -> int:
    """Return the rank of `X`: singular values above `rtol` times the largest."""
    return int(row_space(X, rtol=rtol).shape[1])


def outside_row_space(X: Matrix, wanted: Matrix, *, rtol: float = RTOL) -> Matrix:
    """Return the part of the vector `wanted` that no combination of rows of `X` gives.

    Zero, exactly, where rounding is all that is left.
    """
    basis = row_space(X, rtol=rtol)
    # Twice, because one projection leaves the rounding of the other part behind.
    rest = wanted - basis @ (basis.T @ wanted)
    rest = rest - basis @ (basis.T @ rest)
    size = float(np.abs(wanted).max(initial=0.0))
    return np.where(np.abs(rest) > rtol * size, rest, 0.0)


def in_row_space(X: Matrix, wanted: Matrix, *, rtol: float = RTOL) -> bool:
    """Return whether `wanted` is a combination of the rows of `X`."""
    return not outside_row_space(X, wanted, rtol=rtol).any()


def cholesky(V: Matrix) -> Matrix:
    """Return the lower triangle `L` with ``L Lᵀ = V``.

    Raises
    ------
    InputError
        When `V` is not positive definite.
    """
    try:
        return np.asarray(np.linalg.cholesky(V), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise InputError(
            "variances and covariances that no data can have",
            hint="covariances smaller than the variances allow",
        ) from None


@dataclass(frozen=True, slots=True)
class Whitener:
    """The lower triangle of a covariance matrix in which most rows stand alone.

    Attributes
    ----------
    alone, sizes
        Places of the rows without covariances, and their standard deviations.
    joint, low
        Places of the others, and their lower triangle.
    """

    alone: NDArray[np.intp]
    sizes: Matrix
    joint: NDArray[np.intp]
    low: Matrix

    def whiten(self, M: Matrix) -> Matrix:
        """``L⁻¹ M``."""
        out = np.empty_like(M)
        out[self.alone] = (M[self.alone].T / self.sizes).T
        out[self.joint] = np.linalg.solve(self.low, M[self.joint])
        return out

    def back(self, M: Matrix) -> Matrix:
        """``L⁻ᵀ M``."""
        out = np.empty_like(M)
        out[self.alone] = (M[self.alone].T / self.sizes).T
        out[self.joint] = np.linalg.solve(self.low.T, M[self.joint])
        return out


def whitener(V: Matrix) -> Whitener:
    """Take the covariance matrix `V` apart.

    Raises
    ------
    InputError
        When `V` is not positive definite.
    """
    d = np.diag(V)
    tied = ((V != 0.0).sum(axis=1) > 1) | ~(d > 0.0)
    alone, joint = np.flatnonzero(~tied), np.flatnonzero(tied)
    low = cholesky(V[np.ix_(joint, joint)]) if joint.size else np.empty((0, 0))
    return Whitener(alone, np.sqrt(d[alone]), joint, low)


@dataclass(frozen=True, slots=True)
class Gls:
    """Generalised least squares.

    Attributes
    ----------
    beta
        The coefficients of least length, shape (p,). Only their combinations in the row space of
        the design mean something.
    cov
        Their covariance matrix, shape (p, p).
    gain
        The map from the data to them, shape (p, k): ``beta = gain @ y``.
    q
        The weighted sum of squared residuals.
    df
        Its degrees of freedom, ``k - rank``.
    """

    beta: Matrix
    cov: Matrix
    gain: Matrix
    q: float
    df: int


def gls(X: Matrix, y: Matrix, V: Matrix, *, rtol: float = RTOL) -> Gls:
    """Fit ``y = X beta`` with errors of covariance `V`.

    Parameters
    ----------
    X
        Design, shape (k, p), of any rank above zero.
    y
        Data, shape (k,).
    V
        Covariance matrix, positive definite, shape (k, k).

    Raises
    ------
    NotEstimableError
        When the design is zero.
    InputError
        When `V` is not positive definite.
    """
    basis = row_space(X, rtol=rtol)
    if basis.shape[1] == 0:
        raise NotEstimableError("the design is zero", hint="groups that differ in something")
    apart = whitener(V)
    # Whitened, and in coordinates of the row space, the design has full column rank.
    design = apart.whiten(X @ basis)
    data = apart.whiten(y)
    left, upper = np.linalg.qr(design)
    inverse = np.linalg.solve(upper, np.eye(upper.shape[0]))
    half = basis @ inverse
    whitened = half @ left.T
    rest = data - left @ (left.T @ data)
    return Gls(
        beta=whitened @ data,
        cov=half @ half.T,
        gain=apart.back(whitened.T).T,
        q=float(rest @ rest),
        df=X.shape[0] - basis.shape[1],
    )


def left_null(X: Matrix, *, rtol: float = RTOL) -> Matrix:
    """Return an orthonormal basis of the vectors `a` with ``aᵀ X = 0``, one a column."""
    rows, columns = X.shape
    if columns == 0:
        return np.eye(rows)
    left, sizes, _ = np.linalg.svd(X, full_matrices=True)
    top = max(float(sizes.max(initial=0.0)), np.finfo(float).tiny)
    return np.ascontiguousarray(left[:, int((sizes > rtol * top).sum()) :])
