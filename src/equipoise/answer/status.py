"""How far a page can be relied on: the age of its search, who reviewed it, retractions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from equipoise.answer.answer import Status, StatusLine
from equipoise.answer.wording import join, month_words, months_ago, when_words
from equipoise.certainty.grade import Cap
from equipoise.review.records import Review

#: Months after which a search is old (a warning) and out of date (a stop).
OLD, OUT_OF_DATE = 24, 36


@dataclass(frozen=True, slots=True)
class Search:
    """The age of the search that the review rests on; `months` None when no search is known.

    The month that has begun counts as a whole one.
    """

    last: str
    months: int | None

    @property
    def stale(self) -> bool:
        """Whether no verdict may be given without saying how old it is."""
        return self.months is None or self.months > OUT_OF_DATE


def search_age(last: str, on: date) -> int | None:
    """Months from the end of the search to the day `on`, the one that has begun counted whole.

    A date known to the month or the year only counts from that period's first day, so that a
    search never looks younger than it is: a day after 36 months it is in its 37th.
    """
    if not last:
        return None
    year, month, day = ([int(p) for p in last.split("-")] + [1, 1])[:3]
    return max(0, (on.year - year) * 12 + on.month - month + (on.day > day))


def search_of(review: Review, on: date) -> Search:
    """The review's search and its age."""
    return Search(review.search.last, search_age(review.search.last, on))


def stale_caps(search: Search) -> tuple[Cap, ...]:
    """The ceiling that an out-of-date search puts on certainty."""
    if not search.stale:
        return ()
    if search.months is None:
        why = "no systematic search is known, so trials may be missing"
        plain = "nobody has searched for all trials"
    else:
        why = f"the last systematic search ended {when_words(search.last)}, over 36 months ago"
        plain = "newer trials may be missing"
    return (Cap("low", why, plain),)


def heading(review: Review, search: Search) -> str:
    """What stands over the verdict when the search is out of date, else nothing."""
    if not search.stale:
        return ""
    if search.months is None:
        return f"From the trials known to us in {month_words(review.updated[:7])}"
    return f"As of {month_words(search.last)}"


def retracted(review: Review) -> tuple[str, ...]:
    """Labels of retracted trials that would count here; their numbers are not used."""
    return tuple(t.label for t in review.trials if t.status == "retracted" and t.use != "excluded")


def status(review: Review, search: Search, on: date) -> Status:
    """The lines of the status strip, the worst first."""
    lines = [*_search_lines(review, search), *_trial_lines(review)]
    independent = [p for p in review.people if p.independent]
    draft = not independent
    if draft:
        lines.append(
            StatusLine(
                "warn",
                "Draft: not independently reviewed. Nobody without a part in writing it has "
                "checked this page.",
            )
        )
    if review.next_review and date.fromisoformat(review.next_review) < on:
        lines.append(
            StatusLine("warn", f"Its review was due on {month_words(review.next_review)}.")
        )
    lines.append(
        StatusLine(
            "info",
            f"Version {review.version}, {month_words(review.updated)}. "
            f"Next review: {month_words(review.next_review) if review.next_review else 'not set'}.",
        )
    )
    order = {"stop": 0, "warn": 1, "info": 2}
    lines.sort(key=lambda line: order[line.kind])
    return Status(
        lines=tuple(lines),
        on=on.isoformat(),
        searched_to=review.search.last,
        search_age_months=search.months,
        draft=draft,
    )


def _search_lines(review: Review, search: Search) -> list[StatusLine]:
    by_hand = " Later trials were added by hand; some may be missing."
    if search.months is None:
        return [
            StatusLine(
                "stop",
                "No systematic search is known for this page: trials may be missing, and those "
                "here may not be typical.",
            )
        ]
    ended = f"The last systematic search ended {when_words(search.last)}"
    if search.stale:
        extra = by_hand if review.search.by_hand else " Newer trials may be missing."
        return [StatusLine("stop", f"Out of date. {ended}, {months_ago(search.months)}.{extra}")]
    if search.months > OLD:
        return [
            StatusLine("warn", f"{ended}, {months_ago(search.months)}: check for newer trials.")
        ]
    return [StatusLine("info", f"{ended}.")]


def _trial_lines(review: Review) -> list[StatusLine]:
    lines = []
    if names := retracted(review):
        verb = "was" if len(names) == 1 else "were"
        lines.append(
            StatusLine("stop", f"{join(names)} {verb} retracted and {verb} not used in any number.")
        )
    counted = [t for t in review.trials if t.use != "excluded"]
    if doubted := [t.label for t in counted if t.status == "concern"]:
        lines.append(
            StatusLine("warn", f"An expression of concern stands against {join(doubted)}.")
        )
    return lines
