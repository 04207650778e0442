"""What the comparison groups got, where it was not the same: a sham, something else, or nothing.

The comparator of the question names one thing. Trials that isolate the treatment may still have had
different ones; then the pooled result says so, and is listed by what it was compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

from equipoise.answer.absolute import as_seen, difference_words, people_of, size_cells, unit_of
from equipoise.answer.answer import Against
from equipoise.answer.ledger import Ledger
from equipoise.answer.synthesis import fit_pairs
from equipoise.answer.wording import capital, count, join, uncapital
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import fixed, ratio
from equipoise.effects.measures import measure_of
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Review

#: So many trials are named; of more only the number is told.
_NAMED = 3

Groups = tuple[tuple[str, tuple[Pair, ...]], ...]


def groups_of(review: Review, chosen: Sequence[Pair]) -> Groups:
    """The comparisons by what their control groups got in place of the treatment.

    The same roles count as the same: two shams are two shams. What everybody got beside it, such
    as exercise, is no comparator.
    """
    held: dict[frozenset[str], list[Pair]] = {}
    for pair in chosen:
        roles = {review.component(c).role for c in pair.parts2} - {"care", "background"}
        held.setdefault(frozenset(roles), []).append(pair)
    if len(held) < 2:
        return ()
    return tuple((_name(review, pairs), tuple(pairs)) for pairs in held.values())


def _name(review: Review, pairs: Sequence[Pair]) -> str:
    """What these control groups got, in the review's words."""
    names: dict[str, None] = {}
    for pair in pairs:
        for parts in _controls(pair):
            kinds = [review.component(c) for c in parts]
            own = [c for c in kinds if c.role not in ("care", "background")]
            shown = own or [c for c in kinds if c.role == "background"]
            label = " with ".join(uncapital(c.label) for c in shown)
            names[label or "nothing in its place"] = None
    return join(list(names), "or")


def _controls(pair: Pair) -> list[tuple[str, ...]]:
    if pair.control is not None:
        return [a.components for a in pair.control.arms]
    assert pair.contrast is not None
    return [(pair.contrast.arm1 if pair.swapped else pair.contrast.arm2).components]


def compared_with(groups: Groups) -> str:
    """All that it was compared with, in words; empty where that was the same."""
    return join([name for name, _ in groups], "or")


def against_sentence(groups: Groups) -> str:
    """That the comparison groups did not get the same, and which trial gave what."""
    if not groups:
        return ""
    told = [f"{name} ({_trials(pairs)})" for name, pairs in groups]
    return f" The comparison groups did not all get the same: {'; '.join(told)}."


def _trials(pairs: Sequence[Pair]) -> str:
    names = list(dict.fromkeys(p.trial.label for p in pairs))
    return join(names) if len(names) <= _NAMED else count(len(names), "trial")


def against_lines(
    review: Review, outcome: Outcome, groups: Groups, ledger: Ledger
) -> tuple[Against, ...]:
    """The pooled result against each of them."""
    made = []
    for number, (name, pairs) in enumerate(groups, start=1):
        fit = fit_pairs(outcome, pairs, review.plan)
        if fit is None:
            continue
        prefix = f"{outcome.id}.against.{number}"
        cells = [c for p in pairs for c in p.cells]
        effect = ledger.add(
            f"{prefix}.effect",
            as_seen(outcome, fit.estimate),
            unit_of(outcome)[0],
            f"{outcome.label}: {measure_of(outcome.measure).name}, against {name}",
            f"pooled from {join([p.label for p in pairs])}",
            low=as_seen(outcome, fit.ci.low),
            high=as_seen(outcome, fit.ci.high),
            cells=cells,
        )
        people = ledger.add(
            f"{prefix}.people",
            people_of(pairs),
            "people",
            f"{outcome.label}: people in trials against {name}",
            "sum of the groups",
            cells=[*(p.trial.cell("trial") for p in pairs), *cells, *size_cells(pairs)],
        )
        trials = tuple(dict.fromkeys(p.trial.label for p in pairs))
        who = f"{mark(people, fixed(people.value, 0))} people"
        words = f"{capital(name)} ({_trials(pairs)}): {_words(outcome, effect)}; {who}"
        made.append(Against(name, trials, people, effect, words))
    return tuple(made)


def _words(outcome: Outcome, effect: Quantity) -> str:
    assert effect.low is not None
    assert effect.high is not None
    if not measure_of(outcome.measure).ratio:
        return difference_words(outcome, effect)
    shown = [mark(effect, ratio(v)) for v in (effect.value, effect.low, effect.high)]
    return f"{measure_of(outcome.measure).name} {shown[0]} (from {shown[1]} to {shown[2]})"
