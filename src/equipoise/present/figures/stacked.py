"""The narrow forest plot: each trial a block of words over its own strip of the plot."""

from __future__ import annotations

from collections.abc import Sequence

from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, draw_axis, draw_band_label, draw_ground
from equipoise.present.figures.layout import EDGE, RAW_ROWS, marks_of, raw_text, weight_text
from equipoise.present.figures.marks import (
    draw_diamond,
    draw_light,
    draw_prediction,
    draw_rob,
    draw_spread,
    draw_square,
)
from equipoise.present.figures.plot import Line, Plot, letter
from equipoise.present.text import shortened, text_width

_STRIP = 24.0
_LIGHT = 18.0


class Stacked:
    """Draws a plot in the narrow layout."""

    def __init__(self, d: Drawing, plot: Plot, columns: Sequence[str], axis: Axis) -> None:
        self.d, self.plot, self.columns, self.axis = d, plot, columns, axis
        self.strips: list[tuple[float, float]] = []
        self.rules: list[float] = []
        few = len(plot.trials) <= RAW_ROWS
        self.raw = "raw" in columns and few and any(map(raw_text, plot.trials))
        self.weights = "weight" in columns and plot.weighted
        self.most = max([0.0, *(w for w in (x.weight for x in plot.trials) if w == w)]) or 1.0

    @property
    def room(self) -> float:
        """How wide words may be."""
        return self.d.width - 2 * EDGE

    def draw(self, y: float) -> float:
        """Draw everything from `y` down; return the next baseline."""
        d, plot = self.d, self.plot
        y = self._head(y)
        for line in plot.lines:
            if line.kind in ("heading", "words"):
                y = self._words(line, y)
            elif line.kind == "trial":
                y = self._trial(line, y)
            else:
                y = self._total(line, y)
        draw_ground(d, self.axis, self.strips, null=plot.null, band=plot.band)
        across = f"H{coord(d.width - EDGE)}"
        d.path("".join(f"M{coord(EDGE)} {coord(at)}{across}" for at in self.rules), "", "rule")
        return draw_axis(d, self.axis, y + 4, title=plot.axis_title, ends=plot.ends, null=plot.null)

    def _head(self, y: float) -> float:
        d, plot = self.d, self.plot
        head = "Each trial" if plot.label_head == "Trial" else plot.label_head
        words = f"{head}: effect ({100 * plot.level:g}% interval)"
        words += ", weight" if self.weights else ""
        words += f"; {plot.sides[0]} v {plot.sides[1]}" if self.raw else ""
        y = d.paragraph(EDGE, y, words, self.room, role="neutral")
        if plot.band is not None:
            draw_band_label(d, self.axis, y + 6, plot.band)
            y += 18
        return y

    def _strip(self, y: float) -> float:
        """Reserve a strip of the plot from `y` down; return its middle."""
        self.strips.append((y, y + _STRIP))
        return y + _STRIP / 2

    def _words(self, line: Line, y: float) -> float:
        d = self.d
        heading = line.kind == "heading"
        y += 24 if heading else 16
        role = "ink" if heading else "neutral"
        size = 15.0 if heading else d.size
        return d.paragraph(EDGE, y, line.label, self.room, bold=heading, role=role, size=size) - 10

    def _trial(self, line: Line, y: float) -> float:
        d, plot = self.d, self.plot
        self.rules.append(y)
        marks = marks_of(plot, line)
        one = "rob" in self.columns and len(line.rob) == 1 and not plot.domains
        room = self.room - (26 if one else 0) - (text_width(marks, 12) + 4 if marks else 0)
        y += 20
        if one:
            draw_rob(d, d.width - EDGE - 11, y - 6, line.rob[0])
        lines = shortened(line.label, room, d.size, 3, bold=True)
        for i, words in enumerate(lines):
            d.text(EDGE, y, words, bold=True, sup=marks if i == len(lines) - 1 else "")
            y += d.size * 1.35
        weight = weight_text(line) if self.weights else ""
        if weight:
            d.text(d.width - EDGE, y, weight, anchor="end", role="neutral")
        if "effect" in self.columns or not line.known:
            taken = text_width(weight, d.size) + 8 if weight else 0
            y = d.paragraph(EDGE, y, plot.said(line), self.room - taken)
        else:
            y += d.size * 1.35 if weight else 0
        if self.raw and raw_text(line):
            y = d.paragraph(EDGE, y, raw_text(line), self.room, role="neutral")
        y = self._own(line, y)
        y = self._lights(line, y)
        y -= d.size * 0.8
        if not line.known:
            return y + 4
        share = line.weight / self.most if line.weight == line.weight else 0.4
        ends = (line.estimate, line.low, line.high)
        middle = self._strip(y)
        if line.pi is not None:
            draw_spread(d, self.axis, middle, line.pi)
        draw_square(d, self.axis, middle, ends, share, hollow=line.hollow)
        return y + _STRIP

    def _own(self, line: Line, y: float) -> float:
        """Further columns as "heading: value" after each other."""
        raw = ("treated", "control", "n1", "n2")
        told = [
            f"{b.label}\u00a0{b.text(line)}"
            for b in self.plot.beside
            if b.key not in raw and b.text(line)
        ]
        if not told:
            return y
        return self.d.paragraph(EDGE, y, "; ".join(told), self.room, role="neutral")

    def _lights(self, line: Line, y: float) -> float:
        if not self.plot.domains or "rob" not in self.columns or not line.rob:
            return y
        d = self.d
        d.text(EDGE, y + 3, "Bias", role="neutral")
        x = EDGE + text_width("Bias", d.size) + 8
        for i, level in enumerate(line.rob):
            at = x + i * 2 * _LIGHT
            d.text(at, y + 3, letter(i).upper(), role="neutral", anchor="middle", size=12)
            draw_light(d, at + 16, y - 1.5, level)
        return y + 22

    def _total(self, line: Line, y: float) -> float:
        d, plot = self.d, self.plot
        if line.main:
            d.line(EDGE, y, d.width - EDGE, y, role="neutral", width=1.5)
        if line.kind == "prediction":
            y = d.paragraph(EDGE, y + d.size * 1.35, f"{line.label}: {plot.said(line)}", self.room)
            y -= d.size * 0.8
            draw_prediction(d, self.axis, self._strip(y), (line.low, line.high))
            return y + _STRIP
        y = d.paragraph(EDGE, y + 20, line.label, self.room, bold=True)
        y = d.paragraph(EDGE, y, plot.said(line), self.room, bold=line.main) - d.size * 0.8
        ends = (line.estimate, line.low, line.high)
        draw_diamond(d, self.axis, self._strip(y), ends, main=line.main)
        return y + _STRIP
