"""The posterior of a network from events and people, by the binomial likelihood of every arm."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note
from equipoise.core.table import percent, significant
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.armwise import Groups, Nodes
from equipoise.models.bayes.grid import Grid, integrate, known_tau
from equipoise.models.bayes.importance import (
    GEWEKE,
    Field,
    Peak,
    Sample,
    Standard,
    log_total,
    standard,
)
from equipoise.models.bayes.marginal import Marginal
from equipoise.models.bayes.network import LU_ADES, BayesNetwork
from equipoise.models.bayes.normal import Conditional, rotated
from equipoise.models.bayes.posterior import (
    Choices,
    about_error,
    check_priors,
    check_scale,
    methods_of,
)
from equipoise.models.bayes.priors import Prior
from equipoise.models.bayes.words import (
    Sensitivity,
    compare_priors,
    error_text,
    references,
    tau_lines,
)
from equipoise.models.network.armcounts import (
    ArmCounts,
    infinite_parts,
    read_arms,
    told_nothing,
)
from equipoise.models.network.connect import check_connected
from equipoise.models.network.fit import NetworkFit

DIAS = Method(
    "network meta-analysis with binomial likelihoods",
    "Dias, Sutton, Ades, Welton 2013, Med Decis Making 33:607",
    "10.1177/0272989X12458724",
)

#: Draws that the range of tau is found with; sets of draws, and of how many at first and at most.
_LOOK, _SETS, _FIRST, _MOST = 256, 8, 512, 4096
#: Numbers that all draws may hold.
_ROOM = 12_000_000
#: Values of tau with less posterior probability keep the normal approximation.
_LEAST = 1e-6
_FLOOR = 25.0
_WEAK = "effect=priors.normal(0, 2.82), a weakly informative prior"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesNetworkCounts(BayesNetwork):
    """The posterior of a network by binomial likelihoods; baselines of trials are flat.

    Read as :class:`~equipoise.models.bayes.network.BayesNetwork` is.

    Attributes
    ----------
    sample
        Weighted draws of the effects, and how well they know quantiles.
    node_error
        The largest change of the log-likelihood when nodes within trials are doubled.
    arms
        Groups of people that told about effects.
    """

    sample: Sample
    node_error: float
    arms: int

    @property
    def error(self) -> float:
        """How far integrals, or medians and ends of intervals, may be off; see `sample`."""
        return max(self.grid.error, self.grid.remainder, self.node_error, self.sample.error)

    def mixture(self, name: str, a: Floats, *, new_trial: bool = False) -> Marginal:
        """The posterior of a combination of coefficients; of its value in a new trial."""
        s, grid = self.sample, self.grid
        own = np.einsum("i,jik,k->j", a, self.cov, a)
        more = grid.tau**2 if new_trial else np.zeros(grid.points)
        weights, means, spreads = [grid.weights], [self.theta @ a], [own + more]
        for j in range(s.mode.shape[0]):
            at = s.first + j
            places, masses, band = s.correction(j, a)
            weights.append(grid.weights[at] * masses)
            means.append(places)
            spreads.append(np.full(places.size, band**2 + more[at]))
        return Marginal(
            name,
            np.concatenate(weights),
            np.concatenate(means),
            np.sqrt(np.concatenate(spreads)),
            self._moments(),
            self.level,
            self.kind,
        )

    def probability_better(self, better: str) -> Floats:
        """The probability of the row's treatment being better than the column's."""
        out: Floats = BayesNetwork.probability_better(self, better).copy()
        for i, one in enumerate(self.treatments):
            for j, two in enumerate(self.treatments[:i]):
                above = self.effect(one, two).probability(above=0.0)
                out[i, j] = above if better == "higher" else 1.0 - above
                out[j, i] = 1.0 - out[i, j]
        out.setflags(write=False)
        return out

    def draws(self, size: int, seed: int = 1) -> tuple[Floats, Floats]:
        """Draw from the joint posterior: tau from the grid, effects from the weighted draws."""
        if size < 1:
            raise InputError(f"{size} draws", hint="at least 1")
        s, random = self.sample, np.random.default_rng(seed)
        w = self.grid.weights[s.first : s.first + s.mode.shape[0]]
        marks = (np.arange(size) + random.random()) / size
        node = np.minimum(np.searchsorted(np.cumsum(w) / w.sum(), marks), w.size - 1)
        out = np.empty((size, s.mode.shape[1]))
        for j in np.unique(node).tolist():
            rows = np.flatnonzero(node == j)
            edges = np.cumsum(s.weights[j])
            place = np.searchsorted(edges / edges[-1], random.random(rows.size))
            out[rows] = s.effects(j)[np.minimum(place, s.t.shape[0] - 1)]
        order = random.permutation(size)
        return self.grid.tau[s.first + node][order], out[order]

    def trials(self) -> tuple[Marginal, ...]:
        """Not given for counts.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            "true effects of single trials by binomial likelihoods", hint="likelihood='normal'"
        )

    def sensitivity(self, priors: Sequence[Prior | float], of: tuple[str, str]) -> Sensitivity:
        """The effect of ``of[0]`` against ``of[1]`` under other priors of tau."""
        self._contrast(*of)
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            network_counts_posterior(self, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        return compare_priors(fits, [f.effect(*of) for f in fits], f"{of[0]} against {of[1]}")

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Bayesian network of {len(self.treatments)} treatments: {self.k} trials, {m.name}, "
            "binomial likelihoods"
        )
        yield ""
        yield self.against().to_text()
        yield from tau_lines(self)
        yield self._known()
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _known(self) -> str:
        s = self.sample
        return (
            f"Effects from {s.t.shape[0]:,} weighted draws for every tau (effective "
            f"{percent(100 * s.effective)}); standard error of medians and ends of intervals at "
            f"most {significant(s.error, 2)} posterior standard deviations; baselines of trials "
            "flat on the logit scale"
        )

    def report(self) -> str:
        """Sentences for the methods of a paper, with numbered references."""
        tau = self.tau
        text = (
            f"{self.k} trials of {len(self.treatments)} treatments were synthesised in a Bayesian "
            f"network meta-analysis of log odds ratios with binomial likelihoods of all groups, "
            f"flat priors of the trials' baselines on the logit scale, one tau for all "
            f"comparisons with the prior '{self.prior.text}', and the prior "
            f"'{self.effect_prior.text}' of every effect against {self.reference}. Tau and "
            f"baselines were integrated out by nodes (error below "
            f"{error_text(max(self.grid.error, self.node_error))}). {self._known()}. Tau was "
            f"{significant(tau.median, 3)} ({percent(100 * self.level)} {self.kind} credible "
            f"interval {significant(tau.ci.low, 3)} to {significant(tau.ci.high, 3)})."
        )
        return f"{text}\n\n{references(self.methods)}"

    def __repr__(self) -> str:
        return (
            f"<BayesNetworkCounts {self.measure}: {len(self.treatments)} treatments, {self.k} "
            f"trials; tau {significant(self.tau.median, 3)}>"
        )


