"""The settings of a pairwise synthesis: their names, the presets, and how the two meet."""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.estimators import WEIGHTED, estimator_method
from equipoise.models.intervals import INTERVALS, PREDICTIONS
from equipoise.models.tau2_intervals import TAU2_INTERVALS

MODELS = ("random", "common")

#: Where I² and H² come from: tau² and the typical variance, or Q alone.
I2_FROM = ("tau2", "Q")


def _preset(
    tau2: str,
    interval: str,
    pi: str,
    *,
    i2: str = "Q",
    tau2_interval: str = "QP",
) -> MappingProxyType[str, str]:
    return MappingProxyType(
        {
            "model": "random",
            "tau2": tau2,
            "interval": interval,
            "pi": pi,
            "i2": i2,
            "tau2_interval": tau2_interval,
        }
    )


#: Defaults by name: what ``preset=`` stands for.
PRESETS: MappingProxyType[str, MappingProxyType[str, str]] = MappingProxyType(
    {
        # RevMan of 2025: Veroniki, McKenzie 2024.
        "cochrane-2025": _preset("REML", "auto", "t", i2="tau2"),
        # rma() of R's metafor.
        "metafor": _preset("REML", "Wald", "metafor", i2="tau2"),
        # metagen() of R's meta: 8.x, 5 to 7, and up to 4.
        "meta": _preset("REML", "Wald", "V"),
        "meta7": _preset("REML", "Wald", "HTS"),
        "meta4": _preset("DL", "Wald", "HTS", tau2_interval="J"),
        # Review Manager 5.
        "revman5": _preset("DL", "Wald", "none", tau2_interval="none"),
        # The defaults of this package, printed as the journals print.
        "bmj": _preset("REML", "auto", "t", i2="tau2"),
        "jama": _preset("REML", "auto", "t", i2="tau2"),
        # General Methods 5 and 6 of IQWiG, as package meta has them.
        "iqwig5": _preset("REML", "HK", "V"),
        "iqwig6": _preset("PM", "HK-IQWiG6", "V"),
        # What CINeMA computes, by package netmeta, for a single comparison.
        "cinema": _preset("DL", "Wald", "HTS", tau2_interval="none"),
    }
)


#: Presets that print numbers in the style of a journal.
STYLES: MappingProxyType[str, str] = MappingProxyType({"bmj": "bmj", "jama": "jama"})


def style_of(preset: str) -> str:
    """How numbers are printed under a preset: ``plain``, ``bmj`` or ``jama``."""
    return STYLES.get(preset, "plain")


@lru_cache(maxsize=64)
@lru_cache(maxsize=256)
def given_tau2(text: str) -> float | None:
    """The number, where tau² was given as one; None for the code of an estimator."""
    try:
        return float(text)
    except ValueError:
        return None


def settings(
    preset: str, tau2: str | float | None, weighting: str, **given: str | None
) -> dict[str, str]:
    """The preset with what was given in its place, every name checked.

    Parameters
    ----------
    preset
        A name of :data:`PRESETS`.
    tau2
        An estimator, or a number of at least 0.
    weighting
        ``inverse variance``, ``equal`` or ``given``.
    given
        ``model``, ``interval``, ``pi``, ``i2``, ``tau2_interval``; None for the preset's.

    Raises
    ------
    UnknownNameError
        An unknown name, with the nearest known one.
    InputError
        Settings that do not go together.
    """
    try:
        return dict(_settled(preset, tau2, weighting, tuple(given), *given.values()))
    except TypeError:  # something that cannot be a key, and so no name either
        return _settings(preset, tau2, weighting, given)


@lru_cache(maxsize=64)
def _settled(
    preset: str, tau2: str | float | None, weighting: str, keys: tuple[str, ...], *given: str | None
) -> dict[str, str]:
    return _settings(preset, tau2, weighting, dict(zip(keys, given, strict=True)))


def _settings(
    preset: str, tau2: str | float | None, weighting: str, given: dict[str, str | None]
) -> dict[str, str]:
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    base = PRESETS[preset]
    chosen = {key: base[key] if value is None else value for key, value in given.items()}
    known: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("model", "model", MODELS),
        ("interval", "interval", ("auto", *INTERVALS)),
        ("pi", "prediction interval", (*PREDICTIONS, "none")),
        ("i2", "origin of I²", I2_FROM),
        ("tau2_interval", "interval of tau²", (*TAU2_INTERVALS, "none")),
    )
    for key, kind, names in known:
        if chosen[key] not in names:
            raise UnknownNameError(kind, chosen[key], names)
    chosen["tau2"] = _estimator(base["tau2"] if tau2 is None else tau2)
    chosen["weighting"] = weighting
    if chosen["model"] == "common":
        _check_common(chosen, asked=given.get("interval") is not None)
    else:
        _check_random(chosen, asked_interval=given.get("tau2_interval") is not None)
    return chosen


def _estimator(tau2: str | float) -> str:
    if isinstance(tau2, str):
        if given_tau2(tau2) is not None:
            raise InputError(f"tau² as the text {tau2!r}", hint=f"the number {tau2}")
        estimator_method(tau2)
        return tau2
    if not (math.isfinite(tau2) and tau2 >= 0.0):
        raise InputError(f"tau² {tau2:g}", hint="0 or more, or the name of an estimator")
    return repr(float(tau2))


def _check_common(chosen: dict[str, str], *, asked: bool) -> None:
    """Refuse an interval that means nothing here; one that was only a default gives way."""
    rule = INTERVALS.get(chosen["interval"])
    if rule is not None and rule.random_only:
        if not asked:
            chosen["interval"] = "Wald"
            return
        raise InputError(
            f"interval {rule.code!r} with a common effect",
            hint="interval='Wald', or model='random'",
        )


def _check_random(chosen: dict[str, str], *, asked_interval: bool) -> None:
    """Refuse what does not go together; an interval of tau² that was only a default gives way."""
    interval = INTERVALS.get(chosen["interval"])
    pi = PREDICTIONS.get(chosen["pi"])
    needs = {rule.needs for rule in (interval, pi) if rule is not None}
    if "KR" in needs and chosen["tau2"] != "REML":
        raise InputError(
            f"Kenward–Roger with tau² by {chosen['tau2']}", hint="tau2='REML', or interval='HK'"
        )
    if "KR" in needs and chosen["weighting"] != "inverse variance":
        raise InputError(
            f"Kenward–Roger with {chosen['weighting']} weights",
            hint="inverse-variance weights, or interval='HK'",
        )
    if chosen["tau2"] in WEIGHTED and chosen["weighting"] != "given":
        raise InputError(
            f"tau² by {chosen['tau2']} without weights", hint="weights=, one for each trial"
        )
    if given_tau2(chosen["tau2"]) is not None:
        if asked_interval and chosen["tau2_interval"] != "none":
            raise InputError(
                "an interval of a tau² that was given", hint="an estimator, such as tau2='REML'"
            )
        chosen["tau2_interval"] = "none"
    if chosen["tau2_interval"] == "PL" and chosen["tau2"] not in ("REML", "ML"):
        raise InputError(
            f"the profile likelihood interval with tau² by {chosen['tau2']}",
            hint="tau2='REML' or 'ML', or tau2_interval='QP'",
        )
    if chosen["tau2_interval"] == "GENQ" and chosen["weighting"] != "given":
        raise InputError(
            "the generalised Q interval of tau² without weights",
            hint="weights=, or tau2_interval='J' (1/√v) or 'BJ' (1/v)",
        )
