"""Cut points between trivial, small, moderate and large effects, and what an effect is called.

A registry row (:class:`~equipoise.review.records.Threshold`) names its kind. A *between-group*
threshold says which difference between two groups' means matters; a *within-person* one says which
change one person notices. The second is larger and is no yardstick for group means, so the main
set of an outcome is always between-group; the others are shown beside it.

Published cut points lie in ``thresholds.toml`` beside this module, each with its source and how far
it was followed. They are offered by :func:`threshold` and never used unasked: which cut points a
review uses stands in its folder.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import Column, Table, significant
from equipoise.review.records import Better, Outcome, Threshold, ThresholdKind

EffectClass = Literal["worse", "none", "small", "moderate", "large"]
EFFECT_CLASSES: tuple[EffectClass, ...] = ("worse", "none", "small", "moderate", "large")


def classify(benefit: float, threshold: Threshold) -> EffectClass:
    """Name the size of an effect.

    Parameters
    ----------
    benefit
        The effect signed so that positive is better, on the outcome's scale (binary outcomes:
        risk difference per 1000 people).
    threshold
        The cut points. Sizes are closed above, as the source categories are printed
        (small 5 to 10, moderate over 10 to 20, large over 20).
    """
    if benefit <= -threshold.small:
        return "worse"
    if benefit < threshold.small:
        return "none"
    if threshold.moderate is None or benefit <= threshold.moderate:
        return "small"
    if threshold.large is None or benefit <= threshold.large:
        return "moderate"
    return "large"


def main_threshold(outcome: Outcome) -> Threshold | None:
    """The between-group set that the outcome's verdict uses; None when none is registered."""
    between = [t for t in outcome.thresholds if t.kind == "between-group"]
    return next((t for t in between if t.main), between[0] if between else None)


def signed(value: float, better: Literal["lower", "higher"]) -> float:
    """Turn an effect (treatment minus comparator) so that positive is better."""
    return -value if better == "lower" else value


@dataclass(frozen=True, slots=True)
class Published:
    """A published cut point of one instrument, in one kind of people.

    Attributes
    ----------
    instrument, also
        Its name, and other names that it goes by.
    range, better
        The scale that the value is measured on, and its better end.
    kind
        ``between-group`` or ``within-person``.
    small, small_to, moderate, large
        Points from which an effect is small (to another published value), moderate and large.
    share, share_to, share_moderate, share_large
        The same as shares of the baseline (0.30 for 30 %).
    population, method, source, doi
        In whom, how, and where it was found.
    checked
        ``abstract``: seen in its paper's abstract or tables; ``second hand``: quoted by others.
    """

    instrument: str
    kind: ThresholdKind
    better: Better
    population: str
    method: str
    source: str
    checked: Literal["abstract", "second hand"]
    also: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    small: float | None = None
    small_to: float | None = None
    moderate: float | None = None
    large: float | None = None
    share: float | None = None
    share_to: float | None = None
    share_moderate: float | None = None
    share_large: float | None = None
    doi: str = ""

    @property
    def words(self) -> str:
        """How far the value was followed, in words."""
        told = {"abstract": "checked in its abstract", "second hand": "quoted at second hand"}
        return told[self.checked]

    def set_of(self, scale: tuple[float, float] | None = None) -> Threshold:
        """Make the set of cut points that a review's folder holds.

        Parameters
        ----------
        scale
            The range of the outcome; values are stretched to it linearly.

        Raises
        ------
        InputError
            Where the source gives only shares of the baseline, or no range to stretch from.
        """
        if self.small is None:
            hint = "a share of the control groups' mean at the start, worked out by hand"
            raise InputError(
                "only shares of the baseline are published", where=self.name, hint=hint
            )
        factor = 1.0
        if scale is not None and self.range is not None:
            factor = (scale[1] - scale[0]) / (self.range[1] - self.range[0])
        elif scale is not None:
            raise InputError("no range is published", where=self.name, hint="scale=None")

        def cut(value: float | None) -> float | None:
            return None if value is None else value * factor

        return Threshold(
            name=self.name,
            kind=self.kind,
            small=self.small * factor,
            moderate=cut(self.moderate),
            large=cut(self.large),
            instrument=self.instrument,
            population=self.population,
            method=f"{self.method}; {self.words}",
            source=self.source,
            doi=self.doi,
        )

    @property
    def name(self) -> str:
        """What the set is called."""
        return f"{self.instrument}, {self.population} ({self.source.split(',')[0]})"