def network_counts_posterior(
    net: NetworkFit | BayesNetworkCounts, how: Choices
) -> BayesNetworkCounts:
    """Synthesise a network by binomial likelihoods.

    Parameters
    ----------
    net
        A fitted network of odds ratios whose contrasts keep their counts.
    how
        Priors and intervals. A prior of effects is that of every treatment against the reference.

    Raises
    ------
    InputError
        On another measure than odds ratios, or contrasts without counts.
    NotEstimableError
        On treatments that no trial with events tells about; under a flat prior on effects
        without an end; on an improper prior of tau with too few trials.
    """
    if net.measure != "OR":
        raise InputError(
            f"binomial likelihoods with effects as {measure_of(net.measure).name}s",
            hint="odds ratios (measure='OR'), or likelihood='normal'",
        )
    if "events1" not in net.data.raw:
        raise InputError("contrasts without their counts", hint="arms(), or likelihood='normal'")
    counts = read_arms(net.data)[0]
    silent = told_nothing(counts)
    used = counts.take(~silent[counts.trial])
    _check(counts, used, how, net.reference)
    groups = _groups(used, net.treatments, net.reference)
    notes = [n for n in net.notes if n.code in ("left-out", "repeated-study", "identical-rows")]
    notes += check_scale(how.tau, net.measure)
    if silent.any():
        text = (
            f"{int(silent.sum())} of {len(counts.trials)} trials had no events, or only events, in "
            "all groups: under flat baselines they tell nothing about a ratio and change nothing."
        )
        notes.append(Note("double-zero", text))
    X = _design(net)
    rough = Conditional(rotated(net.data, net.data.yi, X), how.effect)
    field = Field(groups, how.effect, Nodes())
    grid, peaks = _grid(field, rough, net, used, how)
    grid, theta, cov, sample = _sampled(field, grid, peaks, how)
    notes += about_error(grid, how.tau)
    if sample.error > how.rtol:
        text = (
            f"Medians and ends of intervals are known to {significant(sample.error, 2)} posterior "
            f"standard deviations; {significant(how.rtol, 2)} was asked for."
        )
        notes.append(Note("sampling-error", text))
    return BayesNetworkCounts(
        measure=net.measure,
        level=how.level,
        kind=how.kind,
        k=len(counts.trials),
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=grid,
        theta=theta,
        cov=cov,
        data=net.data,
        design=X,
        left_out=net.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, net.measure, LU_ADES, DIAS, GEWEKE),
        treatments=net.treatments,
        reference=net.reference,
        sample=sample,
        node_error=_node_error(groups, field, grid, theta),
        arms=len(used),
    )


