"""Posteriors of trials with binomial likelihoods: tau on its grid, effects by weighted draws."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.progress import Progress
from equipoise.core.result import Note
from equipoise.core.table import percent, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.armwise import Groups, Nodes
from equipoise.models.bayes.deviance import Deviance, deviance_of
from equipoise.models.bayes.grid import Grid, integrate, known_tau
from equipoise.models.bayes.importance import Field, Sample, log_total, standard
from equipoise.models.bayes.marginal import Marginal
from equipoise.models.bayes.normal import Conditional
from equipoise.models.bayes.posterior import Choices, check_draws
from equipoise.models.bayes.priors import EffectPrior, Prior
from equipoise.models.bayes.weighed import SETS, Weighed
from equipoise.models.network.armcounts import ArmCounts, read_arms, told_nothing

#: Draws that the range of tau is found with; how many a set has at first and at most.
_LOOK, _FIRST, _MOST = 256, 512, 4096
#: Numbers that all draws may hold.
_ROOM = 12_000_000
#: Values of tau with less posterior probability keep the normal approximation.
_LEAST = 1e-6
_FLOOR = 25.0
#: A tau² with a smaller share of every group's own variance changes no digit that counts.
_NONE = 1e-9
#: Above this tau, 30 logits, likelihoods are taken to fall by the power of tau that they fall by
#: far out, and effects given tau as normal.
_CEILING = 30.0
#: First step of tau's grid.
_STEP = 0.5

#: What an improper posterior is pointed to.
WEAK_HINT = "effect=priors.normal(0, 2.82), a weakly informative prior"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a posterior by binomial likelihoods rests on.

    Attributes
    ----------
    groups
        Groups of people, and their rows of the design.
    rough
        Normal likelihoods with the same coefficients: they only find where tau lies.
    yi, vi
        The contrasts behind those.
    k
        Trials.
    free
        How fast the likelihood falls with tau.
    """

    groups: Groups
    rough: Conditional
    yi: Floats
    vi: Floats
    k: int
    free: float


@dataclass(frozen=True, slots=True)
class Found:
    """The posterior of tau, and of effects given tau.

    Attributes
    ----------
    grid, theta, cov
        As of :class:`~equipoise.models.bayes.posterior.Posterior`; normal approximations.
    sample
        What corrects them.
    node_error
        The largest change of the log-likelihood when nodes and places are doubled.
    """

    grid: Grid
    theta: Floats
    cov: Floats
    sample: Sample
    node_error: float


def counts_of(data: Contrasts) -> tuple[ArmCounts, ArmCounts]:
    """The counts behind contrasts, and those of the trials that tell anything.

    Raises
    ------
    InputError
        On another measure than odds ratios, or contrasts without counts.
    """
    if data.measure != "OR":
        raise InputError(
            f"binomial likelihoods with effects as {measure_of(data.measure).name}s",
            hint="odds ratios (measure='OR'), or likelihood='normal'",
        )
    if "events1" not in data.raw:
        raise InputError("contrasts without their counts", hint="arms(), or likelihood='normal'")
    counts = read_arms(data)[0]
    return counts, counts.take(~told_nothing(counts)[counts.trial])


def groups_of(c: ArmCounts, row: Callable[[str], Floats]) -> Groups:
    """The groups of trials, by what their treatments are made of."""
    by_name = {name: row(name) for name in c.treatments}
    X = np.array([by_name[c.treatments[i]] for i in c.treat.tolist()])
    rows = c.rows()
    pairs = np.array([r[0] for r in rows if r.size == 2], dtype=np.intp)
    return Groups(c.events, c.n, X, pairs, tuple(r for r in rows if r.size > 2))


def freedom(c: ArmCounts, p: int) -> float:
    """How fast the likelihood falls with tau: groups with events and people without, less
    one a trial and one an effect under a flat prior."""
    inner = ((c.events > 0.0) & (c.rest > 0.0)).astype(np.float64)
    return float((c.by_trial(inner) - 1.0).sum()) - p


def about_silent(counts: ArmCounts, used: ArmCounts) -> list[Note]:
    """What to know of trials that tell nothing."""
    k = len(counts.trials)
    silent = k - len(used.trials)
    if not silent:
        return []
    text = (
        f"{silent} of {k} trials had no events, or only events, in all groups: under flat "
        "baselines they tell nothing about a ratio and change nothing."
    )
    return [Note("double-zero", text)]


def about_sample(found: Found, how: Choices) -> list[Note]:
    """What to know where more draws than there may be would be needed, and of tau far out."""
    notes, sample, grid = [], found.sample, found.grid
    if sample.error > how.rtol:
        text = (
            f"Medians and ends of intervals are known to {significant(sample.error, 2)} posterior "
            f"standard deviations; {significant(how.rtol, 2)} was asked for."
        )
        notes.append(Note("sampling-error", text))
    far = 0.0 if grid.known else float(grid.weights[grid.tau > _CEILING].sum())
    if far > how.rtol:
        text = (
            f"{percent(100.0 * far)} of the posterior lies at tau above {_CEILING:g}, where "
            "effects are taken as normal; no log odds ratios differ so much. A prior such as "
            "half_normal(0.5) fits their scale."
        )
        notes.append(Note("far-tau", text))
    return notes


