"""The posterior of one comparison over trials."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.errors import InputError
from equipoise.core.result import Interval, Note, Result
from equipoise.core.table import counted, percent, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.grid import Grid
from equipoise.models.bayes.marginal import Marginal
from equipoise.models.bayes.normal import Conditional, rotated_alone
from equipoise.models.bayes.posterior import (
    Choices,
    Posterior,
    about_error,
    check_priors,
    check_scale,
    integrate_normal,
    methods_of,
)
from equipoise.models.bayes.priors import Prior
from equipoise.models.bayes.words import (
    Sensitivity,
    chance,
    compare_priors,
    effect_text,
    error_text,
    references,
    tau_lines,
)
from equipoise.models.heterogeneity import HIGGINS_THOMPSON, Spread, heterogeneity
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.report import trials
from equipoise.num.dist import normal_density

_KEPT = ("left-out", "repeated-study", "identical-rows")


@dataclass(frozen=True, slots=True, eq=False)
class Inconsistency(Result):
    """The posterior of I², in percent: a growing function of tau.

    Attributes
    ----------
    median, mean, ci
        Median, mean and central credible interval.
    """

    median: float
    mean: float
    ci: Interval


def inconsistency(grid: Grid, typical: float, level: float) -> Inconsistency:
    """I² from tau² and the typical variance of Higgins and Thompson."""

    def share(tau: float) -> float:
        return 100.0 * tau * tau / (tau * tau + typical)

    low, mid, high = (share(grid.quantile(p)) for p in (0.5 - 0.5 * level, 0.5, 0.5 + 0.5 * level))
    t2 = grid.tau**2
    mean = 100.0 * float(grid.weights @ (t2 / (t2 + typical)))
    return Inconsistency(mid, mean, Interval(low, high, level, "central credible interval"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesPairwise(Posterior):
    """The posterior of the mean effect of one comparison, and of how much trials differ.

    Attributes
    ----------
    typical
        The typical variance of the trials, for I²; not a number for one trial.
    """

    typical: float

    @property
    def mu(self) -> Marginal:
        """The posterior of the mean effect."""
        return self.mixture("the mean effect", np.ones(1))

    @property
    def predictive(self) -> Marginal:
        """The distribution of the true effect in a new trial."""
        return self.mixture("the effect in a new trial", np.ones(1), new_trial=True)

    @property
    def i2(self) -> Inconsistency | None:
        """The posterior of I²; None for one trial."""
        if math.isnan(self.typical):
            return None
        return inconsistency(self.grid, self.typical, self.level)

    def _structure(self) -> tuple[Floats, list[list[int]]]:
        return np.eye(self.k), [[i] for i in range(self.k)]

    def probability(self, *, above: float | None = None, below: float | None = None) -> float:
        """Probability that the mean effect lies beyond thresholds, on the scale of analysis."""
        return self.mu.probability(above=above, below=below)

    @property
    def bayes_factor_null(self) -> float:
        """How much better no effect predicts the data than the prior of the effect.

        By the ratio of posterior to prior density at no difference (Dickey 1971,
        doi:10.1214/aoms/1177693507). Not a number for a flat prior.
        """
        if self.effect_prior.flat:
            return math.nan
        null, prior = measure_of(self.measure).no_effect, self.effect_prior
        before = normal_density((null - prior.mean) / prior.sd) / prior.sd
        return self.mu.density(null) / before

    def sensitivity(self, priors: Sequence[Prior | float]) -> Sensitivity:
        """The mean effect under other priors of tau, the one that was used first."""
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            pairwise_posterior(self.data, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        return compare_priors(fits, [f.mu for f in fits], "the mean effect")

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        level = percent(100 * self.level)
        yield f"Bayesian random-effects synthesis of {trials(self.k)}, {m.name}"
        yield ""
        yield f"{m.name} {effect_text(self.measure, self.mu)}, posterior median and {level} CrI"
        if m.compares:
            yield (
                f"Probability of being above {significant(m.back(m.no_effect), 3)}: "
                f"{chance(self.probability(above=m.no_effect))}"
            )
        new = self.predictive
        if not (self.grid.known and self.grid.tau[0] == 0.0):
            yield f"In a new trial {effect_text(self.measure, new)}"
        if self.i2 is not None:
            i2 = self.i2
            yield (
                f"I² {percent(i2.median)} ({percent(i2.ci.low)} to {percent(i2.ci.high)}), "
                "central interval"
            )
        yield from tau_lines(self)
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def report(self) -> str:
        """Sentences for the methods and results of a paper, with numbered references."""
        m = measure_of(self.measure)
        level = percent(100 * self.level)
        text = (
            f"The {m.name} was synthesised over {trials(self.k)} in a Bayesian random-effects "
            f"model with normal likelihoods, the prior '{self.prior.text}' of tau and the prior "
            f"'{self.effect_prior.text}' of the mean effect. Tau was integrated out on a grid of "
            f"{counted(self.points, 'point')} (error below {error_text(self.error)}); "
            "nothing was sampled. "
            f"The posterior median of the mean effect was {effect_text(self.measure, self.mu)} "
            f"({level} {self.kind} credible interval)"
        )
        if m.compares:
            null = significant(m.back(m.no_effect), 3)
            beyond = chance(self.probability(above=m.no_effect))
            text += f"; the probability of a value above {null} was {beyond}"
        tau = self.tau
        text += (
            f". Tau was {significant(tau.median, 3)} ({significant(tau.ci.low, 3)} to "
            f"{significant(tau.ci.high, 3)}), and the {m.name} in a new trial may be expected "
            f"within {effect_text(self.measure, self.predictive).split('(')[1][:-1]}."
        )
        return f"{text}\n\n{references(self.methods)}"

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame: one row for the mean effect, a new trial, tau and every trial."""
        rows: list[tuple[str, float, float, float, float, float]] = []
        for post in (self.mu, self.predictive, *self.trials()):
            ci = post.ci
            rows.append((post.name, post.median, post.mean, post.sd, ci.low, ci.high))
        tau = self.tau
        rows.append(("tau", tau.median, tau.mean, tau.sd, tau.ci.low, tau.ci.high))
        names = ("quantity", "median", "mean", "sd", "low", "high")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<BayesPairwise {self.measure} {effect_text(self.measure, self.mu)}; tau "
            f"{significant(self.tau.median, 3)}; k = {self.k}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


