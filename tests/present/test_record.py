"""What a reviewer asks: protocol, flow, retractions, data, methods, and how conclusions changed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from bench import Bench
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.present import record
from equipoise.present.pages import page
from equipoise.present.prose import contact, doi_url, https
from equipoise.present.trialtable import lights, other_care, paid, trials
from equipoise.review.records import (
    Change,
    Component,
    Disclosure,
    Flow,
    Person,
    Protocol,
    Review,
    RobFinding,
    Trial,
)

ON = date(2026, 11, 22)


@pytest.fixture(scope="module")
def review() -> Review:
    return FIXTURES["mayhelp"]()


@pytest.fixture(scope="module")
def told(review: Review) -> Answer:
    return assess(review, on=ON)


def with_review(answer: Answer, **kw: object) -> Answer:
    return replace(answer, review=replace(answer.review, **kw))  # type: ignore[arg-type]


def test_a_protocol_that_was_not_there_is_said_to_be_absent(told: Answer) -> None:
    found = " ".join(record.protocol(with_review(told, protocol=Protocol())))
    assert found.startswith("No protocol was registered or published")
    known = Protocol(registered="PROSPERO CRD1", on="2026-01-02", sha256="ab12")
    found = " ".join(record.protocol(with_review(told, protocol=known)))
    for words in ("Registered as PROSPERO CRD1.", "Fixed on 2 January 2026.", "ab12", "No depart"):
        assert words in found
    known = replace(known, on="", deviations=("one window of time was widened",))
    found = " ".join(record.protocol(with_review(told, protocol=known)))
    assert "Done otherwise: One window of time was widened." in found
    assert "The day it was fixed is not told." in found


def test_the_flow_shows_what_was_counted_and_says_what_was_not(review: Review) -> None:
    assert record.flow(replace(review, flow=Flow())).rows == ()
    flow = Flow(identified=120, duplicates=20, screened=100, assessed=19, included=5, note="by two")
    table = record.flow(replace(review, flow=flow))
    assert table.column("step")[0] == "Found in the search"
    assert table.column("reports") == (120, 100, None, 19, 5)
    assert table.column("gone")[:2] == ("20 found twice", None)
    assert "not counted" in table.to_text()
    assert table.notes == ("By two.",)


def test_the_flow_stands_on_the_page(told: Answer) -> None:
    without = page(told).files["index.html"].decode()
    assert "Nobody counted the reports at each step" in without
    flow = Flow(identified=120, included=5)
    html = page(with_review(told, flow=flow)).files["index.html"].decode()
    assert "PRISMA flow)" in html
    assert "Nobody counted the reports" not in html


def test_a_watch_for_retractions_tells_its_day_its_age_and_what_it_found(told: Answer) -> None:
    def watch(looked: str, *trials: Trial) -> str:
        search = replace(told.review.search, retractions=looked)
        return " ".join(record.watch(with_review(told, search=search, trials=trials)))

    one = Trial(id="a", label="Abel 1999", citation="x")
    assert "Nobody has looked up" in watch("", one)
    fresh = watch("2026-11-20", one)
    assert "on 20 November 2026" in fresh
    assert "30 days" not in fresh
    assert "None is known to be retracted or questioned." in fresh
    old = watch("2026-09-20", replace(one, status="retracted"))
    assert "more than 30 days before" in old
    assert "Retracted, and used in no number: Abel 1999." in old
    assert "expression of concern: Abel 1999" in watch("2026-11", replace(one, status="concern"))


def test_results_are_counted_with_how_well_they_were_read(review: Review) -> None:
    text = record.data(review)
    assert f"{len(review.results)} results of groups" in text
    assert "all with high confidence" in text
    rows = (replace(review.results[0], confidence="low", flags=("sd_suspect",)), *review.results)
    text = record.data(replace(review, results=rows))
    assert "1 with low confidence" in text
    assert "1 carry a flag" in text
    assert record.data(replace(review, results=(), contrasts=())).startswith("No result of any")


def test_the_tools_and_judges_of_bias_are_named(review: Review) -> None:
    people = (Person(id="rk", name="R. Keller", roles=("reviewer",)),)
    rows = (
        RobFinding(trial="t1", tool="RoB 2", overall="low", judge="rk"),
        RobFinding(trial="t2", tool="PEDro", overall="high"),
    )
    own = replace(review, people=people, risk_of_bias=rows, signalling=())
    said = record.bias(own)
    assert (
        said == "PEDro (1) and RoB 2 (1). Signed here by R. Keller; others are taken as published."
    )
    assert record.bias(replace(own, risk_of_bias=rows[1:])).endswith("All are taken as published.")
    assert record.bias(replace(own, risk_of_bias=())).startswith("Nobody has judged")


def test_the_synthesis_names_its_preset_and_each_outcome(told: Answer) -> None:
    lines = record.synthesis(told)
    assert "preset cochrane-2025" in lines[1]
    assert lines[-1].startswith(f"{told.outcomes[-1].label}: mean difference, random effects")
    own = replace(told.review.plan, tau2="PM", interval="Wald")
    assert "preset" not in " ".join(record.synthesis(with_review(told, plan=own)))


def test_a_history_is_told_as_conclusions_changed(told: Answer) -> None:
    changes = (
        Change(version="3", on="2026-11-01", what="a typing error mended", why="It moved nothing."),
        Change(version="1", on="2026-01-01", what="first version"),
        Change(
            version="2",
            on="2026-06-01",
            what="one trial added",
            verdict_before="UNKNOWN",
            certainty_before="very low",
            number_before="2 points (-9 to 13)",
            address="https://example.org/v/2/",
        ),
    )
    third, second, first = record.versions(with_review(told, changes=changes))
    assert (first.stayed, first.turned) == ("The answer: We do not know.", ())
    assert second.turned[0] == (f"The answer was: We do not know. It became: {told.verdict.label}.")
    assert second.turned[1] == f"Certainty was: very low. It became: {told.certainty}."
    assert second.turned[2].startswith("The number that decides was: 2 points (-9 to 13).")
    assert (third.stayed, third.why) == ("No conclusion changed.", "It moved nothing.")


def test_a_later_change_says_what_an_earlier_one_led_to(told: Answer) -> None:
    changes = (
        Change(version="2", on="2026-06-01", what="a", verdict_before="UNKNOWN"),
        Change(version="3", on="2026-07-01", what="b", verdict_before="CLOSE"),
    )
    third, second = record.versions(with_review(told, changes=changes))
    assert "It became: It may help" in third.turned[0] or told.verdict.label in third.turned[0]
    assert second.turned[0].endswith(f"It became: {record._label('CLOSE')}.")


def test_history_and_links_of_it_stand_on_the_page(told: Answer) -> None:
    bad = Change(version="1", on="2026-01-01", what="first", address="javascript:alert(1)")
    good = replace(bad, version="2", on="2026-02-01", address="https://example.org/v/2/")
    html = page(with_review(told, changes=(bad, good))).files["index.html"].decode()
    assert '<a href="https://example.org/v/2/" rel="noreferrer">Read this version</a>' in html
    assert "javascript:" not in html
    html = page(with_review(told, changes=())).files["index.html"].decode()
    assert "No history is told" in html


def test_where_an_error_can_be_reported(told: Answer) -> None:
    html = page(told).files["index.html"].decode()
    assert "No address for reporting an error is given yet." in html
    html = page(with_review(told, contact="a@b.org")).files["index.html"].decode()
    assert '<a href="mailto:a@b.org" rel="noreferrer">Tell us</a>' in html
    assert contact("https://b.org/x") == "https://b.org/x"
    assert contact("javascript:x") == contact("a b@c.d") == https("http://x.org") == ""


def test_what_follows_from_an_interest_stands_beside_it(told: Answer) -> None:
    def person(id: str, name: str, kind: str) -> Person:
        own = (Disclosure(type=kind, direction="favours"),)  # type: ignore[arg-type]
        return Person(id=id, name=name, roles=("author",), disclosures=own)

    one, two = person("a", "A. Ames", "personal"), person("b", "B. Boyd", "none")
    rated = RobFinding(trial="t1", tool="RoB 2", overall="low", judge="b")
    base = replace(told.review, judgements=(), signalling=(), risk_of_bias=())
    assert record.handling(replace(base, people=(two,))) == []
    alone = record.handling(replace(base, people=(one,)))
    assert alone[0] == (
        "Because of this interest, A. Ames rated no trial, no certainty and no harm."
    )
    assert alone[1].startswith("Nobody without such an interest")
    both = replace(base, people=(one, two), risk_of_bias=(rated,))
    assert "B. Boyd, without such interests, did." in record.handling(both)
    wrong = record.handling(replace(both, risk_of_bias=(replace(rated, judge="a"),)))
    assert wrong[0].startswith("A. Ames has an interest and signed risk of bias")
    html = page(replace(told, review=both)).files["index.html"].decode()
    assert html.index("A. Ames rated no trial") < html.index('id="fact-box"')
    assert html.count("A. Ames rated no trial") == 2


def test_cut_points_stand_with_instrument_people_and_source(told: Answer) -> None:
    table = record.cut_points(told.review)
    threshold = told.review.outcomes[0].thresholds[0]
    assert table.column("source")[0] == threshold.source
    assert table.column("cuts")[0] == "5 / 10 / 20"
    assert table.groups[0][1] == told.review.outcomes[0].label
    outcome = replace(told.review.outcomes[0], thresholds=(replace(threshold, doi="10.1/x"),))
    table = record.cut_points(replace(told.review, outcomes=(outcome,)))
    assert str(table.column("source")[0]).endswith("(doi:10.1/x)")


def test_a_retracted_trial_is_marked_among_the_references(told: Answer) -> None:
    trials = (replace(told.review.trials[0], status="retracted"), *told.review.trials[1:])
    html = page(with_review(told, trials=trials)).files["index.html"].decode()
    assert re.search(r'<li id="ref-t1">[^<]*RETRACTED\.', html)


def test_an_address_of_a_doi_holds_no_sign_that_an_address_may_not() -> None:
    doi = "10.1002/(SICI)1097-0258(19970815)16:15<1665::AID-SIM235>3.0.CO;2-V"
    assert doi_url(doi).startswith("https://doi.org/10.1002/(SICI)1097-0258(19970815)16:15%3C1665")


def test_other_care_is_told_apart_by_who_had_it() -> None:
    bench = Bench()
    bench.trial("t1", {"x": ["active", "walk"], "c": ["sham", "walk"]})
    bench.trial("t2", {"x": ["active", "walk"], "c": ["sham"]})
    bench.trial("t3", {"x": ["active"], "c": ["sham"]})
    made = bench.review(slug="care")
    walk = Component(id="walk", label="walking", role="care", counts_as=("walk",))
    made = replace(made, components=(*(c for c in made.components if c.id != "walk"), walk))

    def care(trial: str) -> str:
        return other_care(made, [a for a in made.arms if a.trial == trial])

    assert care("t1") == "in all groups: walking"
    assert care("t2") == "in some groups: walking"
    assert care("t3") == "none told"
    halves = [replace(a, mixed=("walk",)) for a in made.arms if a.trial == "t3"]
    assert other_care(made, halves) == "in about half of each group: walking"
    assert other_care(made, [halves[0], replace(halves[1], mixed=())]) == (
        "in about half of some groups: walking"
    )
    assert other_care(made, []) == ""


def test_money_is_told_by_class_and_in_the_report_s_words() -> None:
    trial = Trial(id="a", label="A", citation="x")
    assert paid(trial) == ""
    assert paid(replace(trial, money="public")) == "public or charitable money"
    assert paid(replace(trial, money="industry", funding="a mud spa")) == (
        "makers or sellers: a mud spa"
    )
    assert paid(replace(trial, funding="a grant")) == "a grant"


def test_lights_show_the_worst_of_a_trial_s_results(review: Review) -> None:
    trial = review.trials[0]
    row = RobFinding(
        trial=trial.id, tool="RoB 2", overall="high", randomization="low", missing="high"
    )
    milder = replace(row, missing="some concerns")
    made = replace(review, risk_of_bias=(row, milder), signalling=())
    assert lights(made, trial) == (
        "randomisation +, treatments ·, missing data ×, measurement ·, reporting ·"
    )
    assert lights(replace(made, risk_of_bias=()), trial) == ""


def test_a_study_that_is_not_used_takes_no_room_for_what_nobody_knows(told: Answer) -> None:
    out = Trial(id="z", label="Zed 2001", citation="x", use="excluded", reason="no numbers")
    table = trials(with_review(told, trials=(*told.review.trials, out)))
    assert set(table.rows[-1][1:-1]) == {""}
    assert table.rows[-1][-1] == "No numbers"
    assert None in table.rows[0]


def test_a_folder_that_tells_everything_leaves_nothing_absent() -> None:
    html = page(assess(FIXTURES["told"](), on=ON)).files["index.html"].decode()
    record_of = html[html.index('id="methods"') :]
    for absent in (
        "No protocol was registered",
        "Nobody counted",
        "Nobody has looked up",
        "Nobody has judged the risk",
        "No history is told",
        "No address for reporting",
    ):
        assert absent not in record_of
    assert "Include" in record_of
    assert "It became: It may help" in re.sub(r"<[^>]+>", "", record_of)
    assert "makers or sellers: a maker" in html
    assert "randomisation +" in html
