"""`Arms`, and the contrasts of trials with several arms."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError
from equipoise.effects.arms import Arms
from equipoise.effects.contrasts import Contrasts, arm_contrasts, arms, effect_sizes

BINARY: dict[str, Any] = {
    "study": ["Big", "Pair", "Big", "Alone", "Pair", "Big"],
    "treat": ["A", "B", "placebo", "A", "placebo", "B"],
    "events": [10, 7, 20, 3, 9, 15],
    "n": [100, 60, 110, 30, 61, 90],
}
MEANS: dict[str, Any] = {
    "study": ["Big", "Big", "Big"],
    "treat": ["A", "B", "C"],
    "mean": [10.0, 12.0, 15.0],
    "sd": [4.0, 5.0, 3.0],
    "n": [30, 40, 50],
}


def test_each_arm_against_the_first_or_the_reference() -> None:
    es = arm_contrasts("OR", **BINARY)
    assert list(zip(es.study, es.treat1, es.treat2, strict=True)) == [
        ("Big", "placebo", "A"),
        ("Big", "B", "A"),
        ("Pair", "placebo", "B"),
    ]
    es = arm_contrasts("OR", **BINARY, reference="placebo")
    assert list(zip(es.study, es.treat1, es.treat2, strict=True)) == [
        ("Big", "A", "placebo"),
        ("Big", "B", "placebo"),
        ("Pair", "B", "placebo"),
    ]
    assert es.n1.tolist() == [100, 90, 60]
    assert es.n2.tolist() == [110, 110, 61]


def test_a_study_with_one_group_is_left_out_and_named() -> None:
    es = arm_contrasts("OR", **BINARY)
    assert [(row.study, row.why) for row in es.left_out] == [("Alone", "only one group, A")]
    only = arm_contrasts("OR", study=["x"], treat=["A"], events=[1], n=[2])
    assert len(only) == 0
    assert len(only.left_out) == 1


@pytest.mark.parametrize(
    ("measure", "shared"),
    [
        ("OR", 1 / 20 + 1 / 90),
        ("RR", 1 / 20 - 1 / 110),
        ("RD", (20 / 110) * (90 / 110) / 110),
    ],
)
def test_contrasts_share_the_variance_of_the_base_group(measure: str, shared: float) -> None:
    es = arm_contrasts(measure, **BINARY, reference="placebo")
    assert (es.cov_i.tolist(), es.cov_j.tolist()) == ([0], [1])
    assert es.cov[0] == pytest.approx(shared, rel=1e-13)
    two = effect_sizes(measure, events1=[10, 15], n1=[100, 90], events2=[20, 20], n2=[110, 110])
    assert es.yi[:2] == pytest.approx(two.yi, rel=1e-13)
    assert es.vi[:2] == pytest.approx(two.vi, rel=1e-13)


def test_a_mean_difference_shares_the_variance_of_the_mean() -> None:
    es = arm_contrasts("MD", **MEANS)
    assert es.yi.tolist() == [2.0, 5.0]
    assert es.cov[0] == pytest.approx(16 / 30, rel=1e-14)
    assert es.vi == pytest.approx([25 / 40 + 16 / 30, 9 / 50 + 16 / 30], rel=1e-14)


def test_standardised_differences_of_three_arms() -> None:
    """By hand: one pooled SD, J(117) and Gleser & Olkin's covariance."""
    es = arm_contrasts("SMD", **MEANS)
    pooled = math.sqrt((29 * 16 + 39 * 25 + 49 * 9) / 117)
    j = math.exp(math.lgamma(117 / 2) - math.lgamma(116 / 2)) / math.sqrt(117 / 2)
    g = [2 / pooled * j, 5 / pooled * j]
    assert es.yi == pytest.approx(g, rel=1e-12)
    assert es.vi == pytest.approx(
        [1 / 40 + 1 / 30 + g[0] ** 2 / 240, 1 / 50 + 1 / 30 + g[1] ** 2 / 240], rel=1e-12
    )
    assert es.cov[0] == pytest.approx(1 / 30 + g[0] * g[1] / 240, rel=1e-12)


def test_two_arms_are_an_ordinary_effect_size() -> None:
    two = {name: values[:2] for name, values in MEANS.items()}
    for measure in ("MD", "SMD"):
        es = arm_contrasts(measure, **two, reference="B")
        plain = effect_sizes(measure, mean1=[10], sd1=[4], n1=[30], mean2=[12], sd2=[5], n2=[40])
        assert es.yi == pytest.approx(plain.yi, rel=1e-13)
        assert es.vi == pytest.approx(plain.vi, rel=1e-13)
        assert es.cov.size == 0


