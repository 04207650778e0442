"""Columns beside a forest plot: the numbers of both groups, columns of the user's own, bias.

A column is a `Beside` and one cell a trial; totals add up what can be added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import Value, count, counted, fixed
from equipoise.present.figures.marks import rob_key
from equipoise.present.figures.plot import Beside

#: A column and its cells; `add` makes the cell of a total from the places of its trials.
Filled = tuple[Beside, tuple[Value, ...], Callable[[Sequence[int]], Value] | None]

#: The domains that a row of levels of that length usually stands for.
DOMAINS: dict[int, tuple[str, ...]] = {
    5: (
        "randomisation",
        "deviations from the intended treatment",
        "missing data",
        "measurement of the outcome",
        "selection of the reported result",
    ),
    6: (
        "randomisation",
        "deviations from the intended treatment",
        "missing data",
        "measurement of the outcome",
        "selection of the reported result",
        "overall",
    ),
    7: (
        "random sequence generation",
        "allocation concealment",
        "blinding of participants and personnel",
        "blinding of outcome assessment",
        "incomplete outcome data",
        "selective reporting",
        "other bias",
    ),
}


def raw_columns(raw: Mapping[str, Any], sides: tuple[str, str]) -> list[Filled]:
    """The numbers of both groups as published: events/n, or mean (SD) and n."""
    values = {key: np.asarray(column, dtype=np.float64).tolist() for key, column in raw.items()}
    if {"events1", "n1", "events2", "n2"} <= values.keys():
        return [_fractions(values, side, "n", sides) for side in (1, 2)]
    if {"events1", "time1", "events2", "time2"} <= values.keys():
        return [_fractions(values, side, "time", sides) for side in (1, 2)]
    if {"mean1", "sd1", "n1", "mean2", "sd2", "n2"} <= values.keys():
        return [filled for side in (1, 2) for filled in _means(values, side, sides)]
    if {"events", "n"} <= values.keys():
        values = {"events1": values["events"], "n1": values["n"]}
        return [_fractions(values, 1, "n", ("", ""))]
    return []


def _key(side: int) -> str:
    return "treated" if side == 1 else "control"


def _fractions(
    values: Mapping[str, list[float]], side: int, below: str, sides: tuple[str, str]
) -> Filled:
    events, whole = values[f"events{side}"], values[f"{below}{side}"]

    def told(e: float, n: float) -> Value:
        return None if math.isnan(e) or math.isnan(n) else f"{_amount(e)}/{_amount(n)}"

    def add(places: Sequence[int]) -> Value:
        return told(math.fsum(events[i] for i in places), math.fsum(whole[i] for i in places))

    what = "events/n" if below == "n" else "events/time"
    beside = Beside(_key(side), what, group=sides[side - 1])
    return beside, tuple(map(told, events, whole)), add


def _amount(value: float) -> str:
    return count(value) if float(value).is_integer() else fixed(value, 1)


def _means(
    values: Mapping[str, list[float]], side: int, sides: tuple[str, str]
) -> tuple[Filled, Filled]:
    mean, sd, n = (values[f"{name}{side}"] for name in ("mean", "sd", "n"))
    both = [*values["mean1"], *values["mean2"], *values["sd1"], *values["sd2"]]
    digits = decimals_for([*values["sd1"], *values["sd2"]], 3)
    digits = 0 if all(float(v).is_integer() for v in both) else digits
    texts = tuple(
        None if math.isnan(m) else f"{fixed(m, digits)} ({fixed(s, digits)})"
        for m, s in zip(mean, sd, strict=True)
    )
    sizes = tuple(None if math.isnan(v) else v for v in n)

    def add(places: Sequence[int]) -> Value:
        total = math.fsum(n[i] for i in places)
        return None if math.isnan(total) else total

    group = sides[side - 1]
    return (
        (Beside(_key(side), "mean (SD)", group=group), texts, None),
        (Beside(f"n{side}", "n", kind="count", group=group), sizes, add),
    )


def decimals_for(sizes: Sequence[float], digits: int) -> int:
    """Decimals that show the middle one of `sizes` with that many significant digits."""
    known = sorted(v for v in sizes if math.isfinite(v) and v > 0)
    if not known:
        return digits - 1
    power = math.floor(math.log10(known[len(known) // 2]) + 1e-9)
    return min(max(digits - 1 - power, 0), 9)


def own_columns(
    given: Mapping[str, Any] | None,
    side: Literal["left", "right"],
    study: Sequence[str],
) -> list[Filled]:
    """Columns that the user gave: by heading, one value a trial or a mapping from trial."""
    made: list[Filled] = []
    for i, (label, column) in enumerate((given or {}).items()):
        values = per_trial(column, study, f"column {label!r}")
        cells = tuple(_value(v) for v in values)
        numbers = [v for v in cells if isinstance(v, (int, float))]
        words = any(isinstance(v, str) for v in cells)
        whole = bool(numbers) and all(float(v).is_integer() for v in numbers)
        years = whole and all(1500 <= v <= 2200 for v in numbers)
        if years:
            cells = tuple(str(int(v)) if isinstance(v, (int, float)) else v for v in cells)
        beside = Beside(
            f"{side}_{i + 1}",
            str(label),
            side,
            "count" if whole else "plain",
            "left" if words else "right",
        )
        made.append((beside, cells, None))
    return made


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return None if math.isnan(value) else value
    return str(value)


def per_trial(column: Any, study: Sequence[str], what: str) -> list[Any]:
    """One value a trial, from a sequence or from a mapping whose keys are trials."""
    if isinstance(column, Mapping):
        for name in column:
            if name not in study:
                raise UnknownNameError("trial", name, study, where=what)
        return [column.get(name) for name in study]
    if isinstance(column, str) or not hasattr(column, "__len__"):
        raise InputError(
            f"{what} is a {type(column).__name__}", hint="one value for each trial, or a mapping"
        )
    values = list(column)
    if len(values) != len(study):
        raise InputError(
            f"{counted(len(values), 'value')} for {counted(len(study), 'trial')}",
            where=what,
            hint="one value for each trial in the order of the fit, or a mapping from its name",
        )
    return values


def rob_levels(
    given: Any, domains: Sequence[str] | None, study: Sequence[str]
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Levels of risk of bias of each trial, and the names of the domains (none for one level).

    A trial has one level, a word of signs such as ``"+?-"``, a sequence of levels, or a mapping
    from domain to level.
    """
    values = per_trial(given, study, "rob")
    names = tuple(domains or ())
    for value in values:
        if isinstance(value, Mapping) and not names:
            names = tuple(str(name) for name in value)
    rows = [_levels(value, names) for value in values]
    sizes = {len(row) for row in rows if row}
    if len(sizes) > 1:
        raise InputError(
            f"trials with {' and '.join(map(str, sorted(sizes)))} levels of bias",
            where="rob",
            hint="the same domains for every trial",
        )
    size = sizes.pop() if sizes else 0
    if size > 10:
        raise InputError(f"{size} domains of bias", where="rob", hint="ten or fewer")
    if size <= 1 and not names:
        return rows, ()
    names = names or DOMAINS.get(size, tuple(f"domain {i + 1}" for i in range(size)))
    if size and len(names) != size:
        raise InputError(
            f"{len(names)} names for {size} domains of bias", where="domains", hint="one for each"
        )
    return [row or ("not judged",) * len(names) for row in rows], names


def _levels(value: Any, names: Sequence[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, Mapping):
        for name in value:
            if name not in names:
                raise UnknownNameError("domain of bias", name, names)
        return tuple(rob_key(str(value.get(name, ""))) for name in names)
    if isinstance(value, str):
        if value and set(value) <= set("+?-−x×."):
            return tuple(rob_key(sign) for sign in value)
        return (rob_key(value),)
    if not isinstance(value, Iterable):
        raise InputError(
            f"risk of bias {value!r}", where="rob", hint="a level, or one for each domain, a trial"
        )
    return tuple(rob_key(str(level)) for level in value)