@cache
def registry() -> tuple[Published, ...]:
    """Every published cut point that ships with the package."""
    text = Path(__file__).with_name("thresholds.toml").read_text(encoding="utf-8")
    return tuple(_published(row) for row in tomllib.loads(text)["thresholds"])


def _published(row: dict[str, Any]) -> Published:
    values: dict[str, Any] = dict(row)
    for key in ("also", "range"):
        if key in values:
            values[key] = tuple(values[key])
    return Published(**values)


def threshold(instrument: str, kind: ThresholdKind) -> tuple[Published, ...]:
    """Look up the published cut points of one instrument and one kind.

    Parameters
    ----------
    instrument
        Its name or another that it goes by; case does not matter.
    kind
        ``between-group`` for differences between groups' means, ``within-person`` for what one
        person notices. There is no default: the two are never taken for one another.

    Returns
    -------
    Those checked in their abstract first. Empty where the registry has the instrument and nothing
    of that kind.

    Raises
    ------
    UnknownNameError
        An instrument or kind that the registry does not have.

    Examples
    --------
    >>> [t.small for t in threshold("RMDQ", "between-group")]
    [1]
    >>> [t.small for t in threshold("Oswestry", "within-person")]
    [10]
    """
    kinds = ("between-group", "within-person")
    if kind not in kinds:
        raise UnknownNameError("kind of threshold", kind, kinds)
    wanted = instrument.strip().casefold()
    rows = [t for t in registry() if wanted in (n.casefold() for n in (t.instrument, *t.also))]
    if not rows:
        names = dict.fromkeys(n for t in registry() for n in (t.instrument, *t.also))
        raise UnknownNameError("instrument", instrument, names)
    return tuple(sorted((t for t in rows if t.kind == kind), key=lambda t: t.checked))


def registry_table() -> Table:
    """Every published cut point, with its kind, its source and how far it was followed."""
    return Table(
        "Published cut points",
        (
            Column("instrument", "Instrument"),
            Column("range", "Range"),
            Column("kind", "Kind"),
            Column("value", "Points"),
            Column("share", "Of the baseline"),
            Column("population", "In"),
            Column("source", "Source"),
            Column("checked", "Checked"),
        ),
        tuple(
            (
                t.instrument,
                None if t.range is None else f"{t.range[0]:g} to {t.range[1]:g}",
                t.kind,
                _cuts(t.small, t.small_to, t.moderate, t.large),
                _shares(t),
                t.population,
                t.source,
                t.words,
            )
            for t in registry()
        ),
        missing="–",
    )


def _shares(t: Published) -> str | None:
    def percent(share: float | None) -> float | None:
        return None if share is None else 100 * share

    ends = percent(t.share), percent(t.share_to)
    return _cuts(*ends, percent(t.share_moderate), percent(t.share_large), unit=" %")


def _cuts(
    small: float | None,
    small_to: float | None,
    moderate: float | None,
    large: float | None,
    unit: str = "",
) -> str | None:
    """Cut points as one text: ``5 / 10 / 20``, or ``0.8 to 1.01``."""
    if small is None:
        return None
    first = significant(small) + (f" to {significant(small_to)}" if small_to is not None else "")
    rest = [significant(x) for x in (moderate, large) if x is not None]
    return " / ".join([first, *rest]) + unit


MidUnits = Literal["many", "an appreciable number", "few"]

#: What a difference between groups means in units of the smallest change that a person notices
#: (doi 10.1186/s12955-018-0924-9).
MID_UNITS: dict[str, MidUnits] = {
    "above 1": "many",
    "0.5 to 1": "an appreciable number",
    "below 0.5": "few",
}


def mid_units(benefit: float, within_person: float) -> tuple[float, MidUnits]:
    """Express a difference between groups in MID units, and say how many people gain.

    Parameters
    ----------
    benefit
        The difference, positive better.
    within_person
        The smallest change that one person notices, in the same points.

    Returns
    -------
    The units, and ``many`` (above 1), ``an appreciable number`` (0.5 to 1) or ``few``.

    Examples
    --------
    >>> mid_units(12, 15)
    (0.8, 'an appreciable number')
    """
    if not within_person > 0:
        raise InputError(
            f"a smallest change of {within_person:g}",
            where="within_person",
            hint="a number above 0, in the points of the difference",
        )
    units = benefit / within_person
    if units > 1:
        return units, "many"
    return units, "an appreciable number" if units >= 0.5 else "few"
