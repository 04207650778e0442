"""The bootstrap of a synthesis: how its numbers would vary with other trials, or other results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.progress import Report
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, percent, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import shown
from equipoise.models.pairwise import PairwiseFit
from equipoise.models.robustness import check_fit
from equipoise.scale.batch import leave_one_out, pairwise
from equipoise.scale.fits import BatchFit

EFRON = Method(
    "bias-corrected and accelerated (BCa) bootstrap interval",
    "Efron 1987, J Am Stat Assoc 82:171",
    "10.1080/01621459.1987.10478410",
)
NOORTGATE = Method(
    "bootstrap of a meta-analysis, by trials or parametric",
    "Van den Noortgate, Onghena 2005, Behav Res Methods 37:11",
    "10.3758/BF03206394",
)

KINDS = ("trials", "parametric")
INTERVALS = ("BCa", "percentile")
#: Estimators that a batch knows.
_KNOWN = ("REML", "ML", "DL", "PM")
_HEADS = {"tau2": "tau²", "i2": "I²"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Bootstrap(Result):
    """What a synthesis gives in samples like the trials that it is of.

    Attributes
    ----------
    measure, model, tau2_method, level
        Of the fit; the level is that of the intervals here.
    kind, draws, seed
        ``trials`` or ``parametric``; how many samples; the seed that repeats them.
    names
        ``estimate``, and under random effects ``tau2`` and ``i2`` (percent).
    fitted, bias, se
        For each name: the fit's own value; the mean of the samples less that value; the standard
        deviation of the samples.
    percentile_low, percentile_high, bca_low, bca_high
        Bounds for each name, on the scale of analysis. BCa bounds that do not exist are NaN; a
        note says why.
    z0, acceleration
        The two numbers of BCa for each name.
    samples
        For each name, the value of each sample, in the order drawn.
    notes, methods
        What to know; the methods with their papers.
    """

    measure: str
    model: str
    tau2_method: str
    level: float
    kind: str
    draws: int
    seed: int
    names: tuple[str, ...]
    fitted: Floats
    bias: Floats
    se: Floats
    percentile_low: Floats
    percentile_high: Floats
    bca_low: Floats
    bca_high: Floats
    z0: Floats
    acceleration: Floats
    samples: dict[str, NDArray[np.float64]]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return self.draws

    def interval(self, of: str = "estimate", method: str = "BCa") -> Interval:
        """One interval, on the scale of analysis.

        Parameters
        ----------
        of
            ``estimate``, ``tau2`` or ``i2``.
        method
            ``BCa`` or ``percentile``.
        """
        if of not in self.names:
            raise UnknownNameError("quantity", of, self.names)
        if method not in INTERVALS:
            raise UnknownNameError("interval", method, INTERVALS)
        i = self.names.index(of)
        low, high = (
            (self.bca_low, self.bca_high)
            if method == "BCa"
            else (self.percentile_low, self.percentile_high)
        )
        return Interval(float(low[i]), float(high[i]), self.level, f"bootstrap, {method}")

    @property
    def ci(self) -> Interval:
        """The BCa interval of the mean, or its percentile interval where there is no BCa."""
        best = self.interval()
        return self.interval(method="percentile") if math.isnan(best.low) else best

    def table(self) -> Table:
        """Each quantity with both intervals, as a reader sees it: ratios, not their logs."""
        level = percent(100 * self.level)
        columns = (
            Column("name", "Quantity"),
            Column("fitted", "Fit", align="right"),
            Column("bias", "Bias", align="right"),
            Column("se", "Standard error", align="right"),
            Column("percentile", f"{level} percentile interval", align="right"),
            Column("bca", f"{level} BCa interval", align="right"),
        )
        rows: list[tuple[Value, ...]] = []
        for i, name in enumerate(self.names):
            value, both = "", []
            for method in ("percentile", "BCa"):
                interval = self.interval(name, method)
                value, text = self._texts(name, float(self.fitted[i]), interval)
                both.append(None if math.isnan(interval.low) else text)
            bias, se = (significant(float(x[i]), 3) for x in (self.bias, self.se))
            rows.append((self._head(name), value, bias, se, *both))
        return Table(self._caption(), columns, tuple(rows), missing="none")

    def _head(self, name: str) -> str:
        return _HEADS[name] if name in _HEADS else measure_of(self.measure).name

    def _texts(self, name: str, value: float, interval: Interval) -> tuple[str, str]:
        if name == "estimate":
            m = measure_of(self.measure)
            return shown(m, m.back(value), m.back_interval(interval))
        if name == "i2":
            return percent(value), f"{percent(interval.low)} to {percent(interval.high)}"
        ends = (significant(x, 4) for x in (interval.low, interval.high))
        return significant(value, 4), " to ".join(ends)

    def _caption(self) -> str:
        what = "trials drawn with replacement" if self.kind == "trials" else "parametric"
        return f"Bootstrap, {what}, {counted(self.draws, 'sample')}, seed {self.seed}"

    def summary(self) -> str:
        """The table, the scale of its columns, then what to know; digits are cut for reading."""
        lines = [self.table().to_text()]
        m = measure_of(self.measure)
        if m.back(1.0) != 1.0:
            lines.append("Bias and standard error of the mean are on the scale of analysis.")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a sample, on the scale of analysis, uncut."""
        return make_frame(dict(self.samples), backend)

    def __repr__(self) -> str:
        value, bounds = self._texts("estimate", float(self.fitted[0]), self.ci)
        return (
            f"<Bootstrap {self.kind}, {counted(self.draws, 'sample')}: {self.measure} {value} "
            f"({percent(100 * self.level)} CI {bounds}, {self.ci.method.split()[-1]})>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def bootstrap(
    fit: PairwiseFit,
    *,
    kind: str = "trials",
    draws: int = 9_999,
    seed: int = 1,
    level: float | None = None,
    backend: str = "auto",
    progress: bool | Report | None = None,
) -> Bootstrap:
    """Fit samples like the trials of a synthesis: intervals that rest on no large-sample formula.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least three trials; its model and estimator of
        tau² are used (``REML``, ``ML``, ``DL`` or ``PM``). Every fit by likelihood is proved to be
        the global optimum.
    kind
        ``trials``: as many trials, drawn with replacement, each with its variance. ``parametric``:
        the same trials with other results, normal around the mean with variance v + tau².
    draws
        How many samples; with 9,999 the ends of the usual intervals are samples themselves.
    seed
        Of NumPy's generator (PCG64): the same seed gives the same samples.
    level
        Of the intervals; that of the fit when not given.
    backend, progress
        As for :func:`equipoise.batch.pairwise`.

    Returns
    -------
    Bootstrap
        Percentile and BCa intervals of the mean and, under random effects, of tau² and I².

    Raises
    ------
    InputError
        Fewer than three trials or two draws, an estimator that a batch does not know, weights of
        one's own, a level outside 0 to 1.
    UnknownNameError
        Another kind.

    Notes
    -----
    A bound between two samples is interpolated on the normal scale (Davison & Hinkley 1997,
    *Bootstrap Methods and their Application*, equation 5.8). The acceleration of BCa is that of
    leaving each trial out in turn; in the parametric bootstrap it is 0 for the mean, whose score is
    symmetric, and for tau² and I² ``Σw³ / (6 (½Σw²)^1.5)`` with ``w = 1 / (v + tau²)``, a sixth of
    the skewness of the score of tau² (Efron 1987, section 4). Samples that equal the fit count half
    in the bias correction.

    Source: Efron 1987, J Am Stat Assoc 82:171, doi:10.1080/01621459.1987.10478410; Van den
    Noortgate & Onghena 2005, Behav Res Methods 37:11, doi:10.3758/BF03206394.
    Checked against R's package boot in ``validation/values/bootstrap.json``.

    Examples
    --------
    >>> from equipoise.models.pairwise import pairwise as pool
    >>> fit = pool({"yi": [0.1, 0.5, 0.3, 0.9], "vi": [0.02] * 4}, yi="yi", vi="vi")
    >>> bootstrap(fit, draws=999).names
    ('estimate', 'tau2', 'i2')
    """
    _check(fit, kind, draws, level)
    level = fit.level if level is None else level
    random = np.random.default_rng(seed)
    y, v, k = np.asarray(fit.yi), np.asarray(fit.vi), fit.k
    if kind == "trials":
        rows = random.integers(k, size=(draws, k))
        ys, vs = y[rows], v[rows]
    else:
        ys = fit.estimate + random.standard_normal((draws, k)) * np.sqrt(v + fit.tau2)
        vs = np.broadcast_to(v, (draws, k))
    how: dict[str, Any] = {
        "model": fit.model,
        "tau2": fit.tau2_method if fit.model == "random" else "REML",
        "interval": "Wald",
        "backend": backend,
    }
    found = pairwise(ys, vs, **how, progress=progress)
    names = ("estimate", "tau2", "i2") if fit.model == "random" else ("estimate",)
    own = pairwise(y[None, :], v[None, :], **how, progress=False)
    fitted = {name: float(getattr(own, name)[0]) for name in names}
    if kind == "trials":
        accelerations = _jackknifed(leave_one_out(y, v, **how, progress=False), names)
    else:
        accelerations = _scored(v, fit.tau2, names)
    samples = {name: read_only(np.asarray(getattr(found, name))) for name in names}
    return _result(fit, kind, seed, level, fitted, samples, accelerations, found)


