"""Comparison groups that did not get the same: it is said, and the result is listed by them."""

from datetime import date

import pytest
from bench import Bench

from equipoise.answer.assess import assess
from equipoise.core.provenance import plain

ON = date(2026, 11, 22)


def mixed(n=900):
    bench = Bench()
    bench.trial("t1", {"x": ["active"], "c": ["sham"]})
    bench.mean("t1", "x", 49, 20, n).mean("t1", "c", 50, 20, n)
    bench.trial("t2", {"x": ["solution"], "c": ["usual"]}, blinding="unclear")
    bench.mean("t2", "x", 30, 20, n).mean("t2", "c", 50, 20, n)
    return bench


def test_sham_and_usual_care_are_told_apart():
    answer = assess(mixed().review(), on=ON)
    outcome = answer.outcomes[0]
    told = "The comparison groups did not all get the same: sham (T1 2020); usual (T2 2020)."
    assert told in outcome.statement_plain
    assert told in outcome.statement_clinical
    assert told in answer.alone.sentence
    assert outcome.compared_with == "sham or usual"
    assert "compared it with sham or usual" in answer.key_messages[0]
    one, two = outcome.against
    assert (one.name, one.trials) == ("sham", ("T1 2020",))
    assert (one.effect.value, two.effect.value) == (pytest.approx(-1), pytest.approx(-20))
    assert two.people.value == 1800
    assert "20.0 points lower" in plain(two.words)


def test_two_shams_are_no_difference(isolating):
    bench = isolating((-8, 20, 50))
    bench.trial("t9", {"x": ["active"], "c": ["injection"]})
    bench.mean("t9", "x", 32, 20, 50).mean("t9", "c", 40, 20, 50)
    outcome = assess(bench.review(), on=ON).outcomes[0]
    assert outcome.against == ()
    assert outcome.compared_with == ""
    assert "comparison groups" not in outcome.statement_plain


def test_other_care_for_everybody_is_no_comparator(isolating):
    bench = isolating((-8, 20, 50))
    bench.trial("t9", {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
    bench.mean("t9", "x", 32, 20, 50).mean("t9", "c", 40, 20, 50)
    assert assess(bench.review(), on=ON).outcomes[0].against == ()


def test_published_differences_name_the_group_that_went_without():
    bench = mixed()
    bench.trial("t3", {"x": ["solution"], "c": ["usual"]}, blinding="unclear")
    bench.contrast("t3", "c", "x", 21, se=2.0, n1=200, n2=200)
    two = assess(bench.review(), on=ON).outcomes[0].against[1]
    assert two.trials == ("T2 2020", "T3 2020")
    assert two.name == "usual"
    assert two.people.value == 2200


def test_a_page_of_mixed_comparators_lists_them_and_passes_its_checks():
    from fixture_reviews import asked, finished

    from equipoise.present.pages import Place, answer_files

    bench = asked(mixed())
    bench.judge("burden", "low")
    files, found = answer_files(assess(finished(bench, "mixed"), on=ON), Place("s.css"))
    page = files["index.html"].decode()
    assert "By what the comparison groups got:" in page
    faults = [f"{c.number} {f.what}" for c, f in found.faults() if c.severity == "error"]
    assert faults == []
