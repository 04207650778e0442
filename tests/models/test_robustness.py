"""Refits on parts of the trials, and influence: laws, refusals, and what a reader sees."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts, effect_sizes
from equipoise.models.influence import Influence, baujat, influence
from equipoise.models.pairwise import pairwise
from equipoise.models.robustness import Refits, cumulative, leave_one_out

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
YI = [-0.89, -1.59, -1.35, -1.44, -0.22, -0.79, -1.62, 0.01, -0.47, -1.37, -0.34, 0.45, -0.02]
VI = [0.326, 0.195, 0.415, 0.020, 0.051, 0.007, 0.223, 0.004, 0.056, 0.073, 0.012, 0.533, 0.071]
YEARS = [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976]


@pytest.fixture
def es() -> Contrasts:
    return contrasts(
        yi=YI, vi=VI, measure="RR", study=[f"T{year}-{i}" for i, year in enumerate(YEARS)]
    )


trials = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(0.01, 4)),
    min_size=3,
    max_size=8,
    unique_by=lambda t: t[0],
)


def test_each_row_is_the_analysis_without_that_trial(es: Contrasts) -> None:
    fit = pairwise(es, interval="HK")
    found = leave_one_out(fit)
    for i in range(fit.k):
        rest = pairwise(es.take([j for j in range(fit.k) if j != i]), interval="HK")
        assert found.estimate[i] == rest.estimate
        assert (found.ci_low[i], found.ci_high[i]) == (rest.ci.low, rest.ci.high)
        assert found.tau2[i] == rest.tau2
        assert found.q[i] == rest.q
    assert found.label == fit.study
    assert set(found.k.tolist()) == {fit.k - 1}


def test_the_rule_auto_decides_anew_for_each_row() -> None:
    es = contrasts(yi=[0.1, 0.1, 0.1, 2.0], vi=[0.04, 0.05, 0.06, 0.04], measure="MD")
    fit = pairwise(es)
    assert fit.interval == "HK"
    found = leave_one_out(fit)
    alike = pairwise(es.take([0, 1, 2]))
    assert alike.interval == "Wald"
    assert found.ci_low[3] == alike.ci.low


def test_the_last_of_the_cumulative_rows_is_the_whole(es: Contrasts) -> None:
    found = cumulative(es, order=YEARS)
    fit = pairwise(es)
    assert found.estimate[-1] == pytest.approx(fit.estimate, rel=1e-12)
    assert found.ci_high[-1] == pytest.approx(fit.ci.high, rel=1e-12)
    assert found.k.tolist() == list(range(1, 14))
    assert found.label[0] == "T1948-0"
    assert found.label[-1] == "T1980-7"
    assert found.estimate[0] == YI[0]
    assert any(note.code == "repeated-looks" for note in found.notes)


def test_orders_of_the_cumulative_synthesis(es: Contrasts) -> None:
    assert cumulative(es).label == es.study
    by_precision = cumulative(es, order="precision")
    assert by_precision.label[0] == es.study[int(np.argmin(VI))]
    backwards = cumulative(es, order=YEARS, descending=True)
    assert backwards.label[0] == "T1980-7"
    fit = pairwise(es, tau2="DL", interval="Wald")
    assert cumulative(fit, order=YEARS).estimate[-1] == pytest.approx(fit.estimate, rel=1e-12)


def test_rows_without_an_estimate_keep_the_order_of_the_others() -> None:
    es = Contrasts("MD", ("a", "b", "c"), np.array([1.0, math.nan, 3.0]), np.ones(3))
    found = cumulative(es, order=[2003, 2002, 2001])
    assert found.label == ("c", "a")


def test_a_conclusion_that_rests_on_one_trial_is_said() -> None:
    es = contrasts(
        yi=[-2.0, -0.1, 0.1, -0.05], vi=[0.01, 0.05, 0.05, 0.05], measure="MD", study=list("abcd")
    )
    fit = pairwise(es, model="common")
    found = leave_one_out(fit)
    assert found.flips.tolist() == [True, False, False, False]
    assert [note.code for note in found.notes] == ["rests-on"]
    assert "a." in found.notes[0].text
    assert "another conclusion" in found.summary()
    assert "1 of 4 with another conclusion" in repr(found)


@settings(max_examples=25, deadline=None)
@given(trials, st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(
    rows: list[tuple[float, float]], random: object
) -> None:
    mixed = list(range(len(rows)))
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one = _es(rows)
    other = one.take(mixed)
    a, b = leave_one_out(pairwise(one)), leave_one_out(pairwise(other))
    assert b.estimate == pytest.approx(a.estimate[mixed], rel=1e-9, abs=1e-12)
    x, y = influence(pairwise(one)), influence(pairwise(other))
    assert y.studentised == pytest.approx(x.studentised[mixed], rel=1e-7, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(trials, st.sampled_from([1e-6, 0.25, 1e5]), st.sampled_from([-1e3, 0.0, 7.0]))
def test_units_and_place_do_not_matter(
    rows: list[tuple[float, float]], scale: float, shift: float
) -> None:
    one = influence(pairwise(_es(rows)))
    other = influence(pairwise(_es([(scale * y + shift, scale**2 * v) for y, v in rows])))
    for name in ("studentised", "dffits", "cook", "cov_ratio", "hat", "dfbetas", "standardised"):
        expected = getattr(one, name)
        assert getattr(other, name) == pytest.approx(expected, rel=1e-4, abs=1e-5), name
    assert other.blup - shift == pytest.approx(scale * one.blup, rel=1e-5, abs=1e-5 * scale + 1e-9)


@settings(max_examples=25, deadline=None)
@given(trials)
def test_swapped_groups_change_signs_only(rows: list[tuple[float, float]]) -> None:
    one = influence(pairwise(_es(rows)))
    other = influence(pairwise(_es([(-y, v) for y, v in rows])))
    assert other.studentised == pytest.approx(-one.studentised, rel=1e-9, abs=1e-12)
    assert other.cook == pytest.approx(one.cook, rel=1e-9, abs=1e-12)
    assert other.influential.tolist() == one.influential.tolist()


def _es(rows: list[tuple[float, float]]) -> Contrasts:
    return contrasts(yi=[y for y, _ in rows], vi=[v for _, v in rows], measure="MD")


def test_without_heterogeneity_leverages_are_shares_of_precision() -> None:
    es = contrasts(yi=[1.0, 1.1, 0.9], vi=[1.0, 2.0, 4.0], measure="MD")
    found = influence(pairwise(es, model="common"))
    assert found.hat == pytest.approx(np.array([4, 2, 1]) / 7)
    assert found.blup == pytest.approx([pairwise(es, model="common").estimate] * 3)


def test_equal_weights_as_in_metafor() -> None:
    # dat.bcg, log risk ratio, DerSimonian and Laird, weighted = FALSE; metafor 3.8-1.
    values = json.loads((VALUES / "robustness.json").read_text("utf-8"))["sets"]["bcg"]
    es = contrasts(yi=values["yi"], vi=values["vi"], measure="RR")
    found = influence(pairwise(es, tau2="DL", weighted=False))
    expected = [-0.0655048488273, -0.3771992613373, -0.2687053381201, -0.3464329047796]
    assert found.dfbetas[:4] == pytest.approx(expected, rel=1e-9)
    assert found.dffits[:4] == pytest.approx(expected, rel=1e-9)
    assert found.cook[:2] == pytest.approx([0.004322597597971, 0.139571045056716], rel=1e-9)
    assert found.standardised[:2] == pytest.approx([-0.1965173432161, -1.2435954964894], rel=1e-9)


def test_a_planted_outlier_is_found(es: Contrasts) -> None:
    rows = contrasts(
        yi=[0.1, 0.0, -0.1, 0.05, 5.0], vi=[0.1] * 5, measure="SMD", study=list("abcde")
    )
    found = influence(pairwise(rows))
    assert found.stands_out.tolist() == [False] * 4 + [True]
    assert found.influential[4]
    assert "e" in repr(found)
    assert {note.code for note in found.notes} == {"outliers", "influential"}
    assert baujat(pairwise(rows)).heterogeneity.argmax() == 4


def test_one_trial_is_refused() -> None:
    fit = pairwise(contrasts(yi=[1.0], vi=[1.0], measure="MD"))
    for function in (leave_one_out, influence, baujat):
        with pytest.raises(InputError, match="leaves none"):
            function(fit)
    assert len(cumulative(fit)) == 1


def test_two_trials() -> None:
    fit = pairwise(contrasts(yi=[0.0, 1.0], vi=[1.0, 2.0], measure="MD"))
    assert leave_one_out(fit).estimate.tolist() == [1.0, 0.0]
    assert leave_one_out(fit).k.tolist() == [1, 1]
    assert "one trial" in leave_one_out(fit).summary()
    assert np.isfinite(influence(fit).studentised).all()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([1, 2], "2 values of order for 13 rows"),
        ([1, "x", *range(11)], "cannot sort int and str"),
        ([math.nan, *range(12)], "study T1948-0"),
        ([None, *range(12)], "no value to sort by"),
    ],
)
def test_an_order_that_cannot_be(es: Contrasts, order: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cumulative(es, order=order)


def test_unknown_orders_and_settings_with_a_fit_are_refused(es: Contrasts) -> None:
    with pytest.raises(UnknownNameError, match="precision"):
        cumulative(es, order="precison")
    with pytest.raises(InputError, match="its own settings"):
        cumulative(pairwise(es), tau2="DL")


def test_results_survive_json_and_become_frames(es: Contrasts) -> None:
    fit = pairwise(es)
    for result in (leave_one_out(fit), cumulative(es, order=YEARS)):
        again = Refits.from_dict(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert len(result.to_frame("pandas")) == 13
        assert "<table" in result._repr_html_()
    found = influence(fit)
    again_ = Influence.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again_.to_dict() == found.to_dict()
    assert "studentised" in found.to_frame("polars").columns
    assert len(baujat(fit).to_frame("pandas")) == 13


def test_a_ratio_is_shown_as_a_ratio() -> None:
    es = effect_sizes(
        "RR", events1=[4, 6, 3], n1=[123, 306, 231], events2=[11, 29, 11], n2=[139, 303, 220]
    )
    text = leave_one_out(pairwise(es)).summary()
    assert "risk ratio" in text
    assert "0.2" in text
    assert not any(sign in text.splitlines()[4] for sign in "-−")
