"""The posterior of one comparison from counts, by their exact conditional likelihood."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note, Result, html_lines
from equipoise.core.table import counted, percent, significant
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.exact import ExactConditional, Orders
from equipoise.models.bayes.grid import RULE, SINC, Grid, integrate, known_tau
from equipoise.models.bayes.marginal import NodeMarginal, TauMarginal
from equipoise.models.bayes.normal import Conditional, rotated_alone
from equipoise.models.bayes.posterior import (
    Choices,
    about_error,
    check_priors,
    check_scale,
)
from equipoise.models.bayes.priors import EffectPrior, Prior, normal
from equipoise.models.bayes.words import (
    Sensitivity,
    chance,
    compare_priors,
    effect_text,
    error_text,
    references,
    tau_lines,
)
from equipoise.models.counts.families import Family
from equipoise.models.counts.mixed import conditional
from equipoise.models.counts.tables import Tables, read_tables
from equipoise.models.report import trials

STIJNEN = Method(
    "exact conditional likelihood of counts with normal random effects",
    "Stijnen, Hamza, Özdemir 2010, Stat Med 29:3046",
    "10.1002/sim.4040",
)
GUENHAN = Method(
    "weakly informative prior of a log odds ratio",
    "Günhan, Röver, Friede 2020, Res Synth Methods 11:74",
    "10.1002/jrsm.1370",
)

#: The prior that an improper posterior is pointed to.
WEAK = normal(0.0, 2.82)
#: Nodes to begin with, and how often they may be doubled.
_FIRST, _DOUBLINGS = Orders(24, 64), 4
#: How much better than on average large values of tau may predict the counts.
_LIKELIER = 10.0
#: Where a range of tau is looked for, the approximate likelihood counts as no less than
#: exp(-_FLOOR) of its peak, falling as the exact one does far out.
_FLOOR = 25.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesCounts(Result):
    """The posterior of the mean effect of one comparison by the exact likelihood of its counts.

    Everything is on the scale of analysis (logs of ratios).

    Attributes
    ----------
    measure, level, kind
        ``OR`` or ``IRR``; level and kind of credible intervals.
    k, informative
        Trials, and those with an event (and a non-event), which alone tell about the effect.
    prior, effect_prior, rtol
        Of tau and of the mean effect, and the tolerance that was asked for.
    grid
        The posterior of tau.
    nodes, shares
        Nodes of the mean effect given tau, and their probabilities, shape (points, m).
    order_error
        The largest change when the nodes for trials and mean effect are doubled.
    data
        The contrasts that were given, with their counts.
    left_out, notes, methods
        What was not used and why; what to know; the papers.
    """

    measure: str
    level: float
    kind: str
    k: int
    informative: int
    prior: Prior
    effect_prior: EffectPrior
    rtol: float
    grid: Grid
    nodes: Floats
    shares: Floats
    order_error: float
    data: Contrasts
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __post_init__(self) -> None:
        for name in ("nodes", "shares"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def mu(self) -> NodeMarginal:
        """The posterior of the mean effect."""
        return self._marginal("the mean effect", np.zeros(self.points))

    @property
    def predictive(self) -> NodeMarginal:
        """The distribution of the true effect in a new trial."""
        return self._marginal("the effect in a new trial", self.grid.tau)

    def _marginal(self, name: str, spread: Floats) -> NodeMarginal:
        return NodeMarginal(
            name,
            self.grid.weights,
            self.nodes,
            self.shares,
            spread,
            self.grid.moments if self.effect_prior.flat or spread.any() else 2,
            self.level,
            self.kind,
        )

    @property
    def tau(self) -> TauMarginal:
        """The posterior of tau."""
        return TauMarginal(self.grid, self.level, self.kind)

    @property
    def points(self) -> int:
        """Values of tau that the integrals rest on."""
        return self.grid.points

    @property
    def error(self) -> float:
        """How far the integrals still moved when the points or the nodes were last doubled."""
        return max(self.grid.error, self.grid.remainder, self.order_error)

    @property
    def log_evidence(self) -> float:
        """The log marginal likelihood; not a number unless both priors are proper."""
        proper = self.prior.proper and not self.effect_prior.flat
        return self.grid.log_evidence if proper else math.nan

    @property
    def bayes_factor_common(self) -> float:
        """How much better the data are predicted by tau = 0 than by the prior of tau."""
        if not self.prior.proper:
            return math.nan
        return math.exp(min(700.0, self.grid.log_likelihood_zero - self.grid.log_evidence))

    def probability(self, *, above: float | None = None, below: float | None = None) -> float:
        """Probability that the mean effect lies beyond thresholds, on the scale of analysis."""
        return self.mu.probability(above=above, below=below)

    def sensitivity(self, priors: Sequence[Prior | float]) -> Sensitivity:
        """The mean effect under other priors of tau, the one that was used first."""
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            counts_posterior(self.data, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        return compare_priors(fits, [f.mu for f in fits], "the mean effect")

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Bayesian random-effects synthesis of {trials(self.k)}, {m.name}, "
            "exact conditional likelihood"
        )
        yield ""
        text = effect_text(self.measure, self.mu)
        yield f"{m.name} {text}, posterior median and {percent(100 * self.level)} CrI"
        yield f"Probability of being above 1: {chance(self.probability(above=0.0))}"
        yield f"In a new trial {effect_text(self.measure, self.predictive)}"
        yield from tau_lines(self)
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def report(self) -> str:
        """Sentences for the methods and results of a paper, with numbered references."""
        m = measure_of(self.measure)
        tau = self.tau
        text = (
            f"The {m.name} was synthesised over {trials(self.k)} in a Bayesian random-effects "
            "model by the exact likelihood of the counts given the margins of every trial, so "
            f"that nothing was added to empty cells; {counted(self.informative, 'trial')} "
            "had events to tell "
            f"by. Priors were '{self.prior.text}' of tau and '{self.effect_prior.text}' of the "
            f"mean effect. Integrals are known to better than {error_text(self.error)}; nothing "
            f"was sampled. The posterior median of the mean effect was "
            f"{effect_text(self.measure, self.mu)} ({percent(100 * self.level)} {self.kind} "
            f"credible interval); the probability of a value above 1 was "
            f"{chance(self.probability(above=0.0))}. Tau was {significant(tau.median, 3)} "
            f"({significant(tau.ci.low, 3)} to {significant(tau.ci.high, 3)})."
        )
        return f"{text}\n\n{references(self.methods)}"

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame: one row for the mean effect, a new trial, and tau."""
        rows = []
        for post in (self.mu, self.predictive, self.tau):
            ci = post.ci
            rows.append((post.name, post.median, post.mean, post.sd, ci.low, ci.high))
        names = ("quantity", "median", "mean", "sd", "low", "high")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<BayesCounts {self.measure} {effect_text(self.measure, self.mu)}; tau "
            f"{significant(self.tau.median, 3)}; k = {self.k}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())


