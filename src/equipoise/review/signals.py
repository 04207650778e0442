"""The signalling questions of RoB 2 and the way from their answers to a level, domain by domain.

Source: Sterne 2019 (BMJ 366:l4898, doi 10.1136/bmj.l4898) and the full guidance of 22 August 2019,
for individually randomised, parallel trials. Domain 2 has two sets of questions: 2.1 to 2.7 for
the effect of being assigned to the treatment, and six for the effect of adhering to it, which the
tool numbers again from 2.1 and which are called 2b.1 to 2b.6 here.

A level follows from the answers alone. The tool lets a person depart from it with a reason; that
belongs to ``risk_of_bias.csv`` (:mod:`equipoise.certainty.rob2`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from equipoise.core.errors import EquipoiseError

Level = Literal["low", "some concerns", "high"]
Said = Literal["yes", "no", "unknown", "not applicable"]

#: The domains, by the columns of ``risk_of_bias.csv``, with their names in the tool.
DOMAINS: dict[str, str] = {
    "randomization": "randomisation",
    "deviations": "deviations from the intended treatments",
    "missing": "missing outcome data",
    "measurement": "measurement of the outcome",
    "selection": "selection of the reported result",
}
_RANK: tuple[Level, ...] = ("low", "some concerns", "high")
_MEANS: dict[str, Said] = {
    "Y": "yes",
    "PY": "yes",
    "PN": "no",
    "N": "no",
    "NI": "unknown",
    "NA": "not applicable",
}
#: The answers in words.
ANSWERS: dict[str, str] = {
    "Y": "yes",
    "PY": "probably yes",
    "PN": "probably no",
    "N": "no",
    "NI": "no information",
    "NA": "not applicable",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One signalling question.

    `good` is the answer that speaks for the trial. `conditional` questions are asked only after
    certain answers to others, and are not applicable otherwise; `optional` ones may be so even
    when their turn comes.
    """

    number: str
    domain: str
    text: str
    good: Literal["yes", "no"]
    conditional: bool = False
    optional: bool = False
    may_be_unknown: bool = True

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers that the tool offers."""
        unknown = ("NI",) if self.may_be_unknown else ()
        return (*("Y", "PY", "PN", "N"), *unknown, *(("NA",) if self.conditional else ()))

    @property
    def usable(self) -> tuple[str, ...]:
        """The answers that lead on, once the question's turn has come."""
        return tuple(a for a in self.answers if a != "NA" or self.optional)


def _questions() -> tuple[Question, ...]:
    one, two, three, four, five = DOMAINS
    q = Question
    return (
        q("1.1", one, "was the order of allocation random", "yes"),
        q("1.2", one, "was it concealed until people were enrolled and assigned", "yes"),
        q("1.3", one, "do differences at the start suggest a problem", "no"),
        q("2.1", two, "did the participants know what they got", "no"),
        q("2.2", two, "did carers and those who gave the treatments know", "no"),
        q("2.3", two, "were there deviations that arose because of the trial", "no", True),
        q("2.4", two, "were these likely to have affected the outcome", "no", True),
        q("2.5", two, "were these balanced between the groups", "yes", True),
        q("2.6", two, "was the analysis right for the effect of assignment", "yes"),
        q("2.7", two, "could analysing people in the wrong group matter much", "no", True),
        q("2b.1", two, "did the participants know what they got", "no"),
        q("2b.2", two, "did carers and those who gave the treatments know", "no"),
        q("2b.3", two, "was other important care balanced between the groups", "yes", True, True),
        q(
            "2b.4",
            two,
            "could failures of the treatment have affected the outcome",
            "no",
            True,
            True,
        ),
        q(
            "2b.5",
            two,
            "could people who did not adhere have affected the outcome",
            "no",
            True,
            True,
        ),
        q("2b.6", two, "was the analysis right for the effect of adhering", "yes", True),
        q("3.1", three, "were there data of all, or nearly all, people randomised", "yes"),
        q(
            "3.2",
            three,
            "is there evidence that missing data did not bias the result",
            "yes",
            True,
            may_be_unknown=False,
        ),
        q("3.3", three, "could being missing depend on the true value", "no", True),
        q("3.4", three, "is it likely that being missing depended on the true value", "no", True),
        q("4.1", four, "was the way of measuring wrong for this outcome", "no"),
        q("4.2", four, "could measuring have differed between the groups", "no"),
        q("4.3", four, "did those who assessed the outcome know the treatment", "no", True),
        q("4.4", four, "could knowing it have influenced the assessment", "no", True),
        q("4.5", four, "is it likely that knowing it influenced the assessment", "no", True),
        q("5.1", five, "was it analysed as fixed before the outcomes were known", "yes"),
        q("5.2", five, "was the result likely selected from several measurements", "no"),
        q("5.3", five, "was the result likely selected from several analyses", "no"),
    )


#: Every question by its number.
QUESTIONS: dict[str, Question] = {q.number: q for q in _questions()}


@dataclass(frozen=True, slots=True)
class Step:
    """A question that was reached, and its answer."""

    question: str
    answer: str

    @property
    def words(self) -> str:
        """The step as a reader sees it."""
        return f"{self.question} {QUESTIONS[self.question].text}: {ANSWERS[self.answer]}"


