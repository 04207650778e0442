"""Harms in five states of evidence, with exact bounds where none was seen.

How severe a harm is and how often it happens are two different things and stay in two columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from equipoise.answer.answer import HarmClass, HarmLine, HarmState
from equipoise.answer.ledger import Ledger
from equipoise.answer.wording import join
from equipoise.certainty.rob_me import trial_people
from equipoise.core.provenance import Cell, Quantity, mark
from equipoise.core.table import fixed
from equipoise.models.counts import RiskDifference, mantel_haenszel_rd
from equipoise.num.dist import normal_quantile
from equipoise.review.collect import counted_arms, model_parts
from equipoise.review.records import HarmFinding, Review

_SEVERITIES = ("unclear", "mild", "needs-care", "serious")
_ELSEWHERE = ("survey", "case-report", "register", "review")

#: Serious harm counts as looked for well enough when the zero-event bound is below this.
TOLERANCE = 0.01
#: …and people making up at least this share of the trials were asked.
ASKED_SHARE = 2 / 3


def zero_event_bound(n: int, level: float = 0.95) -> float:
    """The exact one-sided upper bound of a risk when none of `n` people had the event.

    ``1 - (1 - level)**(1/n)``; about 3/n ("rule of three", Hanley 1983, JAMA 249:1743).
    """
    return -math.expm1(math.log1p(-level) / n)


def per_thousand_up(risk: float) -> int:
    """A bound per 1000, always rounded up, to two significant digits above 100.

    A bound that is rounded down would no longer be one.
    """
    exact = risk * 1000
    step = 10 if exact > 100 else 1
    return int(step * math.ceil(exact / step - 1e-9))


def wilson(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22:209)."""
    z = normal_quantile(1 - (1 - level) / 2)
    p = events / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class _Side:
    """Events and people of one side of one trial."""

    events: int
    n: int
    cells: tuple[Cell, ...]


def counted_harms(review: Review) -> tuple[HarmFinding, ...]:
    """What counts of the folder's rows about harms: nothing of retracted or excluded trials.

    A harm that only such a trial names stays, as one that no trial that counts speaks of.
    """
    out = {t.id for t in review.trials if t.use == "excluded" or t.status == "retracted"}
    kept = [h for h in review.harms if h.trial not in out]
    named = {h.harm for h in kept}
    silent = dict.fromkeys(h.harm for h in review.harms if h.harm not in named)
    first = {h.harm: h for h in reversed(review.harms)}
    return (
        *kept,
        *(
            replace(
                first[name], kind="theory", trial="", arm="", asked="unclear", events=None, n=None
            )
            for name in silent
        ),
    )


def harm_lines(review: Review, ledger: Ledger) -> tuple[HarmLine, ...]:
    """One line for each harm named in the folder: by state, then the most serious first."""
    told = counted_harms(review)
    names = dict.fromkeys(h.harm for h in told)
    lines = [
        _line(review, [h for h in told if h.harm == name], ledger, i)
        for i, name in enumerate(names, start=1)
    ]
    return tuple(sorted(lines, key=lambda x: (x.state, -_SEVERITIES.index(x.severity))))


def _line(review: Review, rows: Sequence[HarmFinding], ledger: Ledger, index: int) -> HarmLine:
    first = rows[0]
    prefix = f"harm.{index}"
    compared, treated = _sides(review, rows)
    asked = _asked(rows)
    seen_compared = [(a, b) for a, b in compared if a.events + b.events > 0]
    all_treated = [a for a, _ in compared] + treated
    seen = [s for s in all_treated if s.events > 0]
    elsewhere = [h for h in rows if h.kind in _ELSEWHERE and h.events != 0]
    unplaced = [h for h in rows if h.kind == "trial" and h.events and not (h.arm and h.n)]
    with_ = without = excess = number = bound = None
    counted = all_treated
    state: HarmState
    if seen_compared:
        state = 1
        with_, without, excess, statement = _compared(first, compared, ledger, prefix)
    elif seen:
        state = 2
        with_, statement = _uncontrolled(first, all_treated, ledger, prefix)
    elif unplaced:
        state, counted = 2, []
        number, statement = _unplaced(review, unplaced, ledger, prefix)
    elif elsewhere:
        state, counted = 3, []
        number, statement = _elsewhere(elsewhere, ledger, prefix)
    elif asked_sides := _asked_sides(review, rows):
        state, counted = 4, asked_sides
        bound, statement = _not_seen(first, asked_sides, ledger, prefix)
    else:
        state, counted = 5, []
        statement = _not_said(rows, all_treated)
    return HarmLine(
        harm=first.harm,
        plain=first.plain,
        state=state,
        severity=_worst_severity(review, rows),
        statement=statement,
        with_=with_,
        without=without,
        excess=excess,
        count=number,
        bound=bound,
        asked="yes" if state == 4 else asked,
        duration=next((h.duration for h in rows if h.duration), ""),
        at_risk=next((h.at_risk for h in rows if h.at_risk), ""),
        sources=tuple(dict.fromkeys(h.source for h in rows if h.source)),
        note="; ".join(dict.fromkeys(h.note for h in rows if h.note)),
        treated=(sum(a.events for a in counted), sum(a.n for a in counted)) if counted else None,
    )


