"""Claims of an article held against the evidence: each state, and nothing said too surely."""

from dataclasses import replace
from datetime import date

import pytest

from equipoise.answer.assess import assess
from equipoise.answer.claims import claim_problems, judge_claims
from equipoise.core.provenance import plain
from equipoise.review.records import Claim
from equipoise.review.vocabulary import CLAIMS

ON = date(2026, 11, 22)


def lines_of(bench, *claims: Claim, text: str = "", others=None):
    review = bench.review(claims=claims, text={"article.md": text} if text else {})
    return judge_claims(assess(review, on=ON), others)


def state(bench, **kw) -> str:
    kw.setdefault("id", "c")
    return lines_of(bench, Claim(**kw))[0].state


def asked(bench, trials, harm="soreness", x=9, c=3, n=400, **kw):
    for trial in trials:
        for arm, events in (("x", x), ("c", c)):
            bench.harm(harm, trial=trial, arm=arm, events=events, n=n, asked="yes", **kw)
    return bench


@pytest.fixture
def helps(isolating):
    """High certainty of a moderate benefit."""
    return asked(isolating((-14, 20, 400), (-15, 20, 400)), ["t1", "t2"])


@pytest.fixture
def useless(isolating):
    """High certainty of no important difference."""
    return asked(isolating((0, 20, 900), (0.5, 20, 900)), ["t1", "t2"])


@pytest.fixture
def small_trial(isolating):
    """One small trial: very low certainty."""
    return isolating((-8, 25, 12), rob="high")


def test_what_high_certainty_supports_and_contradicts(helps, useless):
    for about in ("overall", "alone"):
        assert state(helps, about=about, says="better") == "supported"
        assert state(helps, about=about, says="worse") == "contradicted"
        assert state(helps, about=about, says="little difference") == "contradicted"
        assert state(helps, about=about, says="not known") == "contradicted"
        assert state(useless, about=about, says="little difference") == "supported"
        assert state(useless, about=about, says="better") == "contradicted"


def test_a_doubtful_trial_supports_only_that_it_is_not_known(small_trial):
    for says in ("better", "worse", "little difference"):
        assert state(small_trial, about="alone", says=says) == "goes beyond"
    assert state(small_trial, about="alone", says="not known") == "supported"
    assert state(small_trial, about="added", says="not known") == "supported"
    assert state(small_trial, about="added", says="better") == "goes beyond"


def test_a_sentence_may_say_it_only_as_surely_as_the_evidence(helps):
    helps.last_search = "2009-07"  # caps certainty at low
    assert state(helps, about="alone", says="better", sure="may") == "supported"
    assert state(helps, about="alone", says="better", sure="probably") == "goes beyond"
    assert state(helps, about="alone", says="better") == "goes beyond"
    line = lines_of(helps, Claim(id="c", about="alone", says="better"))[0]
    assert "this sentence needs high" in line.why
    assert plain(line.supports).startswith("The solution on its own may")


def test_interactions_need_trials_that_test_them(helps):
    assert state(helps, about="interaction", says="stronger") == "goes beyond"
    assert state(helps, about="interaction", says="not known") == "supported"
    line = lines_of(helps, Claim(id="c", about="interaction", says="stronger"))[0]
    assert "groups with both, with each of them, and with neither" in line.supports


def test_which_part_did_the_work(bench):
    bench.trial("t1", {"x": ["active", "exercise"], "c": ["sham", "usual"]})
    bench.mean("t1", "x", 30, 20, 50).mean("t1", "c", 45, 20, 50)
    assert state(bench, about="part", says="not known") == "supported"
    assert state(bench, about="part", says="the treatment") == "goes beyond"
    for name in ("t2", "t3"):
        bench.trial(name, {"x": ["active", "exercise"], "c": ["sham", "exercise"]})
        bench.mean(name, "x", 25, 20, 400).mean(name, "c", 40, 20, 400)
    assert state(bench, about="part", says="the treatment") == "supported"
    assert state(bench, about="part", says="the other care") == "contradicted"
    assert state(bench, about="part", says="not known") == "goes beyond"


