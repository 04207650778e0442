"""The figures of a page: forest plots, the three questions, people as icons."""

from __future__ import annotations

from typing import Literal

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.answer.wording import join
from equipoise.present.figures import (
    Figure,
    forest,
    icon_array,
    not_known,
    paired_bars,
    parts_ladder,
)

#: So many outcomes are pictured at most.
_MOST = 3
#: Below so many of 1000 people all icons are of 1000, so that none is lost.
_RARE = 10


def answer_figures(answer: Answer) -> tuple[Figure, ...]:
    """Every figure of the page, in its order."""
    ladder = ladder_of(answer)
    return (
        *(() if ladder is None else (ladder,)),
        *pictures_of(answer),
        *(forest_of(answer, o) for o in answer.outcomes if o.pooled is not None),
    )


def ladder_of(answer: Answer) -> Figure | None:
    """By itself, added, together; None where there is no estimate of any."""
    found = any(part.estimates for part in (answer.alone, answer.added, answer.together))
    return parts_ladder(answer) if found else None


def forest_of(answer: Answer, outcome: OutcomeAnswer) -> Figure:
    """The forest plot of an outcome."""
    return forest(
        outcome,
        prefix=f"forest-{outcome.id.replace('_', '-')}",
        sides=(answer.treatment, answer.review.question.comparator),
    )


def pictures_of(answer: Answer) -> list[Figure]:
    """People as icons, and bars in points, of the most important outcomes.

    Outcomes of which the trials say too little share one panel that says so.
    """
    first = sorted(answer.outcomes, key=lambda o: (not o.decides, o.importance != "critical"))
    told = [o for o in first if o.absolute is not None or o.responders]
    sure = [o for o in told if o.grade is not None and o.grade.level != "very low"]
    total: Literal[100, 1000] = 1000 if any(map(_rare, sure)) else 100
    made = [figure for o in sure[:_MOST] if (figure := _picture(answer, o, total)) is not None]
    doubted = [o for o in told if o not in sure]
    if doubted:
        labels = join([o.label.lower() for o in doubted])
        what = f"how {answer.treatment} changes {labels}"
        made.append(not_known("Not pictured: too uncertain", what, "pictures-unknown"))
    return made


def _rare(outcome: OutcomeAnswer) -> bool:
    """Whether a risk is below 1 in 100, so that icons of 100 people would lose it."""
    risks = [(r.without, r.with_) for r in outcome.responders[:1]]
    if outcome.type == "binary" and outcome.absolute is not None:
        risks.append((outcome.absolute.without, outcome.absolute.with_))  # type: ignore[arg-type]
    return any(q is not None and 0 < q.value < _RARE for pair in risks for q in pair)


def _picture(answer: Answer, o: OutcomeAnswer, total: Literal[100, 1000]) -> Figure | None:
    a = o.absolute
    level = o.grade.level if o.grade else None
    sides = (f"With {answer.comparator}", f"With {answer.treatment}")
    name = o.id.replace("_", "-")
    if o.responders:
        line = o.responders[0]
        return icon_array(
            line.without,
            line.with_,
            better="higher",
            denominator=total,
            event=f"have this result: {line.name}",
            otherwise="do not",
            reference=answer.population,
            sides=sides,
            title=f"{o.label}, {o.time}: people, estimated from points",
            certainty=level,
            prefix=f"icons-{name}",
        )
    if a is None:
        return None
    if o.type == "continuous":
        line_ = next((t for t in o.thresholds if t.main), None)
        return paired_bars(
            a.difference,
            without=a.without,
            with_=a.with_,
            better=o.better,
            scale=o.scale,
            threshold=None if line_ is None else line_.small,
            reference=a.reference_class,
            sides=sides,
            title=f"{o.label}, {a.time}",
            certainty=level,
            prefix=f"bars-{name}",
        )
    if a.without is None or a.with_ is None:
        return None
    return icon_array(
        a.without,
        a.with_,
        better=o.better,
        denominator=total,
        event=f"have this result: {o.label.lower()}",
        otherwise="do not",
        reference=a.reference_class,
        sides=sides,
        title=f"{o.label}, {a.time}",
        certainty=level,
        prefix=f"icons-{name}",
    )
