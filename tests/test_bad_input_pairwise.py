"""Pairwise synthesis and all that is asked of it, with odd arguments and odd trials.

The law: a typed error that says what to try, or a result. No warning, and no error from a library.
"""

from __future__ import annotations

import datetime
import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import equipoise as eq
from equipoise.core.errors import EquipoiseError

K = 12
_RNG = np.random.default_rng(1)
COUNTS = {
    "events1": _RNG.integers(2, 20, K),
    "n1": 50 + _RNG.integers(0, 9, K),
    "events2": _RNG.integers(2, 20, K),
    "n2": np.full(K, 50),
}
ODDS = eq.effect_sizes("OR", **COUNTS)
FIT = eq.pairwise(ODDS)
DOSE = {"x": np.arange(float(K))}
REGRESSION = eq.regress(ODDS, "~ x", data=DOSE)
THREE = ["a", "b", "c"] * 4
SMALL = eq.pairwise(eq.contrasts(yi=[0.1, 0.3, 0.2, 0.5], vi=[0.1, 0.2, 0.3, 0.2]))

#: What is asked, by name: the arguments in place and by name of a sound call.
QUESTIONS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "effect_sizes": ((), {"measure": "OR", **COUNTS}),
    "contrasts": ((), {"yi": [0.1, 0.2, 0.3], "vi": [0.1, 0.1, 0.2]}),
    "pairwise": ((ODDS,), {}),
    "regress": ((ODDS, "~ x"), {"data": DOSE}),
    "subgroups": ((ODDS,), {"by": THREE}),
    "permutation_test": ((REGRESSION,), {"iterations": 20}),
    "multimodel": ((ODDS, ["x"]), {"data": DOSE}),
    "location_scale": ((ODDS,), {"scale": "~ x", "data": DOSE}),
    "multilevel": ((ODDS,), {"random": "~ 1 | study"}),
    "robust": ((FIT,), {"cluster": THREE}),
    "vcalc": ((ODDS.vi,), {"cluster": THREE, "rho": 0.5}),
    "aggregate": ((ODDS,), {"cluster": THREE, "rho": 0.5}),
    "leave_one_out": ((FIT,), {}),
    "influence": ((FIT,), {}),
    "cumulative": ((FIT,), {}),
    "baujat": ((FIT,), {}),
    "gosh": ((SMALL,), {}),
    "small_study": ((ODDS,), {}),
    "small_study_panel": ((ODDS,), {}),
    "trim_fill": ((ODDS,), {}),
    "pet_peese": ((ODDS,), {}),
    "limit_meta": ((ODDS,), {}),
    "henmi_copas": ((ODDS,), {}),
    "selection": ((ODDS,), {"alternative": "greater"}),
    "fail_safe": ((ODDS,), {}),
    "excess_significance": ((ODDS,), {}),
    "counts": ((ODDS,), {}),
    "counts_ladder": ((ODDS,), {}),
    "bootstrap": ((FIT,), {"draws": 50}),
    "forest": ((FIT,), {}),
    "funnel": ((FIT,), {}),
    "radial": ((FIT,), {}),
    "labbe": ((FIT,), {}),
    "drapery": ((FIT,), {}),
    "bubble": ((REGRESSION, "x"), {}),
    "plot_baujat": ((FIT,), {}),
    "plot_influence": ((eq.influence(FIT),), {}),
    "plot_ladder": ((eq.counts_ladder(ODDS),), {}),
    "plot_gosh": ((eq.gosh(SMALL),), {}),
    "funnel_data": ((FIT,), {}),
}
ODD: list[Any] = [
    *(None, "nobody", -1, 0, 2.5, math.nan, math.inf, 1e300, True, b"x", [], {}),
    *([1, "x"], [math.nan] * K, ["a"] * K, object(), datetime.date(2020, 1, 1)),
]