def _sides(
    review: Review, rows: Sequence[HarmFinding]
) -> tuple[list[tuple[_Side, _Side]], list[_Side]]:
    """Isolating pairs (treated, control) within trials, and treated arms without such a control.

    Groups of a trial that got the same are one side of its pair, so that nobody is counted twice.
    """
    target = review.question.component
    compared: list[tuple[_Side, _Side]] = []
    alone: list[_Side] = []
    trial_rows = [h for h in rows if h.kind == "trial" and h.trial and h.arm]
    full = [h for h in trial_rows if h.events is not None and h.n]
    for trial in dict.fromkeys(h.trial for h in full):
        arms = {a.arm: a for a in counted_arms(review, review.trial(trial))}
        sides = [
            (model_parts(review, arms[h.arm].components), _side(h))
            for h in full
            if h.trial == trial and h.arm in arms
        ]
        for parts in dict.fromkeys(p for p, _ in sides if target in p):
            treated = [s for p, s in sides if p == parts]
            if controls := [s for p, s in sides if p == parts - {target}]:
                compared.append((_joined(treated), _joined(controls)))
            else:
                alone += treated
    return compared, alone


def _joined(sides: Sequence[_Side]) -> _Side:
    """Several groups as one."""
    cells = tuple(c for s in sides for c in s.cells)
    return _Side(sum(s.events for s in sides), sum(s.n for s in sides), cells)


def _asked_sides(review: Review, rows: Sequence[HarmFinding]) -> list[_Side]:
    """The treated groups of trials that asked everybody."""
    compared, alone = _sides(review, [h for h in rows if h.kind == "trial" and h.asked == "yes"])
    return [*(a for a, _ in compared), *alone]


def _side(row: HarmFinding) -> _Side:
    assert row.events is not None
    assert row.n is not None
    return _Side(row.events, row.n, (row.cell("events"), row.cell("n")))


def _asked(rows: Sequence[HarmFinding]) -> str:
    answers = {h.asked for h in rows if h.kind == "trial"}
    if answers == {"yes"}:
        return "yes"
    return "no" if answers == {"no"} else "unclear"


def _worst_severity(review: Review, rows: Sequence[HarmFinding]) -> str:
    """The gravest that a source or a person who signed for this harm calls it."""
    signed = [j.level for j in review.judgements if j.about == "harm" and j.domain == rows[0].harm]
    named = [s for s in signed if s in _SEVERITIES]
    return max([*(h.severity for h in rows), *named], key=_SEVERITIES.index)


def _compared(
    row: HarmFinding, pairs: Sequence[tuple[_Side, _Side]], ledger: Ledger, prefix: str
) -> tuple[Quantity, Quantity, Quantity, str]:
    cells = [c for pair in pairs for side in pair for c in side.cells]
    pooled: RiskDifference = mantel_haenszel_rd(
        [a.events for a, _ in pairs],
        [a.n for a, _ in pairs],
        [b.events for _, b in pairs],
        [b.n for _, b in pairs],
    )
    base = sum(b.events for _, b in pairs) / sum(b.n for _, b in pairs)
    without = ledger.add(
        f"{prefix}.without",
        1000 * base,
        "per 1000",
        f"{row.plain}, without the treatment",
        "events over people in the control groups",
        cells=cells,
    )
    excess = ledger.add(
        f"{prefix}.excess",
        1000 * pooled.estimate,
        "per 1000",
        f"{row.plain}, extra with the treatment",
        "Mantel–Haenszel risk difference × 1000",
        low=1000 * pooled.low,
        high=1000 * pooled.high,
        cells=cells,
    )
    with_ = ledger.add(
        f"{prefix}.with",
        min(1000.0, max(0.0, without.value + excess.value)),
        "per 1000",
        f"{row.plain}, with the treatment",
        "without + extra",
        inputs=(without, excess),
    )
    sure = pooled.low > 0 or pooled.high < 0
    statement = (
        f"{_told(with_)} of 1000 people with it, {_told(without)} of 1000 without: "
        f"{_told(excess)} {_way(excess.value)} ({_range(excess)})."
    )
    if not sure:
        statement += " The trials cannot rule out that there is no difference."
    return with_, without, excess, statement


