"""Fail-safe N: how many trials without effect would overturn a result; not recommended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.rows import BiasResult, Floats, check_level, number, p_text, rows, trials
from equipoise.models.heterogeneity import Spread, estimate_tau2
from equipoise.models.pairwise import PairwiseFit
from equipoise.num.dist import normal_quantile, normal_two_sided

TYPES = ("Rosenthal", "Orwin", "Rosenberg", "general")

_METHODS = {
    "Rosenthal": Method(
        "fail-safe N of combined p values",
        "Rosenthal 1979, Psychol Bull 86:638",
        "10.1037/0033-2909.86.3.638",
    ),
    "Orwin": Method(
        "fail-safe N of a mean effect",
        "Orwin 1983, J Educ Stat 8:157",
        "10.3102/10769986008002157",
    ),
    "Rosenberg": Method(
        "fail-safe N of a weighted mean",
        "Rosenberg 2005, Evolution 59:464",
        "10.1111/j.0014-3820.2005.tb01004.x",
    ),
    "general": Method(
        "fail-safe N of a random-effects mean",
        "Viechtbauer, fail-safe N in the manual of the R package metafor",
    ),
}

#: No search goes beyond this many trials.
MOST = 100_000

NOT_RECOMMENDED = Note(
    "not-recommended",
    "The Cochrane Handbook (13.3.5.5) advises against fail-safe N: it looks at significance and "
    "not at size, assumes that hidden trials show no effect on average, leaves heterogeneity out "
    "or guesses it, and has no criterion for what is many.",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FailSafe(BiasResult):
    """How many trials without effect would overturn a result.

    Attributes
    ----------
    type
        ``Rosenthal``, ``Orwin``, ``Rosenberg`` or ``general``.
    measure, k
        Code of the measure; number of trials.
    n
        The number; 0 where the result does not stand now; 100,001 for more than that.
    alpha, target
        The level, or the mean effect, that the result is brought to (the other is NaN).
    estimate, p_value
        The mean of the trials (NaN for Rosenthal) and its p value (NaN for Orwin).
    study, yi, vi
        The trials.
    left_out, notes, methods
        What was left out and why; what to know; the methods with their papers.
    """

    type: str
    measure: str
    k: int
    n: int
    alpha: float
    target: float
    estimate: float
    p_value: float
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row."""
        names = ("type", "k", "n", "alpha", "target", "estimate", "p_value")
        return make_frame({name: [getattr(self, name)] for name in names}, backend)

    def _number(self) -> str:
        return f"more than {MOST}" if self.n > MOST else str(self.n)

    def _headline(self) -> str:
        return f"{self.type} {self._number()}; k = {self.k}"

    def _lines(self) -> Iterator[str]:
        yield (
            f"Fail-safe N ({self.type}) of {trials(self.k)}, {measure_of(self.measure).name}: "
            f"{self._number()}"
        )
        yield ""
        if not math.isnan(self.estimate):
            yield f"Mean on the scale of analysis {number(self.estimate)}"
        if not math.isnan(self.p_value):
            yield f"Now {p_text(self.p_value)}"
        if math.isnan(self.target):
            yield f"Trials without effect that would bring p above {number(self.alpha)}"
        else:
            yield f"Trials without effect that would bring the mean to {number(self.target)}"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"


