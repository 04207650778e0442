"""A network without each of its trials in turn: what it rests on, and what would fall apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import all_natural
from equipoise.core.progress import Progress
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.correlated import TAU2
from equipoise.models.intervals import shown
from equipoise.models.network.core import Estimates, Group, Net, frozen, solve
from equipoise.models.network.direct import connected_parts
from equipoise.models.network.flow import rows_of
from equipoise.models.network.spread import searched
from equipoise.num.dist import critical

OMISSION = Method(
    "each trial left out of a network in turn",
    "Viechtbauer, Cheung 2010, Res Synth Methods 1:112",
    "10.1002/jrsm.11",
)

#: More numbers than this are not made at once.
MOST = 20_000_000

#: A trial with less of its weight open than this joins what nothing else joins.
_ALONE = 1e-9


@dataclass(frozen=True, slots=True)
class FallsApart(Result):
    """A trial without which a network falls apart.

    Attributes
    ----------
    trial
        Its name.
    parts
        The networks that are left, as names of treatments.
    """

    trial: str
    parts: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.trial}: {'; '.join(', '.join(part) for part in self.parts)}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LeaveOneTrialOut(Result):
    """Every effect of a network without each trial in turn.

    Attributes
    ----------
    measure, level
        Code of the measure; level of the intervals.
    treat1, treat2
        The pairs: `treat1` minus `treat2`.
    full, full_se
        With all trials; one value a pair.
    trial
        The trials that are left out in turn.
    tau2
        The variance between trials without each.
    estimate, se
        Shape (trials, pairs); NaN where nothing joins the two without the trial.
    low, high
        The range of the estimates, one value a pair.
    trial_of_low, trial_of_high
        The trials without which they are reached.
    flips
        Shape (trials, pairs): whether the interval stands otherwise to no difference than the one
        of all trials does.
    falls_apart
        Trials without which the network falls apart, with the parts.
    notes, methods
        What to know; the papers.
    """

    measure: str
    level: float
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    full: Floats
    full_se: Floats
    trial: tuple[str, ...]
    tau2: Floats
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    trial_of_low: tuple[str, ...]
    trial_of_high: tuple[str, ...]
    flips: NDArray[np.bool_]
    falls_apart: tuple[FallsApart, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.trial)

    def impact(self) -> Floats:
        """What each trial adds to the precision of each estimate, shape (trials, pairs).

        One less the ratio of the variances with and without it: from 0, nothing, to 1, all.
        """
        ratio = (self.full_se / self.se) ** 2
        return np.where(np.isnan(self.se), 1.0, 1.0 - ratio)

    def range_of(self, one: str, two: str) -> tuple[float, float]:
        """The range of the effect of `one` minus `two`.

        Raises
        ------
        UnknownNameError
            When that pair is not here.
        """
        for i, pair in enumerate(zip(self.treat1, self.treat2, strict=True)):
            if pair == (one, two):
                return float(self.low[i]), float(self.high[i])
            if pair == (two, one):
                return -float(self.high[i]), -float(self.low[i])
        known = [f"{a} : {b}" for a, b in zip(self.treat1, self.treat2, strict=True)]
        raise UnknownNameError("comparison", f"{one} : {two}", known)

    def table(self) -> Table:
        """The range of every effect as a reader sees it."""
        m = measure_of(self.measure)
        columns = (
            Column("pair", "comparison"),
            Column("full", m.name, align="right"),
            Column("low", "least", align="right"),
            Column("trial_of_low", "without"),
            Column("high", "most", align="right"),
            Column("trial_of_high", "without"),
            Column("flips", "other conclusions", "count", "right"),
        )
        rows = []
        for i, (one, two) in enumerate(zip(self.treat1, self.treat2, strict=True)):
            values = [self._shown(float(x[i])) for x in (self.full, self.low, self.high)]
            rows.append(
                (
                    f"{one} : {two}",
                    values[0],
                    values[1],
                    self.trial_of_low[i],
                    values[2],
                    self.trial_of_high[i],
                    int(self.flips[:, i].sum()),
                )
            )
        return Table("Each trial left out in turn", columns, tuple(rows), missing="none")

    def _shown(self, value: float) -> str | None:
        if math.isnan(value):
            return None
        m = measure_of(self.measure)
        return shown(m, m.back(value), m.back_interval(Interval(value, value, self.level)))[0]

    def summary(self) -> str:
        """The ranges, the trials that hold the network together, then what to know."""
        lines = [self.table().to_text()]
        lines += [f"Falls apart without {found}" for found in self.falls_apart]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial and pair, on the scale of analysis."""
        k, p = self.estimate.shape
        columns: dict[str, Any] = {
            "trial": [name for name in self.trial for _ in range(p)],
            "treat1": list(self.treat1) * k,
            "treat2": list(self.treat2) * k,
            "tau2": np.repeat(self.tau2, p),
            "estimate": self.estimate.ravel(),
            "se": self.se.ravel(),
            "flips": self.flips.ravel(),
        }
        return make_frame(columns, backend)

    def __repr__(self) -> str:
        flips = int(self.flips.any(axis=0).sum())
        return (
            f"<LeaveOneTrialOut {self.measure}: {counted(len(self), 'trial')}; another conclusion "
            f"for {flips} of {counted(len(self.full), 'effect')}; held together by "
            f"{counted(len(self.falls_apart), 'trial')}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def leave_one_trial_out(
    net: Net,
    at: Estimates,
    measure: str,
    level: float,
    *,
    code: str | None = None,
    of: tuple[str, str] | None = None,
) -> LeaveOneTrialOut:
    """Leave each trial out of a network in turn.

    Parameters
    ----------
    net, at
        The network and its estimates.
    measure, level
        Code of the measure; level of the intervals, which are normal.
    code
        ``REML``, ``ML`` or ``DL`` to estimate tau² anew without each trial; None keeps it.
    of
        A pair, in place of all.

    Raises
    ------
    NotEstimableError
        When there is only one trial.
    InputError
        When there are more than 20 million numbers to give.

    Notes
    -----
    With tau² kept, the estimates without a trial are a closed form: with B its contrasts, V their
    covariance and r their residuals, effects move by ``-G B' (V - B G B')⁻¹ r`` and their
    covariance grows by ``G B' (V - B G B')⁻¹ B G``. Where that matrix is singular, the trial joins
    what nothing else joins.
    """
    k = len(net.trials)
    if k < 2:
        raise NotEstimableError("leaving out the only trial leaves none", hint="two trials or more")
    if code is not None and code not in TAU2:
        raise UnknownNameError("estimator of tau² to repeat", code or "none", TAU2)
    first, second = (np.array(x, dtype=np.intp) for x in rows_of(net, of))
    if k * len(first) > MOST:
        raise InputError(
            f"{counted(k, 'trial')} left out of {counted(len(first), 'effect')}",
            hint="of=('A', 'B') for one effect",
        )
    estimate, se = np.empty((k, len(first))), np.empty((k, len(first)))
    tau2 = np.full(k, at.tau2)
    apart = []
    with Progress("trials", k) as progress:
        for trial in range(k):
            kept = _kept(net, trial)
            label = connected_parts(kept, net.n)
            theta, G, tau2[trial] = _without(net, at, trial, kept, label, code)
            d = np.diag(G)
            estimate[trial] = theta[first] - theta[second]
            variance = d[first] + d[second] - 2.0 * G[first, second]
            se[trial] = np.sqrt(np.maximum(variance, 0.0))
            if label.max() > 0 or label.min() < 0:
                open_ = (label[first] != label[second]) | (label[first] < 0)
                estimate[trial, open_] = se[trial, open_] = np.nan
                apart.append(FallsApart(net.trials[trial], _parts(net, label)))
            progress.update(trial + 1)
    full, full_se = at.difference()[first, second], np.sqrt(at.variance()[first, second])
    z = critical(level)
    side = _side(full, z * full_se)
    flips = (_side(estimate, z * se) != side) & np.isfinite(se)
    flips.setflags(write=False)
    low, high = _ends(estimate, np.nanmin), _ends(estimate, np.nanmax)
    names = net.treatments
    return LeaveOneTrialOut(
        measure=measure,
        level=level,
        treat1=tuple(names[i] for i in first),
        treat2=tuple(names[j] for j in second),
        full=read_only(full),
        full_se=read_only(full_se),
        trial=net.trials,
        tau2=read_only(tau2),
        estimate=frozen(estimate),
        se=frozen(se),
        low=read_only(low),
        high=read_only(high),
        trial_of_low=_who(net, estimate, low),
        trial_of_high=_who(net, estimate, high),
        flips=flips,
        falls_apart=tuple(apart),
        notes=tuple(_about(apart, flips)),
        methods=(OMISSION, *((TAU2[code],) if code else ())),
    )


