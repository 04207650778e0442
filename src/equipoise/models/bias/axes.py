"""What each test of funnel plot asymmetry lays against what: effects, sizes and weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Method
from equipoise.models.bias.rows import Rows, counts, group_sizes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axes:
    """Effects `y` with variances `v`, laid against `x`.

    Attributes
    ----------
    rows
        The rows that are left.
    y, v, x
        One value a trial; the weights are ``1 / v``.
    what
        `x` in words.
    larger_is_smaller
        Whether a larger `x` means a smaller trial.
    limit
        Whether the intercept is the effect of an infinitely large trial, on the scale of the
        measure.
    """

    rows: Rows
    y: Floats
    v: Floats
    x: Floats
    what: str
    larger_is_smaller: bool = True
    limit: bool = True


@dataclass(frozen=True, slots=True)
class Test:
    """A test of funnel plot asymmetry.

    Attributes
    ----------
    code
        Its name.
    text
        What it does, in words.
    models
        What it can be run with: ``lm``, ``random``, ``common``, ``rank``; the first is the
        default.
    axes
        Lays out the rows.
    methods
        Its papers, by model where they differ (``""`` for all).
    """

    code: str
    text: str
    models: tuple[str, ...]
    axes: Callable[[Rows], Axes]
    methods: dict[str, Method]

    def method(self, model: str) -> Method:
        """The paper for a model."""
        return self.methods.get(model, self.methods[""])


#: Predictors of the regression test: code to words and whether larger means a smaller trial.
PREDICTORS: MappingProxyType[str, tuple[str, bool]] = MappingProxyType(
    {
        "sei": ("standard error", True),
        "vi": ("variance", True),
        "ni": ("number of people", False),
        "ninv": ("inverse of the number of people", True),
        "sqrtni": ("root of the number of people", False),
        "sqrtninv": ("inverse root of the number of people", True),
    }
)


def predictor_axes(found: Rows, predictor: str) -> Axes:
    """Lay the effects against a predictor of :data:`PREDICTORS`.

    Raises
    ------
    UnknownNameError
        Another predictor.
    InputError
        Where group sizes are wanted and not known.
    """
    if predictor not in PREDICTORS:
        raise UnknownNameError("predictor", predictor, PREDICTORS)
    what, smaller = PREDICTORS[predictor]
    if predictor == "sei":
        x = np.sqrt(found.v)
    elif predictor == "vi":
        x = found.v
    else:
        n = _total(found)
        x = {"ni": n, "ninv": 1.0 / n, "sqrtni": np.sqrt(n), "sqrtninv": 1.0 / np.sqrt(n)}[
            predictor
        ]
    return Axes(found, found.y, found.v, x, what, smaller, smaller)


def _total(found: Rows) -> Floats:
    single = found.es.raw.get("n")
    if single is not None and np.isfinite(single).all():
        return single
    n1, n2 = group_sizes(found)
    return n1 + n2


def _standard_error(found: Rows) -> Axes:
    return predictor_axes(found, "sei")


def _with_events(found: Rows, test: str) -> Rows:
    """Without the trials where nobody or everybody had the event: they carry no weight."""
    e1, n1, e2, n2 = counts(found, test)
    total, people = e1 + e2, n1 + n2
    gone = np.flatnonzero((total == 0.0) | (total == people)).tolist()
    return found.without(gone, "no event, or nobody without one, in both groups")


def _harbord(found: Rows) -> Axes:
    found = _with_events(found, "Harbord's test")
    e1, n1, e2, n2 = counts(found, "Harbord's test")
    events, people = e1 + e2, n1 + n2
    score = e1 - events * n1 / people
    info = n1 * n2 * events * (people - events) / (people * people * (people - 1.0))
    what = "standard error of the score estimate"
    return Axes(found, score / info, 1.0 / info, 1.0 / np.sqrt(info), what)


def _peters(found: Rows) -> Axes:
    found = _with_events(found, "Peters' test")
    e1, n1, e2, n2 = counts(found, "Peters' test")
    events, people = e1 + e2, n1 + n2
    v = 1.0 / events + 1.0 / (people - events)
    return Axes(found, found.y, v, 1.0 / people, PREDICTORS["ninv"][0])


def _drop_empty_ratios(found: Rows, test: str) -> Rows:
    return _with_events(found, test) if found.measure.ratio else found


def _deeks(found: Rows) -> Axes:
    found = _drop_empty_ratios(found, "Deeks' test")
    _, n1, _, n2 = counts(found, "Deeks' test")
    effective = 4.0 * n1 * n2 / (n1 + n2)
    what = "inverse root of the effective number of people"
    return Axes(found, found.y, 1.0 / effective, 1.0 / np.sqrt(effective), what)


def _macaskill(found: Rows) -> Axes:
    if "events1" in found.es.raw:
        found = _drop_empty_ratios(found, "Macaskill's test")
    return predictor_axes(found, "ni")


def _arcsine(found: Rows) -> Axes:
    e1, n1, e2, n2 = counts(found, "the arcsine test")
    y = np.arcsin(np.sqrt(e1 / n1)) - np.arcsin(np.sqrt(e2 / n2))
    v = 0.25 / n1 + 0.25 / n2
    what = "standard error of the arcsine difference"
    return Axes(found, y, v, np.sqrt(v), what, limit=False)


def _pustejovsky(found: Rows) -> Axes:
    n1, n2 = group_sizes(found)
    what = "root of 1/n1 + 1/n2"
    return Axes(found, found.y, found.v, np.sqrt(1.0 / n1 + 1.0 / n2), what)


def _schwarzer(found: Rows) -> Axes:
    found = _with_events(found, "Schwarzer's test")
    e1, n1, e2, n2 = counts(found, "Schwarzer's test")
    people = n1 + n2
    half = 0.5 * ((e1 == 0.0) | (e2 == 0.0) | (e1 == n1) | (e2 == n2))
    wins = (e1 + half) * (n2 - e2 + half) / (people + 4.0 * half)
    losses = (e2 + half) * (n1 - e1 + half) / (people + 4.0 * half)
    if losses.sum() <= 0.0 or wins.sum() <= 0.0:
        raise NotEstimableError(
            "the common odds ratio is zero or infinite", hint="another test, such as 'Peters'"
        )
    odds = float(wins.sum() / losses.sum())
    moments = [_hypergeometric(*row, odds) for row in zip(e1 + e2, n1, n2, strict=True)]
    mean, var = (np.array(column) for column in zip(*moments, strict=True))
    if (var <= 0.0).any():
        raise NotEstimableError("a trial whose counts cannot vary", hint="test='Harbord'")
    z = (e1 - mean) / np.sqrt(var)
    return Axes(found, z, np.ones(len(z)), 1.0 / var, "inverse variance of the events", limit=False)


def _hypergeometric(events: float, n1: float, n2: float, odds: float) -> tuple[float, float]:
    """Mean and variance of the events of group 1, given those of both and an odds ratio."""
    x = np.arange(max(0.0, events - n2), min(events, n1) + 1.0)
    logs = x * np.log(odds) - (
        gammaln(x + 1.0)
        + gammaln(n1 - x + 1.0)
        + gammaln(events - x + 1.0)
        + gammaln(n2 - events + x + 1.0)
    )
    p = np.exp(logs - logsumexp(logs))
    mean = float(p @ x)
    return mean, float(p @ ((x - mean) ** 2))


_ALL = (
    Test(
        "Egger",
        "regression of the effects on their standard errors",
        ("lm", "random", "common"),
        _standard_error,
        {
            "": Method(
                "regression test of funnel plot asymmetry",
                "Egger, Davey Smith, Schneider, Minder 1997, BMJ 315:629",
                "10.1136/bmj.315.7109.629",
            ),
            "random": Method(
                "regression test with a variance between trials",
                "Sterne, Egger 2005, in Rothstein, Sutton, Borenstein, Publication Bias in "
                "Meta-Analysis, 99",
                "10.1002/0470870168.ch6",
            ),
        },
    ),
    Test(
        "Thompson-Sharp",
        "regression of the effects on their standard errors with a variance between trials",
        ("random",),
        _standard_error,
        {
            "": Method(
                "regression test with a variance between trials, t distribution",
                "Thompson, Sharp 1999, Stat Med 18:2693",
                "10.1002/(SICI)1097-0258(19991030)18:20<2693::AID-SIM235>3.0.CO;2-V",
            )
        },
    ),
    Test(
        "Begg",
        "rank correlation of standardised effects and variances",
        ("rank",),
        _standard_error,
        {
            "": Method(
                "rank correlation test of funnel plot asymmetry",
                "Begg, Mazumdar 1994, Biometrics 50:1088",
                "10.2307/2533446",
            )
        },
    ),
    Test(
        "Harbord",
        "regression of the score estimate of the log odds ratio on its standard error",
        ("lm",),
        _harbord,
        {
            "": Method(
                "regression test from the efficient score",
                "Harbord, Egger, Sterne 2006, Stat Med 25:3443",
                "10.1002/sim.2380",
            )
        },
    ),
    Test(
        "Peters",
        "regression of the effects on the inverse of the number of people",
        ("lm",),
        _peters,
        {
            "": Method(
                "regression test on the inverse of the number of people",
                "Peters, Sutton, Jones, Abrams, Rushton 2006, JAMA 295:676",
                "10.1001/jama.295.6.676",
            )
        },
    ),
    Test(
        "Macaskill",
        "regression of the effects on the number of people",
        ("lm",),
        _macaskill,
        {
            "": Method(
                "regression test on the number of people",
                "Macaskill, Walter, Irwig 2001, Stat Med 20:641",
                "10.1002/sim.698",
            )
        },
    ),
    Test(
        "Deeks",
        "regression of the effects on the inverse root of the effective number of people",
        ("lm",),
        _deeks,
        {
            "": Method(
                "regression test for diagnostic odds ratios",
                "Deeks, Macaskill, Irwig 2005, J Clin Epidemiol 58:882",
                "10.1016/j.jclinepi.2005.01.016",
            )
        },
    ),
    Test(
        "arcsine",
        "regression of arcsine differences on their standard errors",
        ("lm", "random", "rank"),
        _arcsine,
        {
            "": Method(
                "arcsine tests of funnel plot asymmetry",
                "Rücker, Schwarzer, Carpenter 2008, Stat Med 27:746",
                "10.1002/sim.2971",
            )
        },
    ),
    Test(
        "Schwarzer",
        "rank correlation of standardised event counts and their inverse variances",
        ("rank",),
        _schwarzer,
        {
            "": Method(
                "rank correlation test for sparse binary data",
                "Schwarzer, Antes, Schumacher 2007, Stat Med 26:721",
                "10.1002/sim.2588",
            )
        },
    ),
    Test(
        "Pustejovsky",
        "regression of the effects on the root of 1/n1 + 1/n2",
        ("lm", "random"),
        _pustejovsky,
        {
            "": Method(
                "regression test for standardised mean differences",
                "Pustejovsky, Rodgers 2019, Res Synth Methods 10:57",
                "10.1002/jrsm.1332",
            )
        },
    ),
)

#: Tests by code, in the order in which the panel shows them.
TESTS: MappingProxyType[str, Test] = MappingProxyType({t.code: t for t in _ALL})


def test_of(code: str) -> Test:
    """Return the test of that code.

    Raises
    ------
    UnknownNameError
        With the nearest known code.
    """
    if code not in TESTS:
        raise UnknownNameError("test of asymmetry", code, TESTS)
    return TESTS[code]


def lay_out(test: Test, found: Rows, predictor: str | None) -> Axes:
    """The axes of a test, with another predictor where it takes one.

    Raises
    ------
    InputError
        A predictor with a test that has its own.
    """
    if predictor is None:
        return test.axes(found)
    if test.code != "Egger":
        raise InputError(
            f"predictor {predictor!r} with {test.code}, which has its own",
            hint="test='Egger' takes any predictor",
        )
    return predictor_axes(found, predictor)
