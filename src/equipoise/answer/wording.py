"""Every fixed sentence that an answer can hold, as tables. No page writes its own verdict prose.

Sources: the informative statements of Santesso 2020 (J Clin Epidemiol 119:126,
doi 10.1016/j.jclinepi.2019.10.014) for effect size by certainty; the labels and honesty rules are
this project's own and are explained in ``docs/architecture.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from equipoise.answer.answer import HarmClass, VerdictCode
from equipoise.certainty.grade import Level
from equipoise.certainty.thresholds import EffectClass
from equipoise.review.records import Outcome

#: code → (label, glyph, sentence template)
LABELS: dict[VerdictCode, tuple[str, str, str]] = {
    "WORTH": (
        "Trials support trying it",
        "▲",
        "It {modal}improves {outcome} by an amount that matters, and {downsides}.",
    ),
    "MAYHELP": (
        "It may help, but this could be wrong",
        "△",
        "It may improve {outcome}. We have little confidence because {reasons}.",
    ),
    "CLOSE": (
        "It depends on what matters to you",
        "◇",
        "{benefit} has to be weighed against {downsides}.",
    ),
    "UNKNOWN": (
        "We do not know",
        "?",
        "Trials so far cannot tell us whether it improves {outcome} or makes it worse.",
    ),
    "MAYNOT": (
        "It may make little difference",
        "=",
        "It may make little to no difference to {outcome}. We have little confidence because "
        "{reasons}.",
    ),
    "NOTWORTH": (
        "Trials do not support trying it for this",
        "=",
        "It {modal}makes little to no difference to {outcome}, and {downsides}.",
    ),
    "AVOID": (
        "Harms outweigh what it has been shown to do",
        "▼",
        "{downsides}; {benefit}.",
    ),
    "NOTRIALS": (
        "No trial has tested this",
        "–",
        "We found no randomised trial with usable numbers for {outcome}.",
    ),
}

#: How a benefit is named before it is weighed, by certainty and size.
WEIGHED: dict[Level, str] = {
    "high": "A {size}improvement in {outcome}",
    "moderate": "A probable {size}improvement in {outcome}",
    "low": "A possible {size}improvement in {outcome}",
}
SIZE_WORDS: dict[EffectClass, str] = {
    "small": "small ",
    "moderate": "moderate ",
    "large": "large ",
}
#: The same where serious harm outweighs it.
OUTWEIGHED: dict[str, str] = {
    "shown": "{benefit} does not make up for it",
    "none": "no important improvement in {outcome} has been shown",
}
BURDEN_PHRASE = "what it takes to have it"

#: Where the answer is AVOID because people get worse.
WORSE_SURE = "It {modal}makes {outcome} worse, and {downsides}."
#: The label and sign of MAYNOT where the trials point to harm rather than to no difference.
WORSE_LABEL, WORSE_GLYPH = "It may make things worse", "▽"
#: Beside MAYNOT where the interval holds no benefit that matters.
NO_BENEFIT = (
    "This is not proof that it does not work, "
    "but the trials leave little room for a benefit that matters."
)

WORSE_LOW = "It may make {outcome} worse. We have little confidence because {reasons}."

#: Where every control group got nothing that counts (honesty rule H5).
NO_SHAM = "It was compared with {comparator} only, not with a sham or with other care."

#: What a label does not mean (honesty rule H9); NOTWORTH has its own, with the best case.
NOT_PROOF = "This is not proof that it does not work. It means that the trials cannot tell."
MAYNOT_CAUTION = "This is not proof that it does not work: a real benefit may have been missed."
BEST_CASE = "The best case that the trials still allow is {best}."

#: Certainty in the patient layer: dots of four, words.
CERTAINTY: dict[Level, tuple[int, str]] = {
    "high": (4, "We are confident"),
    "moderate": (3, "We are moderately confident"),
    "low": (2, "We have little confidence"),
    "very low": (1, "We are not confident"),
}

#: The modal that goes with a level of certainty.
MODAL: dict[Level, str] = {"high": "", "moderate": "probably "}

_CHANCE = re.compile(r"^(?:the )?(?:chance|risk|odds|probability|likelihood) of ", re.I)

#: (effect class, level) → how a reader is told, patient layer. {x} treatment, {o} outcome,
#: {y} comparator.
_SIZE_PLAIN: dict[EffectClass, dict[str, str]] = {
    "large": {"s": "improves {o} a lot", "b": "improve {o} a lot"},
    "moderate": {"s": "improves {o}", "b": "improve {o}"},
    "small": {"s": "improves {o} slightly", "b": "improve {o} slightly"},
    "none": {
        "s": "makes little to no difference to {o}",
        "b": "make little to no difference to {o}",
    },
    "worse": {"s": "makes {o} worse", "b": "make {o} worse"},
}

#: The clinical layer's verb phrases; {dir} is reduce or increase by the direction of the effect.
_SIZE_CLINICAL: dict[EffectClass, dict[str, str]] = {
    "large": {
        "s": "results in a large {noun} in {o}",
        "b": "result in a large {noun} in {o}",
    },
    "moderate": {"s": "{verbs} {o}", "b": "{verb} {o}"},
    "small": {"s": "{verbs} {o} slightly", "b": "{verb} {o} slightly"},
    "none": {
        "s": "results in little to no difference in {o}",
        "b": "result in little to no difference in {o}",
    },
    "worse": {"s": "{verbs} {o}", "b": "{verb} {o}"},
}

_VERBS = {
    "lower": {"verb": "reduce", "verbs": "reduces", "noun": "reduction"},
    "higher": {"verb": "increase", "verbs": "increases", "noun": "increase"},
}


def label(code: VerdictCode, benefit: EffectClass | None = None) -> str:
    """The answer as its heading says it; `benefit`: the size of the effect, where it has one."""
    return WORSE_LABEL if (code, benefit) == ("MAYNOT", "worse") else LABELS[code][0]


def glyph(code: VerdictCode, benefit: EffectClass | None = None) -> str:
    """The sign beside that label."""
    return WORSE_GLYPH if label(code, benefit) == WORSE_LABEL else LABELS[code][1]


def aim(outcome: Outcome) -> str:
    """What is hoped for, as something that can improve or get worse.

    An event is told by its chance, one that nobody wants by the chance of being spared it: a
    treatment does not "improve a stroke".
    """
    if outcome.type != "binary":
        return outcome.plain
    event = _CHANCE.sub("", outcome.plain)
    return f"the chance of {'avoiding ' if outcome.better == 'lower' else ''}{event}"


def statement_plain(size: EffectClass, level: Level, *, x: str, o: str, y: str) -> str:
    """The sentence of the patient layer for one outcome."""
    if level == "very low":
        return f"We do not know if {x} changes {o}, compared with {y}."
    form = _SIZE_PLAIN[size]
    phrase = f"may {form['b']}" if level == "low" else f"{MODAL[level]}{form['s']}"
    return f"{capital(x)} {phrase.format(o=o)}, compared with {y}."


def statement_clinical(
    size: EffectClass,
    level: Level,
    *,
    x: str,
    o: str,
    y: str,
    falls: bool,
) -> str:
    """The sentence of the clinical layer; `falls`: the outcome's value went down with treatment."""
    if level == "very low":
        return f"The evidence is very uncertain about the effect of {x} on {o}, compared with {y}."
    verbs = _VERBS["lower" if falls else "higher"]
    form = _SIZE_CLINICAL[size]
    phrase = f"may {form['b']}" if level == "low" else f"{MODAL[level]}{form['s']}"
    return f"{capital(x)} {phrase.format(o=o, **verbs)}, compared with {y}."


