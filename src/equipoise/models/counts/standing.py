"""Which methods suit the data: rules of the Cochrane Handbook, section 10.4.4, made exact.

After Bradburn, Deeks, Berlin, Localio 2007, Stat Med 26:53, doi:10.1002/sim.2528: below 1% of
events Peto's method is the least biased, provided that groups are of about equal size and the
effect is not exceptionally large. Which sizes and effects that means is set here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.core.table import fixed, significant
from equipoise.models.counts.tables import Tables

#: Events are rare below this share of people.
RARE = 0.01
#: The binomial stands for the hypergeometric up to this share.
_APPROXIMATE = 0.05
#: Groups are unbalanced where one is more than this times as large as the other; it matters where
#: trials with such groups carry more than this share of the information.
_BALANCED, _SHARE = 1.5, 0.2
#: An odds ratio beyond this, or below its inverse, is large.
_LARGE = 2.0
#: The share of people in group 1 differs between trials where it ranges over more than this.
_UNEVEN = 0.1


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rules look at.

    Attributes
    ----------
    risk
        Events over people, both groups and all trials together; None for person-time.
    unbalanced
        Share of the information in trials whose groups differ much in size.
    uneven
        Range, over the trials with events, of the share of people in group 1.
    empty
        Trials with an empty cell that is not empty in both groups.
    double_zero
        Trials without any event, or with nothing else.
    """

    risk: float | None
    unbalanced: float
    uneven: float
    empty: int
    double_zero: int


def shape_of(t: Tables) -> Shape:
    """Measure the data."""
    n = t.size1 + t.size2
    some = ~t.double_zero
    rest = 1.0 if t.time else 1.0 - t.total / n
    information = (t.size1 / n) * (t.size2 / n) * t.total * rest
    ratio = np.maximum(t.size1 / t.size2, t.size2 / t.size1)
    total = math.fsum(information)
    unbalanced = math.fsum(information[ratio > _BALANCED]) / total if total > 0.0 else 0.0
    share = (t.size1 / n)[some]
    uneven = float(share.max() - share.min()) if share.size else 0.0
    cells = [t.events1, t.events2]
    cells += [] if t.time else [t.size1 - t.events1, t.size2 - t.events2]
    empty = np.any([cell == 0.0 for cell in cells], axis=0) & some
    risk = None if t.time else math.fsum(t.total) / math.fsum(n)
    return Shape(risk, unbalanced, uneven, int(empty.sum()), int(t.double_zero.sum()))


def objections(model: str, shape: Shape, ratio: float | None) -> tuple[str, ...]:
    """Why a method does not suit these data, in words; nothing where it does.

    Parameters
    ----------
    model
        Code of the model.
    shape
        What the data are like.
    ratio
        The Mantel–Haenszel odds ratio, None where there is none.
    """
    if model == "collapsed":
        return ("it ignores which people were compared with whom",)
    if model == "Peto":
        return _against_peto(shape, ratio)
    if model == "IV":
        return _against_inverse_variance(shape)
    uneven = shape.uneven > _UNEVEN
    if model in ("BB", "UM.RS") and uneven:
        return (
            "it also compares people of different trials, and the sizes of the two groups stand "
            "in different proportions from trial to trial",
        )
    if model == "CM.AL" and shape.risk is not None and not _within(shape.risk, _APPROXIMATE):
        return (f"its approximation needs rare events; {_risk(shape.risk)} had one",)
    return ()


def _within(risk: float, limit: float) -> bool:
    """Whether events are rare; the rarity of non-events does not help every method."""
    return risk < limit


def _risk(risk: float) -> str:
    return f"{significant(100.0 * risk, 2)}% of people"


def _against_peto(shape: Shape, ratio: float | None) -> tuple[str, ...]:
    found = []
    if shape.risk is not None and not _within(min(shape.risk, 1.0 - shape.risk), RARE):
        found.append(f"events are not rare: {_risk(shape.risk)} had one")
    if shape.unbalanced > _SHARE:
        found.append(
            f"groups of unequal size (more than {significant(_BALANCED)} to 1) carry "
            f"{fixed(100.0 * shape.unbalanced, 0)}% of the information"
        )
    if ratio is not None and not 1.0 / _LARGE <= ratio <= _LARGE:
        found.append(f"the effect is large: the Mantel–Haenszel odds ratio is {fixed(ratio, 2)}")
    return tuple(found)


def _against_inverse_variance(shape: Shape) -> tuple[str, ...]:
    found = []
    if shape.empty or shape.double_zero:
        k = shape.empty
        trials = f"{k} trial{'s' * (k != 1)} with an empty cell"
        found.append(f"half an event is added in {trials}, which pulls towards no difference")
    if shape.risk is not None and min(shape.risk, 1.0 - shape.risk) < RARE:
        found.append(f"events are rare: {_risk(shape.risk)} had one")
    return tuple(found)