def _check(counts: ArmCounts, used: ArmCounts, how: Choices, reference: str) -> None:
    """Refuse what the trials cannot tell, naming the treatments."""
    silent = [t for t in counts.treatments if t not in used.treatments]
    if silent:
        raise NotEstimableError(
            f"no trial with events (and people without) tells about {', '.join(silent)}",
            hint="the network without these treatments, and how many people had no event",
        )
    check_connected(used.star())
    if not how.effect.flat:
        return
    empty = used.by_treatment(used.events) == 0.0
    full = used.by_treatment(used.rest) == 0.0
    for where, what in ((empty, "nobody had"), (full, "everybody had")):
        if where.any():
            names = ", ".join(used.treatments[i] for i in np.flatnonzero(where).tolist())
            raise NotEstimableError(
                f"{what} the event with {names}: under a flat prior its effect has no end",
                hint=_WEAK,
            )
    parts = infinite_parts(used)
    if len(parts) > 1:
        listed = "; ".join(f"({i}) {', '.join(part)}" for i, part in enumerate(parts, start=1))
        raise NotEstimableError(
            f"under a flat prior, odds ratios between {len(parts)} groups of treatments have no "
            f"end: {listed}",
            where="in the trials that join them, all events that differ are on one side",
            hint=_WEAK,
        )


def _groups(c: ArmCounts, treatments: Sequence[str], reference: str) -> Groups:
    others = [t for t in treatments if t != reference]
    names = [c.treatments[i] for i in c.treat.tolist()]
    X = np.array([[float(name == t) for t in others] for name in names])
    rows = c.rows()
    pairs = np.array([r[0] for r in rows if r.size == 2], dtype=np.intp)
    return Groups(c.events, c.n, X, pairs, tuple(r for r in rows if r.size > 2))


def _design(net: NetworkFit | BayesNetworkCounts) -> Floats:
    others = [t for t in net.treatments if t != net.reference]
    pairs = zip(net.data.treat1, net.data.treat2, strict=True)
    return np.array([[float(a == t) - float(b == t) for t in others] for a, b in pairs])


def _free(c: ArmCounts, p: int) -> float:
    """How fast the likelihood falls with tau: groups with events and people without, less
    one a trial and one an effect."""
    inner = ((c.events > 0.0) & (c.rest > 0.0)).astype(np.float64)
    return float((c.by_trial(inner) - 1.0).sum()) - p


