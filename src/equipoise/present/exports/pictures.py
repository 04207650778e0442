"""The figures of a page: forest plots, the three questions, people as icons."""

from __future__ import annotations

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.present.figures import Figure, forest, icon_array, parts_ladder


def answer_figures(answer: Answer) -> tuple[Figure, ...]:
    """Every figure of the page, in its order."""
    ladder = ladder_of(answer)
    return (
        *(() if ladder is None else (ladder,)),
        *icons_of(answer),
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


def icons_of(answer: Answer) -> list[Figure]:
    """Icon arrays, where the numbers are good enough to be drawn as people."""
    made = []
    for o in answer.outcomes:
        a = o.absolute
        level = o.grade.level if o.grade else None
        if o.type != "binary" or a is None or a.without is None or a.with_ is None:
            continue
        if level in (None, "very low"):
            continue
        made.append(
            icon_array(
                a.without,
                a.with_,
                better=o.better,
                event=f"have this result: {o.label.lower()}",
                otherwise="do not",
                reference=a.reference_class,
                sides=(f"With {answer.comparator}", f"With {answer.treatment}"),
                title=f"{o.label}, {a.time}",
                certainty=level,
                prefix=f"icons-{o.id.replace('_', '-')}",
            )
        )
    return made