def _range(excess: Quantity) -> str:
    assert excess.low is not None
    assert excess.high is not None
    low, high = (f"{mark(excess, fixed(abs(v), 0))} {_way(v)}" for v in (excess.low, excess.high))
    return f"from {low} to {high}"


def _told(quantity: Quantity) -> str:
    """Its size as a whole number, tied to it."""
    return mark(quantity, fixed(abs(quantity.value), 0))


def _way(value: float) -> str:
    return "fewer" if value < -0.5 else "more"


def _uncontrolled(
    row: HarmFinding, sides: Sequence[_Side], ledger: Ledger, prefix: str
) -> tuple[Quantity, str]:
    events, people = sum(s.events for s in sides), sum(s.n for s in sides)
    low, high = wilson(events, people)
    with_ = ledger.add(
        f"{prefix}.with",
        1000 * events / people,
        "per 1000",
        f"{row.plain}, with the treatment",
        f"{events} of {people} people, Wilson interval",
        low=1000 * low,
        high=1000 * high,
        cells=[c for s in sides for c in s.cells],
    )
    return with_, (
        f"{mark(with_, f'{events} of {people}')} people who had the treatment. Without a control "
        "group nobody knows how many of them it caused."
    )


def _unplaced(
    review: Review, rows: Sequence[HarmFinding], ledger: Ledger, prefix: str
) -> tuple[Quantity, str]:
    """Seen in trials whose reports do not say in which group, or out of how many people."""
    names = join(list(dict.fromkeys(review.trial(h.trial).label for h in rows)))
    seen = ledger.add(
        f"{prefix}.count",
        sum(h.events or 0 for h in rows),
        "people",
        f"{rows[0].plain}, people in trials",
        f"counted in {names}; the group is not given",
        cells=[h.cell("events") for h in rows],
    )
    noun = "person" if seen.value == 1 else "people"
    return seen, (
        f"{mark(seen, fixed(seen.value, 0))} {noun} in {names}; the report does not say in which "
        "group."
    )


def _elsewhere(
    rows: Sequence[HarmFinding], ledger: Ledger, prefix: str
) -> tuple[Quantity | None, str]:
    kinds = {
        "survey": "a survey of practitioners",
        "case-report": "case reports",
        "register": "a register",
        "review": "a review",
    }
    counted = [h for h in rows if h.events]
    if not counted:
        names = join(list(dict.fromkeys(kinds[h.kind] for h in rows)))
        return None, f"Named in {names}, without a count. Nobody knows how often it happens."
    row = max(counted, key=lambda h: h.events or 0)
    assert row.events is not None
    number = ledger.add(
        f"{prefix}.count",
        row.events,
        "reports",
        f"{row.plain}, reports",
        f"count in {kinds[row.kind]}; no rate can be computed",
        cells=(row.cell("events"),),
    )
    noun = "report" if row.events == 1 else "reports"
    reports = f"{mark(number, fixed(row.events, 0))} {noun} in {kinds[row.kind]}"
    return number, f"{reports}. Nobody knows out of how many people."


def _not_seen(
    row: HarmFinding, sides: Sequence[_Side], ledger: Ledger, prefix: str
) -> tuple[Quantity, str]:
    people = sum(s.n for s in sides)
    risk = zero_event_bound(people)
    up_to = per_thousand_up(risk)
    bound = ledger.add(
        f"{prefix}.bound",
        1000 * risk,
        "per 1000",
        f"{row.plain}, highest risk that the trials cannot rule out",
        f"exact one-sided 95 % bound of 0 of {people}: 1 - 0.05^(1/{people}), rounded up",
        cells=[c for s in sides for c in s.cells],
    )
    return bound, (
        f"None of {mark(bound, str(people))} people who were asked. Trials of this size cannot "
        f"rule out up to {mark(bound, str(up_to))} in 1000."
    )


def _not_said(rows: Sequence[HarmFinding], sides: Sequence[_Side]) -> str:
    reported = [h for h in rows if h.kind == "trial"]
    if sides or any(h.events == 0 for h in reported):
        return "A report says that none were seen, but not whether anyone was asked."
    if any(h.kind in _ELSEWHERE for h in rows):
        return "A review says that none were seen, but not whether everybody was asked."
    return "The trials did not say."