def test_harms(helps):
    helps.harm("collapse", severity="serious", kind="survey", events=12, source="a survey")
    helps.harm("fainting", kind="theory", source="a label")
    asked(helps, ["t1", "t2"], harm="fever", x=0, c=0)

    def harm(says, name="", **kw):
        return state(helps, about="harm", says=says, harm=name, **kw)

    assert harm("happens", "collapse") == "supported"
    assert harm("happens", "fainting") == "goes beyond"
    assert harm("mild") == "contradicted"
    assert harm("mild", "soreness") == "supported"
    assert harm("rare", "soreness") == "contradicted"
    assert harm("rare", "collapse") == "goes beyond"
    assert harm("rare") == "contradicted"
    assert harm("only suspected", "fainting") == "supported"
    assert harm("only suspected", "collapse") == "contradicted"
    assert harm("not seen", "fever") == "supported"
    assert harm("not seen", "soreness") == "contradicted"
    assert harm("not seen", "fainting") == "goes beyond"
    assert harm("at most", "fever", at_most=4) == "supported"
    assert harm("at most", "fever", at_most=3) == "goes beyond"
    assert harm("not known", "collapse") == "supported"
    assert harm("not known", "soreness") == "contradicted"
    assert harm("not known") == "goes beyond"


def test_what_cannot_be_tested(helps, small_trial):
    assert state(small_trial, about="harm", says="mild") == "not testable"
    assert state(helps, about="overall", says="better", outcome="sleep") == "not testable"
    elsewhere = Claim(id="c", about="overall", says="better", review="other")
    assert lines_of(helps, elsewhere)[0].state == "not testable"
    other = assess(small_trial.review(), on=ON)
    assert lines_of(helps, elsewhere, others={"other": other})[0].state == "goes beyond"


def test_a_claim_about_another_time_cannot_be_tested(helps):
    first, last, aim = helps.review().outcomes[0].weeks
    assert state(helps, about="alone", says="better", weeks=aim) == "supported"
    for weeks in (first / 2, last + 1):
        assert state(helps, about="alone", says="better", weeks=weeks) == "not testable"
    claim = Claim(id="c", about="overall", says="better", weeks=last + 1)
    (line,) = lines_of(helps, claim)
    assert f"after {first:g} to {last:g} weeks" in line.why
    assert line.asserts.endswith(f"after {last + 1:g} weeks")


def test_a_problem_says_why_and_has_no_marks(small_trial):
    text = "# X\n\n## W {#treatment}\n\n[It helps](claim:c).\n"
    (found,) = claim_problems(
        lines_of(small_trial, Claim(id="c", about="alone", says="better"), text=text)
    )
    assert "certainty very low" in found.what
    assert "⟦" not in found.what + found.hint


def test_an_article_is_held_to_its_own_claims_and_to_changes_of_quoted_ones(small_trial):
    text = "# X\n\n## W {#treatment}\n\n[It\nhelps](claim:own), [they say](claim:quoted).\n"
    own = Claim(id="own", about="alone", says="better")
    quoted = Claim(id="quoted", about="alone", says="better", quoted=True, was="supported")
    lines = lines_of(small_trial, own, quoted, text=text)
    assert [(x.words, x.line) for x in lines] == [("It helps", 5), ("they say", 6)]
    problems = claim_problems(lines)
    assert [(p.code, p.line) for p in problems] == [("E-CLAIM-STATE", 5), ("E-CLAIM-MOVED", 6)]
    kept = lines_of(small_trial, replace(quoted, was="goes beyond"), text=text)
    assert kept[0].stands
    assert claim_problems(kept) == ()


@pytest.mark.parametrize(("about", "says"), [(a, s) for a, all_ in CLAIMS.items() for s in all_])
def test_every_claim_is_judged_and_said_in_full(helps, about, says):
    at_most = 5.0 if says == "at most" else None
    line = lines_of(helps, Claim(id="c", about=about, says=says, at_most=at_most))[0]
    assert line.asserts
    assert line.why.endswith(".")
    assert line.state in ("supported", "contradicted", "goes beyond", "not testable")
