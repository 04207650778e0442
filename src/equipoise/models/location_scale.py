"""Location-scale models: moderators of the mean effect, and of how much trials differ."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, fixed, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.contrasts import Contrasts, LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.coefficients import Coefficient, coefficients_of
from equipoise.models.design import Design, Moderators
from equipoise.models.regression import read_design, ready_rows, usable_rows
from equipoise.models.regression_parts import (
    FitStatistics,
    Predictions,
    fit_statistics,
    intervals_of,
    omnibus,
    p_text,
    qm_text,
    read_only_matrix,
)
from equipoise.models.residual import Residual, refuse_redundant
from equipoise.models.residual_tau2 import residual_tau2
from equipoise.models.scale_likelihood import LINKS, Scale, ScaleLikelihood, highest
from equipoise.num.dist import chi2_tail

_METHOD = Method(
    "location-scale model",
    "Viechtbauer, López-López 2022, Res Synth Methods 13:697",
    "10.1002/jrsm.1562",
)
INTERVALS_OF_BOTH = ("Wald", "t", "HK")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LocationScaleFit(Result):
    """Mean effects and their variance between trials, both changing with moderators.

    Attributes
    ----------
    measure, k, link, method, interval, level
        Code of the measure; number of estimates; ``log`` or ``identity``; ``REML`` or ``ML``; the
        kind of tests and intervals, and their level.
    location, scale
        Coefficients of the mean effect, and of tau² (of its logarithm with the log link).
    vcov, vcov_scale
        Their covariance matrices; that of the scale is the inverse of the observed information.
    qm, qm_df, qm_p, qs, qs_df, qs_p
        Omnibus tests of the moderators of the mean, and of those of tau².
    lrt, lrt_df, lrt_p
        Likelihood-ratio test against one tau² for all trials; None where the scale has no
        constant.
    q, q_df, q_p
        Test for residual heterogeneity.
    loglik, ml, reml
        The log-likelihood that was maximised; fit statistics by both likelihoods there.
    n_optima, starts
        How many local maxima were seen, and from how many places they were looked for.
    study, yi, vi, tau2
        The rows used, in the order given, and the tau² of each.
    location_design, scale_design
        Both designs at these rows.
    left_out, notes, methods
        Studies that could not be used, and why; what to know; the methods used.
    """

    measure: str
    k: int
    link: str
    method: str
    interval: str
    level: float
    location: tuple[Coefficient, ...]
    scale: tuple[Coefficient, ...]
    vcov: Floats
    vcov_scale: Floats
    qm: float
    qm_df: tuple[float, float]
    qm_p: float
    qs: float
    qs_df: tuple[float, float]
    qs_p: float
    lrt: float | None
    lrt_df: int
    lrt_p: float | None
    q: float
    q_df: int
    q_p: float
    loglik: float
    ml: FitStatistics
    reml: FitStatistics
    n_optima: int
    starts: int
    study: tuple[str, ...]
    yi: Floats
    vi: Floats
    tau2: Floats
    location_design: Design
    scale_design: Design
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def beta(self) -> Floats:
        """Coefficients of the mean effect."""
        return read_only([c.estimate for c in self.location])

    @property
    def alpha(self) -> Floats:
        """Coefficients of the scale."""
        return read_only([c.estimate for c in self.scale])

    def coefficient(self, name: str, of: str = "location") -> Coefficient:
        """One coefficient of the ``location`` or of the ``scale``."""
        if of not in ("location", "scale"):
            raise UnknownNameError("part", of, ("location", "scale"))
        found = {c.name: c for c in (self.location if of == "location" else self.scale)}
        if name not in found:
            raise UnknownNameError(f"coefficient of the {of}", name, found)
        return found[name]

    def predict_tau2(self, new: object = None) -> Predictions:
        """The variance between trials at values of the moderators of the scale.

        Returns
        -------
        Predictions
            Tau² with its interval (never below 0); the standard error is that of the logarithm
            with the log link. Prediction intervals are not numbers.
        """
        X = self.scale_design.X if new is None else self.scale_design.rows(new)
        mean = X @ self.alpha
        se = np.sqrt(np.einsum("ij,jk,ik->i", X, self.vcov_scale, X))
        df = np.full(len(X), self.scale[0].df)
        low, high = intervals_of(mean, se, df, self.level)
        if self.link == "log":
            mean, low, high = np.exp(mean), np.exp(low), np.exp(np.minimum(high, 700.0))
        nothing = read_only(np.full(len(X), np.nan))
        return Predictions(
            measure="GEN",
            estimate=read_only(mean),
            se=read_only(se),
            df=read_only(df),
            ci_low=read_only(np.maximum(low, 0.0)),
            ci_high=read_only(np.maximum(high, 0.0)),
            pi_low=nothing,
            pi_high=nothing,
            level=self.level,
            pi_method="none for a variance",
            X=read_only_matrix(X),
            names=self.scale_design.names,
        )

    def predict(self, new: object = None, new_scale: object = None) -> Predictions:
        """Mean effects and effects of new trials at values of the moderators.

        Parameters
        ----------
        new
            Values for the location, as for :meth:`RegressionFit.predict`; the trials' own without.
        new_scale
            Values for the scale; taken from `new` when that has them by name.

        Notes
        -----
        The prediction interval has the quantile of the confidence interval and the tau² that the
        scale gives at these values.
        """
        X = self.location_design.X if new is None else self.location_design.rows(new)
        where = new if new_scale is None else new_scale
        tau2 = self.predict_tau2(where).estimate
        if len(tau2) not in (1, len(X)):
            raise InputError(
                f"{counted(len(tau2), 'row')} for the scale and {len(X)} for the location",
                hint="one for each, or new_scale= with one row",
            )
        mean = X @ self.beta
        se = np.sqrt(np.einsum("ij,jk,ik->i", X, self.vcov, X))
        df = np.full(len(X), self.location[0].df)
        low, high = intervals_of(mean, se, df, self.level)
        pi_low, pi_high = intervals_of(mean, np.sqrt(se * se + tau2), df, self.level)
        return Predictions(
            measure=self.measure,
            estimate=read_only(mean),
            se=read_only(se),
            df=read_only(df),
            ci_low=read_only(low),
            ci_high=read_only(high),
            pi_low=read_only(pi_low),
            pi_high=read_only(pi_high),
            level=self.level,
            pi_method="quantile and variance of the confidence interval, tau² of the scale",
            X=read_only_matrix(X),
            names=self.location_design.names,
        )

    def table(self) -> Table:
        """Both sets of coefficients."""
        z = "z" if math.isinf(self.location[0].df) else "t"
        bounds = f"{100 * self.level:g}% CI from"
        columns = (
            Column("name", "Coefficient"),
            Column("estimate", "Estimate", align="right"),
            Column("se", "Standard error", align="right"),
            Column("statistic", z, align="right"),
            Column("p_value", "p", "p", "right"),
            Column("ci_low", bounds, align="right"),
            Column("ci_high", "to", align="right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (c.name, c.estimate, c.se, c.statistic, c.p_value, c.ci.low, c.ci.high)
            for c in (*self.location, *self.scale)
        )
        name = "Scale: logarithm of tau²" if self.link == "log" else "Scale: tau²"
        groups = ((0, "Location: mean effect"), (len(self.location), name))
        return Table("Coefficients", columns, rows, groups)

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each coefficient."""
        both = (*self.location, *self.scale)
        parts = ["location"] * len(self.location) + ["scale"] * len(self.scale)
        keys = ("name", "estimate", "se", "statistic", "df", "p_value")
        columns: dict[str, Any] = {key: [getattr(c, key) for c in both] for key in keys}
        bounds = {"ci_low": [c.ci.low for c in both], "ci_high": [c.ci.high for c in both]}
        return make_frame({"part": parts} | columns | bounds, backend)

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([*self._lines(), "", self.table().to_text(), *notes])

    def _lines(self) -> Iterator[str]:
        measure = measure_of(self.measure)
        scale = f", scale of analysis: {measure.scale_text}" if measure.scale_text else ""
        yield (
            f"Location-scale model of {counted(self.k, 'estimate')}, {measure.name}{scale}; "
            f"{self.method}, "
            f"{self.link} link"
        )
        yield ""
        stats = self.ml if self.method == "ML" else self.reml
        yield (
            f"log-likelihood {fixed(stats.loglik, 4)}, deviance {fixed(stats.deviance, 4)}; AIC "
            f"{fixed(stats.aic, 4)}, BIC {fixed(stats.bic, 4)}, AICc {fixed(stats.aicc, 4)}"
        )
        low, high = (significant(float(v), 4) for v in (self.tau2.min(), self.tau2.max()))
        yield f"tau² of the trials {low} to {high}"
        yield (
            f"Residual heterogeneity: QE({self.q_df}) = {significant(self.q, 5)}, "
            f"{p_text(self.q_p)}"
        )
        yield f"Test of the location: {qm_text(self.qm, self.qm_df, self.qm_p)}"
        yield f"Test of the scale: {qm_text(self.qs, self.qs_df, self.qs_p)}"
        if self.lrt is not None and self.lrt_p is not None:
            yield (
                f"Against one tau² for all: likelihood ratio {significant(self.lrt, 5)} on "
                f"{self.lrt_df} df, {p_text(self.lrt_p)}"
            )
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def __repr__(self) -> str:
        test = qm_text(self.qs, self.qs_df, self.qs_p)
        return f"<LocationScaleFit {self.measure}: scale {test}; k = {self.k}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        table = self.table().to_html()
        return f"<div>{lines}{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"


