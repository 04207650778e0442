"""Alone, added, together: which part of a combination did the work, or that nobody can tell.

*Alone*: the treatment against its control, nobody having other care. *Added*: the same, everybody
having the same other care. *Together*: the treatment with other care, against neither. The first
two come from comparisons that isolate the treatment. The third does when a trial made it;
otherwise only the assumption that effects add up can give a number, and it is labelled so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.answer.absolute import Scale, absolute, people_of, size_cells
from equipoise.answer.against import against_sentence, groups_of
from equipoise.answer.answer import Absolute, Bearing, Footing, Part, PartEstimate, PartKind
from equipoise.answer.footing import Counted, footing, labelled, labels_of, renamed, span_of
from equipoise.answer.judging import Setting, judge
from equipoise.answer.ledger import Ledger
from equipoise.answer.outcomes import silent_words, statements
from equipoise.answer.parts import (
    bearing_people,
    counted_directly,
    counted_exactly,
    effect_of,
    group_sizes,
    numbers_words,
    one_model,
    told_first,
)
from equipoise.answer.synthesis import Evidence, fit_pairs
from equipoise.answer.wording import join
from equipoise.certainty.thresholds import main_threshold
from equipoise.core.provenance import Quantity
from equipoise.models.components.basis import basis as basis_of
from equipoise.models.pairwise import PairwiseFit
from equipoise.models.robustness import leave_one_out
from equipoise.review.collect import model_parts
from equipoise.review.comparisons import (
    Pair,
    arm_pairs,
    isolates,
    pair_contrasts,
    setting,
)
from equipoise.review.records import Review


def isolating_part(
    review: Review,
    kind: PartKind,
    found: Sequence[Evidence],
    verdict_setting: Setting,
    ledger: Ledger,
) -> Part:
    """*Alone* or *added*: what the isolating comparisons of that setting show."""
    x = review.question.treatment
    estimates = [
        e
        for data in found
        if (e := _isolated(review, kind, data, verdict_setting, ledger)) is not None
    ]
    bearings = _isolating_bearings(review, kind, found, ledger)
    direct = [b for b in bearings if b.how == "direct"]
    trials, people = counted_directly(review, kind, direct, ledger)
    mixed = sorted({b.label for b in bearings if b.how == "mixed"})
    assumption = ""
    if mixed:
        assumption = (
            f"In {join(mixed)} about half of both groups also had other care. Counting it here "
            "assumes that the other care does not change what the treatment does."
        )
    question = {
        "alone": f"Does {x} help on its own, compared with {review.question.comparator_plain}?",
        "added": f"Does adding {x} help people who all have the same other care?",
    }[kind]
    rests = ""
    if estimates:
        told = told_first(review, estimates)
        sentence, rests = told.statement, "" if told.footing is None else told.footing.sentence
    else:
        sentence = _nothing_sentence(kind, bearings, x, _silent(review, kind, found, ledger))
    return Part(
        kind=kind,
        question=question,
        sentence=sentence,
        answerable=bool(estimates),
        estimates=tuple(estimates),
        bearings=bearings,
        trials=trials,
        people=people,
        assumption=assumption,
        rests=rests,
    )


def _setting(review: Review, pair: Pair) -> str:
    return setting(review, pair.parts2, pair.mixed)


def _isolated(
    review: Review,
    kind: PartKind,
    data: Evidence,
    verdict_setting: Setting,
    ledger: Ledger,
) -> PartEstimate | None:
    chosen = [p for p in data.pairs if _setting(review, p) in (kind, "mixed")]
    direct = [_setting(review, p) == kind for p in chosen]
    x = review.question.treatment
    tested = f"{x} on its own" if kind == "alone" else f"adding {x} to other care"
    asked = Asked(kind, tested, review.question.component)
    return pooled_estimate(review, data, (chosen, direct), asked, verdict_setting, ledger)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of comparisons: in words, for the component model, and against what."""

    kind: PartKind
    tested: str
    target: str
    against: str = ""


