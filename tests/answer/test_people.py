"""One effect in several kinds of people; points as people; money; what the next trial would do."""

from dataclasses import replace
from datetime import date

import pytest

from equipoise.answer.absolute import Scale
from equipoise.answer.answer import Absolute, Answer
from equipoise.answer.assess import assess
from equipoise.answer.next_trial import LARGEST, next_trials
from equipoise.answer.people import number_needed_words
from equipoise.core.provenance import Quantity, plain
from equipoise.review.records import Baseline, Outcome, Responders, Threshold

ON = date(2026, 11, 22)

#: Cochrane Handbook 5.1, figure 11.5.a: compression stockings for air travellers.
DVT = Outcome(
    id="dvt",
    label="Symptomless deep vein thrombosis",
    plain="the chance of a clot in a deep vein without symptoms",
    type="binary",
    measure="RR",
    better="lower",
    importance="critical",
    weeks=(13, 60, 26),
    self_reported=False,
    decides=True,
    thresholds=(
        Threshold(name="5 in 1000", kind="between-group", small=5, source="made up", main=True),
    ),
    baselines=(
        Baseline(name="people at low risk", value=10, source="controls", main=True),
        Baseline(name="people at high risk", value=30, source="controls"),
    ),
)
SUPERFICIAL = replace(
    DVT,
    id="superficial",
    label="Superficial vein thrombosis",
    decides=False,
    baselines=(Baseline(name="air travellers", value=13, source="controls", main=True),),
)
EMBOLISM = replace(DVT, id="embolism", label="Pulmonary embolism", decides=False, baselines=())


def answered(bench, **kw) -> Answer:
    return assess(bench.review(**kw), on=ON)


@pytest.fixture
def stockings(bench):
    bench.outcomes = [DVT, SUPERFICIAL, EMBOLISM]
    bench.trial("nine", {"x": ["active"], "c": ["sham"]})
    for outcome, ratio, low, high in (("dvt", 0.10, 0.04, 0.26), ("superficial", 0.45, 0.18, 1.13)):
        bench.contrast(
            "nine", "x", "c", ratio, outcome=outcome, measure="RR", ci_low=low, ci_high=high
        )
    for arm in ("x", "c"):
        bench._result("nine", arm, outcome="embolism", events=0, n=1300)
    return bench


def whole(q) -> tuple[int, int, int]:
    return round(q.value), round(q.low), round(q.high)


def test_risks_with_stockings_are_those_of_the_handbook(stockings):
    answer = answered(stockings)
    low, high = answer.outcome("dvt").strata
    assert (whole(low.absolute.with_), whole(high.absolute.with_)) == ((1, 0, 3), (3, 1, 8))
    assert (low.main, high.main) == (True, False)
    superficial = answer.outcome("superficial").absolute
    assert superficial is not None
    assert whole(superficial.with_) == (6, 2, 15)


def test_an_outcome_that_nobody_had_stays_in_the_answer(stockings):
    embolism = answered(stockings).outcome("embolism")
    assert embolism.effect is None
    assert embolism.pooled is None
    assert embolism.people.value == 2600
    assert any("no event" in m.why for m in embolism.left_out)
    assert "none of 2600 people had it in either group" in plain(embolism.statement_plain)


def test_trials_without_events_are_named_and_do_not_move_a_ratio(bench):
    bench.outcomes = [replace(DVT, baselines=())]
    for name, x, c in (("t1", 10, 20), ("t2", 0, 0), ("t3", 0, 3)):
        bench.trial(name, {"x": ["active"], "c": ["sham"]})
        for arm, events in (("x", x), ("c", c)):
            bench._result(name, arm, outcome="dvt", events=events, n=500)
    outcome = answered(bench).outcome("dvt")
    assert outcome.pooled is not None
    assert [r.label for r in outcome.pooled.rows] == ["T1 2020", "T3 2020"]
    assert (outcome.trials.value, outcome.people.value) == (3, 3000)
    counted = next(s for s in outcome.sensitivity if s.what.startswith("Mantel"))
    assert counted.effect is not None
    assert counted.effect.value == pytest.approx(10 / 23)


def test_a_number_needed_runs_through_infinity_where_it_must(stockings):
    answer = answered(stockings)
    assert plain(answer.outcome("dvt").number_needed) == "NNTB 112 (105 to 135)"
    assert plain(answer.outcome("superficial").number_needed) == (
        "NNTB 140 (NNTB 94 to infinity to NNTH 604)"
    )


def test_the_uncertainty_of_a_baseline_is_carried_through():
    sure = Baseline(name="a", value=100, source="s", main=True)
    unsure = replace(sure, low=50, high=190)
    analysis = (-0.5, -0.9, -0.1)
    ends = Scale(DVT, 0.1, sure).interval(analysis)
    wider = Scale(DVT, 0.1, unsure).interval(analysis)
    assert wider[0] < ends[0]
    assert wider[1] > ends[1]
    risks = Scale(DVT, 0.1, unsure).with_interval(analysis)
    assert risks[0] < Scale(DVT, 0.1, sure).with_interval(analysis)[0]
    assert Scale(DVT, 0.1, unsure).interval((0.0, 0.0, 0.0)) == pytest.approx((0, 0), abs=1e-9)