@typed_late
def location_scale(
    es: Contrasts,
    formula: Moderators = None,
    *,
    scale: Moderators,
    data: object = None,
    link: str = "log",
    method: str = "REML",
    interval: str = "Wald",
    reference: Mapping[str, object] | None = None,
    level: float = 0.95,
) -> LocationScaleFit:
    """Let moderators change the mean effect, and others or the same the variance between trials.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial.
    formula, scale
        Moderators of the mean, and of tau²: formulas, mappings or matrices as :func:`regress`
        takes them.
    data, reference
        As for :func:`regress`.
    link
        ``log``: the moderators change the logarithm of tau². ``identity``: tau² itself; refused
        where the highest likelihood has a tau² of 0 for some trial.
    method
        ``REML`` or ``ML``.
    interval
        Tests and intervals: ``Wald``, ``t`` (k - p and k - q degrees of freedom), or ``HK``
        (Knapp–Hartung for the location).
    level
        Level of all intervals.

    Returns
    -------
    LocationScaleFit

    Raises
    ------
    NotEstimableError
        No more trials than coefficients, or a likelihood without a top (tau² runs to 0 for some of
        the trials).
    InputError, UnknownNameError
        As for :func:`regress`.

    Notes
    -----
    The top is sought from a grid of starting places, from very small to very large tau² and tilted
    by each column; ``fit.starts`` says from how many and ``fit.n_optima`` how many tops were seen.
    That the highest of them is the global one is likely and not proved.

    Source: Viechtbauer, López-López 2022, Res Synth Methods 13:697, doi:10.1002/jrsm.1562.
    Checked against metafor in ``validation/``.
    """
    _check(link, method, interval, level)
    ready = ready_rows(es)
    places = read_design(es, formula, data, None, None, True, _of(reference, formula), ready)
    spread = read_design(es, scale, data, None, None, True, _of(reference, scale), ready)
    both = dataclasses.replace(places, X=np.column_stack([places.X, spread.X]))
    keep, left_out, notes = usable_rows(es, both, ready)
    places = dataclasses.replace(places, X=read_only_matrix(places.X[keep]))
    spread = dataclasses.replace(spread, X=read_only_matrix(spread.X[keep]))
    k, p, q = len(keep), len(places.names), len(spread.names)
    if k <= p + q:
        raise NotEstimableError(
            f"{counted(k, 'estimate')} for {counted(p, 'coefficient')} of the mean and {q} of tau²",
            hint="fewer moderators, or more trials",
        )
    refuse_redundant(places.X, places.names)
    refuse_redundant(spread.X, spread.names)
    data_ = Residual(es.yi[keep], es.vi[keep], places.X)
    model = ScaleLikelihood(data_, spread.X, link=link, ml=method == "ML")
    one = residual_tau2(data_, method)[0]
    found = highest(model, one.value, [es.study[i] for i in keep])
    return _fit(
        es.measure,
        tuple(es.study[i] for i in keep),
        (es.yi[keep], es.vi[keep]),
        (places, spread),
        (data_, model, found, one.value),
        (method, interval, level),
        (left_out, notes),
    )


