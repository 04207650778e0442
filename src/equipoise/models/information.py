"""How many people, or how much information, a synthesis needs to find an effect.

Source: Wetterslev, Thorlund, Brok, Gluud 2008, J Clin Epidemiol 61:64; 2009, BMC Med Res Methodol
9:86.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import count, counted, percent, significant
from equipoise.effects.columns import make_frame
from equipoise.models.boundaries import check_error, check_power
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import normal_quantile

SIZE = Method(
    "required information size",
    "Wetterslev, Thorlund, Brok, Gluud 2008, J Clin Epidemiol 61:64",
    "10.1016/j.jclinepi.2007.03.013",
)
DIVERSITY = Method(
    "adjustment by diversity",
    "Wetterslev, Thorlund, Brok, Gluud 2009, BMC Med Res Methodol 9:86",
    "10.1186/1471-2288-9-86",
)
ADJUSTMENTS = ("D2", "I2")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class InformationSize(Result):
    """What a synthesis needs to find an effect.

    Attributes
    ----------
    kind
        ``people``, or ``information``: the inverse of the variance of the mean.
    size
        What is needed where trials do not differ; uncut.
    adjusted
        `size` times `factor`.
    factor
        1 / (1 - `heterogeneity` / 100).
    adjustment, heterogeneity
        ``D2``, ``I2`` or "" for none; in percent.
    alpha, power
        The two-sided error of the first kind, and the power.
    target
        The effect to be found, in words.
    control_risk, risk
        Risks of the two groups, where it is one of risks.
    difference, sd
        The difference of means and the standard deviation, where it is one of means.
    effect
        The effect on the scale of analysis, for `information`.
    notes, methods
        What to know; the methods with their papers. Numbers that do not apply are not numbers.
    """

    kind: str
    size: float
    adjusted: float
    factor: float
    adjustment: str
    heterogeneity: float
    alpha: float
    power: float
    target: str
    control_risk: float
    risk: float
    difference: float
    sd: float
    effect: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def needed(self) -> str:
        """The adjusted size as a reader sees it: people are rounded up."""
        return needed_text(self.kind, self.adjusted)

    def _lines(self) -> Iterator[str]:
        yield f"Needed to find {self.target}: {self.needed}"
        yield f"Two-sided alpha {percent(100 * self.alpha)}, power {percent(100 * self.power)}"
        if self.adjustment:
            yield (
                f"{needed_text(self.kind, self.size)} where trials do not differ, times "
                f"{significant(self.factor, 4)} for {self.words}"
            )

    @property
    def words(self) -> str:
        """The adjustment in words."""
        name = {"D2": "a diversity D²", "I2": "an inconsistency I²"}.get(self.adjustment)
        if name is None:
            return "no difference between trials"
        return f"{name} of {percent(self.heterogeneity)}"

    def summary(self) -> str:
        """What is needed, and why; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("notes", "methods")]
        return make_frame({name: [getattr(self, name)] for name in names}, backend)

    def __repr__(self) -> str:
        return f"<InformationSize {self.needed} for {self.target}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines())
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


def needed_text(kind: str, size: float) -> str:
    """A size as a reader sees it: people are rounded up."""
    if kind == "people":
        return f"{count(math.ceil(size - 1e-9 * size))} people"
    return f"information {significant(size, 4)}"


@typed_late
def diversity(fit: PairwiseFit) -> float:
    """How much trials differ, as the share by which the mean's variance grows: D², in percent.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave; its tau² is used.

    Returns
    -------
    float
        ``100 (1 - V_common / V_random)``: variances of the mean by inverse-variance weights
        without and with tau². Never below I² from the same tau².

    Raises
    ------
    InputError
        For something else than a fit.

    Notes
    -----
    Source: Wetterslev et al. 2009, BMC Med Res Methodol 9:86, doi:10.1186/1471-2288-9-86.
    """
    if not isinstance(fit, PairwiseFit):
        raise InputError(f"diversity of a {type(fit).__name__}", hint="what pairwise() gives")
    scale = float(fit.vi.min())
    common = float(np.sum(scale / fit.vi))
    random = float(np.sum(scale / (fit.vi + fit.tau2)))
    return 100.0 * max(0.0, 1.0 - random / common)


