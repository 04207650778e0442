"""Which rows of a trial count, and that nothing is dropped in silence."""

from dataclasses import replace

import pytest

from equipoise.review.collect import collect, counted_arms, model_parts


def data(bench, outcome="pain"):
    return collect(bench.review(), outcome)


def two_arms(bench, **kw):
    return bench.trial("t1", {"x": ["active"], "c": ["sham"]}, **kw)


def test_model_components_are_what_the_parts_count_as(bench):
    review = two_arms(bench).review()
    assert model_parts(review, ("active", "usual")) == {"solution", "injection"}
    assert model_parts(review, ("sham",)) == {"injection"}
    assert model_parts(review, ("usual",)) == frozenset()


def test_both_arms_with_their_raw_numbers_and_cells(bench):
    two_arms(bench)
    bench.mean("t1", "x", 30, 20, 50).mean("t1", "c", 40, 21, 51)
    (trial,) = data(bench).trials
    treated, control = trial.arms
    assert (treated.mean, treated.sd, treated.n, treated.raw) == (30, 20, 50, "30 (20), 50")
    assert control.raw == "40 (21), 51"
    assert [str(c) for c in treated.cells] == [
        "results.csv:2:mean",
        "results.csv:2:sd",
        "results.csv:2:n",
    ]


def test_the_week_nearest_to_the_target_that_both_groups_have(bench):
    two_arms(bench)
    for week, mean in ((13, 1), (30, 2), (52, 3)):
        bench.mean("t1", "x", mean, 5, 50, weeks=week).mean("t1", "c", mean, 5, 50, weeks=week)
    bench.mean("t1", "x", 9, 5, 50, weeks=26)
    (trial,) = data(bench).trials
    assert trial.arms[0].week == 30


def test_results_outside_the_window_are_not_used(bench):
    two_arms(bench)
    bench.mean("t1", "x", 30, 20, 50, weeks=4).mean("t1", "c", 40, 20, 50, weeks=4)
    found = data(bench)
    assert found.trials == ()
    (missing,) = found.left_out
    assert missing.trial == "t1"
    assert "between weeks 13 and 52" in missing.why


def test_another_range_of_the_scale_is_moved_to_the_outcomes_own(bench):
    two_arms(bench)
    bench.mean("t1", "x", 3, 2, 50, scale=(0, 10)).mean("t1", "c", 4, 2, 50, scale=(0, 10))
    (trial,) = data(bench).trials
    assert (trial.arms[0].mean, trial.arms[0].sd) == (30, 20)
    assert trial.arms[0].raw == "3 (2), 50"


def test_a_shifted_range_is_moved_and_stretched(bench):
    two_arms(bench)
    bench.mean("t1", "x", 3, 1, 50, scale=(1, 5)).mean("t1", "c", 5, 1, 50, scale=(1, 5))
    (trial,) = data(bench).trials
    assert (trial.arms[0].mean, trial.arms[1].mean, trial.arms[0].sd) == (50, 100, 25)


def test_improvement_means_better_whatever_the_direction_of_the_scale(bench):
    two_arms(bench)
    bench.mean("t1", "x", 15, 20, 50, type="improvement")
    bench.mean("t1", "c", 5, 20, 50, type="improvement")
    (trial,) = data(bench).trials
    assert [a.mean for a in trial.arms] == [-15, -5]
    bench.outcomes = [replace(bench.outcomes[0], better="higher")]
    (trial,) = data(bench).trials
    assert [a.mean for a in trial.arms] == [15, 5]


def test_change_in_one_group_and_final_values_in_the_other_are_refused(bench):
    two_arms(bench)
    bench.mean("t1", "x", -15, 20, 50, type="change").mean("t1", "c", 40, 20, 50)
    found = data(bench)
    assert found.trials == ()
    assert "change" in found.left_out[0].why


def test_a_standard_error_gives_the_standard_deviation(bench):
    two_arms(bench)
    bench.mean("t1", "x", 30, None, 64, se=2.5).mean("t1", "c", 40, None, 64, se=2.5)
    (trial,) = data(bench).trials
    assert trial.arms[0].sd == pytest.approx(20)


def test_an_unusable_sd_is_borrowed_where_the_outcome_allows_it_and_said(bench):
    bench.outcomes = [replace(bench.outcomes[0], borrow_sd=True)]
    two_arms(bench)
    bench.mean("t1", "x", 50, 54, 36, flags=("sd-unusable",))
    bench.mean("t1", "c", 52, 55, 38, flags=("sd-unusable",))
    bench.trial("t2", {"x": ["active"], "c": ["sham"]})
    bench.mean("t2", "x", 30, 20, 11).mean("t2", "c", 40, 10, 21)
    first = data(bench).trials[0]
    # Pooled over the lenders: sqrt((10*400 + 20*100) / 30)
    assert first.arms[0].sd == pytest.approx(200**0.5)
    assert first.arms[0].borrowed
    assert "borrowed from T2 2020" in first.arms[0].flags[-1]
    assert "results.csv:4:sd" in [str(c) for c in first.arms[0].cells]


