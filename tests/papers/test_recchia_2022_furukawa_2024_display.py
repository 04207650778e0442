"""Published contrasts of two pages on "alone or in combination": what the words may say.

Recchia F and others (2022). Comparative effectiveness of exercise, antidepressants and their
combination in treating non-severe depression. Br J Sports Med 56:1375,
doi:10.1136/bjsports-2022-105964. Furukawa Y and others (2024). Components and delivery formats of
cognitive behavioral therapy for chronic insomnia in adults. JAMA Psychiatry 81:357,
doi:10.1001/jamapsychiatry.2023.5060. No results of arms are given here: the printed contrasts are
entered, and the display is held to their intervals.
"""

from __future__ import annotations

import itertools
import re

import pytest

from equipoise.answer.wording import both_ends, statement_plain
from equipoise.certainty.thresholds import classify, signed
from equipoise.effects.contrasts import contrasts, published
from equipoise.models.components.basis import attribution, identifiability_map
from equipoise.models.components.fit import components
from equipoise.models.network.fit import network
from equipoise.models.pairwise import pairwise
from equipoise.review.records import Threshold

BOTH = "exercise+antidepressant"
#: First, second, standardised mean difference of symptoms (lower is better), interval, as shown.
RECCHIA = [
    ("exercise", "antidepressant", -0.12, -0.33, 0.10),
    (BOTH, "exercise", 0.00, -0.33, 0.33),
    (BOTH, "antidepressant", -0.12, -0.40, 0.16),
    ("antidepressant", "control", -0.33, -0.49, -0.16),
]
#: Component, ratio of odds of remission (higher is better), interval.
FURUKAWA = [
    ("cognitive restructuring", 1.68, 1.28, 2.20, "1.68 (1.28 to 2.20)"),
    ("third-wave components", 1.49, 1.10, 2.03, "1.49 (1.10 to 2.03)"),
    ("sleep restriction", 1.49, 1.04, 2.13, "1.49 (1.04 to 2.13)"),
]
CLAIM = re.compile(r"\b(better|superior|more effective|improves?|outperforms?)\b", re.IGNORECASE)


def recchia(rows: list[tuple[str, str, float, float, float]]) -> object:
    one, two, estimate, low, high = zip(*rows, strict=True)
    return published("SMD", estimate=estimate, ci_low=low, ci_high=high, treat1=one, treat2=two)


#: The same of the paper's network, beside the pairwise synthesis above.
OF_THE_NETWORK = ("antidepressant", "control", -0.33, -0.48, -0.19)


@pytest.mark.parametrize(
    "row", [*RECCHIA, OF_THE_NETWORK], ids=lambda row: f"{row[0]} against {row[1]}, {row[3]}"
)
def test_a_printed_contrast_is_shown_as_it_was_printed(
    row: tuple[str, str, float, float, float],
) -> None:
    one, two, estimate, low, high = row
    fit = network(recchia([row]), model="common", reference=two)  # type: ignore[arg-type]
    text = fit.against().to_text().replace("−", "-")
    assert f"{estimate:.2f} (" in text
    found = fit.effect(one, two)
    # The interval is rebuilt about the estimate: a printed one is off its middle by rounding.
    assert (found.ci.low, found.ci.high) == pytest.approx((low, high), abs=0.0051)
    assert (low <= 0.0 <= high) == (found.ci.low <= 0.0 <= found.ci.high)


def test_the_published_heterogeneity_is_shown_as_it_was_printed() -> None:
    """tau² 0.03, I² 46%, of 21 trials with 2,551 people."""
    fit = network(recchia(RECCHIA), tau2=0.03, reference="control")  # type: ignore[arg-type]
    assert fit.tau2 == 0.03
    assert "tau² 0.03, given" in fit.summary()
    assert not CLAIM.search(fit.summary())
    # Trials of that many people each have such variances that the two numbers say the same: I² is
    # 46% for a tau² that prints as 0.03.
    k, people = 21, 2551
    es = contrasts(yi=[-0.12] * k, vi=[4.0 * k / people] * k, measure="SMD")
    low, high = (pairwise(es, tau2=t).i2 for t in (0.025, 0.035))
    assert low < 46.0 < high
    i2 = pairwise(es, tau2=0.03).i2
    assert i2 == pytest.approx(46.0, abs=2.5)


