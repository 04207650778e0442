"""Forest plots: every trial, all together, and where a new trial's effect may lie.

Two layouts are made: a wide one with columns beside the plot, and a narrow one in which each trial
is a block of words over its own strip of the plot, for a phone.

Source: Lewis and Clarke 2001 (BMJ 322:1479, doi 10.1136/bmj.322.7300.1479) for the form; the
Cochrane Handbook, chapter 10, for the prediction interval beneath the diamond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.answer.answer import ForestRow, OutcomeAnswer
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, percent
from equipoise.present.drawing import Drawing, coord, shortened, text_width, wrap
from equipoise.present.figures.axis import (
    Axis,
    draw_axis,
    draw_band_label,
    draw_ground,
    draw_interval,
    fit_axis,
)
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.figures.marks import ROB, draw_rob
from equipoise.present.figures.plot import Better, Fit, Plot, plot_of

#: What may stand beside the plot, in the order in which it is kept when room runs out.
COLUMNS = ("effect", "rob", "weight", "raw")
#: Beyond this number of trials raw numbers stand in the table alone.
_RAW_ROWS = 15
#: Beyond this number of different remarks they stand in the table alone.
_MOST_REMARKS = 8
_EDGE = 6.0


def forest(
    what: OutcomeAnswer | Fit,
    *,
    title: str | None = None,
    better: Better | None = None,
    threshold: float | tuple[float, float] | None = None,
    sides: tuple[str, str] = ("treatment", "comparison"),
    columns: Sequence[str] = COLUMNS,
    width: float | None = None,
    prefix: str = "forest",
) -> Figure:
    """Draw a forest plot of an outcome of an answer, or of what :func:`pairwise` gave.

    Parameters
    ----------
    what
        The outcome or the fit.
    title
        Heading of the figure; by default from the outcome.
    better
        ``"lower"`` or ``"higher"``; an outcome brings its own. Without it the ends of the axis say
        only what is lower and higher.
    threshold
        Effects too small to matter, on the reader's scale: one number (to both sides of no effect)
        or a pair. An outcome brings the registered one.
    sides
        What is compared, for the words at the ends of the axis.
    columns
        Which of ``effect``, ``rob``, ``weight`` and ``raw`` stand beside the plot. The table has
        all of them.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320; a width below 520 is laid
        out for a phone.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        With the table that holds every number of the drawing.

    Raises
    ------
    InputError
        For a threshold that does not enclose no effect, or something that is neither an outcome
        nor a fit.
    UnknownNameError
        For an unknown column, measure or risk of bias.
    """
    for name in columns:
        if name not in COLUMNS:
            raise UnknownNameError("column", name, COLUMNS)
    if width is not None and not 280 <= width <= 2000:
        raise InputError(f"width={width!r}", hint="280 to 2000")
    plot = plot_of(what, title=title, better=better, threshold=threshold, sides=sides)
    wide = _draw(plot, columns, WIDE if width is None else width, prefix)
    narrow = _draw(plot, columns, NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, wide, plot.table(), plot.title, plot.desc, narrow)


def _draw(plot: Plot, columns: Sequence[str], width: float, prefix: str) -> str:
    phone = width < 520
    d = Drawing(prefix, width, size=14 if phone else 13)
    y = d.paragraph(_EDGE, 22, plot.title, width - 2 * _EDGE, size=16 if phone else 15, bold=True)
    if not plot.rows:
        box = wrap(plot.desc, width - 2 * _EDGE - 20, d.size)
        high = len(box) * d.size * 1.35 + 16
        d.rect(_EDGE, y - 8, width - 2 * _EDGE, high, fill="", stroke="unknown", dash="5 4")
        d.paragraph(_EDGE + 10, y + 12, plot.desc, width - 2 * _EDGE - 20)
        return d.svg(y + high + 4, plot.title, plot.desc)
    y = (_Stacked(d, plot, columns) if phone else _Columns(d, plot, columns)).draw(y)
    return d.svg(_foot(d, plot, y), plot.title, plot.desc)


def _axis(plot: Plot, left: float, right: float) -> Axis:
    bounds = [(row.low, row.high) for row in plot.rows]
    keep: list[float] = list(plot.band or ())
    if plot.total is not None:
        keep += [plot.total.estimate, plot.total.low, plot.total.high]
        bounds += [plot.total.prediction] if plot.total.prediction else []
    return fit_axis(
        [row.estimate for row in plot.rows],
        bounds,
        null=0.0,
        left=left,
        right=right,
        log=plot.measure.ratio,
        keep=keep,
    )


def _foot(d: Drawing, plot: Plot, y: float) -> float:
    """Write the legend, the remarks and the heterogeneity; return the height of the figure."""
    inside = d.width - 2 * _EDGE
    y += d.size * 0.6
    if plot.band_words:
        d.rect(_EDGE, y - d.size + 2, 18, d.size, fill="band", stroke="rule")
        y = d.paragraph(_EDGE + 26, y, plot.band_words, inside - 26)
    if plot.total is not None and plot.total.heterogeneity:
        y = d.paragraph(_EDGE, y + 3, plot.total.heterogeneity, inside)
    y = _rob_legend(d, plot, y + 6)
    flags = plot.flags
    if len(flags) > _MOST_REMARKS:
        y = d.paragraph(_EDGE, y, "* Remarks on this trial stand in the table.", inside)
        flags = ()
    for i, flag in enumerate(flags):
        d.text(_EDGE, y - 4, _letter(i), size=12)
        y = d.paragraph(_EDGE + 16, y, flag[:1].upper() + flag[1:], inside - 16)
    for note in plot.notes:
        y = d.paragraph(_EDGE, y + 2, note, inside)
    if plot.left_out:
        n = len(plot.left_out)
        words = f"{count(n)} {'result' if n == 1 else 'results'} could not be used; "
        y = d.paragraph(_EDGE, y + 2, words + "the table says why.", inside)
    return y


def _rob_legend(d: Drawing, plot: Plot, y: float) -> float:
    used = [key for key in ROB if any(row.rob == key for row in plot.rows)]
    if not used:
        return y
    x, y = _EDGE, y + 2
    d.text(x, y, "Risk of bias:")
    x += text_width("Risk of bias:", d.size) + 16
    for key in used:
        reach = 30 + text_width(ROB[key][1], d.size)
        if x + reach > d.width:
            x, y = _EDGE + 10, y + d.size * 1.8
        draw_rob(d, x + 2, y - 4.5, key)
        d.text(x + 17, y, ROB[key][1])
        x += reach + 4
    return y + d.size * 1.9


def _letter(i: int) -> str:
    return chr(ord("a") + i)


def _marks(plot: Plot, row: ForestRow) -> str:
    """The letters of a trial's remarks, or a star where there are too many to list."""
    if len(plot.flags) > _MOST_REMARKS:
        return "*" if row.flags else ""
    return ",".join(_letter(plot.flags.index(flag)) for flag in dict.fromkeys(row.flags))