def _about(apart: list[FallsApart], flips: NDArray[np.bool_]) -> list[Note]:
    notes = []
    if apart:
        text = (
            "Without any one of these trials nothing joins some treatments with the others: "
            f"{', '.join(found.trial for found in apart)}."
        )
        notes.append(Note("holds-together", text))
    if flips.any():
        effects, trials = int(flips.any(axis=0).sum()), int(flips.any(axis=1).sum())
        text = (
            f"{effects} of {counted(flips.shape[1], 'effect')} "
            f"{'stands' if effects == 1 else 'stand'} otherwise to no difference without some "
            f"single trial ({counted(trials, 'trial')}): such conclusions rest on "
            f"{'it' if trials == 1 else 'them'}."
        )
        notes.append(Note("rests-on", text))
    return notes


def _side(value: Floats, half: Floats) -> Floats:
    """Where intervals lie: below no difference, above it, or over it (0)."""
    return (value - half > 0.0).astype(float) - (value + half < 0.0)


def _ends(estimate: Floats, end: Any) -> Floats:
    known = np.isfinite(estimate).any(axis=0)
    out = np.full(estimate.shape[1], np.nan)
    out[known] = end(estimate[:, known], axis=0)
    return out


def _who(net: Net, estimate: Floats, end: Floats) -> tuple[str, ...]:
    rows = np.argmax(estimate == end, axis=0).tolist()
    known = np.isfinite(end).tolist()
    return tuple(net.trials[row] if k else "" for row, k in zip(rows, known, strict=True))


