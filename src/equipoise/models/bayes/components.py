"""The posterior of a component model: what each part of a combination adds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.order import Key, natural
from equipoise.core.result import html_lines
from equipoise.core.table import Column, Table, counted, percent, significant
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
    interval_text,
    report_of,
    tau_lines,
)
from equipoise.models.components.fit import ADDITIVE, ComponentFit
from equipoise.models.components.reading import parts_of
from equipoise.models.report import trials
from equipoise.num.linalg import row_space

_NEVER = "never tried: rests on what the components do elsewhere"


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

    @typed
    def effect(self, a: str, b: str = "") -> Marginal:
        """The posterior of the effect of the components `a` against the components `b`.

        Raises
        ------
        InputError, NotEstimableError
            As :meth:`equipoise.models.components.fit.ComponentFit.effect`: what the trials cannot
            separate is refused, under a proper prior of effects too, where it would be that prior
            shown as if it were a finding.
        """
        return self.mixture(self._named(a, b), self._wanted(a, b))

    @typed
    def predictive(self, a: str, b: str = "") -> Marginal:
        """The distribution of that effect in a new trial."""
        name = f"{self._named(a, b)} in a new trial"
        return self.mixture(name, self._wanted(a, b), new_trial=True)

    @typed
    def component(self, name: str) -> Marginal:
        """The posterior of what adding one component does."""
        if len(parts_of(name, self.model.inactive)) != 1:
            raise InputError(f"{name!r} is not one component", hint="combination() for several")
        return self.effect(name)

    @typed
    def combination(self, names: str) -> Marginal:
        """The posterior of the effect of components joined by ``+`` against none of them.

        Where no group had them all and nothing else, the name of what is returned says so.
        """
        return self.effect(names)

    @typed
    def tried_in(self, names: str) -> tuple[str, ...]:
        """The trials that had a group with exactly these components."""
        wanted = frozenset(parts_of(names, self.model.inactive))
        model = self.model
        rows = zip(model.study, model.treat1, model.treat2, strict=True)
        given = (s for s, *two in rows if any(self._parts(t) == wanted for t in two))
        return tuple(dict.fromkeys(given))

    def combinations(self, *more: str) -> Table:
        """Every treatment of the trials against none of its components, as a reader sees it.

        Parameters
        ----------
        more
            Further combinations, such as ``CBT+exercise``; those that no group had are marked.
        """
        model = self.model
        given = dict.fromkeys((*model.treat1, *model.treat2, *more))
        names = {self._parts(t): t for t in reversed(given) if self._parts(t)}
        level = percent(100 * self.level)
        columns = (
            Column("combination", "against none of it"),
            Column("effect", f"{measure_of(self.measure).name} ({level} CrI)", align="right"),
            Column("new_trial", "in a new trial", align="right"),
            Column("rests", "groups that had exactly this"),
        )
        rows = tuple((name, *self._cells(name)) for name in sorted(names.values(), key=_by_size))
        return Table("Combinations of components", columns, rows)

    def _cells(self, name: str) -> tuple[str, str, str]:
        where = self.tried_in(name)
        rests = f"in {trials(len(where))}" if where else _NEVER
        why = self.untold(name)
        if why:
            return f"not estimable: {why}", "", rests
        both = self.effect(name), self.predictive(name)
        one, two = (effect_text(self.measure, post) for post in both)
        return one, two, rests

    def _parts(self, names: str) -> frozenset[str]:
        return frozenset(parts_of(names, self.model.inactive))

    def untold(self, a: str, b: str = "") -> str:
        """Why the trials cannot tell `a` from `b`; blank where they can."""
        try:
            self._wanted(a, b)
        except NotEstimableError as error:
            return error.where or error.what
        return ""

    def _named(self, a: str, b: str) -> str:
        sides = [t for t in (a, b) if len(self._parts(t)) > 1 and not self.tried_in(t)]
        never = f" ({' and '.join(sides)} {_NEVER})" if sides else ""
        return self._name(a, b) + never

    def _wanted(self, a: str, b: str) -> Floats:
        self.model.effect(a, b)
        wanted: Floats = (self.model.row(a) - self.model.row(b)) @ self.basis
        return wanted

    def _name(self, a: str, b: str) -> str:
        return f"{a or 'nothing'} against {b}" if b else a

    @typed
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
        yield self._title()
        yield ""
        width = max(len(c) for c in self.model.components)
        for name in self.model.components:
            why = self.untold(name)
            text = f"not estimable: {why}" if why else effect_text(self.measure, self.effect(name))
            yield f"{name:<{width}}  {text}"
        yield ""
        yield from tau_lines(self)
        for out in self.left_out:
            yield f"Left out: {out.study} ({out.why})"

    def _title(self) -> str:
        m, level = measure_of(self.measure), percent(100 * self.level)
        return f"Bayesian component model of {trials(self.k)}, {m.name}, medians with {level} CrI"

    def _results(self) -> Iterator[str]:
        """What each component does, or why the trials cannot tell."""
        m = measure_of(self.measure)
        told = [
            f"{name} {effect_text(self.measure, self.effect(name))}"
            for name in self.model.components
            if not self.untold(name)
        ]
        if told:
            head = f"The {m.name} of each component (median, {interval_text(self)}) was"
            yield f"{head}: {'; '.join(told)}."
        for name in self.model.components:
            if why := self.untold(name):
                yield f"The effect of {name} cannot be told: {why}."

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        m = measure_of(self.measure)
        text = (
            f"A component model of {trials(self.k)} ({m.name}) was fitted with normal likelihoods, "
            f"the prior '{self.prior.text}' of tau and the prior '{self.effect_prior.text}' of "
            f"every component. Tau was integrated out on a grid of "
            f"{counted(self.points, 'point')} (error "
            f"below {error_text(self.error)}); nothing was sampled."
        )
        return report_of(self, text, self._results(), self.left_out)

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a component; gaps where it cannot be separated."""
        rows = []
        for name in self.model.components:
            if self.untold(name):
                rows.append((name, *(math.nan,) * 5))
                continue
            post = self.effect(name)
            ci = post.ci
            rows.append((name, post.median, post.mean, post.sd, ci.low, ci.high))
        names = ("component", "median", "mean", "sd", "low", "high")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.measure}: {len(self.model.components)} components, "
            f"{trials(self.k)}; tau {significant(self.tau.median, 3)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())


def _by_size(name: str) -> tuple[int, Key]:
    return name.count("+"), natural(name)


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