def counts_posterior(es: Contrasts, how: Choices) -> BayesCounts:
    """Synthesise one comparison by the exact conditional likelihood.

    Raises
    ------
    InputError
        On a measure without such a likelihood, or contrasts without their counts.
    NotEstimableError
        When no trial has an event, or the posterior would be improper: by an improper prior of
        tau with too few trials, or a flat prior of the effect where all events of every trial
        fell in one group.
    """
    if es.measure not in ("OR", "IRR"):
        raise InputError(
            f"the exact likelihood with effects as {measure_of(es.measure).name}s",
            hint="odds ratios (OR) or rate ratios (IRR), or likelihood='normal'",
        )
    t = read_tables(es, {}, None, None, es.measure)
    some = t.informative()
    if not len(some):
        raise NotEstimableError(
            "no trial has an event that tells about the effect", hint="a bound on the risk instead"
        )
    inside = _inside(some)
    _check_effect(some, inside, how.effect)
    notes = [*t.notes, *check_scale(how.tau, es.measure)]
    if len(some) < len(t):
        text = (
            f"{len(t) - len(some)} of {counted(len(t), 'trial')} had no events, or only "
            "events, in both "
            "groups: they tell nothing about a ratio and change nothing."
        )
        notes.append(Note("double-zero", text))
    family = conditional(some)
    (grid, (nodes, shares)), error = _settled(family, some, inside, how)
    notes += about_error(grid, how.tau)
    weak = (GUENHAN,) if how.effect == WEAK else ()
    rule = () if how.tau.fixed else (RULE, SINC)
    return BayesCounts(
        measure=es.measure,
        level=how.level,
        kind=how.kind,
        k=len(t),
        informative=len(some),
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=grid,
        nodes=nodes,
        shares=shares,
        order_error=error,
        data=es,
        left_out=t.left_out,
        notes=tuple(notes),
        methods=(measure_of(es.measure).method, STIJNEN, *weak, *how.tau.methods, *rule),
    )


def _inside(t: Tables) -> Floats:
    """-1 where all events that could be fell in group 2, 1 in group 1, 0 in between."""
    both = t.events1 + t.events2
    low = np.zeros(len(t)) if t.time else np.maximum(0.0, both - t.size2)
    high = both if t.time else np.minimum(t.size1, both)
    out: Floats = (t.events1 == high).astype(float) - (t.events1 == low).astype(float)
    return out


def _check_effect(t: Tables, inside: Floats, effect: EffectPrior) -> None:
    if not effect.flat or (inside == 0.0).any() or {-1.0, 1.0} <= set(inside.tolist()):
        return
    group = 2 if inside[0] < 0.0 else 1
    raise NotEstimableError(
        f"in every trial all events fell in group {group}: under a flat prior the effect has no "
        "end on one side",
        where=f"studies {', '.join(t.study)}",
        hint=f"effect=priors.normal(0, {WEAK.sd:g}), a weakly informative prior",
    )