def both_ends(low: EffectClass, high: EffectClass, level: Level, *, o: str) -> str:
    """The sentence where the interval reaches into another size; empty if it does not.

    A point estimate alone would sound surer than the interval is (Cochrane Handbook 15.6.4).
    """
    if low == high or level == "very low":
        return ""
    tail = ""
    if low == "worse" and high in ("small", "moderate", "large"):
        tail = ", so we cannot tell whether it helps or harms"
    worst, best = _SIZE_PLAIN[low]["b"].format(o=o), _SIZE_PLAIN[high]["b"].format(o=o)
    return f"The results fit with anything from “{worst}” to “{best}”{tail}."


def certainty_plain(level: Level | None, reasons: Sequence[str], silent: str = "") -> str:
    """How sure, in lay words, with the reasons named; `silent`: trials in which nobody had it."""
    if silent:
        return f"Nobody can say how sure one may be: {silent}."
    if level is None:
        return "There is nothing to be sure about: no trial gave usable numbers."
    words = CERTAINTY[level][1]
    return f"{words} because {join(reasons)}." if reasons else f"{words}."


#: Harm classes as the reader hears them, in the middle of a sentence.
HARM_PHRASES: dict[HarmClass, str] = {
    "none": "no harm was seen although it was looked for in enough people",
    "minor": "the known downsides are minor",
    "not measured": "harms that the trials did not properly measure",
    "serious possible": "serious harms that have been reported but whose chance is not known",
    "serious likely": "serious harm, which the trials show to be likely",
}

