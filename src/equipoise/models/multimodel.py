"""Many models of the same trials side by side: weights, importance, averaged coefficients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, Value, counted, percent
from equipoise.effects.columns import make_frame
from equipoise.effects.contrasts import Contrasts, LeftOut
from equipoise.models.regression import own_columns, read_design, ready_rows, regress, usable_rows
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.residual import refuse_redundant
from equipoise.num.dist import critical

CRITERIA = ("AICc", "AIC", "BIC")

#: More models than this are refused: nobody has a reason for each.
_MOST = 4096

_METHOD = Method(
    "multimodel inference: weights, importance and averages by an information criterion",
    "Burnham, Anderson 2002, Model Selection and Multimodel Inference; Burnham, Anderson 2004, "
    "Sociol Methods Res 33:261",
    "10.1177/0049124104268644",
)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: its formula, parameters, likelihood, criterion, distance, weight and tau²."""

    formula: str
    terms: tuple[str, ...]
    parameters: int
    loglik: float
    criterion: float
    delta: float
    weight: float
    tau2: float


@dataclass(frozen=True, slots=True)
class Averaged:
    """A coefficient averaged over models.

    Attributes
    ----------
    name
        The coefficient.
    importance
        Sum of the weights of the models that have it.
    estimate, se, ci
        Over all models, as 0 where a model lacks it; the standard error has the spread between
        models in it.
    estimate_where_present, se_where_present
        Over the models that have it.
    """

    name: str
    importance: float
    estimate: float
    se: float
    ci: Interval
    estimate_where_present: float
    se_where_present: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MultiModel(Result):
    """All models that were compared, best first.

    Attributes
    ----------
    criterion, tau2_method, k, level
        What models are judged by; the estimator of tau²; the number of estimates, the same in all
        models; the level of intervals.
    models
        The models, best first.
    importance
        For each term, the sum of the weights of the models that have it.
    coefficients
        Averaged over the models.
    left_out, notes, methods
        Trials that lack a moderator of any model; what to know, how many models there were
        among it; the methods used.
    """

    criterion: str
    tau2_method: str
    k: int
    level: float
    models: tuple[ModelRow, ...]
    importance: dict[str, float]
    coefficients: tuple[Averaged, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    @property
    def best(self) -> ModelRow:
        """The model with the lowest criterion."""
        return self.models[0]

    def coefficient(self, name: str) -> Averaged:
        """One averaged coefficient by its name."""
        found = {c.name: c for c in self.coefficients}
        if name not in found:
            raise UnknownNameError("coefficient", name, found)
        return found[name]

    def table(self, most: int | None = None) -> Table:
        """The models, best first; the first `most` of them."""
        columns = (
            Column("formula", "Model"),
            Column("parameters", "Parameters", "count", "right"),
            Column("loglik", "Log-likelihood", align="right"),
            Column("criterion", self.criterion, align="right"),
            Column("delta", "Difference", align="right"),
            Column("weight", "Weight", align="right"),
            Column("tau2", "tau²", align="right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            tuple(getattr(m, c.key) for c in columns) for m in self.models[:most]
        )
        return Table(
            f"{counted(len(self.models), 'model')} of {counted(self.k, 'trial')}", columns, rows
        )

    def coefficient_table(self) -> Table:
        """The averaged coefficients."""
        columns = (
            Column("name", "Coefficient"),
            Column("importance", "Importance", align="right"),
            Column("estimate", "Averaged", align="right"),
            Column("se", "Standard error", align="right"),
            Column("low", f"{100 * self.level:g}% CI from", align="right"),
            Column("high", "to", align="right"),
            Column("present", "Where present", align="right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (c.name, c.importance, c.estimate, c.se, c.ci.low, c.ci.high, c.estimate_where_present)
            for c in self.coefficients
        )
        return Table("Coefficients averaged over the models", columns, rows)

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each model."""
        keys = ("formula", "parameters", "loglik", "criterion", "delta", "weight", "tau2")
        return make_frame({key: [getattr(m, key) for m in self.models] for key in keys}, backend)

    def summary(self) -> str:
        """The best models, the averaged coefficients and what to know."""
        notes = [f"Note: {note}" for note in self.notes]
        parts = [self.table(10).to_text(), "", self.coefficient_table().to_text(), *notes]
        return "\n".join(parts)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        best = self.best
        return (
            f"<MultiModel of {counted(len(self.models), 'model')} by {self.criterion}: best "
            f"{best.formula}, "
            f"weight {percent(100 * best.weight)}; k = {self.k}>"
        )

    def _repr_html_(self) -> str:
        return self.table().to_html() + self.coefficient_table().to_html()


@typed_late
def multimodel(
    es: Contrasts,
    moderators: Sequence[str],
    *,
    data: object = None,
    criterion: str = "AICc",
    interactions: bool = False,
    tau2: str = "ML",
    reference: Mapping[str, object] | None = None,
    level: float = 0.95,
) -> MultiModel:
    """Fit every combination of moderators, or the formulas given, to the same trials.

    Parameters
    ----------
    es
        Effects with their variances, one row a trial.
    moderators
        Terms (``["ablat", "year"]``), of which all subsets are fitted, the empty one among them; or
        formulas (``["~ ablat", "~ ablat * year"]``), which are fitted as they are.
    data, reference
        As for :func:`equipoise.regress`.
    criterion
        ``AICc``, ``AIC`` or ``BIC``.
    interactions
        Whether subsets may have interactions of two terms; only together with both terms.
    tau2
        ``ML``. With ``REML`` models with different moderators cannot be compared, so it is
        refused.
    level
        Level of the intervals of averaged coefficients.

    Returns
    -------
    MultiModel

    Raises
    ------
    InputError
        No moderators, more than 4096 models, another estimator than ML, or terms that say the
        same.
    NotEstimableError
        Too few trials for the largest model.

    Notes
    -----
    Trials that lack a moderator of any model are left out of all, so that likelihoods can be
    compared. The weight of a model is ``exp(-delta / 2)`` over the sum of these. An averaged
    coefficient counts as 0 in models without it; its variance is the weighted mean of variance plus
    squared distance from the average.

    Source: Burnham, Anderson 2004, Sociol Methods Res 33:261, doi:10.1177/0049124104268644,
    equation 4 and page 274 (intervals). Checked against metafor's fits in ``validation/``.
    """
    if not isinstance(es, Contrasts):
        raise InputError(
            f"a {type(es).__name__} to regress", hint="what effect_sizes() or contrasts() gives"
        )
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion", criterion, CRITERIA)
    if tau2 != "ML":
        raise InputError(f"models compared with tau² by {tau2}", hint="tau2='ML'")
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    models, whole = _models(moderators, interactions)
    source = own_columns(es) if data is None else data
    ready = ready_rows(es)
    made = read_design(es, whole, source, None, None, True, reference, ready)
    keep, left_out, notes = usable_rows(es, made, ready)
    if len(keep) <= len(made.names) + 1:
        raise NotEstimableError(
            f"{counted(len(keep), 'estimate')} for models of up to "
            f"{counted(len(made.names), 'coefficient')} and tau²",
            hint="fewer moderators",
        )
    if not any("~" in m for m in moderators):
        refuse_redundant(made.X[keep], made.names)
    inside = np.zeros(len(es), dtype=bool)
    inside[keep] = True
    rows = _only(es, inside)
    fits = [
        regress(
            rows,
            formula,
            data=source,
            tau2=tau2,
            interval="Wald",
            level=level,
            reference={n: v for n, v in (reference or {}).items() if n in formula} or None,
        )
        for formula in models
    ]
    return _compared(models, fits, criterion, level, left_out, notes)


def _only(es: Contrasts, inside: Any) -> Contrasts:
    """The same rows, with those that are not used made missing."""
    yi = np.where(inside, es.yi, np.nan)
    return Contrasts(
        measure=es.measure, study=es.study, yi=yi, vi=es.vi, n1=es.n1, n2=es.n2, raw=es.raw
    )


def _models(moderators: Sequence[str], interactions: bool) -> tuple[list[str], str]:
    """The formulas to fit, and one that has all their variables."""
    if isinstance(moderators, str) or not all(isinstance(m, str) for m in moderators):
        raise InputError("moderators that are not a list of terms", hint="['ablat', 'year']")
    given = list(dict.fromkeys(m.strip() for m in moderators))
    if not given:
        raise InputError("no moderators", hint="['ablat', 'year']")
    if any("~" in m for m in given):
        if not all("~" in m for m in given):
            raise InputError("terms and formulas together", hint="only one kind")
        bare = [m.split("~", 1)[1].strip() for m in given]
        named = [b for b in bare if b not in ("1", "0", "")]
        return [f"~ {b}" for b in bare], f"~ {' + '.join(f'({b})' for b in named) or '1'}"
    pairs = list(itertools.combinations(given, 2)) if interactions else []
    models = []
    for size in range(len(given) + 1):
        for chosen in itertools.combinations(given, size):
            allowed = [f"{a}:{b}" for a, b in pairs if a in chosen and b in chosen]
            for extra in range(len(allowed) + 1):
                models += [
                    " + ".join([*chosen, *some]) or "1"
                    for some in itertools.combinations(allowed, extra)
                ]
            if len(models) > _MOST:
                raise InputError(
                    f"more than {counted(_MOST, 'model')} of {counted(len(given), 'moderator')}",
                    hint="fewer moderators, each with a reason",
                )
    everything = " + ".join([*given, *(f"{a}:{b}" for a, b in pairs)])
    return [f"~ {m}" for m in models], f"~ {everything}"


def _compared(
    formulas: Sequence[str],
    fits: Sequence[RegressionFit],
    criterion: str,
    level: float,
    left_out: tuple[LeftOut, ...],
    notes: list[Note],
) -> MultiModel:
    values = np.array([getattr(fit.ml, criterion.lower()) for fit in fits])
    delta = values - values.min()
    weight = np.exp(-0.5 * delta)
    weight = weight / weight.sum()
    order = np.argsort(values, kind="stable").tolist()
    terms = [tuple(term for term, _ in fit.design.terms) for fit in fits]
    known = dict.fromkeys(itertools.chain.from_iterable(terms))
    names = dict.fromkeys(itertools.chain.from_iterable(fit.names for fit in fits))
    return MultiModel(
        criterion=criterion,
        tau2_method=fits[0].tau2_method,
        k=fits[0].k,
        level=level,
        models=tuple(
            ModelRow(
                formula=formulas[i],
                terms=terms[i],
                parameters=fits[i].p + 1,
                loglik=fits[i].ml.loglik,
                criterion=float(values[i]),
                delta=float(delta[i]),
                weight=float(weight[i]),
                tau2=fits[i].tau2,
            )
            for i in order
        ),
        importance={
            term: float(sum(weight[i] for i in range(len(fits)) if term in terms[i]))
            for term in known
        },
        coefficients=tuple(_averaged(name, fits, weight.tolist(), level) for name in names),
        left_out=left_out,
        notes=(*notes, *_about(len(fits), fits[0].k, len(known))),
        methods=(_METHOD, *fits[0].methods),
    )


def _averaged(
    name: str, fits: Sequence[RegressionFit], weight: Sequence[float], level: float
) -> Averaged:
    found = [
        (w, float(fit.beta[fit.names.index(name)]), float(fit.se[fit.names.index(name)]))
        for w, fit in zip(weight, fits, strict=True)
        if name in fit.names
    ]
    importance = sum(w for w, _, _ in found)
    estimate = sum(w * b for w, b, _ in found)
    spread = sum(w * (se * se + (b - estimate) ** 2) for w, b, se in found)
    # Models without the coefficient have 0 for it, without error.
    se = math.sqrt(spread + max(0.0, 1.0 - importance) * estimate**2)
    there = estimate / importance
    own = sum(w * (s * s + (b - there) ** 2) for w, b, s in found) / importance
    half = critical(level) * se
    return Averaged(
        name=name,
        importance=min(1.0, importance),
        estimate=estimate,
        se=se,
        ci=Interval(estimate - half, estimate + half, level, "averaged over models"),
        estimate_where_present=there,
        se_where_present=math.sqrt(own),
    )


def _about(count: int, k: int, terms: int) -> list[Note]:
    text = (
        f"{counted(count, 'model')} of {counted(k, 'trial')} were compared. Weights say "
        "which of these describe the "
        "trials best, not whether any is true; the p values of the best one do not know that it "
        "was chosen."
    )
    notes = [Note("many-models", text)]
    if k < 10 * terms:
        text = (
            f"{counted(k, 'trial')} for {counted(terms, 'term')}: with fewer than ten for "
            "each, the best model is often "
            "best by chance."
        )
        notes.append(Note("few-for-moderators", text))
    return notes
