"""Any records that a person could have typed are written so that they read back as the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from equipoise.review.cells import is_placeholder
from equipoise.review.folder import _frozen, read_folder
from equipoise.review.reader import read_texts
from equipoise.review.records import ArticleSection, RedFlag, Review
from equipoise.review.render import number, render, toml_value, without_places
from equipoise.review.vocabulary import FLAGS

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
WORDS = st.text(CHARACTERS, max_size=30).filter(lambda t: bool(t.strip()) and not is_placeholder(t))
NOTES = st.just("") | WORDS
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
FLAG_SETS = st.lists(st.sampled_from(sorted(FLAGS)), unique=True, max_size=3).map(tuple)
PROSE = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Cc", "Cs"]), max_size=40)
    .map(str.strip)
    .filter(lambda t: not is_placeholder(t) and not t.startswith("##") and "<!--" not in t)
)


@pytest.fixture(scope="module")
def base() -> Review:
    return read_folder(Path(__file__).parent / "sound" / "tonic-cough")


def again(review: Review) -> Review:
    return _frozen(read_texts(render(review), review.slug), review.slug)


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],  # shrinking is slow here
)
def test_texts_and_numbers_survive(base: Review, data: st.DataObject) -> None:
    draw: Callable[[st.SearchStrategy[Any]], Any] = data.draw
    replace = dataclasses.replace
    row = replace(
        base.results[0],
        mean=draw(st.floats(0, 100)),
        sd=draw(st.none() | st.floats(1e-6, 1e6)),
        weeks=draw(st.floats(0, 1000)),
        flags=tuple({*draw(FLAG_SETS), "unusable"}),
        instrument=draw(NOTES),
        source=draw(NOTES),
        note=draw(NOTES),
    )
    outcome = base.outcomes[0]
    threshold = replace(
        outcome.thresholds[0],
        small=draw(st.floats(1e-3, 5)),
        moderate=None,
        source=draw(WORDS),
        method=draw(NOTES),
    )
    review = replace(
        base,
        title=draw(WORDS),
        cautions=tuple(draw(st.lists(WORDS, max_size=3))),
        red_flags=tuple(RedFlag(text=t) for t in draw(st.lists(WORDS, max_size=2))),
        question=replace(base.question, population=draw(WORDS), not_for=draw(NOTES)),
        outcomes=(
            replace(outcome, thresholds=(threshold,), unit=draw(NOTES), label=draw(WORDS)),
            *base.outcomes[1:],
        ),
        people=(replace(base.people[0], name=draw(WORDS)), base.people[1]),
        trials=(replace(base.trials[0], citation=draw(WORDS), note=draw(NOTES)), *base.trials[1:]),
        results=(row, *base.results[1:]),
        harms=(replace(base.harms[0], plain=draw(WORDS), at_risk=draw(NOTES)), *base.harms[1:]),
        judgements=(replace(base.judgements[1], why=draw(WORDS)),),
        article=(
            ArticleSection(id="treatment", title="What it is", text=draw(PROSE), line=1),
            *base.article[1:],
        ),
    )
    assert without_places(again(review)) == without_places(review)


@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_numbers_are_written_exactly(value: float) -> None:
    assert float(number(value)) == value


def test_every_key_of_a_review_is_written(base: Review) -> None:
    person = dataclasses.replace(
        base.people[1],
        orcid="0000-0002-1825-0097",
        disclosures=(
            dataclasses.replace(
                base.people[1].disclosures[0],
                type="financial",
                entity='the "Tonic" company',
                direction="favours",
                period="2020 to 2024",
                text="sells tonic",
            ),
        ),
    )
    review = dataclasses.replace(
        base,
        people=(base.people[0], person),
        plan=dataclasses.replace(base.plan, model="common", interval="HK", level=0.9),
        search=dataclasses.replace(base.search, sources="all", doi="10.1000/x", found="12"),
        changes=(dataclasses.replace(base.changes[0], verdict_before="UNKNOWN"),),
        options=(
            dataclasses.replace(base.options[0], visits="one", cost="little"),
            base.options[1],
        ),
        outcomes=(dataclasses.replace(base.outcomes[0], self_reported=False), *base.outcomes[1:]),
    )
    assert without_places(again(review)) == without_places(review)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (5.0, "5"),
        (0.05, "0.05"),
        ('a "b"\n\x7f', '"a \\"b\\"\\n\\u007f"'),
        (("a", 1), '["a", 1]'),
        ((), "[]"),
    ],
)
def test_toml_values(value: object, text: str) -> None:
    assert toml_value(value) == text
