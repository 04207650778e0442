"""The bracketed root finder and the certified global maximum."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.num.solve import Slopes, global_maximum, root


@pytest.mark.parametrize(
    ("f", "low", "high", "expected"),
    [
        (lambda x: x * x - 2.0, 0.0, 2.0, math.sqrt(2.0)),
        (lambda x: math.cos(x) - x, 0.0, 1.0, 0.7390851332151607),
        (lambda x: math.exp(x) - 1e-8, -100.0, 100.0, math.log(1e-8)),
        (lambda x: x**9, -1.0, 2.0, 0.0),
        (lambda x: 1.0 / x - 1e12, 1e-30, 1.0, 1e-12),
        (lambda x: math.atan(1e6 * (x - 0.3)), -1e6, 1e6, 0.3),
        (lambda x: 3.0 - x, 0.0, 3.0, 3.0),
        (lambda x: x, 0.0, 3.0, 0.0),
    ],
)
def test_known_roots(f, low, high, expected) -> None:  # type: ignore[no-untyped-def]
    assert root(f, low, high, atol=1e-300) == pytest.approx(expected, rel=4e-15, abs=1e-30)
    assert root(f, high, low, atol=1e-300) == pytest.approx(expected, rel=4e-15, abs=1e-30)


@given(st.floats(1e-12, 1e12), st.integers(1, 7))
def test_a_root_is_found_to_the_last_digits_at_any_scale(place: float, power: int) -> None:
    found = root(lambda x: (x / place) ** power - 1.0, 0.0, 3e12)
    assert found == pytest.approx(place, rel=1e-14)


def test_an_interpolating_search_needs_few_steps() -> None:
    asked: list[float] = []

    def f(x: float) -> float:
        asked.append(x)
        return math.exp(x) - 5.0

    root(f, -10.0, 10.0)
    assert len(asked) < 20


def test_the_same_sign_at_both_ends_is_refused() -> None:
    with pytest.raises(InputError, match="no change of sign"):
        root(lambda x: x * x + 1.0, -1.0, 1.0)
    with pytest.raises(InputError, match="no change of sign"):
        root(lambda x: math.nan, -1.0, 1.0)


def test_a_search_that_is_cut_short_says_so() -> None:
    with pytest.raises(NotEstimableError, match="after 3 steps"):
        root(lambda x: math.atan(1e6 * (x - 0.3)), -1e6, 1e6, most=3)


def spectral(squares: list[float], roots: list[float]):  # type: ignore[no-untyped-def]
    """A function of the kind that global_maximum takes, from sums that need no linear algebra.

    Its derivative is the sum of (c - (l + t)) / (l + t)² over pairs of a square c and a root l.
    """
    pairs = list(zip(squares, roots, strict=True))

    def value(t: float) -> float:
        return -sum(math.log(lo + t) + c / (lo + t) for c, lo in pairs)

    def slopes(t: float) -> Slopes:
        return Slopes(
            sum(c / (lo + t) ** 2 for c, lo in pairs),
            sum(1.0 / (lo + t) for c, lo in pairs),
            2.0 * sum(c / (lo + t) ** 3 for c, lo in pairs),
            sum(1.0 / (lo + t) ** 2 for c, lo in pairs),
        )

    return value, slopes


def test_one_term_has_its_maximum_where_algebra_puts_it() -> None:
    value, slopes = spectral([5.0], [2.0])
    found = global_maximum(value, slopes, 5.0)
    assert found.x == pytest.approx(3.0, rel=1e-12)
    assert found.optima == (found.x,)
    assert found.certain


def test_a_function_that_only_falls_has_its_maximum_at_zero() -> None:
    value, slopes = spectral([1.0, 2.0], [2.0, 3.0])
    found = global_maximum(value, slopes, 2.0)
    assert (found.x, found.optima, found.certain) == (0.0, (0.0,), True)
    assert found.value == value(0.0)
    assert global_maximum(value, slopes, 0.0).x == 0.0


@pytest.mark.parametrize(("far", "at_zero"), [(40.0, True), (200.0, False)])
def test_of_two_local_maxima_the_higher_is_chosen(far: float, at_zero: bool) -> None:
    # One term falls fast at once; the other rises to a maximum far away.
    value, slopes = spectral([0.0, far], [0.05, 5.0])
    found = global_maximum(value, slopes, far, unit=0.05)
    assert len(found.optima) == 2
    assert found.optima[0] == 0.0
    assert found.x == (0.0 if at_zero else found.optima[1])
    assert found.value == max(value(t) for t in found.optima)
    assert found.certain


@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e3), st.floats(1e-3, 1e3)),
        min_size=1,
        max_size=8,
    )
)
def test_no_point_of_a_dense_grid_is_higher(pairs: list[tuple[float, float]]) -> None:
    squares, roots = [c for c, _ in pairs], [lo for _, lo in pairs]
    value, slopes = spectral(squares, roots)
    upper = max(squares)
    found = global_maximum(value, slopes, upper, unit=min(roots))
    grid = [upper * 10.0 ** (-i / 40.0) for i in range(400)] + [0.0, 1.2 * upper + 1.0]
    best = max(value(t) for t in grid)
    assert found.value >= best - 1e-9 * (1.0 + abs(best))
    # Between two neighbouring maxima there is a minimum: the derivative changes sign both ways.
    for t in found.optima:
        near = slopes(t)
        assert abs(near.derivative) <= 1e-7 * (near.gain + near.loss) or t == 0.0


def test_a_flat_spot_is_owned_up_to() -> None:
    # Squares and roots chosen so that a minimum and a maximum nearly meet: search for the spot.
    low, high = 1.0, 200.0

    def count(far: float) -> int:
        value, slopes = spectral([0.0, far], [0.05, 5.0])
        return len(global_maximum(value, slopes, far, unit=0.05).optima)

    assert count(low) < count(high)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if count(middle) == count(low) else (low, middle)
    value, slopes = spectral([0.0, high], [0.05, 5.0])
    found = global_maximum(value, slopes, high, unit=0.05)
    assert not found.certain
    assert found.x == 0.0
