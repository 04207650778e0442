"""Trim and fill: how many trials a symmetric funnel would lack, and the mean with them put in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note
from equipoise.core.table import counted
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.bias.line import LINE_TAU2, check_spread_of, line, mixed_line
from equipoise.models.bias.rows import BiasResult, effect_text, few_note, number, rows, trials
from equipoise.models.heterogeneity import Spread, estimate_tau2
from equipoise.models.pairwise import PairwiseFit, pairwise, refit

Floats = NDArray[np.float64]

SIDES = ("auto", "left", "right")

#: Rounds after which trimming that does not settle is given up.
_MOST_ROUNDS = 100

METHOD = Method(
    "trim and fill",
    "Duval, Tweedie 2000, Biometrics 56:455",
    "10.1111/j.0006-341X.2000.00455.x",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class TrimFill(BiasResult):
    """How many trials a symmetric funnel lacks, and the mean with them put in.

    Attributes
    ----------
    estimator, side, k0, k0_se
        ``L0``, ``R0`` or ``Q0``; ``left`` or ``right``, where trials are missing; how many, and
        the standard error of that number.
    p_value
        For R0: of the hypothesis that none is missing on that side; else NaN.
    observed, filled
        The analyses of the trials given and of them with those put in.
    center
        The mean about which the trials were mirrored.
    trimmed
        The studies whose mirror images were put in.
    study, yi, vi, is_filled
        All points, those that were put in last.
    notes, methods
        What to know; the methods with their papers.
    """

    estimator: str
    side: str
    k0: int
    k0_se: float
    p_value: float
    observed: PairwiseFit
    filled: PairwiseFit
    center: float
    trimmed: tuple[str, ...]
    study: tuple[str, ...]
    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    is_filled: NDArray[np.intp]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a point; `filled` marks those put in."""
        columns: dict[str, Any] = {
            "study": self.study,
            "yi": self.yi,
            "vi": self.vi,
            "filled": self.is_filled.astype(bool),
        }
        return make_frame(columns, backend)

    def _headline(self) -> str:
        change = "" if not self.k0 else f", {_text(self.observed)} becomes {_text(self.filled)}"
        return f"{self.estimator} {self.k0} put in on the {self.side}{change}"

    def _lines(self) -> Iterator[str]:
        yield f"Trim and fill of {trials(self.observed.k)}, estimator {self.estimator}"
        yield ""
        test = "" if math.isnan(self.p_value) else f"; p = {number(self.p_value, 3)} for none"
        yield (
            f"Missing on the {self.side}: {self.k0} (standard error {number(self.k0_se, 3)}){test}"
        )
        yield f"As observed: {_text(self.observed)}, tau² {number(self.observed.tau2)}"
        if self.k0:
            yield f"With them put in: {_text(self.filled)}, tau² {number(self.filled.tau2)}"
            yield f"Mirrored: {', '.join(self.trimmed)}"
        for row in self.observed.left_out:
            yield f"Left out: {row.study} ({row.why})"


def _text(fit: PairwiseFit) -> str:
    return effect_text(measure_of(fit.measure), fit.estimate, fit.ci)


