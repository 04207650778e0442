"""`counts`: one effect from counts of events, by the model that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Column
from equipoise.effects.zeros import TO
from equipoise.models.counts.betabinomial import beta_binomial
from equipoise.models.counts.closed import collapsed, mantel_haenszel, peto
from equipoise.models.counts.exact import exact
from equipoise.models.counts.firth import firth
from equipoise.models.counts.inverse import inverse_variance
from equipoise.models.counts.mixed import conditional, mixed
from equipoise.models.counts.pooled import Pooled, dress
from equipoise.models.counts.result import CountsFit
from equipoise.models.counts.tables import Tables, read_tables, scale_of

_ALL = ("OR", "RR", "RD", "IRR", "IRD")


@dataclass(frozen=True, slots=True)
class Model:
    """What a model has: measures, effects (its default first) and intervals (the same)."""

    measures: tuple[str, ...]
    effects: tuple[str, ...] = ("common",)
    intervals: tuple[str, ...] = ("Wald",)


_MIXED = (("OR", "IRR"), ("random", "common"), ("Wald", "t", "profile"))

#: Models by code.
MODELS: MappingProxyType[str, Model] = MappingProxyType(
    {
        "MH": Model(_ALL),
        "Peto": Model(("OR",)),
        "exact": Model(("OR", "IRR"), intervals=("exact", "mid-p")),
        "UM.FS": Model(*_MIXED),
        "UM.RS": Model(("OR", "IRR"), ("random", "common"), ("Wald", "t")),
        "CM.EL": Model(*_MIXED),
        "CM.AL": Model(("OR",), *_MIXED[1:]),
        "BB": Model(("OR", "RR", "RD"), ("random",)),
        "Firth": Model(("OR",), intervals=("profile", "Wald")),
        "IV": Model(_ALL, ("random", "common")),
        "collapsed": Model(_ALL),
    }
)


@typed_late
def counts(
    es: Contrasts | None = None,
    *,
    measure: str | None = None,
    model: str = "MH",
    events1: Column = None,
    n1: Column = None,
    events2: Column = None,
    n2: Column = None,
    time1: Column = None,
    time2: Column = None,
    study: Column = None,
    data: object = None,
    effects: str | None = None,
    interval: str | None = None,
    double_zero: str = "drop",
    add: float | None = None,
    to: str | None = None,
    level: float = 0.95,
) -> CountsFit:
    """Pool one effect from counts of events, without adding anything to zero cells.

    Parameters
    ----------
    es
        Contrasts that keep the counts they were computed from; or None, with columns below.
    measure
        ``OR``, ``RR``, ``RD`` (people) or ``IRR``, ``IRD`` (person-time); that of `es` by
        default, else ``OR``, or ``IRR`` where person-time is given.
    model
        ``MH`` (Mantel–Haenszel), ``Peto``, ``exact`` (conditional maximum likelihood, exact
        interval), ``CM.EL`` (conditional, exact likelihood, normal random effects), ``CM.AL`` (the
        same, approximate), ``UM.FS`` and ``UM.RS`` (logistic or Poisson model with fixed or random
        baselines), ``BB`` (beta-binomial), ``Firth`` (penalised logistic), ``IV`` (inverse
        variance with half an event added) or ``collapsed`` (all trials added up: no synthesis).
    events1, n1, events2, n2, time1, time2
        Events and people (or person-time) of the two groups: values, or names of columns of
        `data`.
    study, data
        Labels; a data frame or mapping of columns.
    effects
        ``common`` or ``random`` for models that have both: random by default.
    interval
        ``Wald``; ``t`` (k − 1 degrees of freedom) or ``profile`` for mixed models, ``profile`` for
        ``Firth``, ``exact`` or ``mid-p`` for ``exact``. The first that the model has by default.
    double_zero
        ``drop`` or ``keep`` trials without any event in ``UM.RS`` and ``IV``.
    add, to
        Added to the cells, for ``MH`` (nothing by default) and ``IV`` (0.5, ``only0``).
    level
        Confidence level.

    Returns
    -------
    CountsFit

    Raises
    ------
    InputError
        Impossible counts, and options that the model does not have.
    NotEstimableError
        No event at all (with the bounds that follow), or an infinite estimate.
    UnknownNameError
        An unknown name, with the nearest known one.
    """
    measure = measure_for(es, measure, time1 is not None or time2 is not None)
    how = choices(
        measure,
        model,
        effects=effects,
        interval=interval,
        double_zero=double_zero,
        add=add,
        to=to,
        level=level,
    )
    given: dict[str, Column] = {
        "events1": events1,
        "n1": n1,
        "events2": events2,
        "n2": n2,
        "time1": time1,
        "time2": time2,
    }
    return fit_tables(read_tables(es, given, study, data, measure), how)


@dataclass(frozen=True, slots=True)
class How:
    """All choices of a fit, checked."""

    measure: str
    model: str
    effects: str
    interval: str
    keep: bool
    add: float
    to: str
    level: float


def fit_tables(t: Tables, how: How) -> CountsFit:
    """Fit tables that were read before."""
    trial_effects = None
    if how.model == "IV":
        pooled, trial_effects = inverse_variance(
            t,
            how.measure,
            random=how.effects == "random",
            keep=how.keep,
            add=how.add,
            to=how.to,
            level=how.level,
        )
    else:
        pooled = _pool(t, how)
    return dress(
        pooled,
        t,
        measure=how.measure,
        model=how.model,
        interval=how.interval,
        level=how.level,
        trial_effects=trial_effects,
    )


def _pool(t: Tables, how: How) -> Pooled:
    measure, level = how.measure, how.level
    if how.model == "MH":
        return mantel_haenszel(t, measure, add=how.add, to=how.to, level=level)
    if how.model == "Peto":
        return peto(t, level=level)
    if how.model == "exact":
        return exact(t, conditional, mid=how.interval == "mid-p", level=level)
    if how.model == "BB":
        return beta_binomial(t, measure, level=level)
    if how.model == "Firth":
        return firth(t, interval=how.interval, level=level)
    if how.model == "collapsed":
        return collapsed(t, measure, level=level)
    return mixed(
        t,
        how.model,
        measure,
        random=how.effects == "random",
        keep_double_zero=how.keep,
        interval=how.interval,
        level=level,
    )


def measure_for(es: Contrasts | None, measure: str | None, time: bool) -> str:
    """The measure that was asked for, else that of the contrasts, else OR or IRR."""
    if measure is None:
        measure = es.measure if es is not None else ("IRR" if time else "OR")
    return scale_of(measure).code


def choices(
    measure: str,
    model: str,
    *,
    effects: str | None = None,
    interval: str | None = None,
    double_zero: str = "drop",
    add: float | None = None,
    to: str | None = None,
    level: float = 0.95,
) -> How:
    """Check every choice, and fill in the model's own defaults."""
    if model not in MODELS:
        raise UnknownNameError("model of counts", model, MODELS)
    has = MODELS[model]
    if measure not in has.measures:
        others = ", ".join(m for m, other in MODELS.items() if measure in other.measures)
        raise InputError(
            f"model {model!r} has no {measure}",
            hint=f"measure={' or '.join(map(repr, has.measures))}; {measure} has model {others}",
        )
    effects = _choice("effects", effects, has.effects, ("common", "random"), model)
    known = ("Wald", "t", "profile", "exact", "mid-p")
    interval = _choice("interval", interval, has.intervals, known, model)
    if double_zero not in ("drop", "keep"):
        raise UnknownNameError("rule for trials without events", double_zero, ("drop", "keep"))
    if double_zero == "keep" and model not in ("UM.RS", "IV"):
        raise InputError(f"double_zero='keep' with model {model!r}", hint="UM.RS and IV have it")
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    if (add is not None or to is not None) and model not in ("MH", "IV"):
        raise InputError(f"a correction with model {model!r}", hint="it needs none; or model='MH'")
    add = (0.5 if model == "IV" else 0.0) if add is None else add
    to = ("none" if add == 0.0 else "only0") if to is None else to
    if to not in TO:
        raise UnknownNameError("rule for zero cells", to, TO)
    return How(measure, model, effects, interval, double_zero == "keep", add, to, level)


def _choice(
    what: str, given: str | None, has: tuple[str, ...], known: tuple[str, ...], model: str
) -> str:
    if given is None:
        return has[0]
    if given not in known:
        raise UnknownNameError(what, given, known)
    if given not in has:
        raise InputError(
            f"{what} {given!r} with model {model!r}", hint=f"it has {' or '.join(has)}"
        )
    return given
