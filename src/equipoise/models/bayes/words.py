"""What every posterior says in words, and priors side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted, fixed, percent, significant
from equipoise.effects.blocks import LeftOut
from equipoise.effects.columns import make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.grid import Grid
from equipoise.models.bayes.marginal import Distribution, TauMarginal
from equipoise.models.bayes.priors import EffectPrior, Prior
from equipoise.models.intervals import shown
from equipoise.models.report import left_out_sentence


class Synthesised(Protocol):
    """What words about a posterior need to know of it."""

    @property
    def measure(self) -> str:
        """Code of the measure."""

    @property
    def level(self) -> float:
        """Level of intervals."""

    @property
    def kind(self) -> str:
        """Kind of intervals."""

    @property
    def prior(self) -> Prior:
        """The prior of tau."""

    @property
    def effect_prior(self) -> EffectPrior:
        """The prior of effects."""

    @property
    def grid(self) -> Grid:
        """The posterior of tau on its grid."""

    @property
    def tau(self) -> TauMarginal:
        """The posterior of tau."""

    @property
    def error(self) -> float:
        """How well integrals are known."""

    @property
    def bayes_factor_common(self) -> float:
        """The Bayes factor for tau = 0."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to know."""

    @property
    def methods(self) -> tuple[Method, ...]:
        """The papers."""


def effect_text(measure: str, post: Distribution) -> str:
    """Median and credible interval as a reader sees them: ``0.49 (0.33 to 0.73)``."""
    m = measure_of(measure)
    return "{} ({})".format(*shown(m, m.back(post.median), m.back_interval(post.ci)))


def tau_lines(post: Synthesised) -> Iterator[str]:
    """Tau, its prior, and how well the integrals are known."""
    if post.grid.known:
        yield post.prior.text
        return
    tau, level = post.tau, percent(100 * post.level)
    yield (
        f"tau {significant(tau.median, 4)} ({level} CrI {significant(tau.ci.low, 4)} to "
        f"{significant(tau.ci.high, 4)}); prior {post.prior.text}"
    )
    if post.prior.proper:
        yield (
            f"Bayes factor for a common effect {significant(post.bayes_factor_common, 3)} "
            "(above 1: tau = 0 predicts the data better than the prior of tau)"
        )
    yield (
        f"Integrals over {counted(post.grid.points, 'value')} of tau, known to better than "
        f"{error_text(post.error)}; {post.kind} intervals around medians; prior of effects "
        f"{post.effect_prior.text}"
    )


def tau_sentence(post: Synthesised) -> str:
    """Tau in a sentence for the methods of a paper."""
    tau = post.tau
    if post.grid.known:
        return f"Tau was taken as known to be {significant(tau.median, 3)}."
    return (
        f"Tau was {significant(tau.median, 3)} ({percent(100 * post.level)} {post.kind} credible "
        f"interval {significant(tau.ci.low, 3)} to {significant(tau.ci.high, 3)})."
    )


def error_text(error: float) -> str:
    """A bound for an error, as a power of ten."""
    return f"1e{math.ceil(math.log10(max(error, 1e-15)) - 1e-9):d}"


def chance(p: float) -> str:
    """A probability as a reader sees it: never 0 and never 1."""
    if p < 0.001:
        return "below 0.001"
    return "above 0.999" if p > 0.999 else fixed(p, 3)


def report_of(
    post: Synthesised, method: str, results: Iterable[str], left_out: Sequence[LeftOut]
) -> str:
    """A report: what was done, what was found, what to know, and numbered references."""
    if left_out:
        method = f"{method} {left_out_sentence(left_out)}"
    found = " ".join([*results, tau_sentence(post)])
    notes = "\n".join(f"Note: {note}" for note in post.notes)
    return "\n\n".join(p for p in (method, found, notes, references(post.methods)) if p)


def interval_text(post: Synthesised) -> str:
    """The interval's level and kind: ``95% central credible interval``."""
    return f"{percent(100 * post.level)} {post.kind} credible interval"


def references(methods: Sequence[Method]) -> str:
    """The papers, numbered."""
    return "\n".join(
        f"{i}. {m.name}: {m.paper}{f', doi:{m.doi}' if m.doi else ''}."
        for i, m in enumerate(methods, start=1)
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sensitivity(Result):
    """The same synthesis under other priors of tau.

    Attributes
    ----------
    measure, of, level
        What is compared: the effect of which the rows tell, and the level of the intervals.
    priors
        In words; the first is the one that was used.
    median, low, high, above
        Of the effect: posterior median, credible interval, and probability of being above no
        difference.
    tau, tau_low, tau_high
        Median and credible interval of tau.
    log_evidence
        Log mean likelihood under the prior; differences are log Bayes factors between proper
        priors of tau. Not a number for improper ones.
    notes, methods
        Of all syntheses that are compared: what to know; the papers.
    """

    measure: str
    of: str
    level: float
    priors: tuple[str, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    above: tuple[float, ...]
    tau: tuple[float, ...]
    tau_low: tuple[float, ...]
    tau_high: tuple[float, ...]
    log_evidence: tuple[float, ...]
    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = ()

    def table(self) -> Table:
        """One row a prior, as a reader sees it."""
        m = measure_of(self.measure)
        columns = (
            Column("prior", "prior of tau"),
            Column("effect", f"{m.name} ({percent(100 * self.level)} CrI)", align="right"),
            Column("above", f"above {significant(m.back(m.no_effect), 3)}", "percent", "right"),
            Column("tau", "tau", align="right"),
        )
        rows = []
        for i, name in enumerate(self.priors):
            interval = Interval(self.low[i], self.high[i], self.level)
            text = "{} ({})".format(*shown(m, m.back(self.median[i]), m.back_interval(interval)))
            ends = (significant(x, 3) for x in (self.tau_low[i], self.tau_high[i]))
            tau = f"{significant(self.tau[i], 3)} ({' to '.join(ends)})"
            rows.append((name, text, 100.0 * self.above[i], tau))
        return Table(f"Sensitivity of {self.of} to the prior of tau", columns, tuple(rows))

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a prior, uncut."""
        names = ("median", "low", "high", "above", "tau", "tau_low", "tau_high", "log_evidence")
        columns = {"prior": self.priors, **{n: getattr(self, n) for n in names}}
        return make_frame(columns, backend)

    def summary(self) -> str:
        """The effect under each prior, one a line, then what to know; digits are cut."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<Sensitivity of {self.of}: {counted(len(self.priors), 'prior')}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()


def compare_priors(
    fits: Sequence[Synthesised], effects: Sequence[Distribution], of: str
) -> Sensitivity:
    """Put the same effect under several priors of tau side by side."""
    m = measure_of(fits[0].measure)
    taus = [f.tau for f in fits]
    cis, tau_cis = [e.ci for e in effects], [t.ci for t in taus]
    return Sensitivity(
        measure=fits[0].measure,
        of=of,
        level=fits[0].level,
        priors=tuple(f.prior.text for f in fits),
        median=tuple(e.median for e in effects),
        low=tuple(c.low for c in cis),
        high=tuple(c.high for c in cis),
        above=tuple(e.probability(above=m.no_effect) for e in effects),
        tau=tuple(t.median for t in taus),
        tau_low=tuple(c.low for c in tau_cis),
        tau_high=tuple(c.high for c in tau_cis),
        log_evidence=tuple(f.grid.log_evidence if f.prior.proper else math.nan for f in fits),
        notes=tuple(dict.fromkeys(note for f in fits for note in f.notes)),
        methods=tuple(dict.fromkeys(method for f in fits for method in f.methods)),
    )
