"""Reading grade: the published formulas, syllables of known words, and names set aside."""

from __future__ import annotations

import pytest

from equipoise.core.errors import InputError
from equipoise.present.reading import ease, grade, reading_level, sentences, smog, syllables, words

#: Words with their syllables, by a dictionary.
KNOWN: dict[int, str] = {
    1: "pain back knee drug dose cause moved stopped asked helped trained scores joints through "
    "most though health thought rate side home life these whole course nurse please breathe scarce "
    "weighed leaves",
    2: "after doctor needle needle's treatment people trial surgeon numbness tested needed wanted "
    "people's study swelling injured muscle table little middle walking lower spinal harmful "
    "careless sickness trials closely useless",
    3: "injection exercise therapy medicine hospital evidence certainty placebo placebo's disabled "
    "reported randomized family together infection physical surgical",
    4: "repeated anaesthetic diabetes uncertainty information",
    5: "disability manipulation prolotherapy paracetamol possibility",
}


@pytest.mark.parametrize(
    ("word", "number"), [(w, n) for n, line in KNOWN.items() for w in line.split()]
)
def test_syllables_of_known_words(word: str, number: int) -> None:
    assert syllables(word) == number


def test_the_published_formulas() -> None:
    # 100 words, 10 sentences, 150 syllables; 30 long words in 30 sentences.
    assert grade(100, 10, 150) == pytest.approx(6.01)
    assert ease(100, 10, 150) == pytest.approx(69.785)
    assert smog(30, 30) == pytest.approx(8.8418, abs=1e-4)


def test_sentences_and_words() -> None:
    text = "It is 3.5 points, e.g. of ten. Is it? Yes!"
    assert len(sentences(text)) == 3
    assert words("It’s 1,000 of them") == ["It’s", "1,000", "of", "them"]


def test_names_are_set_aside() -> None:
    text = "Prolotherapy may help. Prolotherapy stings."
    with_names, without = reading_level(text), reading_level(text, names=["prolotherapy"])
    assert with_names.syllables - without.syllables == 2 * (5 - 1)
    assert without.grade < with_names.grade
    assert without.words == with_names.words == 5
    assert "grade" in repr(without)


def test_items_of_a_list_end_a_sentence() -> None:
    assert reading_level(["One", "two"]).sentences == 2


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(InputError, match="without a word"):
        reading_level(" … ")