def _raw(row: ForestRow) -> str:
    if row.treated and row.control:
        return f"{row.treated} v {row.control}"
    return row.treated or row.control


def _versus(plot: Plot) -> str:
    return f"{plot.sides[0]} v {plot.sides[1]}"


def _total_label(plot: Plot) -> str:
    assert plot.total is not None
    people = f", {count(plot.total.people)} people" if plot.total.people else ""
    return f"All {count(len(plot.rows))} trials{people}"


def _square(d: Drawing, axis: Axis, y: float, row: ForestRow, most: float) -> None:
    """Draw a trial: its interval, and a square whose area is its weight."""
    draw_interval(d, axis, y, row.low, row.high)
    if axis.holds(row.estimate):
        side = max(4.0, 13 * math.sqrt(max(row.weight, 0.0) / most))
        d.rect(axis.at(row.estimate) - side / 2, y - side / 2, side, side)


def _diamond(d: Drawing, axis: Axis, y: float, plot: Plot) -> None:
    assert plot.total is not None
    t = plot.total
    x1, x, x2 = axis.at(t.low), axis.at(t.estimate), axis.at(t.high)
    x1, x2 = min(x1, x - 3), max(x2, x + 3)
    d.polygon([(x1, y), (x, y - 8), (x2, y), (x, y + 8)], fill="neutral", stroke="ink")


