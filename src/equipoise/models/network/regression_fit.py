"""What a network meta-regression is asked for: effects at a value, slopes, tests, plot data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted, p_statement, percent, significant
from equipoise.core.table import p_value as p_text
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import shown
from equipoise.models.network.covariates import Covariate
from equipoise.models.network.reading import NetworkEffect
from equipoise.num.dist import chi2_tail, critical, f_tail, t_two_sided
from equipoise.num.linalg import outside_row_space


@dataclass(frozen=True, slots=True)
class NetworkSlope(Result):
    """How an effect against the reference changes with the covariate.

    Attributes
    ----------
    treatment
        The treatment; blank where all share one slope.
    level
        The level that is compared with the baseline; blank for a number, whose slope is for one
        more of it.
    estimate, se, ci, statistic, p_value
        On the scale of analysis (for ratios the logarithm of their ratio); NaN where the trials
        cannot tell.
    trials
        Trials that compare the treatment (any treatment, for a shared slope) with another.
    why
        Why the trials cannot tell; blank where they can.
    """

    treatment: str
    level: str
    estimate: float
    se: float
    ci: Interval
    statistic: float
    p_value: float
    trials: int
    why: str


@dataclass(frozen=True, slots=True)
class SlopeTest(Result):
    """A test of several slopes: chi-squared, or F where `df2` is finite."""

    statistic: float
    df: int
    df2: float
    p_value: float

    @classmethod
    def of(cls, q: float, df: int, df2: float, scale: float) -> SlopeTest:
        """From a difference of Q."""
        if df == 0:
            return cls(0.0, 0, df2, 1.0)
        if scale == 0.0 and q > 0.0:  # the trials lie on the line exactly
            return cls(math.inf, df, df2, 0.0)
        q = max(0.0, q) / (scale or 1.0)
        if math.isinf(df2):
            return cls(q, df, df2, chi2_tail(q, df))
        return cls(q / df, df, df2, f_tail(q / df, df, df2))

    def __str__(self) -> str:
        if self.df == 0:
            return "nothing to test"
        if math.isinf(self.df2):
            text = f"chi² {significant(self.statistic, 4)} on {self.df} df"
        else:
            text = f"F {significant(self.statistic, 4)} on {self.df} and {self.df2:g} df"
        return f"{text}, {p_statement(self.p_value)}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetworkRegression(Result):
    """Effects of many treatments against each other, as they change with a covariate.

    Everything is on the scale of analysis (logs of ratios).

    Attributes
    ----------
    measure, model, interval, prediction, level
        Code of the measure; ``random`` or ``common``; kinds and level of the intervals.
    slopes_are
        ``common``, ``independent`` or ``exchangeable``.
    treatments, reference
        Names in order; the slope of the reference is 0.
    covariate
        Its name, values by study, levels, mean and spread over the trials.
    center
        The value at which effects are shown when none is asked for: the mean of the trials, each
        counted once, or the baseline level.
    k
        Trials.
    data, design
        The contrasts that were used, and the design: treatments beside the reference, then slopes
        of the centred and scaled covariate.
    beta, cov
        Coefficients of least length and their covariance. Only combinations that the rows of
        `told` give mean something.
    told
        Rows whose combinations the trials can tell.
    slopes
        How effects against the reference change.
    mean_slope
        The mean of slopes that are exchangeable; None otherwise.
    test
        That no effect changes with the covariate; with exchangeable slopes, that their mean is 0.
    test_equal
        That all treatments share one slope; None where they do by assumption.
    tau2, tau2_method, tau2_without
        Variance between trials left, its estimator, and the variance without the covariate in the
        same trials.
    omega2
        Variance of the slopes between treatments where they are exchangeable, for one unit of the
        covariate; None otherwise.
    r2
        Share of tau² that the covariate accounts for, in percent; None where there is none.
    scale, df
        What variances are multiplied by, and the degrees of freedom of intervals.
    q, q_df, q_p
        Q that is left, at tau² = 0.
    left_out, notes, methods
        Trials that were not used and why; what to know; the papers.
    """

    measure: str
    model: str
    interval: str
    prediction: str
    level: float
    slopes_are: str
    treatments: tuple[str, ...]
    reference: str
    covariate: Covariate
    center: float | str
    k: int
    data: Contrasts
    design: Floats
    beta: Floats
    cov: Floats
    told: Floats
    slopes: tuple[NetworkSlope, ...]
    mean_slope: NetworkSlope | None
    test: SlopeTest
    test_equal: SlopeTest | None
    tau2: float
    tau2_method: str
    tau2_without: float
    omega2: float | None
    r2: float | None
    scale: float
    df: float
    q: float
    q_df: int
    q_p: float
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def per_treatment(self) -> bool:
        """Whether each treatment has a slope of its own."""
        return self.slopes_are != "common"

    # --- asking ---------------------------------------------------------------------------------

    def effect(self, treat1: str, treat2: str, at: float | str | None = None) -> NetworkEffect:
        """The effect of `treat1` minus that of `treat2` where the covariate is `at`.

        Parameters
        ----------
        treat1, treat2
            Treatments of the network.
        at
            A value or level of the covariate; :attr:`center` when not given.

        Raises
        ------
        UnknownNameError
            On an unknown treatment or level.
        NotEstimableError
            When the trials cannot tell this effect at this value, with the reason.
        """
        value = self.center if at is None else at
        wanted = self._wanted(treat1, treat2, value)
        if treat1 == treat2:
            none = Interval(0.0, 0.0, self.level, self.interval)
            return NetworkEffect(0.0, 0.0, none, 1.0, None)
        stuck = outside_row_space(self.told, wanted)
        if stuck.any():
            raise NotEstimableError(
                f"the trials cannot tell {treat1} against {treat2} at {self.covariate.text(value)}",
                where=self._stuck(stuck),
                hint="slopes='common', or a value at which trials compared them",
            )
        return self._made(wanted)

    def _made(self, wanted: Floats) -> NetworkEffect:
        estimate = float(wanted @ self.beta)
        se = math.sqrt(max(0.0, self.scale * float(wanted @ self.cov @ wanted)))
        half = critical(self.level, self.df) * se
        ci = Interval(estimate - half, estimate + half, self.level, self.interval)
        p = t_two_sided(estimate / se, self.df) if se else 1.0
        return NetworkEffect(estimate, se, ci, p, self._prediction(estimate, se))

    def _prediction(self, estimate: float, se: float) -> Interval | None:
        df = self.q_df - (1 if self.prediction == "HTS" else 0)
        if self.model == "common" or df < 1:
            return None
        half = critical(self.level, df) * math.hypot(se, math.sqrt(self.tau2))
        text = f"{self.prediction}: t with {df} df"
        return Interval(estimate - half, estimate + half, self.level, text)

    def _stuck(self, stuck: Floats) -> str:
        count = len(self.treatments) - 1
        others = [t for t in self.treatments if t != self.reference]
        named = [
            others[(int(i) - count) // len(self.covariate.terms)]
            for i in np.flatnonzero(stuck)
            if i >= count
        ]
        whys = [s.why for s in self.slopes if s.why and s.treatment in named]
        return "; ".join(dict.fromkeys(whys))

    def _wanted(self, treat1: str, treat2: str, value: float | str) -> Floats:
        z = self.covariate.row(value)
        return self._row(treat1, z) - self._row(treat2, z)

    def _row(self, treat: str, z: Floats) -> Floats:
        return coded(treat, z, self.treatments, self.reference, self.per_treatment)

    def league(self, at: float | str | None = None) -> Table:
        """Every effect where the covariate is `at`, the row's treatment against the column's."""
        m = measure_of(self.measure)
        value = self.center if at is None else at
        self.covariate.row(value)
        columns = (
            Column("treatment", "row against column"),
            *(Column(t, t, align="right") for t in self.treatments),
        )
        rows = tuple(
            (one, *(None if one == two else self._text(one, two, value) for two in self.treatments))
            for one in self.treatments
        )
        caption = (
            f"League table at {self.covariate.text(value)}: {m.name} of the row's treatment "
            f"against the column's, {percent(100 * self.level)} confidence intervals"
        )
        return Table(caption, columns, rows, missing="")

    def _text(self, one: str, two: str, value: float | str) -> str:
        m = measure_of(self.measure)
        try:
            found = self.effect(one, two, value)
        except NotEstimableError:
            return "cannot tell"
        return "{} ({})".format(*shown(m, m.back(found.estimate), m.back_interval(found.ci)))

    @typed
    def against(self, reference: str | None = None, at: float | str | None = None) -> Table:
        """Every treatment against one where the covariate is `at`, with prediction intervals."""
        ref = self.reference if reference is None else reference
        if ref not in self.treatments:
            raise UnknownNameError("treatment", ref, self.treatments)
        value = self.center if at is None else at
        self.covariate.row(value)
        m = measure_of(self.measure)
        columns = (
            Column("treatment", "treatment"),
            Column("effect", f"{m.name} ({percent(100 * self.level)} CI)", align="right"),
            Column("p_value", "p", "p", "right"),
            Column("pi", "prediction interval", align="right"),
        )
        rows: list[tuple[Any, ...]] = []
        for name in self.treatments:
            if name == ref:
                continue
            try:
                found = self.effect(name, ref, value)
            except NotEstimableError:
                rows.append((name, "cannot tell", None, None))
                continue
            pi = None
            if found.pi is not None:
                pi = shown(m, m.back(found.estimate), m.back_interval(found.pi))[1]
            rows.append((name, self._text(name, ref, value), found.p_value, pi))
        title = f"Effects against {ref} at {self.covariate.text(value)}"
        return Table(title, columns, tuple(rows), missing="none")

    @typed
    def slope(self, treatment: str = "", level: str = "") -> NetworkSlope:
        """The slope of one treatment (blank: the shared one), for one level.

        Raises
        ------
        UnknownNameError
            On a treatment without a slope, or an unknown level.
        """
        named = dict.fromkeys(s.treatment for s in self.slopes)
        if treatment not in named:
            raise UnknownNameError("treatment with a slope of its own", treatment, named)
        levels = self.covariate.terms
        wanted = level or levels[0]
        for s in self.slopes:
            if s.treatment == treatment and s.level == wanted:
                return s
        raise UnknownNameError(f"level of {self.covariate.name}", level, levels)

    # --- to look at -----------------------------------------------------------------------------

    def curve(
        self,
        treat1: str,
        treat2: str | None = None,
        at: Sequence[float | str] | None = None,
        backend: str | None = None,
    ) -> Any:
        """A frame with the effect of `treat1` against `treat2` over values of the covariate.

        Parameters
        ----------
        treat1, treat2
            Treatments; the reference when the second is not given.
        at
            The values; 50 from the lowest to the highest of the trials, or all levels, when not
            given.
        backend
            ``pandas``, ``polars`` or ``pyarrow``; None takes the first that is installed.
        """
        other = self.reference if treat2 is None else treat2
        places = list(self._grid() if at is None else at)
        found = [self.effect(treat1, other, value) for value in places]
        nan = math.nan
        return make_frame(
            {
                self.covariate.name: places,
                "estimate": [e.estimate for e in found],
                "se": [e.se for e in found],
                "ci_low": [e.ci.low for e in found],
                "ci_high": [e.ci.high for e in found],
                "pi_low": [e.pi.low if e.pi else nan for e in found],
                "pi_high": [e.pi.high if e.pi else nan for e in found],
            },
            backend,
        )

    def _grid(self) -> Sequence[float | str]:
        if self.covariate.levels:
            return self.covariate.levels
        values = list(self.covariate.values.values())
        return [float(x) for x in np.linspace(min(values), max(values), 50)]

    def points(self, treat1: str, treat2: str | None = None, backend: str | None = None) -> Any:
        """A frame with the trials that compare the two directly: value, estimate and weight.

        Raises
        ------
        InputError
            When no trial does.
        """
        other = self.reference if treat2 is None else treat2
        for name in (treat1, other):
            if name not in self.treatments:
                raise UnknownNameError("treatment", name, self.treatments)
        es = self.data
        rows = [
            (i, 1.0 if (one, two) == (treat1, other) else -1.0)
            for i, (one, two) in enumerate(zip(es.treat1, es.treat2, strict=True))
            if {one, two} == {treat1, other} and one != two
        ]
        if not rows:
            raise InputError(
                f"no contrast of {treat1} with {other}", hint="curve(), or a pair of one trial"
            )
        at = [i for i, _ in rows]
        return make_frame(
            {
                "study": [es.study[i] for i in at],
                self.covariate.name: [self.covariate.values[es.study[i]] for i in at],
                "yi": [sign * float(es.yi[i]) for i, sign in rows],
                "sei": [float(es.sei[i]) for i in at],
                "weight": [1.0 / (float(es.vi[i]) + self.tau2) for i in at],
            },
            backend,
        )

    # --- showing --------------------------------------------------------------------------------

    def slopes_table(self) -> Table:
        """The slopes as a reader sees them: ratios of ratios, or differences of differences."""
        m = measure_of(self.measure)
        log = m.scale == "log"
        per = "against the baseline" if self.covariate.levels else "for one more"
        columns = [Column("treatment", "treatment")]
        columns += [Column("level", self.covariate.name)] if self.covariate.levels else []
        columns += [
            Column(
                "slope",
                f"{'factor of the ' + m.name if log else 'change'} {per} "
                f"({percent(100 * self.level)} CI)",
                align="right",
            ),
            Column("p_value", "p", "p", "right"),
            Column("trials", "trials", "count", "right"),
        ]
        untold = any(s.why for s in self.slopes)
        columns += [Column("why", "why not")] if untold else []
        named = [(s.treatment or "all", s) for s in self.slopes]
        if self.mean_slope is not None:
            named.insert(0, ("mean of all", self.mean_slope))
        rows = []
        for name, s in named:
            text = "cannot tell"
            if not s.why:
                ends = (s.estimate, s.ci.low, s.ci.high)
                value, low, high = (
                    significant(m.back(x) if log else x, 4 if log else 3) for x in ends
                )
                text = f"{value} ({low} to {high})"
            cells: list[Any] = [name]
            if self.covariate.levels:
                cells.append(f"{s.level} against {self.covariate.levels[0]}")
            cells += [text, None if s.why else s.p_value, s.trials]
            rows.append((*cells, s.why) if untold else tuple(cells))
        return Table(f"How effects change with {self.covariate.name}", tuple(columns), tuple(rows))

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"Network meta-regression of {counted(len(self.treatments), 'treatment')} on "
            f"{self.covariate.name}: {counted(self.k, 'trial')}, {self.slopes_are} slopes, {m.name}"
        )
        yield ""
        yield self.slopes_table().to_text()
        nothing = (
            "A mean slope of 0" if self.mean_slope else f"No change with {self.covariate.name}"
        )
        yield f"{nothing}: {self.test}"
        if self.test_equal is not None:
            yield f"One slope for all treatments: {self.test_equal}"
        yield ""
        yield self.against().to_text()
        if self.model == "random":
            r2 = "" if self.r2 is None else f", R² {percent(self.r2)}"
            yield (
                f"tau² {significant(self.tau2, 4)}, {self.tau2_method} "
                f"(without {self.covariate.name} {significant(self.tau2_without, 4)}{r2})"
            )
        if self.omega2 is not None:
            yield f"variance of slopes between treatments {significant(self.omega2, 4)}"
        yield f"Q {significant(self.q, 5)} on {self.q_df} df, p {p_text(self.q_p)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a slope, uncut."""
        names = ("treatment", "level", "estimate", "se", "statistic", "p_value", "trials", "why")
        columns: dict[str, list[Any]] = {n: [getattr(s, n) for s in self.slopes] for n in names}
        columns["ci_low"] = [s.ci.low for s in self.slopes]
        columns["ci_high"] = [s.ci.high for s in self.slopes]
        return make_frame(columns, backend)

    def __repr__(self) -> str:
        return (
            f"<NetworkRegression {self.measure} on {self.covariate.name}: {self.slopes_are} "
            f"slopes; {self.test}; tau² {significant(self.tau2)}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.slopes_table().to_html()


def coded(
    treat: str, z: Floats, treatments: Sequence[str], reference: str, per_treatment: bool
) -> Floats:
    """A treatment at a value of the covariate as a row: the treatment, then slopes.

    Raises
    ------
    UnknownNameError
        On a treatment that the network does not have.
    """
    if not isinstance(treat, str) or treat not in treatments:
        raise UnknownNameError("treatment", treat, treatments)
    others = [t for t in treatments if t != reference]
    count, q = len(others), z.size
    out = np.zeros(count + (count * q if per_treatment else q))
    if treat == reference:
        return out
    place = others.index(treat)
    out[place] = 1.0
    start = count + (place * q if per_treatment else 0)
    out[start : start + q] = z
    return out
