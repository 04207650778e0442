"""The posterior of a component model from events and people, by binomial likelihoods."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import NotEstimableError
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.armwise import Groups
from equipoise.models.bayes.components import BayesComponents
from equipoise.models.bayes.importance import GEWEKE, Sample
from equipoise.models.bayes.network_counts import DIAS
from equipoise.models.bayes.normal import Conditional, rotated
from equipoise.models.bayes.posterior import (
    Choices,
    about_error,
    check_priors,
    check_scale,
    methods_of,
)
from equipoise.models.bayes.priors import Prior
from equipoise.models.bayes.sampled import (
    WEAK_HINT,
    Counted,
    Evidence,
    about_sample,
    about_silent,
    counts_of,
    freedom,
    groups_of,
    posterior_of,
)
from equipoise.models.bayes.words import (
    Sensitivity,
    compare_priors,
    error_text,
    report_of,
)
from equipoise.models.components.fit import ADDITIVE, ComponentFit
from equipoise.models.network.armcounts import ArmCounts
from equipoise.models.report import trials
from equipoise.num.linalg import in_row_space, row_space

#: Effects that move by less, with coefficients within ±1, do not move.
_STILL = 1e-7


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesComponentCounts(Counted, BayesComponents):
    """The posterior of a component model by binomial likelihoods; baselines of trials are flat.

    Read as :class:`~equipoise.models.bayes.components.BayesComponents` is. What only trials
    without events (or with nothing else) would tell is refused.

    Attributes
    ----------
    sample
        Weighted draws of the effects, and how well they know quantiles.
    node_error
        The largest change of the log-likelihood when nodes within trials are doubled.
    arms
        Groups of people that told about effects.
    told
        What the groups of each trial with events differ in, shape (differences, components).
    """

    sample: Sample
    node_error: float
    arms: int
    told: Floats

    def __post_init__(self) -> None:
        BayesComponents.__post_init__(self)
        told = np.array(self.told, dtype=np.float64)
        told.setflags(write=False)
        object.__setattr__(self, "told", told)

    def arm_groups(self) -> tuple[Groups, ArmCounts]:
        """The groups of people with their rows of the design, and with their names."""
        used = counts_of(self.data)[1]
        whole = groups_of(used, self.model.row)
        return dataclasses.replace(whole, X=whole.X @ self.basis), used

    def _wanted(self, a: str, b: str) -> Floats:
        wanted = BayesComponents._wanted(self, a, b)
        if not in_row_space(self.told, self.model.row(a) - self.model.row(b)):
            against = f" against {b}" if b else ""
            raise NotEstimableError(
                f"these trials cannot tell the effect of {a}{against}",
                where="the trials that would tell it had no events, or only events",
                hint="how many people had no event",
            )
        return wanted

    @typed
    def sensitivity(
        self, priors: Sequence[Prior | float], of: str, against: str = ""
    ) -> Sensitivity:
        """The effect of components against others under other priors of tau."""
        self._wanted(of, against)
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            component_counts_posterior(self.model, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        effects = [f.effect(of, against) for f in fits]
        return compare_priors(fits, effects, self._name(of, against))

    def _title(self) -> str:
        return f"{BayesComponents._title(self)}, binomial likelihoods"

    def _lines(self) -> Iterator[str]:
        yield from BayesComponents._lines(self)
        yield self.known_how_well()

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        text = (
            f"A component model of {trials(self.k)} ({measure_of(self.measure).name}) was fitted "
            "with binomial likelihoods of all groups, flat priors of the trials' baselines on the "
            f"logit scale, one tau for all comparisons with the prior '{self.prior.text}', and the "
            f"prior '{self.effect_prior.text}' of every component. Tau and baselines were "
            "integrated out by nodes (error below "
            f"{error_text(max(self.grid.error, self.node_error))}). {self.known_how_well()}."
        )
        return report_of(self, text, self._results(), self.left_out)


def component_counts_posterior(model: ComponentFit, how: Choices) -> BayesComponentCounts:
    """Synthesise a component model by binomial likelihoods.

    Parameters
    ----------
    model
        A fitted component model of odds ratios whose contrasts keep their counts. The network may
        fall apart where components join it.
    how
        Priors and intervals. A prior of effects is that of every component.

    Raises
    ------
    InputError
        On another measure than odds ratios, or contrasts without counts.
    NotEstimableError
        When no trial with events has groups that differ in a component; under a flat prior on
        effects without an end, by name; on an improper prior of tau with too few trials.

    Notes
    -----
    The model is that of a network with binomial likelihoods, in which what a treatment does is the
    sum of what its components do. Effects without an end are found by linear programmes over the
    directions in which no trial's likelihood falls.

    Checked against the network (every component its own) and brute-force quadrature:
    ``tests/models/bayes/test_component_counts.py``.
    """
    data, p = model.data, len(model.components)
    counts, used = counts_of(data)
    whole = groups_of(used, model.row)
    told = _differences(used, whole.X)
    if not (len(used) and told.any()):
        raise NotEstimableError(
            "no trial with events (and people without) has groups that differ in a component",
            hint="how many people had no event",
        )
    basis = _basis(told, p, how)
    groups = dataclasses.replace(whole, X=whole.X @ basis)
    if how.effect.flat:
        _check_ends(model, used, groups, basis, told)
    design = model.design @ basis
    evidence = Evidence(
        groups,
        Conditional(rotated(data, data.yi, design), how.effect),
        data.yi,
        data.vi,
        len(counts.trials),
        freedom(used, basis.shape[1] if how.effect.flat else 0),
    )
    found = posterior_of(evidence, how)
    notes = [n for n in model.notes if n.code in ("left-out", "repeated-study", "identical-rows")]
    notes += [*check_scale(how.tau, model.measure), *about_silent(counts, used)]
    notes += [*about_error(found.grid, how.tau), *about_sample(found, how)]
    return BayesComponentCounts(
        measure=model.measure,
        level=how.level,
        kind=how.kind,
        k=len(counts.trials),
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=found.grid,
        theta=found.theta,
        cov=found.cov,
        data=data,
        design=design,
        left_out=model.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, model.measure, ADDITIVE, DIAS, GEWEKE),
        model=model,
        basis=basis,
        sample=found.sample,
        node_error=found.node_error,
        arms=len(used),
        told=told,
    )


def _differences(c: ArmCounts, X: Floats) -> Floats:
    """What the groups of each trial differ in from its first."""
    parts = [X[rows[1:]] - X[rows[0]] for rows in c.rows()]
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def _basis(told: Floats, p: int, how: Choices) -> Floats:
    """What coefficients stand for: components, where the trials tell them all."""
    if not how.effect.flat:
        return np.eye(p)
    space = row_space(told)
    return np.eye(p) if space.shape[1] == p else space


def _check_ends(
    model: ComponentFit, c: ArmCounts, groups: Groups, basis: Floats, told: Floats
) -> None:
    """Refuse effects that may grow without end while no trial's likelihood falls."""
    cone = _Cone(c, groups)
    if not cone.open:
        return
    names = [
        name
        for name in model.components
        if in_row_space(told, model.row(name)) and cone.moves(model.row(name) @ basis)
    ]
    pairs = zip(model.treat1, model.treat2, strict=True)
    if not names:
        rows = {f"{a} against {b}": (model.row(a) - model.row(b)) @ basis for a, b in pairs}
        names = [name for name, row in rows.items() if row.any() and cone.moves(row)]
    raise NotEstimableError(
        f"under a flat prior the effects of {len(names)} of these have no end: {', '.join(names)}"
        if len(names) > 1
        else f"under a flat prior the effect of {names[0]} has no end",
        where="in the trials that tell it, all events that differ are on one side",
        hint=WEAK_HINT,
    )


