"""What every method of this room shares: which rows count, and how a result reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.core.result import Interval, Note, Result
from equipoise.core.table import fixed, p_value, percent, significant
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.intervals import shown
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.models.robustness import rows_of

Floats = NDArray[np.float64]

#: Fewer trials than this tell next to nothing about asymmetry (Cochrane Handbook 13.3.5.4).
FEW = 10


class BiasResult(Result):
    """Base of the results of this room: how they are printed."""

    __slots__ = ()
    if TYPE_CHECKING:
        notes: tuple[Note, ...]

    def _lines(self) -> Iterator[str]:
        """The lines of the summary, without the notes."""
        yield from ()

    def _headline(self) -> str:
        """The finding in one line."""
        return ""

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._headline()}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines() if line)
        notes = "".join(f"<li>{escape(note.text)}</li>" for note in self.notes)
        return f"<div>{lines}{f'<ul>{notes}</ul>' if notes else ''}</div>"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a method uses: independent estimates with variances.

    Attributes
    ----------
    es
        The rows that have both, in the order given.
    left_out, notes
        The others, with the reason; what is known about the input.
    """

    es: Contrasts
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]

    @property
    def y(self) -> Floats:
        """Estimates."""
        return self.es.yi

    @property
    def v(self) -> Floats:
        """Their variances."""
        return self.es.vi

    @property
    def k(self) -> int:
        """How many."""
        return len(self.es)

    @property
    def measure(self) -> Measure:
        """The effect measure."""
        return measure_of(self.es.measure)

    def without(self, places: Sequence[int], why: str) -> Rows:
        """The same without the rows at these places, which are named."""
        if not len(places):
            return self
        gone = set(places)
        kept = self.es.take([i for i in range(self.k) if i not in gone])
        dropped = tuple(LeftOut(self.es.study[i], why) for i in places)
        names = ", ".join(row.study for row in dropped)
        note = Note("left-out", f"Left out ({why}): {names}.")
        return Rows(kept, (*self.left_out, *dropped), (*self.notes, note))


def rows(es: Contrasts | PairwiseFit, *, least: int, what: str) -> Rows:
    """Return the rows that can be used.

    Parameters
    ----------
    es
        Effects, or a fit whose rows are used.
    least
        The smallest number of trials that `what` needs.
    what
        The method in words, for the error.

    Raises
    ------
    InputError
        A variance that is not above zero, rows that share a group, or something else than effects.
    NotEstimableError
        Fewer than `least` rows have an estimate.
    """
    if isinstance(es, PairwiseFit):
        found = Rows(rows_of(es), es.left_out, ())
    elif isinstance(es, Contrasts):
        # The path of every fit decides which rows count, so that no two methods can disagree.
        fit = pairwise(es, model="common", interval="Wald")
        usable = np.flatnonzero(np.isfinite(es.yi) & np.isfinite(es.vi))
        notes = tuple(note for note in fit.notes if note.code != "one-trial")
        found = Rows(es.take(usable.tolist()), fit.left_out, notes)
    else:
        raise InputError(
            f"a {type(es).__name__} where effects are wanted",
            hint="what effect_sizes(), contrasts() or pairwise() gives",
        )
    need(found, least, what)
    return found


def need(found: Rows, least: int, what: str) -> None:
    """Refuse fewer than `least` rows.

    Raises
    ------
    NotEstimableError
        Says how many there are.
    """
    if found.k < least:
        raise NotEstimableError(
            f"{what} needs at least {least} trials with an estimate, and there "
            f"{'is' if found.k == 1 else 'are'} {found.k}",
            hint="so few can only be read one by one: forest()",
        )


def group_sizes(found: Rows) -> tuple[Floats, Floats]:
    """Return the sizes of the two groups of every trial.

    Raises
    ------
    InputError
        Where they are not known: says what to give.
    """
    es = found.es
    n1, n2 = (es.raw.get(name, getattr(es, name)) for name in ("n1", "n2"))
    unknown = ~(np.isfinite(n1) & np.isfinite(n2) & (n1 > 0.0) & (n2 > 0.0))
    if unknown.any():
        names = [es.study[i] for i in np.flatnonzero(unknown)]
        where = "every study" if len(names) == found.k else f"study {', '.join(names)}"
        raise InputError(
            "the sizes of the groups are not known",
            where=where,
            hint="n1= and n2= with the effects, or a test that needs no sizes",
        )
    return n1, n2


def counts(found: Rows, test: str) -> tuple[Floats, Floats, Floats, Floats]:
    """Return events and people of the two groups of every trial: ``events1, n1, events2, n2``.

    Raises
    ------
    InputError
        Where they are not known: says what to give.
    """
    raw = found.es.raw
    names = ("events1", "n1", "events2", "n2")
    missing = [name for name in names if name not in raw]
    if missing:
        raise InputError(
            f"{test} needs the counts of both groups, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not known",
            hint="effect_sizes('OR', events1=, n1=, events2=, n2=); or test='Egger'",
        )
    e1, n1, e2, n2 = (raw[name] for name in names)
    return e1, n1, e2, n2


def trials(k: int) -> str:
    """A number of trials in words."""
    return "one trial" if k == 1 else f"{k} trials"


def p_text(value: float) -> str:
    """A p value as it stands in a sentence."""
    text = p_value(value)
    return f"p = {text}" if text[0].isdigit() else f"p {text}"


def effect_text(measure: Measure, value: float, ci: Interval) -> str:
    """An effect of the analysis scale as a reader sees it, with its interval."""
    back = measure.back_interval(ci)
    if math.isnan(value):
        return "not estimable"
    text, bounds = shown(measure, measure.back(value), back)
    return f"{text} ({percent(100 * ci.level)} CI {bounds})"


def number(value: float, digits: int = 4) -> str:
    """A number of the analysis scale."""
    return significant(value, digits)


def statistic_text(value: float, df: float) -> str:
    """A z or t statistic with its degrees of freedom."""
    if math.isinf(df):
        return f"z {fixed(value, 2)}"
    return f"t {fixed(value, 2)} on {df:g} df"


def check_level(level: float, name: str = "level") -> None:
    """Refuse a level that is no share.

    Raises
    ------
    InputError
        Outside 0 to 1.
    """
    if not 0.0 < level < 1.0:
        raise InputError(
            f"{name} {level:g}", hint="a number between 0 and 1, such as 0.95 (level), 0.05 (alpha)"
        )


def few_note(k: int) -> list[Note]:
    """What to know when there are few trials."""
    if k >= FEW:
        return []
    text = (
        f"With {trials(k)}, asymmetry cannot be told from chance; the Cochrane Handbook (13.3.5.4) "
        "advises against such tests below ten trials."
    )
    return [Note("few-trials", text)]
