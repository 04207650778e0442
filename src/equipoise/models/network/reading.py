"""How effects of a network are read: any one, all in a league table, all against one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from equipoise.core.arguments import typed
from equipoise.core.errors import UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, percent
from equipoise.effects.blocks import LeftOut
from equipoise.effects.columns import Floats
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import effect_said, shown
from equipoise.models.network.league import EffectMatrices, effect_matrices
from equipoise.num.dist import critical, t_two_sided


@dataclass(frozen=True, slots=True, repr=False)
class NetworkEffect(Result):
    """The effect of one treatment against another, on the scale of analysis."""

    estimate: float
    se: float
    ci: Interval
    p_value: float
    pi: Interval | None

    def __repr__(self) -> str:
        said = effect_said(self.estimate, self.se, self.ci, self.p_value)
        return f"<NetworkEffect {said}>"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetworkReading(Result):
    """Effects of treatments against each other, on the scale of analysis, however they were had.

    Attributes
    ----------
    measure, level
        Code of the measure; level of the intervals.
    treatments, reference
        Names in order, and the one that summaries compare with.
    k, m, designs
        Trials, pairs of groups that they compare, and different sets of treatments.
    theta, cov
        Effects against the first treatment, shape (n,), and their covariance matrix.
    scale
        What variances are multiplied by.
    df
        Degrees of freedom of intervals and tests; infinite for normal ones.
    left_out, notes, methods
        What was not used and why; what to know; the papers.
    """

    measure: str
    level: float
    treatments: tuple[str, ...]
    reference: str
    k: int
    m: int
    designs: int
    theta: Floats
    cov: Floats
    scale: float
    df: float
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def n(self) -> int:
        """Number of treatments."""
        return len(self.treatments)

    def effect(self, treat1: str, treat2: str) -> NetworkEffect:
        """The effect of `treat1` minus that of `treat2`.

        Raises
        ------
        UnknownNameError
            On a treatment that the network does not have.
        """
        i, j = self._place(treat1), self._place(treat2)
        estimate = float(self.theta[i] - self.theta[j])
        variance = float(self.cov[i, i] + self.cov[j, j] - 2.0 * self.cov[i, j])
        se = math.sqrt(max(0.0, self.scale * variance))
        half = critical(self.level, self.df) * se
        statistic = estimate / se if se else math.nan
        p = t_two_sided(statistic, self.df) if se else 1.0
        ci = Interval(estimate - half, estimate + half, self.level, self._quantile(self.df))
        return NetworkEffect(estimate, se, ci, p, self._prediction(estimate, se, i == j))

    def _prediction(self, estimate: float, se: float, same: bool) -> Interval | None:
        """The prediction interval, for models that have one."""
        return None

    def _predicts(self) -> tuple[float, float] | None:
        """Degrees of freedom of prediction intervals and tau², for models that have them."""
        return None

    def matrices(self) -> EffectMatrices:
        """All effects with their intervals, row minus column, as matrices."""
        return effect_matrices(
            self.treatments,
            self.theta,
            self.scale * self.cov,
            level=self.level,
            df=self.df,
            predicts=self._predicts(),
            notes=self.notes,
            methods=self.methods,
        )

    def _quantile(self, df: float) -> str:
        """The interval's method in words."""
        return "normal" if math.isinf(df) else f"t with {df:g} df"

    def _place(self, name: str) -> int:
        try:
            return self.treatments.index(name)
        except ValueError:
            raise UnknownNameError("treatment", name, self.treatments) from None

    def league(self) -> Table:
        """Every effect, the row's treatment against the column's, as a reader sees it."""
        m = measure_of(self.measure)
        columns = (
            Column("treatment", "row against column"),
            *(Column(t, t, align="right") for t in self.treatments),
        )
        rows = tuple(
            (one, *(None if one == two else self._text(one, two) for two in self.treatments))
            for one in self.treatments
        )
        caption = (
            f"League table: {m.name} of the row's treatment against the column's, "
            f"{percent(100 * self.level)} confidence intervals"
        )
        return Table(caption, columns, rows, missing="")

    def _text(self, one: str, two: str) -> str:
        m = measure_of(self.measure)
        found = self.effect(one, two)
        return "{} ({})".format(*shown(m, m.back(found.estimate), m.back_interval(found.ci)))

    @typed
    def against(self, reference: str | None = None) -> Table:
        """Every treatment against one, with the prediction interval."""
        ref = self.reference if reference is None else reference
        m = measure_of(self.measure)
        columns = (
            Column("treatment", "treatment"),
            Column("effect", f"{m.name} ({percent(100 * self.level)} CI)", align="right"),
            Column("p_value", "p", "p", "right"),
            Column("pi", "prediction interval", align="right"),
        )
        rows = []
        for name in self.treatments:
            if name == ref:
                continue
            found = self.effect(name, ref)
            pi = None
            if found.pi is not None:
                pi = shown(m, m.back(found.estimate), m.back_interval(found.pi))[1]
            rows.append((name, self._text(name, ref), found.p_value, pi))
        return Table(f"Effects against {ref}", columns, tuple(rows), missing="none")

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a pair of treatments, uncut."""
        return self.matrices().to_frame(backend)

    def summary(self) -> str:
        """The effects against the reference, then what to know."""
        return "\n".join([self.against().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.against().to_html()