class _Cone:
    """Directions of effects in which no trial's likelihood falls.

    With effects `t` times a direction, and baselines that follow it, the likelihood of a group
    with events and people without stays only where its logit does; that of a group without events
    where its logit does not rise, and that of a group with nothing else where it does not fall.
    """

    def __init__(self, c: ArmCounts, groups: Groups) -> None:
        base = (c.trial[:, None] == np.arange(len(c.trials))).astype(np.float64)
        logit = np.hstack([groups.X, base])
        empty, full = c.events == 0.0, c.rest == 0.0
        self.p, self.size = groups.X.shape[1], logit.shape[1]
        self.fixed = logit[~(empty | full)]
        self.bounded = np.vstack([logit[empty], -logit[full]])
        self.open = bool(self.bounded.size) and self._least(self.bounded.sum(axis=0)) < -_STILL

    def moves(self, a: Floats) -> bool:
        """Whether a combination of coefficients changes along one of them."""
        wanted = np.concatenate([a, np.zeros(self.size - self.p)])
        return min(self._least(wanted), self._least(-wanted)) < -_STILL

    def _least(self, wanted: Floats) -> float:
        from scipy.optimize import linprog

        bounds = [(-1.0, 1.0)] * self.p + [(None, None)] * (self.size - self.p)
        found = linprog(
            wanted,
            A_ub=self.bounded if self.bounded.size else None,
            b_ub=np.zeros(len(self.bounded)) if self.bounded.size else None,
            A_eq=self.fixed if self.fixed.size else None,
            b_eq=np.zeros(len(self.fixed)) if self.fixed.size else None,
            bounds=bounds,
        )
        return float(found.fun)
