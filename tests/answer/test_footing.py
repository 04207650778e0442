"""What alone, added and together rest on: the component model beside the pooled comparisons."""

from datetime import date

import pytest

from equipoise.answer.assess import assess
from equipoise.core.provenance import plain
from equipoise.effects.contrasts import contrasts
from equipoise.models.components.basis import basis
from equipoise.models.components.fit import components
from equipoise.present import tables
from equipoise.review.folder import open_review

ON = date(2026, 11, 23)


@pytest.fixture(scope="module")
def back():
    return assess(open_review("prolotherapy-low-back-pain"), on=ON)


def estimate(part, outcome):
    return next(e for e in part.estimates if e.outcome == outcome)


def test_an_isolating_estimate_is_that_of_the_component_model(back):
    pain = back.outcome("pain").pooled
    es = contrasts(
        measure="MD",
        study=[r.label for r in pain.rows],
        treat1=["x", "x"],
        treat2=["none", "none"],
        yi=[r.estimate for r in pain.rows],
        sei=[(r.high - r.low) / 2 / 1.959963984540054 for r in pain.rows],
    )
    fit = components(es, inactive="none", tau2=pain.tau2_method)
    told = estimate(back.alone, "pain")
    assert told.effect.value == pytest.approx(fit.component("x").estimate, rel=1e-8)
    row, span = basis(fit, "x", refit=True), told.footing.span
    assert (span.low, span.high) == pytest.approx((row.low, row.high), rel=1e-8)


def test_alone_counts_who_compares_exactly_this_and_what_one_trial_moves(back):
    found = estimate(back.alone, "pain").footing
    assert (found.trials.value, found.people.value) == (1, 74)
    assert found.share == estimate(back.alone, "pain").direct_share
    assert found.essential == ()
    assert plain(back.alone.rests) == (
        "Two trials with 184 people bear on this. One of them, with 74 people, compares exactly "
        "this: 44% of the information. With one trial left out, the result is between 2.6 points "
        "lower and 8.0 points higher."
    )


def test_one_trial_is_named_with_the_people_in_its_groups(back):
    response = estimate(back.alone, "response").footing
    assert response.essential == ("Yelland 2004",)
    assert response.span is None
    assert "It rests on one trial, Yelland 2004, with 54 to 56 people in each group" in plain(
        response.sentence
    )
    together = plain(back.together.rests)
    assert "rests on one trial, UK BEAM 2004, with 239 to 246 people in each group" in together
    assert "No trial compares exactly this." in together


def test_the_interaction_names_the_trials_it_needs(back):
    assert back.together.interaction_essential == ("Klein 1993", "Yelland 2004")
    assert "This needs each of Klein 1993 and Yelland 2004." in plain(back.together.interaction)


def test_the_map_has_pairs_and_combinations_in_the_words_of_the_review(back):
    lines = {(c.outcome, c.id): c for c in back.components}
    pair = lines[("response", "exercise*manipulation")]
    assert (pair.kind, pair.separable) == ("interaction", True)
    assert pair.label == "exercise × spinal manipulation"
    assert pair.essential == ("UK BEAM 2004",)
    assert "people per arm" in pair.why
    both = lines[("pain", "exercise+manipulation")]
    assert (both.kind, both.direct, both.direct_people) == ("combination", 1, 485)
    alone = lines[("pain", "exercise")]
    assert not alone.separable
    assert alone.why == "exercise and spinal manipulation always come together in these trials."
    solution = lines[("pain", "prolotherapy")]
    assert solution.span == pytest.approx((-2.6, 8.0))
    assert len(solution.through) == 1


def test_what_shares_a_reason_shares_a_row(back):
    table = tables.components(back)
    firsts = [row[0] for row in table.rows]
    assert "17 other pairs" in firsts
    assert len(table.rows) < len(back.components)