def _kept(net: Net, trial: int) -> list[Group]:
    """All blocks but those of one trial."""
    out = []
    for g in net.groups:
        rest = g.trial != trial
        if rest.all():
            out.append(g)
        elif rest.any():
            out.append(Group(g.arms[rest], g.y[rest], g.V[rest], g.R, g.trial[rest]))
    return out


def _parts(net: Net, label: NDArray[np.intp]) -> tuple[tuple[str, ...], ...]:
    """The treatments that are still joined, the largest part first; lone ones by themselves."""
    found: dict[int, list[str]] = {}
    for place, part in enumerate(label.tolist()):
        found.setdefault(part if part >= 0 else -1 - place, []).append(net.treatments[place])
    parts = [tuple(names) for names in found.values()]
    return tuple(sorted(parts, key=lambda part: (-len(part), all_natural(part))))


def _without(
    net: Net,
    at: Estimates,
    trial: int,
    kept: list[Group],
    label: NDArray[np.intp],
    code: str | None,
) -> tuple[Floats, Floats, float]:
    """Effects, their covariances and tau² without one trial."""
    if code is None:
        return *_removed(net, at, trial), at.tau2
    tied = Net(net.treatments, net.trials, (*kept, *_ties(kept, label)))
    tau2 = searched(tied, code)[0] if tied.df > 0 else 0.0
    again = solve(tied, tau2)
    return again.theta, again.G, tau2


def _ties(kept: list[Group], label: NDArray[np.intp]) -> list[Group]:
    """Made-up trials that join the parts: they fit perfectly, so that they say nothing."""
    heads = [int(np.argmax(label == part)) for part in range(int(label.max()) + 1)]
    heads += np.flatnonzero(label < 0).tolist()
    if len(heads) < 2:
        return []
    largest = max((float(g.V.max()) for g in kept), default=1.0)
    m = len(heads) - 1
    return [
        Group(
            arms=np.array([[heads[0], head] for head in heads[1:]], dtype=np.intp),
            y=np.zeros((m, 1)),
            # So imprecise that they do not count in the likelihood without restriction, either.
            V=np.full((m, 1, 1), 1e7 * largest),
            R=np.ones((1, 1)),
            trial=np.full(m, -1, dtype=np.intp),
        )
    ]


def _removed(net: Net, at: Estimates, trial: int) -> tuple[Floats, Floats]:
    """Effects and covariances without one trial, with tau² kept, as an update of those with it."""
    rows, r = [], []
    for g in net.groups:
        for b in np.flatnonzero(g.trial == trial).tolist():
            B = np.zeros((g.size - 1, net.n))
            B[:, g.arms[b, 0]] = -1.0
            B[np.arange(len(B)), g.arms[b, 1:]] += 1.0
            half = np.linalg.cholesky(g.weights(at.tau2)[b])
            rows.append(half.T @ B)
            r.append(half.T @ (g.y[b] - B @ at.theta))
    B = np.concatenate(rows)
    lever = at.G @ B.T
    # In units of the trial's own errors: 1 less what it tells of itself.
    inner = np.eye(len(B)) - B @ lever
    values, vectors = np.linalg.eigh(0.5 * (inner + inner.T))
    open_ = values > _ALONE
    moved = lever @ vectors[:, open_]
    theta = at.theta - moved @ ((vectors[:, open_].T @ np.concatenate(r)) / values[open_])
    return theta, at.G + (moved / values[open_]) @ moved.T
