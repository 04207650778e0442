"""Published standards held against a page: decision aids (IPDAS, NICE) and reviews (PRISMA)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from equipoise.answer.answer import Answer
from equipoise.present.decision_aid import IPDAS_ITEMS, NICE_ITEMS
from equipoise.present.reporting import HARM_ITEMS, NETWORK_ITEMS, PRISMA_ITEMS
from equipoise.present.standard import (
    STANDARD_STATES,
    Page,
    StandardItem,
    StandardResult,
    StandardState,
)

#: Every item of every list, in the lists' own order.
STANDARD_ITEMS: tuple[StandardItem, ...] = (
    *IPDAS_ITEMS,
    *NICE_ITEMS,
    *PRISMA_ITEMS,
    *NETWORK_ITEMS,
    *HARM_ITEMS,
)


def standards(answer: Answer, files: Mapping[str, bytes]) -> tuple[StandardResult, ...]:
    """Hold the items of IPDAS v4, NICE, PRISMA 2020, PRISMA-NMA and PRISMA-Harms against a page.

    Parameters
    ----------
    answer
        The answer.
    files
        The files of its page by their names in its own folder, such as ``index.html``.

    Returns
    -------
    One result for each item, in the lists' order. *Not done* is said openly and is no fault;
    *needs a person* is what no program can see. Counts are no badge: a page can meet every item
    and still be wrong.
    """
    page = Page(answer, files)
    return tuple(StandardResult(item, *item.look(page)) for item in STANDARD_ITEMS)


def tally(results: Iterable[StandardResult]) -> dict[str, dict[StandardState, int]]:
    """How many items of each list are in each state; lists and states in their order."""
    found: dict[str, Counter[StandardState]] = {}
    for r in results:
        found.setdefault(r.item.standard, Counter())[r.state] += 1
    return {name: {s: c[s] for s in STANDARD_STATES} for name, c in found.items()}


def score(results: Iterable[StandardResult], standard: str) -> str:
    """One list in words: "35 apply: 24 met, 0 not met, 3 need a person, 8 not done"."""
    counts = tally(results)[standard]
    apply = sum(counts.values()) - counts["not applicable"]
    return (
        f"{apply} apply: {counts['met']} met, {counts['not met']} not met, "
        f"{counts['needs a person']} need a person, {counts['not done']} not done"
    )
