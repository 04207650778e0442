"""Compression stockings for air travellers: the summary of findings of a guideline, as a page.

Higgins JPT, Green S (editors). Cochrane Handbook 5.1, figure 11.5.a; in version 6 table 14.1.a,
after Clarke MJ and others (2006), Cochrane Database Syst Rev CD004002. Printed: symptomless deep
vein thrombosis RR 0.10 (0.04 to 0.26), of 1000 people at low risk 10 become 1 (0 to 3), at high
risk 30 become 3 (1 to 8); superficial vein thrombosis RR 0.45 (0.18 to 1.13), 13 become 6 (2 to
15); oedema 4.7 points less (4.9 to 4.5); where nobody had the event the row stays, "not
estimable".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from bench import Bench
from fixture_reviews import finished

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import fixed
from equipoise.present import tables
from equipoise.present.pages import page
from equipoise.review.records import Baseline, Outcome, Threshold

ON = date(2026, 11, 22)
SILENT = ("symptomatic", "embolism", "death")


def binary(id: str, label: str, *risks: tuple[str, float], **kw: object) -> Outcome:
    return Outcome(
        id=id,
        label=label,
        plain=f"the chance of {label.lower()}",
        type="binary",
        measure="RR",
        better="lower",
        importance="critical",
        weeks=(0, 4, 1),
        self_reported=False,
        thresholds=(
            Threshold(
                name="one in a hundred", kind="between-group", small=10, source="made up", main=True
            ),
        ),
        baselines=tuple(
            Baseline(name=name, value=risk, source="the Handbook", main=i == 0)
            for i, (name, risk) in enumerate(risks)
        ),
        **kw,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def stockings() -> Answer:
    bench = Bench()
    bench.outcomes = [
        binary(
            "dvt",
            "Symptomless thrombosis",
            ("people at low risk", 10.0),
            ("people at high risk", 30.0),
            decides=True,
        ),
        binary("superficial", "Superficial thrombosis", ("people who fly", 13.0)),
        Outcome(
            id="oedema",
            label="Swelling",
            plain="swelling",
            type="continuous",
            measure="MD",
            better="lower",
            importance="important",
            weeks=(0, 4, 1),
            scale=(0, 10),
            unit="points",
        ),
        *(binary(id, id.capitalize()) for id in SILENT),
    ]
    # What the figure prints is the pooled result: it is entered as that of one trial.
    bench.trial("pooled", {"x": ["active"], "c": ["sham"]}, n_randomized=2637)
    for outcome, measure, *numbers in (
        ("dvt", "RR", 0.10, 0.04, 0.26),
        ("superficial", "RR", 0.45, 0.18, 1.13),
        ("oedema", "MD", -4.7, -4.9, -4.5),
    ):
        estimate, low, high = numbers
        bench.contrast(
            "pooled",
            "x",
            "c",
            estimate,
            outcome=outcome,
            measure=measure,
            weeks=1.0,
            ci_low=low,
            ci_high=high,
            n1=1300,
            n2=1300,
        )
    for outcome in SILENT:
        for arm in ("x", "c"):
            bench.events("pooled", arm, 0, 1300, outcome=outcome, weeks=1.0)
    return assess(finished(bench, "stockings"), on=ON)


def shown(q: Quantity | None) -> str:
    assert q is not None
    assert q.low is not None
    assert q.high is not None
    return f"{fixed(q.value, 0)} ({fixed(q.low, 0)} to {fixed(q.high, 0)})"


def test_each_kind_of_people_has_its_printed_numbers(stockings: Answer) -> None:
    low, high = stockings.outcome("dvt").strata
    assert shown(low.absolute.with_) == "1 (0 to 3)"
    assert shown(high.absolute.with_) == "3 (1 to 8)"
    told = stockings.outcome("superficial").absolute
    assert told is not None
    assert shown(told.with_) == "6 (2 to 15)"


def test_points_are_printed_as_they_were(stockings: Answer) -> None:
    told = stockings.outcome("oedema").absolute
    assert told is not None
    d = told.difference
    assert (d.value, d.low, d.high) == pytest.approx((-4.7, -4.9, -4.5), abs=1e-9)


def test_rows_that_cannot_be_estimated_stay(stockings: Answer) -> None:
    table = tables.findings(stockings)
    assert len(table.rows) == 6
    text = table.to_text()
    html = page(stockings).files["index.html"].decode()
    evidence = html.partition('<section id="evidence"')[2].partition("</section>")[0]
    for id in SILENT:
        outcome = stockings.outcome(id)
        assert outcome.pooled is None
        said = plain(outcome.statement_plain)
        assert "none of 2600 people had it in either group" in said
        assert "cannot be ruled out" in said
        assert id.capitalize() in text
        assert f"{id.capitalize()} (people of every 1000)" in evidence
    assert text.count("not estimable") >= len(SILENT)
    assert evidence.count("not estimable") >= len(SILENT)


def test_no_row_is_lost_when_nobody_reports_it(stockings: Answer) -> None:
    review = replace(
        stockings.review,
        results=tuple(r for r in stockings.review.results if r.outcome != "death"),
    )
    answer = assess(review, on=ON)
    assert [o.id for o in answer.outcomes] == [o.id for o in stockings.outcomes]
    assert "Death" in tables.findings(answer).to_text()
