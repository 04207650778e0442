"""The figures of a page: forest plots, the three questions, people as icons."""

from __future__ import annotations

from typing import Literal

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.answer.wording import join
from equipoise.core.provenance import Quantity
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
    drawn = (_picture(answer, o, total) for o in sure)
    made = [figure for figure in drawn if figure is not None][:_MOST]
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
    if o.responders:
        line = o.responders[0]
        title = f"{o.label}, {o.time}: people, estimated from points"
        return _icons(answer, o, line.without, line.with_, "higher", line.name, title, total)
    if a is None:
        return None
    title = f"{o.label}, {a.time}"
    if o.type == "binary":
        if a.without is None or a.with_ is None:
            return None
        return _icons(answer, o, a.without, a.with_, o.better, o.label.lower(), title, total)
    if a.difference.unit == "SMD":
        return None
    main = next((t for t in o.thresholds if t.main), None)
    return paired_bars(
        a.difference,
        without=a.without,
        with_=a.with_,
        better=o.better,
        scale=o.scale,
        threshold=None if main is None else main.small,
        reference=a.reference_class,
        sides=_sides(answer),
        title=title,
        prefix=f"bars-{o.id.replace('_', '-')}",
    )


def _icons(
    answer: Answer,
    o: OutcomeAnswer,
    without: Quantity,
    with_: Quantity,
    better: Literal["lower", "higher"],
    event: str,
    title: str,
    total: Literal[100, 1000],
) -> Figure:
    return icon_array(
        without,
        with_,
        better=better,
        denominator=total,
        event=f"have this result: {event}",
        otherwise="do not",
        reference=answer.population if o.absolute is None else o.absolute.reference_class,
        sides=_sides(answer),
        title=title,
        prefix=f"icons-{o.id.replace('_', '-')}",
    )


def _sides(answer: Answer) -> tuple[str, str]:
    return f"With {answer.comparator}", f"With {answer.treatment}"
