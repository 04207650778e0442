"""Priors: for tau, the standard deviation of true effects between trials, and for effects.

Scales are those of the analysis (logs of ratios): ``half_normal(0.5)`` says that odds ratios of
trials hardly ever differ more than about sevenfold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result, html_lines
from equipoise.core.table import significant
from equipoise.effects.columns import Floats, make_frame
from equipoise.models.bayes.families import FAMILIES, Tail
from equipoise.models.bayes.published import (
    MISPRINTS,
    RHODES,
    RHODES_ANY,
    RHODES_AREAS,
    RHODES_COMPARISONS,
    TURNER,
    TURNER_2012,
    TURNER_2012_COMPARISONS,
    TURNER_2012_ONE_SOURCE,
    TURNER_ANY,
    TURNER_COMPARISONS,
)
from equipoise.num.dist import normal_quantile

__all__ = [
    "EffectPrior",
    "Prior",
    "exponential",
    "fixed",
    "flat",
    "half_cauchy",
    "half_normal",
    "half_t",
    "inverse_gamma",
    "log_normal",
    "log_t",
    "normal",
    "rhodes",
    "turner",
    "turner_2012",
    "uniform",
]

_GELMAN = Method(
    "half-t and half-Cauchy priors for a standard deviation",
    "Gelman 2006, Bayesian Anal 1:515",
    "10.1214/06-BA117A",
)
_ROEVER = Method(
    "weakly informative priors for heterogeneity",
    "Röver, Bender, Dias et al. 2021, Res Synth Methods 12:448",
    "10.1002/jrsm.1475",
)
_TURNER = Method(
    "predictive distributions of tau² from Cochrane reviews of binary outcomes",
    "Turner, Jackson, Wei, Thompson, Higgins 2015, Stat Med 34:984",
    "10.1002/sim.6381",
)
_TURNER_2012 = Method(
    "predictive distributions of tau² from Cochrane reviews of binary outcomes, nine settings",
    "Turner, Davey, Clarke, Thompson, Higgins 2012, Int J Epidemiol 41:818",
    "10.1093/ije/dys041",
)
_RHODES = Method(
    "predictive distributions of tau² from Cochrane reviews of continuous outcomes",
    "Rhodes, Turner, Higgins 2015, J Clin Epidemiol 68:52",
    "10.1016/j.jclinepi.2014.08.012",
)


@dataclass(frozen=True, slots=True, repr=False)
class Prior(Result):
    """A prior for tau.

    Attributes
    ----------
    family
        A name of :data:`equipoise.models.bayes.families.FAMILIES`, or ``fixed``.
    parameters
        In the order of the function that made it; for log-normal and log-t those of log tau.
    text
        What it is, in words.
    measure
        The measure that it was derived for; blank when it is for any.
    methods
        The papers that it comes from.
    notes
        What to know about it.
    """

    family: str
    parameters: tuple[float, ...]
    text: str
    measure: str = ""
    methods: tuple[Method, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether tau is taken as known."""
        return self.family == "fixed"

    @property
    def proper(self) -> bool:
        """Whether the density has a finite integral."""
        return not (self.family == "uniform" and math.isinf(self.parameters[0]))

    @property
    def upper(self) -> float:
        """The largest possible value; infinite for most."""
        return self.parameters[0] if self.family in ("uniform", "fixed") else math.inf

    @property
    def tail(self) -> Tail:
        """How the density falls far out."""
        return FAMILIES[self.family].tail(*self.parameters)

    @property
    def density_at_zero(self) -> float:
        """The density at 0."""
        return FAMILIES[self.family].at_zero(*self.parameters)

    def log_density(self, log_tau: Floats) -> Floats:
        """Log density of log tau."""
        return FAMILIES[self.family].log_density(log_tau, *self.parameters)

    def cdf(self, tau: float) -> float:
        """Probability that tau is at most this; not a number for an improper prior."""
        if self.fixed:
            return float(tau >= self.parameters[0])
        return FAMILIES[self.family].cdf(tau, *self.parameters) if tau > 0.0 else 0.0

    def quantile(self, p: float) -> float:
        """The value that tau is below with probability `p`; not a number for an improper prior."""
        if not 0.0 < p < 1.0:
            raise InputError(f"a probability of {p:g}", hint="a number between 0 and 1")
        if self.fixed:
            return self.parameters[0]
        return FAMILIES[self.family].quantile(p, *self.parameters)

    @property
    def median(self) -> float:
        """The median of tau."""
        return self.quantile(0.5)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row."""
        row: dict[str, Any] = {"family": self.family, "text": self.text, "measure": self.measure}
        row["median"] = self.median
        return make_frame({name: [value] for name, value in row.items()}, backend)

    def summary(self) -> str:
        """What it is, with its median and the range of 95%."""
        lines = [self.text]
        if self.proper and not self.fixed:
            low, mid, high = (significant(self.quantile(p), 3) for p in (0.025, 0.5, 0.975))
            lines.append(f"median of tau {mid}, 95% within {low} to {high}")
        lines += [f"{m.paper}, doi:{m.doi}" for m in self.methods]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def __repr__(self) -> str:
        return f"<Prior of tau: {self.text}>"


@dataclass(frozen=True, slots=True, repr=False)
class EffectPrior(Result):
    """A normal prior for effects; flat where `sd` is infinite."""

    mean: float
    sd: float

    @property
    def flat(self) -> bool:
        """Whether every value is as likely as any other."""
        return math.isinf(self.sd)

    @property
    def text(self) -> str:
        """What it is, in words."""
        if self.flat:
            return "flat"
        return f"normal({significant(self.mean, 4)}, {significant(self.sd, 4)})"

    def quantile(self, p: float) -> float:
        """The quantile of `p`; not a number when flat."""
        return math.nan if self.flat else self.mean + self.sd * normal_quantile(p)

    def __repr__(self) -> str:
        return f"<Prior of effects: {self.text}>"


def _positive(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 < number < math.inf:
        raise InputError(f"{name} {value!r}", where=f"argument {name}", hint="a number above 0")
    return number


def _finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} {value!r}", where=f"argument {name}", hint="a finite number")
    return number


def _shown(*numbers: float) -> str:
    return ", ".join(significant(n, 4) for n in numbers)


def half_normal(scale: float) -> Prior:
    """Half-normal: tau is the size of a normal variable with mean 0 and this standard deviation.

    Source: Röver et al. 2021, doi:10.1002/jrsm.1475 (0.5 or 1 for log odds ratios).
    """
    s = _positive("scale", scale)
    return Prior("half-normal", (s,), f"half-normal({_shown(s)})", methods=(_ROEVER,))


def half_t(scale: float, df: float) -> Prior:
    """Half-t with `df` degrees of freedom: as half-normal, but heavier in the tail.

    Source: Gelman 2006, doi:10.1214/06-BA117A.
    """
    s, df = _positive("scale", scale), _positive("df", df)
    name = "half-Cauchy" if df == 1.0 else "half-t"
    more = "" if df == 1.0 else f", {significant(df, 4)} df"
    return Prior("half-t", (s, df), f"{name}({_shown(s)}{more})", methods=(_GELMAN,))


def half_cauchy(scale: float) -> Prior:
    """Half-Cauchy: half-t with one degree of freedom."""
    return half_t(scale, 1.0)


def log_normal(mean: float, sd: float) -> Prior:
    """Log-normal: log tau is normal. For a prior on log tau², halve both numbers."""
    m, s = _finite("mean", mean), _positive("sd", sd)
    return Prior("log-normal", (m, s), f"log-normal({_shown(m, s)})")


def log_t(location: float, scale: float, df: float = 5.0) -> Prior:
    """Log-t: log tau has a t distribution. For a prior on log tau², halve location and scale."""
    m, s, df = _finite("location", location), _positive("scale", scale), _positive("df", df)
    return Prior("log-t", (m, s, df), f"log-t({_shown(m, s)}, {significant(df, 4)} df)")


def uniform(upper: float = math.inf) -> Prior:
    """Uniform on tau up to `upper`; without one it is improper, and few trials then say nothing.

    Source: Gelman 2006, doi:10.1214/06-BA117A.
    """
    u = math.inf if upper == math.inf else _positive("upper", upper)
    text = "uniform, improper" if math.isinf(u) else f"uniform(0 to {_shown(u)})"
    return Prior("uniform", (u,), text, methods=(_GELMAN,))


def exponential(scale: float) -> Prior:
    """Exponential with this mean."""
    s = _positive("scale", scale)
    return Prior("exponential", (s,), f"exponential({_shown(s)})", methods=(_ROEVER,))


def inverse_gamma(shape: float, scale: float) -> Prior:
    """Inverse gamma on tau². For reproducing older analyses: it comes with a warning.

    Source of the warning: Gelman 2006, section 4.3, doi:10.1214/06-BA117A.
    """
    a, b = _positive("shape", shape), _positive("scale", scale)
    note = Note(
        "inverse-gamma",
        "An inverse gamma prior of tau² rules out values near 0 by how its numbers happen to be "
        "set, and results follow it where trials are few or differ little. Hold it against a "
        "half-normal or half-t prior.",
    )
    text = f"inverse-gamma({_shown(a, b)}) on tau²"
    return Prior("inverse-gamma", (a, b), text, methods=(_GELMAN,), notes=(note,))


def fixed(tau: float) -> Prior:
    """Take tau as known; 0 gives a common effect."""
    t = _finite("tau", tau)
    if t < 0.0:
        raise InputError(f"tau {t:g}", where="argument tau", hint="0 or more")
    return Prior("fixed", (t,), f"tau known to be {_shown(t)}")


def flat() -> EffectPrior:
    """Every effect as likely as any other."""
    return EffectPrior(0.0, math.inf)


def normal(mean: float, sd: float) -> EffectPrior:
    """A normal prior for effects, on the scale of analysis."""
    return EffectPrior(_finite("mean", mean), _positive("sd", sd))


def turner(outcome: str | None = None, comparison: str | None = None) -> Prior:
    """What tau was in Cochrane reviews of binary outcomes, for log odds ratios.

    Parameters
    ----------
    outcome, comparison
        Keys of :data:`equipoise.models.bayes.published.TURNER` and ``TURNER_COMPARISONS``; without
        both, the distribution over all settings.

    Notes
    -----
    The paper gives log-normal distributions of tau²: log tau has half their mean and half their
    standard deviation.

    Source: Turner et al. 2015, table IV and page 993, doi:10.1002/sim.6381.
    """
    where = _setting(outcome, comparison, TURNER, TURNER_COMPARISONS)
    mean, sd = TURNER_ANY if where is None else TURNER[where[0]][where[1]]
    named = "any setting" if where is None else f"{outcome}, {comparison}"
    text = f"Turner 2015 ({named}): log-normal({_shown(mean, sd)}²) on tau²"
    return Prior("log-normal", (0.5 * mean, 0.5 * sd), text, "OR", (_TURNER,))


def turner_2012(outcome: str, comparison: str) -> Prior:
    """What tau was in Cochrane reviews of binary outcomes, in the paper before :func:`turner`.

    For reproducing analyses that used it: the paper of 2015 tells more types of outcome apart.

    Parameters
    ----------
    outcome
        ``all-cause mortality``, ``semi-objective outcomes`` or ``subjective outcomes``.
    comparison
        ``pharmacological vs placebo``, ``pharmacological vs pharmacological`` or
        ``non-pharmacological vs any``.

    Raises
    ------
    UnknownNameError
        On another outcome or comparison.
    InputError
        On the two settings (of nine) whose numbers a single secondary source gives.

    Notes
    -----
    The paper gives log-normal distributions of tau²: log tau has half their mean and half their
    standard deviation.

    Source: Turner et al. 2012, doi:10.1093/ije/dys041, read in secondary sources:
    :data:`equipoise.models.bayes.published.TURNER_2012`.
    """
    where = _setting(outcome, comparison, TURNER_2012, TURNER_2012_COMPARISONS)
    if where is None:
        raise InputError("a setting without outcome and comparison", hint="both, or turner()")
    mean, sd = TURNER_2012[where[0]][where[1]]
    if (outcome, comparison) in TURNER_2012_ONE_SOURCE:
        raise InputError(
            f"Turner 2012 ({outcome}, {comparison}): its numbers could be read in one secondary "
            "source only",
            where="argument comparison",
            hint=f"log_normal({_shown(0.5 * mean)}, {_shown(0.5 * sd)}), which is that of R's "
            "gemtc; or turner(outcome, comparison), the paper of 2015",
        )
    text = f"Turner 2012 ({outcome}, {comparison}): log-normal({_shown(mean, sd)}²) on tau²"
    return Prior("log-normal", (0.5 * mean, 0.5 * sd), text, "OR", (_TURNER_2012,))


def rhodes(outcome: str | None = None, comparison: str | None = None, area: str = "other") -> Prior:
    """What tau was in Cochrane reviews of continuous outcomes, for standardised mean differences.

    Parameters
    ----------
    outcome, comparison
        Keys of :data:`equipoise.models.bayes.published.RHODES` and ``RHODES_COMPARISONS``; without
        both, the distribution over all settings.
    area
        ``respiratory``, ``cancer`` or ``other`` medicine.

    Notes
    -----
    The paper gives t distributions with 5 degrees of freedom for log tau²: log tau has half their
    location and half their scale.

    Source: Rhodes et al. 2015, tables 3, A.3.1 and A.3.2, doi:10.1016/j.jclinepi.2014.08.012.
    """
    if area not in RHODES_AREAS:
        raise UnknownNameError("medical area", area, RHODES_AREAS)
    where = _setting(outcome, comparison, RHODES[area], RHODES_COMPARISONS)
    location, scale = RHODES_ANY if where is None else RHODES[area][where[0]][where[1]]
    named = "any setting" if where is None else f"{outcome}, {comparison}, {area} medicine"
    text = f"Rhodes 2015 ({named}): log-t({_shown(location, scale)}², 5 df) on tau²"
    odd = MISPRINTS.get((area, outcome or "", comparison or ""))
    notes = () if odd is None else (Note("published-number", odd),)
    return Prior("log-t", (0.5 * location, 0.5 * scale, 5.0), text, "SMD", (_RHODES,), notes)


def _setting(
    outcome: str | None,
    comparison: str | None,
    outcomes: object,
    comparisons: tuple[str, ...],
) -> tuple[str, int] | None:
    assert isinstance(outcomes, dict)
    if outcome is None and comparison is None:
        return None
    if outcome is None or comparison is None:
        missing = "outcome" if outcome is None else "comparison"
        raise InputError(f"a setting without its {missing}", hint="both, or none for any setting")
    if outcome not in outcomes:
        raise UnknownNameError("type of outcome", outcome, outcomes)
    if comparison not in comparisons:
        raise UnknownNameError("type of comparison", comparison, comparisons)
    return outcome, comparisons.index(comparison)