def posterior_of(evidence: Evidence, how: Choices) -> Found:
    """Integrate over tau, and weigh draws of effects until quantiles are known well enough.

    Raises
    ------
    NotEstimableError
        On an improper prior of tau with too few trials; on effects without a peak.
    """
    field = Field(evidence.groups, how.effect, Nodes())
    grid, shapes = _grid(field, evidence, how)
    grid, theta, cov, sample = _sampled(field, grid, shapes, how)
    return Found(grid, theta, cov, sample, _node_error(evidence.groups, field, grid, theta))


class Counted:
    """What a posterior by weighted draws answers in its own way; for classes that have these.

    Attributes
    ----------
    sample
        Weighted draws of the effects, and how well they know quantiles.
    node_error
        The largest change of the log-likelihood when nodes within trials are doubled.
    arms
        Groups of people that told about effects.
    arm_groups
        Gives the groups of people with their rows of the design, and with their names.
    """

    __slots__ = ()

    arm_groups: Callable[[], tuple[Groups, ArmCounts]]
    sample: Sample
    node_error: float
    arms: int
    grid: Grid
    theta: Floats
    cov: Floats
    level: float
    kind: str
    prior: Prior
    effect_prior: EffectPrior

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
            grid.moments,
            self.level,
            self.kind,
        )

    def draws(self, size: int, seed: int = 1) -> tuple[Floats, Floats]:
        """Draw from the joint posterior: tau from the grid, effects from the weighted draws."""
        check_draws(size)
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

    def deviance(self, at: str = "risk") -> Deviance:
        """How well the model fits: residual deviance, effective parameters and DIC.

        Parameters
        ----------
        at
            What leverage is measured from: the posterior means of the ``risk`` of each group (Dias
            et al. 2013), or those of its ``logit`` (as WinBUGS does).
        """
        groups, c = self.arm_groups()
        study = tuple(c.trials[i] for i in c.trial.tolist())
        treat = tuple(c.treatments[i] for i in c.treat.tolist())
        return deviance_of(groups, study, treat, self.grid, self.sample, at)

    def known_how_well(self) -> str:
        """How effects were found and how well they are known, in a sentence."""
        s = self.sample
        return (
            f"Effects from {s.t.shape[0]:,} weighted draws for every tau (effective "
            f"{percent(100 * s.effective)}); standard error of medians and ends of intervals at "
            f"most {significant(s.error, 2)} posterior standard deviations; baselines of trials "
            "flat on the logit scale"
        )


@dataclass(frozen=True, slots=True)
class _Shape:
    """The posterior of effects around its peak at one tau, without the likelihood's tables.

    `look` is the log of the likelihood over its normal approximation by few draws.
    """

    mode: Floats
    cov: Floats
    half: Floats
    stretch: Floats
    look: float


class _Shapes:
    """Peaks that were found, by tau; a new one is looked for from its nearest neighbour."""

    def __init__(self, field: Field, free: float, ceiling: float) -> None:
        self.free, self.ceiling = free, ceiling
        self.field, self.draws = field, standard(field.p, _LOOK, 1)
        self.found: dict[float, _Shape] = {}
        self.least = math.sqrt(_NONE * float(field.trials.own.min()))

    def _told(self, tau: float) -> float:
        return tau if tau > self.least else 0.0

    def at(self, tau: float) -> _Shape:
        """The shape at a value of tau."""
        if tau > self.ceiling:
            return self._beyond(tau / self.ceiling)
        tau = self._told(tau)
        known = self._nearest(tau)
        if known is not None and abs(known - tau) <= 1e-12 * tau:
            return self.found[known]
        start = np.zeros(self.field.p) if known is None else self.found[known].mode
        peak = self.field.peak(tau, start)
        exact, rough = self.field.weigh(peak, self.draws)
        look = log_total(exact) - log_total(rough)
        shape = _Shape(peak.mode, peak.cov, peak.half, peak.stretch, look)
        self.found[tau] = shape
        return shape

    def _beyond(self, times: float) -> _Shape:
        """The shape so many times above the ceiling: by how likelihoods fall far out."""
        s, f = self.at(self.ceiling), self.field
        prior = f.power * np.eye(f.p)
        precision = np.linalg.inv(s.cov)
        pull = precision @ s.mode - f.power * f.prior.mean
        cov = np.asarray(np.linalg.inv((precision - prior) / times**2 + prior), dtype=np.float64)
        mode = cov @ (pull / times + f.power * f.prior.mean)
        wider = 0.5 * float(np.linalg.slogdet(cov)[1] - np.linalg.slogdet(s.cov)[1])
        look = s.look - self.free * math.log(times) + wider
        half = np.asarray(np.linalg.cholesky(cov), dtype=np.float64)
        return _Shape(mode, cov, half, s.stretch, look)

    def _nearest(self, tau: float) -> float | None:
        return min(self.found, key=lambda t: abs(t - tau), default=None)