def _check(link: str, method: str, interval: str, level: float) -> None:
    for kind, given, known in (
        ("link", link, LINKS),
        ("method", method, ("REML", "ML")),
        ("interval", interval, INTERVALS_OF_BOTH),
    ):
        if given not in known:
            raise UnknownNameError(kind, given, known)
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")


def _of(reference: Mapping[str, object] | None, formula: Moderators) -> Mapping[str, object] | None:
    """The reference levels of the variables that a formula names."""
    if not reference or not isinstance(formula, str):
        return None
    return {name: level for name, level in reference.items() if name in formula} or None


def _fit(
    measure: str,
    study: tuple[str, ...],
    rows: tuple[Floats, Floats],
    designs: tuple[Design, Design],
    search: tuple[Residual, ScaleLikelihood, Scale, float],
    settings: tuple[str, str, float],
    before: tuple[tuple[LeftOut, ...], list[Note]],
) -> LocationScaleFit:
    places, spread = designs
    data, model, found, one = search
    method, interval, level = settings
    plain = found.at.coefficients()
    factor = found.at.q / data.df if interval == "HK" else 1.0
    vcov = plain.cov * factor
    df = math.inf if interval == "Wald" else float(data.df)
    scale_df = math.inf if interval == "Wald" else float(data.k - model.q)
    L, M = np.eye(data.p)[list(places.moderators())], np.eye(model.q)[list(spread.moderators())]
    qm, qm_df, qm_p = omnibus(L @ plain.beta, L @ vcov @ L.T, df, None, L)
    qs, qs_df, qs_p = omnibus(M @ found.alpha, M @ found.vcov @ M.T, scale_df, None, M)
    lrt, lrt_df = _against_one(data, model, spread, found, one)
    q = data.q(0.0)
    ml, reml = (_statistics(data, found, model.q, restricted) for restricted in (False, True))
    return LocationScaleFit(
        measure=measure,
        k=data.k,
        link=model.link,
        method=method,
        interval=interval,
        level=level,
        location=coefficients_of(places.names, plain.beta, vcov, [df] * data.p, level, interval),
        scale=coefficients_of(
            spread.names, found.alpha, found.vcov, [scale_df] * model.q, level, interval
        ),
        vcov=read_only_matrix(vcov),
        vcov_scale=read_only_matrix(found.vcov),
        qm=qm,
        qm_df=qm_df,
        qm_p=qm_p,
        qs=qs,
        qs_df=qs_df,
        qs_p=qs_p,
        lrt=lrt,
        lrt_df=lrt_df,
        lrt_p=None if lrt is None else chi2_tail(lrt, lrt_df),
        q=q,
        q_df=data.df,
        q_p=chi2_tail(q, data.df),
        loglik=(ml if method == "ML" else reml).loglik,
        ml=ml,
        reml=reml,
        n_optima=len(found.values),
        starts=found.starts,
        study=study,
        yi=read_only(rows[0]),
        vi=read_only(rows[1]),
        tau2=read_only(found.tau2),
        location_design=places,
        scale_design=spread,
        left_out=before[0],
        notes=(*before[1], *places.notes, *spread.notes, *_about(found)),
        methods=(_METHOD,),
    )


