"""What every posterior of a synthesis has: tau, mixtures over its grid, draws, and sensitivity."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy.special import ndtr

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted, percent, significant
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import MOST, Floats
from equipoise.effects.measures import measure_of
from equipoise.models.bayes.grid import RULE, SINC, Grid, integrate, known_tau
from equipoise.models.bayes.marginal import Marginal, TauMarginal, check_interval, is_number
from equipoise.models.bayes.normal import Conditional
from equipoise.models.bayes.priors import EffectPrior, Prior
from equipoise.models.bayes.words import effect_text
from equipoise.models.correlated import shared_effects
from equipoise.models.intervals import shown
from equipoise.num.dist import normal_quantile

ROEVER = Method(
    "the posterior of effects as a mixture of normal distributions over that of tau",
    "Röver 2020, J Stat Softw 93(6)",
    "10.18637/jss.v093.i06",
)

#: Measures that a prior of tau for log odds ratios may be used for, with a note.
_NEAR = {"OR": ("PETO", "RR", "HR", "IRR"), "SMD": ("SMDH", "SMD1", "SMD1H", "OR2DL", "OR2DN")}


@dataclass(frozen=True, slots=True)
class Choices:
    """What was asked for, checked."""

    tau: Prior
    effect: EffectPrior
    level: float
    kind: str
    rtol: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Posterior(Result):
    """The posterior of effects and tau under normal likelihoods.

    Everything is on the scale of analysis (logs of ratios).

    Attributes
    ----------
    measure, level, kind
        Code of the measure; level and kind (``central`` or ``shortest``) of credible intervals.
    k
        Trials.
    prior, effect_prior, rtol
        Of tau and of effects, and the tolerance that was asked for.
    grid
        The posterior of tau.
    theta, cov
        Means (points, p) and covariances (points, p, p) of the coefficients at the grid's points.
    data, design
        The contrasts that were used and their design, shape (rows, p).
    left_out, notes, methods
        What was not used and why; what to know; the papers.
    """

    measure: str
    level: float
    kind: str
    k: int
    prior: Prior
    effect_prior: EffectPrior
    rtol: float
    grid: Grid
    theta: Floats
    cov: Floats
    data: Contrasts
    design: Floats
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __post_init__(self) -> None:
        for name in ("theta", "cov", "design"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def tau(self) -> TauMarginal:
        """The posterior of tau."""
        return TauMarginal(self.grid, self.level, self.kind)

    @property
    def points(self) -> int:
        """Values of tau that the integrals rest on."""
        return self.grid.points

    @property
    def error(self) -> float:
        """How far the integrals still moved when the points were last doubled."""
        return max(self.grid.error, self.grid.remainder)

    @property
    def log_evidence(self) -> float:
        """The log marginal likelihood; not a number unless both priors are proper."""
        proper = self.prior.proper and not self.effect_prior.flat
        return self.grid.log_evidence if proper else math.nan

    @property
    def bayes_factor_common(self) -> float:
        """How much better the data are predicted by tau = 0 than by the prior of tau.

        Not a number for an improper prior of tau. Below 1, the data speak for differences.
        """
        if not self.prior.proper:
            return math.nan
        return math.exp(min(700.0, self.grid.log_likelihood_zero - self.grid.log_evidence))

    def mixture(self, name: str, a: Floats, *, new_trial: bool = False) -> Marginal:
        """The posterior of a combination of coefficients; of its value in a new trial."""
        variance = np.einsum("i,jik,k->j", a, self.cov, a)
        if new_trial:
            variance = variance + self.grid.tau**2
        return Marginal(
            name,
            self.grid.weights,
            self.theta @ a,
            np.sqrt(np.maximum(variance, 0.0)),
            self._moments(),
            self.level,
            self.kind,
        )

    def _moments(self) -> int:
        return self.grid.moments

    def trials(self) -> tuple[Marginal, ...]:
        """The posterior of the true effect of every contrast: its estimate, shrunk.

        Notes
        -----
        Given tau and the mean effects, the true effects of a trial are normal around a mean of
        its estimates and of what the others predict, weighted by their variances.
        """
        R, blocks = self._structure()
        V, y = self.data.V(), self.data.yi
        t2 = (self.grid.tau**2)[:, None, None]
        out: list[Marginal | None] = [None] * len(self.data)
        for rows in blocks:
            at = np.ix_(rows, rows)
            T = t2 * R[at]
            # T S⁻¹ and V S⁻¹ for S = V + T: written so that nothing cancels for small or large tau.
            gain = np.swapaxes(np.linalg.solve(V[at] + T, T), 1, 2)
            pull = np.swapaxes(np.linalg.solve(V[at] + T, np.broadcast_to(V[at], T.shape)), 1, 2)
            X = self.design[rows]
            fit = self.theta @ X.T
            means = fit + np.einsum("jab,jb->ja", gain, y[rows] - fit)
            own = np.einsum("jaa->ja", gain @ V[at])
            rest = pull @ X
            shared = np.einsum("jap,jpq,jaq->ja", rest, self.cov, rest)
            sds = np.sqrt(np.maximum(own + shared, 0.0))
            for place, row in enumerate(rows):
                name = self._row_name(row) if len(rows) > 1 else self.data.study[row]
                moments = 2 if self.grid.known else min(2, self._moments() + 2)
                out[row] = Marginal(
                    name,
                    self.grid.weights,
                    means[:, place],
                    sds[:, place],
                    moments,
                    self.level,
                    self.kind,
                )
        return tuple(m for m in out if m is not None)

    def _structure(self) -> tuple[Floats, list[list[int]]]:
        """Correlations of the true effects, and the rows of each trial."""
        blocks: dict[str, list[int]] = defaultdict(list)
        for i, study in enumerate(self.data.study):
            blocks[study].append(i)
        return shared_effects(self.data), list(blocks.values())

    def _row_name(self, row: int) -> str:
        d = self.data
        return f"{d.study[row]}: {d.treat1[row]} against {d.treat2[row]}"

    def shrinkage(self) -> Table:
        """Every contrast beside the posterior of its true effect, as a reader sees it."""
        m = measure_of(self.measure)
        columns = (
            Column("study", "study"),
            Column("estimate", f"{m.name} ({percent(100 * self.level)} CI)", align="right"),
            Column("posterior", f"true effect ({percent(100 * self.level)} CrI)", align="right"),
        )
        z = normal_quantile(0.5 + 0.5 * self.level)
        rows = []
        for post, y, v in zip(
            self.trials(), self.data.yi.tolist(), self.data.vi.tolist(), strict=True
        ):
            own = Interval(y - z * math.sqrt(v), y + z * math.sqrt(v), self.level)
            text = "{} ({})".format(*shown(m, m.back(y), m.back_interval(own)))
            rows.append((post.name, text, effect_text(self.measure, post)))
        return Table("Trials and their true effects", columns, tuple(rows))

    def draws(self, size: int, seed: int = 1) -> tuple[Floats, Floats]:
        """Draw from the joint posterior.

        Parameters
        ----------
        size, seed
            How many; the same seed gives the same draws.

        Returns
        -------
        tau, coefficients
            Shapes (size,) and (size, p), in random order.

        Notes
        -----
        Tau takes the values of the grid, in systematic proportion to their weights; the
        coefficients are exact normal draws given tau.
        """
        check_draws(size, seed)
        random = np.random.default_rng(seed)
        marks = (np.arange(size) + random.random()) / size
        edges = np.cumsum(self.grid.weights)
        node = np.minimum(np.searchsorted(edges / edges[-1], marks), self.points - 1)
        p = self.theta.shape[1]
        out = np.empty((size, p))
        normal = random.standard_normal((size, p))
        starts = np.flatnonzero(np.diff(node, prepend=-1))
        for a, b in zip(starts.tolist(), [*starts[1:].tolist(), size], strict=True):
            j = int(node[a])
            values, turn = np.linalg.eigh(self.cov[j])
            half = turn * np.sqrt(np.maximum(values, 0.0))
            out[a:b] = self.theta[j] + normal[a:b] @ half.T
        order = random.permutation(size)
        return self.grid.tau[node][order], out[order]


def check_draws(size: object, seed: object = 1) -> None:
    """Refuse a number of draws that is none, and a seed that is none."""
    if not isinstance(seed, Integral) or seed < 0:
        hint = "a whole number, at least 0"
        raise InputError(f"a seed of {seed!r}", where="argument seed", hint=hint)
    if not isinstance(size, Integral) or size < 1:
        raise InputError(
            f"{size!r} draws", where="argument size", hint="a whole number, at least 1"
        )


def check_choices(
    tau: Prior | float, effect: EffectPrior | None, level: float, kind: str, rtol: float
) -> Choices:
    """Check what was asked for.

    Raises
    ------
    InputError, UnknownNameError
    """
    from_number = is_number(tau)
    if not isinstance(tau, Prior) and not from_number:
        raise InputError(
            f"{tau!r} as the prior of tau",
            where="argument tau",
            hint="priors.half_normal(0.5), priors.turner(…), or a number to take tau as known",
        )
    if effect is not None and not isinstance(effect, EffectPrior):
        raise InputError(
            f"{effect!r} as the prior of effects",
            where="argument effect",
            hint="priors.normal(0, 1) or priors.flat()",
        )
    check_interval(kind, level)
    if not (is_number(rtol) and 1e-14 <= rtol <= 1e-2):
        raise InputError(f"rtol {rtol!r}", where="argument rtol", hint="between 1e-14 and 1e-2")
    prior = tau if isinstance(tau, Prior) else known(float(tau))
    return Choices(prior, effect or EffectPrior(0.0, math.inf), level, kind, rtol)


def known(tau: float) -> Prior:
    """A number as a prior: tau is taken as known."""
    if not 0.0 <= tau <= math.sqrt(MOST):
        hint = "0 or more, on the scale of the effects"
        raise InputError(f"tau {tau:g}", where="argument tau", hint=hint)
    return Prior("fixed", (tau,), f"tau known to be {significant(tau, 4)}")


def check_scale(prior: Prior, measure: str) -> list[Note]:
    """Refuse a published prior on another scale than its own.

    Raises
    ------
    InputError
    """
    notes = list(prior.notes)
    if prior.measure in ("", measure):
        return notes
    if measure not in _NEAR[prior.measure]:
        raise InputError(
            f"a prior of tau for effects as {measure_of(prior.measure).name}, with effects as "
            f"{measure_of(measure).name}",
            hint="a prior on the scale of the effects, such as half_normal(scale)",
        )
    text = (
        f"The prior of tau was derived for {measure_of(prior.measure).name}s; these effects are "
        f"{measure_of(measure).name}s, whose tau may be smaller or larger."
    )
    return [*notes, Note("prior-scale", text)]


def integrate_normal(
    conditional: Conditional, how: Choices, y: Floats, v: Floats, k: int
) -> tuple[Grid, tuple[Floats, ...]]:
    """Integrate over tau for normal trials.

    Raises
    ------
    NotEstimableError
        When the prior of tau is improper and the trials are too few for a proper posterior.
    """
    prior = how.tau
    if prior.fixed:
        return known_tau(prior.parameters[0], conditional.evaluate)
    n, p = conditional.rows.X.shape
    free = n - (p if how.effect.flat else 0)
    tail = prior.tail.times(float(free))
    if not tail.moment(0):
        raise NotEstimableError(
            f"{counted(k, 'trial')} with {free} degrees of freedom and the prior "
            f"'{prior.text}' of tau leave "
            "a posterior without a finite integral",
            hint="at least 2 degrees of freedom (3 trials of one comparison), or a proper prior "
            "such as priors.half_normal(0.5)",
        )
    typical = math.sqrt(float(np.median(v)))
    low, high = 1e-5 * math.sqrt(float(v.min())), 1e2 * max(float(np.ptp(y)), typical)
    if prior.proper:
        low = max(1e-100 * typical, min(low, 1e-3 * prior.quantile(0.01)))
        high = min(1e100 * typical, max(high, 10.0 * prior.quantile(0.99)))
    start = conditional.evaluate(np.array([typical**2]))
    middle = start[1][0]
    sd = np.sqrt(np.diagonal(start[2][0]))

    def checks(w: Floats, tau: Floats, got: tuple[Floats, ...]) -> Floats:
        sds = np.sqrt(np.diagonal(got[1], axis1=1, axis2=2))
        wide = np.sqrt(sds**2 + (tau * tau)[:, None])
        out = [w @ ndtr((middle + z * sd - got[0]) / sds) for z in (-2.0, 0.0, 2.0)]
        out.append(w @ ndtr((middle + 2.0 * sd - got[0]) / wide))
        return np.concatenate(out)

    return integrate(
        prior,
        conditional.evaluate,
        conditional.likelihood,
        checks,
        tail=tail,
        unit=typical,
        low=low,
        high=high,
        rtol=how.rtol,
    )


def about_error(grid: Grid, prior: Prior) -> list[Note]:
    """What to know about moments that do not exist."""
    if grid.moments >= 2:
        return []
    which = "mean and standard deviation" if grid.moments == 0 else "standard deviation"
    text = (
        f"So few trials under a prior with a heavy tail leave the posterior {which} of tau "
        "infinite or nearly so, and those of effects with it; read medians, intervals and "
        "probabilities."
    )
    return [Note("infinite-moments", text)]


def methods_of(prior: Prior, measure: str, *more: Method) -> tuple[Method, ...]:
    """The papers of a posterior."""
    rule = () if prior.fixed else (RULE, SINC)
    own = (measure_of(measure).method,) if measure != "GEN" else ()
    return tuple(dict.fromkeys((*own, ROEVER, *more, *prior.methods, *rule)))


def _alone(priors: object) -> bool:
    return isinstance(priors, (Prior, str)) or is_number(priors)


def check_priors(priors: Sequence[Prior | float]) -> list[Prior]:
    """The priors of a sensitivity analysis, checked."""
    if _alone(priors) or not isinstance(priors, Sequence):
        raise InputError(
            f"{priors!r} in the place of several priors", hint="a list of priors of tau"
        )
    if not len(priors):
        raise InputError("no priors", hint="a list of priors of tau")
    return [check_choices(prior, None, 0.95, "central", 1e-8).tau for prior in priors]


def unknown_better(better: str) -> None:
    """Refuse a direction of benefit that is neither."""
    if better not in ("lower", "higher"):
        raise UnknownNameError("direction of benefit", better, ("lower", "higher"))
