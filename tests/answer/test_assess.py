"""From a review to its answer: each honesty rule on a small review where it must bite."""

import json
from dataclasses import replace
from datetime import date

import pytest

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.errors import InputError
from equipoise.core.provenance import pieces, plain

ON = date(2026, 11, 22)


def answered(bench, **kw) -> Answer:
    return assess(bench.review(**kw), on=ON)


def well_measured(bench, trials):
    """Everybody was asked about harms and only soreness was seen."""
    for trial in trials:
        for arm, events in (("x", 9), ("c", 3)):
            bench.harm("soreness", trial=trial, arm=arm, events=events, n=400, asked="yes")
    return bench


@pytest.fixture
def clear(isolating):
    """Two large, consistent trials of a moderate benefit with minor harms."""
    return well_measured(isolating((-14, 20, 400), (-15, 20, 400)), ["t1", "t2"])


def test_a_clear_benefit_with_minor_harms_is_worth_trying(clear):
    answer = answered(clear)
    assert answer.verdict.code == "WORTH"
    assert answer.certainty == "high"
    assert answer.verdict.heading == ""
    effect = answer.outcome("pain").effect
    assert effect is not None
    assert effect.value == pytest.approx(-14.5)


def test_the_same_trials_with_an_old_search_are_capped_and_headed_by_its_date(clear):
    clear.last_search = "2009-07"
    answer = answered(clear)
    assert answer.verdict.heading == "As of July 2009"
    assert answer.certainty == "low"
    assert answer.verdict.code == "MAYHELP"
    assert answer.status.lines[0].kind == "stop"
    assert "July 2009, 17 years ago" in answer.status.lines[0].text


@pytest.mark.parametrize(
    ("last", "kind", "stale"),
    [
        ("2026-10", "info", False),
        ("2024-11-22", "info", False),
        ("2024-11-21", "warn", False),
        ("2024-11", "warn", False),
        ("2023-11-22", "warn", False),
        ("2023-11-21", "stop", True),
        ("2023-11", "stop", True),
        ("", "stop", True),
    ],
)
def test_the_age_of_the_search_to_the_day(clear, last, kind, stale):
    clear.last_search = last
    answer = answered(clear)
    line = next(x for x in answer.status.lines if "search" in x.text)
    assert (line.kind, answer.verdict.stale) == (kind, stale)


def test_no_trial_with_numbers_is_no_verdict(bench):
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    answer = answered(bench)
    assert answer.verdict.code == "NOTRIALS"
    assert answer.certainty is None
    assert not answer.alone.answerable


def test_a_wide_interval_is_not_called_no_difference(isolating):
    answer = answered(isolating((-1, 25, 20), (2, 25, 20)))
    assert (answer.verdict.code, answer.certainty) == ("MAYNOT", "low")
    assert "not proof that it does not work" in answer.verdict.caution


def test_very_low_certainty_is_we_do_not_know(isolating):
    answer = answered(isolating((-1, 25, 20), (2, 25, 20), rob="some concerns"))
    assert (answer.verdict.code, answer.certainty) == ("UNKNOWN", "very low")
    assert "not proof that it does not work" in answer.verdict.caution
    assert answer.outcome("pain").statement_plain.startswith("We do not know if")


def test_little_difference_is_at_most_low_while_an_important_benefit_is_possible(isolating):
    # Enough people, no other doubt, but the interval reaches past the five points that matter.
    bench = isolating((-4.2, 12, 260))
    answer = answered(bench)
    profile = answer.outcome("pain").grade
    assert profile is not None
    assert answer.outcome("pain").effect_class == "none"
    assert profile.level in ("low", "very low")
    assert any("important benefit" in c.plain for c in profile.caps)


