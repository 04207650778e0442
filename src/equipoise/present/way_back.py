"""The way back of every number: answer → difference → pooled effect → trial → cell → publication.

Each step of the way is a link that a reader can follow, in both directions: an entry names what it
was computed from, and what it was used for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from equipoise.answer.answer import Answer, CellValue, ForestRow, OutcomeAnswer
from equipoise.core.provenance import Cell, Quantity
from equipoise.core.table import percent, show
from equipoise.effects.measures import measure_of
from equipoise.present.prose import doi_url, first_upper, name, quantity_id
from equipoise.review.records import Review, Trial

Hop = tuple[str, str]
"""A link: its address and its words."""

#: Where the answer itself stands on the page of sources.
VERDICT = "verdict"


Rests = tuple[tuple[Cell, CellValue | None], ...]
"""Cells with what stands in them; None where the answer does not hold it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A quantity with its way back, and what it was used for."""

    quantity: Quantity
    shown: str
    exact: str
    inputs: tuple[Hop, ...]
    trials: tuple[Hop, ...]
    cells: Rests
    used: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One trial within one pooled effect: its own effect, its weight and its cells."""

    id: str
    outcome: str
    label: str
    shown: str
    unit: str
    weight: str
    treated: str
    control: str
    rob: str
    flags: tuple[str, ...]
    cells: Rests
    publication: tuple[Hop, ...]
    used: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its cells with their values, where it was read and published.

    `used` holds the cells of the line by what they were used for: mostly all for the same.
    """

    line: int
    cells: tuple[CellValue, ...]
    publication: tuple[Hop, ...]
    used: tuple[tuple[str, tuple[Hop, ...]], ...]

    @property
    def first(self) -> CellValue:
        """What all cells of a line share: source, locator, flags, note."""
        return self.cells[0]


@dataclass(frozen=True, slots=True)
class WayBack:
    """Everything that the page of sources shows."""

    groups: dict[str, list[Entry]]
    trials: dict[str, list[TrialStep]] = field(repr=False)
    files: dict[str, list[Line]] = field(repr=False)
    verdict: tuple[Hop, ...] = ()


def way_back(answer: Answer) -> WayBack:
    """Follow every number of an answer back, and every cell forward."""
    cells = {value.cell: value for value in answer.cells}
    trials = {
        o.id: [_step(answer, o, row, i, cells) for i, row in _numbered(o)]
        for o in answer.outcomes
        if o.pooled is not None
    }
    verdict = _verdict(answer)
    used = _used(answer, {href.removeprefix("#") for href, _ in verdict})
    groups: dict[str, list[Entry]] = {}
    names = _names(answer)
    for q in answer.quantities.values():
        head = q.id.split(".", 1)[0]
        steps = trials.get(head, []) if q.id == f"{head}.effect" else []
        groups.setdefault(names.get(head, first_upper(head)), []).append(
            Entry(
                q,
                str(show(q)),
                _exact(q),
                tuple(_hop(answer.quantities[i]) for i in q.inputs if i in answer.quantities),
                tuple((f"#{s.id}", f"{s.label} ({s.weight})") for s in steps),
                # Where each trial has a step of its own, the cells stand there.
                () if steps else tuple((c, cells.get(c)) for c in q.cells),
                tuple(used.get(q.id, ())),
            )
        )
    labels = {o.id: o.label for o in answer.outcomes}
    order = dict.fromkeys([*names.values(), *groups])
    return WayBack(
        {head: groups[head] for head in order if head in groups},
        {labels[id]: steps for id, steps in trials.items()},
        _files(answer, trials),
        verdict,
    )


def by_line(cells: Rests) -> list[tuple[str, Rests]]:
    """The cells of each line together, with the name of the line."""
    lines: dict[str, list[tuple[Cell, CellValue | None]]] = {}
    for cell, value in cells:
        lines.setdefault(f"{cell.file} line {cell.line}", []).append((cell, value))
    return [(line, tuple(found)) for line, found in lines.items()]


def _names(answer: Answer) -> dict[str, str]:
    return {o.id: o.label for o in answer.outcomes} | {
        "alone": "Alone",
        "added": "Added to other care",
        "together": "Together with other care",
        "component": "Parts of the treatments",
        "harm": "Harms",
        "harms": "Harms",
        "change": "What would change the answer",
    }


#: Heads of ids whose labels are also those of the outcomes, with what tells them apart.
_APART: dict[str, str] = {"alone": "alone", "added": "added", "together": "together"}


def _hop(q: Quantity) -> Hop:
    apart = _APART.get(q.id.split(".", 1)[0], "")
    more = f" ({apart})" if apart and apart not in q.label else ""
    return f"#{quantity_id(q.id)}", f"{q.label}{more}"


def _exact(q: Quantity) -> str:
    ends = "" if q.low is None or q.high is None else f" ({q.low:.10g} to {q.high:.10g})"
    return f"{q.value:.10g}{ends}"


def _verdict(answer: Answer) -> tuple[Hop, ...]:
    """The numbers that the answer rests on."""
    o = answer.outcome(answer.verdict.rests_on)
    told = [] if o.absolute is None else [o.absolute.difference]
    told += [q for q in (o.effect, o.people, o.trials) if q is not None]
    return tuple(_hop(q) for q in told if q.id in answer.quantities)


def _used(answer: Answer, in_verdict: Iterable[str]) -> dict[str, list[Hop]]:
    """For every quantity, what was computed from it; the answer for those that decide."""
    used: dict[str, list[Hop]] = {}
    wanted = set(in_verdict)
    for q in answer.quantities.values():
        if quantity_id(q.id) in wanted:
            used.setdefault(q.id, []).insert(0, (f"#{VERDICT}", "the answer"))
        for i in q.inputs:
            used.setdefault(i, []).append(_hop(q))
    return used


def _numbered(o: OutcomeAnswer) -> Iterable[tuple[str, ForestRow]]:
    """The rows of a pooled effect, each with an id that is its own."""
    seen: dict[str, int] = {}
    for row in o.pooled.rows if o.pooled is not None else ():
        seen[row.trial] = seen.get(row.trial, 0) + 1
        again = "" if seen[row.trial] == 1 else f".{seen[row.trial]}"
        yield f"t-{name(o.id)}.{name(row.trial)}{again}", row


def _step(
    answer: Answer,
    o: OutcomeAnswer,
    row: ForestRow,
    id: str,
    cells: dict[Cell, CellValue],
) -> TrialStep:
    assert o.pooled is not None
    back = measure_of(o.pooled.measure).back
    unit = o.effect.unit if o.effect is not None else ""
    own = Quantity(
        id,
        back(row.estimate),
        unit,
        row.label,
        "",
        low=back(row.low),
        high=back(row.high),
    )
    effect = () if o.effect is None else (_hop(o.effect),)
    return TrialStep(
        id,
        o.label,
        row.label,
        str(show(own)),
        unit,
        percent(row.weight),
        row.treated,
        row.control,
        row.rob,
        row.flags,
        tuple((c, cells.get(c)) for c in row.cells),
        _publication(answer.review.trial(row.trial)),
        effect,
    )


def _files(answer: Answer, trials: dict[str, list[TrialStep]]) -> dict[str, list[Line]]:
    """The cells by file and line, with what each was used for."""
    users: dict[Cell, list[Hop]] = {}
    stepped = {f"{id}.effect" for id in trials}
    for steps in trials.values():
        for s in steps:
            for cell, _ in s.cells:
                hop = (f"#{s.id}", f"{s.label} in {s.outcome}")
                users.setdefault(cell, []).append(hop)
    for q in answer.quantities.values():
        if q.id in stepped:
            continue
        for cell in q.cells:
            users.setdefault(cell, []).append(_hop(q))
    owners = _owners(answer.review)
    lines: dict[tuple[str, int], list[CellValue]] = {}
    for value in sorted(answer.cells, key=lambda v: v.cell):
        lines.setdefault((value.cell.file, value.cell.line), []).append(value)
    files: dict[str, list[Line]] = {}
    for (file, at), values in lines.items():
        files.setdefault(file, []).append(
            Line(at, tuple(values), _publication(owners.get((file, at))), _by_use(values, users))
        )
    return files


def _by_use(
    values: list[CellValue], users: dict[Cell, list[Hop]]
) -> tuple[tuple[str, tuple[Hop, ...]], ...]:
    """The users of a line; the columns are named only where they do not all share them."""
    groups: dict[tuple[Hop, ...], list[str]] = {}
    for value in values:
        own = tuple(dict.fromkeys(users.get(value.cell, ())))
        groups.setdefault(own, []).append(value.cell.column)
    if len(groups) == 1:
        return tuple(("", own) for own in groups if own)
    return tuple((", ".join(columns), own) for own, columns in groups.items())


def _owners(review: Review) -> dict[tuple[str, int], Trial]:
    """The trial that each line of a file is about."""
    known = {t.id: t for t in review.trials}
    found = {(t.file, t.line): t for t in review.trials}
    for records in (
        review.arms,
        review.results,
        review.contrasts,
        review.harms,
        review.risk_of_bias,
    ):
        for r in records:
            if r.trial in known:
                found[r.file, r.line] = known[r.trial]
    return found


def _publication(trial: Trial | None) -> tuple[Hop, ...]:
    """The publication of a trial: its entry among the references, and where it can be read."""
    if trial is None:
        return ()
    found = [(f"index.html#ref-{trial.id}", trial.label)]
    if trial.doi:
        found.append((doi_url(trial.doi), f"doi:{trial.doi}"))
    if trial.pmid:
        found.append((f"https://pubmed.ncbi.nlm.nih.gov/{trial.pmid}/", f"PubMed {trial.pmid}"))
    return tuple(found)