def refusal(ask: Callable[[], Any]) -> str:
    """The words of a typed error; nothing where there is a result."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            ask()
        except EquipoiseError as error:
            return str(error)
    return ""


def sound_call(name: str) -> tuple[inspect.Signature, dict[str, Any]]:
    here, named = QUESTIONS[name]
    signature = inspect.signature(getattr(eq, name))
    return signature, dict(signature.bind(*here, **named).arguments)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_sound_call_is_answered(name: str) -> None:
    here, named = QUESTIONS[name]
    assert refusal(lambda: getattr(eq, name)(*here, **named)) == ""


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_odd_argument_is_named_or_makes_sense(name: str) -> None:
    signature, sound = sound_call(name)
    fixed = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = {k: v for k, v in sound.items() if k not in fixed}
    for argument in fixed:
        for value in ODD:
            given = {k: v for k, v in sound.items() if k in fixed} | {argument: value}
            extra = next(iter(more.values()), {})
            said = refusal(lambda given=given, extra=extra: getattr(eq, name)(**given, **extra))
            assert not said or "Try: " in said, (argument, value, said)


@pytest.mark.parametrize(
    ("name", "argument", "value", "words"),
    [
        ("pairwise", "level", "95%", "level='95%' (argument level). Try: a number"),
        ("pairwise", "tau2", ["DL"], "tau2=['DL'] (argument tau2). Try: text or a number"),
        ("pairwise", "preset", {}, "preset={} (argument preset). Try: text"),
        ("effect_sizes", "add", None, "add=None (argument add). Try: a number"),
        ("effect_sizes", "measure", ["OR"], "measure=['OR'] (argument measure). Try: text"),
        ("contrasts", "measure", ["OR"], "measure=['OR'] (argument measure). Try: text"),
        (
            "counts",
            "es",
            "trials.csv",
            "es='trials.csv' (argument es). Try: a result of effect_sizes()",
        ),
        ("influence", "fit", ODDS, "a Contrasts where a fit is wanted. Try: what pairwise() gives"),
        ("bootstrap", "seed", -1, "seed=-1 (argument seed). Try: a whole number of at least 0"),
        ("regress", "formula", 3, "moderators of 0 dimensions. Try: a formula"),
        ("vcalc", "vi", math.nan, "variance nan (cluster a). Try: above zero and finite"),
        ("vcalc", "cluster", None, "no clusters (argument cluster). Try: one value for each"),
        ("multimodel", "moderators", "x", "moderators that are not a list of terms. Try: ['"),
        ("funnel", "contours", 0.1, "contours=0.1 (argument contours). Try: a list of numbers"),
        ("cumulative", "order", 3, "order=3 (argument order). Try: a list or text"),
    ],
)
def test_the_argument_and_the_value_are_named(
    name: str, argument: str, value: Any, words: str
) -> None:
    signature, sound = sound_call(name)
    extra = {}
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = sound.pop(parameter.name, {})
    assert words in refusal(lambda: getattr(eq, name)(**{**sound, argument: value}, **extra))


def made(y: list[float], v: list[float]) -> eq.effects.contrasts.Contrasts:
    return eq.contrasts(yi=y, vi=v, study=[f"S{i}" for i in range(len(y))])


_FIVE = [0.1, 0.2, 0.3, 0.5, 0.4]
_UP = [1.0, 2.0, 3.0, 4.0, 5.0]
#: Trials at the edges of what there is.
TRIALS = {
    "one": made([0.2], [0.1]),
    "two": made([0.2, 0.5], [0.1, 0.2]),
    "three": made([0.2, 0.5, -0.1], [0.1, 0.2, 0.3]),
    "one effect": made([0.3] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]),
    "all the same": made([0.3] * 5, [0.1] * 5),
    "one variance": made(_FIVE, [0.1] * 5),
    "tiny": made(_FIVE, [1e-12 * v for v in _UP]),
    "huge": made([1e6 * y for y in _FIVE], [1e12 * v for v in _UP]),
    "far from zero": made([y + 1e6 for y in _FIVE], _UP),
    "of all sizes": made(_FIVE, [1e-12, 1.0, 1e12, 1e-6, 1e6]),
    "no effect": made([0.0] * 5, _UP),
    "far apart": made([1e6, -1e6, 0.0, 1.0, 2.0], [1.0] * 5),
    "ordinary": ODDS,
    "few events": eq.effect_sizes(
        "OR", events1=[0, 0, 1, 0, 2], n1=[20] * 5, events2=[0, 1, 0, 3, 2], n2=[21] * 5
    ),
    "no events": eq.effect_sizes("RR", events1=[0] * 3, n1=[20] * 3, events2=[0] * 3, n2=[21] * 3),
}


def _cycle(letters: str, k: int) -> list[str]:
    return [letters[i % len(letters)] for i in range(k)]


def _x(es: Any) -> dict[str, Any]:
    return {"x": np.arange(float(len(es))), "twice": 2.0 * np.arange(float(len(es)))}


_AXES = (
    *("Egger", "Thompson-Sharp", "Begg", "Harbord", "Peters"),
    *("Macaskill", "Deeks", "arcsine", "Schwarzer", "Pustejovsky"),
)
COUNT_MODELS = (
    *("MH", "Peto", "IV", "UM.FS", "UM.RS", "CM.EL"),
    *("CM.AL", "BB", "Firth", "collapsed", "exact"),
)
#: What is asked of each of them: of the effects, or of their fit.
OF_EFFECTS: dict[str, Callable[[Any], Any]] = {
    "regress": lambda es: eq.regress(es, "~ x", data=_x(es)),
    "regress, one value": lambda es: eq.regress(es, "~ x", data={"x": np.ones(len(es))}),
    "regress, the same twice": lambda es: eq.regress(es, "~ x + twice", data=_x(es)),
    "regress, new rows": lambda es: eq.regress(es, "~ x", data=_x(es)).predict({"x": [1.0, 2.0]}),
    "permutation": lambda es: eq.permutation_test(
        eq.regress(es, "~ x", data=_x(es)), iterations=50
    ),
    "subgroups": lambda es: eq.subgroups(es, by=_cycle("ab", len(es))),
    "one subgroup": lambda es: eq.subgroups(es, by=["a"] * len(es)),
    "location and scale": lambda es: eq.location_scale(es, scale="~ x", data=_x(es)),
    "several models": lambda es: eq.multimodel(es, ["x"], data=_x(es)),
    "multilevel": lambda es: eq.multilevel(es, random="~ 1 | study"),
    "three levels": lambda es: eq.multilevel(
        es, random="~ 1 | g/study", data={"g": _cycle("ab", len(es)), "study": list(es.study)}
    ),
    "ladder": eq.counts_ladder,
    **{f"small study, {t}": lambda es, t=t: eq.small_study(es, t) for t in _AXES},
    **{
        f"selection, {t}": lambda es, t=t: eq.selection(es, t, alternative="greater")
        for t in ("three-parameter", "beta", "halfnormal", "step", "Vevea-Woods")
    },
    **{
        f"fail-safe, {t}": lambda es, t=t: eq.fail_safe(es, t)
        for t in ("Rosenthal", "Orwin", "Rosenberg", "general")
    },
    **{
        f"tau², {m}": lambda es, m=m: eq.pairwise(es, tau2=m, preset="metafor")
        for m in ["DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "DLIT", "SJIT"]
    },
    **{
        f"interval, {m}": lambda es, m=m: eq.pairwise(es, interval=m, tau2="REML")
        for m in ["Wald", "t", "HK", "HK-guarded", "HK-wider", "HK-IQWiG6", "KR"]
    },
    **{
        f"prediction, {m}": lambda es, m=m: eq.pairwise(es, pi=m, tau2="REML")
        for m in ["t", "V", "HTS", "S", "HK", "HK-PR", "KR", "KR-PR", "metafor"]
    },
    **{
        f"interval of tau², {m}": lambda es, m=m: eq.pairwise(es, tau2_interval=m, tau2="REML")
        for m in ["QP", "PL", "BJ", "J"]
    },
    **{f"counts, {m}": lambda es, m=m: eq.counts(es, model=m) for m in COUNT_MODELS},
}
OF_FITS: dict[str, Callable[[Any], Any]] = {
    **{
        name: getattr(eq, name)
        for name in (
            *("leave_one_out", "influence", "baujat", "cumulative", "trim_fill", "pet_peese"),
            *("limit_meta", "henmi_copas", "excess_significance", "small_study_panel"),
            *("funnel", "radial", "labbe", "drapery", "forest", "plot_baujat", "fail_safe"),
        )
    },
    "gosh": lambda fit: eq.gosh(fit, subsets=40),
    "permutation": lambda fit: eq.permutation_test(fit, iterations=50),
    "robust": lambda fit: eq.robust(fit, cluster=_cycle("abc", fit.k)),
    "one cluster": lambda fit: eq.robust(fit, cluster=["a"] * fit.k),
    "bootstrap": lambda fit: eq.bootstrap(fit, draws=99),
    "parametric bootstrap": lambda fit: eq.bootstrap(fit, draws=99, kind="parametric"),
    "R0": lambda fit: eq.trim_fill(fit, estimator="R0"),
    "Q0": lambda fit: eq.trim_fill(fit, estimator="Q0"),
    "words": lambda fit: (fit.summary(), fit.report(), fit.to_frame(), fit.to_dict()),
    "proportion": lambda fit: fit.proportion_beyond(0.1),
}


@pytest.mark.parametrize("trials", TRIALS)
def test_trials_at_the_edge_are_answered_or_refused_in_words(trials: str) -> None:
    es = TRIALS[trials]
    for what, ask in OF_EFFECTS.items():
        said = refusal(lambda ask=ask: ask(es))
        assert not said or "Try: " in said, (what, said)
    fit = eq.pairwise(es)
    assert math.isfinite(fit.estimate)
    assert fit.se > 0.0
    assert math.isfinite(fit.se)
    for what, ask in OF_FITS.items():
        said = refusal(lambda ask=ask: ask(fit))
        assert not said or "Try: " in said, (what, said)


def test_each_of_them_is_answered_for_ordinary_trials() -> None:
    """A refusal of everything would pass the law."""
    refused = {what for what, ask in OF_EFFECTS.items() if refusal(lambda ask=ask: ask(ODDS))}
    refused |= {what for what, ask in OF_FITS.items() if refusal(lambda ask=ask: ask(FIT))}
    assert refused == {"regress, one value", "regress, the same twice", "one cluster"}
