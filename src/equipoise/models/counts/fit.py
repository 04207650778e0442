"""`counts`: one effect from counts of events, by the model that is asked for."""

from __future__ import annotations

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import Column
from equipoise.effects.zeros import TO
from equipoise.models.counts.closed import collapsed, mantel_haenszel, peto
from equipoise.models.counts.pooled import Pooled, dress
from equipoise.models.counts.result import CountsFit
from equipoise.models.counts.tables import Tables, read_tables, scale_of

#: Models, and the measures that each has.
MODELS: dict[str, tuple[str, ...]] = {
    "MH": ("OR", "RR", "RD", "IRR", "IRD"),
    "Peto": ("OR",),
    "collapsed": ("OR", "RR", "RD", "IRR", "IRD"),
}


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
    add: float = 0.0,
    to: str = "none",
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
        A name of :data:`MODELS`.
    events1, n1, events2, n2, time1, time2
        Events and people (or person-time) of the two groups: values, or names of columns of
        `data`.
    study, data
        Labels; a data frame or mapping of columns.
    add, to
        Added to the cells before pooling, for ``MH`` only; nothing by default.
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
    measure = _measure(es, measure, time1 is not None or time2 is not None)
    _check(measure, model, level, add, to)
    given: dict[str, Column] = {
        "events1": events1,
        "n1": n1,
        "events2": events2,
        "n2": n2,
        "time1": time1,
        "time2": time2,
    }
    tables = read_tables(es, given, study, data, measure)
    pooled = _pool(tables, measure, model, add, to, level)
    return dress(pooled, tables, measure=measure, model=model, interval="Wald", level=level)


def _pool(t: Tables, measure: str, model: str, add: float, to: str, level: float) -> Pooled:
    if model == "MH":
        return mantel_haenszel(t, measure, add=add, to=to, level=level)
    if model == "Peto":
        return peto(t, level=level)
    return collapsed(t, measure, level=level)


def _measure(es: Contrasts | None, measure: str | None, time: bool) -> str:
    if measure is None:
        measure = es.measure if es is not None else ("IRR" if time else "OR")
    return scale_of(measure).code


def _check(measure: str, model: str, level: float, add: float, to: str) -> None:
    if model not in MODELS:
        raise UnknownNameError("model of counts", model, MODELS)
    if measure not in MODELS[model]:
        raise InputError(
            f"model {model!r} has no {measure}",
            hint=f"measure={' or '.join(repr(m) for m in MODELS[model])}; "
            f"{measure} has model {', '.join(m for m, has in MODELS.items() if measure in has)}",
        )
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    if to not in TO:
        raise UnknownNameError("rule for zero cells", to, TO)
    if (add or to != "none") and model != "MH":
        raise InputError(f"a correction with model {model!r}", hint="it needs none; or model='MH'")