def _grid(
    field: Field,
    rough: Conditional,
    net: NetworkFit | BayesNetworkCounts,
    used: ArmCounts,
    how: Choices,
) -> tuple[Grid, tuple[Floats, ...]]:
    prior, look = how.tau, standard(field.p, _LOOK, 1)
    last = np.zeros(field.p)
    progress, done = Progress("values of tau", 150), 0

    def evaluate(tau2: Floats) -> tuple[Floats, ...]:
        nonlocal last, done
        found = []
        for t in np.sqrt(tau2).tolist():
            peak = field.peak(t, last)
            last = peak.mode
            exact, approximate = field.weigh(peak, look)
            found.append((log_total(exact) - log_total(approximate), peak.mode, peak.cov))
            done += 1
            progress.update(min(done, 149))
        return tuple(np.array([f[i] for f in found]) for i in range(3))

    if prior.fixed:
        return known_tau(prior.parameters[0], evaluate)
    free = _free(used, field.p if how.effect.flat else 0)
    tail = prior.tail.times(free)
    if not tail.moment(0):
        raise NotEstimableError(
            f"{net.k} trials and the prior '{prior.text}' of tau leave a posterior without a "
            "finite integral",
            hint="a proper prior such as priors.half_normal(0.5)",
        )
    typical = math.sqrt(float(np.median(net.data.vi)))
    places = np.geomspace(1e-6, 1e4, 60) * typical**2
    top = float(rough.likelihood(places).max())
    low, high = 1e-4 * typical, 1e2 * max(float(np.ptp(net.data.yi)), typical)
    if prior.proper:
        low = max(1e-100 * typical, min(low, 1e-3 * prior.quantile(0.01)))
        high = min(1e100 * typical, max(high, 10.0 * prior.quantile(0.99)))

    def near(tau2: Floats) -> Floats:
        floor = top - _FLOOR - max(0.0, free) * np.log1p(np.sqrt(tau2) / typical)
        out: Floats = np.maximum(rough.likelihood(tau2), floor)
        return out

    middle = field.peak(typical, last)

    def checks(w: Floats, tau: Floats, got: tuple[Floats, ...]) -> Floats:
        small = 1.0 / (1.0 + tau / typical)
        sds = np.sqrt(np.diagonal(got[1], axis1=1, axis2=2))
        return np.append(w @ ndtr((middle.mode - got[0]) / sds), w @ small)

    found = integrate(
        prior,
        evaluate,
        near,
        checks,
        tail=tail,
        unit=typical,
        low=low,
        high=high,
        rtol=min(1e-3, 0.1 * how.rtol),
    )
    progress.close()
    return found


def _node_error(groups: Groups, field: Field, grid: Grid, theta: Floats) -> float:
    """Change of the log-likelihood between two values of tau when nodes are doubled."""
    best = int(np.argmax(grid.weights))
    taus = (0.5 * grid.tau[best], 2.0 * grid.tau[best])
    found = []
    for nodes in (field.nodes, field.nodes.doubled()):
        other = Field(groups, field.prior, nodes)
        peaks = [other.peak(float(t), theta[best]) for t in taus]
        found.append([other.log_posterior(p.like, theta[best][None])[0] for p in peaks])
    return float(np.max(np.abs(np.array(found[0]) - np.array(found[1]))))


def _sampled(
    field: Field, grid: Grid, peaks: tuple[Floats, ...], how: Choices
) -> tuple[Grid, Floats, Floats, Sample]:
    """Weigh more and more draws until quantiles are known well enough."""
    theta, cov = peaks
    live = np.flatnonzero(grid.weights > _LEAST)
    first, last = int(live[0]), int(live[-1]) + 1
    kept = [field.peak(float(grid.tau[j]), theta[j]) for j in range(first, last)]
    size = _FIRST
    while True:
        new, sample = _weighed(field, grid, kept, first, size)
        more = 2 * size * _SETS * (field.p + 2 * len(kept))
        if sample.error < how.rtol or size >= _MOST or more > _ROOM:
            break
        size *= 2
    return new, theta, cov, sample