def _settled(
    family: Family, t: Tables, inside: Floats, how: Choices
) -> tuple[tuple[Grid, tuple[Floats, ...]], float]:
    """Integrate, doubling the nodes for trials and mean effect until nothing moves."""
    orders = _FIRST
    for _ in range(_DOUBLINGS):
        error = _order_error(family, how, orders, t)
        if error < how.rtol:
            break
        orders = orders.doubled()
    else:
        raise NotEstimableError(
            f"integrals over the trials still move by {error:.1e} with {orders.trial} nodes",
            hint="a larger rtol",
        )
    return _integrated(family, t, inside, how, orders), error


def _order_error(family: Family, how: Choices, orders: Orders, t: Tables) -> float:
    """Change of log-likelihood, mean and spread of the effect when the nodes are doubled.

    At values of tau that a proper prior makes unlikely it counts by their probability.
    """
    values = [0.0, *(x * _typical(t) for x in (0.05, 0.3, 1.0, 3.0, 30.0))]
    if how.tau.fixed:
        values = [how.tau.parameters[0]]
    elif how.tau.proper:
        values += [how.tau.quantile(0.5), how.tau.quantile(0.99)]
    tau2 = np.array(values) ** 2
    found = []
    for order in (orders, orders.doubled()):
        exact = ExactConditional(family, *_approximate(t), how.effect, order)
        log_l, nodes, shares = exact.evaluate(tau2)
        mean = (nodes * shares).sum(axis=1)
        sd = np.sqrt((shares * (nodes - mean[:, None]) ** 2).sum(axis=1))
        found.append((log_l, mean, sd))
    (a, m1, s1), (b, m2, s2) = found
    moved = (np.abs(a - b), np.abs(m1 - m2) / s2, np.abs(s1 / s2 - 1.0))
    count = np.ones(tau2.size)
    if how.tau.proper and not how.tau.fixed:
        beyond = [1.0 - how.tau.cdf(x) for x in values]
        count = np.minimum(1.0, _LIKELIER * np.array(beyond))
    return float(max((count * x).max() for x in moved))


def _approximate(t: Tables) -> tuple[Floats, Floats]:
    """Log ratios and variances with half an event added: only to find where tau lies."""
    a, c = t.events1 + 0.5, t.events2 + 0.5
    if t.time:
        return np.log(a / t.size1) - np.log(c / t.size2), 1.0 / a + 1.0 / c
    b, d = t.size1 + 1.0 - a, t.size2 + 1.0 - c
    return np.log(a / b) - np.log(c / d), 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d


def _typical(t: Tables) -> float:
    return math.sqrt(float(np.median(_approximate(t)[1])))


def _integrated(
    family: Family, t: Tables, inside: Floats, how: Choices, orders: Orders
) -> tuple[Grid, tuple[Floats, ...]]:
    y, v = _approximate(t)
    exact = ExactConditional(family, y, v, how.effect, orders)
    prior = how.tau
    if prior.fixed:
        return known_tau(prior.parameters[0], exact.evaluate)
    free = float((inside == 0.0).sum()) - (1.0 if how.effect.flat else 0.0)
    tail = prior.tail.times(max(0.0, free))
    if not tail.moment(0):
        raise NotEstimableError(
            f"{trials(len(t))} and the prior '{prior.text}' of tau leave a posterior without a "
            "finite integral",
            hint="a proper prior such as priors.half_normal(0.5)",
        )
    rough = Conditional(rotated_alone(y, np.ones((y.size, 1)), v), how.effect)
    peak = float(rough.likelihood(np.geomspace(1e-6, 1e4, 60) * float(np.median(v))).max())
    typical = _typical(t)
    low, high = 1e-4 * typical, 1e2 * max(float(np.ptp(y)), typical)
    if prior.proper:
        low = max(1e-100 * typical, min(low, 1e-3 * prior.quantile(0.01)))
        high = min(1e100 * typical, max(high, 10.0 * prior.quantile(0.99)))
    progress = Progress("values of tau", 400)
    done = 0

    def counted(tau2: Floats) -> tuple[Floats, ...]:
        nonlocal done
        done += tau2.size
        progress.update(min(done, 399))
        return exact.evaluate(tau2)

    def near(tau2: Floats) -> Floats:
        floor = peak - _FLOOR - free * np.log1p(np.sqrt(tau2) / typical)
        out: Floats = np.maximum(rough.likelihood(tau2), floor)
        return out

    def checks(w: Floats, tau: Floats, got: tuple[Floats, ...]) -> Floats:
        nodes, shares = got
        mean = (nodes * shares).sum(axis=1)
        square = (nodes * nodes * shares).sum(axis=1)
        small = 1.0 / (1.0 + tau / typical)
        return np.array([w @ (small * mean), w @ (small * small * square), w @ small])

    found = integrate(
        prior,
        counted,
        near,
        checks,
        tail=tail,
        unit=typical,
        low=low,
        high=high,
        rtol=how.rtol,
    )
    progress.close()
    return found
