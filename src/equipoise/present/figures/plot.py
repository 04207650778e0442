"""What a forest plot shows: its lines and columns, its words, and the table that says the same.

Everything is on the scale of analysis. The modules `outcome` and `gather` make a `Plot`; `wide` and
`stacked` draw it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import Literal

from equipoise.core.errors import InputError
from equipoise.core.table import (
    Column,
    Kind,
    Table,
    Value,
    count,
    counted,
    kept,
    p_value,
    percent,
    points,
    ratio,
    share,
    significant,
    standardised,
)
from equipoise.effects.measures import Measure

Better = Literal["lower", "higher"]
LineKind = Literal["trial", "total", "prediction", "heading", "words"]

#: The words where a trial has no estimate.
NONE = "not estimable"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a forest plot, on the scale of analysis (logarithms for ratios).

    Attributes
    ----------
    label
        What stands at the left.
    estimate, low, high
        The estimate and its interval; not a number where there is none.
    kind
        A ``trial`` (square), a ``total`` (diamond), a ``prediction`` interval (bar), a ``heading``
        of a subgroup, or ``words`` that belong to the lines above.
    weight
        Percent of the pooled estimate; not a number where it has none.
    cells
        Values of further columns, by their key.
    rob
        Risk of bias: one level, or one for each domain.
    flags
        Remarks for the reader.
    main
        Whether it is the total that the dashed line runs through.
    hollow
        Whether the mark is drawn hollow: a result that is shown but not recommended.
    pi
        A prediction interval of its own, drawn behind the mark.
    """

    label: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    kind: LineKind = "trial"
    weight: float = math.nan
    cells: Mapping[str, Value] = field(default_factory=dict)
    rob: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    main: bool = False
    hollow: bool = False
    pi: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether there is an estimate to draw."""
        return math.isfinite(self.estimate)


@dataclass(frozen=True, slots=True)
class Beside:
    """A further column beside the plot; `group` is a heading over neighbours that share it."""

    key: str
    label: str
    side: Literal["left", "right"] = "left"
    kind: Kind = "plain"
    align: Literal["left", "right"] = "right"
    group: str = ""

    def text(self, line: Line) -> str:
        """Write the cell of a line as a reader sees it."""
        value = line.cells.get(self.key)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        column = Column(self.key, self.label, self.kind, self.align)
        return _PLAIN.text(value, column)


_PLAIN = Table("", (), (), missing="")


@dataclass(frozen=True, slots=True)
class Total:
    """The pooled result in the words of a description, on the scale of analysis."""

    estimate: float
    low: float
    high: float
    prediction: tuple[float, float] | None = None
    people: int | None = None


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything that a forest plot shows, on the scale of analysis."""

    title: str
    measure: Measure
    level: float
    lines: tuple[Line, ...]
    desc: str = ""
    unit: str = ""
    total: Total | None = None
    beside: tuple[Beside, ...] = ()
    raw_below: bool = False
    """Whether the numbers of both groups stand below a trial's name instead of beside it."""
    better: Better | None = None
    sides: tuple[str, str] = ("treatment", "comparison")
    ends: tuple[str, str] = ("", "")
    """What lies to the left and to the right of no effect, in words."""
    band: tuple[float, float] | None = None
    band_words: str = ""
    found: tuple[str, ...] = ()
    """Differences between trials, tests: sentences below the plot."""
    notes: tuple[str, ...] = ()
    """Remarks drawn below the plot."""
    asides: tuple[str, ...] = ()
    """Remarks that stand in the table alone."""
    left_out: tuple[str, ...] = ()
    """Results that could not be used, each with its reason; the table lists them."""
    label_head: str = "Trial"
    effect_head: tuple[str, ...] = ()
    weight_head: str = "Weight"
    domains: tuple[str, ...] = ()
    """Names of the domains of risk of bias, where each trial has more than one level."""
    decimals: int | None = None
    limits: tuple[float, float] | None = None
    ticks: tuple[float, ...] = ()

    @property
    def trials(self) -> tuple[Line, ...]:
        """The lines of trials, those without an estimate among them."""
        return tuple(line for line in self.lines if line.kind == "trial")

    @property
    def null(self) -> float:
        """No effect on the scale of analysis; not a number where nothing is compared."""
        return self.measure.no_effect

    @property
    def weighted(self) -> bool:
        """Whether weights say anything: more than one trial has one."""
        return sum(not math.isnan(line.weight) for line in self.trials) > 1

    @property
    def axis_title(self) -> str:
        """The measure in words, with its unit or "log scale"."""
        words = axis_words(self.measure)
        return f"{words}, {self.unit}" if self.unit and self.measure.scale != "log" else words

    def write(self, value: float) -> str:
        """Write a value of the scale of analysis as a reader sees it."""
        return writer(self.measure, self.decimals)(self.measure.back(value))

    def interval(self, low: float, high: float) -> str:
        """Write an interval of the scale of analysis."""
        return f"{self.write(low)} to {self.write(high)}"

    def effect(self, line: Line | Total) -> str:
        """Write an estimate with its interval."""
        if not math.isfinite(line.estimate):
            return NONE
        if math.isnan(line.low):
            return self.write(line.estimate)
        return f"{self.write(line.estimate)} ({self.interval(line.low, line.high)})"

    def said(self, line: Line) -> str:
        """What stands in the column of effects."""
        if line.kind in ("heading", "words"):
            return ""
        if line.kind == "prediction":
            return self.interval(line.low, line.high)
        return self.effect(line)

    @property
    def flags(self) -> tuple[str, ...]:
        """The remarks of all lines, each once, in the order of the lines."""
        return tuple(dict.fromkeys(flag for line in self.lines for flag in line.flags))

    def table(self) -> Table:
        """The twin of the drawing: one row a line, headings as groups."""
        kind = kind_of_measure(self.measure)
        percents = f"{100 * self.level:g}%"
        lefts = tuple(b for b in self.beside if b.side == "left")
        rights = tuple(b for b in self.beside if b.side == "right")
        columns = (
            Column("trial", self.label_head),
            *map(_column, lefts),
            Column("effect", self.axis_title.removesuffix(" (log scale)"), kind, "right"),
            Column("low", f"{percents} interval from", kind, "right"),
            Column("high", "to", kind, "right"),
            Column("pi_low", "Prediction interval from", kind, "right"),
            Column("pi_high", "to", kind, "right"),
            Column("weight", self.weight_head, "percent", "right"),
            *map(_column, rights),
            *self._rob_columns(),
            Column("remarks", "Remarks"),
        )
        rows: list[tuple[Value, ...]] = []
        groups: list[tuple[int, str]] = []
        for line in self.lines:
            if line.kind == "heading":
                groups.append((len(rows), line.label))
            elif line.kind != "words":
                rows.append(self._row(line, lefts, rights))
        words = [line.label for line in self.lines if line.kind == "words"]
        notes = (*self.found, *words, *([self.band_words] if self.band_words else []))
        # Columns that would be empty throughout are left out.
        always = {"trial", "effect", "low", "high"}
        at = [
            i
            for i, column in enumerate(columns)
            if column.key in always or any(row[i] is not None for row in rows)
        ]
        return Table(
            self.title,
            tuple(columns[i] for i in at),
            tuple(tuple(row[i] for i in at) for row in rows),
            groups=tuple(groups),
            notes=(*notes, *self.notes, *self.asides, *self.left_out),
            missing="",
        )

    def _rob_columns(self) -> tuple[Column, ...]:
        if not self.domains:
            return (Column("rob", "Risk of bias"),)
        return tuple(
            Column(f"rob_{letter(i)}", f"Risk of bias: {name}")
            for i, name in enumerate(self.domains)
        )

    def _row(
        self, line: Line, lefts: Sequence[Beside], rights: Sequence[Beside]
    ) -> tuple[Value, ...]:
        def told(value: float) -> Value:
            return None if math.isnan(value) else self.measure.back(value)

        rob: tuple[Value, ...] = tuple(line.rob) or (None,) * max(1, len(self.domains))
        return (
            line.label,
            *(line.cells.get(b.key) for b in lefts),
            told(line.estimate),
            told(line.low),
            told(line.high),
            *(told(v) for v in line.pi or (math.nan, math.nan)),
            None if math.isnan(line.weight) else line.weight,
            *(line.cells.get(b.key) for b in rights),
            *rob,
            "; ".join(line.flags) or None,
        )


