"""`assess(review) -> Answer`: the whole way from a review to its answer, as one pure function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from equipoise.answer.answer import Answer, LeftOut, Part
from equipoise.answer.asking import questions
from equipoise.answer.attribution import isolating_part
from equipoise.answer.conclude import burden_of, verdict_of
from equipoise.answer.course import course_lines
from equipoise.answer.harms import asked_sentence, harm_class, harm_lines
from equipoise.answer.interplay import Interplay, interplay
from equipoise.answer.judging import Setting, plain_reasons
from equipoise.answer.ledger import Ledger
from equipoise.answer.messages import harm_sentence, key_messages, would_change
from equipoise.answer.next_trial import NextTrial, next_trials
from equipoise.answer.outcomes import Outcomes, answer_outcome
from equipoise.answer.separable import component_lines
from equipoise.answer.sources import cell_values
from equipoise.answer.status import search_of, stale_caps, status
from equipoise.answer.synthesis import Evidence, evidence
from equipoise.answer.together import model_of, together_part
from equipoise.answer.wording import CERTAINTY, certainty_plain
from equipoise.certainty.thresholds import main_threshold
from equipoise.core.errors import InputError
from equipoise.core.provenance import Cell, Quantity
from equipoise.review.collect import collect
from equipoise.review.records import Review


def assess(review: Review, *, on: date | None = None) -> Answer:
    """Answer the question of a review from its trials.

    Parameters
    ----------
    review
        As :func:`equipoise.open_review` gives it.
    on
        The day for which the age of the search is counted; today when not given. It is the only
        input beside the review: the same review and day give the same answer.

    Returns
    -------
    Answer
        Verdict, certainty, alone / added / together, harms, what would change it, and every
        number with its way back to the cells of the folder.

    Raises
    ------
    InputError
        When the review names no deciding outcome.
    """
    on = on or date.today()
    ledger = Ledger()
    harms = harm_lines(review, ledger)
    asked = asked_sentence(review, ledger)
    search = search_of(review, on)
    setting = Setting(harm_class(review, harms), burden_of(review)[0], stale_caps(search))
    data = [evidence(review, collect(review, o.id)) for o in review.outcomes]
    found = [answer_outcome(review, d, setting, ledger) for d in data]
    deciding = _deciding(review, found)
    course = course_lines(review, data, found, ledger)
    models = [m for d in data if (m := model_of(review, d)) is not None]
    alone = isolating_part(review, "alone", data, setting, ledger)
    added = isolating_part(review, "added", data, setting, ledger)
    together = _with_interplay(
        together_part(review, data, models, setting, ledger),
        interplay(review, models, setting, ledger),
    )
    components = component_lines(review, models, setting, ledger)
    verdict = verdict_of(review, found, deciding, setting, search, harms)
    level = verdict.certainty
    reasons = () if deciding.judged is None else plain_reasons(deciding.judged.profile)
    harmful = harm_sentence(harms, setting.harm)
    change = would_change(
        review,
        deciding.outcome,
        deciding.judged,
        deciding.answer,
        together,
        search,
        harms,
        _next(review, data, deciding, setting),
        ledger,
    )
    book = ledger.book()
    left = _left_out(found)
    return Answer(
        slug=review.slug,
        title=review.title,
        treatment=review.question.treatment,
        condition=review.question.condition,
        population=review.question.population,
        comparator=review.question.comparator_plain,
        status=status(review, search, on),
        verdict=verdict,
        certainty=level,
        certainty_dots=0 if level is None else CERTAINTY[level][0],
        certainty_plain=certainty_plain(level, reasons, deciding.answer.silent),
        reasons=reasons,
        key_messages=key_messages(review, deciding.answer, level, added, together, harmful),
        outcomes=tuple(f.answer for f in found),
        alone=alone,
        added=added,
        together=together,
        components=components,
        harms=harms,
        harm_sentence=harmful,
        harms_asked=asked,
        course=course,
        would_change=change,
        questions=questions(review, deciding.answer, verdict, together, harms, search),
        quantities=book,
        cells=cell_values(review, _cells(book.values(), found, left)),
        left_out=left,
        review=review,
    )


def _with_interplay(part: Part, found: Interplay) -> Part:
    told = replace(part, interaction=found.sentence, interactions=found.found)
    if not found.found:
        return told
    first = found.found[0]
    return replace(
        told,
        interaction_effect=first.effect,
        interaction_tested=first.within,
        interaction_essential=first.essential,
        interaction_span=first.span,
    )


def _next(
    review: Review, data: Sequence[Evidence], deciding: Outcomes, setting: Setting
) -> tuple[NextTrial, ...]:
    """Next trials that would change the answer."""
    if deciding.judged is None:
        return ()
    outcome = deciding.outcome
    chosen = next(d.pairs for d in data if d.outcome.id == outcome.id)
    code = deciding.judged.code
    return next_trials(review, outcome, chosen, main_threshold(outcome), setting, code)


def _deciding(review: Review, found: Sequence[Outcomes]) -> Outcomes:
    for outcome in found:
        if outcome.outcome.decides:
            return outcome
    raise InputError(
        "no outcome decides the verdict",
        where=f"review {review.slug}",
        hint="decides = true on the outcome that was fixed in the protocol",
    )


def _left_out(found: Sequence[Outcomes]) -> tuple[LeftOut, ...]:
    return tuple(dict.fromkeys(m for f in found for m in f.answer.left_out))


def _cells(
    book: Iterable[Quantity],
    found: Sequence[Outcomes],
    left: Sequence[LeftOut],
) -> Iterable[Cell]:
    for quantity in book:
        yield from quantity.cells
    for outcome in found:
        if outcome.answer.pooled is not None:
            for row in outcome.answer.pooled.rows:
                yield from row.cells
    for missing in left:
        yield from missing.cells