def _check(fit: PairwiseFit, kind: str, draws: int, level: float | None) -> None:
    check_fit(fit)
    if kind not in KINDS:
        raise UnknownNameError("kind of bootstrap", kind, KINDS)
    if fit.k < 3:
        raise InputError(f"a bootstrap of {counted(fit.k, 'trial')}", hint="at least three trials")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
        raise InputError(f"{draws!r} draws", hint="some thousands, such as 9999")
    if fit.asked["weighting"] != "inverse variance":
        raise InputError("a bootstrap with own weights", hint="pairwise() without weights=")
    if fit.model == "random" and fit.tau2_method not in _KNOWN:
        raise InputError(
            f"a bootstrap with tau² by {fit.tau2_method}", hint=f"a fit by {', '.join(_KNOWN)}"
        )
    if level is not None and not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")


def _jackknifed(without: BatchFit, names: tuple[str, ...]) -> dict[str, float]:
    """The acceleration of each quantity from leaving each trial out in turn."""
    out = {}
    for name in names:
        values = np.asarray(getattr(without, name), dtype=np.float64)
        away = values.mean() - values
        scale = float(np.abs(away).max())
        away = away / scale if scale > 0.0 else away
        square = float((away * away).sum())
        out[name] = float((away**3).sum()) / (6.0 * square**1.5) if square > 0.0 else 0.0
    return out


