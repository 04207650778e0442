"""How well binomial likelihoods under priors fit: residual deviance, effective parameters, DIC.

Given tau, effects and its trial's baseline, the mean of a group's log-likelihood over its deviation
is the derivative of the logarithm of its smoothed likelihood by the likelihood's power. A power of
a binomial likelihood is one of as many times the events and people, so that the same integrals
give it. Means of events and of deviations are derivatives by the place.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from equipoise.core.errors import UnknownNameError
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, fixed, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.models.bayes.armwise import Groups, Likelihood, Nodes, Trials, based
from equipoise.models.bayes.grid import Grid
from equipoise.models.bayes.importance import Sample
from equipoise.models.bayes.weighed import SETS

SPIEGELHALTER = Method(
    "deviance information criterion",
    "Spiegelhalter, Best, Carlin, van der Linde 2002, J R Stat Soc B 64:583",
    "10.1111/1467-9868.00353",
)
DIAS_FIT = Method(
    "residual deviance and leverage of networks",
    "Dias, Sutton, Ades, Welton 2013, Med Decis Making 33:607",
    "10.1177/0272989X12458724",
)

#: What deviance is taken at: the posterior means of the risks, or those of their logits.
PLACES = ("risk", "logit")

#: Powers of likelihoods beside 1, and what their logarithms count in the derivative.
_STEP = 0.05
_POWERS = ((2.0, -1.0 / 12.0), (1.0, 8.0 / 12.0), (-1.0, -8.0 / 12.0), (-2.0, 1.0 / 12.0))
#: Draws of each set and values of tau that are used; values of tau with less posterior probability
#: than this are left out.
_DRAWS, _TAUS, _LEAST = 64, 24, 1e-5


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Deviance(Result):
    """The fit of a posterior by binomial likelihoods, group by group.

    Attributes
    ----------
    at
        What leverage is measured from: the posterior means of the ``risk`` of each group (Dias et
        al. 2013), or those of its ``logit`` (as WinBUGS does).
    study, treat, events, n
        The groups: trial, treatment, events and people.
    expected
        Posterior mean of the events that are expected of each.
    deviance
        Posterior mean of the residual deviance of each; about 1 where the model fits.
    leverage
        That less the deviance at the posterior mean.
    error
        Standard error of the DIC over independent sets of draws.
    notes, methods
        What to know; the papers.
    """

    at: str
    study: tuple[str, ...]
    treat: tuple[str, ...]
    events: Floats
    n: Floats
    expected: Floats
    deviance: Floats
    leverage: Floats
    error: float
    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = (SPIEGELHALTER, DIAS_FIT)

    @property
    def residual(self) -> float:
        """The residual deviance: about the number of groups where the model fits."""
        return float(self.deviance.sum())

    @property
    def pd(self) -> float:
        """The effective number of parameters."""
        return float(self.leverage.sum())

    @property
    def dic(self) -> float:
        """The deviance information criterion."""
        return self.residual + self.pd

    def table(self) -> Table:
        """One row a group, those that fit worst first."""
        columns = (
            Column("study", "study"),
            Column("treat", "treatment"),
            Column("events", "events/people", align="right"),
            Column("expected", "expected", align="right"),
            Column("deviance", "residual deviance", align="right"),
            Column("leverage", "leverage", align="right"),
        )
        rows = tuple(
            (
                self.study[i],
                self.treat[i],
                f"{self.events[i]:.0f}/{self.n[i]:.0f}",
                fixed(float(self.expected[i]), 1),
                fixed(float(self.deviance[i]), 2),
                fixed(float(self.leverage[i]), 2),
            )
            for i in np.argsort(-self.deviance, kind="stable").tolist()
        )
        return Table("Fit of every group", columns, rows)

    def summary(self) -> str:
        """The fit as a whole, then of every group; digits are cut for reading."""
        return "\n".join([self._said(), "", self.table().to_text(), *map(str, self.notes)])

    def _said(self) -> str:
        return (
            f"Residual deviance {fixed(self.residual, 1)} of "
            f"{counted(len(self.study), 'group')}, effective parameters {fixed(self.pd, 1)} "
            f"(at the mean {self.at}s), DIC {fixed(self.dic, 1)} (standard error "
            f"{significant(self.error, 1)})"
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a group, uncut."""
        names = ("study", "treat", "events", "n", "expected", "deviance", "leverage")
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        return f"<Deviance: {self._said()}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def deviance_of(
    groups: Groups,
    study: tuple[str, ...],
    treat: tuple[str, ...],
    grid: Grid,
    sample: Sample,
    at: str = "risk",
) -> Deviance:
    """Residual deviance, leverage and DIC of a posterior by weighted draws.

    Parameters
    ----------
    groups
        Groups of people and their rows of the design.
    study, treat
        Their names.
    grid, sample
        The posterior of tau, and the draws of effects given tau.
    at
        ``risk`` or ``logit``: whose posterior means leverage is measured from.

    Raises
    ------
    UnknownNameError
        On another `at`.

    Notes
    -----
    Source: Spiegelhalter et al. 2002, doi:10.1111/1467-9868.00353; Dias et al. 2013,
    doi:10.1177/0272989X12458724. Checked against the published fit of the smoking cessation
    network and against sums over grids: ``tests/models/bayes/test_deviance.py``.
    """
    if at not in PLACES:
        raise UnknownNameError("place of the deviance", at, PLACES)
    size = sample.t.shape[0] // SETS
    keep = np.concatenate([np.arange(min(size, _DRAWS)) + r * size for r in range(SETS)])
    rows = sample.first + np.arange(sample.mode.shape[0])
    own = grid.weights[rows] / grid.weights[rows].sum()
    live = np.flatnonzero(own > _LEAST)
    live = live[:: max(1, len(live) // _TAUS)]
    means = np.zeros((SETS, 3, groups.events.size))
    total = np.zeros(SETS)
    fitted = _Fitted(groups)
    with Progress("values of tau", len(live)) as progress:
        for done, j in enumerate(live.tolist(), start=1):
            found = fitted.means(float(grid.tau[rows[j]]), sample.effects(j)[keep])
            w = own[j] * sample.weights[j][keep].reshape(SETS, -1) * size / (keep.size // SETS)
            means += np.einsum("rn,karn->rka", w, found.reshape(*found.shape[:2], SETS, -1))
            total += w.sum(axis=1)
            progress.update(done)
    all_sets = np.einsum("rka->ka", means) / total.sum()
    deviance, leverage = _fit(groups, all_sets, at)
    by_set = []
    for own_means, weight in zip(means, total, strict=True):
        by_set.append(sum(float(part.sum()) for part in _fit(groups, own_means / weight, at)))
    return Deviance(
        at,
        study,
        treat,
        read_only(groups.events),
        read_only(groups.n),
        read_only(groups.events - all_sets[1]),
        read_only(deviance),
        read_only(leverage),
        float(np.std(by_set, ddof=1)) / math.sqrt(SETS),
    )


def _fit(groups: Groups, means: Floats, at: str) -> tuple[Floats, Floats]:
    """Deviances and leverages of all groups from the means that :class:`_Fitted` gives."""
    y, n = groups.events, groups.n
    logs, over, logit = means
    expected = np.clip(y - over, 0.0, n) if at == "risk" else n * special.expit(logit)
    there = special.xlogy(y, y) - special.xlogy(y, expected)
    there += special.xlogy(n - y, n - y) - special.xlogy(n - y, n - expected)
    deviance = -2.0 * logs
    return deviance, deviance - 2.0 * there


class _Fitted:
    """Posterior means over baselines and deviations, given tau and effects."""

    def __init__(self, groups: Groups) -> None:
        pairs = tuple(np.array([i, i + 1]) for i in groups.pairs.tolist())
        whole = dataclasses.replace(
            groups, pairs=np.zeros(0, dtype=np.intp), more=(*pairs, *groups.more)
        )
        self.size = groups.events.size
        self.plain = Trials(whole, Nodes())
        self.powered = []
        for steps, part in _POWERS:
            power = 1.0 + steps * _STEP
            many = dataclasses.replace(whole, events=power * whole.events, n=power * whole.n)
            self.powered.append((part / _STEP, Trials(many, Nodes())))

    def means(self, tau: float, effects: Floats) -> Floats:
        """Of every group's log-likelihood below its maximum, of its events beyond those expected,
        and of its logit, at many effects: shape (3, groups, N)."""
        out = np.zeros((3, self.size, len(effects)))
        like = Likelihood(self.plain, tau)
        others = [(part, Likelihood(trials, tau)) for part, trials in self.powered]
        for place, (alike, tables) in enumerate(like.more):
            eta = alike.X @ effects.T
            _, base, shares = based(tables, eta, self.plain.nodes.trial)
            m, a, many = eta.shape
            there = (base[:, None] + eta[..., None]).reshape(m * a, -1)
            logs = np.zeros_like(there)
            for part, other in others:
                logs += part * other.more[place][1].at(there)[0]
            slope = tables.at(there, slopes=True)[1]
            of_nodes = np.stack([logs, slope, there]).reshape(3, m, a, many, -1)
            out[:, alike.arms] = np.einsum("kiajn,ijn->kiaj", of_nodes, shares)
            # A normal deviation's mean is its variance times the slope.
            out[2, alike.arms] += 0.5 * tau**2 * out[1, alike.arms]
        return out
