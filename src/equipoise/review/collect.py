"""Records → the data of one outcome, trial by trial, with everything left out and why.

The rules, in order: rows flagged unusable or overlapping never count; of a factorial trial's
margins only the chosen factor counts; of several times the one nearest to the outcome's target
week inside its window counts; scales are moved to the outcome's own; an SD that cannot be right is
borrowed from the other trials where the outcome allows it, and marked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from equipoise.core.provenance import Cell
from equipoise.review.records import (
    Arm,
    ContrastFinding,
    Finding,
    Outcome,
    ResultType,
    Review,
    Trial,
)
from equipoise.review.vocabulary import FLAGS


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that could not be used for an outcome, and why."""

    trial: str
    what: str
    why: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class ArmData:
    """One arm's usable numbers, on the outcome's scale (changes: negative means went down)."""

    trial: Trial
    arms: tuple[Arm, ...]
    parts: frozenset[str]
    mixed: frozenset[str]
    week: float
    type: ResultType
    n: int
    events: int | None
    mean: float | None
    sd: float | None
    raw: str
    flags: tuple[str, ...]
    borrowed: bool
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """The arms' names, joined where they were combined."""
        return " / ".join(a.label for a in self.arms)


@dataclass(frozen=True, slots=True)
class ContrastData:
    """A published difference on the outcome's scale: arm1 minus arm2, or arm1 over arm2."""

    trial: Trial
    arm1: Arm
    arm2: Arm
    parts1: frozenset[str]
    parts2: frozenset[str]
    mixed: frozenset[str]
    week: float
    measure: str
    estimate: float
    se: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    ref_se: float | None
    n1: int | None
    n2: int | None
    raw: str
    flags: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class TrialData:
    """What one trial gives for one outcome: arms, or published contrasts where it gives no arms."""

    trial: Trial
    arms: tuple[ArmData, ...] = ()
    contrasts: tuple[ContrastData, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of everything that is used."""
        own = [c for a in self.arms for c in a.cells]
        return tuple(own + [c for d in self.contrasts for c in d.cells])


@dataclass(frozen=True, slots=True)
class Collected:
    """The data of one outcome."""

    outcome: Outcome
    trials: tuple[TrialData, ...]
    left_out: tuple[Missing, ...]


def model_parts(review: Review, components: Iterable[str]) -> frozenset[str]:
    """The model components that an arm's components count as."""
    return frozenset(p for c in components for p in review.component(c).counts_as)


def counted_arms(review: Review, trial: Trial) -> tuple[Arm, ...]:
    """The arms of a trial that are analysed: of factorial margins, only the chosen factor's."""
    arms = [a for a in review.arms if a.trial == trial.id]
    if trial.factor:
        return tuple(a for a in arms if a.factor == trial.factor)
    return tuple(a for a in arms if not a.factor)


def collect(review: Review, outcome: str) -> Collected:
    """Gather the usable data of one outcome from every trial that is not excluded or retracted."""
    target = review.outcome(outcome)
    missing: list[Missing] = []
    found: list[TrialData] = []
    for trial in review.trials:
        if trial.use == "excluded" or trial.status == "retracted":
            continue
        data = _trial(review, trial, target, missing)
        if data is not None:
            found.append(data)
    trials = _lend_sds(target, found, missing)
    return Collected(target, tuple(trials), tuple(missing))


def _trial(
    review: Review, trial: Trial, outcome: Outcome, missing: list[Missing]
) -> TrialData | None:
    arms = {a.arm: a for a in counted_arms(review, trial)}
    rows = [r for r in review.results if r.trial == trial.id and r.outcome == outcome.id]
    contrasts = [c for c in review.contrasts if c.trial == trial.id and c.outcome == outcome.id]
    if not rows and not contrasts:
        return None
    usable = [r for r in rows if _usable(review, r, outcome, arms, missing)]
    week = _week(usable, outcome, at_least=2)
    if week is not None:
        chosen = [r for r in usable if r.weeks == week]
        data = [
            d for d in (_arm(review, trial, arms[r.arm], r, outcome, missing) for r in chosen) if d
        ]
        data = _merged(data)
        if len(data) >= 2:
            if len({d.type for d in data}) == 1:
                return TrialData(trial, arms=tuple(data))
            missing.append(
                Missing(trial.id, outcome.label, "one arm reports change and another final values")
            )
            return None
    good = [c for c in contrasts if _usable_contrast(review, c, outcome, arms, missing)]
    week = _week(good, outcome, at_least=1)
    if week is not None:
        return TrialData(
            trial,
            contrasts=tuple(
                _contrast(review, trial, arms[c.arm1], arms[c.arm2], c, outcome)
                for c in good
                if c.weeks == week
            ),
        )
    if not any(m.trial == trial.id for m in missing):
        missing.append(
            Missing(
                trial.id,
                outcome.label,
                f"no result of both groups between weeks {outcome.weeks[0]:g} and "
                f"{outcome.weeks[1]:g}",
                tuple(r.cell("weeks") for r in rows),
            )
        )
    return None


def _in_window(weeks: float, outcome: Outcome) -> bool:
    return outcome.weeks[0] <= weeks <= outcome.weeks[1]


def _usable(
    review: Review, row: Finding, outcome: Outcome, arms: dict[str, Arm], missing: list[Missing]
) -> bool:
    if not _in_window(row.weeks, outcome):
        return False
    why = ""
    if row.arm not in arms:
        why = "the same people are counted in the margins of the trial's other factor"
    elif "unusable" in row.flags:
        why = row.note or FLAGS["unusable"]
    elif "overlapping" in row.flags:
        why = FLAGS["overlapping"]
    elif row.n is None:
        why = "the number of people in the group was not reported"
    elif outcome.type == "binary" and row.events is None:
        why = "the number of people with the event was not reported"
    elif outcome.type == "continuous" and row.mean is None:
        why = "the mean was not reported"
    elif outcome.type == "continuous" and not _has_spread(row) and not outcome.borrow_sd:
        unusable = "sd-unusable" in row.flags
        why = FLAGS["sd-unusable"] if unusable else "no standard deviation was reported"
    if why:
        missing.append(Missing(row.trial, _what(review, row, outcome), why, _cells(row, outcome)))
    return not why


def _usable_contrast(
    review: Review,
    row: ContrastFinding,
    outcome: Outcome,
    arms: dict[str, Arm],
    missing: list[Missing],
) -> bool:
    if not _in_window(row.weeks, outcome):
        return False
    why = ""
    spread = row.se is not None or row.ci_low is not None or row.p_value is not None
    if row.arm1 not in arms or row.arm2 not in arms:
        why = "the same people are counted in the margins of the trial's other factor"
    elif "overlapping" in row.flags:
        why = FLAGS["overlapping"]
    elif row.estimate is None:
        why = row.note or "the size of the difference was not reported"
    elif "unusable" in row.flags:
        why = row.note or FLAGS["unusable"]
    elif not spread:
        why = "the difference was reported without an interval, standard error or p value"
    elif row.measure != outcome.measure:
        why = f"reported as {row.measure}, which cannot be pooled with {outcome.measure}"
    if why:
        cells = (row.cell("estimate"),) if row.estimate is not None else (row.cell("p_value"),)
        missing.append(Missing(row.trial, _what(review, row, outcome), why, cells))
    return not why


def _what(review: Review, row: Finding | ContrastFinding, outcome: Outcome) -> str:
    labels = {a.arm: a.label for a in review.arms if a.trial == row.trial}
    ids = (row.arm,) if isinstance(row, Finding) else (row.arm1, row.arm2)
    who = " against ".join(labels.get(i, i) for i in ids)
    return f"{outcome.label}, {who}, week {row.weeks:g}"


def _has_spread(row: Finding) -> bool:
    return row.se is not None or (row.sd is not None and "sd-unusable" not in row.flags)


def _week(
    rows: Sequence[Finding] | Sequence[ContrastFinding], outcome: Outcome, *, at_least: int
) -> float | None:
    """The week nearest to the target that has enough rows; of two as near, the later."""
    weeks = [r.weeks for r in rows]
    enough = {w for w in weeks if weeks.count(w) >= at_least}
    return min(enough, key=lambda w: (abs(w - outcome.weeks[2]), -w), default=None)


def _cells(row: Finding, outcome: Outcome) -> tuple[Cell, ...]:
    columns = ("events", "n") if outcome.type == "binary" else ("mean", "sd", "se", "n")
    return tuple(row.cell(c) for c in columns if getattr(row, c) is not None)


def _rescale(
    row: Finding | ContrastFinding, outcome: Outcome, *, difference: bool
) -> tuple[float, float]:
    """Factor and shift that take a published value to the outcome's scale."""
    factor, shift = 1.0, 0.0
    if row.scale is not None and outcome.scale is not None and row.scale != outcome.scale:
        width = row.scale[1] - row.scale[0]
        factor = (outcome.scale[1] - outcome.scale[0]) / width
        shift = 0.0 if difference else outcome.scale[0] - factor * row.scale[0]
    if row.type == "improvement" and outcome.better == "lower":
        factor = -factor
    return factor, shift


def rescaled_mean(row: Finding, outcome: Outcome) -> float:
    """The mean of a row on the outcome's own scale.

    Raises nothing; the row must have a mean.
    """
    assert row.mean is not None
    factor, shift = _rescale(row, outcome, difference=row.type != "final")
    return factor * row.mean + shift


def _flag_words(flags: Iterable[str], note: str) -> tuple[str, ...]:
    """What a reader must know about a row: its flags in words, and then its own note."""
    words = [FLAGS[f] for f in flags if f != "sd-unusable"]
    return (*words, note) if words and note else tuple(words)


def _arm(
    review: Review,
    trial: Trial,
    arm: Arm,
    row: Finding,
    outcome: Outcome,
    missing: list[Missing],
) -> ArmData | None:
    assert row.n is not None
    mean = sd = None
    raw = f"{row.events}/{row.n}"
    if outcome.type == "continuous":
        factor, _ = _rescale(row, outcome, difference=row.type != "final")
        mean = rescaled_mean(row, outcome)
        printed = row.sd if "sd-unusable" not in row.flags else None
        if printed is None and row.se is not None:
            printed = row.se * math.sqrt(row.n)
        sd = None if printed is None else abs(factor) * printed
        spread = f"{row.sd:g}" if row.sd is not None else (f"SE {row.se:g}" if row.se else "–")
        raw = f"{row.mean:g} ({spread}), {row.n}"
    elif row.events is not None and row.events > row.n:
        missing.append(Missing(row.trial, _what(review, row, outcome), "more events than people"))
        return None
    return ArmData(
        trial=trial,
        arms=(arm,),
        parts=model_parts(review, arm.components),
        mixed=model_parts(review, arm.mixed),
        week=row.weeks,
        type=row.type,
        n=row.n,
        events=row.events,
        mean=mean,
        sd=sd,
        raw=raw,
        flags=_flag_words(row.flags, row.note),
        borrowed=False,
        cells=_cells(row, outcome),
    )


def _merged(data: Sequence[ArmData]) -> list[ArmData]:
    """Combine arms of one trial that count as the same, so that no control is counted twice.

    Means and SDs combine as in the Cochrane Handbook, table 6.5.2.a.
    """
    groups: dict[tuple[frozenset[str], frozenset[str]], ArmData] = {}
    for arm in data:
        key = (arm.parts, arm.mixed)
        groups[key] = _combine(groups[key], arm) if key in groups else arm
    return list(groups.values())


def _combine(a: ArmData, b: ArmData) -> ArmData:
    n = a.n + b.n
    mean = sd = None
    if a.mean is not None and b.mean is not None:
        mean = (a.n * a.mean + b.n * b.mean) / n
        if a.sd is not None and b.sd is not None:
            between = a.n * b.n / n * (a.mean - b.mean) ** 2
            within = (a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2
            sd = math.sqrt((within + between) / (n - 1))
    events = None if a.events is None or b.events is None else a.events + b.events
    return replace(
        a,
        arms=a.arms + b.arms,
        n=n,
        events=events,
        mean=mean,
        sd=sd,
        raw=f"{a.raw} and {b.raw}",
        flags=(*a.flags, *b.flags, "two groups that count as the same were combined"),
        cells=a.cells + b.cells,
    )


def _contrast(
    review: Review, trial: Trial, arm1: Arm, arm2: Arm, row: ContrastFinding, outcome: Outcome
) -> ContrastData:
    assert row.estimate is not None
    factor, _ = _rescale(row, outcome, difference=True)
    low, high = row.ci_low, row.ci_high
    if low is not None and high is not None:
        low, high = sorted((factor * low, factor * high))
    spread = (
        f"{row.ci_low:g} to {row.ci_high:g}"
        if row.ci_low is not None and row.ci_high is not None
        else (f"SE {row.se:g}" if row.se is not None else f"p = {row.p_value:g}")
    )
    columns = ("estimate", "se", "ci_low", "ci_high", "p_value")
    return ContrastData(
        trial=trial,
        arm1=arm1,
        arm2=arm2,
        parts1=model_parts(review, arm1.components),
        parts2=model_parts(review, arm2.components),
        mixed=model_parts(review, arm1.mixed) | model_parts(review, arm2.mixed),
        week=row.weeks,
        measure=row.measure,
        estimate=factor * row.estimate,
        se=None if row.se is None else abs(factor) * row.se,
        ci_low=low,
        ci_high=high,
        p_value=row.p_value,
        ref_se=None if row.ref_se is None else abs(factor) * row.ref_se,
        n1=row.n1 if row.n1 is not None else arm1.n,
        n2=row.n2 if row.n2 is not None else arm2.n,
        raw=f"{row.estimate:g} ({spread})",
        flags=_flag_words(row.flags, row.note),
        cells=tuple(row.cell(c) for c in columns if getattr(row, c) is not None),
    )


def _lend_sds(
    outcome: Outcome, trials: Sequence[TrialData], missing: list[Missing]
) -> list[TrialData]:
    """Give arms without a usable SD the pooled SD of the other trials' arms, and say so."""
    lenders = [
        a
        for t in trials
        if t.trial.use == "included"
        for a in t.arms
        if a.sd is not None and a.n > 1 and a.type == "final"
    ]
    df = sum(a.n - 1 for a in lenders)
    kept: list[TrialData] = []
    for data in trials:
        if all(a.sd is not None or outcome.type == "binary" for a in data.arms):
            kept.append(data)
            continue
        if not lenders:
            cells = tuple(c for a in data.arms for c in a.cells)
            why = "no usable standard deviation, and no other trial to borrow one from"
            missing.append(Missing(data.trial.id, outcome.label, why, cells))
            continue
        sd = math.sqrt(sum((a.n - 1) * a.sd**2 for a in lenders if a.sd is not None) / df)
        names = ", ".join(dict.fromkeys(a.trial.label for a in lenders))
        note = f"its own standard deviation is unusable; {sd:.1f} was borrowed from {names}"
        lent = tuple(c for a in lenders for c in a.cells if c.column in ("sd", "se"))
        arms = tuple(
            a
            if a.sd is not None
            else replace(a, sd=sd, borrowed=True, flags=(*a.flags, note), cells=a.cells + lent)
            for a in data.arms
        )
        kept.append(replace(data, arms=arms))
    return kept