def _against_one(
    data: Residual, model: ScaleLikelihood, spread: Design, found: Scale, one: float
) -> tuple[float | None, int]:
    """The likelihood-ratio statistic against a single tau², and its degrees of freedom."""
    if not spread.intercept or model.q == 1:
        return None, 0
    t = one / data.scale
    value = data.ml_value(t) if model.ml else data.reml_value(t)
    return max(0.0, 2.0 * (found.value - value)), model.q - 1


def _statistics(data: Residual, found: Scale, q: int, restricted: bool) -> FitStatistics:
    n = data.df if restricted else data.k
    at = found.at
    log = n * math.log(2.0 * math.pi * data.scale) - float(np.log(at.w).sum()) + at.q
    if restricted:
        log += at.log_det - data.log_det_basis
    deviance = log
    if not restricted:
        log_v = data.k * math.log(2.0 * math.pi * data.scale) + float(np.log(data.v).sum())
        deviance = log - log_v
    return fit_statistics(-0.5 * log, data.p + q, n, deviance)


def _about(found: Scale) -> list[Note]:
    notes = []
    if len(found.values) > 1:
        text = (
            f"{len(found.values)} local maxima of the likelihood were seen from {found.starts} "
            f"starting places; the second is lower by "
            f"{significant(found.values[0] - found.values[1], 3)} on the log scale. Other programs "
            "may stop at another."
        )
        notes.append(Note("several-optima", text))
    if found.runaway > -math.inf:
        text = (
            "The likelihood is higher still where tau² runs to 0 for some of the trials (by "
            f"{significant(found.runaway - found.value, 3)} on the log scale), where no standard "
            "errors exist; the highest proper maximum is shown."
        )
        notes.append(Note("scale-runs-away", text))
    return notes