@typed_late
def trim_fill(
    es: Contrasts | PairwiseFit,
    *,
    estimator: str = "L0",
    side: str = "auto",
    trim: str = "same",
    model: str | None = None,
    tau2: str | None = None,
    interval: str | None = None,
    level: float | None = None,
) -> TrimFill:
    """Estimate how many trials a symmetric funnel lacks, and the mean with them put in.

    Parameters
    ----------
    es
        Effects; or a fit, whose rows and settings are used.
    estimator
        Of the number: ``L0``, ``R0`` or ``Q0``.
    side
        Where trials are missing: ``left``, ``right``, or ``auto``: the side away from which the
        regression of the effects on their standard errors slopes.
    trim
        ``same``: trimming uses the model of the synthesis, as in metafor; ``common``: it uses a
        common effect, as meta does by default.
    model, tau2, interval, level
        As for :func:`equipoise.pairwise`; not with a fit, which has its own.

    Returns
    -------
    TrimFill

    Raises
    ------
    UnknownNameError
        An unknown estimator, side or setting.
    InputError
        Settings together with a fit.
    NotEstimableError
        Fewer than three trials, trials of one size with ``side="auto"``, or a Q0 that does not
        exist.

    Notes
    -----
    Distances that are equal share their mean rank, so that a symmetric set lacks none; of equal
    estimates the least precise is trimmed first, so that the order of the trials never matters.

    Source: Duval, Tweedie 2000, Biometrics 56:455, doi:10.1111/j.0006-341X.2000.00455.x, and
    J Am Stat Assoc 95:89, doi:10.1080/01621459.2000.10473905.

    Checked against metafor and meta in ``validation/values/bias.json``.
    """
    _check_names(estimator, side, trim)
    given = {"model": model, "tau2": tau2, "interval": interval}
    named = [name for name, value in {**given, "level": level}.items() if value is not None]
    found = rows(es, least=3, what="trim and fill")
    if isinstance(es, PairwiseFit):
        if named:
            raise InputError(
                f"{named[0]} with a fit, which has its own settings",
                hint="the effects in place of the fit",
            )
        observed = es
    else:
        observed = pairwise(es, **given, level=0.95 if level is None else level)  # type: ignore[arg-type]
    code = "" if trim == "common" or observed.model == "common" else observed.asked["tau2"]
    y, v = observed.yi, observed.vi
    where, notes = _side(y, v, code) if side == "auto" else (side, [])
    sign = 1.0 if where == "left" else -1.0
    k0, se, center, order, unsettled = _trimmed(sign * y, v, code, ESTIMATORS[estimator])
    center *= sign
    gone = order[len(y) - k0 :]
    study = (*observed.study, *(f"Filled {i + 1}" for i in range(k0)))
    yi = np.concatenate([y, 2.0 * center - y[gone]])
    vi = np.concatenate([v, v[gone]])
    filled = observed
    if k0:
        filled = refit(observed, Contrasts(observed.measure, study, yi, vi))
    return TrimFill(
        estimator=estimator,
        side=where,
        k0=k0,
        k0_se=se,
        p_value=0.5 ** (k0 + 1) if estimator == "R0" else math.nan,
        observed=observed,
        filled=filled,
        center=center,
        trimmed=tuple(observed.study[i] for i in gone),
        study=study,
        yi=read_only(yi),
        vi=read_only(vi),
        is_filled=read_only(np.arange(len(yi)) >= len(y), np.intp),
        notes=(*found.notes, *notes, *few_note(found.k), *_about(observed, unsettled)),
        methods=(METHOD, *observed.methods),
    )


def _check_names(estimator: str, side: str, trim: str) -> None:
    if estimator not in ESTIMATORS:
        raise UnknownNameError("estimator of the number missing", estimator, ESTIMATORS)
    if side not in SIDES:
        raise UnknownNameError("side", side, SIDES)
    if trim not in ("same", "common"):
        raise UnknownNameError("way to trim", trim, ("same", "common"))


def _side(y: Floats, v: Floats, code: str) -> tuple[str, list[Note]]:
    """The side where trials are missing, by the slope of the effects on their standard errors."""
    x = np.sqrt(v)
    check_spread_of(x, "standard error")
    notes = []
    if code and code not in LINE_TAU2:
        text = f"The side was found with REML about the line, which has no {code}."
        notes.append(Note("side-by-reml", text))
        code = "REML"
    slope = (mixed_line(y, x, v, code) if code else line(y, x, v)).slope
    return ("right" if slope < 0.0 else "left"), notes


def _trimmed(
    y: Floats, v: Floats, code: str, estimator: Callable[[Floats, int], tuple[float, float]]
) -> tuple[int, float, float, NDArray[np.intp], bool]:
    """The number missing on the left, its SE, the mean without as many on the right, the order."""
    k = len(y)
    order = np.lexsort((v, y))
    y, v = y[order], v[order]
    found, se, center = 0, 0.0, 0.0
    seen: list[int] = []
    while True:
        seen.append(found)
        center = _mean(y[: k - found], v[: k - found], code)
        raw, se = estimator(_signed_ranks(y - center, float(np.abs(y).max())), k)
        now = min(round(max(0.0, raw)), k - 1)
        if now == found:
            return found, se, center, order, False
        if now in seen or len(seen) > _MOST_ROUNDS:
            # It goes round in a circle: the largest number is the most cautious of them.
            found = max(seen[seen.index(now) :] if now in seen else seen)
            center = _mean(y[: k - found], v[: k - found], code)
            se = estimator(_signed_ranks(y - center, float(np.abs(y).max())), k)[1]
            return found, se, center, order, True
        found = now


