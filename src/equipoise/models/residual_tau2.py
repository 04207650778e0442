"""Estimators of tau² when effects are regressed on moderators, with their intervals.

The estimators are those of :mod:`equipoise.models.heterogeneity`, with the design in the place of
the plain mean: k - p degrees of freedom, and P = W - WX(X'WX)⁻¹X'W.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method
from equipoise.effects.columns import Floats
from equipoise.models.heterogeneity import Q_PROFILE, Tau2
from equipoise.models.residual import Residual, Weighted
from equipoise.num.dist import chi2_quantile
from equipoise.num.mixture import chi2_mixture_cdf
from equipoise.num.solve import root

_EPS = 2.0**-52

_VIECHTBAUER = ("Viechtbauer 2005, J Educ Behav Stat 30:261", "10.3102/10769986030003261")
_JACKSON = ("Jackson, Turner, Rhodes, Viechtbauer 2014, BMC Med Res Methodol 14:103",)


@dataclass(frozen=True, slots=True)
class ResidualEstimator:
    """An estimator of the residual tau²: its code, how it is computed, and its paper.

    `fit` takes the data and the caller's weights (None without) and returns tau² in the units of
    the data with the places of all local maxima; `variance` gives the sampling variance of tau².
    `weights` says whether the caller's weights are needed.
    """

    code: str
    fit: Callable[[Residual, Weighted | None], tuple[float, tuple[float, ...]]]
    variance: Callable[[Residual, Weighted | None, float], float]
    method: Method
    weights: bool = False


def _reml(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return data.optima(False)


def _ml(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return data.optima(True)


def _plain(value: float) -> tuple[float, tuple[float, ...]]:
    return max(0.0, value), ()


def _dl(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    at = data.at(0.0)
    return _plain((at.q - data.df) / at.trace)


def _equal(data: Residual) -> Weighted:
    return data.weighted(np.ones(data.k))


def _he(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return _moment(data, _equal(data))


def _moment(data: Residual, at: Weighted | None) -> tuple[float, tuple[float, ...]]:
    assert at is not None
    return _plain((at.q - at.trace_with(data.v)) / at.trace)


def _hs(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return _plain((data.q(0.0) - data.k) / float((1.0 / data.v).sum()))


def _hsk(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return _plain((data.q(0.0) * data.k / data.df - data.k) / float((1.0 / data.v).sum()))


def _first_guess(data: Residual) -> float:
    return float(np.var(data.y))


def _sj(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    guess = _first_guess(data)
    return _plain(guess * data.q(guess) / data.df if guess > 0.0 else 0.0)


def _pm(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return _plain(data.solve_q(float(data.df)))


def _pmm(data: Residual, _: Weighted | None) -> tuple[float, tuple[float, ...]]:
    return _plain(data.solve_q(chi2_quantile(0.5, data.df)))


def _genqm(data: Residual, at: Weighted | None) -> tuple[float, tuple[float, ...]]:
    assert at is not None
    return _plain(_solve_generalised(data, at, 0.5))


def _solve_generalised(data: Residual, at: Weighted, probability: float) -> float:
    """The tau² at which the generalised Q has that probability of being no larger; 0 at least."""
    basis = _complement(at)

    def excess(t: float) -> float:
        rows = np.sqrt((data.v + t) * at.w)[:, None] * basis
        sizes = np.asarray(np.linalg.svd(rows, compute_uv=False), dtype=np.float64) ** 2
        return chi2_mixture_cdf(at.q, sizes) - probability

    if excess(0.0) <= 0.0:
        return 0.0
    high = max(at.q / at.trace, float(data.v[0]))
    while excess(high) > 0.0:
        high *= 4.0
    return root(excess, 0.0, high, atol=_EPS)


def _complement(at: Weighted) -> Floats:
    """Orthonormal basis of what the weighted design leaves, shape (k, k - p)."""
    design = at.root[:, None] * at.data.Z
    return np.asarray(np.linalg.qr(design, mode="complete")[0][:, at.data.p :])


def _var_reml(data: Residual, _: Weighted | None, t: float) -> float:
    return 2.0 / data.at(t).trace2


def _var_ml(data: Residual, _: Weighted | None, t: float) -> float:
    w = data.at(t).w
    return 2.0 / float(w @ w)


def _var_moment(data: Residual, at: Weighted | None, t: float) -> float:
    assert at is not None
    return 2.0 * at.trace2_with(data.v + t) / at.trace**2


def _var_dl(data: Residual, _: Weighted | None, t: float) -> float:
    return _var_moment(data, data.at(0.0), t)


def _var_he(data: Residual, _: Weighted | None, t: float) -> float:
    return _var_moment(data, _equal(data), t)


def _var_hs(data: Residual, _: Weighted | None, t: float) -> float:
    return 2.0 * data.at(0.0).trace2_with(data.v + t) / float((1.0 / data.v).sum() ** 2)


def _var_hsk(data: Residual, _: Weighted | None, t: float) -> float:
    return _var_hs(data, None, t) * (data.k / data.df) ** 2


def _var_sj(data: Residual, _: Weighted | None, t: float) -> float:
    guess = _first_guess(data)
    return 2.0 * data.at(guess).trace2_with(data.v + t) * (guess / data.df) ** 2


def _var_eb(data: Residual, _: Weighted | None, t: float) -> float:
    return 2.0 * data.k**2 / data.df / float(data.at(t).w.sum()) ** 2


def _made(*entries: ResidualEstimator) -> MappingProxyType[str, ResidualEstimator]:
    return MappingProxyType({entry.code: entry for entry in entries})


def _paper(name: str, paper: str, doi: str = "") -> Method:
    return Method(f"residual tau² {name}", paper, doi)


_MORRIS = ("Morris 1983, J Am Stat Assoc 78:47", "10.1080/01621459.1983.10477920")
_PM = ("Paule, Mandel 1982, J Res Natl Bur Stand 87:377", "10.6028/jres.087.022")

#: Estimators of the residual tau² by code.
RESIDUAL_ESTIMATORS = _made(
    ResidualEstimator(
        "REML",
        _reml,
        _var_reml,
        _paper("by restricted maximum likelihood, global optimum", *_VIECHTBAUER),
    ),
    ResidualEstimator(
        "ML", _ml, _var_ml, _paper("by maximum likelihood, global optimum", *_VIECHTBAUER)
    ),
    ResidualEstimator(
        "DL",
        _dl,
        _var_dl,
        _paper(
            "by DerSimonian and Laird",
            "Raudenbush 2009, Handbook of Research Synthesis 2nd ed., chapter 16",
        ),
    ),
    ResidualEstimator(
        "HE",
        _he,
        _var_he,
        _paper(
            "by Hedges",
            "Hedges, Olkin 1985, Statistical Methods for Meta-Analysis",
        ),
    ),
    ResidualEstimator(
        "HS",
        _hs,
        _var_hs,
        _paper("by Hunter and Schmidt", *_VIECHTBAUER),
    ),
    ResidualEstimator(
        "HSk",
        _hsk,
        _var_hsk,
        _paper(
            "by Hunter and Schmidt with a small-sample factor",
            "Brannick and others 2019, Res Synth Methods 10:464",
        ),
    ),
    ResidualEstimator(
        "SJ",
        _sj,
        _var_sj,
        _paper(
            "by Sidik and Jonkman",
            "Sidik, Jonkman 2005, Stat Med 24:1341",
            "10.1002/sim.1986",
        ),
    ),
    ResidualEstimator("EB", _pm, _var_eb, _paper("by empirical Bayes", *_MORRIS)),
    ResidualEstimator("PM", _pm, _var_eb, _paper("by Paule and Mandel", *_PM)),
    ResidualEstimator(
        "PMM",
        _pmm,
        _var_eb,
        _paper(
            "by Paule and Mandel, unbiased in the median",
            "Viechtbauer 2021, Handbook of Meta-Analysis (CRC Press), chapter 11",
        ),
    ),
    ResidualEstimator(
        "DLIT",
        _pm,
        _var_eb,
        _paper("by DerSimonian and Laird, iterated to the end", *_PM),
    ),
    ResidualEstimator(
        "SJIT",
        _pm,
        _var_eb,
        _paper("by Sidik and Jonkman, iterated to the end", *_PM),
    ),
    ResidualEstimator(
        "GENQ",
        _moment,
        _var_moment,
        _paper("by the generalised Q", *_JACKSON),
        weights=True,
    ),
    ResidualEstimator(
        "GENQM",
        _genqm,
        _var_moment,
        _paper("by the generalised Q, unbiased in the median", *_JACKSON),
        weights=True,
    ),
)

PROFILE = Method(
    "interval of tau² by profile likelihood",
    "Hardy, Thompson 1996, Stat Med 15:619",
    "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
)
GENERALISED = Method("interval of tau² by the generalised Q", *_JACKSON)
INTERVALS_OF_TAU2 = ("Q-profile", "profile", "GENQ")


def residual_estimator_of(code: str, *, weights: bool = False) -> ResidualEstimator:
    """Return the estimator of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code.
    InputError
        An estimator that needs weights, without them.
    """
    if code not in RESIDUAL_ESTIMATORS:
        raise UnknownNameError("estimator of tau²", code, RESIDUAL_ESTIMATORS)
    how = RESIDUAL_ESTIMATORS[code]
    if how.weights and not weights:
        raise InputError(f"estimator {code!r} without weights", hint="weights=1 / es.vi")
    return how


def residual_tau2(data: Residual, code: str, own: Weighted | None = None) -> tuple[Tau2, float]:
    """Estimate the residual tau² and its standard error, in the caller's units.

    Parameters
    ----------
    data
        Estimates, variances, design.
    code
        A code of :data:`RESIDUAL_ESTIMATORS`.
    own
        The regression with the caller's weights, for GENQ and GENQM.

    Source: the paper of each; standard errors as Viechtbauer 2005 has them for a plain mean.
    """
    how = residual_estimator_of(code, weights=own is not None)
    value, optima = how.fit(data, own)
    se = math.sqrt(how.variance(data, own, value)) * data.scale
    places = tuple(t * data.scale for t in optima)
    return Tau2(value * data.scale, code, max(1, len(places)), places), se


def residual_interval(
    data: Residual,
    level: float,
    how: str = "Q-profile",
    *,
    estimator: str = "REML",
    own: Weighted | None = None,
) -> tuple[Interval, Method]:
    """Compute an interval of the residual tau², in the caller's units.

    Parameters
    ----------
    data
        Estimates, variances, design.
    level
        Confidence level.
    how
        ``Q-profile``; ``profile`` (likelihood, of REML or ML); ``GENQ`` (needs weights).
    estimator, own
        The estimator of the fit, and the regression with the caller's weights.

    Raises
    ------
    UnknownNameError
        Another `how`.
    InputError
        A profile likelihood of an estimator without likelihood, or GENQ without weights.
    """
    if how not in INTERVALS_OF_TAU2:
        raise UnknownNameError("interval of tau²", how, INTERVALS_OF_TAU2)
    tail = 0.5 * (1.0 - level)
    if how == "Q-profile":
        low = data.solve_q(chi2_quantile(1.0 - tail, data.df))
        high = data.solve_q(chi2_quantile(tail, data.df))
        method = Q_PROFILE
    elif how == "profile":
        low, high = _profile(data, level, estimator)
        method = PROFILE
    else:
        if own is None:
            raise InputError("a generalised Q interval without weights", hint="weights=1 / es.vi")
        low = _solve_generalised(data, own, 1.0 - tail)
        high = _solve_generalised(data, own, tail)
        method = GENERALISED
    return Interval(low * data.scale, high * data.scale, level, how), method


def _profile(data: Residual, level: float, estimator: str) -> tuple[float, float]:
    if estimator not in ("REML", "ML"):
        raise InputError(
            f"a profile likelihood of the estimator {estimator!r}", hint="tau2='REML' or 'ML'"
        )
    value = data.reml_value if estimator == "REML" else data.ml_value
    best, optima = data.optima(estimator == "ML")
    floor = value(best) - 0.5 * chi2_quantile(level, 1)
    # Left of the first optimum that reaches the floor, and right of the last, nothing else does.
    inside = [t for t in optima if value(t) >= floor]
    first, last = inside[0], inside[-1]
    low = 0.0
    if value(0.0) < floor:
        low = root(lambda t: value(t) - floor, 0.0, first, atol=_EPS)
    high = max(2.0 * last, float(data.v[0]))
    while value(high) > floor:
        high *= 2.0
    return low, root(lambda t: value(t) - floor, last, high, atol=_EPS)
