"""The posterior of a component model: what each part of a combination adds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError
from equipoise.core.table import percent, significant
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.marginal import Marginal
from equipoise.models.bayes.normal import Conditional, rotated
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
    compare_priors,
    effect_text,
    error_text,
    references,
    tau_lines,
)
from equipoise.models.components.fit import ADDITIVE, ComponentFit
from equipoise.models.components.reading import parts_of
from equipoise.num.linalg import row_space


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesComponents(Posterior):
    """The posterior of a component model.

    Attributes
    ----------
    model
        The fitted component model, which knows names and what the trials can separate.
    basis
        From components to the coefficients that carry the posterior, shape (components, p).
    """

    model: ComponentFit
    basis: Floats

    def effect(self, a: str, b: str = "") -> Marginal:
        """The posterior of the effect of the components `a` against the components `b`.

        Raises
        ------
        InputError, NotEstimableError
            As :meth:`equipoise.models.components.fit.ComponentFit.effect`: what the trials cannot
            separate is refused, under a proper prior of effects too, where it would be that prior
            shown as if it were a finding.
        """
        return self.mixture(self._name(a, b), self._wanted(a, b))

    def predictive(self, a: str, b: str = "") -> Marginal:
        """The distribution of that effect in a new trial."""
        name = f"{self._name(a, b)} in a new trial"
        return self.mixture(name, self._wanted(a, b), new_trial=True)

    def component(self, name: str) -> Marginal:
        """The posterior of what adding one component does."""
        if len(parts_of(name, self.model.inactive)) != 1:
            raise InputError(f"{name!r} is not one component", hint="combination() for several")
        return self.effect(name)

    def combination(self, names: str) -> Marginal:
        """The posterior of the effect of components joined by ``+`` against none of them."""
        return self.effect(names)

    def _wanted(self, a: str, b: str) -> Floats:
        self.model.effect(a, b)
        wanted: Floats = (self.model.row(a) - self.model.row(b)) @ self.basis
        return wanted

    def _name(self, a: str, b: str) -> str:
        return f"{a or 'nothing'} against {b}" if b else a

    def sensitivity(
        self, priors: Sequence[Prior | float], of: str, against: str = ""
    ) -> Sensitivity:
        """The effect of components against others under other priors of tau."""
        self._wanted(of, against)
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            components_posterior(self.model, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        effects = [f.effect(of, against) for f in fits]
        return compare_priors(fits, effects, self._name(of, against))

    def summary(self) -> str:
        """What was found, one line a component; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        level = percent(100 * self.level)
        yield f"Bayesian component model of {self.k} trials, {m.name}, medians with {level} CrI"
        yield ""
        width = max(len(c) for c in self.model.components)
        for row in self.model.identifiability():
            if row.separable:
                text = effect_text(self.measure, self.component(row.component))
                yield f"{row.component:<{width}}  {text}"
            else:
                yield f"{row.component:<{width}}  not estimable: {row.why}"
        yield ""
        yield from tau_lines(self)
        for out in self.left_out:
            yield f"Left out: {out.study} ({out.why})"

    def report(self) -> str:
        """Sentences for the methods of a paper, with numbered references."""
        m = measure_of(self.measure)
        text = (
            f"A component model of {self.k} trials ({m.name}) was fitted with normal likelihoods, "
            f"the prior '{self.prior.text}' of tau and the prior '{self.effect_prior.text}' of "
            f"every component. Tau was integrated out on a grid of {self.points} points (error "
            f"below {error_text(self.error)}); nothing was sampled."
        )
        return f"{text}\n\n{references(self.methods)}"

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a component; gaps where it cannot be separated."""
        rows = []
        for row in self.model.identifiability():
            if row.separable:
                post = self.component(row.component)
                ci = post.ci
                rows.append((row.component, post.median, post.mean, post.sd, ci.low, ci.high))
            else:
                rows.append((row.component, *(math.nan,) * 5))
        names = ("component", "median", "mean", "sd", "low", "high")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<BayesComponents {self.measure}: {len(self.model.components)} components, "
            f"{self.k} trials; tau {significant(self.tau.median, 3)}>"
        )

    def __str__(self) -> str:
        return self.summary()


def components_posterior(model: ComponentFit, how: Choices) -> BayesComponents:
    """Synthesise a component model.

    Parameters
    ----------
    model
        A fitted component model, whose contrasts and design are used.
    how
        Priors and intervals. A prior of effects is that of every component.
    """
    data = model.data
    p = len(model.components)
    basis = row_space(model.design) if how.effect.flat else np.eye(p)
    X = model.design @ basis
    notes = [n for n in model.notes if n.code in ("left-out", "repeated-study", "identical-rows")]
    notes += check_scale(how.tau, model.measure)
    conditional = Conditional(rotated(data, data.yi, X), how.effect)
    grid, (theta, cov) = integrate_normal(conditional, how, data.yi, data.vi, model.k)
    notes += about_error(grid, how.tau)
    return BayesComponents(
        measure=model.measure,
        level=how.level,
        kind=how.kind,
        k=model.k,
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=grid,
        theta=theta,
        cov=cov,
        data=data,
        design=X,
        left_out=model.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, model.measure, ADDITIVE),
        model=model,
        basis=basis,
    )
