"""The Mantel–Haenszel risk difference against metafor, and on counts where its answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError
from equipoise.models.counts.difference import mantel_haenszel_rd

VALUES = Path(__file__).resolve().parents[3] / "validation" / "values"
SETS = ["bcg", "collins1985a", "hine1989", "nielweise2007"]


@pytest.mark.parametrize("name", SETS)
def test_it_agrees_with_metafor(name: str) -> None:
    data = json.loads((VALUES / f"pairwise_{name}.json").read_text(encoding="utf-8"))
    columns, expected = data["columns"], data["mantel_haenszel_RD"]
    found = mantel_haenszel_rd(columns["ai"], columns["n1i"], columns["ci"], columns["n2i"])
    assert found.estimate == pytest.approx(expected["beta"], rel=1e-11)
    assert found.se == pytest.approx(expected["se"], rel=1e-11)
    assert found.low == pytest.approx(expected["ci_lb"], rel=1e-9)
    assert found.high == pytest.approx(expected["ci_ub"], rel=1e-9)


def test_every_set_with_the_reference_value_is_tested() -> None:
    have = {
        path.stem.removeprefix("pairwise_")
        for path in VALUES.glob("pairwise_*.json")
        if "mantel_haenszel_RD" in json.loads(path.read_text(encoding="utf-8"))
    }
    assert have == set(SETS)


def test_one_trial_gives_its_own_difference() -> None:
    found = mantel_haenszel_rd([12], [40], [5], [50])
    assert found.estimate == pytest.approx(12 / 40 - 5 / 50, rel=1e-14)
    # The variance of one table: p1 q1 / n1 + p2 q2 / n2, to the order of the approximation.
    plain = (0.3 * 0.7 / 40 + 0.1 * 0.9 / 50) ** 0.5
    assert found.se == pytest.approx(plain, rel=0.05)


def test_trials_without_events_pull_towards_zero() -> None:
    alone = mantel_haenszel_rd([4], [100], [1], [100])
    more = mantel_haenszel_rd([4, 0], [100, 100], [1, 0], [100, 100])
    assert more.estimate == pytest.approx(alone.estimate / 2, rel=1e-14)


def test_no_event_at_all_gives_zero_with_no_width() -> None:
    found = mantel_haenszel_rd([0, 0], [20, 30], [0, 0], [20, 30])
    assert (found.estimate, found.se) == (0.0, 0.0)


tables = st.lists(
    st.tuples(st.integers(0, 30), st.integers(30, 90), st.integers(0, 30), st.integers(30, 90)),
    min_size=1,
    max_size=6,
)


@given(tables)
def test_swapping_the_groups_changes_the_sign_and_nothing_else(
    rows: list[tuple[int, int, int, int]],
) -> None:
    a, m, c, n = (list(column) for column in zip(*rows, strict=True))
    one, two = mantel_haenszel_rd(a, m, c, n), mantel_haenszel_rd(c, n, a, m)
    close = {"rel": 1e-10, "abs": 1e-14}
    assert two.estimate == pytest.approx(-one.estimate, **close)
    assert two.se == pytest.approx(one.se, rel=1e-7, abs=1e-9)
    assert two.low == pytest.approx(-one.high, rel=1e-7, abs=1e-9)


@given(tables)
def test_a_wider_level_is_a_wider_interval(rows: list[tuple[int, int, int, int]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    narrow, wide = (mantel_haenszel_rd(*columns, level=level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high


@pytest.mark.parametrize("row", [(5, 4, 0, 10), (-1, 4, 0, 10), (0, 0, 0, 10), (1, 4, 11, 10)])
def test_impossible_counts_name_the_trial(row: tuple[int, int, int, int]) -> None:
    a, m, c, n = row
    with pytest.raises(InputError, match="trial 2"):
        mantel_haenszel_rd([1, a], [9, m], [1, c], [9, n])


def test_nothing_to_pool_is_refused() -> None:
    with pytest.raises(InputError, match="no trial to pool"):
        mantel_haenszel_rd([], [], [], [])