def _prediction(d: Drawing, axis: Axis, y: float, ends: tuple[float, float]) -> None:
    """Draw a prediction interval: a hatched bar, open where it leaves the axis."""
    x1, x2 = axis.at(ends[0]), axis.at(ends[1])
    d.rect(x1, y - 4, x2 - x1, 8, fill="hatch", stroke="ink")
    if ends[0] < axis.low:
        d.polygon([(x1 - 1, y), (x1 + 7, y - 5), (x1 + 7, y + 5)])
    if ends[1] > axis.high:
        d.polygon([(x2 + 1, y), (x2 - 7, y - 5), (x2 - 7, y + 5)])


@dataclass(frozen=True, slots=True)
class _Block:
    """The words of one line of the plot, measured."""

    lines: tuple[str, ...]
    marks: str
    raw: tuple[str, ...]
    height: float


class _Columns:
    """The wide layout: label, plot, effect, weight and risk of bias side by side."""

    def __init__(self, d: Drawing, plot: Plot, columns: Sequence[str]) -> None:
        self.d, self.plot = d, plot
        percents = f"{100 * plot.level:g}%"
        self.effect_head = ("Effect", f"({percents} interval)")
        has = {
            "effect": "effect" in columns,
            "rob": "rob" in columns and any(row.rob for row in plot.rows),
            "weight": "weight" in columns and len(plot.rows) > 1,
        }
        right = d.width - _EDGE
        self.rob = right - 15 if has["rob"] else None
        right -= 42 if has["rob"] else 0
        self.weight = right if has["weight"] else None
        right -= text_width("Weight", d.size, bold=True) + 12 if has["weight"] else 0
        self.effect = right if has["effect"] else None
        right -= self._effect_width() + 16 if has["effect"] else 0
        few = len(plot.rows) <= _RAW_ROWS
        self.raw = "raw" in columns and few and any(_raw(row) for row in plot.rows)
        label = self._label_width(d.width * 0.31)
        self.label = label
        self.axis = _axis(plot, _EDGE + label + 14, right)
        self.blocks = [self._block(row) for row in plot.rows]

    def _effect_width(self) -> float:
        d, plot = self.d, self.plot
        texts = [plot.effect(r.estimate, r.low, r.high) for r in plot.rows]
        wide = [text_width(t, d.size) for t in texts]
        wide += [text_width(line, d.size, bold=True) for line in self.effect_head]
        if plot.total is not None:
            t = plot.total
            text = plot.effect(t.estimate, t.low, t.high)
            wide.append(text_width(text, d.size, bold=True))
        return max(wide)

    def _label_width(self, most: float) -> float:
        d = self.d
        wide = [text_width(f"{r.label} {_marks(self.plot, r)}", d.size) for r in self.plot.rows]
        if self.raw:
            wide += [text_width(_raw(r), d.size) for r in self.plot.rows]
        wide.append(text_width(_total_label(self.plot), d.size, bold=True))
        return min(max(120.0, *wide), most)

    def _block(self, row: ForestRow) -> _Block:
        d = self.d
        marks = _marks(self.plot, row)
        room = self.label - (text_width(marks, 12) + 4 if marks else 0)
        lines = shortened(row.label, room, d.size, 2)
        raw = tuple(self._raw_lines(row)) if self.raw else ()
        rows = len(lines) + len(raw)
        return _Block(tuple(lines), marks, raw, max(21.0, rows * d.size * 1.3 + 7))

    def _raw_lines(self, row: ForestRow) -> list[str]:
        """Both sides on one line where they fit, else each on its own."""
        whole = _raw(row)
        if text_width(whole, self.d.size) <= self.label or not (row.treated and row.control):
            return wrap(whole, self.label, self.d.size)
        sides = (f"{row.treated} v", row.control)
        return [line for side in sides for line in wrap(side, self.label, self.d.size)]

    def draw(self, y: float) -> float:
        """Draw everything from `y` down; return the next baseline."""
        d, plot = self.d, self.plot
        lines = len(self._head_lines())
        lines = max(lines, len(self.effect_head) if self.effect is not None else 1)
        head = y + 14 + (lines - 1) * d.size * 1.3
        self._heads(head)
        top = head + 16
        bottom = top + sum(b.height for b in self.blocks) + self._total_height()
        draw_ground(d, self.axis, [(top, bottom)], null=0.0, band=plot.band)
        if plot.band is not None:
            draw_band_label(d, self.axis, head, plot.band)
        y = top
        d.line(_EDGE, top, d.width - _EDGE, top, role="rule")
        most = max(row.weight for row in plot.rows) or 1.0
        for row, block in zip(plot.rows, self.blocks, strict=True):
            self._row(row, block, y, most)
            y += block.height
        self._total(y)
        return draw_axis(d, self.axis, bottom, title=plot.axis_title, ends=plot.ends, null=0.0)

    def _head_lines(self) -> list[str]:
        head = f"Trial; {_versus(self.plot)}" if self.raw else "Trial"
        return wrap(head, self.label, self.d.size, bold=True)

    def _heads(self, y: float) -> None:
        """Write the headings of the columns, their last lines on the baseline `y`."""
        d = self.d
        self._head(_EDGE, y, self._head_lines(), "start")
        if self.effect is not None:
            self._head(self.effect, y, self.effect_head, "end")
        if self.weight is not None:
            d.text(self.weight, y, "Weight", bold=True, anchor="end")
        if self.rob is not None:
            d.text(self.rob, y, "Bias", bold=True, anchor="middle")

    def _head(self, x: float, y: float, lines: Sequence[str], anchor: str) -> None:
        for i, line in enumerate(reversed(lines)):
            self.d.text(x, y - i * self.d.size * 1.3, line, bold=True, anchor=anchor)

    def _row(self, row: ForestRow, block: _Block, y: float, most: float) -> None:
        d, plot = self.d, self.plot
        middle = y + block.height / 2
        base = middle - (len(block.lines) + len(block.raw)) * d.size * 0.65 + d.size * 0.98
        cut = block.lines[-1].endswith("…")
        if cut:
            d.begin(row.label)
        for i, line in enumerate(block.lines):
            last = i == len(block.lines) - 1
            d.text(_EDGE, base + i * d.size * 1.3, line, sup=block.marks if last else "")
        if cut:
            d.end()
        for i, line in enumerate(block.raw, len(block.lines)):
            d.text(_EDGE, base + i * d.size * 1.3, line, role="neutral")
        _square(d, self.axis, middle, row, most)
        text = middle + d.size * 0.35
        if self.effect is not None:
            shown = plot.effect(row.estimate, row.low, row.high)
            d.text(self.effect, text, shown, anchor="end")
        if self.weight is not None:
            d.text(self.weight, text, percent(row.weight), anchor="end")
        if self.rob is not None and row.rob:
            draw_rob(d, self.rob, middle, row.rob)

    def _total_height(self) -> float:
        t = self.plot.total
        if t is None or len(self.plot.rows) < 2:
            return 6.0
        return 32.0 + (26.0 if t.prediction else 4.0)

    def _total(self, y: float) -> None:
        d, plot = self.d, self.plot
        t = plot.total
        if t is None or len(plot.rows) < 2:
            return
        d.line(_EDGE, y + 2, d.width - _EDGE, y + 2, role="rule")
        x = self.axis.at(t.estimate)
        d.line(x, y - sum(b.height for b in self.blocks), x, y + 12, role="neutral", dash="3 3")
        middle = y + 19
        d.text(_EDGE, middle + 4.5, _total_label(plot), bold=True)
        _diamond(d, self.axis, middle, plot)
        if self.effect is not None:
            shown = plot.effect(t.estimate, t.low, t.high)
            d.text(self.effect, middle + 4.5, shown, bold=True, anchor="end")
        if t.prediction:
            middle += 25
            d.text(_EDGE, middle + 4.5, "Prediction interval")
            _prediction(d, self.axis, middle, t.prediction)
            if self.effect is not None:
                d.text(self.effect, middle + 4.5, plot.interval(*t.prediction), anchor="end")


