"""Binomial network: log odds with a baseline a trial, effects common or normal between trials.

For a fixed spread the log-likelihood is concave in baselines and effects (integrals of log-concave
functions are log-concave, Prékopa), so Newton's method finds the one optimum; what remains is a
function of the spread, whose slope is looked at over a grid from 0 to where the likelihood is a
small part of its maximum, or beyond any spread of log odds ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats, Ints
from equipoise.models.counts.pooled import chi2_test
from equipoise.models.counts.quadrature import nodes_of
from equipoise.models.counts.result import Convergence, CountTest
from equipoise.models.network.armcounts import (
    ArmCounts,
    Pool,
    check_usable,
    informative,
    names_of,
    told_nothing,
)
from equipoise.num.dist import chi2_tail
from equipoise.num.solve import root

LOGISTIC = Method(
    "logistic regression with a baseline for each trial, and normal random effects",
    "Simmonds, Higgins 2016, Stat Methods Med Res 25:2858; Jackson, Law, Stijnen, Viechtbauer, "
    "White 2018, Stat Med 37:1059",
    "10.1002/sim.7588",
)

#: Standard deviations at which the slope is looked at.
_GRID = (0.03, 0.1, 0.2, 0.35, 0.55, 0.8, 1.2, 1.8, 2.7, 4.0, 6.0, 9.0)
#: Nodes of the search, and then of the optimum: doubled while the log-likelihood moves by more.
_ROUGH, _FIRST, _SETTLED = 24, 48, 1e-9
#: At most this many nodes for one trial of several arms.
_MOST = {1: 3000, 2: 64, 3: 16, 4: 8, 5: 6}
#: The grid ends where the log-likelihood is this far below the highest seen: it only falls there.
_BELOW = 12.0
#: Steps of a climb.
_STEPS = 40
#: Where nothing is higher after so many halvings of a step, the nodes cannot tell what is.
_HALVINGS = 12
#: The score at the optimum may ask for a step of at most this many standard errors.
_FLAT = 1e-3
#: The range of one dimension ends where the integrand is below exp(-_DEPTH) of its peak.
_DEPTH = 40.0


@dataclass(frozen=True, slots=True)
class Block:
    """Trials with the same number of arms m: shapes (b, m), and the numbers of the trials.

    `H` turns m − 1 standard normals into the arms' departures: those of two arms differ with
    variance 2, and any two such differences that share an arm correlate by ½.
    """

    events: Floats
    n: Floats
    treat: Ints
    trial: Ints
    constant: Floats
    H: Floats


@dataclass(frozen=True, slots=True)
class Place:
    """The log-likelihood at baselines, effects and spread, with its derivatives.

    `score` and `information` are by effects (without the first) and, last, the spread; baselines
    are profiled out. `move` gives the baselines' step for a step of those.
    """

    value: float
    score: Floats
    information: Floats
    score_a: Floats
    information_a: Floats
    cross: Floats

    def reduced(self, free: int) -> tuple[Floats, Floats]:
        """Score and information of the first `free`, baselines profiled out."""
        c = self.cross[:, :free]
        score = self.score[:free] - c.T @ (self.score_a / self.information_a)
        information = self.information[:free, :free] - c.T @ (c / self.information_a[:, None])
        return score, information


@dataclass(slots=True)
class State:
    """Where a climb is: baselines by trial and effects by treatment."""

    a: Floats
    theta: Floats


class Likelihood:
    """The trials of a network as blocks."""

    def __init__(self, c: ArmCounts) -> None:
        self.k, self.n = len(c.trials), len(c.treatments)
        rows = c.rows()
        self.blocks = []
        for size in sorted({len(r) for r in rows}):
            at = np.array([r for r in rows if len(r) == size])
            e, n = c.events[at], c.n[at]
            logs = special.gammaln(n + 1.0) - special.gammaln(e + 1.0)
            logs -= special.gammaln(n - e + 1.0)
            self.blocks.append(
                Block(e, n, c.treat[at], c.trial[at[:, 0]], logs.sum(axis=1), _contrast(size))
            )
        events, people = c.by_trial(c.events), c.by_trial(c.n)
        self.begin = np.log((events + 0.5) / (people - events + 0.5))

    def at(self, state: State, tau: float, nodes: int) -> Place:
        """Evaluate with so many nodes in each dimension (less where there are many arms)."""
        n, k = self.n, self.k
        value, score, info = 0.0, np.zeros(n + 1), np.zeros((n + 1, n + 1))
        score_a, info_a, cross = np.zeros(k), np.zeros(k), np.zeros((k, n + 1))
        for b in self.blocks:
            each, g, h = _integrate(b, state.a[b.trial][:, None] + state.theta[b.treat], tau, nodes)
            value += float(each.sum())
            m = b.events.shape[1]
            into = np.concatenate([b.treat, np.full((len(b.trial), 1), n)], axis=1)
            np.add.at(score, into, g)
            np.add.at(info, (into[:, :, None], into[:, None, :]), -h)
            score_a[b.trial] += g[:, :m].sum(axis=1)
            info_a[b.trial] -= h[:, :m, :m].sum(axis=(1, 2))
            np.add.at(cross, (b.trial[:, None], into), -h[:, :m, :].sum(axis=1))
        return Place(value, score[1:], info[1:, 1:], score_a, info_a, cross[:, 1:])

    def climb(self, state: State, tau: float, nodes: int, tight: float = 1e-10) -> Place:
        """Newton's method in baselines and effects at a fixed spread."""
        free = self.n - 1
        place = self.at(state, tau, nodes)
        for _ in range(_STEPS):
            step, step_a, asks = _step(place, free)
            if asks < tight:
                return place
            factor = min(1.0, 3.0 / max(float(np.abs(step).max()), float(np.abs(step_a).max())))
            before = State(state.a.copy(), state.theta.copy())
            for _ in range(_HALVINGS):
                state.a = before.a + factor * step_a
                state.theta = before.theta + np.concatenate([[0.0], factor * step])
                then = self.at(state, tau, nodes)
                if then.value >= place.value - 1e-11 * (1.0 + abs(place.value)):
                    break
                factor *= 0.5
            else:  # as high as the nodes can tell
                state.a, state.theta = before.a, before.theta
                return place
            place = then
        return place


