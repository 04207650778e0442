"""What is known of each trial beside its results: a number or a kind, matched to the contrasts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError, nearest
from equipoise.core.order import natural
from equipoise.core.result import Note
from equipoise.core.table import counted, significant
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import MOST, Column, Floats, labels, read_columns

#: What a caller may give: values by study, one for each contrast, or a column of `data`.
ByStudy: TypeAlias = "Mapping[str, Any] | Column"

#: Columns of a frame that hold the study where nobody says.
_STUDY = ("study", "studlab", "trial", "author")


@dataclass(frozen=True, slots=True)
class Covariate:
    """A covariate of the trials of a network.

    Attributes
    ----------
    name
        Its name.
    values
        By study: a number, or the name of a level.
    levels
        The levels of a categorical one, the baseline first; empty for numbers.
    center, unit
        What is taken from numbers, and by what they are divided, inside the computation.
    """

    name: str
    values: dict[str, Any]
    levels: tuple[str, ...]
    center: float
    unit: float

    @property
    def terms(self) -> tuple[str, ...]:
        """The levels beside the baseline; one blank for numbers."""
        return self.levels[1:] if self.levels else ("",)

    def row(self, value: Any) -> Floats:
        """A value as the factors of its terms, centred and scaled.

        Raises
        ------
        InputError, UnknownNameError
            On a value that is no number, or an unknown level.
        """
        if self.levels:
            if str(value) not in self.levels:
                raise UnknownNameError(f"level of {self.name}", value, self.levels)
            return np.array([float(str(value) == level) for level in self.levels[1:]])
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not abs(number) <= MOST:
            raise InputError(f"{value!r} as a value of {self.name}", hint="a number")
        return np.array([(number - self.center) / self.unit])

    def text(self, value: Any) -> str:
        """A value as a reader sees it: ``year = 1990``."""
        if self.levels:
            return f"{self.name} = {value}"
        number = float(value)
        whole = number.is_integer() and abs(number) < 1e7
        return f"{self.name} = {int(number) if whole else significant(number, 6)}"


def by_study(
    es: Contrasts, given: ByStudy, data: object, study: Column, word: str
) -> tuple[dict[str, Any], list[Note]]:
    """The value of each study, None where it has none.

    Raises
    ------
    InputError
        When a study has two values (named with both), lengths do not fit, or no study matches.
    """
    wanted = dict.fromkeys(es.study)
    keys: Sequence[str]
    if isinstance(given, Mapping):
        keys, values = labels(list(given), len(given)), list(given.values())
    else:
        keys, values = _columns(es, given, data, study, word)
    found: dict[str, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if _blank(value):
            continue
        if key in found and found[key] != value:
            raise InputError(
                f"two values of {word}: {found[key]} and {value}",
                where=f"study {key}",
                hint="one value for each study",
            )
        found[key] = value
    notes = []
    strange = [key for key in dict.fromkeys(keys) if key not in wanted]
    lacking = [name for name in wanted if name not in found]
    if len(lacking) == len(wanted):
        raise InputError(f"no study of the network has a value of {word}", hint="names of studies")
    near = [f"{key!r} for {name!r}" for key in strange if (name := nearest(key, lacking))]
    if near:
        text = f"Values of {word} under names that no study has; perhaps {', '.join(near)}."
        notes.append(Note("unmatched-names", text))
    return {name: found.get(name) for name in wanted}, notes


def _blank(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, float) and math.isnan(value)


def _columns(
    es: Contrasts, given: Column, data: object, study: Column, word: str
) -> tuple[Sequence[str], list[Any]]:
    if data is not None and study is None:
        study = next((name for name in _STUDY if _has(data, name)), None)
    columns = read_columns(data, {"given": given, "study": study})
    if "given" not in columns:
        raise InputError(f"no {word}", hint="values by study, or the name of a column of data")
    values = columns["given"]
    if "study" in columns:
        return labels(columns["study"], len(values)), values
    if len(values) != len(es):
        raise InputError(
            f"{counted(len(values), 'value')} of {word} for {counted(len(es), 'contrast')}",
            hint="a dict by study, or data= and study=, the column with the studies",
        )
    return es.study, values


def _has(data: object, name: str) -> bool:
    if isinstance(data, Mapping):
        return name in data
    return name in list(getattr(data, "column_names", None) or getattr(data, "columns", []))


def make_covariate(
    name: str, values: Mapping[str, Any], center: float | None, baseline: str | None
) -> Covariate:
    """A covariate from the values of the trials that are used.

    Raises
    ------
    NotEstimableError
        When all trials have the same value.
    InputError, UnknownNameError
        On values of mixed kinds, infinite ones, a centre of levels, or an unknown baseline.
    """
    plain = list(values.values())
    for study, value in values.items():
        if isinstance(value, (Sequence, Mapping, np.ndarray)) and not isinstance(value, str):
            what = f"{name} of {value!r}"
            raise InputError(what, where=f"study {study}", hint="one number, or one word")
    if len(set(plain)) < 2:
        raise NotEstimableError(
            f"all trials have the same {name}, {plain[0]}",
            hint="a covariate that differs between trials; effects need no adjustment for this one",
        )
    kinds = {_kind(value) for value in plain}
    if len(kinds) > 1:
        raise InputError(f"{name} has numbers and words", hint="one or the other for all studies")
    if kinds == {"number"}:
        return _numeric(name, values, center, baseline)
    if center is not None:
        raise InputError(f"a centre of {name}, which has levels", hint="baseline='level'")
    count = {str(v): 0 for v in plain}
    for value in plain:
        count[str(value)] += 1
    order = sorted(count, key=natural)
    if baseline is not None and baseline not in count:
        raise UnknownNameError(f"level of {name}", baseline, order)
    first = baseline if baseline is not None else min(order, key=lambda v: (-count[v], natural(v)))
    levels = (first, *(v for v in order if v != first))
    return Covariate(name, {s: str(v) for s, v in values.items()}, levels, 0.0, 1.0)


def _kind(value: Any) -> str:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, (bool, np.bool_)
    )
    return "number" if number else "word"


def _numeric(
    name: str, values: Mapping[str, Any], center: float | None, baseline: str | None
) -> Covariate:
    if baseline is not None:
        raise InputError(f"a baseline of {name}, which has numbers", hint="center=")
    numbers = {study: float(value) for study, value in values.items()}
    for study, value in numbers.items():
        if not abs(value) <= MOST:
            what = f"{name} of {value:g}"
            raise InputError(what, where=f"study {study}", hint="a finite number, in another unit")
    all_of = np.array(list(numbers.values()))
    mean = float(all_of.mean())
    unit = float(np.sqrt(((all_of - mean) ** 2).mean()))
    if center is not None and not abs(center) <= MOST:
        hint = "a number near the values of the trials"
        raise InputError(f"a centre of {center:g}", where="argument center", hint=hint)
    return Covariate(name, numbers, (), mean, unit)


def with_value(
    es: Contrasts, values: Mapping[str, Any], word: str
) -> tuple[Contrasts, tuple[LeftOut, ...]]:
    """The contrasts of studies that have a value, and the studies that have none."""
    keep = [i for i, name in enumerate(es.study) if values[name] is not None]
    gone = dict.fromkeys(name for name in es.study if values[name] is None)
    return es.take(keep), tuple(LeftOut(name, f"no {word}") for name in gone)