def test_enough_people_without_a_benefit_is_not_worth_trying_and_says_the_best_case(isolating):
    bench = well_measured(isolating((-0.5, 15, 400), (0.3, 15, 400)), ["t1", "t2"])
    answer = answered(bench)
    assert answer.verdict.code == "NOTWORTH"
    assert "best case" in answer.verdict.caution


def test_trials_at_high_risk_of_bias_lower_certainty_by_two_levels(isolating):
    bench = well_measured(isolating((-14, 20, 400), (-15, 20, 400), rob="high"), ["t1", "t2"])
    answer = answered(bench)
    assert answer.certainty == "low"
    # Without them no trial is left, and an answer that says more than nothing does not stand.
    left = next(s for s in answer.outcome("pain").sensitivity if "bias" in s.what)
    assert (left.verdict, left.flips) == ("NOTRIALS", True)


def test_a_verdict_that_only_doubtful_trials_carry_is_fragile(isolating):
    bench = well_measured(isolating((-15, 20, 400), (-14, 20, 400), (-0.5, 15, 400)), ["t1", "t2"])
    for i in (0, 1):
        bench.rob[i] = replace(bench.rob[i], overall="high")
    answer = answered(bench)
    assert answer.verdict.fragile
    assert any("no trial at high risk of bias" in flip for flip in answer.verdict.flips)


def test_people_who_knew_their_treatment_cost_a_level(isolating):
    bench = isolating((-14, 20, 400), (-15, 20, 400), blinding="none")
    assert answered(bench).certainty == "moderate"


def test_a_person_can_lower_certainty_and_is_named(clear):
    clear.judge("certainty", "-1", outcome="pain", domain="indirectness")
    answer = answered(clear)
    assert answer.certainty == "moderate"
    profile = answer.outcome("pain").grade
    assert profile is not None
    reason = next(r for r in profile.reasons if r.domain == "indirectness")
    assert (reason.human, reason.by) == (-1, "A Checker")


def test_unjudged_burden_counts_as_notable_and_a_signed_one_is_used(isolating):
    bench = well_measured(isolating((-7, 15, 400), (-7, 15, 400)), ["t1", "t2"])
    assert answered(bench).verdict.code == "CLOSE"
    bench.judge("burden", "low")
    assert answered(bench).verdict.code == "WORTH"


def test_harms_that_nobody_measured_turn_a_benefit_into_a_choice(isolating):
    answer = answered(isolating((-14, 20, 400), (-15, 20, 400)))
    assert answer.verdict.code == "CLOSE"
    assert "harms that the trials did not properly measure" in answer.verdict.sentence


def test_another_registered_threshold_that_flips_the_label_makes_it_fragile(isolating):
    bench = well_measured(isolating((-7, 15, 400), (-7, 15, 400)), ["t1", "t2"])
    bench.judge("burden", "low")
    outcome = bench.outcomes[0]
    strict = replace(
        outcome.thresholds[0],
        name="a stricter set",
        small=12,
        moderate=None,
        large=None,
        main=False,
    )
    bench.outcomes = [replace(outcome, thresholds=(*outcome.thresholds, strict))]
    verdict = answered(bench).verdict
    assert verdict.code == "WORTH"
    assert verdict.fragile
    assert "a stricter set" in verdict.flips[0]


def test_a_retracted_trial_that_was_left_out_anyway_stops_nothing(clear):
    clear.trial("t9", {"x": ["active"], "c": ["sham"]}, n_randomized=20, use="excluded")
    for status in ("retracted", "concern"):
        clear.trials[-1] = replace(clear.trials[-1], status=status, reason="a report of another")
        answer = assess(clear.review(), on=ON)
        assert answer.verdict.retracted == ()
        assert not any("T9" in line.text for line in answer.status.lines)


def test_retracted_trials_are_named_and_not_used(clear):
    clear.trials[1] = replace(clear.trials[1], status="retracted")
    answer = answered(clear)
    assert answer.outcome("pain").trials.value == 1
    assert answer.verdict.retracted == ("T2 2020",)
    assert any("retracted" in line.text for line in answer.status.lines if line.kind == "stop")


