"""The tables of a page: what stands in them, in which order, and in which words."""

from __future__ import annotations

from dataclasses import replace

from equipoise.answer.answer import Answer
from equipoise.core.provenance import Quantity
from equipoise.core.table import Link, Table
from equipoise.present import tables
from equipoise.present.pages import page
from equipoise.present.trialtable import trials


def parts(table: Table, key: str) -> list[object]:
    return list(table.column(key))


def test_the_fact_box_has_both_sides_and_how_sure_for_every_outcome(answer: Answer) -> None:
    box = tables.fact_box(answer)
    assert len(box) == len(answer.outcomes)
    assert answer.population.capitalize()[:10] in box.caption
    for outcome, without, difference in zip(
        answer.outcomes, parts(box, "without"), parts(box, "difference"), strict=True
    ):
        if outcome.absolute is None:
            assert (without, difference) == ("not known", "no usable numbers")
        else:
            assert without == (outcome.absolute.without or "not known")
            assert difference is outcome.absolute.difference
    assert "○○○○ no evidence" in parts(box, "sure")


def test_the_fact_box_says_which_direction_is_better(answer: Answer) -> None:
    first, second, _ = parts(tables.fact_box(answer), "outcome")
    assert "0 to 100; lower is better" in str(first)
    assert "people of every 1000" in str(second)


def test_harms_stand_in_the_order_of_their_five_states(answer: Answer) -> None:
    turned = replace(answer, harms=tuple(reversed(answer.harms)))
    table = tables.harms(turned)
    assert [heading for _, heading in table.groups] == [
        "Seen in trials, compared with a control group",
        "Seen, without a control group",
        "Reported elsewhere: counts, no rate",
        "Looked for and not seen",
        "Trials did not say",
    ]
    assert parts(table, "harm")[-1] == "Lasting pain"
    # "Did not say" is its own state, never merged with "looked for and not seen".
    assert table.groups[-1][0] == table.groups[-2][0] + 1


def test_severity_is_a_column_of_its_own(answer: Answer) -> None:
    table = tables.harms(answer)
    assert parts(table, "severity")[1] == "mild: no care needed"
    assert "mild" not in table.to_text().split("How often")[0]


def test_a_number_in_a_harm_leads_to_its_source(answer: Answer) -> None:
    known = tables.harms(answer).column("known")[0]
    assert isinstance(known, tuple)
    links = [part for part in known if isinstance(part, Link)]
    assert links[0] == Link("120", "sources.html#q-harms.rash.with")


def test_options_are_columns_and_doing_nothing_is_one(answer: Answer) -> None:
    table = tables.options(answer)
    assert [c.label for c in table.columns] == ["What people ask", "No change", "Mud packs"]
    help_row = dict(zip(table.column("ask"), table.column("mud"), strict=True))
    assert help_row["Can it help?"] == answer.verdict.sentence
    assert dict(zip(table.column("ask"), table.column("none"), strict=True))["Can it help?"] == (
        "Not judged on this page."
    )


def test_the_summary_of_findings_has_people_and_trials_as_quantities(answer: Answer) -> None:
    table = tables.findings(answer)
    for outcome, people in zip(answer.outcomes, table.column("people"), strict=True):
        assert isinstance(people, tuple)
        assert [p for p in people if isinstance(p, Quantity)] == [outcome.people, outcome.trials]
    assert table.column("relative")[0] == "not applicable"
    assert "not estimable" in table.to_text()


def test_a_threshold_that_changes_the_answer_is_marked(answer: Answer) -> None:
    outcome = answer.outcomes[0]
    line = replace(outcome.thresholds[0], flips=True, verdict="MAYNOT", main=False)
    table = tables.thresholds(replace(outcome, thresholds=(outcome.thresholds[0], line)))
    assert str(table.column("name")[0]).endswith("(used)")
    assert table.column("verdict")[1] == "It may make little difference (changes)"
    assert table.column("cuts")[0] == "5 / 10 / 20"


