"""Contrasts that a report gives: with their spreads, or as printed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, arm_contrasts, contrasts, published


def codes(es: Contrasts) -> list[str]:
    return [note.code for note in es.notes]


# --- on the scale of analysis ------------------------------------------------------------------


def test_variances_or_standard_errors() -> None:
    one = contrasts(yi=[0.1, 0.2], vi=[0.04, 0.09])
    two = contrasts(yi=[0.1, 0.2], sei=[0.2, 0.3])
    assert one.measure == "GEN"
    assert one.vi == pytest.approx(two.vi)
    assert one.study == ("study 1", "study 2")
    with pytest.raises(InputError, match="neither vi nor sei"):
        contrasts(yi=[0.1])
    with pytest.raises(InputError, match="both vi and sei"):
        contrasts(yi=[0.1], vi=[1], sei=[1])


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_a_spread_that_is_not_positive(value: float) -> None:
    with pytest.raises(InputError, match=r"spread of .* \(study x, column sei\)"):
        contrasts(yi=[0.1], sei=[value], study=["x"])


def test_rows_with_gaps_are_kept_and_named() -> None:
    es = contrasts(yi=[0.1, 0.2], vi=[1, 1], n1=[None, 10], n2=[5, math.nan])
    assert np.isnan(es.n1[0])
    assert es.n1[1] == 10.0
    assert np.isnan(es.n2[1])
    es = contrasts(yi=[0.1, None, 0.3], vi=[1, 1, math.nan])
    assert [note.code for note in es.notes] == ["missing"]
    assert es.notes[0].text.endswith("study 2, study 3.")
    assert es.marked("missing").tolist() == [False, True, True]


ARMS: dict[str, Any] = {
    "study": ["T"] * 4,
    "treat": ["A", "B", "C", "D"],
    "events": [10, 20, 15, 12],
    "n": [50, 60, 55, 58],
}


def all_pairs(m: int) -> dict[str, list[Any]]:
    """Every comparison of the first m arms, as a league table prints them."""
    rows: dict[str, list[Any]] = {k: [] for k in ("yi", "vi", "treat1", "treat2", "n1", "n2")}
    for i in range(m):
        for j in range(i + 1, m):
            pair = {name: [values[i], values[j]] for name, values in ARMS.items()}
            es = arm_contrasts("OR", **pair, reference=ARMS["treat"][j])
            for name in ("yi", "vi", "n1", "n2"):
                rows[name].append(float(getattr(es, name)[0]))
            rows["treat1"].append(ARMS["treat"][i])
            rows["treat2"].append(ARMS["treat"][j])
    return rows


@pytest.mark.parametrize("m", [3, 4])
def test_all_comparisons_of_a_trial_give_its_covariances(m: int) -> None:
    first = {name: values[:m] for name, values in ARMS.items()}
    arms = arm_contrasts("OR", **first, reference=ARMS["treat"][m - 1])
    es = contrasts(**all_pairs(m), study=["T"] * (m * (m - 1) // 2), measure="OR")
    assert es.treat1 == arms.treat1
    assert es.treat2 == arms.treat2
    assert es.yi == pytest.approx(arms.yi, abs=1e-12)
    assert es.V() == pytest.approx(arms.V(), abs=1e-12)
    assert es.n1.tolist() == arms.n1.tolist()
    assert es.n2.tolist() == arms.n2.tolist()


def test_a_trial_stays_in_its_place() -> None:
    rows = all_pairs(3)
    es = contrasts(
        yi=[9.0, *rows["yi"], 8.0],
        vi=[1.0, *rows["vi"], 1.0],
        treat1=["A", *rows["treat1"], "A"],
        treat2=["B", *rows["treat2"], "B"],
        study=["before", "T", "T", "T", "after"],
    )
    assert es.study == ("before", "T", "T", "after")
    assert es.cov.size == 1


def test_comparisons_that_do_not_add_up_are_refused_by_name() -> None:
    """The three-arm study in the help page of R's netmeta::discomb, contrasts 0.1, 0.1 and 0.05."""
    with pytest.raises(InputError, match=r"do not add up.*\(study study 5: D − E 0.1, "):
        contrasts(
            yi=[0.1, 0.1, 0.05],
            sei=[0.1, 0.1, 0.1],
            treat1=["D", "D", "E"],
            treat2=["E", "F", "F"],
            study=["study 5"] * 3,
            measure="MD",
        )


