"""How hard a text is to read: grade, ease and SMOG, with syllables counted by rule.

Sources: Kincaid 1975 (Research Branch Report 8-75) for the grade, Flesch 1948 (J Appl Psychol
32:221, doi 10.1037/h0057532) for the ease, McLaughlin 1969 (J Reading 12:639) for SMOG. Syllables
are groups of vowels with the usual corrections, and a list of words where the rule is wrong.
A score warns of long words and sentences; it does not show that anybody understood.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from equipoise.core.errors import InputError
from equipoise.core.result import Result

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,]\d+)*")
_VOWELS = re.compile(r"[aeiouyäöüáéèêíóúà]+")
#: A full stop between digits or after a short form ends no sentence.
_END = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9ÄÖÜ])")
#: Vowels that stand together and are heard apart: tri-al, vari-ous, soci-ety, try-ing, radi-o.
_HIATUS = re.compile(
    r"ie(?=ty|nce)|(?<![tcsgx])ia(?!ge)|(?<=[dnrv])ious|(?<=[dpr])io(?!n|us)|(?<=[^tcsgxnl])ion"
    r"|y(?=ing)|ua(?=[lt])|uou|iu(?=m)|yalu|eous|uity|ea(?=[tl]e)|oe(?=m)|eo(?=r)|e(?=ing\b)"
)
_SILENT_E = re.compile(r"(?<=[^aeiouy])(?<![^aeiouyl]l)e$|(?<=[aeiou][^aeiouy])e$|[aeiou]ue$|eue$")
_SILENT_ES = re.compile(r"(?<=[^aeioucsxzgy])(?<![^aeiouyl]l)(?<!sh)(?<!ch)es$")
_SILENT_ED = re.compile(r"(?<=[^aeiouytdl])ed$|(?<=[aeiouyl]l)ed$")
_SHORT = ("e.g.", "i.e.", "etc.", "Dr.", "vs.", "et al.", "Mr.", "Ms.", "Prof.")

#: Words whose syllables the rule gets wrong, mostly medical ones.
SYLLABLES: dict[str, int] = {
    "people": 2,
    "being": 2,
    "doing": 2,
    "going": 2,
    "seeing": 2,
    "trial": 2,
    "trials": 2,
    "science": 2,
    "diet": 2,
    "quiet": 2,
    "idea": 3,
    "ideas": 3,
    "area": 3,
    "areas": 3,
    "real": 1,
    "really": 2,
    "create": 2,
    "created": 3,
    "reaction": 3,
    "reactions": 3,
    "reacted": 3,
    "react": 2,
    "business": 2,
    "everybody": 4,
    "everything": 3,
    "everywhere": 3,
    "every": 2,
    "everyday": 3,
    "several": 2,
    "different": 2,
    "difference": 2,
    "differences": 3,
    "medicine": 3,
    "medicines": 3,
    "osteoarthritis": 6,
    "arthritis": 3,
    "anaesthetic": 4,
    "anesthetic": 4,
    "anaesthesia": 5,
    "prolotherapy": 5,
    "therapy": 3,
    "therapies": 3,
    "diabetes": 4,
    "disease": 2,
    "diseases": 3,
    "oedema": 3,
    "haemorrhage": 3,
    "diarrhoea": 4,
    "glucose": 2,
    "lignocaine": 3,
    "lidocaine": 3,
    "saline": 2,
    "placebo": 3,
    "vaccine": 2,
    "muscle": 2,
    "muscles": 2,
    "knee": 1,
    "knees": 1,
    "ache": 1,
    "aches": 1,
    "stiffness": 2,
    "somebody": 3,
    "something": 2,
    "sometimes": 2,
    "somewhere": 2,
    "someone": 2,
    "themselves": 2,
    "ourselves": 2,
    "yourselves": 2,
    "therefore": 2,
    "sideways": 2,
    "lifetime": 2,
    "homework": 2,
    "statement": 2,
    "statements": 2,
    "movement": 2,
    "movements": 2,
    "treatment": 2,
    "treatments": 2,
    "infection": 3,
    "influenza": 4,
    "asthma": 2,
    "psychiatric": 4,
    "physiotherapy": 6,
    "physiotherapist": 6,
    "chiropractic": 4,
    "acupuncture": 4,
    "paracetamol": 5,
    "ibuprofen": 4,
    "tibia": 3,
    "pneumothorax": 4,
    "pneumonia": 3,
    "usual": 3,
    "usually": 4,
    "casual": 3,
    "fluid": 2,
    "fluids": 2,
    "ruin": 2,
    "poem": 2,
    "lion": 2,
    "hour": 1,
    "hours": 1,
    "tired": 1,
    "fire": 1,
    "whole": 1,
    "cartilage": 3,
    "bruise": 1,
    "bruised": 1,
    "weighed": 1,
    "naive": 2,
    "recipe": 3,
    "recipes": 3,
    "maybe": 2,
    "nerve": 1,
    "nerves": 1,
    "sore": 1,
    "nobody": 3,
    "nausea": 3,
    "video": 3,
    "videos": 3,
    "appreciate": 4,
    "appreciated": 5,
    "tongue": 1,
}


def words(text: str) -> list[str]:
    """The words of a text; a number is a word."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    for short in _SHORT:
        text = text.replace(short, short.replace(".", ""))
    return [s for part in _END.split(text) if words(s := part.strip())]