def _column(beside: Beside) -> Column:
    label = f"{beside.group}: {beside.label}" if beside.group else beside.label
    return Column(beside.key, capital(label), beside.kind, beside.align)


def letter(i: int) -> str:
    """The mark of the remark or domain at place `i`: a, b, c…"""
    return chr(ord("a") + i)


def capital(text: str) -> str:
    """The same words with a capital in front."""
    return text[:1].upper() + text[1:]


def axis_words(measure: Measure) -> str:
    """What an axis of effects is called: the measure, with "log scale" where it is one."""
    name = capital(measure.name)
    return f"{name} (log scale)" if measure.scale == "log" else name


def way_back(measure: Measure) -> Callable[[float], float] | None:
    """The way to the reader's scale for an :class:`Axis`: None where that is linear or log."""
    return None if measure.scale in ("log", "natural") else measure.back


def kind_of_measure(measure: Measure) -> Kind:
    """Which rounding rule the values of a measure call for."""
    if measure.ratio:
        return "ratio"
    kinds: dict[str, Kind] = {"SMD": "standardised", "MD": "points", "RD": "share"}
    return kinds.get(measure.code, "plain")


def writer(measure: Measure, decimals: int | None = None) -> Callable[[float], str]:
    """What writes a value of the reader's scale; never rounded across no effect."""
    kind = kind_of_measure(measure)
    if kind == "ratio":
        return lambda v: "> 1,000,000" if 1e6 < v < math.inf else ratio(v)
    if kind == "standardised":
        return standardised
    if decimals is not None:
        marks = () if math.isnan(measure.null) else (measure.null,)
        return lambda v: kept(v, decimals, marks)
    if kind in ("plain", "share"):
        return share
    return points


