"""What each kind of data is made of: its columns, what they cannot be, and who was counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from equipoise.core.errors import InputError
from equipoise.effects.columns import Floats
from equipoise.effects.continuous import check_spread
from equipoise.effects.measure import Data, Values
from equipoise.effects.zeros import check_counts, check_events, check_positive, check_sizes

Check = Callable[[Values, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Input:
    """A kind of data.

    Attributes
    ----------
    columns
        What has to be given, by name of the argument of ``effect_sizes``.
    check
        Refuses what no study can have.
    people
        Columns that count the people of the first and of the second group; blank where nobody or
        nothing does.
    groups
        2 where it holds two groups side by side, with columns that end in 1 and 2.
    counts
        Whether it holds counts of groups, whose empty cells may be corrected.
    cells
        Columns that are cells of one table, which get the constant when one of them is empty.
    """

    columns: tuple[str, ...]
    check: Check
    people: tuple[str, str] = ("", "")
    groups: int = 1
    counts: bool = False
    cells: tuple[str, ...] = ()


def _refuse(
    wrong: Floats | np.ndarray, c: Values, names: Sequence[str], column: str, what: str, hint: str
) -> None:
    """Refuse the first value of a column that is wrong."""
    if np.any(wrong):
        row = int(np.flatnonzero(wrong)[0])
        where = f"study {names[row]}, column {column}"
        raise InputError(f"{what} of {c[column][row]:g}", where=where, hint=hint)


def _binary(c: Values, names: Sequence[str]) -> None:
    events = np.concatenate([c["events1"], c["events2"]])
    people = np.concatenate([c["n1"], c["n2"]])
    whole = (np.floor(events) == events) & (np.floor(people) == people)
    if (whole & (events >= 0.0) & (events <= people) & (people >= 1.0)).all():
        return
    for side in "12":
        check_counts(
            c[f"events{side}"], c[f"n{side}"], names, columns=(f"events{side}", f"n{side}")
        )


def _time(c: Values, names: Sequence[str], column: str) -> None:
    hint = "a positive amount of person-time, in one unit for all studies"
    check_positive(c[column], names, column=column, what="a person-time", hint=hint)


def _rates(c: Values, names: Sequence[str]) -> None:
    for side in "12":
        check_events(c[f"events{side}"], names, column=f"events{side}")
        _time(c, names, f"time{side}")


def _spreads(c: Values, names: Sequence[str]) -> None:
    for side in "12":
        check_spread(c[f"sd{side}"], c[f"n{side}"], names, columns=(f"sd{side}", f"n{side}"))
    both = (c["sd1"] == 0.0) & (c["sd2"] == 0.0)
    if both.any():
        raise InputError(
            "a standard deviation of 0 in both groups",
            where=f"study {names[int(np.flatnonzero(both)[0])]}, columns sd1 and sd2",
            hint="the standard deviations of the groups; 0 may stand for 'not reported'",
        )


def _standardised(c: Values, names: Sequence[str]) -> None:
    for column in ("n1", "n2"):
        check_sizes(c[column], names, column=column, least=2)


def _proportion(c: Values, names: Sequence[str]) -> None:
    check_counts(c["events"], c["n"], names)


def _rate(c: Values, names: Sequence[str]) -> None:
    check_events(c["events"], names, column="events")
    _time(c, names, "time")


def _spread(c: Values, names: Sequence[str]) -> None:
    check_spread(c["sd"], c["n"], names)
    hint = "0 may stand for 'not reported'"
    check_positive(c["sd"], names, column="sd", what="a standard deviation", hint=hint)


def _correlated(c: Values, names: Sequence[str]) -> None:
    hint = "a correlation between -1 and 1; is it a regression coefficient?"
    _refuse(~(np.abs(c["r"]) <= 1.0), c, names, "r", "a correlation", hint)


def _paired(c: Values, names: Sequence[str]) -> None:
    for side in "12":
        check_spread(c[f"sd{side}"], c["n"], names, columns=(f"sd{side}", "n"))
        hint = "0 may stand for 'not reported'"
        what = "a standard deviation"
        check_positive(c[f"sd{side}"], names, column=f"sd{side}", what=what, hint=hint)
    _correlated(c, names)


def _matched(c: Values, names: Sequence[str]) -> None:
    for column in ("both", "only1", "only2", "neither"):
        check_events(c[column], names, column=column)


def _margins(c: Values, names: Sequence[str]) -> None:
    for column in ("events1", "events2"):
        check_counts(c[column], c["n"], names, columns=(column, "n"))
    _correlated(c, names)


def _correlation(c: Values, names: Sequence[str]) -> None:
    check_sizes(c["n"], names, column="n", least=4)
    _correlated(c, names)


def _regression(c: Values, names: Sequence[str]) -> None:
    check_sizes(c["predictors"], names, column="predictors", least=1)
    least = c["predictors"] + 3.0
    hint = "at least three people more than predictors"
    _refuse(c["n"] < least, c, names, "n", "a group", hint)
    if "r2" in c:
        wrong = ~((c["r2"] >= 0.0) & (c["r2"] < 1.0))
        _refuse(wrong, c, names, "r2", "an explained variance", "a part of 1; is it in percent?")


def _reliability(c: Values, names: Sequence[str]) -> None:
    check_sizes(c["n"], names, column="n", least=3)
    check_sizes(c["items"], names, column="items", least=2)
    hint = "a coefficient below 1; is it in percent?"
    _refuse(~(c["alpha"] < 1.0), c, names, "alpha", "an alpha", hint)


def _survival(c: Values, names: Sequence[str]) -> None:
    hint = "the variance of O − E; 0 may stand for 'not reported'"
    check_positive(c["v"], names, column="v", what="a variance", hint=hint)


def _genotypes(c: Values, names: Sequence[str]) -> None:
    for column in ("homozygous1", "heterozygous", "homozygous2"):
        check_events(c[column], names, column=column)


def _superiority(c: Values, names: Sequence[str]) -> None:
    _standardised(c, names)
    hint = "a part of 1; is it in percent?"
    _refuse(~((c["auc"] >= 0.0) & (c["auc"] <= 1.0)), c, names, "auc", "an area", hint)


_PEOPLE = ("n1", "n2")
_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_TABLE = ("both", "only1", "only2", "neither")
_GENES = ("homozygous1", "heterozygous", "homozygous2")
_PAIRS = ("mean1", "sd1", "mean2", "sd2", "r", "n")

#: Kinds of data by name.
INPUTS: Mapping[Data, Input] = MappingProxyType(
    {
        "binary": Input(("events1", "n1", "events2", "n2"), _binary, _PEOPLE, 2, True),
        "rates": Input(("events1", "time1", "events2", "time2"), _rates, groups=2, counts=True),
        "continuous": Input(_MEANS, _spreads, _PEOPLE, 2),
        "spreads": Input(("sd1", "n1", "sd2", "n2"), _spreads, _PEOPLE, 2),
        "standardised": Input(("d", "n1", "n2"), _standardised, _PEOPLE),
        "proportion": Input(("events", "n"), _proportion, ("n", ""), counts=True),
        "rate": Input(("events", "time"), _rate, counts=True),
        "mean": Input(("mean", "sd", "n"), _spread, ("n", "")),
        "spread": Input(("sd", "n"), _spread, ("n", "")),
        "paired": Input(_PAIRS, _paired, ("n", "")),
        "paired spreads": Input(("sd1", "sd2", "r", "n"), _paired, ("n", "")),
        "matched": Input(_TABLE, _matched, cells=_TABLE),
        "margins": Input(("events1", "events2", "n", "r"), _margins, ("n", "")),
        "correlation": Input(("r", "n"), _correlation, ("n", "")),
        "partial": Input(("t", "n", "predictors"), _regression, ("n", "")),
        "semipartial": Input(("t", "n", "predictors", "r2"), _regression, ("n", "")),
        "explained": Input(("r2", "n", "predictors"), _regression, ("n", "")),
        "reliability": Input(("alpha", "items", "n"), _reliability, ("n", "")),
        "survival": Input(("o_minus_e", "v"), _survival),
        "genotypes": Input(_GENES, _genotypes, cells=_GENES),
        "superiority": Input(("auc", "n1", "n2"), _superiority, _PEOPLE),
    }
)

#: Every column that any of them has, in the order of the arguments of ``effect_sizes``.
COLUMNS = tuple(dict.fromkeys(name for kind in INPUTS.values() for name in kind.columns))