def test_comparisons_that_rounding_keeps_from_adding_up_are_evened_out() -> None:
    rows: dict[str, Any] = {"treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"]}
    es = contrasts(yi=[1.0, 0.4, 0.63], sei=[0.5, 0.5, 0.5], study=["T"] * 3, **rows)
    assert es.yi == pytest.approx([1.01, 0.39], abs=1e-12)
    assert codes(es) == ["evened-out"]
    assert codes(contrasts(yi=[1.0, 0.4, 0.6], sei=[0.5] * 3, study=["T"] * 3, **rows)) == []


def test_a_share_without_all_comparisons_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"2 comparisons of 3 arms.*\(study T, without A against B\).*all 3"
    ):
        contrasts(yi=[0.1, 0.2], vi=[1, 1], treat1=["A", "B"], treat2=["C", "C"], study=["T", "T"])
    with pytest.raises(InputError, match="more than once"):
        contrasts(
            yi=[0.1, 0.2, 0.1],
            vi=[1, 1, 1],
            treat1=["A", "B", "A"],
            treat2=["C", "C", "C"],
            study=["T"] * 3,
        )


def test_spreads_that_no_trial_has() -> None:
    with pytest.raises(InputError, match=r"cannot belong to one trial \(study T\)"):
        contrasts(
            yi=[0.0, 0.0, 0.0],
            sei=[1.0, 1.0, 2.5],
            treat1=["A", "B", "A"],
            treat2=["C", "C", "B"],
            study=["T"] * 3,
        )


def test_separate_comparisons_of_one_study_stay_as_they_are() -> None:
    es = contrasts(
        yi=[0.1, 0.2, 0.3],
        vi=[1, 1, 1],
        treat1=["A", "A", "C"],
        treat2=["B", "B", "D"],
        study=["T", "T", "T"],
    )
    assert len(es) == 3
    assert es.cov.size == 0
    assert len(contrasts(yi=[0.1, 0.2], vi=[1, 1], study=["T", "T"])) == 2


# --- as printed --------------------------------------------------------------------------------


def test_ratio_with_its_interval() -> None:
    """Cochrane Handbook 6.3.2: OR 0.62 (0.42 to 0.92) has ln OR −0.478 and SE 0.200."""
    es = published("OR", estimate=[0.62], ci_low=[0.42], ci_high=[0.92], study=["x"])
    assert es.yi[0] == pytest.approx(math.log(0.62), rel=1e-14)
    width = (math.log(0.92) - math.log(0.42)) / (2 * 1.959963984540054)
    assert es.sei[0] == pytest.approx(width, rel=1e-13)
    assert es.notes == ()


def test_each_row_takes_what_it_has() -> None:
    es = published(
        "MD",
        estimate=[-3.0, -3.0, -3.0, -3.0],
        se=[1.5, None, None, None],
        ci_low=[None, -6.0, None, -6.0],
        ci_high=[None, 0.0, None, 0.0],
        p_value=[None, None, 0.04, 0.9],
        study=list("abcd"),
    )
    from_ci = 3.0 / 1.959963984540054
    assert es.sei == pytest.approx([1.5, from_ci, 3.0 / 2.0537489106318225, from_ci], rel=1e-12)
    assert codes(es) == ["spread-from-p"]
    assert es.notes[0].text.endswith(": c.")


def test_another_level() -> None:
    es = published("MD", estimate=[1], ci_low=[0], ci_high=[2], level=0.90)
    assert es.sei[0] == pytest.approx(1.0 / 1.6448536269514722, rel=1e-13)
    with pytest.raises(InputError, match="level of 95"):
        published("MD", estimate=[1], ci_low=[0], ci_high=[2], level=95)