def test_trials_tell_who_paid_and_who_knew_and_are_grouped_by_use(answer: Answer) -> None:
    table = trials(answer)
    assert [heading for _, heading in table.groups] == [
        "Trials of mud packs",
        "Looked at and left out",
    ]
    assert len(table) == len(answer.review.trials)
    assert table.column("funding")[:2] == (None, "a mud spa")
    assert "not reported" in table.to_text()
    assert table.column("rob")[:4] == ("low", "some concerns", "high", "not judged")


def test_a_part_that_cannot_be_told_apart_says_why(answer: Answer) -> None:
    table = tables.components(answer)
    assert table.column("effect")[1] == "cannot be told"
    assert table.column("why")[1] == "Every group exercised"


def test_what_was_left_out_is_listed_once_with_its_reason(answer: Answer) -> None:
    doubled = replace(answer, left_out=answer.left_out * 2)
    table = tables.left_out(doubled)
    assert len(table) == len(set(table.rows)) == 3
    assert "Its report gives no spread" in table.column("why")


def test_the_reasons_of_a_grade_count_levels_and_name_the_person(answer: Answer) -> None:
    profile = answer.outcomes[0].grade
    assert profile is not None
    reason = replace(
        profile.reasons[0], suggested=None, human=-1, by="R. K.", on="2026-02-01", why="few"
    )
    table = tables.grade(replace(profile, reasons=(reason,), caps=()))
    assert table.rows[0][1:4] == ("needs a person", "1 level", "1 level")
    assert table.rows[0][-1] == "few (R. K., 1 February 2026)"


def test_what_no_person_has_judged_is_named(answer: Answer) -> None:
    profile = answer.outcomes[0].grade
    assert profile is not None
    bare = replace(profile.reasons[0], suggested=None, human=None)
    signed = replace(bare, human=0, by="R. K.")
    one = replace(answer.outcomes[0], grade=replace(profile, reasons=(bare,)))
    two = replace(answer.outcomes[0], grade=replace(profile, reasons=(signed,)))
    assert tables.unjudged(replace(answer, outcomes=(one, two))) == [f"{one.label}: {bare.domain}"]


def test_every_table_writes_text_and_html(answer: Answer) -> None:
    made = [
        tables.fact_box(answer),
        tables.harms(answer),
        tables.options(answer),
        tables.findings(answer),
        trials(answer),
        tables.components(answer),
        tables.left_out(answer),
        tables.judgements(answer),
        *(tables.bearings(p) for p in (answer.alone, answer.added, answer.together)),
        *(tables.part_estimates(p) for p in (answer.alone, answer.added, answer.together)),
        *(tables.sensitivity(o) for o in answer.outcomes),
    ]
    for table in made:
        assert table.caption
        assert table.caption in table.to_text()
        assert "⟦" not in table.to_html()


def test_a_fact_box_tells_at_most_so_many_outcomes_the_weightiest_in_their_order(answer):
    one = answer.outcomes[0]
    many = tuple(
        replace(one, id=f"o{i}", label=f"O{i}", decides=i == 8, importance=importance)
        for i, importance in enumerate(["limited", "critical", "important"] * 3)
    )
    wide = replace(answer, outcomes=many)
    assert len(tables.fact_box(wide)) == 9
    told = [str(v).partition(" ")[0] for v in tables.fact_box(wide, most=7).column("outcome")]
    assert told == ["O0", "O1", "O2", "O4", "O5", "O7", "O8"]


def test_the_prompts_name_the_harms_that_need_care(answer):
    html = page(answer).files["index.html"].decode()
    prompts = html.partition('id="what-matters"')[2].partition("</section>")[0]
    grave = [h.plain for h in answer.harms if h.severity in ("serious", "needs-care")]
    assert grave
    assert all(name.casefold() in prompts.casefold() for name in grave)
