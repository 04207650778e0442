"""Small-study effects: do smaller trials show other results than larger ones?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import EquipoiseError, InputError, UnknownNameError
from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import Column, Table
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.axes import TESTS, Axes, Test, lay_out, test_of
from equipoise.models.bias.line import Line, check_spread_of, line, mixed_line
from equipoise.models.bias.rank import Kendall, kendall
from equipoise.models.bias.rows import (
    BiasResult,
    Floats,
    check_level,
    effect_text,
    few_note,
    need,
    number,
    p_text,
    rows,
    statistic_text,
    trials,
)
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import critical, t_two_sided

#: Standard errors that span less than this factor make a test pointless.
SIMILAR = 1.5

#: Tests that the Handbook or its sources recommend, by measure.
RECOMMENDED = {
    "OR": (("Harbord", "lm"), ("Peters", "lm"), ("arcsine", "random")),
    "PETO": (("Harbord", "lm"), ("Peters", "lm"), ("arcsine", "random")),
    "MD": (("Egger", "lm"),),
    "SMD": (("Pustejovsky", "lm"),),
}

_WORDS = {
    "lm": "multiplicative dispersion",
    "random": "variance between trials",
    "common": "no variance between trials",
    "rank": "ranks",
}

NOT_PROOF = Note(
    "asymmetry-has-many-causes",
    "Asymmetry is not proof of publication bias: poorer methods, other patients or doses in "
    "smaller trials, selective outcomes, the effect measure and chance give it too; and a test "
    "that finds none does not show that there is none.",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SmallStudyTest(BiasResult):
    """A test of funnel plot asymmetry.

    Attributes
    ----------
    test, model, predictor
        Code of the test; ``lm`` (multiplicative dispersion), ``random`` (a variance between
        trials), ``common`` or ``rank``; what the effects were laid against, in words.
    measure, k
        Code of the measure; number of trials that were used.
    estimate, se, statistic, df, p_value
        What is tested: the slope, or Kendall's tau for ranks (its `se` is that of
        concordant less discordant pairs, `s`); z or t; degrees of freedom (infinite for z);
        two-sided p value.
    exact
        Whether the p value is that of the exact distribution of ranks.
    s
        Concordant less discordant pairs; 0 for regressions.
    intercept, intercept_se
        Of the line; NaN for ranks.
    limit
        The effect of an infinitely large trial with its interval, on the scale of analysis: the
        intercept, where the test has one on the scale of the measure; else None.
    dispersion, tau2, tau2_method
        Residual dispersion (1 with a variance between trials); variance between trials.
    direction
        1 where smaller trials show larger estimates, -1 where smaller ones, 0 where neither.
    level
        Of the interval of `limit`.
    study, y, x, v
        The points of the plot: effects, predictor, and the variances whose inverses weigh them.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    test: str
    model: str
    predictor: str
    measure: str
    k: int
    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    exact: bool
    s: int
    intercept: float
    intercept_se: float
    limit: Interval | None
    dispersion: float
    tau2: float
    tau2_method: str
    direction: int
    level: float
    study: tuple[str, ...]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    v: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def statistic_text(self) -> str:
        """The statistic as it is printed."""
        if self.model == "rank":
            kind = ", exact" if self.exact else ""
            return f"Kendall's tau {number(self.estimate, 3)}{kind}"
        return statistic_text(self.statistic, self.df)

    @property
    def limit_text(self) -> str:
        """The effect of an infinitely large trial as a reader sees it; blank if there is none."""
        if self.limit is None:
            return ""
        return effect_text(measure_of(self.measure), self.intercept, self.limit)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial: the points that the test rests on."""
        columns: dict[str, Any] = {"study": self.study, "y": self.y, "x": self.x, "v": self.v}
        return make_frame(columns, backend)

    def _headline(self) -> str:
        return f"{self.test} {self.statistic_text}, {p_text(self.p_value)}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        test = TESTS[self.test]
        yield f"{self.test} test of funnel plot asymmetry in {trials(self.k)} ({test.text})"
        yield ""
        if self.model == "rank":
            yield f"{self.statistic_text}, {p_text(self.p_value)}"
        else:
            yield (
                f"Slope on the {self.predictor} {number(self.estimate)}, standard error "
                f"{number(self.se)}; {self.statistic_text}, {p_text(self.p_value)}"
            )
            if self.model == "random":
                yield f"tau² {number(self.tau2)} about the line, {self.tau2_method}"
            elif self.model == "lm":
                yield f"Residual dispersion {number(self.dispersion)}"
        if self.limit is not None:
            yield f"Effect of an infinitely large trial {self.limit_text}"
        if self.direction:
            which = "larger" if self.direction > 0 else "smaller"
            yield f"Smaller trials show {which} estimates in these data"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def small_study(
    es: Contrasts | PairwiseFit,
    test: str = "Egger",
    *,
    model: str | None = None,
    predictor: str | None = None,
    tau2: str = "REML",
    exact: bool = True,
    continuity: bool = False,
    level: float = 0.95,
) -> SmallStudyTest:
    """Test whether smaller trials show other results than larger ones.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used. Harbord, Peters, Deeks, arcsine and Schwarzer need
        the counts, which :func:`equipoise.effect_sizes` keeps; Macaskill and Pustejovsky need the
        sizes of the groups.
    test
        ``Egger``, ``Thompson-Sharp``, ``Begg``, ``Harbord``, ``Peters``, ``Macaskill``,
        ``Deeks``, ``arcsine``, ``Schwarzer`` or ``Pustejovsky``.
    model
        ``lm``: weighted regression with multiplicative dispersion and t; ``random``: a variance
        between trials and z (t for Thompson–Sharp); ``common``: neither, and z (Egger only);
        ``rank``: Kendall's rank correlation. None takes what the paper of the test uses.
    predictor
        For Egger: ``sei`` (default), ``vi``, ``ni``, ``ninv``, ``sqrtni`` or ``sqrtninv``.
    tau2
        Estimator of the variance between trials about the line: ``REML``, ``DL``, ``PM``,
        ``ML`` or ``HE``.
    exact, continuity
        For ranks: the exact distribution where there are no ties and at most 300 trials; else
        the normal one, corrected for ties and, if asked for, for continuity.
    level
        Of the interval of the limit estimate.

    Returns
    -------
    SmallStudyTest

    Raises
    ------
    UnknownNameError
        An unknown test, model, predictor or estimator.
    InputError
        Counts or sizes that are not known; a predictor or model that the test does not have.
    NotEstimableError
        Fewer than three trials, or trials that are all of one size.

    Notes
    -----
    The papers are in ``methods``. Trials where nobody or everybody had the event carry no weight
    in Harbord, Peters and Schwarzer (and none in ratios), and are left out and named.

    Checked against metafor and meta in ``validation/values/bias.json``.

    Examples
    --------
    >>> from equipoise.effects.contrasts import contrasts
    >>> es = contrasts(yi=[0.1, 0.3, 0.5, 0.9], sei=[0.1, 0.2, 0.3, 0.4], measure="MD")
    >>> small_study(es).direction
    1
    """
    known = test_of(test)
    chosen = known.models[0] if model is None else model
    if chosen not in _WORDS:
        raise UnknownNameError("model", chosen, _WORDS)
    if chosen not in known.models:
        raise InputError(
            f"model {chosen!r} with {test}", hint=f"model={' or '.join(map(repr, known.models))}"
        )
    check_level(level)
    axes = lay_out(known, rows(es, least=3, what=f"{test}'s test"), predictor)
    need(axes.rows, 3, f"{test}'s test")
    if chosen == "rank":
        return _ranked(known, axes, exact, continuity, level)
    check_spread_of(axes.x, axes.what)
    return _fitted(known, axes, chosen, tau2, level)


def _fitted(test: Test, axes: Axes, model: str, tau2: str, level: float) -> SmallStudyTest:
    found: Line
    if model == "random":
        found, scale = mixed_line(axes.y, axes.x, axes.v, tau2), 1.0
    else:
        found = line(axes.y, axes.x, axes.v)
        scale = found.dispersion if model == "lm" else 1.0
    uses_t = model == "lm" or test.code == "Thompson-Sharp"
    df = float(found.df) if uses_t else math.inf
    se = math.sqrt(found.var_slope * scale)
    intercept_se = math.sqrt(found.var_intercept * scale)
    statistic = _over(found.slope, se)
    half = critical(level, df) * intercept_se
    axes = _with_perfection(axes, se)
    limit = None
    if axes.limit:
        limit = Interval(found.intercept - half, found.intercept + half, level, "limit estimate")
    towards = found.slope if axes.larger_is_smaller else -found.slope
    return _result(
        test,
        axes,
        model,
        level,
        estimate=found.slope,
        se=se,
        statistic=statistic,
        df=df,
        p_value=t_two_sided(statistic, df),
        exact=False,
        s=0,
        intercept=found.intercept,
        intercept_se=intercept_se,
        limit=limit,
        dispersion=scale,
        tau2=found.tau2,
        tau2_method=tau2 if model == "random" else "",
        direction=int(np.sign(towards)),
    )


def _with_perfection(axes: Axes, se: float) -> Axes:
    """Note a line that leaves nothing over: few estimates, or made-up ones."""
    if se > 0.0:
        return axes
    text = "The estimates lie on a line to the last digit, so there is no error to test against."
    found = replace(axes.rows, notes=(*axes.rows.notes, Note("perfect-line", text)))
    return replace(axes, rows=found)


def _over(value: float, se: float) -> float:
    if se > 0.0:
        return value / se
    return math.copysign(math.inf, value) if value else 0.0


def standardised(y: Floats, v: Floats) -> Floats:
    """Distances from the common effect over their standard errors, that of the effect included.

    Notes
    -----
    ``v - 1/sum(1/v)``, the variance of a distance, is written so that nothing cancels.
    """
    w = (1.0 / v) * float(v.min())
    total = math.fsum(w)
    at = float(y[int(np.argmin(v))])
    mean = math.fsum(w * (y - at)) / total
    others = np.array([math.fsum(np.delete(w, i)) for i in range(len(w))])
    found: Floats = ((y - at) - mean) / np.sqrt(v * others / total)
    return found


def _ranked(test: Test, axes: Axes, exact: bool, continuity: bool, level: float) -> SmallStudyTest:
    if test.code == "Schwarzer":
        y, x = axes.y, axes.x
        exact = False
    else:
        y, x = standardised(axes.y, axes.v), axes.v
    found: Kendall = kendall(y, x, exact=exact, continuity=continuity)
    towards = found.s
    return _result(
        test,
        axes,
        "rank",
        level,
        estimate=found.tau,
        se=found.se,
        statistic=found.z,
        df=math.inf,
        p_value=found.p_value,
        exact=found.exact,
        s=found.s,
        intercept=math.nan,
        intercept_se=math.nan,
        limit=None,
        dispersion=1.0,
        tau2=0.0,
        tau2_method="",
        direction=int(np.sign(towards)),
    )


def _result(test: Test, axes: Axes, model: str, level: float, **found: Any) -> SmallStudyTest:
    es = axes.rows.es
    notes = [*axes.rows.notes, *few_note(axes.rows.k), *_about(test, axes, model), NOT_PROOF]
    return SmallStudyTest(
        test=test.code,
        model=model,
        predictor=axes.what,
        measure=es.measure,
        k=axes.rows.k,
        level=level,
        study=es.study,
        y=read_only(axes.y),
        x=read_only(axes.x),
        v=read_only(axes.v),
        left_out=axes.rows.left_out,
        notes=tuple(notes),
        methods=(test.method(model),),
        **found,
    )


def _about(test: Test, axes: Axes, model: str) -> Iterator[Note]:
    """What to know about this test with this measure and these trials."""
    if float(axes.v.max() / axes.v.min()) < SIMILAR**2 and test.code != "Schwarzer":
        text = (
            "All trials are of similar size (standard errors within a factor of 1.5), so there is "
            "next to nothing to tell small-study effects by."
        )
        yield Note("similar-sizes", text)
    code = axes.rows.es.measure
    by_effect = test.code in ("Egger", "Thompson-Sharp", "Begg") and axes.what in (
        "standard error",
        "variance",
    )
    if code == "SMD" and by_effect:
        text = (
            "The standard error of a standardised mean difference grows with the difference "
            "itself, which makes a funnel asymmetric without any bias; test='Pustejovsky' lays "
            "the effects against the sizes of the groups."
        )
        yield Note("smd-artefact", text)
    if code == "OR" and by_effect:
        text = (
            "The log odds ratio and its standard error are correlated, so this test finds "
            "asymmetry too often; Harbord, Peters or arcsine are preferred where counts are known."
        )
        yield Note("or-inflation", text)
    if test.code in ("Harbord", "arcsine") and code not in ("OR", "PETO", "GEN"):
        text = f"{test.code}'s test looks at the counts, not at the measure {code} that is pooled."
        yield Note("another-measure", text)
    if test.code == "Deeks":
        yield Note("diagnostic", "Deeks' test is meant for diagnostic odds ratios.")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SmallStudyPanel(BiasResult):
    """All tests of funnel plot asymmetry that apply, side by side.

    Attributes
    ----------
    measure, k
        Code of the measure; number of trials given.
    tests
        The tests that could be run.
    recommended
        For each of them, whether it is among those recommended for the measure.
    not_run
        The others, with the reason.
    notes, methods
        What to know; the methods with their papers.
    """

    measure: str
    k: int
    tests: tuple[SmallStudyTest, ...]
    recommended: tuple[bool, ...]
    not_run: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def table(self) -> Table:
        """One row a test."""
        columns = (
            Column("test", "test"),
            Column("model", "model"),
            Column("k", "trials", "count", "right"),
            Column("statistic", "statistic"),
            Column("p_value", "p", "p", "right"),
            Column("limit", "infinitely large trial"),
            Column("recommended", "for this measure"),
        )
        body = tuple(
            (
                t.test,
                _WORDS[t.model],
                t.k,
                t.statistic_text,
                t.p_value,
                t.limit_text,
                "recommended" if good else "",
            )
            for t, good in zip(self.tests, self.recommended, strict=True)
        )
        name = measure_of(self.measure).name
        return Table(f"Tests of funnel plot asymmetry: {name}", columns, body, missing="")

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a test, uncut."""
        names = (
            *("test", "model", "predictor", "k", "estimate", "se", "statistic", "df", "p_value"),
            *("intercept", "intercept_se", "tau2", "direction"),
        )
        columns: dict[str, Any] = {n: [getattr(t, n) for t in self.tests] for n in names}
        return make_frame(columns | {"recommended": list(self.recommended)}, backend)

    def _headline(self) -> str:
        low = [t.test for t in self.tests if t.p_value < 0.1]
        said = f"p below 0.1: {', '.join(low)}" if low else "none with p below 0.1"
        return f"{self.measure} {len(self.tests)} tests, {said}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        yield from self.table().to_text().splitlines()
        for row in self.not_run:
            yield f"Not run: {row.study} ({row.why})"

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def small_study_panel(
    es: Contrasts | PairwiseFit, *, tau2: str = "REML", level: float = 0.95
) -> SmallStudyPanel:
    """Run every test of funnel plot asymmetry that applies, side by side.

    Parameters
    ----------
    es, tau2, level
        As for :func:`small_study`.

    Returns
    -------
    SmallStudyPanel
        Tests recommended for the measure are marked: Egger for mean differences and measures
        whose standard error does not depend on the effect; Harbord, Peters and arcsine for odds
        ratios; Pustejovsky for standardised mean differences. For risk ratios and risk
        differences no test is established.

    Raises
    ------
    NotEstimableError
        Fewer than three trials.

    Notes
    -----
    A test chosen beforehand, not the lowest of many p values, is the result; the panel shows
    whether the choice matters.

    Source: Sterne and others 2011, BMJ 343:d4002, doi:10.1136/bmj.d4002; Cochrane Handbook
    13.3.5.4.
    """
    found = rows(es, least=3, what="a test of asymmetry")
    code = found.es.measure
    good = RECOMMENDED.get(code, () if code in ("RR", "RD", "AS", "GEN") else (("Egger", "lm"),))
    done: list[SmallStudyTest] = []
    not_run: list[LeftOut] = []
    for test in TESTS.values():
        if test.code == "Deeks" or (test.code == "Pustejovsky" and not code.startswith("SMD")):
            continue  # made for the accuracy of diagnostic tests, and for SMD
        for model in test.models:
            if model == "common":
                continue
            try:
                done.append(small_study(es, test.code, model=model, tau2=tau2, level=level))
            except UnknownNameError:
                raise
            except EquipoiseError as why:
                if all(row.study != test.code for row in not_run):
                    not_run.append(LeftOut(test.code, why.what))
    notes = [*found.notes, *few_note(found.k)]
    if not any((t.test, t.model) in good for t in done):
        text = f"No test of asymmetry is established for {measure_of(code).name}."
        notes.append(Note("none-recommended", text))
    text = "The lowest of several p values is no result: name the test before looking."
    notes += [Note("many-tests", text), NOT_PROOF]
    methods = tuple(dict.fromkeys(m for t in done for m in t.methods))
    marks = tuple((t.test, t.model) in good for t in done)
    return SmallStudyPanel(code, found.k, tuple(done), marks, tuple(not_run), tuple(notes), methods)
