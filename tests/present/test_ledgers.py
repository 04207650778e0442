"""Tables of what stands behind the certainty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.present import ledgers, tables
from equipoise.review.records import HarmFinding, Signal, Unreported


def answered(isolating) -> Answer:
    """Two trials, of which one is answered in part and one did not report all."""
    review = isolating((-14, 20, 400), (-15, 20, 400)).review()
    signals = tuple(
        Signal(trial="t1", question=n, answer=a, judge="maker", source="report")  # type: ignore[arg-type]
        for n, a in (("1.1", "Y"), ("1.2", "N"), ("1.3", "N"))
    )
    gap = Unreported(
        trial="t2",
        outcome="pain",
        state="partly reported",
        because="unclear",
        source="protocol",
    )
    harm = HarmFinding(
        harm="n", plain="nausea", severity="mild", kind="trial", trial="t1", arm="x", asked="yes"
    )
    made = replace(review, signalling=signals, unreported=(gap,), harms=(harm,))
    return assess(made, on=date(2026, 11, 1))


def test_every_step_of_a_level_is_shown(isolating) -> None:
    table = ledgers.rob_steps(answered(isolating))
    assert len(table) == 2 * 6
    assert table.column("level")[0] == "High"
    assert table.column("why")[0] == (
        "1.1 was the order of allocation random: yes; 1.2 was it concealed until people were "
        "enrolled and assigned: no; 1.3 do differences at the start suggest a problem: no. "
        "So: high"
    )
    assert table.column("judge")[:2] == ("maker", None)
    assert table.column("domain")[5] == "Overall"
    assert table.column("why")[1] == "nobody has judged it"


def test_gaps_say_why_and_how_that_is_known(isolating) -> None:
    table = ledgers.reporting(answered(isolating))
    assert table.column("state") == ("Reported", "Partly reported")
    assert table.column("because") == (None, "unclear")
    assert table.column("source") == (None, "protocol")


def test_who_was_asked_is_counted_in_people(isolating) -> None:
    table = ledgers.harms_asked(answered(isolating))
    assert table.column("people") == ("400 of 800",)
    assert table.column("asked") == ("T1 2020",)
    assert table.column("not_asked") == (None,)


def test_harms_of_which_the_same_is_known_share_a_row(isolating) -> None:
    answer = answered(isolating)
    more = tuple(
        HarmFinding(harm=h, plain=h, severity="mild", kind="theory", source="a label")
        for h in ("fainting", "fever")
    )
    review = replace(answer.review, harms=(*answer.review.harms, *more))
    table = ledgers.harms_asked(replace(answer, review=review))
    assert table.column("harm") == ("Nausea", "Fainting; fever")


def test_pages_can_ask_for_these_tables() -> None:
    assert {"rob_steps", "reporting", "harms_asked"} <= set(tables.ALL)