def test_a_page_that_nobody_independent_checked_is_a_draft(clear):
    assert not answered(clear).status.draft
    clear.people = clear.people[:1]
    answer = answered(clear)
    assert answer.status.draft
    assert any("not independently reviewed" in line.text for line in answer.status.lines)


def test_the_order_of_trials_and_arms_does_not_matter(clear):
    first = answered(clear)
    clear.trials.reverse()
    clear.arms.reverse()
    clear.results.reverse()
    second = answered(clear)
    assert first.verdict == second.verdict
    one, two = first.outcome("pain").effect, second.outcome("pain").effect
    assert one is not None
    assert two is not None
    assert one.value == pytest.approx(two.value, rel=1e-12)
    assert one.high == pytest.approx(two.high, rel=1e-9)


def test_units_do_not_matter(isolating):
    points = answered(isolating((-14, 20, 100), (-9, 18, 90)))
    bench = isolating((-14, 20, 100), (-9, 18, 90))
    bench.results = [
        replace(r, mean=r.mean / 10, sd=r.sd / 10, scale=(0, 10)) for r in bench.results
    ]
    tenths = answered(bench)
    one, two = points.outcome("pain").effect, tenths.outcome("pain").effect
    assert one is not None
    assert two is not None
    assert one.value == pytest.approx(two.value, rel=1e-12)
    assert points.verdict == tenths.verdict


def test_a_scale_where_higher_is_better_mirrors_the_answer(isolating):
    down = answered(isolating((-14, 20, 100), (-9, 18, 90)))
    bench = isolating((14, 20, 100), (9, 18, 90))
    bench.outcomes = [replace(bench.outcomes[0], better="higher")]
    up = answered(bench)
    assert up.verdict.code == down.verdict.code
    assert up.certainty == down.certainty


def test_every_number_in_a_sentence_is_a_quantity_of_the_answer(clear):
    answer = answered(clear)
    sentences = [
        answer.outcome("pain").statement_plain,
        *(answer.key_messages),
        *(answer.would_change),
        *(h.statement for h in answer.harms),
        answer.alone.sentence,
    ]
    ids = {id_ for s in sentences for _, id_ in pieces(s) if id_}
    assert ids
    assert ids <= set(answer.quantities)


def test_every_quantity_leads_back_to_cells_of_the_folder(clear):
    answer = answered(clear)
    known = {c.cell for c in answer.cells}

    def cells(id_):
        quantity = answer.quantities[id_]
        found = set(quantity.cells)
        for other in quantity.inputs:
            found |= cells(other)
        return found

    for id_, quantity in answer.quantities.items():
        if quantity.value == 0 or id_ == "change.asked":
            continue
        assert cells(id_), id_
        assert cells(id_) <= known


def test_an_answer_survives_json(clear):
    answer = answered(clear)
    again = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert again.verdict == answer.verdict
    assert again.to_dict() == answer.to_dict()


def test_the_same_review_and_day_give_the_same_answer(clear):
    assert answered(clear).to_dict() == answered(clear).to_dict()


def test_at_most_three_key_messages_of_at_most_thirty_words(clear):
    messages = answered(clear).key_messages
    assert 1 <= len(messages) <= 3
    for message in messages:
        assert len(plain(message).split()) <= 30


def test_no_deciding_outcome_is_refused(clear):
    clear.outcomes = [replace(clear.outcomes[0], decides=False)]
    with pytest.raises(InputError, match="decides"):
        answered(clear)


