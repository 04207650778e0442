"""The posterior of a network: all effects at once, and ranks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, fixed, percent, significant
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
    unknown_better,
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
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.ranking import DRAWS, SUCRA, score_text

#: Up to so many effects are written out in a report; of more, the ends and the middle.
_WRITTEN = 12

LU_ADES = Method(
    "Bayesian network meta-analysis with one tau for all comparisons",
    "Lu, Ades 2004, Stat Med 23:3105",
    "10.1002/sim.1875",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesRanking(Result):
    """How the treatments of a network rank.

    Attributes
    ----------
    better
        ``lower`` or ``higher``: which values are good.
    treatments
        In the order of the network.
    sucra
        By treatment, exact: the mean over the others of the probability of being better.
    probabilities, errors
        Chance of each rank, shape (treatments, ranks), the best rank first; their Monte Carlo
        standard errors.
    mean_rank
        By treatment, exact: 1 is the best.
    draws
        Draws that the probabilities rest on.
    notes, methods
        What to know; the papers.
    """

    better: str
    treatments: tuple[str, ...]
    sucra: dict[str, float]
    probabilities: Floats
    errors: Floats
    mean_rank: dict[str, float]
    draws: int
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (SUCRA,)

    def __post_init__(self) -> None:
        for name in ("probabilities", "errors"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def order(self) -> tuple[str, ...]:
        """Treatments by SUCRA, the best first."""
        return tuple(sorted(self.treatments, key=lambda t: (-self.sucra[t], natural(t))))

    def table(self) -> Table:
        """Treatments by SUCRA, with mean rank and the chance of the best rank."""
        columns = (
            Column("treatment", "treatment"),
            Column("sucra", "SUCRA", align="right"),
            Column("mean_rank", "mean rank", align="right"),
            Column("best", "chance of the best rank", "percent", "right"),
        )
        number = {t: i for i, t in enumerate(self.treatments)}
        rows = tuple(
            (
                t,
                score_text(self.sucra[t]),
                fixed(self.mean_rank[t], 1),
                100.0 * float(self.probabilities[number[t], 0]),
            )
            for t in self.order()
        )
        note = (
            f"Chances rest on {self.draws:,} draws; their standard error is at most "
            f"{significant(100.0 * float(self.errors.max()), 2)} percentage points."
        )
        return Table(f"Ranks, {self.better} is better", columns, rows, notes=(note,))

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a treatment: SUCRA, mean rank, chance of every rank."""
        columns: dict[str, Any] = {
            "treatment": self.treatments,
            "sucra": [self.sucra[t] for t in self.treatments],
            "mean_rank": [self.mean_rank[t] for t in self.treatments],
        }
        ranks = range(1, len(self.treatments) + 1)
        return make_frame(
            columns | {f"rank{r}": self.probabilities[:, r - 1] for r in ranks}, backend
        )

    def __repr__(self) -> str:
        first = self.order()[0]
        score = fixed(self.sucra[first], 2)
        return f"<BayesRanking of {len(self.treatments)}: {first} first, SUCRA {score}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BayesNetwork(Posterior):
    """The posterior of all effects of a network.

    Attributes
    ----------
    treatments, reference
        Names in order, and the one that summaries compare with. Coefficients are the effects of
        the others against the reference, in order.
    """

    treatments: tuple[str, ...]
    reference: str

    @typed
    def effect(self, treat1: str, treat2: str) -> Marginal:
        """The posterior of the effect of `treat1` minus that of `treat2`.

        Raises
        ------
        UnknownNameError
            On a treatment that the network does not have.
        InputError
            On a treatment against itself.
        """
        return self.mixture(f"{treat1} against {treat2}", self._contrast(treat1, treat2))

    @typed
    def predictive(self, treat1: str, treat2: str) -> Marginal:
        """The distribution of that effect in a new trial."""
        name = f"{treat1} against {treat2} in a new trial"
        return self.mixture(name, self._contrast(treat1, treat2), new_trial=True)

    def _row(self, name: str) -> Floats:
        if name not in self.treatments:
            raise UnknownNameError("treatment", name, self.treatments)
        others = [t for t in self.treatments if t != self.reference]
        return np.array([float(t == name) for t in others])

    def _contrast(self, treat1: str, treat2: str) -> Floats:
        wanted = self._row(treat1) - self._row(treat2)
        if treat1 == treat2:
            raise InputError(f"{treat1!r} against itself", hint="two treatments")
        return wanted

    def league(self) -> Table:
        """Every effect, the row's treatment against the column's, as a reader sees it."""
        m = measure_of(self.measure)
        columns = (
            Column("treatment", "row against column"),
            *(Column(t, t, align="right") for t in self.treatments),
        )
        rows = tuple(
            (
                one,
                *(
                    None if one == two else effect_text(self.measure, self.effect(one, two))
                    for two in self.treatments
                ),
            )
            for one in self.treatments
        )
        caption = (
            f"League table: {m.name} of the row's treatment against the column's, posterior "
            f"medians and {percent(100 * self.level)} credible intervals"
        )
        return Table(caption, columns, rows, missing="")

    @typed
    def against(self, reference: str | None = None) -> Table:
        """Every treatment against one, with the effect in a new trial."""
        ref = self.reference if reference is None else reference
        self._row(ref)
        m = measure_of(self.measure)
        columns = (
            Column("treatment", "treatment"),
            Column("effect", f"{m.name} ({percent(100 * self.level)} CrI)", align="right"),
            Column("above", f"above {significant(m.back(m.no_effect), 3)}", "percent", "right"),
            Column("new", "in a new trial", align="right"),
        )
        rows = []
        for name in self.treatments:
            if name != ref:
                post = self.effect(name, ref)
                new = effect_text(self.measure, self.predictive(name, ref))
                above = 100.0 * post.probability(above=m.no_effect)
                rows.append((name, effect_text(self.measure, post), above, new))
        return Table(f"Effects against {ref}", columns, tuple(rows))

    @typed
    def probability_better(self, better: str) -> Floats:
        """The probability of the row's treatment being better than the column's, exact."""
        unknown_better(better)
        n = len(self.treatments)
        rows = np.array([self._row(t) for t in self.treatments])
        levels = self.theta @ rows.T
        spread = rows @ self.cov @ rows.T
        own = np.diagonal(spread, axis1=1, axis2=2)
        variance = own[:, :, None] + own[:, None, :] - 2.0 * spread
        variance[:, range(n), range(n)] = 1.0
        z = (levels[:, :, None] - levels[:, None, :]) / np.sqrt(np.maximum(variance, 1e-300))
        out: Floats = np.einsum("j,jab->ab", self.grid.weights, ndtr(z))
        if better == "lower":
            out = out.T.copy()
        np.fill_diagonal(out, 0.0)
        out.setflags(write=False)
        return out

    @typed
    def ranking(self, better: str, *, draws: int = DRAWS, seed: int = 1) -> BayesRanking:
        """Rank the treatments; `better` is ``lower`` or ``higher``: asked for, never assumed.

        SUCRA and mean ranks are exact; the chances of single ranks come from draws of tau and,
        given tau, exact normal draws of all effects.

        Raises
        ------
        UnknownNameError
            When `better` is neither.
        InputError
            When `draws` is below 1000.
        """
        chance = self.probability_better(better)
        if draws < 1000:
            raise InputError(f"{draws} draws", hint="at least 1000")
        n = len(self.treatments)
        sign = -1.0 if better == "lower" else 1.0
        theta = self.draws(draws, seed)[1]
        rows = np.array([self._row(t) for t in self.treatments])
        counts = np.zeros((n, n))
        for start in range(0, draws, 50_000):
            drawn = sign * (theta[start : start + 50_000] @ rows.T)
            rank = np.argsort(np.argsort(-drawn, axis=1), axis=1)
            for i in range(n):
                counts[i] += np.bincount(rank[:, i], minlength=n)
        p = counts / draws
        sucra = chance.sum(axis=1) / (n - 1)
        text = (
            "A rank says nothing about how large a difference is, or how sure the evidence on it "
            "is. Read it only beside the estimates and their certainty."
        )
        return BayesRanking(
            better=better,
            treatments=self.treatments,
            sucra=dict(zip(self.treatments, sucra.tolist(), strict=True)),
            probabilities=p,
            errors=np.sqrt(p * (1.0 - p) / draws),
            mean_rank=dict(zip(self.treatments, (n - (n - 1) * sucra).tolist(), strict=True)),
            draws=draws,
            notes=(Note("ranks-alone", text),),
        )

    @typed
    def sensitivity(self, priors: Sequence[Prior | float], of: tuple[str, str]) -> Sensitivity:
        """The effect of ``of[0]`` against ``of[1]`` under other priors of tau."""
        self._contrast(*of)
        how = Choices(self.prior, self.effect_prior, self.level, self.kind, self.rtol)
        fits = [self]
        fits += [
            network_posterior(self, dataclasses.replace(how, tau=prior))
            for prior in check_priors(priors)
        ]
        return compare_priors(fits, [f.effect(*of) for f in fits], f"{of[0]} against {of[1]}")

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Bayesian network of {counted(len(self.treatments), 'treatment')}: "
            f"{counted(self.k, 'trial')}, {m.name}"
        )
        yield ""
        yield self.against().to_text()
        yield from tau_lines(self)
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _results(self) -> Iterator[str]:
        """The effects against the reference; of many, the ends and the middle."""
        m = measure_of(self.measure)
        names = [name for name in self.treatments if name != self.reference]
        found = {name: self.effect(name, self.reference) for name in names}
        if len(names) > _WRITTEN:
            order = sorted(names, key=lambda name: found[name].median)
            told = [order[0], order[len(order) // 2], order[-1]]
            head = f"Of the {len(names)} treatments against {self.reference}, the lowest, the "
            head += f"middle and the highest {m.name} (median, {interval_text(self)}) were"
        else:
            told = names
            head = f"Against {self.reference}, the {m.name} (median, {interval_text(self)}) was"
        yield f"{head}: {'; '.join(f'{t} {effect_text(self.measure, found[t])}' for t in told)}."

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        m = measure_of(self.measure)
        text = (
            f"{counted(self.k, 'trial')} of {counted(len(self.treatments), 'treatment')} "
            "were synthesised in a Bayesian "
            f"network meta-analysis ({m.name}) with normal likelihoods, the exact covariance of "
            f"trials with several arms, one tau for all comparisons with the prior "
            f"'{self.prior.text}', and the prior '{self.effect_prior.text}' of every effect "
            f"against {self.reference}. Tau was integrated out on a grid of {self.points} points "
            f"(error below {error_text(self.error)}); nothing was sampled but ranks."
        )
        return report_of(self, text, self._results(), self.left_out)

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a pair of treatments, uncut."""
        rows = []
        for i, one in enumerate(self.treatments):
            for two in self.treatments[i + 1 :]:
                post = self.effect(one, two)
                ci = post.ci
                rows.append((one, two, post.median, post.mean, post.sd, ci.low, ci.high))
        names = ("treat1", "treat2", "median", "mean", "sd", "low", "high")
        return make_frame(dict(zip(names, zip(*rows, strict=True), strict=True)), backend)

    def __repr__(self) -> str:
        return (
            f"<BayesNetwork {self.measure}: {counted(len(self.treatments), 'treatment')}, "
            f"{counted(self.k, 'trial')}; "
            f"tau {significant(self.tau.median, 3)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.against().to_html()


def network_posterior(net: NetworkFit | BayesNetwork, how: Choices) -> BayesNetwork:
    """Synthesise a network.

    Parameters
    ----------
    net
        A fitted network, whose contrasts are used; its own tau² and intervals play no part.
    how
        Priors and intervals. A prior of effects is that of every treatment against the reference.
    """
    others = [t for t in net.treatments if t != net.reference]
    number = {t: i for i, t in enumerate(others)}
    data = net.data
    X = np.zeros((len(data), len(others)))
    for row, (one, two) in enumerate(zip(data.treat1, data.treat2, strict=True)):
        for name, sign in ((one, 1.0), (two, -1.0)):
            if name in number:
                X[row, number[name]] += sign
    notes = [n for n in net.notes if n.code in ("left-out", "repeated-study", "identical-rows")]
    notes += check_scale(how.tau, net.measure)
    conditional = Conditional(rotated(data, data.yi, X), how.effect)
    grid, (theta, cov) = integrate_normal(conditional, how, data.yi, data.vi, net.k)
    notes += about_error(grid, how.tau)
    return BayesNetwork(
        measure=net.measure,
        level=how.level,
        kind=how.kind,
        k=net.k,
        prior=how.tau,
        effect_prior=how.effect,
        rtol=how.rtol,
        grid=grid,
        theta=theta,
        cov=cov,
        data=data,
        design=X,
        left_out=net.left_out,
        notes=tuple(notes),
        methods=methods_of(how.tau, net.measure, LU_ADES),
        treatments=net.treatments,
        reference=net.reference,
    )
