"""`network_ladder`: every method for a network of counts side by side, and if they agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import equipoise.models.counts.papers as papers
from equipoise.core.arguments import typed
from equipoise.core.errors import EquipoiseError, InputError, NotEstimableError, UnknownNameError
from equipoise.core.progress import Progress
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, p_value, percent, significant
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame
from equipoise.models.counts.ladder import CountsLadder, Rung, Standing, conclusion, rung_text
from equipoise.models.counts.standing import RARE as RARE_RISK
from equipoise.models.counts.tables import scale_of
from equipoise.models.network.armcounts import ArmCounts, listed, names_of, read_arms, told_nothing
from equipoise.models.network.fit import NetworkFit, network
from equipoise.models.network.rare import RareNetworkFit, rare_network

#: A test of heterogeneity below this speaks against methods that take one effect for all trials.
_DIFFER = 0.05
#: Breslow's approximation stands for the exact distribution up to this share of people with events.
_APPROXIMATE = 0.05
#: Up to this many comparisons, the table has a column for each.
_WIDE = 4


@dataclass(frozen=True, slots=True)
class NetworkStep:
    """A method of the ladder: its name, code and model, and what trials without events do."""

    name: str
    method: str
    model: str
    zeros: str


STEPS = (
    NetworkStep("Mantel–Haenszel", "MH", "common", "say nothing"),
    NetworkStep("Non-central hypergeometric", "NCH", "common", "say nothing"),
    NetworkStep("Hypergeometric (Breslow's approximation)", "NCH-Breslow", "common", "say nothing"),
    NetworkStep("Binomial (random effects)", "binomial", "random", "say nothing"),
    NetworkStep("Binomial (common effect)", "binomial", "common", "say nothing"),
    NetworkStep("Penalised likelihood", "penalised", "common", "take part"),
    NetworkStep("Penalised likelihood (overdispersed)", "penalised", "overdispersed", "take part"),
    NetworkStep("Inverse variance + ½ (common effect)", "IV", "common", "left out"),
    NetworkStep("Inverse variance + ½ (random effects)", "IV", "random", "left out"),
)


@dataclass(frozen=True, slots=True)
class NetworkRung:
    """One method's results against the reference, on the log scale.

    Attributes
    ----------
    name, method, model
        The method in words, its code and its model.
    standing, why
        ``default``, ``suitable``, ``not recommended`` for these data or ``no result``; the reason
        for one of the last two.
    effects
        By treatment; without those that the method cannot place.
    p_values
        The same.
    tau2
        None for models without one.
    k
        Trials that bear on it.
    double_zero
        What it does with trials without any event, in words.
    """

    name: str
    method: str
    model: str
    standing: Standing
    why: str
    effects: dict[str, float]
    intervals: dict[str, Interval]
    p_values: dict[str, float]
    tau2: float | None
    k: int
    double_zero: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetworkLadder(Result):
    """All methods for a network of counts side by side.

    Attributes
    ----------
    level, reference, treatments
        Level of the intervals; what is compared with, and the treatments that are.
    rungs
        The methods in their fixed order.
    depends
        Treatments whose comparison with the reference depends on the choice among the methods that
        suit the data.
    sentence
        The same in one sentence.
    k_total, double_zero
        Trials, and those of them without any event (or with nothing else), by name.
    events, people
        By treatment, the reference included.
    empty
        Arms without events (or with nothing else) in trials with events.
    heterogeneity
        p value of the likelihood ratio of no variance between trials; not a number without one.
    left_out, notes, methods
        Rows that could not be read; what to know; the methods used, with their papers.
    """

    level: float
    reference: str
    treatments: tuple[str, ...]
    rungs: tuple[NetworkRung, ...]
    depends: tuple[str, ...]
    sentence: str
    k_total: int
    double_zero: tuple[str, ...]
    events: dict[str, float]
    people: dict[str, float]
    empty: int
    heterogeneity: float
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def rung(self, name: str, model: str | None = None) -> NetworkRung:
        """The rung of that name, or of that method (its first, or the one of that model).

        Raises
        ------
        UnknownNameError
            With the nearest known name.
        """
        for rung in self.rungs:
            if name in (rung.name, rung.method) and model in (None, rung.model):
                return rung
        raise UnknownNameError("method", name, [r.name for r in self.rungs])

    def comparison(self, treatment: str) -> CountsLadder:
        """One treatment against the reference by every method: a ladder that can be plotted.

        Raises
        ------
        UnknownNameError
            On a treatment that is not compared.
        """
        if treatment not in self.treatments:
            raise UnknownNameError("treatment", treatment, self.treatments)
        rungs = _of_one(self.rungs, treatment)
        depends, sentence = conclusion(rungs, scale_of("OR"))
        return CountsLadder(
            measure="OR",
            level=self.level,
            rungs=rungs,
            depends=depends,
            sentence=f"{treatment} against {self.reference}. {sentence}",
            k_total=self.k_total,
            double_zero=self.double_zero,
            events1=self.events[treatment],
            size1=self.people[treatment],
            events2=self.events[self.reference],
            size2=self.people[self.reference],
            left_out=self.left_out,
            notes=self.notes,
            methods=self.methods,
        )

    def table(self) -> Table:
        """The ladder as a table for readers."""
        if len(self.treatments) <= _WIDE:
            return self._wide()
        columns = (
            Column("treatment", "Treatment"),
            Column("method", "Method"),
            Column("effect", f"Odds ratio ({percent(100 * self.level)} CI)"),
            Column("p", "p", "p", "right"),
            Column("standing", "For these data"),
        )
        rows: list[tuple[Value, ...]] = []
        for treatment in self.treatments:
            for i, rung in enumerate(_of_one(self.rungs, treatment)):
                shown = None if rung.ci is None else rung_text(rung, scale_of("OR"))
                p = None if rung.ci is None else rung.p_value
                rows.append((treatment if i == 0 else "", rung.name, shown, p, rung.standing))
        return self._made(columns, tuple(rows))

    def _wide(self) -> Table:
        columns = (
            Column("method", "Method"),
            Column("trials", "Trials", "count", "right"),
            *(Column(f"effect {t}", t) for t in self.treatments),
            Column("tau2", "tau²", "plain", "right"),
            Column("zeros", "Trials without events"),
            Column("standing", "For these data"),
        )
        each = [_of_one(self.rungs, t) for t in self.treatments]
        rows: list[tuple[Value, ...]] = []
        for i, rung in enumerate(self.rungs):
            cells = (one[i] for one in each)
            texts = (None if c.ci is None else rung_text(c, scale_of("OR")) for c in cells)
            rows.append(
                (rung.name, rung.k or None, *texts, rung.tau2, rung.double_zero, rung.standing)
            )
        return self._made(columns, tuple(rows))

    def _made(self, columns: tuple[Column, ...], rows: tuple[tuple[Value, ...], ...]) -> Table:
        return Table(
            f"Odds ratios against {self.reference} by every method, "
            f"{counted(self.k_total, 'trial')}, "
            f"{percent(100 * self.level)} confidence intervals",
            columns,
            rows,
            notes=(self.sentence, *self._reasons(), *(str(note) for note in self.notes)),
            missing="–",
        )

    def _reasons(self) -> Iterator[str]:
        for standing in ("not recommended", "no result"):
            whys = dict.fromkeys(r.why for r in self.rungs if r.standing == standing)
            for why in whys:
                names = "; ".join(r.name for r in self.rungs if r.why == why)
                yield f"{standing.capitalize()} for these data: {names}: {why}."

    def summary(self) -> str:
        """The table, the sentence and the notes."""
        return self.table().to_text()

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a treatment and method, on the log scale."""
        rows: list[tuple[Any, ...]] = []
        for treatment in self.treatments:
            for rung, one in zip(self.rungs, _of_one(self.rungs, treatment), strict=True):
                ci = one.ci or Interval(math.nan, math.nan)
                tau2 = math.nan if rung.tau2 is None else rung.tau2
                who = (treatment, rung.name, rung.method, rung.model)
                rows.append(
                    (*who, one.estimate, ci.low, ci.high, one.p_value, tau2, one.standing, one.why)
                )
        names = (
            *("treatment", "name", "method", "model", "estimate", "ci_low", "ci_high"),
            *("p_value", "tau2", "standing", "why"),
        )
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return f"<NetworkLadder of {len(self.rungs)} methods: {self.sentence}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def network_ladder(
    es: Contrasts | Arms, *, reference: str | None = None, level: float = 0.95
) -> NetworkLadder:
    """Compare treatments from counts by every method, and say whether they agree.

    Parameters
    ----------
    es
        Results of arms, or contrasts that keep the counts they were computed from.
    reference
        The treatment that others are compared with; the one with the most people of those with
        events when not given.
    level
        Level of all intervals.

    Returns
    -------
    NetworkLadder
        Methods in a fixed order. Those that do not suit the data are marked, with the reason. A
        comparison depends on the method where those that suit the data differ in direction, or
        in whether their interval excludes no difference.

    Raises
    ------
    InputError, UnknownNameError
        As for :func:`~equipoise.models.network.fit.network`.
    NotEstimableError
        When no method gives a result.

    Notes
    -----
    Mantel–Haenszel is the default where trials differ no more than by chance; where they differ
    (likelihood ratio of no variance, p below 0.05), methods with one effect for all are not
    recommended, and the binomial model with random effects is the default. Half an event added is
    not recommended where arms are empty or events rare (Cochrane Handbook, section 10.4.4).
    """
    counts, left_out, notes = read_arms(es)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    if reference is not None and reference not in counts.treatments:
        raise UnknownNameError("reference", reference, counts.treatments)
    events, people = counts.by_treatment(counts.events), counts.by_treatment(counts.n)
    ref = reference or counts.treatments[int(np.argmax(np.where(events > 0.0, people, -1.0)))]
    fits = _tried(counts.arms(), ref, level)
    if all(isinstance(fit, EquipoiseError) for fit in fits):
        raise next(fit for fit in fits if isinstance(fit, EquipoiseError))
    data = _look_at(counts, fits)
    others = tuple(t for t in counts.treatments if t != ref)
    rungs = tuple(
        _rung(step, fit, ref, others, data) for step, fit in zip(STEPS, fits, strict=True)
    )
    depends = tuple(t for t in others if conclusion(_of_one(rungs, t), scale_of("OR"))[0])
    used = [m for fit in fits if not isinstance(fit, EquipoiseError) for m in fit.methods]
    names = counts.treatments
    return NetworkLadder(
        level=level,
        reference=ref,
        treatments=others,
        rungs=rungs,
        depends=depends,
        sentence=_sentence(rungs, depends, others, ref),
        k_total=len(counts.trials),
        double_zero=names_of(counts, told_nothing(counts)),
        events=dict(zip(names, events.tolist(), strict=True)),
        people=dict(zip(names, people.tolist(), strict=True)),
        empty=data.empty,
        heterogeneity=data.p,
        left_out=left_out,
        notes=(*notes, *_notes(counts, fits)),
        methods=tuple(dict.fromkeys([papers.HANDBOOK, *used])),
    )