def test_an_unusable_sd_is_left_out_where_the_outcome_forbids_borrowing(bench):
    two_arms(bench)
    bench.mean("t1", "x", 50, 54, 36, flags=("sd-unusable",))
    bench.mean("t1", "c", 52, 55, 38, flags=("sd-unusable",))
    found = data(bench)
    assert found.trials == ()
    assert all("cannot be right" in m.why for m in found.left_out)


def test_nobody_to_borrow_from_is_said(bench):
    bench.outcomes = [replace(bench.outcomes[0], borrow_sd=True)]
    two_arms(bench)
    bench.mean("t1", "x", 50, None, 36).mean("t1", "c", 52, None, 38)
    found = data(bench)
    assert found.trials == ()
    assert "no other trial to borrow one from" in found.left_out[0].why


@pytest.mark.parametrize("flag", ["unusable", "overlapping"])
def test_flagged_rows_are_never_used_and_always_named(bench, flag):
    two_arms(bench)
    bench.mean("t1", "x", 30, 20, 50, flags=(flag,)).mean("t1", "c", 40, 20, 50)
    found = data(bench)
    assert found.trials == ()
    assert found.left_out[0].trial == "t1"


def test_of_a_factorial_trial_only_the_chosen_factors_margins_count(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"], "e": ["exercise"]}, factor="injection")
    bench.arms = [
        replace(a, factor="activity" if a.arm == "e" else "injection") for a in bench.arms
    ]
    for arm in "xce":
        bench.mean("t1", arm, 30, 20, 50)
    review = bench.review()
    assert [a.arm for a in counted_arms(review, review.trials[0])] == ["x", "c"]
    found = data(bench)
    assert [a.arms[0].arm for a in found.trials[0].arms] == ["x", "c"]
    assert "other factor" in found.left_out[0].why


def test_arms_that_count_as_the_same_are_combined_as_the_handbook_says(bench):
    bench.trial("t1", {"x1": ["active"], "x2": ["active"], "c": ["sham"]})
    bench.mean("t1", "x1", 10, 4, 20).mean("t1", "x2", 20, 5, 30).mean("t1", "c", 30, 5, 50)
    treated, control = data(bench).trials[0].arms
    assert treated.n == 50
    assert treated.mean == pytest.approx(16)
    # Of 50 people with the same sums and sums of squares.
    squares = 19 * 16 + 20 * 10**2 + 29 * 25 + 30 * 20**2
    assert treated.sd == pytest.approx(((squares - 50 * 16**2) / 49) ** 0.5)
    assert control.n == 50
    assert any("combined" in f for f in treated.flags)


def test_excluded_and_retracted_trials_give_nothing(bench):
    for i, kw in enumerate(({"use": "excluded"}, {"status": "retracted"}), start=1):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]}, **kw)
        bench.mean(f"t{i}", "x", 1, 1, 9).mean(f"t{i}", "c", 2, 1, 9)
    assert data(bench).trials == ()


def test_published_differences_are_used_where_there_are_no_arm_results(bench):
    two_arms(bench)
    bench.contrast("t1", "x", "c", -8, ci_low=-14, ci_high=-2, n1=38, n2=38)
    (trial,) = data(bench).trials
    (contrast,) = trial.contrasts
    assert (contrast.estimate, contrast.ci_low, contrast.ci_high) == (-8, -14, -2)
    assert contrast.raw == "-8 (-14 to -2)"


def test_a_published_improvement_is_turned_to_the_outcomes_direction(bench):
    two_arms(bench)
    bench.contrast("t1", "x", "c", 8, ci_low=2, ci_high=14, type="improvement")
    (trial,) = data(bench).trials
    (contrast,) = trial.contrasts
    assert (contrast.estimate, contrast.ci_low, contrast.ci_high) == (-8, -14, -2)


def test_a_p_value_without_an_estimate_is_left_out_with_the_reason(bench):
    two_arms(bench)
    bench.contrast("t1", "x", "c", None, p_value=0.056)
    found = data(bench)
    assert found.trials == ()
    assert "size of the difference was not reported" in found.left_out[0].why


def test_arm_results_come_before_published_differences(bench):
    two_arms(bench)
    bench.contrast("t1", "x", "c", -99, se=1)
    bench.mean("t1", "x", 30, 20, 50).mean("t1", "c", 40, 20, 50)
    (trial,) = data(bench).trials
    assert len(trial.arms) == 2
    assert trial.contrasts == ()