def asked_sentence(review: Review, ledger: Ledger) -> str:
    """How many trials of the treatment say that they asked people about harms, and which.

    Empty where no trial is there to ask.
    """
    trials = [t for t in review.trials if t.use == "included" and t.status != "retracted"]
    if not trials:
        return ""
    rows = [h for h in review.harms if h.kind == "trial" and h.asked == "yes"]
    asked = [t for t in trials if any(h.trial == t.id for h in rows)]
    if not asked:
        if len(trials) == 1:
            return "The one trial does not say that it asked everybody about harms."
        return "No trial says that it asked everybody about harms."
    known = {t.id for t in asked}
    number = ledger.add(
        "harms.asked",
        len(asked),
        "trials",
        "trials that say that they asked everybody about a harm",
        f"{join([t.label for t in asked])}; of {len(trials)} trials of the treatment",
        cells=[h.cell("asked") for h in rows if h.trial in known],
    )
    names = join([t.label for t in asked[:3]]) if len(asked) <= 3 else ""
    told = mark(number, fixed(number.value, 0))
    verb = "says that it" if len(asked) == 1 else "say that they"
    said = f"{told} of {len(trials)} trials {verb} asked everybody about harms"
    if len(asked) == len(trials) == 1:
        said = f"The one trial ({mark(number, trials[0].label)}) says that it asked about harms"
        return f"{said}. What they did not ask about can still happen."
    return f"{said}{f' ({names})' if names else ''}. What they did not ask about can still happen."


def harm_class(review: Review, lines: Sequence[HarmLine]) -> HarmClass:
    """The class of harm that goes into the verdict table.

    *Serious likely*: a serious harm compared in trials, with an interval above zero. *Serious
    possible*: a serious harm seen or reported anywhere, unless trials that compared it exclude 1 in
    100 more; a harm that is clearly more frequent with the treatment and needs care, or whose
    severity nobody stated; or whatever a person signed as serious. Otherwise *not measured*, unless
    people making up two thirds of the trials were asked, enough of them to put a serious harm that
    nobody had below 1 in 100, and no serious harm is named of which trials do not say anything;
    then *none* or *minor*.
    """
    serious = [h for h in lines if h.severity == "serious"]
    if any(_more(h) for h in serious):
        return "serious likely"
    graver = [h for h in lines if h.severity in ("needs-care", "unclear")]
    if (
        signed_serious(review)
        or any(_possible(h) for h in serious)
        or any(_more(h) for h in graver)
    ):
        return "serious possible"
    if any(h.state == 5 for h in serious) or not measured(review):
        return "not measured"
    return "minor" if any(h.state in (1, 2, 3) for h in lines) else "none"


def signed_serious(review: Review) -> bool:
    """Whether a person signed that serious harm is to be reckoned with, whatever the rows say."""
    return any(
        j.about == "harm" and not j.domain and j.level == "serious" for j in review.judgements
    )


def had_it(line: HarmLine) -> bool:
    """Whether anybody who had the treatment in a trial was seen with the harm."""
    if line.state == 1:
        return line.treated is not None and line.treated[0] > 0
    return line.state == 2


def _more(line: HarmLine) -> bool:
    """Whether trials show that the treatment adds to a harm."""
    return line.state == 1 and line.excess is not None and (line.excess.low or 0) > 0


def _possible(line: HarmLine) -> bool:
    """Whether the treatment may bring a serious harm: seen or told, and not excluded by trials."""
    if line.state == 1 and line.excess is not None and line.excess.high is not None:
        return line.excess.high >= 1000 * TOLERANCE
    if line.state == 4 and line.bound is not None:
        return False
    return line.state in (1, 2, 3)


def measured(review: Review) -> bool:
    """Whether enough people were asked about harms, and enough of those who were treated."""
    counted = {t.id: t for t in review.trials if t.use == "included" and t.status != "retracted"}
    by_trial: dict[str, dict[str, int]] = {}
    for h in counted_harms(review):
        if h.kind == "trial" and h.asked == "yes" and h.n and h.trial in counted and h.arm:
            arms = by_trial.setdefault(h.trial, {})
            arms[h.arm] = max(arms.get(h.arm, 0), h.n)
    people = sum(sum(arms.values()) for arms in by_trial.values())
    randomised = sum(trial_people(review, t) for t in counted.values())
    exposed = sum(
        n
        for trial, arms in by_trial.items()
        for arm, n in arms.items()
        if _treated(review, trial, arm)
    )
    enough = exposed > 0 and zero_event_bound(exposed) < TOLERANCE
    return enough and people >= ASKED_SHARE * randomised


def _treated(review: Review, trial: str, arm: str) -> bool:
    found = next(a for a in review.arms if a.trial == trial and a.arm == arm)
    return review.question.component in model_parts(review, found.components)