def pairwise_posterior(es: Contrasts | PairwiseFit, how: Choices) -> BayesPairwise:
    """Synthesise one comparison.

    Raises
    ------
    InputError, NotEstimableError
        As :func:`equipoise.models.pairwise.pairwise`; and when the posterior would be improper.
    """
    fit = es if isinstance(es, PairwiseFit) else pairwise(es, model="common", interval="Wald")
    if fit.asked["weighting"] != "inverse variance":
        raise InputError("weights of one's own in a Bayesian synthesis", hint="the contrasts")
    notes = [n for n in fit.notes if n.code in _KEPT]
    notes += check_scale(how.tau, fit.measure)
    data = Contrasts(
        measure=fit.measure,
        study=fit.study,
        yi=fit.yi,
        vi=fit.vi,
        treat1=fit.treat1,
        treat2=fit.treat2,
        n1=fit.n1,
        n2=fit.n2,
        raw=fit.raw,
    )
    X: Floats = np.ones((fit.k, 1))
    conditional = Conditional(rotated_alone(fit.yi, X, fit.vi), how.effect)
    grid, (theta, cov) = integrate_normal(conditional, how, fit.yi, fit.vi, fit.k)
    if fit.k == 1 and not how.tau.fixed and how.effect.flat:
        text = (
            "One trial says nothing about how much trials differ: the posterior of tau is its prior"
        )
        notes.append(Note("one-trial", f"{text}."))
    notes += about_error(grid, how.tau)
    het = heterogeneity(Spread(fit.yi, fit.vi))
    return BayesPairwise(
        measure=fit.measure,
        level=how.level,
        kind=how.kind,
        k=fit.k,
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=grid,
        theta=theta,
        cov=cov,
        data=data,
        design=X,
        left_out=fit.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, fit.measure, *(() if fit.k == 1 else (HIGGINS_THOMPSON,))),
        typical=het.typical,
    )
