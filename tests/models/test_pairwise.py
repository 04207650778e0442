"""The pairwise synthesis: its invariants, its rule for intervals, its notes, and its refusals."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Note
from equipoise.effects.contrasts import Contrasts, LeftOut, contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.heterogeneity import ESTIMATORS
from equipoise.models.intervals import INTERVALS, bounds_text, shown
from equipoise.models.pairwise import PRESETS, PairwiseFit, pairwise
from equipoise.num.dist import t_quantile

Rows = list[tuple[float, float]]

# Dyadic numbers, so that shifts and factors of two lose no digit.
estimates = st.integers(-4096, 4096).map(lambda i: i / 1024.0)
variances = st.integers(8, 4096).map(lambda i: i / 1024.0)


def trials(least: int = 1, most: int = 8) -> st.SearchStrategy[Rows]:
    return st.lists(
        st.tuples(estimates, variances), min_size=least, max_size=most, unique_by=lambda row: row[1]
    )


def given_rows(rows: Rows, measure: str = "MD", study: list[str] | None = None) -> Contrasts:
    return contrasts(
        yi=[y for y, _ in rows],
        vi=[v for _, v in rows],
        study=study or [f"trial {i}" for i in range(len(rows))],
        measure=measure,
    )


def codes(fit: PairwiseFit) -> set[str]:
    return {note.code for note in fit.notes}


def note(fit: PairwiseFit, code: str) -> str:
    return next(n.text for n in fit.notes if n.code == code)


def seen(fit: PairwiseFit) -> str:
    return bounds_text(measure_of(fit.measure), fit.ci)


FOUR = [(0.10, 0.01), (0.35, 0.02), (0.62, 0.015), (-0.20, 0.03)]
AGREEING = [(0.20, 0.04), (0.22, 0.05), (0.19, 0.06), (0.21, 0.03)]


# What never matters


@given(trials(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_the_trials_never_matters(rows: Rows, random: object) -> None:
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, two = pairwise(given_rows(rows)), pairwise(given_rows(mixed))
    for name in ("estimate", "se", "ci", "tau2", "tau2_ci", "i2", "q", "pi", "p_value"):
        assert getattr(one, name) == getattr(two, name)
    assert sorted(one.weights) == sorted(two.weights)


@given(trials())
@settings(max_examples=60)
def test_swapping_the_groups_turns_the_signs(rows: Rows) -> None:
    one = pairwise(given_rows(rows))
    two = pairwise(given_rows([(-y, v) for y, v in rows]))
    assert two.estimate == -one.estimate
    assert (two.ci.low, two.ci.high) == (-one.ci.high, -one.ci.low)
    assert (two.tau2, two.i2, two.q, two.p_value) == (one.tau2, one.i2, one.q, one.p_value)


@given(trials(), st.sampled_from([1e6, -(2.0**20), 0.5]))
@settings(max_examples=60)
def test_a_shift_of_all_estimates_shifts_the_mean_alone(rows: Rows, shift: float) -> None:
    one = pairwise(given_rows(rows))
    two = pairwise(given_rows([(y + shift, v) for y, v in rows]))
    assert two.estimate - shift == pytest.approx(one.estimate, abs=1e-9)
    assert two.se == one.se
    assert (two.tau2, two.i2, two.q) == (one.tau2, one.i2, one.q)


@given(trials(), st.integers(-30, 30))
@settings(max_examples=60)
def test_units_never_matter(rows: Rows, power: int) -> None:
    factor = 2.0**power
    one = pairwise(given_rows(rows))
    two = pairwise(given_rows([(y * factor, v * factor**2) for y, v in rows]))
    assert two.estimate == one.estimate * factor
    assert two.ci.low == pytest.approx(one.ci.low * factor, rel=1e-12)
    assert two.tau2 == one.tau2 * factor**2
    assert (two.i2, two.q, two.p_value) == (one.i2, one.q, one.p_value)
    assert two.weights.tolist() == one.weights.tolist()


@given(trials(1, 5), st.sampled_from([1e-12, 1e-3, 1e3, 1e12]))
@settings(max_examples=40)
def test_extreme_variances_give_finite_results_of_the_same_shape(rows: Rows, unit: float) -> None:
    one = pairwise(given_rows(rows))
    two = pairwise(given_rows([(y * math.sqrt(unit), v * unit) for y, v in rows]))
    assert two.i2 == pytest.approx(one.i2, rel=1e-8, abs=1e-6)
    assert two.se == pytest.approx(one.se * math.sqrt(unit), rel=1e-8)
    assert two.interval == one.interval


@given(trials(2, 5))
@settings(max_examples=40)
def test_every_trial_twice_leaves_the_common_effect_and_halves_its_variance(rows: Rows) -> None:
    twice = given_rows(rows * 2, study=[f"{half}{i}" for half in "ab" for i in range(len(rows))])
    one, two = pairwise(given_rows(rows), model="common"), pairwise(twice, model="common")
    assert two.estimate == pytest.approx(one.estimate, rel=1e-12, abs=1e-12)
    assert two.se**2 == pytest.approx(one.se**2 / 2, rel=1e-12)
    assert (one.tau2, two.tau2) == (0.0, 0.0)
    assert two.q == pytest.approx(2 * one.q, rel=1e-9, abs=1e-9)
    assert "identical-rows" in codes(two)


@given(trials(2, 6), st.sampled_from(list(ESTIMATORS)))
@settings(max_examples=60)
def test_without_heterogeneity_random_and_common_effects_meet(rows: Rows, tau2: str) -> None:
    mean = rows[0][0]
    agreeing = [(mean + y / 4096.0, v) for y, v in rows]
    random = pairwise(given_rows(agreeing), tau2=tau2)
    common = pairwise(given_rows(agreeing), model="common")
    assert random.tau2 == 0.0
    assert (random.estimate, random.se, random.ci) == (common.estimate, common.se, common.ci)
    assert random.weights.tolist() == common.weights.tolist()


@given(trials())
def test_weights_add_up_and_follow_precision(rows: Rows) -> None:
    fit = pairwise(given_rows(rows))
    assert fit.weights.sum() == pytest.approx(100.0)
    assert np.argmax(fit.weights) == np.argmin([v for _, v in rows])
    assert fit.estimate == pytest.approx(float(fit.weights @ fit.yi) / 100.0, abs=1e-12)


# The rule for the interval


def test_hartung_knapp_is_shown_without_remark_where_it_is_wider() -> None:
    fit = pairwise(given_rows(FOUR))
    assert fit.interval == "HK"
    assert fit.df == 3.0
    assert "hk-guarded" not in codes(fit)
    assert fit.ci.method == "Hartung–Knapp, t with 3 df"
    assert {ci.method.split(",")[0] for ci in fit.other_cis} == {"Wald", "guarded Hartung–Knapp"}


def test_two_trials_get_wald_and_a_note_with_both_intervals() -> None:
    fit = pairwise(given_rows([(1.0, 0.04), (2.0, 0.05)]))
    assert fit.tau2 > 0.0
    assert fit.interval == "Wald"
    assert math.isinf(fit.df)
    wide = pairwise(given_rows([(1.0, 0.04), (2.0, 0.05)]), interval="HK")
    text = note(fit, "wald-two-trials")
    assert f"{seen(fit)} is shown" in text
    assert f"Hartung–Knapp {seen(wide)}" in text
    assert "They disagree" in text
    assert fit.pi is None


def test_no_heterogeneity_gets_wald_and_a_note_with_all_intervals() -> None:
    fit = pairwise(given_rows(AGREEING, "RR"))
    assert (fit.tau2, fit.interval) == (0.0, "Wald")
    text = note(fit, "wald-no-heterogeneity")
    for code in ("Wald", "HK", "HK-guarded"):
        assert seen(pairwise(given_rows(AGREEING, "RR"), interval=code)) in text
    # Hartung–Knapp alone excludes no difference here: the reader is told.
    assert "They disagree" in text


def narrow_but_heterogeneous() -> Rows:
    """Rows with tau² above 0 whose Hartung–Knapp interval is narrower than Wald."""
    rng = np.random.default_rng(3)
    for _ in range(500):
        v = rng.uniform(0.01, 1.0, 12)
        rows = list(zip(rng.normal(0.3, np.sqrt(v + 0.01)).tolist(), v.tolist(), strict=True))
        hk = pairwise(given_rows(rows), interval="HK")
        wald = pairwise(given_rows(rows), interval="Wald")
        if hk.tau2 > 0.0 and hk.ci.high - hk.ci.low < wald.ci.high - wald.ci.low:
            return rows
    raise AssertionError("no such rows")


def test_the_guard_is_applied_where_hartung_knapp_is_narrower_and_says_so() -> None:
    rows = narrow_but_heterogeneous()
    fit = pairwise(given_rows(rows))
    hk = pairwise(given_rows(rows), interval="HK")
    wald = pairwise(given_rows(rows), interval="Wald")
    assert fit.interval == "HK-guarded"
    assert fit.ci.high - fit.ci.low > wald.ci.high - wald.ci.low
    assert fit.se == fit.se_wald == wald.se > hk.se
    text = note(fit, "hk-guarded")
    assert len({seen(fit), seen(hk), seen(wald)}) == 3
    assert all(seen(each) in text for each in (fit, hk, wald))


@given(trials(2, 8))
@settings(max_examples=60)
def test_the_guarded_interval_is_never_inside_either_of_the_two_it_guards(rows: Rows) -> None:
    fits = {c: pairwise(given_rows(rows), interval=c) for c in INTERVALS}
    widths = {c: fit.ci.high - fit.ci.low for c, fit in fits.items()}
    assert widths["HK-guarded"] >= widths["HK"] * (1 - 1e-12)
    assert widths["HK-guarded"] >= widths["t"] * (1 - 1e-12)
    assert widths["t"] > widths["Wald"]
    assert len({fit.estimate for fit in fits.values()}) == 1
    auto = pairwise(given_rows(rows))
    assert auto.ci == fits[auto.interval].ci
    assert auto.ci.high - auto.ci.low >= widths["Wald"] * (1 - 1e-12)


def test_an_interval_the_reader_names_is_the_one_shown() -> None:
    for code in INTERVALS:
        fit = pairwise(given_rows(AGREEING), interval=code)
        assert fit.interval == code
        assert not codes(fit) & {"wald-no-heterogeneity", "hk-guarded", "wald-two-trials"}


def test_a_hartung_knapp_interval_of_equal_estimates_has_no_width() -> None:
    fit = pairwise(given_rows([(0.5, 0.1), (0.5, 0.2), (0.5, 0.4)]), interval="HK")
    assert fit.ci.low == fit.ci.high == 0.5
    assert (fit.se, fit.statistic, fit.p_value) == (0.0, math.inf, 0.0)
    assert "tau2-interval-empty" in codes(fit)
    zero = pairwise(given_rows([(0.0, 0.1), (0.0, 0.2), (0.0, 0.4)]), interval="HK")
    assert math.isnan(zero.statistic)
    assert math.isnan(zero.p_value)
    assert "p not estimable" in zero.summary()


# Few trials


def test_one_trial_is_its_own_result() -> None:
    fit = pairwise(given_rows([(0.3, 0.04)]))
    assert (fit.k, fit.estimate, fit.se) == (1, 0.3, pytest.approx(0.2))
    assert (fit.tau2, fit.i2, fit.h2, fit.q, fit.q_df, fit.q_p) == (0.0, 0.0, 1.0, 0.0, 0, 1.0)
    assert (fit.tau2_ci, fit.i2_ci, fit.pi) == (None, None, None)
    assert fit.interval == "Wald"
    assert "One trial" in note(fit, "one-trial")
    assert "one trial" in fit.summary()
    hk = pairwise(given_rows([(0.3, 0.04)]), interval="HK")
    assert (hk.interval, hk.ci) == ("Wald", fit.ci)
    assert "one-trial-interval" in codes(hk)


@pytest.mark.parametrize(
    ("k", "text"),
    [
        (2, "With 2 trials, tau² is hardly known."),
        (3, "With 3 trials, tau² and the prediction interval are hardly known."),
        (4, "With 4 trials, tau² and the prediction interval are hardly known."),
        (5, "With 5 trials, the prediction interval is itself uncertain."),
        (9, "With 9 trials, the prediction interval is itself uncertain."),
    ],
)
def test_few_trials_are_remarked_on(k: int, text: str) -> None:
    fit = pairwise(given_rows([(0.1 * i, 0.01) for i in range(k)]))
    assert note(fit, "few-trials") == text
    ten = pairwise(given_rows([(0.1 * i, 0.01) for i in range(10)]))
    assert "few-trials" not in codes(ten)


@pytest.mark.parametrize(
    ("code", "least", "lost"), [("t", 3, 1), ("V", 3, 1), ("HTS", 3, 2), ("metafor", 2, 1)]
)
def test_prediction_intervals_start_where_they_mean_something(
    code: str, least: int, lost: int
) -> None:
    for k in range(1, 5):
        rows = [(0.3 * i, 0.01 * (i + 1)) for i in range(k)]
        fit = pairwise(given_rows(rows), interval="HK", pi=code)
        assert (fit.pi is None) is (k < least)
        if fit.pi is not None:
            se = fit.se_wald if code in ("V", "HTS") else fit.se
            half = t_quantile(0.975, k - lost) * math.sqrt(fit.tau2 + se**2)
            assert fit.pi.high - fit.estimate == pytest.approx(half, rel=1e-12)
            assert f"t with {k - lost} df" in fit.pi.method


@given(trials(3, 8), st.sampled_from(["t", "V", "HTS", "S", "KR", "metafor"]))
@settings(max_examples=40)
def test_a_prediction_interval_holds_the_wald_interval(rows: Rows, code: str) -> None:
    fit = pairwise(given_rows(rows), interval="Wald", pi=code)
    assert fit.pi is not None
    assert fit.pi.low <= fit.ci.low <= fit.ci.high <= fit.pi.high


# The common effect


def test_a_common_effect_has_no_tau2_and_no_prediction() -> None:
    fit = pairwise(given_rows(FOUR), model="common")
    assert (fit.tau2, fit.tau2_ci, fit.pi) == (0.0, None, None)
    assert fit.i2_ci is not None
    assert fit.h2_ci is not None
    assert fit.i2_ci == pairwise(given_rows(FOUR), model="common", i2="Q").i2_ci
    assert fit.i2 == pytest.approx(100.0 * (fit.q - 3) / fit.q)
    assert fit.h2 == pytest.approx(fit.q / 3)
    assert fit.interval == "Wald"
    assert "Common-effect synthesis of 4 trials" in fit.summary()
    assert all("tau²" not in method.name for method in fit.methods)


@pytest.mark.parametrize("code", ["HK", "HK-guarded"])
def test_hartung_knapp_with_a_common_effect_is_refused(code: str) -> None:
    with pytest.raises(InputError, match="common effect"):
        pairwise(given_rows(FOUR), model="common", interval=code)


# Presets


def test_presets_are_the_settings_they_name() -> None:
    es = given_rows(FOUR)
    for name, settings_ in PRESETS.items():
        assert pairwise(es, preset=name).estimate == pairwise(es, **settings_).estimate
        assert pairwise(es, preset=name).ci == pairwise(es, **settings_).ci
    assert pairwise(es).preset == "cochrane-2025"
    metafor = pairwise(es, preset="metafor")
    assert metafor.interval == "Wald"
    assert metafor.pi is not None
    assert metafor.pi.method.startswith("metafor: normal")


def test_what_is_given_wins_over_the_preset() -> None:
    fit = pairwise(given_rows(FOUR), preset="metafor", tau2="DL", interval="HK")
    assert (fit.tau2_method, fit.interval) == ("DL", "HK")
    assert fit.pi is not None
    assert fit.pi.method.startswith("metafor: t with 3 df")


@pytest.mark.parametrize(
    ("argument", "name", "nearest"),
    [
        ("model", "Random", "'random'"),
        ("tau2", "REMl", "'REML'"),
        ("interval", "wald", "'Wald'"),
        ("pi", "hts", "'HTS'"),
        ("preset", "cochrane", "'cochrane-2025'"),
    ],
)
def test_unknown_names_offer_the_nearest(argument: str, name: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=nearest):
        pairwise(given_rows(FOUR), **{argument: name})  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_a_level_outside_zero_to_one_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="level"):
        pairwise(given_rows(FOUR), level=level)


# Rows that cannot or should not be pooled


def bare(yi: list[float], vi: list[float], **more: object) -> Contrasts:
    """Contrasts past the checks of their makers."""
    k = len(yi)
    values: dict[str, object] = {
        "measure": "MD",
        "study": tuple(f"trial {i}" for i in range(k)),
        "yi": np.array(yi),
        "vi": np.array(vi),
        "treat1": ("a",) * k,
        "treat2": ("b",) * k,
        "n1": np.full(k, math.nan),
        "n2": np.full(k, math.nan),
    }
    return Contrasts(**(values | more))  # type: ignore[arg-type]


def test_rows_without_a_number_are_left_out_and_named() -> None:
    es = bare([0.1, math.nan, 0.3, 0.2], [0.01, 0.01, math.nan, 0.02])
    fit = pairwise(es)
    assert fit.k == 2
    assert fit.study == ("trial 0", "trial 3")
    assert fit.left_out == (LeftOut("trial 1", "no estimate"), LeftOut("trial 2", "no variance"))
    assert "trial 1 (no estimate), trial 2 (no variance)" in note(fit, "left-out")
    assert "Left out: trial 1 (no estimate)" in fit.summary()
    only = pairwise(bare([0.1, 0.2], [0.01, 0.02], study=("trial 0", "trial 3")))
    assert (fit.estimate, fit.ci) == (only.estimate, only.ci)


def test_what_the_contrasts_left_out_and_noted_stays_known() -> None:
    before = LeftOut("Dunn", "no group to compare with")
    said = Note("zero-cells", "Half an event was added.")
    fit = pairwise(bare([0.1, 0.2], [0.01, math.nan], left_out=(before,), notes=(said,)))
    assert fit.left_out == (before, LeftOut("trial 1", "no variance"))
    assert fit.notes[0] == said
    again = PairwiseFit.from_dict(fit.to_dict())
    assert again.left_out == fit.left_out


def test_nothing_to_pool_is_refused() -> None:
    with pytest.raises(NotEstimableError, match="no trial has an estimate"):
        pairwise(bare([math.nan], [0.1]))


@pytest.mark.parametrize("v", [0.0, -0.1])
def test_a_variance_that_is_not_above_zero_names_the_trial(v: float) -> None:
    with pytest.raises(InputError, match=r"trial 1"):
        pairwise(bare([0.1, 0.2], [0.01, v]))


def test_comparisons_that_share_a_group_are_refused_with_the_remedy() -> None:
    es = bare(
        [0.1, 0.2, 0.3],
        [0.02, 0.02, 0.02],
        study=("Ames", "Ames", "Bose"),
        cov_i=np.array([0]),
        cov_j=np.array([1]),
        cov=np.array([0.01]),
    )
    with pytest.raises(InputError, match=r"Ames.*combine the groups.*components"):
        pairwise(es)


def test_a_study_that_appears_twice_is_remarked_on() -> None:
    fit = pairwise(given_rows(FOUR, study=["Ames", "Bose", "Ames", "Cole"]))
    assert fit.k == 4
    assert "Ames" in note(fit, "repeated-study")
    assert "Bose" not in note(fit, "repeated-study")


def test_a_trial_entered_under_two_names_is_remarked_on() -> None:
    fit = pairwise(given_rows([*FOUR, FOUR[0]], study=["A", "B", "C", "D", "E"]))
    assert "A, E" in note(fit, "identical-rows")
    assert "identical-rows" not in codes(pairwise(given_rows(FOUR)))


def test_several_optima_are_remarked_on() -> None:
    rows = [(0.0, 0.001), (0.02, 0.001), (1.6, 0.3), (-1.8, 0.3), (2.0, 0.3)]
    found = []
    for factor in np.linspace(0.2, 1.5, 40):
        fit = pairwise(given_rows([(y * factor, v) for y, v in rows]))
        found.append(fit.n_optima)
        assert ("several-optima" in codes(fit)) is (fit.n_optima > 1)
    assert max(found) == 2


# What a reader gets


@pytest.mark.parametrize(
    ("measure", "low", "high", "expected"),
    [
        ("RR", math.log(0.344), math.log(0.696), "0.34 to 0.70"),
        ("SMD", -0.5, 0.25, "−0.50 to 0.25"),
        ("MD", -12.34, 3.21, "−12.3 to 3.2"),
        ("MD", 0.01234, 0.05678, "0.012 to 0.057"),
        ("RD", -0.0042, 0.0004, "−0.0042 to 0.0004"),
        ("GEN", 5.0, 5.0, "5.0 to 5.0"),
        ("GEN", -math.inf, math.inf, "−infinity to infinity"),
    ],
)
def test_bounds_show_what_their_width_calls_for(
    measure: str, low: float, high: float, expected: str
) -> None:
    assert bounds_text(measure_of(measure), Interval(low, high)) == expected


def test_a_value_has_the_digits_of_its_interval() -> None:
    assert shown(measure_of("MD"), 0.0345, Interval(0.01, 0.05)) == ("0.035", "0.010 to 0.050")


def test_ratios_come_back_from_the_log_scale() -> None:
    fit = pairwise(given_rows(FOUR, "OR"))
    back = fit.back()
    assert back.estimate == pytest.approx(math.exp(fit.estimate))
    assert back.ci.low == pytest.approx(math.exp(fit.ci.low))
    assert back.pi is not None
    assert fit.pi is not None
    assert back.pi.high == pytest.approx(math.exp(fit.pi.high))
    same = pairwise(given_rows(FOUR, "MD"))
    assert same.back().estimate == same.estimate


def test_the_summary_reads_in_order() -> None:
    text = pairwise(given_rows(FOUR, "RR")).summary()
    wanted = [
        "Random-effects synthesis of 4 trials, risk ratio",
        "tau² ",
        "I² ",
        "Q ",
        "risk ratio ",
        "t ",
        "95% prediction interval ",
        "Note: ",
    ]
    lines = iter(text.splitlines())
    assert all(any(line.startswith(start) for line in lines) for start in wanted), text


def test_the_repr_is_one_line_with_the_finding() -> None:
    fit = pairwise(given_rows(FOUR, "RR"))
    text = repr(fit)
    assert "\n" not in text
    shown = f"RR {fit.back().estimate:.2f} (95% CI {fit.back().ci.low:.2f} to"
    assert shown in text
    assert "k = 4" in text


def test_the_html_escapes_what_people_typed() -> None:
    fit = pairwise(bare([0.1, math.nan], [0.01, 0.1], study=("a", "<b>")))
    html = fit._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


@given(trials(1, 6), st.sampled_from(["random", "common"]))
@settings(max_examples=40)
def test_a_fit_survives_json(rows: Rows, model: str) -> None:
    fit = pairwise(given_rows(rows), model=model)
    text = json.dumps(fit.to_dict(), allow_nan=False)
    again = PairwiseFit.from_dict(json.loads(text))
    assert again.to_dict() == fit.to_dict()
    assert again.summary() == fit.summary()


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_the_frame_has_one_row_for_each_trial(backend: str) -> None:
    frame = pairwise(given_rows(FOUR)).to_frame(backend)
    assert list(frame.columns) == ["study", "yi", "vi", "sei", "weight"]
    assert len(frame) == 4
    assert list(frame["yi"]) == [y for y, _ in FOUR]


def test_arrays_of_a_fit_are_read_only() -> None:
    fit = pairwise(given_rows(FOUR))
    for array in (fit.yi, fit.vi, fit.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_methods_name_their_papers() -> None:
    names = [method.name for method in pairwise(given_rows(FOUR)).methods]
    assert any("restricted maximum likelihood" in name for name in names)
    assert any("Hartung–Knapp" in name for name in names)
    assert any("Q-profile" in name for name in names)
    assert any("prediction interval" in name for name in names)
    assert len(names) == len(set(names))


def test_importing_it_stays_clear_of_the_slow_parts_of_scipy() -> None:
    code = (
        "import sys, equipoise.models.pairwise; "
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'scipy.linalg', 'pandas', 'narwhals')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