def syllables(word: str) -> int:
    """How many syllables a word has; a number counts as one."""
    plain = word.lower().replace("’", "'")
    plain = plain.removesuffix("'s").replace("'", "")
    if plain in SYLLABLES:
        return SYLLABLES[plain]
    if not plain or plain[0].isdigit():
        return 1
    for end in ("ments", "ment", "fully", "ful", "lessly", "less", "nesses", "ness", "ly"):
        stem = plain.removesuffix(end)
        if stem != plain and len(stem) > 2 and _VOWELS.search(stem) and not stem.endswith("bb"):
            return syllables(stem) + len(_VOWELS.findall(end.replace("esse", "es", 1)))
    if plain.endswith("s") and plain[:-1] in SYLLABLES:
        return SYLLABLES[plain[:-1]]
    return max(1, _by_rule(plain))


def _by_rule(word: str) -> int:
    """Groups of vowels, with those that are heard as two and the silent ones."""
    count = len(_VOWELS.findall(word))
    count += len(_HIATUS.findall(word))
    if _SILENT_E.search(word) or _SILENT_ES.search(word) or _SILENT_ED.search(word):
        count -= 1
    return count


def grade(word_count: int, sentence_count: int, syllable_count: int) -> float:
    """Flesch–Kincaid grade: years of school."""
    return 0.39 * word_count / sentence_count + 11.8 * syllable_count / word_count - 15.59


def ease(word_count: int, sentence_count: int, syllable_count: int) -> float:
    """Flesch reading ease: 0 to 100, higher is easier."""
    return 206.835 - 1.015 * word_count / sentence_count - 84.6 * syllable_count / word_count


def smog(long_words: int, sentence_count: int) -> float:
    """SMOG grade, from words of three syllables or more; made for 30 sentences and above."""
    return 1.0430 * math.sqrt(30 * long_words / sentence_count) + 3.1291


@dataclass(frozen=True, slots=True)
class Reading(Result):
    """How hard a text is to read.

    Attributes
    ----------
    words, sentences, syllables, long_words
        What was counted; long words have three syllables or more.
    grade, smog
        Years of school, by Flesch–Kincaid and by SMOG.
    ease
        Flesch's reading ease.
    """

    words: int
    sentences: int
    syllables: int
    long_words: int
    grade: float
    smog: float
    ease: float

    def __repr__(self) -> str:
        return f"<Reading grade {self.grade:.1f}, SMOG {self.smog:.1f}, {self.words} words>"


def reading_level(texts: str | Iterable[str], *, names: Sequence[str] = ()) -> Reading:
    """Measure how hard a text is to read.

    Parameters
    ----------
    texts
        A text, or several; each ends a sentence, as an item of a list does.
    names
        Names that cannot be said otherwise, such as the treatment's; each counts as one short
        word.

    Raises
    ------
    InputError
        When there is no word.
    """
    found = [texts] if isinstance(texts, str) else list(texts)
    for name in sorted({n for n in names if n}, key=len, reverse=True):
        form = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
        found = [form.sub("it", text) for text in found]
    split = [s for text in found for s in sentences(text)]
    counted = [syllables(w) for s in split for w in words(s)]
    if not counted:
        raise InputError("a text without a word has no reading level", hint="give it some words")
    w, s, total, long = len(counted), len(split), sum(counted), sum(c >= 3 for c in counted)
    return Reading(w, s, total, long, grade(w, s, total), smog(long, s), ease(w, s, total))