@typed_late
def required_information(
    *,
    control_risk: float | None = None,
    relative_reduction: float | None = None,
    risk: float | None = None,
    difference: float | None = None,
    sd: float | None = None,
    effect: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    fit: PairwiseFit | None = None,
    adjust: str = "D2",
    heterogeneity: float | None = None,
) -> InformationSize:
    """How many people (or how much information) a synthesis needs to find an effect.

    One of three: risks, means, or an effect on the scale of analysis.

    Parameters
    ----------
    control_risk
        The risk without the treatment, with `relative_reduction` or `risk`.
    relative_reduction
        By which share the treatment lowers the risk: 0.1 for 10%, negative where it raises it.
    risk
        The risk with the treatment.
    difference, sd
        A difference of means and the standard deviation of people within groups; ``sd=1`` for a
        standardised difference.
    effect
        An effect on the scale of analysis (the logarithm of a ratio): gives the information that
        is needed, one over the variance of the mean.
    alpha, power
        Two-sided error of the first kind, and power.
    fit
        A fit whose trials' differences are taken into account.
    adjust
        By which measure of `fit` or `heterogeneity`: ``D2`` (diversity) or ``I2``.
    heterogeneity
        Diversity or I² in percent, in place of `fit`.

    Returns
    -------
    InformationSize

    Raises
    ------
    InputError
        For a risk outside 0 to 1, no effect to find, arguments that do not go together, and
        heterogeneity outside 0 to 100.
    UnknownNameError
        For another adjustment.

    Notes
    -----
    People: ``4 (z(1 - α/2) + z(power))² v / d²``, in two groups of equal size, where d is the
    difference of risks and ``v = p (1 - p)`` of their mean p, or d is the difference of means and v
    the variance within groups. Information: ``(z(1 - α/2) + z(power))² / effect²``. Where trials
    differ, divided by ``1 - D²``. Choose the effect and how much trials may differ in advance:
    both from the same trials make a size that these trials happen to reach.

    Source: Wetterslev et al. 2008, J Clin Epidemiol 61:64, doi:10.1016/j.jclinepi.2007.03.013; 2009
    in BMC Med Res Methodol 9:86, doi:10.1186/1471-2288-9-86.

    Examples
    --------
    >>> required_information(control_risk=0.045, relative_reduction=0.10)
    <InformationSize 63,446 people for a relative risk reduction of 10% from a risk of 4.5%>
    """
    check_error(alpha, "alpha")
    check_power(power)
    given = {
        "risks": (control_risk, relative_reduction, risk),
        "means": (difference, sd),
        "effect": (effect,),
    }
    asked = [name for name, values in given.items() if any(v is not None for v in values)]
    if len(asked) != 1:
        what = f"{' and '.join(asked)} together" if asked else "no effect to find"
        raise InputError(
            what, hint="control_risk with relative_reduction or risk; difference with sd; or effect"
        )
    z2 = (normal_quantile(1.0 - alpha / 2) + normal_quantile(power)) ** 2
    nan = math.nan
    if asked[0] == "risks":
        old, new = _risks(control_risk, relative_reduction, risk)
        p = 0.5 * (old + new)
        size, target = 4.0 * z2 * p * (1.0 - p) / (old - new) ** 2, _risk_words(old, new)
        kind, numbers = "people", (old, new, nan, nan, nan)
    elif asked[0] == "means":
        d, s = _number("difference", difference), _number("sd", sd)
        if not s > 0.0:
            raise InputError(f"sd {s:g}", hint="a standard deviation above 0; 1 if standardised")
        size, target = 4.0 * z2 * (s / d) ** 2, f"a difference of means of {_size(d)}"
        target += "" if s == 1.0 else f" with a standard deviation of {significant(s, 3)}"
        kind, numbers = "people", (nan, nan, d, s, nan)
    else:
        e = _number("effect", effect)
        size, target = z2 / e**2, f"an effect of {_size(e)} on the scale of analysis"
        kind, numbers = "information", (nan, nan, nan, nan, e)
    name, share, notes = _adjustment(fit, adjust, heterogeneity)
    factor = 1.0 / (1.0 - share / 100.0)
    return InformationSize(
        kind, size, size * factor, factor, name, share, alpha, power, target, *numbers, notes,
        (SIZE, *([DIVERSITY] if name else [])),
    )  # fmt: skip