def _scored(v: Floats, tau2: float, names: tuple[str, ...]) -> dict[str, float]:
    """The acceleration of each quantity from the skewness of its score."""
    w = (v + tau2).min() / (v + tau2)
    of_tau2 = float((w**3).sum() / (6.0 * (0.5 * (w * w).sum()) ** 1.5))
    return {name: 0.0 if name == "estimate" else of_tau2 for name in names}


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Both intervals of one quantity."""

    percentile: tuple[float, float]
    bca: tuple[float, float]
    z0: float
    extreme: bool


def bounds(own: float, values: Floats, acceleration: float, level: float) -> _Bounds:
    """Percentile and BCa bounds of a quantity from its samples."""
    ordered = np.sort(values)
    tails = (0.5 * (1.0 - level), 0.5 * (1.0 + level))
    plain, ends = _quantiles(ordered, tails)
    share = float((values < own).mean() + 0.5 * (values == own).mean())
    z0 = float(special.ndtri(share))
    nothing = (math.nan, math.nan)
    if not math.isfinite(z0):
        return _Bounds(plain, nothing, z0, ends)
    moved = []
    for tail in tails:
        z = z0 + float(special.ndtri(tail))
        room = 1.0 - acceleration * z
        if room <= 0.0:
            return _Bounds(plain, nothing, z0, ends)
        moved.append(float(special.ndtr(z0 + z / room)))
    bca, more = _quantiles(ordered, (moved[0], moved[1]))
    return _Bounds(plain, bca, z0, ends or more)


def _quantiles(ordered: Floats, shares: tuple[float, float]) -> tuple[tuple[float, float], bool]:
    """Quantiles of sorted samples, and whether one lies beyond the samples."""
    n = len(ordered)
    out, beyond = [], False
    for share in shares:
        rank = (n + 1) * share
        whole = round(rank)
        if math.isclose(rank, whole, rel_tol=1e-12) and 1 <= whole <= n:
            out.append(float(ordered[whole - 1]))
            continue
        low = math.floor(rank)
        if not 1 <= low < n:
            beyond = True
            out.append(float(ordered[0 if low < 1 else -1]))
            continue
        here, there = (float(special.ndtri(i / (n + 1))) for i in (low, low + 1))
        step = (float(special.ndtri(share)) - here) / (there - here)
        one, two = float(ordered[low - 1]), float(ordered[low])
        out.append(one + step * (two - one))
    return (out[0], out[1]), beyond


def _result(
    fit: PairwiseFit,
    kind: str,
    seed: int,
    level: float,
    fitted: Mapping[str, float],
    samples: dict[str, NDArray[np.float64]],
    accelerations: Mapping[str, float],
    found: BatchFit,
) -> Bootstrap:
    names = tuple(samples)
    got = {name: bounds(fitted[name], samples[name], accelerations[name], level) for name in names}

    def column(values: Any) -> Floats:
        return read_only(np.array(list(values), dtype=np.float64))

    return Bootstrap(
        measure=fit.measure,
        model=fit.model,
        tau2_method=fit.tau2_method if fit.model == "random" else "",
        level=level,
        kind=kind,
        draws=len(found),
        seed=seed,
        names=names,
        fitted=column(fitted.values()),
        bias=column(samples[name].mean() - fitted[name] for name in names),
        se=column(samples[name].std(ddof=1) for name in names),
        percentile_low=column(b.percentile[0] for b in got.values()),
        percentile_high=column(b.percentile[1] for b in got.values()),
        bca_low=column(b.bca[0] for b in got.values()),
        bca_high=column(b.bca[1] for b in got.values()),
        z0=column(b.z0 for b in got.values()),
        acceleration=column(accelerations[name] for name in names),
        samples=samples,
        notes=tuple(_notes(fit, kind, got, found)),
        methods=(NOORTGATE, EFRON, *fit.methods),
    )


def _notes(fit: PairwiseFit, kind: str, got: Mapping[str, _Bounds], found: BatchFit) -> list[Note]:
    notes = list(fit.notes)
    if kind == "trials" and fit.k < 10:
        text = (
            f"With {counted(fit.k, 'trial')}, samples of trials repeat the same few, and "
            "their intervals are "
            "too narrow; kind='parametric' does not draw trials."
        )
        notes.append(Note("few-trials-drawn", text))
    none = [_name(name) for name, b in got.items() if math.isnan(b.bca[0])]
    if none:
        text = (
            f"There is no BCa interval of {', '.join(none)}: nearly all samples lie on one side of "
            "the fit."
        )
        notes.append(Note("no-bca", text))
    ends = [_name(name) for name, b in got.items() if b.extreme]
    if ends:
        text = f"Bounds of {', '.join(ends)} are at the most extreme samples: take more draws."
        notes.append(Note("few-draws", text))
    several = int((found.n_optima > 1).sum())
    if several:
        text = (
            f"In {counted(several, 'sample')} the likelihood of tau² has several local maxima; the "
            "highest is used."
        )
        notes.append(Note("several-optima-drawn", text))
    return notes


def _name(name: str) -> str:
    return _HEADS.get(name, "the mean")