def test_points_become_people_and_say_that_they_are_estimates(isolating):
    ways = (
        Responders(name="being better", method="threshold", cut=15, change=10, sd=22, source="s"),
        Responders(name="being better", method="hasselblad-hedges", without=500, sd=22, source="s"),
        Responders(name="being better", method="furukawa", without=500, sd=22, source="s"),
    )
    bench = isolating((-3.4, 20, 400), (-3.4, 20, 400))
    bench.outcomes = [replace(bench.outcomes[0], responders=ways)]
    threshold, hedges, furukawa = answered(bench).outcome("pain").responders
    assert (round(threshold.without.value), round(threshold.with_.value)) == (410, 471)
    assert round(threshold.difference.value) == 61
    assert hedges.without.value == furukawa.without.value == 500
    assert 0 < hedges.difference.low < hedges.difference.value < hedges.difference.high
    assert threshold.words.startswith("An estimate, not a count: being better for about")


def test_trials_with_money_in_them_are_left_out_in_turn(isolating):
    bench = isolating((-14, 20, 400), (1, 20, 400))
    bench.trials[0] = replace(bench.trials[0], money="mixed", proponent="yes")
    bench.trials[1] = replace(bench.trials[1], status="concern")
    lines = {s.what: s for s in answered(bench).outcome("pain").sensitivity}
    for what in (
        "no trial paid for by industry",
        "no trial run by people who promote the treatment",
    ):
        effect = lines[what].effect
        assert effect is not None
        assert effect.value == pytest.approx(1)
    concern = lines["no trial under an expression of concern"].effect
    assert concern is not None
    assert concern.value == pytest.approx(-14)


def test_each_trial_is_left_out_in_turn(isolating):
    outcome = answered(isolating((-14, 20, 400), (1, 20, 400))).outcome("pain")
    assert [s.effect.value for s in outcome.without_each if s.effect] == pytest.approx([1, -14])
    alone = answered(isolating((-14, 20, 400))).outcome("pain")
    assert alone.without_each == ()


def test_the_next_trial_that_would_change_the_answer_is_the_smallest_one(isolating):
    bench = isolating((-6, 20, 100), (-7, 20, 100))
    answer = answered(bench)
    told = [plain(line) for line in answer.would_change if line.startswith("One fair trial")]
    assert told
    assert all("the answer becomes “" in line for line in told)


def test_nothing_is_said_of_a_trial_that_nobody_could_run(isolating):
    bench = isolating((-14, 20, 200_000), (-15, 20, 200_000))
    bench.plan = replace(bench.plan, model="common")
    review = bench.review()
    found = [x for x in assess(review, on=ON).would_change if "finds no difference" in x]
    assert not found
    assert LARGEST == 20_000
    assert next_trials(review, review.outcomes[0], (), None, None, "WORTH") == ()  # type: ignore[arg-type]


def test_the_trap_of_the_small_sample_correction_is_told(isolating):
    """As in the trials of hydroxychloroquine (Axfors 2021): tau² is zero, and the trials agree."""
    told = answered(isolating((-3, 20, 60), (-3.1, 20, 60), (-3.05, 20, 60), (-2.9, 20, 60)))
    pooled = told.outcome("pain").pooled
    assert pooled is not None
    assert pooled.caution.startswith(
        "The usual small-sample correction would have made this look more certain than it is"
    )
    apart = answered(isolating((-3, 20, 60), (-20, 20, 60), (12, 20, 60), (-9, 20, 60)))
    assert apart.outcome("pain").pooled.caution == ""


@pytest.mark.parametrize(
    ("benefit", "low", "high", "said"),
    [
        (50, 20, 80, "NNTB 20 (13 to 50)"),
        (-50, -80, -20, "NNTH 20 (13 to 50)"),
        (50, -25, 125, "NNTB 20 (NNTB 8 to infinity to NNTH 40)"),
        (-50, -125, 25, "NNTH 20 (NNTH 8 to infinity to NNTB 40)"),
        (5, 0, 10, "NNTB 200 (100 to infinity)"),
        (-5, -10, 0, "NNTH 200 (100 to infinity)"),
    ],
)
def test_a_number_needed_is_told_from_the_nearer_side(benefit, low, high, said):
    for better, sign in (("higher", 1), ("lower", -1)):
        ends = sorted((sign * low, sign * high))
        difference = Quantity(
            "d", sign * benefit, low=ends[0], high=ends[1], unit="per 1000", label="", formula=""
        )
        told = Absolute(1000, None, None, difference, "all", "")
        outcome = replace(DVT, better=better)
        assert plain(number_needed_words(outcome, told)) == said
