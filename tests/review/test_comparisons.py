"""Which comparisons isolate the treatment, and their numbers."""

import math

import numpy as np
import pytest

from equipoise.review.collect import collect
from equipoise.review.comparisons import (
    NOTHING,
    isolates,
    network,
    pair_contrasts,
    pairs,
    setting,
    spell,
)

X, I, E, M = "solution", "injection", "exercise", "massage"  # noqa: E741 - short for tests


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ({X, I}, {I}, True),
        ({X, I, E}, {I, E}, True),
        ({X}, set(), True),
        ({X, I}, set(), False),
        ({X, I, E}, {I}, False),
        ({X, I}, {I, E}, False),
        ({I}, {X, I}, False),
        ({I}, {I}, False),
    ],
)
def test_a_comparison_isolates_when_the_groups_differ_in_nothing_else(one, two, expected):
    assert isolates(frozenset(one), frozenset(two), X) is expected


def test_the_setting_is_what_the_groups_share(bench):
    review = bench.review()
    none: frozenset[str] = frozenset()
    assert setting(review, frozenset({I}), none) == "alone"
    assert setting(review, frozenset({I, E}), none) == "added"
    assert setting(review, frozenset({I}), frozenset({E})) == "mixed"


def found(bench):
    collected = collect(bench.review(), "pain")
    return pairs(collected, lambda a, b: isolates(a, b, X))


def test_each_isolating_comparison_of_a_trial_with_four_groups(bench):
    arms = {
        "xe": ["active", "exercise"],
        "x": ["active"],
        "e": ["sham", "exercise"],
        "c": ["sham"],
    }
    bench.trial("t1", arms)
    for arm, mean in zip(arms, (20, 30, 35, 40), strict=True):
        bench.mean("t1", arm, mean, 20, 25)
    chosen, left_out = found(bench)
    assert left_out == ()
    contrasts = pair_contrasts(bench.outcomes[0], chosen)
    assert contrasts is not None
    assert sorted(contrasts.yi) == [-15, -10]
    assert len(set(contrasts.study)) == 2
    assert all(v == pytest.approx(2 * 400 / 25) for v in contrasts.vi)


def test_a_published_difference_the_other_way_round_is_turned(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.contrast("t1", "c", "x", 8, se=2, n1=20, n2=30)
    chosen, _ = found(bench)
    contrasts = pair_contrasts(bench.outcomes[0], chosen)
    assert contrasts is not None
    assert list(contrasts.yi) == [-8]
    assert list(contrasts.vi) == [4]
    assert (list(contrasts.n1), list(contrasts.n2)) == ([30], [20])


def test_two_published_differences_that_share_a_group_count_once(bench):
    bench.trial("t1", {"x1": ["active"], "x2": ["active"], "c": ["sham"]})
    bench.contrast("t1", "x1", "c", -8, se=2, n1=20, n2=30)
    bench.contrast("t1", "x2", "c", -6, se=2, n1=40, n2=30)
    chosen, left_out = found(bench)
    assert [p.contrast.arm1.arm for p in chosen] == ["x2"]
    assert "shares a group" in left_out[0].why


def test_nothing_to_compare_is_none(bench):
    assert pair_contrasts(bench.outcomes[0], ()) is None
    assert network(collect(bench.review(), "pain"))[0] is None


def test_sets_of_components_are_spelled_in_one_way():
    assert spell({"b", "a"}) == spell({"a", "b"}) == "a+b"
    assert spell(()) == NOTHING


def test_contrasts_of_one_trial_share_the_variance_of_their_common_group(bench):
    bench.trial("t1", {"x": ["active"], "e": ["sham", "exercise"], "c": ["sham"]})
    for arm, mean, sd, n in (("x", 30, 20, 25), ("e", 35, 18, 30), ("c", 40, 21, 35)):
        bench.mean("t1", arm, mean, sd, n)
    net, _ = network(collect(bench.review(), "pain"))
    assert net is not None
    assert len(net) == 2
    shared = {20: 20**2 / 25, 18: 18**2 / 30, 21: 21**2 / 35}
    off = net.V()[0, 1]
    assert any(off == pytest.approx(v) for v in shared.values())


def test_published_contrasts_with_a_common_group_use_its_standard_error(bench):
    bench.trial("t1", {"e": ["exercise"], "m": ["massage"], "c": ["usual"]})
    bench.contrast("t1", "e", "c", -2, se=1.0, ref_se=0.6)
    bench.contrast("t1", "m", "c", -3, se=1.1, ref_se=0.6)
    net, _ = network(collect(bench.review(), "pain"))
    assert net is not None
    assert net.V()[0, 1] == pytest.approx(0.36)


def test_without_it_the_common_groups_part_comes_from_the_sizes(bench):
    bench.trial("t1", {"e": ["exercise"], "m": ["massage"], "c": ["usual"]})
    bench.contrast("t1", "e", "c", -2, se=1.0, n1=100, n2=300)
    bench.contrast("t1", "m", "c", -3, se=1.0, n1=100, n2=300)
    net, _ = network(collect(bench.review(), "pain"))
    assert net is not None
    assert net.V()[0, 1] == pytest.approx(100 / 400)
    assert np.all(np.linalg.eigvalsh(net.V()) > 0)


def test_a_contrast_that_follows_from_two_others_is_left_out(bench):
    bench.trial("t1", {"e": ["exercise"], "m": ["massage"], "c": ["usual"]})
    bench.contrast("t1", "e", "c", -2, se=1.0)
    bench.contrast("t1", "m", "c", -3, se=1.0)
    bench.contrast("t1", "m", "e", -1, se=1.0)
    net, left_out = network(collect(bench.review(), "pain"))
    assert net is not None
    assert len(net) == 2
    assert "follows from" in left_out[0].why


def test_groups_of_unknown_size_are_not_invented(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.contrast("t1", "x", "c", -8, se=2)
    chosen, _ = found(bench)
    assert math.isnan(chosen[0].n1)
