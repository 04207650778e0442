"""Ranks, row spaces and generalised least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.num.linalg import (
    Matrix,
    cholesky,
    gls,
    in_row_space,
    left_null,
    outside_row_space,
    rank,
    row_space,
)


@st.composite
def designs(draw: st.DrawFn) -> Matrix:
    """Designs of entries −1, 0, 1, of any rank."""
    k, p = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    entries = draw(st.lists(st.integers(-1, 1), min_size=k * p, max_size=k * p))
    return np.array(entries, dtype=float).reshape(k, p)


def spread(k: int, seed: int) -> Matrix:
    """A covariance matrix."""
    half = np.random.default_rng(seed).normal(size=(k, k))
    return half @ half.T + np.eye(k)


@given(designs())
def test_rank(X: Matrix) -> None:
    assert rank(X) == np.linalg.matrix_rank(X)


@given(designs(), st.sampled_from([1e-8, 1.0, 1e8]))
def test_rank_has_no_unit(X: Matrix, unit: float) -> None:
    assert rank(unit * X) == rank(X)


def test_rank_of_rounding() -> None:
    third = np.array([[1.0, 1.0 / 3.0], [3.0, 1.0]])
    assert rank(third) == 1
    assert rank(np.zeros((2, 3))) == 0
    assert rank(np.empty((0, 3))) == 0


@given(designs())
def test_row_space_is_orthonormal_and_holds_the_rows(X: Matrix) -> None:
    basis = row_space(X)
    assert basis.T @ basis == pytest.approx(np.eye(basis.shape[1]), abs=1e-12)
    assert all(in_row_space(X, row) for row in X)


def test_what_is_outside_is_exact() -> None:
    X = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert outside_row_space(X, np.array([1.0, 0.0, 5.0])).tolist()[2] == 0.0
    assert outside_row_space(X, np.array([1.0, 0.0, 0.0])) == pytest.approx([0.5, -0.5, 0.0])
    assert not in_row_space(X, np.array([1.0, 0.0, 0.0]))
    assert in_row_space(X, np.array([2.0, 2.0, -1.0]))


@given(designs())
def test_left_null(X: Matrix) -> None:
    A = left_null(X)
    assert A.shape == (X.shape[0], X.shape[0] - rank(X))
    assert pytest.approx(np.zeros((A.shape[1], X.shape[1])), abs=1e-12) == A.T @ X
    assert pytest.approx(np.eye(A.shape[1]), abs=1e-12) == A.T @ A


@settings(max_examples=50)
@given(designs(), st.integers(0, 999))
def test_gls_against_the_textbook(X: Matrix, seed: int) -> None:
    k = X.shape[0]
    y, V = np.random.default_rng(seed).normal(size=k), spread(k, seed)
    if not X.any():
        with pytest.raises(NotEstimableError, match="design is zero"):
            gls(X, y, V)
        return
    W = np.linalg.inv(V)
    cov = np.linalg.pinv(X.T @ W @ X, rcond=1e-10)
    found = gls(X, y, V)
    rest = y - X @ (cov @ X.T @ W @ y)
    assert found.q == pytest.approx(rest @ W @ rest, abs=1e-8)
    assert found.df == k - rank(X)
    assert found.gain @ y == pytest.approx(found.beta, abs=1e-9)
    for row in X:
        assert row @ found.beta == pytest.approx(row @ cov @ X.T @ W @ y, abs=1e-8)
        assert row @ found.cov @ row == pytest.approx(row @ cov @ row, abs=1e-8)


def test_gls_reproduces_what_fits() -> None:
    X = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    found = gls(X, X @ np.array([2.0, -1.0]), np.diag([1.0, 1e8, 1e-8]))
    assert found.beta == pytest.approx([2.0, -1.0], rel=1e-12)
    assert found.q == pytest.approx(0.0, abs=1e-12)


def test_a_covariance_that_cannot_be() -> None:
    with pytest.raises(InputError, match="no data can have"):
        cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))
