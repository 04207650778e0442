"""The wide forest plot: names, columns, plot and effects side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.axis import Axis, draw_axis, draw_band_label, draw_ground
from equipoise.present.figures.layout import (
    EDGE,
    LEADING,
    Col,
    Layout,
    light_places,
    marks_of,
    raw_text,
    weight_text,
)
from equipoise.present.figures.marks import (
    draw_diamond,
    draw_light,
    draw_prediction,
    draw_rob,
    draw_spread,
    draw_square,
)
from equipoise.present.figures.plot import Line, Plot
from equipoise.present.text import shortened, text_width, wrap

#: From this number of lines on the rows stand closer.
_MANY = 40


@dataclass(frozen=True, slots=True)
class _Block:
    """A line of the plot with its words broken and its height."""

    line: Line
    label: tuple[str, ...]
    marks: str
    raw: tuple[str, ...]
    height: float


class Wide:
    """Draws a plot in the wide layout."""

    def __init__(self, d: Drawing, plot: Plot, layout: Layout, axis: Axis) -> None:
        self.d, self.plot, self.layout, self.axis = d, plot, layout, axis
        self.row = 21.0 if len(plot.lines) <= _MANY else 18.0
        self.blocks = [self._block(line) for line in plot.lines]
        self.most = max([0.0, *(w for w in (x.weight for x in plot.trials) if w == w)]) or 1.0

    def _block(self, line: Line) -> _Block:
        d, layout = self.d, self.layout
        if line.kind in ("heading", "words"):
            bold = line.kind == "heading"
            words = wrap(line.label, layout.words, d.size, bold=bold)
            high = len(words) * d.size * LEADING + (10 if bold else 5)
            return _Block(line, tuple(words), "", (), high)
        marks = marks_of(self.plot, line)
        room = layout.label - (text_width(marks, 12) + 4 if marks else 0)
        words = shortened(line.label, room, d.size, 3, bold=line.kind == "total")
        raw = tuple(self._raw_lines(line)) if layout.raw and line.kind == "trial" else ()
        rows = len(words) + len(raw)
        cells = [len(c.lines(line, d.size)) for c in layout.columns if c.kind == "beside"]
        rows = max([rows, *cells])
        least = {"total": 27.0, "prediction": 24.0}.get(line.kind, self.row)
        extra = 5.0 if line.kind == "total" and line.main else 0.0
        return _Block(
            line, tuple(words), marks, raw, max(least, rows * d.size * LEADING + 7) + extra
        )

    def _raw_lines(self, line: Line) -> list[str]:
        """Both sides on one line where they fit, else each on its own."""
        whole, room = raw_text(line), self.layout.label
        treated, control = (str(line.cells.get(key) or "") for key in ("treated", "control"))
        if text_width(whole, self.d.size) <= room or not (treated and control):
            return wrap(whole, room, self.d.size) if whole else []
        return [
            part for side in (f"{treated} v", control) for part in wrap(side, room, self.d.size)
        ]

    def draw(self, y: float) -> float:
        """Draw everything from `y` down; return the next baseline."""
        d, plot, axis = self.d, self.plot, self.axis
        head, top = self._heads(y)
        bottom = top + sum(b.height for b in self.blocks) + 6
        draw_ground(d, axis, [(top, bottom)], null=plot.null, band=plot.band)
        if plot.band is not None:
            draw_band_label(d, axis, head, plot.band)
        d.line(EDGE, top, d.width - EDGE, top, role="rule")
        y = top
        for block in self.blocks:
            if block.line.kind == "total" and block.line.main:
                d.line(EDGE, y + 2, d.width - EDGE, y + 2, role="rule")
                if axis.holds(block.line.estimate):
                    x = axis.at(block.line.estimate)
                    run = f"M{coord(x)} {coord(top)}V{coord(y + 8)}"
                    d.path(run, "", "neutral", dash="3 3", under=True)
            self._draw(block, y)
            y += block.height
        return draw_axis(d, axis, bottom, title=plot.axis_title, ends=plot.ends, null=plot.null)

    # --- headings ---------------------------------------------------------------------------

    def _label_head(self) -> list[str]:
        plot = self.plot
        head = plot.label_head
        if self.layout.raw:
            head = f"{head}; {plot.sides[0]} v {plot.sides[1]}"
        return wrap(head, self.layout.label, self.d.size, bold=True)

    def _heads(self, y: float) -> tuple[float, float]:
        """Write the headings; return their last baseline and the top of the plot."""
        d, step = self.d, self.d.size * LEADING
        label = self._label_head()
        groups = self._groups()
        tall = [len(col.heads) for col in self.layout.columns]
        over = [len(words) + max(len(col.heads) for col in cols) + 0.35 for words, cols in groups]
        # A band's label with its bracket stands in the plot's own column.
        lines = max([len(label), 1, *tall, *over])
        base = y + 14 + (lines - 1) * step
        self._stack(EDGE, base, label, "start")
        for col in self.layout.columns:
            self._stack(col.x, base, col.heads, col.anchor)
            if col.kind == "rob" and self.plot.domains:
                for x, mark in light_places(col, self.plot):
                    d.text(x, base, mark, bold=True, anchor="middle")
        for words, cols in groups:
            left, right = cols[0].span[0], cols[-1].span[1]
            at = base - max(len(col.heads) for col in cols) * step
            d.line(left, at + 3, right, at + 3, role="rule")
            self._stack((left + right) / 2, at - 1, words, "middle")
        return base, base + 16

    def _groups(self) -> list[tuple[list[str], list[Col]]]:
        """The headings that neighbouring columns share, broken, with their columns."""
        made: list[tuple[list[str], list[Col]]] = []
        for col in self.layout.columns:
            if not col.group:
                continue
            if made and made[-1][1][-1].group == col.group:
                made[-1][1].append(col)
            else:
                made.append(([], [col]))
        out = []
        for _, cols in made:
            room = cols[-1].span[1] - cols[0].span[0]
            out.append((wrap(cols[0].group, room + 0.01, self.d.size, bold=True), cols))
        return out

    def _stack(self, x: float, y: float, lines: Sequence[str], anchor: str) -> None:
        """Write lines upwards from the baseline of the last."""
        for i, line in enumerate(reversed(lines)):
            if line:
                self.d.text(x, y - i * self.d.size * LEADING, line, bold=True, anchor=anchor)

    # --- lines ------------------------------------------------------------------------------

    def _draw(self, block: _Block, y: float) -> None:
        line, d = block.line, self.d
        shift = 5.0 if line.kind == "total" and line.main else 0.0
        middle = y + shift + (block.height - shift) / 2
        if line.kind in ("heading", "words"):
            top = y + (8 if line.kind == "heading" else 1)
            self._words(block, top + d.size * 0.98, quiet=line.kind == "words")
            return
        rows = len(block.label) + len(block.raw)
        self._words(block, middle - rows * d.size * LEADING / 2 + d.size * 0.98)
        self._mark(line, middle)
        for col in self.layout.columns:
            self._cell(col, line, middle)

    def _words(self, block: _Block, base: float, *, quiet: bool = False) -> None:
        d, line, step = self.d, block.line, self.d.size * LEADING
        bold = line.kind in ("total", "heading") and (line.main or line.kind == "heading")
        cut = block.label[-1].endswith("…") and not line.label.endswith("…")
        if cut:
            d.begin(line.label)
        for i, words in enumerate(block.label):
            sup = block.marks if i == len(block.label) - 1 else ""
            role = "neutral" if quiet else "ink"
            d.text(EDGE, base + i * step, words, sup=sup, bold=bold, role=role)
        if cut:
            d.end()
        for i, words in enumerate(block.raw, len(block.label)):
            d.text(EDGE, base + i * step, words, role="neutral")

    def _mark(self, line: Line, y: float) -> None:
        d, axis, ends = self.d, self.axis, (line.estimate, line.low, line.high)
        if line.kind == "prediction":
            draw_prediction(d, axis, y, (line.low, line.high))
        elif line.kind == "total":
            draw_diamond(d, axis, y, ends, main=line.main)
        elif line.known:
            if line.pi is not None:
                draw_spread(d, axis, y, line.pi)
            share = line.weight / self.most if line.weight == line.weight else 0.4
            draw_square(d, axis, y, ends, share, hollow=line.hollow)

    def _cell(self, col: Col, line: Line, y: float) -> None:
        d, base = self.d, y + self.d.size * 0.35
        if col.kind == "effect":
            role = "ink" if line.known or line.kind == "prediction" else "neutral"
            said = self.plot.said(line)
            d.text(col.x, base, said, anchor="end", bold=line.main, role=role)
        elif col.kind == "weight":
            if weight_text(line):
                d.text(col.x, base, weight_text(line), anchor="end")
        elif col.kind == "rob":
            self._lights(col, line, y)
        else:
            words = [w for w in col.lines(line, d.size) if w]
            first = base - (len(words) - 1) * d.size * LEADING / 2
            for i, text in enumerate(words):
                at = first + i * d.size * LEADING
                d.text(col.x, at, text, anchor=col.anchor, bold=line.main)

    def _lights(self, col: Col, line: Line, y: float) -> None:
        if not self.plot.domains:
            if line.rob and line.kind == "trial":
                draw_rob(self.d, col.x, y, line.rob[0])
            return
        for (x, _), level in zip(light_places(col, self.plot), line.rob, strict=False):
            draw_light(self.d, x, y, level)