class _Stacked:
    """The narrow layout: each trial a block of words over its own strip of the plot."""

    strip = 24.0

    def __init__(self, d: Drawing, plot: Plot, columns: Sequence[str]) -> None:
        self.d, self.plot, self.columns = d, plot, columns
        self.axis = _axis(plot, _EDGE + 12, d.width - _EDGE - 12)
        self.strips: list[tuple[float, float]] = []
        self.rules: list[float] = []
        self.raw = "raw" in columns and len(plot.rows) <= _RAW_ROWS

    def draw(self, y: float) -> float:
        """Draw everything from `y` down; return the next baseline."""
        d, plot = self.d, self.plot
        y = self._head(y)
        most = max(row.weight for row in plot.rows) or 1.0
        for row in plot.rows:
            y = self._row(row, y, most)
        y = self._total(y)
        draw_ground(d, self.axis, self.strips, null=0.0, band=plot.band)
        across = f"H{coord(d.width - _EDGE)}"
        d.path("".join(f"M{coord(_EDGE)} {coord(at)}{across}" for at in self.rules), "", "rule")
        return draw_axis(d, self.axis, y, title=plot.axis_title, ends=plot.ends, null=0.0)

    def _head(self, y: float) -> float:
        d, plot = self.d, self.plot
        words = f"Each trial: effect ({100 * plot.level:g}% interval)"
        words += ", weight" if "weight" in self.columns and len(plot.rows) > 1 else ""
        words += f"; {_versus(plot)}" if self.raw and any(map(_raw, plot.rows)) else ""
        y = d.paragraph(_EDGE, y, words, d.width - 2 * _EDGE, role="neutral")
        if plot.band is not None:
            draw_band_label(d, self.axis, y + 6, plot.band)
            y += 18
        return y

    def _strip(self, y: float) -> float:
        """Reserve a strip of the plot from `y` down; return its middle."""
        self.strips.append((y, y + self.strip))
        return y + self.strip / 2

    def _row(self, row: ForestRow, y: float, most: float) -> float:
        d, plot = self.d, self.plot
        self.rules.append(y)
        marks = _marks(plot, row)
        room = d.width - 2 * _EDGE - 26 - (text_width(marks, 12) + 4 if marks else 0)
        y += 20
        if "rob" in self.columns and row.rob:
            draw_rob(d, d.width - _EDGE - 11, y - 6, row.rob)
        lines = shortened(row.label, room, d.size, 3, bold=True)
        for i, line in enumerate(lines):
            d.text(_EDGE, y, line, bold=True, sup=marks if i == len(lines) - 1 else "")
            y += d.size * 1.35
        if "effect" in self.columns:
            d.text(_EDGE, y, plot.effect(row.estimate, row.low, row.high))
        if "weight" in self.columns and len(plot.rows) > 1:
            d.text(d.width - _EDGE, y, percent(row.weight), anchor="end", role="neutral")
        y += d.size * 1.35
        if self.raw and _raw(row):
            y = d.paragraph(_EDGE, y, _raw(row), d.width - 2 * _EDGE, role="neutral")
        y -= d.size * 0.8
        _square(d, self.axis, self._strip(y), row, most)
        return y + self.strip

    def _total(self, y: float) -> float:
        d, plot = self.d, self.plot
        t = plot.total
        if t is None or len(plot.rows) < 2:
            return y
        d.line(_EDGE, y, d.width - _EDGE, y, role="neutral", width=1.5)
        y += 20
        d.text(_EDGE, y, _total_label(plot), bold=True)
        y += d.size * 1.35
        d.text(_EDGE, y, plot.effect(t.estimate, t.low, t.high), bold=True)
        y += d.size * 0.55
        _diamond(d, self.axis, self._strip(y), plot)
        y += self.strip
        if t.prediction:
            y += d.size * 1.35
            d.text(_EDGE, y, f"Prediction interval: {plot.interval(*t.prediction)}")
            y += d.size * 0.55
            _prediction(d, self.axis, self._strip(y), t.prediction)
            y += self.strip
        return y