def _number(name: str, value: float | None) -> float:
    if value is None:
        raise InputError(f"no {name}", hint="difference and sd, both")
    if not math.isfinite(value) or (value == 0.0 and name != "sd"):
        raise InputError(f"{name} {value:g}", hint="a finite number other than 0")
    return float(value)


def _risks(old: float | None, reduction: float | None, new: float | None) -> tuple[float, float]:
    if old is None or (reduction is None) == (new is None):
        raise InputError(
            "risks that are not complete", hint="control_risk with relative_reduction or risk"
        )
    if new is None:
        assert reduction is not None
        new = old * (1.0 - reduction)
        if reduction == 0.0:
            raise InputError("relative_reduction 0", hint="a share such as 0.1 for 10%")
    for name, value in (("control_risk", old), ("risk", new)):
        if not 0.0 <= value <= 1.0:
            cause = "" if name == "control_risk" or reduction is None else " by this reduction"
            raise InputError(
                f"{name} {value:g}{cause}", hint="shares between 0 and 1: 0.045 for 4.5%"
            )
    if old == new:
        raise InputError(f"both risks are {old:g}", hint="two risks that differ")
    return float(old), float(new)


def _risk_words(old: float, new: float) -> str:
    start = f"a risk of {significant(100 * old, 3)}%"
    if old == 0.0:
        return f"a rise from {start} to {significant(100 * new, 3)}%"
    change = 100.0 * (old - new) / old
    word = "reduction" if change > 0 else "increase"
    return f"a relative risk {word} of {significant(abs(change), 3)}% from {start}"


def _size(value: float) -> str:
    return significant(abs(value), 3)


def _adjustment(
    fit: PairwiseFit | None, adjust: str, given: float | None
) -> tuple[str, float, tuple[Note, ...]]:
    """The code of the adjustment, its size in percent, and what to know."""
    if adjust not in ADJUSTMENTS:
        raise UnknownNameError("adjustment", adjust, ADJUSTMENTS)
    if fit is not None and given is not None:
        raise InputError("a fit and a heterogeneity", hint="one of the two")
    if given is not None:
        if not 0.0 <= given < 100.0:
            raise InputError(
                f"heterogeneity {given:g}", hint="percent from 0 to below 100, such as 25"
            )
        if 0.0 < given < 1.0:
            text = f"A heterogeneity of {given:g} was taken as {given:g} percent."
            return adjust, float(given), (Note("percent-or-share", text),)
        return adjust, float(given), ()
    if fit is None:
        return "", 0.0, ()
    share = diversity(fit) if adjust == "D2" else _i2(fit)
    text = (
        f"How much trials differ was estimated from {counted(fit.k, 'trial')}, the same that "
        "may be judged by "
        "this size."
    )
    return adjust, share, (Note("heterogeneity-from-trials", text),)


def _i2(fit: PairwiseFit) -> float:
    if not isinstance(fit, PairwiseFit):
        raise InputError(f"I² of a {type(fit).__name__}", hint="what pairwise() gives")
    return min(fit.i2, 100.0 * (1.0 - 2.0**-40))