def favours(better: Better | None, sides: tuple[str, str]) -> tuple[str, str]:
    """The words left and right of no effect, from which direction is better."""
    if better is None:
        return f"lower with {sides[0]}", f"higher with {sides[0]}"
    words = (f"favours {sides[0]}", f"favours {sides[1]}")
    return words if better == "lower" else (words[1], words[0])


def check_better(better: object) -> None:
    """Refuse what is no direction."""
    if better not in (None, "lower", "higher"):
        raise InputError(f"better={better!r}", hint="'lower' or 'higher'")


def given_band(measure: Measure, threshold: float | tuple[float, float]) -> tuple[float, float]:
    """A threshold given on the reader's scale, on the scale of analysis."""
    if isinstance(threshold, Sized):
        low, high = threshold
    elif measure.ratio and threshold > 0:
        low, high = sorted((threshold, 1 / threshold))
    else:
        low, high = -abs(threshold), abs(threshold)
    if not low < measure.null < high or (measure.ratio and low <= 0):
        raise InputError(
            f"threshold={threshold!r} does not enclose no effect ({measure.null:g})",
            hint="one number, or a pair such as (0.8, 1.25) for ratios",
        )
    return (math.log(low), math.log(high)) if measure.ratio else (low, high)


def band_said(measure: Measure, band: tuple[float, float] | None) -> str:
    """The sentence that explains a band given on the scale of analysis."""
    if band is None:
        return ""
    low, high = (writer(measure)(measure.back(v)) for v in band)
    return f"Shaded: effects between {low} and {high} are too small to matter."


def heterogeneity_said(fit: object, measure: Measure) -> str:
    """How much the trials differ, with the model in brackets; "" for one trial."""

    def of(name: str) -> float:
        value = getattr(fit, name, None)
        return math.nan if value is None else float(value)

    if of("k") < 2 or math.isnan(of("q")):
        return ""
    model = str(getattr(fit, "model", "random"))
    ways = {"random": "random effects", "common": "common effect"}
    way = ways.get(model, model)
    method = getattr(fit, "tau2_method", "")
    if method and model == "random":
        way += f",\u00a0{method}"
    tau2 = f", tau²\u00a0{significant(of('tau2'), 3)}" if model != "common" else ""
    on_log = " on the log scale" if tau2 and of("tau2") > 0 and measure.ratio else ""
    words = f"Differences between trials: I²\u00a0{percent(of('i2'))}{tau2}{on_log};"
    words += f" Q\u00a0{significant(of('q'), 3)}"
    return f"{words} on {count(of('q_df'))}\u00a0df, p\u00a0{p_value(of('q_p'))} ({way})."


def described(plot: Plot, unit: str = "") -> Plot:
    """The same plot with its finding in words."""
    k, t = sum(line.known for line in plot.trials), plot.total
    percents = f"{100 * plot.level:g}%"
    name = plot.measure.name
    if t is None:
        text = f"{count(k)} {'trial' if k == 1 else 'trials'}, {name}, not pooled."
        text += _range(plot)
        return replace(plot, desc=text)
    who = f" with {count(t.people)} people" if t.people else ""
    measured = f"{name} {plot.effect(t)}{' ' + unit if unit else ''}"
    if k == 1:
        text = f"One trial{who}: {measured} ({percents} interval in brackets)."
    else:
        text = f"{counted(k, 'trial')}{who}, pooled {measured} ({percents} interval in brackets)."
        text += _range(plot)
    if t.prediction is not None:
        text += f" In a new setting the effect may lie from {plot.interval(*t.prediction)}."
    if plot.band is not None:
        text += " " + _against_band(t, plot.band)
    subtotals = _subtotals(plot)
    if subtotals:
        text += f" {subtotals}"
    if plot.better is not None:
        text += f" {plot.better.capitalize()} is better."
    return replace(plot, desc=text)


def _range(plot: Plot) -> str:
    values = [line.estimate for line in plot.trials if line.known]
    if len(values) < 2:
        return ""
    return f" The trials range from {plot.interval(min(values), max(values))}."


def _subtotals(plot: Plot) -> str:
    """The results of subgroups, each after its heading."""
    said, heading = [], ""
    for line in plot.lines:
        if line.kind == "heading":
            heading = line.label
        elif line.kind == "total" and heading and not line.main:
            said.append(f"{heading}: {plot.effect(line)}.")
            heading = ""
    return " ".join(said)


def _against_band(t: Total, band: tuple[float, float]) -> str:
    if band[0] <= t.low and t.high <= band[1]:
        return "The whole interval is too small to matter."
    if t.high < band[0] or t.low > band[1]:
        return "The whole interval is large enough to matter."
    return "The interval holds effects too small to matter and effects that matter."