class UnansweredError(EquipoiseError):
    """The way comes to a question without an answer that can be used."""

    def __init__(self, number: str, answer: str) -> None:
        self.number = number
        self.answer = answer
        said = f"is answered {answer!r}" if answer else "is not answered"
        told = ", ".join(a for a in QUESTIONS[number].usable)
        super().__init__(f"question {number} {said}", where="signalling", hint=f"one of {told}")


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through one domain: the steps in order and the level reached."""

    domain: str
    level: Level
    steps: tuple[Step, ...]
    effect: str = ""
    """Of domain 2: ``assignment`` or ``adhering``."""


class _Way:
    """Asks for answers and keeps those that were used."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers
        self.steps: list[Step] = []

    def ask(self, number: str) -> Said:
        answer = self.answers.get(number, "")
        if answer not in QUESTIONS[number].usable:
            raise UnansweredError(number, answer)
        self.steps.append(Step(number, answer))
        return _MEANS[answer]


def _randomization(way: _Way) -> Level:
    random, concealed, problem = (way.ask(n) for n in ("1.1", "1.2", "1.3"))
    if concealed == "no":
        return "high"
    if concealed == "unknown":
        return "high" if problem == "yes" else "some concerns"
    return "some concerns" if random == "no" or problem == "yes" else "low"


def _assignment(way: _Way) -> Level:
    return worst(_deviations(way), _analysis(way))


def _deviations(way: _Way) -> Level:
    aware = [way.ask("2.1"), way.ask("2.2")]
    if aware == ["no", "no"]:
        return "low"
    arose = way.ask("2.3")
    if arose != "yes":
        return "low" if arose == "no" else "some concerns"
    if way.ask("2.4") == "no":
        return "some concerns"
    return "some concerns" if way.ask("2.5") == "yes" else "high"


def _analysis(way: _Way) -> Level:
    if way.ask("2.6") == "yes":
        return "low"
    return "some concerns" if way.ask("2.7") == "no" else "high"


def _adhering(way: _Way) -> Level:
    aware = [way.ask("2b.1"), way.ask("2b.2")]
    balanced = aware == ["no", "no"] or way.ask("2b.3") in ("yes", "not applicable")
    if balanced:
        doubts = [way.ask("2b.4"), way.ask("2b.5")]
        if all(d in ("no", "not applicable") for d in doubts):
            return "low"
    return "some concerns" if way.ask("2b.6") == "yes" else "high"


def _missing(way: _Way) -> Level:
    if way.ask("3.1") == "yes" or way.ask("3.2") == "yes" or way.ask("3.3") == "no":
        return "low"
    return "some concerns" if way.ask("3.4") == "no" else "high"


def _measurement(way: _Way) -> Level:
    if way.ask("4.1") == "yes":
        return "high"
    differed = way.ask("4.2")
    if differed == "yes":
        return "high"
    best: Level = "low" if differed == "no" else "some concerns"
    if way.ask("4.3") == "no" or way.ask("4.4") == "no":
        return best
    return "some concerns" if way.ask("4.5") == "no" else "high"


def _selection(way: _Way) -> Level:
    fixed, measured, analysed = (way.ask(n) for n in ("5.1", "5.2", "5.3"))
    if "yes" in (measured, analysed):
        return "high"
    if "unknown" in (measured, analysed):
        return "some concerns"
    return "low" if fixed == "yes" else "some concerns"


#: Each domain's way to its level; domain 2 has one for each effect.
_WAYS: dict[tuple[str, str], Callable[[_Way], Level]] = {
    ("randomization", ""): _randomization,
    ("deviations", "assignment"): _assignment,
    ("deviations", "adhering"): _adhering,
    ("missing", ""): _missing,
    ("measurement", ""): _measurement,
    ("selection", ""): _selection,
}


def worst(*levels: Level) -> Level:
    """The worst of some levels."""
    return max(levels, key=_RANK.index)


def walk(domain: str, answers: Mapping[str, str], effect: str = "") -> Walk:
    """Go from the answers of one domain to its level.

    Parameters
    ----------
    domain
        A column of ``risk_of_bias.csv``.
    answers
        Question number to Y, PY, PN, N, NI or NA; those of other domains are not looked at.
    effect
        Of domain 2, ``assignment`` or ``adhering``.

    Raises
    ------
    UnansweredError
        Where the way comes to a question that has no answer, or one that it cannot have.
    """
    way = _Way(answers)
    level = _WAYS[domain, effect](way)
    return Walk(domain, level, tuple(way.steps), effect)


def effects(domain: str, numbers: Mapping[str, str]) -> tuple[str, ...]:
    """For which effects one domain was answered: none, one, or of domain 2 perhaps both."""
    if domain != "deviations":
        return ("",) if any(QUESTIONS[n].domain == domain for n in numbers) else ()
    asked = [n for n in numbers if QUESTIONS[n].domain == domain]
    kinds = ("adhering" if n.startswith("2b.") else "assignment" for n in asked)
    return tuple(dict.fromkeys(kinds))