def _weighed(
    field: Field, grid: Grid, kept: list[Peak], first: int, size: int
) -> tuple[Grid, Sample]:
    sets = [standard(field.p, size, 100 + r) for r in range(_SETS)]
    draws = Standard(
        np.concatenate([s.t for s in sets]), np.concatenate([s.log_density for s in sets])
    )
    found = np.array([field.weigh(peak, draws) for peak in kept])
    exact, rough = found.reshape(len(kept), 2, _SETS, size).swapaxes(0, 1)
    by_set = np.array(
        [
            [log_total(e) - log_total(v) for e, v in zip(a, b, strict=True)]
            for a, b in zip(exact, rough, strict=True)
        ]
    )
    flat = (exact.reshape(len(kept), -1), rough.reshape(len(kept), -1))
    log_z = np.array([log_total(e) - log_total(v) for e, v in zip(*flat, strict=True)])
    w, v = (np.exp(x - x.max(axis=1, keepdims=True)) for x in flat)
    w, v = w / w.sum(axis=1, keepdims=True), v / v.sum(axis=1, keepdims=True)
    rows = slice(first, first + len(kept))
    look = standard(field.p, _LOOK, 1)
    before = np.array(
        [log_total(e) - log_total(a) for e, a in (field.weigh(p, look) for p in kept)]
    )
    new = grid if grid.known else _renewed(grid, rows, log_z - before)
    own = new.weights[rows]
    effective = float(own @ (1.0 / (w * w).sum(axis=1))) / float(own.sum()) / w.shape[1]
    sample = Sample(
        first,
        draws.t,
        np.array([p.mode for p in kept]),
        np.array([p.half for p in kept]),
        np.array([p.stretch for p in kept]),
        w,
        w - v,
        effective,
        0.0,
    )
    error = _error(sample, own, by_set - log_z[:, None], exact, rough)
    return new, dataclasses.replace(sample, error=error)


def _renewed(grid: Grid, rows: slice, moved: Floats) -> Grid:
    """The posterior of tau with better known likelihoods."""
    w = grid.weights.copy()
    w[rows] = w[rows] * np.exp(moved)
    total = float(w.sum())
    shift = math.log(total)
    return dataclasses.replace(
        grid,
        weights=w / total,
        log_evidence=grid.log_evidence + shift,
        at_zero=grid.at_zero / total,
    )


def _error(s: Sample, own: Floats, moved: Floats, exact: Floats, rough: Floats) -> float:
    """Standard error of medians and ends of intervals over the sets of draws."""
    sets, p = exact.shape[1], s.mode.shape[1]
    mix = own[:, None] * np.exp(moved)
    mix = mix / mix.sum(axis=0)
    all_w = own / own.sum()
    means = np.array([s.weights[j] @ s.effects(j) for j in range(len(own))])
    centre = all_w @ means
    found = np.zeros((sets, 3, p))
    sds = np.sqrt(np.array([(h * h).sum(axis=1) for h in s.half]))
    sd = np.sqrt(all_w @ (sds**2 + (means - centre) ** 2))
    at = centre + np.array([-2.0, 0.0, 2.0])[:, None] * sd
    for j in range(len(own)):
        d = s.effects(j).reshape(sets, -1, p)
        normal = ndtr((at - s.mode[j]) / sds[j])
        for r in range(sets):
            w, v = (np.exp(x[j, r] - x[j, r].max()) for x in (exact, rough))
            more = w / w.sum() - v / v.sum()
            below = np.array([more @ (d[r] <= row) for row in at])
            found[r] += mix[j, r] * (normal + below)
    se = found.std(axis=0, ddof=1) / math.sqrt(sets)
    density = np.array([0.054, 0.399, 0.054])[:, None]
    return float((se / density).max())
