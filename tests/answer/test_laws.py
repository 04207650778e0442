"""The verdict's laws, on evidence that was made up at random and went the whole way."""

from datetime import date
from itertools import pairwise

from bench import Bench
from fixture_reviews import asked
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from equipoise.answer.assess import assess
from equipoise.answer.wording import LABELS

ON = date(2026, 11, 22)
#: From the least to the most favourable to trying it; UNKNOWN stands apart. MAYNOT and NOTWORTH say
#: the same of the benefit, little or none, and differ in how sure that is: a shift of every trial
#: may take an interval off a line between sizes and so turn one into the other.
FAVOUR = {"AVOID": 0, "NOTWORTH": 1, "MAYNOT": 1, "CLOSE": 2, "MAYHELP": 3, "WORTH": 4}


def evidence(benefits, people, *, taken=0, harm="", burden="low") -> str:
    bench = Bench()
    for i, benefit in enumerate(benefits):
        name = f"t{i}"
        bench.trial(name, {"x": ["active"], "c": ["sham"]}, n_randomized=2 * people)
        bench.mean(name, "x", 50 - benefit, 20, people).mean(name, "c", 50, 20, people)
    for domain, levels in (("indirectness", min(taken, 2)), ("publication bias", taken - 2)):
        if levels > 0:
            bench.judge("certainty", f"-{levels}", outcome="pain", domain=domain)
    asked(bench)
    if harm == "possible":
        bench.harm("collapse", severity="serious", kind="survey", events=3, source="a survey")
    if harm == "likely":
        asked(bench, "stroke", x=80, c=5, severity="serious")
    if burden:
        bench.judge("burden", burden)
    return assess(bench.review(), on=ON).verdict.code


BENEFITS = st.lists(st.floats(-30, 30).map(lambda v: round(v, 2)), min_size=1, max_size=3)
PEOPLE = st.integers(20, 900)
TAKEN = st.integers(0, 3)


@settings(max_examples=60, deadline=None)
@given(BENEFITS, PEOPLE, TAKEN, st.sampled_from(["", "possible", "likely"]))
def test_every_evidence_has_one_answer(benefits, people, taken, harm):
    assert evidence(benefits, people, taken=taken, harm=harm) in LABELS


@settings(max_examples=60, deadline=None)
@given(BENEFITS, PEOPLE, TAKEN, st.floats(0.5, 25))
@example([0.0, -4.0], 126, 1, 1.0)
def test_more_benefit_in_every_trial_is_never_less_favourable(benefits, people, taken, more):
    here = evidence(benefits, people, taken=taken)
    there = evidence([b + more for b in benefits], people, taken=taken)
    assume("UNKNOWN" not in (here, there))
    assert FAVOUR[there] >= FAVOUR[here]


@settings(max_examples=40, deadline=None)
@given(BENEFITS, PEOPLE, TAKEN)
def test_more_harm_and_more_burden_are_never_more_favourable(benefits, people, taken):
    codes = [evidence(benefits, people, taken=taken, harm=h) for h in ("", "possible", "likely")]
    known = [c for c in codes if c != "UNKNOWN"]
    assert all(FAVOUR[a] >= FAVOUR[b] for a, b in pairwise(known))
    easy, hard = (evidence(benefits, people, taken=taken, burden=b) for b in ("low", "notable"))
    assume("UNKNOWN" not in (easy, hard))
    assert FAVOUR[hard] <= FAVOUR[easy]


@settings(max_examples=40, deadline=None)
@given(BENEFITS, PEOPLE)
def test_less_certainty_never_leads_away_from_we_do_not_know(benefits, people):
    codes = [evidence(benefits, people, taken=t) for t in range(4)]
    unknown = [c == "UNKNOWN" for c in codes]
    assert unknown == sorted(unknown)
