"""Every problem of a review folder at once: the problems of form, and the rules of this table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from equipoise.review import (
    rules_context,
    rules_data,
    rules_numbers,
    rules_question,
    rules_signals,
)
from equipoise.review.problems import Problem, in_order
from equipoise.review.reader import Draft, read_draft

#: The rules: each is a small function from what could be read to the problems that it finds. To
#: add one, write the function beside its like, its code into `codes.py` and `docs/check-codes.md`,
#: and a broken folder into `tests/review`.
RULES: tuple[Callable[[Draft], Iterable[Problem]], ...] = (
    rules_question.slug,
    rules_question.ids_of_tables,
    rules_question.question,
    rules_question.question_component,
    rules_question.options,
    rules_question.counts_as,
    rules_question.outcomes,
    rules_question.decides,
    rules_question.thresholds,
    rules_question.plan,
    rules_question.people,
    rules_question.dates,
    rules_question.changes,
    rules_question.judgements,
    rules_question.signatures,
    rules_question.article,
    rules_data.ids_of_rows,
    rules_data.trials_known,
    rules_data.arms_known,
    rules_data.outcomes_known,
    rules_data.components_known,
    rules_data.judges_known,
    rules_data.rows_twice,
    rules_data.counted_twice,
    rules_data.contrast_arms,
    rules_data.trials_used,
    rules_data.same_trial,
    rules_data.trial_arms,
    rules_data.shams,
    rules_data.identifiers,
    rules_data.flag_notes,
    rules_data.sources,
    rules_data.harms,
    rules_data.appraisals,
    rules_data.outcomes_with_data,
    rules_numbers.counts,
    rules_numbers.people,
    rules_numbers.kinds,
    rules_numbers.scales,
    rules_numbers.spreads,
    rules_numbers.se_as_sd,
    rules_numbers.tenths,
    rules_numbers.signs_of_change,
    rules_numbers.signs_of_contrasts,
    rules_numbers.intervals,
    rules_context.baselines,
    rules_context.responders,
    rules_context.gaps,
    rules_context.flow,
    rules_context.protocol,
    rules_context.field_tests,
    rules_context.addresses,
    rules_context.decisions,
    rules_context.claims,
    rules_signals.known,
    rules_signals.ways,
    rules_signals.overrides,
)
#: Rules whose finding depends on the day; none of them is an error, so that a folder that can be
#: read today can be read tomorrow.
DATED: tuple[Callable[[Draft, date], Iterable[Problem]], ...] = (
    rules_question.dates_today,
    rules_question.search_age,
    rules_data.years,
)


def check_draft(draft: Draft, on: date | None = None) -> tuple[Problem, ...]:
    """Every problem of what was read; without a day, the rules that need one are left out."""
    found = list(draft.problems)
    if not draft.newer:
        for rule in RULES:
            found += rule(draft)
        if on is not None:
            for dated in DATED:
                found += dated(draft, on)
    return in_order(found)


def check_folder(path: str | Path, *, on: date | None = None) -> tuple[Problem, ...]:
    """Report every problem of a review folder at once; nothing is written and nothing raised.

    Parameters
    ----------
    path
        The folder.
    on
        The day that dates are held against; today when not given.

    Returns
    -------
    The problems by file (in the order in which a folder is filled in) and line.
    """
    return check_draft(read_draft(Path(path)), on or date.today())