def _contrast(size: int) -> Floats:
    """Orthonormal columns that sum to 0, shape (m, m - 1)."""
    H = np.zeros((size, size - 1))
    for j in range(1, size):
        H[:j, j - 1], H[j, j - 1] = 1.0, -float(j)
        H[:, j - 1] /= math.sqrt(j * (j + 1.0))
    return H


def _step(place: Place, free: int) -> tuple[Floats, Floats, float]:
    """Newton's step of effects and baselines, and its size in standard errors."""
    score, information = place.reduced(free)
    step: Floats = np.array(np.linalg.solve(information, score), dtype=np.float64)
    step_a = (place.score_a - place.cross[:, :free] @ step) / place.information_a
    asks = abs(float(score @ step))
    asks += float(np.max(place.score_a**2 / place.information_a))
    return step, step_a, math.sqrt(asks)


def _integrate(b: Block, level: Floats, tau: float, nodes: int) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood of each trial, with derivatives by the arms' log odds and the spread.

    Returns
    -------
    arrays, shapes (b,), (b, m + 1) and (b, m + 1, m + 1)
        Derivatives are those of the integral: the mean derivative under the integrand's own
        weights, and the covariance of first derivatives (Louis 1982).
    """
    z, log_w = _nodes(b, level, tau, nodes)
    move = (z @ b.H.T) / math.sqrt(2.0)
    at = level[:, None, :] + tau * move
    p = special.expit(at)
    inside = (b.events[:, None, :] * at - b.n[:, None, :] * np.logaddexp(0.0, at)).sum(axis=2)
    power = inside + log_w
    top = power.max(axis=1)
    weight = np.exp(power - top[:, None])
    total = weight.sum(axis=1)
    weight /= total[:, None]
    left = b.events[:, None, :] - b.n[:, None, :] * p
    spread = b.n[:, None, :] * p * special.expit(-at)
    t = np.concatenate([left, (left * move).sum(axis=2, keepdims=True)], axis=2)
    g = np.einsum("bq,bqi->bi", weight, t)
    h = np.einsum("bq,bqi,bqj->bij", weight, t, t) - g[:, :, None] * g[:, None, :]
    m = level.shape[1]
    arms = np.arange(m)
    h[:, arms, arms] -= np.einsum("bq,bqi->bi", weight, spread)
    side = np.einsum("bq,bqi->bi", weight, spread * move)
    h[:, :m, m] -= side
    h[:, m, :m] -= side
    h[:, m, m] -= np.einsum("bq,bqi->b", weight, spread * move**2)
    return b.constant + top + np.log(total), g, h


def _nodes(b: Block, level: Floats, tau: float, nodes: int) -> tuple[Floats, Floats]:
    """Nodes of each trial's integral, shape (b, q, d), and log-weights that hold the prior.

    Without a spread any nodes with the right first two moments do. One dimension has equidistant
    nodes over the range of the integrand; more have Gauss–Hermite nodes about its peak.
    """
    size, d = len(b.trial), b.H.shape[1]
    if tau == 0.0:
        z = math.sqrt(d) * np.concatenate([np.eye(d), -np.eye(d)])
        return np.broadcast_to(z, (size, 2 * d, d)), np.full((size, 2 * d), -math.log(2.0 * d))
    peak, K = _peaks(b, level, tau)
    if d == 1:
        low, width = _range(b, level, tau, peak, K[:, 0, 0])
        z = low[:, None] + width[:, None] * ((np.arange(nodes) + 0.5) / nodes)
        log_w = -0.5 * z**2 + (np.log(width / nodes) - 0.5 * math.log(2.0 * math.pi))[:, None]
        return z[:, :, None], log_w
    many = min(nodes, _MOST.get(d, 1))
    x, log_x = nodes_of(many)
    grid = np.stack(np.meshgrid(*[x] * d, indexing="ij"), axis=-1).reshape(-1, d)
    log_g = np.sum(np.meshgrid(*[log_x] * d, indexing="ij"), axis=0).reshape(-1)
    lower = np.linalg.cholesky(K)
    back = np.linalg.inv(lower)
    z = peak[:, None, :] + np.einsum("bji,qj->bqi", back, grid)
    half = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    log_w = log_g + 0.5 * (grid**2).sum(axis=1) - 0.5 * (z**2).sum(axis=2) - half[:, None]
    return z, log_w


def _height(b: Block, level: Floats, tau: float, z: Floats) -> Floats:
    at = level + tau * (z @ b.H.T) / math.sqrt(2.0)
    inside = (b.events * at - b.n * np.logaddexp(0.0, at)).sum(axis=1)
    out: Floats = inside - 0.5 * (z**2).sum(axis=1)
    return out


def _peaks(b: Block, level: Floats, tau: float) -> tuple[Floats, Floats]:
    """Where each integrand peaks, and its curvature there: Newton with halving."""
    size, d = len(b.trial), b.H.shape[1]
    z = np.zeros((size, d))
    J = tau * b.H / math.sqrt(2.0)
    height = _height(b, level, tau, z)
    for _ in range(100):
        at = level + z @ J.T
        p = special.expit(at)
        slope = (b.events - b.n * p) @ J - z
        w = b.n * p * special.expit(-at)
        K = np.eye(d) + np.einsum("mi,bm,mj->bij", J, w, J)
        step = np.linalg.solve(K, slope[:, :, None])[:, :, 0]
        if np.max(np.abs(step)) < 1e-9:
            break
        for _ in range(40):
            then = _height(b, level, tau, z + step)
            worse = then < height - 1e-12 * (1.0 + np.abs(height))
            if not worse.any():
                break
            step = np.where(worse[:, None], 0.5 * step, step)
        z, height = z + step, then
    return z, K


def _range(b: Block, level: Floats, tau: float, peak: Floats, K: Floats) -> tuple[Floats, Floats]:
    """Where the integrand of two arms has died off on either side, and the width between.

    Its log is at least as curved as a standard normal's, which bounds the distance.
    """
    top = _height(b, level, tau, peak)
    most = math.sqrt(2.0 * _DEPTH)
    ends = []
    for side in (-1.0, 1.0):
        reach = np.minimum(most, most / np.sqrt(K))
        for _ in range(60):
            fall = top - _height(b, level, tau, peak + side * reach[:, None])
            short, far = (fall < _DEPTH) & (reach < most), fall > 2.0 * _DEPTH
            if not (short.any() or far.any()):
                break
            reach = np.where(short, np.minimum(most, 1.5 * reach), np.where(far, 0.8, 1.0) * reach)
        ends.append(peak[:, 0] + side * reach)
    return ends[0], ends[1] - ends[0]


def binomial(counts: ArmCounts, reference: str | None = None, *, random: bool = True) -> Pool:
    """Fit the logistic network by maximum likelihood.

    Parameters
    ----------
    counts
        All arms.
    reference
        The treatment that others will be compared with, for errors.
    random
        Whether effects differ between trials: normal, one variance, correlated by ½ where they
        share an arm.

    Notes
    -----
    Trials of two arms are integrated by equidistant nodes, larger ones by adaptive Gauss–Hermite
    quadrature (of more than six arms, by Laplace's approximation); nodes are doubled until the
    log-likelihood has settled, and what the last doubling changed is in `convergence`.

    Source: Jackson et al. 2018, Stat Med 37:1059, doi:10.1002/sim.7588. Two treatments give what
    ``counts(model='UM.FS')`` gives, which is checked against metafor.
    """
    used = informative(counts)
    out = check_usable(counts, used, reference)
    like = Likelihood(used)
    state = State(like.begin.copy(), np.zeros(like.n))
    common = like.climb(state, 0.0, 1)
    tau, place, nodes, error, optima = 0.0, common, 0, 0.0, 1
    tests: tuple[CountTest, ...] = ()
    notes: tuple[Note, ...] = ()
    if random and len(used) - like.k > like.n - 1:
        tau, place, nodes, error, optima = _highest(like, state, common)
        ratio = max(0.0, 2.0 * (place.value - common.value))
        tests = (_test(ratio, like.k),)
    elif random:
        text = "There are just enough comparisons to join the treatments; tau² counts as 0."
        notes = (Note("no-degrees-of-freedom", text),)
    free = like.n - 1 + (tau > 0.0)
    gradient = _step(place, free)[2]
    if not gradient < _FLAT:
        raise NotEstimableError(
            f"the likelihood's optimum was not reached: its slope still asks for a step of "
            f"{gradient:.1e} standard errors",
            hint="method='MH', or model='common'",
        )
    cov = np.zeros((like.n, like.n))
    cov[1:, 1:] = np.linalg.inv(place.reduced(free)[1])[: like.n - 1, : like.n - 1]
    if error > 1e-6:
        text = f"The integrals give the log-likelihood to about {error:.1e} only."
        notes = (*notes, Note("quadrature-error", text))
    methods = (LOGISTIC, papers.QUADRATURE) if random else (LOGISTIC,)
    return Pool(
        used,
        state.theta,
        cov,
        methods,
        out,
        names_of(counts, told_nothing(counts)),
        "say nothing",
        notes=notes,
        designs=len(used.designs()),
        effects="random" if random else "common",
        tau2=tau**2 if random else None,
        log_lik=place.value,
        tests=tests,
        convergence=Convergence(gradient, nodes, error, optima),
    )


def _test(ratio: float, k: int) -> CountTest:
    """The likelihood ratio of no spread; its null distribution is half a point at 0."""
    made = chi2_test("Likelihood ratio of no variance between trials", "heterogeneity", ratio, 1, k)
    p = 0.5 * chi2_tail(ratio, 1.0) if ratio > 0.0 else 1.0
    return CountTest(made.name, made.asks, made.statistic, made.df, p, made.k)


def _highest(like: Likelihood, state: State, common: Place) -> tuple[float, Place, int, float, int]:
    """The highest maximum over all spreads; leaves the state there."""
    start = State(state.a.copy(), state.theta.copy())

    def look(tau: float) -> tuple[float, float]:
        place = like.climb(state, tau, _ROUGH + int(8.0 * tau), 1e-4)
        return place.value, float(place.reduced(like.n)[0][-1])

    def slope(tau: float) -> float:
        return look(tau)[1]

    rises_at_0 = float(common.reduced(like.n)[1][-1, -1]) < 0.0
    rising, ends, highest = [rises_at_0], [0.0], common.value
    for tau in _GRID:
        value, rise = look(tau)
        rising.append(rise > 0.0)
        ends.append(tau)
        highest = max(highest, value)
        if value < highest - _BELOW:
            break
    found: list[tuple[float, float]] = [] if rises_at_0 else [(common.value, 0.0)]
    for i in range(len(ends) - 1):
        if rising[i] and not rising[i + 1]:
            tau = _between(slope, ends[i], ends[i + 1])
            state.a, state.theta = start.a.copy(), start.theta.copy()
            found.append((like.climb(state, tau, _FIRST, 1e-6).value, tau))
    if not found:
        raise NotEstimableError(
            "the variance between trials has no finite estimate", hint="model='common'"
        )
    best = max(found)[1]
    state.a, state.theta = start.a.copy(), start.theta.copy()
    if best == 0.0:
        return 0.0, common, 0, 0.0, len(found)
    nodes = _FIRST
    while True:
        best, place = _polish(like, state, best, nodes)
        error = abs(like.at(state, best, 2 * nodes).value - place.value)
        if best == 0.0 or error < _SETTLED or 2 * nodes > _MOST[1]:
            return best, place, nodes, max(error, _coarse(like, state, best, place)), len(found)
        nodes *= 2


def _between(slope: object, low: float, high: float) -> float:
    assert callable(slope)
    if low == 0.0:
        low = 0.5 * high
        while low > 1e-6 and slope(low) <= 0.0:
            low, high = 0.5 * low, low
    return root(slope, low, high, rtol=1e-3) if slope(low) > 0.0 >= slope(high) else high


def _coarse(like: Likelihood, state: State, tau: float, place: Place) -> float:
    """What halving the nodes changes, where trials of many arms have no more nodes to double."""
    size = max(b.H.shape[1] for b in like.blocks)
    if size == 1 or tau == 0.0:
        return 0.0
    return abs(like.at(state, tau, max(1, _MOST.get(size, 1) // 2)).value - place.value)


def _polish(like: Likelihood, state: State, tau: float, nodes: int) -> tuple[float, Place]:
    """Newton's method in baselines, effects and spread together."""
    place = like.at(state, tau, nodes)
    place = like.climb(state, tau, nodes, 1e-6)
    for _ in range(60):
        information = place.reduced(like.n)[1]
        step, step_a, asks = _step(place, like.n)
        if asks < 1e-10:
            break
        if np.linalg.eigvalsh(information)[0] <= 0.0:
            score = float(place.reduced(like.n)[0][-1])
            tau *= 1.1 if score > 0.0 else 0.9
            place = like.climb(state, tau, nodes, 1e-6)
            continue
        factor = min(1.0, 0.5 * tau / max(abs(float(step[-1])), 1e-300))
        state.a = state.a + factor * step_a
        state.theta = state.theta + np.concatenate([[0.0], factor * step[:-1]])
        tau += factor * float(step[-1])
        place = like.at(state, tau, nodes)
    return tau, place