def _mean(y: Floats, v: Floats, code: str) -> float:
    spread = Spread(y, v)
    t = estimate_tau2(spread, code).value if code else 0.0
    return float(spread.origin + spread.mean(t / spread.scale) * math.sqrt(spread.scale))


def _signed_ranks(away: Floats, size: float) -> Floats:
    """Ranks of the distances with the signs of the distances; ties share their mean rank."""
    far = np.abs(away)
    slack = 8.0 * 2.0**-52 * size + 1e-12 * float(far.max())
    order = np.argsort(far, kind="stable")
    ranks = np.empty(len(far))
    start = 0
    for end in range(1, len(far) + 1):
        if end == len(far) or far[order[end]] - far[order[end - 1]] > slack:
            ranks[order[start:end]] = 0.5 * (start + end + 1)
            start = end
    return np.where(far > slack, np.sign(away), 0.0) * ranks


def _wilcoxon_variance(k: int, k0: float) -> float:
    cubes = 10.0 * k0**3 + 27.0 * k0**2 + 17.0 * k0
    mixed = -18.0 * k * k0**2 - 18.0 * k * k0 + 6.0 * k * k * k0
    return (k * (k + 1.0) * (2.0 * k + 1.0) + cubes + mixed) / 24.0


def _l0(signed: Floats, k: int) -> tuple[float, float]:
    t = float(signed[signed > 0.0].sum())
    k0 = (4.0 * t - k * (k + 1.0)) / (2.0 * k - 1.0)
    return k0, 4.0 * _root(_wilcoxon_variance(k, k0)) / (2.0 * k - 1.0)


def _r0(signed: Floats, k: int) -> tuple[float, float]:
    beyond = int((signed > float((-signed).max(initial=0.0))).sum())
    k0 = beyond - 1.0
    return k0, math.sqrt(2.0 * max(0.0, k0) + 2.0)


def _q0(signed: Floats, k: int) -> tuple[float, float]:
    t = float(signed[signed > 0.0].sum())
    inside = 2.0 * k * k - 4.0 * t + 0.25
    if inside < 0.0:
        raise NotEstimableError(
            f"Q0 does not exist here: nearly all of {counted(k, 'trial')} lie on one side of "
            "the mean",
            hint="estimator='L0', or trim='same' with random effects",
        )
    k0 = k - 0.5 - math.sqrt(inside)
    below = (k - 0.5) ** 2 - k0 * (2.0 * k - k0 - 1.0)
    return k0, 2.0 * _root(_wilcoxon_variance(k, k0) / below if below > 0.0 else -1.0)


def _root(variance: float) -> float:
    """The standard error of a variance; NaN where the formula gives none."""
    return math.sqrt(variance) if variance >= 0.0 else math.nan


#: Estimators of the number missing from signed ranks: the number and its standard error.
ESTIMATORS: MappingProxyType[str, Callable[[Floats, int], tuple[float, float]]] = MappingProxyType(
    {"L0": _l0, "R0": _r0, "Q0": _q0}
)


def _about(observed: PairwiseFit, unsettled: bool) -> list[Note]:
    notes = []
    if unsettled:
        text = "Trimming went round in a circle; the largest number on it is shown."
        notes.append(Note("trimming-circle", text))
    if observed.i2 > 50.0:
        text = (
            "Trials differ much, and differences between trials look like missing ones: the number "
            "put in may have nothing to do with publication."
        )
        notes.append(Note("heterogeneity-looks-like-bias", text))
    text = (
        "A sensitivity analysis: it asks what the mean would be if the funnel were symmetric and "
        "the trials most out of place had mirror images. It neither finds missing trials nor "
        "gives a corrected effect, and its interval does not know that points were made up."
    )
    return [*notes, Note("sensitivity-analysis", text)]