#: The same as a clause of its own.
HARM_CLAUSES: dict[HarmClass, str] = {
    "none": "no harm was seen although it was looked for in enough people",
    "minor": "its known downsides are minor",
    "not measured": "its harms were not properly measured",
    "serious possible": "serious harms have been reported, and nobody knows how often they happen",
    "serious likely": "serious harm is likely",
}

#: What stands for "serious possible" where it is not that serious harms were only reported.
SEEN_PHRASES: dict[str, tuple[str, str]] = {
    "serious": (
        "serious harm seen in trials, whose chance is not well known",
        "serious harm was seen in trials, and how much the treatment adds is not well known",
    ),
    "open": (
        "serious harm, which the trials cannot exclude",
        "the trials cannot exclude serious harm",
    ),
    "judged": (
        "serious harm, which those who judged the evidence think possible",
        "those who judged the evidence think serious harm possible",
    ),
    "care": (
        "harm that is more frequent with it and can need care",
        "harm that can need care is more frequent with it",
    ),
}

SEVERITY: dict[str, str] = {
    "mild": "mild: no care needed",
    "needs-care": "needs care",
    "serious": "serious: hospital, lasting or life-threatening",
    "unclear": "severity not stated",
}

HARM_STATES: dict[int, str] = {
    1: "Seen in trials, compared with a control group",
    2: "Seen, without a control group",
    3: "Reported elsewhere: counts, no rate",
    4: "Looked for and not seen",
    5: "Trials did not say",
}

#: What each state tells, and what it does not.
HARM_MEANINGS: dict[int, str] = {
    1: "Both groups were watched, so what the treatment adds can be told.",
    2: "Some who had it were harmed. How many would have been anyway is not known.",
    3: "Practitioners or reports of single people tell of it. Nobody knows out of how many.",
    4: "All were asked and nobody had it. It can still happen, up to the number shown.",
    5: "The trials are silent. That is not the same as “it did not happen”.",
}


def months_ago(months: int) -> str:
    """An age in words: months up to two years, then whole years."""
    if months < 24:
        return f"{months} months ago"
    return f"{months // 12} years ago"


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def month_words(date: str) -> str:
    """``2009-07`` → ``July 2009``; ``2009`` → ``2009``; ``2009-07-03`` → ``3 July 2009``."""
    parts = [int(p) for p in date.split("-")]
    if len(parts) == 1:
        return str(parts[0])
    month = f"{MONTHS[parts[1] - 1]} {parts[0]}"
    return month if len(parts) == 2 else f"{parts[2]} {month}"


def when_words(date: str) -> str:
    """Say when: ``on 3 July 2009``, ``in July 2009`` or ``in 2009``, as far as it is known."""
    return f"{'on' if date.count('-') == 2 else 'in'} {month_words(date)}"


def join(items: Sequence[str], word: Literal["and", "or"] = "and") -> str:
    """Join with commas and a last `word`."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def number(value: int) -> str:
    """A small count in words (none, one … ten), else in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[value] if 0 <= value < len(words) else str(value)


def count(value: int, noun: str, plural: str = "") -> str:
    """``one trial``, ``three trials``."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def uncapital(text: str) -> str:
    """Lower-case the first letter, as in the middle of a sentence; abbreviations stay."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def capital(text: str) -> str:
    """Upper-case the first letter only."""
    return text[:1].upper() + text[1:]
