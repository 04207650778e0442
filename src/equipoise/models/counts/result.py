"""What a fit of counts gives, and how it reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.provenance import Quantity
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import MINUS, fixed, kept, p_value, percent, show, significant
from equipoise.core.table import ratio as ratio_of
from equipoise.effects.blocks import LeftOut
from equipoise.effects.columns import make_frame
from equipoise.models.counts.tables import Scale, scale_of


@dataclass(frozen=True, slots=True)
class CountTest:
    """A test that goes with a fit.

    Attributes
    ----------
    name
        Such as ``Cochran–Mantel–Haenszel``.
    asks
        ``effect`` (no difference in any trial) or ``heterogeneity`` (the same effect in all).
    statistic, df, p_value
        Chi-squared statistic, its degrees of freedom and upper tail.
    k
        Trials that it rests on.
    """

    name: str
    asks: str
    statistic: float
    df: int
    p_value: float
    k: int


@dataclass(frozen=True, slots=True)
class Convergence:
    """How well an optimum is known.

    Attributes
    ----------
    gradient
        Largest step, in standard errors, that the score at the optimum still asks for.
    nodes
        Quadrature nodes for each random effect; 0 where there is no integral.
    quadrature_error
        Change of the log-likelihood when the nodes are doubled.
    n_optima
        Local maxima found over the variance between trials.
    """

    gradient: float
    nodes: int
    quadrature_error: float
    n_optima: int


@dataclass(frozen=True, slots=True)
class CountsOnReaderScale:
    """Estimate and intervals as a reader sees them: ratios, not their logs."""

    estimate: float
    ci: Interval
    pi: Interval | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CountsFit(Result):
    """An effect pooled from counts.

    Everything is on the scale of analysis (logs of ratios); :meth:`back` gives the reader's.

    Attributes
    ----------
    measure, model, effects
        Code of the measure; code of the model; ``common`` or ``random``.
    k, k_total
        Trials that bear on the result, and trials that were given.
    estimate, se, statistic, df, p_value
        The effect, its standard error, z or t statistic, degrees of freedom (infinite for z) and
        two-sided p value.
    ci, interval, level
        Confidence interval with its method in words, the code of that method, and the level.
    tau2, tau2_ci
        Variance of true effects between trials; None for models without one. Its
        profile-likelihood interval, None where there is none.
    sigma2
        Variance of the trials' baselines (``UM.RS``), else None.
    icc
        Correlation of people within a group (``BB``), else None.
    i2, h2
        I² in percent and H²; not a number where they have no meaning.
    tests
        Tests of the effect and of heterogeneity.
    pi
        Prediction interval for the true effect in a new trial.
    log_lik, aic, bic
        Log-likelihood with all its constants, and the criteria; not a number without a likelihood.
    convergence
        How well the optimum is known; None for closed forms.
    study, events1, size1, events2, size2
        All trials given that could be read; sizes are people, or person-time for rates.
    used
        Which of them bear on the result.
    yi, vi
        Each trial's own estimate and variance (half an event in every cell of trials with a zero;
        not a number without any event), for showing beside the result.
    weights
        Percent of the weight; not a number for models that have no weights.
    double_zero
        Trials in which nobody (or everybody) had the event.
    left_out
        Rows that could not be read, and why.
    notes, methods
        What to know about the result; the methods used, with their papers.
    """

    measure: str
    model: str
    effects: str
    k: int
    k_total: int
    estimate: float
    se: float
    ci: Interval
    interval: str
    statistic: float
    df: float
    p_value: float
    level: float
    tau2: float | None
    tau2_ci: Interval | None
    sigma2: float | None
    icc: float | None
    i2: float
    h2: float
    tests: tuple[CountTest, ...]
    pi: Interval | None
    log_lik: float
    aic: float
    bic: float
    convergence: Convergence | None
    study: tuple[str, ...]
    events1: NDArray[np.float64]
    size1: NDArray[np.float64]
    events2: NDArray[np.float64]
    size2: NDArray[np.float64]
    used: NDArray[np.bool_]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    weights: NDArray[np.float64]
    double_zero: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def back(self) -> CountsOnReaderScale:
        """The effect and its intervals on the reader's scale."""
        scale = scale_of(self.measure)
        pi = None if self.pi is None else _back(scale, self.pi)
        return CountsOnReaderScale(scale.back(self.estimate), _back(scale, self.ci), pi)

    def test(self, name: str) -> CountTest | None:
        """The test of that name, None where the model does not have it."""
        return next((t for t in self.tests if t.name == name), None)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a trial."""
        size = "time" if scale_of(self.measure).time else "n"
        return make_frame(
            {
                "study": self.study,
                "events1": self.events1,
                f"{size}1": self.size1,
                "events2": self.events2,
                f"{size}2": self.size2,
                "used": self.used,
                "yi": self.yi,
                "vi": self.vi,
                "weight": self.weights,
            },
            backend,
        )

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        scale = scale_of(self.measure)
        yield f"{MODEL_NAMES[self.model]}, {self.effects} effect{'s' * (self.effects != 'common')}"
        yield (
            f"{scale.name.capitalize()} from {_trials(self.k)} of {self.k_total}; "
            f"{self._events(1)} against {self._events(2)} events"
        )
        yield ""
        yield from self._spread_lines()
        for test in self.tests:
            if test.asks == "heterogeneity":
                yield f"{test.name} {significant(test.statistic, 5)} on {test.df} df, {_p(test)}"
        yield f"{scale.name} {self._shown()}, {self.ci.method}"
        sign = "z" if math.isinf(self.df) else "t"
        df = "" if math.isinf(self.df) else f" on {self.df:g} df"
        log = " (scale of analysis: log)" if scale.ratio else ""
        yield (
            f"{sign} {fixed(self.statistic, 2)}{df}, {_p(self)}; estimate "
            f"{significant(self.estimate, 5)}, standard error {significant(self.se, 4)}{log}"
        )
        for test in self.tests:
            if test.asks == "effect":
                yield f"{test.name} {significant(test.statistic, 5)} on {test.df} df, {_p(test)}"
        if self.pi is not None:
            yield (
                f"{percent(100 * self.level)} prediction interval "
                f"{shown_bounds(scale, _back(scale, self.pi))}, {self.pi.method}"
            )
        if math.isfinite(self.log_lik):
            yield f"Log-likelihood {fixed(self.log_lik, 4)}, AIC {fixed(self.aic, 2)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def _spread_lines(self) -> Iterator[str]:
        if self.tau2 is not None and self.effects == "random":
            ci = self.tau2_ci
            of = "" if ci is None else f" ({significant(ci.low)} to {significant(ci.high)})"
            i2 = f"; I² {percent(self.i2)}, H² {significant(self.h2, 4)}"
            yield f"tau² {significant(self.tau2, 4)}{of}{i2 if math.isfinite(self.i2) else ''}"
        elif math.isfinite(self.i2):
            yield f"I² {percent(self.i2)}; H² {significant(self.h2, 4)}"
        if self.sigma2 is not None:
            yield f"Variance of the baselines {significant(self.sigma2, 4)}"
        if self.icc is not None:
            yield f"Correlation within groups {significant(self.icc, 4)}"

    def _events(self, side: int) -> str:
        events, size = (self.events1, self.size1) if side == 1 else (self.events2, self.size2)
        return f"{fixed(math.fsum(events), 0)}/{fixed(math.fsum(size), 0)}"

    def _shown(self) -> str:
        back = self.back()
        scale = scale_of(self.measure)
        value = shown_value(scale, back.estimate, back.ci)
        return f"{value} ({percent(100 * self.level)} CI {shown_bounds(scale, back.ci)})"

    def __repr__(self) -> str:
        spread = "" if not self.tau2 else f"; tau² {significant(self.tau2)}"
        return f"<CountsFit {self.measure} {self.model} {self._shown()}{spread}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


#: Models by code, in words.
MODEL_NAMES: dict[str, str] = {
    "MH": "Mantel–Haenszel",
    "Peto": "Peto's one-step method",
    "exact": "Exact conditional inference",
    "UM.FS": "Logistic or Poisson model, fixed trial effects (UM.FS)",
    "UM.RS": "Logistic or Poisson model, random trial effects (UM.RS)",
    "CM.EL": "Conditional model, exact likelihood (CM.EL)",
    "CM.AL": "Conditional model, approximate likelihood (CM.AL)",
    "BB": "Beta-binomial model",
    "Firth": "Firth's penalised logistic regression",
    "IV": "Inverse variance with half an event added to empty cells",
    "collapsed": "All trials added up as if they were one",
}


def _trials(k: int) -> str:
    return f"{k} trial{'s' * (k != 1)}"


def _p(of: CountTest | CountsFit) -> str:
    text = p_value(of.p_value)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def _back(scale: Scale, ci: Interval) -> Interval:
    return Interval(scale.back(ci.low), scale.back(ci.high), ci.level, ci.method)


#: Ratios beyond this are printed as such.
_HUGE = 1e6


def _ratio_text(value: float, text: str) -> str:
    if _HUGE < value < math.inf:
        return f"> {fixed(_HUGE, 0)}"
    return fixed(value, 0) if math.isinf(value) else text


def _decimals(ci: Interval) -> int:
    width = ci.high - ci.low
    return 4 if not 0.0 < width < math.inf else max(1, 1 - math.floor(math.log10(width)))


def shown_value(scale: Scale, value: float, ci: Interval) -> str:
    """Write an estimate of the reader's scale; a difference with two digits of the width."""
    if scale.ratio:
        return _ratio_text(value, show(Quantity("", min(value, _HUGE), "RATIO", "", "")).value)
    return fixed(value, _decimals(ci))


def shown_bounds(scale: Scale, ci: Interval) -> str:
    """Write an interval of the reader's scale, never across the value of no difference."""
    if scale.ratio:
        low, high = (_ratio_text(v, ratio_of(min(v, _HUGE))) for v in (ci.low, ci.high))
        return f"{low} to {high}"
    decimals = _decimals(ci)
    low, high = (kept(bound, decimals, (0.0,)) for bound in (ci.low, ci.high))
    return f"{low.replace('-', MINUS)} to {high.replace('-', MINUS)}"