def test_a_zero_in_one_arm_corrects_its_whole_trial() -> None:
    es = arm_contrasts(
        "OR", study=["x"] * 3, treat=["A", "B", "C"], events=[5, 0, 6], n=[20, 20, 20]
    )
    odds = [5.5 / 15.5, 0.5 / 20.5, 6.5 / 14.5]
    assert es.yi == pytest.approx([math.log(odds[1] / odds[0]), math.log(odds[2] / odds[0])])
    assert es.cov[0] == pytest.approx(1 / 5.5 + 1 / 15.5)
    assert [note.code for note in es.notes] == ["corrected"]


def change(es: Contrasts, treats: list[str]) -> tuple[list[float], np.ndarray]:
    """All contrasts of one trial with the last of `treats`, whatever the base arm was."""
    base = es.treat2[0]
    rows = {base: np.zeros(len(es))}
    for i, treat in enumerate(es.treat1):
        rows[treat] = np.eye(len(es))[i]
    T = np.array([rows[t] - rows[treats[-1]] for t in treats[:-1]])
    return (T @ es.yi).tolist(), T @ es.V() @ T.T


trial = st.lists(
    st.tuples(st.integers(0, 30), st.integers(31, 60), st.floats(-9, 9), st.floats(0.5, 9)),
    min_size=2,
    max_size=5,
)


@settings(max_examples=60)
@given(trial, st.sampled_from(["OR", "RR", "RD", "MD", "SMD"]), st.integers(0, 4))
def test_the_base_arm_does_not_matter(
    rows: list[tuple[int, int, float, float]], measure: str, pick: int
) -> None:
    treats = [f"T{i}" for i in range(len(rows))]
    given: dict[str, Any] = {
        "study": ["x"] * len(rows),
        "treat": treats,
        "n": [r[1] for r in rows],
    }
    if measure in ("OR", "RR", "RD"):
        given["events"] = [r[0] for r in rows]
    else:
        given |= {"mean": [r[2] for r in rows], "sd": [r[3] for r in rows]}
    one = arm_contrasts(measure, **given)
    two = arm_contrasts(measure, **given, reference=treats[pick % len(rows)])
    assert np.linalg.eigvalsh(one.V())[0] > 0.0
    (y1, v1), (y2, v2) = change(one, treats), change(two, treats)
    assert y2 == pytest.approx(y1, abs=1e-9)
    if measure != "SMD":  # whose large-sample variance depends on the effect itself
        assert v2 == pytest.approx(v1, abs=1e-9)


def test_arms_hold_and_give_back() -> None:
    held = arms(**BINARY)
    assert len(held) == 6
    assert repr(held) == "Arms(events: 6 arms of 3 studies)"
    assert Arms.from_dict(json.loads(json.dumps(held.to_dict()))) == held
    back = pickle.loads(pickle.dumps(held))
    assert back == held
    assert not back.n.flags.writeable
    assert held.contrasts("RR", reference="A") == arm_contrasts("RR", **BINARY, reference="A")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_arms_from_a_frame_and_back(backend: str) -> None:
    names = {name: name for name in MEANS}
    held = arms(**MEANS)
    assert arms(**names, data=held.to_frame(backend)) == held  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"events": [101, 7, 20, 3, 9, 15]}, r"101 events in 100 people \(study Big"),
        (
            {"treat": ["A", "B", "A", "A", "B", "C"]},
            r"2 arms with the same treatment 'A' \(study Big",
        ),
        ({"treat": ["A", "", "B", "A", "B", "C"]}, r"an arm without a treatment \(study Pair"),
        ({"events": None}, "no results"),
        ({"mean": [1] * 6}, "events and mean"),
        ({"n": None}, "arms without n"),
        ({"n": [1, 2]}, "different lengths"),
    ],
)
def test_impossible_arms(bad: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        arms(**(BINARY | bad))


def test_what_the_data_do_not_give() -> None:
    with pytest.raises(InputError, match="MD from binary data"):
        arm_contrasts("MD", **BINARY)
    with pytest.raises(InputError, match="RR from continuous data"):
        arm_contrasts("RR", **MEANS)
    with pytest.raises(InputError, match=r"no arm has the reference 'sham'.*A, B, placebo"):
        arm_contrasts("RR", **BINARY, reference="sham")
    with pytest.raises(InputError, match=r"0 in every group \(study Big"):
        arm_contrasts("SMD", **(MEANS | {"sd": [0, 0, 0]}))
