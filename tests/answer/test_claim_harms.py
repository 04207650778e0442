"""Claims about harms rest on intervals: a count of none, or of few, is no bound."""

import pytest
from bench import Bench

from equipoise.answer.claim_harms import judge_harm, rate
from equipoise.answer.harms import harm_lines, wilson, zero_event_bound
from equipoise.answer.ledger import Ledger
from equipoise.review.records import Claim


def lines_of(*rows, severity="mild", asked="yes", kind="trial"):
    """One harm, counted by trials as (events, n) with the treatment and without."""
    bench = Bench()
    for i, ((e1, n1), (e0, n0)) in enumerate(rows):
        bench.trial(f"t{i}", {"x": ["active"], "c": ["sham"]})
        for arm, e, n in (("x", e1, n1), ("c", e0, n0)):
            bench.harm(
                "fever", trial=f"t{i}", arm=arm, events=e, n=n, asked=asked, severity=severity
            )
    return harm_lines(bench.review(), Ledger())


def said(lines, says, at_most=None):
    return judge_harm(Claim(id="c", about="harm", says=says, at_most=at_most), lines)


@pytest.mark.parametrize("asked", ["yes", "no", "unclear"])
def test_none_of_twenty_is_not_rare(asked):
    lines = lines_of(((0, 20), (1, 20)), asked=asked)
    for says, limit in (("rare", None), ("at most", 1), ("at most", 100)):
        state, why = said(lines, says, limit)
        assert state == "goes beyond"
        assert "0 of 20" in why
        assert "140" in why  # 1 - 0.05 ** (1 / 20), rounded up
    assert said(lines, "happens")[0] == "goes beyond"
    assert said(lines, "mild")[0] == "goes beyond"


@pytest.mark.parametrize(
    ("events", "n", "limit"),
    [(0, 3000, 1), (1, 20, 50), (5, 1000, 5), (5, 1000, 12), (5, 1000, 2), (40, 1000, 20)],
)
def test_a_bound_is_held_against_the_whole_interval(events, n, limit):
    low, high = wilson(events, n)
    high = high if events else zero_event_bound(n)
    expected = "goes beyond"
    if high * 1000 <= limit:
        expected = "supported"
    if low * 1000 > limit:
        expected = "contradicted"
    assert said(lines_of(((events, n), (events, n))), "at most", limit)[0] == expected


def test_a_bound_needs_that_everybody_was_asked():
    rows = (((5, 1000), (4, 1000)),)
    assert said(lines_of(*rows), "at most", 12)[0] == "supported"
    for asked in ("no", "unclear"):
        state, why = said(lines_of(*rows, asked=asked), "at most", 12)
        assert state == "goes beyond"
        assert "asked everybody" in why
    assert said(lines_of(((40, 1000), (1, 1000)), asked="no"), "rare")[0] == "contradicted"


def test_a_harm_happens_where_trials_show_more_of_it():
    assert said(lines_of(((30, 400), (3, 400))), "happens")[0] == "supported"
    state, why = said(lines_of(((1, 20), (1, 20))), "happens")
    assert state == "goes beyond"
    assert "1 of 20" in why
    assert said(lines_of(((0, 400), (9, 400))), "happens")[0] == "goes beyond"


@pytest.mark.parametrize("severity", ["serious", "needs-care"])
def test_mild_is_contradicted_by_graver_harm_that_the_treatment_brings(severity):
    assert said(lines_of(((30, 400), (3, 400)), severity=severity), "mild")[0] == "contradicted"
    assert said(lines_of(((5, 400), (5, 400)), severity=severity), "mild")[0] == "goes beyond"
    assert said(lines_of(((0, 400), (9, 400)), severity=severity), "mild")[0] == "goes beyond"
    assert said(lines_of(((30, 400), (3, 400))), "mild")[0] == "supported"
    assert said(lines_of(((0, 400), (0, 400))), "mild")[0] == "goes beyond"


def test_only_people_who_had_the_treatment_were_seen_with_it():
    lines = lines_of(((0, 400), (9, 400)))
    assert said(lines, "not seen")[0] == "supported"
    assert said(lines, "only suspected")[0] == "supported"
    assert said(lines_of(((1, 400), (9, 400))), "not seen")[0] == "contradicted"
    assert said(lines_of(((0, 400), (9, 400)), asked="no"), "not seen")[0] == "goes beyond"


def test_unequal_trials_leave_no_trace_of_a_harm_that_nobody_had():
    # The pooled difference and the crude control risk differ, so their sum is above none.
    (line,) = lines_of(((0, 300), (9, 100)), ((0, 100), (1, 300)))
    assert line.treated == (0, 400)
    found = rate(line)
    assert found is not None
    assert (found.low, found.high) == (0.0, pytest.approx(1000 * zero_event_bound(400)))


def test_not_known_is_contradicted_by_trials_that_asked():
    assert said(lines_of(((5, 400), (5, 400))), "not known")[0] == "contradicted"
    assert said(lines_of(((5, 400), (5, 400)), asked="no"), "not known")[0] == "goes beyond"
    bench = Bench().harm("fever", kind="survey", events=4, source="a survey")
    assert said(harm_lines(bench.review(), Ledger()), "not known")[0] == "supported"