def _grid(field: Field, evidence: Evidence, how: Choices) -> tuple[Grid, _Shapes]:
    prior, done = how.tau, 0
    shapes = _Shapes(
        field,
        evidence.free + (field.p if how.effect.flat else 0),
        math.inf if prior.fixed else _CEILING,
    )
    progress = Progress("values of tau", 150)

    def evaluate(tau2: Floats) -> tuple[Floats, ...]:
        nonlocal done
        found = []
        for t in np.sqrt(tau2).tolist():
            found.append(shapes.at(t))
            done += 1
            progress.update(min(done, 149))
        return (
            np.array([s.look for s in found]),
            np.array([s.mode for s in found]),
            np.array([s.cov for s in found]),
        )

    if prior.fixed:
        return known_tau(prior.parameters[0], evaluate)[0], shapes
    free = evidence.free
    tail = prior.tail.times(free)
    if not tail.moment(0):
        raise NotEstimableError(
            f"{evidence.k} trials and the prior '{prior.text}' of tau leave a posterior without a "
            "finite integral",
            hint="a proper prior such as priors.half_normal(0.5)",
        )
    typical = math.sqrt(float(np.median(evidence.vi)))
    places = np.geomspace(1e-6, 1e4, 60) * typical**2
    top = float(evidence.rough.likelihood(places).max())
    low, high = 1e-4 * typical, 1e2 * max(float(np.ptp(evidence.yi)), typical)
    if prior.proper:
        low = max(1e-100 * typical, min(low, 1e-3 * prior.quantile(0.01)))
        high = min(1e100 * typical, max(high, 10.0 * prior.quantile(0.99)))

    def near(tau2: Floats) -> Floats:
        floor = top - _FLOOR - max(0.0, free) * np.log1p(np.sqrt(tau2) / typical)
        out: Floats = np.maximum(evidence.rough.likelihood(tau2), floor)
        return out

    middle = shapes.at(typical)

    def checks(w: Floats, tau: Floats, got: tuple[Floats, ...]) -> Floats:
        small = 1.0 / (1.0 + tau / typical)
        sds = np.sqrt(np.diagonal(got[1], axis1=1, axis2=2))
        return np.append(w @ ndtr((middle.mode - got[0]) / sds), w @ small)

    grid = integrate(
        prior,
        evaluate,
        near,
        checks,
        tail=tail,
        unit=typical,
        low=low,
        high=high,
        rtol=min(1e-3, 0.1 * how.rtol),
        step=_STEP,
    )[0]
    progress.close()
    return grid, shapes


def _node_error(groups: Groups, field: Field, grid: Grid, theta: Floats) -> float:
    """Change of the log-likelihood between two values of tau when nodes and places are doubled."""
    best = int(np.argmax(grid.weights))
    finer = Field(groups, field.prior, field.trials.nodes.doubled())
    at, moved = theta[best][None], 0.0
    for t in (0.5 * grid.tau[best], 2.0 * grid.tau[best]):
        one, two = (f.likelihood(float(t)).at(at)[0] for f in (field, finer))
        moved = max(moved, abs(float(one - two)))
    return moved


def _sampled(
    field: Field, grid: Grid, shapes: _Shapes, how: Choices
) -> tuple[Grid, Floats, Floats, Sample]:
    """Weigh more and more draws until quantiles are known well enough."""
    all_shapes = [shapes.at(float(t)) for t in grid.tau]
    theta, cov = (np.array([getattr(s, x) for s in all_shapes]) for x in ("mode", "cov"))
    live = np.flatnonzero((grid.weights > _LEAST) & (grid.tau <= shapes.ceiling))
    if not live.size:
        raise NotEstimableError(
            f"the posterior of tau lies above {_CEILING:g}, on the scale of log odds ratios",
            hint="a prior that fits their scale, such as priors.half_normal(0.5)",
        )
    first, last = int(live[0]), int(live[-1]) + 1
    rows = slice(first, last)
    weighed = Weighed(
        field, grid.tau[rows].tolist(), all_shapes[rows], grid.weights[rows], how.rtol
    )
    size = _FIRST
    while True:
        weighed.reach(size)
        new, sample = _corrected(weighed, grid, first)
        more = 2 * size * SETS * (field.p + 2 * (last - first))
        if sample.error < how.rtol or size >= _MOST or more > _ROOM:
            return new, theta, cov, sample
        size *= 2


def _corrected(weighed: Weighed, grid: Grid, first: int) -> tuple[Grid, Sample]:
    kept, exact, rough = weighed.shapes, weighed.exact, weighed.rough
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
    new = grid if grid.known else _renewed(grid, rows, log_z - weighed.look)
    own = new.weights[rows]
    effective = float(own @ (1.0 / (w * w).sum(axis=1))) / float(own.sum()) / w.shape[1]
    sample = Sample(
        first,
        weighed.t.reshape(-1, weighed.field.p),
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