def rare_events(counts: ArmCounts) -> bool:
    """Whether an arm has no event (or nothing else), or fewer than 1 in 100 people had one."""
    bare = bool(np.any((counts.events == 0.0) | (counts.rest == 0.0)))
    return bare or float(counts.events.sum()) < RARE_RISK * float(counts.n.sum())


_Fit = NetworkFit | RareNetworkFit | EquipoiseError


def _tried(arms: Arms, reference: str, level: float) -> list[_Fit]:
    fits: list[_Fit] = []
    with Progress("methods", len(STEPS)) as progress:
        for step in STEPS:
            try:
                fits.append(_fit(step, arms, reference, level))
            except (NotEstimableError, InputError) as error:
                fits.append(error)
            progress.update(len(fits))
    return fits


def _fit(step: NetworkStep, arms: Arms, reference: str, level: float) -> _Fit:
    if step.method == "IV":
        es = arms.contrasts("OR", reference=reference, drop00=True)
        return network(es, reference=reference, model=step.model, level=level)
    return rare_network(
        arms, method=step.method, reference=reference, model=step.model, level=level
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """What the rules look at: risk, empty arms, and the test and size of heterogeneity."""

    risk: float
    empty: int
    p: float
    tau2: float


def _look_at(counts: ArmCounts, fits: Sequence[_Fit]) -> _Data:
    some = ~told_nothing(counts)[counts.trial]
    empty = ((counts.events == 0.0) | (counts.rest == 0.0)) & some
    p, tau2 = math.nan, math.nan
    for fit in fits:
        if isinstance(fit, RareNetworkFit) and fit.tests:
            p, tau2 = fit.tests[0].p_value, fit.tau2 or 0.0
    risk = float(counts.events.sum() / counts.n.sum())
    return _Data(risk, int(empty.sum()), p, tau2)


def _objections(step: NetworkStep, data: _Data) -> list[str]:
    found = []
    if step.model == "common" and data.p < _DIFFER:
        shown = p_value(data.p)
        found.append(
            f"it takes one effect for all trials, which differ by more than chance (tau² "
            f"{significant(data.tau2, 2)}, p {shown if shown[0] in '<>' else f'= {shown}'})"
        )
    share = f"{significant(100.0 * data.risk, 2)}% of people"
    if step.method == "NCH-Breslow" and data.risk >= _APPROXIMATE:
        found.append(f"its approximation needs rare events; {share} had one")
    if step.method == "IV":
        if data.empty:
            arms = f"{data.empty} arm{'s' * (data.empty != 1)} without events (or with all)"
            found.append(
                f"half an event is added to trials with {arms}, which pulls towards no difference"
            )
        if min(data.risk, 1.0 - data.risk) < RARE_RISK:
            found.append(f"events are rare: {share} had one")
    return found


def _rung(
    step: NetworkStep, fit: _Fit, reference: str, others: Sequence[str], data: _Data
) -> NetworkRung:
    names = (step.name, step.method, step.model)
    if isinstance(fit, EquipoiseError):
        why = f"{fit.what} ({fit.where})" if fit.where else fit.what
        return NetworkRung(*names, "no result", why, {}, {}, {}, None, 0, step.zeros)
    against = {t: fit.effect(t, reference) for t in others if t in fit.treatments}
    why = "; ".join(_objections(step, data))
    first = "binomial" if data.p < _DIFFER else "MH"
    standing: Standing = "not recommended" if why else "suitable"
    if not why and step.method == first:
        standing = "default"
    return NetworkRung(
        *names,
        standing,
        why,
        {t: e.estimate for t, e in against.items()},
        {t: e.ci for t, e in against.items()},
        {t: e.p_value for t, e in against.items()},
        fit.tau2 if step.model == "random" else None,
        fit.k,
        step.zeros,
    )


def _of_one(rungs: Sequence[NetworkRung], treatment: str) -> tuple[Rung, ...]:
    """The rungs of one comparison."""
    return tuple(
        Rung(
            r.name,
            r.method,
            r.model,
            r.standing if treatment in r.effects else "no result",
            r.why if treatment in r.effects or r.why else "it cannot place the treatment",
            r.effects.get(treatment, math.nan),
            r.intervals.get(treatment),
            r.p_values.get(treatment, math.nan),
            r.tau2,
            r.k if treatment in r.effects else 0,
            r.double_zero,
        )
        for r in rungs
    )


def _sentence(
    rungs: Sequence[NetworkRung], depends: Sequence[str], others: Sequence[str], reference: str
) -> str:
    fit = [r for r in rungs if r.standing in ("default", "suitable")]
    if not fit:
        return "No method that suits these data gives a result."
    if depends:
        return f"The conclusion depends on the method for {_and(depends)} against {reference}."
    many = "every comparison" if len(others) > 1 else "the comparison"
    if len(fit) == 1:
        return f"One method suits these data, {fit[0].name}."
    return (
        f"The conclusion does not depend on the method: all {len(fit)} that suit these data agree "
        f"on the direction, and on whether the interval excludes no difference, for {many} with "
        f"{reference}."
    )


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _notes(counts: ArmCounts, fits: Sequence[_Fit]) -> list[Note]:
    notes = []
    double = names_of(counts, told_nothing(counts))
    if double:
        have = "has" if len(double) == 1 else "have"
        text = (
            f"{len(double)} of {counted(len(counts.trials), 'trial')} {have} no event in any "
            "group (or "
            f"nothing else): {listed(double)}."
        )
        notes.append(Note("double-zero", text))
    gone = {
        e.treatment: e.why for fit in fits if isinstance(fit, RareNetworkFit) for e in fit.excluded
    }
    if gone:
        text = "; ".join(f"{name} ({why})" for name, why in gone.items())
        notes.append(
            Note(
                "excluded-treatments", f"Placed by some methods only, with little to go on: {text}."
            )
        )
    texts = dict.fromkeys(
        note.text
        for fit in fits
        if isinstance(fit, RareNetworkFit)
        for note in fit.notes
        if note.code in ("design-without-events", "quadrature-error")
    )
    notes += [Note("method", text) for text in texts]
    return notes