def pooled_estimate(
    review: Review,
    data: Evidence,
    pairs: tuple[Sequence[Pair], Sequence[bool]],
    asked: Asked,
    verdict_setting: Setting,
    ledger: Ledger,
) -> PartEstimate | None:
    """What comparisons within trials show together, judged by GRADE; None where there are none.

    `pairs`: the comparisons, and whether each compares exactly what is asked.
    """
    outcome, kind = data.outcome, asked.kind
    chosen, direct = pairs
    fit = fit_pairs(outcome, chosen, review.plan)
    if fit is None:
        return None
    prefix = f"{kind}.{outcome.id}"
    effect = effect_of(
        ledger,
        prefix,
        outcome,
        (fit.estimate, fit.ci.low, fit.ci.high),
        f"pooled from {join([p.label for p in chosen])}",
        [c for p in chosen for c in p.cells],
    )
    judged = judge(review, outcome, chosen, fit, main_threshold(outcome), verdict_setting)
    told = absolute(
        judged.scale,
        chosen,
        ledger,
        prefix,
        effect,
        (fit.estimate, fit.ci.low, fit.ci.high),
        population=review.question.population,
    )
    share = sum(float(w) for w, d in zip(fit.weights, direct, strict=True) if d) / float(
        sum(fit.weights)
    )
    counted = [p.trial.cell("trial") for p in chosen] + [c for p in chosen for c in p.cells]
    trials = ledger.add(
        f"{prefix}.trials",
        len({p.trial.id for p in chosen}),
        "trials",
        f"trials, {outcome.label}, {kind}",
        join([p.label for p in chosen]),
        cells=counted,
    )
    people = ledger.add(
        f"{prefix}.people",
        people_of(chosen),
        "people",
        f"people, {outcome.label}, {kind}",
        "sum of the groups",
        cells=[*counted, *size_cells(chosen)],
    )
    return PartEstimate(
        outcome=outcome.id,
        outcome_label=outcome.label,
        effect=effect,
        absolute=told,
        trials=trials,
        people=people,
        direct_share=share,
        statement=statements(
            review, outcome, judged, told, asked.tested, y=asked.against, effect=effect
        )[0]
        + against_sentence(groups_of(review, chosen)),
        level=judged.profile.level,
        size=judged.effect_class,
        low_size=judged.low_class,
        high_size=judged.high_class,
        footing=_footing(
            review,
            ledger,
            _Told(prefix, judged.scale, effect, told, fit),
            pairs,
            (trials, people, share),
            asked.target,
        ),
        grade=judged.profile,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """An estimate as it is told, with the fit behind it."""

    prefix: str
    scale: Scale
    effect: Quantity
    absolute: Absolute | None
    fit: PairwiseFit


def _footing(
    review: Review,
    ledger: Ledger,
    told: _Told,
    pairs: tuple[Sequence[Pair], Sequence[bool]],
    counts: tuple[Quantity, Quantity, float],
    target: str,
) -> Footing:
    """What an isolating estimate rests on: the component model of the same comparisons says it."""
    chosen, direct = pairs
    outcome = told.scale.outcome
    es = pair_contrasts(outcome, chosen)
    assert es is not None
    model = one_model(review, es)
    labels = labels_of(review, model.components)
    basis = basis_of(labelled(model, labels), renamed(target, labels))
    exact = [p for p, d in zip(chosen, direct, strict=True) if d]
    trials, people, share = counts
    counted = Counted(
        trials,
        people,
        *counted_exactly(ledger, f"{told.prefix}.direct", outcome, exact),
        share,
    )
    values = leave_one_out(told.fit).estimate.tolist() if told.fit.k > 1 else []
    ends = (min(values), max(values)) if values else (math.nan, math.nan)
    span = span_of(
        told.scale, ledger, told.prefix, told.effect, told.absolute, (told.fit.estimate, *ends)
    )
    return footing(outcome, basis, counted, span, group_sizes(model, basis.essential))


def _isolating_bearings(
    review: Review, kind: PartKind, found: Sequence[Evidence], ledger: Ledger
) -> tuple[Bearing, ...]:
    """Every trial whose groups differ in the treatment alone, in this setting."""
    bearings = []
    target = review.question.component
    for trial in review.trials:
        if trial.use != "included" or trial.status == "retracted":
            continue
        for a, b in arm_pairs(review, trial):
            one, two = (model_parts(review, x.components) for x in (a, b))
            if not isolates(one, two, target):
                continue
            mixed = model_parts(review, a.mixed) & model_parts(review, b.mixed)
            where = setting(review, two, mixed)
            if where not in (kind, "mixed"):
                continue
            numbers = [d for d in found if any(p.trial.id == trial.id for p in d.pairs)]
            empty = [d for d in found if any(p.trial.id == trial.id for p in d.empty)]
            told = bool(numbers or empty)
            how = ("direct" if where == kind else "mixed") if told else "no usable numbers"
            bearings.append(
                Bearing(
                    trial=trial.id,
                    label=trial.label,
                    people=bearing_people(review, kind, trial, (a.n, b.n), ledger, a.arm),
                    comparison=f"{a.label} against {b.label}",
                    how=how,
                    why=numbers_words(numbers, where, empty),
                )
            )
            break
    return tuple(bearings)


def _silent(review: Review, kind: PartKind, found: Sequence[Evidence], ledger: Ledger) -> str:
    """What trials of that setting measured without an event, the deciding outcome first."""
    for data in sorted(found, key=lambda d: not d.outcome.decides):
        own = [p for p in data.empty if _setting(review, p) in (kind, "mixed")]
        if own:
            people = ledger.add(
                f"{kind}.silent",
                people_of(own),
                "people",
                f"people in trials that measured {data.outcome.plain} ({kind})",
                "sum of the groups compared",
                cells=[*(c for p in own for c in p.cells), *size_cells(own)],
            )
            return silent_words(own, people)
    return ""


def _nothing_sentence(
    kind: PartKind, bearings: Sequence[Bearing], x: str, measured: str = ""
) -> str:
    setting_words = {
        "alone": f"tested {x} by itself",
        "added": f"tested what {x} adds to other care",
    }[kind]
    silent = sorted({b.label for b in bearings})
    if measured:
        return f"The trials cannot say: {join(silent)} {setting_words}, and {measured}."
    if silent:
        return (
            f"The trials cannot say: {join(silent)} {setting_words}, but without numbers that can "
            "be used."
        )
    return f"No trial has {setting_words}."