def test_the_standard_error_of_a_ratio_is_that_of_its_logarithm() -> None:
    es = published("RR", estimate=[0.5], se=[0.2])
    assert (es.yi[0], es.sei[0]) == (math.log(0.5), pytest.approx(0.2, rel=1e-15))


@pytest.mark.parametrize(
    ("measure", "row", "message"),
    [
        ("RR", {"estimate": -0.3, "se": 0.1}, r"risk ratio of -0.3 \(study x, column estimate\)"),
        ("OR", {"estimate": 0.7, "ci_low": -0.5, "ci_high": 0.9}, "odds ratio of -0.5"),
        ("MD", {"estimate": 5, "ci_low": 1, "ci_high": 4}, "5 outside its interval, 1 to 4"),
        ("MD", {"estimate": 2, "ci_low": 4, "ci_high": 1}, "interval from 4 to 1"),
        ("MD", {"estimate": 2, "ci_low": 2, "ci_high": 2}, "interval from 2 to 2"),
        ("MD", {"estimate": 2, "ci_low": 1}, "one confidence limit"),
        ("MD", {"estimate": 2}, "without a spread"),
        ("MD", {"estimate": 2, "se": 0}, "standard error of 0"),
        ("MD", {"estimate": 2, "p_value": 0}, "p value of 0"),
        ("RR", {"estimate": 1, "p_value": 0.5}, "no difference at all"),
        ("MD", {"estimate": None, "se": 1}, "missing value"),
    ],
)
def test_what_cannot_be_is_refused(
    measure: str, row: dict[str, float | None], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        published(measure, study=["x"], **{k: [v] for k, v in row.items()})  # type: ignore[arg-type]


def test_unknown_measure() -> None:
    with pytest.raises(UnknownNameError, match="measure 'RRR'"):
        published("RRR", estimate=[1], se=[1])


@pytest.mark.parametrize(
    ("measure", "row", "odd"),
    [
        ("RR", (0.60, 0.11, 1.09), True),  # symmetric as printed: not the interval of a ratio
        ("RR", (0.10, 0.04, 0.26), False),
        ("RR", (0.98, 0.97, 1.00), False),  # rounding alone
        ("RR", (0.45, 0.18, 1.13), False),
        ("MD", (-4.7, -4.9, -4.5), False),
        ("MD", (2.0, 1.9, 8.1), True),
        ("OR", (1.70, 0.30, 3.10), True),
    ],
)
def test_an_interval_that_is_not_round_its_estimate(
    measure: str, row: tuple[float, float, float], odd: bool
) -> None:
    es = published(measure, estimate=[row[0]], ci_low=[row[1]], ci_high=[row[2]], study=["x"])
    assert codes(es) == (["asymmetric-interval"] if odd else [])


def test_a_standard_error_and_an_interval_that_differ() -> None:
    es = published("MD", estimate=[2.0], se=[3.0], ci_low=[0.04], ci_high=[3.96])
    assert codes(es) == ["se-and-interval-differ"]
    assert es.sei[0] == 3.0
    es = published("MD", estimate=[2.0], se=[1.0], ci_low=[0.0], ci_high=[4.0])
    assert codes(es) == []


@given(st.floats(-3, 3), st.floats(0.01, 3), st.sampled_from(["RR", "OR", "MD", "SMD", "RD"]))
def test_printing_and_reading_back(y: float, se: float, measure: str) -> None:
    low, high = y - 1.959963984540054 * se, y + 1.959963984540054 * se
    printed = [math.exp(x) if measure in ("RR", "OR") else x for x in (y, low, high)]
    es = published(measure, estimate=[printed[0]], ci_low=[printed[1]], ci_high=[printed[2]])
    assert es.yi[0] == pytest.approx(y, abs=1e-12)
    assert es.sei[0] == pytest.approx(se, rel=1e-9)
    assert es.notes == ()


def test_labels_and_people_are_kept() -> None:
    es = published(
        "MD", estimate=[1], se=[1], study=["x"], treat1=["A+B"], treat2=["B"], n1=[10], n2=[None]
    )
    assert (es.study, es.treat1, es.treat2, es.n1[0]) == (("x",), ("A+B",), ("B",), 10.0)
    assert np.isnan(es.n2[0])