def test_more_people_stop_taking_part_and_no_word_makes_that_a_benefit() -> None:
    """Drop-out, a ratio of risks where lower is better."""
    es = published(
        "RR",
        estimate=[1.31],
        ci_low=[1.09],
        ci_high=[1.57],
        treat1=["exercise"],
        treat2=["control"],
    )
    fit = network(es, model="common", reference="control")
    assert "1.31 (1.09 to 1.57)" in fit.against().to_text()
    ranks = fit.ranking("lower")
    assert ranks.certain == (("control", "exercise"),)
    assert not CLAIM.search(fit.summary())


def test_no_words_say_that_the_combination_is_better() -> None:
    fit = network(recchia(RECCHIA), model="common", reference="control")  # type: ignore[arg-type]
    ranks = fit.ranking("lower")
    for part in ("exercise", "antidepressant"):
        e = fit.effect(BOTH, part)
        assert e.ci.low < 0.0 < e.ci.high
        assert (BOTH, part) not in ranks.certain
        assert (BOTH, part) not in ranks.hasse()
    # What the interval does say is kept.
    assert ("antidepressant", "control") in ranks.certain
    assert not CLAIM.search(fit.summary())
    assert not CLAIM.search(fit.league().to_text())


def test_a_rank_is_never_told_as_an_order() -> None:
    """The combination may be first by P-score; the table says how many it surely beats."""
    fit = network(recchia(RECCHIA), model="common", reference="control")  # type: ignore[arg-type]
    ranks = fit.ranking("lower")
    table = ranks.table()
    column = [c.key for c in table.columns].index("surely")
    surely = {row[0]: row[column] for row in table.rows}
    for one in fit.treatments:
        excluded = sum(fit.effect(one, two).ci.high < 0.0 for two in fit.treatments if two != one)
        assert surely[one] == excluded
    assert surely[BOTH] < len(fit.treatments) - 1


def test_alone_added_and_together_are_three_answers() -> None:
    es = recchia(RECCHIA)
    fit = components(es, inactive="control", model="common", interactions="identifiable")  # type: ignore[arg-type]
    told = attribution(fit, "exercise", "antidepressant")
    assert told.added.effect is not None
    assert told.added.effect.ci.low < 0.0 < told.added.effect.ci.high
    assert told.interaction is not None
    assert told.interaction.effect is not None
    # Together they do less than the sum of both: lower is better, and the interaction is above 0.
    assert told.interaction.effect.ci.low > 0.0
    assert not CLAIM.search(told.summary())
    assert not CLAIM.search(repr(told))


#: A difference that is small, moderate or large, in standard deviations (made up for this test).
CUTS = Threshold(
    name="made up", kind="between-group", small=0.2, moderate=0.5, large=0.8, source="Cohen 1988"
)


@pytest.mark.parametrize(
    ("row", "level"), list(itertools.product(RECCHIA[:3], ("high", "moderate", "low", "very low")))
)
def test_the_fixed_sentences_do_not_claim_it_either(
    row: tuple[str, str, float, float, float], level: str
) -> None:
    """At no certainty: the point is trivial, and both ends are told where they differ."""
    one, two, *numbers = row
    sizes = [classify(signed(x, "lower"), CUTS) for x in numbers]
    words = {"x": one, "o": "depression", "y": two}
    said = statement_plain(sizes[0], level, **words)  # type: ignore[arg-type]
    assert not CLAIM.search(said)
    assert "do not know" in said or "little to no difference" in said
    ends = both_ends(sizes[2], sizes[1], level, o=words["o"])  # type: ignore[arg-type]
    if sizes[1] != sizes[2] and level != "very low":
        assert ends.startswith("The results fit with anything")


def test_components_are_shown_as_they_were_printed_and_the_sum_is_marked() -> None:
    names, estimate, low, high, shown = zip(*FURUKAWA, strict=True)
    es = published(
        "OR",
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        treat1=names,
        treat2=["education"] * 3,
        study=["a", "b", "c"],
    )
    fit = components(es, inactive="education", model="common")
    both = "cognitive restructuring+sleep restriction"
    told = identifiability_map(fit, also=[both])
    text = told.table().to_text()
    for name, bounds in zip(names, shown, strict=True):
        found = fit.component(name)
        assert found.ci.low > 0.0
        assert bounds[:5] in text
    row = told.row(both)
    # Nobody tried the two together: whatever it says rests on effects adding up, and says so.
    assert not row.tried
    assert row.direct == 0
    assert row.effect is not None
    assert row.sentence.endswith("No trial compared exactly this: it rests on effects adding up.")
    assert any(note.code == "additive" for note in told.notes)
    assert not CLAIM.search(told.summary())