@pytest.mark.parametrize(
    ("treated", "signed", "said"),
    [
        (2, "", "serious harm was seen in trials"),
        (0, "", "the trials cannot exclude serious harm"),
        (-1, "serious", "those who judged the evidence think serious harm possible"),
    ],
)
def test_why_serious_harm_is_possible_is_told_as_it_is(isolating, treated, signed, said):
    bench = well_measured(isolating((14, 20, 400), (15, 20, 400)), ["t1", "t2"])
    if treated >= 0:
        for arm, events in (("x", treated), ("c", 1)):
            bench.harm(
                "bleed", trial="t1", arm=arm, events=events, n=50, asked="yes", severity="serious"
            )
    if signed:
        bench.judge("harm", signed)
    verdict = answered(bench).verdict
    assert (verdict.code, verdict.harm) == ("AVOID", "serious possible")
    assert verdict.sentence.startswith(f"It makes pain worse, and {said}")


def test_treatments_that_make_worse_say_so(isolating):
    sure = answered(well_measured(isolating((14, 20, 400), (15, 20, 400)), ["t1", "t2"])).verdict
    assert sure.code == "AVOID"
    assert sure.sentence.startswith("It makes pain worse, and ")
    unsure = answered(isolating((14, 20, 400), (15, 20, 400), rob="high")).verdict
    assert (unsure.code, unsure.benefit) == ("MAYNOT", "worse")
    assert "little room for a benefit that matters" in unsure.caution


def on_its_own(bench):
    """The same numbers for the solution without a needle, against nothing."""
    parts = {"x": ("solution",), "c": ()}
    bench.arms = [replace(a, components=parts[a.arm]) for a in bench.arms]


def test_a_benefit_over_nothing_names_what_it_was_compared_with(isolating):
    bench = well_measured(isolating((-14, 20, 400), (-15, 20, 400)), ["t1", "t2"])
    said = "It was compared with injections of salt water only, not with a sham or with other care."
    assert said not in answered(bench).verdict.sentence
    on_its_own(bench)
    assert said in answered(bench).verdict.sentence


@pytest.mark.parametrize(
    ("parts", "blinding", "certainty"),
    [
        (("sham",), "unclear", "high"),
        (("sham",), "none", "moderate"),
        ((), "unclear", "moderate"),
        ((), "participants", "high"),
    ],
)
def test_without_a_sham_people_knew_unless_the_trial_says_otherwise(
    isolating, parts, blinding, certainty
):
    made = isolating((-14, 20, 400), (-15, 20, 400), blinding=blinding)
    bench = well_measured(made, ["t1", "t2"])
    if not parts:
        on_its_own(bench)
    assert answered(bench).certainty == certainty


def test_studies_that_did_not_divide_people_by_chance_are_a_reason(clear):
    said = "not every study divided people by chance"
    assert not any(said in reason for reason in answered(clear).reasons)
    clear.trials[0] = replace(clear.trials[0], design="prospective cohort")
    answer = answered(clear)
    assert answer.certainty == "low"
    assert any(said in reason for reason in answer.reasons)


def test_without_other_care_in_the_trials_nothing_is_asked_of_it(clear):
    answer = answered(clear)
    assert any("together with other care" in q for q in answer.key_messages)
    review = clear.review()
    alone = replace(review, components=tuple(c for c in review.components if c.role != "care"))
    found = assess(alone, on=ON)
    assert "Trials tested it on its own only, not together with other care." in found.key_messages
    untested = assess(replace(alone, results=(), contrasts=()), on=ON)
    assert untested.verdict.code == "NOTRIALS"
    assert not any("on its own only" in message for message in untested.key_messages)
    assert not any("by itself or with other care" in q for q in found.questions)
    assert any("by itself or with other care" in q for q in answer.questions)


@pytest.mark.parametrize("said", ["nothing", "None.", ""])
def test_nothing_added_by_hand_is_nothing(clear, said):
    clear.last_search = "2019-07"
    review = clear.review()
    for words, expected in ((said, False), ("two trials", True)):
        search = replace(review.search, added_by_hand=words)
        line = assess(replace(review, search=search), on=ON).status.lines[0]
        assert ("added by hand" in line.text) == expected