@typed_late
def fail_safe(
    es: Contrasts | PairwiseFit,
    type: str = "Rosenthal",
    *,
    alpha: float = 0.05,
    target: float | None = None,
    tau2: str = "REML",
) -> FailSafe:
    """Count the trials without effect that would overturn a result.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    type
        ``Rosenthal`` (Stouffer's combined one-sided p value), ``Orwin`` (weighted mean to
        `target`), ``Rosenberg`` (two-sided p value of the common effect) or ``general`` (of the
        random-effects mean; with `target`, the mean itself).
    alpha
        The level to reach.
    target
        For Orwin and general: the mean to reach on the scale of analysis; half of the mean when
        Orwin is asked without one.
    tau2
        For general: estimator of the variance between trials.

    Returns
    -------
    FailSafe

    Raises
    ------
    UnknownNameError
        An unknown type or estimator.
    InputError
        A target of 0, or one with a type that has none.

    Notes
    -----
    In ``general``, hidden trials have the harmonic mean of the variances, average 0, and scatter
    as the trials seen do (their second moment is tau² plus that variance); tau² is estimated
    again with them.

    Checked against metafor's ``fsn`` in ``validation/values/bias.json``: Rosenthal, Orwin and
    Rosenberg are equal; general, whose hidden trials scatter otherwise there, is equal in half of
    the sets and a few percent apart in the others.
    """
    if type not in TYPES:
        raise UnknownNameError("type of fail-safe N", type, TYPES)
    check_level(alpha, "alpha")
    if target is not None and type not in ("Orwin", "general"):
        raise InputError(f"a target with {type}", hint="type='Orwin' or 'general'")
    if target is not None and not (math.isfinite(target) and target != 0.0):
        raise InputError(f"target {target:g}", hint="a mean that still matters, not 0")
    found = rows(es, least=1, what="fail-safe N")
    y, v, k = found.y, found.v, found.k
    w = 1.0 / v * float(v.min())
    mean = float(w @ y / w.sum())
    z = mean * math.sqrt(float(w.sum()) / float(v.min()))
    aim = math.nan
    n: float
    if type == "Rosenthal":
        total = abs(float((y / np.sqrt(v)).sum()))
        cut = normal_quantile(1.0 - alpha)
        n, estimate = total * total / (cut * cut) - k, math.nan
        p = 0.5 * normal_two_sided(total / math.sqrt(k))
    elif type == "Rosenberg":
        cut = normal_quantile(1.0 - 0.5 * alpha)
        n, p, estimate = k * (z * z / (cut * cut) - 1.0), normal_two_sided(z), mean
    elif type == "Orwin":
        aim = 0.5 * mean if target is None else math.copysign(target, mean)
        n, p, estimate = k * (mean - aim) / aim if aim else 0.0, math.nan, mean
    else:
        n, p, estimate, aim = _general(y, v, alpha, target, tau2)
    return FailSafe(
        type=type,
        measure=found.es.measure,
        k=k,
        n=_whole(n),
        alpha=math.nan if not math.isnan(aim) else alpha,
        target=aim,
        estimate=estimate,
        p_value=p,
        study=found.es.study,
        yi=read_only(y),
        vi=read_only(v),
        left_out=found.left_out,
        notes=(*found.notes, NOT_RECOMMENDED),
        methods=(_METHODS[type],),
    )


def _whole(n: float) -> int:
    """The next whole number; rounding of a whole one does not add a trial."""
    nearest = round(n)
    whole = nearest if abs(n - nearest) <= 1e-9 * max(1.0, abs(n)) else math.ceil(n)
    return max(0, min(whole, MOST + 1))


def _general(
    y: Floats, v: Floats, alpha: float, target: float | None, code: str
) -> tuple[float, float, float, float]:
    """The number, p value, mean and target of the random-effects mean."""
    start, p, t = _mean(y, v, code)
    aim = math.nan if target is None else math.copysign(target, start)
    common = 1.0 / float((1.0 / v).mean())
    sd = math.sqrt(t + common)

    def stands(n: int) -> bool:
        far = np.full(n - n % 2, sd * math.sqrt(n / max(1, n - n % 2)))
        far[::2] *= -1.0
        hidden = np.concatenate([far, np.zeros(n % 2)])
        mean, level, _ = _mean(
            np.concatenate([y, hidden]), np.concatenate([v, np.full(n, common)]), code
        )
        return level < alpha if math.isnan(aim) else abs(mean) > abs(aim)

    return float(_first_failure(stands)), p, start, aim


def _first_failure(stands: Callable[[int], bool]) -> int:
    """The smallest number with which the result does not stand; one more than MOST if none."""
    if not stands(0):
        return 0
    low, high = 0, 1
    while stands(high):
        low, high = high, 2 * high
        if low >= MOST:
            return MOST + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stands(middle) else (low, middle)
    return high


def _mean(y: Floats, v: Floats, code: str) -> tuple[float, float, float]:
    spread = Spread(y, v)
    t = estimate_tau2(spread, code).value
    total, mean, _, _ = spread.profile(t / spread.scale)
    estimate = spread.origin + mean * math.sqrt(spread.scale)
    return estimate, normal_two_sided(estimate / math.sqrt(spread.scale / total)), t
