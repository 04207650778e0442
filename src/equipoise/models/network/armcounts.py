"""Events among people, arm by arm: what methods for rare events take, and what they leave out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError, other_evidence
from equipoise.core.order import all_natural, natural
from equipoise.core.result import Method, Note
from equipoise.core.table import counted, fixed
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats, Ints, read_only
from equipoise.effects.zeros import check_counts
from equipoise.models.counts.result import Convergence, CountTest
from equipoise.models.network.connect import check_connected, check_twins

_RAW = ("events1", "n1", "events2", "n2")


@dataclass(frozen=True, slots=True)
class Excluded:
    """A treatment that a method cannot place in the network, and why."""

    treatment: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class ArmCounts:
    """Events and people of every arm; the arms of a trial stand together.

    Attributes
    ----------
    treatments, trials
        Names by number.
    trial, treat
        Numbers of each arm's trial and treatment.
    events, n
        Events and people of each arm.
    """

    treatments: tuple[str, ...]
    trials: tuple[str, ...]
    trial: Ints
    treat: Ints
    events: Floats
    n: Floats

    def __len__(self) -> int:
        return len(self.trial)

    @property
    def rest(self) -> Floats:
        """People without the event."""
        return self.n - self.events

    def by_trial(self, values: Floats) -> Floats:
        """Sum over the arms of each trial."""
        out: Floats = np.zeros(len(self.trials))
        np.add.at(out, self.trial, values)
        return out

    def by_treatment(self, values: Floats) -> Floats:
        """Sum over the arms of each treatment."""
        out: Floats = np.zeros(len(self.treatments))
        np.add.at(out, self.treat, values)
        return out

    def rows(self) -> list[Ints]:
        """The arms of each trial, by number."""
        cuts = np.flatnonzero(np.diff(self.trial)) + 1
        return np.split(np.arange(len(self), dtype=np.intp), cuts) if len(self) else []

    def take(self, keep: NDArray[np.bool_]) -> ArmCounts:
        """Return only these arms, with only the trials and treatments that they have."""
        trials, trial = np.unique(self.trial[keep], return_inverse=True)
        treats, treat = np.unique(self.treat[keep], return_inverse=True)
        return ArmCounts(
            tuple(self.treatments[i] for i in treats.tolist()),
            tuple(self.trials[i] for i in trials.tolist()),
            read_only(trial, np.intp),
            read_only(treat, np.intp),
            read_only(self.events[keep]),
            read_only(self.n[keep]),
        )

    def pair(self, one: str, two: str) -> ArmCounts:
        """Return the arms of two treatments in the trials that have both."""
        numbers = [self.treatments.index(name) for name in (one, two)]
        either = np.isin(self.treat, numbers)
        both = np.bincount(self.trial[either], minlength=len(self.trials)) == 2
        return self.take(either & both[self.trial])

    def designs(self) -> dict[tuple[int, ...], list[Ints]]:
        """The arms of each trial, sorted by treatment, by the set of treatments compared."""
        out: dict[tuple[int, ...], list[Ints]] = {}
        for rows in self.rows():
            rows = rows[np.argsort(self.treat[rows])]
            out.setdefault(tuple(self.treat[rows].tolist()), []).append(rows)
        return out

    def comparisons(self) -> int:
        """Pairs of arms within trials."""
        sizes = np.bincount(self.trial, minlength=len(self.trials))
        return int((sizes * (sizes - 1) // 2).sum())

    def star(self) -> Contrasts:
        """What was compared with what, as contrasts with each trial's first arm, without values."""
        study, one, two = [], [], []
        for rows in self.rows():
            base = self.treatments[self.treat[rows[0]]]
            for row in rows[1:].tolist():
                study.append(self.trials[self.trial[row]])
                one.append(self.treatments[self.treat[row]])
                two.append(base)
        k = len(study)
        return Contrasts("OR", tuple(study), np.zeros(k), np.ones(k), tuple(one), tuple(two))

    def arms(self) -> Arms:
        """The same as :class:`Arms`."""
        return Arms(
            study=tuple(self.trials[i] for i in self.trial.tolist()),
            treat=tuple(self.treatments[i] for i in self.treat.tolist()),
            events=self.events,
            n=self.n,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What a method for rare events finds.

    Attributes
    ----------
    used
        The arms that bear on the result; its treatments are those of `theta`.
    theta, cov
        Effects against the first treatment, and their covariance matrix with a row of zeros for it.
    methods
        With their papers.
    excluded
        Treatments that could not be placed, and why.
    double_zero
        Trials in which nobody, or everybody, had the event.
    zeros
        What was done with them, in words.
    notes
        What to know.
    designs
        Different sets of treatments compared.
    effects
        ``common`` or ``random``.
    tau2, dispersion, log_lik
        Where the method has them.
    q, q_df
        Disagreement between designs, for methods that have it.
    tests, convergence
        A test of heterogeneity; how well the optimum is known.
    """

    used: ArmCounts
    theta: Floats
    cov: Floats
    methods: tuple[Method, ...]
    excluded: tuple[Excluded, ...]
    double_zero: tuple[str, ...]
    zeros: str
    notes: tuple[Note, ...] = ()
    designs: int = 0
    effects: str = "common"
    tau2: float | None = None
    dispersion: float = 1.0
    log_lik: float = math.nan
    q: float = math.nan
    q_df: int = 0
    tests: tuple[CountTest, ...] = ()
    convergence: Convergence | None = None


def read_arms(es: Contrasts | Arms) -> tuple[ArmCounts, tuple[LeftOut, ...], tuple[Note, ...]]:
    """Read counts from arms, or from contrasts that keep the counts they were computed from.

    Raises
    ------
    InputError
        Means or person-time in the place of people with events, contrasts without counts, an arm
        that is told twice and differently, names that differ only in spelling.
    """
    if not isinstance(es, (Contrasts, Arms)):
        raise other_evidence(es, "what arms() or effect_sizes() give")
    if not es.study:
        why = "; ".join(f"{row.study}: {row.why}" for row in es.left_out[:3])
        raise InputError("no trial has two groups with counts", where=why, hint="at least one")
    rows = _of_arms(es) if isinstance(es, Arms) else _of_contrasts(es)
    left: list[LeftOut] = list(es.left_out)
    good: list[tuple[str, str, float, float]] = []
    for study, treat, events, n in rows:
        missing = [name for name, x in (("events", events), ("n", n)) if math.isnan(x)]
        if missing:
            left.append(LeftOut(study, f"{treat} without {' and '.join(missing)}"))
        else:
            good.append((study, treat, events, n))
    trials = tuple(dict.fromkeys(study for study, *_ in good))
    order = {name: i for i, name in enumerate(trials)}
    treatments = tuple(sorted({treat for _, treat, *_ in good}, key=natural))
    number = {name: i for i, name in enumerate(treatments)}
    good.sort(key=lambda row: order[row[0]])
    counts = ArmCounts(
        treatments,
        trials,
        read_only([order[row[0]] for row in good], np.intp),
        read_only([number[row[1]] for row in good], np.intp),
        read_only([row[2] for row in good]),
        read_only([row[3] for row in good]),
    )
    check_counts(counts.events, counts.n, [row[0] for row in good])
    alone = np.bincount(counts.trial, minlength=len(trials)) < 2
    for i in np.flatnonzero(alone).tolist():
        only = treatments[int(counts.treat[np.flatnonzero(counts.trial == i)[0]])]
        left.append(LeftOut(trials[i], f"only one group, {only}"))
    counts = counts.take(~alone[counts.trial])
    if not len(counts):
        raise InputError("no trial has two groups with counts", hint="at least one")
    check_twins(counts.star())
    notes = []
    if left:
        listed = ", ".join(f"{row.study} ({row.why})" for row in left)
        notes.append(Note("left-out", f"Left out because there is nothing to pool: {listed}."))
    return counts, tuple(left), tuple(notes)


def _of_arms(arms: Arms) -> list[tuple[str, str, float, float]]:
    if arms.data != "binary":
        raise InputError(
            f"a method for events among people from {arms.data} data",
            hint="events and n of every arm; or method='IV'",
        )
    return list(zip(arms.study, arms.treat, arms.events.tolist(), arms.n.tolist(), strict=True))


def _of_contrasts(es: Contrasts) -> list[tuple[str, str, float, float]]:
    missing = [name for name in _RAW if name not in es.raw]
    if missing or not es.treat1:
        need = ", ".join(missing) if missing else "treat1 and treat2"
        raise InputError(
            f"the contrasts do not keep {need}",
            hint="arms(study=, treat=, events=, n=); published estimates go to method='IV'",
        )
    found: dict[tuple[str, str], tuple[float, float]] = {}
    e1, n1, e2, n2 = (es.raw[name].tolist() for name in _RAW)
    for i, study in enumerate(es.study):
        if es.treat1[i] == es.treat2[i]:
            raise InputError(
                f"{es.treat1[i]!r} compared with itself",
                where=f"study {study}",
                hint="tell the two groups apart by name, or combine them",
            )
        for treat, told in ((es.treat1[i], (e1[i], n1[i])), (es.treat2[i], (e2[i], n2[i]))):
            before = found.setdefault((study, treat), told)
            if before != told and not any(map(math.isnan, (*before, *told))):
                raise InputError(
                    f"{treat} has {before[0]:g}/{before[1]:g} events and {told[0]:g}/{told[1]:g}",
                    where=f"study {study}",
                    hint="two groups with the same name? Combine them, or tell them apart",
                )
    return [(study, treat, *told) for (study, treat), told in found.items()]


def told_nothing(counts: ArmCounts) -> NDArray[np.bool_]:
    """Trials in which nobody, or everybody, had the event."""
    nobody: NDArray[np.bool_] = counts.by_trial(counts.events) == 0.0
    everybody: NDArray[np.bool_] = counts.by_trial(counts.rest) == 0.0
    return nobody | everybody


def informative(counts: ArmCounts) -> ArmCounts:
    """Return the arms that a likelihood without a penalty can place.

    Trials in which nobody (or everybody) had the event say nothing about a ratio. A treatment with
    no event in the rest (or nothing else) has an infinite effect; at that limit its arms say
    nothing about the others, whose estimates are those of the network without it.
    """
    while True:
        some = counts.take(~told_nothing(counts)[counts.trial])
        empty = (some.by_treatment(some.events) == 0.0) | (some.by_treatment(some.rest) == 0.0)
        some = some.take(~empty[some.treat])
        more = np.bincount(some.trial, minlength=len(some.trials)) > 1
        some = some.take(more[some.trial])
        if len(some) == len(counts):
            return counts
        counts = some


def excluded_from(counts: ArmCounts, used: ArmCounts) -> tuple[Excluded, ...]:
    """The treatments of `counts` that `used` has no more, each with the reason."""
    events, rest = counts.by_treatment(counts.events), counts.by_treatment(counts.rest)
    people = counts.by_treatment(counts.n)
    trials = np.bincount(counts.treat, minlength=len(counts.treatments)).tolist()
    out = []
    for i, name in enumerate(counts.treatments):
        if name in used.treatments:
            continue
        of = f"{fixed(people[i], 0)} people in {trials[i]} trial{'s' * (trials[i] != 1)}"
        if events[i] == 0.0:
            why = f"no event among {of}"
        elif rest[i] == 0.0:
            why = f"everybody of {of} had the event"
        else:
            why = "nothing to compare with in trials with events"
        out.append(Excluded(name, why))
    return tuple(out)


def check_usable(
    counts: ArmCounts, used: ArmCounts, reference: str | None, *, rest: bool = True
) -> tuple[Excluded, ...]:
    """Refuse what cannot be estimated, in words; return the treatments that are left out.

    Parameters
    ----------
    counts, used
        All arms, and those that are left.
    reference
        The treatment that others are compared with, None where it is chosen later.
    rest
        Whether the method looks at people without the event too.

    Raises
    ------
    NotEstimableError
        No event at all, a reference without events, a network that falls apart, or treatments
        whose effects are infinite.
    """
    if not len(used):
        raise NotEstimableError(
            f"no trial of {len(counts.trials)} tells treatments apart: every one has no event (or "
            "nothing else), or none in all its arms but one treatment's",
            hint="method='penalised'; or report how many people had no event",
        )
    out = excluded_from(counts, used)
    why = {e.treatment: e.why for e in out}
    if reference is not None and reference in why:
        raise NotEstimableError(
            f"nothing can be compared with the reference {reference}: {why[reference]}",
            hint="another reference, or method='penalised'",
        )
    try:
        check_connected(used.star())
    except NotEstimableError as error:
        gone = "; ".join(f"{e.treatment} ({e.why})" for e in out)
        where = f"after leaving out {gone}" if gone else error.where
        hint = f"{error.hint}; or method='penalised'"
        raise NotEstimableError(error.what, where=where, hint=hint) from None
    _check_finite(used, rest)
    return out


def infinite_parts(c: ArmCounts, *, rest: bool = True) -> list[tuple[str, ...]]:
    """Groups of treatments between which no finite effect fits; one group when all are finite.

    An effect of k over j can rise without end unless some trial has an event of j, and somebody
    of k without one; so the estimates are finite where such steps lead from every treatment to
    every other.
    """
    n = len(c.treatments)
    step = np.eye(n, dtype=bool)
    for rows in c.rows():
        t = c.treat[rows]
        free = c.rest[rows] > 0.0 if rest else np.ones(len(rows), dtype=bool)
        step[np.ix_(t[c.events[rows] > 0.0], t[free])] = True
    for _ in range(max(1, math.ceil(math.log2(max(n, 2))))):
        step = (step.astype(np.float64) @ step.astype(np.float64)) > 0.0
    both = step & step.T
    parts = [tuple(c.treatments[j] for j in np.flatnonzero(row).tolist()) for row in both]
    return sorted(dict.fromkeys(parts), key=lambda part: (-len(part), all_natural(part)))


def _check_finite(c: ArmCounts, rest: bool) -> None:
    """Refuse effects that no finite number fits."""
    parts = infinite_parts(c, rest=rest)
    if len(parts) > 1:
        listed = "; ".join(f"({i}) {', '.join(part)}" for i, part in enumerate(parts, start=1))
        raise NotEstimableError(
            f"odds ratios between {counted(len(parts), 'group')} of treatments are infinite: "
            f"{listed}",
            where="in the trials that join them, all events that differ are on one side",
            hint="method='penalised', which is always finite",
        )


def names_of(counts: ArmCounts, which: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of trials."""
    return tuple(counts.trials[i] for i in np.flatnonzero(which).tolist())


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence, the rest counted."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
