"""The posterior of a network from events and people, by the binomial likelihood of every arm."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method
from equipoise.core.table import counted, significant
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.armwise import Groups
from equipoise.models.bayes.importance import GEWEKE, Sample
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
    tau_lines,
)
from equipoise.models.network.armcounts import (
    ArmCounts,
    infinite_parts,
)
from equipoise.models.network.connect import check_connected
from equipoise.models.network.fit import NetworkFit

DIAS = Method(
    "network meta-analysis with binomial likelihoods",
    "Dias, Sutton, Ades, Welton 2013, Med Decis Making 33:607",
    "10.1177/0272989X12458724",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesNetworkCounts(Counted, BayesNetwork):
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

    @typed
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

    @typed
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

    def arm_groups(self) -> tuple[Groups, ArmCounts]:
        """The groups of people with their rows of the design, and with their names."""
        used = counts_of(self.data)[1]
        return _groups(used, self.treatments, self.reference), used

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Bayesian network of {counted(len(self.treatments), 'treatment')}: "
            f"{counted(self.k, 'trial')}, {m.name}, "
            "binomial likelihoods"
        )
        yield ""
        yield self.against().to_text()
        yield from tau_lines(self)
        yield self.known_how_well()
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        text = (
            f"{counted(self.k, 'trial')} of {counted(len(self.treatments), 'treatment')} "
            "were synthesised in a Bayesian "
            f"network meta-analysis of log odds ratios with binomial likelihoods of all groups, "
            f"flat priors of the trials' baselines on the logit scale, one tau for all "
            f"comparisons with the prior '{self.prior.text}', and the prior "
            f"'{self.effect_prior.text}' of every effect against {self.reference}. Tau and "
            f"baselines were integrated out by nodes (error below "
            f"{error_text(max(self.grid.error, self.node_error))}). {self.known_how_well()}."
        )
        return report_of(self, text, self._results(), self.left_out)

    def __repr__(self) -> str:
        return (
            f"<BayesNetworkCounts {self.measure}: "
            f"{counted(len(self.treatments), 'treatment')}, {self.k} "
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
    counts, used = counts_of(net.data)
    _check(counts, used, how, net.reference)
    groups = _groups(used, net.treatments, net.reference)
    X = _design(net)
    evidence = Evidence(
        groups,
        Conditional(rotated(net.data, net.data.yi, X), how.effect),
        net.data.yi,
        net.data.vi,
        len(counts.trials),
        freedom(used, X.shape[1] if how.effect.flat else 0),
    )
    found = posterior_of(evidence, how)
    notes = [n for n in net.notes if n.code in ("left-out", "repeated-study", "identical-rows")]
    notes += check_scale(how.tau, net.measure)
    notes += about_silent(counts, used)
    notes += [*about_error(found.grid, how.tau), *about_sample(found, how)]
    return BayesNetworkCounts(
        measure=net.measure,
        level=how.level,
        kind=how.kind,
        k=len(counts.trials),
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=found.grid,
        theta=found.theta,
        cov=found.cov,
        data=net.data,
        design=X,
        left_out=net.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, net.measure, LU_ADES, DIAS, GEWEKE),
        treatments=net.treatments,
        reference=net.reference,
        sample=found.sample,
        node_error=found.node_error,
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
                hint=WEAK_HINT,
            )
    parts = infinite_parts(used)
    if len(parts) > 1:
        listed = "; ".join(f"({i}) {', '.join(part)}" for i, part in enumerate(parts, start=1))
        raise NotEstimableError(
            f"under a flat prior, odds ratios between {counted(len(parts), 'group')} of "
            "treatments have no "
            f"end: {listed}",
            where="in the trials that join them, all events that differ are on one side",
            hint=WEAK_HINT,
        )


def _groups(used: ArmCounts, treatments: tuple[str, ...], reference: str) -> Groups:
    others = [t for t in treatments if t != reference]
    return groups_of(used, lambda name: np.array([float(name == t) for t in others]))


def _design(net: NetworkFit | BayesNetworkCounts) -> Floats:
    others = [t for t in net.treatments if t != net.reference]
    pairs = zip(net.data.treat1, net.data.treat2, strict=True)
    return np.array([[float(a == t) - float(b == t) for t in others] for a, b in pairs])
